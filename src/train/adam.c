/* AdamW (Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019) and the moving average of the weights. */
#include "train-impl.h"

#include <math.h>

static const double beta1   = 0.9;
static const double beta2   = 0.999;
static const double epsilon = 1e-8;

void TpAdamUpdate(TpTrainer trainer, const TpNumber gradient[], double rows)
{
  const TpTrainSettings *settings = &trainer->buffers->settings;
  const double           step     = (double)(trainer->step + 1);
  const TpNumber         inverse  = (TpNumber)(1.0 / rows);
  const TpNumber         rate     = (TpNumber)(settings->learning_rate / (1.0 - pow(beta1, step)));
  const TpNumber         unbias2  = (TpNumber)(1.0 / (1.0 - pow(beta2, step)));
  const TpNumber         shrink   = (TpNumber)(settings->learning_rate * settings->weight_decay);
  /* Early on, an average over the few steps there are; it forgets the initial weights quickly. */
  const TpNumber keep = (TpNumber)PetscMin(settings->ema_decay, step / (step + 9.0));

  for (PetscInt i = 0; i < trainer->num_parameters; ++i) {
    const TpNumber g = gradient[i] * inverse;
    const TpNumber m = trainer->moment1[i] + (TpNumber)(1.0 - beta1) * (g - trainer->moment1[i]);
    const TpNumber v = trainer->moment2[i] + (TpNumber)(1.0 - beta2) * (g * g - trainer->moment2[i]);
    const TpNumber w = trainer->parameters[i];
    const TpNumber u = w - shrink * w - rate * m / (sqrtf(v * unbias2) + (TpNumber)epsilon);

    trainer->moment1[i]    = m;
    trainer->moment2[i]    = v;
    trainer->parameters[i] = u;
    trainer->average[i]    = u + keep * (trainer->average[i] - u);
  }
  ++trainer->step;
}
