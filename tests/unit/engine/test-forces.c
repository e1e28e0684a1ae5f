/* Energies and forces of every model potential, against differences of the energy and answers from elsewhere. */
#include "model-settings.h"

#include <math.h>

/* Forces against central differences, at points around the start. */
static PetscErrorCode CheckDifferences(const TpEngineSettings *settings, double spread, double stretch)
{
  const double        step = 1e-5;
  const TpEngineInfo *info;
  TpEngine            engine;
  TpState             state;
  double             *f, *scratch, *noise;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(PetscMalloc3(info->size, &f, info->size, &scratch, info->size, &noise));
  for (PetscInt point = 0; point < 5; ++point) {
    double energy, largest = 1.0;

    PetscCall(TpEngineStart(engine, 3, point, 1.0, &state));
    TpRandomNormal(3, TP_RANDOM_TEST, (uint32_t)point, 0, info->size, noise);
    for (PetscInt i = 0; i < info->size; ++i) state.x[i] = stretch * state.x[i] + spread * noise[i];
    PetscCall(TpEngineEnergy(engine, state.x, state.box, &energy, f));
    for (PetscInt i = 0; i < info->size; ++i) largest = fmax(largest, fabs(f[i]));
    for (PetscInt i = 0; i < info->size; ++i) {
      const double x = state.x[i];
      double       above, below;

      state.x[i] = x + step;
      PetscCall(TpEngineEnergy(engine, state.x, NULL, &above, scratch));
      state.x[i] = x - step;
      PetscCall(TpEngineEnergy(engine, state.x, NULL, &below, NULL));
      state.x[i] = x;
      TpTestExpectThat(fabs(f[i] - (below - above) / (2.0 * step)) < 1e-6 * largest,
                       "%s: point %d, coordinate %d: force %.10g, by differences %.10g", info->name, (int)point, (int)i,
                       f[i], (below - above) / (2.0 * step));
    }
  }
  PetscCall(PetscFree3(f, scratch, noise));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAllDifferences(void)
{
  TpEngineSettings settings;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; tp_potential_words[i]; ++i) {
    settings = ModelSettings(tp_potential_words[i]);
    PetscCall(CheckDifferences(&settings, strstr(tp_potential_words[i], "lj-") ? 0.02 : 0.3, 1.0));
  }
  settings              = ModelSettings("lj-fluid");
  settings.model.cutoff = 1.7;
  PetscCall(CheckDifferences(&settings, 0.02, 1.0));
  settings              = ModelSettings("lj-cluster"); /* the outer ones against the wall */
  settings.model.radius = 1.7;
  PetscCall(CheckDifferences(&settings, 0.02, 1.4));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Published stationary points: Mueller and Brown, to the digits computed. */
static PetscErrorCode CheckMuellerBrown(void)
{
  static const double points[5][3] = {
      {-0.558224, 1.441726, -146.69952}, {0.623499, 0.028038, -108.16672}, {-0.050011, 0.466694, -80.76782},
      {-0.822002, 0.624313, -40.66484},  {0.212487, 0.292988, -72.24894},
  };
  TpEngineSettings    settings = ModelSettings("mueller-brown");
  const TpEngineInfo *info;
  TpEngine            engine;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  for (PetscInt i = 0; i < 5; ++i) {
    double energy, f[2];

    PetscCall(TpEngineEnergy(engine, points[i], NULL, &energy, f));
    TpTestExpectClose(energy, points[i][2], 6e-6);
    TpTestExpectClose(hypot(f[0], f[1]), 0, 5e-3); /* the points have six digits, curvatures are some thousands */
  }
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Down the forces to the nearest minimum. */
static PetscErrorCode Minimise(PetscInt num_particles, double x[], double *energy)
{
  TpEngineSettings    settings = ModelSettings("lj-cluster");
  const TpEngineInfo *info;
  TpEngine            engine;
  double             *f;

  PetscFunctionBeginUser;
  settings.model.num_particles = num_particles;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(PetscMalloc1(info->size, &f));
  for (PetscInt step = 0; step < 5000; ++step) {
    PetscCall(TpEngineEnergy(engine, x, NULL, energy, f));
    for (PetscInt i = 0; i < info->size; ++i) x[i] += fmax(-0.02, fmin(0.02, 1e-3 * f[i]));
  }
  PetscCall(PetscFree(f));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Global minima of the Cambridge cluster database, from their known shapes. */
static PetscErrorCode CheckPentagonalBipyramid(void)
{
  double x[21] = {0, 0, 0.5, 0, 0, -0.5}, energy;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 5; ++i) {
    x[6 + 3 * i] = 0.9 * cos(0.4 * PETSC_PI * i);
    x[7 + 3 * i] = 0.9 * sin(0.4 * PETSC_PI * i);
  }
  PetscCall(Minimise(7, x, &energy));
  TpTestExpectClose(energy, -16.505384, 1e-6);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckIcosahedron(void)
{
  const double golden = 0.5 * (1.0 + sqrt(5.0)), scale = 0.56;
  double       x[39] = {0, 0, 0}, energy; /* one in the middle */

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 12; ++i) {
    const PetscInt axis = i / 4;

    x[3 + 3 * i + axis]           = i & 1 ? scale : -scale;
    x[3 + 3 * i + (axis + 1) % 3] = i & 2 ? scale * golden : -scale * golden;
    x[3 + 3 * i + (axis + 2) % 3] = 0;
  }
  PetscCall(Minimise(13, x, &energy));
  TpTestExpectClose(energy, -44.326801, 1e-6);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The truncated octahedron: the sites of a face-centred lattice around an octahedral hole. */
static PetscErrorCode CheckTruncatedOctahedron(void)
{
  const double spacing = 1.1 / sqrt(2.0);
  double       x[3 * 38], energy;
  PetscInt     count = 0;

  PetscFunctionBeginUser;
  for (int i = -2; i <= 2; ++i)
    for (int j = -2; j <= 2; ++j)
      for (int k = -2; k <= 2; ++k) {
        if ((i + j + k) % 2 == 0 || abs(i) + abs(j) + abs(k) > 3) continue;
        TpTestExpect(count < 38);
        if (count >= 38) PetscFunctionReturn(PETSC_SUCCESS);
        x[3 * count]     = spacing * i;
        x[3 * count + 1] = spacing * j;
        x[3 * count + 2] = spacing * k;
        ++count;
      }
  TpTestExpectEqual(count, 38);
  PetscCall(Minimise(38, x, &energy));
  TpTestExpectClose(energy, -173.928427, 1e-6);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The nearest of 27 images, one pair after the other. */
static double FluidByHand(PetscInt num_particles, double length, double cutoff, const double x[])
{
  double sum = 0;

  for (PetscInt i = 0; i < num_particles; ++i)
    for (PetscInt j = 0; j < i; ++j) {
      double nearest = INFINITY;

      for (PetscInt image = 0; image < 27; ++image) {
        const double shift[3] = {length * (image % 3 - 1), length * (image / 3 % 3 - 1), length * (image / 9 - 1)};
        double       squared  = 0;

        for (PetscInt k = 0; k < 3; ++k) squared += pow(x[3 * i + k] - x[3 * j + k] + shift[k], 2);
        nearest = fmin(nearest, sqrt(squared));
      }
      if (cutoff == 0 || nearest < cutoff) sum += 4.0 * (pow(nearest, -12) - pow(nearest, -6));
    }
  return sum;
}

static PetscErrorCode CheckFluid(double cutoff)
{
  TpEngineSettings    settings = ModelSettings("lj-fluid");
  const TpEngineInfo *info;
  TpEngine            engine;
  TpState             state;
  double              energy;

  PetscFunctionBeginUser;
  settings.model.num_particles = 45;
  settings.model.cutoff        = cutoff;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(TpEngineStart(engine, 1, 0, 1.0, &state));
  TpTestExpectClose(state.energy, FluidByHand(45, settings.model.box_length, cutoff, state.x), 1e-9);
  TpTestExpect(state.box[0] == 4.0 && state.box[4] == 4.0 && state.box[8] == 4.0 && state.box[1] == 0);

  for (PetscInt i = 0; i < info->size; ++i) state.x[i] += 4.0 * (double)((i * 7) % 5 - 2); /* any image will do */
  PetscCall(TpEngineEnergy(engine, state.x, state.box, &energy, NULL));
  TpTestExpectClose(energy, state.energy, 1e-9);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The chain's formula as it is written. */
static double ChainByHand(PetscInt num_residues, const double x[])
{
  static const double wells[4][4] = {
      {8.0, 3.0, 1.0, 0.8}, {8.0, 3.0, -1.0, -0.8}, {6.5, 3.0, -1.1, 2.7}, {6.5, 3.0, 1.1, -2.7}};
  double sum = 0;

  for (PetscInt i = 0; i < num_residues; ++i) {
    for (PetscInt w = 0; w < 4; ++w)
      sum -= wells[w][0] * exp(wells[w][1] * (cos(x[2 * i] - wells[w][2]) + cos(x[2 * i + 1] - wells[w][3]) - 2.0));
    if (i > 0) sum -= 1.8 * sin(x[2 * i - 2]) * sin(x[2 * i]);
  }
  return sum;
}

static PetscErrorCode CheckChain(void)
{
  TpEngineSettings    settings = ModelSettings("chiral-chain");
  const TpEngineInfo *info;
  TpEngine            engine;
  double              x[18], energy;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  for (uint32_t point = 0; point < 5; ++point) {
    TpRandomUniform(1, TP_RANDOM_TEST, point, 0, 18, x);
    for (PetscInt i = 0; i < 18; ++i) x[i] = 10.0 * (x[i] - 0.5);
    PetscCall(TpEngineEnergy(engine, x, NULL, &energy, NULL));
    TpTestExpectClose(energy, ChainByHand(9, x), 1e-11);
    for (PetscInt i = 0; i < 18; ++i) x[i] = -x[i];
    TpTestExpectClose(energy, ChainByHand(9, x), 1e-11); /* the mirror image */
  }
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EnergyOf(const char *potential, const double x[], double *energy)
{
  TpEngineSettings settings = ModelSettings(potential);
  TpEngine         engine;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  PetscCall(TpEngineEnergy(engine, x, NULL, energy, NULL));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Energies that a pencil gives; dimension 3, barrier 2. */
static PetscErrorCode CheckFormulas(void)
{
  const double x[3] = {0.5, -1.0, 2.0};
  double       energy, density = 0;

  PetscFunctionBeginUser;
  PetscCall(EnergyOf("harmonic", x, &energy));
  TpTestExpectClose(energy, 5.25, 1e-14);
  PetscCall(EnergyOf("double-well", x, &energy));
  TpTestExpectClose(energy, 2.0 * (0.75 * 0.75 + 9.0), 1e-14);
  PetscCall(EnergyOf("asymmetric-double-well", x, &energy));
  TpTestExpectClose(energy, 4.0 * 0.75 * 0.75 + 0.25, 1e-14);

  density += 0.3 * exp(-0.5 * (1.5 * 1.5 + 1.5 * 1.5) / 0.36) / pow(0.6 * sqrt(2.0 * PETSC_PI), 3);
  density += 0.7 * exp(-0.5 * (1.0 + 0.25 + 4.0) / 0.81) / pow(0.9 * sqrt(2.0 * PETSC_PI), 3);
  PetscCall(EnergyOf("gaussian-mixture", x, &energy));
  TpTestExpectClose(energy, -log(density), 1e-13);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(CheckAllDifferences());
  TpTestCall(CheckMuellerBrown());
  TpTestCall(CheckPentagonalBipyramid());
  TpTestCall(CheckIcosahedron());
  TpTestCall(CheckTruncatedOctahedron());
  TpTestCall(CheckFluid(0));
  TpTestCall(CheckFluid(1.9));
  TpTestCall(CheckChain());
  TpTestCall(CheckFormulas());
  return TpTestEnd();
}
