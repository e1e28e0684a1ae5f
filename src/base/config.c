/* The configuration: what the user gave, by file or by --set, for each row of the table of parameters. */
#include "config-impl.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define MAX_FILE_SIZE (16 << 20) /* bytes; an input file has a few thousand */

PetscErrorCode TpConfigCreate(const TpParameter table[], TpConfig *config)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(config));
  (*config)->table = table;
  while (table[(*config)->num_rows].key) ++(*config)->num_rows;
  PetscCall(PetscCalloc1((*config)->num_rows, &(*config)->values));
  PetscCall(PetscStrallocpy("", &(*config)->name));
  PetscCall(PetscStrallocpy("", &(*config)->folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyValue(TpConfigValue *value)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(value->name));
  PetscCall(PetscFree(value->folder));
  PetscCall(TpYamlEntryDestroy(&value->entry));
  value->is_given = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigDestroy(TpConfig *config)
{
  PetscFunctionBeginUser;
  if (!*config) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < (*config)->num_rows; ++i) PetscCall(DestroyValue(&(*config)->values[i]));
  PetscCall(PetscFree((*config)->values));
  PetscCall(PetscFree((*config)->name));
  PetscCall(PetscFree((*config)->folder));
  PetscCall(PetscFree(*config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpConfigWriteWhere(const char *name, int line, size_t size, char where[])
{
  if (line)
    snprintf(where, size, "%s:%d", name, line);
  else
    snprintf(where, size, "%s", name);
}

/* ----------------------------------------------------------------------------------------------------------- reading */

/* Whether what stands in the file can be a value of this row: a list where a list is due, a value where a value is due. */
static PetscErrorCode CheckKind(const TpParameter *row, const char *where, const TpYamlEntry *entry)
{
  const char *key = row->key;

  PetscFunctionBeginUser;
  if (row->type == TP_TEXT_MAP) {
    TpCheckInput(entry->kind == TP_YAML_SECTION,
                 "%s: %s: is a section; write names below it, as in '%s: {name: value}'", where, key, key);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpCheckInput(entry->kind != TP_YAML_SECTION, "%s: %s: a section where a value is expected", where, key);
  if (TpConfigIsList(row->type)) {
    TpCheckInput(entry->kind == TP_YAML_LIST, "%s: %s: '%.80s' is a single value; allowed a list, as in [a, b, c]",
                 where, key, entry->scalars[0].text);
  } else {
    TpCheckInput(entry->kind == TP_YAML_SCALAR, "%s: %s: a list; allowed a single value", where, key);
    TpCheckInput(!TpYamlIsNull(&entry->scalars[0]), "%s: %s: no value is given; %s", where, key,
                 row->default_value ? "leave the line out to get the default" : "it is required");
  }
  for (PetscInt i = 0; i < entry->size; ++i) {
    TpCheckInput(!TpYamlIsNull(&entry->scalars[i]), "%s: %s: item %" PetscInt_FMT " of the list is empty", where, key,
                 i + 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keys that are no row: known sections, and mistakes. */
static PetscErrorCode CheckOther(const TpParameter table[], const char *where, const TpYamlEntry *entry)
{
  const PetscBool is_section = entry->kind == TP_YAML_SECTION ? PETSC_TRUE : PETSC_FALSE;
  char            suggestion[1200];

  PetscFunctionBeginUser;
  if (TpConfigIsSection(table, entry->key)) {
    const PetscBool is_empty =
        entry->kind == TP_YAML_SCALAR && TpYamlIsNull(&entry->scalars[0]) ? PETSC_TRUE : PETSC_FALSE;

    TpCheckInput(is_section || is_empty,
                 "%s: %s: is a section; write its parameters below it, as in '%s: {name: value}'", where, entry->key,
                 entry->key);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpConfigSuggest(table, entry->key, is_section, sizeof(suggestion), suggestion);
  TpCheckInput(PETSC_FALSE, "%s: %s: unknown %s; %s", where, entry->key, is_section ? "section" : "key", suggestion);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetOrigin(TpConfigValue *value, const char *name, const char *folder)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(value->name));
  PetscCall(PetscFree(value->folder));
  PetscCall(PetscStrallocpy(name, &value->name));
  PetscCall(PetscStrallocpy(folder, &value->folder));
  value->is_given = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An entry below a section whose keys the user chooses. */
static PetscErrorCode TakeBelowMap(TpConfig config, PetscInt row, const char *name, const char *folder,
                                   const char *where, const TpYamlEntry *entry)
{
  TpConfigValue *value = &config->values[row];

  PetscFunctionBeginUser;
  PetscCall(TpConfigTakeIntoMap(&config->table[row], where, entry, &value->entry));
  PetscCall(SetOrigin(value, name, folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Check one entry and move it into the row it belongs to. */
static PetscErrorCode TakeEntry(TpConfig config, const char *name, const char *folder, TpYamlEntry *entry)
{
  const PetscInt row = TpConfigFindRow(config->table, entry->key), map = TpConfigFindMap(config->table, entry->key);
  char           where[PETSC_MAX_PATH_LEN];
  TpConfigValue *value;

  PetscFunctionBeginUser;
  TpConfigWriteWhere(name, entry->line, sizeof(where), where);
  if (map >= 0) PetscFunctionReturn(TakeBelowMap(config, map, name, folder, where, entry));
  if (row < 0) {
    PetscCall(CheckOther(config->table, where, entry));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(CheckKind(&config->table[row], where, entry));
  value = &config->values[row];
  PetscCall(DestroyValue(value));
  PetscCall(SetOrigin(value, name, folder));
  if (config->table[row].type == TP_TEXT_MAP) { /* what comes below it makes a new list */
    value->entry = (TpYamlEntry){.kind = TP_YAML_LIST, .line = entry->line};
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  value->entry = *entry;
  *entry       = (TpYamlEntry){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeEntries(TpConfig config, const char *name, const char *folder, TpYaml *yaml)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < yaml->size; ++i) PetscCall(TakeEntry(config, name, folder, &yaml->entries[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigReadText(TpConfig config, const char *name, const char *folder, const char *text)
{
  TpYaml         yaml;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(config->name));
  PetscCall(PetscFree(config->folder));
  PetscCall(PetscStrallocpy(name, &config->name));
  PetscCall(PetscStrallocpy(folder, &config->folder));
  code = TpYamlReadDocument(name, text, &yaml);
  if (!code) code = TakeEntries(config, name, folder, &yaml);
  PetscCall(TpYamlDestroy(&yaml));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigSet(TpConfig config, const char *assignment)
{
  const size_t   length = strcspn(assignment, "=");
  char           name[512], key[TP_YAML_MAX_KEY + 2];
  TpYaml         yaml;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  TpCheckInput(assignment[length] == '=' && length, "--set %s: no key and value; allowed --set section.key=value",
               assignment);
  snprintf(name, sizeof(name), "--set %s", assignment);
  snprintf(key, sizeof(key), "%.*s", (int)PetscMin(length, sizeof(key)), assignment);
  code = TpYamlReadValue(name, key, assignment + length + 1, &yaml);
  if (!code) code = TakeEntries(config, name, "", &yaml);
  PetscCall(TpYamlDestroy(&yaml));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- files */

static PetscErrorCode ReadStream(const char *path, FILE *file, char **text, int *length)
{
  size_t count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(MAX_FILE_SIZE + 1, text));
  count = fread(*text, 1, MAX_FILE_SIZE + 1, file);
  TpCheckInput(!ferror(file), "%s: can't be read: %s", path, strerror(errno));
  TpCheckInput(count <= MAX_FILE_SIZE, "%s: more than 16 MiB; is it an input file?", path);
  TpCheckInput(!memchr(*text, '\0', count), "%s: holds NUL characters; is it a text file?", path);
  (*text)[count] = '\0';
  *length        = (int)count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWholeFile(const char *path, char **text, int *length)
{
  FILE          *file;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  file = fopen(path, "r");
  TpCheckInput(file, "%s: can't be read: %s", path, strerror(errno));
  code = ReadStream(path, file, text, length);
  fclose(file);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 tells all others what it read, or the one line on why it could not. */
static PetscErrorCode ShareText(MPI_Comm comm, PetscErrorCode code, char **text, int length)
{
  int status[2] = {(int)code, length}, rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0 && code) {
    PetscCall(PetscFree(*text));
    PetscCall(PetscStrallocpy(TpInputErrorMessage(), text));
    status[1] = (int)strlen(*text);
  }
  PetscCallMPI(MPI_Bcast(status, 2, MPI_INT, 0, comm));
  if (rank) PetscCall(PetscMalloc1(status[1] + 1, text));
  PetscCallMPI(MPI_Bcast(*text, status[1] + 1, MPI_CHAR, 0, comm));
  if (rank == 0) PetscFunctionReturn(code);
  TpCheckInput(status[0] != TP_ERR_INPUT, "%s", *text);
  PetscFunctionReturn((PetscErrorCode)status[0]);
}

PetscErrorCode TpConfigReadFile(TpConfig config, MPI_Comm comm, const char *path)
{
  char          *text = NULL, *folder;
  int            rank, length = 0;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TpPathFolder(path, &folder));
  if (rank == 0) code = ReadWholeFile(path, &text, &length);
  code = ShareText(comm, code, &text, length);
  if (!code) code = TpConfigReadText(config, path, folder, text);
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(folder));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- questions */

PetscErrorCode TpConfigIsGiven(TpConfig config, const char *key, PetscBool *given)
{
  const PetscInt row = TpConfigFindRow(config->table, key);

  PetscFunctionBeginUser;
  PetscCheck(row >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "no parameter %s", key);
  *given = config->values[row].is_given;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigError(TpConfig config, const char *key, const char *format, ...)
{
  const PetscInt       row   = TpConfigFindRow(config->table, key);
  const TpConfigValue *value = row < 0 ? NULL : &config->values[row];
  char                 where[PETSC_MAX_PATH_LEN], message[1024];
  va_list              arguments;

  va_start(arguments, format);
  vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  if (value && value->is_given) {
    TpConfigWriteWhere(value->name, value->entry.line, sizeof(where), where);
    return TpInputError("%s: %s: %s", where, key, message);
  }
  return TpInputError("%s%s%s: %s", config->name, config->name[0] ? ": " : "", key, message);
}
