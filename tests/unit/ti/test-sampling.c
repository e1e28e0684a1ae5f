/* Moves keep a known distribution; trajectories along a path whose ends are known integrate to the known difference. */
#include "tempera/ti.h"
#include "test.h"

#include <math.h>

/* U = 4 (x^2 - 1)^2 + 0.5 x, whose ln Z at beta = 1 is 0.057331 (tests/reference). */
static PetscErrorCode DoubleWell(void *context, const double x[], double *energy, double gradient[])
{
  PetscFunctionBeginUser;
  (void)context;
  *energy     = 4.0 * pow(x[0] * x[0] - 1.0, 2) + 0.5 * x[0];
  gradient[0] = 16.0 * x[0] * (x[0] * x[0] - 1.0) + 0.5;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define ROWS 512

static TpPath PathCreate(void)
{
  const TpPathSettings settings = {
      .kind = TP_PATH_GAUSSIAN, .size = 1, .beta = 1.0, .lowest = -0.5, .potential = DoubleWell};
  TpPath path;

  TpTestCall(TpPathCreate(&settings, ROWS, &path));
  return path;
}

/* Walkers begin at +1 and -1; <x> at t = 0 is -0.429217 by quadrature. The walkers are independent; 4 standard errors: one false alarm in 16000. */
static void TestMoves(void)
{
  TpPath     path = PathCreate();
  TpWalkers  walkers;
  PetscInt64 accepted = 0;
  double     sum = 0.0, squares = 0.0, energy = 0.0;

  TpTestCall(TpWalkersCreate(path, ROWS, &walkers));
  for (PetscInt i = 0; i < ROWS; ++i) walkers.y[i] = i % 2 ? 1.0 : -1.0;
  TpTestCall(TpWalkersEvaluate(path, 0.0, &walkers));
  for (uint64_t move = 0; move < 400; ++move)
    TpTestCall(TpWalkersMove(path, 0.0, 0.5, 4, 3, 0, move, &walkers, &accepted));
  for (PetscInt i = 0; i < ROWS; ++i) {
    sum += walkers.y[i];
    squares += walkers.y[i] * walkers.y[i];
    energy += walkers.u[i];
  }
  const double mean = sum / ROWS, error = sqrt((squares / ROWS - mean * mean) / ROWS);

  TpTestExpectClose(mean, -0.429217, 4 * error);
  TpTestExpectClose(energy / ROWS, 0.354193, 4 * sqrt(0.831737 / ROWS));
  TpTestExpect(accepted > 100 * ROWS && accepted < 400 * ROWS);
  TpTestCall(TpWalkersDestroy(&walkers));
  TpTestCall(TpPathDestroy(&path));
}

/* Short steps nearly keep the energy, and nearly all moves are accepted: an error of the order of the step itself would refuse one in twenty. */
static void TestShortSteps(void)
{
  TpPath     path = PathCreate();
  TpWalkers  walkers;
  PetscInt64 accepted = 0;

  TpTestCall(TpWalkersCreate(path, ROWS, &walkers));
  for (PetscInt i = 0; i < ROWS; ++i) walkers.y[i] = (i % 2 ? 0.8 : -0.8) + 1e-3 * (double)i;
  TpTestCall(TpWalkersEvaluate(path, 0.0, &walkers));
  for (uint64_t move = 0; move < 10; ++move)
    TpTestCall(TpWalkersMove(path, 0.0, 0.01, 20, 3, 0, move, &walkers, &accepted));
  TpTestExpectThat(accepted > 0.998 * 10 * ROWS, "%g of the moves are accepted", (double)accepted / (10 * ROWS));
  TpTestCall(TpWalkersDestroy(&walkers));
  TpTestCall(TpPathDestroy(&path));
}

/* Without a network the reverse diffusion is wrong, and the moves have to put everything right. */
static void TestTrajectories(void)
{
  const TpTrajectorySampling sampling = {.num_times = 128, .relax_steps = 12, .relax_leaps = 3, .relax_length = 0.3};
  TpPath                     path     = PathCreate();
  double                    *integrand, *weight, *y, times[129], sum = 0.0, squares = 0.0;
  PetscInt64                 accepted = 0;

  TpTestCall(PetscMalloc3(ROWS * 129, &integrand, ROWS, &weight, ROWS, &y));
  TpTestCall(TpTrajectoriesSample(path, &sampling, 5, 0, 0, ROWS, integrand, weight, y, &accepted));
  for (PetscInt k = 0; k <= 128; ++k) times[k] = TpTrajectoryTime(path, 128, k);
  for (PetscInt i = 0; i < ROWS; ++i) {
    const double value = TpSimpson(128, times, integrand + i * 129, 1);

    sum += value;
    squares += value * value;
  }
  const double mean = sum / ROWS, error = sqrt((squares / ROWS - mean * mean) / ROWS);

  TpTestExpect(error < 0.02);
  TpTestExpectClose(mean + TpPathLogReference(path), 0.057331, 4 * error + 1e-3);
  TpTestCall(PetscFree3(integrand, weight, y));
  TpTestCall(TpPathDestroy(&path));
}

static PetscErrorCode Harmonic(void *context, const double x[], double *energy, double gradient[])
{
  PetscFunctionBeginUser;
  (void)context;
  *energy     = 0.5 * x[0] * x[0] / 0.64;
  gradient[0] = x[0] / 0.64;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without moves the weights put right what the classical path's score has wrong. Z = sqrt(2 pi 0.64); 4 standard errors. */
static void TestWeights(void)
{
  const TpTrajectorySampling sampling = {.num_times = 256, .relax_steps = 0};
  const TpPathSettings       settings = {.kind = TP_PATH_GAUSSIAN, .size = 1, .beta = 1.0, .potential = Harmonic};
  TpPath                     path;
  double                    *integrand, *weight, *y, value, error, effective;
  PetscInt64                 accepted = 0;

  TpTestCall(TpPathCreate(&settings, ROWS, &path));
  TpTestCall(PetscMalloc3(ROWS * 257, &integrand, ROWS, &weight, ROWS, &y));
  TpTestCall(TpTrajectoriesSample(path, &sampling, 6, 0, 0, ROWS, integrand, weight, y, &accepted));
  TpMeanWeight(ROWS, weight, &value, &error, &effective);
  TpTestExpectThat(effective > 0.3 * ROWS && error < 0.06, "%g effective samples, error %g", effective, error);
  TpTestExpectClose(value + TpPathLogReference(path), 0.5 * log(2 * PETSC_PI * 0.64), 4 * error);
  TpTestCall(PetscFree3(integrand, weight, y));
  TpTestCall(TpPathDestroy(&path));
}

/* Two weights, 1 and 3: mean 2 with standard error 1, worth (1 + 3)^2 / (1 + 9) samples. */
static void TestMeanWeight(void)
{
  const double log_weight[2] = {700.0, 700.0 + log(3.0)};
  double       value, error, effective;

  TpMeanWeight(2, log_weight, &value, &error, &effective);
  TpTestExpectClose(value, 700.0 + log(2.0), 1e-12);
  TpTestExpectClose(error, 0.5, 1e-12);
  TpTestExpectClose(effective, 1.6, 1e-12);
}

/* Particles that leave the cube on one side come in on the other. */
static void TestCube(void)
{
  enum { SIZE = 18, B = 4 };
  const TpTrajectorySampling sampling = {.num_times = 16, .relax_steps = 0};
  const TpPathSettings       settings = {
            .kind = TP_PATH_FLUID, .size = SIZE, .beta = 0.8, .box_length = 6.0, .noise_min = 1e-3, .noise_max = 0.5};
  double     integrand[B * 17], weight[B], y[B * SIZE];
  PetscInt64 accepted = 0;
  TpPath     path;

  TpTestCall(TpPathCreate(&settings, B, &path));
  TpTestCall(TpTrajectoriesSample(path, &sampling, 5, 0, 0, B, integrand, weight, y, &accepted));
  for (int i = 0; i < B * SIZE; ++i) TpTestExpect(y[i] >= 0.0 && y[i] < 1.0);
  for (int i = 0; i < B; ++i) TpTestExpect(fabs(weight[i]) < 1e4);
  TpTestCall(TpPathDestroy(&path));
}

/* A trajectory is a function of its number, not of those beside it. */
static void TestIndependence(void)
{
  const TpTrajectorySampling sampling = {.num_times = 16, .relax_steps = 1, .relax_leaps = 3, .relax_length = 0.3};
  TpPath                     path     = PathCreate();
  double                     all[5 * 17], one[17], weight[5], y[5], end;
  PetscInt64                 accepted = 0;

  TpTestCall(TpTrajectoriesSample(path, &sampling, 5, 2, 40, 5, all, weight, y, &accepted));
  TpTestCall(TpTrajectoriesSample(path, &sampling, 5, 2, 43, 1, one, weight, &end, &accepted));
  for (int k = 0; k < 17; ++k) TpTestExpect(one[k] == all[3 * 17 + k]);
  TpTestExpect(end == y[3]);
  TpTestCall(TpTrajectoriesSample(path, &sampling, 5, 3, 43, 1, one, weight, &end, &accepted));
  TpTestExpect(end != y[3]);
  const TpTrajectorySampling shorter = {.num_times = 16, .relax_steps = 1, .relax_leaps = 3, .relax_length = 0.2};

  TpTestCall(TpTrajectoriesSample(path, &shorter, 5, 2, 43, 1, one, weight, &end, &accepted));
  TpTestExpect(end != y[3]);
  TpTestCall(TpPathDestroy(&path));
}

static PetscErrorCode Broken(void *context, const double x[], double *energy, double gradient[])
{
  PetscFunctionBeginUser;
  (void)context;
  (void)x;
  *energy     = NAN;
  gradient[0] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Huge(void *context, const double x[], double *energy, double gradient[])
{
  PetscFunctionBeginUser;
  (void)context;
  (void)x;
  *energy     = 1e12;
  gradient[0] = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A trajectory along the path of this potential is refused by a line that tells where. */
static void ExpectRefused(PetscErrorCode (*potential)(void *, const double[], double *, double[]), const char *line)
{
  const TpTrajectorySampling sampling = {.num_times = 16, .relax_steps = 0};
  const TpPathSettings       settings = {.kind = TP_PATH_GAUSSIAN, .size = 1, .beta = 1.0, .potential = potential};
  TpPath                     path;
  double                     integrand[17], weight, y;
  PetscInt64                 accepted = 0;

  TpTestCall(TpPathCreate(&settings, 1, &path));
  TpTestExpectEqual(TpTrajectoriesSample(path, &sampling, 5, 0, 0, 1, integrand, &weight, &y, &accepted),
                    TP_ERR_STOPPED);
  TpTestExpectText(TpInputErrorMessage(), line);
  TpInputErrorClear();
  TpTestCall(TpPathDestroy(&path));
}

/* What is no number, and what is one and means nothing. */
static void TestDiverging(void)
{
  ExpectRefused(Broken, "the integrand is nan at t = 0.8789");
  ExpectRefused(Huge, "e+08 at t = 0.003906 in trajectory 0");
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestMoves();
  TestShortSteps();
  TestTrajectories();
  TestWeights();
  TestMeanWeight();
  TestCube();
  TestIndependence();
  TestDiverging();
  return TpTestEnd();
}
