/* A population on its way down the ladder: weights, steps, resampling, and who is descended from whom. */
#include "tempera/ladder.h"

#include <math.h>

/* ln of the largest weight, so that no exponential overflows. */
static double LargestExponent(PetscInt n, const double energy[], double step)
{
  double largest = -step * energy[0];

  for (PetscInt i = 1; i < n; ++i) largest = PetscMax(largest, -step * energy[i]);
  return largest;
}

double TpPopulationWeigh(PetscInt n, const double energy[], double step, double weight[], double *effective)
{
  const double largest = LargestExponent(n, energy, step);
  double       sum = 0.0, squares = 0.0;

  for (PetscInt i = 0; i < n; ++i) {
    weight[i] = exp(-step * energy[i] - largest);
    sum += weight[i];
    squares += weight[i] * weight[i];
  }
  for (PetscInt i = 0; i < n; ++i) weight[i] *= n / sum;
  *effective = sum * sum / (squares * n);
  return largest + log(sum / n);
}

double TpPopulationStep(PetscInt n, const double energy[], double whole, double fraction, double weight[])
{
  enum { BISECTIONS = 40 };
  double low = 0.0, high = whole, effective;

  TpPopulationWeigh(n, energy, whole, weight, &effective);
  if (effective >= fraction) return whole;
  for (int i = 0; i < BISECTIONS; ++i) {
    const double middle = 0.5 * (low + high);

    TpPopulationWeigh(n, energy, middle, weight, &effective);
    if (effective >= fraction)
      low = middle;
    else
      high = middle;
  }
  return high; /* not low, which may still be 0: each step leads somewhere */
}

/* How many of the points uniform, uniform + 1, ... lie below `end`. */
static PetscInt PointsBelow(PetscInt n, double end, double uniform)
{
  const double points = ceil(end - uniform);

  return points <= 0.0 ? 0 : points >= n ? n : (PetscInt)points;
}

void TpPopulationResample(PetscInt n, const double weight[], double uniform, PetscInt copies[])
{
  double   end  = 0.0;
  PetscInt last = 0;

  for (PetscInt i = 0; i < n; ++i) {
    end += weight[i];
    const PetscInt points = PointsBelow(n, end, uniform);

    copies[i] = points - last;
    last      = points;
  }
  /* The sum of the weights is n up to rounding, which may cost the last point: it is the last member's that has weight. */
  for (PetscInt i = n - 1; last < n; --i) {
    if (!(weight[i] > 0.0)) continue;
    copies[i] += n - last;
    last = n;
  }
}

void TpPopulationPlace(PetscInt n, const PetscInt copies[], PetscInt source[])
{
  PetscInt parent = 0, left = copies[0] - 1;

  for (PetscInt i = 0; i < n; ++i) {
    if (copies[i] > 0) {
      source[i] = i;
      continue;
    }
    while (left <= 0) left = copies[++parent] - 1;
    source[i] = parent;
    --left;
  }
}

/* ---------------------------------------------------------------------------------------------------------- families */

void TpFamiliesCount(PetscInt n, const int32_t family[], PetscInt size[], PetscInt *alive, double *mean_size)
{
  double squares = 0.0;

  *alive = 0;
  for (PetscInt f = 0; f < n; ++f) size[f] = 0;
  for (PetscInt i = 0; i < n; ++i) ++size[family[i]];
  for (PetscInt f = 0; f < n; ++f) {
    *alive += size[f] > 0;
    squares += (double)size[f] * (double)size[f];
  }
  *mean_size = squares / n;
}

void TpFamiliesDraw(uint64_t seed, uint32_t replicate, PetscInt n, PetscInt width, const double sum[], double total[])
{
  enum { PIECE = 256 };
  double uniform[PIECE];

  for (PetscInt q = 0; q < width; ++q) total[q] = 0.0;
  for (PetscInt first = 0; first < n; first += PIECE) {
    const PetscInt count = PetscMin(PIECE, n - first);

    TpRandomUniform(seed, TP_RANDOM_BOOTSTRAP, replicate, (uint64_t)(first / PIECE), count, uniform);
    for (PetscInt i = 0; i < count; ++i) {
      const double *drawn = sum + (size_t)width * (size_t)(uniform[i] * n);

      for (PetscInt q = 0; q < width; ++q) total[q] += drawn[q];
    }
  }
}
