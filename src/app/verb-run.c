/* tempera run INPUT.yaml: simulate, exchange, train, write. */
#include "run-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------------------- input */

/* "1, 2, 4", as far as there is room. */
static void ListTemperatures(TpLadder ladder, size_t size, char text[])
{
  size_t length = 0;

  text[0] = '\0';
  for (PetscInt k = 0; k < ladder->num_rungs && length < size; ++k)
    length += (size_t)snprintf(text + length, size - length, "%s%g", k ? ", " : "", ladder->temperature[k]);
}

/* Of a ladder that is tuned only the ends have temperatures that can be named. */
static PetscErrorCode CheckHeldTemperature(TpRun run, double temperature)
{
  const PetscInt rung = TpLadderFind(run->ladder, temperature), top = run->ladder->num_rungs - 1;
  char           allowed[512];

  PetscFunctionBeginUser;
  if (rung < 0) {
    ListTemperatures(run->ladder, sizeof(allowed), allowed);
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out",
                                      "%g is no temperature of the ladder; allowed %s", temperature, allowed));
  }
  if (run->tuner && rung > 0 && rung < top)
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out",
                                      "%g will move, as the ladder is tuned; give its rung, %d, by "
                                      "training.hold_out_rungs; allowed here: the ends, %g and %g",
                                      temperature, (int)rung, run->ladder->temperature[0],
                                      run->ladder->temperature[top]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckHeldRung(TpRun run, double rung)
{
  PetscFunctionBeginUser;
  if (rung != floor(rung) || rung >= run->ladder->num_rungs)
    PetscFunctionReturn(TpConfigError(run->config, "training.hold_out_rungs", "%g is no rung; allowed 0 to %d", rung,
                                      (int)run->ladder->num_rungs - 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has to hold between the ladder and the rest. */
static PetscErrorCode CheckHoldOut(TpRun run)
{
  const TpRealList *hold_out = &run->settings.training.hold_out, *rungs = &run->settings.hold_out_rungs;
  PetscInt          left = run->ladder->num_rungs;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < hold_out->size; ++i) PetscCall(CheckHeldTemperature(run, hold_out->values[i]));
  for (PetscInt i = 0; i < rungs->size; ++i) PetscCall(CheckHeldRung(run, rungs->values[i]));
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) left -= TpRunIsHeldOut(run, k);
  if (left < 1)
    PetscFunctionReturn(TpConfigError(run->config, hold_out->size ? "training.hold_out" : "training.hold_out_rungs",
                                      "holds out every rung; at least one must be learned from"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rung can be given its neighbour's configuration if there are both. */
static PetscErrorCode CheckReseed(TpRun run, const TpCommandLine *command)
{
  const PetscInt num_rungs = run->ladder->num_rungs;

  PetscFunctionBeginUser;
  run->reseed_rung = (PetscInt)PetscMin(command->reseed_rung, num_rungs);
  TpCheckInput(run->reseed_rung < 0 || num_rungs > 1,
               "--reseed-rung: a ladder of one rung has no neighbour to take from");
  TpCheckInput(run->reseed_rung < num_rungs, "--reseed-rung: %lld is out of range; allowed 0 to %d",
               (long long)command->reseed_rung, (int)num_rungs - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateTuner(TpRun run)
{
  const TpLadderSettings *settings = &run->settings.ladder;

  PetscFunctionBeginUser;
  if (!settings->tune) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->ladder->num_rungs < 3)
    PetscFunctionReturn(TpConfigError(
        run->config, "ladder.tune", "a ladder of %d rungs has none between its ends to move; allowed: 3 rungs or more",
        (int)run->ladder->num_rungs));
  PetscCall(TpTunerCreate(run->ladder->num_rungs, settings->tune_rounds, (PetscInt)settings->tune_stages, &run->tuner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read, build the ladder, split the ranks. */
static PetscErrorCode ReadAndSplit(MPI_Comm comm, const TpCommandLine *command, TpRun run)
{
  TpUnitSystem units;

  PetscFunctionBeginUser;
  PetscCall(TpReadInput(comm, command, &run->config, &run->settings));
  run->max_hours = command->max_hours > 0.0 ? command->max_hours : run->settings.run.max_hours;
  PetscCall(TpSettingsUnits(run->config, &units));
  PetscCall(TpConfigWriteText(run->config, units, &run->settings, NULL, &run->used_parameters));
  if (command->pilot) PetscFunctionReturn(PETSC_SUCCESS); /* which makes its own ladder */
  PetscCall(TpLadderCreate(&run->settings.ladder, TpBoltzmann(units), (uint64_t)run->settings.run.seed, &run->ladder));
  PetscCall(CreateTuner(run));
  PetscCall(CheckHoldOut(run));
  PetscCall(CheckReseed(run, command));
  run->stop_round = command->stop_round;
  if (command->check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpGroupsCreate(comm, (int)run->ladder->num_rungs, (int)run->settings.groups.trainers,
                           (TpPlacement)run->settings.groups.placement, &run->groups));
  run->is_writer = !run->groups->is_replica && run->groups->group_rank == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ folder */

/* Two jobs in one folder would write over each other: the writer holds a lock for as long as it lives. */
static PetscErrorCode Lock(TpRun run)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  char         path[PETSC_MAX_PATH_LEN];
  int          file;

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpRunPath(run, "lock", path));
  file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  TpCheckInput(file >= 0, "%s: can't be written: %s", path, strerror(errno));
  /* File systems without locks (some network ones) let us go on: the lock is a courtesy, not a guarantee. */
  TpCheckInput(!fcntl(file, F_SETLK, &lock) || (errno != EAGAIN && errno != EACCES),
               "%s: another run is at work in this folder", run->settings.run.folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RemoveMarker(TpRun run, const char *name)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, name, path));
  if (run->is_writer && unlink(path) && errno != ENOENT)
    PetscFunctionReturn(TpInputError("%s: can't be removed: %s", path, strerror(errno)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new run begins in a folder without one; a restart goes on in a folder with one. */
static PetscErrorCode CheckFolder(TpRun run, MPI_Comm comm, const TpCommandLine *command)
{
  const char *folder = run->settings.run.folder;
  char        path[PETSC_MAX_PATH_LEN];
  PetscBool   exists;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "run.h5", path));
  PetscCall(TpPathExists(comm, path, &exists));
  TpCheckInput(!exists || command->restart,
               "%s: holds a run already; go on with it by --restart, or choose another run.folder", folder);
  TpCheckInput(exists || !command->restart, "%s: holds no run to restart; leave --restart away to begin it", folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run may become longer or shorter, but what is done stays: also what checkpoints behind the one to go on from have done. */
static PetscErrorCode CheckLength(TpRun run)
{
  const PetscInt64 rounds = run->settings.run.rounds;
  PetscInt64       done;

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointNewest(run, &done));
  done = PetscMax(done, run->first_round);
  TpCheckInput(rounds >= done,
               "run.rounds: %" PetscInt64_FMT " is less than the %" PetscInt64_FMT
               " rounds that the newest checkpoint has done",
               rounds, done);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Make the folder of a new run, or find the checkpoint of an old one. */
static PetscErrorCode OpenFolder(TpRun run, const TpCommandLine *command, char checkpoint[PETSC_MAX_PATH_LEN])
{
  MPI_Comm world = run->groups->world;
  char     path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "checkpoints", path));
  PetscCall(TpFolderCreate(world, path));
  PetscCall(TpAgree(world, Lock(run)));
  if (command->restart) PetscCall(TpCheckpointFind(run, command->restart_path, checkpoint, &run->first_round));
  if (command->restart) PetscCall(CheckLength(run));
  TpCheckInput(run->reseed_rung < 0 || run->first_round < run->settings.run.rounds,
               "--reseed-rung: all %" PetscInt64_FMT " rounds are done", run->first_round);
  if (run->first_round < run->settings.run.rounds) PetscCall(TpAgree(world, RemoveMarker(run, "finished")));
  PetscCall(TpAgree(world, RemoveMarker(run, "continue")));
  PetscCall(TpAgree(world, RemoveMarker(run, "stop")));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteUsedParameters(TpRun run)
{
  char  path[PETSC_MAX_PATH_LEN], name[PETSC_MAX_PATH_LEN];
  char *text, *whole;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "used-parameters.yaml", path));
  PetscCheck(realpath(run->settings.run.folder, name), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: %s",
             run->settings.run.folder, strerror(errno));
  PetscCall(TpConfigWriteText(run->config, run->system.units, &run->settings, name, &text));
  PetscCall(PetscMalloc1(strlen(text) + 512, &whole));
  snprintf(whole, strlen(text) + 512,
           "# %s; all parameters of this run, defaults included. Go on with: tempera run %s --restart\n%s",
           TpVersionLine(), "used-parameters.yaml", text);
  PetscCall(TpTextPublish(run->groups->group, path, whole));
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- begin */

static void Greet(TpRun run, PetscBool restart)
{
  TpGroups groups = run->groups;

  TpLog(TP_LOG_PRODUCTION, "%s", TpVersionLine());
  TpLog(TP_LOG_PRODUCTION, "%s: %d replicas and %d trainers, %s, %d coordinates, %d features", run->settings.run.folder,
        groups->num_replicas, groups->num_trainers, run->system.engine, (int)run->system.size,
        (int)run->system.num_features);
  if (restart && !run->first_round)
    TpLog(TP_LOG_PRODUCTION, "the run ended before its first checkpoint: it begins again");
  if (run->first_round)
    TpLog(TP_LOG_PRODUCTION, "going on after round %lld of %lld", (long long)run->first_round,
          (long long)run->settings.run.rounds);
}

/* What is said on the screen is kept in the run folder, restarts included. */
static PetscErrorCode OpenLog(TpRun run)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpRunPath(run, "log.txt", path));
  run->log = fopen(path, "a");
  TpCheckInput(run->log, "%s: can't be written: %s", path, strerror(errno));
  TpLogSetFile(run->log);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CloseLog(TpRun run)
{
  if (!run->log) return;
  TpLogSetFile(NULL);
  fclose(run->log);
}

/* Configurations of the checkpoint, to go on from. */
static PetscErrorCode RestoreStates(TpRun run, TpReplica replica, TpLearner learner, const char *checkpoint)
{
  double        *states = NULL;
  PetscErrorCode code   = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (run->is_writer) PetscCall(PetscMalloc1(run->ladder->num_rungs * TpStatePackedSize(run->system.size), &states));
  if (learner) code = TpLearnerRestore(learner, checkpoint, states);
  if (learner && !code) code = TpLearnerRecall(learner);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpBroadcast(&run->criterion_round, 1, MPIU_INT64, run->groups->trainer_rank[0], run->groups->world, NULL));
  PetscCall(TpStreamDistributeStates(run->groups, run->system.size, states, replica ? TpReplicaState(replica) : NULL));
  PetscCall(PetscFree(states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything a run needs before its first round. Whatever goes wrong on one rank is told by all, and no step has been simulated. */
static PetscErrorCode Begin(TpRun run, const TpCommandLine *command, TpReplica *replica, TpLearner *learner)
{
  char           checkpoint[PETSC_MAX_PATH_LEN] = "";
  PetscErrorCode code                           = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(CheckFolder(run, run->groups->world, command));
  PetscCall(TpReplicaCreate(run, replica));
  PetscCall(TpEvaluationCheck(run));
  PetscCall(TpAnalysisCheck(run));
  if (*replica && !command->restart) code = TpReplicaStart(*replica);
  PetscCall(TpAgree(run->groups->world, code)); /* the last thing that the input can spoil; there is no folder yet */
  PetscCall(OpenFolder(run, command, checkpoint));
  if (checkpoint[0]) PetscCall(TpTuningRestore(run, checkpoint));
  if (*replica && command->restart && !checkpoint[0]) code = TpReplicaStart(*replica);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpAgree(run->groups->world, OpenLog(run)));
  if (run->is_writer) Greet(run, command->restart);
  if (!run->groups->is_replica) {
    code = WriteUsedParameters(run);
    if (!code) code = TpLearnerCreate(run, learner);
  }
  PetscCall(TpAgree(run->groups->world, code));
  if (checkpoint[0]) PetscCall(RestoreStates(run, *replica, *learner, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- end */

/* `finished` or `continue`: what a job script looks at. */
static PetscErrorCode WriteMarker(TpRun run, PetscBool finished)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, finished ? "finished" : "continue", path));
  PetscCall(TpTextPublish(run->groups->world, path, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(TpRun run, TpLearner *learner, TpRunOutcome *outcome)
{
  PetscInt64 rounds = 0;
  PetscBool  finished;

  PetscFunctionBeginUser;
  if (*learner) rounds = TpLearnerRounds(*learner);
  PetscCall(TpLearnerDestroy(learner)); /* closes run.h5, which all ranks read next */
  PetscCall(TpBroadcast(&rounds, 1, MPIU_INT64, run->groups->trainer_rank[0], run->groups->world, NULL));
  PetscCall(TpBroadcast(&run->criterion_round, 1, MPIU_INT64, run->groups->trainer_rank[0], run->groups->world, NULL));
  run->rounds_done = rounds;
  finished         = TpRunIsDone(run, rounds);
  *outcome         = (TpRunOutcome){
              .rounds           = rounds,
              .num_rungs        = run->ladder->num_rungs,
              .has_trajectories = {TpTrajectoriesWanted(run, PETSC_FALSE), TpTrajectoriesWanted(run, PETSC_TRUE)},
              .deterministic    = run->system.deterministic};
  if (finished) PetscCall(TpEvaluate(run));
  PetscCall(WriteMarker(run, finished));
  if (run->is_writer && finished && rounds < run->settings.run.rounds)
    TpLog(TP_LOG_PRODUCTION, "finished by analysis.stop_when after %lld rounds", (long long)rounds);
  if (run->is_writer && !finished)
    TpLog(TP_LOG_PRODUCTION, "stopped; go on with: tempera run %s/used-parameters.yaml --restart",
          run->settings.run.folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpRun *run, TpReplica *replica, TpLearner *learner)
{
  PetscFunctionBeginUser;
  CloseLog(*run);
  PetscCall(TpReplicaDestroy(replica));
  PetscCall(TpLearnerDestroy(learner));
  if ((*run)->groups) PetscCall(TpSystemDestroy(&(*run)->system));
  PetscCall(TpGroupsDestroy(&(*run)->groups));
  PetscCall(TpTunerDestroy(&(*run)->tuner));
  PetscCall(TpLadderDestroy(&(*run)->ladder));
  PetscCall(PetscFree((*run)->used_parameters));
  PetscCall(TpSettingsDestroy(&(*run)->settings));
  PetscCall(TpConfigDestroy(&(*run)->config));
  PetscCall(PetscFree(*run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Modules name the key of a wrong value; in which line of which file it stands is known here. */
static PetscErrorCode Locate(TpRun run, PetscErrorCode code)
{
  char line[1024];

  if (code != TP_ERR_INPUT) return code;
  snprintf(line, sizeof(line), "%s", TpInputErrorMessage());
  for (const TpParameter *row = tp_parameters; row->key; ++row) {
    const size_t length = strlen(row->key);

    if (strncmp(line, row->key, length) || strncmp(line + length, ": ", 2)) continue;
    TpInputErrorClear();
    return TpConfigError(run->config, row->key, "%s", line + length + 2);
  }
  return code;
}

static PetscErrorCode Prepare(TpRun run, MPI_Comm comm, const TpCommandLine *command, TpReplica *replica,
                              TpLearner *learner)
{
  PetscFunctionBeginUser;
  PetscCall(ReadAndSplit(comm, command, run));
  if (command->pilot)
    PetscCall(TpPilot(run, comm));
  else if (command->check) {
    PetscCall(CheckFolder(run, comm, command));
    PetscCall(TpPlanWrite(run, comm));
  } else
    PetscCall(Begin(run, command, replica, learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunOnce(MPI_Comm comm, const TpCommandLine *command, TpRunOutcome *outcome)
{
  TpRun          run;
  TpReplica      replica = NULL;
  TpLearner      learner = NULL;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&run));
  run->start_time = MPI_Wtime();
  if (!command->pilot) PetscCall(TpStoppingCatchSignals());
  PetscCall(Locate(run, Prepare(run, comm, command, &replica, &learner)));
  if (!command->check && !command->pilot) {
    code = run->groups->is_replica ? TpReplicaLoop(replica) : TpLearnerLoop(learner);
    /* After an error of our own the other group may wait for this rank for ever: return, which ends the job, and agree on nothing. */
    if (code != TP_ERR_INPUT && code != TP_ERR_STOPPED) PetscCall(code);
    PetscCall(TpAgree(run->groups->world, code));
    PetscCall(End(run, &learner, outcome));
  }
  PetscCall(Destroy(&run, &replica, &learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpVerbRun(MPI_Comm comm, const TpCommandLine *command)
{
  TpRunOutcome outcome;

  PetscFunctionBeginUser;
  if (command->verify)
    PetscCall(TpVerifyRestart(comm, command));
  else
    PetscCall(TpRunOnce(comm, command, &outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}
