/* One optimiser step of an energy along paths: draw, noise, differentiate the gradient, sum over the tree, update. */
#include "train-impl.h"

#include <math.h>

struct TpEnergyTrainerBuffers_ {
  TpTrainSettings settings;
  PetscInt64      num_steps;
  uint64_t        seed;
  int             num_shards, first, owned;
  PetscInt        rows_per_shard;
  TpTree          tree;
  TpNumber       *parts; /* [owned shards, P + TP_NUM_EXTRA] */
  TpNumber       *total; /* [P + TP_NUM_EXTRA] */
  double         *y0;    /* [rows_per_shard, size] */
};

/* What steps need, on trainers. */
static PetscErrorCode BuffersCreate(TpEnergyTrainer trainer, PetscInt max_size, MPI_Comm comm)
{
  struct TpEnergyTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt                  length  = trainer->adam.num_parameters + TP_NUM_EXTRA;
  int                             rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  TpTreeOwned(buffers->num_shards, size, rank, &buffers->first, &buffers->owned);
  PetscCall(PetscMalloc3(PetscMax(1, buffers->owned) * length, &buffers->parts, length, &buffers->total,
                         buffers->rows_per_shard * max_size, &buffers->y0));
  PetscCall(TpTreeCreate(comm, buffers->num_shards, length, &buffers->tree));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnergyTrainerCreate(const TpTrainSettings *settings, PetscInt64 num_steps,
                                     const TpEnergySettings *energy, PetscInt num_inputs, PetscInt num_conditions,
                                     PetscInt max_rows, PetscInt max_size, int num_shards, uint64_t seed, MPI_Comm comm,
                                     TpEnergyTrainer *trainer)
{
  TpEnergyTrainer new_trainer;
  TpAdam         *adam;

  PetscFunctionBeginUser;
  TpCheckInput(settings->batch >= num_shards && settings->batch % num_shards == 0,
               "training.batch: %" PetscInt64_FMT " is not a multiple of stream.shards, %d", settings->batch,
               num_shards);
  PetscCall(PetscNew(&new_trainer));
  PetscCall(PetscNew(&new_trainer->buffers));
  *new_trainer->buffers = (struct TpEnergyTrainerBuffers_){.settings       = *settings,
                                                           .num_steps      = num_steps,
                                                           .seed           = seed,
                                                           .num_shards     = num_shards,
                                                           .rows_per_shard = (PetscInt)settings->batch / num_shards};
  adam                  = &new_trainer->adam;
  PetscCall(TpEnergyCreate(energy, num_inputs, num_conditions, &new_trainer->network));
  PetscCall(TpWorkspaceCreate(new_trainer->network, max_rows, &new_trainer->workspace));
  adam->num_parameters = TpNetworkNumParameters(new_trainer->network);
  PetscCall(PetscCalloc4(adam->num_parameters, &adam->parameters, adam->num_parameters, &adam->average,
                         adam->num_parameters, &adam->moment1, adam->num_parameters, &adam->moment2));
  PetscCall(TpNetworkInitialise(new_trainer->network, seed, adam->parameters));
  PetscCall(PetscArraycpy(adam->average, adam->parameters, adam->num_parameters));
  if (comm != MPI_COMM_NULL) PetscCall(BuffersCreate(new_trainer, max_size, comm));
  *trainer = new_trainer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnergyTrainerDestroy(TpEnergyTrainer *trainer)
{
  PetscFunctionBeginUser;
  if (!*trainer) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*trainer)->buffers->tree) PetscCall(TpTreeDestroy(&(*trainer)->buffers->tree));
  PetscCall(PetscFree3((*trainer)->buffers->parts, (*trainer)->buffers->total, (*trainer)->buffers->y0));
  PetscCall(PetscFree((*trainer)->buffers));
  PetscCall(PetscFree4((*trainer)->adam.parameters, (*trainer)->adam.average, (*trainer)->adam.moment1,
                       (*trainer)->adam.moment2));
  PetscCall(TpWorkspaceDestroy(&(*trainer)->workspace));
  PetscCall(TpNetworkDestroy(&(*trainer)->network));
  PetscCall(PetscFree(*trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The system that row i of a shard is of: in blocks where there are enough rows, else by turns over rows and steps. */
static PetscInt SystemOf(const TpEnergyTrainer trainer, PetscInt num_systems, int shard, PetscInt i)
{
  const PetscInt   rows = trainer->buffers->rows_per_shard;
  const PetscInt64 step = trainer->adam.step;

  if (rows >= num_systems) return (PetscInt)(((PetscInt64)i * num_systems / rows + step) % num_systems);
  return (PetscInt)((step * trainer->buffers->settings.batch + shard * rows + i) % num_systems);
}

/* Row i of a shard: a configuration drawn by a function of (seed, slot, step). */
static void DrawRow(const TpEnergyTrainer trainer, const TpEnergyData *data, uint32_t slot, double y0[])
{
  const PetscInt size = TpPathSize(data->path);
  double         number;

  TpRandomUniform(trainer->buffers->seed, TP_RANDOM_BATCH, slot, (uint64_t)trainer->adam.step, 1, &number);
  const float *y = data->y + PetscMin(data->count - 1, (PetscInt64)(number * (double)data->count)) * size;

  for (PetscInt k = 0; k < size; ++k) y0[k] = (double)y[k];
}

/* Rows of one system that follow each other go through the network together. */
static PetscErrorCode LearnShard(TpEnergyTrainer trainer, PetscInt num_systems, const TpEnergyData data[], int shard,
                                 TpNumber part[])
{
  struct TpEnergyTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt                  rows    = buffers->rows_per_shard;
  const uint32_t                  slot    = (uint32_t)(shard * rows);
  TpNumber                       *extra   = part + trainer->adam.num_parameters;
  PetscInt                        end;

  PetscFunctionBeginUser;
  for (PetscInt first = 0; first < rows; first = end) {
    const PetscInt      system = SystemOf(trainer, num_systems, shard, first);
    const TpEnergyData *source = &data[system];
    double              loss;

    for (end = first; end < rows && SystemOf(trainer, num_systems, shard, end) == system; ++end)
      DrawRow(trainer, source, slot + (uint32_t)end, buffers->y0 + (end - first) * TpPathSize(source->path));
    PetscCall(TpPathLearn(source->path, buffers->seed, (uint64_t)trainer->adam.step, slot + (uint32_t)first,
                          end - first, buffers->y0, &loss, part));
    extra[TP_EXTRA_LOSS] += (TpNumber)loss;
    extra[TP_EXTRA_ROWS] += (TpNumber)(end - first);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnergyTrainerStep(TpEnergyTrainer trainer, PetscInt num_systems, const TpEnergyData data[])
{
  struct TpEnergyTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt                  length  = trainer->adam.num_parameters + TP_NUM_EXTRA;
  const TpNumber                 *extra   = buffers->total + trainer->adam.num_parameters;
  const double                    done    = (double)trainer->adam.step / (double)buffers->num_steps;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(buffers->parts, buffers->owned * length));
  for (int i = 0; i < buffers->owned; ++i)
    PetscCall(LearnShard(trainer, num_systems, data, buffers->first + i, buffers->parts + i * length));
  PetscCall(TpTreeSum(buffers->tree, buffers->parts, buffers->total, NULL));
  const double    loss    = (double)extra[TP_EXTRA_LOSS] / (double)extra[TP_EXTRA_ROWS];
  const PetscBool is_good = TpGradientIsFinite(trainer->adam.num_parameters, buffers->total);

  if (!isfinite(loss) || !is_good)
    PetscFunctionReturn(TpStopError("training: the loss is %g, its gradient is %s, at step %" PetscInt64_FMT
                                    "; lower training.learning_rate",
                                    loss, is_good ? "finite" : "not finite", trainer->adam.step));
  trainer->loss = loss;
  TpAdamStep(&buffers->settings, buffers->settings.learning_rate * 0.5 * (1.0 + cos(PETSC_PI * PetscMin(1.0, done))),
             &trainer->adam, buffers->total, 1.0 / (double)extra[TP_EXTRA_ROWS]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
