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

/* Gaussians at even distances up to the cutoff, and what makes them vanish there, at one distance. */
typedef struct {
  PetscInt R;
  double   first, spacing, gamma;
  double   rho;                 /* smooth distance */
  double   fade, decline, bend; /* (1 - r^2 / cutoff^2)^3; its gradient is decline r, and that of decline bend r */
} Radial;

static Radial RadialAt(const TpEnergySettings *settings, double squared)
{
  const double soft = Softness(settings), spacing = (settings->cutoff - soft) / (double)(settings->radial - 1);
  const double limit = settings->cutoff * settings->cutoff, inside = 1.0 - squared / limit;

  return (Radial){.R       = (PetscInt)settings->radial,
                  .first   = soft,
                  .spacing = spacing,
                  .gamma   = 0.5 / (spacing * spacing),
                  .rho     = sqrt(squared + soft * soft),
                  .fade    = inside * inside * inside,
                  .decline = -6.0 * inside * inside / limit,
                  .bend    = 24.0 * inside / (limit * limit)};
}

/* Neighbouring Gaussians have ratios that change by a constant factor: two exponentials give all of them. */
static void Gaussians(const Radial *radial, double value[])
{
  const double from = radial->rho - radial->first, gamma = radial->gamma, spacing = radial->spacing;
  const double shrink = exp(-2.0 * gamma * spacing * spacing);
  double       next   = exp(-gamma * from * from);
  double       ratio  = exp(gamma * spacing * (2.0 * from - spacing));

  for (PetscInt k = 0; k < radial->R; k++) {
    value[k] = next > negligible ? next : 0.0;
    next *= ratio;
    ratio *= shrink;
  }
}

enum { MAX_RADIAL = 256 };

/* The gradient of function k is slope_k r. */
static void Functions(const Radial *radial, TpNumber g[], TpNumber slope[])
{
  double value[MAX_RADIAL];

  Gaussians(radial, value);
  for (PetscInt k = 0; k < radial->R; k++) {
    const double centre = radial->first + radial->spacing * (double)k;

    g[k]     = (TpNumber)(value[k] * radial->fade);
    slope[k] = (TpNumber)(value[k] * (radial->decline -
                                      2.0 * radial->gamma * (radial->rho - centre) / radial->rho * radial->fade));
  }
}

/* The gradient of slope_k is curve_k r. */
static void Curves(const Radial *radial, double curve[])
{
  const double rho = radial->rho, twice = 2.0 * radial->gamma;

  Gaussians(radial, curve);
  for (PetscInt k = 0; k < radial->R; k++) {
    const double centre = radial->first + radial->spacing * (double)k, a = -twice * (rho - centre) / rho;

    curve[k] *= radial->fade * (a * a - twice * centre / (rho * rho * rho)) + 2.0 * a * radial->decline + radial->bend;
  }
}

static void AddEdge(const TpEnergySettings *settings, PetscInt to, PetscInt from, const double r[3], double squared,
                    TpEdges *edges)
{
  const PetscInt e = edges->num_edges++, R = (PetscInt)settings->radial;
  const Radial   radial = RadialAt(settings, squared);

  edges->to[e]      = to;
  edges->from[e]    = from;
  edges->inverse[e] = (TpNumber)(1.0 / radial.rho);
  for (int a = 0; a < 3; a++) {
    edges->r[3 * e + a] = (TpNumber)r[a];
    edges->u[3 * e + a] = (TpNumber)(r[a] / radial.rho);
  }
  Functions(&radial, edges->g + (size_t)e * (size_t)R, edges->slope + (size_t)e * (size_t)R);
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

/* r of the edge along displacements tx of all particles. */
static void Displace(const TpEdges *edges, PetscInt e, const TpNumber tx[], TpNumber tr[3])
{
  for (int a = 0; a < 3; a++) tr[a] = tx[3 * edges->from[e] + a] - tx[3 * edges->to[e] + a];
}

static TpNumber Dot(const TpNumber x[3], const TpNumber y[3])
{
  return x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
}

/* The tangent of one edge's dr in TpEdgesBackward(). */
static void CurveEdge(const TpEnergySettings *settings, const TpEdges *edges, PetscInt e, const TpNumber tr[3],
                      TpNumber tdr[3])
{
  const size_t    R = (size_t)settings->radial;
  const TpNumber *r = edges->r + 3 * e, *u = edges->u + 3 * e, *tu = edges->tu + 3 * e;
  const TpNumber *du = edges->du + 3 * e, *qu = edges->qu + 3 * e, inverse = edges->inverse[e];
  const TpNumber *slope = edges->slope + (size_t)e * R, *dg = edges->dg + (size_t)e * R,
                 *qg  = edges->qg + (size_t)e * R;
  const TpNumber step = Dot(r, tr), along_u = Dot(u, du), tangent_u = Dot(tu, du) + Dot(u, qu);
  const Radial   radial   = RadialAt(settings, (double)Dot(r, r));
  const TpNumber tinverse = -inverse * inverse * Dot(u, tr);
  double         curve[MAX_RADIAL];
  TpNumber       along = 0, tangent = 0;

  Curves(&radial, curve);
  for (size_t k = 0; k < R; k++) {
    along += slope[k] * dg[k];
    tangent += slope[k] * qg[k] + (TpNumber)curve[k] * step * dg[k];
  }
  for (int a = 0; a < 3; a++)
    tdr[a] = tangent * r[a] + along * tr[a] + (qu[a] - tu[a] * along_u - u[a] * tangent_u) * inverse +
             (du[a] - u[a] * along_u) * tinverse;
}

void TpEdgesCurve(const TpEnergySettings *settings, PetscInt n, const TpNumber tx[], const TpEdges *edges,
                  TpNumber tdx[])
{
  memset(tdx, 0, (size_t)(3 * n) * sizeof *tdx);
  for (PetscInt e = 0; e < edges->num_edges; e++) {
    TpNumber tr[3], tdr[3];

    Displace(edges, e, tx, tr);
    CurveEdge(settings, edges, e, tr, tdr);
    for (int a = 0; a < 3; a++) {
      tdx[3 * edges->from[e] + a] += tdr[a];
      tdx[3 * edges->to[e] + a] -= tdr[a];
    }
  }
}
