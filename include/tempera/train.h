/**
  Train: the data-parallel optimiser step on the shards of the trainer group.

  Each shard contributes batch / num_shards rows to every step. Under `tree` each shard's gradient is formed by itself and summed over a
  fixed binary tree, so that the weights have the same bits for any number of trainers; under `allreduce` each trainer forms one
  gradient of all its rows and MPI sums: faster, the same to rounding.

  Sources: Kingma and Ba, ICLR 2015 (Adam); Loshchilov and Hutter, ICLR 2019 (AdamW); Loshchilov and Hutter, ICLR 2017 (cosine rate).
**/
#pragma once

#include "tempera/base.h"
#include "tempera/comm.h"
#include "tempera/diffusion.h"
#include "tempera/feature.h"
#include "tempera/stream.h"
#include "tempera/ti.h"

typedef enum { TP_REDUCE_TREE, TP_REDUCE_ALLREDUCE } TpReduce;
extern const char *const tp_reduce_words[]; /* "tree", "allreduce", NULL */

typedef enum { TP_RATE_CONSTANT, TP_RATE_COSINE } TpRateSchedule;
extern const char *const tp_rate_words[]; /* "constant", "cosine", NULL */

typedef struct {
  PetscInt64 batch; /* rows per step over all trainers; a multiple of the number of shards */
  PetscInt64 steps_per_round;
  PetscInt64
             start_round; /* first round after which steps are done; earlier frames of the run count as equilibration and are not learned from */
  double     learning_rate;
  PetscInt   rate_schedule; /* TpRateSchedule */
  PetscInt64 warmup_steps;  /* the rate rises linearly over so many steps */
  PetscInt64 decay_steps;   /* cosine: the step at which final_rate is reached */
  double     final_rate;    /* cosine: share of learning_rate that is left then */
  double     clip_norm;     /* largest norm of the gradient; 0: any */
  double     weight_decay;
  double     ema_decay;  /* of the average that generates */
  TpRealList ema_others; /* decays of further averages */
  PetscInt   reduce;     /* index into tp_reduce_words */
  TpRealList hold_out;   /* temperatures whose frames are not learned from */
} TpTrainSettings;

/** Learning rate of the update that makes step `step` + 1. Pure. **/
double TpLearningRate(const TpTrainSettings *settings, PetscInt64 step);

#define TP_MAX_FURTHER 8

typedef enum {
  TP_ROLE_CONDITIONAL, /* the network is given it */
  TP_ROLE_JOINT,       /* it is one more coordinate, with noise like the others */
  TP_ROLE_PRIOR,       /* the network is given it, and the noise has the variance T / T_ref, 1 / (k_B T_ref) = mean */
} TpRole;
extern const char *const tp_role_words[]; /* "conditional", "joint", "prior", NULL */

/** Standardisation of the conditions: of the temperature c = (1/(k_B T) - mean) / scale, of further ones (value - mean) / scale. **/
typedef struct {
  double   boltzmann;
  double   mean;
  double   scale;
  PetscInt role;        /* TpRole of the temperature */
  double   jitter;      /* standard deviation of what is added to a label each time it is drawn */
  PetscInt num_further; /* conditions beside the temperature */
  double   further_mean[TP_MAX_FURTHER];
  double   further_scale[TP_MAX_FURTHER];
} TpCondition;

/** From the temperatures of a ladder: mean and standard deviation of its betas (scale 1 for one rung). Pure. **/
TpCondition TpConditionCreate(double boltzmann, PetscInt count, const double temperature[]);

/** Standardised condition of a temperature. Pure. **/
TpNumber TpConditionOf(const TpCondition *condition, double temperature);

/** Standardised further condition. Pure. **/
TpNumber TpConditionFurther(const TpCondition *condition, PetscInt i, double value);

/** Conditions that the network is given. Pure. **/
PetscInt TpConditionCount(const TpCondition *condition);

/** Size of the noise at a temperature: 1, but sqrt(T / T_ref) with TP_ROLE_PRIOR. Pure. **/
double TpConditionNoise(const TpCondition *condition, double temperature);

/** The lens of a model with these features: the temperature is the last state with TP_ROLE_JOINT. Free with TpLensDestroy(). Not collective. **/
PetscErrorCode TpConditionLens(const TpCondition *condition, TpEncoding encoding, TpSchedule schedule, TpLens *lens);

/** Everything the optimiser remembers; identical on all trainers. **/
typedef struct TpTrainer_ {
  TpNetwork network; /* ours */
  PetscInt  num_parameters;
  PetscInt  num_averages;
  TpNumber *parameters; /* [num_parameters] */
  TpNumber
      *average; /* [num_averages, num_parameters] exponential moving averages: of ema_decay first, which generates */
  TpNumber                 *moment1;         /* [num_parameters] Adam */
  TpNumber                 *moment2;         /* [num_parameters] */
  PetscInt64                step;            /* optimiser steps done */
  double                    loss;            /* of the last step */
  double                    norm;            /* of the last step's gradient, before clipping */
  double                    compute_seconds; /* spent in gradients and updates */
  double                    reduce_seconds;  /* spent in the reduction: adding, sending, waiting */
  struct TpTrainerBuffers_ *buffers;
} * TpTrainer;

/**
  Collective on `comm`, the trainer group. Parameters are initialised from the seed.

  Errors: TP_ERR_INPUT if batch is not a multiple of the number of shards.
**/
PetscErrorCode TpTrainerCreate(const TpTrainSettings *settings, const TpNetworkSettings *network, TpSchedule schedule,
                               TpEncoding encoding, TpCondition condition, int num_shards, uint64_t seed, MPI_Comm comm,
                               TpTrainer *trainer);
PetscErrorCode TpTrainerDestroy(TpTrainer *trainer);

/** Another condition, before the first step. Not collective: all trainers set the same. **/
void TpTrainerSetCondition(TpTrainer trainer, TpCondition condition);

/**
  One optimiser step on the frames in `shards`. Collective on the trainer group. No allocation.

  A frame is its encoded features, and behind them the values of the further conditions. Frames are drawn with (seed, slot, step): slot s belongs to shard s / (batch / num_shards). A shard without frames contributes nothing.

  Errors: TP_ERR_STOPPED on all ranks if the loss or its gradient is not finite; everything is then as it was before the step.
**/
PetscErrorCode TpTrainerStep(TpTrainer trainer, TpShards shards);

/**
  Mean denoising loss of the averaged weights over the first `rows_per_shard` frames (or as many as there are) of each shard in `shards`, with
  times and noise that are always the same. NaN without frames. The same bits for any number of trainers. Collective on the trainer group.
**/
PetscErrorCode TpTrainerValidate(TpTrainer trainer, TpShards shards, PetscInt64 rows_per_shard, double *loss);

/* ---------------------------------------------------------------------------------------------------------- energies */

/** What AdamW remembers of a block of weights. **/
typedef struct {
  PetscInt   num_parameters;
  TpNumber  *parameters; /* [num_parameters] */
  TpNumber  *average;    /* [num_parameters] exponential moving average */
  TpNumber  *moment1;    /* [num_parameters] */
  TpNumber  *moment2;    /* [num_parameters] */
  PetscInt64 step;       /* updates done */
} TpAdam;

/** One update by `factor` times a gradient; of the settings, weight_decay and ema_decay count. Not collective. **/
void TpAdamStep(const TpTrainSettings *settings, double learning_rate, TpAdam *adam, const TpNumber gradient[],
                double factor);

/** The configurations of one system that an energy is learned from, and its path with the trainer's network. **/
typedef struct {
  TpPath       path;
  PetscInt64   count;
  const float *y; /* [count, TpPathSize()] */
} TpEnergyData;

/** Learns an energy along paths; identical on all trainers. **/
typedef struct TpEnergyTrainer_ {
  TpNetwork                       network; /* ours */
  TpWorkspace                     workspace;
  TpAdam                          adam;
  double                          loss; /* of the last step, per row */
  struct TpEnergyTrainerBuffers_ *buffers;
} * TpEnergyTrainer;

/**
  Not collective but for what TpTreeCreate() is, on `comm`, the trainer group; MPI_COMM_NULL: no steps will be done here, only the network is wanted.

  @param[in] settings  batch, a multiple of num_shards; learning_rate falls to nothing over num_steps, as half a cosine; weight_decay, ema_decay
  @param[in] max_rows  of a call to the network: rows, or particles of a fluid

  Errors: TP_ERR_INPUT for a batch that does not fit the shards, and as TpEnergyCreate().
**/
PetscErrorCode TpEnergyTrainerCreate(const TpTrainSettings *settings, PetscInt64 num_steps,
                                     const TpEnergySettings *energy, PetscInt num_inputs, PetscInt num_conditions,
                                     PetscInt max_rows, PetscInt max_size, int num_shards, uint64_t seed, MPI_Comm comm,
                                     TpEnergyTrainer *trainer);
PetscErrorCode TpEnergyTrainerDestroy(TpEnergyTrainer *trainer);

/**
  One optimiser step. Collective on the trainer group. Shard s of S learns rows [batch s / S, batch (s + 1) / S), which are dealt out over the systems;
  which configuration a row is, its time and its noise are functions of (seed, row, step). The sum is over a fixed tree: the same bits for any number
  of trainers.

  Errors: TP_ERR_STOPPED on all ranks if the loss or its gradient is not finite; nothing is changed then.
**/
PetscErrorCode TpEnergyTrainerStep(TpEnergyTrainer trainer, PetscInt num_systems, const TpEnergyData data[]);
