/* Diagnostics of a run from the rows of run.h5. */
#include "diagnostics.h"

#include <math.h>
#include <string.h>

enum {
  BLOCK_BYTES = 8 * 1024 * 1024, /* of rows of one dataset at once */
  SERIES_BYTES =
      256 * 1024 * 1024 /* of energies kept at once; more series than that take several passes over the file */
};

/* Rows of run.h5 as they are read, a block of rounds at a time. */
typedef struct {
  TpFile   file;
  PetscInt num_rungs;
  PetscInt capacity;    /* rounds in the buffers */
  int32_t *walker;      /* [capacity, rungs] */
  int32_t *partner;     /* likewise */
  int32_t *accepted;    /* likewise */
  double  *probability; /* likewise */
  double  *energy;      /* likewise */
} Rows;

static PetscErrorCode RowsCreate(TpFile file, PetscInt num_rungs, Rows *rows)
{
  PetscFunctionBeginUser;
  *rows = (Rows){.file      = file,
                 .num_rungs = num_rungs,
                 .capacity  = PetscMax(1, (PetscInt)(BLOCK_BYTES / sizeof(double)) / num_rungs)};
  PetscCall(PetscMalloc5(rows->capacity * num_rungs, &rows->walker, rows->capacity * num_rungs, &rows->partner,
                         rows->capacity * num_rungs, &rows->accepted, rows->capacity * num_rungs, &rows->probability,
                         rows->capacity * num_rungs, &rows->energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RowsDestroy(Rows *rows)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(rows->walker, rows->partner, rows->accepted, rows->probability, rows->energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A damaged file must not make us write outside of our arrays. */
static PetscErrorCode ReadWalkers(Rows *rows, PetscInt64 round, PetscInt count)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileReadRows(rows->file, "/exchange/walker", TP_FILE_INT32, round, count, rows->walker));
  for (PetscInt i = 0; i < count * rows->num_rungs; ++i)
    TpCheckInput(rows->walker[i] >= 0 && rows->walker[i] < rows->num_rungs,
                 "run.h5: /exchange/walker holds %d in round %" PetscInt64_FMT "; allowed 0 to %d",
                 (int)rows->walker[i], round + i / rows->num_rungs, (int)rows->num_rungs - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- ladder */

static void CountRound(const Rows *rows, PetscInt row, TpDiagnostics diagnostics, TpSwap swaps[], PetscInt64 walkers[])
{
  for (PetscInt k = 0; k < rows->num_rungs; ++k) {
    const PetscInt i = row * rows->num_rungs + k;

    walkers[k] = rows->walker[i];
    swaps[k]   = (TpSwap){.partner     = rows->partner[i],
                          .accepted    = rows->accepted[i] ? PETSC_TRUE : PETSC_FALSE,
                          .probability = rows->probability[i]};
  }
  TpLadderStatisticsAdd(diagnostics->statistics, walkers, swaps);
}

/* Rounds of the tuning count only as long as there are no others: their temperatures are not those of the ladder. */
static PetscErrorCode CountRounds(Rows *rows, PetscInt64 rounds, TpDiagnostics diagnostics)
{
  const PetscInt64 first = rounds > diagnostics->tune_rounds ? diagnostics->tune_rounds : 0;
  TpSwap          *swaps;
  PetscInt64      *walkers;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(rows->num_rungs, &swaps, rows->num_rungs, &walkers));
  for (PetscInt64 round = first; round < rounds; round += rows->capacity) {
    const PetscInt count = (PetscInt)PetscMin((PetscInt64)rows->capacity, rounds - round);

    PetscCall(ReadWalkers(rows, round, count));
    PetscCall(TpFileReadRows(rows->file, "/exchange/partner", TP_FILE_INT32, round, count, rows->partner));
    PetscCall(TpFileReadRows(rows->file, "/exchange/accepted", TP_FILE_INT32, round, count, rows->accepted));
    PetscCall(TpFileReadRows(rows->file, "/exchange/probability", TP_FILE_DOUBLE, round, count, rows->probability));
    for (PetscInt i = 0; i < count; ++i) CountRound(rows, i, diagnostics, swaps, walkers);
  }
  PetscCall(PetscFree2(swaps, walkers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What follows from the counts. */
static PetscErrorCode Conclude(TpDiagnostics diagnostics)
{
  const TpLadderStatistics statistics = diagnostics->statistics;
  const double             n          = (double)diagnostics->num_rungs;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i + 1 < diagnostics->num_rungs; ++i)
    diagnostics->rejection[i] = TpLadderRejection(statistics, i);
  for (PetscInt w = 0; w < diagnostics->num_rungs; ++w)
    diagnostics->mean_trip[w] =
        statistics->round_trips[w] ? (double)statistics->trip_time[w] / (double)statistics->round_trips[w] : NAN;
  PetscCall(TpLadderSecondEigenvalue(statistics, &diagnostics->second_eigenvalue));
  diagnostics->observed_rate =
      statistics->rounds ? (double)TpLadderRoundTrips(statistics) / (double)statistics->rounds / n : NAN;
  diagnostics->predicted_rate =
      n > 1 ? TpBarrierRoundTripRate(diagnostics->scheme, diagnostics->num_rungs - 1, diagnostics->rejection) / n : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- energies */

/* Series 0 to R-1 are the rungs', R to 2 R - 1 the walkers'; rank t of K works out the series t, t + K, ... */
typedef struct {
  PetscInt64 interval; /* rounds between energies */
  PetscInt64 start;    /* first row of energies */
  PetscInt64 length;   /* rows */
  PetscInt   first;    /* series */
  PetscInt   stride;
  PetscInt   count;
  double    *values; /* [count, length] */
} Series;

/* Whether a series is among those at hand, and which. */
static PetscInt PlaceOf(const Series *series, PetscInt index)
{
  const PetscInt behind = index - series->first;

  return behind >= 0 && behind % series->stride == 0 && behind / series->stride < series->count
             ? behind / series->stride
             : -1;
}

/* Row `at` of the series: energies are those of row `energy` of their block, walkers of row `walker`. */
static void Collect(const Rows *rows, PetscInt energy, PetscInt walker, PetscInt64 at, Series *series)
{
  for (PetscInt k = 0; k < rows->num_rungs; ++k) {
    const PetscInt who       = rows->num_rungs + rows->walker[walker * rows->num_rungs + k];
    const PetscInt places[2] = {PlaceOf(series, k), PlaceOf(series, who)};

    for (int j = 0; j < 2; ++j)
      if (places[j] >= 0) series->values[places[j] * series->length + at] = rows->energy[energy * rows->num_rungs + k];
  }
}

/* Blocks of rounds: walkers of all of them, energies of those that have some. */
static PetscErrorCode ReadSeries(Rows *rows, Series *series)
{
  const PetscInt64 begin = series->start * series->interval, end = (series->start + series->length) * series->interval;

  PetscFunctionBeginUser;
  for (PetscInt64 round = begin; round < end; round += rows->capacity) {
    const PetscInt   count = (PetscInt)PetscMin((PetscInt64)rows->capacity, end - round);
    const PetscInt64 first = round / series->interval;
    const PetscInt   found = (PetscInt)((round + count) / series->interval - first);

    PetscCall(ReadWalkers(rows, round, count));
    PetscCall(TpFileReadRows(rows->file, "/energy/value", TP_FILE_DOUBLE, first, found, rows->energy));
    for (PetscInt i = 0; i < found; ++i)
      Collect(rows, i, (PetscInt)((first + i + 1) * series->interval - 1 - round), first + i - series->start, series);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NaN for energies that are no numbers: rows have no checksum, and a file that is damaged there can still be looked at. */
static PetscErrorCode Inefficiency(PetscInt64 n, const double x[], double *g)
{
  PetscFunctionBeginUser;
  *g = NAN;
  for (PetscInt64 i = 0; i < n; ++i)
    if (!isfinite(x[i])) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpStatisticalInefficiency(n, x, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank its series, in as many passes as memory asks for: the same number of passes on all ranks, since they read together. */
static PetscErrorCode CorrelateSeries(Rows *rows, MPI_Comm comm, PetscInt64 rounds, TpDiagnostics diagnostics)
{
  const PetscInt num = 2 * rows->num_rungs;
  PetscInt       at_once;
  double        *correlation;
  int            rank, size;
  Series         series = {.interval = diagnostics->energy_interval,
                           .start    = diagnostics->start_round / diagnostics->energy_interval};

  PetscFunctionBeginUser;
  series.length = rounds / series.interval - series.start;
  if (series.length < 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  at_once = (PetscInt)PetscMax(
      1, PetscMin((PetscInt64)((num + size - 1) / size), SERIES_BYTES / ((PetscInt64)sizeof(double) * series.length)));
  PetscCall(PetscCalloc1(num, &correlation));
  PetscCall(PetscMalloc1((size_t)at_once * (size_t)series.length, &series.values));
  series.stride = size;
  for (PetscInt pass = 0; pass < num; pass += at_once * size) {
    series.first = pass + rank;
    series.count = series.first < num ? PetscMin(at_once, (num - series.first + size - 1) / size) : 0;
    PetscCall(ReadSeries(rows, &series));
    for (PetscInt i = 0; i < series.count; ++i)
      PetscCall(Inefficiency(series.length, series.values + (size_t)i * (size_t)series.length,
                             &correlation[series.first + i * size]));
  }
  /* each number comes from one rank, the others add zeros */
  PetscCall(TpAllreduce(MPI_IN_PLACE, correlation, num, MPI_DOUBLE, MPI_SUM, comm, NULL));
  for (PetscInt i = 0; i < rows->num_rungs; ++i) {
    diagnostics->rung_correlation[i]   = correlation[i] * (double)series.interval;
    diagnostics->walker_correlation[i] = correlation[rows->num_rungs + i] * (double)series.interval;
  }
  PetscCall(PetscFree(series.values));
  PetscCall(PetscFree(correlation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- create */

/* The number of a scheme's word. */
static PetscErrorCode ReadScheme(TpFile file, PetscInt *scheme)
{
  char *word;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, "/", "scheme", &word));
  *scheme = TpWordFind(tp_scheme_words, word);
  TpCheckInput(*scheme >= 0, "run.h5: the scheme of exchange is '%.40s', which is none of ours", word);
  PetscCall(PetscFree(word));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* There is room made for rows of this width. */
static PetscErrorCode CheckColumns(TpFile file, PetscInt64 num_rungs)
{
  static const char *const names[] = {"/exchange/walker", "/exchange/partner", "/exchange/accepted",
                                      "/exchange/probability", "/energy/value"};
  PetscInt64               shape[2];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(names); ++i) {
    PetscCall(TpFileShape(file, names[i], 2, shape));
    TpCheckInput(shape[1] == num_rungs,
                 "run.h5: %s has %" PetscInt64_FMT " columns, but the ladder has %" PetscInt64_FMT " rungs", names[i],
                 shape[1], num_rungs);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFacts(TpFile file, TpDiagnostics diagnostics)
{
  PetscInt64 num_rungs;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/ladder/temperature", 1, &num_rungs));
  TpCheckInput(num_rungs >= 1, "run.h5: a ladder without rungs");
  PetscCall(CheckColumns(file, num_rungs));
  PetscCall(TpFileReadInteger(file, "/", "start_round", &diagnostics->start_round));
  PetscCall(TpFileReadInteger(file, "/", "tune_rounds", &diagnostics->tune_rounds));
  PetscCall(TpFileReadInteger(file, "/", "energy_interval", &diagnostics->energy_interval));
  TpCheckInput(diagnostics->start_round >= 0 && diagnostics->tune_rounds >= 0 && diagnostics->energy_interval >= 1,
               "run.h5: start_round is %" PetscInt64_FMT ", energy_interval %" PetscInt64_FMT, diagnostics->start_round,
               diagnostics->energy_interval);
  PetscCall(ReadScheme(file, &diagnostics->scheme));
  diagnostics->num_rungs = (PetscInt)num_rungs;
  PetscCall(PetscMalloc5(num_rungs, &diagnostics->temperature, num_rungs, &diagnostics->rejection, num_rungs,
                         &diagnostics->mean_trip, num_rungs, &diagnostics->rung_correlation, num_rungs,
                         &diagnostics->walker_correlation));
  PetscCall(TpFileReadAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, diagnostics->temperature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDiagnosticsCreate(TpFile file, MPI_Comm comm, PetscInt64 rounds, TpDiagnostics *diagnostics)
{
  Rows rows;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(diagnostics));
  PetscCall(ReadFacts(file, *diagnostics));
  PetscCall(TpLadderStatisticsCreate((*diagnostics)->num_rungs, &(*diagnostics)->statistics));
  PetscCall(RowsCreate(file, (*diagnostics)->num_rungs, &rows));
  PetscCall(CountRounds(&rows, rounds, *diagnostics));
  PetscCall(Conclude(*diagnostics));
  for (PetscInt i = 0; i < (*diagnostics)->num_rungs; ++i)
    (*diagnostics)->rung_correlation[i] = (*diagnostics)->walker_correlation[i] = NAN;
  PetscCall(CorrelateSeries(&rows, comm, rounds, *diagnostics));
  PetscCall(RowsDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDiagnosticsDestroy(TpDiagnostics *diagnostics)
{
  PetscFunctionBeginUser;
  if (!*diagnostics) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpLadderStatisticsDestroy(&(*diagnostics)->statistics));
  PetscCall(PetscFree5((*diagnostics)->temperature, (*diagnostics)->rejection, (*diagnostics)->mean_trip,
                       (*diagnostics)->rung_correlation, (*diagnostics)->walker_correlation));
  PetscCall(PetscFree(*diagnostics));
  PetscFunctionReturn(PETSC_SUCCESS);
}
