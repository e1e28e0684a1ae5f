/* How far two distributions are apart. */
#include "tempera/thermo.h"

#include <math.h>

static double Sum(PetscInt n, const double x[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < n; ++i) sum += x[i];
  return sum;
}

static double Term(double p, double middle)
{
  return p > 0.0 ? p * log(p / middle) : 0.0;
}

double TpJensenShannon(PetscInt bins, const double p[], const double q[])
{
  const double sum_p      = Sum(bins, p);
  const double sum_q      = Sum(bins, q);
  double       divergence = 0.0;

  if (!(sum_p > 0.0 && sum_q > 0.0 && isfinite(sum_p) && isfinite(sum_q))) return (double)NAN;
  for (PetscInt i = 0; i < bins; ++i) {
    const double a      = p[i] / sum_p;
    const double b      = q[i] / sum_q;
    const double middle = 0.5 * (a + b);

    divergence += 0.5 * (Term(a, middle) + Term(b, middle));
  }
  return PetscMin(PetscMax(divergence, 0.0), log(2.0)); /* rounding may step over either end */
}
