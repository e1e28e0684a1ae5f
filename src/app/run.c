/* Questions that both sides of a run ask. */
#include "run-impl.h"

PetscErrorCode TpPathJoin(const char *folder, const char *name, char path[PETSC_MAX_PATH_LEN])
{
  PetscFunctionBeginUser;
  const int length = snprintf(path, PETSC_MAX_PATH_LEN, "%s/%s", folder, name);

  TpCheckInput(length > 0 && length < PETSC_MAX_PATH_LEN, "%.80s...: the path is too long", folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunPath(TpRun run, const char *name, char path[PETSC_MAX_PATH_LEN])
{
  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(run->settings.run.folder, name, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpRunIsLastRound(TpRun run, PetscInt64 round)
{
  return round + 1 == run->settings.run.rounds || round + 1 == run->stop_round || round + 1 == run->criterion_round
             ? PETSC_TRUE
             : PETSC_FALSE;
}

PetscBool TpRunIsDone(TpRun run, PetscInt64 rounds)
{
  return rounds >= run->settings.run.rounds || (run->criterion_round && rounds >= run->criterion_round) ? PETSC_TRUE
                                                                                                        : PETSC_FALSE;
}

PetscBool TpRunIsCheckpointRound(TpRun run, PetscInt64 round)
{
  return (round + 1) % run->settings.output.checkpoint_interval == 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscInt64 TpRunFirstKept(TpRun run)
{
  return run->settings.ladder.tune ? run->settings.ladder.tune_rounds : 0;
}

PetscBool TpRunIsTrajectoryRound(TpRun run, PetscInt64 round)
{
  const PetscInt64 interval = run->settings.output.trajectory_interval;

  return interval && round >= TpRunFirstKept(run) && (round + 1) % interval == 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscInt64 TpRunTrajectoryFrames(TpRun run)
{
  const PetscInt64 interval = run->settings.output.trajectory_interval;

  return interval ? run->settings.run.rounds / interval - TpRunFirstKept(run) / interval : 0;
}

PetscBool TpRunIsHeldOut(TpRun run, PetscInt rung)
{
  const TpRealList *hold_out = &run->settings.training.hold_out, *rungs = &run->settings.hold_out_rungs;

  for (PetscInt i = 0; i < hold_out->size; ++i)
    if (TpLadderFind(run->ladder, hold_out->values[i]) == rung) return PETSC_TRUE;
  for (PetscInt i = 0; i < rungs->size; ++i)
    if (rungs->values[i] == (double)rung) return PETSC_TRUE;
  return PETSC_FALSE;
}
