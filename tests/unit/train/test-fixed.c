/*
  Ten steps of a fixed training give the losses stored here, whatever the processor.

  They were written by this test on AVX-512 kernels. AVX2 gives the same bits here; the portable kernels, which sum in another order, losses that are off by
  6e-6 at the most, in the tenth step. 1e-4 is allowed. What is drawn, its noise, initial weights, rate, clipping and weight decay all show at 2e-4 and above.
*/
#include "tempera/train.h"
#include "test.h"

#include <math.h>

enum { NUM_SHARDS = 4, BATCH = 64, NUM_RAW = 6, NUM_FRAMES = 400, NUM_STEPS = 10 };

static const double ladder[]        = {1.0, 1.5, 2.5};
static const double period[NUM_RAW] = {2.0 * PETSC_PI, 2.0 * PETSC_PI, 2.0 * PETSC_PI, 2.0 * PETSC_PI, 0.0, 0.0};

static const TpNetworkSettings networks[] = {
    {.kind = 0, .width = 64, .depth = 2, .embedding = 16},
    {.kind = 1, .width = 8, .depth = 1, .embedding = 4, .multipliers = {1, 2}, .channels = 1},
};

static const double stored[2][NUM_STEPS] = {
    {1.02306938, 1.00352597, 0.99583292, 1.05830002, 1.01558352, 0.912026227, 0.920076847, 0.903573453, 0.771707416,
     0.868607998},
    {1.02306938, 0.954101503, 1.0224601, 1.07804728, 1.04943323, 0.96492964, 0.975910783, 0.953405142, 0.860186696,
     0.949267268},
};

static PetscErrorCode Fill(TpShards shards, TpEncoding encoding, const TpStreamSettings *stream)
{
  PetscFunctionBeginUser;
  for (PetscInt64 round = 0; round < NUM_FRAMES; ++round) {
    double z[NUM_RAW];
    float  raw[NUM_RAW], frame[2 * NUM_RAW];

    TpRandomNormal(5, TP_RANDOM_TEST, (uint32_t)round, 0, NUM_RAW, z);
    for (int i = 0; i < NUM_RAW; ++i)
      raw[i] = (float)remainder(0.6 * (double)i + sqrt(ladder[round % 3]) * z[i], 2.0 * PETSC_PI);
    TpEncodingEncode(encoding, 1, raw, frame);
    PetscCall(TpShardsAppend(shards, 0, round, ladder[round % 3], frame));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(int kind)
{
  const TpTrainSettings  settings = {.batch         = BATCH,
                                     .learning_rate = 5e-3,
                                     .rate_schedule = TP_RATE_COSINE,
                                     .warmup_steps  = 2,
                                     .decay_steps   = 20,
                                     .clip_norm     = 1.0,
                                     .weight_decay  = 0.01,
                                     .ema_decay     = 0.99};
  const TpStreamSettings stream   = {.max_lag = 1, .num_shards = NUM_SHARDS, .block_rounds = 1, .keep_interval = 1};
  TpEncoding             encoding;
  TpSchedule             schedule;
  TpShards               shards;
  TpTrainer              trainer;

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, period, &encoding));
  PetscCall(TpScheduleCreate(1, 1000, &schedule));
  PetscCall(TpTrainerCreate(&settings, &networks[kind], schedule, encoding, TpConditionCreate(1.0, 3, ladder),
                            NUM_SHARDS, 9, PETSC_COMM_SELF, &trainer));
  PetscCall(TpShardsCreate(&stream, 1, 0, encoding->num_encoded, &shards));
  PetscCall(Fill(shards, encoding, &stream));
  for (int step = 0; step < NUM_STEPS; ++step) {
    PetscCall(TpTrainerStep(trainer, shards));
    TpTestExpectThat(fabs(trainer->loss / stored[kind][step] - 1.0) < 1e-4, "%s, step %d: %.9g, stored %.9g",
                     tp_network_words[networks[kind].kind], step, trainer->loss, stored[kind][step]);
  }
  PetscCall(TpShardsDestroy(&shards));
  PetscCall(TpTrainerDestroy(&trainer));
  PetscCall(TpScheduleDestroy(&schedule));
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(Check(0));
  TpTestCall(Check(1));
  return TpTestEnd();
}
