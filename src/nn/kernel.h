/* The inner loops of nn, compiled once per instruction set and chosen at run time. Private to nn and its tests. */
#pragma once

#include "tempera/nn.h"

/** A matrix seen through strides: element (i, j) is at[i * row + j * column]. **/
typedef struct {
  const TpNumber *at;
  PetscInt        row;
  PetscInt        column;
} TpMatrix;

/** The part of a matrix that begins with its element (row, column). **/
static inline TpMatrix TpMatrixFrom(TpMatrix matrix, PetscInt row, PetscInt column)
{
  return (TpMatrix){matrix.at + row * matrix.row + column * matrix.column, matrix.row, matrix.column};
}

/**
  A convolution along the positions of a sequence. Rows come in tiles of TP_TILE: numbers [tiles][L][TP_TILE][channels], so that the TP_TILE rows of
  one position, and of neighbouring positions, follow each other, and a tap of the kernel is a shift of the pointer.

    plain        y_l = sum over k of x_{stride l + k - pad} w_k         as far as the position exists, l < L_out
    transposed   y_{stride l + k - pad} += x_l w_k                      as far as the position exists

  Weights [taps][N][M]. The gradient of the input of the one is the other, with each w_k transposed. L_out <= what the formula gives: the rest is cut.
**/
typedef struct {
  PetscBool transposed;
  PetscInt  taps, stride, pad;
  PetscInt  N, M;        /* channels of x and y */
  PetscInt  L_in, L_out; /* positions of x and y */
} TpConv;

#define TP_TILE       8  /* rows of a tile */
#define TP_GROUPS     8  /* of a group normalisation */
#define TP_HEADS      4  /* of an attention */
#define TP_HEAD_SIZE  32 /* channels of a head */
#define TP_HEADS_SIZE (TP_HEADS * TP_HEAD_SIZE)

/** Where a group normalisation of one tile reads and writes; sizes in TpKernels. **/
typedef struct {
  const TpNumber *x, *gain, *offset;
  TpNumber *mean, *scale; /* [TP_TILE][C] of the group that the channel belongs to; scale = 1 / sqrt(variance + 1e-5) */
} TpNorm;

/**
  One round of messages between particles. Edge e goes from particle `from[e]` to `to[e]`; edges of one receiver follow each other. F channels.

    m = P[from] W[e]  (three parts m1 m2 m3 of F each),   ds[to] += m1,   v[to] += m2 v[from] + m3 u[e]   for each of three directions

  A `t` before a name is its tangent, a `d` its adjoint, and a `q` the tangent of its adjoint.
**/
typedef struct {
  PetscInt        num_edges, F;
  const PetscInt *to, *from; /* [num_edges] */
  const TpNumber *u, *tu;    /* [num_edges, 3] direction */
  const TpNumber *P, *tP;    /* [particles, 3 F] what a particle sends */
  const TpNumber *W, *tW;    /* [num_edges, 3 F] filters by distance */
  const TpNumber *v, *tv;    /* [particles, 3, F] vectors before the round */
  const TpNumber *ds, *qs;   /* [particles, F] of the scalars after the round */
  const TpNumber *dv, *qv;   /* [particles, 3, F] of the vectors after the round */
} TpMessages;

typedef struct {
  const char *name; /* "avx512", "avx2", "neon", "baseline" */

  /**
    y [rows, columns] += left [rows, inner] right [inner, columns], y contiguous; one stride of each matrix is 1.

    Every element sums its products in the same order with the same instructions, whatever `rows` and `columns` are and wherever
    it lies. BLAS does not promise that: OpenBLAS 0.3.21 changes a row's last bits with the number of rows, and with AVX2 even with the row's
    place in the batch. A sample must not depend on the batch it was drawn in.
  **/
  void (*product)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left, TpMatrix right, TpNumber y[]);

  void (*silu_forward)(PetscInt n, const TpNumber x[], TpNumber y[]);
  void (*silu_backward)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);
  void (*silu_tangent)(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[]);
  void (*silu_tangent_backward)(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dty[],
                                TpNumber dtx[], TpNumber dx[]);

  /** mish(x) = x tanh(log(1 + e^x)); y may be x. **/
  void (*mish_forward)(PetscInt n, const TpNumber x[], TpNumber y[]);
  /** dx = dy mish'(x); dx may be dy. **/
  void (*mish_backward)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);

  /** y = start + b + conv x, by packed weights; b [M] and start, which may be y, or NULL: none. Each row by the same instructions, wherever it lies. **/
  void (*conv)(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber packed[], const TpNumber b[],
               const TpNumber start[], TpNumber y[]);
  /** dw += the gradient of the weights, db += that of the bias (NULL: none). **/
  void (*conv_weights)(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                       TpNumber db[]);
  /** Weights as conv reads them, on a cache line: TpPackedSize() numbers. Those of the reverse convolution have their taps transposed. **/
  void (*pack)(const TpConv *conv, const TpNumber w[], TpNumber packed[]);
  void (*pack_reverse)(const TpConv *conv, const TpNumber w[], TpNumber packed[]);

  /** One tile of L positions and C channels: z = gain (x - mean) scale + offset, y = mish(z) + shift [TP_TILE][C] or + start [L][TP_TILE][C], which may be y;
      one of them at most (NULL: none). Fills mean, scale. **/
  void (*norm_forward)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[], const TpNumber start[],
                       TpNumber y[]);
  /** Given dy: dx, which may not be dy; dgain += , doffset += . sums [2][TP_TILE][C] scratch. Where y is not NULL, it is made again as by norm_forward(). **/
  void (*norm_backward)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[], TpNumber dx[],
                        TpNumber dgain[], TpNumber doffset[], TpNumber sums[], const TpNumber shift[], TpNumber y[]);

  /** k of qkv [L][TP_TILE][3 TP_HEADS_SIZE] becomes softmax(k) over the positions; one tile. **/
  void (*attention_softmax)(PetscInt L, TpNumber qkv[]);
  /** One tile of linear attention. qkv [L][TP_TILE][3 TP_HEADS_SIZE]: k becomes softmax(k) over the positions; o [L][TP_TILE][TP_HEADS_SIZE]. **/
  void (*attention_forward)(PetscInt L, TpNumber qkv[], TpNumber o[]);
  /** Given d o, and qkv as the forward pass left it: dqkv. **/
  void (*attention_backward)(PetscInt L, const TpNumber qkv[], const TpNumber d_o[], TpNumber dqkv[]);

  /** s, v +=, the messages. **/
  void (*message_forward)(const TpMessages *messages, TpNumber s[], TpNumber v[]);
  /** ts, tv +=, their tangents. **/
  void (*message_tangent)(const TpMessages *messages, TpNumber ts[], TpNumber tv[]);
  /** Adjoints of what went in: dv, dP, du +=, dW. **/
  void (*message_backward)(const TpMessages *messages, TpNumber dv[], TpNumber dP[], TpNumber dW[], TpNumber du[]);
  /** Their tangents: qv, qP +=, qW; and dW again. **/
  void (*message_direction)(const TpMessages *messages, TpNumber qv[], TpNumber qP[], TpNumber dW[], TpNumber qW[]);
} TpKernels;

/** All that were built, fastest first; ended by NULL. **/
extern const TpKernels *const tp_kernels[];

/** Whether this processor has the instructions. **/
PetscBool TpKernelsUsable(const TpKernels *kernels);

/** Those whose products are of numbers rounded to bf16, summed in single precision; NULL if this processor has none. **/
const TpKernels *TpKernelsRounded(void);

/** From now on these are in use, which must exist, or no more. **/
void TpKernelsRound(PetscBool round);

/** The ones in use: the fastest usable, or those of TpKernelsChoose(), or those of TpKernelsRound(). **/
const TpKernels *TpKernelsBest(void);

/* The functions of one instruction set, named by a suffix. */
#define TP_KERNEL_JOIN_(name, suffix) name##_##suffix
#define TP_KERNEL_JOIN(name, suffix)  TP_KERNEL_JOIN_(name, suffix)

#define TP_KERNEL_DECLARE(suffix)                                                                                      \
  void TP_KERNEL_JOIN(TpProduct, suffix)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left,               \
                                         TpMatrix right, TpNumber y[]);                                                \
  void TP_KERNEL_JOIN(TpSiluForward, suffix)(PetscInt n, const TpNumber x[], TpNumber y[]);                            \
  void TP_KERNEL_JOIN(TpSiluBackward, suffix)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);     \
  void TP_KERNEL_JOIN(TpSiluTangent, suffix)(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[]);      \
  void TP_KERNEL_JOIN(TpSiluTangentBackward, suffix)(PetscInt n, const TpNumber x[], const TpNumber tx[],              \
                                                     const TpNumber dty[], TpNumber dtx[], TpNumber dx[]);             \
  void TP_KERNEL_JOIN(TpMishForward, suffix)(PetscInt n, const TpNumber x[], TpNumber y[]);                            \
  void TP_KERNEL_JOIN(TpMishBackward, suffix)(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);     \
  void TP_KERNEL_JOIN(TpConv, suffix)(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber w[],      \
                                      const TpNumber b[], const TpNumber start[], TpNumber y[]);                       \
  void TP_KERNEL_JOIN(TpConvWeights, suffix)(const TpConv *conv, PetscInt tiles, const TpNumber x[],                   \
                                             const TpNumber dy[], TpNumber dw[], TpNumber db[]);                       \
  void TP_KERNEL_JOIN(TpPack, suffix)(const TpConv *conv, const TpNumber w[], TpNumber packed[]);                      \
  void TP_KERNEL_JOIN(TpPackReverse, suffix)(const TpConv *conv, const TpNumber w[], TpNumber packed[]);               \
  void TP_KERNEL_JOIN(TpNormForward, suffix)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[],       \
                                             const TpNumber start[], TpNumber y[]);                                    \
  void TP_KERNEL_JOIN(TpNormBackward, suffix)(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[],         \
                                              TpNumber dx[], TpNumber dgain[], TpNumber doffset[], TpNumber sums[],    \
                                              const TpNumber shift[], TpNumber y[]);                                   \
  void TP_KERNEL_JOIN(TpAttentionSoftmax, suffix)(PetscInt L, TpNumber qkv[]);                                         \
  void TP_KERNEL_JOIN(TpAttentionForward, suffix)(PetscInt L, TpNumber qkv[], TpNumber o[]);                           \
  void TP_KERNEL_JOIN(TpAttentionBackward, suffix)(PetscInt L, const TpNumber qkv[], const TpNumber d_o[],             \
                                                   TpNumber dqkv[]);                                                   \
  void TP_KERNEL_JOIN(TpMessageForward, suffix)(const TpMessages *messages, TpNumber s[], TpNumber v[]);               \
  void TP_KERNEL_JOIN(TpMessageTangent, suffix)(const TpMessages *messages, TpNumber ts[], TpNumber tv[]);             \
  void TP_KERNEL_JOIN(TpMessageBackward, suffix)(const TpMessages *messages, TpNumber dv[], TpNumber dP[],             \
                                                 TpNumber dW[], TpNumber du[]);                                        \
  void TP_KERNEL_JOIN(TpMessageDirection, suffix)(const TpMessages *messages, TpNumber qv[], TpNumber qP[],            \
                                                  TpNumber dW[], TpNumber qW[])
