/* Whether the free energy between the ends of the ladder has settled: from growing parts of the data, from either end of time (Klimovich, Shirts
   & Mobley, J. Comput.-Aided Mol. Des. 29 (2015) 397). */
#include "analysis.h"

#include <math.h>

enum { NUM_FRACTIONS = 10 };

/* f_last - f_first from rounds [first, end) of those that count, and MBAR's own error; NaN where part of the data does not connect the rungs. */
static PetscErrorCode FreeEnergyOf(const TpSamples *samples, const double g[], PetscInt64 first, PetscInt64 end,
                                   double *f, double *error)
{
  const PetscInt64 low  = PetscMin(PetscMax(first - samples->first, 0), samples->count),
                   high = PetscMin(PetscMax(end - samples->first, 0), samples->count);
  const PetscInt last   = samples->num_rungs - 1;
  double        *energy;
  TpMbar         mbar;
  TpMbarResult   result;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *f = *error = (double)NAN;
  PetscCall(PetscMalloc1(samples->num_rungs * (high - low), &energy));
  PetscCall(TpMbarCreatePart(samples, g, low, high, energy, &mbar));
  code = TpMbarSolve(mbar, &result);
  if (code == TP_ERR_INPUT)
    TpInputErrorClear();
  else
    PetscCall(code);
  if (!code) {
    *f     = result.f[last] - result.f[0];
    *error = result.error[last];
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree(energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseConvergence(const TpSamples *samples, TpAnalysis *analysis)
{
  double *g;

  PetscFunctionBeginUser;
  analysis->num_fractions = NUM_FRACTIONS;
  PetscCall(PetscCalloc1(NUM_FRACTIONS, &analysis->fraction));
  PetscCall(PetscMalloc1(samples->num_rungs, &g));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) g[k] = analysis->rung[k].g;
  for (PetscInt i = 0; i < NUM_FRACTIONS; ++i) {
    TpConvergencePoint *point  = &analysis->fraction[i];
    const PetscInt64    length = samples->num_rounds * (i + 1) / NUM_FRACTIONS, end = samples->num_rounds;

    point->fraction = (double)length / (double)end;
    PetscCall(FreeEnergyOf(samples, g, 0, length, &point->forward, &point->forward_error));
    PetscCall(FreeEnergyOf(samples, g, end - length, end, &point->backward, &point->backward_error));
  }
  PetscCall(PetscFree(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}
