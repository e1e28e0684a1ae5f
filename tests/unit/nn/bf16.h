/* Rounding to bf16 written out, for tests of kernels that round: the products of such numbers are exact, and their sums err as those of single precision do. */
#pragma once

#include <math.h>

/* To 8 bits of mantissa, ties to even. */
static inline double RoundToBf16(double number)
{
  int          exponent;
  const double mantissa = frexp(number, &exponent);

  return ldexp(nearbyint(ldexp(mantissa, 8)), exponent - 8);
}
