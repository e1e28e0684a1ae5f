/* The vectors of one instruction set, with parts of vectors at the right edge of a matrix. Private to the kernels. */
#pragma once

#include "tempera/nn.h"

#include <string.h>

#define LANES (TP_KERNEL_BYTES / (int)sizeof(TpNumber))
#define PANEL (2 * LANES) /* columns held in registers */

typedef TpNumber Vector __attribute__((vector_size(TP_KERNEL_BYTES)));
typedef TpNumber Unaligned __attribute__((vector_size(TP_KERNEL_BYTES), aligned(sizeof(TpNumber)), may_alias));

/* Numbers of lanes, for shuffles. */
#ifdef TP_NN_DOUBLE
typedef int64_t Lane;
#else
typedef int32_t Lane;
#endif
typedef Lane Lanes __attribute__((vector_size(TP_KERNEL_BYTES)));

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The first `width` lanes from memory, zeros beyond: edges run through the same instructions as the rest. */
ALWAYS_INLINE Vector Load(const TpNumber at[], int width)
{
  Vector vector = {0};

  if (width == LANES)
    vector = *(const Unaligned *)at;
  else
    memcpy(&vector, at, (size_t)width * sizeof *at);
  return vector;
}

ALWAYS_INLINE void Store(TpNumber at[], int width, Vector vector)
{
  if (width == LANES)
    *(Unaligned *)at = vector;
  else
    memcpy(at, &vector, (size_t)width * sizeof *at);
}

/* Lane j of vector i and lane i of vector j change places. */
ALWAYS_INLINE void Transpose(Vector vectors[LANES])
{
#pragma GCC unroll 4
  for (int w = 1; w < LANES; w *= 2) {
    Lanes near = {0}, far = {0};

#pragma GCC unroll 16
    for (int j = 0; j < LANES; j++) {
      near[j] = j & w ? LANES + (j ^ w) : j;
      far[j]  = j & w ? LANES + j : j ^ w;
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) {
      if (!(i & w)) {
        const Vector a = vectors[i], b = vectors[i + w];

        vectors[i]     = __builtin_shuffle(a, b, near);
        vectors[i + w] = __builtin_shuffle(a, b, far);
      }
    }
  }
}
