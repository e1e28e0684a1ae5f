/* tempera analyze RUN: what a run says of thermodynamics, at any temperature; also while it runs, or after a kill. */
#include "analysis.h"

#include <string.h>

typedef struct {
  MPI_Comm     comm;
  int          rank;
  char         path[PETSC_MAX_PATH_LEN];   /* of run.h5 */
  char         folder[PETSC_MAX_PATH_LEN]; /* of the run */
  char         output[PETSC_MAX_PATH_LEN]; /* folder that is written into */
  TpFile       file;
  char        *parameters; /* of the run, YAML */
  TpConfig     config;
  TpSettings   settings;
  TpSamples    samples;
  TpGiven      given; /* samples to hold against the run; without a path: the model's */
  TpAnalysis   analysis;
  TpHistory    history;
  TpUnitSystem units;
} Job;

/* The operand is the run's folder or its run.h5. */
static PetscErrorCode FindRun(const TpCommandLine *command, Job *job)
{
  const char *operand = command->operand, *slash = strrchr(operand, '/');
  PetscBool   is_folder;

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(operand, "run.h5", job->path));
  PetscCall(TpPathExists(job->comm, job->path, &is_folder));
  if (is_folder) {
    snprintf(job->folder, sizeof(job->folder), "%s", operand);
  } else {
    TpCheckInput(strlen(operand) < sizeof(job->path), "%.80s...: the path is too long", operand);
    snprintf(job->path, sizeof(job->path), "%s", operand);
    snprintf(job->folder, sizeof(job->folder), "%.*s", slash ? (int)PetscMax(1, slash - operand) : 1,
             slash ? operand : ".");
  }
  snprintf(job->output, sizeof(job->output), "%s", command->output ? command->output : job->folder);
  if (command->output) PetscCall(TpFolderCreate(job->comm, job->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The run's own parameters, then --input, then --set: of both only what an analysis depends on. */
static PetscErrorCode ReadParameters(const TpCommandLine *command, Job *job)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(job->file, "/", "parameters", &job->parameters));
  PetscCall(TpConfigCreate(tp_parameters, &job->config));
  PetscCall(TpConfigReadText(job->config, job->path, job->folder, job->parameters));
  if (command->input) PetscCall(TpConfigReadFile(job->config, job->comm, command->input));
  for (PetscInt i = 0; i < command->num_sets; ++i) {
    TpCheckInput(!strncmp(command->sets[i], "analysis.", 9),
                 "--set %s: the run is done; allowed here are keys of the section analysis", command->sets[i]);
    PetscCall(TpConfigSet(job->config, command->sets[i]));
  }
  PetscCall(TpSettingsUnits(job->config, PETSC_FALSE, &job->units));
  PetscCall(TpSettingsCreate(job->config, job->path, PETSC_FALSE, &job->settings));
  if (command->input)
    PetscCall(TpSettingsCompare(&job->settings, job->config, tp_run_free_keys, job->parameters, job->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRun(Job *job)
{
  const TpSamplesTask task = {.start_round = -1, .relax_rounds = job->settings.analysis.relax_rounds};

  PetscFunctionBeginUser;
  PetscCall(TpSamplesRead(job->file, job->comm, job->folder, job->units, &task, &job->samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* If no temperatures are asked for, those of the samples given are what is wanted. */
static PetscErrorCode ReadGiven(const char *path, Job *job)
{
  TpRealList *temperatures = &job->settings.analysis.temperatures;

  PetscFunctionBeginUser;
  if (!path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpGivenRead(job->comm, path, "the run", job->samples.num_features, &job->given));
  if (temperatures->size || !job->given.temperature) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(temperatures->values));
  PetscCall(PetscMalloc1(job->given.num_temperatures, &temperatures->values));
  PetscCall(PetscArraycpy(temperatures->values, job->given.temperature, job->given.num_temperatures));
  temperatures->size = job->given.num_temperatures;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

/* One text file that rank 0 writes and publishes. */
static PetscErrorCode WriteText(const Job *job, const char *name, PetscErrorCode (*write)(const Job *job, FILE *file))
{
  TpText text = {NULL};
  char   path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(job->output, name, path));
  if (job->rank == 0) {
    PetscCall(TpTextBegin(&text));
    PetscCall((*write)(job, text.stream));
  }
  PetscCall(TpTextEnd(job->comm, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteJson(const Job *job, FILE *file)
{
  return TpAnalysisWriteJson(&job->analysis, file);
}

static PetscErrorCode WriteReport(const Job *job, FILE *file)
{
  return TpAnalysisWriteReport(&job->analysis, &job->history, file);
}

static PetscErrorCode Write(const Job *job, const char *export)
{
  char  path[PETSC_MAX_PATH_LEN];
  char *used;

  PetscFunctionBeginUser;
  if (job->rank == 0) PetscCall(TpAnalysisWriteText(&job->analysis, stdout));
  PetscCall(WriteText(job, "analysis.json", WriteJson));
  PetscCall(WriteText(job, "report.html", WriteReport));
  PetscCall(TpPathJoin(job->output, "analysis.h5", path));
  PetscCall(TpConfigWriteText(job->config, job->units, &job->settings, NULL, &used));
  PetscCall(TpAnalysisWriteFile(&job->analysis, job->comm, path, used));
  PetscCall(PetscFree(used));
  if (export) {
    PetscCall(TpPathJoin(job->output, "u_nk.csv", path));
    PetscCall(TpAnalysisExport(&job->samples, &job->analysis, path));
  }
  if (job->rank == 0 && TpAnalysisNumWrong(&job->analysis))
    TpLog(TP_LOG_WARNING, "%s: the run did not sample what it was told to; see the checks above", job->folder);
  if (job->rank == 0)
    printf("\nwritten: %s/analysis.json, analysis.h5, report.html%s\n", job->output, export ? ", u_nk.csv" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- verb */

PetscErrorCode TpVerbAnalyze(MPI_Comm comm, const TpCommandLine *command)
{
  Job job = {.comm = comm};

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &job.rank));
  PetscCall(FindRun(command, &job));
  PetscCall(TpFileOpen(comm, job.path, TP_RUN_FORMAT, TP_RUN_VERSION, &job.file));
  PetscCall(ReadParameters(command, &job));
  PetscCall(ReadRun(&job));
  PetscCall(ReadGiven(command->given, &job));
  PetscCall(TpAnalyse(&job.samples, job.config, &job.settings, &job.given, &job.analysis));
  PetscCall(TpHistoryRead(job.file, &job.samples, &job.analysis, &job.history));
  PetscCall(TpFileClose(&job.file));
  PetscCall(Write(&job, command->export_format));
  PetscCall(TpHistoryDestroy(&job.analysis, &job.history));
  PetscCall(TpAnalysisDestroy(&job.analysis));
  PetscCall(TpGivenDestroy(&job.given));
  PetscCall(TpSamplesDestroy(&job.samples));
  PetscCall(TpSettingsDestroy(&job.settings));
  PetscCall(TpConfigDestroy(&job.config));
  PetscCall(PetscFree(job.parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}
