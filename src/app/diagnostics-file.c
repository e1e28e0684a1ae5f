/* The group /diagnostics of run.h5. */
#include "diagnostics.h"

typedef enum { ONE, BY_PAIR, BY_RUNG, SQUARE } Shape;

typedef struct {
  const char *name;
  TpFileType  type;
  Shape       shape;
  const char *unit;
  const char *description;
} Dataset;

enum {
  ATTEMPTS,
  ACCEPTANCES,
  REJECTION,
  TRANSITIONS,
  SECOND_EIGENVALUE,
  ROUND_TRIPS,
  MEAN_TRIP,
  SHORTEST,
  LONGEST,
  OBSERVED,
  PREDICTED,
  VISITS,
  RUNG_CORRELATION,
  WALKER_CORRELATION,
  ROUNDS, /* last: what the others are worth */
  NUM_DATASETS
};

static const Dataset datasets[NUM_DATASETS] = {
    [ATTEMPTS]          = {"/diagnostics/attempts", TP_FILE_INT64, BY_PAIR, "", "swaps tried between rung i and i + 1"},
    [ACCEPTANCES]       = {"/diagnostics/acceptances", TP_FILE_INT64, BY_PAIR, "", "swaps accepted"},
    [REJECTION]         = {"/diagnostics/rejection", TP_FILE_DOUBLE, BY_PAIR, "",
                           "1 - mean probability of acceptance; NaN: none tried"},
    [TRANSITIONS]       = {"/diagnostics/transitions", TP_FILE_INT64, SQUARE, "",
                           "walkers at rung i in one round and at rung j in the next [i, j]"},
    [SECOND_EIGENVALUE] = {"/diagnostics/second_eigenvalue", TP_FILE_DOUBLE, ONE, "",
                           "of the transition matrix, made symmetric; NaN: no transitions"},
    [ROUND_TRIPS]       = {"/diagnostics/round_trips", TP_FILE_INT64, BY_RUNG, "",
                           "bottom to top to bottom, completed by each walker"},
    [MEAN_TRIP] = {"/diagnostics/round_trip_mean", TP_FILE_DOUBLE, BY_RUNG, "rounds", "mean time of them; NaN: none"},
    [SHORTEST]  = {"/diagnostics/round_trip_shortest", TP_FILE_INT64, BY_RUNG, "rounds", "shortest of them; 0: none"},
    [LONGEST]   = {"/diagnostics/round_trip_longest", TP_FILE_INT64, BY_RUNG, "rounds", "longest of them; 0: none"},
    [OBSERVED]  = {"/diagnostics/round_trip_rate", TP_FILE_DOUBLE, ONE, "1/round", "round trips per round and walker"},
    [PREDICTED] = {"/diagnostics/round_trip_rate_predicted", TP_FILE_DOUBLE, ONE, "1/round",
                   "the same from the rejections, if successive attempts were independent; NaN: no formula"},
    [VISITS]    = {"/diagnostics/visits", TP_FILE_INT64, SQUARE, "rounds",
                   "time of each walker at each rung [walker, rung]"},
    [RUNG_CORRELATION]   = {"/diagnostics/energy_correlation_rung", TP_FILE_DOUBLE, BY_RUNG, "rounds",
                            "statistical inefficiency of the energy at each rung"},
    [WALKER_CORRELATION] = {"/diagnostics/energy_correlation_walker", TP_FILE_DOUBLE, BY_RUNG, "rounds",
                            "statistical inefficiency of the energy along each walker's way"},
    [ROUNDS]             = {"/diagnostics/rounds", TP_FILE_INT64, ONE, "rounds",
                            "that these numbers are of; 0: there are none yet"},
};

static const void *DataOf(TpDiagnostics diagnostics, int i)
{
  const TpLadderStatistics statistics         = diagnostics->statistics;
  const void *const        data[NUM_DATASETS] = {
             [ATTEMPTS]           = statistics->attempts,
             [ACCEPTANCES]        = statistics->acceptances,
             [REJECTION]          = diagnostics->rejection,
             [TRANSITIONS]        = statistics->transitions,
             [SECOND_EIGENVALUE]  = &diagnostics->second_eigenvalue,
             [ROUND_TRIPS]        = statistics->round_trips,
             [MEAN_TRIP]          = diagnostics->mean_trip,
             [SHORTEST]           = statistics->shortest,
             [LONGEST]            = statistics->longest,
             [OBSERVED]           = &diagnostics->observed_rate,
             [PREDICTED]          = &diagnostics->predicted_rate,
             [VISITS]             = statistics->visits,
             [RUNG_CORRELATION]   = diagnostics->rung_correlation,
             [WALKER_CORRELATION] = diagnostics->walker_correlation,
             [ROUNDS]             = &statistics->rounds,
  };

  return data[i];
}

static PetscInt RowsOf(Shape shape, PetscInt num_rungs)
{
  return shape == ONE ? 1 : shape == BY_PAIR ? num_rungs - 1 : num_rungs;
}

PetscErrorCode TpDiagnosticsDefine(TpFile file, PetscInt num_rungs)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < NUM_DATASETS; ++i) {
    const PetscInt64 shape[] = {RowsOf(datasets[i].shape, num_rungs), num_rungs};

    PetscCall(TpFileDefine(file, datasets[i].name, datasets[i].type, datasets[i].shape == SQUARE ? 2 : 1, shape,
                           datasets[i].unit, datasets[i].description));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDiagnosticsWrite(TpFile file, MPI_Comm comm, TpDiagnostics diagnostics)
{
  const PetscInt64 none = 0;
  int              rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  /* a kill in between leaves none, not a mixture of old and new */
  PetscCall(TpFileWriteRows(file, datasets[ROUNDS].name, TP_FILE_INT64, 0, rank ? 0 : 1, &none));
  for (int i = 0; i < NUM_DATASETS && diagnostics; ++i)
    PetscCall(TpFileWriteRows(file, datasets[i].name, datasets[i].type, 0,
                              rank ? 0 : RowsOf(datasets[i].shape, diagnostics->num_rungs), DataOf(diagnostics, i)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
