/* How well the ladder mixes: acceptances of pairs, wanderings of walkers. */
#include "tempera/ladder.h"

#include <math.h>

PetscErrorCode TpLadderStatisticsCreate(PetscInt num_rungs, TpLadderStatistics *statistics)
{
  const size_t square = (size_t)num_rungs * (size_t)num_rungs;

  PetscFunctionBeginUser;
  PetscCheck(num_rungs >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " rungs", num_rungs);
  PetscCall(PetscNew(statistics));
  (*statistics)->num_rungs = num_rungs;
  PetscCall(PetscCalloc3(num_rungs - 1, &(*statistics)->attempts, num_rungs - 1, &(*statistics)->acceptances,
                         num_rungs - 1, &(*statistics)->probability));
  PetscCall(PetscCalloc3(square, &(*statistics)->transitions, num_rungs, &(*statistics)->place, square,
                         &(*statistics)->visits));
  PetscCall(PetscCalloc6(num_rungs, &(*statistics)->round_trips, num_rungs, &(*statistics)->trip_time, num_rungs,
                         &(*statistics)->shortest, num_rungs, &(*statistics)->longest, num_rungs,
                         &(*statistics)->trip_begin, num_rungs, &(*statistics)->last_end));
  for (PetscInt w = 0; w < num_rungs; ++w) (*statistics)->place[w] = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLadderStatisticsDestroy(TpLadderStatistics *statistics)
{
  PetscFunctionBeginUser;
  if (!*statistics) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*statistics)->attempts, (*statistics)->acceptances, (*statistics)->probability));
  PetscCall(PetscFree3((*statistics)->transitions, (*statistics)->place, (*statistics)->visits));
  PetscCall(PetscFree6((*statistics)->round_trips, (*statistics)->trip_time, (*statistics)->shortest,
                       (*statistics)->longest, (*statistics)->trip_begin, (*statistics)->last_end));
  PetscCall(PetscFree(*statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The walker is at the bottom again after it was at the top: the next trip begins now. */
static void EndTrip(TpLadderStatistics statistics, PetscInt64 walker)
{
  const PetscInt64 time = statistics->rounds - statistics->trip_begin[walker];

  statistics->shortest[walker] = statistics->round_trips[walker] ? PetscMin(statistics->shortest[walker], time) : time;
  statistics->longest[walker]  = PetscMax(statistics->longest[walker], time);
  statistics->trip_time[walker] += time;
  statistics->trip_begin[walker] = statistics->rounds;
  ++statistics->round_trips[walker];
}

static void AddVisit(TpLadderStatistics statistics, PetscInt64 walker, PetscInt rung)
{
  const PetscInt n = statistics->num_rungs, top = n - 1, before = statistics->place[walker];

  ++statistics->visits[walker * n + rung];
  if (before >= 0) ++statistics->transitions[before * n + rung];
  statistics->place[walker] = rung;
  if (top == 0) return; /* one rung: no trips */
  if (rung == 0) {
    if (statistics->last_end[walker] == 1) EndTrip(statistics, walker);
    if (statistics->last_end[walker] == 0) statistics->trip_begin[walker] = statistics->rounds;
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
  ++statistics->rounds;
}

PetscInt64 TpLadderRoundTrips(TpLadderStatistics statistics)
{
  PetscInt64 trips = 0;

  for (PetscInt w = 0; w < statistics->num_rungs; ++w) trips += statistics->round_trips[w];
  return trips;
}

double TpLadderRejection(TpLadderStatistics statistics, PetscInt i)
{
  return statistics->attempts[i] > 0 ? 1 - statistics->probability[i] / (double)statistics->attempts[i] : NAN;
}
