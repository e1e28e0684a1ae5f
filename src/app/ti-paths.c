/* Paths of members and targets, and the trainer whose network lies on them. */
#include "ti-impl.h"

#include <math.h>

enum { TRAJECTORY_ROWS = 64 }; /* trajectories that go through the network together */

/* beta U of the engine, for a path. */
typedef struct {
  TpEngine engine;
  double   beta;
  PetscInt size;
} Potential;

static PetscErrorCode BetaEnergy(void *context, const double x[], double *energy, double gradient[])
{
  const Potential *potential = context;

  PetscFunctionBeginUser;
  PetscCall(TpEngineEnergy(potential->engine, x, NULL, energy, gradient));
  *energy *= potential->beta;
  for (PetscInt k = 0; k < potential->size; ++k) gradient[k] *= -potential->beta;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpPathSettings Settings(TpTi ti, const TpTiSystem *system)
{
  const TpSettings *settings = &ti->run->settings;

  return (TpPathSettings){.kind       = ti->is_fluid ? TP_PATH_FLUID : TP_PATH_GAUSSIAN,
                          .size       = system->size,
                          .beta       = system->beta,
                          .centred    = ti->is_fluid ? PETSC_FALSE : ti->is_centred,
                          .mean       = system->mean,
                          .scale      = system->scale,
                          .lowest     = system->lowest,
                          .potential  = BetaEnergy,
                          .box_length = settings->engine.model.box_length,
                          .noise_min  = settings->ti.noise_min,
                          .noise_max  = settings->ti.noise_max};
}

/* Rows of a member's learning, or of trajectories. */
static PetscInt MaxRows(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;

  return ti->is_fluid ? TRAJECTORY_ROWS
                      : PetscMax(TRAJECTORY_ROWS, (PetscInt)(settings->training.batch / settings->stream.num_shards));
}

/* The path keeps its context, which lives as long. parameters NULL: the classical path. */
static PetscErrorCode CreatePath(TpTi ti, const TpTiSystem *system, const TpNumber parameters[], TpPath *path)
{
  TpPathSettings settings = Settings(ti, system);
  Potential     *potential;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&potential));
  *potential       = (Potential){.engine = ti->engine, .beta = system->beta, .size = system->size};
  settings.context = potential;
  PetscCall(TpPathCreate(&settings, MaxRows(ti), path));
  if (parameters)
    PetscCall(TpPathSetNetwork(*path, ti->trainer->network, ti->trainer->workspace, parameters,
                               TpConditionOf(&ti->condition, system->temperature)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- scaling */

/* Mean and deviation of each coordinate of y; of free particles, whose coordinates turn into each other, one deviation and no mean. */
static PetscErrorCode Measure(TpTi ti, TpTiMember *member)
{
  TpTiSystem    *system = &member->system;
  TpPathSettings settings;
  TpPath         path;
  double        *x, *y, sum = 0.0;

  PetscFunctionBeginUser;
  settings = Settings(ti, system);
  PetscCall(TpPathCreate(&settings, 1, &path)); /* not scaled yet */
  const PetscInt n       = TpPathSize(path);
  const double   inverse = 1.0 / (double)ti->num_frames;

  PetscCall(PetscCalloc2(n, &system->mean, n, &system->scale));
  PetscCall(PetscMalloc2(system->size, &x, n, &y));
  for (int pass = 0; pass < 2; ++pass)
    for (PetscInt64 i = 0; i < ti->num_frames; ++i) {
      for (PetscInt k = 0; k < system->size; ++k) x[k] = (double)member->x[i * system->size + k];
      TpPathFromEngine(path, x, y);
      for (PetscInt k = 0; k < n; ++k) {
        if (!pass && !ti->is_centred) system->mean[k] += y[k] * inverse;
        if (pass) system->scale[k] += (y[k] - system->mean[k]) * (y[k] - system->mean[k]) * inverse;
      }
    }
  for (PetscInt k = 0; k < n; ++k) sum += system->scale[k] / (double)n;
  for (PetscInt k = 0; k < n; ++k) system->scale[k] = sqrt(ti->is_centred ? sum : system->scale[k]);
  system->lowest = INFINITY;
  for (PetscInt64 i = 0; i < ti->num_frames; ++i)
    system->lowest = PetscMin(system->lowest, system->beta * member->energy[i]);
  PetscCall(PetscFree2(x, y));
  PetscCall(TpPathDestroy(&path));
  for (PetscInt k = 0; k < n; ++k)
    TpCheckInput(isfinite(system->scale[k]) && system->scale[k] > 0.0,
                 "coordinate %d does not move at temperature %g; ti needs configurations that do", (int)k,
                 system->temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Configurations in coordinates of their paths. */
static PetscErrorCode EncodeConfigurations(TpTi ti)
{
  PetscInt64 total = 0, done = 0;
  double    *x, *y;

  PetscFunctionBeginUser;
  for (PetscInt m = 0; m < ti->num_members; ++m) total += ti->num_frames * TpPathSize(ti->members[m].system.neural);
  PetscCall(PetscMalloc1(ti->num_members, &ti->data));
  PetscCall(PetscMalloc1(total, &ti->y));
  PetscCall(PetscMalloc2(ti->max_size, &x, ti->max_size, &y));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    const TpTiMember *member = &ti->members[m];
    const PetscInt    n      = TpPathSize(member->system.neural);

    ti->data[m] = (TpEnergyData){.path = member->system.neural, .count = ti->num_frames, .y = ti->y + done};
    for (PetscInt64 i = 0; i < ti->num_frames; ++i, done += n) {
      for (PetscInt k = 0; k < member->system.size; ++k) x[k] = (double)member->x[i * member->system.size + k];
      TpPathFromEngine(member->system.neural, x, y);
      for (PetscInt k = 0; k < n; ++k) ti->y[done + k] = (float)y[k];
    }
  }
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- trainer */

static PetscErrorCode CreateTrainer(TpTi ti)
{
  TpRun                  run      = ti->run;
  const TpSettings      *settings = &run->settings;
  const TpEnergySettings energy   = {.kind       = ti->is_fluid ? TP_ENERGY_FLUID : TP_ENERGY_MLP,
                                     .width      = settings->network.width,
                                     .depth      = settings->network.depth,
                                     .embedding  = settings->network.embedding,
                                     .radial     = settings->ti.radial,
                                     .box_length = settings->engine.model.box_length,
                                     .cutoff     = settings->ti.cutoff};
  const PetscInt         inputs   = ti->is_fluid ? 3 : ti->members[0].system.size - (ti->is_centred ? 3 : 0);

  PetscFunctionBeginUser;
  PetscCall(TpEnergyTrainerCreate(&settings->training, settings->ti.training_steps, &energy, inputs,
                                  run->ladder->num_rungs > 1 ? 1 : 0, ti->is_fluid ? ti->max_size / 3 : MaxRows(ti),
                                  ti->max_size, (int)settings->stream.num_shards, (uint64_t)settings->run.seed,
                                  run->groups->is_replica ? MPI_COMM_NULL : run->groups->group, &ti->trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiCreatePaths(TpTi ti)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(ti->run->groups->world, CreateTrainer(ti)));
  for (PetscInt m = 0; m < ti->num_members && !code; ++m) {
    TpTiSystem *system = &ti->members[m].system;

    if (!ti->is_fluid) code = Measure(ti, &ti->members[m]);
    if (!code) code = CreatePath(ti, system, ti->trainer->adam.parameters, &system->neural);
    if (!code) code = CreatePath(ti, system, NULL, &system->classical);
  }
  PetscCall(TpAgree(ti->run->groups->world, code));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    TpTiSystem *system = &ti->targets[i].system;

    if (!ti->is_fluid) *system = ti->members[i].system; /* its scaling too */
    PetscCall(CreatePath(ti, system, ti->trainer->adam.average, &system->neural));
  }
  PetscCall(EncodeConfigurations(ti));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyPath(TpPath *path)
{
  void *context;

  PetscFunctionBeginUser;
  if (!*path) PetscFunctionReturn(PETSC_SUCCESS);
  context = TpPathContext(*path);
  PetscCall(TpPathDestroy(path));
  PetscCall(PetscFree(context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiDestroyPaths(TpTi ti)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < ti->num_targets; ++i) PetscCall(DestroyPath(&ti->targets[i].system.neural));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiSystem *system = &ti->members[m].system;

    PetscCall(DestroyPath(&system->neural));
    PetscCall(DestroyPath(&system->classical));
    PetscCall(PetscFree2(system->mean, system->scale));
  }
  PetscCall(TpEnergyTrainerDestroy(&ti->trainer));
  PetscCall(PetscFree(ti->data));
  PetscCall(PetscFree(ti->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
