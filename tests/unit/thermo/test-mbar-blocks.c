/* The bootstrap over the same blocks of all states: right errors where configurations travel between rungs, which other errors miss. */
#include "mbar-samples.h"
#include "test.h"

enum { REPEATS = 240, COUNT = 200, EVERY = 30, REPLICATES = 40 };

static PetscErrorCode FreeEnergy(TpMbar mbar, void *context, double value[])
{
  const double temperature = *(const double *)context;
  TpMbarPoint  point;

  PetscFunctionBeginUser;
  PetscCall(TpMbarAtTemperatures(mbar, 1, &temperature, &point));
  value[0] = point.free_energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both rungs see one and the same fluctuation at a time, which lasts two samples: an extreme of what swaps make. */
static void Couple(Oscillators *system)
{
  for (PetscInt64 i = 0; i < COUNT; ++i) {
    system->energy[i]         = system->energy[i - i % 2];
    system->energy[COUNT + i] = system->temperature[1] * system->energy[i];
  }
}

/* Free energy of the hot rung; where `together` is wanted, its errors by blocks of 10 of both rungs, and of each rung by itself. */
static PetscErrorCode Solve(const Oscillators *system, double *value, double *together, double *apart)
{
  double       temperature = system->temperature[1], mean;
  TpMbar       mbar;
  TpMbarResult result;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsMbar(system, PETSC_COMM_SELF, (const double[]){2.0, 2.0}, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  PetscCall(FreeEnergy(mbar, &temperature, value));
  if (together) {
    PetscCall(TpMbarBootstrap(mbar, 3, REPLICATES, 1, FreeEnergy, &temperature, &mean, apart));
    PetscCall(TpMbarSetBlocks(mbar, 10));
    PetscCall(TpMbarBootstrap(mbar, 3, REPLICATES, 1, FreeEnergy, &temperature, &mean, together));
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The scatter of 240 data sets is known to 1 / sqrt(480) = 4.6 %, the mean error of 8 bootstraps to about 5 %. Blocks of 10 lose the correlation at
  their ends, a tenth of g - 1 = 1 in the variance of 2, and the variance of 20 blocks lacks a twentieth: 5 % of the error in all. Bounds: 4 x 6.8 %
  beside that. Rungs taken as independent have an error smaller by 1 / sqrt(2).
*/
static PetscErrorCode BlocksAreCalibrated(void)
{
  Oscillators system;
  double      sum = 0.0, square = 0.0, mean_together = 0.0, mean_apart = 0.0;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(2, 4, 1.5, COUNT, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    double value = 0.0, together = 0.0, apart = 0.0;

    PetscCall(OscillatorsDraw(&system, 500 + (uint64_t)repeat));
    Couple(&system);
    PetscCall(Solve(&system, &value, repeat % EVERY ? NULL : &together, &apart));
    mean_together += together * EVERY / REPEATS;
    mean_apart += apart * EVERY / REPEATS;
    sum += value / REPEATS;
    square += value * value / REPEATS;
  }
  const double scatter = sqrt(square - sum * sum);

  TpTestExpectThat(mean_together > 0.68 * scatter && mean_together < 1.25 * scatter, "error %g, scatter %g",
                   mean_together, scatter);
  TpTestExpectThat(mean_together > 1.2 * mean_apart, "error %g, of rungs taken as independent %g", mean_together,
                   mean_apart);
  PetscCall(OscillatorsDestroy(&system));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(BlocksAreCalibrated());
  return TpTestEnd();
}
