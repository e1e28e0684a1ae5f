/* Whether the population was at rest when it left the highest temperature: each member's energy early and late in the rounds there. */
#include "anneal-impl.h"

#include <math.h>

/* A population at rest is called moving so often. */
static const double false_alarm = 0.01;

/* Of n rounds, (n/4, n/2] and (3n/4, n]: what still relaxes differs between them. One round has nothing to compare. */
static void Rounds(PetscInt64 n, PetscInt64 begin[TP_ANNEAL_HALVES], PetscInt64 end[TP_ANNEAL_HALVES])
{
  begin[0] = n / 4;
  end[0]   = n / 2;
  begin[1] = 3 * n / 4;
  end[1]   = n;
}

void TpAnnealAddTop(TpAnneal anneal)
{
  const PetscInt64 n     = anneal->run->settings.anneal.top_rounds;
  TpState         *state = TpReplicaState(anneal->replica);
  PetscInt64       begin[TP_ANNEAL_HALVES], end[TP_ANNEAL_HALVES];

  Rounds(n, begin, end);
  for (int half = 0; half < TP_ANNEAL_HALVES && n > 1; ++half) {
    if (anneal->sweep <= begin[half] || anneal->sweep > end[half]) continue;
    for (PetscInt i = 0; i < anneal->count; ++i) {
      TpStateUnpack(anneal->packed + (size_t)i * anneal->width, state);
      anneal->top_energy[i * TP_ANNEAL_HALVES + half] += state->energy / (double)(end[half] - begin[half]);
    }
  }
}

/* Mean over the population and its standard error; members are independent of each other before the first of them is copied. */
static void MeanAndError(PetscInt n, const double x[], double *mean, double *error)
{
  double squares = 0.0;

  *mean = 0.0;
  for (PetscInt i = 0; i < n; ++i) *mean += x[i] / n;
  for (PetscInt i = 0; i < n; ++i) squares += (x[i] - *mean) * (x[i] - *mean);
  *error = sqrt(squares / (n - 1) / n);
}

/* The whole population's, of one half or (half 2) the late one less the early one; each place is one rank's, so the sum is exact. */
static PetscErrorCode Gather(TpAnneal anneal, int half, double x[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(x, anneal->population));
  for (PetscInt i = 0; i < anneal->count; ++i) {
    const double *energy = anneal->top_energy + i * TP_ANNEAL_HALVES;

    x[anneal->first + i] = half < TP_ANNEAL_HALVES ? energy[half] : energy[1] - energy[0];
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, x, anneal->population, MPI_DOUBLE, MPI_SUM, anneal->run->groups->world, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Tell(TpAnneal anneal)
{
  const TpAnnealTop *top = &anneal->top;
  PetscInt64         begin[TP_ANNEAL_HALVES], end[TP_ANNEAL_HALVES];
  const PetscBool    moves = top->p < false_alarm ? PETSC_TRUE : PETSC_FALSE;

  Rounds(anneal->run->settings.anneal.top_rounds, begin, end);
  TpLog(moves ? TP_LOG_WARNING : TP_LOG_PRODUCTION,
        "at the highest temperature U is %.8g in rounds %lld to %lld, %.8g in rounds %lld to %lld; the difference is "
        "%.1f standard errors%s",
        top->energy[0], (long long)begin[0] + 1, (long long)end[0], top->energy[1], (long long)begin[1] + 1,
        (long long)end[1], fabs(top->difference) / top->error,
        moves ? ": the population was not at rest, and no error bar tells of that; a larger anneal.top_rounds" : "");
}

PetscErrorCode TpAnnealLeaveTop(TpAnneal anneal)
{
  TpAnnealTop *top = &anneal->top;
  double      *x, ignored;

  PetscFunctionBeginUser;
  if (anneal->run->settings.anneal.top_rounds < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(anneal->population, &x));
  for (int half = 0; half < TP_ANNEAL_HALVES; ++half) {
    PetscCall(Gather(anneal, half, x));
    MeanAndError(anneal->population, x, &top->energy[half], &ignored);
  }
  PetscCall(Gather(anneal, TP_ANNEAL_HALVES, x));
  MeanAndError(anneal->population, x, &top->difference, &top->error);
  top->p = top->difference == 0.0 ? 1.0 : TpNormalTail(top->difference / top->error);
  PetscCall(PetscFree(x));
  if (anneal->run->is_writer) Tell(anneal);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- files */

PetscErrorCode TpAnnealWriteTop(TpAnneal anneal, TpFile file)
{
  const TpAnnealTop *top      = &anneal->top;
  const PetscInt64   length   = TP_ANNEAL_TOP_NUMBERS;
  const double       number[] = {top->energy[0], top->energy[1], top->difference, top->error, top->p};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteAll(file, "/top", TP_FILE_DOUBLE, 1, &length, number, "",
                           "mean energy at the highest temperature in the second and in the last quarter of its "
                           "rounds; difference, its standard error, probability of so large a one by chance"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealReadTop(TpAnneal anneal, TpFile file)
{
  const PetscInt64 length = TP_ANNEAL_TOP_NUMBERS;
  double           number[TP_ANNEAL_TOP_NUMBERS];

  PetscFunctionBeginUser;
  PetscCall(TpFileReadAll(file, "/top", TP_FILE_DOUBLE, 1, &length, number));
  anneal->top =
      (TpAnnealTop){.energy = {number[0], number[1]}, .difference = number[2], .error = number[3], .p = number[4]};
  PetscFunctionReturn(PETSC_SUCCESS);
}
