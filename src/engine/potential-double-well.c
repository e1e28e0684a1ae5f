/* Double wells: U = sum_i h (x_i^2 - 1)^2 + c x_i. Two words of the input: symmetric in d-D, tilted in 1-D. */
#include "potential-impl.h"

#include <math.h>

enum { TABLE_SIZE = 8193 };

typedef struct {
  double height;      /* h */
  double tilt;        /* c */
  double temperature; /* of the table; 0: not made yet */
  double edge;        /* the table goes from -edge to edge */
  double density[TABLE_SIZE];
  double cumulative[TABLE_SIZE];
} Well;

static double WellEnergy(const Well *well, double x)
{
  const double a = x * x - 1.0;

  return well->height * a * a + well->tilt * x;
}

static PetscErrorCode WellCreate(TpPotential potential, double height, double tilt)
{
  Well *well;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&well));
  potential->data = well;
  well->height    = height;
  well->tilt      = tilt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DoubleWellCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const double height = settings->model.barrier;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialSizeFromDimension(potential));
  TpCheckInput(height > 0 && isfinite(height), "engine.model.barrier: %g; allowed: a height greater than 0", height);
  PetscCall(WellCreate(potential, height, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The test system of Moqvist, Chen, Schreiner, Nueske and Olsson, J. Chem. Theory Comput. 21 (2025) 2535. */
static PetscErrorCode AsymmetricCreate(TpPotential potential, const TpEngineSettings *settings)
{
  PetscFunctionBeginUser;
  potential->size = 1;
  PetscCall(WellCreate(potential, 4.0, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WellCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  const Well *well = potential->data;
  double      sum  = 0;

  for (PetscInt i = 0; i < potential->size; ++i) {
    sum += WellEnergy(well, x[i]);
    f[i] = -4.0 * well->height * (x[i] * x[i] - 1.0) * x[i] - well->tilt;
  }
  *energy = sum;
}

/* Walkers alternate between the wells. */
static void WellStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  for (PetscInt i = 0; i < potential->size; ++i) x[i] = walker % 2 == 0 ? 1.0 : -1.0;
}

static void WellTabulate(Well *well, double temperature)
{
  /* beyond the edge the density is below exp(-60) of its maximum */
  well->edge = sqrt(1.0 + sqrt((60.0 * temperature + 4.0 * fabs(well->tilt)) / well->height));
  for (PetscInt i = 0; i < TABLE_SIZE; ++i) {
    const double x = well->edge * (2.0 * i / (TABLE_SIZE - 1) - 1.0);

    well->density[i] = exp(-(WellEnergy(well, x) + fabs(well->tilt)) / temperature);
  }
  TpTableSum(TABLE_SIZE, well->density, well->cumulative);
  well->temperature = temperature;
}

/* The coordinates are independent: each by the inverse of its distribution function. */
static PetscErrorCode WellSample(TpPotential potential, uint64_t seed, uint32_t sample, double temperature,
                                 PetscBool *possible, double x[])
{
  Well *well = potential->data;

  PetscFunctionBeginUser;
  *possible = PETSC_TRUE;
  if (well->temperature != temperature) WellTabulate(well, temperature);
  TpRandomUniform(seed, TP_RANDOM_EXACT_SAMPLE, sample, 0, potential->size, x);
  for (PetscInt i = 0; i < potential->size; ++i) {
    const double place = TpTableDraw(TABLE_SIZE, well->density, well->cumulative, x[i]);

    x[i] = well->edge * (2.0 * place / (TABLE_SIZE - 1) - 1.0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPotentialOps TpPotentialDoubleWell = {
    .name    = "double-well",
    .create  = DoubleWellCreate,
    .compute = WellCompute,
    .start   = WellStart,
    .sample  = WellSample,
};

const TpPotentialOps TpPotentialAsymmetricDoubleWell = {
    .name    = "asymmetric-double-well",
    .create  = AsymmetricCreate,
    .compute = WellCompute,
    .start   = WellStart,
    .sample  = WellSample,
};
