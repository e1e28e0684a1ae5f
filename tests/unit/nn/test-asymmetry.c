/* The asymmetry of a Jacobian: exact over all sign vectors of a small space, on average over random ones, and its error. */
#include "tempera/nn.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define D 3

/* ||J - J^T||^2 = 2 (1.5^2 + 2^2 + 0.5^2) = 13, ||J||^2 = 20. */
static const double jacobian[D][D] = {{1.0, 2.0, -1.5}, {0.5, -1.0, 2.5}, {0.5, 2.0, 1.0}};
static const double exact[2]       = {13.0, 20.0};

static void Multiply(PetscInt count, const TpNumber u[], TpNumber product[])
{
  for (PetscInt i = 0; i < count * D; i++) {
    double sum = 0;

    for (PetscInt k = 0; k < D; k++) sum += (double)u[i / D * D + k] * jacobian[k][i % D];
    product[i] = (TpNumber)sum;
  }
}

/* All eight vectors of signs: the mean over all 64 ordered pairs is exact, and of these the eight of a vector with itself give nothing. */
static void TestExact(void)
{
  TpNumber u[8 * D], product[8 * D];
  double   squares[2];

  for (int i = 0; i < 8 * D; i++) u[i] = (i / D) >> (i % D) & 1 ? 1 : -1;
  Multiply(8, u, product);
  TpAsymmetryNorms(8, D, u, product, squares);
  TpTestExpectClose(squares[0], exact[0] * 64 / 56, 1e-5);
  TpTestExpectClose(squares[1], exact[1], 1e-5);
}

/* 20000 points of four vectors: 4 standard errors, one false alarm in 16000; the error itself is the spread of ten parts, to a factor of two. */
static void TestRandom(void)
{
  enum { POINTS = 20000, PARTS = 10, VECTORS = 4 };
  const double expected = sqrt(exact[0] / exact[1]);
  double      *squares, ratio, error, spread = 0, sum = 0;

  TpTestCall(PetscMalloc1(2 * POINTS, &squares));
  for (uint32_t i = 0; i < POINTS; i++) {
    TpNumber u[VECTORS * D], product[VECTORS * D];

    TpAsymmetryDraw(7, i, 1, VECTORS, D, u);
    for (int k = 0; k < VECTORS * D; k++) sum += (double)u[k];
    for (int k = 0; k < VECTORS * D; k++) TpTestExpect(u[k] == 1 || u[k] == -1);
    Multiply(VECTORS, u, product);
    TpAsymmetryNorms(VECTORS, D, u, product, squares + 2 * i);
  }
  TpTestExpect(fabs(sum) < 4 * sqrt(POINTS * VECTORS * D));
  TpAsymmetryRatio(POINTS, squares, &ratio, &error);
  TpTestExpect(error > 0 && error < 0.01);
  TpTestExpectClose(ratio, expected, 4 * error);
  for (int part = 0; part < PARTS; part++) {
    double value, unused;

    TpAsymmetryRatio(POINTS / PARTS, squares + 2 * part * (POINTS / PARTS), &value, &unused);
    spread += (value - ratio) * (value - ratio) / PARTS;
  }
  const double found = error / sqrt(spread / PARTS);

  TpTestExpectThat(found > 0.5 && found < 2, "the error is %g of the spread of ten parts", found);
  TpTestCall(PetscFree(squares));
}

/* Vectors are those of their configuration and time. */
static void TestDraws(void)
{
  TpNumber one[32], same[32], others[3][32];

  TpAsymmetryDraw(7, 3, 2, 4, 8, one);
  TpAsymmetryDraw(7, 3, 2, 4, 8, same);
  TpAsymmetryDraw(8, 3, 2, 4, 8, others[0]);
  TpAsymmetryDraw(7, 4, 2, 4, 8, others[1]);
  TpAsymmetryDraw(7, 3, 3, 4, 8, others[2]);
  TpTestExpect(!memcmp(one, same, sizeof(one)));
  for (int i = 0; i < 3; i++) TpTestExpect(memcmp(one, others[i], sizeof(one)) != 0);
}

/* Where there is nothing to be asymmetric, and where nothing is. */
static void TestEdges(void)
{
  const double symmetric[] = {0, 2, 0, 3}, nothing[] = {0, 0, 0, 0};
  double       ratio, error;

  TpAsymmetryRatio(2, symmetric, &ratio, &error);
  TpTestExpect(ratio == 0 && error == 0);
  TpAsymmetryRatio(2, nothing, &ratio, &error);
  TpTestExpect(isnan(ratio) && error == 0);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestExact();
  TestRandom();
  TestDraws();
  TestEdges();
  return TpTestEnd();
}
