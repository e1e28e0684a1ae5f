/* Paths in input files: relative to the file's folder when read, relative to a new file's folder when written. Names only: no disk is asked. */
#include "config-impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Drop ".", "//" and "name/.." in place; what is left of nothing is ".". */
static void Tidy(char *path)
{
  char       *start = path + (path[0] == '/');
  char       *floor = start; /* nothing before this can be dropped by a ".." */
  char       *end   = start;
  const char *part  = start;

  while (*part) {
    const size_t length = strcspn(part, "/");

    if (length == 2 && !strncmp(part, "..", 2) && end > floor) {
      do --end;
      while (end > floor && *end != '/');
    } else if (length == 2 && !strncmp(part, "..", 2) && start > path) {
      /* above the root is the root */
    } else if (length && !(length == 1 && part[0] == '.')) {
      if (end > start) *end++ = '/';
      memmove(end, part, length);
      end += length;
      if (length == 2 && !strncmp(end - 2, "..", 2)) floor = end;
    }
    part += length;
    while (*part == '/') ++part;
  }
  if (end == path) *end++ = '.';
  *end = '\0';
}

PetscErrorCode TpPathFolder(const char *path, char **folder)
{
  const char *slash = strrchr(path, '/');

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(path, folder));
  if (!slash)
    (*folder)[0] = '\0';
  else if (slash > path)
    (*folder)[slash - path] = '\0';
  else
    (*folder)[1] = '\0';
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPathResolve(const char *folder, const char *path, char **resolved)
{
  const size_t size = strlen(folder) + strlen(path) + 2;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, resolved));
  if (path[0] == '/' || !folder[0])
    snprintf(*resolved, size, "%s", path);
  else
    snprintf(*resolved, size, "%s/%s", folder, path);
  Tidy(*resolved);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeAbsolute(const char *path, char **absolute)
{
  char folder[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  TpCheckInput(getcwd(folder, sizeof(folder)), "the working folder can't be read: %s", strerror(errno));
  PetscCall(TpPathResolve(folder, path, absolute));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Skip the parts that both begin with. */
static void SkipCommon(const char **a, const char **b)
{
  for (;;) {
    const size_t length = strcspn(*a, "/");

    if (!length || length != strcspn(*b, "/") || strncmp(*a, *b, length)) return;
    *a += length + ((*a)[length] == '/');
    *b += length + ((*b)[length] == '/');
  }
}

/* The way from one tidy relative folder to a tidy relative path; false if it leads through a folder whose name we don't know. */
static PetscBool WriteWay(const char *folder, const char *path, char way[])
{
  if (!strcmp(folder, ".")) folder = "";
  if (!strcmp(path, ".")) path = "";
  SkipCommon(&folder, &path);
  if (!strncmp(folder, "..", 2) && (folder[2] == '/' || !folder[2])) return PETSC_FALSE;
  way[0] = '\0';
  while (*folder) {
    strcat(way, "../");
    folder += strcspn(folder, "/");
    folder += *folder == '/';
  }
  strcat(way, path);
  Tidy(way);
  return PETSC_TRUE;
}

PetscErrorCode TpPathRelative(const char *folder, const char *path, char **relative)
{
  char     *tidy_folder, *tidy_path;
  PetscBool found = PETSC_FALSE;

  PetscFunctionBeginUser;
  if (!folder || folder[0] == '/' || path[0] == '/') {
    PetscCall(MakeAbsolute(path, relative));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TpPathResolve("", folder, &tidy_folder));
  PetscCall(TpPathResolve("", path, &tidy_path));
  PetscCall(
      PetscMalloc1(2 * strlen(tidy_folder) + strlen(tidy_path) + 4, relative)); /* "a" becomes "../": at most 2 n + 1 */
  found = WriteWay(tidy_folder, tidy_path, *relative);
  PetscCall(PetscFree(tidy_folder));
  PetscCall(PetscFree(tidy_path));
  if (!found) {
    PetscCall(PetscFree(*relative));
    PetscCall(MakeAbsolute(path, relative));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
