/* Gradient and laplacian along free translations: exact answers, differences of the energy, constraints. */
#include "../../../src/engine/engine-impl.h"
#include "model-settings.h"

#include <math.h>

enum { SEED = 7, PROBES = 4000 };

/* Coordinates that are independent of each other need one probe. */
static PetscErrorCode Independent(const char *potential, double square(double), double laplacian(double))
{
  const double           x[3]     = {0.3, -1.2, 0.8};
  const TpEngineSettings settings = ModelSettings(potential);
  const TpEngineInfo    *info;
  TpEngine               engine;
  TpCurvature            curvature;
  double                 found = 0.0, expected = 0.0;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpCurvatureCreate(engine, &curvature));
  TpTestExpectEqual(TpCurvatureDirections(curvature), 3);
  PetscCall(TpCurvatureGradient(curvature, x, &found));
  for (int i = 0; i < 3; ++i) expected += square(x[i]);
  TpTestExpectClose(found, expected, 1e-12 * expected);
  expected = 0.0;
  for (int i = 0; i < 3; ++i) expected += laplacian(x[i]);
  for (uint64_t step = 0; step < 5; ++step) {
    PetscCall(TpCurvatureProbe(curvature, SEED, 1, step, 1e-4, x, &found));
    TpTestExpectClose(found, expected, 1e-6);
  }
  PetscCall(TpCurvatureDestroy(&curvature));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* U = x^2, for a spring constant of 2; U = 2 (x^2 - 1)^2 */
static double HarmonicSquare(double x)
{
  return 4.0 * x * x;
}
static double HarmonicLaplacian(double x)
{
  return 2.0;
}
static double WellSquare(double x)
{
  const double slope = 8.0 * x * (x * x - 1.0);

  return slope * slope;
}
static double WellLaplacian(double x)
{
  return 24.0 * x * x - 8.0;
}

/* |grad U|^2 and the laplacian along translations of the groups, by differences of the energy. */
static PetscErrorCode ByDifferences(TpEngine engine, PetscInt num_groups, const PetscInt group[], double x[],
                                    double *square, double *laplacian)
{
  const double        step = 1e-4;
  const TpEngineInfo *info;
  double              energy[3];

  PetscFunctionBeginUser;
  PetscCall(TpEngineGetInfo(engine, &info));
  *square = *laplacian = 0.0;
  for (PetscInt g = 0; g < num_groups * 3; ++g) {
    for (int side = -1; side <= 1; ++side) {
      for (PetscInt i = 0; i < info->num_particles; ++i) x[3 * i + g % 3] += group[i] == g / 3 ? side * step : 0.0;
      PetscCall(TpEngineEnergy(engine, x, NULL, &energy[side + 1], NULL));
      for (PetscInt i = 0; i < info->num_particles; ++i) x[3 * i + g % 3] -= group[i] == g / 3 ? side * step : 0.0;
    }
    *square += pow((energy[2] - energy[0]) / (2.0 * step), 2);
    *laplacian += (energy[2] - 2.0 * energy[1] + energy[0]) / (step * step);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A cluster of 4 whose constraints tie 3 - 1 and 1 - 0 together; without constraints, too. The mean over 4000 directions at 4 standard errors: false alarm 1e-4
  for both together.
*/
static PetscErrorCode Cluster(PetscInt num_constraints, PetscInt num_groups, const PetscInt group[4])
{
  const PetscInt      pairs[]  = {3, 1, 1, 0};
  TpEngineSettings    settings = ModelSettings("lj-cluster");
  const TpEngineInfo *info;
  TpEngine            engine;
  TpCurvature         curvature;
  TpState             state;
  double              square = 0.0, laplacian = 0.0, found = 0.0, mean = 0.0, squares = 0.0;

  PetscFunctionBeginUser;
  settings.model.num_particles = 4;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(TpEngineStart(engine, SEED, 0, 1.0, &state));
  for (PetscInt i = 0; i < info->size; ++i) state.x[i] *= 1.0 + 0.02 * (double)(i % 5);
  engine->info.num_constraints = num_constraints;
  engine->info.constraints     = pairs;
  PetscCall(TpCurvatureCreate(engine, &curvature));
  TpTestExpectEqual(TpCurvatureDirections(curvature), 3 * num_groups);
  PetscCall(ByDifferences(engine, num_groups, group, state.x, &square, &laplacian));
  PetscCall(TpCurvatureGradient(curvature, state.x, &found));
  TpTestExpectClose(found, square, 1e-5 * square);
  for (uint64_t step = 0; step < PROBES; ++step) {
    PetscCall(TpCurvatureProbe(curvature, SEED, 1, step, 1e-4, state.x, &found));
    mean += found / PROBES;
    squares += found * found / PROBES;
  }
  TpTestExpectClose(mean, laplacian, 4.0 * sqrt((squares - mean * mean) / PROBES) + 1e-4 * fabs(laplacian));
  TpTestExpectThat(sqrt(squares - mean * mean) > 1e-3 * fabs(mean), "probes do not differ: nothing is tested");
  PetscCall(TpCurvatureDestroy(&curvature));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places of particles without mass may follow from others. */
static PetscErrorCode Massless(void)
{
  const TpEngineSettings settings = ModelSettings("lj-cluster");
  const TpEngineInfo    *info;
  TpEngine               engine;
  TpCurvature            curvature;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  ((double *)info->mass)[2] = 0.0;
  TpTestExpectInputError(TpCurvatureCreate(engine, &curvature), "particle 2 has no mass");
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(Independent("harmonic", HarmonicSquare, HarmonicLaplacian));
  TpTestCall(Independent("double-well", WellSquare, WellLaplacian));
  TpTestCall(Cluster(0, 4, (const PetscInt[]){0, 1, 2, 3}));
  TpTestCall(Cluster(2, 2, (const PetscInt[]){0, 0, 1, 0}));
  TpTestCall(Massless());
  return TpTestEnd();
}
