/* Hybrid Monte Carlo at one time of a path: it leaves exp(-beta U_t) as it is, whatever the step. */
#include "ti-impl.h"

#include <math.h>

PetscErrorCode TpWalkersCreate(TpPath path, PetscInt num_rows, TpWalkers *walkers)
{
  const PetscInt all = num_rows * path->size;

  PetscFunctionBeginUser;
  walkers->num_rows = num_rows;
  PetscCall(PetscMalloc4(all, &walkers->y, num_rows, &walkers->u, all, &walkers->g, num_rows, &walkers->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpWalkersDestroy(TpWalkers *walkers)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(walkers->y, walkers->u, walkers->g, walkers->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpWalkersEvaluate(TpPath path, double t, TpWalkers *walkers)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < walkers->num_rows; ++i) path->t[i] = t;
  PetscCall(TpPathEvaluate(path, walkers->num_rows, walkers->y, path->t, walkers->u, walkers->g, walkers->d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows under way: new places, energies and gradients. */
typedef struct {
  PetscInt size;
  double  *y, *v, *u, *g, *d, *step, *kinetic;
} Flight;

static void Begin(const Flight *flight, const TpWalkers *walkers, double length, uint64_t seed, uint32_t first_id,
                  uint64_t step)
{
  const PetscInt size = flight->size;

  for (PetscInt i = 0; i < walkers->num_rows; ++i) {
    double number;

    TpRandomUniform(seed, TP_RANDOM_PATH_LENGTH, first_id + (uint32_t)i, step, 1, &number);
    TpRandomNormal(seed, TP_RANDOM_PATH_VELOCITY, first_id + (uint32_t)i, step, size, flight->v + i * size);
    flight->step[i]    = length * exp(-number * log(4.0));
    flight->kinetic[i] = 0.0;
    for (PetscInt k = i * size; k < (i + 1) * size; ++k) {
      flight->kinetic[i] += 0.5 * flight->v[k] * flight->v[k];
      flight->y[k] = walkers->y[k];
      flight->g[k] = walkers->g[k];
    }
  }
}

static PetscErrorCode Leap(TpPath path, const Flight *flight, PetscInt B)
{
  const PetscInt size = flight->size;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < B; ++i)
    for (PetscInt k = i * size; k < (i + 1) * size; ++k) {
      flight->v[k] -= 0.5 * flight->step[i] * flight->g[k];
      flight->y[k] += flight->step[i] * flight->v[k];
    }
  TpPathFold(
      path, B,
      flight->y); /* before the energies, so that these are of the places that a checkpoint keeps, to the last bit */
  PetscCall(TpPathEvaluate(path, B, flight->y, path->t, flight->u, flight->g, flight->d));
  for (PetscInt i = 0; i < B; ++i)
    for (PetscInt k = i * size; k < (i + 1) * size; ++k) flight->v[k] -= 0.5 * flight->step[i] * flight->g[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row i lands, or stays; a place whose energy is no number is never taken. */
static PetscBool Land(const Flight *flight, TpWalkers *walkers, PetscInt i, double number)
{
  const PetscInt size   = flight->size;
  double         change = flight->u[i] - walkers->u[i] - flight->kinetic[i];

  for (PetscInt k = i * size; k < (i + 1) * size; ++k) change += 0.5 * flight->v[k] * flight->v[k];
  if (!(log(number) < -change) || !isfinite(flight->d[i])) return PETSC_FALSE;
  walkers->u[i] = flight->u[i];
  walkers->d[i] = flight->d[i];
  for (PetscInt k = i * size; k < (i + 1) * size; ++k) {
    walkers->y[k] = flight->y[k];
    walkers->g[k] = flight->g[k];
  }
  return PETSC_TRUE;
}

PetscErrorCode TpWalkersMove(TpPath path, double t, double length, PetscInt num_leaps, uint64_t seed, uint32_t first_id,
                             uint64_t step, TpWalkers *walkers, PetscInt64 *accepted)
{
  const PetscInt B      = walkers->num_rows;
  Flight         flight = {.size = path->size};

  PetscFunctionBeginUser;
  flight.y       = path->y;
  flight.v       = path->v;
  flight.g       = path->g;
  flight.u       = path->u;
  flight.d       = path->d;
  flight.step    = path->step;
  flight.kinetic = path->kinetic;
  PetscCheck(B <= path->max_rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d rows, room for %d", (int)B,
             (int)path->max_rows);
  for (PetscInt i = 0; i < B; ++i) path->t[i] = t;
  Begin(&flight, walkers, length, seed, first_id, step);
  for (PetscInt leap = 0; leap < num_leaps; ++leap) PetscCall(Leap(path, &flight, B));
  for (PetscInt i = 0; i < B; ++i) {
    double number;

    TpRandomUniform(seed, TP_RANDOM_PATH_DECISION, first_id + (uint32_t)i, step, 1, &number);
    const PetscBool lands = Land(&flight, walkers, i, number);

    if (accepted) *accepted += lands;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
