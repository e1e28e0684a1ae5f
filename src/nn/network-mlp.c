/*
  The residual MLP denoiser. Sizes: B batch, D inputs, C conditions, W width, E embedding.

    e     = silu(time_2 silu(time_1 sinusoids(t)) + condition_2 silu(condition_1 c))         [B, E]
    h_0   = input x                                                                          [B, W]
    h_l+1 = h_l + out_l silu(in_l silu(h_l) + mix_l e)         l = 0 .. depth - 1
    y     = output silu(h_depth)                               begins at zero

  The condition runs through a small smooth network and adds to the time: what is learned at some temperatures carries over smoothly to others.
*/
#include "network-impl.h"

#include <math.h>
#include <string.h>

/* A linear layer: its place in the parameter block. */
typedef struct {
  PetscInt N, M;
  PetscInt w;
  PetscInt b; /* -1: none */
} Layer;

typedef struct {
  Layer in, mix, out;
} Block;

typedef struct {
  Layer  time_1, time_2, condition_1, condition_2, input, output;
  Block *blocks; /* [depth] */
} Mlp;

/* ---------------------------------------------------------------------------------------------------------- creation */

/* After a SiLU a normal input has mean square 0.356: this gain makes the output's mean square 1 again. */
#define GAIN 1.68

static PetscErrorCode AddLayer(TpNetwork network, const char *name, PetscInt index, PetscInt N, PetscInt M,
                               double weight_scale, double bias_scale, Layer *layer)
{
  char prefix[32];

  PetscFunctionBeginUser;
  if (index < 0)
    (void)snprintf(prefix, sizeof prefix, "%s", name);
  else
    (void)snprintf(prefix, sizeof prefix, "block_%d.%s", (int)index, name);
  layer->N = N;
  layer->M = M;
  layer->b = -1;
  PetscCall(TpNetworkAddTensor(network, M, N, weight_scale / sqrt((double)N), &layer->w, "%s.weight", prefix));
  if (bias_scale >= 0) PetscCall(TpNetworkAddTensor(network, M, 1, bias_scale, &layer->b, "%s.bias", prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The biases of the layers that see raw numbers begin spread out, so that a one-dimensional input is cut at many places from the start. */
static PetscErrorCode Create(TpNetwork network)
{
  const PetscInt D = network->num_inputs, C = network->num_conditions;
  const PetscInt W = (PetscInt)network->settings.width, E = (PetscInt)network->settings.embedding;
  const PetscInt depth = (PetscInt)network->settings.depth;
  Mlp           *mlp;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&mlp));
  PetscCall(PetscMalloc1(depth, &mlp->blocks));
  network->data = mlp;
  PetscCall(AddLayer(network, "time_1", -1, E, E, GAIN, 0, &mlp->time_1));
  PetscCall(AddLayer(network, "time_2", -1, E, E, GAIN, 0, &mlp->time_2));
  if (C > 0) {
    PetscCall(AddLayer(network, "condition_1", -1, C, E, 1, 1, &mlp->condition_1));
    PetscCall(AddLayer(network, "condition_2", -1, E, E, GAIN, -1, &mlp->condition_2));
  }
  PetscCall(AddLayer(network, "input", -1, D, W, 1, 1, &mlp->input));
  for (PetscInt l = 0; l < depth; l++) {
    PetscCall(AddLayer(network, "in", l, W, W, GAIN, 0, &mlp->blocks[l].in));
    PetscCall(AddLayer(network, "mix", l, E, W, GAIN, -1, &mlp->blocks[l].mix));
    PetscCall(AddLayer(network, "out", l, W, W, GAIN / sqrt((double)depth), 0, &mlp->blocks[l].out));
  }
  PetscCall(AddLayer(network, "output", -1, W, D, 0, 0, &mlp->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpNetwork network)
{
  Mlp *mlp = network->data;

  PetscFunctionBeginUser;
  if (mlp) PetscCall(PetscFree(mlp->blocks));
  PetscCall(PetscFree(network->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Operations(TpNetwork network)
{
  const double D = (double)network->num_inputs, C = (double)network->num_conditions;
  const double W = (double)network->settings.width, E = (double)network->settings.embedding;

  return 2 *
         (2 * E * E + (C > 0 ? C * E + E * E : 0) + 2 * D * W + (double)network->settings.depth * (2 * W * W + E * W));
}

/* --------------------------------------------------------------------------------------------------------- workspace */

/* Activations of one block; the names follow the formula: a = silu(h), u = in a + mix e, v = silu(u). */
typedef struct {
  TpNumber *h, *a, *u, *v;
} BlockBuffers;

typedef struct {
  TpNumber *x, *c;                       /* [B, D], [B, C] what forward was given */
  TpNumber *sinusoids, *time_u, *time_v; /* [B, E] */
  TpNumber *condition_u, *condition_v;   /* [B, E] */
  TpNumber *sum, *e, *de, *dv_e;         /* [B, E] e = silu(sum); gradients */
  TpNumber *h, *a;                       /* [B, W] after the last block */
  TpNumber *dh, *du;                     /* [B, W] gradients */
  TpNumber *blocks;                      /* [depth, or 1 for forward passes alone][4][B, W] */
  size_t    size;
} Buffers;

static TpNumber *Take(TpNumber *numbers, size_t *used, size_t count)
{
  TpNumber *place = numbers ? numbers + *used : NULL;

  *used += count;
  return place;
}

/* Lay the buffers for `max_batch` rows out over `numbers`; NULL: only count them. */
static Buffers Lay(TpNetwork network, PetscInt max_batch, PetscBool both_ways, TpNumber *numbers)
{
  const size_t rows = (size_t)max_batch;
  const size_t E = rows * (size_t)network->settings.embedding, W = rows * (size_t)network->settings.width;
  size_t       used = 0;
  Buffers      buffers;

  buffers.x           = Take(numbers, &used, rows * (size_t)network->num_inputs);
  buffers.c           = Take(numbers, &used, rows * (size_t)network->num_conditions);
  buffers.sinusoids   = Take(numbers, &used, E);
  buffers.time_u      = Take(numbers, &used, E);
  buffers.time_v      = Take(numbers, &used, E);
  buffers.condition_u = Take(numbers, &used, E);
  buffers.condition_v = Take(numbers, &used, E);
  buffers.sum         = Take(numbers, &used, E);
  buffers.e           = Take(numbers, &used, E);
  buffers.de          = Take(numbers, &used, E);
  buffers.dv_e        = Take(numbers, &used, E);
  buffers.h           = Take(numbers, &used, W);
  buffers.a           = Take(numbers, &used, W);
  buffers.dh          = Take(numbers, &used, W);
  buffers.du          = Take(numbers, &used, W);
  buffers.blocks      = Take(numbers, &used, (size_t)(both_ways ? network->settings.depth : 1) * 4 * W);
  buffers.size        = used;
  return buffers;
}

static size_t WorkspaceSize(TpNetwork network, PetscInt max_batch, PetscBool both_ways)
{
  return Lay(network, max_batch, both_ways, NULL).size;
}

static BlockBuffers BlockOf(TpNetwork network, TpWorkspace workspace, const Buffers *buffers, PetscInt l)
{
  const size_t W     = (size_t)workspace->max_batch * (size_t)network->settings.width;
  TpNumber    *start = buffers->blocks + (size_t)(workspace->both_ways ? l : 0) * 4 * W;

  return (BlockBuffers){start, start + W, start + 2 * W, start + 3 * W};
}

/* ----------------------------------------------------------------------------------------------------------- forward */

static void Forward(const Layer *layer, const TpNumber p[], PetscInt B, const TpNumber x[], TpNumber y[])
{
  TpLinearForward(B, layer->N, layer->M, x, p + layer->w, layer->b < 0 ? NULL : p + layer->b, y);
}

static void ForwardEmbedding(TpNetwork network, const TpNumber p[], const Buffers *buffers, PetscInt B,
                             const TpNumber t[])
{
  const Mlp     *mlp = network->data;
  const PetscInt E   = (PetscInt)network->settings.embedding;

  TpTimeEmbedding(B, E, t, buffers->sinusoids);
  Forward(&mlp->time_1, p, B, buffers->sinusoids, buffers->time_u);
  TpSiluForward(B * E, buffers->time_u, buffers->time_v);
  Forward(&mlp->time_2, p, B, buffers->time_v, buffers->sum);
  if (network->num_conditions > 0) {
    Forward(&mlp->condition_1, p, B, buffers->c, buffers->condition_u);
    TpSiluForward(B * E, buffers->condition_u, buffers->condition_v);
    TpLinearAdd(B, E, E, buffers->condition_v, p + mlp->condition_2.w, buffers->sum);
  }
  TpSiluForward(B * E, buffers->sum, buffers->e);
}

/* next = h + bias: where the branch is added to. next may be h. */
static void AddBias(PetscInt B, PetscInt W, const TpNumber h[], const TpNumber bias[], TpNumber next[])
{
  for (PetscInt i = 0; i < B; i++) {
    for (PetscInt j = 0; j < W; j++) next[i * W + j] = h[i * W + j] + bias[j];
  }
}

static void NetworkForward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                           const TpNumber t[], const TpNumber c[], TpNumber y[])
{
  const Mlp     *mlp = network->data;
  const PetscInt W = (PetscInt)network->settings.width, E = (PetscInt)network->settings.embedding;
  const PetscInt depth   = (PetscInt)network->settings.depth;
  const Buffers  buffers = Lay(network, workspace->max_batch, workspace->both_ways, workspace->numbers);

  memcpy(buffers.x, x, (size_t)(B * network->num_inputs) * sizeof *x);
  if (network->num_conditions > 0) memcpy(buffers.c, c, (size_t)(B * network->num_conditions) * sizeof *c);
  ForwardEmbedding(network, p, &buffers, B, t);
  Forward(&mlp->input, p, B, x, BlockOf(network, workspace, &buffers, 0).h);
  for (PetscInt l = 0; l < depth; l++) {
    const Block       *block = &mlp->blocks[l];
    const BlockBuffers here  = BlockOf(network, workspace, &buffers, l);
    TpNumber          *next  = l + 1 < depth ? BlockOf(network, workspace, &buffers, l + 1).h : buffers.h;

    TpSiluForward(B * W, here.h, here.a);
    Forward(&block->in, p, B, here.a, here.u);
    TpLinearAdd(B, E, W, buffers.e, p + block->mix.w, here.u);
    TpSiluForward(B * W, here.u, here.v);
    AddBias(B, W, here.h, p + block->out.b, next);
    TpLinearAdd(B, W, W, here.v, p + block->out.w, next);
  }
  TpSiluForward(B * W, buffers.h, buffers.a);
  Forward(&mlp->output, p, B, buffers.a, y);
}

/* ---------------------------------------------------------------------------------------------------------- backward */

static void Backward(const Layer *layer, const TpNumber p[], PetscInt B, const TpNumber x[], const TpNumber dy[],
                     TpNumber dx[], TpNumber gradient[])
{
  TpLinearBackward(B, layer->N, layer->M, x, p + layer->w, dy, dx, gradient + layer->w,
                   layer->b < 0 ? NULL : gradient + layer->b);
}

/* From de, the gradient of e, which is overwritten. */
static void BackwardEmbedding(TpNetwork network, const TpNumber p[], const Buffers *buffers, PetscInt B,
                              TpNumber gradient[])
{
  const Mlp     *mlp = network->data;
  const PetscInt E   = (PetscInt)network->settings.embedding;

  TpSiluBackward(B * E, buffers->sum, buffers->de, buffers->de);
  if (network->num_conditions > 0) {
    Backward(&mlp->condition_2, p, B, buffers->condition_v, buffers->de, buffers->dv_e, gradient);
    TpSiluBackward(B * E, buffers->condition_u, buffers->dv_e, buffers->dv_e);
    Backward(&mlp->condition_1, p, B, buffers->c, buffers->dv_e, NULL, gradient);
  }
  Backward(&mlp->time_2, p, B, buffers->time_v, buffers->de, buffers->dv_e, gradient);
  TpSiluBackward(B * E, buffers->time_u, buffers->dv_e, buffers->dv_e);
  Backward(&mlp->time_1, p, B, buffers->sinusoids, buffers->dv_e, NULL, gradient);
}

/* dh of the block's output becomes dh of its input: the branch's part is added. */
static void BackwardBlock(TpNetwork network, const Block *block, const BlockBuffers *here, const TpNumber p[],
                          const Buffers *buffers, PetscInt B, TpNumber gradient[])
{
  const PetscInt W = (PetscInt)network->settings.width, E = (PetscInt)network->settings.embedding;
  TpNumber      *da = here->v; /* no longer needed once the gradient of `out` is taken */

  Backward(&block->out, p, B, here->v, buffers->dh, buffers->du, gradient);
  TpSiluBackward(B * W, here->u, buffers->du, buffers->du);
  TpLinearAddWeights(B, E, W, buffers->e, buffers->du, gradient + block->mix.w, NULL);
  TpLinearAddInput(B, E, W, p + block->mix.w, buffers->du, buffers->de);
  Backward(&block->in, p, B, here->a, buffers->du, da, gradient);
  TpSiluBackward(B * W, here->h, da, da);
  for (PetscInt i = 0; i < B * W; i++) buffers->dh[i] += da[i];
}

static void NetworkBackward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B,
                            const TpNumber dy[], TpNumber gradient[], TpNumber dx[])
{
  const Mlp     *mlp = network->data;
  const PetscInt W = (PetscInt)network->settings.width, E = (PetscInt)network->settings.embedding;
  const Buffers  buffers = Lay(network, workspace->max_batch, workspace->both_ways, workspace->numbers);

  memset(buffers.de, 0, (size_t)(B * E) * sizeof *buffers.de);
  Backward(&mlp->output, p, B, buffers.a, dy, buffers.dh, gradient);
  TpSiluBackward(B * W, buffers.h, buffers.dh, buffers.dh);
  TpWorkspaceTell(workspace, mlp->output.w);
  for (PetscInt l = (PetscInt)network->settings.depth - 1; l >= 0; l--) {
    const BlockBuffers here = BlockOf(network, workspace, &buffers, l);

    BackwardBlock(network, &mlp->blocks[l], &here, p, &buffers, B, gradient);
    TpWorkspaceTell(workspace, mlp->blocks[l].in.w);
  }
  Backward(&mlp->input, p, B, buffers.x, buffers.dh, dx, gradient);
  BackwardEmbedding(network, p, &buffers, B, gradient);
}

const TpNetworkOps tp_network_mlp = {
    .create         = Create,
    .destroy        = Destroy,
    .operations     = Operations,
    .workspace_size = WorkspaceSize,
    .forward        = NetworkForward,
    .backward       = NetworkBackward,
};
