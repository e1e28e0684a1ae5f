/* The same Lennard-Jones fluid by the engines model, openmm and lammps: energies and forces of the same positions. */
#include "engine-bench.h"

#include <math.h>

#define SEED UINT64_C(20240801)

enum { FLUID = 108 };

static const double density = 0.8, temperature = 1.5;

/* Sums over all pairs, in reduced units: the simplest of the three. */
static TpEngineSettings ModelFluid(void)
{
  return (TpEngineSettings){
      .kind     = WordIndex(tp_engine_words, "model"),
      .timestep = 0.005,
      .friction = 1.0,
      .model    = {.potential     = WordIndex(tp_potential_words, "lj-fluid"),
                   .num_particles = FLUID,
                   .box_length    = cbrt(FLUID / density),
                   .cutoff        = 2.5,
                   .mass          = 1.0},
  };
}

#ifdef TP_HAVE_OPENMM
/* In units of nm, kJ/mol and amu, which have the numbers of reduced units. Reference is the platform in double precision. */
static TpEngineSettings OpenMMFluid(void)
{
  static char *positions[] = {TP_SOURCE_DIR "/tests/reference/lj-fluid.pdb"};

  return (TpEngineSettings){
      .kind     = WordIndex(tp_engine_words, "openmm"),
      .timestep = 0.005,
      .friction = 1.0,
      .openmm   = {.system    = TP_SOURCE_DIR "/tests/reference/lj-fluid.xml",
                   .positions = {.size = 1, .values = positions},
                   .platform  = "Reference",
                   .threads   = 1},
  };
}
#endif

#ifdef TP_HAVE_LAMMPS
static TpEngineSettings LammpsFluid(void)
{
  return (TpEngineSettings){
      .kind     = WordIndex(tp_engine_words, "lammps"),
      .timestep = 0.005,
      .friction = 1.0,
      .lammps   = {.script = TP_SOURCE_DIR "/input/lammps/in.lj", .units = WordIndex(tp_lammps_unit_words, "lj")},
  };
}
#endif

static PetscErrorCode Compare(const Bench *model, const Bench *other, const double x[])
{
  double energy[2], forces[2][3 * FLUID], largest = 0.0;

  PetscFunctionBeginUser;
  PetscCall(TpEngineEnergy(model->engine, x, NULL, &energy[0], forces[0]));
  PetscCall(TpEngineEnergy(other->engine, x, NULL, &energy[1], forces[1]));
  TpTestExpectClose(energy[1], energy[0], 1e-6 * fabs(energy[0]));
  for (int i = 0; i < 3 * FLUID; ++i) largest = fmax(largest, fabs(forces[0][i]));
  for (int i = 0; i < 3 * FLUID; ++i) TpTestExpectClose(forces[1][i], forces[0][i], 1e-5 * largest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The start of the model, then a liquid; and the same configuration with its particles in other images of the box. */
static PetscErrorCode TestSameFluid(const TpEngineSettings *settings)
{
  const TpEngineSettings simple = ModelFluid();
  Bench                  model, other;

  PetscFunctionBeginUser;
  PetscCall(Open(&simple, &model));
  PetscCall(Open(settings, &other));
  TpTestExpectEqual(other.info->num_particles, FLUID);
  TpTestExpectEqual(other.info->degrees_of_freedom, model.info->degrees_of_freedom);
  PetscCall(TpEngineStart(other.engine, SEED, 0, temperature, &other.state));
  TpTestExpectClose(other.state.box[4], simple.model.box_length, 1e-12);
  PetscCall(TpEngineStart(model.engine, SEED, 0, temperature, &model.state));
  for (int i = 0; i < 3; ++i) {
    const TpMoment moment = {.seed = SEED, .round = i};

    PetscCall(Compare(&model, &other, model.state.x));
    PetscCall(TpEngineAdvance(model.engine, temperature, 200, &moment, &model.state));
  }
  for (int i = 0; i < 3 * FLUID; ++i) model.state.x[i] += (i % 7 - 3) * 300 * simple.model.box_length;
  PetscCall(Compare(&model, &other, model.state.x));
  PetscCall(Close(&other));
  PetscCall(Close(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
#if !defined(TP_HAVE_OPENMM) && !defined(TP_HAVE_LAMMPS)
  return TpTestSkip("this build has neither OpenMM nor LAMMPS");
#endif
#ifdef TP_HAVE_OPENMM
  const TpEngineSettings openmm = OpenMMFluid();
  TpTestCall(TestSameFluid(&openmm));
#endif
#ifdef TP_HAVE_LAMMPS
  const TpEngineSettings lammps = LammpsFluid();
  TpTestCall(TestSameFluid(&lammps));
#endif
  return TpTestEnd();
}
