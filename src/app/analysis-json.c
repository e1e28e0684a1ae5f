/* The analysis as JSON. */
#include "analysis.h"

#include <math.h>

/* Where in the document the next thing goes. */
typedef struct {
  FILE     *file;
  int       depth;
  PetscBool first; /* nothing stands in this object or array yet */
} Writer;

static void WriteString(Writer *writer, const char *text)
{
  fputc('"', writer->file);
  for (; *text; ++text) {
    const unsigned char c = (unsigned char)*text;

    if (c < 0x20)
      fprintf(writer->file, "\\u%04x", c);
    else if (c == '"' || c == '\\')
      fprintf(writer->file, "\\%c", c);
    else
      fputc(c, writer->file);
  }
  fputc('"', writer->file);
}

/* The key of the next value; NULL within an array. */
static void Next(Writer *writer, const char *key)
{
  if (!writer->first) fputc(',', writer->file);
  if (writer->depth) fprintf(writer->file, "\n%*s", 2 * writer->depth, "");
  writer->first = PETSC_FALSE;
  if (!key) return;
  WriteString(writer, key);
  fputs(": ", writer->file);
}

static void Open(Writer *writer, const char *key, char bracket)
{
  Next(writer, key);
  fputc(bracket, writer->file);
  ++writer->depth;
  writer->first = PETSC_TRUE;
}

static void Close(Writer *writer, char bracket)
{
  --writer->depth;
  fprintf(writer->file, "\n%*s%c", 2 * writer->depth, "", bracket);
  writer->first = PETSC_FALSE;
}

static void Number(Writer *writer, double value)
{
  if (isfinite(value))
    fprintf(writer->file, "%.17g", value);
  else
    fputs("null", writer->file);
}

static void Real(Writer *writer, const char *key, double value)
{
  Next(writer, key);
  Number(writer, value);
}

static void Integer(Writer *writer, const char *key, PetscInt64 value)
{
  Next(writer, key);
  fprintf(writer->file, "%lld", (long long)value);
}

static void Text(Writer *writer, const char *key, const char *value)
{
  Next(writer, key);
  WriteString(writer, value);
}

/* On one line. */
static void Reals(Writer *writer, const char *key, PetscInt count, const double values[])
{
  Next(writer, key);
  fputc('[', writer->file);
  for (PetscInt i = 0; i < count; ++i) {
    if (i) fputs(", ", writer->file);
    Number(writer, values[i]);
  }
  fputc(']', writer->file);
}

/* ---------------------------------------------------------------------------------------------------------- sections */

static void WriteRun(Writer *writer, const TpAnalysis *analysis)
{
  const TpSamples *samples = analysis->samples;

  Open(writer, "run", '{');
  Text(writer, "folder", samples->folder);
  Text(writer, "energy_unit", TpUnitName(samples->units, TP_DIMENSION_ENERGY));
  Text(writer, "temperature_unit", TpUnitName(samples->units, TP_DIMENSION_TEMPERATURE));
  Integer(writer, "rounds_written", samples->rounds_written);
  Integer(writer, "rounds_planned", samples->rounds_planned);
  Integer(writer, "start_round", samples->start_round);
  Integer(writer, "equilibration", samples->equilibration);
  Integer(writer, "repairs", samples->num_repairs);
  Integer(writer, "rounds", samples->num_rounds);
  Integer(writer, "block", analysis->block);
  Integer(writer, "replicates", analysis->replicates);
  Integer(writer, "short", analysis->is_short);
  Real(writer, "time_per_round", samples->time_per_round);
  Close(writer, '}');
}

static void WriteSeries(Writer *writer, const TpAnalysis *analysis)
{
  Open(writer, "rungs", '[');
  for (PetscInt k = 0; k < analysis->samples->num_rungs; ++k) {
    const TpRungSeries *rung = &analysis->rung[k];

    Open(writer, NULL, '{');
    Real(writer, "temperature", rung->temperature);
    Integer(writer, "t0", rung->start);
    Real(writer, "g", rung->g);
    Real(writer, "uncorrelated", rung->uncorrelated);
    Real(writer, "effective", analysis->mbar.effective[k]);
    Real(writer, "slowest_g", rung->g_slowest);
    Text(writer, "slowest", rung->slowest);
    Real(writer, "energy", rung->energy);
    Real(writer, "energy_error", rung->energy_error);
    Close(writer, '}');
  }
  Close(writer, ']');
  Open(writer, "walkers", '[');
  for (PetscInt w = 0; w < analysis->samples->num_rungs; ++w) {
    const TpWalkerSeries *walker = &analysis->walker[w];

    Open(writer, NULL, '{');
    Real(writer, "mean_rung", walker->mean_rung);
    Real(writer, "g", walker->g);
    Real(writer, "uncorrelated", walker->uncorrelated);
    Integer(writer, "round_trips", walker->round_trips);
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void WriteLadder(Writer *writer, const TpAnalysis *analysis)
{
  const TpMbarResult *mbar = &analysis->mbar;
  const PetscInt      num  = analysis->samples->num_rungs;

  Open(writer, "mbar", '{');
  Reals(writer, "f", num, mbar->f);
  Reals(writer, "f_error", num, analysis->f_bootstrap);
  Reals(writer, "f_error_mbar", num, mbar->error);
  Open(writer, "overlap", '[');
  for (PetscInt k = 0; k < num; ++k) Reals(writer, NULL, num, mbar->overlap + k * num);
  Close(writer, ']');
  Real(writer, "second_eigenvalue", mbar->second_eigenvalue);
  Real(writer, "least_overlap", mbar->least_overlap);
  Real(writer, "gradient", mbar->gradient);
  Real(writer, "weight_error", mbar->weight_error);
  Integer(writer, "warnings", mbar->warnings);
  Close(writer, '}');
}

static void WritePoints(Writer *writer, const TpAnalysis *analysis)
{
  Open(writer, "thermodynamics", '[');
  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    const TpMbarPoint *point = &analysis->point[i].point;

    Open(writer, NULL, '{');
    Real(writer, "temperature", point->temperature);
    Real(writer, "free_energy", point->free_energy);
    Real(writer, "free_energy_error", point->free_energy_error);
    Real(writer, "energy", point->energy);
    Real(writer, "energy_error", point->energy_error);
    Real(writer, "heat_capacity", point->heat_capacity);
    Real(writer, "heat_capacity_error", point->heat_capacity_error);
    Real(writer, "entropy", point->entropy);
    Real(writer, "entropy_error", point->entropy_error);
    Real(writer, "effective", point->effective);
    Text(writer, "support", tp_support_words[analysis->point[i].support]);
    Close(writer, '}');
  }
  Close(writer, ']');
}

/* Of the run or of its model, for which the ladder's support says nothing. */
static void WriteBasins(Writer *writer, const TpAnalysis *analysis, const TpBasinPoint points[], PetscBool of_run)
{
  Open(writer, "basins", '[');
  for (PetscInt i = 0; i < analysis->num_temperatures * analysis->num_basins; ++i) {
    const TpBasinPoint *point       = &points[i];
    const PetscInt      temperature = i / analysis->num_basins;

    Open(writer, NULL, '{');
    Real(writer, "temperature", analysis->temperature[temperature]);
    Text(writer, "basin", analysis->basin[i % analysis->num_basins].name);
    Real(writer, "population", point->population);
    Real(writer, "population_error", point->population_error);
    Real(writer, "free_energy", point->free_energy);
    Real(writer, "free_energy_error", point->free_energy_error);
    if (of_run) Text(writer, "support", tp_support_words[analysis->support[temperature]]);
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void WriteSurfaces(Writer *writer, const TpAnalysis *analysis)
{
  Open(writer, "surfaces", '[');
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    const TpSurface *surface = &analysis->surface[s];

    Open(writer, NULL, '{');
    Text(writer, "features", surface->text);
    Integer(writer, "bins", surface->bins);
    Reals(writer, "low", surface->feature[1] < 0 ? 1 : 2, surface->low);
    Reals(writer, "high", surface->feature[1] < 0 ? 1 : 2, surface->high);
    Reals(writer, "temperature", analysis->num_temperatures, analysis->temperature);
    Open(writer, "probability", '[');
    for (PetscInt t = 0; t < analysis->num_temperatures; ++t)
      Reals(writer, NULL, surface->size, surface->probability + t * surface->size);
    Close(writer, ']');
    Open(writer, "probability_error", '[');
    for (PetscInt t = 0; t < analysis->num_temperatures; ++t)
      Reals(writer, NULL, surface->size, surface->error + t * surface->size);
    Close(writer, ']');
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void WriteConvergence(Writer *writer, const TpAnalysis *analysis)
{
  Open(writer, "convergence", '[');
  for (PetscInt i = 0; i < analysis->num_fractions; ++i) {
    const TpConvergencePoint *point = &analysis->fraction[i];

    Open(writer, NULL, '{');
    Real(writer, "fraction", point->fraction);
    Real(writer, "forward", point->forward);
    Real(writer, "forward_error", point->forward_error);
    Real(writer, "backward", point->backward);
    Real(writer, "backward_error", point->backward_error);
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void Verdict(Writer *writer, const TpAnalysis *analysis, double p)
{
  Real(writer, "p", p);
  Text(writer, "verdict", TpAnalysisIsWrong(analysis, p) ? "wrong" : "ok");
}

static void WriteConfigurational(Writer *writer, const TpAnalysis *analysis)
{
  Text(writer, "not_configurational", analysis->not_configurational);
  Open(writer, "configurational", '[');
  for (PetscInt k = 0; analysis->configurational && k < analysis->samples->num_rungs; ++k) {
    const TpConfigurationalCheck *check = &analysis->configurational[k];

    Open(writer, NULL, '{');
    Real(writer, "temperature", check->temperature);
    Real(writer, "error", check->error);
    Integer(writer, "frames", check->frames);
    Verdict(writer, analysis, check->p);
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void WriteChecks(Writer *writer, const TpAnalysis *analysis)
{
  Open(writer, "checks", '{');
  Real(writer, "alarm", analysis->alarm);
  Open(writer, "pairs", '[');
  for (PetscInt i = 0; i + 1 < analysis->samples->num_rungs; ++i) {
    const TpPairCheck *pair = &analysis->pair[i];

    Open(writer, NULL, '{');
    Real(writer, "slope", pair->slope);
    Real(writer, "slope_error", pair->slope_error);
    Real(writer, "expected", pair->expected);
    Verdict(writer, analysis, pair->p);
    Close(writer, '}');
  }
  Close(writer, ']');
  Open(writer, "kinetic", '[');
  for (PetscInt k = 0; analysis->kinetic && k < analysis->samples->num_rungs; ++k) {
    const TpKineticCheck *check = &analysis->kinetic[k];

    Open(writer, NULL, '{');
    Real(writer, "mean", check->mean);
    Real(writer, "mean_error", check->mean_error);
    Real(writer, "distance", check->distance);
    Verdict(writer, analysis, check->p);
    Close(writer, '}');
  }
  Close(writer, ']');
  WriteConfigurational(writer, analysis);
  Close(writer, '}');
}

static void Distance(Writer *writer, const TpDistance *distance)
{
  Real(writer, "value", distance->value);
  Real(writer, "noise", distance->noise);
  Real(writer, "limit", distance->limit);
  Real(writer, "p", distance->p);
}

/* With the distributions over the bins. */
static void Divergence(Writer *writer, const TpDivergence *divergence, PetscInt bins, const double reference[],
                       const double model[])
{
  Real(writer, "value", divergence->value);
  Real(writer, "noise", divergence->noise);
  Real(writer, "p", divergence->p);
  Reals(writer, "reference", bins, reference);
  Reals(writer, "model", bins, model);
}

static void WriteCheck(Writer *writer, const TpAnalysis *analysis, const TpModelCheck *check)
{
  const TpModelAnalysis *model = analysis->model;

  Open(writer, NULL, '{');
  Real(writer, "temperature", analysis->temperature[check->temperature]);
  Text(writer, "reference", tp_reference_words[check->reference]);
  Text(writer, "verdict", tp_verdict_words[check->verdict]);
  Real(writer, "p", check->result.p);
  Open(writer, "energy_distances", '[');
  for (PetscInt v = 0; v < model->num_views; ++v) {
    Open(writer, NULL, '{');
    Text(writer, "features", v ? analysis->samples->name[v - 1] : "all");
    Distance(writer, &check->result.distance[v]);
    Close(writer, '}');
  }
  Close(writer, ']');
  Open(writer, "divergences", '[');
  for (PetscInt h = 0; h < model->num_histograms; ++h) {
    char title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &model->histogram[h], sizeof(title), title);
    Open(writer, NULL, '{');
    Text(writer, "features", title);
    Divergence(writer, &check->result.divergence[h], model->histogram[h].size,
               check->result.reference + model->first[h], check->result.model + model->first[h]);
    Close(writer, '}');
  }
  Close(writer, ']');
  Close(writer, '}');
}

static void WriteAsymmetry(Writer *writer, const TpModelAnalysis *model)
{
  Open(writer, "conservativeness", '[');
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k) {
    Open(writer, NULL, '{');
    Real(writer, "noise", model->asymmetry[k].noise);
    Real(writer, "asymmetry", model->asymmetry[k].ratio);
    Real(writer, "error", model->asymmetry[k].error);
    Close(writer, '}');
  }
  Close(writer, ']');
}

static void WriteEnergyCheck(Writer *writer, const TpAnalysis *analysis, const TpEnergyCheck *check)
{
  const TpCrossResult *found = &check->result;

  Open(writer, NULL, '{');
  Real(writer, "temperature", analysis->temperature[check->temperature]);
  Text(writer, "reference", tp_reference_words[check->reference]);
  Integer(writer, "steps", check->steps);
  Text(writer, "verdict", tp_verdict_words[check->verdict]);
  Real(writer, "p", found->p);
  Real(writer, "mean_of_reference", found->mean[0]);
  Real(writer, "mean_of_model", check->mean);
  Open(writer, "energy_distance", '{');
  Distance(writer, found->distance);
  Close(writer, '}');
  Open(writer, "divergence", '{');
  Divergence(writer, found->divergence, analysis->model->energies.bins, found->reference, found->model);
  Close(writer, '}');
  Close(writer, '}');
}

static void WriteModelEnergies(Writer *writer, const TpAnalysis *analysis)
{
  const TpModelEnergies *energies = &analysis->model->energies;

  Open(writer, "energies", '{');
  if (energies->reason[0])
    Text(writer, "not_compared", energies->reason);
  else {
    Integer(writer, "samples", energies->num_samples);
    Real(writer, "alarm", energies->alarm);
    Integer(writer, "bins", energies->bins);
    Real(writer, "low", energies->low);
    Real(writer, "high", energies->high);
    Open(writer, "checks", '[');
    for (PetscInt c = 0; c < energies->num_checks; ++c) WriteEnergyCheck(writer, analysis, &energies->check[c]);
    Close(writer, ']');
  }
  Close(writer, '}');
}

/* Nothing if there is no model. */
static void WriteModel(Writer *writer, const TpAnalysis *analysis)
{
  const TpModelAnalysis *model = analysis->model;

  if (!model) return;
  Open(writer, "model", '{');
  Text(writer, "source", model->source);
  Integer(writer, "samples", model->num_samples);
  Real(writer, "alarm", model->alarm);
  Open(writer, "checks", '[');
  for (PetscInt c = 0; c < model->num_checks; ++c) WriteCheck(writer, analysis, &model->check[c]);
  Close(writer, ']');
  WriteBasins(writer, analysis, model->basin_point, PETSC_FALSE);
  if (model->has_score) WriteAsymmetry(writer, model);
  WriteModelEnergies(writer, analysis);
  Close(writer, '}');
}

PetscErrorCode TpAnalysisWriteJson(const TpAnalysis *analysis, FILE *file)
{
  Writer writer = {.file = file, .first = PETSC_TRUE};

  PetscFunctionBeginUser;
  Open(&writer, NULL, '{');
  Text(&writer, "program", TpVersionLine());
  WriteRun(&writer, analysis);
  WriteSeries(&writer, analysis);
  WriteLadder(&writer, analysis);
  WritePoints(&writer, analysis);
  WriteBasins(&writer, analysis, analysis->basin_point, PETSC_TRUE);
  WriteSurfaces(&writer, analysis);
  WriteConvergence(&writer, analysis);
  WriteChecks(&writer, analysis);
  WriteModel(&writer, analysis);
  Close(&writer, '}');
  fputc('\n', file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
