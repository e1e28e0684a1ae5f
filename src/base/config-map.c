/* Sections whose keys the user chooses: each value becomes one text, "name.key: [a, b]", which is YAML again. */
#include "config-impl.h"

#include <string.h>

#define MAX_TEXT 1024 /* characters of one key with its value */

PetscInt TpConfigFindMap(const TpParameter table[], const char *key)
{
  for (PetscInt i = 0; table[i].key; ++i) {
    const size_t length = strlen(table[i].key);

    if (table[i].type == TP_TEXT_MAP && !strncmp(table[i].key, key, length) && key[length] == '.') return i;
  }
  return -1;
}

/* Whether it can stand within braces as it is: nothing of it means something to YAML. */
static PetscBool IsSimple(const char *text)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  static const char others[]  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-/^() ";
  const size_t      length = strlen(text), sign = text[0] == '-' || text[0] == '+' || text[0] == '.';

  if (!length || text[length - 1] == ' ' || text[strspn(text, others)]) return PETSC_FALSE;
  return text[sign] && strchr(letters, text[sign]) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode CheckSimple(const char *where, const char *key, const char *text)
{
  PetscFunctionBeginUser;
  TpCheckInput(IsSimple(text), "%s: %s: '%.80s'; allowed are letters, digits, blanks and _ . + - / ^ ( )", where, key,
               text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "name.key: [a, b]" */
static PetscErrorCode JoinText(const char *where, const char *name, const TpYamlEntry *entry, char text[MAX_TEXT])
{
  const PetscBool is_list = entry->kind == TP_YAML_LIST ? PETSC_TRUE : PETSC_FALSE;
  size_t          length  = (size_t)snprintf(text, MAX_TEXT, "%.256s: %s", name, is_list ? "[" : "");

  PetscFunctionBeginUser;
  PetscCall(CheckSimple(where, entry->key, name));
  for (PetscInt i = 0; i < entry->size; ++i) {
    const TpYamlScalar *scalar = &entry->scalars[i];

    TpCheckInput(scalar->style != TP_YAML_JOINED, "%s: %s: a list within the list; allowed values", where, entry->key);
    PetscCall(CheckSimple(where, entry->key, scalar->text));
    length += (size_t)snprintf(text + length, MAX_TEXT - length, "%s%s", i ? ", " : "", scalar->text);
    TpCheckInput(length + 2 < MAX_TEXT, "%s: %s: more than %d characters", where, entry->key, MAX_TEXT);
  }
  if (is_list) strcpy(text + length, "]");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The item of that name, or a new one at the end. */
static PetscErrorCode FindItem(TpYamlEntry *list, const char *name, TpYamlScalar **item)
{
  const size_t length = strlen(name);

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < list->size; ++i) {
    *item = &list->scalars[i];
    if (!strncmp((*item)->text, name, length) && (*item)->text[length] == ':') PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (list->size == list->capacity) {
    list->capacity = PetscMax(4, 2 * list->capacity);
    PetscCall(PetscRealloc((size_t)list->capacity * sizeof(*list->scalars), &list->scalars));
  }
  *item  = &list->scalars[list->size++];
  **item = (TpYamlScalar){.style = TP_YAML_QUOTED};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigTakeIntoMap(const TpParameter *row, const char *where, const TpYamlEntry *entry,
                                   TpYamlEntry *list)
{
  const char   *name = entry->key + strlen(row->key) + 1;
  char          text[MAX_TEXT];
  TpYamlScalar *item = NULL;

  PetscFunctionBeginUser;
  list->kind = TP_YAML_LIST;
  if (!list->line) list->line = entry->line;
  if (entry->kind == TP_YAML_SECTION) PetscFunctionReturn(PETSC_SUCCESS); /* its keys follow as entries of their own */
  PetscCall(JoinText(where, name, entry, text));
  PetscCall(FindItem(list, name, &item));
  PetscCall(PetscFree(item->text));
  PetscCall(PetscStrallocpy(text, &item->text));
  item->line = entry->line;
  PetscFunctionReturn(PETSC_SUCCESS);
}
