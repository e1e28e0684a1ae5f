/* The path from the Lennard-Jones fluid to the ideal gas, pairs with soft cores. */
#include "ti-impl.h"

#include <math.h>

/*
  A pair at one time: factor W(e), e = height 4 beta (a^2 - a), a = 1 / (soft + r^2)^3 or, without a network, 1 / (soft + r^6), W(e) = log(1 + cap e) / cap where e > 0. Each with its derivative
  in t. The variance tau^2 of the noise in a difference of two particles sets what is left of the pair: a core that the noise reaches into costs no more than
  some r^2 / tau^2, a well that is narrower than the noise is shallow.
*/
typedef struct {
  double factor, factor_slope;
  double height, height_slope;
  double soft, soft_slope;
  double cap, cap_slope;
} Pair;

/* The network: what it is multiplied by. */
typedef struct {
  double net, net_slope;
} Weight;

static Pair PairAt(TpPath path, double t)
{
  const double growth = log(path->settings.noise_max / path->settings.noise_min), length = path->settings.box_length;
  const double s = TpPathSigma(path, t), s_min = path->settings.noise_min;
  const double tau2 = 2.0 * length * length * (s * s - s_min * s_min), rate = 4.0 * length * length * s * s * growth;
  const double height = 1.0 / (1.0 + 4.0 * tau2);

  if (!path->net)
    return (Pair){.factor = 1.0 - t, .factor_slope = -1.0, .height = 1.0, .soft = 0.5 * t, .soft_slope = 0.5};
  return (Pair){.factor       = 1.0 - t,
                .factor_slope = -1.0,
                .height       = height,
                .height_slope = -4.0 * rate * height * height,
                .soft         = tau2,
                .soft_slope   = rate,
                .cap          = 30.0 * tau2,
                .cap_slope    = 30.0 * rate};
}

static Weight WeightAt(TpPath path, double t)
{
  const double growth = log(path->settings.noise_max / path->settings.noise_min), s = TpPathSigma(path, t);

  return (Weight){.net = t * (1.0 - t) / s, .net_slope = (1.0 - 2.0 * t - t * (1.0 - t) * growth) / s};
}

static void Coupling(TpPath path, double t, TpCoupling *coupling)
{
  const Weight weight = WeightAt(path, t);

  *coupling = (TpCoupling){.coupling = weight.net, .coupling_slope = weight.net_slope};
}

/* The difference of two coordinates in the unit cube, to the nearest image. Adding and taking away 1.5 2^52 rounds without a call that vector units lack. */
static inline double Nearest(double difference)
{
  const double shift = 0x1.8p52;

  return difference - ((difference + shift) - shift);
}

/*
  Particle i with all after it: e / (beta height) and its derivatives in r^2 and in the softness into `energy`, `slope` and `rate`, differences into d [3, n].
*/
static void Row(double length, double soft, PetscInt n, PetscInt i, const double *restrict place, double *restrict d,
                double *restrict energy, double *restrict slope, double *restrict rate)
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
    slope[j] = rate[j] = -12.0 * a * inverse * (2.0 * a - 1.0);
  }
}

/*
  The same of the classical path. Softened in r^6 a core keeps its width until it is shallow. Softened in r^2 it shrinks first, and a dense fluid of
  particles that are small but attract each other as far as before collapses, in the middle of the path.
*/
static void ClassicalRow(double length, double soft, PetscInt n, PetscInt i, const double *restrict place,
                         double *restrict d, double *restrict energy, double *restrict slope, double *restrict rate)
{
  const double x = place[i], y = place[n + i], z = place[2 * n + i], squared_length = length * length;

  for (PetscInt j = i + 1; j < n; ++j) {
    const double dx = Nearest(x - place[j]), dy = Nearest(y - place[n + j]), dz = Nearest(z - place[2 * n + j]);
    const double squared = squared_length * (dx * dx + dy * dy + dz * dz);
    const double a       = 1.0 / (soft + squared * squared * squared);

    d[j]         = dx;
    d[n + j]     = dy;
    d[2 * n + j] = dz;
    energy[j]    = 4.0 * a * (a - 1.0);
    rate[j]      = -4.0 * a * a * (2.0 * a - 1.0);
    slope[j]     = 3.0 * squared * squared * rate[j];
  }
}

/* W(e), its derivatives in e and in the cap. */
static void Cap(double e, double cap, double *value, double *slope, double *cap_slope)
{
  const double much = cap * e;

  *value     = e;
  *slope     = 1.0;
  *cap_slope = 0.0;
  if (e <= 0.0) return;
  *slope = 1.0 / (1.0 + much);
  if (much < 1e-5) { /* the difference of two nearly equal numbers, by its series */
    *value     = e * (1.0 - 0.5 * much);
    *cap_slope = -0.5 * e * e * (1.0 - 4.0 / 3.0 * much);
  } else {
    *value     = log1p(much) / cap;
    *cap_slope = (e * *slope - *value) / cap;
  }
}

/* From what Row() left of particle i: energies and d/dt added up; slope becomes that of W in r^2. */
static void CloseRow(const Pair *pair, double beta, PetscInt n, PetscInt i, const double energy[], const double rate[],
                     double slope[], double *u, double *d)
{
  const double scale = beta * pair->height;

  for (PetscInt j = i + 1; j < n; ++j) {
    const double e = scale * energy[j], e_slope = scale * slope[j];
    double       value, value_slope, cap_slope;

    Cap(e, pair->cap, &value, &value_slope, &cap_slope);
    slope[j] = pair->factor * value_slope * e_slope;
    *u += pair->factor * value;
    *d += pair->factor_slope * value +
          pair->factor * (value_slope * (scale * rate[j] * pair->soft_slope + beta * energy[j] * pair->height_slope) +
                          cap_slope * pair->cap_slope);
  }
}

/* Forces of particle i and of all after it by the slopes of their energies in r^2. */
static void AddForces(PetscInt n, PetscInt i, const double slope[], const double d[], double force[])
{
  for (PetscInt a = 0; a < 3; ++a) {
    double sum = 0.0;

    for (PetscInt j = i + 1; j < n; ++j) {
      const double pull = 2.0 * slope[j] * d[a * n + j];

      sum += pull;
      force[a * n + j] -= pull;
    }
    force[a * n + i] += sum;
  }
}

static PetscErrorCode Base(TpPath path, double t, const double y[], double *u, double g[], double *d)
{
  const PetscInt n      = path->size / 3;
  const double   length = path->settings.box_length;
  const Pair     pair   = PairAt(path, t);
  double        *place = path->work, *apart = path->work + 3 * n, *energy = apart + 3 * n, *slope = energy + n;
  double        *rate = path->work + 8 * n, *force = path->work + 9 * n;

  PetscFunctionBeginUser;
  *u = *d = 0.0;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < 3; ++a) {
      place[a * n + i] = y[3 * i + a];
      force[a * n + i] = 0.0;
    }
  for (PetscInt i = 0; i < n; ++i) {
    if (path->net)
      Row(length, pair.soft, n, i, place, apart, energy, slope, rate);
    else
      ClassicalRow(length, pair.soft, n, i, place, apart, energy, slope, rate);
    CloseRow(&pair, path->settings.beta, n, i, energy, rate, slope, u, d);
    AddForces(n, i, slope, apart, force);
  }
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < 3; ++a) g[3 * i + a] = force[a * n + i] * length * length;
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
