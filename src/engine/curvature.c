/* What an engine's forces tell of the temperature: the square of the gradient, and the curvature along random directions. */
#include "tempera/engine.h"

struct TpCurvature_ {
  TpEngine            engine; /* kept, the caller's */
  const TpEngineInfo *info;
  PetscInt            num_directions;
  PetscInt           *group;     /* [num_particles] the lowest particle that moves along with each */
  double             *direction; /* [size] */
  double             *x;         /* [size] */
  double             *forces;    /* [2, size] */
};

/* The lowest particle of the group, by way of the others (union and find). */
static PetscInt FindGroup(PetscInt group[], PetscInt particle)
{
  while (group[particle] != particle) {
    group[particle] = group[group[particle]];
    particle        = group[particle];
  }
  return particle;
}

static void GroupParticles(TpCurvature curvature)
{
  const TpEngineInfo *info  = curvature->info;
  PetscInt           *group = curvature->group;

  for (PetscInt i = 0; i < info->num_particles; ++i) group[i] = i;
  for (PetscInt c = 0; c < info->num_constraints; ++c) {
    const PetscInt a = FindGroup(group, info->constraints[2 * c]), b = FindGroup(group, info->constraints[2 * c + 1]);

    group[PetscMax(a, b)] = PetscMin(a, b);
  }
  for (PetscInt i = 0; i < info->num_particles; ++i) {
    group[i] = FindGroup(group, i);
    if (group[i] == i) curvature->num_directions += info->dimension;
  }
}

PetscErrorCode TpCurvatureCreate(TpEngine engine, TpCurvature *curvature)
{
  const TpEngineInfo *info;
  TpCurvature         made;

  PetscFunctionBeginUser;
  *curvature = NULL;
  PetscCall(TpEngineGetInfo(engine, &info));
  for (PetscInt i = 0; i < info->num_particles; ++i)
    TpCheckInput(info->mass[i] > 0.0, "particle %d has no mass: its place may follow from others, or be fixed", (int)i);
  PetscCall(PetscNew(&made));
  made->engine = engine;
  made->info   = info;
  PetscCall(PetscMalloc4(info->num_particles, &made->group, info->size, &made->direction, info->size, &made->x,
                         2 * info->size, &made->forces));
  GroupParticles(made);
  *curvature = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCurvatureDestroy(TpCurvature *curvature)
{
  PetscFunctionBeginUser;
  if (!*curvature) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*curvature)->group, (*curvature)->direction, (*curvature)->x, (*curvature)->forces));
  PetscCall(PetscFree(*curvature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpCurvatureDirections(TpCurvature curvature)
{
  return curvature->num_directions;
}

PetscErrorCode TpCurvatureGradient(TpCurvature curvature, const double x[], double *square)
{
  const TpEngineInfo *info = curvature->info;
  double             *sum  = curvature->forces + info->size, energy;

  PetscFunctionBeginUser;
  PetscCall(TpEngineEnergy(curvature->engine, x, NULL, &energy, curvature->forces));
  PetscCall(PetscArrayzero(sum, info->size));
  for (PetscInt i = 0; i < info->size; ++i) {
    const PetscInt particle = i / info->dimension, axis = i % info->dimension;

    sum[curvature->group[particle] * info->dimension + axis] += curvature->forces[i];
  }
  *square = 0.0;
  for (PetscInt i = 0; i < info->size; ++i) *square += sum[i] * sum[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each group one way or the other along each axis. */
static void DrawDirection(TpCurvature curvature, uint64_t seed, uint32_t id, uint64_t step)
{
  const PetscInt dimension = curvature->info->dimension;
  double        *direction = curvature->direction;

  TpRandomUniform(seed, TP_RANDOM_PROBE, id, step, curvature->info->size, direction);
  for (PetscInt i = 0; i < curvature->info->size; ++i) /* the lowest of a group comes first */
    direction[i] = curvature->group[i / dimension] == i / dimension
                       ? (direction[i] < 0.5 ? -1.0 : 1.0)
                       : direction[curvature->group[i / dimension] * dimension + i % dimension];
}

PetscErrorCode TpCurvatureProbe(TpCurvature curvature, uint64_t seed, uint32_t id, uint64_t step, double distance,
                                const double x[], double *laplacian)
{
  const PetscInt size      = curvature->info->size;
  const double  *direction = curvature->direction;
  double         energy;

  PetscFunctionBeginUser;
  DrawDirection(curvature, seed, id, step);
  for (int side = 0; side < 2; ++side) {
    for (PetscInt i = 0; i < size; ++i) curvature->x[i] = x[i] + (side ? distance : -distance) * direction[i];
    PetscCall(TpEngineEnergy(curvature->engine, curvature->x, NULL, &energy, curvature->forces + side * size));
  }
  *laplacian = 0.0;
  for (PetscInt i = 0; i < size; ++i)
    *laplacian += direction[i] * (curvature->forces[i] - curvature->forces[size + i]) / (2.0 * distance);
  PetscFunctionReturn(PETSC_SUCCESS);
}
