/* The learning side: what a trainer keeps. The loop is in learner-loop.c. */
#include "learner-impl.h"

PetscErrorCode TpLearnerCreate(TpRun run, TpLearner *learner)
{
  const TpSettings *settings = &run->settings;
  TpLearner         new_learner;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_learner));
  new_learner->run = run;
  PetscCall(TpLearningCreate(run, &new_learner->learning));
  PetscCall(TpReceiverCreate(&settings->stream, run->groups, run->system.num_features, run->system.size,
                             &new_learner->receiver));
  PetscCall(TpRecorderCreate(run, &new_learner->recorder));
  PetscCall(TpTrajectoriesCreate(run, &new_learner->trajectories));
  if (run->is_writer) PetscCall(TpProgressCreate(run, &new_learner->progress));
  new_learner->next_round = run->first_round;
  *learner                = new_learner;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerDestroy(TpLearner *learner)
{
  PetscFunctionBeginUser;
  if (!*learner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpProgressDestroy(&(*learner)->progress));
  PetscCall(TpTrajectoriesDestroy(&(*learner)->trajectories));
  PetscCall(TpRecorderDestroy(&(*learner)->recorder));
  PetscCall(TpReceiverDestroy(&(*learner)->receiver));
  PetscCall(TpLearningDestroy(&(*learner)->learning));
  PetscCall(PetscFree(*learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerKeep(TpLearner learner, const TpFrame *frame, const float features[])
{
  TpRun     run   = learner->run;
  const int shard = TpStreamShard(&run->settings.stream, frame->rung, frame->round);
  const int owner = TpTreeOwner((int)run->settings.stream.num_shards, run->groups->num_trainers, shard);

  PetscFunctionBeginUser;
  if (owner != run->groups->group_rank) PetscFunctionReturn(PETSC_SUCCESS);
  if (frame->round < run->settings.training.start_round || TpRunIsHeldOut(run, frame->rung))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpLearningKeep(learner->learning, frame->rung, frame->round,
                           frame->round / run->settings.stream.keep_interval, frame->label, features, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KeepReplayed(void *context, const TpFrame *frame, const float features[])
{
  PetscFunctionBeginUser;
  PetscCall(TpLearnerKeep(context, frame, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerRestore(TpLearner learner, const char *path, double states[])
{
  TpCheckpoint checkpoint = {.learning = learner->learning};

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointRead(learner->run, path, &checkpoint, states));
  PetscCall(TpRecorderReplay(learner->recorder, checkpoint.round + 1, KeepReplayed, learner));
  PetscCall(TpRepairStates(learner->run, TpRecorderFile(learner->recorder), states));
  /* The model in the folder may be of another round: a kill can come between a checkpoint and its model. */
  PetscCall(TpLearningWriteModels(learner->learning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerRecall(TpLearner learner)
{
  PetscFunctionBeginUser;
  PetscCall(TpStopCriterionRecall(learner->run, TpRecorderFile(learner->recorder)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 TpLearnerRounds(TpLearner learner)
{
  return learner->next_round;
}
