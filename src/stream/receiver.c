/*
  A trainer's side of the stream: frames and states in rung order, credits out.

  One replica's frames for this trainer come in the order of their rounds, as MPI keeps the order of messages between two ranks: so a receive
  from each expected rung finds the right round, however far ahead the others are.
*/
#include "stream-impl.h"

#include <string.h>

struct TpReceiver_ {
  TpStreamSettings settings;
  TpGroups         groups;
  PetscInt         num_features;
  PetscMPIInt      frame_bytes;
  char            *messages; /* [num_replicas, frame_bytes] as they came */
  TpFrame         *frames;   /* [num_replicas] */
  float           *features; /* [num_replicas, num_features] */
  PetscMPIInt      packed_size;
  PetscInt         num_states; /* rungs whose states this trainer writes */
  double          *states;     /* [num_states, 1 + packed_size] as they come; then [num_states, packed_size] */
  MPI_Request     *request;    /* [num_replicas] */
  PetscInt64       end_round;
  TpCredit         credit;         /* buffer of credit_request */
  MPI_Request     *credit_request; /* [num_states] */
};

/* World rank of the i-th rung that this trainer writes and credits. */
static int WrittenRank(TpReceiver receiver, PetscInt i)
{
  return receiver->groups->replica_rank[receiver->groups->group_rank + i * receiver->groups->num_trainers];
}

PetscErrorCode TpReceiverCreate(const TpStreamSettings *settings, TpGroups groups, PetscInt num_features,
                                PetscInt state_size, TpReceiver *receiver)
{
  const PetscInt num_replicas = groups->num_replicas;
  TpReceiver     r;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  r->settings     = *settings;
  r->groups       = groups;
  r->num_features = num_features;
  r->num_states   = (num_replicas - groups->group_rank + groups->num_trainers - 1) / groups->num_trainers;
  PetscCall(PetscMPIIntCast((PetscCount)sizeof(TpFrame) + (PetscCount)sizeof(float) * num_features, &r->frame_bytes));
  PetscCall(PetscMPIIntCast(TpStatePackedSize(state_size), &r->packed_size));
  PetscCall(PetscMalloc3((size_t)num_replicas * (size_t)r->frame_bytes, &r->messages, num_replicas, &r->frames,
                         (size_t)num_replicas * (size_t)num_features, &r->features));
  PetscCall(PetscMalloc3((size_t)r->num_states * (size_t)(1 + r->packed_size), &r->states, num_replicas, &r->request,
                         r->num_states, &r->credit_request));
  for (PetscInt i = 0; i < r->num_states; ++i) r->credit_request[i] = MPI_REQUEST_NULL;
  *receiver = r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReceiverDestroy(TpReceiver *receiver)
{
  PetscFunctionBeginUser;
  if (!*receiver) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpWait((*receiver)->num_states, (*receiver)->credit_request, NULL));
  PetscCall(PetscFree3((*receiver)->messages, (*receiver)->frames, (*receiver)->features));
  PetscCall(PetscFree3((*receiver)->states, (*receiver)->request, (*receiver)->credit_request));
  PetscCall(PetscFree(*receiver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Copy message i to its frame and features, after seeing that it is the one expected. */
static PetscErrorCode UnpackFrame(TpReceiver receiver, PetscInt i, PetscInt rung, PetscInt64 round)
{
  const char *message = receiver->messages + (size_t)i * (size_t)receiver->frame_bytes;
  TpFrame    *frame   = &receiver->frames[i];

  PetscFunctionBeginUser;
  memcpy(frame, message, sizeof(*frame));
  PetscCheck(frame->version == TP_FRAME_VERSION, PETSC_COMM_SELF, PETSC_ERR_LIB, "frame of version %d, not %d",
             (int)frame->version, TP_FRAME_VERSION);
  PetscCheck(frame->round == round && frame->rung == rung, PETSC_COMM_SELF, PETSC_ERR_LIB,
             "frame of rung %d, round %" PetscInt64_FMT ", not of rung %" PetscInt_FMT ", round %" PetscInt64_FMT,
             (int)frame->rung, frame->round, rung, round);
  PetscCall(PetscMemcpy(receiver->features + (size_t)i * (size_t)receiver->num_features, message + sizeof(*frame),
                        sizeof(float) * (size_t)receiver->num_features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next rung after `rung` whose frame of this round comes here; num_replicas: none. */
static PetscInt NextRung(TpReceiver receiver, PetscInt64 round, PetscInt rung)
{
  const TpGroups groups = receiver->groups;

  do ++rung;
  while (rung < groups->num_replicas &&
         TpStreamFrameOwner(&receiver->settings, groups->num_trainers, rung, round) != groups->group_rank);
  return rung;
}

PetscErrorCode TpReceiverFrames(TpReceiver receiver, PetscInt64 round, PetscInt *count, const TpFrame **frames,
                                const float **features, double *idle)
{
  const TpGroups groups     = receiver->groups;
  PetscInt       num_frames = 0, i = 0;

  PetscFunctionBeginUser;
  for (PetscInt rung = NextRung(receiver, round, -1); rung < groups->num_replicas;
       rung          = NextRung(receiver, round, rung), ++num_frames)
    PetscCallMPI(MPI_Irecv(receiver->messages + (size_t)num_frames * (size_t)receiver->frame_bytes,
                                    receiver->frame_bytes, MPI_BYTE, groups->replica_rank[rung], TP_TAG_FRAME, groups->world,
                                    &receiver->request[num_frames]));
  PetscCall(TpWait(num_frames, receiver->request, idle));
  for (PetscInt rung = NextRung(receiver, round, -1); rung < groups->num_replicas;
       rung          = NextRung(receiver, round, rung), ++i)
    PetscCall(UnpackFrame(receiver, i, rung, round));
  *count    = num_frames;
  *frames   = receiver->frames;
  *features = receiver->features;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReceiverStates(TpReceiver receiver, PetscInt64 round, PetscInt *count, const double **states,
                                double *idle)
{
  const PetscMPIInt message_size = 1 + receiver->packed_size;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < receiver->num_states; ++i)
    PetscCallMPI(MPI_Irecv(receiver->states + (size_t)i * (size_t)message_size, message_size, MPI_DOUBLE,
                           WrittenRank(receiver, i), TP_TAG_STATE, receiver->groups->world, &receiver->request[i]));
  PetscCall(TpWait(receiver->num_states, receiver->request, idle));
  for (PetscInt i = 0; i < receiver->num_states; ++i) { /* close the gaps that the rounds leave */
    const double *message = receiver->states + (size_t)i * (size_t)message_size;

    PetscCheck(message[0] == (double)round, PETSC_COMM_SELF, PETSC_ERR_LIB,
               "state of round %g, not of round %" PetscInt64_FMT, message[0], round);
    memmove(receiver->states + (size_t)i * (size_t)receiver->packed_size, message + 1,
            sizeof(double) * (size_t)receiver->packed_size);
  }
  *count  = receiver->num_states;
  *states = receiver->states;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpReceiverSetEndRound(TpReceiver receiver, PetscInt64 end_round)
{
  receiver->end_round = end_round;
}

PetscErrorCode TpReceiverCredit(TpReceiver receiver, PetscInt64 round, PetscBool stop)
{
  PetscFunctionBeginUser;
  PetscCall(TpWait(receiver->num_states, receiver->credit_request, NULL)); /* long gone, as replicas always listen */
  receiver->credit = (TpCredit){.round = round, .stop = stop ? 1 : 0, .end_round = receiver->end_round};
  for (PetscInt i = 0; i < receiver->num_states; ++i)
    PetscCallMPI(MPI_Isend(&receiver->credit, (int)sizeof(receiver->credit), MPI_BYTE, WrittenRank(receiver, i),
                           TP_TAG_CREDIT, receiver->groups->world, &receiver->credit_request[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
