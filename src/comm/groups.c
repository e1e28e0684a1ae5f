/* The two groups of ranks: who simulates, who trains. */
#include "tempera/comm.h"

void TpGroupsPlace(int size, const int node[], int num_trainers, TpPlacement placement, PetscBool is_trainer[])
{
  for (int i = 0; i < size; ++i)
    is_trainer[i] = placement == TP_PLACEMENT_LAST && i >= size - num_trainers ? PETSC_TRUE : PETSC_FALSE;
  if (placement == TP_PLACEMENT_LAST) return;

  for (int num_placed = 0; num_placed < num_trainers;) {
    for (int first = 0; first < size && num_placed < num_trainers; ++first) {
      int last = size - 1;

      if (node[first] != first) continue; /* each node once, by its lowest rank */
      while (last >= 0 && (node[last] != first || is_trainer[last])) --last;
      if (last < 0) continue; /* this node is used up */
      is_trainer[last] = PETSC_TRUE;
      ++num_placed;
    }
  }
}

/* The lowest rank of `comm` on each rank's node, [size]. */
static PetscErrorCode FindNodes(MPI_Comm comm, int node[])
{
  MPI_Comm local;
  int      lowest;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &lowest));
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, lowest, MPI_INFO_NULL, &local));
  PetscCallMPI(MPI_Bcast(&lowest, 1, MPI_INT, 0, local));
  PetscCallMPI(MPI_Comm_free(&local));
  PetscCallMPI(MPI_Allgather(&lowest, 1, MPI_INT, node, 1, MPI_INT, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fill replica_rank and trainer_rank: both in the order of world ranks. */
static PetscErrorCode AssignRanks(TpGroups groups, TpPlacement placement)
{
  const int  size = groups->num_replicas + groups->num_trainers;
  int       *node, num_replicas = 0, num_trainers = 0;
  PetscBool *is_trainer;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(size, &node, size, &is_trainer));
  PetscCall(FindNodes(groups->world, node));
  TpGroupsPlace(size, node, groups->num_trainers, placement, is_trainer);
  for (int i = 0; i < size; ++i) {
    if (is_trainer[i])
      groups->trainer_rank[num_trainers++] = i;
    else
      groups->replica_rank[num_replicas++] = i;
  }
  groups->is_replica = is_trainer[groups->world_rank] ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(PetscFree2(node, is_trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SplitGroups(TpGroups groups)
{
  MPI_Comm local;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_split(groups->world, groups->is_replica ? 0 : 1, groups->world_rank, &groups->group));
  PetscCallMPI(MPI_Comm_rank(groups->group, &groups->group_rank));
  PetscCallMPI(MPI_Comm_split_type(groups->group, MPI_COMM_TYPE_SHARED, groups->group_rank, MPI_INFO_NULL, &local));
  PetscCallMPI(MPI_Comm_rank(local, &groups->local_rank));
  PetscCallMPI(MPI_Comm_free(&local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGroupsCreate(MPI_Comm comm, int num_replicas, int num_trainers, TpPlacement placement,
                              TpGroups *groups)
{
  int size;

  PetscFunctionBeginUser;
  *groups = NULL;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  TpCheckInput(num_replicas >= 0, "number of replicas is %d; allowed: 0 or more", num_replicas);
  TpCheckInput(num_trainers >= 0, "number of trainers is %d; allowed: 0 or more", num_trainers);
  TpCheckInput(size == num_replicas + num_trainers,
               "number of ranks is %d, but %d rungs need %d replica ranks and there %s %d trainer rank%s; start with: "
               "mpirun -n %d",
               size, num_replicas, num_replicas, num_trainers == 1 ? "is" : "are", num_trainers,
               num_trainers == 1 ? "" : "s", num_replicas + num_trainers);

  PetscCall(PetscNew(groups));
  (*groups)->num_replicas = num_replicas;
  (*groups)->num_trainers = num_trainers;
  PetscCall(PetscMalloc2(num_replicas, &(*groups)->replica_rank, num_trainers, &(*groups)->trainer_rank));
  PetscCallMPI(MPI_Comm_dup(comm, &(*groups)->world));
  PetscCallMPI(MPI_Comm_rank((*groups)->world, &(*groups)->world_rank));
  PetscCall(AssignRanks(*groups, placement));
  PetscCall(SplitGroups(*groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGroupsDestroy(TpGroups *groups)
{
  PetscFunctionBeginUser;
  if (!*groups) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_free(&(*groups)->group));
  PetscCallMPI(MPI_Comm_free(&(*groups)->world));
  PetscCall(PetscFree2((*groups)->replica_rank, (*groups)->trainer_rank));
  PetscCall(PetscFree(*groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}
