/* Used parameters: settings back to YAML that reads to the same settings, bit for bit. */
#include "config-impl.h"
#include "number.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  FILE        *file;
  TpUnitSystem system;
  const char  *folder;
} Writer;

/* -------------------------------------------------------------------------------------------------------------- text */

/* Length of the UTF-8 character at `text` and its code point; 0 if it is none. */
static int ReadCharacter(const char *text, unsigned *code)
{
  const unsigned char *c = (const unsigned char *)text;
  const int length       = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

  if (length <= 1) {
    *code = c[0];
    return length;
  }
  *code = c[0] & (0xffu >> (length + 1));
  for (int i = 1; i < length; ++i) {
    if ((c[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (c[i] & 0x3fu);
  }
  if ((length == 3 && *code < 0x800) || (length == 4 && *code < 0x10000)) return 0;
  return *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : length;
}

/* Line breaks, marks of byte order and what else a YAML file may not hold as it is. */
static PetscBool NeedsEscape(unsigned code)
{
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return PETSC_TRUE;
  return code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff ? PETSC_TRUE
                                                                                                : PETSC_FALSE;
}

/* Text that any reader of YAML takes for the same text, without quotes. */
static PetscBool IsPlain(const char *text)
{
  static const char *const reserved[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  static const char        letters[]  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";
  static const char        others[]   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/0123456789.+-";
  PetscBool                same;

  if (!strncmp(text, "./", 2) || !strncmp(text, "../", 3)) return text[strspn(text, others)] ? PETSC_FALSE : PETSC_TRUE;
  if (!text[0] || !strchr(letters, text[0]) || text[strspn(text, others)]) return PETSC_FALSE;
  for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); ++i) {
    if (PetscStrcasecmp(text, reserved[i], &same) || same) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static PetscErrorCode WriteQuoted(FILE *file, const char *text)
{
  PetscFunctionBeginUser;
  fputc('"', file);
  while (*text) {
    unsigned  code;
    const int length = ReadCharacter(text, &code);

    TpCheckInput(length, "'%.80s' is not UTF-8; allowed are texts and paths in UTF-8", text);
    if (NeedsEscape(code))
      fprintf(file, code < 0x100 ? "\\x%02X" : "\\u%04X", code);
    else if (code == '"' || code == '\\')
      fprintf(file, "\\%c", (int)code);
    else
      fwrite(text, 1, (size_t)length, file);
    text += length;
  }
  fputc('"', file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteText(const Writer *writer, const char *text)
{
  PetscFunctionBeginUser;
  if (IsPlain(text))
    fputs(text, writer->file);
  else
    PetscCall(WriteQuoted(writer->file, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePath(const Writer *writer, const char *path)
{
  char          *relative;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (path[0])
    PetscCall(TpPathRelative(writer->folder, path, &relative));
  else
    PetscCall(PetscStrallocpy("", &relative));
  code = WriteText(writer, relative);
  PetscCall(PetscFree(relative));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ values */

static void WriteReal(const Writer *writer, const TpParameter *row, double value)
{
  const char *unit = TpUnitName(writer->system, row->dimension);
  char        number[32];

  TpNumberWrite(value, sizeof(number), number);
  fprintf(writer->file, "%s%s%s", number, unit[0] ? " " : "", unit);
}

static void WriteRealList(const Writer *writer, const TpParameter *row, const TpRealList *list)
{
  fputc('[', writer->file);
  for (PetscInt i = 0; i < list->size; ++i) {
    if (i) fputs(", ", writer->file);
    WriteReal(writer, row, list->values[i]);
  }
  fputc(']', writer->file);
}

static PetscErrorCode WriteTextList(const Writer *writer, const TpTextList *list,
                                    PetscErrorCode (*write)(const Writer *, const char *))
{
  PetscFunctionBeginUser;
  fputc('[', writer->file);
  for (PetscInt i = 0; i < list->size; ++i) {
    if (i) fputs(", ", writer->file);
    PetscCall((*write)(writer, list->values[i]));
  }
  fputc(']', writer->file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The texts of a map are YAML already. */
static void WriteTextMap(const Writer *writer, const TpTextList *list)
{
  fputc('{', writer->file);
  for (PetscInt i = 0; i < list->size; ++i) fprintf(writer->file, "%s%s", i ? ", " : "", list->values[i]);
  fputc('}', writer->file);
}

static const char *TextOrEmpty(const char *text)
{
  return text ? text : "";
}

static PetscErrorCode WriteValue(const Writer *writer, const TpParameter *row, const void *settings)
{
  const void *member = (const char *)settings + row->offset;

  PetscFunctionBeginUser;
  switch (row->type) {
  case TP_BOOL:
    fputs(*(const PetscBool *)member ? "true" : "false", writer->file);
    break;
  case TP_INT:
    fprintf(writer->file, "%" PetscInt64_FMT, *(const PetscInt64 *)member);
    break;
  case TP_REAL:
    WriteReal(writer, row, *(const double *)member);
    break;
  case TP_WORD:
    PetscCall(WriteText(writer, row->choices[*(const PetscInt *)member]));
    break;
  case TP_TEXT:
    PetscCall(WriteText(writer, TextOrEmpty(*(char *const *)member)));
    break;
  case TP_PATH:
    PetscCall(WritePath(writer, TextOrEmpty(*(char *const *)member)));
    break;
  case TP_REAL_LIST:
    WriteRealList(writer, row, (const TpRealList *)member);
    break;
  case TP_TEXT_LIST:
    PetscCall(WriteTextList(writer, (const TpTextList *)member, WriteText));
    break;
  case TP_TEXT_MAP:
    WriteTextMap(writer, (const TpTextList *)member);
    break;
  case TP_PATH_LIST:
    PetscCall(WriteTextList(writer, (const TpTextList *)member, WritePath));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- settings */

static PetscErrorCode WriteSettings(const Writer *writer, const TpParameter table[], const void *settings)
{
  PetscFunctionBeginUser;
  for (const TpParameter *row = TpConfigNextRow(table, NULL); row; row = TpConfigNextRow(table, row)) {
    const int length = (int)TpConfigSectionLength(row->key);

    if (length && TpConfigIsFirstOfSection(table, row)) fprintf(writer->file, "%.*s:\n", length, row->key);
    fprintf(writer->file, "%s%s: ", length ? "  " : "", TpConfigNameInSection(row->key));
    PetscCall(WriteValue(writer, row, settings));
    fputc('\n', writer->file);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigWriteText(TpConfig config, TpUnitSystem system, const void *settings, const char *folder,
                                 char **text)
{
  char          *buffer = NULL;
  size_t         size;
  Writer         writer = {.system = system, .folder = folder};
  PetscErrorCode code;

  PetscFunctionBeginUser;
  writer.file = open_memstream(&buffer, &size);
  PetscCheck(writer.file, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the parameters' text");
  code = WriteSettings(&writer, config->table, settings);
  fclose(writer.file);
  if (!code) code = PetscStrallocpy(buffer, text);
  free(buffer);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
