/* The Jensen-Shannon divergence against values known in closed form. */
#include "tempera/thermo.h"
#include "test.h"

#include <math.h>

static void KnownValues(void)
{
  const double left[2]  = {1.0, 0.0};
  const double right[2] = {0.0, 1.0};
  const double even[2]  = {1.0, 1.0};
  const double p[3]     = {0.5, 0.25, 0.25};
  const double q[3]     = {0.25, 0.25, 0.5};

  TpTestExpectClose(TpJensenShannon(2, left, right), log(2.0), 1e-15);
  /* m = (3/4, 1/4): (ln(4/3) + ln(2/3)/2 + ln(2)/2) / 2 = (3/4) ln(4/3) */
  TpTestExpectClose(TpJensenShannon(2, left, even), 0.75 * log(4.0 / 3.0), 1e-15);
  /* m = (3/8, 1/4, 3/8): (1/2) ln(4/3) + (1/4) ln(2/3) */
  TpTestExpectClose(TpJensenShannon(3, p, q), 0.5 * log(4.0 / 3.0) + 0.25 * log(2.0 / 3.0), 1e-15);
}

static void PropertiesOfADivergence(void)
{
  const double p[4]      = {3.0, 1.0, 0.0, 4.0};
  const double q[4]      = {1.0, 5.0, 9.0, 2.0};
  const double scaled[4] = {0.75, 0.25, 0.0, 1.0};

  TpTestExpectClose(TpJensenShannon(4, p, p), 0.0, 0.0);
  TpTestExpectClose(TpJensenShannon(4, p, scaled), 0.0, 1e-16);
  TpTestExpectClose(TpJensenShannon(4, p, q), TpJensenShannon(4, q, p), 1e-16);
  TpTestExpect(TpJensenShannon(4, p, q) > 0.1);
}

/* Two unit Gaussians a small distance d apart: JS = d^2 / 8 + O(d^4), as for any family JS = (Fisher information) d^2 / 8. */
static void ShiftedGaussians(void)
{
  enum { BINS = 2000 };
  const double distance = 0.05;
  double       p[BINS], q[BINS];

  for (int i = 0; i < BINS; ++i) {
    const double x = -8.0 + 16.0 * (i + 0.5) / BINS;

    p[i] = exp(-0.5 * x * x);
    q[i] = exp(-0.5 * (x - distance) * (x - distance));
  }
  TpTestExpectClose(TpJensenShannon(BINS, p, q) / (distance * distance / 8.0), 1.0, 1e-3);
}

static void EmptyHistogramsAreNoAnswer(void)
{
  const double empty[2] = {0.0, 0.0};
  const double full[2]  = {1.0, 2.0};

  TpTestExpect(isnan(TpJensenShannon(2, empty, full)));
  TpTestExpect(isnan(TpJensenShannon(2, full, empty)));
  TpTestExpect(isnan(TpJensenShannon(0, full, full)));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  KnownValues();
  PropertiesOfADivergence();
  ShiftedGaussians();
  EmptyHistogramsAreNoAnswer();
  return TpTestEnd();
}
