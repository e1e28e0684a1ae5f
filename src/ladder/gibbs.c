/*
  All pairs: many proposals to swap two rungs, each of any two, as one attempt (Chodera and Shirts, J. Chem. Phys. 135 (2011) 194110).

  Every rank learns all energies, makes the same proposals in the same order, and so knows the permutation that they end in. Then each configuration
  moves once, from the rung it was at to the one it ends at.
*/
#include "exchange-impl.h"
#include "tempera/comm.h"

enum { BLOCK = 64, NUMBERS = 3 }; /* proposals drawn at a time; numbers for each: two for the pair, one to decide */

/* Dissemination: at stride 1, 2, 4, ... every rank passes on what it holds, its own and that of the ranks above it (Bruck et al., IEEE Trans.
   Parallel Distrib. Syst. 8 (1997) 1143). */
static PetscErrorCode GatherOffers(TpExchange exchange, PetscInt64 attempt, double energy, double *idle)
{
  const PetscMPIInt rung = exchange->rung, size = (PetscMPIInt)exchange->ladder->num_rungs;
  TpOffer          *offers = exchange->offers;

  PetscFunctionBeginUser;
  offers[0] = TpExchangeOffer(exchange, attempt, energy);
  for (PetscMPIInt stride = 1; stride < size; stride *= 2) {
    const int   bytes = (int)sizeof(TpOffer) * PetscMin(stride, size - stride);
    MPI_Request request[2];

    PetscCallMPI(MPI_Irecv(offers + stride, bytes, MPI_BYTE, (rung + stride) % size, TP_TAG_SWAP_ENERGY, exchange->comm,
                           &request[0]));
    PetscCallMPI(MPI_Isend(offers, bytes, MPI_BYTE, (rung - stride + size) % size, TP_TAG_SWAP_ENERGY, exchange->comm,
                           &request[1]));
    PetscCall(TpWait(2, request, idle));
  }
  for (PetscMPIInt i = 0; i < size; ++i) {
    const PetscMPIInt other = (rung + i) % size;

    PetscCall(TpExchangeCheckOffer(exchange, other, &offers[0], &offers[i]));
    exchange->energy[other] = offers[i].energy;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One proposal: any two rungs, with equal probability. */
static void Propose(TpExchange exchange, const double number[NUMBERS])
{
  const PetscInt size = exchange->ladder->num_rungs, i = (PetscInt)(number[0] * (double)size),
                 among_others = (PetscInt)(number[1] * (double)(size - 1)), j = among_others + (among_others >= i);
  PetscInt      *source = exchange->source;
  const PetscInt at_i = source[i], at_j = source[j];

  if (number[2] >= TpLadderProbability(exchange->ladder, i, j, exchange->energy[at_i], exchange->energy[at_j])) return;
  source[i] = at_j;
  source[j] = at_i;
}

static void FindPermutation(TpExchange exchange, PetscInt64 attempt)
{
  const TpLadder ladder = exchange->ladder;
  double         numbers[BLOCK * NUMBERS];

  for (PetscInt i = 0; i < ladder->num_rungs; ++i) exchange->source[i] = i;
  for (PetscInt64 first = 0; first < ladder->proposals; first += BLOCK) {
    const PetscInt count = (PetscInt)PetscMin(ladder->proposals - first, BLOCK);

    TpRandomUniform(ladder->seed, TP_RANDOM_PAIR, (uint32_t)(first / BLOCK), (uint64_t)attempt, count * NUMBERS,
                    numbers);
    for (PetscInt n = 0; n < count; ++n) Propose(exchange, numbers + n * NUMBERS);
  }
}

/* The rung whose configuration goes where; it is there, as `source` is a permutation. */
static PetscMPIInt Destination(TpExchange exchange)
{
  PetscMPIInt to = 0;

  while (exchange->source[to] != exchange->rung) ++to;
  return to;
}

PetscErrorCode TpExchangeAllPairs(TpExchange exchange, PetscInt64 attempt, TpState *state, TpSwap *swap, double *idle)
{
  const TpLadder    ladder = exchange->ladder;
  const PetscMPIInt rung   = exchange->rung;

  PetscFunctionBeginUser;
  if (ladder->num_rungs == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GatherOffers(exchange, attempt, state->energy, idle));
  FindPermutation(exchange, attempt);
  if (rung + 1 < ladder->num_rungs) {
    swap->partner     = rung + 1;
    swap->probability = TpLadderProbability(ladder, rung, rung + 1, exchange->energy[rung], exchange->energy[rung + 1]);
    swap->accepted    = exchange->source[rung] == rung + 1 ? PETSC_TRUE : PETSC_FALSE;
  }
  if (exchange->source[rung] != rung)
    PetscCall(TpExchangeMove(exchange, Destination(exchange), (PetscMPIInt)exchange->source[rung], state, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
