/* Samplers: the table of kinds, and the loop over the steps that each kind plans. */
#include "sampler-impl.h"

const char *const tp_sampler_words[] = {"ddpm", "ddim", "dpmpp", "ode", "sde", NULL};

/* By TpSamplerKind; ode has no planned steps, but a flow. */
static const TpSamplerOps *const sampler_kinds[] = {&tp_sampler_ddpm, &tp_sampler_ddim, &tp_sampler_dpmpp, NULL,
                                                    &tp_sampler_sde};

PetscInt TpSamplerStart(TpSchedule schedule)
{
  PetscInt start = schedule->num_times;

  while (start > 1 && schedule->abar[start] < 4e-5) start--;
  return start;
}

PetscErrorCode TpSamplerCreate(TpSchedule schedule, const TpDiffusionSettings *settings, PetscInt num_inputs,
                               PetscInt max_batch, TpSampler *sampler)
{
  const PetscInt start = TpSamplerStart(schedule);
  TpSampler      created;

  PetscFunctionBeginUser;
  PetscCheck(settings->sampler >= 0 && settings->sampler < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(sampler_kinds),
             PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "sampler kind %d", (int)settings->sampler);
  TpCheckInput(settings->num_steps >= 1 && settings->num_steps <= schedule->num_times,
               "the sampler's number of steps is %lld; allowed: 1 to the %d times of the diffusion",
               (long long)settings->num_steps, (int)schedule->num_times);
  PetscCall(PetscNew(&created));
  created->ops        = sampler_kinds[settings->sampler];
  created->num_times  = schedule->num_times;
  created->num_inputs = num_inputs;
  created->max_batch  = max_batch;
  *sampler            = created;
  if (!created->ops) {
    PetscCall(TpFlowCreate(schedule, num_inputs, max_batch,
                           settings->tolerance > 0 ? settings->tolerance : TP_FLOW_TOLERANCE, &created->flow));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  created->num_steps = created->ops->count(start, (PetscInt)settings->num_steps);
  PetscCall(PetscMalloc1(created->num_steps, &created->steps));
  PetscCall(PetscMalloc3(max_batch * num_inputs, &created->eps, max_batch, &created->t, num_inputs, &created->z));
  if (created->ops->has_memory)
    PetscCall(PetscMalloc2(max_batch * num_inputs, &created->before, max_batch * num_inputs, &created->older));
  created->ops->plan(schedule, start, created->num_steps, settings->is_quiet, created->steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSamplerDestroy(TpSampler *sampler)
{
  PetscFunctionBeginUser;
  if (!*sampler) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFlowDestroy(&(*sampler)->flow));
  PetscCall(PetscFree2((*sampler)->before, (*sampler)->older));
  PetscCall(PetscFree((*sampler)->steps));
  PetscCall(PetscFree3((*sampler)->eps, (*sampler)->t, (*sampler)->z));
  PetscCall(PetscFree(*sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpSamplerEvaluations(TpSampler sampler)
{
  return sampler->flow ? TpFlowEvaluations(sampler->flow) : sampler->num_steps;
}

/* x <- keep x + answer eps */
static void Move(TpSampler sampler, const TpSamplerStep *step, PetscInt count, TpNumber x[])
{
  const TpNumber keep = (TpNumber)step->keep, answer = (TpNumber)step->answer;

  for (PetscInt i = 0; i < count; i++) x[i] = keep * x[i] + answer * sampler->eps[i];
}

/* x <- keep x + answer eps + memory before + older older, and what is estimated of x_0 becomes `before`. */
static void MoveWithMemory(TpSampler sampler, const TpSamplerStep *step, PetscInt count, TpNumber x[])
{
  const TpNumber keep = (TpNumber)step->keep, answer = (TpNumber)step->answer;
  const TpNumber memory = (TpNumber)step->memory, older = (TpNumber)step->older;
  const TpNumber on_x = (TpNumber)step->x0_keep, on_eps = (TpNumber)step->x0_answer;

  for (PetscInt i = 0; i < count; i++) {
    const TpNumber eps = sampler->eps[i], x0 = on_x * x[i] + on_eps * eps;

    x[i]               = keep * x[i] + answer * eps + memory * sampler->before[i] + older * sampler->older[i];
    sampler->older[i]  = sampler->before[i];
    sampler->before[i] = x0;
  }
}

static void TakeStep(TpSampler sampler, const TpSamplerStep *step, uint64_t seed, uint32_t first_sample, PetscInt B,
                     TpNumber x[])
{
  const PetscInt D     = sampler->num_inputs;
  const TpNumber noise = (TpNumber)step->noise;

  if (sampler->before)
    MoveWithMemory(sampler, step, B * D, x);
  else
    Move(sampler, step, B * D, x);
  if (step->noise == 0) return;
  for (PetscInt i = 0; i < B; i++) {
    TpRandomNormalFloat(seed, TP_RANDOM_SAMPLE_NOISE, first_sample + (uint32_t)i, (uint64_t)step->time, D, sampler->z);
    for (PetscInt j = 0; j < D; j++) x[i * D + j] += noise * sampler->z[j];
  }
}

static void Start(PetscInt D, uint64_t seed, uint32_t first_sample, PetscInt B, TpNumber x[])
{
  for (PetscInt i = 0; i < B; i++)
    TpRandomNormalFloat(seed, TP_RANDOM_SAMPLE_START, first_sample + (uint32_t)i, 0, D, x + i * D);
}

PetscErrorCode TpSamplerPrepare(TpSampler sampler, const TpDenoiser *denoiser, uint64_t seed, const TpNumber c[])
{
  const PetscInt D = sampler->num_inputs, C = denoiser->num_conditions, rows = TP_FLOW_CHOOSERS;
  TpNumber      *x, *conditions;

  PetscFunctionBeginUser;
  if (!sampler->flow) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(denoiser->max_batch >= rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a denoiser of %d rows; ode takes at least %d", (int)denoiser->max_batch, (int)rows);
  PetscCall(PetscMalloc2(rows * D, &x, rows * C + 1, &conditions));
  for (PetscInt i = 0; i < rows * C; i++) conditions[i] = c[i % C];
  Start(D, seed, 0, rows, x);
  PetscCall(TpFlowChoose(sampler->flow, denoiser, rows, conditions, x));
  PetscCall(PetscFree2(x, conditions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSamplerRun(TpSampler sampler, const TpDenoiser *denoiser, uint64_t seed, uint32_t first_sample,
                            PetscInt B, const TpNumber c[], TpNumber x[])
{
  const PetscInt D = sampler->num_inputs;

  PetscFunctionBeginUser;
  PetscCheck(denoiser->num_inputs == D, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "a denoiser of %d inputs for a sampler of %d", (int)denoiser->num_inputs, (int)D);
  PetscCheck(B >= 0 && B <= sampler->max_batch && B <= denoiser->max_batch, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%d samples, the sampler takes %d and the denoiser %d", (int)B, (int)sampler->max_batch,
             (int)denoiser->max_batch);
  Start(D, seed, first_sample, B, x);
  if (sampler->flow) {
    PetscCall(TpFlowRun(sampler->flow, denoiser, B, c, x));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (sampler->before) {
    PetscCall(PetscArrayzero(sampler->before, B * D));
    PetscCall(PetscArrayzero(sampler->older, B * D));
  }
  for (PetscInt k = 0; k < sampler->num_steps; k++) {
    const TpSamplerStep *step = &sampler->steps[k];
    const TpNumber       t    = (TpNumber)((double)step->time / (double)sampler->num_times);

    for (PetscInt i = 0; i < B; i++) sampler->t[i] = t;
    PetscCall(denoiser->predict(denoiser->context, B, x, sampler->t, c, sampler->eps));
    TakeStep(sampler, step, seed, first_sample, B, x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
