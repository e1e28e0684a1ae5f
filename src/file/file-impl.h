/**
  File, inside: the open file, the list of its datasets, checksum and seal.
**/
#pragma once

#include "tempera/file.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  #error "checksums are taken over little-endian words; this machine is big-endian"
#endif

enum {
  TP_FILE_MAX_RANK   = 4,
  TP_FILE_SEAL_BYTES = 4096, /* user block; a multiple of the alignment below, as HDF5 demands */
  TP_FILE_ALIGNMENT  = 4096,
  TP_FILE_MAX_TEXT   = 60000, /* of one attribute: HDF5 keeps less than 64 KiB in an object header */
};

typedef enum { TP_FILE_CREATE, TP_FILE_READ, TP_FILE_UPDATE } TpFileMode;

/** A dataset of a file being created. **/
typedef struct {
  char     *name;
  PetscBool sealed; /* carries a checksum */
  uint64_t  sum;    /* of what this rank wrote; after TpFilePublish() began, of all ranks */
  haddr_t   offset; /* first byte of its data in the file */
  hsize_t   num_bytes;
} TpFileEntry;

struct TpFile_ {
  MPI_Comm     comm;
  int          rank;
  hid_t        handle;
  TpFileMode   mode;
  PetscBool    placed;
  int64_t      size; /* bytes of the file; 0 while creating */
  char        *path;
  char        *temporary;   /* NULL but while creating */
  int64_t      extent;      /* creating only: end of the last dataset's data */
  int64_t      reserved;    /* creating only, on rank 0: bytes of disk taken */
  int64_t      unstarted;   /* creating only: bytes this rank has written since it last told the disk to begin */
  PetscInt     num_entries; /* creating only */
  PetscInt     max_entries;
  TpFileEntry *entries;
};

/** A block of a dataset: what one rank reads or writes. **/
typedef struct {
  PetscInt rank;
  hsize_t  shape[TP_FILE_MAX_RANK]; /* of the dataset */
  hsize_t  start[TP_FILE_MAX_RANK];
  hsize_t  count[TP_FILE_MAX_RANK];
} TpFileBlock;

/* -------------------------------------------------------------------------------------------------------- error.c */

/** As TpCallHDF5(), on a file that is being read: what HDF5 can't make out is damage, and no mistake of ours. **/
#define TpReadHDF5(file, call)                                                                                         \
  do {                                                                                                                 \
    if (PetscUnlikely((call) < 0)) PetscFunctionReturn(TpErrorUnreadable(file));                                       \
  } while (0)
PetscErrorCode TpErrorUnreadable(TpFile file);

/** HDF5's innermost message of the failure just seen. Not collective. **/
void TpFileReason(char text[], size_t length);

/* --------------------------------------------------------------------------------------------------------- open.c */

/** A file with nothing opened yet; free with TpFileFree(). Not collective. **/
PetscErrorCode TpFileNew(MPI_Comm comm, const char *path, TpFileMode mode, TpFile *file);
PetscErrorCode TpFileFree(TpFile *file);

/** How we open: MPI-IO, metadata read by one rank for all. Not collective; close the list with H5Pclose(). **/
PetscErrorCode TpFileAccess(MPI_Comm comm, hid_t *access);

/* ------------------------------------------------------------------------------------------------------ dataset.c */

hid_t TpFileStoredType(TpFileType type);
hid_t TpFileMemoryType(TpFileType type);
/** Which of ours a stored type is; PETSC_FALSE: none. Not collective. **/
PetscBool TpFileFindType(hid_t stored, TpFileType *type);

/** Make a dataset of a stored type and put it on the list. Local errors only: agree afterwards. **/
PetscErrorCode TpFileMakeDataset(TpFile file, const char *name, hid_t type, PetscInt rank, const hsize_t shape[],
                                 PetscBool sealed, const char *unit, const char *description);

/** The entry of a dataset being created; NULL if there is none. **/
TpFileEntry *TpFileFindEntry(TpFile file, const char *name);

/** Write a block of an open dataset, each rank its own or an empty one. Collective: all ranks learn of a failure. **/
PetscErrorCode TpFileTransferWrite(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                                   const void *data);

/** As above, reading. **/
PetscErrorCode TpFileTransferRead(TpFile file, const char *name, hid_t dataset, hid_t type, const TpFileBlock *block,
                                  void *data);

/* --------------------------------------------------------------------------------------------------------- read.c */

/** Open a dataset and get its shape. TP_ERR_INPUT, the same on all ranks, if there is none or its rank is above TP_FILE_MAX_RANK. **/
PetscErrorCode TpFileOpenDataset(TpFile file, const char *name, hid_t *dataset, TpFileBlock *block);

/** Shape of an open dataset and where its data are: TP_ERR_INPUT if they are not one stretch within the file, as long as the shape says. Local. **/
PetscErrorCode TpFileFindData(TpFile file, const char *name, hid_t dataset, TpFileBlock *block, int64_t *offset,
                              int64_t *num_bytes);

/* ---------------------------------------------------------------------------------------------------- attribute.c */

/** Attributes of an open object; local errors only. **/
PetscErrorCode TpFileSetText(hid_t object, const char *name, const char *text);
/** Of variable length: h5py hands fixed-length texts out as bytes, which MDAnalysis does not take for a unit. **/
PetscErrorCode TpFileSetUnit(hid_t object, const char *unit);
PetscErrorCode TpFileSetChecksum(hid_t object, uint64_t sum);

/** A fixed-length string type that holds `length` characters and the end. **/
PetscErrorCode TpFileTextType(size_t length, PetscBool ascii, hid_t *type);

/* ----------------------------------------------------------------------------------------------------- checksum.c */

/** Sum of w_i k_i over words i = first_word, ...; bytes beyond the last whole word count as a word padded with zeros. Pure. **/
uint64_t TpChecksum(uint64_t first_word, size_t num_bytes, const void *data);

/** The same over a block of a dataset whose elements are `element_bytes` (a multiple of 4) wide. Pure. **/
uint64_t TpChecksumBlock(const TpFileBlock *block, size_t element_bytes, const void *data);

/* ------------------------------------------------------------------------------------------------------ reserve.c */

/** Take disk space for what is defined so far and a margin: TP_ERR_STOPPED if there is none. Every rank calls, one acts; agree afterwards. **/
PetscErrorCode TpFileReserve(TpFile file);

/** Whether the disk has next to no space left: MPI-IO tells that a write failed, but not why. Not collective. **/
PetscBool TpFileDiskFull(TpFile file);

/** This rank has written so many bytes of a new file: have the disk begin with them, and wait for nothing. Only for speed: syncing comes later. **/
void TpFileStartDisk(TpFile file, size_t num_bytes);

/* --------------------------------------------------------------------------------------------------------- seal.c */

/** Rows [offset, length] that the table of the structure needs for the entries listed. **/
PetscInt TpSealTableRows(TpFile file);

/**
  Seal a closed file: write the table of the structure's byte ranges into its dataset, the checksum into the user block, and sync. One rank.

  @param[in] path
  @param[in] num_entries, entries  all datasets; the last one is the table
**/
PetscErrorCode TpSealWrite(const char *path, PetscInt num_entries, const TpFileEntry entries[]);

/** Check the seal before HDF5 opens the file: TP_ERR_INPUT with a line that says what is wrong. One rank. **/
PetscErrorCode TpSealCheck(const char *path);
