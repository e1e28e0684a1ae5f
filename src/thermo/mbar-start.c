/* Where MBAR starts: free-energy differences of neighbours by the Bennett acceptance ratio, all pairs in the same passes over the samples. */
#include "mbar-impl.h"

#include <math.h>

enum { MAX_PASSES = 40 };

static const double close_enough = 0.01; /* Newton's method does the rest */

/*
  For one pair (i, j) with d = f_j - f_i: sum over the samples of both of w s(d - (u_j - u_i) + ln(N_j / N_i)) = N_j,
  s(x) = 1 / (1 + e^-x). The left side grows with d.
*/
typedef struct {
  double difference;
  double low, high; /* bracket; infinite at first */
  double step;      /* last one */
} Pair;

/* sums [2]: of w (u_j - u_i) and w if `pair` is NULL, else of w s(x) and its slope; over this rank's samples of `origin`. */
static PetscErrorCode SumState(TpMbar mbar, PetscInt origin, const PetscInt states[2], const Pair *pair, double sums[2])
{
  const double shift = log(mbar->size[states[1]] / mbar->size[states[0]]);

  PetscFunctionBeginUser;
  for (PetscInt64 first = mbar->first[origin]; first < mbar->first[origin + 1]; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->first[origin + 1]);
    double         u[2 * TP_MBAR_BLOCK], weight[TP_MBAR_BLOCK], x[TP_MBAR_BLOCK];

    PetscCall(TpMbarBlockEnergies(mbar, first, count, 2, states, u));
    TpMbarBlockRootWeights(mbar, first, count, weight);
    for (PetscInt n = 0; n < TP_MBAR_BLOCK; ++n) {
      weight[n] *= weight[n];
      x[n] = u[TP_MBAR_BLOCK + n] - u[n];
      if (pair) x[n] = pair->difference - x[n] + shift;
    }
    if (pair) {
      mbar->kernels->logistic(weight, x, sums);
      continue;
    }
    for (PetscInt n = 0; n < count; ++n) sums[0] += weight[n] * x[n];
    for (PetscInt n = 0; n < count; ++n) sums[1] += weight[n];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Half the sum of both states' means of u_j - u_i: exact if the energy's fluctuations are those of an ideal solid. sums [pairs, 4] */
static PetscErrorCode SumPairs(TpMbar mbar, const Pair *pair, double sums[])
{
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p + 1 < mbar->num_sampled; ++p) {
    const PetscInt states[2] = {mbar->sampled[p], mbar->sampled[p + 1]};

    for (int side = 0; side < 2; ++side)
      PetscCall(SumState(mbar, states[side], states, pair ? &pair[p] : NULL, &sums[4 * p + 2 * side]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of Newton's method, kept within what is known. Where states share nothing the excess is 0 in a whole range: then any value will do. */
static void Improve(Pair *pair, double excess, double slope)
{
  const double furthest = 20.0;
  double       next;

  pair->step = 0.0;
  if (excess == 0.0) return;
  if (excess > 0.0)
    pair->high = pair->difference;
  else
    pair->low = pair->difference;
  next = pair->difference - excess / slope;
  if (!(fabs(next - pair->difference) < furthest)) next = pair->difference - (excess > 0.0 ? furthest : -furthest);
  if (next < pair->low || next > pair->high) next = 0.5 * (pair->low + pair->high);
  pair->step       = fabs(next - pair->difference);
  pair->difference = next;
}

static PetscErrorCode Sums(TpMbar mbar, const Pair *pair, double sums[])
{
  const PetscInt length = 4 * (mbar->num_sampled - 1);
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sums, length));
  code = SumPairs(mbar, pair, sums);
  PetscCall(TpMbarSum(mbar, code, length, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarStart(TpMbar mbar, double f[])
{
  const PetscInt num_pairs = mbar->num_sampled - 1;
  double         largest   = PETSC_MAX_REAL;
  double        *sums;
  Pair          *pair;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(num_pairs, &pair, 4 * num_pairs, &sums));
  PetscCall(Sums(mbar, NULL, sums));
  for (PetscInt p = 0; p < num_pairs; ++p) {
    const double guess = 0.5 * (sums[4 * p] / sums[4 * p + 1] + sums[4 * p + 2] / sums[4 * p + 3]);

    pair[p] = (Pair){.difference = isfinite(guess) ? guess : 0.0, .low = -PETSC_MAX_REAL, .high = PETSC_MAX_REAL};
  }
  for (int pass = 0; pass < MAX_PASSES && largest > close_enough; ++pass) {
    PetscCall(Sums(mbar, pair, sums));
    largest = 0.0;
    for (PetscInt p = 0; p < num_pairs; ++p) {
      Improve(&pair[p], sums[4 * p] + sums[4 * p + 2] - mbar->size[mbar->sampled[p + 1]],
              sums[4 * p + 1] + sums[4 * p + 3]);
      largest = PetscMax(largest, pair[p].step);
    }
  }
  f[0] = 0.0;
  for (PetscInt p = 0; p < num_pairs; ++p) f[p + 1] = f[p] + pair[p].difference;
  PetscCall(PetscFree2(pair, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}
