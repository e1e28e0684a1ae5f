/* tempera info FILE: what a file is, whether it is whole, where it came from. */
#include "anneal-impl.h"
#include "diagnostics.h"
#include "ti-impl.h"

#include <math.h>
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

/* What the tuning has come to, or the ladder as it was given. */
static PetscErrorCode TellLadder(TpFile file, PetscInt64 next_round)
{
  PetscInt64 num_rungs, tune_rounds;
  PetscBool  has_ladder, is_tuned;
  double    *temperature;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(file, "/ladder/temperature", &has_ladder));
  if (!has_ladder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileShape(file, "/ladder/temperature", 1, &num_rungs));
  PetscCall(PetscMalloc1(num_rungs, &temperature));
  PetscCall(TpFileReadAll(file, "/ladder/temperature", TP_FILE_DOUBLE, 1, &num_rungs, temperature));
  PetscCall(TpFileHas(file, "/tuner/sums", &is_tuned));
  printf("  temperatures");
  for (PetscInt64 k = 0; k < num_rungs; ++k) printf(" %.10g", temperature[k]);
  if (is_tuned) {
    PetscCall(TpFileReadInteger(file, "/tuner", "rounds", &tune_rounds));
    printf(next_round < tune_rounds ? ": being tuned up to round %lld" : ": tuned, frozen since round %lld",
           (long long)tune_rounds);
  }
  printf("\n");
  PetscCall(PetscFree(temperature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Systems that `tempera ti` learns from. */
static PetscErrorCode CountMembers(TpFile file, PetscInt *count)
{
  PetscBool has = PETSC_TRUE;

  PetscFunctionBeginUser;
  for (*count = 0; has; *count += has ? 1 : 0) {
    char name[64];

    snprintf(name, sizeof(name), "/members/%d", (int)*count);
    PetscCall(TpFileHas(file, name, &has));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellTiCheckpoint(TpFile file)
{
  PetscInt64 next_round, step = 0;
  PetscInt   members;
  PetscBool  has_trainer;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "next_round", &next_round));
  PetscCall(TpFileHas(file, "/trainer", &has_trainer));
  if (has_trainer) PetscCall(TpFileReadInteger(file, "/trainer", "step", &step));
  PetscCall(CountMembers(file, &members));
  printf("  of tempera ti, %lld rounds done, %d systems to learn from, %lld optimiser steps\n", (long long)next_round,
         (int)members, (long long)step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellTi(TpFile file)
{
  PetscInt64 targets, parameters;
  PetscInt   members;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/targets/log_z", 1, &targets));
  PetscCall(TpFileShape(file, "/network/parameters", 1, &parameters));
  PetscCall(CountMembers(file, &members));
  printf("  %lld free energies, %d systems learned from, an energy of %lld weights\n", (long long)targets, (int)members,
         (long long)parameters);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellCheckpoint(TpFile file)
{
  PetscInt64 next_round, step, shape[2];
  PetscBool  has_states, is_ti;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(file, "/members", &is_ti));
  if (is_ti) {
    PetscCall(TellTiCheckpoint(file));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TpFileReadInteger(file, "/", "next_round", &next_round));
  PetscCall(TpFileReadInteger(file, "/trainer", "step", &step));
  PetscCall(TpFileHas(file, "/states", &has_states));
  if (!has_states) {
    printf("  of a training, %lld optimiser steps\n", (long long)step);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TpFileShape(file, "/states", 2, shape));
  printf("  %lld rounds done, %lld optimiser steps, %lld rungs\n", (long long)next_round, (long long)step,
         (long long)shape[0]);
  PetscCall(TellLadder(file, next_round));
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

static PetscErrorCode TellAnneal(TpFile file)
{
  PetscInt64 rows, shape[3];

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/temperature", 1, &rows));
  PetscCall(TpFileShape(file, "/samples/features", 3, shape));
  printf("  %lld members, %lld temperatures, samples at %lld of them, %lld features\n", (long long)shape[0],
         (long long)rows, (long long)shape[1], (long long)shape[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellAnnealCheckpoint(TpFile file)
{
  PetscInt64 sweep, rows, shape[2];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "sweep", &sweep));
  PetscCall(TpFileReadInteger(file, "/", "num_rows", &rows));
  PetscCall(TpFileShape(file, "/states", 2, shape));
  printf("  %lld members, %lld sweeps done, %lld temperatures done\n", (long long)shape[0], (long long)sweep,
         (long long)rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kind and sizes; each kind has its own. */
static void TellNetwork(TpModel model)
{
  const TpNetworkSettings *network = &model->network;
  const char              *kind    = tp_network_words[network->kind];

  if (!strcmp(kind, "unet1d")) {
    printf("  network %s, width %lld, multipliers", kind, (long long)network->width);
    for (PetscInt i = 0; i < TP_MAX_LEVELS && network->multipliers[i]; ++i)
      printf(" %lld", (long long)network->multipliers[i]);
    printf(", %lld %s at a position", (long long)network->channels, network->channels > 1 ? "inputs" : "input");
  } else
    printf("  network %s, width %lld, depth %lld, embedding %lld", kind, (long long)network->width,
           (long long)network->depth, (long long)network->embedding);
  printf(": %d weights after %lld optimiser steps\n", (int)model->num_parameters, (long long)model->step);
}

/* What was learned, from what. */
static void TellLearned(TpModel model)
{
  const TpCondition *condition = &model->condition;

  printf("  learned from temperatures");
  for (PetscInt i = 0; i < model->num_temperatures; ++i) printf(" %g", model->temperature[i]);
  printf(" %s, label %s, %s", TpUnitName(model->units, TP_DIMENSION_TEMPERATURE), tp_label_words[model->label],
         tp_role_words[condition->role]);
  for (PetscInt i = 0; i < condition->num_further; ++i) printf(", condition %s", model->further[i]);
  printf("\n  moving averages of decay");
  for (PetscInt i = 0; i < model->num_averages; ++i) printf(" %.10g", model->decay[i]);
  if (isfinite(model->validation_loss)) printf("; validation loss %.6g", model->validation_loss);
  printf("\n  features");
  for (PetscInt i = 0; i < model->num_features; ++i)
    printf(" %s%s%s%s", model->name[i], model->unit[i][0] ? " [" : "", model->unit[i], model->unit[i][0] ? "]" : "");
  printf("; angles %s\n", tp_angles_words[model->encoding->angles]);
}

static PetscErrorCode TellLayers(TpModel model)
{
  TpNetwork       network;
  PetscInt        count;
  const TpTensor *tensors;

  PetscFunctionBeginUser;
  PetscCall(TpModelNetwork(model, &network));
  PetscCall(TpNetworkTensors(network, &count, &tensors));
  printf("  %d inputs, %d conditions, %.4g operations per evaluation and sample\n", (int)TpNetworkNumInputs(network),
         (int)TpNetworkNumConditions(network), TpNetworkOperations(network));
  printf("    %-36s %16s %12s\n", "layer", "shape", "parameters");
  for (PetscInt i = 0; i < count; ++i) {
    char shape[32];

    snprintf(shape, sizeof(shape), "%d x %d", (int)tensors[i].rows, (int)tensors[i].columns);
    printf("    %-36s %16s %12lld\n", tensors[i].name, shape,
           (long long)tensors[i].rows * (long long)tensors[i].columns);
  }
  printf("    %-36s %16s %12d\n", "all", "", (int)TpNetworkNumParameters(network));
  PetscCall(TpNetworkDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellModel(const char *path)
{
  TpModel model;

  PetscFunctionBeginUser;
  PetscCall(TpModelRead(MPI_COMM_SELF, path, &model));
  TellNetwork(model);
  printf("  diffusion %s, %lld times, predicts %s; sampler %s, %lld steps\n",
         tp_schedule_words[model->diffusion.schedule], (long long)model->diffusion.num_times,
         tp_predict_words[model->diffusion.predict], tp_sampler_words[model->diffusion.sampler],
         (long long)model->diffusion.num_steps);
  TellLearned(model);
  PetscCall(TellLayers(model));
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
  if (!strcmp(format, TP_TI_FORMAT)) PetscCall(TellTi(file));
  if (!strcmp(format, TP_ANNEAL_FORMAT)) PetscCall(TellAnneal(file));
  if (!strcmp(format, TP_ANNEAL_CHECKPOINT_FORMAT)) PetscCall(TellAnnealCheckpoint(file));
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
