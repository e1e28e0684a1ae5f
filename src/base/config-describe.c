/* Parameters in words: for error lines, help, the example input and the reference page. */
#include "config-impl.h"
#include "number.h"
#include "units-impl.h"

#include <stdarg.h>
#include <string.h>

#define TINY      1e-300 /* a minimum between 0 and this says "above 0" */
#define HUGE_REAL 1e300  /* a bound beyond this says "no bound" */
#define HUGE_INT  9.2e18 /* the same for whole numbers: about the ends of 64 bits */

PETSC_ATTRIBUTE_FORMAT(3, 4) static void Append(size_t size, char text[], const char *format, ...)
{
  const size_t length = strlen(text);
  va_list      arguments;

  va_start(arguments, format);
  vsnprintf(text + length, size - length, format, arguments);
  va_end(arguments);
}

static void DescribeRange(const TpParameter *row, const char *unit, size_t size, char text[])
{
  const double    huge     = row->type == TP_INT ? HUGE_INT : HUGE_REAL;
  const PetscBool has_low  = row->minimum > -huge ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool has_high = row->maximum < huge ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool is_above = row->minimum > 0.0 && row->minimum < TINY ? PETSC_TRUE : PETSC_FALSE;
  const char     *blank    = unit[0] ? " " : "";
  char            low[32], high[32];

  if (row->minimum == 0.0 && row->maximum == 0.0) return;
  TpNumberWrite(row->minimum, sizeof(low), low);
  TpNumberWrite(row->maximum, sizeof(high), high);
  if (is_above && has_high)
    Append(size, text, "above 0, at most %s%s%s", high, blank, unit);
  else if (is_above)
    Append(size, text, "above 0%s%s", blank, unit);
  else if (has_low && has_high)
    Append(size, text, "%s to %s%s%s", low, high, blank, unit);
  else if (has_low)
    Append(size, text, "%s%s%s or more", low, blank, unit);
  else if (has_high)
    Append(size, text, "at most %s%s%s", high, blank, unit);
}

void TpConfigDescribeAllowed(const TpParameter *row, TpUnitSystem system, size_t size, char text[])
{
  text[0] = '\0';
  switch (row->type) {
  case TP_BOOL:
    Append(size, text, "true, false");
    break;
  case TP_INT:
    DescribeRange(row, "", size, text);
    break;
  case TP_REAL:
  case TP_REAL_LIST:
    DescribeRange(row, TpUnitName(system, row->dimension), size, text);
    break;
  case TP_WORD:
    for (PetscInt i = 0; row->choices[i]; ++i) Append(size, text, "%s%s", i ? ", " : "", row->choices[i]);
    break;
  default:
    break;
  }
}

static void DescribeQuantity(const TpParameter *row, PetscBool is_plural, size_t size, char text[])
{
  char units[128];

  TpUnitList(TP_UNITS_MOLECULAR, row->dimension, sizeof(units), units);
  Append(size, text, "%s", TpDimensionName(row->dimension, is_plural));
  if (units[0]) Append(size, text, " (%s)", units);
}

void TpConfigDescribeType(const TpParameter *row, size_t size, char text[])
{
  text[0] = '\0';
  switch (row->type) {
  case TP_BOOL:
    Append(size, text, "switch");
    break;
  case TP_INT:
    Append(size, text, "whole number");
    break;
  case TP_REAL:
    DescribeQuantity(row, PETSC_FALSE, size, text);
    break;
  case TP_WORD:
    Append(size, text, "word");
    break;
  case TP_TEXT:
    Append(size, text, "text");
    break;
  case TP_PATH:
    Append(size, text, "path");
    break;
  case TP_REAL_LIST:
    Append(size, text, "list of ");
    DescribeQuantity(row, PETSC_TRUE, size, text);
    break;
  case TP_TEXT_LIST:
    Append(size, text, "list of texts");
    break;
  case TP_TEXT_MAP:
    Append(size, text, "section of names");
    break;
  case TP_PATH_LIST:
    Append(size, text, "list of paths");
    break;
  }
}
