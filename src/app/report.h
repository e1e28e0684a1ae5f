/* The parts of report.html. */
#pragma once

#include "analysis.h"
#include "page.h"

typedef struct {
  const TpAnalysis *analysis;
  const TpHistory  *history;
  TpPage            page;
} TpReport;

/** Figures; each is a row of plots. **/
PetscErrorCode TpReportWalkers(TpReport *report);
PetscErrorCode TpReportEnergies(TpReport *report);
PetscErrorCode TpReportThermodynamics(TpReport *report);
PetscErrorCode TpReportSurfaces(TpReport *report);
PetscErrorCode TpReportCourse(TpReport *report);
