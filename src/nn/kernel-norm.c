/* Mish and group normalisation, for one instruction set (suffix TP_KERNEL_ISA). Sums by explicit vectors, the rest by plain loops that compilers vectorise. */
#include "kernel-exp.h"
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

/* ---------------------------------------------------------------------------------------------------------------- mish */

/* tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2): no digits lost at either end. Beyond 20 it is 1. */
static inline TpNumber Gate(TpNumber x)
{
  const TpNumber e = Exp(x > 20 ? 20 : x), n = e * (e + 2);

  return n / (n + 2);
}

/* mish'(x), and the gate. */
static inline TpNumber MishSlope(TpNumber x, TpNumber *gate)
{
  const TpNumber e = Exp(x > 20 ? 20 : x), n = e * (e + 2), r = 1 / (n + 2);

  *gate = n * r;
  return *gate + 4 * x * (e * r) * ((e + 1) * r);
}

void TP_KERNEL_JOIN(TpMishForward, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], TpNumber y[])
{
#pragma GCC ivdep
  for (PetscInt i = 0; i < n; i++) y[i] = x[i] * Gate(x[i]);
}

void TP_KERNEL_JOIN(TpMishBackward, TP_KERNEL_ISA)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[])
{
#pragma GCC ivdep
  for (PetscInt i = 0; i < n; i++) {
    TpNumber gate;

    dx[i] = dy[i] * MishSlope(x[i], &gate);
  }
}

/* ------------------------------------------------------------------------------------------------- group normalisation */

#define EPSILON 1e-5 /* added to the variance */

static inline TpNumber SquareRoot(TpNumber x)
{
#ifdef TP_NN_DOUBLE
  return sqrt(x);
#else
  return sqrtf(x);
#endif
}

/* Each channel's number becomes `factor` times the sum over its group. */
ALWAYS_INLINE void SumGroups(PetscInt C, TpNumber factor, TpNumber numbers[])
{
  const PetscInt size = C / TP_GROUPS;

  for (PetscInt g = 0; g < TP_GROUPS; g++) {
    TpNumber sum = 0;

    for (PetscInt j = 0; j < size; j++) sum += numbers[g * size + j];
    for (PetscInt j = 0; j < size; j++) numbers[g * size + j] = sum * factor;
  }
}

/* Vectors of channels: f(j, width) for each, the last one maybe a part. */
#define FOR_VECTORS(C, j, width)                                                                                       \
  for (PetscInt j = 0, width = PetscMin(LANES, C); j < C; j += LANES, width = PetscMin(LANES, C - j))

ALWAYS_INLINE void Statistics(PetscInt L, PetscInt C, PetscInt step, const TpNumber x[], TpNumber mean[],
                              TpNumber scale[])
{
  const TpNumber factor = (TpNumber)1 / (TpNumber)(L * (C / TP_GROUPS));

  FOR_VECTORS(C, j, width)
  {
    Vector sum = {0};

    for (PetscInt l = 0; l < L; l++) sum += Load(x + l * step + j, (int)width);
    Store(mean + j, (int)width, sum);
  }
  SumGroups(C, factor, mean);
  FOR_VECTORS(C, j, width)
  {
    const Vector centre = Load(mean + j, (int)width);
    Vector       sum    = {0};

    for (PetscInt l = 0; l < L; l++) {
      const Vector distance = Load(x + l * step + j, (int)width) - centre;

      sum += distance * distance;
    }
    Store(scale + j, (int)width, sum);
  }
  SumGroups(C, factor, scale);
  for (PetscInt j = 0; j < C; j++) scale[j] = 1 / SquareRoot(scale[j] + (TpNumber)EPSILON);
}

ALWAYS_INLINE void Forward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[], PetscBool add,
                           TpNumber y[])
{
  const TpNumber *restrict gain = norm->gain, *restrict offset = norm->offset;
  const PetscInt step = TP_TILE * C;

  for (PetscInt s = 0; s < TP_TILE; s++) {
    const TpNumber *restrict x = norm->x + s * C;
    TpNumber *restrict mean    = norm->mean + s * C;
    TpNumber *restrict scale   = norm->scale + s * C;
    TpNumber *restrict to      = y + s * C;

    Statistics(L, C, step, x, mean, scale);
    for (PetscInt l = 0; l < L; l++) {
      if (shift) {
#pragma GCC ivdep
        for (PetscInt j = 0; j < C; j++) {
          const TpNumber z = (x[l * step + j] - mean[j]) * scale[j] * gain[j] + offset[j];

          to[l * step + j] = (add ? to[l * step + j] : 0) + z * Gate(z) + shift[s * C + j];
        }
      } else {
#pragma GCC ivdep
        for (PetscInt j = 0; j < C; j++) {
          const TpNumber z = (x[l * step + j] - mean[j]) * scale[j] * gain[j] + offset[j];

          to[l * step + j] = (add ? to[l * step + j] : 0) + z * Gate(z);
        }
      }
    }
  }
}

/* dz in place of dx; its sums over positions, alone and times the normalised x. */
ALWAYS_INLINE void BackwardSums(PetscInt L, PetscInt C, PetscInt step, const TpNumber x[], const TpNumber mean[],
                                const TpNumber scale[], const TpNumber dz[], TpNumber sums[])
{
  FOR_VECTORS(C, j, width)
  {
    const Vector centre = Load(mean + j, (int)width), inverse = Load(scale + j, (int)width);
    Vector       plain = {0}, weighted = {0};

    for (PetscInt l = 0; l < L; l++) {
      const Vector d = Load(dz + l * step + j, (int)width);

      plain += d;
      weighted += d * ((Load(x + l * step + j, (int)width) - centre) * inverse);
    }
    Store(sums + j, (int)width, plain);
    Store(sums + C + j, (int)width, weighted);
  }
}

/* From dy to dz, one row s at one position. */
ALWAYS_INLINE void SlopeOnly(PetscInt C, const TpNorm *norm, PetscInt s, const TpNumber *restrict x,
                             const TpNumber *restrict dy, TpNumber *restrict dz)
{
  const TpNumber *restrict gain = norm->gain, *restrict offset = norm->offset;
  const TpNumber *restrict mean = norm->mean + s * C, *restrict scale = norm->scale + s * C;

#pragma GCC ivdep
  for (PetscInt j = 0; j < C; j++) {
    TpNumber gate;

    dz[j] = dy[j] * MishSlope((x[j] - mean[j]) * scale[j] * gain[j] + offset[j], &gate);
  }
}

/* The same, and y = mish(z) + shift. */
ALWAYS_INLINE void SlopeAndValue(PetscInt C, const TpNorm *norm, PetscInt s, const TpNumber *restrict x,
                                 const TpNumber *restrict dy, TpNumber *restrict dz, const TpNumber *restrict shift,
                                 TpNumber *restrict y)
{
  const TpNumber *restrict gain = norm->gain, *restrict offset = norm->offset;
  const TpNumber *restrict mean = norm->mean + s * C, *restrict scale = norm->scale + s * C;

#pragma GCC ivdep
  for (PetscInt j = 0; j < C; j++) {
    const TpNumber z = (x[j] - mean[j]) * scale[j] * gain[j] + offset[j];
    TpNumber       gate;

    dz[j] = dy[j] * MishSlope(z, &gate);
    y[j]  = z * gate;
  }
  if (!shift) return;
#pragma GCC ivdep
  for (PetscInt j = 0; j < C; j++) y[j] += shift[j];
}

ALWAYS_INLINE void Backward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[], TpNumber dx[],
                            TpNumber dgain[], TpNumber doffset[], TpNumber sums[], const TpNumber shift[], TpNumber y[])
{
  const TpNumber *restrict gain = norm->gain;
  const PetscInt step           = TP_TILE * C;
  const TpNumber factor         = (TpNumber)1 / (TpNumber)(L * (C / TP_GROUPS));

  for (PetscInt s = 0; s < TP_TILE; s++) {
    const TpNumber *restrict x     = norm->x + s * C;
    const TpNumber *restrict mean  = norm->mean + s * C;
    const TpNumber *restrict scale = norm->scale + s * C;
    const TpNumber *restrict from  = dy + s * C;
    TpNumber *restrict to          = dx + s * C;

    for (PetscInt l = 0; l < L; l++) {
      if (!y)
        SlopeOnly(C, norm, s, x + l * step, from + l * step, to + l * step);
      else
        SlopeAndValue(C, norm, s, x + l * step, from + l * step, to + l * step, shift ? shift + s * C : NULL,
                      y + l * step + s * C);
    }
    BackwardSums(L, C, step, x, mean, scale, to, sums);
    for (PetscInt j = 0; j < C; j++) {
      doffset[j] += sums[j];
      dgain[j] += sums[C + j];
      sums[j] *= gain[j];
      sums[C + j] *= gain[j];
    }
    SumGroups(C, factor, sums);
    SumGroups(C, factor, sums + C);
    for (PetscInt l = 0; l < L; l++) {
#pragma GCC ivdep
      for (PetscInt j = 0; j < C; j++)
        to[l * step + j] =
            scale[j] * (to[l * step + j] * gain[j] - sums[j] - (x[l * step + j] - mean[j]) * scale[j] * sums[C + j]);
    }
  }
}

/* Usual numbers of channels are written out, so that the compiler unrolls the short loops over them. */
void TP_KERNEL_JOIN(TpNormForward, TP_KERNEL_ISA)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[],
                                                  PetscBool add, TpNumber y[])
{
  switch (C) {
  case 32:
    Forward(L, 32, norm, shift, add, y);
    break;
  case 64:
    Forward(L, 64, norm, shift, add, y);
    break;
  case 128:
    Forward(L, 128, norm, shift, add, y);
    break;
  default:
    Forward(L, C, norm, shift, add, y);
  }
}

void TP_KERNEL_JOIN(TpNormBackward, TP_KERNEL_ISA)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[],
                                                   TpNumber dx[], TpNumber dgain[], TpNumber doffset[], TpNumber sums[],
                                                   const TpNumber shift[], TpNumber y[])
{
  switch (C) {
  case 32:
    Backward(L, 32, norm, dy, dx, dgain, doffset, sums, shift, y);
    break;
  case 64:
    Backward(L, 64, norm, dy, dx, dgain, doffset, sums, shift, y);
    break;
  case 128:
    Backward(L, 128, norm, dy, dx, dgain, doffset, sums, shift, y);
    break;
  default:
    Backward(L, C, norm, dy, dx, dgain, doffset, sums, shift, y);
  }
}
