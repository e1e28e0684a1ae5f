/* What the files of the engine `lammps` share. */
#pragma once

#include "engine-impl.h"
#include "lammps-bridge.h"

/* The words of engine.lammps.thermostat, in the order of tp_lammps_thermostat_words. */
enum { TP_LAMMPS_THERMOSTAT_TEMPERA, TP_LAMMPS_THERMOSTAT_SCRIPT };

/* ------------------------------------------------------------------------------------------------------------- script */

/* A command of an input script: lines joined, comments taken out; and where it stands, as "in.melt:12". */
typedef struct {
  char *text;
  char *place;
} TpLammpsLine;

typedef struct {
  PetscInt      count, capacity;
  TpLammpsLine *line;
  char         *folder; /* of the script: what its relative file names start from */
} TpLammpsScript;

enum { TP_LAMMPS_WORD = 256 };

/* Read the script and what it includes. Free with TpLammpsScriptDestroy(), also after an error. */
PetscErrorCode TpLammpsScriptRead(const char *path, TpLammpsScript *script);
PetscErrorCode TpLammpsScriptDestroy(TpLammpsScript *script);

/* Word `index` (the command itself is 0) of a command, "" if there are not so many; quotes around it are dropped. */
void TpLammpsGetWord(const char *text, int index, char word[TP_LAMMPS_WORD]);

/* Hash the commands, the contents of every file that one of their words names, and the environment variables that they read. In the script's
   folder. */
uint64_t TpLammpsHashScript(uint64_t hash, const TpLammpsScript *script);

/* -------------------------------------------------------------------------------------------------------------- rules */

/* A fix that the script made. */
typedef struct {
  char        id[TP_LAMMPS_WORD], style[TP_LAMMPS_WORD];
  const char *place; /* the script's */
  PetscBool   needs_energy, has_energy;
  PetscBool   moves, keeps_momentum;
  PetscBool   is_thermostat;
} TpLammpsKnownFix;

typedef struct {
  PetscInt          count, capacity;
  TpLammpsKnownFix *fix;
} TpLammpsFixes;

/* Refuse a command that takes what is Tempera's; keep the list of fixes. Called before LAMMPS gets the command. */
PetscErrorCode TpLammpsCheckCommand(const TpEngineSettings *settings, const TpLammpsLine *line, TpLammpsFixes *fixes);

/* The fixes that are left at the end of the script. */
PetscErrorCode TpLammpsCheckFixes(const TpEngineSettings *settings, const TpLammpsFixes *fixes);

/* ------------------------------------------------------------------------------------------------------------- system */

/* One unit of LAMMPS in units of Tempera. */
typedef struct {
  double length, time, energy;
} TpLammpsUnits;

/* What the thermostat's forces are made of, in LAMMPS's units. */
typedef struct {
  PetscBool is_on; /* else there are no such forces */
  TpMoment  moment;
  double    scale; /* sqrt of the temperature */
  double   *drag;  /* [num_particles] force at the velocity 1 */
  double   *kick;  /* [num_particles] force at the temperature 1 and a random number of 1 */
  double   *noise; /* [num_particles, 3] work space */
} TpLammpsThermostat;

typedef struct {
  TpLammps       lammps; /* NULL: to be made again, as the last one met an error */
  TpLammpsScript script;
  TpLammpsFixes  fixes;
  TpLammpsUnits  units;
  TpLammpsSystem system; /* in LAMMPS's units */
  PetscBool      is_periodic;
  double         box[9];             /* of the script, nm */
  double         current_box[9];     /* of the instance, nm */
  double         script_temperature; /* that the script's fixes were made for */
  double         start_energy;
  double        *mass;         /* [num_particles] */
  double        *start_x;      /* [num_particles, 3] nm, not folded into the box */
  PetscInt      *constraints;  /* [num_constraints, 2] */
  double        *x, *v;        /* [num_particles, 3] LAMMPS's units, folded */
  int           *image, *cell; /* [num_particles, 3] what LAMMPS has, and the true one */
  char           name[64];

  TpLammpsThermostat thermostat;
} TpLammpsEngine;

/* LAMMPS's last message goes into a warning; the instance is given up. */
void TpLammpsGiveUp(TpLammpsEngine *data);

/* Make the instance and feed it the script. Fills the hash. */
PetscErrorCode TpLammpsOpen(TpEngine engine, TpLammpsEngine *data);

/* Fill engine->info from the instance that TpLammpsOpen() made. */
PetscErrorCode TpLammpsInspect(TpEngine engine, TpLammpsEngine *data);

/* Positions (nm), velocities (nm/ps; NULL: zero) and the box into the instance; and out again. */
TpLammpsCode TpLammpsPut(TpLammpsEngine *data, const double x[], const double v[], const double box[]);
TpLammpsCode TpLammpsTake(TpLammpsEngine *data, double x[], double v[], double *energy);

/* --------------------------------------------------------------------------------------------------------- thermostat */

/* The fixes of engine.lammps.thermostat: tempera, without forces yet. The box exists. */
TpLammpsCode TpLammpsAddThermostat(TpLammpsEngine *data);

/* What the masses decide on. */
void TpLammpsFillThermostat(TpEngine engine, TpLammpsEngine *data);

/* From now on: a temperature and the random numbers of a moment, whoever keeps it; NULL: no thermostat's forces. */
TpLammpsCode TpLammpsSetThermostat(TpEngine engine, double temperature, const TpMoment *moment);

/* A command made like printf. */
TpLammpsCode TpLammpsFormat(TpLammps lammps, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
