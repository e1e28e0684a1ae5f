/* Whether a restart continues the same physics and the same model. */
#include "app-impl.h"

#include <string.h>

/* The molecule itself is checked by the system's hash, so that its files may move. */
static const char *const common_free_keys[] = {"run.folder",
                                               "run.rounds",
                                               "run.max_hours",
                                               "groups.",
                                               "ladder.target_acceptance",
                                               "evaluation.",
                                               "analysis.",
                                               "engine.openmm.system",
                                               "engine.openmm.positions",
                                               "engine.openmm.platform",
                                               "engine.openmm.threads",
                                               "engine.openmm.minimize",
                                               "engine.lammps.script",
                                               NULL};

/* Files are made anew for another length or interval. */
const char *const tp_run_free_keys[] = {"stream.max_lag",
                                        "output.report_interval",
                                        "output.checkpoint_interval",
                                        "output.keep_checkpoints",
                                        "output.trajectory_interval",
                                        "output.trajectories",
                                        "output.velocities",
                                        "data.files",
                                        "training.steps",
                                        "training.patience",
                                        "diffusion.sampler",
                                        "diffusion.steps",
                                        "anneal.",
                                        "ti.evaluate",
                                        "ti.evaluate_interval",
                                        "ti.times",
                                        "ti.trajectories",
                                        "ti.relax_steps",
                                        "ti.relax_leaps",
                                        "ti.insertions",
                                        NULL};

const char *const tp_anneal_free_keys[] = {"exchange.",
                                           "ladder.tune",
                                           "ladder.tune_rounds",
                                           "ladder.tune_stages",
                                           "stream.",
                                           "network.",
                                           "diffusion.",
                                           "training.",
                                           "output.",
                                           "data.",
                                           NULL};

static PetscBool IsAmong(const char *const keys[], const char *key)
{
  for (int i = 0; keys[i]; ++i) {
    const size_t length = strlen(keys[i]);

    if (!strncmp(key, keys[i], length) && (!key[length] || keys[i][length - 1] == '.')) return PETSC_TRUE;
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

PetscErrorCode TpSettingsCompare(const TpSettings *settings, TpConfig config, const char *const free_keys[],
                                 const char *parameters, const char *name)
{
  TpConfig   before;
  TpSettings old;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &before));
  PetscCall(TpConfigReadText(before, name, ".", parameters));
  PetscCall(TpSettingsCreate(before, name, settings->is_training, &old));
  for (const TpParameter *row = tp_parameters; row->key; ++row) {
    if (IsAmong(common_free_keys, row->key) || IsAmong(free_keys, row->key) ||
        SameValue(row, (const char *)settings + row->offset, (const char *)&old + row->offset))
      continue;
    PetscFunctionReturn(TpConfigError(
        config, row->key,
        "differs from what %s was written with; a restart must keep it, a new run.folder may change it", name));
  }
  PetscCall(TpSettingsDestroy(&old));
  PetscCall(TpConfigDestroy(&before));
  PetscFunctionReturn(PETSC_SUCCESS);
}
