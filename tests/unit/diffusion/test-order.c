/*
  The order of dpmpp without its noise, by mixtures of Gaussians whose score is exact. Along the probability flow a sample keeps its quantile, so that
  where it ends is known: x_0 = F_0^-1(F_T(z)), F_t the distribution of x_t. The error, its root mean square over samples, is no statistical one.
  The order is three: twice as many steps leave about an eighth of the error, and less than 1/4.5 where the wells are narrow. A method of second order
  leaves a fourth, and does not pass.
*/
#include "closed-form.h"
#include "test.h"

enum { SAMPLES = 1024, T = 20000 }; /* so many times, that rounding to them does not matter */

static const Mixture wells[] = {{.count = 2, .weight = {0.3, 0.7}, .mean = {-1.2, 0.8}, .sigma = {0.25, 0.4}},
                                {.count = 2, .weight = {0.3, 0.7}, .mean = {-1.5, 0.65}, .sigma = {0.08, 0.15}},
                                {.count = 1, .weight = {1}, .mean = {0.7}, .sigma = {0.5}}};

/* F_t(x) where abar is left. */
static double Below(const Mixture *mixture, double abar, double x)
{
  double sum = 0;

  for (PetscInt k = 0; k < mixture->count; k++) {
    const double variance = abar * mixture->sigma[k] * mixture->sigma[k] + 1 - abar;

    sum += mixture->weight[k] * 0.5 * erfc((sqrt(abar) * mixture->mean[k] - x) / sqrt(2 * variance));
  }
  return sum;
}

static double Exact(TpSchedule schedule, const Mixture *mixture, double z)
{
  PetscInt start = schedule->num_times;

  while (schedule->abar[start] < 4e-5) start--;
  const double quantile = Below(mixture, schedule->abar[start], z);
  double       low = -10, high = 10;

  for (int i = 0; i < 60; i++) {
    const double middle = 0.5 * (low + high);

    if (Below(mixture, 1, middle) < quantile)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

static double Error(TpSchedule schedule, const Mixture *mixture, const double exact[], PetscInt64 num_steps)
{
  const TpDiffusionSettings settings = {
      .num_times = schedule->num_times, .sampler = TP_SAMPLER_DPMPP, .num_steps = num_steps, .is_quiet = PETSC_TRUE};
  ClosedForm       form     = {.schedule = schedule, .num_inputs = 1, .mixtures = mixture};
  const TpDenoiser denoiser = {.num_inputs = 1, .max_batch = SAMPLES, .context = &form, .predict = ClosedFormPredict};
  TpSampler        sampler;
  TpNumber         x[SAMPLES];
  double           sum = 0;

  TpTestCall(TpSamplerCreate(schedule, &settings, 1, SAMPLES, &sampler));
  TpTestCall(TpSamplerRun(sampler, &denoiser, 3, 0, SAMPLES, NULL, x));
  TpTestExpectEqual(TpSamplerEvaluations(sampler), num_steps);
  TpTestCall(TpSamplerDestroy(&sampler));
  for (PetscInt i = 0; i < SAMPLES; i++) sum += pow((double)x[i] - exact[i], 2) / SAMPLES;
  return sqrt(sum);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (PetscInt kind = 0; kind < 2; kind++) {
    TpSchedule schedule;

    TpTestCall(TpScheduleCreate(kind, T, &schedule));
    for (size_t w = 0; w < PETSC_STATIC_ARRAY_LENGTH(wells); w++) {
      double exact[SAMPLES], error[4];

      for (PetscInt i = 0; i < SAMPLES; i++) {
        TpNumber z;

        TpRandomNormalFloat(3, TP_RANDOM_SAMPLE_START, (uint32_t)i, 0, 1, &z); /* where the sampler starts */
        exact[i] = Exact(schedule, &wells[w], (double)z);
      }
      for (int k = 0; k < 4; k++) error[k] = Error(schedule, &wells[w], exact, (PetscInt64)10 << k);
      TpTestExpectThat(error[1] < 0.008, "schedule %d, mixture %d: error %g with 20 steps", (int)kind, (int)w,
                       error[1]);
      TpTestExpectThat(error[1] > 4.5 * error[2] && error[2] > 4.5 * error[3],
                       "schedule %d, mixture %d: errors %g, %g, %g, %g with 10, 20, 40 and 80 steps", (int)kind, (int)w,
                       error[0], error[1], error[2], error[3]);
    }
    TpTestCall(TpScheduleDestroy(&schedule));
  }
  return TpTestEnd();
}
