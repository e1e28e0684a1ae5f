/* tempera ti INPUT.yaml: simulate or read configurations, learn an energy along a path, integrate, beside the classical way. */
#include "ti-impl.h"

#include <string.h>

/* --------------------------------------------------------------------------------------------------------------- begin */

static PetscErrorCode ReadAndSplit(MPI_Comm comm, const TpCommandLine *command, TpTi ti)
{
  TpRun        run = ti->run;
  TpUnitSystem units;

  PetscFunctionBeginUser;
  PetscCall(TpReadInput(comm, command, &run->config, &run->settings));
  run->max_hours = command->max_hours > 0.0 ? command->max_hours : run->settings.run.max_hours;
  PetscCall(TpSettingsUnits(run->config, PETSC_FALSE, &units));
  PetscCall(TpConfigWriteText(run->config, units, &run->settings, NULL, &run->used_parameters));
  PetscCall(TpLadderCreate(&run->settings.ladder, TpBoltzmann(units), (uint64_t)run->settings.run.seed, &run->ladder));
  PetscCall(TpTiPlan(ti));
  if (command->check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpGroupsCreate(comm, (int)TpTiNumReplicas(ti), (int)run->settings.groups.trainers,
                           (TpPlacement)run->settings.groups.placement, &run->groups));
  run->is_writer = !run->groups->is_replica && run->groups->group_rank == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Temperatures exchange if each has a rank of its own. */
static PetscErrorCode CreateExchange(TpTi ti)
{
  TpRun               run = ti->run;
  const TpEngineInfo *info;

  PetscFunctionBeginUser;
  if (!run->groups->is_replica || run->ladder->num_rungs < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpEngineGetInfo(ti->members[run->groups->group_rank].engine, &info));
  PetscCall(TpExchangeCreate(run->ladder, run->groups->group, info->size, info->system_hash, &ti->exchange));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt64 NumRounds(TpTi ti)
{
  return ti->simulate_rounds + ti->train_rounds + ti->integrate_rounds;
}

static void Greet(TpTi ti)
{
  TpRun    run    = ti->run;
  TpGroups groups = run->groups;

  TpLog(TP_LOG_PRODUCTION, "%s", TpVersionLine());
  TpLog(TP_LOG_PRODUCTION, "%s: %d replicas and %d trainers, %s, %d systems to learn from, %d free energies",
        run->settings.run.folder, groups->num_replicas, groups->num_trainers, run->system.engine, (int)ti->num_members,
        (int)ti->num_targets);
  const PetscInt learned = ti->members[ti->num_members - 1].system.num_particles;
  const PetscInt wanted  = ti->targets[ti->num_targets - 1].system.num_particles;

  if (wanted > learned)
    TpLog(TP_LOG_WARNING, "%d particles are denser than anything learned from (%d): this is extrapolation", (int)wanted,
          (int)learned);
  if (run->first_round) TpLog(TP_LOG_PRODUCTION, "going on after round %lld", (long long)run->first_round);
}

static PetscErrorCode Begin(TpTi ti, const TpCommandLine *command)
{
  TpRun    run                            = ti->run;
  MPI_Comm world                          = run->groups->world;
  char     checkpoint[PETSC_MAX_PATH_LEN] = "";

  PetscFunctionBeginUser;
  PetscCall(TpRunFolderCheck(run, world, "used-parameters.yaml", command->restart));
  PetscCall(TpAgree(world, TpTiCreateSystems(ti)));
  PetscCall(TpAgree(world, CreateExchange(ti)));
  if (run->settings.ti.configurations[0]) PetscCall(TpTiReadConfigurations(ti));
  run->length = NumRounds(ti);
  PetscCall(TpRunFolderOpen(run, command, checkpoint));
  PetscCall(TpAgree(world, TpRunLogOpen(run)));
  if (run->is_writer) Greet(ti);
  PetscCall(TpAgree(world, run->groups->is_replica ? PETSC_SUCCESS : TpRunFolderWriteParameters(run, "ti")));
  PetscCall(TpTiCreateWindow(ti));
  if (checkpoint[0]) PetscCall(TpTiCheckpointRead(ti, checkpoint, run->first_round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- loop */

static PetscErrorCode Learn(TpTi ti, PetscInt64 train_round)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  steps    = PetscMax(1, settings->training.steps_per_round);
  const PetscInt64  end      = PetscMin(settings->ti.training_steps, (train_round + 1) * steps);

  PetscFunctionBeginUser;
  for (PetscInt64 step = train_round * steps; step < end; ++step) {
    PetscCall(TpEnergyTrainerStep(ti->trainer, ti->num_members, ti->data));
    ti->loss[TpTiLossPoint(ti, step)] += ti->trainer->loss;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What begins when the configurations are complete. */
static PetscErrorCode BeginTraining(TpTi ti)
{
  PetscFunctionBeginUser;
  if (ti->trainer) PetscFunctionReturn(PETSC_SUCCESS);
  if (ti->simulate_rounds) PetscCall(TpTiShareConfigurations(ti));
  PetscCall(TpTiCreatePaths(ti));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trained weights, which only trainers have, to all ranks. */
static PetscErrorCode BeginIntegration(TpTi ti)
{
  TpGroups groups = ti->run->groups;

  PetscFunctionBeginUser;
  if (ti->is_shared) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpBroadcast(ti->trainer->adam.average, (int)ti->trainer->adam.num_parameters, MPI_FLOAT,
                        groups->trainer_rank[0], groups->world, NULL));
  ti->is_shared = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *late: a mistake of this rank that others need not know of yet; it goes on without its part until all agree. */
static PetscErrorCode Round(TpTi ti, PetscInt64 round, PetscErrorCode *late)
{
  const PetscBool  is_replica = ti->run->groups->is_replica;
  const PetscInt64 train      = round - ti->simulate_rounds;

  PetscFunctionBeginUser;
  if (train < 0) {
    if (is_replica) {
      const PetscErrorCode code = TpTiSimulateRound(ti, round);

      if (code != TP_ERR_STOPPED) PetscCall(code);
      if (!*late) *late = code;
    }
  } else if (train < ti->train_rounds) {
    PetscCall(BeginTraining(ti));
    if (is_replica)
      PetscCall(TpTiWindowRounds(ti, train));
    else if (!*late) {
      const PetscErrorCode code = Learn(ti, train);

      if (code != TP_ERR_STOPPED) PetscCall(code);
      *late = code;
    }
  } else {
    PetscCall(BeginIntegration(ti));
    PetscCall(TpTiIntegrateRound(ti, train - ti->train_rounds));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All talk to each other at the end of a phase, where a checkpoint is due, and every so many rounds. */
static PetscBool IsMeeting(TpTi ti, PetscInt64 round)
{
  const PetscInt64 done = round + 1, trained = ti->simulate_rounds + ti->train_rounds;

  return done == ti->simulate_rounds || done >= trained || TpRunIsCheckpointRound(ti->run, round) ||
                 done % ti->run->settings.output.report_interval == 0
             ? PETSC_TRUE
             : PETSC_FALSE;
}

static void TellProgress(TpTi ti, PetscInt64 round)
{
  const PetscInt64 done = round + 1, train = done - ti->simulate_rounds, integrate = train - ti->train_rounds;

  if (train <= 0)
    TpLog(TP_LOG_PRODUCTION, "simulated %lld of %lld rounds", (long long)done, (long long)ti->simulate_rounds);
  else if (integrate <= 0)
    TpLog(TP_LOG_PRODUCTION, "learned %lld of %lld steps, loss %.4f", (long long)ti->trainer->adam.step,
          (long long)ti->run->settings.ti.training_steps, ti->trainer->loss);
  else if (integrate % ti->pieces == 0)
    TpLog(TP_LOG_PRODUCTION, "integrated %lld of %d free energies", (long long)(integrate / ti->pieces),
          (int)ti->num_targets);
}

/* The ends of phases, and of each free energy, which takes minutes if the system is large. */
static PetscBool IsMilestone(TpTi ti, PetscInt64 round)
{
  const PetscInt64 done = round + 1, integrate = done - ti->simulate_rounds - ti->train_rounds;

  return done == ti->simulate_rounds || !integrate || (integrate > 0 && integrate % ti->pieces == 0) ? PETSC_TRUE
                                                                                                     : PETSC_FALSE;
}

/* Agree, tell, write a checkpoint; *stop: the last round, or somebody wishes to stop. */
static PetscErrorCode Meet(TpTi ti, TpStopping stopping, PetscInt64 round, PetscErrorCode late, PetscBool *stop)
{
  TpRun            run    = ti->run;
  const PetscInt64 done   = round + 1;
  unsigned         wishes = TpStoppingWish(stopping);

  PetscFunctionBeginUser;
  PetscCall(TpAgree(run->groups->world, late));
  PetscCall(TpAllreduce(MPI_IN_PLACE, &wishes, 1, MPI_UNSIGNED, MPI_BOR, run->groups->world, NULL));
  if (run->is_writer) TellProgress(ti, round);
  *stop = done == NumRounds(ti) || (wishes & TP_DECIDE_STOP) ? PETSC_TRUE : PETSC_FALSE;
  if (*stop || wishes || TpRunIsCheckpointRound(run, round) || IsMilestone(ti, round))
    PetscCall(TpTiCheckpointWrite(ti, round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Loop(TpTi ti, PetscInt64 *done)
{
  PetscErrorCode late = PETSC_SUCCESS;
  PetscBool      stop = PETSC_FALSE;
  TpStopping     stopping;

  PetscFunctionBeginUser;
  PetscCall(TpStoppingCreate(ti->run, &stopping));
  *done = ti->run->first_round;
  while (*done < NumRounds(ti) && !stop) {
    PetscCall(Round(ti, *done, &late));
    if (IsMeeting(ti, *done)) PetscCall(Meet(ti, stopping, *done, late, &stop));
    ++*done;
  }
  PetscCall(TpStoppingDestroy(&stopping));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------------- end */

static PetscErrorCode End(TpTi ti, PetscInt64 done)
{
  const PetscBool finished = done == NumRounds(ti) ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  if (finished) PetscCall(TpTiReport(ti));
  PetscCall(TpRunFolderMark(ti->run, finished));
  if (ti->run->is_writer && !finished)
    TpLog(TP_LOG_PRODUCTION, "stopped; go on with: tempera ti %s/used-parameters.yaml --restart",
          ti->run->settings.run.folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpTi *ti)
{
  TpRun run = (*ti)->run;

  PetscFunctionBeginUser;
  PetscCall(TpTiDestroyWindow(*ti));
  PetscCall(TpTiDestroyPaths(*ti));
  PetscCall(TpTiDestroySystems(*ti));
  PetscCall(TpRunDestroy(&run));
  PetscCall(PetscFree(*ti));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the input asks for, without doing it. */
static void TellPlan(TpTi ti)
{
  const PetscInt replicas = TpTiNumReplicas(ti);

  TpLog(TP_LOG_PRODUCTION, "start with: mpirun -n %d tempera ti ...",
        (int)(replicas + (PetscInt)ti->run->settings.groups.trainers));
  TpLog(TP_LOG_PRODUCTION, "%d systems to learn from, %lld configurations of each; %d free energies",
        (int)ti->num_members, (long long)ti->num_frames, (int)ti->num_targets);
  TpLog(TP_LOG_PRODUCTION, "rounds: %lld of simulation, %lld of training, %lld of integration",
        (long long)ti->simulate_rounds, (long long)ti->train_rounds, (long long)ti->integrate_rounds);
}

PetscErrorCode TpVerbTi(MPI_Comm comm, const TpCommandLine *command)
{
  TpTi        ti;
  PetscInt64  done = 0;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&ti));
  PetscCall(PetscNew(&ti->run));
  ti->run->start_time  = MPI_Wtime();
  ti->run->reseed_rung = -1;
  PetscCall(TpStoppingCatchSignals());
  PetscCall(TpRunLocate(ti->run, ReadAndSplit(comm, command, ti)));
  if (command->check) {
    if (rank == 0) TellPlan(ti);
  } else {
    PetscCall(TpRunLocate(ti->run, Begin(ti, command)));
    PetscCall(Loop(ti, &done));
    PetscCall(End(ti, done));
  }
  PetscCall(Destroy(&ti));
  PetscFunctionReturn(PETSC_SUCCESS);
}
