/* The analysis as tables for people. */
#include "analysis.h"

#include <math.h>

static const char *Verdict(const TpAnalysis *analysis, double p)
{
  return TpAnalysisIsWrong(analysis, p) ? "WRONG" : "ok";
}

static void WriteRun(const TpAnalysis *analysis, FILE *file)
{
  const TpSamples *samples = analysis->samples;

  fprintf(file, "%s: %lld of %lld rounds written, %d rungs, %d features\n", samples->folder,
          (long long)samples->rounds_written, (long long)samples->rounds_planned, (int)samples->num_rungs,
          (int)samples->num_features);
  fprintf(file, "equilibration: rounds before %lld left out (training.start_round %lld); %lld rounds count",
          (long long)samples->equilibration, (long long)samples->start_round, (long long)samples->num_rounds);
  if (samples->num_repairs) fprintf(file, "; %d configurations were replaced", (int)samples->num_repairs);
  fprintf(file, "\nerrors: bootstrap, %d replicates of blocks of %lld rounds, the same blocks of all rungs\n",
          (int)analysis->replicates, (long long)analysis->block);
  if (analysis->is_short)
    fprintf(file, "warning: the run is shorter than 50 times its longest correlation: errors may be too small\n");
}

static void WriteSeries(const TpAnalysis *analysis, FILE *file)
{
  const TpSamples *samples = analysis->samples;

  fprintf(file, "\nrungs\n%4s %12s %8s %10s %12s %10s %10s  %-14s %16s %12s\n", "rung", "T", "t0", "g", "uncorrelated",
          "effective", "slowest g", "of", "<U>", "error");
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    const TpRungSeries *rung = &analysis->rung[k];

    fprintf(file, "%4d %12.6g %8lld %10.4g %12.5g %10.5g %10.4g  %-14s %16.8g %12.3g\n", (int)k, rung->temperature,
            (long long)rung->start, rung->g, rung->uncorrelated, analysis->mbar.effective[k], rung->g_slowest,
            rung->slowest, rung->energy, rung->energy_error);
  }
  fprintf(file, "\nwalkers\n%6s %12s %10s %12s %10s\n", "walker", "mean rung", "g", "uncorrelated", "trips");
  for (PetscInt w = 0; w < samples->num_rungs; ++w) {
    const TpWalkerSeries *walker = &analysis->walker[w];

    fprintf(file, "%6d %12.4g %10.4g %12.5g %10lld\n", (int)w, walker->mean_rung, walker->g, walker->uncorrelated,
            (long long)walker->round_trips);
  }
}

static void WriteWarnings(const TpMbarResult *mbar, FILE *file)
{
  static const struct {
    unsigned    bit;
    const char *text;
  } warnings[] = {
      {TP_MBAR_EMPTY_STATE, "a rung has no samples"},
      {TP_MBAR_FEW_SAMPLES, "a rung has fewer than 10 uncorrelated samples: errors are guesses"},
      {TP_MBAR_POOR_OVERLAP, "neighbours overlap by less than 0.03: errors may be too small; add a rung between them"},
      {TP_MBAR_IDENTICAL, "two rungs have the same temperature"},
      {TP_MBAR_EXTRAPOLATION, "a rung stands on fewer than 50 effective samples"},
      {TP_MBAR_NOT_CONVERGED, "MBAR did not converge, or its weights do not sum to one"},
  };

  for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); ++i)
    if (mbar->warnings & warnings[i].bit) fprintf(file, "warning: %s\n", warnings[i].text);
}

static void WriteLadder(const TpAnalysis *analysis, FILE *file)
{
  const TpSamples    *samples = analysis->samples;
  const TpMbarResult *mbar    = &analysis->mbar;

  fprintf(file, "\nladder (MBAR; f = -ln(Z/Z_0))\n%4s %12s %16s %12s %12s %18s\n", "rung", "T", "f", "error", "by MBAR",
          "overlap with next");
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    fprintf(file, "%4d %12.6g %16.9g %12.3g %12.3g", (int)k, samples->temperature[k], mbar->f[k],
            analysis->f_bootstrap[k], mbar->error[k]);
    if (k + 1 < samples->num_rungs) {
      const double overlap = TpMbarPairOverlap(mbar, k, k + 1);

      fprintf(file, " %18.4f%s", overlap, overlap < TP_MBAR_LEAST_OVERLAP ? "  POOR" : "");
    }
    fprintf(file, "\n");
  }
  fprintf(file, "second eigenvalue of the overlap %.6f; gradient %.1e, sum of weights within %.1e of one\n",
          mbar->second_eigenvalue, mbar->gradient, mbar->weight_error);
  WriteWarnings(mbar, file);
}

static void WritePoints(const TpAnalysis *analysis, FILE *file)
{
  const char *energy = TpUnitName(analysis->samples->units, TP_DIMENSION_ENERGY);

  fprintf(file,
          "\nthermodynamics, configurational part%s%s; F and S from the first rung's partition function\n"
          "%12s %14s %10s %16s %10s %14s %10s %14s %10s %10s %s\n",
          energy[0] ? ", energies in " : "", energy, "T", "F", "error", "U", "error", "C_v", "error", "S", "error",
          "effective", "support");
  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    const TpMbarPoint *point = &analysis->point[i].point;

    fprintf(file, "%12.6g %14.7g %10.2g %16.8g %10.2g %14.6g %10.2g %14.7g %10.2g %10.5g %s\n", point->temperature,
            point->free_energy, point->free_energy_error, point->energy, point->energy_error, point->heat_capacity,
            point->heat_capacity_error, point->entropy, point->entropy_error, point->effective,
            tp_support_words[analysis->point[i].support]);
  }
}

/* Of a basin that no sample has been in there is none. */
static void WriteFreeEnergy(const TpBasinPoint *point, FILE *file)
{
  if (isfinite(point->free_energy))
    fprintf(file, " %14.6g %12.2g", point->free_energy, point->free_energy_error);
  else
    fprintf(file, " %14s %12s", "-", "-");
}

static void WriteBasins(const TpAnalysis *analysis, FILE *file)
{
  if (!analysis->num_basins) return;
  fprintf(file, "\nbasins; F from the first basin\n%12s %-16s %14s %12s %14s %12s %s\n", "T", "basin", "population",
          "error", "F", "error", "support");
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t) {
    for (PetscInt b = 0; b < analysis->num_basins; ++b) {
      const TpBasinPoint *point = &analysis->basin_point[t * analysis->num_basins + b];

      fprintf(file, "%12.6g %-16s %14.6g %12.2g", analysis->temperature[t], analysis->basin[b].name, point->population,
              point->population_error);
      WriteFreeEnergy(point, file);
      fprintf(file, " %s\n", tp_support_words[analysis->support[t]]);
    }
  }
}

static void WriteConvergence(const TpAnalysis *analysis, FILE *file)
{
  fprintf(file, "\nconvergence of f between the ends of the ladder, errors by MBAR\n%10s %14s %12s %14s %12s\n",
          "fraction", "forward", "error", "backward", "error");
  for (PetscInt i = 0; i < analysis->num_fractions; ++i) {
    const TpConvergencePoint *point = &analysis->fraction[i];

    fprintf(file, "%10.2f %14.7g %12.3g %14.7g %12.3g\n", point->fraction, point->forward, point->forward_error,
            point->backward, point->backward_error);
  }
}

static void WriteKinetic(const TpAnalysis *analysis, FILE *file)
{
  const TpSamples *samples = analysis->samples;

  if (!analysis->kinetic) {
    fprintf(file, "kinetic energies: not checked, run.h5 does not tell their degrees of freedom\n");
    return;
  }
  fprintf(file, "%-10s %16s %16s %12s %10s\n", "kinetic", "<T>", "expected", "error", "p");
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    const TpKineticCheck *check = &analysis->kinetic[k];

    fprintf(file, "%4d       %16.7g %16.7g %12.3g %10.2g %s\n", (int)k, check->mean, samples->temperature[k],
            check->mean_error, check->p, Verdict(analysis, check->p));
  }
}

static void WriteConfigurational(const TpAnalysis *analysis, FILE *file)
{
  if (!analysis->configurational) {
    fprintf(file, "configurational temperatures: not checked, %s\n", analysis->not_configurational);
    return;
  }
  fprintf(file, "%-10s %16s %16s %12s %10s\n", "from forces", "T", "expected", "error", "p");
  for (PetscInt k = 0; k < analysis->samples->num_rungs; ++k) {
    const TpConfigurationalCheck *check = &analysis->configurational[k];

    fprintf(file, "%4d       %16.7g %16.7g %12.3g %10.2g %s\n", (int)k, check->temperature,
            analysis->samples->temperature[k], check->error, check->p, Verdict(analysis, check->p));
  }
}

static void WriteChecks(const TpAnalysis *analysis, FILE *file)
{
  const TpSamples *samples = analysis->samples;

  fprintf(file,
          "\nchecks; wrong is p < %.2g, which befalls a right run with probability %g in all\n"
          "%-10s %16s %16s %12s %10s\n",
          analysis->alarm, TP_FALSE_ALARM, "energies", "slope", "expected", "error", "p");
  for (PetscInt i = 0; i + 1 < samples->num_rungs; ++i) {
    const TpPairCheck *pair = &analysis->pair[i];

    fprintf(file, "%4d %4d  %16.7g %16.7g %12.3g %10.2g %s\n", (int)i, (int)i + 1, pair->slope, pair->expected,
            pair->slope_error, pair->p, Verdict(analysis, pair->p));
  }
  WriteKinetic(analysis, file);
  WriteConfigurational(analysis, file);
}

static void WriteModelEnergies(const TpAnalysis *analysis, FILE *file)
{
  const TpModelEnergies *energies = &analysis->model->energies;

  if (energies->reason[0]) {
    fprintf(file, "energies of the model's samples: not compared, %s\n", energies->reason);
    return;
  }
  fprintf(file,
          "\nenergies of %lld of the model's samples at each temperature, as they are and after %lld steps of the "
          "engine; distances in standard\n"
          "deviations of the energy over the ladder; worse is p < %.2g, which befalls a perfect model with probability "
          "%g in all\n"
          "%12s %-20s %8s %14s %14s %10s %10s %10s %10s %10s %9s %s\n",
          (long long)energies->num_samples, (long long)energies->steps, energies->alarm, TP_FALSE_ALARM, "T", "against",
          "steps", "<U>", "<U> of model", "distance", "noise", "limit", "JS [nat]", "noise", "p", "verdict");
  for (PetscInt c = 0; c < energies->num_checks; ++c) {
    const TpEnergyCheck *check = &energies->check[c];
    const TpCrossResult *found = &check->result;

    fprintf(file, "%12.6g %-20s %8lld %14.7g %14.7g %10.4f %10.4f %10.4f %10.5f %10.5f %9.2g %s\n",
            analysis->temperature[check->temperature], tp_reference_words[check->reference], (long long)check->steps,
            found->mean[0], check->mean, found->distance[0].value, found->distance[0].noise, found->distance[0].limit,
            found->divergence[0].value, found->divergence[0].noise, found->p, tp_verdict_words[check->verdict]);
  }
}

static void WriteAsymmetry(const TpModelAnalysis *model, FILE *file)
{
  fprintf(file,
          "\nconservativeness of the score: ||J - J^T|| / ||J|| of its Jacobian; 0: a gradient, 2: a rotation\n"
          "%12s %12s %12s\n",
          "noise", "asymmetry", "error");
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k)
    fprintf(file, "%12.4g %12.3g %12.2g\n", model->asymmetry[k].noise, model->asymmetry[k].ratio,
            model->asymmetry[k].error);
}

static void WriteModel(const TpAnalysis *analysis, FILE *file)
{
  const TpModelAnalysis *model = analysis->model;

  if (!model) return;
  fprintf(
      file,
      "\nmodel, %s: %lld samples at each temperature; distances (roots of energy distances) of all features together "
      "and divergences beside what noise\n"
      "makes them; worse is p < %.2g, which befalls a perfect model with probability %g in all\n"
      "%12s %-20s %10s %10s %10s %-24s %10s %10s %9s %s\n",
      model->source, (long long)model->num_samples, model->alarm, TP_FALSE_ALARM, "T", "against", "distance", "noise",
      "limit", "least likely divergence", "JS [nat]", "noise", "p", "verdict");
  for (PetscInt c = 0; c < model->num_checks; ++c) {
    const TpModelCheck *check = &model->check[c];
    const PetscInt      worst = TpModelCheckWorst(model, check);
    char                title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &model->histogram[worst], sizeof(title), title);
    fprintf(file, "%12.6g %-20s %10.4f %10.4f %10.4f %-24s %10.5f %10.5f %9.2g %s\n",
            analysis->temperature[check->temperature], tp_reference_words[check->reference],
            check->result.distance[0].value, check->result.distance[0].noise, check->result.distance[0].limit, title,
            check->result.divergence[worst].value, check->result.divergence[worst].noise, check->result.p,
            tp_verdict_words[check->verdict]);
  }
  if (model->has_score) WriteAsymmetry(model, file);
  WriteModelEnergies(analysis, file);
}

PetscErrorCode TpAnalysisWriteText(const TpAnalysis *analysis, FILE *file)
{
  PetscFunctionBeginUser;
  WriteRun(analysis, file);
  WriteSeries(analysis, file);
  WriteLadder(analysis, file);
  WritePoints(analysis, file);
  WriteBasins(analysis, file);
  WriteConvergence(analysis, file);
  WriteChecks(analysis, file);
  WriteModel(analysis, file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
