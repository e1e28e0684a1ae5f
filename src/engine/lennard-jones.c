/* Lennard-Jones energy and forces over all pairs, written for vector units: lanes of partners that do the same. */
#include "potential-impl.h"

#include <math.h>

enum { NUM_LANES = 8 };

typedef struct {
  double energy, x, y, z;
} Sum;

typedef struct {
  double energy[NUM_LANES], x[NUM_LANES], y[NUM_LANES], z[NUM_LANES];
} LaneSums;

PetscErrorCode TpLennardJonesCreate(PetscInt num_particles, double box_length, double cutoff, TpLennardJones *pairs)
{
  PetscFunctionBeginUser;
  pairs->num_particles  = num_particles;
  pairs->box_length     = box_length;
  pairs->cutoff_squared = cutoff > 0 ? cutoff * cutoff : INFINITY;
  PetscCall(PetscMalloc1(6 * num_particles, &pairs->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLennardJonesDestroy(TpLennardJones *pairs)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(pairs->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The nearest image. Adding and taking away 1.5 2^52 rounds to an integer, without a call that vector units lack. */
static inline double Nearest(double dx, double box_length, double inverse_length)
{
  const double shift = 0x1.8p52;

  return dx - box_length * ((dx * inverse_length + shift) - shift);
}

/* Energy of a pair, and the factor of (dx, dy, dz) in its force. */
static inline double Pair(double squared, double cutoff_squared, double *factor)
{
  const double counts  = squared >= cutoff_squared ? 0.0 : 1.0; /* a distance that is not a number counts, and shows */
  const double inverse = 1.0 / squared;
  const double sixth   = inverse * inverse * inverse;

  *factor = counts * 24.0 * inverse * sixth * (2.0 * sixth - 1.0);
  return counts * 4.0 * sixth * (sixth - 1.0);
}

/* Energies and forces of a particle at (xi, yi, zi) from the NUM_LANES partners at x, y, z. */
static inline void Lanes(const TpLennardJones *pairs, const double place[3], const double *restrict x,
                         const double *restrict y, const double *restrict z, LaneSums *restrict lanes)
{
  const double box = pairs->box_length, inverse_box = box > 0 ? 1.0 / box : 0, cutoff_squared = pairs->cutoff_squared;
  const double xi = place[0], yi = place[1], zi = place[2];

  for (PetscInt k = 0; k < NUM_LANES; ++k) {
    const double dx = Nearest(xi - x[k], box, inverse_box);
    const double dy = Nearest(yi - y[k], box, inverse_box);
    const double dz = Nearest(zi - z[k], box, inverse_box);
    double       factor;

    lanes->energy[k] = Pair(dx * dx + dy * dy + dz * dz, cutoff_squared, &factor);
    lanes->x[k]      = factor * dx;
    lanes->y[k]      = factor * dy;
    lanes->z[k]      = factor * dz;
  }
}

/* Action on the particle, reaction on its partners. */
static inline void AddLanes(const LaneSums *restrict lanes, LaneSums *restrict sums, double *restrict fx,
                            double *restrict fy, double *restrict fz)
{
  for (PetscInt k = 0; k < NUM_LANES; ++k) {
    sums->energy[k] += lanes->energy[k];
    sums->x[k] += lanes->x[k];
    sums->y[k] += lanes->y[k];
    sums->z[k] += lanes->z[k];
    fx[k] -= lanes->x[k];
    fy[k] -= lanes->y[k];
    fz[k] -= lanes->z[k];
  }
}

/* Particle i with its partner j. */
static inline void One(const TpLennardJones *pairs, PetscInt i, PetscInt j, Sum *sum)
{
  const PetscInt n   = pairs->num_particles;
  const double   box = pairs->box_length, inverse_box = box > 0 ? 1.0 / box : 0;
  const double  *x = pairs->work, *y = x + n, *z = y + n;
  double        *f  = pairs->work + 3 * n;
  const double   dx = Nearest(x[i] - x[j], box, inverse_box);
  const double   dy = Nearest(y[i] - y[j], box, inverse_box);
  const double   dz = Nearest(z[i] - z[j], box, inverse_box);
  double         factor;

  sum->energy += Pair(dx * dx + dy * dy + dz * dz, pairs->cutoff_squared, &factor);
  sum->x += factor * dx;
  sum->y += factor * dy;
  sum->z += factor * dz;
  f[j] -= factor * dx;
  f[n + j] -= factor * dy;
  f[2 * n + j] -= factor * dz;
}

/* Particle i with all partners j > i. */
static Sum Row(const TpLennardJones *pairs, PetscInt i)
{
  const PetscInt n = pairs->num_particles;
  const double  *x = pairs->work, *y = x + n, *z = y + n;
  double        *f        = pairs->work + 3 * n;
  const double   place[3] = {x[i], y[i], z[i]};
  LaneSums       lanes, sums = {{0}, {0}, {0}, {0}};
  Sum            sum = {0, 0, 0, 0};
  PetscInt       j   = i + 1;

  for (; j + NUM_LANES <= n; j += NUM_LANES) {
    Lanes(pairs, place, x + j, y + j, z + j, &lanes);
    AddLanes(&lanes, &sums, f + j, f + n + j, f + 2 * n + j);
  }
  for (; j < n; ++j) One(pairs, i, j, &sum);
  for (PetscInt k = 0; k < NUM_LANES; ++k) {
    sum.energy += sums.energy[k];
    sum.x += sums.x[k];
    sum.y += sums.y[k];
    sum.z += sums.z[k];
  }
  return sum;
}

void TpLennardJonesCompute(const TpLennardJones *pairs, const double x[], double *energy, double f[])
{
  const PetscInt n     = pairs->num_particles;
  double        *place = pairs->work, *force = pairs->work + 3 * n;
  double         total = 0;

  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt k = 0; k < 3; ++k) {
      place[k * n + i] = x[3 * i + k];
      force[k * n + i] = 0;
    }
  for (PetscInt i = 0; i < n; ++i) {
    const Sum sum = Row(pairs, i);

    total += sum.energy;
    force[i] += sum.x;
    force[n + i] += sum.y;
    force[2 * n + i] += sum.z;
  }
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt k = 0; k < 3; ++k) f[3 * i + k] = force[k * n + i];
  *energy = total;
}
