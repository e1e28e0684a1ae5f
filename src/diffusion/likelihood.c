/* Log densities along the probability flow. */
#include "flow-impl.h"

#include <math.h>

struct TpLikelihood_ {
  TpSchedule        schedule; /* kept, the caller's */
  PetscInt          num_inputs;
  PetscInt          num_probes; /* 0: exact */
  PetscInt          num_angles;
  PetscBool        *is_angle; /* [D] */
  double            end;      /* phi of noise */
  TS                ts;
  Vec               state; /* x [D], and the integral of the divergence: one number, or [num_probes] */
  const TpDenoiser *denoiser;
  const TpNumber   *c;                   /* [C] */
  PetscInt          rows;                /* allocated */
  TpNumber         *probes;              /* [num_probes, D] */
  TpNumber         *x, *eps, *deps, *dx; /* [rows, D] */
  TpNumber         *t, *conditions;      /* [rows], [rows, C] */
  double           *trace;               /* [number of divergences] */
};

static PetscInt NumDivergences(TpLikelihood likelihood)
{
  return PetscMax(1, likelihood->num_probes);
}

/* Unit vectors give the trace term by term, random ones estimate it. */
static void Vectors(TpLikelihood likelihood, PetscInt first, PetscInt B, TpNumber v[])
{
  const PetscInt D = likelihood->num_inputs;

  for (PetscInt i = 0; i < B; ++i)
    for (PetscInt j = 0; j < D; ++j)
      v[i * D + j] = likelihood->num_probes ? likelihood->probes[(first + i) * D + j] : (TpNumber)(first + i == j);
}

/* The denoiser's answer at this point into row 0 of eps, and the traces of its Jacobian, in batches that the denoiser takes. */
static PetscErrorCode Evaluate(TpLikelihood likelihood, const TpFlowPoint *point, const PetscScalar state[])
{
  const TpDenoiser *denoiser = likelihood->denoiser;
  const PetscInt    D = likelihood->num_inputs, C = denoiser->num_conditions;
  const PetscInt    count = likelihood->num_probes ? likelihood->num_probes : D;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(likelihood->trace, NumDivergences(likelihood)));
  for (PetscInt i = 0; i < likelihood->rows; ++i) {
    for (PetscInt j = 0; j < D; ++j) likelihood->x[i * D + j] = (TpNumber)(point->shrink * state[j]);
    for (PetscInt j = 0; j < C; ++j) likelihood->conditions[i * C + j] = likelihood->c[j];
    likelihood->t[i] = point->time;
  }
  for (PetscInt first = 0; first < count; first += likelihood->rows) {
    const PetscInt B = PetscMin(likelihood->rows, count - first);

    PetscCall(
        denoiser->predict(denoiser->context, B, likelihood->x, likelihood->t, likelihood->conditions, likelihood->eps));
    Vectors(likelihood, first, B, likelihood->deps);
    PetscCall(denoiser->reverse(denoiser->context, B, likelihood->deps, likelihood->dx));
    for (PetscInt i = 0; i < B; ++i) {
      double product = 0.0;

      for (PetscInt j = 0; j < D; ++j)
        product += (double)likelihood->deps[i * D + j] * (double)likelihood->dx[i * D + j];
      likelihood->trace[likelihood->num_probes ? first + i : 0] += product;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Velocity(TS ts, PetscReal phi, Vec state, Vec derivative, void *context)
{
  TpLikelihood       likelihood = context;
  const PetscInt     D          = likelihood->num_inputs;
  const TpFlowPoint  point      = TpFlowAt(likelihood->schedule, phi);
  const PetscScalar *from;
  PetscScalar       *to;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(state, &from));
  PetscCall(Evaluate(likelihood, &point, from));
  PetscCall(VecGetArray(derivative, &to));
  for (PetscInt i = 0; i < D; ++i)
    to[i] = (point.gain * (double)likelihood->eps[i] - point.sine * from[i]) / point.cosine;
  for (PetscInt k = 0; k < NumDivergences(likelihood); ++k)
    to[D + k] = (point.gain * point.shrink * likelihood->trace[k] - point.sine * D) / point.cosine;
  PetscCall(VecRestoreArray(derivative, &to));
  PetscCall(VecRestoreArrayRead(state, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLikelihoodCreate(TpSchedule schedule, PetscInt num_inputs, const PetscBool is_angle[],
                                  PetscInt num_probes, double tolerance, TpLikelihood *likelihood)
{
  TpLikelihood l;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&l));
  l->schedule   = schedule;
  l->num_inputs = num_inputs;
  l->num_probes = num_probes;
  l->end        = TpFlowEnd(schedule);
  PetscCall(PetscCalloc3(num_inputs, &l->is_angle, num_probes * num_inputs, &l->probes, NumDivergences(l), &l->trace));
  for (PetscInt i = 0; i < num_inputs && is_angle; ++i) {
    l->is_angle[i] = is_angle[i];
    l->num_angles += is_angle[i] ? 1 : 0;
  }
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, num_inputs + NumDivergences(l), &l->state));
  PetscCall(TpFlowIntegrator(l->end, tolerance, &l->ts));
  PetscCall(TSSetRHSFunction(l->ts, NULL, Velocity, l));
  *likelihood = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeRows(TpLikelihood l)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree6(l->x, l->eps, l->deps, l->dx, l->t, l->conditions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLikelihoodDestroy(TpLikelihood *likelihood)
{
  PetscFunctionBeginUser;
  if (!*likelihood) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FreeRows(*likelihood));
  PetscCall(PetscFree3((*likelihood)->is_angle, (*likelihood)->probes, (*likelihood)->trace));
  PetscCall(VecDestroy(&(*likelihood)->state));
  PetscCall(TSDestroy(&(*likelihood)->ts));
  PetscCall(PetscFree(*likelihood));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows for another denoiser than the last one. */
static PetscErrorCode Use(TpLikelihood l, const TpDenoiser *denoiser)
{
  const PetscInt D = l->num_inputs;

  PetscFunctionBeginUser;
  PetscCheck(denoiser->reverse && denoiser->num_inputs == D, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP,
             "a denoiser of %d inputs, %s derivative, for a likelihood of %d", (int)denoiser->num_inputs,
             denoiser->reverse ? "with" : "without", (int)D);
  if (l->denoiser == denoiser) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FreeRows(l));
  l->denoiser = denoiser;
  l->rows     = PetscMin(denoiser->max_batch, l->num_probes ? l->num_probes : D);
  PetscCall(PetscMalloc6(l->rows * D, &l->x, l->rows * D, &l->eps, l->rows * D, &l->deps, l->rows * D, &l->dx, l->rows,
                         &l->t, l->rows * denoiser->num_conditions + 1, &l->conditions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The log density of noise x; of the VP state of an angle, which is cos(phi) times it. */
static double LogPrior(TpLikelihood likelihood, const PetscScalar x[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < likelihood->num_inputs; ++i)
    sum -= likelihood->is_angle[i] ? log(2.0 * PETSC_PI * cos(likelihood->end))
                                   : 0.5 * (log(2.0 * PETSC_PI) + x[i] * x[i]);
  return sum;
}

static void DrawProbes(TpLikelihood likelihood, uint64_t seed, uint32_t sample)
{
  const PetscInt D = likelihood->num_inputs;

  for (PetscInt k = 0; k < likelihood->num_probes; ++k) {
    for (PetscInt j = 0; j < D; ++j) {
      const uint64_t bits = TpRandomBits(seed, TP_RANDOM_PROBE, sample, (uint64_t)(k * D + j));

      likelihood->probes[k * D + j] = bits >> 63 ? 1 : -1;
    }
  }
}

PetscErrorCode TpLikelihoodOf(TpLikelihood likelihood, const TpDenoiser *denoiser, uint64_t seed, uint32_t sample,
                              const TpNumber c[], const TpNumber x[], double *log_density, double *error)
{
  const PetscInt     D = likelihood->num_inputs, K = NumDivergences(likelihood);
  PetscScalar       *state;
  const PetscScalar *result;
  double             mean = 0.0, squares = 0.0;

  PetscFunctionBeginUser;
  PetscCall(Use(likelihood, denoiser));
  likelihood->c = c;
  DrawProbes(likelihood, seed, sample);
  PetscCall(VecGetArray(likelihood->state, &state));
  for (PetscInt i = 0; i < D; ++i) state[i] = x[i];
  for (PetscInt k = 0; k < K; ++k) state[D + k] = 0.0;
  PetscCall(VecRestoreArray(likelihood->state, &state));
  PetscCall(TpFlowSolve(likelihood->ts, 1e-3, likelihood->state));
  PetscCall(VecGetArrayRead(likelihood->state, &result));
  for (PetscInt k = 0; k < K; ++k) mean += result[D + k] / (double)K;
  for (PetscInt k = 0; k < K; ++k) squares += PetscSqr(result[D + k] - mean);
  *log_density = LogPrior(likelihood, result) + mean;
  *error       = K > 1 ? sqrt(squares / (double)K / (double)(K - 1)) : likelihood->num_probes ? NAN : 0.0;
  PetscCall(VecRestoreArrayRead(likelihood->state, &result));
  PetscFunctionReturn(PETSC_SUCCESS);
}
