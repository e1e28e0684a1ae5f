/* The trainer: what the optimiser remembers, and the buffers of its step. */
#include "train-impl.h"

const char *const tp_reduce_words[] = {"tree", "allreduce", NULL};

static PetscErrorCode BuffersCreate(TpTrainer trainer, struct TpTrainerBuffers_ *buffers)
{
  const PetscInt length = trainer->num_parameters + TP_NUM_EXTRA;
  const PetscInt D      = TpNetworkNumInputs(trainer->network);
  int            rank, size, first, owned;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(buffers->comm, &rank));
  PetscCallMPI(MPI_Comm_size(buffers->comm, &size));
  TpTreeOwned(buffers->num_shards, size, rank, &first, &owned);
  buffers->rows_per_shard = (PetscInt)(buffers->settings.batch / buffers->num_shards);
  buffers->max_rows       = PetscMax(1, owned) * buffers->rows_per_shard;
  PetscCall(PetscMalloc5(buffers->max_rows * D, &buffers->x0, buffers->max_rows * D, &buffers->x, buffers->max_rows * D,
                         &buffers->eps, buffers->max_rows * D, &buffers->y, buffers->max_rows * D, &buffers->dy));
  PetscCall(PetscMalloc2(buffers->max_rows, &buffers->t, buffers->max_rows, &buffers->c));
  PetscCall(PetscMalloc2(PetscMax(1, owned) * length, &buffers->parts, length, &buffers->total));
  PetscCall(TpWorkspaceCreate(trainer->network, buffers->max_rows, &buffers->workspace));
  PetscCall(TpTreeCreate(buffers->comm, buffers->num_shards, length, &buffers->tree));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrainerCreate(const TpTrainSettings *settings, const TpNetworkSettings *network, TpSchedule schedule,
                               TpEncoding encoding, TpCondition condition, int num_shards, uint64_t seed, MPI_Comm comm,
                               TpTrainer *trainer)
{
  TpTrainer new_trainer;

  PetscFunctionBeginUser;
  TpCheckInput(settings->batch >= num_shards && settings->batch % num_shards == 0,
               "training.batch: %" PetscInt64_FMT " is not a multiple of stream.shards, %d", settings->batch,
               num_shards);
  PetscCall(PetscNew(&new_trainer));
  PetscCall(PetscNew(&new_trainer->buffers));
  *new_trainer->buffers = (struct TpTrainerBuffers_){.settings   = *settings,
                                                     .schedule   = schedule,
                                                     .encoding   = encoding,
                                                     .condition  = condition,
                                                     .seed       = seed,
                                                     .comm       = comm,
                                                     .num_shards = num_shards};
  PetscCall(TpNetworkCreate(network, encoding->num_encoded, 1, &new_trainer->network));
  new_trainer->num_parameters = TpNetworkNumParameters(new_trainer->network);
  PetscCall(PetscMalloc2(new_trainer->num_parameters, &new_trainer->parameters, new_trainer->num_parameters,
                         &new_trainer->average));
  PetscCall(PetscCalloc2(new_trainer->num_parameters, &new_trainer->moment1, new_trainer->num_parameters,
                         &new_trainer->moment2));
  PetscCall(TpNetworkInitialise(new_trainer->network, seed, new_trainer->parameters));
  PetscCall(PetscArraycpy(new_trainer->average, new_trainer->parameters, new_trainer->num_parameters));
  PetscCall(BuffersCreate(new_trainer, new_trainer->buffers));
  *trainer = new_trainer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpTrainerSetCondition(TpTrainer trainer, TpCondition condition)
{
  trainer->buffers->condition = condition;
}

PetscErrorCode TpTrainerDestroy(TpTrainer *trainer)
{
  struct TpTrainerBuffers_ *buffers;

  PetscFunctionBeginUser;
  if (!*trainer) PetscFunctionReturn(PETSC_SUCCESS);
  buffers = (*trainer)->buffers;
  PetscCall(TpTreeDestroy(&buffers->tree));
  PetscCall(TpWorkspaceDestroy(&buffers->workspace));
  PetscCall(PetscFree5(buffers->x0, buffers->x, buffers->eps, buffers->y, buffers->dy));
  PetscCall(PetscFree2(buffers->t, buffers->c));
  PetscCall(PetscFree2(buffers->parts, buffers->total));
  PetscCall(PetscFree(buffers));
  PetscCall(TpNetworkDestroy(&(*trainer)->network));
  PetscCall(PetscFree2((*trainer)->parameters, (*trainer)->average));
  PetscCall(PetscFree2((*trainer)->moment1, (*trainer)->moment2));
  PetscCall(PetscFree(*trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
