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

static void WriteBasins(TpReport *report)
{
  static const char *const heads[] = {
      "T", "<basin", "population, MBAR", "population, model", "F / k_B T, MBAR", "F / k_B T, model"};
  const TpAnalysis *analysis = report->analysis;
  const PetscInt    num      = analysis->num_temperatures * analysis->num_basins;

  if (!num) return;
  TpPageSection(&report->page, "basins", "Basins");
  TpPageLongTable(&report->page, 6, heads, num, "Basins");
  for (PetscInt i = 0; i < num; ++i) {
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
  TpPageLongTableEnd(&report->page, num);
  TpPageSectionEnd(&report->page);
}

static void WritePoints(TpReport *report)
{
  static const char *const heads[]  = {"T", "F", "U", "C_v", "S", "effective samples", "<support"};
  const TpAnalysis        *analysis = report->analysis;

  TpPageLongTable(&report->page, 7, heads, analysis->num_points, "F, U, C_v, S");
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
  TpPageLongTableEnd(&report->page, analysis->num_points);
  fprintf(report->page.file,
          "<p class=\"note\">%s; F and S count from the first rung. Bands are one standard error, dots are "
          "rungs.</p>\n",
          analysis->samples->units == TP_UNITS_MOLECULAR ? "T in K, F and U in kJ/mol, C_v and S in kJ/mol/K"
                                                         : "Reduced units");
}

static void WriteWalkerTable(TpReport *report)
{
  static const char *const heads[] = {"walker", "round trips", "mean rung", "uncorrelated rungs"};
  const PetscInt           num     = report->analysis->samples->num_rungs;

  TpPageLongTable(&report->page, 4, heads, num, "Walkers");
  for (PetscInt w = 0; w < num; ++w) {
    const TpWalkerSeries *walker = &report->analysis->walker[w];

    fprintf(report->page.file, "<tr><td>%d</td><td>%lld</td><td>%.2f</td><td>%.1f</td></tr>\n", (int)w,
            (long long)walker->round_trips, walker->mean_rung, walker->uncorrelated);
  }
  TpPageLongTableEnd(&report->page, num);
}

static void WriteCheckRow(TpReport *report, double found, double error, double expected, double p)
{
  const PetscBool is_wrong = TpAnalysisIsWrong(report->analysis, p);

  TpPageCell(&report->page, found, error);
  fprintf(report->page.file, "<td>%.6g</td><td>%.2g</td>", expected, p);
  TpPageCellText(&report->page, is_wrong ? "l bad" : "l good", is_wrong ? "wrong" : "ok");
  fputs("</tr>\n", report->page.file);
}

static void WriteChecks(TpReport *report)
{
  static const char *const heads[]     = {"<check", "found", "expected", "p", "<verdict"};
  const TpAnalysis        *analysis    = report->analysis;
  const double            *temperature = analysis->samples->temperature;
  const PetscInt           num         = analysis->samples->num_rungs;
  const PetscInt           rows = TpAnalysisNumChecks(analysis), wrong = TpAnalysisNumWrong(analysis);

  TpPageSection(&report->page, "checks", "Ensemble tests");
  fprintf(report->page.file, "<p><span class=\"%s\">%d of %d wrong.</span></p>\n", wrong ? "bad" : "good", (int)wrong,
          (int)rows);
  TpPageLongTable(&report->page, 5, heads, rows, "Tests");
  for (PetscInt i = 0; i + 1 < num; ++i) {
    const TpPairCheck *pair = &analysis->pair[i];

    fprintf(report->page.file, "<tr><td class=\"l\">energies of rungs %d and %d: slope</td>", (int)i, (int)i + 1);
    WriteCheckRow(report, pair->slope, pair->slope_error, pair->expected, pair->p);
  }
  for (PetscInt k = 0; analysis->kinetic && k < num; ++k) {
    const TpKineticCheck *check = &analysis->kinetic[k];

    fprintf(report->page.file, "<tr><td class=\"l\">kinetic energies of rung %d: temperature</td>", (int)k);
    WriteCheckRow(report, check->mean, check->mean_error, temperature[k], check->p);
  }
  for (PetscInt k = 0; analysis->configurational && k < num; ++k) {
    const TpConfigurationalCheck *check = &analysis->configurational[k];

    fprintf(report->page.file, "<tr><td class=\"l\">forces of rung %d: temperature</td>", (int)k);
    WriteCheckRow(report, check->temperature, check->error, temperature[k], check->p);
  }
  TpPageLongTableEnd(&report->page, rows);
  fprintf(report->page.file,
          "<p class=\"note\">Wrong is p &lt; %.2g, which befalls a right run with a probability of %g in all.</p>\n",
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
  PetscCall(TpReportModel(&report));
  WriteBasins(&report);
  PetscCall(WriteFigures(&report));
  WriteChecks(&report);
  TpPageEnd(&report.page);
  PetscFunctionReturn(PETSC_SUCCESS);
}
