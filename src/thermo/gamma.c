/* The incomplete gamma function. */
#include "thermo-impl.h"

#include <math.h>

/* Its series below the mean, Lentz's continued fraction above. */
double TpGammaCumulative(double a, double x)
{
  if (x <= 0.0) return 0.0;
  const double factor = exp(a * log(x) - x - lgamma(a));

  if (x < a + 1.0) {
    double term = 1.0 / a, sum = term;

    for (int n = 1; n < 100000 && term > 1e-16 * sum; ++n) {
      term *= x / (a + n);
      sum += term;
    }
    return factor * sum;
  }
  double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, fraction = d, change = 0.0;

  for (int n = 1; n < 100000 && fabs(change - 1.0) > 1e-15; ++n) {
    const double numerator = -n * (n - a);

    b += 2.0;
    d      = numerator * d + b;
    d      = 1.0 / (fabs(d) < 1e-300 ? 1e-300 : d);
    c      = b + numerator / c;
    c      = fabs(c) < 1e-300 ? 1e-300 : c;
    change = d * c;
    fraction *= change;
  }
  return 1.0 - factor * fraction;
}
