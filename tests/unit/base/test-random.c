/* Random numbers: the generator's known answers, pure functions of their arguments, uniform, normal, independent. */
#include "test.h"

#include <Random123/philox.h>
#include <math.h>
#include <stdlib.h>

#define COUNT 1000000

/* All statistics below are measured in standard errors; 5 of them are passed by chance once in 1.7 million. Seeds are fixed. */
#define MAX_STANDARD_ERRORS 5.0

static const uint64_t seed = 20240229;

/* Salmon et al., file kat_vectors of Random123. */
static void CheckKnownAnswers(void)
{
  static const uint32_t in[3][6] = {
      {0, 0, 0, 0, 0, 0},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0},
  };
  static const uint32_t out[3][4] = {
      {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
  };

  for (int i = 0; i < 3; ++i) {
    const philox4x32_ctr_t counter = {{in[i][0], in[i][1], in[i][2], in[i][3]}};
    const philox4x32_key_t key     = {{in[i][4], in[i][5]}};
    const philox4x32_ctr_t result  = philox4x32(counter, key);

    for (int k = 0; k < 4; ++k) TpTestExpectEqual(result.v[k], out[i][k]);
  }
}

/* Runs of earlier versions must stay reproducible: the place of each argument in counter and key is fixed. */
static void CheckLayout(void)
{
  const philox4x32_ctr_t counter = {{0, (3u << 24) | 0x123456u, 0x789abcdeu, 77}};
  const philox4x32_key_t key     = {{0x55667788u, 0x11223344u}};
  const philox4x32_ctr_t result  = philox4x32(counter, key);
  const uint64_t         bits    = TpRandomBits(0x1122334455667788u, TP_RANDOM_LANGEVIN, 77, 0x123456789abcdeu);

  TpTestExpect(TP_RANDOM_LANGEVIN == 3);
  TpTestExpect(bits == (((uint64_t)result.v[1] << 32) | result.v[0]));
}

static void CheckPrefix(void)
{
  double all[9], some[9];
  float  rounded[9];

  for (PetscInt count = 0; count <= 9; ++count) {
    TpRandomUniform(seed, TP_RANDOM_TEST, 1, 2, 9, all);
    some[8] = -1.0;
    TpRandomUniform(seed, TP_RANDOM_TEST, 1, 2, count, some);
    for (PetscInt i = 0; i < count; ++i) TpTestExpect(some[i] == all[i]);
    TpTestExpect(count == 9 || some[8] == -1.0);
    TpRandomNormal(seed, TP_RANDOM_TEST, 1, 2, 9, all);
    TpRandomNormal(seed, TP_RANDOM_TEST, 1, 2, count, some);
    TpRandomNormalFloat(seed, TP_RANDOM_TEST, 1, 2, count, rounded);
    for (PetscInt i = 0; i < count; ++i) TpTestExpect(some[i] == all[i] && rounded[i] == (float)all[i]);
  }
}

/* The four words of a block, the first of which TpRandomUniform() shows in its leading bits; whole numbers of vectors and others. */
static void CheckCentred(void)
{
  enum { MOST = 200 };
  double centred[MOST + 1], uniform[MOST];

  for (PetscInt count = 0; count <= MOST; ++count) {
    centred[count] = -1.0;
    TpRandomCentred(seed, TP_RANDOM_TEST, 1, 2, count, centred);
    TpRandomUniform(seed, TP_RANDOM_TEST, 1, 2, count, uniform);
    TpTestExpect(centred[count] == -1.0);
    for (PetscInt i = 0; i < count; i += 2)
      TpTestExpect(centred[i] == (floor(uniform[i / 2] * 0x1p32) + 0.5) * 0x1p-32 - 0.5);
  }
  for (PetscInt i = 0; i < MOST; i += 4) {
    const philox4x32_ctr_t counter = {{(uint32_t)i / 4, ((uint32_t)TP_RANDOM_TEST << 24) | 5, 6, 7}};
    const philox4x32_key_t key     = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const philox4x32_ctr_t block   = philox4x32(counter, key);

    TpRandomCentred(seed, TP_RANDOM_TEST, 7, (UINT64_C(5) << 32) | 6, MOST, centred);
    for (PetscInt k = 0; k < 4; ++k) TpTestExpect(centred[i + k] == (block.v[k] + 0.5) * 0x1p-32 - 0.5);
  }
}

/* The mean of `power`-th powers, off its expected value by how many standard errors. */
static double MomentError(const double numbers[], int power, double expected, double variance)
{
  double sum = 0.0;

  for (int i = 0; i < COUNT; ++i) sum += pow(numbers[i], power);
  return (sum / COUNT - expected) / sqrt(variance / COUNT);
}

/* Chi-square over equal bins, as standard errors of its normal limit. */
static double ChiSquareError(const double numbers[])
{
  enum { BINS = 500 };
  int    counts[BINS] = {0};
  double sum          = 0.0;

  for (int i = 0; i < COUNT; ++i) ++counts[(int)(numbers[i] * BINS)];
  for (int k = 0; k < BINS; ++k) sum += pow(counts[k] - COUNT / BINS, 2) / (COUNT / BINS);
  return (sum - (BINS - 1)) / sqrt(2.0 * (BINS - 1));
}

static double CorrelationError(const double a[], const double b[], int count, double mean, double variance)
{
  double sum = 0.0;

  for (int i = 0; i < count; ++i) sum += (a[i] - mean) * (b[i] - mean);
  return sum / (variance * sqrt(count));
}

static void CheckUniform(double numbers[])
{
  TpRandomUniform(seed, TP_RANDOM_TEST, 0, 0, COUNT, numbers);
  for (int i = 0; i < COUNT; ++i) TpTestExpect(numbers[i] > 0.0 && numbers[i] < 1.0);
  TpTestExpectClose(MomentError(numbers, 1, 1.0 / 2.0, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(MomentError(numbers, 2, 1.0 / 3.0, 4.0 / 45.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(ChiSquareError(numbers), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(CorrelationError(numbers, numbers + 1, COUNT - 1, 0.5, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
}

static void CheckCentredStatistics(double numbers[])
{
  TpRandomCentred(seed, TP_RANDOM_TEST, 0, 0, COUNT, numbers);
  for (int i = 0; i < COUNT; ++i) TpTestExpect(numbers[i] > -0.5 && numbers[i] < 0.5);
  TpTestExpectClose(MomentError(numbers, 1, 0.0, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(MomentError(numbers, 2, 1.0 / 12.0, 1.0 / 180.0), 0.0, MAX_STANDARD_ERRORS);
  for (int apart = 1; apart <= 12; ++apart)
    TpTestExpectClose(CorrelationError(numbers, numbers + apart, COUNT - apart, 0.0, 1.0 / 12.0), 0.0,
                      MAX_STANDARD_ERRORS);
}

static int CompareDoubles(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: sqrt(n) times the largest distance of the distribution functions. */
static double KolmogorovDistance(double numbers[])
{
  double largest = 0.0;

  qsort(numbers, COUNT, sizeof(double), CompareDoubles);
  for (int i = 0; i < COUNT; ++i) {
    const double exact = 0.5 * erfc(-numbers[i] / sqrt(2.0));

    largest = PetscMax(largest, PetscMax(fabs(exact - (double)i / COUNT), fabs(exact - (i + 1.0) / COUNT)));
  }
  return largest * sqrt(COUNT);
}

static void CheckNormal(double numbers[])
{
  TpRandomNormal(seed, TP_RANDOM_TEST, 0, 0, COUNT, numbers);
  TpTestExpectClose(MomentError(numbers, 1, 0.0, 1.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(MomentError(numbers, 2, 1.0, 2.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(MomentError(numbers, 3, 0.0, 15.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(MomentError(numbers, 4, 3.0, 96.0), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(CorrelationError(numbers, numbers + 1, COUNT - 1, 0.0, 1.0), 0.0, MAX_STANDARD_ERRORS);
  /* exceeded by chance with probability 2 exp(-2 x 2.7^2) = 9e-7 */
  TpTestExpect(KolmogorovDistance(numbers) < 2.7);
}

/* Streams whose names differ in one part, if only by one bit of it, share nothing. */
static void CheckStreamsDiffer(double numbers[])
{
  enum { LENGTH = 20000 };
  static const struct {
    uint64_t        seed;
    TpRandomPurpose purpose;
    uint32_t        id;
    uint64_t        step;
  } other[] = {
      {20240229 ^ 1, TP_RANDOM_TEST, 5, 9},
      {20240229 ^ (1ull << 63), TP_RANDOM_TEST, 5, 9},
      {20240229, TP_RANDOM_LANGEVIN, 5, 9},
      {20240229, TP_RANDOM_SWAP, 5, 9},
      {20240229, TP_RANDOM_TEST, 4, 9},
      {20240229, TP_RANDOM_TEST, 5 ^ (1u << 31), 9},
      {20240229, TP_RANDOM_TEST, 5, 8},
      {20240229, TP_RANDOM_TEST, 5, 9 ^ (1ull << 32)},
      {20240229, TP_RANDOM_TEST, 5, 9 ^ (1ull << 55)},
      {20240229, TP_RANDOM_TEST, 9, 5},
  };
  double *second = numbers + LENGTH;

  TpRandomUniform(seed, TP_RANDOM_TEST, 5, 9, LENGTH, numbers);
  for (size_t k = 0; k < sizeof(other) / sizeof(other[0]); ++k) {
    TpRandomUniform(other[k].seed, other[k].purpose, other[k].id, other[k].step, LENGTH, second);
    TpTestExpect(numbers[0] != second[0]);
    TpTestExpectClose(CorrelationError(numbers, second, LENGTH, 0.5, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
  }
}

/* What a run draws: one number for each id, or for each step. These too are uniform and without memory. */
static void CheckAcrossStreams(double numbers[])
{
  for (int i = 0; i < COUNT; ++i) TpRandomUniform(seed, TP_RANDOM_TEST, (uint32_t)i, 3, 1, &numbers[i]);
  TpTestExpectClose(ChiSquareError(numbers), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(CorrelationError(numbers, numbers + 1, COUNT - 1, 0.5, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
  for (int i = 0; i < COUNT; ++i) TpRandomUniform(seed, TP_RANDOM_TEST, 3, (uint64_t)i, 1, &numbers[i]);
  TpTestExpectClose(ChiSquareError(numbers), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose(CorrelationError(numbers, numbers + 1, COUNT - 1, 0.5, 1.0 / 12.0), 0.0, MAX_STANDARD_ERRORS);
}

int main(int argc, char **argv)
{
  static double numbers[COUNT];

  TpTestBegin(&argc, &argv);
  CheckKnownAnswers();
  CheckLayout();
  CheckPrefix();
  CheckCentred();
  CheckUniform(numbers);
  CheckCentredStatistics(numbers);
  CheckNormal(numbers);
  CheckStreamsDiffer(numbers);
  CheckAcrossStreams(numbers);
  return TpTestEnd();
}
