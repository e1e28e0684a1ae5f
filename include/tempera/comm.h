/**
  Comm: the two groups of ranks, polite waiting, agreement, and a reduction whose result does not depend on the number of ranks.

  One job has R replica ranks (one per rung of the ladder) and K trainer ranks. Only three kinds of communicator exist: world,
  replica group, trainer group; each is a duplicate for our use.

  Waiting is polite everywhere: a non-blocking operation, a short spin, then tests with short sleeps (TpWait), so that more
  ranks than cores do not starve each other whatever the MPI library's own waiting does.
**/
#pragma once

#include "tempera/base.h"

/** All message tags of Tempera, in one place. **/
typedef enum {
  TP_TAG_SWAP_ENERGY = 11, /* replica -> neighbour: what the decision needs; each attempt */
  TP_TAG_SWAP_STATE,       /* replica -> neighbour: packed state; each accepted attempt */
  TP_TAG_FRAME,            /* replica -> trainer that owns the frame's shard: one TpFrame; each round */
  TP_TAG_STATE, /* replica -> trainer that writes this rung: packed state; when a checkpoint or trajectory frame is due */
  TP_TAG_CREDIT,    /* trainer -> replica: last round finished; each round */
  TP_TAG_START,     /* trainer -> replica: state to go on from; at a restart */
  TP_TAG_AGREEMENT, /* replica -> replicas 1, 2, 4, ... further: one stage of an agreement; each round */
  TP_TAG_MEMBER,    /* rank -> rank: packed state of a population's member that was copied; each step of an annealing */
  TP_TAG_TREE, /* trainer -> trainer: partial sums up the fixed tree and the total back down; this tag and 31 behind it, one for each part of a vector */
} TpTag;

/* ------------------------------------------------------------------------------------------------------------ groups */

typedef enum {
  TP_PLACEMENT_LAST,   /* replicas are world ranks 0..R-1, trainers the last K */
  TP_PLACEMENT_SPREAD, /* trainers spread over the nodes: the last rank(s) of each node in turn */
} TpPlacement;

typedef struct TpGroups_ {
  MPI_Comm  world; /* duplicate of the communicator given */
  MPI_Comm  group; /* duplicate, of my group: replica group or trainer group; ranks in rung order / trainer order */
  int       num_replicas;
  int       num_trainers;
  int       world_rank;
  int       group_rank;   /* replica: my rung; trainer: my index */
  int       local_rank;   /* among the ranks of my group on my node: deals out GPUs */
  int      *replica_rank; /* [num_replicas] world rank of each rung's replica */
  int      *trainer_rank; /* [num_trainers] world rank of each trainer */
  PetscBool is_replica;
} * TpGroups;

/**
  Split `comm` into replicas and trainers, of whom there may be none. Collective on `comm`.

  Errors: TP_ERR_INPUT on all ranks if the number of ranks is not num_replicas + num_trainers; the line gives the exact `mpirun -n`.
**/
PetscErrorCode TpGroupsCreate(MPI_Comm comm, int num_replicas, int num_trainers, TpPlacement placement,
                              TpGroups *groups);

/** Free the communicators; accepts NULL. Collective on the communicator given to TpGroupsCreate(). **/
PetscErrorCode TpGroupsDestroy(TpGroups *groups);

/**
  Which of `size` ranks become trainers. Pure.

  @param[in]  node        [size] lowest rank on each rank's node
  @param[out] is_trainer  [size] num_trainers (<= size) of them PETSC_TRUE
**/
void TpGroupsPlace(int size, const int node[], int num_trainers, TpPlacement placement, PetscBool is_trainer[]);

/* ----------------------------------------------------------------------------------------------------------- waiting */

/**
  Complete requests politely: test, spin briefly, then sleep between tests. Not collective.

  @param[in,out] requests  [count] become MPI_REQUEST_NULL
  @param[in,out] idle      seconds waited are added; NULL if of no interest
**/
PetscErrorCode TpWait(int count, MPI_Request requests[], double *idle);

/** Politely waiting forms of the blocking collectives. Collective on `comm`. `idle` as in TpWait(). **/
PetscErrorCode TpBarrier(MPI_Comm comm, double *idle);
PetscErrorCode TpAllreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                           double *idle);
PetscErrorCode TpBroadcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm, double *idle);

/* --------------------------------------------------------------------------------------------------------- agreement */

/**
  Make one rank's error everyone's. Collective on `comm`.

  Every rank passes the code of what it just did. If any is not zero, all return one code and TpInputErrorMessage() is the line of
  the lowest rank that failed with TP_ERR_INPUT or TP_ERR_STOPPED. So a mistake seen by one rank never leaves the others waiting.
**/
PetscErrorCode TpAgree(MPI_Comm comm, PetscErrorCode code);

/** What the ranks of the replica group decide together, one word per round: bits are or-ed over the ranks, and every rank acts on them
    TpAgreementDelay() rounds after the round they were posted in. **/
typedef enum {
  TP_DECIDE_CHECKPOINT = 1, /* write a checkpoint, go on */
  TP_DECIDE_STOP       = 2, /* write a checkpoint, stop */
  TP_DECIDE_FAILED     = 4, /* a configuration went bad: dump the states, stop, write no checkpoint */
} TpDecision;

/**
  A pipelined agreement: the word posted in one round is known to all some rounds later, so that no rank waits for the slowest one.

  A rank sends ceil(log2 size) small messages a round. One agreement at a time on a communicator.
**/
typedef struct TpAgreement_ *TpAgreement;

/** Rounds from posting a word to knowing what all posted: ceil(log2 num_ranks), but 1 for a single rank. Pure. **/
int TpAgreementDelay(int num_ranks);

/** `comm` is kept, the caller's. Not collective. **/
PetscErrorCode TpAgreementCreate(MPI_Comm comm, TpAgreement *agreement);

/**
  One round. Collective on `comm`, but waits only for the ranks 1, 2, 4, ... before this one to have begun the step before. So if one
  rank stays away, those after it go on by 1 step or more, and what it does meanwhile is of no matter.

  @param[in]     mine    this round's word of this rank
  @param[out]    agreed  the words posted TpAgreementDelay() rounds ago, or-ed over all ranks; 0 in the rounds before there are any
  @param[in,out] idle    seconds waited are added; NULL if of no interest
**/
PetscErrorCode TpAgreementStep(TpAgreement agreement, unsigned mine, unsigned *agreed, double *idle);

/** Completes what is under way; accepts NULL. Collective on `comm`, after the same number of steps on all ranks. **/
PetscErrorCode TpAgreementDestroy(TpAgreement *agreement);

/* -------------------------------------------------------------------------------------------------------- fixed tree */

/**
  Sum `num_shards` vectors by a binary tree over the shards that is the same whatever rank owns which shard, and give every rank the
  total: the result has the same bits for any number of ranks.

  Rank r of n owns the shards [num_shards r / n, num_shards (r + 1) / n). The tree: at stride 1, 2, 4, ... shard i adds shard
  i + stride, for i a multiple of 2 stride. Collective on `comm`.
**/
typedef struct TpTree_ *TpTree;

/** `length` is the length of each vector, floats. All buffers are made here. **/
PetscErrorCode TpTreeCreate(MPI_Comm comm, int num_shards, PetscInt length, TpTree *tree);

/** First shard and number of shards that `rank` of `num_ranks` owns. Pure. **/
void TpTreeOwned(int num_shards, int num_ranks, int rank, int *first, int *count);

/** The rank that owns `shard`. Pure. **/
int TpTreeOwner(int num_shards, int num_ranks, int shard);

/**
  @param[in,out] parts  [owned shards, length] this rank's vectors, in shard order; overwritten
  @param[out]    total  [length] the sum over all shards, the same bits on every rank
  @param[in,out] idle   seconds waited are added; NULL if of no interest
**/
PetscErrorCode TpTreeSum(TpTree tree, float parts[], float total[], double *idle);

/**
  The same while the vectors are still being made, from their ends: TpTreeBegin(), TpTreeAdvance() as often as wished, TpTreeEnd(). The sums of numbers that
  are there travel meanwhile. Arguments as of TpTreeSum(); `parts` and `total` stay with the tree until TpTreeEnd() returns. Only TpTreeEnd() waits.

  @param[in] first  all numbers from this one on are there, in all parts of this rank
**/
PetscErrorCode TpTreeBegin(TpTree tree, float parts[], float total[]);
PetscErrorCode TpTreeAdvance(TpTree tree, PetscInt first);
PetscErrorCode TpTreeEnd(TpTree tree, double *idle);

PetscErrorCode TpTreeDestroy(TpTree *tree);
