/* The analysis as analysis.h5, and reduced potentials for alchemlyb. */
#include "analysis.h"

#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------------------ tables */

/* One number of each row of an array of structs, as a dataset. */
typedef struct {
  const char *name;
  size_t      offset;
  TpFileType  type; /* TP_FILE_DOUBLE, TP_FILE_INT64, or TP_FILE_INT32 for an enum */
  const char *unit, *description;
} Column;

static double Value(const Column *column, const char *row)
{
  if (column->type == TP_FILE_INT64) return (double)*(const PetscInt64 *)(row + column->offset);
  if (column->type == TP_FILE_INT32) return (double)*(const TpSupport *)(row + column->offset);
  return *(const double *)(row + column->offset);
}

/* All columns of `rows` structs that lie `stride` bytes apart, of the shape given. */
static PetscErrorCode WriteTable(TpFile file, const char *group, PetscInt dimension, const PetscInt64 shape[],
                                 const void *rows, size_t stride, PetscInt num, const Column columns[])
{
  PetscInt64 count = 1;
  double    *values;

  PetscFunctionBeginUser;
  for (PetscInt d = 0; d < dimension; ++d) count *= shape[d];
  if (!count) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(count, &values));
  for (PetscInt c = 0; c < num; ++c) {
    char name[128];

    snprintf(name, sizeof(name), "%s/%s", group, columns[c].name);
    for (PetscInt64 i = 0; i < count; ++i) values[i] = Value(&columns[c], (const char *)rows + (size_t)i * stride);
    PetscCall(
        TpFileWriteAll(file, name, TP_FILE_DOUBLE, dimension, shape, values, columns[c].unit, columns[c].description));
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define COLUMN(type, member, name, kind, unit, description)                                                            \
  {                                                                                                                    \
    name, offsetof(type, member), kind, unit, description                                                              \
  }
#define COUNT(columns) (PetscInt)(sizeof(columns) / sizeof((columns)[0]))

/* ---------------------------------------------------------------------------------------------------------- sections */

static PetscErrorCode WriteSeries(const TpAnalysis *analysis, TpFile file)
{
  const PetscInt64  num    = analysis->samples->num_rungs;
  const char *const energy = TpUnitName(analysis->samples->units, TP_DIMENSION_ENERGY);
  const char *const kelvin = TpUnitName(analysis->samples->units, TP_DIMENSION_TEMPERATURE);
  const Column      rung[] = {
           COLUMN(TpRungSeries, temperature, "temperature", TP_FILE_DOUBLE, kelvin, "temperature of each rung"),
           COLUMN(TpRungSeries, start, "t0", TP_FILE_INT64, "",
                  "where the rung's own energies are equilibrated, in rounds that count"),
           COLUMN(TpRungSeries, g, "g", TP_FILE_DOUBLE, "", "statistical inefficiency of the energy, rounds"),
           COLUMN(TpRungSeries, g_slowest, "slowest_g", TP_FILE_DOUBLE, "",
                  "the largest one of energy, features and basins, rounds"),
           COLUMN(TpRungSeries, uncorrelated, "uncorrelated", TP_FILE_DOUBLE, "", "uncorrelated samples of the energy"),
           COLUMN(TpRungSeries, energy, "energy", TP_FILE_DOUBLE, energy,
                  "mean potential energy of this rung's samples alone"),
           COLUMN(TpRungSeries, energy_error, "energy_error", TP_FILE_DOUBLE, energy, "its standard error"),
  };
  const Column walker[] = {
      COLUMN(TpWalkerSeries, mean_rung, "mean_rung", TP_FILE_DOUBLE, "", "mean rung of each walker"),
      COLUMN(TpWalkerSeries, g, "g", TP_FILE_DOUBLE, "", "statistical inefficiency of its rung, rounds"),
      COLUMN(TpWalkerSeries, uncorrelated, "uncorrelated", TP_FILE_DOUBLE, "", "uncorrelated rungs of it"),
      COLUMN(TpWalkerSeries, round_trips, "round_trips", TP_FILE_INT64, "", "ways from bottom to top to bottom"),
  };

  PetscFunctionBeginUser;
  PetscCall(WriteTable(file, "/rungs", 1, &num, analysis->rung, sizeof(*analysis->rung), COUNT(rung), rung));
  PetscCall(WriteTable(file, "/walkers", 1, &num, analysis->walker, sizeof(*analysis->walker), COUNT(walker), walker));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLadder(const TpAnalysis *analysis, TpFile file)
{
  const TpMbarResult *mbar    = &analysis->mbar;
  const PetscInt64    num     = analysis->samples->num_rungs;
  const PetscInt64    shape[] = {num, num};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteAll(file, "/mbar/f", TP_FILE_DOUBLE, 1, &num, mbar->f, "", "-ln(Z_k / Z_0)"));
  PetscCall(TpFileWriteAll(file, "/mbar/f_error", TP_FILE_DOUBLE, 1, &num, analysis->f_bootstrap, "",
                           "standard error by the bootstrap"));
  PetscCall(TpFileWriteAll(file, "/mbar/covariance", TP_FILE_DOUBLE, 2, shape, mbar->covariance, "",
                           "covariance of f by MBAR, for rungs independent of each other"));
  PetscCall(TpFileWriteAll(file, "/mbar/overlap", TP_FILE_DOUBLE, 2, shape, mbar->overlap, "",
                           "chance that a sample of rung i could have come from rung j"));
  PetscCall(TpFileWriteAll(file, "/mbar/effective", TP_FILE_DOUBLE, 1, &num, mbar->effective, "",
                           "effective samples that each rung's averages stand on"));
  PetscCall(TpFileWriteReal(file, "/mbar", "second_eigenvalue", mbar->second_eigenvalue));
  PetscCall(TpFileWriteReal(file, "/mbar", "least_overlap", mbar->least_overlap));
  PetscCall(TpFileWriteReal(file, "/mbar", "gradient", mbar->gradient));
  PetscCall(TpFileWriteReal(file, "/mbar", "weight_error", mbar->weight_error));
  PetscCall(TpFileWriteInteger(file, "/mbar", "warnings", mbar->warnings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePoints(const TpAnalysis *analysis, TpFile file)
{
  const PetscInt64  num       = analysis->num_points;
  const char *const energy    = TpUnitName(analysis->samples->units, TP_DIMENSION_ENERGY);
  const char *const kelvin    = TpUnitName(analysis->samples->units, TP_DIMENSION_TEMPERATURE);
  const char *const entropy   = analysis->samples->units == TP_UNITS_MOLECULAR ? "kJ/mol/K" : "";
  const Column      columns[] = {
           COLUMN(TpThermoPoint, point.temperature, "temperature", TP_FILE_DOUBLE, kelvin, "temperature"),
           COLUMN(TpThermoPoint, point.free_energy, "free_energy", TP_FILE_DOUBLE, energy,
                  "-k_B T ln(Z / Z_0), configurational"),
           COLUMN(TpThermoPoint, point.free_energy_error, "free_energy_error", TP_FILE_DOUBLE, energy, "its standard error"),
           COLUMN(TpThermoPoint, point.energy, "energy", TP_FILE_DOUBLE, energy, "mean potential energy"),
           COLUMN(TpThermoPoint, point.energy_error, "energy_error", TP_FILE_DOUBLE, energy, "its standard error"),
           COLUMN(TpThermoPoint, point.heat_capacity, "heat_capacity", TP_FILE_DOUBLE, entropy,
                  "configurational heat capacity"),
           COLUMN(TpThermoPoint, point.heat_capacity_error, "heat_capacity_error", TP_FILE_DOUBLE, entropy,
                  "its standard error"),
           COLUMN(TpThermoPoint, point.entropy, "entropy", TP_FILE_DOUBLE, entropy,
                  "(U - F) / T, up to the constant k_B ln Z_0"),
           COLUMN(TpThermoPoint, point.entropy_error, "entropy_error", TP_FILE_DOUBLE, entropy, "its standard error"),
           COLUMN(TpThermoPoint, point.effective, "effective", TP_FILE_DOUBLE, "", "effective, uncorrelated samples"),
           COLUMN(TpThermoPoint, support, "support", TP_FILE_INT32, "",
                  "0 between the rungs, 1 beyond them, 2 fewer than 50 effective samples"),
  };

  PetscFunctionBeginUser;
  PetscCall(
      WriteTable(file, "/thermodynamics", 1, &num, analysis->point, sizeof(*analysis->point), COUNT(columns), columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteBasins(const TpAnalysis *analysis, TpFile file)
{
  const PetscInt64  shape[]   = {analysis->num_temperatures, analysis->num_basins};
  const char *const energy    = TpUnitName(analysis->samples->units, TP_DIMENSION_ENERGY);
  const Column      columns[] = {
           COLUMN(TpBasinPoint, population, "population", TP_FILE_DOUBLE, "",
                  "probability of each basin [temperature, basin]"),
           COLUMN(TpBasinPoint, population_error, "population_error", TP_FILE_DOUBLE, "", "its standard error"),
           COLUMN(TpBasinPoint, free_energy, "free_energy", TP_FILE_DOUBLE, energy, "free energy from the first basin"),
           COLUMN(TpBasinPoint, free_energy_error, "free_energy_error", TP_FILE_DOUBLE, energy, "its standard error"),
  };
  const char **names;

  PetscFunctionBeginUser;
  if (!analysis->num_basins) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(analysis->num_basins, &names));
  for (PetscInt b = 0; b < analysis->num_basins; ++b) names[b] = analysis->basin[b].name;
  PetscCall(TpFileWriteTexts(file, "/basins/name", analysis->num_basins, names, "names of the basins"));
  PetscCall(PetscFree(names));
  PetscCall(TpFileWriteAll(file, "/basins/temperature", TP_FILE_DOUBLE, 1, shape, analysis->temperature,
                           TpUnitName(analysis->samples->units, TP_DIMENSION_TEMPERATURE), "temperature"));
  PetscCall(WriteTable(file, "/basins", 2, shape, analysis->basin_point, sizeof(*analysis->basin_point), COUNT(columns),
                       columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSurface(const TpAnalysis *analysis, TpFile file, PetscInt s)
{
  const TpSurface *surface   = &analysis->surface[s];
  const PetscInt   axes      = surface->feature[1] < 0 ? 1 : 2;
  const PetscInt64 shape[]   = {analysis->num_temperatures, surface->bins, surface->bins};
  const PetscInt64 num_edges = surface->bins + 1;
  char             group[64], name[96];
  double          *edges;

  PetscFunctionBeginUser;
  snprintf(group, sizeof(group), "/surfaces/%d", (int)s);
  snprintf(name, sizeof(name), "%s/probability", group);
  PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1 + axes, shape, surface->probability, "",
                           "probability of each bin [temperature, first feature, second]; F is -k_B T ln of it"));
  snprintf(name, sizeof(name), "%s/probability_error", group);
  PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1 + axes, shape, surface->error, "", "its standard error"));
  snprintf(name, sizeof(name), "%s/temperature", group);
  PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, shape, analysis->temperature,
                           TpUnitName(analysis->samples->units, TP_DIMENSION_TEMPERATURE), "temperature"));
  PetscCall(PetscMalloc1(num_edges, &edges));
  for (PetscInt axis = 0; axis < axes; ++axis) {
    for (PetscInt i = 0; i < num_edges; ++i)
      edges[i] = surface->low[axis] + (surface->high[axis] - surface->low[axis]) * (double)i / (double)surface->bins;
    snprintf(name, sizeof(name), "%s/edges%d", group, (int)axis);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, &num_edges, edges,
                             analysis->samples->unit[surface->feature[axis]], "edges of the bins"));
  }
  PetscCall(PetscFree(edges));
  PetscCall(TpFileWriteText(file, group, "features", surface->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteConvergence(const TpAnalysis *analysis, TpFile file)
{
  const PetscInt64 num       = analysis->num_fractions;
  const Column     columns[] = {
          COLUMN(TpConvergencePoint, fraction, "fraction", TP_FILE_DOUBLE, "", "part of the rounds"),
          COLUMN(TpConvergencePoint, forward, "forward", TP_FILE_DOUBLE, "",
                 "f of the last rung less that of the first, from the first part"),
          COLUMN(TpConvergencePoint, forward_error, "forward_error", TP_FILE_DOUBLE, "", "its standard error by MBAR"),
          COLUMN(TpConvergencePoint, backward, "backward", TP_FILE_DOUBLE, "", "the same from the last part"),
          COLUMN(TpConvergencePoint, backward_error, "backward_error", TP_FILE_DOUBLE, "", "its standard error by MBAR"),
  };

  PetscFunctionBeginUser;
  PetscCall(WriteTable(file, "/convergence", 1, &num, analysis->fraction, sizeof(*analysis->fraction), COUNT(columns),
                       columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteChecks(const TpAnalysis *analysis, TpFile file)
{
  const PetscInt64  num = analysis->samples->num_rungs, pairs = num - 1;
  const char *const kelvin = TpUnitName(analysis->samples->units, TP_DIMENSION_TEMPERATURE);
  const char *const beta   = analysis->samples->units == TP_UNITS_MOLECULAR ? "mol/kJ" : "";
  const Column      pair[] = {
           COLUMN(TpPairCheck, slope, "slope", TP_FILE_DOUBLE, beta, "slope of ln(P_i(U) / P_i+1(U))"),
           COLUMN(TpPairCheck, slope_error, "slope_error", TP_FILE_DOUBLE, beta, "its standard error"),
           COLUMN(TpPairCheck, expected, "expected", TP_FILE_DOUBLE, beta, "beta_i+1 - beta_i"),
           COLUMN(TpPairCheck, p, "p", TP_FILE_DOUBLE, "", "probability of so large a difference by chance"),
  };
  const Column kinetic[] = {
      COLUMN(TpKineticCheck, mean, "mean", TP_FILE_DOUBLE, kelvin, "mean kinetic temperature"),
      COLUMN(TpKineticCheck, mean_error, "mean_error", TP_FILE_DOUBLE, kelvin, "its standard error"),
      COLUMN(TpKineticCheck, distance, "distance", TP_FILE_DOUBLE, "",
             "Kolmogorov-Smirnov distance to the Gamma distribution"),
      COLUMN(TpKineticCheck, p, "p", TP_FILE_DOUBLE, "", "probability of so large a distance by chance"),
  };
  const Column configurational[] = {
      COLUMN(TpConfigurationalCheck, temperature, "temperature", TP_FILE_DOUBLE, kelvin, "temperature from the forces"),
      COLUMN(TpConfigurationalCheck, error, "error", TP_FILE_DOUBLE, kelvin, "its standard error"),
      COLUMN(TpConfigurationalCheck, frames, "frames", TP_FILE_INT64, "", "configurations it is from"),
      COLUMN(TpConfigurationalCheck, p, "p", TP_FILE_DOUBLE, "", "probability of so large a difference by chance"),
  };

  PetscFunctionBeginUser;
  PetscCall(WriteTable(file, "/checks/pairs", 1, &pairs, analysis->pair, sizeof(*analysis->pair), COUNT(pair), pair));
  if (analysis->kinetic)
    PetscCall(WriteTable(file, "/checks/kinetic", 1, &num, analysis->kinetic, sizeof(*analysis->kinetic),
                         COUNT(kinetic), kinetic));
  if (analysis->configurational)
    PetscCall(WriteTable(file, "/checks/configurational", 1, &num, analysis->configurational,
                         sizeof(*analysis->configurational), COUNT(configurational), configurational));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAsymmetry(const TpModelAnalysis *model, TpFile file)
{
  const PetscInt64 shape[] = {TP_ASYMMETRY_TIMES, 3};
  double           table[3 * TP_ASYMMETRY_TIMES];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k) {
    table[3 * k]     = model->asymmetry[k].noise;
    table[3 * k + 1] = model->asymmetry[k].ratio;
    table[3 * k + 2] = model->asymmetry[k].error;
  }
  PetscCall(TpFileWriteAll(file, "/model/conservativeness", TP_FILE_DOUBLE, 2, shape, table, "",
                           "of the score's Jacobian J [time, (noise, ||J - J^T|| / ||J||, its error)]"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Verdicts, with what they rest on; distributions are in the JSON. */
static PetscErrorCode WriteModel(const TpAnalysis *analysis, TpFile file)
{
  const TpModelAnalysis *model = analysis->model;
  const PetscInt         views = model->num_views, histograms = model->num_histograms;
  const PetscInt64       checks = model->num_checks, distances[] = {checks, views, 4},
                   divergences[] = {checks, histograms, 3};
  double *table, *distance, *divergence;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(checks * 4, &table, checks * views * 4, &distance, checks * histograms * 3, &divergence));
  for (PetscInt c = 0; c < model->num_checks; ++c) {
    const TpModelCheck *check = &model->check[c];

    table[4 * c]     = analysis->temperature[check->temperature];
    table[4 * c + 1] = (double)check->reference;
    table[4 * c + 2] = check->result.p;
    table[4 * c + 3] = (double)check->verdict;
    for (PetscInt v = 0; v < views; ++v) {
      const TpDistance *from = &check->result.distance[v];
      double           *to   = distance + (c * views + v) * 4;

      to[0] = from->value, to[1] = from->noise, to[2] = from->limit, to[3] = from->p;
    }
    for (PetscInt h = 0; h < histograms; ++h) {
      const TpDivergence *from = &check->result.divergence[h];
      double             *to   = divergence + (c * histograms + h) * 3;

      to[0] = from->value, to[1] = from->noise, to[2] = from->p;
    }
  }
  PetscCall(
      TpFileWriteAll(file, "/model/check", TP_FILE_DOUBLE, 2, (const PetscInt64[]){checks, 4}, table, "",
                     "temperature, reference (0 MBAR, 1 direct MD, 2 mixture of the label), p, verdict (0 agrees, "
                     "1 worse than noise, 2 outside what the ladder supports)"));
  PetscCall(TpFileWriteAll(file, "/model/distance", TP_FILE_DOUBLE, 3, distances, distance, "",
                           "root of the energy distance [check, all features or one, (value, noise, limit, p)]"));
  PetscCall(TpFileWriteAll(file, "/model/divergence", TP_FILE_DOUBLE, 3, divergences, divergence, "",
                           "Jensen-Shannon divergence, nats [check, feature or pair, (value, noise, p)]"));
  PetscCall(PetscFree3(table, distance, divergence));
  if (model->has_score) PetscCall(WriteAsymmetry(model, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteModelEnergies(const TpAnalysis *analysis, TpFile file)
{
  enum { FACTS = 5, NUMBERS = 9 };
  const TpModelEnergies *energies = &analysis->model->energies;
  const PetscInt64       checks = energies->num_checks, facts[] = {checks, FACTS}, numbers[] = {checks, NUMBERS};
  double                *fact, *number;

  PetscFunctionBeginUser;
  if (!checks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(checks * FACTS, &fact, checks * NUMBERS, &number));
  for (PetscInt c = 0; c < checks; ++c) {
    const TpEnergyCheck *check      = &energies->check[c];
    const TpDistance    *distance   = check->result.distance;
    const TpDivergence  *divergence = check->result.divergence;

    PetscCall(PetscArraycpy(fact + c * FACTS,
                            ((const double[]){analysis->temperature[check->temperature], (double)check->reference,
                                              (double)check->steps, check->result.p, (double)check->verdict}),
                            FACTS));
    PetscCall(PetscArraycpy(
        number + c * NUMBERS,
        ((const double[]){check->result.mean[0], check->mean, distance->value, distance->noise, distance->limit,
                          distance->p, divergence->value, divergence->noise, divergence->p}),
        NUMBERS));
  }
  PetscCall(TpFileWriteAll(file, "/model/energy_check", TP_FILE_DOUBLE, 2, facts, fact, "",
                           "temperature, reference, steps of the engine, p, verdict; numbers as in /model/check"));
  PetscCall(TpFileWriteAll(file, "/model/energy", TP_FILE_DOUBLE, 2, numbers, number, "",
                           "mean energies of reference and model; energy distance (value, noise, limit, p); "
                           "Jensen-Shannon divergence, nats (value, noise, p)"));
  PetscCall(PetscFree2(fact, number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(const TpAnalysis *analysis, TpFile file)
{
  const TpSamples *samples = analysis->samples;

  PetscFunctionBeginUser;
  PetscCall(WriteSeries(analysis, file));
  PetscCall(WriteLadder(analysis, file));
  PetscCall(WritePoints(analysis, file));
  PetscCall(WriteBasins(analysis, file));
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) PetscCall(WriteSurface(analysis, file, s));
  PetscCall(WriteConvergence(analysis, file));
  PetscCall(WriteChecks(analysis, file));
  PetscCall(TpFileWriteInteger(file, "/", "rounds_written", samples->rounds_written));
  PetscCall(TpFileWriteInteger(file, "/", "equilibration", samples->equilibration));
  PetscCall(TpFileWriteInteger(file, "/", "rounds", samples->num_rounds));
  PetscCall(TpFileWriteInteger(file, "/", "block", analysis->block));
  PetscCall(TpFileWriteInteger(file, "/", "replicates", analysis->replicates));
  PetscCall(TpFileWriteInteger(file, "/", "short", analysis->is_short));
  PetscCall(TpFileWriteReal(file, "/", "alarm", analysis->alarm));
  if (!analysis->model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WriteModel(analysis, file));
  PetscCall(WriteModelEnergies(analysis, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalysisWriteFile(const TpAnalysis *analysis, MPI_Comm comm, const char *path, const char *parameters)
{
  const TpFileHeader header = {.format     = TP_ANALYSIS_FORMAT,
                               .version    = TP_ANALYSIS_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = parameters};
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(comm, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(analysis, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
