/* Units: what people write ("2 fs") and what the program computes in (0.002 ps). */
#include "tempera/base.h"
#include "number.h"
#include "units-impl.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* internal = written * multiplier / divisor: two whole numbers, as 2 / 1000 is the double nearest to 0.002 and 2 * 0.001 may not be */
typedef struct {
  const char *name;
  TpDimension dimension;
  double      multiplier;
  double      divisor;
  PetscBool   is_listed; /* in messages; other spellings are accepted silently */
} Unit;

/* The unit whose two factors are 1 and that comes first in its dimension is the internal one. */
static const Unit units[] = {
    {"fs", TP_DIMENSION_TIME, 1, 1000, PETSC_TRUE},
    {"ps", TP_DIMENSION_TIME, 1, 1, PETSC_TRUE},
    {"ns", TP_DIMENSION_TIME, 1e3, 1, PETSC_TRUE},
    {"us", TP_DIMENSION_TIME, 1e6, 1, PETSC_TRUE},
    {"1/fs", TP_DIMENSION_RATE, 1000, 1, PETSC_TRUE},
    {"1/ps", TP_DIMENSION_RATE, 1, 1, PETSC_TRUE},
    {"1/ns", TP_DIMENSION_RATE, 1, 1000, PETSC_TRUE},
    {"/fs", TP_DIMENSION_RATE, 1000, 1, PETSC_FALSE}, /* as in "2/ps" */
    {"/ps", TP_DIMENSION_RATE, 1, 1, PETSC_FALSE},
    {"/ns", TP_DIMENSION_RATE, 1, 1000, PETSC_FALSE},
    {"fs-1", TP_DIMENSION_RATE, 1000, 1, PETSC_FALSE},
    {"ps-1", TP_DIMENSION_RATE, 1, 1, PETSC_FALSE},
    {"ns-1", TP_DIMENSION_RATE, 1, 1000, PETSC_FALSE},
    {"K", TP_DIMENSION_TEMPERATURE, 1, 1, PETSC_TRUE},
    {"nm", TP_DIMENSION_LENGTH, 1, 1, PETSC_TRUE},
    {"A", TP_DIMENSION_LENGTH, 1, 10, PETSC_TRUE},
    {"angstrom", TP_DIMENSION_LENGTH, 1, 10, PETSC_TRUE},
    {"pm", TP_DIMENSION_LENGTH, 1, 1000, PETSC_TRUE},
    {"kJ/mol", TP_DIMENSION_ENERGY, 1, 1, PETSC_TRUE},
    {"kcal/mol", TP_DIMENSION_ENERGY, 4.184, 1, PETSC_TRUE},
    {"eV", TP_DIMENSION_ENERGY, 96.48533212331002, 1,
     PETSC_TRUE}, /* Avogadro's number x elementary charge / 1000, exact in SI 2019 */
    {"amu", TP_DIMENSION_MASS, 1, 1, PETSC_TRUE},
    {"Da", TP_DIMENSION_MASS, 1, 1, PETSC_TRUE},
    {"g/mol", TP_DIMENSION_MASS, 1, 1, PETSC_TRUE},
    {"rad", TP_DIMENSION_ANGLE, 1, 1, PETSC_TRUE},
    {"deg", TP_DIMENSION_ANGLE, PETSC_PI, 180, PETSC_TRUE},
    {"s", TP_DIMENSION_WALL_TIME, 1, 3600, PETSC_TRUE},
    {"min", TP_DIMENSION_WALL_TIME, 1, 60, PETSC_TRUE},
    {"h", TP_DIMENSION_WALL_TIME, 1, 1, PETSC_TRUE},
    {"d", TP_DIMENSION_WALL_TIME, 24, 1, PETSC_TRUE},
};
static const size_t num_units = sizeof(units) / sizeof(units[0]);

double TpBoltzmann(TpUnitSystem system)
{
  return system == TP_UNITS_REDUCED ? 1.0 : 0.00831446261815324;
}

/* The clock on the wall knows nothing of reduced units. */
static PetscBool HasUnits(TpUnitSystem system, TpDimension dimension)
{
  if (dimension == TP_DIMENSION_NONE) return PETSC_FALSE;
  return system == TP_UNITS_MOLECULAR || dimension == TP_DIMENSION_WALL_TIME ? PETSC_TRUE : PETSC_FALSE;
}

const char *TpUnitName(TpUnitSystem system, TpDimension dimension)
{
  if (!HasUnits(system, dimension)) return "";
  for (size_t i = 0; i < num_units; ++i) {
    if (units[i].dimension == dimension && units[i].multiplier == 1.0 && units[i].divisor == 1.0) return units[i].name;
  }
  return "";
}

static const char *const dimension_names[][2] = {
    [TP_DIMENSION_NONE]        = {"plain number", "plain numbers"},
    [TP_DIMENSION_TIME]        = {"time", "times"},
    [TP_DIMENSION_RATE]        = {"rate", "rates"},
    [TP_DIMENSION_TEMPERATURE] = {"temperature", "temperatures"},
    [TP_DIMENSION_LENGTH]      = {"length", "lengths"},
    [TP_DIMENSION_ENERGY]      = {"energy", "energies"},
    [TP_DIMENSION_MASS]        = {"mass", "masses"},
    [TP_DIMENSION_ANGLE]       = {"angle", "angles"},
    [TP_DIMENSION_WALL_TIME]   = {"time on the clock", "times on the clock"},
};

const char *TpDimensionName(TpDimension dimension, PetscBool is_plural)
{
  return dimension_names[dimension][is_plural ? 1 : 0];
}

void TpUnitList(TpUnitSystem system, TpDimension dimension, size_t size, char list[])
{
  size_t length = 0;

  list[0] = '\0';
  if (!HasUnits(system, dimension)) return;
  for (size_t i = 0; i < num_units && length < size; ++i) {
    if (units[i].dimension != dimension || !units[i].is_listed) continue;
    length += (size_t)snprintf(list + length, size - length, "%s%s", length ? ", " : "", units[i].name);
  }
}

static const Unit *FindUnit(const char *name)
{
  for (size_t i = 0; i < num_units; ++i)
    if (!strcmp(name, units[i].name)) return &units[i];
  return NULL;
}

static const char *Article(const char *noun)
{
  return strchr("aeiou", noun[0]) ? "an" : "a";
}

/* One line on a unit that is none, or none of those allowed here. */
static void ExplainUnit(const char *text, const char *name, TpDimension dimension, TpUnitSystem system, size_t size,
                        char message[])
{
  const Unit *unit     = FindUnit(name);
  const char *expected = TpDimensionName(dimension, PETSC_FALSE);
  char        allowed[128];

  TpUnitList(system, dimension, sizeof(allowed), allowed);
  if (!HasUnits(system, dimension) && dimension != TP_DIMENSION_NONE) {
    snprintf(message, size, "'%.80s': a unit in the reduced unit system; allowed a plain number", text);
  } else if (!unit) {
    snprintf(message, size, "'%.80s': unknown unit '%.40s'; allowed %s", text, name,
             allowed[0] ? allowed : "a plain number");
  } else {
    const char *found = TpDimensionName(unit->dimension, PETSC_FALSE);

    snprintf(message, size, "'%.80s': %s %s where %s %s is expected; allowed %s", text, Article(found), found,
             Article(expected), expected, allowed[0] ? allowed : "a number without unit");
  }
}

static void ExplainNumber(const char *text, TpDimension dimension, TpUnitSystem system, size_t size, char message[])
{
  char allowed[128];

  TpUnitList(system, dimension, sizeof(allowed), allowed);
  snprintf(message, size, "'%.80s' is not a finite number; allowed a decimal number%s%s", text,
           allowed[0] ? ", alone or with one of " : "", allowed);
}

PetscBool TpQuantityRead(const char *text, TpDimension dimension, TpUnitSystem system, double *value, size_t size,
                         char message[])
{
  const char *c = text;
  const Unit *unit;
  double      number;
  char        name[64];

  while (isspace((unsigned char)*c)) ++c;
  if (!TpNumberRead(c, &number, &c)) {
    ExplainNumber(text, dimension, system, size, message);
    return PETSC_FALSE;
  }
  while (isspace((unsigned char)*c)) ++c;
  snprintf(name, sizeof(name), "%s", c);
  for (size_t length = strlen(name); length && isspace((unsigned char)name[length - 1]);) name[--length] = '\0';
  if (name[0]) {
    unit = FindUnit(name);
    if (!unit || unit->dimension != dimension || !HasUnits(system, dimension)) {
      ExplainUnit(text, name, dimension, system, size, message);
      return PETSC_FALSE;
    }
    number = number * unit->multiplier / unit->divisor;
    if (!isfinite(number)) {
      ExplainNumber(text, dimension, system, size, message);
      return PETSC_FALSE;
    }
  }
  *value = number;
  return PETSC_TRUE;
}

PetscErrorCode TpQuantityParse(const char *text, TpDimension dimension, TpUnitSystem system, double *value)
{
  char message[512];

  PetscFunctionBeginUser;
  TpCheckInput(TpQuantityRead(text, dimension, system, value, sizeof(message), message), "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}
