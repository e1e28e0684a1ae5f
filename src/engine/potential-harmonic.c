/* Harmonic oscillators: U = k/2 sum x_i^2, k = `barrier`. */
#include "potential-impl.h"

#include <math.h>

static PetscErrorCode HarmonicCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const double spring = settings->model.barrier;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialSizeFromDimension(potential));
  TpCheckInput(spring > 0 && isfinite(spring), "engine.model.barrier: %g; allowed: a spring constant greater than 0",
               spring);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void HarmonicCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  const double spring = potential->settings->model.barrier;
  double       sum    = 0;

  for (PetscInt i = 0; i < potential->size; ++i) {
    sum += x[i] * x[i];
    f[i] = -spring * x[i];
  }
  *energy = 0.5 * spring * sum;
}

static void HarmonicStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  TpRandomNormal(seed, TP_RANDOM_INITIAL_POSITION, (uint32_t)walker, 0, potential->size, x);
  for (PetscInt i = 0; i < potential->size; ++i) x[i] /= sqrt(potential->settings->model.barrier);
}

static PetscErrorCode HarmonicSample(TpPotential potential, uint64_t seed, uint32_t sample, double temperature,
                                     PetscBool *possible, double x[])
{
  PetscFunctionBeginUser;
  *possible = PETSC_TRUE;
  TpRandomNormal(seed, TP_RANDOM_EXACT_SAMPLE, sample, 0, potential->size, x);
  for (PetscInt i = 0; i < potential->size; ++i) x[i] *= sqrt(temperature / potential->settings->model.barrier);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPotentialOps TpPotentialHarmonic = {
    .name    = "harmonic",
    .create  = HarmonicCreate,
    .compute = HarmonicCompute,
    .start   = HarmonicStart,
    .sample  = HarmonicSample,
};
