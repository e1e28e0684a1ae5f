/* A path of energies: buffers, coordinates, noise, and the sum of what is given and what a network adds. */
#include "ti-impl.h"

#include <math.h>
#include <string.h>

/* Of the noise of a path to a Gaussian: -2 ln alpha = B t + (C - B) t^2 / 2, so that alpha(1) = 0.018. */
static const double first_rate = 0.1;
static const double last_rate  = 15.9;

PetscErrorCode TpPathCreate(const TpPathSettings *settings, PetscInt max_rows, TpPath *path)
{
  TpPath new_path;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_path));
  new_path->ops       = settings->kind == TP_PATH_FLUID ? &tp_path_fluid : &tp_path_gaussian;
  new_path->settings  = *settings;
  new_path->size      = settings->size - (settings->centred ? 3 : 0);
  new_path->max_rows  = max_rows;
  const PetscInt size = new_path->size, all = max_rows * size;

  PetscCall(PetscMalloc2(size, &new_path->mean, size, &new_path->scale));
  for (PetscInt i = 0; i < size; ++i) {
    new_path->mean[i]  = settings->mean ? settings->mean[i] : 0.0;
    new_path->scale[i] = settings->scale ? settings->scale[i] : 1.0;
  }
  PetscCall(PetscMalloc3(settings->size, &new_path->x, settings->size, &new_path->gradient, 4 * settings->size + 12,
                         &new_path->work));
  PetscCall(PetscMalloc4(all, &new_path->y, all, &new_path->v, all, &new_path->g, all, &new_path->z));
  PetscCall(PetscMalloc5(max_rows, &new_path->u, max_rows, &new_path->d, max_rows, &new_path->t, max_rows,
                         &new_path->step, max_rows, &new_path->kinetic));
  PetscCall(PetscMalloc3(all, &new_path->net_x, all, &new_path->dx, all, &new_path->net_v));
  PetscCall(PetscMalloc4(max_rows, &new_path->net_t, max_rows, &new_path->net_c, max_rows, &new_path->e, max_rows,
                         &new_path->dt));
  *path = new_path;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathDestroy(TpPath *path)
{
  PetscFunctionBeginUser;
  if (!*path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*path)->mean, (*path)->scale));
  PetscCall(PetscFree3((*path)->x, (*path)->gradient, (*path)->work));
  PetscCall(PetscFree4((*path)->y, (*path)->v, (*path)->g, (*path)->z));
  PetscCall(PetscFree5((*path)->u, (*path)->d, (*path)->t, (*path)->step, (*path)->kinetic));
  PetscCall(PetscFree3((*path)->net_x, (*path)->dx, (*path)->net_v));
  PetscCall(PetscFree4((*path)->net_t, (*path)->net_c, (*path)->e, (*path)->dt));
  PetscCall(PetscFree(*path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathSetNetwork(TpPath path, TpNetwork network, TpWorkspace workspace, const TpNumber parameters[],
                                TpNumber condition)
{
  PetscFunctionBeginUser;
  path->net        = network;
  path->workspace  = workspace;
  path->parameters = parameters;
  path->condition  = condition;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpPathSize(TpPath path)
{
  return path->size;
}

void *TpPathContext(TpPath path)
{
  return path->settings.context;
}

double TpPathAlpha(TpPath path, double t)
{
  if (path->settings.kind == TP_PATH_FLUID) return 1.0;
  return exp(-0.5 * (first_rate * t + 0.5 * (last_rate - first_rate) * t * t));
}

double TpPathSigma(TpPath path, double t)
{
  const TpPathSettings *settings = &path->settings;

  if (settings->kind == TP_PATH_FLUID) return settings->noise_min * pow(settings->noise_max / settings->noise_min, t);
  return sqrt(-expm1(-(first_rate * t + 0.5 * (last_rate - first_rate) * t * t)));
}

void TpPathFold(TpPath path, PetscInt B, double y[])
{
  if (path->settings.kind != TP_PATH_FLUID) return;
  for (PetscInt i = 0; i < B * path->size; ++i) y[i] -= floor(y[i]);
}

void TpPathDraw(TpPath path, uint64_t seed, uint32_t id, uint64_t step, double y[])
{
  if (path->settings.kind == TP_PATH_FLUID)
    TpRandomUniform(seed, TP_RANDOM_SAMPLE_START, id, step, path->size, y);
  else
    TpRandomNormal(seed, TP_RANDOM_SAMPLE_START, id, step, path->size, y);
}

PetscErrorCode TpPathEvaluate(TpPath path, PetscInt B, const double y[], const double t[], double u[], double g[],
                              double d[])
{
  const PetscInt size = path->size;

  PetscFunctionBeginUser;
  PetscCheck(B <= path->max_rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d rows, room for %d", (int)B,
             (int)path->max_rows);
  for (PetscInt i = 0; i < B; ++i) PetscCall(path->ops->base(path, t[i], y + i * size, &u[i], g + i * size, &d[i]));
  if (!path->net) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(path->ops->network(path, B, y, t));
  for (PetscInt i = 0; i < B; ++i) {
    TpCoupling here;

    path->ops->coupling(path, t[i], &here);
    u[i] += here.coupling * (double)path->e[i];
    d[i] += here.coupling * (double)path->dt[i] + here.coupling_slope * (double)path->e[i];
    for (PetscInt k = i * size; k < (i + 1) * size; ++k) g[k] += here.coupling * (double)path->dx[k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
