/*
  A pipelined agreement: the word posted in one round is known to all some rounds later, though no round has a collective.

  Dissemination, Hensgen, Finkel & Manber, Int. J. Parallel Program. 17 (1988) 1, one stage a round: after s stages a rank holds the words of
  the 2^s ranks up to itself, and at stage s it sends them 2^s ranks on. Ranks that are met twice do no harm, as bits are only or-ed. Words of
  several rounds are under way, each at its own stage.

  Nobody's help is needed on the way: what a step sends was all there when the step began, and leaves at once. A non-blocking reduction would
  need the ranks in its middle to be inside MPI, and one of them in a long stretch of MD would hold up all others.
*/
#include "tempera/comm.h"

enum { MAX_STAGES = 30 }; /* 2^30 ranks */

struct TpAgreement_ {
  MPI_Comm    comm; /* kept, the caller's */
  int         size, rank;
  int         num_stages;
  MPI_Request request[2 * MAX_STAGES]; /* of the last step: receives, then sends */
  unsigned    received[MAX_STAGES];    /* in the last step, by stage */
  unsigned    partial[MAX_STAGES + 1]; /* [s] the word of s steps before the last one, after s stages */
};

static int NumStages(int num_ranks)
{
  int num_stages = 0;

  while (num_stages < MAX_STAGES && 1 << num_stages < num_ranks) ++num_stages;
  return num_stages;
}

int TpAgreementDelay(int num_ranks)
{
  return PetscMax(1, NumStages(num_ranks));
}

PetscErrorCode TpAgreementCreate(MPI_Comm comm, TpAgreement *agreement)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(agreement));
  (*agreement)->comm = comm;
  PetscCallMPI(MPI_Comm_size(comm, &(*agreement)->size));
  PetscCallMPI(MPI_Comm_rank(comm, &(*agreement)->rank));
  (*agreement)->num_stages = NumStages((*agreement)->size);
  for (int i = 0; i < 2 * MAX_STAGES; ++i) (*agreement)->request[i] = MPI_REQUEST_NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  One message a stage. Their partners differ, as 2^s < size, so each pair of ranks has one stage in each direction, and the order of messages
  between two ranks keeps rounds apart, however far ahead the sender is.

  Not with persistent requests: Open MPI 4.1 may keep those until the sender's next call, an MPI_Isend of a word leaves at once.
*/
static PetscErrorCode StartMessages(TpAgreement agreement)
{
  const int    size = agreement->size, rank = agreement->rank;
  MPI_Request *receive = agreement->request, *send = agreement->request + agreement->num_stages;

  PetscFunctionBeginUser;
  for (int s = 0; s < agreement->num_stages; ++s)
    PetscCallMPI(MPI_Irecv(&agreement->received[s], 1, MPI_UNSIGNED, (rank - (1 << s) + size) % size, TP_TAG_AGREEMENT,
                           agreement->comm, &receive[s]));
  for (int s = 0; s < agreement->num_stages; ++s)
    PetscCallMPI(MPI_Isend(&agreement->partial[s], 1, MPI_UNSIGNED, (rank + (1 << s)) % size, TP_TAG_AGREEMENT,
                           agreement->comm, &send[s]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementStep(TpAgreement agreement, unsigned mine, unsigned *agreed, double *idle)
{
  const int num_stages = agreement->num_stages;

  PetscFunctionBeginUser;
  PetscCall(TpWait(2 * num_stages, agreement->request, idle)); /* the last step's; none before the first */
  for (int s = num_stages - 1; s >= 0; --s) agreement->partial[s + 1] = agreement->partial[s] | agreement->received[s];
  *agreed               = agreement->partial[num_stages]; /* alone: what the last step posted */
  agreement->partial[0] = mine;
  PetscCall(StartMessages(agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementDestroy(TpAgreement *agreement)
{
  PetscFunctionBeginUser;
  if (!*agreement) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpWait(2 * (*agreement)->num_stages, (*agreement)->request, NULL));
  PetscCall(PetscFree(*agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}
