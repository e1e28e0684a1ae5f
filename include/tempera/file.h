/**
  File: parallel HDF5 as Tempera uses it. This module knows no physics.

  Three rules keep files whole:
    published  a file that is written once (checkpoint, model, samples, dump) is written under a temporary name, flushed, closed, synced
               and renamed by one rank: under its final name it is complete or not there. Its root carries `complete = 1`, written last.
    placed     a file that grows during the run (run.h5, trajectories) is created at its full size, all metadata written and published
               once; later only raw data is written into place. A kill at any moment leaves a readable file. A counter dataset tells
               how many rows are written.
    described  every dataset has `description` and `unit`; the root has format, format version, program version and used parameters.

  And two that find damage:
    sealed      the first 4096 bytes of a file are ours (an HDF5 user block). A line of text there holds the file's size and a checksum of its
                structure: every byte that is no dataset's data. Opening checks it before HDF5 looks at the file, so that a truncated or damaged
                file is refused in one line. Updates of a placed file do not touch the structure.
    checksummed every dataset of a published file, and those of a placed file that are written once, carry `checksum` over their data:
                the sum over 32-bit words w_i of w_i k_i modulo 2^64, with k_i odd and a fixed function of i. So ranks add their parts.

  Collective calls are collective on the communicator given at opening, which must outlive the file.
**/
#pragma once

#include "tempera/base.h"
#include "tempera/comm.h"

#include <hdf5.h>

/** Put HDF5's own message into a PETSc error; for calls that return a negative number on failure. Only file and its callers' readers use it. **/
#define TpCallHDF5(call)                                                                                               \
  do {                                                                                                                 \
    if (PetscUnlikely((call) < 0)) PetscFunctionReturn(TpErrorHDF5(__LINE__, PETSC_FUNCTION_NAME, __FILE__, #call));   \
  } while (0)
PetscErrorCode TpErrorHDF5(int line, const char *function, const char *file, const char *call);

typedef enum { TP_FILE_INT32, TP_FILE_INT64, TP_FILE_FLOAT, TP_FILE_DOUBLE } TpFileType;

typedef struct TpFile_ *TpFile;

/** What stands in the root of every file. **/
typedef struct {
  const char *format;     /* "tempera checkpoint", "tempera run", "tempera model", "tempera samples", ... */
  PetscInt    version;    /* of the format */
  const char *program;    /* "tempera 0.1.0 (abcdef)" */
  const char *parameters; /* used parameters, YAML; "" if none */
  PetscBool
      placed; /* rows of what TpFileDefine() makes are written after publishing: those datasets carry no checksum */
} TpFileHeader;

/* ------------------------------------------------------------------------------------------- published files: write once */

/**
  Begin a file that will be published as `path`. Collective on `comm`. The temporary name is `path` with ".tmp" added; a stale one is
  replaced. Rights follow the umask.

  Errors: TP_ERR_STOPPED on all ranks with one line (path, the system's reason) if it can't be created; the same for every write below: a full disk
  is the outside world's fault, not ours, and needs no traceback.
**/
PetscErrorCode TpFileCreate(MPI_Comm comm, const char *path, const TpFileHeader *header, TpFile *file);

/** Finish: `complete`, flush, close, sync, rename, sync the folder. On any failure the temporary file is removed and `path` untouched. Collective. **/
PetscErrorCode TpFilePublish(TpFile *file);

/** Give it up: close and remove the temporary file; accepts NULL. Collective. **/
PetscErrorCode TpFileAbandon(TpFile *file);

/**
  Publish, or give the file up if writing it ended with `code` not zero, which is then returned: TpFileConclude(&file, WriteAll(file)). Collective;
  `code` is the same on all ranks, as it is after every write.
**/
PetscErrorCode TpFileConclude(TpFile *file, PetscErrorCode code);

/* --------------------------------------------------------------------------------------------------------- open and read */

/**
  Open for reading. Collective on `comm`.

  Errors: TP_ERR_INPUT on all ranks: no such file, not HDF5, truncated, not of `format` (NULL: any of ours), another format version
  than `version` (not looked at if `format` is NULL), not complete, structure damaged.
**/
PetscErrorCode TpFileOpen(MPI_Comm comm, const char *path, const char *format, PetscInt version, TpFile *file);

/** Open a placed file to write rows into it; errors as TpFileOpen(), and for a file that is not placed. Collective on `comm`. **/
PetscErrorCode TpFileOpenForUpdate(MPI_Comm comm, const char *path, const char *format, PetscInt version, TpFile *file);

/** Close what TpFileOpen() or TpFileOpenForUpdate() opened; for the latter, flush first. Accepts NULL. Collective. **/
PetscErrorCode TpFileClose(TpFile *file);

/**
  Read every dataset that has a checksum back and compare. Collective on `comm`.

  @param[out] whole    false for every file that TpFileOpen() refuses, and for data that do not match their checksum
  @param[out] message  [length] one line: what is wrong, or how much was checked; the same on all ranks
**/
PetscErrorCode TpFileVerify(MPI_Comm comm, const char *path, PetscBool *whole, char message[], size_t length);

/** The HDF5 handle, for what this interface does not cover (H5MD groups). Ours. **/
hid_t TpFileHandle(TpFile file);

/* -------------------------------------------------------------------------------------------------------------- datasets */

/**
  Make a dataset of full size with its attributes. Collective. Groups in `name` are made as needed.

  Contiguous, space allocated but not filled: rows not written yet read as zero. `unit` NULL: no unit attribute; rank 1 to 4.
**/
PetscErrorCode TpFileDefine(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                            const char *unit, const char *description);

/**
  Write rows [first_row, first_row + num_rows) of the leading dimension; each rank its own, num_rows = 0 writes nothing.

  Collective: all ranks call, and all learn of a failure; the bytes go to the disk from each rank by itself.

  Before a file is published each row is written at most once: the checksum adds up what is written.

  @param[in] data  [num_rows, rest of the shape] of type `type`, which must be the dataset's
**/
PetscErrorCode TpFileWriteRows(TpFile file, const char *name, TpFileType type, PetscInt64 first_row,
                               PetscInt64 num_rows, const void *data);

/** Write rows first_row, first_row + step, ...: num_rows of them, one after the other in `data`. Otherwise as TpFileWriteRows(). **/
PetscErrorCode TpFileWriteEvery(TpFile file, const char *name, TpFileType type, PetscInt64 first_row, PetscInt64 step,
                                PetscInt64 num_rows, const void *data);

/** Write one block given by start [rank] and count [rank]; all counts 0 writes nothing. Otherwise as TpFileWriteRows(). **/
PetscErrorCode TpFileWriteBlock(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 start[],
                                const PetscInt64 count[], const void *data);

/** Define and write a whole dataset whose data every rank has (rank 0 writes). Collective. **/
PetscErrorCode TpFileWriteAll(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                              const void *data, const char *unit, const char *description);

/** Shape of a dataset; rank <= 4. Errors: TP_ERR_INPUT if there is none of that name or its rank is not `rank`. Collective. **/
PetscErrorCode TpFileShape(TpFile file, const char *name, PetscInt rank, PetscInt64 shape[]);

/** TP_ERR_INPUT unless the dataset holds this type in this shape: what the reader of rows has made room for, or is going to write. Collective. **/
PetscErrorCode TpFileCheckShape(TpFile file, const char *name, TpFileType type, PetscInt rank,
                                const PetscInt64 shape[]);

/** Whether the dataset or group exists. Links to other files, and links by name, count as nothing: we make none. Collective. **/
PetscErrorCode TpFileHas(TpFile file, const char *name, PetscBool *has);

/** Whether the object, "/" for the root, exists and has the attribute. Collective. **/
PetscErrorCode TpFileHasAttribute(TpFile file, const char *object, const char *name, PetscBool *has);

/** Read rows, each rank its own; how long a row is the file says: look at its shape first. Errors: TP_ERR_INPUT for a missing dataset, rows outside it, a type that does not convert (integers to
    reals and back, 64-bit integers to 32). Collective. **/
PetscErrorCode TpFileReadRows(TpFile file, const char *name, TpFileType type, PetscInt64 first_row, PetscInt64 num_rows,
                              void *data);

/** Read a whole dataset on every rank; its shape must be `shape`. Collective. **/
PetscErrorCode TpFileReadAll(TpFile file, const char *name, TpFileType type, PetscInt rank, const PetscInt64 shape[],
                             void *data);

/**
  Copy the first rows of a dataset of `from` into the dataset of that name in `to`, which has rows of the same type and shape; in pieces, each
  rank its share. Collective; both files are open on the same ranks. Errors: as TpFileReadRows() and TpFileWriteRows().
**/
PetscErrorCode TpFileCopyRows(TpFile from, TpFile to, const char *name, PetscInt64 num_rows);

/* ------------------------------------------------------------------------------------------------------------ attributes */

/** Attributes of an object ("/" is the root). All collective, all ranks give the same values. Reading a missing or ill-typed one: TP_ERR_INPUT.
    Read are texts of fixed length and numbers of 32 or 64 bits, as they are written here. **/
PetscErrorCode TpFileWriteText(TpFile file, const char *object, const char *name, const char *text);
PetscErrorCode TpFileWriteInteger(TpFile file, const char *object, const char *name, PetscInt64 value);
PetscErrorCode TpFileWriteReal(TpFile file, const char *object, const char *name, double value);
/** Free *text with PetscFree(). **/
PetscErrorCode TpFileReadText(TpFile file, const char *object, const char *name, char **text);
PetscErrorCode TpFileReadInteger(TpFile file, const char *object, const char *name, PetscInt64 *value);
PetscErrorCode TpFileReadReal(TpFile file, const char *object, const char *name, double *value);

/** A list of texts as a dataset of fixed-length strings, and back (free each and the list with PetscFree()). Collective. **/
PetscErrorCode TpFileWriteTexts(TpFile file, const char *name, PetscInt count, const char *const texts[],
                                const char *description);
PetscErrorCode TpFileReadTexts(TpFile file, const char *name, PetscInt *count, char ***texts);

/* ------------------------------------------------------------------------------------------------------------------ H5MD */

/** What the trajectory file of a rung or of a walker holds; see nongnu.org/h5md, version 1.1. **/
typedef struct {
  PetscInt      num_particles;
  PetscInt      dimension; /* 3; 1 for coordinates that are no points in space */
  PetscBool     has_box;
  PetscBool     velocities; /* keep them */
  TpUnitSystem  units;
  double        timestep;        /* ps per MD step */
  PetscInt64    steps_per_frame; /* there is a frame at every multiple; 0: none from now on */
  PetscInt64    num_steps;       /* MD steps of the whole run */
  const char   *creator_version;
  const double *mass; /* [num_particles] */
} TpTrajectorySettings;

/** Create (publish) an empty trajectory file of full size, for the frames behind MD step `done_steps`. Collective. MDAnalysis reads it: group particles/trajectory, explicit step and time,
    box edges sharing the position's step and time. Frames not yet written hold NaN (walker, rung: -1): all ranks write these once, so the disk space is
    taken at the start and not found missing later. parameters/frames_written is the end of the last TpTrajectoryWrite(). **/
PetscErrorCode TpTrajectoryCreate(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                  const TpTrajectorySettings *settings, PetscInt64 done_steps);

/**
  Let a trajectory file that is there go on behind MD step `done_steps`: frames up to there stay, whatever their interval and content was, and those to
  come are at the multiples of settings->steps_per_frame. If the file has other frames or no room for velocities, it is made anew: what stays is
  copied, and the old file stays until the new one is whole. Velocities that a frame was written without are NaN. Collective.

  @param[out] first_frame  index of the first frame to come
  @param[out] made_anew
**/
PetscErrorCode TpTrajectoryContinue(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                    const TpTrajectorySettings *settings, PetscInt64 done_steps,
                                    PetscInt64 *first_frame, PetscBool *made_anew);

/** Frames in memory. Velocities are ignored where they are not kept, edges where there is no box. **/
typedef struct {
  float      *x;           /* [frames, num_particles, dimension] */
  float      *v;           /* likewise */
  float      *box;         /* [frames, 3, 3] */
  double     *energy;      /* [frames] potential energy */
  double     *temperature; /* [frames] of the rung */
  PetscInt64 *walker;      /* [frames] */
  PetscInt64 *rung;        /* [frames] */
} TpTrajectoryFrames;

/** Write frames [first, first + count) of a file opened by TpFileOpenForUpdate(); each rank its own, count 0 writes nothing. Collective. **/
PetscErrorCode TpTrajectoryWrite(TpFile file, const TpTrajectorySettings *settings, PetscInt64 first, PetscInt64 count,
                                 const TpTrajectoryFrames *frames);

/* --------------------------------------------------------------------------------------------------------------- folders */

/** Make a folder and its parents (rank 0 does); fine if it is there. Errors: TP_ERR_INPUT on all ranks with the system's reason. Collective. **/
PetscErrorCode TpFolderCreate(MPI_Comm comm, const char *path);

/** Make a renamed or new file's entry in its folder last. Errors: TP_ERR_STOPPED. One rank. **/
PetscErrorCode TpFolderSync(const char *path);

/** Whether a path exists (rank 0 looks). Collective. **/
PetscErrorCode TpPathExists(MPI_Comm comm, const char *path, PetscBool *exists);

/** Publish a small text file atomically (rank 0 writes). Collective. **/
PetscErrorCode TpTextPublish(MPI_Comm comm, const char *path, const char *text);

/** A text that grows in memory until it is published; `stream` is to print to. **/
typedef struct {
  FILE  *stream;
  char  *text;
  size_t length;
} TpText;

/** Begin a text. Not collective. Free with TpTextEnd(). **/
PetscErrorCode TpTextBegin(TpText *text);

/** Publish it as TpTextPublish() does; ranks other than 0 may have begun none, all members 0. Collective. **/
PetscErrorCode TpTextEnd(MPI_Comm comm, const char *path, TpText *text);
