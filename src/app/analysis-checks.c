/* Whether the run sampled what it was told to: energies of neighbours, kinetic energies, and what forces have told. */
#include "analysis.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------------------- pairs */

static PetscErrorCode CheckPair(const TpSamples *samples, const TpAnalysis *analysis, PetscInt lower,
                                TpPairCheck *check)
{
  const TpEnergySet cold = {samples->count, samples->energy + lower * samples->count, analysis->rung[lower].g};
  const TpEnergySet hot = {samples->count, samples->energy + (lower + 1) * samples->count, analysis->rung[lower + 1].g};

  PetscFunctionBeginUser;
  PetscCall(TpEnsembleSlope(samples->comm, &cold, &hot, &check->slope, &check->slope_error));
  check->expected = samples->beta[lower + 1] - samples->beta[lower];
  check->p        = TpNormalTail((check->slope - check->expected) / check->slope_error);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------- kinetic energies */

enum { NUM_KINETIC_FACTS = 4 };

/* Every so many rounds that what is left is uncorrelated. */
static PetscErrorCode CheckKinetic(const TpSamples *samples, PetscInt rung, double series[], double facts[])
{
  PetscInt64 count = 0;
  double     g;

  PetscFunctionBeginUser;
  PetscCall(TpStatisticalInefficiency(samples->num_rounds, series, &g));
  PetscCall(TpSeriesMean(samples->num_rounds, series, &facts[0], &facts[1]));
  for (PetscInt64 i = 0; i < samples->num_rounds; i += (PetscInt64)ceil(g - 0.1)) series[count++] = series[i];
  PetscCall(
      TpKineticTest(count, series, samples->degrees_of_freedom, samples->temperature[rung], &facts[2], &facts[3]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAllKinetic(const TpSamples *samples, TpKineticCheck checks[])
{
  const PetscInt num = samples->num_rungs;
  double        *whole, *facts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(samples->num_rounds, &whole));
  PetscCall(PetscCalloc1(num * NUM_KINETIC_FACTS, &facts));
  for (PetscInt begin = 0; begin < num; begin += samples->size) {
    const PetscInt batch = PetscMin((PetscInt)samples->size, num - begin), mine = begin + samples->rank;

    PetscCall(TpSamplesGather(samples, batch, samples->kinetic + begin * samples->count, whole));
    if (samples->rank < batch) PetscCall(CheckKinetic(samples, mine, whole, facts + mine * NUM_KINETIC_FACTS));
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, facts, num * NUM_KINETIC_FACTS, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  for (PetscInt k = 0; k < num; ++k) {
    const double *fact = facts + k * NUM_KINETIC_FACTS;

    checks[k] = (TpKineticCheck){.mean = fact[0], .mean_error = fact[1], .distance = fact[2], .p = fact[3]};
  }
  PetscCall(PetscFree(whole));
  PetscCall(PetscFree(facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- whole */

PetscErrorCode TpAnalyseChecks(const TpSamples *samples, TpAnalysis *analysis)
{
  const PetscInt num_pairs = samples->num_rungs - 1;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(PetscMax(1, num_pairs), &analysis->pair));
  for (PetscInt i = 0; i < num_pairs; ++i) PetscCall(CheckPair(samples, analysis, i, &analysis->pair[i]));
  if (samples->degrees_of_freedom > 0) {
    PetscCall(PetscCalloc1(samples->num_rungs, &analysis->kinetic));
    PetscCall(CheckAllKinetic(samples, analysis->kinetic));
  }
  analysis->alarm = TP_FALSE_ALARM / (double)PetscMax(1, TpAnalysisNumChecks(analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpAnalysisNumChecks(const TpAnalysis *analysis)
{
  const PetscInt num = analysis->samples->num_rungs;

  return num - 1 + (analysis->kinetic ? num : 0) + (analysis->configurational ? num : 0);
}

PetscInt TpAnalysisNumWrong(const TpAnalysis *analysis)
{
  const PetscInt num   = analysis->samples->num_rungs;
  PetscInt       wrong = 0;

  for (PetscInt i = 0; i < num - 1; ++i) wrong += TpAnalysisIsWrong(analysis, analysis->pair[i].p);
  for (PetscInt k = 0; analysis->kinetic && k < num; ++k) wrong += TpAnalysisIsWrong(analysis, analysis->kinetic[k].p);
  for (PetscInt k = 0; analysis->configurational && k < num; ++k)
    wrong += TpAnalysisIsWrong(analysis, analysis->configurational[k].p);
  return wrong;
}

PetscBool TpAnalysisIsWrong(const TpAnalysis *analysis, double p)
{
  return p < analysis->alarm ? PETSC_TRUE : PETSC_FALSE;
}
