/* The analysis as a page: report.html, figures within. */
#include "report.h"

#include <math.h>

static const char style[] =
    "body{font:15px/1.5 system-ui,'Segoe UI','Helvetica "
    "Neue',Arial,sans-serif;color:#20262e;background:#fff;max-width:980px;"
    "margin:32px auto;padding:0 20px}"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 8px;border-bottom:1px solid "
    "#dfe3e8;padding-bottom:4px}"
    "h3{font-size:15px;margin:18px 0 4px}p{margin:6px 0}.note{color:#5b6470;font-size:13px}"
    "table{border-collapse:collapse;font-size:13px;margin:10px 0;font-variant-numeric:tabular-nums}"
    "th,td{padding:3px 12px 3px "
    "0;text-align:right;white-space:nowrap}th{color:#5b6470;font-weight:600;border-bottom:1px solid #c9cfd6}"
    "th.l,td.l{text-align:left}tr+tr td{border-top:1px solid #eef0f3}"
    ".row{display:flex;flex-wrap:wrap;gap:8px}svg{font:11px system-ui,Arial,sans-serif;fill:#39414b;max-width:100%}"
    ".head{font-weight:600;font-size:12px}.grid{stroke:#eceff2}.tick{stroke:#98a1ab}.frame{fill:none;stroke:#98a1ab}"
    ".good{color:#2c7a3f;font-weight:600}.bad{color:#b3261e;font-weight:600}.grey{color:#8a6d1f;font-weight:600}";

static void Open(TpReport *report, const char *id, const char *title)
{
  fprintf(report->file, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

static void Close(TpReport *report)
{
  fputs("</section>\n", report->file);
}

/* Head of a table; what begins with '<' is aligned left. */
static void Head(TpReport *report, PetscInt num, const char *const heads[])
{
  fputs("<table>\n<tr>", report->file);
  for (PetscInt i = 0; i < num; ++i)
    fprintf(report->file, heads[i][0] == '<' ? "<th class=\"l\">%s</th>" : "<th>%s</th>",
            heads[i] + (heads[i][0] == '<' ? 1 : 0));
  fputs("</tr>\n", report->file);
}

/* A number with its error: as many digits as the error has two of. */
static void Cell(TpReport *report, double value, double error)
{
  const int digits = isfinite(error) && error > 0.0 ? (int)PetscMin(PetscMax(1.0 - floor(log10(error)), 0.0), 12.0) : 4;

  if (!isfinite(value))
    fputs("<td>-</td>", report->file);
  else if (isfinite(error) && error > 0.0)
    fprintf(report->file, "<td>%.*f &#177; %.*f</td>", digits, value, digits, error);
  else
    fprintf(report->file, "<td>%.6g</td>", value);
}

static void CellText(TpReport *report, const char *style_class, const char *text)
{
  fprintf(report->file, "<td class=\"%s\">", style_class);
  TpWriteEscaped(report->file, text);
  fputs("</td>", report->file);
}

/* ------------------------------------------------------------------------------------------------------------ sections */

static void WriteRun(TpReport *report)
{
  const TpAnalysis *analysis = report->analysis;
  const TpSamples  *samples  = analysis->samples;

  fputs("<h1>", report->file);
  TpWriteEscaped(report->file, samples->folder);
  fprintf(report->file, "</h1>\n<p class=\"note\">%s</p>\n", TpVersionLine());
  Open(report, "run", "Run");
  fprintf(report->file,
          "<p>%d rungs, %d features. %lld of %lld rounds are written; rounds before %lld are equilibration, %lld "
          "frames of each rung "
          "count. Errors are those of a bootstrap: %d replicates of blocks of %lld frames.</p>\n",
          (int)samples->num_rungs, (int)samples->num_features, (long long)samples->rounds_written,
          (long long)samples->rounds_planned, (long long)samples->equilibration, (long long)samples->num_rounds,
          (int)analysis->replicates, (long long)analysis->block);
  if (analysis->is_short)
    fputs("<p class=\"bad\">The run is shorter than 50 times its longest correlation: errors may be too small, and "
          "verdicts too harsh.</p>\n",
          report->file);
  Close(report);
}

static const char *VerdictClass(TpVerdict verdict)
{
  return verdict == TP_VERDICT_AGREES ? "l good" : verdict == TP_VERDICT_WORSE ? "l bad" : "l grey";
}

static void WriteVerdicts(TpReport *report)
{
  static const char *const heads[]  = {"T",        "<against", "distance", "noise",   "limit", "<divergence of",
                                       "JS / nat", "noise",    "p",        "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const TpModelAnalysis   *model    = analysis->model;

  Open(report, "model", "Model against MD");
  if (!model) {
    fputs("<p>There is no model to hold against the run.</p>\n", report->file);
    Close(report);
    return;
  }
  Head(report, 10, heads);
  for (PetscInt c = 0; c < model->num_checks; ++c) {
    const TpModelCheck *check = &model->check[c];
    const PetscInt      worst = TpModelCheckWorst(model, check);
    char                title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &model->histogram[worst], sizeof(title), title);
    fprintf(report->file, "<tr><td>%.6g</td>", analysis->temperature[check->temperature]);
    CellText(report, "l", tp_reference_words[check->reference]);
    fprintf(report->file, "<td>%.4f</td><td>%.4f</td><td>%.4f</td>", check->result.distance[0].value,
            check->result.distance[0].noise, check->result.distance[0].limit);
    CellText(report, "l", title);
    fprintf(report->file, "<td>%.5f</td><td>%.5f</td><td>%.2g</td>", check->result.divergence[worst].value,
            check->result.divergence[worst].noise, check->result.p);
    CellText(report, VerdictClass(check->verdict), tp_verdict_words[check->verdict]);
    fputs("</tr>\n", report->file);
  }
  fprintf(report->file,
          "</table>\n<p class=\"note\">%lld samples of the model at each temperature. Distance: root of the energy "
          "distance of all "
          "features together, in standard deviations of the run; noise: its root mean square for a perfect model, by "
          "the noise of "
          "MD and of the samples. Divergence: Jensen-Shannon, of the histogram that is least likely. Worse than noise: "
          "p &lt; %.2g, "
          "which befalls a perfect model with a probability of %g in all.</p>\n",
          (long long)model->num_samples, model->alarm, TP_FALSE_ALARM);
  Close(report);
}

static void WriteBasins(TpReport *report)
{
  static const char *const heads[] = {
      "T", "<basin", "population, MBAR", "population, model", "F / k_B T, MBAR", "F / k_B T, model"};
  const TpAnalysis *analysis = report->analysis;

  if (!analysis->num_basins) return;
  Open(report, "basins", "Basins");
  Head(report, 6, heads);
  for (PetscInt i = 0; i < analysis->num_temperatures * analysis->num_basins; ++i) {
    const double        t = analysis->temperature[i / analysis->num_basins], kT = analysis->samples->boltzmann * t;
    const TpBasinPoint *point = &analysis->basin_point[i],
                       *model = analysis->model ? &analysis->model->basin_point[i] : NULL;

    fprintf(report->file, "<tr><td>%.6g</td>", t);
    CellText(report, "l", analysis->basin[i % analysis->num_basins].name);
    Cell(report, point->population, point->population_error);
    Cell(report, model ? model->population : (double)NAN, model ? model->population_error : 0.0);
    Cell(report, point->free_energy / kT, point->free_energy_error / kT);
    Cell(report, model ? model->free_energy / kT : (double)NAN, model ? model->free_energy_error / kT : 0.0);
    fputs("</tr>\n", report->file);
  }
  fputs("</table>\n", report->file);
  Close(report);
}

static void WritePoints(TpReport *report)
{
  static const char *const heads[]  = {"T", "F", "U", "C_v", "S", "effective samples", "<support"};
  const TpAnalysis        *analysis = report->analysis;

  Head(report, 7, heads);
  for (PetscInt i = 0; i < analysis->num_points; ++i) {
    const TpMbarPoint *point = &analysis->point[i].point;

    fprintf(report->file, "<tr><td>%.6g</td>", point->temperature);
    Cell(report, point->free_energy, point->free_energy_error);
    Cell(report, point->energy, point->energy_error);
    Cell(report, point->heat_capacity, point->heat_capacity_error);
    Cell(report, point->entropy, point->entropy_error);
    fprintf(report->file, "<td>%.4g</td>", point->effective);
    CellText(report, "l", tp_support_words[analysis->point[i].support]);
    fputs("</tr>\n", report->file);
  }
  fprintf(report->file,
          "</table>\n<p class=\"note\">%s; F and S count from the first rung. Bands are one standard error, dots are "
          "rungs.</p>\n",
          analysis->samples->units == TP_UNITS_MOLECULAR ? "T in K, F and U in kJ/mol, C_v and S in kJ/mol/K"
                                                         : "Reduced units");
}

static void WriteWalkerTable(TpReport *report)
{
  static const char *const heads[] = {"walker", "round trips", "mean rung", "uncorrelated rungs"};

  Head(report, 4, heads);
  for (PetscInt w = 0; w < report->analysis->samples->num_rungs; ++w) {
    const TpWalkerSeries *walker = &report->analysis->walker[w];

    fprintf(report->file, "<tr><td>%d</td><td>%lld</td><td>%.2f</td><td>%.1f</td></tr>\n", (int)w,
            (long long)walker->round_trips, walker->mean_rung, walker->uncorrelated);
  }
  fputs("</table>\n", report->file);
}

static void WriteChecks(TpReport *report)
{
  static const char *const heads[]  = {"<check", "found", "expected", "p", "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const PetscInt           num      = analysis->samples->num_rungs;

  Open(report, "checks", "Ensemble tests");
  Head(report, 5, heads);
  for (PetscInt i = 0; i + 1 < num; ++i) {
    const TpPairCheck *pair = &analysis->pair[i];

    fprintf(report->file, "<tr><td class=\"l\">energies of rungs %d and %d: slope</td>", (int)i, (int)i + 1);
    Cell(report, pair->slope, pair->slope_error);
    fprintf(report->file, "<td>%.6g</td><td>%.2g</td>", pair->expected, pair->p);
    CellText(report, pair->p < analysis->alarm ? "l bad" : "l good", pair->p < analysis->alarm ? "wrong" : "ok");
    fputs("</tr>\n", report->file);
  }
  for (PetscInt k = 0; analysis->kinetic && k < num; ++k) {
    const TpKineticCheck *check = &analysis->kinetic[k];

    fprintf(report->file, "<tr><td class=\"l\">kinetic energies of rung %d: temperature</td>", (int)k);
    Cell(report, check->mean, check->mean_error);
    fprintf(report->file, "<td>%.6g</td><td>%.2g</td>", analysis->samples->temperature[k], check->p);
    CellText(report, check->p < analysis->alarm ? "l bad" : "l good", check->p < analysis->alarm ? "wrong" : "ok");
    fputs("</tr>\n", report->file);
  }
  fprintf(report->file,
          "</table>\n<p class=\"note\">Wrong is p &lt; %.2g, which befalls a right run with a probability of %g in "
          "all.</p>\n",
          analysis->alarm, TP_FALSE_ALARM);
  Close(report);
}

/* --------------------------------------------------------------------------------------------------------------- page */

static PetscErrorCode WriteFigures(TpReport *report)
{
  PetscFunctionBeginUser;
  Open(report, "surfaces", "Free-energy surfaces");
  if (!report->analysis->num_surfaces)
    fputs("<p>None was asked for: name features in analysis.surfaces.</p>\n", report->file);
  PetscCall(TpReportSurfaces(report));
  Close(report);
  Open(report, "thermodynamics", "Thermodynamics");
  fputs("<div class=\"row\">\n", report->file);
  PetscCall(TpReportThermodynamics(report));
  fputs("</div>\n", report->file);
  WritePoints(report);
  Close(report);
  Open(report, "exchange", "Replica exchange");
  PetscCall(TpReportWalkers(report));
  WriteWalkerTable(report);
  fputs("<div class=\"row\">\n", report->file);
  PetscCall(TpReportEnergies(report));
  fputs("</div>\n", report->file);
  Close(report);
  Open(report, "course", "Course of the run");
  fputs("<div class=\"row\">\n", report->file);
  PetscCall(TpReportCourse(report));
  fputs("</div>\n", report->file);
  Close(report);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalysisWriteReport(const TpAnalysis *analysis, const TpHistory *history, FILE *file)
{
  TpReport report = {.analysis = analysis, .history = history, .file = file};

  PetscFunctionBeginUser;
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>", file);
  TpWriteEscaped(file, analysis->samples->folder);
  fprintf(file, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
  WriteRun(&report);
  WriteVerdicts(&report);
  WriteBasins(&report);
  PetscCall(WriteFigures(&report));
  WriteChecks(&report);
  fputs("</body>\n</html>\n", file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
