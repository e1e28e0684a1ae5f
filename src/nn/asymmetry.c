/* How far a vector field's Jacobian is from being symmetric, by random vectors. */
#include "tempera/nn.h"

#include <math.h>

void TpAsymmetryDraw(uint64_t seed, uint32_t id, uint64_t step, PetscInt num_vectors, PetscInt D, TpNumber u[])
{
  for (PetscInt i = 0; i < num_vectors * D; i++) {
    const uint64_t place = (step * (uint64_t)num_vectors * (uint64_t)D) + (uint64_t)i;

    u[i] = TpRandomBits(seed, TP_RANDOM_ASYMMETRY_VECTOR, id, place) >> 63 ? 1 : -1;
  }
}

static double Dot(PetscInt D, const TpNumber x[], const TpNumber y[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < D; i++) sum += (double)x[i] * (double)y[i];
  return sum;
}

void TpAsymmetryNorms(PetscInt num_vectors, PetscInt D, const TpNumber u[], const TpNumber product[], double squares[])
{
  const double pairs = 0.5 * (double)num_vectors * (double)(num_vectors - 1);

  squares[0] = squares[1] = 0.0;
  for (PetscInt i = 0; i < num_vectors; i++) {
    squares[1] += Dot(D, product + i * D, product + i * D) / (double)num_vectors;
    for (PetscInt j = 0; j < i; j++) {
      const double difference = Dot(D, product + i * D, u + j * D) - Dot(D, product + j * D, u + i * D);

      squares[0] += difference * difference / pairs;
    }
  }
}

/* By linear propagation: of q = a / b, d q = (d a - q d b) / b, and of its root half of that over the root. */
void TpAsymmetryRatio(PetscInt64 count, const double squares[], double *ratio, double *error)
{
  double sum[2] = {0.0, 0.0}, spread = 0.0;

  for (PetscInt64 i = 0; i < 2 * count; i++) sum[i % 2] += squares[i];
  const double quotient = sum[0] / sum[1], mean = sum[1] / (double)count;

  for (PetscInt64 i = 0; i < count; i++) {
    const double part = (squares[2 * i] - quotient * squares[2 * i + 1]) / mean;

    spread += part * part;
  }
  *ratio = sqrt(quotient);
  *error = quotient > 0.0 ? 0.5 * sqrt(spread / (double)count / (double)(count - 1)) / *ratio : 0.0;
}
