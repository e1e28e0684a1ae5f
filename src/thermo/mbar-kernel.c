/* The inner loops of MBAR for one instruction set: exponentials of a block of samples, written so that compilers make vectors of them. */
#include "mbar-kernel.h"

#include <string.h>

TP_MBAR_DECLARE(TP_MBAR_ISA);

/* Adding it moves a number's integer part into the last bits, so rounding and conversion are one addition. */
static const double integer_shift = 6755399441055744.0; /* 1.5 x 2^52 */

/*
  e^x for x <= 709: x = n ln 2 + r, |r| <= ln 2 / 2; Taylor's series of e^r to r^13 leaves 4e-18; n goes into the exponent's bits.
  Below -300 it stays at its value there: a weight of 5e-131 is none, and its square is no denormal number yet, which would cost a hundred times more.
  NaN stays NaN.
*/
static inline double Exponential(double x)
{
  const double above   = x < -300.0 ? -300.0 : x;
  const double shifted = above * 1.4426950408889634 + integer_shift;
  const double n       = shifted - integer_shift;
  const double r       = (above - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double       y       = 1.0 / 6227020800.0;
  int64_t      bits, power;

  y = y * r + 1.0 / 479001600.0;
  y = y * r + 1.0 / 39916800.0;
  y = y * r + 1.0 / 3628800.0;
  y = y * r + 1.0 / 362880.0;
  y = y * r + 1.0 / 40320.0;
  y = y * r + 1.0 / 5040.0;
  y = y * r + 1.0 / 720.0;
  y = y * r + 1.0 / 120.0;
  y = y * r + 1.0 / 24.0;
  y = y * r + 1.0 / 6.0;
  y = y * r + 0.5;
  y = y * r + 1.0;
  y = y * r + 1.0;
  memcpy(&bits, &y, sizeof(bits));
  memcpy(&power, &shifted, sizeof(power));
  bits = (int64_t)((uint64_t)bits + ((uint64_t)power << 52));
  memcpy(&y, &bits, sizeof(y));
  return y;
}

/* ln x for 1 <= x < 2^31: x = 2^e m, ln m = 2 artanh((m - 1) / (m + 1)), |argument| <= 0.172, to the 21st power. */
static inline double Logarithm(double x)
{
  uint64_t bits, exponent_bits, mantissa_bits;
  double   exponent, mantissa, z, square, y;

  memcpy(&bits, &x, sizeof(bits));
  exponent_bits = (bits >> 52) | 0x4330000000000000; /* 2^52 + biased exponent, as a double */
  mantissa_bits = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
  memcpy(&exponent, &exponent_bits, sizeof(exponent));
  memcpy(&mantissa, &mantissa_bits, sizeof(mantissa));
  exponent -= 4503599627370496.0 + 1023.0;
  exponent += mantissa > 1.4142135623730951 ? 1.0 : 0.0;
  mantissa *= mantissa > 1.4142135623730951 ? 0.5 : 1.0;
  z      = (mantissa - 1.0) / (mantissa + 1.0);
  square = z * z;
  y      = 1.0 / 21.0;
  y      = y * square + 1.0 / 19.0;
  y      = y * square + 1.0 / 17.0;
  y      = y * square + 1.0 / 15.0;
  y      = y * square + 1.0 / 13.0;
  y      = y * square + 1.0 / 11.0;
  y      = y * square + 1.0 / 9.0;
  y      = y * square + 1.0 / 7.0;
  y      = y * square + 1.0 / 5.0;
  y      = y * square + 1.0 / 3.0;
  y      = 2.0 * z * (y * square + 1.0);
  return x == x ? exponent * 0.693147180559945309 + y : x;
}

void TP_MBAR_JOIN(TpMbarLadder, TP_MBAR_ISA)(PetscInt num_states, const double beta[], const double energy[],
                                             double u[])
{
  for (PetscInt k = 0; k < num_states; ++k) {
    for (int n = 0; n < TP_MBAR_BLOCK; ++n) u[k * TP_MBAR_BLOCK + n] = beta[k] * energy[n];
  }
}

static void Maximum(PetscInt num_states, const double offset[], double *restrict p, double *restrict largest)
{
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) largest[n] = -1e300;
  for (PetscInt k = 0; k < num_states; ++k) {
    double *restrict row = &p[k * TP_MBAR_BLOCK];

    for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
      row[n]     = offset[k] - row[n];
      largest[n] = row[n] > largest[n] ? row[n] : largest[n];
    }
  }
}

void TP_MBAR_JOIN(TpMbarSoftmax, TP_MBAR_ISA)(PetscInt num_states, const double offset[], const double root_weight[],
                                              double p[], double log_sum[], double gradient[])
{
  double largest[TP_MBAR_BLOCK], sum[TP_MBAR_BLOCK] = {0.0}, scale[TP_MBAR_BLOCK];

  Maximum(num_states, offset, p, largest);
  for (PetscInt k = 0; k < num_states; ++k) {
    double *restrict row = &p[k * TP_MBAR_BLOCK];

    for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
      row[n] = Exponential(row[n] - largest[n]);
      sum[n] += row[n];
    }
  }
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) scale[n] = root_weight[n] / sum[n];
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) log_sum[n] = largest[n] + Logarithm(sum[n]);
  for (PetscInt k = 0; k < num_states; ++k) {
    double *restrict row = &p[k * TP_MBAR_BLOCK];
    double total         = 0.0;

#pragma omp simd reduction(+ : total)
    for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
      row[n] *= scale[n];
      total += row[n] * root_weight[n];
    }
    gradient[k] += total;
  }
}

void TP_MBAR_JOIN(TpMbarExponential, TP_MBAR_ISA)(double x[])
{
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) x[n] = Exponential(x[n]);
}

void TP_MBAR_JOIN(TpMbarLogistic, TP_MBAR_ISA)(const double weight[], const double x[], double sums[2])
{
  double value = 0.0, slope = 0.0;

#pragma omp simd reduction(+ : value, slope)
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
    const double t     = Exponential(x[n] > 0.0 ? -x[n] : x[n]);
    const double small = t / (1.0 + t); /* the lesser of s(x) and s(-x): no cancellation in the slope */

    value += weight[n] * (x[n] > 0.0 ? 1.0 - small : small);
    slope += weight[n] * small / (1.0 + t);
  }
  sums[0] += value;
  sums[1] += slope;
}
