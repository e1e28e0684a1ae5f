/* The table of parameters for people: example input, reference page, help on the terminal. */
#include "config-impl.h"

#include <string.h>

#define LINE_WIDTH 100

/* Words of `text` in lines that begin with `prefix`. */
static void WriteWrapped(FILE *file, const char *prefix, const char *text)
{
  size_t column = 0;

  while (*text) {
    const size_t length = strcspn(text, " ");

    if (column && column + 1 + length > LINE_WIDTH) {
      fputc('\n', file);
      column = 0;
    }
    column += (size_t)fprintf(file, "%s%.*s", column ? " " : prefix, (int)length, text);
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', file);
}

/* "time (fs, ps, ns, us); allowed 0.0001 to 0.01 ps" */
static void DescribeValue(const TpParameter *row, size_t size, char text[])
{
  char type[256], allowed[1024];

  TpConfigDescribeType(row, sizeof(type), type);
  TpConfigDescribeAllowed(row, TP_UNITS_MOLECULAR, sizeof(allowed), allowed);
  snprintf(text, size, "%s%s%s", type, allowed[0] ? "; allowed " : "", allowed);
}

/* The default as it would stand in a file; "" where the user must give a value. */
static const char *DefaultText(const TpParameter *row)
{
  if (!row->default_value) return "";
  if (row->default_value[0]) return row->default_value;
  if (row->type == TP_TEXT_MAP) return "{}";
  return TpConfigIsList(row->type) ? "[]" : "\"\"";
}

PetscErrorCode TpConfigWriteExample(const TpParameter table[], FILE *file)
{
  char text[1536];

  PetscFunctionBeginUser;
  for (const TpParameter *row = TpConfigNextRow(table, NULL); row; row = TpConfigNextRow(table, row)) {
    const int   length  = (int)TpConfigSectionLength(row->key);
    const char *indent  = length ? "  " : "";
    const char *comment = length ? "  # " : "# ";

    if (TpConfigIsFirstOfSection(table, row)) {
      if (row > table) fputc('\n', file);
      if (length) fprintf(file, "%.*s:\n", length, row->key);
    }
    WriteWrapped(file, comment, row->help);
    DescribeValue(row, sizeof(text), text);
    WriteWrapped(file, comment, text);
    fprintf(file, "%s%s: %s\n", indent, TpConfigNameInSection(row->key),
            row->default_value ? DefaultText(row) : "# required");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A bar would end the cell of a Markdown table. */
static void WriteCell(FILE *file, const char *text)
{
  for (; *text; ++text) {
    if (*text == '|') fputc('\\', file);
    fputc(*text, file);
  }
}

PetscErrorCode TpConfigWriteReference(const TpParameter table[], FILE *file)
{
  char text[1536];

  PetscFunctionBeginUser;
  for (const TpParameter *row = TpConfigNextRow(table, NULL); row; row = TpConfigNextRow(table, row)) {
    const int length = (int)TpConfigSectionLength(row->key);

    if (TpConfigIsFirstOfSection(table, row)) {
      if (row > table) fputc('\n', file);
      if (length) fprintf(file, "## %.*s\n\n", length, row->key);
      fputs("| key | value | default | meaning |\n|---|---|---|---|\n", file);
    }
    DescribeValue(row, sizeof(text), text);
    fprintf(file, "| `%s` | ", row->key);
    WriteCell(file, text);
    if (row->default_value)
      fprintf(file, " | `%s` | ", DefaultText(row));
    else
      fputs(" | required | ", file);
    WriteCell(file, row->help);
    fputs(" |\n", file);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpConfigWriteHelp(const TpParameter table[], const char *filter, FILE *file)
{
  PetscInt count = 0;
  char     text[1536];

  PetscFunctionBeginUser;
  for (const TpParameter *row = table; row->key; ++row) {
    if (filter && !strstr(row->key, filter)) continue;
    ++count;
    if (row->default_value)
      fprintf(file, "%s: %s\n", row->key, DefaultText(row));
    else
      fprintf(file, "%s: (required)\n", row->key);
    WriteWrapped(file, "    ", row->help);
    DescribeValue(row, sizeof(text), text);
    WriteWrapped(file, "    ", text);
  }
  if (!count) fprintf(file, "no parameter has '%s' in its key\n", filter ? filter : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}
