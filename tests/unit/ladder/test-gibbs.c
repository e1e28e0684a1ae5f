/*
  All pairs: in every attempt the walkers are a permutation that each rank knows its part of, each carries its own configuration whole with velocities
  of the temperature that it is at, and one message takes it there. With many proposals the permutation is an independent draw from its exact
  distribution, the weight of walker s(i) at rung i being exp(-sum beta_i U_s(i)).
*/
#include "tempera/comm.h"
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { MAX_RUNGS = 8, SIZE = 5, NUM_ATTEMPTS = 4000 };

static PetscMPIInt rank, size;

static double Energy(PetscInt64 walker)
{
  double number;

  TpRandomNormal(29, TP_RANDOM_TEST, (uint32_t)walker, 0, 1, &number);
  return 1.5 * number;
}

/* Walker k as it is at rung k. */
static void FillState(PetscInt64 walker, TpState *state)
{
  state->walker = walker;
  state->energy = Energy(walker);
  for (PetscInt i = 0; i < SIZE; ++i) {
    state->x[i] = 100 * (double)walker + (double)i;
    state->v[i] = 1 + (double)walker + (double)i;
  }
}

static void ExpectState(TpLadder ladder, const TpState *state)
{
  const double scale = sqrt(ladder->temperature[rank] / ladder->temperature[state->walker]);

  TpTestExpectClose(state->energy, Energy(state->walker), 0);
  for (PetscInt i = 0; i < SIZE; ++i) {
    TpTestExpectClose(state->x[i], 100 * (double)state->walker + (double)i, 0);
    TpTestExpectClose(state->v[i], scale * (1 + (double)state->walker + (double)i), 1e-12);
  }
}

/* Probability that each walker is at this rung: the sum over all permutations, made by counting in the number system of factorials. */
static void ExactAtThisRung(TpLadder ladder, double probability[])
{
  PetscInt num_permutations = 1;
  double   total            = 0;

  for (PetscInt i = 2; i <= size; ++i) num_permutations *= i;
  for (PetscInt i = 0; i < size; ++i) probability[i] = 0;
  for (PetscInt n = 0; n < num_permutations; ++n) {
    PetscInt left[MAX_RUNGS], code = n, here = 0;
    double   exponent = 0, weight;

    for (PetscInt i = 0; i < size; ++i) left[i] = i;
    for (PetscInt i = 0; i < size; ++i) {
      const PetscInt place = code % (size - i), walker = left[place];

      code /= size - i;
      left[place] = left[size - 1 - i];
      exponent -= ladder->beta[i] * Energy(walker);
      if (i == rank) here = walker;
    }
    weight = exp(exponent);
    total += weight;
    probability[here] += weight;
  }
  for (PetscInt i = 0; i < size; ++i) probability[i] /= total;
}

/* Every walker is at one rung. */
static PetscErrorCode ExpectPermutation(PetscInt64 walker)
{
  PetscInt64 mask = (PetscInt64)1 << walker;

  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(MPI_IN_PLACE, &mask, 1, MPIU_INT64, MPI_SUM, MPI_COMM_WORLD, NULL));
  TpTestExpectEqual(mask, ((PetscInt64)1 << size) - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each attempt begins with walker k at rung k. 4 standard errors of independent draws: false alarm 6e-5 for each walker and rung. */
static PetscErrorCode CheckDistribution(TpLadder ladder, TpExchange exchange, TpState *state)
{
  double probability[MAX_RUNGS], visits[MAX_RUNGS] = {0};

  PetscFunctionBeginUser;
  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    TpSwap swap;

    FillState(rank, state);
    PetscCall(TpExchangeAttempt(exchange, attempt, state, &swap, NULL));
    ++visits[state->walker];
    TpTestExpectEqual(swap.partner, rank + 1 < size ? rank + 1 : -1);
    TpTestExpectEqual(swap.accepted, state->walker == rank + 1 ? PETSC_TRUE : PETSC_FALSE);
    if (rank + 1 < size)
      TpTestExpectClose(swap.probability, TpLadderProbability(ladder, rank, rank + 1, Energy(rank), Energy(rank + 1)),
                        1e-14);
    if (attempt < 100) ExpectState(ladder, state);
    if (attempt < 100) PetscCall(ExpectPermutation(state->walker));
  }
  ExactAtThisRung(ladder, probability);
  for (PetscInt i = 0; i < size; ++i)
    TpTestExpectClose(visits[i] / NUM_ATTEMPTS, probability[i],
                      4 * sqrt(probability[i] * (1 - probability[i]) / NUM_ATTEMPTS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Walkers go on from where they are: velocities stay those of the temperature, however often they have moved. */
static PetscErrorCode CheckManyAttempts(TpLadder ladder, TpExchange exchange, TpState *state)
{
  PetscInt num_moved = 0;

  PetscFunctionBeginUser;
  FillState(rank, state);
  for (PetscInt64 attempt = 0; attempt < 100; ++attempt) {
    const PetscInt64 before = state->walker;
    TpSwap           swap;

    PetscCall(TpExchangeAttempt(exchange, attempt, state, &swap, NULL));
    ExpectState(ladder, state);
    num_moved += state->walker != before;
  }
  TpTestExpectThat(size == 1 || num_moved > 10, "%d moves tell nothing", (int)num_moved);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A configuration gone bad stays where it is. */
static PetscErrorCode CheckBadEnergy(TpExchange exchange, TpState *state)
{
  PetscFunctionBeginUser;
  FillState(rank, state);
  if (rank == 0) state->energy = NAN;
  for (PetscInt64 attempt = 0; attempt < 40; ++attempt) {
    TpSwap swap;

    PetscCall(TpExchangeAttempt(exchange, attempt, state, &swap, NULL));
    if (rank == 0) TpTestExpect(state->walker == 0 && swap.probability == 0 && !swap.accepted);
  }
  TpTestExpect(rank == 0 || state->walker != 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAll(void)
{
  TpLadderSettings settings = {.minimum   = 1,
                               .maximum   = size > 1 ? 4 : 1,
                               .num_rungs = size,
                               .scheme    = TP_SCHEME_GIBBS,
                               .proposals =
                                   150}; /* two blocks of random numbers and a part; independent enough for 5 rungs */
  TpLadder         ladder;
  TpExchange       exchange;
  TpState          state;

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 17, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 99, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  PetscCall(CheckDistribution(ladder, exchange, &state));
  PetscCall(CheckManyAttempts(ladder, exchange, &state));
  PetscCall(CheckBadEnergy(exchange, &state));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  settings.proposals = 0;
  PetscCall(TpLadderCreate(&settings, 1, 17, &ladder));
  TpTestExpectEqual(ladder->proposals, (PetscInt64)size * size * size);
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(CheckAll());
  return TpTestEnd();
}
