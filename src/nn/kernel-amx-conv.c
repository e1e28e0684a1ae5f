/*
  Convolutions and their gradients by products of numbers rounded to bf16. Few channels, and unusual convolutions, stay with the kernels of single precision:
  rounding and its order cost more than they gain there, and the network's input and output keep their precision.
*/
#include "kernel-amx.h"
#include "kernel.h"

TP_KERNEL_DECLARE(avx512);
TP_KERNEL_DECLARE(amx);

#define FEWEST     16 /* channels of x and of y that are worth it */
#define MAX_TAPS   8
#define MAX_STRIDE 2
#define CHANNELS   256 /* of x that are rounded together */

static PetscBool Suits(const TpConv *conv)
{
  return (PetscBool)(conv->N >= FEWEST && conv->M >= FEWEST && conv->taps <= MAX_TAPS && conv->stride <= MAX_STRIDE);
}

/* ------------------------------------------------------------------------------------------------------- what is read */

/*
  The side with more positions is the fine one; its position is stride * coarse + k - pad for tap k. It is kept as `stride` sequences, one of each
  remainder: tap k then reads sequence `phase` at place coarse + shift, and neighbours are neighbours.
*/
typedef struct {
  PetscInt phase, shift;
} Tap;

typedef struct {
  PetscInt least, most; /* shifts */
  Tap      taps[MAX_TAPS];
} Taps;

static PetscInt Floor(PetscInt a, PetscInt b)
{
  return (a >= 0 ? a : a - b + 1) / b;
}

static Taps TapsOf(const TpConv *conv)
{
  Taps taps = {Floor(-conv->pad, conv->stride), Floor(conv->taps - 1 - conv->pad, conv->stride), {{0}}};

  for (PetscInt k = 0; k < conv->taps; k++) {
    const PetscInt offset = k - conv->pad, shift = Floor(offset, conv->stride);

    taps.taps[k] = (Tap){offset - shift * conv->stride, shift};
  }
  return taps;
}

/* ------------------------------------------------------------------------------------------------------------- forward */

#define WINDOW 16                           /* outputs of one remainder that are made together */
#define BEYOND 4                            /* positions that a block of sums may read behind the last */
#define ROOM   (WINDOW + MAX_TAPS + BEYOND) /* positions of one remainder */

/* Positions [first, first + count) of each remainder of x, [position][TP_TILE][depth]; zeros where there are none. `exist` channels from x on. */
static void RoundPositions(const TpConv *conv, PetscInt first, PetscInt count, PetscInt depth, PetscInt exist,
                           const TpNumber x[], Rounded to[])
{
  const PetscInt stride = conv->transposed ? 1 : conv->stride;

  for (PetscInt phase = 0; phase < stride; phase++, to += ROOM * TP_TILE * depth) {
    for (PetscInt i = 0; i < count; i++) {
      const PetscInt l    = (first + i) * stride + phase;
      Rounded       *rows = to + i * TP_TILE * depth;

      if (l < 0 || l >= conv->L_in) {
        memset(rows, 0, (size_t)(TP_TILE * depth) * sizeof *rows);
        continue;
      }
      for (PetscInt r = 0; r < TP_TILE; r++) RoundRow(depth, exist, x + (l * TP_TILE + r) * conv->N, rows + r * depth);
    }
  }
}

/* Outputs l = first + step j, j < count, of one remainder. */
typedef struct {
  PetscInt phase, first, step, count;
} Outputs;

/* y = start + (sums + b) for the outputs of a block, from j on, and `width` columns of M. */
ALWAYS_INLINE void WriteBlock(const Outputs *outputs, PetscInt j, PetscInt M, int width, const TpNumber sums[],
                              const TpNumber b[], const TpNumber start[], TpNumber y[])
{
  const int    first = PetscMin(LANES, width), second = width - first;
  const Vector bias_0 = b ? Load(b, first) : (Vector){0};
  const Vector bias_1 = b && second ? Load(b + LANES, second) : (Vector){0};

  for (PetscInt i = j; i < PetscMin(j + BLOCK / TP_TILE, outputs->count); i++) {
    const PetscInt  at   = (outputs->first + outputs->step * i) * TP_TILE * M;
    const TpNumber *from = start + (start ? at : 0);
    TpNumber       *to   = y + at;

#pragma GCC unroll 8
    for (PetscInt r = 0; r < TP_TILE; r++, sums += BLOCK) {
      const Vector sum_0 = Load(sums, LANES) + bias_0, sum_1 = Load(sums + LANES, LANES) + bias_1;

      Store(to + r * M, first, start ? Load(from + r * M, first) + sum_0 : sum_0);
      if (second) Store(to + r * M + LANES, second, start ? Load(from + r * M + LANES, second) + sum_1 : sum_1);
    }
  }
}

/* The outputs of a window, for one panel of columns of w, of which `depth` rows of each tap are read. */
static void ForwardPanel(const TpConv *conv, const Taps *taps, const Outputs *outputs, PetscInt width, PetscInt depth,
                         const Rounded x[], const Rounded w[], const TpNumber b[], const TpNumber start[], TpNumber y[])
{
  const PetscInt        low = conv->transposed ? -taps->most : taps->least;
  _Alignas(64) TpNumber sums[BLOCK * BLOCK];

  for (PetscInt j = 0; j < outputs->count; j += BLOCK / TP_TILE) {
    SumsClear();
    for (PetscInt k = 0; k < conv->taps; k++) {
      const Tap      tap   = taps->taps[k];
      const PetscInt from  = j - low + (conv->transposed ? -tap.shift : tap.shift);
      const Rounded *left  = x + ((conv->transposed ? 0 : tap.phase * ROOM) + from) * TP_TILE * depth;
      const Rounded *right = w + k * Whole(conv->N, DEPTH) * BLOCK;

      if (conv->transposed && tap.phase != outputs->phase) continue;
      if (outputs->count - j > HALF / TP_TILE)
        SumsAdd(2, depth, left, depth, right, right + RIGHT, 2 * RIGHT);
      else
        SumsAdd(1, depth, left, depth, right, right + RIGHT, 2 * RIGHT);
    }
    SumsStore(sums, BLOCK);
    if (width < BLOCK)
      WriteBlock(outputs, j, conv->M, (int)width, sums, b, start, y);
    else if (start)
      WriteBlock(outputs, j, conv->M, BLOCK, sums, b, start, y);
    else
      WriteBlock(outputs, j, conv->M, BLOCK, sums, b, NULL, y);
  }
}

/* All outputs of one tile, by some channels of x. */
static void ForwardTile(const TpConv *conv, const Taps *taps, PetscInt depth, PetscInt exist, const TpNumber x[],
                        const Rounded w[], const TpNumber b[], const TpNumber start[], TpNumber y[])
{
  const PetscInt       step = conv->transposed ? conv->stride : 1, low = conv->transposed ? -taps->most : taps->least;
  const PetscInt       longest = (conv->L_out + step - 1) / step;
  _Alignas(64) Rounded rounded[MAX_STRIDE * ROOM * TP_TILE * CHANNELS];

  for (PetscInt j = 0; j < longest; j += WINDOW) {
    RoundPositions(conv, j + low, PetscMin(WINDOW, longest - j) + taps->most - taps->least, depth, exist, x, rounded);
    for (PetscInt phase = 0; phase < step; phase++) {
      const PetscInt count   = (conv->L_out - phase + step - 1) / step - j;
      const Outputs  outputs = {phase, phase + step * j, step, PetscMin(WINDOW, count)};

      for (PetscInt m = 0; m < conv->M; m += BLOCK)
        ForwardPanel(conv, taps, &outputs, PetscMin(BLOCK, conv->M - m), depth, rounded,
                     w + m * conv->taps * Whole(conv->N, DEPTH), b ? b + m : NULL, start ? start + m : NULL, y + m);
    }
  }
}

void TpConv_amx(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber packed[], const TpNumber b[],
                const TpNumber start[], TpNumber y[])
{
  const Rounded *w   = (const Rounded *)packed;
  TpConv         one = *conv;

  if (!Suits(conv)) {
    TpConv_avx512(conv, tiles, x, packed, b, start, y);
    return;
  }
  const Taps taps = TapsOf(conv);

  if (conv->taps == 1 && conv->stride == 1) { /* positions do not meet: one long tile fills the blocks */
    one.L_in = one.L_out = tiles * conv->L_out;
    tiles                = 1;
  }
  TilesBegin();
  for (PetscInt i = 0; i < tiles; i++, x += one.L_in * TP_TILE * one.N, y += one.L_out * TP_TILE * one.M) {
    for (PetscInt n = 0; n < one.N; n += CHANNELS) {
      const PetscInt exist = PetscMin(CHANNELS, one.N - n);

      ForwardTile(&one, &taps, Whole(exist, DEPTH), exist, x + n, w + n * BLOCK, n ? NULL : b, n ? y : start, y);
    }
    if (start) start += one.L_out * TP_TILE * one.M;
  }
  TilesEnd();
}

/* ----------------------------------------------------------------------------------------------- gradient of weights */

#define POSITIONS  48                                               /* of a sequence that is rounded at once */
#define CHANNELS_X 128                                              /* of x, likewise */
#define ROW        (POSITIONS * TP_TILE + DEPTH)                    /* numbers of a channel of x */
#define MARGIN     MAX_TAPS                                         /* positions of zeros around dy */
#define PAIRS      ((POSITIONS + 2 * MARGIN) * TP_TILE / 2 * BLOCK) /* numbers of half a panel of dy */

/* The rows of one remainder, position by position; NULL: zeros. Those of unlike tiles are so far apart that no tap reaches from one to the next. */
typedef const TpNumber *Sequence[POSITIONS];

/* Tiles, and their coarse positions [first, first + count), that are taken together. */
typedef struct {
  PetscInt tiles, first, count;
  PetscInt slot; /* positions of a tile in the sequence */
  PetscInt length;
} Window;

/* `coarse`: of this window alone; or fine: as far as taps reach. */
static void Arrange(const TpConv *conv, const Taps *taps, const Window *window, PetscBool coarse, PetscInt phase,
                    PetscInt L, PetscInt channels, const TpNumber at[], Sequence sequence)
{
  const PetscInt stride = coarse ? 1 : conv->stride;

  for (PetscInt i = 0; i < window->length; i++) {
    const PetscInt  tile = i / window->slot, position = window->first + i % window->slot + taps->least;
    const PetscInt  l   = position * stride + phase;
    const PetscBool own = (PetscBool)(position >= window->first && position < window->first + window->count);

    sequence[i] =
        tile < window->tiles && l >= 0 && l < L && (own || !coarse) ? at + (tile * L + l) * TP_TILE * channels : NULL;
  }
}

/* x [channel][row]: channels from n on, of which `exist` do. */
static void RoundChannels(PetscInt length, const Sequence sequence, PetscInt N, PetscInt n, PetscInt exist,
                          Rounded to[])
{
  for (PetscInt c = 0; c < Whole(exist, BLOCK); c += HALF) {
    const int width = (int)PetscMax(0, PetscMin(LANES, exist - c));

    for (PetscInt i = 0; i < length; i += DEPTH / TP_TILE) {
      Vector pairs[HALF];

#pragma GCC unroll 16
      for (int p = 0; p < HALF; p++) {
        const TpNumber *rows = sequence[i + p / (TP_TILE / 2)];
        const TpNumber *at   = rows + p % (TP_TILE / 2) * 2 * N + n + c;

        pairs[p] = rows && width ? (Vector)RoundPair(Load(at, width), Load(at + N, width)) : (Vector){0};
      }
      Transpose(pairs);
#pragma GCC unroll 16
      for (int k = 0; k < HALF; k++) _mm512_storeu_si512(to + (c + k) * ROW + i * TP_TILE, (__m512i)pairs[k]);
    }
  }
}

/* dy: pairs of rows of half a panel, `width` columns of which exist, between margins. */
static void RoundPairs(PetscInt length, const Sequence sequence, PetscInt M, PetscInt m, int width, Rounded to[])
{
  const size_t margin = MARGIN * TP_TILE / 2 * BLOCK;

  memset(to, 0, margin * sizeof *to);
  to += margin;
  for (PetscInt i = 0; i < length; i++) {
    for (PetscInt r = 0; r < TP_TILE; r += 2, to += BLOCK) {
      const TpNumber *at   = sequence[i] + r * M + m;
      __m512i         pair = _mm512_setzero_si512();

      if (sequence[i] && width) pair = RoundPair(Load(at, width), Load(at + M, width));
      _mm512_storeu_si512(to, pair);
    }
  }
  memset(to, 0, margin * sizeof *to);
}

/* What is rounded of a window: some channels of x, a panel of dy; of the fine one each remainder. */
typedef struct {
  Rounded x[MAX_STRIDE][CHANNELS_X * ROW];
  Rounded dy[MAX_STRIDE][2 * PAIRS];
} Copies;

/* All taps of some channels of x and a panel of dy. */
static void WeightsPanel(const TpConv *conv, const Taps *taps, PetscInt length, PetscInt channels, PetscInt columns,
                         const Copies *copies, TpNumber dw[])
{
  for (PetscInt n = 0; n < channels; n += BLOCK) {
    for (PetscInt k = 0; k < conv->taps; k++) {
      const Tap      tap   = taps->taps[k];
      const PetscInt shift = conv->transposed ? tap.shift : -tap.shift;
      const Rounded *x     = copies->x[conv->transposed ? 0 : tap.phase] + n * ROW;
      const Rounded *dy    = copies->dy[conv->transposed ? tap.phase : 0] + (MARGIN + shift) * TP_TILE / 2 * BLOCK;

      AddBlock(PetscMin(BLOCK, channels - n), columns, length * TP_TILE, x, ROW, dy, dy + PAIRS, RIGHT, conv->M,
               dw + (k * conv->N + n) * conv->M);
    }
  }
}

static void WeightsWindow(const TpConv *conv, const Taps *taps, const Window *window, const TpNumber x[],
                          const TpNumber dy[], TpNumber dw[])
{
  const PetscInt N = conv->N, M = conv->M, length = window->length;
  const PetscInt phases_x = conv->transposed ? 1 : conv->stride, phases_dy = conv->transposed ? conv->stride : 1;
  Sequence       of_x[MAX_STRIDE], of_dy[MAX_STRIDE];
  Copies         copies;

  for (PetscInt phase = 0; phase < phases_x; phase++)
    Arrange(conv, taps, window, conv->transposed, phase, conv->L_in, N, x, of_x[phase]);
  for (PetscInt phase = 0; phase < phases_dy; phase++)
    Arrange(conv, taps, window, !conv->transposed, phase, conv->L_out, M, dy, of_dy[phase]);
  for (PetscInt n = 0; n < N; n += CHANNELS_X) {
    const PetscInt channels = PetscMin(CHANNELS_X, N - n);

    for (PetscInt phase = 0; phase < phases_x; phase++)
      RoundChannels(length, of_x[phase], N, n, channels, copies.x[phase]);
    for (PetscInt m = 0; m < M; m += BLOCK) {
      const PetscInt columns = PetscMin(BLOCK, M - m);

      for (PetscInt phase = 0; phase < phases_dy; phase++) {
        RoundPairs(length, of_dy[phase], M, m, (int)PetscMin(HALF, columns), copies.dy[phase]);
        RoundPairs(length, of_dy[phase], M, m + HALF, (int)PetscMax(0, columns - HALF), copies.dy[phase] + PAIRS);
      }
      WeightsPanel(conv, taps, length, channels, columns, &copies, dw + n * M + m);
    }
  }
}

/* db += column sums of dy, in single precision. */
static void AddBias(PetscInt rows, PetscInt M, const TpNumber dy[], TpNumber db[])
{
  for (PetscInt m = 0; m < M; m += LANES) {
    const int width  = (int)PetscMin(LANES, M - m);
    Vector    sum[4] = {{0}};

    for (PetscInt i = 0; i < rows; i += 4) { /* rows: a multiple of TP_TILE */
#pragma GCC unroll 4
      for (int r = 0; r < 4; r++) sum[r] += Load(dy + (i + r) * M + m, width);
    }
    Store(db + m, width, Load(db + m, width) + ((sum[0] + sum[1]) + (sum[2] + sum[3])));
  }
}

void TpConvWeights_amx(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                       TpNumber db[])
{
  if (!Suits(conv)) {
    TpConvWeights_avx512(conv, tiles, x, dy, dw, db);
    return;
  }
  const Taps     taps  = TapsOf(conv);
  const PetscInt reach = taps.most - taps.least, coarse = conv->transposed ? conv->L_in : conv->L_out;
  const PetscInt count = PetscMin(coarse, POSITIONS - reach), slot = count + reach;
  const PetscInt group = count < coarse ? 1 : POSITIONS / slot;

  if (db) AddBias(tiles * conv->L_out * TP_TILE, conv->M, dy, db);
  TilesBegin();
  for (PetscInt i = 0; i < tiles; i += group) {
    for (PetscInt first = 0; first < coarse; first += count) {
      const PetscInt some   = PetscMin(group, tiles - i);
      const Window   window = {some, first, PetscMin(count, coarse - first), slot, Whole(some * slot, DEPTH / TP_TILE)};

      WeightsWindow(conv, &taps, &window, x + i * conv->L_in * TP_TILE * conv->N,
                    dy + i * conv->L_out * TP_TILE * conv->M, dw);
    }
  }
  TilesEnd();
}

/* ------------------------------------------------------------------------------------------------------------ packing */

/* Panels [tap][rows / DEPTH][two right tiles], zeros beyond the edges. */
void TpPack_amx(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  const PetscInt N = conv->N, M = conv->M;
  Rounded       *to = (Rounded *)packed;

  if (!Suits(conv)) {
    TpPack_avx512(conv, w, packed);
    return;
  }
  for (PetscInt m = 0; m < M; m += BLOCK) {
    for (PetscInt k = 0; k < conv->taps; k++) {
      for (PetscInt n = 0; n < N; n += DEPTH) {
        for (PetscInt half = m; half < m + BLOCK; half += HALF, to += RIGHT)
          RoundRows(N - n, (int)PetscMax(0, PetscMin(HALF, M - half)), w + (k * N + n) * M + half, M, to);
      }
    }
  }
}

/* The same of the transposed taps: pairs of rows lie side by side in w. */
void TpPackReverse_amx(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  const PetscInt N = conv->N, M = conv->M;
  Rounded       *to = (Rounded *)packed;

  if (!Suits(conv)) {
    TpPackReverse_avx512(conv, w, packed);
    return;
  }
  for (PetscInt n = 0; n < N; n += BLOCK) {
    for (PetscInt k = 0; k < conv->taps; k++) {
      for (PetscInt m = 0; m < M; m += DEPTH) {
        for (PetscInt half = n; half < n + BLOCK; half += HALF, to += RIGHT)
          RoundLines(N - half, M - m, w + (k * N + half) * M + m, M, to);
      }
    }
  }
}
