/* The run's model against the run: samples at the temperatures of surfaces and basins, beside MBAR's and held-out MD. */
#include "analysis.h"

#include <math.h>
#include <string.h>

const char *const tp_verdict_words[]   = {"agrees", "worse than noise", "outside what the ladder supports", NULL};
const char *const tp_reference_words[] = {"MBAR", "direct MD", "mixture of the label", NULL};

enum {
  MAX_ROWS = 65536, /* of the run that are compared with: more frames tell little more, and cost as much as they are */
  ASYMMETRY_CONFIGURATIONS = 256
};

/* The run's samples as the cross-check takes them: every so many rounds. */
typedef struct {
  const TpSamples *samples;
  TpAnalysis      *analysis;
  TpModelAnalysis *result;
  PetscInt64       stride;         /* rounds that count, between those that are used */
  PetscInt64       count;          /* used rounds of this rank */
  double          *energy;         /* [rungs, count] */
  float           *feature;        /* [rungs, count, features] */
  int32_t         *bin;            /* [histograms, rungs, count] */
  double          *centre, *width; /* [features] */
  PetscInt64       first, share;   /* of the model's samples, this rank's */
  float           *model;          /* [temperatures, share, features] */
  int32_t         *model_bin;      /* [temperatures, histograms, share] */
  double          *mixture;        /* [temperatures, rungs learned from] shares; NULL: the label is the temperature */
} Work;

/* ---------------------------------------------------------------------------------------------------------- run's side */

void TpSurfaceTitle(const TpSamples *samples, const TpSurface *surface, size_t size, char text[])
{
  snprintf(text, size, surface->feature[1] < 0 ? "%s" : "%s, %s", samples->name[surface->feature[0]],
           surface->feature[1] < 0 ? "" : samples->name[surface->feature[1]]);
}

static PetscErrorCode CreateHistograms(Work *work)
{
  const TpSamples  *samples  = work->samples;
  const TpAnalysis *analysis = work->analysis;
  TpModelAnalysis  *result   = work->result;
  PetscInt          place    = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(samples->num_features + analysis->num_surfaces, &result->histogram));
  PetscCall(PetscMalloc1(samples->num_features + analysis->num_surfaces, &result->first));
  for (PetscInt i = 0; i < samples->num_features; ++i) {
    TpSurface *marginal = &result->histogram[result->num_histograms++];

    *marginal = (TpSurface){.feature = {i, -1}, .bins = analysis->bins, .size = analysis->bins};
    PetscCall(TpSurfaceSetRange(samples, marginal, 0));
  }
  for (PetscInt s = 0; s < analysis->num_surfaces; ++s) /* a profile is a marginal and there already */
    if (analysis->surface[s].feature[1] >= 0) result->histogram[result->num_histograms++] = analysis->surface[s];
  for (PetscInt h = 0; h < result->num_histograms; ++h) {
    result->first[h] = place;
    place += result->histogram[h].size;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FillBins(const Work *work, PetscInt64 count, const float features[], int32_t bin[])
{
  for (PetscInt h = 0; h < work->result->num_histograms; ++h) {
    for (PetscInt64 i = 0; i < count; ++i)
      bin[h * count + i] = (int32_t)TpSurfaceBin(&work->result->histogram[h], work->samples->period,
                                                 features + i * work->samples->num_features);
  }
}

static PetscErrorCode Thin(Work *work)
{
  const TpSamples *samples = work->samples;
  const PetscInt   width   = samples->num_features;

  PetscFunctionBeginUser;
  work->stride          = 1 + (samples->num_rounds * samples->num_rungs - 1) / MAX_ROWS;
  const PetscInt64 skip = (work->stride - samples->first % work->stride) % work->stride;

  work->count           = samples->count > skip ? 1 + (samples->count - skip - 1) / work->stride : 0;
  const PetscInt64 rows = samples->num_rungs * work->count;

  PetscCall(
      PetscMalloc3(rows, &work->energy, rows * width, &work->feature, rows * work->result->num_histograms, &work->bin));
  for (PetscInt64 row = 0; row < rows; ++row) {
    const PetscInt64 from = row / work->count * samples->count + skip + row % work->count * work->stride;

    work->energy[row] = samples->energy[from];
    PetscCall(PetscArraycpy(work->feature + row * width, samples->features + from * width, width));
  }
  FillBins(work, rows, work->feature, work->bin);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and standard deviation of each feature over all rungs: what distances are measured in. */
static PetscErrorCode Standardise(Work *work)
{
  const TpSamples *samples = work->samples;
  const PetscInt   num     = samples->num_features;
  const PetscInt64 rows    = samples->num_rungs * work->count;
  const double     all     = (double)samples->num_rungs * (double)(1 + (samples->num_rounds - 1) / work->stride);

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(num, &work->centre, num, &work->width));
  for (PetscInt64 i = 0; i < rows * num; ++i) work->centre[i % num] += work->feature[i] / all;
  PetscCall(TpAllreduce(MPI_IN_PLACE, work->centre, num, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  for (PetscInt64 i = 0; i < rows * num; ++i)
    work->width[i % num] += PetscSqr(work->feature[i] - work->centre[i % num]) / all;
  PetscCall(TpAllreduce(MPI_IN_PLACE, work->width, num, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  for (PetscInt i = 0; i < num; ++i) work->width[i] = sqrt(work->width[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- model's side */

static PetscErrorCode CheckFeatures(const TpSamples *samples, TpModel model, const char *path)
{
  PetscFunctionBeginUser;
  TpCheckInput(model->num_features == samples->num_features, "%s: %d features, the run has %d", path,
               (int)model->num_features, (int)samples->num_features);
  for (PetscInt i = 0; i < samples->num_features; ++i)
    TpCheckInput(!strcmp(model->name[i], samples->name[i]), "%s: feature %d is %s, of the run it is %s", path, (int)i,
                 model->name[i], samples->name[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Generate(Work *work, TpModel model)
{
  const TpSamples  *samples  = work->samples;
  const TpAnalysis *analysis = work->analysis;
  const PetscInt    width    = samples->num_features;
  const TpGuidance  unguided = {0};
  TpGenerator       generator;

  PetscFunctionBeginUser;
  work->first = work->result->num_samples * samples->rank / samples->size;
  work->share = work->result->num_samples * (samples->rank + 1) / samples->size - work->first;
  PetscCall(PetscMalloc2(analysis->num_temperatures * work->share * width, &work->model,
                         analysis->num_temperatures * work->share * work->result->num_histograms, &work->model_bin));
  PetscCall(TpGeneratorCreate(model, &model->diffusion, &unguided, &generator));
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t) {
    float *raw = work->model + t * work->share * width;

    PetscCall(TpGeneratorRun(generator, analysis->seed, analysis->temperature[t], NULL, work->first, work->share, raw));
    FillBins(work, work->share, raw, work->model_bin + t * work->share * work->result->num_histograms);
  }
  PetscCall(TpGeneratorDestroy(&generator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the model's temperatures mean where its label fluctuated: shares of the rungs that it has learned from. */
static PetscErrorCode FindMixture(Work *work, TpModel model)
{
  const PetscInt num = model->num_temperatures;

  PetscFunctionBeginUser;
  if (model->label == TP_LABEL_BATH || (model->label == TP_LABEL_KINETIC && !(model->label_degrees > 0.0)))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(work->analysis->num_temperatures * num, &work->mixture));
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t)
    TpLabelMixture((TpLabelKind)model->label, model->label_degrees, model->condition.jitter, num, model->temperature,
                   model->share, work->analysis->temperature[t], work->mixture + t * num);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Populations of the basins, with the errors of independent samples. */
static PetscErrorCode CountBasins(Work *work)
{
  const TpAnalysis *analysis = work->analysis;
  const PetscInt    num = analysis->num_basins, total = analysis->num_temperatures * num;
  const double      all = (double)work->result->num_samples;
  double           *inside;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(PetscMax(1, total), &inside));
  PetscCall(PetscCalloc1(PetscMax(1, total), &work->result->basin_point));
  for (PetscInt i = 0; i < total; ++i) {
    for (PetscInt64 n = 0; n < work->share; ++n) {
      const float *features = work->model + (i / num * work->share + n) * work->samples->num_features;

      inside[i] += TpBasinHolds(&analysis->basin[i % num], work->samples->period, features) ? 1.0 : 0.0;
    }
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, inside, total, MPI_DOUBLE, MPI_SUM, work->samples->comm, NULL));
  for (PetscInt i = 0; i < total; ++i) {
    const double kT = work->samples->boltzmann * analysis->temperature[i / num], n = inside[i],
                 n0 = inside[i / num * num];

    work->result->basin_point[i] = (TpBasinPoint){.population        = n / all,
                                                  .population_error  = sqrt(n * (1.0 - n / all)) / all,
                                                  .free_energy       = i % num ? -kT * log(n / n0) : 0.0,
                                                  .free_energy_error = i % num ? kT * sqrt(1.0 / n + 1.0 / n0) : 0.0};
  }
  PetscCall(PetscFree(inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- asymmetry */

/* At configurations of all rungs by turns, at even distances in time. */
static PetscErrorCode MeasureAsymmetry(Work *work, TpModel model)
{
  const TpSamples *samples = work->samples;
  const PetscInt   width = samples->num_features, K = samples->num_rungs;
  const PetscInt64 total = PetscMin((PetscInt64)ASYMMETRY_CONFIGURATIONS, K * samples->num_rounds);
  PetscInt64      *index, count = 0;
  double          *temperature;
  float           *raw;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(total, &index, total, &temperature, total * width, &raw));
  for (PetscInt64 i = 0; i < total; ++i) {
    const PetscInt64 rung = i % K, round = i * samples->num_rounds / total - samples->first;

    if (round < 0 || round >= samples->count) continue;
    index[count]       = i;
    temperature[count] = samples->temperature[rung];
    PetscCall(PetscArraycpy(raw + count * width, samples->features + (rung * samples->count + round) * width, width));
    ++count;
  }
  const TpConfigurations configurations = {.count = count, .index = index, .temperature = temperature, .raw = raw};

  PetscCall(TpModelAsymmetry(model, samples->comm, work->analysis->seed, total, &configurations, NULL,
                             work->result->asymmetry));
  PetscCall(PetscFree3(index, temperature, raw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ compare */

/* The rung at this temperature if it was held out, or -1. */
static PetscInt HeldOut(const TpSamples *samples, const TpSettings *settings, double temperature)
{
  for (PetscInt i = 0; i < settings->training.hold_out.size; ++i) {
    if (fabs(settings->training.hold_out.values[i] - temperature) > 1e-6 * temperature) continue;
    for (PetscInt k = 0; k < samples->num_rungs; ++k)
      if (fabs(samples->temperature[k] - temperature) < 1e-6 * temperature) return k;
  }
  return -1;
}

static PetscErrorCode AddCheck(Work *work, TpReference reference, PetscInt t, PetscInt rung, TpComparison *comparison)
{
  TpModelAnalysis *result = work->result;
  TpModelCheck    *check  = &result->check[result->num_checks];
  const TpSurface *last   = &result->histogram[result->num_histograms - 1];
  const PetscInt   bins   = result->first[result->num_histograms - 1] + last->size;

  PetscFunctionBeginUser;
  *check = (TpModelCheck){.temperature = t, .reference = reference};
  PetscCall(PetscCalloc4(result->num_views, &check->result.distance, result->num_histograms, &check->result.divergence,
                         bins, &check->result.reference, bins, &check->result.model));
  comparison[result->num_checks++] =
      (TpComparison){.kind        = reference,
                     .temperature = work->analysis->temperature[t],
                     .state       = rung,
                     .first       = work->first,
                     .count       = work->share,
                     .total       = result->num_samples,
                     .features    = work->model + t * work->share * work->samples->num_features,
                     .bin         = work->model_bin + t * work->share * result->num_histograms};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListChecks(Work *work, TpModel model, const TpSettings *settings, TpComparison *comparison)
{
  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t) {
    const PetscInt rung = HeldOut(work->samples, settings, work->analysis->temperature[t]);

    PetscCall(AddCheck(work, TP_REFERENCE_TEMPERATURE, t, -1, comparison));
    if (rung >= 0) PetscCall(AddCheck(work, TP_REFERENCE_STATE, t, rung, comparison));
    if (!work->mixture) continue;
    PetscCall(AddCheck(work, TP_REFERENCE_MIXTURE, t, -1, comparison));
    TpComparison *mixed = &comparison[work->result->num_checks - 1];

    mixed->num_mixed = model->num_temperatures;
    mixed->mixed     = model->temperature;
    mixed->share     = work->mixture + t * model->num_temperatures;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MBAR of the thinned rounds, and the cross-check by it. */
static PetscErrorCode RunCrossCheck(Work *work, TpCrossTask *task, TpCrossResult results[])
{
  const TpSamples *samples = work->samples;
  PetscInt64      *count;
  double          *g;
  TpMbarResult     solution;
  TpMbar           mbar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(samples->num_rungs, &count, samples->num_rungs, &g));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    count[k] = work->count;
    g[k]     = PetscMax(1.0, work->analysis->rung[k].g / (double)work->stride);
  }
  PetscCall(TpMbarCreateLadder(samples->comm, samples->boltzmann, samples->num_rungs, samples->temperature, count,
                               work->energy, g, &mbar));
  PetscCall(TpMbarSolve(mbar, &solution));
  PetscCall(TpMbarSetBlocks(mbar, 1 + (work->analysis->block - 1) / work->stride));
  PetscCall(TpCrossCheck(mbar, samples->comm, task, results));
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree2(count, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(Work *work, TpModel model, const TpSettings *settings)
{
  const TpSamples *samples = work->samples;
  TpModelAnalysis *result  = work->result;
  const PetscInt   most    = 3 * work->analysis->num_temperatures;
  TpComparison    *comparison;
  TpCrossResult   *results;
  PetscInt        *sizes;

  PetscFunctionBeginUser;
  result->num_views = samples->num_features > 1 ? 1 + samples->num_features : 1;
  result->alarm     = TP_FALSE_ALARM / (double)work->analysis->num_temperatures;
  PetscCall(PetscCalloc1(most, &result->check));
  PetscCall(PetscMalloc3(most, &comparison, most, &results, result->num_histograms, &sizes));
  PetscCall(ListChecks(work, model, settings, comparison));
  for (PetscInt h = 0; h < result->num_histograms; ++h) sizes[h] = result->histogram[h].size;
  for (PetscInt c = 0; c < result->num_checks; ++c) results[c] = result->check[c].result;
  TpCrossTask task = {.num_features    = samples->num_features,
                      .period          = samples->period,
                      .centre          = work->centre,
                      .width           = work->width,
                      .num_samples     = samples->num_rungs * work->count,
                      .features        = work->feature,
                      .num_histograms  = result->num_histograms,
                      .histogram_size  = sizes,
                      .bin             = work->bin,
                      .num_comparisons = result->num_checks,
                      .comparison      = comparison,
                      .replicates      = PetscMax(20, work->analysis->replicates),
                      .seed            = work->analysis->seed,
                      .alarm           = result->alarm};

  PetscCall(RunCrossCheck(work, &task, results));
  for (PetscInt c = 0; c < result->num_checks; ++c) {
    TpModelCheck *check = &result->check[c];

    check->result = results[c];
    check->verdict =
        check->reference == TP_REFERENCE_TEMPERATURE && work->analysis->support[check->temperature] != TP_SUPPORT_LADDER
            ? TP_VERDICT_OUTSIDE
        : check->result.worse ? TP_VERDICT_WORSE
                              : TP_VERDICT_AGREES;
  }
  PetscCall(PetscFree3(comparison, results, sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseModel(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis)
{
  Work      work = {.samples = samples, .analysis = analysis};
  char      path[PETSC_MAX_PATH_LEN];
  PetscBool exists;
  TpModel   model;

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(samples->folder, "model.h5", path));
  PetscCall(TpPathExists(samples->comm, path, &exists));
  if (!exists || !settings->analysis.samples) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpModelRead(samples->comm, path, &model));
  PetscCall(CheckFeatures(samples, model, path));
  if (model->condition.num_further) { /* what further conditions would be right, nobody has said */
    PetscCall(TpModelDestroy(&model));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(&analysis->model));
  work.result              = analysis->model;
  work.result->num_samples = settings->analysis.samples;
  PetscCall(CreateHistograms(&work));
  PetscCall(Thin(&work));
  PetscCall(Standardise(&work));
  PetscCall(Generate(&work, model));
  PetscCall(CountBasins(&work));
  PetscCall(FindMixture(&work, model));
  PetscCall(Compare(&work, model, settings));
  PetscCall(MeasureAsymmetry(&work, model));
  PetscCall(PetscFree(work.mixture));
  PetscCall(PetscFree3(work.energy, work.feature, work.bin));
  PetscCall(PetscFree2(work.centre, work.width));
  PetscCall(PetscFree2(work.model, work.model_bin));
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpModelCheckWorst(const TpModelAnalysis *model, const TpModelCheck *check)
{
  PetscInt worst = 0;

  for (PetscInt h = 1; h < model->num_histograms; ++h)
    if (check->result.divergence[h].p < check->result.divergence[worst].p) worst = h;
  return worst;
}

PetscErrorCode TpModelAnalysisDestroy(TpModelAnalysis **model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt c = 0; c < (*model)->num_checks; ++c) {
    TpCrossResult *result = &(*model)->check[c].result;

    PetscCall(PetscFree4(result->distance, result->divergence, result->reference, result->model));
  }
  PetscCall(PetscFree((*model)->histogram));
  PetscCall(PetscFree((*model)->first));
  PetscCall(PetscFree((*model)->check));
  PetscCall(PetscFree((*model)->basin_point));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
