/* Shards keep every frame where it belongs, in order, however many there are, and refuse frames that are out of order or not theirs. */
#include "tempera/stream.h"
#include "test.h"

enum { NUM_RUNGS = 5, NUM_ROUNDS = 700, WIDTH = 3 };

static const TpStreamSettings settings = {.max_lag = 1, .num_shards = 6, .block_rounds = 4, .keep_interval = 1};

static float Feature(PetscInt rung, PetscInt64 round, PetscInt i)
{
  return (float)(1000 * round + 10 * rung + i);
}

static PetscErrorCode Fill(TpShards shards, int first, int count)
{
  PetscFunctionBeginUser;
  for (PetscInt64 round = 0; round < NUM_ROUNDS; ++round) {
    for (PetscInt rung = 0; rung < NUM_RUNGS; ++rung) {
      const int   shard          = TpStreamShard(&settings, rung, round);
      const float encoded[WIDTH] = {Feature(rung, round, 0), Feature(rung, round, 1), Feature(rung, round, 2)};

      if (shard >= first && shard < first + count)
        PetscCall(TpShardsAppend(shards, rung, round, 300.0 + rung, encoded));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole history once more: every frame of the shard, in the order of (round, rung). */
static void ExpectShard(TpShards shards, int shard)
{
  PetscInt64 index = 0;

  for (PetscInt64 round = 0; round < NUM_ROUNDS; ++round) {
    for (PetscInt rung = 0; rung < NUM_RUNGS; ++rung) {
      double       label;
      const float *encoded;

      if (TpStreamShard(&settings, rung, round) != shard || index >= TpShardsCount(shards, shard)) continue;
      encoded = TpShardsFrame(shards, shard, index++, &label);
      TpTestExpectClose(label, 300 + rung, 0);
      for (PetscInt i = 0; i < WIDTH; ++i) TpTestExpectClose(encoded[i], Feature(rung, round, i), 0);
    }
  }
  TpTestExpectEqual(TpShardsCount(shards, shard), index);
}

static PetscErrorCode CheckTrainers(int num_trainers)
{
  PetscInt64 num_frames = 0;
  int        next       = 0;

  PetscFunctionBeginUser;
  for (int trainer = 0; trainer < num_trainers; ++trainer) {
    TpShards shards;
    int      first, count;

    PetscCall(TpShardsCreate(&settings, num_trainers, trainer, WIDTH, &shards));
    TpShardsOwned(shards, &first, &count);
    TpTestExpectEqual(first, next);
    next = first + count;
    PetscCall(Fill(shards, first, count));
    for (int shard = first; shard < first + count; ++shard) {
      ExpectShard(shards, shard);
      num_frames += TpShardsCount(shards, shard);
    }
    PetscCall(TpShardsDestroy(&shards));
    TpTestExpect(shards == NULL);
    PetscCall(TpShardsDestroy(&shards));
  }
  TpTestExpectEqual(next, settings.num_shards);
  TpTestExpectEqual(num_frames, NUM_ROUNDS * NUM_RUNGS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Trainer 1 of 2 owns shards 3, 4, 5: with blocks of 4 rounds rungs 3 and 4 go there in rounds 0 to 3. */
static PetscErrorCode CheckRefusals(void)
{
  const float    encoded[WIDTH] = {0, 0, 0};
  PetscErrorCode code[5];
  TpShards       shards;

  PetscFunctionBeginUser;
  PetscCall(TpShardsCreate(&settings, 2, 1, WIDTH, &shards));
  PetscCall(TpShardsAppend(shards, 3, 2, 300, encoded));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code[0] = TpShardsAppend(shards, 3, 2, 300, encoded); /* twice */
  code[1] = TpShardsAppend(shards, 3, 1, 300, encoded); /* too late */
  code[2] = TpShardsAppend(shards, 0, 2, 300, encoded); /* shard 0 */
  code[3] = TpShardsAppend(shards, 4, 1, 300, encoded); /* another shard has an order of its own */
  code[4] = TpShardsAppend(shards, 3, 3, 300, encoded);
  PetscCall(PetscPopErrorHandler());
  TpTestExpectEqual(code[0], PETSC_ERR_ORDER);
  TpTestExpectEqual(code[1], PETSC_ERR_ORDER);
  TpTestExpectEqual(code[2], PETSC_ERR_ARG_OUTOFRANGE);
  TpTestExpectEqual(code[3], PETSC_SUCCESS);
  TpTestExpectEqual(code[4], PETSC_SUCCESS);
  TpTestExpectEqual(TpShardsCount(shards, 3), 2);
  TpTestExpectEqual(TpShardsCount(shards, 4), 1);
  TpTestExpectEqual(TpShardsCount(shards, 5), 0);
  PetscCall(TpShardsDestroy(&shards));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (int num_trainers = 1; num_trainers <= settings.num_shards; ++num_trainers)
    TpTestCall(CheckTrainers(num_trainers));
  TpTestCall(CheckRefusals());
  return TpTestEnd();
}
