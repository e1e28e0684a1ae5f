/* Measurements of a fluid: insertion, pair correlation, and the mean number of particles at a chemical potential. */
#include "tempera/ti.h"

#include <math.h>

static double SquaredDistance(double length, const double a[3], const double b[3])
{
  double sum = 0.0;

  for (int k = 0; k < 3; ++k) {
    double d = a[k] - b[k];

    d -= rint(d);
    sum += d * d;
  }
  return length * length * sum;
}

void TpInsertionEnergies(double beta, double box_length, PetscInt num_particles, const double y[], uint64_t seed,
                         uint32_t id, uint64_t step, PetscInt count, double energy[])
{
  for (PetscInt i = 0; i < count; ++i) {
    double place[3];

    TpRandomUniform(seed, TP_RANDOM_INSERTION, id, step * (uint64_t)count + (uint64_t)i, 3, place);
    energy[i] = 0.0;
    for (PetscInt j = 0; j < num_particles; ++j) {
      const double inverse = 1.0 / SquaredDistance(box_length, place, y + 3 * j);
      const double a       = inverse * inverse * inverse;

      energy[i] += 4.0 * beta * a * (a - 1.0);
    }
  }
}

void TpPairHistogram(double box_length, PetscInt num_particles, const double y[], PetscInt bins, double histogram[])
{
  const double width = 0.5 * box_length / (double)bins;

  for (PetscInt i = 0; i < num_particles; ++i)
    for (PetscInt j = i + 1; j < num_particles; ++j) {
      const PetscInt bin = (PetscInt)(sqrt(SquaredDistance(box_length, y + 3 * i, y + 3 * j)) / width);

      if (bin < bins) histogram[bin] += 1.0;
    }
}

void TpPairCorrelation(double box_length, PetscInt num_particles, double count, PetscInt bins, const double histogram[],
                       double g[])
{
  const double width = 0.5 * box_length / (double)bins, volume = box_length * box_length * box_length;
  const double pairs = 0.5 * (double)num_particles * (double)(num_particles - 1);

  for (PetscInt k = 0; k < bins; ++k) {
    const double shell = 4.0 / 3.0 * PETSC_PI * (pow(width * (double)(k + 1), 3) - pow(width * (double)k, 3));

    g[k] = pairs > 0.0 && count > 0.0 ? histogram[k] / (count * pairs * shell / volume) : 0.0;
  }
}

double TpClosestPair(double box_length, PetscInt num_particles, const double y[], PetscInt pair[2])
{
  double closest = INFINITY;

  pair[0] = pair[1] = 0;
  for (PetscInt i = 0; i < num_particles; ++i)
    for (PetscInt j = i + 1; j < num_particles; ++j) {
      const double distance = sqrt(SquaredDistance(box_length, y + 3 * i, y + 3 * j));

      if (distance >= closest) continue;
      closest = distance;
      pair[0] = i;
      pair[1] = j;
    }
  return closest;
}

void TpGrandMean(PetscInt max, const double excess[], PetscInt count, const double beta_mu[], double mean[])
{
  for (PetscInt i = 0; i < count; ++i) {
    double highest = -INFINITY, sum = 0.0, weighted = 0.0;

    for (PetscInt N = 0; N <= max; ++N)
      highest = PetscMax(highest, beta_mu[i] * (double)N - excess[N] - lgamma((double)N + 1.0));
    for (PetscInt N = 0; N <= max; ++N) {
      const double weight = exp(beta_mu[i] * (double)N - excess[N] - lgamma((double)N + 1.0) - highest);

      sum += weight;
      weighted += weight * (double)N;
    }
    mean[i] = weighted / sum;
  }
}
