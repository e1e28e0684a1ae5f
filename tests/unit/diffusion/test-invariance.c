/* A sample is a function of the seed, its number and its condition: the same bits for any split into batches. */
#include "tempera/diffusion.h"
#include "test.h"

#include <string.h>

#define SAMPLES 256
#define D       3

typedef struct {
  TpNetworkBinding binding;
  TpSchedule       schedule;
  TpDenoiser       denoiser;
  TpNumber        *parameters;
  TpNumber         c[SAMPLES];
} Model;

static PetscErrorCode ModelCreate(Model *model)
{
  const TpNetworkSettings settings = {.kind = 0, .width = 48, .depth = 2, .embedding = 16};
  PetscInt                size;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkCreate(&settings, D, 1, &model->binding.network));
  PetscCall(TpWorkspaceCreate(model->binding.network, SAMPLES, &model->binding.workspace));
  size = TpNetworkNumParameters(model->binding.network);
  PetscCall(PetscMalloc1(size, &model->parameters));
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 0, 0, size, model->parameters);
  for (PetscInt i = 0; i < size; i++) model->parameters[i] *= 0.1f;
  model->binding.parameters = model->parameters;
  PetscCall(TpScheduleCreate(1, 30, &model->schedule));
  PetscCall(TpDenoiserFromNetwork(&model->binding, SAMPLES, &model->denoiser));
  for (PetscInt i = 0; i < SAMPLES; i++) model->c[i] = (TpNumber)(i % 5) / 4;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelDestroy(Model *model)
{
  PetscFunctionBeginUser;
  PetscCall(TpScheduleDestroy(&model->schedule));
  PetscCall(PetscFree(model->parameters));
  PetscCall(TpWorkspaceDestroy(&model->binding.workspace));
  PetscCall(TpNetworkDestroy(&model->binding.network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All samples in batches of B, the last ones drawn first: neither size nor order may matter. What ode prepares for is the first condition. */
static PetscErrorCode Draw(Model *model, PetscInt kind, uint64_t seed, PetscInt B, TpNumber x[])
{
  const TpDiffusionSettings settings = {.num_times = 30, .sampler = kind, .num_steps = 10};
  TpSampler                 sampler;

  PetscFunctionBeginUser;
  PetscCall(TpSamplerCreate(model->schedule, &settings, D, B, &sampler));
  PetscCall(TpSamplerPrepare(sampler, &model->denoiser, seed, model->c));
  for (PetscInt first = SAMPLES - B; first >= 0; first -= B) {
    PetscCall(
        TpSamplerRun(sampler, &model->denoiser, seed, 1000 + (uint32_t)first, B, model->c + first, x + first * D));
  }
  PetscCall(TpSamplerDestroy(&sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscInt batches[] = {64, 32, 8, 4, 2, 1};
  Model                 model;
  TpNumber              whole[SAMPLES * D], x[SAMPLES * D];

  TpTestBegin(&argc, &argv);
  TpTestCall(ModelCreate(&model));
  for (PetscInt kind = 0; tp_sampler_words[kind]; kind++) {
    TpTestCall(Draw(&model, kind, 3, SAMPLES, whole));
    for (PetscInt i = 0; i < SAMPLES * D; i++) TpTestExpect(PetscIsNormalReal((PetscReal)whole[i]));
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(batches); k++) {
      TpTestCall(Draw(&model, kind, 3, batches[k], x));
      TpTestExpectThat(!memcmp(x, whole, sizeof x), "%s in batches of %d gives other bits", tp_sampler_words[kind],
                       (int)batches[k]);
    }
    TpTestCall(Draw(&model, kind, 4, SAMPLES, x));
    TpTestExpect(memcmp(x, whole, sizeof x)); /* another seed, other samples */
  }
  TpTestCall(ModelDestroy(&model));
  return TpTestEnd();
}
