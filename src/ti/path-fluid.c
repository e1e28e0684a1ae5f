/* The path from the Lennard-Jones fluid to the ideal gas, pairs with soft cores. */
#include "ti-impl.h"

#include <math.h>

/* How much of the pairs is left, and of the network; derivatives in t. */
typedef struct {
  double pairs, pairs_slope;
  double net, net_slope;
} Weights;

static Weights WeightsAt(TpPath path, double t)
{
  const double growth = log(path->settings.noise_max / path->settings.noise_min);
  const double s = TpPathSigma(path, t), faded = path->settings.noise_min / s;

  if (!path->net) return (Weights){.pairs = 1.0 - t, .pairs_slope = -1.0};
  return (Weights){.pairs       = (1.0 - t) * faded,
                   .pairs_slope = -faded * (1.0 + (1.0 - t) * growth),
                   .net         = t * (1.0 - t) / s,
                   .net_slope   = (1.0 - 2.0 * t - t * (1.0 - t) * growth) / s};
}

static void Coupling(TpPath path, double t, TpCoupling *coupling)
{
  const Weights weights = WeightsAt(path, t);

  *coupling = (TpCoupling){.coupling = weights.net, .coupling_slope = weights.net_slope};
}

/* The difference of two coordinates in the unit cube, to the nearest image. Adding and taking away 1.5 2^52 rounds without a call that vector units lack. */
static inline double Nearest(double difference)
{
  const double shift = 0x1.8p52;

  return difference - ((difference + shift) - shift);
}

/* Particle i with all after it: energies and their derivative in r^2 into `energy` and `slope`, differences into d [3, n]. */
static void Row(double length, double soft, PetscInt n, PetscInt i, const double *restrict place, double *restrict d,
                double *restrict energy, double *restrict slope)
{
  const double x = place[i], y = place[n + i], z = place[2 * n + i], squared_length = length * length;

  for (PetscInt j = i + 1; j < n; ++j) {
    const double dx = Nearest(x - place[j]), dy = Nearest(y - place[n + j]), dz = Nearest(z - place[2 * n + j]);
    const double inverse = 1.0 / (soft + squared_length * (dx * dx + dy * dy + dz * dz));
    const double a       = inverse * inverse * inverse;

    d[j]         = dx;
    d[n + j]     = dy;
    d[2 * n + j] = dz;
    energy[j]    = 4.0 * a * (a - 1.0);
    slope[j]     = -12.0 * a * inverse * (2.0 * a - 1.0);
  }
}

/* The sum over pairs of 4 (a^2 - a), a = 1 / (soft + r^2)^3: energy, gradient in y, derivative in soft. */
static void Pairs(TpPath path, double soft, const double y[], double *energy, double g[], double *soft_slope)
{
  const PetscInt n      = path->size / 3;
  const double   length = path->settings.box_length;
  double        *place = path->work, *d = path->work + 3 * n, *e = d + 3 * n, *slope = e + n;
  double        *force = path->work + 8 * n;

  *energy = *soft_slope = 0.0;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < 3; ++a) {
      place[a * n + i] = y[3 * i + a];
      force[a * n + i] = 0.0;
    }
  for (PetscInt i = 0; i < n; ++i) {
    Row(length, soft, n, i, place, d, e, slope);
    for (PetscInt a = 0; a < 3; ++a) {
      double sum = 0.0;

      for (PetscInt j = i + 1; j < n; ++j) {
        const double pull = 2.0 * slope[j] * d[a * n + j];

        sum += pull;
        force[a * n + j] -= pull;
      }
      force[a * n + i] += sum;
    }
    for (PetscInt j = i + 1; j < n; ++j) {
      *energy += e[j];
      *soft_slope += slope[j];
    }
  }
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < 3; ++a) g[3 * i + a] = force[a * n + i] * length * length;
}

static PetscErrorCode Base(TpPath path, double t, const double y[], double *u, double g[], double *d)
{
  const Weights weights = WeightsAt(path, t);
  const double  beta    = path->settings.beta;
  double        energy, slope;

  PetscFunctionBeginUser;
  Pairs(path, t, y, &energy, g, &slope);
  for (PetscInt i = 0; i < path->size; ++i) g[i] *= beta * weights.pairs;
  *u = beta * weights.pairs * energy;
  *d = beta * (weights.pairs_slope * energy + weights.pairs * slope);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One configuration after the other; the network knows lengths, not units of the box. */
static PetscErrorCode Network(TpPath path, PetscInt B, const double y[], const double t[])
{
  const double length = path->settings.box_length;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B; ++i) {
    TpNumber *dx = path->dx + i * path->size;

    for (PetscInt k = 0; k < path->size; ++k) path->net_x[k] = (TpNumber)(length * y[i * path->size + k]);
    path->net_t[0] = (TpNumber)t[i];
    PetscCall(TpEnergyEvaluate(path->net, path->parameters, path->workspace, path->size / 3, path->net_x, path->net_t,
                               &path->condition, &path->e[i], dx, &path->dt[i]));
    for (PetscInt k = 0; k < path->size; ++k) dx[k] *= (TpNumber)length;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPathOps tp_path_fluid = {.coupling = Coupling, .base = Base, .network = Network};
