/* Messages that are not what they should be are our own bugs, and are found: wrong version, rung, round, state and order of sending. */
#include "tempera/stream.h"
#include "test.h"

static const TpStreamSettings settings = {.max_lag = 2, .num_shards = 1, .block_rounds = 1, .keep_interval = 1};

/* The replica sends a raw message; the trainer expects rung 0, round 4. */
static PetscErrorCode CheckFrame(TpGroups groups, TpFrame frame, PetscErrorCode expected)
{
  PetscFunctionBeginUser;
  if (groups->is_replica) {
    PetscCallMPI(MPI_Send(&frame, (int)sizeof(frame), MPI_BYTE, groups->trainer_rank[0], TP_TAG_FRAME, groups->world));
  } else {
    TpReceiver     receiver;
    PetscInt       count;
    const TpFrame *frames;
    const float   *features;
    PetscErrorCode code;

    PetscCall(TpReceiverCreate(&settings, groups, 0, 1, &receiver));
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    code = TpReceiverFrames(receiver, 4, &count, &frames, &features, NULL);
    PetscCall(PetscPopErrorHandler());
    TpTestExpectEqual(code, expected);
    PetscCall(TpReceiverDestroy(&receiver));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckStateRound(TpGroups groups)
{
  PetscFunctionBeginUser;
  if (groups->is_replica) {
    TpSender sender;
    TpState  state;

    PetscCall(TpStateCreate(1, &state));
    PetscCall(TpSenderCreate(&settings, groups, 0, 1, 0, &sender));
    PetscCall(TpSenderState(sender, 3, &state, NULL));
    PetscCall(TpSenderDestroy(&sender));
    PetscCall(TpStateDestroy(&state));
  } else {
    TpReceiver     receiver;
    PetscInt       count;
    const double  *states;
    PetscErrorCode code;

    PetscCall(TpReceiverCreate(&settings, groups, 0, 1, &receiver));
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    code = TpReceiverStates(receiver, 4, &count, &states, NULL);
    PetscCall(PetscPopErrorHandler());
    TpTestExpectEqual(code, PETSC_ERR_LIB);
    PetscCall(TpReceiverDestroy(&receiver));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a replica may not send never leaves it. */
static PetscErrorCode CheckSender(TpGroups groups)
{
  const TpFrame late = {.round = 9, .version = TP_FRAME_VERSION}, version = {.round = 8},
                rung = {.round = 8, .version = TP_FRAME_VERSION, .rung = 1};
  PetscErrorCode code[5];
  TpSender       sender;
  TpState        state, large;

  PetscFunctionBeginUser;
  if (!groups->is_replica) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpStateCreate(1, &state));
  PetscCall(TpStateCreate(2, &large));
  PetscCall(TpSenderCreate(&settings, groups, 0, 1, 8, &sender));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  code[0] = TpSenderFrame(sender, &late, NULL, NULL);
  code[1] = TpSenderFrame(sender, &version, NULL, NULL);
  code[2] = TpSenderFrame(sender, &rung, NULL, NULL);
  code[3] = TpSenderState(sender, 6, &state, NULL);
  code[4] = TpSenderState(sender, 8, &large, NULL);
  PetscCall(PetscPopErrorHandler());
  TpTestExpectEqual(code[0], PETSC_ERR_ORDER);
  TpTestExpectEqual(code[1], PETSC_ERR_ARG_WRONG);
  TpTestExpectEqual(code[2], PETSC_ERR_ARG_WRONG);
  TpTestExpectEqual(code[3], PETSC_ERR_ORDER);
  TpTestExpectEqual(code[4], PETSC_ERR_ARG_SIZ);
  PetscCall(TpSenderFinish(sender, 8, NULL)); /* nothing was sent: nothing to wait for */
  PetscCall(TpSenderDestroy(&sender));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpStateDestroy(&large));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const TpFrame good    = {.round = 4, .version = TP_FRAME_VERSION},
                version = {.round = 4, .version = TP_FRAME_VERSION + 1};
  const TpFrame round   = {.round = 5, .version = TP_FRAME_VERSION},
                rung    = {.round = 4, .version = TP_FRAME_VERSION, .rung = 1};
  TpGroups groups;

  TpTestBegin(&argc, &argv);
  TpTestCall(TpGroupsCreate(MPI_COMM_WORLD, 1, 1, TP_PLACEMENT_LAST, &groups));
  TpTestCall(CheckFrame(groups, good, PETSC_SUCCESS));
  TpTestCall(CheckFrame(groups, version, PETSC_ERR_LIB));
  TpTestCall(CheckFrame(groups, round, PETSC_ERR_LIB));
  TpTestCall(CheckFrame(groups, rung, PETSC_ERR_LIB));
  TpTestCall(CheckStateRound(groups));
  TpTestCall(CheckSender(groups));
  TpTestCall(TpGroupsDestroy(&groups));
  return TpTestEnd();
}
