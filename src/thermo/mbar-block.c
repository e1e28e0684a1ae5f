/* The samples of MBAR in blocks: reduced energies, weights, and the mixture they are taken from. */
#include "mbar-impl.h"

#include <math.h>

static void LadderEnergies(TpMbar mbar, PetscInt64 first, PetscInt count, PetscInt num, const PetscInt state[],
                           double u[])
{
  double energy[TP_MBAR_BLOCK];

  for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n)
    energy[n] = mbar->energy[first + PetscMin(n, count - 1)] - mbar->reference;
  for (PetscInt i = 0; i < num; ++i) mbar->kernels->ladder(1, &mbar->beta[state[i]], energy, &u[i * TP_MBAR_BLOCK]);
}

static PetscErrorCode TableEnergies(TpMbar mbar, PetscInt64 first, PetscInt count, PetscInt num, const PetscInt state[],
                                    double u[])
{
  const PetscInt num_states = mbar->num_states;

  PetscFunctionBeginUser;
  PetscCall((*mbar->rows)(mbar->rows_context, first, count, mbar->rows_buffer));
  for (PetscInt i = 0; i < num; ++i) {
    for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n)
      u[i * TP_MBAR_BLOCK + n] = mbar->rows_buffer[PetscMin(n, count - 1) * num_states + state[i]];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarBlockEnergies(TpMbar mbar, PetscInt64 first, PetscInt count, PetscInt num, const PetscInt state[],
                                   double u[])
{
  PetscFunctionBeginUser;
  if (mbar->rows)
    PetscCall(TableEnergies(mbar, first, count, num, state, u));
  else
    LadderEnergies(mbar, first, count, num, state, u);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpMbarBlockRootWeights(TpMbar mbar, PetscInt64 first, PetscInt count, double root_weight[])
{
  PetscInt state = 0;

  while (first >= mbar->first[state + 1]) ++state;
  for (PetscInt n = 0; n < count; ++n) {
    while (first + n >= mbar->first[state + 1]) ++state;
    root_weight[n] = 1.0 / mbar->g[state];
    if (mbar->multiplicity) root_weight[n] *= mbar->multiplicity[first + n];
  }
  for (PetscInt n = 0; n < count; ++n) root_weight[n] = sqrt(root_weight[n]);
  for (PetscInt n = count; n < TP_MBAR_BLOCK; ++n) root_weight[n] = 0.0;
}

PetscErrorCode TpMbarBlockSoftmax(TpMbar mbar, const double f[], PetscInt64 first, PetscInt count, double p[],
                                  double root_weight[], double log_mixture[], double gradient[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < mbar->num_sampled; ++i) mbar->work_offset[i] = f[i] + log(mbar->size[mbar->sampled[i]]);
  PetscCall(TpMbarBlockEnergies(mbar, first, count, mbar->num_sampled, mbar->sampled, p));
  TpMbarBlockRootWeights(mbar, first, count, root_weight);
  mbar->kernels->softmax(mbar->num_sampled, mbar->work_offset, root_weight, p, log_mixture, gradient);
  PetscFunctionReturn(PETSC_SUCCESS);
}
