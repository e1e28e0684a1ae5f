/* How far a model's score is from a gradient. */
#include "model.h"

#include <math.h>

enum { NUM_VECTORS = 8 }; /* at each configuration and time: 28 pairs */

/* From little noise, where the score has the data's detail, to much. */
static const double noises[TP_ASYMMETRY_TIMES] = {0.1, 0.25, 0.5, 0.75, 0.9, 0.99};

/* The time with so much noise, not before the first one that the model knows. */
static TpNumber TimeOf(TpSchedule schedule, double noise)
{
  return (TpNumber)PetscMax(1.0 / (double)schedule->num_times, TpScheduleTime(schedule, 1.0 - noise * noise));
}

/* Squares at one configuration x0 [D], those of two times `stride` apart; x [D] scratch. */
static PetscErrorCode Measure(TpSchedule schedule, const TpDenoiser *denoiser, const TpNumber c[], uint64_t seed,
                              uint32_t id, const TpNumber x0[], TpNumber x[], PetscInt64 stride, double squares[])
{
  const PetscInt D = denoiser->num_inputs;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k) {
    const TpNumber t      = TimeOf(schedule, noises[k]);
    const double   abar   = TpScheduleSignal(schedule, (double)t);
    const TpNumber signal = (TpNumber)sqrt(abar), noise = (TpNumber)sqrt(1.0 - abar);

    TpRandomNormalFloat(seed, TP_RANDOM_ASYMMETRY_NOISE, id, (uint64_t)k, D, x);
    for (PetscInt i = 0; i < D; ++i) x[i] = signal * x0[i] + noise * x[i];
    PetscCall(TpDenoiserAsymmetry(denoiser, seed, id, (uint64_t)k, x, t, c, squares + k * stride));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of squares [times, total, 2]. */
static PetscErrorCode MeasureShare(TpModel model, TpSchedule schedule, uint64_t seed, PetscInt64 total,
                                   const TpConfigurations *configurations, const double further[], double squares[])
{
  TpModelDenoiser   states;
  const TpDenoiser *denoiser;
  const TpNumber   *c;
  TpNumber         *x0, *x;

  PetscFunctionBeginUser;
  PetscCall(TpModelDenoiserCreate(model, schedule, NUM_VECTORS, PETSC_TRUE, &states));
  TpModelDenoiserDiffuseTemperature(states);
  denoiser = TpModelDenoiserGet(states, &c);
  PetscCall(PetscMalloc2(denoiser->num_inputs, &x0, denoiser->num_inputs, &x));
  for (PetscInt64 i = 0; i < configurations->count; ++i) {
    const PetscInt64 index = configurations->index[i];

    TpModelDenoiserSet(states, configurations->temperature[i], further, seed, (uint32_t)index);
    TpModelDenoiserEncode(states, configurations->raw + i * model->num_features, x0);
    PetscCall(Measure(schedule, denoiser, c, seed, (uint32_t)index, x0, x, 2 * total, squares + 2 * index));
  }
  PetscCall(PetscFree2(x0, x));
  PetscCall(TpModelDenoiserDestroy(&states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelAsymmetry(TpModel model, MPI_Comm comm, uint64_t seed, PetscInt64 total,
                                const TpConfigurations *configurations, const double further[], TpAsymmetry times[])
{
  const PetscInt64 numbers = TP_ASYMMETRY_TIMES * total * 2;
  TpSchedule       schedule;
  double          *squares;

  PetscFunctionBeginUser;
  PetscCall(TpScheduleCreate(model->diffusion.schedule, (PetscInt)model->diffusion.num_times, &schedule));
  PetscCall(PetscCalloc1(numbers, &squares));
  PetscCall(MeasureShare(model, schedule, seed, total, configurations, further, squares));
  PetscCall(TpAllreduce(MPI_IN_PLACE, squares, (int)numbers, MPI_DOUBLE, MPI_SUM, comm, NULL));
  for (PetscInt k = 0; k < TP_ASYMMETRY_TIMES; ++k) {
    times[k].noise = sqrt(1.0 - TpScheduleSignal(schedule, (double)TimeOf(schedule, noises[k])));
    TpAsymmetryRatio(total, squares + 2 * k * total, &times[k].ratio, &times[k].error);
  }
  PetscCall(PetscFree(squares));
  PetscCall(TpScheduleDestroy(&schedule));
  PetscFunctionReturn(PETSC_SUCCESS);
}
