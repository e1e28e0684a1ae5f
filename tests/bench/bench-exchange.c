/*
  Cost of an exchange by itself: nothing is simulated, energies are drawn anew before every attempt. One rung for each rank.

    mpirun -n RANKS bench-exchange SCHEME COORDINATES ATTEMPTS

  Prints, in microseconds for each rank and attempt: processor time, mean of the ranks; the clock's time; and the clock's time times cores over ranks,
  if there are fewer cores: what an attempt would take on as many cores as ranks, if ranks did not wait for each other.
*/
#include "tempera/comm.h"
#include "tempera/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double ProcessorTime(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The denser the ladder, the wider: about half of the attempts are accepted whatever the number of rungs. */
static double DrawEnergy(PetscMPIInt rung, PetscMPIInt num_rungs, PetscInt64 attempt)
{
  double number;

  TpRandomNormal(1, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)attempt, 1, &number);
  return 2 * (num_rungs - 1) * number;
}

static PetscErrorCode Measure(PetscInt scheme, PetscInt size, PetscInt64 num_attempts)
{
  PetscMPIInt rung, num_rungs;
  TpExchange  exchange;
  TpLadder    ladder;
  TpState     state;
  double      start = 0, start_cpu = 0, clock_time, times[2] = {0, 0}; /* processor time, accepted attempts */

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(MPI_COMM_WORLD, &rung));
  PetscCallMPI(MPI_Comm_size(MPI_COMM_WORLD, &num_rungs));
  const TpLadderSettings settings = {.minimum = 1, .maximum = 8, .num_rungs = num_rungs, .scheme = scheme};

  PetscCall(TpLadderCreate(&settings, 1, 1, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, size, 1, &exchange));
  PetscCall(TpStateCreate(size, &state));
  for (PetscInt64 attempt = -num_attempts / 10; attempt < num_attempts; ++attempt) { /* the first tenth warms up */
    TpSwap swap;

    if (attempt == 0) {
      PetscCall(TpBarrier(MPI_COMM_WORLD, NULL));
      start     = MPI_Wtime();
      start_cpu = ProcessorTime();
    }
    state.energy = DrawEnergy(rung, num_rungs, attempt + num_attempts);
    PetscCall(TpExchangeAttempt(exchange, attempt + num_attempts, &state, &swap, NULL));
    if (attempt >= 0) times[1] += swap.accepted;
  }
  times[0] = ProcessorTime() - start_cpu;
  PetscCall(TpBarrier(MPI_COMM_WORLD, NULL));
  clock_time = MPI_Wtime() - start;
  PetscCall(TpAllreduce(MPI_IN_PLACE, times, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, NULL));
  if (rung == 0) {
    const double per   = 1e6 / (double)num_attempts,
                 share = PetscMin(1.0, (double)sysconf(_SC_NPROCESSORS_ONLN) / (double)num_rungs);

    printf("%s ranks %d coordinates %d accepted %.2f processor_us %.2f clock_us %.2f clock_us_by_cores %.2f\n",
           tp_scheme_words[scheme], num_rungs, (int)size, times[1] / (double)num_attempts / num_rungs,
           times[0] * per / num_rungs, clock_time * per, clock_time * per * share);
  }
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt scheme = 0;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc == 4, PETSC_COMM_SELF, PETSC_ERR_USER, "bench-exchange SCHEME COORDINATES ATTEMPTS");
  while (tp_scheme_words[scheme] && strcmp(tp_scheme_words[scheme], argv[1])) ++scheme;
  PetscCheck(tp_scheme_words[scheme], PETSC_COMM_SELF, PETSC_ERR_USER, "no scheme %s", argv[1]);
  PetscCall(Measure(scheme, (PetscInt)atol(argv[2]), atol(argv[3])));
  PetscCall(PetscFinalize());
  return 0;
}
