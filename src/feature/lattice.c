/* Minimum images in any periodic box: reduce the basis once, then descend over the neighbouring lattice points. */
#include "feature-impl.h"

#include <math.h>
#include <string.h>

static double SquareNorm(const double d[3])
{
  return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/* Replace d by d + shift if that is shorter by more than rounding, so that the loops around it end. */
static PetscBool TryShift(double d[3], const double shift[3])
{
  const double moved[3] = {d[0] + shift[0], d[1] + shift[1], d[2] + shift[2]};

  if (!(SquareNorm(moved) < SquareNorm(d) * (1.0 - 1e-12))) return PETSC_FALSE;
  memcpy(d, moved, sizeof(moved));
  return PETSC_TRUE;
}

/* No vector can be shortened by the two others with coefficients -1, 0, 1: in three dimensions that is Minkowski's reduction, and then
   the 26 neighbours of the origin contain every face of its Voronoi cell. */
static void Reduce(double vector[3][3])
{
  PetscBool changed = PETSC_TRUE;

  while (changed) {
    changed = PETSC_FALSE;
    for (int i = 0; i < 3; ++i) {
      const double *p = vector[(i + 1) % 3], *q = vector[(i + 2) % 3];

      for (int m = -1; m <= 1; ++m) {
        for (int n = -1; n <= 1; ++n) {
          const double shift[3] = {m * p[0] + n * q[0], m * p[1] + n * q[1], m * p[2] + n * q[2]};

          if (TryShift(vector[i], shift)) changed = PETSC_TRUE;
        }
      }
    }
  }
}

static void Cross(const double p[3], const double q[3], double r[3])
{
  r[0] = p[1] * q[2] - p[2] * q[1];
  r[1] = p[2] * q[0] - p[0] * q[2];
  r[2] = p[0] * q[1] - p[1] * q[0];
}

/* Columns of the inverse are the reciprocal vectors. Returns the volume. */
static double Invert(double vector[3][3], double inverse[3][3])
{
  double volume = 0.0;

  for (int i = 0; i < 3; ++i) {
    double reciprocal[3];

    Cross(vector[(i + 1) % 3], vector[(i + 2) % 3], reciprocal);
    if (i == 0) volume = vector[0][0] * reciprocal[0] + vector[0][1] * reciprocal[1] + vector[0][2] * reciprocal[2];
    for (int j = 0; j < 3; ++j) inverse[j][i] = reciprocal[j] / volume;
  }
  return volume;
}

void TpLatticeCreate(const double box[], TpLattice *lattice)
{
  double volume;

  memcpy(lattice->vector, box, sizeof(lattice->vector));
  Reduce(lattice->vector);
  volume              = Invert(lattice->vector, lattice->inverse);
  lattice->present    = isfinite(volume) && volume != 0.0 ? PETSC_TRUE : PETSC_FALSE;
  lattice->orthogonal = PETSC_TRUE;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      if (i != j && lattice->vector[i][j] != 0.0) lattice->orthogonal = PETSC_FALSE;
}

void TpLatticeMinimumImage(const TpLattice *lattice, double d[3])
{
  double    near[3] = {0.0, 0.0, 0.0};
  PetscBool changed = lattice->orthogonal ? PETSC_FALSE : PETSC_TRUE;

  if (!lattice->present) return;
  for (int i = 0; i < 3; ++i) {
    const double n =
        round(d[0] * lattice->inverse[0][i] + d[1] * lattice->inverse[1][i] + d[2] * lattice->inverse[2][i]);

    for (int j = 0; j < 3; ++j) near[j] += n * lattice->vector[i][j];
  }
  for (int j = 0; j < 3; ++j) d[j] -= near[j];
  while (changed) {
    changed = PETSC_FALSE;
    for (int k = 0; k < 27; ++k) {
      const int l = k % 3 - 1, m = k / 3 % 3 - 1, n = k / 9 - 1;
      double    shift[3];

      for (int j = 0; j < 3; ++j)
        shift[j] = l * lattice->vector[0][j] + m * lattice->vector[1][j] + n * lattice->vector[2][j];
      if (TryShift(d, shift)) changed = PETSC_TRUE;
    }
  }
}
