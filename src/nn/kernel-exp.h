/* The exponential inside the vectorised loops of the kernels. Private to them. */
#pragma once

#include "tempera/nn.h"

#include <math.h>
#include <string.h>

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
