/* Steps of AdamW and of the moving average against the formulas of the papers in double precision. */
#include "../../../src/train/train-impl.h"

#include "test.h"

#include <math.h>

enum { NUM_STEPS = 30 };

static const double rows = 7.0;

/* What is remembered of one weight. */
typedef struct {
  double w, m, v, average, other;
} Weight;

/* Gradients of very different sizes, down to where epsilon, 1e-8, counts; some change sign from step to step, one is zero. */
static double Gradient(PetscInt i, PetscInt step)
{
  static const double size[] = {1.0, 1e-3, 1e3, 1e-8, 0.0};

  return size[i % 5] * (cos(0.9 * (double)i) + 0.7 * sin(1.3 * (double)(step * (i + 1))));
}

/* What clipping leaves of the gradients of one step: they are scaled down together. */
static double Clip(const TpTrainSettings *settings, PetscInt n, PetscInt t)
{
  double sum = 0.0;

  for (PetscInt i = 0; i < n; ++i) sum += Gradient(i, t) * Gradient(i, t);
  return settings->clip_norm > 0.0 ? fmin(1.0, settings->clip_norm / sqrt(sum)) : 1.0;
}

/* Algorithm 2 of Loshchilov and Hutter, the decay times the learning rate as is usual; then the average. */
static void Step(const TpTrainSettings *settings, PetscInt t, double g, Weight *weight)
{
  const double keep = fmin(settings->ema_decay, (double)t / ((double)t + 9.0));
  const double other =
      settings->ema_others.size ? fmin(settings->ema_others.values[0], (double)t / ((double)t + 9.0)) : 0.0;

  weight->m             = 0.9 * weight->m + 0.1 * g;
  weight->v             = 0.999 * weight->v + 0.001 * g * g;
  const double unbias_m = weight->m / (1.0 - pow(0.9, (double)t));
  const double unbias_v = weight->v / (1.0 - pow(0.999, (double)t));
  weight->w -= settings->learning_rate * (unbias_m / (sqrt(unbias_v) + 1e-8) + settings->weight_decay * weight->w);
  weight->average = keep * weight->average + (1.0 - keep) * weight->w;
  weight->other   = other * weight->other + (1.0 - other) * weight->w;
}

/* Each step rounds a weight of size 1 some times by 6e-8, and the step itself, of size learning_rate, by some 1e-6 of itself. */
static void Compare(const TpTrainSettings *settings, TpTrainer trainer, const Weight expected[])
{
  for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
    const double tolerance = NUM_STEPS * (4.0 * 6e-8 + 1e-8) * fmax(1.0, fabs(expected[i].w));

    TpTestExpectClose(trainer->parameters[i], expected[i].w, tolerance);
    TpTestExpectClose(trainer->average[i], expected[i].average, tolerance);
    if (trainer->num_averages > 1)
      TpTestExpectClose(trainer->average[trainer->num_parameters + i], expected[i].other, tolerance);
    TpTestExpectClose(trainer->moment1[i], expected[i].m,
                      1e-5 * Clip(settings, trainer->num_parameters, 0) * fabs(Gradient(i, 0)) +
                          1e-6 * fabs(expected[i].m));
    TpTestExpectClose(trainer->moment2[i], expected[i].v, 1e-5 * expected[i].v);
  }
}

static PetscErrorCode Check(const TpTrainSettings *settings)
{
  const TpNetworkSettings network   = {.width = 4, .depth = 1, .embedding = 4};
  const double            period[]  = {0.0};
  const TpCondition       condition = {.boltzmann = 1.0, .scale = 1.0};
  TpEncoding              encoding;
  TpSchedule              schedule;
  TpTrainer               trainer;
  TpNumber               *gradient;
  Weight                 *expected;

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, 1, period, &encoding));
  PetscCall(TpScheduleCreate(0, 10, &schedule));
  PetscCall(TpTrainerCreate(settings, &network, schedule, encoding, condition, 1, 3, PETSC_COMM_SELF, &trainer));
  PetscCall(PetscCalloc2(trainer->num_parameters, &gradient, trainer->num_parameters, &expected));
  for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
    trainer->parameters[i] = trainer->average[i] = (TpNumber)sin(0.1 + (double)i);
    if (trainer->num_averages > 1) trainer->average[trainer->num_parameters + i] = trainer->parameters[i];
    expected[i].w = expected[i].average = expected[i].other = trainer->parameters[i];
  }
  for (PetscInt t = 1; t <= NUM_STEPS; ++t) {
    for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
      gradient[i] = (TpNumber)(rows * Gradient(i, t));
      Step(settings, t, Clip(settings, trainer->num_parameters, t) * Gradient(i, t), &expected[i]);
    }
    TpAdamUpdate(trainer, gradient, rows);
    TpTestExpectEqual(trainer->step, t);
  }
  Compare(settings, trainer, expected);
  PetscCall(PetscFree2(gradient, expected));
  PetscCall(TpTrainerDestroy(&trainer));
  PetscCall(TpScheduleDestroy(&schedule));
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const TpTrainSettings plain = {.batch = 8, .learning_rate = 0.01, .ema_decay = 0.999};
  const TpTrainSettings decay = {.batch = 8, .learning_rate = 0.003, .weight_decay = 0.3, .ema_decay = 0.5};
  double                other = 0.8;
  const TpTrainSettings clip  = {
       .batch = 8, .learning_rate = 0.01, .ema_decay = 0.99, .ema_others = {1, &other}, .clip_norm = 0.5};

  TpTestBegin(&argc, &argv);
  TpTestCall(Check(&clip));
  TpTestCall(Check(&plain));
  TpTestCall(Check(&decay));
  return TpTestEnd();
}
