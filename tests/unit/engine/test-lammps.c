/* Engine lammps: forces as derivatives, the same bits again, temperatures, constraints. */
#include "lammps-bench.h"

/* -------------------------------------------------------------------------------------------------- energy and forces */

enum { FLUID = 108 }; /* particles of in.lj */

/* Third derivatives of a bond are some 1e7 kJ/mol/nm^3: differences over 2e-5 nm are good to 1e-3; the sum over charges to 1e-6 of an
   e^2/(4 pi epsilon0 nm^2), and to the jump of forces where a pair enters the cutoff, not met by these. */
static PetscErrorCode ExpectDerivatives(char *script, const char *units, double timestep, double step, double allowed)
{
  const TpEngineSettings settings = Settings(script, units, timestep);
  const TpMoment         moment   = {.seed = SEED};
  double                *forces, unused;
  Bench                  bench;

  PetscFunctionBeginUser;
  PetscCall(Open(&settings, &bench));
  PetscCall(PetscMalloc1(bench.info->size, &forces));
  const double temperature = bench.info->units == TP_UNITS_REDUCED ? 1.0 : 300.0;
  PetscCall(TpEngineStart(bench.engine, SEED, 0, temperature, &bench.state));
  PetscCall(TpEngineAdvance(bench.engine, temperature, 100, &moment, &bench.state));
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, bench.state.box, &unused, forces));
  TpTestExpectClose(bench.state.energy, unused, 1e-9 * fabs(unused));
  for (PetscInt i = 0; i < bench.info->size; i += 37) {
    const double x = bench.state.x[i];
    double       energy[2];

    for (int side = 0; side < 2; ++side) {
      bench.state.x[i] = x + (side ? step : -step);
      PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy[side], NULL));
    }
    bench.state.x[i] = x;
    TpTestExpectClose(forces[i], -(energy[1] - energy[0]) / (2.0 * step), allowed + 1e-5 * fabs(forces[i]));
  }
  PetscCall(PetscFree(forces));
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestForces(void)
{
  TpTestFile script;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(MOLECULES("ewald 1e-7", ""), &script));
  PetscCall(ExpectDerivatives(script.path, "real", 0.001, 1e-5, 2e-2));
  PetscCall(TpTestFileRemove(&script));
  PetscCall(ExpectDerivatives(INPUTS "in.melt", "lj", 0.005, 1e-5, 1e-4));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One atom of argon at rest beside another, in two systems of units: an energy in eV and one in kcal/mol are the same in kJ/mol. */
static PetscErrorCode TestUnits(void)
{
  static const char *const texts[] = {
      "units real\ntimestep 2\nboundary f f f\nregion r block 0 20 0 20 0 20\ncreate_box 1 r\ncreate_atoms 1 single 8 "
      "10 10\n"
      "create_atoms 1 single 12 10 10\nmass 1 39.948\npair_style lj/cut 9\npair_coeff 1 1 0.238 3.405\n",
      "units metal\ntimestep 0.002\nboundary f f f\nregion r block 0 20 0 20 0 20\ncreate_box 1 r\ncreate_atoms 1 "
      "single 8 10 10\n"
      "create_atoms 1 single 12 10 10\nmass 1 39.948\npair_style lj/cut 9\npair_coeff 1 1 0.0103206568 3.405\n"};
  const double s6 = pow(3.405 / 4.0, 6), energy = 4.184 * 4.0 * 0.238 * (s6 * s6 - s6);
  const double force = 4.184 * 24.0 * 0.238 * (2.0 * s6 * s6 - s6) / 0.4; /* kJ/mol/nm */

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; ++i) {
    const TpMoment moment = {.seed = SEED};
    TpTestFile     script;
    double         forces[6], x;
    Bench          bench;

    PetscCall(TpTestFileWrite(texts[i], &script));
    TpEngineSettings settings = Settings(script.path, i ? "metal" : "real", 0.002);
    settings.friction         = 1e-6;
    PetscCall(Open(&settings, &bench));
    TpTestExpectText(bench.info->name, "lammps ");
    TpTestExpectEqual(bench.info->has_box, 0);
    PetscCall(TpEngineStart(bench.engine, SEED, 0, 1.0, &bench.state));
    TpTestExpectClose(bench.state.energy, energy, 2e-6 * fabs(energy));
    TpTestExpectClose(bench.state.x[3] - bench.state.x[0], 0.4, 1e-12);
    PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &bench.state.energy, forces));
    TpTestExpectClose(forces[3], force, 2e-6 * fabs(force));
    /* 10 steps on its own: x0 + v t, and v unchanged but for the force, which moves it by F t^2/2m = 1e-5 nm or so */
    x = bench.state.x[1] + 0.02 * bench.state.v[1];
    PetscCall(TpEngineAdvance(bench.engine, 1.0, 10, &moment, &bench.state));
    TpTestExpectClose(bench.state.x[1], x, 2e-5);
    PetscCall(Close(&bench));
    PetscCall(TpTestFileRemove(&script));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ same bits */

static PetscErrorCode AdvancePacked(Bench *bench, PetscInt rung, const double from[], double to[])
{
  const TpMoment moment      = {.seed = SEED, .rung = rung, .round = 7};
  const double   temperature = bench->info->units == TP_UNITS_REDUCED ? 1.1 : 310.0;

  PetscFunctionBeginUser;
  TpStateUnpack(from, &bench->state);
  PetscCall(TpEngineAdvance(bench->engine, temperature, 120, &moment, &bench->state));
  TpStatePack(&bench->state, to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same state and moment give the same bits: after other work, in a new engine, and after an error which cost the instance. */
static PetscErrorCode TestSameBits(char *script, const char *units, double timestep)
{
  const TpEngineSettings settings = Settings(script, units, timestep);
  double                *start, *first, *again, energy;
  Bench                  bench, other;

  PetscFunctionBeginUser;
  PetscCall(Open(&settings, &bench));
  PetscCall(Open(&settings, &other));
  const PetscInt size  = TpStatePackedSize(bench.info->size);
  const size_t   bytes = (size_t)size * sizeof(double);
  PetscCall(PetscMalloc3(size, &start, size, &first, size, &again));
  TpTestExpectEqual(bench.info->deterministic, 1);
  TpTestExpect(bench.info->system_hash == other.info->system_hash);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, bench.info->units == TP_UNITS_REDUCED ? 1.1 : 310.0, &bench.state));
  TpStatePack(&bench.state, again);
  for (int i = 0; i < 8; ++i) { /* away from the script's own positions */
    PetscCall(AdvancePacked(&bench, i, again, start));
    PetscCall(PetscArraycpy(again, start, size));
  }
  PetscCall(AdvancePacked(&bench, 3, start, first));
  TpTestExpect(memcmp(start, first, bytes));
  PetscCall(AdvancePacked(&bench, 4, first, again));
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy, NULL));
  PetscCall(AdvancePacked(&bench, 3, start, again));
  TpTestExpectThat(!memcmp(first, again, bytes), "%s: other bits after other work", script);
  PetscCall(AdvancePacked(&other, 3, start, again));
  TpTestExpectThat(!memcmp(first, again, bytes), "%s: other bits in a new engine", script);
  PetscCall(AdvancePacked(&other, 2, start, again));
  TpTestExpectThat(memcmp(first, again, bytes), "%s: the rung does not matter", script);

  TpLogSetLevel(TP_LOG_ERROR);
  PetscCall(PetscArraycpy(bench.state.x, start, 3));
  for (PetscInt i = 0; i < bench.info->size; ++i) bench.state.x[i] = NAN;
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy, NULL));
  TpTestExpect(isnan(energy));
  TpLogSetLevel(TP_LOG_PRODUCTION);
  PetscCall(AdvancePacked(&bench, 3, start, again));
  TpTestExpectThat(!memcmp(first, again, bytes), "%s: other bits after an error", script);
  PetscCall(PetscFree3(start, first, again));
  PetscCall(Close(&other));
  PetscCall(Close(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- temperatures */

/* 1000 particles, each tied to its place by a spring: energies of 3 N T / 2 both kinetic and potential. Without the noise that is lost
   between runs of 5 steps, both would be 10 % too low. Energies forget in 1/friction = 0.2, which is 4 rounds: of 600 rounds some 600/9
   are independent. 4 standard errors: of four numbers one is a false alarm once in 4000 seeds. */
static PetscErrorCode TestTemperatures(void)
{
  TpTestFile script;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(GAS("p p p", "fix tie all spring/self 25.0\nfix_modify tie energy yes"), &script));
  TpEngineSettings settings = Settings(script.path, "lj", 0.01);
  settings.friction         = 5.0;
  for (int i = 0; i < 2; ++i) {
    const double temperature = i ? 0.02 : 0.01, allowed = 4.0 * sqrt(2.0 / (3000.0 * 600.0 / 9.0));
    double       kinetic = 0.0, potential = 0.0;
    Bench        bench;

    PetscCall(Open(&settings, &bench));
    PetscCall(TpEngineStart(bench.engine, SEED, 0, temperature, &bench.state));
    for (int round = 0; round < 700; ++round) {
      const TpMoment moment = {.seed = SEED, .rung = i, .round = round};

      PetscCall(TpEngineAdvance(bench.engine, temperature, 5, &moment, &bench.state));
      if (round < 100) continue;
      kinetic += KineticTemperature(bench.info, bench.state.v) / 600.0;
      potential += bench.state.energy * 2.0 / 3000.0 / 600.0;
    }
    TpTestExpectClose(kinetic / temperature, 1.0, allowed);
    TpTestExpectClose(potential / temperature, 1.0, allowed);
    PetscCall(Close(&bench));
  }
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The script's own thermostat follows ${temperature}. Velocities of a fluid forget in some 0.1, 20 steps: 100 rounds of 50 steps are 100
   independent values of variance 2 T^2/N_f. 4 standard errors: a false alarm once in 8000 seeds. */
static PetscErrorCode TestScriptThermostat(void)
{
  TpTestFile script;

  PetscFunctionBeginUser;
  PetscCall(
      TpTestFileWrite("include " INPUTS "in.lj\nfix move all nvt temp ${temperature} ${temperature} 0.5\n", &script));
  TpEngineSettings settings  = Settings(script.path, "lj", 0.005);
  settings.lammps.thermostat = WordIndex(tp_lammps_thermostat_words, "script");
  for (int i = 0; i < 2; ++i) {
    const double temperature = i ? 2.0 : 1.0, freedoms = 3.0 * FLUID - 3.0;
    double       kinetic = 0.0;
    Bench        bench;

    PetscCall(Open(&settings, &bench));
    TpTestExpectEqual(bench.info->deterministic, 0);
    TpTestExpectEqual(bench.info->degrees_of_freedom, 3 * FLUID - 3);
    PetscCall(TpEngineStart(bench.engine, SEED, 0, temperature, &bench.state));
    for (int round = 0; round < 120; ++round) {
      const TpMoment moment = {.seed = SEED, .rung = i, .round = round};

      PetscCall(TpEngineAdvance(bench.engine, temperature, 50, &moment, &bench.state));
      if (round >= 20) kinetic += KineticTemperature(bench.info, bench.state.v) / 100.0;
    }
    TpTestExpectClose(kinetic / temperature, 1.0, 4.0 * sqrt(2.0 / (freedoms * 100.0)));
    PetscCall(Close(&bench));
  }
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- constraints */

static void ExpectLengths(const Bench *bench, double allowed, double *speed)
{
  const double *x = bench->state.x, *v = bench->state.v, *box = bench->state.box;

  *speed = 0.0;
  for (PetscInt i = 0; i < bench->info->num_constraints; ++i) {
    const PetscInt *pair   = bench->info->constraints + 2 * i;
    double          square = 0.0, along = 0.0;

    for (int k = 0; k < 3; ++k) {
      double d = x[3 * pair[1] + k] - x[3 * pair[0] + k];

      d -= box[4 * k] * round(d / box[4 * k]);
      square += d * d;
      along += d * (v[3 * pair[1] + k] - v[3 * pair[0] + k]);
    }
    TpTestExpectClose(sqrt(square), 0.179, allowed);
    *speed = fmax(*speed, fabs(along) / sqrt(square));
  }
}

/* Bonds to chlorine are kept by fix shake: their lengths are, and the temperature is that of the coordinates that are left. Energies of
   vibrations and rotations forget in 1/friction = 0.1 ps = 100 steps: 50 rounds of 100 steps are at least 16 independent values. 4 standard
   errors, 8 %; were constraints not counted, it would be 17 % too low. */
static PetscErrorCode TestConstraints(void)
{
  const double temperature = 300.0;
  TpTestFile   script;
  double       kinetic = 0.0, speed;
  Bench        bench;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(MOLECULES("pppm 1e-4", "fix keep all shake 1e-8 200 0 b 1"), &script));
  TpEngineSettings settings = Settings(script.path, "real", 0.001);
  settings.friction         = 10.0;
  PetscCall(Open(&settings, &bench));
  TpTestExpectEqual(bench.info->num_constraints, 64);
  TpTestExpectEqual(bench.info->degrees_of_freedom, 3 * 128 - 64);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, temperature, &bench.state));
  ExpectLengths(&bench, 1e-6, &speed);
  TpTestExpectClose(speed, 0.0, 1e-9);
  for (int round = 0; round < 60; ++round) {
    const TpMoment moment = {.seed = SEED, .round = round};

    PetscCall(TpEngineAdvance(bench.engine, temperature, 100, &moment, &bench.state));
    if (round >= 10) kinetic += KineticTemperature(bench.info, bench.state.v) / 50.0;
  }
  ExpectLengths(&bench, 1e-6, &speed);
  TpTestExpectClose(kinetic / temperature, 1.0, 4.0 * sqrt(2.0 / (320.0 * 16.0)));
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_LAMMPS
  return TpTestSkip("this build has no LAMMPS");
#endif
  TpTestCall(TestForces());
  TpTestCall(TestUnits());
  TpTestCall(TestSameBits(INPUTS "in.lj", "lj", 0.005));
  TpTestCall(TestSameBits(INPUTS "in.melt", "lj", 0.005));
  TpTestCall(TestSameBits(INPUTS "in.dichloroethane", "real", 0.001));
  TpTestCall(TestTemperatures());
  TpTestCall(TestScriptThermostat());
  TpTestCall(TestConstraints());
  return TpTestEnd();
}
