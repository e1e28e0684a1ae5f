/* Published files: nothing under the final name before the end, whole after it; opening anything else fails in one line on all ranks. */
#include "scratch.h"

#include <sys/stat.h>
#include <time.h>

enum { NUM_UNWRITTEN = 40 };

/* Look on rank 0, tell all. */
static PetscBool Exists(const char *path)
{
  PetscBool exists = PETSC_FALSE;

  MPI_Barrier(MPI_COMM_WORLD);
  TpTestCall(TpPathExists(MPI_COMM_WORLD, path, &exists));
  return exists;
}

static PetscErrorCode WriteSome(TpFile file, double value)
{
  const PetscInt64 shape[2] = {TestSize(), 1000};
  double           data[1000];

  PetscFunctionBeginUser;
  for (int i = 0; i < 1000; ++i) data[i] = value + TestRank() + i;
  PetscCall(TpFileDefine(file, "data", TP_FILE_DOUBLE, 2, shape, "nm", "some numbers"));
  PetscCall(TpFileWriteRows(file, "data", TP_FILE_DOUBLE, TestRank(), 1, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectValue(const char *path, double value)
{
  TpFile file;
  double data[1000] = {0};

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_WORLD, path, "tempera test", 3, &file));
  PetscCall(TpFileReadRows(file, "data", TP_FILE_DOUBLE, TestRank(), 1, data));
  PetscCall(TpFileClose(&file));
  for (int i = 0; i < 1000; ++i) TpTestExpectClose(data[i], value + TestRank() + i, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The old file stays whole until the new one is; an abandoned one leaves nothing; a stale temporary file is in nobody's way. */
static PetscErrorCode TestPublish(void)
{
  TpFile file;

  PetscFunctionBeginUser;
  Store(Path("p.h5.tmp"), "stale", 5);
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("p.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 1));
  TpTestExpect(!Exists(Path("p.h5")));
  TpTestExpect(Exists(Path("p.h5.tmp")));
  PetscCall(TpFilePublish(&file));
  TpTestExpect(file == NULL);
  TpTestExpect(!Exists(Path("p.h5.tmp")));
  PetscCall(ExpectValue(Path("p.h5"), 1));

  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("p.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 2));
  PetscCall(ExpectValue(Path("p.h5"), 1));
  PetscCall(TpFileAbandon(&file));
  TpTestExpect(!Exists(Path("p.h5.tmp")));
  PetscCall(TpFileAbandon(&file));
  PetscCall(ExpectValue(Path("p.h5"), 1));

  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("p.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 3));
  PetscCall(TpFilePublish(&file));
  PetscCall(ExpectValue(Path("p.h5"), 3));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same content gives the same bytes, also in another second, so files can be compared. */
static PetscErrorCode TestSameBytes(void)
{
  const struct timespec second = {1, 10000000};
  TpFile                file;
  char                 *one, *other;
  size_t                one_length, other_length;

  PetscFunctionBeginUser;
  nanosleep(&second, NULL);
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("again.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 3));
  PetscCall(TpFilePublish(&file));
  one   = Load(Path("p.h5"), &one_length);
  other = Load(Path("again.h5"), &other_length);
  TpTestExpect(one_length > 0 && one_length == other_length && !memcmp(one, other, one_length));
  free(one);
  free(other);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rights follow the umask; never wider. */
static PetscErrorCode TestRights(void)
{
  const mode_t before = umask(027);
  TpFile       file;
  struct stat  status;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("rights.h5"), &test_header, &file));
  PetscCall(TpFilePublish(&file));
  PetscCall(TpTextPublish(MPI_COMM_WORLD, Path("rights.txt"), "text"));
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("rights")));
  umask(before);
  TpTestExpect(!stat(Path("rights.h5"), &status) && (status.st_mode & 0777) == 0640);
  TpTestExpect(!stat(Path("rights.txt"), &status) && (status.st_mode & 0777) == 0640);
  TpTestExpect(!stat(Path("rights"), &status) && (status.st_mode & 0777) == 0750);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Datasets large and small of which some rows are written, by one rank: the others are zero. */
static PetscErrorCode TestUnwritten(void)
{
  TpFile     file;
  char       name[64], message[512];
  PetscBool  whole;
  int64_t    data[2000];
  PetscInt64 shape, wrong;

  PetscFunctionBeginUser;
  for (int i = 0; i < 2000; ++i) data[i] = -1;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("u.h5"), &test_header, &file));
  for (int i = 0; i < NUM_UNWRITTEN; ++i) {
    snprintf(name, sizeof(name), "group%d/x%d", i % 7, i);
    shape = i % 2 ? 2000 : 10 + i;
    PetscCall(TpFileDefine(file, name, TP_FILE_INT64, 1, &shape, "", "rows"));
    PetscCall(TpFileWriteRows(file, name, TP_FILE_INT64, shape - 3, i % 3 || TestRank() ? 0 : 3, data));
  }
  PetscCall(TpFilePublish(&file));
  PetscCall(TpFileVerify(MPI_COMM_WORLD, Path("u.h5"), &whole, message, sizeof(message)));
  TpTestExpectThat(whole, "%s", message);
  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("u.h5"), "tempera test", 3, &file));
  for (int i = 0; i < NUM_UNWRITTEN; ++i) {
    snprintf(name, sizeof(name), "group%d/x%d", i % 7, i);
    shape = i % 2 ? 2000 : 10 + i;
    PetscCall(TpFileReadAll(file, name, TP_FILE_INT64, 1, &shape, data));
    wrong = 0;
    for (PetscInt64 k = 0; k < shape; ++k)
      if (data[k] != (i % 3 == 0 && k >= shape - 3 ? -1 : 0)) ++wrong;
    TpTestExpectThat(wrong == 0, "%s: %d wrong numbers", name, (int)wrong);
  }
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- open errors */

/* A file that is being written, copied before it is published: what a kill leaves. */
static PetscErrorCode MakeIncomplete(void)
{
  TpFile file;
  char  *bytes;
  size_t length;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("i.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 1));
  TpTestExpect(H5Fflush(TpFileHandle(file), H5F_SCOPE_GLOBAL) >= 0);
  MPI_Barrier(MPI_COMM_WORLD);
  bytes = Load(Path("i.h5.tmp"), &length);
  TpTestExpect(length > 4096);
  Store(Path("incomplete.h5"), bytes, length);
  free(bytes);
  PetscCall(TpFileAbandon(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somebody else's HDF5 file, by the plain library on rank 0. */
static void MakeForeign(const char *path)
{
  if (!TestRank()) {
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    TpTestExpect(file >= 0);
    H5Fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

static void ExpectRefused(const char *name, const char *part)
{
  TpFile    file         = NULL;
  PetscBool whole        = PETSC_TRUE;
  char      message[512] = "";

  TpTestExpectInputError(TpFileOpen(MPI_COMM_WORLD, Path(name), "tempera test", 3, &file), part);
  TpTestExpectInputError(TpFileOpen(MPI_COMM_WORLD, Path(name), "tempera test", 3, &file), Path(name));
  TpTestExpect(file == NULL);
  TpTestExpectInputError(TpFileOpenForUpdate(MPI_COMM_WORLD, Path(name), "tempera test", 3, &file), part);
  TpTestCall(TpFileVerify(MPI_COMM_WORLD, Path(name), &whole, message, sizeof(message)));
  TpTestExpect(!whole);
  TpTestExpectText(message, part);
}

static PetscErrorCode TestOpenErrors(void)
{
  static char garbage[5000];
  TpFile      file = NULL;
  char       *bytes;
  size_t      length;

  PetscFunctionBeginUser;
  ExpectRefused("missing.h5", "No such file");
  Store(Path("empty.h5"), "", 0);
  ExpectRefused("empty.h5", "is empty");
  memset(garbage, 'x', sizeof(garbage));
  Store(Path("garbage.h5"), garbage, sizeof(garbage));
  ExpectRefused("garbage.h5", "is not an HDF5 file");
  Store(Path("short.h5"), garbage, 7);
  ExpectRefused("short.h5", "is not an HDF5 file");
  MakeForeign(Path("foreign.h5"));
  ExpectRefused("foreign.h5", "not one of Tempera's");
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("folder.h5")));
  ExpectRefused("folder.h5", "is not a file");
  if (!TestRank()) TpTestExpect(!mkfifo(Path("pipe.h5"), 0600));
  MPI_Barrier(MPI_COMM_WORLD);
  ExpectRefused("pipe.h5", "is not a file");
  PetscCall(MakeIncomplete());
  ExpectRefused("incomplete.h5", "is not complete");

  bytes = Load(Path("p.h5"), &length);
  Store(Path("truncated.h5"), bytes, length - 1);
  ExpectRefused("truncated.h5", "is truncated");
  Store(Path("truncated.h5"), bytes, 5000);
  ExpectRefused("truncated.h5", "is truncated: 5000 bytes of");
  Store(Path("truncated.h5"), bytes, 4000);
  ExpectRefused("truncated.h5", "is truncated: 4000 bytes of");
  free(bytes);

  TpTestExpectInputError(TpFileOpen(MPI_COMM_WORLD, Path("p.h5"), "tempera model", 3, &file),
                         "holds 'tempera test', expected 'tempera model'");
  TpTestExpectInputError(TpFileOpen(MPI_COMM_WORLD, Path("p.h5"), "tempera test", 4, &file), "format version is 3");
  TpTestExpectInputError(TpFileOpenForUpdate(MPI_COMM_WORLD, Path("p.h5"), "tempera test", 3, &file),
                         "is not to be updated");
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------ write errors */

static void ExpectStopped(PetscErrorCode code, const char *part)
{
  TpTestExpectEqual(code, TP_ERR_STOPPED);
  TpTestExpectText(TpInputErrorMessage(), part);
  TpInputErrorClear();
}

static PetscErrorCode TestWriteErrors(void)
{
  TpFile file = NULL;

  PetscFunctionBeginUser;
  ExpectStopped(TpFileCreate(MPI_COMM_WORLD, Path("no/such/folder.h5"), &test_header, &file),
                "No such file or directory");
  TpTestExpect(file == NULL);
  ExpectStopped(TpFileCreate(MPI_COMM_WORLD, Path("garbage.h5/x.h5"), &test_header, &file), "Not a directory");
  ExpectStopped(TpFileCreate(MPI_COMM_WORLD, "/proc/x.h5", &test_header, &file), "/proc/x.h5.tmp: can't create");
  ExpectStopped(TpTextPublish(MPI_COMM_WORLD, Path("no/such/folder.txt"), "text"), "No such file or directory");

  /* the final name is a folder that is not empty: the last step fails, and nothing is left behind */
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("taken.h5/inside")));
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("taken.h5"), &test_header, &file));
  PetscCall(WriteSome(file, 1));
  ExpectStopped(TpFilePublish(&file), "can't be renamed");
  TpTestExpect(file == NULL);
  TpTestExpect(!Exists(Path("taken.h5.tmp")));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestFolders(void)
{
  char  *text;
  size_t length;

  PetscFunctionBeginUser;
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("a/b//c/")));
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, Path("a/b/c")));
  PetscCall(TpFolderCreate(MPI_COMM_WORLD, "/"));
  TpTestExpect(Exists(Path("a/b/c")));
  TpTestExpect(!Exists(Path("a/b/d")));
  TpTestExpectInputError(TpFolderCreate(MPI_COMM_WORLD, Path("garbage.h5/x")), "can't make the folder");
  TpTestExpectInputError(TpFolderCreate(MPI_COMM_WORLD, ""), "is empty");
  PetscCall(TpTextPublish(MPI_COMM_WORLD, Path("t.txt"), "one\n"));
  PetscCall(TpTextPublish(MPI_COMM_WORLD, Path("t.txt"), "two\nlines\n"));
  text = Load(Path("t.txt"), &length);
  TpTestExpect(length == 10 && !memcmp(text, "two\nlines\n", 10));
  TpTestExpect(!Exists(Path("t.txt.tmp")));
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(TestPublish());
  TpTestCall(TestSameBytes());
  TpTestCall(TestRights());
  TpTestCall(TestUnwritten());
  TpTestCall(TestOpenErrors());
  TpTestCall(TestWriteErrors());
  TpTestCall(TestFolders());
  ScratchDestroy();
  return TpTestEnd();
}
