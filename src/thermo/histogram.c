/* Counts of values and of pairs in equal bins. */
#include "tempera/thermo.h"

#include <math.h>

/* The bin of a value; -1 for NaN, which has none. Compared as double: a far value must not overflow an integer. */
static PetscInt Bin(float value, double low, double high, PetscInt bins)
{
  const double position = ((double)value - low) / (high - low) * (double)bins;

  if (isnan(position)) return -1;
  if (position < 1.0) return 0;
  if (position >= (double)(bins - 1)) return bins - 1;
  return (PetscInt)position;
}

void TpHistogram(PetscInt64 n, const float x[], PetscInt64 stride, double low, double high, PetscInt bins,
                 double counts[])
{
  for (PetscInt64 i = 0; i < n; ++i) {
    const PetscInt bin = Bin(x[i * stride], low, high, bins);

    if (bin >= 0) counts[bin] += 1.0;
  }
}

void TpHistogram2D(PetscInt64 n, const float x[], const float y[], PetscInt64 stride, const double low[2],
                   const double high[2], PetscInt bins, double counts[])
{
  for (PetscInt64 i = 0; i < n; ++i) {
    const PetscInt row    = Bin(x[i * stride], low[0], high[0], bins);
    const PetscInt column = Bin(y[i * stride], low[1], high[1], bins);

    if (row >= 0 && column >= 0) counts[(PetscInt64)row * bins + column] += 1.0;
  }
}
