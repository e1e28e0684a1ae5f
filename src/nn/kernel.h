/* The inner loops of nn, compiled once per instruction set and chosen at run time. Private to nn and its tests. */
#pragma once

#include "tempera/nn.h"

/** A matrix seen through strides: element (i, j) is at[i * row + j * column]. **/
typedef struct {
  const TpNumber *at;
  PetscInt        row;
  PetscInt        column;
} TpMatrix;

typedef struct {
  const char *name; /* "avx512", "avx2", "baseline" */

  /**
    y [rows, columns] += left [rows, inner] right [inner, columns], y contiguous.

    Every element sums its products in the same order with the same instructions, whatever `rows` and `columns` are and wherever
    it lies. BLAS does not promise that: OpenBLAS 0.3.21 changes a row's last bits with the number of rows, and with AVX2 even with the row's
    place in the batch. A sample must not depend on the batch it was drawn in.
  **/
  void (*product)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left, TpMatrix right, TpNumber y[]);

  void (*silu_forward)(PetscInt n, const TpNumber x[], TpNumber y[]);
  void (*silu_backward)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);
  void (*silu_tangent)(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[]);
  void (*silu_tangent_backward)(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dty[],
                                TpNumber dtx[], TpNumber dx[]);
} TpKernels;

/** All that were built, fastest first; ended by NULL. **/
extern const TpKernels *const tp_kernels[];

/** Whether this processor has the instructions. **/
PetscBool TpKernelsUsable(const TpKernels *kernels);

/** The fastest usable ones. **/
const TpKernels *TpKernelsBest(void);

/* The functions of one instruction set, named by a suffix. */
#define TP_KERNEL_JOIN_(name, suffix) name##_##suffix
#define TP_KERNEL_JOIN(name, suffix)  TP_KERNEL_JOIN_(name, suffix)

#define TP_KERNEL_DECLARE(suffix)                                                                                      \
  void TP_KERNEL_JOIN(TpProduct, suffix)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left,               \
                                         TpMatrix right, TpNumber y[]);                                                \
  void TP_KERNEL_JOIN(TpSiluForward, suffix)(PetscInt n, const TpNumber x[], TpNumber y[]);                            \
  void TP_KERNEL_JOIN(TpSiluBackward, suffix)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);     \
  void TP_KERNEL_JOIN(TpSiluTangent, suffix)(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[]);      \
  void TP_KERNEL_JOIN(TpSiluTangentBackward, suffix)(PetscInt n, const TpNumber x[], const TpNumber tx[],              \
                                                     const TpNumber dty[], TpNumber dtx[], TpNumber dx[])
