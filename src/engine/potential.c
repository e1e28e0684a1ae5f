/* The table of model potentials, and how a bad start is relaxed. */
#include "potential-impl.h"

#include <math.h>

/* In the order of the words. */
static const TpPotentialOps *const potentials[] = {
    &TpPotentialHarmonic,     &TpPotentialDoubleWell,      &TpPotentialAsymmetricDoubleWell,
    &TpPotentialMuellerBrown, &TpPotentialGaussianMixture, &TpPotentialLJCluster,
    &TpPotentialLJFluid,      &TpPotentialChiralChain,
};

static const PetscInt num_potentials = sizeof(potentials) / sizeof(potentials[0]);

const char *const tp_potential_words[] = {
    "harmonic",      "double-well",      "asymmetric-double-well",
    "mueller-brown", "gaussian-mixture", "lj-cluster",
    "lj-fluid",      "chiral-chain",     NULL,
};

PetscErrorCode TpPotentialCreate(const TpEngineSettings *settings, TpPotential *potential)
{
  const PetscInt index = settings->model.potential;
  TpPotential    made;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *potential = NULL;
  PetscCheck(index >= 0 && index < num_potentials, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "no potential %" PetscInt_FMT, index);
  PetscCall(PetscNew(&made));
  made->ops       = potentials[index];
  made->settings  = settings;
  made->dimension = 1;

  code = made->ops->create(made, settings);
  if (code) PetscCall(TpPotentialDestroy(&made));
  PetscCall(code);
  *potential = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPotentialDestroy(TpPotential *potential)
{
  PetscFunctionBeginUser;
  if (*potential && (*potential)->ops->destroy && (*potential)->data) PetscCall((*potential)->ops->destroy(*potential));
  if (*potential) PetscCall(PetscFree((*potential)->data));
  PetscCall(PetscFree(*potential));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPotentialSizeFromDimension(TpPotential potential)
{
  const PetscInt64 dimension = potential->settings->model.dimension;

  PetscFunctionBeginUser;
  TpCheckInput(dimension >= 1 && dimension <= TP_POTENTIAL_MAX_SIZE,
               "engine.model.dimension: %" PetscInt64_FMT "; allowed: 1 to %d", dimension, TP_POTENTIAL_MAX_SIZE);
  potential->size = (PetscInt)dimension;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPotentialSizeFromParticles(TpPotential potential)
{
  const PetscInt64 num_particles = potential->settings->model.num_particles;

  PetscFunctionBeginUser;
  TpCheckInput(num_particles >= 1 && num_particles <= TP_POTENTIAL_MAX_SIZE / 3,
               "engine.model.num_particles: %" PetscInt64_FMT "; allowed: 1 to %d", num_particles,
               TP_POTENTIAL_MAX_SIZE / 3);
  potential->size      = 3 * (PetscInt)num_particles;
  potential->dimension = 3;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpPotentialRelax(TpPotential potential, PetscInt num_steps, double rate, double longest, double x[], double f[])
{
  for (PetscInt step = 0; step < num_steps; ++step) {
    double energy;

    potential->ops->compute(potential, x, &energy, f);
    for (PetscInt i = 0; i < potential->size; ++i) x[i] += fmax(-longest, fmin(longest, rate * f[i]));
  }
}
