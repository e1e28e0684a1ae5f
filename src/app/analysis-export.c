/*
  Reduced potentials as alchemlyb wants them: its u_nk is a DataFrame whose index is (time, state), with one column per state. As CSV:

    time,temperature,300,310,...
    12.5,300,u_300,u_310,...

  pandas.read_csv(path, index_col=[0, 1]) gives it back; its column names are texts and are to be made numbers.
*/
#include "analysis.h"

#include <math.h>
#include <string.h>

static void WriteHead(const TpSamples *samples, FILE *text)
{
  fputs("time,temperature", text);
  for (PetscInt k = 0; k < samples->num_rungs; ++k) fprintf(text, ",%.17g", samples->temperature[k]);
  fputc('\n', text);
}

/* Every g-th sample, so that they are worth what they count. */
static void WriteRung(const TpSamples *samples, PetscInt rung, double g, const double energy[], FILE *text)
{
  for (PetscInt64 i = 0; i < samples->num_rounds; i += (PetscInt64)ceil(g - 0.1)) {
    fprintf(text, "%.10g,%.17g", (double)(TpSamplesRound(samples, i) + 1) * samples->time_per_round,
            samples->temperature[rung]);
    for (PetscInt k = 0; k < samples->num_rungs; ++k) fprintf(text, ",%.17g", samples->beta[k] * energy[i]);
    fputc('\n', text);
  }
}

PetscErrorCode TpAnalysisExport(const TpSamples *samples, const TpAnalysis *analysis, const char *path)
{
  TpText  text = {NULL};
  double *energy;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(samples->rank ? 0 : samples->num_rounds, &energy));
  if (samples->rank == 0) {
    PetscCall(TpTextBegin(&text));
    WriteHead(samples, text.stream);
  }
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    PetscCall(TpSamplesGather(samples, 1, samples->energy + k * samples->count, energy));
    if (text.stream) WriteRung(samples, k, analysis->rung[k].g, energy, text.stream);
  }
  PetscCall(TpTextEnd(samples->comm, path, &text));
  PetscCall(PetscFree(energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}
