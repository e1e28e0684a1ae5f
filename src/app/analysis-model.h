/* The cross-check of a model: what its files share. */
#pragma once

#include "analysis.h"

/* The run's samples as the cross-check takes them, every so many rounds, and the model's beside them. */
typedef struct {
  const TpSamples *samples;
  TpAnalysis      *analysis;
  TpModelAnalysis *result;
  PetscInt64       stride;         /* rounds that count, between those that are used */
  PetscInt64       skip;           /* rounds of this rank before its first one that is used */
  PetscInt64       count;          /* used rounds of this rank */
  double          *energy;         /* [rungs, count] */
  float           *feature;        /* [rungs, count, features] */
  int32_t         *bin;            /* [histograms, rungs, count] */
  double          *centre, *width; /* [features] */
  TpMbar           mbar;           /* of the used rounds, solved; its bootstrap draws blocks of rounds */
  PetscInt64       first, share;   /* of the model's samples, this rank's */
  float           *model;          /* [temperatures, share, features] */
  int32_t         *model_bin;      /* [temperatures, histograms, share] */
  PetscInt         num_mixed;      /* rungs that the model has learned from */
  double          *mixed;          /* [num_mixed] their temperatures; NULL: the label is the temperature */
  double          *mixture;        /* [temperatures, num_mixed] their shares */
  TpComparison    *comparison;     /* [checks] of the features */
} TpModelWork;

/* What is said of a model at a temperature. Pure. */
TpVerdict TpModelVerdict(const TpModelWork *work, TpReference reference, PetscInt temperature,
                         const TpCrossResult *result);

/* Energies of the model's samples: work->result->energies. Collective. */
PetscErrorCode TpAnalyseModelEnergies(const TpModelWork *work, const TpSettings *settings);
