/*
  What the files of `tempera ti` share.

  A *member* is a system that configurations are learned from: a temperature of the ladder, or a number of particles. A *target* is a system whose free energy
  is wanted: every member, and numbers of particles between.

  The work is counted in rounds, in three phases one after the other:
    simulate    replicas move the members by MD; after training.start_round each round gives one configuration of each member
    train       trainers learn; replicas sample the windows of the classical integration, each rank one window, one member after the other
    integrate   all ranks sample trajectories, one piece of one target's a round
  What is done in a round is a function of the round, and the checkpoint after it holds all that later rounds need.
*/
#pragma once

#include "run-impl.h"

#include "tempera/ti.h"

/** A system with its path. **/
typedef struct {
  PetscInt num_particles; /* of the fluid; else 0 */
  PetscInt rung;
  double   temperature;
  double   beta;
  PetscInt size;   /* coordinates of the engine */
  TpPath   neural; /* NULL until the configurations are known */
  TpPath   classical;
  double  *mean, *scale; /* [coordinates of y]; NULL of a fluid */
  double   lowest;       /* lowest beta U of the configurations */
} TpTiSystem;

typedef struct {
  TpTiSystem       system;
  TpEngineSettings engine_settings; /* the input's, but for the number of particles */
  TpEngine         engine;          /* on the rank that simulates it; NULL elsewhere */
  TpState          state;           /* likewise */
  float           *x; /* [num_frames, size] configurations, in the engine's units; on all ranks after the simulation */
  double          *energy; /* [num_frames] */
} TpTiMember;

enum { TP_TI_PLAIN, TP_TI_CORRECTED, TP_TI_NUM_MODES };

#define TP_TI_PAIR_BINS   60
#define TP_TI_LOSS_POINTS 300 /* of the course of the training, at most */

/** What trajectories have given for one target, the same on all ranks. **/
typedef struct {
  TpTiSystem system;
  double    *integral;                                /* [modes, trajectories] */
  double    *coarse;                                  /* [modes, trajectories] over every second time */
  double    *weight;                                  /* [trajectories] logarithm, of the plain ones */
  double    *integrand;                               /* [modes, K + 1] sum over trajectories */
  double    *squares;                                 /* [modes, K + 1] of its squares */
  double     pairs[TP_TI_NUM_MODES][TP_TI_PAIR_BINS]; /* histogram of the end configurations */
  double     energy[TP_TI_NUM_MODES];                 /* sum of beta U of the end configurations */
  PetscInt64 accepted;                                /* moves */
} TpTiTarget;

/** The window of this replica. **/
typedef struct {
  double      t;
  PetscInt    member;  /* whose configuration `walkers` holds; -1: none yet */
  double      length;  /* of leapfrog steps */
  TpWalkers   walkers; /* one row */
  double     *series;  /* [members, window_rounds] d/dt beta U_t */
  PetscInt64 *swaps;   /* [2] tried and accepted with the window above */
} TpTiWindow;

typedef struct TpTi_ {
  struct TpRun_  *run;
  PetscBool       is_fluid, is_centred;
  PetscInt        num_members, num_targets, num_windows, num_modes;
  TpTiMember     *members;
  TpTiTarget     *targets;
  PetscInt        max_size;   /* coordinates of the largest system */
  PetscInt64      num_frames; /* of each member */
  PetscInt64      simulate_rounds, train_rounds, integrate_rounds;
  PetscInt64      pieces; /* rounds of a target */
  TpEngine        engine; /* forces of a path to a Gaussian; NULL of a fluid */
  double         *forces_work;
  TpExchange      exchange; /* between temperatures; NULL: none */
  TpEnergyTrainer trainer;
  PetscBool       is_shared; /* its average is on all ranks */
  TpEnergyData   *data;      /* [members] */
  float          *y;         /* all members' configurations in coordinates of their paths */
  TpTiWindow      window;
  double         *node, *weight; /* [windows] */
  TpCondition     condition;
  double          loss[TP_TI_LOSS_POINTS]; /* sums over the steps of each point; on trainers, so far */
} * TpTi;

/* ------------------------------------------------------------------------------------------------------------- set up */

/** Members, targets, rounds from the settings. Not collective. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpTiPlan(TpTi ti);
/** Replica ranks that the input asks for. **/
PetscInt TpTiNumReplicas(TpTi ti);
/** Engines, start configurations. Not collective. **/
PetscErrorCode TpTiCreateSystems(TpTi ti);
PetscErrorCode TpTiDestroySystems(TpTi ti);

/* ----------------------------------------------------------------------------------------------------------- simulate */

/** The replica that simulates a member. Pure. **/
PetscInt TpTiOwner(TpTi ti, PetscInt member);
/** Collective on the replica group. **/
PetscErrorCode TpTiSimulateRound(TpTi ti, PetscInt64 round);
/** Give every rank every configuration: from the replicas, or from ti.configurations. Collective on world. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpTiShareConfigurations(TpTi ti);
PetscErrorCode TpTiReadConfigurations(TpTi ti);

/* -------------------------------------------------------------------------------------------------------------- paths */

/** Points of the course of the training; the one that a step belongs to; the first step of a point, or of none behind the last. Pure. **/
PetscInt   TpTiLossPoints(TpTi ti);
PetscInt   TpTiLossPoint(TpTi ti, PetscInt64 step);
PetscInt64 TpTiLossStep(TpTi ti, PetscInt point);

/** Paths and trainer, once the configurations are on all ranks. Collective on world. **/
PetscErrorCode TpTiCreatePaths(TpTi ti);
PetscErrorCode TpTiDestroyPaths(TpTi ti);

/* ------------------------------------------------------------------------------------------------------------ windows */

PetscErrorCode TpTiCreateWindow(TpTi ti);
PetscErrorCode TpTiDestroyWindow(TpTi ti);
/** The share of the windows' rounds that falls into one round of training. Collective on the replica group. **/
PetscErrorCode TpTiWindowRounds(TpTi ti, PetscInt64 train_round);

/** The classical integral of a member and its error, not numbers without windows; mean and error [windows] of each. Collective on world; the same on all ranks. **/
typedef struct {
  double value, error, grid; /* ln (Z_0 / Z_1); statistical error, and that of the nodes */
} TpTiEstimate;
PetscErrorCode TpTiWindowEstimate(TpTi ti, PetscInt member, TpTiEstimate *estimate, double mean[], double error[]);

/** Widom's beta mu_ex at a member's number of particles. Collective on world. **/
PetscErrorCode TpTiInsertionEstimate(TpTi ti, PetscInt member, TpTiEstimate *estimate);

/* ---------------------------------------------------------------------------------------------------------- integrate */

/** One piece of one target's trajectories. Collective on world. Errors: TP_ERR_STOPPED on all ranks, naming target and t. **/
PetscErrorCode TpTiIntegrateRound(TpTi ti, PetscInt64 integrate_round);
TpTiEstimate   TpTiNeuralEstimate(TpTi ti, PetscInt target, int mode);
/** By the weights of the plain trajectories, and how many independent ones these are worth. **/
TpTiEstimate TpTiWeightEstimate(TpTi ti, PetscInt target, double *effective);
/** Mean and standard error of the integrand at time k of 0 .. K. **/
void TpTiMeanIntegrand(TpTi ti, PetscInt target, int mode, PetscInt64 k, double *mean, double *error);

/* --------------------------------------------------------------------------------------------------------- checkpoints */

PetscErrorCode TpTiCheckpointWrite(TpTi ti, PetscInt64 round);
PetscErrorCode TpTiCheckpointRead(TpTi ti, const char *path, PetscInt64 next_round);

/* -------------------------------------------------------------------------------------------------------------- report */

#define TP_TI_FORMAT  "tempera ti"
#define TP_TI_VERSION 1

/** ti.h5, the tables, the screen. Collective on world. **/
PetscErrorCode TpTiReport(TpTi ti);
