/* A configuration that travels between rungs. */
#include "tempera/base.h"

#include <math.h>
#include <string.h>

enum {
  PACKED_WALKER, /* a walker's number is far below 2^53: exact as a double */
  PACKED_ENERGY,
  PACKED_BOX,
  PACKED_X = PACKED_BOX + 9,
};

PetscErrorCode TpStateCreate(PetscInt size, TpState *state)
{
  PetscFunctionBeginUser;
  *state = (TpState){.size = size};
  PetscCall(PetscCalloc2(size, &state->x, size, &state->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpStateDestroy(TpState *state)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(state->x, state->v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpStateCopy(const TpState *from, TpState *to)
{
  PetscFunctionBeginUser;
  PetscCheck(from->size == to->size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "states of %" PetscInt_FMT " and %" PetscInt_FMT " coordinates", from->size, to->size);
  to->walker = from->walker;
  to->energy = from->energy;
  memcpy(to->box, from->box, sizeof(to->box));
  PetscCall(PetscArraycpy(to->x, from->x, from->size));
  PetscCall(PetscArraycpy(to->v, from->v, from->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpStatePackedSize(PetscInt size)
{
  return PACKED_X + 2 * size;
}

void TpStatePack(const TpState *state, double packed[])
{
  const size_t bytes = (size_t)state->size * sizeof(double);

  packed[PACKED_WALKER] = (double)state->walker;
  packed[PACKED_ENERGY] = state->energy;
  memcpy(packed + PACKED_BOX, state->box, sizeof(state->box));
  memcpy(packed + PACKED_X, state->x, bytes);
  memcpy(packed + PACKED_X + state->size, state->v, bytes);
}

void TpStateUnpack(const double packed[], TpState *state)
{
  const size_t bytes = (size_t)state->size * sizeof(double);

  state->walker = (PetscInt64)packed[PACKED_WALKER];
  state->energy = packed[PACKED_ENERGY];
  memcpy(state->box, packed + PACKED_BOX, sizeof(state->box));
  memcpy(state->x, packed + PACKED_X, bytes);
  memcpy(state->v, packed + PACKED_X + state->size, bytes);
}

static PetscBool AllFinite(PetscInt count, const double numbers[])
{
  for (PetscInt i = 0; i < count; ++i)
    if (!isfinite(numbers[i])) return PETSC_FALSE;
  return PETSC_TRUE;
}

PetscBool TpStateIsFinite(const TpState *state)
{
  return isfinite(state->energy) && AllFinite(9, state->box) && AllFinite(state->size, state->x) &&
                 AllFinite(state->size, state->v)
             ? PETSC_TRUE
             : PETSC_FALSE;
}
