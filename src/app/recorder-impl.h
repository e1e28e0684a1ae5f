/* run.h5 inside: what is kept of each frame, and the file that it goes to. */
#pragma once

#include "run-impl.h"

/* Numbers kept of each frame, in the order of the buffer. Those with a dataset are written; all are summed over trainers as they are. */
enum {
  TP_RECORD_ENERGY,
  TP_RECORD_LABEL,
  TP_RECORD_KINETIC,
  TP_RECORD_PROBABILITY,
  TP_RECORD_WALKER,
  TP_RECORD_PARTNER,
  TP_RECORD_ACCEPTED,
  TP_RECORD_MD_SECONDS,
  TP_RECORD_IDLE_SECONDS,
  TP_RECORD_MD_CPU_SECONDS,
  TP_RECORD_CPU_SECONDS,
  TP_RECORD_NUMBERS
};

enum { TP_RECORD_COLUMNS = 7 };

/** How often there is a row: of every n-th round, the last one of each n. **/
typedef enum { TP_RECORD_EACH_ROUND, TP_RECORD_EACH_ENERGY, TP_RECORD_EACH_FRAME } TpRecordCadence;

/** A dataset [row, rung] of run.h5, and the number that goes there. **/
typedef struct {
  int             number;
  const char     *name;
  TpFileType      type;
  TpRecordCadence cadence;
  TpDimension     dimension;
  const char     *description;
} TpRecordColumn;

extern const TpRecordColumn tp_record_columns[TP_RECORD_COLUMNS];

/** Rounds between rows: row i is of the round (i + 1) n - 1, and `rounds` rounds have rounds / n rows. Pure. **/
PetscInt64 TpRecordInterval(TpRun run, TpRecordCadence cadence);

struct TpRecorder_ {
  TpRun              run; /* kept, the caller's */
  TpFile             file;
  PetscInt           num_rungs;
  PetscInt           num_features;
  PetscInt           capacity;    /* rounds in the buffers */
  PetscInt64         first_round; /* of the buffers */
  double            *numbers;     /* [capacity, rungs, TP_RECORD_NUMBERS] zero where the frame is another trainer's */
  float             *features;    /* [capacity, rungs, features] likewise */
  double            *loss;        /* [capacity] */
  void              *column;      /* [capacity, rungs] of one dataset */
  TpSwap            *swaps;       /* [rungs] */
  PetscInt64        *walkers;     /* [rungs] */
  TpLadderStatistics statistics;
  TpRoundTimes       times;
};

/** Write the first `rounds` rounds of the buffers; each trainer its share. Moves the features. Collective on the trainer group. **/
PetscErrorCode TpRecorderWriteRows(TpRecorder recorder, PetscInt rounds);

/** Read `rounds` rounds into the buffers of every trainer; features row by row, as they are in the file. Collective on the trainer group. **/
PetscErrorCode TpRecorderReadRows(TpRecorder recorder, PetscInt64 round, PetscInt rounds);

/** Visit the frames that were kept of the rounds just read. Not collective. **/
PetscErrorCode TpRecorderVisitFrames(TpRecorder recorder, PetscInt64 round, PetscInt rounds, TpReplayFunction visit,
                                     void *context);

/**
  Let run.h5 be there with `run.rounds` rows: made by a new run, and made anew by a restart of another length, which keeps the rows written so far.
  Collective on the trainer group.
**/
PetscErrorCode TpRunFilePrepare(TpRun run, const char *path);
