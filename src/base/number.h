/* Numbers as people write them. Private to base. */
#pragma once

#include "tempera/base.h"

/**
  Read a decimal number at the start of `text`: sign, digits, point, exponent. No blanks before it, no hexadecimal, no nan or inf.

  @param[out] value  the number; left alone if there is none
  @param[out] end    the first character after the number

  Returns whether there is one and it is finite.
**/
PetscBool TpNumberRead(const char *text, double *value, const char **end);

/** Whether all of `text`, but for blanks around it, is one number as TpNumberRead() reads it. **/
PetscBool TpNumberReadAll(const char *text, double *value);

/** Write the shortest decimal that reads back to the same bits. **/
void TpNumberWrite(double value, size_t size, char text[]);
