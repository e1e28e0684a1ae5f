/* Measurements of a fluid: insertion energies, pair histograms and correlations, the closest pair; images by looking at all of them. */
#include "tempera/ti.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define LENGTH 3.0
#define BETA   0.8

/* Squared distance to the nearest of the 27 images. */
static double Squared(const double a[3], const double b[3])
{
  double least = INFINITY;

  for (int image = 0; image < 27; ++image) {
    const int shift[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
    double    sum      = 0.0;

    for (int k = 0; k < 3; ++k) sum += pow(LENGTH * (a[k] - b[k] + shift[k]), 2);
    least = fmin(least, sum);
  }
  return least;
}

static const double particles[3][3] = {{0.05, 0.5, 0.95}, {0.9, 0.45, 0.1}, {0.4, 0.5, 0.5}};

/* Each insertion is at a place of its own. */
static void TestInsertion(void)
{
  enum { COUNT = 6 };
  double energy[COUNT], again[COUNT];

  TpInsertionEnergies(BETA, LENGTH, 3, particles[0], 7, 2, 5, COUNT, energy);
  for (int i = 0; i < COUNT; ++i) {
    double place[3], expected = 0.0;

    TpRandomUniform(7, TP_RANDOM_INSERTION, 2, 5 * COUNT + (uint64_t)i, 3, place);
    for (int j = 0; j < 3; ++j) {
      const double squared = Squared(place, particles[j]);

      expected += 4.0 * BETA * (pow(squared, -6) - pow(squared, -3));
    }
    TpTestExpectClose(energy[i], expected, 1e-10 * fabs(expected));
    for (int j = 0; j < i; ++j) TpTestExpect(energy[i] != energy[j]);
  }
  TpInsertionEnergies(BETA, LENGTH, 3, particles[0], 7, 2, 6, COUNT, again);
  TpTestExpect(memcmp(energy, again, sizeof(energy)) != 0);
}

/* Pairs are counted in the bin of their nearest images' distance; those beyond half the box in none. */
static void TestHistogram(void)
{
  enum { BINS = 10 };
  double       histogram[BINS] = {0}, expected[BINS] = {0}, sum = 0.0;
  const double width = 0.5 * LENGTH / BINS;

  for (int i = 0; i < 3; ++i)
    for (int j = i + 1; j < 3; ++j) {
      const int bin = (int)(sqrt(Squared(particles[i], particles[j])) / width);

      if (bin < BINS) expected[bin] += 1.0;
    }
  TpPairHistogram(LENGTH, 3, particles[0], BINS, histogram);
  for (int b = 0; b < BINS; ++b) {
    TpTestExpect(histogram[b] == expected[b]);
    sum += histogram[b];
  }
  TpTestExpect(sum >= 1.0);                                  /* or the test tests nothing */
  TpPairHistogram(LENGTH, 3, particles[0], BINS, histogram); /* adds */
  for (int b = 0; b < BINS; ++b) TpTestExpect(histogram[b] == 2.0 * expected[b]);
}

/* Of particles that know nothing of each other g = 1: 4000 configurations of 5; 4 standard errors of a count, one false alarm in 16000 for each of 8. */
static void TestCorrelation(void)
{
  enum { BINS = 8, COUNT = 4000, N = 5 };
  double       histogram[BINS] = {0}, g[BINS], y[3 * N];
  const double width           = 0.5 * LENGTH / BINS;

  for (uint32_t i = 0; i < COUNT; ++i) {
    TpRandomUniform(3, TP_RANDOM_TEST, i, 0, 3 * N, y);
    TpPairHistogram(LENGTH, N, y, BINS, histogram);
  }
  TpPairCorrelation(LENGTH, N, COUNT, BINS, histogram, g);
  for (int b = 0; b < BINS; ++b) {
    const double shell = 4.0 / 3.0 * PETSC_PI * pow(width, 3) * (pow(b + 1, 3) - pow(b, 3));

    TpTestExpectClose(g[b], 1.0, 4.0 / sqrt(COUNT * 0.5 * N * (N - 1) * shell / pow(LENGTH, 3)));
  }
  TpPairCorrelation(LENGTH, 1, COUNT, BINS, histogram, g);
  for (int b = 0; b < BINS; ++b) TpTestExpect(g[b] == 0.0); /* one particle has no pairs */
}

static void TestClosest(void)
{
  PetscInt pair[2];

  TpTestExpectClose(TpClosestPair(LENGTH, 3, particles[0], pair), sqrt(Squared(particles[0], particles[1])), 1e-12);
  TpTestExpect(pair[0] == 0 && pair[1] == 1);
  TpTestExpectClose(TpClosestPair(LENGTH, 2, particles[1], pair), sqrt(Squared(particles[1], particles[2])), 1e-12);
  TpTestExpect(isinf(TpClosestPair(LENGTH, 1, particles[0], pair)));

  /* the closest one is not the first */
  const double reversed[3][3] = {{0.4, 0.5, 0.5}, {0.05, 0.5, 0.95}, {0.9, 0.45, 0.1}};

  TpTestExpectClose(TpClosestPair(LENGTH, 3, reversed[0], pair), sqrt(Squared(particles[0], particles[1])), 1e-12);
  TpTestExpect(pair[0] == 1 && pair[1] == 2);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestInsertion();
  TestHistogram();
  TestCorrelation();
  TestClosest();
  return TpTestEnd();
}
