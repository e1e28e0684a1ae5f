/* SiLU and its derivatives, for one instruction set (suffix TP_KERNEL_ISA). Plain loops, written so that compilers vectorise them (ivdep: an output
   array may be an input array, but never a shifted one). */
#include "kernel-exp.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

/* s = sigmoid(x) and q = 1 - s; q from the exponential, as 1 - s loses its digits where s is nearly 1. */
static inline void Sigmoid(TpNumber x, TpNumber *s, TpNumber *q)
{
  const TpNumber e = Exp(-x);

  *s = 1 / (1 + e);
  *q = e * *s;
}

void TP_KERNEL_JOIN(TpSiluForward, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], TpNumber y[])
{
#pragma GCC ivdep
  for (PetscInt i = 0; i < n; i++) y[i] = x[i] * (1 / (1 + Exp(-x[i])));
}

/* silu' = s + x s q */
void TP_KERNEL_JOIN(TpSiluBackward, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[])
{
#pragma GCC ivdep
  for (PetscInt i = 0; i < n; i++) {
    TpNumber s, q;

    Sigmoid(x[i], &s, &q);
    dx[i] = dy[i] * (s + x[i] * s * q);
  }
}

/* The same product: the tangent goes forward as the gradient goes back. */
void TP_KERNEL_JOIN(TpSiluTangent, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[])
{
  TP_KERNEL_JOIN(TpSiluBackward, TP_KERNEL_ISA)(n, x, tx, ty);
}

/* silu'' = s q (2 + x (q - s)) */
void TP_KERNEL_JOIN(TpSiluTangentBackward, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], const TpNumber tx[],
                                                          const TpNumber dty[], TpNumber dtx[], TpNumber dx[])
{
#pragma GCC ivdep
  for (PetscInt i = 0; i < n; i++) {
    const TpNumber given = dty[i];
    TpNumber       s, q;

    Sigmoid(x[i], &s, &q);
    dtx[i] = given * (s + x[i] * s * q);
    dx[i] += given * tx[i] * s * q * (2 + x[i] * (q - s));
  }
}
