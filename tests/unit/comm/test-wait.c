/* Waiting is polite (it uses little processor time), measured, and complete. */
#include "tempera/comm.h"
#include "test.h"

#include <time.h>

static const double delay = 0.3; /* seconds that one rank lets the other wait */

static double ProcessorSeconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void Sleep(double seconds)
{
  const struct timespec pause = {.tv_sec  = (time_t)seconds,
                                 .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};

  nanosleep(&pause, NULL);
}

/* Rank 0 waits for two messages, the second comes late. */
static PetscErrorCode CheckMessages(int rank)
{
  int         number[2] = {3, 4}, received[2] = {0, 0};
  MPI_Request request[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  double      idle       = 10, processor;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  if (rank == 1) {
    PetscCallMPI(MPI_Isend(&number[0], 1, MPI_INT, 0, 0, MPI_COMM_WORLD, &request[0]));
    Sleep(delay);
    PetscCallMPI(MPI_Isend(&number[1], 1, MPI_INT, 0, 1, MPI_COMM_WORLD, &request[1]));
    PetscCall(TpWait(2, request, NULL));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallMPI(MPI_Irecv(&received[0], 1, MPI_INT, 1, 0, MPI_COMM_WORLD, &request[0]));
  PetscCallMPI(MPI_Irecv(&received[1], 1, MPI_INT, 1, 1, MPI_COMM_WORLD, &request[2]));
  processor = ProcessorSeconds();
  PetscCall(TpWait(3, request, &idle));
  processor = ProcessorSeconds() - processor;
  TpTestExpectThat(idle - 10 >= 0.9 * delay, "idle %g s of a wait of %g s", idle - 10, delay);
  TpTestExpectThat(processor < 0.5 * delay, "waiting %g s used %g s of the processor", delay, processor);
  TpTestExpectEqual(received[0], 3);
  TpTestExpectEqual(received[1], 4);
  for (int i = 0; i < 3; ++i) TpTestExpect(request[i] == MPI_REQUEST_NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each collective waits for the late rank, politely, and gives what it should. */
static PetscErrorCode CheckCollective(int rank, int which)
{
  double processor, idle = 0;
  int    number = rank + 1, total = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  if (rank == 1) Sleep(delay);
  processor = ProcessorSeconds();
  if (which == 0) PetscCall(TpBarrier(MPI_COMM_WORLD, &idle));
  if (which == 1) PetscCall(TpAllreduce(&number, &total, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &idle));
  if (which == 2) PetscCall(TpBroadcast(&number, 1, MPI_INT, 1, MPI_COMM_WORLD, &idle));
  processor = ProcessorSeconds() - processor;
  if (rank == 0) {
    TpTestExpectThat(idle >= 0.9 * delay, "collective %d: idle %g s", which, idle);
    TpTestExpectThat(processor < 0.5 * delay, "collective %d used %g s of the processor", which, processor);
  }
  if (which == 1) TpTestExpectEqual(total, 3);
  if (which == 2) TpTestExpectEqual(number, 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  int rank;

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank)) return 1;
  TpTestCall(TpWait(0, NULL, NULL));
  TpTestCall(CheckMessages(rank));
  for (int which = 0; which < 3; ++which) TpTestCall(CheckCollective(rank, which));
  return TpTestEnd();
}
