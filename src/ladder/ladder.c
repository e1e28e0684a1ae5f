/* The temperatures of the ladder. */
#include "tempera/ladder.h"

#include <math.h>

/* Exactly one of the two ways to give temperatures, and that one whole. */
static PetscErrorCode CheckSettings(const TpLadderSettings *settings)
{
  const PetscBool has_list = settings->temperatures.size > 0 ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool has_range =
      settings->minimum != 0 || settings->maximum != 0 || settings->num_rungs != 0 ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  TpCheckInput(!has_list || !has_range,
               "ladder.temperatures: the ladder has both temperatures (%" PetscInt_FMT
               " of them) and minimum, maximum or num_rungs; allowed: one of the two",
               settings->temperatures.size);
  TpCheckInput(
      has_list || has_range,
      "ladder.temperatures: the ladder has no temperatures; give temperatures, or minimum, maximum and num_rungs");
  if (has_list) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(settings->num_rungs >= 1 && settings->num_rungs <= PETSC_MAX_INT,
               "ladder.num_rungs: the ladder's num_rungs is %" PetscInt64_FMT
               "; allowed: 1 or more (tempera run INPUT --pilot finds a number)",
               settings->num_rungs);
  TpCheckInput(isfinite(settings->minimum) && settings->minimum > 0,
               "ladder.minimum: the ladder's minimum is %g; allowed: above 0", settings->minimum);
  if (settings->num_rungs == 1)
    TpCheckInput(settings->maximum == settings->minimum,
                 "ladder.maximum: the ladder's maximum is %.10g; allowed for one rung: its minimum, %.10g",
                 settings->maximum, settings->minimum);
  else
    TpCheckInput(isfinite(settings->maximum) && settings->maximum > settings->minimum,
                 "ladder.maximum: the ladder's maximum is %.10g; allowed: above its minimum, %.10g", settings->maximum,
                 settings->minimum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Equal ratios, with the ends as given to the last bit. */
static double Geometric(const TpLadderSettings *settings, PetscInt i)
{
  const PetscInt last = (PetscInt)settings->num_rungs - 1;

  if (i == 0) return settings->minimum;
  if (i == last) return settings->maximum;
  return settings->minimum * pow(settings->maximum / settings->minimum, (double)i / last);
}

static PetscErrorCode CheckTemperatures(PetscInt count, const double temperature[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < count; ++i) {
    TpCheckInput(isfinite(temperature[i]) && temperature[i] > 0,
                 "ladder.temperatures: temperature %" PetscInt_FMT " of the ladder is %g; allowed: above 0", i,
                 temperature[i]);
    TpCheckInput(i == 0 || temperature[i] > temperature[i - 1],
                 "ladder.temperatures: the temperatures must increase: number %" PetscInt_FMT " is %.10g after %.10g",
                 i, temperature[i], temperature[i - 1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLadderCreate(const TpLadderSettings *settings, double boltzmann, uint64_t seed, TpLadder *ladder)
{
  const PetscBool has_list = settings->temperatures.size > 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscErrorCode  code;
  PetscInt        count;

  PetscFunctionBeginUser;
  *ladder = NULL;
  PetscCall(CheckSettings(settings));
  count = has_list ? settings->temperatures.size : (PetscInt)settings->num_rungs;

  PetscCall(PetscNew(ladder));
  (*ladder)->num_rungs = count;
  (*ladder)->boltzmann = boltzmann;
  (*ladder)->scheme    = settings->scheme;
  (*ladder)->proposals = settings->proposals ? settings->proposals : (PetscInt64)count * count * count;
  (*ladder)->seed      = seed;
  PetscCall(PetscMalloc2(count, &(*ladder)->temperature, count, &(*ladder)->beta));
  for (PetscInt i = 0; i < count; ++i)
    (*ladder)->temperature[i] = has_list ? settings->temperatures.values[i] : Geometric(settings, i);
  code = CheckTemperatures(count, (*ladder)->temperature);
  if (code) PetscCall(TpLadderDestroy(ladder));
  PetscCall(code);
  TpLadderSetTemperatures(*ladder, (*ladder)->temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpLadderSetTemperatures(TpLadder ladder, const double temperature[])
{
  for (PetscInt i = 0; i < ladder->num_rungs; ++i) {
    ladder->temperature[i] = temperature[i];
    ladder->beta[i]        = 1 / (ladder->boltzmann * temperature[i]);
  }
}

PetscErrorCode TpLadderDestroy(TpLadder *ladder)
{
  PetscFunctionBeginUser;
  if (!*ladder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*ladder)->temperature, (*ladder)->beta));
  PetscCall(PetscFree(*ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpLadderFind(TpLadder ladder, double temperature)
{
  PetscInt nearest = 0;

  for (PetscInt i = 1; i < ladder->num_rungs; ++i)
    if (fabs(ladder->temperature[i] - temperature) < fabs(ladder->temperature[nearest] - temperature)) nearest = i;
  return fabs(ladder->temperature[nearest] - temperature) <= 1e-6 * ladder->temperature[nearest] ? nearest : -1;
}
