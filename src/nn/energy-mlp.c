/*
  The energy of a point by a residual MLP. Sizes: B batch, D coordinates, C conditions, W width, K functions of time (and width of the embedding).

    s     = time f(t) + condition c + b                                                      [B, K]
    m     = silu(s)                                                                          [B, K]
    h_0   = input x                                                                          [B, W]
    h_l+1 = h_l + out_l silu(u_l),  u_l = in_l silu(h_l) + mix_l m         l = 0 .. depth - 1
    E     = output . silu(h_depth)                         output begins at zero

  The backward pass keeps the adjoints it meets (dh, dv, da), so that the directional derivative needs only their tangents (sh, sv, sa): the tangent
  of the weights' gradient dy^T x is (s y)^T x + dy^T (t x).
*/
#include "network-impl.h"

#include <string.h>

typedef struct {
  TpLayer in, mix, out;
} Block;

typedef struct {
  TpLayer  time, condition, input, output;
  PetscInt bias;   /* of the embedding */
  Block   *blocks; /* [depth] */
} Mlp;

/* ---------------------------------------------------------------------------------------------------------- creation */

static PetscErrorCode AddBlock(TpNetwork network, PetscInt l, Block *block)
{
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  char           name[32];

  PetscFunctionBeginUser;
  (void)snprintf(name, sizeof name, "block_%d.in", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, W, W, TP_SILU_GAIN, PETSC_TRUE, &block->in));
  (void)snprintf(name, sizeof name, "block_%d.mix", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, K, W, TP_SILU_GAIN, PETSC_FALSE, &block->mix));
  (void)snprintf(name, sizeof name, "block_%d.out", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, W, W, 1, PETSC_TRUE, &block->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TpNetwork network)
{
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  Mlp           *mlp;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&mlp));
  network->data = mlp;
  PetscCall(PetscMalloc1(network->energy.depth, &mlp->blocks));
  PetscCall(TpNetworkAddLayer(network, "time", K, K, 2, PETSC_FALSE, &mlp->time));
  if (network->num_conditions)
    PetscCall(TpNetworkAddLayer(network, "condition", network->num_conditions, K, 1, PETSC_FALSE, &mlp->condition));
  PetscCall(TpNetworkAddTensor(network, K, 1, 1, &mlp->bias, "embedding.bias"));
  PetscCall(TpNetworkAddLayer(network, "input", network->num_inputs, W, 2, PETSC_TRUE, &mlp->input));
  for (PetscInt l = 0; l < network->energy.depth; l++) PetscCall(AddBlock(network, l, &mlp->blocks[l]));
  PetscCall(TpNetworkAddLayer(network, "output", W, 1, 0, PETSC_FALSE, &mlp->output));
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

/* Of an evaluation with gradient: forward and backward. */
static double Operations(TpNetwork network)
{
  const double W = (double)network->energy.width, K = (double)network->energy.embedding;
  const double D = network->num_inputs, C = network->num_conditions;

  return 4 * (D * W + (K + C) * K + (double)network->energy.depth * (2 * W * W + K * W) + W);
}

/* ---------------------------------------------------------------------------------------------------------- workspace */

/* Places in the workspace; the blocks' follow, BLOCK_SIZE arrays [max_batch, W] for each. */
typedef struct {
  TpNumber *x;                             /* [D] */
  TpNumber *c;                             /* [C] */
  TpNumber *f, *df, *s, *m, *dm;           /* [K] */
  TpNumber *h, *a, *dh, *th;               /* [W] of the last block's output */
  TpNumber *sh, *one, *two, *three, *four; /* [W] scratch */
  TpNumber *sm;                            /* [K] */
  TpNumber *blocks;
} Buffers;

typedef struct {
  TpNumber *h, *a, *u, *v;     /* forward */
  TpNumber *dh, *dv, *da;      /* adjoints: of the output, of silu(u), of silu(h) */
  TpNumber *th, *tu, *ta, *tv; /* tangents: of h, u, and of their silu */
} BlockBuffers;

enum { BLOCK_SIZE = 11 };

/* Energies always need both ways: their gradient is what is wanted. */
static size_t WorkspaceSize(TpNetwork network, PetscInt max_batch, PetscBool both_ways)
{
  (void)both_ways;
  const size_t W = (size_t)network->energy.width, K = (size_t)network->energy.embedding;
  const size_t row = (size_t)(network->num_inputs + network->num_conditions) + 6 * K +
                     (9 + BLOCK_SIZE * (size_t)network->energy.depth) * W;

  return row * (size_t)max_batch;
}

static TpNumber *Take(TpNumber **next, size_t size)
{
  TpNumber *here = *next;

  *next += size;
  return here;
}

static Buffers Lay(TpNetwork network, TpWorkspace workspace)
{
  const size_t B = (size_t)workspace->max_batch;
  const size_t W = B * (size_t)network->energy.width, K = B * (size_t)network->energy.embedding;
  TpNumber    *next = workspace->numbers;
  Buffers      buffers;

  buffers.x      = Take(&next, B * (size_t)network->num_inputs);
  buffers.c      = Take(&next, B * (size_t)network->num_conditions);
  buffers.f      = Take(&next, K);
  buffers.df     = Take(&next, K);
  buffers.s      = Take(&next, K);
  buffers.m      = Take(&next, K);
  buffers.dm     = Take(&next, K);
  buffers.sm     = Take(&next, K);
  buffers.h      = Take(&next, W);
  buffers.a      = Take(&next, W);
  buffers.dh     = Take(&next, W);
  buffers.th     = Take(&next, W);
  buffers.sh     = Take(&next, W);
  buffers.one    = Take(&next, W);
  buffers.two    = Take(&next, W);
  buffers.three  = Take(&next, W);
  buffers.four   = Take(&next, W);
  buffers.blocks = next;
  return buffers;
}

static BlockBuffers BlockOf(TpNetwork network, TpWorkspace workspace, const Buffers *buffers, PetscInt l)
{
  const size_t W    = (size_t)workspace->max_batch * (size_t)network->energy.width;
  TpNumber    *next = buffers->blocks + (size_t)l * BLOCK_SIZE * W;
  BlockBuffers here;

  here.h  = Take(&next, W);
  here.a  = Take(&next, W);
  here.u  = Take(&next, W);
  here.v  = Take(&next, W);
  here.dh = Take(&next, W);
  here.dv = Take(&next, W);
  here.da = Take(&next, W);
  here.th = Take(&next, W);
  here.tu = Take(&next, W);
  here.ta = Take(&next, W);
  here.tv = Take(&next, W);
  return here;
}

/* The arrays of block l's output: the next block's input, or the last ones. */
static void OutputOf(TpNetwork network, TpWorkspace workspace, Buffers *buffers, PetscInt l, TpNumber **h,
                     TpNumber **th)
{
  if (l + 1 < network->energy.depth) {
    const BlockBuffers next = BlockOf(network, workspace, buffers, l + 1);

    *h  = next.h;
    *th = next.th;
  } else {
    *h  = buffers->h;
    *th = buffers->th;
  }
}

/* ----------------------------------------------------------------------------------------------------------- forward */

static void Fill(PetscInt B, PetscInt n, const TpNumber row[], TpNumber rows[])
{
  for (PetscInt i = 0; i < B; i++) memcpy(rows + i * n, row, (size_t)n * sizeof *rows);
}

static void Add(PetscInt n, const TpNumber x[], TpNumber y[])
{
  for (PetscInt i = 0; i < n; i++) y[i] += x[i];
}

static void Embed(TpNetwork network, const TpNumber p[], const Buffers *buffers, PetscInt B, const TpNumber t[])
{
  const Mlp     *mlp = network->data;
  const PetscInt K   = (PetscInt)network->energy.embedding;

  TpSlowEmbedding(B, K, t, buffers->f, buffers->df);
  Fill(B, K, p + mlp->bias, buffers->s);
  TpLinearAdd(B, K, K, buffers->f, p + mlp->time.w, buffers->s);
  if (network->num_conditions) TpLinearAdd(B, network->num_conditions, K, buffers->c, p + mlp->condition.w, buffers->s);
  TpSiluForward(B * K, buffers->s, buffers->m);
}

static void Forward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers, PetscInt B,
                    TpNumber e[])
{
  const Mlp     *mlp = network->data;
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  TpNumber      *first = BlockOf(network, workspace, buffers, 0).h, *next, *unused;

  TpLinearForward(B, network->num_inputs, W, buffers->x, p + mlp->input.w, p + mlp->input.b, first);
  for (PetscInt l = 0; l < network->energy.depth; l++) {
    const Block       *block = &mlp->blocks[l];
    const BlockBuffers here  = BlockOf(network, workspace, buffers, l);

    OutputOf(network, workspace, buffers, l, &next, &unused);
    TpSiluForward(B * W, here.h, here.a);
    TpLinearForward(B, W, W, here.a, p + block->in.w, p + block->in.b, here.u);
    TpLinearAdd(B, K, W, buffers->m, p + block->mix.w, here.u);
    TpSiluForward(B * W, here.u, here.v);
    TpLinearForward(B, W, W, here.v, p + block->out.w, p + block->out.b, next);
    Add(B * W, here.h, next);
  }
  TpSiluForward(B * W, buffers->h, buffers->a);
  TpLinearForward(B, W, 1, buffers->a, p + mlp->output.w, NULL, e);
}

/* ---------------------------------------------------------------------------------------------------------- backward */

/* The gradient in the inputs of every layer, kept; weights are left alone. */
static void Backward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers, PetscInt B,
                     TpNumber dx[])
{
  const Mlp     *mlp = network->data;
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  TpNumber      *dh = buffers->dh, *du = buffers->one;

  memset(buffers->dm, 0, (size_t)(B * K) * sizeof *buffers->dm);
  Fill(B, W, p + mlp->output.w, dh);
  TpSiluBackward(B * W, buffers->h, dh, dh);
  for (PetscInt l = (PetscInt)network->energy.depth - 1; l >= 0; l--) {
    const Block       *block = &mlp->blocks[l];
    const BlockBuffers here  = BlockOf(network, workspace, buffers, l);

    memcpy(here.dh, dh, (size_t)(B * W) * sizeof *dh);
    memset(here.dv, 0, (size_t)(B * W) * sizeof *dh);
    TpLinearAddInput(B, W, W, p + block->out.w, dh, here.dv);
    TpSiluBackward(B * W, here.u, here.dv, du);
    TpLinearAddInput(B, K, W, p + block->mix.w, du, buffers->dm);
    memset(here.da, 0, (size_t)(B * W) * sizeof *dh);
    TpLinearAddInput(B, W, W, p + block->in.w, du, here.da);
    TpSiluBackward(B * W, here.h, here.da, buffers->two);
    Add(B * W, buffers->two, dh);
  }
  memset(dx, 0, (size_t)(B * network->num_inputs) * sizeof *dx);
  TpLinearAddInput(B, network->num_inputs, W, p + mlp->input.w, dh, dx);
}

/* From dm to the derivative in time. */
static void TimeDerivative(TpNetwork network, const TpNumber p[], const Buffers *buffers, PetscInt B, TpNumber dt[])
{
  const Mlp     *mlp = network->data;
  const PetscInt K   = (PetscInt)network->energy.embedding;
  TpNumber      *ts  = buffers->sm;

  TpLinearTangent(B, K, K, buffers->df, p + mlp->time.w, ts);
  TpSiluBackward(B * K, buffers->s, ts, ts); /* the tangent of an elementwise function is its reverse */
  for (PetscInt i = 0; i < B; i++) {
    TpNumber sum = 0;

    for (PetscInt j = 0; j < K; j++) sum += ts[i * K + j] * buffers->dm[i * K + j];
    dt[i] = sum;
  }
}

static void Evaluate(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                     const TpNumber t[], const TpNumber c[], TpNumber e[], TpNumber dx[], TpNumber dt[])
{
  Buffers buffers = Lay(network, workspace);

  memcpy(buffers.x, x, (size_t)(B * network->num_inputs) * sizeof *x);
  if (network->num_conditions) memcpy(buffers.c, c, (size_t)(B * network->num_conditions) * sizeof *c);
  Embed(network, p, &buffers, B, t);
  Forward(network, p, workspace, &buffers, B, e);
  Backward(network, p, workspace, &buffers, B, dx);
  if (dt) TimeDerivative(network, p, &buffers, B, dt);
}

/* --------------------------------------------------------------------------------------------------------- direction */

static void TangentForward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers, PetscInt B,
                           const TpNumber tx[])
{
  const Mlp     *mlp   = network->data;
  const PetscInt W     = (PetscInt)network->energy.width;
  TpNumber      *first = BlockOf(network, workspace, buffers, 0).th, *unused, *next;

  TpLinearTangent(B, network->num_inputs, W, tx, p + mlp->input.w, first);
  for (PetscInt l = 0; l < network->energy.depth; l++) {
    const Block       *block = &mlp->blocks[l];
    const BlockBuffers here  = BlockOf(network, workspace, buffers, l);

    OutputOf(network, workspace, buffers, l, &unused, &next);
    TpSiluTangent(B * W, here.h, here.th, here.ta);
    TpLinearTangent(B, W, W, here.ta, p + block->in.w, here.tu);
    TpSiluTangent(B * W, here.u, here.tu, here.tv);
    TpLinearTangent(B, W, W, here.tv, p + block->out.w, next);
    Add(B * W, here.th, next);
  }
}

/* sh of the block's output becomes sh of its input. */
static void DirectionBlock(TpNetwork network, const Block *block, const BlockBuffers *here, const TpNumber p[],
                           const Buffers *buffers, PetscInt B, TpNumber gradient[])
{
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  TpNumber      *sv = buffers->one, *du = buffers->two, *sa = buffers->three;

  TpLayerAddDirection(&block->out, B, here->v, here->tv, here->dh, buffers->sh, gradient);
  memset(sv, 0, (size_t)(B * W) * sizeof *sv);
  TpLinearAddInput(B, W, W, p + block->out.w, buffers->sh, sv);
  TpSiluBackwardTangent(B * W, here->u, here->tu, here->dv, sv, du, sv);
  TpLayerAddDirection(&block->in, B, here->a, here->ta, du, sv, gradient);
  TpLayerAddDirection(&block->mix, B, buffers->m, NULL, NULL, sv, gradient);
  TpLinearAddInput(B, K, W, p + block->mix.w, sv, buffers->sm);
  memset(sa, 0, (size_t)(B * W) * sizeof *sa);
  TpLinearAddInput(B, W, W, p + block->in.w, sv, sa);
  TpSiluBackwardTangent(B * W, here->h, here->th, here->da, sa, buffers->four, sa);
  Add(B * W, sa, buffers->sh);
}

static void Direction(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber v[],
                      TpNumber gradient[], TpNumber tdx[])
{
  const Mlp     *mlp = network->data;
  const PetscInt W = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  Buffers        buffers = Lay(network, workspace);

  TangentForward(network, p, workspace, &buffers, B, v);
  memset(buffers.sm, 0, (size_t)(B * K) * sizeof *buffers.sm);
  memset(buffers.sh, 0, (size_t)(B * W) * sizeof *buffers.sh);
  TpSiluTangent(B * W, buffers.h, buffers.th, buffers.one);
  for (PetscInt i = 0; i < B; i++) Add(W, buffers.one + i * W, gradient + mlp->output.w);
  Fill(B, W, p + mlp->output.w, buffers.two);
  TpSiluBackwardTangent(B * W, buffers.h, buffers.th, buffers.two, buffers.sh, buffers.one, buffers.sh);
  for (PetscInt l = (PetscInt)network->energy.depth - 1; l >= 0; l--) {
    const BlockBuffers here = BlockOf(network, workspace, &buffers, l);

    DirectionBlock(network, &mlp->blocks[l], &here, p, &buffers, B, gradient);
  }
  TpLayerAddDirection(&mlp->input, B, buffers.x, v, buffers.dh, buffers.sh, gradient);
  if (tdx) memset(tdx, 0, (size_t)(B * network->num_inputs) * sizeof *tdx);
  if (tdx) TpLinearAddInput(B, network->num_inputs, W, p + mlp->input.w, buffers.sh, tdx);
  TpSiluBackward(B * K, buffers.s, buffers.sm, buffers.sm);
  TpLayerAddDirection(&mlp->time, B, buffers.f, NULL, NULL, buffers.sm, gradient);
  if (network->num_conditions) TpLayerAddDirection(&mlp->condition, B, buffers.c, NULL, NULL, buffers.sm, gradient);
  for (PetscInt i = 0; i < B; i++) Add(K, buffers.sm + i * K, gradient + mlp->bias);
}

const TpNetworkOps tp_energy_mlp = {
    .create         = Create,
    .destroy        = Destroy,
    .operations     = Operations,
    .workspace_size = WorkspaceSize,
    .evaluate       = Evaluate,
    .direction      = Direction,
};
