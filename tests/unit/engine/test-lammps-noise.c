/* Engine lammps: the thermostat's noise. Its strength for every mass and in all units, and what its numbers depend on. */
#include "lammps-bench.h"

/* Statistics are measured in standard errors: each is off by 4.5 or more once in 150000 seeds, and there are some 60. */
#define MAX_STANDARD_ERRORS 4.5

enum { PARTICLES = 1000, SIZE = 3 * PARTICLES };

/* An ideal gas on a lattice, one half of it nine times as heavy as the other; what follows may hold it. */
#define MIXTURE(units, more)                                                                                           \
  "units " units "\natom_style atomic\nlattice sc 1.0\nregion cell block 0 10 0 10 0 10\n"                             \
  "region left block 0 4.9 0 10 0 10\nregion right block 4.9 10 0 10 0 10\ncreate_box 2 cell\n"                        \
  "create_atoms 1 region left\ncreate_atoms 2 region right\nmass 1 10.0\nmass 2 90.0\npair_style zero 0.5\n"           \
  "pair_coeff * *\nneigh_modify every 1 delay 0 check yes\n" more "\n"

/* Velocities after steps from rest at the start positions. */
static PetscErrorCode KickFromRest(Bench *bench, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                                   double v[])
{
  PetscFunctionBeginUser;
  PetscCall(TpEngineStart(bench->engine, SEED, 0, temperature, &bench->state));
  PetscCall(PetscArrayzero(bench->state.v, bench->info->size));
  PetscCall(TpEngineAdvance(bench->engine, temperature, num_steps, moment, &bench->state));
  PetscCall(PetscArraycpy(v, bench->state.v, bench->info->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- strength */

/* Variance of m v^2/(k T) after steps from rest, a = friction dt: half a step with three times the variance, whole steps, half a step. */
static double ExpectedVariance(double a, PetscInt64 num_steps)
{
  double variance = 3.0 * a / 2.0;

  for (PetscInt64 step = 1; step < num_steps; ++step) variance = (1.0 - a) * (1.0 - a) * variance + 2.0 * a;
  return (1.0 - a / 2.0) * (1.0 - a / 2.0) * variance + a / 2.0;
}

/* Mean squares of v of either mass, over 40 rounds. Squares of sums of uniform numbers scatter less than those of normal ones do. */
static PetscErrorCode ExpectStrength(Bench *bench, double temperature, double a, PetscInt64 num_steps)
{
  enum { ROUNDS = 40 };
  const double thermal = TpBoltzmann(bench->info->units) * temperature, expected = ExpectedVariance(a, num_steps);
  const double error     = expected * sqrt(2.0 / (ROUNDS * SIZE / 2.0));
  double       square[2] = {0.0, 0.0}, v[SIZE];

  PetscFunctionBeginUser;
  for (int round = 0; round < ROUNDS; ++round) {
    const TpMoment moment = {.seed = SEED, .rung = 2, .round = round};

    PetscCall(KickFromRest(bench, temperature, num_steps, &moment, v));
    for (PetscInt i = 0; i < SIZE; ++i) {
      const double mass = bench->info->mass[i / 3];

      square[mass > 50.0] += mass * v[i] * v[i] / thermal / (ROUNDS * SIZE / 2.0);
    }
  }
  for (int i = 0; i < 2; ++i) TpTestExpectClose((square[i] - expected) / error, 0.0, MAX_STANDARD_ERRORS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStrength(void)
{
  static const struct {
    const char *units, *script;
    double      timestep, temperature;
  } systems[] = {
      {"lj", MIXTURE("lj", ""), 0.002, 0.7},
      {"real", MIXTURE("real", ""), 0.002, 300.0},
      {"metal", MIXTURE("metal", ""), 0.002, 500.0},
  };

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); ++i) {
    TpTestFile script;
    Bench      bench;

    PetscCall(TpTestFileWrite(systems[i].script, &script));
    TpEngineSettings settings = Settings(script.path, systems[i].units, systems[i].timestep);
    settings.friction         = 50.0;
    PetscCall(Open(&settings, &bench));
    TpTestExpectEqual(bench.info->size, SIZE);
    for (PetscInt64 num_steps = 1; num_steps <= 3; num_steps += 2)
      PetscCall(ExpectStrength(&bench, systems[i].temperature, settings.friction * settings.timestep, num_steps));
    PetscCall(Close(&bench));
    PetscCall(TpTestFileRemove(&script));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- temperature */

/* Springs hold atoms of both masses: energies forget in 1/friction = 20 steps, 4 rounds, so that of 600 rounds some 600/9 are independent. The
   potential energy is too high by (omega dt)^2/4, which is 0.2 % for the lighter ones and weighs one half. */
static PetscErrorCode TestTemperature(void)
{
  enum { ROUNDS = 600 };
  const double temperature = 300.0;
  double       kinetic[2] = {0.0, 0.0}, potential = 0.0;
  TpTestFile   script;
  Bench        bench;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(MIXTURE("real", "fix tie all spring/self 60.0\nfix_modify tie energy yes"), &script));
  TpEngineSettings settings = Settings(script.path, "real", 0.002);
  settings.friction         = 25.0;
  PetscCall(Open(&settings, &bench));
  const double thermal = TpBoltzmann(bench.info->units) * temperature;
  PetscCall(TpEngineStart(bench.engine, SEED, 0, temperature, &bench.state));
  for (int round = -100; round < ROUNDS; ++round) {
    const TpMoment moment = {.seed = SEED, .round = round + 100};

    PetscCall(TpEngineAdvance(bench.engine, temperature, 5, &moment, &bench.state));
    if (round < 0) continue;
    potential += bench.state.energy / thermal / (0.5 * SIZE * ROUNDS);
    for (PetscInt i = 0; i < SIZE; ++i) {
      const double mass = bench.info->mass[i / 3];

      kinetic[mass > 50.0] += mass * bench.state.v[i] * bench.state.v[i] / thermal / (0.5 * SIZE * ROUNDS);
    }
  }
  const double error = sqrt(2.0 / (SIZE * ROUNDS / 9.0));
  for (int i = 0; i < 2; ++i) TpTestExpectClose((kinetic[i] - 1.0) / (sqrt(2.0) * error), 0.0, MAX_STANDARD_ERRORS);
  TpTestExpectClose((potential - 1.001) / error, 0.0, MAX_STANDARD_ERRORS);
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- numbers */

/* Of velocities that kicks of one strength made, in standard errors. */
static double CorrelationError(PetscInt count, const double a[], const double b[])
{
  double sum = 0.0, squares[2] = {0.0, 0.0};

  for (PetscInt i = 0; i < count; ++i) {
    sum += a[i] * b[i];
    squares[0] += a[i] * a[i];
    squares[1] += b[i] * b[i];
  }
  return sqrt((double)count) * sum / sqrt(squares[0] * squares[1]);
}

/* Another seed, rung, round or step has other numbers, and so has another atom or direction; the same moment has the same. */
static PetscErrorCode TestMoments(void)
{
  const TpMoment first   = {.seed = SEED, .rung = 2, .round = 7};
  const TpMoment other[] = {
      {.seed = SEED + 1, .rung = 2, .round = 7}, {.seed = SEED + (UINT64_C(1) << 40), .rung = 2, .round = 7},
      {.seed = SEED, .rung = 3, .round = 7},     {.seed = SEED, .rung = 7, .round = 2},
      {.seed = SEED, .rung = 2, .round = 8},     {.seed = SEED, .rung = 2, .round = INT64_C(1) << 31}};
  double     v[SIZE], second[SIZE], third[SIZE];
  TpTestFile script;
  Bench      bench;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(GAS("p p p", ""), &script));
  const TpEngineSettings settings = Settings(script.path, "lj", 0.002);
  PetscCall(Open(&settings, &bench));
  PetscCall(KickFromRest(&bench, 1.0, 1, &first, v));
  for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); ++i) {
    PetscCall(KickFromRest(&bench, 1.0, 1, &other[i], second));
    TpTestExpectClose(CorrelationError(SIZE, v, second), 0.0, MAX_STANDARD_ERRORS);
  }
  for (PetscInt apart = 1; apart <= 12; ++apart)
    TpTestExpectClose(CorrelationError(SIZE - apart, v, v + apart), 0.0, MAX_STANDARD_ERRORS);
  PetscCall(KickFromRest(&bench, 1.0, 1, &first, second));
  TpTestExpect(!memcmp(v, second, sizeof(v)));
  /* and so has another step: the first one shares nothing with what the third adds, but for a friction of 0.2 % */
  PetscCall(KickFromRest(&bench, 1.0, 2, &first, second));
  PetscCall(KickFromRest(&bench, 1.0, 3, &first, third));
  for (PetscInt i = 0; i < SIZE; ++i) third[i] -= second[i];
  TpTestExpectClose(CorrelationError(SIZE, v, third), 0.0, MAX_STANDARD_ERRORS);
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { FEW = 64 };

/* A few atoms that feel nothing, read in another order than that of their numbers: k, k + stride, ... */
static PetscErrorCode MoveFew(PetscInt stride, double v[])
{
  const TpMoment moment = {.seed = SEED, .rung = 1, .round = 3};
  char           data[16384], text[1024];
  TpTestFile     atoms, script;
  Bench          bench;
  size_t         end;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(data, sizeof(data),
                          "atoms\n\n%d atoms\n2 atom types\n0 8 xlo xhi\n0 8 ylo yhi\n0 8 zlo "
                          "zhi\n\nMasses\n\n1 1.0\n2 5.0\n\nAtoms\n\n",
                          FEW));
  for (PetscInt i = 0; i < FEW; ++i) {
    const PetscInt atom = i * stride % FEW;

    PetscCall(PetscStrlen(data, &end));
    PetscCall(PetscSNPrintf(data + end, sizeof(data) - end, "%d %d %d.5 %d.5 3.5\n", (int)atom + 1, (int)atom % 2 + 1,
                            (int)atom % 8, (int)atom / 8));
  }
  PetscCall(TpTestFileWrite(data, &atoms));
  PetscCall(PetscSNPrintf(text, sizeof(text),
                          "units lj\natom_style atomic\nread_data %s\npair_style zero 0.5\npair_coeff * *\n",
                          atoms.path));
  PetscCall(TpTestFileWrite(text, &script));
  const TpEngineSettings settings = Settings(script.path, "lj", 0.005);
  PetscCall(Open(&settings, &bench));
  PetscCall(KickFromRest(&bench, 1.0, 20, &moment, v));
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&script));
  PetscCall(TpTestFileRemove(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An atom's numbers are those of its number, wherever it is in memory. */
static PetscErrorCode TestOrder(void)
{
  double v[2][3 * FEW];

  PetscFunctionBeginUser;
  PetscCall(MoveFew(1, v[0]));
  PetscCall(MoveFew(5, v[1]));
  TpTestExpect(!memcmp(v[0], v[1], sizeof(v[0])));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_LAMMPS
  return TpTestSkip("this build has no LAMMPS");
#endif
  TpTestCall(TestStrength());
  TpTestCall(TestTemperature());
  TpTestCall(TestMoments());
  TpTestCall(TestOrder());
  return TpTestEnd();
}
