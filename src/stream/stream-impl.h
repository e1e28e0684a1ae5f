/* What sender and receiver must agree on beside the frame. */
#pragma once

#include "tempera/stream.h"

/** Trainer to replica, each round: all trainers have finished it; stop: they can't go on. **/
typedef struct {
  PetscInt64 round;
  PetscInt64 stop;
  PetscInt64 end_round;
} TpCredit;
