#include "test.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int num_failures;

void TpTestBegin(int *argc, char ***argv)
{
  if (PetscInitialize(argc, argv, NULL, NULL)) _Exit(1);
  if (TpErrorHandlerInstall()) _Exit(1);
}

int TpTestEnd(void)
{
  int all = 0;

  if (MPI_Allreduce(&num_failures, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD)) return 1;
  if (PetscFinalize()) return 1;
  return all ? 1 : 0;
}

int TpTestSkip(const char *reason)
{
  printf("SKIP: %s\n", reason);
  if (PetscFinalize()) return 1;
  return 77;
}

void TpTestCheck(int ok, const char *file, int line, const char *format, ...)
{
  int     rank;
  va_list arguments;

  if (ok) return;
  ++num_failures;
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank)) rank = -1;
  printf("rank %d: %s:%d: ", rank, file, line);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

void TpTestCheckEqual(long long value, long long expected, const char *text, const char *file, int line)
{
  TpTestCheck(value == expected, file, line, "%s is %lld, expected %lld", text, value, expected);
}

void TpTestCheckClose(double value, double expected, double tolerance, const char *text, const char *file, int line)
{
  const double difference = fabs(value - expected);

  TpTestCheck(difference <= tolerance, file, line, "%s is %.12g, expected %.12g, off by %.3g, allowed %.3g", text,
              value, expected, difference, tolerance);
}

void TpTestCheckText(const char *text, const char *part, const char *file, int line)
{
  TpTestCheck(strstr(text, part) != NULL, file, line, "'%s' does not contain '%s'", text, part);
}

PetscErrorCode TpTestFileWrite(const char *text, TpTestFile *file)
{
  int   descriptor;
  FILE *stream;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(file->path, "/tmp/tempera-test-XXXXXX", sizeof(file->path)));
  descriptor = mkstemp(file->path);
  PetscCheck(descriptor >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "no temporary file");
  stream = fdopen(descriptor, "w");
  PetscCheck(stream && fputs(text, stream) >= 0 && !fclose(stream), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s",
             file->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTestFileRemove(const TpTestFile *file)
{
  PetscFunctionBeginUser;
  PetscCheck(!unlink(file->path), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s can't be removed", file->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
