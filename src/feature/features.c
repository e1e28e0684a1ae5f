/* Raw features of a configuration. */
#include "feature-impl.h"

/* Units follow the engine: reduced systems have k_B = 1 and no unit of length. */
static const char *LengthUnit(const TpFeatureSystem *system)
{
  return system->boltzmann == TpBoltzmann(TP_UNITS_REDUCED) ? "" : "nm";
}

PetscErrorCode TpFeaturesCreate(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures *features)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(features));
  (*features)->size              = system->size;
  (*features)->coordinate_period = system->period;
  (*features)->has_box           = system->has_box;
  (*features)->length_unit       = LengthUnit(system);
  code                           = TpFeaturesSelect(settings, system, *features);
  if (!code) code = TpFeaturesAlign(settings, system, *features);
  if (code) PetscCall(TpFeaturesDestroy(features));
  PetscCall(code);
  PetscCall(PetscMalloc1((*features)->count, &(*features)->period));
  for (PetscInt i = 0; i < (*features)->count; ++i) {
    const TpFeatureKind kind = (*features)->feature[i].kind;

    (*features)->period[i] = kind == TP_FEATURE_TORSION      ? 2.0 * PETSC_PI
                             : kind == TP_FEATURE_COORDINATE ? system->period
                                                             : 0.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFeaturesDestroy(TpFeatures *features)
{
  PetscFunctionBeginUser;
  if (!*features) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*features)->feature));
  PetscCall(PetscFree((*features)->period));
  PetscCall(PetscFree4((*features)->alignment.atom, (*features)->alignment.place, (*features)->alignment.reference,
                       (*features)->alignment.moved));
  PetscCall(PetscFree(*features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpFeaturesCount(TpFeatures features)
{
  return features->count;
}

const char *TpFeaturesName(TpFeatures features, PetscInt i)
{
  return features->feature[i].name;
}

const double *TpFeaturesPeriods(TpFeatures features)
{
  return features->period;
}

const char *TpFeaturesUnit(TpFeatures features, PetscInt i)
{
  return features->period[i] > 0.0 ? "rad" : features->length_unit;
}

static float Coordinate(TpFeatures features, double value)
{
  return features->coordinate_period > 0.0 ? TpGeometryWrap(value, features->coordinate_period) : (float)value;
}

PetscErrorCode TpFeaturesCompute(TpFeatures features, const double x[], const double box[], float raw[])
{
  const PetscBool is_aligned = features->alignment.kind != TP_ALIGN_NONE ? PETSC_TRUE : PETSC_FALSE;
  TpLattice       lattice    = {.present = PETSC_FALSE};

  PetscFunctionBeginUser;
  if (features->has_box) TpLatticeCreate(box, &lattice);
  if (is_aligned) TpFeaturesMove(features, &lattice, x);
  for (PetscInt i = 0; i < features->count; ++i) {
    const PetscInt *index = features->feature[i].index;

    switch (features->feature[i].kind) {
    case TP_FEATURE_TORSION:
      raw[i] = TpGeometryWrap(TpGeometryTorsion(&lattice, x, index), 2.0 * PETSC_PI);
      break;
    case TP_FEATURE_DISTANCE:
      raw[i] = (float)TpGeometryDistance(&lattice, x, index);
      break;
    case TP_FEATURE_COORDINATE:
      raw[i] = is_aligned ? (float)TpFeaturesAligned(features, index[0]) : Coordinate(features, x[index[0]]);
      break;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No coordinate is selected twice, so that as many as there are in all are each there once. */
PetscBool TpFeaturesCanRestore(TpFeatures features)
{
  if (features->count != features->size) return PETSC_FALSE;
  for (PetscInt i = 0; i < features->count; ++i)
    if (features->feature[i].kind != TP_FEATURE_COORDINATE) return PETSC_FALSE;
  return features->alignment.kind == TP_ALIGN_SUPERPOSE && features->has_box ? PETSC_FALSE : PETSC_TRUE;
}

void TpFeaturesRestore(TpFeatures features, const float raw[], double x[])
{
  for (PetscInt i = 0; i < features->count; ++i) x[features->feature[i].index[0]] = raw[i];
}
