/* The program from its arguments to its exit status. */
#include "app-impl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* PETSc sees what follows "--" and nothing else; ours stays ours. */
static PetscErrorCode InitialisePetsc(int argc, char **argv)
{
  int    first = 1, count = 1;
  char **mine;

  while (first < argc && strcmp(argv[first], "--")) ++first;
  mine = calloc((size_t)(argc + 1), sizeof(*mine));
  if (!mine) return PETSC_ERR_MEM;
  mine[0] = argv[0];
  for (int i = first + 1; i < argc; ++i) mine[count++] = argv[i];
  char               **petsc_argv = mine;
  const PetscErrorCode code       = PetscInitialize(&count, &petsc_argv, NULL, NULL);

  free(mine); /* PETSc has copied the options */
  return code;
}

/* Options that PETSc has not used by the end are mistakes, but the run is done: say so. Those of the environment stay: PetscFinalize() reads some. */
static PetscErrorCode WarnUnusedOptions(int rank)
{
  const char *environment = getenv("PETSC_OPTIONS");
  PetscInt    count;
  char      **names, **values;
  char        option[256];

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &count, &names, &values));
  for (PetscInt i = 0; i < count; ++i) {
    if (environment && strstr(environment, names[i])) continue;
    if (rank == 0) TpLog(TP_LOG_WARNING, "-%s: PETSc did not use this option", names[i]);
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s", names[i]));
    PetscCall(PetscOptionsClearValue(NULL, option));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &count, &names, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Text for people may go to a pipe that closes early (| head); that is no crash to tell about, as PETSc would. */
static void AllowClosedPipe(void)
{
  signal(SIGPIPE, SIG_DFL);
}

/* --help, --version and --example need no file; they are for rank 0. */
static PetscErrorCode Answer(int argc, char **argv, int rank, PetscBool *answered)
{
  PetscFunctionBeginUser;
  *answered = PETSC_TRUE;
  if (argc > 1 && argv[1][0] == '-') AllowClosedPipe();
  if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
    if (rank == 0) PetscCall(TpHelpWrite(argc > 2 ? argv[2] : NULL, stdout));
  } else if (argc > 1 && !strcmp(argv[1], "--version")) {
    if (rank == 0) PetscCall(TpVersionWrite(stdout));
  } else if (argc > 1 && !strcmp(argv[1], "--example")) {
    if (rank == 0) PetscCall(TpConfigWriteExample(tp_parameters, stdout));
  } else if (argc > 1 && !strcmp(argv[1], "--reference")) {
    if (rank == 0) PetscCall(TpConfigWriteReference(tp_parameters, stdout));
  } else
    *answered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes may differ: one may have what another has not. */
static PetscErrorCode ChooseKernels(void)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(PETSC_COMM_WORLD, TpKernelsChoose(getenv("TEMPERA_KERNELS"))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Dispatch(int argc, char **argv, int rank)
{
  TpCommandLine command;
  PetscBool     answered;

  PetscFunctionBeginUser;
  PetscCall(ChooseKernels());
  PetscCall(Answer(argc, argv, rank, &answered));
  if (answered) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpCommandLineParse(argc, argv, &command));
  if (!strcmp(command.verb, "run"))
    PetscCall(TpVerbRun(PETSC_COMM_WORLD, &command));
  else if (!strcmp(command.verb, "train"))
    PetscCall(TpVerbTrain(PETSC_COMM_WORLD, &command));
  else if (!strcmp(command.verb, "ti"))
    PetscCall(TpVerbTi(PETSC_COMM_WORLD, &command));
  else if (!strcmp(command.verb, "anneal"))
    PetscCall(TpVerbAnneal(PETSC_COMM_WORLD, &command));
  else if (!strcmp(command.verb, "generate"))
    PetscCall(TpVerbGenerate(PETSC_COMM_WORLD, &command));
  else if (!strcmp(command.verb, "analyze"))
    PetscCall(TpVerbAnalyze(PETSC_COMM_WORLD, &command));
  else {
    AllowClosedPipe();
    PetscCall(TpVerbInfo(PETSC_COMM_WORLD, &command));
  }
  PetscCall(TpCommandLineDestroy(&command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int TpApplication(int argc, char **argv)
{
  PetscErrorCode code;
  int            rank;

  /* The library's waiting yields the core, whatever it was told from outside: there may be more ranks than cores. */
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  if (InitialisePetsc(argc, argv) || TpErrorHandlerInstall() || MPI_Comm_rank(PETSC_COMM_WORLD, &rank)) return 1;
  code = Dispatch(argc, argv, rank);
  if (code == TP_ERR_INPUT || code == TP_ERR_STOPPED) {
    if (rank == 0) TpLog(TP_LOG_ERROR, "%s", TpInputErrorMessage());
  } else if (code)
    MPI_Abort(PETSC_COMM_WORLD, 1);
  else
    code = WarnUnusedOptions(rank);
  if (PetscFinalize()) return 1;
  return code == TP_ERR_INPUT ? 2 : code ? 1 : 0;
}
