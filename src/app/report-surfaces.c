/* Free-energy surfaces and profiles of MD, MBAR and the model, side by side. */
#include "report.h"

#include <math.h>
#include <string.h>

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
  char             at[48], title[64] = "", x_label[TP_NAME_LENGTH + 32] = "", y_label[TP_NAME_LENGTH + 32] = "";
  double          *free_energy;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(surface->size, &free_energy));
  TpPlotLabel(sizeof(x_label), x_label, samples->name[surface->feature[0]], samples->unit[surface->feature[0]]);
  TpPlotLabel(sizeof(y_label), y_label, samples->name[surface->feature[1]], samples->unit[surface->feature[1]]);
  for (int i = 0; i < 3; ++i) {
    if (!sources->probability[i]) { /* the others stay below those of other temperatures */
      if (i == 0) fputs("<div class=\"empty\">no rung at this temperature</div>\n", report->page.file);
      continue;
    }
    TpPlot plot = TpPagePlot(&report->page, title, x_label, y_label);

    TpReportTemperature(samples, temperature, sizeof(at), at);
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
  char                     title[64] = "", x_label[TP_NAME_LENGTH + 32] = "";
  TpPlot                   plot = TpPagePlot(&report->page, title, x_label, "F / k_B T");
  double                  *x, *y, *low, *high;
  PetscInt                 entry = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(bins, &x, bins, &y, bins, &low, bins, &high));
  TpPlotLabel(sizeof(x_label), x_label, samples->name[surface->feature[0]], samples->unit[surface->feature[0]]);
  TpReportTemperature(samples, report->analysis->temperature[t], sizeof(title), title);
  plot.width  = 308;
  plot.height = 250;
  SetAxes(surface, &plot);
  TpPlotMiddles(bins, surface->low[0], surface->high[0], x);
  TpPlotBegin(&plot);
  for (int i = 0; i < 3; ++i) {
    if (!sources->probability[i]) continue;
    FreeEnergy(bins, sources->probability[i], y);
    for (PetscInt b = 0; b < bins; ++b) {
      const double error = i == 1 ? surface->error[t * bins + b] / sources->probability[1][b] : 0.0;

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

/* One row of panels of all temperatures, or a row of heat maps of each one. */
static PetscErrorCode Surface(TpReport *report, PetscInt s)
{
  enum { MOST_MAPS = 6 };
  const TpAnalysis *analysis  = report->analysis;
  const TpSurface  *surface   = &analysis->surface[s];
  const PetscBool   is_map    = surface->feature[1] >= 0 ? PETSC_TRUE : PETSC_FALSE;
  const PetscInt    most      = is_map ? (PetscInt)MOST_MAPS : (PetscInt)TP_REPORT_TEMPERATURES;
  const PetscInt    num_shown = PetscMin(analysis->num_temperatures, most);

  PetscFunctionBeginUser;
  TpReportTellShown(report, num_shown);
  if (is_map)
    WriteScale(report->page.file);
  else
    TpPageRow(&report->page);
  for (PetscInt i = 0; i < num_shown; ++i) {
    const PetscInt t       = TpReportShown(analysis->num_temperatures, num_shown, i);
    const Sources  sources = FindSources(report, s, t);

    if (!is_map) {
      PetscCall(ProfilePanel(report, surface, &sources, t));
      continue;
    }
    TpPageRow(&report->page);
    PetscCall(HeatPanels(report, surface, &sources, analysis->temperature[t]));
    TpPageRowEnd(&report->page);
  }
  if (!is_map) TpPageRowEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReportSurfaces(TpReport *report)
{
  const TpAnalysis *analysis = report->analysis;

  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) {
    char title[2 * TP_NAME_LENGTH + 2];

    TpSurfaceTitle(analysis->samples, &analysis->surface[s], sizeof(title), title);
    fputs("<h3>", report->page.file);
    TpWriteEscaped(report->page.file, title);
    fputs("</h3>\n", report->page.file);
    PetscCall(Surface(report, s));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
