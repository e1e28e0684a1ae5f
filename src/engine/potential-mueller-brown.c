/* The surface of Mueller and Brown, Theor. Chim. Acta 53 (1979) 75: three minima in two dimensions. */
#include "potential-impl.h"

#include <math.h>

enum { NUM_TERMS = 4 };

/* height exp(a (x - x0)^2 + b (x - x0)(y - y0) + c (y - y0)^2) */
static const struct {
  double height, a, b, c, x0, y0;
} terms[NUM_TERMS] = {
    {-200.0, -1.0, 0.0, -10.0, 1.0, 0.0},
    {-100.0, -1.0, 0.0, -10.0, 0.0, 0.5},
    {-170.0, -6.5, 11.0, -6.5, -0.5, 1.5},
    {15.0, 0.7, 0.6, 0.7, -1.0, 1.0},
};

static PetscErrorCode MuellerBrownCreate(TpPotential potential, const TpEngineSettings *settings)
{
  PetscFunctionBeginUser;
  potential->size = 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void MuellerBrownCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  double sum = 0;

  f[0] = f[1] = 0;
  for (PetscInt i = 0; i < NUM_TERMS; ++i) {
    const double a = terms[i].a, b = terms[i].b, c = terms[i].c;
    const double dx = x[0] - terms[i].x0, dy = x[1] - terms[i].y0;
    const double term = terms[i].height * exp(a * dx * dx + b * dx * dy + c * dy * dy);

    sum += term;
    f[0] -= term * (2.0 * a * dx + b * dy);
    f[1] -= term * (b * dx + 2.0 * c * dy);
  }
  *energy = sum;
}

/* Walkers alternate between the two deepest minima. */
static void MuellerBrownStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  x[0] = walker % 2 == 0 ? -0.558224 : 0.623499;
  x[1] = walker % 2 == 0 ? 1.441726 : 0.028038;
}

const TpPotentialOps TpPotentialMuellerBrown = {
    .name    = "mueller-brown",
    .create  = MuellerBrownCreate,
    .compute = MuellerBrownCompute,
    .start   = MuellerBrownStart,
};
