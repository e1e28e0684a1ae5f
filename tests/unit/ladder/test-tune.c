/*
  Tuning, against a system whose rejections are known in closed form: six-dimensional harmonic oscillators, energies drawn exactly at each temperature.
  Equal rejections belong to equal ratios of temperatures, so a ladder of equal steps must become geometric; and what replicas gather must give the
  same bits as what a trainer adds up by itself.
*/
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { NUM_RUNGS = 5, NUM_STAGES = 7, NUM_ROUNDS = 16000, DIMENSION = 6 };

static PetscMPIInt rank, size;

static double Energy(double temperature, PetscInt rung, PetscInt64 round)
{
  double numbers[DIMENSION], sum = 0;

  TpRandomNormal(37, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, DIMENSION, numbers);
  for (PetscInt i = 0; i < DIMENSION; ++i) sum += numbers[i] * numbers[i];
  return temperature * sum / 2;
}

/* Exact (see test-acceptance.c). */
static double Rejection(double cold, double hot)
{
  const double y = cold / (cold + hot);

  return 1 - 2 * y * y * y * (10 - 15 * y + 6 * y * y);
}

static PetscErrorCode EqualSteps(PetscInt num_rungs, TpLadder *ladder)
{
  double           values[] = {1, 2.75, 4.5, 6.25, 8, 9.75};
  TpLadderSettings settings = {.temperatures = {.size = num_rungs, .values = values}};

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 0.5, 17, ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Round(TpLadder ladder, PetscInt64 round, TpSwap swaps[])
{
  for (PetscInt k = 0; k < ladder->num_rungs; ++k) {
    const PetscInt j = TpLadderPartner(ladder, round, k);

    swaps[k] = (TpSwap){.partner = j};
    if (j >= 0)
      swaps[k].probability = TpLadderProbability(ladder, k, j, 0.5 * Energy(ladder->temperature[k], k, round),
                                                 0.5 * Energy(ladder->temperature[j], j, round));
  }
}

static void CheckStages(void)
{
  const PetscInt64 lengths[] = {4, 5, 1000, 123456789012345};
  TpTuner          tuner;

  for (PetscInt num_stages = 1; num_stages <= 20; ++num_stages) {
    for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); ++n) {
      if (lengths[n] < TpTunerLeastRounds(num_stages)) continue;
      PetscInt64 before = 0;

      TpTestCall(TpTunerCreate(3, lengths[n], num_stages, &tuner));
      for (PetscInt stage = 0; stage < num_stages; ++stage) {
        const PetscInt64 end   = TpTunerStageEnd(tuner, stage);
        const double     exact = (double)lengths[n] * (pow(2, stage + 1) - 1) / (pow(2, num_stages) - 1);

        TpTestExpectClose((double)end, exact, 1 + 1e-15 * exact);
        TpTestExpect(end >= before + 3);
        TpTestExpectEqual(TpTunerStage(tuner, end - 1), stage);
        TpTestExpectEqual(TpTunerStage(tuner, end), stage + 1);
        TpTestExpect(TpTunerEndsStage(tuner, end - 1) && !TpTunerEndsStage(tuner, end));
        before = end;
      }
      TpTestExpectEqual(before, lengths[n]);
      TpTestCall(TpTunerDestroy(&tuner));
    }
  }
  TpInputErrorClear();
  TpTestExpectEqual(TpTunerCreate(3, TpTunerLeastRounds(4) - 1, 4, &tuner), TP_ERR_INPUT);
  TpTestExpectText(TpInputErrorMessage(), "allowed: 60 or more");
  TpInputErrorClear();
}

/* The last stage has 8,000 rounds, 4,000 attempts of each pair: the rejections are found to 0.005, and the temperatures must be as near. */
static void CheckEqualRejections(void)
{
  TpLadder     ladder;
  TpTuner      tuner;
  const double wanted = Rejection(1, pow(8, 0.25));

  TpTestCall(EqualSteps(NUM_RUNGS, &ladder));
  TpTestCall(TpTunerCreate(NUM_RUNGS, NUM_ROUNDS, NUM_STAGES, &tuner));
  TpTestExpect(Rejection(1, 2.75) > 1.5 * wanted && Rejection(6.25, 8) < 0.5 * wanted); /* it is not there yet */
  for (PetscInt64 round = 0; round < NUM_ROUNDS + 10; ++round) {
    TpSwap swaps[NUM_RUNGS];

    Round(ladder, round, swaps);
    for (PetscInt k = 0; k < NUM_RUNGS; ++k) TpTunerAdd(tuner, round, k, &swaps[k]);
    if (TpTunerEndsStage(tuner, round)) TpTestCall(TpTunerRespace(tuner, ladder));
  }
  TpTestExpectClose(ladder->temperature[0], 1, 0);
  TpTestExpectClose(ladder->temperature[NUM_RUNGS - 1], 8, 0);
  for (PetscInt i = 0; i + 1 < NUM_RUNGS; ++i) {
    const double before =
        Rejection(1 / tuner->beta[i], 1 / tuner->beta[i + 1]); /* beta is 2 / T, but only ratios count */

    TpTestExpectClose(ladder->beta[i], 2 / ladder->temperature[i], 1e-15);
    TpTestExpectClose(Rejection(ladder->temperature[i], ladder->temperature[i + 1]), wanted, 0.02);
    TpTestExpectClose(tuner->rejection[i], before, 4 * tuner->error[i]);
    TpTestExpect(tuner->error[i] > 0.001 && tuner->error[i] < 0.01);
  }
  TpTestExpectClose(tuner->barrier, TpBarrierSum(NUM_RUNGS - 1, tuner->rejection), 1e-15);
  TpTestExpect(tuner->barrier_error > 0.001 && tuner->barrier_error < 0.02);
  for (PetscInt i = 0; i < TP_TUNER_SUMS * TP_TUNER_BLOCKS * (NUM_RUNGS - 1); ++i) TpTestExpect(tuner->sums[i] == 0);
  TpTestCall(TpTunerDestroy(&tuner));
  TpTestCall(TpLadderDestroy(&ladder));
}

/* One rank per rung adds its own; another tuner adds all. A stage in the middle begins from copied sums, as at a restart. */
static void CheckGather(void)
{
  TpLadder ladder, alone;
  TpTuner  tuner, all;

  TpTestCall(EqualSteps(size, &ladder));
  TpTestCall(EqualSteps(size, &alone));
  TpTestCall(TpTunerCreate(size, 300, 4, &tuner));
  TpTestCall(TpTunerCreate(size, 300, 4, &all));
  for (PetscInt64 round = 0; round < 300; ++round) {
    TpSwap swaps[NUM_RUNGS + 1];

    Round(alone, round, swaps);
    TpTunerAdd(tuner, round, rank, &swaps[rank]);
    for (PetscInt k = 0; k < size; ++k) TpTunerAdd(all, round, k, &swaps[k]);
    if (round == 100) TpTestCall(PetscArraycpy(tuner->sums, all->sums, TP_TUNER_SUMS * TP_TUNER_BLOCKS * (size - 1)));
    if (!TpTunerEndsStage(tuner, round)) continue;
    TpTestCall(TpTunerGather(tuner, MPI_COMM_WORLD, rank, NULL));
    TpTestCall(TpTunerRespace(tuner, ladder));
    TpTestCall(TpTunerRespace(all, alone));
    TpTestExpect(!memcmp(ladder->temperature, alone->temperature, (size_t)size * sizeof(double)));
    TpTestExpect(!memcmp(ladder->beta, alone->beta, (size_t)size * sizeof(double)));
  }
  TpTestExpect(size < 3 || ladder->temperature[1] != 2.75);
  TpTestCall(TpTunerDestroy(&tuner));
  TpTestCall(TpTunerDestroy(&all));
  TpTestCall(TpLadderDestroy(&ladder));
  TpTestCall(TpLadderDestroy(&alone));
}

/* While a pair has not been tried, nothing moves, and what was counted stays. */
static void CheckUntried(void)
{
  const TpSwap half = {.partner = 1, .probability = 0.5}, other = {.partner = 2, .probability = 0.25};
  TpLadder     ladder;
  TpTuner      tuner;

  TpTestCall(EqualSteps(3, &ladder));
  TpTestCall(TpTunerCreate(3, 60, 4, &tuner));
  TpTunerAdd(tuner, 0, 0, &half);
  TpTestCall(TpTunerRespace(tuner, ladder));
  TpTestExpectClose(ladder->temperature[1], 2.75, 0);
  TpTestExpect(isnan(tuner->rejection[1]) && isnan(tuner->barrier));
  TpTunerAdd(tuner, 4, 1, &other);
  TpTestCall(TpTunerRespace(tuner, ladder));
  TpTestExpectClose(tuner->barrier, 1.25, 0);
  TpTestExpect(isnan(tuner->error[0]));
  TpTestExpect(ladder->temperature[1] > 2.75 && ladder->temperature[1] < 4.5);
  TpTestCall(TpTunerDestroy(&tuner));
  TpTestCall(TpLadderDestroy(&ladder));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  if (size == 1) {
    CheckStages();
    CheckEqualRejections();
    CheckUntried();
  } else
    CheckGather();
  return TpTestEnd();
}
