/* Learning: the parameter gradient of |sigma grad beta U_t - z|^2, which is that of a directional derivative of the network. */
#include "ti-impl.h"

/* Row i: its time, its noise, and the configuration with the noise on it. */
static void AddNoise(TpPath path, uint64_t seed, uint64_t step, uint32_t slot, const double y0[], PetscInt i)
{
  const PetscInt size = path->size;
  double        *y = path->y + i * size, *z = path->z + i * size;

  TpRandomUniform(seed, TP_RANDOM_DIFFUSION_TIME, slot, step, 1, &path->t[i]);
  TpRandomNormal(seed, TP_RANDOM_DIFFUSION_NOISE, slot, step, size, z);
  const double alpha = TpPathAlpha(path, path->t[i]), sigma = TpPathSigma(path, path->t[i]);

  for (PetscInt k = 0; k < size; ++k) y[k] = alpha * y0[k] + sigma * z[k];
  TpPathFold(path, 1, y);
}

/* v: what the parameter gradient of the loss is the directional derivative along; the loss of row i. */
static double Direction(TpPath path, PetscInt i)
{
  const PetscInt size  = path->size;
  const double   sigma = TpPathSigma(path, path->t[i]);
  TpCoupling     here;
  double         loss = 0.0;

  path->ops->coupling(path, path->t[i], &here);
  for (PetscInt k = i * size; k < (i + 1) * size; ++k) {
    const double difference = sigma * path->g[k] - path->z[k];

    loss += difference * difference / (double)size;
    path->v[k] = 2.0 * sigma * here.coupling * difference / (double)size;
  }
  return loss;
}

/* All rows at once by a network of points; of particles it takes one configuration at a time. */
static PetscErrorCode AddGradient(TpPath path, PetscInt B, TpNumber gradient[])
{
  const PetscInt size = path->size;

  PetscFunctionBeginUser;
  if (path->settings.kind == TP_PATH_GAUSSIAN) {
    for (PetscInt k = 0; k < B * size; ++k) path->net_v[k] = (TpNumber)path->v[k];
    PetscCall(TpEnergyDirection(path->net, path->parameters, path->workspace, B, path->net_v, gradient, NULL));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt k = 0; k < size; ++k) path->net_v[k] = (TpNumber)(path->settings.box_length * path->v[k]);
  PetscCall(TpEnergyDirection(path->net, path->parameters, path->workspace, size / 3, path->net_v, gradient, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathLearn(TpPath path, uint64_t seed, uint64_t step, uint32_t first_slot, PetscInt B,
                           const double y0[], double *loss, TpNumber gradient[])
{
  const PetscInt size = path->size, together = path->settings.kind == TP_PATH_GAUSSIAN ? B : 1;

  PetscFunctionBeginUser;
  PetscCheck(together <= path->max_rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d rows, room for %d", (int)B,
             (int)path->max_rows);
  *loss = 0.0;
  for (PetscInt first = 0; first < B; first += together) {
    for (PetscInt i = 0; i < together; ++i)
      AddNoise(path, seed, step, first_slot + (uint32_t)(first + i), y0 + (first + i) * size, i);
    PetscCall(TpPathEvaluate(path, together, path->y, path->t, path->u, path->g, path->d));
    for (PetscInt i = 0; i < together; ++i) *loss += Direction(path, i);
    PetscCall(AddGradient(path, together, gradient));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
