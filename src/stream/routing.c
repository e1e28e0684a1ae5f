/* Which frame goes to which shard and trainer: pure functions of rung and round. */
#include "tempera/stream.h"

PetscBool TpStreamIsKept(const TpStreamSettings *settings, PetscInt64 round)
{
  return (round + 1) % settings->keep_interval == 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* Counted in rounds that are kept, or an interval that is a multiple of the number of shards would leave some of them empty. */
int TpStreamShard(const TpStreamSettings *settings, PetscInt rung, PetscInt64 round)
{
  return (int)((rung + round / settings->keep_interval / settings->block_rounds) % settings->num_shards);
}

int TpStreamFrameOwner(const TpStreamSettings *settings, int num_trainers, PetscInt rung, PetscInt64 round)
{
  return TpTreeOwner((int)settings->num_shards, num_trainers, TpStreamShard(settings, rung, round));
}

int TpStreamStateOwner(int num_trainers, PetscInt rung)
{
  return (int)(rung % num_trainers);
}
