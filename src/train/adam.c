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

void TpAdamUpdate(TpTrainer trainer, const TpNumber gradient[], double rows)
{
  const TpTrainSettings *settings      = &trainer->buffers->settings;
  const double           step          = (double)(trainer->step + 1);
  const double           learning_rate = TpLearningRate(settings, trainer->step);
  const TpNumber         rate          = (TpNumber)(learning_rate / (1.0 - pow(beta1, step)));
  const TpNumber         unbias2       = (TpNumber)(1.0 / (1.0 - pow(beta2, step)));
  const TpNumber         shrink        = (TpNumber)(learning_rate * settings->weight_decay);
  const TpNumber         keep          = Keep(settings->ema_decay, step);
  const TpNumber         factor        = (TpNumber)Factor(trainer, gradient, rows);

  for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
    const TpNumber g = gradient[i] * factor;
    const TpNumber m = trainer->moment1[i] + (TpNumber)(1.0 - beta1) * (g - trainer->moment1[i]);
    const TpNumber v = trainer->moment2[i] + (TpNumber)(1.0 - beta2) * (g * g - trainer->moment2[i]);
    const TpNumber w = trainer->parameters[i];
    const TpNumber u = w - shrink * w - rate * m / (sqrtf(v * unbias2) + (TpNumber)epsilon);

    trainer->moment1[i]    = m;
    trainer->moment2[i]    = v;
    trainer->parameters[i] = u;
    trainer->average[i]    = u + keep * (trainer->average[i] - u);
  }
  for (PetscInt i = 0; i < settings->ema_others.size; ++i)
    AverageMore(trainer, settings->ema_others.values[i], step, trainer->average + (i + 1) * trainer->num_parameters);
  ++trainer->step;
}
