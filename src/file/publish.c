/* The end of a new file: checksums, `complete`, flush, close, seal, sync, rename. */
#include "file-impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Add up the ranks' parts. */
static PetscErrorCode ReduceSums(TpFile file)
{
  uint64_t *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(file->num_entries, &sums));
  for (PetscInt i = 0; i < file->num_entries; ++i) sums[i] = file->entries[i].sum;
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, (int)file->num_entries, MPI_UINT64_T, MPI_SUM, file->comm, NULL));
  for (PetscInt i = 0; i < file->num_entries; ++i) file->entries[i].sum = sums[i];
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FinishDataset(TpFile file, TpFileEntry *entry)
{
  const hid_t dataset = H5Dopen2(file->handle, entry->name, H5P_DEFAULT);

  PetscFunctionBeginUser;
  TpCallHDF5(dataset);
  if (entry->sealed) PetscCall(TpFileSetChecksum(dataset, entry->sum));
  entry->num_bytes = H5Dget_storage_size(dataset);
  entry->offset    = H5Dget_offset(dataset);
  if (entry->offset == HADDR_UNDEF) entry->num_bytes = 0; /* no rows, no bytes */
  TpCallHDF5(H5Dclose(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FinishDatasets(TpFile file)
{
  const hsize_t shape[2] = {(hsize_t)TpSealTableRows(file), 2};

  PetscFunctionBeginUser;
  PetscCall(TpFileMakeDataset(
      file, "structure", TpFileStoredType(TP_FILE_INT64), 2, shape, PETSC_FALSE, "B",
      "byte ranges (offset, length) that hold no data; the first 4096 bytes of the file have their checksum"));
  for (PetscInt i = 0; i < file->num_entries; ++i) PetscCall(FinishDataset(file, &file->entries[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Flush(TpFile file)
{
  char reason[256];

  PetscFunctionBeginUser;
  if (H5Fflush(file->handle, H5F_SCOPE_GLOBAL) >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  TpFileReason(reason, sizeof(reason));
  if (TpFileDiskFull(file)) PetscCall(PetscStrncpy(reason, strerror(ENOSPC), sizeof(reason)));
  PetscFunctionReturn(TpStopError("%s: can't write: %s", file->temporary, reason));
}

static PetscErrorCode Close(TpFile file)
{
  const herr_t status = H5Fclose(file->handle);
  char         reason[256];

  PetscFunctionBeginUser;
  file->handle = H5I_INVALID_HID;
  if (status >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  TpFileReason(reason, sizeof(reason));
  PetscFunctionReturn(TpStopError("%s: can't close: %s", file->temporary, reason));
}

static PetscErrorCode SealAndRename(TpFile file)
{
  PetscFunctionBeginUser;
  PetscCall(TpSealWrite(file->temporary, file->num_entries, file->entries));
  if (rename(file->temporary, file->path))
    PetscFunctionReturn(TpStopError("%s: can't be renamed: %s", file->temporary, strerror(errno)));
  PetscCall(TpFolderSync(file->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFilePublish(TpFile *file)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCheck((*file)->mode == TP_FILE_CREATE, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%s is published already",
             (*file)->path);
  PetscCall(ReduceSums(*file));
  code = TpAgree((*file)->comm, TpFileReserve(*file));
  if (!code) code = TpAgree((*file)->comm, FinishDatasets(*file));
  if (!code) code = TpFileWriteInteger(*file, "/", "complete", 1);
  if (!code) code = TpAgree((*file)->comm, Flush(*file)); /* every rank's data is synced before rank 0 goes on */
  if (!code) code = TpAgree((*file)->comm, Close(*file));
  if (!code) code = TpAgree((*file)->comm, (*file)->rank ? PETSC_SUCCESS : SealAndRename(*file));
  if (code) {
    PetscCall(TpFileAbandon(file));
    PetscFunctionReturn(code);
  }
  PetscCall(TpFileFree(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileConclude(TpFile *file, PetscErrorCode code)
{
  PetscFunctionBeginUser;
  if (code) {
    PetscCall(TpFileAbandon(file));
    PetscFunctionReturn(code);
  }
  PetscCall(TpFilePublish(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
