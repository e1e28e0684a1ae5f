/* Numbers as people write them: stricter than strtod(), which also takes "nan", "inf" and "0x10". */
#include "number.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

static const char *SkipDigits(const char *c, PetscBool *found)
{
  for (; isdigit((unsigned char)*c); ++c) *found = PETSC_TRUE;
  return c;
}

/* "2e" and "2 eV" hold the number 2: an exponent needs a digit. */
static const char *SkipExponent(const char *c)
{
  PetscBool   digits = PETSC_FALSE;
  const char *end    = c;

  if (*end != 'e' && *end != 'E') return c;
  ++end;
  if (*end == '+' || *end == '-') ++end;
  end = SkipDigits(end, &digits);
  return digits ? end : c;
}

PetscBool TpNumberRead(const char *text, double *value, const char **end)
{
  const char *c      = text;
  PetscBool   digits = PETSC_FALSE;
  double      number;

  if (*c == '+' || *c == '-') ++c;
  if (c[0] == '0' && (c[1] == 'x' || c[1] == 'X')) return PETSC_FALSE;
  c = SkipDigits(c, &digits);
  if (*c == '.') c = SkipDigits(c + 1, &digits);
  if (!digits) return PETSC_FALSE;
  number = strtod(text, NULL);
  if (!isfinite(number)) return PETSC_FALSE;
  *value = number;
  *end   = SkipExponent(c);
  return PETSC_TRUE;
}

PetscBool TpNumberReadAll(const char *text, double *value)
{
  const char *end;

  while (isspace((unsigned char)*text)) ++text;
  if (!TpNumberRead(text, value, &end)) return PETSC_FALSE;
  while (isspace((unsigned char)*end)) ++end;
  return *end ? PETSC_FALSE : PETSC_TRUE;
}

void TpNumberWrite(double value, size_t size, char text[])
{
  for (int digits = 15; digits <= 17; ++digits) { /* 15 digits always survive a double, 17 always name one */
    snprintf(text, size, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}
