/* Whether energies, kinetic temperatures and forces are those of a canonical ensemble. */
#include "tempera/comm.h"
#include "thermo-impl.h"

#include <math.h>

/* -------------------------------------------------------------------------------------------------------------- pairs */

/* Centred and scaled, so that Newton's matrix is well behaved; the line is offset + tilt x, x = (U - centre) / scale. */
typedef struct {
  double centre, scale;
  double offset, tilt;
} Line;

/* gradient [2] and curvature [3] (00, 01, 11) of the log likelihood, and the likelihood itself */
enum { NUM_SUMS = 6 };

/* A sample of the cold set (sign 1) has probability 1 / (1 + exp(-line)), one of the hot set (sign -1) the rest. */
static void AddSet(const TpEnergySet *set, const Line *line, double sign, double sums[NUM_SUMS])
{
  const double weight = 1.0 / set->g;

  for (PetscInt64 n = 0; n < set->count; ++n) {
    const double x = (set->energy[n] - line->centre) / line->scale;
    const double y = sign * (line->offset + line->tilt * x);
    const double q = y > 0.0 ? exp(-y) / (1.0 + exp(-y)) : 1.0 / (1.0 + exp(y)); /* of the other set */
    const double h = weight * q * (1.0 - q);

    sums[0] += sign * weight * q;
    sums[1] += sign * weight * q * x;
    sums[2] += h;
    sums[3] += h * x;
    sums[4] += h * x * x;
    sums[5] += weight * (y > 0.0 ? -log1p(exp(-y)) : y - log1p(exp(y)));
  }
}

static PetscErrorCode Likelihood(MPI_Comm comm, const TpEnergySet *cold, const TpEnergySet *hot, const Line *line,
                                 double sums[NUM_SUMS])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sums, NUM_SUMS));
  AddSet(cold, line, 1.0, sums);
  AddSet(hot, line, -1.0, sums);
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, NUM_SUMS, MPI_DOUBLE, MPI_SUM, comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and standard deviation of both sets together, and the logarithm of the ratio of their sizes to start from. */
static PetscErrorCode StartLine(MPI_Comm comm, const TpEnergySet *cold, const TpEnergySet *hot, Line *line)
{
  const TpEnergySet *set[2]  = {cold, hot};
  double             sums[4] = {(double)cold->count, (double)hot->count};

  PetscFunctionBeginUser;
  *line = (Line){0};
  for (int i = 0; i < 2; ++i) {
    for (PetscInt64 n = 0; n < set[i]->count; ++n) sums[2] += set[i]->energy[n];
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, comm, NULL));
  if (sums[0] < 2.0 || sums[1] < 2.0) PetscFunctionReturn(PETSC_SUCCESS);
  line->centre = sums[2] / (sums[0] + sums[1]);
  line->offset = log(sums[0] / cold->g / (sums[1] / hot->g));
  for (int i = 0; i < 2; ++i) {
    for (PetscInt64 n = 0; n < set[i]->count; ++n)
      sums[3] += (set[i]->energy[n] - line->centre) * (set[i]->energy[n] - line->centre);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, &sums[3], 1, MPI_DOUBLE, MPI_SUM, comm, NULL));
  line->scale = sqrt(sums[3] / (sums[0] + sums[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of Newton's method, halved until the likelihood does not fall; `length` is that of the step taken. */
static PetscErrorCode Step(MPI_Comm comm, const TpEnergySet *cold, const TpEnergySet *hot, Line *line,
                           double sums[NUM_SUMS], double *length)
{
  const double determinant = sums[2] * sums[4] - sums[3] * sums[3], before = sums[5];
  double       step[2] = {(sums[4] * sums[0] - sums[3] * sums[1]) / determinant,
                          (sums[2] * sums[1] - sums[3] * sums[0]) / determinant};
  const Line   start   = *line;

  PetscFunctionBeginUser;
  for (int halving = 0; halving < 30; ++halving) {
    line->offset = start.offset + step[0];
    line->tilt   = start.tilt + step[1];
    *length      = hypot(step[0], step[1]);
    PetscCall(Likelihood(comm, cold, hot, line, sums));
    if (sums[5] >= before - 1e-12 * fabs(before)) break;
    step[0] *= 0.5;
    step[1] *= 0.5;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEnsembleSlope(MPI_Comm comm, const TpEnergySet *cold, const TpEnergySet *hot, double *slope,
                               double *error)
{
  double sums[NUM_SUMS], length = PETSC_MAX_REAL;
  Line   line;

  PetscFunctionBeginUser;
  *slope = 0.0;
  *error = (double)INFINITY;
  PetscCall(StartLine(comm, cold, hot, &line));
  if (!(line.scale > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Likelihood(comm, cold, hot, &line, sums));
  for (int i = 0; i < 100 && length > 1e-12; ++i) {
    const double determinant = sums[2] * sums[4] - sums[3] * sums[3];

    if (!(determinant > 1e-12 * sums[2] * sums[4]) || sums[2] < 1e-9)
      PetscFunctionReturn(PETSC_SUCCESS); /* no overlap */
    PetscCall(Step(comm, cold, hot, &line, sums, &length));
  }
  *slope = line.tilt / line.scale;
  *error = sqrt(sums[2] / (sums[2] * sums[4] - sums[3] * sums[3])) / line.scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpNormalTail(double z)
{
  return erfc(fabs(z) / sqrt(2.0));
}

/* ---------------------------------------------------------------------------------------------------- kinetic energies */

double TpKineticCumulative(double degrees, double mean, double value)
{
  return TpGammaCumulative(0.5 * degrees, 0.5 * degrees * value / mean);
}

/* Kolmogorov's limit law: chance that sqrt(n) D exceeds x. */
static double KolmogorovTail(double x)
{
  double sum = 0.0;

  if (x < 0.2) return 1.0;
  for (int j = 1; j <= 100; ++j) {
    const double term = exp(-2.0 * j * j * x * x);

    sum += j % 2 ? term : -term;
    if (term < 1e-18) break;
  }
  return PetscMin(1.0, PetscMax(0.0, 2.0 * sum));
}

PetscErrorCode TpKineticTest(PetscInt64 n, double value[], double degrees, double mean, double *distance, double *p)
{
  const double root = sqrt((double)n);
  PetscInt     count;

  PetscFunctionBeginUser;
  *distance = 0.0;
  PetscCall(PetscIntCast(n, &count));
  PetscCall(PetscSortReal(count, value));
  for (PetscInt i = 0; i < count; ++i) {
    const double expected = TpKineticCumulative(degrees, mean, value[i]);

    *distance = PetscMax(*distance, expected - (double)i / (double)n);
    *distance = PetscMax(*distance, (double)(i + 1) / (double)n - expected);
  }
  *p = KolmogorovTail((root + 0.12 + 0.11 / root) * *distance);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------ configurational temperature */

static double Mean(PetscInt64 n, const double x[])
{
  double sum = 0.0;

  for (PetscInt64 i = 0; i < n; ++i) sum += x[i];
  return sum / (double)n;
}

PetscErrorCode TpConfigurationalTemperature(PetscInt64 n, const double square[], const double laplacian[],
                                            double boltzmann, double expected, double *found, double *error, double *p)
{
  const double curvature = Mean(n, laplacian);
  double      *difference, mean, deviation;

  PetscFunctionBeginUser;
  *found = curvature != 0.0 ? Mean(n, square) / (boltzmann * curvature) : (double)NAN;
  PetscCall(PetscMalloc1(n, &difference));
  /* the error is that of a ratio, to first order; the test needs none */
  for (PetscInt64 i = 0; i < n; ++i) difference[i] = square[i] / boltzmann - *found * laplacian[i];
  if (curvature != 0.0) PetscCall(TpSeriesMean(n, difference, &mean, error));
  *error = curvature != 0.0 ? *error / fabs(curvature) : (double)NAN;
  for (PetscInt64 i = 0; i < n; ++i) difference[i] = square[i] / boltzmann - expected * laplacian[i];
  PetscCall(TpSeriesMean(n, difference, &mean, &deviation));
  *p = mean == 0.0 ? 1.0 : TpNormalTail(mean / deviation);
  PetscCall(PetscFree(difference));
  PetscFunctionReturn(PETSC_SUCCESS);
}
