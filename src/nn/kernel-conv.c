/* Convolutions along positions and their gradients, for one instruction set: TP_KERNEL_ISA its suffix, TP_KERNEL_BYTES a vector, TP_KERNEL_TILE rows in
   registers. */
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

#define ROWS TP_KERNEL_TILE

/* ------------------------------------------------------------------------------------------------------------- product */

/* Which taps reach an output position, and from which input positions. */
typedef struct {
  PetscInt count, tap, tap_step, from, from_step;
} Reach;

static Reach ReachOf(const TpConv *conv, PetscInt l)
{
  Reach reach;

  if (conv->transposed) {
    reach               = (Reach){0, (l + conv->pad) % conv->stride, conv->stride, (l + conv->pad) / conv->stride, -1};
    const PetscInt skip = PetscMax(0, reach.from - (conv->L_in - 1));

    reach.tap += skip * conv->stride;
    reach.from -= skip;
    if (reach.tap < conv->taps && reach.from >= 0)
      reach.count = PetscMin((conv->taps - 1 - reach.tap) / conv->stride, reach.from) + 1;
  } else {
    const PetscInt start = conv->stride * l - conv->pad, first = PetscMax(0, -start);

    reach = (Reach){PetscMax(0, PetscMin(conv->taps, conv->L_in - start) - first), first, 1, start + first, 1};
  }
  return reach;
}

/* ROWS rows of one position times a panel of `vectors` vectors, of which `width` columns exist. */
ALWAYS_INLINE void Product(const TpConv *conv, const Reach *reach, int vectors, int width, const TpNumber x[],
                           const Vector w[], const TpNumber b[], const TpNumber start[], TpNumber y[])
{
  const PetscInt N = conv->N, M = conv->M;
  const int      first = PetscMin(width, LANES), second = width - LANES;
  const Vector   bias_0 = b ? Load(b, first) : (Vector){0};
  const Vector   bias_1 = b && vectors == 2 ? Load(b + LANES, second) : (Vector){0};
  Vector         sum[2 * ROWS];

#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) {
    sum[2 * r]     = bias_0;
    sum[2 * r + 1] = bias_1;
  }
  for (PetscInt t = 0; t < reach->count; t++) {
    const TpNumber *left  = x + (reach->from + t * reach->from_step) * TP_TILE * N;
    const Vector   *right = w + (reach->tap + t * reach->tap_step) * N * 2;

    for (PetscInt k = 0; k < N; k++) {
      const Vector right_0 = right[2 * k], right_1 = right[2 * k + 1];

#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) {
        sum[2 * r] += left[r * N + k] * right_0;
        if (vectors == 2) sum[2 * r + 1] += left[r * N + k] * right_1;
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) { /* what is to be added comes last, as it may be larger than any product */
    const TpNumber *from = start ? start + r * M : NULL;

    Store(y + r * M, first, start ? sum[2 * r] + Load(from, first) : sum[2 * r]);
    if (vectors == 2)
      Store(y + r * M + LANES, second, start ? sum[2 * r + 1] + Load(from + LANES, second) : sum[2 * r + 1]);
  }
}

/* All positions of one tile, for one panel of columns. */
ALWAYS_INLINE void ProductPanel(const TpConv *conv, int vectors, int width, const TpNumber x[], const TpNumber w[],
                                const TpNumber b[], const TpNumber start[], TpNumber y[])
{
  for (PetscInt l = 0; l < conv->L_out; l++) {
    const Reach reach = ReachOf(conv, l);

    for (PetscInt r = 0; r < TP_TILE; r += ROWS) {
      const PetscInt to = (l * TP_TILE + r) * conv->M;

      Product(conv, &reach, vectors, width, x + r * conv->N, (const Vector *)w, b, start ? start + to : NULL, y + to);
    }
  }
}

void TP_KERNEL_JOIN(TpConv, TP_KERNEL_ISA)(const TpConv *conv, PetscInt tiles, const TpNumber x[],
                                           const TpNumber packed[], const TpNumber b[], const TpNumber start[],
                                           TpNumber y[])
{
  const PetscInt M = conv->M, rows = conv->taps * conv->N, size = conv->L_out * TP_TILE * M;

  for (PetscInt i = 0; i < tiles; i++) {
    const TpNumber *tile = x + i * conv->L_in * TP_TILE * conv->N;
    TpNumber       *out  = y + i * size;

    for (PetscInt j = 0; j < M; j += PANEL) {
      const TpNumber *w = packed + j * rows, *bias = b ? b + j : NULL, *from = start ? start + i * size + j : NULL;
      const int       width = (int)PetscMin(PANEL, M - j);

      if (width == PANEL)
        ProductPanel(conv, 2, PANEL, tile, w, bias, from, out + j);
      else if (width > LANES)
        ProductPanel(conv, 2, width, tile, w, bias, from, out + j);
      else if (width == LANES)
        ProductPanel(conv, 1, LANES, tile, w, bias, from, out + j);
      else
        ProductPanel(conv, 1, width, tile, w, bias, from, out + j);
    }
  }
}

/* ----------------------------------------------------------------------------------------------- gradient of weights */

/* For tap k of all tiles: `count` pairs of positions, x from `from_x` in steps of step_x, dy likewise. */
typedef struct {
  PetscInt count, from_x, step_x, from_y, step_y;
} Pairs;

static Pairs PairsOf(const TpConv *conv, PetscInt k)
{
  const PetscInt coarse = conv->transposed ? conv->L_in : conv->L_out;
  const PetscInt fine   = conv->transposed ? conv->L_out : conv->L_in;
  const PetscInt shift = k - conv->pad, stride = conv->stride; /* fine = stride coarse + shift */
  const PetscInt first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  const PetscInt last  = PetscMin(coarse - 1, fine - 1 - shift < 0 ? -1 : (fine - 1 - shift) / stride);
  const PetscInt count = PetscMax(0, last - first + 1);

  if (conv->transposed) return (Pairs){count, first, 1, stride * first + shift, stride};
  return (Pairs){count, stride * first + shift, stride, first, 1};
}

#define PACKED 256          /* rows of dy whose panel is copied together: it stays in the first-level cache */
#define WIDE   (16 * ROWS)  /* channels of x that are copied together */
#define LONGER (2 * PACKED) /* rows of x that belong to so many of dy, at stride 2 */

/* Copies, so that what is multiplied follows each other in memory: of dy a panel [row][PANEL], of x blocks [row][ROWS] one after the other. */
typedef struct {
  Vector   dy[2 * PACKED];
  TpNumber x[WIDE * LONGER];
} Copies;

/* sum += x^T dy over `count` rows, which follow each other. */
ALWAYS_INLINE void WeightsRows(PetscInt count, int rows, int vectors, const TpNumber x[], const Vector dy[],
                               Vector sum[2 * ROWS])
{
  for (PetscInt s = 0; s < count; s++, x += rows, dy += 2) {
    const Vector right_0 = dy[0], right_1 = dy[1];

#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      sum[2 * r] += x[r] * right_0;
      if (vectors == 2) sum[2 * r + 1] += x[r] * right_1;
    }
  }
}

/* dw [rows of a block, panel] += x^T dy; `rows` of x follow each other. */
ALWAYS_INLINE void Weights(const TpConv *conv, PetscInt tiles, const Pairs *pairs, int rows, int vectors, int width,
                           const TpNumber x[], const Vector dy[], TpNumber dw[])
{
  const PetscInt M     = conv->M;
  const PetscInt along = conv->stride == 1 ? pairs->count : 1; /* positions that follow each other in both */
  const int      first = PetscMin(width, LANES), second = width - LANES;
  Vector         sum[2 * ROWS];

#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
    sum[2 * r]     = Load(dw + r * M, first);
    sum[2 * r + 1] = vectors == 2 ? Load(dw + r * M + LANES, second) : (Vector){0};
  }
  for (PetscInt i = 0; i < tiles; i++) {
    const TpNumber *left  = x + (i * conv->L_in + pairs->from_x) * TP_TILE * rows;
    const Vector   *right = dy + (i * conv->L_out + pairs->from_y) * TP_TILE * 2;

    for (PetscInt l = 0; l < pairs->count; l += along)
      WeightsRows(along * TP_TILE, rows, vectors, left + l * pairs->step_x * TP_TILE * rows,
                  right + l * pairs->step_y * TP_TILE * 2, sum);
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
    Store(dw + r * M, first, sum[2 * r]);
    if (vectors == 2) Store(dw + r * M + LANES, second, sum[2 * r + 1]);
  }
}

/* All taps of `channels` channels of x, of which there are `size` numbers each. */
ALWAYS_INLINE void WeightsPanel(const TpConv *conv, PetscInt tiles, PetscInt channels, PetscInt size, int vectors,
                                int width, const Copies *copies, TpNumber dw[])
{
  for (PetscInt k = 0; k < conv->taps; k++) {
    const Pairs pairs = PairsOf(conv, k);
    TpNumber   *block = dw + k * conv->N * conv->M;
    PetscInt    i     = 0;

    for (; i + ROWS <= channels; i += ROWS)
      Weights(conv, tiles, &pairs, ROWS, vectors, width, copies->x + i * size, copies->dy, block + i * conv->M);
    for (; i < channels; i++)
      Weights(conv, tiles, &pairs, 1, vectors, width, copies->x + i * size, copies->dy, block + i * conv->M);
  }
}

/* Columns of dy side by side, zeros beyond the last. */
static void PackColumns(PetscInt rows, PetscInt M, PetscInt width, const TpNumber dy[], TpNumber panel[])
{
  for (PetscInt i = 0; i < rows; i++, dy += M, panel += PANEL) {
    if (width == PANEL) {
      Store(panel, LANES, Load(dy, LANES));
      Store(panel + LANES, LANES, Load(dy + LANES, LANES));
    } else {
      memset(panel, 0, PANEL * sizeof *panel);
      memcpy(panel, dy, (size_t)width * sizeof *panel);
    }
  }
}

/* Channels of x in blocks of ROWS, and the rest one by one. */
static void PackBlocks(PetscInt rows, PetscInt N, PetscInt channels, const TpNumber x[], TpNumber blocks[])
{
  const PetscInt whole = channels / ROWS * ROWS;

  for (PetscInt r = 0; r < rows; r++, x += N) {
    TpNumber *to = blocks + r * ROWS;

    for (PetscInt i = 0; i < whole; i += ROWS, to += rows * ROWS) memcpy(to, x + i, ROWS * sizeof *x);
    for (PetscInt i = whole; i < channels; i++) blocks[i * rows + r] = x[i];
  }
}

/* db += column sums of a panel of dy: four chains of sums, as one would wait for each addition. */
static void Bias(PetscInt rows, PetscInt width, const Vector dy[], TpNumber db[])
{
  Vector   sum[2][4] = {{{0}}};
  TpNumber total[PANEL];

  for (PetscInt i = 0; i < rows; i += 4) { /* rows: a multiple of TP_TILE */
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
      sum[0][r] += dy[2 * (i + r)];
      sum[1][r] += dy[2 * (i + r) + 1];
    }
  }
  for (int k = 0; k < 2; k++) Store(total + k * LANES, LANES, (sum[k][0] + sum[k][1]) + (sum[k][2] + sum[k][3]));
  for (PetscInt j = 0; j < width; j++) db[j] += total[j];
}

/* Tiles whose rows fit the copies. db NULL: none. */
static void WeightsTiles(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                         TpNumber db[])
{
  Copies         copies;
  const PetscInt N = conv->N, M = conv->M;
  const PetscInt rows_x = tiles * conv->L_in * TP_TILE, rows = tiles * conv->L_out * TP_TILE;

  for (PetscInt n = 0; n < N; n += WIDE) {
    const PetscInt channels = PetscMin(WIDE, N - n);

    PackBlocks(rows_x, N, channels, x + n, copies.x);
    for (PetscInt j = 0; j < M; j += PANEL) {
      const int width = (int)PetscMin(PANEL, M - j);
      TpNumber *to    = dw + n * M + j;

      PackColumns(rows, M, width, dy + j, (TpNumber *)copies.dy);
      if (db && n == 0) Bias(rows, width, copies.dy, db + j);
      if (width == PANEL)
        WeightsPanel(conv, tiles, channels, rows_x, 2, PANEL, &copies, to);
      else if (width > LANES)
        WeightsPanel(conv, tiles, channels, rows_x, 2, width, &copies, to);
      else
        WeightsPanel(conv, tiles, channels, rows_x, 1, width, &copies, to);
    }
  }
}

/* A tile too long for the copies: position by position. */
static void WeightsLong(const TpConv *conv, const TpNumber x[], const TpNumber dy[], TpNumber dw[], TpNumber db[])
{
  for (PetscInt l = 0; l < conv->L_out; l++) {
    const Reach     reach = ReachOf(conv, l);
    const TpNumber *given = dy + l * TP_TILE * conv->M;

    for (PetscInt t = 0; t < reach.count; t++) {
      const TpConv one = {PETSC_FALSE, 1, 1, 0, conv->N, conv->M, 1, 1};

      WeightsTiles(&one, 1, x + (reach.from + t * reach.from_step) * TP_TILE * conv->N, given,
                   dw + (reach.tap + t * reach.tap_step) * conv->N * conv->M, t == 0 ? db : NULL);
    }
  }
}

void TP_KERNEL_JOIN(TpConvWeights, TP_KERNEL_ISA)(const TpConv *conv, PetscInt tiles, const TpNumber x[],
                                                  const TpNumber dy[], TpNumber dw[], TpNumber db[])
{
  const PetscInt rows_x = conv->L_in * TP_TILE, rows = conv->L_out * TP_TILE;
  const PetscInt count = PetscMax(1, PACKED / rows);

  for (PetscInt i = 0; i < tiles; i += count) {
    const TpNumber *from = x + i * rows_x * conv->N, *given = dy + i * rows * conv->M;

    if (rows <= PACKED && rows_x * count <= LONGER)
      WeightsTiles(conv, PetscMin(count, tiles - i), from, given, dw, db);
    else
      for (PetscInt j = 0; j < PetscMin(count, tiles - i); j++)
        WeightsLong(conv, from + j * rows_x * conv->N, given + j * rows * conv->M, dw, db);
  }
}

/* ------------------------------------------------------------------------------------------------------------- packing */

/* Panels [tap][row][PANEL] of w, one after the other and whole: neighbours in memory whatever M is, or they would push each other out of the cache. */
void TP_KERNEL_JOIN(TpPack, TP_KERNEL_ISA)(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  const PetscInt M = conv->M, rows = conv->taps * conv->N;

  for (PetscInt j = 0; j < M; j += PANEL) PackColumns(rows, M, PetscMin(PANEL, M - j), w + j, packed + j * rows);
}

/* Rows m of a panel, of `width` rows of w from `from` on: LANES of them where both fill the vectors, one otherwise. Returns their number. */
static PetscInt PackTransposed(PetscInt M, PetscInt m, PetscInt width, const TpNumber from[], TpNumber panel[])
{
  if (width < PANEL || m + LANES > M) {
    for (PetscInt k = 0; k < PANEL; k++) panel[k] = k < width ? from[k * M + m] : 0;
    return 1;
  }
  for (int half = 0; half < PANEL; half += LANES) {
    Vector vectors[LANES];

#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++) vectors[k] = Load(from + (half + k) * M + m, LANES);
    Transpose(vectors);
#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++) Store(panel + k * PANEL + half, LANES, vectors[k]);
  }
  return LANES;
}

/* The same of the transposed taps: for the reverse convolution. */
void TP_KERNEL_JOIN(TpPackReverse, TP_KERNEL_ISA)(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  const PetscInt N = conv->N, M = conv->M;

  for (PetscInt j = 0; j < N; j += PANEL) {
    for (PetscInt t = 0; t < conv->taps; t++, packed += M * PANEL) {
      for (PetscInt m = 0; m < M;)
        m += PackTransposed(M, m, PetscMin(PANEL, N - j), w + (t * N + j) * M, packed + m * PANEL);
    }
  }
}
