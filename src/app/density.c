/* Log densities of samples under a model. */
#include "model.h"

#include <math.h>

enum { MAX_ROWS = 128 }; /* of a trace, per network evaluation */

struct TpDensity_ {
  TpModel                  model;    /* kept, the caller's */
  const TpDensitySettings *settings; /* kept, the caller's */
  TpSchedule               schedule;
  TpGuided                 guided;
  TpLikelihood             likelihood;
  TpNumber                *x; /* [num_encoded] */
};

PetscErrorCode TpDensityCheck(const TpDensitySettings *settings, TpModel model)
{
  PetscBool any_period = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (!settings->is_on) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < model->num_features; ++i)
    if (model->encoding->period[i] > 0.0) any_period = PETSC_TRUE;
  TpCheckInput(model->condition.role != TP_ROLE_JOINT,
               "--likelihood: a model with training.temperature: joint has no density at a given temperature");
  TpCheckInput(settings->of_encoded || !any_period || model->encoding->angles != TP_ANGLES_SINCOS,
               "--likelihood: with features.angles: sincos the model has no density of the angles themselves; allowed "
               "--likelihood=encoded, or a model with wrapped or raw angles");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDensityCreate(TpModel model, const TpDiffusionSettings *diffusion, const TpGuidance *guidance,
                               const TpDensitySettings *settings, TpDensity *density)
{
  const PetscInt E    = model->encoding->num_encoded;
  const PetscInt rows = PetscMin(MAX_ROWS, settings->num_probes ? settings->num_probes : E);
  TpDensity      d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  d->model    = model;
  d->settings = settings;
  PetscCall(TpScheduleCreate(diffusion->schedule, (PetscInt)diffusion->num_times, &d->schedule));
  PetscCall(TpGuidedCreate(model, d->schedule, guidance, rows, PETSC_TRUE, &d->guided));
  PetscCall(TpLikelihoodCreate(d->schedule, E, model->encoding->is_angle, settings->num_probes, settings->tolerance,
                               &d->likelihood));
  PetscCall(PetscMalloc1(E, &d->x));
  *density = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDensityDestroy(TpDensity *density)
{
  PetscFunctionBeginUser;
  if (!*density) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*density)->x));
  PetscCall(TpLikelihoodDestroy(&(*density)->likelihood));
  PetscCall(TpGuidedDestroy(&(*density)->guided));
  PetscCall(TpScheduleDestroy(&(*density)->schedule));
  PetscCall(PetscFree(*density));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ln of the factor by which a volume of states is larger than that of what the density is asked of. */
static double LogVolume(const TpDensity density, double temperature)
{
  const TpEncoding encoding = density->model->encoding;
  const double     turn     = encoding->angles == TP_ANGLES_RAW ? 2.0 : 2.0 * PETSC_PI;
  double           sum      = 0.0;

  for (PetscInt i = 0; i < encoding->num_encoded; ++i) /* an angle on a circle has no size of noise */
    if (!encoding->is_angle[i]) sum -= log(TpConditionNoise(&density->model->condition, temperature));
  if (density->settings->of_encoded) return sum;
  for (PetscInt i = 0; i < encoding->num_encoded; ++i) sum -= log(encoding->scale[i]);
  for (PetscInt i = 0; i < encoding->num_raw; ++i)
    if (encoding->period[i] > 0.0) sum += log(turn / encoding->period[i]);
  return sum;
}

PetscErrorCode TpDensityRun(TpDensity density, uint64_t seed, double temperature, const double further[],
                            PetscInt64 first, PetscInt64 count, const float raw[], double log_density[], double error[])
{
  const TpNumber   *c;
  const TpDenoiser *denoiser = TpGuidedGet(density->guided, &c);
  const double      volume   = LogVolume(density, temperature);

  PetscFunctionBeginUser;
  TpGuidedSet(density->guided, temperature, further, seed, 0);
  for (PetscInt64 i = 0; i < count; ++i) {
    TpModelDenoiserEncode(TpGuidedStates(density->guided), raw + i * density->model->num_features, density->x);
    PetscCall(TpLikelihoodOf(density->likelihood, denoiser, seed, (uint32_t)(first + i), c, density->x, &log_density[i],
                             &error[i]));
    log_density[i] += volume;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
