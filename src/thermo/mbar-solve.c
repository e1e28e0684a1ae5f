/* Solving MBAR: TAO minimises on rank 0, all ranks evaluate. */
#include "mbar-impl.h"

#include <math.h>
#include <petscblaslapack.h>
#include <petsctao.h>

static const double tolerance = 1e-10; /* of the gradient per sample */

/* One rank decides, so that no difference in the last bits can make ranks go different ways. */
typedef struct {
  TpMbar    mbar;
  double   *request; /* [1 + num_sampled]: whether to go on, and where to evaluate */
  double   *f;       /* [num_sampled], of the last evaluation */
  PetscBool failed;  /* an evaluation failed, on all ranks alike */
} Problem;

static PetscErrorCode Evaluate(Problem *problem)
{
  const PetscInt num = problem->mbar->num_sampled;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(problem->f, &problem->request[1], num));
  code            = TpMbarEvaluate(problem->mbar, problem->f);
  problem->failed = (PetscBool)(code != 0);
  PetscFunctionReturn(code);
}

/* Rank 0: evaluate at f unless that is where the last evaluation was. */
static PetscErrorCode RequestAt(Problem *problem, const double f[])
{
  const PetscInt num = problem->mbar->num_sampled;
  PetscBool      same;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycmp(f, problem->f, num, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  problem->request[0] = 1.0;
  PetscCall(PetscArraycpy(&problem->request[1], f, num));
  PetscCall(TpMbarBroadcast(problem->mbar, num + 1, problem->request));
  PetscCall(Evaluate(problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The other ranks: evaluate where rank 0 says until it says stop. */
static PetscErrorCode Serve(Problem *problem)
{
  const PetscInt length = problem->mbar->num_sampled + 1;

  PetscFunctionBeginUser;
  for (;;) {
    PetscCall(TpMbarBroadcast(problem->mbar, length, problem->request));
    if (problem->request[0] == 0.0) break;
    PetscCall(Evaluate(problem));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* f of the first sampled state stays 0: the unknowns are the others. */
static PetscErrorCode ReadUnknowns(Problem *problem, Vec x, double f[])
{
  const PetscScalar *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(x, &values));
  f[0] = 0.0;
  PetscCall(PetscArraycpy(&f[1], values, problem->mbar->num_sampled - 1));
  PetscCall(VecRestoreArrayRead(x, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EvaluateAt(Problem *problem, Vec x)
{
  double *f;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(problem->mbar->num_sampled, &f));
  PetscCall(ReadUnknowns(problem, x, f));
  PetscCall(RequestAt(problem, f));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveAndGradient(Tao tao, Vec x, PetscReal *value, Vec gradient, void *context)
{
  Problem     *problem = context;
  const TpMbar mbar    = problem->mbar;
  PetscScalar *values;

  PetscFunctionBeginUser;
  PetscCall(EvaluateAt(problem, x));
  *value = mbar->value;
  PetscCall(VecGetArrayWrite(gradient, &values));
  for (PetscInt i = 1; i < mbar->num_sampled; ++i) values[i - 1] = mbar->gradient[i] / mbar->sum_size;
  PetscCall(VecRestoreArrayWrite(gradient, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FillHessian(TpMbar mbar, double values[])
{
  const PetscInt num = mbar->num_sampled - 1;

  for (PetscInt j = 0; j < num; ++j) {
    for (PetscInt i = 0; i < num; ++i) values[j * num + i] = TpMbarHessian(mbar, i + 1, j + 1);
  }
}

static PetscErrorCode Hessian(Tao tao, Vec x, Mat hessian, Mat preconditioner, void *context)
{
  Problem     *problem = context;
  PetscScalar *values;

  PetscFunctionBeginUser;
  PetscCall(EvaluateAt(problem, x));
  PetscCall(MatDenseGetArrayWrite(hessian, &values));
  FillHessian(problem->mbar, values);
  PetscCall(MatDenseRestoreArrayWrite(hessian, &values));
  PetscCall(MatAssemblyBegin(hessian, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(hessian, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Newton steps nearly always fit as they are: TAO's trials for a first trust radius would each cost a pass over the samples. */
static PetscErrorCode SetDefaults(Tao tao)
{
  PetscBool given;
  KSP       ksp;
  PC        pc;

  PetscFunctionBeginUser;
  PetscCall(TaoSetOptionsPrefix(tao, "mbar_"));
  PetscCall(PetscOptionsHasName(NULL, "mbar_", "-tao_bnk_init_type", &given));
  if (!given) PetscCall(PetscOptionsSetValue(NULL, "-mbar_tao_bnk_init_type", "constant"));
  PetscCall(TaoSetType(tao, TAOBNLS));
  PetscCall(TaoSetTolerances(tao, tolerance, 0.0, 0.0));
  PetscCall(TaoSetMaximumIterations(tao, 200));
  PetscCall(TaoGetKSP(tao, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(ksp, 1e-10, 0.0, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(TaoSetFromOptions(tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunTao(Problem *problem, double f[])
{
  const PetscInt num = problem->mbar->num_sampled - 1;
  Tao            tao;
  Vec            x;
  Mat            hessian;

  PetscFunctionBeginUser;
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, num, &f[1], &x));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, num, num, NULL, &hessian));
  PetscCall(TaoCreate(PETSC_COMM_SELF, &tao));
  PetscCall(SetDefaults(tao));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, ObjectiveAndGradient, problem));
  PetscCall(TaoSetHessian(tao, hessian, hessian, Hessian, problem));
  PetscCall(TaoSetSolution(tao, x));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoDestroy(&tao));
  PetscCall(MatDestroy(&hessian));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -H^-1 g at the last evaluation [num_sampled], 0 first; `found` is false where H has no Cholesky factors. */
static PetscErrorCode NewtonStep(TpMbar mbar, double step[], PetscBool *found)
{
  const PetscInt num = mbar->num_sampled - 1;
  PetscBLASInt   order, info = 0, one = 1;
  double        *hessian;

  PetscFunctionBeginUser;
  PetscCall(PetscBLASIntCast(num, &order));
  PetscCall(PetscMalloc1(num * num, &hessian));
  FillHessian(mbar, hessian);
  step[0] = 0.0;
  for (PetscInt i = 0; i < num; ++i) step[i + 1] = -mbar->gradient[i + 1] / mbar->sum_size;
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("U", &order, hessian, &order, &info));
  if (!info) PetscCallBLAS("LAPACKpotrs", LAPACKpotrs_("U", &order, &one, hessian, &order, &step[1], &order, &info));
  *found = (PetscBool)(info == 0);
  PetscCall(PetscFree(hessian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double LargestGradient(TpMbar mbar)
{
  double largest = 0.0;

  for (PetscInt i = 0; i < mbar->num_sampled; ++i) largest = PetscMax(largest, fabs(mbar->gradient[i]));
  return largest / mbar->sum_size;
}

/*
  TAO compares values of the objective, whose digits end where f is good to about 1e-8. The gradient knows more: take Newton's steps while they are
  not small and make it smaller. The last one, below 1e-9, is not evaluated here: its result differs from it by its square.
*/
static PetscErrorCode Polish(Problem *problem, double f[])
{
  enum { MAX_STEPS = 8 };
  const PetscInt num = problem->mbar->num_sampled;
  double        *step, *trial;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(num, &step, num, &trial));
  PetscCall(RequestAt(problem, f));
  for (int i = 0; i < MAX_STEPS; ++i) {
    const double before = LargestGradient(problem->mbar);
    double       length = 0.0;
    PetscBool    found  = PETSC_FALSE;

    PetscCall(NewtonStep(problem->mbar, step, &found));
    if (!found) break;
    for (PetscInt k = 0; k < num; ++k) {
      trial[k] = f[k] + step[k];
      length   = PetscMax(length, fabs(step[k]));
    }
    if (length > 1e-9) {
      PetscCall(RequestAt(problem, trial));
      if (!(LargestGradient(problem->mbar) < before)) break;
    }
    PetscCall(PetscArraycpy(f, trial, num));
    if (length <= 1e-9) break;
  }
  PetscCall(PetscFree2(step, trial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Lead(Problem *problem, double f[])
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  code = RunTao(problem, f);
  if (!code) code = Polish(problem, f);
  if (problem->failed) PetscFunctionReturn(code);
  problem->request[0] = 0.0;
  PetscCall(TpMbarBroadcast(problem->mbar, problem->mbar->num_sampled + 1, problem->request));
  PetscFunctionReturn(code);
}

/* States without samples: f_k = -ln sum_n w_n exp(-u_kn - c_n), in the exponent's own scale. */
static PetscErrorCode SumUnsampled(TpMbar mbar, PetscInt state, double largest[1], double sum[1])
{
  const PetscBool find_largest = (PetscBool)(sum == NULL);

  PetscFunctionBeginUser;
  for (PetscInt64 first = 0; first < mbar->num_local; first += TP_MBAR_BLOCK) {
    const PetscInt count = TpMbarBlockCount(first, mbar->num_local);
    double         x[TP_MBAR_BLOCK], root_weight[TP_MBAR_BLOCK];

    PetscCall(TpMbarBlockEnergies(mbar, first, count, 1, &state, x));
    for (PetscInt n = 0; n < count; ++n) x[n] = -x[n] - mbar->log_mixture[first + n];
    if (find_largest) {
      for (PetscInt n = 0; n < count; ++n) *largest = PetscMax(*largest, x[n]);
      continue;
    }
    TpMbarBlockRootWeights(mbar, first, count, root_weight);
    for (PetscInt n = 0; n < count; ++n) *sum += root_weight[n] * root_weight[n] * exp(x[n] - *largest);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUnsampled(TpMbar mbar, PetscInt state)
{
  double         largest = -PETSC_MAX_REAL, sum = 0.0;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  code = SumUnsampled(mbar, state, &largest, NULL);
  PetscCall(TpMbarAgree(mbar, code));
  PetscCall(TpMbarMaximum(mbar, &largest));
  code = SumUnsampled(mbar, state, &largest, &sum);
  PetscCall(TpMbarSum(mbar, code, 1, &sum));
  mbar->f[state] = -(largest + log(sum));
  TpCheckInput(isfinite(mbar->f[state]), "MBAR: no sample is possible in rung %d, which has none of its own",
               (int)state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMbarMinimize(TpMbar mbar, double f[])
{
  const PetscInt num     = mbar->num_sampled;
  Problem        problem = {.mbar = mbar};
  PetscErrorCode code    = PETSC_SUCCESS;
  int            rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(mbar->comm, &rank));
  PetscCall(PetscMalloc2(num, &problem.f, num + 1, &problem.request));
  for (PetscInt i = 0; i < num; ++i) problem.f[i] = (double)NAN; /* equal to nothing */
  if (num > 1) {
    code = rank == 0 ? Lead(&problem, f) : Serve(&problem);
  }
  PetscCall(PetscFree2(problem.f, problem.request));
  PetscCall(TpMbarAgree(mbar, code));
  PetscCall(TpMbarBroadcast(mbar, num, f));
  PetscCall(TpMbarEvaluate(mbar, f));
  for (PetscInt i = 0; i < num; ++i) mbar->f[mbar->sampled[i]] = f[i];
  for (PetscInt k = 0; k < mbar->num_states; ++k) {
    if (mbar->size[k] == 0.0) PetscCall(SetUnsampled(mbar, k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
