/* A trained model as a denoiser: the roles of the temperature, and the lens between states and network. */
#include "model.h"

#include <math.h>
#include <string.h>

struct TpModelDenoiser_ {
  TpModel     model;    /* kept, the caller's */
  TpSchedule  schedule; /* kept, the caller's */
  TpLens      lens;
  TpNetwork   network;
  TpWorkspace workspace;
  TpDenoiser  denoiser;
  PetscBool   is_joint;
  PetscBool   is_free;     /* joint: nothing replaces the temperature */
  TpNumber    temperature; /* standardised */
  TpNumber    noise_scale;
  TpNumber   *c;            /* [max_batch, C] */
  TpNumber   *scale;        /* [max_batch] size of the noise; NULL: 1 */
  TpNumber   *fixed;        /* [max_batch] noise of the temperature, where that is a state */
  TpNumber   *states;       /* [max_batch, S] */
  TpNumber   *t;            /* [max_batch] of the last prediction */
  TpNumber   *inputs;       /* [max_batch, N] */
  TpNumber   *y;            /* [max_batch, N] */
  TpNumber   *weights;      /* [weights] their gradient, which nobody wants; NULL: no derivatives */
  TpNumber   *dy, *dinputs; /* [max_batch, N] */
  TpNumber   *danswer;      /* [max_batch, S] */
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
  if (d->is_joint && !d->is_free) FixTemperature(d, B, x, t);
  const TpNumber *states = d->is_joint && !d->is_free ? d->states : x;

  TpLensShow(d->lens, B, states, t, d->scale, d->inputs);
  PetscCall(TpNetworkForward(d->network, d->model->parameters, d->workspace, B, d->inputs, t, c, d->y));
  TpLensRead(d->lens, B, d->inputs, d->scale, d->y, eps);
  TpLensNoise(d->lens, B, states, t, eps);
  PetscCall(PetscArraycpy(d->t, t, B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the network predicts v, eps = sqrt(abar) v + sqrt(1 - abar) x, but for angles. */
static PetscErrorCode Reverse(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[])
{
  TpModelDenoiser d           = context;
  const PetscInt  S           = d->lens->num_states;
  const PetscBool is_velocity = d->schedule->predict == TP_PREDICT_VELOCITY ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B * S; ++i)
    d->danswer[i] = (TpNumber)TpLensGain(d->lens, i % S, (double)d->t[i / S]) * deps[i];
  TpLensReverse(d->lens, B, d->inputs, d->scale, d->danswer, d->dy);
  PetscCall(TpNetworkBackward(d->network, d->model->parameters, d->workspace, B, d->dy, d->weights, d->dinputs));
  TpLensPull(d->lens, B, d->t, d->scale, d->inputs, d->y, d->danswer, d->dinputs, dx);
  for (PetscInt i = 0; i < B * S && is_velocity; ++i) {
    const double noise = sqrt(1.0 - TpScheduleSignal(d->schedule, (double)d->t[i / S]));

    if (!d->lens->is_angle[i % S]) dx[i] += (TpNumber)noise * deps[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A replaced temperature is no state, so `joint` has no derivative. */
static PetscErrorCode CreateReverse(TpModelDenoiser d, PetscInt max_batch)
{
  const PetscInt S = d->lens->num_states, N = d->lens->num_inputs;

  PetscFunctionBeginUser;
  PetscCall(TpWorkspaceCreate(d->network, max_batch, &d->workspace));
  PetscCall(PetscMalloc4(TpNetworkNumParameters(d->network), &d->weights, max_batch * N, &d->dy, max_batch * N,
                         &d->dinputs, max_batch * S, &d->danswer));
  if (!d->is_joint) d->denoiser.reverse = Reverse;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDenoiserCreate(TpModel model, TpSchedule schedule, PetscInt max_batch, PetscBool both_ways,
                                     TpModelDenoiser *denoiser)
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
  PetscCall(PetscMalloc6(max_batch * C + 1, &d->c, max_batch, &d->fixed, max_batch * S, &d->states, max_batch, &d->t,
                         max_batch * N, &d->inputs, max_batch * N, &d->y));
  if (model->condition.role == TP_ROLE_PRIOR) PetscCall(PetscMalloc1(max_batch, &d->scale));
  d->denoiser =
      (TpDenoiser){.num_inputs = S, .num_conditions = C, .max_batch = max_batch, .context = d, .predict = Predict};
  if (both_ways)
    PetscCall(CreateReverse(d, max_batch));
  else
    PetscCall(TpWorkspaceCreateForward(d->network, max_batch, &d->workspace));
  *denoiser = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDenoiserDestroy(TpModelDenoiser *denoiser)
{
  PetscFunctionBeginUser;
  if (!*denoiser) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree6((*denoiser)->c, (*denoiser)->fixed, (*denoiser)->states, (*denoiser)->t, (*denoiser)->inputs,
                       (*denoiser)->y));
  PetscCall(PetscFree4((*denoiser)->weights, (*denoiser)->dy, (*denoiser)->dinputs, (*denoiser)->danswer));
  PetscCall(PetscFree((*denoiser)->scale));
  PetscCall(TpWorkspaceDestroy(&(*denoiser)->workspace));
  PetscCall(TpNetworkDestroy(&(*denoiser)->network));
  PetscCall(TpLensDestroy(&(*denoiser)->lens));
  PetscCall(PetscFree(*denoiser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpModelDenoiserDiffuseTemperature(TpModelDenoiser d)
{
  d->is_free          = PETSC_TRUE;
  d->denoiser.reverse = Reverse;
}

void TpModelDenoiserSet(TpModelDenoiser d, double temperature, const double further[], uint64_t seed,
                        uint32_t first_sample)
{
  const TpCondition *condition = &d->model->condition;
  TpNumber          *c         = d->c;

  d->temperature = TpConditionOf(condition, temperature);
  d->noise_scale = (TpNumber)TpConditionNoise(condition, temperature);
  if (d->weights) (void)memset(d->weights, 0, (size_t)TpNetworkNumParameters(d->network) * sizeof(*d->weights));
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

double TpModelDenoiserOperations(TpModelDenoiser d)
{
  return TpNetworkOperations(d->network);
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

void TpModelDenoiserEncode(TpModelDenoiser d, const float raw[], TpNumber x[])
{
  const PetscInt E = d->model->encoding->num_encoded;

  TpEncodingEncode(d->model->encoding, 1, raw, x);
  TpEncodingScale(d->model->encoding, 1, x);
  for (PetscInt i = 0; i < E && d->scale; ++i) x[i] /= d->noise_scale;
  if (d->is_joint) x[E] = d->temperature;
}
