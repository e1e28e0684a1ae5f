/*
  Swapping leaves exact samples exact: each rung draws its own configuration and velocities (6-dimensional harmonic oscillators of mass
  1), swaps, and keeps the mean of what it then holds. Potential and kinetic energy must both be 3 T at every rung, and pairs must
  accept at the exact rate (see test-acceptance.c).

  3,000 attempts, independent of each other, fixed seed; 4 standard errors, false alarm 6e-5 for each of about 52 comparisons.
*/
#include "tempera/comm.h"
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { DIMENSION = 6, NUM_ATTEMPTS = 3000 };

static void Draw(double temperature, PetscMPIInt rung, PetscInt64 attempt, TpState *state)
{
  double numbers[2 * DIMENSION];

  TpRandomNormal(31, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)attempt, 2 * DIMENSION, numbers);
  state->energy = 0;
  for (PetscInt i = 0; i < DIMENSION; ++i) {
    state->x[i] = sqrt(temperature) * numbers[i];
    state->v[i] = sqrt(temperature) * numbers[DIMENSION + i];
    state->energy += state->x[i] * state->x[i] / 2;
  }
}

static PetscErrorCode CheckSampling(PetscInt scheme, PetscMPIInt rung, PetscMPIInt size)
{
  TpLadderSettings settings = {.minimum = 1, .maximum = pow(1.6, size - 1), .num_rungs = size, .scheme = scheme};
  TpLadder         ladder;
  TpExchange       exchange;
  TpState          state;
  double           energy = 0, kinetic = 0, attempts = 0, accepted = 0, T, error;
  const double     y = 1 / 2.6, acceptance = 2 * y * y * y * (10 - 15 * y + 6 * y * y);

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 3, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, DIMENSION, 7, &exchange));
  PetscCall(TpStateCreate(DIMENSION, &state));
  T = ladder->temperature[rung];
  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    TpSwap swap;
    double square = 0;

    Draw(T, rung, attempt, &state);
    PetscCall(TpExchangeAttempt(exchange, attempt, &state, &swap, NULL));
    for (PetscInt i = 0; i < DIMENSION; ++i) {
      square += state.x[i] * state.x[i] / 2;
      kinetic += state.v[i] * state.v[i] / 2;
    }
    TpTestExpectClose(state.energy, square, 1e-12 * square); /* the energy belongs to the configuration */
    energy += state.energy;
    attempts += swap.partner == rung + 1;
    if (swap.partner == rung + 1) accepted += scheme == TP_SCHEME_GIBBS ? swap.probability : swap.accepted;
  }
  error = T * sqrt(DIMENSION / 2.0) / sqrt(NUM_ATTEMPTS);
  TpTestExpectClose(energy / NUM_ATTEMPTS, T * DIMENSION / 2, 4 * error);
  TpTestExpectClose(kinetic / NUM_ATTEMPTS, T * DIMENSION / 2, 4 * error);
  if (attempts > 0)
    TpTestExpectClose(accepted / attempts, acceptance, 4 * sqrt(acceptance * (1 - acceptance) / attempts));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt rank, size;

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(CheckSampling(TP_SCHEME_DEO, rank, size));
  TpTestCall(CheckSampling(TP_SCHEME_GIBBS, rank, size));
  return TpTestEnd();
}
