/* The verdict on a model's samples, in planted cases: exact ones are called good, wrong ones bad. Fixed seeds. */
#include "test.h"

#include "tempera/thermo.h"

#include <math.h>

enum { NUM_FEATURES = 2, REFERENCE = 8000, MODEL = 2000, REPLICATES = 50, BLOCK = 40, REPEATS = 150, BINS = 36 };

typedef enum { EXACT, SHIFTED, NARROW, DROPPED } Plant;

/* Normal numbers that remember their predecessors, statistical inefficiency (1 + rho) / (1 - rho). */
static void Remember(double rho, PetscInt count, double z[])
{
  for (PetscInt i = 1; i < count; ++i) z[i] = rho * z[i - 1] + sqrt(1.0 - rho * rho) * z[i];
}

/*
  Two wells of width 0.3 at -1 (70 %) and 1, and an angle about 2 radians that has to do with the position in the well. `rho` 0: independent samples.
  SHIFTED: by a fifth; NARROW: wells 0.7 times as wide; DROPPED: the second well is missing.
*/
static PetscErrorCode Draw(Plant plant, double rho, uint64_t seed, PetscInt count, float features[])
{
  double *z[3];

  PetscFunctionBeginUser;
  for (int i = 0; i < 3; ++i) {
    PetscCall(PetscMalloc1(count, &z[i]));
    TpRandomNormal(seed, TP_RANDOM_TEST, (uint32_t)i, 0, count, z[i]);
    Remember(rho, count, z[i]);
  }
  for (PetscInt i = 0; i < count; ++i) {
    const double place = (z[0][i] < 0.5244 || plant == DROPPED ? -1.0 : 1.0) + (plant == SHIFTED ? 0.2 : 0.0);
    const double angle = 2.0 + 0.6 * (0.6 * z[1][i] + 0.8 * z[2][i]);

    features[2 * i]     = (float)(place + (plant == NARROW ? 0.21 : 0.3) * z[1][i]);
    features[2 * i + 1] = (float)remainder(angle, 2.0 * PETSC_PI);
  }
  for (int i = 0; i < 3; ++i) PetscCall(PetscFree(z[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Histograms of both features. */
static void Count(PetscInt count, const float features[], int32_t bin[])
{
  for (PetscInt i = 0; i < count; ++i) {
    bin[i]         = (int32_t)PetscMin(PetscMax((features[2 * i] + 2.5) / 5.0 * BINS, 0.0), BINS - 1.0);
    bin[count + i] = (int32_t)PetscMin((features[2 * i + 1] / (2.0 * PETSC_PI) + 0.5) * BINS, BINS - 1.0);
  }
}

/* One rung, whose own samples are the reference. */
static PetscErrorCode CheckWells(Plant plant, uint64_t seed, double *p)
{
  const PetscInt64 count       = REFERENCE;
  const double     temperature = 1.0;
  const double     period[] = {0.0, 2.0 * PETSC_PI}, centre[] = {-0.4, 0.0}, width[] = {1.0, 1.0};
  TpDistance       distance[1 + NUM_FEATURES];
  const PetscInt   sizes[] = {BINS, BINS};
  TpDivergence     divergence[NUM_FEATURES];
  TpCrossResult    result = {.distance = distance, .divergence = divergence};
  int32_t         *bin, *model_bin;
  TpMbarResult     solution;
  float           *reference, *model;
  double          *energy;
  TpMbar           mbar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(NUM_FEATURES * REFERENCE, &reference, NUM_FEATURES * MODEL, &model, REFERENCE, &energy,
                         NUM_FEATURES * REFERENCE, &bin, NUM_FEATURES * MODEL, &model_bin));
  PetscCall(Draw(EXACT, 0.8, 2 * seed, REFERENCE, reference));
  PetscCall(Draw(plant, 0.0, 2 * seed + 1, MODEL, model));
  Count(REFERENCE, reference, bin);
  Count(MODEL, model, model_bin);
  for (PetscInt i = 0; i < REFERENCE; ++i) energy[i] = (double)i / REFERENCE;
  PetscCall(TpMbarCreateLadder(PETSC_COMM_SELF, 1.0, 1, &temperature, &count, energy, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &solution));
  PetscCall(TpMbarSetBlocks(mbar, BLOCK));
  TpComparison comparison = {
      .kind = TP_REFERENCE_STATE, .count = MODEL, .total = MODEL, .features = model, .bin = model_bin};
  TpCrossTask task = {.num_features    = NUM_FEATURES,
                      .period          = period,
                      .centre          = centre,
                      .width           = width,
                      .num_samples     = REFERENCE,
                      .features        = reference,
                      .num_histograms  = NUM_FEATURES,
                      .histogram_size  = sizes,
                      .bin             = bin,
                      .num_comparisons = 1,
                      .comparison      = &comparison,
                      .replicates      = REPLICATES,
                      .seed            = seed,
                      .alarm           = 0.01};

  PetscCall(TpCrossCheck(mbar, PETSC_COMM_SELF, &task, &result));
  *p = result.p;
  TpTestExpect(result.worse == (result.p < 0.01));
  TpTestExpect((distance[0].value > distance[0].limit) == (distance[0].p < 0.01 / 5.0));
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree5(reference, model, energy, bin, model_bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 890 uncorrelated samples beside 2000 of the model, false-alarm rate 1 %. Wrong models are found in all of 10 data sets. */
static PetscErrorCode PlantedCases(void)
{
  const Plant plants[] = {SHIFTED, NARROW, DROPPED};

  PetscFunctionBeginUser;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (int i = 0; i < 3; ++i) {
      double p;

      PetscCall(CheckWells(plants[i], seed, &p));
      TpTestExpectThat(p < 0.01, "plant %d, data set %d: p %g", (int)plants[i], (int)seed, p);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exact samples are called worse no more often than said, within 3 binomial errors (the tests are not independent: it is fewer), and not never. */
static PetscErrorCode ExactIsGood(void)
{
  int alarms[3] = {0};

  PetscFunctionBeginUser;
  for (uint64_t seed = 100; seed < 100 + REPEATS; ++seed) {
    double p;

    PetscCall(CheckWells(EXACT, seed, &p));
    alarms[0] += p < 0.01;
    alarms[1] += p < 0.1;
    alarms[2] += p < 0.5;
  }
  TpTestExpectThat(alarms[0] <= 5, "p < 0.01 in %d of %d", alarms[0], (int)REPEATS);
  TpTestExpectThat(alarms[1] <= 26 && alarms[1] >= 3, "p < 0.1 in %d of %d", alarms[1], (int)REPEATS);
  TpTestExpectThat(alarms[2] <= 93 && alarms[2] >= 25, "p < 0.5 in %d of %d", alarms[2], (int)REPEATS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- ladder */

enum { RUNGS = 3, OF_RUNG = 3000 };

/* x of a harmonic well, U = x^2 / 2 and k_B = 1, so that x is normal with variance T. */
static PetscErrorCode CheckLadder(const TpComparison *reference, double model_variance, double mixed_variance,
                                  double *p)
{
  const double  temperature[RUNGS] = {1.0, 1.5, 2.25}, zero = 0.0, one = 1.0;
  PetscInt64    count[RUNGS];
  float        *x, *model;
  double       *z, *energy;
  TpDistance    distance;
  TpCrossResult result = {.distance = &distance};
  TpMbarResult  solution;
  TpMbar        mbar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(RUNGS * OF_RUNG, &x, MODEL, &model, RUNGS * OF_RUNG, &z, RUNGS * OF_RUNG, &energy));
  TpRandomNormal(5, TP_RANDOM_TEST, 0, 0, RUNGS * OF_RUNG, z);
  for (PetscInt i = 0; i < RUNGS * OF_RUNG; ++i) {
    x[i]      = (float)(sqrt(temperature[i / OF_RUNG]) * z[i]);
    energy[i] = 0.5 * (double)x[i] * (double)x[i];
  }
  TpRandomNormal(6, TP_RANDOM_TEST, 0, 0, MODEL, z);
  for (PetscInt i = 0; i < MODEL; ++i) model[i] = (float)(sqrt(i % 2 ? mixed_variance : model_variance) * z[i]);
  for (PetscInt k = 0; k < RUNGS; ++k) count[k] = OF_RUNG;
  PetscCall(TpMbarCreateLadder(PETSC_COMM_SELF, 1.0, RUNGS, temperature, count, energy, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &solution));
  TpComparison comparison = *reference;

  comparison.count       = MODEL;
  comparison.total       = MODEL;
  comparison.features    = model;
  const TpCrossTask task = {.num_features    = 1,
                            .period          = &zero,
                            .centre          = &zero,
                            .width           = &one,
                            .num_samples     = RUNGS * OF_RUNG,
                            .features        = x,
                            .num_comparisons = 1,
                            .comparison      = &comparison,
                            .replicates      = REPLICATES,
                            .seed            = 3,
                            .alarm           = 0.01};

  PetscCall(TpCrossCheck(mbar, PETSC_COMM_SELF, &task, &result));
  *p = result.p;
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree4(x, model, z, energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Between the rungs, and under a label that mixes two of them. False-alarm rate 1 % for each of the four. */
static PetscErrorCode Reweighted(void)
{
  const double       mixed[] = {1.0, 2.25}, share[] = {0.5, 0.5};
  const TpComparison pure    = {.kind = TP_REFERENCE_TEMPERATURE, .temperature = 1.2};
  const TpComparison mixture = {.kind = TP_REFERENCE_MIXTURE, .num_mixed = 2, .mixed = mixed, .share = share};
  double             p;

  PetscFunctionBeginUser;
  PetscCall(CheckLadder(&pure, 1.2, 1.2, &p));
  TpTestExpectThat(p > 0.01, "exact between the rungs: p %g", p);
  PetscCall(CheckLadder(&pure, 1.5, 1.5, &p));
  TpTestExpectThat(p < 0.01, "of the next rung: p %g", p);
  PetscCall(CheckLadder(&mixture, 1.0, 2.25, &p));
  TpTestExpectThat(p > 0.01, "exact mixture: p %g", p);
  PetscCall(CheckLadder(&pure, 1.0, 2.25, &p));
  TpTestExpectThat(p < 0.01, "mixture against the pure temperature: p %g", p);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- distances */

/* Energy distance of 60 and 50 points of three features, one of them periodic, against the sums over all pairs; directions are random: within 10 %. */
static PetscErrorCode DistanceOfPairs(void)
{
  enum { N = 60, M = 50, SIZE = 4 };
  const double period[] = {0.0, 2.0, 0.0}, centre[] = {0.0, 0.0, 1.0}, width[] = {1.0, 1.0, 2.0};
  double       z[3 * (N + M)], point[N + M][SIZE], pairs = 0.0, distance = 0.0, *p, *q;
  float        features[3 * (N + M)], *difference;
  int32_t     *bin;
  TpProjection projection;
  PetscInt     first, size;

  PetscFunctionBeginUser;
  TpRandomNormal(8, TP_RANDOM_TEST, 0, 0, 3 * (N + M), z);
  for (PetscInt i = 0; i < N + M; ++i) {
    for (int j = 0; j < 3; ++j) features[3 * i + j] = (float)(z[3 * i + j] * (i < N ? 1.0 : 0.6) + (i < N ? 0.0 : 0.5));
    point[i][0] = features[3 * i];
    point[i][1] = cos(PETSC_PI * features[3 * i + 1]);
    point[i][2] = sin(PETSC_PI * features[3 * i + 1]);
    point[i][3] = (features[3 * i + 2] - 1.0) / 2.0;
  }
  for (PetscInt i = 0; i < N + M; ++i) {
    for (PetscInt j = 0; j < N + M; ++j) {
      double square = 0.0;

      for (int k = 0; k < SIZE; ++k) square += PetscSqr(point[i][k] - point[j][k]);
      pairs -= (i < N ? 1.0 / N : -1.0 / M) * (j < N ? 1.0 / N : -1.0 / M) * sqrt(square);
    }
  }
  PetscCall(TpProjectionCreate(3, period, centre, width, 1, &projection));
  const PetscInt all = TpProjectionSize(projection), directions = all / TP_PROJECTION_BINS;

  PetscCall(PetscCalloc4(all, &p, all, &q, all, &difference, (N + M) * directions, &bin));
  PetscCall(TpProjectionBins(projection, N + M, features, bin));
  for (PetscInt i = 0; i < N + M; ++i)
    TpProjectionAdd(projection, i < N ? 1.0 / N : 1.0 / M, bin + i * directions, i < N ? p : q);
  TpProjectionDifference(projection, p, q, difference);
  TpProjectionView(projection, 0, &first, &size);
  for (PetscInt i = first; i < first + size; ++i) distance += PetscSqr((double)difference[i]);
  TpTestExpectClose(distance, pairs, 0.1 * pairs);
  PetscCall(PetscFree4(p, q, difference, bin));
  PetscCall(TpProjectionDestroy(&projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(PlantedCases());
  TpTestCall(ExactIsGood());
  TpTestCall(Reweighted());
  TpTestCall(DistanceOfPairs());
  return TpTestEnd();
}
