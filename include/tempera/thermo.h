/**
  Thermo: what the series and samples of a run mean. Time series, histograms, comparisons of distributions, and MBAR: one estimate from the
  samples of all rungs together, at any temperature.

  Sources: statistical inefficiency and equilibration, Geyer, Stat. Sci. 7 (1992) 473 and Chodera, JCTC 12 (2016) 1799; Jensen-Shannon divergence in nats;
  MBAR, Shirts & Chodera, J. Chem. Phys. 129 (2008) 124105.
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

/**
  Which share of the variance of a mean over n samples a bootstrap over blocks of `length` finds, whose correlation falls exponentially with
  statistical inefficiency g: correlation across the ends of blocks is lost, and blocks scatter around the mean of the same data. Pure; above 0 for
  length <= n / 2.
**/
double TpBlockShare(PetscInt64 n, PetscInt64 length, double g);

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

/* -------------------------------------------------------------------------------------------------------------- MBAR */

/**
  The multistate Bennett acceptance ratio over K states (rungs), from samples that lie on all ranks of a communicator.

    TpMbarCreateLadder(...)      or TpMbarCreateTable() for states that differ by more than their temperature
    TpMbarSolve(...)             f_k by Newton's method, their covariance, overlap, warnings
    TpMbarAtTemperatures(...)    F, U, C_v, S with errors at any temperatures, simulated or not
    TpMbarWeights(...), TpMbarExpectation(...)   weight of each sample at a temperature; mean of anything with its error
    TpMbarBootstrap(...)         errors of anything, from resampled data
    TpMbarDestroy(...)

  Reduced energies are u_k(x) = U(x) / (k_B T_k) on a ladder; f_k = -ln(Z_k / Z_0), f_0 = 0. On a ladder a sample is one number, its
  energy: the matrix u_kn is made in blocks and never stored.

  Correlated samples: a sample of rung k, whose statistical inefficiency is g_k, counts 1 / g_k. The objective is the sum over samples of
  (1 / g_k) ln sum_j (N_j / g_j) exp(f_j - u_jn), minus sum_k (N_k / g_k) f_k: what subsampling each rung every g_k gives, on average over
  the choices, without throwing samples away. Errors use the counts N_k / g_k. With equal g_k the f_k do not depend on g at all.

  Samples of one rung may lie on several ranks; their order, which only the bootstrap's blocks use, is that of the ranks.
  All results are the same on all ranks, and for any distribution over ranks up to rounding.
**/
typedef struct TpMbar_ *TpMbar;

/** What a user should know about a solution; or-ed. **/
typedef enum {
  TP_MBAR_EMPTY_STATE   = 1,  /* a rung without samples: its f comes from the others' samples alone */
  TP_MBAR_FEW_SAMPLES   = 2,  /* a rung with fewer than 10 uncorrelated samples: its error bar is a guess */
  TP_MBAR_POOR_OVERLAP  = 4,  /* neighbours overlap by less than TP_MBAR_LEAST_OVERLAP: errors may be underestimated */
  TP_MBAR_IDENTICAL     = 8,  /* two rungs have the same reduced energies (the same temperature) */
  TP_MBAR_EXTRAPOLATION = 16, /* a rung stands on fewer than 50 effective samples of all rungs together */
  TP_MBAR_NOT_CONVERGED = 32, /* the gradient is above 1e-10 per sample, or weights do not sum to one within 1e-6 */
} TpMbarWarning;

#define TP_MBAR_LEAST_OVERLAP 0.03

/** A solution. The arrays belong to the TpMbar. **/
typedef struct {
  PetscInt      num_states; /* K */
  const double *f;          /* [K] -ln(Z_k / Z_0) */
  const double *error;      /* [K] standard error of f_k = f_k - f_0 */
  const double *covariance; /* [K, K] of f_k - f_0 */
  const double *count;      /* [K] samples, all ranks, before division by g */
  const double *effective;  /* [K] effective samples (Kish) that each state's averages stand on */
  const double *
      overlap; /* [K, K] O_ij = N_j sum_n W_ni W_nj: the chance that a sample of i could have come from j; rows sum to 1 */
  double second_eigenvalue; /* of the overlap matrix: 1 would be two separate sets of rungs; 0 if K is 1 */
  double
      least_overlap; /* smallest TpMbarPairOverlap() of neighbours among rungs with samples; 1 if there is one alone */
  PetscInt least_pair[2]; /* those neighbours */
  double   gradient;      /* largest |sum_n w_n N_k W_nk - N_k| / N at the solution */
  double   weight_error;  /* largest |sum_n w_n W_nk - 1| over rungs with samples */
  PetscInt evaluations;   /* passes over the samples for objective, gradient and Hessian */
  unsigned warnings;      /* TpMbarWarning */
} TpMbarResult;

/** Overlap of two states as if they were alone, the larger of O_ij / (O_ii + O_ij) and O_ji / (O_jj + O_ji): 1/2 if they are the same, O_ij where others are far.
    In a dense ladder O_ij itself is small, as its rows are shared among many. Pure. **/
double TpMbarPairOverlap(const TpMbarResult *result, PetscInt i, PetscInt j);

/**
  States of one system at several temperatures. Collective on `comm`, which is kept. Free with TpMbarDestroy().

  @param[in] boltzmann    k_B in the units of energy over temperature
  @param[in] num_states   K >= 1, equal on all ranks
  @param[in] temperature  [K] equal on all ranks; any order, neighbours in it should overlap
  @param[in] count        [K] samples of each state on this rank; may be zero
  @param[in] energy       [sum of count] potential energies on this rank, grouped by state in order; kept, not copied
  @param[in] g            [K] statistical inefficiency of each state, >= 1, equal on all ranks; NULL: all 1

  Errors, on all ranks alike: TP_ERR_INPUT for an energy that is not finite, a temperature not above 0, g below 1, and fewer than two samples
  in all.
**/
PetscErrorCode TpMbarCreateLadder(MPI_Comm comm, double boltzmann, PetscInt num_states, const double temperature[],
                                  const PetscInt64 count[], const double energy[], const double g[], TpMbar *mbar);

/** Write the reduced energies of samples first .. first + count - 1 of this rank at all K states: u [count, K] row-major. Not collective. **/
typedef PetscErrorCode (*TpMbarRows)(void *context, PetscInt64 first, PetscInt count, double u[]);

/** As TpMbarCreateLadder() for any states, whose reduced energies `rows` gives in blocks, several times over. What needs a temperature refuses it. **/
PetscErrorCode TpMbarCreateTable(MPI_Comm comm, PetscInt num_states, const PetscInt64 count[], TpMbarRows rows,
                                 void *context, const double g[], TpMbar *mbar);

/**
  Solve for f. Collective. PETSc TAO (bnls; options prefix "mbar_") minimises the convex objective with gradient and Hessian from the f of
  neighbour-wise Bennett acceptance ratios; a Newton step on the gradient follows.

  @param[out] result  filled

  Errors, on all ranks: TP_ERR_INPUT if rungs do not overlap: a free-energy difference of neighbours would be worse than 1 (in k_B T), which is
  less than about one sample that both share; the line names them. Reduced energies that are not numbers.
**/
PetscErrorCode TpMbarSolve(TpMbar mbar, TpMbarResult *result);

/** Thermodynamics at one temperature, configurational part, with standard errors. Z_0 is the partition function of state 0. **/
typedef struct {
  double temperature;
  double free_energy, free_energy_error;     /* F = -k_B T ln(Z / Z_0) */
  double energy, energy_error;               /* U, mean potential energy */
  double heat_capacity, heat_capacity_error; /* C_v = k_B beta^2 var(U) */
  double entropy, entropy_error;             /* S = (U - F) / T: up to the constant k_B ln Z_0 */
  double
      effective; /* effective (Kish), uncorrelated samples that carry these: below about 50 nothing here is worth much */
} TpMbarPoint;

/**
  Collective; after TpMbarSolve(). Ladders only. Errors hold for many samples. That of C_v beyond the last rungs comes from the few samples in
  the tail and is too small where these are missing; `effective` does not tell that. In a bootstrap's replicate the errors are NaN.
**/
PetscErrorCode TpMbarAtTemperatures(TpMbar mbar, PetscInt n, const double temperature[], TpMbarPoint point[]);

/** Weights [samples on this rank] at a temperature, which sum to 1 over all ranks, 1/g and all. Collective. Ladders only. **/
PetscErrorCode TpMbarWeights(TpMbar mbar, double temperature, double weight[]);

/**
  Weights for any target state, and its f. Collective.

  @param[in]  u       [samples on this rank] reduced energies in the target state
  @param[out] weight  [samples on this rank] sum to 1 over all ranks
  @param[out] f       -ln(Z_target / Z_0)
  @param[out] error   its standard error
  @param[out] effective  effective samples
**/
PetscErrorCode TpMbarReweight(TpMbar mbar, const double u[], double weight[], double *f, double *error,
                              double *effective);

/** Weights [samples on this rank] of one state's own samples alone, which sum to 1 over all ranks; zero for all others. Not collective. **/
PetscErrorCode TpMbarStateWeights(TpMbar mbar, PetscInt state, double weight[]);

/** Mean and standard error of values [samples on this rank] under weights from TpMbarWeights() or TpMbarReweight(). Collective. **/
PetscErrorCode TpMbarExpectation(TpMbar mbar, const double weight[], const double value[], double *mean, double *error);

/**
  Let the bootstrap draw blocks of `length` samples, the same of all states: for replica exchange, where sample i of each rung is of the same
  round, so that configurations that travel between rungs stay correlated. All states have equally many samples. Not collective; equal on all ranks.
**/
PetscErrorCode TpMbarSetBlocks(TpMbar mbar, PetscInt64 length);

/** Fill values [num] from a solved TpMbar: what is to get error bars. Collective; values equal on all ranks. **/
typedef PetscErrorCode (*TpMbarStatistic)(TpMbar mbar, void *context, double value[]);

/**
  Standard errors by resampling: each replicate draws, for each rung, as many samples as it has, in circular blocks of 5 g_k samples
  (single ones where g_k is 1), solves again, and calls `statistic`. Collective; after TpMbarSolve(), whose solution is there again afterwards.

  After TpMbarSetBlocks() a block is the same stretch of all states.

  A replicate's samples are a function of (seed, replicate, rung) and not of the ranks. Purpose TP_RANDOM_BOOTSTRAP.

  @param[out] mean   [num] over the replicates
  @param[out] error  [num] standard deviation over the replicates
**/
PetscErrorCode TpMbarBootstrap(TpMbar mbar, uint64_t seed, PetscInt replicates, PetscInt num, TpMbarStatistic statistic,
                               void *context, double mean[], double error[]);

/** Accepts NULL. Collective. **/
PetscErrorCode TpMbarDestroy(TpMbar *mbar);

/* ---------------------------------------------------------------------------------------------------------- ensembles */

/**
  Tests of whether samples are those of a canonical ensemble. p is the probability of so large a deviation by chance, if they are.

  Sources: pairs, Shirts, JCTC 9 (2013) 909; distribution, Kolmogorov's limit with Stephens' correction (1970) for few samples.
**/

/** One of two sets of energies, those of this rank. **/
typedef struct {
  PetscInt64    count;
  const double *energy;
  double        g; /* statistical inefficiency of the whole set */
} TpEnergySet;

/**
  ln[P_cold(U) / P_hot(U)] = constant + slope U; the canonical slope is beta_hot - beta_cold. Maximum likelihood (logistic regression), by Newton's
  method; a sample counts 1 / g. Collective on `comm`; the same on all ranks.

  @param[out] slope, error  infinite error, slope 0: the energies do not overlap or are all equal
**/
PetscErrorCode TpEnsembleSlope(MPI_Comm comm, const TpEnergySet *cold, const TpEnergySet *hot, double *slope,
                               double *error);

/** Two-sided p of a normal deviate. Pure. **/
double TpNormalTail(double z);

/** Distribution of kinetic temperatures: Gamma with shape `degrees` / 2 and this mean. Pure. **/
double TpKineticCumulative(double degrees, double mean, double value);

/**
  Kolmogorov and Smirnov's test of kinetic temperatures, of independent samples. Not collective.

  @param[in,out] value     [n] sorted afterwards
  @param[out]    distance  largest distance of the distributions
  @param[out]    p
**/
PetscErrorCode TpKineticTest(PetscInt64 n, double value[], double degrees, double mean, double *distance, double *p);

/**
  The temperature at which the mean square of the gradient is k_B T times the mean laplacian, of correlated series. Not collective.

  @param[in]  square     [n] |grad U|^2
  @param[in]  laplacian  [n] of U, or estimates of it without bias
  @param[in]  expected   the temperature that p is for
  @param[out] found      NaN where the mean laplacian is 0
  @param[out] error      its standard error
**/
PetscErrorCode TpConfigurationalTemperature(PetscInt64 n, const double square[], const double laplacian[],
                                            double boltzmann, double expected, double *found, double *error, double *p);

/* --------------------------------------------------------------------------------------------------------- cross-check */

/**
  A model's samples against a reference: energy distances, Jensen-Shannon divergences, and both beside what the noise of finite data makes of them.

  Sources: energy distance, Szekely & Rizzo, J. Stat. Plan. Inference 143 (2013) 1249; its law under agreement, a sum of squares of Gaussian numbers, by
  three cumulants: Buckley & Eagleson, Austral. J. Statist. 30A (1988) 150.
**/

/** S = sum_i lambda_i z_i^2 of independent normal z_i, as sums of powers of lambda. **/
typedef struct {
  double mean, second, third; /* sum of lambda, lambda^2, lambda^3 */
} TpSquares;

/** From draws [count, size], `stride` numbers apart, of Gaussian vectors with zero mean whose square is S. Not collective. **/
PetscErrorCode TpSquaresFit(PetscInt count, PetscInt size, PetscInt stride, const float draw[], TpSquares *squares);
/** Probability of S above `value`. Pure. **/
double TpSquaresTail(const TpSquares *squares, double value);
/** What S exceeds with probability p. Pure. **/
double TpSquaresLimit(const TpSquares *squares, double p);

#define TP_PROJECTION_BINS  256
#define TP_PROJECTION_REACH 5.0 /* projections beyond it count in the last bins */

/**
  Features as points, (x - centre) / width, or (cos, sin) where they have a period, and histograms of these along directions. View 0 is all features
  together, along 32 random directions; view 1 + i is feature i alone, where there are several.
**/
typedef struct TpProjection_ *TpProjection;

/** Not collective; the same directions for the same seed. Arrays are copied. **/
PetscErrorCode TpProjectionCreate(PetscInt num_features, const double period[], const double centre[],
                                  const double width[], uint64_t seed, TpProjection *projection);
PetscErrorCode TpProjectionDestroy(TpProjection *projection);
PetscInt       TpProjectionViews(TpProjection projection);
/** Bins of all directions. Pure. **/
PetscInt TpProjectionSize(TpProjection projection);
/** Where a view's bins lie. Pure. **/
void TpProjectionView(TpProjection projection, PetscInt view, PetscInt *first, PetscInt *size);
/** The bins [count, directions] that rows of features [count, features] count in. Not collective. **/
PetscErrorCode TpProjectionBins(TpProjection projection, PetscInt64 count, const float features[], int32_t bin[]);
/** Add a weight to a row's bins of sum [size]. **/
void TpProjectionAdd(TpProjection projection, double weight, const int32_t bin[], double sum[]);
/** Scaled difference of the cumulative distributions p and q [size], whose square is the energy distance. **/
void TpProjectionDifference(TpProjection projection, const double p[], const double q[], float difference[]);
/** What a model's samples are held against. **/
typedef enum {
  TP_REFERENCE_TEMPERATURE, /* all states' samples, reweighted to a temperature */
  TP_REFERENCE_STATE,       /* one state's own samples */
  TP_REFERENCE_MIXTURE,     /* all states' samples, reweighted to a mixture of temperatures */
} TpReference;

typedef struct {
  TpReference    kind;
  double         temperature;
  PetscInt       state;
  PetscInt       num_mixed;
  const double  *mixed, *share; /* [num_mixed] temperatures, and their shares, which sum to 1 */
  PetscInt64     first, count;  /* this rank's samples of the model: their numbers */
  PetscInt64     total;         /* of all ranks */
  const float   *features;      /* [count, features] */
  const int32_t *bin;           /* [histograms, count] */
} TpComparison;

typedef struct {
  PetscInt        num_features;
  const double   *period, *centre, *width; /* [features] as TpProjectionCreate() */
  PetscInt64      num_samples;             /* of the TpMbar on this rank */
  const float    *features;                /* [num_samples, features] */
  PetscInt        num_histograms;
  const PetscInt *histogram_size; /* [num_histograms] */
  const int32_t  *bin;            /* [num_histograms, num_samples] */
  PetscInt        num_comparisons;
  TpComparison   *comparison; /* [num_comparisons] */
  PetscInt        replicates; /* 3 or more */
  uint64_t        seed;
  double          alarm; /* probability with which one comparison may call a perfect model worse than noise */
} TpCrossTask;

/** Square root of an energy distance: for a small shift, about 0.75 of it, in units of `width`. **/
typedef struct {
  double value;
  double
         noise; /* root mean square of it for a perfect model: by the noise of the reference and of so many samples of the model */
  double limit; /* what exceeds this is worse than noise */
  double p;     /* probability that a perfect model is so far off */
} TpDistance;

/** Jensen-Shannon divergence of histograms, nats. **/
typedef struct {
  double value;
  double noise; /* its mean for a perfect model */
  double
      p; /* of sum (p - q)^2 / (reference + 1 / K) over the K bins, about 8 JS where bins are visited: probability that a perfect model is so far off */
} TpDivergence;

/** Arrays are the caller's. **/
typedef struct {
  TpDistance   *distance;   /* [views] */
  TpDivergence *divergence; /* [histograms] */
  double       *mean;       /* [features] of the reference; NULL: not wanted */
  double       *reference;  /* [sum of histogram sizes] its distributions; NULL: not wanted */
  double       *model;      /* likewise */
  double        p;          /* of all these together (Bonferroni) */
  PetscBool     worse;      /* p < alarm */
} TpCrossResult;

/**
  Compare. Collective on `comm`, the TpMbar's; after TpMbarSolve(), and TpMbarSetBlocks() where states are correlated; the same on all ranks.

  Noise: in each replicate the reference is drawn anew in blocks, with f solved again, and the model's samples in 64 groups; the law of the squared
  distance follows from the covariance of these differences. It holds for many blocks; with fewer than about 20 the noise is underestimated.
**/
PetscErrorCode TpCrossCheck(TpMbar mbar, MPI_Comm comm, const TpCrossTask *task, TpCrossResult result[]);
