/* A checkpoint: both groups' whole state in one published file, indexed by rung and parameter, never by rank. */
#include "learning.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

PetscErrorCode TpCheckpointPath(TpRun run, PetscInt64 round, char path[PETSC_MAX_PATH_LEN])
{
  char name[64];

  PetscFunctionBeginUser;
  snprintf(name, sizeof(name), "checkpoints/%s-%012lld.h5", run->data ? "step" : "round", (long long)round + 1);
  PetscCall(TpRunPath(run, name, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

static PetscErrorCode WriteStates(TpRun run, TpFile file, PetscInt count, const double states[])
{
  const TpGroups   groups  = run->groups;
  const PetscInt64 shape[] = {run->ladder->num_rungs, TpStatePackedSize(run->system.size)};

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(
      file, "/states", TP_FILE_DOUBLE, 2, shape, "nm, nm/ps, kJ/mol or reduced",
      "configuration at each rung after the round's exchange: walker, energy, box [9], positions, velocities"));
  /* Rungs are dealt out in turn. */
  PetscCall(TpFileWriteEvery(file, "/states", TP_FILE_DOUBLE, groups->group_rank, groups->num_trainers, count, states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(TpRun run, TpFile file, const TpCheckpoint *checkpoint, PetscInt count,
                                    const double states[])
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteInteger(file, "/", "next_round", checkpoint->round + 1));
  PetscCall(TpFileWriteText(file, "/", "system_hash", run->system.hash_text));
  if (run->groups->num_replicas) {
    PetscCall(TpFileWriteText(file, "/", "state_is", "after the exchange of round next_round - 1"));
    PetscCall(WriteStates(run, file, count, states));
  }
  PetscCall(TpLearningWrite(checkpoint->learning, file));
  PetscCall(TpTuningWriteCheckpoint(run, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCheckpointWrite(TpRun run, const char *path, const char *format, const TpCheckpoint *checkpoint,
                                 PetscInt count, const double states[])
{
  const TpFileHeader header = {.format     = format,
                               .version    = TP_CHECKPOINT_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters};
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(run->groups->group, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(run, file, checkpoint, count, states)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- read */

/*
  Each walker is at one rung. A checksum tells that a file is as it was written, not that what was written makes sense, and walkers are places in
  tables. A packed state begins with its walker.
*/
static PetscErrorCode CheckWalkers(const char *path, PetscInt num_rungs, PetscInt width, const double states[])
{
  PetscErrorCode code = PETSC_SUCCESS;
  PetscBool     *seen;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(num_rungs, &seen));
  for (PetscInt k = 0; k < num_rungs && !code; ++k) {
    const double walker = states[(size_t)k * width];

    if (walker >= 0.0 && walker < num_rungs && !seen[(PetscInt)walker])
      seen[(PetscInt)walker] = PETSC_TRUE;
    else
      code = TpInputError("%s: walker %g at rung %" PetscInt_FMT "; each of 0 to %" PetscInt_FMT " must be there once",
                          path, walker, k, num_rungs - 1);
  }
  PetscCall(PetscFree(seen));
  PetscFunctionReturn(code);
}

static PetscErrorCode ReadStates(TpRun run, const char *path, TpFile file, double states[])
{
  const PetscInt64 num_rungs = run->ladder->num_rungs;
  PetscInt64       shape[2];

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/states", 2, shape));
  TpCheckInput(shape[0] == num_rungs && shape[1] == TpStatePackedSize(run->system.size),
               "%s: holds %lld configurations of %lld numbers, the run has %lld of %lld", path, (long long)shape[0],
               (long long)shape[1], (long long)num_rungs, (long long)TpStatePackedSize(run->system.size));
  PetscCall(TpFileReadRows(file, "/states", TP_FILE_DOUBLE, 0, run->is_writer ? num_rungs : 0, states));
  PetscCall(TpAgree(run->groups->group, run->is_writer
                                            ? CheckWalkers(path, (PetscInt)num_rungs, (PetscInt)shape[1], states)
                                            : PETSC_SUCCESS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckLearning(const char *path, const struct TpLearning_ *learning)
{
  const TpEncoding encoding = learning->encoding;

  PetscFunctionBeginUser;
  TpCheckInput(learning->trainer->step >= 0, "%s: %" PetscInt64_FMT " optimiser steps", path, learning->trainer->step);
  for (PetscInt i = 0; i < encoding->num_encoded; ++i)
    TpCheckInput(isfinite(encoding->mean[i]) && encoding->scale[i] > 0.0 && isfinite(encoding->scale[i]),
                 "%s: the scaling of encoded feature %" PetscInt_FMT " is not a positive number", path, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCheckpointRead(TpRun run, const char *path, TpCheckpoint *checkpoint, double states[])
{
  char  *hash;
  TpFile file;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(run->groups->group, path, TP_CHECKPOINT_FORMAT, TP_CHECKPOINT_VERSION, &file));
  PetscCall(TpFileReadText(file, "/", "system_hash", &hash));
  TpCheckInput(!strcmp(hash, run->system.hash_text), "%s: was written for another system; %s must be the same", path,
               run->groups->num_replicas ? "forces, time step, friction and molecule" : "the data");
  PetscCall(PetscFree(hash));
  if (run->groups->num_replicas) PetscCall(ReadStates(run, path, file, states));
  PetscCall(TpLearningRead(checkpoint->learning, file));
  PetscCall(CheckLearning(path, checkpoint->learning));
  PetscCall(TpFileReadInteger(file, "/", "next_round", &checkpoint->round));
  --checkpoint->round;
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
