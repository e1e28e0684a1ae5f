/* tempera run INPUT --check: make on one rank what the run would make on many, and print its ranks, memory and disk. */
#include "run-impl.h"

/* The system, as rung 0 sees it. */
static PetscErrorCode Probe(TpRun run)
{
  struct TpGroups_ alone = {
      .world = MPI_COMM_SELF, .group = MPI_COMM_SELF, .num_replicas = 1, .is_replica = PETSC_TRUE};
  int       root = 0;
  TpReplica replica;

  PetscFunctionBeginUser;
  alone.replica_rank        = &root;
  run->groups               = &alone;
  const PetscErrorCode code = TpReplicaProbe(run, &replica);
  run->groups               = NULL;
  if (code) PetscFunctionReturn(code);
  PetscCall(TpReplicaDestroy(&replica));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CountParameters(TpRun run, PetscInt *encoded, PetscInt *parameters)
{
  const TpSettings *settings  = &run->settings;
  const double      one       = 1.0;
  TpCondition       condition = TpConditionCreate(1.0, 1, &one);
  TpEncoding        encoding;
  TpNetwork         network;
  TpLens            lens;

  PetscFunctionBeginUser;
  condition.role = settings->role;
  PetscCall(TpEncodingCreate(settings->features.angles, run->system.num_features, run->system.period, &encoding));
  PetscCall(TpConditionLens(&condition, encoding, NULL, &lens));
  *encoded = encoding->num_encoded;
  PetscCall(TpNetworkCreate(&settings->network, lens->num_inputs, TpConditionCount(&condition), &network));
  *parameters = TpNetworkNumParameters(network);
  PetscCall(TpNetworkDestroy(&network));
  PetscCall(TpLensDestroy(&lens));
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TellRanks(TpRun run)
{
  const TpSettings *settings = &run->settings;
  const PetscInt    R        = run->ladder->num_rungs;
  const char       *unit     = TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE);

  TpLog(TP_LOG_PRODUCTION, "%s: %s", settings->run.folder, run->system.engine);
  TpLog(TP_LOG_PRODUCTION, "start with: mpirun -n %d tempera run ...", (int)R + (int)settings->groups.trainers);
  for (PetscInt k = 0; k < R; ++k)
    TpLog(TP_LOG_PRODUCTION, "  replica of rung %-4d %12.6g %s%s", (int)k, run->ladder->temperature[k], unit,
          TpRunIsHeldOut(run, k) ? "  (held out of training)" : "");
  if (run->tuner)
    TpLog(TP_LOG_PRODUCTION, "  the temperatures between the ends move in the first %lld rounds, in %d stages",
          (long long)run->tuner->num_rounds, (int)run->tuner->num_stages);
  TpLog(TP_LOG_PRODUCTION, "  %d trainer%s, %d shards", (int)settings->groups.trainers,
        settings->groups.trainers == 1 ? "" : "s", (int)settings->stream.num_shards);
}

static void TellLengths(TpRun run)
{
  const TpSettings *settings = &run->settings;
  const double      steps    = (double)settings->run.rounds * (double)settings->ladder.interval;
  const char       *unit     = TpUnitName(run->system.units, TP_DIMENSION_TIME);

  TpLog(TP_LOG_PRODUCTION, "%lld rounds of %lld steps: %g %s for each replica, %g in all",
        (long long)settings->run.rounds, (long long)settings->ladder.interval, steps * settings->engine.timestep, unit,
        steps * settings->engine.timestep * (double)run->ladder->num_rungs);
}

static void TellSizes(TpRun run, PetscInt encoded, PetscInt parameters)
{
  const TpSettings *settings = &run->settings;
  const double      R = run->ladder->num_rungs, rounds = (double)settings->run.rounds, frames = R * rounds,
               K         = (double)settings->groups.trainers;
  const double kept      = frames / (double)settings->stream.keep_interval;
  const double shards    = kept * (encoded * sizeof(float) + sizeof(double)) / K;
  const double optimiser = (double)parameters * sizeof(float) *
                           (5.0 + settings->training.ema_others.size + (double)settings->stream.num_shards / K);
  const double run_file = frames * (sizeof(double) + 3 * sizeof(int32_t)) +
                          frames / (double)settings->output.energy_interval * 2 * sizeof(double) +
                          kept * (sizeof(double) + run->system.num_features * sizeof(float));
  const double checkpoint = R * TpStatePackedSize(run->system.size) * sizeof(double) +
                            (4.0 + settings->training.ema_others.size) * parameters * sizeof(float);
  double trajectory = 0.0;

  for (int kind = 0; kind < 2; ++kind)
    if (TpTrajectoriesWanted(run, kind ? PETSC_TRUE : PETSC_FALSE))
      trajectory += R * (double)TpRunTrajectoryFrames(run) *
                    (run->system.size * (settings->output.velocities ? 8.0 : 4.0) + 88.0);
  TpLog(TP_LOG_PRODUCTION, "%d coordinates, %d features (%d network inputs), %d weights", (int)run->system.size,
        (int)run->system.num_features, (int)encoded, (int)parameters);
  TpLog(TP_LOG_PRODUCTION, "memory of each trainer at the end: %.1f MiB frames, %.1f MiB optimiser",
        shards / TP_MEBIBYTE, optimiser / TP_MEBIBYTE);
  TpLog(TP_LOG_PRODUCTION, "disk: %.1f MiB run.h5, %.1f MiB trajectories, %lld checkpoints of %.1f MiB",
        run_file / TP_MEBIBYTE, trajectory / TP_MEBIBYTE, (long long)settings->output.keep_checkpoints,
        checkpoint / TP_MEBIBYTE);
}

static PetscErrorCode ProbeAndTell(TpRun run)
{
  PetscInt encoded = 0, parameters = 0;

  PetscFunctionBeginUser;
  PetscCall(Probe(run));
  PetscCall(TpEvaluationCheck(run));
  PetscCall(TpAnalysisCheck(run));
  PetscCall(TpRunTellMixture(run));
  PetscCall(CountParameters(run, &encoded, &parameters));
  TellRanks(run);
  TellLengths(run);
  TellSizes(run, encoded, parameters);
  TpLog(TP_LOG_PRODUCTION, "the input is fine");
  PetscCall(TpSystemDestroy(&run->system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPlanWrite(TpRun run, MPI_Comm comm)
{
  PetscErrorCode code = PETSC_SUCCESS;
  int            rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = ProbeAndTell(run);
  PetscCall(TpAgree(comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
