/* The parts of report.html. */
#pragma once

#include "analysis.h"
#include "svg.h"

typedef struct {
  const TpAnalysis *analysis;
  const TpHistory  *history;
  FILE             *file;
  PetscInt          num_plots;
} TpReport;

/** Figures; each is a row of plots. **/
PetscErrorCode TpReportWalkers(TpReport *report);
PetscErrorCode TpReportEnergies(TpReport *report);
PetscErrorCode TpReportThermodynamics(TpReport *report);
PetscErrorCode TpReportSurfaces(TpReport *report);
PetscErrorCode TpReportCourse(TpReport *report);
