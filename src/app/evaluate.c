/* The end of a run: generate at the temperatures that were held out, and compare with the MD that the model has not seen. */
#include "histograms.h"

#include <math.h>

#define EVALUATION_FORMAT  "tempera evaluation"
#define EVALUATION_VERSION 1

/* Three sets of samples at each held-out temperature. */
typedef struct {
  TpHistograms first_half; /* of the MD, by time */
  TpHistograms second_half;
  TpHistograms both; /* all MD */
  TpHistograms model;
} Comparison;

typedef struct {
  TpRun       run;
  TpBinning   binning;
  PetscInt    num;         /* held-out temperatures */
  PetscInt64 *rung;        /* [num] */
  double     *temperature; /* [num] */
  Comparison *comparison;  /* [num] */
  TpAtoms     atoms;       /* turned at random in all frames, as they are in samples; NULL: none */
  float      *turned;      /* [features] a frame of recorded data with its atoms turned */
} Evaluation;

/* ------------------------------------------------------------------------------------------------------------- create */

static PetscErrorCode Create(TpRun run, Evaluation *evaluation)
{
  const PetscInt num_rungs = run->ladder->num_rungs;

  PetscFunctionBeginUser;
  *evaluation = (Evaluation){.run = run};
  PetscCall(TpBinningCreate(run, &evaluation->binning));
  PetscCall(TpRunTurnedAtoms(run, &evaluation->atoms));
  PetscCall(PetscMalloc1(run->system.num_features, &evaluation->turned));
  PetscCall(PetscMalloc3(num_rungs, &evaluation->rung, num_rungs, &evaluation->temperature, num_rungs,
                         &evaluation->comparison));
  for (PetscInt k = 0; k < num_rungs; ++k) {
    if (!TpRunIsHeldOut(run, k)) continue;
    Comparison *comparison                   = &evaluation->comparison[evaluation->num];
    evaluation->rung[evaluation->num]        = k;
    evaluation->temperature[evaluation->num] = run->ladder->temperature[k];
    PetscCall(TpHistogramsCreate(&evaluation->binning, &comparison->first_half));
    PetscCall(TpHistogramsCreate(&evaluation->binning, &comparison->second_half));
    PetscCall(TpHistogramsCreate(&evaluation->binning, &comparison->both));
    PetscCall(TpHistogramsCreate(&evaluation->binning, &comparison->model));
    ++evaluation->num;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Evaluation *evaluation)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < evaluation->num; ++i) {
    PetscCall(TpHistogramsDestroy(&evaluation->comparison[i].first_half));
    PetscCall(TpHistogramsDestroy(&evaluation->comparison[i].second_half));
    PetscCall(TpHistogramsDestroy(&evaluation->comparison[i].both));
    PetscCall(TpHistogramsDestroy(&evaluation->comparison[i].model));
  }
  PetscCall(PetscFree3(evaluation->rung, evaluation->temperature, evaluation->comparison));
  PetscCall(PetscFree(evaluation->turned));
  PetscCall(TpAtomsDestroy(&evaluation->atoms));
  PetscCall(TpBinningDestroy(&evaluation->binning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- reference */

/* Rows of /features/value after equilibration: [*start, *end). */
static void RowsOfFrames(TpRun run, PetscInt64 *start, PetscInt64 *end)
{
  const PetscInt64 rounds = run->rounds_done, interval = run->settings.stream.keep_interval;

  *start = PetscMin(run->settings.training.start_round, rounds) / interval;
  *end   = rounds / interval;
}

/* This rank's share of them: [*first, *end). */
static void ShareOfRows(TpRun run, PetscInt64 *first, PetscInt64 *end)
{
  const int  size = run->groups->num_replicas + run->groups->num_trainers;
  PetscInt64 start, all_end;

  RowsOfFrames(run, &start, &all_end);
  *first = start + (all_end - start) * run->groups->world_rank / size;
  *end   = start + (all_end - start) * (run->groups->world_rank + 1) / size;
}

/* Nothing seen yet of features that have no period; the others' bins span it. */
static void BeginRanges(Evaluation *evaluation)
{
  for (PetscInt i = 0; i < evaluation->binning.num_features; ++i) {
    if (evaluation->run->system.period[i] > 0.0) continue;
    evaluation->binning.low[i]  = PETSC_MAX_REAL;
    evaluation->binning.high[i] = -PETSC_MAX_REAL;
  }
}

static void WidenRanges(Evaluation *evaluation, const float features[])
{
  for (PetscInt i = 0; i < evaluation->binning.num_features; ++i) {
    if (evaluation->run->system.period[i] > 0.0) continue;
    evaluation->binning.low[i]  = PetscMin(evaluation->binning.low[i], features[i]);
    evaluation->binning.high[i] = PetscMax(evaluation->binning.high[i], features[i]);
  }
}

/* Features that have no period are binned over the range of all ranks' held-out rows, a little widened. */
static PetscErrorCode AgreeOnRanges(Evaluation *evaluation)
{
  TpRun          run = evaluation->run;
  const PetscInt num = run->system.num_features;
  double        *low = evaluation->binning.low, *high = evaluation->binning.high;

  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(MPI_IN_PLACE, low, num, MPI_DOUBLE, MPI_MIN, run->groups->world, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, high, num, MPI_DOUBLE, MPI_MAX, run->groups->world, NULL));
  for (PetscInt i = 0; i < num; ++i) {
    const double margin = run->system.period[i] > 0.0 ? 0.0 : 0.05 * (high[i] - low[i]) + 1e-9;

    low[i] -= margin;
    high[i] += margin;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The features of a row as they are compared. */
static PetscErrorCode FeaturesOf(Evaluation *evaluation, const TpDataRow *row, const float **features)
{
  PetscFunctionBeginUser;
  *features = row->features;
  if (!evaluation->atoms) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArraycpy(evaluation->turned, row->features, evaluation->binning.num_features));
  TpAtomsTurnReference(evaluation->atoms, (uint64_t)evaluation->run->settings.run.seed, row->row, evaluation->turned);
  *features = evaluation->turned;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of recorded data that is held out goes to its temperature's histograms. */
static void CountRow(Evaluation *evaluation, const TpDataRow *row, const float features[])
{
  for (PetscInt j = 0; j < evaluation->num; ++j) {
    Comparison *comparison = &evaluation->comparison[j];

    if (row->rung != evaluation->rung[j]) continue;
    TpHistogramsAdd(&evaluation->binning, 1, features, evaluation->binning.num_features,
                    row->second_half ? &comparison->second_half : &comparison->first_half);
    TpHistogramsAdd(&evaluation->binning, 1, features, evaluation->binning.num_features, &comparison->both);
  }
}

/* Of recorded data, each rank counts the rows that it keeps. */
static PetscErrorCode CountData(Evaluation *evaluation)
{
  TpRun        run = evaluation->run;
  const float *features;

  PetscFunctionBeginUser;
  BeginRanges(evaluation);
  for (PetscInt64 i = 0; i < TpDataNumKept(run->data); ++i) {
    const TpDataRow row = TpDataKept(run->data, i);

    PetscCall(FeaturesOf(evaluation, &row, &features));
    if (TpRunIsHeldOut(run, row.rung)) WidenRanges(evaluation, features);
  }
  PetscCall(AgreeOnRanges(evaluation));
  for (PetscInt64 i = 0; i < TpDataNumKept(run->data); ++i) {
    const TpDataRow row = TpDataKept(run->data, i);

    PetscCall(FeaturesOf(evaluation, &row, &features));
    CountRow(evaluation, &row, features);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CountReference(Evaluation *evaluation)
{
  TpRun          run    = evaluation->run;
  const PetscInt num    = run->system.num_features;
  const PetscInt stride = run->ladder->num_rungs * num;
  PetscInt64     start, all_end, first, end;
  char           path[PETSC_MAX_PATH_LEN];
  float         *features;
  TpFile         file;

  PetscFunctionBeginUser;
  RowsOfFrames(run, &start, &all_end);
  ShareOfRows(run, &first, &end);
  PetscCall(TpRunPath(run, "run.h5", path));
  PetscCall(TpFileOpen(run->groups->world, path, TP_RUN_FORMAT, TP_RUN_VERSION, &file));
  PetscCall(PetscMalloc1(PetscMax(1, (end - first) * stride), &features));
  PetscCall(TpFileReadRows(file, "/features/value", TP_FILE_FLOAT, first, end - first, features));
  PetscCall(TpFileClose(&file));
  for (PetscInt64 row = 0; evaluation->atoms && row < (end - first) * run->ladder->num_rungs; ++row)
    TpAtomsTurnReference(evaluation->atoms, (uint64_t)run->settings.run.seed, first * run->ladder->num_rungs + row,
                         features + row * num);
  const PetscInt64 middle = (start + all_end) / 2;
  BeginRanges(evaluation);
  for (PetscInt64 round = 0; round < end - first; ++round)
    for (PetscInt i = 0; i < evaluation->num; ++i)
      WidenRanges(evaluation, features + round * stride + evaluation->rung[i] * num);
  PetscCall(AgreeOnRanges(evaluation));
  const PetscInt64 split = PetscMin(PetscMax(middle, first), end) - first; /* rows before it belong to the first half */
  for (PetscInt i = 0; i < evaluation->num; ++i) {
    Comparison  *comparison = &evaluation->comparison[i];
    const float *rows       = features + evaluation->rung[i] * num;

    TpHistogramsAdd(&evaluation->binning, split, rows, stride, &comparison->first_half);
    TpHistogramsAdd(&evaluation->binning, end - first - split, rows + split * stride, stride, &comparison->second_half);
    TpHistogramsAdd(&evaluation->binning, end - first, rows, stride, &comparison->both);
  }
  PetscCall(PetscFree(features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- compare */

static PetscErrorCode CountSamples(void *context, PetscInt temperature, PetscInt64 count, const float raw[])
{
  Evaluation *evaluation = context;

  PetscFunctionBeginUser;
  TpHistogramsAdd(&evaluation->binning, count, raw, evaluation->binning.num_features,
                  &evaluation->comparison[temperature].model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SumCounts(Evaluation *evaluation)
{
  MPI_Comm world = evaluation->run->groups->world;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < evaluation->num; ++i) {
    PetscCall(TpHistogramsSum(&evaluation->binning, world, &evaluation->comparison[i].first_half));
    PetscCall(TpHistogramsSum(&evaluation->binning, world, &evaluation->comparison[i].second_half));
    PetscCall(TpHistogramsSum(&evaluation->binning, world, &evaluation->comparison[i].both));
    PetscCall(TpHistogramsSum(&evaluation->binning, world, &evaluation->comparison[i].model));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Divergences of `count` distributions of `bins` bins that lie one after another. */
static void Divergences(PetscInt count, PetscInt bins, const double p[], const double q[], double js[])
{
  for (PetscInt i = 0; i < count; ++i) js[i] = TpJensenShannon(bins, p + i * bins, q + i * bins);
}

static void TellDivergences(Evaluation *evaluation, PetscInt t, const double model[], const double halves[])
{
  const TpBinning *binning = &evaluation->binning;
  TpRun            run     = evaluation->run;

  TpLog(TP_LOG_PRODUCTION,
        "held out: %g %s; Jensen-Shannon divergence in nats, model to MD beside MD's first half to its second",
        evaluation->temperature[t], TpUnitName(run->system.units, TP_DIMENSION_TEMPERATURE));
  TpLog(TP_LOG_PRODUCTION, "  %-32s %12s %12s %8s", "", "model-MD", "MD halves", "ratio");
  for (PetscInt i = 0; i < binning->num_features + binning->num_pairs; ++i) {
    char name[2 * TP_NAME_LENGTH + 8];

    if (i < binning->num_features)
      snprintf(name, sizeof(name), "%s", run->system.name[i]);
    else {
      const PetscInt *pair = binning->pair + 2 * (i - binning->num_features);

      snprintf(name, sizeof(name), "(%s, %s)", run->system.name[pair[0]], run->system.name[pair[1]]);
    }
    TpLog(TP_LOG_PRODUCTION, "  %-32s %12.5f %12.5f %8.2f", name, model[i], halves[i], model[i] / halves[i]);
  }
}

/* Divergences of marginals and pairs into the file, and on the screen. */
static PetscErrorCode WriteDivergences(Evaluation *evaluation, TpFile file)
{
  const TpBinning *binning = &evaluation->binning;
  const PetscInt   num = evaluation->num, features = binning->num_features, pairs = binning->num_pairs,
                 area      = binning->pair_bins * binning->pair_bins;
  const PetscInt64 shape[] = {num, features + pairs}, pair_shape[] = {pairs, 2};
  PetscInt64      *pair;
  double          *model, *halves;

  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc3(num * (features + pairs), &model, num * (features + pairs), &halves, 2 * PetscMax(1, pairs), &pair));
  for (PetscInt i = 0; i < num; ++i) {
    const Comparison *comparison = &evaluation->comparison[i];
    double           *m = model + i * (features + pairs), *h = halves + i * (features + pairs);

    Divergences(features, binning->bins, comparison->model.marginal, comparison->both.marginal, m);
    Divergences(features, binning->bins, comparison->first_half.marginal, comparison->second_half.marginal, h);
    Divergences(pairs, area, comparison->model.pair, comparison->both.pair, m + features);
    Divergences(pairs, area, comparison->first_half.pair, comparison->second_half.pair, h + features);
    if (evaluation->run->is_writer) TellDivergences(evaluation, i, m, h);
  }
  for (PetscInt i = 0; i < 2 * pairs; ++i) pair[i] = binning->pair[i];
  PetscCall(TpFileWriteAll(
      file, "/divergence/model", TP_FILE_DOUBLE, 2, shape, model, "nat",
      "Jensen-Shannon divergence of model to MD [temperature, feature or pair]: features first, then pairs"));
  PetscCall(TpFileWriteAll(file, "/divergence/halves", TP_FILE_DOUBLE, 2, shape, halves, "nat",
                           "the same of the first half of the MD to its second half"));
  if (pairs)
    PetscCall(
        TpFileWriteAll(file, "/divergence/pair", TP_FILE_INT64, 2, pair_shape, pair, "", "features of each pair"));
  PetscCall(TpFileWriteInteger(file, "/divergence", "bins", binning->bins));
  PetscCall(TpFileWriteInteger(file, "/divergence", "pair_bins", binning->pair_bins));
  PetscCall(PetscFree3(model, halves, pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- whole */

static PetscErrorCode GenerateAndCompare(Evaluation *evaluation, TpModel model, TpFile file)
{
  TpRun                run  = evaluation->run;
  const TpGenerateTask task = {.num_temperatures = evaluation->num,
                               .temperature      = evaluation->temperature,
                               .reference_rung   = evaluation->rung,
                               .num_samples      = run->settings.evaluation.samples,
                               .seed             = (uint64_t)run->settings.run.seed,
                               .diffusion        = run->settings.diffusion,
                               .progress         = PETSC_TRUE,
                               .visit            = CountSamples,
                               .context          = evaluation};

  PetscFunctionBeginUser;
  PetscCall(TpGenerateInto(file, run->groups->world, model, &task));
  PetscCall(SumCounts(evaluation));
  PetscCall(WriteDivergences(evaluation, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteEvaluation(Evaluation *evaluation, TpModel model)
{
  TpRun              run    = evaluation->run;
  const TpFileHeader header = {.format     = EVALUATION_FORMAT,
                               .version    = EVALUATION_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters};
  char               path[PETSC_MAX_PATH_LEN];
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "evaluation.h5", path));
  PetscCall(TpFileCreate(run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, GenerateAndCompare(evaluation, model, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEvaluationCheck(TpRun run)
{
  TpBinning binning;

  PetscFunctionBeginUser;
  PetscCall(TpBinningCreate(run, &binning));
  PetscCall(TpBinningDestroy(&binning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEvaluate(TpRun run)
{
  Evaluation evaluation;
  TpModel    model;
  char       path[PETSC_MAX_PATH_LEN];
  PetscBool  exists;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "model.h5", path));
  PetscCall(TpPathExists(run->groups->world, path, &exists));
  if (!exists) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->is_writer)
    TpLog(TP_LOG_PRODUCTION,
          "model: %s; samples at any temperature: tempera generate %s --temperature T --output samples.h5", path, path);
  if (!run->settings.training.hold_out.size && !run->settings.hold_out_rungs.size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Create(run, &evaluation));
  PetscCall(TpModelRead(run->groups->world, path, &model));
  PetscCall(run->data ? CountData(&evaluation) : CountReference(&evaluation));
  PetscCall(WriteEvaluation(&evaluation, model));
  PetscCall(TpModelDestroy(&model));
  PetscCall(Destroy(&evaluation));
  PetscFunctionReturn(PETSC_SUCCESS);
}
