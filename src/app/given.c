/* Samples that are given instead of generated. */
#include "data-impl.h"
#include "model.h"

#include <math.h>
#include <string.h>

/* Whose features they are. */
typedef struct {
  const char *path, *owner;
  PetscInt    num_features;
} Source;

static PetscErrorCode CheckWidth(const Source *source, PetscInt64 width)
{
  PetscFunctionBeginUser;
  TpCheckInput(width == source->num_features,
               "%s: its samples have %" PetscInt64_FMT " features, %s has %" PetscInt_FMT, source->path, width,
               source->owner, source->num_features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On one rank, by the reader of recorded arrays: all columns are features, so it is told of some temperature. */
static PetscErrorCode ReadArray(const Source *source, TpGiven *given)
{
  char       none[]   = "";
  TpSettings settings = {.data = {.dataset = none, .temperature_column = -1}};
  TpDataFile file = {.reader = &tp_data_reader_array, .settings = &settings, .path = source->path, .temperature = 1.0};
  double    *label, *bath;

  PetscFunctionBeginUser;
  PetscCall(file.reader->open(&file));
  PetscCall(CheckWidth(source, file.num_features));
  given->num_samples = file.num_rows;
  PetscCall(PetscMalloc1(file.num_rows * file.num_features, &given->samples));
  PetscCall(PetscMalloc2(file.num_rows, &label, file.num_rows, &bath));
  PetscCall(file.reader->read(&file, 0, file.num_rows, given->samples, NULL, label, bath));
  PetscCall(PetscFree2(label, bath));
  PetscCall(file.reader->close(&file));
  PetscCall(PetscFree3(file.name, file.unit, file.period));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 reads, all get it. */
static PetscErrorCode ShareArray(MPI_Comm comm, const Source *source, TpGiven *given)
{
  const PetscInt width = source->num_features;
  PetscMPIInt    rank;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = ReadArray(source, given);
  PetscCall(TpAgree(comm, code));
  PetscCallMPI(MPI_Bcast(&given->num_samples, 1, MPI_INT64_T, 0, comm));
  TpCheckInput(given->num_samples * width < PETSC_MPI_INT_MAX, "%s: too many samples for one file", source->path);
  if (rank != 0) PetscCall(PetscMalloc1(given->num_samples * width, &given->samples));
  PetscCallMPI(MPI_Bcast(given->samples, (PetscMPIInt)(given->num_samples * width), MPI_FLOAT, 0, comm));
  given->num_temperatures = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSamples(MPI_Comm comm, const Source *source, TpGiven *given)
{
  TpFile     file;
  PetscInt64 shape[3];

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(comm, source->path, TP_SAMPLES_FORMAT, TP_SAMPLES_VERSION, &file));
  PetscCall(TpFileShape(file, "/samples", 3, shape));
  PetscCall(CheckWidth(source, shape[2]));
  given->num_temperatures = (PetscInt)shape[0];
  given->num_samples      = shape[1];
  PetscCall(PetscMalloc1(shape[0], &given->temperature));
  PetscCall(PetscMalloc1(shape[0] * shape[1] * shape[2], &given->samples));
  PetscCall(TpFileReadAll(file, "/temperature", TP_FILE_DOUBLE, 1, shape, given->temperature));
  PetscCall(TpFileReadAll(file, "/samples", TP_FILE_FLOAT, 3, shape, given->samples));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGivenRead(MPI_Comm comm, const char *path, const char *owner, PetscInt num_features, TpGiven *given)
{
  const Source source = {path, owner, num_features};
  const size_t length = strlen(path);

  PetscFunctionBeginUser;
  *given = (TpGiven){.path = path};
  if (length > 4 && !strcmp(path + length - 4, ".npy"))
    PetscCall(ShareArray(comm, &source, given));
  else
    PetscCall(ReadSamples(comm, &source, given));
  for (PetscInt64 i = 0; i < given->num_temperatures * given->num_samples * num_features; ++i)
    TpCheckInput(isfinite(given->samples[i]), "%s: sample %" PetscInt64_FMT " is not a number", path, i / num_features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGivenDestroy(TpGiven *given)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(given->temperature));
  PetscCall(PetscFree(given->samples));
  *given = (TpGiven){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
