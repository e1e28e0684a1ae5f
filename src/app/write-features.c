/* What every file with features says of them. */
#include "app-impl.h"

/* `count` texts that lie `length` characters apart, from `first` on. */
static PetscErrorCode WriteTexts(TpFile file, const char *dataset, PetscInt count, size_t length, const char *first,
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

PetscErrorCode TpWriteFeatures(TpFile file, PetscInt count, char (*name)[TP_NAME_LENGTH], char (*unit)[TP_UNIT_LENGTH],
                               const double period[])
{
  const PetscInt64 length = count;

  PetscFunctionBeginUser;
  PetscCall(WriteTexts(file, "/features/name", count, TP_NAME_LENGTH, name[0], "names of the features"));
  PetscCall(WriteTexts(file, "/features/unit", count, TP_UNIT_LENGTH, unit[0], "units of the features"));
  PetscCall(TpFileWriteAll(file, "/features/period", TP_FILE_DOUBLE, 1, &length, period, "",
                           "period of each feature in its unit; 0: not periodic"));
  PetscFunctionReturn(PETSC_SUCCESS);
}
