/**
  Thermo: what the series and samples of a run mean. Time series, histograms, comparisons of distributions.

  Sources: statistical inefficiency and equilibration, Geyer, Stat. Sci. 7 (1992) 473 and Chodera, JCTC 12 (2016) 1799; Jensen-Shannon divergence in nats.
**/
#pragma once

#include "tempera/base.h"

/**
  Statistical inefficiency g >= 1 of a stationary series x [n]: n / g samples are worth n independent ones. Not collective.

  1 + 2 sum of the normalised autocorrelation up to where pairs of neighbouring terms cease to be positive (Geyer's initial positive
  sequence, made monotone). Its noise is cut off at positive values, so g tends to be 1 to 3 % too large.
  Correlations longer than a hundred lags are summed on block means, so the cost is O(n). A constant series has g = 1. With correlations longer
  than about n / 20 any such estimate is too small.

  Errors: PETSC_ERR_FP if a value is not finite.
**/
PetscErrorCode TpStatisticalInefficiency(PetscInt64 n, const double x[], double *g);

/** Mean of x [n] and its standard error sqrt(g var / n); one value alone has an infinite one, equal values zero. Not collective. **/
PetscErrorCode TpSeriesMean(PetscInt64 n, const double x[], double *mean, double *error);

/** Where equilibration ends: the t0 <= 3 n / 4 that leaves the most uncorrelated samples; and g of the rest. Not collective. **/
PetscErrorCode TpEquilibration(PetscInt64 n, const double x[], PetscInt64 *start, double *g);

/** Counts of x [n] (stride between values) in `bins` equal bins of [low, high); values outside are counted in the end bins,
    NaN nowhere. counts are added to. **/
void TpHistogram(PetscInt64 n, const float x[], PetscInt64 stride, double low, double high, PetscInt bins,
                 double counts[]);

/** The same for pairs, counts [bins, bins] row-major in (x, y). **/
void TpHistogram2D(PetscInt64 n, const float x[], const float y[], PetscInt64 stride, const double low[2],
                   const double high[2], PetscInt bins, double counts[]);

/** Jensen-Shannon divergence, nats, of two histograms that are normalised here; 0 <= JS <= ln 2; NaN if one is empty. **/
double TpJensenShannon(PetscInt bins, const double p[], const double q[]);
