/* The inner loops of MBAR over one block of samples, compiled once per instruction set and chosen at run time. Private to thermo and its tests. */
#pragma once

#include "tempera/base.h"

/* Samples in a block: [128 rungs, 128] doubles stay in the second cache. All arrays "[block]" have this length. */
enum { TP_MBAR_BLOCK = 128 };

typedef struct {
  const char *name; /* "avx512", "avx2", "baseline" */

  /** u [num_states, block] <- beta_k energy_n. **/
  void (*ladder)(PetscInt num_states, const double beta[], const double energy[], double u[]);

  /**
    In: p [num_states, block] holds u_k(n). Out: p = root_weight_n e_nk / sum_j e_nj with e_nk = exp(offset_k - u_nk), safe for any size
    of the exponents; log_sum [block] = ln sum_j e_nj; gradient [num_states] += sum_n root_weight_n p_nk.
  **/
  void (*softmax)(PetscInt num_states, const double offset[], const double root_weight[], double p[], double log_sum[],
                  double gradient[]);

  /** x [block] <- exp(x), for x <= 709; below -300 the result is that of -300, 5e-131. **/
  void (*exponential)(double x[]);

  /** sums[0] += sum of weight_n s(x_n), sums[1] += sum of weight_n s'(x_n), s(x) = 1 / (1 + exp(-x)). **/
  void (*logistic)(const double weight[], const double x[], double sums[2]);
} TpMbarKernels;

/** All that were built, fastest first; ended by NULL. **/
extern const TpMbarKernels *const tp_mbar_kernels[];

/** Whether this processor has the instructions. **/
PetscBool TpMbarKernelsUsable(const TpMbarKernels *kernels);

/** The fastest usable ones. **/
const TpMbarKernels *TpMbarKernelsBest(void);

/* The functions of one instruction set, named by a suffix. */
#define TP_MBAR_JOIN_(name, suffix) name##_##suffix
#define TP_MBAR_JOIN(name, suffix)  TP_MBAR_JOIN_(name, suffix)

#define TP_MBAR_DECLARE(suffix)                                                                                        \
  void TP_MBAR_JOIN(TpMbarLadder, suffix)(PetscInt num_states, const double beta[], const double energy[],             \
                                          double u[]);                                                                 \
  void TP_MBAR_JOIN(TpMbarSoftmax, suffix)(PetscInt num_states, const double offset[], const double root_weight[],     \
                                           double p[], double log_sum[], double gradient[]);                           \
  void TP_MBAR_JOIN(TpMbarExponential, suffix)(double x[]);                                                            \
  void TP_MBAR_JOIN(TpMbarLogistic, suffix)(const double weight[], const double x[], double sums[2])
