/* The checkpoints in a run folder: which is the newest whole one, which may go, which are of rounds that will be others. */
#include "run-impl.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "round-000000001000.h5", of a training "step-...", -> 1000 rounds done; 0 for any other name. */
static PetscInt64 RoundsOfName(TpRun run, const char *name)
{
  const char *form   = run->data ? "step-%12lld.h5%n" : "round-%12lld.h5%n";
  long long   rounds = 0;
  int         end    = 0;

  if (sscanf(name, form, &rounds, &end) != 1 || !end || name[end]) return 0;
  return rounds;
}

static int NewestFirst(const void *a, const void *b)
{
  const PetscInt64 x = *(const PetscInt64 *)a, y = *(const PetscInt64 *)b;

  return (x < y) - (x > y);
}

/* Rounds of all checkpoints, newest first; on this rank alone. Free *rounds. */
static PetscErrorCode ListHere(TpRun run, PetscInt *count, PetscInt64 **rounds)
{
  char           path[PETSC_MAX_PATH_LEN];
  PetscInt       size = 0;
  DIR           *folder;
  struct dirent *entry;

  PetscFunctionBeginUser;
  *count  = 0;
  *rounds = NULL;
  PetscCall(TpRunPath(run, "checkpoints", path));
  folder = opendir(path);
  if (!folder) PetscFunctionReturn(PETSC_SUCCESS);
  while (readdir(folder)) ++size;
  rewinddir(folder);
  PetscCall(PetscMalloc1(size, rounds));
  while ((entry = readdir(folder)) && *count < size)
    if (RoundsOfName(run, entry->d_name) > 0) (*rounds)[(*count)++] = RoundsOfName(run, entry->d_name);
  closedir(folder);
  qsort(*rounds, (size_t)*count, sizeof(**rounds), NewestFirst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCheckpointPrune(TpRun run)
{
  PetscInt    count;
  PetscInt64 *rounds;
  char        path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (!run->is_writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ListHere(run, &count, &rounds));
  for (PetscInt i = (PetscInt)run->settings.output.keep_checkpoints; i < count; ++i) {
    PetscCall(TpCheckpointPath(run, rounds[i] - 1, path));
    if (unlink(path) && errno != ENOENT) TpLog(TP_LOG_WARNING, "%s: can't be removed: %s", path, strerror(errno));
  }
  PetscCall(PetscFree(rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- set aside */

/* A folder of a name that none had before: nothing that was set aside earlier is written over. */
static PetscErrorCode MakeAside(TpRun run, char folder[PETSC_MAX_PATH_LEN])
{
  char name[64];
  int  failed = 1;

  PetscFunctionBeginUser;
  for (int number = 1; failed; ++number) {
    snprintf(name, sizeof(name), "checkpoints/aside-%d", number);
    PetscCall(TpRunPath(run, name, folder));
    failed = mkdir(folder, 0777);
    if (failed && errno != EEXIST)
      PetscFunctionReturn(TpStopError("%s: can't make the folder: %s", folder, strerror(errno)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MoveInto(TpRun run, const char *folder, PetscInt64 rounds)
{
  char from[PETSC_MAX_PATH_LEN], to[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointPath(run, rounds - 1, from));
  snprintf(to, sizeof(to), "%s%s", folder, strrchr(from, '/'));
  if (rename(from, to)) PetscFunctionReturn(TpStopError("%s: can't be moved to %s: %s", from, to, strerror(errno)));
  PetscCall(TpFolderSync(to));
  PetscCall(TpFolderSync(from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The newest first: whenever the program is killed, those left are an unbroken row. */
static PetscErrorCode SetAsideHere(TpRun run)
{
  PetscInt       count, newer = 0;
  PetscInt64    *rounds;
  char           folder[PETSC_MAX_PATH_LEN];
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(ListHere(run, &count, &rounds));
  while (newer < count && rounds[newer] > run->first_round) ++newer;
  if (newer) code = MakeAside(run, folder);
  for (PetscInt i = 0; i < newer && !code; ++i) code = MoveInto(run, folder, rounds[i]);
  if (newer && !code)
    TpLog(TP_LOG_WARNING,
          "%s: checkpoints behind round %lld are kept here; the rounds to come take the place of theirs", folder,
          (long long)run->first_round);
  PetscCall(PetscFree(rounds));
  PetscFunctionReturn(code);
}

PetscErrorCode TpCheckpointSetAside(TpRun run)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(run->groups->group, run->is_writer ? SetAsideHere(run) : PETSC_SUCCESS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- find */

/* The list on the writer, for all. */
static PetscErrorCode ListEverywhere(TpRun run, PetscInt *count, PetscInt64 **rounds)
{
  const int root = run->groups->trainer_rank[0];

  PetscFunctionBeginUser;
  if (run->is_writer) PetscCall(ListHere(run, count, rounds));
  PetscCall(TpBroadcast(count, 1, MPIU_INT, root, run->groups->world, NULL));
  if (!run->is_writer) PetscCall(PetscMalloc1(*count, rounds));
  PetscCall(TpBroadcast(*rounds, *count, MPIU_INT64, root, run->groups->world, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The newest file that is whole, every byte of it; `count` is the number of all. */
static PetscErrorCode NewestWhole(TpRun run, char path[PETSC_MAX_PATH_LEN], PetscBool *found, PetscInt *count)
{
  PetscInt64 *rounds = NULL;
  char        message[512];

  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  *count = 0;
  PetscCall(ListEverywhere(run, count, &rounds));
  for (PetscInt i = 0; i < *count && !*found; ++i) {
    PetscCall(TpCheckpointPath(run, rounds[i] - 1, path));
    PetscCall(TpFileVerify(run->groups->world, path, found, message, sizeof(message)));
    if (!*found && run->is_writer) TpLog(TP_LOG_WARNING, "%s; trying the checkpoint before it", message);
  }
  PetscCall(PetscFree(rounds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCheckpointNewest(TpRun run, PetscInt64 *rounds)
{
  PetscInt    count = 0;
  PetscInt64 *all   = NULL;

  PetscFunctionBeginUser;
  PetscCall(ListEverywhere(run, &count, &all));
  *rounds = count ? all[0] : 0;
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  No checkpoint at all. A run that was killed before its first one is begun again, the same run; one that has come further had
  checkpoints, and somebody took them away: its rows in run.h5 are not to be written over.
*/
static PetscErrorCode BeginAgain(TpRun run, PetscBool *allowed)
{
  const PetscInt64 one     = 1;
  PetscInt64       written = 0;
  char             path[PETSC_MAX_PATH_LEN];
  char            *parameters;
  TpFile           file;

  PetscFunctionBeginUser;
  *allowed = PETSC_TRUE;
  if (run->data || run->length) PetscFunctionReturn(PETSC_SUCCESS); /* these write over nothing that is worth keeping */
  PetscCall(TpRunPath(run, "run.h5", path));
  PetscCall(TpFileOpen(run->groups->world, path, TP_RUN_FORMAT, TP_RUN_VERSION, &file));
  PetscCall(TpFileReadAll(file, "/progress/rounds_written", TP_FILE_INT64, 1, &one, &written));
  PetscCall(TpFileReadText(file, "/", "parameters", &parameters));
  PetscCall(TpFileClose(&file));
  *allowed = written <= run->settings.output.checkpoint_interval ? PETSC_TRUE : PETSC_FALSE;
  if (*allowed) PetscCall(TpSettingsCompare(&run->settings, run->config, tp_run_free_keys, parameters, path));
  PetscCall(PetscFree(parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCheckpointFind(TpRun run, const char *wanted, char path[PETSC_MAX_PATH_LEN], PetscInt64 *next_round)
{
  char      message[512];
  char     *parameters;
  PetscInt  count;
  PetscBool whole, again = PETSC_FALSE;
  TpFile    file;

  PetscFunctionBeginUser;
  *next_round = 0;
  if (wanted) {
    TpCheckInput(strlen(wanted) < PETSC_MAX_PATH_LEN, "--restart: the path is too long");
    strcpy(path, wanted);
    PetscCall(TpFileVerify(run->groups->world, path, &whole, message, sizeof(message)));
    TpCheckInput(whole, "%s", message);
  } else {
    PetscCall(NewestWhole(run, path, &whole, &count));
    if (!count) PetscCall(BeginAgain(run, &again));
    if (again) {
      path[0] = '\0';
      PetscFunctionReturn(PETSC_SUCCESS);
    }
    TpCheckInput(whole, "%s/checkpoints: holds no whole checkpoint to restart from; start again in a new run.folder",
                 run->settings.run.folder);
  }
  PetscCall(TpFileOpen(run->groups->world, path, TP_CHECKPOINT_FORMAT, TP_CHECKPOINT_VERSION, &file));
  PetscCall(TpFileReadInteger(file, "/", "next_round", next_round));
  PetscCall(TpFileReadText(file, "/", "parameters", &parameters));
  PetscCall(TpFileClose(&file));
  TpCheckInput(*next_round >= 1, "%s: next_round is %lld", path, (long long)*next_round);
  PetscCall(TpSettingsCompare(&run->settings, run->config, tp_run_free_keys, parameters, path));
  PetscCall(PetscFree(parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}
