/* A sum over shards whose bits do not depend on which rank owns which shard. */
#include "tempera/comm.h"

enum { MAX_LEVELS = 31 }; /* num_shards is an int */

/*
  Each rank owns consecutive shards, so at each level of the tree at most one of its shards is added to another rank's, and at most
  one of another rank's to its own.
*/
typedef struct {
  int    stride;
  int    receiver; /* rank that my shard `sent` goes to, -1: none at this level */
  int    sent;
  int    sender; /* rank that `buffer` comes from, to be added to my shard `target`; -1: none */
  int    target;
  float *buffer; /* [length], NULL if there is no sender */
} Level;

struct TpTree_ {
  MPI_Comm    comm;
  PetscMPIInt length;
  int         num_shards;
  int         first, count; /* shards owned here */
  int         parent;       /* rank that the total comes from, -1: this rank makes it */
  int         num_children;
  int         child[MAX_LEVELS];
  int         num_levels;
  Level       level[MAX_LEVELS];
};

void TpTreeOwned(int num_shards, int num_ranks, int rank, int *first, int *count)
{
  *first = (int)((int64_t)num_shards * rank / num_ranks);
  *count = (int)((int64_t)num_shards * (rank + 1) / num_ranks) - *first;
}

int TpTreeOwner(int num_shards, int num_ranks, int shard)
{
  return (int)((((int64_t)shard + 1) * num_ranks - 1) / num_shards);
}

static PetscErrorCode PlanLevel(TpTree tree, int stride, int rank, int size)
{
  Level *level = &tree->level[tree->num_levels++];

  PetscFunctionBeginUser;
  *level = (Level){.stride = stride, .receiver = -1, .sender = -1};
  for (int64_t i = 0; i + stride < tree->num_shards; i += 2 * (int64_t)stride) {
    const int into = TpTreeOwner(tree->num_shards, size, (int)i);
    const int from = TpTreeOwner(tree->num_shards, size, (int)i + stride);

    if (into == from) continue;
    if (from == rank) {
      level->receiver = into;
      level->sent     = (int)i + stride;
    }
    if (into == rank) {
      level->sender = from;
      level->target = (int)i;
      PetscCall(PetscMalloc1(tree->length, &level->buffer));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The total goes down a binomial tree of whole messages: few wake-ups of politely waiting ranks, whatever the MPI library's own broadcast does. */
static void PlanTotal(TpTree tree, int rank, int size)
{
  const int root     = TpTreeOwner(tree->num_shards, size, 0);
  const int relative = (rank - root + size) % size;

  tree->parent = relative == 0 ? -1 : ((relative & (relative - 1)) + root) % size;
  for (int64_t bit = 1; relative + bit < size && !(relative & bit); bit *= 2)
    tree->child[tree->num_children++] = (int)((relative + bit + root) % size);
}

PetscErrorCode TpTreeCreate(MPI_Comm comm, int num_shards, PetscInt length, TpTree *tree)
{
  int rank, size;

  PetscFunctionBeginUser;
  PetscCheck(num_shards >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d shards; at least 1 is needed", num_shards);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscNew(tree));
  (*tree)->comm       = comm;
  (*tree)->num_shards = num_shards;
  PetscCall(PetscMPIIntCast(length, &(*tree)->length));
  TpTreeOwned(num_shards, size, rank, &(*tree)->first, &(*tree)->count);
  for (int64_t stride = 1; stride < num_shards; stride *= 2) PetscCall(PlanLevel(*tree, (int)stride, rank, size));
  PlanTotal(*tree, rank, size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTreeDestroy(TpTree *tree)
{
  PetscFunctionBeginUser;
  if (!*tree) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < (*tree)->num_levels; ++i) PetscCall(PetscFree((*tree)->level[i].buffer));
  PetscCall(PetscFree(*tree));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Add(PetscMPIInt length, const float from[], float to[])
{
  for (PetscMPIInt i = 0; i < length; ++i) to[i] += from[i];
}

/* Pairs of shards that are both mine at this level. */
static void AddOwnPairs(TpTree tree, int stride, float parts[])
{
  const int64_t end  = tree->first + tree->count;
  const int64_t step = 2 * (int64_t)stride;

  for (int64_t i = (tree->first + step - 1) / step * step; i + stride < end; i += step)
    Add(tree->length, parts + (i + stride - tree->first) * tree->length, parts + (i - tree->first) * tree->length);
}

static PetscErrorCode SumUp(TpTree tree, float parts[], double *idle)
{
  MPI_Request receive[MAX_LEVELS], send[MAX_LEVELS];

  PetscFunctionBeginUser;
  /* receives of all levels at once: a rank that is ahead need not wait; one sender's messages match in order of levels */
  for (int i = 0; i < tree->num_levels; ++i) {
    const Level *level = &tree->level[i];

    receive[i] = send[i] = MPI_REQUEST_NULL;
    if (level->sender >= 0)
      PetscCallMPI(
          MPI_Irecv(level->buffer, tree->length, MPI_FLOAT, level->sender, TP_TAG_TREE, tree->comm, &receive[i]));
  }
  for (int i = 0; i < tree->num_levels; ++i) {
    const Level  *level = &tree->level[i];
    const int64_t sent = level->sent - tree->first, target = level->target - tree->first;

    if (level->receiver >= 0)
      PetscCallMPI(MPI_Isend(parts + sent * tree->length, tree->length, MPI_FLOAT, level->receiver, TP_TAG_TREE,
                             tree->comm, &send[i]));
    AddOwnPairs(tree, level->stride, parts);
    if (level->sender < 0) continue;
    PetscCall(TpWait(1, &receive[i], idle));
    Add(tree->length, level->buffer, parts + target * tree->length);
  }
  PetscCall(TpWait(tree->num_levels, send, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTreeSum(TpTree tree, float parts[], float total[], double *idle)
{
  MPI_Request request[MAX_LEVELS];

  PetscFunctionBeginUser;
  PetscCall(SumUp(tree, parts, idle));
  if (tree->parent < 0) {
    PetscCall(PetscArraycpy(total, parts, tree->length));
  } else {
    PetscCallMPI(MPI_Irecv(total, tree->length, MPI_FLOAT, tree->parent, TP_TAG_TREE, tree->comm, request));
    PetscCall(TpWait(1, request, idle));
  }
  for (int i = 0; i < tree->num_children; ++i)
    PetscCallMPI(MPI_Isend(total, tree->length, MPI_FLOAT, tree->child[i], TP_TAG_TREE, tree->comm, &request[i]));
  PetscCall(TpWait(tree->num_children, request, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
