/* What the files of `tempera anneal` share: a population on its way from the highest temperature to the lowest. */
#pragma once

#include "run-impl.h"

#define TP_ANNEAL_FORMAT             "tempera annealing"
#define TP_ANNEAL_VERSION            1
#define TP_ANNEAL_CHECKPOINT_FORMAT  "tempera annealing checkpoint"
#define TP_ANNEAL_CHECKPOINT_VERSION 2

/** What is known of the population at one temperature; errors are standard errors, NaN where too few families are left to tell. **/
typedef enum {
  TP_ANNEAL_TEMPERATURE,
  TP_ANNEAL_RUNG, /* of anneal.temperatures or of the ladder; -1: a temperature between */
  TP_ANNEAL_LOG_Z,
  TP_ANNEAL_LOG_Z_ERROR,
  TP_ANNEAL_FREE_ENERGY,
  TP_ANNEAL_FREE_ENERGY_ERROR,
  TP_ANNEAL_ENERGY,
  TP_ANNEAL_ENERGY_ERROR,
  TP_ANNEAL_HEAT_CAPACITY,
  TP_ANNEAL_HEAT_CAPACITY_ERROR,
  TP_ANNEAL_EFFECTIVE, /* fraction of the members that the step to this temperature left effective */
  TP_ANNEAL_FAMILIES,
  TP_ANNEAL_FAMILY_SIZE, /* averaged over members */
  TP_ANNEAL_MD_STEPS,    /* all members, from the start to here: one force evaluation each */
  TP_ANNEAL_COLUMNS
} TpAnnealColumn;

typedef double TpAnnealRow[TP_ANNEAL_COLUMNS];

enum { TP_ANNEAL_HALVES = 2, TP_ANNEAL_TOP_NUMBERS = 5 };

/** Whether the population was at rest at the highest temperature. All 0 before it leaves, and where it is there for one round only. **/
typedef struct {
  double energy[TP_ANNEAL_HALVES]; /* mean in the second and in the last quarter of the rounds */
  double difference, error;        /* late less early, and its standard error */
  double p;                        /* probability of so large a difference by chance */
} TpAnnealTop;

/**
  One annealing. Members are places in the population; each rank has a stretch of them. What is decided for all (energies, weights, who is copied) every rank
  works out from the whole population, in the order of the places: so nothing depends on the number of ranks.
**/
typedef struct TpAnneal_ {
  TpRun      run; /* kept, the caller's; its ladder are the temperatures that samples are kept of */
  TpReplica  replica;
  TpEngine   engine;
  TpFeatures features;
  uint64_t   seed;

  PetscInt population;
  PetscInt first;  /* member of this rank */
  PetscInt count;  /* members of this rank */
  PetscInt width;  /* of a packed state */
  double  *packed; /* [count, width] */
  int32_t *moved;  /* [count] whether the sweep under way has moved it */

  PetscInt64 sweep; /* sweeps done */
  PetscInt   rung;  /* the last one reached, or the next one below if the temperature is ... */
  PetscBool  is_between;
  double     beta;
  double     effective; /* fraction of the members that the step to this temperature left effective */
  double     log_z;     /* ln of Z here over Z at the top */
  double    *replicate; /* [replicates] the same of each bootstrap replicate */

  /* The whole population, the same on all ranks. */
  int32_t  *family; /* [population] founder of each member */
  double   *energy; /* [population] */
  double   *weight; /* [population] */
  PetscInt *copies; /* [population] */
  PetscInt *source; /* [population] */

  double *
      top_energy; /* [count, 2] of each member, averaged over the second and the last quarter of the rounds at the top */
  TpAnnealTop top;

  PetscInt     num_rows, max_rows;
  TpAnnealRow *row; /* [num_rows] one for each temperature, the highest first */

  double  *sample_energy;  /* [count, rungs] the members of this rank as they were at each rung */
  int32_t *sample_family;  /* [count, rungs] */
  float   *sample_feature; /* [count, rungs, features] */
} * TpAnneal;

/** All members at their start, as the engine gives it. Collective on world. Errors: TP_ERR_INPUT on all ranks. **/
PetscErrorCode TpAnnealCreate(TpRun run, TpReplica replica, TpAnneal *anneal);
PetscErrorCode TpAnnealStart(TpAnneal anneal);
PetscErrorCode TpAnnealDestroy(TpAnneal *anneal);

/** Errors: TP_ERR_INPUT unless the start of this member is finite. Not collective. **/
PetscErrorCode TpAnnealCheckStart(const TpState *state, PetscInt member);

/** Print what the annealing takes. Collective on world. Errors: TP_ERR_INPUT for a start without a finite energy. **/
PetscErrorCode TpAnnealPlanWrite(TpRun run, TpReplica replica);

/**
  Go on to the lowest temperature, with a checkpoint after each. Collective on world.

  @param[out] finished  false: stopped gently, with a checkpoint

  Errors: TP_ERR_STOPPED on all ranks for a configuration that is not finite, or a full disk.
**/
PetscErrorCode TpAnnealGoOn(TpAnneal anneal, PetscBool *finished);

/** Measure this temperature, whose energies are gathered, and what a step of beta from here gives: a new row, `weight`, `log_z` and `replicate` behind the
    step. A step of 0 changes none of the latter. Collective on world. **/
PetscErrorCode TpAnnealMeasure(TpAnneal anneal, double step);

/** A sweep at the highest temperature is done; the last one is, and all members are there still: fill `top` and tell of it. Leaving is collective on world. **/
void           TpAnnealAddTop(TpAnneal anneal);
PetscErrorCode TpAnnealLeaveTop(TpAnneal anneal);

/** `top` in a file of ours. Collective on world. **/
PetscErrorCode TpAnnealWriteTop(TpAnneal anneal, TpFile file);
PetscErrorCode TpAnnealReadTop(TpAnneal anneal, TpFile file);

/** anneal/checkpoint.h5, and back. Collective on world. Errors of reading: TP_ERR_INPUT on all ranks for a damaged file or one of another annealing. **/
PetscErrorCode TpAnnealWriteCheckpoint(TpAnneal anneal);
PetscErrorCode TpAnnealReadCheckpoint(TpAnneal anneal, const char *path);

/** anneal.h5 in `folder`. Collective on world. **/
PetscErrorCode TpAnnealWriteResult(TpAnneal anneal, const char *folder);

/** The table of temperatures as text: on the screen, and as anneal.txt in `folder`. Collective on world. **/
PetscErrorCode TpAnnealTell(TpAnneal anneal, const char *folder);
