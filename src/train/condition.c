/* The conditions that the network sees: a standardised inverse temperature, in which averages between rungs are nearly linear, and further ones. */
#include "tempera/train.h"

#include <math.h>

const char *const tp_role_words[] = {"conditional", "joint", "prior", NULL};

TpCondition TpConditionCreate(double boltzmann, PetscInt count, const double temperature[])
{
  double sum = 0.0, sum_squares = 0.0;

  for (PetscInt i = 0; i < count; ++i) sum += 1.0 / (boltzmann * temperature[i]);
  const double mean = sum / (double)count;
  for (PetscInt i = 0; i < count; ++i) sum_squares += PetscSqr(1.0 / (boltzmann * temperature[i]) - mean);
  const double deviation = sqrt(sum_squares / (double)count);

  return (TpCondition){.boltzmann = boltzmann, .mean = mean, .scale = deviation > 0.0 ? deviation : 1.0};
}

TpNumber TpConditionFurther(const TpCondition *condition, PetscInt i, double value)
{
  return (TpNumber)((value - condition->further_mean[i]) / condition->further_scale[i]);
}

PetscInt TpConditionCount(const TpCondition *condition)
{
  return (condition->role == TP_ROLE_JOINT ? 0 : 1) + condition->num_further;
}

double TpConditionNoise(const TpCondition *condition, double temperature)
{
  return condition->role == TP_ROLE_PRIOR ? sqrt(condition->boltzmann * temperature * condition->mean) : 1.0;
}

PetscErrorCode TpConditionLens(const TpCondition *condition, TpEncoding encoding, TpSchedule schedule, TpLens *lens)
{
  const PetscInt joint = condition->role == TP_ROLE_JOINT ? 1 : 0;
  PetscBool     *is_angle;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(encoding->num_encoded + joint, &is_angle));
  PetscCall(PetscArraycpy(is_angle, encoding->is_angle, encoding->num_encoded));
  PetscCall(TpLensCreate(schedule, encoding->num_encoded + joint, is_angle, lens));
  PetscCall(PetscFree(is_angle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpNumber TpConditionOf(const TpCondition *condition, double temperature)
{
  return (TpNumber)((1.0 / (condition->boltzmann * temperature) - condition->mean) / condition->scale);
}
