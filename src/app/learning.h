/* What learns, the same in `tempera run` and `tempera train`: frames in shards, the trainer, the models it leaves. */
#pragma once

#include "run-impl.h"

typedef struct TpLearning_ {
  TpRun       run; /* kept, the caller's */
  TpCondition condition;
  TpEncoding  encoding;
  TpSchedule  schedule;
  TpTrainer   trainer;
  TpShards    shards;          /* frames that are learned from */
  TpShards    validation;      /* frames set aside, NULL: none are */
  float      *frame;           /* one frame: encoded features, further conditions */
  PetscBool   is_scaled;       /* the encoding's scaling is fixed */
  double      validation_loss; /* of the last validation; NaN: none yet */
  double      best_loss;       /* lowest of them */
  PetscInt64  best_step;       /* optimiser steps done then */
  TpNumber   *best;            /* [averages, parameters] of the trainer then; NULL without validation */
} * TpLearning;

/** Collective on the trainer group. **/
PetscErrorCode TpLearningCreate(TpRun run, TpLearning *learning);
PetscErrorCode TpLearningDestroy(TpLearning *learning);

/** Take the condition from the ladder anew, whose temperatures have changed. Not collective; the same on all trainers. **/
void TpLearningSetCondition(TpLearning learning);

/**
  Put one frame into its shard, which this trainer must own; `further` [condition.num_further] of the frame. Not collective.

  @param[in] number  of the frame within its sequence: its round, or its row in a file
**/
PetscErrorCode TpLearningKeep(TpLearning learning, PetscInt rung, PetscInt64 round, PetscInt64 number, double label,
                              const float features[], const float further[]);

/** Fix the scaling of the features from all frames so far; nothing without frames. Collective on the trainer group. **/
PetscErrorCode TpLearningFixScaling(TpLearning learning, double *idle);

/** One optimiser step, and a validation when one is due. Collective on the trainer group. Errors: as TpTrainerStep(). **/
PetscErrorCode TpLearningStep(TpLearning learning);

/** Publish model.h5, the last weights, and model-best.h5, those of the best validation. Collective on the trainer group. **/
PetscErrorCode TpLearningWriteModels(TpLearning learning);

/** All of it but the frames, into a checkpoint and back. Collective on the trainer group. **/
PetscErrorCode TpLearningWrite(TpLearning learning, TpFile file);
PetscErrorCode TpLearningRead(TpLearning learning, TpFile file);
