/* The trainer: what the optimiser remembers, and the buffers of its step. */
#include "train-impl.h"

const char *const tp_reduce_words[] = {"tree", "allreduce", NULL};

/* What stands between states and the network; nothing, in the plain case. */
static PetscErrorCode LensBuffersCreate(struct TpTrainerBuffers_ *buffers, PetscInt D)
{
  const PetscInt rows = buffers->max_rows, S = buffers->num_states;

  PetscFunctionBeginUser;
  if (buffers->condition.role == TP_ROLE_PRIOR) PetscCall(PetscMalloc1(rows, &buffers->scale));
  buffers->is_plain = !buffers->scale && !buffers->lens->num_angles ? PETSC_TRUE : PETSC_FALSE;
  if (buffers->is_plain) {
    buffers->inputs  = buffers->x;
    buffers->answer  = buffers->y;
    buffers->danswer = buffers->dy;
  } else
    PetscCall(PetscMalloc3(rows * D, &buffers->inputs, rows * S, &buffers->answer, rows * S, &buffers->danswer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BuffersCreate(TpTrainer trainer, struct TpTrainerBuffers_ *buffers)
{
  const PetscInt length = trainer->num_parameters + TP_NUM_EXTRA;
  const PetscInt D = TpNetworkNumInputs(trainer->network), S = buffers->num_states;
  int            rank, size, first, owned;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(buffers->comm, &rank));
  PetscCallMPI(MPI_Comm_size(buffers->comm, &size));
  TpTreeOwned(buffers->num_shards, size, rank, &first, &owned);
  buffers->rows_per_shard = (PetscInt)(buffers->settings.batch / buffers->num_shards);
  buffers->max_rows       = PetscMax(1, owned) * buffers->rows_per_shard;
  PetscCall(PetscMalloc5(buffers->max_rows * S, &buffers->x0, buffers->max_rows * S, &buffers->x, buffers->max_rows * S,
                         &buffers->eps, buffers->max_rows * D, &buffers->y, buffers->max_rows * D, &buffers->dy));
  PetscCall(PetscMalloc2(buffers->max_rows, &buffers->t, buffers->max_rows * buffers->num_conditions + 1, &buffers->c));
  PetscCall(LensBuffersCreate(buffers, D));
  PetscCall(PetscMalloc2(PetscMax(1, owned) * length, &buffers->parts, length, &buffers->total));
  PetscCall(PetscMalloc1(2 * buffers->num_shards, &buffers->sums));
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
  PetscCall(TpConditionLens(&condition, encoding, schedule, &new_trainer->buffers->lens));
  new_trainer->buffers->num_states     = new_trainer->buffers->lens->num_states;
  new_trainer->buffers->num_conditions = TpConditionCount(&condition);
  PetscCall(TpNetworkCreate(network, new_trainer->buffers->lens->num_inputs, new_trainer->buffers->num_conditions,
                            &new_trainer->network));
  new_trainer->num_parameters = TpNetworkNumParameters(new_trainer->network);
  new_trainer->num_averages   = 1 + settings->ema_others.size;
  PetscCall(PetscMalloc2(new_trainer->num_parameters, &new_trainer->parameters,
                         new_trainer->num_averages * new_trainer->num_parameters, &new_trainer->average));
  PetscCall(PetscCalloc2(new_trainer->num_parameters, &new_trainer->moment1, new_trainer->num_parameters,
                         &new_trainer->moment2));
  PetscCall(TpNetworkInitialise(new_trainer->network, seed, new_trainer->parameters));
  for (PetscInt i = 0; i < new_trainer->num_averages; ++i)
    PetscCall(PetscArraycpy(new_trainer->average + i * new_trainer->num_parameters, new_trainer->parameters,
                            new_trainer->num_parameters));
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
  PetscCall(TpLensDestroy(&buffers->lens));
  PetscCall(PetscFree(buffers->scale));
  if (!buffers->is_plain) PetscCall(PetscFree3(buffers->inputs, buffers->answer, buffers->danswer));
  PetscCall(PetscFree5(buffers->x0, buffers->x, buffers->eps, buffers->y, buffers->dy));
  PetscCall(PetscFree2(buffers->t, buffers->c));
  PetscCall(PetscFree2(buffers->parts, buffers->total));
  PetscCall(PetscFree(buffers->sums));
  PetscCall(PetscFree(buffers));
  PetscCall(TpNetworkDestroy(&(*trainer)->network));
  PetscCall(PetscFree2((*trainer)->parameters, (*trainer)->average));
  PetscCall(PetscFree2((*trainer)->moment1, (*trainer)->moment2));
  PetscCall(PetscFree(*trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
