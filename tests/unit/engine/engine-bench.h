/* What the tests of all engines share: an engine with a state, and words of the input. */
#pragma once

#include "test.h"

#include "tempera/engine.h"

#include <string.h>

static inline PetscInt WordIndex(const char *const words[], const char *word)
{
  for (PetscInt i = 0; words[i]; ++i)
    if (!strcmp(words[i], word)) return i;
  TpTestExpectThat(0, "no word '%s'", word);
  return 0;
}

typedef struct {
  TpEngine            engine;
  const TpEngineInfo *info;
  TpState             state;
} Bench;

static inline PetscErrorCode Open(const TpEngineSettings *settings, Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(settings, 0, &bench->engine));
  PetscCall(TpEngineGetInfo(bench->engine, &bench->info));
  PetscCall(TpStateCreate(bench->info->size, &bench->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode Close(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpStateDestroy(&bench->state));
  PetscCall(TpEngineDestroy(&bench->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline double KineticTemperature(const TpEngineInfo *info, const double v[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < info->size; ++i) sum += info->mass[i / 3] * v[i] * v[i];
  return sum / (info->degrees_of_freedom * TpBoltzmann(info->units));
}
