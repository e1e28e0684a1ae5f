/* States: packed and copied bit for bit; what is not finite is seen. */
#include "test.h"

#include <math.h>
#include <string.h>

#define SIZE 7

/* Numbers whose bits are easily lost: minus zero, the smallest, the largest, an inexact third. */
static void Fill(TpState *state)
{
  static const double hard[] = {-0.0, 5e-324, -1.7976931348623157e308, 1.0 / 3.0, 0x1.fffffffffffffp-1};

  state->walker = 123456789;
  state->energy = -1.0 / 3.0;
  for (int i = 0; i < SIZE; ++i) {
    state->x[i] = hard[i % 5];
    state->v[i] = i + 1.0 / 7.0;
  }
  for (int i = 0; i < 9; ++i) state->box[i] = i + 0.1;
}

static void ExpectSameBits(const TpState *a, const TpState *b)
{
  TpTestExpectEqual(a->size, b->size);
  TpTestExpectEqual(a->walker, b->walker);
  TpTestExpect(!memcmp(&a->energy, &b->energy, sizeof(double)));
  TpTestExpect(!memcmp(a->x, b->x, SIZE * sizeof(double)));
  TpTestExpect(!memcmp(a->v, b->v, SIZE * sizeof(double)));
  TpTestExpect(!memcmp(a->box, b->box, sizeof(a->box)));
}

static PetscErrorCode CheckCopies(void)
{
  TpState a, b, c;
  double  packed[64];

  PetscFunctionBeginUser;
  PetscCall(TpStateCreate(SIZE, &a));
  PetscCall(TpStateCreate(SIZE, &b));
  PetscCall(TpStateCreate(SIZE, &c));
  for (int i = 0; i < SIZE; ++i) TpTestExpect(a.x[i] == 0.0 && a.v[i] == 0.0);
  Fill(&a);
  PetscCall(TpStateCopy(&a, &b));
  ExpectSameBits(&a, &b);

  TpTestExpectEqual(TpStatePackedSize(SIZE), 1 + 1 + 9 + 2 * SIZE);
  packed[TpStatePackedSize(SIZE)] = 42.0;
  TpStatePack(&a, packed);
  TpTestExpect(packed[TpStatePackedSize(SIZE)] == 42.0);
  TpStateUnpack(packed, &c);
  ExpectSameBits(&a, &c);
  PetscCall(TpStateDestroy(&a));
  PetscCall(TpStateDestroy(&b));
  PetscCall(TpStateDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every number is looked at: the energy, each coordinate, velocity and edge. */
static PetscErrorCode CheckFinite(void)
{
  TpState state;
  double  packed[64];

  PetscFunctionBeginUser;
  PetscCall(TpStateCreate(SIZE, &state));
  Fill(&state);
  TpTestExpect(TpStateIsFinite(&state));
  for (PetscInt i = 1; i < TpStatePackedSize(SIZE); ++i) {
    for (int sign = -1; sign <= 1; ++sign) {
      Fill(&state);
      TpStatePack(&state, packed);
      packed[i] = sign ? sign * (double)INFINITY : (double)NAN;
      TpStateUnpack(packed, &state);
      TpTestExpectThat(!TpStateIsFinite(&state), "packed number %d is %g and was not seen", (int)i, packed[i]);
    }
  }
  PetscCall(TpStateDestroy(&state));
  TpTestExpect(!state.x && !state.v);
  PetscCall(TpStateDestroy(&state)); /* zeros are fine */
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(CheckCopies());
  TpTestCall(CheckFinite());
  return TpTestEnd();
}
