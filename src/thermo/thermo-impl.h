/* What files of thermo share besides MBAR. */
#pragma once

#include "tempera/thermo.h"

/** Regularised incomplete gamma function P(a, x). Pure. **/
double TpGammaCumulative(double a, double x);
