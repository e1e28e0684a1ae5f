/* How many independent samples a correlated series is worth, and the standard error of its mean. */
#include "tempera/thermo.h"

#include <math.h>

enum {
  LAGS_AT_ONCE = 8,   /* lags summed in one pass over the series */
  MAX_LAG      = 128, /* longer correlations are summed on block means; a multiple of LAGS_AT_ONCE */
};

/* x has LAGS_AT_ONCE zeros behind its n values, so that every lag may run to the end. */
static void LaggedProducts(PetscInt64 n, const double x[], PetscInt64 lag, double sums[LAGS_AT_ONCE])
{
  for (int k = 0; k < LAGS_AT_ONCE; ++k) sums[k] = 0.0;
  for (PetscInt64 i = 0; i < n - lag; ++i) {
    for (int k = 0; k < LAGS_AT_ONCE; ++k) sums[k] += x[i] * x[i + lag + k];
  }
}

/*
  The sum of the autocovariance over all lags of both signs, which is n times the variance of the mean: Geyer's initial monotone sequence,
  the sums of neighbouring lags while they are positive, none larger than the one before it (the true ones fall; less noise is summed so).
  Sets `complete` to whether the sequence ended before MAX_LAG.
*/
static double SummedCovariance(PetscInt64 n, const double x[], PetscBool *complete)
{
  double products[LAGS_AT_ONCE];
  double sum    = 0.0;
  double square = 0.0;
  double last   = PETSC_MAX_REAL;

  *complete = PETSC_TRUE;
  for (PetscInt64 lag = 0; lag < PetscMin(n, MAX_LAG); lag += LAGS_AT_ONCE) {
    LaggedProducts(n, x, lag, products);
    if (lag == 0) square = products[0];
    for (int k = 0; k < LAGS_AT_ONCE; k += 2) {
      const double pair = products[k] + products[k + 1];

      if (pair <= 0.0) return (2.0 * sum - square) / (double)n;
      last = PetscMin(pair, last);
      sum += last;
    }
  }
  *complete = (PetscBool)(n <= MAX_LAG);
  return (2.0 * sum - square) / (double)n;
}

/* Replace the series by the means of neighbours; returns the new length. */
static PetscInt64 HalveSeries(PetscInt64 n, double x[])
{
  const PetscInt64 half = n / 2;

  for (PetscInt64 i = 0; i < half; ++i) x[i] = 0.5 * (x[2 * i] + x[2 * i + 1]);
  for (int k = 0; k < LAGS_AT_ONCE; ++k) x[half + k] = 0.0;
  return half;
}

static PetscBool IsConstant(PetscInt64 n, const double x[])
{
  for (PetscInt64 i = 1; i < n; ++i) {
    if (x[i] != x[0]) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* Around the first value, so that a large offset costs no digits. */
static double Mean(PetscInt64 n, const double x[])
{
  double sum = 0.0;

  for (PetscInt64 i = 0; i < n; ++i) sum += x[i] - x[0];
  return x[0] + sum / (double)n;
}

static double SumOfSquares(PetscInt64 n, const double x[], double mean)
{
  double sum = 0.0;

  for (PetscInt64 i = 0; i < n; ++i) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

PetscErrorCode TpStatisticalInefficiency(PetscInt64 n, const double x[], double *g)
{
  PetscBool  complete = PETSC_FALSE;
  PetscInt64 length   = n;
  double     block    = 1.0;
  double     variance, covariance, mean;
  double    *series;

  PetscFunctionBeginUser;
  PetscCheck(n >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A series of %lld values", (long long)n);
  *g = 1.0;
  if (IsConstant(n, x)) PetscFunctionReturn(PETSC_SUCCESS);
  mean     = Mean(n, x);
  variance = SumOfSquares(n, x, mean) / (double)n;
  PetscCheck(isfinite(variance), PETSC_COMM_SELF, PETSC_ERR_FP, "A series of %lld values is not finite", (long long)n);

  PetscCall(PetscMalloc1(n + LAGS_AT_ONCE, &series));
  for (PetscInt64 i = 0; i < n; ++i) series[i] = x[i] - mean;
  for (int k = 0; k < LAGS_AT_ONCE; ++k) series[n + k] = 0.0;
  covariance = SummedCovariance(length, series, &complete);
  while (
      !complete) { /* block means have the same variance of the mean, and half the lags: the cost stays O(n) for any correlation */
    length     = HalveSeries(length, series);
    block      = 2.0 * block;
    covariance = SummedCovariance(length, series, &complete);
  }
  PetscCall(PetscFree(series));
  *g = PetscMin(PetscMax(block * covariance / variance, 1.0), (double)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSeriesMean(PetscInt64 n, const double x[], double *mean, double *error)
{
  double g;

  PetscFunctionBeginUser;
  PetscCall(TpStatisticalInefficiency(n, x, &g));
  *mean  = Mean(n, x);
  *error = n == 1 ? (double)INFINITY : sqrt(g * SumOfSquares(n, x, *mean) / ((double)(n - 1) * (double)n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* rho^k is the correlation over k samples, g = (1 + rho) / (1 - rho); a mean over L has the variance (g - 2 rho (1 - rho^L) / (L (1 - rho)^2)) / L. */
double TpBlockShare(PetscInt64 n, PetscInt64 length, double g)
{
  const double rho = (g - 1.0) / (g + 1.0), l = (double)length;
  const double lost = 2.0 * rho * (1.0 - pow(rho, l)) / (l * (1.0 - rho) * (1.0 - rho) * g);

  return 1.0 - lost - l / (double)n;
}
