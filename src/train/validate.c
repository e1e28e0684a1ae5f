/* The denoising loss on frames that are not learned from, under noise that never changes. */
#include "train-impl.h"

#include <math.h>

/* A step that no training reaches: its random numbers are nobody else's. */
static const uint64_t validation_step = (uint64_t)1 << 55;

/* Frames [first, first + rows) of a shard, which are slots of their own. */
static PetscErrorCode AddLoss(TpTrainer trainer, TpShards shards, int shard, PetscInt64 first_slot, PetscInt64 first,
                              PetscInt rows, double *sum)
{
  double loss;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < rows; ++i) {
    double       label;
    const float *frame = TpShardsFrame(shards, shard, first + i, &label);

    TpTrainerLoadRow(trainer, frame, label, validation_step, (uint32_t)(first_slot + first + i), i);
  }
  PetscCall(TpTrainerNoiseRows(trainer, validation_step, (uint32_t)(first_slot + first), 0, rows));
  PetscCall(TpTrainerPredictRows(trainer, trainer->average, rows, &loss));
  *sum += loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrainerValidate(TpTrainer trainer, TpShards shards, PetscInt64 rows_per_shard, double *loss)
{
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  double                   *sums = buffers->sums, total = 0.0, rows = 0.0; /* [num_shards, 2] loss and rows */
  int                       first, owned;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sums, 2 * buffers->num_shards));
  TpShardsOwned(shards, &first, &owned);
  for (int shard = first; shard < first + owned; ++shard) {
    const PetscInt64 count = PetscMin(rows_per_shard, TpShardsCount(shards, shard));

    /* Pieces as large as a shard's share of a batch, so that the sums are the same however many shards are owned here. */
    for (PetscInt64 done = 0; done < count; done += buffers->rows_per_shard)
      PetscCall(AddLoss(trainer, shards, shard, shard * rows_per_shard, done,
                        (PetscInt)PetscMin((PetscInt64)buffers->rows_per_shard, count - done), &sums[2 * shard]));
    sums[2 * shard + 1] = (double)count;
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, 2 * buffers->num_shards, MPI_DOUBLE, MPI_SUM, buffers->comm, NULL));
  for (int i = 0; i < buffers->num_shards; ++i) {
    total += sums[2 * i];
    rows += sums[2 * i + 1];
  }
  *loss = rows > 0.0 ? total / rows : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}
