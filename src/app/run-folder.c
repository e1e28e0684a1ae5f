/* The folder of a run: locked while one is at work in it, with the checkpoint to go on from, the log, and what job scripts look at. */
#include "run-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

PetscErrorCode TpRunFolderLock(TpRun run)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  char         path[PETSC_MAX_PATH_LEN];
  int          file;

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpRunPath(run, "lock", path));
  file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  TpCheckInput(file >= 0, "%s: can't be written: %s", path, strerror(errno));
  /* File systems without locks (some network ones) let us go on: the lock is a courtesy, not a guarantee. */
  TpCheckInput(!fcntl(file, F_SETLK, &lock) || (errno != EAGAIN && errno != EACCES),
               "%s: another run is at work in this folder", run->settings.run.folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunFolderRemove(TpRun run, const char *name)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, name, path));
  if (run->is_writer && unlink(path) && errno != ENOENT)
    PetscFunctionReturn(TpInputError("%s: can't be removed: %s", path, strerror(errno)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunFolderCheck(TpRun run, MPI_Comm comm, const char *name, PetscBool restart)
{
  const char *folder = run->settings.run.folder;
  char        path[PETSC_MAX_PATH_LEN];
  PetscBool   exists;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, name, path));
  PetscCall(TpPathExists(comm, path, &exists));
  TpCheckInput(!exists || restart, "%s: holds a run already; go on with it by --restart, or choose another run.folder",
               folder);
  TpCheckInput(exists || !restart, "%s: holds no run to restart; leave --restart away to begin it", folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rounds of the work. */
static PetscInt64 Length(TpRun run)
{
  return run->length ? run->length : run->settings.run.rounds;
}

/* A run may become longer or shorter, but what is done stays: also what checkpoints behind the one to go on from have done. */
static PetscErrorCode CheckLength(TpRun run)
{
  const PetscInt64 rounds = Length(run);
  PetscInt64       done;

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointNewest(run, &done));
  done = PetscMax(done, run->first_round);
  TpCheckInput(rounds >= done,
               "%s: %" PetscInt64_FMT " is less than the %" PetscInt64_FMT " %s that the newest checkpoint has done",
               run->data ? "training.steps" : "run.rounds", rounds, done, run->data ? "steps" : "rounds");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunFolderOpen(TpRun run, const TpCommandLine *command, char checkpoint[PETSC_MAX_PATH_LEN])
{
  MPI_Comm world = run->groups->world;
  char     path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "checkpoints", path));
  PetscCall(TpFolderCreate(world, path));
  PetscCall(TpAgree(world, TpRunFolderLock(run)));
  if (command->restart) PetscCall(TpCheckpointFind(run, command->restart_path, checkpoint, &run->first_round));
  if (command->restart) PetscCall(CheckLength(run));
  TpCheckInput(run->reseed_rung < 0 || run->first_round < Length(run),
               "--reseed-rung: all %" PetscInt64_FMT " rounds are done", run->first_round);
  if (run->first_round < Length(run)) PetscCall(TpAgree(world, TpRunFolderRemove(run, "finished")));
  PetscCall(TpAgree(world, TpRunFolderRemove(run, "continue")));
  PetscCall(TpAgree(world, TpRunFolderRemove(run, "stop")));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunFolderWriteParameters(TpRun run, const char *verb)
{
  char  path[PETSC_MAX_PATH_LEN], name[PETSC_MAX_PATH_LEN];
  char *text, *whole;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "used-parameters.yaml", path));
  PetscCheck(realpath(run->settings.run.folder, name), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: %s",
             run->settings.run.folder, strerror(errno));
  PetscCall(TpConfigWriteText(run->config, run->system.units, &run->settings, name, &text));
  PetscCall(PetscMalloc1(strlen(text) + 512, &whole));
  snprintf(whole, strlen(text) + 512,
           "# %s; all parameters of this run, defaults included. Go on with: tempera %s %s --restart\n%s",
           TpVersionLine(), verb, "used-parameters.yaml", text);
  PetscCall(TpTextPublish(run->groups->group, path, whole));
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRunLogOpen(TpRun run)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpRunPath(run, "log.txt", path));
  run->log = fopen(path, "a");
  TpCheckInput(run->log, "%s: can't be written: %s", path, strerror(errno));
  TpLogSetFile(run->log);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpRunLogClose(TpRun run)
{
  if (!run->log) return;
  TpLogSetFile(NULL);
  fclose(run->log);
}

PetscErrorCode TpRunFolderMark(TpRun run, PetscBool finished)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, finished ? "finished" : "continue", path));
  PetscCall(TpTextPublish(run->groups->world, path, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}
