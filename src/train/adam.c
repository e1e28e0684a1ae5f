/* AdamW (Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019) and the moving averages of the weights. */
#include "train-impl.h"

#include <math.h>

static const double beta1   = 0.9;
static const double beta2   = 0.999;
static const double epsilon = 1e-8;

enum { LANES = 8 };

/* Early on, an average over the few steps there are; it forgets the initial weights quickly. */
static TpNumber Keep(double decay, double step)
{
  return (TpNumber)PetscMin(decay, step / (step + 9.0));
}

/* In double precision and in one order, so that all trainers clip by the same factor, whatever their number. */
static double Norm(PetscInt n, const TpNumber gradient[], double rows)
{
  double lane[LANES] = {0.0}, sum = 0.0;

  for (PetscInt i = 0; i < n; i += LANES)
    for (PetscInt j = 0; j < PetscMin(LANES, n - i); ++j) lane[j] += (double)gradient[i + j] * (double)gradient[i + j];
  for (PetscInt j = 0; j < LANES; ++j) sum += lane[j];
  return sqrt(sum) / rows;
}

/* 1 / rows, and less where the gradient is clipped. */
static double Factor(TpTrainer trainer, const TpNumber gradient[], double rows)
{
  const double limit = trainer->buffers->settings.clip_norm;

  if (limit == 0.0) return 1.0 / rows;
  trainer->norm = Norm(trainer->num_parameters, gradient, rows);
  return trainer->norm > limit ? limit / trainer->norm / rows : 1.0 / rows;
}

static void AverageMore(TpTrainer trainer, double decay, double step, TpNumber average[])
{
  const TpNumber keep = Keep(decay, step);

  for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
    const TpNumber u = trainer->parameters[i];

    average[i] = u + keep * (average[i] - u);
  }
}

void TpAdamStep(const TpTrainSettings *settings, double learning_rate, TpAdam *adam, const TpNumber gradient[],
                double factor)
{
  const double   step    = (double)(adam->step + 1);
  const TpNumber scale   = (TpNumber)factor;
  const TpNumber rate    = (TpNumber)(learning_rate / (1.0 - pow(beta1, step)));
  const TpNumber unbias2 = (TpNumber)(1.0 / (1.0 - pow(beta2, step)));
  const TpNumber shrink  = (TpNumber)(learning_rate * settings->weight_decay);
  const TpNumber keep    = Keep(settings->ema_decay, step);

  for (PetscInt i = 0; i < adam->num_parameters; ++i) {
    const TpNumber g = gradient[i] * scale;
    const TpNumber m = adam->moment1[i] + (TpNumber)(1.0 - beta1) * (g - adam->moment1[i]);
    const TpNumber v = adam->moment2[i] + (TpNumber)(1.0 - beta2) * (g * g - adam->moment2[i]);
    const TpNumber w = adam->parameters[i];
    const TpNumber u = w - shrink * w - rate * m / (sqrtf(v * unbias2) + (TpNumber)epsilon);

    adam->moment1[i]    = m;
    adam->moment2[i]    = v;
    adam->parameters[i] = u;
    adam->average[i]    = u + keep * (adam->average[i] - u);
  }
  ++adam->step;
}

void TpAdamUpdate(TpTrainer trainer, const TpNumber gradient[], double rows)
{
  const TpTrainSettings *settings = &trainer->buffers->settings;
  const double           step     = (double)(trainer->step + 1);
  TpAdam                 adam     = {.num_parameters = trainer->num_parameters,
                                     .parameters     = trainer->parameters,
                                     .average        = trainer->average,
                                     .moment1        = trainer->moment1,
                                     .moment2        = trainer->moment2,
                                     .step           = trainer->step};

  TpAdamStep(settings, TpLearningRate(settings, trainer->step), &adam, gradient, Factor(trainer, gradient, rows));
  for (PetscInt i = 0; i < settings->ema_others.size; ++i)
    AverageMore(trainer, settings->ema_others.values[i], step, trainer->average + (i + 1) * trainer->num_parameters);
  trainer->step = adam.step;
}

/* Squares too: one that overflows would stay in Adam's second moment for ever. */
PetscBool TpGradientIsFinite(PetscInt n, const TpNumber gradient[])
{
  TpNumber lane[4 * LANES] = {0}, sum = 0; /* of sums that need not wait for each other */
  PetscInt i = 0;

  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    for (PetscInt j = 0; j < 4 * LANES; ++j) {
      const TpNumber square = gradient[i + j] * gradient[i + j];

      lane[j] += square - square; /* 0, or NaN where it is not finite */
    }
  }
  for (; i < n; ++i) sum += gradient[i] * gradient[i] - gradient[i] * gradient[i];
  for (PetscInt j = 0; j < 4 * LANES; ++j) sum += lane[j];
  return sum == 0 ? PETSC_TRUE : PETSC_FALSE;
}
