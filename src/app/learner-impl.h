/* What the files of the learning side share. */
#pragma once

#include "run-impl.h"

struct TpLearner_ {
  TpRun          run; /* kept, the caller's */
  TpEncoding     encoding;
  TpSchedule     schedule;
  TpTrainer      trainer;
  TpShards       shards;
  TpReceiver     receiver;
  TpRecorder     recorder;
  TpTrajectories trajectories; /* NULL: none wanted */
  TpProgress     progress;     /* on the writer */
  float         *encoded;      /* [num_encoded] of one frame */
  PetscBool      is_scaled;    /* the encoding's scaling is fixed */
  PetscBool      is_draining;  /* can't go on: what comes is thrown away */
  PetscInt64     next_round;
  double         idle; /* seconds waited for frames and states */
};

/** Put one frame into its shard, if this trainer owns that and it is to be learned from. Not collective. **/
PetscErrorCode TpLearnerKeep(TpLearner learner, const TpFrame *frame, const float features[]);

/** Publish model.h5. Collective on the trainer group. **/
PetscErrorCode TpLearnerWriteModel(TpLearner learner);
