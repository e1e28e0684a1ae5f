/* A full or read-only disk stops the run with one line on all ranks, and leaves what was there. Needs the right to mount; else it is skipped. */
#include "scratch.h"

#include <sys/mount.h>
#include <sys/stat.h>

enum { DISK_BYTES = 512 * 1024 };

/* A disk of our own in the folder; PETSC_FALSE on all ranks if we may not. */
static PetscBool Mount(void)
{
  int failed = 0;

  if (!TestRank()) failed = mkdir(Path("disk"), 0777) || mount("tmpfs", Path("disk"), "tmpfs", 0, "size=512k");
  MPI_Bcast(&failed, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return failed ? PETSC_FALSE : PETSC_TRUE;
}

static void ExpectStopped(PetscErrorCode code, const char *path, const char *reason)
{
  TpTestExpectEqual(code, TP_ERR_STOPPED);
  TpTestExpectText(TpInputErrorMessage(), path);
  TpTestExpectText(TpInputErrorMessage(), reason);
  TpInputErrorClear();
}

/* Each rank writes a row of `bytes`; the code of the first step that fails, the file given up. */
static PetscErrorCode WriteFile(const char *path, PetscInt64 bytes)
{
  const PetscInt64 shape[2] = {TestSize(), bytes / 8};
  TpFile           file     = NULL;
  double          *data;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(bytes / 8, &data));
  for (PetscInt64 i = 0; i < bytes / 8; ++i) data[i] = 1 + TestRank();
  code = TpFileCreate(MPI_COMM_WORLD, path, &test_header, &file);
  if (!code) code = TpFileDefine(file, "data", TP_FILE_DOUBLE, 2, shape, "", "too much");
  if (!code) code = TpFileWriteRows(file, "data", TP_FILE_DOUBLE, TestRank(), 1, data);
  if (!code)
    code = TpFilePublish(&file);
  else
    PetscCall(TpFileAbandon(&file));
  PetscCall(PetscFree(data));
  PetscFunctionReturn(code);
}

/* Leave `left` bytes free. */
static void FillDisk(size_t left)
{
  MPI_Barrier(MPI_COMM_WORLD);
  if (!TestRank()) {
    FILE *file = fopen(Path("disk/filler"), "wb");

    setvbuf(file, NULL, _IONBF, 0);
    while (fputc('x', file) != EOF && fseek(file, 4095, SEEK_CUR) == 0) {
    }
    fclose(file);
    if (left) TpTestExpect(!truncate(Path("disk/filler"), (off_t)(DISK_BYTES - left)));
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void ExpectWhole(const char *path)
{
  PetscBool whole;
  char      message[512];

  TpTestCall(TpFileVerify(MPI_COMM_WORLD, path, &whole, message, sizeof(message)));
  TpTestExpectThat(whole, "%s", message);
}

static PetscErrorCode TestFull(void)
{
  PetscBool exists;

  PetscFunctionBeginUser;
  PetscCall(WriteFile(Path("disk/good.h5"), 1024));
  ExpectStopped(WriteFile(Path("disk/good.h5"), 2 * DISK_BYTES), "disk/good.h5.tmp", "space");
  PetscCall(TpPathExists(MPI_COMM_WORLD, Path("disk/good.h5.tmp"), &exists));
  TpTestExpect(!exists);
  ExpectWhole(Path("disk/good.h5"));
  /* less and less space: the failure moves from the data to the metadata, the seal and the very file */
  for (size_t left = 128 * 1024; left; left /= 2) {
    FillDisk(left < 4096 ? 0 : left);
    if (left < 16 * 1024)
      ExpectStopped(WriteFile(Path("disk/other.h5"), 64), "disk/other.h5", "space");
    else
      TpInputErrorClear(), (void)WriteFile(Path("disk/other.h5"), 64);
    TpInputErrorClear();
    ExpectWhole(Path("disk/good.h5"));
    PetscCall(TpPathExists(MPI_COMM_WORLD, Path("disk/other.h5.tmp"), &exists));
    TpTestExpect(!exists);
    if (!TestRank()) unlink(Path("disk/other.h5"));
    if (left < 4096) break;
  }
  ExpectStopped(TpTextPublish(MPI_COMM_WORLD, Path("disk/text"), "text"), "disk/text", "space");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestReadOnly(void)
{
  TpFile file   = NULL;
  int    failed = 0;

  PetscFunctionBeginUser;
  MPI_Barrier(MPI_COMM_WORLD);
  if (!TestRank()) failed = mount("tmpfs", Path("disk"), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=512k");
  MPI_Bcast(&failed, 1, MPI_INT, 0, MPI_COMM_WORLD);
  TpTestExpect(!failed);
  if (failed) PetscFunctionReturn(PETSC_SUCCESS);
  ExpectStopped(TpFileCreate(MPI_COMM_WORLD, Path("disk/new.h5"), &test_header, &file), "disk/new.h5",
                "Read-only file system");
  ExpectStopped(TpTextPublish(MPI_COMM_WORLD, Path("disk/text"), "text"), "disk/text", "Read-only file system");
  TpTestExpectInputError(TpFolderCreate(MPI_COMM_WORLD, Path("disk/new/folder")), "Read-only file system");
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("disk")));
  ExpectWhole(Path("disk/good.h5"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  if (!Mount()) {
    ScratchDestroy();
    return TpTestSkip("no right to mount a small disk");
  }
  TpTestCall(TestFull());
  TpTestCall(TestReadOnly());
  MPI_Barrier(MPI_COMM_WORLD);
  if (!TestRank()) TpTestExpect(!umount2(Path("disk"), MNT_DETACH));
  ScratchDestroy();
  return TpTestEnd();
}
