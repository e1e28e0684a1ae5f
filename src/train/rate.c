/* The learning rate as a function of the step alone: a restart has nothing to remember. */
#include "tempera/train.h"

#include <math.h>

const char *const tp_rate_words[] = {"constant", "cosine", NULL};

double TpLearningRate(const TpTrainSettings *settings, PetscInt64 step)
{
  const PetscInt64 warmup = settings->warmup_steps;
  double           progress;

  if (step < warmup) return settings->learning_rate * (double)(step + 1) / (double)(warmup + 1);
  if (settings->rate_schedule == TP_RATE_CONSTANT) return settings->learning_rate;
  progress = PetscMin(1.0, (double)(step - warmup) / (double)PetscMax(1, settings->decay_steps - warmup));
  return settings->learning_rate *
         (settings->final_rate + (1.0 - settings->final_rate) * 0.5 * (1.0 + cos(PETSC_PI * progress)));
}
