/* The engine `openmm`: a serialized System, moved by OpenMM's LangevinMiddleIntegrator (LFMiddle: Zhang et al., J. Phys. Chem. A 123 (2019) 6056).

   OpenMM keeps a sequence of random numbers, neighbour lists and a step count. To depend on nothing but the state and the moment, every
   stretch of dynamics begins with a Context made anew from a seed of (seed, rung, round). Platforms with devices would compile their
   kernels again each time; their sums are not reproducible anyway, so there the Context is made once, at the first stretch. */
#include "openmm-impl.h"

#include <math.h>
#include <string.h>

static const double constraint_tolerance   = 1e-6; /* relative */
static const double minimize_tolerance     = 10.0; /* kJ/mol/nm, root mean square of the forces: OpenMM's default */
static const int    minimize_max_iteration = 10000;

/* ---------------------------------------------------------------------------------------------------------- platform */

static PetscBool HasWord(const char *list, const char *word)
{
  const size_t length = strlen(word);

  for (const char *next = list; *next; next += strspn(next, ", ")) {
    const size_t size = strcspn(next, ",");

    if (size == length && !strncmp(next, word, length)) return PETSC_TRUE;
    next += size;
  }
  return PETSC_FALSE;
}

/* OpenMM does not tell how many devices there are, but it refuses an index beyond them before it does anything else. */
static TpOpenMMCode OpenOnDevice(TpOpenMMEngine *data, TpOpenMMSettings *settings, PetscInt local_rank)
{
  int          has_devices, wrapped;
  TpOpenMMCode code;

  settings->device = (int)local_rank;
  while ((code = TpOpenMMOpen(data->openmm, settings, &has_devices)) != TP_OPENMM_OK) {
    if (!has_devices || settings->device == 0 || !strstr(TpOpenMMError(), "DeviceIndex")) return code;
    --settings->device;
  }
  data->has_devices = has_devices ? PETSC_TRUE : PETSC_FALSE;
  wrapped           = (int)local_rank % (settings->device + 1);
  if (settings->device == (int)local_rank || settings->device == wrapped) return code;
  settings->device = wrapped;
  return TpOpenMMOpen(data->openmm, settings, &has_devices);
}

static PetscErrorCode OpenPlatform(TpEngine engine, TpOpenMMEngine *data, PetscInt local_rank)
{
  const TpEngineSettings *settings = engine->settings;
  const char      *platform = settings->openmm.platform ? settings->openmm.platform : "", *version, *platforms, *folder;
  TpOpenMMSettings wanted   = {
        .platform      = platform,
        .threads       = (long)settings->openmm.threads,
        .deterministic = settings->openmm.deterministic,
        .timestep      = settings->timestep,
        .friction      = settings->friction,
        .tolerance     = constraint_tolerance,
  };

  PetscFunctionBeginUser;
  TpCallOpenMM(TpOpenMMLibrary(&version, &platforms, &folder));
  TpCheckInput(
      HasWord(platforms, platform),
      "engine.openmm.platform: '%s' is not available; OpenMM %s has %s here (others are plugins, looked for in %s)",
      platform, version, platforms, folder);
  TpCheckInput(wanted.threads >= 1, "engine.openmm.threads: %ld; allowed: 1 or more", wanted.threads);
  TpCheckInput(OpenOnDevice(data, &wanted, local_rank) == TP_OPENMM_OK,
               "engine.openmm: platform %s refuses this System: %s", platform, TpOpenMMShortError());
  PetscCall(PetscSNPrintf(data->name, sizeof(data->name), "openmm %s %s", version, platform));
  engine->info.name = data->name;
  /* the Reference platform is serial code; CPU promises it on request; devices are not begun anew each round */
  engine->info.deterministic =
      !strcmp(platform, "Reference") || (!strcmp(platform, "CPU") && wanted.deterministic) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------ create and destroy */

static PetscErrorCode Create(TpEngine engine, PetscInt local_rank)
{
  const TpEngineSettings *settings = engine->settings;
  TpOpenMMEngine         *data;

  PetscFunctionBeginUser;
  TpCheckInput(settings->timestep > 0.0 && isfinite(settings->timestep), "engine.timestep: %g; allowed: greater than 0",
               settings->timestep);
  TpCheckInput(settings->friction > 0.0 && isfinite(settings->friction), "engine.friction: %g; allowed: greater than 0",
               settings->friction);
  PetscCall(PetscNew(&data));
  engine->data = data;
  PetscCall(TpOpenMMReadSystem(engine, data));
  PetscCall(OpenPlatform(engine, data, local_rank));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpEngine engine)
{
  TpOpenMMEngine *data = engine->data;

  PetscFunctionBeginUser;
  if (!data) PetscFunctionReturn(PETSC_SUCCESS);
  if (data->openmm) TpOpenMMDestroy(&data->openmm);
  for (PetscInt i = 0; i < data->num_starts; ++i) PetscCall(TpTopologyDestroy(&data->start[i]));
  PetscCall(PetscFree(data->start));
  PetscCall(PetscFree2(data->mass, data->constraints));
  PetscCall(PetscFree(data));
  engine->data = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- dynamics */

/* A coordinate that is NaN is an answer, not an error: it is written into the result. */
static PetscErrorCode Settle(TpOpenMMCode code, PetscBool *is_finite)
{
  PetscFunctionBeginUser;
  if (code == TP_OPENMM_NOT_FINITE)
    *is_finite = PETSC_FALSE;
  else
    TpCallOpenMM(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetBox(TpOpenMMEngine *data, const double box[])
{
  PetscFunctionBeginUser;
  if (data->system.has_box) TpCallOpenMM(TpOpenMMSetBox(data->openmm, box));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The energy costs an evaluation of the forces, which are wanted with it sometimes. */
static PetscErrorCode GetEnergy(TpOpenMMEngine *data, double *energy, double forces[])
{
  PetscBool is_finite = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(Settle(TpOpenMMGet(data->openmm, NULL, NULL, forces, energy), &is_finite));
  if (is_finite) PetscFunctionReturn(PETSC_SUCCESS);
  *energy = NAN;
  for (int i = 0; forces && i < 3 * data->system.num_particles; ++i) forces[i] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* OpenMM takes the motion of the centre of mass away while it steps; a start should not have it either. */
static void RemoveMotion(const TpOpenMMEngine *data, double v[])
{
  double momentum[3] = {0.0, 0.0, 0.0}, total = 0.0;

  for (int i = 0; i < data->system.num_particles; ++i) {
    total += data->mass[i];
    for (int j = 0; j < 3; ++j) momentum[j] += data->mass[i] * v[3 * i + j];
  }
  for (int i = 0; i < data->system.num_particles; ++i)
    for (int j = 0; j < 3 && data->mass[i] > 0.0; ++j) v[3 * i + j] -= momentum[j] / total;
}

static PetscErrorCode Start(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state)
{
  TpOpenMMEngine *data = engine->data;

  PetscFunctionBeginUser;
  if (data->system.has_box) memcpy(state->box, data->system.box, sizeof(state->box));
  PetscCall(SetBox(data, state->box));
  TpCallOpenMM(TpOpenMMSetPositions(data->openmm, data->start[walker % data->num_starts].x));
  if (engine->settings->openmm.minimize)
    TpCallOpenMM(TpOpenMMMinimize(data->openmm, minimize_tolerance, minimize_max_iteration));
  TpCallOpenMM(TpOpenMMConstrainPositions(data->openmm, constraint_tolerance));
  TpEngineDrawVelocities(&engine->info, seed, walker, temperature, state->v);
  TpCallOpenMM(TpOpenMMSetVelocities(data->openmm, state->v));
  TpCallOpenMM(TpOpenMMConstrainVelocities(data->openmm, constraint_tolerance));
  TpCallOpenMM(TpOpenMMGet(data->openmm, state->x, state->v, NULL, NULL));
  if (data->system.removes_motion) RemoveMotion(data, state->v);
  PetscCall(GetEnergy(data, &state->energy, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A seed that OpenMM takes: 31 bits, not 0, which would mean a new one each time. */
static int SeedOf(const TpMoment *moment)
{
  const uint64_t bits =
      TpRandomBits(moment->seed, TP_RANDOM_ENGINE_SEED, (uint32_t)moment->rung, (uint64_t)moment->round);

  return (int)(bits % 0x7fffffff) + 1;
}

static PetscErrorCode Begin(TpOpenMMEngine *data, double temperature, const TpMoment *moment, const TpState *state)
{
  PetscFunctionBeginUser;
  TpCallOpenMM(TpOpenMMSetTemperature(data->openmm, temperature));
  if (!data->has_devices || !data->is_seeded) TpCallOpenMM(TpOpenMMRestart(data->openmm, SeedOf(moment)));
  data->is_seeded = PETSC_TRUE;
  PetscCall(SetBox(data, state->box));
  TpCallOpenMM(TpOpenMMSetPositions(data->openmm, state->x));
  TpCallOpenMM(TpOpenMMSetVelocities(data->openmm, state->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Advance(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                              TpState *state)
{
  TpOpenMMEngine *data      = engine->data;
  PetscBool       is_finite = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(Begin(data, temperature, moment, state));
  PetscCall(Settle(TpOpenMMStep(data->openmm, num_steps), &is_finite));
  /* a step leaves half of its noise along the constrained bonds, and the next one begins by taking that away: done here, kinetic energies are right */
  if (is_finite && num_steps > 0)
    PetscCall(Settle(TpOpenMMConstrainVelocities(data->openmm, constraint_tolerance), &is_finite));
  TpCallOpenMM(TpOpenMMGet(data->openmm, state->x, state->v, NULL, NULL));
  PetscCall(GetEnergy(data, &state->energy, NULL));
  if (!is_finite) state->energy = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Energy(TpEngine engine, const double x[], const double box[], double *energy, double forces[])
{
  TpOpenMMEngine *data = engine->data;

  PetscFunctionBeginUser;
  PetscCall(SetBox(data, box ? box : data->system.box));
  TpCallOpenMM(TpOpenMMSetPositions(data->openmm, x));
  PetscCall(GetEnergy(data, energy, forces));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(char text[], size_t length)
{
  const char *version, *platforms, *folder;

  PetscFunctionBeginUser;
  TpCallOpenMM(TpOpenMMLibrary(&version, &platforms, &folder));
  PetscCall(PetscSNPrintf(text, length, "OpenMM %s (platforms %s)", version, platforms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpEngineOps TpEngineOpenMM = {
    .name     = "openmm",
    .summary  = "OpenMM: a serialized System and start positions from PDB files",
    .create   = Create,
    .start    = Start,
    .advance  = Advance,
    .energy   = Energy,
    .destroy  = Destroy,
    .describe = Describe,
};
