/*
  Times of one thread's work on a network, on request: a line of stdin asks, a line of stdout answers. So the other side of a comparison
  (tools/bench/train-torch.py, which takes the same requests) can be asked in turns.

    parameters KIND     number of parameters
    operations KIND     of a forward pass, per row
    kernels             the instruction set
    precisions          "single", or "single bf16"
    fma                 1e9 operations per second of processor time by fused multiply-adds
    step KIND BATCH     milliseconds of processor time of a training step: forward, backward, Adam
    forward KIND BATCH  of a forward pass
    sample KIND ROWS    of one of the steps by which `ddpm` makes so many samples: a forward pass, and the new states
    blas KIND BATCH     of all matrix products of a step's layers by BLAS
    layers KIND BATCH   operations of these products

  The first request for a KIND and BATCH does the work once without being timed.
*/
#include "fma.h"
#include "products.h"

#include "../../src/nn/kernel.h"
#include "tempera/diffusion.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUM_FEATURES 18

static const struct {
  const char       *name;
  TpNetworkSettings settings;
} kinds[] = {
    {"unet1d", {.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}, .channels = 1}}, /* the paper's */
    {"unet1d-bf16",
     {.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}, .channels = 1, .precision = TP_PRECISION_BF16}},
    {"mlp", {.width = 256, .depth = 4, .embedding = 64}},
    {"mlp-wide", {.width = 512, .depth = 4, .embedding = 64}},
    {"mlp-bf16", {.width = 256, .depth = 4, .embedding = 64, .precision = TP_PRECISION_BF16}},
    {"mlp-wide-bf16", {.width = 512, .depth = 4, .embedding = 64, .precision = TP_PRECISION_BF16}},
};

/* ------------------------------------------------------------------------------------------------------ a training step */

typedef struct {
  PetscInt    kind, batch, size;
  TpNetwork   network;
  TpWorkspace workspace;
  TpNumber   *p, *gradient, *first, *second, *x, *t, *c, *y, *dy;
} Bench;

static PetscErrorCode BenchCreate(PetscInt kind, PetscInt batch, Bench *bench)
{
  PetscFunctionBeginUser;
  bench->kind  = kind;
  bench->batch = batch;
  PetscCall(TpNetworkCreate(&kinds[kind].settings, NUM_FEATURES, 1, &bench->network));
  PetscCall(TpWorkspaceCreate(bench->network, batch, &bench->workspace));
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

static PetscErrorCode BenchDestroy(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(bench->p, bench->gradient, bench->first, bench->second));
  PetscCall(PetscFree5(bench->x, bench->t, bench->c, bench->y, bench->dy));
  PetscCall(TpWorkspaceDestroy(&bench->workspace));
  PetscCall(TpNetworkDestroy(&bench->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forward(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpNetworkForward(bench->network, bench->p, bench->workspace, bench->batch, bench->x, bench->t, bench->c,
                             bench->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean square distance to the input's double, and Adam. */
static PetscErrorCode Step(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(Forward(bench));
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

/* The last one asked for is kept. */
static PetscErrorCode Use(PetscInt kind, PetscInt batch, Bench *bench)
{
  PetscFunctionBeginUser;
  if (bench->network && bench->kind == kind && bench->batch == batch) PetscFunctionReturn(PETSC_SUCCESS);
  if (bench->network) PetscCall(BenchDestroy(bench));
  PetscCall(BenchCreate(kind, batch, bench));
  PetscCall(Step(bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About 50 ms of repetitions. */
static PetscErrorCode Time(Bench *bench, PetscErrorCode (*work)(Bench *), double *milliseconds)
{
  const double start   = ProcessorTime();
  double       elapsed = 0;
  PetscInt     rounds  = 0;

  PetscFunctionBeginUser;
  for (; elapsed < 0.05; rounds++) {
    PetscCall(work(bench));
    elapsed = ProcessorTime() - start;
  }
  *milliseconds = 1e3 * elapsed / rounds;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ sampling */

enum {
  SAMPLE_BATCH = 256,
  SAMPLE_TIMES = 5
}; /* rows per evaluation as of `tempera generate`; every step costs the same */

/* So many samples by a schedule of few times, per step. */
static PetscErrorCode TimeSampling(PetscInt kind, PetscInt rows, double *milliseconds)
{
  const TpDiffusionSettings settings = {.sampler = TP_SAMPLER_DDPM, .num_steps = SAMPLE_TIMES};
  TpSchedule                schedule;
  TpSampler                 sampler;
  TpNetworkBinding          binding;
  TpDenoiser                denoiser;
  Bench                     bench;
  double                    start = 0;

  PetscFunctionBeginUser;
  PetscCall(BenchCreate(kind, SAMPLE_BATCH, &bench));
  PetscCall(TpWorkspaceDestroy(&bench.workspace));
  PetscCall(TpWorkspaceCreateForward(bench.network, SAMPLE_BATCH, &bench.workspace));
  binding = (TpNetworkBinding){.network = bench.network, .workspace = bench.workspace, .parameters = bench.p};
  PetscCall(TpDenoiserFromNetwork(&binding, SAMPLE_BATCH, &denoiser));
  PetscCall(TpScheduleCreate(1, SAMPLE_TIMES, &schedule));
  PetscCall(TpSamplerCreate(schedule, &settings, NUM_FEATURES, SAMPLE_BATCH, &sampler));
  for (PetscInt done = -SAMPLE_BATCH; done < rows; done += SAMPLE_BATCH) { /* one batch is not timed */
    if (done == 0) start = ProcessorTime();
    PetscCall(TpSamplerRun(sampler, &denoiser, 1, (uint32_t)PetscMax(0, done), PetscMin(SAMPLE_BATCH, rows - done),
                           bench.c, bench.x));
  }
  *milliseconds = 1e3 * (ProcessorTime() - start) / (double)TpSamplerEvaluations(sampler);
  PetscCall(TpSamplerDestroy(&sampler));
  PetscCall(TpScheduleDestroy(&schedule));
  PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ requests */

/* Of all layers' products: time by BLAS, and operations. */
static PetscErrorCode Products(const Bench *bench, double *milliseconds, double *operations)
{
  Product        products[MAX_PRODUCTS];
  const PetscInt count = ProductsOf(bench->network, bench->batch, products);

  PetscFunctionBeginUser;
  *operations = 3 * ProductsOperations(count, products);
  if (milliseconds) {
    PetscCall(ProductsTime(count, products, milliseconds));
    *milliseconds *= 1e3;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *answer stays as it is where the request is not understood. */
static PetscErrorCode Answer(const char *what, PetscInt kind, PetscInt batch, Bench *bench, double *answer)
{
  double operations;

  PetscFunctionBeginUser;
  if (!strcmp(what, "fma")) {
    *answer = 1e-9 * FmaSpeed();
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (kind == (PetscInt)PETSC_STATIC_ARRAY_LENGTH(kinds) || batch < 1) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strcmp(what, "sample")) {
    PetscCall(TimeSampling(kind, batch, answer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Use(kind, batch, bench));
  if (!strcmp(what, "parameters")) *answer = (double)bench->size;
  if (!strcmp(what, "operations")) *answer = TpNetworkOperations(bench->network);
  if (!strcmp(what, "step")) PetscCall(Time(bench, Step, answer));
  if (!strcmp(what, "forward")) PetscCall(Time(bench, Forward, answer));
  if (!strcmp(what, "blas")) PetscCall(Products(bench, answer, &operations));
  if (!strcmp(what, "layers")) PetscCall(Products(bench, NULL, answer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Serve(void)
{
  Bench bench = {.network = NULL};
  char  line[128], what[32], name[32];

  PetscFunctionBeginUser;
  while (fgets(line, sizeof line, stdin)) {
    double   answer = NAN;
    PetscInt kind   = 0;
    int      batch  = 1;

    what[0] = name[0] = '\0';
    (void)sscanf(line, "%31s %31s %d", what, name, &batch);
    while (kind < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(kinds) && strcmp(name, kinds[kind].name) != 0) kind++;
    PetscCall(Answer(what, kind, batch, &bench, &answer));
    if (!strcmp(what, "kernels"))
      printf("%s\n", TpKernelsBest()->name);
    else if (!strcmp(what, "precisions"))
      printf("single%s\n", TpKernelsRounded() ? " bf16" : "");
    else
      printf("%.10g\n", answer);
    (void)fflush(stdout);
  }
  if (bench.network) PetscCall(BenchDestroy(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(void)
{
  return Serve() ? 1 : 0;
}
