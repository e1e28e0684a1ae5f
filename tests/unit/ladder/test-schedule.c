/* Who tries with whom, and with what probability. */
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>
#include <string.h>

static PetscErrorCode Ladder(PetscInt num_rungs, PetscInt scheme, TpLadder *ladder)
{
  TpLadderSettings settings = {
      .minimum = 1, .maximum = num_rungs > 1 ? 3 : 1, .num_rungs = num_rungs, .scheme = scheme};

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 5, ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs (i, i + 1) with i of the parity try, nobody else: end rungs idle where they have no neighbour. */
static void ExpectParity(TpLadder ladder, PetscInt64 attempt, PetscInt parity)
{
  for (PetscInt rung = 0; rung < ladder->num_rungs; ++rung) {
    PetscInt expected = (rung + parity) % 2 == 0 ? rung + 1 : rung - 1;

    if (expected >= ladder->num_rungs) expected = -1;
    TpTestExpectThat(TpLadderPartner(ladder, attempt, rung) == expected, "attempt %d, rung %d of %d", (int)attempt,
                     (int)rung, (int)ladder->num_rungs);
  }
}

static void CheckDEO(void)
{
  for (PetscInt num_rungs = 1; num_rungs <= 9; ++num_rungs) {
    TpLadder ladder;

    TpTestCall(Ladder(num_rungs, TP_SCHEME_DEO, &ladder));
    for (PetscInt64 attempt = 0; attempt < 6; ++attempt) ExpectParity(ladder, attempt, (PetscInt)(attempt % 2));
    ExpectParity(ladder, ((PetscInt64)1 << 40) + 1, 1);
    TpTestCall(TpLadderDestroy(&ladder));
  }
}

/* Either parity, at random: 10,000 attempts, fixed seed; false alarm of 4 standard errors: 6e-5 each. */
static void CheckSEO(void)
{
  const PetscInt num_attempts = 10000;

  for (PetscInt num_rungs = 2; num_rungs <= 7; ++num_rungs) {
    TpLadder ladder;
    PetscInt num_even = 0, num_repeated = 0, last = -1;

    TpTestCall(Ladder(num_rungs, TP_SCHEME_SEO, &ladder));
    for (PetscInt64 attempt = 0; attempt < num_attempts; ++attempt) {
      const PetscInt parity = TpLadderPartner(ladder, attempt, 0) == 1 ? 0 : 1;

      ExpectParity(ladder, attempt, parity);
      num_even += 1 - parity;
      num_repeated += parity == last;
      last = parity;
    }
    TpTestExpectClose(num_even, num_attempts / 2, 4 * sqrt(num_attempts / 4));
    TpTestExpectClose(num_repeated, num_attempts / 2, 4 * sqrt(num_attempts / 4));
    TpTestCall(TpLadderDestroy(&ladder));
  }
}

static void CheckNoPartners(PetscInt scheme)
{
  TpLadder ladder;

  TpTestCall(Ladder(4, scheme, &ladder));
  for (PetscInt64 attempt = 0; attempt < 4; ++attempt)
    for (PetscInt rung = 0; rung < 4; ++rung) TpTestExpectEqual(TpLadderPartner(ladder, attempt, rung), -1);
  TpTestCall(TpLadderDestroy(&ladder));
}

static void CheckProbability(void)
{
  const double bad[] = {NAN, INFINITY, -INFINITY};
  TpLadder     ladder;

  TpTestCall(Ladder(3, TP_SCHEME_DEO, &ladder)); /* temperatures 1, sqrt(3), 3 */
  TpTestExpectClose(TpLadderProbability(ladder, 0, 2, -3, -1.5), exp(-1), 1e-15);
  TpTestExpectClose(TpLadderProbability(ladder, 0, 2, -1.5, -3), 1,
                    0); /* the cold rung gets the lower energy: always */
  TpTestExpectClose(TpLadderProbability(ladder, 0, 1, 2, 4), exp(-2 * (1 - 1 / sqrt(3))), 1e-15);
  TpTestExpectClose(TpLadderProbability(ladder, 1, 2, 7, 7), 1, 0);
  TpTestExpectClose(TpLadderProbability(ladder, 0, 1, -1e308, 1e308), 0, 0);
  TpTestExpectClose(TpLadderProbability(ladder, 0, 1, 1e308, -1e308), 1, 0);
  for (PetscInt i = 0; i < 100; ++i) { /* the same bits from both sides */
    double energy[2], one, other;

    TpRandomNormal(3, TP_RANDOM_TEST, 0, (uint64_t)i, 2, energy);
    one   = TpLadderProbability(ladder, 0, 1, energy[0], energy[1]);
    other = TpLadderProbability(ladder, 1, 0, energy[1], energy[0]);
    TpTestExpectThat(!memcmp(&one, &other, sizeof(one)), "%.17g and %.17g", one, other);
    TpTestExpectClose(one, fmin(1, exp((ladder->beta[0] - ladder->beta[1]) * (energy[0] - energy[1]))), 1e-15);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    TpTestExpectClose(TpLadderProbability(ladder, 0, 1, bad[i], 1), 0, 0);
    TpTestExpectClose(TpLadderProbability(ladder, 0, 1, 1, bad[i]), 0, 0);
    TpTestExpectClose(TpLadderProbability(ladder, 0, 1, bad[i], bad[i]), 0, 0);
  }
  TpTestCall(TpLadderDestroy(&ladder));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckDEO();
  CheckSEO();
  CheckNoPartners(TP_SCHEME_GIBBS);
  CheckNoPartners(TP_SCHEME_NONE);
  CheckProbability();
  TpTestExpect(!strcmp(tp_scheme_words[TP_SCHEME_DEO], "deo") && !strcmp(tp_scheme_words[TP_SCHEME_SEO], "seo"));
  TpTestExpect(!strcmp(tp_scheme_words[TP_SCHEME_GIBBS], "gibbs") && !strcmp(tp_scheme_words[TP_SCHEME_NONE], "none"));
  TpTestExpect(tp_scheme_words[TP_SCHEME_NONE + 1] == NULL);
  return TpTestEnd();
}
