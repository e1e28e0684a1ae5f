/* What the files of `tempera run` share: one run, and its parts on the two sides. */
#pragma once

#include "app-impl.h"
#include "data.h"
#include "model.h"

/* ------------------------------------------------------------------------------------------------------------ system */

/** What both sides know of the simulated system; made by the replica of rung 0 from its engine, the same on all ranks. **/
typedef struct {
  char         engine[128];
  TpUnitSystem units;
  PetscInt     size; /* coordinates of a configuration */
  PetscInt     num_particles;
  PetscInt     dimension;
  PetscBool    has_box;
  PetscBool    deterministic;
  PetscInt     degrees_of_freedom;
  uint64_t     hash;
  char         hash_text[20];
  double       label_degrees; /* degrees of freedom of a kinetic label; 0: another label, or not known */
  PetscInt     num_features;
  double      *mass;   /* [num_particles] */
  double      *period; /* [num_features] */
  char (*name)[TP_NAME_LENGTH];
  char (*unit)[TP_UNIT_LENGTH];
} TpSystem;

/** Collective on world; engine, features and label on replicas, NULL on trainers. **/
PetscErrorCode TpSystemCreate(TpGroups groups, TpEngine engine, TpFeatures features, TpLabel label, TpSystem *system);

/** The data of `tempera train` as a system: its features, units and hash. Not collective. **/
PetscErrorCode TpSystemCreateFromData(const TpSettings *settings, TpData data, TpSystem *system);
PetscErrorCode TpSystemDestroy(TpSystem *system);

/** What features and labels need to know of an engine's system; its arrays are the engine's. Pure. **/
TpFeatureSystem TpSystemOfFeatures(const TpEngineInfo *info);

/* --------------------------------------------------------------------------------------------------------------- run */

/** Everything that both sides of a run share. **/
typedef struct TpRun_ {
  TpConfig   config;
  TpSettings settings;
  TpGroups   groups;
  TpLadder   ladder;
  TpTuner    tuner; /* NULL: the temperatures stay as they are */
  TpSystem   system;
  PetscInt64 first_round;     /* 0, or where the checkpoint left off */
  PetscInt64 stop_round;      /* stop when so many rounds are done; 0: don't */
  PetscInt64 criterion_round; /* likewise, and be finished: analysis.stop_when is met; 0: not yet */
  PetscInt64 rounds_done;     /* known at the end */
  PetscInt   reseed_rung;     /* whose configuration is to be replaced at this restart; -1: none */
  char      *used_parameters; /* YAML */
  double     start_time;      /* MPI_Wtime() at the program's start */
  double     max_hours; /* of this start, which --max-hours may have set: not a parameter of the run; 0: no limit */
  PetscBool  is_writer; /* this rank is trainer 0: it logs and decides about files */
  FILE      *log;       /* on the writer: log.txt */
  TpData     data;      /* tempera train: what is learned from; NULL in a run */
  PetscInt64 length;    /* tempera ti: rounds of all its phases; 0 in a run */
} * TpRun;

/** Path of a file in the run folder. **/
PetscErrorCode TpRunPath(TpRun run, const char *name, char path[PETSC_MAX_PATH_LEN]);

/** Whether this is the last round by the input or by `stop_round`. Pure. **/
PetscBool TpRunIsLastRound(TpRun run, PetscInt64 round);

/** Whether a run of so many rounds is finished: all that the input wants, or enough by analysis.stop_when. Pure. **/
PetscBool TpRunIsDone(TpRun run, PetscInt64 rounds);

/** Whether a checkpoint is due after this round by the input (decisions of the moment come on top). Pure. **/
PetscBool TpRunIsCheckpointRound(TpRun run, PetscInt64 round);

/** First round whose frames are kept: the temperatures are frozen. Pure. **/
PetscInt64 TpRunFirstKept(TpRun run);

/** Whether a trajectory frame is due in this round. Pure. **/
PetscBool TpRunIsTrajectoryRound(TpRun run, PetscInt64 round);

/** Frames of each trajectory of the whole run. Pure. **/
PetscInt64 TpRunTrajectoryFrames(TpRun run);

/** Whether this rung is held out of training. Pure. **/
PetscBool TpRunIsHeldOut(TpRun run, PetscInt rung);

/** The atoms that features.align: augment turns, NULL without it; free with TpAtomsDestroy(). Not collective. Errors: as TpAtomsCreate(). **/
PetscErrorCode TpRunTurnedAtoms(TpRun run, TpAtoms *atoms);

/** Frames at this rung, relative to other rungs. Pure. **/
double TpRunShare(TpRun run, PetscInt rung);

/** Say what the held-out temperatures mean under the label that is learned with the frames. On one rank. **/
PetscErrorCode TpRunTellMixture(TpRun run);

/** What has to hold between the temperatures and the rest of the input. Errors: TP_ERR_INPUT. Not collective. **/
PetscErrorCode TpRunCheckTemperatures(TpRun run);

/** The error that a bad configuration is: TP_ERR_STOPPED, or TP_ERR_INPUT if atoms were lost, which time step and script bring about. `who` begins the
    line, `rest` comes behind what has happened. Not collective. **/
PetscErrorCode TpRunBadConfiguration(TpFailure failure, const char *who, const char *rest);

/** Free what all runs have, and the run. Collective on the ranks of its groups. **/
PetscErrorCode TpRunDestroy(TpRun *run);

/** Modules name the key of a wrong value: add file and line to such an error; any other code is returned as it is. Not collective. **/
PetscErrorCode TpRunLocate(TpRun run, PetscErrorCode code);

/* ------------------------------------------------------------------------------------------------------------- folder */

/** Whether `name` is in the run folder, of a new run, and not of a restart: what a new run makes first. Collective on `comm`. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpRunFolderCheck(TpRun run, MPI_Comm comm, const char *name, PetscBool restart);

/** Make the folder of a new run, lock it, or find the checkpoint of an old one; `path` is empty without one. Collective on world. **/
PetscErrorCode TpRunFolderOpen(TpRun run, const TpCommandLine *command, char checkpoint[PETSC_MAX_PATH_LEN]);

/** Two jobs in one folder would write over each other: the writer holds a lock for as long as it lives. Not collective.
    Errors: TP_ERR_INPUT if another process has it. **/
PetscErrorCode TpRunFolderLock(TpRun run);

/** Remove a file of the folder, which need not be there. The writer does; not collective. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpRunFolderRemove(TpRun run, const char *name);

/** Write used-parameters.yaml; `verb` goes on with it. Collective on the trainer group. **/
PetscErrorCode TpRunFolderWriteParameters(TpRun run, const char *verb);

/** What is said on the screen is kept in the run folder, restarts included. Not collective. **/
PetscErrorCode TpRunLogOpen(TpRun run);
void           TpRunLogClose(TpRun run);

/** `finished` or `continue`: what a job script looks at. Collective on world. **/
PetscErrorCode TpRunFolderMark(TpRun run, PetscBool finished);

/* ----------------------------------------------------------------------------------------------------------- replica */

/** The simulation side: one rung. **/
typedef struct TpReplica_ *TpReplica;

/** Create engine and features; tells `run` about the system. Collective on world, called by trainers too (they get NULL). Errors: TP_ERR_INPUT on all ranks. **/
PetscErrorCode TpReplicaCreate(TpRun run, TpReplica *replica);
PetscErrorCode TpReplicaDestroy(TpReplica *replica);

/** Engine and features on every rank, and `run->system`, without partners. Collective on world, which has replicas alone. Errors: TP_ERR_INPUT on all ranks. **/
PetscErrorCode TpReplicaProbe(TpRun run, TpReplica *replica);

/** The configuration to begin with when no checkpoint gives one. Not collective. **/
PetscErrorCode TpReplicaStart(TpReplica replica);

/** The configuration of this rung, to be filled at a restart. **/
TpState *TpReplicaState(TpReplica replica);

/** Its engine and features, for those who have a loop of their own. Ours. **/
TpEngine   TpReplicaEngine(TpReplica replica);
TpFeatures TpReplicaFeatures(TpReplica replica);

/** Simulate all rounds. Collective on the replica group. **/
PetscErrorCode TpReplicaLoop(TpReplica replica);

/** Simulate the rounds of the tuner, and tell nobody. Collective on the replica group. Errors: TP_ERR_STOPPED on all ranks for a configuration gone bad. **/
PetscErrorCode TpReplicaPilot(TpReplica replica);

/* ----------------------------------------------------------------------------------------------------------- learner */

/** The learning side: one trainer with all that is written. **/
typedef struct TpLearner_ *TpLearner;

PetscErrorCode TpLearnerCreate(TpRun run, TpLearner *learner);
PetscErrorCode TpLearnerDestroy(TpLearner *learner);

/** Go on from a checkpoint (read by TpCheckpointRead()) and the frames in run.h5. Collective on the trainer group. **/
PetscErrorCode TpLearnerRestore(TpLearner learner, const char *checkpoint, double states[]);

/** After a restart: what the rounds that are done say of analysis.stop_when. Collective on the trainer group. **/
PetscErrorCode TpLearnerRecall(TpLearner learner);

/** Receive, learn, write, until all rounds are done or the replicas stopped. Collective on the trainer group. **/
PetscErrorCode TpLearnerLoop(TpLearner learner);

/** Rounds done. **/
PetscInt64 TpLearnerRounds(TpLearner learner);

/* ---------------------------------------------------------------------------------------------------------- recorder */

#define TP_RUN_FORMAT  "tempera run"
#define TP_RUN_VERSION 2

/** run.h5: every round of every rung. Lives on the trainers; keeps statistics of all rounds. **/
typedef struct TpRecorder_ *TpRecorder;

/** Create run.h5 (or open it, at a restart; made anew for another `run.rounds`). Collective on the trainer group. **/
PetscErrorCode TpRecorderCreate(TpRun run, TpRecorder *recorder);
PetscErrorCode TpRecorderDestroy(TpRecorder *recorder);

/** Keep one frame until the next flush. Not collective. **/
void TpRecorderAdd(TpRecorder recorder, const TpFrame *frame, const float features[]);

/** The training loss of this round, NaN where no step was done; the same on all trainers. Not collective. **/
void TpRecorderAddLoss(TpRecorder recorder, PetscInt64 round, double loss);

/** Write all rounds before `end_round`. Collective on the trainer group. **/
PetscErrorCode TpRecorderFlush(TpRecorder recorder, PetscInt64 end_round);

/** The open file. Ours. **/
TpFile TpRecorderFile(TpRecorder recorder);

/** Called for every frame that was kept of a recorded run, in (round, rung) order. **/
typedef PetscErrorCode (*TpReplayFunction)(void *context, const TpFrame *frame, const float features[]);

/** Read the rounds before `end_round` back, rebuild the statistics, and forget what lies behind. Collective on the trainer group. **/
PetscErrorCode TpRecorderReplay(TpRecorder recorder, PetscInt64 end_round, TpReplayFunction visit, void *context);

/** Statistics of all rounds flushed, and wall times of all rounds flushed by this process. **/
TpLadderStatistics TpRecorderStatistics(TpRecorder recorder);

typedef struct {
  double     md_seconds;     /* summed over rungs */
  double     idle_seconds;   /* summed over rungs */
  double     md_cpu_seconds; /* processor time of MD, summed over rungs */
  double     cpu_seconds;    /* all processor time of the replicas */
  PetscInt64 rounds;
} TpRoundTimes;
TpRoundTimes TpRecorderTimes(TpRecorder recorder);

/* ------------------------------------------------------------------------------------------------------------ tuning */

/* For a run with a tuner, all but TpTuningWriteCheckpoint(). */

/** The datasets of run.h5 that hold temperatures, and how they came about; copy the latter into a new file. Collective on the trainer group. **/
PetscErrorCode TpTuningDefine(TpRun run, TpFile file);
PetscErrorCode TpTuningCopy(TpRun run, TpFile from, TpFile to);

/** The present temperatures into run.h5. Collective on the trainer group. **/
PetscErrorCode TpTuningWriteLadder(TpRun run, TpFile file);

/** A stage ends with this round, all of whose rows are flushed: re-space, write into run.h5, tell. Collective on the trainer group. **/
PetscErrorCode TpTuningEndStage(TpRun run, PetscInt64 round, TpFile file);

/** The temperatures, and what the stage under way has counted, into a checkpoint, and back on all ranks of world (without a tuner: nothing). Collective. **/
PetscErrorCode TpTuningWriteCheckpoint(TpRun run, TpFile file);
PetscErrorCode TpTuningRestore(TpRun run, const char *path);

/** Lines about what the last stage has measured, and about `num_rungs` equally rejecting rungs; `margin` begins each. Not collective. **/
void           TpTuningTellIntervals(TpRun run, const char *margin);
PetscErrorCode TpTuningTellRate(PetscInt scheme, PetscInt num_rungs, double rejection, const char *margin);
void           TpTuningTellTemperatures(PetscInt num_rungs, const double temperature[]);

/* ------------------------------------------------------------------------------------------------------------- pilot */

/** For --pilot: measure the barrier of the path from the lowest to the highest temperature with a rung on each rank, and print the ladder to use. The run
    has no groups yet. Collective on `comm`. Errors: TP_ERR_INPUT, TP_ERR_STOPPED on all ranks. **/
PetscErrorCode TpPilot(TpRun run, MPI_Comm comm);

/* ------------------------------------------------------------------------------------------------------------ repair */

/** Make the table of replaced configurations in run.h5; copy it into a new one. Collective on the trainer group. **/
PetscErrorCode TpRepairDefine(TpFile file);
PetscErrorCode TpRepairCopy(TpFile from, TpFile to);

/**
  Enter `reseed_rung` into the table of run.h5, and replace what the table tells of the round that the run goes on with. Collective on the trainer group.

  @param[in,out] states  [rungs, packed] of the checkpoint, on trainer 0
**/
PetscErrorCode TpRepairStates(TpRun run, TpFile file, double states[]);

/* ------------------------------------------------------------------------------------------------------ trajectories */

#define TP_TRAJECTORY_FORMAT  "tempera trajectory"
#define TP_TRAJECTORY_VERSION 2

typedef struct TpTrajectories_ *TpTrajectories;

/** Name in the run folder of the trajectory of rung (or walker) `index`. **/
void TpTrajectoryName(PetscBool by_walker, PetscInt index, size_t size, char name[]);

/** Whether there are trajectories of rungs (or walkers) by the input. Pure. **/
PetscBool TpTrajectoriesWanted(TpRun run, PetscBool by_walker);

/** Create (or open, or make anew) trajectory/rung-*.h5 and walker-*.h5. Collective on the trainer group. **/
PetscErrorCode TpTrajectoriesCreate(TpRun run, TpTrajectories *trajectories);
PetscErrorCode TpTrajectoriesDestroy(TpTrajectories *trajectories);

/** Keep the states [owned rungs, packed] of this round until the next flush. Not collective. **/
PetscErrorCode TpTrajectoriesAdd(TpTrajectories trajectories, PetscInt64 round, PetscInt count, const double states[]);

/** Write what is kept. Collective on the trainer group. **/
PetscErrorCode TpTrajectoriesFlush(TpTrajectories trajectories);

/* ------------------------------------------------------------------------------------------------------- checkpoints */

#define TP_CHECKPOINT_FORMAT  "tempera checkpoint"
#define TP_FAILURE_FORMAT     "tempera failure"
#define TP_CHECKPOINT_VERSION 2

/** What the trainers put into a checkpoint besides the states. **/
typedef struct {
  PetscInt64          round; /* the state is that after this round's exchange; the next round is round + 1 */
  struct TpLearning_ *learning;
} TpCheckpoint;

/** Write and publish; `states` [owned rungs, packed] of rungs t, t + K, ... Collective on the trainer group. **/
PetscErrorCode TpCheckpointWrite(TpRun run, const char *path, const char *format, const TpCheckpoint *checkpoint,
                                 PetscInt count, const double states[]);

/** Read into the objects of `checkpoint`; `states` [rungs, packed] on trainer 0. Collective on the trainer group. **/
PetscErrorCode TpCheckpointRead(TpRun run, const char *path, TpCheckpoint *checkpoint, double states[]);

/** Path of the checkpoint of a round. **/
PetscErrorCode TpCheckpointPath(TpRun run, PetscInt64 round, char path[PETSC_MAX_PATH_LEN]);

/** Remove all but the newest `keep` (trainer 0 does). Collective on the trainer group. **/
PetscErrorCode TpCheckpointPrune(TpRun run);

/**
  Move checkpoints of more rounds than `first_round` to checkpoints/aside-N: their rows in run.h5 are about to be written over, so none of them may be
  restarted from, nor push new ones out. To be called before any file forgets a row. Collective on the trainer group.

  Errors: TP_ERR_STOPPED if they can't be moved.
**/
PetscErrorCode TpCheckpointSetAside(TpRun run);

/** Rounds done by the newest checkpoint of the run folder, whole or not; 0: there is none. Collective on world. **/
PetscErrorCode TpCheckpointNewest(TpRun run, PetscInt64 *rounds);

/**
  The newest whole checkpoint of the run folder, and the round after it; damaged ones are skipped with a warning. Collective on world.
  A run that ended before its first checkpoint gives an empty path and round 0: it begins again.

  Errors: TP_ERR_INPUT if there is none otherwise, or its parameters are of another physics or model than the run's (the line names the key).
**/
PetscErrorCode TpCheckpointFind(TpRun run, const char *wanted, char path[PETSC_MAX_PATH_LEN], PetscInt64 *next_round);

/* ---------------------------------------------------------------------------------------------------------- stopping */

/** Wishes to checkpoint or stop that reach this rank: signals, the file `stop`, the clock. **/
typedef struct TpStopping_ *TpStopping;

/** From here on SIGUSR1 wishes for a checkpoint, SIGUSR2 and SIGTERM for an end. On every rank: mpirun hands a signal to all of them. Not collective. **/
PetscErrorCode TpStoppingCatchSignals(void);

/** Whether a signal has asked this rank to stop. Trainers pass it on with their credits. **/
PetscBool TpStoppingIsSignalled(void);

PetscErrorCode TpStoppingCreate(TpRun run, TpStopping *stopping);
PetscErrorCode TpStoppingDestroy(TpStopping *stopping);

/** TpDecision bits that this rank wishes now; a signal's wish is told once. Not collective. **/
unsigned TpStoppingWish(TpStopping stopping);

/* ---------------------------------------------------------------------------------------------------- stop criterion */

/** Check the section `analysis` before the run begins. Not collective; the same on all ranks. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpAnalysisCheck(TpRun run);

/** After `rounds` rounds, which are in run.h5: look whether analysis.stop_when is met, if that is due, and set run->criterion_round. Collective on the
    trainer group. **/
PetscErrorCode TpStopCriterionLook(TpRun run, TpFile file, PetscInt64 rounds);

/** At a restart: look again where the answer still bears on rounds to come. Collective on the trainer group. **/
PetscErrorCode TpStopCriterionRecall(TpRun run, TpFile file);

/* ---------------------------------------------------------------------------------------------------------- progress */

typedef struct TpDiagnostics_ *TpDiagnostics; /* diagnostics.h */

/** What is told while the run goes on: lines for people, rows for metrics.csv. On trainer 0 only. **/
typedef struct TpProgress_ *TpProgress;

PetscErrorCode TpProgressCreate(TpRun run, TpProgress *progress);
PetscErrorCode TpProgressDestroy(TpProgress *progress);

/** Open metrics.csv with its header line, and keep the rows up to `run->first_round`, their first number. On the writer. Errors: TP_ERR_STOPPED. **/
PetscErrorCode TpMetricsOpen(TpRun run, const char *header, FILE **metrics);

typedef struct {
  PetscInt64         round; /* rounds done */
  PetscInt64         optimiser_step;
  double             loss;
  double             trainer_idle_seconds; /* since the run's start, this trainer */
  TpRoundTimes       times;
  TpLadderStatistics statistics;
} TpProgressReport;

/** A line of progress and a row of metrics.csv. Not collective. Errors: TP_ERR_STOPPED if the row does not fit on the disk. **/
PetscErrorCode TpProgressTell(TpProgress progress, const TpProgressReport *report);

/** The screen at the end: diagnostics, speeds. Not collective. **/
PetscErrorCode TpProgressSummary(TpProgress progress, const TpProgressReport *report, TpDiagnostics diagnostics);

/* -------------------------------------------------------------------------------------------------------- evaluation */

/** Generate at the held-out temperatures, compare with the held-out MD, write evaluation.h5, tell. Collective on world. **/
PetscErrorCode TpEvaluate(TpRun run);

/** Check `evaluation.pairs` before the run begins. Not collective; the same on all ranks. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpEvaluationCheck(TpRun run);

/* ---------------------------------------------------------------------------------------------------------------- run */

/** How a run ended; the same on all ranks. **/
typedef struct {
  PetscInt64 rounds; /* done */
  PetscInt   num_rungs;
  PetscBool  has_trajectories[2]; /* of rungs, of walkers */
  PetscBool  deterministic;       /* the engine is */
} TpRunOutcome;

/** One run, as the command line has it. Collective on `comm`; errors as TpVerbRun(). **/
PetscErrorCode TpRunOnce(MPI_Comm comm, const TpCommandLine *command, TpRunOutcome *outcome);

/** --verify-restart. Collective on `comm`. Errors: TP_ERR_STOPPED with the verdict if something differs. **/
PetscErrorCode TpVerifyRestart(MPI_Comm comm, const TpCommandLine *command);

/* -------------------------------------------------------------------------------------------------------------- plan */

/** For --check: make what the run would make, on rank 0, and print its ranks, memory and disk. Collective on `comm`. Errors: TP_ERR_INPUT on all ranks. **/
PetscErrorCode TpPlanWrite(TpRun run, MPI_Comm comm);
