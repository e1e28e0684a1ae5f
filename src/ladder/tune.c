/* Tuning: temperatures re-spaced to equal rejection, stage after stage of doubling length. */
#include "tempera/ladder.h"
#include "tempera/comm.h"

#include <math.h>

/* Attempts and rejections, in every block of the stage, of every pair. */
static PetscInt NumSums(TpTuner tuner)
{
  return TP_TUNER_SUMS * TP_TUNER_BLOCKS * (tuner->num_rungs - 1);
}

static double *SumOf(TpTuner tuner, TpTunerSum sum, PetscInt block, PetscInt pair)
{
  return tuner->sums + (sum * TP_TUNER_BLOCKS + block) * (tuner->num_rungs - 1) + pair;
}

PetscErrorCode TpTunerCreate(PetscInt num_rungs, PetscInt64 num_rounds, PetscInt num_stages, TpTuner *tuner)
{
  const PetscInt num_pairs = num_rungs - 1;

  PetscFunctionBeginUser;
  *tuner = NULL;
  TpCheckInput(num_rounds >= TpTunerLeastRounds(num_stages),
               "ladder.tune_rounds: %" PetscInt64_FMT " rounds are too few for %" PetscInt_FMT
               " stages (ladder.tune_stages); allowed: %" PetscInt64_FMT " or more",
               num_rounds, num_stages, TpTunerLeastRounds(num_stages));
  PetscCall(PetscNew(tuner));
  (*tuner)->num_rungs  = num_rungs;
  (*tuner)->num_stages = num_stages;
  (*tuner)->num_rounds = num_rounds;
  PetscCall(PetscCalloc4(NumSums(*tuner), &(*tuner)->sums, num_rungs, &(*tuner)->beta, num_pairs, &(*tuner)->rejection,
                         num_pairs, &(*tuner)->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTunerDestroy(TpTuner *tuner)
{
  PetscFunctionBeginUser;
  if (!*tuner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*tuner)->sums, (*tuner)->beta, (*tuner)->rejection, (*tuner)->error));
  PetscCall(PetscFree(*tuner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- stages */

PetscInt64 TpTunerLeastRounds(PetscInt num_stages)
{
  return 4 * (((PetscInt64)1 << num_stages) - 1);
}

PetscInt64 TpTunerStageEnd(TpTuner tuner, PetscInt stage)
{
  const PetscInt64 parts = ((PetscInt64)1 << tuner->num_stages) - 1, passed = ((PetscInt64)2 << stage) - 1;

  return tuner->num_rounds / parts * passed +
         tuner->num_rounds % parts * passed / parts; /* no product that overflows */
}

PetscInt TpTunerStage(TpTuner tuner, PetscInt64 round)
{
  PetscInt stage = 0;

  while (stage < tuner->num_stages && round >= TpTunerStageEnd(tuner, stage)) ++stage;
  return stage;
}

PetscBool TpTunerEndsStage(TpTuner tuner, PetscInt64 round)
{
  return TpTunerStage(tuner, round) != TpTunerStage(tuner, round + 1) ? PETSC_TRUE : PETSC_FALSE;
}

/* -------------------------------------------------------------------------------------------------------------- measure */

void TpTunerAdd(TpTuner tuner, PetscInt64 round, PetscInt rung, const TpSwap *swap)
{
  const PetscInt stage = TpTunerStage(tuner, round);

  if (stage == tuner->num_stages || swap->partner != rung + 1) return;
  const PetscInt64 begin  = stage ? TpTunerStageEnd(tuner, stage - 1) : 0,
                   length = TpTunerStageEnd(tuner, stage) - begin;
  const PetscInt block    = (PetscInt)((round - begin) * TP_TUNER_BLOCKS / length);

  *SumOf(tuner, TP_TUNER_ATTEMPTS, block, rung) += 1;
  *SumOf(tuner, TP_TUNER_REJECTIONS, block, rung) += 1 - swap->probability;
}

PetscErrorCode TpTunerGather(TpTuner tuner, MPI_Comm comm, PetscInt rung, double *idle)
{
  const PetscInt num_pairs = tuner->num_rungs - 1;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < NumSums(tuner); ++i)
    if (i % num_pairs != rung) tuner->sums[i] = 0; /* another rank's, left from a checkpoint */
  PetscCall(TpAllreduce(MPI_IN_PLACE, tuner->sums, NumSums(tuner), MPI_DOUBLE, MPI_SUM, comm, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over the attempts of the stage, and its standard error from the scatter of the blocks' means; NaN where a block had no attempt. */
static void MeasurePair(TpTuner tuner, PetscInt pair)
{
  double attempts = 0, sum = 0, squares = 0;

  for (PetscInt b = 0; b < TP_TUNER_BLOCKS; ++b) {
    attempts += *SumOf(tuner, TP_TUNER_ATTEMPTS, b, pair);
    sum += *SumOf(tuner, TP_TUNER_REJECTIONS, b, pair);
  }
  tuner->rejection[pair] = attempts > 0 ? sum / attempts : NAN;
  for (PetscInt b = 0; b < TP_TUNER_BLOCKS; ++b) {
    const double mean = *SumOf(tuner, TP_TUNER_REJECTIONS, b, pair) / *SumOf(tuner, TP_TUNER_ATTEMPTS, b, pair);

    squares += (mean - tuner->rejection[pair]) * (mean - tuner->rejection[pair]);
  }
  tuner->error[pair] = sqrt(squares / (TP_TUNER_BLOCKS * (TP_TUNER_BLOCKS - 1)));
}

/* Standard error of the barrier from the blocks: what neighbouring pairs have in common is in it. */
static double BarrierError(TpTuner tuner)
{
  const double barrier = TpBarrierSum(tuner->num_rungs - 1, tuner->rejection);
  double       squares = 0;

  for (PetscInt b = 0; b < TP_TUNER_BLOCKS; ++b) {
    double sum = 0;

    for (PetscInt i = 0; i + 1 < tuner->num_rungs; ++i)
      sum += *SumOf(tuner, TP_TUNER_REJECTIONS, b, i) / *SumOf(tuner, TP_TUNER_ATTEMPTS, b, i);
    squares += (sum - barrier) * (sum - barrier);
  }
  return sqrt(squares / (TP_TUNER_BLOCKS * (TP_TUNER_BLOCKS - 1)));
}

/* -------------------------------------------------------------------------------------------------------------- re-space */

/* A stage sees little of an interval that hardly ever rejects: its share counts as a tenth of the mean at least, which bounds how far a rung goes in one
   stage and is not felt when all are equal. */
static double Weight(double rejection, double mean)
{
  return PetscMax(rejection, mean / 10);
}

static PetscBool Decreases(PetscInt count, const double beta[])
{
  for (PetscInt i = 1; i < count; ++i)
    if (!(beta[i] < beta[i - 1])) return PETSC_FALSE;
  return PETSC_TRUE;
}

PetscErrorCode TpTunerRespace(TpTuner tuner, TpLadder ladder)
{
  const PetscInt num_pairs = tuner->num_rungs - 1;
  double         mean, *weight, *place;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < num_pairs; ++i) MeasurePair(tuner, i);
  PetscCall(PetscArraycpy(tuner->beta, ladder->beta, tuner->num_rungs));
  tuner->barrier       = TpBarrierSum(num_pairs, tuner->rejection);
  tuner->barrier_error = BarrierError(tuner);
  mean                 = tuner->barrier / num_pairs;
  if (!(mean > 0))
    PetscFunctionReturn(PETSC_SUCCESS); /* nothing was rejected, or a pair was not tried: go on counting */

  PetscCall(PetscMalloc2(num_pairs, &weight, tuner->num_rungs, &place));
  for (PetscInt i = 0; i < num_pairs; ++i) weight[i] = Weight(tuner->rejection[i], mean);
  TpBarrierSpace(num_pairs, ladder->beta, weight, tuner->num_rungs, place);
  if (Decreases(tuner->num_rungs, place)) {
    for (PetscInt i = 0; i < tuner->num_rungs; ++i) place[i] = 1 / (ladder->boltzmann * place[i]);
    place[0]         = ladder->temperature[0]; /* to the last bit */
    place[num_pairs] = ladder->temperature[num_pairs];
    TpLadderSetTemperatures(ladder, place);
  }
  PetscCall(PetscFree2(weight, place));
  PetscCall(PetscArrayzero(tuner->sums, NumSums(tuner)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
