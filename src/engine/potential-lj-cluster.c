/*
  Lennard-Jones clusters: free particles, sigma = epsilon = 1, kept together by a wall around their centre of mass.

  The usual constraint |r - r_com| < R is a hard wall, which has no force. Beyond R there is the restraint
  k/2 (|r - r_com| - R)^2 here, k = 1000: a particle at temperature T gets sqrt(pi T / 2k) further on average, 0.02 sigma
  at T = 0.3. The energies of clusters that stay inside R are untouched; what is evaporated finds about 3 % more volume
  than in the hard sphere of R = 2.
*/
#include "potential-impl.h"

#include <math.h>

static const double wall_constant = 1000.0;

static PetscErrorCode ClusterCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const double    radius = settings->model.radius;
  TpLennardJones *pairs;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialSizeFromParticles(potential));
  TpCheckInput(potential->size >= 6,
               "engine.model.num_particles: %" PetscInt64_FMT "; allowed: a cluster of at least 2",
               settings->model.num_particles);
  /* spheres of diameter 1, close-packed, must fit */
  TpCheckInput(isfinite(radius) && pow(radius + 0.5, 3) * 0.7405 * 8.0 >= potential->size / 3.0,
               "engine.model.radius: %g; allowed: at least %.3g for engine.model.num_particles %" PetscInt64_FMT,
               radius, cbrt(potential->size / 3.0 / (0.7405 * 8.0)) - 0.5, settings->model.num_particles);
  PetscCall(PetscNew(&pairs));
  potential->data = pairs;
  PetscCall(TpLennardJonesCreate(potential->size / 3, 0, 0, pairs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ClusterDestroy(TpPotential potential)
{
  PetscFunctionBeginUser;
  PetscCall(TpLennardJonesDestroy(potential->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CentreOfMass(PetscInt num_particles, const double x[], double centre[3])
{
  for (PetscInt k = 0; k < 3; ++k) {
    double sum = 0;

    for (PetscInt i = 0; i < num_particles; ++i) sum += x[3 * i + k];
    centre[k] = sum / num_particles;
  }
}

/* The wall moves with the centre of mass, so each particle's push is shared out, in reverse, over all of them. */
static void ClusterCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  const PetscInt num_particles = potential->size / 3;
  const double   radius        = potential->settings->model.radius;
  double         centre[3], recoil[3] = {0, 0, 0};

  TpLennardJonesCompute(potential->data, x, energy, f);
  CentreOfMass(num_particles, x, centre);
  for (PetscInt i = 0; i < num_particles; ++i) {
    const double r[3]     = {x[3 * i] - centre[0], x[3 * i + 1] - centre[1], x[3 * i + 2] - centre[2]};
    const double distance = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    const double beyond   = distance - radius;

    if (beyond <= 0) continue;
    *energy += 0.5 * wall_constant * beyond * beyond;
    for (PetscInt k = 0; k < 3; ++k) {
      const double push = -wall_constant * beyond * r[k] / distance;

      f[3 * i + k] += push;
      recoil[k] -= push / num_particles;
    }
  }
  for (PetscInt i = 0; i < potential->size; ++i) f[i] += recoil[i % 3];
}

/* The centre of mass diffuses freely: put back to the origin, positions keep their digits. */
static void ClusterFold(TpPotential potential, double x[])
{
  double centre[3];

  CentreOfMass(potential->size / 3, x, centre);
  for (PetscInt i = 0; i < potential->size; ++i) x[i] -= centre[i % 3];
}

/* Anywhere in a ball of about the solid cluster's size, then relaxed. */
static void ClusterStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  const PetscInt num_particles = potential->size / 3;
  const double   ball          = fmin(potential->settings->model.radius, 0.7 * cbrt((double)num_particles));

  TpRandomUniform(seed, TP_RANDOM_INITIAL_POSITION, (uint32_t)walker, 0, potential->size, x);
  for (PetscInt i = 0; i < num_particles; ++i) {
    const double distance = ball * cbrt(x[3 * i]);
    const double height   = 2.0 * x[3 * i + 1] - 1.0;
    const double angle    = 2.0 * PETSC_PI * x[3 * i + 2];
    const double across   = sqrt(1.0 - height * height);

    x[3 * i]     = distance * across * cos(angle);
    x[3 * i + 1] = distance * across * sin(angle);
    x[3 * i + 2] = distance * height;
  }
  TpPotentialRelax(potential, 1000, 5e-4, 0.05, x, f);
}

const TpPotentialOps TpPotentialLJCluster = {
    .name    = "lj-cluster",
    .create  = ClusterCreate,
    .compute = ClusterCompute,
    .start   = ClusterStart,
    .fold    = ClusterFold,
    .destroy = ClusterDestroy,
};
