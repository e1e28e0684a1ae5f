/* The simulation side: one rung of the ladder. */
#include "run-impl.h"

#include <math.h>
#include <time.h>

struct TpReplica_ {
  TpRun               run; /* kept, the caller's */
  PetscInt            rung;
  TpEngine            engine;
  const TpEngineInfo *info;
  TpFeatures          features;
  TpLabel             label;
  TpLabel             kinetic; /* of all moving atoms */
  TpExchange          exchange;
  TpState             state;
  float              *raw; /* [num_features] of this round's frame */
};

/* ------------------------------------------------------------------------------------------------------------ create */

static PetscErrorCode CreateFeatures(TpReplica replica)
{
  char                   *everything = "all";
  const TpFeatureSettings all        = {.label = TP_LABEL_KINETIC, .label_atoms = {1, &everything}};
  const TpFeatureSystem   system     = TpSystemOfFeatures(replica->info);
  const TpSettings       *settings   = &replica->run->settings;

  PetscFunctionBeginUser;
  PetscCall(TpFeaturesCreate(&settings->features, &system, &replica->features));
  PetscCall(TpLabelCreate(&settings->features, &system, &replica->label));
  PetscCall(TpLabelCreate(&all, &system, &replica->kinetic));
  PetscCall(PetscMalloc1(TpFeaturesCount(replica->features), &replica->raw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of this rung; tuning may move it. */
static double Temperature(TpReplica replica)
{
  return replica->run->ladder->temperature[replica->rung];
}

/* All that a mistake in the input can spoil on one rank: no message is sent in here, so that ranks can agree on the outcome. */
static PetscErrorCode CreateAlone(TpRun run, TpReplica replica)
{
  PetscFunctionBeginUser;
  replica->run  = run;
  replica->rung = run->groups->group_rank;
  PetscCall(TpEngineCreate(&run->settings.engine, run->groups->local_rank, &replica->engine));
  PetscCall(TpEngineGetInfo(replica->engine, &replica->info));
  PetscCall(CreateFeatures(replica));
  PetscCall(TpStateCreate(replica->info->size, &replica->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReplicaCreate(TpRun run, TpReplica *replica)
{
  TpReplica      new_replica = NULL;
  PetscErrorCode code        = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (run->groups->is_replica) {
    PetscCall(PetscNew(&new_replica));
    code = CreateAlone(run, new_replica);
  }
  PetscCall(TpAgree(run->groups->world, code));
  if (new_replica)
    code = TpExchangeCreate(run->ladder, run->groups->group, new_replica->info->size, new_replica->info->system_hash,
                            &new_replica->exchange);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpSystemCreate(run->groups, new_replica ? new_replica->engine : NULL,
                           new_replica ? new_replica->features : NULL, new_replica ? new_replica->label : NULL,
                           &run->system));
  *replica = new_replica;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReplicaProbe(TpRun run, TpReplica *replica)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(replica));
  code = CreateAlone(run, *replica);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpSystemCreate(run->groups, (*replica)->engine, (*replica)->features, (*replica)->label, &run->system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReplicaDestroy(TpReplica *replica)
{
  PetscFunctionBeginUser;
  if (!*replica) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpExchangeDestroy(&(*replica)->exchange));
  PetscCall(TpLabelDestroy(&(*replica)->kinetic));
  PetscCall(TpLabelDestroy(&(*replica)->label));
  PetscCall(TpFeaturesDestroy(&(*replica)->features));
  PetscCall(TpEngineDestroy(&(*replica)->engine));
  PetscCall(TpStateDestroy(&(*replica)->state));
  PetscCall(PetscFree((*replica)->raw));
  PetscCall(PetscFree(*replica));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReplicaStart(TpReplica replica)
{
  PetscFunctionBeginUser;
  /* At the start walker k is at rung k; from then on walkers travel. */
  PetscCall(TpEngineStart(replica->engine, (uint64_t)replica->run->settings.run.seed, replica->rung,
                          Temperature(replica), &replica->state));
  TpCheckInput(
      TpStateIsFinite(&replica->state),
      "the start configuration of walker %" PetscInt_FMT
      " has no finite energy; check the start positions (engine.openmm.positions, engine.lammps.script), or let "
      "engine.openmm.minimize relax them",
      replica->rung);
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpState *TpReplicaState(TpReplica replica)
{
  return &replica->state;
}

TpEngine TpReplicaEngine(TpReplica replica)
{
  return replica->engine;
}

TpFeatures TpReplicaFeatures(TpReplica replica)
{
  return replica->features;
}

/* -------------------------------------------------------------------------------------------------------------- loop */

/* Processor time of this rank. On a machine with fewer cores than ranks the clock on the wall tells little about who works. */
static double ProcessorTime(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Time passes: this round's MD at this rung's temperature. A configuration that has gone bad is left as it is, as evidence. */
static PetscErrorCode Simulate(TpReplica replica, PetscInt64 round, TpFrame *frame)
{
  const TpMoment moment = {(uint64_t)replica->run->settings.run.seed, replica->rung, round};
  const double   start = MPI_Wtime(), start_cpu = ProcessorTime();

  PetscFunctionBeginUser;
  if (TpStateIsFinite(&replica->state))
    PetscCall(TpEngineAdvance(replica->engine, Temperature(replica), replica->run->settings.ladder.interval, &moment,
                              &replica->state));
  frame->md_seconds     = MPI_Wtime() - start;
  frame->md_cpu_seconds = ProcessorTime() - start_cpu;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpFailure Failure(TpReplica replica)
{
  if (TpStateIsFinite(&replica->state)) return TP_FAILURE_NONE;
  return TpEngineHasLostAtoms(replica->engine) ? TP_FAILURE_LOST_ATOMS : TP_FAILURE_NOT_FINITE;
}

/* What is seen of the state that this rung has generated, before any swap. */
static PetscErrorCode Observe(TpReplica replica, PetscInt64 round, TpFrame *frame)
{
  const TpState *state = &replica->state;

  PetscFunctionBeginUser;
  frame->version     = TP_FRAME_VERSION;
  frame->round       = round;
  frame->rung        = replica->rung;
  frame->walker      = state->walker;
  frame->energy      = state->energy;
  frame->failed      = Failure(replica);
  frame->partner     = -1;
  frame->accepted    = 0;
  frame->probability = 0.0;
  frame->label       = TpLabelCompute(replica->label, Temperature(replica), state->v);
  frame->kinetic     = TpLabelCompute(replica->kinetic, Temperature(replica), state->v);
  if (frame->failed)
    PetscCall(PetscArrayzero(replica->raw, replica->run->system.num_features));
  else
    PetscCall(TpFeaturesCompute(replica->features, state->x, state->box, replica->raw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* While the ladder is tuned: count this swap, and at the end of a stage go to the new temperature. */
static PetscErrorCode Tune(TpReplica replica, PetscInt64 round, const TpSwap *swap, double *idle)
{
  TpRun        run    = replica->run;
  const double before = Temperature(replica);
  double       scale;

  PetscFunctionBeginUser;
  TpTunerAdd(run->tuner, round, replica->rung, swap);
  if (!TpTunerEndsStage(run->tuner, round)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpTunerGather(run->tuner, run->groups->group, replica->rung, idle));
  PetscCall(TpTunerRespace(run->tuner, run->ladder));
  scale = sqrt(Temperature(replica) / before);
  for (PetscInt i = 0; i < replica->state.size; ++i) replica->state.v[i] *= scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Exchange(TpReplica replica, PetscInt64 round, TpFrame *frame)
{
  TpSwap swap;

  PetscFunctionBeginUser;
  PetscCall(TpExchangeAttempt(replica->exchange, round, &replica->state, &swap, &frame->idle_seconds));
  frame->partner     = swap.partner;
  frame->accepted    = swap.accepted;
  frame->probability = swap.probability;
  if (replica->run->tuner) PetscCall(Tune(replica, round, &swap, &frame->idle_seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Post what this replica wishes now, and learn what all decided by their wishes of TpAgreementDelay() rounds ago. */
static PetscErrorCode Decide(TpSender sender, TpAgreement agreement, TpStopping stopping, TpFrame *frame)
{
  unsigned wish = TpStoppingWish(stopping);

  PetscFunctionBeginUser;
  if (frame->failed) wish |= TP_DECIDE_FAILED;
  if (TpSenderIsStopWished(sender)) wish |= TP_DECIDE_STOP;
  PetscCall(TpAgreementStep(agreement, wish, &frame->decision, &frame->idle_seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rounds(TpReplica replica, TpSender sender, TpAgreement agreement, TpStopping stopping)
{
  TpRun      run    = replica->run;
  TpFrame    frame  = {0};
  double     waited = 0.0; /* while sending a frame; told in the next one */
  double     told   = ProcessorTime();
  PetscInt64 round  = run->first_round;

  PetscFunctionBeginUser;
  for (PetscBool last = PETSC_FALSE; !last; ++round) {
    frame.idle_seconds = waited;
    waited             = 0.0;
    PetscCall(Simulate(replica, round, &frame));
    PetscCall(Observe(replica, round, &frame));
    PetscCall(Decide(sender, agreement, stopping, &frame));
    run->criterion_round = PetscMax(run->criterion_round, TpSenderEndRound(sender));
    last = TpRunIsLastRound(run, round) || (frame.decision & (TP_DECIDE_STOP | TP_DECIDE_FAILED)) ? PETSC_TRUE
                                                                                                  : PETSC_FALSE;
    if (TpRunIsTrajectoryRound(run, round)) PetscCall(TpSenderState(sender, round, &replica->state, &waited));
    if (!(frame.decision & TP_DECIDE_FAILED)) PetscCall(Exchange(replica, round, &frame));
    frame.cpu_seconds = ProcessorTime() - told;
    told += frame.cpu_seconds;
    PetscCall(TpSenderFrame(sender, &frame, replica->raw, &waited));
    if (last || (frame.decision & TP_DECIDE_CHECKPOINT) || TpRunIsCheckpointRound(run, round))
      PetscCall(TpSenderState(sender, round, &replica->state, &waited));
  }
  PetscCall(TpSenderFinish(sender, round, &waited));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReplicaLoop(TpReplica replica)
{
  TpRun       run = replica->run;
  TpSender    sender;
  TpAgreement agreement;
  TpStopping  stopping;

  PetscFunctionBeginUser;
  if (TpRunIsDone(run, run->first_round)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpSenderCreate(&run->settings.stream, run->groups, run->system.num_features, run->system.size,
                           run->first_round, &sender));
  PetscCall(TpAgreementCreate(run->groups->group, &agreement));
  PetscCall(TpStoppingCreate(run, &stopping));
  PetscCall(Rounds(replica, sender, agreement, stopping));
  PetscCall(TpStoppingDestroy(&stopping));
  PetscCall(TpAgreementDestroy(&agreement));
  PetscCall(TpSenderDestroy(&sender));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A configuration of a pilot is not repaired: it ends here. */
static PetscErrorCode CheckPilot(TpReplica replica, PetscInt64 round)
{
  char who[128];

  PetscFunctionBeginUser;
  if (TpStateIsFinite(&replica->state)) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(who, sizeof(who), "round %lld of the pilot: the configuration at rung %d", (long long)round + 1,
           (int)replica->rung);
  PetscFunctionReturn(TpRunBadConfiguration(Failure(replica), who, ""));
}

PetscErrorCode TpReplicaPilot(TpReplica replica)
{
  TpRun   run   = replica->run;
  TpFrame frame = {0};

  PetscFunctionBeginUser;
  for (PetscInt64 round = 0; round < run->tuner->num_rounds; ++round) {
    PetscCall(Simulate(replica, round, &frame));
    PetscCall(Exchange(replica, round, &frame));
    if (TpTunerEndsStage(run->tuner, round)) PetscCall(TpAgree(run->groups->world, CheckPilot(replica, round)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
