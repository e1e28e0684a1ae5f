/* Tests of ensembles: right samples are called wrong as often as said, wrong ones are found. Runs on any number of ranks. */
#include "test.h"

#include "mbar-samples.h"

enum { REPEATS = 1000, COUNT = 400 };

static int rank, size;

/* Energies of harmonic oscillators at temperatures 1 and `ratio`; each rank gives its share of both to the test, which is told `g`. */
static PetscErrorCode Slope(const Oscillators *system, PetscInt64 count, double g, double *slope, double *error)
{
  const PetscInt64  first = count * rank / size, share = count * (rank + 1) / size - first;
  const TpEnergySet cold = {share, system->energy + first, g}, hot = {share, system->energy + count + first, g};

  PetscFunctionBeginUser;
  PetscCall(TpEnsembleSlope(PETSC_COMM_WORLD, &cold, &hot, slope, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1000 data sets: mean z 0 within 4 / sqrt(1000), mean square 1 within 4 sqrt(2 / 1000), p < 0.05 in 5 % within 4 binomial errors (6e-5 each). */
static PetscErrorCode SlopesAreCalibrated(void)
{
  Oscillators system;
  double      sum = 0.0, square = 0.0;
  int         alarms = 0;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 3, 1.25, COUNT, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    double slope, error;

    PetscCall(OscillatorsDraw(&system, 9000 + (uint64_t)repeat));
    PetscCall(Slope(&system, COUNT, 1.0, &slope, &error));
    const double z = (slope - (1.0 / 1.25 - 1.0)) / error;

    sum += z;
    square += z * z;
    alarms += TpNormalTail(z) < 0.05;
  }
  TpTestExpectClose(sum / REPEATS, 0.0, 4.0 / sqrt(REPEATS));
  TpTestExpectClose(square / REPEATS, 1.0, 4.0 * sqrt(2.0 / REPEATS));
  TpTestExpectClose((double)alarms / REPEATS, 0.05, 4.0 * sqrt(0.05 * 0.95 / REPEATS));
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sample counts 1 / g: the same data twice over, said to be correlated so, have the same error. And a hot set that is 10 % hotter is found. */
static PetscErrorCode SlopesTellWrong(void)
{
  Oscillators system, twice;
  double      slope, error, slope_twice, error_twice;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 3, 1.25, 4000, &system));
  PetscCall(OscillatorsCreate(2, 3, 1.25, 8000, &twice));
  PetscCall(OscillatorsDraw(&system, 77));
  for (PetscInt64 i = 0; i < 16000; ++i) twice.energy[i] = system.energy[i / 2];
  PetscCall(Slope(&system, 4000, 1.0, &slope, &error));
  PetscCall(Slope(&twice, 8000, 2.0, &slope_twice, &error_twice));
  TpTestExpectClose(slope_twice, slope, 1e-9);
  TpTestExpectClose(error_twice, error, 1e-9);
  TpTestExpect(TpNormalTail((slope + 0.2) / error) > 1e-3);
  for (PetscInt64 i = 4000; i < 8000; ++i) system.energy[i] *= 1.1;
  PetscCall(Slope(&system, 4000, 1.0, &slope, &error));
  TpTestExpectThat(TpNormalTail((slope + 0.2) / error) < 1e-3, "slope %g +- %g", slope, error);
  PetscCall(OscillatorsDestroy(&system));
  PetscCall(OscillatorsDestroy(&twice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Energies that do not overlap, or are all equal, tell nothing. */
static PetscErrorCode SlopesOfNothing(void)
{
  const double      low[] = {1.0, 1.1, 1.2}, high[] = {5.0, 5.1, 5.2}, equal[] = {1.0, 1.0, 1.0};
  const TpEnergySet cold = {3, low, 1.0}, hot = {3, high, 1.0}, constant = {3, equal, 1.0};
  double            slope, error;

  PetscFunctionBeginUser;
  PetscCall(TpEnsembleSlope(PETSC_COMM_WORLD, &cold, &hot, &slope, &error));
  TpTestExpect(isinf(error) && slope == 0.0);
  PetscCall(TpEnsembleSlope(PETSC_COMM_WORLD, &constant, &constant, &slope, &error));
  TpTestExpect(isinf(error) && slope == 0.0);
  TpTestExpectClose(TpNormalTail(0.3 / error), 1.0, 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Closed forms: one degree of freedom, two, four, and many, where the mean is nearly the median. */
static void Cumulatives(void)
{
  for (double x = 0.01; x < 12.0; x *= 1.3) {
    TpTestExpectClose(TpKineticCumulative(1.0, 2.0, x), erf(sqrt(x / 4.0)), 1e-13);
    TpTestExpectClose(TpKineticCumulative(2.0, 2.0, x), 1.0 - exp(-x / 2.0), 1e-13);
    TpTestExpectClose(TpKineticCumulative(4.0, 2.0, x), 1.0 - exp(-x) * (1.0 + x), 1e-13);
  }
  TpTestExpectClose(TpKineticCumulative(30000.0, 300.0, 300.0), 0.5 + 1.0 / (3.0 * sqrt(2.0 * PETSC_PI * 15000.0)),
                    1e-7);
}

/* Kinetic temperatures of `degrees` degrees of freedom. */
static void DrawKinetic(int degrees, double temperature, uint64_t seed, PetscInt count, double value[])
{
  for (PetscInt i = 0; i < count; ++i) {
    double normal[64];

    TpRandomNormal(seed, TP_RANDOM_TEST, (uint32_t)i, 0, degrees, normal);
    value[i] = 0.0;
    for (int k = 0; k < degrees; ++k) value[i] += temperature * normal[k] * normal[k] / degrees;
  }
}

/* 1000 data sets of 100: p < 0.05 in 5 % within 4 binomial errors; temperatures 5 % off are found in 1000 samples of 36 degrees. */
static PetscErrorCode KineticIsCalibrated(void)
{
  double value[1000], distance, p;
  int    alarms = 0;

  PetscFunctionBeginUser;
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    DrawKinetic(5, 300.0, 100 + (uint64_t)repeat, 100, value);
    PetscCall(TpKineticTest(100, value, 5.0, 300.0, &distance, &p));
    alarms += p < 0.05;
  }
  TpTestExpectClose((double)alarms / REPEATS, 0.05, 4.0 * sqrt(0.05 * 0.95 / REPEATS));
  DrawKinetic(36, 300.0, 1, 1000, value);
  PetscCall(TpKineticTest(1000, value, 36.0, 300.0, &distance, &p));
  TpTestExpectThat(p > 1e-3, "right: p %g", p);
  PetscCall(TpKineticTest(1000, value, 35.0, 315.0, &distance, &p));
  TpTestExpectThat(p < 1e-3, "5 %% too cold: p %g", p);
  PetscCall(TpKineticTest(1000, value, 60.0, 300.0, &distance, &p));
  TpTestExpectThat(p < 1e-3, "wrong degrees of freedom: p %g", p);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Square and laplacian of an oscillator of `stiffness`, whose coordinate remembers a half of itself; the laplacian with noise around it. */
static void DrawForces(double stiffness, double temperature, uint64_t seed, PetscInt count, double square[],
                       double laplacian[])
{
  double x = 0.0;

  for (PetscInt i = -20; i < count; ++i) {
    double normal[2];

    TpRandomNormal(seed, TP_RANDOM_TEST, (uint32_t)(i + 20), 0, 2, normal);
    x = 0.5 * x + sqrt(0.75 * temperature / stiffness) * normal[0];
    if (i < 0) continue;
    square[i]    = stiffness * stiffness * x * x;
    laplacian[i] = stiffness * (1.0 + 0.3 * normal[1]);
  }
}

/* 1000 data sets: p < 0.05 in 5 % within 4 binomial errors and 1.5 % for the skewness of squares; 15 % off is found; no forces, no verdict. */
static PetscErrorCode ForcesAreCalibrated(void)
{
  enum { MANY = 4000 };
  double square[MANY], laplacian[MANY], found, error, p, squares = 0.0;
  int    alarms = 0;

  PetscFunctionBeginUser;
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    DrawForces(3.0, 300.0, 100 + (uint64_t)repeat, COUNT, square, laplacian);
    PetscCall(TpConfigurationalTemperature(COUNT, square, laplacian, 0.5, 600.0, &found, &error, &p));
    alarms += p < 0.05;
    squares += pow((found - 600.0) / error, 2) / REPEATS;
  }
  TpTestExpectClose((double)alarms / REPEATS, 0.05, 4.0 * sqrt(0.05 * 0.95 / REPEATS) + 0.015);
  TpTestExpectClose(squares, 1.0, 4.0 * sqrt(2.0 / REPEATS) + 0.1);
  DrawForces(3.0, 300.0, 1, MANY, square, laplacian);
  PetscCall(TpConfigurationalTemperature(MANY, square, laplacian, 1.0, 300.0, &found, &error, &p));
  TpTestExpectThat(p > 1e-3, "right: p %g", p);
  PetscCall(TpConfigurationalTemperature(MANY, square, laplacian, 1.0, 345.0, &found, &error, &p));
  TpTestExpectThat(p < 1e-3, "15 %% too cold: p %g", p);
  for (int i = 0; i < COUNT; ++i) square[i] = laplacian[i] = 0.0;
  PetscCall(TpConfigurationalTemperature(COUNT, square, laplacian, 1.0, 300.0, &found, &error, &p));
  TpTestExpect(isnan(found) && isnan(error) && p == 1.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  TpTestCall(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  TpTestCall(SlopesAreCalibrated());
  TpTestCall(SlopesTellWrong());
  TpTestCall(SlopesOfNothing());
  Cumulatives();
  TpTestCall(KineticIsCalibrated());
  TpTestCall(ForcesAreCalibrated());
  return TpTestEnd();
}
