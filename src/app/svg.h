/*
  Figures as SVG within a page: axes with ticks, lines, bands, points, heat maps, a legend.

    TpPlotBegin()  ...  TpPlotLine(), TpPlotBand(), TpPlotPoints(), TpPlotHeat(), TpPlotLegend()  ...  TpPlotEnd()

  Values that are not finite interrupt a line. What lies outside of the axes is cut off.
*/
#pragma once

#include "app-impl.h"

/** The frame of a plot; open struct, filled by the caller. **/
typedef struct {
  FILE       *file;
  const char *title, *x_label, *y_label; /* plain text */
  double      width, height;             /* pixels */
  double      x_low, x_high, y_low, y_high;
  PetscInt    num;         /* of this plot in the page: makes names unique */
  PetscBool   is_whole;    /* rungs and rounds: no tick stands between whole numbers */
  PetscBool   legend_left; /* the legend's corner; else right */
  PetscBool   legend_low;  /* else up */
} TpPlot;

/** Low and high of what is finite, with a little room on both sides. **/
void TpPlotRange(PetscInt n, const double value[], double *low, double *high);
/** Where the middles of even bins from low to high are: x [bins]. **/
void TpPlotMiddles(PetscInt bins, double low, double high, double x[]);
/** "what / unit"; without a unit "what". **/
void TpPlotLabel(size_t size, char text[], const char *what, const char *unit);

void TpPlotBegin(const TpPlot *plot);
void TpPlotEnd(const TpPlot *plot);

void TpPlotLine(const TpPlot *plot, PetscInt n, const double x[], const double y[], const char *colour,
                double thickness);
/** Between low and high. **/
void TpPlotBand(const TpPlot *plot, PetscInt n, const double x[], const double low[], const double high[],
                const char *colour);
void TpPlotPoints(const TpPlot *plot, PetscInt n, const double x[], const double y[], const char *colour);
/** Points with bars of one error up and down; an error that is not finite has none. **/
void TpPlotErrors(const TpPlot *plot, PetscInt n, const double x[], const double y[], const double error[],
                  const char *colour);
/** value [bins, bins] row-major in (x, y), colours from `low` to `high`; what is not finite is left out. **/
void TpPlotHeat(const TpPlot *plot, PetscInt bins, const double value[], double low, double high);
/** Entry `index` of the legend. **/
void TpPlotLegend(const TpPlot *plot, PetscInt index, const char *text, const char *colour);

/** Colour of rung `k` of `num`, from cold to hot. **/
void TpColourOfRung(PetscInt k, PetscInt num, char colour[8]);
/** Colour of the heat map at `fraction` of its scale. **/
void TpColourOfHeat(double fraction, char colour[8]);

/** Text with &, < and > replaced. **/
void TpWriteEscaped(FILE *file, const char *text);
