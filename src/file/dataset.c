/* Making datasets and writing them. */
#include "file-impl.h"

#include <errno.h>
#include <string.h>

enum { PIECE_BYTES = 256 * 1024 * 1024 }; /* MPI-IO counts in int; and its buffers grow with the request */

hid_t TpFileStoredType(TpFileType type)
{
  switch (type) {
  case TP_FILE_INT32:
    return H5T_STD_I32LE;
  case TP_FILE_INT64:
    return H5T_STD_I64LE;
  case TP_FILE_FLOAT:
    return H5T_IEEE_F32LE;
  case TP_FILE_DOUBLE:
    return H5T_IEEE_F64LE;
  }
  return H5I_INVALID_HID;
}

hid_t TpFileMemoryType(TpFileType type)
{
  switch (type) {
  case TP_FILE_INT32:
    return H5T_NATIVE_INT32;
  case TP_FILE_INT64:
    return H5T_NATIVE_INT64;
  case TP_FILE_FLOAT:
    return H5T_NATIVE_FLOAT;
  case TP_FILE_DOUBLE:
    return H5T_NATIVE_DOUBLE;
  }
  return H5I_INVALID_HID;
}

PetscBool TpFileFindType(hid_t stored, TpFileType *type)
{
  static const TpFileType types[] = {TP_FILE_INT32, TP_FILE_INT64, TP_FILE_FLOAT, TP_FILE_DOUBLE};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(types); ++i) {
    *type = types[i];
    if (H5Tequal(stored, TpFileStoredType(types[i])) > 0) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* ------------------------------------------------------------------------------------------------------------ define */

TpFileEntry *TpFileFindEntry(TpFile file, const char *name)
{
  if (name[0] == '/') ++name;
  for (PetscInt i = 0; i < file->num_entries; ++i)
    if (!strcmp(file->entries[i].name, name)) return &file->entries[i];
  return NULL;
}

static PetscErrorCode AddEntry(TpFile file, const char *name, PetscBool sealed)
{
  PetscFunctionBeginUser;
  if (file->num_entries == file->max_entries) {
    TpFileEntry *more;

    file->max_entries = PetscMax(16, 2 * file->max_entries);
    PetscCall(PetscCalloc1(file->max_entries, &more));
    PetscCall(PetscArraycpy(more, file->entries, file->num_entries));
    PetscCall(PetscFree(file->entries));
    file->entries = more;
  }
  PetscCall(PetscStrallocpy(name[0] == '/' ? name + 1 : name, &file->entries[file->num_entries].name));
  file->entries[file->num_entries++].sealed = sealed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreationProperties(hid_t *link, hid_t *create)
{
  PetscFunctionBeginUser;
  *link   = H5Pcreate(H5P_LINK_CREATE);
  *create = H5Pcreate(H5P_DATASET_CREATE);
  TpCallHDF5(H5Pset_create_intermediate_group(*link, 1));
  TpCallHDF5(H5Pset_layout(*create, H5D_CONTIGUOUS));
  TpCallHDF5(H5Pset_alloc_time(*create, H5D_ALLOC_TIME_EARLY));
  TpCallHDF5(H5Pset_fill_time(*create, H5D_FILL_TIME_NEVER));
  TpCallHDF5(H5Pset_obj_track_times(*create, 0)); /* a time of last change would be metadata that every update writes */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileMakeDataset(TpFile file, const char *name, hid_t type, PetscInt rank, const hsize_t shape[],
                                 PetscBool sealed, const char *unit, const char *description)
{
  hid_t link, create, space, dataset;

  PetscFunctionBeginUser;
  PetscCheck(file->mode == TP_FILE_CREATE, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "%s is published: no dataset '%s' can be added", file->path, name);
  PetscCheck(rank >= 1 && rank <= TP_FILE_MAX_RANK, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "dataset '%s' of rank %d", name, (int)rank);
  PetscCall(CreationProperties(&link, &create));
  space = H5Screate_simple((int)rank, shape, NULL);
  TpCallHDF5(space);
  dataset = H5Dcreate2(file->handle, name, type, space, link, create, H5P_DEFAULT);
  TpCallHDF5(dataset);
  if (unit) PetscCall(TpFileSetUnit(dataset, unit));
  PetscCall(TpFileSetText(dataset, "description", description));
  PetscCall(AddEntry(file, name, sealed));
  if (H5Dget_storage_size(dataset))
    file->extent = PetscMax(file->extent, (int64_t)(H5Dget_offset(dataset) + H5Dget_storage_size(dataset)));
  TpCallHDF5(H5Dclose(dataset));
  TpCallHDF5(H5Sclose(space));
  TpCallHDF5(H5Pclose(create));
  TpCallHDF5(H5Pclose(link));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Define(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                             PetscBool sealed, const char *unit, const char *description)
{
  hsize_t sizes[TP_FILE_MAX_RANK];

  PetscFunctionBeginUser;
  for (PetscInt d = 0; d < rank && d < TP_FILE_MAX_RANK; ++d) {
    PetscCheck(shape[d] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "dataset '%s' with %" PetscInt64_FMT " rows",
               name, shape[d]);
    sizes[d] = (hsize_t)shape[d];
  }
  PetscCall(TpFileMakeDataset(file, name, TpFileStoredType(type), rank, sizes, sealed, unit, description));
  PetscCall(TpFileReserve(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileDefine(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                            const char *unit, const char *description)
{
  const PetscBool sealed = file->placed ? PETSC_FALSE : PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, Define(file, name, type, rank, shape, sealed, unit, description)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- transfer */

/*
  One call; PETSC_FALSE and a reason if it failed. `block` is not empty.

  Independent, though every rank comes here: each contiguous run of bytes goes to the disk by itself and nothing else is touched. Collective
  transfers let MPI-IO merge runs and fill the gaps between them by reading; beyond the end of the file, where nothing can be read, Open MPI 4.1
  (ompio, and its romio) then writes the garbage of its buffer into rows that nobody wrote, and may overwrite a neighbour's (see its issue 12718).
*/
static PetscBool TransferPiece(hid_t dataset, hid_t type, const TpFileBlock *block, void *read, const void *write,
                               char reason[256])
{
  const hid_t memory = H5Screate_simple((int)block->rank, block->count, NULL);
  const hid_t space  = H5Dget_space(dataset);
  const hid_t list   = H5Pcreate(H5P_DATASET_XFER);
  herr_t      status;

  H5Pset_dxpl_mpio(list, H5FD_MPIO_INDEPENDENT);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, block->start, NULL, block->count, NULL);
  status =
      write ? H5Dwrite(dataset, type, memory, space, list, write) : H5Dread(dataset, type, memory, space, list, read);
  if (status < 0) TpFileReason(reason, 256); /* the next call to HDF5 forgets it */
  H5Pclose(list);
  H5Sclose(space);
  H5Sclose(memory);
  return status < 0 ? PETSC_FALSE : PETSC_TRUE;
}

static PetscBool IsEmpty(const TpFileBlock *block)
{
  for (PetscInt d = 0; d < block->rank; ++d)
    if (!block->count[d]) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Write, or read if `write` is NULL, in pieces of leading rows that MPI-IO can count. */
static PetscErrorCode Transfer(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                               void *read, const void *write)
{
  TpFileBlock piece = *block;
  size_t      row   = H5Tget_size(type);
  hsize_t     rows;
  char        reason[256];

  PetscFunctionBeginUser;
  if (IsEmpty(block)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt d = 1; d < block->rank; ++d) row *= (size_t)block->count[d];
  rows = PetscMax(1, PIECE_BYTES / row);
  for (hsize_t done = 0; done < block->count[0]; done += rows) {
    piece.start[0] = block->start[0] + done;
    piece.count[0] = PetscMin(rows, block->count[0] - done);
    if (TransferPiece(dataset, type, &piece, read ? (char *)read + done * row : NULL,
                      write ? (const char *)write + done * row : NULL, reason))
      continue;
    if (write && TpFileDiskFull(file)) PetscCall(PetscStrncpy(reason, strerror(ENOSPC), sizeof(reason)));
    PetscFunctionReturn(write ? TpStopError("%s: can't write dataset '%s': %s",
                                            file->temporary ? file->temporary : file->path, name, reason)
                              : TpInputError("%s: can't read dataset '%s': %s", file->path, name, reason));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What this rank does of a write. While it takes the checksum the disk is at work already. */
static PetscErrorCode WriteHere(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                                const void *data)
{
  TpFileEntry *entry = file->mode == TP_FILE_CREATE ? TpFileFindEntry(file, name) : NULL;
  size_t       bytes = H5Tget_size(type);

  PetscFunctionBeginUser;
  PetscCall(Transfer(file, name, dataset, type, block, NULL, data));
  for (PetscInt d = 0; d < block->rank; ++d) bytes *= (size_t)block->count[d];
  TpFileStartDisk(file, bytes);
  if (entry && entry->sealed && !IsEmpty(block)) entry->sum += TpChecksumBlock(block, H5Tget_size(type), data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileTransferWrite(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                                   const void *data)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, WriteHere(file, name, dataset, type, block, data)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileTransferRead(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                                  void *data)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, Transfer(file, name, dataset, type, block, data, NULL)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

/* What only our own code can do wrong, and a file that HDF5 can't make out. Local. */
static PetscErrorCode CheckWrite(TpFile file, const char *name, hid_t dataset, TpFileType type,
                                 const TpFileBlock *block, const void *data)
{
  const hid_t stored = H5Dget_type(dataset);
  htri_t      same, sealed;
  hsize_t     elements = 1;

  PetscFunctionBeginUser;
  TpReadHDF5(file, stored);
  same = H5Tequal(stored, TpFileStoredType(type)) > 0;
  H5Tclose(stored);
  PetscCheck(file->mode != TP_FILE_READ, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%s is open for reading", file->path);
  if (file->mode == TP_FILE_UPDATE) { /* made by another start, and maybe damaged since */
    TpCheckInput(same, "%s: is damaged: dataset '%s' has another type than its data", file->path, name);
    sealed = H5Aexists(dataset, "checksum");
    TpReadHDF5(file, sealed);
    PetscCheck(!sealed, PETSC_COMM_SELF, PETSC_ERR_ORDER,
               "%s: dataset '%s' is written once: make it with TpFileDefine() to update it", file->path, name);
  }
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: dataset '%s' has another type than the data", file->path,
             name);
  for (PetscInt d = 0; d < block->rank; ++d) {
    PetscCheck(block->start[d] <= block->shape[d] && block->count[d] <= block->shape[d] - block->start[d],
               PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "%s: dataset '%s': rows %lld + %lld of dimension %d, which has %lld", file->path, name,
               (long long)block->start[d], (long long)block->count[d], (int)d, (long long)block->shape[d]);
    elements *= block->count[d];
  }
  PetscCheck(data || !elements, PETSC_COMM_SELF, PETSC_ERR_ARG_NULL, "%s: dataset '%s': no data", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAndWrite(TpFile file, const char *name, hid_t dataset, TpFileType type,
                                    const TpFileBlock *block, const void *data)
{
  PetscFunctionBeginUser;
  PetscCall(CheckWrite(file, name, dataset, type, block, data));
  PetscCall(WriteHere(file, name, dataset, TpFileMemoryType(type), block, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Write to an open dataset and close it. */
static PetscErrorCode WriteOpen(TpFile file, const char *name, hid_t dataset, TpFileType type, const TpFileBlock *block,
                                const void *data)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, CheckAndWrite(file, name, dataset, type, block, data)));
  TpCallHDF5(H5Dclose(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteRows(TpFile file, const char *name, TpFileType type, PetscInt64 first_row,
                               PetscInt64 num_rows, const void *data)
{
  TpFileBlock block;
  hid_t       dataset;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  for (PetscInt d = 0; d < block.rank; ++d) block.count[d] = block.shape[d];
  block.start[0] = num_rows ? (hsize_t)first_row : 0; /* a negative one is far outside */
  block.count[0] = (hsize_t)num_rows;
  PetscCall(WriteOpen(file, name, dataset, type, &block, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteEvery(TpFile file, const char *name, TpFileType type, PetscInt64 first_row, PetscInt64 step,
                                PetscInt64 num_rows, const void *data)
{
  TpFileBlock    block;
  hid_t          dataset;
  size_t         row_bytes = H5Tget_size(TpFileMemoryType(type));
  PetscErrorCode code      = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  for (PetscInt d = 1; d < block.rank; ++d) row_bytes *= (size_t)(block.count[d] = block.shape[d]);
  block.count[0] = 1;
  for (PetscInt64 i = 0; i < num_rows && !code; ++i) {
    block.start[0] = (hsize_t)(first_row + i * step);
    code           = CheckAndWrite(file, name, dataset, type, &block, (const char *)data + (size_t)i * row_bytes);
  }
  H5Dclose(dataset);
  PetscFunctionReturn(TpAgree(file->comm, code));
}

PetscErrorCode TpFileWriteBlock(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 start[],
                                const PetscInt64 count[], const void *data)
{
  TpFileBlock block;
  hid_t       dataset;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpenDataset(file, name, &dataset, &block));
  PetscCheck(rank == block.rank, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: dataset '%s' has rank %d, not %d", file->path,
             name, (int)block.rank, (int)rank);
  for (PetscInt d = 0; d < rank; ++d) {
    block.start[d] = (hsize_t)start[d];
    block.count[d] = (hsize_t)count[d];
  }
  PetscCall(WriteOpen(file, name, dataset, type, &block, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteAll(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                              const void *data, const char *unit, const char *description)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, Define(file, name, type, rank, shape, PETSC_TRUE, unit, description)));
  PetscCall(TpFileWriteRows(file, name, type, 0, file->rank ? 0 : shape[0], data));
  PetscFunctionReturn(PETSC_SUCCESS);
}
