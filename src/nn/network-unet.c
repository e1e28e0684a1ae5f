/*
  The one-dimensional U-Net denoiser of Wang, Herron and Tiwary (PNAS 2022), after Ho, Jain and Abbeel (NeurIPS 2020). Sizes: D inputs, C conditions.

  The conditions, which carry no noise, and the inputs are one sequence with K = settings.channels numbers at a position: first a position for each
  condition, its number in the first channel, then K inputs at a time; what is left over is zero. The answer is read where the inputs are. With K = 1, as
  in the paper, the sequence is (c_1 .. c_C, x_1 .. x_D). Channels per level: width times its multiplier.

    e                              = time_2 mish(time_1 sinusoids(t))
    down, each level               block, block, attention; then half as many positions, but for the last level
    middle                         block, attention, block
    up, each level but the first   the down level's channels joined in; block, block, attention; then the positions of the level before
    final                          conv, norm, Mish, output (begins at zero)

  An odd length L goes down to (L + 1) / 2 and comes back as L + 1, of which the last is cut: any length from 1 on works.
*/
#include "unet-impl.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------------- creation */

/* Fills a network while its steps are listed. */
typedef struct {
  TpNetwork network;
  TpUnet   *unet;
  size_t    y; /* where the last step's answer lies */
  PetscInt  L, channels;
} Builder;

/* Whole cache lines. */
static size_t Lines(size_t count)
{
  return (count + 15) / 16 * 16;
}

/* Room for `count` numbers of every tile. */
static size_t Room(TpUnet *unet, PetscInt count)
{
  const size_t place = unet->per_tile;

  unet->per_tile += Lines((size_t)count);
  return place;
}

/* The same for what only the way back reads again. */
static size_t Keep(TpUnet *unet, PetscInt count)
{
  const size_t place = unet->kept;

  unet->kept += Lines((size_t)count);
  return place;
}

/* The variance of PyTorch's uniform numbers for weights and biases. */
static PetscErrorCode AddConv(Builder *builder, const char *prefix, const char *name, TpConv shape, PetscBool bias,
                              TpConvLayer *layer)
{
  const double scale = 1 / sqrt(3.0 * (double)shape.taps * (double)shape.N);

  PetscFunctionBeginUser;
  layer->shape = shape;
  layer->b     = -1;
  PetscCall(TpNetworkAddTensor(builder->network, shape.taps * shape.N, shape.M, scale, &layer->w, "%s%s.weight", prefix,
                               name));
  if (bias) PetscCall(TpNetworkAddTensor(builder->network, shape.M, 1, scale, &layer->b, "%s%s.bias", prefix, name));
  builder->unet->largest_w = PetscMax(builder->unet->largest_w, TpPackedSize(&shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddNorm(Builder *builder, const char *prefix, const char *name, PetscInt channels,
                              TpNormLayer *layer)
{
  PetscFunctionBeginUser;
  PetscCall(TpNetworkAddTensor(builder->network, channels, 1, 0, &layer->gain, "%s%s.gain", prefix, name));
  TpNetworkStartAt(builder->network, 1);
  PetscCall(TpNetworkAddTensor(builder->network, channels, 1, 0, &layer->offset, "%s%s.offset", prefix, name));
  layer->mean  = Keep(builder->unet, TP_TILE * channels);
  layer->scale = Keep(builder->unet, TP_TILE * channels);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step from the last answer to L_out positions of M channels. */
static TpStep *AddStep(Builder *builder, TpStepKind kind, PetscInt L_out, PetscInt M)
{
  TpUnet  *unet = builder->unet;
  TpStep  *step = &unet->steps[unet->num_steps++];
  PetscInt N    = builder->channels;

  step->kind        = kind;
  step->L           = builder->L;
  step->L_out       = L_out;
  step->N           = N;
  step->M           = M;
  step->first       = builder->network->num_parameters;
  step->x           = builder->y;
  step->y           = kind == TP_STEP_FORK ? step->x : Room(unet, L_out * TP_TILE * M);
  builder->y        = step->y;
  builder->L        = L_out;
  builder->channels = M;
  unet->largest     = PetscMax(unet->largest, (size_t)(TP_TILE * PetscMax(step->L * N, L_out * M)));
  return step;
}

/* Scratch: numbers of a chunk of dc and of h. */
static void NeedScratch(Builder *builder, PetscInt L, PetscInt channels_c, PetscInt channels_h)
{
  TpUnet *unet = builder->unet;

  unet->largest_c = PetscMax(unet->largest_c, (size_t)(TpUnetChunk(L) * L * TP_TILE * channels_c));
  unet->largest_h = PetscMax(unet->largest_h, (size_t)(TpUnetChunk(L) * L * TP_TILE * channels_h));
}

static PetscErrorCode AddBlock(Builder *builder, const char *prefix, PetscInt M)
{
  const PetscInt L = builder->L, N = builder->channels, W = (PetscInt)builder->network->settings.width;
  TpStep        *step = AddStep(builder, TP_STEP_BLOCK, L, M);

  PetscFunctionBeginUser;
  PetscCall(AddConv(builder, prefix, "conv_1", TpConvPlain(3, 1, N, M, L), PETSC_TRUE, &step->conv_1));
  PetscCall(AddNorm(builder, prefix, "norm_1", M, &step->norm_1));
  PetscCall(AddConv(builder, prefix, "time", TpConvPlain(1, 1, W, M, 1), PETSC_TRUE, &step->time));
  PetscCall(AddConv(builder, prefix, "conv_2", TpConvPlain(3, 1, M, M, L), PETSC_TRUE, &step->conv_2));
  PetscCall(AddNorm(builder, prefix, "norm_2", M, &step->norm_2));
  if (N != M) PetscCall(AddConv(builder, prefix, "match", TpConvPlain(1, 1, N, M, L), PETSC_TRUE, &step->match));
  step->c                   = Keep(builder->unet, L * TP_TILE * M);
  step->d                   = Keep(builder->unet, L * TP_TILE * M);
  step->shift               = Room(builder->unet, TP_TILE * M);
  builder->unet->channels_w = PetscMax(builder->unet->channels_w, (size_t)M);
  NeedScratch(builder, L, M, M);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Channels up to which it is quicker to make the q, k and v of an attention again than to keep them. */
#define REMADE 32

static PetscErrorCode AddAttention(Builder *builder, const char *prefix)
{
  const PetscInt L = builder->L, N = builder->channels;
  TpStep        *step = AddStep(builder, TP_STEP_ATTENTION, L, N);

  PetscFunctionBeginUser;
  PetscCall(AddConv(builder, prefix, "qkv", TpConvPlain(1, 1, N, 3 * TP_HEADS_SIZE, L), PETSC_FALSE, &step->conv_1));
  PetscCall(AddConv(builder, prefix, "project", TpConvPlain(1, 1, TP_HEADS_SIZE, N, L), PETSC_TRUE, &step->conv_2));
  PetscCall(TpNetworkAddTensor(builder->network, 1, 1, 0, &step->gain, "%sgain", prefix));
  step->remade = N <= REMADE ? PETSC_TRUE : PETSC_FALSE;
  if (!step->remade) step->c = Keep(builder->unet, L * TP_TILE * 3 * TP_HEADS_SIZE);
  step->o = Keep(builder->unet, L * TP_TILE * TP_HEADS_SIZE);
  NeedScratch(builder, L, PetscMax(N, 3 * TP_HEADS_SIZE), TP_HEADS_SIZE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two blocks and an attention. */
static PetscErrorCode AddLevel(Builder *builder, const char *way, PetscInt level, PetscInt M)
{
  char prefix[32];

  PetscFunctionBeginUser;
  for (int i = 1; i <= 2; i++) {
    (void)snprintf(prefix, sizeof prefix, "%s_%d.block_%d.", way, (int)level, i);
    PetscCall(AddBlock(builder, prefix, M));
  }
  (void)snprintf(prefix, sizeof prefix, "%s_%d.attention.", way, (int)level);
  PetscCall(AddAttention(builder, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddResolution(Builder *builder, const char *way, PetscInt level, TpConv shape)
{
  TpStep *step = AddStep(builder, TP_STEP_CONV, shape.L_out, shape.M);
  char    prefix[32];

  PetscFunctionBeginUser;
  (void)snprintf(prefix, sizeof prefix, "%s_%d.", way, (int)level);
  PetscCall(AddConv(builder, prefix, "resample", shape, PETSC_TRUE, &step->conv_1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFinal(Builder *builder)
{
  const PetscInt L = builder->L, N = builder->channels;
  const PetscInt K    = builder->unet->channels;
  TpStep        *step = AddStep(builder, TP_STEP_FINAL, L, K);

  PetscFunctionBeginUser;
  PetscCall(AddConv(builder, "final.", "conv", TpConvPlain(3, 1, N, N, L), PETSC_TRUE, &step->conv_1));
  PetscCall(AddNorm(builder, "final.", "norm", N, &step->norm_1));
  PetscCall(AddConv(builder, "", "output", TpConvPlain(1, 1, N, K, L), PETSC_TRUE, &step->conv_2));
  builder->network->scales[builder->network->num_tensors - 2] = 0;
  builder->network->scales[builder->network->num_tensors - 1] = 0;
  step->c                                                     = Keep(builder->unet, L * TP_TILE * N);
  NeedScratch(builder, L, N, N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddDown(Builder *builder, PetscInt num_levels, PetscInt fork[], PetscInt length[])
{
  const TpNetworkSettings *settings = &builder->network->settings;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < num_levels; i++) {
    const PetscInt M = (PetscInt)(settings->width * settings->multipliers[i]);

    length[i] = builder->L;
    PetscCall(AddLevel(builder, "down", i, M));
    if (i > 0) { /* the first level is not joined in again */
      TpStep *step = AddStep(builder, TP_STEP_FORK, builder->L, M);

      step->dskip = Room(builder->unet, builder->L * TP_TILE * M);
      fork[i]     = builder->unet->num_steps - 1;
    }
    if (i + 1 < num_levels) PetscCall(AddResolution(builder, "down", i, TpConvPlain(3, 2, M, M, builder->L)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddUp(Builder *builder, PetscInt num_levels, const PetscInt fork[], const PetscInt length[])
{
  const TpNetworkSettings *settings = &builder->network->settings;

  PetscFunctionBeginUser;
  for (PetscInt i = num_levels - 1; i > 0; i--) {
    const PetscInt M    = (PetscInt)(settings->width * settings->multipliers[i - 1]);
    TpStep        *join = AddStep(builder, TP_STEP_JOIN, builder->L, 2 * builder->channels);

    join->fork = fork[i];
    PetscCall(AddLevel(builder, "up", i, M));
    PetscCall(AddResolution(builder, "up", i, TpConvUp(M, M, builder->L, length[i - 1])));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddTime(Builder *builder)
{
  TpUnet        *unet = builder->unet;
  const PetscInt W    = (PetscInt)builder->network->settings.width;

  PetscFunctionBeginUser;
  PetscCall(AddConv(builder, "", "time_1", TpConvPlain(1, 1, W, 4 * W, 1), PETSC_TRUE, &unet->time_1));
  PetscCall(AddConv(builder, "", "time_2", TpConvPlain(1, 1, 4 * W, W, 1), PETSC_TRUE, &unet->time_2));
  unet->sinusoids = Room(unet, TP_TILE * W);
  unet->time_u    = Room(unet, TP_TILE * 4 * W);
  unet->time_v    = Room(unet, TP_TILE * 4 * W);
  unet->e         = Room(unet, TP_TILE * W);
  unet->mish_e    = Room(unet, TP_TILE * W);
  unet->dmish_e   = Room(unet, TP_TILE * W);
  unet->dtime     = Room(unet, TP_TILE * 4 * W);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSteps(Builder *builder)
{
  const TpNetworkSettings *settings            = &builder->network->settings;
  PetscInt                 num_levels          = 0;
  PetscInt                 fork[TP_MAX_LEVELS] = {0}, length[TP_MAX_LEVELS];

  PetscFunctionBeginUser;
  while (num_levels < TP_MAX_LEVELS && settings->multipliers[num_levels] > 0) num_levels++;
  PetscCall(AddTime(builder));
  PetscCall(AddDown(builder, num_levels, fork, length));
  PetscCall(AddBlock(builder, "middle.block_1.", builder->channels));
  PetscCall(AddAttention(builder, "middle.attention."));
  PetscCall(AddBlock(builder, "middle.block_2.", builder->channels));
  PetscCall(AddUp(builder, num_levels, fork, length));
  PetscCall(AddFinal(builder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TpNetwork network)
{
  const PetscInt K = (PetscInt)network->settings.channels;
  TpUnet        *unet;
  Builder        builder;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&unet));
  network->data  = unet;
  unet->channels = K;
  unet->length   = network->num_conditions + (network->num_inputs + K - 1) / K;
  unet->x        = Room(unet, unet->length * TP_TILE * K);
  builder        = (Builder){.network = network, .unet = unet, .y = unet->x, .L = unet->length, .channels = K};
  PetscCall(AddSteps(&builder));
  unet->dy     = Room(unet, (PetscInt)unet->largest);
  unet->dx     = Room(unet, (PetscInt)unet->largest);
  unet->dshift = Room(unet, (PetscInt)unet->channels_w * TP_TILE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpNetwork network)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(network->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Operations(TpNetwork network)
{
  const TpUnet *unet = network->data;
  double        sum  = TpConvOperations(&unet->time_1.shape) + TpConvOperations(&unet->time_2.shape);

  for (PetscInt i = 0; i < unet->num_steps; i++) {
    const TpStep *step = &unet->steps[i];

    sum += TpConvOperations(&step->conv_1.shape) + TpConvOperations(&step->conv_2.shape) +
           TpConvOperations(&step->time.shape) + TpConvOperations(&step->match.shape);
    if (step->kind == TP_STEP_ATTENTION) sum += 4.0 * TP_HEADS_SIZE * TP_HEAD_SIZE * (double)step->L;
  }
  return sum;
}

/* --------------------------------------------------------------------------------------------------------- workspace */

static PetscInt Tiles(PetscInt rows)
{
  return (rows + TP_TILE - 1) / TP_TILE;
}

static TpNumber *Take(TpNumber **next, size_t count)
{
  TpNumber *place = *next;

  *next += Lines(count);
  return place;
}

#define LINE 64 /* bytes of a cache line, and of the longest vectors */

static size_t WorkspaceSize(TpNetwork network, PetscInt max_batch, PetscBool both_ways)
{
  const TpUnet *unet  = network->data;
  const size_t  tiles = (size_t)Tiles(max_batch);

  return unet->per_tile * tiles + unet->kept * (both_ways ? tiles : 1) + 4 * unet->largest_w + 2 * unet->largest_c +
         2 * unet->largest_h + 2 * TP_TILE * unet->channels_w + 9 * 16 + LINE;
}

static TpUnetRun Run(TpNetwork network, const TpNumber p[], TpNumber gradient[], TpWorkspace workspace, PetscInt B)
{
  TpUnet   *unet = network->data;
  TpUnetRun run  = {
       .unet = unet, .p = p, .gradient = gradient, .max_tiles = Tiles(workspace->max_batch), .tiles = Tiles(B)};
  TpNumber *next;

  run.numbers  = (TpNumber *)(((uintptr_t)workspace->numbers + LINE - 1) / LINE * LINE);
  run.max_kept = workspace->both_ways ? run.max_tiles : 1;
  next         = run.numbers;
  (void)Take(&next, unet->per_tile * (size_t)run.max_tiles);
  run.kept = Take(&next, unet->kept * (size_t)run.max_kept);
  for (int i = 0; i < 4; i++) run.scratch.w[i] = Take(&next, unet->largest_w);
  run.scratch.dc   = Take(&next, unet->largest_c);
  run.scratch.dd   = Take(&next, unet->largest_c);
  run.scratch.h    = Take(&next, unet->largest_h);
  run.scratch.dh   = Take(&next, unet->largest_h);
  run.scratch.sums = Take(&next, 2 * TP_TILE * unet->channels_w);
  return run;
}

/* Where number j of row i lies in a sequence: `each` numbers at a position, from position `first` on. */
static size_t PlaceOf(const TpUnet *unet, PetscInt i, PetscInt first, PetscInt each, PetscInt j)
{
  const PetscInt position = i / TP_TILE * unet->length + first + j / each;

  return (size_t)((position * TP_TILE + i % TP_TILE) * unet->channels + j % each);
}

/* Rows [B][width] into sequences; what no row reaches is left as it is. */
static void ToTiles(const TpUnetRun *run, PetscInt B, PetscInt first, PetscInt each, PetscInt width,
                    const TpNumber rows[], TpNumber tiles[])
{
  for (PetscInt i = 0; i < B; i++) {
    for (PetscInt j = 0; j < width; j++) tiles[PlaceOf(run->unet, i, first, each, j)] = rows[i * width + j];
  }
}

static void FromTiles(const TpUnetRun *run, PetscInt B, PetscInt first, PetscInt each, PetscInt width,
                      const TpNumber tiles[], TpNumber rows[])
{
  for (PetscInt i = 0; i < B; i++) {
    for (PetscInt j = 0; j < width; j++) rows[i * width + j] = tiles[PlaceOf(run->unet, i, first, each, j)];
  }
}

static size_t SequenceBytes(const TpUnetRun *run)
{
  return sizeof(TpNumber) * (size_t)(run->tiles * TP_TILE * run->unet->length * run->unet->channels);
}

/* ----------------------------------------------------------------------------------------------- forward and backward */

static void ForwardTime(const TpUnetRun *run, PetscInt W, PetscInt B, const TpNumber t[])
{
  const TpUnet   *unet      = run->unet;
  const TpNumber *p         = run->p;
  const PetscInt  rows      = run->tiles * TP_TILE;
  TpNumber       *sinusoids = TpUnetAt(run, unet->sinusoids, 0, 0), *e = TpUnetAt(run, unet->e, 0, 0);
  TpNumber       *u = TpUnetAt(run, unet->time_u, 0, 0), *v = TpUnetAt(run, unet->time_v, 0, 0);

  TpTimeEmbedding(B, W, t, sinusoids);
  memset(sinusoids + B * W, 0, (size_t)((rows - B) * W) * sizeof *sinusoids);
  TpConvPack(&unet->time_1.shape, p + unet->time_1.w, run->scratch.w[0]);
  TpConvForward(&unet->time_1.shape, run->tiles, sinusoids, run->scratch.w[0], p + unet->time_1.b, NULL, u);
  TpMishForward(rows * 4 * W, u, v);
  TpConvPack(&unet->time_2.shape, p + unet->time_2.w, run->scratch.w[0]);
  TpConvForward(&unet->time_2.shape, run->tiles, v, run->scratch.w[0], p + unet->time_2.b, NULL, e);
  TpMishForward(rows * W, e, TpUnetAt(run, unet->mish_e, 0, 0));
}

static void BackwardTime(const TpUnetRun *run, PetscInt W)
{
  const TpUnet  *unet = run->unet;
  const PetscInt rows = run->tiles * TP_TILE;
  TpNumber      *de = TpUnetAt(run, unet->dmish_e, 0, 0), *du = TpUnetAt(run, unet->dtime, 0, 0);
  TpNumber      *g = run->gradient;

  TpMishBackward(rows * W, TpUnetAt(run, unet->e, 0, 0), de, de);
  TpConvPackReverse(&unet->time_2.shape, run->p + unet->time_2.w, run->scratch.w[0]);
  TpConvBackwardInput(&unet->time_2.shape, run->tiles, run->scratch.w[0], de, NULL, du);
  TpConvBackwardWeights(&unet->time_2.shape, run->tiles, TpUnetAt(run, unet->time_v, 0, 0), de, g + unet->time_2.w,
                        g + unet->time_2.b);
  TpMishBackward(rows * 4 * W, TpUnetAt(run, unet->time_u, 0, 0), du, du);
  TpConvBackwardWeights(&unet->time_1.shape, run->tiles, TpUnetAt(run, unet->sinusoids, 0, 0), du, g + unet->time_1.w,
                        g + unet->time_1.b);
}

static void NetworkForward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                           const TpNumber t[], const TpNumber c[], TpNumber y[])
{
  const PetscInt  D = network->num_inputs, C = network->num_conditions;
  const TpUnetRun run      = Run(network, p, NULL, workspace, B);
  const TpUnet   *unet     = run.unet;
  TpNumber       *sequence = TpUnetAt(&run, unet->x, 0, 0);

  ForwardTime(&run, (PetscInt)network->settings.width, B, t);
  memset(sequence, 0, SequenceBytes(&run));
  ToTiles(&run, B, 0, 1, C, c, sequence);
  ToTiles(&run, B, C, unet->channels, D, x, sequence);
  for (PetscInt i = 0; i < unet->num_steps; i++) TpStepForward(&run, &unet->steps[i]);
  FromTiles(&run, B, C, unet->channels, D, TpUnetAt(&run, unet->steps[unet->num_steps - 1].y, 0, 0), y);
}

static void NetworkBackward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B,
                            const TpNumber dy[], TpNumber gradient[], TpNumber dx[])
{
  const PetscInt  D = network->num_inputs, C = network->num_conditions, W = (PetscInt)network->settings.width;
  const TpUnetRun run  = Run(network, p, gradient, workspace, B);
  const TpUnet   *unet = run.unet;
  TpNumber       *from = TpUnetAt(&run, unet->dy, 0, 0), *to = TpUnetAt(&run, unet->dx, 0, 0);

  memset(TpUnetAt(&run, unet->dmish_e, 0, 0), 0, sizeof(TpNumber) * (size_t)(run.tiles * TP_TILE * W));
  memset(from, 0, SequenceBytes(&run)); /* the answers at the conditions go nowhere */
  ToTiles(&run, B, C, unet->channels, D, dy, from);
  for (PetscInt i = unet->num_steps - 1; i >= 0; i--) {
    TpNumber *swapped = from;

    TpStepBackward(&run, &unet->steps[i], from, i > 0 || dx ? to : NULL);
    TpWorkspaceTell(workspace, unet->steps[i].first);
    if (unet->steps[i].kind == TP_STEP_FORK) continue; /* in place */
    from = to;
    to   = swapped;
  }
  BackwardTime(&run, W);
  if (dx) FromTiles(&run, B, C, unet->channels, D, from, dx);
}

const TpNetworkOps tp_network_unet = {
    .create         = Create,
    .destroy        = Destroy,
    .operations     = Operations,
    .workspace_size = WorkspaceSize,
    .forward        = NetworkForward,
    .backward       = NetworkBackward,
};
