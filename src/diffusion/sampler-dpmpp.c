/*
  Sampling in few steps: DPM-Solver++(2M) (Lu, Zhou, Bao, Chen, Li and Zhu, arXiv 2211.01095), with a correction of each step by the answer at its end and
  with some noise on the way (Xue, Yi, Luo, Zhang, Sun, Li and Ma, NeurIPS 2023, arXiv 2309.05019: SA-Solver).

  The answer at a step's end is needed for the next step anyway, so that the correction costs no evaluation; without noise it makes the order three. The
  noise makes a path forget what the denoiser has done wrong before, as that of ddpm does; where a step of this length could not follow it, there is none.

  In lambda = ln(alpha / sigma), alpha = sqrt(abar), sigma = sqrt(1 - abar), a step of length h from lambda_k is

    x <- (sigma' / sigma) exp(-tau^2 h) x + alpha' integral of a exp(a (u - h)) x_0(lambda_k + u) du + sigma' sqrt(1 - exp(-2 tau^2 h)) z,

  u = 0 ... h, a = 1 + tau^2, with a polynomial for x_0: through its estimates at lambda_k and one step before (prediction), and at the step's end, too
  (correction).
*/
#include "sampler-impl.h"

#include <math.h>

/* Where most steps are, in sigma / alpha: there data of variance 1 take their shape. */
static const double middle = 0.3;
static const double power  = 2;

/* The noise that is put in, ddpm's being 1, and between which sigma / alpha. */
typedef struct {
  double tau, lowest, highest;
} Stir;

static const Stir quiet    = {0, 0, 0};
static const Stir moderate = {0.5, 0.1, 2}; /* the best for 20 steps on networks that were trained */
static const Stir full     = {1, 0, PETSC_INFINITY};

/* What the estimates of x_0 count in an integral: at the step's end, at its begin, one step before. */
typedef struct {
  double end, begin, before;
} Weights;

/* A step in lambda. */
typedef struct {
  double length;
  double before; /* length of the step before it; 0: there is none */
  double rate;   /* a */
} Stretch;

static PetscInt Count(PetscInt start, PetscInt num_steps)
{
  return PetscMin(start, num_steps);
}

/* sigma / alpha of a time above 0 */
static double Noise(TpSchedule schedule, PetscInt time)
{
  return sqrt((1 - schedule->abar[time]) / schedule->abar[time]);
}

static double Angle(double noise)
{
  return atan(pow(noise / middle, 1 / power));
}

/*
  Where step k of `count` begins: evenly spaced in the angle, sigma / alpha = middle tan(angle)^power, so that steps in lambda are shortest in the middle.
  The way ends at angle 0, without noise; but no step begins before time 1.
*/
static PetscInt TimeOf(TpSchedule schedule, PetscInt start, PetscInt k, PetscInt count)
{
  const double first = Angle(Noise(schedule, start));
  const double last  = PetscMax(first / (double)count, Angle(Noise(schedule, 1)));
  const double angle = count > 1 ? first + (last - first) * (double)k / (double)(count - 1) : first;
  const double noise = middle * pow(tan(angle), power);

  return (PetscInt)lround(TpScheduleTime(schedule, 1 / (1 + noise * noise)) * (double)schedule->num_times);
}

/* All times are different. */
static void PlanTimes(TpSchedule schedule, PetscInt start, PetscInt count, TpSamplerStep steps[])
{
  steps[0].time = start;
  for (PetscInt k = 1; k < count; k++)
    steps[k].time = PetscMax(count - k, PetscMin(TimeOf(schedule, start, k, count), steps[k - 1].time - 1));
}

static Stretch StretchTo(TpSchedule schedule, PetscInt time, PetscInt next, double before, Stir stir)
{
  const double from = Noise(schedule, time), to = Noise(schedule, next), between = sqrt(from * to);

  return (Stretch){.length = log(from / to),
                   .before = before,
                   .rate   = between > stir.lowest && between < stir.highest ? 1 + stir.tau * stir.tau : 1};
}

/* Integrals of a exp(a (u - h)) u^j, j = 0, 1, 2. */
static void Integrals(Stretch s, double integral[3])
{
  integral[0] = -expm1(-s.rate * s.length);
  integral[1] = s.length - integral[0] / s.rate;
  integral[2] = s.length * s.length - 2 * integral[1] / s.rate;
}

/* By a line through the last two estimates; without a second one, by a constant. */
static Weights Predict(Stretch s)
{
  double i[3];

  Integrals(s, i);
  return s.before > 0 ? (Weights){0, i[0] + i[1] / s.before, -i[1] / s.before} : (Weights){0, i[0], 0};
}

/* By a parabola through these and the one at the end; without one before, by a line. */
static Weights Correct(Stretch s)
{
  const double h = s.length, b = s.before;
  double       i[3];

  Integrals(s, i);
  if (!(b > 0)) return (Weights){i[1] / h, i[0] - i[1] / h, 0};
  return (Weights){(i[2] + b * i[1]) / (h * (h + b)), (h * b * i[0] - i[2] - (b - h) * i[1]) / (h * b),
                   (i[2] - h * i[1]) / (b * (h + b))};
}

/* What a step to `next` does to x: the correction of the step that ended where this one begins, then the prediction of this one. */
static void PlanStep(TpSchedule schedule, PetscInt next, Weights correction, Stretch stretch, TpSamplerStep *step)
{
  const double  abar = schedule->abar[step->time], abar_next = schedule->abar[next];
  const double  spread = (stretch.rate - 1) * stretch.length; /* tau^2 h */
  const double  keep   = sqrt((1 - abar_next) / (1 - abar)) * exp(-spread);
  const double  now = keep * sqrt(abar), then = sqrt(abar_next);
  const Weights prediction = Predict(stretch);
  const double  on_x0      = now * correction.end + then * prediction.begin;

  step->keep   = keep + on_x0 * step->x0_keep;
  step->answer = on_x0 * step->x0_answer;
  step->memory = now * correction.begin + then * prediction.before;
  step->older  = now * correction.before;
  step->noise  = sqrt((1 - abar_next) * -expm1(-2 * spread));
}

static void Plan(TpSchedule schedule, PetscInt start, PetscInt count, Stir stir, TpSamplerStep steps[])
{
  Stretch stretch    = {0}; /* that ends where the step begins; none before the first */
  Weights correction = {0};

  PlanTimes(schedule, start, count, steps);
  for (PetscInt k = 0; k < count; k++) {
    TpSamplerStep *step = &steps[k];

    step->x0_keep   = 1 / sqrt(schedule->abar[step->time]);
    step->x0_answer = -Noise(schedule, step->time);
    if (k + 1 == count) break;
    if (k > 0) {
      const Weights predicted = Predict(stretch), corrected = Correct(stretch);

      correction = (Weights){corrected.end, corrected.begin - predicted.begin, corrected.before - predicted.before};
    }
    stretch = StretchTo(schedule, step->time, steps[k + 1].time, stretch.length, stir);
    PlanStep(schedule, steps[k + 1].time, correction, stretch, step);
  }
  steps[count - 1].keep   = steps[count - 1].x0_keep; /* of infinite length: x <- x_0 */
  steps[count - 1].answer = steps[count - 1].x0_answer;
  steps[count - 1].memory = steps[count - 1].older = steps[count - 1].noise = 0;
}

static void PlanDpmpp(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_quiet, TpSamplerStep steps[])
{
  Plan(schedule, start, count, is_quiet ? quiet : moderate, steps);
}

static void PlanSde(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_quiet, TpSamplerStep steps[])
{
  Plan(schedule, start, count, full, steps);
}

const TpSamplerOps tp_sampler_dpmpp = {.has_memory = PETSC_TRUE, .count = Count, .plan = PlanDpmpp};
const TpSamplerOps tp_sampler_sde   = {.has_memory = PETSC_TRUE, .count = Count, .plan = PlanSde};
