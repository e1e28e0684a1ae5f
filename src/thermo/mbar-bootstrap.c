/* Errors of anything derived from MBAR, by resampling blocks of each state's series. */
#include "mbar-impl.h"

#include <math.h>

/* The statistic sees an ordinary TpMbar whose samples count as often as they were drawn; this is put back in the end. */
typedef struct {
  double *multiplicity; /* [num_local + 1] */
  double *f;            /* [num_states] */
  double *trial;        /* [num_sampled] */
  double *value;        /* [num] */
} Work;

/* Block length that holds most of the correlation: a fifth of it is lost at the ends. */
static PetscInt64 BlockLength(TpMbar mbar, PetscInt state)
{
  if (mbar->block) return mbar->block;
  const double length = mbar->g[state] > 1.0 ? ceil(5.0 * mbar->g[state]) : 1.0;

  return PetscMax((PetscInt64)PetscMin(length, (double)mbar->total[state] / 4.0), 1);
}

PetscErrorCode TpMbarSetBlocks(TpMbar mbar, PetscInt64 length)
{
  PetscFunctionBeginUser;
  PetscCheck(length >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "blocks of %lld samples", (long long)length);
  for (PetscInt k = 1; k < mbar->num_states; ++k)
    PetscCheck(mbar->total[k] == mbar->total[0], PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
               "blocks over all states, of which state %d has another number of samples", (int)k);
  mbar->block = PetscMax(PetscMin(length, mbar->total[0] / 4), 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Add 1 to samples begin .. end - 1 of the whole series, where they lie on this rank; as steps up and down. */
static void Cover(TpMbar mbar, PetscInt state, PetscInt64 begin, PetscInt64 end, double steps[])
{
  const PetscInt64 low   = mbar->before[state];
  const PetscInt64 high  = low + mbar->first[state + 1] - mbar->first[state];
  const PetscInt64 from  = PetscMax(begin, low);
  const PetscInt64 until = PetscMin(end, high);

  if (from >= until) return;
  steps[from - low] += 1.0;
  if (until < high) steps[until - low] -= 1.0;
}

/* How often each sample of a state is drawn. Every rank makes all draws and keeps its own samples'. */
static PetscErrorCode Draw(TpMbar mbar, uint64_t seed, PetscInt replicate, PetscInt state, double multiplicity[])
{
  const PetscInt64 total  = mbar->total[state];
  const PetscInt64 length = BlockLength(mbar, state);
  const PetscInt64 local  = mbar->first[state + 1] - mbar->first[state];
  PetscInt         draws;
  double          *uniform;

  PetscFunctionBeginUser;
  PetscCall(PetscIntCast((total + length - 1) / length, &draws));
  PetscCall(PetscMalloc1(draws, &uniform));
  TpRandomUniform(seed, TP_RANDOM_BOOTSTRAP, (uint32_t)replicate, mbar->block ? 0 : (uint64_t)state, draws, uniform);
  PetscCall(PetscArrayzero(multiplicity, local));
  for (PetscInt i = 0; i < draws; ++i) {
    const PetscInt64 begin = PetscMin((PetscInt64)(uniform[i] * (double)total), total - 1);
    const PetscInt64 end   = begin + PetscMin(length, total - i * length); /* the last block fills up to `total` */

    Cover(mbar, state, begin, PetscMin(end, total), multiplicity);
    if (end > total) Cover(mbar, state, 0, end - total, multiplicity);
  }
  for (PetscInt64 n = 1; n < local; ++n) multiplicity[n] += multiplicity[n - 1];
  PetscCall(PetscFree(uniform));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveReplicate(TpMbar mbar, uint64_t seed, PetscInt replicate, Work *work)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < mbar->num_states; ++k)
    PetscCall(Draw(mbar, seed, replicate, k, &work->multiplicity[mbar->first[k]]));
  mbar->multiplicity = work->multiplicity;
  for (PetscInt i = 0; i < mbar->num_sampled; ++i)
    work->trial[i] = work->f[mbar->sampled[i]] - work->f[mbar->sampled[0]];
  PetscCall(TpMbarMinimize(mbar, work->trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and sum of squared deviations, one replicate after the other (Welford): no digits are lost to a large mean. */
static PetscErrorCode Replicates(TpMbar mbar, uint64_t seed, PetscInt replicates, PetscInt num,
                                 TpMbarStatistic statistic, void *context, double mean[], double square[], Work *work)
{
  PetscFunctionBeginUser;
  for (PetscInt replicate = 0; replicate < replicates; ++replicate) {
    PetscCall(SolveReplicate(mbar, seed, replicate, work));
    PetscCall((*statistic)(mbar, context, work->value));
    for (PetscInt i = 0; i < num; ++i) {
      const double difference = work->value[i] - mean[i];

      mean[i] += difference / (double)(replicate + 1);
      square[i] += difference * (work->value[i] - mean[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution of all samples again. */
static PetscErrorCode Restore(TpMbar mbar, Work *work)
{
  PetscFunctionBeginUser;
  mbar->multiplicity = NULL;
  PetscCall(PetscArraycpy(mbar->f, work->f, mbar->num_states));
  for (PetscInt i = 0; i < mbar->num_sampled; ++i) work->trial[i] = mbar->f[mbar->sampled[i]];
  PetscCall(TpMbarEvaluate(mbar, work->trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarBootstrap(TpMbar mbar, uint64_t seed, PetscInt replicates, PetscInt num, TpMbarStatistic statistic,
                               void *context, double mean[], double error[])
{
  PetscErrorCode code, restored;
  Work           work;

  PetscFunctionBeginUser;
  PetscCheck(mbar->propagator, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpMbarSolve() comes first");
  TpCheckInput(replicates >= 2, "MBAR: %d bootstrap replicates; allowed: 2 or more", (int)replicates);
  PetscCall(PetscMalloc4(mbar->num_local, &work.multiplicity, mbar->num_states, &work.f, mbar->num_sampled, &work.trial,
                         num, &work.value));
  PetscCall(PetscArraycpy(work.f, mbar->f, mbar->num_states));
  PetscCall(PetscArrayzero(mean, num));
  PetscCall(PetscArrayzero(error, num));
  code     = Replicates(mbar, seed, replicates, num, statistic, context, mean, error, &work);
  restored = Restore(mbar, &work);
  for (PetscInt i = 0; i < num; ++i) error[i] = sqrt(error[i] / (double)(replicates - 1));
  PetscCall(PetscFree4(work.multiplicity, work.f, work.trial, work.value));
  PetscCall(restored);
  PetscFunctionReturn(code);
}
