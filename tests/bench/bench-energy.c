/*
  Times of energies on one thread: evaluation with gradient (what a sampling step does), and a step of learning through the gradient; of the MLP also a step
  of a score network of its size, whose first derivatives are enough.

  Usage: bench-energy mlp|fluid ROUNDS   prints `name: value` lines; milliseconds of processor time, medians
*/
#include "tempera/nn.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 200 };

/* As tools/bench/energy-torch.py has it. */
enum { POINT_ROWS = 256, NUM_PARTICLES = 100 };
static const double box_length = 6.0;

typedef struct {
  TpNetwork   network;
  TpWorkspace workspace;
  PetscInt    rows;
  TpNumber   *p, *gradient, *x, *t, *v, *e, *dx, *dt;
} Bench;

static double Now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
}

static PetscErrorCode Create(PetscBool is_fluid, Bench *bench)
{
  const TpEnergySettings settings = {.kind       = is_fluid ? TP_ENERGY_FLUID : TP_ENERGY_MLP,
                                     .width      = is_fluid ? 32 : 64,
                                     .depth      = is_fluid ? 2 : 3,
                                     .embedding  = 16,
                                     .radial     = 20,
                                     .box_length = box_length,
                                     .cutoff     = 2.5};
  double                *numbers;

  PetscFunctionBeginUser;
  bench->rows = is_fluid ? NUM_PARTICLES : POINT_ROWS;
  PetscCall(TpEnergyCreate(&settings, 3, 0, &bench->network));
  PetscCall(TpWorkspaceCreate(bench->network, bench->rows, &bench->workspace));
  const PetscInt P = TpNetworkNumParameters(bench->network), all = bench->rows * 3;

  PetscCall(PetscCalloc2(P, &bench->p, P, &bench->gradient));
  PetscCall(PetscMalloc3(all, &bench->x, all, &bench->v, all, &bench->dx));
  PetscCall(PetscMalloc3(bench->rows, &bench->t, bench->rows, &bench->e, bench->rows, &bench->dt));
  PetscCall(TpNetworkInitialise(bench->network, 1, bench->p));
  for (PetscInt i = 0; i < P; ++i) bench->p[i] += (TpNumber)0.01;
  PetscCall(PetscMalloc1(all, &numbers));
  TpRandomUniform(1, TP_RANDOM_TEST, 0, 0, all, numbers);
  for (PetscInt i = 0; i < all; ++i) {
    bench->x[i] = (TpNumber)(box_length * numbers[i]);
    bench->v[i] = (TpNumber)(numbers[i] - 0.5);
  }
  for (PetscInt i = 0; i < bench->rows; ++i) bench->t[i] = (TpNumber)0.5;
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpEnergyEvaluate(bench->network, bench->p, bench->workspace, bench->rows, bench->x, bench->t, NULL,
                             bench->e, bench->dx, bench->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SecondOrder(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(Evaluate(bench));
  PetscCall(
      TpEnergyDirection(bench->network, bench->p, bench->workspace, bench->rows, bench->v, bench->gradient, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Median of `rounds` calls, after one that warms the caches. */
static double MedianTime(PetscErrorCode (*step)(Bench *), Bench *bench, int rounds)
{
  double time[MAX_ROUNDS];

  if (step(bench)) return -1.0;
  for (int i = 0; i < rounds; ++i) {
    const double start = Now();

    if (step(bench)) return -1.0;
    time[i] = Now() - start;
  }
  if (PetscSortReal(rounds, time)) return -1.0;
  return time[rounds / 2];
}

/* A score network of the MLP's size: forward and backward. */
static PetscErrorCode ScoreStep(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(
      TpNetworkForward(bench->network, bench->p, bench->workspace, bench->rows, bench->x, bench->t, NULL, bench->dx));
  PetscCall(
      TpNetworkBackward(bench->network, bench->p, bench->workspace, bench->rows, bench->v, bench->gradient, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TimeScore(const Bench *energy, int rounds, double *time)
{
  const TpNetworkSettings settings = {.width = 64, .depth = 3, .embedding = 16};
  Bench                   bench    = *energy;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkCreate(&settings, 3, 0, &bench.network));
  PetscCall(TpWorkspaceCreate(bench.network, bench.rows, &bench.workspace));
  PetscCall(PetscCalloc2(TpNetworkNumParameters(bench.network), &bench.p, TpNetworkNumParameters(bench.network),
                         &bench.gradient));
  PetscCall(TpNetworkInitialise(bench.network, 1, bench.p));
  *time = MedianTime(ScoreStep, &bench, rounds);
  PetscCall(PetscFree2(bench.p, bench.gradient));
  PetscCall(TpWorkspaceDestroy(&bench.workspace));
  PetscCall(TpNetworkDestroy(&bench.network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscBool is_fluid = argc > 1 && !strcmp(argv[1], "fluid") ? PETSC_TRUE : PETSC_FALSE;
  const int       rounds   = argc > 2 ? PetscMax(1, PetscMin(MAX_ROUNDS, atoi(argv[2]))) : 20;
  Bench           bench;
  double          score = 0.0;

  PetscCall(PetscInitializeNoArguments());
  PetscCall(Create(is_fluid, &bench));
  printf("sample_ms: %.4f\n", MedianTime(Evaluate, &bench, rounds));
  printf("step_ms: %.4f\n", MedianTime(SecondOrder, &bench, rounds));
  if (!is_fluid) {
    PetscCall(TimeScore(&bench, rounds, &score));
    printf("first_order_ms: %.4f\n", score);
  }
  PetscCall(PetscFree2(bench.p, bench.gradient));
  PetscCall(PetscFree3(bench.x, bench.v, bench.dx));
  PetscCall(PetscFree3(bench.t, bench.e, bench.dt));
  PetscCall(TpWorkspaceDestroy(&bench.workspace));
  PetscCall(TpNetworkDestroy(&bench.network));
  return PetscFinalize() ? 1 : 0;
}
