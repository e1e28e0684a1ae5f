/* Conservativeness of denoisers: a linear one with a known antisymmetric part, and the exact one of a Gaussian, whose score is a gradient. */
#include "tempera/diffusion.h"
#include "test.h"

#include <math.h>

#define D        4
#define ROWS     6
#define POINTS   2000
#define ROTATION 0.7

/* eps = J x, J = diagonal (1, 2, 3, 4) + turn (rotations in the planes 0 1 and 2 3). */
typedef struct {
  double turn;
} Linear;

static double Entry(const Linear *linear, PetscInt i, PetscInt j)
{
  if (i == j) return (double)(i + 1);
  return i / 2 == j / 2 ? (j > i ? linear->turn : -linear->turn) : 0.0;
}

static PetscErrorCode Predict(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                              TpNumber eps[])
{
  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < B; ++row) {
    /* every row is the same point */
    TpTestExpect(t[row] == t[0] && c[row] == c[0]);
    for (PetscInt i = 0; i < D; ++i) {
      double sum = 0.0;

      for (PetscInt j = 0; j < D; ++j) sum += Entry(context, i, j) * (double)x[row * D + j];
      TpTestExpect(x[row * D + i] == x[i]);
      eps[row * D + i] = (TpNumber)sum;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reverse(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[])
{
  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < B; ++row)
    for (PetscInt j = 0; j < D; ++j) {
      double sum = 0.0;

      for (PetscInt i = 0; i < D; ++i) sum += (double)deps[row * D + i] * Entry(context, i, j);
      dx[row * D + j] = (TpNumber)sum;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Measure(double turn, double *ratio, double *error)
{
  Linear           linear   = {.turn = turn};
  const TpDenoiser denoiser = {.num_inputs     = D,
                               .num_conditions = 1,
                               .max_batch      = ROWS,
                               .context        = &linear,
                               .predict        = Predict,
                               .reverse        = Reverse};
  const TpNumber   x[D] = {0.3F, -1.0F, 0.2F, 0.8F}, c[1] = {0.5F};
  double          *squares;

  TpTestCall(PetscMalloc1(2 * POINTS, &squares));
  for (uint32_t i = 0; i < POINTS; ++i)
    TpTestCall(TpDenoiserAsymmetry(&denoiser, 5, i, 0, x, 0.4F, c, squares + 2 * i));
  TpAsymmetryRatio(POINTS, squares, ratio, error);
  TpTestCall(PetscFree(squares));
}

/* ||J - J^T||^2 = 4 (2 turn)^2, ||J||^2 = 30 + 4 turn^2; 4 standard errors: one false alarm in 16000. */
int main(int argc, char **argv)
{
  double ratio, error;

  TpTestBegin(&argc, &argv);
  Measure(ROTATION, &ratio, &error);
  TpTestExpectClose(ratio, 4.0 * ROTATION / sqrt(30.0 + 4.0 * ROTATION * ROTATION), 4.0 * error);
  TpTestExpectThat(error > 0.0 && error < 0.01, "error %g", error);
  Measure(0.0, &ratio, &error);
  TpTestExpectThat(ratio < 1e-6 && error < 1e-6, "a gradient has %g +- %g", ratio, error);
  return TpTestEnd();
}
