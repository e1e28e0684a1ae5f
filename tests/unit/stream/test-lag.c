/*
  Replicas run ahead of the trainers by max_lag rounds and no further: measured from outside, by the times of one clock at which frames left
  and credits were given. And what rides on credits: idle times and the wish to stop.
*/
#include "tempera/stream.h"
#include "test.h"

#include <time.h>

enum { NUM_ROUNDS = 16, MAX_RANKS = 8 };

static const double pause_seconds = 0.3;

static PetscMPIInt rank, size;

static double Now(void) /* of the machine, the same for all ranks */
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void Sleep(double seconds)
{
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)(1e9 * seconds)};

  nanosleep(&pause, NULL);
}

/* Sends frames as fast as it may; times[round] is when each had left. */
static PetscErrorCode Replica(TpSender sender, int rung, double times[], double *idle)
{
  PetscFunctionBeginUser;
  for (PetscInt64 round = 0; round < NUM_ROUNDS; ++round) {
    const TpFrame frame   = {.round = round, .version = TP_FRAME_VERSION, .rung = rung};
    const float   feature = 0;

    PetscCall(TpSenderFrame(sender, &frame, &feature, idle));
    times[round] = Now();
  }
  PetscCall(TpSenderFinish(sender, NUM_ROUNDS, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A slow start, then 3 ms for each round; times[round] is when its credit was about to be given. Wishes to stop from round `stop` on. */
static PetscErrorCode Trainer(TpReceiver receiver, MPI_Comm group, PetscInt64 stop, double times[])
{
  PetscFunctionBeginUser;
  Sleep(pause_seconds);
  for (PetscInt64 round = 0; round < NUM_ROUNDS; ++round) {
    PetscInt       count;
    const TpFrame *frames;
    const float   *features;

    PetscCall(TpReceiverFrames(receiver, round, &count, &frames, &features, NULL));
    Sleep(0.003);
    PetscCall(TpBarrier(group, NULL));
    times[round] = Now();
    PetscCall(TpReceiverCredit(receiver, round, round >= stop ? PETSC_TRUE : PETSC_FALSE));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Frame r leaves after the credit of r - max_lag - 1; the first max_lag + 1 frames leave while the trainers still sleep. */
static void ExpectLag(TpGroups groups, PetscInt64 max_lag, double start, double all[][NUM_ROUNDS])
{
  for (int rung = 0; rung < groups->num_replicas; ++rung) {
    const double *left     = all[groups->replica_rank[rung]],
                 *credited = all[groups->trainer_rank[TpStreamStateOwner(groups->num_trainers, rung)]];

    for (PetscInt64 round = 0; round <= max_lag; ++round)
      TpTestExpectThat(left[round] - start < 0.7 * pause_seconds, "frame %d of rung %d left after %g s", (int)round,
                       rung, left[round] - start);
    for (PetscInt64 round = max_lag + 1; round < NUM_ROUNDS; ++round)
      TpTestExpectThat(left[round] >= credited[round - max_lag - 1], "frame %d of rung %d left %g s before the credit",
                       (int)round, rung, credited[round - max_lag - 1] - left[round]);
  }
}

static PetscErrorCode CheckLag(int num_trainers, PetscInt64 max_lag, PetscInt64 stop)
{
  const TpStreamSettings settings = {.max_lag = max_lag, .num_shards = 6, .block_rounds = 1, .keep_interval = 1};
  TpGroups               groups;
  TpSender               sender   = NULL;
  TpReceiver             receiver = NULL;
  double                 times[NUM_ROUNDS], all[MAX_RANKS][NUM_ROUNDS], idle = 0, start;

  PetscFunctionBeginUser;
  PetscCall(TpGroupsCreate(MPI_COMM_WORLD, size - num_trainers, num_trainers, TP_PLACEMENT_LAST, &groups));
  if (groups->is_replica)
    PetscCall(TpSenderCreate(&settings, groups, 1, 1, 0, &sender));
  else
    PetscCall(TpReceiverCreate(&settings, groups, 1, 1, &receiver));
  PetscCall(TpBarrier(groups->world, NULL));
  start = Now();
  if (groups->is_replica) {
    TpTestExpect(!TpSenderIsStopWished(sender));
    PetscCall(Replica(sender, groups->group_rank, times, &idle));
    TpTestExpectEqual(TpSenderIsStopWished(sender), stop < NUM_ROUNDS);
    /* it does nothing but wait for the trainers */
    TpTestExpectThat(idle > 0.7 * pause_seconds && idle < Now() - start, "idle %g s", idle);
  } else {
    PetscCall(Trainer(receiver, groups->group, stop, times));
  }
  PetscCallMPI(MPI_Allgather(times, NUM_ROUNDS, MPI_DOUBLE, all, NUM_ROUNDS, MPI_DOUBLE, groups->world));
  if (rank == 0) ExpectLag(groups, max_lag, start, all);
  PetscCall(TpSenderDestroy(&sender));
  PetscCall(TpReceiverDestroy(&receiver));
  PetscCall(TpGroupsDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  for (int num_trainers = 1; num_trainers < size; ++num_trainers) {
    TpTestCall(CheckLag(num_trainers, 1, NUM_ROUNDS));
    TpTestCall(CheckLag(num_trainers, 4, NUM_ROUNDS - 2));
  }
  return TpTestEnd();
}
