/* The Lennard-Jones fluid: particles in a periodic cube, sigma = epsilon = 1; minimum image; all pairs, or a cutoff. */
#include "potential-impl.h"

#include <math.h>

static PetscErrorCode FluidCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const double    length = settings->model.box_length, cutoff = settings->model.cutoff;
  TpLennardJones *pairs;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialSizeFromParticles(potential));
  TpCheckInput(length > 0 && isfinite(length), "engine.model.box_length: %g; allowed: greater than 0", length);
  /* beyond half the box there is more than one image, and the pairs would be a matter of direction */
  TpCheckInput(cutoff >= 0 && cutoff <= 0.5 * length,
               "engine.model.cutoff: %g; allowed: 0 (none) to half of engine.model.box_length, %g", cutoff,
               0.5 * length);
  /* sqrt(2) is the density of close-packed spheres of diameter 1: no start without overlaps beyond it */
  TpCheckInput(potential->size / 3 <= PETSC_SQRT2 * length * length * length,
               "engine.model.num_particles: %" PetscInt64_FMT
               "; allowed: at most %.0f in a cube of engine.model.box_length %g",
               settings->model.num_particles, floor(PETSC_SQRT2 * length * length * length), length);
  potential->box_length = length;
  PetscCall(PetscNew(&pairs));
  potential->data = pairs;
  PetscCall(TpLennardJonesCreate(potential->size / 3, length, cutoff, pairs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FluidDestroy(TpPotential potential)
{
  PetscFunctionBeginUser;
  PetscCall(TpLennardJonesDestroy(potential->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FluidCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  TpLennardJonesCompute(potential->data, x, energy, f);
}

/* Into [0, L). Positions that are there already keep their bits. */
static void FluidFold(TpPotential potential, double x[])
{
  const double length = potential->box_length;

  for (PetscInt i = 0; i < potential->size; ++i) {
    if (x[i] >= 0 && x[i] < length) continue;
    x[i] -= length * floor(x[i] / length);
    if (x[i] >= length) x[i] = 0; /* a tiny negative number rounds to the edge */
  }
}

/* Sites of a simple cubic lattice, shaken, then relaxed. */
static void FluidStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  const PetscInt num_particles = potential->size / 3;
  const PetscInt edge          = (PetscInt)ceil(cbrt((double)num_particles) - 1e-9);
  const PetscInt num_sites     = edge * edge * edge;
  const double   spacing       = potential->box_length / edge;

  TpRandomUniform(seed, TP_RANDOM_INITIAL_POSITION, (uint32_t)walker, 0, potential->size, x);
  for (PetscInt i = 0; i < num_particles; ++i) {
    /* the empty sites are spread evenly */
    const PetscInt site     = (PetscInt)((PetscInt64)i * num_sites / num_particles);
    const PetscInt place[3] = {site % edge, site / edge % edge, site / edge / edge};

    for (PetscInt k = 0; k < 3; ++k) x[3 * i + k] = spacing * (place[k] + 0.5 + 0.2 * (x[3 * i + k] - 0.5));
  }
  TpPotentialRelax(potential, 200, 1e-3, 0.02, x, f);
}

const TpPotentialOps TpPotentialLJFluid = {
    .name    = "lj-fluid",
    .create  = FluidCreate,
    .compute = FluidCompute,
    .start   = FluidStart,
    .fold    = FluidFold,
    .destroy = FluidDestroy,
};
