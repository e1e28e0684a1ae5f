/* Histograms: edges, values outside, strides, row-major pairs. */
#include "tempera/thermo.h"
#include "test.h"

#include <float.h>
#include <math.h>

static void ExpectCounts(PetscInt bins, const double counts[], const double expected[], int line)
{
  for (PetscInt i = 0; i < bins; ++i) {
    TpTestExpectThat(counts[i] == expected[i], "from line %d: bin %d holds %g, expected %g", line, (int)i, counts[i],
                     expected[i]);
  }
}

static void EdgesBelongToTheBinAbove(void)
{
  const float  x[]         = {0.0f, 0.25f, 0.5f, 0.75f, 0.2499999f};
  const double expected[4] = {2, 1, 1, 1};
  double       counts[4]   = {0};

  TpHistogram(5, x, 1, 0.0, 1.0, 4, counts);
  ExpectCounts(4, counts, expected, __LINE__);
}

static void OutsideIsCountedAtTheEnds(void)
{
  const float  x[]         = {1.0f, -1e-30f, 2.0f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN};
  const double expected[3] = {3, 0, 4};
  double       counts[3]   = {0};

  TpHistogram(8, x, 1, 0.0, 1.0, 3, counts);
  ExpectCounts(3, counts, expected, __LINE__);
}

static void CountsAreAddedAndStridesFollowed(void)
{
  const float  x[]         = {0.1f, 9.0f, 0.9f, 9.0f, 0.9f, 9.0f};
  const double expected[2] = {11, 22};
  double       counts[2]   = {10, 20};

  TpHistogram(3, x, 2, 0.0, 1.0, 2, counts);
  ExpectCounts(2, counts, expected, __LINE__);
}

/* pi in single precision lies above pi: the last bin must take it. */
static void SinglePrecisionPi(void)
{
  const float  x[]         = {(float)PETSC_PI, -(float)PETSC_PI};
  const double expected[3] = {1, 0, 1};
  double       counts[3]   = {0};

  TpHistogram(2, x, 1, -PETSC_PI, PETSC_PI, 3, counts);
  ExpectCounts(3, counts, expected, __LINE__);
}

static void PairsAreRowMajor(void)
{
  const float  pairs[]     = {0.1f, 10.0f, 0.1f, 39.0f, 0.9f, 10.0f, 5.0f, -5.0f, NAN, 10.0f, 0.1f, NAN};
  const double low[2]      = {0.0, 0.0};
  const double high[2]     = {1.0, 40.0};
  const double expected[4] = {1, 1, 2, 0};
  double       counts[4]   = {0};

  TpHistogram2D(6, &pairs[0], &pairs[1], 2, low, high, 2, counts);
  ExpectCounts(4, counts, expected, __LINE__);
}

/* Uniform numbers: chi^2 of 50 bins exceeds 94.0 with probability 1.2e-4 (seed fixed). The pair histogram sums to the single one. */
static void UniformNumbers(void)
{
  enum { BINS = 50, NUMBERS = 50000 };
  const double low[2]             = {0.0, 0.0};
  const double high[2]            = {1.0, 1.0};
  double       counts[BINS]       = {0};
  double       pairs[BINS * BINS] = {0};
  double       chi_square         = 0.0;
  float        x[NUMBERS];

  for (int i = 0; i < NUMBERS; ++i) {
    double number;

    TpRandomUniform(20240611, TP_RANDOM_TEST, 1, (uint64_t)i, 1, &number);
    x[i] = (float)number;
  }
  TpHistogram(NUMBERS, x, 1, 0.0, 1.0, BINS, counts);
  TpHistogram2D(NUMBERS, x, x, 1, low, high, BINS, pairs);
  for (int i = 0; i < BINS; ++i) {
    const double expected = (double)NUMBERS / BINS;

    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    TpTestExpectClose(pairs[i * BINS + i], counts[i], 0.0);
  }
  TpTestExpectThat(chi_square < 94.0, "chi^2 of 49 degrees of freedom is %g", chi_square);
  TpTestExpectThat(chi_square > 20.0, "chi^2 of 49 degrees of freedom is %g: too even", chi_square);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  EdgesBelongToTheBinAbove();
  OutsideIsCountedAtTheEnds();
  CountsAreAddedAndStridesFollowed();
  SinglePrecisionPi();
  PairsAreRowMajor();
  UniformNumbers();
  return TpTestEnd();
}
