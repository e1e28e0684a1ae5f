/* What the readers of recorded trajectories share. */
#pragma once

#include "data.h"

/** One open file, on rank 0. **/
typedef struct TpDataFile_ {
  const struct TpDataReader_ *reader;
  const TpSettings           *settings;
  const char                 *path;
  double                      temperature;  /* of the bath, by data.temperatures; 0: not given */
  PetscInt                    num_features; /* filled by open(), with the arrays below; names may stay empty */
  PetscInt64                  num_rows;
  PetscInt                    rows_per_number; /* rows that are neighbours in temperature, not in time */
  char (*name)[TP_NAME_LENGTH];
  char (*unit)[TP_UNIT_LENGTH];
  double *period;
  void   *own; /* the reader's */
} TpDataFile;

/** A format. Not collective. Errors: TP_ERR_INPUT with the file's path. **/
typedef struct TpDataReader_ {
  PetscErrorCode (*open)(TpDataFile *file);

  /** Rows [first, first + count): features [count, num_features], further [count, settings' columns], label and bath [count]. **/
  PetscErrorCode (*read)(TpDataFile *file, PetscInt64 first, PetscInt64 count, float features[], float further[],
                         double label[], double bath[]);
  PetscErrorCode (*close)(TpDataFile *file);
} TpDataReader;

extern const TpDataReader tp_data_reader_run;
extern const TpDataReader tp_data_reader_h5md;
extern const TpDataReader tp_data_reader_array;

/** Allocate name, unit and period of file->num_features features. **/
PetscErrorCode TpDataFileAllocate(TpDataFile *file);

/** Open an HDF5 file of anybody's, quietly. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpDataOpenHDF5(const char *path, hid_t *file);

/** Read rows of a dataset [rows, ...] of numbers as `type`, `width` numbers each. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpDataReadRows(const char *path, hid_t dataset, hid_t type, PetscInt64 first, PetscInt64 count,
                              void *numbers);

/** What is kept of a row, beside its features and further conditions. **/
typedef struct {
  PetscInt64 row, number; /* see TpDataRow */
  PetscInt64 order;       /* among the rows at its temperature */
  double     label, bath;
} TpDataKeptRow;

enum { TP_DATA_MAX_TEMPERATURES = 256 };

struct TpData_ {
  const TpSettings *settings; /* kept, the caller's */
  MPI_Comm          comm;     /* kept, the caller's */
  int               rank, size;
  PetscInt          num_features, num_further;
  char (*name)[TP_NAME_LENGTH];
  char (*unit)[TP_UNIT_LENGTH];
  double *period;
  char    further_name[TP_MAX_FURTHER][TP_NAME_LENGTH];
  double  further_sum[TP_MAX_FURTHER], further_squares[TP_MAX_FURTHER];

  TpRealList  temperatures;
  PetscInt64 *count;         /* [TP_DATA_MAX_TEMPERATURES] rows at each */
  PetscBool   is_continuous; /* only lowest and highest are kept */
  PetscInt64  num_rows;
  uint64_t    hash;
  double      label_squares; /* sum of (label / bath - 1)^2 */

  PetscInt64     num_kept, capacity;
  TpDataKeptRow *kept;     /* [capacity] */
  float         *features; /* [capacity, num_features] */
  float         *further;  /* [capacity, num_further] */
};
