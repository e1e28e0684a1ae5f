/* The pipelined agreement: words are or-ed over ranks and belong to their own round; posting waits for nobody. */
#include "tempera/comm.h"
#include "test.h"

#include <time.h>

enum { NUM_ROUNDS = 40 };

static int rank, size;

/* Bits that a rank posts in a round: pseudo-random, so that rounds differ. */
static unsigned Word(int of_rank, int round)
{
  return (unsigned)TpRandomBits(7, TP_RANDOM_TEST, (uint32_t)of_rank, (uint64_t)round) & 0x11111u << (of_rank % 4);
}

static PetscErrorCode CheckRounds(void)
{
  TpAgreement agreement;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < NUM_ROUNDS; ++round) {
    unsigned word, expected = 0;
    double   sum = 1;

    if (round > 0) {
      for (int i = 0; i < size; ++i) expected |= Word(i, round - 1);
      PetscCall(TpAgreementComplete(agreement, &word, NULL));
      TpTestExpectEqual(word, expected);
    }
    PetscCall(TpAgreementPost(agreement, Word(rank, round)));
    /* another collective in the communicator while the agreement is under way */
    PetscCall(TpAllreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, NULL));
    TpTestExpectClose(sum, size, 0);
  }
  PetscCall(TpAgreementDestroy(&agreement)); /* with a word pending */
  TpTestExpect(agreement == NULL);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last rank posts 0.3 s late: the others' Post must return long before, and their Complete must wait for it. */
static PetscErrorCode CheckPostDoesNotWait(void)
{
  const struct timespec late = {.tv_sec = 0, .tv_nsec = 300000000};
  TpAgreement           agreement;
  unsigned              word;
  double                start, idle = 0;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  if (size > 1 && rank == size - 1) nanosleep(&late, NULL);
  start = MPI_Wtime();
  PetscCall(TpAgreementPost(agreement, rank == size - 1 ? TP_DECIDE_STOP : 0));
  TpTestExpectThat(MPI_Wtime() - start < 0.15, "post took %g s", MPI_Wtime() - start);
  PetscCall(TpAgreementComplete(agreement, &word, &idle));
  TpTestExpectEqual(word, TP_DECIDE_STOP);
  if (rank < size - 1) TpTestExpectThat(idle > 0.15, "the word of a late rank came after %g s", idle);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All have posted, then rank `absent` is away from MPI for 0.3 s: nobody waits for it, at any number of ranks. */
static PetscErrorCode CheckPostedWordsNeedNoHelp(int absent)
{
  const struct timespec away = {.tv_sec = 0, .tv_nsec = 300000000};
  TpAgreement           agreement;
  unsigned              word;
  double                idle = 0;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  PetscCall(TpAgreementPost(agreement, 1u << rank));
  if (rank == absent) nanosleep(&away, NULL);
  PetscCall(TpAgreementComplete(agreement, &word, &idle));
  TpTestExpectEqual(word, (1u << size) - 1);
  TpTestExpectThat(idle < 0.15, "idle %g s after all ranks had posted and rank %d had left", idle, absent);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckOrder(void)
{
  TpAgreement    agreement;
  unsigned       word;
  PetscErrorCode code[3];

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code[0] = TpAgreementComplete(agreement, &word, NULL);
  code[1] = TpAgreementPost(agreement, 1);
  code[2] = TpAgreementPost(agreement, 1);
  PetscCall(PetscPopErrorHandler());
  TpTestExpectEqual(code[0], PETSC_ERR_ORDER);
  TpTestExpectEqual(code[1], PETSC_SUCCESS);
  TpTestExpectEqual(code[2], PETSC_ERR_ORDER);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(CheckRounds());
  TpTestCall(CheckPostDoesNotWait());
  for (int absent = 0; absent < size; ++absent) TpTestCall(CheckPostedWordsNeedNoHelp(absent));
  TpTestCall(CheckOrder());
  return TpTestEnd();
}
