/* The noise a batch gets, and the mean squared error of its prediction. */
#include "tempera/diffusion.h"

#include <math.h>

PetscErrorCode TpDiffusionNoise(TpSchedule schedule, uint64_t seed, uint64_t step, uint32_t first_slot, PetscInt B,
                                PetscInt D, const TpNumber x0[], TpNumber x[], TpNumber t[], TpNumber eps[])
{
  const PetscInt T = schedule->num_times;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B; i++) {
    const uint32_t slot = first_slot + (uint32_t)i;
    double         uniform;
    PetscInt       time;
    TpNumber       signal, noise;

    TpRandomUniform(seed, TP_RANDOM_DIFFUSION_TIME, slot, step, 1, &uniform);
    time   = PetscMin(1 + (PetscInt)(uniform * (double)T), T);
    signal = (TpNumber)sqrt(schedule->abar[time]);
    noise  = (TpNumber)sqrt(1 - schedule->abar[time]);
    t[i]   = (TpNumber)((double)time / (double)T);
    TpRandomNormalFloat(seed, TP_RANDOM_DIFFUSION_NOISE, slot, step, D, eps + i * D);
    for (PetscInt j = 0; j < D; j++) x[i * D + j] = signal * x0[i * D + j] + noise * eps[i * D + j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpDiffusionLoss(PetscInt B, PetscInt D, const TpNumber y[], const TpNumber eps[], double weight, TpNumber dy[])
{
  const double scale = 2 * weight / (double)D;
  double       sum   = 0;

  for (PetscInt i = 0; i < B; i++) {
    double row = 0;

    for (PetscInt j = 0; j < D; j++) {
      const double error = (double)y[i * D + j] - (double)eps[i * D + j];

      row += error * error;
      dy[i * D + j] = (TpNumber)(scale * error);
    }
    sum += row / (double)D;
  }
  return sum;
}
