/* A smooth curve through given points. */
#include "tempera/ti.h"

/* The slope at point i of the parabola through it and its neighbours; at an end, of the parabola through the last three. */
static double SlopeAt(PetscInt n, const double x[], const double y[], PetscInt i)
{
  if (n < 2) return 0.0;
  if (n == 2) return (y[1] - y[0]) / (x[1] - x[0]);
  const PetscInt middle = PetscMax(1, PetscMin(i, n - 2));
  const double   before = x[middle] - x[middle - 1], after = x[middle + 1] - x[middle];
  const double   left = (y[middle] - y[middle - 1]) / before, right = (y[middle + 1] - y[middle]) / after;
  const double   bend = (right - left) / (before + after);

  return left + bend * before + 2.0 * bend * (x[i] - x[middle]);
}

double TpCurve(PetscInt n, const double x[], const double y[], double at)
{
  PetscInt i = 0;

  if (n == 1) return y[0];
  while (i < n - 2 && at > x[i + 1]) ++i;
  const double width = x[i + 1] - x[i], s = (at - x[i]) / width;
  const double left = SlopeAt(n, x, y, i), right = SlopeAt(n, x, y, i + 1);

  if (s < 0.0) return y[i] + left * (at - x[i]);
  if (s > 1.0) return y[i + 1] + right * (at - x[i + 1]);
  return y[i] * (1.0 + 2.0 * s) * (1.0 - s) * (1.0 - s) + left * width * s * (1.0 - s) * (1.0 - s) +
         y[i + 1] * s * s * (3.0 - 2.0 * s) - right * width * s * s * (1.0 - s);
}
