/*
  A small network trained on Gaussian data whose mean follows the condition: its answer against the closed form, and both samplers'
  moments, at trained conditions and at one between them.
*/
#include "closed-form.h"
#include "test.h"

#define T       200
#define D       2
#define B       256
#define STEPS   6000
#define SAMPLES 4096

static const Mixture data[D] = {
    {.count = 1, .weight = {1}, .mean = {0.2}, .sigma = {0.5}, .slope = 0.8},
    {.count = 1, .weight = {1}, .mean = {0}, .sigma = {0.9}, .slope = -0.4},
};
static const double trained[4] = {-1.3, -0.5, 0.5, 1.3};

typedef struct {
  TpSchedule       schedule;
  TpNetworkBinding binding;
  PetscInt         num_parameters;
  TpNumber        *parameters, *gradient, *first, *second;
  TpNumber         x0[B * D], c[B], x[B * D], t[B], eps[B * D], y[B * D], dy[B * D];
} Learner;

static PetscErrorCode LearnerCreate(Learner *learner)
{
  const TpNetworkSettings settings = {.kind = 0, .width = 64, .depth = 2, .embedding = 32};

  PetscFunctionBeginUser;
  PetscCall(TpScheduleCreate(0, T, &learner->schedule));
  PetscCall(TpNetworkCreate(&settings, D, 1, &learner->binding.network));
  PetscCall(TpWorkspaceCreate(learner->binding.network, SAMPLES, &learner->binding.workspace));
  learner->num_parameters = TpNetworkNumParameters(learner->binding.network);
  PetscCall(PetscCalloc4(learner->num_parameters, &learner->parameters, learner->num_parameters, &learner->gradient,
                         learner->num_parameters, &learner->first, learner->num_parameters, &learner->second));
  PetscCall(TpNetworkInitialise(learner->binding.network, 1, learner->parameters));
  learner->binding.parameters = learner->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LearnerDestroy(Learner *learner)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(learner->parameters, learner->gradient, learner->first, learner->second));
  PetscCall(TpWorkspaceDestroy(&learner->binding.workspace));
  PetscCall(TpNetworkDestroy(&learner->binding.network));
  PetscCall(TpScheduleDestroy(&learner->schedule));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exact samples of the data; a fresh batch for every step, so that there is nothing to overfit. */
static void FillData(PetscInt step, Learner *learner)
{
  double normal[D], uniform;

  for (PetscInt i = 0; i < B; i++) {
    TpRandomUniform(9, TP_RANDOM_TEST, (uint32_t)i, (uint64_t)step, 1, &uniform);
    TpRandomNormal(9, TP_RANDOM_EXACT_SAMPLE, (uint32_t)i, (uint64_t)step, D, normal);
    learner->c[i] = (TpNumber)trained[(int)(4 * uniform)];
    for (PetscInt j = 0; j < D; j++) {
      learner->x0[i * D + j] =
          (TpNumber)(data[j].mean[0] + data[j].slope * (double)learner->c[i] + data[j].sigma[0] * normal[j]);
    }
  }
}

/* Adam (Kingma and Ba, ICLR 2015), its rate falling to zero as a cosine. */
static void Adam(PetscInt step, Learner *learner)
{
  const double rate = 4e-3 * 0.5 * (1 + cos(PETSC_PI * (double)step / STEPS));
  const double size = rate * sqrt(1 - pow(0.999, (double)step + 1)) / (1 - pow(0.9, (double)step + 1));

  for (PetscInt k = 0; k < learner->num_parameters; k++) {
    const TpNumber g = learner->gradient[k];

    learner->first[k]  = 0.9f * learner->first[k] + 0.1f * g;
    learner->second[k] = 0.999f * learner->second[k] + 0.001f * g * g;
    learner->parameters[k] -= (TpNumber)size * learner->first[k] / (sqrtf(learner->second[k]) + 1e-8f);
    learner->gradient[k] = 0;
  }
}

static PetscErrorCode Train(Learner *learner)
{
  TpNetworkBinding *binding = &learner->binding;

  PetscFunctionBeginUser;
  for (PetscInt step = 0; step < STEPS; step++) {
    FillData(step, learner);
    PetscCall(TpDiffusionNoise(learner->schedule, 9, (uint64_t)step, 0, B, D, learner->x0, learner->x, learner->t,
                               learner->eps));
    PetscCall(TpNetworkForward(binding->network, learner->parameters, binding->workspace, B, learner->x, learner->t,
                               learner->c, learner->y));
    (void)TpDiffusionLoss(B, D, learner->y, learner->eps, 1.0 / B, learner->dy);
    PetscCall(TpNetworkBackward(binding->network, learner->parameters, binding->workspace, B, learner->dy,
                                learner->gradient, NULL));
    Adam(step, learner);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean square of (network - closed form) over noised data, at one condition; the noise to be predicted has mean square 1. What is left of it
   here, 2e-4, is the network's; one that ignored its condition would be off by 0.09. */
static void TestScore(Learner *learner, double c, double bound)
{
  TpNetworkBinding *binding = &learner->binding;
  double            sum     = 0;

  for (PetscInt step = 0; step < 20; step++) {
    FillData(1000000 + step, learner);
    for (PetscInt i = 0; i < B; i++) {
      for (PetscInt j = 0; j < D; j++)
        learner->x0[i * D + j] += (TpNumber)(data[j].slope * (c - (double)learner->c[i]));
      learner->c[i] = (TpNumber)c;
    }
    TpTestCall(TpDiffusionNoise(learner->schedule, 9, (uint64_t)(1000000 + step), 0, B, D, learner->x0, learner->x,
                                learner->t, learner->eps));
    TpTestCall(TpNetworkForward(binding->network, learner->parameters, binding->workspace, B, learner->x, learner->t,
                                learner->c, learner->y));
    for (PetscInt i = 0; i < B; i++) {
      const double abar = learner->schedule->abar[lround((double)learner->t[i] * T)];

      for (PetscInt j = 0; j < D; j++) {
        sum +=
            pow((double)learner->y[i * D + j] - ClosedFormNoise(&data[j], abar, (double)learner->x[i * D + j], c), 2) /
            (20 * B * D);
      }
    }
  }
  TpTestExpectThat(sum < bound, "mean square error of the score at condition %g is %g, allowed %g", c, sum, bound);
}

/* 4 standard errors are 0.0625 sigma in the mean and 0.044 in sigma; ddpm of 200 steps is 0.02 to 0.03 short in sigma even with the exact
   denoiser. Fixed seeds: no false alarms, the bound says what was learned. */
static void TestSamples(Learner *learner, PetscInt kind, double c, double bound)
{
  const TpDiffusionSettings settings = {.num_times = T, .sampler = kind, .num_steps = 100};
  TpDenoiser                denoiser;
  TpSampler                 sampler;
  TpNumber                 *x, *conditions;

  TpTestCall(PetscMalloc2(SAMPLES * D, &x, SAMPLES, &conditions));
  for (PetscInt i = 0; i < SAMPLES; i++) conditions[i] = (TpNumber)c;
  TpTestCall(TpDenoiserFromNetwork(&learner->binding, SAMPLES, &denoiser));
  TpTestCall(TpSamplerCreate(learner->schedule, &settings, D, SAMPLES, &sampler));
  TpTestCall(TpSamplerRun(sampler, &denoiser, 77, 0, SAMPLES, conditions, x));
  for (PetscInt j = 0; j < D; j++) {
    const double m = data[j].mean[0] + data[j].slope * c, s = data[j].sigma[0];
    double       mean = 0, variance = 0;

    for (PetscInt i = 0; i < SAMPLES; i++) mean += (double)x[i * D + j] / SAMPLES;
    for (PetscInt i = 0; i < SAMPLES; i++) variance += pow((double)x[i * D + j] - mean, 2) / SAMPLES;
    TpTestExpectClose((mean - m) / s, 0, bound);
    TpTestExpectClose(sqrt(variance) / s, 1, bound);
  }
  TpTestCall(TpSamplerDestroy(&sampler));
  TpTestCall(PetscFree2(x, conditions));
}

int main(int argc, char **argv)
{
  static const double conditions[] = {-1.3, 0.5, 0.0, 0.9}; /* the last two were never trained */
  Learner            *learner;

  TpTestBegin(&argc, &argv);
  TpTestCall(PetscNew(&learner));
  TpTestCall(LearnerCreate(learner));
  TpTestCall(Train(learner));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(conditions); k++) {
    TestScore(learner, conditions[k], 1e-3);
    for (PetscInt kind = 0; kind < 2; kind++) TestSamples(learner, kind, conditions[k], 0.08);
  }
  TpTestCall(LearnerDestroy(learner));
  TpTestCall(PetscFree(learner));
  return TpTestEnd();
}
