/* run.h5: every round of every rung, in rows that are written into place. */
#include "diagnostics.h"
#include "recorder-impl.h"

#include <math.h>

struct TpRecorder_ {
  TpRun              run; /* kept, the caller's */
  TpFile             file;
  PetscInt           num_rungs;
  PetscInt           num_features;
  PetscInt           capacity;    /* rounds in the buffers */
  PetscInt64         first_round; /* of the buffers */
  double            *numbers;     /* [capacity, rungs, TP_RECORD_NUMBERS] zero where the frame is another trainer's */
  float             *features;    /* [capacity, rungs, features] likewise */
  double            *loss;        /* [capacity] */
  void              *column;      /* [capacity, rungs] of one dataset */
  TpSwap            *swaps;       /* [rungs] */
  PetscInt64        *walkers;     /* [rungs] */
  TpLadderStatistics statistics;
  TpRoundTimes       times;
};

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

/* Rows of a dataset that has one every so many rounds: those of the rounds [round, round + rounds) of the buffers. */
typedef struct {
  PetscInt64 interval;
  PetscInt64 first;
  PetscInt   count;
} Rows;

static Rows RowsOf(TpRecorder recorder, TpRecordCadence cadence, PetscInt64 round, PetscInt rounds)
{
  const PetscInt64 interval = TpRecordInterval(recorder->run, cadence);

  return (Rows){interval, round / interval, (PetscInt)((round + rounds) / interval - round / interval)};
}

/* They are dealt out evenly: each trainer writes its share. */
static Rows ShareOf(TpRecorder recorder, Rows rows)
{
  const PetscInt64 rank = recorder->run->groups->group_rank, size = recorder->run->groups->num_trainers;
  const PetscInt   first = (PetscInt)(rows.count * rank / size), end = (PetscInt)(rows.count * (rank + 1) / size);

  return (Rows){rows.interval, rows.first + first, end - first};
}

/* The round of row i, counted from the first one in the buffers, which is `round`. */
static PetscInt PlaceOf(Rows rows, PetscInt i, PetscInt64 round)
{
  return (PetscInt)((rows.first + i + 1) * rows.interval - 1 - round);
}

static PetscErrorCode WriteColumn(TpRecorder recorder, const TpRecordColumn *column, PetscInt rounds)
{
  const PetscInt n    = recorder->num_rungs;
  const Rows     rows = ShareOf(recorder, RowsOf(recorder, column->cadence, recorder->first_round, rounds));

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < rows.count; ++i) {
    const double *numbers =
        recorder->numbers + PlaceOf(rows, i, recorder->first_round) * n * TP_RECORD_NUMBERS + column->number;

    for (PetscInt k = 0; k < n; ++k) {
      if (column->type == TP_FILE_DOUBLE)
        ((double *)recorder->column)[i * n + k] = numbers[k * TP_RECORD_NUMBERS];
      else
        ((int32_t *)recorder->column)[i * n + k] = (int32_t)numbers[k * TP_RECORD_NUMBERS];
    }
  }
  PetscCall(TpFileWriteRows(recorder->file, column->name, column->type, rows.first, rows.count, recorder->column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of frames are moved together, to the front of the buffer. */
static PetscErrorCode WriteFeatures(TpRecorder recorder, PetscInt rounds)
{
  const size_t width = (size_t)(recorder->num_rungs * recorder->num_features);
  const Rows   rows  = ShareOf(recorder, RowsOf(recorder, TP_RECORD_EACH_FRAME, recorder->first_round, rounds));

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < rows.count; ++i)
    PetscCall(PetscArraymove(recorder->features + (size_t)i * width,
                             recorder->features + (size_t)PlaceOf(rows, i, recorder->first_round) * width, width));
  PetscCall(
      TpFileWriteRows(recorder->file, "/features/value", TP_FILE_FLOAT, rows.first, rows.count, recorder->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRows(TpRecorder recorder, PetscInt rounds)
{
  const Rows loss = ShareOf(recorder, RowsOf(recorder, TP_RECORD_EACH_ROUND, recorder->first_round, rounds));

  PetscFunctionBeginUser;
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) PetscCall(WriteColumn(recorder, &tp_record_columns[i], rounds));
  PetscCall(WriteFeatures(recorder, rounds));
  PetscCall(TpFileWriteRows(recorder->file, "/training/loss", TP_FILE_DOUBLE, loss.first, loss.count,
                            recorder->loss + PlaceOf(loss, 0, recorder->first_round)));
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
  PetscCall(WriteRows(recorder, rounds));
  PetscCall(WriteCounter(recorder, end_round));
  PetscCall(PetscArrayzero(recorder->numbers, recorder->capacity * recorder->num_rungs * TP_RECORD_NUMBERS));
  PetscCall(PetscArrayzero(recorder->features, recorder->capacity * recorder->num_rungs * recorder->num_features));
  recorder->first_round = end_round;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ replay */

static PetscErrorCode ReadColumn(TpRecorder recorder, const TpRecordColumn *column, PetscInt64 round, PetscInt rounds)
{
  const PetscInt n    = recorder->num_rungs;
  const Rows     rows = RowsOf(recorder, column->cadence, round, rounds);

  PetscFunctionBeginUser;
  PetscCall(TpFileReadRows(recorder->file, column->name, column->type, rows.first, rows.count, recorder->column));
  for (PetscInt i = 0; i < rows.count; ++i) {
    double *numbers = recorder->numbers + PlaceOf(rows, i, round) * n * TP_RECORD_NUMBERS + column->number;

    for (PetscInt k = 0; k < n; ++k)
      numbers[k * TP_RECORD_NUMBERS] = column->type == TP_FILE_DOUBLE ? ((double *)recorder->column)[i * n + k]
                                                                      : ((int32_t *)recorder->column)[i * n + k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

/* Read `rounds` rounds into the buffers, on every trainer; features row by row, as they are in the file. */
static PetscErrorCode ReadRows(TpRecorder recorder, PetscInt64 round, PetscInt rounds)
{
  const Rows frames = RowsOf(recorder, TP_RECORD_EACH_FRAME, round, rounds);

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(recorder->numbers, rounds * recorder->num_rungs * TP_RECORD_NUMBERS));
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) PetscCall(ReadColumn(recorder, &tp_record_columns[i], round, rounds));
  PetscCall(
      TpFileReadRows(recorder->file, "/features/value", TP_FILE_FLOAT, frames.first, frames.count, recorder->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The frames that were kept of the rounds in the buffers. */
static PetscErrorCode VisitFrames(TpRecorder recorder, PetscInt64 round, PetscInt rounds, TpReplayFunction visit,
                                  void *context)
{
  const Rows frames = RowsOf(recorder, TP_RECORD_EACH_FRAME, round, rounds);

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < frames.count; ++i) {
    const PetscInt place = PlaceOf(frames, i, round);

    for (PetscInt k = 0; k < recorder->num_rungs; ++k) {
      const double *n     = recorder->numbers + (place * recorder->num_rungs + k) * TP_RECORD_NUMBERS;
      const TpFrame frame = {.version = TP_FRAME_VERSION,
                             .round   = round + place,
                             .rung    = k,
                             .walker  = (PetscInt64)n[TP_RECORD_WALKER],
                             .energy  = n[TP_RECORD_ENERGY],
                             .label   = n[TP_RECORD_LABEL],
                             .kinetic = n[TP_RECORD_KINETIC]};

      PetscCall(visit(context, &frame, recorder->features + (i * recorder->num_rungs + k) * recorder->num_features));
    }
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

    PetscCall(ReadRows(recorder, round, rounds));
    for (PetscInt i = 0; i < rounds; ++i) {
      const double *numbers = recorder->numbers + i * recorder->num_rungs * TP_RECORD_NUMBERS;

      PetscCall(CheckRound(recorder, path, round + i, numbers));
      PetscCall(CountRound(recorder, round + i, numbers));
    }
    PetscCall(VisitFrames(recorder, round, rounds, visit, context));
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
