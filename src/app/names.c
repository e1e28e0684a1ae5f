/* Names of features in files. */
#include "app-impl.h"

PetscErrorCode TpWriteNames(TpFile file, const char *dataset, PetscInt count, size_t length, const char *first,
                            const char *description)
{
  const char **texts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(count, &texts));
  for (PetscInt i = 0; i < count; ++i) texts[i] = first + (size_t)i * length;
  PetscCall(TpFileWriteTexts(file, dataset, count, texts, description));
  PetscCall(PetscFree(texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}
