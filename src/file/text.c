/* Lists of texts: datasets of fixed-length strings. */
#include "file-impl.h"

#include <string.h>

/* All the same width, the end included, a whole number of words for the checksum. */
static size_t TextWidth(PetscInt count, const char *const texts[])
{
  size_t width = 1;

  for (PetscInt i = 0; i < count; ++i) width = PetscMax(width, strlen(texts[i]) + 1);
  return (width + 3) / 4 * 4;
}

static PetscErrorCode DefineTexts(TpFile file, const char *name, PetscInt count, size_t width, const char *description)
{
  const hsize_t shape = (hsize_t)count;
  hid_t         type;

  PetscFunctionBeginUser;
  PetscCall(TpFileTextType(width - 1, PETSC_FALSE, &type));
  PetscCall(TpFileMakeDataset(file, name, type, 1, &shape, PETSC_TRUE, NULL, description));
  PetscCall(TpFileReserve(file));
  TpCallHDF5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 transfers all, in its packed form; to the file, or from it if `write` is NULL. */
static PetscErrorCode TransferTexts(TpFile file, const char *name, size_t width, char *read, const char *write)
{
  TpFileBlock    block;
  hid_t          dataset, type;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  block.count[0] = file->rank ? 0 : block.shape[0];
  PetscCall(TpFileTextType(width - 1, PETSC_FALSE, &type));
  if (write)
    code = TpFileTransferWrite(file, name, dataset, type, &block, write);
  else
    code = TpFileTransferRead(file, name, dataset, type, &block, read);
  H5Tclose(type);
  H5Dclose(dataset);
  PetscFunctionReturn(code);
}

PetscErrorCode TpFileWriteTexts(TpFile file, const char *name, PetscInt count, const char *const texts[],
                                const char *description)
{
  const size_t   width = TextWidth(count, texts);
  char          *packed;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, DefineTexts(file, name, count, width, description)));
  PetscCall(PetscCalloc1((size_t)count * width + 1, &packed));
  for (PetscInt i = 0; i < count; ++i) memcpy(packed + (size_t)i * width, texts[i], strlen(texts[i]));
  code = TransferTexts(file, name, width, NULL, packed);
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(code);
}

/* How many texts of which width. The same on all ranks. */
static PetscErrorCode TextsShape(TpFile file, const char *name, PetscInt *count, size_t *width)
{
  TpFileBlock block;
  hid_t       dataset, type;
  PetscBool   right;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  type = H5Dget_type(dataset);
  TpCallHDF5(type);
  *width = H5Tget_size(type);
  right  = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && block.rank == 1 &&
                  block.shape[0] < PETSC_MAX_INT && H5Dget_storage_size(dataset) == block.shape[0] * *width
               ? PETSC_TRUE
               : PETSC_FALSE;
  TpCallHDF5(H5Tclose(type));
  TpCallHDF5(H5Dclose(dataset));
  TpCheckInput(right, "%s: dataset '%s' is not a list of texts", file->path, name);
  *count = (PetscInt)block.shape[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Unpack(PetscInt count, size_t width, const char packed[], char ***texts)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(count + 1, texts));
  for (PetscInt i = 0; i < count; ++i) {
    PetscCall(PetscCalloc1(width + 1, &(*texts)[i]));
    memcpy((*texts)[i], packed + (size_t)i * width, width);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileReadTexts(TpFile file, const char *name, PetscInt *count, char ***texts)
{
  size_t         width = 0;
  char          *packed;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *texts = NULL;
  PetscCall(TextsShape(file, name, count, &width));
  TpCheckInput((size_t)*count * width < (size_t)PETSC_MPI_INT_MAX, "%s: dataset '%s' is too large for a list of texts",
               file->path, name);
  PetscCall(PetscCalloc1((size_t)*count * width + 1, &packed));
  code = TransferTexts(file, name, width, packed, NULL);
  if (!code) code = TpBroadcast(packed, (int)((size_t)*count * width), MPI_BYTE, 0, file->comm, NULL);
  if (!code) code = Unpack(*count, width, packed, texts);
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(code);
}
