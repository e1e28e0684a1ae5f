/* Folders, paths, and small text files. */
#include "file-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make one folder; fine if it is there. */
static PetscErrorCode MakeFolder(const char *path)
{
  struct stat status;

  PetscFunctionBeginUser;
  if (!mkdir(path, 0777)) PetscFunctionReturn(PETSC_SUCCESS);
  const int reason = errno; /* some file systems say "read-only" of a folder that is there: look before giving up */
  if (!stat(path, &status) && S_ISDIR(status.st_mode)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscFunctionReturn(TpInputError("%s: can't make the folder: %s", path, strerror(reason)));
}

static PetscErrorCode MakeFolders(const char *path)
{
  char          *part;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  TpCheckInput(path[0], "the name of a folder is empty");
  PetscCall(PetscStrallocpy(path, &part));
  for (char *c = part + 1; *c && !code; ++c) {
    if (*c != '/') continue;
    *c   = '\0';
    code = MakeFolder(part);
    *c   = '/';
  }
  if (!code) code = MakeFolder(part);
  PetscCall(PetscFree(part));
  PetscFunctionReturn(code);
}

PetscErrorCode TpFolderCreate(MPI_Comm comm, const char *path)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TpAgree(comm, rank ? PETSC_SUCCESS : MakeFolders(path)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathExists(MPI_Comm comm, const char *path, PetscBool *exists)
{
  struct stat status;
  int         rank, found = 0;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) found = !stat(path, &status);
  PetscCall(TpBroadcast(&found, 1, MPI_INT, 0, comm, NULL));
  *exists = found ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFolderSync(const char *path)
{
  char *folder, *slash;
  int   descriptor, failed;

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(path, &folder));
  slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = '\0'; /* "/name" lies in "/" */
  descriptor       = open(slash ? folder : ".", O_RDONLY);
  failed           = descriptor < 0 || fsync(descriptor);
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  PetscCall(PetscFree(folder));
  /* some file systems cannot sync a folder and say so: the name is then as safe as they make it */
  if (failed && reason != EINVAL && reason != ENOTSUP)
    PetscFunctionReturn(TpStopError("%s: can't sync its folder: %s", path, strerror(reason)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Write all of the text and sync it; 0 or errno. */
static int WriteWhole(const char *path, const char *text)
{
  size_t left   = strlen(text);
  int    reason = 0;
  int    descriptor;

  if (unlink(path) && errno != ENOENT) return errno;
  descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (descriptor < 0) return errno;
  while (left && !reason) {
    const ssize_t written = write(descriptor, text, left);

    if (written < 0)
      reason = errno == EINTR ? 0 : errno;
    else
      text += written, left -= (size_t)written;
  }
  if (!reason && fsync(descriptor)) reason = errno;
  if (close(descriptor) && !reason) reason = errno;
  return reason;
}

static PetscErrorCode PublishText(const char *path, const char *text)
{
  const size_t length = strlen(path) + sizeof(".tmp");
  char        *temporary;
  int          reason;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(length, &temporary));
  PetscCall(PetscSNPrintf(temporary, length, "%s.tmp", path));
  reason = WriteWhole(temporary, text);
  if (!reason && rename(temporary, path)) reason = errno;
  if (reason) unlink(temporary);
  PetscCall(PetscFree(temporary));
  if (reason) PetscFunctionReturn(TpStopError("%s: can't write: %s", path, strerror(reason)));
  PetscCall(TpFolderSync(path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTextPublish(MPI_Comm comm, const char *path, const char *text)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TpAgree(comm, rank ? PETSC_SUCCESS : PublishText(path, text)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTextBegin(TpText *text)
{
  PetscFunctionBeginUser;
  text->stream = open_memstream(&text->text, &text->length);
  PetscCheck(text->stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a text");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTextEnd(MPI_Comm comm, const char *path, TpText *text)
{
  PetscFunctionBeginUser;
  if (text->stream) fclose(text->stream);
  const PetscErrorCode code = TpTextPublish(comm, path, text->text);

  free(text->text);
  PetscFunctionReturn(code);
}
