/* What the rejections of neighbours tell of a ladder: its barrier, its round trips, how many rungs it wants and where. Pure functions. */
#include "tempera/ladder.h"

#include <math.h>

double TpBarrierSum(PetscInt num_pairs, const double rejection[])
{
  double sum = 0;

  for (PetscInt i = 0; i < num_pairs; ++i) sum += rejection[i];
  return sum;
}

double TpBarrierRoundTripRate(PetscInt scheme, PetscInt num_pairs, const double rejection[])
{
  double sum = 0;

  if (scheme != TP_SCHEME_DEO && scheme != TP_SCHEME_SEO) return NAN;
  for (PetscInt i = 0; i < num_pairs; ++i) sum += rejection[i] / (1 - rejection[i]);
  return 1 / ((scheme == TP_SCHEME_DEO ? 2 : 2 * (double)num_pairs) + 2 * sum);
}

PetscInt TpBarrierBestRungs(double barrier)
{
  return 1 + (PetscInt)PetscMax(1, ceil(2 * barrier));
}

/* --------------------------------------------------------------------------------------------------- Gaussian energies */

static const double half_root_pi = 0.88622692545275801365;

double TpBarrierRejection(double length)
{
  return erf(half_root_pi * length);
}

/* By halving: erf reaches 1 in double precision at 5.9, and every bit of the answer is settled after 60 steps. */
double TpBarrierLength(double rejection)
{
  double low = 0, high = 6;

  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;

    if (erf(middle) < rejection)
      low = middle;
    else
      high = middle;
  }
  return low / half_root_pi;
}

PetscInt TpBarrierRungsFor(double length, double acceptance)
{
  const double interval = TpBarrierLength(1 - acceptance);

  return 1 +
         (PetscInt)PetscMax(1, ceil(length / interval * (1 - 1e-12))); /* a whole number of intervals is not one more */
}

/* -------------------------------------------------------------------------------------------------------- interpolation */

/* At an end: the slope of the parabola through three points, as far as the cubic stays monotone; a, b: widths of the end's interval and the next. */
static double EndSlope(double a, double barrier, double b, double next)
{
  const double slope = ((2 * a + b) * barrier / a - a * next / b) / (a + b);

  return PetscMin(PetscMax(slope, 0), 3 * barrier / a);
}

/* Slope of the monotone cubic at rung i: the weighted harmonic mean of the neighbouring secants (Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5
   (1984) 300). */
static double Slope(PetscInt num_pairs, const double beta[], const double barrier[], PetscInt i)
{
  const PetscInt left = PetscMax(i - 1, 0), right = PetscMin(i, num_pairs - 1);
  const double   a = beta[left] - beta[left + 1], b = beta[right] - beta[right + 1];

  if (num_pairs == 1) return barrier[0] / a;
  if (i == 0) return EndSlope(b, barrier[0], beta[1] - beta[2], barrier[1]);
  if (i == num_pairs) return EndSlope(a, barrier[left], beta[left - 1] - beta[left], barrier[left - 1]);
  if (barrier[left] <= 0 || barrier[right] <= 0) return 0;
  return 3 * (a + b) / ((2 * b + a) * a / barrier[left] + (b + 2 * a) * b / barrier[right]);
}

/* Barrier within interval i from its lower rung to the share s in [0, 1] of its width in beta: a cubic of Hermite's form. */
static double Within(PetscInt num_pairs, const double beta[], const double barrier[], PetscInt i, double s)
{
  const double width = beta[i] - beta[i + 1], rest = 1 - s;
  const double first = width * Slope(num_pairs, beta, barrier, i),
               last  = width * Slope(num_pairs, beta, barrier, i + 1);

  return barrier[i] * s * s * (3 - 2 * s) + first * s * rest * rest - last * s * s * rest;
}

/* The share of interval i where so much of its barrier is passed. Within() does not decrease, so halving finds it. */
static double ShareAt(PetscInt num_pairs, const double beta[], const double barrier[], PetscInt i, double passed)
{
  double low = 0, high = 1;

  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;

    if (Within(num_pairs, beta, barrier, i, middle) < passed)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void TpBarrierSpace(PetscInt num_pairs, const double beta[], const double barrier[], PetscInt num_rungs,
                    double spaced[])
{
  const double total  = TpBarrierSum(num_pairs, barrier);
  double       before = 0; /* barrier of the intervals before interval i */
  PetscInt     i      = 0;

  spaced[0]             = beta[0];
  spaced[num_rungs - 1] = beta[num_pairs];
  for (PetscInt k = 1; k + 1 < num_rungs; ++k) {
    const double wanted = total * (double)k / (double)(num_rungs - 1);

    while (i + 1 < num_pairs && before + barrier[i] < wanted) before += barrier[i++];
    spaced[k] = beta[i] - (beta[i] - beta[i + 1]) * ShareAt(num_pairs, beta, barrier, i, wanted - before);
  }
}
