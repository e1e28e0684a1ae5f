/* Integrals over t: Simpson's rule over a grid, and the nodes of Gauss and Legendre; means of weights. */
#include "tempera/ti.h"

#include <math.h>

static double Trapezoids(PetscInt64 K, const double t[], const double values[], PetscInt64 stride)
{
  double sum = 0.0;

  for (PetscInt64 k = stride; k <= K; k += stride)
    sum += 0.5 * (t[k] - t[k - stride]) * (values[k] + values[k - stride]);
  return sum;
}

/* The error of trapezoids goes with the square of their width, also where t bends: that of twice the width tells what it is. */
double TpSimpson(PetscInt64 K, const double t[], const double values[], PetscInt64 stride)
{
  const double fine = Trapezoids(K, t, values, stride);

  return fine + (fine - Trapezoids(K, t, values, 2 * stride)) / 3.0;
}

/* P_n(x) and its derivative. */
static double Legendre(PetscInt n, double x, double *slope)
{
  double before = 1.0, now = x;

  for (PetscInt k = 2; k <= n; ++k) {
    const double next = ((2.0 * (double)k - 1.0) * x * now - ((double)k - 1.0) * before) / (double)k;

    before = now;
    now    = next;
  }
  *slope = (double)n * (x * now - before) / (x * x - 1.0);
  return now;
}

void TpGaussLegendre(PetscInt n, double node[], double weight[])
{
  for (PetscInt k = 0; k < n; ++k) {
    double x = -cos(PETSC_PI * ((double)k + 0.75) / ((double)n + 0.5)), slope = 1.0;

    for (int i = 0; i < 20; ++i) x -= Legendre(n, x, &slope) / slope;
    (void)Legendre(n, x, &slope);
    node[k]   = 0.5 * (1.0 + x);
    weight[k] = n == 1 ? 1.0 : 1.0 / ((1.0 - x * x) * slope * slope);
  }
}

/* The integral over [0, 1] of the product over i != k, left_out of (t - node_i) / (node_k - node_i): Gauss and Legendre do it exactly. */
void TpInterpolatoryWeights(PetscInt n, const double node[], PetscInt left_out, double weight[])
{
  double place[256], share[256];

  TpGaussLegendre(PetscMin(n, 256), place, share);
  for (PetscInt k = 0; k < n; ++k) {
    weight[k] = 0.0;
    if (k == left_out) continue;
    for (PetscInt j = 0; j < PetscMin(n, 256); ++j) {
      double product = share[j];

      for (PetscInt i = 0; i < n; ++i)
        if (i != k && i != left_out) product *= (place[j] - node[i]) / (node[k] - node[i]);
      weight[k] += product;
    }
  }
}

void TpMeanWeight(PetscInt64 n, const double log_weight[], double *log_mean, double *error, double *effective)
{
  double highest = -INFINITY, sum = 0.0, squares = 0.0;

  for (PetscInt64 i = 0; i < n; ++i) highest = PetscMax(highest, log_weight[i]);
  for (PetscInt64 i = 0; i < n; ++i) {
    const double weight = exp(log_weight[i] - highest);

    sum += weight;
    squares += weight * weight;
  }
  *log_mean  = highest + log(sum / (double)n);
  *effective = sum * sum / squares;
  *error     = n > 1 ? sqrt(PetscMax(0.0, 1.0 / *effective - 1.0 / (double)n) * (double)n / (double)(n - 1)) : INFINITY;
}
