/*
  The MLP network: forward against the formula written out row by row in double precision, gradients against central differences of that
  formula, for every tensor and for x. Built for float and for double.
*/
#include "tempera/nn.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define B         9
#define D         3
#define C         2
#define WIDTH     20
#define EMBEDDING 12
#define DEPTH     3

#ifdef TP_NN_DOUBLE
  #define FORWARD_TOLERANCE  1e-12
  #define GRADIENT_TOLERANCE 1e-7 /* differences err by about 1e-9 of the gradient's size */
#else
  #define FORWARD_TOLERANCE  2e-5 /* numbers of size 1..5 after some 30 roundings in sums of 20 */
  #define GRADIENT_TOLERANCE 2e-4
#endif

/* A network with its parameters in double precision too, and one batch. */
typedef struct {
  TpNetwork       network;
  TpWorkspace     workspace;
  PetscInt        num_conditions;
  PetscInt        num_parameters;
  PetscInt        num_tensors;
  const TpTensor *tensors;
  TpNumber       *parameters, *gradient;
  double         *p; /* parameters of the reference */
  TpNumber        x[B * D], t[B], c[B * C], dy[B * D], y[B * D], dx[B * D];
} Case;

/* -------------------------------------------------------------------------------------------------- the formula again */

static const double *Tensor(const Case *test, const char *name, PetscInt rows, PetscInt columns)
{
  for (PetscInt i = 0; i < test->num_tensors; i++) {
    if (strcmp(test->tensors[i].name, name)) continue;
    TpTestExpectEqual(test->tensors[i].rows, rows);
    TpTestExpectEqual(test->tensors[i].columns, columns);
    return test->p + test->tensors[i].offset;
  }
  TpTestExpectThat(0, "no tensor %s", name);
  return test->p;
}

static double Silu(double x)
{
  return x / (1 + exp(-x));
}

/* y += w x + b for one row. */
static void Apply(const Case *test, const char *name, int has_bias, PetscInt N, PetscInt M, const double x[],
                  double y[])
{
  char          full[48];
  const double *w, *b = NULL;

  (void)snprintf(full, sizeof full, "%s.weight", name);
  w = Tensor(test, full, M, N);
  (void)snprintf(full, sizeof full, "%s.bias", name);
  if (has_bias) b = Tensor(test, full, M, 1);
  for (PetscInt j = 0; j < M; j++) {
    for (PetscInt k = 0; k < N; k++) y[j] += w[j * N + k] * x[k];
    if (b) y[j] += b[j];
  }
}

static void ReferenceEmbedding(const Case *test, double t, const double c[], double e[EMBEDDING])
{
  double s[EMBEDDING], u[EMBEDDING] = {0}, sum[EMBEDDING] = {0};

  for (PetscInt j = 0; j < EMBEDDING / 2; j++) {
    const double angle = 1000 * t * pow(10000, -(double)j / (EMBEDDING / 2 - 1));

    s[j]                 = sin(angle);
    s[EMBEDDING / 2 + j] = cos(angle);
  }
  Apply(test, "time_1", 1, EMBEDDING, EMBEDDING, s, u);
  for (PetscInt j = 0; j < EMBEDDING; j++) u[j] = Silu(u[j]);
  Apply(test, "time_2", 1, EMBEDDING, EMBEDDING, u, sum);
  if (test->num_conditions > 0) {
    memset(u, 0, sizeof u);
    Apply(test, "condition_1", 1, test->num_conditions, EMBEDDING, c, u);
    for (PetscInt j = 0; j < EMBEDDING; j++) u[j] = Silu(u[j]);
    Apply(test, "condition_2", 0, EMBEDDING, EMBEDDING, u, sum);
  }
  for (PetscInt j = 0; j < EMBEDDING; j++) e[j] = Silu(sum[j]);
}

static void ReferenceRow(const Case *test, const double x[], double t, const double c[], double y[D])
{
  double e[EMBEDDING], h[WIDTH] = {0}, a[WIDTH];

  ReferenceEmbedding(test, t, c, e);
  Apply(test, "input", 1, D, WIDTH, x, h);
  for (PetscInt l = 0; l < DEPTH; l++) {
    char   name[32];
    double u[WIDTH] = {0};

    for (PetscInt j = 0; j < WIDTH; j++) a[j] = Silu(h[j]);
    (void)snprintf(name, sizeof name, "block_%d.in", (int)l);
    Apply(test, name, 1, WIDTH, WIDTH, a, u);
    (void)snprintf(name, sizeof name, "block_%d.mix", (int)l);
    Apply(test, name, 0, EMBEDDING, WIDTH, e, u);
    for (PetscInt j = 0; j < WIDTH; j++) u[j] = Silu(u[j]);
    (void)snprintf(name, sizeof name, "block_%d.out", (int)l);
    Apply(test, name, 1, WIDTH, WIDTH, u, h);
  }
  for (PetscInt j = 0; j < WIDTH; j++) a[j] = Silu(h[j]);
  memset(y, 0, D * sizeof *y);
  Apply(test, "output", 1, WIDTH, D, a, y);
}

/* sum of dy * y over the batch, with `shift` added to x[which] (-1: to none). */
static double ReferenceScalar(const Case *test, PetscInt which, double shift)
{
  double sum = 0;

  for (PetscInt i = 0; i < B; i++) {
    double x[D], c[C] = {0}, y[D];

    for (PetscInt j = 0; j < D; j++) x[j] = (double)test->x[i * D + j] + (i * D + j == which ? shift : 0);
    for (PetscInt j = 0; j < test->num_conditions; j++) c[j] = (double)test->c[i * test->num_conditions + j];
    ReferenceRow(test, x, (double)test->t[i], c, y);
    for (PetscInt j = 0; j < D; j++) sum += (double)test->dy[i * D + j] * y[j];
  }
  return sum;
}

/* --------------------------------------------------------------------------------------------------------- the tests */

static void Fill(uint32_t id, PetscInt n, TpNumber x[])
{
  for (PetscInt i = 0; i < n; i++) {
    double number;

    TpRandomNormal(3, TP_RANDOM_TEST, id, (uint64_t)i, 1, &number);
    x[i] = (TpNumber)number;
  }
}

/* All parameters random, also those that begin at zero: else their gradients hide others. */
static PetscErrorCode CaseCreate(PetscInt num_conditions, Case *test)
{
  const TpNetworkSettings settings = {.kind = 0, .width = WIDTH, .depth = DEPTH, .embedding = EMBEDDING};

  PetscFunctionBeginUser;
  test->num_conditions = num_conditions;
  PetscCall(TpNetworkCreate(&settings, D, num_conditions, &test->network));
  PetscCall(TpWorkspaceCreate(test->network, B + 4, &test->workspace));
  test->num_parameters = TpNetworkNumParameters(test->network);
  PetscCall(TpNetworkTensors(test->network, &test->num_tensors, &test->tensors));
  PetscCall(PetscMalloc3(test->num_parameters, &test->parameters, test->num_parameters, &test->gradient,
                         test->num_parameters, &test->p));
  PetscCall(TpNetworkInitialise(test->network, 5, test->parameters));
  for (PetscInt i = 0; i < test->num_parameters; i++) {
    TpNumber extra;

    Fill(100 + (uint32_t)i, 1, &extra);
    test->parameters[i] += (TpNumber)0.1 * extra;
    test->p[i]        = (double)test->parameters[i];
    test->gradient[i] = 1; /* backward adds */
  }
  Fill(1, B * D, test->x);
  Fill(2, B * C, test->c);
  Fill(3, B * D, test->dy);
  for (PetscInt i = 0; i < B; i++) test->t[i] = (TpNumber)((double)(i * i + 1) / (B * B + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *test)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(test->parameters, test->gradient, test->p));
  PetscCall(TpWorkspaceDestroy(&test->workspace));
  PetscCall(TpNetworkDestroy(&test->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ExpectForward(const Case *test)
{
  for (PetscInt i = 0; i < B; i++) {
    double x[D], c[C] = {0}, y[D];

    for (PetscInt j = 0; j < D; j++) x[j] = (double)test->x[i * D + j];
    for (PetscInt j = 0; j < test->num_conditions; j++) c[j] = (double)test->c[i * test->num_conditions + j];
    ReferenceRow(test, x, (double)test->t[i], c, y);
    for (PetscInt j = 0; j < D; j++) TpTestExpectClose(test->y[i * D + j], y[j], FORWARD_TOLERANCE * (1 + fabs(y[j])));
  }
}

/* Some entries of each tensor; the error is measured against the tensor's own gradient. */
static void ExpectParameterGradients(Case *test)
{
  for (PetscInt i = 0; i < test->num_tensors; i++) {
    const TpTensor *tensor = &test->tensors[i];
    const PetscInt  size = tensor->rows * tensor->columns, stride = PetscMax(1, size / 7);
    double          norm = 0;

    for (PetscInt j = 0; j < size; j++) norm = PetscMax(norm, fabs((double)test->gradient[tensor->offset + j] - 1));
    TpTestExpectThat(norm > 1e-3, "%s: gradient vanishes", tensor->name);
    for (PetscInt j = 0; j < size; j += stride) {
      double *number = &test->p[tensor->offset + j], kept = *number, up, down, difference;

      *number    = kept + 1e-5;
      up         = ReferenceScalar(test, -1, 0);
      *number    = kept - 1e-5;
      down       = ReferenceScalar(test, -1, 0);
      *number    = kept;
      difference = (up - down) / 2e-5;
      TpTestExpectThat(fabs((double)test->gradient[tensor->offset + j] - 1 - difference) <=
                           GRADIENT_TOLERANCE * (1 + norm),
                       "%s[%d]: gradient %.10g, differences %.10g", tensor->name, (int)j,
                       (double)test->gradient[tensor->offset + j] - 1, difference);
    }
  }
}

static void TestCase(PetscInt num_conditions)
{
  Case           test;
  PetscLogDouble before, after;

  TpTestCall(CaseCreate(num_conditions, &test));
  TpTestCall(PetscMallocGetCurrentUsage(&before));
  TpTestCall(TpNetworkForward(test.network, test.parameters, test.workspace, B, test.x, test.t, test.c, test.y));
  TpTestCall(TpNetworkBackward(test.network, test.parameters, test.workspace, B, test.dy, test.gradient, test.dx));
  TpTestCall(PetscMallocGetCurrentUsage(&after));
  TpTestExpect(TP_IS_SANITIZED || (before > 0 && after == before)); /* -malloc_debug counts; sanitizers do without */
  ExpectForward(&test);
  ExpectParameterGradients(&test);
  for (PetscInt i = 0; i < B * D; i++) {
    const double difference = (ReferenceScalar(&test, i, 1e-5) - ReferenceScalar(&test, i, -1e-5)) / 2e-5;

    TpTestExpectClose(test.dx[i], difference, GRADIENT_TOLERANCE * (1 + fabs(difference)));
  }
  TpTestCall(CaseDestroy(&test));
}

/* The table tiles the block without gap; a new network answers zero; initial numbers are the seed's. */
static void TestStart(void)
{
  Case      test;
  PetscInt  next = 0, equal = 0;
  TpNumber *again;

  TpTestCall(CaseCreate(C, &test));
  for (PetscInt i = 0; i < test.num_tensors; i++) {
    TpTestExpectEqual(test.tensors[i].offset, next);
    next += test.tensors[i].rows * test.tensors[i].columns;
  }
  TpTestExpectEqual(next, test.num_parameters);
  TpTestExpectEqual(TpNetworkNumInputs(test.network), D);
  TpTestExpectEqual(TpNetworkNumConditions(test.network), C);
  TpTestCall(PetscMalloc1(test.num_parameters, &again));
  TpTestCall(TpNetworkInitialise(test.network, 8, test.parameters));
  TpTestCall(TpNetworkInitialise(test.network, 8, again));
  TpTestExpect(!memcmp(test.parameters, again, sizeof *again * (size_t)test.num_parameters));
  TpTestCall(TpNetworkForward(test.network, test.parameters, test.workspace, B, test.x, test.t, test.c, test.y));
  for (PetscInt i = 0; i < B * D; i++) TpTestExpect(test.y[i] == 0);
  TpTestCall(TpNetworkInitialise(test.network, 9, again));
  for (PetscInt i = 0; i < test.num_parameters; i++) equal += again[i] == test.parameters[i] && again[i] != 0;
  TpTestExpectEqual(equal, 0);
  TpTestCall(PetscFree(again));
  TpTestCall(CaseDestroy(&test));
}

static void TestErrors(void)
{
  TpNetwork         network;
  TpNetworkSettings settings = {.kind = 0, .width = 8, .depth = 1, .embedding = 7};

  TpTestExpectInputError(TpNetworkCreate(&settings, 1, 0, &network), "embedding is 7; allowed: even");
  settings.embedding = 8;
  settings.width     = 0;
  TpTestExpectInputError(TpNetworkCreate(&settings, 1, 0, &network), "width is 0");
  settings.width = 8;
  settings.depth = 0;
  TpTestExpectInputError(TpNetworkCreate(&settings, 1, 0, &network), "depth is 0");
  settings.width = 16384;
  settings.depth = 256;
  TpTestExpectInputError(TpNetworkCreate(&settings, 1, 0, &network), "too large");
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestCase(C);
  TestCase(0);
  TestStart();
  TestErrors();
  return TpTestEnd();
}
