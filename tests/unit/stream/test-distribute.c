/* At a restart each replica gets its own state, bit for bit. */
#include "tempera/stream.h"
#include "test.h"

#include <string.h>

static PetscMPIInt rank, size;

static void FillState(PetscInt rung, TpState *state)
{
  state->walker = 50 - rung;
  state->energy = 1.0 / (rung + 3);
  TpRandomNormal(3, TP_RANDOM_TEST, (uint32_t)rung, 0, state->size, state->x);
  TpRandomNormal(4, TP_RANDOM_TEST, (uint32_t)rung, 0, state->size, state->v);
  for (int i = 0; i < 9; ++i) state->box[i] = i + 0.1 * rung;
}

static PetscErrorCode CheckSplit(int num_trainers, PetscInt state_size)
{
  const PetscInt packed_size = TpStatePackedSize(state_size);
  TpGroups       groups;
  TpState        state, expected;
  double        *states = NULL;

  PetscFunctionBeginUser;
  PetscCall(TpGroupsCreate(MPI_COMM_WORLD, size - num_trainers, num_trainers, TP_PLACEMENT_LAST, &groups));
  PetscCall(TpStateCreate(state_size, &state));
  PetscCall(TpStateCreate(state_size, &expected));
  if (!groups->is_replica && groups->group_rank == 0) {
    PetscCall(PetscMalloc1((size_t)groups->num_replicas * (size_t)packed_size, &states));
    for (PetscInt rung = 0; rung < groups->num_replicas; ++rung) {
      FillState(rung, &expected);
      TpStatePack(&expected, states + (size_t)rung * (size_t)packed_size);
    }
  }
  PetscCall(TpStreamDistributeStates(groups, state_size, states, groups->is_replica ? &state : NULL));
  if (groups->is_replica) {
    FillState(groups->group_rank, &expected);
    TpTestExpectEqual(state.walker, expected.walker);
    TpTestExpectClose(state.energy, expected.energy, 0);
    TpTestExpect(!memcmp(state.x, expected.x, sizeof(double) * (size_t)state_size));
    TpTestExpect(!memcmp(state.v, expected.v, sizeof(double) * (size_t)state_size));
    TpTestExpect(!memcmp(state.box, expected.box, sizeof(state.box)));
  }
  PetscCall(PetscFree(states));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpStateDestroy(&expected));
  PetscCall(TpGroupsDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  for (int num_trainers = 1; num_trainers < size; ++num_trainers) {
    TpTestCall(CheckSplit(num_trainers, 4));
    TpTestCall(CheckSplit(num_trainers, 90000));
  }
  return TpTestEnd();
}
