/* What this program is and what it was built with. */
#include "app-impl.h"

#include "build-info.h"
#include "revision.h"

#include <hdf5.h>
#include <string.h>

const char *TpVersionLine(void)
{
  return "tempera " TP_VERSION " (" TP_REVISION ")";
}

PetscErrorCode TpVersionWrite(FILE *file)
{
  char     mpi[MPI_MAX_LIBRARY_VERSION_STRING], engines[512];
  int      length;
  unsigned major, minor, release;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Get_library_version(mpi, &length));
  mpi[strcspn(mpi, ",\n")] = '\0';
  PetscCall(TpEngineDescribeBuild(engines, sizeof(engines)));
  TpCallHDF5(H5get_libversion(&major, &minor, &release));
  fprintf(file, "%s\n", TpVersionLine());
  fprintf(file, "compiler  %s, %s\n", TP_COMPILER, TP_BUILD_TYPE);
  fprintf(file, "MPI       %s\n", mpi);
  fprintf(file, "PETSc     %s\n", TP_PETSC);
  fprintf(file, "HDF5      %u.%u.%u, parallel\n", major, minor, release);
  fprintf(file, "libyaml   %s\n", TP_YAML);
  fprintf(file, "BLAS      %s\n", TP_BLAS);
  fprintf(file, "kernels   %s\n", TpKernelsName());
  fprintf(file, "engines   %s\n", engines);
  PetscFunctionReturn(PETSC_SUCCESS);
}
