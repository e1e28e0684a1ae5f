/* Units, in words. Private to base. */
#pragma once

#include "tempera/base.h"

/** The dimension in words: "time" or "times", ..., "plain number". **/
const char *TpDimensionName(TpDimension dimension, PetscBool is_plural);

/** The units a quantity may be written in: "fs, ps, ns, us"; "" where none is allowed. **/
void TpUnitList(TpUnitSystem system, TpDimension dimension, size_t size, char list[]);

/** As TpQuantityParse(), but writes what is wrong into `message` for the caller to print. Returns whether `text` is right. **/
PetscBool TpQuantityRead(const char *text, TpDimension dimension, TpUnitSystem system, double *value, size_t size,
                         char message[]);
