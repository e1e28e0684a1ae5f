/* Whether a restart continues the same physics and the same model. */
#include "app-impl.h"

#include <string.h>

/* Sections and keys that a restart may change: no frame and no optimiser step depends on them. Files are made anew for another length or interval.
   The molecule itself is checked by the system's hash, so that its files may move. */
static const char *const free_keys[] = {"run.folder",
                                        "run.rounds",
                                        "run.max_hours",
                                        "groups.",
                                        "ladder.target_acceptance",
                                        "stream.max_lag",
                                        "output.report_interval",
                                        "output.checkpoint_interval",
                                        "output.keep_checkpoints",
                                        "output.trajectory_interval",
                                        "output.trajectories",
                                        "output.velocities",
                                        "evaluation.",
                                        "analysis.",
                                        "data.files",
                                        "training.steps",
                                        "training.patience",
                                        "diffusion.sampler",
                                        "diffusion.steps",
                                        "engine.openmm.system",
                                        "engine.openmm.positions",
                                        "engine.openmm.platform",
                                        "engine.openmm.threads",
                                        "engine.openmm.minimize",
                                        "engine.lammps.script",
                                        NULL};

static PetscBool IsFree(const char *key)
{
  for (int i = 0; free_keys[i]; ++i) {
    const size_t length = strlen(free_keys[i]);

    if (!strncmp(key, free_keys[i], length) && (!key[length] || free_keys[i][length - 1] == '.')) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscBool SameReals(const TpRealList *a, const TpRealList *b)
{
  return a->size == b->size && (!a->size || !memcmp(a->values, b->values, (size_t)a->size * sizeof(double)))
             ? PETSC_TRUE
             : PETSC_FALSE;
}

static PetscBool SameTexts(const TpTextList *a, const TpTextList *b)
{
  if (a->size != b->size) return PETSC_FALSE;
  for (PetscInt i = 0; i < a->size; ++i)
    if (strcmp(a->values[i], b->values[i])) return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscBool SameValue(const TpParameter *row, const void *a, const void *b)
{
  switch (row->type) {
  case TP_BOOL:
    return *(const PetscBool *)a == *(const PetscBool *)b ? PETSC_TRUE : PETSC_FALSE;
  case TP_INT:
    return *(const PetscInt64 *)a == *(const PetscInt64 *)b ? PETSC_TRUE : PETSC_FALSE;
  case TP_REAL:
    return *(const double *)a == *(const double *)b ? PETSC_TRUE : PETSC_FALSE;
  case TP_WORD:
    return *(const PetscInt *)a == *(const PetscInt *)b ? PETSC_TRUE : PETSC_FALSE;
  case TP_TEXT:
  case TP_PATH:
    return !strcmp(*(char *const *)a, *(char *const *)b) ? PETSC_TRUE : PETSC_FALSE;
  case TP_REAL_LIST:
    return SameReals(a, b);
  default:
    return SameTexts(a, b);
  }
}

PetscErrorCode TpSettingsCompare(const TpSettings *settings, TpConfig config, const char *parameters, const char *name)
{
  TpConfig   before;
  TpSettings old;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &before));
  PetscCall(TpConfigReadText(before, name, ".", parameters));
  PetscCall(TpSettingsCreate(before, name, settings->is_training, &old));
  for (const TpParameter *row = tp_parameters; row->key; ++row) {
    if (IsFree(row->key) || SameValue(row, (const char *)settings + row->offset, (const char *)&old + row->offset))
      continue;
    PetscFunctionReturn(TpConfigError(
        config, row->key,
        "differs from what %s was written with; a restart must keep it, a new run.folder may change it", name));
  }
  PetscCall(TpSettingsDestroy(&old));
  PetscCall(TpConfigDestroy(&before));
  PetscFunctionReturn(PETSC_SUCCESS);
}
