/* Is a file whole? Every checksum in it, compared. */
#include "file-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 4 * 1024 * 1024 };

#define NAME 256 /* bytes of an object's name */

/* A dataset that has a checksum. */
typedef struct {
  char     name[NAME];
  uint64_t expected;
  uint64_t found;
  int64_t  offset;
  int64_t  num_bytes;
} Sealed;

typedef struct {
  TpFile         file;
  PetscErrorCode code; /* what went wrong in a visit: HDF5 passes on no more than that something did */
  PetscInt       count, capacity;
  PetscInt       num_open;   /* datasets without a checksum: rows may still be written into them */
  char           last[NAME]; /* object visited */
  Sealed        *items;
} SealedList;

/* The number in the attribute `checksum`. Local. */
static PetscErrorCode ReadChecksum(TpFile file, const char *name, hid_t dataset, uint64_t *sum)
{
  const hid_t attribute = H5Aopen(dataset, "checksum", H5P_DEFAULT);
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  PetscBool   read =
      H5Tequal(type, H5T_STD_U64LE) > 0 && H5Sget_simple_extent_npoints(space) == 1 ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  if (read && H5Aread(attribute, H5T_NATIVE_UINT64, sum) < 0) read = PETSC_FALSE;
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (attribute >= 0) H5Aclose(attribute);
  TpCheckInput(read, "%s: is damaged: the checksum of dataset '%s' can't be read", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Append(SealedList *list, hid_t dataset, const char *name)
{
  TpFileBlock block;
  Sealed     *item, *more;

  PetscFunctionBeginUser;
  if (list->count == list->capacity) {
    list->capacity = PetscMax(32, 2 * list->capacity);
    PetscCall(PetscCalloc1(list->capacity, &more));
    PetscCall(PetscArraycpy(more, list->items, list->count));
    PetscCall(PetscFree(list->items));
    list->items = more;
  }
  item = &list->items[list->count++];
  PetscCall(PetscStrncpy(item->name, name, sizeof(item->name)));
  PetscCall(ReadChecksum(list->file, item->name, dataset, &item->expected));
  PetscCall(TpFileFindData(list->file, item->name, dataset, &block, &item->offset, &item->num_bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Objects are visited in the order of their names, those of a group right behind it. */
static PetscBool ComesAfter(const char *name, const char *last)
{
  while (*name && *name == *last) {
    ++name;
    ++last;
  }
  if (*name == '/') return *last ? PETSC_FALSE : PETSC_TRUE;
  return *name && (*last == '/' || (unsigned char)*name > (unsigned char)*last) ? PETSC_TRUE : PETSC_FALSE;
}

/* In a damaged file a list of objects may run in circles, which HDF5 would follow for ever. */
static PetscErrorCode CheckOrder(SealedList *list, const char *name)
{
  PetscFunctionBeginUser;
  if (!strcmp(name, ".")) PetscFunctionReturn(PETSC_SUCCESS); /* the root, which comes first */
  TpCheckInput(strlen(name) < NAME && ComesAfter(name, list->last),
               "%s: is damaged: its list of objects is in disorder at '%.60s'", list->file->path, name);
  PetscCall(PetscStrncpy(list->last, name, NAME));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by HDF5 for each object once, however many links it has. */
static herr_t Visit(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
  SealedList *list = context;
  htri_t      has;
  hid_t       dataset;

  list->code = CheckOrder(list, name);
  if (list->code) return -1;
  if (info->type != H5O_TYPE_DATASET) return 0;
  dataset = H5Dopen2(root, name, H5P_DEFAULT);
  if (dataset < 0) return -1;
  has = H5Aexists(dataset, "checksum");
  if (has > 0) list->code = Append(list, dataset, name);
  if (!has && strcmp(name, "structure")) ++list->num_open;
  H5Dclose(dataset);
  return has < 0 || list->code ? -1 : 0;
}

static PetscErrorCode FindSealed(TpFile file, SealedList *list)
{
  herr_t status;

  PetscFunctionBeginUser;
  list->file = file;
  status     = H5Ovisit2(file->handle, H5_INDEX_NAME, H5_ITER_INC, Visit, list, H5O_INFO_BASIC);
  if (list->code) PetscFunctionReturn(list->code);
  TpReadHDF5(file, status);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's share of one dataset's bytes, past HDF5: they are what lies on the disk. 0 or errno. */
static int SumShare(int descriptor, int rank, int size, Sealed *item, char *piece)
{
  const int64_t words = (item->num_bytes + 3) / 4;
  const int64_t end   = PetscMin(item->num_bytes, words * (rank + 1) / size * 4);

  item->found = 0;
  for (int64_t done = words * rank / size * 4; done < end;) {
    const size_t  wanted = (size_t)PetscMin(end - done, PIECE_BYTES);
    const ssize_t got    = pread(descriptor, piece, wanted, (off_t)(item->offset + done));

    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if ((size_t)got != wanted) return EIO; /* a piece of a local file is never cut short but at its end */
    item->found += TpChecksum((uint64_t)done / 4, wanted, piece);
    done += (int64_t)wanted;
  }
  return 0;
}

static PetscErrorCode SumShares(TpFile file, SealedList *list)
{
  const int descriptor = open(file->path, O_RDONLY);
  int       reason     = descriptor < 0 ? errno : 0;
  int       size;
  char     *piece;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(file->comm, &size));
  PetscCall(PetscMalloc1(PIECE_BYTES, &piece));
  for (PetscInt i = 0; i < list->count && !reason; ++i)
    reason = SumShare(descriptor, file->rank, size, &list->items[i], piece);
  PetscCall(PetscFree(piece));
  if (descriptor >= 0) close(descriptor);
  TpCheckInput(!reason, "%s: can't read: %s", file->path, strerror(reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Add the shares, compare, and say what came out; the same on all ranks. */
static PetscErrorCode Judge(TpFile file, SealedList *list, PetscBool *whole, char message[], size_t length)
{
  PetscInt  damaged = 0, first = 0;
  int64_t   bytes = 0;
  uint64_t *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(list->count + 1, &sums));
  for (PetscInt i = 0; i < list->count; ++i) sums[i] = list->items[i].found;
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, (int)list->count, MPI_UINT64_T, MPI_SUM, file->comm, NULL));
  for (PetscInt i = 0; i < list->count; ++i) {
    bytes += list->items[i].num_bytes;
    if (sums[i] != list->items[i].expected && !damaged++) first = i;
  }
  PetscCall(PetscFree(sums));
  *whole = damaged ? PETSC_FALSE : PETSC_TRUE;
  if (damaged)
    PetscCall(PetscSNPrintf(message, length,
                            "%s: is damaged: the checksum of %" PetscInt_FMT " of %" PetscInt_FMT
                            " datasets differs, first '%s'",
                            file->path, damaged, list->count, list->items[first].name));
  else
    PetscCall(PetscSNPrintf(
        message, length, "%s: is whole: structure and %" PetscInt_FMT " datasets (%lld bytes) match their checksums%s",
        file->path, list->count, (long long)bytes, list->num_open ? "; rows still being written have none" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VerifyOpen(TpFile file, SealedList *list, PetscBool *whole, char message[], size_t length)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, FindSealed(file, list)));
  PetscCall(TpAgree(file->comm, SumShares(file, list)));
  PetscCall(Judge(file, list, whole, message, length));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileVerify(MPI_Comm comm, const char *path, PetscBool *whole, char message[], size_t length)
{
  SealedList     list = {0};
  TpFile         file = NULL;
  PetscErrorCode code, close_code;

  PetscFunctionBeginUser;
  *whole = PETSC_FALSE;
  code   = TpFileOpen(comm, path, NULL, 0, &file);
  if (!code) {
    code       = VerifyOpen(file, &list, whole, message, length);
    close_code = TpFileClose(&file);
    if (!code) code = close_code;
    PetscCall(PetscFree(list.items));
  }
  if (code != TP_ERR_INPUT) PetscFunctionReturn(code);
  /* what is no whole file is an answer here, not an error */
  *whole = PETSC_FALSE;
  PetscCall(PetscStrncpy(message, TpInputErrorMessage(), length));
  TpInputErrorClear();
  PetscFunctionReturn(PETSC_SUCCESS);
}
