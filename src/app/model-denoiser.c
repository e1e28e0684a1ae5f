/* A trained model as a denoiser: the roles of the temperature, and the lens between states and network. */
#include "model.h"

#include <math.h>

struct TpModelDenoiser_ {
  TpModel     model;    /* kept, the caller's */
  TpSchedule  schedule; /* kept, the caller's */
  TpLens      lens;
  TpNetwork   network;
  TpWorkspace workspace;
  TpDenoiser  denoiser;
  PetscBool   is_joint;
  TpNumber    temperature; /* standardised */
  TpNumber    noise_scale;
  TpNumber   *c;      /* [max_batch, C] */
  TpNumber   *scale;  /* [max_batch] size of the noise; NULL: 1 */
  TpNumber   *fixed;  /* [max_batch] noise of the temperature, where that is a state */
  TpNumber   *states; /* [max_batch, S] */
  TpNumber   *inputs; /* [max_batch, N] */
  TpNumber   *y;      /* [max_batch, N] */
};

/* Replacement: the temperature is known, so at each time its state is what noise would have made of it. */
static void FixTemperature(TpModelDenoiser d, PetscInt B, const TpNumber x[], const TpNumber t[])
{
  const PetscInt S = d->lens->num_states;

  for (PetscInt row = 0; row < B; ++row) {
    const double abar = TpScheduleSignal(d->schedule, (double)t[row]);

    for (PetscInt i = 0; i + 1 < S; ++i) d->states[row * S + i] = x[row * S + i];
    d->states[row * S + S - 1] = (TpNumber)sqrt(abar) * d->temperature + (TpNumber)sqrt(1.0 - abar) * d->fixed[row];
  }
}

static PetscErrorCode Predict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                              TpNumber eps[])
{
  TpModelDenoiser d = context;

  PetscFunctionBeginUser;
  if (d->is_joint) FixTemperature(d, B, x, t);
  TpLensShow(d->lens, B, d->is_joint ? d->states : x, t, d->scale, d->inputs);
  PetscCall(TpNetworkForward(d->network, d->model->parameters, d->workspace, B, d->inputs, t, c, d->y));
  TpLensRead(d->lens, B, d->inputs, d->scale, d->y, eps);
  TpLensNoise(d->lens, B, d->is_joint ? d->states : x, t, eps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDenoiserCreate(TpModel model, TpSchedule schedule, PetscInt max_batch, TpModelDenoiser *denoiser)
{
  const PetscInt  C = TpConditionCount(&model->condition);
  TpModelDenoiser d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  d->model          = model;
  d->schedule       = schedule;
  d->is_joint       = model->condition.role == TP_ROLE_JOINT ? PETSC_TRUE : PETSC_FALSE;
  schedule->predict = model->diffusion.predict;
  PetscCall(TpConditionLens(&model->condition, model->encoding, schedule, &d->lens));
  const PetscInt S = d->lens->num_states, N = d->lens->num_inputs;
  PetscCall(TpNetworkCreate(&model->network, N, C, &d->network));
  PetscCall(TpWorkspaceCreateForward(d->network, max_batch, &d->workspace));
  PetscCall(PetscMalloc5(max_batch * C + 1, &d->c, max_batch, &d->fixed, max_batch * S, &d->states, max_batch * N,
                         &d->inputs, max_batch * N, &d->y));
  if (model->condition.role == TP_ROLE_PRIOR) PetscCall(PetscMalloc1(max_batch, &d->scale));
  d->denoiser =
      (TpDenoiser){.num_inputs = S, .num_conditions = C, .max_batch = max_batch, .context = d, .predict = Predict};
  *denoiser = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDenoiserDestroy(TpModelDenoiser *denoiser)
{
  PetscFunctionBeginUser;
  if (!*denoiser) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5((*denoiser)->c, (*denoiser)->fixed, (*denoiser)->states, (*denoiser)->inputs, (*denoiser)->y));
  PetscCall(PetscFree((*denoiser)->scale));
  PetscCall(TpWorkspaceDestroy(&(*denoiser)->workspace));
  PetscCall(TpNetworkDestroy(&(*denoiser)->network));
  PetscCall(TpLensDestroy(&(*denoiser)->lens));
  PetscCall(PetscFree(*denoiser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpModelDenoiserSet(TpModelDenoiser d, double temperature, const double further[], uint64_t seed,
                        uint32_t first_sample)
{
  const TpCondition *condition = &d->model->condition;
  TpNumber          *c         = d->c;

  d->temperature = TpConditionOf(condition, temperature);
  d->noise_scale = (TpNumber)TpConditionNoise(condition, temperature);
  for (PetscInt row = 0; row < d->denoiser.max_batch; ++row) {
    if (d->is_joint)
      TpRandomNormalFloat(seed, TP_RANDOM_LABEL, first_sample + (uint32_t)row, 0, 1, &d->fixed[row]);
    else
      *c++ = d->temperature;
    for (PetscInt i = 0; i < condition->num_further; ++i) *c++ = TpConditionFurther(condition, i, further[i]);
    if (d->scale) d->scale[row] = d->noise_scale;
  }
}

const TpDenoiser *TpModelDenoiserGet(TpModelDenoiser d, const TpNumber **conditions)
{
  *conditions = d->c;
  return &d->denoiser;
}

void TpModelDenoiserDecode(TpModelDenoiser d, PetscInt count, TpNumber x[], float raw[])
{
  const PetscInt S = d->lens->num_states, E = d->model->encoding->num_encoded;

  for (PetscInt row = 0; row < count; ++row) {
    TpNumber *state = x + row * S;

    for (PetscInt i = 0; i < E && d->scale; ++i) state[i] *= d->noise_scale;
    TpEncodingDecode(d->model->encoding, 1, state, raw + row * d->model->num_features);
  }
}
