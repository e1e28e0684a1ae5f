/* The figures of `tempera ti`'s report. */
#include "ti-page.h"

#include <math.h>

static const char *const neural_colour = "#2654a8", *const plain_colour = "#c8862a",
                         *const classical_colour = "#c43830", *const simulated_colour = "#8a8f98",
                         *const mbar_colour = "#7a9a3c";

/* A straight line at y = 0. */
static void ZeroLine(const TpPlot *plot)
{
  const double x[2] = {plot->x_low, plot->x_high}, y[2] = {0.0, 0.0};

  TpPlotLine(plot, 2, x, y, simulated_colour, 1.0);
}

/* The range of y with its errors. */
static PetscErrorCode RangeWithErrors(PetscInt n, const double y[], const double error[], double *low, double *high)
{
  double *both;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * n, &both));
  for (PetscInt i = 0; i < n; ++i) {
    const double reach = isfinite(error[i]) ? error[i] : 0.0;

    both[2 * i]     = y[i] - reach;
    both[2 * i + 1] = y[i] + reach;
  }
  TpPlotRange(2 * n, both, low, high);
  PetscCall(PetscFree(both));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- free energies */

/* Columns over the targets. */
typedef struct {
  double *x, *neural, *neural_error, *windows, *windows_error, *difference, *difference_error, *mbar, *mbar_error;
} Columns;

static PetscErrorCode FillColumns(const TpTiResults *results, Columns *columns)
{
  const TpTi     ti = results->ti;
  const PetscInt n  = ti->num_targets;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(n, &columns->x, 2 * n, &columns->neural, 2 * n, &columns->neural_error, n, &columns->windows,
                         n, &columns->windows_error));
  PetscCall(
      PetscMalloc4(n, &columns->difference, n, &columns->difference_error, n, &columns->mbar, n, &columns->mbar_error));
  for (PetscInt i = 0; i < n; ++i) {
    const TpTiRow *row = &results->rows[i];

    columns->x[i]                = TpTiVariable(ti, i);
    columns->neural[i]           = row->best.value;
    columns->neural_error[i]     = TpTiWholeError(&row->best);
    columns->windows[i]          = row->windows.value;
    columns->windows_error[i]    = TpTiWholeError(&row->windows);
    columns->difference[i]       = row->best.value - row->windows.value;
    columns->difference_error[i] = hypot(columns->neural_error[i], columns->windows_error[i]);
    columns->mbar[i]             = results->rows[0].best.value + row->mbar;
    columns->mbar_error[i]       = row->mbar_error;
    /* for the range of both */
    columns->neural[n + i]       = columns->windows[i];
    columns->neural_error[n + i] = columns->windows_error[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fluid's results have a curve through them, as the chemical potential is its slope. */
static PetscErrorCode DrawCurve(const TpTiResults *results, const TpPlot *plot)
{
  double *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(results->largest + 1, &x, results->largest + 1, &y));
  for (PetscInt n = 0; n <= results->largest; ++n) {
    x[n] = (double)n;
    y[n] = -results->curve[n];
  }
  TpPlotLine(plot, results->largest + 1, x, y, neural_colour, 1.2);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiFigureFreeEnergies(TpTiPage *report)
{
  const TpTi     ti        = report->results->ti;
  const PetscInt n         = ti->num_targets;
  char           label[64] = "";
  TpPlot  values = TpPagePlot(&report->page, ti->is_fluid ? "Free energy from the ideal gas" : "Free energy", label,
                             ti->is_fluid ? "ln (Z / Z ideal)" : "ln Z");
  TpPlot  differences = TpPagePlot(&report->page, "Neural less classical", label, "difference of ln Z");
  Columns columns;

  PetscFunctionBeginUser;
  PetscCall(FillColumns(report->results, &columns));
  TpPlotLabel(sizeof(label), label, ti->is_fluid ? "N" : "T",
              ti->is_fluid ? "" : TpUnitName(ti->run->system.units, TP_DIMENSION_TEMPERATURE));
  TpPlotRange(n, columns.x, &values.x_low, &values.x_high);
  if (ti->is_fluid) values.x_low = 0.0;
  differences.x_low  = values.x_low;
  differences.x_high = values.x_high;
  PetscCall(RangeWithErrors(2 * n, columns.neural, columns.neural_error, &values.y_low, &values.y_high));
  PetscCall(RangeWithErrors(n, columns.difference, columns.difference_error, &differences.y_low, &differences.y_high));
  values.legend_left = PETSC_TRUE;
  TpPlotBegin(&values);
  if (ti->is_fluid)
    PetscCall(DrawCurve(report->results, &values));
  else
    TpPlotLine(&values, n, columns.x, columns.neural, neural_colour, 1.2);
  TpPlotErrors(&values, n, columns.x, columns.windows, columns.windows_error, classical_colour);
  TpPlotErrors(&values, n, columns.x, columns.mbar, columns.mbar_error, mbar_colour);
  TpPlotErrors(&values, n, columns.x, columns.neural, columns.neural_error, neural_colour);
  TpPlotLegend(&values, 0, "neural", neural_colour);
  if (ti->num_windows) TpPlotLegend(&values, 1, "windows", classical_colour);
  if (isfinite(columns.mbar[0])) TpPlotLegend(&values, 2, "MBAR, from the first neural", mbar_colour);
  TpPlotEnd(&values);
  if (ti->num_windows) {
    TpPlotBegin(&differences);
    ZeroLine(&differences);
    TpPlotErrors(&differences, n, columns.x, columns.difference, columns.difference_error, neural_colour);
    TpPlotEnd(&differences);
  }
  PetscCall(PetscFree5(columns.x, columns.neural, columns.neural_error, columns.windows, columns.windows_error));
  PetscCall(PetscFree4(columns.difference, columns.difference_error, columns.mbar, columns.mbar_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- integrands */

/* Of one system, and for each particle of a fluid. */
static double Share(const TpTiSystem *system)
{
  return system->num_particles ? 1.0 / (double)system->num_particles : 1.0;
}

static void Legend(const TpTi ti, const TpPlot *plot, PetscInt entry, const TpTiSystem *system, const char *colour)
{
  char text[48];

  if (ti->num_members > 12) return;
  if (ti->is_fluid)
    snprintf(text, sizeof(text), "N = %d", (int)system->num_particles);
  else
    snprintf(text, sizeof(text), "T = %.5g", system->temperature);
  TpPlotLegend(plot, entry, text, colour);
}

/* All members' means [members, points] over t [points] with their errors. */
static PetscErrorCode DrawIntegrands(TpTiPage *report, const char *title, PetscInt points, const double t[],
                                     const double mean[], const double error[], PetscBool as_curves)
{
  const TpTi ti   = report->results->ti;
  TpPlot     plot = TpPagePlot(&report->page, title, "t", ti->is_fluid ? "d/dt of beta U / N" : "d/dt of beta U");
  double    *low, *high;

  PetscFunctionBeginUser;
  plot.x_high = 1.0;
  PetscCall(RangeWithErrors(ti->num_members * points, mean, error, &plot.y_low, &plot.y_high));
  plot.y_high += 0.09 * (double)PetscMin(ti->num_members, 6) * (plot.y_high - plot.y_low); /* of the legend */
  PetscCall(PetscMalloc2(points, &low, points, &high));
  TpPlotBegin(&plot);
  ZeroLine(&plot);
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    const double *here = mean + m * points, *reach = error + m * points;
    char          colour[8];

    TpColourOfRung(m, ti->num_members, colour);
    for (PetscInt k = 0; k < points; ++k) {
      low[k]  = here[k] - reach[k];
      high[k] = here[k] + reach[k];
    }
    if (as_curves) TpPlotBand(&plot, points, t, low, high, colour);
    TpPlotLine(&plot, points, t, here, colour, as_curves ? 1.4 : 0.8);
    if (!as_curves) TpPlotErrors(&plot, points, t, here, reach, colour);
    Legend(ti, &plot, m, &ti->members[m].system, colour);
  }
  TpPlotEnd(&plot);
  PetscCall(PetscFree2(low, high));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrajectoryIntegrands(TpTiPage *report)
{
  const TpTi     ti     = report->results->ti;
  const PetscInt points = (PetscInt)ti->run->settings.ti.times + 1, all = ti->num_members * points;
  double        *t, *mean, *error;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(points, &t, all, &mean, all, &error));
  for (PetscInt k = 0; k < points; ++k) t[k] = TpTrajectoryTime(ti->targets[0].system.neural, points - 1, k);
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const PetscInt member = TpTiMemberOf(ti, i);
    const double   share  = Share(&ti->targets[i].system);

    for (PetscInt k = 0; member >= 0 && k < points; ++k) {
      const PetscInt place = member * points + k;

      TpTiMeanIntegrand(ti, i, ti->num_modes - 1, k, &mean[place], &error[place]);
      mean[place] *= share;
      error[place] *= share;
    }
  }
  PetscCall(DrawIntegrands(report, ti->num_modes > 1 ? "Learned path, trajectories with moves" : "Learned path", points,
                           t, mean, error, PETSC_TRUE));
  PetscCall(PetscFree3(t, mean, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WindowIntegrands(TpTiPage *report)
{
  const TpTi     ti  = report->results->ti;
  const PetscInt all = ti->num_members * ti->num_windows;
  double        *mean, *error;

  PetscFunctionBeginUser;
  if (!all) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(all, &mean, all, &error));
  for (PetscInt i = 0; i < all; ++i) {
    const double share = Share(&ti->members[i / ti->num_windows].system);

    mean[i]  = share * report->results->windows[i];
    error[i] = share * report->results->windows[all + i];
  }
  PetscCall(DrawIntegrands(report, "Classical path, windows", ti->num_windows, ti->node, mean, error, PETSC_FALSE));
  PetscCall(PetscFree2(mean, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiFigureIntegrands(TpTiPage *report)
{
  PetscFunctionBeginUser;
  PetscCall(TrajectoryIntegrands(report));
  PetscCall(WindowIntegrands(report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- fluid */

/* Neural curve, and Widom's insertion where it tells something. */
static PetscErrorCode DrawExcess(TpTiPage *report)
{
  const TpTiResults *results = report->results;
  const TpTi         ti      = results->ti;
  const double       length = ti->run->settings.engine.model.box_length, volume = length * length * length;
  const PetscInt     n = results->largest, all = n + ti->num_targets;
  TpPlot             plot = TpPagePlot(&report->page, "Excess chemical potential", "density", "beta mu excess");
  double            *x, *y, *error;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(all, &x, all, &y, all, &error));
  for (PetscInt i = 0; i < n; ++i) {
    x[i] = (double)i / volume;
    y[i] = TpTiExcessPotential(results, i);
  }
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const TpTiEstimate *insertion = &results->rows[i].insertion;

    x[n + i]     = (double)ti->targets[i].system.num_particles / volume;
    y[n + i]     = insertion->error < 0.5 ? insertion->value : (double)NAN;
    error[n + i] = insertion->error;
  }
  TpPlotRange(all, x, &plot.x_low, &plot.x_high);
  PetscCall(RangeWithErrors(all, y, error, &plot.y_low, &plot.y_high));
  plot.x_low       = 0.0;
  plot.legend_left = plot.legend_low = PETSC_TRUE;
  TpPlotBegin(&plot);
  TpPlotLine(&plot, n, x, y, neural_colour, 1.6);
  TpPlotErrors(&plot, ti->num_targets, x + n, y + n, error + n, classical_colour);
  TpPlotLegend(&plot, 0, "neural", neural_colour);
  if (ti->run->settings.ti.insertions) TpPlotLegend(&plot, 1, "insertion", classical_colour);
  TpPlotEnd(&plot);
  PetscCall(PetscFree3(x, y, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiFigureChemicalPotential(TpTiPage *report)
{
  const TpTiResults *results = report->results;
  TpPlot             plot =
      TpPagePlot(&report->page, "Particles at a chemical potential", "beta mu, box as unit of length", "mean N");

  PetscFunctionBeginUser;
  PetscCall(DrawExcess(report));
  TpPlotRange(TP_TI_ISOTHERM_POINTS, results->isotherm[0], &plot.x_low, &plot.x_high);
  plot.y_high = 1.06 * (double)results->largest;
  TpPlotBegin(&plot);
  TpPlotLine(&plot, TP_TI_ISOTHERM_POINTS, results->isotherm[0], results->isotherm[1], neural_colour, 1.6);
  TpPlotEnd(&plot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g(r) of one member. */
static void DrawPairs(TpTiPage *report, PetscInt m)
{
  static const char *const names[TP_TI_NUM_PAIRS]   = {"simulated", "diffusion", "with moves"};
  const TpTi               ti                       = report->results->ti;
  const char *const        colours[TP_TI_NUM_PAIRS] = {simulated_colour, plain_colour, neural_colour};
  const double            *g                        = report->results->pairs + m * TP_TI_NUM_PAIRS * TP_TI_PAIR_BINS;
  const PetscInt           curves                   = TP_TI_PAIRS_PLAIN + ti->num_modes;
  char                     title[48]                = "";
  double                   r[TP_TI_PAIR_BINS], low;
  TpPlot                   plot = TpPagePlot(&report->page, title, "r", "g(r)");

  snprintf(title, sizeof(title), "N = %d", (int)ti->members[m].system.num_particles);
  for (PetscInt b = 0; b < TP_TI_PAIR_BINS; ++b) r[b] = TpTiPairDistance(ti, b);
  plot.width  = 308;
  plot.height = 250;
  plot.x_high = 0.5 * ti->run->settings.engine.model.box_length;
  TpPlotRange(curves * TP_TI_PAIR_BINS, g, &low, &plot.y_high);
  TpPlotBegin(&plot);
  for (PetscInt k = 0; k < curves; ++k) {
    TpPlotLine(&plot, TP_TI_PAIR_BINS, r, g + k * TP_TI_PAIR_BINS, colours[k], k ? 1.4 : 3.0);
    TpPlotLegend(&plot, k, names[k], colours[k]);
  }
  TpPlotEnd(&plot);
}

void TpTiFigurePairs(TpTiPage *report)
{
  for (PetscInt m = 0; m < report->results->ti->num_members; ++m) DrawPairs(report, m);
}

/* ------------------------------------------------------------------------------------------------------------ learning */

void TpTiFigureLoss(TpTiPage *report)
{
  const TpTiResults *results = report->results;
  TpPlot             plot    = TpPagePlot(&report->page, "Loss, mean of the steps of each point", "step", "loss");

  plot.width  = 940;
  plot.x_high = (double)results->ti->run->settings.ti.training_steps;
  TpPlotRange(results->num_losses, results->loss[1], &plot.y_low, &plot.y_high);
  TpPlotBegin(&plot);
  TpPlotLine(&plot, results->num_losses, results->loss[0], results->loss[1], neural_colour, 1.4);
  TpPlotEnd(&plot);
}
