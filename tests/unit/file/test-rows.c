/* Datasets: what was written is read, whoever wrote and whoever reads. */
#include "scratch.h"

static const TpFileType types[] = {TP_FILE_INT32, TP_FILE_INT64, TP_FILE_FLOAT, TP_FILE_DOUBLE};
static const char      *names[] = {"int32", "int64", "float", "double"};

/* Element e of any dataset, in its type; 1/3 and 2^40 do not survive a detour over a narrower one. */
static void Element(TpFileType type, PetscInt64 e, void *data, PetscInt64 at)
{
  switch (type) {
  case TP_FILE_INT32:
    ((int32_t *)data)[at] = (int32_t)(e * 7919 - 100000);
    break;
  case TP_FILE_INT64:
    ((int64_t *)data)[at] = (e - 5) * ((int64_t)1 << 40);
    break;
  case TP_FILE_FLOAT:
    ((float *)data)[at] = (float)e / 3.0f;
    break;
  case TP_FILE_DOUBLE:
    ((double *)data)[at] = (double)e / 3.0;
    break;
  }
}

static size_t Bytes(TpFileType type)
{
  return type == TP_FILE_INT32 || type == TP_FILE_FLOAT ? 4 : 8;
}

/* Rows of rank r: first one and number. Rank 1 of more than two has none; the others' shares differ. */
static void Share(PetscInt64 rows, int rank, int size, PetscInt64 *first, PetscInt64 *count)
{
  PetscInt64 start[5] = {0, rows, rows, rows, rows};

  if (size == 2) start[1] = rows / 3;
  if (size == 3) start[1] = start[2] = rows / 3;
  if (size == 4) start[1] = start[2] = rows / 4, start[3] = rows - 1;
  *first = start[rank];
  *count = start[rank + 1] - start[rank];
}

static void Shape(PetscInt rank, PetscInt64 shape[4])
{
  const PetscInt64 sizes[4] = {13, 3, 5, 2};

  for (PetscInt d = 0; d < rank; ++d) shape[d] = sizes[d];
}

static PetscInt64 RowElements(PetscInt rank, const PetscInt64 shape[])
{
  PetscInt64 n = 1;

  for (PetscInt d = 1; d < rank; ++d) n *= shape[d];
  return n;
}

static PetscErrorCode WriteOne(TpFile file, int t, PetscInt rank)
{
  PetscInt64 shape[4], first, count, row;
  char       name[64], data[13 * 30 * 8];

  PetscFunctionBeginUser;
  Shape(rank, shape);
  row = RowElements(rank, shape);
  Share(shape[0], TestRank(), TestSize(), &first, &count);
  for (PetscInt64 e = 0; e < count * row; ++e) Element(types[t], first * row + e, data, e);
  snprintf(name, sizeof(name), "shared/%s/rank%d", names[t], (int)rank);
  PetscCall(TpFileDefine(file, name, types[t], rank, shape, "nm", "a test"));
  PetscCall(TpFileWriteRows(file, name, types[t], first, count, count ? data : NULL));
  for (PetscInt64 e = 0; e < shape[0] * row; ++e) Element(types[t], e, data, e);
  snprintf(name, sizeof(name), "all/%s/rank%d", names[t], (int)rank);
  PetscCall(TpFileWriteAll(file, name, types[t], rank, shape, data, "", "a test"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOne(TpFile file, int t, PetscInt rank, const char *group)
{
  const size_t bytes = Bytes(types[t]);
  PetscInt64   shape[4], stored[4], first, count, row;
  char         name[64], expected[13 * 30 * 8], data[13 * 30 * 8] = {0};

  PetscFunctionBeginUser;
  Shape(rank, shape);
  row = RowElements(rank, shape);
  for (PetscInt64 e = 0; e < shape[0] * row; ++e) Element(types[t], e, expected, e);
  snprintf(name, sizeof(name), "%s/%s/rank%d", group, names[t], (int)rank);
  PetscCall(TpFileShape(file, name, rank, stored));
  for (PetscInt d = 0; d < rank; ++d) TpTestExpectEqual(stored[d], shape[d]);
  PetscCall(TpFileReadAll(file, name, types[t], rank, shape, data));
  TpTestExpectThat(!memcmp(data, expected, (size_t)(shape[0] * row) * bytes), "%s read whole", name);
  /* the shares in the opposite order of ranks */
  Share(shape[0], TestSize() - 1 - TestRank(), TestSize(), &first, &count);
  memset(data, 0, sizeof(data));
  PetscCall(TpFileReadRows(file, name, types[t], first, count, count ? data : NULL));
  TpTestExpectThat(!memcmp(data, expected + (size_t)(first * row) * bytes, (size_t)(count * row) * bytes),
                   "%s read in rows", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [5, 6, size]: each rank writes one column of half the rows. The rest reads as zero. */
static PetscErrorCode WriteColumns(TpFile file)
{
  const int        rank     = TestRank();
  const PetscInt64 shape[3] = {5, 6, TestSize()}, start[3] = {1, 2, rank}, none[3] = {0, 0, 0};
  const PetscInt64 count[3] = {3, 4, rank == 1 ? 0 : 1};
  double           data[12];

  PetscFunctionBeginUser;
  for (int i = 0; i < 12; ++i) data[i] = 100 * (rank + 1) + i;
  PetscCall(TpFileDefine(file, "columns", TP_FILE_DOUBLE, 3, shape, "", "a column of each rank"));
  PetscCall(TpFileWriteBlock(file, "columns", TP_FILE_DOUBLE, 3, start, count, data));
  PetscCall(TpFileWriteBlock(file, "columns", TP_FILE_DOUBLE, 3, none, none, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadColumns(TpFile file)
{
  const PetscInt64 shape[3] = {5, 6, TestSize()};
  double           data[5][6][4], *flat = &data[0][0][0];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadAll(file, "columns", TP_FILE_DOUBLE, 3, shape, flat));
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 6; ++j)
      for (int k = 0; k < TestSize(); ++k) {
        const PetscBool inside = i >= 1 && i < 4 && j >= 2 && k != 1 ? PETSC_TRUE : PETSC_FALSE;

        TpTestExpectClose(flat[(i * 6 + j) * TestSize() + k], inside ? 100 * (k + 1) + (i - 1) * 4 + j - 2 : 0, 0);
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reading into the wider type is exact; what would clip or cut is refused; so is what is not there. */
static PetscErrorCode ReadWrong(TpFile file)
{
  const PetscInt64 shape[4] = {13, 3, 5, 2}, larger[1] = {14};
  const PetscInt64 last = TestRank() == TestSize() - 1;
  int64_t          wide[13];
  double           reals[14];
  int32_t          narrow[14];
  PetscBool        has;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadAll(file, "all/int32/rank1", TP_FILE_INT64, 1, shape, wide));
  PetscCall(TpFileReadAll(file, "all/float/rank1", TP_FILE_DOUBLE, 1, shape, reals));
  for (int i = 0; i < 13; ++i) TpTestExpectEqual(wide[i], i * 7919 - 100000);
  for (int i = 0; i < 13; ++i) TpTestExpectClose(reals[i], (float)i / 3.0f, 0);

  TpTestExpectInputError(TpFileReadAll(file, "all/int64/rank1", TP_FILE_INT32, 1, shape, narrow), "64 bits");
  TpTestExpectInputError(TpFileReadAll(file, "all/int64/rank1", TP_FILE_DOUBLE, 1, shape, reals),
                         "does not hold reals");
  TpTestExpectInputError(TpFileReadAll(file, "all/double/rank1", TP_FILE_INT64, 1, shape, wide),
                         "does not hold integers");
  TpTestExpectInputError(TpFileReadAll(file, "all/double/rank1", TP_FILE_DOUBLE, 1, larger, reals),
                         "dimension 0 is 13, expected 14");
  TpTestExpectInputError(TpFileReadAll(file, "all/double/rank1", TP_FILE_DOUBLE, 2, shape, reals),
                         "has 1 dimensions, expected 2");
  TpTestExpectInputError(TpFileReadAll(file, "nowhere", TP_FILE_DOUBLE, 1, shape, reals), "no dataset 'nowhere'");
  TpTestExpectInputError(TpFileReadAll(file, "all/double", TP_FILE_DOUBLE, 1, shape, reals), "no dataset 'all/double'");
  /* one rank's mistake is everyone's error, and nobody waits */
  TpTestExpectInputError(TpFileReadRows(file, "all/double/rank1", TP_FILE_DOUBLE, 12, last ? 2 : 1, reals),
                         "2 from row 12");
  TpTestExpectInputError(TpFileReadRows(file, "all/double/rank1", TP_FILE_DOUBLE, last ? -1 : 0, 1, reals),
                         "has 13 rows");
  TpTestExpectInputError(TpFileReadRows(file, "all/double/rank1", TP_FILE_DOUBLE, 0, last ? INT64_MAX : 1, reals),
                         "has 13 rows");

  PetscCall(TpFileHas(file, "all/double", &has));
  TpTestExpect(has);
  PetscCall(TpFileHas(file, "/all/double/rank2", &has));
  TpTestExpect(has);
  PetscCall(TpFileHas(file, "all/double/rank2/deeper/still", &has));
  TpTestExpect(!has);
  PetscCall(TpFileHas(file, "none/at/all", &has));
  TpTestExpect(!has);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRoundTrip(void)
{
  const PetscInt64 empty[2] = {0, 7};
  TpFile           file;
  char             message[512];
  PetscBool        whole;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("rows.h5"), &test_header, &file));
  for (int t = 0; t < 4; ++t)
    for (PetscInt rank = 1; rank <= 4; ++rank) PetscCall(WriteOne(file, t, rank));
  PetscCall(WriteColumns(file));
  PetscCall(TpFileWriteAll(file, "empty", TP_FILE_FLOAT, 2, empty, NULL, "nm", "no rows"));
  PetscCall(TpFilePublish(&file));

  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("rows.h5"), "tempera test", 3, &file));
  for (int t = 0; t < 4; ++t)
    for (PetscInt rank = 1; rank <= 4; ++rank) {
      PetscCall(ReadOne(file, t, rank, "shared"));
      PetscCall(ReadOne(file, t, rank, "all"));
    }
  PetscCall(ReadColumns(file));
  PetscCall(TpFileReadAll(file, "empty", TP_FILE_FLOAT, 2, empty, NULL));
  PetscCall(ReadWrong(file));
  PetscCall(TpFileClose(&file));
  PetscCall(TpFileVerify(MPI_COMM_WORLD, Path("rows.h5"), &whole, message, sizeof(message)));
  TpTestExpectThat(whole, "%s", message);
  TpTestExpectText(message, "34 datasets");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(TestRoundTrip());
  ScratchDestroy();
  return TpTestEnd();
}
