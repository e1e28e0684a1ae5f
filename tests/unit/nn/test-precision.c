/* Networks whose products are rounded to bf16: near those of single precision, by as much as 8 bits of mantissa let them, and refused where the processor can't. */
#include "../../../src/nn/kernel.h"
#include "test.h"

#include <math.h>

#define ROWS 64
#define D    18
#define C    1

/* Rounding errs by 0.11 % in the root mean square, rounding both factors of a product by 0.16 %; of a hundred such errors in a row, as there are at most on the way
   through the U-Net and back, 1.6 % would be left. Twice that is allowed; a network that does not round is found by the other bound. The kernels themselves
   are tested to the last bits elsewhere. */
#define LEAST 0.001
#define MOST  0.032

typedef struct {
  TpNumber  y[ROWS * D], dx[ROWS * D];
  TpNumber *gradient;
  PetscInt  size;
} Answer;

static PetscErrorCode Evaluate(TpNetworkSettings settings, PetscInt precision, Answer *answer)
{
  TpNetwork   network;
  TpWorkspace workspace;
  TpNumber   *parameters, x[ROWS * D], dy[ROWS * D], c[ROWS * C], t[ROWS];
  PetscInt    count;

  PetscFunctionBeginUser;
  settings.precision = precision;
  PetscCall(TpNetworkCreate(&settings, D, C, &network));
  PetscCall(TpWorkspaceCreate(network, ROWS, &workspace));
  answer->size = TpNetworkNumParameters(network);
  PetscCall(PetscMalloc1(answer->size, &parameters));
  PetscCall(PetscCalloc1(answer->size, &answer->gradient));
  PetscCall(TpNetworkInitialise(network, 3, parameters));
  count = PetscMin(answer->size, 5000); /* the last layer begins at zero, and the first ones' gradients with it */
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 1, 0, count, parameters + answer->size - count);
  for (PetscInt i = answer->size - count; i < answer->size; i++) parameters[i] *= 0.1f;
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 2, 0, ROWS * D, x);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 3, 0, ROWS * D, dy);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 4, 0, ROWS * C, c);
  for (PetscInt i = 0; i < ROWS; i++) t[i] = (TpNumber)(i + 1) / ROWS;
  PetscCall(TpNetworkForward(network, parameters, workspace, ROWS, x, t, c, answer->y));
  PetscCall(TpNetworkBackward(network, parameters, workspace, ROWS, dy, answer->gradient, answer->dx));
  PetscCall(PetscFree(parameters));
  PetscCall(TpWorkspaceDestroy(&workspace));
  PetscCall(TpNetworkDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ExpectNear(const char *what, PetscInt n, const TpNumber single[], const TpNumber rounded[])
{
  double error = 0, size = 0;

  for (PetscInt i = 0; i < n; i++) {
    error += pow((double)rounded[i] - (double)single[i], 2);
    size += pow((double)single[i], 2);
  }
  error = sqrt(error / size);
  TpTestExpectThat(error > LEAST && error < MOST, "%s: differs from single precision by %.3g", what, error);
}

static void TestNetwork(const TpNetworkSettings settings)
{
  Answer single, rounded;

  TpTestCall(Evaluate(settings, TP_PRECISION_SINGLE, &single));
  TpTestCall(Evaluate(settings, TP_PRECISION_BF16, &rounded));
  ExpectNear("the answer", ROWS * D, single.y, rounded.y);
  ExpectNear("the gradient of the input", ROWS * D, single.dx, rounded.dx);
  ExpectNear("the gradient of the parameters", single.size, single.gradient, rounded.gradient);
  TpTestCall(PetscFree(single.gradient));
  TpTestCall(PetscFree(rounded.gradient));
}

int main(int argc, char **argv)
{
  const TpNetworkSettings mlp  = {.width = 64, .depth = 3, .embedding = 32};
  const TpNetworkSettings unet = {.kind = 1, .width = 32, .multipliers = {1, 2, 2, 4}, .channels = 1};

  TpTestBegin(&argc, &argv);
  TpTestCall(TpPrecisionCheck(TP_PRECISION_SINGLE));
  if (TpKernelsRounded()) {
    TpTestCall(TpPrecisionCheck(TP_PRECISION_BF16));
    TestNetwork(mlp);
    TestNetwork(unet);
  } else {
    TpTestExpectInputError(TpPrecisionCheck(TP_PRECISION_BF16), "allowed here: single");
  }
  return TpTestEnd();
}
