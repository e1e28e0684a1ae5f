/*
  The layers of the U-Net by the kernels of every instruction set this processor has: forward against the formulas written out in double precision,
  backward against central differences of those formulas. Built for float and for double.
*/
#include "../../../src/nn/unet-impl.h"
#include "bf16.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define LARGEST 70000 /* numbers of an array */
#define TILES   2
#define STEP    2e-5
#define CHECKED 29 /* entries of an array whose derivative is compared */

#ifdef TP_NN_DOUBLE
  #define TOLERANCE 3e-7 /* of the differences: STEP^2 times third derivatives */
#else
  #define TOLERANCE                                                                                                    \
    2e-5 /* relative to the largest entry: sums of up to some 400 numbers of size 1, and the exponential */
#endif

/* What a layer reads; `r` weighs the answer y, and the weighted sum is differentiated. */
enum { X, W, B, SHIFT, NUM_ARRAYS };

typedef struct Case_ {
  PetscInt size[NUM_ARRAYS], size_y;
  double   in[NUM_ARRAYS][LARGEST], r[LARGEST], y[LARGEST], expected[NUM_ARRAYS][CHECKED];
  TpNumber number[NUM_ARRAYS][LARGEST], gradient[NUM_ARRAYS][LARGEST], r_number[LARGEST], y_number[LARGEST],
      work[2][LARGEST];
  PetscInt L, C;
  TpConv   conv;
  void (*formula)(struct Case_ *test); /* fills y */
} Case;

static void Fill(Case *test, PetscInt array, PetscInt size, double scale, double start)
{
  TpTestExpect(size <= LARGEST);
  test->size[array] = size;
  TpRandomNormal(7, TP_RANDOM_TEST, (uint32_t)array, 0, size, test->in[array]);
  for (PetscInt i = 0; i < size; i++) {
    test->number[array][i] = (TpNumber)(start + scale * test->in[array][i]);
    test->in[array][i]     = (double)test->number[array][i];
  }
}

static double Sum(Case *test)
{
  double sum = 0;

  test->formula(test);
  for (PetscInt i = 0; i < test->size_y; i++) sum += test->r[i] * test->y[i];
  return sum;
}

static PetscInt Entry(const Case *test, PetscInt array, PetscInt i)
{
  return test->size[array] <= CHECKED ? i : (PetscInt)((double)i / CHECKED * (double)test->size[array]);
}

/* The answer, and the derivatives of its weighted sum by the formula. */
static void Derive(Case *test)
{
  for (PetscInt array = 0; array < NUM_ARRAYS; array++) {
    for (PetscInt i = 0; i < PetscMin(CHECKED, test->size[array]); i++) {
      double *number = &test->in[array][Entry(test, array, i)], kept = *number, up;

      *number                  = kept + STEP;
      up                       = Sum(test);
      *number                  = kept - STEP;
      test->expected[array][i] = (up - Sum(test)) / (2 * STEP);
      *number                  = kept;
    }
  }
  test->formula(test);
}

/* The weights of the answer, and what Derive() fills. */
static void Prepare(Case *test, PetscInt size_y)
{
  TpTestExpect(size_y <= LARGEST);
  test->size_y = size_y;
  TpRandomNormal(7, TP_RANDOM_TEST, 9, 0, size_y, test->r);
  for (PetscInt i = 0; i < size_y; i++) {
    test->r_number[i] = (TpNumber)test->r[i];
    test->r[i]        = (double)test->r_number[i];
  }
  Derive(test);
}

static void ExpectAnswer(const Case *test, const char *what)
{
  double largest = 0, error = 0;

  for (PetscInt i = 0; i < test->size_y; i++) {
    largest = PetscMax(largest, fabs(test->y[i]));
    error = fmax(error, isfinite((double)test->y_number[i]) ? fabs((double)test->y_number[i] - test->y[i]) : INFINITY);
  }
  TpTestExpectThat(error <= TOLERANCE * largest, "%s: the answer errs by %g of %g", what, error, largest);
}

static void ExpectGradient(const Case *test, const char *what, PetscInt array, double start)
{
  double largest = 0, error = 0;

  for (PetscInt i = 0; i < PetscMin(CHECKED, test->size[array]); i++) {
    const double gradient = (double)test->gradient[array][Entry(test, array, i)] - start;

    largest = PetscMax(largest, fabs(test->expected[array][i]));
    error   = fmax(error, isfinite(gradient) ? fabs(gradient - test->expected[array][i]) : INFINITY);
  }
  TpTestExpectThat(error <= TOLERANCE * PetscMax(1, largest), "%s: gradient %d errs by %g of %g", what, (int)array,
                   error, largest);
}

static void Spoil(PetscInt n, TpNumber value, TpNumber numbers[])
{
  for (PetscInt i = 0; i < n; i++) numbers[i] = value;
}

/* -------------------------------------------------------------------------------------------------------- convolution */

/* Scattered from each tap, where the definition has it. */
static void ConvFormula(Case *test)
{
  const TpConv  *conv = &test->conv;
  const PetscInt N = conv->N, M = conv->M;

  for (PetscInt i = 0; i < test->size_y; i++) test->y[i] = test->size[B] ? test->in[B][i % M] : 0;
  for (PetscInt i = 0; i < TILES; i++) {
    for (PetscInt l = 0; l < (conv->transposed ? conv->L_in : conv->L_out); l++) {
      for (PetscInt k = 0; k < conv->taps; k++) {
        const PetscInt fine = conv->stride * l + k - conv->pad;
        const PetscInt from = conv->transposed ? l : fine, to = conv->transposed ? fine : l;

        if (from < 0 || from >= conv->L_in || to < 0 || to >= conv->L_out) continue;
        for (PetscInt s = 0; s < TP_TILE; s++) {
          const double *x = test->in[X] + ((i * conv->L_in + from) * TP_TILE + s) * N;
          double       *y = test->y + ((i * conv->L_out + to) * TP_TILE + s) * M;

          for (PetscInt n = 0; n < N; n++) {
            for (PetscInt m = 0; m < M; m++) y[m] += x[n] * test->in[W][(k * N + n) * M + m];
          }
        }
      }
    }
  }
}

/* On a cache line, with room for the largest convolution. */
static TpNumber *TestPacked(Case *test)
{
  TpTestExpect(TpPackedSize(&test->conv) + 16 <= LARGEST);
  return (TpNumber *)(((uintptr_t)test->work[0] + 63) / 64 * 64);
}

static void CheckConv(Case *test, const TpKernels *kernels)
{
  const TpConv  *conv = &test->conv, reverse = TpConvReverse(conv);
  TpNumber      *packed = TestPacked(test);
  const TpNumber add    = 2;
  char           what[96];

  (void)snprintf(what, sizeof what, "%s: %sconv %d/%d, %d to %d channels, %d to %d", kernels->name,
                 conv->transposed ? "up" : "", (int)conv->taps, (int)conv->stride, (int)conv->N, (int)conv->M,
                 (int)conv->L_in, (int)conv->L_out);
  Spoil(test->size_y + 1, (TpNumber)NAN, test->y_number);
  kernels->pack(conv, test->number[W], packed);
  kernels->conv(conv, TILES, test->number[X], packed, test->size[B] ? test->number[B] : NULL, NULL, test->y_number);
  ExpectAnswer(test, what);
  TpTestExpect(isnan((double)test->y_number[test->size_y]));
  kernels->conv(conv, TILES, test->number[X], packed, test->size[B] ? test->number[B] : NULL, test->r_number,
                test->y_number);
  for (PetscInt i = 0; i < test->size_y; i++) test->y_number[i] -= test->r_number[i];
  ExpectAnswer(test, what);
  kernels->pack_reverse(conv, test->number[W], packed);
  Spoil(test->size[X], add, test->gradient[X]);
  kernels->conv(&reverse, TILES, test->r_number, packed, NULL, test->gradient[X], test->gradient[X]);
  ExpectGradient(test, what, X, (double)add);
  Spoil(test->size[X] + 1, (TpNumber)NAN, test->gradient[X]);
  kernels->conv(&reverse, TILES, test->r_number, packed, NULL, NULL, test->gradient[X]);
  ExpectGradient(test, what, X, 0);
  TpTestExpect(isnan((double)test->gradient[X][test->size[X]]));
  Spoil(test->size[W] + 1, add, test->gradient[W]);
  Spoil(test->size[B] + 1, add, test->gradient[B]);
  kernels->conv_weights(conv, TILES, test->number[X], test->r_number, test->gradient[W],
                        test->size[B] ? test->gradient[B] : NULL);
  ExpectGradient(test, what, W, (double)add);
  ExpectGradient(test, what, B, (double)add);
  TpTestExpect(test->gradient[W][test->size[W]] == add && test->gradient[B][test->size[B]] == add);
}

static void RoundAll(PetscInt n, double numbers[], TpNumber also[])
{
  for (PetscInt i = 0; i < n; i++) also[i] = (TpNumber)(numbers[i] = RoundToBf16(numbers[i]));
}

/* What is multiplied is rounded, and nothing else: rounding it before changes no bit. And the products of such numbers are exact: their sums err as those of
   single precision do. Few channels are not rounded at all. */
static void CheckRounded(Case *test, const TpKernels *kernels)
{
  const TpConv  *conv  = &test->conv;
  const size_t   bytes = sizeof(TpNumber) * (size_t)(conv->taps * conv->N * conv->M);
  const PetscInt size  = test->size_y;
  PetscBool      same;
  TpNumber      *packed = TestPacked(test);

  kernels->pack(conv, test->number[W], packed);
  kernels->conv(conv, TILES, test->number[X], packed, NULL, NULL, test->y_number);
  memset(test->gradient[W], 0, bytes);
  kernels->conv_weights(conv, TILES, test->number[X], test->r_number, test->gradient[W], NULL);
  RoundAll(test->size[X], test->in[X], test->number[X]);
  RoundAll(test->size[W], test->in[W], test->number[W]);
  RoundAll(size, test->r, test->r_number);
  kernels->pack(conv, test->number[W], packed);
  kernels->conv(conv, TILES, test->number[X], packed, NULL, NULL, test->gradient[X]);
  memset(test->work[1], 0, bytes);
  kernels->conv_weights(conv, TILES, test->number[X], test->r_number, test->work[1], NULL);
  same = (PetscBool)(!memcmp(test->gradient[X], test->y_number, sizeof(TpNumber) * (size_t)size) &&
                     !memcmp(test->work[1], test->gradient[W], bytes));
  TpTestExpectThat(same == (conv->N >= 16 && conv->M >= 16), "%s: %d to %d channels: %srounded", kernels->name,
                   (int)conv->N, (int)conv->M, same ? "" : "not ");
  Derive(test);
  CheckConv(test, kernels);
}

static void TestConv(Case *test, TpConv conv, PetscBool bias)
{
  memset(test->size, 0, sizeof test->size);
  test->conv    = conv;
  test->formula = ConvFormula;
  Fill(test, X, TILES * conv.L_in * TP_TILE * conv.N, 1, 0);
  Fill(test, W, conv.taps * conv.N * conv.M, 0.3, 0);
  if (bias) Fill(test, B, conv.M, 1, 0);
  Prepare(test, TILES * conv.L_out * TP_TILE * conv.M);
  for (PetscInt i = 0; tp_kernels[i]; i++) {
    if (TpKernelsUsable(tp_kernels[i])) CheckConv(test, tp_kernels[i]);
  }
  if (TpKernelsRounded()) CheckRounded(test, TpKernelsRounded());
}

/* Every kind, on lengths around the edges, at widths with and without a remainder at the vectors of any instruction set. */
static void TestConvs(Case *test)
{
  static const PetscInt widths[][2] = {{1, 8}, {8, 1}, {24, 40}, {32, 32}, {16, 72}};

  TestConv(test, TpConvPlain(3, 1, 8, 16, 35), PETSC_TRUE); /* longer than what the kernels copy at a time */
  TestConv(test, TpConvPlain(3, 2, 8, 16, 70), PETSC_TRUE);
  TestConv(test, TpConvUp(8, 8, 20, 39), PETSC_TRUE);
  TestConv(test, TpConvPlain(3, 1, 16, 24, 53), PETSC_TRUE);
  TestConv(test, TpConvPlain(3, 2, 16, 16, 103), PETSC_TRUE);
  TestConv(test, TpConvUp(16, 16, 51, 102), PETSC_TRUE);
  TestConv(test, TpConvPlain(3, 1, 264, 40, 7), PETSC_TRUE); /* more channels than they do */
  TestConv(test, TpConvPlain(1, 1, 136, 264, 3), PETSC_TRUE);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(widths); i++) {
    const PetscInt N = widths[i][0], M = widths[i][1];

    for (PetscInt L = 1; L <= 5; L++) {
      TestConv(test, TpConvPlain(1, 1, N, M, L), (PetscBool)(L % 2));
      TestConv(test, TpConvPlain(3, 1, N, M, L), PETSC_TRUE);
      TestConv(test, TpConvPlain(3, 2, N, M, L), PETSC_TRUE);
      TestConv(test, TpConvUp(N, M, L, 2 * L), PETSC_TRUE);
      TestConv(test, TpConvUp(N, M, L, 2 * L - 1), PETSC_TRUE);
    }
  }
}

/* ---------------------------------------------------------------------------------------------------------------- mish */

static double Mish(double x)
{
  return x * tanh(log1p(exp(x)));
}

static void TestMish(const TpKernels *kernels)
{
  double error = 0, error_slope = 0;

  for (PetscInt i = -30000; i < 30000; i += 7) {
    TpNumber x[7], dy[7], y[7], dx[7];

    for (PetscInt j = 0; j < 7; j++) {
      x[j]  = (TpNumber)(1e-3 * (double)(i + j));
      dy[j] = 2;
    }
    kernels->mish_forward(7, x, y);
    kernels->mish_backward(7, x, dy, dx);
    for (PetscInt j = 0; j < 7; j++) {
      const double exact = (double)x[j], gate = tanh(log1p(exp(exact))), s = 1 / (1 + exp(-exact));

      error       = fmax(error, fabs((double)y[j] - exact * gate) / (fabs(exact * gate) + 1e-20));
      error_slope = fmax(error_slope, fabs((double)dx[j] / 2 - (gate + exact * s * (1 - gate * gate))));
    }
  }
#ifdef TP_NN_DOUBLE
  TpTestExpectThat(error < 2e-15 && error_slope < 1e-14, "%s: mish errs by %g, its slope by %g", kernels->name, error,
                   error_slope);
#else
  TpTestExpectThat(error < 6e-7 && error_slope < 1e-6, "%s: mish errs by %g, its slope by %g", kernels->name, error,
                   error_slope);
#endif
}

/* Infinite and undefined numbers are not hidden; an output array may be the input's. */
static void TestMishEdges(const TpKernels *kernels)
{
  TpNumber x[5] = {(TpNumber)NAN, (TpNumber)INFINITY, -200, 200, 0}, y[5], dx[5];

  kernels->mish_forward(5, x, y);
  TpTestExpect(isnan((double)y[0]) && isinf((double)y[1]) && fabs((double)y[2]) < 1e-20 && y[3] == 200 && y[4] == 0);
  kernels->mish_backward(5, x, y, dx);
  TpTestExpect(isnan((double)dx[0]) && fabs((double)dx[3] - 200) < 1e-12);
  kernels->mish_forward(5, x, x);
  TpTestExpect(!memcmp(x + 1, y + 1, 4 * sizeof *x));
}

/* ------------------------------------------------------------------------------------------------- group normalisation */

/* y = mish(norm(x)) + shift; W is the gain and B the offset. */
static void NormFormula(Case *test)
{
  const PetscInt L = test->L, C = test->C, size = C / TP_GROUPS;

  for (PetscInt s = 0; s < TP_TILE; s++) {
    for (PetscInt g = 0; g < TP_GROUPS; g++) {
      double mean = 0, variance = 0;

      for (PetscInt i = 0; i < L * size; i++)
        mean += test->in[X][(i / size * TP_TILE + s) * C + g * size + i % size] / (double)(L * size);
      for (PetscInt i = 0; i < L * size; i++)
        variance += pow(test->in[X][(i / size * TP_TILE + s) * C + g * size + i % size] - mean, 2) / (double)(L * size);
      for (PetscInt i = 0; i < L * size; i++) {
        const PetscInt c = g * size + i % size, at = (i / size * TP_TILE + s) * C + c;

        test->y[at] = Mish((test->in[X][at] - mean) / sqrt(variance + 1e-5) * test->in[W][c] + test->in[B][c]) +
                      (test->size[SHIFT] ? test->in[SHIFT][s * C + c] : 0);
      }
    }
  }
}

static void CheckNorm(Case *test, const TpKernels *kernels)
{
  const PetscInt L = test->L, C = test->C;
  const TpNorm   norm = {test->number[X], test->number[W], test->number[B], test->work[0], test->work[0] + TP_TILE * C};
  const TpNumber *shift = test->size[SHIFT] ? test->number[SHIFT] : NULL;
  char            what[64];

  (void)snprintf(what, sizeof what, "%s: norm of %d positions, %d channels", kernels->name, (int)L, (int)C);
  Spoil(test->size_y, (TpNumber)NAN, test->y_number);
  kernels->norm_forward(L, C, &norm, shift, NULL, test->y_number);
  ExpectAnswer(test, what);
  if (!shift) {
    Spoil(test->size_y, 0.5, test->y_number);
    kernels->norm_forward(L, C, &norm, NULL, test->y_number, test->y_number);
    for (PetscInt i = 0; i < test->size_y; i++) test->y_number[i] -= (TpNumber)0.5;
    ExpectAnswer(test, what);
  }
  Spoil(C, 3, test->gradient[W]);
  Spoil(C, 3, test->gradient[B]);
  kernels->norm_backward(L, C, &norm, test->r_number, test->gradient[X], test->gradient[W], test->gradient[B],
                         test->work[1], NULL, NULL);
  ExpectGradient(test, what, X, 0);
  ExpectGradient(test, what, W, 3);
  ExpectGradient(test, what, B, 3);
  Spoil(test->size_y, (TpNumber)NAN, test->y_number);
  kernels->norm_backward(L, C, &norm, test->r_number, test->gradient[X], test->gradient[W], test->gradient[B],
                         test->work[1], shift, test->y_number);
  ExpectGradient(test, what, X, 0);
  ExpectAnswer(test, what);
}

static void TestNorms(Case *test)
{
  static const PetscInt lengths[] = {1, 2, 5, 19}, channels[] = {8, 24, 32, 40, 64, 128};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(lengths); i++) {
    for (size_t j = 0; j < PETSC_STATIC_ARRAY_LENGTH(channels); j++) {
      if (lengths[i] == 1 && channels[j] == 8) continue; /* groups of one number: zero, by the formula 0 / sqrt(1e-5) */
      memset(test->size, 0, sizeof test->size);
      test->formula = NormFormula;
      test->L       = lengths[i];
      test->C       = channels[j];
      Fill(test, X, test->L * TP_TILE * test->C, 2, 1);
      Fill(test, W, test->C, 0.3, 1);
      Fill(test, B, test->C, 0.5, 0);
      if (i % 2) Fill(test, SHIFT, TP_TILE * test->C, 1, 0);
      Prepare(test, test->L * TP_TILE * test->C);
      for (PetscInt k = 0; tp_kernels[k]; k++) {
        if (TpKernelsUsable(tp_kernels[k])) CheckNorm(test, tp_kernels[k]);
      }
    }
  }
}

/* ----------------------------------------------------------------------------------------------------------- attention */

/* o_l = sum over m of (q_l . softmax(k)_m) v_m: the other way round than the kernels. */
static void AttentionFormula(Case *test)
{
  const PetscInt L = test->L, step = TP_TILE * 3 * TP_HEADS_SIZE;

  for (PetscInt s = 0; s < TP_TILE; s++) {
    for (PetscInt h = 0; h < TP_HEADS; h++) {
      const double *q = test->in[X] + s * 3 * TP_HEADS_SIZE + h * TP_HEAD_SIZE, *k = q + TP_HEADS_SIZE,
                   *v            = k + TP_HEADS_SIZE;
      double total[TP_HEAD_SIZE] = {0};

      for (PetscInt m = 0; m < L; m++) {
        for (PetscInt d = 0; d < TP_HEAD_SIZE; d++) total[d] += exp(k[m * step + d]);
      }
      for (PetscInt l = 0; l < L; l++) {
        double *o = test->y + (l * TP_TILE + s) * TP_HEADS_SIZE + h * TP_HEAD_SIZE;

        for (PetscInt e = 0; e < TP_HEAD_SIZE; e++) o[e] = 0;
        for (PetscInt m = 0; m < L; m++) {
          double weight = 0;

          for (PetscInt d = 0; d < TP_HEAD_SIZE; d++) weight += q[l * step + d] * exp(k[m * step + d]) / total[d];
          for (PetscInt e = 0; e < TP_HEAD_SIZE; e++) o[e] += weight * v[m * step + e];
        }
      }
    }
  }
}

static void TestAttention(Case *test, const TpKernels *kernels)
{
  char what[64];

  (void)snprintf(what, sizeof what, "%s: attention over %d positions", kernels->name, (int)test->L);
  memcpy(test->work[0], test->number[X], sizeof(TpNumber) * (size_t)test->size[X]);
  kernels->attention_forward(test->L, test->work[0], test->y_number);
  ExpectAnswer(test, what);
  Spoil(test->size[X], (TpNumber)NAN, test->gradient[X]);
  kernels->attention_backward(test->L, test->work[0], test->r_number, test->gradient[X]);
  ExpectGradient(test, what, X, 0);
}

static void TestAttentions(Case *test)
{
  static const PetscInt lengths[] = {1, 2, 3, 5, 7, 12, 17, 21}; /* either way round, forward and backward */

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(lengths); i++) {
    memset(test->size, 0, sizeof test->size);
    test->formula = AttentionFormula;
    test->L       = lengths[i];
    Fill(test, X, test->L * TP_TILE * 3 * TP_HEADS_SIZE, 1, 0);
    Prepare(test, test->L * TP_TILE * TP_HEADS_SIZE);
    for (PetscInt k = 0; tp_kernels[k]; k++) {
      if (TpKernelsUsable(tp_kernels[k])) TestAttention(test, tp_kernels[k]);
    }
  }
}

int main(int argc, char **argv)
{
  Case *test;

  TpTestBegin(&argc, &argv);
  TpTestCall(PetscNew(&test));
  TestConvs(test);
  for (PetscInt i = 0; tp_kernels[i]; i++) {
    if (!TpKernelsUsable(tp_kernels[i])) continue;
    TestMish(tp_kernels[i]);
    TestMishEdges(tp_kernels[i]);
  }
  TestNorms(test);
  TestAttentions(test);
  TpTestCall(PetscFree(test));
  return TpTestEnd();
}
