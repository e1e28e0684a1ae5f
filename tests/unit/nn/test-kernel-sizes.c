/*
  The kernels of every instruction set this processor has, at every size around the edges of their vectors and tiles, against plain loops in double precision and
  against BLAS; which of them is chosen; and that they are what they are called: faster than the portable ones.
*/
#include "../../../src/nn/unet-impl.h"
#include "test.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LARGEST 24000 /* numbers of an array */

typedef struct {
  TpNumber x[LARGEST], w[LARGEST], b[LARGEST], start[LARGEST], y[LARGEST], blas[LARGEST], work[LARGEST];
} Arrays;

/* ------------------------------------------------------------------------------------------------------------ which one */

/* Whether the operating system's list of the processor's abilities has a word: not what the compiler's library says, which chooses. */
static PetscBool ProcessorHas(const char *word)
{
  FILE     *file = fopen("/proc/cpuinfo", "r");
  char      line[8192];
  PetscBool has = PETSC_FALSE;

  while (file && !has && fgets(line, sizeof line, file)) {
    if (strncmp(line, "flags", 5) != 0 && strncmp(line, "Features", 8) != 0) continue;
    for (char *next, *token = strtok_r(line, " \t\n", &next); token; token = strtok_r(NULL, " \t\n", &next))
      if (!strcmp(token, word)) has = PETSC_TRUE;
  }
  if (file) fclose(file);
  return has;
}

static PetscBool IsBuilt(const char *name)
{
  for (PetscInt i = 0; tp_kernels[i]; i++)
    if (!strcmp(tp_kernels[i]->name, name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* The best that this processor has, by name; on Linux, where it can be asked. */
static void TestChoice(void)
{
  const char *expected = "baseline";

#if defined(__x86_64__)
  TpTestExpect(IsBuilt("avx512") && IsBuilt("avx2"));
  if (ProcessorHas("avx512f"))
    expected = "avx512";
  else if (ProcessorHas("avx2") && ProcessorHas("fma"))
    expected = "avx2";
#elif defined(__aarch64__)
  TpTestExpect(IsBuilt("neon"));
  expected = "neon";
#endif
  if (ProcessorHas("fpu") || ProcessorHas("fp")) TpTestExpectText(TpKernelsName(), expected);
  TpTestExpect(IsBuilt("baseline"));
}

/* Every one that was built can be chosen by name where the processor has it; others, and other words, are refused. */
static void TestChoose(void)
{
  const char *best = TpKernelsName();

  for (PetscInt i = 0; tp_kernels[i]; i++) {
    if (!TpKernelsUsable(tp_kernels[i])) {
      TpTestExpectInputError(TpKernelsChoose(tp_kernels[i]->name), "this processor");
      continue;
    }
    TpTestCall(TpKernelsChoose(tp_kernels[i]->name));
    TpTestExpect(TpKernelsBest() == tp_kernels[i] && !strcmp(TpKernelsName(), tp_kernels[i]->name));
  }
  TpTestExpectInputError(TpKernelsChoose("fast"), "'fast'; allowed: ");
  TpTestCall(TpKernelsChoose(NULL));
  TpTestExpect(!strcmp(TpKernelsName(), best));
}

/* Processor time of a product of 256 x 256 matrices, the least of a few. */
static double ProductTime(const TpKernels *kernels, TpNumber numbers[])
{
  const PetscInt n     = 256;
  double         least = INFINITY;

  for (int repeat = 0; repeat < 7; repeat++) {
    const clock_t start = clock();

    kernels->product(n, n, n, (TpMatrix){numbers, n, 1}, (TpMatrix){numbers + n * n, n, 1}, numbers + 2 * n * n);
    least = fmin(least, (double)(clock() - start) / CLOCKS_PER_SEC);
  }
  return least;
}

/* Kernels compiled without their instructions are slower than the portable ones, not faster: their wide vectors go through memory. AVX2 has twice the width and
   fused operations: four times as fast; a factor of two is asked for. */
static void TestSpeed(void)
{
#if defined(__x86_64__)
  const TpKernels *baseline = NULL;
  TpNumber        *numbers;
  double           slow;

  TpTestCall(PetscCalloc1(3 * 256 * 256, &numbers));
  for (PetscInt i = 0; tp_kernels[i]; i++) baseline = tp_kernels[i];
  slow = ProductTime(baseline, numbers);
  for (PetscInt i = 0; tp_kernels[i] && tp_kernels[i] != baseline; i++) {
    if (!TpKernelsUsable(tp_kernels[i])) continue;
    const double fast = ProductTime(tp_kernels[i], numbers);

    TpTestExpectThat(slow >= 2 * fast, "%s takes %g s, baseline %g s", tp_kernels[i]->name, fast, slow);
  }
  TpTestCall(PetscFree(numbers));
#endif
}

/* ------------------------------------------------------------------------------------------------------------- products */

/* Numbers that differ from the exact sum by more than float sums of `terms` products of this size may. */
static PetscInt Wrong(PetscInt count, PetscInt terms, const TpNumber y[], const double sum[], const double size[])
{
  PetscInt wrong = 0;

  for (PetscInt i = 0; i < count; i++)
    if (!(fabs((double)y[i] - sum[i]) <= (double)(terms + 2) * (double)FLT_EPSILON * size[i])) wrong++;
  return wrong;
}

static void TestProduct(const TpKernels *kernels, Arrays *arrays, PetscInt rows, PetscInt columns, PetscInt inner)
{
  static double  sum[LARGEST], size[LARGEST];
  const TpMatrix left = {arrays->x, inner, 1}, right = {arrays->w, columns, 1};

  for (PetscInt i = 0; i < rows * columns; i++) size[i] = fabs(sum[i] = (double)arrays->start[i]);
  for (PetscInt i = 0; i < rows; i++) {
    for (PetscInt k = 0; k < inner; k++) {
      for (PetscInt j = 0; j < columns; j++) {
        const double term = (double)arrays->x[i * inner + k] * (double)arrays->w[k * columns + j];

        sum[i * columns + j] += term;
        size[i * columns + j] += fabs(term);
      }
    }
  }
  memcpy(arrays->y, arrays->start, sizeof arrays->y);
  kernels->product(rows, columns, inner, left, right, arrays->y);
  TpTestExpectThat(!Wrong(rows * columns, inner, arrays->y, sum, size) &&
                       !memcmp(arrays->y + rows * columns, arrays->start + rows * columns, 256),
                   "%s: product %d x %d x %d", kernels->name, (int)rows, (int)columns, (int)inner);
  memcpy(arrays->blas, arrays->start, sizeof arrays->blas);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, inner, 1, arrays->x, inner, arrays->w, columns,
              1, arrays->blas, columns);
  for (PetscInt i = 0; i < rows * columns; i++) sum[i] = (double)arrays->blas[i];
  TpTestExpectThat(!Wrong(rows * columns, 2 * inner, arrays->y, sum, size), "%s: product %d x %d x %d is not BLAS's",
                   kernels->name, (int)rows, (int)columns, (int)inner);
}

/* All rows and columns up to a tile and a half of the widest vectors. */
static void TestProducts(const TpKernels *kernels, Arrays *arrays)
{
  static const PetscInt inner[] = {1, 2, 7, 31};

  for (PetscInt rows = 1; rows <= 19; rows++)
    for (PetscInt columns = 1; columns <= 67; columns++)
      TestProduct(kernels, arrays, rows, columns, inner[(rows + columns) % 4]);
}

/* --------------------------------------------------------------------------------------------------------- convolutions */

/* As a product: the windows of all rows [tiles, L_out, TP_TILE][taps, N], zeros beyond the ends. */
static void Windows(const TpConv *conv, PetscInt tiles, const TpNumber x[], TpNumber windows[])
{
  for (PetscInt i = 0; i < tiles; i++)
    for (PetscInt l = 0; l < conv->L_out; l++)
      for (PetscInt s = 0; s < TP_TILE; s++)
        for (PetscInt k = 0; k < conv->taps; k++, windows += conv->N) {
          const PetscInt from = conv->stride * l + k - conv->pad;

          if (from < 0 || from >= conv->L_in)
            memset(windows, 0, (size_t)conv->N * sizeof *windows);
          else
            memcpy(windows, x + ((i * conv->L_in + from) * TP_TILE + s) * conv->N, (size_t)conv->N * sizeof *windows);
        }
}

/* Relative to the largest number, sums of a few dozen products of normal numbers: 2e-5 is what test-unet-layers.c allows, too. */
static void ExpectBlas(const Arrays *arrays, PetscInt count, const char *name, const char *what, const TpConv *conv)
{
  double error = 0, largest = 1;

  for (PetscInt i = 0; i < count; i++) {
    const double difference = fabs((double)arrays->y[i] - (double)arrays->blas[i]);

    error   = isfinite(difference) ? fmax(error, difference) : INFINITY;
    largest = fmax(largest, fabs((double)arrays->blas[i]));
  }
  TpTestExpectThat(error <= 2e-5 * largest,
                   "%s: %s of a conv of %d taps, stride %d, %d to %d channels, %d positions: off by %g", name, what,
                   (int)conv->taps, (int)conv->stride, (int)conv->N, (int)conv->M, (int)conv->L_in, error);
}

/* Forward and gradient of the weights by BLAS; that of the input is the forward pass of the reverse, which test-unet-layers.c compares with differences. */
static void TestConv(const TpKernels *kernels, Arrays *arrays, TpConv conv, PetscInt tiles)
{
  const PetscInt rows = tiles * conv.L_out * TP_TILE, inner = conv.taps * conv.N, M = conv.M;
  TpNumber      *packed = (TpNumber *)(((uintptr_t)arrays->work + 63) / 64 * 64);
  const TpNumber guard  = 7;

  TpTestExpect(rows * PetscMax(inner, M) < LARGEST && inner * M < LARGEST && TpPackedSize(&conv) + 16 <= LARGEST);
  for (PetscInt i = 0; i <= rows * M; i++) arrays->y[i] = i < rows * M ? (TpNumber)NAN : guard;
  kernels->pack(&conv, arrays->w, packed);
  kernels->conv(&conv, tiles, arrays->x, packed, arrays->b, PETSC_FALSE, arrays->y);
  TpTestExpect(arrays->y[rows * M] == guard);
  Windows(&conv, tiles, arrays->x, arrays->work);
  for (PetscInt i = 0; i < rows; i++) memcpy(arrays->blas + i * M, arrays->b, (size_t)M * sizeof(TpNumber));
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, M, inner, 1, arrays->work, inner, arrays->w, M, 1,
              arrays->blas, M);
  ExpectBlas(arrays, rows * M, kernels->name, "answer", &conv);
  memset(arrays->y, 0, sizeof arrays->y);
  arrays->y[inner * M] = guard;
  kernels->conv_weights(&conv, tiles, arrays->x, arrays->start, arrays->y, NULL);
  TpTestExpect(arrays->y[inner * M] == guard);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, inner, M, rows, 1, arrays->work, inner, arrays->start, M, 0,
              arrays->blas, M);
  ExpectBlas(arrays, inner * M, kernels->name, "gradient of weights", &conv);
}

/* Every width to and from a fixed one, at every length and number of tiles up to a few. */
static void TestConvs(const TpKernels *kernels, Arrays *arrays)
{
  for (PetscInt width = 1; width <= 67; width++) {
    const PetscInt L = 1 + width % 5, tiles = 1 + width % 3;

    TestConv(kernels, arrays, TpConvPlain(3, 1, 9, width, L), tiles);
    TestConv(kernels, arrays, TpConvPlain(1, 1, 9, width, L), tiles);
    TestConv(kernels, arrays, TpConvPlain(3, 2, 9, width, L), tiles);
    if (width <= 35) TestConv(kernels, arrays, TpConvPlain(3, 1, width, 11, L), tiles);
  }
  for (PetscInt L = 1; L <= 40; L++) TestConv(kernels, arrays, TpConvPlain(3, 1, 5, 7, L), 1);
  for (PetscInt tiles = 1; tiles <= 20; tiles++) TestConv(kernels, arrays, TpConvPlain(3, 1, 5, 7, 3), tiles);
}

/* ------------------------------------------------------------------------------------------------ functions of a number */

/* Any number of numbers, at any place: each as if it were alone, and none beyond the end. */
static void TestLengths(const TpKernels *kernels, Arrays *arrays, const char *name,
                        void (*function)(PetscInt n, const TpNumber x[], TpNumber y[]), double (*exact)(double))
{
  for (PetscInt n = 1; n <= 67; n++) {
    PetscInt       wrong = 0;
    const TpNumber guard = 7;

    arrays->y[n] = guard;
    function(n, arrays->x + n, arrays->y);
    for (PetscInt i = 0; i < n; i++) {
      const double x = (double)arrays->x[n + i];

      wrong += !(fabs((double)arrays->y[i] - exact(x)) <= 1e-6 * fabs(x));
    }
    TpTestExpectThat(wrong == 0 && arrays->y[n] == guard, "%s: %s of %d numbers: %d wrong", kernels->name, name, (int)n,
                     (int)wrong);
  }
}

static double Silu(double x)
{
  return x / (1 + exp(-x));
}

static double Mish(double x)
{
  return x * tanh(log1p(exp(x)));
}

int main(int argc, char **argv)
{
  Arrays *arrays;

  TpTestBegin(&argc, &argv);
  TpTestCall(PetscNew(&arrays));
  TpRandomNormalFloat(13, TP_RANDOM_TEST, 1, 0, LARGEST, arrays->x);
  TpRandomNormalFloat(13, TP_RANDOM_TEST, 2, 0, LARGEST, arrays->w);
  TpRandomNormalFloat(13, TP_RANDOM_TEST, 3, 0, LARGEST, arrays->b);
  TpRandomNormalFloat(13, TP_RANDOM_TEST, 4, 0, LARGEST, arrays->start);
  TestChoice();
  TestChoose();
  if (!TP_IS_SANITIZED) TestSpeed();
  for (PetscInt i = 0; tp_kernels[i]; i++) {
    if (!TpKernelsUsable(tp_kernels[i])) continue;
    TestProducts(tp_kernels[i], arrays);
    TestConvs(tp_kernels[i], arrays);
    TestLengths(tp_kernels[i], arrays, "silu", tp_kernels[i]->silu_forward, Silu);
    TestLengths(tp_kernels[i], arrays, "mish", tp_kernels[i]->mish_forward, Mish);
  }
  TpTestCall(PetscFree(arrays));
  return TpTestEnd();
}
