/* One optimiser step: draw, noise, predict, compare, reduce, update. */
#include "train-impl.h"

#include <math.h>

void TpTrainerLoadRow(TpTrainer trainer, const float frame[], double label, uint64_t step, uint32_t slot, PetscInt row)
{
  struct TpTrainerBuffers_ *buffers   = trainer->buffers;
  const TpCondition        *condition = &buffers->condition;
  const PetscInt            S = buffers->num_states, E = buffers->encoding->num_encoded;
  TpNumber                 *x0 = buffers->x0 + row * S, *c = buffers->c + row * buffers->num_conditions;

  for (PetscInt i = 0; i < E; ++i) x0[i] = frame[i];
  if (buffers->encoding->turned) TpAtomsTurn(buffers->encoding->turned, buffers->seed, slot, step, x0);
  TpEncodingScale(buffers->encoding, 1, x0);
  if (S > E)
    x0[E] = TpConditionOf(condition, label);
  else
    *c++ = TpConditionOf(condition, label);
  for (PetscInt i = 0; i < condition->num_further; ++i) c[i] = TpConditionFurther(condition, i, (double)frame[E + i]);
  if (!buffers->scale) return;
  buffers->scale[row] = (TpNumber)TpConditionNoise(condition, label);
  for (PetscInt i = 0; i < S; ++i) x0[i] /= buffers->scale[row];
}

PetscErrorCode TpTrainerNoiseRows(TpTrainer trainer, uint64_t step, uint32_t first_slot, PetscInt first_row,
                                  PetscInt rows)
{
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt            at      = first_row * buffers->num_states;

  PetscFunctionBeginUser;
  PetscCall(TpDiffusionNoise(buffers->schedule, buffers->seed, step, first_slot, rows, buffers->num_states,
                             buffers->x0 + at, buffers->x + at, buffers->t + first_row, buffers->eps + at));
  TpLensTarget(buffers->lens, rows, buffers->x0 + at, buffers->x + at, buffers->t + first_row, buffers->eps + at);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Draw the rows of one shard: slot `first_slot + i` takes frame floor(u count), u a function of (seed, slot, step). */
static PetscErrorCode DrawRows(TpTrainer trainer, TpShards shards, int shard, PetscInt first_row)
{
  struct TpTrainerBuffers_ *buffers    = trainer->buffers;
  const PetscInt            rows       = buffers->rows_per_shard;
  const uint32_t            first_slot = (uint32_t)(shard * rows);
  const PetscInt64          count      = TpShardsCount(shards, shard);
  const uint64_t            step       = (uint64_t)trainer->step;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < rows; ++i) {
    const uint32_t slot = first_slot + (uint32_t)i;
    double         u, label, jitter;

    TpRandomUniform(buffers->seed, TP_RANDOM_BATCH, slot, step, 1, &u);
    const float *frame = TpShardsFrame(shards, shard, PetscMin(count - 1, (PetscInt64)(u * (double)count)), &label);
    if (buffers->condition.jitter > 0.0) {
      TpRandomNormal(buffers->seed, TP_RANDOM_LABEL, slot, step, 1, &jitter);
      label += buffers->condition.jitter * jitter;
    }
    TpTrainerLoadRow(trainer, frame, label, step, slot, first_row + i);
  }
  PetscCall(TpTrainerNoiseRows(trainer, step, first_slot, first_row, rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrainerPredictRows(TpTrainer trainer, const TpNumber parameters[], PetscInt rows, double *loss)
{
  struct TpTrainerBuffers_ *b = trainer->buffers;

  PetscFunctionBeginUser;
  if (!b->is_plain) TpLensShow(b->lens, rows, b->x, b->t, b->scale, b->inputs);
  PetscCall(TpNetworkForward(trainer->network, parameters, b->workspace, rows, b->inputs, b->t, b->c, b->y));
  if (!b->is_plain) TpLensRead(b->lens, rows, b->inputs, b->scale, b->y, b->answer);
  *loss = TpDiffusionLoss(rows, b->num_states, b->answer, b->eps, 1.0, b->danswer);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gradient, loss and row count of `rows` drawn rows, added to `part`. */
static PetscErrorCode AddGradient(TpTrainer trainer, PetscInt rows, TpNumber part[])
{
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  TpNumber                 *extra   = part + trainer->num_parameters;
  double                    loss;

  PetscFunctionBeginUser;
  PetscCall(TpTrainerPredictRows(trainer, trainer->parameters, rows, &loss));
  extra[TP_EXTRA_LOSS] += (TpNumber)loss;
  extra[TP_EXTRA_ROWS] += (TpNumber)rows;
  if (!buffers->is_plain)
    TpLensReverse(buffers->lens, rows, buffers->inputs, buffers->scale, buffers->danswer, buffers->dy);
  PetscCall(
      TpNetworkBackward(trainer->network, trainer->parameters, buffers->workspace, rows, buffers->dy, part, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sum over the tree that has begun, and the time it has taken. */
typedef struct {
  TpTree         tree;
  double         seconds;
  PetscErrorCode code;
} Reduction;

/* The gradient of a layer is whole: its sum goes on while the layers before it are computed. */
static void Advance(void *context, PetscInt first)
{
  Reduction   *reduction = context;
  const double start     = MPI_Wtime();

  if (!reduction->code) reduction->code = TpTreeAdvance(reduction->tree, first);
  reduction->seconds += MPI_Wtime() - start;
}

/* tree: each shard's gradient by itself, summed in an order that no number of trainers changes. */
static PetscErrorCode GradientByTree(TpTrainer trainer, TpShards shards, double *seconds)
{
  struct TpTrainerBuffers_ *buffers   = trainer->buffers;
  const PetscInt            length    = trainer->num_parameters + TP_NUM_EXTRA;
  Reduction                 reduction = {.tree = buffers->tree};
  int                       first, owned, last;

  PetscFunctionBeginUser;
  TpShardsOwned(shards, &first, &owned);
  for (last = owned - 1; last >= 0 && !TpShardsCount(shards, first + last);) --last;
  PetscCall(PetscArrayzero(buffers->parts, owned * length));
  PetscCall(TpTreeBegin(buffers->tree, buffers->parts, buffers->total));
  for (int i = 0; i <= last; ++i) {
    if (!TpShardsCount(shards, first + i)) continue;
    PetscCall(DrawRows(trainer, shards, first + i, 0));
    if (i == last) TpWorkspaceWatch(buffers->workspace, Advance, &reduction);
    PetscCall(AddGradient(trainer, buffers->rows_per_shard, buffers->parts + i * length));
  }
  TpWorkspaceWatch(buffers->workspace, NULL, NULL);
  PetscCall(reduction.code);
  const double start = MPI_Wtime();

  PetscCall(TpTreeEnd(buffers->tree, NULL));
  *seconds += reduction.seconds + MPI_Wtime() - start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* allreduce: one gradient of all rows drawn here, summed by MPI. */
static PetscErrorCode GradientByAllreduce(TpTrainer trainer, TpShards shards, double *seconds)
{
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  const PetscInt            length  = trainer->num_parameters + TP_NUM_EXTRA;
  PetscInt                  rows    = 0;
  int                       first, owned;

  PetscFunctionBeginUser;
  TpShardsOwned(shards, &first, &owned);
  for (int i = 0; i < owned; ++i) {
    if (!TpShardsCount(shards, first + i)) continue;
    PetscCall(DrawRows(trainer, shards, first + i, rows));
    rows += buffers->rows_per_shard;
  }
  PetscCall(PetscArrayzero(buffers->parts, length));
  if (rows) PetscCall(AddGradient(trainer, rows, buffers->parts));
  PetscCall(TpAllreduce(buffers->parts, buffers->total, length, MPI_FLOAT, MPI_SUM, buffers->comm, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrainerStep(TpTrainer trainer, TpShards shards)
{
  struct TpTrainerBuffers_ *buffers = trainer->buffers;
  const TpNumber           *extra   = buffers->total + trainer->num_parameters;
  const double              start   = MPI_Wtime();
  double                    reduce  = 0.0;

  PetscFunctionBeginUser;
  if (buffers->settings.reduce == TP_REDUCE_TREE)
    PetscCall(GradientByTree(trainer, shards, &reduce));
  else
    PetscCall(GradientByAllreduce(trainer, shards, &reduce));
  if (extra[TP_EXTRA_ROWS] > 0) {
    const double    loss    = (double)extra[TP_EXTRA_LOSS] / (double)extra[TP_EXTRA_ROWS];
    const PetscBool is_good = TpGradientIsFinite(trainer->num_parameters, buffers->total);

    if (!isfinite(loss) || !is_good)
      PetscFunctionReturn(TpStopError("training: the loss is %g, its gradient is %s, at step %" PetscInt64_FMT
                                      "; the last checkpoint holds the last good model; lower training.learning_rate",
                                      loss, is_good ? "finite" : "not finite", trainer->step));
    trainer->loss = loss;
    TpAdamUpdate(trainer, buffers->total, (double)extra[TP_EXTRA_ROWS]);
  }
  trainer->reduce_seconds += reduce;
  trainer->compute_seconds += MPI_Wtime() - start - reduce;
  PetscFunctionReturn(PETSC_SUCCESS);
}
