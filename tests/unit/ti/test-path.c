/* Paths: both ends, gradients and derivatives in time against central differences, what is learned, coordinates, quadrature. */
#include "tempera/ti.h"
#include "test.h"

#include <math.h>

#define MAX_SIZE 24
#define STEP     1e-5

static double Normal(uint32_t id, PetscInt i)
{
  double number;

  TpRandomNormal(3, TP_RANDOM_TEST, id, (uint64_t)i, 1, &number);
  return number;
}

/* A quartic well in each coordinate, coupled to the next; `context` is the number of coordinates. */
static PetscErrorCode Quartic(void *context, const double x[], double *energy, double gradient[])
{
  const PetscInt n = *(PetscInt *)context;

  PetscFunctionBeginUser;
  *energy = 0.0;
  for (PetscInt i = 0; i < n; ++i) {
    const PetscInt next = (i + 1) % n;

    *energy += 3.0 * pow(x[i] * x[i] - 1.0, 2) + 0.4 * x[i] * x[next];
    gradient[i] = 12.0 * x[i] * (x[i] * x[i] - 1.0) + 0.4 * x[next] + 0.4 * x[(i + n - 1) % n];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Springs between all particles: does not change when all move. */
static PetscErrorCode Springs(void *context, const double x[], double *energy, double gradient[])
{
  const PetscInt n = *(PetscInt *)context;

  PetscFunctionBeginUser;
  *energy = 0.0;
  for (PetscInt i = 0; i < n; ++i) gradient[i] = 0.0;
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = i % 3; j < i; j += 3) {
      *energy += 0.5 * (x[i] - x[j]) * (x[i] - x[j]);
      gradient[i] += x[i] - x[j];
      gradient[j] -= x[i] - x[j];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpPath GaussianPath(PetscInt *size, PetscBool centred)
{
  const double   mean[MAX_SIZE] = {0.1, -0.2, 0.3}, scale[MAX_SIZE] = {0.7, 1.1, 0.9, 1.2, 0.8, 1.3};
  TpPathSettings settings = {.kind      = TP_PATH_GAUSSIAN,
                             .size      = *size,
                             .beta      = 1.0,
                             .centred   = centred,
                             .mean      = mean,
                             .scale     = scale,
                             .lowest    = -0.3,
                             .potential = centred ? Springs : Quartic,
                             .context   = size};
  TpPath         path;

  TpTestCall(TpPathCreate(&settings, 16, &path));
  return path;
}

static TpPath FluidPathInBox(PetscInt num_particles, double length)
{
  const TpPathSettings settings = {.kind       = TP_PATH_FLUID,
                                   .size       = 3 * num_particles,
                                   .beta       = 0.8,
                                   .box_length = length,
                                   .noise_min  = 1e-3,
                                   .noise_max  = 0.5};
  TpPath               path;

  TpTestCall(TpPathCreate(&settings, 16, &path));
  return path;
}

static TpPath FluidPath(PetscInt num_particles)
{
  return FluidPathInBox(num_particles, 3.0);
}

static double Energy(TpPath path, const double y[], double t, double g[], double *d)
{
  double u;

  TpTestCall(TpPathEvaluate(path, 1, y, &t, &u, g, d));
  return u;
}

/* Gradient and d/dt at y and t against central differences with `step`; an error of `tolerance` relative to 1 + size. */
static void ExpectDerivatives(const char *what, TpPath path, double y[], double t, double step, double tolerance)
{
  double g[MAX_SIZE], d, unused[MAX_SIZE], none, difference;

  (void)Energy(path, y, t, g, &d);
  for (PetscInt k = 0; k < TpPathSize(path); ++k) {
    const double kept = y[k];

    y[k]            = kept + step;
    const double up = Energy(path, y, t, unused, &none);
    y[k]            = kept - step;
    difference      = (up - Energy(path, y, t, unused, &none)) / (2 * step);
    y[k]            = kept;
    TpTestExpectThat(fabs(g[k] - difference) <= tolerance * (1 + fabs(difference)),
                     "%s, t = %g: g[%d] = %.10g, differences say %.10g", what, t, (int)k, g[k], difference);
  }
  difference = (Energy(path, y, t + step, unused, &none) - Energy(path, y, t - step, unused, &none)) / (2 * step);
  TpTestExpectThat(fabs(d - difference) <= tolerance * (1 + fabs(difference)),
                   "%s, t = %g: d/dt = %.10g, differences say %.10g", what, t, d, difference);
}

static void FillNormal(uint32_t id, PetscInt n, double scale, double y[])
{
  for (PetscInt i = 0; i < n; ++i) y[i] = scale * Normal(id, i);
}

/* Particles of a shaken lattice, in units of the box. */
static void FillLattice(PetscInt num_particles, double y[])
{
  for (PetscInt i = 0; i < num_particles; ++i) {
    const PetscInt place[3] = {i % 2, i / 2 % 2, i / 4};

    for (PetscInt a = 0; a < 3; ++a) y[3 * i + a] = 0.25 + 0.5 * (double)place[a] + 0.03 * Normal(9, 3 * i + a);
  }
}

static void TestClassical(void)
{
  const double times[]  = {1e-4, 0.3, 0.9};
  PetscInt     size     = 3;
  TpPath       gaussian = GaussianPath(&size, PETSC_FALSE), fluid = FluidPath(6);
  double       y[MAX_SIZE];

  for (int i = 0; i < 3; ++i) {
    FillNormal(1, size, 1.0, y);
    ExpectDerivatives("gaussian", gaussian, y, times[i], STEP, 1e-6);
    FillLattice(6, y);
    ExpectDerivatives("fluid", fluid, y, times[i], STEP, 1e-6);
  }
  TpTestCall(TpPathDestroy(&gaussian));
  TpTestCall(TpPathDestroy(&fluid));
}

static void TestGaussianEnds(void)
{
  PetscInt size = 3;
  TpPath   path = GaussianPath(&size, PETSC_FALSE);
  double   y[MAX_SIZE], x[MAX_SIZE], g[MAX_SIZE], d, expected, square = 0.0;

  FillNormal(2, size, 1.0, y);
  TpPathToEngine(path, y, x);
  TpTestCall(Quartic(&size, x, &expected, g));
  TpTestExpectClose(Energy(path, y, 0.0, g, &d), expected, 1e-12);
  for (PetscInt i = 0; i < size; ++i) square += y[i] * y[i];
  TpTestExpectClose(Energy(path, y, 1.0, g, &d), 0.5 * square, 1e-12);
  TpPathFromEngine(path, x, g);
  for (PetscInt i = 0; i < size; ++i) TpTestExpectClose(g[i], y[i], 1e-13);
  TpTestExpectClose(TpPathLogReference(path), log(0.7 * 1.1 * 0.9) + 1.5 * log(2 * PETSC_PI), 1e-12);
  TpTestCall(TpPathDestroy(&path));
}

/* The pairs as they stand in the books. */
static void TestFluidEnds(void)
{
  TpPath path = FluidPath(8);
  double y[MAX_SIZE], g[MAX_SIZE], d, energy = 0.0;

  FillLattice(8, y);
  for (PetscInt i = 0; i < 8; ++i)
    for (PetscInt j = 0; j < i; ++j) {
      double squared = 0.0;

      for (PetscInt a = 0; a < 3; ++a) {
        double difference = y[3 * i + a] - y[3 * j + a];

        difference -= rint(difference);
        squared += 9.0 * difference * difference;
      }
      energy += 4.0 * (pow(squared, -6) - pow(squared, -3));
    }
  TpTestExpectClose(Energy(path, y, 0.0, g, &d), 0.8 * energy, 1e-10 * fabs(energy));
  TpTestExpectClose(Energy(path, y, 1.0, g, &d), 0.0, 1e-14);
  TpTestCall(TpPathDestroy(&path));
}

/*
  A dense fluid falls together if the integral of its pair energy over space is negative: many particles at one place then cost less than they gain (Ruelle,
  Statistical Mechanics, 1969, section 3.2). No time of the classical path may be such a fluid.
*/
static void TestFluidStability(void)
{
  enum { POINTS = 3000 };
  const double length = 6.0, width = 0.5 * length / POINTS;
  TpPath       path = FluidPathInBox(2, length);

  for (int k = 1; k < 20; ++k) {
    double y[6] = {0.0}, g[6], d, sum = 0.0;

    for (int i = 0; i < POINTS; ++i) {
      const double r = (i + 0.5) * width;

      y[3] = r / length;
      sum += 4.0 * PETSC_PI * r * r * width * Energy(path, y, 0.05 * k, g, &d);
    }
    TpTestExpectThat(sum > 0.0, "the integral over pairs is %g at t = %g", sum, 0.05 * k);
  }
  TpTestCall(TpPathDestroy(&path));
}

/* Particles without their centre: lengths and energies stay, and the way back ends around the origin. */
static void TestCentred(void)
{
  PetscInt size = 9;
  TpPath   path = GaussianPath(&size, PETSC_TRUE);
  double   x[MAX_SIZE], y[MAX_SIZE], back[MAX_SIZE], g[MAX_SIZE], d, expected, centre[3] = {0, 0, 0};

  TpTestExpectEqual(TpPathSize(path), 6);
  FillNormal(5, size, 1.0, x);
  TpTestCall(Springs(&size, x, &expected, g));
  TpPathFromEngine(path, x, y);
  TpTestExpectClose(Energy(path, y, 0.0, g, &d), expected, 1e-12);
  ExpectDerivatives("centred", path, y, 0.4, STEP, 1e-6);
  TpPathToEngine(path, y, back);
  for (PetscInt i = 0; i < size; ++i) centre[i % 3] += x[i] / 3.0;
  for (PetscInt i = 0; i < size; ++i) TpTestExpectClose(back[i], x[i] - centre[i % 3], 1e-12);
  TpTestCall(TpPathDestroy(&path));
}

typedef struct {
  TpNetwork   network;
  TpWorkspace workspace;
  PetscInt    num_parameters;
  TpNumber   *p, *gradient;
} Net;

static Net NetCreate(const TpEnergySettings *settings, PetscInt inputs, PetscInt conditions, PetscInt rows)
{
  Net net;

  TpTestCall(TpEnergyCreate(settings, inputs, conditions, &net.network));
  TpTestCall(TpWorkspaceCreate(net.network, rows, &net.workspace));
  net.num_parameters = TpNetworkNumParameters(net.network);
  TpTestCall(PetscCalloc2(net.num_parameters, &net.p, net.num_parameters, &net.gradient));
  TpTestCall(TpNetworkInitialise(net.network, 1, net.p));
  for (PetscInt i = 0; i < net.num_parameters; ++i) net.p[i] += (TpNumber)(0.1 * Normal(20, i));
  return net;
}

static void NetDestroy(Net *net)
{
  TpTestCall(PetscFree2(net->p, net->gradient));
  TpTestCall(TpWorkspaceDestroy(&net->workspace));
  TpTestCall(TpNetworkDestroy(&net->network));
}

/* d loss / d parameter by differences, for some parameters. Single precision: 1 % of the largest. */
static void ExpectLearned(const char *what, TpPath path, Net *net, PetscInt B, const double y0[])
{
  double loss, up, down, largest = 0.0;

  TpTestCall(TpPathLearn(path, 4, 17, 8, B, y0, &loss, net->gradient));
  TpTestExpect(loss > 0.0);
  for (PetscInt i = 0; i < net->num_parameters; ++i) largest = PetscMax(largest, fabs((double)net->gradient[i]));
  TpNumber *scratch;

  TpTestCall(PetscCalloc1(net->num_parameters, &scratch));
  for (PetscInt i = 0; i < net->num_parameters; i += 11) {
    const TpNumber kept = net->p[i];

    net->p[i] = kept + (TpNumber)1e-2;
    TpTestCall(TpPathLearn(path, 4, 17, 8, B, y0, &up, scratch));
    net->p[i] = kept - (TpNumber)1e-2;
    TpTestCall(TpPathLearn(path, 4, 17, 8, B, y0, &down, scratch));
    net->p[i] = kept;
    TpTestExpectThat(fabs((double)net->gradient[i] - (up - down) / 0.02) <= 0.01 * largest,
                     "%s: gradient[%d] = %g, differences say %g", what, (int)i, (double)net->gradient[i],
                     (up - down) / 0.02);
  }
  TpTestCall(PetscFree(scratch));
}

/* The network's score is a gradient, to single precision: at each time, and where its Jacobian is not small. */
static void ExpectConservative(const char *what, TpPath path, const double y0[])
{
  double squares[2], other[2];

  TpTestCall(TpPathAsymmetry(path, 3, 5, 0, 4, 0.3, y0, squares));
  TpTestExpectThat(squares[1] > 1e-4 && squares[0] < 1e-10 * squares[1], "%s: ||J - J^T||^2 = %g, ||J||^2 = %g", what,
                   squares[0], squares[1]);
  TpTestCall(TpPathAsymmetry(path, 3, 5, 0, 4, 0.3, y0, other));
  TpTestExpect(other[1] == squares[1]);
  TpTestCall(TpPathAsymmetry(path, 3, 5, 1, 4, 0.6, y0, other));
  TpTestExpect(other[1] != squares[1]);
}

/* What a network stands on, by one that says nothing; in double precision. */
static void ExpectBase(TpPath path, Net *net, double y[])
{
  const double times[] = {1e-3, 0.05, 0.3, 0.9};
  TpNumber    *kept;

  TpTestCall(PetscMalloc1(net->num_parameters, &kept));
  TpTestCall(PetscArraycpy(kept, net->p, net->num_parameters));
  TpTestCall(PetscArrayzero(net->p, net->num_parameters));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(times); ++i)
    ExpectDerivatives("base of a network", path, y, times[i], STEP, 1e-5);
  TpTestCall(PetscArraycpy(net->p, kept, net->num_parameters));
  TpTestCall(PetscFree(kept));
}

/* The same of free particles, whose potential fades faster. */
static void ExpectCores(void)
{
  const TpEnergySettings point = {.kind = TP_ENERGY_MLP, .width = 4, .depth = 1, .embedding = 4};
  PetscInt               size  = 9;
  TpPath                 path  = GaussianPath(&size, PETSC_TRUE);
  Net                    net   = NetCreate(&point, 6, 0, 16);
  double                 y[MAX_SIZE];

  FillNormal(5, 6, 1.0, y);
  TpTestCall(TpPathSetNetwork(path, net.network, net.workspace, net.p, 0));
  ExpectBase(path, &net, y);
  TpTestCall(TpPathDestroy(&path));
  NetDestroy(&net);
}

static void TestNeural(void)
{
  const TpEnergySettings point     = {.kind = TP_ENERGY_MLP, .width = 12, .depth = 1, .embedding = 6};
  const TpEnergySettings particles = {
      .kind = TP_ENERGY_FLUID, .width = 8, .depth = 1, .embedding = 6, .radial = 8, .box_length = 3.0, .cutoff = 1.5};
  PetscInt size     = 3;
  TpPath   gaussian = GaussianPath(&size, PETSC_FALSE), fluid = FluidPath(6);
  Net      one = NetCreate(&point, 3, 0, 16), two = NetCreate(&particles, 3, 0, 6);
  double   y[4 * MAX_SIZE], g[MAX_SIZE], d, classical;

  FillNormal(6, 4 * size, 0.8, y);
  classical = Energy(gaussian, y, 0.5, g, &d);
  TpTestCall(TpPathSetNetwork(gaussian, one.network, one.workspace, one.p, 0));
  TpTestExpect(fabs(Energy(gaussian, y, 0.5, g, &d) - classical) > 1e-3);
  ExpectBase(gaussian, &one, y);
  ExpectDerivatives("neural gaussian", gaussian, y, 0.5, 1e-2, 5e-3);
  ExpectLearned("gaussian", gaussian, &one, 4, y);
  ExpectConservative("gaussian", gaussian, y);
  ExpectCores();
  FillLattice(6, y);
  FillLattice(6, y + 18);
  TpTestCall(TpPathSetNetwork(fluid, two.network, two.workspace, two.p, 0));
  ExpectDerivatives("neural fluid", fluid, y, 0.5, 1e-3, 2e-2);
  ExpectLearned("fluid", fluid, &two, 2, y);
  ExpectConservative("fluid", fluid, y);
  TpTestCall(TpPathDestroy(&gaussian));
  TpTestCall(TpPathDestroy(&fluid));
  NetDestroy(&one);
  NetDestroy(&two);
}

/* What is learned with: a row's time and noise are those of its slot and step; by a network that says nothing, so that the loss is known. */
static void ExpectLoss(const char *what, TpPath path, Net *net, PetscInt B, const double y0[])
{
  const PetscInt size     = TpPathSize(path);
  double         expected = 0.0, loss, y[MAX_SIZE], z[MAX_SIZE], g[MAX_SIZE], d;

  TpTestCall(PetscArrayzero(net->p, net->num_parameters));
  for (PetscInt row = 0; row < B; ++row) {
    const uint32_t slot = 8 + (uint32_t)row;
    double         t;

    TpRandomUniform(4, TP_RANDOM_DIFFUSION_TIME, slot, 17, 1, &t);
    TpRandomNormal(4, TP_RANDOM_DIFFUSION_NOISE, slot, 17, size, z);
    for (PetscInt k = 0; k < size; ++k) y[k] = TpPathAlpha(path, t) * y0[row * size + k] + TpPathSigma(path, t) * z[k];
    (void)Energy(path, y, t, g, &d);
    for (PetscInt k = 0; k < size; ++k) expected += pow(TpPathSigma(path, t) * g[k] - z[k], 2) / (double)size;
  }
  TpTestCall(TpPathLearn(path, 4, 17, 8, B, y0, &loss, net->gradient));
  TpTestExpectThat(fabs(loss - expected) <= 1e-9 * expected, "%s: loss %.12g, expected %.12g", what, loss, expected);
}

static void TestLoss(void)
{
  const TpEnergySettings point     = {.kind = TP_ENERGY_MLP, .width = 4, .depth = 1, .embedding = 4};
  const TpEnergySettings particles = {
      .kind = TP_ENERGY_FLUID, .width = 4, .depth = 1, .embedding = 4, .radial = 4, .box_length = 3.0, .cutoff = 1.5};
  PetscInt size     = 3;
  TpPath   gaussian = GaussianPath(&size, PETSC_FALSE), fluid = FluidPath(6);
  Net      one = NetCreate(&point, 3, 0, 16), two = NetCreate(&particles, 3, 0, 6);
  double   y[4 * MAX_SIZE];

  TpTestCall(TpPathSetNetwork(gaussian, one.network, one.workspace, one.p, 0));
  TpTestCall(TpPathSetNetwork(fluid, two.network, two.workspace, two.p, 0));
  FillNormal(6, 4 * size, 0.8, y);
  ExpectLoss("gaussian", gaussian, &one, 4, y);
  FillLattice(6, y);
  FillLattice(6, y + 18);
  ExpectLoss("fluid", fluid, &two, 2, y);
  TpTestCall(TpPathDestroy(&gaussian));
  TpTestCall(TpPathDestroy(&fluid));
  NetDestroy(&one);
  NetDestroy(&two);
}

/* The network is told its condition. */
static void TestCondition(void)
{
  const TpEnergySettings point = {.kind = TP_ENERGY_MLP, .width = 12, .depth = 1, .embedding = 6};
  PetscInt               size  = 3;
  TpPath                 path  = GaussianPath(&size, PETSC_FALSE);
  Net                    net   = NetCreate(&point, 3, 1, 16);
  double                 y[MAX_SIZE], g[MAX_SIZE], d, energy[2];

  FillNormal(6, size, 0.8, y);
  for (int i = 0; i < 2; ++i) {
    TpTestCall(TpPathSetNetwork(path, net.network, net.workspace, net.p, (TpNumber)i));
    energy[i] = Energy(path, y, 0.5, g, &d);
  }
  TpTestExpect(fabs(energy[0] - energy[1]) > 1e-4);
  TpTestCall(TpPathDestroy(&path));
  NetDestroy(&net);
}

static PetscErrorCode Infinite(void *context, const double x[], double *energy, double gradient[])
{
  PetscFunctionBeginUser;
  (void)context;
  (void)x;
  *energy = INFINITY;
  for (int i = 0; i < 3; ++i) gradient[i] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At t = 1 nothing is left of the potential, be it infinite: trajectories begin there. */
static void TestStart(void)
{
  const TpPathSettings settings = {.kind = TP_PATH_GAUSSIAN, .size = 3, .beta = 1.0, .potential = Infinite};
  const double         y[3]     = {1.0, -2.0, 0.5};
  double               g[3], d;
  TpPath               path;

  TpTestCall(TpPathCreate(&settings, 1, &path));
  TpTestExpectClose(Energy(path, y, 1.0, g, &d), 0.5 * 5.25, 1e-14);
  TpTestExpectClose(d, 0.0, 1e-14);
  for (int i = 0; i < 3; ++i) TpTestExpect(g[i] == y[i]);
  TpTestCall(TpPathDestroy(&path));
}

/* Into the cube; and draws of the reference: even in the cube, normal elsewhere. 600 numbers each, 5 standard errors. */
static void TestReference(void)
{
  PetscInt size     = 3;
  TpPath   gaussian = GaussianPath(&size, PETSC_FALSE), fluid = FluidPath(6);
  double   y[MAX_SIZE], outside[18] = {-0.25, 1.25, 0.5, -2.0, 3.75}, sum[2] = {0, 0}, squares[2] = {0, 0};

  TpPathFold(fluid, 1, outside);
  TpTestExpect(outside[0] == 0.75 && outside[1] == 0.25 && outside[2] == 0.5 && outside[3] == 0.0 &&
               outside[4] == 0.75);
  outside[0] = -0.25;
  TpPathFold(gaussian, 1, outside);
  TpTestExpect(outside[0] == -0.25);
  for (uint32_t id = 0; id < 200; ++id) {
    TpPathDraw(gaussian, 3, id, 5, y);
    for (int k = 0; k < 3; ++k) {
      sum[0] += y[k] / 600.0;
      squares[0] += y[k] * y[k] / 600.0;
    }
    TpPathDraw(fluid, 3, id, 5, y);
    for (int k = 0; k < 3; ++k) {
      TpTestExpect(y[k] >= 0.0 && y[k] < 1.0);
      sum[1] += y[k] / 600.0;
      squares[1] += y[k] * y[k] / 600.0;
    }
  }
  TpTestExpectClose(sum[0], 0.0, 5.0 / sqrt(600.0));
  TpTestExpectClose(squares[0], 1.0, 5.0 * sqrt(2.0 / 600.0));
  TpTestExpectClose(sum[1], 0.5, 5.0 / sqrt(12.0 * 600.0));
  TpTestExpectClose(squares[1], 1.0 / 3.0, 5.0 * sqrt(4.0 / 45.0 / 600.0));
  TpTestCall(TpPathDestroy(&gaussian));
  TpTestCall(TpPathDestroy(&fluid));
}

static void TestQuadrature(void)
{
  double node[7], weight[7], values[13], times[13], x[4] = {0, 1, 2.5, 4}, y[4];

  TpGaussLegendre(7, node, weight);
  for (int power = 0; power < 14; ++power) {
    double sum = 0.0;

    for (int k = 0; k < 7; ++k) sum += weight[k] * pow(node[k], power);
    TpTestExpectClose(sum, 1.0 / (power + 1), 1e-13);
  }
  TpInterpolatoryWeights(7, node, 2, weight);
  TpTestExpect(weight[2] == 0.0);
  for (int power = 0; power < 6; ++power) {
    double sum = 0.0;

    for (int k = 0; k < 7; ++k) sum += weight[k] * pow(node[k], power);
    TpTestExpectClose(sum, 1.0 / (power + 1), 1e-12);
  }
  /* cubic in the number of the time, as Simpson's rule wants it: t = k^2 / 144, value 1 + k; the integral of (1 + k) 2 k dk / 144 */
  for (int k = 0; k <= 12; ++k) {
    times[k]  = (double)(k * k) / 144.0;
    values[k] = 1.0 + (double)k;
  }
  TpTestExpectClose(TpSimpson(12, times, values, 1), 9.0, 1e-13);
  TpTestExpectClose(TpSimpson(12, times, values, 2), 9.0, 1e-13);
  TpTestExpectClose(TpSimpson(12, times, values, 3), 9.0, 1e-13);
  for (int k = 0; k < 4; ++k) y[k] = 1.0 + x[k] * (0.5 - 0.25 * x[k]);
  TpTestExpectClose(TpCurve(4, x, y, 1.7), 1.0 + 1.7 * (0.5 - 0.25 * 1.7), 1e-13);
  TpTestExpectClose(TpCurve(4, x, y, -2.0), 1.0 - 2.0 * 0.5, 1e-13);
  TpTestExpectClose(TpCurve(4, x, y, 6.0), y[3] - 2.0 * 1.5, 1e-13);
  TpTestExpectClose(TpCurve(2, x, y, 0.3), 1.0 + 0.3 * (y[1] - 1.0), 1e-13);
  TpTestExpect(TpCurve(1, x, y, 7.0) == 1.0);
}

/* Non-interacting: <N> = exp(beta mu) in units of the box; the sum over N is cut at 60. */
static void TestGrand(void)
{
  double excess[61] = {0}, mu[2] = {log(3.0), log(10.0)}, mean[2];

  TpGrandMean(60, excess, 2, mu, mean);
  TpTestExpectClose(mean[0], 3.0, 1e-10);
  TpTestExpectClose(mean[1], 10.0, 1e-8);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestClassical();
  TestGaussianEnds();
  TestFluidEnds();
  TestFluidStability();
  TestCentred();
  TestNeural();
  TestLoss();
  TestCondition();
  TestStart();
  TestReference();
  TestQuadrature();
  TestGrand();
  return TpTestEnd();
}
