/* trajectory/rung-*.h5 and walker-*.h5: H5MD files, written by the trainer group together. */
#include "frame-buffer.h"

const char *const tp_trajectories_words[] = {"rung", "walker", "both", NULL};

/* The files of all rungs, or of all walkers. */
typedef struct {
  PetscBool            by_walker;
  PetscBool            wanted; /* frames are to come */
  TpTrajectorySettings settings;
  TpFile              *files;       /* [rungs] */
  PetscInt64          *first_frame; /* [rungs] the buffer's place in each file */
  TpFrameBuffer        buffer;      /* of those that this trainer writes */
} Set;

struct TpTrajectories_ {
  TpRun    run; /* kept, the caller's */
  PetscInt num_rungs;
  PetscInt num_frames; /* in the buffers */
  TpState  state;      /* scratch */
  Set      sets[2];    /* of rungs, which states come by; of walkers */
};

void TpTrajectoryName(PetscBool by_walker, PetscInt index, size_t size, char name[])
{
  snprintf(name, size, "trajectory/%s-%03d.h5", by_walker ? "walker" : "rung", (int)index);
}

PetscBool TpTrajectoriesWanted(TpRun run, PetscBool by_walker)
{
  const PetscInt other = by_walker ? TP_TRAJECTORIES_RUNG : TP_TRAJECTORIES_WALKER;

  return TpRunTrajectoryFrames(run) > 0 && run->settings.output.trajectories != other ? PETSC_TRUE : PETSC_FALSE;
}

/* -------------------------------------------------------------------------------------------------------------- files */

/*
  A new run makes the file. A restart goes on with it, which may mean to make it anew, for another length, interval or content; or makes it now, if
  there was none. Where no frames are to come, a file is still freed of those behind the restart.
*/
static PetscErrorCode PrepareFile(TpRun run, Set *set, PetscInt index, const char *path)
{
  const TpFileHeader header = {.format     = TP_TRAJECTORY_FORMAT,
                               .version    = TP_TRAJECTORY_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters,
                               .placed     = PETSC_TRUE};
  const PetscInt64   done   = PetscMax(run->first_round, TpRunFirstKept(run)) * run->settings.ladder.interval;
  PetscBool          exists = PETSC_FALSE, made_anew = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (run->first_round > 0) PetscCall(TpPathExists(run->groups->group, path, &exists));
  if (!exists && set->wanted) PetscCall(TpTrajectoryCreate(run->groups->group, path, &header, &set->settings, done));
  if (exists)
    PetscCall(TpTrajectoryContinue(run->groups->group, path, &header, &set->settings, done, &set->first_frame[index],
                                   &made_anew));
  if (made_anew && run->is_writer && index == 0)
    TpLog(TP_LOG_PRODUCTION, "trajectories are made anew, those of %s; frames so far are kept",
          set->by_walker ? "walkers" : "rungs");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrepareFiles(TpRun run, Set *set)
{
  char name[64], path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "trajectory", path));
  if (set->wanted) PetscCall(TpFolderCreate(run->groups->group, path));
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) {
    TpTrajectoryName(set->by_walker, k, sizeof(name), name);
    PetscCall(TpRunPath(run, name, path));
    PetscCall(PrepareFile(run, set, k, path));
    if (set->wanted)
      PetscCall(
          TpFileOpenForUpdate(run->groups->group, path, TP_TRAJECTORY_FORMAT, TP_TRAJECTORY_VERSION, &set->files[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- create */

static TpTrajectorySettings SettingsOf(TpRun run, PetscBool wanted)
{
  const PetscInt64 steps = run->settings.ladder.interval;

  return (TpTrajectorySettings){.num_particles   = run->system.num_particles,
                                .dimension       = run->system.dimension,
                                .has_box         = run->system.has_box,
                                .velocities      = run->settings.output.velocities,
                                .units           = run->system.units,
                                .timestep        = run->settings.engine.timestep,
                                .steps_per_frame = wanted ? run->settings.output.trajectory_interval * steps : 0,
                                .num_steps       = run->settings.run.rounds * steps,
                                .creator_version = TpVersionLine(),
                                .mass            = run->system.mass};
}

/* `capacity` of the buffer; 0: it is not needed. */
static PetscErrorCode SetCreate(TpRun run, PetscBool by_walker, PetscInt capacity, Set *set)
{
  const TpGroups groups    = run->groups;
  const PetscInt num_rungs = run->ladder->num_rungs;
  const PetscInt num_owned = (num_rungs - groups->group_rank + groups->num_trainers - 1) / groups->num_trainers;

  PetscFunctionBeginUser;
  set->by_walker = by_walker;
  set->wanted    = TpTrajectoriesWanted(run, by_walker);
  set->settings  = SettingsOf(run, set->wanted);
  PetscCall(PetscCalloc2(num_rungs, &set->files, num_rungs, &set->first_frame));
  PetscCall(TpFrameBufferCreate(run->system.size, num_owned, capacity, &set->buffer));
  PetscCall(PrepareFiles(run, set));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetDestroy(PetscInt num_rungs, Set *set)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < num_rungs; ++k) PetscCall(TpFileClose(&set->files[k]));
  PetscCall(TpFrameBufferDestroy(&set->buffer));
  PetscCall(PetscFree2(set->files, set->first_frame));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesCreate(TpRun run, TpTrajectories *trajectories)
{
  TpTrajectories   new_trajectories;
  const PetscInt64 interval = run->settings.output.trajectory_interval;
  const PetscBool  by_rung = TpTrajectoriesWanted(run, PETSC_FALSE), by_walker = TpTrajectoriesWanted(run, PETSC_TRUE);
  const PetscInt capacity = by_rung || by_walker ? (PetscInt)(run->settings.output.report_interval / interval + 1) : 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_trajectories));
  new_trajectories->run       = run;
  new_trajectories->num_rungs = run->ladder->num_rungs;
  PetscCall(TpStateCreate(run->system.size, &new_trajectories->state));
  PetscCall(SetCreate(run, PETSC_FALSE, capacity, &new_trajectories->sets[0]));
  PetscCall(SetCreate(run, PETSC_TRUE, by_walker ? capacity : 0, &new_trajectories->sets[1]));
  if (!by_rung && !by_walker) PetscCall(TpTrajectoriesDestroy(&new_trajectories));
  *trajectories = new_trajectories;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesDestroy(TpTrajectories *trajectories)
{
  PetscFunctionBeginUser;
  if (!*trajectories) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; ++i) PetscCall(SetDestroy((*trajectories)->num_rungs, &(*trajectories)->sets[i]));
  PetscCall(TpStateDestroy(&(*trajectories)->state));
  PetscCall(PetscFree(*trajectories));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- write */

PetscErrorCode TpTrajectoriesAdd(TpTrajectories trajectories, PetscInt64 round, PetscInt count, const double states[])
{
  TpRun          run    = trajectories->run;
  TpFrameBuffer *buffer = &trajectories->sets[0].buffer;
  const PetscInt place  = trajectories->num_frames++;
  TpState       *state  = &trajectories->state;

  PetscFunctionBeginUser;
  PetscCheck(place < buffer->capacity && count == buffer->num_owned, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "frame %" PetscInt_FMT " of %" PetscInt_FMT " in round %" PetscInt64_FMT, place, buffer->capacity, round);
  for (PetscInt i = 0; i < count; ++i) {
    const PetscInt rung = run->groups->group_rank + i * run->groups->num_trainers;

    TpStateUnpack(states + i * TpStatePackedSize(run->system.size), state);
    PetscCheck(state->walker >= 0 && state->walker < trajectories->num_rungs, PETSC_COMM_SELF, PETSC_ERR_PLIB,
               "walker %" PetscInt64_FMT " at rung %" PetscInt_FMT, state->walker, rung);
    TpFrameBufferSet(buffer, i, place, state, rung, run->ladder->temperature[rung]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each trainer writes the files that it has the frames of; walkers are dealt out as rungs are. */
static PetscErrorCode WriteSet(TpTrajectories trajectories, Set *set)
{
  const int      rank = trajectories->run->groups->group_rank, num_trainers = trajectories->run->groups->num_trainers;
  const PetscInt num_frames = trajectories->num_frames;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < trajectories->num_rungs; ++k) {
    const PetscBool          owned  = TpStreamStateOwner(num_trainers, k) == rank ? PETSC_TRUE : PETSC_FALSE;
    const TpTrajectoryFrames frames = TpFrameBufferEntries(&set->buffer, owned ? k / num_trainers : 0);

    PetscCall(TpTrajectoryWrite(set->files[k], &set->settings, set->first_frame[k], owned ? num_frames : 0, &frames));
    set->first_frame[k] += num_frames;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesFlush(TpTrajectories trajectories)
{
  Set *by_rung = &trajectories->sets[0], *by_walker = &trajectories->sets[1];

  PetscFunctionBeginUser;
  if (!trajectories->num_frames) PetscFunctionReturn(PETSC_SUCCESS);
  if (by_walker->wanted)
    PetscCall(
        TpFrameBufferSort(&by_rung->buffer, trajectories->num_frames, trajectories->run->groups, &by_walker->buffer));
  for (int i = 0; i < 2; ++i)
    if (trajectories->sets[i].wanted) PetscCall(WriteSet(trajectories, &trajectories->sets[i]));
  trajectories->num_frames = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
