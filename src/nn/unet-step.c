/* The steps of the U-Net, forward and backward: ResNet blocks, attention, changes of resolution, forks and joins, the output. */
#include "unet-impl.h"

#include <string.h>

#define CHUNK_ROWS 256 /* of all positions; enough that loading and storing the gradient of the weights costs nothing */

PetscInt TpUnetChunk(PetscInt L)
{
  return PetscMax(1, CHUNK_ROWS / (L * TP_TILE));
}

TpNumber *TpUnetAt(const TpUnetRun *run, size_t place, PetscInt i, size_t size)
{
  return run->numbers + place * (size_t)run->max_tiles + (size_t)i * size;
}

TpNumber *TpUnetKept(const TpUnetRun *run, size_t place, PetscInt i, size_t size)
{
  return run->kept + place * (size_t)run->max_kept + (size_t)(i % run->max_kept) * size;
}

/* Numbers of one tile. */
static size_t Tile(PetscInt L, PetscInt channels)
{
  return (size_t)L * TP_TILE * (size_t)channels;
}

/* Weights of a layer to place i of the scratch. */
static void Pack(const TpUnetRun *run, const TpConvLayer *layer, int i)
{
  TpConvPack(&layer->shape, run->p + layer->w, run->scratch.w[i]);
}

static void PackReverse(const TpUnetRun *run, const TpConvLayer *layer, int i)
{
  TpConvPackReverse(&layer->shape, run->p + layer->w, run->scratch.w[i]);
}

/* By the weights at place i. */
static void Forward(const TpUnetRun *run, const TpConvLayer *layer, int i, PetscInt tiles, const TpNumber x[],
                    TpNumber y[])
{
  TpConvForward(&layer->shape, tiles, x, run->scratch.w[i], layer->b < 0 ? NULL : run->p + layer->b, NULL, y);
}

static void BackwardWeights(const TpUnetRun *run, const TpConvLayer *layer, PetscInt tiles, const TpNumber x[],
                            const TpNumber dy[])
{
  TpConvBackwardWeights(&layer->shape, tiles, x, dy, run->gradient + layer->w,
                        layer->b < 0 ? NULL : run->gradient + layer->b);
}

static TpNorm NormOf(const TpUnetRun *run, const TpNormLayer *layer, PetscInt i, PetscInt C, const TpNumber x[])
{
  return (TpNorm){x, run->p + layer->gain, run->p + layer->offset, TpUnetKept(run, layer->mean, i, Tile(1, C)),
                  TpUnetKept(run, layer->scale, i, Tile(1, C))};
}

/* y, where not NULL: what the layer gave on the way forward, with this shift. */
static void BackwardNorm(const TpUnetRun *run, const TpNormLayer *layer, PetscInt i, PetscInt L, PetscInt C,
                         const TpNumber x[], const TpNumber dy[], TpNumber dx[], const TpNumber shift[], TpNumber y[])
{
  const TpNorm norm = NormOf(run, layer, i, C, x);

  TpNormBackward(L, C, &norm, dy, dx, run->gradient + layer->gain, run->gradient + layer->offset, run->scratch.sums,
                 shift, y);
}

/* ------------------------------------------------------------------------------------------------------- ResNet block */

static void BlockForward(const TpUnetRun *run, const TpStep *step)
{
  const PetscInt L = step->L, N = step->N, M = step->M;
  const size_t   size  = Tile(L, M);
  TpNumber      *shift = TpUnetAt(run, step->shift, 0, 0), *h = run->scratch.h;

  Pack(run, &step->conv_1, 0);
  Pack(run, &step->conv_2, 1);
  if (N != M) Pack(run, &step->match, 2);
  Pack(run, &step->time, 3);
  Forward(run, &step->time, 3, run->tiles, TpUnetAt(run, run->unet->mish_e, 0, 0), shift);
  for (PetscInt i = 0; i < run->tiles; i++) {
    const TpNumber *x = TpUnetAt(run, step->x, i, Tile(L, N));
    TpNumber       *c = TpUnetKept(run, step->c, i, size), *d = TpUnetKept(run, step->d, i, size);
    TpNumber       *y      = TpUnetAt(run, step->y, i, size);
    const TpNorm    norm_1 = NormOf(run, &step->norm_1, i, M, c), norm_2 = NormOf(run, &step->norm_2, i, M, d);

    Forward(run, &step->conv_1, 0, 1, x, c);
    TpNormForward(L, M, &norm_1, shift + (size_t)i * Tile(1, M), NULL, h);
    Forward(run, &step->conv_2, 1, 1, h, d);
    if (N != M) Forward(run, &step->match, 2, 1, x, y);
    TpNormForward(L, M, &norm_2, NULL, N == M ? x : y, y);
  }
}

/* dshift [TP_TILE, C] = sum over positions. */
static void SumPositions(PetscInt L, PetscInt C, const TpNumber dh[], TpNumber dshift[])
{
  const PetscInt size = TP_TILE * C;

  memcpy(dshift, dh, (size_t)size * sizeof *dh);
  for (PetscInt l = 1; l < L; l++) {
    for (PetscInt j = 0; j < size; j++) dshift[j] += dh[l * size + j];
  }
}

/* Tile i: h, dc and dd for the gradients of the weights, dshift, dx. */
static void BlockBackwardTile(const TpUnetRun *run, const TpStep *step, PetscInt i, const TpNumber dy[], TpNumber h[],
                              TpNumber dc[], TpNumber dd[], TpNumber dx[])
{
  const PetscInt       L = step->L, M = step->M;
  const size_t         size    = Tile(L, M);
  const TpUnetScratch *scratch = &run->scratch;

  BackwardNorm(run, &step->norm_2, i, L, M, TpUnetKept(run, step->d, i, size), dy, dd, NULL, NULL);
  TpConvBackwardInput(&step->conv_2.shape, 1, scratch->w[1], dd, NULL, scratch->dh);
  SumPositions(L, M, scratch->dh, TpUnetAt(run, run->unet->dshift, i, Tile(1, M)));
  BackwardNorm(run, &step->norm_1, i, L, M, TpUnetKept(run, step->c, i, size), scratch->dh, dc,
               TpUnetAt(run, step->shift, i, Tile(1, M)), h);
  if (!dx) return;
  if (step->N != M) TpConvBackwardInput(&step->match.shape, 1, scratch->w[2], dy, NULL, dx);
  TpConvBackwardInput(&step->conv_1.shape, 1, scratch->w[0], dc, step->N == M ? dy : dx, dx);
}

static void BlockBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dy[], TpNumber dx[])
{
  const PetscInt       L = step->L, N = step->N, chunk = TpUnetChunk(L);
  const size_t         size    = Tile(L, step->M);
  const TpUnetScratch *scratch = &run->scratch;
  TpNumber *dshift = TpUnetAt(run, run->unet->dshift, 0, 0), *dmish_e = TpUnetAt(run, run->unet->dmish_e, 0, 0);

  PackReverse(run, &step->conv_1, 0);
  PackReverse(run, &step->conv_2, 1);
  if (N != step->M) PackReverse(run, &step->match, 2);
  PackReverse(run, &step->time, 3);
  for (PetscInt i = 0; i < run->tiles; i += chunk) {
    const PetscInt  count = PetscMin(chunk, run->tiles - i);
    const TpNumber *x     = TpUnetAt(run, step->x, i, Tile(L, N));

    for (PetscInt j = 0; j < count; j++)
      BlockBackwardTile(run, step, i + j, dy + (size_t)(i + j) * size, scratch->h + (size_t)j * size,
                        scratch->dc + (size_t)j * size, scratch->dd + (size_t)j * size,
                        dx ? dx + (size_t)(i + j) * Tile(L, N) : NULL);
    BackwardWeights(run, &step->conv_2, count, scratch->h, scratch->dd);
    BackwardWeights(run, &step->conv_1, count, x, scratch->dc);
    if (N != step->M) BackwardWeights(run, &step->match, count, x, dy + (size_t)i * size);
  }
  BackwardWeights(run, &step->time, run->tiles, TpUnetAt(run, run->unet->mish_e, 0, 0), dshift);
  TpConvBackwardInput(&step->time.shape, run->tiles, scratch->w[3], dshift, dmish_e, dmish_e);
}

/* ----------------------------------------------------------------------------------------------------------- attention */

static void Multiply(size_t n, TpNumber factor, const TpNumber x[], TpNumber y[])
{
  for (size_t i = 0; i < n; i++) y[i] = factor * x[i];
}

static void AttentionForward(const TpUnetRun *run, const TpStep *step)
{
  const PetscInt       L = step->L, N = step->N;
  const size_t         size    = Tile(L, N);
  const TpNumber       gain    = run->p[step->gain];
  const TpUnetScratch *scratch = &run->scratch;
  TpNumber            *bias    = scratch->sums;

  Pack(run, &step->conv_1, 0);
  Multiply(TP_HEADS_SIZE * (size_t)N, gain, run->p + step->conv_2.w, scratch->w[2]);
  TpConvPack(&step->conv_2.shape, scratch->w[2], scratch->w[1]);
  Multiply((size_t)N, gain, run->p + step->conv_2.b, bias);
  for (PetscInt i = 0; i < run->tiles; i++) {
    const TpNumber *x   = TpUnetAt(run, step->x, i, size);
    TpNumber       *qkv = step->remade ? scratch->dc : TpUnetKept(run, step->c, i, Tile(L, 3 * TP_HEADS_SIZE));
    TpNumber       *o   = TpUnetKept(run, step->o, i, Tile(L, TP_HEADS_SIZE));

    Forward(run, &step->conv_1, 0, 1, x, qkv);
    TpAttentionForward(L, qkv, o);
    TpConvForward(&step->conv_2.shape, 1, o, scratch->w[1], bias, x, TpUnetAt(run, step->y, i, size));
  }
}

/* n a multiple of 64: parts that a compiler may add side by side. */
static TpNumber Dot(size_t n, const TpNumber x[], const TpNumber y[])
{
  TpNumber sum[64] = {0}, total = 0;

  for (size_t i = 0; i < n; i += 64) {
    for (size_t k = 0; k < 64; k++) sum[k] += x[i + k] * y[i + k];
  }
  for (int k = 0; k < 64; k++) total += sum[k];
  return total;
}

/* From the gradients dw, db of the projection without its gain: those of the projection and of the gain. */
static void GainBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dw[], const TpNumber db[])
{
  const TpConvLayer *layer = &step->conv_2;
  const size_t       size  = TP_HEADS_SIZE * (size_t)step->N;
  const TpNumber     gain = run->p[step->gain], *b = run->p + layer->b;
  TpNumber          *to_w = run->gradient + layer->w, *to_b = run->gradient + layer->b;
  TpNumber           dgain = Dot(size, run->p + layer->w, dw);

  for (size_t i = 0; i < size; i++) to_w[i] += gain * dw[i];
  for (PetscInt j = 0; j < step->N; j++) {
    dgain += b[j] * db[j];
    to_b[j] += gain * db[j];
  }
  run->gradient[step->gain] += dgain;
}

static void AttentionBackwardTile(const TpUnetRun *run, const TpStep *step, PetscInt i, const TpNumber dy[],
                                  TpNumber dqkv[], TpNumber dx[])
{
  const PetscInt       L       = step->L;
  const TpUnetScratch *scratch = &run->scratch;
  const TpNumber      *qkv     = scratch->dd;

  if (step->remade) {
    TpConvForward(&step->conv_1.shape, 1, TpUnetAt(run, step->x, i, Tile(L, step->N)), scratch->w[2], NULL, NULL,
                  scratch->dd);
    TpAttentionSoftmax(L, scratch->dd);
  } else
    qkv = TpUnetKept(run, step->c, i, Tile(L, 3 * TP_HEADS_SIZE));
  TpConvBackwardInput(&step->conv_2.shape, 1, scratch->w[1], dy, NULL, scratch->dh);
  TpAttentionBackward(L, qkv, scratch->dh, dqkv);
  TpConvBackwardInput(&step->conv_1.shape, 1, scratch->w[0], dqkv, dy, dx);
}

static void AttentionBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dy[], TpNumber dx[])
{
  const PetscInt       L = step->L, N = step->N, chunk = TpUnetChunk(L);
  const size_t         size = Tile(L, N), size_qkv = Tile(L, 3 * TP_HEADS_SIZE), size_o = Tile(L, TP_HEADS_SIZE);
  const TpUnetScratch *scratch = &run->scratch;
  TpNumber            *dw = scratch->w[3], *db = scratch->sums;

  PackReverse(run, &step->conv_1, 0);
  Multiply(TP_HEADS_SIZE * (size_t)N, run->p[step->gain], run->p + step->conv_2.w, dw);
  TpConvPackReverse(&step->conv_2.shape, dw, scratch->w[1]);
  if (step->remade) Pack(run, &step->conv_1, 2);
  memset(dw, 0, TP_HEADS_SIZE * (size_t)N * sizeof *dw);
  memset(db, 0, (size_t)N * sizeof *db);
  for (PetscInt i = 0; i < run->tiles; i += chunk) {
    const PetscInt  count = PetscMin(chunk, run->tiles - i);
    const TpNumber *given = dy + (size_t)i * size;

    for (PetscInt j = 0; j < count; j++)
      AttentionBackwardTile(run, step, i + j, given + (size_t)j * size, scratch->dc + (size_t)j * size_qkv,
                            dx + (size_t)(i + j) * size);
    TpConvBackwardWeights(&step->conv_2.shape, count, TpUnetKept(run, step->o, i, size_o), given, dw, db);
    BackwardWeights(run, &step->conv_1, count, TpUnetAt(run, step->x, i, size), scratch->dc);
  }
  GainBackward(run, step, dw, db);
}

/* -------------------------------------------------------------------------------------------------------- resolution */

static void ConvBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dy[], TpNumber dx[])
{
  PackReverse(run, &step->conv_1, 0);
  TpConvBackwardInput(&step->conv_1.shape, run->tiles, run->scratch.w[0], dy, NULL, dx);
  BackwardWeights(run, &step->conv_1, run->tiles, TpUnetAt(run, step->x, 0, 0), dy);
}

static void JoinForward(const TpUnetRun *run, const TpStep *step)
{
  const size_t    half = (size_t)step->N, rows = Tile(step->L, run->tiles);
  const TpNumber *x = TpUnetAt(run, step->x, 0, 0), *skip = TpUnetAt(run, run->unet->steps[step->fork].x, 0, 0);
  TpNumber       *y = TpUnetAt(run, step->y, 0, 0);

  for (size_t i = 0; i < rows; i++) {
    memcpy(y + 2 * i * half, x + i * half, half * sizeof *y);
    memcpy(y + (2 * i + 1) * half, skip + i * half, half * sizeof *y);
  }
}

static void JoinBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dy[], TpNumber dx[])
{
  const size_t half = (size_t)step->N, rows = Tile(step->L, run->tiles);
  TpNumber    *dskip = TpUnetAt(run, run->unet->steps[step->fork].dskip, 0, 0);

  for (size_t i = 0; i < rows; i++) {
    memcpy(dx + i * half, dy + 2 * i * half, half * sizeof *dx);
    memcpy(dskip + i * half, dy + (2 * i + 1) * half, half * sizeof *dskip);
  }
}

static void ForkBackward(const TpUnetRun *run, const TpStep *step, TpNumber dy[])
{
  const TpNumber *dskip = TpUnetAt(run, step->dskip, 0, 0);
  const size_t    n     = Tile(step->L, step->N) * (size_t)run->tiles;

  for (size_t i = 0; i < n; i++) dy[i] += dskip[i];
}

/* -------------------------------------------------------------------------------------------------------------- output */

static void FinalForward(const TpUnetRun *run, const TpStep *step)
{
  const PetscInt L = step->L, N = step->N;
  const size_t   size = Tile(L, N);

  Pack(run, &step->conv_1, 0);
  Pack(run, &step->conv_2, 1);
  for (PetscInt i = 0; i < run->tiles; i++) {
    TpNumber    *c = TpUnetKept(run, step->c, i, size), *h = run->scratch.h;
    const TpNorm norm = NormOf(run, &step->norm_1, i, N, c);

    Forward(run, &step->conv_1, 0, 1, TpUnetAt(run, step->x, i, size), c);
    TpNormForward(L, N, &norm, NULL, NULL, h);
    Forward(run, &step->conv_2, 1, 1, h, TpUnetAt(run, step->y, i, Tile(L, step->M)));
  }
}

static void FinalBackward(const TpUnetRun *run, const TpStep *step, const TpNumber dy[], TpNumber dx[])
{
  const PetscInt       L = step->L, N = step->N, chunk = TpUnetChunk(L);
  const size_t         size = Tile(L, N), size_y = Tile(L, step->M);
  const TpUnetScratch *scratch = &run->scratch;

  PackReverse(run, &step->conv_1, 0);
  PackReverse(run, &step->conv_2, 1);
  for (PetscInt i = 0; i < run->tiles; i += chunk) {
    const PetscInt count = PetscMin(chunk, run->tiles - i);

    for (PetscInt j = i; j < i + count; j++) {
      TpNumber *dc = scratch->dc + (size_t)(j - i) * size;

      TpConvBackwardInput(&step->conv_2.shape, 1, scratch->w[1], dy + (size_t)j * size_y, NULL, scratch->dh);
      BackwardNorm(run, &step->norm_1, j, L, N, TpUnetKept(run, step->c, j, size), scratch->dh, dc, NULL,
                   scratch->h + (size_t)(j - i) * size);
      TpConvBackwardInput(&step->conv_1.shape, 1, scratch->w[0], dc, NULL, dx + (size_t)j * size);
    }
    BackwardWeights(run, &step->conv_2, count, scratch->h, dy + (size_t)i * size_y);
    BackwardWeights(run, &step->conv_1, count, TpUnetAt(run, step->x, i, size), scratch->dc);
  }
}

/* ---------------------------------------------------------------------------------------------------------------- all */

void TpStepForward(const TpUnetRun *run, const TpStep *step)
{
  switch (step->kind) {
  case TP_STEP_BLOCK:
    BlockForward(run, step);
    break;
  case TP_STEP_ATTENTION:
    AttentionForward(run, step);
    break;
  case TP_STEP_CONV:
    Pack(run, &step->conv_1, 0);
    Forward(run, &step->conv_1, 0, run->tiles, TpUnetAt(run, step->x, 0, 0), TpUnetAt(run, step->y, 0, 0));
    break;
  case TP_STEP_FORK:
    break; /* y is x */
  case TP_STEP_JOIN:
    JoinForward(run, step);
    break;
  case TP_STEP_FINAL:
    FinalForward(run, step);
    break;
  }
}

void TpStepBackward(const TpUnetRun *run, const TpStep *step, TpNumber dy[], TpNumber dx[])
{
  switch (step->kind) {
  case TP_STEP_BLOCK:
    BlockBackward(run, step, dy, dx);
    break;
  case TP_STEP_ATTENTION:
    AttentionBackward(run, step, dy, dx);
    break;
  case TP_STEP_CONV:
    ConvBackward(run, step, dy, dx);
    break;
  case TP_STEP_FORK:
    ForkBackward(run, step, dy);
    break;
  case TP_STEP_JOIN:
    JoinBackward(run, step, dy, dx);
    break;
  case TP_STEP_FINAL:
    FinalBackward(run, step, dy, dx);
    break;
  }
}
