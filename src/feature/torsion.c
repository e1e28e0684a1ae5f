/* Geometry of features: distances, torsions, and angles brought back into one period. */
#include "feature-impl.h"

#include <math.h>

static void Bond(const TpLattice *lattice, const double x[], PetscInt from, PetscInt to, double d[3])
{
  for (int j = 0; j < 3; ++j) d[j] = x[3 * to + j] - x[3 * from + j];
  TpLatticeMinimumImage(lattice, d);
}

static void Cross(const double p[3], const double q[3], double r[3])
{
  r[0] = p[1] * q[2] - p[2] * q[1];
  r[1] = p[2] * q[0] - p[0] * q[2];
  r[2] = p[0] * q[1] - p[1] * q[0];
}

static double Dot(const double p[3], const double q[3])
{
  return p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
}

double TpGeometryDistance(const TpLattice *lattice, const double x[], const PetscInt atom[2])
{
  double d[3];

  Bond(lattice, x, atom[0], atom[1], d);
  return sqrt(Dot(d, d));
}

double TpGeometryTorsion(const TpLattice *lattice, const double x[], const PetscInt atom[4])
{
  double first[3], axis[3], last[3], before[3], after[3];

  Bond(lattice, x, atom[0], atom[1], first);
  Bond(lattice, x, atom[1], atom[2], axis);
  Bond(lattice, x, atom[2], atom[3], last);
  Cross(first, axis, before);
  Cross(axis, last, after);
  return atan2(sqrt(Dot(axis, axis)) * Dot(first, after), Dot(before, after));
}

float TpGeometryWrap(double value, double period)
{
  const double half    = 0.5 * period;
  const double wrapped = value - period * ceil(value / period - 0.5);
  float        limit   = (float)half;

  /* pi rounded to float lies outside (-pi, pi]; NaN passes through both comparisons */
  if ((double)limit > half) limit = nextafterf(limit, 0.0f);
  if (wrapped > (double)limit) return limit;
  if (wrapped < -(double)limit) return -limit;
  return (float)wrapped;
}
