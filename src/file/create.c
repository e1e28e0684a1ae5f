/* A new file under its temporary name. */
#include "file-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Made by us and not by MPI-IO: the system's reason for a failure, rights by the umask, and no file that somebody else still has open. */
static PetscErrorCode MakeTemporary(const char *path)
{
  int descriptor;

  PetscFunctionBeginUser;
  if (unlink(path) && errno != ENOENT) PetscFunctionReturn(TpStopError("%s: can't replace: %s", path, strerror(errno)));
  descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (descriptor < 0) PetscFunctionReturn(TpStopError("%s: can't create: %s", path, strerror(errno)));
  close(descriptor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateHDF5(TpFile file)
{
  hid_t access, create;
  char  reason[256];

  PetscFunctionBeginUser;
  PetscCall(TpFileAccess(file->comm, &access));
  create = H5Pcreate(H5P_FILE_CREATE);
  TpCallHDF5(create);
  TpCallHDF5(H5Pset_userblock(create, TP_FILE_SEAL_BYTES));
  TpCallHDF5(H5Pset_obj_track_times(create, 0)); /* the same input gives the same bytes */
  file->handle = H5Fcreate(file->temporary, H5F_ACC_TRUNC, create, access);
  if (file->handle < 0) TpFileReason(reason, sizeof(reason));
  TpCallHDF5(H5Pclose(create));
  TpCallHDF5(H5Pclose(access));
  if (file->handle < 0) PetscFunctionReturn(TpStopError("%s: can't create: %s", file->temporary, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHeader(TpFile file, const TpFileHeader *header)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteText(file, "/", "format", header->format));
  PetscCall(TpFileWriteInteger(file, "/", "format_version", header->version));
  PetscCall(TpFileWriteText(file, "/", "program", header->program ? header->program : ""));
  PetscCall(TpFileWriteText(file, "/", "parameters", header->parameters ? header->parameters : ""));
  PetscCall(TpFileWriteInteger(file, "/", "placed", header->placed ? 1 : 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileCreate(MPI_Comm comm, const char *path, const TpFileHeader *header, TpFile *file)
{
  const size_t   length = strlen(path) + sizeof(".tmp");
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileNew(comm, path, TP_FILE_CREATE, file));
  (*file)->placed = header->placed;
  PetscCall(PetscMalloc1(length, &(*file)->temporary));
  PetscCall(PetscSNPrintf((*file)->temporary, length, "%s.tmp", path));
  code = TpAgree(comm, (*file)->rank ? PETSC_SUCCESS : MakeTemporary((*file)->temporary));
  if (!code) code = TpAgree(comm, TpFileReserve(*file));
  if (code) {
    if (!(*file)->rank) unlink((*file)->temporary);
    PetscCall(TpFileFree(file));
    PetscFunctionReturn(code);
  }
  code = TpAgree(comm, CreateHDF5(*file));
  if (!code) code = WriteHeader(*file, header);
  if (code) PetscCall(TpFileAbandon(file));
  PetscFunctionReturn(code);
}

PetscErrorCode TpFileAbandon(TpFile *file)
{
  int ignored = 0;

  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck((*file)->mode == TP_FILE_CREATE, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%s is published: close it",
             (*file)->path);
  if ((*file)->handle >= 0) {
    /* HDF5 writes its metadata once more, and crashes at the end of the program if it can't: give it the room that the file took */
    if (!(*file)->rank) ignored = truncate((*file)->temporary, 0);
    PetscCall(TpBarrier((*file)->comm, NULL));
    H5Fclose((*file)->handle);
  }
  if (!(*file)->rank) unlink((*file)->temporary);
  (void)ignored;
  PetscCall(TpFileFree(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
