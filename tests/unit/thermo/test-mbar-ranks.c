/* MBAR's results do not depend on how samples lie on ranks: all ranks' result against one process that has all samples. */
#include "mbar-samples.h"
#include "test.h"

enum { K = 6, NUM_TEMPERATURES = 3, NUM_STATISTICS = 2, REPLICATES = 5 };

static const double temperatures[NUM_TEMPERATURES] = {0.9, 1.37, 3.0};
static const double tolerance                      = 1e-9;

typedef struct {
  double      f[K], error[K], covariance[K * K], overlap[K * K], second_eigenvalue;
  TpMbarPoint point[NUM_TEMPERATURES];
  double      mean, mean_error, above, above_error, target[3];
  double      bootstrap_mean[NUM_STATISTICS], bootstrap_error[NUM_STATISTICS];
} Answers;

static PetscErrorCode Statistic(TpMbar mbar, void *context, double value[])
{
  TpMbarPoint point;

  PetscFunctionBeginUser;
  PetscCall(TpMbarAtTemperatures(mbar, 1, &temperatures[1], &point));
  value[0] = point.free_energy;
  value[1] = point.heat_capacity;
  TpTestExpect(isnan(point.energy_error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The mean of U by weights, of what a histogram counts, and a target state that no temperature gives: u = sqrt(U). */
static PetscErrorCode Averages(TpMbar mbar, PetscInt64 n, const double energy[], Answers *answers)
{
  double *weight, *value;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &weight, n, &value));
  PetscCall(TpMbarWeights(mbar, temperatures[1], weight));
  PetscCall(TpMbarExpectation(mbar, weight, energy, &answers->mean, &answers->mean_error));
  for (PetscInt64 i = 0; i < n; ++i) value[i] = energy[i] > 8.0;
  PetscCall(TpMbarExpectation(mbar, weight, value, &answers->above, &answers->above_error));
  for (PetscInt64 i = 0; i < n; ++i) value[i] = sqrt(energy[i]);
  PetscCall(TpMbarReweight(mbar, value, weight, &answers->target[0], &answers->target[1], &answers->target[2]));
  PetscCall(PetscFree2(weight, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Answer(MPI_Comm comm, const Oscillators *all, const PetscInt64 count[], const double energy[],
                             const double g[], Answers *answers)
{
  TpMbarResult result;
  TpMbar       mbar;
  PetscInt64   n = 0;

  PetscFunctionBeginUser;
  for (int k = 0; k < K; ++k) n += count[k];
  PetscCall(TpMbarCreateLadder(comm, 1.0, K, all->temperature, count, energy, g, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  PetscCall(PetscArraycpy(answers->f, result.f, K));
  PetscCall(PetscArraycpy(answers->error, result.error, K));
  PetscCall(PetscArraycpy(answers->covariance, result.covariance, K * K));
  PetscCall(PetscArraycpy(answers->overlap, result.overlap, K * K));
  answers->second_eigenvalue = result.second_eigenvalue;
  PetscCall(TpMbarBootstrap(mbar, 5, REPLICATES, NUM_STATISTICS, Statistic, NULL, answers->bootstrap_mean,
                            answers->bootstrap_error));
  PetscCall(
      TpMbarAtTemperatures(mbar, NUM_TEMPERATURES, temperatures, answers->point)); /* the bootstrap left no trace */
  PetscCall(Averages(mbar, n, energy, answers));
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Unequal shares, in order of the series: rank r of n has the samples from (r/n)^2 on; so the first rank has very few. */
static PetscErrorCode Share(const Oscillators *all, PetscInt64 count[], double energy[])
{
  int        rank, size;
  PetscInt64 first = 0, n = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int k = 0; k < K; ++k) {
    const PetscInt64 total = all->count[k];
    const PetscInt64 begin = total * rank * rank / (size * size);
    const PetscInt64 end   = total * (rank + 1) * (rank + 1) / (size * size);

    count[k] = end - begin;
    for (PetscInt64 i = begin; i < end; ++i) energy[n++] = all->energy[first + i];
    first += total;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Compare(const Answers *a, const Answers *b)
{
  for (int i = 0; i < K; ++i) TpTestExpectClose(a->f[i], b->f[i], tolerance);
  for (int i = 0; i < K; ++i) TpTestExpectClose(a->error[i], b->error[i], tolerance);
  for (int i = 0; i < K * K; ++i) TpTestExpectClose(a->covariance[i], b->covariance[i], tolerance);
  for (int i = 0; i < K * K; ++i) TpTestExpectClose(a->overlap[i], b->overlap[i], tolerance);
  TpTestExpectClose(a->second_eigenvalue, b->second_eigenvalue, tolerance);
  for (int i = 0; i < NUM_TEMPERATURES; ++i) {
    const TpMbarPoint *p = &a->point[i], *q = &b->point[i];

    TpTestExpectClose(p->free_energy, q->free_energy, tolerance);
    TpTestExpectClose(p->free_energy_error, q->free_energy_error, tolerance);
    TpTestExpectClose(p->energy, q->energy, tolerance);
    TpTestExpectClose(p->energy_error, q->energy_error, tolerance);
    TpTestExpectClose(p->heat_capacity, q->heat_capacity, tolerance);
    TpTestExpectClose(p->heat_capacity_error, q->heat_capacity_error, tolerance);
    TpTestExpectClose(p->entropy, q->entropy, tolerance);
    TpTestExpectClose(p->entropy_error, q->entropy_error, tolerance);
    TpTestExpectClose(p->effective / q->effective, 1.0, tolerance);
  }
  TpTestExpectClose(a->mean, b->mean, tolerance);
  TpTestExpectClose(a->mean_error, b->mean_error, tolerance);
  TpTestExpectClose(a->above, b->above, tolerance);
  TpTestExpectClose(a->above_error, b->above_error, tolerance);
  for (int i = 0; i < 3; ++i) TpTestExpectClose(a->target[i] / b->target[i], 1.0, tolerance);
  for (int i = 0; i < NUM_STATISTICS; ++i) {
    TpTestExpectClose(a->bootstrap_mean[i], b->bootstrap_mean[i], tolerance);
    TpTestExpectClose(a->bootstrap_error[i], b->bootstrap_error[i], tolerance);
  }
}

/* Weights, points and expectations tell the same thing by different ways. */
static void Agree(const Answers *a)
{
  TpTestExpectClose(a->mean, a->point[1].energy, 1e-10);
  TpTestExpectClose(a->mean_error, a->point[1].energy_error, 1e-10);
  TpTestExpect(a->mean_error > 0.0 && a->above_error > 0.0 && a->bootstrap_error[0] > 0.0);
  TpTestExpectClose(a->point[1].free_energy, a->point[1].energy - temperatures[1] * a->point[1].entropy, 1e-10);
}

int main(int argc, char **argv)
{
  const double g[K] = {1.0, 2.0, 1.0, 3.5, 1.0, 1.5};
  PetscInt64   count[K];
  double      *energy;
  Answers      together, alone;
  Oscillators  all;

  TpTestBegin(&argc, &argv);
  TpTestCall(OscillatorsCreate(K, 6, 1.3, 700, &all));
  all.count[2] = 0; /* an empty rung */
  all.count[4] = 150;
  TpTestCall(OscillatorsDraw(&all, 3));
  TpTestCall(PetscMalloc1(all.total, &energy));
  TpTestCall(Share(&all, count, energy));
  TpTestCall(Answer(PETSC_COMM_SELF, &all, all.count, all.energy, g, &alone));
  TpTestCall(Answer(PETSC_COMM_WORLD, &all, count, energy, g, &together));
  Compare(&together, &alone);
  Agree(&alone);
  TpTestCall(PetscFree(energy));
  TpTestCall(OscillatorsDestroy(&all));
  return TpTestEnd();
}
