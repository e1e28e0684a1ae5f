/* Finding where a series has forgotten its start. */
#include "tempera/thermo.h"
#include "test.h"

#include <math.h>

enum { SEED = 88211 };

/* Correlated noise of unit variance (a = 0.8, g = 9) on a start that decays with time constant `decay` from `height`. */
static void MakeSeries(PetscInt n, double height, double decay, uint32_t id, double x[])
{
  const double a = 0.8;

  TpRandomNormal(SEED, TP_RANDOM_TEST, id, 0, n, x);
  for (PetscInt i = 1; i < n; ++i) x[i] = a * x[i - 1] + sqrt(1.0 - a * a) * x[i];
  for (PetscInt i = 0; i < n; ++i) x[i] += height * exp(-(double)i / decay);
}

/*
  A start ten standard deviations high has sunk to 1/20 of one after 5.3 decay times, and is worth cutting until about two. Over 20 series the
  start found must lie between 2 and 15 decay times on average, and the mean of what is left must be 0 within its error: the variance
  of 20 standardised means spreads by 0.32, so above 2.5 is a false alarm of 1e-4 even before the small selection effect.
*/
static PetscErrorCode DecayingStart(PetscInt n, double decay)
{
  enum { REPEATS = 20 };
  double *x, average = 0.0, variance = 0.0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &x));
  for (uint32_t i = 0; i < REPEATS; ++i) {
    double     g, mean, error;
    PetscInt64 start;

    MakeSeries(n, 10.0, decay, i, x);
    PetscCall(TpEquilibration(n, x, &start, &g));
    PetscCall(TpSeriesMean(n - start, &x[start], &mean, &error));
    TpTestExpectThat(start > decay, "series %u: the start ends at %lld, decay time %g", (unsigned)i, (long long)start,
                     decay);
    TpTestExpectThat(g > 5.0 && g < 18.0, "series %u: g is %g, exact 9", (unsigned)i, g);
    average += (double)start / REPEATS;
    variance += mean * mean / (error * error) / REPEATS;
  }
  PetscCall(PetscFree(x));
  TpTestExpectThat(average > 2.0 * decay && average < 15.0 * decay, "starts end at %g on average, decay time %g",
                   average, decay);
  TpTestExpectThat(variance < 2.5, "standardised means have variance %g", variance);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A stationary series keeps most of itself, and g is that of the whole. */
static PetscErrorCode StationarySeries(void)
{
  enum { N = 20000, REPEATS = 20 };
  double average = 0.0, g_average = 0.0, x[N];

  PetscFunctionBeginUser;
  for (uint32_t i = 0; i < REPEATS; ++i) {
    double     g;
    PetscInt64 start;

    MakeSeries(N, 0.0, 1.0, 100 + i, x);
    PetscCall(TpEquilibration(N, x, &start, &g));
    average += (double)start / REPEATS;
    g_average += g / REPEATS;
  }
  TpTestExpectThat(average < 0.25 * N, "of a stationary series %g of %d values are dropped", average, N);
  TpTestExpectThat(g_average > 7.0 && g_average < 10.0, "g is %g on average, exact 9", g_average);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SmallSeries(void)
{
  const double constant[3] = {2.0, 2.0, 2.0};
  const double step[8]     = {9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  PetscInt64   start;
  double       g;

  PetscFunctionBeginUser;
  PetscCall(TpEquilibration(1, constant, &start, &g));
  TpTestExpectEqual(start, 0);
  TpTestExpectClose(g, 1.0, 0.0);
  PetscCall(TpEquilibration(3, constant, &start, &g));
  TpTestExpectEqual(start, 0);
  PetscCall(TpEquilibration(8, step, &start, &g)); /* g = 1 throughout: nothing is gained by cutting */
  TpTestExpectEqual(start, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(SmallSeries());
  TpTestCall(StationarySeries());
  TpTestCall(DecayingStart(20000, 300.0));
  TpTestCall(DecayingStart(200000, 2000.0)); /* longer than the number of blocks */
  return TpTestEnd();
}
