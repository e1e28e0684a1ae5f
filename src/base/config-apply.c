/* From what the user wrote to the settings of the program: types, units, ranges, lists, paths and defaults. */
#include "config-impl.h"
#include "number.h"
#include "units-impl.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One row of the table and where its value comes from: the user or the default. */
typedef struct {
  const TpParameter *row;
  const char        *name;
  const char        *folder;
  TpUnitSystem       system;
  PetscBool          is_default;
  const TpYamlEntry *entry;
  TpYaml             default_list; /* owned; what a default of a list is parsed into */
  TpYamlScalar       default_scalar;
  TpYamlEntry        default_entry;
} Source;

/* Return TP_ERR_INPUT with "file:line: key: " before the message. */
PETSC_ATTRIBUTE_FORMAT(3, 4)
static PetscErrorCode Refuse(const Source *source, const TpYamlScalar *scalar, const char *format, ...)
{
  char    where[PETSC_MAX_PATH_LEN], message[1024];
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  TpConfigWriteWhere(source->name, scalar->line, sizeof(where), where);
  return TpInputError("%s: %s: %s", where, source->row->key, message);
}

#define CheckScalar(source, scalar, condition, ...)                                                                    \
  do {                                                                                                                 \
    if (!(condition)) PetscFunctionReturn(Refuse(source, scalar, __VA_ARGS__));                                        \
  } while (0)

/* ----------------------------------------------------------------------------------------------------------- sources */

/* A default is written by us: a list in YAML's brackets, all else as it is. */
static PetscErrorCode UseDefault(Source *source)
{
  const char *text = source->row->default_value;

  PetscFunctionBeginUser;
  source->is_default = PETSC_TRUE;
  source->name       = "default";
  source->entry      = &source->default_entry;
  if (!TpConfigIsList(source->row->type)) {
    source->default_scalar = (TpYamlScalar){.text = (char *)text};
    source->default_entry  = (TpYamlEntry){.kind = TP_YAML_SCALAR, .size = 1, .scalars = &source->default_scalar};
  } else if (!text[0]) {
    source->default_entry = (TpYamlEntry){.kind = TP_YAML_LIST};
  } else {
    PetscCall(TpYamlReadValue("default", source->row->key, text, &source->default_list));
    source->entry = &source->default_list.entries[0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefuseMissing(TpConfig config, const TpParameter *row, TpUnitSystem system)
{
  const char *word = "allowed";
  char        expected[512];

  TpConfigDescribeAllowed(row, system, sizeof(expected), expected);
  if (!expected[0]) {
    word = "expected";
    TpConfigDescribeType(row, sizeof(expected), expected);
  }
  return TpInputError("%s%s%s is missing; %s %s. %s", config->name, config->name[0] ? ": " : "", row->key, word,
                      expected, row->help);
}

static PetscErrorCode SourceCreate(TpConfig config, PetscInt row, TpUnitSystem system, Source *source)
{
  const TpParameter   *parameter = &config->table[row];
  const TpConfigValue *value     = &config->values[row];

  PetscFunctionBeginUser;
  *source = (Source){
      .row = parameter, .name = value->name, .folder = value->folder, .system = system, .entry = &value->entry};
  if (value->is_given) PetscFunctionReturn(PETSC_SUCCESS);
  if (!parameter->default_value) PetscFunctionReturn(RefuseMissing(config, parameter, system));
  source->folder = config->folder;
  PetscCall(UseDefault(source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SourceDestroy(Source *source)
{
  PetscFunctionBeginUser;
  PetscCall(TpYamlDestroy(&source->default_list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------- single values */

static PetscErrorCode CheckRange(const Source *source, const TpYamlScalar *scalar, PetscBool is_inside)
{
  const TpParameter *row = source->row;
  char               allowed[512];

  PetscFunctionBeginUser;
  if (row->minimum == 0.0 && row->maximum == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  TpConfigDescribeAllowed(row, source->system, sizeof(allowed), allowed);
  CheckScalar(source, scalar, is_inside, "%.80s is out of range; allowed %s", scalar->text, allowed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not by way of a double, which can't tell 2^53 + 1 from 2^53. */
static PetscBool IsInside(PetscInt64 value, double minimum, double maximum)
{
  const PetscBool is_low  = minimum > -0x1p63 && value < (PetscInt64)ceil(minimum) ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool is_high = maximum < 0x1p63 && value > (PetscInt64)floor(maximum) ? PETSC_TRUE : PETSC_FALSE;

  return is_low || is_high ? PETSC_FALSE : PETSC_TRUE;
}

static PetscErrorCode ReadBool(const Source *source, const TpYamlScalar *scalar, PetscBool *value)
{
  static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

  PetscFunctionBeginUser;
  for (int i = 0; i < 6; ++i) {
    if (strcmp(scalar->text, words[i])) continue;
    *value = i % 2 ? PETSC_TRUE : PETSC_FALSE;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  CheckScalar(source, scalar, PETSC_FALSE, "'%.80s' is neither true nor false; allowed true, false, yes, no, on, off",
              scalar->text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Digits, or a number such as 1e6 that is whole and small enough for a double to hold it exactly. */
static PetscBool ParseWhole(const char *text, PetscInt64 *value)
{
  const char *digits = text + (text[0] == '-' || text[0] == '+');
  double      number;

  if (digits[0] && strspn(digits, "0123456789") == strlen(digits)) {
    errno  = 0;
    *value = strtoll(text, NULL, 10);
    return errno ? PETSC_FALSE : PETSC_TRUE;
  }
  if (!TpNumberReadAll(text, &number) || number != floor(number) || fabs(number) >= 0x1p53) return PETSC_FALSE;
  *value = (PetscInt64)number;
  return PETSC_TRUE;
}

static PetscErrorCode ReadInt(const Source *source, const TpYamlScalar *scalar, PetscInt64 *value)
{
  char allowed[512];

  PetscFunctionBeginUser;
  TpConfigDescribeAllowed(source->row, source->system, sizeof(allowed), allowed);
  CheckScalar(source, scalar, ParseWhole(scalar->text, value),
              "'%.80s' is not a whole number of at most 64 bits; allowed %s", scalar->text,
              allowed[0] ? allowed : "digits, or such as 1e6");
  PetscCall(CheckRange(source, scalar, IsInside(*value, source->row->minimum, source->row->maximum)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Our own defaults are in molecular units; in a reduced system, which knows none, the same number counts. */
static PetscErrorCode ReadReal(const Source *source, const TpYamlScalar *scalar, double *value)
{
  const TpUnitSystem system = source->is_default ? TP_UNITS_MOLECULAR : source->system;
  char               message[512];

  PetscFunctionBeginUser;
  CheckScalar(source, scalar, scalar->style != TP_YAML_JOINED, "a list within the list; allowed numbers");
  CheckScalar(source, scalar,
              TpQuantityRead(scalar->text, source->row->dimension, system, value, sizeof(message), message), "%s",
              message);
  PetscCall(CheckRange(source, scalar, *value >= source->row->minimum && *value <= source->row->maximum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWord(const Source *source, const TpYamlScalar *scalar, PetscInt *value)
{
  const PetscInt found = TpWordFind(source->row->choices, scalar->text);
  char           allowed[1024];

  PetscFunctionBeginUser;
  if (found >= 0) {
    *value = found;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpConfigDescribeAllowed(source->row, source->system, sizeof(allowed), allowed);
  CheckScalar(source, scalar, PETSC_FALSE, "'%.80s' is no choice; allowed %s", scalar->text, allowed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An empty path is "none", not the folder itself. */
static PetscErrorCode ReadText(const Source *source, const TpYamlScalar *scalar, PetscBool is_path, char **value)
{
  PetscFunctionBeginUser;
  if (is_path && scalar->text[0])
    PetscCall(TpPathResolve(source->folder, scalar->text, value));
  else
    PetscCall(PetscStrallocpy(scalar->text, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- lists */

static PetscErrorCode ReadRealList(const Source *source, TpRealList *list)
{
  const TpYamlEntry *entry = source->entry;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(entry->size, &list->values));
  list->size = entry->size;
  for (PetscInt i = 0; i < entry->size; ++i) PetscCall(ReadReal(source, &entry->scalars[i], &list->values[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTextList(const Source *source, PetscBool is_path, TpTextList *list)
{
  const TpYamlEntry *entry = source->entry;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(entry->size, &list->values));
  list->size = entry->size;
  for (PetscInt i = 0; i < entry->size; ++i) {
    CheckScalar(source, &entry->scalars[i], !is_path || entry->scalars[i].style != TP_YAML_JOINED,
                "a list within the list; allowed paths");
    PetscCall(ReadText(source, &entry->scalars[i], is_path, &list->values[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- settings */

static void *Member(const TpParameter *row, void *settings)
{
  return (char *)settings + row->offset;
}

static PetscErrorCode ReadMember(const Source *source, void *member)
{
  const TpYamlScalar *scalar = source->entry->scalars;

  PetscFunctionBeginUser;
  switch (source->row->type) {
  case TP_BOOL:
    PetscCall(ReadBool(source, scalar, (PetscBool *)member));
    break;
  case TP_INT:
    PetscCall(ReadInt(source, scalar, (PetscInt64 *)member));
    break;
  case TP_REAL:
    PetscCall(ReadReal(source, scalar, (double *)member));
    break;
  case TP_WORD:
    PetscCall(ReadWord(source, scalar, (PetscInt *)member));
    break;
  case TP_TEXT:
    PetscCall(ReadText(source, scalar, PETSC_FALSE, (char **)member));
    break;
  case TP_PATH:
    PetscCall(ReadText(source, scalar, PETSC_TRUE, (char **)member));
    break;
  case TP_REAL_LIST:
    PetscCall(ReadRealList(source, (TpRealList *)member));
    break;
  case TP_TEXT_LIST:
  case TP_TEXT_MAP:
    PetscCall(ReadTextList(source, PETSC_FALSE, (TpTextList *)member));
    break;
  case TP_PATH_LIST:
    PetscCall(ReadTextList(source, PETSC_TRUE, (TpTextList *)member));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyRow(TpConfig config, PetscInt row, TpUnitSystem system, void *member)
{
  Source         source;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(SourceCreate(config, row, system, &source));
  code = ReadMember(&source, member);
  PetscCall(SourceDestroy(&source));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigApply(TpConfig config, TpUnitSystem system, void *settings)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < config->num_rows && !code; ++i)
    code = ApplyRow(config, i, system, Member(&config->table[i], settings));
  if (code) PetscCall(TpConfigFree(config->table, settings));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigGetWord(TpConfig config, const char *key, PetscInt *index)
{
  const PetscInt row = TpConfigFindRow(config->table, key);

  PetscFunctionBeginUser;
  PetscCheck(row >= 0 && config->table[row].type == TP_WORD, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "no parameter %s that is a word", key);
  PetscCall(ApplyRow(config, row, TP_UNITS_MOLECULAR, index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeTextList(TpTextList *list)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < list->size && list->values; ++i) PetscCall(PetscFree(list->values[i]));
  PetscCall(PetscFree(list->values));
  list->size = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeRealList(TpRealList *list)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(list->values));
  list->size = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigFree(const TpParameter table[], void *settings)
{
  PetscFunctionBeginUser;
  for (const TpParameter *row = table; row->key; ++row) {
    void *member = Member(row, settings);

    switch (row->type) {
    case TP_TEXT:
    case TP_PATH:
      PetscCall(PetscFree(*(char **)member));
      break;
    case TP_REAL_LIST:
      PetscCall(FreeRealList((TpRealList *)member));
      break;
    case TP_TEXT_LIST:
    case TP_TEXT_MAP:
    case TP_PATH_LIST:
      PetscCall(FreeTextList((TpTextList *)member));
      break;
    default:
      break;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
