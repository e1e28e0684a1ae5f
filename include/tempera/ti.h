/**
  Ti: free energies by integration along a path of energies, which a network may have learned. No MPI, no files.

  A path joins a real system (t = 0) and a system whose partition function is known (t = 1):

    gaussian  any potential U of coordinates without bounds, to a standard normal distribution:
              beta U_t(y) = w (u_0 + soft(u)) + (1 - w) |y|^2 / 2 + t (1 - t) E(y, t),   w = (1 - t^2)^4,  u = beta U(x(y)) - u_0,
              soft(u) = log(1 + c t^2 u) / (c t^2) where u > 0, c = 3, of free particles 240: the potential fades as the noise grows, and E stays small.
              y are the coordinates of x shifted and scaled; those of free particles lose their centre.
              Noise: y_t = alpha y_0 + sigma z, alpha^2 + sigma^2 = 1.
    fluid     Lennard-Jones particles in a periodic cube of edge L, to the ideal gas; y = x / L:
              beta U_t(y) = t (1 - t) E(L y, t) / s(t) + (1 - t) sum over pairs of W(h 4 beta (a^2 - a)),   s = s_min^(1 - t) s_max^t,
              soft pairs: a = 1 / (tau^2 + r^2)^3, h = 1 / (1 + 4 tau^2), W(e) = log(1 + c e) / c where e > 0, c = 30 tau^2,
              by the noise in a difference of two particles, tau^2 = 2 L^2 (s^2 - s_min^2). Noise: y_t = y_0 + s z, folded into the cube.

  Without a network E = 0, c = 3, and a fluid's pairs are (1 - t) 4 beta (a^2 - a), a = 1 / (t / 2 + r^6): the classical path. Both ends are exact whatever the network says, so that

    ln (Z_0 / Z_1) = integral over t of < d/dt beta U_t >_t

  is exact where the averages are. The network learns from grad beta U_t(y_t) sigma = z on average.

  Sources: Mate, Fleuret and Bereau, J. Phys. Chem. Lett. 15 (2024) 11395; soft cores, Beutler et al., Chem. Phys. Lett. 222 (1994) 529; hybrid Monte Carlo,
  Duane et al., Phys. Lett. B 195 (1987) 216; insertion, Widom, J. Chem. Phys. 39 (1963) 2808.
**/
#pragma once

#include "tempera/base.h"
#include "tempera/nn.h"

/* -------------------------------------------------------------------------------------------------------------- path */

typedef enum { TP_PATH_GAUSSIAN, TP_PATH_FLUID } TpPathKind;

/** beta U of the real system and its gradient at x, for a path to a Gaussian. **/
typedef PetscErrorCode (*TpPathPotential)(void *context, const double x[], double *energy, double gradient[]);

typedef struct {
  TpPathKind kind;
  PetscInt   size; /* coordinates of the engine's x */
  double     beta; /* 1 / (k_B T); fluid: of the pairs, whose epsilon is 1 */
  /* gaussian */
  PetscBool       centred; /* free particles: their centre is taken away, three coordinates are lost */
  const double   *mean;    /* [coordinates of y] copied; NULL: 0 */
  const double   *scale;   /* [coordinates of y] copied; NULL: 1 */
  double          lowest;  /* u_0 */
  TpPathPotential potential;
  void           *context;
  /* fluid */
  double box_length;
  double noise_min, noise_max; /* s_min, s_max, in units of the box */
} TpPathSettings;

typedef struct TpPath_ *TpPath;

/** Not collective. `max_rows` is the largest B below. Free with TpPathDestroy(). **/
PetscErrorCode TpPathCreate(const TpPathSettings *settings, PetscInt max_rows, TpPath *path);
PetscErrorCode TpPathDestroy(TpPath *path);

/** Put a network in (NULL: the classical path); all kept by the caller. `condition` is its one condition, if it has one. **/
PetscErrorCode TpPathSetNetwork(TpPath path, TpNetwork network, TpWorkspace workspace, const TpNumber parameters[],
                                TpNumber condition);

/** Coordinates of y. **/
PetscInt TpPathSize(TpPath path);

/** The context of the potential. **/
void *TpPathContext(TpPath path);

/** From the engine's coordinates x to y, and back. **/
void TpPathFromEngine(TpPath path, const double x[], double y[]);
void TpPathToEngine(TpPath path, const double y[], double x[]);

/** ln Z_1, and what scaling the coordinates adds: ln Z(x) = ln (Z_0 / Z_1) + this. Fluid: 0, as the reference is the ideal gas. **/
double TpPathLogReference(TpPath path);

/** Signal and noise at t: y_t = alpha y_0 + sigma z. **/
double TpPathAlpha(TpPath path, double t);
double TpPathSigma(TpPath path, double t);

/** y into the cube; nothing for a path to a Gaussian. **/
void TpPathFold(TpPath path, PetscInt B, double y[]);

/** An exact sample y of the state t = 1, a function of (seed, id, step). **/
void TpPathDraw(TpPath path, uint64_t seed, uint32_t id, uint64_t step, double y[]);

/**
  beta U_t, its gradient in y and its derivative in t of B rows. Not collective. What is not finite comes out as it is.

  @param[in]  y  [B, size]
  @param[in]  t  [B]
  @param[out] u  [B]
  @param[out] g  [B, size]
  @param[out] d  [B] d/dt
**/
PetscErrorCode TpPathEvaluate(TpPath path, PetscInt B, const double y[], const double t[], double u[], double g[],
                              double d[]);

/**
  Learn from B configurations: row i is slot first_slot + i of optimiser step `step`; its time (uniform) and noise are functions of (seed, slot, step).
  Adds the parameter gradient of the sum over rows of |sigma grad beta U_t - z|^2 / size. Not collective.

  @param[in]     y0        [B, size]
  @param[out]    loss      summed over rows
  @param[in,out] gradient  [parameters]
**/
PetscErrorCode TpPathLearn(TpPath path, uint64_t seed, uint64_t step, uint32_t first_slot, PetscInt B,
                           const double y0[], double *loss, TpNumber gradient[]);

/**
  How far the gradient of the network's energy is from a gradient, to rounding not at all: TpAsymmetryNorms() at configuration y0 [size] with noise of time t
  on it, which is a function of (seed, id, step) as the random vectors are. Not collective.

  @param[in]  num_vectors  2 at least; a path to a Gaussian: max_rows at most
  @param[out] squares      [2]
**/
PetscErrorCode TpPathAsymmetry(TpPath path, uint64_t seed, uint32_t id, uint64_t step, PetscInt num_vectors, double t,
                               const double y0[], double squares[]);

/* ------------------------------------------------------------------------------------------------------------- moves */

/** Rows of a path at one time, with what is known at their place. **/
typedef struct {
  PetscInt num_rows;
  double  *y; /* [rows, size] */
  double  *u; /* [rows] */
  double  *g; /* [rows, size] */
  double  *d; /* [rows] d/dt */
} TpWalkers;

PetscErrorCode TpWalkersCreate(TpPath path, PetscInt num_rows, TpWalkers *walkers);
PetscErrorCode TpWalkersDestroy(TpWalkers *walkers);

/** u, g, d at time t. **/
PetscErrorCode TpWalkersEvaluate(TpPath path, double t, TpWalkers *walkers);

/**
  One move of hybrid Monte Carlo of each row at time t: num_leaps leapfrog steps of `length` times a random factor, 1/4 to 1 evenly in its logarithm. The
  distribution exp(-beta U_t) stays. Row i uses the numbers of (seed, first_id + i, step).

  @param[in,out] accepted  number of moves accepted is added; NULL: of no interest
**/
PetscErrorCode TpWalkersMove(TpPath path, double t, double length, PetscInt num_leaps, uint64_t seed, uint32_t first_id,
                             uint64_t step, TpWalkers *walkers, PetscInt64 *accepted);

/* ---------------------------------------------------------------------------------------------------------- sampling */

typedef struct {
  PetscInt64
      num_times; /* K steps from t = 1 to 0, a multiple of 4: the error of the grid is told from every second time */
  PetscInt64 relax_steps;  /* moves of hybrid Monte Carlo at each time; 0: the reverse diffusion alone */
  PetscInt64 relax_leaps;  /* leapfrog steps of a move */
  double     relax_length; /* of such a step at t = 0, in y; sigma / size^(1/4) is added */
} TpTrajectorySampling;

/** Time k of 0 .. num_times. Pure. **/
double TpTrajectoryTime(TpPath path, PetscInt64 num_times, PetscInt64 k);

/**
  B trajectories from t = 1 to t = 0 by the reverse diffusion. Trajectory i is a function of (seed, member, first_id + i) alone. Not collective.

  The mean of exp(log_weight) is Z_0 / Z_1 whatever the network says, if relax_steps is 0: the chance of the way back from y_0 by adding noise, over that of
  the way here. It is noisy if the network is bad, or the system large.

  @param[in]  member     which system: trajectories of two are independent; below 2^16
  @param[out] integrand  [B, K + 1] d/dt beta U_t at the times 0 .. K
  @param[out] log_weight [B] of no meaning with relax_steps
  @param[out] y          [B, size] end configurations
  @param[in,out] accepted  moves accepted are added

  Errors: TP_ERR_STOPPED, naming t, for an integrand that is not finite or beyond 1e8.
**/
PetscErrorCode TpTrajectoriesSample(TpPath path, const TpTrajectorySampling *sampling, uint64_t seed, PetscInt member,
                                    uint32_t first_id, PetscInt B, double integrand[], double log_weight[], double y[],
                                    PetscInt64 *accepted);

/**
  ln of the mean of exp(log_weight) [n], its standard error by linear propagation, and how many independent samples the weights are worth (Kish).
**/
void TpMeanWeight(PetscInt64 n, const double log_weight[], double *log_mean, double *error, double *effective);

/* -------------------------------------------------------------------------------------------------------- quadrature */

/** Simpson's rule over every stride-th of the times t [K + 1], a smooth function of their number, at which values [K + 1] are known; K a multiple of 2 stride. **/
double TpSimpson(PetscInt64 K, const double t[], const double values[], PetscInt64 stride);

/** Nodes and weights of Gauss and Legendre on [0, 1], n >= 1. **/
void TpGaussLegendre(PetscInt n, double node[], double weight[]);

/** Weights [n] of the rule over the same nodes without node `left_out` (its weight is 0), exact for polynomials of degree n - 2. **/
void TpInterpolatoryWeights(PetscInt n, const double node[], PetscInt left_out, double weight[]);

/* ------------------------------------------------------------------------------------------------------------- fluid */

/** beta times the energy that each of `count` particles would have beside the configuration y [num_particles, 3] (units of the box), inserted at random places
    that are functions of (seed, id, step). Minimum image, all pairs. **/
void TpInsertionEnergies(double beta, double box_length, PetscInt num_particles, const double y[], uint64_t seed,
                         uint32_t id, uint64_t step, PetscInt count, double energy[]);

/** Add the pairs of y [num_particles, 3] to histogram [bins] of distances up to half the box. **/
void TpPairHistogram(double box_length, PetscInt num_particles, const double y[], PetscInt bins, double histogram[]);

/** g(r) [bins] from a histogram of `count` configurations. **/
void TpPairCorrelation(double box_length, PetscInt num_particles, double count, PetscInt bins, const double histogram[],
                       double g[]);

/** The smallest distance of two particles, and which. **/
double TpClosestPair(double box_length, PetscInt num_particles, const double y[], PetscInt pair[2]);

/**
  Mean number of particles at each chemical potential: p(N) ~ exp(beta mu N - beta F_ex(N)) / N! in units of the box, N = 0 .. max.

  @param[in]  excess  [max + 1] beta F_ex of 0 .. max particles
  @param[out] mean    [count]
**/
void TpGrandMean(PetscInt max, const double excess[], PetscInt count, const double beta_mu[], double mean[]);

/** A curve through (x, y) [n], x increasing, at `at`: a cubic between neighbours, with the slopes of parabolas through three; straight beyond the ends. **/
double TpCurve(PetscInt n, const double x[], const double y[], double at);
