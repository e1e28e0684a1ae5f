/*
  A replica's side of the stream: frames and states leave from double buffers, credits come back.

  No deadlock: a sender waits only for a message or a credit of an earlier round, and trainers need nothing of later rounds to finish one.
*/
#include "stream-impl.h"

#include <string.h>

struct TpSender_ {
  TpStreamSettings settings;
  TpGroups         groups;
  PetscInt64       sent;       /* last round whose frame was sent */
  PetscInt64       state_sent; /* last round whose state was sent */
  PetscInt64       credited;   /* last round that the trainers have finished, as far as we know */
  PetscMPIInt      num_features;
  PetscMPIInt      frame_bytes;
  char            *frame[2]; /* [frame_bytes] a TpFrame and its features */
  MPI_Request      frame_request[2];
  PetscMPIInt      message_size; /* of a state: its round, and the packed state */
  double          *state[2];     /* [message_size] */
  MPI_Request      state_request[2];
  int              next_state;
  TpCredit         credit; /* buffer of credit_request */
  PetscBool        is_stop_wished;
  PetscInt64       end_round;
  MPI_Request      credit_request;
};

PetscErrorCode TpSenderCreate(const TpStreamSettings *settings, TpGroups groups, PetscInt num_features,
                              PetscInt state_size, PetscInt64 first_round, TpSender *sender)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(sender));
  (*sender)->settings = *settings;
  (*sender)->groups   = groups;
  (*sender)->sent = (*sender)->state_sent = (*sender)->credited = first_round - 1;
  PetscCall(PetscMPIIntCast(num_features, &(*sender)->num_features));
  PetscCall(
      PetscMPIIntCast((PetscCount)sizeof(TpFrame) + (PetscCount)sizeof(float) * num_features, &(*sender)->frame_bytes));
  PetscCall(PetscMPIIntCast(1 + TpStatePackedSize(state_size), &(*sender)->message_size));
  for (int i = 0; i < 2; ++i) {
    PetscCall(PetscMalloc1((*sender)->frame_bytes, &(*sender)->frame[i]));
    PetscCall(PetscMalloc1((*sender)->message_size, &(*sender)->state[i]));
    (*sender)->frame_request[i] = (*sender)->state_request[i] = MPI_REQUEST_NULL;
  }
  (*sender)->credit_request = MPI_REQUEST_NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSenderDestroy(TpSender *sender)
{
  PetscFunctionBeginUser;
  if (!*sender) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpWait(2, (*sender)->frame_request, NULL));
  PetscCall(TpWait(2, (*sender)->state_request, NULL));
  if ((*sender)->credit_request != MPI_REQUEST_NULL) { /* the run ended without TpSenderFinish() */
    PetscCallMPI(MPI_Cancel(&(*sender)->credit_request));
    PetscCall(TpWait(1, &(*sender)->credit_request, NULL));
  }
  for (int i = 0; i < 2; ++i) {
    PetscCall(PetscFree((*sender)->frame[i]));
    PetscCall(PetscFree((*sender)->state[i]));
  }
  PetscCall(PetscFree(*sender));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A receive is under way while, and only while, a credit is due: none is left over at the end. */
static PetscErrorCode AwaitCredit(TpSender sender)
{
  const int trainer = TpStreamStateOwner(sender->groups->num_trainers, sender->groups->group_rank);

  PetscFunctionBeginUser;
  if (sender->credit_request == MPI_REQUEST_NULL && sender->credited < sender->sent)
    PetscCallMPI(MPI_Irecv(&sender->credit, (int)sizeof(sender->credit), MPI_BYTE,
                           sender->groups->trainer_rank[trainer], TP_TAG_CREDIT, sender->groups->world,
                           &sender->credit_request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeCredit(TpSender sender)
{
  PetscFunctionBeginUser;
  PetscCheck(sender->credit.round == sender->credited + 1, PETSC_COMM_SELF, PETSC_ERR_LIB,
             "credit for round %" PetscInt64_FMT " after that for %" PetscInt64_FMT, sender->credit.round,
             sender->credited);
  sender->credited = sender->credit.round;
  if (sender->credit.stop) sender->is_stop_wished = PETSC_TRUE;
  sender->end_round = sender->credit.end_round;
  PetscCall(AwaitCredit(sender));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Take the credits that have come; wait for more until `round` is credited. */
static PetscErrorCode WaitForCredit(TpSender sender, PetscInt64 round, double *idle)
{
  PetscFunctionBeginUser;
  while (sender->credit_request != MPI_REQUEST_NULL) {
    int has_come = 1;

    if (sender->credited < round)
      PetscCall(TpWait(1, &sender->credit_request, idle));
    else
      PetscCallMPI(MPI_Test(&sender->credit_request, &has_come, MPI_STATUS_IGNORE));
    if (!has_come) break;
    PetscCall(TakeCredit(sender));
  }
  PetscCheck(sender->credited >= round, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "waiting for the credit of round %" PetscInt64_FMT " after sending up to %" PetscInt64_FMT, round,
             sender->sent);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSenderFrame(TpSender sender, const TpFrame *frame, const float features[], double *idle)
{
  const TpGroups groups = sender->groups;
  const int trainer     = TpStreamFrameOwner(&sender->settings, groups->num_trainers, groups->group_rank, frame->round);
  const int buffer      = (int)(frame->round & 1);

  PetscFunctionBeginUser;
  PetscCheck(frame->round == sender->sent + 1, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "frame of round %" PetscInt64_FMT " after that of %" PetscInt64_FMT, frame->round, sender->sent);
  PetscCheck(frame->version == TP_FRAME_VERSION && frame->rung == groups->group_rank, PETSC_COMM_SELF,
             PETSC_ERR_ARG_WRONG, "frame of version %d, rung %d", (int)frame->version, (int)frame->rung);
  PetscCall(WaitForCredit(sender, frame->round - sender->settings.max_lag - 1, idle));
  PetscCall(TpWait(1, &sender->frame_request[buffer], idle));
  memcpy(sender->frame[buffer], frame, sizeof(*frame));
  PetscCall(
      PetscMemcpy(sender->frame[buffer] + sizeof(*frame), features, sizeof(float) * (size_t)sender->num_features));
  PetscCallMPI(MPI_Isend(sender->frame[buffer], sender->frame_bytes, MPI_BYTE, groups->trainer_rank[trainer],
                         TP_TAG_FRAME, groups->world, &sender->frame_request[buffer]));
  sender->sent = frame->round;
  PetscCall(AwaitCredit(sender));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSenderState(TpSender sender, PetscInt64 round, const TpState *state, double *idle)
{
  const TpGroups groups  = sender->groups;
  const int      trainer = TpStreamStateOwner(groups->num_trainers, groups->group_rank);
  const int      buffer  = sender->next_state;

  PetscFunctionBeginUser;
  PetscCheck(round >= sender->state_sent, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "state of round %" PetscInt64_FMT " after that of %" PetscInt64_FMT, round, sender->state_sent);
  PetscCheck(1 + TpStatePackedSize(state->size) == sender->message_size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a state of %" PetscInt_FMT " coordinates", state->size);
  PetscCall(TpWait(1, &sender->state_request[buffer], idle));
  sender->state[buffer][0] = (double)round;
  TpStatePack(state, sender->state[buffer] + 1);
  PetscCallMPI(MPI_Isend(sender->state[buffer], sender->message_size, MPI_DOUBLE, groups->trainer_rank[trainer],
                         TP_TAG_STATE, groups->world, &sender->state_request[buffer]));
  sender->state_sent = round;
  sender->next_state = 1 - buffer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpSenderIsStopWished(TpSender sender)
{
  return sender->is_stop_wished;
}

PetscInt64 TpSenderEndRound(TpSender sender)
{
  return sender->end_round;
}

PetscErrorCode TpSenderFinish(TpSender sender, PetscInt64 end_round, double *idle)
{
  PetscFunctionBeginUser;
  PetscCall(TpWait(2, sender->frame_request, idle));
  PetscCall(TpWait(2, sender->state_request, idle));
  PetscCall(WaitForCredit(sender, end_round - 1, idle));
  PetscFunctionReturn(PETSC_SUCCESS);
}
