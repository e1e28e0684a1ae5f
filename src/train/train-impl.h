/* What the files of this module share. */
#pragma once

#include "tempera/train.h"

/* After the gradient in every summed vector: the loss summed over rows, and the number of rows. */
enum { TP_EXTRA_LOSS, TP_EXTRA_ROWS, TP_NUM_EXTRA };

/* Buffers of a step, made once. */
struct TpTrainerBuffers_ {
  TpTrainSettings settings;
  TpSchedule      schedule; /* kept, the caller's */
  TpEncoding      encoding; /* kept, the caller's */
  TpCondition     condition;
  uint64_t        seed;
  MPI_Comm        comm; /* kept, the caller's */
  int             num_shards;
  PetscInt        rows_per_shard;
  PetscInt        max_rows;       /* of all shards owned here */
  PetscInt        num_states;     /* S, what diffuses */
  PetscInt        num_conditions; /* C */
  TpLens          lens;
  PetscBool       is_plain; /* the lens changes nothing: inputs are x, y is the answer */
  TpWorkspace     workspace;
  TpTree          tree;
  TpNumber       *x0;      /* [max_rows, S] */
  TpNumber       *x;       /* [max_rows, S] */
  TpNumber       *eps;     /* [max_rows, S] */
  TpNumber       *answer;  /* [max_rows, S] */
  TpNumber       *danswer; /* [max_rows, S] */
  TpNumber       *inputs;  /* [max_rows, D] of the network */
  TpNumber       *y;       /* [max_rows, D] */
  TpNumber       *dy;      /* [max_rows, D] */
  TpNumber       *t;       /* [max_rows] */
  TpNumber       *c;       /* [max_rows, C] */
  TpNumber       *scale;   /* [max_rows] size of the noise; NULL: 1 */
  TpNumber       *parts;   /* [owned shards or 1, P + TP_NUM_EXTRA] */
  TpNumber       *total;   /* [P + TP_NUM_EXTRA] */
  double         *sums;    /* [num_shards, 2] of a validation */
};

/** Put a frame with its label into row `row` of the buffers, scaled; its atoms are turned as (slot, step) says. Not collective. **/
void TpTrainerLoadRow(TpTrainer trainer, const float frame[], double label, uint64_t step, uint32_t slot, PetscInt row);

/**
  Noise the loaded rows [first_row, first_row + rows), slots first_slot, first_slot + 1, ... of `step`. Not collective.
**/
PetscErrorCode TpTrainerNoiseRows(TpTrainer trainer, uint64_t step, uint32_t first_slot, PetscInt first_row,
                                  PetscInt rows);

/** Denoise the first `rows` rows with these weights; returns the sum of their losses, with its gradient in danswer. Not collective. **/
PetscErrorCode TpTrainerPredictRows(TpTrainer trainer, const TpNumber parameters[], PetscInt rows, double *loss);

/**
  One AdamW update of trainer->parameters and their moving average, and trainer->step + 1. Not collective.

  @param[in] gradient  [num_parameters] summed over rows; divided by `rows` here
**/
void TpAdamUpdate(TpTrainer trainer, const TpNumber gradient[], double rows);

/** Whether every number of a summed gradient, and its square, is finite. Pure. **/
PetscBool TpGradientIsFinite(PetscInt n, const TpNumber gradient[]);
