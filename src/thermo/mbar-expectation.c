/* Averages under MBAR's weights, and their errors with the uncertainty of f in them. */
#include "mbar-impl.h"

#include <math.h>
#include <petscblaslapack.h>

/*
  Shirts & Chodera's eq. 8, for weighted columns X (of W_T, W_T (A - <A>), ...):

    cov = X^T (1 - W N W^T)^+ X = X^T X + (B^T X)^T M (B^T X),   B = W_s N_s^(1/2), s the states with samples,

  where M = sum over eigenvalues l < 1 of B^T B of v v^T / (1 - l), minus v_1 v_1^T of the eigenvalue 1 (mbar-uncertainty.c). Nothing is inverted
  but 1 - l: identical states (l = 0) are no trouble, and states that do not overlap (l near 1) show in the error.
*/
static PetscErrorCode SumProducts(TpMbar mbar, PetscInt num, TpMbarColumns columns, void *context, double products[],
                                  double squares[])
{
  PetscBLASInt order, width, depth = TP_MBAR_BLOCK;
  const double one = 1.0;
  double      *x, *f, *ignored;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(mbar->num_sampled, &order));
  PetscCall(PetscBLASIntCast(num, &width));
  PetscCall(PetscMalloc3(num * TP_MBAR_BLOCK, &x, mbar->num_sampled, &f, mbar->num_sampled, &ignored));
  PetscCall(PetscArrayzero(ignored, mbar->num_sampled));
  for (PetscInt i = 0; i < mbar->num_sampled; ++i) f[i] = mbar->f[mbar->sampled[i]];
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         root_weight[TP_MBAR_BLOCK], log_mixture[TP_MBAR_BLOCK];

    PetscCall(TpMbarBlockSoftmax(mbar, f, first, count, mbar->work_block, root_weight, log_mixture, ignored));
    PetscCall((*columns)(mbar, context, first, count, root_weight, x));
    PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &order, &width, &depth, &one, mbar->work_block, &depth, x, &depth,
                                        &one, products, &order));
    PetscCallBLAS("BLASgemm",
                  BLASgemm_("T", "N", &width, &width, &depth, &one, x, &depth, x, &depth, &one, squares, &width));
  }
  PetscCall(PetscFree3(x, f, ignored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* covariance += products M products^T; products [num, num_sampled] row-major */
static PetscErrorCode AddUncertaintyOfF(TpMbar mbar, PetscInt num, double products[], double covariance[])
{
  const PetscInt num_sampled = mbar->num_sampled;
  const double   one = 1.0, zero = 0.0;
  PetscBLASInt   order, width;
  double        *half;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(num_sampled, &order));
  PetscCall(PetscBLASIntCast(num, &width));
  for (PetscInt i = 0; i < num; ++i) {
    for (PetscInt k = 0; k < num_sampled; ++k) products[i * num_sampled + k] /= sqrt(mbar->size[mbar->sampled[k]]);
  }
  PetscCall(PetscMalloc1(num_sampled * num, &half));
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &order, &width, &order, &one, mbar->propagator, &order, products,
                                      &order, &zero, half, &order));
  PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &width, &width, &order, &one, products, &order, half, &order, &one,
                                      covariance, &width));
  PetscCall(PetscFree(half));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarCovariance(TpMbar mbar, PetscInt num, TpMbarColumns columns, void *context, double covariance[],
                                double squares[])
{
  const PetscInt num_products = num * mbar->num_sampled;
  double        *sums;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(num_products + num * num, &sums));
  code = SumProducts(mbar, num, columns, context, sums, &sums[num_products]);
  PetscCall(TpMbarSum(mbar, code, num_products + num * num, sums));
  PetscCall(PetscArraycpy(covariance, &sums[num_products], num * num));
  if (squares) PetscCall(PetscArraycpy(squares, covariance, num * num));
  PetscCall(AddUncertaintyOfF(mbar, num, sums, covariance));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const double *weight, *value;
  double        mean;
} Observable;

static PetscErrorCode ObservableColumn(TpMbar mbar, void *context, PetscInt64 first, PetscInt count,
                                       const double root_weight[], double x[])
{
  const Observable *observable = context;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(x, TP_MBAR_BLOCK));
  for (PetscInt n = 0; n < count; ++n)
    x[n] = observable->weight[first + n] / root_weight[n] * (observable->value[first + n] - observable->mean);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarExpectation(TpMbar mbar, const double weight[], const double value[], double *mean, double *error)
{
  Observable observable = {.weight = weight, .value = value};
  double     variance   = (double)NAN;

  PetscFunctionBeginUser;
  PetscCheck(mbar->propagator, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpMbarSolve() comes first");
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) observable.mean += weight[n] * value[n];
  PetscCall(TpMbarSum(mbar, PETSC_SUCCESS, 1, &observable.mean));
  if (!mbar->multiplicity) PetscCall(TpMbarCovariance(mbar, 1, ObservableColumn, &observable, &variance, NULL));
  *mean  = observable.mean;
  *error = mbar->multiplicity ? (double)NAN : sqrt(PetscMax(variance, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two columns: W_target, and W_0 of the first state. */
typedef struct {
  const double *weight;
} Target;

static PetscErrorCode TargetColumns(TpMbar mbar, void *context, PetscInt64 first, PetscInt count,
                                    const double root_weight[], double x[])
{
  const Target  *target = context;
  const PetscInt zero   = 0;
  double        *column = &x[TP_MBAR_BLOCK];

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(x, TP_MBAR_BLOCK));
  PetscCall(TpMbarBlockEnergies(mbar, first, count, 1, &zero, column));
  for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n)
    column[n] = n < count ? root_weight[n] * exp(mbar->f[0] - column[n] - mbar->log_mixture[first + n]) : 0.0;
  for (PetscInt n = 0; n < count; ++n) x[n] = target->weight[first + n] / root_weight[n];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* weight: in -u - c, out weights that sum to 1; ln of their sum before. */
static PetscErrorCode NormaliseWeights(TpMbar mbar, double weight[], double *log_sum)
{
  double largest = -PETSC_MAX_REAL, sum = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) largest = PetscMax(largest, weight[n]);
  PetscCall(TpMbarMaximum(mbar, &largest));
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         root_weight[TP_MBAR_BLOCK];

    TpMbarBlockRootWeights(mbar, first, count, root_weight);
    for (PetscInt n = 0; n < count; ++n) {
      weight[first + n] = root_weight[n] * root_weight[n] * exp(weight[first + n] - largest);
      sum += weight[first + n];
    }
  }
  PetscCall(TpMbarSum(mbar, PETSC_SUCCESS, 1, &sum));
  TpCheckInput(isfinite(sum) && sum > 0.0, "MBAR: no sample has a finite energy in the target state");
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) weight[n] /= sum;
  *log_sum = largest + log(sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (sum of w v)^2 / sum of w v^2 with weight = w v and sum 1, w the sample's own weight (1/g). */
static PetscErrorCode EffectiveSamples(TpMbar mbar, const double weight[], double *effective)
{
  double squares = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         root_weight[TP_MBAR_BLOCK];

    TpMbarBlockRootWeights(mbar, first, count, root_weight);
    for (PetscInt n = 0; n < count; ++n) {
      const double ratio = root_weight[n] > 0.0 ? weight[first + n] / root_weight[n] : 0.0;

      squares += ratio * ratio;
    }
  }
  PetscCall(TpMbarSum(mbar, PETSC_SUCCESS, 1, &squares));
  *effective = 1.0 / squares;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarReweight(TpMbar mbar, const double u[], double weight[], double *f, double *error,
                              double *effective)
{
  const double shift = mbar->rows ? 0.0 : mbar->beta[0] * mbar->reference;
  double       log_sum, covariance[4];
  Target       target = {.weight = weight};

  PetscFunctionBeginUser;
  PetscCheck(mbar->propagator, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpMbarSolve() comes first");
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) weight[n] = -u[n] - mbar->log_mixture[n];
  PetscCall(NormaliseWeights(mbar, weight, &log_sum));
  *f = -log_sum - (mbar->f[0] + shift);
  PetscCall(EffectiveSamples(mbar, weight, effective));
  *error = (double)NAN;
  if (mbar->multiplicity) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpMbarCovariance(mbar, 2, TargetColumns, &target, covariance, NULL));
  *error = sqrt(PetscMax(covariance[0] - 2.0 * covariance[1] + covariance[3], 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarWeights(TpMbar mbar, double temperature, double weight[])
{
  double log_sum;

  PetscFunctionBeginUser;
  PetscCheck(mbar->propagator, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpMbarSolve() comes first");
  PetscCheck(mbar->temperature, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "A table of states has no temperatures");
  TpCheckInput(temperature > 0.0 && isfinite(temperature), "MBAR: temperature %g; allowed: above 0", temperature);
  for (PetscInt64 n = 0; n < mbar->num_local; ++n)
    weight[n] = -(mbar->energy[n] - mbar->reference) / (mbar->boltzmann * temperature) - mbar->log_mixture[n];
  PetscCall(NormaliseWeights(mbar, weight, &log_sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarStateWeights(TpMbar mbar, PetscInt state, double weight[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(weight, mbar->num_local));
  for (PetscInt64 i = mbar->first[state]; i < mbar->first[state + 1]; ++i)
    weight[i] = (mbar->multiplicity ? mbar->multiplicity[i] : 1.0) / (double)mbar->total[state];
  PetscFunctionReturn(PETSC_SUCCESS);
}
