/* Damage is found wherever it is, in one line on all ranks, and never crashes or hangs. */
#include "scratch.h"

enum { NUM_VALUES = 300, NUM_MUTATIONS = 300, STRIDE = 127 };

static const char *const datasets[] = {"double", "deep/er/float", "int32", "int64", "texts"};

static PetscErrorCode Create(const char *path, PetscBool placed)
{
  static const char *const texts[3] = {"one", "three", "seventeen"};
  const PetscInt64         shape[2] = {NUM_VALUES / 3, 3};
  TpFileHeader             header   = test_header;
  TpFile                   file;
  double                   doubles[NUM_VALUES];
  float                    floats[NUM_VALUES];
  int32_t                  narrow[NUM_VALUES];
  int64_t                  wide[NUM_VALUES];

  PetscFunctionBeginUser;
  for (int i = 0; i < NUM_VALUES; ++i) doubles[i] = floats[i] = (float)(narrow[i] = (int32_t)(wide[i] = 17 * i + 1));
  header.placed = placed;
  PetscCall(TpFileCreate(MPI_COMM_WORLD, path, &header, &file));
  PetscCall(TpFileDefine(file, "double", TP_FILE_DOUBLE, 2, shape, "nm", "numbers"));
  PetscCall(TpFileWriteRows(file, "double", TP_FILE_DOUBLE, 0, TestRank() ? 0 : shape[0], doubles));
  PetscCall(TpFileWriteAll(file, "deep/er/float", TP_FILE_FLOAT, 2, shape, floats, "nm", "numbers"));
  PetscCall(TpFileWriteAll(file, "int32", TP_FILE_INT32, 2, shape, narrow, "", "numbers"));
  PetscCall(TpFileWriteAll(file, "int64", TP_FILE_INT64, 2, shape, wide, "", "numbers"));
  PetscCall(TpFileWriteTexts(file, "texts", 3, texts, "words"));
  PetscCall(TpFileWriteInteger(file, "/", "seed", 4711));
  PetscCall(TpFilePublish(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Extent(const char *path, const char *name, size_t *offset, size_t *bytes)
{
  TpFile file;
  hid_t  dataset;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_WORLD, path, NULL, 0, &file));
  dataset = H5Dopen2(TpFileHandle(file), name, H5P_DEFAULT);
  *offset = (size_t)H5Dget_offset(dataset);
  *bytes  = (size_t)H5Dget_storage_size(dataset);
  TpTestExpect(H5Dclose(dataset) >= 0);
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The verdict on these bytes. */
static PetscErrorCode Verify(const char *bytes, size_t length, PetscBool *whole, char message[512])
{
  PetscFunctionBeginUser;
  message[0] = '\0';
  Store(Path("mutated.h5"), bytes, length);
  PetscCall(TpFileVerify(MPI_COMM_WORLD, Path("mutated.h5"), whole, message, 512));
  TpTestExpectText(message, Path("mutated.h5"));
  TpTestExpect(!strchr(message, '\n'));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First, last and a middle byte of every dataset: the line names it, and the file still opens. */
static PetscErrorCode TestData(char *bytes, size_t length)
{
  PetscBool whole;
  char      message[512];
  TpFile    file;

  PetscFunctionBeginUser;
  PetscCall(Verify(bytes, length, &whole, message));
  TpTestExpectThat(whole, "%s", message);
  for (size_t d = 0; d < PETSC_STATIC_ARRAY_LENGTH(datasets); ++d) {
    size_t offset, count;

    PetscCall(Extent(Path("good.h5"), datasets[d], &offset, &count));
    for (int k = 0; k < 3; ++k) {
      const size_t at = offset + k * (count - 1) / 2;

      bytes[at] ^= 1 << k;
      PetscCall(Verify(bytes, length, &whole, message));
      TpTestExpectThat(!whole, "a flipped bit in '%s' was not found", datasets[d]);
      TpTestExpectText(message, "checksum of 1 of 5 datasets differs");
      TpTestExpectText(message, datasets[d]);
      PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("mutated.h5"), "tempera test", 3, &file));
      PetscCall(TpFileClose(&file));
      bytes[at] ^= 1 << k;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every STRIDE-th byte of the file, one bit flipped: no byte goes unguarded. */
static PetscErrorCode TestEverywhere(char *bytes, size_t length)
{
  PetscBool whole;
  char      message[512];

  PetscFunctionBeginUser;
  for (size_t at = 0; at < length; at += STRIDE) {
    bytes[at] ^= 16;
    PetscCall(Verify(bytes, length, &whole, message));
    TpTestExpectThat(!whole, "a flipped bit in byte %d was not found", (int)at);
    bytes[at] ^= 16;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read all that a restart would; whatever comes out, it comes back, with the same code on all ranks. */
static PetscErrorCode ReadAll(void)
{
  const PetscInt64     shape[2] = {NUM_VALUES / 3, 3};
  const TpFileType     types[4] = {TP_FILE_DOUBLE, TP_FILE_FLOAT, TP_FILE_INT32, TP_FILE_INT64};
  TpFile               file     = NULL;
  double               data[NUM_VALUES];
  PetscInt             count;
  PetscInt64           seed;
  char               **texts;
  const PetscErrorCode code = TpFileOpen(MPI_COMM_WORLD, Path("mutated.h5"), "tempera test", 3, &file);

  PetscFunctionBeginUser;
  if (code) {
    TpTestExpectEqual(code, TP_ERR_INPUT);
    TpInputErrorClear();
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int d = 0; d < 4; ++d) PetscCall(TpFileReadAll(file, datasets[d], types[d], 2, shape, data));
  PetscCall(TpFileReadTexts(file, "texts", &count, &texts));
  TpTestExpectEqual(count, 3);
  for (PetscInt i = 0; i < count; ++i) PetscCall(PetscFree(texts[i]));
  PetscCall(PetscFree(texts));
  PetscCall(TpFileReadInteger(file, "/", "seed", &seed));
  TpTestExpectEqual(seed, 4711);
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mutation m: 1 to 8 random bytes anywhere, or cut at a random length, or a block of zeros, or bytes added. */
static size_t Mutate(int m, char *bytes, size_t length)
{
  double u[20];

  TpRandomUniform(2024, TP_RANDOM_TEST, 0, (uint64_t)m, 20, u);
  if (m % 4 == 0) return (size_t)(u[0] * (double)length);
  if (m % 4 == 1) {
    const size_t start = (size_t)(u[0] * (double)length), count = (size_t)(u[1] * 600);

    memset(bytes + start, 0, start + count < length ? count : length - start);
    return length;
  }
  for (int k = 0; k < 1 + m % 8; ++k) bytes[(size_t)(u[k] * (double)length)] = (char)(256 * u[10 + k]);
  return m % 16 == 15 ? length + 8 : length;
}

static PetscErrorCode TestMutations(const char *bytes, size_t length)
{
  char     *mutated = calloc(length + 8, 1), message[512];
  PetscBool whole;

  PetscFunctionBeginUser;
  for (int m = 0; m < NUM_MUTATIONS; ++m) {
    size_t new_length;

    memcpy(mutated, bytes, length);
    memset(mutated + length, 0, 8);
    new_length           = Mutate(m, mutated, length);
    const PetscBool same = new_length == length && !memcmp(mutated, bytes, length) ? PETSC_TRUE : PETSC_FALSE;

    PetscCall(Verify(mutated, new_length, &whole, message));
    TpTestExpectThat(whole == same, "mutation %d: %s", m, message);
    PetscCall(ReadAll());
  }
  free(mutated);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A placed file guards its structure and what is written once; its open rows are free to change. */
static PetscErrorCode TestPlaced(void)
{
  char     *bytes, message[512];
  size_t    length, offset, count;
  PetscBool whole;

  PetscFunctionBeginUser;
  PetscCall(Create(Path("placed.h5"), PETSC_TRUE));
  bytes = Load(Path("placed.h5"), &length);
  PetscCall(Extent(Path("placed.h5"), "double", &offset, &count));
  bytes[offset] ^= 1;
  PetscCall(Verify(bytes, length, &whole, message));
  TpTestExpectThat(whole, "%s", message);
  TpTestExpectText(message, "rows still being written have none");
  PetscCall(Extent(Path("placed.h5"), "int64", &offset, &count));
  bytes[offset] ^= 1;
  PetscCall(Verify(bytes, length, &whole, message));
  TpTestExpect(!whole);
  TpTestExpectText(message, "'int64'");
  free(bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char  *bytes;
  size_t length;

  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(Create(Path("good.h5"), PETSC_FALSE));
  bytes = Load(Path("good.h5"), &length);
  TpTestCall(TestData(bytes, length));
  TpTestCall(TestEverywhere(bytes, length));
  TpTestCall(TestMutations(bytes, length));
  TpTestCall(TestPlaced());
  free(bytes);
  ScratchDestroy();
  return TpTestEnd();
}
