/* Disk space taken before it is needed, so that a full disk shows early and with the system's reason; and the disk's work begun early. */
#if defined(__linux__)
  #define _GNU_SOURCE /* fallocate(), sync_file_range() */
#endif
#include "file-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
  MARGIN_BYTES       = 256 * 1024, /* for metadata so far and to come */
  MARGIN_PER_DATASET = 1024,       /* checksum and row of the table */
  NEARLY_FULL_BYTES  = 1024 * 1024,
  START_BYTES        = 1024 * 1024, /* worth the calls */
};

static double FreeBytes(const char *path)
{
  struct statvfs disk;

  return statvfs(path, &disk) ? INFINITY : (double)disk.f_bavail * (double)disk.f_frsize;
}

/* Blocks for bytes [start, end) of the file, its size unchanged. 0 or errno. */
static int Allocate(const char *path, int64_t start, int64_t end)
{
  int reason = EOPNOTSUPP;

#if defined(__linux__)
  const int descriptor = open(path, O_WRONLY);

  if (descriptor < 0) return errno;
  do reason = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, (off_t)start, (off_t)(end - start)) ? errno : 0;
  while (reason == EINTR);
  close(descriptor);
#endif
  /* where the file system makes no promise, looking is what is left */
  if (reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL)
    reason = FreeBytes(path) < (double)(end - start) ? ENOSPC : 0;
  return reason;
}

PetscErrorCode TpFileReserve(TpFile file)
{
  int64_t needed;
  int     reason;

  PetscFunctionBeginUser;
  if (file->rank) PetscFunctionReturn(PETSC_SUCCESS);
  needed = file->extent + MARGIN_BYTES + MARGIN_PER_DATASET * (int64_t)file->num_entries;
  if (needed <= file->reserved) PetscFunctionReturn(PETSC_SUCCESS);
  reason = Allocate(file->temporary, file->reserved, needed);
  if (reason)
    PetscFunctionReturn(
        TpStopError("%s: can't take %lld bytes of disk: %s", file->temporary, (long long)needed, strerror(reason)));
  file->reserved = needed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpFileDiskFull(TpFile file)
{
  return FreeBytes(file->temporary ? file->temporary : file->path) < NEARLY_FULL_BYTES ? PETSC_TRUE : PETSC_FALSE;
}

void TpFileStartDisk(TpFile file, size_t num_bytes)
{
#if defined(__linux__)
  int descriptor;

  file->unstarted += (int64_t)num_bytes;
  if (file->mode != TP_FILE_CREATE || file->unstarted < START_BYTES) return;
  file->unstarted = 0;
  descriptor      = open(file->temporary, O_WRONLY);
  if (descriptor < 0) return;
  (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
  close(descriptor);
#else
  (void)file, (void)num_bytes;
#endif
}
