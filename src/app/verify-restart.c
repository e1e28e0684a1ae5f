/* tempera run INPUT --verify-restart: 2 n rounds, and n + n with a restart between them, must leave the same bits. */
#include "run-impl.h"

#include <stdlib.h>
#include <string.h>

enum { MORE_ROUNDS = 10 }; /* behind the first optimiser step, so that the stop lies in the middle of training */

static const char *const parts[] = {"whole", "restarted"};

/* ------------------------------------------------------------------------------------------------------------- compare */

/* A whole dataset of this file, as it is in memory. Free data. */
typedef struct {
  hid_t   type;
  size_t  element; /* bytes */
  int     rank;
  hsize_t shape[H5S_MAX_RANK];
  hsize_t count;
  char   *data;
} Values;

static PetscErrorCode ReadValues(TpFile file, const char *name, Values *values)
{
  const hid_t dataset = H5Dopen2(TpFileHandle(file), name, H5P_DEFAULT);
  hid_t       space, stored;

  PetscFunctionBeginUser;
  TpCallHDF5(dataset);
  space        = H5Dget_space(dataset);
  stored       = H5Dget_type(dataset);
  values->type = H5Tget_native_type(stored, H5T_DIR_ASCEND);
  TpCallHDF5(values->type);
  values->element = H5Tget_size(values->type);
  values->rank    = H5Sget_simple_extent_dims(space, values->shape, NULL);
  values->count   = (hsize_t)H5Sget_simple_extent_npoints(space);
  PetscCall(PetscMalloc1((size_t)values->count * values->element + 1, &values->data));
  TpCallHDF5(H5Dread(dataset, values->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values->data));
  TpCallHDF5(H5Tclose(stored));
  TpCallHDF5(H5Sclose(space));
  TpCallHDF5(H5Dclose(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeValues(Values *values)
{
  PetscFunctionBeginUser;
  TpCallHDF5(H5Tclose(values->type));
  PetscCall(PetscFree(values->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WriteNumber(const Values *values, hsize_t i, size_t length, char text[])
{
  const char *at = values->data + (size_t)i * values->element;

  if (H5Tget_class(values->type) == H5T_FLOAT && values->element == sizeof(double))
    snprintf(text, length, "%.17g", *(const double *)(const void *)at);
  else if (H5Tget_class(values->type) == H5T_FLOAT && values->element == sizeof(float))
    snprintf(text, length, "%.9g", (double)*(const float *)(const void *)at);
  else if (H5Tget_class(values->type) == H5T_INTEGER && values->element == sizeof(int64_t))
    snprintf(text, length, "%lld", (long long)*(const int64_t *)(const void *)at);
  else if (H5Tget_class(values->type) == H5T_INTEGER && values->element == sizeof(int32_t))
    snprintf(text, length, "%d", (int)*(const int32_t *)(const void *)at);
  else
    snprintf(text, length, "?");
}

/* "[12, 0, 3]" */
static void WriteIndex(const Values *values, hsize_t i, size_t length, char text[])
{
  hsize_t index[H5S_MAX_RANK];
  size_t  end = 0;

  for (int d = values->rank - 1; d >= 0; --d) {
    index[d] = i % values->shape[d];
    i /= values->shape[d];
  }
  text[0] = '\0';
  for (int d = 0; d < values->rank && end < length; ++d)
    end += (size_t)snprintf(text + end, length - end, "%s%lld%s", d ? ", " : "[", (long long)index[d],
                            d == values->rank - 1 ? "]" : "");
}

/* Say how a dataset compares; both files have it of the same shape, or it differs. */
static PetscBool CompareValues(const char *where, const char *name, const Values *a, const Values *b)
{
  hsize_t different = 0, first = 0;
  char    index[128], one[64], two[64];

  if (a->rank != b->rank || a->element != b->element ||
      memcmp(a->shape, b->shape, (size_t)a->rank * sizeof(a->shape[0]))) {
    TpLog(TP_LOG_PRODUCTION, "%s /%s: DIFFERS in its shape", where, name);
    return PETSC_FALSE;
  }
  for (hsize_t i = 0; i < a->count; ++i) {
    if (!memcmp(a->data + i * a->element, b->data + i * a->element, a->element)) continue;
    if (!different++) first = i;
  }
  if (!different) {
    TpLog(TP_LOG_PRODUCTION, "%s /%s: equal, %lld values", where, name, (long long)a->count);
    return PETSC_TRUE;
  }
  WriteIndex(a, first, sizeof(index), index);
  WriteNumber(a, first, sizeof(one), one);
  WriteNumber(b, first, sizeof(two), two);
  TpLog(TP_LOG_PRODUCTION, "%s /%s: DIFFERS in %lld of %lld values, first %s: %s and %s", where, name,
        (long long)different, (long long)a->count, index, one, two);
  return PETSC_FALSE;
}

typedef struct {
  const char    *where; /* name of the file in the run folder */
  TpFile         file[2];
  PetscBool      equal;
  PetscErrorCode code;
} Comparison;

static PetscErrorCode CompareDataset(Comparison *comparison, const char *name)
{
  Values    a, b;
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(comparison->file[1], name, &has));
  if (!has) {
    TpLog(TP_LOG_PRODUCTION, "%s /%s: DIFFERS: is in one only", comparison->where, name);
    comparison->equal = PETSC_FALSE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ReadValues(comparison->file[0], name, &a));
  PetscCall(ReadValues(comparison->file[1], name, &b));
  if (!CompareValues(comparison->where, name, &a, &b)) comparison->equal = PETSC_FALSE;
  PetscCall(FreeValues(&a));
  PetscCall(FreeValues(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* HDF5 calls this for each object of the file. `structure` tells where bytes lie, which may differ. */
static herr_t Visit(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
  Comparison *comparison = context;

  (void)object;
  if (info->type != H5O_TYPE_DATASET || !strcmp(name, "structure")) return 0;
  comparison->code = CompareDataset(comparison, name);
  return comparison->code ? 1 : 0;
}

/* On one rank. */
static PetscErrorCode CompareFile(const char *folder, const char *name, PetscBool *equal)
{
  Comparison comparison = {.where = name, .equal = PETSC_TRUE};
  char       path[PETSC_MAX_PATH_LEN], place[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; ++i) {
    PetscCall(TpPathJoin(folder, parts[i], place));
    PetscCall(TpPathJoin(place, name, path));
    PetscCall(TpFileOpen(MPI_COMM_SELF, path, NULL, 0, &comparison.file[i]));
  }
  TpCallHDF5(
      H5Ovisit2(TpFileHandle(comparison.file[0]), H5_INDEX_NAME, H5_ITER_INC, Visit, &comparison, H5O_INFO_BASIC));
  for (int i = 0; i < 2; ++i) PetscCall(TpFileClose(&comparison.file[i]));
  if (!comparison.equal) *equal = PETSC_FALSE;
  PetscFunctionReturn(comparison.code);
}

/* What must be equal: the last checkpoint, the rows, the model, the trajectories. */
static PetscErrorCode CompareAll(const char *folder, PetscInt64 rounds, const TpRunOutcome *outcome, PetscBool *equal)
{
  char      name[64], path[PETSC_MAX_PATH_LEN];
  PetscBool exists;

  PetscFunctionBeginUser;
  snprintf(name, sizeof(name), "checkpoints/round-%012lld.h5", (long long)rounds);
  PetscCall(CompareFile(folder, name, equal));
  PetscCall(CompareFile(folder, "run.h5", equal));
  snprintf(name, sizeof(name), "%s/model.h5", parts[0]);
  PetscCall(TpPathJoin(folder, name, path));
  PetscCall(TpPathExists(MPI_COMM_SELF, path, &exists));
  if (exists) PetscCall(CompareFile(folder, "model.h5", equal));
  for (PetscInt i = 0; i < 2 * outcome->num_rungs; ++i) {
    const PetscBool by_walker = i < outcome->num_rungs ? PETSC_FALSE : PETSC_TRUE;

    TpTrajectoryName(by_walker, i % outcome->num_rungs, sizeof(name), name);
    if (outcome->has_trajectories[by_walker]) PetscCall(CompareFile(folder, name, equal));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------------- run */

/* Rounds before the stop: given, or enough for training to have begun. */
static PetscInt64 HalfLength(const TpCommandLine *command, const TpSettings *settings)
{
  const PetscInt64 begun = settings->training.start_round + settings->scale_rounds + MORE_ROUNDS;

  return command->verify_rounds > 0 ? command->verify_rounds : PetscMax(1, PetscMin(begun, settings->run.rounds / 2));
}

/* One of the three runs, to the round it is to come to. */
static PetscErrorCode RunPart(MPI_Comm comm, const TpCommandLine *command, const char *folder, PetscInt64 end,
                              TpRunOutcome *outcome)
{
  TpCommandLine part = *command;

  PetscFunctionBeginUser;
  part.folder     = folder;
  part.stop_round = end;
  PetscCall(TpRunOnce(comm, &part, outcome));
  if (outcome->rounds != end)
    PetscFunctionReturn(TpStopError("--verify-restart: a run was stopped after %" PetscInt64_FMT " rounds: no verdict",
                                    outcome->rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tell(const char *folder, PetscInt64 half, const TpRunOutcome *outcome, PetscBool equal)
{
  PetscFunctionBeginUser;
  if (!outcome->deterministic)
    TpLog(TP_LOG_PRODUCTION, "the engine is not deterministic with these settings: differences are expected");
  if (equal)
    TpLog(TP_LOG_PRODUCTION, "verify-restart: EQUAL bit for bit: %lld rounds, and %lld + %lld with a restart",
          (long long)(2 * half), (long long)half, (long long)half);
  else
    PetscFunctionReturn(
        TpStopError("verify-restart: DIFFERENT: %lld rounds, and %lld + %lld with a restart; both are in %s",
                    (long long)(2 * half), (long long)half, (long long)half, folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunAll(MPI_Comm comm, TpCommandLine *command, const char *folder, TpRunOutcome *outcome)
{
  const PetscInt64 half = command->rounds / 2;
  char             whole[PETSC_MAX_PATH_LEN], restarted[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(folder, parts[0], whole));
  PetscCall(TpPathJoin(folder, parts[1], restarted));
  PetscCall(RunPart(comm, command, whole, 2 * half, outcome));
  PetscCall(RunPart(comm, command, restarted, half, outcome));
  command->restart = PETSC_TRUE;
  PetscCall(RunPart(comm, command, restarted, 2 * half, outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpVerifyRestart(MPI_Comm comm, const TpCommandLine *command)
{
  TpCommandLine  part = *command;
  TpConfig       config;
  TpSettings     settings;
  TpRunOutcome   outcome = {0};
  char           folder[PETSC_MAX_PATH_LEN];
  PetscBool      exists, equal = PETSC_TRUE;
  PetscInt64     half;
  PetscErrorCode code = PETSC_SUCCESS;
  int            rank;

  PetscFunctionBeginUser;
  PetscCall(TpReadInput(comm, command, &config, &settings));
  half = HalfLength(command, &settings);
  PetscCall(TpPathJoin(settings.run.folder, "verify-restart", folder));
  PetscCall(TpSettingsDestroy(&settings));
  PetscCall(TpConfigDestroy(&config));
  PetscCall(TpPathExists(comm, folder, &exists));
  TpCheckInput(!exists, "%s: is there from a verification before; remove it first", folder);
  part.rounds = 2 * half;
  PetscCall(RunAll(comm, &part, folder, &outcome));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = CompareAll(folder, 2 * half, &outcome, &equal);
  if (rank == 0 && !code) code = Tell(folder, half, &outcome, equal);
  PetscCall(TpAgree(comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
