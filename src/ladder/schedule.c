/* Who tries to swap with whom, and with what probability: pure functions. */
#include "tempera/ladder.h"

#include <math.h>

const char *const tp_scheme_words[] = {"deo", "seo", "gibbs", "none", NULL};

/* Pairs (i, i + 1) with i of this parity try to swap. */
static PetscInt Parity(TpLadder ladder, PetscInt64 attempt)
{
  if (ladder->scheme == TP_SCHEME_DEO) return (PetscInt)(attempt & 1);
  return (PetscInt)(TpRandomBits(ladder->seed, TP_RANDOM_SCHEDULE, 0, (uint64_t)attempt) & 1);
}

PetscInt TpLadderPartner(TpLadder ladder, PetscInt64 attempt, PetscInt rung)
{
  PetscInt partner;

  if (ladder->scheme != TP_SCHEME_DEO && ladder->scheme != TP_SCHEME_SEO) return -1;
  partner = (rung & 1) == Parity(ladder, attempt) ? rung + 1 : rung - 1;
  return partner < ladder->num_rungs ? partner : -1;
}

double TpLadderProbability(TpLadder ladder, PetscInt i, PetscInt j, double energy_i, double energy_j)
{
  double exponent;

  if (!isfinite(energy_i) || !isfinite(energy_j)) return 0;
  exponent = (ladder->beta[i] - ladder->beta[j]) * (energy_i - energy_j);
  return exponent >= 0 ? 1 : exp(exponent);
}
