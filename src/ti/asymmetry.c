/* How far the gradient of a path's network is from a gradient: not at all, but for rounding. */
#include "ti-impl.h"

/* `rows` rows of the configuration y0 with noise of time t on it, in the path's buffers. */
static void AddNoise(TpPath path, uint64_t seed, uint32_t id, uint64_t step, double t, const double y0[], PetscInt rows)
{
  const PetscInt size  = path->size;
  const double   alpha = TpPathAlpha(path, t), sigma = TpPathSigma(path, t);

  TpRandomNormal(seed, TP_RANDOM_ASYMMETRY_NOISE, id, step, size, path->z);
  for (PetscInt i = 0; i < rows; ++i) {
    path->t[i] = t;
    for (PetscInt k = 0; k < size; ++k) path->y[i * size + k] = alpha * y0[k] + sigma * path->z[k];
  }
  TpPathFold(path, rows, path->y);
}

/* Products of the Hessian with vectors u [num_vectors, size]: a network of points takes them together, one of particles each by itself. */
static PetscErrorCode Multiply(TpPath path, PetscInt num_vectors, const TpNumber u[], TpNumber product[])
{
  const PetscInt  size     = path->size;
  const PetscBool together = path->settings.kind == TP_PATH_GAUSSIAN ? PETSC_TRUE : PETSC_FALSE;
  TpNumber       *gradient; /* of the weights, which nobody wants */

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(TpNetworkNumParameters(path->net), &gradient));
  for (PetscInt first = 0; first < num_vectors; first += together ? num_vectors : 1)
    PetscCall(TpEnergyDirection(path->net, path->parameters, path->workspace, together ? num_vectors : size / 3,
                                u + first * size, gradient, product + first * size));
  PetscCall(PetscFree(gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathAsymmetry(TpPath path, uint64_t seed, uint32_t id, uint64_t step, PetscInt num_vectors, double t,
                               const double y0[], double squares[])
{
  const PetscInt size = path->size, rows = path->settings.kind == TP_PATH_GAUSSIAN ? num_vectors : 1;
  TpNumber      *u, *product;

  PetscFunctionBeginUser;
  PetscCheck(path->net && rows <= path->max_rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%d rows, room for %d, %s network", (int)rows, (int)path->max_rows, path->net ? "with a" : "no");
  PetscCall(PetscMalloc2(num_vectors * size, &u, num_vectors * size, &product));
  TpAsymmetryDraw(seed, id, step, num_vectors, size, u);
  AddNoise(path, seed, id, step, t, y0, rows);
  PetscCall(path->ops->network(path, rows, path->y, path->t));
  PetscCall(Multiply(path, num_vectors, u, product));
  TpAsymmetryNorms(num_vectors, size, u, product, squares);
  PetscCall(PetscFree2(u, product));
  PetscFunctionReturn(PETSC_SUCCESS);
}
