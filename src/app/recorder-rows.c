/* Rows of run.h5, between the buffers, which have every round, and datasets, which may have a row of every n-th round alone. */
#include "recorder-impl.h"

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

PetscErrorCode TpRecorderWriteRows(TpRecorder recorder, PetscInt rounds)
{
  const Rows loss = ShareOf(recorder, RowsOf(recorder, TP_RECORD_EACH_ROUND, recorder->first_round, rounds));

  PetscFunctionBeginUser;
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) PetscCall(WriteColumn(recorder, &tp_record_columns[i], rounds));
  PetscCall(WriteFeatures(recorder, rounds));
  PetscCall(TpFileWriteRows(recorder->file, "/training/loss", TP_FILE_DOUBLE, loss.first, loss.count,
                            recorder->loss + PlaceOf(loss, 0, recorder->first_round)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- read */

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

PetscErrorCode TpRecorderReadRows(TpRecorder recorder, PetscInt64 round, PetscInt rounds)
{
  const Rows frames = RowsOf(recorder, TP_RECORD_EACH_FRAME, round, rounds);

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(recorder->numbers, rounds * recorder->num_rungs * TP_RECORD_NUMBERS));
  for (int i = 0; i < TP_RECORD_COLUMNS; ++i) PetscCall(ReadColumn(recorder, &tp_record_columns[i], round, rounds));
  PetscCall(
      TpFileReadRows(recorder->file, "/features/value", TP_FILE_FLOAT, frames.first, frames.count, recorder->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRecorderVisitFrames(TpRecorder recorder, PetscInt64 round, PetscInt rounds, TpReplayFunction visit,
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
