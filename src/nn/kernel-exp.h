/* Functions inside the vectorised loops of the kernels: the exponential and the inverse of a root. Private to the kernels. */
#pragma once

#include "tempera/nn.h"

#include <math.h>
#include <string.h>

/* exp(x) of a float to about one unit in the last place: x = n ln 2 + r, a polynomial for exp(r), and 2^n put into the exponent bits.
   No branch and no library call, so the loops run on whole vectors. For numbers within +-60, where sigmoid is 1e-26 or
   1: further out it would make denormal numbers, which are slow. */
#ifdef TP_NN_DOUBLE
static inline double Exp(double x)
{
  return exp(x);
}

static inline double ExpUpTo20(double x)
{
  return exp(x > 20 ? 20 : x);
}

static inline double ExpOfNegative(double x)
{
  return exp(x);
}

static inline double InverseRoot(double x)
{
  return 1 / sqrt(x);
}
#else
static inline float ExpWithin60(float x)
{
  const float magic   = 0x1.8p23f; /* adding it rounds to the nearest integer, left in the low bits */
  const float shifted = x * 0x1.715476p0f + magic;
  const float n       = shifted - magic;
  const float r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f; /* ln 2 in two parts: the first product is exact */
  float       p = 1.0f / 5040;
  float       scale;
  int32_t     bits;

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

/* exp(x) of x clamped to +-60; NaN stays NaN. */
static inline float Exp(float x)
{
  return ExpWithin60(x > 60.0f ? 60.0f : (x < -60.0f ? -60.0f : x));
}

/* The same of x <= 0. */
static inline float ExpOfNegative(float x)
{
  return ExpWithin60(x < -60.0f ? -60.0f : x);
}

/* exp(x) of x clamped to -60 .. 20, of NaN too. By the bits, which order numbers of one sign like integers: compilers make one instruction of each clamp. */
static inline float ExpUpTo20(float x)
{
  int32_t  bits;
  uint32_t low;

  memcpy(&bits, &x, sizeof bits);
  low = (uint32_t)(bits < 0x41a00000 ? bits : 0x41a00000); /* 20 */
  low = low < 0xc2700000u ? low : 0xc2700000u;             /* -60 */
  memcpy(&x, &low, sizeof x);
  return ExpWithin60(x);
}

/* 1 / sqrt(x) to about one unit in the last place, 1e-30 < x; 1e-19 beyond 1e38. The bits of a float are nearly its logarithm, so an integer makes a first
   guess, off by 3.5 % at most, and each step makes an error h into 3/2 h^2. Quicker than a root and a division. */
static inline float InverseRoot(float x)
{
  float   r;
  int32_t bits;

  memcpy(&bits, &x, sizeof bits);
  bits = bits < 0x7e967699 ? bits : 0x7e967699; /* 1e38 */
  memcpy(&x, &bits, sizeof x);
  bits = 0x5f3759df - (bits >> 1);
  memcpy(&r, &bits, sizeof r);
  for (int i = 0; i < 3; i++) r = r + r * (0.5f - 0.5f * (x * r) * r);
  return r;
}
#endif
