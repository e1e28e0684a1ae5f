/**
  Train: the data-parallel optimiser step on the shards of the trainer group.

  Each shard contributes batch / num_shards rows to every step. Under `tree` each shard's gradient is formed by itself and summed over a
  fixed binary tree, so that the weights have the same bits for any number of trainers; under `allreduce` each trainer forms one
  gradient of all its rows and MPI sums: faster, the same to rounding.

  Sources: Kingma and Ba, ICLR 2015 (Adam); Loshchilov and Hutter, ICLR 2019 (AdamW).
**/
#pragma once

#include "tempera/base.h"
#include "tempera/comm.h"
#include "tempera/diffusion.h"
#include "tempera/feature.h"
#include "tempera/stream.h"

typedef enum { TP_REDUCE_TREE, TP_REDUCE_ALLREDUCE } TpReduce;
extern const char *const tp_reduce_words[]; /* "tree", "allreduce", NULL */

typedef struct {
  PetscInt64 batch; /* rows per step over all trainers; a multiple of the number of shards */
  PetscInt64 steps_per_round;
  PetscInt64
             start_round; /* first round after which steps are done; earlier frames of the run count as equilibration and are not learned from */
  double     learning_rate;
  double     weight_decay;
  double     ema_decay;
  PetscInt   reduce;   /* index into tp_reduce_words */
  TpRealList hold_out; /* temperatures whose frames are not learned from */
} TpTrainSettings;

/** Standardisation of the condition: c = (1/(k_B T) - mean) / scale. **/
typedef struct {
  double boltzmann;
  double mean;
  double scale;
} TpCondition;

/** From the temperatures of a ladder: mean and standard deviation of its betas (scale 1 for one rung). Pure. **/
TpCondition TpConditionCreate(double boltzmann, PetscInt count, const double temperature[]);

/** Standardised condition of a temperature. Pure. **/
TpNumber TpConditionOf(const TpCondition *condition, double temperature);

/** Everything the optimiser remembers; identical on all trainers. **/
typedef struct TpTrainer_ {
  TpNetwork                 network; /* ours */
  PetscInt                  num_parameters;
  TpNumber                 *parameters;      /* [num_parameters] */
  TpNumber                 *average;         /* [num_parameters] exponential moving average: what generates */
  TpNumber                 *moment1;         /* [num_parameters] Adam */
  TpNumber                 *moment2;         /* [num_parameters] */
  PetscInt64                step;            /* optimiser steps done */
  double                    loss;            /* of the last step */
  double                    compute_seconds; /* spent in gradients and updates */
  double                    reduce_seconds;  /* spent waiting in and doing the reduction */
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

  Frames are drawn with (seed, slot, step): slot s belongs to shard s / (batch / num_shards). A shard without frames contributes nothing.

  Errors: TP_ERR_STOPPED on all ranks if the loss or its gradient is not finite; everything is then as it was before the step.
**/
PetscErrorCode TpTrainerStep(TpTrainer trainer, TpShards shards);
