/* Samples that are given, for their densities. */
#include "data-impl.h"
#include "model.h"

#include <math.h>
#include <string.h>

static PetscErrorCode CheckWidth(const char *path, TpModel model, PetscInt64 width)
{
  PetscFunctionBeginUser;
  TpCheckInput(width == model->num_features,
               "%s: its samples have %" PetscInt64_FMT " features, the model has %" PetscInt_FMT, path, width,
               model->num_features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On one rank, by the reader of recorded arrays: all columns are features, so it is told of some temperature. */
static PetscErrorCode ReadArray(const char *path, TpModel model, PetscInt64 *count, float **given)
{
  char       none[]   = "";
  TpSettings settings = {.data = {.dataset = none, .temperature_column = -1}};
  TpDataFile file     = {.reader = &tp_data_reader_array, .settings = &settings, .path = path, .temperature = 1.0};
  double    *label, *bath;

  PetscFunctionBeginUser;
  PetscCall(file.reader->open(&file));
  PetscCall(CheckWidth(path, model, file.num_features));
  *count = file.num_rows;
  PetscCall(PetscMalloc1(*count * file.num_features, given));
  PetscCall(PetscMalloc2(*count, &label, *count, &bath));
  PetscCall(file.reader->read(&file, 0, *count, *given, NULL, label, bath));
  PetscCall(PetscFree2(label, bath));
  PetscCall(file.reader->close(&file));
  PetscCall(PetscFree3(file.name, file.unit, file.period));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 reads, all get it. */
static PetscErrorCode ShareArray(MPI_Comm comm, const char *path, TpModel model, PetscInt64 *count, float **given)
{
  PetscMPIInt    rank;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = ReadArray(path, model, count, given);
  PetscCall(TpAgree(comm, code));
  PetscCallMPI(MPI_Bcast(count, 1, MPI_INT64_T, 0, comm));
  TpCheckInput(*count * model->num_features < PETSC_MPI_INT_MAX, "%s: too many samples for one file", path);
  if (rank != 0) PetscCall(PetscMalloc1(*count * model->num_features, given));
  PetscCallMPI(MPI_Bcast(*given, (PetscMPIInt)(*count * model->num_features), MPI_FLOAT, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSamples(MPI_Comm comm, const char *path, TpModel model, PetscInt64 *count, float **given)
{
  TpFile     file;
  PetscInt64 shape[3];

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(comm, path, TP_SAMPLES_FORMAT, TP_SAMPLES_VERSION, &file));
  PetscCall(TpFileShape(file, "/samples", 3, shape));
  PetscCall(CheckWidth(path, model, shape[2]));
  *count = shape[0] * shape[1];
  PetscCall(PetscMalloc1(*count * shape[2], given));
  PetscCall(TpFileReadAll(file, "/samples", TP_FILE_FLOAT, 3, shape, *given));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGivenRead(MPI_Comm comm, const char *path, TpModel model, PetscInt64 *count, float **given)
{
  const size_t length = strlen(path);

  PetscFunctionBeginUser;
  if (length > 4 && !strcmp(path + length - 4, ".npy"))
    PetscCall(ShareArray(comm, path, model, count, given));
  else
    PetscCall(ReadSamples(comm, path, model, count, given));
  for (PetscInt64 i = 0; i < *count * model->num_features; ++i)
    TpCheckInput(isfinite((*given)[i]), "%s: sample %" PetscInt64_FMT " is not a number", path,
                 i / model->num_features);
  PetscFunctionReturn(PETSC_SUCCESS);
}
