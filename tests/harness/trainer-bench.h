/* A trainer with all it needs, for the tests and the measurement of training. */
#pragma once

#include "tempera/train.h"

typedef struct {
  TpEncoding encoding;
  TpSchedule schedule;
  TpTrainer  trainer;
  TpShards   shards;
} Bench;

static inline PetscErrorCode BenchDestroy(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpShardsDestroy(&bench->shards));
  PetscCall(TpTrainerDestroy(&bench->trainer));
  PetscCall(TpScheduleDestroy(&bench->schedule));
  PetscCall(TpEncodingDestroy(&bench->encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}
