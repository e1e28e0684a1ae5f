/* A sum over shards whose bits do not depend on which rank owns which shard, made part by part while the rest of the vectors is still computed. */
#include "tempera/comm.h"

enum {
  MAX_LEVELS   = 31, /* num_shards is an int */
  MAX_SEGMENTS = 32, /* each has a tag */
  SEGMENT =
      1
      << 16, /* numbers, at least, that travel together: long enough that the time of flight is small beside that of the bytes */
};

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

/* Numbers that travel together, and how far their sum has come. */
typedef struct {
  PetscInt    first;
  PetscMPIInt count;
  int         level;    /* where it is */
  PetscBool   is_begun; /* of this level: own pairs are added, and what goes to another rank is on its way */
  PetscBool   is_total; /* the total is here and on its way to the children */
  MPI_Request receive[MAX_LEVELS], send[MAX_LEVELS];
  MPI_Request down, pass[MAX_LEVELS]; /* the total: from the parent, to the children */
} Segment;

struct TpTree_ {
  MPI_Comm comm;
  PetscInt length;
  int      num_shards;
  int      first, count; /* shards owned here */
  int      parent;       /* rank that the total comes from, -1: this rank makes it */
  int      num_children;
  int      child[MAX_LEVELS];
  int      num_levels;
  Level    level[MAX_LEVELS];
  int      num_segments;
  Segment  segment[MAX_SEGMENTS]; /* the last numbers of the vectors first */
  float   *parts, *total;         /* of the sum under way, the caller's */
  int      num_ready;             /* segments whose own numbers are there */
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

static PetscErrorCode PlanSegments(TpTree tree)
{
  const PetscInt size = PetscMax(SEGMENT, (tree->length + MAX_SEGMENTS - 1) / MAX_SEGMENTS);

  PetscFunctionBeginUser;
  for (PetscInt end = tree->length; end > 0; end -= size) {
    Segment *segment = &tree->segment[tree->num_segments++];

    segment->first = PetscMax(0, end - size);
    PetscCall(PetscMPIIntCast(end - segment->first, &segment->count));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
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
  (*tree)->length     = length;
  TpTreeOwned(num_shards, size, rank, &(*tree)->first, &(*tree)->count);
  for (int64_t stride = 1; stride < num_shards; stride *= 2) PetscCall(PlanLevel(*tree, (int)stride, rank, size));
  PlanTotal(*tree, rank, size);
  PetscCall(PlanSegments(*tree));
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

/* ---------------------------------------------------------------------------------------------------------- one segment */

static int Tag(TpTree tree, const Segment *segment)
{
  return TP_TAG_TREE + (int)(segment - tree->segment);
}

/* Its numbers of a shard owned here. */
static float *PartOf(TpTree tree, const Segment *segment, int64_t shard)
{
  return tree->parts + (shard - tree->first) * tree->length + segment->first;
}

static void Add(PetscMPIInt count, const float from[], float to[])
{
  for (PetscMPIInt i = 0; i < count; ++i) to[i] += from[i];
}

/* Pairs of shards that are both mine at this level. */
static void AddOwnPairs(TpTree tree, const Segment *segment, int stride)
{
  const int64_t end  = tree->first + tree->count;
  const int64_t step = 2 * (int64_t)stride;

  for (int64_t i = (tree->first + step - 1) / step * step; i + stride < end; i += step)
    Add(segment->count, PartOf(tree, segment, i + stride), PartOf(tree, segment, i));
}

/* Receives of all levels at once: a rank that is ahead need not wait. One sender's messages match in order of levels, the total last. */
static PetscErrorCode Post(TpTree tree, Segment *segment)
{
  const int tag = Tag(tree, segment);

  PetscFunctionBeginUser;
  segment->level    = 0;
  segment->is_begun = segment->is_total = PETSC_FALSE;
  segment->down                         = MPI_REQUEST_NULL;
  for (int i = 0; i < tree->num_levels; ++i) {
    const Level *level = &tree->level[i];

    segment->receive[i] = segment->send[i] = MPI_REQUEST_NULL;
    if (level->sender >= 0)
      PetscCallMPI(MPI_Irecv(level->buffer + segment->first, segment->count, MPI_FLOAT, level->sender, tag, tree->comm,
                             &segment->receive[i]));
  }
  if (tree->parent >= 0)
    PetscCallMPI(MPI_Irecv(tree->total + segment->first, segment->count, MPI_FLOAT, tree->parent, tag, tree->comm,
                           &segment->down));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether a message has come; waits for it where that is allowed. */
static PetscErrorCode Come(MPI_Request *request, PetscBool may_wait, double *idle, PetscBool *has_come)
{
  int done = 1;

  PetscFunctionBeginUser;
  if (may_wait)
    PetscCall(TpWait(1, request, idle));
  else
    PetscCallMPI(MPI_Test(request, &done, MPI_STATUS_IGNORE));
  *has_come = done ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PassTotal(TpTree tree, Segment *segment)
{
  float *total = tree->total + segment->first;

  PetscFunctionBeginUser;
  if (tree->parent < 0) PetscCall(PetscArraycpy(total, PartOf(tree, segment, 0), segment->count));
  for (int i = 0; i < tree->num_children; ++i)
    PetscCallMPI(
        MPI_Isend(total, segment->count, MPI_FLOAT, tree->child[i], Tag(tree, segment), tree->comm, &segment->pass[i]));
  segment->is_total = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As far up the tree, and down again, as what has come allows. */
static PetscErrorCode Climb(TpTree tree, Segment *segment, PetscBool may_wait, double *idle)
{
  PetscBool has_come;

  PetscFunctionBeginUser;
  for (; segment->level < tree->num_levels; ++segment->level, segment->is_begun = PETSC_FALSE) {
    const Level *level = &tree->level[segment->level];

    if (!segment->is_begun) {
      if (level->receiver >= 0)
        PetscCallMPI(MPI_Isend(PartOf(tree, segment, level->sent), segment->count, MPI_FLOAT, level->receiver,
                               Tag(tree, segment), tree->comm, &segment->send[segment->level]));
      AddOwnPairs(tree, segment, level->stride);
      segment->is_begun = PETSC_TRUE;
    }
    if (level->sender < 0) continue;
    PetscCall(Come(&segment->receive[segment->level], may_wait, idle, &has_come));
    if (!has_come) PetscFunctionReturn(PETSC_SUCCESS);
    Add(segment->count, level->buffer + segment->first, PartOf(tree, segment, level->target));
  }
  PetscCall(Come(&segment->down, may_wait, idle, &has_come));
  if (has_come) PetscCall(PassTotal(tree, segment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------------- all */

PetscErrorCode TpTreeBegin(TpTree tree, float parts[], float total[])
{
  PetscFunctionBeginUser;
  tree->parts     = parts;
  tree->total     = total;
  tree->num_ready = 0;
  for (int i = 0; i < tree->num_segments; ++i) PetscCall(Post(tree, &tree->segment[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTreeAdvance(TpTree tree, PetscInt first)
{
  const int before = tree->num_ready;

  PetscFunctionBeginUser;
  while (tree->num_ready < tree->num_segments && tree->segment[tree->num_ready].first >= first) ++tree->num_ready;
  if (tree->num_ready == before)
    PetscFunctionReturn(PETSC_SUCCESS); /* a test gives way to other programs: no more than needed */
  for (int i = 0; i < tree->num_ready; ++i)
    if (!tree->segment[i].is_total) PetscCall(Climb(tree, &tree->segment[i], PETSC_FALSE, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTreeEnd(TpTree tree, double *idle)
{
  PetscFunctionBeginUser;
  PetscCall(TpTreeAdvance(tree, 0));
  for (int i = 0; i < tree->num_segments; ++i)
    if (!tree->segment[i].is_total) PetscCall(Climb(tree, &tree->segment[i], PETSC_TRUE, idle));
  for (int i = 0; i < tree->num_segments; ++i) {
    PetscCall(TpWait(tree->num_levels, tree->segment[i].send, idle));
    PetscCall(TpWait(tree->num_children, tree->segment[i].pass, idle));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTreeSum(TpTree tree, float parts[], float total[], double *idle)
{
  PetscFunctionBeginUser;
  PetscCall(TpTreeBegin(tree, parts, total));
  PetscCall(TpTreeEnd(tree, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
