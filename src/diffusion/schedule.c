/* Noise schedules: how much signal, abar, is left at each time. */
#include "tempera/diffusion.h"

#include <math.h>

#define MAX_BETA 0.999 /* Nichol and Dhariwal's bound: it keeps abar_T above zero */

const char *const tp_schedule_words[] = {"linear", "cosine", NULL};

/* Ho, Jain and Abbeel: beta from 1e-4 to 0.02 in 1000 steps; scaled so that another number of steps adds up to the same noise. */
static double LinearBeta(PetscInt i, PetscInt T)
{
  const double fraction = T > 1 ? (double)(i - 1) / (double)(T - 1) : 1;

  return (1e-4 + (0.02 - 1e-4) * fraction) * 1000 / (double)T;
}

static double CosineSignal(PetscInt i, PetscInt T)
{
  const double angle = ((double)i / (double)T + 0.008) / 1.008 * PETSC_PI / 2;

  return cos(angle) * cos(angle);
}

static double CosineBeta(PetscInt i, PetscInt T)
{
  return 1 - CosineSignal(i, T) / CosineSignal(i - 1, T);
}

PetscErrorCode TpScheduleCreate(PetscInt kind, PetscInt num_times, TpSchedule *schedule)
{
  static double (*const beta_of[])(PetscInt i, PetscInt T) = {LinearBeta, CosineBeta};

  PetscFunctionBeginUser;
  PetscCheck(kind >= 0 && kind < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(beta_of), PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "schedule kind %d", (int)kind);
  TpCheckInput(num_times >= 1, "the diffusion has %d times; allowed: at least 1", (int)num_times);
  PetscCall(PetscNew(schedule));
  (*schedule)->num_times = num_times;
  PetscCall(PetscMalloc2(num_times + 1, &(*schedule)->abar, num_times + 1, &(*schedule)->beta));
  (*schedule)->abar[0] = 1;
  (*schedule)->beta[0] = 0;
  for (PetscInt i = 1; i <= num_times; i++) {
    (*schedule)->beta[i] = PetscMin(beta_of[kind](i, num_times), MAX_BETA);
    (*schedule)->abar[i] = (*schedule)->abar[i - 1] * (1 - (*schedule)->beta[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpScheduleDestroy(TpSchedule *schedule)
{
  PetscFunctionBeginUser;
  if (!*schedule) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*schedule)->abar, (*schedule)->beta));
  PetscCall(PetscFree(*schedule));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpScheduleSignal(TpSchedule schedule, double t)
{
  const double   time  = PetscMax(0.0, PetscMin(1.0, t)) * schedule->num_times;
  const PetscInt below = PetscMin((PetscInt)time, schedule->num_times - 1);
  const double   part  = time - below;

  return exp((1.0 - part) * log(schedule->abar[below]) + part * log(schedule->abar[below + 1]));
}

double TpScheduleTime(TpSchedule schedule, double abar)
{
  PetscInt below = 0, above = schedule->num_times;

  if (abar >= 1.0) return 0.0;
  if (abar <= schedule->abar[above]) return 1.0;
  while (above - below > 1) {
    const PetscInt middle = (below + above) / 2;

    if (schedule->abar[middle] >= abar)
      below = middle;
    else
      above = middle;
  }
  return ((double)below + log(abar / schedule->abar[below]) / log(schedule->abar[above] / schedule->abar[below])) /
         (double)schedule->num_times;
}
