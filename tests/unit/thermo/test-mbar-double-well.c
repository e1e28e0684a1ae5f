/*
  MBAR on the asymmetric double well U = 4 (x^2 - 1)^2 + x / 2, k_B = 1, from exact samples: thermodynamics between the rungs and 20 % beyond
  them, against quadrature. The exact values are those of tests/reference/asymmetric-double-well.txt.
*/
#include "tempera/thermo.h"
#include "test.h"

#include <math.h>

enum { K = 5, NUM_TARGETS = 5, NUM_QUANTITIES = 6, NUM_POINTS = 40001, REPEATS = 200 };

/* Targets at 1/0.8 of the coldest rung's beta, between the rungs, and at 1/1.2 of the hottest one's. */
static const double betas[K] = {1.2, 0.85, 0.6, 0.42, 0.3};

/* beta, ln Z, <U>, C_v, P(x > 0), <x> */
static const double exact[NUM_TARGETS][6] = {
    {0.25, 0.686422, 1.617986, 0.236484, 0.448474, -0.103770},
    {0.50, 0.370674, 0.981867, 0.462776, 0.393184, -0.209965},
    {0.75, 0.175416, 0.606396, 0.683467, 0.336341, -0.321731},
    {1.00, 0.057331, 0.354193, 0.831737, 0.282435, -0.429217},
    {1.50, -0.036213, 0.052851, 0.971218, 0.191524, -0.612392},
};

static const char *const quantities[NUM_QUANTITIES] = {"F", "U", "C_v", "S", "P(x > 0)", "<x>"};

static const double left  = -4.0; /* U = 900 there: nothing lies beyond */
static const double right = 4.0;

static double Energy(double x)
{
  return 4.0 * (x * x - 1.0) * (x * x - 1.0) + 0.5 * x;
}

static double Position(int i)
{
  return left + (right - left) * i / (NUM_POINTS - 1);
}

/* Integral of exp(-beta U) up to each point; the trapezoidal rule is exact to all digits for a function that vanishes at both ends. */
static void Cumulate(double beta, double integral[NUM_POINTS])
{
  const double step = (right - left) / (NUM_POINTS - 1);

  integral[0] = 0.0;
  for (int i = 1; i < NUM_POINTS; ++i)
    integral[i] =
        integral[i - 1] + 0.5 * step * (exp(-beta * Energy(Position(i - 1))) + exp(-beta * Energy(Position(i))));
}

/* Invert the cumulative distribution, linear within an interval of 2e-4. */
static double Sample(const double integral[NUM_POINTS], double uniform)
{
  const double target = uniform * integral[NUM_POINTS - 1];
  int          low = 0, high = NUM_POINTS - 1;

  while (high - low > 1) {
    const int middle = (low + high) / 2;

    if (integral[middle] <= target)
      low = middle;
    else
      high = middle;
  }
  return Position(low) + (Position(high) - Position(low)) * (target - integral[low]) / (integral[high] - integral[low]);
}

typedef struct {
  PetscInt64 count[K];
  double     temperature[K];
  double    *integral; /* [K, NUM_POINTS] */
  double    *x, *energy, *weight, *above;
} Wells;

static PetscErrorCode WellsCreate(PetscInt64 count, Wells *wells)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(K * NUM_POINTS, &wells->integral, K * count, &wells->x, K * count, &wells->energy, K * count,
                         &wells->weight, K * count, &wells->above));
  for (int k = 0; k < K; ++k) {
    wells->count[k]       = count;
    wells->temperature[k] = 1.0 / betas[k];
    Cumulate(betas[k], &wells->integral[(PetscInt64)k * NUM_POINTS]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WellsDestroy(Wells *wells)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(wells->integral, wells->x, wells->energy, wells->weight, wells->above));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Draw(Wells *wells, uint64_t seed)
{
  const PetscInt64 count = wells->count[0];

  for (int k = 0; k < K; ++k) {
    double *x = &wells->x[k * count];

    TpRandomUniform(seed, TP_RANDOM_TEST, (uint32_t)k, 0, (PetscInt)count, x);
    for (PetscInt64 n = 0; n < count; ++n) x[n] = Sample(&wells->integral[(PetscInt64)k * NUM_POINTS], x[n]);
  }
  for (PetscInt64 n = 0; n < K * count; ++n) {
    wells->energy[n] = Energy(wells->x[n]);
    wells->above[n]  = wells->x[n] > 0.0;
  }
}

/* Errors in units of the standard errors told. ln Z of the first rung, which F counts from, is this file's own integral. */
static PetscErrorCode Standardise(Wells *wells, double z[NUM_TARGETS][NUM_QUANTITIES])
{
  const double origin = log(wells->integral[NUM_POINTS - 1]);
  TpMbarResult result;
  TpMbar       mbar;

  PetscFunctionBeginUser;
  PetscCall(TpMbarCreateLadder(PETSC_COMM_SELF, 1.0, K, wells->temperature, wells->count, wells->energy, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  TpTestExpectEqual(result.warnings, 0);
  for (int t = 0; t < NUM_TARGETS; ++t) {
    const double temperature = 1.0 / exact[t][0];
    const double log_z       = exact[t][1] - origin;
    TpMbarPoint  point;
    double       mean, error;

    PetscCall(TpMbarAtTemperatures(mbar, 1, &temperature, &point));
    z[t][0] = (point.free_energy + temperature * log_z) / point.free_energy_error;
    z[t][1] = (point.energy - exact[t][2]) / point.energy_error;
    z[t][2] = (point.heat_capacity - exact[t][3]) / point.heat_capacity_error;
    z[t][3] = (point.entropy - (exact[t][0] * exact[t][2] + log_z)) / point.entropy_error;
    PetscCall(TpMbarWeights(mbar, temperature, wells->weight));
    PetscCall(TpMbarExpectation(mbar, wells->weight, wells->above, &mean, &error));
    z[t][4] = (mean - exact[t][4]) / error;
    PetscCall(TpMbarExpectation(mbar, wells->weight, wells->x, &mean, &error));
    z[t][5] = (mean - exact[t][5]) / error;
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The integrals that this test draws from are right: ln Z of the table to its last digit. */
static PetscErrorCode IntegralsAreExact(Wells *wells)
{
  PetscFunctionBeginUser;
  for (int t = 0; t < NUM_TARGETS; ++t) {
    Cumulate(exact[t][0], wells->integral);
    TpTestExpectClose(log(wells->integral[NUM_POINTS - 1]), exact[t][1], 6e-7);
  }
  Cumulate(betas[0], wells->integral);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  C_v beyond the hottest rung stands on the quartic tail, and its error on the square of that: a data set of this size that misses the tail has
  both too small. It is tested with more samples below.
*/
static PetscBool IsTail(int t, int q)
{
  return (PetscBool)(t == 0 && q == 2);
}

static void Count(double z[NUM_TARGETS][NUM_QUANTITIES], double sum[NUM_TARGETS][NUM_QUANTITIES],
                  double square[NUM_TARGETS][NUM_QUANTITIES], int *outside)
{
  for (int t = 0; t < NUM_TARGETS; ++t) {
    for (int q = 0; q < NUM_QUANTITIES; ++q) {
      sum[t][q] += z[t][q] / REPEATS;
      square[t][q] += z[t][q] * z[t][q] / REPEATS;
      *outside += !IsTail(t, q) && !(fabs(z[t][q]) <= 3.0);
    }
  }
}

/*
  200 data sets of 5 x 1000 samples. Of 29 quantities each, the mean z has a standard error of 0.071 and the mean square one of 0.1: bounds are 4 of
  them (false alarm 6e-5 each, 4e-3 in all). |z| > 3 happens in 0.27 % of 5,800: 16 times; quantities of one data set go together in groups of
  about five, so the bound is 16 + 4 sqrt(5 x 16) = 52.
*/
static PetscErrorCode EstimatesAndErrorsAreRight(void)
{
  double sum[NUM_TARGETS][NUM_QUANTITIES] = {{0.0}}, square[NUM_TARGETS][NUM_QUANTITIES] = {{0.0}};
  int    outside = 0;
  Wells  wells;

  PetscFunctionBeginUser;
  PetscCall(WellsCreate(1000, &wells));
  PetscCall(IntegralsAreExact(&wells));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    double z[NUM_TARGETS][NUM_QUANTITIES];

    Draw(&wells, (uint64_t)repeat);
    PetscCall(Standardise(&wells, z));
    Count(z, sum, square, &outside);
  }
  for (int t = 0; t < NUM_TARGETS; ++t) {
    for (int q = 0; q < NUM_QUANTITIES; ++q) {
      if (IsTail(t, q)) continue;
      TpTestExpectThat(fabs(sum[t][q]) < 0.285, "beta %g, %s: mean of z is %g", exact[t][0], quantities[q], sum[t][q]);
      TpTestExpectThat(fabs(square[t][q] - 1.0) < 0.4, "beta %g, %s: mean square of z is %g", exact[t][0],
                       quantities[q], square[t][q]);
    }
  }
  TpTestExpectThat(outside <= 52, "%d of %d are more than 3 errors away", outside, REPEATS * 29);
  PetscCall(WellsDestroy(&wells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One large data set, all 30 quantities within 4 errors (false alarm 2e-3 in all). The errors are down to 1e-3, so biases would show. */
static PetscErrorCode LargeDataSet(void)
{
  double z[NUM_TARGETS][NUM_QUANTITIES];
  Wells  wells;

  PetscFunctionBeginUser;
  PetscCall(WellsCreate(100000, &wells));
  Draw(&wells, 1000);
  PetscCall(Standardise(&wells, z));
  for (int t = 0; t < NUM_TARGETS; ++t) {
    for (int q = 0; q < NUM_QUANTITIES; ++q)
      TpTestExpectThat(fabs(z[t][q]) <= 4.0, "beta %g, %s: z is %g", exact[t][0], quantities[q], z[t][q]);
  }
  PetscCall(WellsDestroy(&wells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(EstimatesAndErrorsAreRight());
  TpTestCall(LargeDataSet());
  return TpTestEnd();
}
