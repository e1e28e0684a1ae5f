/* Routing is a pure function: tried for many pretended numbers of rungs, shards and trainers. */
#include "tempera/stream.h"
#include "test.h"

enum { MAX_SHARDS = 9, MAX_RUNGS = 8 };

/* In any S blocks that follow each other each rung's frames go to each shard once, and in each round the shards get equal shares. */
static void CheckMixing(PetscInt num_rungs, PetscInt64 num_shards, PetscInt64 block_rounds)
{
  const TpStreamSettings settings = {
      .max_lag = 1, .num_shards = num_shards, .block_rounds = block_rounds, .keep_interval = 1};

  for (PetscInt64 block = 0; block < 2 * num_shards; ++block) {
    int share[MAX_SHARDS] = {0};

    for (PetscInt rung = 0; rung < num_rungs; ++rung) {
      int visits[MAX_SHARDS] = {0};

      for (PetscInt64 b = block; b < block + num_shards; ++b) {
        const int shard = TpStreamShard(&settings, rung, b * block_rounds);

        TpTestExpect(shard >= 0 && shard < num_shards);
        ++visits[shard];
        for (PetscInt64 round = b * block_rounds; round < (b + 1) * block_rounds; ++round)
          TpTestExpectEqual(TpStreamShard(&settings, rung, round), shard);
      }
      for (int shard = 0; shard < num_shards; ++shard) TpTestExpectEqual(visits[shard], 1);
      ++share[TpStreamShard(&settings, rung, block * block_rounds)];
    }
    for (int shard = 0; shard < num_shards; ++shard)
      TpTestExpect(share[shard] == num_rungs / num_shards || share[shard] == (num_rungs + num_shards - 1) / num_shards);
  }
}

/* A frame's owner is the trainer that owns its shard: [S t / K, S (t + 1) / K). */
static void CheckOwners(PetscInt num_rungs, PetscInt64 num_shards, int num_trainers)
{
  const TpStreamSettings settings = {.max_lag = 1, .num_shards = num_shards, .block_rounds = 2, .keep_interval = 1};

  for (PetscInt64 round = 0; round < 40; ++round) {
    for (PetscInt rung = 0; rung < num_rungs; ++rung) {
      const int shard = TpStreamShard(&settings, rung, round),
                owner = TpStreamFrameOwner(&settings, num_trainers, rung, round);

      TpTestExpect(owner >= 0 && owner < num_trainers);
      TpTestExpect(num_shards * owner / num_trainers <= shard && shard < num_shards * (owner + 1) / num_trainers);
    }
  }
  for (PetscInt rung = 0; rung < num_rungs; ++rung)
    TpTestExpectEqual(TpStreamStateOwner(num_trainers, rung), rung % num_trainers);
}

/* Where only some rounds are kept, these go where all rounds would go if there were no others. */
static void CheckKept(PetscInt64 num_shards, PetscInt64 keep_interval)
{
  const TpStreamSettings all  = {.max_lag = 1, .num_shards = num_shards, .block_rounds = 2, .keep_interval = 1};
  const TpStreamSettings some = {
      .max_lag = 1, .num_shards = num_shards, .block_rounds = 2, .keep_interval = keep_interval};
  PetscInt64 kept = 0;

  for (PetscInt64 round = 0; round < 60; ++round) {
    TpTestExpect(TpStreamIsKept(&all, round));
    if (!TpStreamIsKept(&some, round)) continue;
    for (PetscInt rung = 0; rung < MAX_RUNGS; ++rung)
      TpTestExpectEqual(TpStreamShard(&some, rung, round), TpStreamShard(&all, rung, kept));
    ++kept;
  }
  TpTestExpectEqual(kept, 60 / keep_interval);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (PetscInt num_rungs = 1; num_rungs <= MAX_RUNGS; ++num_rungs) {
    for (PetscInt64 num_shards = 1; num_shards <= MAX_SHARDS; ++num_shards) {
      for (PetscInt64 block_rounds = 1; block_rounds <= 3; ++block_rounds)
        CheckMixing(num_rungs, num_shards, block_rounds);
      for (int num_trainers = 1; num_trainers <= num_shards; ++num_trainers)
        CheckOwners(num_rungs, num_shards, num_trainers);
    }
  }
  for (PetscInt64 num_shards = 1; num_shards <= MAX_SHARDS; ++num_shards)
    for (PetscInt64 keep_interval = 1; keep_interval <= 7; ++keep_interval) CheckKept(num_shards, keep_interval);
  return TpTestEnd();
}
