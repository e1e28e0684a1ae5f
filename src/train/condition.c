/* The condition that the network sees: a standardised inverse temperature, in which averages between rungs are nearly linear. */
#include "tempera/train.h"

#include <math.h>

TpCondition TpConditionCreate(double boltzmann, PetscInt count, const double temperature[])
{
  double sum = 0.0, sum_squares = 0.0;

  for (PetscInt i = 0; i < count; ++i) sum += 1.0 / (boltzmann * temperature[i]);
  const double mean = sum / (double)count;
  for (PetscInt i = 0; i < count; ++i) sum_squares += PetscSqr(1.0 / (boltzmann * temperature[i]) - mean);
  const double deviation = sqrt(sum_squares / (double)count);

  return (TpCondition){.boltzmann = boltzmann, .mean = mean, .scale = deviation > 0.0 ? deviation : 1.0};
}

TpNumber TpConditionOf(const TpCondition *condition, double temperature)
{
  return (TpNumber)((1.0 / (condition->boltzmann * temperature) - condition->mean) / condition->scale);
}
