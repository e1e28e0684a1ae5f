/* The kernels of every instruction set this processor has: products against plain sums in double precision, rows on their own, SiLU against libm. */
#include "../../../src/nn/kernel.h"
#include "bf16.h"
#include "test.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define LARGEST 300

typedef struct {
  TpNumber left[LARGEST * LARGEST], right[LARGEST * LARGEST], start[LARGEST * LARGEST], y[LARGEST * LARGEST],
      blas[LARGEST * LARGEST];
} Arrays;

/* A float sum of n products in any order errs by less than n epsilon times the sum of their sizes. */
static void ExpectProduct(const char *name, PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left,
                          TpMatrix right, const TpNumber start[], const TpNumber y[])
{
  PetscInt wrong = 0;

  for (PetscInt i = 0; i < rows; i++) {
    for (PetscInt j = 0; j < columns; j++) {
      double sum = (double)start[i * columns + j], size = fabs(sum);

      for (PetscInt k = 0; k < inner; k++) {
        const double term =
            (double)left.at[i * left.row + k * left.column] * (double)right.at[k * right.row + j * right.column];

        sum += term;
        size += fabs(term);
      }
      if (!(fabs((double)y[i * columns + j] - sum) <= (double)(inner + 2) * (double)FLT_EPSILON * size)) wrong++;
    }
  }
  TpTestExpectThat(wrong == 0, "%s: product %d x %d x %d, strides %d %d: %d numbers wrong", name, (int)rows,
                   (int)columns, (int)inner, (int)left.column, (int)right.column, (int)wrong);
}

/* The three shapes a linear layer needs: x w^T, dy w, dy^T x. */
static void TestProducts(const TpKernels *kernels, Arrays *arrays)
{
  static const PetscInt sizes[][3] = {{1, 1, 1},    {1, 40, 7},   {3, 1100, 80}, {7, 33, 300},   {8, 32, 256},
                                      {13, 1, 257}, {64, 38, 64}, {300, 65, 31}, {129, 300, 300}};

  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(sizes); s++) {
    const PetscInt rows = sizes[s][0], columns = sizes[s][1], inner = sizes[s][2];
    const TpMatrix left[2]  = {{arrays->left, inner, 1}, {arrays->left, 1, rows}};
    const TpMatrix right[2] = {{arrays->right, columns, 1}, {arrays->right, 1, inner}};

    for (int shape = 0; shape < 4; shape++) {
      memcpy(arrays->y, arrays->start, sizeof arrays->y);
      kernels->product(rows, columns, inner, left[shape % 2], right[shape / 2], arrays->y);
      ExpectProduct(kernels->name, rows, columns, inner, left[shape % 2], right[shape / 2], arrays->start, arrays->y);
      TpTestExpect(!memcmp(arrays->y + rows * columns, arrays->start + rows * columns,
                           sizeof(TpNumber) * (size_t)(LARGEST * LARGEST - rows * columns)));
    }
  }
}

/* BLAS, an independent program, on the largest shape. */
static void TestAgainstBlas(const TpKernels *kernels, Arrays *arrays)
{
  double largest = 0;

  memset(arrays->y, 0, sizeof arrays->y);
  kernels->product(LARGEST, LARGEST, LARGEST, (TpMatrix){arrays->left, LARGEST, 1},
                   (TpMatrix){arrays->right, 1, LARGEST}, arrays->y);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, LARGEST, LARGEST, LARGEST, 1, arrays->left, LARGEST,
              arrays->right, LARGEST, 0, arrays->blas, LARGEST);
  for (PetscInt i = 0; i < LARGEST * LARGEST; i++)
    largest = PetscMax(largest, fabs((double)(arrays->y[i] - arrays->blas[i])));
  TpTestExpectThat(largest < 1e-4, "%s: differs from BLAS by %g", kernels->name,
                   largest); /* sums of 300 normal products: size 17 */
}

/* A row alone, and at any place of a batch of any size: the same bits. */
static void TestRows(const TpKernels *kernels, Arrays *arrays)
{
  static const PetscInt columns_list[] = {1, 2, 38, 256};

  for (size_t s = 0; s < PETSC_STATIC_ARRAY_LENGTH(columns_list); s++) {
    const PetscInt columns = columns_list[s], inner = LARGEST;
    PetscInt       wrong = 0;

    memset(arrays->blas, 0, sizeof arrays->blas);
    kernels->product(LARGEST, columns, inner, (TpMatrix){arrays->left, inner, 1}, (TpMatrix){arrays->right, 1, inner},
                     arrays->blas);
    for (PetscInt rows = 1; rows < 40; rows++) {
      const PetscInt first = (rows * 7) % (LARGEST - rows);

      memset(arrays->y, 0, sizeof arrays->y);
      kernels->product(rows, columns, inner, (TpMatrix){arrays->left + first * inner, inner, 1},
                       (TpMatrix){arrays->right, 1, inner}, arrays->y);
      wrong += !!memcmp(arrays->y, arrays->blas + first * columns, sizeof(TpNumber) * (size_t)(rows * columns));
    }
    TpTestExpectThat(wrong == 0, "%s: %d batches of %d columns change a row's bits", kernels->name, (int)wrong,
                     (int)columns);
  }
}

/* Relative error of silu and of its slope over the whole range of floats that matter; zero and the far tails too. */
static void TestSilu(const TpKernels *kernels)
{
  double largest = 0, largest_slope = 0;

  for (PetscInt i = 0; i < 400000; i += 8) {
    TpNumber x[8], y[8], one[8], slope[8];

    for (PetscInt j = 0; j < 8; j++) {
      x[j]   = (TpNumber)(-50.0 + 100.0 * (double)(i + j) / 400000.0);
      one[j] = 1;
    }
    kernels->silu_forward(8, x, y);
    kernels->silu_backward(8, x, one, slope);
    for (PetscInt j = 0; j < 8; j++) {
      const double exact = (double)x[j], s = 1 / (1 + exp(-exact)), derivative = s + exact * s * (1 - s);

      largest       = PetscMax(largest, fabs((double)y[j] / (exact * s) - 1));
      largest_slope = PetscMax(largest_slope, fabs((double)slope[j] - derivative) / (s + fabs(exact * s * (1 - s))));
      if (exact == 0) TpTestExpect(y[j] == 0);
    }
  }
  TpTestExpectThat(largest < 4e-7, "%s: silu errs by %g", kernels->name, largest);
  TpTestExpectThat(largest_slope < 6e-7, "%s: silu' errs by %g", kernels->name, largest_slope);
}

/* Infinite and undefined numbers are not hidden; an output array may be the input's. */
static void TestSiluEdges(const TpKernels *kernels)
{
  TpNumber x[5] = {NAN, INFINITY, -100, 100, -1e-40f}, y[5], in_place[19], apart[19];

  kernels->silu_forward(5, x, y);
  TpTestExpect(isnan(y[0]) && isinf(y[1]) && fabsf(y[2]) < 1e-20f && y[3] == 100);
  TpRandomNormalFloat(5, TP_RANDOM_TEST, 0, 0, 19, in_place);
  kernels->silu_forward(19, in_place, apart);
  kernels->silu_forward(19, in_place, in_place);
  TpTestExpect(!memcmp(in_place, apart, sizeof apart));
}

static void RoundAll(PetscInt n, TpNumber numbers[])
{
  for (PetscInt i = 0; i < n; i++) numbers[i] = (TpNumber)RoundToBf16((double)numbers[i]);
}

int main(int argc, char **argv)
{
  Arrays *arrays;

  TpTestBegin(&argc, &argv);
  TpTestCall(PetscNew(&arrays));
  TpRandomNormalFloat(11, TP_RANDOM_TEST, 1, 0, LARGEST * LARGEST, arrays->left);
  TpRandomNormalFloat(11, TP_RANDOM_TEST, 2, 0, LARGEST * LARGEST, arrays->right);
  TpRandomNormalFloat(11, TP_RANDOM_TEST, 3, 0, LARGEST * LARGEST, arrays->start);
  for (PetscInt i = 0; tp_kernels[i]; i++) {
    if (!TpKernelsUsable(tp_kernels[i])) continue;
    TestProducts(tp_kernels[i], arrays);
    TestAgainstBlas(tp_kernels[i], arrays);
    TestRows(tp_kernels[i], arrays);
    TestSilu(tp_kernels[i]);
    TestSiluEdges(tp_kernels[i]);
  }
  if (TpKernelsRounded()) {
    RoundAll(LARGEST * LARGEST, arrays->left);
    RoundAll(LARGEST * LARGEST, arrays->right);
    TestProducts(TpKernelsRounded(), arrays);
    TestAgainstBlas(TpKernelsRounded(), arrays);
    TestRows(TpKernelsRounded(), arrays);
  }
  TpTestCall(PetscFree(arrays));
  return TpTestEnd();
}
