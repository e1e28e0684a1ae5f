/*
  How long MBAR takes: bench-thermo-mbar K SAMPLES [FOLDER]. SAMPLES in all, shared by the rungs and by the ranks. Prints seconds and, with FOLDER,
  writes the energies (float64), the temperatures and f there, for other programs to solve.
*/
#include "mbar-samples.h"

#include <stdlib.h>
#include <time.h>

static PetscErrorCode WriteArray(const char *folder, const char *name, PetscInt64 n, const double values[])
{
  char  path[PETSC_MAX_PATH_LEN];
  FILE *file;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", folder, name));
  file = fopen(path, "wb");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "Cannot write %s", path);
  PetscCheck(fwrite(values, sizeof(double), (size_t)n, file) == (size_t)n, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s",
             path);
  PetscCheck(fclose(file) == 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(PetscInt num_states, PetscInt64 samples, const char *folder)
{
  int          rank, size;
  double       seconds, processor;
  Oscillators  system;
  TpMbarResult result;
  TpMbar       mbar;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(OscillatorsCreate(num_states, 30, 1.2, samples / num_states / size, &system));
  PetscCall(OscillatorsDraw(&system, (uint64_t)rank));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  seconds   = MPI_Wtime();
  processor = (double)clock() / CLOCKS_PER_SEC;
  PetscCall(OscillatorsMbar(&system, PETSC_COMM_WORLD, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  seconds   = MPI_Wtime() - seconds;
  processor = (double)clock() / CLOCKS_PER_SEC - processor;
  if (rank == 0)
    printf("K %d samples %lld ranks %d seconds %.4f processor_seconds %.4f evaluations %d gradient %.2e least_overlap "
           "%.3f\n",
           (int)num_states, (long long)(system.total * size), size, seconds, processor, (int)result.evaluations,
           result.gradient, result.least_overlap);
  if (folder && rank == 0) {
    PetscCall(WriteArray(folder, "energy", system.total, system.energy));
    PetscCall(WriteArray(folder, "temperature", num_states, system.temperature));
    PetscCall(WriteArray(folder, "f", num_states, result.f));
    PetscCall(WriteArray(folder, "error", num_states, result.error));
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc >= 3, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "usage: bench-thermo-mbar K SAMPLES [FOLDER]");
  PetscCall(Measure((PetscInt)atoi(argv[1]), (PetscInt64)atoll(argv[2]), argc > 3 ? argv[3] : NULL));
  PetscCall(PetscFinalize());
  return 0;
}
