/* The tuning of a run's ladder, as its files and its log tell it; how the temperatures are found is in the module ladder. */
#include "run-impl.h"

#include <math.h>

/* -------------------------------------------------------------------------------------------------------------- run.h5 */

PetscErrorCode TpTuningDefine(TpRun run, TpFile file)
{
  const PetscInt64 num_rungs = run->ladder->num_rungs, num_stages = run->settings.ladder.tune_stages;
  const PetscInt64 by_rung[] = {num_stages, num_rungs}, by_pair[] = {num_stages, num_rungs - 1};
  const char      *unit = TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE);

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, unit,
                         "temperature of each rung: what the tuning has come to, final in its last round"));
  PetscCall(TpFileDefine(file, "/ladder/beta", TP_FILE_DOUBLE, 1, &num_rungs,
                         run->system.units == TP_UNITS_MOLECULAR ? "mol/kJ" : "",
                         "inverse temperature 1/(k_B T) of each rung"));
  PetscCall(TpFileDefine(file, "/tuning/end_round", TP_FILE_INT64, 1, &num_stages, "",
                         "first round after each stage of the tuning; 0: not done yet"));
  PetscCall(TpFileDefine(file, "/tuning/temperature", TP_FILE_DOUBLE, 2, by_rung, unit,
                         "temperature of each rung in the rounds of each stage [stage, rung]"));
  PetscCall(TpFileDefine(file, "/tuning/rejection", TP_FILE_DOUBLE, 2, by_pair, "",
                         "mean rejection of each rung with the next one, measured in each stage [stage, pair]"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTuningCopy(TpRun run, TpFile from, TpFile to)
{
  const PetscInt num_stages = (PetscInt)run->settings.ladder.tune_stages;

  PetscFunctionBeginUser;
  PetscCall(TpFileCopyRows(from, to, "/tuning/end_round", num_stages));
  PetscCall(TpFileCopyRows(from, to, "/tuning/temperature", num_stages));
  PetscCall(TpFileCopyRows(from, to, "/tuning/rejection", num_stages));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTuningWriteLadder(TpRun run, TpFile file)
{
  const PetscInt64 rows = run->is_writer ? run->ladder->num_rungs : 0;

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(file, "/ladder/temperature", TP_FILE_DOUBLE, 0, rows, run->ladder->temperature));
  PetscCall(TpFileWriteRows(file, "/ladder/beta", TP_FILE_DOUBLE, 0, rows, run->ladder->beta));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a stage has measured, and where: `temperature` is from before the rungs moved. */
static PetscErrorCode WriteStage(TpRun run, TpFile file, PetscInt stage, const double temperature[])
{
  const PetscInt64 rows = run->is_writer ? 1 : 0, end = TpTunerStageEnd(run->tuner, stage);

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(file, "/tuning/temperature", TP_FILE_DOUBLE, stage, rows, temperature));
  PetscCall(TpFileWriteRows(file, "/tuning/rejection", TP_FILE_DOUBLE, stage, rows, run->tuner->rejection));
  PetscCall(TpFileWriteRows(file, "/tuning/end_round", TP_FILE_INT64, stage, rows, &end));
  PetscCall(TpTuningWriteLadder(run, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- checkpoint */

PetscErrorCode TpTuningWriteCheckpoint(TpRun run, TpFile file)
{
  const PetscInt64 num_rungs = run->ladder->num_rungs;
  const PetscInt64 shape[]   = {TP_TUNER_SUMS, TP_TUNER_BLOCKS, num_rungs - 1};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, run->ladder->temperature,
                           TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE), "temperature of each rung"));
  if (!run->tuner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileWriteAll(file, "/tuner/sums", TP_FILE_DOUBLE, 3, shape, run->tuner->sums, "",
                           "attempts and rejections of the stage under way [sum, block, pair]"));
  PetscCall(TpFileWriteInteger(file, "/tuner", "rounds", run->tuner->num_rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadCheckpoint(TpRun run, TpFile file)
{
  const PetscInt64 num_rungs = run->ladder->num_rungs;
  const PetscInt64 shape[]   = {TP_TUNER_SUMS, TP_TUNER_BLOCKS, num_rungs - 1};

  PetscFunctionBeginUser;
  PetscCall(TpFileReadAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, run->ladder->temperature));
  TpLadderSetTemperatures(run->ladder, run->ladder->temperature);
  PetscCall(TpFileReadAll(file, "/tuner/sums", TP_FILE_DOUBLE, 3, shape, run->tuner->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTuningRestore(TpRun run, const char *path)
{
  TpFile         file;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (!run->tuner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileOpen(run->groups->world, path, TP_CHECKPOINT_FORMAT, TP_CHECKPOINT_VERSION, &file));
  code = ReadCheckpoint(run, file);
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(code);
}

/* ----------------------------------------------------------------------------------------------------------------- log */

void TpTuningTellIntervals(TpRun run, const char *margin)
{
  TpTuner      tuner     = run->tuner;
  const double boltzmann = run->ladder->boltzmann;

  TpLog(TP_LOG_PRODUCTION, "%s      from         to   rejected   +- error   local barrier%s", margin,
        run->system.units == TP_UNITS_MOLECULAR ? " kJ/mol" : "");
  for (PetscInt i = 0; i + 1 < tuner->num_rungs; ++i)
    TpLog(TP_LOG_PRODUCTION, "%s%10.5g %10.5g %10.4f %10.4f %15.5g", margin, 1 / (boltzmann * tuner->beta[i]),
          1 / (boltzmann * tuner->beta[i + 1]), tuner->rejection[i], tuner->error[i],
          tuner->rejection[i] / (tuner->beta[i] - tuner->beta[i + 1]));
}

PetscErrorCode TpTuningTellRate(PetscInt scheme, PetscInt num_rungs, double rejection, const char *margin)
{
  double *equal, rate;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(num_rungs, &equal));
  for (PetscInt i = 0; i < num_rungs; ++i) equal[i] = rejection;
  rate = TpBarrierRoundTripRate(scheme, num_rungs - 1, equal);
  PetscCall(PetscFree(equal));
  if (isfinite(rate))
    TpLog(TP_LOG_PRODUCTION,
          "%spredicted round trips under %s: %.4g per round of all walkers together, one in %.4g rounds for each",
          margin, tp_scheme_words[scheme], rate, (double)num_rungs / rate);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpTuningTellTemperatures(PetscInt num_rungs, const double temperature[])
{
  char   text[4096];
  size_t length = 0;

  for (PetscInt k = 0; k < num_rungs && length < sizeof(text); ++k)
    length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.10g", k ? ", " : "", temperature[k]);
  TpLog(TP_LOG_PRODUCTION, "  temperatures: [%s]", text);
}

/* One line at the end of each stage; at the end of the last one all that has been found. */
static PetscErrorCode Tell(TpRun run, PetscInt stage)
{
  const TpTuner  tuner     = run->tuner;
  const PetscInt num_rungs = tuner->num_rungs;

  PetscFunctionBeginUser;
  if (isnan(tuner->barrier))
    TpLog(TP_LOG_PRODUCTION, "tuning, stage %d of %d: a pair of rungs was not tried yet; nothing is moved",
          (int)stage + 1, (int)tuner->num_stages);
  else if (isnan(tuner->barrier_error))
    TpLog(TP_LOG_PRODUCTION,
          "tuning, stage %d of %d, up to round %lld: communication barrier %.4f, too few tries to "
          "tell its error",
          (int)stage + 1, (int)tuner->num_stages, (long long)TpTunerStageEnd(tuner, stage), tuner->barrier);
  else
    TpLog(TP_LOG_PRODUCTION, "tuning, stage %d of %d, up to round %lld: communication barrier %.4f +- %.4f",
          (int)stage + 1, (int)tuner->num_stages, (long long)TpTunerStageEnd(tuner, stage), tuner->barrier,
          tuner->barrier_error);
  if (stage + 1 < tuner->num_stages) PetscFunctionReturn(PETSC_SUCCESS);

  TpTuningTellIntervals(run, "  ");
  TpLog(TP_LOG_PRODUCTION, "  most round trips per processor time: %d rungs (1 + 2 x barrier); the ladder has %d",
        (int)TpBarrierBestRungs(tuner->barrier), (int)num_rungs);
  PetscCall(TpTuningTellRate(run->ladder->scheme, num_rungs, tuner->barrier / (num_rungs - 1), "  "));
  TpLog(TP_LOG_PRODUCTION, "the temperatures are frozen from here on; each pair is expected to reject %.4f",
        tuner->barrier / (num_rungs - 1));
  TpTuningTellTemperatures(num_rungs, run->ladder->temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- end of a stage */

PetscErrorCode TpTuningEndStage(TpRun run, PetscInt64 round, TpFile file)
{
  const PetscInt stage = TpTunerStage(run->tuner, round);
  double        *before;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->ladder->num_rungs, &before));
  PetscCall(PetscArraycpy(before, run->ladder->temperature, run->ladder->num_rungs));
  PetscCall(TpTunerRespace(run->tuner, run->ladder));
  PetscCall(WriteStage(run, file, stage, before));
  PetscCall(PetscFree(before));
  if (run->is_writer) PetscCall(Tell(run, stage));
  PetscFunctionReturn(PETSC_SUCCESS);
}
