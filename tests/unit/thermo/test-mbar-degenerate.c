/* MBAR on data that it can do little or nothing with: a warning or a refusal, never a quiet wrong number. */
#include "mbar-samples.h"
#include "test.h"

typedef struct {
  TpMbarResult result;
  double       f[8], error[8];
} Solution;

/* On several ranks the last one has all the samples, and alone sees what is wrong with them. */
static const PetscInt64 *Here(const PetscInt64 count[])
{
  static const PetscInt64 none[8] = {0};
  int                     rank, size;

  if (MPI_Comm_rank(PETSC_COMM_WORLD, &rank) || MPI_Comm_size(PETSC_COMM_WORLD, &size)) return NULL;
  return rank == size - 1 ? count : none;
}

static PetscErrorCode Solve(PetscInt num, const double temperature[], const PetscInt64 count[], const double energy[],
                            Solution *solution)
{
  PetscErrorCode code;
  TpMbar         mbar;

  PetscFunctionBeginUser;
  code = TpMbarCreateLadder(PETSC_COMM_WORLD, 1.0, num, temperature, Here(count), energy, NULL, &mbar);
  if (!code) code = TpMbarSolve(mbar, &solution->result);
  if (!code) {
    PetscCall(PetscArraycpy(solution->f, solution->result.f, num));
    PetscCall(PetscArraycpy(solution->error, solution->result.error, num));
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(code);
}

/* Rungs at 1 and 20 with 60 degrees of freedom share nothing. The message names the pair, also where it is not the first. */
static PetscErrorCode NoOverlap(void)
{
  const double gap[4] = {1.0, 1.2, 20.0, 24.0};
  Solution     solution;
  Oscillators  system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 30, 20.0, 500, &system));
  PetscCall(OscillatorsDraw(&system, 1));
  TpTestExpectInputError(Solve(2, system.temperature, system.count, system.energy, &solution), "rungs 0 and 1");
  PetscCall(OscillatorsDestroy(&system));

  PetscCall(OscillatorsCreate(4, 30, 1.2, 500, &system));
  PetscCall(PetscArraycpy(system.temperature, gap, 4));
  PetscCall(OscillatorsDraw(&system, 2));
  TpTestExpectInputError(Solve(4, system.temperature, system.count, system.energy, &solution),
                         "rungs 1 and 2 (temperatures 1.2 and 20) do not overlap");
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Less than one sample shared, but a Hessian that can be inverted: the error would be above 1, and asymptotic errors mean nothing there. */
static PetscErrorCode HardlyAnyOverlap(void)
{
  Solution    solution;
  Oscillators system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 30, 3.2, 100, &system));
  PetscCall(OscillatorsDraw(&system, 3));
  TpTestExpectInputError(Solve(2, system.temperature, system.count, system.energy, &solution), "do not overlap");
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Enough samples in the tails for an answer, overlap below 0.03 for a warning. Within 4 of its errors: false alarm 6e-5. */
static PetscErrorCode PoorOverlap(void)
{
  Solution    solution;
  Oscillators system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 30, 2.4, 5000, &system));
  PetscCall(OscillatorsDraw(&system, 4));
  PetscCall(Solve(2, system.temperature, system.count, system.energy, &solution));
  TpTestExpectEqual(solution.result.warnings, TP_MBAR_POOR_OVERLAP);
  TpTestExpect(solution.result.least_overlap < TP_MBAR_LEAST_OVERLAP && solution.result.least_overlap > 0.0);
  TpTestExpect(solution.result.second_eigenvalue > 0.9 && solution.result.second_eigenvalue < 1.0);
  TpTestExpectClose((solution.f[1] - OscillatorsFreeEnergy(&system, 1)) / solution.error[1], 0.0, 4.0);
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A ladder of four with `count` samples at rung 2: 0, 1 or few; its f is still right within its error (4: false alarm 6e-5 each). */
static PetscErrorCode ThinRung(PetscInt64 count, unsigned warnings)
{
  Solution    solution;
  Oscillators system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(4, 8, 1.15, 1000, &system));
  system.count[2] = count;
  PetscCall(OscillatorsDraw(&system, 5));
  PetscCall(Solve(4, system.temperature, system.count, system.energy, &solution));
  TpTestExpectEqual(solution.result.warnings, warnings);
  for (int k = 1; k < 4; ++k) {
    TpTestExpectClose((solution.f[k] - OscillatorsFreeEnergy(&system, k)) / solution.error[k], 0.0, 4.0);
    TpTestExpect(solution.error[k] > 0.0 && solution.error[k] < 0.1);
  }
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last rung is empty and so far away that nobody has seen its energies: its error bar is as blind, so there must be a warning. */
static PetscErrorCode FarEmptyRung(void)
{
  Solution    solution;
  Oscillators system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(3, 20, 1.2, 500, &system));
  system.temperature[2] = 4.0;
  system.count[2]       = 0;
  PetscCall(OscillatorsDraw(&system, 6));
  PetscCall(Solve(3, system.temperature, system.count, system.energy, &solution));
  TpTestExpectEqual(solution.result.warnings, TP_MBAR_EMPTY_STATE | TP_MBAR_EXTRAPOLATION);
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two rungs at one temperature: f is equal without error, and a warning. */
static PetscErrorCode IdenticalRungs(void)
{
  Solution    solution;
  Oscillators system;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(3, 8, 1.2, 300, &system));
  system.temperature[2] = system.temperature[1];
  PetscCall(OscillatorsDraw(&system, 7));
  PetscCall(Solve(3, system.temperature, system.count, system.energy, &solution));
  TpTestExpectEqual(solution.result.warnings, TP_MBAR_IDENTICAL);
  TpTestExpectClose(solution.f[2], solution.f[1], 1e-12);
  TpTestExpectClose(solution.error[2], solution.error[1], 1e-12);
  system.temperature[1] = system.temperature[0];
  system.temperature[2] = system.temperature[0];
  PetscCall(OscillatorsDraw(&system, 8));
  PetscCall(Solve(3, system.temperature, system.count, system.energy, &solution));
  TpTestExpectEqual(solution.result.warnings, TP_MBAR_IDENTICAL);
  for (int k = 0; k < 3; ++k) TpTestExpectClose(solution.f[k], 0.0, 1e-12);
  for (int k = 0; k < 3; ++k) TpTestExpectClose(solution.error[k], 0.0, 1e-8);
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rung alone reweights itself: plain averages. */
static PetscErrorCode OneRung(void)
{
  const double     temperature = 1.5;
  const PetscInt64 count       = 4;
  const double     energy[4]   = {1.0, 2.0, 4.0, 5.0};
  TpMbarResult     result;
  TpMbarPoint      point;
  TpMbar           mbar;

  PetscFunctionBeginUser;
  PetscCall(TpMbarCreateLadder(PETSC_COMM_WORLD, 1.0, 1, &temperature, Here(&count), energy, NULL, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  TpTestExpectEqual(result.warnings, TP_MBAR_FEW_SAMPLES | TP_MBAR_EXTRAPOLATION);
  PetscCall(TpMbarAtTemperatures(mbar, 1, &temperature, &point));
  TpTestExpectClose(point.free_energy, 0.0, 1e-15);
  TpTestExpectClose(point.free_energy_error, 0.0, 1e-15);
  TpTestExpectClose(point.energy, 3.0, 1e-14);
  TpTestExpectClose(point.energy_error, sqrt(2.5 / 4.0), 1e-14);
  TpTestExpectClose(point.heat_capacity, 2.5 / (1.5 * 1.5), 1e-14);
  TpTestExpectClose(point.effective, 4.0, 1e-13);
  TpTestExpectInputError(TpMbarAtTemperatures(mbar, 1, (const double[1]){-1.0}, &point), "temperature -1");
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefusedInput(void)
{
  const double     temperature[2] = {1.0, 2.0};
  const double     bad[2]         = {1.0, 0.0};
  const double     low_g[2]       = {1.0, 0.5};
  const PetscInt64 three[2] = {1, 2}, one[2] = {0, 1}, none[2] = {0, 0};
  const double     energy[3] = {1.0, 2.0, 3.0}, not_finite[3] = {1.0, 2.0, NAN};
  Solution         solution;
  TpMbar           mbar;

  PetscFunctionBeginUser;
  TpTestExpectInputError(Solve(2, bad, three, energy, &solution), "temperature of rung 1 is 0");
  TpTestExpectInputError(Solve(2, temperature, one, energy, &solution), "1 uncorrelated samples");
  TpTestExpectInputError(Solve(2, temperature, none, energy, &solution), "0 uncorrelated samples");
  TpTestExpectInputError(Solve(2, temperature, three, not_finite, &solution), "energy 1 of rung 1 is nan");
  TpTestExpectInputError(TpMbarCreateLadder(PETSC_COMM_WORLD, 1.0, 2, temperature, Here(three), energy, low_g, &mbar),
                         "inefficiency of rung 1 is 0.5");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NotANumber(void *context, PetscInt64 first, PetscInt count, double u[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 2 * count; ++i) u[i] = first + i == 5 ? (double)NAN : 0.1 * (double)i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NotANumberInATable(void)
{
  const PetscInt64 count[2] = {10, 10};
  TpMbarResult     result;
  TpMbar           mbar;

  PetscFunctionBeginUser;
  PetscCall(TpMbarCreateTable(PETSC_COMM_WORLD, 2, Here(count), NotANumber, NULL, NULL, &mbar));
  TpTestExpectInputError(TpMbarSolve(mbar, &result), "not a number");
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(NoOverlap());
  TpTestCall(HardlyAnyOverlap());
  TpTestCall(PoorOverlap());
  TpTestCall(ThinRung(0, TP_MBAR_EMPTY_STATE));
  TpTestCall(ThinRung(1, TP_MBAR_FEW_SAMPLES));
  TpTestCall(ThinRung(9, TP_MBAR_FEW_SAMPLES));
  TpTestCall(ThinRung(10, 0));
  TpTestCall(FarEmptyRung());
  TpTestCall(IdenticalRungs());
  TpTestCall(OneRung());
  TpTestCall(RefusedInput());
  TpTestCall(NotANumberInATable());
  return TpTestEnd();
}
