/*
  analysis.stop_when: end a run when an error is small enough. The trainers look at the rows that are written, at rounds that only the input
  tells, and say in which round the run ends: far enough ahead for every replica to have heard of it. So the round of the end depends on no clock, and
  a restart finds the same one.
*/
#include "analysis.h"

#include <math.h>
#include <string.h>

enum { LEAST_BLOCKS = 20 };

typedef enum { FREE_ENERGY, MEAN_ENERGY, BASIN } Kind;

typedef struct {
  Kind     kind;
  double   temperature; /* mean energy, basin */
  PetscInt basin;
} Quantity;

/* ------------------------------------------------------------------------------------------------------------- input */

static PetscErrorCode ReadTemperature(TpRun run, const char *text, double *temperature)
{
  PetscFunctionBeginUser;
  PetscCall(TpErrorAbout(TpQuantityParse(text, TP_DIMENSION_TEMPERATURE, run->system.units, temperature),
                         "analysis.stop_when.quantity"));
  if (!(*temperature > 0.0))
    PetscFunctionReturn(TpConfigError(run->config, "analysis.stop_when.quantity", "'%s' is not above 0", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "free_energy", "mean_energy@300 K", "basin left@300 K" */
static PetscErrorCode ReadQuantity(TpRun run, PetscInt num_basins, const TpBasin basins[], Quantity *quantity)
{
  const char *text = run->settings.analysis.stop_quantity, *at = strchr(text, '@');

  PetscFunctionBeginUser;
  *quantity = (Quantity){.kind = FREE_ENERGY};
  if (!strcmp(text, "free_energy")) PetscFunctionReturn(PETSC_SUCCESS);
  if (at && !strncmp(text, "mean_energy@", 12)) {
    quantity->kind = MEAN_ENERGY;
    PetscFunctionReturn(ReadTemperature(run, at + 1, &quantity->temperature));
  }
  if (at && !strncmp(text, "basin ", 6)) {
    const size_t length = (size_t)(at - text) - 6;

    quantity->kind = BASIN;
    for (quantity->basin = 0; quantity->basin < num_basins; ++quantity->basin) {
      const char *name = basins[quantity->basin].name;

      if (strlen(name) == length && !strncmp(name, text + 6, length))
        PetscFunctionReturn(ReadTemperature(run, at + 1, &quantity->temperature));
    }
    PetscFunctionReturn(TpConfigError(run->config, "analysis.stop_when.quantity",
                                      "'%.*s' is no basin of analysis.basins", (int)length, text + 6));
  }
  PetscFunctionReturn(TpConfigError(run->config, "analysis.stop_when.quantity",
                                    "'%s' is no quantity; allowed free_energy, mean_energy@T, basin NAME@T", text));
}

/* What names are looked up in, before there are samples. */
static PetscErrorCode DescribeFeatures(TpRun run, TpSamples *samples)
{
  const PetscInt num = run->system.num_features;

  PetscFunctionBeginUser;
  *samples = (TpSamples){.units = run->system.units, .num_features = num, .period = run->system.period};
  PetscCall(PetscMalloc2(num, &samples->name, num, &samples->unit));
  for (PetscInt i = 0; i < num; ++i) {
    samples->name[i] = run->system.name[i];
    samples->unit[i] = run->system.unit[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalysisCheck(TpRun run)
{
  const TpTextList *surfaces = &run->settings.analysis.surfaces;
  TpSamples         samples;
  TpBasin          *basins;
  PetscInt          num_basins, first, second;
  Quantity          quantity;

  PetscFunctionBeginUser;
  PetscCall(DescribeFeatures(run, &samples));
  PetscCall(TpBasinsCreate(run->config, &run->settings.analysis.basins, &samples, &num_basins, &basins));
  for (PetscInt s = 0; s < surfaces->size; ++s)
    PetscCall(TpSurfaceFind(run->config, surfaces->values[s], &samples, &first, &second));
  if (run->settings.analysis.stop_quantity[0]) {
    PetscCall(ReadQuantity(run, num_basins, basins, &quantity));
    if (!(run->settings.analysis.stop_error > 0.0))
      PetscFunctionReturn(TpConfigError(run->config, "analysis.stop_when.error", "is missing; allowed above 0"));
  }
  PetscCall(TpBasinsDestroy(num_basins, &basins));
  PetscCall(PetscFree2(samples.name, samples.unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- evaluate */

/* The scatter of few blocks, or of blocks shorter than the correlation, is no error to end a run by. */
static double ErrorOf(const TpAnalysis *analysis, const Quantity *quantity)
{
  if (analysis->samples->num_rounds < LEAST_BLOCKS * analysis->block) return (double)NAN;
  if (quantity->kind == FREE_ENERGY) return analysis->f_bootstrap[analysis->samples->num_rungs - 1];
  if (quantity->kind == BASIN) return analysis->basin_point[quantity->basin].population_error;
  for (PetscInt i = 0; i < analysis->num_points; ++i)
    if (fabs(analysis->point[i].point.temperature - quantity->temperature) <= 1e-9 * quantity->temperature)
      return analysis->point[i].point.energy_error;
  return (double)NAN;
}

/* Only what the quantity needs. Its temperature is read later than the list of temperatures is given: hence a copy of the settings. */
static PetscErrorCode Estimate(TpRun run, const TpSamples *samples, double *error)
{
  TpSettings     settings = run->settings;
  TpAnalysis     analysis;
  TpBasin       *basins;
  PetscInt       num_basins;
  Quantity       quantity;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpBasinsCreate(run->config, &settings.analysis.basins, samples, &num_basins, &basins));
  PetscCall(ReadQuantity(run, num_basins, basins, &quantity));
  PetscCall(TpBasinsDestroy(num_basins, &basins));
  settings.analysis.surfaces     = (TpTextList){0};
  settings.analysis.temperatures = (TpRealList){quantity.kind != FREE_ENERGY, &quantity.temperature};
  settings.analysis.between      = 0;
  if (quantity.kind != BASIN) settings.analysis.basins = (TpTextList){0};
  code = TpAnalyseEstimates(samples, run->config, &settings, &analysis);
  if (!code) *error = ErrorOf(&analysis, &quantity);
  PetscCall(TpAnalysisDestroy(&analysis));
  PetscFunctionReturn(code);
}

static PetscErrorCode ReadAndEstimate(TpRun run, TpFile file, PetscInt64 rounds, double *error)
{
  const TpSamplesTask task = {.end_round    = rounds,
                              .start_round  = run->settings.training.start_round,
                              .relax_rounds = run->settings.analysis.relax_rounds};
  TpSamples           samples;
  PetscErrorCode      code;

  PetscFunctionBeginUser;
  code = TpSamplesRead(file, run->groups->group, run->settings.run.folder, run->system.units, &task, &samples);
  if (!code) code = Estimate(run, &samples, error);
  PetscCall(TpSamplesDestroy(&samples));
  PetscFunctionReturn(code);
}

/* Too few rows, or rungs that do not overlap yet, are no reason to end anything. */
static PetscErrorCode IsMet(TpRun run, TpFile file, PetscInt64 rounds, PetscBool *met)
{
  const char    *quantity = run->settings.analysis.stop_quantity;
  double         error    = (double)NAN;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  code = ReadAndEstimate(run, file, rounds, &error);
  if (code == TP_ERR_INPUT)
    TpInputErrorClear();
  else
    PetscCall(code);
  *met = error <= run->settings.analysis.stop_error ? PETSC_TRUE : PETSC_FALSE;
  if (run->is_writer && isfinite(error))
    TpLog(TP_LOG_PRODUCTION, "round %lld: error of %s %.3g, wanted %.3g", (long long)rounds, quantity, error,
          run->settings.analysis.stop_error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- rounds */

/* The next one to look at after `reports` reports: each costs as much as there are rows, so they come 10 % apart. */
static PetscInt64 NextLook(PetscInt64 reports)
{
  return reports + PetscMax(1, reports / 10);
}

/*
  A replica has heard of the credit for round r - max_lag - 2 when it decides whether round r is its last (TpSenderFrame() waits for it in round
  r - 1), and the credit for round `rounds` - 1 is the first to tell.
*/
static PetscInt64 EndAfter(TpRun run, PetscInt64 rounds)
{
  return rounds + run->settings.stream.max_lag + 2;
}

PetscErrorCode TpStopCriterionLook(TpRun run, TpFile file, PetscInt64 rounds)
{
  const PetscInt64 interval = run->settings.output.report_interval;
  PetscInt64       look     = 1;
  PetscBool        met      = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (!run->settings.analysis.stop_quantity[0] || run->criterion_round || rounds % interval)
    PetscFunctionReturn(PETSC_SUCCESS);
  while (look < rounds / interval) look = NextLook(look);
  if (look != rounds / interval) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(IsMet(run, file, rounds, &met));
  if (met) run->criterion_round = EndAfter(run, rounds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpStopCriterionRecall(TpRun run, TpFile file)
{
  const PetscInt64 interval = run->settings.output.report_interval;

  PetscFunctionBeginUser;
  for (PetscInt64 look = 1; look * interval <= run->first_round; look = NextLook(look))
    if (EndAfter(run, look * interval) >= run->first_round) PetscCall(TpStopCriterionLook(run, file, look * interval));
  PetscFunctionReturn(PETSC_SUCCESS);
}
