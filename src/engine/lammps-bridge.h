/* LAMMPS's library behind a C header: its errors come back as codes, where LAMMPS by itself would end the program. No PETSc here, no
   policy: that is lammps.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TpLammps_ *TpLammps;

/* What every call returns. After TP_LAMMPS_FAILED the instance is lost: every further call fails, but for TpLammpsDestroy(). */
typedef enum { TP_LAMMPS_OK, TP_LAMMPS_FAILED } TpLammpsCode;

/* What LAMMPS said when the last call failed, in one line. Ours. */
const char *TpLammpsError(void);

/* An instance on MPI_COMM_SELF, which shows nothing and leaves no file; styles are those of LAMMPS's package OPT, where it has them. Free with
   TpLammpsDestroy(). */
TpLammpsCode TpLammpsCreate(TpLammps *lammps);
void         TpLammpsDestroy(TpLammps *lammps);

/* Release as "29 Sep 2021". */
TpLammpsCode TpLammpsVersion(TpLammps lammps, const char **version);

/* One command, as a line of an input script. */
TpLammpsCode TpLammpsCommand(TpLammps lammps, const char *command);

typedef struct {
  int     has_box; /* a simulation box is defined */
  int     num_particles;
  int     dimension;
  int     periodic[3];
  int     has_orientation; /* atoms have more than a position and a velocity */
  int64_t step;
  double  timestep;
  double  box[9];    /* [3, 3] rows are box vectors */
  double  origin[3]; /* corner of the box */
  char    units[16];
} TpLammpsSystem;

TpLammpsCode TpLammpsDescribe(TpLammps lammps, TpLammpsSystem *system);

/* The fixes that exist, by their names. */
TpLammpsCode TpLammpsCountFixes(TpLammps lammps, int *count);
TpLammpsCode TpLammpsGetFix(TpLammps lammps, int index, size_t size, char id[]);

/* Masses [num_particles]. */
TpLammpsCode TpLammpsGetMasses(TpLammps lammps, double mass[]);

/* Degrees of freedom that LAMMPS's own temperature has: 3 less than free atoms, and 1 for each constraint. After a run; velocities are not 0. */
TpLammpsCode TpLammpsCountDegreesOfFreedom(TpLammps lammps, const double mass[], double *degrees);

/* Forces that are not the script's, in LAMMPS's units: forces [count, 3] of the atoms whose numbers, from 1, are tag [count] and whose
   velocities are v [count, 3], at a step that counts from the last reset_timestep. Set all of them. */
typedef void (*TpLammpsForces)(void *context, int64_t step, int count, const int tag[], const double v[],
                               double forces[]);

/* A fix of this name calls `forces` wherever forces are evaluated, also by minimize. The box exists. */
TpLammpsCode TpLammpsAddForces(TpLammps lammps, const char *fix, TpLammpsForces forces, void *context);

/* Pairs of atoms (from 0) that a fix keeps at fixed distances: the first `limit` into `pairs` [limit, 2], their number into `count`.
   Molecular systems only; makes a run of no steps. */
TpLammpsCode TpLammpsGetConstraints(TpLammps lammps, int limit, int pairs[], int *count);

/* Arrays are [num_particles, 3] in the order of the atoms' numbers; images say how many boxes away from x an atom really is. */
TpLammpsCode TpLammpsScatter(TpLammps lammps, const double x[], const double v[], const int image[]);

/* What is not wanted is NULL. The energy is that of the last step. */
TpLammpsCode TpLammpsGather(TpLammps lammps, double x[], double v[], double forces[], int image[], double *energy);

/* Make the box another one; box [3, 3] as in TpLammpsSystem. */
TpLammpsCode TpLammpsSetBox(TpLammps lammps, const double origin[], const double box[]);

#ifdef __cplusplus
}
#endif
