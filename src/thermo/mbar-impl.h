/* What the parts of MBAR share. Private to thermo. */
#pragma once

#include "tempera/comm.h"
#include "tempera/thermo.h"

#include "mbar-kernel.h"

struct TpMbar_ {
  MPI_Comm comm;
  PetscBool
      alone; /* one rank has it all: nothing to wait for, and even a look for messages can cost a busy core's time slice */
  const TpMbarKernels *kernels;
  PetscInt             num_states;

  /* a ladder; temperature is NULL for a table */
  double        boltzmann;
  double       *temperature; /* [K] */
  double       *beta;        /* [K] */
  const double *energy;      /* [num_local], the caller's */
  double        reference;   /* the lowest energy: reduced energies count from there */

  /* a table */
  TpMbarRows rows;
  void      *rows_context;
  double    *rows_buffer; /* [block, K] */

  /* samples */
  PetscInt64    num_local;
  PetscInt64   *first;        /* [K + 1] where each state's samples begin on this rank */
  PetscInt64   *total;        /* [K] samples on all ranks */
  PetscInt64   *before;       /* [K] samples on lower ranks */
  double       *g;            /* [K] */
  PetscInt64    block;        /* of the bootstrap, drawn for all states alike; 0: each state by itself */
  const double *multiplicity; /* [num_local] times that a bootstrap drew each sample; NULL outside one */
  double       *size;         /* [K] N_k / g_k */
  double        sum_size;
  PetscInt      num_sampled; /* states with samples */
  PetscInt     *sampled;     /* [num_sampled] which */

  /* solution; energies from `reference`, f of the first state with samples is 0 */
  double  *f;           /* [K] */
  double  *log_mixture; /* [num_local] c_n = ln sum_k size_k exp(f_k - u_kn) */
  double  *moments;     /* [num_sampled, num_sampled] sum_n w_n p_ni p_nj, p_nk = size_k W_nk */
  double  *gradient;    /* [num_sampled] sum_n w_n p_nk - size_k */
  double   value;       /* objective per unit of size */
  double  *propagator;  /* [num_sampled, num_sampled] M of mbar-uncertainty.c; NULL before the solution */
  PetscInt evaluations;

  double *work_block;  /* [K, block] */
  double *work_offset; /* [K] */
  double *sums;        /* [1 + num_sampled + num_sampled^2] */

  /* what TpMbarResult points to */
  double *result_f, *result_error, *result_covariance, *result_overlap, *result_effective, *result_count;
};

/* ---- mbar-block.c: the samples in blocks */

/** Reduced energies u [num, block] of `count` <= block samples from `first` at the `num` states listed; lanes beyond `count` repeat the last sample. **/
PetscErrorCode TpMbarBlockEnergies(TpMbar mbar, PetscInt64 first, PetscInt count, PetscInt num, const PetscInt state[],
                                   double u[]);

/** Square roots of the weights w_n (1/g, times the bootstrap's multiplicity) [block]; zero beyond `count`. **/
void TpMbarBlockRootWeights(TpMbar mbar, PetscInt64 first, PetscInt count, double root_weight[]);

static inline PetscInt TpMbarBlockCount(PetscInt64 first, PetscInt64 end)
{
  return (PetscInt)PetscMin(end - first, (PetscInt64)TP_MBAR_BLOCK);
}

/** p [num_sampled, block] = root_weight_n size_k W_nk for one block, and c_n [block]; gradient is added to. **/
PetscErrorCode TpMbarBlockSoftmax(TpMbar mbar, const double f[], PetscInt64 first, PetscInt count, double p[],
                                  double root_weight[], double log_mixture[], double gradient[]);

/* ---- mbar-objective.c */

/**
  Objective, gradient, moments and c_n at f [num_sampled]; also the Hessian, by TpMbarHessian(). Collective.

  Errors, on all ranks: what `rows` returns; TP_ERR_INPUT if an energy is not a number.
**/
PetscErrorCode TpMbarEvaluate(TpMbar mbar, const double f[]);

/** Second derivatives (i, j) per unit of size, of the last evaluation. **/
double TpMbarHessian(TpMbar mbar, PetscInt i, PetscInt j);

/* ---- mbar-start.c */

/** f [num_sampled] from the Bennett acceptance ratios of neighbours, to about 0.01. Collective. **/
PetscErrorCode TpMbarStart(TpMbar mbar, double f[]);

/* ---- mbar-solve.c */

/** Minimise from f [num_sampled] on; then mbar->f of all states, the unsampled too, and c_n are set. Collective. **/
PetscErrorCode TpMbarMinimize(TpMbar mbar, double f[]);

/* ---- mbar-uncertainty.c */

/** Refuse rungs between which the objective is flat. Collective; after TpMbarEvaluate(). **/
PetscErrorCode TpMbarCheckConnected(TpMbar mbar);

/** Eigenvectors of the overlap, `propagator`, and the second eigenvalue. **/
PetscErrorCode TpMbarDecompose(TpMbar mbar, double *second_eigenvalue);

/** Fill overlap, covariance, errors and warnings. Collective. **/
PetscErrorCode TpMbarUncertainty(TpMbar mbar, TpMbarResult *result);

/* ---- mbar-expectation.c */

/** Write root_weight_n x_in, i = 0 .. num - 1, of one block: x [num, block], zero beyond `count`. **/
typedef PetscErrorCode (*TpMbarColumns)(TpMbar mbar, void *context, PetscInt64 first, PetscInt count,
                                        const double root_weight[], double x[]);

/** Covariance [num, num] of the linear functionals sum_n w_n x_in, uncertainty of f included. Collective. **/
PetscErrorCode TpMbarCovariance(TpMbar mbar, PetscInt num, TpMbarColumns columns, void *context, double covariance[],
                                double squares[]);

/** Make one rank's error everyone's. Collective. **/
PetscErrorCode TpMbarAgree(TpMbar mbar, PetscErrorCode code);

/** Largest value of all ranks. Collective. **/
PetscErrorCode TpMbarMaximum(TpMbar mbar, double *value);

/** Rank 0's values [count]. Collective. **/
PetscErrorCode TpMbarBroadcast(TpMbar mbar, PetscInt count, double values[]);

/** Where this rank's results meet: agree on `code`, then sum values [count] over the ranks. **/
PetscErrorCode TpMbarSum(TpMbar mbar, PetscErrorCode code, PetscInt count, double values[]);
