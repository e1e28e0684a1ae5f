/* trajectory/rung-*.h5: one H5MD file per rung, written by the trainer group together. */
#include "run-impl.h"

struct TpTrajectories_ {
  TpRun                run; /* kept, the caller's */
  PetscInt             num_rungs;
  PetscInt             num_owned;  /* rungs t, t + K, ... whose states come to this trainer */
  PetscInt             capacity;   /* frames in the buffers */
  PetscInt             num_frames; /* in the buffers */
  TpTrajectorySettings settings;
  TpFile              *files;       /* [rungs] */
  PetscInt64          *first_frame; /* [rungs] the buffers' place in each file */
  TpState              state;       /* scratch */
  float               *x;           /* [owned, capacity, size] */
  float               *v;           /* [owned, capacity, size] */
  float               *box;         /* [owned, capacity, 9] */
  double              *energy;      /* [owned, capacity] */
  PetscInt64          *walker;      /* [owned, capacity] */
};

static PetscErrorCode Path(TpRun run, PetscInt rung, char path[PETSC_MAX_PATH_LEN])
{
  char name[64];

  PetscFunctionBeginUser;
  snprintf(name, sizeof(name), "trajectory/rung-%03d.h5", (int)rung);
  PetscCall(TpRunPath(run, name, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A new run makes the file. A restart goes on with it, which may mean to make it anew, for another length, interval or content; or makes it now, if
  there was none. Where no frames are to come, a file is still freed of those behind the restart.
*/
static PetscErrorCode PrepareFile(TpTrajectories trajectories, PetscInt rung, const char *path, PetscBool wanted)
{
  TpRun              run    = trajectories->run;
  const TpFileHeader header = {.format     = TP_TRAJECTORY_FORMAT,
                               .version    = TP_TRAJECTORY_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters,
                               .placed     = PETSC_TRUE};
  const PetscInt64   done   = run->first_round * run->settings.ladder.interval;
  PetscBool          exists = PETSC_FALSE, made_anew = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (run->first_round > 0) PetscCall(TpPathExists(run->groups->group, path, &exists));
  if (!exists && wanted)
    PetscCall(TpTrajectoryCreate(run->groups->group, path, &header, &trajectories->settings, done));
  if (exists)
    PetscCall(TpTrajectoryContinue(run->groups->group, path, &header, &trajectories->settings, done,
                                   &trajectories->first_frame[rung], &made_anew));
  if (made_anew && run->is_writer && rung == 0)
    TpLog(TP_LOG_PRODUCTION, "trajectories are made anew; frames so far are kept");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrepareFiles(TpTrajectories trajectories, PetscBool wanted)
{
  TpRun run = trajectories->run;
  char  path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "trajectory", path));
  if (wanted) PetscCall(TpFolderCreate(run->groups->group, path));
  for (PetscInt k = 0; k < trajectories->num_rungs; ++k) {
    PetscCall(Path(run, k, path));
    PetscCall(PrepareFile(trajectories, k, path, wanted));
    if (wanted)
      PetscCall(TpFileOpenForUpdate(run->groups->group, path, TP_TRAJECTORY_FORMAT, TP_TRAJECTORY_VERSION,
                                    &trajectories->files[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpTrajectorySettings SettingsOf(TpRun run)
{
  const PetscInt64 steps = run->settings.ladder.interval;

  return (TpTrajectorySettings){.num_particles   = run->system.num_particles,
                                .dimension       = run->system.dimension,
                                .has_box         = run->system.has_box,
                                .velocities      = run->settings.output.velocities,
                                .units           = run->system.units,
                                .timestep        = run->settings.engine.timestep,
                                .steps_per_frame = run->settings.output.trajectory_interval * steps,
                                .num_steps       = run->settings.run.rounds * steps,
                                .creator_version = TpVersionLine(),
                                .mass            = run->system.mass};
}

PetscErrorCode TpTrajectoriesCreate(TpRun run, TpTrajectories *trajectories)
{
  TpTrajectories   new_trajectories;
  TpGroups         groups   = run->groups;
  const PetscInt64 interval = run->settings.output.trajectory_interval;
  const PetscBool  wanted   = interval && run->settings.run.rounds >= interval ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_trajectories));
  new_trajectories->run       = run;
  new_trajectories->num_rungs = run->ladder->num_rungs;
  new_trajectories->num_owned =
      (run->ladder->num_rungs - groups->group_rank + groups->num_trainers - 1) / groups->num_trainers;
  new_trajectories->capacity = wanted ? (PetscInt)(run->settings.output.report_interval / interval + 1) : 0;
  new_trajectories->settings = SettingsOf(run);
  const PetscInt frames      = PetscMax(1, new_trajectories->num_owned) * new_trajectories->capacity;
  PetscCall(PetscCalloc2(new_trajectories->num_rungs, &new_trajectories->files, new_trajectories->num_rungs,
                         &new_trajectories->first_frame));
  PetscCall(PetscMalloc5(frames * run->system.size, &new_trajectories->x, frames * run->system.size,
                         &new_trajectories->v, frames * 9, &new_trajectories->box, frames, &new_trajectories->energy,
                         frames, &new_trajectories->walker));
  PetscCall(TpStateCreate(run->system.size, &new_trajectories->state));
  PetscCall(PrepareFiles(new_trajectories, wanted));
  if (!wanted) PetscCall(TpTrajectoriesDestroy(&new_trajectories));
  *trajectories = new_trajectories;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesDestroy(TpTrajectories *trajectories)
{
  PetscFunctionBeginUser;
  if (!*trajectories) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < (*trajectories)->num_rungs; ++k) PetscCall(TpFileClose(&(*trajectories)->files[k]));
  PetscCall(TpStateDestroy(&(*trajectories)->state));
  PetscCall(PetscFree2((*trajectories)->files, (*trajectories)->first_frame));
  PetscCall(PetscFree5((*trajectories)->x, (*trajectories)->v, (*trajectories)->box, (*trajectories)->energy,
                       (*trajectories)->walker));
  PetscCall(PetscFree(*trajectories));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesAdd(TpTrajectories trajectories, PetscInt64 round, PetscInt count, const double states[])
{
  const PetscInt size  = trajectories->run->system.size;
  const PetscInt place = trajectories->num_frames++;
  TpState       *state = &trajectories->state;

  PetscFunctionBeginUser;
  PetscCheck(place < trajectories->capacity && count == trajectories->num_owned, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "frame %" PetscInt_FMT " of %" PetscInt_FMT " in round %" PetscInt64_FMT, place, trajectories->capacity,
             round);
  for (PetscInt i = 0; i < count; ++i) {
    const PetscInt at = i * trajectories->capacity + place;

    TpStateUnpack(states + i * TpStatePackedSize(size), state);
    for (PetscInt j = 0; j < size; ++j) {
      trajectories->x[at * size + j] = (float)state->x[j];
      trajectories->v[at * size + j] = (float)state->v[j];
    }
    for (PetscInt j = 0; j < 9; ++j) trajectories->box[at * 9 + j] = (float)state->box[j];
    trajectories->energy[at] = state->energy;
    trajectories->walker[at] = state->walker;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesFlush(TpTrajectories trajectories)
{
  const int      rank = trajectories->run->groups->group_rank, num_trainers = trajectories->run->groups->num_trainers;
  const PetscInt size = trajectories->run->system.size;

  PetscFunctionBeginUser;
  if (!trajectories->num_frames) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt k = 0; k < trajectories->num_rungs; ++k) {
    const PetscBool  owned = TpStreamStateOwner(num_trainers, k) == rank ? PETSC_TRUE : PETSC_FALSE;
    const PetscInt   at    = owned ? k / num_trainers * trajectories->capacity : 0;
    const PetscInt64 count = owned ? trajectories->num_frames : 0;

    PetscCall(TpTrajectoryWrite(trajectories->files[k], &trajectories->settings, trajectories->first_frame[k], count,
                                trajectories->x + at * size, trajectories->v + at * size, trajectories->box + at * 9,
                                trajectories->energy + at, trajectories->walker + at));
    trajectories->first_frame[k] += trajectories->num_frames;
  }
  trajectories->num_frames = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
