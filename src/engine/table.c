/* Drawing from a density given at equidistant points: exact for the density that is linear between them. */
#include "potential-impl.h"

#include <math.h>

void TpTableSum(PetscInt count, const double density[], double cumulative[])
{
  cumulative[0] = 0;
  for (PetscInt i = 1; i < count; ++i) cumulative[i] = cumulative[i - 1] + 0.5 * (density[i - 1] + density[i]);
}

/* The last cell that begins at or below `target`. */
static PetscInt Cell(PetscInt count, const double cumulative[], double target)
{
  PetscInt lower = 0, upper = count - 1;

  while (upper - lower > 1) {
    const PetscInt middle = (lower + upper) / 2;

    if (cumulative[middle] <= target)
      lower = middle;
    else
      upper = middle;
  }
  return lower;
}

double TpTableDraw(PetscInt count, const double density[], const double cumulative[], double u)
{
  const double   target = u * cumulative[count - 1];
  const PetscInt cell   = Cell(count, cumulative, target);
  const double   left = density[cell], right = density[cell + 1];
  const double   rest = target - cumulative[cell];
  /* the root of left t + (right - left) t^2 / 2 = rest, in the form that does not cancel */
  const double root = sqrt(fmax(0, left * left + 2.0 * (right - left) * rest));
  const double sum  = left + root;

  return (double)cell + (sum > 0 ? fmin(1.0, 2.0 * rest / sum) : 0.5);
}
