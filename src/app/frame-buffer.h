/* Trajectory frames in memory until they are written, by rung as they come or by walker as they are sorted. */
#pragma once

#include "run-impl.h"

/** Frames of the rungs (or walkers) t, t + K, ... on trainer t of K: entry i * capacity + p is frame p of number t + i K. **/
typedef struct {
  PetscInt           size; /* coordinates of a configuration */
  PetscInt           num_owned;
  PetscInt           capacity; /* frames of each */
  TpTrajectoryFrames entries;
} TpFrameBuffer;

/** Not collective. Free with TpFrameBufferDestroy(). **/
PetscErrorCode TpFrameBufferCreate(PetscInt size, PetscInt num_owned, PetscInt capacity, TpFrameBuffer *buffer);
PetscErrorCode TpFrameBufferDestroy(TpFrameBuffer *buffer);

/** Put the state of a rung in as frame `place` of the owned number i. Not collective. **/
void TpFrameBufferSet(TpFrameBuffer *buffer, PetscInt i, PetscInt place, const TpState *state, PetscInt rung,
                      double temperature);

/** The entries of owned number i, for TpTrajectoryWrite(). **/
TpTrajectoryFrames TpFrameBufferEntries(const TpFrameBuffer *buffer, PetscInt i);

/**
  Sort `num_frames` frames that lie by rung into a buffer by walker: each goes to the trainer that has its walker. One frame at a time, so that memory
  is that of one. Collective on the trainer group.
**/
PetscErrorCode TpFrameBufferSort(const TpFrameBuffer *by_rung, PetscInt num_frames, TpGroups groups,
                                 TpFrameBuffer *by_walker);
