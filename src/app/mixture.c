/* What a requested temperature means under a label that fluctuates: a mixture of rungs. */
#include "model.h"

#include <math.h>

/* Mean and standard deviation of the rungs' temperatures under these weights. */
static void Moments(const TpMixture *mixture, const double weight[], double *mean, double *deviation)
{
  double sum = 0.0, squares = 0.0;

  for (PetscInt k = 0; k < mixture->count; ++k) sum += weight[k] * mixture->temperature[k];
  for (PetscInt k = 0; k < mixture->count; ++k) squares += weight[k] * PetscSqr(mixture->temperature[k] - sum);
  *mean      = sum;
  *deviation = sqrt(squares);
}

/* Distance of a label to the nearest rung, in standard deviations of the labels there. */
static double Distance(const TpMixture *mixture, double at)
{
  double nearest = PETSC_MAX_REAL;

  for (PetscInt k = 0; k < mixture->count; ++k) {
    const double t     = mixture->temperature[k];
    const double width = mixture->label == TP_LABEL_JITTER ? mixture->jitter : t * sqrt(2.0 / mixture->degrees);

    nearest = PetscMin(nearest, fabs(at - t) / width);
  }
  return nearest;
}

/* "80 % of 300, 20 % of 320": rungs of at least one percent. */
static void Describe(const TpMixture *mixture, const double weight[], size_t size, char text[])
{
  size_t length = 0;

  text[0] = '\0';
  for (PetscInt k = 0; k < mixture->count && length < size; ++k)
    if (weight[k] >= 0.01)
      length += (size_t)snprintf(text + length, size - length, "%s%.0f %% of %g", length ? ", " : "", 100.0 * weight[k],
                                 mixture->temperature[k]);
}

PetscErrorCode TpMixtureTell(const TpMixture *mixture, PetscInt count, const double temperature[])
{
  const PetscBool known =
      mixture->label == TP_LABEL_JITTER || (mixture->label == TP_LABEL_KINETIC && mixture->degrees > 0.0) ? PETSC_TRUE
                                                                                                          : PETSC_FALSE;
  double *weight;

  PetscFunctionBeginUser;
  if (!known) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(mixture->count, &weight));
  for (PetscInt i = 0; i < count; ++i) {
    const double t = temperature[i];
    double       mean, deviation;
    char         text[256];

    if (Distance(mixture, t) > 4.0) {
      TpLog(TP_LOG_PRODUCTION, "the label %g is that of no frame: between rungs the network interpolates", t);
      continue;
    }
    TpLabelMixture((TpLabelKind)mixture->label, mixture->degrees, mixture->jitter, mixture->count, mixture->temperature,
                   mixture->share, t, weight);
    Moments(mixture, weight, &mean, &deviation);
    Describe(mixture, weight, sizeof(text), text);
    TpLog(TP_LOG_PRODUCTION, "the label %g means %s", t, text);
    if (deviation > 0.05 * t || fabs(mean - t) > 0.05 * t)
      TpLog(TP_LOG_WARNING,
            "temperature %g: under the label '%s' it is a mixture of rungs, %.4g +- %.2g; features.label: bath has no "
            "such mixture",
            t, tp_label_words[mixture->label], mean, deviation);
  }
  PetscCall(PetscFree(weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}
