/* Every role of the temperature and form of angles: the gradient is that of the loss, and the validation is the same on any number of ranks. */
#include "../../../src/train/train-impl.h"

#include "test.h"
#include "trainer-bench.h"

#include <math.h>

enum { NUM_SHARDS = 4, ROWS = 8, NUM_RAW = 3, MAX_WIDTH = 4, NUM_FRAMES = 40 };

static const TpStreamSettings stream = {.max_lag = 1, .num_shards = NUM_SHARDS, .block_rounds = 1, .keep_interval = 1};
static const double           period[NUM_RAW] = {0.0, 2.0 * PETSC_PI, 0.0};
static const double           ladder[]        = {1.0, 1.5, 2.5};

static PetscErrorCode Fill(Bench *bench)
{
  int first, owned;

  PetscFunctionBeginUser;
  TpShardsOwned(bench->shards, &first, &owned);
  for (PetscInt64 round = 0; round < NUM_FRAMES; ++round) {
    const int    shard        = TpStreamShard(&stream, 0, round);
    const double u            = 0.37 * (double)round;
    const float  raw[NUM_RAW] = {(float)cos(u), (float)remainder(2.1 * u, 2.0 * PETSC_PI), (float)sin(3.0 * u)};
    float        frame[MAX_WIDTH + 1];

    if (shard < first || shard >= first + owned) continue;
    TpEncodingEncode(bench->encoding, 1, raw, frame);
    frame[bench->encoding->num_encoded] = (float)cos(5.0 * u); /* a further condition */
    PetscCall(TpShardsAppend(bench->shards, 0, round, ladder[round % 3], frame));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchCreate(MPI_Comm comm, PetscInt role, PetscInt angles, Bench *bench)
{
  const TpTrainSettings   settings  = {.batch = NUM_SHARDS * ROWS, .learning_rate = 1e-3, .ema_decay = 0.9};
  const TpNetworkSettings network   = {.width = 12, .depth = 2, .embedding = 8};
  TpCondition             condition = TpConditionCreate(1.0, 3, ladder);
  int                     rank, size;

  PetscFunctionBeginUser;
  condition.role             = role;
  condition.num_further      = 1;
  condition.further_mean[0]  = 0.1;
  condition.further_scale[0] = 0.7;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(TpEncodingCreate(angles, NUM_RAW, period, &bench->encoding));
  PetscCall(TpScheduleCreate(1, 100, &bench->schedule));
  PetscCall(TpTrainerCreate(&settings, &network, bench->schedule, bench->encoding, condition, NUM_SHARDS, 17, comm,
                            &bench->trainer));
  for (PetscInt i = 0; i < bench->trainer->num_parameters; ++i)
    bench->trainer->parameters[i] = bench->trainer->average[i] = (TpNumber)(0.3 * sin(1.7 * (double)i + 0.3));
  PetscCall(TpShardsCreate(&stream, size, rank, bench->encoding->num_encoded + 1, &bench->shards));
  PetscCall(Fill(bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along a direction, in single precision: differences of a loss of about 20 rows are good to some 1e-3 of the slope at this step. */
static PetscErrorCode CheckGradient(PetscInt role, PetscInt angles)
{
  const double h = 3e-3;
  Bench        bench;
  double       slope = 0.0, up, down;
  TpNumber    *moved;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_SELF, role, angles, &bench));
  TpTrainer                 trainer = bench.trainer;
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt            n       = trainer->num_parameters;

  PetscCall(TpTrainerStep(trainer, bench.shards)); /* leaves the gradient in `total`, and the rows of the last shard */
  PetscCall(PetscMalloc1(n, &moved));
  PetscCall(PetscArrayzero(buffers->total, n));
  PetscCall(TpTrainerPredictRows(trainer, trainer->parameters, ROWS, &up));
  if (!buffers->is_plain)
    TpLensReverse(buffers->lens, ROWS, buffers->inputs, buffers->scale, buffers->danswer, buffers->dy);
  PetscCall(TpNetworkBackward(trainer->network, trainer->parameters, buffers->workspace, ROWS, buffers->dy,
                              buffers->total, NULL));
  for (PetscInt i = 0; i < n; ++i) slope += (double)buffers->total[i] * cos(0.7 * (double)i);
  for (PetscInt i = 0; i < n; ++i) moved[i] = (TpNumber)((double)trainer->parameters[i] + h * cos(0.7 * (double)i));
  PetscCall(TpTrainerPredictRows(trainer, moved, ROWS, &up));
  for (PetscInt i = 0; i < n; ++i) moved[i] = (TpNumber)((double)trainer->parameters[i] - h * cos(0.7 * (double)i));
  PetscCall(TpTrainerPredictRows(trainer, moved, ROWS, &down));
  TpTestExpectThat(fabs((up - down) / (2.0 * h) - slope) < 0.01 * fabs(slope) + 0.01,
                   "role %d, angles %d: slope %g, by differences %g", (int)role, (int)angles, slope,
                   (up - down) / (2.0 * h));
  PetscCall(PetscFree(moved));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same bits on all ranks and alone, and every time; another number of frames is another loss. */
static PetscErrorCode CheckValidation(PetscInt role, PetscInt angles)
{
  Bench  bench, alone;
  double here, again, single, few;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(PETSC_COMM_WORLD, role, angles, &bench));
  PetscCall(BenchCreate(PETSC_COMM_SELF, role, angles, &alone));
  PetscCall(TpTrainerValidate(bench.trainer, bench.shards, 9, &here));
  PetscCall(TpTrainerValidate(alone.trainer, alone.shards, 9, &single));
  PetscCall(TpTrainerValidate(bench.trainer, bench.shards, 5, &few));
  alone.trainer->step = 77;
  PetscCall(TpTrainerValidate(alone.trainer, alone.shards, 9, &again));
  TpTestExpect(here == single && again == single && few != here && isfinite(here));
  PetscCall(BenchDestroy(&alone));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (PetscInt role = TP_ROLE_CONDITIONAL; role <= TP_ROLE_PRIOR; ++role) {
    for (PetscInt angles = TP_ANGLES_SINCOS; angles <= TP_ANGLES_RAW; ++angles) {
      TpTestCall(CheckGradient(role, angles));
      TpTestCall(CheckValidation(role, angles));
    }
  }
  return TpTestEnd();
}
