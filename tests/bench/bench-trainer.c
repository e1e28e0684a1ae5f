/*
  Two ranks learn together, beside rank 0 alone, in turns: steps of the trainer at the same global batch, by the tree. Medians over the turns, of wall time, and of
  processor time, which other programs on the machine lengthen less: that of the busier rank, which leaves out what it waits asleep.
  And what a model of more ranks needs (tools/bench/scaling.py): latency and bandwidth between the ranks, the speed of adding, the time of a step by its rows.

  Usage: mpirun -n 2 bench-trainer [TURNS]   prints `name: value` lines
*/
#include "../harness/trainer-bench.h"
#include "fma.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 18, BATCH = 128, STEPS = 8, MAX_TURNS = 1000, FRAMES = 400 };

static const double ladder[] = {1.0, 1.25, 1.5, 2.0};

static double Median(int n, double numbers[])
{
  PetscCallAbort(PETSC_COMM_SELF, PetscSortReal(n, numbers));
  return numbers[n / 2];
}

/* ---------------------------------------------------------------------------------------------------------- the trainer */

/* The paper's U-Net, on frames of normal numbers in all shards. */
static PetscErrorCode BenchCreate(MPI_Comm comm, PetscInt64 num_shards, PetscInt64 batch, Bench *bench)
{
  const TpTrainSettings   settings = {.batch = batch, .learning_rate = 1e-4, .ema_decay = 0.999};
  const TpNetworkSettings network  = {.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}, .channels = 1};
  const TpStreamSettings  stream   = {.max_lag = 1, .num_shards = num_shards, .block_rounds = 1, .keep_interval = 1};
  const double            period[WIDTH] = {0};
  float                   frame[WIDTH];
  int                     rank, size, first, owned;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TpEncodingCreate(TP_ANGLES_RAW, WIDTH, period, &bench->encoding));
  PetscCall(TpScheduleCreate(1, 1000, &bench->schedule));
  PetscCall(TpTrainerCreate(&settings, &network, bench->schedule, bench->encoding, TpConditionCreate(1.0, 4, ladder),
                            (int)num_shards, 1, comm, &bench->trainer));
  PetscCall(TpShardsCreate(&stream, size, rank, WIDTH, &bench->shards));
  TpShardsOwned(bench->shards, &first, &owned);
  for (PetscInt64 round = 0; round < FRAMES; ++round) {
    for (PetscInt rung = 0; rung < 4; ++rung) {
      const int shard = TpStreamShard(&stream, rung, round);

      if (shard < first || shard >= first + owned) continue;
      TpRandomNormalFloat(1, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, WIDTH, frame);
      PetscCall(TpShardsAppend(bench->shards, rung, round, ladder[rung], frame));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a step: milliseconds of wall and processor time, and the share of the wall time that is reduction. */
typedef struct {
  double wall, processor, reduce_share;
} StepTime;

static PetscErrorCode Time(Bench *bench, StepTime *time)
{
  TpTrainer    trainer = bench->trainer;
  const double start = MPI_Wtime(), processor = ProcessorTime(), compute = trainer->compute_seconds,
               reduce = trainer->reduce_seconds;

  PetscFunctionBeginUser;
  for (int i = 0; i < STEPS; ++i) PetscCall(TpTrainerStep(trainer, bench->shards));
  time->wall      = 1e3 * (MPI_Wtime() - start) / STEPS;
  time->processor = 1e3 * (ProcessorTime() - processor) / STEPS;
  time->reduce_share =
      (trainer->reduce_seconds - reduce) / (trainer->reduce_seconds - reduce + trainer->compute_seconds - compute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a whole series of turns. */
typedef struct {
  double wall[MAX_TURNS], processor[MAX_TURNS], reduce_share[MAX_TURNS];
} Series;

static void Keep(Series *series, int i, const StepTime *time)
{
  series->wall[i]         = time->wall;
  series->processor[i]    = time->processor;
  series->reduce_share[i] = time->reduce_share;
}

static void Print(const char *name, const char *suffix, int turns, Series *series)
{
  printf("%s_step_ms%s: %.2f\n", name, suffix, Median(turns, series->wall));
  printf("%s_processor_ms%s: %.2f\n", name, suffix, Median(turns, series->processor));
  printf("%s_reduce_share%s: %.3f\n", name, suffix, Median(turns, series->reduce_share));
}

/* With `num_shards` shards: stream.shards. */
static PetscErrorCode CompareRanks(int rank, PetscInt64 num_shards, int turns, const char *suffix)
{
  static Series together, alone;
  static double speedup[MAX_TURNS], by_processor[MAX_TURNS];
  Bench         all, one;
  StepTime      time;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, num_shards, BATCH, &all));
  PetscCall(BenchCreate(PETSC_COMM_SELF, num_shards, BATCH, &one));
  PetscCall(Time(&all, &time));
  if (rank == 0) PetscCall(Time(&one, &time));
  for (int i = 0; i < turns; ++i) {
    PetscCall(TpBarrier(PETSC_COMM_WORLD, NULL));
    PetscCall(Time(&all, &time));
    PetscCall(TpAllreduce(MPI_IN_PLACE, &time.processor, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD, NULL));
    Keep(&together, i, &time);
    if (rank == 0) PetscCall(Time(&one, &time));
    Keep(&alone, i, &time);
    speedup[i]      = alone.wall[i] / together.wall[i];
    by_processor[i] = alone.processor[i] / together.processor[i];
  }
  if (rank == 0) {
    Print("one_rank", suffix, turns, &alone);
    Print("two_rank", suffix, turns, &together);
    printf("two_rank_processor_speedup%s: %.2f\n", suffix, Median(turns, by_processor));
    printf("two_rank_speedup%s: %.2f\n", suffix, Median(turns, speedup));
  }
  PetscCall(BenchDestroy(&one));
  PetscCall(BenchDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step of one shard, by its number of rows: processor time. */
static PetscErrorCode StepByRows(int turns)
{
  static Series series;

  PetscFunctionBeginUser;
  for (PetscInt64 rows = 8; rows <= 128; rows *= 2) {
    Bench    bench;
    StepTime time;

    PetscCall(BenchCreate(PETSC_COMM_SELF, 1, rows, &bench));
    PetscCall(Time(&bench, &time));
    for (int i = 0; i < turns; ++i) {
      PetscCall(Time(&bench, &time));
      Keep(&series, i, &time);
    }
    printf("step_ms_of_%d_rows: %.3f\n", (int)rows, Median(turns, series.processor));
    PetscCall(BenchDestroy(&bench));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- the messages */

/* Seconds of one way, half of there and back, waiting as the library does. */
static PetscErrorCode OneWay(int rank, PetscMPIInt count, float buffer[], double *seconds)
{
  const int repeats = count > 1000 ? 20 : 1000;
  double    start   = 0;

  PetscFunctionBeginUser;
  for (int i = -2; i < repeats; ++i) {
    if (i == 0) start = MPI_Wtime();
    if (rank == 0) PetscCallMPI(MPI_Send(buffer, count, MPI_FLOAT, 1, TP_TAG_TREE, PETSC_COMM_WORLD));
    PetscCallMPI(MPI_Recv(buffer, count, MPI_FLOAT, 1 - rank, TP_TAG_TREE, PETSC_COMM_WORLD, MPI_STATUS_IGNORE));
    if (rank == 1) PetscCallMPI(MPI_Send(buffer, count, MPI_FLOAT, 0, TP_TAG_TREE, PETSC_COMM_WORLD));
  }
  *seconds = (MPI_Wtime() - start) / (2 * repeats);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Latency, bandwidth at the size of the whole gradient, and additions of its numbers: of the least disturbed turn, as other programs on the machine
   only make them slower, and by much. */
static PetscErrorCode Messages(int rank, int turns, PetscInt length)
{
  const double bytes   = (double)length * sizeof(float);
  double       latency = INFINITY, whole = INFINITY, add = INFINITY, seconds = 0;
  float       *from, *to;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(length, &from, length, &to));
  for (int i = 0; i < turns; ++i) {
    PetscCall(OneWay(rank, 1, from, &seconds));
    latency = fmin(latency, seconds);
    PetscCall(OneWay(rank, (PetscMPIInt)length, from, &seconds));
    whole              = fmin(whole, seconds);
    const double start = MPI_Wtime();

    for (PetscInt j = 0; j < length; ++j) to[j] += from[j];
    add = fmin(add, MPI_Wtime() - start);
  }
  if (rank == 0) {
    printf("gradient_bytes: %.0f\n", bytes);
    printf("message_latency_us: %.2f\n", 1e6 * latency);
    printf("message_gbytes_per_second: %.2f\n", 1e-9 * bytes / (whole - latency));
    printf("add_gbytes_per_second: %.2f\n", 1e-9 * bytes / add);
  }
  PetscCall(PetscFree2(from, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole sum over the tree with nothing beside it, one shard of each rank, in the least disturbed turn: what a step would wait for without overlap. */
static PetscErrorCode WholeSum(int rank, int turns, PetscInt length)
{
  double least = INFINITY;
  TpTree tree;
  float *part, *total;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(length, &part, length, &total));
  PetscCall(TpTreeCreate(PETSC_COMM_WORLD, 2, length, &tree));
  for (int i = 0; i < 10 * turns; ++i) {
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    const double start = MPI_Wtime();

    PetscCall(TpTreeSum(tree, part, total, NULL));
    least = fmin(least, MPI_Wtime() - start);
  }
  if (rank == 0) printf("two_rank_tree_alone_ms: %.2f\n", 1e3 * least);
  PetscCall(TpTreeDestroy(&tree));
  PetscCall(PetscFree2(part, total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(int turns)
{
  Bench    bench;
  PetscInt length;
  int      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(BenchCreate(PETSC_COMM_SELF, 1, 8, &bench));
  length = bench.trainer->num_parameters;
  PetscCall(BenchDestroy(&bench));
  PetscCall(Messages(rank, turns, length));
  PetscCall(WholeSum(rank, turns, length));
  if (rank == 0) PetscCall(StepByRows(turns));
  PetscCall(TpBarrier(PETSC_COMM_WORLD, NULL));
  PetscCall(CompareRanks(rank, 2, turns, "_of_2_shards"));
  PetscCall(CompareRanks(rank, 4, turns, "")); /* the default of stream.shards */
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const int turns = argc > 1 ? atoi(argv[1]) : 21;
  int       size;

  if (PetscInitialize(&argc, &argv, NULL, NULL) || MPI_Comm_size(PETSC_COMM_WORLD, &size)) return 1;
  if (argc > 2 || turns < 1 || turns > MAX_TURNS || size != 2) {
    fprintf(stderr, "usage: mpirun -n 2 bench-trainer [TURNS]\n");
    return 2;
  }
  const PetscErrorCode code = Measure(turns);

  if (code) MPI_Abort(PETSC_COMM_WORLD, 1);
  return PetscFinalize() ? 1 : 0;
}
