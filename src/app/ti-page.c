/* report.html of `tempera ti`: tables and figures on one page that stands alone. */
#include "ti-page.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------------------ sections */

static void WriteRun(TpTiPage *report)
{
  const TpTi        ti       = report->results->ti;
  const TpSettings *settings = &ti->run->settings;

  TpPageSection(&report->page, "run", "Run");
  fputs("<p>", report->page.file);
  TpWriteEscaped(report->page.file, ti->run->system.engine);
  fprintf(
      report->page.file,
      ": a learned path to %s. %d systems were learned from, %lld configurations of each, in %lld steps; each free "
      "energy is a mean over %lld trajectories of %lld times, with %lld moves of hybrid Monte Carlo, of %lld leapfrog "
      "steps, at each time.</p>\n",
      ti->is_fluid ? "the ideal gas" : "a normal distribution", (int)ti->num_members, (long long)ti->num_frames,
      (long long)settings->ti.training_steps, (long long)settings->ti.trajectories, (long long)settings->ti.times,
      (long long)settings->ti.relax_steps, (long long)settings->ti.relax_leaps);
  TpPageSectionEnd(&report->page);
}

static void WriteRow(TpTiPage *report, PetscInt i)
{
  const TpPage  *page = &report->page;
  const TpTi     ti   = report->results->ti;
  const TpTiRow *row = &report->results->rows[i], *first = &report->results->rows[0];
  const double   apart = row->best.value - row->windows.value;
  const PetscInt n     = ti->targets[i].system.num_particles;

  fprintf(page->file, "<tr><td>%g</td>", TpTiVariable(ti, i));
  TpPageCell(page, row->best.value, TpTiWholeError(&row->best));
  TpPageCellText(page, "l", row->method);
  TpPageCell(page, row->windows.value, TpTiWholeError(&row->windows));
  TpPageCell(page, apart, hypot(TpTiWholeError(&row->best), TpTiWholeError(&row->windows)));
  if (ti->is_fluid) {
    /* of the largest system the curve knows only the last particle */
    if (n == report->results->largest)
      TpPageCell(page, (double)NAN, 0.0);
    else
      fprintf(page->file, "<td>%.3f</td>", TpTiExcessPotential(report->results, n));
    TpPageCell(page, row->insertion.value, row->insertion.error);
  } else {
    TpPageCell(page, i ? row->best.value - first->best.value : (double)NAN,
               hypot(TpTiWholeError(&row->best), TpTiWholeError(&first->best)));
    TpPageCell(page, i ? row->mbar : (double)NAN, row->mbar_error);
  }
  fputs("</tr>\n", page->file);
}

static PetscErrorCode WriteFreeEnergies(TpTiPage *report)
{
  static const char *const of_fluid[] = {
      "N", "ln (Z / Z ideal)", "<method", "windows", "difference", "&beta;&mu; excess", "&beta;&mu; by insertion"};
  static const char *const of_others[] = {"T", "ln Z", "<method", "windows", "difference", "ln Z from first T", "MBAR"};
  const TpTi               ti          = report->results->ti;

  PetscFunctionBeginUser;
  TpPageSection(&report->page, "free-energy", "Free energies");
  TpPageRow(&report->page);
  PetscCall(TpTiFigureFreeEnergies(report));
  TpPageRowEnd(&report->page);
  TpPageTable(&report->page, 7, ti->is_fluid ? of_fluid : of_others);
  for (PetscInt i = 0; i < ti->num_targets; ++i) WriteRow(report, i);
  TpPageTableEnd(&report->page);
  fprintf(report->page.file,
          "<p class=\"note\">Errors are one standard deviation, statistics and grid of times together; that of windows "
          "with few nodes is pessimistic. Difference: neural less windows. Evaluations of energy and gradient behind "
          "one number: trajectories %.3g, windows %.3g.</p>\n",
          TpTiNeuralCost(ti), TpTiWindowCost(ti));
  TpPageSectionEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFluid(TpTiPage *report)
{
  PetscFunctionBeginUser;
  TpPageSection(&report->page, "chemical-potential", "Chemical potential");
  TpPageRow(&report->page);
  PetscCall(TpTiFigureChemicalPotential(report));
  TpPageRowEnd(&report->page);
  fputs("<p class=\"note\">From a smooth curve through the free energies. Where it falls with the density, gas and "
        "liquid "
        "coexist, and the mean number of particles steps from one to the other.</p>\n",
        report->page.file);
  TpPageSectionEnd(&report->page);
  TpPageSection(&report->page, "structure", "Structure");
  TpPageRow(&report->page);
  TpTiFigurePairs(report);
  TpPageRowEnd(&report->page);
  fputs("<p class=\"note\">g(r) of the simulated configurations, of where the reverse diffusion alone ends, and of "
        "where it "
        "ends with moves.</p>\n",
        report->page.file);
  TpPageSectionEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteIntegrands(TpTiPage *report)
{
  PetscFunctionBeginUser;
  TpPageSection(&report->page, "integrand", "Integrand");
  TpPageRow(&report->page);
  PetscCall(TpTiFigureIntegrands(report));
  TpPageRowEnd(&report->page);
  fprintf(
      report->page.file,
      "<p class=\"note\">The mean of d/dt &beta;U<sub>t</sub>%s, whose integral is ln (Z<sub>0</sub> / Z<sub>1</sub>): "
      "along the learned path, bands are one standard error; and along the classical path, which is another one with "
      "the same ends.</p>\n",
      report->results->ti->is_fluid ? " for each particle" : "");
  TpPageSectionEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WriteLearning(TpTiPage *report)
{
  static const char *const heads[] = {"t", "asymmetry"};

  TpPageSection(&report->page, "learning", "Learning");
  TpPageRow(&report->page);
  TpTiFigureLoss(report);
  TpPageRowEnd(&report->page);
  fputs("<p class=\"note\">The loss does not fall to zero: most of the noise can't be known from the noisy "
        "configuration.</p>\n<h3>Conservativeness of the score</h3>\n",
        report->page.file);
  TpPageTable(&report->page, 2, heads);
  for (PetscInt k = 0; k < TP_TI_ASYMMETRY_TIMES; ++k) {
    const double ratio = report->results->asymmetry[k].ratio;

    fprintf(report->page.file, "<tr><td>%.3g</td>", report->results->asymmetry[k].t);
    fprintf(report->page.file, isfinite(ratio) ? "<td>%.2g</td></tr>\n" : "<td>-</td></tr>\n", ratio);
  }
  TpPageTableEnd(&report->page);
  fputs("<p class=\"note\">||J - J<sup>T</sup>|| / ||J|| of the learned score's Jacobian: rounding, as an energy was "
        "learned and the score is its gradient.</p>\n",
        report->page.file);
  TpPageSectionEnd(&report->page);
}

/* --------------------------------------------------------------------------------------------------------------- page */

static PetscErrorCode WriteSections(TpTiPage *report)
{
  PetscFunctionBeginUser;
  TpPageBegin(&report->page, report->results->ti->run->settings.run.folder);
  WriteRun(report);
  PetscCall(WriteFreeEnergies(report));
  if (report->results->ti->is_fluid) PetscCall(WriteFluid(report));
  PetscCall(WriteIntegrands(report));
  WriteLearning(report);
  TpPageEnd(&report->page);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiWritePage(const TpTiResults *results)
{
  TpRun    run    = results->ti->run;
  TpTiPage report = {.results = results};
  TpText   text;
  char     path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&text));
  report.page.file = text.stream;
  PetscCall(WriteSections(&report));
  PetscCall(TpRunPath(run, "report.html", path));
  PetscCall(TpTextEnd(run->groups->world, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
