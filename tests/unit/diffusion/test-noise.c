/* Noising a batch: the same numbers for any split, uniform times, normal noise; the loss and its gradient. */
#include "tempera/diffusion.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define T    20
#define D    3
#define ROWS 40000

typedef struct {
  TpNumber x0[ROWS * D], x[ROWS * D], t[ROWS], eps[ROWS * D];
} Batch;

static void TestSplit(TpSchedule schedule, const Batch *whole)
{
  static const PetscInt cuts[] = {0, 1, 2, 9, 64, 65, 200};
  TpNumber              x[200 * D], t[200], eps[200 * D];

  for (size_t k = 0; k + 1 < PETSC_STATIC_ARRAY_LENGTH(cuts); k++) {
    const PetscInt first = cuts[k], B = cuts[k + 1] - first;

    TpTestCall(TpDiffusionNoise(schedule, 17, 5, 100 + (uint32_t)first, B, D, whole->x0 + first * D, x, t, eps));
    TpTestExpect(!memcmp(x, whole->x + first * D, sizeof(TpNumber) * (size_t)(B * D)));
    TpTestExpect(!memcmp(t, whole->t + first, sizeof(TpNumber) * (size_t)B));
    TpTestExpect(!memcmp(eps, whole->eps + first * D, sizeof(TpNumber) * (size_t)(B * D)));
  }
  TpTestCall(TpDiffusionNoise(schedule, 17, 6, 100, 200, D, whole->x0, x, t, eps));
  TpTestExpect(memcmp(eps, whole->eps, sizeof eps)); /* another step, other noise */
}

static void TestForwardProcess(TpSchedule schedule, const Batch *batch)
{
  for (PetscInt i = 0; i < 500; i++) {
    const PetscInt time = (PetscInt)lround((double)batch->t[i] * T);

    for (PetscInt j = 0; j < D; j++) {
      const double x = sqrt(schedule->abar[time]) * (double)batch->x0[i * D + j] +
                       sqrt(1 - schedule->abar[time]) * (double)batch->eps[i * D + j];

      TpTestExpectClose(batch->x[i * D + j], x, 1e-6);
    }
  }
}

/* Chi-square with 19 degrees of freedom: above 50.8 once in 1e-4 for random times. Noise: moments of 120000 normal numbers, each
   within 4 standard errors (1, 2, 15 and 96 / n are the variances of their means): 6e-5 each. */
static void TestDistribution(const Batch *batch)
{
  const double n         = ROWS * D;
  double       counts[T] = {0}, chi_square = 0, mean[4] = {0};

  for (PetscInt i = 0; i < ROWS; i++) counts[(PetscInt)lround((double)batch->t[i] * T) - 1]++;
  for (PetscInt k = 0; k < T; k++) chi_square += pow(counts[k] - ROWS / T, 2) / (ROWS / T);
  TpTestExpectThat(chi_square < 50.8, "chi-square of the times is %g", chi_square);
  for (PetscInt i = 0; i < ROWS * D; i++) {
    for (int k = 0; k < 4; k++) mean[k] += pow((double)batch->eps[i], k + 1) / n;
  }
  TpTestExpectClose(mean[0], 0, 4 * sqrt(1 / n));
  TpTestExpectClose(mean[1], 1, 4 * sqrt(2 / n));
  TpTestExpectClose(mean[2], 0, 4 * sqrt(15 / n));
  TpTestExpectClose(mean[3], 3, 4 * sqrt(96 / n));
}

/* 2 rows of 2: errors 1, -2 | 0.5, 0 give (5 + 0.25) / 2. */
static void TestLoss(void)
{
  const TpNumber eps[4] = {0, 1, -1, 3}, y[4] = {1, -1, -0.5f, 3};
  const double   errors[4] = {1, -2, 0.5, 0};
  TpNumber       dy[4];

  TpTestExpectClose(TpDiffusionLoss(2, 2, y, eps, 0.25, dy), 2.625, 1e-15);
  for (int i = 0; i < 4; i++) TpTestExpectClose(dy[i], 0.25 * errors[i], 1e-7); /* 2 weight error / D */
}

int main(int argc, char **argv)
{
  TpSchedule schedule;
  Batch     *batch;

  TpTestBegin(&argc, &argv);
  TpTestCall(PetscNew(&batch));
  TpTestCall(TpScheduleCreate(1, T, &schedule));
  TpRandomNormalFloat(2, TP_RANDOM_TEST, 0, 0, ROWS * D, batch->x0);
  TpTestCall(TpDiffusionNoise(schedule, 17, 5, 100, ROWS, D, batch->x0, batch->x, batch->t, batch->eps));
  TestSplit(schedule, batch);
  TestForwardProcess(schedule, batch);
  TestDistribution(batch);
  TestLoss();
  TpTestCall(TpScheduleDestroy(&schedule));
  TpTestCall(PetscFree(batch));
  return TpTestEnd();
}
