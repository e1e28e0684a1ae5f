/* How well the ladder mixes: acceptances of pairs, wanderings of walkers. */
#include "tempera/ladder.h"

#include <math.h>

PetscErrorCode TpLadderStatisticsCreate(PetscInt num_rungs, TpLadderStatistics *statistics)
{
  PetscFunctionBeginUser;
  PetscCheck(num_rungs >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " rungs", num_rungs);
  PetscCall(PetscNew(statistics));
  (*statistics)->num_rungs = num_rungs;
  PetscCall(PetscCalloc3(num_rungs - 1, &(*statistics)->attempts, num_rungs - 1, &(*statistics)->acceptances,
                         num_rungs - 1, &(*statistics)->probability));
  PetscCall(PetscCalloc3((size_t)num_rungs * num_rungs, &(*statistics)->visits, num_rungs, &(*statistics)->round_trips,
                         num_rungs, &(*statistics)->last_end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLadderStatisticsDestroy(TpLadderStatistics *statistics)
{
  PetscFunctionBeginUser;
  if (!*statistics) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*statistics)->attempts, (*statistics)->acceptances, (*statistics)->probability));
  PetscCall(PetscFree3((*statistics)->visits, (*statistics)->round_trips, (*statistics)->last_end));
  PetscCall(PetscFree(*statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddVisit(TpLadderStatistics statistics, PetscInt64 walker, PetscInt rung)
{
  const PetscInt top = statistics->num_rungs - 1;

  ++statistics->visits[walker * statistics->num_rungs + rung];
  if (top == 0) return; /* one rung: no trips */
  if (rung == 0) {
    if (statistics->last_end[walker] == 1) ++statistics->round_trips[walker];
    statistics->last_end[walker] = -1;
  }
  if (rung == top && statistics->last_end[walker] == -1) statistics->last_end[walker] = 1;
}

void TpLadderStatisticsAdd(TpLadderStatistics statistics, const PetscInt64 walker[], const TpSwap swaps[])
{
  for (PetscInt i = 0; i < statistics->num_rungs; ++i) {
    AddVisit(statistics, walker[i], i);
    if (swaps[i].partner != i + 1) continue;
    ++statistics->attempts[i];
    statistics->acceptances[i] += swaps[i].accepted ? 1 : 0;
    statistics->probability[i] += swaps[i].probability;
  }
}

double TpLadderRejection(TpLadderStatistics statistics, PetscInt i)
{
  return statistics->attempts[i] > 0 ? 1 - statistics->probability[i] / (double)statistics->attempts[i] : NAN;
}

double TpLadderBarrier(TpLadderStatistics statistics)
{
  double barrier = 0;

  for (PetscInt i = 0; i + 1 < statistics->num_rungs; ++i) barrier += TpLadderRejection(statistics, i);
  return barrier;
}

double TpLadderRoundTripRate(TpLadderStatistics statistics)
{
  double sum = 0;

  for (PetscInt i = 0; i + 1 < statistics->num_rungs; ++i) {
    const double rejection = TpLadderRejection(statistics, i);

    sum += rejection / (1 - rejection);
  }
  return 1 / (2 + 2 * sum) / (double)statistics->num_rungs;
}
