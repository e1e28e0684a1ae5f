/* Words that stand for whole numbers. */
#include "tempera/base.h"

#include <string.h>

PetscInt TpWordFind(const char *const words[], const char *text)
{
  for (PetscInt i = 0; words[i]; ++i)
    if (!strcmp(words[i], text)) return i;
  return -1;
}
