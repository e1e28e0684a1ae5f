/* SiLU, by the kernels of this processor. */
#include "kernel.h"

void TpSiluForward(PetscInt n, const TpNumber x[], TpNumber y[])
{
  TpKernelsBest()->silu_forward(n, x, y);
}

void TpSiluBackward(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[])
{
  TpKernelsBest()->silu_backward(n, x, dy, dx);
}

void TpSiluTangent(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[])
{
  TpKernelsBest()->silu_tangent(n, x, tx, ty);
}

void TpSiluTangentBackward(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dty[], TpNumber dtx[],
                           TpNumber dx[])
{
  TpKernelsBest()->silu_tangent_backward(n, x, tx, dty, dtx, dx);
}
