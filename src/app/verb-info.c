/* tempera info FILE: what a file is, whether it is whole, where it came from. */
#include "diagnostics.h"

#include <string.h>

/* Attributes that every file of ours has. */
static PetscErrorCode TellHeader(TpFile file, const char *path, char **format)
{
  PetscInt64 version;
  char      *program;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, "/", "format", format));
  PetscCall(TpFileReadInteger(file, "/", "format_version", &version));
  PetscCall(TpFileReadText(file, "/", "program", &program));
  printf("%s: %s, format version %lld, written by %s\n", path, *format, (long long)version, program);
  PetscCall(PetscFree(program));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellCheckpoint(TpFile file)
{
  PetscInt64 next_round, step, shape[2];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "next_round", &next_round));
  PetscCall(TpFileReadInteger(file, "/trainer", "step", &step));
  PetscCall(TpFileShape(file, "/states", 2, shape));
  printf("  %lld rounds done, %lld optimiser steps, %lld rungs\n", (long long)next_round, (long long)step,
         (long long)shape[0]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellRun(TpFile file)
{
  const PetscInt64 one = 1;
  PetscInt64       written, rounds, shape[3];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadAll(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, &written));
  PetscCall(TpFileShape(file, "/training/loss", 1, &rounds));
  PetscCall(TpFileShape(file, "/features/value", 3, shape));
  printf("  %lld of %lld rounds written, %lld rungs, %lld features\n", (long long)written, (long long)rounds,
         (long long)shape[1], (long long)shape[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Worked out anew: the file may be of a run that is at work, or was killed. */
static PetscErrorCode TellDiagnostics(TpFile file)
{
  PetscInt64    written;
  TpDiagnostics diagnostics;

  PetscFunctionBeginUser;
  fflush(stdout);
  PetscCall(TpFileReadRows(file, "/progress/rounds_written", TP_FILE_INT64, 0, 1, &written));
  PetscCall(TpDiagnosticsCreate(file, MPI_COMM_SELF, written, &diagnostics));
  PetscCall(TpDiagnosticsTell(diagnostics));
  PetscCall(TpDiagnosticsDestroy(&diagnostics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellModel(const char *path)
{
  TpModel         model;
  TpNetwork       network;
  PetscInt        count;
  const TpTensor *tensors;

  PetscFunctionBeginUser;
  PetscCall(TpModelRead(MPI_COMM_SELF, path, &model));
  printf("  network %s, width %lld, depth %lld, embedding %lld: %d weights after %lld optimiser steps\n",
         tp_network_words[model->network.kind], (long long)model->network.width, (long long)model->network.depth,
         (long long)model->network.embedding, (int)model->num_parameters, (long long)model->step);
  printf("  diffusion %s, %lld times; sampler %s, %lld steps\n", tp_schedule_words[model->diffusion.schedule],
         (long long)model->diffusion.num_times, tp_sampler_words[model->diffusion.sampler],
         (long long)model->diffusion.num_steps);
  printf("  learned from temperatures");
  for (PetscInt i = 0; i < model->num_temperatures; ++i) printf(" %g", model->temperature[i]);
  printf(" %s, label %s\n", TpUnitName(model->units, TP_DIMENSION_TEMPERATURE), tp_label_words[model->label]);
  printf("  features");
  for (PetscInt i = 0; i < model->num_features; ++i)
    printf(" %s%s%s%s", model->name[i], model->unit[i][0] ? " [" : "", model->unit[i], model->unit[i][0] ? "]" : "");
  printf("\n");
  PetscCall(TpNetworkCreate(&model->network, model->encoding->num_encoded, 1, &network));
  PetscCall(TpNetworkTensors(network, &count, &tensors));
  printf("  %.4g operations per evaluation and sample; tensors:\n", TpNetworkOperations(network));
  for (PetscInt i = 0; i < count; ++i)
    printf("    %-32s %6d x %d\n", tensors[i].name, (int)tensors[i].rows, (int)tensors[i].columns);
  PetscCall(TpNetworkDestroy(&network));
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters that the run was made with: short enough to show whole. */
static PetscErrorCode TellParameters(TpFile file)
{
  char *parameters;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, "/", "parameters", &parameters));
  if (parameters[0]) printf("used parameters:\n%s", parameters);
  PetscCall(PetscFree(parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellFile(const char *path)
{
  TpFile    file;
  char     *format, message[512];
  PetscBool whole;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_SELF, path, NULL, 0, &file));
  PetscCall(TellHeader(file, path, &format));
  if (!strcmp(format, TP_CHECKPOINT_FORMAT) || !strcmp(format, TP_FAILURE_FORMAT)) PetscCall(TellCheckpoint(file));
  if (!strcmp(format, TP_RUN_FORMAT)) PetscCall(TellRun(file));
  if (!strcmp(format, TP_MODEL_FORMAT)) PetscCall(TellModel(path));
  PetscCall(TpFileVerify(MPI_COMM_SELF, path, &whole, message, sizeof(message)));
  printf("%s%s\n", whole ? "" : "DAMAGED: ", message);
  if (whole && !strcmp(format, TP_RUN_FORMAT)) PetscCall(TellDiagnostics(file));
  PetscCall(TellParameters(file));
  PetscCall(PetscFree(format));
  PetscCall(TpFileClose(&file));
  TpCheckInput(whole, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpVerbInfo(MPI_Comm comm, const TpCommandLine *command)
{
  PetscErrorCode code = PETSC_SUCCESS;
  int            rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = TellFile(command->operand);
  PetscCall(TpAgree(comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
