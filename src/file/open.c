/* Opening and closing. */
#include "file-impl.h"

PetscErrorCode TpFileNew(MPI_Comm comm, const char *path, TpFileMode mode, TpFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(file));
  (*file)->comm   = comm;
  (*file)->mode   = mode;
  (*file)->handle = H5I_INVALID_HID;
  PetscCallMPI(MPI_Comm_rank(comm, &(*file)->rank));
  PetscCall(PetscStrallocpy(path, &(*file)->path));
  TpCallHDF5(H5Eset_auto2(H5E_DEFAULT, NULL, NULL)); /* its messages go into ours */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileFree(TpFile *file)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < (*file)->num_entries; ++i) PetscCall(PetscFree((*file)->entries[i].name));
  PetscCall(PetscFree((*file)->entries));
  PetscCall(PetscFree((*file)->temporary));
  PetscCall(PetscFree((*file)->path));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileAccess(MPI_Comm comm, hid_t *access)
{
  PetscFunctionBeginUser;
  *access = H5Pcreate(H5P_FILE_ACCESS);
  TpCallHDF5(*access);
  TpCallHDF5(H5Pset_fapl_mpio(*access, comm, MPI_INFO_NULL));
  TpCallHDF5(H5Pset_all_coll_metadata_ops(*access, 1));
  /* not collective writes of metadata: with Open MPI 4.1's ompio these put garbage into rows that nobody wrote (see dataset.c) */
  TpCallHDF5(H5Pset_coll_metadata_write(*access, 0));
  TpCallHDF5(H5Pset_fclose_degree(*access, H5F_CLOSE_STRONG));
  TpCallHDF5(H5Pset_alignment(*access, 4 * TP_FILE_ALIGNMENT, TP_FILE_ALIGNMENT));
  TpCallHDF5(H5Pset_meta_block_size(*access, 16 * 1024)); /* metadata together: few ranges of structure to check */
  /* library version bounds stay the default: the oldest superblock has no flags that a killed writer would leave behind */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenHDF5(TpFile file)
{
  hid_t   access;
  hsize_t size;
  char    reason[256];

  PetscFunctionBeginUser;
  PetscCall(TpFileAccess(file->comm, &access));
  file->handle = H5Fopen(file->path, file->mode == TP_FILE_UPDATE ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
  if (file->handle < 0) TpFileReason(reason, sizeof(reason));
  TpCallHDF5(H5Pclose(access));
  TpCheckInput(file->handle >= 0, "%s: can't open: %s", file->path, reason);
  TpReadHDF5(file, H5Fget_filesize(file->handle, &size));
  file->size = (int64_t)size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the file what the caller wants? Collective. */
static PetscErrorCode CheckHeader(TpFile file, const char *format, PetscInt version)
{
  PetscInt64 complete, placed, stored_version;
  char      *stored_format;
  PetscBool  same = PETSC_TRUE;
  char       line[512];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "complete", &complete));
  PetscCall(TpFileReadInteger(file, "/", "placed", &placed));
  PetscCall(TpFileReadInteger(file, "/", "format_version", &stored_version));
  TpCheckInput(complete == 1, "%s: is not complete", file->path);
  file->placed = placed ? PETSC_TRUE : PETSC_FALSE;
  TpCheckInput(file->mode != TP_FILE_UPDATE || file->placed, "%s: was written once and is not to be updated",
               file->path);
  if (!format) PetscFunctionReturn(PETSC_SUCCESS);

  PetscCall(TpFileReadText(file, "/", "format", &stored_format));
  PetscCall(PetscStrcmp(stored_format, format, &same));
  PetscCall(PetscSNPrintf(line, sizeof(line), "holds '%s', expected '%s'", stored_format, format));
  PetscCall(PetscFree(stored_format));
  TpCheckInput(same, "%s: %s", file->path, line);
  TpCheckInput(stored_version == version, "%s: format version is %lld; this program reads '%s' of version %d",
               file->path, (long long)stored_version, format, (int)version);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(MPI_Comm comm, const char *path, TpFileMode mode, const char *format, PetscInt version,
                           TpFile *file)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileNew(comm, path, mode, file));
  code = TpAgree(comm, (*file)->rank ? PETSC_SUCCESS : TpSealCheck(path));
  if (!code) code = TpAgree(comm, OpenHDF5(*file));
  if (!code) code = CheckHeader(*file, format, version); /* every rank reads the same and fails alike */
  if (code) {
    if ((*file)->handle >= 0) H5Fclose((*file)->handle);
    PetscCall(TpFileFree(file));
  }
  PetscFunctionReturn(code);
}

PetscErrorCode TpFileOpen(MPI_Comm comm, const char *path, const char *format, PetscInt version, TpFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(Open(comm, path, TP_FILE_READ, format, version, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileOpenForUpdate(MPI_Comm comm, const char *path, const char *format, PetscInt version, TpFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(Open(comm, path, TP_FILE_UPDATE, format, version, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Flush, or close if `flush` is false; local errors. */
static PetscErrorCode FlushOrClose(TpFile file, PetscBool flush)
{
  const herr_t status = flush ? H5Fflush(file->handle, H5F_SCOPE_GLOBAL) : H5Fclose(file->handle);
  char         reason[256];

  PetscFunctionBeginUser;
  if (status >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  TpFileReason(reason, sizeof(reason));
  PetscFunctionReturn(TpStopError("%s: can't %s: %s", file->path, flush ? "write" : "close", reason));
}

PetscErrorCode TpFileClose(TpFile *file)
{
  PetscErrorCode code = PETSC_SUCCESS, close_code;

  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck((*file)->mode != TP_FILE_CREATE, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "%s is being made: publish or abandon it", (*file)->path);
  if ((*file)->mode == TP_FILE_UPDATE) code = TpAgree((*file)->comm, FlushOrClose(*file, PETSC_TRUE));
  close_code = TpAgree((*file)->comm, FlushOrClose(*file, PETSC_FALSE));
  PetscCall(TpFileFree(file));
  PetscFunctionReturn(code ? code : close_code);
}

hid_t TpFileHandle(TpFile file)
{
  return file->handle;
}
