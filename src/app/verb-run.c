/* tempera run INPUT.yaml: simulate, exchange, train, write. */
#include "run-impl.h"

/* ------------------------------------------------------------------------------------------------------------- input */

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
  PetscCall(TpSettingsUnits(run->config, PETSC_FALSE, &units));
  PetscCall(TpConfigWriteText(run->config, units, &run->settings, NULL, &run->used_parameters));
  if (command->pilot) PetscFunctionReturn(PETSC_SUCCESS); /* which makes its own ladder */
  PetscCall(TpLadderCreate(&run->settings.ladder, TpBoltzmann(units), (uint64_t)run->settings.run.seed, &run->ladder));
  PetscCall(CreateTuner(run));
  PetscCall(TpRunCheckTemperatures(run));
  PetscCall(CheckReseed(run, command));
  run->stop_round = command->stop_round;
  if (command->check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpGroupsCreate(comm, (int)run->ladder->num_rungs, (int)run->settings.groups.trainers,
                           (TpPlacement)run->settings.groups.placement, &run->groups));
  run->is_writer = !run->groups->is_replica && run->groups->group_rank == 0 ? PETSC_TRUE : PETSC_FALSE;
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
  PetscCall(TpRunFolderCheck(run, run->groups->world, "run.h5", command->restart));
  PetscCall(TpReplicaCreate(run, replica));
  PetscCall(TpEvaluationCheck(run));
  PetscCall(TpAnalysisCheck(run));
  if (*replica && !command->restart) code = TpReplicaStart(*replica);
  PetscCall(TpAgree(run->groups->world, code)); /* the last thing that the input can spoil; there is no folder yet */
  PetscCall(TpRunFolderOpen(run, command, checkpoint));
  if (checkpoint[0]) PetscCall(TpTuningRestore(run, checkpoint));
  if (*replica && command->restart && !checkpoint[0]) code = TpReplicaStart(*replica);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpAgree(run->groups->world, TpRunLogOpen(run)));
  if (run->is_writer) Greet(run, command->restart);
  if (run->is_writer) PetscCall(TpRunTellMixture(run));
  if (!run->groups->is_replica) {
    code = TpCheckpointSetAside(run);
    if (!code) code = TpRunFolderWriteParameters(run, "run");
    if (!code) code = TpLearnerCreate(run, learner);
  }
  PetscCall(TpAgree(run->groups->world, code));
  if (checkpoint[0]) PetscCall(RestoreStates(run, *replica, *learner, checkpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- end */

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
  PetscCall(TpRunFolderMark(run, finished));
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
  TpRunLogClose(*run);
  PetscCall(TpReplicaDestroy(replica));
  PetscCall(TpLearnerDestroy(learner));
  PetscCall(TpRunDestroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(TpRun run, MPI_Comm comm, const TpCommandLine *command, TpReplica *replica,
                              TpLearner *learner)
{
  PetscFunctionBeginUser;
  PetscCall(ReadAndSplit(comm, command, run));
  if (command->pilot)
    PetscCall(TpPilot(run, comm));
  else if (command->check) {
    PetscCall(TpRunFolderCheck(run, comm, "run.h5", command->restart));
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
  PetscCall(TpRunLocate(run, Prepare(run, comm, command, &replica, &learner)));
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
