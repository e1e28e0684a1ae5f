/* What only the report shows: the run's course, histograms of energies, surfaces of single rungs. */
#include "analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_POINTS = 300, ENERGY_BINS = 80, READ_ROWS = 1024 };

/* ------------------------------------------------------------------------------------------------------------ course */

/* Rows [first, first + count) of swaps and walkers, on rank 0. */
static void AddRows(const TpSamples *samples, PetscInt64 first, PetscInt64 count, const int32_t partner[],
                    const int32_t accepted[], const int32_t walker[], const double loss[], TpHistory *history)
{
  const PetscInt num = samples->num_rungs;

  for (PetscInt64 i = 0; i < count; ++i) {
    const PetscInt point = (PetscInt)((first + i) / history->stride);

    for (PetscInt k = 0; k < num; ++k) {
      const PetscInt64 at = i * num + k;

      if (partner[at] == k + 1) {
        history->attempts[k] += 1.0;
        history->accepted[k] += accepted[at] ? 1.0 : 0.0;
      }
      if ((first + i) % history->stride == 0 && walker[at] >= 0 && walker[at] < num)
        history->rung[walker[at] * history->num_points + point] = (double)k;
    }
    if (!isfinite(loss[i])) continue;
    history->loss[point] += loss[i];
    history->losses[point] += 1.0;
  }
}

static PetscErrorCode ReadCourse(TpFile file, const TpSamples *samples, TpHistory *history)
{
  const PetscInt   num  = samples->num_rungs;
  const PetscInt64 rows = samples->rounds_written;
  int32_t         *partner, *accepted, *walker;
  double          *loss;

  PetscFunctionBeginUser;
  history->stride     = 1 + (rows - 1) / MAX_POINTS;
  history->num_points = (PetscInt)(1 + (rows - 1) / history->stride);
  PetscCall(PetscCalloc6(num, &history->attempts, num, &history->accepted, history->num_points, &history->round,
                         num * history->num_points, &history->rung, history->num_points, &history->loss,
                         history->num_points, &history->losses));
  PetscCall(
      PetscMalloc4(READ_ROWS * num, &partner, READ_ROWS * num, &accepted, READ_ROWS * num, &walker, READ_ROWS, &loss));
  for (PetscInt64 first = 0; first < rows; first += READ_ROWS) {
    const PetscInt64 count = samples->rank ? 0 : PetscMin((PetscInt64)READ_ROWS, rows - first);

    PetscCall(TpFileReadRows(file, "/exchange/partner", TP_FILE_INT32, first, count, partner));
    PetscCall(TpFileReadRows(file, "/exchange/accepted", TP_FILE_INT32, first, count, accepted));
    PetscCall(TpFileReadRows(file, "/exchange/walker", TP_FILE_INT32, first, count, walker));
    PetscCall(TpFileReadRows(file, "/training/loss", TP_FILE_DOUBLE, first, count, loss));
    AddRows(samples, first, count, partner, accepted, walker, loss, history);
  }
  for (PetscInt i = 0; i < history->num_points; ++i) {
    history->round[i] = (double)(i * history->stride);
    history->loss[i]  = history->losses[i] > 0.0 ? history->loss[i] / history->losses[i] : (double)NAN;
  }
  PetscCall(PetscFree4(partner, accepted, walker, loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns of metrics.csv by their names; a run without the file has none. On rank 0. */
static PetscErrorCode ReadMetrics(const TpSamples *samples, TpHistory *history)
{
  static const char *const names[TP_METRICS] = {"round", "md_share", "replica_idle_share", "trainer_idle_share"};
  char                     path[PETSC_MAX_PATH_LEN], line[1024];
  int                      column[TP_METRICS] = {-1, -1, -1, -1}, position = 0;
  FILE                    *file;

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(samples->folder, "metrics.csv", path));
  file = samples->rank ? NULL : fopen(path, "r");
  if (!file) PetscFunctionReturn(PETSC_SUCCESS);
  if (fgets(line, sizeof(line), file)) {
    for (char *save = NULL, *word = strtok_r(line, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save), ++position)
      for (int m = 0; m < TP_METRICS; ++m)
        if (!strcmp(word, names[m])) column[m] = position;
  }
  while (history->num_metrics < TP_MAX_METRICS && fgets(line, sizeof(line), file)) {
    position = 0;
    for (char *save = NULL, *word = strtok_r(line, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save), ++position)
      for (int m = 0; m < TP_METRICS; ++m)
        if (column[m] == position) history->metric[m][history->num_metrics] = strtod(word, NULL);
    ++history->num_metrics;
  }
  fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- samples */

static PetscErrorCode CountEnergies(const TpSamples *samples, TpHistory *history)
{
  const PetscInt num     = samples->num_rungs;
  double         ends[2] = {-PETSC_MAX_REAL, -PETSC_MAX_REAL}; /* -lowest, highest */

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < num * samples->count; ++i) {
    ends[0] = PetscMax(ends[0], -samples->energy[i]);
    ends[1] = PetscMax(ends[1], samples->energy[i]);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, samples->comm, NULL));
  const double width = PetscMax((ends[1] + ends[0]) / ENERGY_BINS, 1e-12);

  history->energy_bins = ENERGY_BINS;
  history->energy_low  = -ends[0];
  history->energy_high = -ends[0] + width * ENERGY_BINS;
  PetscCall(PetscCalloc1(num * ENERGY_BINS, &history->energy));
  for (PetscInt64 i = 0; i < num * samples->count; ++i) {
    const PetscInt bin = PetscMin((PetscInt)((samples->energy[i] + ends[0]) / width), ENERGY_BINS - 1);

    history->energy[i / samples->count * ENERGY_BINS + bin] += 1.0 / ((double)samples->num_rounds * width);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, history->energy, num * ENERGY_BINS, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Surfaces of the rungs' own samples. */
static PetscErrorCode CountSurfaces(const TpSamples *samples, const TpAnalysis *analysis, TpHistory *history)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(PetscMax(1, analysis->num_surfaces), &history->direct));
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    const TpSurface *surface = &analysis->surface[s];
    const PetscInt   size    = samples->num_rungs * surface->size;
    double          *counts;

    PetscCall(PetscCalloc1(size, &counts));
    for (PetscInt64 i = 0; i < samples->num_rungs * samples->count; ++i)
      counts[i / samples->count * surface->size +
             TpSurfaceBin(surface, samples->period, samples->features + i * samples->num_features)] +=
          1.0 / (double)samples->num_rounds;
    PetscCall(TpAllreduce(MPI_IN_PLACE, counts, size, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
    history->direct[s] = counts;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpHistoryRead(TpFile file, const TpSamples *samples, const TpAnalysis *analysis, TpHistory *history)
{
  PetscFunctionBeginUser;
  *history = (TpHistory){0};
  PetscCall(ReadCourse(file, samples, history));
  PetscCall(ReadMetrics(samples, history));
  PetscCall(CountEnergies(samples, history));
  PetscCall(CountSurfaces(samples, analysis, history));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpHistoryDestroy(const TpAnalysis *analysis, TpHistory *history)
{
  PetscFunctionBeginUser;
  PetscCall(
      PetscFree6(history->attempts, history->accepted, history->round, history->rung, history->loss, history->losses));
  PetscCall(PetscFree(history->energy));
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) PetscCall(PetscFree(history->direct[s]));
  PetscCall(PetscFree(history->direct));
  *history = (TpHistory){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
