/* At a restart: each replica gets the state it goes on from. */
#include "tempera/stream.h"

static PetscErrorCode SendStates(TpGroups groups, PetscMPIInt packed_size, const double states[])
{
  MPI_Request *request;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(groups->num_replicas, &request));
  for (int i = 0; i < groups->num_replicas; ++i)
    PetscCallMPI(MPI_Isend(states + (size_t)i * (size_t)packed_size, packed_size, MPI_DOUBLE, groups->replica_rank[i],
                           TP_TAG_START, groups->world, &request[i]));
  PetscCall(TpWait(groups->num_replicas, request, NULL));
  PetscCall(PetscFree(request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReceiveState(TpGroups groups, PetscMPIInt packed_size, TpState *state)
{
  MPI_Request request;
  double     *packed;

  PetscFunctionBeginUser;
  PetscCheck(TpStatePackedSize(state->size) == packed_size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a state of %" PetscInt_FMT " coordinates", state->size);
  PetscCall(PetscMalloc1(packed_size, &packed));
  PetscCallMPI(
      MPI_Irecv(packed, packed_size, MPI_DOUBLE, groups->trainer_rank[0], TP_TAG_START, groups->world, &request));
  PetscCall(TpWait(1, &request, NULL));
  TpStateUnpack(packed, state);
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpStreamDistributeStates(TpGroups groups, PetscInt state_size, const double states[], TpState *state)
{
  PetscMPIInt packed_size;

  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(TpStatePackedSize(state_size), &packed_size));
  if (groups->is_replica)
    PetscCall(ReceiveState(groups, packed_size, state));
  else if (groups->group_rank == 0)
    PetscCall(SendStates(groups, packed_size, states));
  PetscFunctionReturn(PETSC_SUCCESS);
}
