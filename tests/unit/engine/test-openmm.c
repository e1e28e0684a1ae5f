/* Engine openmm: energies that came with the molecules, forces, starts, temperatures, and the same bits again. */
#include "openmm-bench.h"

/* -------------------------------------------------------------------------------------------------- energy and forces */

/* The energies were stated to three decimals for relaxed positions of full precision. A PDB file rounds to 1e-4 nm: each coordinate gets
   an error of variance 1e-8/12 nm^2, which raises a minimum by half that times the trace of the Hessian. A bond of stiffness 3e5 to 4e5
   kJ/mol/nm^2 adds twice its stiffness to the trace, so 3e-4 kJ/mol, angles and non-bonded neighbours as much again: some 6e-4 for each of
   9 and 58 heavy-atom bonds and their angles, 0.01 and 0.04 kJ/mol. Allowed is twice that, and the stated rounding. */
static PetscErrorCode TestEnergies(char *platform)
{
  TpEngineSettings settings[2] = {Dipeptide(platform), Peptide(platform)};
  const double     expected[2] = {-142.973, -216.287 + 18.4781};
  const double     allowed[2]  = {0.02, 0.08};
  const PetscInt   freedoms[2] = {3 * 22 - 12, 3 * 129 - 70}; /* bonds to hydrogen have fixed lengths */

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; ++i) {
    Bench  bench;
    double energy;

    PetscCall(Open(&settings[i], &bench));
    PetscCall(TpEngineEnergy(bench.engine, bench.info->topology->x, NULL, &energy, NULL));
    TpTestExpectClose(energy, expected[i], allowed[i]);
    TpTestExpectEqual(bench.info->degrees_of_freedom, freedoms[i]);
    TpTestExpectEqual(bench.info->has_box, 0);
    TpTestExpectEqual(bench.info->deterministic, 1);
    TpTestExpectText(bench.info->name, platform);
    PetscCall(Close(&bench));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestForces(void)
{
  const TpEngineSettings settings = Dipeptide("Reference");
  const double           step     = 1e-5;
  Bench                  bench;
  double                 forces[DIPEPTIDE], unused;

  PetscFunctionBeginUser;
  PetscCall(Open(&settings, &bench));
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 300.0, &bench.state));
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &unused, forces));
  TpTestExpectClose(bench.state.energy, unused, 1e-9);
  for (int i = 1; i < DIPEPTIDE; i += 8) {
    const double x = bench.state.x[i];
    double       energy[2];

    for (int side = 0; side < 2; ++side) {
      bench.state.x[i] = x + (side ? step : -step);
      PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy[side], NULL));
    }
    bench.state.x[i] = x;
    /* third derivatives of a bond are some 1e7: the differences are good to 1e7 step^2 / 6 */
    TpTestExpectClose(forces[i], -(energy[1] - energy[0]) / (2.0 * step), 1e-3 + 1e-5 * fabs(forces[i]));
  }
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- start */

/* The mean over n independent starts is known to T sqrt(2 / (N_f n)): 4 standard errors, a false alarm in 16000. */
static PetscErrorCode TestStart(void)
{
  const TpEngineSettings settings = Dipeptide("Reference");
  const int              count    = 400;
  double                 mean     = 0.0;
  Bench                  bench;

  PetscFunctionBeginUser;
  PetscCall(Open(&settings, &bench));
  for (int walker = 0; walker < count; ++walker) {
    PetscCall(TpEngineStart(bench.engine, SEED, walker, 350.0, &bench.state));
    mean += KineticTemperature(bench.info, bench.state.v) / count;
    if (walker % 100 == 0) ExpectConstraints(&bench);
    TpTestExpectEqual(bench.state.walker, walker);
  }
  TpTestExpectClose(mean, 350.0, 4.0 * 350.0 * sqrt(2.0 / (54.0 * count)));
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Even walkers begin with the first file, odd ones with the second, which is its mirror image: equal energies once relaxed alike. */
static PetscErrorCode TestStartFiles(void)
{
  TpEngineSettings settings = Peptide("Reference");
  double           energy[4];
  TpTopology       right;
  Bench            bench;

  PetscFunctionBeginUser;
  PetscCall(TpTopologyReadPDB(MOLECULES "aib9_right.pdb", &right));
  PetscCall(Open(&settings, &bench));
  for (int walker = 0; walker < 4; ++walker) {
    PetscCall(TpEngineStart(bench.engine, SEED, walker, 400.0, &bench.state));
    energy[walker] = bench.state.energy;
    /* constraints move hydrogens by the rounding of the file */
    TpTestExpectThat((fabs(bench.state.x[2] - right.x[2]) < 2e-4) == (walker % 2 == 0), "walker %d begins at z %g",
                     walker, bench.state.x[2]);
  }
  TpTestExpect(energy[0] == energy[2] && energy[1] == energy[3] && energy[0] != energy[1]);
  PetscCall(Close(&bench));
  PetscCall(TpTopologyDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ same bits */

static void ExpectSameBits(const double first[], const double second[], PetscInt size, const char *what)
{
  PetscInt different = 0;

  for (PetscInt i = 0; i < size; ++i) different += memcmp(&first[i], &second[i], sizeof(double)) != 0;
  TpTestExpectThat(different == 0, "%s: %d of %d numbers differ", what, (int)different, (int)size);
}

static PetscErrorCode AdvancePacked(TpEngine engine, PetscInt rung, PetscInt64 round, const double from[],
                                    TpState *state, double to[])
{
  const TpMoment moment = {.seed = SEED, .rung = rung, .round = round};

  PetscFunctionBeginUser;
  TpStateUnpack(from, state);
  PetscCall(TpEngineAdvance(engine, 320.0, 40, &moment, state));
  TpStatePack(state, to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same state and moment give the same bits: after other work in the same process, in a new engine, and in two parts. */
static PetscErrorCode TestSameBits(TpEngineSettings settings)
{
  const PetscInt size_max = 11 + 2 * 3 * 129;
  Bench          bench, other;
  double        *start, *first, *second, *again, energy;
  PetscInt       size;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(size_max, &start, size_max, &first, size_max, &second, size_max, &again));
  PetscCall(Open(&settings, &bench));
  size = TpStatePackedSize(bench.info->size);
  PetscCheck(size <= size_max, PETSC_COMM_SELF, PETSC_ERR_PLIB, "packed states have %" PetscInt_FMT " numbers", size);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 320.0, &bench.state));
  TpStatePack(&bench.state, start);
  PetscCall(AdvancePacked(bench.engine, 1, 7, start, &bench.state, first));
  PetscCall(AdvancePacked(bench.engine, 1, 8, first, &bench.state, second));

  /* another engine at work between, another rung, a look at an energy far away: nothing of it may be remembered */
  PetscCall(Open(&settings, &other));
  PetscCall(TpEngineStart(other.engine, SEED, 1, 500.0, &other.state));
  PetscCall(AdvancePacked(other.engine, 2, 7, start, &other.state, again));
  TpTestExpectThat(memcmp(first, again, sizeof(double) * (size_t)size) != 0, "two rungs share their random numbers");
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy, NULL));
  TpTestExpectClose(energy, second[1], 1e-9 * fabs(energy));
  PetscCall(AdvancePacked(bench.engine, 1, 7, start, &bench.state, again));
  ExpectSameBits(first, again, size, "the same stretch again");
  PetscCall(AdvancePacked(other.engine, 1, 8, first, &other.state, again));
  ExpectSameBits(second, again, size, "the second part in a new engine");
  PetscCall(AdvancePacked(other.engine, 1, 9, first, &other.state, again));
  TpTestExpectThat(memcmp(second, again, sizeof(double) * (size_t)size) != 0, "two rounds share their random numbers");
  PetscCall(Close(&other));
  PetscCall(Close(&bench));
  PetscCall(PetscFree4(start, first, second, again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No steps: nothing moves. */
static PetscErrorCode TestNoSteps(void)
{
  const TpEngineSettings settings = Dipeptide("Reference");
  const TpMoment         moment   = {.seed = SEED};
  Bench                  bench;
  double                 before[PACKED], after[PACKED];

  PetscFunctionBeginUser;
  TpTestExpectEqual(TpStatePackedSize(DIPEPTIDE), PACKED);
  PetscCall(Open(&settings, &bench));
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 320.0, &bench.state));
  TpStatePack(&bench.state, before);
  PetscCall(TpEngineAdvance(bench.engine, 320.0, 0, &moment, &bench.state));
  TpStatePack(&bench.state, after);
  ExpectSameBits(before, after, PACKED, "no steps");
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- temperature */

/* Friction 20/ps and 0.2 ps between samples: kinetic energies forget all but exp(-8) of the one before, so samples are independent and
   the mean is known to T sqrt(2 / (N_f n)). The half-step velocities of LFMiddle have no error of order dt^2 in a harmonic well. Two
   temperatures at 4 standard errors: a false alarm in 8000. */
static PetscErrorCode TestTemperature(void)
{
  const double     temperatures[2] = {300.0, 450.0};
  const int        count           = 150;
  TpEngineSettings settings        = Dipeptide("Reference");
  Bench            bench;
  TpMoment         moment = {.seed = SEED};

  PetscFunctionBeginUser;
  settings.friction = 20.0;
  PetscCall(Open(&settings, &bench));
  PetscCall(TpEngineStart(bench.engine, SEED, 0, temperatures[0], &bench.state));
  for (int i = 0; i < 2; ++i) {
    double mean = 0.0;

    for (int n = -10; n < count; ++n, ++moment.round) {
      PetscCall(TpEngineAdvance(bench.engine, temperatures[i], 100, &moment, &bench.state));
      if (n >= 0) mean += KineticTemperature(bench.info, bench.state.v) / count;
    }
    TpTestExpectClose(mean, temperatures[i], 4.0 * temperatures[i] * sqrt(2.0 / (54.0 * count)));
    TpTestExpect(TpStateIsFinite(&bench.state));
    ExpectConstraints(&bench);
  }
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state that has gone bad comes back as one, and the engine works on. */
static PetscErrorCode TestNotFinite(char *platform)
{
  const TpEngineSettings settings = Dipeptide(platform);
  const TpMoment         moment   = {.seed = SEED, .rung = 3, .round = 2};
  Bench                  bench;
  double                 before[PACKED], after[PACKED], forces[DIPEPTIDE], energy;

  PetscFunctionBeginUser;
  PetscCall(Open(&settings, &bench));
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 300.0, &bench.state));
  TpStatePack(&bench.state, before);
  bench.state.x[20] = NAN;
  PetscCall(TpEngineAdvance(bench.engine, 300.0, 5, &moment, &bench.state));
  TpTestExpectThat(!TpStateIsFinite(&bench.state), "%s: NaN went in, energy %g came out", platform, bench.state.energy);
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy, forces));
  TpTestExpectThat(!isfinite(energy), "%s: energy of NaN is %g", platform, energy);
  TpStateUnpack(before, &bench.state);
  PetscCall(TpEngineAdvance(bench.engine, 300.0, 5, &moment, &bench.state));
  TpTestExpect(TpStateIsFinite(&bench.state));
  TpStatePack(&bench.state, after);
  PetscCall(Close(&bench));

  PetscCall(Open(&settings, &bench));
  TpStateUnpack(before, &bench.state);
  PetscCall(TpEngineAdvance(bench.engine, 300.0, 5, &moment, &bench.state));
  TpStatePack(&bench.state, before);
  ExpectSameBits(before, after, PACKED, "after a state that was not finite");
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool has_cpu = PETSC_FALSE;

  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_OPENMM
  return TpTestSkip("this build has no OpenMM");
#endif
  TpTestCall(HasPlatform("CPU", &has_cpu));
  TpTestCall(TestEnergies("Reference"));
  TpTestCall(TestForces());
  TpTestCall(TestStart());
  TpTestCall(TestStartFiles());
  TpTestCall(TestSameBits(Dipeptide("Reference")));
  TpTestCall(TestNoSteps());
  TpTestCall(TestTemperature());
  TpTestCall(TestNotFinite("Reference"));
  if (has_cpu) {
    TpTestCall(TestEnergies("CPU"));
    TpTestCall(TestSameBits(Dipeptide("CPU")));
    TpTestCall(TestSameBits(Peptide("CPU")));
    TpTestCall(TestNotFinite("CPU"));
  }
  return TpTestEnd();
}
