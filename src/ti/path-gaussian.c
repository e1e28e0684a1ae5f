/* The path from any potential to a standard normal distribution. */
#include "ti-impl.h"

#include <math.h>

/*
  c in soft(u): energies above 1 / (c t^2) count by their logarithm, as walls do that the noise reaches into. Of free particles on a learned path c t^2 is about
  30 times the variance of the noise: where the noise is small, their cores would else cost more than any network makes up for. The classical path has nothing
  that makes up for so sudden a beginning, and few windows.
*/
static const double softening = 3.0, softening_of_cores = 240.0;

static double Softening(TpPath path)
{
  return path->net && path->settings.centred ? softening_of_cores : softening;
}

/* --------------------------------------------------------------------------------------------------------- coordinates */

/* Orthonormal coordinates of free particles without their centre: (sum of the first k - k x_k+1) / sqrt(k (k + 1)). */
static void TakeCentre(PetscInt num_particles, const double x[], double y[])
{
  double sum[3] = {0, 0, 0};

  for (PetscInt k = 1; k < num_particles; ++k) {
    const double norm = 1.0 / sqrt((double)k * (double)(k + 1));

    for (PetscInt a = 0; a < 3; ++a) {
      sum[a] += x[3 * (k - 1) + a];
      y[3 * (k - 1) + a] = norm * (sum[a] - (double)k * x[3 * k + a]);
    }
  }
}

/* Its transpose: particles around their centre. */
static void GiveCentre(PetscInt num_particles, const double y[], double x[])
{
  double sum[3] = {0, 0, 0};

  for (PetscInt k = num_particles - 1; k >= 1; --k) {
    const double norm = 1.0 / sqrt((double)k * (double)(k + 1));

    for (PetscInt a = 0; a < 3; ++a) {
      x[3 * k + a] = sum[a] - norm * (double)k * y[3 * (k - 1) + a];
      sum[a] += norm * y[3 * (k - 1) + a];
    }
  }
  for (PetscInt a = 0; a < 3; ++a) x[a] = sum[a];
}

void TpPathFromEngine(TpPath path, const double x[], double y[])
{
  const PetscInt size = path->size;

  if (path->settings.kind == TP_PATH_FLUID) {
    for (PetscInt i = 0; i < size; ++i) y[i] = x[i] / path->settings.box_length;
    TpPathFold(path, 1, y);
    return;
  }
  if (path->settings.centred)
    TakeCentre(path->settings.size / 3, x, y);
  else
    for (PetscInt i = 0; i < size; ++i) y[i] = x[i];
  for (PetscInt i = 0; i < size; ++i) y[i] = (y[i] - path->mean[i]) / path->scale[i];
}

void TpPathToEngine(TpPath path, const double y[], double x[])
{
  const PetscInt size = path->size;

  if (path->settings.kind == TP_PATH_FLUID) {
    for (PetscInt i = 0; i < size; ++i) x[i] = y[i] * path->settings.box_length;
  } else if (path->settings.centred) {
    for (PetscInt i = 0; i < size; ++i) path->gradient[i] = path->mean[i] + path->scale[i] * y[i];
    GiveCentre(path->settings.size / 3, path->gradient, x);
  } else {
    for (PetscInt i = 0; i < size; ++i) x[i] = path->mean[i] + path->scale[i] * y[i];
  }
}

double TpPathLogReference(TpPath path)
{
  double sum = 0.0;

  if (path->settings.kind == TP_PATH_FLUID) return 0.0;
  for (PetscInt i = 0; i < path->size; ++i) sum += log(path->scale[i]) + 0.5 * log(2.0 * PETSC_PI);
  return sum;
}

/* -------------------------------------------------------------------------------------------------------------- energy */

static void Coupling(TpPath path, double t, TpCoupling *coupling)
{
  (void)path;
  *coupling = (TpCoupling){.coupling = t * (1.0 - t), .coupling_slope = 1.0 - 2.0 * t};
}

/* soft(u), its derivatives in u and t. */
static void Soften(double c, double u, double t, double *soft, double *slope, double *rate)
{
  const double much = c * t * t * u;

  *soft  = u;
  *slope = 1.0;
  *rate  = 0.0;
  if (u <= 0.0) return;
  *slope = 1.0 / (1.0 + much);
  if (much < 1e-5) { /* the difference of two nearly equal numbers, by its series */
    *soft = u * (1.0 - 0.5 * much);
    *rate = -c * t * u * u * (1.0 - 4.0 / 3.0 * much);
  } else {
    *soft = log1p(much) / (c * t * t);
    *rate = 2.0 * (u * *slope - *soft) / t;
  }
}

static PetscErrorCode Base(TpPath path, double t, const double y[], double *u, double g[], double *d)
{
  const double weight = pow(1.0 - t * t, 4.0), decline = -8.0 * t * pow(1.0 - t * t, 3.0);
  double       energy, soft, slope, rate, square = 0.0;

  PetscFunctionBeginUser;
  TpPathToEngine(path, y, path->x);
  PetscCall(path->settings.potential(path->settings.context, path->x, &energy, path->gradient));
  Soften(Softening(path), energy - path->settings.lowest, t, &soft, &slope, &rate);
  if (path->settings.centred)
    TakeCentre(path->settings.size / 3, path->gradient, g);
  else
    for (PetscInt i = 0; i < path->size; ++i) g[i] = path->gradient[i];
  for (PetscInt i = 0; i < path->size; ++i) {
    g[i] = weight * slope * path->scale[i] * g[i] + (1.0 - weight) * y[i];
    square += y[i] * y[i];
  }
  /* at t = 1 nothing is left of the potential, be it infinite */
  if (t == 1.0)
    for (PetscInt i = 0; i < path->size; ++i) g[i] = y[i];
  *u = (t == 1.0 ? 0.0 : weight * (path->settings.lowest + soft)) + 0.5 * (1.0 - weight) * square;
  *d = (t == 1.0 ? 0.0 : decline * (path->settings.lowest + soft) + weight * rate) - 0.5 * decline * square;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Network(TpPath path, PetscInt B, const double y[], const double t[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B * path->size; ++i) path->net_x[i] = (TpNumber)y[i];
  for (PetscInt i = 0; i < B; ++i) {
    path->net_t[i] = (TpNumber)t[i];
    path->net_c[i] = path->condition;
  }
  PetscCall(TpEnergyEvaluate(path->net, path->parameters, path->workspace, B, path->net_x, path->net_t, path->net_c,
                             path->e, path->dx, path->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPathOps tp_path_gaussian = {.coupling = Coupling, .base = Base, .network = Network};
