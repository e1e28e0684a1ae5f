/* Deterministic sampling in few steps (Song, Meng and Ermon, ICLR 2021, eta = 0). */
#include "sampler-impl.h"

#include <math.h>

static PetscInt Count(PetscInt start, PetscInt num_steps)
{
  return PetscMin(start, num_steps);
}

/* Evenly spaced times from start to 0. x_0 is read off x and eps, then carried to the earlier time along the same eps. */
static void Plan(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_quiet, TpSamplerStep steps[])
{
  for (PetscInt k = 0; k < count; k++) {
    const PetscInt time     = (PetscInt)((PetscInt64)start * (count - k) / count);
    const PetscInt previous = (PetscInt)((PetscInt64)start * (count - k - 1) / count);
    const double   keep     = sqrt(schedule->abar[previous] / schedule->abar[time]);

    steps[k].time   = time;
    steps[k].keep   = keep;
    steps[k].answer = sqrt(1 - schedule->abar[previous]) - keep * sqrt(1 - schedule->abar[time]);
    steps[k].noise  = 0;
  }
}

const TpSamplerOps tp_sampler_ddim = {.count = Count, .plan = Plan};
