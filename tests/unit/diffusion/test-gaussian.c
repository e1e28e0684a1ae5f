/*
  Samplers with the exact denoiser. Gaussian data: the steps are linear, so mean and variance of the samples follow exactly from the
  textbook form of each step; samples must have them within their standard errors, and they must be near the data's. A two-component mixture:
  the histogram of samples against the exact density.
*/
#include "closed-form.h"
#include "test.h"

#define T       1000
#define SAMPLES 10000
#define D       2

static const Mixture gaussians[D] = {
    {.count = 1, .weight = {1}, .mean = {0.7}, .sigma = {0.5}},
    {.count = 1, .weight = {1}, .mean = {-1.5}, .sigma = {1.3}},
};
static const Mixture two_wells[1] = {{.count = 2, .weight = {0.3, 0.7}, .mean = {-1.2, 0.8}, .sigma = {0.25, 0.4}}};

typedef struct {
  double mean, variance;
} Moments;

/* One step time -> previous, in the form of the papers: through x_0 = (x - sqrt(1 - abar) eps) / sqrt(abar), with eps linear in x. */
static Moments Propagate(TpSchedule schedule, const Mixture *data, PetscInt sampler, PetscInt time, PetscInt previous,
                         Moments now)
{
  const double abar = schedule->abar[time], before = schedule->abar[previous], alpha = abar / before;
  const double variance = abar * data->sigma[0] * data->sigma[0] + 1 - abar;
  const double eps_x = sqrt(1 - abar) / variance, eps_1 = -eps_x * sqrt(abar) * data->mean[0];
  const double x0_x = (1 - sqrt(1 - abar) * eps_x) / sqrt(abar), x0_1 = -sqrt(1 - abar) * eps_1 / sqrt(abar);
  double       factor, offset, noise;

  if (sampler == 0) {
    const double on_x0 = sqrt(before) * (1 - alpha) / (1 - abar), on_x = sqrt(alpha) * (1 - before) / (1 - abar);

    factor = on_x0 * x0_x + on_x;
    offset = on_x0 * x0_1;
    noise  = (1 - alpha) * (1 - before) / (1 - abar);
  } else {
    factor = sqrt(before) * x0_x + sqrt(1 - before) * eps_x;
    offset = sqrt(before) * x0_1 + sqrt(1 - before) * eps_1;
    noise  = 0;
  }
  return (Moments){factor * now.mean + offset, factor * factor * now.variance + noise};
}

/* Of dpmpp and sde, x and its estimates of x_0 are linear in the normal numbers, where a sample begins and those of its steps: sum u_i z_i + v. */
enum { MAX_NUMBERS = 51 };
typedef struct {
  double u[MAX_NUMBERS], v;
} Line;

static Line Sum(double a, Line x, double b, Line y)
{
  Line sum = {.v = a * x.v + b * y.v};

  for (int i = 0; i < MAX_NUMBERS; i++) sum.u[i] = a * x.u[i] + b * y.u[i];
  return sum;
}

/* When sigma / alpha = 0.3 tan(angle)^2, as a whole time. */
static PetscInt TimeAtAngle(TpSchedule schedule, double angle)
{
  const double abar = 1 / (1 + pow(0.3 * pow(tan(angle), 2), 2));
  double       time = 1; /* by bisection of the signal, which decreases */

  for (double step = 0.5, t = 0.5; step > 1e-9; t = time + (TpScheduleSignal(schedule, time) < abar ? -step : step)) {
    time = t;
    step /= 2;
  }
  return (PetscInt)lround(time * schedule->num_times);
}

static double AngleOf(TpSchedule schedule, PetscInt time)
{
  return atan(sqrt(sqrt((1 - schedule->abar[time]) / schedule->abar[time]) / 0.3));
}

static double Lambda(TpSchedule schedule, PetscInt time)
{
  return 0.5 * log(schedule->abar[time] / (1 - schedule->abar[time]));
}

/* tau^2: that of sde is 1; that of dpmpp 0 but in the middle of the way. */
static double SquareOfTau(TpSchedule schedule, PetscInt sampler, const PetscInt time[2])
{
  const double noise = exp(-0.5 * (Lambda(schedule, time[0]) + Lambda(schedule, time[1])));

  return sampler == TP_SAMPLER_SDE ? 1 : noise > 0.1 && noise < 2 ? 0.25 : 0;
}

/* A step, by Simpson's rule for the integral of (1 + tau^2) exp((1 + tau^2)(l - lambda')) P(l), P through the points by Lagrange's formula. */
static Line Integrate(TpSchedule schedule, double square, const PetscInt time[2], Line x, int num_points,
                      const double at[], const Line estimate[])
{
  enum { CELLS = 200 };
  const double from = Lambda(schedule, time[0]), to = Lambda(schedule, time[1]), h = (to - from) / CELLS;
  const double shrink = exp(-square * (to - from));
  Line         sum    = {.v = 0};

  for (int k = 0; k < num_points; k++) {
    double weight = 0;

    for (int i = 0; i <= CELLS; i++) {
      const double l = from + i * h;
      double product = h / 3 * (i == 0 || i == CELLS ? 1 : i % 2 ? 4 : 2) * (1 + square) * exp((1 + square) * (l - to));

      for (int n = 0; n < num_points; n++)
        if (n != k) product *= (l - at[n]) / (at[k] - at[n]);
      weight += product;
    }
    sum = Sum(1, sum, weight, estimate[k]);
  }
  return Sum(shrink * sqrt((1 - schedule->abar[time[1]]) / (1 - schedule->abar[time[0]])), x,
             sqrt(schedule->abar[time[1]]), sum);
}

/* Each step by a line through the last two estimates, then again with the estimate at its end; the same noise both times. */
static Moments ExactMultistep(TpSchedule schedule, const Mixture *data, PetscInt sampler, PetscInt start,
                              PetscInt count)
{
  const double first = AngleOf(schedule, start), last = PetscMax(first / count, AngleOf(schedule, 1));
  const double s2 = data->sigma[0] * data->sigma[0];
  Line         x = {.u = {1}}, begun = x, noise = x, estimate[3] = {x}; /* the newest estimate comes first */
  double       at[3] = {0}, variance = 0, square = 0;
  PetscInt     time[2] = {start, start};

  for (PetscInt k = 0; k < count; k++) {
    const double angle = count > 1 ? first + (last - first) * k / (count - 1) : first;

    if (k > 0) {
      time[0]    = time[1];
      time[1]    = PetscMax(count - k, PetscMin(time[0] - 1, TimeAtAngle(schedule, angle)));
      begun      = x;
      noise      = (Line){.v = 0};
      square     = SquareOfTau(schedule, sampler, time);
      noise.u[k] = sqrt((1 - schedule->abar[time[1]]) *
                        (1 - exp(-2 * square * (Lambda(schedule, time[1]) - Lambda(schedule, time[0])))));
      x          = Sum(1, Integrate(schedule, square, time, begun, k > 1 ? 2 : 1, at, estimate), 1, noise);
    }
    const double abar = schedule->abar[time[1]], gain = sqrt(abar) * s2 / (abar * s2 + 1 - abar);

    for (int n = 2; n > 0; n--) {
      estimate[n] = estimate[n - 1];
      at[n]       = at[n - 1];
    }
    estimate[0] = Sum(gain, x, 1, (Line){.v = (1 - gain * sqrt(abar)) * data->mean[0]}); /* E[x_0 | x] */
    at[0]       = Lambda(schedule, time[1]);
    if (k > 0) x = Sum(1, Integrate(schedule, square, time, begun, k > 1 ? 3 : 2, at, estimate), 1, noise);
  }
  for (int i = 0; i < MAX_NUMBERS; i++) variance += estimate[0].u[i] * estimate[0].u[i];
  return (Moments){estimate[0].v, variance};
}

/* What the sampler's distribution is exactly; ddim's times are start * (n - k) / n. */
static Moments Exact(TpSchedule schedule, const Mixture *data, PetscInt sampler, PetscInt evaluations)
{
  PetscInt start = schedule->num_times;
  Moments  now   = {0, 1};

  while (schedule->abar[start] < 4e-5) start--;
  if (sampler == TP_SAMPLER_DDPM) TpTestExpectEqual(evaluations, start);
  if (sampler == TP_SAMPLER_DPMPP || sampler == TP_SAMPLER_SDE)
    return ExactMultistep(schedule, data, sampler, start, evaluations);
  for (PetscInt k = 0; k < evaluations; k++) {
    now = Propagate(schedule, data, sampler, start * (evaluations - k) / evaluations,
                    start * (evaluations - k - 1) / evaluations, now);
  }
  return now;
}

static PetscErrorCode Draw(TpSchedule schedule, const Mixture *mixtures, PetscInt num_inputs, PetscInt kind,
                           PetscInt64 num_steps, TpNumber x[], PetscInt *evaluations)
{
  const TpDiffusionSettings settings = {.num_times = schedule->num_times, .sampler = kind, .num_steps = num_steps};
  ClosedForm                form     = {.schedule = schedule, .num_inputs = num_inputs, .mixtures = mixtures};
  const TpDenoiser          denoiser = {
               .num_inputs = num_inputs, .max_batch = SAMPLES, .context = &form, .predict = ClosedFormPredict};
  TpSampler sampler;

  PetscFunctionBeginUser;
  PetscCall(TpSamplerCreate(schedule, &settings, num_inputs, SAMPLES, &sampler));
  PetscCall(TpSamplerPrepare(sampler, &denoiser, 41, NULL));
  PetscCall(TpSamplerRun(sampler, &denoiser, 41, 0, SAMPLES, NULL, x));
  *evaluations = TpSamplerEvaluations(sampler);
  PetscCall(TpSamplerDestroy(&sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Within 4 standard errors of the exact moments of the sampler: 6e-5 of false alarm for each of the 72 numbers. The sampler itself is
   off the data by its steps: up to `near` of sigma in the mean and of the variance. */
static void TestGaussian(TpSchedule schedule, PetscInt kind, PetscInt64 num_steps, double near)
{
  PetscInt  evaluations;
  TpNumber *x;

  TpTestCall(PetscMalloc1(SAMPLES * D, &x));
  TpTestCall(Draw(schedule, gaussians, D, kind, num_steps, x, &evaluations));
  for (PetscInt j = 0; j < D; j++) {
    const double  m = gaussians[j].mean[0], s = gaussians[j].sigma[0];
    const Moments exact = Exact(schedule, &gaussians[j], kind, evaluations);
    double        mean = 0, variance = 0;

    for (PetscInt i = 0; i < SAMPLES; i++) mean += (double)x[i * D + j] / SAMPLES;
    for (PetscInt i = 0; i < SAMPLES; i++) variance += pow((double)x[i * D + j] - mean, 2) / (SAMPLES - 1);
    TpTestExpectClose(mean, exact.mean, 4 * sqrt(exact.variance / SAMPLES));
    TpTestExpectClose(variance, exact.variance, 4 * exact.variance * sqrt(2.0 / SAMPLES));
    TpTestExpectClose(exact.mean, m, near * s);
    TpTestExpectClose(exact.variance / (s * s), 1, near);
  }
  TpTestCall(PetscFree(x));
}

static double BinMass(const Mixture *mixture, double low, double high)
{
  double mass = 0;

  for (PetscInt k = 0; k < mixture->count; k++) {
    const double scale = mixture->sigma[k] * sqrt(2);

    mass += mixture->weight[k] * 0.5 * (erf((high - mixture->mean[k]) / scale) - erf((low - mixture->mean[k]) / scale));
  }
  return mass;
}

/* Jensen-Shannon divergence over 50 bins of [-2.5, 2.5]. Exact samples would give about 49 / (8 * 10000) = 6e-4 nats, with a
   spread of 1.2e-4; the bound is 5 spreads above. */
static void TestMixture(TpSchedule schedule, PetscInt kind, PetscInt64 num_steps, double bound)
{
  PetscInt  evaluations;
  TpNumber *x;
  double    counts[50] = {0}, divergence = 0;

  TpTestCall(PetscMalloc1(SAMPLES, &x));
  TpTestCall(Draw(schedule, two_wells, 1, kind, num_steps, x, &evaluations));
  for (PetscInt i = 0; i < SAMPLES; i++)
    counts[PetscMax(0, PetscMin(49, (int)floor(((double)x[i] + 2.5) * 10)))] += 1.0 / SAMPLES;
  for (int k = 0; k < 50; k++) {
    const double p = counts[k], q = BinMass(two_wells, -2.5 + 0.1 * k, -2.4 + 0.1 * k);

    divergence += 0.5 * ((p > 0 ? p * log(2 * p / (p + q)) : 0) + q * log(2 * q / (p + q)));
  }
  TpTestExpectThat(divergence < bound, "JS is %g nats, sampler %d, %d steps", divergence, (int)kind, (int)evaluations);
  TpTestCall(PetscFree(x));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (PetscInt schedule_kind = 0; schedule_kind < 2; schedule_kind++) {
    TpSchedule schedule;

    TpTestCall(TpScheduleCreate(schedule_kind, 1000, &schedule));
    TestGaussian(schedule, 0, 1, 0.02);
    TestGaussian(schedule, 1, 1000, 0.02);
    TestGaussian(schedule, 1, 50, 0.12);
    TestGaussian(schedule, TP_SAMPLER_DPMPP, 20, 0.06);
    TestGaussian(schedule, TP_SAMPLER_SDE, 50, 0.04);
    TestMixture(schedule, 0, 1, 1.2e-3);
    TestMixture(schedule, 1, 500, 1.2e-3);
    TestMixture(schedule, TP_SAMPLER_DPMPP, 20, 1.2e-3); /* no more than ddpm with its 1000 */
    TestMixture(schedule, TP_SAMPLER_ODE, 1, 1.2e-3);
    TestMixture(schedule, TP_SAMPLER_SDE, 50, 1.2e-3);
    TpTestCall(TpScheduleDestroy(&schedule));

    TpTestCall(TpScheduleCreate(schedule_kind, 20, &schedule)); /* long steps, where every coefficient shows */
    TestGaussian(schedule, 0, 1, 1);
    TestGaussian(schedule, 1, 7, 1);
    TestGaussian(schedule, TP_SAMPLER_DPMPP, 7, 1);
    TestGaussian(schedule, TP_SAMPLER_SDE, 7, 1);
    TpTestCall(TpScheduleDestroy(&schedule));
  }
  return TpTestEnd();
}
