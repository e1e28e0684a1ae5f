/* Acceptances, visits and round trips: counted by hand on small ladders, and against the theory of even/odd swaps. */
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { MAX_RUNGS = 6 };

/* One attempt on a ladder of `count` rungs in which pair i accepts with probability accept[i]. */
static void Round(TpLadder ladder, PetscInt64 attempt, const double accept[], PetscInt64 walker[],
                  TpLadderStatistics statistics)
{
  TpSwap swaps[MAX_RUNGS];

  for (PetscInt i = 0; i < ladder->num_rungs; ++i) {
    const PetscInt partner = TpLadderPartner(ladder, attempt, i);
    double         number;

    swaps[i] = (TpSwap){.partner = partner};
    if (partner < 0) continue;
    TpRandomUniform(9, TP_RANDOM_TEST, (uint32_t)PetscMin(i, partner), (uint64_t)attempt, 1, &number);
    swaps[i].probability = accept[PetscMin(i, partner)];
    swaps[i].accepted    = number < swaps[i].probability ? PETSC_TRUE : PETSC_FALSE;
  }
  TpLadderStatisticsAdd(statistics, walker, swaps);
  for (PetscInt i = 0; i < ladder->num_rungs; ++i) {
    if (!swaps[i].accepted || swaps[i].partner < i) continue;
    const PetscInt64 other = walker[i + 1];

    walker[i + 1] = walker[i];
    walker[i]     = other;
  }
}

/* Round trips per round and walker over many rounds. */
static PetscErrorCode Run(PetscInt num_rungs, const double accept[], PetscInt64 num_rounds,
                          TpLadderStatistics statistics, double *rate)
{
  TpLadderSettings settings = {.minimum = 1, .maximum = 2, .num_rungs = num_rungs};
  TpLadder         ladder;
  PetscInt64       walker[MAX_RUNGS], trips = 0;

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 5, &ladder));
  for (PetscInt i = 0; i < num_rungs; ++i) walker[i] = i;
  for (PetscInt64 round = 0; round < num_rounds; ++round) Round(ladder, round, accept, walker, statistics);
  for (PetscInt i = 0; i < num_rungs; ++i) trips += statistics->round_trips[i];
  *rate = (double)trips / (double)num_rounds / num_rungs;
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything accepted: each walker goes round in 2 R rounds. R = 4: after 8 n + 1 rounds walker 0 has been n times round. */
static PetscErrorCode CheckConveyor(void)
{
  const double       accept[] = {1, 1, 1};
  TpLadderStatistics statistics;
  double             rate;

  PetscFunctionBeginUser;
  PetscCall(TpLadderStatisticsCreate(4, &statistics));
  PetscCall(Run(4, accept, 8 * 10 + 1, statistics, &rate));
  TpTestExpectEqual(statistics->rounds, 81);
  TpTestExpectEqual(statistics->round_trips[0], 10);
  TpTestExpectEqual(statistics->trip_time[0], 79); /* it leaves the bottom at once, later after two rounds there */
  TpTestExpectEqual(statistics->shortest[0], 7);
  TpTestExpectEqual(statistics->longest[0], 8);
  TpTestExpectEqual(statistics->attempts[0], 41);
  TpTestExpectEqual(statistics->attempts[1], 40);
  TpTestExpectEqual(statistics->attempts[2], 41);
  for (PetscInt i = 0; i < 3; ++i) TpTestExpectEqual(statistics->acceptances[i], statistics->attempts[i]);
  TpTestExpectEqual(statistics->visits[0 * 4 + 0], 21); /* two rounds of each 8 at each rung, and the last */
  for (PetscInt i = 1; i < 4; ++i) TpTestExpectEqual(statistics->visits[0 * 4 + i], 20);
  for (PetscInt i = 0; i < 3; ++i) TpTestExpectClose(TpLadderRejection(statistics, i), 0, 0);
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  TpTestExpect(statistics == NULL);
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Only bottom -> top -> bottom is a round trip; a walker that starts at the top has made none when it first comes down. */
static PetscErrorCode CheckEnds(void)
{
  const PetscInt64   path[][3] = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}, {0, 2, 1}, {0, 1, 2}};
  const TpSwap       idle[3]   = {{.partner = -1}, {.partner = -1}, {.partner = -1}};
  TpLadderStatistics statistics;

  PetscFunctionBeginUser;
  PetscCall(TpLadderStatisticsCreate(3, &statistics));
  for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); ++i) TpLadderStatisticsAdd(statistics, path[i], idle);
  TpTestExpectEqual(statistics->round_trips[0], 1); /* bottom, middle, top, top, middle, bottom */
  TpTestExpectEqual(statistics->round_trips[1], 0); /* bottom at the second round, top at the fifth, not down again */
  TpTestExpectEqual(statistics->round_trips[2], 0); /* from the top down and up again */
  TpTestExpectEqual(TpLadderRoundTrips(statistics), 1);
  TpTestExpectEqual(statistics->trip_time[0], 5); /* from the first round to the sixth */
  TpTestExpectEqual(statistics->shortest[1], 0);
  TpTestExpectEqual(statistics->trip_begin[1], 1);
  TpTestExpectEqual(statistics->last_end[0], -1);
  TpTestExpectEqual(statistics->last_end[1], 1);
  TpTestExpectEqual(statistics->last_end[2], 1);
  for (PetscInt i = 0; i < 2; ++i) TpTestExpectEqual(statistics->attempts[i], 0);
  TpTestExpect(isnan(TpLadderRejection(statistics, 0)));
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A history written down by hand, three rungs; row: which walker is at each rung. Walker 0: 0 1 2 2 1 0 0 2 0 1, walker 1: 1 0 0 1 2 2 1 0 1 2,
  walker 2: 2 2 1 0 0 1 2 1 2 0. The last move is one round all three, which makes the counts of transitions asymmetric.
*/
static PetscErrorCode CheckHistory(void)
{
  const PetscInt64   path[][3]         = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1},
                                          {0, 2, 1}, {0, 1, 2}, {1, 2, 0}, {0, 1, 2}, {2, 0, 1}};
  const PetscInt64   transitions[3][3] = {{3, 5, 1}, {4, 0, 5}, {2, 4, 3}};
  const PetscInt64   visits[3][3]      = {{4, 3, 3}, {3, 4, 3}, {3, 3, 4}};
  const TpSwap       idle[3]           = {{.partner = -1}, {.partner = -1}, {.partner = -1}};
  TpLadderStatistics statistics;
  double             eigenvalue;

  PetscFunctionBeginUser;
  PetscCall(TpLadderStatisticsCreate(3, &statistics));
  for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); ++i) {
    PetscCall(TpLadderSecondEigenvalue(statistics, &eigenvalue));
    TpTestExpect(isnan(eigenvalue) == (i < 2));
    TpLadderStatisticsAdd(statistics, path[i], idle);
  }
  for (PetscInt i = 0; i < 3; ++i) {
    for (PetscInt j = 0; j < 3; ++j) {
      TpTestExpectEqual(statistics->transitions[i * 3 + j], transitions[i][j]);
      TpTestExpectEqual(statistics->visits[i * 3 + j], visits[i][j]);
    }
  }
  TpTestExpectEqual(statistics->round_trips[0], 2); /* rounds 0 to 5 and 5 to 8 */
  TpTestExpectEqual(statistics->trip_time[0], 8);
  TpTestExpectEqual(statistics->shortest[0], 3);
  TpTestExpectEqual(statistics->longest[0], 5);
  TpTestExpectEqual(statistics->round_trips[1], 1); /* first at the bottom in round 1, back in round 7 */
  TpTestExpectEqual(statistics->trip_time[1], 6);
  TpTestExpectEqual(statistics->round_trips[2], 1); /* rounds 3 to 9 */
  TpTestExpectEqual(statistics->trip_time[2], 6);
  TpTestExpectEqual(TpLadderRoundTrips(statistics), 4);
  /* (N + N^T) / 18 = [6 9 3; 9 0 9; 3 9 6] / 18 has the eigenvalues 1, 1/6 of (1, 0, -1), and -1/2 */
  PetscCall(TpLadderSecondEigenvalue(statistics, &eigenvalue));
  TpTestExpectClose(eigenvalue, 1.0 / 6, 1e-14);
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  One pair swaps in each round, all pairs in turn: a walk with the probability p = 1/(R-1) to each neighbour, reflected at the ends, whose
  eigenvalues are 1 - 2 p (1 - cos(pi k / R)).
*/
static PetscErrorCode CheckWalk(PetscInt num_rungs)
{
  const double       p = 1.0 / (double)(num_rungs - 1);
  TpSwap             idle[MAX_RUNGS];
  PetscInt64         walker[MAX_RUNGS];
  TpLadderStatistics statistics;
  double             eigenvalue;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < num_rungs; ++i) idle[i] = (TpSwap){.partner = -1};
  for (PetscInt i = 0; i < num_rungs; ++i) walker[i] = i;
  PetscCall(TpLadderStatisticsCreate(num_rungs, &statistics));
  for (PetscInt64 round = 0; round <= 10 * (num_rungs - 1); ++round) {
    const PetscInt   i     = (PetscInt)(round % (num_rungs - 1));
    const PetscInt64 other = walker[i + 1];

    TpLadderStatisticsAdd(statistics, walker, idle);
    walker[i + 1] = walker[i];
    walker[i]     = other;
  }
  PetscCall(TpLadderSecondEigenvalue(statistics, &eigenvalue));
  TpTestExpectClose(eigenvalue, 1 - 2 * p * (1 - cos(PETSC_PI / (double)num_rungs)), 1e-13);
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckOneRung(void)
{
  const PetscInt64   walker = 0;
  const TpSwap       idle   = {.partner = -1};
  TpLadderStatistics statistics;
  double             eigenvalue;

  PetscFunctionBeginUser;
  PetscCall(TpLadderStatisticsCreate(1, &statistics));
  for (int i = 0; i < 3; ++i) TpLadderStatisticsAdd(statistics, &walker, &idle);
  TpTestExpectEqual(statistics->round_trips[0], 0);
  TpTestExpectEqual(statistics->visits[0], 3);
  PetscCall(TpLadderSecondEigenvalue(statistics, &eigenvalue));
  TpTestExpect(isnan(eigenvalue));
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Attempts that accept independently with 1 - r: the prediction is then exact. 400,000 rounds, fixed seed. Round trips of one walker
  are renewals; with R walkers the relative error is below sqrt(1 / trips): 4 of them, false alarm below 6e-5.
*/
static PetscErrorCode CheckTheory(PetscInt num_rungs, const double accept[])
{
  const PetscInt64   num_rounds = 400000;
  TpLadderStatistics statistics;
  double             rate, predicted, rejection[MAX_RUNGS];

  PetscFunctionBeginUser;
  PetscCall(TpLadderStatisticsCreate(num_rungs, &statistics));
  PetscCall(Run(num_rungs, accept, num_rounds, statistics, &rate));
  for (PetscInt i = 0; i + 1 < num_rungs; ++i) {
    const double r = 1 - accept[i];

    rejection[i] = TpLadderRejection(statistics, i);
    TpTestExpectClose(rejection[i], r, 1e-9);
    TpTestExpectClose((double)statistics->acceptances[i] / (double)statistics->attempts[i], accept[i],
                      4 * sqrt(accept[i] * r / (double)statistics->attempts[i]));
  }
  predicted = TpBarrierRoundTripRate(TP_SCHEME_DEO, num_rungs - 1, rejection) / (double)num_rungs;
  TpTestExpectThat(fabs(rate / predicted - 1) < 4 / sqrt(predicted * num_rungs * (double)num_rounds),
                   "%d rungs: rate %g, predicted %g", (int)num_rungs, rate, predicted);
  PetscCall(TpLadderStatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const double even[] = {0.5, 0.5, 0.5, 0.5, 0.5}, uneven[] = {0.9, 0.3, 0.6, 0.8};

  TpTestBegin(&argc, &argv);
  TpTestCall(CheckConveyor());
  TpTestCall(CheckEnds());
  TpTestCall(CheckHistory());
  for (PetscInt n = 2; n <= MAX_RUNGS; ++n) TpTestCall(CheckWalk(n));
  TpTestCall(CheckOneRung());
  TpTestCall(CheckTheory(2, even));
  TpTestCall(CheckTheory(6, even));
  TpTestCall(CheckTheory(5, uneven));
  return TpTestEnd();
}
