/*
  The whole stream, at every split of the ranks into replicas and trainers: every frame and every state arrives once, at its trainer, in
  rung order, bit for bit, whoever is slow; and each shard ends with the same content for any number of trainers.
*/
#include "tempera/stream.h"
#include "test.h"

#include <string.h>
#include <time.h>

enum { NUM_ROUNDS = 24, FIRST_ROUND = 5, STATE_INTERVAL = 4, MAX_FEATURES = 4000 };

typedef struct {
  TpStreamSettings settings;
  PetscInt         num_features;
  PetscInt         state_size;
} Case;

static PetscMPIInt rank, size;

/* Up to 2 ms, other for each rank, round and case, so that messages come in every order. */
static void Sleep(PetscInt64 round)
{
  double          number;
  struct timespec pause = {0};

  TpRandomUniform((uint64_t)size, TP_RANDOM_TEST, (uint32_t)rank, (uint64_t)round, 1, &number);
  pause.tv_nsec = number < 0.3 ? 0 : (long)(2e6 * number);
  nanosleep(&pause, NULL);
}

static void FillFrame(const Case *c, PetscInt rung, PetscInt64 round, TpFrame *frame, float features[])
{
  double numbers[6];

  TpRandomNormal(1, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, 6, numbers);
  memset(frame, 0, sizeof(*frame));
  *frame              = (TpFrame){.round       = round,
                                  .walker      = 100 * rung + round,
                                  .energy      = numbers[0],
                                  .label       = 300 + numbers[1],
                                  .kinetic     = numbers[2],
                                  .probability = numbers[3]};
  frame->md_seconds   = numbers[4];
  frame->idle_seconds = numbers[5];
  frame->version      = TP_FRAME_VERSION;
  frame->rung         = rung;
  frame->partner      = rung - 1;
  frame->accepted     = (int32_t)(round % 2);
  frame->decision     = (uint32_t)round;
  frame->failed       = (int32_t)(round % 3);
  TpRandomNormalFloat(2, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, c->num_features, features);
}

static void FillState(PetscInt rung, PetscInt64 round, TpState *state)
{
  state->walker = 7 * rung + round;
  state->energy = 0.1 * (double)round + rung;
  TpRandomNormal(3, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, state->size, state->x);
  TpRandomNormal(4, TP_RANDOM_TEST, (uint32_t)rung, (uint64_t)round, state->size, state->v);
  for (int i = 0; i < 9; ++i) state->box[i] = i + (double)round;
}

/* Two states of a round now and then, as before and after a swap. */
static int NumStates(PetscInt64 round)
{
  return round % STATE_INTERVAL ? 0 : round % (2 * STATE_INTERVAL) ? 1 : 2;
}

static PetscErrorCode Replica(const Case *c, TpGroups groups)
{
  static float features[MAX_FEATURES];
  TpSender     sender;
  TpState      state;
  double       idle = 0;

  PetscFunctionBeginUser;
  PetscCall(TpStateCreate(c->state_size, &state));
  PetscCall(TpSenderCreate(&c->settings, groups, c->num_features, c->state_size, FIRST_ROUND, &sender));
  for (PetscInt64 round = FIRST_ROUND; round < FIRST_ROUND + NUM_ROUNDS; ++round) {
    TpFrame frame;

    Sleep(round);
    FillFrame(c, groups->group_rank, round, &frame, features);
    PetscCall(TpSenderFrame(sender, &frame, features, &idle));
    memset(features, 0, sizeof(features)); /* the caller's again at once */
    for (int i = 0; i < NumStates(round); ++i) {
      FillState(groups->group_rank, round + 1000 * i, &state);
      PetscCall(TpSenderState(sender, round, &state, &idle));
      PetscCall(PetscArrayzero(state.x, state.size));
    }
  }
  PetscCall(TpSenderFinish(sender, FIRST_ROUND + NUM_ROUNDS, &idle));
  PetscCall(TpSenderDestroy(&sender));
  TpTestExpect(sender == NULL);
  PetscCall(TpSenderDestroy(&sender));
  PetscCall(TpStateDestroy(&state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectFrames(const Case *c, TpGroups groups, TpReceiver receiver, PetscInt64 round,
                                   TpShards shards)
{
  static float   expected_features[MAX_FEATURES];
  PetscInt       count, i = 0;
  const TpFrame *frames;
  const float   *features;
  double         idle = 0;

  PetscFunctionBeginUser;
  PetscCall(TpReceiverFrames(receiver, round, &count, &frames, &features, &idle));
  for (PetscInt rung = 0; rung < groups->num_replicas; ++rung) {
    TpFrame expected;

    if (TpStreamFrameOwner(&c->settings, groups->num_trainers, rung, round) != groups->group_rank) continue;
    TpTestExpectThat(i < count, "round %d: only %d frames", (int)round, (int)count);
    if (i >= count) break;
    FillFrame(c, rung, round, &expected, expected_features);
    TpTestExpectThat(!memcmp(&frames[i], &expected, sizeof(expected)), "frame of rung %d, round %d", (int)rung,
                     (int)round);
    TpTestExpectThat(
        !memcmp(features + i * c->num_features, expected_features, sizeof(float) * (size_t)c->num_features),
        "features of rung %d, round %d", (int)rung, (int)round);
    PetscCall(TpShardsAppend(shards, frames[i].rung, frames[i].round, frames[i].label, features + i * c->num_features));
    ++i;
  }
  TpTestExpectEqual(count, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectStates(const Case *c, TpGroups groups, TpReceiver receiver, PetscInt64 round, int which)
{
  const PetscInt packed_size = TpStatePackedSize(c->state_size);
  PetscInt       count, i = 0;
  const double  *states;
  double        *expected, idle = 0;
  TpState        state;

  PetscFunctionBeginUser;
  PetscCall(TpStateCreate(c->state_size, &state));
  PetscCall(PetscMalloc1(packed_size, &expected));
  PetscCall(TpReceiverStates(receiver, round, &count, &states, &idle));
  for (PetscInt rung = groups->group_rank; rung < groups->num_replicas; rung += groups->num_trainers) {
    if (i >= count) break;
    FillState(rung, round + 1000 * which, &state);
    TpStatePack(&state, expected);
    TpTestExpectThat(!memcmp(states + (size_t)i * (size_t)packed_size, expected, sizeof(double) * (size_t)packed_size),
                     "state %d of rung %d, round %d", which, (int)rung, (int)round);
    ++i;
  }
  TpTestExpectEqual(count, i);
  TpTestExpectEqual(count,
                    (groups->num_replicas + groups->num_trainers - 1 - groups->group_rank) / groups->num_trainers);
  PetscCall(PetscFree(expected));
  PetscCall(TpStateDestroy(&state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shards' content follows from rounds and rungs alone: no number of trainers in it. */
static void ExpectShards(const Case *c, TpGroups groups, TpShards shards)
{
  static float expected[MAX_FEATURES];
  int          first, count;

  TpShardsOwned(shards, &first, &count);
  for (int shard = first; shard < first + count; ++shard) {
    PetscInt64 index = 0;

    for (PetscInt64 round = FIRST_ROUND; round < FIRST_ROUND + NUM_ROUNDS; ++round) {
      for (PetscInt rung = 0; rung < groups->num_replicas; ++rung) {
        TpFrame      frame;
        double       label;
        const float *encoded;

        if ((rung + round / c->settings.block_rounds) % c->settings.num_shards != shard) continue;
        if (index >= TpShardsCount(shards, shard)) break;
        FillFrame(c, rung, round, &frame, expected);
        encoded = TpShardsFrame(shards, shard, index++, &label);
        TpTestExpectThat(label == frame.label && !memcmp(encoded, expected, sizeof(float) * (size_t)c->num_features),
                         "shard %d, frame %d", shard, (int)index - 1);
      }
    }
    TpTestExpectEqual(TpShardsCount(shards, shard), index);
  }
}

static PetscErrorCode Trainer(const Case *c, TpGroups groups)
{
  TpReceiver receiver;
  TpShards   shards;

  PetscFunctionBeginUser;
  PetscCall(TpReceiverCreate(&c->settings, groups, c->num_features, c->state_size, &receiver));
  PetscCall(TpShardsCreate(&c->settings, groups->num_trainers, groups->group_rank, c->num_features, &shards));
  for (PetscInt64 round = FIRST_ROUND; round < FIRST_ROUND + NUM_ROUNDS; ++round) {
    PetscCall(ExpectFrames(c, groups, receiver, round, shards));
    Sleep(round);
    for (int i = 0; i < NumStates(round); ++i) PetscCall(ExpectStates(c, groups, receiver, round, i));
    PetscCall(TpBarrier(groups->group, NULL));
    PetscCall(TpReceiverCredit(receiver, round, PETSC_FALSE));
  }
  ExpectShards(c, groups, shards);
  PetscCall(TpShardsDestroy(&shards));
  PetscCall(TpReceiverDestroy(&receiver));
  TpTestExpect(receiver == NULL);
  PetscCall(TpReceiverDestroy(&receiver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSplit(const Case *c, int num_trainers)
{
  TpGroups groups;

  PetscFunctionBeginUser;
  PetscCall(TpGroupsCreate(MPI_COMM_WORLD, size - num_trainers, num_trainers, TP_PLACEMENT_LAST, &groups));
  if (groups->is_replica)
    PetscCall(Replica(c, groups));
  else
    PetscCall(Trainer(c, groups));
  PetscCall(TpGroupsDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  /* small messages; frames of 16 KB, which need a receiver to leave; states of 1.1 MB */
  const Case cases[] = {
      {.settings     = {.max_lag = 1, .num_shards = 6, .block_rounds = 1, .keep_interval = 1},
       .num_features = 3,
       .state_size   = 2},
      {.settings     = {.max_lag = 3, .num_shards = 7, .block_rounds = 2, .keep_interval = 1},
       .num_features = MAX_FEATURES,
       .state_size   = 6},
      {.settings     = {.max_lag = 8, .num_shards = 6, .block_rounds = 3, .keep_interval = 1},
       .num_features = 20,
       .state_size   = 70000},
  };

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
    for (int num_trainers = 1; num_trainers < size; ++num_trainers) TpTestCall(CheckSplit(&cases[i], num_trainers));
  return TpTestEnd();
}
