/* Histograms of all marginals and chosen pairs of one set of samples. */
#include "histograms.h"

#include <string.h>

/* "phi2 psi2" -> two indices. */
static PetscErrorCode FindPair(TpRun run, const char *text, PetscInt pair[2])
{
  char name[2][TP_NAME_LENGTH], rest;

  PetscFunctionBeginUser;
  if (sscanf(text, "%63s %63s %c", name[0], name[1], &rest) != 2)
    PetscFunctionReturn(
        TpConfigError(run->config, "evaluation.pairs", "'%s' is not a pair of names of features", text));
  for (int i = 0; i < 2; ++i) {
    for (pair[i] = 0; pair[i] < run->system.num_features; ++pair[i])
      if (!strcmp(run->system.name[pair[i]], name[i])) break;
    if (pair[i] == run->system.num_features)
      PetscFunctionReturn(TpConfigError(run->config, "evaluation.pairs", "'%s' is no feature; the first is '%s'",
                                        name[i], run->system.name[0]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpBinningCreate(TpRun run, TpBinning *binning)
{
  const TpSettings *settings     = &run->settings;
  const PetscInt    num_features = run->system.num_features, given = settings->evaluation.pairs.size;

  PetscFunctionBeginUser;
  *binning = (TpBinning){.num_features = num_features,
                         .bins         = (PetscInt)settings->evaluation.bins,
                         .pair_bins    = (PetscInt)settings->evaluation.pair_bins,
                         .num_pairs    = given ? given : num_features > 1};
  PetscCall(PetscCalloc3(2 * PetscMax(1, binning->num_pairs), &binning->pair, num_features, &binning->low, num_features,
                         &binning->high));
  binning->pair[1] = 1;
  for (PetscInt i = 0; i < given; ++i)
    PetscCall(FindPair(run, settings->evaluation.pairs.values[i], binning->pair + 2 * i));
  for (PetscInt i = 0; i < num_features; ++i) {
    binning->low[i]  = -0.5 * run->system.period[i];
    binning->high[i] = 0.5 * run->system.period[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpBinningDestroy(TpBinning *binning)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(binning->pair, binning->low, binning->high));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt MarginalSize(const TpBinning *binning)
{
  return binning->num_features * binning->bins;
}

static PetscInt PairSize(const TpBinning *binning)
{
  return binning->num_pairs * binning->pair_bins * binning->pair_bins;
}

PetscErrorCode TpHistogramsCreate(const TpBinning *binning, TpHistograms *histograms)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(MarginalSize(binning), &histograms->marginal, PairSize(binning), &histograms->pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpHistogramsDestroy(TpHistograms *histograms)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(histograms->marginal, histograms->pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpHistogramsAdd(const TpBinning *binning, PetscInt64 count, const float raw[], PetscInt64 stride,
                     TpHistograms *histograms)
{
  for (PetscInt i = 0; i < binning->num_features; ++i)
    TpHistogram(count, raw + i, stride, binning->low[i], binning->high[i], binning->bins,
                histograms->marginal + i * binning->bins);
  for (PetscInt i = 0; i < binning->num_pairs; ++i) {
    const PetscInt a = binning->pair[2 * i], b = binning->pair[2 * i + 1];

    TpHistogram2D(count, raw + a, raw + b, stride, (const double[]){binning->low[a], binning->low[b]},
                  (const double[]){binning->high[a], binning->high[b]}, binning->pair_bins,
                  histograms->pair + i * binning->pair_bins * binning->pair_bins);
  }
}

PetscErrorCode TpHistogramsSum(const TpBinning *binning, MPI_Comm comm, TpHistograms *histograms)
{
  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(MPI_IN_PLACE, histograms->marginal, MarginalSize(binning), MPI_DOUBLE, MPI_SUM, comm, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, histograms->pair, PairSize(binning), MPI_DOUBLE, MPI_SUM, comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}
