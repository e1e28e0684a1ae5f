/* A pipelined agreement: the word posted in one round is known to all in the next. */
#include "tempera/comm.h"

struct TpAgreement_ {
  MPI_Comm    comm; /* a duplicate: the reduction is pending while others go on in the caller's communicator */
  MPI_Request request;
  unsigned    mine;
  unsigned    all;
  PetscBool   is_pending;
};

PetscErrorCode TpAgreementCreate(MPI_Comm comm, TpAgreement *agreement)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(agreement));
  PetscCallMPI(MPI_Comm_dup(comm, &(*agreement)->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementPost(TpAgreement agreement, unsigned word)
{
  PetscFunctionBeginUser;
  PetscCheck(!agreement->is_pending, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "a word was posted twice without TpAgreementComplete()");
  agreement->mine = word;
  PetscCallMPI(MPI_Iallreduce(&agreement->mine, &agreement->all, 1, MPI_UNSIGNED, MPI_BOR, agreement->comm,
                              &agreement->request));
  agreement->is_pending = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementComplete(TpAgreement agreement, unsigned *word, double *idle)
{
  PetscFunctionBeginUser;
  PetscCheck(agreement->is_pending, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpAgreementComplete() without a posted word");
  PetscCall(TpWait(1, &agreement->request, idle));
  agreement->is_pending = PETSC_FALSE;
  *word                 = agreement->all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgreementDestroy(TpAgreement *agreement)
{
  unsigned unread;

  PetscFunctionBeginUser;
  if (!*agreement) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*agreement)->is_pending) PetscCall(TpAgreementComplete(*agreement, &unread, NULL));
  PetscCallMPI(MPI_Comm_free(&(*agreement)->comm));
  PetscCall(PetscFree(*agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}
