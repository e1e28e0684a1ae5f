/* The figures of the report. */
#include "report.h"

#include <math.h>

PetscInt TpReportShown(PetscInt num, PetscInt most, PetscInt i)
{
  return num <= most ? i : most > 1 ? i * (num - 1) / (most - 1) : 0;
}

void TpReportTellShown(TpReport *report, PetscInt num)
{
  const PetscInt all = report->analysis->num_temperatures;

  if (num < all)
    fprintf(report->page.file, "<p class=\"note\">%d of %d temperatures are shown; analysis.json has all.</p>\n",
            (int)num, (int)all);
}

void TpReportTemperature(const TpSamples *samples, double temperature, size_t size, char text[])
{
  const char *unit = TpUnitName(samples->units, TP_DIMENSION_TEMPERATURE);

  snprintf(text, size, "T = %.5g%s%s", temperature, unit[0] ? " " : "", unit);
}

/* ------------------------------------------------------------------------------------------------------------ walkers */

void TpReportReach(PetscInt bins, const double density[], PetscInt *first, PetscInt *end)
{
  double highest = 0.0;

  for (PetscInt b = 0; b < bins; ++b) highest = PetscMax(highest, density[b]);
  for (PetscInt b = 0; b < bins; ++b) {
    if (density[b] < 0.005 * highest || density[b] == 0.0) continue;
    *first = PetscMin(*first, b);
    *end   = PetscMax(*end, b + 1);
  }
}

void TpReportCut(PetscInt bins, PetscInt first, PetscInt end, TpPlot *plot)
{
  const double low = plot->x_low, width = (plot->x_high - low) / (double)bins;

  if (first >= end) return;
  plot->x_low  = low + width * (double)first;
  plot->x_high = low + width * (double)end;
}

static void WalkerTrace(TpReport *report, const TpPlot *plot, PetscInt walker, const char *colour, double shift[])
{
  const TpHistory *history = report->history;
  const PetscInt   num     = report->analysis->samples->num_rungs;

  for (PetscInt i = 0; i < history->num_points; ++i) /* walkers at the same rung in other rounds stay apart */
    shift[i] = history->rung[walker * history->num_points + i] + 0.5 * ((double)walker + 0.5) / (double)num - 0.25;
  TpPlotLine(plot, history->num_points, history->round, shift, colour, 1.0);
}

/* Of many walkers a few have a colour, from the lowest to the highest at the start. */
PetscErrorCode TpReportWalkers(TpReport *report)
{
  enum { MOST_COLOURS = 16, FEW_COLOURS = 6 };
  const TpHistory *history   = report->history;
  const PetscInt   num       = report->analysis->samples->num_rungs;
  const PetscInt   coloured  = num > MOST_COLOURS ? (PetscInt)FEW_COLOURS : num;
  char             title[96] = "";
  TpPlot           plot      = TpPagePlot(&report->page, title, "round", "rung");
  double          *shift;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(history->num_points, &shift));
  snprintf(title, sizeof(title), coloured < num ? "Walkers on the ladder, %d of %d in colour" : "Walkers on the ladder",
           (int)coloured, (int)num);
  plot.width    = 940;
  plot.x_high   = PetscMax(1.0, history->round[history->num_points - 1]);
  plot.y_low    = -0.4;
  plot.y_high   = (double)num - 0.6;
  plot.is_whole = PETSC_TRUE;
  TpPlotBegin(&plot);
  for (PetscInt w = 0; w < num && coloured < num; ++w) WalkerTrace(report, &plot, w, "#e4e7ea", shift);
  for (PetscInt i = 0; i < coloured; ++i) {
    const PetscInt walker = TpReportShown(num, coloured, i);
    char           colour[8];

    TpColourOfRung(walker, num, colour);
    WalkerTrace(report, &plot, walker, colour, shift);
  }
  TpPlotEnd(&plot);
  PetscCall(PetscFree(shift));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- energies */

static PetscErrorCode Acceptance(TpReport *report)
{
  const TpHistory *history = report->history;
  const PetscInt   num     = report->analysis->samples->num_rungs;
  TpPlot           plot    = TpPagePlot(&report->page, "Accepted swaps, and overlap of the two rungs by MBAR",
                                        "lower rung of the pair", "fraction");
  double          *x, *y, *overlap;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(num, &x, num, &y, num, &overlap));
  for (PetscInt k = 0; k + 1 < num; ++k) {
    x[k]       = (double)k;
    y[k]       = history->attempts[k] > 0.0 ? history->accepted[k] / history->attempts[k] : (double)NAN;
    overlap[k] = TpMbarPairOverlap(&report->analysis->mbar, k, k + 1);
  }
  plot.x_low  = -0.5;
  plot.x_high = PetscMax(0.5, (double)num - 1.5);
  plot.y_high = 1.3; /* room for the legend */
  TpPlotBegin(&plot);
  TpPlotLine(&plot, num - 1, x, overlap, "#c8862a", 1.2);
  TpPlotPoints(&plot, num - 1, x, overlap, "#c8862a");
  TpPlotLine(&plot, num - 1, x, y, "#2654a8", 1.6);
  TpPlotPoints(&plot, num - 1, x, y, "#2654a8");
  TpPlotLegend(&plot, 0, "accepted", "#2654a8");
  TpPlotLegend(&plot, 1, "overlap", "#c8862a");
  TpPlotEnd(&plot);
  PetscCall(PetscFree3(x, y, overlap));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReportEnergies(TpReport *report)
{
  enum { MOST_RUNGS = 12 };
  const TpHistory *history = report->history;
  const TpSamples *samples = report->analysis->samples;
  const PetscInt   bins = history->energy_bins, shown = PetscMin(samples->num_rungs, (PetscInt)MOST_RUNGS);
  char             label[64] = "", title[96] = "";
  TpPlot           plot  = TpPagePlot(&report->page, title, label, "density");
  PetscInt         first = bins, end = 0;
  double          *x, *zero, low;

  PetscFunctionBeginUser;
  PetscCall(Acceptance(report));
  snprintf(title, sizeof(title),
           shown < samples->num_rungs ? "Potential energies of %d of %d rungs" : "Potential energies of the rungs",
           (int)shown, (int)samples->num_rungs);
  TpPlotLabel(sizeof(label), label, "U", TpUnitName(samples->units, TP_DIMENSION_ENERGY));
  PetscCall(PetscCalloc2(bins, &x, bins, &zero));
  TpPlotMiddles(bins, history->energy_low, history->energy_high, x);
  plot.x_low  = history->energy_low;
  plot.x_high = history->energy_high;
  TpPlotRange(samples->num_rungs * bins, history->energy, &low, &plot.y_high);
  for (PetscInt k = 0; k < samples->num_rungs; ++k) TpReportReach(bins, history->energy + k * bins, &first, &end);
  TpReportCut(bins, first, end, &plot);
  TpPlotBegin(&plot);
  for (PetscInt i = 0; i < shown; ++i) {
    const PetscInt k = TpReportShown(samples->num_rungs, shown, i);
    char           colour[8], text[48];

    TpColourOfRung(k, samples->num_rungs, colour);
    TpPlotBand(&plot, bins, x, zero, history->energy + k * bins, colour);
    TpPlotLine(&plot, bins, x, history->energy + k * bins, colour, 1.4);
    TpReportTemperature(samples, samples->temperature[k], sizeof(text), text);
    TpPlotLegend(&plot, i, text, colour);
  }
  TpPlotEnd(&plot);
  PetscCall(PetscFree2(x, zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------ thermodynamics */

/* A function of temperature with a band of one standard error; rungs are marked. */
static PetscErrorCode PlotFunction(TpReport *report, const char *title, const char *label, size_t value, size_t error)
{
  const TpAnalysis *analysis    = report->analysis;
  const TpSamples  *samples     = analysis->samples;
  const PetscInt    num         = analysis->num_points;
  char              x_label[64] = "";
  TpPlot            plot        = TpPagePlot(&report->page, title, x_label, label);
  double           *t, *y, *low, *high, *at_rung;

  PetscFunctionBeginUser;
  TpPlotLabel(sizeof(x_label), x_label, "T", TpUnitName(samples->units, TP_DIMENSION_TEMPERATURE));
  PetscCall(PetscMalloc5(num, &t, num, &y, 2 * num, &low, num, &high, num, &at_rung));
  for (PetscInt i = 0; i < num; ++i) {
    const char *point = (const char *)&analysis->point[i].point;

    t[i]       = analysis->point[i].point.temperature;
    y[i]       = *(const double *)(point + value);
    high[i]    = y[i] + *(const double *)(point + error);
    low[i]     = 2.0 * y[i] - high[i];
    at_rung[i] = (double)NAN;
    for (PetscInt k = 0; k < samples->num_rungs; ++k)
      if (fabs(samples->temperature[k] - t[i]) < 1e-9 * t[i]) at_rung[i] = y[i];
  }
  PetscCall(PetscArraycpy(low + num, high, num));
  TpPlotRange(num, t, &plot.x_low, &plot.x_high);
  TpPlotRange(2 * num, low, &plot.y_low, &plot.y_high);
  TpPlotBegin(&plot);
  TpPlotBand(&plot, num, t, low, high, "#2654a8");
  TpPlotLine(&plot, num, t, y, "#2654a8", 1.6);
  TpPlotPoints(&plot, num, t, at_rung, "#2654a8");
  TpPlotEnd(&plot);
  PetscCall(PetscFree5(t, y, low, high, at_rung));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReportThermodynamics(TpReport *report)
{
  const TpUnitSystem units  = report->analysis->samples->units;
  const char        *energy = TpUnitName(units, TP_DIMENSION_ENERGY);
  const char        *heat   = units == TP_UNITS_MOLECULAR ? "kJ/mol/K" : "";
  char               label[64];

  PetscFunctionBeginUser;
  TpPlotLabel(sizeof(label), label, "C_v", heat);
  PetscCall(PlotFunction(report, "Heat capacity, configurational", label, offsetof(TpMbarPoint, heat_capacity),
                         offsetof(TpMbarPoint, heat_capacity_error)));
  TpPlotLabel(sizeof(label), label, "U", energy);
  PetscCall(PlotFunction(report, "Mean potential energy", label, offsetof(TpMbarPoint, energy),
                         offsetof(TpMbarPoint, energy_error)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- course */

static void Loss(TpReport *report)
{
  const TpHistory *history = report->history;
  TpPlot           plot  = TpPagePlot(&report->page, "Denoising loss, mean of the rounds of a point", "round", "loss");
  PetscInt         found = 0;

  for (PetscInt i = 0; i < history->num_points; ++i) found += isfinite(history->loss[i]) ? 1 : 0;
  if (!found) {
    fputs("<p class=\"note\">No training step has been done.</p>\n", report->page.file);
    return;
  }
  plot.x_high = PetscMax(1.0, history->round[history->num_points - 1]);
  TpPlotRange(history->num_points, history->loss, &plot.y_low, &plot.y_high);
  TpPlotBegin(&plot);
  TpPlotLine(&plot, history->num_points, history->round, history->loss, "#2654a8", 1.4);
  TpPlotEnd(&plot);
}

static void Idle(TpReport *report)
{
  static const char *const names[TP_METRICS]   = {"", "MD", "replicas wait", "trainers wait"};
  static const char *const colours[TP_METRICS] = {"", "#2654a8", "#c8862a", "#7a9a3c"};
  const TpHistory         *history             = report->history;
  TpPlot                   plot = TpPagePlot(&report->page, "Where time goes", "round", "share of wall time");

  if (!history->num_metrics) {
    fputs("<p class=\"note\">metrics.csv, which tells where time goes, is missing or has no rows.</p>\n",
          report->page.file);
    return;
  }
  plot.x_high = PetscMax(1.0, history->round[history->num_points - 1]);
  plot.y_high = 1.3; /* room for the legend */
  TpPlotBegin(&plot);
  for (int m = 1; m < TP_METRICS; ++m) {
    TpPlotLine(&plot, history->num_metrics, history->metric[0], history->metric[m], colours[m], 1.6);
    TpPlotPoints(&plot, history->num_metrics <= 40 ? history->num_metrics : 0, history->metric[0], history->metric[m],
                 colours[m]);
    TpPlotLegend(&plot, m - 1, names[m], colours[m]);
  }
  TpPlotEnd(&plot);
}

PetscErrorCode TpReportCourse(TpReport *report)
{
  PetscFunctionBeginUser;
  Loss(report);
  Idle(report);
  PetscFunctionReturn(PETSC_SUCCESS);
}
