/* The convex objective of MBAR: one pass over this rank's samples gives its value, gradient and second derivatives. */
#include "mbar-impl.h"

#include <math.h>
#include <petscblaslapack.h>

PetscErrorCode TpMbarAgree(TpMbar mbar, PetscErrorCode code)
{
  PetscFunctionBeginUser;
  if (mbar->alone) PetscFunctionReturn(code);
  PetscCall(TpAgree(mbar->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarMaximum(TpMbar mbar, double *value)
{
  PetscFunctionBeginUser;
  if (mbar->alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpAllreduce(MPI_IN_PLACE, value, 1, MPI_DOUBLE, MPI_MAX, mbar->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarBroadcast(TpMbar mbar, PetscInt count, double values[])
{
  PetscMPIInt length;

  PetscFunctionBeginUser;
  if (mbar->alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMPIIntCast(count, &length));
  PetscCall(TpBroadcast(values, length, MPI_DOUBLE, 0, mbar->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarSum(TpMbar mbar, PetscErrorCode code, PetscInt count, double values[])
{
  PetscMPIInt length;

  PetscFunctionBeginUser;
  if (mbar->alone) PetscFunctionReturn(code);
  PetscCall(TpMbarAgree(mbar, code));
  PetscCall(PetscMPIIntCast(count, &length));
  PetscCall(TpAllreduce(MPI_IN_PLACE, values, length, MPI_DOUBLE, MPI_SUM, mbar->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sums: value, gradient [num_sampled], upper triangle of the moments [num_sampled, num_sampled] in Fortran's order */
static PetscErrorCode SumSamples(TpMbar mbar, const double f[], double sums[])
{
  const PetscInt num = mbar->num_sampled;
  PetscBLASInt   order, depth = TP_MBAR_BLOCK;
  const double   one = 1.0;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(num, &order));
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         root_weight[TP_MBAR_BLOCK], log_mixture[TP_MBAR_BLOCK];

    PetscCall(TpMbarBlockSoftmax(mbar, f, first, count, mbar->work_block, root_weight, log_mixture, &sums[1]));
    PetscCallBLAS("BLASsyrk",
                  BLASsyrk_("U", "T", &order, &depth, &one, mbar->work_block, &depth, &one, &sums[1 + num], &order));
    for (PetscInt n = 0; n < count; ++n) {
      sums[0] += root_weight[n] * root_weight[n] * log_mixture[n];
      mbar->log_mixture[first + n] = log_mixture[n];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarEvaluate(TpMbar mbar, const double f[])
{
  const PetscInt num    = mbar->num_sampled;
  const PetscInt length = 1 + num + num * num;
  double        *sums   = mbar->sums;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  ++mbar->evaluations;
  PetscCall(PetscArrayzero(sums, length));
  code = SumSamples(mbar, f, sums);
  PetscCall(TpMbarSum(mbar, code, length, sums));
  TpCheckInput(isfinite(sums[0]), "MBAR: a reduced energy is not a number, or not finite in its own state");
  for (PetscInt j = 0; j < num; ++j) {
    for (PetscInt i = 0; i <= j; ++i) {
      mbar->moments[i * num + j] = sums[1 + num + i + j * num];
      mbar->moments[j * num + i] = mbar->moments[i * num + j];
    }
  }
  mbar->value = sums[0];
  for (PetscInt i = 0; i < num; ++i) {
    mbar->value -= mbar->size[mbar->sampled[i]] * f[i];
    mbar->gradient[i] = sums[1 + i] - mbar->size[mbar->sampled[i]];
  }
  mbar->value /= mbar->sum_size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpMbarHessian(TpMbar mbar, PetscInt i, PetscInt j)
{
  const double diagonal = i == j ? mbar->gradient[i] + mbar->size[mbar->sampled[i]] : 0.0;

  return (diagonal - mbar->moments[i * mbar->num_sampled + j]) / mbar->sum_size;
}
