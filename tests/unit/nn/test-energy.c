/* Energies: gradient, derivative in time and the parameter gradient of the directional derivative, against central differences. In double precision. */
#include "tempera/nn.h"
#include "test.h"

#include <math.h>

#ifdef TP_NN_DOUBLE
  #define STEP      1e-5 /* central differences err by about STEP^2 and rounding / STEP */
  #define TOLERANCE 2e-8 /* relative to 1 + |derivative| */
#else
  #define STEP      3e-3
  #define TOLERANCE 2e-2
#endif

#define MAX_SIZE 60

typedef struct {
  const char *what;
  TpNetwork   network;
  TpWorkspace workspace;
  PetscInt    rows, inputs; /* x [rows, inputs] */
  PetscInt    energies;     /* numbers of e, t, dt; mlp: rows */
  PetscInt    num_parameters;
  PetscInt    component; /* of Component() */
  TpNumber   *p, *gradient;
  TpNumber    x[MAX_SIZE], t[MAX_SIZE], c[MAX_SIZE], v[MAX_SIZE], e[MAX_SIZE], dx[MAX_SIZE], dt[MAX_SIZE];
} Case;

static double Normal(uint32_t id, PetscInt i)
{
  double number;

  TpRandomNormal(11, TP_RANDOM_TEST, id, (uint64_t)i, 1, &number);
  return number;
}

static void Evaluate(Case *test)
{
  TpTestCall(TpEnergyEvaluate(test->network, test->p, test->workspace, test->rows, test->x, test->t, test->c, test->e,
                              test->dx, test->dt));
}

static double SumEnergies(Case *test)
{
  double sum = 0;

  Evaluate(test);
  for (PetscInt i = 0; i < test->energies; i++) sum += (double)test->e[i];
  return sum;
}

/* v . grad E, summed over rows. */
static double Directional(Case *test)
{
  double sum = 0;

  Evaluate(test);
  for (PetscInt i = 0; i < test->rows * test->inputs; i++) sum += (double)test->v[i] * (double)test->dx[i];
  return sum;
}

static void Begin(Case *test, const TpEnergySettings *settings, PetscInt rows, PetscInt inputs, PetscInt conditions,
                  double spread)
{
  test->what     = settings->kind == TP_ENERGY_MLP ? "mlp" : "fluid";
  test->rows     = rows;
  test->inputs   = inputs;
  test->energies = settings->kind == TP_ENERGY_MLP ? rows : 1;
  TpTestCall(TpEnergyCreate(settings, inputs, conditions, &test->network));
  TpTestCall(TpWorkspaceCreate(test->network, rows + 2, &test->workspace));
  test->num_parameters = TpNetworkNumParameters(test->network);
  TpTestCall(PetscMalloc2(test->num_parameters, &test->p, test->num_parameters, &test->gradient));
  TpTestCall(TpNetworkInitialise(test->network, 5, test->p));
  /* the last layer begins at zero, and so would nearly everything below */
  for (PetscInt i = 0; i < test->num_parameters; i++) test->p[i] += (TpNumber)(0.2 * Normal(1, i));
  for (PetscInt i = 0; i < rows * inputs; i++) {
    test->x[i] = (TpNumber)(spread * Normal(2, i));
    test->v[i] = (TpNumber)Normal(3, i);
  }
  for (PetscInt i = 0; i < rows; i++) test->t[i] = (TpNumber)(0.2 + 0.09 * (double)i);
  for (PetscInt i = 0; i < rows * conditions; i++) test->c[i] = (TpNumber)Normal(4, i);
}

static void End(Case *test)
{
  TpTestCall(PetscFree2(test->p, test->gradient));
  TpTestCall(TpWorkspaceDestroy(&test->workspace));
  TpTestCall(TpNetworkDestroy(&test->network));
}

/* d scalar / d numbers[i] by central differences against `expected`. */
static void ExpectDerivative(Case *test, double (*scalar)(Case *), TpNumber *number, double expected, const char *of,
                             PetscInt i)
{
  const TpNumber kept = *number;

  *number           = kept + (TpNumber)STEP;
  const double up   = scalar(test);
  const double high = (double)*number;

  *number           = kept - (TpNumber)STEP;
  const double down = scalar(test);
  const double low  = (double)*number;

  *number                 = kept;
  const double difference = (up - down) / (high - low);

  TpTestExpectThat(fabs(expected - difference) <= TOLERANCE * (1 + fabs(difference)),
                   "%s: d%s[%d] = %.12g, differences say %.12g", test->what, of, (int)i, expected, difference);
}

static void TestFirst(Case *test)
{
  TpNumber dx[MAX_SIZE], dt[MAX_SIZE];
  double   size = 0;

  Evaluate(test);
  for (PetscInt i = 0; i < test->rows * test->inputs; i++) {
    dx[i] = test->dx[i];
    size += fabs((double)dx[i]);
  }
  TpTestExpect(size > 0.1); /* or the test tests nothing */
  for (PetscInt i = 0; i < test->energies; i++) dt[i] = test->dt[i];
  for (PetscInt i = 0; i < test->rows * test->inputs; i++)
    ExpectDerivative(test, SumEnergies, &test->x[i], (double)dx[i], "x", i);
  for (PetscInt i = 0; i < test->energies; i++) ExpectDerivative(test, SumEnergies, &test->t[i], (double)dt[i], "t", i);
}

/* Every parameter of every tensor, or every `stride`-th. */
static void TestDirection(Case *test, PetscInt stride)
{
  for (PetscInt i = 0; i < test->num_parameters; i++)
    test->gradient[i] = (TpNumber)0.25; /* what is there is added to */
  Evaluate(test);
  TpTestCall(TpEnergyDirection(test->network, test->p, test->workspace, test->rows, test->v, test->gradient, NULL));
  for (PetscInt i = 0; i < test->num_parameters; i += stride)
    ExpectDerivative(test, Directional, &test->p[i], (double)test->gradient[i] - 0.25, "p", i);
}

/* Component `test->component` of the gradient. */
static double Component(Case *test)
{
  Evaluate(test);
  return (double)test->dx[test->component];
}

/* Hessian times v by forward over reverse: v . d (component of the gradient) / dx. */
static void TestHessian(Case *test)
{
  const PetscInt n = test->rows * test->inputs;
  TpNumber       tdx[MAX_SIZE], x[MAX_SIZE];
  double         size = 0;

  Evaluate(test);
  TpTestCall(TpEnergyDirection(test->network, test->p, test->workspace, test->rows, test->v, test->gradient, tdx));
  for (PetscInt i = 0; i < n; i++) {
    x[i] = test->x[i];
    size += fabs((double)tdx[i]);
  }
  TpTestExpect(size > 0.1); /* or the test tests nothing */
  for (PetscInt k = 0; k < n; k++) {
    double difference = 0;

    test->component = k;
    for (int sign = -1; sign <= 1; sign += 2) {
      for (PetscInt i = 0; i < n; i++) test->x[i] = x[i] + (TpNumber)sign * (TpNumber)STEP * test->v[i];
      difference += sign * Component(test) / (2 * STEP);
    }
    TpTestExpectThat(fabs((double)tdx[k] - difference) <= 10 * TOLERANCE * (1 + fabs(difference)),
                     "%s: (H v)[%d] = %.12g, differences say %.12g", test->what, (int)k, (double)tdx[k], difference);
  }
  for (PetscInt i = 0; i < n; i++) test->x[i] = x[i];
}

/* The gradient's Jacobian is symmetric, to rounding: this is what a score that is learned as an energy is for. */
static void TestConservative(Case *test)
{
  enum { VECTORS = 4 };
  const PetscInt n = test->rows * test->inputs;
  TpNumber       u[VECTORS * MAX_SIZE], product[VECTORS * MAX_SIZE];
  double         squares[2];

  Evaluate(test);
  TpAsymmetryDraw(3, 0, 0, VECTORS, n, u);
  for (PetscInt i = 0; i < VECTORS; i++)
    TpTestCall(TpEnergyDirection(test->network, test->p, test->workspace, test->rows, u + i * n, test->gradient,
                                 product + i * n));
  TpAsymmetryNorms(VECTORS, n, u, product, squares);
  TpTestExpect(squares[1] > 0.1); /* or the test tests nothing */
  TpTestExpectThat(sqrt(squares[0] / squares[1]) < (sizeof(TpNumber) == 8 ? 1e-13 : 3e-6),
                   "%s: ||J - J^T|| / ||J|| = %g", test->what, sqrt(squares[0] / squares[1]));
}

static void TestMlp(void)
{
  const TpEnergySettings settings = {.kind = TP_ENERGY_MLP, .width = 7, .depth = 2, .embedding = 6};
  Case                   test;

  Begin(&test, &settings, 4, 3, 2, 1.0);
  TestFirst(&test);
  TestDirection(&test, 1);
  TestHessian(&test);
  TestConservative(&test);
  End(&test);
}

static TpEnergySettings FluidSettings(void)
{
  return (TpEnergySettings){
      .kind = TP_ENERGY_FLUID, .width = 5, .depth = 2, .embedding = 4, .radial = 6, .box_length = 4.0, .cutoff = 1.9};
}

static void TestFluid(void)
{
  const TpEnergySettings settings = FluidSettings();
  Case                   test;

  Begin(&test, &settings, 7, 3, 1, 1.0);
  TestFirst(&test);
  TestDirection(&test, 3);
  TestHessian(&test);
  TestConservative(&test);
  End(&test);
}

/* Energies before and after a change of positions that must not matter. */
static void ExpectSame(Case *test, double before, const char *change)
{
  const double after = SumEnergies(test), tolerance = sizeof(TpNumber) == 8 ? 1e-12 : 2e-5;

  TpTestExpectThat(fabs(after - before) <= tolerance * (1 + fabs(before)), "%s changes the energy from %.12g to %.12g",
                   change, before, after);
}

static void TestSymmetries(void)
{
  const TpEnergySettings settings = FluidSettings();
  Case                   test;
  double                 before;

  Begin(&test, &settings, 7, 3, 0, 1.0);
  before = SumEnergies(&test);
  for (PetscInt i = 0; i < 21; i++) test.x[i] += (TpNumber)(0.3 + 0.5 * (double)(i % 3));
  ExpectSame(&test, before, "a translation");
  for (PetscInt i = 0; i < 3; i++) test.x[i] -= (TpNumber)settings.box_length;
  ExpectSame(&test, before, "another image");
  for (PetscInt a = 0; a < 3; a++) {
    const TpNumber kept = test.x[a];

    test.x[a]     = test.x[9 + a];
    test.x[9 + a] = kept;
  }
  ExpectSame(&test, before, "an exchange");
  for (PetscInt i = 0; i < 7; i++) {
    const TpNumber kept = test.x[3 * i];

    test.x[3 * i]     = -test.x[3 * i + 1];
    test.x[3 * i + 1] = kept;
  }
  ExpectSame(&test, before, "a quarter turn");
  /* and it does not depend on distances alone: a chirality-free network still sees angles */
  test.x[0] += (TpNumber)0.2;
  TpTestExpect(fabs(SumEnergies(&test) - before) > 1e-4);
  End(&test);
}

/* A small group far from its images may turn by any angle. */
static void TestRotation(void)
{
  TpEnergySettings settings = FluidSettings();
  Case             test;
  double           before;

  settings.box_length = 40.0;
  Begin(&test, &settings, 6, 3, 0, 0.7);
  before = SumEnergies(&test);
  for (PetscInt i = 0; i < 6; i++) {
    const double x = (double)test.x[3 * i], z = (double)test.x[3 * i + 2];

    test.x[3 * i]     = (TpNumber)(cos(0.7) * x - sin(0.7) * z);
    test.x[3 * i + 2] = (TpNumber)(sin(0.7) * x + cos(0.7) * z);
  }
  ExpectSame(&test, before, "a rotation");
  End(&test);
}

/* A pair that crosses the cutoff, or meets: energy and gradient have no jump. */
static void TestSmooth(void)
{
  const TpEnergySettings settings = FluidSettings();
  const double           places[] = {0.0, settings.cutoff};
  Case                   test;

  Begin(&test, &settings, 3, 3, 0, 0.8);
  for (int k = 0; k < 2; k++) {
    double   low, high;
    TpNumber slope;

    for (int a = 0; a < 3; a++) test.x[3 + a] = test.x[a];
    test.x[3] = test.x[0] + (TpNumber)(places[k] - 1e-3);
    low       = SumEnergies(&test);
    slope     = test.dx[3];
    test.x[3] = test.x[0] + (TpNumber)(places[k] + 1e-3);
    high      = SumEnergies(&test);
    TpTestExpectThat(fabs(high - low) < 0.05, "a jump of %g at r = %g", high - low, places[k]);
    TpTestExpectThat(fabs((double)(test.dx[3] - slope)) < 0.5, "the force jumps by %g at r = %g",
                     (double)(test.dx[3] - slope), places[k]);
  }
  End(&test);
}

/* The answer to a row of the MLP does not depend on the rows beside it. */
static void TestRows(void)
{
  const TpEnergySettings settings = {.kind = TP_ENERGY_MLP, .width = 24, .depth = 2, .embedding = 8};
  Case                   test;
  TpNumber               e, dx[3], dt;

  Begin(&test, &settings, 13, 3, 1, 1.0);
  Evaluate(&test);
  for (PetscInt i = 0; i < 13; i++) {
    TpTestCall(
        TpEnergyEvaluate(test.network, test.p, test.workspace, 1, test.x + 3 * i, test.t + i, test.c + i, &e, dx, &dt));
    TpTestExpect(e == test.e[i] && dt == test.dt[i]);
    for (int a = 0; a < 3; a++) TpTestExpect(dx[a] == test.dx[3 * i + a]);
  }
  End(&test);
}

static void TestRefused(void)
{
  TpEnergySettings settings = FluidSettings();
  TpNetwork        network;

  settings.cutoff = 2.01;
  TpTestExpectInputError(TpEnergyCreate(&settings, 3, 0, &network), "half of the box");
  settings = (TpEnergySettings){.kind = TP_ENERGY_MLP, .width = 8, .depth = 1, .embedding = 5};
  TpTestExpectInputError(TpEnergyCreate(&settings, 3, 0, &network), "even numbers");
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestMlp();
  TestFluid();
  TestSymmetries();
  TestRotation();
  TestSmooth();
  TestRows();
  TestRefused();
  return TpTestEnd();
}
