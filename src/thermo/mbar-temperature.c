/* Thermodynamics at any temperature from an MBAR solution over a ladder. */
#include "mbar-impl.h"

#include <math.h>

/* Averages at one temperature; energies count from mbar->reference. */
typedef struct {
  double beta;
  double log_sum; /* ln sum_n w_n exp(-u_n - c_n): the weight of sample n is w_n exp(-u_n - c_n - log_sum) */
  double mean;
  double variance;
  double effective;
} Averages;

enum { NUM_SUMS = 3 };

/* ln of sample n's weight but for its own, w_n. */
static double LogWeight(TpMbar mbar, const Averages *averages, PetscInt64 n)
{
  return -averages->beta * (mbar->energy[n] - mbar->reference) - mbar->log_mixture[n] - averages->log_sum;
}

/* w_n v_n of one block; zero beyond `count`. */
static void BlockWeights(TpMbar mbar, const Averages *averages, PetscInt64 first, PetscInt count,
                         const double root_weight[], double weight[])
{
  for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n) weight[n] = n < count ? LogWeight(mbar, averages, first + n) : 0.0;
  mbar->kernels->exponential(weight);
  for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n) weight[n] *= root_weight[n] * root_weight[n];
}

/* sums: of w v, w v (U - mean), w v (U - mean)^2, and of w v^2, with v = exp(-u - c - log_sum). */
static void SumMoments(TpMbar mbar, const Averages *averages, double sums[4])
{
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         root_weight[TP_MBAR_BLOCK], weight[TP_MBAR_BLOCK];

    TpMbarBlockRootWeights(mbar, first, count, root_weight);
    BlockWeights(mbar, averages, first, count, root_weight, weight);
    for (PetscInt n = 0; n < count; ++n) {
      const double difference = mbar->energy[first + n] - mbar->reference - averages->mean;

      if (root_weight[n] == 0.0) continue;
      sums[0] += weight[n];
      sums[1] += weight[n] * difference;
      sums[2] += weight[n] * difference * difference;
      sums[3] += weight[n] / root_weight[n] * (weight[n] / root_weight[n]);
    }
  }
}

/* First around zero, for the mean; then around the mean, where the variance keeps its digits. */
static PetscErrorCode Average(TpMbar mbar, Averages *averages)
{
  double largest = -PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) largest = PetscMax(largest, LogWeight(mbar, averages, n));
  PetscCall(TpMbarMaximum(mbar, &largest));
  averages->log_sum = largest;
  for (int pass = 0; pass < 2; ++pass) {
    double sums[4] = {0.0};

    SumMoments(mbar, averages, sums);
    PetscCall(TpMbarSum(mbar, PETSC_SUCCESS, 4, sums));
    averages->mean += sums[1] / sums[0];
    averages->log_sum += log(sums[0]);
    averages->variance  = sums[2] / sums[0];
    averages->effective = sums[0] * sums[0] / sums[3];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Three columns whose sums over the samples vary as -(f_T - f_0), U and var(U) do: W_T - W_0, W_T (U - <U>), W_T ((U - <U>)^2 - var U);
  that the mean in the last one varies too is of second order.
*/
static PetscErrorCode PointColumns(TpMbar mbar, void *context, PetscInt64 first, PetscInt count,
                                   const double root_weight[], double x[])
{
  const Averages *averages = context;
  const Averages  zero     = {.beta = mbar->beta[0], .log_sum = -mbar->f[0]};
  double          weight[TP_MBAR_BLOCK], origin[TP_MBAR_BLOCK];

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(x, NUM_SUMS * TP_MBAR_BLOCK));
  BlockWeights(mbar, averages, first, count, root_weight, weight);
  BlockWeights(mbar, &zero, first, count, root_weight, origin);
  for (PetscInt n = 0; n < count; ++n) {
    const double difference = mbar->energy[first + n] - mbar->reference - averages->mean;
    const double column     = weight[n] / root_weight[n];

    x[n]                     = column - origin[n] / root_weight[n];
    x[TP_MBAR_BLOCK + n]     = column * difference;
    x[2 * TP_MBAR_BLOCK + n] = column * (difference * difference - averages->variance);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Standard error of sum_i a_i y_i. */
static double LinearError(const double covariance[NUM_SUMS * NUM_SUMS], double a0, double a1, double a2)
{
  const double a[NUM_SUMS] = {a0, a1, a2};
  double       variance    = 0.0;

  for (int i = 0; i < NUM_SUMS; ++i) {
    for (int j = 0; j < NUM_SUMS; ++j) variance += a[i] * covariance[i * NUM_SUMS + j] * a[j];
  }
  return sqrt(PetscMax(variance, 0.0));
}

static void FillPoint(TpMbar mbar, const Averages *averages, const double covariance[], TpMbarPoint *point)
{
  const double k    = mbar->boltzmann;
  const double kT   = k * point->temperature;
  const double beta = averages->beta;
  const double f    = -averages->log_sum - mbar->f[0] + (beta - mbar->beta[0]) * mbar->reference;

  point->energy              = averages->mean + mbar->reference;
  point->free_energy         = kT * f;
  point->heat_capacity       = k * beta * beta * averages->variance;
  point->entropy             = k * (beta * point->energy - f);
  point->effective           = averages->effective;
  point->free_energy_error   = LinearError(covariance, kT, 0.0, 0.0);
  point->energy_error        = LinearError(covariance, 0.0, 1.0, 0.0);
  point->heat_capacity_error = LinearError(covariance, 0.0, 0.0, k * beta * beta);
  point->entropy_error       = LinearError(covariance, k, k * beta, 0.0);
}

PetscErrorCode TpMbarAtTemperatures(TpMbar mbar, PetscInt n, const double temperature[], TpMbarPoint point[])
{
  PetscFunctionBeginUser;
  PetscCheck(mbar->propagator, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpMbarSolve() comes first");
  PetscCheck(mbar->temperature, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "A table of states has no temperatures");
  for (PetscInt i = 0; i < n; ++i) {
    double   covariance[NUM_SUMS * NUM_SUMS];
    Averages averages = {0};

    TpCheckInput(temperature[i] > 0.0 && isfinite(temperature[i]), "MBAR: temperature %g; allowed: above 0",
                 temperature[i]);
    point[i].temperature = temperature[i];
    averages.beta        = 1.0 / (mbar->boltzmann * temperature[i]);
    PetscCall(Average(mbar, &averages));
    for (int c = 0; c < NUM_SUMS * NUM_SUMS; ++c) covariance[c] = (double)NAN;
    if (!mbar->multiplicity) PetscCall(TpMbarCovariance(mbar, NUM_SUMS, PointColumns, &averages, covariance, NULL));
    FillPoint(mbar, &averages, covariance, &point[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
