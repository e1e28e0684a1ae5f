/* Temperature labels: degrees of freedom of a group, known velocities, and the distribution that theory gives. */
#include "test.h"

#include "tempera/feature.h"

#include <math.h>

#define SEED 2718

#define TEXTS(count, ...)                                                                                              \
  (TpTextList)                                                                                                         \
  {                                                                                                                    \
    .size = (count), .values = (char *[])                                                                              \
    {                                                                                                                  \
      __VA_ARGS__                                                                                                      \
    }                                                                                                                  \
  }

enum { NUM_PARTICLES = 6 };

static const double   mass[NUM_PARTICLES] = {12.0, 1.0, 1.0, 16.0, 0.0, 14.0};
static const PetscInt constraints[]       = {0, 1, 0, 2, 3, 5};

static TpFeatureSystem System(void)
{
  return (TpFeatureSystem){
      .size            = 3 * NUM_PARTICLES,
      .num_particles   = NUM_PARTICLES,
      .dimension       = 3,
      .mass            = mass,
      .num_constraints = 3,
      .constraints     = constraints,
      .boltzmann       = TpBoltzmann(TP_UNITS_MOLECULAR),
  };
}

static double CountOf(const TpFeatureSystem *system, TpTextList atoms)
{
  const TpFeatureSettings settings = {.label = TP_LABEL_KINETIC, .label_atoms = atoms};
  TpLabel                 label    = NULL;
  double                  count    = NAN;

  TpTestCall(TpLabelCreate(&settings, system, &label));
  if (label) count = TpLabelDegreesOfFreedom(label);
  TpTestCall(TpLabelDestroy(&label));
  return count;
}

static PetscErrorCode TestDegreesOfFreedom(void)
{
  TpFeatureSystem system = System();

  PetscFunctionBeginUser;
  TpTestExpectClose(CountOf(&system, TEXTS(1, "all")), 3 * 5 - 3, 0.0);   /* the atom without mass does not move */
  TpTestExpectClose(CountOf(&system, TEXTS(1, "0 1 2")), 3 * 3 - 2, 0.0); /* two constraints inside */
  TpTestExpectClose(CountOf(&system, TEXTS(2, "0 1", "1")), 3 * 2 - 1.5,
                    0.0); /* one inside, one leaves; twice named counts once */
  TpTestExpectClose(CountOf(&system, TEXTS(1, "3 4")), 3 - 0.5, 0.0);
  system.degrees_of_freedom = 12 - 3; /* the engine holds the centre of mass */
  TpTestExpectClose(CountOf(&system, TEXTS(1, "all")), 9.0, 1e-12);
  TpTestExpectClose(CountOf(&system, TEXTS(1, "0 1 2")), 7.0 - 3.0 * 14.0 / 44.0, 1e-12);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKnownVelocities(void)
{
  const double          v[3 * NUM_PARTICLES] = {1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, -3.0,
                                                0.5, 0.5, 0.5, 9.0, 9.0, 9.0, 0.1, 0.2, 0.2};
  const TpFeatureSystem system               = System();
  const double          masses[2]            = {1.0, 3.0};
  const TpFeatureSystem wells = {.size = 2, .num_particles = 2, .dimension = 1, .mass = masses, .boltzmann = 1.0};
  TpLabel               label;

  PetscFunctionBeginUser;
  PetscCall(
      TpLabelCreate(&(TpFeatureSettings){.label = TP_LABEL_KINETIC, .label_atoms = TEXTS(1, "all")}, &system, &label));
  /* sum m v^2 = 12 + 4 + 9 + 16 0.75 + 14 0.09 */
  TpTestExpectClose(TpLabelCompute(label, 300.0, v), (12.0 + 4.0 + 9.0 + 12.0 + 1.26) / (12.0 * 0.00831446261815324),
                    1e-9);
  PetscCall(TpLabelDestroy(&label));
  PetscCall(
      TpLabelCreate(&(TpFeatureSettings){.label = TP_LABEL_KINETIC, .label_atoms = TEXTS(1, "1")}, &wells, &label));
  TpTestExpectClose(TpLabelCompute(label, 300.0, (double[]){5.0, 2.0}), 12.0, 1e-12);
  PetscCall(TpLabelDestroy(&label));
  PetscCall(
      TpLabelCreate(&(TpFeatureSettings){.label = TP_LABEL_BATH, .label_atoms = TEXTS(1, "all")}, &system, &label));
  TpTestExpectClose(TpLabelCompute(label, 412.5, v), 412.5, 0.0);
  PetscCall(TpLabelDestroy(&label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Maxwell-Boltzmann velocities: T_kin is Gamma distributed with shape N_f / 2 and mean T. Over n samples the mean is known to
   T sqrt(2 / (N_f n)), the relative variance r = 2 / N_f to r sqrt((2 + 12 / N_f) / n). 4 standard errors, two tests: a false alarm in 8000. */
static PetscErrorCode TestGamma(void)
{
  const TpFeatureSystem system      = {.size          = 54,
                                       .num_particles = 18,
                                       .dimension     = 3,
                                       .mass =
                                           (const double[]){1, 12, 16, 14, 1, 1, 12, 12, 1, 32, 1, 16, 12, 1, 1, 14, 1, 12},
                                       .boltzmann = TpBoltzmann(TP_UNITS_MOLECULAR)};
  const int             count       = 20000;
  const double          temperature = 350.0, N_f = 36.0;
  double                mean = 0.0, square = 0.0, relative;
  TpLabel               label;

  PetscFunctionBeginUser;
  PetscCall(TpLabelCreate(
      &(TpFeatureSettings){.label = TP_LABEL_KINETIC, .label_atoms = TEXTS(1, "0 1 2 3 4 5 6 7 8 9 10 11")}, &system,
      &label));
  TpTestExpectClose(TpLabelDegreesOfFreedom(label), N_f, 0.0);
  for (int n = 0; n < count; ++n) {
    double v[54], ratio;

    TpRandomNormal(SEED, TP_RANDOM_TEST, (uint32_t)n, 0, 54, v);
    for (int i = 0; i < 54; ++i) v[i] *= sqrt(system.boltzmann * temperature / system.mass[i / 3]);
    ratio = TpLabelCompute(label, 300.0, v) / temperature;
    mean += ratio / count;
    square += (ratio - 1.0) * (ratio - 1.0) / count; /* about the true mean */
  }
  relative = 2.0 / N_f;
  TpTestExpectClose(mean, 1.0, 4.0 * sqrt(relative / count));
  TpTestExpectClose(square, relative, 4.0 * relative * sqrt((2.0 + 12.0 / N_f) / count));
  PetscCall(TpLabelDestroy(&label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Try(TpTextList atoms, TpLabelKind kind)
{
  const TpFeatureSystem system = System();
  TpLabel               label;

  PetscFunctionBeginUser;
  PetscCall(TpLabelCreate(&(TpFeatureSettings){.label = kind, .label_atoms = atoms}, &system, &label));
  PetscCall(TpLabelDestroy(&label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Labels drawn from their distributions: among those in a narrow window each rung has the share that the formula tells. */
static void TestMixture(TpLabelKind kind)
{
  enum { RUNGS = 3, DRAWS = 60000, DEGREES = 18 };
  const double temperature[RUNGS] = {1.0, 1.4, 2.0}, share[RUNGS] = {1.0, 2.0, 1.0}, jitter = 0.3, at = 1.5,
               half   = 0.02;
  double count[RUNGS] = {0.0}, weight[RUNGS], sum = 0.0;

  for (int k = 0; k < RUNGS; ++k) {
    for (int n = 0; n < DRAWS * (int)share[k]; ++n) {
      double z[DEGREES], label = 0.0;

      TpRandomNormal(SEED, TP_RANDOM_TEST, (uint32_t)n, (uint64_t)(k + 1), DEGREES, z);
      for (int i = 0; i < DEGREES; ++i) label += z[i] * z[i] * temperature[k] / DEGREES;
      if (kind == TP_LABEL_JITTER) label = temperature[k] + jitter * z[0];
      count[k] += fabs(label - at) < half;
    }
  }
  for (int k = 0; k < RUNGS; ++k) sum += count[k];
  TpLabelMixture(kind, DEGREES, jitter, RUNGS, temperature, share, at, weight);
  /* four standard errors, of at most 0.5 / sqrt(30000) each: a false alarm in 5,000 seeds; the window itself changes shares by up to 3e-3 */
  for (int k = 0; k < RUNGS; ++k) TpTestExpectClose(weight[k], count[k] / sum, 4.0 * 0.5 / sqrt(sum) + 3e-3);
}

static void TestMixtureOfBath(void)
{
  const double temperature[] = {300.0, 330.0}, share[] = {1.0, 1.0};
  double       weight[2];

  TpLabelMixture(TP_LABEL_BATH, 0.0, 0.0, 2, temperature, share, 330.0, weight);
  TpTestExpectClose(weight[0], 0.0, 1e-12);
  TpTestExpectClose(weight[1], 1.0, 1e-12);
  TpLabelMixture(TP_LABEL_KINETIC, 1e7, 0.0, 2, temperature, share, 3000.0, weight); /* densities that underflow */
  TpTestExpectClose(weight[1], 1.0, 1e-12);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(TestDegreesOfFreedom());
  TpTestCall(TestKnownVelocities());
  TpTestCall(TestGamma());
  TestMixture(TP_LABEL_KINETIC);
  TestMixture(TP_LABEL_JITTER);
  TestMixtureOfBath();
  TpTestExpectInputError(Try(TEXTS(1, "6"), TP_LABEL_KINETIC),
                         "features.label_atoms: '6': index 6 is out of range; allowed 0 to 5");
  TpTestExpectInputError(Try(TEXTS(1, "6"), TP_LABEL_BATH), "out of range");
  TpTestExpectInputError(Try(TEXTS(1, "4"), TP_LABEL_KINETIC), "no moving degree of freedom");
  TpTestExpectInputError(Try((TpTextList){.size = 0}, TP_LABEL_KINETIC), "no moving degree of freedom");
  TpTestExpectInputError(Try(TEXTS(1, "some"), TP_LABEL_KINETIC), "no list of atom indices");
  return TpTestEnd();
}
