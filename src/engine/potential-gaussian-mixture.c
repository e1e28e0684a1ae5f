/* Gaussian mixtures: U = -ln sum_i w_i N(x; mu_i, s_i^2 I). At T the density is p^(1/T): the mixture at T = 1 only. */
#include "potential-impl.h"

#include <math.h>

typedef struct {
  PetscInt      num_components;
  double        total;     /* sum of the weights: they need not be normalised */
  double       *logarithm; /* [components] ln of weight and norm */
  double       *exponent;  /* [components] scratch */
  const double *means;     /* [components, dimension] of the settings */
  const double *sigmas;    /* [components] */
  const double *weights;   /* [components] */
} Mixture;

static PetscErrorCode CheckLists(const TpEngineSettings *settings)
{
  const PetscInt count = settings->model.weights.size, num_means = settings->model.means.size;
  const PetscInt num_sigmas = settings->model.sigmas.size;

  PetscFunctionBeginUser;
  TpCheckInput(count >= 1, "engine.model.weights: an empty list; allowed: one weight per component");
  TpCheckInput(num_sigmas == count,
               "engine.model.sigmas: %" PetscInt_FMT " numbers; allowed: one per weight, %" PetscInt_FMT, num_sigmas,
               count);
  TpCheckInput(num_means == count * settings->model.dimension,
               "engine.model.means: %" PetscInt_FMT " numbers; allowed: %" PetscInt_FMT
               " weights x dimension %" PetscInt64_FMT,
               num_means, count, settings->model.dimension);
  for (PetscInt i = 0; i < count; ++i) {
    const double weight = settings->model.weights.values[i], sigma = settings->model.sigmas.values[i];

    TpCheckInput(weight > 0 && isfinite(weight), "engine.model.weights: %g; allowed: greater than 0", weight);
    TpCheckInput(sigma > 0 && isfinite(sigma), "engine.model.sigmas: %g; allowed: greater than 0", sigma);
  }
  for (PetscInt i = 0; i < num_means; ++i)
    TpCheckInput(isfinite(settings->model.means.values[i]), "engine.model.means: %g; allowed: finite numbers",
                 settings->model.means.values[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MixtureCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const PetscInt count = settings->model.weights.size;
  Mixture       *mixture;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialSizeFromDimension(potential));
  PetscCall(CheckLists(settings));
  PetscCall(PetscNew(&mixture));
  potential->data         = mixture;
  mixture->num_components = count;
  mixture->means          = settings->model.means.values;
  mixture->sigmas         = settings->model.sigmas.values;
  mixture->weights        = settings->model.weights.values;
  PetscCall(PetscMalloc2(count, &mixture->logarithm, count, &mixture->exponent));

  for (PetscInt i = 0; i < count; ++i) mixture->total += mixture->weights[i];
  for (PetscInt i = 0; i < count; ++i) {
    const double norm = log(mixture->sigmas[i]) + 0.5 * log(2.0 * PETSC_PI);

    mixture->logarithm[i] = log(mixture->weights[i] / mixture->total) - potential->size * norm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MixtureDestroy(TpPotential potential)
{
  Mixture *mixture = potential->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree2(mixture->logarithm, mixture->exponent));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ln of each component's share of the density, and the largest of them. */
static double Exponents(const Mixture *mixture, PetscInt size, const double x[])
{
  double largest = -INFINITY;

  for (PetscInt i = 0; i < mixture->num_components; ++i) {
    const double *mean = mixture->means + i * size;
    double        sum  = 0;

    for (PetscInt k = 0; k < size; ++k) sum += (x[k] - mean[k]) * (x[k] - mean[k]);
    mixture->exponent[i] = mixture->logarithm[i] - 0.5 * sum / (mixture->sigmas[i] * mixture->sigmas[i]);
    largest              = fmax(largest, mixture->exponent[i]);
  }
  return largest;
}

static void MixtureCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  const Mixture *mixture = potential->data;
  const PetscInt size    = potential->size;
  const double   largest = Exponents(mixture, size, x);
  double         total   = 0;

  for (PetscInt i = 0; i < mixture->num_components; ++i) total += exp(mixture->exponent[i] - largest);
  for (PetscInt k = 0; k < size; ++k) f[k] = 0;
  for (PetscInt i = 0; i < mixture->num_components; ++i) {
    const double *mean  = mixture->means + i * size;
    const double  share = exp(mixture->exponent[i] - largest) / total;
    const double  pull  = share / (mixture->sigmas[i] * mixture->sigmas[i]);

    for (PetscInt k = 0; k < size; ++k) f[k] -= pull * (x[k] - mean[k]);
  }
  *energy = -largest - log(total);
}

/* Walkers start in the components in turn. */
static void MixtureStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  const Mixture *mixture   = potential->data;
  const PetscInt size      = potential->size;
  const PetscInt component = (PetscInt)(walker % mixture->num_components);

  TpRandomNormal(seed, TP_RANDOM_INITIAL_POSITION, (uint32_t)walker, 0, size, x);
  for (PetscInt k = 0; k < size; ++k) x[k] = mixture->means[component * size + k] + mixture->sigmas[component] * x[k];
}

static PetscErrorCode MixtureSample(TpPotential potential, uint64_t seed, uint32_t sample, double temperature,
                                    PetscBool *possible, double x[])
{
  const Mixture *mixture   = potential->data;
  const PetscInt size      = potential->size;
  PetscInt       component = 0;
  double         rest;

  PetscFunctionBeginUser;
  *possible = temperature == 1.0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*possible) PetscFunctionReturn(PETSC_SUCCESS);

  TpRandomUniform(seed, TP_RANDOM_EXACT_SAMPLE, sample, 0, 1, &rest);
  rest *= mixture->total;
  while (component < mixture->num_components - 1 && rest > mixture->weights[component])
    rest -= mixture->weights[component++];
  /* step 1: numbers that share nothing with the choice of the component */
  TpRandomNormal(seed, TP_RANDOM_EXACT_SAMPLE, sample, 1, size, x);
  for (PetscInt k = 0; k < size; ++k) x[k] = mixture->means[component * size + k] + mixture->sigmas[component] * x[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPotentialOps TpPotentialGaussianMixture = {
    .name    = "gaussian-mixture",
    .create  = MixtureCreate,
    .compute = MixtureCompute,
    .start   = MixtureStart,
    .sample  = MixtureSample,
    .destroy = MixtureDestroy,
};
