/* Placed files: an update changes the bytes of the rows written and no other, so that a kill at any moment leaves a readable file. */
#include "scratch.h"

enum { NUM_ROWS = 60, WIDTH = 7, NUM_DATASETS = 6, NUM_UPDATES = 20 };

typedef struct {
  haddr_t offset;
  hsize_t bytes;
} Extent;

static void Name(int i, char name[64])
{
  snprintf(name, 64, "group%d/rows%d", i % 2, i);
}

static PetscErrorCode Create(void)
{
  const PetscInt64 shape[2] = {NUM_ROWS, WIDTH}, one = 1;
  TpFileHeader     header = test_header;
  const double     kelvin = 300;
  TpFile           file;
  char             name[64];

  PetscFunctionBeginUser;
  header.placed = PETSC_TRUE;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("run.h5"), &header, &file));
  PetscCall(TpFileWriteAll(file, "temperature", TP_FILE_DOUBLE, 1, &one, &kelvin, "K", "known from the start"));
  for (int i = 0; i < NUM_DATASETS; ++i) {
    Name(i, name);
    PetscCall(TpFileDefine(file, name, TP_FILE_DOUBLE, 2, shape, "nm", "rows to come"));
  }
  PetscCall(TpFileDefine(file, "count", TP_FILE_INT64, 1, &one, "", "rows written"));
  PetscCall(TpFilePublish(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the rows of every dataset lie, by the plain HDF5 interface. */
static PetscErrorCode FindExtents(Extent extents[NUM_DATASETS + 1])
{
  TpFile file;
  char   name[64];

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("run.h5"), "tempera test", 3, &file));
  for (int i = 0; i <= NUM_DATASETS; ++i) {
    hid_t dataset;

    Name(i, name);
    dataset    = H5Dopen2(TpFileHandle(file), i < NUM_DATASETS ? name : "count", H5P_DEFAULT);
    extents[i] = (Extent){H5Dget_offset(dataset), H5Dget_storage_size(dataset)};
    TpTestExpect(H5Dclose(dataset) >= 0);
  }
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row `row` of dataset i as update `update` writes it. */
static void FillRow(int i, PetscInt64 row, int update, double data[WIDTH])
{
  for (int k = 0; k < WIDTH; ++k) data[k] = 1e6 * update + 1000 * i + 10 * (double)row + k + 0.25;
}

/* Update u writes two rows on each rank, with gaps between the ranks' rows; rank u mod size writes none. */
static PetscInt64 FirstRow(int update, int rank, int size)
{
  return (update * 2 + rank * (NUM_ROWS / size)) % (NUM_ROWS - 1);
}

static PetscErrorCode WriteUpdate(TpFile file, int update)
{
  const int        rank = TestRank(), size = TestSize();
  const PetscInt64 first = FirstRow(update, rank, size), count = size > 1 && update % size == rank ? 0 : 2;
  double           data[2][WIDTH];
  const int64_t    counter = update + 1;
  char             name[64];

  PetscFunctionBeginUser;
  for (int i = 0; i < NUM_DATASETS; ++i) {
    Name(i, name);
    FillRow(i, first, update, data[0]);
    FillRow(i, first + 1, update, data[1]);
    PetscCall(TpFileWriteRows(file, name, TP_FILE_DOUBLE, first, count, data));
  }
  PetscCall(TpFileWriteRows(file, "count", TP_FILE_INT64, 0, rank ? 0 : 1, &counter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the rows must be after updates 0, ..., u. */
static void Expected(int i, int updates, double data[NUM_ROWS][WIDTH])
{
  const int size = TestSize();

  memset(data, 0, sizeof(double) * NUM_ROWS * WIDTH);
  for (int u = 0; u < updates; ++u)
    for (int r = 0; r < size; ++r) {
      const PetscInt64 first = FirstRow(u, r, size);

      if (size > 1 && u % size == r) continue;
      FillRow(i, first, u, data[first]);
      FillRow(i, first + 1, u, data[first + 1]);
    }
}

/* Compare the bytes of two states of the file; those outside of the extents must be equal, and all rows as expected. */
static void CheckBytes(const char *before, const char *after, size_t length, const Extent extents[], int updates)
{
  static double expected[NUM_ROWS][WIDTH];
  char         *outside = malloc(length);
  size_t        changed = 0;

  memset(outside, 1, length);
  for (int i = 0; i <= NUM_DATASETS; ++i) memset(outside + extents[i].offset, 0, extents[i].bytes);
  for (size_t b = 0; b < length; ++b)
    if (outside[b] && before[b] != after[b]) ++changed;
  TpTestExpectThat(changed == 0, "update %d changed %d bytes outside of the rows", updates, (int)changed);
  for (int i = 0; i < NUM_DATASETS; ++i) {
    Expected(i, updates, expected);
    TpTestExpectThat(!memcmp(after + extents[i].offset, expected, sizeof(expected)),
                     "rows of dataset %d after update %d", i, updates);
  }
  free(outside);
}

static PetscErrorCode TestUpdates(void)
{
  Extent    extents[NUM_DATASETS + 1];
  TpFile    file;
  char     *before, *after, message[512];
  size_t    length, length_after;
  PetscBool whole;

  PetscFunctionBeginUser;
  PetscCall(FindExtents(extents));
  before = Load(Path("run.h5"), &length);
  for (int u = 0; u < NUM_UPDATES; ++u) {
    PetscCall(TpFileOpenForUpdate(MPI_COMM_WORLD, Path("run.h5"), "tempera test", 3, &file));
    PetscCall(WriteUpdate(file, u));
    MPI_Barrier(MPI_COMM_WORLD);
    /* here a kill would leave this, without flush or close */
    after = Load(Path("run.h5"), &length_after);
    TpTestExpect(length == length_after);
    if (length == length_after) CheckBytes(before, after, length, extents, u + 1);
    Store(Path("killed.h5"), after, length_after);
    free(after);
    PetscCall(TpFileVerify(MPI_COMM_WORLD, Path("killed.h5"), &whole, message, sizeof(message)));
    TpTestExpectThat(whole, "%s", message);
    PetscCall(TpFileClose(&file));
    after = Load(Path("run.h5"), &length_after);
    TpTestExpect(length == length_after);
    if (length == length_after) CheckBytes(before, after, length, extents, u + 1);
    free(after);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  free(before);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRead(void)
{
  static double    expected[NUM_ROWS][WIDTH], data[NUM_ROWS][WIDTH];
  const PetscInt64 shape[2] = {NUM_ROWS, WIDTH}, one = 1;
  TpFile           file;
  int64_t          count;
  double           kelvin;
  char             name[64];

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("run.h5"), "tempera test", 3, &file));
  for (int i = 0; i < NUM_DATASETS; ++i) {
    Name(i, name);
    Expected(i, NUM_UPDATES, expected);
    PetscCall(TpFileReadAll(file, name, TP_FILE_DOUBLE, 2, shape, data));
    TpTestExpect(!memcmp(data, expected, sizeof(data)));
  }
  PetscCall(TpFileReadAll(file, "count", TP_FILE_INT64, 1, &one, &count));
  PetscCall(TpFileReadAll(file, "temperature", TP_FILE_DOUBLE, 1, &one, &kelvin));
  TpTestExpectEqual(count, NUM_UPDATES);
  TpTestExpectClose(kelvin, 300, 0);
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What would break the promise is refused: our own mistakes without a line for the user, a dataset of another type, as damage makes one, with it. */
static PetscErrorCode TestRefused(void)
{
  const PetscInt64 one  = 1;
  const double     zero = 0;
  const int        rank = TestRank();
  TpFile           file;

  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  PetscCall(TpFileOpenForUpdate(MPI_COMM_WORLD, Path("run.h5"), "tempera test", 3, &file));
  TpTestExpectEqual(TpFileWriteRows(file, "temperature", TP_FILE_DOUBLE, 0, rank ? 0 : 1, &zero), PETSC_ERR_ORDER);
  TpTestExpectInputError(TpFileWriteRows(file, "group0/rows0", TP_FILE_FLOAT, 0, 1, &zero),
                         "is damaged: dataset 'group0/rows0' has another type than its data");
  TpTestExpectEqual(TpFileWriteRows(file, "group0/rows0", TP_FILE_DOUBLE, NUM_ROWS, rank ? 0 : 1, &zero),
                    PETSC_ERR_ARG_OUTOFRANGE);
  TpTestExpectEqual(TpFileWriteRows(file, "group0/rows0", TP_FILE_DOUBLE, -1, rank ? 0 : 1, &zero),
                    PETSC_ERR_ARG_OUTOFRANGE);
  TpTestExpectEqual(TpFileWriteText(file, "/", "late", "text"), PETSC_ERR_ORDER);
  TpTestExpectEqual(TpFileDefine(file, "late", TP_FILE_DOUBLE, 1, &one, "", ""), PETSC_ERR_ORDER);
  PetscCall(TpFileClose(&file));
  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("run.h5"), "tempera test", 3, &file));
  TpTestExpectEqual(TpFileWriteRows(file, "count", TP_FILE_INT64, 0, 0, &zero), PETSC_ERR_ORDER);
  PetscCall(TpFileClose(&file));
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(Create());
  TpTestCall(TestUpdates());
  TpTestCall(TestRead());
  TpTestCall(TestRefused());
  ScratchDestroy();
  return TpTestEnd();
}
