/*
  A pipelined agreement: the word posted in one round is known to all in the next.

  Every rank sends its word to every other. A non-blocking reduction would be fewer messages, but its inner stages go on only while the ranks in
  the middle are inside MPI: a rank in a long stretch of MD would hold up all others. Here a word needs nobody's help after its Post.
*/
#include "tempera/comm.h"

struct TpAgreement_ {
  MPI_Comm     comm; /* a duplicate: words are under way while others go on in the caller's communicator */
  int          size, rank;
  MPI_Request *request; /* [2 size] receives, then sends; none at my own places */
  unsigned    *word;    /* [size] of each rank */
  unsigned     mine;
  PetscBool    is_pending;
};

PetscErrorCode TpAgreementCreate(MPI_Comm comm, TpAgreement *agreement)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(agreement));
  PetscCallMPI(MPI_Comm_dup(comm, &(*agreement)->comm));
  PetscCallMPI(MPI_Comm_size(comm, &(*agreement)->size));
  PetscCallMPI(MPI_Comm_rank(comm, &(*agreement)->rank));
  PetscCall(PetscMalloc2(2 * (*agreement)->size, &(*agreement)->request, (*agreement)->size, &(*agreement)->word));
  for (int i = 0; i < 2 * (*agreement)->size; ++i) (*agreement)->request[i] = MPI_REQUEST_NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not with persistent requests: Open MPI 4.1 may keep those until the sender's next call, an MPI_Isend of a word leaves at once. */
PetscErrorCode TpAgreementPost(TpAgreement agreement, unsigned word)
{
  const int size = agreement->size, rank = agreement->rank;

  PetscFunctionBeginUser;
  PetscCheck(!agreement->is_pending, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "a word was posted twice without TpAgreementComplete()");
  agreement->is_pending = PETSC_TRUE;
  agreement->mine = agreement->word[rank] = word;
  for (int i = 0; i < size; ++i)
    if (i != rank)
      PetscCallMPI(MPI_Irecv(&agreement->word[i], 1, MPI_UNSIGNED, i, TP_TAG_AGREEMENT, agreement->comm,
                             &agreement->request[i]));
  for (int i = 0; i < size; ++i)
    if (i != rank)
      PetscCallMPI(MPI_Isend(&agreement->mine, 1, MPI_UNSIGNED, i, TP_TAG_AGREEMENT, agreement->comm,
                             &agreement->request[size + i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementComplete(TpAgreement agreement, unsigned *word, double *idle)
{
  PetscFunctionBeginUser;
  PetscCheck(agreement->is_pending, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpAgreementComplete() without a posted word");
  PetscCall(TpWait(2 * agreement->size, agreement->request, idle));
  agreement->is_pending = PETSC_FALSE;
  *word                 = 0;
  for (int i = 0; i < agreement->size; ++i) *word |= agreement->word[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementDestroy(TpAgreement *agreement)
{
  unsigned unread;

  PetscFunctionBeginUser;
  if (!*agreement) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*agreement)->is_pending) PetscCall(TpAgreementComplete(*agreement, &unread, NULL));
  PetscCallMPI(MPI_Comm_free(&(*agreement)->comm));
  PetscCall(PetscFree2((*agreement)->request, (*agreement)->word));
  PetscCall(PetscFree(*agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}
