/* The rounds of a run that count, read from run.h5 and dealt out over the ranks. */
#include "analysis.h"

#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------------------- facts */

/* Names, periods and temperatures. */
static PetscErrorCode ReadFacts(TpFile file, TpSamples *samples)
{
  PetscInt64 num_rungs, num_features;
  PetscInt   count;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/ladder/temperature", 1, &num_rungs));
  PetscCall(TpFileShape(file, "/features/period", 1, &num_features));
  samples->num_rungs    = (PetscInt)num_rungs;
  samples->num_features = (PetscInt)num_features;
  PetscCall(PetscMalloc2(num_rungs, &samples->temperature, num_rungs, &samples->beta));
  PetscCall(PetscMalloc1(num_features, &samples->period));
  PetscCall(TpFileReadAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, samples->temperature));
  PetscCall(TpFileReadAll(file, "/ladder/beta", TP_FILE_DOUBLE, 1, &num_rungs, samples->beta));
  PetscCall(TpFileReadAll(file, "/features/period", TP_FILE_DOUBLE, 1, &num_features, samples->period));
  PetscCall(TpFileReadTexts(file, "/features/name", &count, &samples->name));
  PetscCall(TpFileReadTexts(file, "/features/unit", &count, &samples->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lengths: of a round in time, of the run in rounds. Runs written before there was an analysis do not tell their degrees of freedom. */
static PetscErrorCode ReadLengths(TpFile file, const TpSamplesTask *task, TpSamples *samples)
{
  const PetscInt64 one     = 1;
  PetscInt64       degrees = 0, steps;
  double           timestep;
  PetscBool        has_degrees, has_hash;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/training/loss", 1, &samples->rounds_planned));
  PetscCall(TpFileReadAll(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, &samples->rounds_written));
  PetscCall(TpFileReadInteger(file, "/", "start_round", &samples->start_round));
  PetscCall(TpFileReadInteger(file, "/", "steps_per_round", &steps));
  PetscCall(TpFileReadReal(file, "/", "timestep", &timestep));
  PetscCall(TpFileHasAttribute(file, "/", "degrees_of_freedom", &has_degrees));
  if (has_degrees) PetscCall(TpFileReadInteger(file, "/", "degrees_of_freedom", &degrees));
  samples->degrees_of_freedom = (PetscInt)degrees;
  PetscCall(TpFileHasAttribute(file, "/", "system_hash", &has_hash));
  if (has_hash) PetscCall(TpFileReadText(file, "/", "system_hash", &samples->system_hash));
  PetscCall(TpFileReadInteger(file, "/", "energy_interval", &samples->energy_interval));
  PetscCall(TpFileReadInteger(file, "/", "feature_interval", &samples->interval));
  TpCheckInput(samples->energy_interval >= 1 && samples->interval >= 1 &&
                   !(samples->interval % samples->energy_interval),
               "%s/run.h5: energy_interval %lld, feature_interval %lld", samples->folder,
               (long long)samples->energy_interval, (long long)samples->interval);
  samples->time_per_round = (double)steps * timestep;
  if (task->end_round) samples->rounds_written = PetscMin(samples->rounds_written, task->end_round);
  if (task->start_round >= 0) samples->start_round = task->start_round;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- windows */

/* Whether the table of run.h5 has replaced configurations, and from which rounds on; at most `room`. */
static PetscErrorCode ReadRepairs(TpFile file, PetscInt room, PetscInt64 round[], PetscInt *num)
{
  PetscInt64 entries;
  PetscBool  has;

  PetscFunctionBeginUser;
  *num = 0;
  PetscCall(TpFileHas(file, "/repair/round", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileShape(file, "/repair/round", 1, &entries));
  entries = PetscMin(entries, room);
  PetscCall(TpFileReadRows(file, "/repair/round", TP_FILE_INT64, 0, entries, round));
  while (*num < entries && round[*num] > 0) ++*num;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What lies at or after `begin`, without the rounds in which two rungs still have the same configuration. */
static PetscErrorCode SetWindows(TpFile file, const TpSamplesTask *task, PetscInt64 begin, TpSamples *samples)
{
  enum { MAX_REPAIRS = 256 };
  PetscInt64 repair[MAX_REPAIRS];

  PetscFunctionBeginUser;
  PetscCall(ReadRepairs(file, MAX_REPAIRS, repair, &samples->num_repairs));
  if (!samples->window) PetscCall(PetscMalloc1(MAX_REPAIRS + 1, &samples->window));
  begin /= samples->interval; /* from here on in frames */
  samples->num_windows = 0;
  samples->num_rounds  = 0;
  for (PetscInt i = 0; i <= samples->num_repairs; ++i) {
    const PetscInt64 end =
        (i < samples->num_repairs ? PetscMin(repair[i], samples->rounds_written) : samples->rounds_written) /
        samples->interval;

    if (end > begin) {
      samples->window[samples->num_windows++] = (TpWindow){begin, end};
      samples->num_rounds += end - begin;
    }
    if (i < samples->num_repairs) begin = PetscMax(begin, (repair[i] + task->relax_rounds) / samples->interval);
  }
  samples->first = samples->num_rounds * samples->rank / samples->size;
  samples->count = samples->num_rounds * (samples->rank + 1) / samples->size - samples->first;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 TpSamplesRound(const TpSamples *samples, PetscInt64 index)
{
  for (PetscInt i = 0; i < samples->num_windows; ++i) {
    const PetscInt64 length = samples->window[i].end - samples->window[i].begin;

    if (index < length) return (samples->window[i].begin + index + 1) * samples->interval - 1;
    index -= length;
  }
  return samples->rounds_written;
}

/* ---------------------------------------------------------------------------------------------------------------- rows */

enum { READ_ROUNDS = 1024 }; /* at once */

/* One dataset [rounds, rungs, width] of run.h5, and where its rows go: to [rungs, count, width]. */
typedef struct {
  const char *name;
  TpFileType  type;
  PetscInt    width;
  size_t      bytes; /* of a number */
  char       *to;
  PetscInt64  stride; /* rows to a frame: the last one is the frame's */
} Column;

/* From round by round to rung by rung. */
static void Turn(const TpSamples *samples, const Column *column, PetscInt64 place, PetscInt64 rounds, const char *rows)
{
  const size_t length = column->bytes * (size_t)column->width;

  for (PetscInt64 i = 0; i < rounds; ++i) {
    for (PetscInt k = 0; k < samples->num_rungs; ++k)
      memcpy(column->to + length * (size_t)(k * samples->count + place + i),
             rows + length * (size_t)(((i + 1) * column->stride - 1) * samples->num_rungs + k), length);
  }
}

/* This rank's share, window by window and piece by piece; all ranks read as often. */
static PetscErrorCode ReadColumn(TpFile file, const TpSamples *samples, const Column *column)
{
  PetscInt64 before = 0, most = 0;
  char      *rows;

  PetscFunctionBeginUser;
  for (int rank = 0; rank < samples->size; ++rank)
    most =
        PetscMax(most, samples->num_rounds * (rank + 1) / samples->size - samples->num_rounds * rank / samples->size);
  PetscCall(PetscMalloc1(
      column->bytes * (size_t)(READ_ROUNDS * (PetscInt64)samples->num_rungs * column->width * column->stride), &rows));
  for (PetscInt w = 0; w < samples->num_windows; ++w) {
    const PetscInt64 length = samples->window[w].end - samples->window[w].begin;
    const PetscInt64 low    = PetscMin(PetscMax(samples->first - before, 0), length),
                     high   = PetscMin(PetscMax(samples->first + samples->count - before, 0), length);

    for (PetscInt64 piece = 0; piece < most; piece += READ_ROUNDS) {
      const PetscInt64 from = PetscMin(low + piece, high), count = PetscMin((PetscInt64)READ_ROUNDS, high - from);

      PetscCall(TpFileReadRows(file, column->name, column->type, (samples->window[w].begin + from) * column->stride,
                               count * column->stride, rows));
      Turn(samples, column, before + from - samples->first, count, rows);
    }
    before += length;
  }
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadEnergies(TpFile file, TpSamples *samples)
{
  const Column column = {"/energy/value", TP_FILE_DOUBLE,          1,
                         sizeof(double),  (char *)samples->energy, samples->interval / samples->energy_interval};

  PetscFunctionBeginUser;
  PetscCall(ReadColumn(file, samples, &column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRest(TpFile file, TpSamples *samples)
{
  const PetscInt64 rows    = samples->num_rungs * samples->count;
  const Column     kinetic = {
          "/temperature/kinetic", TP_FILE_DOUBLE,           1,
          sizeof(double),         (char *)samples->kinetic, samples->interval / samples->energy_interval};
  const Column features = {
      "/features/value", TP_FILE_FLOAT, samples->num_features, sizeof(float), (char *)samples->features, 1};
  int32_t *walker;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(rows, &walker));
  const Column walkers = {"/exchange/walker", TP_FILE_INT32, 1, sizeof(int32_t), (char *)walker, samples->interval};

  PetscCall(ReadColumn(file, samples, &kinetic));
  PetscCall(ReadColumn(file, samples, &features));
  PetscCall(ReadColumn(file, samples, &walkers));
  for (PetscInt64 i = 0; i < rows; ++i) samples->walker[i] = walker[i];
  PetscCall(PetscFree(walker));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- gather */

PetscErrorCode TpSamplesGather(const TpSamples *samples, PetscInt num, const double local[], double whole[])
{
  MPI_Request *request;
  int         *counts, *places;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(num, &request, samples->size, &counts, samples->size, &places));
  for (int rank = 0; rank < samples->size; ++rank) {
    const PetscInt64 first = samples->num_rounds * rank / samples->size;

    PetscCall(PetscMPIIntCast(first, &places[rank]));
    PetscCall(PetscMPIIntCast(samples->num_rounds * (rank + 1) / samples->size - first, &counts[rank]));
  }
  for (PetscInt i = 0; i < num; ++i)
    PetscCallMPI(MPI_Igatherv(local + i * samples->count, counts[samples->rank], MPI_DOUBLE, whole, counts, places,
                              MPI_DOUBLE, (int)i, samples->comm, &request[i]));
  PetscCall(TpWait((int)num, request, NULL));
  PetscCall(PetscFree3(request, counts, places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- equilibration */

static PetscErrorCode SumOverRanks(const TpSamples *samples, double sums[2])
{
  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum over the rungs of (U - mean) / standard deviation: one series that any rung's relaxation shows in. */
static PetscErrorCode AddStandardised(const TpSamples *samples, PetscInt rung, double series[])
{
  const double *energy  = samples->energy + rung * samples->count;
  double        sums[2] = {0.0}, squares[2] = {0.0};

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < samples->count; ++i) sums[0] += energy[i];
  PetscCall(SumOverRanks(samples, sums));
  const double mean = sums[0] / (double)samples->num_rounds;

  for (PetscInt64 i = 0; i < samples->count; ++i) squares[0] += (energy[i] - mean) * (energy[i] - mean);
  PetscCall(SumOverRanks(samples, squares));
  const double deviation = sqrt(squares[0] / (double)samples->num_rounds);

  for (PetscInt64 i = 0; i < samples->count && deviation > 0.0; ++i) series[i] += (energy[i] - mean) / deviation;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t0 of the ladder as a whole: one start for all rungs, as the rounds are what the bootstrap draws. */
static PetscErrorCode FindEquilibration(const TpSamples *samples, PetscInt64 *start)
{
  double *local, *whole, g;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(samples->count, &local, samples->rank ? 0 : samples->num_rounds, &whole));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) PetscCall(AddStandardised(samples, k, local));
  PetscCall(TpSamplesGather(samples, 1, local, whole));
  if (samples->rank == 0) PetscCall(TpEquilibration(samples->num_rounds, whole, start, &g));
  PetscCall(TpBroadcast(start, 1, MPIU_INT64, 0, samples->comm, NULL));
  PetscCall(PetscFree2(local, whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckEnough(const TpSamples *samples)
{
  PetscFunctionBeginUser;
  TpCheckInput(samples->num_rounds >= TP_LEAST_ROUNDS,
               "%s/run.h5: %lld rounds written, %lld of them count after round %lld; an analysis takes %d at least",
               samples->folder, (long long)samples->rounds_written, (long long)samples->num_rounds,
               (long long)samples->start_round, TP_LEAST_ROUNDS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(TpSamples *samples)
{
  const PetscInt64 rows = samples->num_rungs * samples->count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(rows, &samples->energy, rows, &samples->kinetic, rows, &samples->walker,
                         rows * samples->num_features, &samples->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeRows(TpSamples *samples)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(samples->energy, samples->kinetic, samples->walker, samples->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSamplesRead(TpFile file, MPI_Comm comm, const char *folder, TpUnitSystem units,
                             const TpSamplesTask *task, TpSamples *samples)
{
  PetscInt64 start;

  PetscFunctionBeginUser;
  *samples = (TpSamples){.comm = comm, .units = units, .boltzmann = TpBoltzmann(units)};
  PetscCallMPI(MPI_Comm_rank(comm, &samples->rank));
  PetscCallMPI(MPI_Comm_size(comm, &samples->size));
  PetscCall(PetscStrallocpy(folder, &samples->folder));
  PetscCall(ReadFacts(file, samples));
  PetscCall(ReadLengths(file, task, samples));
  PetscCall(SetWindows(file, task, samples->start_round, samples));
  PetscCall(CheckEnough(samples));
  PetscCall(Allocate(samples));
  PetscCall(ReadEnergies(file, samples));
  PetscCall(FindEquilibration(samples, &start));
  samples->equilibration = TpSamplesRound(samples, start);
  PetscCall(FreeRows(samples));
  PetscCall(SetWindows(file, task, samples->equilibration, samples));
  PetscCall(CheckEnough(samples));
  PetscCall(Allocate(samples));
  PetscCall(ReadEnergies(file, samples));
  PetscCall(ReadRest(file, samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeTexts(PetscInt count, char ***texts)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < count && *texts; ++i) PetscCall(PetscFree((*texts)[i]));
  PetscCall(PetscFree(*texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSamplesDestroy(TpSamples *samples)
{
  PetscFunctionBeginUser;
  PetscCall(FreeTexts(samples->num_features, &samples->name));
  PetscCall(FreeTexts(samples->num_features, &samples->unit));
  PetscCall(PetscFree2(samples->temperature, samples->beta));
  PetscCall(PetscFree(samples->period));
  PetscCall(PetscFree(samples->folder));
  PetscCall(PetscFree(samples->system_hash));
  PetscCall(PetscFree(samples->window));
  PetscCall(FreeRows(samples));
  *samples = (TpSamples){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
