/* tempera anneal INPUT.yaml: a population of configurations from the highest temperature to the lowest. */
#include "anneal-impl.h"

#include <string.h>

/* Where an annealing lies: its lock, log, checkpoint and markers in RUN/anneal, which is the folder of its TpRun; its results in RUN. */
typedef struct {
  TpRun     run;
  TpReplica replica;
  TpAnneal  anneal;
  char      folder[PETSC_MAX_PATH_LEN]; /* RUN */
} Annealing;

/* ------------------------------------------------------------------------------------------------------------- input */

/* Those of anneal.temperatures, or the input's ladder. */
static PetscErrorCode CreateLadder(TpRun run, TpUnitSystem units)
{
  const TpRealList *given    = &run->settings.anneal.temperatures;
  TpLadderSettings  settings = run->settings.ladder;

  PetscFunctionBeginUser;
  for (PetscInt i = 1; i < given->size; ++i)
    if (given->values[i] <= given->values[i - 1])
      PetscFunctionReturn(TpConfigError(run->config, "anneal.temperatures",
                                        "%.10g comes after %.10g; they must increase, and are gone through from the "
                                        "last to the first",
                                        given->values[i], given->values[i - 1]));
  if (given->size) {
    settings.temperatures = *given;
    settings.minimum = settings.maximum = 0.0;
    settings.num_rungs                  = 0;
  }
  PetscCall(TpLadderCreate(&settings, TpBoltzmann(units), (uint64_t)run->settings.run.seed, &run->ladder));
  if (run->ladder->num_rungs < 2)
    PetscFunctionReturn(TpConfigError(run->config, given->size ? "anneal.temperatures" : "ladder.temperatures",
                                      "there is one temperature; an annealing needs 2 or more"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateGroups(TpRun run, MPI_Comm comm)
{
  int size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (run->settings.anneal.population < size)
    PetscFunctionReturn(TpConfigError(run->config, "anneal.population",
                                      "%lld members on %d ranks; allowed: one on each rank, or more",
                                      (long long)run->settings.anneal.population, size));
  PetscCall(TpGroupsCreate(comm, size, 0, TP_PLACEMENT_LAST, &run->groups));
  run->is_writer = run->groups->world_rank == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetFolders(Annealing *annealing)
{
  TpRun run = annealing->run;
  char  path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(run->settings.run.folder, "anneal", path));
  PetscCall(PetscStrncpy(annealing->folder, run->settings.run.folder, sizeof(annealing->folder)));
  PetscCall(PetscFree(run->settings.run.folder));
  PetscCall(PetscStrallocpy(path, &run->settings.run.folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAndCreate(Annealing *annealing, MPI_Comm comm, const TpCommandLine *command)
{
  TpRun        run = annealing->run;
  TpUnitSystem units;

  PetscFunctionBeginUser;
  PetscCall(TpReadInput(comm, command, &run->config, &run->settings));
  run->max_hours = command->max_hours > 0.0 ? command->max_hours : run->settings.run.max_hours;
  PetscCall(TpSettingsUnits(run->config, PETSC_FALSE, &units));
  PetscCall(TpConfigWriteText(run->config, units, &run->settings, NULL, &run->used_parameters));
  PetscCall(SetFolders(annealing));
  PetscCall(CreateLadder(run, units));
  PetscCall(CreateGroups(run, comm));
  PetscCall(TpReplicaProbe(run, &annealing->replica));
  PetscCall(TpEvaluationCheck(run)); /* its pairs are those of the histograms */
  if (command->check)
    PetscCall(TpAnnealPlanWrite(run, annealing->replica));
  else
    PetscCall(TpAnnealCreate(run, annealing->replica, &annealing->anneal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- begin */

/* What to go on from, "" for a new annealing; an old one is not written over. */
static PetscErrorCode FindCheckpoint(TpRun run, const TpCommandLine *command, char path[PETSC_MAX_PATH_LEN])
{
  PetscBool exists;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "checkpoint.h5", path));
  PetscCall(TpPathExists(run->groups->world, path, &exists));
  TpCheckInput(!exists || command->restart,
               "%s: holds an annealing already; go on with it by --restart, or choose another run.folder",
               run->settings.run.folder);
  if (command->restart_path) {
    TpCheckInput(strlen(command->restart_path) < PETSC_MAX_PATH_LEN, "--restart: the path is too long");
    strcpy(path, command->restart_path);
  } else
    TpCheckInput(exists || !command->restart, "%s: holds no annealing to restart; leave --restart away to begin it",
                 run->settings.run.folder);
  if (!command->restart) path[0] = '\0';
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Greet(TpAnneal anneal, const char *folder)
{
  const TpRun    run    = anneal->run;
  const TpLadder ladder = run->ladder;

  TpLog(TP_LOG_PRODUCTION, "%s", TpVersionLine());
  TpLog(TP_LOG_PRODUCTION, "%s: annealing of %d members on %d ranks, %s, from %g to %g in %d temperatures or more",
        folder, (int)anneal->population, run->groups->num_replicas, run->system.engine,
        ladder->temperature[ladder->num_rungs - 1], ladder->temperature[0], (int)ladder->num_rungs);
  if (anneal->sweep)
    TpLog(TP_LOG_PRODUCTION, "going on after %lld sweeps of %lld steps", (long long)anneal->sweep,
          (long long)run->settings.anneal.steps);
}

/* The last things that can be wrong with the input come before anything is made. */
static PetscErrorCode Begin(Annealing *annealing, const TpCommandLine *command)
{
  TpRun    run   = annealing->run;
  MPI_Comm world = run->groups->world;
  char     path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(FindCheckpoint(run, command, path));
  if (path[0])
    PetscCall(TpAnnealReadCheckpoint(annealing->anneal, path));
  else
    PetscCall(TpAnnealStart(annealing->anneal));
  PetscCall(TpFolderCreate(world, run->settings.run.folder));
  PetscCall(TpAgree(world, TpRunFolderLock(run)));
  PetscCall(TpAgree(world, TpRunFolderRemove(run, "finished")));
  PetscCall(TpAgree(world, TpRunFolderRemove(run, "continue")));
  PetscCall(TpAgree(world, TpRunFolderRemove(run, "stop")));
  PetscCall(TpAgree(world, TpRunLogOpen(run)));
  if (run->is_writer) Greet(annealing->anneal, annealing->folder);
  if (!path[0]) PetscCall(TpAnnealWriteCheckpoint(annealing->anneal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- end */

static PetscErrorCode End(Annealing *annealing, PetscBool finished)
{
  TpRun run = annealing->run;

  PetscFunctionBeginUser;
  if (finished) {
    PetscCall(TpAnnealWriteResult(annealing->anneal, annealing->folder));
    PetscCall(TpAnnealTell(annealing->anneal, annealing->folder));
  } else if (run->is_writer)
    TpLog(TP_LOG_PRODUCTION, "stopped after %lld sweeps; go on with: tempera anneal INPUT.yaml --restart",
          (long long)annealing->anneal->sweep);
  PetscCall(TpRunFolderMark(run, finished));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Annealing *annealing)
{
  PetscFunctionBeginUser;
  TpRunLogClose(annealing->run);
  PetscCall(TpAnnealDestroy(&annealing->anneal));
  PetscCall(TpReplicaDestroy(&annealing->replica));
  PetscCall(TpRunDestroy(&annealing->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpVerbAnneal(MPI_Comm comm, const TpCommandLine *command)
{
  Annealing      annealing = {0};
  PetscBool      finished;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&annealing.run));
  annealing.run->start_time  = MPI_Wtime();
  annealing.run->reseed_rung = -1;
  PetscCall(TpStoppingCatchSignals());
  code = ReadAndCreate(&annealing, comm, command);
  if (!code && !command->check) code = Begin(&annealing, command);
  PetscCall(TpRunLocate(annealing.run, code));
  if (!command->check) {
    PetscCall(TpAnnealGoOn(annealing.anneal, &finished));
    PetscCall(End(&annealing, finished));
  }
  PetscCall(Destroy(&annealing));
  PetscFunctionReturn(PETSC_SUCCESS);
}
