/* The probability flow: its right-hand side, its integrator, and batches of samples that take the same steps. */
#include "sampler-impl.h"

#include <math.h>

enum {
  MAX_STEPS = 10000,
  /* Vectors are a multiple of this, so that no row's arithmetic is that of a vector's last few numbers: a row has the same bits in any batch. */
  VECTOR_MULTIPLE = 64,
};

struct TpFlow_ {
  TpSchedule        schedule; /* kept, the caller's */
  PetscInt          num_inputs;
  double            start;
  double            tolerance;
  TS                runner; /* takes the steps chosen */
  Vec               x;
  PetscInt          num_steps;
  PetscReal        *times; /* [MAX_STEPS + 1] at which steps begin and end, from 0 */
  const TpDenoiser *denoiser;
  const TpNumber   *c;
  PetscInt          B;
  PetscInt          evaluations;
  TpNumber         *inputs; /* [rows, num_inputs], rows = max(max_batch, TP_FLOW_CHOOSERS) */
  TpNumber         *eps;    /* [rows, num_inputs] */
  TpNumber         *t;      /* [rows] */
};

/* ------------------------------------------------------------------------------------------------------ right-hand side */

double TpFlowEnd(TpSchedule schedule)
{
  return acos(sqrt(schedule->abar[TpSamplerStart(schedule)]));
}

TpFlowPoint TpFlowAt(TpSchedule schedule, double phi)
{
  const double first = acos(sqrt(schedule->abar[1]));
  TpFlowPoint  point = {.sine = sin(phi), .cosine = cos(phi), .shrink = 1, .gain = 1};

  if (phi < first) {
    point.time   = (TpNumber)(1.0 / (double)schedule->num_times);
    point.shrink = cos(first) / point.cosine;
    point.gain   = tan(phi) / tan(first);
  } else
    point.time = (TpNumber)TpScheduleTime(schedule, PetscSqr(point.cosine));
  return point;
}

/* Time goes forwards for TS, phi = start - time backwards: d x / d time = -d x / d phi. */
static PetscErrorCode Velocity(TS ts, PetscReal time, Vec x, Vec v, void *context)
{
  TpFlow             flow  = context;
  const PetscInt     count = flow->B * flow->num_inputs;
  const TpFlowPoint  point = TpFlowAt(flow->schedule, PetscMax(0, flow->start - time));
  const PetscScalar *from;
  PetscScalar       *to;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(x, &from));
  for (PetscInt i = 0; i < count; i++) flow->inputs[i] = (TpNumber)(point.shrink * from[i]);
  for (PetscInt i = 0; i < flow->B; i++) flow->t[i] = point.time;
  PetscCall(flow->denoiser->predict(flow->denoiser->context, flow->B, flow->inputs, flow->t, flow->c, flow->eps));
  PetscCall(VecZeroEntries(v));
  PetscCall(VecGetArray(v, &to));
  for (PetscInt i = 0; i < count; i++)
    to[i] = (point.sine * from[i] - point.gain * (double)flow->eps[i]) / point.cosine;
  PetscCall(VecRestoreArray(v, &to));
  PetscCall(VecRestoreArrayRead(x, &from));
  ++flow->evaluations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- integrator */

PetscErrorCode TpFlowIntegrator(double length, double tolerance, TS *ts)
{
  PetscFunctionBeginUser;
  PetscCall(TSCreate(PETSC_COMM_SELF, ts));
  PetscCall(TSSetType(*ts, TSRK));
  PetscCall(TSRKSetType(*ts, TSRK5DP));
  PetscCall(TSSetMaxTime(*ts, length));
  PetscCall(TSSetMaxSteps(*ts, MAX_STEPS));
  PetscCall(TSSetMaxStepRejections(*ts, -1));
  PetscCall(TSSetExactFinalTime(*ts, TS_EXACTFINALTIME_MATCHSTEP));
  PetscCall(TSSetTolerances(*ts, tolerance, NULL, tolerance, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFlowSolve(TS ts, double step, Vec x)
{
  TSConvergedReason reason;

  PetscFunctionBeginUser;
  PetscCall(TSSetTime(ts, 0));
  PetscCall(TSSetStepNumber(ts, 0));
  PetscCall(TSSetTimeStep(ts, step));
  PetscCall(TSRestartStep(ts));
  PetscCall(TSSolve(ts, x));
  PetscCall(TSGetConvergedReason(ts, &reason));
  if (reason != TS_CONVERGED_TIME)
    PetscFunctionReturn(TpStopError("the probability flow can't be integrated in %d steps; a larger --tolerance, or "
                                    "another sampler, may do",
                                    (int)MAX_STEPS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- batches */

/* The vector is as long as all rows; what is behind the B rows of a batch stays 0. */
PetscErrorCode TpFlowCreate(TpSchedule schedule, PetscInt num_inputs, PetscInt max_batch, double tolerance,
                            TpFlow *flow)
{
  const PetscInt rows = PetscMax(max_batch, TP_FLOW_CHOOSERS), count = max_batch * num_inputs;
  const PetscInt length = (count + VECTOR_MULTIPLE - 1) / VECTOR_MULTIPLE * VECTOR_MULTIPLE;
  TSAdapt        adapt;
  TpFlow         f;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  f->schedule   = schedule;
  f->num_inputs = num_inputs;
  f->start      = TpFlowEnd(schedule);
  f->tolerance  = tolerance;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, length, &f->x));
  PetscCall(
      PetscMalloc4(MAX_STEPS + 1, &f->times, rows * num_inputs, &f->inputs, rows * num_inputs, &f->eps, rows, &f->t));
  PetscCall(TpFlowIntegrator(f->start, tolerance, &f->runner));
  PetscCall(TSSetRHSFunction(f->runner, NULL, Velocity, f));
  PetscCall(TSGetAdapt(f->runner, &adapt));
  PetscCall(TSAdaptSetType(adapt, TSADAPTHISTORY));
  *flow = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFlowDestroy(TpFlow *flow)
{
  PetscFunctionBeginUser;
  if (!*flow) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TSDestroy(&(*flow)->runner));
  PetscCall(VecDestroy(&(*flow)->x));
  PetscCall(PetscFree4((*flow)->times, (*flow)->inputs, (*flow)->eps, (*flow)->t));
  PetscCall(PetscFree(*flow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Remember(TS ts, PetscInt step, PetscReal time, Vec x, void *context)
{
  TpFlow flow = context;

  PetscFunctionBeginUser;
  flow->num_steps   = step;
  flow->times[step] = time;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(TpFlow flow, const TpDenoiser *denoiser, PetscInt B, const TpNumber c[], const TpNumber x[],
                           Vec to)
{
  PetscScalar *numbers;

  PetscFunctionBeginUser;
  flow->denoiser    = denoiser;
  flow->c           = c;
  flow->B           = B;
  flow->evaluations = 0;
  PetscCall(VecZeroEntries(to));
  PetscCall(VecGetArray(to, &numbers));
  for (PetscInt i = 0; i < B * flow->num_inputs; i++) numbers[i] = x[i];
  PetscCall(VecRestoreArray(to, &numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error's norm is over a whole vector: one of B rows and no more. */
PetscErrorCode TpFlowChoose(TpFlow flow, const TpDenoiser *denoiser, PetscInt B, const TpNumber c[], const TpNumber x[])
{
  TSAdapt adapt;
  TS      ts;
  Vec     rows;

  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, B * flow->num_inputs, &rows));
  PetscCall(Load(flow, denoiser, B, c, x, rows));
  PetscCall(TpFlowIntegrator(flow->start, flow->tolerance, &ts));
  PetscCall(TSSetRHSFunction(ts, NULL, Velocity, flow));
  PetscCall(TSMonitorSet(ts, Remember, flow, NULL));
  PetscCall(TpFlowSolve(ts, 1e-3, rows));
  PetscCall(TSDestroy(&ts));
  PetscCall(VecDestroy(&rows));
  PetscCall(TSGetAdapt(flow->runner, &adapt));
  PetscCall(TSAdaptHistorySetHistory(adapt, flow->num_steps + 1, flow->times, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFlowRun(TpFlow flow, const TpDenoiser *denoiser, PetscInt B, const TpNumber c[], TpNumber x[])
{
  const PetscScalar *numbers;

  PetscFunctionBeginUser;
  PetscCheck(flow->num_steps > 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "TpSamplerPrepare() comes before TpSamplerRun()");
  PetscCall(Load(flow, denoiser, B, c, x, flow->x));
  PetscCall(TpFlowSolve(flow->runner, flow->times[1], flow->x));
  PetscCall(VecGetArrayRead(flow->x, &numbers));
  for (PetscInt i = 0; i < B * flow->num_inputs; i++) x[i] = (TpNumber)numbers[i];
  PetscCall(VecRestoreArrayRead(flow->x, &numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpFlowEvaluations(TpFlow flow)
{
  return flow->evaluations;
}
