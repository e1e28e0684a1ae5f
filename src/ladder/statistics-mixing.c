/* How fast walkers forget their rung: the spectrum of the empirical transition matrix. */
#include "tempera/ladder.h"

#include <math.h>
#include <petscblaslapack.h>

/* Row sums are all the same: each rung holds one walker in each round. So the symmetric part needs no weights. */
static void SymmetricPart(TpLadderStatistics statistics, PetscScalar matrix[])
{
  const PetscInt n     = statistics->num_rungs;
  const double   scale = 0.5 / (double)(statistics->rounds - 1);

  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt j = 0; j < n; ++j)
      matrix[i * n + j] = scale * (double)(statistics->transitions[i * n + j] + statistics->transitions[j * n + i]);
}

PetscErrorCode TpLadderSecondEigenvalue(TpLadderStatistics statistics, double *eigenvalue)
{
  const PetscInt n = statistics->num_rungs;
  PetscScalar   *matrix, *work;
  PetscReal     *values;
  PetscBLASInt   order, length, info;

  PetscFunctionBeginUser;
  *eigenvalue = NAN;
  if (n < 2 || statistics->rounds < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscBLASIntCast(n, &order));
  PetscCall(PetscBLASIntCast(8 * n, &length));
  PetscCall(PetscMalloc3((size_t)n * (size_t)n, &matrix, n, &values, length, &work));
  SymmetricPart(statistics, matrix);
  PetscCallBLAS("LAPACKsyev", LAPACKsyev_("N", "U", &order, matrix, &order, values, work, &length, &info));
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev returned %d", (int)info);
  *eigenvalue = values[n - 2]; /* in increasing order */
  PetscCall(PetscFree3(matrix, values, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
