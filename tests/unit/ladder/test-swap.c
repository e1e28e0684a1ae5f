/*
  Swaps between ranks, against a serial simulation of the same ladder: at every attempt the walkers are the same permutation, each
  carries its own configuration whole, and its velocities are those of the temperature that it is at.
*/
#include "tempera/comm.h"
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>
#include <time.h>

enum { MAX_RUNGS = 8, SIZE = 9, NUM_ATTEMPTS = 120 };

static PetscMPIInt rank, size;

static PetscErrorCode Ladder(PetscInt scheme, TpLadder *ladder)
{
  TpLadderSettings settings = {.minimum = 1, .maximum = size > 1 ? 4 : 1, .num_rungs = size, .scheme = scheme};

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 17, ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number that walker has at place i of its configuration: energy, x, v, box. */
static double Number(PetscInt64 walker, PetscInt i)
{
  double number;

  TpRandomNormal(23, TP_RANDOM_TEST, (uint32_t)walker, (uint64_t)i, 1, &number);
  return number;
}

static void FillState(PetscInt64 walker, TpState *state)
{
  state->walker = walker;
  state->energy = Number(walker, 0);
  for (PetscInt i = 0; i < SIZE; ++i) {
    state->x[i]   = Number(walker, 1 + i);
    state->v[i]   = Number(walker, 100 + i);
    state->box[i] = Number(walker, 200 + i);
  }
}

/* This rung's state is that of `walker`, which started at the rung of its own number: v / sqrt(T) is the walker's for ever. */
static void ExpectState(TpLadder ladder, const TpState *state, PetscInt64 walker)
{
  const double scale = sqrt(ladder->temperature[rank] / ladder->temperature[walker]);

  TpTestExpectEqual(state->walker, walker);
  TpTestExpectClose(state->energy, Number(walker, 0), 0);
  for (PetscInt i = 0; i < SIZE; ++i) {
    TpTestExpectClose(state->x[i], Number(walker, 1 + i), 0);
    TpTestExpectClose(state->v[i], scale * Number(walker, 100 + i), 1e-12);
    TpTestExpectClose(state->box[i], Number(walker, 200 + i), 0);
  }
}

/* One attempt of all rungs by themselves, the formula written out once more. */
static void SerialAttempt(TpLadder ladder, PetscInt64 attempt, PetscInt64 walker[], TpSwap swap[])
{
  for (PetscInt i = 0; i < ladder->num_rungs; ++i) swap[i] = (TpSwap){.partner = -1};
  for (PetscInt i = 0; i + 1 < ladder->num_rungs; ++i) {
    const double exponent = (1 / ladder->temperature[i] - 1 / ladder->temperature[i + 1]) *
                            (Number(walker[i], 0) - Number(walker[i + 1], 0));
    double number;

    if (TpLadderPartner(ladder, attempt, i) != i + 1) continue;
    TpRandomUniform(ladder->seed, TP_RANDOM_SWAP, (uint32_t)i, (uint64_t)attempt, 1, &number);
    swap[i]             = (TpSwap){.partner     = i + 1,
                                   .probability = fmin(1, exp(exponent)),
                                   .accepted    = number < exp(exponent) ? PETSC_TRUE : PETSC_FALSE};
    swap[i + 1]         = swap[i];
    swap[i + 1].partner = i;
    if (swap[i].accepted) {
      const PetscInt64 other = walker[i];

      walker[i]     = walker[i + 1];
      walker[i + 1] = other;
    }
  }
}

static PetscErrorCode CheckAgainstSerial(PetscInt scheme)
{
  TpLadder   ladder;
  TpExchange exchange;
  TpState    state;
  PetscInt64 walker[MAX_RUNGS];
  PetscInt   num_accepted = 0;

  PetscFunctionBeginUser;
  PetscCall(Ladder(scheme, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 99, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  for (PetscInt64 i = 0; i < size; ++i) walker[i] = i;
  FillState(rank, &state);
  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    TpSwap swap, expected[MAX_RUNGS];

    SerialAttempt(ladder, attempt, walker, expected);
    PetscCall(TpExchangeAttempt(exchange, attempt, &state, &swap, NULL));
    TpTestExpectEqual(swap.partner, expected[rank].partner);
    TpTestExpectEqual(swap.accepted, expected[rank].accepted);
    TpTestExpectClose(swap.probability, expected[rank].probability, 1e-14);
    ExpectState(ladder, &state, walker[rank]);
    num_accepted += swap.accepted;
  }
  if (size > 1 && scheme != TP_SCHEME_NONE)
    TpTestExpectThat(num_accepted > NUM_ATTEMPTS / 10 && num_accepted < NUM_ATTEMPTS,
                     "%d swaps of rung %d tell nothing", (int)num_accepted, rank);
  else
    TpTestExpectEqual(num_accepted, 0);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  TpTestExpect(exchange == NULL);
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A configuration gone bad at rung 0 stays where it is, and the others go on swapping. */
static PetscErrorCode CheckBadEnergy(double energy)
{
  TpLadder   ladder;
  TpExchange exchange;
  TpState    state;

  PetscFunctionBeginUser;
  PetscCall(Ladder(TP_SCHEME_DEO, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 99, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  FillState(rank, &state);
  if (rank == 0) state.energy = energy;
  for (PetscInt64 attempt = 0; attempt < 40; ++attempt) {
    TpSwap swap;

    PetscCall(TpExchangeAttempt(exchange, attempt, &state, &swap, NULL));
    if (rank == 0 || swap.partner == 0) {
      TpTestExpectClose(swap.probability, 0, 0);
      TpTestExpect(!swap.accepted);
    }
  }
  TpTestExpect(rank == 0 ? state.walker == 0 : state.walker != 0);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rungs 0 and 1 swap while the others sleep; a late partner is waited for, and the wait is measured. */
static PetscErrorCode CheckOnlyPartnersMeet(void)
{
  const struct timespec late = {.tv_sec = 0, .tv_nsec = 300000000};
  TpLadder              ladder;
  TpExchange            exchange;
  TpState               state;
  TpSwap                swap;
  double                idle = 0, start;

  PetscFunctionBeginUser;
  PetscCall(Ladder(TP_SCHEME_DEO, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 99, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  FillState(rank, &state);
  PetscCall(TpBarrier(MPI_COMM_WORLD, NULL));
  start = MPI_Wtime();
  if (rank >= 2) nanosleep(&late, NULL);
  PetscCall(TpExchangeAttempt(exchange, 0, &state, &swap, &idle));
  if (rank < 2) TpTestExpectThat(MPI_Wtime() - start < 0.15, "rung %d took %g s", rank, MPI_Wtime() - start);
  idle = 0;
  PetscCall(TpBarrier(MPI_COMM_WORLD, NULL));
  if (rank == 1) nanosleep(&late, NULL);
  PetscCall(TpExchangeAttempt(exchange, 2, &state, &swap, &idle));
  if (rank == 0 && size > 1) TpTestExpectThat(idle > 0.25, "idle %g s beside a partner 0.3 s late", idle);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rung `odd` simulates something else: all ranks hear which. */
static PetscErrorCode CheckHashes(PetscMPIInt odd)
{
  const uint64_t hash = 0xfedcba9876543210u;
  TpLadder       ladder;
  TpExchange     exchange;
  PetscErrorCode code;
  char           part[32];

  PetscFunctionBeginUser;
  PetscCall(Ladder(TP_SCHEME_DEO, &ladder));
  TpInputErrorClear();
  code = TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, rank == odd ? hash ^ 1 : hash, &exchange);
  TpTestExpectEqual(code, TP_ERR_INPUT);
  TpTestExpect(exchange == NULL);
  snprintf(part, sizeof(part), "1 of %d rungs simulate", size);
  if (odd > 0) TpTestExpectText(TpInputErrorMessage(), part);
  snprintf(part, sizeof(part), "rung %d;", odd);
  if (odd > 0) TpTestExpectText(TpInputErrorMessage(), part);
  TpInputErrorClear();
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(CheckAgainstSerial(TP_SCHEME_DEO));
  TpTestCall(CheckAgainstSerial(TP_SCHEME_SEO));
  TpTestCall(CheckAgainstSerial(TP_SCHEME_NONE));
  TpTestCall(CheckBadEnergy(NAN));
  TpTestCall(CheckBadEnergy(INFINITY));
  TpTestCall(CheckBadEnergy(-INFINITY));
  TpTestCall(CheckOnlyPartnersMeet());
  for (PetscMPIInt odd = 0; size > 1 && odd < size; ++odd) TpTestCall(CheckHashes(odd));
  return TpTestEnd();
}
