/* How well a run has mixed: all of it a function of the rows of run.h5, so that a restart, another number of trainers, and `tempera info` on the file
   give the same bits. */
#pragma once

#include "run-impl.h"

/** Of `statistics->rounds` rounds, those of a tuning left out. Energies are those after equilibration. Numbers that do not exist yet are NaN. **/
struct TpDiagnostics_ {
  PetscInt           num_rungs;
  PetscInt           scheme;          /* index into tp_scheme_words */
  PetscInt64         energy_interval; /* rounds between energies */
  PetscInt64         start_round;     /* rounds of equilibration: their energies are left out */
  PetscInt64         tune_rounds;     /* their temperatures are not the ladder's */
  double            *temperature;     /* [num_rungs] */
  TpLadderStatistics statistics;
  double            *rejection;          /* [num_rungs - 1] mean, of pair (i, i + 1) */
  double             second_eigenvalue;  /* of the symmetric transition matrix */
  double             observed_rate;      /* round trips per round and walker */
  double             predicted_rate;     /* the same, if successive attempts were independent */
  double            *mean_trip;          /* [num_rungs walkers] rounds */
  double            *rung_correlation;   /* [num_rungs] statistical inefficiency of the energy, in rounds */
  double            *walker_correlation; /* [num_rungs walkers] likewise, of the energy along the walker's way */
};

/**
  Work them out from the rows of a run file that is open. Collective on `comm`, the communicator that the file was opened on. Free with
  TpDiagnosticsDestroy().

  @param[in] rounds  rows to use, all of them written
**/
PetscErrorCode TpDiagnosticsCreate(TpFile file, MPI_Comm comm, PetscInt64 rounds, TpDiagnostics *diagnostics);
PetscErrorCode TpDiagnosticsDestroy(TpDiagnostics *diagnostics);

/** Make the group /diagnostics of a new run.h5, empty. Collective on the file's ranks. **/
PetscErrorCode TpDiagnosticsDefine(TpFile file, PetscInt num_rungs);

/** Fill it; NULL: say that there are none, where rows behind a restart are forgotten. Rank 0 of the file's ranks writes. Collective. **/
PetscErrorCode TpDiagnosticsWrite(TpFile file, MPI_Comm comm, TpDiagnostics diagnostics);

/** The tables for people, line by line to the log. Not collective. **/
PetscErrorCode TpDiagnosticsTell(TpDiagnostics diagnostics);
