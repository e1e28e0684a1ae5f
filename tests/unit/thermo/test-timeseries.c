/* Statistical inefficiency and standard errors on first-order autoregressive series, where g = (1 + a) / (1 - a) exactly. */
#include "tempera/thermo.h"
#include "test.h"

#include <math.h>

enum { SEED = 7321 };

/* Stationary from its first value: unit variance, correlation a^lag. */
static PetscErrorCode MakeSeries(PetscInt n, double a, uint32_t id, double **series)
{
  double *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &x));
  TpRandomNormal(SEED, TP_RANDOM_TEST, id, 0, n, x);
  for (PetscInt i = 1; i < n; ++i) x[i] = a * x[i - 1] + sqrt(1.0 - a * a) * x[i];
  *series = x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The mean of g over 100 series lies within 4 of its standard errors (measured from the 100) of the exact value, plus the `bias`
  that the header tells of (noise is cut off at positive values): false alarm below 1e-4 each.
*/
static PetscErrorCode KnownInefficiency(double a, PetscInt n, double bias)
{
  enum { REPEATS = 100 };
  const double exact = PetscMax((1.0 + a) / (1.0 - a), 1.0);
  double       g[REPEATS], mean = 0.0, square = 0.0, error;

  PetscFunctionBeginUser;
  for (uint32_t i = 0; i < REPEATS; ++i) {
    double *x;

    PetscCall(MakeSeries(n, a, i, &x));
    PetscCall(TpStatisticalInefficiency(n, x, &g[i]));
    PetscCall(PetscFree(x));
    mean += g[i] / REPEATS;
  }
  for (int i = 0; i < REPEATS; ++i) square += (g[i] - mean) * (g[i] - mean) / (REPEATS - 1);
  error = sqrt(square / REPEATS);
  TpTestExpectThat(fabs(mean - exact) <= 4.0 * error + bias * exact, "a = %g: mean of g is %g +- %g, exact %g", a, mean,
                   error, exact);
  TpTestExpectThat(sqrt(square) < 0.25 * exact, "a = %g: g spreads by %g about %g", a, sqrt(square), mean);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Geyer's sum written down directly, no blocks: what the block means must reproduce. */
static double DirectInefficiency(PetscInt n, const double x[])
{
  double mean = 0.0, variance = 0.0, sum = 0.0, last = PETSC_MAX_REAL;

  for (PetscInt i = 0; i < n; ++i) mean += x[i] / n;
  for (PetscInt lag = 0; lag + 1 < n; lag += 2) {
    double pair = 0.0, square = 0.0;

    for (PetscInt i = 0; i + lag < n; ++i) square += (x[i] - mean) * (x[i + lag] - mean);
    for (PetscInt i = 0; i + lag + 1 < n; ++i) pair += (x[i] - mean) * (x[i + lag + 1] - mean);
    if (lag == 0) variance = square;
    if (square + pair <= 0.0) break;
    last = PetscMin(last, square + pair);
    sum += last;
  }
  return 2.0 * sum / variance - 1.0;
}

/* No statistics here: both see the same numbers. Blocks move the cut-off by up to a pair of blocks, where the correlation is near zero. */
static PetscErrorCode BlocksGiveTheDirectSum(void)
{
  const double   a[4]         = {0.5, 0.7, 0.99, 0.995};
  const double   tolerance[4] = {1e-9, 1e-9, 0.02, 0.02};
  const PetscInt n            = 50001;

  PetscFunctionBeginUser;
  for (int i = 0; i < 4; ++i) {
    double *x = NULL;
    double  g, direct;

    PetscCall(MakeSeries(n, a[i], 500, &x));
    PetscCall(TpStatisticalInefficiency(n, x, &g));
    direct = DirectInefficiency(n, x);
    PetscCall(PetscFree(x));
    TpTestExpectClose(g / direct, 1.0, tolerance[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Ten million values with g = 3999. A sum over all lags would take hours, so the test's time limit is part of the test. The relative
  spread of g is sqrt(2 (2 M + 1) / n) = 8 % for a window of M = 8 correlation times; 4 of them are allowed (false alarm 6e-5).
*/
static PetscErrorCode LongSeries(void)
{
  const PetscInt n = 10000000;
  double        *x, g;

  PetscFunctionBeginUser;
  PetscCall(MakeSeries(n, 0.9995, 900, &x));
  PetscCall(TpStatisticalInefficiency(n, x, &g));
  PetscCall(PetscFree(x));
  TpTestExpectClose(g / 3999.0, 1.0, 0.32);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  200 means of known value 0, divided by their standard errors, have variance 1 if the errors are right. The variance of 200 normal numbers
  spreads by sqrt(2 / 200) = 0.1; allowed is 0.35 to either side (false alarm below 1e-3) - errors from raw counts would give 19.
*/
static PetscErrorCode StandardErrorsAreCalibrated(void)
{
  enum { REPEATS = 200 };
  const PetscInt n        = 20000;
  double         variance = 0.0;

  PetscFunctionBeginUser;
  for (uint32_t i = 0; i < REPEATS; ++i) {
    double *x, mean, error;

    PetscCall(MakeSeries(n, 0.9, 1000 + i, &x));
    PetscCall(TpSeriesMean(n, x, &mean, &error));
    PetscCall(PetscFree(x));
    variance += mean * mean / (error * error) / REPEATS;
  }
  TpTestExpectClose(variance, 1.0, 0.35);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SmallAndDegenerateSeries(void)
{
  const double constant[5]  = {0.1, 0.1, 0.1, 0.1, 0.1};
  const double alternate[6] = {1.0, -1.0, 1.0, -1.0, 1.0, -1.0};
  const double three[3]     = {1e9 + 1.0, 1e9 + 3.0, 1e9 + 2.0};
  double       g, mean, error, ramp[1000];

  PetscFunctionBeginUser;
  PetscCall(TpStatisticalInefficiency(5, constant, &g));
  TpTestExpectClose(g, 1.0, 0.0);
  PetscCall(TpSeriesMean(5, constant, &mean, &error));
  TpTestExpectClose(mean, 0.1, 0.0);
  TpTestExpectClose(error, 0.0, 0.0);
  PetscCall(TpStatisticalInefficiency(6, alternate, &g));
  TpTestExpectClose(g, 1.0, 0.0);
  PetscCall(TpSeriesMean(1, constant, &mean, &error));
  TpTestExpectClose(mean, 0.1, 0.0);
  TpTestExpect(isinf(error));
  /* variance 1 with n - 1; the one pair is 2 - 1 = 1 of a square of 2, so g = 2 x 1/2 - 1 = 0, raised to 1 */
  PetscCall(TpSeriesMean(3, three, &mean, &error));
  TpTestExpectClose(mean, 1e9 + 2.0, 0.0);
  TpTestExpectClose(error, sqrt(1.0 / 3.0), 1e-14);
  for (int i = 0; i < 1000; ++i) ramp[i] = i;
  PetscCall(TpStatisticalInefficiency(1000, ramp, &g));
  TpTestExpectThat(g > 200.0 && g <= 1000.0, "a ramp is one sample or few, g is %g", g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A NaN energy must not become a number with an error bar. */
static PetscErrorCode NotFiniteIsRefused(void)
{
  const double   bad[3] = {1.0, NAN, 2.0};
  PetscErrorCode code;
  double         g, mean, error;

  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code = TpStatisticalInefficiency(3, bad, &g);
  TpTestExpectEqual(code, PETSC_ERR_FP);
  code = TpSeriesMean(3, bad, &mean, &error);
  TpTestExpectEqual(code, PETSC_ERR_FP);
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Inefficiencies(void)
{
  PetscFunctionBeginUser;
  PetscCall(KnownInefficiency(0.0, 20000, 0.03));
  PetscCall(KnownInefficiency(-0.5, 20000, 1e-12)); /* 1/3, raised to 1 */
  PetscCall(KnownInefficiency(0.5, 20000, 0.03));
  PetscCall(KnownInefficiency(0.9, 50000, 0.03));
  PetscCall(KnownInefficiency(0.99, 200000, 0.03));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(SmallAndDegenerateSeries());
  TpTestCall(NotFiniteIsRefused());
  TpTestCall(BlocksGiveTheDirectSum());
  TpTestCall(Inefficiencies());
  TpTestCall(StandardErrorsAreCalibrated());
  TpTestCall(LongSeries());
  return TpTestEnd();
}
