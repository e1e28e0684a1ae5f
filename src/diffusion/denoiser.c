/* A network as a denoiser. */
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
