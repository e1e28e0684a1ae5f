/* Questions that all parts of a run ask, and its end. */
#include "run-impl.h"

#include <math.h>
#include <string.h>

PetscErrorCode TpPathJoin(const char *folder, const char *name, char path[PETSC_MAX_PATH_LEN])
{
  PetscFunctionBeginUser;
  const int length = snprintf(path, PETSC_MAX_PATH_LEN, "%s/%s", folder, name);

  TpCheckInput(length > 0 && length < PETSC_MAX_PATH_LEN, "%.80s...: the path is too long", folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunPath(TpRun run, const char *name, char path[PETSC_MAX_PATH_LEN])
{
  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(run->settings.run.folder, name, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpRunIsLastRound(TpRun run, PetscInt64 round)
{
  return round + 1 == run->settings.run.rounds || round + 1 == run->stop_round || round + 1 == run->criterion_round
             ? PETSC_TRUE
             : PETSC_FALSE;
}

PetscBool TpRunIsDone(TpRun run, PetscInt64 rounds)
{
  return rounds >= run->settings.run.rounds || (run->criterion_round && rounds >= run->criterion_round) ? PETSC_TRUE
                                                                                                        : PETSC_FALSE;
}

PetscBool TpRunIsCheckpointRound(TpRun run, PetscInt64 round)
{
  return (round + 1) % run->settings.output.checkpoint_interval == 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscInt64 TpRunFirstKept(TpRun run)
{
  return run->settings.ladder.tune ? run->settings.ladder.tune_rounds : 0;
}

PetscBool TpRunIsTrajectoryRound(TpRun run, PetscInt64 round)
{
  const PetscInt64 interval = run->settings.output.trajectory_interval;

  return interval && round >= TpRunFirstKept(run) && (round + 1) % interval == 0 ? PETSC_TRUE : PETSC_FALSE;
}

PetscInt64 TpRunTrajectoryFrames(TpRun run)
{
  const PetscInt64 interval = run->settings.output.trajectory_interval;

  return interval ? run->settings.run.rounds / interval - TpRunFirstKept(run) / interval : 0;
}

PetscBool TpRunIsHeldOut(TpRun run, PetscInt rung)
{
  const TpRealList *hold_out = &run->settings.training.hold_out, *rungs = &run->settings.hold_out_rungs;

  for (PetscInt i = 0; i < hold_out->size; ++i)
    if (TpLadderFind(run->ladder, hold_out->values[i]) == rung) return PETSC_TRUE;
  for (PetscInt i = 0; i < rungs->size; ++i)
    if (rungs->values[i] == (double)rung) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode TpRunTurnedAtoms(TpRun run, TpAtoms *atoms)
{
  const PetscInt num_features = run->system.num_features;
  const char   **name;

  PetscFunctionBeginUser;
  *atoms = NULL;
  if (run->settings.features.align != TP_ALIGN_AUGMENT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(num_features, &name));
  for (PetscInt i = 0; i < num_features; ++i) name[i] = run->system.name[i];
  const PetscErrorCode code = TpAtomsCreate(num_features, name, run->system.period, atoms);
  PetscCall(PetscFree(name));
  PetscFunctionReturn(code);
}

double TpRunShare(TpRun run, PetscInt rung)
{
  return run->data ? (double)TpDataCount(run->data, rung) : 1.0;
}

/* "1, 2, 4", as far as there is room. */
static void ListTemperatures(TpLadder ladder, size_t size, char text[])
{
  size_t length = 0;

  text[0] = '\0';
  for (PetscInt k = 0; k < ladder->num_rungs && length < size; ++k)
    length += (size_t)snprintf(text + length, size - length, "%s%g", k ? ", " : "", ladder->temperature[k]);
}

/* Of a ladder that is tuned only the ends have temperatures that can be named. */
static PetscErrorCode CheckHeldTemperature(TpRun run, double temperature)
{
  const PetscInt rung = TpLadderFind(run->ladder, temperature), top = run->ladder->num_rungs - 1;
  char           allowed[512];

  PetscFunctionBeginUser;
  if (rung < 0) {
    ListTemperatures(run->ladder, sizeof(allowed), allowed);
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out",
                                      "%g is no temperature of the ladder; allowed %s", temperature, allowed));
  }
  if (run->tuner && rung > 0 && rung < top)
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out",
                                      "%g will move, as the ladder is tuned; give its rung, %d, by "
                                      "training.hold_out_rungs; allowed here: the ends, %g and %g",
                                      temperature, (int)rung, run->ladder->temperature[0],
                                      run->ladder->temperature[top]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckHeldRung(TpRun run, double rung)
{
  PetscFunctionBeginUser;
  if (rung != floor(rung) || rung >= run->ladder->num_rungs)
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out_rungs", "%g is no rung; allowed 0 to %d", rung,
                                      (int)run->ladder->num_rungs - 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunCheckTemperatures(TpRun run)
{
  const TpRealList *hold_out = &run->settings.training.hold_out, *rungs = &run->settings.hold_out_rungs;
  PetscInt          left = run->ladder->num_rungs;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < hold_out->size; ++i) PetscCall(CheckHeldTemperature(run, hold_out->values[i]));
  for (PetscInt i = 0; i < rungs->size; ++i) PetscCall(CheckHeldRung(run, rungs->values[i]));
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) left -= TpRunIsHeldOut(run, k);
  if (left < 1)
    PetscFunctionReturn(TpConfigError(run->config, hold_out->size ? "training.hold_out" : "training.hold_out_rungs",
                                      "holds out every rung; at least one must be learned from"));
  if (run->settings.features.label == TP_LABEL_JITTER &&
      run->settings.features.jitter > run->ladder->temperature[0] / 9.0)
    PetscFunctionReturn(TpConfigError(run->config, "features.jitter",
                                      "%g; allowed up to a ninth of the lowest temperature, %g",
                                      run->settings.features.jitter, run->ladder->temperature[0] / 9.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunLocate(TpRun run, PetscErrorCode code)
{
  char line[1024];

  if (code != TP_ERR_INPUT) return code;
  snprintf(line, sizeof(line), "%s", TpInputErrorMessage());
  for (const TpParameter *row = tp_parameters; row->key; ++row) {
    const size_t length = strlen(row->key);

    if (strncmp(line, row->key, length) || strncmp(line + length, ": ", 2)) continue;
    TpInputErrorClear();
    return TpConfigError(run->config, row->key, "%s", line + length + 2);
  }
  return code;
}

PetscErrorCode TpRunBadConfiguration(TpFailure failure, const char *who, const char *rest)
{
  if (failure == TP_FAILURE_LOST_ATOMS)
    return TpInputError("%s lost atoms%s; a smaller engine.timestep, or a box in engine.lammps.script that holds them, "
                        "may help",
                        who, rest);
  return TpStopError("%s became not finite%s; a smaller engine.timestep may help", who, rest);
}

PetscErrorCode TpRunTellMixture(TpRun run)
{
  const TpRealList *hold_out = &run->settings.training.hold_out;
  TpMixture         mixture  = {.label   = run->settings.features.label,
                                .degrees = run->system.label_degrees,
                                .jitter  = run->settings.features.jitter};
  double           *temperature, *share;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(run->ladder->num_rungs, &temperature, run->ladder->num_rungs, &share));
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) {
    if (TpRunIsHeldOut(run, k)) continue;
    temperature[mixture.count] = run->ladder->temperature[k];
    share[mixture.count++]     = TpRunShare(run, k);
  }
  mixture.temperature = temperature;
  mixture.share       = share;
  PetscCall(TpMixtureTell(&mixture, hold_out->size, hold_out->values));
  PetscCall(PetscFree2(temperature, share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunDestroy(TpRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(TpDataDestroy(&(*run)->data));
  if ((*run)->groups) PetscCall(TpSystemDestroy(&(*run)->system));
  PetscCall(TpGroupsDestroy(&(*run)->groups));
  PetscCall(TpTunerDestroy(&(*run)->tuner));
  PetscCall(TpLadderDestroy(&(*run)->ladder));
  PetscCall(PetscFree((*run)->used_parameters));
  PetscCall(TpSettingsDestroy(&(*run)->settings));
  PetscCall(TpConfigDestroy(&(*run)->config));
  PetscCall(PetscFree(*run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
