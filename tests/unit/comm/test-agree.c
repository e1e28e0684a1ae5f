/* An error on any rank becomes the same error, with the same line, on all. */
#include "tempera/comm.h"
#include "test.h"

#include <string.h>

static int rank, size;

/* Rank `failing` makes an error of its own; every rank returns what the ranks agreed on. */
static PetscErrorCode AgreeWithFailure(int failing, PetscErrorCode code)
{
  PetscErrorCode mine = PETSC_SUCCESS;

  TpInputErrorClear();
  if (rank == failing)
    mine = code == TP_ERR_STOPPED ? TpStopError("rank %d stopped", rank) : TpInputError("rank %d has a bad file", rank);
  return TpAgree(MPI_COMM_WORLD, mine);
}

static void CheckOneFails(PetscErrorCode expected, const char *format)
{
  char line[64];

  for (int failing = 0; failing < size; ++failing) {
    const PetscErrorCode code = AgreeWithFailure(failing, expected);

    snprintf(line, sizeof(line), format, failing);
    TpTestExpectEqual(code, expected);
    TpTestExpectThat(!strcmp(TpInputErrorMessage(), line), "'%s' is not '%s'", TpInputErrorMessage(), line);
  }
}

/* All ranks but the first fail, each with a line of its own: the lowest one's is kept. */
static void CheckSeveralFail(void)
{
  PetscErrorCode code = PETSC_SUCCESS;

  TpInputErrorClear();
  if (rank > 0) code = TpInputError("line of rank %d", rank);
  code = TpAgree(MPI_COMM_WORLD, code);
  TpTestExpectEqual(code, size > 1 ? TP_ERR_INPUT : PETSC_SUCCESS);
  if (size > 1) TpTestExpectThat(!strcmp(TpInputErrorMessage(), "line of rank 1"), "'%s'", TpInputErrorMessage());
}

/* An error of PETSc's reaches all; a line for the user goes before it, whatever the ranks. */
static void CheckOtherCodes(void)
{
  PetscErrorCode code;

  TpInputErrorClear();
  if (PetscPushErrorHandler(PetscReturnErrorHandler, NULL)) return;
  code = TpAgree(MPI_COMM_WORLD, rank == size - 1 ? PETSC_ERR_MEM : PETSC_SUCCESS);
  TpTestExpectEqual(code, PETSC_ERR_MEM);
  code = PETSC_ERR_MEM;
  if (rank == size - 1) code = TpInputError("the cause");
  code = TpAgree(MPI_COMM_WORLD, code);
  if (PetscPopErrorHandler()) return;
  TpTestExpectEqual(code, TP_ERR_INPUT);
  TpTestExpectThat(!strcmp(TpInputErrorMessage(), "the cause"), "'%s'", TpInputErrorMessage());
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(TpAgree(MPI_COMM_WORLD, PETSC_SUCCESS));
  CheckOneFails(TP_ERR_INPUT, "rank %d has a bad file");
  CheckOneFails(TP_ERR_STOPPED, "rank %d stopped");
  CheckSeveralFail();
  CheckOtherCodes();
  TpInputErrorClear();
  TpTestCall(TpAgree(MPI_COMM_WORLD, PETSC_SUCCESS));
  return TpTestEnd();
}
