/* The model against the run, in report.html. */
#include "report.h"

static const char *VerdictClass(TpVerdict verdict)
{
  return verdict == TP_VERDICT_AGREES ? "l good" : verdict == TP_VERDICT_WORSE ? "l bad" : "l grey";
}

/* "MBAR: agrees at 3 of 4 temperatures, ..." of each kind of reference. */
static void WriteSummary(TpReport *report)
{
  const TpModelAnalysis *model = report->analysis->model;

  for (PetscInt r = 0; tp_reference_words[r]; ++r) {
    PetscInt count[3] = {0}, all = 0;

    for (PetscInt c = 0; c < model->num_checks; ++c) {
      if (model->check[c].reference != (TpReference)r) continue;
      ++count[model->check[c].verdict];
      ++all;
    }
    if (!all) continue;
    fprintf(report->page.file, "<p>Against %s:", tp_reference_words[r]);
    for (PetscInt v = 0; v < 3; ++v)
      if (count[v])
        fprintf(report->page.file, " <span class=\"%s\">%s</span> at %d of %d temperatures.",
                VerdictClass((TpVerdict)v) + 2, tp_verdict_words[v], (int)count[v], (int)all);
    fputs("</p>\n", report->page.file);
  }
}

static void WriteFound(TpReport *report, const TpDistance *distance)
{
  fprintf(report->page.file, "<td>%.4f</td><td>%.4f</td><td>%.4f</td>", distance->value, distance->noise,
          distance->limit);
}

/* Probabilities of the bins as a density. */
static void PlotDensity(const TpPlot *plot, const TpModelEnergies *energies, const double x[],
                        const double probability[], const char *colour, double density[])
{
  const double width = (energies->high - energies->low) / (double)energies->bins;

  for (PetscInt b = 0; b < energies->bins; ++b) density[b] = probability[b] / width;
  TpPlotLine(plot, energies->bins, x, density, colour, 1.6);
}

/* One temperature: checks [begin, end), all against MBAR. */
static PetscErrorCode EnergyPanel(TpReport *report, PetscInt begin, PetscInt end)
{
  static const char *const colours[] = {"#c8862a", "#c43830"};
  const TpModelEnergies   *energies  = &report->analysis->model->energies;
  const TpEnergyCheck     *check     = energies->check;
  const double             width     = (energies->high - energies->low) / (double)energies->bins;
  char                     title[64] = "", label[64] = "", text[48];
  TpPlot                   plot = TpPagePlot(&report->page, title, label, "density");
  double                  *x, *density, highest = 0.0;
  PetscInt                 first = energies->bins, last = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(energies->bins, &x, energies->bins, &density));
  TpReportTemperature(report->analysis->samples, report->analysis->temperature[check[begin].temperature], sizeof(title),
                      title);
  TpPlotLabel(sizeof(label), label, "U", TpUnitName(report->analysis->samples->units, TP_DIMENSION_ENERGY));
  plot.width  = 308;
  plot.height = 250;
  plot.x_low  = energies->low;
  plot.x_high = energies->high;
  TpPlotMiddles(energies->bins, energies->low, energies->high, x);
  for (PetscInt b = 0; b < energies->bins; ++b) highest = PetscMax(highest, check[begin].result.reference[b] / width);
  plot.y_high = 1.4 * highest;
  TpReportReach(energies->bins, check[begin].result.reference, &first, &last);
  for (PetscInt c = begin; c < end; ++c) TpReportReach(energies->bins, check[c].result.model, &first, &last);
  TpReportCut(energies->bins, first, last, &plot);
  TpPlotBegin(&plot);
  PlotDensity(&plot, energies, x, check[begin].result.reference, "#2654a8", density);
  TpPlotLegend(&plot, 0, "MBAR", "#2654a8");
  for (PetscInt c = begin; c < end; ++c) {
    PlotDensity(&plot, energies, x, check[c].result.model, colours[c - begin], density);
    snprintf(text, sizeof(text), c == begin ? "model" : "after %lld steps", (long long)check[c].steps);
    TpPlotLegend(&plot, 1 + c - begin, text, colours[c - begin]);
  }
  TpPlotEnd(&plot);
  PetscCall(PetscFree2(x, density));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteEnergyPanels(TpReport *report)
{
  const TpModelEnergies *energies = &report->analysis->model->energies;
  const PetscInt all = report->analysis->num_temperatures, num = PetscMin(all, (PetscInt)TP_REPORT_TEMPERATURES);
  PetscInt       shown = 0;

  PetscFunctionBeginUser;
  for (PetscInt begin = 0, end; begin < energies->num_checks && shown < num; begin = end) {
    end = begin + 1;
    if (energies->check[begin].reference != TP_REFERENCE_TEMPERATURE || energies->check[begin].steps ||
        energies->check[begin].temperature != TpReportShown(all, num, shown))
      continue;
    while (end < energies->num_checks && energies->check[end].reference == TP_REFERENCE_TEMPERATURE &&
           energies->check[end].steps > 0)
      ++end;
    PetscCall(EnergyPanel(report, begin, end));
    ++shown;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Energies of the model's samples. */
static PetscErrorCode WriteEnergyVerdicts(TpReport *report)
{
  static const char *const heads[]  = {"T",     "<against", "steps",    "U",     "U, model", "distance",
                                       "noise", "limit",    "JS / nat", "noise", "p",        "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const TpModelEnergies   *energies = &analysis->model->energies;

  PetscFunctionBeginUser;
  fputs("<h3>Energies of the model's samples</h3>\n", report->page.file);
  if (energies->reason[0]) {
    fputs("<p>Not compared: ", report->page.file);
    TpWriteEscaped(report->page.file, energies->reason);
    fputs(".</p>\n", report->page.file);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpPageLongTable(&report->page, 12, heads, energies->num_checks, "Energies");
  for (PetscInt c = 0; c < energies->num_checks; ++c) {
    const TpEnergyCheck *check = &energies->check[c];

    fprintf(report->page.file, "<tr><td>%.6g</td>", analysis->temperature[check->temperature]);
    TpPageCellText(&report->page, "l", tp_reference_words[check->reference]);
    fprintf(report->page.file, "<td>%lld</td>", (long long)check->steps);
    TpPageCell(&report->page, check->result.mean[0], 0.0);
    TpPageCell(&report->page, check->mean, 0.0);
    WriteFound(report, check->result.distance);
    fprintf(report->page.file, "<td>%.5f</td><td>%.5f</td><td>%.2g</td>", check->result.divergence[0].value,
            check->result.divergence[0].noise, check->result.p);
    TpPageCellText(&report->page, VerdictClass(check->verdict), tp_verdict_words[check->verdict]);
    fputs("</tr>\n", report->page.file);
  }
  TpPageLongTableEnd(&report->page, energies->num_checks);
  fprintf(report->page.file,
          "<p class=\"note\">%lld of the samples at each temperature: as they are, 0 steps, and relaxed by "
          "%lld steps of the engine at their temperature. Worse than noise: p &lt; %.2g. What relaxing mends are "
          "details of the positions; what it does not are populations.</p>\n",
          (long long)energies->num_samples, (long long)energies->steps, energies->alarm);
  TpPageRow(&report->page);
  PetscCall(WriteEnergyPanels(report));
  TpPageRowEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
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

PetscErrorCode TpReportModel(TpReport *report)
{
  static const char *const heads[]  = {"T",        "<against", "distance", "noise",   "limit", "<divergence of",
                                       "JS / nat", "noise",    "p",        "<verdict"};
  const TpAnalysis        *analysis = report->analysis;
  const TpModelAnalysis   *model    = analysis->model;

  PetscFunctionBeginUser;
  TpPageSection(&report->page, "model", "Model against MD");
  if (!model) {
    fputs("<p>There is no model to hold against the run.</p>\n", report->page.file);
    TpPageSectionEnd(&report->page);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  fputs("<p>Samples of ", report->page.file);
  TpWriteEscaped(report->page.file, model->source);
  fputs(".</p>\n", report->page.file);
  WriteSummary(report);
  TpPageLongTable(&report->page, 10, heads, model->num_checks, "Verdicts");
  for (PetscInt c = 0; c < model->num_checks; ++c) {
    const TpModelCheck *check = &model->check[c];
    const PetscInt      worst = TpModelCheckWorst(model, check);
    char                title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &model->histogram[worst], sizeof(title), title);
    fprintf(report->page.file, "<tr><td>%.6g</td>", analysis->temperature[check->temperature]);
    TpPageCellText(&report->page, "l", tp_reference_words[check->reference]);
    WriteFound(report, check->result.distance);
    TpPageCellText(&report->page, "l", title);
    fprintf(report->page.file, "<td>%.5f</td><td>%.5f</td><td>%.2g</td>", check->result.divergence[worst].value,
            check->result.divergence[worst].noise, check->result.p);
    TpPageCellText(&report->page, VerdictClass(check->verdict), tp_verdict_words[check->verdict]);
    fputs("</tr>\n", report->page.file);
  }
  TpPageLongTableEnd(&report->page, model->num_checks);
  fprintf(report->page.file,
          "<p class=\"note\">%lld samples at each temperature. Distance: root of the energy "
          "distance of all "
          "features together, in standard deviations of the run; noise: its root mean square for a perfect model, by "
          "the noise of "
          "MD and of the samples. Divergence: Jensen-Shannon, of the histogram that is least likely. Worse than noise: "
          "p &lt; %.2g, "
          "which befalls a perfect model with a probability of %g in all.</p>\n",
          (long long)model->num_samples, model->alarm, TP_FALSE_ALARM);
  PetscCall(WriteEnergyVerdicts(report));
  if (model->has_score) WriteAsymmetry(report, model);
  TpPageSectionEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}
