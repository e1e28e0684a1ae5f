/* The making of run.h5: at full size when a run begins, and anew when a restart has another length. */
#include "diagnostics.h"
#include "recorder-impl.h"

const TpRecordColumn tp_record_columns[TP_RECORD_COLUMNS] = {
    {TP_RECORD_ENERGY, "/energy/value", TP_FILE_DOUBLE, TP_RECORD_EACH_ENERGY, TP_DIMENSION_ENERGY,
     "potential energy of the state that each rung generated, before the swap [row, rung]"},
    {TP_RECORD_LABEL, "/temperature/label", TP_FILE_DOUBLE, TP_RECORD_EACH_FRAME, TP_DIMENSION_TEMPERATURE,
     "temperature label that is learned with the frame [row, rung]"},
    {TP_RECORD_KINETIC, "/temperature/kinetic", TP_FILE_DOUBLE, TP_RECORD_EACH_ENERGY, TP_DIMENSION_TEMPERATURE,
     "kinetic temperature of all moving atoms [row, rung]"},
    {TP_RECORD_PROBABILITY, "/exchange/probability", TP_FILE_DOUBLE, TP_RECORD_EACH_ROUND, TP_DIMENSION_NONE,
     "probability of the swap tried after the frame [round, rung]"},
    {TP_RECORD_WALKER, "/exchange/walker", TP_FILE_INT32, TP_RECORD_EACH_ROUND, TP_DIMENSION_NONE,
     "walker at each rung, before the swap [round, rung]"},
    {TP_RECORD_PARTNER, "/exchange/partner", TP_FILE_INT32, TP_RECORD_EACH_ROUND, TP_DIMENSION_NONE,
     "rung that a swap was tried with after the frame, -1: none [round, rung]"},
    {TP_RECORD_ACCEPTED, "/exchange/accepted", TP_FILE_INT32, TP_RECORD_EACH_ROUND, TP_DIMENSION_NONE,
     "whether that swap was accepted [round, rung]"},
};

PetscInt64 TpRecordInterval(TpRun run, TpRecordCadence cadence)
{
  return cadence == TP_RECORD_EACH_ENERGY  ? run->settings.output.energy_interval
         : cadence == TP_RECORD_EACH_FRAME ? run->settings.stream.keep_interval
                                           : 1;
}

static PetscErrorCode DefineDatasets(TpRun run, TpFile file)
{
  const PetscInt     num_rungs = run->ladder->num_rungs, num_features = run->system.num_features;
  const PetscInt64   rounds = run->settings.run.rounds, one = 1;
  const PetscInt64   by_feature[] = {rounds / TpRecordInterval(run, TP_RECORD_EACH_FRAME), num_rungs, num_features};
  const TpUnitSystem units        = run->system.units;

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, "",
                         "rows below are valid up to this round"));
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) {
    const PetscInt64 by_rung[] = {rounds / TpRecordInterval(run, tp_record_columns[i].cadence), num_rungs};

    PetscCall(TpFileDefine(file, tp_record_columns[i].name, tp_record_columns[i].type, 2, by_rung,
                           TpUnitName(units, tp_record_columns[i].dimension), tp_record_columns[i].description));
  }
  PetscCall(TpFileDefine(file, "/features/value", TP_FILE_FLOAT, 3, by_feature, "see /features/unit",
                         "features of each frame [row, rung, feature]"));
  PetscCall(TpFileDefine(file, "/training/loss", TP_FILE_DOUBLE, 1, &rounds, "",
                         "denoising loss of the last optimiser step of each round; NaN: none was done"));
  PetscCall(TpDiagnosticsDefine(file, num_rungs));
  PetscCall(TpRepairDefine(file));
  if (run->tuner) PetscCall(TpTuningDefine(run, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Temperatures that no tuning moves. */
static PetscErrorCode WriteLadder(TpRun run, TpFile file)
{
  const PetscInt64 num_rungs = run->ladder->num_rungs;

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, run->ladder->temperature,
                           TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE), "temperature of each rung"));
  PetscCall(TpFileWriteAll(file, "/ladder/beta", TP_FILE_DOUBLE, 1, &num_rungs, run->ladder->beta,
                           run->system.units == TP_UNITS_MOLECULAR ? "mol/kJ" : "",
                           "inverse temperature 1/(k_B T) of each rung"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFacts(TpRun run, TpFile file)
{
  const TpSettings *settings = &run->settings;

  PetscFunctionBeginUser;
  if (!run->tuner) PetscCall(WriteLadder(run, file));
  PetscCall(TpWriteFeatures(file, run->system.num_features, run->system.name, run->system.unit, run->system.period));
  PetscCall(TpFileWriteText(file, "/", "engine", run->system.engine));
  PetscCall(TpFileWriteText(file, "/", "scheme", tp_scheme_words[run->ladder->scheme]));
  PetscCall(TpFileWriteInteger(file, "/", "steps_per_round", settings->ladder.interval));
  PetscCall(TpFileWriteInteger(file, "/", "energy_interval", settings->output.energy_interval));
  PetscCall(TpFileWriteInteger(file, "/", "feature_interval", settings->stream.keep_interval));
  PetscCall(TpFileWriteReal(file, "/", "timestep", settings->engine.timestep));
  PetscCall(TpFileWriteInteger(file, "/", "start_round", settings->training.start_round));
  PetscCall(TpFileWriteInteger(file, "/", "tune_rounds", TpRunFirstKept(run)));
  PetscCall(TpFileWriteInteger(file, "/", "degrees_of_freedom", run->system.degrees_of_freedom));
  PetscCall(TpFileWriteText(file, "/", "system_hash", run->system.hash_text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- rows */

/* How many rows there are, and how many there is room for: rows of this run's rungs, features and intervals. The same on all trainers. */
static PetscErrorCode CountRows(TpRun run, TpFile file, const char *path, PetscInt64 *room, PetscInt64 *written)
{
  const PetscInt64 one = 1;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/training/loss", 1, room));
  const PetscInt64 by_feature[] = {*room / TpRecordInterval(run, TP_RECORD_EACH_FRAME), run->ladder->num_rungs,
                                   run->system.num_features};

  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) {
    const PetscInt64 by_rung[] = {*room / TpRecordInterval(run, tp_record_columns[i].cadence), run->ladder->num_rungs};

    PetscCall(TpFileCheckShape(file, tp_record_columns[i].name, tp_record_columns[i].type, 2, by_rung));
  }
  PetscCall(TpFileCheckShape(file, "/features/value", TP_FILE_FLOAT, 3, by_feature));
  PetscCall(TpFileCheckShape(file, "/training/loss", TP_FILE_DOUBLE, 1, room));
  PetscCall(TpFileCheckShape(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one));
  PetscCall(TpFileReadAll(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, written));
  TpCheckInput(*written >= 0 && *written <= *room,
               "%s: %" PetscInt64_FMT " rounds written, there is room for %" PetscInt64_FMT, path, *written, *room);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rows that are valid, not only those before the checkpoint: later checkpoints may count on them. */
static PetscErrorCode CopyRows(TpRun run, TpFile from, TpFile to, PetscInt64 rounds)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i)
    PetscCall(TpFileCopyRows(from, to, tp_record_columns[i].name,
                             rounds / TpRecordInterval(run, tp_record_columns[i].cadence)));
  PetscCall(TpFileCopyRows(from, to, "/features/value", rounds / TpRecordInterval(run, TP_RECORD_EACH_FRAME)));
  PetscCall(TpFileCopyRows(from, to, "/training/loss", rounds));
  PetscCall(TpRepairCopy(from, to));
  if (run->tuner) PetscCall(TpTuningCopy(run, from, to));
  PetscCall(TpFileWriteRows(to, "/progress/rounds_written", TP_FILE_INT64, 0, run->is_writer ? 1 : 0, &rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ prepare */

static PetscErrorCode WriteContents(TpRun run, TpFile file, TpFile old, PetscInt64 rows)
{
  PetscFunctionBeginUser;
  PetscCall(WriteFacts(run, file));
  PetscCall(DefineDatasets(run, file));
  if (old) PetscCall(CopyRows(run, old, file, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With the first rows of the old file, if there is one. */
static PetscErrorCode Make(TpRun run, const char *path, TpFile old, PetscInt64 rows)
{
  const TpFileHeader header = {.format     = TP_RUN_FORMAT,
                               .version    = TP_RUN_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters,
                               .placed     = PETSC_TRUE};
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(run->groups->group, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(run, file, old, rows)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunFilePrepare(TpRun run, const char *path)
{
  const PetscInt64 wanted = run->settings.run.rounds;
  PetscInt64       room = 0, written = 0;
  TpFile           old;
  PetscErrorCode   code, close_code;

  PetscFunctionBeginUser;
  if (run->first_round == 0) {
    PetscCall(Make(run, path, NULL, 0));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TpFileOpen(run->groups->group, path, TP_RUN_FORMAT, TP_RUN_VERSION, &old));
  code = CountRows(run, old, path, &room, &written);
  if (!code && room != wanted) {
    if (run->is_writer)
      TpLog(TP_LOG_PRODUCTION, "the run was of %lld rounds: making its files %s", (long long)room,
            room < wanted ? "longer" : "shorter");
    code = Make(run, path, old, PetscMin(written, wanted));
  }
  close_code = TpFileClose(&old);
  PetscFunctionReturn(code ? code : close_code);
}
