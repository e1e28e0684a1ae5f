/* SiLU and its derivatives, for one instruction set (suffix TP_KERNEL_ISA). Plain loops, written so that compilers vectorise them (ivdep: an output
   array may be an input array, but never a shifted one). */
#include "kernel.h"

#include <math.h>
#include <string.h>

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

/* exp(x) of a float to about one unit in the last place: x = n ln 2 + r, a polynomial for exp(r), and 2^n put into the exponent bits.
   No branch and no library call, so the loops below run on whole vectors. Clamped to +-60, where sigmoid is 1e-26 or
   1: further out it would make denormal numbers, which are slow. */
#ifdef TP_NN_DOUBLE
static inline double Exp(double x)
{
  return exp(x);
}
#else
static inline float Exp(float x)
{
  const float magic   = 0x1.8p23f; /* adding it rounds to the nearest integer, left in the low bits */
  const float clamped = x > 60.0f ? 60.0f : (x < -60.0f ? -60.0f : x);
  const float shifted = clamped * 0x1.715476p0f + magic;
  const float n       = shifted - magic;
  const float r =
      (clamped - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f; /* ln 2 in two parts: the first product is exact */
  float   p = 1.0f / 5040;
  float   scale;
  int32_t bits;

  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = (p * r) * r + r;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000; /* the low bits of `shifted` are n */
  memcpy(&scale, &bits, sizeof scale);
  return scale * p + scale;
}
#endif

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
