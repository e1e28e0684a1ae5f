/* What a sampler provides. Private to diffusion. */
#pragma once

#include "tempera/diffusion.h"

/** One step from `time` to `previous`: x <- keep x + answer eps + noise z, with eps the denoiser's answer at `time`, z normal. **/
typedef struct {
  PetscInt time;
  double   keep;
  double   answer;
  double   noise;
} TpSamplerStep;

/** Samplers with a memory (DPM-Solver++) will add members here. **/
typedef struct {
  /** How many steps from time `start` down to 0. **/
  PetscInt (*count)(PetscInt start, PetscInt num_steps);

  /** Fill the steps, in the order they are taken. **/
  void (*plan)(TpSchedule schedule, PetscInt start, PetscInt count, TpSamplerStep steps[]);
} TpSamplerOps;

struct TpSampler_ {
  const TpSamplerOps *ops;
  PetscInt            num_times; /* T */
  PetscInt            num_inputs;
  PetscInt            max_batch;
  PetscInt            num_steps;
  TpSamplerStep      *steps; /* [num_steps] */
  TpNumber           *eps;   /* [max_batch, num_inputs] */
  TpNumber           *t;     /* [max_batch] */
  TpNumber           *z;     /* [num_inputs] */
};

/**
  The time at which sampling starts from N(0, 1): the last one with abar >= 4e-5, where the linear schedule of 1000 steps ends.

  The cosine schedule goes on to abar = 2e-9. What it has beyond is noise to the eye of any data, but a step there multiplies the denoiser's error
  by sqrt(abar_previous / abar), 30 in the last one.
**/
PetscInt TpSamplerStart(TpSchedule schedule);

extern const TpSamplerOps tp_sampler_ddpm;
extern const TpSamplerOps tp_sampler_ddim;
