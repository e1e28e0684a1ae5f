/* MBAR: what it is given, and the order of its parts. */
#include "mbar-impl.h"

#include <math.h>

static PetscErrorCode CheckTemperatures(double boltzmann, PetscInt num_states, const double temperature[])
{
  PetscFunctionBeginUser;
  PetscCheck(boltzmann > 0.0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "k_B is %g", boltzmann);
  for (PetscInt k = 0; k < num_states; ++k)
    TpCheckInput(temperature[k] > 0.0 && isfinite(temperature[k]),
                 "MBAR: temperature of rung %d is %g; allowed: above 0", (int)k, temperature[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckStates(PetscInt num_states, const PetscInt64 count[], const double g[])
{
  PetscFunctionBeginUser;
  PetscCheck(num_states >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d states", (int)num_states);
  for (PetscInt k = 0; k < num_states; ++k) {
    PetscCheck(count[k] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld samples", (long long)count[k]);
    if (g)
      TpCheckInput(g[k] >= 1.0 && isfinite(g[k]), "MBAR: statistical inefficiency of rung %d is %g; allowed: 1 or more",
                   (int)k, g[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckEnergies(PetscInt num_states, const PetscInt64 count[], const double energy[])
{
  PetscInt64 n = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < num_states; ++k) {
    for (PetscInt64 i = 0; i < count[k]; ++i, ++n)
      TpCheckInput(isfinite(energy[n]), "MBAR: energy %lld of rung %d is %g; allowed: finite numbers", (long long)i,
                   (int)k, energy[n]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AllocateStates(TpMbar mbar)
{
  const PetscInt num = mbar->num_states;

  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc5(num + 1, &mbar->first, num, &mbar->total, num, &mbar->before, num, &mbar->g, num, &mbar->size));
  PetscCall(PetscMalloc4(num, &mbar->sampled, num, &mbar->f, num * TP_MBAR_BLOCK, &mbar->work_block, num,
                         &mbar->work_offset));
  PetscCall(PetscMalloc6(num, &mbar->result_f, num, &mbar->result_error, num * num, &mbar->result_covariance, num * num,
                         &mbar->result_overlap, num, &mbar->result_effective, num, &mbar->result_count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each state's samples lie, here and on the other ranks. */
static PetscErrorCode CountSamples(TpMbar mbar, const PetscInt64 count[], const double g[])
{
  const PetscInt num = mbar->num_states;
  int            rank;

  PetscFunctionBeginUser;
  mbar->first[0] = 0;
  for (PetscInt k = 0; k < num; ++k) mbar->first[k + 1] = mbar->first[k] + count[k];
  mbar->num_local = mbar->first[num];
  PetscCall(TpAllreduce(count, mbar->total, (int)num, MPIU_INT64, MPI_SUM, mbar->comm, NULL));
  PetscCallMPI(MPI_Comm_rank(mbar->comm, &rank));
  PetscCallMPI(MPI_Exscan(count, mbar->before, (int)num, MPIU_INT64, MPI_SUM, mbar->comm));
  if (rank == 0) PetscCall(PetscArrayzero(mbar->before, num));
  for (PetscInt k = 0; k < num; ++k) {
    mbar->g[k]            = g ? g[k] : 1.0;
    mbar->size[k]         = (double)mbar->total[k] / mbar->g[k];
    mbar->result_count[k] = (double)mbar->total[k];
    mbar->sum_size += mbar->size[k];
    if (mbar->total[k]) mbar->sampled[mbar->num_sampled++] = k;
  }
  TpCheckInput(mbar->sum_size >= 2.0, "MBAR: %g uncorrelated samples in all rungs together; allowed: 2 or more",
               mbar->sum_size);
  PetscCall(PetscMalloc4(mbar->num_local, &mbar->log_mixture, mbar->num_sampled * mbar->num_sampled, &mbar->moments,
                         mbar->num_sampled, &mbar->gradient, 1 + mbar->num_sampled * (1 + mbar->num_sampled),
                         &mbar->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The lowest energy of all: beta_k (U - U_min) is a number of the size of the degrees of freedom wherever state k has weight, however far apart the
  temperatures are, and keeps its digits; and it is the same for any distribution over ranks.
*/
static PetscErrorCode FindReference(TpMbar mbar)
{
  double highest = -PETSC_MAX_REAL; /* of -U */

  PetscFunctionBeginUser;
  for (PetscInt64 n = 0; n < mbar->num_local; ++n) highest = PetscMax(highest, -mbar->energy[n]);
  PetscCall(TpMbarMaximum(mbar, &highest));
  mbar->reference = -highest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(MPI_Comm comm, PetscInt num_states, TpMbar *mbar)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscNew(mbar));
  (*mbar)->alone      = (PetscBool)(size == 1);
  (*mbar)->comm       = comm;
  (*mbar)->kernels    = TpMbarKernelsBest();
  (*mbar)->num_states = num_states;
  PetscCall(AllocateStates(*mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error nothing is left to free. */
static PetscErrorCode End(PetscErrorCode code, TpMbar *mbar)
{
  PetscFunctionBeginUser;
  if (code) PetscCall(TpMbarDestroy(mbar));
  PetscFunctionReturn(code);
}

PetscErrorCode TpMbarCreateLadder(MPI_Comm comm, double boltzmann, PetscInt num_states, const double temperature[],
                                  const PetscInt64 count[], const double energy[], const double g[], TpMbar *mbar)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *mbar = NULL;
  code  = CheckStates(num_states, count, g);
  if (!code) code = CheckTemperatures(boltzmann, num_states, temperature);
  if (!code) code = CheckEnergies(num_states, count, energy);
  PetscCall(TpAgree(comm, code));
  PetscCall(Begin(comm, num_states, mbar));
  (*mbar)->boltzmann = boltzmann;
  (*mbar)->energy    = energy;
  PetscCall(PetscMalloc2(num_states, &(*mbar)->temperature, num_states, &(*mbar)->beta));
  for (PetscInt k = 0; k < num_states; ++k) {
    (*mbar)->temperature[k] = temperature[k];
    (*mbar)->beta[k]        = 1.0 / (boltzmann * temperature[k]);
  }
  code = CountSamples(*mbar, count, g);
  if (!code) code = FindReference(*mbar);
  PetscCall(End(code, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarCreateTable(MPI_Comm comm, PetscInt num_states, const PetscInt64 count[], TpMbarRows rows,
                                 void *context, const double g[], TpMbar *mbar)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *mbar = NULL;
  code  = CheckStates(num_states, count, g);
  PetscCall(TpAgree(comm, code));
  PetscCall(Begin(comm, num_states, mbar));
  (*mbar)->rows         = rows;
  (*mbar)->rows_context = context;
  PetscCall(PetscMalloc1(TP_MBAR_BLOCK * num_states, &(*mbar)->rows_buffer));
  code = CountSamples(*mbar, count, g);
  PetscCall(End(code, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarSolve(TpMbar mbar, TpMbarResult *result)
{
  double        *f;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *result           = (TpMbarResult){.num_states = mbar->num_states,
                                     .f          = mbar->result_f,
                                     .error      = mbar->result_error,
                                     .covariance = mbar->result_covariance,
                                     .count      = mbar->result_count,
                                     .effective  = mbar->result_effective,
                                     .overlap    = mbar->result_overlap};
  mbar->evaluations = 0;
  PetscCall(PetscMalloc1(mbar->num_sampled, &f));
  code = TpMbarStart(mbar, f);
  if (!code) code = TpMbarEvaluate(mbar, f);
  if (!code) code = TpMbarCheckConnected(mbar);
  if (!code) code = TpMbarMinimize(mbar, f);
  if (!code) code = TpMbarUncertainty(mbar, result);
  PetscCall(PetscFree(f));
  PetscCall(TpMbarAgree(mbar, code)); /* a bound that one rank's last bits miss is missed by all */
  result->evaluations = mbar->evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarDestroy(TpMbar *mbar)
{
  PetscFunctionBeginUser;
  if (!*mbar) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5((*mbar)->first, (*mbar)->total, (*mbar)->before, (*mbar)->g, (*mbar)->size));
  PetscCall(PetscFree4((*mbar)->sampled, (*mbar)->f, (*mbar)->work_block, (*mbar)->work_offset));
  PetscCall(PetscFree6((*mbar)->result_f, (*mbar)->result_error, (*mbar)->result_covariance, (*mbar)->result_overlap,
                       (*mbar)->result_effective, (*mbar)->result_count));
  PetscCall(PetscFree2((*mbar)->temperature, (*mbar)->beta));
  PetscCall(PetscFree4((*mbar)->log_mixture, (*mbar)->moments, (*mbar)->gradient, (*mbar)->sums));
  PetscCall(PetscFree((*mbar)->rows_buffer));
  PetscCall(PetscFree((*mbar)->propagator));
  PetscCall(PetscFree(*mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
