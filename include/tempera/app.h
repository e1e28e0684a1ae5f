/**
  App: the program. The verbs run, generate and info, each in a file of its own, and what belongs to a run as a whole: settings, checkpoints, stopping,
  progress, the model file.

  `tempera run` in three loops' worth of reading: src/app/verb-run.c (the order of things), src/app/replica.c (the simulation side) and
  src/app/learner-loop.c (the learning side).
**/
#pragma once

#include "tempera/base.h"

/** The program from its arguments to its exit status: 0 done or stopped gently, 1 a run that had to stop, 2 a mistake in the input. **/
int TpApplication(int argc, char **argv);
