/* Ancestral sampling with the posterior variance (Ho, Jain and Abbeel, NeurIPS 2020, algorithm 2). */
#include "sampler-impl.h"

#include <math.h>

static PetscInt Count(PetscInt start, PetscInt num_steps)
{
  return start;
}

/* The last step, to time 0, has posterior variance 0: no noise. */
static void Plan(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_quiet, TpSamplerStep steps[])
{
  for (PetscInt k = 0; k < count; k++) {
    const PetscInt i     = start - k;
    const double   beta  = schedule->beta[i];
    const double   noise = 1 - schedule->abar[i];

    steps[k].time   = i;
    steps[k].keep   = 1 / sqrt(1 - beta);
    steps[k].answer = -beta / sqrt((1 - beta) * noise);
    steps[k].noise  = sqrt(beta * (1 - schedule->abar[i - 1]) / noise);
  }
}

const TpSamplerOps tp_sampler_ddpm = {.count = Count, .plan = Plan};
