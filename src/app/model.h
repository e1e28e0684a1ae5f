/* The trained model as a file that is complete in itself, and what generates from it. */
#pragma once

#include "app-impl.h"

#define TP_MODEL_FORMAT  "tempera model"
#define TP_MODEL_VERSION 1

/** Everything that generating needs, and where it came from. **/
typedef struct TpModel_ {
  TpNetworkSettings   network;
  TpDiffusionSettings diffusion;
  TpUnitSystem        units;
  PetscInt            num_features;
  char (*name)[TP_NAME_LENGTH]; /* [num_features] */
  char (*unit)[TP_UNIT_LENGTH]; /* [num_features] */
  TpEncoding  encoding;
  TpCondition condition;
  PetscInt    label;            /* TpLabelKind */
  PetscInt    num_temperatures; /* rungs learned from */
  double     *temperature;      /* [num_temperatures] increasing, K or reduced */
  PetscInt64  seed;
  PetscInt64  step;            /* optimiser steps done */
  char       *used_parameters; /* YAML of the run that made it; NULL in a model not read from a file */
  PetscInt    num_parameters;
  TpNumber   *parameters; /* [num_parameters] moving average of the weights */
} * TpModel;

/** Allocate the arrays for these sizes; encoding of `period` [num_features]. Not collective. **/
PetscErrorCode TpModelCreate(const TpNetworkSettings *network, PetscInt num_features, const double period[],
                             PetscInt num_temperatures, TpModel *model);
PetscErrorCode TpModelDestroy(TpModel *model);

/** Publish as `path`. Collective on `comm`; all ranks hold the same model. **/
PetscErrorCode TpModelWrite(TpModel model, MPI_Comm comm, const char *path, const char *used_parameters);

/** Read on every rank. Collective on `comm`. Errors: TP_ERR_INPUT: no model, truncated, another version, sizes that do not fit together. **/
PetscErrorCode TpModelRead(MPI_Comm comm, const char *path, TpModel *model);

/** Generates samples of one model; one per rank. **/
typedef struct TpGenerator_ *TpGenerator;

PetscErrorCode TpGeneratorCreate(TpModel model, const TpDiffusionSettings *diffusion, TpGenerator *generator);
PetscErrorCode TpGeneratorDestroy(TpGenerator *generator);

/**
  Samples [first, first + count) at `temperature`: raw features [count, num_features]. Not collective.

  A sample is a function of (model, sampler, seed, temperature, its number) alone: any split over ranks gives the same.
**/
PetscErrorCode TpGeneratorRun(TpGenerator generator, uint64_t seed, double temperature, PetscInt64 first,
                              PetscInt64 count, float raw[]);

/** What to generate into one file. **/
typedef struct {
  const char       *path;
  PetscInt          num_temperatures;
  const double     *temperature;    /* [num_temperatures] */
  const PetscInt64 *reference_rung; /* [num_temperatures] rung of run.h5 at the same temperature; NULL: do not write */
  const char       *source;         /* path of the model, to be written; NULL: do not write */
  PetscInt64        num_samples;    /* at each temperature */
  uint64_t          seed;
  TpDiffusionSettings diffusion;
  PetscBool           progress; /* lines of progress from rank 0 */
  PetscErrorCode (*visit)(void *context, PetscInt temperature, PetscInt64 count, const float raw[]);
  /* ^ sees this rank's samples, [count, features]; NULL: nobody */
  void *context; /* of visit */
} TpGenerateTask;

/**
  Generate on all ranks of `comm` into an open file: /temperature, /samples [temperatures, samples, features], /features/... Collective.

  The caller creates and publishes the file, and may add to it in between.
**/
PetscErrorCode TpGenerateInto(TpFile file, MPI_Comm comm, TpModel model, const TpGenerateTask *task);
