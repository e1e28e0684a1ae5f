/* What the files of the learning side share. */
#pragma once

#include "learning.h"

struct TpLearner_ {
  TpRun          run; /* kept, the caller's */
  TpLearning     learning;
  TpReceiver     receiver;
  TpRecorder     recorder;
  TpTrajectories trajectories; /* NULL: none wanted */
  TpProgress     progress;     /* on the writer */
  PetscBool      is_draining;  /* can't go on: what comes is thrown away */
  PetscInt64     next_round;
  double         idle; /* seconds waited for frames and states */
};

/** Put one frame into its shard, if this trainer owns that and it is to be learned from. Not collective. **/
PetscErrorCode TpLearnerKeep(TpLearner learner, const TpFrame *frame, const float features[]);
