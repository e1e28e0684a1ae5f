/* The parts of report.html of `tempera ti`. */
#pragma once

#include "page.h"
#include "ti-report.h"

typedef struct {
  const TpTiResults *results;
  TpPage             page;
} TpTiPage;

/** Figures, each a row of plots. **/
PetscErrorCode TpTiFigureFreeEnergies(TpTiPage *report);
PetscErrorCode TpTiFigureIntegrands(TpTiPage *report);
PetscErrorCode TpTiFigureChemicalPotential(TpTiPage *report); /* of a fluid */
void           TpTiFigurePairs(TpTiPage *report);             /* of a fluid */
void           TpTiFigureLoss(TpTiPage *report);
