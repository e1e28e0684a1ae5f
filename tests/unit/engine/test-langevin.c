/*
  Langevin dynamics against exact averages.

  Errors come from the means of 50 blocks, each some ten correlation times or more. 19 averages are compared at 4 of
  these errors; with 49 degrees of freedom that is one false alarm in about 250 seeds for the whole test; the seed is
  fixed.
*/
#include "model-settings.h"

#include <math.h>

enum { NUM_BLOCKS = 50, MAX_AVERAGES = 5 };

/* One simulation and what is averaged over it. */
typedef struct {
  const TpEngineInfo *info;
  TpEngine            engine;
  TpState             state;
  double              temperature;
  double             *f;
} Run;

/* Fill values with what the state at hand contributes. */
typedef PetscErrorCode (*Observe)(Run *run, double values[]);

static PetscErrorCode RunCreate(const TpEngineSettings *settings, double temperature, Run *run)
{
  PetscFunctionBeginUser;
  run->temperature = temperature;
  PetscCall(CreateEngine(settings, &run->engine, &run->info));
  PetscCall(TpStateCreate(run->info->size, &run->state));
  PetscCall(PetscMalloc1(run->info->size, &run->f));
  PetscCall(TpEngineStart(run->engine, 11, 0, temperature, &run->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunDestroy(Run *run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(run->f));
  PetscCall(TpStateDestroy(&run->state));
  PetscCall(TpEngineDestroy(&run->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The means of one block of num_samples states, num_steps apart. */
static PetscErrorCode RunBlock(Run *run, PetscInt block, PetscInt num_samples, PetscInt num_steps, PetscInt count,
                               Observe observe, double means[])
{
  double values[MAX_AVERAGES];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < count; ++k) means[k] = 0;
  for (PetscInt sample = 0; sample < num_samples; ++sample) {
    const TpMoment moment = {11, 2, (PetscInt64)block * num_samples + sample};

    PetscCall(TpEngineAdvance(run->engine, run->temperature, num_steps, &moment, &run->state));
    PetscCall(observe(run, values));
    for (PetscInt k = 0; k < count; ++k) means[k] += values[k] / num_samples;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Compare the averages of a run with `expected`; a block ahead of the first is for equilibration. */
static PetscErrorCode Check(const TpEngineSettings *settings, double temperature, PetscInt num_samples,
                            PetscInt num_steps, PetscInt count, Observe observe, const double expected[])
{
  double sum[MAX_AVERAGES] = {0}, squares[MAX_AVERAGES] = {0}, means[MAX_AVERAGES];
  Run    run;

  PetscFunctionBeginUser;
  PetscCall(RunCreate(settings, temperature, &run));
  PetscCall(RunBlock(&run, NUM_BLOCKS, num_samples, num_steps, count, observe, means));
  for (PetscInt block = 0; block < NUM_BLOCKS; ++block) {
    PetscCall(RunBlock(&run, block, num_samples, num_steps, count, observe, means));
    for (PetscInt k = 0; k < count; ++k) {
      sum[k] += means[k];
      squares[k] += means[k] * means[k];
    }
  }
  for (PetscInt k = 0; k < count; ++k) {
    const double mean  = sum[k] / NUM_BLOCKS;
    const double error = sqrt((squares[k] / NUM_BLOCKS - mean * mean) / (NUM_BLOCKS - 1));

    TpTestExpectThat(fabs(mean - expected[k]) <= 4.0 * error, "%s at T = %g: average %d is %.6f +- %.6f, exact %.6f",
                     run.info->name, temperature, (int)k, mean, error, expected[k]);
  }
  PetscCall(RunDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObserveOscillators(Run *run, double values[])
{
  const double mass    = run->info->mass[0];
  double       kinetic = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->info->size; ++i) kinetic += 0.5 * mass * run->state.v[i] * run->state.v[i];
  values[0] = run->state.energy;
  values[1] = kinetic;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* BAOAB has the exact <U> of a harmonic oscillator at any timestep, and <m v^2> = T (1 - omega^2 dt^2 / 4) at full
   steps. */
static PetscErrorCode CheckHarmonic(double timestep, PetscInt num_samples)
{
  TpEngineSettings settings    = ModelSettings("harmonic");
  const double     temperature = 0.8, spring = settings.model.barrier, mass = settings.model.mass;
  double           expected[2];

  PetscFunctionBeginUser;
  settings.timestep        = timestep;
  settings.model.dimension = 6;
  expected[0]              = 3.0 * temperature;
  expected[1]              = 3.0 * temperature * (1.0 - spring / mass * timestep * timestep / 4.0);
  PetscCall(
      Check(&settings, temperature, num_samples, (PetscInt)ceil(1.0 / timestep), 2, ObserveOscillators, expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObserveWell(Run *run, double values[])
{
  PetscFunctionBeginUser;
  values[0] = run->state.energy;
  values[1] = run->state.x[0] > 0;
  values[2] = run->state.x[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAsymmetricDoubleWell(double beta, const double expected[3])
{
  TpEngineSettings settings = ModelSettings("asymmetric-double-well");

  PetscFunctionBeginUser;
  settings.timestep   = 0.02;
  settings.model.mass = 1.0;
  PetscCall(Check(&settings, 1.0 / beta, 30000, 10, 3, ObserveWell, expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Energy, mean place, and the shares of two of the three minima, which lines across the valley tell apart. */
static PetscErrorCode ObserveMuellerBrown(Run *run, double values[])
{
  const double x = run->state.x[0], y = run->state.x[1];

  PetscFunctionBeginUser;
  values[0] = run->state.energy;
  values[1] = x;
  values[2] = y;
  values[3] = y - x > 1.05;
  values[4] = y - x < 0.15;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckMuellerBrown(void)
{
  static const double expected[5] = {-113.45968, -0.42436, 1.16497, 0.812674, 0.132684};
  TpEngineSettings    settings    = ModelSettings("mueller-brown");

  PetscFunctionBeginUser;
  settings.timestep   = 0.004;
  settings.friction   = 5.0;
  settings.model.mass = 1.0;
  PetscCall(Check(&settings, 20.0, 20000, 20, 5, ObserveMuellerBrown, expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObserveEnergy(Run *run, double values[])
{
  PetscFunctionBeginUser;
  values[0] = run->state.energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <U> of two particles in a periodic cube: an integral over one eighth of the cube, by midpoints. */
static double PairEnergy(double length, double temperature)
{
  enum { POINTS = 150 };
  double weighted = 0, partition = 0;

  for (PetscInt i = 0; i < POINTS; ++i)
    for (PetscInt j = 0; j < POINTS; ++j)
      for (PetscInt k = 0; k < POINTS; ++k) {
        const double h       = 0.5 * length / POINTS;
        const double inverse = 1.0 / (h * h * (pow(i + 0.5, 2) + pow(j + 0.5, 2) + pow(k + 0.5, 2)));
        const double energy  = 4.0 * (pow(inverse, 6) - pow(inverse, 3));
        const double weight  = exp(-energy / temperature);

        weighted += weight > 0 ? weight * energy : 0;
        partition += weight;
      }
  return weighted / partition;
}

static PetscErrorCode CheckPair(void)
{
  TpEngineSettings settings = ModelSettings("lj-fluid");
  double           expected;

  PetscFunctionBeginUser;
  settings.model.num_particles = 2;
  settings.model.box_length    = 3.0;
  expected                     = PairEnergy(3.0, 1.5);
  PetscCall(Check(&settings, 1.5, 2000, 20, 1, ObserveEnergy, &expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_i (r_i - r_com) . grad_i U and the kinetic energy. */
static PetscErrorCode ObserveVirial(Run *run, double values[])
{
  const PetscInt size    = run->info->size;
  double         kinetic = 0, virial = 0, energy;

  PetscFunctionBeginUser;
  PetscCall(TpEngineEnergy(run->engine, run->state.x, NULL, &energy, run->f));
  for (PetscInt i = 0; i < size; ++i) {
    virial -= run->state.x[i] * run->f[i]; /* the forces add up to zero: the centre of mass drops out */
    kinetic += 0.5 * run->info->mass[0] * run->state.v[i] * run->state.v[i];
  }
  values[0] = virial;
  values[1] = kinetic;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hot enough to press against the wall: the virial theorem, <sum_i (r_i - r_com) . grad_i U> = 3 (N - 1) T. */
static PetscErrorCode CheckCluster(void)
{
  const double     temperature = 0.6, expected[2] = {18.0 * temperature, 10.5 * temperature};
  TpEngineSettings settings = ModelSettings("lj-cluster");

  PetscFunctionBeginUser;
  settings.model.num_particles = 7;
  settings.model.radius        = 1.5;
  settings.model.mass          = 1.0;
  settings.timestep            = 0.003;
  PetscCall(Check(&settings, temperature, 1000, 20, 2, ObserveVirial, expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckChain(void)
{
  const double     expected = -37.26623;
  TpEngineSettings settings = ModelSettings("chiral-chain");

  PetscFunctionBeginUser;
  settings.model.mass = 1.0;
  settings.timestep   = 0.02;
  PetscCall(Check(&settings, 2.5, 1000, 20, 1, ObserveEnergy, &expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const double hot[3] = {0.981867, 0.393184, -0.209965}, cold[3] = {0.354193, 0.282435, -0.429217};

  TpTestBegin(&argc, &argv);
  TpTestCall(CheckHarmonic(0.02, 1000));
  TpTestCall(CheckHarmonic(0.8, 20000));
  TpTestCall(CheckAsymmetricDoubleWell(0.5, hot));
  TpTestCall(CheckAsymmetricDoubleWell(1.0, cold));
  TpTestCall(CheckMuellerBrown());
  TpTestCall(CheckPair());
  TpTestCall(CheckCluster());
  TpTestCall(CheckChain());
  return TpTestEnd();
}
