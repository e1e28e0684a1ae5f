/* What both sides know of the simulated system. */
#include "run-impl.h"

#include <string.h>

static PetscErrorCode Allocate(TpSystem *system)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc4(system->num_particles, &system->mass, system->num_features, &system->period,
                         system->num_features, &system->name, system->num_features, &system->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(TpEngine engine, TpFeatures features, TpLabel label, TpSystem *system)
{
  const TpEngineInfo *info;

  PetscFunctionBeginUser;
  PetscCall(TpEngineGetInfo(engine, &info));
  *system = (TpSystem){.units              = info->units,
                       .size               = info->size,
                       .num_particles      = info->num_particles,
                       .dimension          = info->dimension,
                       .has_box            = info->has_box,
                       .deterministic      = info->deterministic,
                       .degrees_of_freedom = info->degrees_of_freedom,
                       .hash               = info->system_hash,
                       .label_degrees      = TpLabelDegreesOfFreedom(label),
                       .num_features       = TpFeaturesCount(features)};
  snprintf(system->engine, sizeof(system->engine), "%s", info->name);
  snprintf(system->hash_text, sizeof(system->hash_text), "%016llx", (unsigned long long)info->system_hash);
  PetscCall(Allocate(system));
  memcpy(system->mass, info->mass, (size_t)info->num_particles * sizeof(double));
  memcpy(system->period, TpFeaturesPeriods(features), (size_t)system->num_features * sizeof(double));
  for (PetscInt i = 0; i < system->num_features; ++i) {
    snprintf(system->name[i], TP_NAME_LENGTH, "%s", TpFeaturesName(features, i));
    snprintf(system->unit[i], TP_UNIT_LENGTH, "%s", TpFeaturesUnit(features, i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSystemCreate(TpGroups groups, TpEngine engine, TpFeatures features, TpLabel label, TpSystem *system)
{
  const int root = groups->replica_rank[0];

  PetscFunctionBeginUser;
  if (groups->world_rank == root) PetscCall(Describe(engine, features, label, system));
  /* The fixed part first: it holds the sizes of the arrays. Pointers of the root mean nothing elsewhere and are replaced. */
  if (groups->world_rank == root) {
    TpSystem fixed = *system;

    PetscCall(TpBroadcast(&fixed, (int)sizeof(fixed), MPI_BYTE, root, groups->world, NULL));
  } else {
    PetscCall(TpBroadcast(system, (int)sizeof(*system), MPI_BYTE, root, groups->world, NULL));
    PetscCall(Allocate(system));
  }
  PetscCall(TpBroadcast(system->mass, system->num_particles, MPI_DOUBLE, root, groups->world, NULL));
  PetscCall(TpBroadcast(system->period, system->num_features, MPI_DOUBLE, root, groups->world, NULL));
  PetscCall(TpBroadcast(system->name, system->num_features * TP_NAME_LENGTH, MPI_CHAR, root, groups->world, NULL));
  PetscCall(TpBroadcast(system->unit, system->num_features * TP_UNIT_LENGTH, MPI_CHAR, root, groups->world, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSystemCreateFromData(const TpSettings *settings, TpData data, TpSystem *system)
{
  PetscFunctionBeginUser;
  *system = (TpSystem){.engine       = "recorded data",
                       .units        = TpDataUnits(data),
                       .hash         = TpDataHash(data),
                       .num_features = TpDataNumFeatures(data)};
  if (settings->features.label == TP_LABEL_KINETIC) system->label_degrees = TpDataDegreesOfFreedom(data);
  snprintf(system->hash_text, sizeof(system->hash_text), "%016llx", (unsigned long long)system->hash);
  PetscCall(Allocate(system));
  memcpy(system->period, TpDataPeriods(data), (size_t)system->num_features * sizeof(double));
  for (PetscInt i = 0; i < system->num_features; ++i) {
    snprintf(system->name[i], TP_NAME_LENGTH, "%s", TpDataName(data, i));
    snprintf(system->unit[i], TP_UNIT_LENGTH, "%s", TpDataUnit(data, i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpFeatureSystem TpSystemOfFeatures(const TpEngineInfo *info)
{
  return (TpFeatureSystem){.size               = info->size,
                           .num_particles      = info->num_particles,
                           .dimension          = info->dimension,
                           .mass               = info->mass,
                           .period             = info->period,
                           .has_box            = info->has_box,
                           .num_constraints    = info->num_constraints,
                           .constraints        = info->constraints,
                           .degrees_of_freedom = info->degrees_of_freedom,
                           .boltzmann          = TpBoltzmann(info->units),
                           .topology           = info->topology};
}

PetscErrorCode TpSystemDestroy(TpSystem *system)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(system->mass, system->period, system->name, system->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}
