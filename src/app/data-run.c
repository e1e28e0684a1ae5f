/* Frames of a run.h5 of ours. A row is one rung of one round. */
#include "data-impl.h"

#include "run-impl.h"

#include <math.h>

typedef struct {
  TpFile   file;
  PetscInt num_rungs;
  double  *temperature; /* [num_rungs] */
} Own;

static PetscErrorCode ReadTexts(TpFile file, const char *dataset, PetscInt count, size_t length, char *first)
{
  PetscInt found;
  char   **texts;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadTexts(file, dataset, &found, &texts));
  for (PetscInt i = 0; i < found; ++i) {
    if (i < count) snprintf(first + (size_t)i * length, length, "%s", texts[i]);
    PetscCall(PetscFree(texts[i]));
  }
  PetscCall(PetscFree(texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1 / (beta T) is k_B, which tells the unit system. */
static PetscErrorCode CheckUnits(TpDataFile *file, const Own *own)
{
  const double boltzmann = TpBoltzmann((TpUnitSystem)file->settings->data.units);
  double       beta;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadRows(own->file, "/ladder/beta", TP_FILE_DOUBLE, 0, 1, &beta));
  TpCheckInput(fabs(beta * own->temperature[0] * boltzmann - 1.0) < 1e-6, "data.units: %s is in %s units", file->path,
               boltzmann == 1.0 ? "molecular" : "reduced");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(TpDataFile *file)
{
  PetscInt64 shape[3], rungs, features, rounds, interval;
  Own       *own;

  PetscFunctionBeginUser;
  TpCheckInput(file->temperature == 0.0, "data.temperatures: %s tells its own temperatures; leave them away",
               file->path);
  TpCheckInput(!file->settings->data.condition_columns.size, "data.condition_columns: %s has no such columns",
               file->path);
  PetscCall(PetscNew(&own));
  file->own = own;
  PetscCall(TpFileOpen(PETSC_COMM_SELF, file->path, TP_RUN_FORMAT, TP_RUN_VERSION, &own->file));
  PetscCall(TpFileShape(own->file, "/features/value", 3, shape));
  PetscCall(TpFileReadRows(own->file, "/progress/rounds_written", TP_FILE_INT64, 0, 1, &rounds));
  PetscCall(TpFileReadInteger(own->file, "/", "feature_interval", &interval));
  rounds /= PetscMax(1, interval); /* those whose frames are kept */
  rungs    = shape[1];
  features = shape[2];
  TpCheckInput(rounds >= 1 && rounds <= shape[0], "%s: holds no frames", file->path);
  own->num_rungs        = (PetscInt)rungs;
  file->rows_per_number = own->num_rungs;
  file->num_rows        = rounds * rungs;
  file->num_features    = (PetscInt)features;
  PetscCall(TpDataFileAllocate(file));
  PetscCall(PetscMalloc1(own->num_rungs, &own->temperature));
  PetscCall(TpFileReadAll(own->file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &rungs, own->temperature));
  PetscCall(CheckUnits(file, own));
  PetscCall(TpFileReadAll(own->file, "/features/period", TP_FILE_DOUBLE, 1, &features, file->period));
  PetscCall(ReadTexts(own->file, "/features/name", file->num_features, TP_NAME_LENGTH, file->name[0]));
  PetscCall(ReadTexts(own->file, "/features/unit", file->num_features, TP_UNIT_LENGTH, file->unit[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `first` and `count` are whole rounds, as the pieces are. */
static PetscErrorCode Read(TpDataFile *file, PetscInt64 first, PetscInt64 count, float features[], float further[],
                           double label[], double bath[])
{
  Own             *own   = file->own;
  const PetscInt64 round = first / own->num_rungs, rounds = count / own->num_rungs;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadRows(own->file, "/features/value", TP_FILE_FLOAT, round, rounds, features));
  PetscCall(TpFileReadRows(own->file, "/temperature/label", TP_FILE_DOUBLE, round, rounds, label));
  for (PetscInt64 i = 0; i < count; ++i) bath[i] = own->temperature[i % own->num_rungs];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(TpDataFile *file)
{
  Own *own = file->own;

  PetscFunctionBeginUser;
  PetscCall(TpFileClose(&own->file));
  PetscCall(PetscFree(own->temperature));
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpDataReader tp_data_reader_run = {.open = Open, .read = Read, .close = Close};
