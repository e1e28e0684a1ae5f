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
