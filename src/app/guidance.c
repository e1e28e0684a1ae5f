/* Extrapolation in temperature: one conditional model's scores at two temperatures. */
#include "model.h"

#include <string.h>

struct TpGuided_ {
  const TpGuidance *guidance; /* kept, the caller's */
  TpModelDenoiser   at[2];    /* the second of them only with guidance */
  const TpDenoiser *answers[2];
  const TpNumber   *conditions[2];
  TpDenoiser        denoiser;
  TpNumber          weight;
  TpNumber         *other; /* [max_batch, S] */
};

/* w at this temperature */
static double Weight(const TpGuidance *guidance, double temperature)
{
  const double t1 = guidance->temperature[0], t2 = guidance->temperature[1];

  if (guidance->in_temperature) return (t1 - temperature) / (t2 - t1);
  return (1.0 / temperature - 1.0 / t1) / (1.0 / t1 - 1.0 / t2);
}

PetscErrorCode TpGuidanceParse(const char *text, TpModel model, TpGuidance *guidance)
{
  char    *copy, *rest = NULL;
  PetscInt count = 0;

  PetscFunctionBeginUser;
  *guidance = (TpGuidance){0};
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(model->condition.role == TP_ROLE_CONDITIONAL,
               "--guidance: needs a model with training.temperature: conditional; this one has %s",
               tp_role_words[model->condition.role]);
  PetscCall(PetscStrallocpy(text, &copy));
  for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest), ++count) {
    TpCheckInput(count < 3, "--guidance: '%s' is not T1,T2 or T1,T2,beta or T1,T2,temperature", text);
    if (count < 2) {
      double *value = &guidance->temperature[count];

      PetscCall(TpErrorAbout(TpQuantityParse(item, TP_DIMENSION_TEMPERATURE, model->units, value), "--guidance"));
      TpCheckInput(*value > 0.0, "--guidance: '%s' is not positive", item);
    } else {
      guidance->in_temperature = !strcmp(item, "temperature") ? PETSC_TRUE : PETSC_FALSE;
      TpCheckInput(guidance->in_temperature || !strcmp(item, "beta"),
                   "--guidance: '%s' is unknown; allowed beta, temperature", item);
    }
  }
  TpCheckInput(count >= 2 && guidance->temperature[0] != guidance->temperature[1],
               "--guidance: '%s' is not two different temperatures", text);
  PetscCall(PetscFree(copy));
  guidance->is_on = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* first <- (1 + w) first - w second */
static void Extrapolate(TpNumber weight, PetscInt count, const TpNumber second[], TpNumber first[])
{
  for (PetscInt i = 0; i < count; ++i) first[i] += weight * (first[i] - second[i]);
}

static PetscErrorCode Predict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                              TpNumber eps[])
{
  TpGuided          guided = context;
  const TpDenoiser *first = guided->answers[0], *second = guided->answers[1];

  PetscFunctionBeginUser;
  PetscCall(first->predict(first->context, B, x, t, guided->conditions[0], eps));
  PetscCall(second->predict(second->context, B, x, t, guided->conditions[1], guided->other));
  Extrapolate(guided->weight, B * first->num_inputs, guided->other, eps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reverse(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[])
{
  TpGuided          guided = context;
  const TpDenoiser *first = guided->answers[0], *second = guided->answers[1];

  PetscFunctionBeginUser;
  PetscCall(first->reverse(first->context, B, deps, dx));
  PetscCall(second->reverse(second->context, B, deps, guided->other));
  Extrapolate(guided->weight, B * first->num_inputs, guided->other, dx);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGuidedCreate(TpModel model, TpSchedule schedule, const TpGuidance *guidance, PetscInt max_batch,
                              PetscBool both_ways, TpGuided *guided)
{
  TpGuided g;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  g->guidance = guidance;
  for (int i = 0; i < (guidance->is_on ? 2 : 1); ++i) {
    PetscCall(TpModelDenoiserCreate(model, schedule, max_batch, both_ways, &g->at[i]));
    g->answers[i] = TpModelDenoiserGet(g->at[i], &g->conditions[i]);
  }
  g->denoiser = *g->answers[0];
  if (guidance->is_on) {
    g->denoiser.context = g;
    g->denoiser.predict = Predict;
    g->denoiser.reverse = both_ways ? Reverse : NULL;
    PetscCall(PetscMalloc1(max_batch * g->denoiser.num_inputs, &g->other));
  }
  *guided = g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGuidedDestroy(TpGuided *guided)
{
  PetscFunctionBeginUser;
  if (!*guided) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; ++i) PetscCall(TpModelDenoiserDestroy(&(*guided)->at[i]));
  PetscCall(PetscFree((*guided)->other));
  PetscCall(PetscFree(*guided));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpGuidedSet(TpGuided guided, double temperature, const double further[], uint64_t seed, uint32_t first_sample)
{
  const TpGuidance *guidance = guided->guidance;

  if (!guidance->is_on) {
    TpModelDenoiserSet(guided->at[0], temperature, further, seed, first_sample);
    return;
  }
  guided->weight = (TpNumber)Weight(guidance, temperature);
  for (int i = 0; i < 2; ++i) TpModelDenoiserSet(guided->at[i], guidance->temperature[i], further, seed, first_sample);
}

const TpDenoiser *TpGuidedGet(TpGuided guided, const TpNumber **conditions)
{
  *conditions = guided->conditions[0];
  return &guided->denoiser;
}

TpModelDenoiser TpGuidedStates(TpGuided guided)
{
  return guided->at[0];
}
