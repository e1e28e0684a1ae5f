/*
  The acceptance rule by itself, on exact samples of 6-dimensional harmonic oscillators: energies are Gamma(3) variables times T.

  The mean acceptance of rungs with T_1 < T_2 is 2 P(U_1 > U_2) = 2 I_y(3, 3) = 2 y^3 (10 - 15 y + 6 y^2) with y = T_1 / (T_1 + T_2), and
  swapping leaves every rung's distribution as it was. 400,000 attempts at each of 4 pairs, fixed seed, 4 standard errors: false alarm
  6e-5 for each of 24 comparisons.
*/
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { NUM_RUNGS = 5, DIMENSION = 6, NUM_ATTEMPTS = 400000 };

static double Energy(TpLadder ladder, PetscInt rung, PetscInt64 attempt)
{
  double x[DIMENSION], sum = 0;

  TpRandomNormal(1, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)attempt, DIMENSION, x);
  for (PetscInt i = 0; i < DIMENSION; ++i) sum += x[i] * x[i] / 2;
  return sum * ladder->temperature[rung];
}

static void ExpectMean(double sum, double expected, double deviation, const char *what, PetscInt rung)
{
  const double error = deviation / sqrt(NUM_ATTEMPTS);

  TpTestExpectThat(fabs(sum / NUM_ATTEMPTS - expected) < 4 * error, "%s at rung %d: %.6f, expected %.6f +- %.6f", what,
                   (int)rung, sum / NUM_ATTEMPTS, expected, error);
}

static void CheckPair(TpLadder ladder, PetscInt low)
{
  const double cold = ladder->temperature[low], hot = ladder->temperature[low + 1], y = cold / (cold + hot);
  const double expected = 2 * y * y * y * (10 - 15 * y + 6 * y * y), shape = DIMENSION / 2.0;
  double       accepted = 0, probability = 0, mean[2] = {0, 0}, square[2] = {0, 0};

  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    double energy[2] = {Energy(ladder, low, attempt), Energy(ladder, low + 1, attempt)}, number, p;

    p = TpLadderProbability(ladder, low, low + 1, energy[0], energy[1]);
    TpRandomUniform(ladder->seed, TP_RANDOM_SWAP, (uint32_t)low, (uint64_t)attempt, 1, &number);
    probability += p;
    accepted += number < p;
    for (int i = 0; i < 2; ++i) {
      const double after = energy[number < p ? 1 - i : i];

      mean[i] += after;
      square[i] += after * after;
    }
  }
  ExpectMean(accepted, expected, sqrt(expected * (1 - expected)), "acceptance", low);
  ExpectMean(probability, expected, 0.5, "mean probability", low); /* of numbers in [0, 1] */
  for (int i = 0; i < 2; ++i) {
    const double T = ladder->temperature[low + i];

    ExpectMean(mean[i], shape * T, sqrt(shape) * T, "energy after swapping", low + i);
    /* E[U^2] = a (a + 1), E[U^4] = a (a + 1) (a + 2) (a + 3) of Gamma(a) */
    ExpectMean(square[i], shape * (shape + 1) * T * T,
               sqrt(shape * (shape + 1) * ((shape + 2) * (shape + 3) - shape * (shape + 1))) * T * T,
               "squared energy after swapping", low + i);
  }
}

int main(int argc, char **argv)
{
  TpLadderSettings settings = {.minimum = 0.5, .maximum = 5, .num_rungs = NUM_RUNGS};
  TpLadder         ladder;

  TpTestBegin(&argc, &argv);
  TpTestCall(TpLadderCreate(&settings, 1, 2, &ladder));
  for (PetscInt low = 0; low + 1 < NUM_RUNGS; ++low) CheckPair(ladder, low);
  TpTestCall(TpLadderDestroy(&ladder));
  return TpTestEnd();
}
