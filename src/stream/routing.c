/* Which frame goes to which shard and trainer: pure functions of rung and round. */
#include "tempera/stream.h"

int TpStreamShard(const TpStreamSettings *settings, PetscInt rung, PetscInt64 round)
{
  return (int)((rung + round / settings->block_rounds) % settings->num_shards);
}

int TpStreamFrameOwner(const TpStreamSettings *settings, int num_trainers, PetscInt rung, PetscInt64 round)
{
  return TpTreeOwner((int)settings->num_shards, num_trainers, TpStreamShard(settings, rung, round));
}

int TpStreamStateOwner(int num_trainers, PetscInt rung)
{
  return (int)(rung % num_trainers);
}
