/**
  Thermo: what the series and samples of a run mean. Time series, histograms, comparisons of distributions.

  Sources: statistical inefficiency and equilibration, Chodera, JCTC 12 (2016) 1799; Jensen-Shannon divergence in nats.
**/
#pragma once

#include "tempera/base.h"

/**
  Statistical inefficiency g >= 1 of a stationary series x [n]: n / g samples are worth n independent ones. Not collective.

  1 + 2 sum of the normalised autocorrelation up to where pairs of neighbouring terms cease to be positive (Geyer's initial positive sequence).
  A constant series has g = 1. O(n log n) or with a cut-off; n up to 1e7.
**/
PetscErrorCode TpStatisticalInefficiency(PetscInt64 n, const double x[], double *g);

/** Mean of x [n] and its standard error sqrt(g var / n). Not collective. **/
PetscErrorCode TpSeriesMean(PetscInt64 n, const double x[], double *mean, double *error);

/** Where equilibration ends: the t0 that leaves the most uncorrelated samples; and g of the rest. Not collective. **/
PetscErrorCode TpEquilibration(PetscInt64 n, const double x[], PetscInt64 *start, double *g);

/** Counts of x [n] (stride between values) in `bins` equal bins of [low, high); values outside are counted in the end bins. counts are added to. **/
void TpHistogram(PetscInt64 n, const float x[], PetscInt64 stride, double low, double high, PetscInt bins, double counts[]);

/** The same for pairs, counts [bins, bins] row-major in (x, y). **/
void TpHistogram2D(PetscInt64 n, const float x[], const float y[], PetscInt64 stride, const double low[2], const double high[2], PetscInt bins, double counts[]);

/** Jensen-Shannon divergence, nats, of two histograms that are normalised here; 0 <= JS <= ln 2; NaN if one is empty. **/
double TpJensenShannon(PetscInt bins, const double p[], const double q[]);
