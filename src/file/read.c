/* Reading datasets: sizes are checked against the file before anything is read. */
#include "file-impl.h"

enum { BROADCAST_BYTES = 1 << 30 };

/* A link to an object of this file: a soft or external one could lead anywhere, and we make none. */
static PetscBool HasLink(TpFile file, const char *name)
{
  H5L_info_t info;

  if (H5Lexists(file->handle, name, H5P_DEFAULT) <= 0) return PETSC_FALSE;
  return H5Lget_info(file->handle, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD ? PETSC_TRUE
                                                                                                : PETSC_FALSE;
}

PetscErrorCode TpFileHas(TpFile file, const char *name, PetscBool *has)
{
  char     *part;
  PetscBool found = PETSC_TRUE;

  PetscFunctionBeginUser;
  while (name[0] == '/') ++name;
  PetscCall(PetscStrallocpy(name, &part));
  /* HDF5 asks for one step of a path at a time */
  for (char *c = part; *c && found; ++c) {
    if (*c != '/') continue;
    *c    = '\0';
    found = HasLink(file, part);
    *c    = '/';
  }
  if (found && part[0]) found = HasLink(file, part);
  PetscCall(PetscFree(part));
  *has = found; /* asking below a dataset is an error to HDF5: there is nothing */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shape into the block, nothing selected. Local. */
static PetscErrorCode GetShape(TpFile file, const char *name, hid_t dataset, TpFileBlock *block)
{
  const hid_t space = H5Dget_space(dataset);
  int         rank;

  PetscFunctionBeginUser;
  *block = (TpFileBlock){0};
  TpCheckInput(space >= 0, "%s: dataset '%s' can't be read", file->path, name);
  rank = H5Sget_simple_extent_ndims(space);
  if (rank >= 1 && rank <= TP_FILE_MAX_RANK) H5Sget_simple_extent_dims(space, block->shape, NULL);
  TpCallHDF5(H5Sclose(space));
  TpCheckInput(rank >= 1 && rank <= TP_FILE_MAX_RANK, "%s: dataset '%s' has %d dimensions, allowed are 1 to %d",
               file->path, name, rank, TP_FILE_MAX_RANK);
  block->rank = rank;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data are one stretch of this file: no chunks, no other file. */
static PetscBool IsContiguous(hid_t dataset)
{
  const hid_t     list = H5Dget_create_plist(dataset);
  const PetscBool plain =
      list >= 0 && H5Pget_layout(list) == H5D_CONTIGUOUS && H5Pget_external_count(list) == 0 ? PETSC_TRUE : PETSC_FALSE;

  if (list >= 0) H5Pclose(list);
  return plain;
}

/* Bytes of the block's whole shape; PETSC_FALSE if they are more than `limit`. */
static PetscBool CountBytes(const TpFileBlock *block, size_t element_bytes, uint64_t limit, uint64_t *bytes)
{
  *bytes = element_bytes;
  for (PetscInt d = 0; d < block->rank; ++d)
    if (!block->shape[d]) *bytes = 0;
  for (PetscInt d = 0; d < block->rank && *bytes; ++d) {
    if (block->shape[d] > limit / *bytes) return PETSC_FALSE;
    *bytes *= block->shape[d];
  }
  return *bytes <= limit ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode TpFileFindData(TpFile file, const char *name, hid_t dataset, TpFileBlock *block, int64_t *offset,
                              int64_t *num_bytes)
{
  const haddr_t start  = H5Dget_offset(dataset);
  const hid_t   type   = H5Dget_type(dataset);
  const size_t  width  = H5Tget_size(type);
  const hsize_t stored = H5Dget_storage_size(dataset);
  uint64_t      bytes  = 0;

  PetscFunctionBeginUser;
  H5Tclose(type);
  PetscCall(GetShape(file, name, dataset, block));
  TpCheckInput(
      width && IsContiguous(dataset) && CountBytes(block, width, (uint64_t)file->size, &bytes) && stored == bytes &&
          (!bytes || (start != HADDR_UNDEF && start <= (uint64_t)file->size && bytes <= (uint64_t)file->size - start)),
      "%s: is damaged: the file does not hold the data of dataset '%s'", file->path, name);
  *offset    = bytes ? (int64_t)start : 0;
  *num_bytes = (int64_t)bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file that is being made has no size yet. Local. */
static PetscErrorCode LookAt(TpFile file, const char *name, hid_t dataset, TpFileBlock *block)
{
  int64_t offset, num_bytes;

  PetscFunctionBeginUser;
  if (file->mode == TP_FILE_CREATE)
    PetscCall(GetShape(file, name, dataset, block));
  else
    PetscCall(TpFileFindData(file, name, dataset, block, &offset, &num_bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileOpenDataset(TpFile file, const char *name, hid_t *dataset, TpFileBlock *block)
{
  PetscBool      has;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(file, name, &has));
  *dataset = has ? H5Dopen2(file->handle, name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (*dataset < 0)
    code = TpInputError("%s: has no dataset '%s'", file->path, name);
  else
    code = LookAt(file, name, *dataset, block);
  code = TpAgree(file->comm, code);
  if (code && *dataset >= 0) H5Dclose(*dataset);
  PetscFunctionReturn(code);
}

PetscErrorCode TpFileShape(TpFile file, const char *name, PetscInt rank, PetscInt64 shape[])
{
  TpFileBlock block;
  hid_t       dataset;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  TpCallHDF5(H5Dclose(dataset));
  TpCheckInput(block.rank == rank, "%s: dataset '%s' has %d dimensions, expected %d", file->path, name, (int)block.rank,
               (int)rank);
  for (PetscInt d = 0; d < rank; ++d) shape[d] = (PetscInt64)block.shape[d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same answer on all ranks. */
static PetscErrorCode CheckShape(TpFile file, const char *name, const TpFileBlock *block, PetscInt rank,
                                 const PetscInt64 shape[])
{
  PetscFunctionBeginUser;
  TpCheckInput(block->rank == rank, "%s: dataset '%s' has %d dimensions, expected %d", file->path, name,
               (int)block->rank, (int)rank);
  for (PetscInt d = 0; d < rank; ++d) {
    TpCheckInput((PetscInt64)block->shape[d] == shape[d], "%s: dataset '%s': dimension %d is %lld, expected %lld",
                 file->path, name, (int)d, (long long)block->shape[d], (long long)shape[d]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same answer on all ranks. */
static PetscErrorCode CheckIsOfType(TpFile file, const char *name, hid_t dataset, TpFileType type)
{
  const hid_t     stored = H5Dget_type(dataset);
  const PetscBool same   = H5Tequal(stored, TpFileStoredType(type)) > 0 ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  H5Tclose(stored);
  TpCheckInput(same, "%s: dataset '%s' holds numbers of another kind than expected", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileCheckShape(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[])
{
  TpFileBlock    block;
  hid_t          dataset;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  code = CheckIsOfType(file, name, dataset, type);
  H5Dclose(dataset);
  PetscCall(TpAgree(file->comm, code));
  PetscCall(CheckShape(file, name, &block, rank, shape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Integers to integers at least as wide, reals to reals: HDF5 would clip or cut others in silence. And only the types that we write: with others it
  would have to convert what somebody made up. Local.
*/
static PetscErrorCode CheckType(TpFile file, const char *name, hid_t dataset, TpFileType type)
{
  const hid_t stored      = H5Dget_type(dataset);
  const H5T_class_t class = H5Tget_class(stored);
  const size_t    bytes   = H5Tget_size(stored);
  TpFileType      found;
  const PetscBool ours = TpFileFindType(stored, &found);
  const PetscBool real = type == TP_FILE_FLOAT || type == TP_FILE_DOUBLE ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  H5Tclose(stored);
  TpCheckInput(class == (real ? H5T_FLOAT : H5T_INTEGER), "%s: dataset '%s' does not hold %s", file->path, name,
               real ? "reals" : "integers");
  TpCheckInput(real || bytes <= H5Tget_size(TpFileMemoryType(type)),
               "%s: dataset '%s' holds integers of %d bits, wider than expected", file->path, name, (int)(8 * bytes));
  TpCheckInput(ours, "%s: dataset '%s' holds numbers of a kind that Tempera does not write", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRead(TpFile file, const char *name, hid_t dataset, TpFileType type, const TpFileBlock *block)
{
  PetscFunctionBeginUser;
  PetscCall(CheckType(file, name, dataset, type));
  TpCheckInput(block->start[0] <= block->shape[0] && block->count[0] <= block->shape[0] - block->start[0],
               "%s: dataset '%s' has %lld rows: %lld from row %lld on can't be read", file->path, name,
               (long long)block->shape[0], (long long)block->count[0], (long long)block->start[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read rows of an open dataset and close it. */
static PetscErrorCode ReadOpen(TpFile file, const char *name, hid_t dataset, TpFileType type, const TpFileBlock *block,
                               void *data)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  code = TpAgree(file->comm, CheckRead(file, name, dataset, type, block));
  if (!code) code = TpFileTransferRead(file, name, dataset, TpFileMemoryType(type), block, data);
  H5Dclose(dataset);
  PetscFunctionReturn(code);
}

static void SelectRows(TpFileBlock *block, PetscInt64 first_row, PetscInt64 num_rows)
{
  for (PetscInt d = 0; d < block->rank; ++d) block->count[d] = block->shape[d];
  block->start[0] = num_rows ? (hsize_t)first_row : 0; /* a negative one is far outside */
  block->count[0] = (hsize_t)num_rows;
}

PetscErrorCode TpFileReadRows(TpFile file, const char *name, TpFileType type, PetscInt64 first_row, PetscInt64 num_rows,
                              void *data)
{
  TpFileBlock block;
  hid_t       dataset;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  SelectRows(&block, first_row, num_rows);
  PetscCall(ReadOpen(file, name, dataset, type, &block, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What rank 0 has read. */
static PetscErrorCode Broadcast(TpFile file, size_t bytes, char *data)
{
  PetscFunctionBeginUser;
  while (bytes) {
    const int piece = (int)PetscMin(bytes, (size_t)BROADCAST_BYTES);

    PetscCall(TpBroadcast(data, piece, MPI_BYTE, 0, file->comm, NULL));
    data += piece;
    bytes -= (size_t)piece;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileReadAll(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                             void *data)
{
  TpFileBlock    block;
  hid_t          dataset;
  PetscErrorCode code;
  size_t         bytes = H5Tget_size(TpFileMemoryType(type));

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  code = CheckShape(file, name, &block, rank, shape);
  if (code) {
    H5Dclose(dataset);
    PetscFunctionReturn(code);
  }
  for (PetscInt d = 0; d < rank; ++d) bytes *= (size_t)shape[d];
  SelectRows(
      &block, 0,
      file->rank ? 0 : shape[0]); /* one rank reads: n ranks reading the same would be n times the load on the disk */
  PetscCall(ReadOpen(file, name, dataset, type, &block, data));
  PetscCall(Broadcast(file, bytes, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}
