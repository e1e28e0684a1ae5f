/* Copying rows of a dataset from one file to another. */
#include "file-impl.h"

enum { COPY_BYTES = 16 * 1024 * 1024 }; /* in the memory of each rank */

/* Which of our types the dataset has, and the bytes of one row. Local. */
static PetscErrorCode LookAt(TpFile file, const char *name, hid_t dataset, const TpFileBlock *block, TpFileType *type,
                             size_t *row_bytes)
{
  const hid_t     stored = H5Dget_type(dataset);
  const PetscBool found  = TpFileFindType(stored, type);

  PetscFunctionBeginUser;
  *row_bytes = H5Tget_size(stored);
  H5Tclose(stored);
  TpCheckInput(found, "%s: dataset '%s' holds no numbers of ours", file->path, name);
  for (PetscInt d = 1; d < block->rank; ++d) *row_bytes *= (size_t)block->shape[d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The two datasets hold rows of the same kind. */
static PetscErrorCode CheckSame(TpFile from, TpFile to, const char *name, TpFileType *type, size_t *row_bytes)
{
  TpFileBlock    here, there;
  hid_t          dataset;
  TpFileType     type_there = TP_FILE_INT32;
  size_t         bytes_there;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(to, name, &dataset, &there));
  code = LookAt(to, name, dataset, &there, &type_there, &bytes_there);
  H5Dclose(dataset);
  PetscCall(TpAgree(to->comm, code));
  PetscCall(TpFileOpenDataset(from, name, &dataset, &here));
  code = LookAt(from, name, dataset, &here, type, row_bytes);
  H5Dclose(dataset);
  PetscCall(TpAgree(from->comm, code));
  for (PetscInt d = 1; d < here.rank && here.rank == there.rank; ++d)
    TpCheckInput(here.shape[d] == there.shape[d], "%s: dataset '%s': dimension %d is %lld, expected %lld", from->path,
                 name, (int)d, (long long)here.shape[d], (long long)there.shape[d]);
  TpCheckInput(here.rank == there.rank && *type == type_there, "%s: dataset '%s' holds other rows than expected",
               from->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileCopyRows(TpFile from, TpFile to, const char *name, PetscInt64 num_rows)
{
  TpFileType     type      = TP_FILE_INT32;
  size_t         row_bytes = 0;
  PetscInt64     rows, first, last;
  char          *piece;
  int            size;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(CheckSame(from, to, name, &type, &row_bytes));
  PetscCallMPI(MPI_Comm_size(to->comm, &size));
  rows  = PetscMax(1, COPY_BYTES / (PetscInt64)PetscMax(1, row_bytes));
  first = num_rows * to->rank / size;
  last  = num_rows * (to->rank + 1) / size;
  PetscCall(PetscMalloc1((size_t)PetscMin(rows, last - first) * row_bytes + 1, &piece));
  for (PetscInt64 done = 0; done < (num_rows + size - 1) / size && !code; done += rows) {
    const PetscInt64 count = PetscMax(0, PetscMin(rows, last - first - done));

    code = TpFileReadRows(from, name, type, first + done, count, piece);
    if (!code) code = TpFileWriteRows(to, name, type, first + done, count, piece);
  }
  PetscCall(PetscFree(piece));
  PetscFunctionReturn(code);
}
