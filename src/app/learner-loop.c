/* The learning side's loop: receive a round, learn from it, write what is due, tell the replicas. */
#include "diagnostics.h"
#include "learner-impl.h"

#include <math.h>

/* What came with a round, agreed between the trainers. */
typedef struct {
  PetscInt64    round;
  unsigned      decision;   /* TpDecision bits of the replicas */
  PetscBool     failed;     /* a configuration is bad: nothing of this round is kept */
  PetscBool     last;       /* no round follows */
  PetscBool     save;       /* whole states came, for a checkpoint */
  PetscInt      bad_rung;   /* lowest rung whose frame came to this trainer and is bad; PETSC_MAX_INT: none */
  PetscInt64    bad_walker; /* its walker */
  TpFailure     failure;    /* what is wrong with it */
  PetscInt      num_states; /* of rungs t, t + K, ... */
  const double *states;     /* [num_states, packed] borrowed until the next round */
} Round;

enum {
  BAD_FRAME = 1 << 16 /* beside the TpDecision bits */
};

/* ----------------------------------------------------------------------------------------------------------- receive */

/* Agree on what the frames say of this round, and keep them, unless one of them is bad. */
static PetscErrorCode ReceiveFrames(TpLearner learner, PetscInt64 number, Round *round)
{
  TpRun          run  = learner->run;
  unsigned       mine = 0, all = 0;
  PetscInt       count;
  const TpFrame *frames;
  const float   *features;

  PetscFunctionBeginUser;
  PetscCall(TpReceiverFrames(learner->receiver, number, &count, &frames, &features, &learner->idle));
  for (PetscInt i = 0; i < count; ++i) mine |= frames[i].decision | (frames[i].failed ? BAD_FRAME : 0);
  PetscCall(TpAllreduce(&mine, &all, 1, MPI_UNSIGNED, MPI_BOR, run->groups->group, &learner->idle));
  *round = (Round){.round = number, .decision = all & ~(unsigned)BAD_FRAME, .bad_rung = PETSC_MAX_INT};
  for (PetscInt i = count - 1; i >= 0; --i) { /* in the order of their rungs */
    if (!frames[i].failed) continue;
    round->bad_rung   = frames[i].rung;
    round->bad_walker = frames[i].walker;
    round->failure    = (TpFailure)frames[i].failed;
  }
  round->failed = all & (BAD_FRAME | TP_DECIDE_FAILED) ? PETSC_TRUE : PETSC_FALSE;
  round->last = TpRunIsLastRound(run, number) || (all & (TP_DECIDE_STOP | TP_DECIDE_FAILED)) ? PETSC_TRUE : PETSC_FALSE;
  round->save =
      round->last || (all & TP_DECIDE_CHECKPOINT) || TpRunIsCheckpointRound(run, number) ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt i = 0; i < count && !round->failed && !learner->is_draining; ++i) {
    TpRecorderAdd(learner->recorder, &frames[i], features + i * run->system.num_features);
    if (TpStreamIsKept(&run->settings.stream, number))
      PetscCall(TpLearnerKeep(learner, &frames[i], features + i * run->system.num_features));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All messages of a round, in the order the replicas send them: nothing of it is in flight when anything is done with it. */
static PetscErrorCode ReceiveRound(TpLearner learner, PetscInt64 number, Round *round)
{
  PetscFunctionBeginUser;
  PetscCall(ReceiveFrames(learner, number, round));
  if (TpRunIsTrajectoryRound(learner->run, number)) {
    PetscCall(TpReceiverStates(learner->receiver, number, &round->num_states, &round->states, &learner->idle));
    if (!round->failed && !learner->is_draining)
      PetscCall(TpTrajectoriesAdd(learner->trajectories, number, round->num_states, round->states));
  }
  if (round->save)
    PetscCall(TpReceiverStates(learner->receiver, number, &round->num_states, &round->states, &learner->idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- learn */

static PetscErrorCode Learn(TpLearner learner, PetscInt64 round)
{
  const TpSettings *settings = &learner->run->settings;
  TpLearning        learning = learner->learning;
  const PetscInt64  begin    = settings->training.start_round + settings->scale_rounds - 1;
  double            loss     = NAN;

  PetscFunctionBeginUser;
  if (settings->training.steps_per_round && round >= begin) {
    if (!learning->is_scaled) PetscCall(TpLearningFixScaling(learning, &learner->idle));
    for (PetscInt64 i = 0; i < settings->training.steps_per_round && learning->is_scaled; ++i) {
      PetscCall(TpLearningStep(learning));
      loss = learning->trainer->loss;
    }
  }
  TpRecorderAddLoss(learner->recorder, round, loss);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

static PetscErrorCode Flush(TpLearner learner, PetscInt64 end_round)
{
  PetscFunctionBeginUser;
  PetscCall(TpRecorderFlush(learner->recorder, end_round));
  if (learner->trajectories) PetscCall(TpTrajectoriesFlush(learner->trajectories));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpProgressReport Report(TpLearner learner)
{
  return (TpProgressReport){.round                = learner->next_round,
                            .optimiser_step       = learner->learning->trainer->step,
                            .loss                 = learner->learning->trainer->loss,
                            .trainer_idle_seconds = learner->idle,
                            .times                = TpRecorderTimes(learner->recorder),
                            .statistics           = TpRecorderStatistics(learner->recorder)};
}

/* Rows reach the disk before a checkpoint that counts on them. */
static PetscErrorCode Checkpoint(TpLearner learner, const Round *round)
{
  const TpCheckpoint checkpoint = {.round = round->round, .learning = learner->learning};
  char               path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(Flush(learner, round->round + 1));
  PetscCall(TpCheckpointPath(learner->run, round->round, path));
  PetscCall(TpCheckpointWrite(learner->run, path, TP_CHECKPOINT_FORMAT, &checkpoint, round->num_states, round->states));
  PetscCall(TpCheckpointPrune(learner->run));
  PetscCall(TpLearningWriteModels(learner->learning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The writer tells; all learn whether it could. */
static PetscErrorCode Tell(TpLearner learner)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (learner->progress) {
    const TpProgressReport told = Report(learner);

    code = TpProgressTell(learner->progress, &told);
  }
  PetscFunctionReturn(TpAgree(learner->run->groups->group, code));
}

/* The replicas have re-spaced the ladder after this round: so does this side, from the rows. */
static PetscErrorCode Tune(TpLearner learner, PetscInt64 round)
{
  TpRun run = learner->run;

  PetscFunctionBeginUser;
  if (!run->tuner || !TpTunerEndsStage(run->tuner, round)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Flush(learner, round + 1));
  PetscCall(TpTuningEndStage(run, round, TpRecorderFile(learner->recorder)));
  TpLearningSetCondition(learner->learning);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteWhatIsDue(TpLearner learner, const Round *round)
{
  const PetscBool report =
      (round->round + 1) % learner->run->settings.output.report_interval == 0 || round->last ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(Tune(learner, round->round));
  if (report) PetscCall(Flush(learner, round->round + 1));
  learner->next_round = round->round + 1;
  if (report) PetscCall(Tell(learner));
  /* Last: a restart takes rows of metrics.csv behind the checkpoint away, but can't give back one that is missing before it. */
  if (round->save) PetscCall(Checkpoint(learner, round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- failure */

/* Which rung's configuration went bad in this round, whose walker it is, and how; the lowest such rung of all trainers. */
static PetscErrorCode FindGuilty(TpLearner learner, const Round *round, PetscInt *rung, PetscInt64 *walker,
                                 TpFailure *failure)
{
  const MPI_Comm group = learner->run->groups->group;
  PetscInt64     facts[2];

  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(&round->bad_rung, rung, 1, MPIU_INT, MPI_MIN, group, NULL));
  facts[0] = round->bad_rung == *rung ? round->bad_walker : -1;
  facts[1] = round->bad_rung == *rung ? (PetscInt64)round->failure : -1;
  PetscCall(TpAllreduce(MPI_IN_PLACE, facts, 2, MPIU_INT64, MPI_MAX, group, NULL));
  *walker  = facts[0];
  *failure = (TpFailure)facts[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Give credits and take what the replicas send, keeping nothing of it, until they stop. Afterwards nobody waits for this side. */
static PetscErrorCode TakeTheRest(TpLearner learner, PetscBool ask_to_stop, Round *round)
{
  PetscFunctionBeginUser;
  learner->is_draining = PETSC_TRUE;
  for (;;) {
    PetscCall(TpReceiverCredit(learner->receiver, round->round, ask_to_stop));
    if (round->last) break;
    PetscCall(ReceiveRound(learner, round->round + 1, round));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A configuration went bad. The replicas all know it TpAgreementDelay() rounds later, without being asked to stop, and send what they have
  then: write that aside, and stop.
*/
static PetscErrorCode Fail(TpLearner learner, Round *round)
{
  TpRun              run    = learner->run;
  const PetscInt64   number = round->round, steps = run->settings.ladder.interval;
  const TpCheckpoint evidence = {.round = number, .learning = learner->learning};
  PetscInt           rung;
  PetscInt64         walker  = -1;
  TpFailure          failure = TP_FAILURE_NONE;
  char               path[PETSC_MAX_PATH_LEN], name[64], who[128], rest[PETSC_MAX_PATH_LEN + 128];

  PetscFunctionBeginUser;
  PetscCall(FindGuilty(learner, round, &rung, &walker, &failure));
  PetscCall(TakeTheRest(learner, PETSC_FALSE, round));
  PetscCall(Flush(learner, number));
  snprintf(name, sizeof(name), "failure-round-%012lld.h5", (long long)number + 1);
  PetscCall(TpRunPath(run, name, path));
  PetscCall(TpCheckpointWrite(run, path, TP_FAILURE_FORMAT, &evidence, round->num_states, round->states));
  snprintf(who, sizeof(who), "round %lld: the configuration at rung %d, walker %lld,", (long long)number + 1, (int)rung,
           (long long)walker);
  snprintf(rest, sizeof(rest), " in MD steps %lld to %lld; all states are in %s; the last checkpoint is whole",
           (long long)(number * steps), (long long)((number + 1) * steps), path);
  PetscFunctionReturn(TpRunBadConfiguration(failure, who, rest));
}

/* -------------------------------------------------------------------------------------------------------------- loop */

static PetscErrorCode LearnAndWrite(TpLearner learner, const Round *round)
{
  TpRun run = learner->run;

  PetscFunctionBeginUser;
  PetscCall(Learn(learner, round->round));
  PetscCall(WriteWhatIsDue(learner, round));
  if (!round->last) PetscCall(TpStopCriterionLook(run, TpRecorderFile(learner->recorder), round->round + 1));
  TpReceiverSetEndRound(learner->receiver, run->criterion_round);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rows are written: what they say of the mixing goes to run.h5 and, with the speeds, to the log. */
static PetscErrorCode Summarise(TpLearner learner)
{
  const MPI_Comm group = learner->run->groups->group;
  const TpFile   file  = TpRecorderFile(learner->recorder);
  TpDiagnostics  diagnostics;

  PetscFunctionBeginUser;
  PetscCall(TpDiagnosticsCreate(file, group, learner->next_round, &diagnostics));
  PetscCall(TpDiagnosticsWrite(file, group, diagnostics));
  if (learner->progress) {
    const TpProgressReport told = Report(learner);

    PetscCall(TpProgressSummary(learner->progress, &told, diagnostics));
  }
  PetscCall(TpDiagnosticsDestroy(&diagnostics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearnerLoop(TpLearner learner)
{
  TpRun run   = learner->run;
  Round round = {.last = TpRunIsDone(run, run->first_round)};

  PetscFunctionBeginUser;
  for (PetscInt64 number = run->first_round; !round.last; ++number) {
    PetscCall(ReceiveRound(learner, number, &round));
    if (round.failed) PetscFunctionReturn(Fail(learner, &round));
    const PetscErrorCode code = LearnAndWrite(learner, &round);
    /* this side can't go on (a full disk, a loss that is no number) */
    if (code == TP_ERR_STOPPED) PetscCall(TakeTheRest(learner, PETSC_TRUE, &round));
    if (code) PetscFunctionReturn(code);
    PetscCall(TpReceiverCredit(learner->receiver, number, TpStoppingIsSignalled()));
  }
  PetscCall(Summarise(learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}
