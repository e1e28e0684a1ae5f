/*
  Time of a training step of a network on one thread, beside the processor's speed at fused multiply-adds, measured in turns in the same run.

  Usage: bench-network KIND BATCH ROUNDS   prints `name: value` lines
*/
#include "../../src/nn/kernel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NUM_FEATURES 18
#define FMA_ROUNDS   2000000

typedef struct {
  TpNetwork   network;
  TpWorkspace workspace, forward; /* the latter for forward passes alone */
  PetscInt    batch, size;
  TpNumber   *p, *gradient, *first, *second, *x, *t, *c, *y, *dy;
} Bench;

static double ClockTime(clockid_t clock)
{
  struct timespec now;

  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#if defined(__x86_64__)
typedef float Wide __attribute__((vector_size(64)));

  /* Sixteen independent chains, more than latency times ports; the numbers stay finite. */
  #define FMA_LOOP                                                                                                     \
    {                                                                                                                  \
      Wide sum[16], a = {0}, b = {0};                                                                                  \
                                                                                                                       \
      for (int i = 0; i < 16; i++) sum[i] = (Wide){0} + (float)i;                                                      \
      a += 0.999f;                                                                                                     \
      b += 0.001f;                                                                                                     \
      for (int n = 0; n < FMA_ROUNDS; n++) {                                                                           \
        _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) sum[i] = sum[i] * a + b;                                 \
      }                                                                                                                \
      for (int i = 1; i < 16; i++) sum[0] += sum[i];                                                                   \
      return sum[0][0];                                                                                                \
    }
__attribute__((target("avx512f,prefer-vector-width=512"), optimize("fp-contract=fast"), noinline)) static float
FmaAvx512(void) FMA_LOOP
    __attribute__((target("avx2,fma"), optimize("fp-contract=fast"), noinline)) static float FmaAvx2(void)
{
  typedef float Half __attribute__((vector_size(32)));
  Half          sum[12], a = {0}, b = {0};

  for (int i = 0; i < 12; i++) sum[i] = (Half){0} + (float)i;
  a += 0.999f;
  b += 0.001f;
  for (int n = 0; n < FMA_ROUNDS; n++) {
  #pragma GCC unroll 12
    for (int i = 0; i < 12; i++) sum[i] = sum[i] * a + b;
  }
  for (int i = 1; i < 12; i++) sum[0] += sum[i];
  return sum[0][0];
}
#endif

/* Operations per second of processor time. */
static double FmaSpeed(void)
{
#if defined(__x86_64__)
  const PetscBool wide  = (PetscBool) !!__builtin_cpu_supports("avx512f");
  const double    start = ClockTime(CLOCK_PROCESS_CPUTIME_ID);
  volatile float  kept  = wide ? FmaAvx512() : FmaAvx2();

  (void)kept;
  return (wide ? 16.0 * 16 : 12.0 * 8) * 2 * FMA_ROUNDS / (ClockTime(CLOCK_PROCESS_CPUTIME_ID) - start);
#else
  return 0;
#endif
}

static PetscErrorCode BenchCreate(const char *kind, PetscInt batch, Bench *bench)
{
  TpNetworkSettings settings = {.width = 256, .depth = 4, .embedding = 64};

  PetscFunctionBeginUser;
  bench->batch = batch;
  if (!strcmp(kind, "unet1d")) {
    settings = (TpNetworkSettings){.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}};
  }
  PetscCall(TpNetworkCreate(&settings, NUM_FEATURES, 1, &bench->network));
  PetscCall(TpWorkspaceCreate(bench->network, batch, &bench->workspace));
  PetscCall(TpWorkspaceCreateForward(bench->network, batch, &bench->forward));
  bench->size = TpNetworkNumParameters(bench->network);
  PetscCall(PetscCalloc4(bench->size, &bench->p, bench->size, &bench->gradient, bench->size, &bench->first, bench->size,
                         &bench->second));
  PetscCall(PetscCalloc5(batch * NUM_FEATURES, &bench->x, batch, &bench->t, batch, &bench->c, batch * NUM_FEATURES,
                         &bench->y, batch * NUM_FEATURES, &bench->dy));
  PetscCall(TpNetworkInitialise(bench->network, 1, bench->p));
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 1, 0, batch * NUM_FEATURES, bench->x);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 2, 0, batch, bench->c);
  for (PetscInt i = 0; i < batch; i++) bench->t[i] = (float)(i + 1) / (float)batch;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean square distance to the input's double, and Adam. */
static PetscErrorCode Step(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpNetworkForward(bench->network, bench->p, bench->workspace, bench->batch, bench->x, bench->t, bench->c,
                             bench->y));
  for (PetscInt i = 0; i < bench->batch * NUM_FEATURES; i++)
    bench->dy[i] = (bench->y[i] - 2 * bench->x[i]) / (float)(bench->batch * NUM_FEATURES);
  PetscCall(
      TpNetworkBackward(bench->network, bench->p, bench->workspace, bench->batch, bench->dy, bench->gradient, NULL));
  for (PetscInt i = 0; i < bench->size; i++) {
    const float g = bench->gradient[i];

    bench->first[i]  = 0.9f * bench->first[i] + 0.1f * g;
    bench->second[i] = 0.999f * bench->second[i] + 0.001f * g * g;
    bench->p[i] -= 1e-5f * bench->first[i] / (sqrtf(bench->second[i]) + 1e-8f);
    bench->gradient[i] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareDoubles(const void *a, const void *b)
{
  const double difference = *(const double *)a - *(const double *)b;

  return difference < 0 ? -1 : difference > 0;
}

static double Median(PetscInt n, double numbers[])
{
  qsort(numbers, (size_t)n, sizeof *numbers, CompareDoubles);
  return numbers[n / 2];
}

#define MAX_ROUNDS 1000

static PetscErrorCode Measure(const char *kind, PetscInt batch, PetscInt rounds)
{
  static double step[MAX_ROUNDS], wall[MAX_ROUNDS], forward[MAX_ROUNDS], fma[MAX_ROUNDS];
  Bench         bench;
  double        operations;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(kind, batch, &bench));
  PetscCall(Step(&bench));
  for (PetscInt i = 0; i < rounds; i++) {
    double start = ClockTime(CLOCK_PROCESS_CPUTIME_ID), start_wall = ClockTime(CLOCK_MONOTONIC);

    PetscCall(Step(&bench));
    step[i] = ClockTime(CLOCK_PROCESS_CPUTIME_ID) - start;
    wall[i] = ClockTime(CLOCK_MONOTONIC) - start_wall;
    start   = ClockTime(CLOCK_PROCESS_CPUTIME_ID);
    PetscCall(TpNetworkForward(bench.network, bench.p, bench.forward, batch, bench.x, bench.t, bench.c, bench.y));
    forward[i] = ClockTime(CLOCK_PROCESS_CPUTIME_ID) - start;
    fma[i]     = FmaSpeed();
  }
  operations = TpNetworkOperations(bench.network) * (double)batch;
  printf("kernels: %s\nparameters: %d\nbatch: %d\n", TpKernelsBest()->name, (int)bench.size, (int)batch);
  printf("operations_per_step: %.4g\n", 3 * operations);
  printf("fma_peak_gflops: %.1f\n", Median(rounds, fma) * 1e-9);
  printf("step_ms: %.2f\nstep_best_ms: %.2f\n", 1e3 * Median(rounds, step), 1e3 * step[0]);
  printf("step_wall_ms: %.2f\nforward_ms: %.2f\n", 1e3 * Median(rounds, wall), 1e3 * Median(rounds, forward));
  printf("fma_share: %.3f\n", 3 * operations / Median(rounds, step) / Median(rounds, fma));
  printf("forward_fma_share: %.3f\n", operations / Median(rounds, forward) / Median(rounds, fma));
  PetscCall(PetscFree4(bench.p, bench.gradient, bench.first, bench.second));
  PetscCall(PetscFree5(bench.x, bench.t, bench.c, bench.y, bench.dy));
  PetscCall(TpWorkspaceDestroy(&bench.workspace));
  PetscCall(TpWorkspaceDestroy(&bench.forward));
  PetscCall(TpNetworkDestroy(&bench.network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const PetscInt batch = argc > 2 ? atoi(argv[2]) : 128, rounds = argc > 3 ? atoi(argv[3]) : 21;

  if (argc > 4 || batch < 1 || rounds < 1 || rounds > MAX_ROUNDS) {
    fprintf(stderr, "usage: bench-network [mlp|unet1d] [BATCH] [ROUNDS]\n");
    return 2;
  }
  return Measure(argc > 1 ? argv[1] : "unet1d", batch, rounds) ? 1 : 0;
}
