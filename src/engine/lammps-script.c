/* Reading an input script of LAMMPS: commands with the places they stand at, so that a mistake can be shown where it is. */
#include "lammps-impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 8 }; /* of files that include files */

static PetscErrorCode ReadText(const char *path, const char *place, char **text)
{
  FILE       *file = fopen(path, "rb");
  size_t      size = 0, capacity = 4096, count;
  struct stat status;

  PetscFunctionBeginUser;
  *text = NULL;
  if (file && (fstat(fileno(file), &status) || S_ISDIR(status.st_mode))) {
    fclose(file);
    file = NULL;
  }
  TpCheckInput(file, "engine.lammps.script: %s%s%s can't be read", place, place[0] ? ": " : "", path);
  PetscCall(PetscMalloc1(capacity, text));
  while ((count = fread(*text + size, 1, capacity - size - 1, file)) > 0) {
    size += count;
    if (size + 1 == capacity) PetscCall(PetscRealloc(capacity *= 2, text));
  }
  (*text)[size] = '\0';
  fclose(file);
  TpCheckInput(strlen(*text) == size, "engine.lammps.script: %s is no text", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- commands */

/* The end of a line: where the text of a comment or the newline begins, outside of quotes. `*quote` carries """ over lines. */
static const char *FindEnd(const char *text, PetscBool *is_quoted)
{
  char quote = 0;

  for (; *text && *text != '\n'; ++text) {
    if (!quote && !strncmp(text, "\"\"\"", 3)) {
      *is_quoted = *is_quoted ? PETSC_FALSE : PETSC_TRUE;
      text += 2;
    } else if (*is_quoted) {
      continue;
    } else if (quote) {
      if (*text == quote) quote = 0;
    } else if (*text == '"' || *text == '\'') {
      quote = *text;
    } else if (*text == '#') {
      break;
    }
  }
  return text;
}

static PetscErrorCode Append(TpLammpsScript *script, const char *text, const char *name, int number)
{
  char place[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (script->count == script->capacity) {
    script->capacity = PetscMax(32, 2 * script->capacity);
    PetscCall(PetscRealloc((size_t)script->capacity * sizeof(TpLammpsLine), &script->line));
  }
  snprintf(place, sizeof(place), "%s:%d", name, number);
  TpLammpsLine *line = &script->line[script->count++];
  *line              = (TpLammpsLine){0};
  PetscCall(PetscStrallocpy(text, &line->text));
  PetscCall(PetscStrallocpy(place, &line->place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(const char *path, const char *place, int depth, TpLammpsScript *script);

/* `include FILE`: its commands stand in for it. A name made of variables stays LAMMPS's business. */
static PetscErrorCode AppendOrInclude(TpLammpsScript *script, const char *text, const char *name, int number, int depth)
{
  char first[TP_LAMMPS_WORD], file[TP_LAMMPS_WORD], path[PETSC_MAX_PATH_LEN], place[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  TpLammpsGetWord(text, 0, first);
  TpLammpsGetWord(text, 1, file);
  if (!first[0]) PetscFunctionReturn(PETSC_SUCCESS);
  if (strcmp(first, "include") || !file[0] || strchr(file, '$')) {
    PetscCall(Append(script, text, name, number));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(place, sizeof(place), "%s:%d", name, number);
  snprintf(path, sizeof(path), "%s/%s", script->folder, file);
  TpCheckInput(depth < MAX_DEPTH, "engine.lammps.script: %s: files include each other", place);
  PetscCall(ReadFile(file[0] == '/' ? file : path, place, depth + 1, script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One command from its first line to its last: & at the end of a line joins, and so does an open """. Returns what follows it. */
static const char *JoinLines(const char *text, int *number, char command[])
{
  PetscBool is_quoted = PETSC_FALSE;
  size_t    length    = 0;

  for (;;) {
    const char *end = FindEnd(text, &is_quoted);

    memcpy(command + length, text, (size_t)(end - text));
    length += (size_t)(end - text);
    text = end + strcspn(end, "\n");
    if (!is_quoted)
      while (length && isspace((unsigned char)command[length - 1])) --length;
    const PetscBool joins =
        !is_quoted && *end != '#' && length && command[length - 1] == '&' ? PETSC_TRUE : PETSC_FALSE;

    if (joins) command[--length] = '\0';
    if (!*text || !(joins || is_quoted)) break;
    if (is_quoted) command[length++] = '\n';
    ++text;
    ++*number;
  }
  command[length] = '\0';
  return text;
}

static PetscErrorCode ReadCommands(const char *text, const char *name, int depth, TpLammpsScript *script)
{
  char          *command;
  int            number = 1;
  PetscErrorCode code   = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(strlen(text) + 1, &command));
  while (*text && !code) {
    const int first = number;

    text = JoinLines(text, &number, command);
    code = AppendOrInclude(script, command, name, first, depth);
    if (*text) {
      ++text;
      ++number;
    }
  }
  PetscCall(PetscFree(command));
  PetscFunctionReturn(code);
}

static PetscErrorCode ReadFile(const char *path, const char *place, int depth, TpLammpsScript *script)
{
  char          *text;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  code = ReadText(path, place, &text);
  if (!code) code = ReadCommands(text, path, depth, script);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(code);
}

PetscErrorCode TpLammpsScriptRead(const char *path, TpLammpsScript *script)
{
  const char *slash = path ? strrchr(path, '/') : NULL;
  char        folder[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  *script = (TpLammpsScript){0};
  TpCheckInput(path && path[0], "engine.lammps.script: no file is given");
  TpCheckInput(strlen(path) + TP_LAMMPS_WORD < sizeof(folder), "engine.lammps.script: %.80s...: the path is too long",
               path);
  snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  PetscCall(PetscStrallocpy(folder[0] ? folder : "/", &script->folder));
  PetscCall(ReadFile(path, "", 0, script));
  TpCheckInput(script->count > 0, "engine.lammps.script: %s holds no command", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLammpsScriptDestroy(TpLammpsScript *script)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < script->count; ++i) {
    PetscCall(PetscFree(script->line[i].text));
    PetscCall(PetscFree(script->line[i].place));
  }
  PetscCall(PetscFree(script->line));
  PetscCall(PetscFree(script->folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- words */

void TpLammpsGetWord(const char *text, int index, char word[TP_LAMMPS_WORD])
{
  static const char blank[] = " \t\r\n";
  size_t            length  = 0;

  for (int i = 0;; ++i) {
    text += strspn(text, blank);
    length = strcspn(text, blank);
    if (i == index || !length) break;
    text += length;
  }
  if (length > 1 && (text[0] == '"' || text[0] == '\'') && text[length - 1] == text[0]) {
    ++text;
    length -= 2;
  }
  snprintf(word, TP_LAMMPS_WORD, "%.*s", (int)PetscMin(length, TP_LAMMPS_WORD - 1), text);
}

/* -------------------------------------------------------------------------------------------------------------- hash */

static uint64_t HashFile(uint64_t hash, const char *path)
{
  struct stat status;
  FILE       *file;
  char        buffer[4096];
  size_t      count;

  if (stat(path, &status) || !S_ISREG(status.st_mode) || !(file = fopen(path, "rb"))) return hash;
  while ((count = fread(buffer, 1, sizeof(buffer), file)) > 0) hash = TpHashBytes(hash, buffer, count);
  fclose(file);
  return hash;
}

/* `variable NAME getenv OTHER`: what the environment says may differ from rung to rung. */
static uint64_t HashEnvironment(uint64_t hash, const char *text)
{
  char        word[TP_LAMMPS_WORD];
  const char *value;

  TpLammpsGetWord(text, 0, word);
  if (strcmp(word, "variable")) return hash;
  TpLammpsGetWord(text, 2, word);
  if (strcmp(word, "getenv")) return hash;
  TpLammpsGetWord(text, 3, word);
  value = getenv(word);
  return value ? TpHashBytes(hash, value, strlen(value) + 1) : hash;
}

/* How many blanks there are changes nothing; that there are some does. */
uint64_t TpLammpsHashScript(uint64_t hash, const TpLammpsScript *script)
{
  char word[TP_LAMMPS_WORD];

  for (PetscInt i = 0; i < script->count; ++i) {
    for (int j = 0;; ++j) {
      TpLammpsGetWord(script->line[i].text, j, word);
      if (!word[0]) break;
      hash = TpHashBytes(hash, word, strlen(word) + 1);
      hash = HashFile(hash, word);
    }
    hash = HashEnvironment(hash, script->line[i].text);
    hash = TpHashBytes(hash, "\n", 1);
  }
  return hash;
}
