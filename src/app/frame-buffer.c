/* Trajectory frames in memory, and their way from the order of rungs to that of walkers. */
#include "frame-buffer.h"

#include <string.h>

PetscErrorCode TpFrameBufferCreate(PetscInt size, PetscInt num_owned, PetscInt capacity, TpFrameBuffer *buffer)
{
  const size_t        frames  = (size_t)PetscMax(1, num_owned) * (size_t)capacity;
  TpTrajectoryFrames *entries = &buffer->entries;

  PetscFunctionBeginUser;
  *buffer = (TpFrameBuffer){.size = size, .num_owned = num_owned, .capacity = capacity};
  PetscCall(PetscMalloc7(frames * (size_t)size, &entries->x, frames * (size_t)size, &entries->v, frames * 9,
                         &entries->box, frames, &entries->energy, frames, &entries->temperature, frames,
                         &entries->walker, frames, &entries->rung));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFrameBufferDestroy(TpFrameBuffer *buffer)
{
  TpTrajectoryFrames *entries = &buffer->entries;

  PetscFunctionBeginUser;
  PetscCall(PetscFree7(entries->x, entries->v, entries->box, entries->energy, entries->temperature, entries->walker,
                       entries->rung));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpFrameBufferSet(TpFrameBuffer *buffer, PetscInt i, PetscInt place, const TpState *state, PetscInt rung,
                      double temperature)
{
  const TpTrajectoryFrames entry = TpFrameBufferEntries(buffer, i);
  const PetscInt           size  = buffer->size;

  for (PetscInt j = 0; j < size; ++j) {
    entry.x[place * size + j] = (float)state->x[j];
    entry.v[place * size + j] = (float)state->v[j];
  }
  for (PetscInt j = 0; j < 9; ++j) entry.box[place * 9 + j] = (float)state->box[j];
  entry.energy[place]      = state->energy;
  entry.temperature[place] = temperature;
  entry.walker[place]      = state->walker;
  entry.rung[place]        = rung;
}

TpTrajectoryFrames TpFrameBufferEntries(const TpFrameBuffer *buffer, PetscInt i)
{
  const TpTrajectoryFrames *all = &buffer->entries;
  const size_t              at = (size_t)i * (size_t)buffer->capacity, size = (size_t)buffer->size;

  return (TpTrajectoryFrames){all->x + at * size,    all->v + at * size, all->box + at * 9, all->energy + at,
                              all->temperature + at, all->walker + at,   all->rung + at};
}

/* --------------------------------------------------------------------------------------------------------------- sort */

/* One frame in a message: this, then x, v, box. */
typedef struct {
  double     energy;
  double     temperature;
  PetscInt64 walker;
  PetscInt64 rung;
} Head;

/* What one pass needs. */
typedef struct {
  size_t       length;   /* bytes of a frame */
  MPI_Datatype type;     /* a frame */
  char        *sent;     /* [owned] frames, by the trainer that they go to */
  char        *received; /* [owned] frames */
  int         *send_count, *send_first, *receive_count, *receive_first, *filled; /* [trainers] */
} Passing;

static PetscErrorCode PassingCreate(PetscInt size, PetscInt num_owned, int num_trainers, Passing *passing)
{
  PetscFunctionBeginUser;
  passing->length = sizeof(Head) + sizeof(float) * (2 * (size_t)size + 9);
  PetscCallMPI(MPI_Type_contiguous((int)passing->length, MPI_BYTE, &passing->type));
  PetscCallMPI(MPI_Type_commit(&passing->type));
  PetscCall(PetscMalloc2((size_t)num_owned * passing->length, &passing->sent, (size_t)num_owned * passing->length,
                         &passing->received));
  PetscCall(PetscMalloc5(num_trainers, &passing->send_count, num_trainers, &passing->send_first, num_trainers,
                         &passing->receive_count, num_trainers, &passing->receive_first, num_trainers,
                         &passing->filled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PassingDestroy(Passing *passing)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Type_free(&passing->type));
  PetscCall(PetscFree2(passing->sent, passing->received));
  PetscCall(PetscFree5(passing->send_count, passing->send_first, passing->receive_count, passing->receive_first,
                       passing->filled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Pack(const TpFrameBuffer *buffer, PetscInt i, PetscInt place, char *message)
{
  const TpTrajectoryFrames entry = TpFrameBufferEntries(buffer, i);
  const size_t             size  = (size_t)buffer->size;
  const Head head    = {entry.energy[place], entry.temperature[place], entry.walker[place], entry.rung[place]};
  float     *numbers = (float *)(void *)(message + sizeof(Head));

  memcpy(message, &head, sizeof(head));
  memcpy(numbers, entry.x + (size_t)place * size, size * sizeof(float));
  memcpy(numbers + size, entry.v + (size_t)place * size, size * sizeof(float));
  memcpy(numbers + 2 * size, entry.box + place * 9, 9 * sizeof(float));
}

static void Unpack(const char *message, int num_trainers, PetscInt place, TpFrameBuffer *buffer)
{
  const size_t size    = (size_t)buffer->size;
  const float *numbers = (const float *)(const void *)(message + sizeof(Head));
  Head         head;

  memcpy(&head, message, sizeof(head));
  const TpTrajectoryFrames entry = TpFrameBufferEntries(buffer, (PetscInt)(head.walker / num_trainers));

  memcpy(entry.x + (size_t)place * size, numbers, size * sizeof(float));
  memcpy(entry.v + (size_t)place * size, numbers + size, size * sizeof(float));
  memcpy(entry.box + place * 9, numbers + 2 * size, 9 * sizeof(float));
  entry.energy[place]      = head.energy;
  entry.temperature[place] = head.temperature;
  entry.walker[place]      = head.walker;
  entry.rung[place]        = head.rung;
}

/* Walkers are dealt out to trainers as rungs are. */
static int TrainerOf(const TpFrameBuffer *by_rung, PetscInt i, PetscInt place, int num_trainers)
{
  return TpStreamStateOwner(num_trainers, (PetscInt)TpFrameBufferEntries(by_rung, i).walker[place]);
}

/* How many frames go where and come from where. */
static PetscErrorCode Count(const TpFrameBuffer *by_rung, PetscInt place, TpGroups groups, Passing *passing)
{
  const int   num = groups->num_trainers;
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(passing->send_count, num));
  for (PetscInt i = 0; i < by_rung->num_owned; ++i) ++passing->send_count[TrainerOf(by_rung, i, place, num)];
  PetscCallMPI(
      MPI_Ialltoall(passing->send_count, 1, MPI_INT, passing->receive_count, 1, MPI_INT, groups->group, &request));
  PetscCall(TpWait(1, &request, NULL));
  passing->send_first[0] = passing->receive_first[0] = 0;
  for (int t = 1; t < num; ++t) {
    passing->send_first[t]    = passing->send_first[t - 1] + passing->send_count[t - 1];
    passing->receive_first[t] = passing->receive_first[t - 1] + passing->receive_count[t - 1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SortFrame(const TpFrameBuffer *by_rung, PetscInt place, TpGroups groups, Passing *passing,
                                TpFrameBuffer *by_walker)
{
  const int   num = groups->num_trainers;
  MPI_Request request;

  PetscFunctionBeginUser;
  PetscCall(Count(by_rung, place, groups, passing));
  PetscCall(PetscArraycpy(passing->filled, passing->send_first, num));
  for (PetscInt i = 0; i < by_rung->num_owned; ++i) {
    const int to = TrainerOf(by_rung, i, place, num);

    Pack(by_rung, i, place, passing->sent + (size_t)passing->filled[to]++ * passing->length);
  }
  PetscCallMPI(MPI_Ialltoallv(passing->sent, passing->send_count, passing->send_first, passing->type, passing->received,
                              passing->receive_count, passing->receive_first, passing->type, groups->group, &request));
  PetscCall(TpWait(1, &request, NULL));
  for (PetscInt i = 0; i < by_walker->num_owned; ++i)
    Unpack(passing->received + (size_t)i * passing->length, num, place, by_walker);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFrameBufferSort(const TpFrameBuffer *by_rung, PetscInt num_frames, TpGroups groups,
                                 TpFrameBuffer *by_walker)
{
  Passing passing;

  PetscFunctionBeginUser;
  PetscCall(PassingCreate(by_rung->size, by_rung->num_owned, groups->num_trainers, &passing));
  for (PetscInt place = 0; place < num_frames; ++place)
    PetscCall(SortFrame(by_rung, place, groups, &passing, by_walker));
  PetscCall(PassingDestroy(&passing));
  PetscFunctionReturn(PETSC_SUCCESS);
}
