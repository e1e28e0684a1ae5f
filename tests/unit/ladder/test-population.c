/* Weights, steps, resampling, places and families of a population; and a whole annealing of harmonic oscillators against its closed form. */
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { MEMBERS = 300 };

static void Normal(uint32_t id, PetscInt count, double x[])
{
  TpRandomNormal(7, TP_RANDOM_TEST, id, 0, count, x);
}

static void CheckWeights(void)
{
  const double energy[] = {1, 2, 4}, shifted[] = {1e6 + 1, 1e6 + 2, 1e6 + 4};
  double       weight[3], effective;
  const double a = exp(-0.5), b = exp(-1.0), c = exp(-2.0), mean = (a + b + c) / 3;

  TpTestExpectClose(TpPopulationWeigh(3, energy, 0.5, weight, &effective), log(mean), 1e-15);
  TpTestExpectClose(weight[0], a / mean, 1e-15);
  TpTestExpectClose(weight[2], c / mean, 1e-15);
  TpTestExpectClose(effective, mean * mean * 3 / (a * a + b * b + c * c), 1e-15);
  /* exp(-5e5) is no number of this machine, nor is exp(5e5) */
  TpTestExpectClose(TpPopulationWeigh(3, shifted, 0.5, weight, &effective), log(mean) - 0.5e6, 1e-9);
  TpTestExpectClose(TpPopulationWeigh(3, shifted, -0.5, weight, &effective), 0.5e6 + log((1 / a + 1 / b + 1 / c) / 3),
                    1e-9);
  TpTestExpectClose(TpPopulationWeigh(3, shifted, 0, weight, &effective), 0, 0);
  TpTestExpectClose(effective, 1, 1e-15);
}

/* Effective members of energies that are normal with variance s^2: exp(-(s step)^2) of them in the limit of many. */
static void CheckSteps(void)
{
  double energy[MEMBERS], weight[MEMBERS], effective;

  Normal(1, MEMBERS, energy);
  const double step = TpPopulationStep(MEMBERS, energy, 3, 0.5, weight);
  TpPopulationWeigh(MEMBERS, energy, step, weight, &effective);
  TpTestExpectClose(effective, 0.5, 1e-9);
  TpTestExpectClose(step, sqrt(log(2)), 0.15);
  TpTestExpectClose(TpPopulationStep(MEMBERS, energy, 0.3, 0.5, weight), 0.3, 0);
  TpTestExpect(TpPopulationStep(MEMBERS, energy, -3, 0.5, weight) < -0.5);
  /* one member far below all others: every step leaves it alone, but the annealing goes on */
  energy[5] = -1e30;
  TpTestExpect(TpPopulationStep(MEMBERS, energy, 1, 0.5, weight) > 0);
}

/* The weight, rounded up or down; and exact in the mean over evenly spread numbers. */
static void CheckCopies(void)
{
  enum { POINTS = 1000 };
  double   energy[MEMBERS], weight[MEMBERS], effective, mean[MEMBERS] = {0};
  PetscInt copies[MEMBERS];

  Normal(2, MEMBERS, energy);
  TpPopulationWeigh(MEMBERS, energy, 1.3, weight, &effective);
  for (int point = 0; point < POINTS; ++point) {
    PetscInt all = 0;

    TpPopulationResample(MEMBERS, weight, (point + 0.5) / POINTS, copies);
    for (PetscInt i = 0; i < MEMBERS; ++i) {
      all += copies[i];
      mean[i] += (double)copies[i] / POINTS;
      TpTestExpectThat(copies[i] >= floor(weight[i] - 1e-9) && copies[i] <= ceil(weight[i] + 1e-9),
                       "%d copies of a member of weight %g", (int)copies[i], weight[i]);
    }
    TpTestExpectEqual(all, MEMBERS);
  }
  for (PetscInt i = 0; i < MEMBERS; ++i) TpTestExpectClose(mean[i], weight[i], 2.0 / POINTS);
}

/* Nothing is lost to rounding, and a member without weight is never copied. */
static void CheckEnds(void)
{
  const double alone[] = {0, 0, 3 - 1e-12, 0}, last[] = {0, 0, 0, 4};
  PetscInt     copies[4];

  TpPopulationResample(4, alone, 1e-13, copies);
  TpTestExpectEqual(copies[2], 4);
  TpPopulationResample(4, last, 1 - 1e-16, copies);
  TpTestExpectEqual(copies[3], 4);
  TpPopulationResample(4, last, 1e-16, copies);
  TpTestExpectEqual(copies[3], 4);
}

static void CheckPlaces(void)
{
  double   energy[MEMBERS], weight[MEMBERS], effective;
  PetscInt copies[MEMBERS], source[MEMBERS], found[MEMBERS], before = -1;

  Normal(3, MEMBERS, energy);
  TpPopulationWeigh(MEMBERS, energy, 1.7, weight, &effective);
  TpPopulationResample(MEMBERS, weight, 0.4, copies);
  TpPopulationPlace(MEMBERS, copies, source);
  for (PetscInt i = 0; i < MEMBERS; ++i) found[i] = 0;
  for (PetscInt i = 0; i < MEMBERS; ++i) {
    ++found[source[i]];
    if (copies[i]) TpTestExpectEqual(source[i], i); /* who survives stays */
    if (copies[i]) continue;
    TpTestExpectThat(source[i] >= before, "place %d is filled from %d, the one before from %d", (int)i, (int)source[i],
                     (int)before);
    before = source[i];
  }
  for (PetscInt i = 0; i < MEMBERS; ++i) TpTestExpectEqual(found[i], copies[i]);
}

static void CheckFamilies(void)
{
  const int32_t family[] = {0, 0, 0, 4, 4};
  PetscInt      size[5], alive;
  double        mean_size;

  TpFamiliesCount(5, family, size, &alive, &mean_size);
  TpTestExpectEqual(alive, 2);
  TpTestExpectEqual(size[0], 3);
  TpTestExpectEqual(size[4], 2);
  TpTestExpectClose(mean_size, 13.0 / 5, 1e-15);
}

/* Every founder is drawn like any other: mean and variance of the sums of replicates are those of drawing with replacement. 4 standard errors of each, so a
   correct program with an unlucky seed fails with probability 1e-4; the seed is fixed. */
static void CheckDraws(void)
{
  enum { REPLICATES = 4000 };
  double sum[2 * MEMBERS], x[MEMBERS], mean = 0, variance = 0, drawn_mean = 0, drawn_squares = 0;

  Normal(4, MEMBERS, x);
  for (PetscInt i = 0; i < MEMBERS; ++i) mean += x[i] / MEMBERS;
  for (PetscInt i = 0; i < MEMBERS; ++i) {
    variance += (x[i] - mean) * (x[i] - mean) / MEMBERS;
    sum[2 * i]     = x[i];
    sum[2 * i + 1] = 1;
  }
  for (uint32_t b = 0; b < REPLICATES; ++b) {
    double total[2];

    TpFamiliesDraw(5, b, MEMBERS, 2, sum, total);
    TpTestExpectClose(total[1], MEMBERS, 0);
    drawn_mean += (total[0] / MEMBERS - mean) / REPLICATES;
    drawn_squares += pow(total[0] / MEMBERS - mean, 2) / REPLICATES;
  }
  TpTestExpectClose(drawn_mean, 0, 4 * sqrt(variance / MEMBERS / REPLICATES));
  TpTestExpectClose(drawn_squares * MEMBERS / variance, 1, 4 * sqrt(2.0 / REPLICATES));
}

/* ----------------------------------------------------------------------------------------------------------- annealing */

enum { DIMENSION = 4, STEPS = 6, REPLICATES = 100 };

/* Oscillators U = |x|^2 / 2 that forget half of themselves between two temperatures, exactly. */
typedef struct {
  double  x[MEMBERS][DIMENSION], energy[MEMBERS], log_z, replicate[REPLICATES];
  int32_t family[MEMBERS];
} Oscillators;

static void Move(uint32_t run, uint64_t step, double beta, double keep, Oscillators *o)
{
  for (PetscInt i = 0; i < MEMBERS; ++i) {
    double noise[DIMENSION];

    TpRandomNormal(100 + run, TP_RANDOM_TEST, (uint32_t)i, step, DIMENSION, noise);
    o->energy[i] = 0;
    for (int d = 0; d < DIMENSION; ++d) {
      o->x[i][d] = keep * o->x[i][d] + sqrt((1 - keep * keep) / beta) * noise[d];
      o->energy[i] += 0.5 * o->x[i][d] * o->x[i][d];
    }
  }
}

static void Estimate(uint32_t run, double log_ratio, const double weight[], Oscillators *o)
{
  double sum[2 * MEMBERS] = {0}, total[2];

  o->log_z += log_ratio;
  for (PetscInt i = 0; i < MEMBERS; ++i) {
    sum[2 * o->family[i]] += weight[i];
    sum[2 * o->family[i] + 1] += 1;
  }
  for (uint32_t b = 0; b < REPLICATES; ++b) {
    TpFamiliesDraw(run, b, MEMBERS, 2, sum, total);
    o->replicate[b] += log_ratio + log(total[0] / total[1]);
  }
}

static void Cool(double uniform, const double weight[], Oscillators *o)
{
  PetscInt copies[MEMBERS], source[MEMBERS];

  TpPopulationResample(MEMBERS, weight, uniform, copies);
  TpPopulationPlace(MEMBERS, copies, source);
  for (PetscInt i = 0; i < MEMBERS; ++i) {
    for (int d = 0; d < DIMENSION; ++d) o->x[i][d] = o->x[source[i]][d];
    o->family[i] = o->family[source[i]];
  }
}

static double Deviation(const double x[])
{
  double mean = 0, squares = 0;

  for (int b = 0; b < REPLICATES; ++b) mean += x[b] / REPLICATES;
  for (int b = 0; b < REPLICATES; ++b) squares += (x[b] - mean) * (x[b] - mean) / (REPLICATES - 1);
  return sqrt(squares);
}

/* From beta 1 to 4 in equal ratios; returns (ln Z - exact) / error. */
static double Anneal(uint32_t run)
{
  Oscillators  o      = {0};
  const double factor = pow(4, 1.0 / STEPS), exact = -0.5 * DIMENSION * log(4);
  double       beta = 1, weight[MEMBERS], effective, uniform;

  for (PetscInt i = 0; i < MEMBERS; ++i) o.family[i] = (int32_t)i;
  Move(run, 0, beta, 0, &o);
  for (uint64_t step = 1; step <= STEPS; ++step) {
    Estimate(run, TpPopulationWeigh(MEMBERS, o.energy, beta * (factor - 1), weight, &effective), weight, &o);
    TpRandomUniform(100 + run, TP_RANDOM_RESAMPLE, 0, step, 1, &uniform);
    Cool(uniform, weight, &o);
    beta *= factor;
    Move(run, step, beta, sqrt(0.5), &o);
  }
  return (o.log_z - exact) / Deviation(o.replicate);
}

/*
  300 annealings: the error in units of the error bar has the mean 0 and the variance 1. The error bar of 100 replicates scatters by 7 %, which adds 1 % to the
  variance; the bias of a ln is half an error squared, here 1/30 of an error. 4 standard errors (0.23, 0.33) and these: a correct program with unlucky
  seeds fails with probability 1e-4.
*/
static void CheckCalibration(void)
{
  enum { RUNS = 300 };
  double mean = 0, squares = 0;

  for (uint32_t run = 0; run < RUNS; ++run) {
    const double z = Anneal(run);

    mean += z / RUNS;
    squares += z * z / RUNS;
  }
  TpTestExpectClose(mean, 0, 4 / sqrt(RUNS) + 0.03);
  TpTestExpectClose(squares - mean * mean, 1.01, 4 * sqrt(2.0 / RUNS));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckWeights();
  CheckSteps();
  CheckCopies();
  CheckEnds();
  CheckPlaces();
  CheckFamilies();
  CheckDraws();
  CheckCalibration();
  return TpTestEnd();
}
