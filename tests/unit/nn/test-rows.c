/* A row's answer, and the gradient of its input, do not depend on the batch it is in, nor on the kind of workspace: bit for bit. And a backward pass tells which
   gradients are whole, and is right. */
#include "../../../src/nn/kernel.h"
#include "test.h"

#include <string.h>

#define ROWS 200
#define D    5
#define C    1

typedef struct {
  TpNetwork   network;
  TpWorkspace workspace, forward; /* the latter for forward passes alone */
  TpNumber   *parameters, *gradient;
  TpNumber    x[ROWS * D], t[ROWS], c[ROWS], dy[ROWS * D], y[ROWS * D], dx[ROWS * D];
} Case;

static PetscErrorCode Evaluate(Case *test, PetscInt first, PetscInt B, TpNumber y[], TpNumber dx[])
{
  PetscFunctionBeginUser;
  PetscCall(TpNetworkForward(test->network, test->parameters, test->workspace, B, test->x + first * D, test->t + first,
                             test->c + first * C, y));
  PetscCall(
      TpNetworkBackward(test->network, test->parameters, test->workspace, B, test->dy + first * D, test->gradient, dx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseCreate(const TpNetworkSettings *settings, Case *test)
{
  PetscInt size;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkCreate(settings, D, C, &test->network));
  PetscCall(TpWorkspaceCreate(test->network, ROWS, &test->workspace));
  PetscCall(TpWorkspaceCreateForward(test->network, ROWS, &test->forward));
  size = TpNetworkNumParameters(test->network);
  PetscCall(PetscMalloc1(size, &test->parameters));
  PetscCall(PetscCalloc1(size, &test->gradient));
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 1, 0, size, test->parameters);
  for (PetscInt i = 0; i < size; i++) test->parameters[i] *= 0.2f;
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 2, 0, ROWS * D, test->x);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 3, 0, ROWS * D, test->dy);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 4, 0, ROWS, test->c);
  for (PetscInt i = 0; i < ROWS; i++) test->t[i] = (TpNumber)((i / 3) % 7 + 1) / 7; /* with repeated times */
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const TpNumber *gradient; /* of the pass under way */
  TpNumber       *seen;     /* what it was when it was told to be whole */
  PetscInt        first, calls;
} Watched;

static void Watch(void *context, PetscInt first)
{
  Watched *watched = context;

  TpTestExpect(first >= 0 && first <= watched->first);
  memcpy(watched->seen + first, watched->gradient + first, sizeof(TpNumber) * (size_t)(watched->first - first));
  watched->first = first;
  watched->calls++;
}

/* Each number is told of once, layer by layer from the last, and does not change any more; after the watch has ended nothing is told. */
static PetscErrorCode TestWatch(Case *test, PetscInt least_calls)
{
  const PetscInt size = TpNetworkNumParameters(test->network);
  Watched        watched;
  TpNumber       y[ROWS * D];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &watched.seen));
  PetscCall(PetscArrayzero(test->gradient, size));
  watched.gradient = test->gradient;
  watched.first    = size;
  watched.calls    = 0;
  TpWorkspaceWatch(test->workspace, Watch, &watched);
  PetscCall(Evaluate(test, 0, 20, y, NULL));
  TpTestExpectEqual(watched.first, 0);
  TpTestExpectThat(watched.calls >= least_calls, "told %d times", (int)watched.calls);
  TpTestExpect(!memcmp(watched.seen, test->gradient, sizeof(TpNumber) * (size_t)size));
  TpWorkspaceWatch(test->workspace, NULL, NULL);
  watched.calls = 0;
  PetscCall(Evaluate(test, 0, 20, y, NULL));
  TpTestExpectEqual(watched.calls, 0);
  PetscCall(PetscFree(watched.seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every batch size, at places that move through the rows; widths with and without a remainder at the register tiles. */
static void TestSettings(const TpNetworkSettings settings)
{
  Case    *test;
  TpNumber y[ROWS * D], dx[ROWS * D];
  PetscInt wrong = 0;

  TpTestCall(PetscNew(&test));
  TpTestCall(CaseCreate(&settings, test));
  TpTestCall(Evaluate(test, 0, ROWS, test->y, test->dx));
  for (PetscInt i = 0; i < ROWS * D; i++) wrong += !(test->y[i] == test->y[i] && test->y[i] != 0);
  TpTestExpectEqual(wrong, 0);
  for (PetscInt B = 1; B <= ROWS; B += B < 40 ? 1 : 13) {
    for (PetscInt first = 0; first + B <= ROWS; first += 37) {
      TpTestCall(Evaluate(test, first, B, y, dx));
      wrong += !!memcmp(y, test->y + first * D, sizeof(TpNumber) * (size_t)(B * D));
      wrong += !!memcmp(dx, test->dx + first * D, sizeof(TpNumber) * (size_t)(B * D));
    }
  }
  TpTestCall(TpNetworkForward(test->network, test->parameters, test->forward, ROWS, test->x, test->t, test->c, y));
  wrong += !!memcmp(y, test->y, sizeof y);
  TpTestExpectThat(wrong == 0, "%s, width %d, %s: %d batches change a row's bits", tp_network_words[settings.kind],
                   (int)settings.width, tp_precision_words[settings.precision], (int)wrong);
  TpTestCall(TestWatch(test, settings.kind == 1 ? 15 : settings.depth + 2));
  TpTestCall(PetscFree(test->parameters));
  TpTestCall(PetscFree(test->gradient));
  TpTestCall(TpWorkspaceDestroy(&test->workspace));
  TpTestCall(TpWorkspaceDestroy(&test->forward));
  TpTestCall(TpNetworkDestroy(&test->network));
  TpTestCall(PetscFree(test));
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestSettings((TpNetworkSettings){.width = 37, .depth = 2, .embedding = 16});
  TestSettings((TpNetworkSettings){.width = 64, .depth = 2, .embedding = 16});
  TestSettings(
      (TpNetworkSettings){.width = 272, .depth = 2, .embedding = 16}); /* more than one block of the inner index */
  TestSettings((TpNetworkSettings){.kind = 1, .width = 8, .multipliers = {1, 2}, .channels = 1});
  TestSettings((TpNetworkSettings){.kind = 1, .width = 32, .multipliers = {1, 3, 1}, .channels = 1});
  TestSettings((TpNetworkSettings){.kind = 1, .width = 8, .multipliers = {1, 2}, .channels = 3});
  if (TpKernelsRounded()) {
    TestSettings((TpNetworkSettings){.width = 37, .depth = 2, .embedding = 16, .precision = TP_PRECISION_BF16});
    TestSettings((TpNetworkSettings){
        .kind = 1, .width = 24, .multipliers = {1, 2}, .channels = 1, .precision = TP_PRECISION_BF16});
  }
  return TpTestEnd();
}
