/* run.h5: what is kept of every round of every rung until it is written, and the statistics of all rounds. */
#include "diagnostics.h"
#include "recorder-impl.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------------------ create */

PetscErrorCode TpRecorderCreate(TpRun run, TpRecorder *recorder)
{
  TpRecorder new_recorder;
  char       path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "run.h5", path));
  PetscCall(TpRunFilePrepare(run, path));
  PetscCall(PetscNew(&new_recorder));
  new_recorder->run          = run;
  new_recorder->num_rungs    = run->ladder->num_rungs;
  new_recorder->num_features = run->system.num_features;
  new_recorder->capacity     = (PetscInt)PetscMin(run->settings.output.report_interval, run->settings.run.rounds);
  new_recorder->first_round  = run->first_round;
  const PetscInt rows        = new_recorder->capacity * new_recorder->num_rungs;
  PetscCall(PetscCalloc3(rows * TP_RECORD_NUMBERS, &new_recorder->numbers, rows * new_recorder->num_features,
                         &new_recorder->features, new_recorder->capacity, &new_recorder->loss));
  PetscCall(PetscMalloc1((size_t)rows * sizeof(double), &new_recorder->column));
  PetscCall(
      PetscMalloc2(new_recorder->num_rungs, &new_recorder->swaps, new_recorder->num_rungs, &new_recorder->walkers));
  PetscCall(TpLadderStatisticsCreate(new_recorder->num_rungs, &new_recorder->statistics));
  PetscCall(TpFileOpenForUpdate(run->groups->group, path, TP_RUN_FORMAT, TP_RUN_VERSION, &new_recorder->file));
  if (run->tuner) PetscCall(TpTuningWriteLadder(run, new_recorder->file));
  *recorder = new_recorder;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRecorderDestroy(TpRecorder *recorder)
{
  PetscFunctionBeginUser;
  if (!*recorder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileClose(&(*recorder)->file));
  PetscCall(TpLadderStatisticsDestroy(&(*recorder)->statistics));
  PetscCall(PetscFree3((*recorder)->numbers, (*recorder)->features, (*recorder)->loss));
  PetscCall(PetscFree((*recorder)->column));
  PetscCall(PetscFree2((*recorder)->swaps, (*recorder)->walkers));
  PetscCall(PetscFree(*recorder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpFile TpRecorderFile(TpRecorder recorder)
{
  return recorder->file;
}

TpLadderStatistics TpRecorderStatistics(TpRecorder recorder)
{
  return recorder->statistics;
}

TpRoundTimes TpRecorderTimes(TpRecorder recorder)
{
  return recorder->times;
}

/* --------------------------------------------------------------------------------------------------------------- add */

/* Row of the buffers for a frame. */
static PetscInt RowOf(TpRecorder recorder, PetscInt64 round, PetscInt rung)
{
  return (PetscInt)(round - recorder->first_round) * recorder->num_rungs + rung;
}

void TpRecorderAdd(TpRecorder recorder, const TpFrame *frame, const float features[])
{
  const PetscInt row     = RowOf(recorder, frame->round, frame->rung);
  double        *numbers = recorder->numbers + row * TP_RECORD_NUMBERS;

  numbers[TP_RECORD_ENERGY]         = frame->energy;
  numbers[TP_RECORD_LABEL]          = frame->label;
  numbers[TP_RECORD_KINETIC]        = frame->kinetic;
  numbers[TP_RECORD_PROBABILITY]    = frame->probability;
  numbers[TP_RECORD_WALKER]         = (double)frame->walker;
  numbers[TP_RECORD_PARTNER]        = frame->partner;
  numbers[TP_RECORD_ACCEPTED]       = frame->accepted;
  numbers[TP_RECORD_MD_SECONDS]     = frame->md_seconds;
  numbers[TP_RECORD_IDLE_SECONDS]   = frame->idle_seconds;
  numbers[TP_RECORD_MD_CPU_SECONDS] = frame->md_cpu_seconds;
  numbers[TP_RECORD_CPU_SECONDS]    = frame->cpu_seconds;
  for (PetscInt i = 0; i < recorder->num_features; ++i)
    recorder->features[row * recorder->num_features + i] = features[i];
}

void TpRecorderAddLoss(TpRecorder recorder, PetscInt64 round, double loss)
{
  recorder->loss[round - recorder->first_round] = loss;
}

/* -------------------------------------------------------------------------------------------------------- statistics */

/* One complete round of all rungs into the statistics, which begin anew when the temperatures are frozen. */
static PetscErrorCode CountRound(TpRecorder recorder, PetscInt64 round, const double numbers[])
{
  PetscFunctionBeginUser;
  if (round > 0 && round == TpRunFirstKept(recorder->run)) {
    PetscCall(TpLadderStatisticsDestroy(&recorder->statistics));
    PetscCall(TpLadderStatisticsCreate(recorder->num_rungs, &recorder->statistics));
  }
  for (PetscInt k = 0; k < recorder->num_rungs; ++k) {
    const double *n = numbers + k * TP_RECORD_NUMBERS;

    recorder->walkers[k] = (PetscInt64)n[TP_RECORD_WALKER];
    recorder->swaps[k]   = (TpSwap){(PetscInt)n[TP_RECORD_PARTNER],
                                  n[TP_RECORD_ACCEPTED] != 0.0 ? PETSC_TRUE : PETSC_FALSE, n[TP_RECORD_PROBABILITY]};
    recorder->times.md_seconds += n[TP_RECORD_MD_SECONDS];
    recorder->times.idle_seconds += n[TP_RECORD_IDLE_SECONDS];
    recorder->times.md_cpu_seconds += n[TP_RECORD_MD_CPU_SECONDS];
    recorder->times.cpu_seconds += n[TP_RECORD_CPU_SECONDS];
  }
  TpLadderStatisticsAdd(recorder->statistics, recorder->walkers, recorder->swaps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- flush */

/* Every trainer has some of the frames and zeros for the rest: the sum is the whole, and adding zeros changes no bit. */
static PetscErrorCode Gather(TpRecorder recorder, PetscInt rounds)
{
  const PetscInt rows = rounds * recorder->num_rungs;
  MPI_Comm       comm = recorder->run->groups->group;

  PetscFunctionBeginUser;
  if (recorder->run->groups->num_trainers == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpAllreduce(MPI_IN_PLACE, recorder->numbers, rows * TP_RECORD_NUMBERS, MPI_DOUBLE, MPI_SUM, comm, NULL));
  PetscCall(
      TpAllreduce(MPI_IN_PLACE, recorder->features, rows * recorder->num_features, MPI_FLOAT, MPI_SUM, comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCounter(TpRecorder recorder, PetscInt64 rounds)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(recorder->file, "/progress/rounds_written", TP_FILE_INT64, 0,
                            recorder->run->is_writer ? 1 : 0, &rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRecorderFlush(TpRecorder recorder, PetscInt64 end_round)
{
  const PetscInt rounds = (PetscInt)(end_round - recorder->first_round);

  PetscFunctionBeginUser;
  if (!rounds) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Gather(recorder, rounds));
  for (PetscInt i = 0; i < rounds; ++i) {
    const PetscInt64 round = recorder->first_round + i;

    PetscCall(CountRound(recorder, round, recorder->numbers + i * recorder->num_rungs * TP_RECORD_NUMBERS));
    for (PetscInt k = 0; recorder->run->tuner && k < recorder->num_rungs; ++k)
      TpTunerAdd(recorder->run->tuner, round, k, &recorder->swaps[k]);
  }
  recorder->times.rounds += rounds;
  PetscCall(TpRecorderWriteRows(recorder, rounds));
  PetscCall(WriteCounter(recorder, end_round));
  PetscCall(PetscArrayzero(recorder->numbers, recorder->capacity * recorder->num_rungs * TP_RECORD_NUMBERS));
  PetscCall(PetscArrayzero(recorder->features, recorder->capacity * recorder->num_rungs * recorder->num_features));
  recorder->first_round = end_round;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ replay */

/* Rows carry no checksum while the run goes on: a walker that does not exist would be counted past the end of the table. */
static PetscErrorCode CheckRound(TpRecorder recorder, const char *path, PetscInt64 round, const double numbers[])
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < recorder->num_rungs; ++k) {
    const double walker = numbers[k * TP_RECORD_NUMBERS + TP_RECORD_WALKER];

    TpCheckInput(walker >= 0.0 && walker < (double)recorder->num_rungs,
                 "%s: is damaged: round %" PetscInt64_FMT " has walker %g at rung %" PetscInt_FMT
                 ", expected 0 to %" PetscInt_FMT,
                 path, round, walker, k, recorder->num_rungs - 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRecorderReplay(TpRecorder recorder, PetscInt64 end_round, TpReplayFunction visit, void *context)
{
  const PetscInt64 one = 1;
  PetscInt64       written;
  char             path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(recorder->run, "run.h5", path));
  PetscCall(TpFileReadAll(recorder->file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, &written));
  TpCheckInput(written >= end_round,
               "%s: holds %" PetscInt64_FMT " rounds, but the checkpoint is of round %" PetscInt64_FMT, path, written,
               end_round);
  for (PetscInt64 round = 0; round < end_round; round += recorder->capacity) {
    const PetscInt rounds = (PetscInt)PetscMin((PetscInt64)recorder->capacity, end_round - round);

    PetscCall(TpRecorderReadRows(recorder, round, rounds));
    for (PetscInt i = 0; i < rounds; ++i) {
      const double *numbers = recorder->numbers + i * recorder->num_rungs * TP_RECORD_NUMBERS;

      PetscCall(CheckRound(recorder, path, round + i, numbers));
      PetscCall(CountRound(recorder, round + i, numbers));
    }
    PetscCall(TpRecorderVisitFrames(recorder, round, rounds, visit, context));
  }
  PetscCall(PetscArrayzero(recorder->numbers, recorder->capacity * recorder->num_rungs * TP_RECORD_NUMBERS));
  PetscCall(PetscArrayzero(recorder->features, recorder->capacity * recorder->num_rungs * recorder->num_features));
  recorder->times       = (TpRoundTimes){0};
  recorder->first_round = end_round;
  PetscCall(WriteCounter(recorder, end_round));
  PetscCall(TpDiagnosticsWrite(recorder->file, recorder->run->groups->group, NULL));
  PetscCall(TpDiagnosticsWrite(recorder->file, recorder->run->groups->group, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
