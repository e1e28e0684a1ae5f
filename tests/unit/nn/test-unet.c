/*
  The U-Net: its answer and gradients against those of PyTorch (tests/reference/unet1d.txt, made by tools/make-unet-reference.py), which knows the
  formula but none of this code; in double precision also gradients against central differences. Built for float and for double.
*/
#include "tempera/nn.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define TABLE       TP_SOURCE_DIR "/tests/reference/unet1d.txt"
#define NUM_CASES   7
#define NUM_SAMPLES 4
#define MAX_ROWS    512 /* numbers of x */

typedef struct {
  TpNetworkSettings settings;
  int               D, C, B, num_tensors;
  double            tolerance; /* relative */
  TpNetwork         network;
  TpWorkspace       workspace;
  PetscInt          size;
  TpNumber         *p, *gradient;
  TpNumber          x[MAX_ROWS], c[MAX_ROWS], t[MAX_ROWS], r[MAX_ROWS], y[MAX_ROWS], dx[MAX_ROWS];
} Case;

/* Number `i` of a stream: a multiple of 2^-20 in [-1/2, 1/2). The same as in the script. */
static double Mixed(uint32_t stream, PetscInt i)
{
  uint32_t h = (uint32_t)i * 2654435761u + stream * 2246822519u;

  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  h *= 3266489917u;
  h ^= h >> 16;
  return (double)(h >> 12) / 1048576.0 - 0.5;
}

static PetscBool EndsWith(const char *text, const char *end)
{
  const size_t length = strlen(text), size = strlen(end);

  return (PetscBool)(length >= size && !strcmp(text + length - size, end));
}

static void FillTensor(const TpTensor *tensor, uint32_t stream, TpNumber p[])
{
  const double scale = pow(2, -floor(log2(sqrt((double)tensor->rows))));

  for (PetscInt i = 0; i < tensor->rows * tensor->columns; i++) {
    const double u = Mixed(stream, i);

    if (EndsWith(tensor->name, ".weight"))
      p[tensor->offset + i] = (TpNumber)(scale * u);
    else if (EndsWith(tensor->name, "attention.gain"))
      p[tensor->offset + i] = (TpNumber)((1 + u) / 16);
    else if (EndsWith(tensor->name, ".gain"))
      p[tensor->offset + i] = (TpNumber)(1 + 0.5 * u);
    else
      p[tensor->offset + i] = (TpNumber)(0.5 * u);
  }
}

static PetscErrorCode CaseCreate(Case *test)
{
  PetscInt        count;
  const TpTensor *tensors;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkCreate(&test->settings, test->D, test->C, &test->network));
  PetscCall(TpWorkspaceCreate(test->network, test->B, &test->workspace));
  test->size = TpNetworkNumParameters(test->network);
  PetscCall(PetscMalloc1(test->size, &test->p));
  PetscCall(PetscMalloc1(test->size, &test->gradient));
  PetscCall(TpNetworkTensors(test->network, &count, &tensors));
  for (PetscInt i = 0; i < count; i++) FillTensor(&tensors[i], (uint32_t)i, test->p);
  for (PetscInt i = 0; i < test->B * test->D; i++) {
    test->x[i] = (TpNumber)(4 * Mixed(1000, i));
    test->r[i] = (TpNumber)(2 * Mixed(1002, i));
  }
  for (PetscInt i = 0; i < test->B * test->C; i++) test->c[i] = (TpNumber)(4 * Mixed(1001, i));
  for (PetscInt i = 0; i < test->B; i++) test->t[i] = (TpNumber)((double)(i * 307 % 1000 + 1) / 1024);
  for (PetscInt i = 0; i < test->size; i++) test->gradient[i] = 1; /* to be added to */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *test)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(test->p));
  PetscCall(PetscFree(test->gradient));
  PetscCall(TpWorkspaceDestroy(&test->workspace));
  PetscCall(TpNetworkDestroy(&test->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate(Case *test, double *sum)
{
  PetscFunctionBeginUser;
  PetscCall(TpNetworkForward(test->network, test->p, test->workspace, test->B, test->x, test->t, test->c, test->y));
  *sum = 0;
  for (PetscInt i = 0; i < test->B * test->D; i++) *sum += (double)test->r[i] * (double)test->y[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- table */

/* In double the table has 15 digits, and there are some 200 layers of sums. In float the table tells the largest relative error that PyTorch's own
   float makes in any of these vectors, with the parameters rounded in a dozen ways: ours sums in another order, and may make twice that, but not more. */
static PetscBool ReadTolerance(FILE *file, double *tolerance)
{
  double error;

  if (fscanf(file, "%lf", &error) != 1) return PETSC_FALSE;
  *tolerance = sizeof(TpNumber) == sizeof(double) ? 1e-9 : 2 * error;
  return PETSC_TRUE;
}

static PetscBool ReadCase(FILE *file, Case *test)
{
  long long width;
  int       levels, channels;

  memset(test, 0, sizeof *test);
  if (fscanf(file, " case %lld %d", &width, &levels) != 2 || levels > TP_MAX_LEVELS) return PETSC_FALSE;
  test->settings.kind  = 1;
  test->settings.width = width;
  for (int i = 0; i < levels; i++) {
    long long multiplier;

    if (fscanf(file, "%lld", &multiplier) != 1) return PETSC_FALSE;
    test->settings.multipliers[i] = multiplier;
  }
  if (fscanf(file, "%d", &channels) != 1) return PETSC_FALSE;
  test->settings.channels = channels;
  return (PetscBool)(fscanf(file, "%d %d %d %d", &test->D, &test->C, &test->B, &test->num_tensors) == 4 &&
                     ReadTolerance(file, &test->tolerance) && test->B * test->D <= MAX_ROWS);
}

static void ExpectNumbers(FILE *file, const char *what, double tolerance, PetscInt n, const TpNumber numbers[])
{
  double largest = 0, error = 0;

  for (PetscInt i = 0; i < n; i++) {
    double expected = NAN;

    TpTestExpect(fscanf(file, "%lf", &expected) == 1);
    largest = PetscMax(largest, fabs(expected));
    error   = fmax(error, isfinite((double)numbers[i]) ? fabs((double)numbers[i] - expected) : INFINITY);
  }
  TpTestExpectThat(largest > 0 && error <= tolerance * largest, "%s errs by %g of %g", what, error, largest);
}

static void ExpectTensor(FILE *file, double tolerance, const TpTensor *tensor, const TpNumber gradient[])
{
  const PetscInt size = tensor->rows * tensor->columns, entries[NUM_SAMPLES] = {0, size / 3, size / 2, size - 1};
  char           name[64];
  int            rows, columns;
  double         norm, sum = 0;

  TpTestExpect(fscanf(file, "%63s %d %d %lf", name, &rows, &columns, &norm) == 4);
  TpTestExpectThat(!strcmp(name, tensor->name) && rows == tensor->rows && columns == tensor->columns,
                   "tensor %s %d x %d, in the table %s %d x %d", tensor->name, (int)tensor->rows, (int)tensor->columns,
                   name, rows, columns);
  for (PetscInt i = 0; i < size; i++) sum += ((double)gradient[i] - 1) * ((double)gradient[i] - 1);
  TpTestExpectThat(fabs(sqrt(sum) - norm) <= tolerance * PetscMax(0.1, norm),
                   "%s: norm of the gradient %.10g, expected %.10g", name, sqrt(sum), norm);
  for (int i = 0; i < NUM_SAMPLES; i++) {
    double expected;

    TpTestExpect(fscanf(file, "%lf", &expected) == 1);
    TpTestExpectThat(fabs((double)gradient[entries[i]] - 1 - expected) <= tolerance * PetscMax(0.1, norm),
                     "%s[%d]: gradient %.10g, expected %.10g", name, (int)entries[i], (double)gradient[entries[i]] - 1,
                     expected);
  }
}

static void ExpectTable(FILE *file, Case *test)
{
  PetscLogDouble  before, after;
  PetscInt        count;
  const TpTensor *tensors;
  double          sum;

  TpTestCall(PetscMallocGetCurrentUsage(&before));
  TpTestCall(Evaluate(test, &sum));
  TpTestCall(TpNetworkBackward(test->network, test->p, test->workspace, test->B, test->r, test->gradient, test->dx));
  TpTestCall(PetscMallocGetCurrentUsage(&after));
  TpTestExpect(TP_IS_SANITIZED || (before > 0 && after == before)); /* -malloc_debug counts; sanitizers do without */
  ExpectNumbers(file, "y", test->tolerance, test->B * test->D, test->y);
  ExpectNumbers(file, "dx", test->tolerance, test->B * test->D, test->dx);
  TpTestCall(TpNetworkTensors(test->network, &count, &tensors));
  TpTestExpectEqual(count, test->num_tensors);
  for (PetscInt i = 0; i < PetscMin(count, test->num_tensors); i++)
    ExpectTensor(file, test->tolerance, &tensors[i], test->gradient + tensors[i].offset);
}

/* -------------------------------------------------------------------------------------------------------- differences */

#ifdef TP_NN_DOUBLE
  #define STEP 2e-6

static double Difference(Case *test, TpNumber *number)
{
  const TpNumber kept = *number;
  double         up, down;

  *number = kept + (TpNumber)STEP;
  TpTestCall(Evaluate(test, &up));
  *number = kept - (TpNumber)STEP;
  TpTestCall(Evaluate(test, &down));
  *number = kept;
  return (up - down) / (2 * STEP);
}

/* A few entries of each tensor, at places that change from tensor to tensor. */
static void ExpectDifferences(Case *test)
{
  PetscInt        count;
  const TpTensor *tensors;

  TpTestCall(TpNetworkTensors(test->network, &count, &tensors));
  for (PetscInt i = 0; i < count; i++) {
    for (PetscInt j = 0; j < 3; j++) {
      const PetscInt size     = tensors[i].rows * tensors[i].columns;
      const PetscInt entry    = (PetscInt)((Mixed(77, 3 * i + j) + 0.5) * (double)size);
      const double   gradient = (double)test->gradient[tensors[i].offset + entry] - 1;
      const double   expected = Difference(test, &test->p[tensors[i].offset + entry]);

      TpTestExpectThat(fabs(gradient - expected) <= 1e-6 * (1 + fabs(expected)),
                       "%s[%d]: gradient %.10g, differences %.10g", tensors[i].name, (int)entry, gradient, expected);
    }
  }
}
#else
static void ExpectDifferences(Case *test)
{
  (void)test; /* float is compared with the table alone */
}
#endif

static void TestTable(void)
{
  FILE    *file  = fopen(TABLE, "r");
  PetscInt cases = 0;
  Case     test;

  TpTestExpectThat(file != NULL, "no %s", TABLE);
  if (!file) return;
  for (; ReadCase(file, &test); cases++) {
    TpTestCall(CaseCreate(&test));
    ExpectTable(file, &test);
    if (cases > 0) ExpectDifferences(&test); /* the first is large */
    TpTestCall(CaseDestroy(&test));
  }
  TpTestExpectEqual(cases, NUM_CASES);
  fclose(file);
}

/* ----------------------------------------------------------------------------------------------------------- the rest */

/* The paper's size: parameters as counted by PyTorch in its released code, operations as counted layer by layer. A new network answers zero. */
static void TestStart(void)
{
  Case test = {
      .settings = {.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}, .channels = 1}, .D = 18, .C = 1, .B = 2};
  PetscInt        count, next = 0;
  const TpTensor *tensors;
  double          sum;

  TpTestCall(CaseCreate(&test));
  TpTestExpectEqual(test.size, 1095209);
  TpTestExpectClose(TpNetworkOperations(test.network), 10.836e6, 0.0005e6);
  TpTestCall(TpNetworkTensors(test.network, &count, &tensors));
  TpTestExpectEqual(count, 226);
  TpTestCall(TpNetworkInitialise(test.network, 3, test.p));
  for (PetscInt i = 0; i < count; i++) {
    const TpNumber first = test.p[tensors[i].offset];

    TpTestExpectEqual(tensors[i].offset, next);
    next += tensors[i].rows * tensors[i].columns;
    if (EndsWith(tensors[i].name, "attention.gain"))
      TpTestExpect(first == 0);
    else if (EndsWith(tensors[i].name, ".gain"))
      TpTestExpect(first == 1);
    else if (strncmp(tensors[i].name, "output", 6) && !EndsWith(tensors[i].name, ".offset"))
      TpTestExpectThat(first != 0, "%s begins at zero", tensors[i].name);
  }
  TpTestExpectEqual(next, test.size);
  TpTestCall(Evaluate(&test, &sum));
  for (PetscInt i = 0; i < test.B * test.D; i++) TpTestExpect(test.y[i] == 0);
  TpTestCall(CaseDestroy(&test));
}

static void TestErrors(void)
{
  TpNetwork         network;
  TpNetworkSettings settings = {.kind = 1, .width = 12, .multipliers = {1, 2}, .channels = 1};

  TpTestExpectInputError(TpNetworkCreate(&settings, 3, 1, &network), "width is 12; allowed for unet1d: multiples of 8");
  settings.width          = 16;
  settings.multipliers[1] = 65;
  TpTestExpectInputError(TpNetworkCreate(&settings, 3, 1, &network), "multiplier 2 is 65; allowed: 1 to 64");
  settings.multipliers[0] = 0;
  TpTestExpectInputError(TpNetworkCreate(&settings, 3, 1, &network), "no multipliers");
  settings.multipliers[0] = 64;
  settings.multipliers[1] = 2;
  settings.width          = 264;
  TpTestExpectInputError(TpNetworkCreate(&settings, 3, 1, &network), "level 1 has 16896 channels");
  settings.channels = 65;
  TpTestExpectInputError(TpNetworkCreate(&settings, 3, 1, &network), "65 inputs at a position; allowed: 1 to 64");
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestTable();
  TestStart();
  TestErrors();
  return TpTestEnd();
}
