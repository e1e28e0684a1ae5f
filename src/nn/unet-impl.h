/* The layers and the structure of the one-dimensional U-Net. Private to nn and its tests. */
#pragma once

#include "kernel.h"
#include "network-impl.h"

/* -------------------------------------------------------------------------------------------------------------- layers */

/*
  All layers work on tiles of TP_TILE rows: numbers [tiles][L positions][TP_TILE rows][channels]. As for the linear layers, backward functions add to
  the gradients of parameters and overwrite those of inputs, unless `add` is set.
*/

/** A convolution with `taps` taps (1: none beside the position itself, no padding; otherwise padded by 1) on L positions. Stride 2 leaves (L + 1) / 2. **/
TpConv TpConvPlain(PetscInt taps, PetscInt stride, PetscInt N, PetscInt M, PetscInt L);

/** The transposed convolution with 4 taps and stride 2 that makes L_out of L positions; L_out is 2 L or less. **/
TpConv TpConvUp(PetscInt N, PetscInt M, PetscInt L, PetscInt L_out);

/** The convolution of the gradient: from dy to dx, with each tap transposed. **/
TpConv TpConvReverse(const TpConv *conv);

/** Numbers of the packed weights of a convolution and of its reverse, for any processor. **/
size_t TpPackedSize(const TpConv *conv);

/** The weights [taps][N][M] as TpConvForward(), or TpConvBackwardInput(), wants them. `packed` lies on a cache line. **/
void TpConvPack(const TpConv *conv, const TpNumber w[], TpNumber packed[]);
void TpConvPackReverse(const TpConv *conv, const TpNumber w[], TpNumber packed[]);

/** y = start + b + conv(x), by packed weights; b [M] and start, which may be y, or NULL: none. **/
void TpConvForward(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber packed[], const TpNumber b[],
                   const TpNumber start[], TpNumber y[]);

/** dx = start + the gradient of the input, by weights packed in reverse; start may be dx; NULL: none. **/
void TpConvBackwardInput(const TpConv *conv, PetscInt tiles, const TpNumber packed[], const TpNumber dy[],
                         const TpNumber start[], TpNumber dx[]);

/** dw += , db += (NULL: none). **/
void TpConvBackwardWeights(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                           TpNumber db[]);

/** Multiplications and additions of the forward pass, for one row; taps that lie outside the sequence count. **/
double TpConvOperations(const TpConv *conv);

/** Mish, x tanh(log(1 + e^x)), n numbers; y may be x, dx may be dy. **/
void TpMishForward(PetscInt n, const TpNumber x[], TpNumber y[]);
void TpMishBackward(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);

/** Group normalisation over positions and the channels of TP_GROUPS groups, then Mish, then + shift (see kernel.h); one tile. **/
void TpNormForward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[], const TpNumber start[],
                   TpNumber y[]);
void TpNormBackward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[], TpNumber dx[], TpNumber dgain[],
                    TpNumber doffset[], TpNumber sums[], const TpNumber shift[], TpNumber y[]);

/** Linear attention between qkv and its output (see kernel.h); one tile. The softmax of the keys is part of the way forward, and also by itself. **/
void TpAttentionSoftmax(PetscInt L, TpNumber qkv[]);
void TpAttentionForward(PetscInt L, TpNumber qkv[], TpNumber o[]);
void TpAttentionBackward(PetscInt L, const TpNumber qkv[], const TpNumber d_o[], TpNumber dqkv[]);

/* --------------------------------------------------------------------------------------------------------------- steps */

/** What the network is a list of. **/
typedef enum {
  TP_STEP_BLOCK,     /* ResNet block */
  TP_STEP_ATTENTION, /* x + gain (project attention(x)) */
  TP_STEP_CONV,      /* to half as many positions, or back */
  TP_STEP_FORK,      /* y = x, and x is joined in again later */
  TP_STEP_JOIN,      /* y = (x, what was forked), side by side as channels */
  TP_STEP_FINAL      /* conv, norm, Mish, and the output */
} TpStepKind;

/** A convolution and the places of its parameters; b -1: none. **/
typedef struct {
  TpConv   shape;
  PetscInt w, b;
} TpConvLayer;

/** A group normalisation: the places of its parameters, and of mean and scale among the activations. **/
typedef struct {
  PetscInt gain, offset;
  size_t   mean, scale; /* kept for the way back */
} TpNormLayer;

/**
  One step of the list, from x [L, N channels] to y [L_out, M channels]. Its parts by kind; the h of blocks is not kept but made again on the way
  back, as memory is slower than the processor.

    block       c = conv_1 x,  h = mish(norm_1 c) + time mish(e),  d = conv_2 h,  y = mish(norm_2 d) + match x (or x, where N = M)
    attention   qkv = conv_1 x,  h = attention(qkv),  y = x + gain conv_2 h
    conv        y = conv_1 x
    final       c = conv_1 x,  h = mish(norm_1 c),  y = conv_2 h
**/
typedef struct {
  TpStepKind  kind;
  PetscInt    L, L_out, N, M;
  PetscInt    first; /* where its parameters begin, and those of the steps behind it follow */
  TpConvLayer conv_1, conv_2, time, match;
  TpNormLayer norm_1, norm_2;
  PetscInt    gain;   /* of an attention: its parameter */
  PetscInt    fork;   /* of a join: the step that it joins */
  size_t      x, y;   /* places among the activations, in numbers per tile */
  size_t      c, d;   /* see above; of an attention c is qkv. Kept for the way back */
  PetscBool   remade; /* of an attention: qkv is not kept but made again */
  size_t      o;      /* of an attention: its h; likewise */
  size_t      shift;  /* of a block: time mish(e) */
  size_t      dskip;  /* of a fork: the gradient that comes back from its join */
} TpStep;

#define TP_MAX_STEPS (10 * TP_MAX_LEVELS)

typedef struct {
  PetscInt    length;   /* positions: conditions, then inputs */
  PetscInt    channels; /* K, inputs of a position */
  PetscInt    num_steps;
  TpStep      steps[TP_MAX_STEPS];
  TpConvLayer time_1, time_2;
  size_t      x;                                    /* [length][TP_TILE][K] */
  size_t      sinusoids, time_u, time_v, e, mish_e; /* time: u = time_1 sinusoids, v = mish(u), e = time_2 v */
  size_t      dmish_e, dtime;                       /* gradients */
  size_t      dy, dx;   /* [largest][TP_TILE] of a step's output and input, changing places */
  size_t      dshift;   /* [largest channels] gradient of a block's shift */
  size_t      per_tile; /* sum of the above, and of all steps */
  size_t kept; /* numbers per tile of what is kept for the way back; a workspace for forward passes has room for one */
  size_t largest, largest_c, largest_h; /* over steps: numbers of a tile, and of a chunk of tiles of c and h */
  size_t largest_w, channels_w;         /* of weights, and channels */
} TpUnet;

/** Scratch, laid behind the activations: packed weights, a chunk of tiles of h, dc and dd, one tile of dh. **/
typedef struct {
  TpNumber *w[4], *h, *dc, *dd, *dh, *sums;
} TpUnetScratch;

/** A workspace seen by a U-Net. **/
typedef struct {
  const TpUnet   *unet;
  const TpNumber *p;
  TpNumber       *gradient;  /* NULL on the way forward */
  TpNumber       *numbers;   /* aligned */
  PetscInt        max_tiles; /* places are multiples of it */
  TpNumber       *kept;
  PetscInt        max_kept; /* tiles: max_tiles, or 1 */
  PetscInt        tiles;    /* in use */
  TpUnetScratch   scratch;
} TpUnetRun;

/** Tiles of rows that a step takes at a time, so that what it makes is still in the cache when the gradient of the weights is taken. **/
PetscInt TpUnetChunk(PetscInt L);

/** Where a place's numbers of tile i begin, each tile having `size` of them. **/
TpNumber *TpUnetAt(const TpUnetRun *run, size_t place, PetscInt i, size_t size);

/** The same of what is kept for the way back. **/
TpNumber *TpUnetKept(const TpUnetRun *run, size_t place, PetscInt i, size_t size);

void TpStepForward(const TpUnetRun *run, const TpStep *step);

/** dx = gradient of the step's input given dy; dx NULL: not wanted. Forks add to dy in place and leave dx. **/
void TpStepBackward(const TpUnetRun *run, const TpStep *step, TpNumber dy[], TpNumber dx[]);
