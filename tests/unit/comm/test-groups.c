/* Groups: placement as a pure function over pretended nodes, and the communicators for every split of the ranks there are. */
#include "tempera/comm.h"
#include "test.h"

enum { MAX_RANKS = 16 };

/* `expected`: one letter per rank, T trainer, R replica. */
static void CheckPlace(int size, const int node[], int num_trainers, TpPlacement placement, const char *expected)
{
  PetscBool is_trainer[MAX_RANKS];

  TpGroupsPlace(size, node, num_trainers, placement, is_trainer);
  for (int i = 0; i < size; ++i)
    TpTestExpectThat(is_trainer[i] == (expected[i] == 'T' ? PETSC_TRUE : PETSC_FALSE), "rank %d of %s with %d trainers",
                     i, expected, num_trainers);
}

static void CheckPlacement(void)
{
  const int one_node[]    = {0, 0, 0, 0, 0};
  const int three_nodes[] = {0, 0, 0, 3, 3, 3, 6, 6, 6};
  const int by_turns[]    = {0, 1, 0, 1, 0, 1};
  const int uneven[]      = {0, 1, 1, 1, 1};

  CheckPlace(5, one_node, 2, TP_PLACEMENT_LAST, "RRRTT");
  CheckPlace(5, one_node, 2, TP_PLACEMENT_SPREAD, "RRRTT");
  CheckPlace(9, three_nodes, 3, TP_PLACEMENT_LAST, "RRRRRRTTT");
  CheckPlace(9, three_nodes, 1, TP_PLACEMENT_SPREAD, "RRTRRRRRR");
  CheckPlace(9, three_nodes, 3, TP_PLACEMENT_SPREAD, "RRTRRTRRT");
  CheckPlace(9, three_nodes, 5, TP_PLACEMENT_SPREAD, "RTTRTTRRT");
  CheckPlace(6, by_turns, 2, TP_PLACEMENT_SPREAD, "RRRRTT");
  CheckPlace(5, uneven, 3, TP_PLACEMENT_SPREAD, "TRRTT");
}

static PetscErrorCode CheckSplit(int num_replicas, int num_trainers, TpPlacement placement)
{
  TpGroups groups;
  int      rank, group_rank, group_size, comparison;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  PetscCall(TpGroupsCreate(MPI_COMM_WORLD, num_replicas, num_trainers, placement, &groups));
  PetscCallMPI(MPI_Comm_rank(groups->group, &group_rank));
  PetscCallMPI(MPI_Comm_size(groups->group, &group_size));
  PetscCallMPI(MPI_Comm_compare(groups->world, MPI_COMM_WORLD, &comparison));
  TpTestExpectEqual(comparison, MPI_CONGRUENT);
  TpTestExpectEqual(groups->world_rank, rank);
  TpTestExpectEqual(groups->group_rank, group_rank);
  TpTestExpectEqual(groups->local_rank, group_rank); /* the tests run on one node */
  TpTestExpectEqual(groups->is_replica, rank < num_replicas);
  TpTestExpectEqual(group_size, groups->is_replica ? num_replicas : num_trainers);
  TpTestExpectEqual(groups->is_replica ? groups->replica_rank[group_rank] : groups->trainer_rank[group_rank], rank);
  for (int i = 0; i < num_replicas; ++i) TpTestExpectEqual(groups->replica_rank[i], i);
  for (int i = 0; i < num_trainers; ++i) TpTestExpectEqual(groups->trainer_rank[i], num_replicas + i);
  PetscCall(TpGroupsDestroy(&groups));
  TpTestExpect(groups == NULL);
  PetscCall(TpGroupsDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpGroups groups;
  int      size;
  char     command[64];

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  CheckPlacement();
  for (int num_trainers = 0; num_trainers < size; ++num_trainers) { /* none: a pilot */
    TpTestCall(CheckSplit(size - num_trainers, num_trainers, TP_PLACEMENT_LAST));
    TpTestCall(CheckSplit(size - num_trainers, num_trainers, TP_PLACEMENT_SPREAD));
  }
  snprintf(command, sizeof(command), "mpirun -n %d", size + 1);
  TpTestExpectInputError(TpGroupsCreate(MPI_COMM_WORLD, size, 1, TP_PLACEMENT_LAST, &groups), command);
  snprintf(command, sizeof(command), "mpirun -n %d", size - 1 + 3);
  TpTestExpectInputError(TpGroupsCreate(MPI_COMM_WORLD, size - 1, 3, TP_PLACEMENT_SPREAD, &groups), command);
  TpTestExpectInputError(TpGroupsCreate(MPI_COMM_WORLD, size + 1, -1, TP_PLACEMENT_LAST, &groups), "trainers is -1");
  TpTestExpectInputError(TpGroupsCreate(MPI_COMM_WORLD, -1, size + 1, TP_PLACEMENT_LAST, &groups), "replicas is -1");
  return TpTestEnd();
}
