/* Histograms of all marginals and chosen pairs of one set of samples. */
#pragma once

#include "run-impl.h"

/** What is histogrammed and where the bins lie; shared by the sets that are compared. **/
typedef struct {
  PetscInt  num_features;
  PetscInt  bins;
  PetscInt  pair_bins;
  PetscInt  num_pairs;
  PetscInt *pair; /* [num_pairs, 2] feature indices */
  double   *low;  /* [num_features] */
  double   *high; /* [num_features] */
} TpBinning;

/** Counts over one set of samples. **/
typedef struct {
  double *marginal; /* [num_features, bins] */
  double *pair;     /* [num_pairs, pair_bins, pair_bins] */
} TpHistograms;

/**
  Resolve `evaluation.pairs` (empty: the first two features) and set the bins of periodic features to their period. Not collective.

  Errors: TP_ERR_INPUT for a name that is no feature.
**/
PetscErrorCode TpBinningCreate(TpRun run, TpBinning *binning);
PetscErrorCode TpBinningDestroy(TpBinning *binning);

PetscErrorCode TpHistogramsCreate(const TpBinning *binning, TpHistograms *histograms);
PetscErrorCode TpHistogramsDestroy(TpHistograms *histograms);

/** Count rows of raw features; consecutive rows lie `stride` numbers apart. Not collective. **/
void TpHistogramsAdd(const TpBinning *binning, PetscInt64 count, const float raw[], PetscInt64 stride,
                     TpHistograms *histograms);

/** Sum over the ranks of `comm`. Collective. **/
PetscErrorCode TpHistogramsSum(const TpBinning *binning, MPI_Comm comm, TpHistograms *histograms);
