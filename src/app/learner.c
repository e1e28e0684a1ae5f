/* The learning side: what a trainer keeps. The loop is in learner-loop.c. */
#include "learner-impl.h"

PetscErrorCode TpLearnerCreate(TpRun run, TpLearner *learner)
{
  TpLearner         new_learner;
  const TpSettings *settings = &run->settings;
  const TpCondition condition =
      TpConditionCreate(TpBoltzmann(run->system.units), run->ladder->num_rungs, run->ladder->temperature);
  const TpGroups groups = run->groups;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_learner));
  new_learner->run = run;
  PetscCall(TpEncodingCreate(run->system.num_features, run->system.period, &new_learner->encoding));
  PetscCall(
      TpScheduleCreate(settings->diffusion.schedule, (PetscInt)settings->diffusion.num_times, &new_learner->schedule));
  PetscCall(TpTrainerCreate(&settings->training, &settings->network, new_learner->schedule, new_learner->encoding,
                            condition, (int)settings->stream.num_shards, (uint64_t)settings->run.seed, groups->group,
                            &new_learner->trainer));
  PetscCall(TpShardsCreate(&settings->stream, groups->num_trainers, groups->group_rank,
                           new_learner->encoding->num_encoded, &new_learner->shards));
  PetscCall(
      TpReceiverCreate(&settings->stream, groups, run->system.num_features, run->system.size, &new_learner->receiver));
  PetscCall(TpRecorderCreate(run, &new_learner->recorder));
  PetscCall(TpTrajectoriesCreate(run, &new_learner->trajectories));
  PetscCall(PetscMalloc1(new_learner->encoding->num_encoded, &new_learner->encoded));
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
  PetscCall(TpShardsDestroy(&(*learner)->shards));
  PetscCall(TpTrainerDestroy(&(*learner)->trainer));
  PetscCall(TpScheduleDestroy(&(*learner)->schedule));
  PetscCall(TpEncodingDestroy(&(*learner)->encoding));
  PetscCall(PetscFree((*learner)->encoded));
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
  TpEncodingEncode(learner->encoding, 1, features, learner->encoded);
  PetscCall(TpShardsAppend(learner->shards, frame->rung, frame->round, frame->label, learner->encoded));
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
  TpCheckpoint checkpoint = {.trainer = learner->trainer, .encoding = learner->encoding};

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointRead(learner->run, path, &checkpoint, states));
  learner->is_scaled = checkpoint.is_scaled;
  PetscCall(TpRecorderReplay(learner->recorder, checkpoint.round + 1, KeepReplayed, learner));
  PetscCall(TpRepairStates(learner->run, TpRecorderFile(learner->recorder), states));
  /* The model in the folder may be of another round: a kill can come between a checkpoint and its model. */
  if (learner->is_scaled) PetscCall(TpLearnerWriteModel(learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerRecall(TpLearner learner)
{
  PetscFunctionBeginUser;
  PetscCall(TpStopCriterionRecall(learner->run, TpRecorderFile(learner->recorder)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerWriteModel(TpLearner learner)
{
  TpRun             run      = learner->run;
  const TpSettings *settings = &run->settings;
  PetscInt          learned  = 0;
  char              path[PETSC_MAX_PATH_LEN];
  TpModel           model;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) learned += !TpRunIsHeldOut(run, k);
  PetscCall(TpModelCreate(&settings->network, run->system.num_features, run->system.period, learned, &model));
  model->diffusion = settings->diffusion;
  model->units     = run->system.units;
  model->label     = settings->features.label;
  model->condition =
      TpConditionCreate(TpBoltzmann(run->system.units), run->ladder->num_rungs, run->ladder->temperature);
  model->seed = settings->run.seed;
  model->step = learner->trainer->step;
  learned     = 0;
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k)
    if (!TpRunIsHeldOut(run, k)) model->temperature[learned++] = run->ladder->temperature[k];
  PetscCall(PetscArraycpy(&model->name[0], &run->system.name[0], run->system.num_features));
  PetscCall(PetscArraycpy(&model->unit[0], &run->system.unit[0], run->system.num_features));
  PetscCall(PetscArraycpy(model->encoding->mean, learner->encoding->mean, learner->encoding->num_encoded));
  PetscCall(PetscArraycpy(model->encoding->scale, learner->encoding->scale, learner->encoding->num_encoded));
  PetscCall(PetscArraycpy(model->parameters, learner->trainer->average, model->num_parameters));
  PetscCall(TpRunPath(run, "model.h5", path));
  PetscCall(TpModelWrite(model, run->groups->group, path, run->used_parameters));
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 TpLearnerRounds(TpLearner learner)
{
  return learner->next_round;
}
