/* The swap of neighbours: two messages to the partner and two from it at most, and one decision that both compute. */
#include "exchange-impl.h"
#include "tempera/comm.h"

#include <math.h>
#include <string.h>

/* All rungs must simulate the same system: every rank sees every hash, so all give the same line. */
static PetscErrorCode CheckHashes(MPI_Comm comm, int size, uint64_t system_hash, uint64_t hash[])
{
  char        differing[128] = "";
  int         num_differing  = 0;
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Iallgather(&system_hash, 1, MPI_UINT64_T, hash, 1, MPI_UINT64_T, comm, &request));
  PetscCall(TpWait(1, &request, NULL));
  for (int i = 1; i < size; ++i) {
    const size_t length = strlen(differing);

    if (hash[i] == hash[0]) continue;
    if (num_differing++ < 8) snprintf(differing + length, sizeof(differing) - length, " %d", i);
  }
  TpCheckInput(num_differing == 0,
               "%d of %d rungs simulate another system than rung 0 does: rung%s%s%s; allowed: the same system and "
               "parameters for every rung",
               num_differing, size, num_differing == 1 ? "" : "s", differing, num_differing > 8 ? " ..." : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpExchangeCreate(TpLadder ladder, MPI_Comm comm, PetscInt state_size, uint64_t system_hash,
                                TpExchange *exchange)
{
  PetscMPIInt    size;
  uint64_t      *hash;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *exchange = NULL;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(size == ladder->num_rungs, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%d ranks for %" PetscInt_FMT " rungs",
             size, ladder->num_rungs);
  PetscCall(PetscMalloc1(size, &hash));
  code = CheckHashes(comm, size, system_hash, hash);
  PetscCall(PetscFree(hash));
  PetscCall(code);

  PetscCall(PetscNew(exchange));
  (*exchange)->ladder = ladder;
  (*exchange)->comm   = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &(*exchange)->rung));
  PetscCall(PetscMPIIntCast(TpStatePackedSize(state_size), &(*exchange)->packed_size));
  PetscCall(PetscMalloc5((*exchange)->packed_size, &(*exchange)->sent, (*exchange)->packed_size, &(*exchange)->received,
                         size, &(*exchange)->offers, size, &(*exchange)->energy, size, &(*exchange)->source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpExchangeDestroy(TpExchange *exchange)
{
  PetscFunctionBeginUser;
  if (!*exchange) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree5((*exchange)->sent, (*exchange)->received, (*exchange)->offers, (*exchange)->energy,
                       (*exchange)->source));
  PetscCall(PetscFree(*exchange));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpOffer TpExchangeOffer(TpExchange exchange, PetscInt64 attempt, double energy)
{
  const TpLadder ladder = exchange->ladder;

  return (TpOffer){.energy = energy, .beta = ladder->beta[exchange->rung], .attempt = attempt, .seed = ladder->seed};
}

PetscErrorCode TpExchangeCheckOffer(TpExchange exchange, PetscMPIInt rung, const TpOffer *mine, const TpOffer *theirs)
{
  PetscFunctionBeginUser;
  PetscCheck(theirs->attempt == mine->attempt && theirs->seed == mine->seed &&
                 theirs->beta == exchange->ladder->beta[rung],
             PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "rungs %d and %d do not decide on the same grounds: attempts %" PetscInt64_FMT " and %" PetscInt64_FMT,
             exchange->rung, rung, mine->attempt, theirs->attempt);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpExchangeMove(TpExchange exchange, PetscMPIInt to, PetscMPIInt from, TpState *state, double *idle)
{
  const double scale = sqrt(exchange->ladder->temperature[exchange->rung] / exchange->ladder->temperature[from]);
  MPI_Request  request[2];

  PetscFunctionBeginUser;
  TpStatePack(state, exchange->sent);
  PetscCallMPI(MPI_Irecv(exchange->received, exchange->packed_size, MPI_DOUBLE, from, TP_TAG_SWAP_STATE, exchange->comm,
                         &request[0]));
  PetscCallMPI(
      MPI_Isend(exchange->sent, exchange->packed_size, MPI_DOUBLE, to, TP_TAG_SWAP_STATE, exchange->comm, &request[1]));
  PetscCall(TpWait(2, request, idle));
  TpStateUnpack(exchange->received, state);
  for (PetscInt i = 0; i < state->size; ++i) state->v[i] *= scale; /* from that rung's temperature to mine */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TradeOffers(TpExchange exchange, PetscMPIInt partner, const TpOffer *mine, TpOffer *theirs,
                                  double *idle)
{
  MPI_Request request[2];

  PetscFunctionBeginUser;
  PetscCallMPI(
      MPI_Irecv(theirs, (int)sizeof(TpOffer), MPI_BYTE, partner, TP_TAG_SWAP_ENERGY, exchange->comm, &request[0]));
  PetscCallMPI(
      MPI_Isend(mine, (int)sizeof(TpOffer), MPI_BYTE, partner, TP_TAG_SWAP_ENERGY, exchange->comm, &request[1]));
  PetscCall(TpWait(2, request, idle));
  PetscCall(TpExchangeCheckOffer(exchange, partner, mine, theirs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* deo and seo: with one neighbour. */
static PetscErrorCode TryNeighbour(TpExchange exchange, PetscInt64 attempt, TpState *state, TpSwap *swap, double *idle)
{
  const TpLadder    ladder = exchange->ladder;
  const PetscMPIInt rung = exchange->rung, partner = (PetscMPIInt)TpLadderPartner(ladder, attempt, rung);
  const TpOffer     mine = TpExchangeOffer(exchange, attempt, state->energy);
  TpOffer           theirs;
  double            number;

  PetscFunctionBeginUser;
  swap->partner = partner;
  if (partner < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TradeOffers(exchange, partner, &mine, &theirs, idle));
  TpRandomUniform(ladder->seed, TP_RANDOM_SWAP, (uint32_t)PetscMin(rung, partner), (uint64_t)attempt, 1, &number);
  swap->probability = TpLadderProbability(ladder, rung, partner, mine.energy, theirs.energy);
  swap->accepted    = number < swap->probability ? PETSC_TRUE : PETSC_FALSE;
  if (swap->accepted) PetscCall(TpExchangeMove(exchange, partner, partner, state, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpExchangeAttempt(TpExchange exchange, PetscInt64 attempt, TpState *state, TpSwap *swap, double *idle)
{
  PetscFunctionBeginUser;
  PetscCheck(TpStatePackedSize(state->size) == exchange->packed_size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a state of %" PetscInt_FMT " coordinates", state->size);
  *swap = (TpSwap){.partner = -1};
  if (exchange->ladder->scheme == TP_SCHEME_GIBBS)
    PetscCall(TpExchangeAllPairs(exchange, attempt, state, swap, idle));
  else
    PetscCall(TryNeighbour(exchange, attempt, state, swap, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
