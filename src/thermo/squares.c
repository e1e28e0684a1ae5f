/* Sums of squares of correlated Gaussian numbers: what a distance of two distributions is that differ by their sampling noise alone. */
#include "thermo-impl.h"

#include <math.h>

static double Product(PetscInt size, const float x[], const float y[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < size; ++i) sum += (double)x[i] * (double)y[i];
  return sum;
}

/* gram [count, count] of the draws, its diagonal summed apart */
static double FillGram(PetscInt count, PetscInt size, PetscInt stride, const float draw[], double gram[])
{
  double trace = 0.0;

  for (PetscInt r = 0; r < count; ++r) {
    for (PetscInt s = 0; s < r; ++s)
      gram[r * count + s] = gram[s * count + r] = Product(size, draw + r * stride, draw + s * stride);
    gram[r * count + r] = 0.0;
    trace += Product(size, draw + r * stride, draw + r * stride);
  }
  return trace;
}

/*
  With S = sum_i lambda_i z_i^2, products of different draws give s_m = sum_i lambda_i^m without bias: <x_r x_s>^2 for m = 2, and
  <x_r x_s> <x_s x_t> <x_t x_r> for m = 3. Noise must not carry them out of s_2 <= s_1^2 and s_2^2 / s_1 <= s_3 <= s_2^(3/2).
*/
PetscErrorCode TpSquaresFit(PetscInt count, PetscInt size, PetscInt stride, const float draw[], TpSquares *squares)
{
  const double n      = (double)count;
  double       second = 0.0, third = 0.0;
  double      *gram;

  PetscFunctionBeginUser;
  PetscCheck(count >= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d draws; a fit takes three", (int)count);
  PetscCall(PetscMalloc1(count * count, &gram));
  const double trace = FillGram(count, size, stride, draw, gram);

  for (PetscInt r = 0; r < count; ++r) {
    for (PetscInt s = 0; s < count; ++s) {
      second += PetscSqr(gram[r * count + s]);
      for (PetscInt t = 0; t < count; ++t) third += gram[r * count + s] * gram[s * count + t] * gram[t * count + r];
    }
  }
  PetscCall(PetscFree(gram));
  const double s1 = trace / n, s2 = PetscMin(second / (n * (n - 1.0)), s1 * s1);
  const double s3 = PetscMin(PetscMax(third / (n * (n - 1.0) * (n - 2.0)), s2 * s2 / s1), s2 * sqrt(s2));

  *squares = (TpSquares){.mean = s1, .second = s2, .third = s3};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The chi squared law, shifted and scaled, with the same first three cumulants (Hall, Buckley and Eagleson). */
double TpSquaresTail(const TpSquares *squares, double value)
{
  if (!(squares->second > 0.0) || !(squares->third > 0.0)) return value > squares->mean ? 0.0 : 1.0;
  const double degrees = pow(squares->second, 3.0) / PetscSqr(squares->third);
  const double x       = degrees + (value - squares->mean) * sqrt(degrees / squares->second);

  return x > 0.0 ? PetscMax(0.0, 1.0 - TpGammaCumulative(0.5 * degrees, 0.5 * x)) : 1.0;
}

double TpSquaresLimit(const TpSquares *squares, double p)
{
  double low = 0.0, high = squares->mean;

  while (TpSquaresTail(squares, high) > p && high < 1e6 * squares->mean) high *= 2.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);

    if (TpSquaresTail(squares, middle) > p)
      low = middle;
    else
      high = middle;
  }
  return high;
}
