/*
  MBAR against its own equations written down directly, on a table of states: oscillators with different centres and strengths. And errors of
  correlated samples, and of the bootstrap.
*/
#include "mbar-samples.h"
#include "test.h"

enum { K = 4, PER_STATE = 60, N = K * PER_STATE, SEED = 640, REPEATS = 200 };

static const double centre[K]   = {0.0, 0.7, 1.5, 1.9};
static const double strength[K] = {1.0, 1.6, 1.2, 3.0};

static double Reduced(int k, double x)
{
  return 0.5 * strength[k] * (x - centre[k]) * (x - centre[k]);
}

static PetscErrorCode Rows(void *context, PetscInt64 first, PetscInt count, double u[])
{
  const double *x = context;

  PetscFunctionBeginUser;
  for (PetscInt n = 0; n < count; ++n) {
    for (int k = 0; k < K; ++k) u[n * K + k] = Reduced(k, x[first + n]) + 1000.0; /* a constant must not matter */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void DrawPositions(double x[N])
{
  for (int k = 0; k < K; ++k) {
    TpRandomNormal(SEED, TP_RANDOM_TEST, (uint32_t)k, 0, PER_STATE, &x[k * PER_STATE]);
    for (int i = 0; i < PER_STATE; ++i) x[k * PER_STATE + i] = centre[k] + x[k * PER_STATE + i] / sqrt(strength[k]);
  }
}

/* The self-consistent equations, iterated till nothing changes; w [N, K]. */
static void Direct(const double x[N], const double size[K], const double g[K], double f[K], double w[N][K])
{
  for (int k = 0; k < K; ++k) f[k] = 0.0;
  for (int iteration = 0; iteration < 5000; ++iteration) {
    double sum[K] = {0.0};

    for (int n = 0; n < N; ++n) {
      double mixture = 0.0;

      for (int k = 0; k < K; ++k) mixture += size[k] * exp(f[k] - Reduced(k, x[n]));
      for (int k = 0; k < K; ++k) w[n][k] = exp(f[k] - Reduced(k, x[n])) / mixture;
      for (int k = 0; k < K; ++k) sum[k] += w[n][k] / g[n / PER_STATE];
    }
    for (int k = K - 1; k >= 0; --k) f[k] -= log(sum[k]) - log(sum[0]);
  }
}

static PetscErrorCode AgainstDirectSolution(const double g[K])
{
  const PetscInt64 count[K] = {PER_STATE, PER_STATE, PER_STATE, PER_STATE};
  double           x[N], f[K], size[K];
  double(*w)[K];
  TpMbarResult result;
  TpMbar       mbar;

  PetscFunctionBeginUser;
  for (int k = 0; k < K; ++k) size[k] = PER_STATE / g[k];
  DrawPositions(x);
  PetscCall(PetscMalloc1(N, &w));
  Direct(x, size, g, f, w);
  PetscCall(TpMbarCreateTable(PETSC_COMM_SELF, K, count, Rows, x, g, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  for (int i = 0; i < K; ++i) {
    double row = 0.0;

    TpTestExpectClose(result.f[i], f[i] - f[0], 1e-10);
    for (int j = 0; j < K; ++j) {
      double overlap = 0.0;

      for (int n = 0; n < N; ++n) overlap += size[j] * w[n][i] * w[n][j] / g[n / PER_STATE];
      TpTestExpectClose(result.overlap[i * K + j], overlap, 1e-10);
      row += result.overlap[i * K + j];
    }
    TpTestExpectClose(row, 1.0, 1e-10);
  }
  TpTestExpectEqual(result.warnings, 0);
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Replace samples by a correlated series with the same distribution: repeat each value 5 times in a row, so that g = 5 exactly. */
static void Correlate(Oscillators *system, int times)
{
  PetscInt64 n = 0;

  for (PetscInt k = 0; k < system->num_states; ++k) {
    for (PetscInt64 i = system->count[k] - 1; i >= 0; --i) system->energy[n + i] = system->energy[n + i / times];
    n += system->count[k];
  }
}

/*
  Repeating every sample g times changes no estimate, and its error must be that of the samples that are really there. Without g errors would be
  sqrt(5) too small.
*/
static PetscErrorCode RepeatedSamples(void)
{
  const double five[3] = {5.0, 5.0, 5.0};
  TpMbarResult once, result;
  TpMbarPoint  point_once, point;
  const double temperature = 1.3;
  Oscillators  few, many;
  TpMbar       mbar_once, mbar;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(3, 6, 1.2, 400, &few));
  PetscCall(OscillatorsDraw(&few, SEED));
  PetscCall(OscillatorsCreate(3, 6, 1.2, 2000, &many));
  for (PetscInt64 n = 0; n < many.total; ++n) many.energy[n] = few.energy[n / 5];
  PetscCall(OscillatorsMbar(&few, PETSC_COMM_SELF, NULL, &mbar_once));
  PetscCall(OscillatorsMbar(&many, PETSC_COMM_SELF, five, &mbar));
  PetscCall(TpMbarSolve(mbar_once, &once));
  PetscCall(TpMbarSolve(mbar, &result));
  for (int k = 0; k < 3; ++k) TpTestExpectClose(result.f[k], once.f[k], 1e-10);
  for (int k = 0; k < 3; ++k) TpTestExpectClose(result.error[k], once.error[k], 1e-10);
  PetscCall(TpMbarAtTemperatures(mbar_once, 1, &temperature, &point_once));
  PetscCall(TpMbarAtTemperatures(mbar, 1, &temperature, &point));
  TpTestExpectClose(point.heat_capacity, point_once.heat_capacity, 1e-9);
  TpTestExpectClose(point.heat_capacity_error, point_once.heat_capacity_error, 1e-9);
  TpTestExpectClose(point.effective / point_once.effective, 1.0, 1e-10);
  PetscCall(TpMbarDestroy(&mbar_once));
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(OscillatorsDestroy(&few));
  PetscCall(OscillatorsDestroy(&many));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Unequal g: rungs with correlated samples among others. The variance of 200 standardised errors is 1 within 4 of its errors of 0.1 (6e-5). */
static PetscErrorCode UnequalCorrelation(void)
{
  const double g[3]   = {1.0, 8.0, 1.0};
  Scores       scores = {0};
  Oscillators  system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(3, 6, 1.5, 800, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    TpMbarResult result;
    TpMbar       mbar;

    PetscCall(OscillatorsDraw(&system, (uint64_t)repeat + 5000));
    for (PetscInt64 i = 799; i >= 0; --i) system.energy[800 + i] = system.energy[800 + i / 8];
    PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, g, &mbar));
    PetscCall(TpMbarSolve(mbar, &result));
    ScoresAdd(&scores, (result.f[2] - OscillatorsFreeEnergy(&system, 2)) / result.error[2]);
    PetscCall(TpMbarDestroy(&mbar));
  }
  TpTestExpectClose(scores.square / REPEATS, 1.0, 0.4);
  TpTestExpectClose(scores.sum / REPEATS, 0.0, 0.285);
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Statistic(TpMbar mbar, void *context, double value[])
{
  const double *temperature = context;
  TpMbarPoint   point;

  PetscFunctionBeginUser;
  PetscCall(TpMbarAtTemperatures(mbar, 1, temperature, &point));
  value[0] = point.free_energy;
  value[1] = point.energy;
  value[2] = point.heat_capacity;
  value[3] = point.entropy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The standard deviation of 200 replicates is known to 1 / sqrt(400) = 5 %; it agrees with the analytic error within 20 % (6e-5 each), for independent
  samples and for runs of 4 equal ones (where blocks of 20 lose at most 1/10 of the error: 30 %).
*/
static PetscErrorCode Bootstrap(int times, double tolerance)
{
  const double g[3]        = {times, times, times};
  double       temperature = 1.35, mean[4], error[4];
  TpMbarResult result;
  TpMbarPoint  point;
  Oscillators  system;
  TpMbar       mbar;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(3, 6, 1.25, 1000 * times, &system));
  PetscCall(OscillatorsDraw(&system, SEED));
  Correlate(&system, times);
  PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, g, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  PetscCall(TpMbarAtTemperatures(mbar, 1, &temperature, &point));
  PetscCall(TpMbarBootstrap(mbar, 1, 200, 4, Statistic, &temperature, mean, error));
  TpTestExpectClose(error[0] / point.free_energy_error, 1.0, tolerance);
  TpTestExpectClose(error[1] / point.energy_error, 1.0, tolerance);
  TpTestExpectClose(error[2] / point.heat_capacity_error, 1.0, tolerance);
  TpTestExpectClose(error[3] / point.entropy_error, 1.0, tolerance);
  TpTestExpectClose((mean[1] - point.energy) / point.energy_error, 0.0, 0.4);
  TpTestExpectInputError(TpMbarBootstrap(mbar, 1, 1, 4, Statistic, &temperature, mean, error), "2 or more");
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const double ones[K] = {1.0, 1.0, 1.0, 1.0};
  const double g[K]    = {1.0, 3.0, 1.5, 2.0};

  TpTestBegin(&argc, &argv);
  TpTestCall(AgainstDirectSolution(ones));
  TpTestCall(AgainstDirectSolution(g));
  TpTestCall(RepeatedSamples());
  TpTestCall(UnequalCorrelation());
  TpTestCall(Bootstrap(1, 0.2));
  TpTestCall(Bootstrap(4, 0.3));
  return TpTestEnd();
}
