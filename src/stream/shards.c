/* The frames to learn from that one trainer owns, by shard. */
#include "tempera/stream.h"

#include <string.h>

typedef struct {
  PetscInt64 count;
  PetscInt64 capacity;
  float     *encoded; /* [capacity, width] */
  double    *label;   /* [capacity] */
  PetscInt64 last_round;
  PetscInt   last_rung;
} Shard;

struct TpShards_ {
  TpStreamSettings settings;
  PetscInt         width;
  int              first;
  int              count;
  Shard           *shard; /* [count] */
};

PetscErrorCode TpShardsCreate(const TpStreamSettings *settings, int num_trainers, int trainer, PetscInt width,
                              TpShards *shards)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(shards));
  (*shards)->settings = *settings;
  (*shards)->width    = width;
  TpTreeOwned((int)settings->num_shards, num_trainers, trainer, &(*shards)->first, &(*shards)->count);
  PetscCall(PetscCalloc1((*shards)->count, &(*shards)->shard));
  for (int i = 0; i < (*shards)->count; ++i) (*shards)->shard[i].last_round = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpShardsDestroy(TpShards *shards)
{
  PetscFunctionBeginUser;
  if (!*shards) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < (*shards)->count; ++i) {
    PetscCall(PetscFree((*shards)->shard[i].encoded));
    PetscCall(PetscFree((*shards)->shard[i].label));
  }
  PetscCall(PetscFree((*shards)->shard));
  PetscCall(PetscFree(*shards));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpShardsOwned(TpShards shards, int *first, int *count)
{
  *first = shards->first;
  *count = shards->count;
}

/* Twice as much room: n appends copy fewer than 2 n frames. */
static PetscErrorCode Grow(Shard *shard, PetscInt width)
{
  const PetscInt64 capacity = PetscMax(64, 2 * shard->capacity);

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(sizeof(float) * (size_t)capacity * (size_t)width, &shard->encoded));
  PetscCall(PetscRealloc(sizeof(double) * (size_t)capacity, &shard->label));
  shard->capacity = capacity;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpShardsAppend(TpShards shards, PetscInt rung, PetscInt64 round, double label, const float encoded[])
{
  const int i     = TpStreamShard(&shards->settings, rung, round) - shards->first;
  Shard    *shard = &shards->shard[i];

  PetscFunctionBeginUser;
  PetscCheck(i >= 0 && i < shards->count, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "rung %" PetscInt_FMT ", round %" PetscInt64_FMT " belongs to shard %d, not owned here", rung, round,
             i + shards->first);
  PetscCheck(round > shard->last_round || (round == shard->last_round && rung > shard->last_rung), PETSC_COMM_SELF,
             PETSC_ERR_ORDER,
             "rung %" PetscInt_FMT ", round %" PetscInt64_FMT " after rung %" PetscInt_FMT ", round %" PetscInt64_FMT,
             rung, round, shard->last_rung, shard->last_round);
  if (shard->count == shard->capacity) PetscCall(Grow(shard, shards->width));
  memcpy(shard->encoded + (size_t)shard->count * (size_t)shards->width, encoded, sizeof(float) * (size_t)shards->width);
  shard->label[shard->count++] = label;
  shard->last_round            = round;
  shard->last_rung             = rung;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 TpShardsCount(TpShards shards, int shard)
{
  return shards->shard[shard - shards->first].count;
}

const float *TpShardsFrame(TpShards shards, int shard, PetscInt64 index, double *label)
{
  const Shard *owned = &shards->shard[shard - shards->first];

  *label = owned->label[index];
  return owned->encoded + (size_t)index * (size_t)shards->width;
}
