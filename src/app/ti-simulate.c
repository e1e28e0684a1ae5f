/* Configurations to learn from: simulated on the replica group, or read from another run. */
#include "ti-impl.h"

#include <math.h>
#include <string.h>

/* Pairs closer than this are no configuration of the fluid. */
static const double overlap = 0.6;

PetscInt TpTiOwner(TpTi ti, PetscInt member)
{
  return member % ti->run->groups->num_replicas;
}

static PetscBool IsMine(TpTi ti, PetscInt member)
{
  TpGroups groups = ti->run->groups;

  return groups->is_replica && groups->group_rank == TpTiOwner(ti, member) ? PETSC_TRUE : PETSC_FALSE;
}

/* ------------------------------------------------------------------------------------------------------------- engines */

/* Only what has coordinates without bounds has a path to a Gaussian. */
static PetscErrorCode CheckEngine(TpTi ti, const TpEngineInfo *info)
{
  PetscFunctionBeginUser;
  TpCheckInput(ti->is_fluid || !info->has_box,
               "engine.kind: %s is periodic; ti has a path for lj-fluid and for systems without a box", info->name);
  TpCheckInput(info->period <= 0.0, "engine.kind: the coordinates of %s are angles, which have no path to a Gaussian",
               info->name);
  TpCheckInput(info->num_constraints == 0, "engine.kind: %s has %d constraints; ti needs a system without", info->name,
               (int)info->num_constraints);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateMember(TpTi ti, PetscInt m)
{
  TpTiMember         *member = &ti->members[m];
  const TpEngineInfo *info;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&member->engine_settings, ti->run->groups->local_rank, &member->engine));
  PetscCall(TpEngineGetInfo(member->engine, &info));
  PetscCall(CheckEngine(ti, info));
  PetscCall(TpStateCreate(info->size, &member->state));
  PetscCall(TpEngineStart(member->engine, (uint64_t)ti->run->settings.run.seed, m, member->system.temperature,
                          &member->state));
  TpCheckInput(TpStateIsFinite(&member->state), "the start configuration of member %d has no finite energy", (int)m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The engine that gives a path its forces tells the size of a system that is no fluid. */
static PetscErrorCode CreateForces(TpTi ti)
{
  const TpEngineInfo *info;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&ti->members[0].engine_settings, ti->run->groups->local_rank, &ti->engine));
  PetscCall(TpEngineGetInfo(ti->engine, &info));
  PetscCall(CheckEngine(ti, info));
  snprintf(ti->run->system.engine, sizeof(ti->run->system.engine), "%s", info->name);
  ti->run->system.units = info->units;
  ti->is_centred        = info->dimension == 3 && !info->has_box ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt i = 0; !ti->is_fluid && i < ti->num_members; ++i)
    ti->members[i].system.size = ti->targets[i].system.size = info->size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiCreateSystems(TpTi ti)
{
  PetscFunctionBeginUser;
  PetscCall(CreateForces(ti));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiMember *member = &ti->members[m];

    if (IsMine(ti, m)) PetscCall(CreateMember(ti, m));
    PetscCall(PetscCalloc2(ti->num_frames * member->system.size, &member->x, ti->num_frames, &member->energy));
  }
  for (PetscInt i = 0; i < ti->num_targets; ++i) ti->max_size = PetscMax(ti->max_size, ti->targets[i].system.size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiDestroySystems(TpTi ti)
{
  PetscFunctionBeginUser;
  PetscCall(TpExchangeDestroy(&ti->exchange));
  PetscCall(TpEngineDestroy(&ti->engine));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiMember *member = &ti->members[m];

    PetscCall(TpEngineDestroy(&member->engine));
    PetscCall(TpStateDestroy(&member->state));
    PetscCall(PetscFree2(member->x, member->energy));
  }
  for (PetscInt i = 0; i < ti->num_targets; ++i)
    PetscCall(PetscFree5(ti->targets[i].integral, ti->targets[i].coarse, ti->targets[i].weight,
                         ti->targets[i].integrand, ti->targets[i].squares));
  PetscCall(PetscFree(ti->members));
  PetscCall(PetscFree(ti->targets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- round */

static PetscErrorCode Advance(TpTi ti, PetscInt m, PetscInt64 round)
{
  const TpSettings *settings = &ti->run->settings;
  TpTiMember       *member   = &ti->members[m];
  const TpMoment    moment   = {.seed = (uint64_t)settings->run.seed, .rung = m, .round = round};
  const PetscInt64  frame    = round - settings->training.start_round;

  PetscFunctionBeginUser;
  PetscCall(
      TpEngineAdvance(member->engine, member->system.temperature, settings->ladder.interval, &moment, &member->state));
  if (!TpStateIsFinite(&member->state))
    PetscFunctionReturn(TpStopError("the configuration of %d particles at temperature %g is not finite after round "
                                    "%" PetscInt64_FMT "; lower engine.timestep",
                                    (int)member->system.num_particles, member->system.temperature, round));
  if (frame < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < member->system.size; ++k)
    member->x[frame * member->system.size + k] = (float)member->state.x[k];
  member->energy[frame] = member->state.energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiSimulateRound(TpTi ti, PetscInt64 round)
{
  PetscErrorCode code = PETSC_SUCCESS;
  TpSwap         swap;

  PetscFunctionBeginUser;
  for (PetscInt m = 0; m < ti->num_members; ++m)
    if (IsMine(ti, m) && !code) code = Advance(ti, m, round);
  /* A partner waits for this rank also if its configuration went bad; such a swap is refused. */
  if (ti->exchange)
    PetscCall(TpExchangeAttempt(ti->exchange, round, &ti->members[ti->run->groups->group_rank].state, &swap, NULL));
  PetscFunctionReturn(code);
}

PetscErrorCode TpTiShareConfigurations(TpTi ti)
{
  TpGroups groups = ti->run->groups;

  PetscFunctionBeginUser;
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiMember *member = &ti->members[m];
    const int   root   = groups->replica_rank[TpTiOwner(ti, m)];

    for (PetscInt64 i = 0; i < ti->num_frames; i += 1024) { /* pieces: a count of messages is an int */
      const PetscInt64 count = PetscMin(1024, ti->num_frames - i);

      PetscCall(TpBroadcast(member->x + i * member->system.size, (int)(count * member->system.size), MPI_FLOAT, root,
                            groups->world, NULL));
      PetscCall(TpBroadcast(member->energy + i, (int)count, MPI_DOUBLE, root, groups->world, NULL));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- read */

static PetscErrorCode CheckFinite(TpTi ti, const char *path, PetscInt m)
{
  const TpTiMember *member = &ti->members[m];

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < ti->num_frames; ++i) {
    PetscBool is_finite = isfinite(member->energy[i]) ? PETSC_TRUE : PETSC_FALSE;

    for (PetscInt k = 0; k < member->system.size; ++k)
      if (!isfinite(member->x[i * member->system.size + k])) is_finite = PETSC_FALSE;
    TpCheckInput(is_finite,
                 "ti.configurations: %s: configuration %" PetscInt64_FMT
                 " of /members/%d is not finite; allowed: finite "
                 "positions and energies",
                 path, i, (int)m);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckOverlaps(TpTi ti, const char *path, PetscInt m)
{
  const TpTiMember *member = &ti->members[m];
  const double      length = ti->run->settings.engine.model.box_length;
  const PetscInt    size   = member->system.size;
  double           *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &y));
  for (PetscInt64 i = 0; i < ti->num_frames; ++i) {
    PetscInt pair[2];

    for (PetscInt k = 0; k < size; ++k) y[k] = (double)member->x[i * size + k] / length;
    const double closest = TpClosestPair(length, size / 3, y, pair);

    TpCheckInput(closest >= overlap,
                 "ti.configurations: %s: configuration %" PetscInt64_FMT " of %d particles has an overlap: particles "
                 "%d and %d are %.3g apart; allowed: %g at least",
                 path, i, (int)size / 3, (int)pair[0], (int)pair[1], closest, overlap);
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiReadConfigurations(TpTi ti)
{
  const char *path = ti->run->settings.ti.configurations;
  TpFile      file;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(ti->run->groups->world, path, TP_TI_FORMAT, TP_TI_VERSION, &file));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiMember *member = &ti->members[m];
    PetscInt64  shape[2];
    char        name[64];

    snprintf(name, sizeof(name), "/members/%d/positions", (int)m);
    PetscCall(TpFileShape(file, name, 2, shape));
    TpCheckInput(shape[0] >= ti->num_frames && shape[1] == member->system.size,
                 "ti.configurations: %s: %s has %" PetscInt64_FMT " configurations of %" PetscInt64_FMT
                 " coordinates; allowed: %" PetscInt64_FMT " (run.rounds - training.start_round) of %d",
                 path, name, shape[0], shape[1], ti->num_frames, (int)member->system.size);
    PetscCall(TpFileReadRows(file, name, TP_FILE_FLOAT, 0, ti->num_frames, member->x));
    snprintf(name, sizeof(name), "/members/%d/energy", (int)m);
    PetscCall(TpFileReadRows(file, name, TP_FILE_DOUBLE, 0, ti->num_frames, member->energy));
    PetscCall(CheckFinite(ti, path, m));
    if (ti->is_fluid) PetscCall(CheckOverlaps(ti, path, m));
  }
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
