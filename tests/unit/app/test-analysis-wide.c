/* The analysis of a ladder of 128 rungs: the numbers are right, nothing is called wrong, and the report stays short enough to be read. */
#include "../../../src/app/analysis.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNGS = 128, ROUNDS = 200, FEATURES = 3 };

static const char parameters[] = "run: {folder: run, rounds: 200, seed: 3}\n"
                                 "engine: {kind: model, timestep: 0.05, friction: 2, model: {potential: harmonic, "
                                 "dimension: 3, barrier: 1}}\n"
                                 "ladder: {minimum: 1, maximum: 8, num_rungs: 128}\n"
                                 "exchange: {interval: 1}\n"
                                 "analysis: {surfaces: [x0, [x0, x1]], bins: 20, between: 1, replicates: 3, "
                                 "basins: {left: {x0: [-100, 0]}}}\n";

/* The rows of a run. */
typedef struct {
  double  temperature[RUNGS], beta[RUNGS];
  double  energy[ROUNDS][RUNGS], kinetic[ROUNDS][RUNGS], loss[ROUNDS];
  float   feature[ROUNDS][RUNGS][FEATURES];
  int32_t walker[ROUNDS][RUNGS], partner[ROUNDS][RUNGS], accepted[ROUNDS][RUNGS];
} Rows;

/* Pairs of even and of odd rungs in turn; nine of ten swaps are accepted. */
static void Swap(Rows *rows, PetscInt round, int32_t walker[RUNGS])
{
  double uniform[RUNGS];

  TpRandomUniform(1, TP_RANDOM_TEST, 2, (uint64_t)round, RUNGS, uniform);
  for (PetscInt k = 0; k < RUNGS; ++k) {
    rows->walker[round][k]  = walker[k];
    rows->partner[round][k] = -1;
  }
  for (PetscInt k = round % 2; k + 1 < RUNGS; k += 2) {
    const int32_t lower = walker[k];

    rows->partner[round][k]      = (int32_t)k + 1;
    rows->partner[round][k + 1]  = (int32_t)k;
    rows->accepted[round][k]     = uniform[k] < 0.9;
    rows->accepted[round][k + 1] = rows->accepted[round][k];
    if (!rows->accepted[round][k]) continue;
    walker[k]     = walker[k + 1];
    walker[k + 1] = lower;
  }
}

/* Independent samples of three harmonic oscillators, positions and velocities normal with variance T. */
static void Draw(Rows *rows)
{
  int32_t walker[RUNGS];

  for (PetscInt k = 0; k < RUNGS; ++k) {
    walker[k]            = (int32_t)k;
    rows->temperature[k] = pow(8.0, (double)k / (RUNGS - 1));
    rows->beta[k]        = 1.0 / rows->temperature[k];
  }
  for (PetscInt round = 0; round < ROUNDS; ++round) {
    rows->loss[round] = (double)NAN;
    for (PetscInt k = 0; k < RUNGS; ++k) {
      double z[2 * FEATURES];

      TpRandomNormal(1, TP_RANDOM_TEST, 1, (uint64_t)(round * RUNGS + k), 2 * FEATURES, z);
      for (int i = 0; i < FEATURES; ++i) {
        rows->feature[round][k][i] = (float)(sqrt(rows->temperature[k]) * z[i]);
        rows->energy[round][k] += 0.5 * rows->temperature[k] * z[i] * z[i];
        rows->kinetic[round][k] += rows->temperature[k] * z[FEATURES + i] * z[FEATURES + i] / FEATURES;
      }
    }
    Swap(rows, round, walker);
  }
}

static PetscErrorCode WriteRows(const Rows *rows, TpFile file)
{
  const PetscInt64 rungs = RUNGS, rounds = ROUNDS, one = 1, shape[] = {ROUNDS, RUNGS, FEATURES};
  const double     period[FEATURES]       = {0.0};
  char             name[][TP_NAME_LENGTH] = {"x0", "x1", "x2"};
  char             unit[][TP_UNIT_LENGTH] = {"", "", ""};
  const struct {
    const char *name;
    PetscInt64  value;
  } facts[] = {{"steps_per_round", 1}, {"energy_interval", 1}, {"feature_interval", 1}, {"start_round", 0}};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(facts); ++i)
    PetscCall(TpFileWriteInteger(file, "/", facts[i].name, facts[i].value));
  PetscCall(TpFileWriteInteger(file, "/", "degrees_of_freedom", FEATURES));
  PetscCall(TpFileWriteReal(file, "/", "timestep", 0.05));
  PetscCall(TpFileWriteAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &rungs, rows->temperature, "", "T"));
  PetscCall(TpFileWriteAll(file, "/ladder/beta", TP_FILE_DOUBLE, 1, &rungs, rows->beta, "", "1/T"));
  PetscCall(TpWriteFeatures(file, FEATURES, name, unit, period));
  PetscCall(TpFileWriteAll(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, &rounds, "", "rounds"));
  PetscCall(TpFileWriteAll(file, "/training/loss", TP_FILE_DOUBLE, 1, &rounds, rows->loss, "", "loss"));
  PetscCall(TpFileWriteAll(file, "/energy/value", TP_FILE_DOUBLE, 2, shape, rows->energy, "", "U"));
  PetscCall(TpFileWriteAll(file, "/temperature/kinetic", TP_FILE_DOUBLE, 2, shape, rows->kinetic, "", "2K/N"));
  PetscCall(TpFileWriteAll(file, "/features/value", TP_FILE_FLOAT, 3, shape, rows->feature, "", "x"));
  PetscCall(TpFileWriteAll(file, "/exchange/walker", TP_FILE_INT32, 2, shape, rows->walker, "", "walker"));
  PetscCall(TpFileWriteAll(file, "/exchange/partner", TP_FILE_INT32, 2, shape, rows->partner, "", "partner"));
  PetscCall(TpFileWriteAll(file, "/exchange/accepted", TP_FILE_INT32, 2, shape, rows->accepted, "", "accepted"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeRun(const char *path)
{
  const TpFileHeader header = {
      .format = TP_RUN_FORMAT, .version = TP_RUN_VERSION, .program = "test", .parameters = parameters};
  TpFile file;
  Rows  *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&rows));
  Draw(rows);
  PetscCall(TpFileCreate(PETSC_COMM_WORLD, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteRows(rows, file)));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- checks */

/* f = -3/2 ln T within 5 errors of MBAR's, which neighbours share (false alarm below 128 x 6e-7); no test of the run fails, as 1 % of right runs would. */
static void CheckNumbers(const TpAnalysis *analysis)
{
  for (PetscInt k = 1; k < RUNGS; ++k)
    TpTestExpectClose(analysis->mbar.f[k], -1.5 * log(analysis->samples->temperature[k]),
                      5.0 * analysis->mbar.error[k]);
  TpTestExpectEqual(analysis->mbar.warnings, 0);
  TpTestExpectThat(analysis->mbar.least_overlap > 0.45, "overlap of neighbours %g", analysis->mbar.least_overlap);
  TpTestExpectEqual(TpAnalysisNumWrong(analysis), 0);
  TpTestExpectEqual(analysis->num_points, 2 * RUNGS - 1);
}

static PetscInt Count(const char *text, const char *part)
{
  PetscInt count = 0;

  for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) ++count;
  return count;
}

/* Four tables are folded away, twelve profiles and six pairs of maps are shown, and what is left out is told. */
static void CheckReport(const char *text)
{
  TpTestExpectThat(strlen(text) < 1500000, "%zu bytes", strlen(text));
  TpTestExpectEqual(Count(text, "<details>"), 4);
  TpTestExpectEqual(Count(text, "</details>"), 4);
  TpTestExpectText(text, "Basins: table of 128 rows");
  TpTestExpectText(text, "F, U, C_v, S: table of 255 rows");
  TpTestExpectText(text, "Walkers: table of 128 rows");
  TpTestExpectText(text, "Tests: table of 255 rows");
  TpTestExpectText(text, "12 of 128 temperatures are shown");
  TpTestExpectText(text, "6 of 128 temperatures are shown");
  TpTestExpectText(text, "Walkers on the ladder, 6 of 128 in colour");
  TpTestExpectText(text, "Potential energies of 12 of 128 rungs");
  TpTestExpectText(text, "0 of 255 wrong.");
  TpTestExpectText(text, "No training step has been done.");
  TpTestExpectEqual(Count(text, "MBAR, T = "), 2 * 6); /* each as title and as heading */
  TpTestExpectEqual(Count(text, "nan"), 0);
}

static PetscErrorCode CheckPages(const TpAnalysis *analysis, const TpHistory *history)
{
  char  *text = NULL, *page = NULL;
  size_t size;
  FILE  *file;

  PetscFunctionBeginUser;
  file = open_memstream(&page, &size);
  PetscCall(TpAnalysisWriteReport(analysis, history, file));
  fclose(file);
  CheckReport(page);
  file = open_memstream(&text, &size);
  PetscCall(TpAnalysisWriteText(analysis, file));
  fclose(file);
  TpTestExpectEqual(Count(text, "POOR") + Count(text, "warning") + Count(text, "WRONG"), 0);
  free(page);
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Analyse(const char *folder, const char *path)
{
  const TpSamplesTask task  = {.start_round = 0};
  const TpGiven       given = {.path = NULL};
  TpFile              file;
  TpConfig            config;
  TpSettings          settings;
  TpSamples           samples;
  TpAnalysis          analysis;
  TpHistory           history;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &config));
  PetscCall(TpConfigReadText(config, path, folder, parameters));
  PetscCall(TpSettingsCreate(config, path, PETSC_FALSE, &settings));
  PetscCall(TpFileOpen(PETSC_COMM_WORLD, path, TP_RUN_FORMAT, TP_RUN_VERSION, &file));
  PetscCall(TpSamplesRead(file, PETSC_COMM_WORLD, folder, TP_UNITS_REDUCED, &task, &samples));
  PetscCall(TpAnalyse(&samples, config, &settings, &given, &analysis));
  PetscCall(TpHistoryRead(file, &samples, &analysis, &history));
  PetscCall(TpFileClose(&file));
  CheckNumbers(&analysis);
  PetscCall(CheckPages(&analysis, &history));
  PetscCall(TpHistoryDestroy(&analysis, &history));
  PetscCall(TpAnalysisDestroy(&analysis));
  PetscCall(TpSamplesDestroy(&samples));
  PetscCall(TpSettingsDestroy(&settings));
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WideLadder(void)
{
  char folder[] = "/tmp/tempera-test-XXXXXX", path[64];

  PetscFunctionBeginUser;
  TpTestExpect(mkdtemp(folder) != NULL);
  snprintf(path, sizeof(path), "%s/run.h5", folder);
  PetscCall(MakeRun(path));
  PetscCall(Analyse(folder, path));
  unlink(path);
  rmdir(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(WideLadder());
  return TpTestEnd();
}
