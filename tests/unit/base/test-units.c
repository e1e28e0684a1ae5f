/* Units: quantities in every unit, and each way to get one wrong. */
#include "test.h"

#include <string.h>

/* Exact: what a user reads in the paper is the double that the program computes with. */
static void ExpectValue(const char *text, TpDimension dimension, double expected)
{
  double value = -1.0;

  TpTestCall(TpQuantityParse(text, dimension, TP_UNITS_MOLECULAR, &value));
  TpTestExpectThat(value == expected, "'%s' is %.17g, expected %.17g", text, value, expected);
}

static void CheckMolecular(void)
{
  ExpectValue("2 fs", TP_DIMENSION_TIME, 0.002);
  ExpectValue("2fs", TP_DIMENSION_TIME, 0.002);
  ExpectValue("  0.002  ", TP_DIMENSION_TIME, 0.002);
  ExpectValue(" 2\tfs ", TP_DIMENSION_TIME, 0.002);
  ExpectValue("1e-3 ns", TP_DIMENSION_TIME, 1.0);
  ExpectValue(".5 us", TP_DIMENSION_TIME, 5e5);
  ExpectValue("0.1 1/ps", TP_DIMENSION_RATE, 0.1);
  ExpectValue("0.1 ps-1", TP_DIMENSION_RATE, 0.1);
  ExpectValue("0.001 1/fs", TP_DIMENSION_RATE, 1.0);
  ExpectValue("412.5 K", TP_DIMENSION_TEMPERATURE, 412.5);
  ExpectValue("1 nm", TP_DIMENSION_LENGTH, 1.0);
  ExpectValue("3 A", TP_DIMENSION_LENGTH, 0.3);
  ExpectValue("3 angstrom", TP_DIMENSION_LENGTH, 0.3);
  ExpectValue("7 pm", TP_DIMENSION_LENGTH, 0.007);
  ExpectValue("-2.5 kJ/mol", TP_DIMENSION_ENERGY, -2.5);
  ExpectValue("1 kcal/mol", TP_DIMENSION_ENERGY, 4.184);
  ExpectValue("2 eV", TP_DIMENSION_ENERGY, 2 * 96.48533212331002);
  ExpectValue("2eV", TP_DIMENSION_ENERGY, 2 * 96.48533212331002);
  ExpectValue("12 Da", TP_DIMENSION_MASS, 12.0);
  ExpectValue("12 g/mol", TP_DIMENSION_MASS, 12.0);
  ExpectValue("12 amu", TP_DIMENSION_MASS, 12.0);
  ExpectValue("180 deg", TP_DIMENSION_ANGLE, PETSC_PI);
  ExpectValue("1 rad", TP_DIMENSION_ANGLE, 1.0);
  ExpectValue("90 min", TP_DIMENSION_WALL_TIME, 1.5);
  ExpectValue("36 s", TP_DIMENSION_WALL_TIME, 0.01);
  ExpectValue("2 d", TP_DIMENSION_WALL_TIME, 48.0);
  ExpectValue("0.5 h", TP_DIMENSION_WALL_TIME, 0.5);
  ExpectValue("1e3", TP_DIMENSION_NONE, 1000.0);
}

static void CheckReduced(void)
{
  double value;

  TpTestCall(TpQuantityParse("0.25", TP_DIMENSION_TEMPERATURE, TP_UNITS_REDUCED, &value));
  TpTestExpect(value == 0.25);
  TpTestCall(TpQuantityParse("30 min", TP_DIMENSION_WALL_TIME, TP_UNITS_REDUCED, &value));
  TpTestExpect(value == 0.5);
  TpTestExpectInputError(TpQuantityParse("2 fs", TP_DIMENSION_TIME, TP_UNITS_REDUCED, &value),
                         "'2 fs': a unit in the reduced unit system; allowed a plain number");
}

static void CheckMistakes(void)
{
  static const char *const no_numbers[] = {"",    " ",     "fs", "abc", "nan",      "inf", "-inf fs", "0x10",
                                           "--2", "1e999", ".",  "e5",  "1e308 us", "+",   "1/ps"};
  double                   value;

  for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); ++i) {
    TpTestExpectInputError(TpQuantityParse(no_numbers[i], TP_DIMENSION_TIME, TP_UNITS_MOLECULAR, &value), "allowed");
    TpTestExpectInputError(TpQuantityParse(no_numbers[i], TP_DIMENSION_TIME, TP_UNITS_MOLECULAR, &value),
                           no_numbers[i]);
  }
  TpTestExpectInputError(TpQuantityParse("nan", TP_DIMENSION_NONE, TP_UNITS_MOLECULAR, &value),
                         "'nan' is not a finite number; allowed a decimal number");
  TpTestExpectInputError(TpQuantityParse("2 K", TP_DIMENSION_TIME, TP_UNITS_MOLECULAR, &value),
                         "'2 K': a temperature where a time is expected; allowed fs, ps, ns, us");
  TpTestExpectInputError(TpQuantityParse("2 fs", TP_DIMENSION_ENERGY, TP_UNITS_MOLECULAR, &value),
                         "'2 fs': a time where an energy is expected; allowed kJ/mol, kcal/mol, eV");
  TpTestExpectInputError(TpQuantityParse("2 fs", TP_DIMENSION_NONE, TP_UNITS_MOLECULAR, &value),
                         "'2 fs': a time where a plain number is expected");
  TpTestExpectInputError(TpQuantityParse("2 parsec", TP_DIMENSION_LENGTH, TP_UNITS_MOLECULAR, &value),
                         "'2 parsec': unknown unit 'parsec'; allowed nm, A, angstrom, pm");
  TpTestExpectInputError(TpQuantityParse("1,5 fs", TP_DIMENSION_TIME, TP_UNITS_MOLECULAR, &value),
                         "unknown unit ',5 fs'");
  TpTestExpectInputError(TpQuantityParse("2 FS", TP_DIMENSION_TIME, TP_UNITS_MOLECULAR, &value), "unknown unit 'FS'");
}

static void CheckNames(void)
{
  static const char *const names[] = {
      [TP_DIMENSION_NONE] = "",         [TP_DIMENSION_TIME] = "ps",   [TP_DIMENSION_RATE] = "1/ps",
      [TP_DIMENSION_TEMPERATURE] = "K", [TP_DIMENSION_LENGTH] = "nm", [TP_DIMENSION_ENERGY] = "kJ/mol",
      [TP_DIMENSION_MASS] = "amu",      [TP_DIMENSION_ANGLE] = "rad", [TP_DIMENSION_WALL_TIME] = "h",
  };

  for (int i = TP_DIMENSION_NONE; i <= TP_DIMENSION_WALL_TIME; ++i) {
    TpTestExpectText(TpUnitName(TP_UNITS_MOLECULAR, (TpDimension)i), names[i]);
    TpTestExpect(strlen(TpUnitName(TP_UNITS_MOLECULAR, (TpDimension)i)) == strlen(names[i]));
    if (i != TP_DIMENSION_WALL_TIME) TpTestExpect(!TpUnitName(TP_UNITS_REDUCED, (TpDimension)i)[0]);
  }
  /* k_B = 1.380649e-23 J/K and N_A = 6.02214076e23 1/mol are exact since 2019 */
  TpTestExpectClose(TpBoltzmann(TP_UNITS_MOLECULAR), 1.380649 * 6.02214076 * 1e-3, 1e-17);
  TpTestExpect(TpBoltzmann(TP_UNITS_REDUCED) == 1.0);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckMolecular();
  CheckReduced();
  CheckMistakes();
  CheckNames();
  return TpTestEnd();
}
