/* Barrier, round trips, numbers of rungs and spacing, against closed forms. */
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { MAX_RUNGS = 40 };

static void CheckSums(void)
{
  const double rejection[] = {0.5, 0.2, 0.75};

  TpTestExpectClose(TpBarrierSum(3, rejection), 1.45, 1e-15);
  /* E = 1 + 1/4 + 3 */
  TpTestExpectClose(TpBarrierRoundTripRate(TP_SCHEME_DEO, 3, rejection), 1 / 10.5, 1e-15);
  TpTestExpectClose(TpBarrierRoundTripRate(TP_SCHEME_SEO, 3, rejection), 1 / 14.5, 1e-15);
  TpTestExpect(isnan(TpBarrierRoundTripRate(TP_SCHEME_NONE, 3, rejection)));
  TpTestExpectClose(TpBarrierRoundTripRate(TP_SCHEME_DEO, 1, (const double[]){1}), 0, 0); /* nobody passes */
}

/* Of all ladders of equal rejections Lambda / N, the advised number N of intervals makes the most round trips per rung; for a large barrier. */
static void CheckBestRungs(void)
{
  const double   barrier = 12.2;
  const PetscInt best    = TpBarrierBestRungs(barrier);
  double         rate[2 * MAX_RUNGS], highest = 0;

  TpTestExpectEqual(best, 26);
  for (PetscInt n = 13; n < 2 * MAX_RUNGS; ++n) {
    for (PetscInt i = 0; i < n; ++i) rate[i] = barrier / (double)n;
    highest = fmax(highest, TpBarrierRoundTripRate(TP_SCHEME_DEO, n, rate) / (double)(n + 1));
  }
  for (PetscInt i = 0; i < best - 1; ++i) rate[i] = barrier / (double)(best - 1);
  TpTestExpectThat(TpBarrierRoundTripRate(TP_SCHEME_DEO, best - 1, rate) / (double)best > 0.99 * highest,
                   "%d rungs are not the best", (int)best);
  TpTestExpectEqual(TpBarrierBestRungs(0), 2);
  TpTestExpectEqual(TpBarrierBestRungs(0.5), 2);
  TpTestExpectEqual(TpBarrierBestRungs(0.51), 3);
}

/* Energies of variance s^2 at every rung: the mean of min(1, exp(-d (U - U'))), U - U' normal with mean d s^2 and variance 2 s^2, is erfc(d s / 2). */
static void CheckLengths(void)
{
  const double s = 3, path = 1.5; /* from beta 2 to 0.5 */
  const double length = s * path / sqrt(acos(-1.0));

  for (PetscInt n = 1; n <= 16; n *= 2) {
    const double rejection = erf(path / (double)n * s / 2);

    TpTestExpectClose(TpBarrierLength(rejection) * (double)n, length, 1e-9);
    TpTestExpectClose(TpBarrierRejection(length / (double)n), rejection, 1e-12);
    TpTestExpectEqual(TpBarrierRungsFor(length, 1 - rejection), n + 1);
    TpTestExpectEqual(TpBarrierRungsFor(length, 1 - rejection + 1e-6), n + 2);
  }
  TpTestExpectClose(TpBarrierLength(0), 0, 1e-15);
  TpTestExpectClose(TpBarrierLength(1e-4), 1e-4, 1e-11); /* the same to third order */
  TpTestExpect(TpBarrierLength(1) < 10);
  TpTestExpectEqual(TpBarrierRungsFor(0, 0.3), 2);
}

/* Cumulative barrier as a function of beta, from 1 on the left down to 0.1. */
typedef double (*Cumulative)(double beta);

static double Even(double beta)
{
  return 4 * (1 - beta);
}
static double Power(double beta)
{
  return 1 / sqrt(beta) - 1;
}
static double Step(double beta) /* all of it around beta = 0.4 */
{
  return 1 - tanh((beta - 0.4) / 0.05);
}

static void CheckSpacing(Cumulative cumulative, PetscInt num_pairs, PetscInt num_rungs, double tolerance)
{
  double beta[MAX_RUNGS], barrier[MAX_RUNGS], spaced[MAX_RUNGS];

  for (PetscInt i = 0; i <= num_pairs; ++i) beta[i] = pow(0.1, (double)i / (double)num_pairs);
  for (PetscInt i = 0; i < num_pairs; ++i) barrier[i] = cumulative(beta[i + 1]) - cumulative(beta[i]);
  TpBarrierSpace(num_pairs, beta, barrier, num_rungs, spaced);
  TpTestExpectClose(spaced[0], 1, 0);
  TpTestExpectClose(spaced[num_rungs - 1], beta[num_pairs], 0);
  for (PetscInt k = 0; k + 1 < num_rungs; ++k) {
    const double share = (cumulative(spaced[k + 1]) - cumulative(spaced[k])) / TpBarrierSum(num_pairs, barrier);

    TpTestExpectThat(spaced[k + 1] < spaced[k], "rung %d at %g after %g", (int)k + 1, spaced[k + 1], spaced[k]);
    TpTestExpectThat(fabs(share * (double)(num_rungs - 1) - 1) < tolerance, "interval %d of %d has %g of the barrier",
                     (int)k, (int)num_rungs - 1, share);
  }
}

/* An interval without any barrier is stepped over, and nothing turns back. */
static void CheckFlat(void)
{
  const double beta[] = {1, 0.8, 0.5, 0.4, 0.1}, barrier[] = {0.3, 0, 0, 0.6};
  double       spaced[4];

  TpBarrierSpace(4, beta, barrier, 4, spaced);
  TpTestExpect(spaced[0] == 1 && spaced[1] <= 0.8 + 1e-6 && spaced[1] >= 0.4 - 1e-6 && spaced[2] < 0.4 &&
               spaced[2] > 0.1 && spaced[3] == 0.1);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckSums();
  CheckBestRungs();
  CheckLengths();
  CheckSpacing(Even, 6, 6, 1e-9);
  CheckSpacing(Even, 6, 17, 1e-9);
  CheckSpacing(Power, 30, 11, 0.01);
  CheckSpacing(Power, 10, 30, 0.05);
  CheckSpacing(Step, 36, 8, 0.1);
  CheckFlat();
  return TpTestEnd();
}
