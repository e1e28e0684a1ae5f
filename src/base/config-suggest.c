/* Unknown keys: what the user may have meant. */
#include "config-impl.h"

#include <string.h>

#define MAX_CANDIDATE TP_YAML_MAX_KEY

/* Number of letters to insert, delete or replace to turn one word into the other (Levenshtein). */
static int EditDistance(const char *a, const char *b)
{
  const int length = (int)strlen(b);
  int       row[MAX_CANDIDATE + 1];

  if (length > MAX_CANDIDATE) return MAX_CANDIDATE;
  for (int j = 0; j <= length; ++j) row[j] = j;
  for (int i = 0; a[i]; ++i) {
    int diagonal = row[0];

    row[0] = i + 1;
    for (int j = 0; j < length; ++j) {
      const int replace = diagonal + (a[i] != b[j]);

      diagonal   = row[j + 1];
      row[j + 1] = PetscMin(replace, 1 + PetscMin(row[j], row[j + 1]));
    }
  }
  return row[length];
}

/* The section of a key: all before the first point. */
static void GetSection(const char *key, size_t size, char section[])
{
  snprintf(section, size, "%.*s", (int)strcspn(key, "."), key);
}

static const char *LastName(const char *key)
{
  const char *point = strrchr(key, '.');

  return point ? point + 1 : key;
}

/* A right name in the wrong section is near, too. */
static int KeyDistance(const char *key, const char *known)
{
  const int whole = EditDistance(key, known);
  const int name  = 2 + EditDistance(LastName(key), LastName(known));

  return PetscMin(whole, name);
}

static void AppendWord(const char *word, size_t size, char text[])
{
  const size_t length = strlen(text);

  snprintf(text + length, size - length, "%s%s", length ? ", " : "", word);
}

/* The names in the section of `key`; all sections if that is none. */
static void ListKnown(const TpParameter table[], const char *key, size_t size, char text[])
{
  char section[MAX_CANDIDATE + 1], list[1024] = "", previous[MAX_CANDIDATE + 1] = "";

  GetSection(key, sizeof(section), section);
  if (TpConfigIsSection(table, section)) {
    for (; table->key; ++table)
      if (!strncmp(table->key, section, strlen(section)) && table->key[strlen(section)] == '.')
        AppendWord(table->key + strlen(section) + 1, sizeof(list), list);
    snprintf(text, size, "allowed in section %s: %s", section, list);
    return;
  }
  for (; table->key; ++table) {
    GetSection(table->key, sizeof(section), section);
    if (strcmp(section, previous)) AppendWord(section, sizeof(list), list);
    strcpy(previous, section);
  }
  snprintf(text, size, "allowed sections: %s", list);
}

void TpConfigSuggest(const TpParameter table[], const char *key, PetscBool is_section, size_t size, char text[])
{
  int  nearest = PetscMax(2, (int)strlen(key) / 3) + 1;
  char candidate[MAX_CANDIDATE + 1], best[MAX_CANDIDATE + 1] = "";

  for (const TpParameter *row = table; row->key; ++row) {
    int distance;

    if (is_section)
      GetSection(row->key, sizeof(candidate), candidate);
    else
      snprintf(candidate, sizeof(candidate), "%s", row->key);
    distance = is_section ? EditDistance(key, candidate) : KeyDistance(key, candidate);
    if (distance >= nearest) continue;
    nearest = distance;
    strcpy(best, candidate);
  }
  if (best[0])
    snprintf(text, size, "did you mean %s?", best);
  else
    ListKnown(table, key, size, text);
}
