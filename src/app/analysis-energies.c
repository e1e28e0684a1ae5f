/* Energies of the model's samples beside the run's, as they are and after a short relaxation by the run's engine. */
#include "analysis-model.h"

#include <math.h>

enum {
  ENERGY_BINS = 80,
  STAGES      = 2, /* as they are, relaxed */
  MOST_FRAMES = 8, /* of the run, whose energies the engine must give again */
};

/* Of k_B T: how far a frame's energy may be from the recorded one, whose positions had all digits. */
#define FRAME_TOLERANCE 0.1

/* What moves samples on this rank. */
typedef struct {
  TpEngineSettings    settings;
  TpEngine            engine;
  const TpEngineInfo *info;
  TpFeatures          features;
  TpState             state;
} Mover;

/* This rank's part of the samples, and their energies. */
typedef struct {
  const TpModelWork *work;
  TpModelEnergies   *result;
  PetscInt64         first, count; /* of those that are relaxed */
  double            *energy;       /* [temperatures, STAGES, count] */
  double             centre, width;
  float   *reference, *model;         /* energies less `centre`: [rungs, used rounds], [temperatures, STAGES, count] */
  int32_t *reference_bin, *model_bin; /* likewise */
} Energies;

/* -------------------------------------------------------------------------------------------------------------- engine */

/* The engine of the run. An input error is the reason why there is none, or why it is of no use. */
static PetscErrorCode MoverOpen(const TpModelWork *work, const TpSettings *settings, Mover *mover)
{
  static const char incomplete[] = "features do not give back a configuration";

  PetscFunctionBeginUser;
  TpCheckInput(!settings->features.torsions.size && !settings->features.distances.size, "%s", incomplete);
  mover->settings                 = settings->engine;
  mover->settings.openmm.minimize = PETSC_FALSE; /* start positions are of no use here */
  PetscCall(TpEngineCreate(&mover->settings, work->samples->rank, &mover->engine));
  PetscCall(TpEngineGetInfo(mover->engine, &mover->info));
  const TpFeatureSystem system = TpSystemOfFeatures(mover->info);

  PetscCall(TpFeaturesCreate(&settings->features, &system, &mover->features));
  TpCheckInput(TpFeaturesCanRestore(mover->features), "%s", incomplete);
  TpCheckInput(!mover->info->num_constraints, "a model's positions do not keep bonds at a fixed length");
  PetscCall(TpStateCreate(mover->info->size, &mover->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MoverClose(Mover *mover)
{
  PetscFunctionBeginUser;
  PetscCall(TpStateDestroy(&mover->state));
  PetscCall(TpFeaturesDestroy(&mover->features));
  PetscCall(TpEngineDestroy(&mover->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The run's frames must get their recorded energies: else the engine is not what it was, or energies depend on what the features leave out, as a
   direction in an outer field. */
static PetscErrorCode CheckFrames(const TpModelWork *work, Mover *mover)
{
  const TpSamples *samples = work->samples;
  const PetscInt   num     = PetscMin(samples->num_rungs, (PetscInt)MOST_FRAMES);
  double           worst   = 0.0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < num && work->count; ++i) {
    const PetscInt   k   = i * samples->num_rungs / num;
    const PetscInt64 row = k * work->count;
    double           energy;

    TpFeaturesRestore(mover->features, work->feature + row * samples->num_features, mover->state.x);
    PetscCall(TpEngineEnergy(mover->engine, mover->state.x, NULL, &energy, NULL));
    const double error = fabs(energy - work->energy[row]) * samples->beta[k];

    worst = PetscMax(worst, isfinite(error) ? error : PETSC_MAX_REAL);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, samples->comm, NULL));
  TpCheckInput(worst < FRAME_TOLERANCE,
               "the engine gives frames of the run energies other than theirs, by up to %.3g k_B T", worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Energies of one sample: as it is, and after the steps. */
static PetscErrorCode MoveSample(Mover *mover, uint64_t seed, double temperature, PetscInt64 number, PetscInt64 steps,
                                 const float raw[], double energy[STAGES])
{
  const TpMoment moment = {seed, (PetscInt)number, 0};

  PetscFunctionBeginUser;
  PetscCall(TpEngineStart(mover->engine, seed, number, temperature, &mover->state)); /* velocities, and the box */
  TpFeaturesRestore(mover->features, raw, mover->state.x);
  PetscCall(TpEngineEnergy(mover->engine, mover->state.x, NULL, &energy[0], NULL));
  energy[1] = energy[0];
  if (!isfinite(energy[0]) || !steps) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpEngineAdvance(mover->engine, temperature, steps, &moment, &mover->state));
  energy[1] = mover->state.energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The relaxed samples are spread over all: number i is sample i N / n of N. */
static PetscErrorCode MoveSamples(Energies *energies, Mover *mover)
{
  const TpModelWork *work = energies->work;
  const PetscInt64   all = work->result->num_samples, num = energies->result->num_samples;
  const PetscInt     width = work->samples->num_features;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t) {
    const double   temperature = work->analysis->temperature[t];
    const uint64_t seed        = TpSeedAt(work->analysis->seed, TP_RANDOM_RELAXATION, temperature);

    for (PetscInt64 i = 0; i < energies->count; ++i) {
      const PetscInt64 sample = (energies->first + i) * all / num - work->first;
      double           energy[STAGES];

      PetscCall(MoveSample(mover, seed, temperature, energies->first + i, energies->result->steps,
                           work->model + (t * work->share + sample) * width, energy));
      for (int stage = 0; stage < STAGES; ++stage)
        energies->energy[(t * STAGES + stage) * energies->count + i] = energy[stage];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ compare */

static PetscErrorCode Allocate(Energies *energies)
{
  const TpModelWork *work = energies->work;
  const PetscInt64   num = energies->result->num_samples, all = work->result->num_samples;
  const PetscInt64   rows = work->samples->num_rungs * work->count;

  PetscFunctionBeginUser;
  energies->first         = (work->first * num + all - 1) / all;
  energies->count         = ((work->first + work->share) * num + all - 1) / all - energies->first;
  const PetscInt64 copies = work->analysis->num_temperatures * STAGES * energies->count;

  PetscCall(PetscMalloc3(copies, &energies->energy, copies, &energies->model, copies, &energies->model_bin));
  PetscCall(PetscMalloc2(rows, &energies->reference, rows, &energies->reference_bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(Energies *energies)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(energies->energy, energies->model, energies->model_bin));
  PetscCall(PetscFree2(energies->reference, energies->reference_bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean, standard deviation and range of the run's energies. */
static PetscErrorCode Standardise(Energies *energies)
{
  const TpModelWork *work    = energies->work;
  const PetscInt64   rows    = work->samples->num_rungs * work->count;
  double             sums[3] = {(double)rows, 0.0, 0.0}, ends[2] = {-PETSC_MAX_REAL, -PETSC_MAX_REAL};

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < rows; ++i) {
    sums[1] += work->energy[i];
    ends[0] = PetscMax(ends[0], -work->energy[i]);
    ends[1] = PetscMax(ends[1], work->energy[i]);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, work->samples->comm, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, work->samples->comm, NULL));
  energies->centre = sums[1] / sums[0];
  for (PetscInt64 i = 0; i < rows; ++i) sums[2] += PetscSqr(work->energy[i] - energies->centre);
  PetscCall(TpAllreduce(MPI_IN_PLACE, sums + 2, 1, MPI_DOUBLE, MPI_SUM, work->samples->comm, NULL));
  energies->width        = sqrt(sums[2] / sums[0]);
  energies->result->bins = ENERGY_BINS;
  energies->result->low  = -ends[0];
  energies->result->high = ends[1] > -ends[0] ? ends[1] : ends[1] + 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As features of TpCrossCheck(). What is not finite is as high as can be. */
static void Count(const Energies *energies, PetscInt64 count, const double energy[], float feature[], int32_t bin[])
{
  const double low = energies->result->low, scale = ENERGY_BINS / (energies->result->high - low);

  for (PetscInt64 i = 0; i < count; ++i) {
    const double value = isnan(energy[i]) ? (double)INFINITY : energy[i];

    feature[i] = (float)(value - energies->centre);
    bin[i]     = (int32_t)PetscMin(PetscMax((value - low) * scale, 0.0), ENERGY_BINS - 1.0);
  }
}

static PetscErrorCode AddCheck(Energies *energies, PetscInt t, PetscInt stage, const TpComparison *of_features,
                               TpComparison *comparison)
{
  TpEnergyCheck   *check = &energies->result->check[energies->result->num_checks];
  const PetscInt64 place = (t * STAGES + stage) * energies->count;

  PetscFunctionBeginUser;
  *check =
      (TpEnergyCheck){.temperature = t, .reference = of_features->kind, .steps = stage ? energies->result->steps : 0};
  PetscCall(PetscCalloc5(1, &check->result.distance, 1, &check->result.divergence, 1, &check->result.mean, ENERGY_BINS,
                         &check->result.reference, ENERGY_BINS, &check->result.model));
  for (PetscInt64 i = 0; i < energies->count; ++i)
    check->mean += energies->energy[place + i] / (double)energies->result->num_samples;
  PetscCall(TpAllreduce(MPI_IN_PLACE, &check->mean, 1, MPI_DOUBLE, MPI_SUM, energies->work->samples->comm, NULL));
  comparison[energies->result->num_checks] = *of_features;
  comparison                               = &comparison[energies->result->num_checks++];
  comparison->first                        = energies->first;
  comparison->count                        = energies->count;
  comparison->total                        = energies->result->num_samples;
  comparison->features                     = energies->model + place;
  comparison->bin                          = energies->model_bin + place;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The engine draws everything towards one temperature: relaxed samples are no longer a label's mixture, which is held against those that were generated alone. */
static PetscErrorCode ListChecks(Energies *energies, TpComparison *comparison)
{
  const TpModelWork *work = energies->work;

  PetscFunctionBeginUser;
  for (PetscInt c = 0; c < work->result->num_checks; ++c) {
    const TpComparison *of_features = &work->comparison[c];

    PetscCall(AddCheck(energies, work->result->check[c].temperature, 0, of_features, comparison));
    if (of_features->kind != TP_REFERENCE_MIXTURE && energies->result->steps)
      PetscCall(AddCheck(energies, work->result->check[c].temperature, 1, of_features, comparison));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(Energies *energies)
{
  const TpModelWork *work = energies->work;
  const PetscInt     most = STAGES * work->result->num_checks, size = ENERGY_BINS;
  const double       period = 0.0, centre = 0.0;
  TpModelEnergies   *result = energies->result;
  TpComparison      *comparison;
  TpCrossResult     *results;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(most, &result->check));
  PetscCall(PetscMalloc2(most, &comparison, most, &results));
  PetscCall(ListChecks(energies, comparison));
  for (PetscInt c = 0; c < result->num_checks; ++c) results[c] = result->check[c].result;
  const TpCrossTask task = {.num_features    = 1,
                            .period          = &period,
                            .centre          = &centre,
                            .width           = &energies->width,
                            .num_samples     = work->samples->num_rungs * work->count,
                            .features        = energies->reference,
                            .num_histograms  = 1,
                            .histogram_size  = &size,
                            .bin             = energies->reference_bin,
                            .num_comparisons = result->num_checks,
                            .comparison      = comparison,
                            .replicates      = PetscMax(20, work->analysis->replicates),
                            .seed            = work->analysis->seed,
                            .alarm           = result->alarm};

  PetscCall(TpCrossCheck(work->mbar, work->samples->comm, &task, results));
  for (PetscInt c = 0; c < result->num_checks; ++c) {
    TpEnergyCheck *check = &result->check[c];

    check->result = results[c];
    check->result.mean[0] += energies->centre;
    check->verdict = TpModelVerdict(work, check->reference, check->temperature, &check->result);
  }
  PetscCall(PetscFree2(comparison, results));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- whole */

/* With an engine that has been found to be the run's. */
static PetscErrorCode Analyse(const TpModelWork *work, Mover *mover)
{
  Energies       energies = {.work = work, .result = &work->result->energies};
  const PetscInt groups   = work->analysis->num_temperatures * STAGES;

  PetscFunctionBeginUser;
  PetscCall(Allocate(&energies));
  PetscCall(MoveSamples(&energies, mover));
  PetscCall(Standardise(&energies));
  Count(&energies, work->samples->num_rungs * work->count, work->energy, energies.reference, energies.reference_bin);
  Count(&energies, groups * energies.count, energies.energy, energies.model, energies.model_bin);
  PetscCall(Compare(&energies));
  PetscCall(Free(&energies));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseModelEnergies(const TpModelWork *work, const TpSettings *settings)
{
  TpModelEnergies *result = &work->result->energies;
  Mover            mover  = {.engine = NULL};
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  result->num_samples = PetscMin(settings->analysis.relaxation.samples, work->result->num_samples);
  result->steps       = settings->analysis.relaxation.steps;
  result->alarm       = TP_FALSE_ALARM / (double)(STAGES * work->analysis->num_temperatures);
  if (!result->num_samples) {
    PetscCall(PetscStrncpy(result->reason, "analysis.relaxation.samples is 0", sizeof(result->reason)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  code = TpAgree(work->samples->comm, MoverOpen(work, settings, &mover));
  if (!code) code = CheckFrames(work, &mover);
  if (code == TP_ERR_INPUT) {
    PetscCall(PetscStrncpy(result->reason, TpInputErrorMessage(), sizeof(result->reason)));
    TpInputErrorClear();
  } else
    PetscCall(code);
  if (!code) PetscCall(Analyse(work, &mover));
  PetscCall(MoverClose(&mover));
  PetscFunctionReturn(PETSC_SUCCESS);
}
