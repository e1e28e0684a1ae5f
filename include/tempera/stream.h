/**
  Stream: how frames and states get from the simulation side to the learning side, and the shards that hold them.

  Replicas send one TpFrame each round, and their whole state when a checkpoint or a trajectory frame is due, with non-blocking
  sends from double buffers. They may run ahead of the trainers by at most `max_lag` rounds: trainers answer each round with a
  credit. What the trainers do is a function of the rounds alone, never of the clock.

  Frames of rung k belong to block b = round / keep_interval / block_rounds and go to shard (k + b) mod S. The number of shards S is fixed when
  a run is created; trainer t of K owns the shards [S t / K, S (t + 1) / K), so that a run can go on with another number of trainers.
**/
#pragma once

#include "tempera/base.h"
#include "tempera/comm.h"
#include "tempera/feature.h"

#define TP_FRAME_VERSION 1

typedef struct {
  PetscInt64 max_lag;       /* rounds that replicas may be ahead, >= 1 */
  PetscInt64 num_shards;    /* >= number of trainers */
  PetscInt64 block_rounds;  /* kept rounds per frame block */
  PetscInt64 keep_interval; /* every so many rounds the frames are kept, in run.h5 and to learn from */
} TpStreamSettings;

/** What is wrong with a configuration. **/
typedef enum {
  TP_FAILURE_NONE,
  TP_FAILURE_NOT_FINITE,
  TP_FAILURE_LOST_ATOMS, /* not finite, since the engine lost atoms */
} TpFailure;

/** One rung's record of one round: the state that generated it, before the swap. The features follow in the message. **/
typedef struct {
  PetscInt64 round;
  PetscInt64 walker;
  double     energy;         /* kJ/mol */
  double     label;          /* temperature label, K */
  double     kinetic;        /* kinetic temperature of all moving atoms, K */
  double     probability;    /* of the swap attempted after this frame */
  double     md_seconds;     /* wall time of this round's MD */
  double     idle_seconds;   /* wall time of this round spent waiting: for the partner, for credit, for the agreement */
  double     md_cpu_seconds; /* processor time of this round's MD */
  double     cpu_seconds;    /* processor time of this rank since the last frame */
  int32_t    version;        /* TP_FRAME_VERSION */
  int32_t    rung;
  int32_t    partner; /* rung tried with after this frame, -1: none */
  int32_t    accepted;
  uint32_t   decision; /* TpDecision bits agreed for this round; the same in every rung's frame */
  int32_t    failed;   /* TpFailure; if not 0, neither keep nor learn from it */
} TpFrame;

/* ------------------------------------------------------------------------------------------------ which goes where: pure */

/** Whether the frames of this round are kept: the last one of every keep_interval. **/
PetscBool TpStreamIsKept(const TpStreamSettings *settings, PetscInt64 round);

/** Shard of rung's frames in this round. **/
int TpStreamShard(const TpStreamSettings *settings, PetscInt rung, PetscInt64 round);

/** Trainer that gets this rung's frame in this round. **/
int TpStreamFrameOwner(const TpStreamSettings *settings, int num_trainers, PetscInt rung, PetscInt64 round);

/** Trainer that gets this rung's states: rung mod num_trainers. **/
int TpStreamStateOwner(int num_trainers, PetscInt rung);

/* ------------------------------------------------------------------------------------------------------------- sender */

/** On each replica. **/
typedef struct TpSender_ *TpSender;

/** `first_round`: the next round to be simulated. Not collective. **/
PetscErrorCode TpSenderCreate(const TpStreamSettings *settings, TpGroups groups, PetscInt num_features,
                              PetscInt state_size, PetscInt64 first_round, TpSender *sender);
PetscErrorCode TpSenderDestroy(TpSender *sender);

/**
  Send this round's frame. Waits, politely, while the trainers are more than max_lag rounds behind. Not collective.

  @param[in]     features  [num_features] raw
  @param[in,out] idle      seconds waited are added
**/
PetscErrorCode TpSenderFrame(TpSender sender, const TpFrame *frame, const float features[], double *idle);

/** Send the whole state, which is copied: the caller may go on at once. Rounds never decrease from call to call; a round
    may have two states, before and after its exchange. Not collective. **/
PetscErrorCode TpSenderState(TpSender sender, PetscInt64 round, const TpState *state, double *idle);

/** Whether a credit that has come so far asked to stop. Never waits. Not collective. **/
PetscBool TpSenderIsStopWished(TpSender sender);

/** The end that the credits so far have told of (TpReceiverSetEndRound()), 0: none. Never waits. Not collective. **/
PetscInt64 TpSenderEndRound(TpSender sender);

/** Wait until all messages have left and all credits of rounds before `end_round` have come. Not collective. **/
PetscErrorCode TpSenderFinish(TpSender sender, PetscInt64 end_round, double *idle);

/* ----------------------------------------------------------------------------------------------------------- receiver */

/** On each trainer. **/
typedef struct TpReceiver_ *TpReceiver;

PetscErrorCode TpReceiverCreate(const TpStreamSettings *settings, TpGroups groups, PetscInt num_features,
                                PetscInt state_size, TpReceiver *receiver);
PetscErrorCode TpReceiverDestroy(TpReceiver *receiver);

/**
  Receive the frames of `round` that this trainer owns, in rung order whatever order they arrive in. Not collective.

  @param[out] count     number of frames
  @param[out] frames    [count] borrowed until the next call
  @param[out] features  [count, num_features] borrowed until the next call
**/
PetscErrorCode TpReceiverFrames(TpReceiver receiver, PetscInt64 round, PetscInt *count, const TpFrame **frames,
                                const float **features, double *idle);

/**
  Receive the states of `round` of the rungs this trainer writes: rung t, t + K, t + 2 K, ... Not collective.

  @param[out] count   number of states
  @param[out] states  [count, TpStatePackedSize()] packed, borrowed until the next call
**/
PetscErrorCode TpReceiverStates(TpReceiver receiver, PetscInt64 round, PetscInt *count, const double **states,
                                double *idle);

/** Tell the replicas that `round` is finished: trainer t tells the rungs t, t + K, ... Call it when all trainers have finished it, every round
    once. With `stop` they learn that the trainers can't go on (see TpSenderIsStopWished()). Not collective. **/
PetscErrorCode TpReceiverCredit(TpReceiver receiver, PetscInt64 round, PetscBool stop);

/** Tell of an end with all credits to come: so many rounds in all, the same on all trainers. The credit for round r reaches every replica before it
    sends the frame of round r + max_lag + 1: an end of r + max_lag + 3 rounds is one that all can still make their last. Not collective. **/
void TpReceiverSetEndRound(TpReceiver receiver, PetscInt64 end_round);

/** At a restart, before the first round: trainer 0 sends each replica its state; replicas get theirs. Collective on world.
    `states` [num_replicas, packed size] on trainer 0, NULL elsewhere; `state` on replicas, NULL on trainers. **/
PetscErrorCode TpStreamDistributeStates(TpGroups groups, PetscInt state_size, const double states[], TpState *state);

/* ------------------------------------------------------------------------------------------------------------- shards */

/** The frames to learn from that this trainer owns: encoded features, not yet scaled, and labels, by shard in (round, rung) order. **/
typedef struct TpShards_ *TpShards;

PetscErrorCode TpShardsCreate(const TpStreamSettings *settings, int num_trainers, int trainer, PetscInt width,
                              TpShards *shards);
PetscErrorCode TpShardsDestroy(TpShards *shards);

/** Shards owned here: [*first, *first + *count). **/
void TpShardsOwned(TpShards shards, int *first, int *count);

/** Append one frame, `encoded` [width], to its shard. Frames of a shard must come in (round, rung) order. **/
PetscErrorCode TpShardsAppend(TpShards shards, PetscInt rung, PetscInt64 round, double label, const float encoded[]);

/** Frames in `shard`, which must be owned here. **/
PetscInt64 TpShardsCount(TpShards shards, int shard);

/** Borrow frame `index` of `shard`: encoded features [width] and label. **/
const float *TpShardsFrame(TpShards shards, int shard, PetscInt64 index, double *label);
