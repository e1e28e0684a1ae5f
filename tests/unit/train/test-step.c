/* The data-parallel step: the right gradient of the right rows, the same for any number of trainers, and nothing where it can't be done. */
#include "test.h"
#include "trainer-bench.h"

#include <math.h>
#include <string.h>

enum { NUM_SHARDS = 8, EMPTY_SHARD = 2, ROWS = 4, NUM_RAW = 2, WIDTH = 3, NUM_FRAMES = 60 };

static const uint64_t         seed   = 17;
static const TpStreamSettings stream = {.max_lag = 1, .num_shards = NUM_SHARDS, .block_rounds = 1, .keep_interval = 1};
static const double           period[NUM_RAW] = {0.0, 2.0 * PETSC_PI};
static const double           ladder[]        = {1.0, 1.5, 2.5};

static double Label(PetscInt rung)
{
  return ladder[rung % 3] * 1.01;
}

/* One rung per shard in turn; frames of the empty shard are left out. */
static PetscErrorCode Fill(Bench *bench, double factor)
{
  int first, owned;

  PetscFunctionBeginUser;
  TpShardsOwned(bench->shards, &first, &owned);
  for (PetscInt64 round = 0; round < NUM_FRAMES; ++round) {
    for (PetscInt rung = 0; rung < 3; ++rung) {
      const int    shard        = TpStreamShard(&stream, rung, round);
      const double angle        = 0.37 * (double)(3 * round + rung);
      float        frame[WIDTH] = {(float)(cos(2.1 * angle) * angle), 0.0f, 0.0f};
      const float  raw[NUM_RAW] = {frame[0], (float)remainder(angle, 2.0 * PETSC_PI)};

      if (shard < first || shard >= first + owned || shard == EMPTY_SHARD) continue;
      TpEncodingEncode(bench->encoding, 1, raw, frame);
      if (shard == NUM_SHARDS - 1) frame[0] *= (float)factor;
      PetscCall(TpShardsAppend(bench->shards, rung, round, Label(rung), frame));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `factor` multiplies a feature in the last shard; no frames at all if it is 0. */
static PetscErrorCode BenchCreate(MPI_Comm comm, PetscInt reduce, double factor, Bench *bench)
{
  const TpTrainSettings settings = {
      .batch = NUM_SHARDS * ROWS, .learning_rate = 1e-3, .weight_decay = 0.1, .ema_decay = 0.99, .reduce = reduce};
  const TpNetworkSettings network = {.width = 12, .depth = 2, .embedding = 8};
  int                     rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, period, &bench->encoding));
  for (PetscInt i = 0; i < WIDTH; ++i) {
    bench->encoding->mean[i]  = 0.1 * (double)i;
    bench->encoding->scale[i] = 1.5 + (double)i;
  }
  PetscCall(TpScheduleCreate(1, 100, &bench->schedule));
  PetscCall(TpTrainerCreate(&settings, &network, bench->schedule, bench->encoding, TpConditionCreate(1.0, 3, ladder),
                            NUM_SHARDS, seed, comm, &bench->trainer));
  /* The last layer begins at zero, behind which no gradient is seen: begin elsewhere. */
  for (PetscInt i = 0; i < bench->trainer->num_parameters; ++i)
    bench->trainer->parameters[i] = (TpNumber)(0.3 * sin(1.7 * (double)i + 0.3));
  PetscCall(TpShardsCreate(&stream, size, rank, WIDTH, &bench->shards));
  if (factor != 0.0) PetscCall(Fill(bench, factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- the gradient */

/* Gradient of one slot's row, computed alone; returns its loss. `bench` owns all shards. */
static PetscErrorCode RowGradient(Bench *bench, TpWorkspace workspace, int slot, TpNumber gradient[], double *loss)
{
  TpTrainer    trainer = bench->trainer;
  const int    shard   = slot / ROWS;
  TpNumber     x0[WIDTH], x[WIDTH], eps[WIDTH], y[WIDTH], dy[WIDTH], t[1], c[1];
  double       u, label, sum_beta = 0.0, sum_squares = 0.0;
  const double count = (double)TpShardsCount(bench->shards, shard);

  PetscFunctionBeginUser;
  TpRandomUniform(seed, TP_RANDOM_BATCH, (uint32_t)slot, (uint64_t)trainer->step, 1, &u);
  const float *frame = TpShardsFrame(bench->shards, shard, (PetscInt64)floor(u * count), &label);
  for (PetscInt i = 0; i < WIDTH; ++i)
    x0[i] = (TpNumber)((frame[i] - bench->encoding->mean[i]) / bench->encoding->scale[i]);
  for (PetscInt k = 0; k < 3; ++k) {
    sum_beta += 1.0 / ladder[k] / 3.0;
    sum_squares += 1.0 / ladder[k] / ladder[k] / 3.0;
  }
  c[0] = (TpNumber)((1.0 / label - sum_beta) / sqrt(sum_squares - sum_beta * sum_beta));
  PetscCall(TpDiffusionNoise(bench->schedule, seed, (uint64_t)trainer->step, (uint32_t)slot, 1, WIDTH, x0, x, t, eps));
  PetscCall(TpNetworkForward(trainer->network, trainer->parameters, workspace, 1, x, t, c, y));
  *loss = 0.0;
  for (PetscInt i = 0; i < WIDTH; ++i) {
    *loss += (y[i] - eps[i]) * (y[i] - eps[i]) / WIDTH;
    dy[i] = 2 * (y[i] - eps[i]) / WIDTH;
  }
  PetscCall(PetscArrayzero(gradient, trainer->num_parameters));
  PetscCall(TpNetworkBackward(trainer->network, trainer->parameters, workspace, 1, dy, gradient, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over the rows of all shards that have frames, in double precision, and the mean of magnitudes; and of the loss. */
static PetscErrorCode MeanGradient(Bench *bench, double mean[], double magnitude[], double *loss)
{
  const PetscInt P    = bench->trainer->num_parameters;
  int            rows = 0;
  TpWorkspace    workspace;
  TpNumber      *gradient;

  PetscFunctionBeginUser;
  PetscCall(TpWorkspaceCreate(bench->trainer->network, 1, &workspace));
  PetscCall(PetscMalloc1(P, &gradient));
  *loss = 0.0;
  for (int slot = 0; slot < NUM_SHARDS * ROWS; ++slot) {
    double row_loss = 0.0;

    if (slot / ROWS == EMPTY_SHARD) continue;
    PetscCall(RowGradient(bench, workspace, slot, gradient, &row_loss));
    *loss += row_loss;
    ++rows;
    for (PetscInt i = 0; i < P; ++i) {
      mean[i] += gradient[i];
      magnitude[i] += fabs(gradient[i]);
    }
  }
  *loss /= rows;
  for (PetscInt i = 0; i < P; ++i) {
    mean[i] /= rows;
    magnitude[i] /= rows;
  }
  PetscCall(PetscFree(gradient));
  PetscCall(TpWorkspaceDestroy(&workspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the first step Adam's first moment is a tenth of the gradient. Sums of 28 rows in float differ by some 28 units in the last place of
   their magnitudes, 2e-6; a standardised input by one more, which the network may enlarge: 1e-4 is allowed. One row more or less, or
   another one, is 1/28. */
static PetscErrorCode CheckGradient(PetscInt reduce)
{
  Bench    bench, alone;
  double  *mean, *magnitude, loss = 0.0;
  PetscInt P;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, reduce, 1.0, &bench));
  PetscCall(BenchCreate(PETSC_COMM_SELF, TP_REDUCE_TREE, 1.0, &alone));
  P = alone.trainer->num_parameters;
  PetscCall(PetscCalloc2(P, &mean, P, &magnitude));
  PetscCall(MeanGradient(&alone, mean, magnitude, &loss));
  PetscCall(TpTrainerStep(bench.trainer, bench.shards));
  TpTestExpectClose(bench.trainer->loss, loss, 1e-4 * loss);
  for (PetscInt i = 0; i < P; ++i)
    TpTestExpectClose(bench.trainer->moment1[i] / 0.1, mean[i], 1e-4 * magnitude[i] + 1e-9);
  PetscCall(PetscFree2(mean, magnitude));
  PetscCall(BenchDestroy(&alone));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------ number of trainers */

static PetscBool SameBits(TpTrainer a, TpTrainer b)
{
  const size_t bytes = (size_t)a->num_parameters * sizeof(TpNumber);

  return !memcmp(a->parameters, b->parameters, bytes) && !memcmp(a->average, b->average, bytes) &&
                 !memcmp(a->moment1, b->moment1, bytes) && !memcmp(a->moment2, b->moment2, bytes) &&
                 a->step == b->step && a->loss == b->loss
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* A step whose memory does not grow at any moment. Filled up to its highest mark, every allocation would raise the mark. */
static PetscErrorCode StepWithoutMemory(Bench *bench)
{
  PetscLogDouble now, most, before, after;
  char          *filler;

  PetscFunctionBeginUser;
  PetscCall(PetscMallocGetCurrentUsage(&now));
  PetscCall(PetscMallocGetMaximumUsage(&most));
  PetscCall(PetscMalloc1((size_t)(most - now) + 1024, &filler));
  PetscCall(PetscMallocGetMaximumUsage(&before));
  PetscCall(TpTrainerStep(bench->trainer, bench->shards));
  PetscCall(PetscMallocGetMaximumUsage(&after));
  TpTestExpectThat(after == before, "%g bytes allocated", after - before);
  PetscCall(PetscFree(filler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks together do what one does alone. */
static PetscErrorCode CheckTree(void)
{
  Bench bench, alone;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, TP_REDUCE_TREE, 1.0, &bench));
  PetscCall(BenchCreate(PETSC_COMM_SELF, TP_REDUCE_TREE, 1.0, &alone));
  for (PetscInt i = 0; i < 10; ++i) {
    PetscCall(TpTrainerStep(alone.trainer, alone.shards));
    PetscCall(StepWithoutMemory(&bench));
    TpTestExpectThat(SameBits(alone.trainer, bench.trainer), "step %d differs", (int)i);
  }
  TpTestExpectEqual(bench.trainer->step, 10);
  PetscCall(BenchDestroy(&alone));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- what can't be */

/* Frames whose loss (a NaN) or whose gradient alone (numbers too large to square) is not finite: all ranks stop, nothing has changed. */
static PetscErrorCode CheckNotFinite(PetscInt reduce, double factor, const char *message)
{
  Bench          bench, fresh;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, reduce, factor, &bench));
  PetscCall(BenchCreate(PETSC_COMM_SELF, reduce, 0.0, &fresh));
  TpInputErrorClear();
  code = TpTrainerStep(bench.trainer, bench.shards);
  TpTestExpectEqual(code, TP_ERR_STOPPED);
  TpTestExpectText(TpInputErrorMessage(), message);
  TpInputErrorClear();
  TpTestExpect(SameBits(bench.trainer, fresh.trainer));
  PetscCall(BenchDestroy(&fresh));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without frames there is nothing to learn from, and no step. */
static PetscErrorCode CheckNoFrames(PetscInt reduce)
{
  Bench bench, fresh;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, reduce, 0.0, &bench));
  PetscCall(BenchCreate(PETSC_COMM_SELF, reduce, 0.0, &fresh));
  PetscCall(TpTrainerStep(bench.trainer, bench.shards));
  TpTestExpect(SameBits(bench.trainer, fresh.trainer));
  PetscCall(BenchDestroy(&fresh));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckBatch(PetscInt64 batch)
{
  const TpTrainSettings   settings = {.batch = batch};
  const TpNetworkSettings network  = {.width = 4, .depth = 1, .embedding = 4};
  TpEncoding              encoding;
  TpSchedule              schedule;
  TpTrainer               trainer;

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, period, &encoding));
  PetscCall(TpScheduleCreate(0, 10, &schedule));
  TpTestExpectInputError(TpTrainerCreate(&settings, &network, schedule, encoding, TpConditionCreate(1.0, 3, ladder),
                                         NUM_SHARDS, seed, PETSC_COMM_WORLD, &trainer),
                         "training.batch");
  PetscCall(TpScheduleDestroy(&schedule));
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(CheckTree());
  for (PetscInt reduce = TP_REDUCE_TREE; reduce <= TP_REDUCE_ALLREDUCE; ++reduce) {
    TpTestCall(CheckGradient(reduce));
    TpTestCall(CheckNotFinite(reduce, NAN, "nan, its gradient is not finite"));
    TpTestCall(CheckNotFinite(reduce, 1e12, "its gradient is not finite"));
    TpTestCall(CheckNoFrames(reduce));
  }
  TpTestCall(CheckBatch(NUM_SHARDS * ROWS + 1));
  TpTestCall(CheckBatch(NUM_SHARDS - 1));
  return TpTestEnd();
}
