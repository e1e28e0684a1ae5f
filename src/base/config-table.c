/* The table of parameters: find rows, and walk through them section by section. */
#include "config-impl.h"

#include <string.h>

PetscInt TpConfigFindRow(const TpParameter table[], const char *key)
{
  for (PetscInt i = 0; table[i].key; ++i)
    if (!strcmp(table[i].key, key)) return i;
  return -1;
}

PetscBool TpConfigIsSection(const TpParameter table[], const char *key)
{
  const size_t length = strlen(key);

  for (; table->key; ++table)
    if (!strncmp(table->key, key, length) && table->key[length] == '.') return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscBool TpConfigIsList(TpParameterType type)
{
  return type == TP_REAL_LIST || type == TP_TEXT_LIST || type == TP_PATH_LIST || type == TP_TEXT_MAP ? PETSC_TRUE
                                                                                                     : PETSC_FALSE;
}

size_t TpConfigSectionLength(const char *key)
{
  const char *point = strchr(key, '.');

  return point ? (size_t)(point - key) : 0;
}

const char *TpConfigNameInSection(const char *key)
{
  const size_t length = TpConfigSectionLength(key);

  return length ? key + length + 1 : key;
}

static PetscBool IsSameSection(const TpParameter *a, const TpParameter *b)
{
  const size_t length = TpConfigSectionLength(a->key);

  return length == TpConfigSectionLength(b->key) && !strncmp(a->key, b->key, length) ? PETSC_TRUE : PETSC_FALSE;
}

static const TpParameter *FirstOfSection(const TpParameter table[], const TpParameter *row)
{
  while (!IsSameSection(table, row)) ++table;
  return table;
}

PetscBool TpConfigIsFirstOfSection(const TpParameter table[], const TpParameter *row)
{
  return FirstOfSection(table, row) == row ? PETSC_TRUE : PETSC_FALSE;
}

const TpParameter *TpConfigNextRow(const TpParameter table[], const TpParameter *row)
{
  const TpParameter *next = table;

  if (row) {
    for (next = row + 1; next->key; ++next)
      if (IsSameSection(next, row)) return next;
    next = FirstOfSection(table, row) + 1;
  }
  for (; next->key; ++next)
    if (TpConfigIsFirstOfSection(table, next)) return next;
  return NULL;
}
