/* From MBAR's solution to temperatures, surfaces and basins, with the errors of a bootstrap over blocks of rounds. */
#include "analysis.h"

#include <math.h>

/* Everything that gets an error bar, one after the other in one vector. */
typedef struct {
  const TpSamples *samples;
  TpAnalysis      *analysis;
  PetscInt         num_bins;    /* of all surfaces */
  PetscInt         per_point;   /* numbers per thermodynamic temperature */
  PetscInt         per_surface; /* numbers per temperature of surfaces and basins */
  PetscInt         num;
  int32_t         *bin;         /* [surfaces, samples] */
  unsigned char   *inside;      /* [basins, samples] */
  double          *weight;      /* [samples] */
  double          *temperature; /* [num_points] */
  TpMbarPoint     *point;       /* [num_points] */
  const double    *estimate;    /* [num] of all data; NULL while that is made */
} Bootstrap;

enum { NUM_STATE_FUNCTIONS = 4 };

static PetscErrorCode Create(const TpSamples *samples, TpAnalysis *analysis, Bootstrap *bootstrap)
{
  const PetscInt64 rows = samples->num_rungs * samples->count;

  PetscFunctionBeginUser;
  *bootstrap = (Bootstrap){.samples = samples, .analysis = analysis, .per_point = NUM_STATE_FUNCTIONS};
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) bootstrap->num_bins += analysis->surface[s].size;
  bootstrap->per_surface = bootstrap->num_bins + 2 * analysis->num_basins;
  bootstrap->num = analysis->num_points * bootstrap->per_point + analysis->num_temperatures * bootstrap->per_surface;
  PetscCall(PetscMalloc5(analysis->num_surfaces * rows, &bootstrap->bin, analysis->num_basins * rows,
                         &bootstrap->inside, rows, &bootstrap->weight, analysis->num_points, &bootstrap->temperature,
                         analysis->num_points, &bootstrap->point));
  for (PetscInt i = 0; i < analysis->num_points; ++i) bootstrap->temperature[i] = analysis->point[i].point.temperature;
  for (PetscInt64 i = 0; i < rows; ++i) {
    const float *features = samples->features + i * samples->num_features;

    for (PetscInt s = 0; s < analysis->num_surfaces; ++s)
      bootstrap->bin[s * rows + i] = (int32_t)TpSurfaceBin(&analysis->surface[s], samples->period, features);
    for (PetscInt b = 0; b < analysis->num_basins; ++b)
      bootstrap->inside[b * rows + i] = TpBasinHolds(&analysis->basin[b], samples->period, features);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Bootstrap *bootstrap)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(bootstrap->bin, bootstrap->inside, bootstrap->weight, bootstrap->temperature, bootstrap->point));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- statistic */

/* Sums of this rank's weights in bins and basins. */
static void AddWeights(const Bootstrap *bootstrap, double value[])
{
  const TpAnalysis *analysis = bootstrap->analysis;
  const PetscInt64  rows     = bootstrap->samples->num_rungs * bootstrap->samples->count;
  double           *bins     = value;

  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    for (PetscInt64 i = 0; i < rows; ++i) bins[bootstrap->bin[s * rows + i]] += bootstrap->weight[i];
    bins += analysis->surface[s].size;
  }
  for (PetscInt b = 0; b < analysis->num_basins; ++b) {
    for (PetscInt64 i = 0; i < rows; ++i)
      if (bootstrap->inside[b * rows + i]) bins[b] += bootstrap->weight[i];
  }
}

/*
  What ln(p_b / p_first) varies as: the ratio of the populations to their estimates, less that of the first basin. It is linear, so that a
  replicate without a sample in a small basin makes no infinite number.
*/
static void LinearRatios(PetscInt num_basins, const double estimate[], const double population[], double ratio[])
{
  for (PetscInt b = 0; b < num_basins; ++b)
    ratio[b] = estimate ? population[b] / estimate[b] - population[0] / estimate[0] : 0.0;
}

static PetscErrorCode Surfaces(TpMbar mbar, Bootstrap *bootstrap, PetscInt temperature, double value[])
{
  const TpAnalysis *analysis = bootstrap->analysis;
  const PetscInt    place    = analysis->num_points * bootstrap->per_point + temperature * bootstrap->per_surface;
  const PetscInt    summed   = bootstrap->num_bins + analysis->num_basins;

  PetscFunctionBeginUser;
  if (!summed) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpMbarWeights(mbar, analysis->temperature[temperature], bootstrap->weight));
  PetscCall(PetscArrayzero(value + place, summed));
  AddWeights(bootstrap, value + place);
  PetscCall(TpAllreduce(MPI_IN_PLACE, value + place, summed, MPI_DOUBLE, MPI_SUM, bootstrap->samples->comm, NULL));
  LinearRatios(analysis->num_basins, bootstrap->estimate ? bootstrap->estimate + place + bootstrap->num_bins : NULL,
               value + place + bootstrap->num_bins, value + place + summed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Statistic(TpMbar mbar, void *context, double value[])
{
  Bootstrap        *bootstrap = context;
  const TpAnalysis *analysis  = bootstrap->analysis;

  PetscFunctionBeginUser;
  PetscCall(TpMbarAtTemperatures(mbar, analysis->num_points, bootstrap->temperature, bootstrap->point));
  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    double *numbers = value + i * bootstrap->per_point;

    /* 0 but for rounding where F counts from */
    if (bootstrap->temperature[i] == bootstrap->samples->temperature[0]) bootstrap->point[i].free_energy = 0.0;
    numbers[0] = bootstrap->point[i].free_energy;
    numbers[1] = bootstrap->point[i].energy;
    numbers[2] = bootstrap->point[i].heat_capacity;
    numbers[3] = bootstrap->point[i].entropy;
  }
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t) PetscCall(Surfaces(mbar, bootstrap, t, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- results */

static TpSupport Support(const TpSamples *samples, double temperature, double effective)
{
  const double low = samples->temperature[0], high = samples->temperature[samples->num_rungs - 1];

  if (effective < 50.0) return TP_SUPPORT_NONE;
  return temperature < low * (1.0 - 1e-9) || temperature > high * (1.0 + 1e-9) ? TP_SUPPORT_BEYOND : TP_SUPPORT_LADDER;
}

/* Estimates, from the call of Statistic() on all data. */
static void KeepPoints(const Bootstrap *bootstrap)
{
  TpAnalysis *analysis = bootstrap->analysis;

  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    analysis->point[i].point = bootstrap->point[i];
    analysis->point[i].support =
        Support(bootstrap->samples, bootstrap->point[i].temperature, bootstrap->point[i].effective);
  }
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t) {
    for (PetscInt i = 0; i < analysis->num_points; ++i) {
      const TpThermoPoint *point = &analysis->point[i];

      if (fabs(point->point.temperature - analysis->temperature[t]) > 1e-9 * analysis->temperature[t]) continue;
      analysis->effective[t] = point->point.effective;
      analysis->support[t]   = point->support;
    }
  }
}

static void SetPointErrors(const Bootstrap *bootstrap, const double error[])
{
  TpAnalysis *analysis = bootstrap->analysis;

  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    TpMbarPoint  *point   = &analysis->point[i].point;
    const double *numbers = error + i * bootstrap->per_point;

    point->free_energy_error   = numbers[0];
    point->energy_error        = numbers[1];
    point->heat_capacity_error = numbers[2];
    point->entropy_error       = numbers[3];
    for (PetscInt k = 0; k < bootstrap->samples->num_rungs; ++k)
      if (bootstrap->samples->temperature[k] == point->temperature)
        analysis->f_bootstrap[k] = bootstrap->samples->beta[k] * numbers[0];
  }
}

static void KeepBasins(const Bootstrap *bootstrap, PetscInt temperature, const double estimate[], const double error[])
{
  TpAnalysis    *analysis = bootstrap->analysis;
  const PetscInt num      = analysis->num_basins;
  const double   kT       = bootstrap->samples->boltzmann * analysis->temperature[temperature];

  for (PetscInt b = 0; b < num; ++b) {
    TpBasinPoint *point = &analysis->basin_point[temperature * num + b];

    point->population        = estimate[b];
    point->population_error  = error[b];
    point->free_energy       = b ? -kT * log(estimate[b] / estimate[0]) : 0.0;
    point->free_energy_error = kT * error[num + b];
  }
}

static PetscErrorCode KeepSurfaces(const Bootstrap *bootstrap, PetscInt temperature, const double estimate[],
                                   const double error[])
{
  TpAnalysis *analysis = bootstrap->analysis;
  PetscInt    place    = analysis->num_points * bootstrap->per_point + temperature * bootstrap->per_surface;

  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    TpSurface *surface = &analysis->surface[s];

    PetscCall(PetscArraycpy(surface->probability + temperature * surface->size, estimate + place, surface->size));
    PetscCall(PetscArraycpy(surface->error + temperature * surface->size, error + place, surface->size));
    place += surface->size;
  }
  KeepBasins(bootstrap, temperature, estimate + place, error + place);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseLadder(const TpSamples *samples, const TpSettings *settings, TpMbar mbar, TpAnalysis *analysis)
{
  Bootstrap bootstrap;
  double   *estimate, *mean, *error;

  PetscFunctionBeginUser;
  PetscCall(Create(samples, analysis, &bootstrap));
  PetscCall(PetscCalloc3(bootstrap.num, &estimate, bootstrap.num, &mean, bootstrap.num, &error));
  PetscCall(Statistic(mbar, &bootstrap, estimate));
  KeepPoints(&bootstrap);
  bootstrap.estimate = estimate;
  PetscCall(TpMbarSetBlocks(mbar, analysis->block));
  PetscCall(TpMbarBootstrap(mbar, analysis->seed, (PetscInt)settings->analysis.replicates, bootstrap.num, Statistic,
                            &bootstrap, mean, error));
  for (PetscInt i = 0; i < bootstrap.num; ++i) error[i] /= sqrt(analysis->share);
  SetPointErrors(&bootstrap, error);
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t) PetscCall(KeepSurfaces(&bootstrap, t, estimate, error));
  PetscCall(PetscFree3(estimate, mean, error));
  PetscCall(Destroy(&bootstrap));
  PetscFunctionReturn(PETSC_SUCCESS);
}
