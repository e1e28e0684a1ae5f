/* Noise schedules against their definitions. */
#include "tempera/diffusion.h"
#include "test.h"

#include <math.h>

static void ExpectConsistent(TpSchedule schedule)
{
  TpTestExpect(schedule->abar[0] == 1 && schedule->beta[0] == 0);
  for (PetscInt i = 1; i <= schedule->num_times; i++) {
    TpTestExpect(schedule->abar[i] < schedule->abar[i - 1] && schedule->abar[i] > 0);
    TpTestExpect(schedule->beta[i] > 0 && schedule->beta[i] <= 0.999);
    TpTestExpectClose(schedule->beta[i], 1 - schedule->abar[i] / schedule->abar[i - 1], 1e-12);
  }
}

/* abar as a sum of logarithms; its end at 1000 times, 4.0358e-5, is DDPM's. */
static void TestLinear(void)
{
  TpSchedule schedule;
  double     sum = 0;

  TpTestCall(TpScheduleCreate(0, 1000, &schedule));
  ExpectConsistent(schedule);
  for (PetscInt i = 1; i <= 1000; i++) {
    sum += log1p(-(1e-4 + 0.0199 * (double)(i - 1) / 999));
    TpTestExpectClose(schedule->abar[i] / exp(sum), 1, 1e-12);
  }
  TpTestExpectClose(schedule->abar[1000], 4.0358e-5, 1e-9);
  TpTestCall(TpScheduleDestroy(&schedule));

  TpTestCall(TpScheduleCreate(0, 4000, &schedule)); /* the same noise in other steps */
  ExpectConsistent(schedule);
  TpTestExpectClose(schedule->beta[4000], 0.005, 1e-15);
  TpTestExpectClose(log(schedule->abar[4000]) / sum, 1, 0.01);
  TpTestCall(TpScheduleDestroy(&schedule));
}

/* abar(t) = f(t) / f(0), f(t) = cos^2((t + s) / (1 + s) pi / 2), but for the last time, where beta is bounded. */
static void TestCosine(void)
{
  const double start = pow(cos(0.008 / 1.008 * PETSC_PI / 2), 2);
  TpSchedule   schedule;

  TpTestCall(TpScheduleCreate(1, 500, &schedule));
  ExpectConsistent(schedule);
  for (PetscInt i = 1; i < 500; i++) {
    const double f = pow(cos(((double)i / 500 + 0.008) / 1.008 * PETSC_PI / 2), 2);

    TpTestExpectClose(schedule->abar[i] / (f / start), 1, 1e-10);
  }
  TpTestExpectClose(schedule->beta[500], 0.999, 1e-15);
  TpTestCall(TpScheduleDestroy(&schedule));
}

/* Few times: beta would pass 1 without its bound. */
static void TestShort(void)
{
  static const PetscInt lengths[] = {1, 2, 10, 50};

  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(lengths); k++) {
    for (PetscInt kind = 0; kind < 2; kind++) {
      TpSchedule schedule;

      TpTestCall(TpScheduleCreate(kind, lengths[k], &schedule));
      ExpectConsistent(schedule);
      TpTestCall(TpScheduleDestroy(&schedule));
    }
  }
}

static void TestErrors(void)
{
  const TpDiffusionSettings few = {.sampler = 1, .num_steps = 0}, many = {.sampler = 1, .num_steps = 101};
  TpSchedule                schedule = NULL;
  TpSampler                 sampler;

  TpTestExpectInputError(TpScheduleCreate(0, 0, &schedule), "0 times; allowed: at least 1");
  TpTestCall(TpScheduleCreate(1, 100, &schedule));
  TpTestExpectInputError(TpSamplerCreate(schedule, &few, 1, 1, &sampler), "is 0; allowed: 1 to the 100");
  TpTestExpectInputError(TpSamplerCreate(schedule, &many, 1, 1, &sampler), "is 101; allowed: 1 to the 100");
  TpTestCall(TpScheduleDestroy(&schedule));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestLinear();
  TestCosine();
  TestShort();
  TestErrors();
  return TpTestEnd();
}
