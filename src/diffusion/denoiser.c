/* A network as a denoiser; how far a denoiser is from a gradient. */
#include "tempera/diffusion.h"

static PetscErrorCode Predict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                              TpNumber eps[])
{
  const TpNetworkBinding *binding = context;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkForward(binding->network, binding->parameters, binding->workspace, B, x, t, c, eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDenoiserFromNetwork(TpNetworkBinding *binding, PetscInt max_batch, TpDenoiser *denoiser)
{
  PetscFunctionBeginUser;
  denoiser->num_inputs     = TpNetworkNumInputs(binding->network);
  denoiser->num_conditions = TpNetworkNumConditions(binding->network);
  denoiser->max_batch      = max_batch;
  denoiser->context        = binding;
  denoiser->predict        = Predict;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDenoiserAsymmetry(const TpDenoiser *denoiser, uint64_t seed, uint32_t id, uint64_t step,
                                   const TpNumber x[], TpNumber t, const TpNumber c[], double squares[])
{
  const PetscInt D = denoiser->num_inputs, C = denoiser->num_conditions, rows = denoiser->max_batch;
  TpNumber      *states, *times, *conditions, *eps, *vectors, *products;

  PetscFunctionBeginUser;
  PetscCheck(denoiser->reverse && rows >= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "a denoiser %s derivative, of %d rows; needed: with, 2 at least", denoiser->reverse ? "with" : "without",
             (int)rows);
  PetscCall(PetscMalloc6(rows * D, &states, rows, &times, rows * C + 1, &conditions, rows * D, &eps, rows * D, &vectors,
                         rows * D, &products));
  for (PetscInt i = 0; i < rows; ++i) {
    times[i] = t;
    PetscCall(PetscArraycpy(states + i * D, x, D));
    PetscCall(PetscArraycpy(conditions + i * C, c, C));
  }
  TpAsymmetryDraw(seed, id, step, rows, D, vectors);
  PetscCall(denoiser->predict(denoiser->context, rows, states, times, conditions, eps));
  PetscCall(denoiser->reverse(denoiser->context, rows, vectors, products));
  TpAsymmetryNorms(rows, D, vectors, products, squares);
  PetscCall(PetscFree6(states, times, conditions, eps, vectors, products));
  PetscFunctionReturn(PETSC_SUCCESS);
}
