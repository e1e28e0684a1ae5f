/* What a sampler provides. Private to diffusion. */
#pragma once

#include "flow-impl.h"

/**
  One step from `time` to an earlier one: x <- keep x + answer eps + memory x0' + older x0'' + noise z, with eps the denoiser's answer at `time`, x0' and
  x0'' the estimates of x_0 one step and two steps ago, z normal.
**/
typedef struct {
  PetscInt time;
  double   keep;
  double   answer;
  double   memory;
  double   older;
  double   noise;
  double   x0_keep; /* the estimate of x_0 is x0_keep x + x0_answer eps; where the sampler has a memory */
  double   x0_answer;
} TpSamplerStep;

typedef struct {
  PetscBool has_memory;

  /** How many steps from time `start` down to 0. **/
  PetscInt (*count)(PetscInt start, PetscInt num_steps);

  /** Fill the steps, in the order they are taken; `is_quiet` as in the settings. **/
  void (*plan)(TpSchedule schedule, PetscInt start, PetscInt count, PetscBool is_quiet, TpSamplerStep steps[]);
} TpSamplerOps;

struct TpSampler_ {
  const TpSamplerOps *ops;
  PetscInt            num_times; /* T */
  PetscInt            num_inputs;
  PetscInt            max_batch;
  PetscInt            num_steps;
  TpSamplerStep      *steps;  /* [num_steps] */
  TpNumber           *eps;    /* [max_batch, num_inputs] */
  TpNumber           *before; /* [max_batch, num_inputs] estimate of x_0 one step ago; NULL: no memory */
  TpNumber           *older;  /* [max_batch, num_inputs] two steps ago */
  TpNumber           *t;      /* [max_batch] */
  TpNumber           *z;      /* [num_inputs] */
  TpFlow              flow;   /* of ode, which has no steps of its own; NULL: another kind */
};

/**
  The time at which sampling starts from N(0, 1): the last one with abar >= 4e-5, where the linear schedule of 1000 steps ends.

  The cosine schedule goes on to abar = 2e-9. What it has beyond is noise to the eye of any data, but a step there multiplies the denoiser's error
  by sqrt(abar_previous / abar), 30 in the last one.
**/
PetscInt TpSamplerStart(TpSchedule schedule);

extern const TpSamplerOps tp_sampler_ddpm;
extern const TpSamplerOps tp_sampler_ddim;
extern const TpSamplerOps tp_sampler_dpmpp;
extern const TpSamplerOps tp_sampler_sde;
