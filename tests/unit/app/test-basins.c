/* Basins and surfaces: names to features, boxes around the end of a period, bins. */
#include "../../../src/app/analysis.h"
#include "test.h"

#include <math.h>

static const double period[] = {2.0 * PETSC_PI, 0.0, 2.0 * PETSC_PI};

/* As the samples of a run would have them. */
static TpSamples Describe(void)
{
  static char *name[] = {"phi2", "distance 0-7", "distance 0-7 x"}, *unit[] = {"rad", "nm", "rad"};

  return (TpSamples){
      .units = TP_UNITS_MOLECULAR, .num_features = 3, .period = (double *)period, .name = name, .unit = unit};
}

static PetscErrorCode Resolve(char *text, PetscInt *num, TpBasin **basins)
{
  const TpTextList list    = {1, &text};
  const TpSamples  samples = Describe();
  TpConfig         config;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &config));
  code = TpBasinsCreate(config, &list, &samples, num, basins);
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(code);
}

/* Whether the box [low, high] of phi2, in degrees, holds an angle. */
static PetscErrorCode Expect(char *text, double degrees, PetscBool holds)
{
  const float features[] = {(float)(degrees * PETSC_PI / 180.0), 0.0f, 0.0f};
  PetscInt    num;
  TpBasin    *basins;

  PetscFunctionBeginUser;
  PetscCall(Resolve(text, &num, &basins));
  TpTestExpectEqual(num, 1);
  TpTestExpectThat(TpBasinHolds(&basins[0], period, features) == holds, "%s at %g degrees", text, degrees);
  PetscCall(TpBasinsDestroy(num, &basins));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PeriodicBoxes(void)
{
  PetscFunctionBeginUser;
  PetscCall(Expect("a.phi2: [0, 115 deg]", 1.0, PETSC_TRUE));
  PetscCall(Expect("a.phi2: [0, 115 deg]", -1.0, PETSC_FALSE));
  PetscCall(Expect("a.phi2: [0, 115 deg]", 116.0, PETSC_FALSE));
  PetscCall(Expect("a.phi2: [150 deg, -20 deg]", 179.0, PETSC_TRUE));
  PetscCall(Expect("a.phi2: [150 deg, -20 deg]", -179.0, PETSC_TRUE));
  PetscCall(Expect("a.phi2: [150 deg, -20 deg]", -21.0, PETSC_TRUE));
  PetscCall(Expect("a.phi2: [150 deg, -20 deg]", 0.0, PETSC_FALSE));
  PetscCall(Expect("a.phi2: [150 deg, -20 deg]", 149.0, PETSC_FALSE));
  PetscCall(Expect("a.phi2: [150 deg, 340 deg]", -21.0, PETSC_TRUE));
  PetscCall(Expect("a.phi2: [150 deg, 340 deg]", 0.0, PETSC_FALSE));
  PetscCall(Expect("a.phi2: [-180 deg, 180 deg]", 12.0, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All boxes of a basin hold; names may have blanks; lengths have units. */
static PetscErrorCode SeveralBoxes(void)
{
  char            *texts[] = {"left.phi2: [0, 1]", "right.phi2: [-1, 0]", "left.distance 0-7: [1 A, 0.2]"};
  const TpTextList list    = {3, texts};
  const TpSamples  samples = Describe();
  TpConfig         config;
  TpBasin         *basins;
  PetscInt         num, first, second;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &config));
  PetscCall(TpBasinsCreate(config, &list, &samples, &num, &basins));
  TpTestExpectEqual(num, 2);
  TpTestExpect(TpBasinHolds(&basins[0], period, (const float[]){0.5f, 0.15f, 0.0f}));
  TpTestExpect(!TpBasinHolds(&basins[0], period, (const float[]){0.5f, 0.25f, 0.0f}));
  TpTestExpect(!TpBasinHolds(&basins[0], period, (const float[]){-0.5f, 0.15f, 0.0f}));
  TpTestExpect(TpBasinHolds(&basins[1], period, (const float[]){-0.5f, 7.0f, 0.0f}));
  PetscCall(TpBasinsDestroy(num, &basins));
  PetscCall(TpSurfaceFind(config, "distance 0-7 phi2", &samples, &first, &second));
  TpTestExpect(first == 1 && second == 0);
  PetscCall(TpSurfaceFind(config, "distance 0-7 x phi2", &samples, &first, &second));
  TpTestExpect(first == 2 && second == 0);
  PetscCall(TpSurfaceFind(config, "distance 0-7 x", &samples, &first, &second));
  TpTestExpect(first == 2 && second == -1);
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row-major; around the period, and in the end bins outside of a range. */
static void Bins(void)
{
  const TpSurface surface = {.feature = {0, 1}, .bins = 10, .low = {-PETSC_PI, 0.0}, .high = {PETSC_PI, 1.0}};

  TpTestExpectEqual(TpSurfaceBin(&surface, period, (const float[]){-3.14f, 0.05f, 0.0f}), 0);
  TpTestExpectEqual(TpSurfaceBin(&surface, period, (const float[]){3.14f, 0.95f, 0.0f}), 99);
  TpTestExpectEqual(TpSurfaceBin(&surface, period, (const float[]){3.15f, 0.25f, 0.0f}), 2);
  TpTestExpectEqual(TpSurfaceBin(&surface, period, (const float[]){0.01f, -3.0f, 0.0f}), 50);
  TpTestExpectEqual(TpSurfaceBin(&surface, period, (const float[]){0.01f, 3.0f, 0.0f}), 59);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(PeriodicBoxes());
  TpTestCall(SeveralBoxes());
  Bins();
  return TpTestEnd();
}
