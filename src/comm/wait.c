/* Polite waiting: test, spin briefly, then sleep between tests, so that more ranks than cores do not starve each other. */
#include "tempera/comm.h"

#include <sched.h>
#include <time.h>

/* A partner that is about to arrive is met within the spin; the sleeps cost a late one at most a fifth of a millisecond. */
static const double spin_seconds = 1e-3; /* while the core has nothing else to do: to be woken costs more than a swap */
static const double shared_seconds  = 40e-6; /* when it has */
static const double given_seconds   = 10e-6; /* a yield that took longer was somebody else's turn */
static const long   min_sleep_nanos = 20000;
static const long   max_sleep_nanos = 200000;

/* Seconds that somebody else had the core for. */
static double Yield(void)
{
  const double start = MPI_Wtime();

  sched_yield();
  return MPI_Wtime() - start;
}

PetscErrorCode TpWait(int count, MPI_Request requests[], double *idle)
{
  const double start       = MPI_Wtime();
  double       spin        = spin_seconds;
  long         sleep_nanos = min_sleep_nanos;
  int          done        = 0;

  PetscFunctionBeginUser;
  for (;;) {
    PetscCallMPI(MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE));
    if (done) break;
    if (MPI_Wtime() - start < spin) {
      if (Yield() > given_seconds) spin = shared_seconds;
    } else {
      const struct timespec pause = {.tv_sec = 0, .tv_nsec = sleep_nanos};

      nanosleep(&pause, NULL); /* a signal may end it early: then we only test sooner */
      sleep_nanos = PetscMin(sleep_nanos + sleep_nanos / 2, max_sleep_nanos);
    }
  }
  if (idle) *idle += MPI_Wtime() - start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpBarrier(MPI_Comm comm, double *idle)
{
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Ibarrier(comm, &request));
  PetscCall(TpWait(1, &request, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAllreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                           double *idle)
{
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Iallreduce(from, to, count, type, op, comm, &request));
  PetscCall(TpWait(1, &request, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpBroadcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm, double *idle)
{
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Ibcast(buffer, count, type, root, comm, &request));
  PetscCall(TpWait(1, &request, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
