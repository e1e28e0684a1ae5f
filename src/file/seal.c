/* The seal: size and checksum of a file's structure, kept in front of it, so that HDF5 never parses damaged bytes. */
#include "file-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEAL_TITLE "Tempera file: HDF5 begins at byte 4096, and any HDF5 tool reads it.\n"

enum { PIECE_BYTES = 1 << 20, MAX_SEARCHED = 8 };

/* A range of bytes of the file; a row of the table. */
typedef struct {
  int64_t offset;
  int64_t length;
} Range;

typedef struct {
  int64_t  size;         /* of the file */
  int64_t  table_offset; /* where the table of the structure's ranges is: data of the dataset `structure` */
  int64_t  table_rows;
  uint64_t table_sum;
  int64_t  bytes; /* of structure */
  uint64_t sum;   /* of structure */
} Seal;

static void SealPrint(const Seal *seal, char block[TP_FILE_SEAL_BYTES])
{
  memset(block, 0, TP_FILE_SEAL_BYTES);
  snprintf(block, TP_FILE_SEAL_BYTES, SEAL_TITLE "size %lld\ntable %lld %lld %016llx\nstructure %lld %016llx\n",
           (long long)seal->size, (long long)seal->table_offset, (long long)seal->table_rows,
           (unsigned long long)seal->table_sum, (long long)seal->bytes, (unsigned long long)seal->sum);
}

/* What is printed again must be what was read: so no byte of the block goes unchecked. */
static PetscBool SealParse(const char block[TP_FILE_SEAL_BYTES], Seal *seal)
{
  long long          size, offset, rows, bytes;
  unsigned long long table_sum, sum;
  char               again[TP_FILE_SEAL_BYTES], text[512];

  memcpy(text, block, sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  if (strncmp(text, SEAL_TITLE, sizeof(SEAL_TITLE) - 1)) return PETSC_FALSE;
  if (sscanf(text + sizeof(SEAL_TITLE) - 1, "size %18lld table %18lld %18lld %16llx structure %18lld %16llx", &size,
             &offset, &rows, &table_sum, &bytes, &sum) != 6)
    return PETSC_FALSE;
  *seal = (Seal){size, offset, rows, table_sum, bytes, sum};
  SealPrint(seal, again);
  return memcmp(again, block, sizeof(again)) ? PETSC_FALSE : PETSC_TRUE;
}

/* Read or write all of it; 0, errno, or EIO at the end of the file. */
static int ReadAt(int descriptor, void *data, size_t length, int64_t offset)
{
  for (char *c = data; length;) {
    const ssize_t done = pread(descriptor, c, length, (off_t)offset);

    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done ? errno : EIO;
    c += done, length -= (size_t)done, offset += done;
  }
  return 0;
}

static int WriteAt(int descriptor, const void *data, size_t length, int64_t offset)
{
  for (const char *c = data; length;) {
    const ssize_t done = pwrite(descriptor, c, length, (off_t)offset);

    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done ? errno : EIO;
    c += done, length -= (size_t)done, offset += done;
  }
  return 0;
}

/* Checksum over the ranges one after the other, each one padded to whole words. 0 or errno. */
static int SumRanges(int descriptor, int64_t num_ranges, const Range ranges[], int64_t *bytes, uint64_t *sum)
{
  uint64_t word   = 0;
  int      reason = 0;
  char    *piece;

  *bytes = 0;
  *sum   = 0;
  if (PetscMalloc1(PIECE_BYTES, &piece)) return ENOMEM;
  for (int64_t i = 0; i < num_ranges && !reason; ++i) {
    for (int64_t done = 0; done < ranges[i].length && !reason;) {
      const int64_t left   = ranges[i].length - done;
      const size_t  length = (size_t)(left < PIECE_BYTES ? left : PIECE_BYTES);

      reason = ReadAt(descriptor, piece, length, ranges[i].offset + done);
      if (!reason) *sum += TpChecksum(word, length, piece);
      word += (length + 3) / 4;
      done += (int64_t)length;
    }
    *bytes += ranges[i].length;
  }
  if (PetscFree(piece)) return ENOMEM;
  return reason;
}

/* ------------------------------------------------------------------------------------------------------------- write */

PetscInt TpSealTableRows(TpFile file)
{
  return file->num_entries + 2; /* n datasets and the table leave at most n + 2 ranges between them */
}

static int CompareRanges(const void *a, const void *b)
{
  const Range *x = a, *y = b;

  return (x->offset > y->offset) - (x->offset < y->offset);
}

/* What lies between the datasets' data, from the end of the user block to the end of the file; unused rows stay zero. */
static PetscErrorCode FindStructure(int64_t size, PetscInt num_entries, const TpFileEntry entries[], Range structure[])
{
  Range   *data;
  PetscInt n = 0, num_data = 0;
  int64_t  position = TP_FILE_SEAL_BYTES;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(num_entries, &data));
  for (PetscInt i = 0; i < num_entries; ++i)
    if (entries[i].num_bytes) data[num_data++] = (Range){(int64_t)entries[i].offset, (int64_t)entries[i].num_bytes};
  qsort(data, (size_t)num_data, sizeof(*data), CompareRanges);
  for (PetscInt i = 0; i < num_data; ++i) {
    PetscCheck(data[i].offset >= position && data[i].offset + data[i].length <= size, PETSC_COMM_SELF, PETSC_ERR_PLIB,
               "data at bytes %lld to %lld of a file of %lld bytes", (long long)data[i].offset,
               (long long)(data[i].offset + data[i].length), (long long)size);
    if (data[i].offset > position) structure[n++] = (Range){position, data[i].offset - position};
    position = data[i].offset + data[i].length;
  }
  if (position < size) structure[n++] = (Range){position, size - position};
  PetscCall(PetscFree(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SealDescriptor(const char *path, int descriptor, PetscInt num_entries,
                                     const TpFileEntry entries[])
{
  const TpFileEntry *table = &entries[num_entries - 1];
  const PetscInt     rows  = (PetscInt)(table->num_bytes / sizeof(Range));
  Range             *structure;
  char               block[TP_FILE_SEAL_BYTES];
  struct stat        status;
  Seal               seal;
  int                reason;

  PetscFunctionBeginUser;
  if (fstat(descriptor, &status)) PetscFunctionReturn(TpStopError("%s: can't be finished: %s", path, strerror(errno)));
  PetscCall(PetscCalloc1(rows, &structure));
  PetscCall(FindStructure((int64_t)status.st_size, num_entries, entries, structure));
  seal   = (Seal){.size         = (int64_t)status.st_size,
                  .table_offset = (int64_t)table->offset,
                  .table_rows   = rows,
                  .table_sum    = TpChecksum(0, (size_t)table->num_bytes, structure)};
  reason = WriteAt(descriptor, structure, (size_t)table->num_bytes, seal.table_offset);
  if (!reason) reason = SumRanges(descriptor, rows, structure, &seal.bytes, &seal.sum);
  SealPrint(&seal, block);
  if (!reason) reason = WriteAt(descriptor, block, sizeof(block), 0);
  if (!reason && fsync(descriptor)) reason = errno;
  PetscCall(PetscFree(structure));
  if (reason) PetscFunctionReturn(TpStopError("%s: can't be finished: %s", path, strerror(reason)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSealWrite(const char *path, PetscInt num_entries, const TpFileEntry entries[])
{
  const int      descriptor = open(path, O_RDWR);
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (descriptor < 0) PetscFunctionReturn(TpStopError("%s: can't be finished: %s", path, strerror(errno)));
  code = SealDescriptor(path, descriptor, num_entries, entries);
  if (close(descriptor) && !code) code = TpStopError("%s: can't be finished: %s", path, strerror(errno));
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------------------------------------------------- check */

/* Why a file has no seal: HDF5's signature may stand at 0, 512, 1024, ... */
static PetscErrorCode ExplainNoSeal(const char *path, int descriptor, const char block[TP_FILE_SEAL_BYTES])
{
  static const char signature[] = "\211HDF\r\n\032\n";
  int64_t           offset      = 0;
  char              start[8];

  PetscFunctionBeginUser;
  TpCheckInput(strncmp(block, SEAL_TITLE, sizeof(SEAL_TITLE) - 1),
               "%s: is damaged: its first %d bytes are not as they were written", path, TP_FILE_SEAL_BYTES);
  for (int i = 0; i < MAX_SEARCHED; ++i) {
    if (!ReadAt(descriptor, start, sizeof(start), offset) && !memcmp(start, signature, sizeof(start))) {
      TpCheckInput(offset != TP_FILE_SEAL_BYTES,
                   "%s: is not complete: whoever wrote it did not finish, or its first bytes are damaged", path);
      PetscFunctionReturn(TpInputError("%s: is an HDF5 file, but not one of Tempera's", path));
    }
    offset = offset ? 2 * offset : 512;
  }
  PetscFunctionReturn(TpInputError("%s: is not an HDF5 file", path));
}

/* One behind the other and within the file, as we write them; rows not used are zero. */
static PetscBool AreInOrder(const Seal *seal, const Range ranges[])
{
  int64_t position = TP_FILE_SEAL_BYTES;

  for (int64_t i = 0; i < seal->table_rows; ++i) {
    const Range *range = &ranges[i];

    if (!range->offset && !range->length) continue;
    if (range->offset < position || range->offset > seal->size || range->length <= 0 ||
        range->length > seal->size - range->offset)
      return PETSC_FALSE;
    position = range->offset + range->length;
  }
  return PETSC_TRUE;
}

static PetscErrorCode CheckStructure(const char *path, int descriptor, const Seal *seal)
{
  Range   *structure;
  int64_t  bytes = 0;
  uint64_t sum   = 0;
  int      reason;
  size_t   length;

  PetscFunctionBeginUser;
  TpCheckInput(seal->table_rows > 0 && seal->table_offset > 0 && seal->table_offset < seal->size &&
                   seal->table_rows <= (seal->size - seal->table_offset) / (int64_t)sizeof(Range),
               "%s: is damaged: its first bytes are not as they were written", path);
  length = (size_t)seal->table_rows * sizeof(Range);
  PetscCall(PetscMalloc1(seal->table_rows, &structure));
  reason = ReadAt(descriptor, structure, length, seal->table_offset);
  if (!reason && TpChecksum(0, length, structure) == seal->table_sum && AreInOrder(seal, structure))
    reason = SumRanges(descriptor, seal->table_rows, structure, &bytes, &sum);
  PetscCall(PetscFree(structure));
  TpCheckInput(!reason, "%s: can't read: %s", path, strerror(reason));
  TpCheckInput(bytes == seal->bytes && sum == seal->sum, "%s: is damaged: the checksum of its structure differs", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckDescriptor(const char *path, int descriptor)
{
  char        block[TP_FILE_SEAL_BYTES] = {0};
  struct stat status;
  Seal        seal;
  int         reason;

  PetscFunctionBeginUser;
  TpCheckInput(!fstat(descriptor, &status), "%s: can't read: %s", path, strerror(errno));
  TpCheckInput(S_ISREG(status.st_mode), "%s: is not a file", path);
  TpCheckInput(status.st_size > 0, "%s: is empty", path);
  reason = ReadAt(descriptor, block, status.st_size < TP_FILE_SEAL_BYTES ? (size_t)status.st_size : sizeof(block), 0);
  TpCheckInput(!reason, "%s: can't read: %s", path, strerror(reason));
  if (!SealParse(block, &seal)) PetscFunctionReturn(ExplainNoSeal(path, descriptor, block));
  TpCheckInput(status.st_size >= seal.size, "%s: is truncated: %lld bytes of %lld are left", path,
               (long long)status.st_size, (long long)seal.size);
  TpCheckInput(status.st_size == seal.size, "%s: is damaged: it has %lld bytes and was written with %lld", path,
               (long long)status.st_size, (long long)seal.size);
  PetscCall(CheckStructure(path, descriptor, &seal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSealCheck(const char *path)
{
  /* a named pipe must not keep us waiting for its writer */
  const int      descriptor = open(path, O_RDONLY | O_NONBLOCK);
  PetscErrorCode code;

  PetscFunctionBeginUser;
  TpCheckInput(descriptor >= 0, "%s: can't open: %s", path, strerror(errno));
  code = CheckDescriptor(path, descriptor);
  close(descriptor);
  PetscFunctionReturn(code);
}
