/* Neighbours in a periodic cube, and smooth functions of their distance. */
#include "fluid-impl.h"

#include <math.h>
#include <string.h>

/* The distance below which particles count as one: rho is smooth there. */
static double Softness(const TpEnergySettings *settings)
{
  return settings->cutoff / 25.0;
}

/* Far from its centre a Gaussian is a denormal number, with which processors multiply a hundred times slower than with zero. */
static const double negligible = 1e-20;

/*
  Gaussians of rho at even distances up to the cutoff, times (1 - r^2 / cutoff^2)^3. Neighbouring Gaussians have ratios that change by a constant
  factor: two exponentials give all of them.
*/
static void Functions(const TpEnergySettings *settings, double squared, double rho, TpNumber g[], TpNumber slope[])
{
  const PetscInt R     = (PetscInt)settings->radial;
  const double   first = Softness(settings), spacing = (settings->cutoff - first) / (double)(R - 1);
  const double   gamma   = 0.5 / (spacing * spacing);
  const double   inside  = 1.0 - squared / (settings->cutoff * settings->cutoff);
  const double   fade    = inside * inside * inside;
  const double   decline = -6.0 * inside * inside / (settings->cutoff * settings->cutoff);
  const double   shrink  = exp(-2.0 * gamma * spacing * spacing);
  double         value   = exp(-gamma * (rho - first) * (rho - first));
  double         ratio   = exp(gamma * spacing * (2.0 * (rho - first) - spacing));

  for (PetscInt k = 0; k < R; k++) {
    const double centre = first + spacing * (double)k;
    const double kept   = value > negligible ? value : 0.0;

    g[k]     = (TpNumber)(kept * fade);
    slope[k] = (TpNumber)(kept * (decline - 2.0 * gamma * (rho - centre) / rho * fade));
    value *= ratio;
    ratio *= shrink;
  }
}

static void AddEdge(const TpEnergySettings *settings, PetscInt to, PetscInt from, const double r[3], double squared,
                    TpEdges *edges)
{
  const PetscInt e = edges->num_edges++, R = (PetscInt)settings->radial;
  const double   soft = Softness(settings), rho = sqrt(squared + soft * soft);

  edges->to[e]      = to;
  edges->from[e]    = from;
  edges->inverse[e] = (TpNumber)(1.0 / rho);
  for (int a = 0; a < 3; a++) {
    edges->r[3 * e + a] = (TpNumber)r[a];
    edges->u[3 * e + a] = (TpNumber)(r[a] / rho);
  }
  Functions(settings, squared, rho, edges->g + (size_t)e * (size_t)R, edges->slope + (size_t)e * (size_t)R);
}

void TpEdgesFind(const TpEnergySettings *settings, PetscInt n, const TpNumber x[], TpEdges *edges)
{
  const double length = settings->box_length, inverse = 1.0 / length, limit = settings->cutoff * settings->cutoff;

  edges->num_edges = 0;
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) {
      double r[3], squared = 0;

      for (int a = 0; a < 3; a++) {
        r[a] = (double)x[3 * j + a] - (double)x[3 * i + a];
        r[a] -= length * rint(r[a] * inverse);
        squared += r[a] * r[a];
      }
      if (j != i && squared < limit) AddEdge(settings, i, j, r, squared, edges);
    }
  }
}

void TpEdgesTangent(const TpEnergySettings *settings, const TpNumber tx[], TpEdges *edges)
{
  const PetscInt R = (PetscInt)settings->radial;

  for (PetscInt e = 0; e < edges->num_edges; e++) {
    const TpNumber *r = edges->r + 3 * e, *u = edges->u + 3 * e, inverse = edges->inverse[e];
    const TpNumber *slope = edges->slope + (size_t)e * (size_t)R;
    TpNumber       *tg = edges->tg + (size_t)e * (size_t)R, tr[3], along = 0, along_u = 0;

    for (int a = 0; a < 3; a++) {
      tr[a] = tx[3 * edges->from[e] + a] - tx[3 * edges->to[e] + a];
      along += r[a] * tr[a];
      along_u += u[a] * tr[a];
    }
    for (int a = 0; a < 3; a++) edges->tu[3 * e + a] = (tr[a] - u[a] * along_u) * inverse;
    for (PetscInt k = 0; k < R; k++) tg[k] = slope[k] * along;
  }
}

void TpEdgesBackward(const TpEnergySettings *settings, PetscInt n, const TpEdges *edges, TpNumber dx[])
{
  const PetscInt R = (PetscInt)settings->radial;

  memset(dx, 0, (size_t)(3 * n) * sizeof *dx);
  for (PetscInt e = 0; e < edges->num_edges; e++) {
    const TpNumber *r = edges->r + 3 * e, *u = edges->u + 3 * e, *du = edges->du + 3 * e, inverse = edges->inverse[e];
    const TpNumber *slope = edges->slope + (size_t)e * (size_t)R, *dg = edges->dg + (size_t)e * (size_t)R;
    TpNumber        along = 0, along_u = 0;

    for (PetscInt k = 0; k < R; k++) along += slope[k] * dg[k];
    for (int a = 0; a < 3; a++) along_u += u[a] * du[a];
    for (int a = 0; a < 3; a++) {
      const TpNumber dr = along * r[a] + (du[a] - u[a] * along_u) * inverse;

      dx[3 * edges->from[e] + a] += dr;
      dx[3 * edges->to[e] + a] -= dr;
    }
  }
}
