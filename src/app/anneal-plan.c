/* tempera anneal INPUT --check: what the annealing takes, without any MD. */
#include "anneal-impl.h"

/* The first member, as it would start: what a broken start position spoils. */
static PetscErrorCode CheckStart(TpRun run, TpReplica replica)
{
  const TpLadder ladder = run->ladder;
  TpState       *state  = TpReplicaState(replica);

  PetscFunctionBeginUser;
  PetscCall(TpEngineStart(TpReplicaEngine(replica), (uint64_t)run->settings.run.seed, 0,
                          ladder->temperature[ladder->num_rungs - 1], state));
  PetscCall(TpAnnealCheckStart(state, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void TellTemperatures(TpRun run)
{
  const TpLadder ladder = run->ladder;
  const char    *unit   = TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE);

  for (PetscInt k = ladder->num_rungs - 1; k >= 0; --k)
    TpLog(TP_LOG_PRODUCTION, "  %12.6g %s", ladder->temperature[k], unit);
  if (run->settings.anneal.effective > 0.0)
    TpLog(TP_LOG_PRODUCTION, "  and between these where fewer than %g of the members would stay effective",
          run->settings.anneal.effective);
}

/* Temperatures that are put between come on top. */
static void TellSizes(TpRun run)
{
  const TpSettings *settings   = &run->settings;
  const double      population = (double)settings->anneal.population, rungs = run->ladder->num_rungs;
  const double      sweeps  = (double)settings->anneal.top_rounds + rungs - 1.0;
  const double      steps   = population * (double)settings->anneal.steps * sweeps;
  const double      sample  = sizeof(double) + sizeof(int32_t) + run->system.num_features * sizeof(float);
  const double      samples = population * rungs * sample;
  const double      states  = population * TpStatePackedSize(run->system.size) * sizeof(double);
  const char       *unit    = TpUnitName(run->system.units, TP_DIMENSION_TIME);

  TpLog(TP_LOG_PRODUCTION, "%lld sweeps at the highest temperature, then one at each: %.0f MD steps, %g %s in all",
        (long long)settings->anneal.top_rounds, steps, steps * settings->engine.timestep, unit);
  TpLog(TP_LOG_PRODUCTION, "memory over all ranks: %.1f MiB states, %.1f MiB samples", states / TP_MEBIBYTE,
        samples / TP_MEBIBYTE);
  TpLog(TP_LOG_PRODUCTION, "disk: %.1f MiB anneal.h5, %.1f MiB checkpoint and as much again while it is written",
        samples / TP_MEBIBYTE, (states + samples) / TP_MEBIBYTE);
}

PetscErrorCode TpAnnealPlanWrite(TpRun run, TpReplica replica)
{
  const TpSettings *settings = &run->settings;
  const int         size     = run->groups->num_replicas;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(run->groups->world, run->is_writer ? CheckStart(run, replica) : PETSC_SUCCESS));
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  TpLog(TP_LOG_PRODUCTION, "%s: %s, %d coordinates, %d features", settings->run.folder, run->system.engine,
        (int)run->system.size, (int)run->system.num_features);
  TpLog(TP_LOG_PRODUCTION,
        "start with: mpirun -n N tempera anneal ..., N from 1 to %lld; here %d, with %lld members "
        "or fewer on each",
        (long long)settings->anneal.population, size, (long long)(settings->anneal.population + size - 1) / size);
  TellTemperatures(run);
  TellSizes(run);
  TpLog(TP_LOG_PRODUCTION, "the input is fine");
  PetscFunctionReturn(PETSC_SUCCESS);
}
