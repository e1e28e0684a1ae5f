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
  PetscInt        max_rows; /* of all shards owned here */
  TpWorkspace     workspace;
  TpTree          tree;
  TpNumber       *x0;    /* [max_rows, D] */
  TpNumber       *x;     /* [max_rows, D] */
  TpNumber       *eps;   /* [max_rows, D] */
  TpNumber       *y;     /* [max_rows, D] */
  TpNumber       *dy;    /* [max_rows, D] */
  TpNumber       *t;     /* [max_rows] */
  TpNumber       *c;     /* [max_rows] */
  TpNumber       *parts; /* [owned shards or 1, P + TP_NUM_EXTRA] */
  TpNumber       *total; /* [P + TP_NUM_EXTRA] */
};

/**
  One AdamW update of trainer->parameters and their moving average, and trainer->step + 1. Not collective.

  @param[in] gradient  [num_parameters] summed over rows; divided by `rows` here
**/
void TpAdamUpdate(TpTrainer trainer, const TpNumber gradient[], double rows);
