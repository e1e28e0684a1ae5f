/*
  Log densities by the probability flow, with the exact denoiser of Gaussian mixtures in 2 to 32 dimensions, against the exact density: to 1e-3 nats a
  dimension. Hutchinson's estimate against it, within its own errors. Angles on a circle against the wrapped normal density.
*/
#include "tempera/diffusion.h"
#include "test.h"

#include <math.h>

#define MAX_D 32
#define K     3
#define ROWS  8

/* sum_k weight_k N(mean_k, sigma_k^2) in D dimensions: the dimensions are not independent. Mean 0 and variance near 1, as in standardised data. */
typedef struct {
  TpSchedule schedule;
  PetscInt   D;
  double     mean[K][MAX_D];
  PetscInt   B;
  double     x[ROWS * MAX_D], abar[ROWS * MAX_D]; /* of the last prediction, in double */
} Cloud;

static const double weight[K] = {0.5, 0.3, 0.2}, sigma[K] = {0.4, 0.7, 0.55};

static void MakeCloud(TpSchedule schedule, PetscInt D, Cloud *cloud)
{
  cloud->schedule = schedule;
  cloud->D        = D;
  for (PetscInt i = 0; i < D; ++i) {
    cloud->mean[0][i] = 0.5 * cos(2.0 * i + 0.4);
    cloud->mean[1][i] = 0.4 * sin(3.0 * i + 1.0);
    cloud->mean[2][i] = -(weight[0] * cloud->mean[0][i] + weight[1] * cloud->mean[1][i]) / weight[2];
  }
}

/* ln p_t(x), responsibilities r_k, variances v_k. */
static double LogDensity(const Cloud *cloud, double abar, const double x[], double r[K], double v[K])
{
  double logs[K], largest = -INFINITY, sum = 0.0;

  for (int k = 0; k < K; ++k) {
    double squares = 0.0;

    v[k] = abar * sigma[k] * sigma[k] + 1.0 - abar;
    for (PetscInt i = 0; i < cloud->D; ++i) squares += pow(x[i] - sqrt(abar) * cloud->mean[k][i], 2);
    logs[k] = log(weight[k]) - 0.5 * squares / v[k] - 0.5 * cloud->D * log(2.0 * PETSC_PI * v[k]);
    largest = fmax(largest, logs[k]);
  }
  for (int k = 0; k < K; ++k) sum += r[k] = exp(logs[k] - largest);
  for (int k = 0; k < K; ++k) r[k] /= sum;
  return largest + log(sum);
}

static PetscErrorCode Predict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                              TpNumber eps[])
{
  Cloud         *cloud = context;
  const PetscInt D     = cloud->D;
  double         r[K], v[K];

  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < B; ++row) {
    const double abar = TpScheduleSignal(cloud->schedule, (double)t[row]);
    double      *here = cloud->x + row * D;

    cloud->abar[row] = abar;
    for (PetscInt i = 0; i < D; ++i) here[i] = (double)x[row * D + i];
    (void)LogDensity(cloud, abar, here, r, v);
    for (PetscInt i = 0; i < D; ++i) {
      double score = 0.0;

      for (int k = 0; k < K; ++k) score -= r[k] * (here[i] - sqrt(abar) * cloud->mean[k][i]) / v[k];
      eps[row * D + i] = (TpNumber)(-sqrt(1.0 - abar) * score);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Hessian H of ln p is symmetric: H u = sum_k r_k ((s_k - s) (s_k . u) - u / v_k), with s_k the component's score and s their mean. */
static PetscErrorCode Reverse(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[])
{
  Cloud         *cloud = context;
  const PetscInt D     = cloud->D;
  double         r[K], v[K];

  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < B; ++row) {
    const double    abar = cloud->abar[row], *x = cloud->x + row * D;
    const TpNumber *u      = deps + row * D;
    double          dot[K] = {0.0}, mean_dot = 0.0;

    (void)LogDensity(cloud, abar, x, r, v);
    for (int k = 0; k < K; ++k) {
      for (PetscInt i = 0; i < D; ++i) dot[k] -= (double)u[i] * (x[i] - sqrt(abar) * cloud->mean[k][i]) / v[k];
      mean_dot += r[k] * dot[k];
    }
    for (PetscInt i = 0; i < D; ++i) {
      double product = 0.0;

      for (int k = 0; k < K; ++k)
        product -= r[k] * ((x[i] - sqrt(abar) * cloud->mean[k][i]) / v[k] * (dot[k] - mean_dot) + (double)u[i] / v[k]);
      dx[row * D + i] = (TpNumber)(-sqrt(1.0 - abar) * product);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A point of the cloud: some of component `row` mod K, some far from all. */
static void Point(const Cloud *cloud, PetscInt row, TpNumber x[])
{
  double normal[MAX_D];

  TpRandomNormal(3, TP_RANDOM_TEST, (uint32_t)row, 0, cloud->D, normal);
  for (PetscInt i = 0; i < cloud->D; ++i)
    x[i] = (TpNumber)(cloud->mean[row % K][i] + (row < 6 ? sigma[row % K] : 1.5) * normal[i]);
}

/* max_batch below D: the exact trace comes in pieces. */
static void TestExact(TpSchedule schedule, PetscInt D, PetscInt num_probes)
{
  Cloud            cloud;
  const TpDenoiser denoiser = {
      .num_inputs = D, .max_batch = ROWS, .context = &cloud, .predict = Predict, .reverse = Reverse};
  TpLikelihood likelihood;
  double       chi_squared = 0.0;

  MakeCloud(schedule, D, &cloud);
  TpTestCall(TpLikelihoodCreate(schedule, D, NULL, num_probes, 1e-5, &likelihood));
  for (PetscInt row = 0; row < ROWS; ++row) {
    TpNumber x[MAX_D];
    double   r[K], v[K], at[MAX_D], value, error;

    Point(&cloud, row, x);
    for (PetscInt i = 0; i < D; ++i) at[i] = (double)x[i];
    TpTestCall(TpLikelihoodOf(likelihood, &denoiser, 5, (uint32_t)row, NULL, x, &value, &error));
    const double exact = LogDensity(&cloud, 1.0, at, r, v);
    if (num_probes) {
      chi_squared += pow((value - exact) / error, 2) / ROWS;
      TpTestExpectThat(error > 0.0 && error < 2.0, "row %d: error %g", (int)row, error);
    } else {
      TpTestExpectThat(fabs(value - exact) < 1e-3 * D, "%d dimensions, row %d: %g, exact %g", (int)D, (int)row, value,
                       exact);
      TpTestExpect(error == 0.0);
    }
  }
  /* Eight squares of normal numbers over their error by 64 probes: the mean is above 3 with probability 4e-3, seeds are fixed. */
  if (num_probes) TpTestExpectThat(chi_squared < 3.0, "errors of Hutchinson's estimate: %g in units", chi_squared);
  TpTestCall(TpLikelihoodDestroy(&likelihood));
}

/* ------------------------------------------------------------------------------------------------------------- angles */

#define SPREAD 0.8
#define CENTRE 2.6

/* A wrapped normal distribution: a sum over windings. */
static double WrappedDensity(double angle, double variance)
{
  double sum = 0.0;

  for (int k = -60; k <= 60; ++k)
    sum += exp(-0.5 * pow(remainder(angle - CENTRE, 2.0 * PETSC_PI) + 2.0 * PETSC_PI * k, 2) / variance);
  return sum / sqrt(2.0 * PETSC_PI * variance);
}

typedef struct {
  TpSchedule schedule;
  double     x, abar;
} Circle;

static double CircleNoise(double x, double abar)
{
  const double noise = (1.0 - abar) / abar, variance = SPREAD * SPREAD + noise, angle = x / sqrt(abar), h = 1e-4;

  if (variance > 60.0) return 0.0; /* uniform: the first mode is exp(-30) */
  return -sqrt(noise) * (log(WrappedDensity(angle + h, variance)) - log(WrappedDensity(angle - h, variance))) /
         (2.0 * h);
}

static PetscErrorCode CirclePredict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[],
                                    const TpNumber c[], TpNumber eps[])
{
  Circle *circle = context;

  PetscFunctionBeginUser;
  circle->x    = (double)x[0];
  circle->abar = TpScheduleSignal(circle->schedule, (double)t[0]);
  eps[0]       = (TpNumber)CircleNoise(circle->x, circle->abar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CircleReverse(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[])
{
  const Circle *circle = context;
  const double  h      = 1e-3 * sqrt(circle->abar);

  PetscFunctionBeginUser;
  dx[0] = deps[0] *
          (TpNumber)((CircleNoise(circle->x + h, circle->abar) - CircleNoise(circle->x - h, circle->abar)) / (2.0 * h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TestAngle(TpSchedule schedule)
{
  static const PetscBool is_angle[] = {PETSC_TRUE};
  Circle                 circle     = {.schedule = schedule};
  const TpDenoiser       denoiser   = {
              .num_inputs = 1, .max_batch = 1, .context = &circle, .predict = CirclePredict, .reverse = CircleReverse};
  TpLikelihood likelihood;

  TpTestCall(TpLikelihoodCreate(schedule, 1, is_angle, 0, 1e-5, &likelihood));
  for (int k = 0; k < 5; ++k) {
    const TpNumber x = (TpNumber)(-3.0 + 1.4 * k);
    double         value, error;

    TpTestCall(TpLikelihoodOf(likelihood, &denoiser, 5, 0, NULL, &x, &value, &error));
    TpTestExpectClose(value, log(WrappedDensity((double)x, SPREAD * SPREAD)), 1e-3);
  }
  TpTestCall(TpLikelihoodDestroy(&likelihood));
}

int main(int argc, char **argv)
{
  static const PetscInt dimensions[] = {2, 5, 12, 32};

  TpTestBegin(&argc, &argv);
  for (PetscInt kind = 0; kind < 2; ++kind) {
    TpSchedule schedule;

    TpTestCall(TpScheduleCreate(kind, 1000, &schedule));
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(dimensions); ++i) TestExact(schedule, dimensions[i], 0);
    TestExact(schedule, 12, 64);
    TestAngle(schedule);
    TpTestCall(TpScheduleDestroy(&schedule));
  }
  return TpTestEnd();
}
