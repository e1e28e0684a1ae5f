/* MBAR on harmonic oscillators with known free energies: estimates and the calibration of their errors. */
#include "mbar-samples.h"
#include "test.h"

enum { REPEATS = 200 };

typedef struct {
  PetscInt   num_states;
  int        half_freedom;
  double     ratio;
  PetscInt64 count;
  double     least, most; /* overlap of neighbours, as if these were alone */
} Case;

/* Neighbours' differences are nearly independent of each other; f of the last rung is their sum. */
static void AddScores(const Oscillators *system, const TpMbarResult *result, Scores *neighbours, Scores *last)
{
  const PetscInt num = system->num_states;

  for (PetscInt k = 1; k < num; ++k) {
    const double *c        = result->covariance;
    const double  variance = c[k * num + k] + c[(k - 1) * num + k - 1] - 2.0 * c[k * num + k - 1];
    const double  exact    = OscillatorsFreeEnergy(system, k) - OscillatorsFreeEnergy(system, k - 1);

    ScoresAdd(neighbours, (result->f[k] - result->f[k - 1] - exact) / sqrt(variance));
  }
  ScoresAdd(last, (result->f[num - 1] - OscillatorsFreeEnergy(system, num - 1)) / result->error[num - 1]);
}

/*
  Standardised errors have mean 0 and variance 1. Of `independent` numbers the mean has the standard error 1 / sqrt(n) and the mean square
  sqrt(2 / n); bounds are 4 of them (false alarm 6e-5 each). More than 3 errors away are 0.27 %; the bound is the binomial mean plus 4 of its standard
  deviations and 2, as the tails of small data sets are a little heavier.
*/
static void Check(const Scores *scores, double independent, const char *name, const Case *test)
{
  const double   mean    = scores->sum / scores->count;
  const double   square  = scores->square / scores->count;
  const double   nominal = 0.0027 * scores->count;
  const PetscInt bound   = (PetscInt)(nominal + 4.0 * sqrt(nominal * scores->count / independent) + 2.0);

  TpTestExpectThat(fabs(mean) < 4.0 / sqrt(independent), "K = %d, ratio %g, %s: mean z is %g", (int)test->num_states,
                   test->ratio, name, mean);
  TpTestExpectThat(fabs(square - 1.0) < 4.0 * sqrt(2.0 / independent), "K = %d, ratio %g, %s: mean square of z is %g",
                   (int)test->num_states, test->ratio, name, square);
  TpTestExpectThat(scores->outside <= bound, "K = %d, ratio %g, %s: %d of %d are more than 3 errors away",
                   (int)test->num_states, test->ratio, name, (int)scores->outside, (int)scores->count);
}

static PetscErrorCode Calibration(Case test)
{
  Oscillators system;
  Scores      neighbours = {0}, last = {0};
  double      overlap = 0.0;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(test.num_states, test.half_freedom, test.ratio, test.count, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    TpMbarResult result;
    TpMbar       mbar;

    PetscCall(OscillatorsDraw(&system, (uint64_t)repeat));
    PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, NULL, &mbar));
    PetscCall(TpMbarSolve(mbar, &result));
    AddScores(&system, &result, &neighbours, &last);
    overlap += result.least_overlap / REPEATS;
    TpTestExpectThat(result.gradient <= 1e-10 && result.weight_error <= 1e-8, "gradient %g, weights %g",
                     result.gradient, result.weight_error);
    PetscCall(TpMbarDestroy(&mbar));
  }
  PetscCall(OscillatorsDestroy(&system));
  TpTestExpectThat(overlap > test.least && overlap < test.most, "K = %d, ratio %g: overlap is %g", (int)test.num_states,
                   test.ratio, overlap);
  /* where many rungs overlap, neighbouring differences share samples: as many count as independent as rungs fit side by side */
  Check(&neighbours, REPEATS * (test.num_states > 2 ? test.num_states / 6.0 : 1.0), "neighbours", &test);
  Check(&last, REPEATS, "last", &test);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Exact values at temperatures between and beyond the rungs, too: F, U, C_v, S of 200 data sets with K = 4. C_v only between them: beyond, its
  error stands on the same few samples in the tail as itself; test-mbar-double-well.c tests it with more samples.
*/
static PetscErrorCode Temperatures(void)
{
  enum { NUM = 3 };
  const Case   test             = {.num_states = 4, .ratio = 1.3};
  const double temperature[NUM] = {0.85, 1.5, 2.5};
  const char  *names[4]         = {"F", "U", "C_v", "S"};
  Scores       scores[NUM][4]   = {{{0}}};
  Oscillators  system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(4, 5, 1.3, 800, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    TpMbarPoint  point[NUM];
    TpMbarResult result;
    TpMbar       mbar;

    PetscCall(OscillatorsDraw(&system, (uint64_t)repeat));
    PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, NULL, &mbar));
    PetscCall(TpMbarSolve(mbar, &result));
    PetscCall(TpMbarAtTemperatures(mbar, NUM, temperature, point));
    for (int i = 0; i < NUM; ++i) {
      const double t = temperature[i], m = 5.0;

      ScoresAdd(&scores[i][0], (point[i].free_energy + t * m * log(t)) / point[i].free_energy_error);
      ScoresAdd(&scores[i][1], (point[i].energy - m * t) / point[i].energy_error);
      ScoresAdd(&scores[i][2], (point[i].heat_capacity - m) / point[i].heat_capacity_error);
      ScoresAdd(&scores[i][3], (point[i].entropy - m - m * log(t)) / point[i].entropy_error);
    }
    PetscCall(TpMbarDestroy(&mbar));
  }
  for (int i = 0; i < NUM; ++i) {
    for (int j = 0; j < 4; ++j) {
      if (j != 2 || i == 1) Check(&scores[i][j], REPEATS, names[j], &test);
    }
  }
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 128 rungs, a quarter of them without samples: each f within 5 of its errors, which neighbours share (false alarm below 128 x 6e-7). */
static PetscErrorCode ManyRungs(void)
{
  Oscillators  system;
  TpMbarResult result;
  TpMbar       mbar;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(128, 8, 1.03, 100, &system));
  PetscCall(OscillatorsDraw(&system, 31));
  PetscInt64 kept = 0, from = 0;
  for (PetscInt k = 0; k < 128; ++k, from += 100) {
    if (k % 4 == 2) {
      system.count[k] = 0;
      continue;
    }
    PetscCall(PetscArraymove(&system.energy[kept], &system.energy[from], 100));
    kept += 100;
  }
  PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  for (PetscInt k = 1; k < 128; ++k)
    TpTestExpectThat(fabs(result.f[k] - OscillatorsFreeEnergy(&system, k)) < 5.0 * result.error[k],
                     "f of rung %d: %g +- %g, exact %g", (int)k, result.f[k], result.error[k],
                     OscillatorsFreeEnergy(&system, k));
  TpTestExpectThat(result.warnings == TP_MBAR_EMPTY_STATE, "warnings %u", result.warnings);
  TpTestExpect(result.gradient < 1e-10 && result.weight_error < 1e-9);
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(Calibration((Case){2, 4, 1.05, 200, 0.49, 0.50}));
  TpTestCall(Calibration((Case){2, 8, 1.5, 200, 0.35, 0.45}));
  TpTestCall(Calibration((Case){2, 30, 1.9, 1000, 0.05, 0.07}));
  TpTestCall(Calibration((Case){32, 10, 1.1, 100, 0.49, 0.50}));
  TpTestCall(Calibration((Case){32, 30, 1.6, 60, 0.10, 0.15}));
  TpTestCall(Calibration((Case){32, 30, 1.9, 100, 0.03, 0.06}));
  TpTestCall(Temperatures());
  TpTestCall(ManyRungs());
  return TpTestEnd();
}
