/* The linear layer y = x w^T + b: forward, backward, tangent. Sizes: B batch, N inputs, M outputs. */
#include "kernel.h"
#include "network-impl.h"

#include <string.h>

void TpLinearAdd(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], TpNumber y[])
{
  TpKernelsBest()->product(B, M, N, (TpMatrix){x, N, 1}, (TpMatrix){w, 1, N}, y);
}

void TpLinearAddInput(PetscInt B, PetscInt N, PetscInt M, const TpNumber w[], const TpNumber dy[], TpNumber dx[])
{
  TpKernelsBest()->product(B, N, M, (TpMatrix){dy, M, 1}, (TpMatrix){w, N, 1}, dx);
}

void TpLinearAddWeights(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                        TpNumber db[])
{
  TpKernelsBest()->product(M, N, B, (TpMatrix){dy, 1, M}, (TpMatrix){x, N, 1}, dw);
  if (!db) return;
  for (PetscInt i = 0; i < B; i++) {
    for (PetscInt j = 0; j < M; j++) db[j] += dy[i * M + j];
  }
}

void TpLinearForward(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], const TpNumber b[],
                     TpNumber y[])
{
  if (b) {
    for (PetscInt i = 0; i < B; i++) memcpy(y + i * M, b, (size_t)M * sizeof *y);
  } else {
    memset(y, 0, (size_t)(B * M) * sizeof *y);
  }
  TpLinearAdd(B, N, M, x, w, y);
}

void TpLinearBackward(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], const TpNumber dy[],
                      TpNumber dx[], TpNumber dw[], TpNumber db[])
{
  if (dx) {
    memset(dx, 0, (size_t)(B * N) * sizeof *dx);
    TpLinearAddInput(B, N, M, w, dy, dx);
  }
  TpLinearAddWeights(B, N, M, x, dy, dw, db);
}

void TpLinearTangent(PetscInt B, PetscInt N, PetscInt M, const TpNumber tx[], const TpNumber w[], TpNumber ty[])
{
  TpLinearForward(B, N, M, tx, w, NULL, ty);
}
