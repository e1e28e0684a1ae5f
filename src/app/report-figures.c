/* The figures of the report. */
#include "report.h"

#include <math.h>
#include <string.h>

/* "T = 300 K" */
static void LabelTemperature(const TpSamples *samples, double temperature, size_t size, char text[])
{
  const char *unit = TpUnitName(samples->units, TP_DIMENSION_TEMPERATURE);

  snprintf(text, size, "T = %.5g%s%s", temperature, unit[0] ? " " : "", unit);
}

/* ------------------------------------------------------------------------------------------------------------ walkers */

PetscErrorCode TpReportWalkers(TpReport *report)
{
  const TpHistory *history = report->history;
  const PetscInt   num     = report->analysis->samples->num_rungs;
  TpPlot           plot    = TpPagePlot(&report->page, "Walkers on the ladder", "round", "rung");
  double          *shift;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(history->num_points, &shift));
  plot.width  = 940;
  plot.x_high = PetscMax(1.0, history->round[history->num_points - 1]);
  plot.y_low  = -0.4;
  plot.y_high = (double)num - 0.6;
  TpPlotBegin(&plot);
  for (PetscInt w = 0; w < num; ++w) {
    char colour[8];

    for (PetscInt i = 0; i < history->num_points; ++i) /* walkers at the same rung in other rounds stay apart */
      shift[i] = history->rung[w * history->num_points + i] + 0.5 * ((double)w + 0.5) / (double)num - 0.25;
    TpColourOfRung(w, num, colour);
    TpPlotLine(&plot, history->num_points, history->round, shift, colour, 1.0);
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
  TpPlot  plot = TpPagePlot(&report->page, "Accepted swaps, and overlap by MBAR", "lower rung of the pair", "fraction");
  double *x, *y, *overlap;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(num, &x, num, &y, num, &overlap));
  for (PetscInt k = 0; k + 1 < num; ++k) {
    x[k]       = (double)k;
    y[k]       = history->attempts[k] > 0.0 ? history->accepted[k] / history->attempts[k] : (double)NAN;
    overlap[k] = report->analysis->mbar.overlap[k * num + k + 1];
  }
  plot.x_low  = -0.5;
  plot.x_high = PetscMax(0.5, (double)num - 1.5);
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
  const TpHistory *history   = report->history;
  const TpSamples *samples   = report->analysis->samples;
  const PetscInt   bins      = history->energy_bins;
  char             label[64] = "";
  TpPlot           plot      = TpPagePlot(&report->page, "Potential energies of the rungs", label, "density");
  double          *x, *zero, low;

  PetscFunctionBeginUser;
  PetscCall(Acceptance(report));
  TpPlotLabel(sizeof(label), label, "U", TpUnitName(samples->units, TP_DIMENSION_ENERGY));
  PetscCall(PetscCalloc2(bins, &x, bins, &zero));
  for (PetscInt i = 0; i < bins; ++i)
    x[i] = history->energy_low + (history->energy_high - history->energy_low) * ((double)i + 0.5) / (double)bins;
  plot.x_low  = history->energy_low;
  plot.x_high = history->energy_high;
  TpPlotRange(samples->num_rungs * bins, history->energy, &low, &plot.y_high);
  TpPlotBegin(&plot);
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    char colour[8], text[48];

    TpColourOfRung(k, samples->num_rungs, colour);
    TpPlotBand(&plot, bins, x, zero, history->energy + k * bins, colour);
    TpPlotLine(&plot, bins, x, history->energy + k * bins, colour, 1.4);
    LabelTemperature(samples, samples->temperature[k], sizeof(text), text);
    if (samples->num_rungs <= 12) TpPlotLegend(&plot, k, text, colour);
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

/* ------------------------------------------------------------------------------------------------------------ surfaces */

#define FREE_ENERGY_TOP 6.0 /* k_B T */

/* -ln p from its minimum, NaN where there is no sample. */
static void FreeEnergy(PetscInt size, const double probability[], double free_energy[])
{
  double lowest = PETSC_MAX_REAL;

  for (PetscInt i = 0; i < size; ++i) {
    free_energy[i] = probability[i] > 0.0 ? -log(probability[i]) : (double)NAN;
    if (probability[i] > 0.0) lowest = PetscMin(lowest, free_energy[i]);
  }
  for (PetscInt i = 0; i < size; ++i) free_energy[i] -= lowest;
}

/* Where a surface's probabilities are at a temperature: by MD at a rung, by MBAR, by the model; NULL: there are none. */
typedef struct {
  const double *probability[3];
} Sources;

static const char *const source_names[3] = {"MD", "MBAR", "model"};

static Sources FindSources(const TpReport *report, PetscInt s, PetscInt t)
{
  const TpAnalysis      *analysis = report->analysis;
  const TpModelAnalysis *model    = analysis->model;
  const TpSurface       *surface  = &analysis->surface[s];
  Sources                sources  = {{NULL, surface->probability + t * surface->size, NULL}};

  for (PetscInt k = 0; k < analysis->samples->num_rungs; ++k)
    if (fabs(analysis->samples->temperature[k] / analysis->temperature[t] - 1.0) < 1e-6)
      sources.probability[0] = report->history->direct[s] + k * surface->size;
  for (PetscInt c = 0; model && c < model->num_checks; ++c) {
    if (model->check[c].temperature != t) continue;
    for (PetscInt h = 0; h < model->num_histograms; ++h)
      if (!memcmp(model->histogram[h].feature, surface->feature, sizeof(surface->feature)))
        sources.probability[2] = model->check[c].result.model + model->first[h];
  }
  return sources;
}

/* The panels' axes are those of the surface. */
static void SetAxes(const TpSurface *surface, TpPlot *plot)
{
  plot->x_low  = surface->low[0];
  plot->x_high = surface->high[0];
  plot->y_low  = surface->feature[1] < 0 ? 0.0 : surface->low[1];
  plot->y_high = surface->feature[1] < 0 ? FREE_ENERGY_TOP : surface->high[1];
}

static PetscErrorCode HeatPanels(TpReport *report, const TpSurface *surface, const Sources *sources, double temperature)
{
  const TpSamples *samples = report->analysis->samples;
  char             at[48], title[64], x_label[TP_NAME_LENGTH + 32], y_label[TP_NAME_LENGTH + 32];
  double          *free_energy;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(surface->size, &free_energy));
  TpPlotLabel(sizeof(x_label), x_label, samples->name[surface->feature[0]], samples->unit[surface->feature[0]]);
  TpPlotLabel(sizeof(y_label), y_label, samples->name[surface->feature[1]], samples->unit[surface->feature[1]]);
  for (int i = 0; i < 3; ++i) {
    if (!sources->probability[i]) continue;
    TpPlot plot = TpPagePlot(&report->page, title, x_label, y_label);

    LabelTemperature(samples, temperature, sizeof(at), at);
    snprintf(title, sizeof(title), "%s, %s", source_names[i], at);
    plot.width = plot.height = 308;
    SetAxes(surface, &plot);
    FreeEnergy(surface->size, sources->probability[i], free_energy);
    TpPlotBegin(&plot);
    TpPlotHeat(&plot, surface->bins, free_energy, 0.0, FREE_ENERGY_TOP);
    TpPlotEnd(&plot);
  }
  PetscCall(PetscFree(free_energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F +- error / p, in k_B T */
static PetscErrorCode ProfilePanel(TpReport *report, const TpSurface *surface, const Sources *sources, PetscInt t)
{
  static const char *const colours[3] = {"#8a8f98", "#2654a8", "#c43830"};
  const TpSamples         *samples    = report->analysis->samples;
  const PetscInt           bins       = surface->bins;
  char                     title[64], x_label[TP_NAME_LENGTH + 32];
  TpPlot                   plot = TpPagePlot(&report->page, title, x_label, "F / k_B T");
  double                  *x, *y, *low, *high;
  PetscInt                 entry = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(bins, &x, bins, &y, bins, &low, bins, &high));
  TpPlotLabel(sizeof(x_label), x_label, samples->name[surface->feature[0]], samples->unit[surface->feature[0]]);
  LabelTemperature(samples, report->analysis->temperature[t], sizeof(title), title);
  plot.width  = 308;
  plot.height = 250;
  SetAxes(surface, &plot);
  TpPlotBegin(&plot);
  for (int i = 0; i < 3; ++i) {
    if (!sources->probability[i]) continue;
    FreeEnergy(bins, sources->probability[i], y);
    for (PetscInt b = 0; b < bins; ++b) {
      const double error = i == 1 ? surface->error[t * bins + b] / sources->probability[1][b] : 0.0;

      x[b]    = surface->low[0] + (surface->high[0] - surface->low[0]) * ((double)b + 0.5) / (double)bins;
      low[b]  = y[b] - error;
      high[b] = y[b] + error;
    }
    if (i == 1) TpPlotBand(&plot, bins, x, low, high, colours[i]);
    TpPlotLine(&plot, bins, x, y, colours[i], 1.5);
    TpPlotLegend(&plot, entry++, source_names[i], colours[i]);
  }
  TpPlotEnd(&plot);
  PetscCall(PetscFree4(x, y, low, high));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The scale of all heat maps. */
static void WriteScale(FILE *file)
{
  fprintf(file, "<svg viewBox=\"0 0 340 34\" width=\"340\" height=\"34\">\n");
  for (int i = 0; i < 60; ++i) {
    char colour[8];

    TpColourOfHeat((double)i / 59.0, colour);
    fprintf(file, "<rect x=\"%d\" y=\"2\" width=\"4.3\" height=\"12\" fill=\"%s\"/>\n", 10 + 4 * i, colour);
  }
  for (int i = 0; i <= 6; i += 2)
    fprintf(file, "<text x=\"%d\" y=\"28\" text-anchor=\"middle\">%d</text>\n", 10 + 40 * i, i);
  fprintf(file, "<text x=\"262\" y=\"13\">F / k_B T</text>\n</svg>\n");
}

PetscErrorCode TpReportSurfaces(TpReport *report)
{
  const TpAnalysis *analysis = report->analysis;

  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    const TpSurface *surface = &analysis->surface[s];
    char             title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, surface, sizeof(title), title);
    fputs("<h3>", report->page.file);
    TpWriteEscaped(report->page.file, title);
    fputs("</h3>\n", report->page.file);
    if (surface->feature[1] >= 0) WriteScale(report->page.file);
    if (surface->feature[1] < 0) TpPageRow(&report->page);
    for (PetscInt t = 0; t < analysis->num_temperatures; ++t) {
      const Sources sources = FindSources(report, s, t);

      if (surface->feature[1] < 0) {
        PetscCall(ProfilePanel(report, surface, &sources, t));
        continue;
      }
      TpPageRow(&report->page);
      PetscCall(HeatPanels(report, surface, &sources, analysis->temperature[t]));
      TpPageRowEnd(&report->page);
    }
    if (surface->feature[1] < 0) TpPageRowEnd(&report->page);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- course */

PetscErrorCode TpReportCourse(TpReport *report)
{
  static const char *const names[TP_METRICS]   = {"", "MD", "replicas wait", "trainers wait"};
  static const char *const colours[TP_METRICS] = {"", "#2654a8", "#c8862a", "#7a9a3c"};
  const TpHistory         *history             = report->history;
  TpPlot loss = TpPagePlot(&report->page, "Denoising loss, mean of the rounds of a point", "round", "loss");
  TpPlot idle = TpPagePlot(&report->page, "Where time goes", "round", "share of wall time");

  PetscFunctionBeginUser;
  loss.x_high = idle.x_high = PetscMax(1.0, history->round[history->num_points - 1]);
  TpPlotRange(history->num_points, history->loss, &loss.y_low, &loss.y_high);
  TpPlotBegin(&loss);
  TpPlotLine(&loss, history->num_points, history->round, history->loss, "#2654a8", 1.4);
  TpPlotEnd(&loss);
  TpPlotBegin(&idle);
  for (int m = 1; m < TP_METRICS; ++m) {
    TpPlotLine(&idle, history->num_metrics, history->metric[0], history->metric[m], colours[m], 1.6);
    TpPlotLegend(&idle, m - 1, names[m], colours[m]);
  }
  TpPlotEnd(&idle);
  PetscFunctionReturn(PETSC_SUCCESS);
}
