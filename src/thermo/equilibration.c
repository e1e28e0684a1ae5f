/* Where a series stops remembering its start (Chodera, JCTC 12 (2016) 1799). */
#include "tempera/thermo.h"

enum {
  MAX_BLOCKS     = 1 << 15, /* the search works on block means: its cost is bounded for any length */
  NUM_CANDIDATES = 128,
};

/* Starts tried, dense at the beginning; a quarter of the series always remains, as g of a shorter rest means little. */
static PetscInt64 Candidate(PetscInt64 num_blocks, int i)
{
  const double fraction = (double)i / NUM_CANDIDATES;

  return (PetscInt64)(0.75 * fraction * fraction * (double)num_blocks);
}

static PetscErrorCode BestStart(PetscInt64 num_blocks, const double means[], PetscInt64 *start)
{
  PetscInt64 last = -1;
  double     best = 0.0;

  PetscFunctionBeginUser;
  *start = 0;
  for (int i = 0; i <= NUM_CANDIDATES; ++i) {
    const PetscInt64 candidate = Candidate(num_blocks, i);
    double           g, independent;

    if (candidate == last) continue;
    last = candidate;
    PetscCall(TpStatisticalInefficiency(num_blocks - candidate, &means[candidate], &g));
    independent = (double)(num_blocks - candidate) / g;
    if (independent > best) {
      best   = independent;
      *start = candidate;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEquilibration(PetscInt64 n, const double x[], PetscInt64 *start, double *g)
{
  const PetscInt64 block      = (n + MAX_BLOCKS - 1) / MAX_BLOCKS;
  const PetscInt64 num_blocks = block ? n / block : 0;
  double          *means;

  PetscFunctionBeginUser;
  PetscCheck(n >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "A series of %lld values", (long long)n);
  PetscCall(PetscCalloc1(num_blocks, &means));
  for (PetscInt64 i = 0; i < num_blocks; ++i) {
    for (PetscInt64 k = 0; k < block; ++k) means[i] += x[i * block + k] / (double)block;
  }
  PetscCall(BestStart(num_blocks, means, start));
  PetscCall(PetscFree(means));
  *start *= block;
  PetscCall(TpStatisticalInefficiency(n - *start, &x[*start], g));
  PetscFunctionReturn(PETSC_SUCCESS);
}
