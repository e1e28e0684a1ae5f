/* The table of engines, and the checks that all of them share. */
#include "engine-impl.h"

#include <math.h>
#include <string.h>

const char *const tp_engine_words[]            = {"model", "openmm", "lammps", NULL};
const char *const tp_lammps_unit_words[]       = {"real", "metal", "lj", NULL};
const char *const tp_lammps_thermostat_words[] = {"tempera", "script", NULL};

/* In the order of the words. The units of an engine are known even where it is not built in: inputs can be checked
   anywhere. */
static const struct {
  TpUnitSystem       units;
  const TpEngineOps *ops; /* NULL: not built in */
  const char        *how; /* how to get it */
} engines[] = {
    {TP_UNITS_REDUCED, &TpEngineModel, ""},
#ifdef TP_HAVE_OPENMM
    {TP_UNITS_MOLECULAR, &TpEngineOpenMM, ""},
#else
    {TP_UNITS_MOLECULAR, NULL, "this build has no OpenMM; install libopenmm-dev and configure again"},
#endif
#ifdef TP_HAVE_LAMMPS
    {TP_UNITS_MOLECULAR, &TpEngineLammps, ""},
#else
    {TP_UNITS_MOLECULAR, NULL, "this build has no LAMMPS; install liblammps-dev and configure again"},
#endif
};

static const PetscInt num_engines = sizeof(engines) / sizeof(engines[0]);

TpUnitSystem TpEngineUnits(PetscInt kind, PetscInt lammps_units)
{
  if (!strcmp(tp_engine_words[kind], "lammps") && !strcmp(tp_lammps_unit_words[lammps_units], "lj"))
    return TP_UNITS_REDUCED;
  return engines[kind].units;
}

PetscErrorCode TpEngineCreate(const TpEngineSettings *settings, PetscInt local_rank, TpEngine *engine)
{
  const PetscInt kind = settings->kind;
  TpEngine       made = NULL;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *engine = NULL;
  PetscCheck(kind >= 0 && kind < num_engines, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "no engine %" PetscInt_FMT,
             kind);
  TpCheckInput(engines[kind].ops, "engine.kind: %s: %s", tp_engine_words[kind], engines[kind].how);
  PetscCall(PetscNew(&made));
  made->ops        = engines[kind].ops;
  made->settings   = settings;
  made->info.units = TpEngineUnits(kind, settings->lammps.units);

  code = made->ops->create(made, local_rank);
  if (code) PetscCall(TpEngineDestroy(&made));
  PetscCall(code);
  *engine = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineDestroy(TpEngine *engine)
{
  PetscFunctionBeginUser;
  if (*engine) PetscCall((*engine)->ops->destroy(*engine));
  PetscCall(PetscFree(*engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineGetInfo(TpEngine engine, const TpEngineInfo **info)
{
  PetscFunctionBeginUser;
  *info = &engine->info;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckState(TpEngine engine, double temperature, const TpState *state)
{
  PetscFunctionBeginUser;
  PetscCheck(state->size == engine->info.size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a state of %" PetscInt_FMT " coordinates, the engine has %" PetscInt_FMT, state->size, engine->info.size);
  PetscCheck(temperature > 0 && isfinite(temperature), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "temperature %g",
             temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineStart(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state)
{
  PetscFunctionBeginUser;
  PetscCall(CheckState(engine, temperature, state));
  PetscCheck(walker >= 0 && walker <= UINT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "walker %" PetscInt64_FMT,
             walker);
  state->walker = walker;
  memset(state->box, 0, sizeof(state->box));
  PetscCall(engine->ops->start(engine, seed, walker, temperature, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineAdvance(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                               TpState *state)
{
  PetscFunctionBeginUser;
  PetscCall(CheckState(engine, temperature, state));
  PetscCheck(num_steps >= 0 && moment->rung >= 0 && moment->round >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%" PetscInt64_FMT " steps, rung %" PetscInt_FMT ", round %" PetscInt64_FMT, num_steps, moment->rung,
             moment->round);
  engine->has_lost_atoms = PETSC_FALSE;
  PetscCall(engine->ops->advance(engine, temperature, num_steps, moment, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpEngineHasLostAtoms(TpEngine engine)
{
  return engine->has_lost_atoms;
}

PetscErrorCode TpEngineEnergy(TpEngine engine, const double x[], const double box[], double *energy, double forces[])
{
  PetscFunctionBeginUser;
  PetscCall(engine->ops->energy(engine, x, box, energy, forces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineSampleExact(TpEngine engine, uint64_t seed, uint32_t sample, double temperature,
                                   PetscBool *possible, double x[])
{
  PetscFunctionBeginUser;
  PetscCheck(temperature > 0 && isfinite(temperature), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "temperature %g",
             temperature);
  *possible = PETSC_FALSE;
  if (engine->ops->sample_exact) PetscCall(engine->ops->sample_exact(engine, seed, sample, temperature, possible, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineDescribeBuild(char text[], size_t length)
{
  size_t used = 0;

  PetscFunctionBeginUser;
  text[0] = '\0';
  for (PetscInt kind = 0; kind < num_engines && used + 1 < length; ++kind) {
    const TpEngineOps *ops = engines[kind].ops;

    if (ops && !ops->describe) continue;
    if (used) PetscCall(PetscStrlcat(text, "; ", length));
    PetscCall(PetscStrlen(text, &used));
    if (ops)
      PetscCall(ops->describe(text + used, length - used));
    else
      PetscCall(PetscSNPrintf(text + used, length - used, "%s: not built in", tp_engine_words[kind]));
    PetscCall(PetscStrlen(text, &used));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEngineCheckMoment(const TpMoment *moment, PetscInt64 num_steps)
{
  const PetscInt64 max_steps = (INT64_C(1) << 24) - 1, max_rounds = INT64_C(1) << 32;

  PetscFunctionBeginUser;
  TpCheckInput(num_steps <= max_steps, "%" PetscInt64_FMT " steps in one round; allowed: at most %" PetscInt64_FMT,
               num_steps, max_steps);
  TpCheckInput(moment->round < max_rounds, "round %" PetscInt64_FMT "; allowed: below %" PetscInt64_FMT, moment->round,
               max_rounds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpEngineDrawVelocities(const TpEngineInfo *info, uint64_t seed, PetscInt64 walker, double temperature, double v[])
{
  TpRandomNormal(seed, TP_RANDOM_INITIAL_VELOCITY, (uint32_t)walker, 0, info->size, v);
  for (PetscInt i = 0; i < info->num_particles; ++i) {
    const double width = info->mass[i] > 0 ? sqrt(TpBoltzmann(info->units) * temperature / info->mass[i]) : 0;

    for (PetscInt k = 0; k < info->dimension; ++k) v[i * info->dimension + k] *= width;
  }
}

uint64_t TpHashBytes(uint64_t hash, const void *bytes, size_t length)
{
  const unsigned char *byte = bytes;

  for (size_t i = 0; i < length; ++i) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
  return hash;
}
