/* Mish and group normalisation, for one instruction set (suffix TP_KERNEL_ISA). Sums by explicit vectors, the rest by plain loops that compilers vectorise. */
#include "kernel-exp.h"
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

/* ---------------------------------------------------------------------------------------------------------------- mish */

/* tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2): no digits lost at either end. Beyond 20 it is 1. */
static inline TpNumber Gate(TpNumber x)
{
  const TpNumber e = ExpUpTo20(x), n = e * (e + 2);

  return n / (n + 2);
}

/* mish'(x), and the gate. */
static inline TpNumber MishSlope(TpNumber x, TpNumber *gate)
{
  const TpNumber e = ExpUpTo20(x), n = e * (e + 2), r = 1 / (n + 2);

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

/* Each lane and the one `w` away, a power of two: both become their sum. */
ALWAYS_INLINE Vector SumPairs(Vector vector, int w)
{
  Lanes other = {0};

#pragma GCC unroll 16
  for (int j = 0; j < LANES; j++) other[j] = j ^ w;
  return vector + __builtin_shuffle(vector, other);
}

/* `size` lanes that follow each other, a power of two up to LANES: each becomes the sum of all. */
ALWAYS_INLINE Vector SumNeighbours(Vector vector, PetscInt size)
{
  if (size > 1) vector = SumPairs(vector, 1);
  if (size > 2) vector = SumPairs(vector, 2);
  if (size > 4) vector = SumPairs(vector, 4);
  if (size > 8) vector = SumPairs(vector, 8);
  return vector;
}

/* Each number of [TP_TILE][C] becomes `factor` times the sum over its row's group. */
ALWAYS_INLINE void SumGroups(PetscInt C, TpNumber factor, TpNumber numbers[])
{
  const PetscInt size = C / TP_GROUPS, near = PetscMin(size, LANES), block = PetscMax(size, LANES);

  if (size & (size - 1)) {
    for (PetscInt g = 0; g < TP_TILE * C; g += size) {
      TpNumber sum = 0;

      for (PetscInt j = g; j < g + size; j++) sum += numbers[j];
      for (PetscInt j = g; j < g + size; j++) numbers[j] = sum * factor;
    }
    return;
  }
  for (PetscInt g = 0; g < TP_TILE * C; g += block) {
    Vector sum = Load(numbers + g, LANES);

    for (PetscInt j = LANES; j < block; j += LANES) sum += Load(numbers + g + j, LANES);
    sum = SumNeighbours(sum, near) * factor;
    for (PetscInt j = 0; j < block; j += LANES) Store(numbers + g + j, LANES, sum);
  }
}

#define FEW                                                                                                            \
  4 /* vectors that are summed side by side, as one sum would wait for each addition; TP_TILE C is a multiple of them */

/* mean and scale [TP_TILE][C]. */
ALWAYS_INLINE void Statistics(PetscInt L, PetscInt C, const TpNumber x[], TpNumber mean[], TpNumber scale[])
{
  const TpNumber factor = (TpNumber)1 / (TpNumber)(L * (C / TP_GROUPS));
  const PetscInt size   = TP_TILE * C;

  for (PetscInt j = 0; j < size; j += FEW * LANES) {
    Vector sum[FEW] = {{0}};

    for (PetscInt l = 0; l < L; l++) {
#pragma GCC unroll 4
      for (int k = 0; k < FEW; k++) sum[k] += Load(x + l * size + j + k * LANES, LANES);
    }
#pragma GCC unroll 4
    for (int k = 0; k < FEW; k++) Store(mean + j + k * LANES, LANES, sum[k]);
  }
  SumGroups(C, factor, mean);
  for (PetscInt j = 0; j < size; j += FEW * LANES) {
    Vector sum[FEW] = {{0}};

    for (PetscInt l = 0; l < L; l++) {
#pragma GCC unroll 4
      for (int k = 0; k < FEW; k++) {
        const Vector distance = Load(x + l * size + j + k * LANES, LANES) - Load(mean + j + k * LANES, LANES);

        sum[k] += distance * distance;
      }
    }
#pragma GCC unroll 4
    for (int k = 0; k < FEW; k++) Store(scale + j + k * LANES, LANES, sum[k]);
  }
  SumGroups(C, factor, scale);
  for (PetscInt j = 0; j < size; j++) scale[j] = InverseRoot(scale[j] + (TpNumber)EPSILON);
}

/* y = start + mish(z), one row s at one position; start NULL: zero. */
ALWAYS_INLINE void Value(PetscInt C, const TpNorm *norm, PetscInt s, const TpNumber x[], const TpNumber start[],
                         TpNumber y[])
{
  const TpNumber *restrict gain = norm->gain, *restrict offset = norm->offset;
  const TpNumber *restrict mean = norm->mean + s * C, *restrict scale = norm->scale + s * C;

  if (start) {
#pragma GCC ivdep
    for (PetscInt j = 0; j < C; j++) {
      const TpNumber z = (x[j] - mean[j]) * scale[j] * gain[j] + offset[j];

      y[j] = start[j] + z * Gate(z);
    }
  } else {
#pragma GCC ivdep
    for (PetscInt j = 0; j < C; j++) {
      const TpNumber z = (x[j] - mean[j]) * scale[j] * gain[j] + offset[j];

      y[j] = z * Gate(z);
    }
  }
}

ALWAYS_INLINE void Forward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[], const TpNumber start[],
                           TpNumber y[])
{
  Statistics(L, C, norm->x, norm->mean, norm->scale);
  for (PetscInt l = 0; l < L; l++) {
    for (PetscInt s = 0; s < TP_TILE; s++) {
      const PetscInt at = (l * TP_TILE + s) * C;

      Value(C, norm, s, norm->x + at, shift ? shift + s * C : (start ? start + at : NULL), y + at);
    }
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

/* Sums [2][TP_TILE][C] over positions of dz, alone and times the normalised x. */
ALWAYS_INLINE void BackwardSums(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dz[], TpNumber sums[])
{
  const PetscInt size = TP_TILE * C;

  for (PetscInt j = 0; j < size; j += FEW * LANES) {
    Vector plain[FEW] = {{0}}, weighted[FEW] = {{0}};

    for (PetscInt l = 0; l < L; l++) {
#pragma GCC unroll 4
      for (int k = 0; k < FEW; k++) {
        const PetscInt at = j + k * LANES;
        const Vector   d  = Load(dz + l * size + at, LANES);

        plain[k] += d;
        weighted[k] += d * (Load(norm->x + l * size + at, LANES) - Load(norm->mean + at, LANES));
      }
    }
#pragma GCC unroll 4
    for (int k = 0; k < FEW; k++) {
      const PetscInt at = j + k * LANES;

      Store(sums + at, LANES, plain[k]);
      Store(sums + size + at, LANES, weighted[k] * Load(norm->scale + at, LANES));
    }
  }
}

/* From the sums: gradients of gain and offset, and sums such that dx = scale gain dz - sums[0] - sums[1] (x - mean). */
ALWAYS_INLINE void BackwardFactors(PetscInt L, PetscInt C, const TpNorm *norm, TpNumber dgain[], TpNumber doffset[],
                                   TpNumber sums[])
{
  const TpNumber *restrict gain = norm->gain;
  const PetscInt size           = TP_TILE * C;
  const TpNumber factor         = (TpNumber)1 / (TpNumber)(L * (C / TP_GROUPS));

  for (PetscInt s = 0; s < TP_TILE; s++) {
    TpNumber *restrict plain = sums + s * C, *restrict weighted = sums + size + s * C;

    for (PetscInt j = 0; j < C; j++) {
      doffset[j] += plain[j];
      dgain[j] += weighted[j];
      plain[j] *= gain[j];
      weighted[j] *= gain[j];
    }
  }
  SumGroups(C, factor, sums);
  SumGroups(C, factor, sums + size);
  for (PetscInt j = 0; j < size; j++) {
    sums[size + j] *= norm->scale[j];
  }
}

ALWAYS_INLINE void Backward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[], TpNumber dx[],
                            TpNumber dgain[], TpNumber doffset[], TpNumber sums[], const TpNumber shift[], TpNumber y[])
{
  const TpNumber *restrict gain = norm->gain;
  const PetscInt size           = TP_TILE * C;

  for (PetscInt l = 0; l < L; l++) {
    for (PetscInt s = 0; s < TP_TILE; s++) {
      const PetscInt at = l * size + s * C;

      if (!y)
        SlopeOnly(C, norm, s, norm->x + at, dy + at, dx + at);
      else
        SlopeAndValue(C, norm, s, norm->x + at, dy + at, dx + at, shift ? shift + s * C : NULL, y + at);
    }
  }
  BackwardSums(L, C, norm, dx, sums);
  BackwardFactors(L, C, norm, dgain, doffset, sums);
  for (PetscInt l = 0; l < L; l++) {
    for (PetscInt s = 0; s < TP_TILE; s++) {
      const TpNumber *restrict x = norm->x + l * size + s * C, *restrict mean = norm->mean + s * C;
      const TpNumber *restrict scale = norm->scale + s * C;
      const TpNumber *restrict plain = sums + s * C, *restrict weighted = sums + size + s * C;
      TpNumber *restrict to = dx + l * size + s * C;

#pragma GCC ivdep
      for (PetscInt j = 0; j < C; j++) to[j] = scale[j] * (gain[j] * to[j] - plain[j] - (x[j] - mean[j]) * weighted[j]);
    }
  }
}

/* Usual numbers of channels are written out, so that the compiler unrolls the short loops over them. */
void TP_KERNEL_JOIN(TpNormForward, TP_KERNEL_ISA)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[],
                                                  const TpNumber start[], TpNumber y[])
{
  switch (C) {
  case 32:
    Forward(L, 32, norm, shift, start, y);
    break;
  case 64:
    Forward(L, 64, norm, shift, start, y);
    break;
  case 128:
    Forward(L, 128, norm, shift, start, y);
    break;
  default:
    Forward(L, C, norm, shift, start, y);
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
