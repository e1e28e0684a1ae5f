/* Denoisers in closed form for tests: data from a Gaussian mixture, each feature on its own. Included by tests only. */
#pragma once

#include "tempera/diffusion.h"

#include <math.h>

#define MAX_COMPONENTS 2

/** sum_k weight_k N(mean_k, sigma_k^2); the means move by slope times the first condition, if there is one. **/
typedef struct {
  PetscInt count;
  double   weight[MAX_COMPONENTS], mean[MAX_COMPONENTS], sigma[MAX_COMPONENTS];
  double   slope;
} Mixture;

typedef struct {
  TpSchedule     schedule;
  PetscInt       num_inputs, num_conditions;
  const Mixture *mixtures; /* [num_inputs] */
} ClosedForm;

/** E[eps | x] = -sqrt(1 - abar) d/dx ln p_t(x): component k of x_t is N(sqrt(abar) m_k, abar s_k^2 + 1 - abar). **/
static inline double ClosedFormNoise(const Mixture *mixture, double abar, double x, double c)
{
  double logs[MAX_COMPONENTS], slopes[MAX_COMPONENTS], largest = -INFINITY, sum = 0, score = 0;

  for (PetscInt k = 0; k < mixture->count; k++) {
    const double variance = abar * mixture->sigma[k] * mixture->sigma[k] + 1 - abar;
    const double distance = x - sqrt(abar) * (mixture->mean[k] + mixture->slope * c);

    logs[k]   = log(mixture->weight[k]) - distance * distance / (2 * variance) - 0.5 * log(variance);
    slopes[k] = -distance / variance;
    largest   = PetscMax(largest, logs[k]);
  }
  for (PetscInt k = 0; k < mixture->count; k++) {
    sum += exp(logs[k] - largest);
    score += exp(logs[k] - largest) * slopes[k];
  }
  return -sqrt(1 - abar) * score / sum;
}

static inline PetscErrorCode ClosedFormPredict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[],
                                               const TpNumber c[], TpNumber eps[])
{
  const ClosedForm *form = context;
  const PetscInt    D    = form->num_inputs;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B; i++) {
    const double abar      = TpScheduleSignal(form->schedule, (double)t[i]);
    const double condition = form->num_conditions > 0 ? (double)c[i * form->num_conditions] : 0;

    for (PetscInt j = 0; j < D; j++)
      eps[i * D + j] = (TpNumber)ClosedFormNoise(&form->mixtures[j], abar, (double)x[i * D + j], condition);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
