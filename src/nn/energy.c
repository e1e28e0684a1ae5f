/* Energies: networks with one output, their sizes checked, and what every kind is asked. */
#include "network-impl.h"

#include <math.h>

static const TpNetworkOps *const energy_kinds[] = {&tp_energy_mlp, &tp_energy_fluid};

static PetscErrorCode CheckFluid(const TpEnergySettings *settings, PetscInt num_inputs)
{
  PetscFunctionBeginUser;
  PetscCheck(num_inputs == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d coordinates of a particle",
             (int)num_inputs);
  TpCheckInput(settings->radial >= 2 && settings->radial <= 256,
               "the energy has %lld functions of the distance; allowed: 2 to 256", (long long)settings->radial);
  TpCheckInput(settings->box_length > 0 && isfinite(settings->box_length), "the energy's box is %g; allowed: above 0",
               settings->box_length);
  /* beyond half the box a particle would see another twice, or not at all, as the direction has it */
  TpCheckInput(settings->cutoff > 0 && settings->cutoff <= 0.5 * settings->box_length,
               "the energy's cutoff is %g; allowed: above 0 and up to half of the box, %g", settings->cutoff,
               0.5 * settings->box_length);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnergyCreate(const TpEnergySettings *settings, PetscInt num_inputs, PetscInt num_conditions,
                              TpNetwork *network)
{
  TpNetwork      created;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  TpCheckInput(num_inputs >= 1 && num_conditions >= 0, "the energy has %d coordinates; allowed: at least 1",
               (int)num_inputs);
  TpCheckInput(settings->width >= 1 && settings->width <= 4096, "the energy's width is %lld; allowed: 1 to 4096",
               (long long)settings->width);
  TpCheckInput(settings->depth >= 1 && settings->depth <= 64, "the energy's depth is %lld; allowed: 1 to 64",
               (long long)settings->depth);
  TpCheckInput(settings->embedding >= 4 && settings->embedding <= 256 && settings->embedding % 2 == 0,
               "the energy's embedding is %lld; allowed: even numbers from 4 to 256", (long long)settings->embedding);
  if (settings->kind == TP_ENERGY_FLUID) PetscCall(CheckFluid(settings, num_inputs));
  PetscCall(PetscNew(&created));
  created->ops            = energy_kinds[settings->kind];
  created->energy         = *settings;
  created->num_inputs     = num_inputs;
  created->num_conditions = num_conditions;
  code                    = created->ops->create(created);
  if (code) PetscCall(TpNetworkDestroy(&created));
  *network = created;
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkAddLayer(TpNetwork network, const char *name, PetscInt N, PetscInt M, double weight_scale,
                                 PetscBool has_bias, TpLayer *layer)
{
  PetscFunctionBeginUser;
  layer->N = N;
  layer->M = M;
  layer->b = -1;
  PetscCall(TpNetworkAddTensor(network, M, N, weight_scale / sqrt((double)N), &layer->w, "%s.weight", name));
  if (has_bias) PetscCall(TpNetworkAddTensor(network, M, 1, 0, &layer->b, "%s.bias", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpLayerAddDirection(const TpLayer *layer, PetscInt B, const TpNumber x[], const TpNumber tx[], const TpNumber dy[],
                         const TpNumber sy[], TpNumber gradient[])
{
  TpLinearAddWeights(B, layer->N, layer->M, x, sy, gradient + layer->w, layer->b < 0 ? NULL : gradient + layer->b);
  if (tx) TpLinearAddWeights(B, layer->N, layer->M, tx, dy, gradient + layer->w, NULL);
}

void TpSiluBackwardTangent(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dy[],
                           const TpNumber sy[], TpNumber dx[], TpNumber sx[])
{
  TpSiluBackward(n, x, sy, sx);
  TpSiluTangentBackward(n, x, tx, dy, dx, sx);
}

PetscErrorCode TpEnergyEvaluate(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                const TpNumber x[], const TpNumber t[], const TpNumber c[], TpNumber e[], TpNumber dx[],
                                TpNumber dt[])
{
  PetscFunctionBeginUser;
  PetscCheck(B >= 0 && B <= workspace->max_batch, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "batch of %d, workspace for %d", (int)B, (int)workspace->max_batch);
  workspace->batch = B;
  network->ops->evaluate(network, parameters, workspace, B, x, t, c, e, dx, dt);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnergyDirection(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                 const TpNumber v[], TpNumber gradient[], TpNumber tdx[])
{
  PetscFunctionBeginUser;
  PetscCheck(B == workspace->batch, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "direction of %d rows after evaluation of %d", (int)B, (int)workspace->batch);
  network->ops->direction(network, parameters, workspace, B, v, gradient, tdx);
  PetscFunctionReturn(PETSC_SUCCESS);
}
