/* Faults made on purpose: a sanitizer that overlooks one of them would overlook ours. planted leak|overrun|shift|none */
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
  NUM_VALUES = 16
}; /* PETSc rounds blocks up to 16 bytes: an overrun within those is found by -malloc_debug in the plain build */

static int *volatile kept; /* the compiler may not see what becomes of the block */

static PetscErrorCode Leak(void)
{
  double *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(NUM_VALUES, &values));
  values[0] = 1.0;
  kept      = (int *)values;
  kept      = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Overrun(PetscInt index)
{
  int *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(NUM_VALUES, &values));
  kept        = values;
  kept[index] = 1;
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of bits of an int. */
static int TooMany(void)
{
  volatile int bits = 8 * (int)sizeof(int);

  return bits;
}

int main(int argc, char **argv)
{
  const char *fault = argc > 1 ? argv[1] : "none";

  TpTestBegin(&argc, &argv);
  if (!strcmp(fault, "leak")) TpTestCall(Leak());
  if (!strcmp(fault, "overrun")) TpTestCall(Overrun(NUM_VALUES));
  if (!strcmp(fault, "shift")) TpTestExpect((1 << TooMany()) != 17);
  return TpTestEnd();
}
