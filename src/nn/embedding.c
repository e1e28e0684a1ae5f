/* The sinusoidal embedding of diffusion times (Vaswani et al., NeurIPS 2017; Ho, Jain and Abbeel, NeurIPS 2020). */
#include "tempera/nn.h"

#include <math.h>

void TpTimeEmbedding(PetscInt B, PetscInt width, const TpNumber t[], TpNumber e[])
{
  const PetscInt half = width / 2;

  for (PetscInt j = 0; j < half; j++) {
    const double frequency = exp(-log(10000.0) * (double)j / (double)(half - 1));

    for (PetscInt i = 0; i < B; i++) {
      const double angle = 1000.0 * (double)t[i] * frequency;
      TpNumber    *row   = e + i * width;

      if (i > 0 && t[i] == t[i - 1]) { /* sampling: one time for the whole batch */
        row[j]        = row[j - width];
        row[half + j] = row[half + j - width];
        continue;
      }
      row[j]        = (TpNumber)sin(angle);
      row[half + j] = (TpNumber)cos(angle);
    }
  }
}

void TpSlowEmbedding(PetscInt B, PetscInt width, const TpNumber t[], TpNumber e[], TpNumber de[])
{
  const PetscInt half = width / 2;

  for (PetscInt i = 0; i < B; i++) {
    TpNumber *row = e + i * width;

    for (PetscInt j = 0; j < half; j++) {
      const double rate = PETSC_PI * (double)(j + 1), angle = rate * (double)t[i];

      row[j]        = (TpNumber)(sin(angle) / (double)(j + 1));
      row[half + j] = (TpNumber)(cos(angle) / (double)(j + 1));
      if (!de) continue;
      de[i * width + j]        = (TpNumber)(PETSC_PI * cos(angle));
      de[i * width + half + j] = (TpNumber)(-PETSC_PI * sin(angle));
    }
  }
}
