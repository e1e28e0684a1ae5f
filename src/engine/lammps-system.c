/* What the engine `lammps` simulates: an instance fed with the script, command by command, and what it then knows about the system. */
#include "lammps-impl.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* In the order of tp_lammps_unit_words. Angstrom, fs and kcal/mol; Angstrom, ps and eV; reduced units are reduced units. */
static const TpLammpsUnits units[] = {
    {.length = 0.1, .time = 1e-3, .energy = 4.184},
    {.length = 0.1, .time = 1.0, .energy = 96.48533212331002},
    {.length = 1.0, .time = 1.0, .energy = 1.0},
};

static const double start_temperature[] = {300.0, 300.0, 1.0}; /* what ${temperature} is while the script is read */

TpLammpsCode TpLammpsFormat(TpLammps lammps, const char *format, ...)
{
  char    command[512];
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(command, sizeof(command), format, arguments);
  va_end(arguments);
  return TpLammpsCommand(lammps, command);
}

void TpLammpsGiveUp(TpLammpsEngine *data)
{
  TpLog(TP_LOG_WARNING, "LAMMPS: %s", TpLammpsError());
  TpLammpsDestroy(&data->lammps);
}

/* ------------------------------------------------------------------------------------------------------------- script */

#define TpCallScript(call, ...) TpCheckInput((call) == TP_LAMMPS_OK, "engine.lammps.script: " __VA_ARGS__)

/* Tempera's own fixes come before the script's: fix shake has to see the thermostat's forces. They wait for the box. */
static PetscErrorCode AddOwnFixes(const TpEngineSettings *settings, TpLammpsEngine *data, PetscBool *are_added)
{
  TpLammpsSystem system;

  PetscFunctionBeginUser;
  if (*are_added || settings->lammps.thermostat != TP_LAMMPS_THERMOSTAT_TEMPERA) PetscFunctionReturn(PETSC_SUCCESS);
  TpCallScript(TpLammpsDescribe(data->lammps, &system), "LAMMPS: %s", TpLammpsError());
  if (!system.has_box) PetscFunctionReturn(PETSC_SUCCESS);
  TpCallScript(TpLammpsAddThermostat(data), "LAMMPS: %s", TpLammpsError());
  *are_added = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether a command may take the clock on, or set it. */
static PetscBool MovesClock(const char *text)
{
  static const char *const words[] = {"minimize", "read_restart", "read_dump", "reset_timestep"};
  char                     first[TP_LAMMPS_WORD];

  TpLammpsGetWord(text, 0, first);
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i)
    if (!strcmp(first, words[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode Feed(const TpEngineSettings *settings, TpLammpsEngine *data, const TpLammpsLine *line)
{
  TpLammpsSystem before, after;

  PetscFunctionBeginUser;
  PetscCall(TpLammpsCheckCommand(settings, line, &data->fixes));
  TpCallScript(TpLammpsDescribe(data->lammps, &before), "%s: LAMMPS: %s", line->place, TpLammpsError());
  /* atoms are found by number, and keep their places in memory: sums depend on the order. An atom_style forgets, a box makes it final */
  if (!before.has_box)
    TpCallScript(TpLammpsCommand(data->lammps, "atom_modify map array sort 0 0"), "%s: LAMMPS: %s", line->place,
                 TpLammpsError());
  TpCallScript(TpLammpsCommand(data->lammps, line->text), "%s: LAMMPS: %s", line->place, TpLammpsError());
  TpCallScript(TpLammpsDescribe(data->lammps, &after), "%s: LAMMPS: %s", line->place, TpLammpsError());
  TpCheckInput(after.step == before.step || MovesClock(line->text),
               "engine.lammps.script: %s: it ran %lld steps; Tempera runs the dynamics", line->place,
               (long long)(after.step - before.step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FeedAll(const TpEngineSettings *settings, TpLammpsEngine *data)
{
  PetscBool are_added = PETSC_FALSE;

  PetscFunctionBeginUser;
  data->fixes.count = 0;
  TpCallScript(TpLammpsCreate(&data->lammps), "LAMMPS: %s", TpLammpsError());
  if (settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_SCRIPT) {
    TpCallScript(
        TpLammpsFormat(data->lammps, "variable temperature string %g", start_temperature[settings->lammps.units]),
        "LAMMPS: %s", TpLammpsError());
    TpCallScript(TpLammpsCommand(data->lammps, "variable seed string 1"), "LAMMPS: %s", TpLammpsError());
  }
  for (PetscInt i = 0; i < data->script.count; ++i) {
    PetscCall(Feed(settings, data, &data->script.line[i]));
    PetscCall(AddOwnFixes(settings, data, &are_added));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- checks */

/* A fix that came from an `if` or a variable has been checked by nobody. */
static PetscErrorCode CheckNoOtherFix(const TpEngineSettings *settings, TpLammpsEngine *data)
{
  char id[TP_LAMMPS_WORD];
  int  count;

  PetscFunctionBeginUser;
  TpCallScript(TpLammpsCountFixes(data->lammps, &count), "LAMMPS: %s", TpLammpsError());
  for (int i = 0; i < count; ++i) {
    PetscBool is_known;

    TpCallScript(TpLammpsGetFix(data->lammps, i, sizeof(id), id), "LAMMPS: %s", TpLammpsError());
    is_known = strncmp(id, "tempera_", 8) ? PETSC_FALSE : PETSC_TRUE;
    for (PetscInt j = 0; j < data->fixes.count && !is_known; ++j)
      is_known = strcmp(id, data->fixes.fix[j].id) ? PETSC_FALSE : PETSC_TRUE;
    TpCheckInput(
        is_known,
        "engine.lammps.script: %s: fix %s is made by an if, a variable or an include that can't be followed; write it "
        "into the script",
        settings->lammps.script, id);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSystem(const TpEngineSettings *settings, TpLammpsEngine *data)
{
  const char           *path         = settings->lammps.script;
  const TpLammpsSystem *system       = &data->system;
  const double          timestep     = settings->timestep / data->units.time;
  PetscBool             has_timestep = PETSC_FALSE;

  PetscFunctionBeginUser;
  TpCallScript(TpLammpsDescribe(data->lammps, &data->system), "LAMMPS: %s", TpLammpsError());
  TpCheckInput(system->has_box && system->num_particles > 0, "engine.lammps.script: %s defines no atoms", path);
  TpCheckInput(system->dimension == 3, "engine.lammps.script: %s: dimension %d; allowed: 3", path, system->dimension);
  TpCheckInput(!strcmp(system->units, tp_lammps_unit_words[settings->lammps.units]),
               "engine.lammps.script: %s has units %s, but engine.lammps.units is %s", path, system->units,
               tp_lammps_unit_words[settings->lammps.units]);
  TpCheckInput(!system->has_orientation,
               "engine.lammps.script: %s: its atom_style has orientations or spins; allowed: atoms with positions and "
               "velocities",
               path);
  for (int k = 1; k < 3; ++k)
    TpCheckInput(!system->periodic[k] == !system->periodic[0],
                 "engine.lammps.script: %s: the box is periodic in some directions only; allowed: in all, or in none",
                 path);
  for (PetscInt i = 0; i < data->script.count; ++i) {
    char first[TP_LAMMPS_WORD];

    TpLammpsGetWord(data->script.line[i].text, 0, first);
    if (!strcmp(first, "timestep")) has_timestep = PETSC_TRUE;
  }
  TpCheckInput(!has_timestep || fabs(system->timestep - timestep) <= 1e-9 * timestep,
               "engine.lammps.script: %s sets the timestep %g, but engine.timestep is %g in units %s", path,
               system->timestep, timestep, system->units);
  PetscCall(CheckNoOtherFix(settings, data));
  PetscCall(TpLammpsCheckFixes(settings, &data->fixes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without a target that follows the ladder, all rungs would have one temperature. */
static PetscErrorCode CheckVariables(const TpEngineSettings *settings, const TpLammpsEngine *data)
{
  char first[TP_LAMMPS_WORD];

  PetscFunctionBeginUser;
  if (settings->lammps.thermostat != TP_LAMMPS_THERMOSTAT_SCRIPT) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < data->fixes.count; ++i) {
    PetscBool follows = data->fixes.fix[i].is_thermostat ? PETSC_FALSE : PETSC_TRUE;

    for (PetscInt j = 0; j < data->script.count && !follows; ++j) {
      const TpLammpsLine *line = &data->script.line[j];

      TpLammpsGetWord(line->text, 0, first);
      if (!strcmp(first, "fix") && line->place == data->fixes.fix[i].place && strstr(line->text, "${temperature}"))
        follows = PETSC_TRUE;
    }
    TpCheckInput(follows,
                 "engine.lammps.script: %s: fix %s (%s) has a temperature of its own; write ${temperature}, which "
                 "Tempera sets for "
                 "each rung",
                 data->fixes.fix[i].place, data->fixes.fix[i].id, data->fixes.fix[i].style);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- open */

static PetscErrorCode Prepare(const TpEngineSettings *settings, TpLammpsEngine *data)
{
  static const char *const commands[] = {
      "atom_modify sort 0 0",
      "thermo_style custom step pe", /* also ends a thermo_modify: lost atoms are errors */
      "thermo 0",
      "timer off", /* its clock would be read some ten times in a step */
      "reset_timestep 0",
      "run 0 post no",
  };

  PetscFunctionBeginUser;
  PetscCall(CheckSystem(settings, data));
  PetscCall(CheckVariables(settings, data));
  TpCallScript(TpLammpsFormat(data->lammps, "timestep %.17g", settings->timestep / data->units.time), "LAMMPS: %s",
               TpLammpsError());
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
    TpCallScript(TpLammpsCommand(data->lammps, commands[i]), "%s: LAMMPS: %s", settings->lammps.script,
                 TpLammpsError());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* File names in a script are meant as they are read beside it. The program's own folder is taken up again whatever happens. */
PetscErrorCode TpLammpsOpen(TpEngine engine, TpLammpsEngine *data)
{
  const int      here = open(".", O_RDONLY | O_DIRECTORY);
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  data->units = units[engine->settings->lammps.units];
  PetscCheck(here >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "the working folder can't be opened");
  if (chdir(data->script.folder))
    code = TpInputError("engine.lammps.script: the folder %s can't be entered", data->script.folder);
  if (!code) code = FeedAll(engine->settings, data);
  if (!code) engine->info.system_hash = TpLammpsHashScript(TP_HASH_START, &data->script);
  const PetscBool is_back = fchdir(here) ? PETSC_FALSE : PETSC_TRUE;
  close(here);
  PetscCall(code);
  PetscCheck(is_back, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "the working folder can't be entered again");
  PetscCall(Prepare(engine->settings, data));
  PetscCall(PetscArrayzero(data->current_box, 9));
  data->script_temperature = -1.0; /* none yet */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ inspect */

static PetscErrorCode Allocate(TpLammpsEngine *data)
{
  const PetscInt size = 3 * data->system.num_particles;

  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc5(size / 3, &data->mass, size, &data->start_x, size, &data->x, size, &data->v, size, &data->image));
  PetscCall(PetscMalloc4(size, &data->cell, size / 3, &data->thermostat.drag, size / 3, &data->thermostat.kick, size,
                         &data->thermostat.noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadBox(TpLammpsEngine *data, TpEngineInfo *info)
{
  PetscFunctionBeginUser;
  data->is_periodic = data->system.periodic[0] ? PETSC_TRUE : PETSC_FALSE;
  for (int i = 0; i < 9 && data->is_periodic; ++i) data->box[i] = data->units.length * data->system.box[i];
  PetscCall(PetscArraycpy(data->current_box, data->box, 9));
  info->has_box = data->is_periodic;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The library answers with a warning where atoms are not numbered 1, 2, ...: then nothing comes back. */
static PetscErrorCode ReadStart(const TpEngineSettings *settings, TpLammpsEngine *data)
{
  const PetscInt size = 3 * data->system.num_particles;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < size; ++i) {
    data->x[i]     = NAN;
    data->image[i] = data->cell[i] = 0;
  }
  TpCallScript(TpLammpsTake(data, data->start_x, NULL, &data->start_energy), "LAMMPS: %s", TpLammpsError());
  for (PetscInt i = 0; i < size; ++i)
    TpCheckInput(isfinite(data->start_x[i]),
                 "engine.lammps.script: %s: the atoms are not numbered 1 to %d; add: reset_atom_ids",
                 settings->lammps.script, data->system.num_particles);
  TpCheckInput(isfinite(data->start_energy),
               "engine.lammps.script: %s: the start positions have no finite energy; add: minimize",
               settings->lammps.script);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The velocities serve to measure a temperature, as LAMMPS does not tell how many degrees of freedom it divides by. */
static PetscErrorCode CountConstraints(const TpEngineSettings *settings, TpLammpsEngine *data,
                                       PetscInt *num_constraints)
{
  const int num_particles = data->system.num_particles;
  double    degrees, *v;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(3 * num_particles, &v));
  TpRandomNormal(0, TP_RANDOM_INITIAL_VELOCITY, 0, 0, 3 * num_particles, v);
  TpLammpsCode code = TpLammpsPut(data, data->start_x, v, NULL);
  PetscCall(PetscFree(v));
  if (code == TP_LAMMPS_OK) code = TpLammpsCommand(data->lammps, "run 0 post no");
  if (code == TP_LAMMPS_OK) code = TpLammpsCountDegreesOfFreedom(data->lammps, data->mass, &degrees);
  TpCallScript(code, "%s: LAMMPS: %s", settings->lammps.script, TpLammpsError());
  *num_constraints = (PetscInt)lround(3.0 * num_particles - 3.0 - degrees);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadConstraints(const TpEngineSettings *settings, TpLammpsEngine *data, TpEngineInfo *info)
{
  const char *path = settings->lammps.script;
  PetscInt    expected;
  int         count = 0, *pairs;

  PetscFunctionBeginUser;
  PetscCall(CountConstraints(settings, data, &expected));
  if (expected == 0) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(expected > 0, "engine.lammps.script: %s: compute_modify changes the degrees of freedom; take it out",
               path);
  PetscCall(PetscMalloc1(2 * expected, &pairs));
  PetscCall(PetscMalloc1(2 * expected, &data->constraints));
  const TpLammpsCode code = TpLammpsGetConstraints(data->lammps, (int)expected, pairs, &count);
  for (PetscInt i = 0; i < 2 * PetscMin(expected, count); ++i) data->constraints[i] = pairs[i];
  PetscCall(PetscFree(pairs));
  TpCallScript(code, "%s: LAMMPS: %s", path, TpLammpsError());
  TpCheckInput(count == expected,
               "engine.lammps.script: %s: its temperature misses %" PetscInt_FMT
               " degrees of freedom, but %d distances are kept; allowed: fix shake, fix rattle",
               path, expected, count);
  info->num_constraints = expected;
  info->constraints     = data->constraints;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool KeepsMomentum(const TpEngineSettings *settings, const TpLammpsFixes *fixes)
{
  if (settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_TEMPERA) return PETSC_FALSE;
  for (PetscInt i = 0; i < fixes->count; ++i)
    if (fixes->fix[i].is_thermostat && !fixes->fix[i].keeps_momentum) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* What the script leaves open, and what its variables may have done. */
static uint64_t HashRest(uint64_t hash, const TpEngineSettings *settings, const TpLammpsEngine *data)
{
  const double numbers[] = {settings->timestep, settings->friction, (double)settings->lammps.units,
                            (double)settings->lammps.thermostat};

  hash = TpHashBytes(hash, numbers, sizeof(numbers));
  hash = TpHashBytes(hash, data->box, sizeof(data->box));
  return TpHashBytes(hash, data->mass, (size_t)data->system.num_particles * sizeof(double));
}

PetscErrorCode TpLammpsInspect(TpEngine engine, TpLammpsEngine *data)
{
  const TpEngineSettings *settings = engine->settings;
  TpEngineInfo           *info     = &engine->info;
  const char             *version;

  PetscFunctionBeginUser;
  PetscCall(Allocate(data));
  PetscCall(ReadBox(data, info));
  PetscCall(ReadStart(settings, data));
  TpCallScript(TpLammpsGetMasses(data->lammps, data->mass), "LAMMPS: %s", TpLammpsError());
  TpLammpsFillThermostat(engine, data);
  PetscCall(ReadConstraints(settings, data, info));
  TpCallScript(TpLammpsVersion(data->lammps, &version), "LAMMPS: %s", TpLammpsError());
  PetscCall(PetscSNPrintf(data->name, sizeof(data->name), "lammps %s", version));
  info->name               = data->name;
  info->size               = 3 * data->system.num_particles;
  info->num_particles      = data->system.num_particles;
  info->dimension          = 3;
  info->mass               = data->mass;
  info->degrees_of_freedom = info->size - info->num_constraints - (KeepsMomentum(settings, &data->fixes) ? 3 : 0);
  info->deterministic      = settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_TEMPERA ? PETSC_TRUE : PETSC_FALSE;
  info->system_hash        = HashRest(info->system_hash, settings, data);
  TpCheckInput(info->degrees_of_freedom > 0, "engine.lammps.script: %s has no moving degree of freedom",
               settings->lammps.script);
  PetscFunctionReturn(PETSC_SUCCESS);
}
