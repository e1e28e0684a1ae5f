/* Figures as SVG. */
#include "svg.h"

#include <math.h>

enum { LEFT = 62, RIGHT = 20, TOP = 28, BOTTOM = 44 };

void TpWriteEscaped(FILE *file, const char *text)
{
  for (; *text; ++text) {
    if (*text == '&')
      fputs("&amp;", file);
    else if (*text == '<')
      fputs("&lt;", file);
    else if (*text == '>')
      fputs("&gt;", file);
    else
      fputc(*text, file);
  }
}

void TpPlotRange(PetscInt n, const double value[], double *low, double *high)
{
  *low  = PETSC_MAX_REAL;
  *high = -PETSC_MAX_REAL;
  for (PetscInt i = 0; i < n; ++i) {
    if (!isfinite(value[i])) continue;
    *low  = PetscMin(*low, value[i]);
    *high = PetscMax(*high, value[i]);
  }
  if (*low > *high) *low = *high = 0.0;
  const double room = *high > *low ? 0.06 * (*high - *low) : 0.5 + 1e-3 * fabs(*low);

  *low -= room;
  *high += room;
}

void TpPlotMiddles(PetscInt bins, double low, double high, double x[])
{
  for (PetscInt b = 0; b < bins; ++b) x[b] = low + (high - low) * ((double)b + 0.5) / (double)bins;
}

void TpPlotLabel(size_t size, char text[], const char *what, const char *unit)
{
  snprintf(text, size, unit[0] ? "%s / %s" : "%s%s", what, unit);
}

/* ------------------------------------------------------------------------------------------------------------ colours */

static void Blend(PetscInt num, const double stops[][3], double fraction, char colour[8])
{
  const double   place = PetscMin(PetscMax(fraction, 0.0), 1.0) * (double)(num - 1);
  const PetscInt i     = PetscMin((PetscInt)place, num - 2);
  const double   part  = place - (double)i;
  int            rgb[3];

  for (int j = 0; j < 3; ++j) rgb[j] = (int)lround((1.0 - part) * stops[i][j] + part * stops[i + 1][j]);
  snprintf(colour, 8, "#%02x%02x%02x", (unsigned)rgb[0] & 255U, (unsigned)rgb[1] & 255U, (unsigned)rgb[2] & 255U);
}

void TpColourOfRung(PetscInt k, PetscInt num, char colour[8])
{
  static const double stops[][3] = {{38, 84, 168}, {36, 150, 176}, {122, 168, 80}, {226, 156, 40}, {196, 56, 48}};

  Blend(5, stops, num > 1 ? (double)k / (double)(num - 1) : 0.0, colour);
}

void TpColourOfHeat(double fraction, char colour[8])
{
  static const double stops[][3] = {{35, 30, 90}, {46, 96, 150}, {40, 155, 145}, {140, 200, 110}, {245, 238, 180}};

  Blend(5, stops, fraction, colour);
}

/* --------------------------------------------------------------------------------------------------------------- axes */

static double PlaceX(const TpPlot *plot, double x)
{
  return LEFT + (x - plot->x_low) / (plot->x_high - plot->x_low) * (plot->width - LEFT - RIGHT);
}

static double PlaceY(const TpPlot *plot, double y)
{
  return plot->height - BOTTOM - (y - plot->y_low) / (plot->y_high - plot->y_low) * (plot->height - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten: about `wanted` ticks. */
static double TickStep(double low, double high, int wanted)
{
  const double rough = (high - low) / wanted, power = pow(10.0, floor(log10(rough))), mantissa = rough / power;

  return power * (mantissa < 1.5 ? 1.0 : mantissa < 3.5 ? 2.0 : mantissa < 7.5 ? 5.0 : 10.0);
}

static double Whole(const TpPlot *plot, double low, double high, double step)
{
  return plot->is_whole && high - low > 1.5 ? PetscMax(step, 1.0) : step;
}

static void WriteTicks(const TpPlot *plot)
{
  const double bottom = plot->height - BOTTOM;
  const double dx     = Whole(plot, plot->x_low, plot->x_high,
                              TickStep(plot->x_low, plot->x_high, plot->width < 320.0 ? 4 : 7)),
               dy     = Whole(plot, plot->y_low, plot->y_high,
                              TickStep(plot->y_low, plot->y_high, plot->height < 260.0 ? 4 : 6));

  for (double i = ceil(plot->x_low / dx - 1e-9); i * dx <= plot->x_high + 1e-9 * dx; i += 1.0)
    fprintf(plot->file,
            "<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n",
            PlaceX(plot, i * dx), PlaceX(plot, i * dx), bottom, bottom + 4.0, PlaceX(plot, i * dx), bottom + 16.0,
            i * dx + 0.0);
  for (double i = ceil(plot->y_low / dy - 1e-9); i * dy <= plot->y_high + 1e-9 * dy; i += 1.0)
    fprintf(plot->file,
            "<line class=\"grid\" x1=\"%d\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
            LEFT, plot->width - RIGHT, PlaceY(plot, i * dy), PlaceY(plot, i * dy), LEFT - 6, PlaceY(plot, i * dy) + 4.0,
            i * dy + 0.0);
}

void TpPlotBegin(const TpPlot *plot)
{
  FILE *file = plot->file;

  fprintf(file, "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<title>", plot->width,
          plot->height, plot->width, plot->height);
  TpWriteEscaped(file, plot->title);
  fprintf(file,
          "</title>\n<clipPath id=\"clip%d\"><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%.1f\"/></clipPath>\n",
          (int)plot->num, LEFT, TOP, plot->width - LEFT - RIGHT, plot->height - TOP - BOTTOM);
  WriteTicks(plot);
  fprintf(file, "<text class=\"head\" x=\"%d\" y=\"17\">", LEFT);
  TpWriteEscaped(file, plot->title);
  fprintf(file, "</text>\n<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", 0.5 * (LEFT + plot->width - RIGHT),
          plot->height - 8.0);
  TpWriteEscaped(file, plot->x_label);
  fprintf(file, "</text>\n<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">",
          0.5 * (TOP + plot->height - BOTTOM));
  TpWriteEscaped(file, plot->y_label);
  fprintf(file, "</text>\n<g clip-path=\"url(#clip%d)\">\n", (int)plot->num);
}

void TpPlotEnd(const TpPlot *plot)
{
  fprintf(plot->file, "</g>\n<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%.1f\"/>\n</svg>\n", LEFT,
          TOP, plot->width - LEFT - RIGHT, plot->height - TOP - BOTTOM);
}

/* -------------------------------------------------------------------------------------------------------------- marks */

void TpPlotLine(const TpPlot *plot, PetscInt n, const double x[], const double y[], const char *colour,
                double thickness)
{
  PetscBool down = PETSC_FALSE; /* the pen is */

  fprintf(plot->file, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" stroke-linejoin=\"round\" d=\"M%.1f %.1f",
          colour, thickness, PlaceX(plot, plot->x_low) - 1e3, 0.0);
  for (PetscInt i = 0; i < n; ++i) {
    const PetscBool finite = isfinite(x[i]) && isfinite(y[i]) ? PETSC_TRUE : PETSC_FALSE;

    if (finite) fprintf(plot->file, "%c%.1f %.1f", down ? 'L' : 'M', PlaceX(plot, x[i]), PlaceY(plot, y[i]));
    down = finite;
  }
  fprintf(plot->file, "\"/>\n");
}

void TpPlotBand(const TpPlot *plot, PetscInt n, const double x[], const double low[], const double high[],
                const char *colour)
{
  fprintf(plot->file, "<path stroke=\"none\" fill=\"%s\" fill-opacity=\"0.22\" d=\"M0 0", colour);
  for (PetscInt begin = 0, end = 0; begin < n; begin = end + 1) { /* each stretch of finite values by itself */
    for (end = begin; end < n && isfinite(low[end]) && isfinite(high[end]);) ++end;
    for (PetscInt i = begin; i < end; ++i)
      fprintf(plot->file, "%c%.1f %.1f", i == begin ? 'M' : 'L', PlaceX(plot, x[i]), PlaceY(plot, high[i]));
    for (PetscInt i = end - 1; i >= begin; --i)
      fprintf(plot->file, "L%.1f %.1f", PlaceX(plot, x[i]), PlaceY(plot, low[i]));
    if (end > begin) fputc('Z', plot->file);
  }
  fprintf(plot->file, "\"/>\n");
}

void TpPlotPoints(const TpPlot *plot, PetscInt n, const double x[], const double y[], const char *colour)
{
  for (PetscInt i = 0; i < n; ++i)
    if (isfinite(x[i]) && isfinite(y[i]))
      fprintf(plot->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" fill=\"%s\"/>\n", PlaceX(plot, x[i]),
              PlaceY(plot, y[i]), colour);
}

void TpPlotErrors(const TpPlot *plot, PetscInt n, const double x[], const double y[], const double error[],
                  const char *colour)
{
  for (PetscInt i = 0; i < n; ++i)
    if (isfinite(x[i]) && isfinite(y[i]) && isfinite(error[i]))
      fprintf(
          plot->file, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"1.2\"/>\n",
          PlaceX(plot, x[i]), PlaceX(plot, x[i]), PlaceY(plot, y[i] - error[i]), PlaceY(plot, y[i] + error[i]), colour);
  TpPlotPoints(plot, n, x, y, colour);
}

void TpPlotHeat(const TpPlot *plot, PetscInt bins, const double value[], double low, double high)
{
  const double dx = (plot->width - LEFT - RIGHT) / (double)bins, dy = (plot->height - TOP - BOTTOM) / (double)bins;
  char         colour[8];

  for (PetscInt i = 0; i < bins * bins; ++i) {
    if (!isfinite(value[i])) continue;
    TpColourOfHeat((value[i] - low) / (high - low), colour);
    /* a little larger than a bin: no seams */
    fprintf(plot->file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
            LEFT + (double)(i / bins) * dx, plot->height - BOTTOM - (double)(i % bins + 1) * dy, dx + 0.3, dy + 0.3,
            colour);
  }
}

void TpPlotLegend(const TpPlot *plot, PetscInt index, const char *text, const char *colour)
{
  const double below = 15.0 * (double)index, x = plot->legend_left ? LEFT + 24.0 : plot->width - RIGHT - 8.0;
  const double y = plot->legend_low ? plot->height - BOTTOM - 12.0 - below : TOP + 14.0 + below;

  fprintf(plot->file,
          "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"3\"/>"
          "<text class=\"legend\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
          x - 16.0, x, y, y, colour, plot->legend_left ? x + 5.0 : x - 21.0, y + 4.0,
          plot->legend_left ? "start" : "end");
  TpWriteEscaped(plot->file, text);
  fprintf(plot->file, "</text>\n");
}
