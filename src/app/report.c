/* The analysis as a page: report.html, figures within. */
#include "report.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------------------ sections */

static void WriteRun(TpReport *report)
{
  const TpAnalysis *analysis = report->analysis;
  const TpSamples  *samples  = analysis->samples;

  TpPageSection(&report->page, "run", "Run");
  fprintf(report->page.file,
          "<p>%d rungs, %d features. %lld of %lld rounds are written; rounds before %lld are equilibration, %lld "
          "frames of each rung "
          "count. Errors are those of a bootstrap: %d replicates of blocks of %lld frames.</p>\n",
          (int)samples->num_rungs, (int)samples->num_features, (long long)samples->rounds_written,
          (long long)samples->rounds_planned, (long long)samples->equilibration, (long long)samples->num_rounds,
          (int)analysis->replicates, (long long)analysis->block);
  if (analysis->is_short)
    fputs("<p class=\"bad\">The run is shorter than 50 times its longest correlation: errors may be too small, and "
          "verdicts too harsh.</p>\n",
          report->page.file);
  TpPageSectionEnd(&report->page);
}

static const char *VerdictClass(TpVerdict verdict)
{
  return verdict == TP_VERDICT_AGREES ? "l good" : verdict == TP_VERDICT_WORSE ? "l bad" : "l grey";
}

/* How far the score is from a gradient. */
static void WriteAsymmetry(TpReport *report, const TpModelAnalysis *model)
{
  static const char *const heads[] = {"noise", "asymmetry"};

  fputs("<h3>Conservativeness of the score</h3>\n", report->page.file);
  TpPageTable(&report->page, 2, heads);
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k) {
    fprintf(report->page.file, "<tr><td>%.4g</td>", model->asymmetry[k].noise);
    TpPageCell(&report->page, model->asymmetry[k].ratio, model->asymmetry[k].error);
    fputs("</tr>\n", report->page.file);
  }
  TpPageTableEnd(&report->page);
  fputs(
      "<p class=\"note\">||J - J<sup>T</sup>|| / ||J|| of the score's Jacobian where noise of this standard deviation "
      "is on the run's configurations, in units in which configuration and noise together have variance 1. 0: the "
      "score is the gradient of a log density, as a perfect one is; 2: nothing but rotation.</p>\n",
      report->page.file);
}

static void WriteVerdicts(TpReport *report)
{
  static const char *const heads[]  = {"T",        "<against", "distance", "noise",   "limit", "<divergence of",
                                       "JS / nat", "noise",    "p",        "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const TpModelAnalysis   *model    = analysis->model;

  TpPageSection(&report->page, "model", "Model against MD");
  if (!model) {
    fputs("<p>There is no model to hold against the run.</p>\n", report->page.file);
    TpPageSectionEnd(&report->page);
    return;
  }
  TpPageTable(&report->page, 10, heads);
  for (PetscInt c = 0; c < model->num_checks; ++c) {
    const TpModelCheck *check = &model->check[c];
    const PetscInt      worst = TpModelCheckWorst(model, check);
    char                title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &model->histogram[worst], sizeof(title), title);
    fprintf(report->page.file, "<tr><td>%.6g</td>", analysis->temperature[check->temperature]);
    TpPageCellText(&report->page, "l", tp_reference_words[check->reference]);
    fprintf(report->page.file, "<td>%.4f</td><td>%.4f</td><td>%.4f</td>", check->result.distance[0].value,
            check->result.distance[0].noise, check->result.distance[0].limit);
    TpPageCellText(&report->page, "l", title);
    fprintf(report->page.file, "<td>%.5f</td><td>%.5f</td><td>%.2g</td>", check->result.divergence[worst].value,
            check->result.divergence[worst].noise, check->result.p);
    TpPageCellText(&report->page, VerdictClass(check->verdict), tp_verdict_words[check->verdict]);
    fputs("</tr>\n", report->page.file);
  }
  fprintf(report->page.file,
          "</table>\n<p class=\"note\">%lld samples of the model at each temperature. Distance: root of the energy "
          "distance of all "
          "features together, in standard deviations of the run; noise: its root mean square for a perfect model, by "
          "the noise of "
          "MD and of the samples. Divergence: Jensen-Shannon, of the histogram that is least likely. Worse than noise: "
          "p &lt; %.2g, "
          "which befalls a perfect model with a probability of %g in all.</p>\n",
          (long long)model->num_samples, model->alarm, TP_FALSE_ALARM);
  if (model->has_score) WriteAsymmetry(report, model);
  TpPageSectionEnd(&report->page);
}

static void WriteBasins(TpReport *report)
{
  static const char *const heads[] = {
      "T", "<basin", "population, MBAR", "population, model", "F / k_B T, MBAR", "F / k_B T, model"};
  const TpAnalysis *analysis = report->analysis;

  if (!analysis->num_basins) return;
  TpPageSection(&report->page, "basins", "Basins");
  TpPageTable(&report->page, 6, heads);
  for (PetscInt i = 0; i < analysis->num_temperatures * analysis->num_basins; ++i) {
    const double        t = analysis->temperature[i / analysis->num_basins], kT = analysis->samples->boltzmann * t;
    const TpBasinPoint *point = &analysis->basin_point[i],
                       *model = analysis->model ? &analysis->model->basin_point[i] : NULL;

    fprintf(report->page.file, "<tr><td>%.6g</td>", t);
    TpPageCellText(&report->page, "l", analysis->basin[i % analysis->num_basins].name);
    TpPageCell(&report->page, point->population, point->population_error);
    TpPageCell(&report->page, model ? model->population : (double)NAN, model ? model->population_error : 0.0);
    TpPageCell(&report->page, point->free_energy / kT, point->free_energy_error / kT);
    TpPageCell(&report->page, model ? model->free_energy / kT : (double)NAN,
               model ? model->free_energy_error / kT : 0.0);
    fputs("</tr>\n", report->page.file);
  }
  TpPageTableEnd(&report->page);
  TpPageSectionEnd(&report->page);
}

static void WritePoints(TpReport *report)
{
  static const char *const heads[]  = {"T", "F", "U", "C_v", "S", "effective samples", "<support"};
  const TpAnalysis        *analysis = report->analysis;

  TpPageTable(&report->page, 7, heads);
  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    const TpMbarPoint *point = &analysis->point[i].point;

    fprintf(report->page.file, "<tr><td>%.6g</td>", point->temperature);
    TpPageCell(&report->page, point->free_energy, point->free_energy_error);
    TpPageCell(&report->page, point->energy, point->energy_error);
    TpPageCell(&report->page, point->heat_capacity, point->heat_capacity_error);
    TpPageCell(&report->page, point->entropy, point->entropy_error);
    fprintf(report->page.file, "<td>%.4g</td>", point->effective);
    TpPageCellText(&report->page, "l", tp_support_words[analysis->point[i].support]);
    fputs("</tr>\n", report->page.file);
  }
  fprintf(report->page.file,
          "</table>\n<p class=\"note\">%s; F and S count from the first rung. Bands are one standard error, dots are "
          "rungs.</p>\n",
          analysis->samples->units == TP_UNITS_MOLECULAR ? "T in K, F and U in kJ/mol, C_v and S in kJ/mol/K"
                                                         : "Reduced units");
}

static void WriteWalkerTable(TpReport *report)
{
  static const char *const heads[] = {"walker", "round trips", "mean rung", "uncorrelated rungs"};

  TpPageTable(&report->page, 4, heads);
  for (PetscInt w = 0; w < report->analysis->samples->num_rungs; ++w) {
    const TpWalkerSeries *walker = &report->analysis->walker[w];

    fprintf(report->page.file, "<tr><td>%d</td><td>%lld</td><td>%.2f</td><td>%.1f</td></tr>\n", (int)w,
            (long long)walker->round_trips, walker->mean_rung, walker->uncorrelated);
  }
  TpPageTableEnd(&report->page);
}

static void WriteChecks(TpReport *report)
{
  static const char *const heads[]  = {"<check", "found", "expected", "p", "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const PetscInt           num      = analysis->samples->num_rungs;

  TpPageSection(&report->page, "checks", "Ensemble tests");
  TpPageTable(&report->page, 5, heads);
  for (PetscInt i = 0; i + 1 < num; ++i) {
    const TpPairCheck *pair = &analysis->pair[i];

    fprintf(report->page.file, "<tr><td class=\"l\">energies of rungs %d and %d: slope</td>", (int)i, (int)i + 1);
    TpPageCell(&report->page, pair->slope, pair->slope_error);
    fprintf(report->page.file, "<td>%.6g</td><td>%.2g</td>", pair->expected, pair->p);
    TpPageCellText(&report->page, pair->p < analysis->alarm ? "l bad" : "l good",
                   pair->p < analysis->alarm ? "wrong" : "ok");
    fputs("</tr>\n", report->page.file);
  }
  for (PetscInt k = 0; analysis->kinetic && k < num; ++k) {
    const TpKineticCheck *check = &analysis->kinetic[k];

    fprintf(report->page.file, "<tr><td class=\"l\">kinetic energies of rung %d: temperature</td>", (int)k);
    TpPageCell(&report->page, check->mean, check->mean_error);
    fprintf(report->page.file, "<td>%.6g</td><td>%.2g</td>", analysis->samples->temperature[k], check->p);
    TpPageCellText(&report->page, check->p < analysis->alarm ? "l bad" : "l good",
                   check->p < analysis->alarm ? "wrong" : "ok");
    fputs("</tr>\n", report->page.file);
  }
  for (PetscInt k = 0; analysis->configurational && k < num; ++k) {
    const TpConfigurationalCheck *check = &analysis->configurational[k];

    fprintf(report->page.file, "<tr><td class=\"l\">forces of rung %d: temperature</td>", (int)k);
    TpPageCell(&report->page, check->temperature, check->error);
    fprintf(report->page.file, "<td>%.6g</td><td>%.2g</td>", analysis->samples->temperature[k], check->p);
    TpPageCellText(&report->page, check->p < analysis->alarm ? "l bad" : "l good",
                   check->p < analysis->alarm ? "wrong" : "ok");
    fputs("</tr>\n", report->page.file);
  }
  fprintf(report->page.file,
          "</table>\n<p class=\"note\">Wrong is p &lt; %.2g, which befalls a right run with a probability of %g in "
          "all.</p>\n",
          analysis->alarm, TP_FALSE_ALARM);
  TpPageSectionEnd(&report->page);
}

/* --------------------------------------------------------------------------------------------------------------- page */

static PetscErrorCode WriteFigures(TpReport *report)
{
  PetscFunctionBeginUser;
  TpPageSection(&report->page, "surfaces", "Free-energy surfaces");
  if (!report->analysis->num_surfaces)
    fputs("<p>None was asked for: name features in analysis.surfaces.</p>\n", report->page.file);
  PetscCall(TpReportSurfaces(report));
  TpPageSectionEnd(&report->page);
  TpPageSection(&report->page, "thermodynamics", "Thermodynamics");
  TpPageRow(&report->page);
  PetscCall(TpReportThermodynamics(report));
  TpPageRowEnd(&report->page);
  WritePoints(report);
  TpPageSectionEnd(&report->page);
  TpPageSection(&report->page, "exchange", "Replica exchange");
  PetscCall(TpReportWalkers(report));
  WriteWalkerTable(report);
  TpPageRow(&report->page);
  PetscCall(TpReportEnergies(report));
  TpPageRowEnd(&report->page);
  TpPageSectionEnd(&report->page);
  TpPageSection(&report->page, "course", "Course of the run");
  TpPageRow(&report->page);
  PetscCall(TpReportCourse(report));
  TpPageRowEnd(&report->page);
  TpPageSectionEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalysisWriteReport(const TpAnalysis *analysis, const TpHistory *history, FILE *file)
{
  TpReport report = {.analysis = analysis, .history = history, .page = {.file = file}};

  PetscFunctionBeginUser;
  TpPageBegin(&report.page, analysis->samples->folder);
  WriteRun(&report);
  WriteVerdicts(&report);
  WriteBasins(&report);
  PetscCall(WriteFigures(&report));
  WriteChecks(&report);
  TpPageEnd(&report.page);
  PetscFunctionReturn(PETSC_SUCCESS);
}
