/* What learns: frames into shards, their scaling, steps and validations. */
#include "learning.h"

#include <math.h>

static TpCondition MakeCondition(TpRun run)
{
  TpCondition condition =
      TpConditionCreate(TpBoltzmann(run->system.units), run->ladder->num_rungs, run->ladder->temperature);

  condition.role   = run->settings.role;
  condition.jitter = run->settings.features.label == TP_LABEL_JITTER ? run->settings.features.jitter : 0.0;
  if (run->data) TpDataSetFurther(run->data, &condition);
  return condition;
}

PetscErrorCode TpLearningCreate(TpRun run, TpLearning *learning)
{
  const TpSettings *settings = &run->settings;
  const TpGroups    groups   = run->groups;
  TpAtoms           atoms;
  TpLearning        l;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&l));
  l->run             = run;
  l->condition       = MakeCondition(run);
  l->validation_loss = NAN;
  l->best_loss       = PETSC_INFINITY;
  PetscCall(TpEncodingCreate(settings->features.angles, run->system.num_features, run->system.period, &l->encoding));
  PetscCall(TpRunTurnedAtoms(run, &atoms));
  if (atoms) PetscCall(TpEncodingSetTurned(l->encoding, &atoms));
  PetscCall(TpScheduleCreate(settings->diffusion.schedule, (PetscInt)settings->diffusion.num_times, &l->schedule));
  l->schedule->predict = settings->diffusion.predict;
  PetscCall(TpTrainerCreate(&settings->training, &settings->network, l->schedule, l->encoding, l->condition,
                            (int)settings->stream.num_shards, (uint64_t)settings->run.seed, groups->group,
                            &l->trainer));
  const PetscInt width = l->encoding->num_encoded + l->condition.num_further;
  PetscCall(PetscMalloc1(width, &l->frame));
  PetscCall(TpShardsCreate(&settings->stream, groups->num_trainers, groups->group_rank, width, &l->shards));
  if (settings->validation.share > 0.0) {
    PetscCall(TpShardsCreate(&settings->stream, groups->num_trainers, groups->group_rank, width, &l->validation));
    PetscCall(PetscCalloc1(l->trainer->num_averages * l->trainer->num_parameters, &l->best));
  }
  *learning = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearningDestroy(TpLearning *learning)
{
  PetscFunctionBeginUser;
  if (!*learning) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpShardsDestroy(&(*learning)->shards));
  PetscCall(TpShardsDestroy(&(*learning)->validation));
  PetscCall(TpTrainerDestroy(&(*learning)->trainer));
  PetscCall(TpScheduleDestroy(&(*learning)->schedule));
  PetscCall(TpEncodingDestroy(&(*learning)->encoding));
  PetscCall(PetscFree((*learning)->frame));
  PetscCall(PetscFree((*learning)->best));
  PetscCall(PetscFree(*learning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpLearningSetCondition(TpLearning learning)
{
  learning->condition = MakeCondition(learning->run);
  TpTrainerSetCondition(learning->trainer, learning->condition);
}

/* Frames are set aside in stretches, as neighbours in time are alike: the last ones of every hundred. Pure. */
static PetscBool IsSetAside(double share, PetscInt64 number)
{
  return number % 100 >= 100 - (PetscInt64)floor(100.0 * share + 0.5) ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode TpLearningKeep(TpLearning learning, PetscInt rung, PetscInt64 round, PetscInt64 number, double label,
                              const float features[], const float further[])
{
  const PetscBool aside =
      learning->validation && IsSetAside(learning->run->settings.validation.share, number) ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  TpEncodingEncode(learning->encoding, 1, features, learning->frame);
  for (PetscInt i = 0; i < learning->condition.num_further; ++i)
    learning->frame[learning->encoding->num_encoded + i] = further[i];
  PetscCall(TpShardsAppend(aside ? learning->validation : learning->shards, rung, round, label, learning->frame));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- scaling */

/* Sums go by shard, so that no number of trainers changes a bit. */
static PetscErrorCode SumFrames(TpLearning learning, double sums[], double *idle)
{
  const PetscInt num_shards = (PetscInt)learning->run->settings.stream.num_shards,
                 length     = 2 * learning->encoding->num_encoded + 1;
  double *by_shard, label;
  int     first, owned;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(num_shards * length, &by_shard));
  TpShardsOwned(learning->shards, &first, &owned);
  for (int shard = first; shard < first + owned; ++shard)
    for (PetscInt64 i = 0; i < TpShardsCount(learning->shards, shard); ++i)
      TpEncodingAccumulate(learning->encoding, 1, TpShardsFrame(learning->shards, shard, i, &label),
                           by_shard + shard * length);
  PetscCall(TpAllreduce(MPI_IN_PLACE, by_shard, num_shards * length, MPI_DOUBLE, MPI_SUM, learning->run->groups->group,
                        idle));
  for (PetscInt i = 0; i < num_shards * length; ++i) sums[i % length] += by_shard[i];
  PetscCall(PetscFree(by_shard));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetRange(TpLearning learning, double *idle)
{
  const PetscInt width = learning->encoding->num_encoded;
  double        *low, *high, label;
  int            first, owned;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(width, &low, width, &high));
  for (PetscInt i = 0; i < width; ++i) {
    low[i]  = PETSC_MAX_REAL;
    high[i] = -PETSC_MAX_REAL;
  }
  TpShardsOwned(learning->shards, &first, &owned);
  for (int shard = first; shard < first + owned; ++shard)
    for (PetscInt64 n = 0; n < TpShardsCount(learning->shards, shard); ++n)
      TpEncodingWiden(learning->encoding, TpShardsFrame(learning->shards, shard, n, &label), low, high);
  PetscCall(TpAllreduce(MPI_IN_PLACE, low, width, MPI_DOUBLE, MPI_MIN, learning->run->groups->group, idle));
  PetscCall(TpAllreduce(MPI_IN_PLACE, high, width, MPI_DOUBLE, MPI_MAX, learning->run->groups->group, idle));
  TpEncodingSetRange(learning->encoding, low, high);
  PetscCall(PetscFree2(low, high));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearningFixScaling(TpLearning learning, double *idle)
{
  const PetscInt length = 2 * learning->encoding->num_encoded + 1;
  double        *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(length, &sums));
  PetscCall(SumFrames(learning, sums, idle));
  if (sums[length - 1] > 0.0) {
    if (learning->run->settings.features.scaling == TP_SCALING_RANGE)
      PetscCall(SetRange(learning, idle));
    else
      TpEncodingStandardise(learning->encoding, sums);
    learning->is_scaled = PETSC_TRUE;
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- steps */

static PetscErrorCode Validate(TpLearning learning)
{
  const TpSettings *settings = &learning->run->settings;
  TpTrainer         trainer  = learning->trainer;
  const PetscInt64  rows     = PetscMax(1, settings->validation.rows / settings->stream.num_shards);

  PetscFunctionBeginUser;
  PetscCall(TpTrainerValidate(trainer, learning->validation, rows, &learning->validation_loss));
  if (!(learning->validation_loss < learning->best_loss)) PetscFunctionReturn(PETSC_SUCCESS);
  learning->best_loss = learning->validation_loss;
  learning->best_step = trainer->step;
  PetscCall(PetscArraycpy(learning->best, trainer->average, trainer->num_averages * trainer->num_parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearningStep(TpLearning learning)
{
  PetscFunctionBeginUser;
  PetscCall(TpTrainerStep(learning->trainer, learning->shards));
  if (learning->validation && learning->trainer->step % learning->run->settings.validation.interval == 0)
    PetscCall(Validate(learning));
  PetscFunctionReturn(PETSC_SUCCESS);
}
