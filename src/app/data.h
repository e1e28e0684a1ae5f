/* Recorded trajectories to learn from: our run.h5, H5MD, or a plain array with a temperature column. */
#pragma once

#include "app-impl.h"

typedef enum { TP_DATA_AUTO, TP_DATA_RUN, TP_DATA_H5MD, TP_DATA_ARRAY } TpDataFormat;
extern const char *const tp_data_format_words[]; /* "auto", "run", "h5md", "array", NULL */

/** Rows of all files, dealt out: each rank keeps the rows of the shards that it owns. **/
typedef struct TpData_ *TpData;

/**
  Read all files: rank 0 reads, and hands out pieces. Collective on `comm`, the trainer group.

  Errors: TP_ERR_INPUT on all ranks, with the file: not there, no such format, numbers that are not finite (with row and column), another width than the
  files before, no temperature, a temperature that is not positive.
**/
PetscErrorCode TpDataRead(MPI_Comm comm, TpConfig config, const TpSettings *settings, TpData *data);
PetscErrorCode TpDataDestroy(TpData *data);

/** The temperatures that occur, increasing: of the bath where the files tell, else of the labels; two, the lowest and the highest, if there are more
    than 256. Ours. **/
const TpRealList *TpDataTemperatures(TpData data);

/** Whether there are more temperatures than can be told apart: labels that fluctuate, without the bath's. **/
PetscBool TpDataIsContinuous(TpData data);

/** Rows at one of these temperatures. **/
PetscInt64 TpDataCount(TpData data, PetscInt rung);

/** Rows of all files, and a hash of all their numbers, which does not depend on the number of ranks. **/
PetscInt64 TpDataSize(TpData data);
uint64_t   TpDataHash(TpData data);

/** Degrees of freedom that the labels' spread around the bath's temperature tells; 0: labels are the bath's. **/
double TpDataDegreesOfFreedom(TpData data);

/** Features: names, units and periods [TpDataNumFeatures()]. Ours. **/
PetscInt      TpDataNumFeatures(TpData data);
const char   *TpDataName(TpData data, PetscInt i);
const char   *TpDataUnit(TpData data, PetscInt i);
const double *TpDataPeriods(TpData data);
TpUnitSystem  TpDataUnits(TpData data);

/** Number, mean and scale of the further conditions, and their names. **/
void        TpDataSetFurther(TpData data, TpCondition *condition);
const char *TpDataFurtherName(TpData data, PetscInt i);

/** One row that this rank keeps. **/
typedef struct {
  PetscInt64   row;         /* among all rows */
  PetscInt64   number;      /* within its file */
  PetscBool    second_half; /* of the rows at its temperature */
  PetscInt     rung;        /* index into the temperatures; 0 if those are continuous */
  double       label;
  const float *features; /* [TpDataNumFeatures()] */
  const float *further;  /* [num_further] */
} TpDataRow;

PetscInt64 TpDataNumKept(TpData data);
TpDataRow  TpDataKept(TpData data, PetscInt64 i);
