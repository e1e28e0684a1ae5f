/* One rank's error becomes everyone's, with its line for the user. */
#include "tempera/comm.h"

typedef struct {
  PetscErrorCode code;
  char           line[2048];
} Verdict;

static PetscBool IsTold(PetscErrorCode code)
{
  return code == TP_ERR_INPUT || code == TP_ERR_STOPPED ? PETSC_TRUE : PETSC_FALSE;
}

/* The rank whose error all take: one with a line for the user before one without, then the lowest. `size` if none failed. */
static PetscErrorCode FindSpeaker(MPI_Comm comm, PetscErrorCode code, int *speaker)
{
  int rank, size, lowest[2];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  lowest[0] = IsTold(code) ? rank : size;
  lowest[1] = code ? rank : size;
  PetscCall(TpAllreduce(MPI_IN_PLACE, lowest, 2, MPI_INT, MPI_MIN, comm, NULL));
  *speaker = lowest[0] < size ? lowest[0] : lowest[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAgree(MPI_Comm comm, PetscErrorCode code)
{
  int     rank, size, speaker = -1;
  Verdict verdict = {.code = code};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(FindSpeaker(comm, code, &speaker));
  if (speaker == size) PetscFunctionReturn(PETSC_SUCCESS);

  if (rank == speaker) PetscCall(PetscStrncpy(verdict.line, TpInputErrorMessage(), sizeof(verdict.line)));
  PetscCall(TpBroadcast(&verdict, (int)sizeof(verdict), MPI_BYTE, speaker, comm, NULL));
  if (IsTold(verdict.code) && rank != speaker) {
    TpInputErrorClear();
    PetscFunctionReturn(verdict.code == TP_ERR_INPUT ? TpInputError("%s", verdict.line)
                                                     : TpStopError("%s", verdict.line));
  }
  /* a rank that failed has printed its own traceback; one that did not says why it stops */
  PetscCheck(code || IsTold(verdict.code), PETSC_COMM_SELF, verdict.code, "rank %d failed", speaker);
  PetscFunctionReturn(verdict.code);
}
