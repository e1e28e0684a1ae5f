/* Sampling of second order in few steps (Lu, Zhou, Bao, Chen, Li and Zhu, arXiv 2211.01095): DPM-Solver++(2M), algorithm 2, and its form with noise. */
#include "sampler-impl.h"

#include <math.h>

static PetscInt Count(PetscInt start, PetscInt num_steps)
{
  return PetscMin(start, num_steps);
}

/* lambda = ln(sqrt(abar) / sqrt(1 - abar)) of a time above 0 */
static double LogRatio(TpSchedule schedule, PetscInt time)
{
  return 0.5 * log(schedule->abar[time] / (1 - schedule->abar[time]));
}

/*
  Where step k of `count` begins: evenly spaced in atan(sqrt(sigma)), sigma^2 = (1 - abar) / abar, from the start to no noise. So steps are
  proportional to sigma^(1/2) both where there is much noise and where there is little, and longest between, where sigma is that of the data.
*/
static PetscInt TimeOf(TpSchedule schedule, PetscInt start, PetscInt k, PetscInt count)
{
  const double first = sqrt((1 - schedule->abar[start]) / schedule->abar[start]);
  const double root  = tan(atan(sqrt(first)) * (double)(count - k) / (double)count); /* sigma^(1/2) */
  const double t     = TpScheduleTime(schedule, 1 / (1 + pow(root, 4)));

  return (PetscInt)lround(t * (double)schedule->num_times);
}

/*
  With h the length of a step in lambda, r = h_before / h, sigma_t^2 = 1 - abar, and x0 the estimates of x_0:

    dpmpp  x <- (sigma_t' / sigma_t) x - sqrt(abar') (exp(-h) - 1) ((1 + 1/(2r)) x0 - x0_before/(2r))
    sde    x <- (sigma_t' / sigma_t) exp(-h) x - sqrt(abar') (exp(-2h) - 1) ((1 + 1/(2r)) x0 - x0_before/(2r)) + sigma_t' sqrt(1 - exp(-2h)) z

  The first step has no x0_before, and the last one, of infinite length, is x <- x0. All times are different. The noise of sde makes a sample forget a
  part of the denoiser's errors, which add up along a deterministic path.
*/
static void Plan(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_noisy, TpSamplerStep steps[])
{
  double length_before = 0;

  steps[0].time = start;
  for (PetscInt k = 1; k < count; k++)
    steps[k].time = PetscMax(count - k, PetscMin(TimeOf(schedule, start, k, count), steps[k - 1].time - 1));
  for (PetscInt k = 0; k < count; k++) {
    const PetscBool is_last = k + 1 == count ? PETSC_TRUE : PETSC_FALSE;
    const PetscInt  time = steps[k].time, previous = is_last ? 0 : steps[k + 1].time;
    const double    abar = schedule->abar[time], before = schedule->abar[previous];
    const double    length   = is_last ? 0 : LogRatio(schedule, previous) - LogRatio(schedule, time);
    const double    estimate = is_last ? 1 : -sqrt(before) * expm1(is_noisy ? -2 * length : -length);
    const double    share    = k == 0 || is_last ? 0 : 0.5 * length / length_before; /* 1 / (2 r) */
    const double    on_x0    = estimate * (1 + share);

    steps[k].x0_keep   = 1 / sqrt(abar);
    steps[k].x0_answer = -sqrt((1 - abar) / abar);
    steps[k].keep      = sqrt((1 - before) / (1 - abar)) * (is_noisy ? exp(-length) : 1) + on_x0 * steps[k].x0_keep;
    steps[k].answer    = on_x0 * steps[k].x0_answer;
    steps[k].memory    = -estimate * share;
    steps[k].noise     = is_noisy ? sqrt(-(1 - before) * expm1(-2 * length)) : 0;
    length_before      = length;
  }
}

static void PlanDpmpp(TpSchedule schedule, PetscInt start, PetscInt count, TpSamplerStep steps[])
{
  Plan(schedule, start, count, PETSC_FALSE, steps);
}

static void PlanSde(TpSchedule schedule, PetscInt start, PetscInt count, TpSamplerStep steps[])
{
  Plan(schedule, start, count, PETSC_TRUE, steps);
}

const TpSamplerOps tp_sampler_dpmpp = {.has_memory = PETSC_TRUE, .count = Count, .plan = PlanDpmpp};
const TpSamplerOps tp_sampler_sde   = {.has_memory = PETSC_TRUE, .count = Count, .plan = PlanSde};
