/* The analysis as a whole: its parts in their order, and what they leave. */
#include "analysis.h"

#include <string.h>

const char *const tp_support_words[] = {"ladder", "beyond", "none", NULL};

/* ----------------------------------------------------------------------------------------------------------- surfaces */

/* Features without a period are binned over their range, a little widened. */
PetscErrorCode TpSurfaceSetRange(const TpSamples *samples, TpSurface *surface, int axis)
{
  const PetscInt feature = surface->feature[axis];
  double         low = PETSC_MAX_REAL, high = -PETSC_MAX_REAL;

  PetscFunctionBeginUser;
  surface->low[axis]  = -0.5 * samples->period[feature];
  surface->high[axis] = 0.5 * samples->period[feature];
  if (samples->period[feature] > 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt64 i = 0; i < samples->num_rungs * samples->count; ++i) {
    const double value = samples->features[i * samples->num_features + feature];

    low  = PetscMin(low, value);
    high = PetscMax(high, value);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, &low, 1, MPI_DOUBLE, MPI_MIN, samples->comm, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, &high, 1, MPI_DOUBLE, MPI_MAX, samples->comm, NULL));
  surface->low[axis]  = low - 0.01 * (high - low) - 1e-9;
  surface->high[axis] = high + 0.01 * (high - low) + 1e-9;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateSurfaces(const TpSamples *samples, TpConfig config, const TpSettings *settings,
                                     TpAnalysis *analysis)
{
  const TpTextList *texts = &settings->analysis.surfaces;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(PetscMax(1, texts->size), &analysis->surface));
  for (PetscInt s = 0; s < texts->size; ++s) {
    TpSurface *surface = &analysis->surface[analysis->num_surfaces++];

    PetscCall(TpSurfaceFind(config, texts->values[s], samples, &surface->feature[0], &surface->feature[1]));
    snprintf(surface->text, sizeof(surface->text), "%s", texts->values[s]);
    surface->bins = (PetscInt)settings->analysis.bins;
    surface->size = surface->feature[1] < 0 ? surface->bins : surface->bins * surface->bins;
    for (int axis = 0; axis < 2 && surface->feature[axis] >= 0; ++axis)
      PetscCall(TpSurfaceSetRange(samples, surface, axis));
    PetscCall(PetscCalloc2(analysis->num_temperatures * surface->size, &surface->probability,
                           analysis->num_temperatures * surface->size, &surface->error));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- temperatures */

/* Of thermodynamics: the rungs, points between them, and what was asked for; in order, none twice. */
static PetscErrorCode CreatePoints(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis)
{
  const TpRealList *asked   = &settings->analysis.temperatures;
  const PetscInt    between = (PetscInt)settings->analysis.between, num_rungs = samples->num_rungs;
  PetscInt          count = 0;
  double           *t;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(num_rungs * (between + 1) + asked->size, &t));
  for (PetscInt k = 0; k < num_rungs; ++k) {
    t[count++] = samples->temperature[k];
    for (PetscInt i = 1; i <= between && k + 1 < num_rungs; ++i)
      t[count++] = samples->temperature[k] +
                   (samples->temperature[k + 1] - samples->temperature[k]) * (double)i / (double)(between + 1);
  }
  for (PetscInt i = 0; i < asked->size; ++i) t[count++] = asked->values[i];
  PetscCall(PetscSortReal(count, t));
  PetscCall(PetscCalloc1(count, &analysis->point));
  for (PetscInt i = 0; i < count; ++i) {
    const double last = analysis->num_points ? analysis->point[analysis->num_points - 1].point.temperature : 0.0;

    if (t[i] > last * (1.0 + 1e-12)) analysis->point[analysis->num_points++].point.temperature = t[i];
  }
  PetscCall(PetscFree(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of surfaces and basins: what was asked for, or the rungs. */
static PetscErrorCode CreateTemperatures(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis)
{
  const TpRealList *asked = &settings->analysis.temperatures;
  const PetscInt    count = asked->size ? asked->size : samples->num_rungs;

  PetscFunctionBeginUser;
  analysis->num_temperatures = count;
  PetscCall(PetscCalloc3(count, &analysis->temperature, count, &analysis->effective, count, &analysis->support));
  PetscCall(PetscArraycpy(analysis->temperature, asked->size ? asked->values : samples->temperature, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- whole */

static PetscErrorCode CopyArray(const double **array, PetscInt size)
{
  double *copy;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &copy));
  PetscCall(PetscArraycpy(copy, *array, size));
  *array = copy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution's arrays go with the TpMbar; an analysis keeps its own. */
static PetscErrorCode KeepResult(TpMbarResult *result)
{
  const PetscInt num = result->num_states;

  PetscFunctionBeginUser;
  PetscCall(CopyArray(&result->f, num));
  PetscCall(CopyArray(&result->error, num));
  PetscCall(CopyArray(&result->covariance, num * num));
  PetscCall(CopyArray(&result->count, num));
  PetscCall(CopyArray(&result->effective, num));
  PetscCall(CopyArray(&result->overlap, num * num));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarCreatePart(const TpSamples *samples, const double g[], PetscInt64 first, PetscInt64 end,
                                double energy[], TpMbar *mbar)
{
  const PetscInt64 length = end - first;
  PetscInt64      *count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(samples->num_rungs, &count));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    count[k] = length;
    PetscCall(PetscArraycpy(energy + k * length, samples->energy + k * samples->count + first, length));
  }
  PetscCall(TpMbarCreateLadder(samples->comm, samples->boltzmann, samples->num_rungs, samples->temperature, count,
                               energy, g, mbar));
  PetscCall(PetscFree(count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveAndUse(const TpSamples *samples, const TpSettings *settings, TpMbar mbar,
                                  TpAnalysis *analysis)
{
  TpMbarResult result;

  PetscFunctionBeginUser;
  PetscCall(TpMbarSolve(mbar, &result));
  PetscCall(KeepResult(&result));
  analysis->mbar = result;
  PetscCall(TpAnalyseLadder(samples, settings, mbar, analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rungs that do not overlap are an error that a run which looks at itself lives with: nothing is left behind. */
static PetscErrorCode SolveLadder(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis)
{
  double        *energy, *g;
  TpMbar         mbar;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(samples->num_rungs * samples->count, &energy, samples->num_rungs, &g));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) g[k] = analysis->rung[k].g;
  PetscCall(TpMbarCreatePart(samples, g, 0, samples->count, energy, &mbar));
  code = SolveAndUse(samples, settings, mbar, analysis);
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree2(energy, g));
  PetscFunctionReturn(code);
}

PetscErrorCode TpAnalyseEstimates(const TpSamples *samples, TpConfig config, const TpSettings *settings,
                                  TpAnalysis *analysis)
{
  const PetscInt num_rungs = samples->num_rungs;

  PetscFunctionBeginUser;
  *analysis = (TpAnalysis){.samples    = samples,
                           .bins       = (PetscInt)settings->analysis.bins,
                           .seed       = (uint64_t)settings->run.seed,
                           .replicates = (PetscInt)settings->analysis.replicates};
  PetscCall(TpBasinsCreate(config, &settings->analysis.basins, samples, &analysis->num_basins, &analysis->basin));
  PetscCall(CreatePoints(samples, settings, analysis));
  PetscCall(CreateTemperatures(samples, settings, analysis));
  PetscCall(CreateSurfaces(samples, config, settings, analysis));
  PetscCall(PetscCalloc1(analysis->num_temperatures * analysis->num_basins, &analysis->basin_point));
  PetscCall(PetscCalloc3(num_rungs, &analysis->rung, num_rungs, &analysis->walker, num_rungs, &analysis->f_bootstrap));
  PetscCall(TpAnalyseSeries(samples, analysis));
  PetscCall(SolveLadder(samples, settings, analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyse(const TpSamples *samples, TpConfig config, const TpSettings *settings, const TpGiven *given,
                         TpAnalysis *analysis)
{
  PetscFunctionBeginUser;
  PetscCall(TpAnalyseEstimates(samples, config, settings, analysis));
  PetscCall(TpAnalyseConvergence(samples, analysis));
  PetscCall(TpAnalyseConfigurational(samples, settings, analysis));
  PetscCall(TpAnalyseChecks(samples, analysis));
  PetscCall(TpAnalyseModel(samples, settings, given, analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyResult(TpMbarResult *result)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(result->f));
  PetscCall(PetscFree(result->error));
  PetscCall(PetscFree(result->covariance));
  PetscCall(PetscFree(result->count));
  PetscCall(PetscFree(result->effective));
  PetscCall(PetscFree(result->overlap));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalysisDestroy(TpAnalysis *analysis)
{
  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s)
    PetscCall(PetscFree2(analysis->surface[s].probability, analysis->surface[s].error));
  PetscCall(PetscFree(analysis->surface));
  PetscCall(TpBasinsDestroy(analysis->num_basins, &analysis->basin));
  PetscCall(PetscFree(analysis->basin_point));
  PetscCall(PetscFree(analysis->point));
  PetscCall(PetscFree3(analysis->temperature, analysis->effective, analysis->support));
  PetscCall(PetscFree3(analysis->rung, analysis->walker, analysis->f_bootstrap));
  PetscCall(PetscFree(analysis->fraction));
  PetscCall(PetscFree(analysis->pair));
  PetscCall(PetscFree(analysis->kinetic));
  PetscCall(PetscFree(analysis->configurational));
  PetscCall(DestroyResult(&analysis->mbar));
  PetscCall(TpModelAnalysisDestroy(&analysis->model));
  *analysis = (TpAnalysis){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
