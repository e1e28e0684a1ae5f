/* What the ways to swap share. */
#pragma once

#include "tempera/ladder.h"

/** What others must know of a rung to decide; beta, attempt and seed only prove that all decide on the same grounds. **/
typedef struct {
  double     energy;
  double     beta;
  PetscInt64 attempt;
  uint64_t   seed;
} TpOffer;

struct TpExchange_ {
  TpLadder    ladder;
  MPI_Comm    comm;
  PetscMPIInt rung;
  PetscMPIInt packed_size;
  double     *sent;     /* [packed_size] */
  double     *received; /* [packed_size] */
  TpOffer    *offers;   /* [num_rungs] gibbs: of all rungs, beginning with this one and going round */
  double     *energy;   /* [num_rungs] gibbs: of all rungs before the attempt */
  PetscInt   *source;   /* [num_rungs] gibbs: where the configuration of each rung comes from */
};

/** This rung's offer. **/
TpOffer TpExchangeOffer(TpExchange exchange, PetscInt64 attempt, double energy);

/** Whether an offer from `rung` has the same grounds as mine. Errors: PETSC_ERR_PLIB: one side would wait for ever for the other's state. **/
PetscErrorCode TpExchangeCheckOffer(TpExchange exchange, PetscMPIInt rung, const TpOffer *mine, const TpOffer *theirs);

/** Send this rung's configuration to rung `to` and take that of rung `from`, velocities scaled from its temperature to mine. **/
PetscErrorCode TpExchangeMove(TpExchange exchange, PetscMPIInt to, PetscMPIInt from, TpState *state, double *idle);

/** An attempt of the scheme gibbs. Collective on the replica group. **/
PetscErrorCode TpExchangeAllPairs(TpExchange exchange, PetscInt64 attempt, TpState *state, TpSwap *swap, double *idle);
