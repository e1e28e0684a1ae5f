/* The trained model as a file that is complete in itself, and what generates from it. */
#pragma once

#include "app-impl.h"

#define TP_MODEL_FORMAT  "tempera model"
#define TP_MODEL_VERSION 2

/** What decides on the arrays of a model. **/
typedef struct {
  TpNetworkSettings network;
  TpCondition       condition;
  PetscInt          angles; /* TpAngles */
  PetscInt          num_features;
  const double     *period; /* [num_features] */
  PetscInt          num_temperatures;
  PetscInt          num_averages;
} TpModelSizes;

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
  char (*further)[TP_NAME_LENGTH]; /* [condition.num_further] names of further conditions */
  PetscInt   label;                /* TpLabelKind */
  double     label_degrees;        /* of freedom of a kinetic label; 0: another label, or not known */
  PetscInt   num_temperatures;     /* rungs learned from */
  double    *temperature;          /* [num_temperatures] increasing, K or reduced */
  double    *share;                /* [num_temperatures] frames learned from, relative to each other */
  PetscInt64 seed;
  PetscInt64 step;            /* optimiser steps done */
  double     validation_loss; /* NaN: not known */
  char      *used_parameters; /* YAML of the run that made it; NULL in a model not read from a file */
  PetscInt   num_parameters;
  PetscInt   num_averages;
  double    *decay;      /* [num_averages] */
  TpNumber  *averages;   /* [num_averages, num_parameters] moving averages of the weights */
  TpNumber  *parameters; /* [num_parameters] the one of them that generates */
} * TpModel;

/** Allocate the arrays for these sizes. Not collective. **/
PetscErrorCode TpModelCreate(const TpModelSizes *sizes, TpModel *model);
PetscErrorCode TpModelDestroy(TpModel *model);

/** The network of a model: its inputs are those of the lens, whatever diffuses. Free with TpNetworkDestroy(). Not collective. **/
PetscErrorCode TpModelNetwork(TpModel model, TpNetwork *network);

/** Generate by the average of this decay from now on. Not collective. Errors: TP_ERR_INPUT: there is none. **/
PetscErrorCode TpModelChooseAverage(TpModel model, double decay);

/** Publish as `path`. Collective on `comm`; all ranks hold the same model. **/
PetscErrorCode TpModelWrite(TpModel model, MPI_Comm comm, const char *path, const char *used_parameters);

/** Read on every rank. Collective on `comm`. Errors: TP_ERR_INPUT: no model, truncated, another version, sizes that do not fit together. **/
PetscErrorCode TpModelRead(MPI_Comm comm, const char *path, TpModel *model);

/* ---------------------------------------------------------------------------------------------------------- denoiser */

/** A model as a denoiser of the states that diffuse; one per rank. It knows the temperature, whatever its role. **/
typedef struct TpModelDenoiser_ *TpModelDenoiser;

/** `model` and `schedule` are kept, the caller's; the schedule is told what the model predicts. With derivatives if `both_ways`. Not collective. **/
PetscErrorCode TpModelDenoiserCreate(TpModel model, TpSchedule schedule, PetscInt max_batch, PetscBool both_ways,
                                     TpModelDenoiser *denoiser);
PetscErrorCode TpModelDenoiserDestroy(TpModelDenoiser *denoiser);

/** From here on rows are samples first_sample, first_sample + 1, ... at this temperature. Not collective. **/
void TpModelDenoiserSet(TpModelDenoiser denoiser, double temperature, const double further[], uint64_t seed,
                        uint32_t first_sample);

/** What samplers take; its conditions [max_batch, C]. Ours. **/
const TpDenoiser *TpModelDenoiserGet(TpModelDenoiser denoiser, const TpNumber **conditions);

/** Floating-point operations of a prediction, per row. **/
double TpModelDenoiserOperations(TpModelDenoiser denoiser);

/** Denoised states [count, num_states] -> raw features [count, num_features]; the states are overwritten. Not collective. **/
void TpModelDenoiserDecode(TpModelDenoiser denoiser, PetscInt count, TpNumber x[], float raw[]);

/** Of a joint model made both ways: the temperature diffuses as the other states do and is not replaced; with other models nothing. Not collective. **/
void TpModelDenoiserDiffuseTemperature(TpModelDenoiser denoiser);

/** Raw features [num_features] -> states as the denoiser takes them [num_states], at the temperature that is set. Not collective. **/
void TpModelDenoiserEncode(TpModelDenoiser denoiser, const float raw[], TpNumber x[]);

/* ---------------------------------------------------------------------------------------------------------- asymmetry */

enum { TP_ASYMMETRY_TIMES = 6 };

/** How far a model's score is from a gradient at one time: ||J - J^T|| / ||J|| of its Jacobian, with the standard error. **/
typedef struct {
  double noise; /* sqrt(1 - abar) of the time */
  double ratio, error;
} TpAsymmetry;

/** Configurations of one rank, [count] each. **/
typedef struct {
  PetscInt64        count;
  const PetscInt64 *index;       /* of each among those of all ranks, 0 .. total - 1 */
  const double     *temperature; /* K or reduced */
  const float      *raw;         /* [count, num_features] */
} TpConfigurations;

/**
  Measure a model's asymmetry where it has learned, at configurations with noise on them, from little noise to hardly anything else. Of a joint model the
  temperature is one of the states. The same bits for any split over ranks. Collective on `comm`.

  @param[in]  total    configurations of all ranks, 2 at least
  @param[in]  further  [condition.num_further] of all configurations
  @param[out] times    [TP_ASYMMETRY_TIMES]
**/
PetscErrorCode TpModelAsymmetry(TpModel model, MPI_Comm comm, uint64_t seed, PetscInt64 total,
                                const TpConfigurations *configurations, const double further[], TpAsymmetry times[]);

/* ----------------------------------------------------------------------------------------------------------- guidance */

/** The score at a temperature from those at two others: (1 + w) s(T1) - w s(T2). **/
typedef struct {
  PetscBool is_on;
  PetscBool
         in_temperature; /* w = (T1 - T)/(T2 - T1); else by beta = 1/T, w = (beta - beta1)/(beta1 - beta2), exact where there is no noise */
  double temperature[2];
} TpGuidance;

/** Of "T1,T2" with ",beta" or ",temperature" behind. Not collective. Errors: TP_ERR_INPUT: else, or a model whose temperature is not a condition. **/
PetscErrorCode TpGuidanceParse(const char *text, TpModel model, TpGuidance *guidance);

/** A model as a denoiser, with guidance or without; one per rank. **/
typedef struct TpGuided_ *TpGuided;

/** As TpModelDenoiserCreate(), and the functions after it; `guidance` is kept, the caller's. **/
PetscErrorCode TpGuidedCreate(TpModel model, TpSchedule schedule, const TpGuidance *guidance, PetscInt max_batch,
                              PetscBool both_ways, TpGuided *guided);
PetscErrorCode TpGuidedDestroy(TpGuided *guided);
void TpGuidedSet(TpGuided guided, double temperature, const double further[], uint64_t seed, uint32_t first_sample);
const TpDenoiser *TpGuidedGet(TpGuided guided, const TpNumber **conditions);

/** What knows the states: of the first temperature. Ours. **/
TpModelDenoiser TpGuidedStates(TpGuided guided);

/* ----------------------------------------------------------------------------------------------------------- density */

/** How log densities are computed, and of what. **/
typedef struct {
  PetscBool is_on;
  PetscBool of_encoded; /* of the scaled, encoded features; else of the features in their units */
  PetscInt  num_probes; /* 0: exact trace */
  double    tolerance;
} TpDensitySettings;

/** Errors: TP_ERR_INPUT: the model has no such density. Not collective. **/
PetscErrorCode TpDensityCheck(const TpDensitySettings *settings, TpModel model);

/** Log densities under one model; one per rank. **/
typedef struct TpDensity_ *TpDensity;

/** All are kept, the caller's. Not collective. **/
PetscErrorCode TpDensityCreate(TpModel model, const TpDiffusionSettings *diffusion, const TpGuidance *guidance,
                               const TpDensitySettings *settings, TpDensity *density);
PetscErrorCode TpDensityDestroy(TpDensity *density);

/**
  Log densities of the samples [first, first + count), raw [count, num_features], at a temperature: nats, and their standard errors by Hutchinson's
  estimate (0 with the exact trace). Not collective. A function of the sample and its number alone.
**/
PetscErrorCode TpDensityRun(TpDensity density, uint64_t seed, double temperature, const double further[],
                            PetscInt64 first, PetscInt64 count, const float raw[], double log_density[],
                            double error[]);

/* ---------------------------------------------------------------------------------------------------------- generator */

/** A label, and the rungs learned from. **/
typedef struct {
  PetscInt      label;   /* TpLabelKind */
  double        degrees; /* of freedom of a kinetic label; 0: not known */
  double        jitter;
  PetscInt      count;
  const double *temperature; /* [count] */
  const double *share;       /* [count] frames, relative to each other */
} TpMixture;

/** Say which rungs these temperatures mean under the label, and warn where that is broad. Nothing for the label `bath`. On one rank. **/
PetscErrorCode TpMixtureTell(const TpMixture *mixture, PetscInt count, const double temperature[]);

/** Each temperature has its own sequence of random numbers, so that what is done at two of them is independent. Pure. **/
uint64_t TpSeedAt(uint64_t seed, TpRandomPurpose purpose, double temperature);

/** Generates samples of one model; one per rank. **/
typedef struct TpGenerator_ *TpGenerator;

/** `guidance` is kept, the caller's. Not collective. **/
PetscErrorCode TpGeneratorCreate(TpModel model, const TpDiffusionSettings *diffusion, const TpGuidance *guidance,
                                 TpGenerator *generator);
PetscErrorCode TpGeneratorDestroy(TpGenerator *generator);

/**
  Samples [first, first + count) at `temperature`, with the further conditions [condition.num_further]: raw features [count, num_features]. Not
  collective.

  A sample is a function of (model, sampler, seed, temperature, its number) alone: any split over ranks gives the same.
**/
PetscErrorCode TpGeneratorRun(TpGenerator generator, uint64_t seed, double temperature, const double further[],
                              PetscInt64 first, PetscInt64 count, float raw[]);

#define TP_SAMPLES_FORMAT  "tempera samples"
#define TP_SAMPLES_VERSION 1

/** Samples that are not generated but given, on all ranks. **/
typedef struct {
  const char *path;             /* kept, the caller's; NULL: none are given */
  PetscInt    num_temperatures; /* 1 where they are not told */
  double     *temperature;      /* [num_temperatures]; NULL: not told */
  PetscInt64  num_samples;      /* at each */
  float      *samples;          /* [num_temperatures, num_samples, features] */
} TpGiven;

/**
  Read an array [samples, features] (NAME.npy), which tells no temperature, or a file of tempera generate. Collective on `comm`. Free with TpGivenDestroy().

  @param[in] owner         who has num_features features, for the line of an error: "the model"

  Errors: TP_ERR_INPUT: no such file, another number of features, a number that is none.
**/
PetscErrorCode TpGivenRead(MPI_Comm comm, const char *path, const char *owner, PetscInt num_features, TpGiven *given);
PetscErrorCode TpGivenDestroy(TpGiven *given);

/** Steps of a sample; of ode, which chooses by itself, what another sampler would take. **/
PetscInt64 TpDiffusionSteps(const TpDiffusionSettings *diffusion);

/** What to generate into one file. **/
typedef struct {
  const char       *path;
  PetscInt          num_temperatures;
  const double     *temperature;    /* [num_temperatures] */
  const double     *further;        /* [condition.num_further] of all samples */
  const PetscInt64 *reference_rung; /* [num_temperatures] rung of run.h5 at the same temperature; NULL: do not write */
  const char       *source;         /* path of the model, to be written; NULL: do not write */
  PetscInt64        num_samples;    /* at each temperature */
  uint64_t          seed;
  TpDiffusionSettings diffusion;
  TpGuidance          guidance;
  TpDensitySettings   density;
  const float
      *given; /* [num_samples, features] what the densities are of, at every temperature; NULL: what is generated */
  PetscBool progress; /* lines of progress from rank 0 */
  PetscErrorCode (*visit)(void *context, PetscInt temperature, PetscInt64 count, const float raw[]);
  /* ^ sees this rank's samples, [count, features]; NULL: nobody */
  void *context; /* of visit */
} TpGenerateTask;

/**
  Generate on all ranks of `comm` into an open file: /temperature, /samples [temperatures, samples, features], /features/... Collective.

  The caller creates and publishes the file, and may add to it in between.
**/
PetscErrorCode TpGenerateInto(TpFile file, MPI_Comm comm, TpModel model, const TpGenerateTask *task);
