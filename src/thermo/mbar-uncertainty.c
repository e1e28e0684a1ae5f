/* How good an MBAR solution is: overlap of the states, covariance of f, and what the user should be warned of. */
#include "mbar-impl.h"

#include <math.h>
#include <petscblaslapack.h>

static const double least_samples     = 10.0;  /* TP_MBAR_FEW_SAMPLES */
static const double least_effective   = 50.0;  /* TP_MBAR_EXTRAPOLATION */
static const double largest_gradient  = 1e-10; /* TP_MBAR_NOT_CONVERGED */
static const double largest_unity     = 1e-6;
static const double largest_error     = 1.0;  /* of a difference of neighbours, k_B T: see TpMbarSolve() */
static const double least_eigenvalue  = 1e-9; /* of what ties the states together, per sample */
static const double identical_overlap = 1e-12;

/* matrix [n, n] symmetric -> its eigenvectors, rows; values ascending */
static PetscErrorCode Eigen(PetscInt n, double matrix[], double values[])
{
  PetscBLASInt order, length, info;
  double      *work;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(PetscBLASIntCast(8 * n, &length));
  PetscCall(PetscMalloc1(length, &work));
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("V", "U", &order, matrix, &order, values, work, &length, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev returned %d", (int)info);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The neighbours that share least, for a message. */
static PetscErrorCode RefuseOverlap(TpMbar mbar, PetscInt pair)
{
  const PetscInt i = mbar->sampled[pair];
  const PetscInt j = mbar->sampled[pair + 1];

  PetscFunctionBeginUser;
  if (mbar->temperature)
    TpCheckInput(
        PETSC_FALSE,
        "MBAR: rungs %d and %d (temperatures %g and %g) do not overlap, so nothing ties their free energies together; "
        "add rungs between them or more samples",
        (int)i, (int)j, mbar->temperature[i], mbar->temperature[j]);
  TpCheckInput(
      PETSC_FALSE,
      "MBAR: states %d and %d do not overlap, so nothing ties their free energies together; add states between "
      "them or more samples",
      (int)i, (int)j);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt LeastTied(TpMbar mbar)
{
  PetscInt least = 0;
  double   found = PETSC_MAX_REAL;

  for (PetscInt i = 0; i + 1 < mbar->num_sampled; ++i) {
    const double smaller = PetscMin(mbar->size[mbar->sampled[i]], mbar->size[mbar->sampled[i + 1]]);
    const double shared  = mbar->moments[i * mbar->num_sampled + i + 1] / smaller;

    if (shared < found) {
      found = shared;
      least = i;
    }
  }
  return least;
}

/* The Hessian scaled by the states' sizes has the eigenvalue 0 for a common constant; a second one says that some states float freely. */
PetscErrorCode TpMbarCheckConnected(TpMbar mbar)
{
  const PetscInt num = mbar->num_sampled;
  double        *matrix, *values, second;

  PetscFunctionBeginUser;
  if (num == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(num * num, &matrix, num, &values));
  for (PetscInt i = 0; i < num; ++i) {
    for (PetscInt j = 0; j < num; ++j)
      matrix[i * num + j] = TpMbarHessian(mbar, i, j) * mbar->sum_size /
                            sqrt(mbar->size[mbar->sampled[i]] * mbar->size[mbar->sampled[j]]);
  }
  PetscCall(Eigen(num, matrix, values));
  second = values[1];
  PetscCall(PetscFree2(matrix, values));
  if (!(second > least_eigenvalue)) PetscCall(RefuseOverlap(mbar, LeastTied(mbar)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarDecompose(TpMbar mbar, double *second_eigenvalue)
{
  const PetscInt num = mbar->num_sampled;
  double        *vectors, *values;

  PetscFunctionBeginUser;
  if (!mbar->propagator) PetscCall(PetscMalloc1(num * num, &mbar->propagator));
  PetscCall(PetscArrayzero(mbar->propagator, num * num));
  PetscCall(PetscMalloc2(num * num, &vectors, num, &values));
  for (PetscInt i = 0; i < num; ++i) {
    for (PetscInt j = 0; j < num; ++j)
      vectors[i * num + j] =
          mbar->moments[i * num + j] / sqrt(mbar->size[mbar->sampled[i]] * mbar->size[mbar->sampled[j]]);
  }
  PetscCall(Eigen(num, vectors, values));
  for (PetscInt e = 0; e < num; ++e) {
    const double factor = e == num - 1 ? -1.0 : 1.0 / (1.0 - values[e]);

    for (PetscInt i = 0; i < num; ++i) {
      for (PetscInt j = 0; j < num; ++j)
        mbar->propagator[i * num + j] += factor * vectors[e * num + i] * vectors[e * num + j];
    }
  }
  *second_eigenvalue = num > 1 ? PetscMax(values[num - 2], 0.0) : 0.0;
  PetscCall(PetscFree2(vectors, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W_k of all states. */
static PetscErrorCode StateColumns(TpMbar mbar, void *context, PetscInt64 first, PetscInt count,
                                   const double root_weight[], double x[])
{
  const PetscInt *all = context;

  PetscFunctionBeginUser;
  PetscCall(TpMbarBlockEnergies(mbar, first, count, mbar->num_states, all, x));
  for (PetscInt k = 0; k < mbar->num_states; ++k) {
    double *column = &x[k * TP_MBAR_BLOCK];

    for (PetscInt n = 0; n < count; ++n) column[n] = mbar->f[k] - column[n] - mbar->log_mixture[first + n];
    for (PetscInt n = count; n < TP_MBAR_BLOCK; ++n) column[n] = 0.0;
    mbar->kernels->exponential(column);
    for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n) column[n] *= root_weight[n];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything relative to state 0, and in the caller's energies. */
static void FillDifferences(TpMbar mbar, const double covariance[])
{
  const PetscInt num = mbar->num_states;

  for (PetscInt i = 0; i < num; ++i) {
    const double shift = mbar->rows ? 0.0 : (mbar->beta[i] - mbar->beta[0]) * mbar->reference;

    mbar->result_f[i] = mbar->f[i] - mbar->f[0] + shift;
    for (PetscInt j = 0; j < num; ++j)
      mbar->result_covariance[i * num + j] =
          covariance[i * num + j] - covariance[i * num] - covariance[j] + covariance[0];
    mbar->result_error[i] = sqrt(PetscMax(mbar->result_covariance[i * num + i], 0.0));
  }
}

/* Of both directions the larger: a rung with few samples has small numbers in its column whatever its place. */
double TpMbarPairOverlap(const TpMbarResult *result, PetscInt i, PetscInt j)
{
  const PetscInt num = result->num_states;
  const double  *o   = result->overlap;

  return PetscMax(o[i * num + j] / (o[i * num + i] + o[i * num + j]),
                  o[j * num + i] / (o[j * num + j] + o[j * num + i]));
}

static void FillOverlap(TpMbar mbar, const double squares[], TpMbarResult *result)
{
  const PetscInt num = mbar->num_states;

  for (PetscInt i = 0; i < num; ++i) {
    mbar->result_effective[i] = 1.0 / squares[i * num + i];
    for (PetscInt j = 0; j < num; ++j)
      mbar->result_overlap[i * num + j] = mbar->size[j] > 0.0 ? mbar->size[j] * squares[i * num + j] : 0.0;
  }
  result->least_overlap = 1.0;
  for (PetscInt p = 0; p + 1 < mbar->num_sampled; ++p) {
    const PetscInt i = mbar->sampled[p], j = mbar->sampled[p + 1];
    const double   overlap = TpMbarPairOverlap(result, i, j);

    if (overlap >= result->least_overlap) continue;
    result->least_overlap = overlap;
    result->least_pair[0] = i;
    result->least_pair[1] = j;
  }
}

/* Two states are the same if their weights are: |W_i - W_j|^2 vanishes beside |W_i|^2. */
static PetscBool HasIdentical(PetscInt num, const double squares[])
{
  for (PetscInt i = 0; i < num; ++i) {
    for (PetscInt j = 0; j < i; ++j) {
      const double both = squares[i * num + i] + squares[j * num + j];

      if (both - 2.0 * squares[i * num + j] <= identical_overlap * both) return PETSC_TRUE;
    }
  }
  return PETSC_FALSE;
}

static void FillWarnings(TpMbar mbar, const double squares[], TpMbarResult *result)
{
  for (PetscInt k = 0; k < mbar->num_states; ++k) {
    if (mbar->size[k] == 0.0)
      result->warnings |= TP_MBAR_EMPTY_STATE;
    else if (mbar->size[k] < least_samples)
      result->warnings |= TP_MBAR_FEW_SAMPLES;
    if (mbar->result_effective[k] < least_effective) result->warnings |= TP_MBAR_EXTRAPOLATION;
  }
  for (PetscInt i = 0; i < mbar->num_sampled; ++i) {
    result->gradient     = PetscMax(result->gradient, fabs(mbar->gradient[i]) / mbar->sum_size);
    result->weight_error = PetscMax(result->weight_error, fabs(mbar->gradient[i]) / mbar->size[mbar->sampled[i]]);
  }
  if (result->least_overlap < TP_MBAR_LEAST_OVERLAP) result->warnings |= TP_MBAR_POOR_OVERLAP;
  if (HasIdentical(mbar->num_states, squares)) result->warnings |= TP_MBAR_IDENTICAL;
  if (!(result->gradient <= largest_gradient && result->weight_error <= largest_unity))
    result->warnings |= TP_MBAR_NOT_CONVERGED;
}

static PetscErrorCode CheckErrors(TpMbar mbar, const double covariance[])
{
  const PetscInt num = mbar->num_states;

  PetscFunctionBeginUser;
  for (PetscInt p = 0; p + 1 < mbar->num_sampled; ++p) {
    const PetscInt i = mbar->sampled[p], j = mbar->sampled[p + 1];
    const double   variance = covariance[i * num + i] + covariance[j * num + j] - 2.0 * covariance[i * num + j];

    if (!(variance <= largest_error * largest_error)) PetscCall(RefuseOverlap(mbar, p));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarUncertainty(TpMbar mbar, TpMbarResult *result)
{
  const PetscInt num = mbar->num_states;
  double        *covariance, *squares;
  PetscInt      *all;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpMbarDecompose(mbar, &result->second_eigenvalue));
  PetscCall(PetscMalloc3(num * num, &covariance, num * num, &squares, num, &all));
  for (PetscInt k = 0; k < num; ++k) all[k] = k;
  PetscCall(TpMbarCovariance(mbar, num, StateColumns, all, covariance, squares));
  FillDifferences(mbar, covariance);
  FillOverlap(mbar, squares, result);
  FillWarnings(mbar, squares, result);
  code = CheckErrors(mbar, covariance);
  PetscCall(PetscFree3(covariance, squares, all));
  PetscFunctionReturn(code);
}
