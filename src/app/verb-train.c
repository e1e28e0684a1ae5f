/* tempera train INPUT.yaml: learn from recorded trajectories, on any number of ranks. */
#include "learning.h"

#include <math.h>

/* A training under way. */
typedef struct {
  TpRun      run;
  TpLearning learning;
  TpStopping stopping;
  FILE      *metrics; /* on the writer */
  double     start, told;
  PetscInt64 first_step, told_step;
} Training;

/* ------------------------------------------------------------------------------------------------------------- input */

static PetscErrorCode CheckShards(TpRun run, int ranks)
{
  PetscFunctionBeginUser;
  if (run->settings.stream.num_shards < ranks)
    PetscFunctionReturn(TpConfigError(run->config, "stream.shards",
                                      "%lld shards for %d ranks; every rank needs at least one",
                                      (long long)run->settings.stream.num_shards, ranks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The temperatures of the data stand for the ladder. */
static PetscErrorCode CreateLadder(TpRun run)
{
  const TpLadderSettings ladder = {.temperatures = *TpDataTemperatures(run->data)};

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&ladder, TpBoltzmann(run->system.units), (uint64_t)run->settings.run.seed, &run->ladder));
  if (TpDataIsContinuous(run->data) && run->settings.training.hold_out.size)
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out",
                                      "the labels of the data fluctuate; say by data.temperatures which file is at "
                                      "which temperature of the bath"));
  if (run->settings.data.condition_columns.size && run->settings.training.hold_out.size)
    PetscFunctionReturn(
        TpConfigError(run->config, "training.hold_out",
                      "does not go with data.condition_columns: what is compared at a held-out temperature "
                      "would depend on them"));
  PetscCall(TpRunCheckTemperatures(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAll(MPI_Comm comm, const TpCommandLine *command, TpRun run)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TpReadInput(comm, command, &run->config, &run->settings));
  PetscCall(CheckShards(run, size));
  run->settings.run.rounds           = run->settings.steps; /* a round of a training is one step */
  run->settings.stream.keep_interval = 1;                   /* rows are frames, and all are kept */
  run->max_hours                     = command->max_hours > 0.0 ? command->max_hours : run->settings.run.max_hours;
  PetscCall(TpGroupsCreate(comm, 0, size, TP_PLACEMENT_LAST, &run->groups));
  run->is_writer = run->groups->group_rank == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(TpConfigWriteText(run->config, (TpUnitSystem)run->settings.data.units, &run->settings, NULL,
                              &run->used_parameters));
  PetscCall(TpRunFolderCheck(run, comm, "metrics.csv", command->restart));
  PetscCall(TpDataRead(run->groups->group, run->config, &run->settings, &run->data));
  PetscCall(TpSystemCreateFromData(&run->settings, run->data, &run->system));
  PetscCall(CreateLadder(run));
  PetscCall(TpEvaluationCheck(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- begin */

static void Greet(TpRun run, TpLearning learning)
{
  const char *unit = TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE);

  TpLog(TP_LOG_PRODUCTION, "%s", TpVersionLine());
  TpLog(TP_LOG_PRODUCTION, "%s: %lld frames of %d features, %d trainers, %d weights", run->settings.run.folder,
        (long long)TpDataSize(run->data), (int)run->system.num_features, run->groups->num_trainers,
        (int)learning->trainer->num_parameters);
  if (TpDataIsContinuous(run->data))
    TpLog(TP_LOG_PRODUCTION, "  temperature labels from %g to %g %s", run->ladder->temperature[0],
          run->ladder->temperature[1], unit);
  else
    for (PetscInt k = 0; k < run->ladder->num_rungs; ++k)
      TpLog(TP_LOG_PRODUCTION, "  %12.6g %s: %lld frames%s", run->ladder->temperature[k], unit,
            (long long)TpDataCount(run->data, k), TpRunIsHeldOut(run, k) ? "  (held out)" : "");
  if (run->system.label_degrees > 0.0)
    TpLog(TP_LOG_PRODUCTION, "  labels spread by %.2f %%, as with %.0f degrees of freedom",
          100.0 * sqrt(2.0 / run->system.label_degrees), run->system.label_degrees);
  if (run->first_round)
    TpLog(TP_LOG_PRODUCTION, "going on after step %lld of %lld", (long long)run->first_round,
          (long long)run->settings.run.rounds);
}

/* Rows into shards; those of held-out temperatures are left for the evaluation. */
static PetscErrorCode KeepRows(Training *training)
{
  TpRun run = training->run;

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < TpDataNumKept(run->data); ++i) {
    const TpDataRow row = TpDataKept(run->data, i);

    if (!TpDataIsContinuous(run->data) && TpRunIsHeldOut(run, row.rung)) continue;
    PetscCall(TpLearningKeep(training->learning, 0, row.row, row.number, row.label, row.features, row.further));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of metrics.csv up to the step that we go on from stay. */
static PetscErrorCode OpenMetrics(Training *training)
{
  TpRun run = training->run;

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpMetricsOpen(run, "step,seconds,loss,validation_loss,best_loss,learning_rate,steps_per_second\n",
                          &training->metrics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(MPI_Comm comm, const TpCommandLine *command, Training *training)
{
  TpRun        run                            = training->run;
  char         checkpoint[PETSC_MAX_PATH_LEN] = "";
  TpCheckpoint state;

  PetscFunctionBeginUser;
  PetscCall(TpLearningCreate(run, &training->learning));
  PetscCall(KeepRows(training));
  if (command->check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpRunFolderOpen(run, command, checkpoint));
  PetscCall(TpAgree(comm, TpRunLogOpen(run)));
  PetscCall(TpAgree(comm, TpRunFolderWriteParameters(run, "train")));
  PetscCall(TpAgree(comm, OpenMetrics(training)));
  if (checkpoint[0]) {
    state.learning = training->learning;
    PetscCall(TpCheckpointRead(run, checkpoint, &state, NULL));
    PetscCall(TpLearningWriteModels(training->learning));
  } else
    PetscCall(TpLearningFixScaling(training->learning, NULL));
  PetscCall(TpStoppingCreate(run, &training->stopping));
  training->first_step = training->told_step = training->learning->trainer->step;
  training->start = training->told = MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- tell */

static void Tell(Training *training)
{
  TpRun            run      = training->run;
  TpLearning       learning = training->learning;
  const PetscInt64 step     = learning->trainer->step;
  const double     now = MPI_Wtime(), rate = (double)(step - training->told_step) / (now - training->told);
  const double     learning_rate = TpLearningRate(&run->settings.training, step - 1);

  if (!run->is_writer || step == training->told_step) return;
  if (training->told_step == training->first_step)
    TpLog(TP_LOG_PRODUCTION, "%12s %9s %11s %11s %10s %8s", "step", "loss", "validation", "rate", "steps/s", "ETA s");
  TpLog(TP_LOG_PRODUCTION, "%12lld %9.4f %11.5f %11.3g %10.1f %8.0f", (long long)step, learning->trainer->loss,
        learning->validation_loss, learning_rate, rate, (double)(run->settings.run.rounds - step) / rate);
  fprintf(training->metrics, "%lld,%.3f,%.9g,%.9g,%.9g,%.6g,%.3f\n", (long long)step, now - run->start_time,
          learning->trainer->loss, learning->validation_loss, learning->best_loss, learning_rate, rate);
  fflush(training->metrics);
  training->told      = now;
  training->told_step = step;
}

/* -------------------------------------------------------------------------------------------------------------- loop */

/* What all ranks decide after this step. */
static PetscErrorCode Decide(Training *training, unsigned *decision)
{
  unsigned wish = TpStoppingWish(training->stopping);

  PetscFunctionBeginUser;
  *decision = wish;
  if (training->run->groups->num_trainers > 1)
    PetscCall(TpAllreduce(&wish, decision, 1, MPI_UNSIGNED, MPI_BOR, training->run->groups->group, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Checkpoint(Training *training)
{
  TpRun              run   = training->run;
  const TpCheckpoint state = {.round = training->learning->trainer->step - 1, .learning = training->learning};
  char               path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointPath(run, state.round, path));
  PetscCall(TpCheckpointWrite(run, path, TP_CHECKPOINT_FORMAT, &state, 0, NULL));
  PetscCall(TpCheckpointPrune(run));
  PetscCall(TpLearningWriteModels(training->learning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* training.patience: so many validations since the best one. */
static PetscBool IsPatienceOver(const Training *training)
{
  const TpSettings *settings = &training->run->settings;
  const TpLearning  learning = training->learning;

  if (!settings->patience || !learning->validation || !learning->best_step) return PETSC_FALSE;
  return learning->trainer->step - learning->best_step >= settings->patience * settings->validation.interval
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* A loss that is no number leaves everything as it was before the step: those weights are the last good model. */
static PetscErrorCode Step(Training *training)
{
  const PetscErrorCode code = TpLearningStep(training->learning);

  PetscFunctionBeginUser;
  if (code == TP_ERR_STOPPED) PetscCall(TpLearningWriteModels(training->learning));
  PetscFunctionReturn(code);
}

static PetscErrorCode Loop(Training *training, PetscBool *finished)
{
  TpRun     run     = training->run;
  TpTrainer trainer = training->learning->trainer;

  PetscFunctionBeginUser;
  *finished = trainer->step >= run->settings.run.rounds || IsPatienceOver(training) ? PETSC_TRUE : PETSC_FALSE;
  for (unsigned decision = 0; !*finished && !(decision & TP_DECIDE_STOP);) {
    PetscCall(Step(training));
    PetscCall(Decide(training, &decision));
    *finished = trainer->step >= run->settings.run.rounds || IsPatienceOver(training) ? PETSC_TRUE : PETSC_FALSE;
    const PetscBool save =
        *finished || decision || TpRunIsCheckpointRound(run, trainer->step - 1) ? PETSC_TRUE : PETSC_FALSE;

    if (save || trainer->step % run->settings.output.report_interval == 0) Tell(training);
    if (save) PetscCall(Checkpoint(training));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- end */

static PetscErrorCode End(Training *training, PetscBool finished)
{
  TpRun      run      = training->run;
  TpLearning learning = training->learning;

  PetscFunctionBeginUser;
  if (run->is_writer) {
    TpLog(TP_LOG_PRODUCTION, "%lld of %lld steps done, %lld of them now, in %.0f s", (long long)learning->trainer->step,
          (long long)run->settings.run.rounds, (long long)(learning->trainer->step - training->first_step),
          MPI_Wtime() - training->start);
    if (IsPatienceOver(training))
      TpLog(TP_LOG_PRODUCTION, "no better validation in %lld of them: learning ends",
            (long long)run->settings.patience);
    if (learning->best_step)
      TpLog(TP_LOG_PRODUCTION, "model-best.h5: after step %lld, validation %.5f", (long long)learning->best_step,
            learning->best_loss);
  }
  if (finished) PetscCall(TpEvaluate(run));
  PetscCall(TpRunFolderMark(run, finished));
  if (run->is_writer && !finished)
    TpLog(TP_LOG_PRODUCTION, "stopped; go on with: tempera train %s/used-parameters.yaml --restart",
          run->settings.run.folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Training *training)
{
  PetscFunctionBeginUser;
  TpRunLogClose(training->run);
  if (training->metrics) fclose(training->metrics);
  PetscCall(TpStoppingDestroy(&training->stopping));
  PetscCall(TpLearningDestroy(&training->learning));
  PetscCall(TpRunDestroy(&training->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(MPI_Comm comm, const TpCommandLine *command, Training *training)
{
  PetscFunctionBeginUser;
  PetscCall(ReadAll(comm, command, training->run));
  PetscCall(Begin(comm, command, training));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpVerbTrain(MPI_Comm comm, const TpCommandLine *command)
{
  Training  training = {0};
  PetscBool finished;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&training.run));
  training.run->start_time = MPI_Wtime();
  PetscCall(TpStoppingCatchSignals());
  PetscCall(TpRunLocate(training.run, Prepare(comm, command, &training)));
  if (training.run->is_writer) {
    Greet(training.run, training.learning);
    PetscCall(TpRunTellMixture(training.run));
    if (command->check) TpLog(TP_LOG_PRODUCTION, "the input is fine");
  }
  if (!command->check) {
    PetscCall(Loop(&training, &finished));
    PetscCall(End(&training, finished));
  }
  PetscCall(Destroy(&training));
  PetscFunctionReturn(PETSC_SUCCESS);
}
