/*
  Exact samples of model potentials against exact averages.

  Samples are independent, so the standard errors are plain. 75 averages are compared at 4 standard errors: one false
  alarm in 210 seeds; the seed is fixed.
*/
#include "model-settings.h"

#include "../../../src/engine/potential-impl.h"

#include <math.h>

typedef struct {
  double   sum, squares;
  PetscInt count;
} Average;

static void Add(Average *average, double value)
{
  average->sum += value;
  average->squares += value * value;
  ++average->count;
}

static void Compare(const Average *average, double expected, const char *what, double temperature)
{
  const double mean  = average->sum / average->count;
  const double error = sqrt((average->squares / average->count - mean * mean) / (average->count - 1));

  TpTestExpectThat(fabs(mean - expected) <= 4.0 * error, "%s at T = %g: %.6f +- %.6f, exact %.6f", what, temperature,
                   mean, error, expected);
}

/* Averages <U> and P(x > 0) of the quadrature's table; its last digit is far below the errors. */
static PetscErrorCode CheckAsymmetricDoubleWell(void)
{
  static const double rows[6][3] = {
      {0.25, 1.617986, 0.448474}, {0.50, 0.981867, 0.393184}, {0.75, 0.606396, 0.336341},
      {1.00, 0.354193, 0.282435}, {1.50, 0.052851, 0.191524}, {2.00, -0.113435, 0.125136},
  };
  const TpEngineSettings settings = ModelSettings("asymmetric-double-well");
  TpEngine               engine;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  for (PetscInt row = 0; row < 6; ++row) {
    const double temperature = 1.0 / rows[row][0];
    Average      energies = {0, 0, 0}, right = {0, 0, 0};

    for (uint32_t sample = 0; sample < 200000; ++sample) {
      PetscBool possible;
      double    x, energy;

      PetscCall(TpEngineSampleExact(engine, 5, sample, temperature, &possible, &x));
      TpTestExpect(possible);
      PetscCall(TpEngineEnergy(engine, &x, NULL, &energy, NULL));
      Add(&energies, energy);
      Add(&right, x > 0 ? 1 : 0);
    }
    Compare(&energies, rows[row][1], "asymmetric double well: <U>", temperature);
    Compare(&right, rows[row][2], "asymmetric double well: P(x > 0)", temperature);
  }
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <x_i dU/dx_i> = T in every coordinate: an identity that asks for energies, forces and samples to belong together. */
static PetscErrorCode CheckVirial(const char *potential, double temperature)
{
  const TpEngineSettings settings  = ModelSettings(potential);
  Average                virial[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  TpEngine               engine;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  for (uint32_t sample = 0; sample < 100000; ++sample) {
    PetscBool possible;
    double    x[3], f[3], energy;

    PetscCall(TpEngineSampleExact(engine, 6, sample, temperature, &possible, x));
    TpTestExpect(possible);
    PetscCall(TpEngineEnergy(engine, x, NULL, &energy, f));
    for (PetscInt k = 0; k < 3; ++k) Add(&virial[k], -x[k] * f[k]);
  }
  for (PetscInt k = 0; k < 3; ++k) Compare(&virial[k], temperature, potential, temperature);
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means, second moments and the mixed moment that knows which mean belongs to which component. */
static PetscErrorCode CheckMixture(void)
{
  const TpEngineSettings settings = ModelSettings("gaussian-mixture");
  const double          *means = settings.model.means.values, *sigmas = settings.model.sigmas.values;
  const double          *weights  = settings.model.weights.values;
  Average                first[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, second[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  Average                mixed = {0, 0, 0};
  double                 product;
  TpEngine               engine;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  for (uint32_t sample = 0; sample < 200000; ++sample) {
    PetscBool possible;
    double    x[3];

    PetscCall(TpEngineSampleExact(engine, 7, sample, 1.0, &possible, x));
    TpTestExpect(possible);
    for (PetscInt k = 0; k < 3; ++k) {
      Add(&first[k], x[k]);
      Add(&second[k], x[k] * x[k]);
    }
    Add(&mixed, x[0] * x[1] * x[2]);
  }
  for (PetscInt k = 0; k < 3; ++k) {
    const double a = means[k], b = means[3 + k];

    Compare(&first[k], weights[0] * a + weights[1] * b, "mixture: <x>", 1.0);
    Compare(&second[k], weights[0] * (a * a + sigmas[0] * sigmas[0]) + weights[1] * (b * b + sigmas[1] * sigmas[1]),
            "mixture: <x^2>", 1.0);
  }
  product = weights[0] * means[0] * means[1] * means[2] + weights[1] * means[3] * means[4] * means[5];
  Compare(&mixed, product, "mixture: <x y z>", 1.0);
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether an angle is within 0.7 of a place, round the circle. */
static PetscBool Near(double angle, double place)
{
  return cos(angle - place) > cos(0.7) ? PETSC_TRUE : PETSC_FALSE;
}

typedef struct {
  double temperature, log_partition, energy, all_left, left_box, extended_box;
} ChainRow;

/* The transfer matrix' own ln Z is compared with a table that another program made. */
static PetscErrorCode CheckChain(const ChainRow *row)
{
  const TpEngineSettings settings = ModelSettings("chiral-chain");
  const double           T        = row->temperature;
  Average                energies = {0, 0, 0}, all_left = {0, 0, 0}, left = {0, 0, 0}, extended = {0, 0, 0};
  Average                identity[18];
  TpEngine               engine;

  PetscFunctionBeginUser;
  memset(identity, 0, sizeof(identity));
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  for (uint32_t sample = 0; sample < 30000; ++sample) {
    PetscBool possible, is_left = PETSC_TRUE;
    double    x[18], f[18], energy;

    PetscCall(TpEngineSampleExact(engine, 8, sample, T, &possible, x));
    TpTestExpect(possible);
    PetscCall(TpEngineEnergy(engine, x, NULL, &energy, f));
    for (PetscInt i = 0; i < 18; ++i) Add(&identity[i], -sin(x[i]) * f[i] - T * cos(x[i]));
    for (PetscInt i = 0; i < 9; ++i)
      if (x[2 * i] <= 0) is_left = PETSC_FALSE;
    Add(&energies, energy);
    Add(&all_left, is_left);
    Add(&left, Near(x[8], 1.0) && Near(x[9], 0.8));
    Add(&extended, Near(x[8], -1.1) && Near(x[9], 2.7));
  }
  Compare(&energies, row->energy, "chain: <U>", T);
  Compare(&all_left, row->all_left, "chain: P(all phi > 0)", T);
  Compare(&left, row->left_box, "chain: P(residue 5 left helix)", T);
  Compare(&extended, row->extended_box, "chain: P(residue 5 extended)", T);
  /* <sin(a) dU/da> = T <cos(a)>: integration by parts round the circle, sensitive to how a grid cell is filled */
  for (PetscInt i = 0; i < 18; ++i) Compare(&identity[i], 0, "chain: <sin(a) dU/da - T cos(a)>", T);
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckLogPartition(void)
{
  static const double rows[5][2] = {
      {1.00, 75.874390}, {1.25, 63.113264}, {1.50, 55.445383}, {2.00, 47.212976}, {2.50, 43.142161},
  };
  const TpEngineSettings settings = ModelSettings("chiral-chain");
  TpPotential            potential;

  PetscFunctionBeginUser;
  PetscCall(TpPotentialCreate(&settings, &potential));
  for (PetscInt row = 0; row < 5; ++row) {
    double log_partition;

    PetscCall(TpPotentialChiralChainLogPartition(potential, rows[row][0], &log_partition));
    TpTestExpectClose(log_partition, rows[row][1], 1e-6);
  }
  PetscCall(TpPotentialDestroy(&potential));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What can't be drawn exactly says so, and a sample depends on (seed, sample) alone. */
static PetscErrorCode CheckPossible(const char *word, double temperature, PetscBool expected)
{
  const TpEngineSettings settings = ModelSettings(word);
  const TpEngineInfo    *info;
  TpEngine               engine;
  PetscBool              possible, again_possible;
  double                *x, *again;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(PetscCalloc2(info->size, &x, info->size, &again));
  PetscCall(TpEngineSampleExact(engine, 1, 7, temperature, &possible, x));
  TpTestExpectThat(possible == expected, "%s at T = %g: exact samples possible: %d", word, temperature, possible);
  PetscCall(TpEngineSampleExact(engine, 1, 3, 1.5 * temperature, &again_possible, again));
  PetscCall(TpEngineSampleExact(engine, 1, 7, temperature, &again_possible, again));
  TpTestExpect(!memcmp(x, again, (size_t)info->size * sizeof(double)));
  if (possible) {
    PetscCall(TpEngineSampleExact(engine, 1, 8, temperature, &again_possible, again));
    TpTestExpect(x[0] != again[0]);
    PetscCall(TpEngineSampleExact(engine, 2, 7, temperature, &again_possible, again));
    TpTestExpect(x[0] != again[0]);
  }
  PetscCall(PetscFree2(x, again));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The drawing from tables on its own, without noise: evenly spread shares u of the sharpest well of the chain at T = 1,
  on a grid as coarse as the chain's. Linear interpolation spreads an angle by h^2 / 6, 6e-6; half a cell, 3e-3, would
  show.
*/
static PetscErrorCode CheckTable(void)
{
  enum { COUNT = 1025, DRAWS = 100000 };
  double density[COUNT], cumulative[COUNT], expected = 0, norm = 0, cosine = 0, sine = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < COUNT; ++i) {
    const double angle = 2.0 * PETSC_PI * i / (COUNT - 1) - PETSC_PI;

    density[i] = exp(24.0 * (cos(angle - 0.8) - 1.0));
    if (i == 0) continue;
    expected += density[i] * cos(angle - 0.8); /* round the circle this sum is the integral, to rounding */
    norm += density[i];
  }
  TpTableSum(COUNT, density, cumulative);
  for (PetscInt i = 0; i < DRAWS; ++i) {
    const double angle =
        2.0 * PETSC_PI * TpTableDraw(COUNT, density, cumulative, (i + 0.5) / DRAWS) / (COUNT - 1) - PETSC_PI;

    cosine += cos(angle - 0.8) / DRAWS;
    sine += sin(angle - 0.8) / DRAWS;
  }
  TpTestExpectClose(cosine, expected / norm, 1e-5);
  TpTestExpectClose(sine, 0, 1e-5);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const ChainRow cold = {1.00, 75.874390, -66.65703, 0.271992, 0.362816, 0.115796};
  static const ChainRow hot  = {2.00, 47.212976, -44.12037, 0.047863, 0.212701, 0.125992};

  TpTestBegin(&argc, &argv);
  TpTestCall(CheckTable());
  TpTestCall(CheckAsymmetricDoubleWell());
  TpTestCall(CheckVirial("harmonic", 0.7));
  TpTestCall(CheckVirial("harmonic", 3.0));
  TpTestCall(CheckVirial("double-well", 0.2));
  TpTestCall(CheckVirial("double-well", 3.0));
  TpTestCall(CheckMixture());
  TpTestCall(CheckChain(&cold));
  TpTestCall(CheckChain(&hot));
  TpTestCall(CheckLogPartition());
  TpTestCall(CheckPossible("harmonic", 2.0, PETSC_TRUE));
  TpTestCall(CheckPossible("asymmetric-double-well", 2.0, PETSC_TRUE));
  TpTestCall(CheckPossible("gaussian-mixture", 1.0, PETSC_TRUE));
  TpTestCall(CheckPossible("gaussian-mixture", 1.5, PETSC_FALSE));
  TpTestCall(CheckPossible("chiral-chain", 1.5, PETSC_TRUE));
  TpTestCall(CheckPossible("mueller-brown", 20.0, PETSC_FALSE));
  TpTestCall(CheckPossible("lj-fluid", 1.5, PETSC_FALSE));
  return TpTestEnd();
}
