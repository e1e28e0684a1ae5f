/* Error bars of `tempera analyze` over hundreds of runs of a system with an exact answer, whose walkers remember and exchange. */
#include "../../../src/app/analysis.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

enum { RUNGS = 4, COORDINATES = 4, FEATURES = 2, ROUNDS = 300, RUNS = 400, BETWEEN = 2 };

/*
  U = |x|^2 / 2 + step s, s 0 or 1. In a round each x_i forgets a half of itself, at any temperature; s is tried more often at hot rungs, so that what a cold one
  sees of it comes with walkers. Then neighbours exchange, even pairs and odd pairs in turn.
*/
static const double step = 2.0, memory = 0.5;
static const double trial              = 0.2; /* of s, at the last rung; it falls linearly to 0 at the first */
static double       temperature[RUNGS] = {1.0, 1.4, 2.0, 2.8};

typedef struct {
  double   x[COORDINATES];
  int      s;
  PetscInt walker;
} Configuration;

static double Energy(const Configuration *c)
{
  double energy = step * c->s;

  for (int i = 0; i < COORDINATES; ++i) energy += 0.5 * c->x[i] * c->x[i];
  return energy;
}

static void Start(uint64_t seed, Configuration c[RUNGS])
{
  for (int k = 0; k < RUNGS; ++k) {
    const double t = temperature[k], up = exp(-step / t);
    double       uniform;

    TpRandomNormal(seed, TP_RANDOM_TEST, (uint32_t)k, 0, COORDINATES, c[k].x);
    for (int i = 0; i < COORDINATES; ++i) c[k].x[i] *= sqrt(t);
    TpRandomUniform(seed, TP_RANDOM_TEST, RUNGS + (uint32_t)k, 0, 1, &uniform);
    c[k].s      = uniform < up / (1.0 + up);
    c[k].walker = k;
  }
}

static void Move(uint64_t seed, uint64_t round, int k, Configuration *c)
{
  const double t = temperature[k], fresh = sqrt((1.0 - memory * memory) * t);
  double       normal[COORDINATES], uniform[2];

  TpRandomNormal(seed, TP_RANDOM_TEST, (uint32_t)k, round, COORDINATES, normal);
  for (int i = 0; i < COORDINATES; ++i) c->x[i] = memory * c->x[i] + fresh * normal[i];
  TpRandomUniform(seed, TP_RANDOM_TEST, RUNGS + (uint32_t)k, round, 2, uniform);
  if (uniform[0] < trial * k / (RUNGS - 1) && (c->s || uniform[1] < exp(-step / t))) c->s = !c->s;
}

static void Exchange(uint64_t seed, uint64_t round, Configuration c[RUNGS])
{
  double uniform[RUNGS];

  TpRandomUniform(seed, TP_RANDOM_TEST, 2 * RUNGS, round, RUNGS, uniform);
  for (int k = (int)(round % 2); k + 1 < RUNGS; k += 2) {
    const double beta = 1.0 / temperature[k] - 1.0 / temperature[k + 1];

    if (log(uniform[k]) < beta * (Energy(&c[k]) - Energy(&c[k + 1]))) {
      const Configuration other = c[k];

      c[k]     = c[k + 1];
      c[k + 1] = other;
    }
  }
}

static void Simulate(uint64_t seed, TpSamples *samples)
{
  Configuration c[RUNGS];

  Start(seed, c);
  for (PetscInt64 i = 0; i < samples->num_rounds; ++i) {
    for (int k = 0; k < RUNGS; ++k) {
      const PetscInt64 row = k * samples->num_rounds + i;

      Move(seed, (uint64_t)i + 1, k, &c[k]);
      samples->energy[row]                  = Energy(&c[k]);
      samples->walker[row]                  = c[k].walker;
      samples->features[row * FEATURES]     = (float)c[k].x[0];
      samples->features[row * FEATURES + 1] = (float)c[k].s;
    }
    Exchange(seed, (uint64_t)i + 1, c);
  }
}

/* --------------------------------------------------------------------------------------------------------- standardise */

/* Free energy of the last rung, mean energy and heat capacity between rungs, population of s = 1 at both ends; and the free energy by MBAR's own error. */
enum { FREE_ENERGY, ENERGY, HEAT_CAPACITY, COLD_POPULATION, HOT_POPULATION, QUANTITIES, BY_MBAR = QUANTITIES, ALL };

static const char *const names[QUANTITIES] = {"F", "U", "C_v", "cold population", "hot population"};

static double LogZ(double t)
{
  return 0.5 * COORDINATES * log(t) + log1p(exp(-step / t));
}

static double Up(double t)
{
  return 1.0 / (1.0 + exp(step / t));
}

/* Deviations from what is exact, in units of the errors told. */
static void Standardise(const TpAnalysis *analysis, double z[ALL])
{
  const TpMbarPoint *between = &analysis->point[BETWEEN].point, *top = &analysis->point[analysis->num_points - 1].point;
  const TpBasinPoint *cold = &analysis->basin_point[0], *hot = &analysis->basin_point[2];
  const double        t = between->temperature, up = Up(t), variance = up * (1.0 - up) * step * step / (t * t);
  const double        f = LogZ(temperature[0]) - LogZ(top->temperature);

  z[FREE_ENERGY]     = (top->free_energy - top->temperature * f) / top->free_energy_error;
  z[ENERGY]          = (between->energy - 0.5 * COORDINATES * t - step * up) / between->energy_error;
  z[HEAT_CAPACITY]   = (between->heat_capacity - 0.5 * COORDINATES - variance) / between->heat_capacity_error;
  z[COLD_POPULATION] = (cold->population - Up(temperature[0])) / cold->population_error;
  z[HOT_POPULATION]  = (hot->population - Up(temperature[RUNGS - 1])) / hot->population_error;
  z[BY_MBAR]         = (analysis->mbar.f[RUNGS - 1] - f) / analysis->mbar.error[RUNGS - 1];
}

/* --------------------------------------------------------------------------------------------------------------- runs */

/* What a run of run.h5 would give, all rounds counted. */
static PetscErrorCode Create(TpSamples *samples)
{
  static double period[FEATURES], beta[RUNGS];
  static char  *name[FEATURES] = {"x", "s"}, *unit[FEATURES] = {"", ""};

  PetscFunctionBeginUser;
  for (int k = 0; k < RUNGS; ++k) beta[k] = 1.0 / temperature[k];
  *samples = (TpSamples){.comm            = PETSC_COMM_SELF,
                         .size            = 1,
                         .units           = TP_UNITS_REDUCED,
                         .boltzmann       = 1.0,
                         .num_rungs       = RUNGS,
                         .temperature     = temperature,
                         .beta            = beta,
                         .num_features    = FEATURES,
                         .period          = period,
                         .name            = name,
                         .unit            = unit,
                         .energy_interval = 1,
                         .interval        = 1,
                         .num_rounds      = ROUNDS,
                         .count           = ROUNDS};
  PetscCall(PetscMalloc3(RUNGS * ROUNDS, &samples->energy, RUNGS * ROUNDS, &samples->walker, RUNGS * ROUNDS * FEATURES,
                         &samples->features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Runs(double square[ALL], double *blocks)
{
  char      *basin    = "up.s: [0.5, 2]";
  double     asked[]  = {temperature[0], 1.7, temperature[RUNGS - 1]};
  TpSettings settings = {.analysis = {.replicates = 40, .bins = 2, .basins = {1, &basin}, .temperatures = {3, asked}}};
  TpConfig   config;
  TpSamples  samples;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, &config));
  PetscCall(Create(&samples));
  for (int run = 0; run < RUNS; ++run) {
    TpAnalysis analysis;
    double     z[ALL];

    Simulate(1000 + (uint64_t)run, &samples);
    settings.run.seed = run;
    PetscCall(TpAnalyseEstimates(&samples, config, &settings, &analysis));
    Standardise(&analysis, z);
    for (int q = 0; q < ALL; ++q) square[q] += z[q] * z[q] / RUNS;
    *blocks += (double)ROUNDS / (double)analysis.block / RUNS;
    PetscCall(TpAnalysisDestroy(&analysis));
  }
  PetscCall(PetscFree3(samples.energy, samples.walker, samples.features));
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Short runs, of about 28 times the correlation and 10 blocks. Errors from so few blocks scatter themselves: squares of standardised errors follow t^2 with
  9 degrees of freedom, whose mean is 9/7 and whose mean over 400 runs is known to 0.115; of the mean over the quantities, of which about two are
  independent, to 0.08. Bounds at 4 such errors around 1.25, a false alarm of 4e-4 in all. Without what is made up for at the ends of the blocks the mean is 1.65.
*/
static PetscErrorCode ErrorsAreCalibrated(void)
{
  double square[ALL] = {0.0}, mean = 0.0, blocks = 0.0;

  PetscFunctionBeginUser;
  PetscCall(Runs(square, &blocks));
  for (int q = 0; q < QUANTITIES; ++q) {
    TpTestExpectThat(fabs(square[q] - 1.25) < 0.46, "%s: squares of standardised errors have the mean %.3f", names[q],
                     square[q]);
    mean += square[q] / QUANTITIES;
  }
  TpTestExpectThat(fabs(mean - 1.25) < 0.32, "squares of standardised errors have the mean %.3f", mean);
  TpTestExpectThat(blocks > 9.0 && blocks < 13.0, "%.1f blocks: the bounds are for 10", blocks);
  /* the walkers do carry correlation from rung to rung */
  TpTestExpectThat(square[BY_MBAR] > 1.25, "errors that take rungs as independent: mean square %.3f", square[BY_MBAR]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  setenv("PETSC_OPTIONS", "",
         1); /* -malloc_debug looks through all blocks at each call, which makes this 13 times slower */
  TpTestBegin(&argc, &argv);
  TpTestCall(ErrorsAreCalibrated());
  return TpTestEnd();
}
