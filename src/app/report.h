/* The parts of report.html. */
#pragma once

#include "analysis.h"
#include "page.h"

typedef struct {
  const TpAnalysis *analysis;
  const TpHistory  *history;
  TpPage            page;
} TpReport;

/** The section of the model. **/
PetscErrorCode TpReportModel(TpReport *report);

/** Figures show at most so many temperatures. **/
enum { TP_REPORT_TEMPERATURES = 12 };

/** Which of `num` is number i of those shown, at most `most`, from the first to the last. Pure. **/
PetscInt TpReportShown(PetscInt num, PetscInt most, PetscInt i);
/** Say it if `num` temperatures are not all. **/
void TpReportTellShown(TpReport *report, PetscInt num);

/** "T = 300 K". **/
void TpReportTemperature(const TpSamples *samples, double temperature, size_t size, char text[]);

/** Widen [first, end) to the bins where a density is more than 0.5 % of its highest; cut a plot over all bins to these. **/
void TpReportReach(PetscInt bins, const double density[], PetscInt *first, PetscInt *end);
void TpReportCut(PetscInt bins, PetscInt first, PetscInt end, TpPlot *plot);

/** Figures; each is a row of plots. **/
PetscErrorCode TpReportWalkers(TpReport *report);
PetscErrorCode TpReportEnergies(TpReport *report);
PetscErrorCode TpReportThermodynamics(TpReport *report);
PetscErrorCode TpReportSurfaces(TpReport *report);
PetscErrorCode TpReportCourse(TpReport *report);
