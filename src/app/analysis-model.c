/* The run's model against the run: samples at the temperatures of surfaces and basins, beside MBAR's and held-out MD. */
#include "analysis-model.h"

#include <math.h>
#include <string.h>

const char *const tp_verdict_words[]   = {"agrees", "worse than noise", "outside what the ladder supports", NULL};
const char *const tp_reference_words[] = {"MBAR", "direct MD", "mixture of the label", NULL};

enum {
  MAX_ROWS = 65536, /* of the run that are compared with: more frames tell little more, and cost as much as they are */
  ASYMMETRY_CONFIGURATIONS = 256
};

/* ---------------------------------------------------------------------------------------------------------- run's side */

void TpSurfaceTitle(const TpSamples *samples, const TpSurface *surface, size_t size, char text[])
{
  snprintf(text, size, surface->feature[1] < 0 ? "%s" : "%s, %s", samples->name[surface->feature[0]],
           surface->feature[1] < 0 ? "" : samples->name[surface->feature[1]]);
}

static PetscErrorCode CreateHistograms(TpModelWork *work)
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

static void FillBins(const TpModelWork *work, PetscInt64 count, const float features[], int32_t bin[])
{
  for (PetscInt h = 0; h < work->result->num_histograms; ++h) {
    for (PetscInt64 i = 0; i < count; ++i)
      bin[h * count + i] = (int32_t)TpSurfaceBin(&work->result->histogram[h], work->samples->period,
                                                 features + i * work->samples->num_features);
  }
}

/* Samples of a model of turned atoms have no orientation: so that frames have none either. */
static PetscErrorCode TurnFrames(const TpModelWork *work, const TpSettings *settings)
{
  const TpSamples *samples = work->samples;
  TpAtoms          atoms;

  PetscFunctionBeginUser;
  if (settings->features.align != TP_ALIGN_AUGMENT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpAtomsCreate(samples->num_features, (const char *const *)samples->name, samples->period, &atoms));
  for (PetscInt64 row = 0; row < samples->num_rungs * work->count; ++row) {
    const PetscInt64 round = samples->first + work->skip + row % work->count * work->stride;

    TpAtomsTurnReference(atoms, work->analysis->seed, round * samples->num_rungs + row / work->count,
                         work->feature + row * samples->num_features);
  }
  PetscCall(TpAtomsDestroy(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Thin(TpModelWork *work, const TpSettings *settings)
{
  const TpSamples *samples = work->samples;
  const PetscInt   width   = samples->num_features;

  PetscFunctionBeginUser;
  work->stride          = 1 + (samples->num_rounds * samples->num_rungs - 1) / MAX_ROWS;
  work->skip            = (work->stride - samples->first % work->stride) % work->stride;
  work->count           = samples->count > work->skip ? 1 + (samples->count - work->skip - 1) / work->stride : 0;
  const PetscInt64 rows = samples->num_rungs * work->count;

  PetscCall(
      PetscMalloc3(rows, &work->energy, rows * width, &work->feature, rows * work->result->num_histograms, &work->bin));
  for (PetscInt64 row = 0; row < rows; ++row) {
    const PetscInt64 from = row / work->count * samples->count + work->skip + row % work->count * work->stride;

    work->energy[row] = samples->energy[from];
    PetscCall(PetscArraycpy(work->feature + row * width, samples->features + from * width, width));
  }
  PetscCall(TurnFrames(work, settings));
  FillBins(work, rows, work->feature, work->bin);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and standard deviation of each feature over all rungs: what distances are measured in. */
static PetscErrorCode Standardise(TpModelWork *work)
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

static PetscErrorCode AllocateModel(TpModelWork *work)
{
  const TpSamples *samples = work->samples;
  const PetscInt64 num     = work->analysis->num_temperatures;

  PetscFunctionBeginUser;
  work->first = work->result->num_samples * samples->rank / samples->size;
  work->share = work->result->num_samples * (samples->rank + 1) / samples->size - work->first;
  PetscCall(PetscMalloc2(num * work->share * samples->num_features, &work->model,
                         num * work->share * work->result->num_histograms, &work->model_bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Generate(TpModelWork *work, TpModel model)
{
  const TpAnalysis *analysis = work->analysis;
  const TpGuidance  unguided = {0};
  TpGenerator       generator;

  PetscFunctionBeginUser;
  PetscCall(TpGeneratorCreate(model, &model->diffusion, &unguided, &generator));
  for (PetscInt t = 0; t < analysis->num_temperatures; ++t)
    PetscCall(TpGeneratorRun(generator, analysis->seed, analysis->temperature[t], NULL, work->first, work->share,
                             work->model + t * work->share * work->samples->num_features));
  PetscCall(TpGeneratorDestroy(&generator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the samples given at a temperature are. A file that tells no temperature has samples of one. */
static PetscErrorCode FindGiven(const TpModelWork *work, const TpGiven *given, PetscInt t, PetscInt *place)
{
  const double wanted = work->analysis->temperature[t];

  PetscFunctionBeginUser;
  if (!given->temperature) {
    TpCheckInput(work->analysis->num_temperatures == 1,
                 "--given %s: samples of one temperature; analysis.temperatures has %d", given->path,
                 (int)work->analysis->num_temperatures);
    *place = 0;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (*place = 0; *place < given->num_temperatures; ++*place)
    if (fabs(given->temperature[*place] - wanted) < 1e-6 * wanted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscFunctionReturn(
      TpInputError("--given %s: no samples at %g, which analysis.temperatures has; the first ones there are at %g",
                   given->path, wanted, given->temperature[0]));
}

static PetscErrorCode TakeGiven(TpModelWork *work, const TpGiven *given)
{
  const PetscInt width = work->samples->num_features;

  PetscFunctionBeginUser;
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t) {
    PetscInt place = 0;

    PetscCall(FindGiven(work, given, t, &place));
    PetscCall(PetscArraycpy(work->model + t * work->share * width,
                            given->samples + (place * given->num_samples + work->first) * width, work->share * width));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the model's temperatures mean where its label fluctuated: shares of the rungs that it has learned from. */
static PetscErrorCode FindMixture(TpModelWork *work, TpModel model)
{
  const PetscInt num = model->num_temperatures;

  PetscFunctionBeginUser;
  if (model->label == TP_LABEL_BATH || (model->label == TP_LABEL_KINETIC && !(model->label_degrees > 0.0)))
    PetscFunctionReturn(PETSC_SUCCESS);
  work->num_mixed = num;
  PetscCall(PetscMalloc2(num, &work->mixed, work->analysis->num_temperatures * num, &work->mixture));
  PetscCall(PetscArraycpy(work->mixed, model->temperature, num));
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t)
    TpLabelMixture((TpLabelKind)model->label, model->label_degrees, model->condition.jitter, num, model->temperature,
                   model->share, work->analysis->temperature[t], work->mixture + t * num);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Populations of the basins, with the errors of independent samples. */
static PetscErrorCode CountBasins(TpModelWork *work)
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
static PetscErrorCode MeasureAsymmetry(TpModelWork *work, TpModel model)
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
  const TpRealList *held = &settings->training.hold_out, *rungs = &settings->hold_out_rungs;
  PetscInt          rung = -1;

  for (PetscInt k = 0; k < samples->num_rungs; ++k)
    if (fabs(samples->temperature[k] - temperature) < 1e-6 * temperature) rung = k;
  for (PetscInt i = 0; i < held->size; ++i)
    if (fabs(held->values[i] - temperature) < 1e-6 * temperature) return rung;
  for (PetscInt i = 0; i < rungs->size; ++i)
    if (rungs->values[i] == (double)rung) return rung;
  return -1;
}

static PetscErrorCode AddCheck(TpModelWork *work, TpReference reference, PetscInt t, PetscInt rung)
{
  TpModelAnalysis *result = work->result;
  TpModelCheck    *check  = &result->check[result->num_checks];
  const TpSurface *last   = &result->histogram[result->num_histograms - 1];
  const PetscInt   bins   = result->first[result->num_histograms - 1] + last->size;

  PetscFunctionBeginUser;
  *check = (TpModelCheck){.temperature = t, .reference = reference};
  PetscCall(PetscCalloc4(result->num_views, &check->result.distance, result->num_histograms, &check->result.divergence,
                         bins, &check->result.reference, bins, &check->result.model));
  work->comparison[result->num_checks++] =
      (TpComparison){.kind        = reference,
                     .temperature = work->analysis->temperature[t],
                     .state       = rung,
                     .num_mixed   = work->num_mixed,
                     .mixed       = work->mixed,
                     .share       = work->mixture ? work->mixture + t * work->num_mixed : NULL,
                     .first       = work->first,
                     .count       = work->share,
                     .total       = result->num_samples,
                     .features    = work->model + t * work->share * work->samples->num_features,
                     .bin         = work->model_bin + t * work->share * result->num_histograms};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListChecks(TpModelWork *work, const TpSettings *settings)
{
  const PetscInt most = 3 * work->analysis->num_temperatures;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(most, &work->result->check));
  PetscCall(PetscMalloc1(most, &work->comparison));
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t) {
    const PetscInt rung = HeldOut(work->samples, settings, work->analysis->temperature[t]);

    PetscCall(AddCheck(work, TP_REFERENCE_TEMPERATURE, t, -1));
    if (rung >= 0) PetscCall(AddCheck(work, TP_REFERENCE_STATE, t, rung));
    if (work->mixture) PetscCall(AddCheck(work, TP_REFERENCE_MIXTURE, t, -1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MBAR of the thinned rounds. */
static PetscErrorCode Solve(TpModelWork *work)
{
  const TpSamples *samples = work->samples;
  PetscInt64      *count;
  double          *g;
  TpMbarResult     solution;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(samples->num_rungs, &count, samples->num_rungs, &g));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    count[k] = work->count;
    g[k]     = PetscMax(1.0, work->analysis->rung[k].g / (double)work->stride);
  }
  PetscCall(TpMbarCreateLadder(samples->comm, samples->boltzmann, samples->num_rungs, samples->temperature, count,
                               work->energy, g, &work->mbar));
  PetscCall(PetscFree2(count, g));
  PetscCall(TpMbarSolve(work->mbar, &solution));
  PetscCall(TpMbarSetBlocks(work->mbar, 1 + (work->analysis->block - 1) / work->stride));
  PetscFunctionReturn(PETSC_SUCCESS);
}

TpVerdict TpModelVerdict(const TpModelWork *work, TpReference reference, PetscInt temperature,
                         const TpCrossResult *result)
{
  if (reference == TP_REFERENCE_TEMPERATURE && work->analysis->support[temperature] != TP_SUPPORT_LADDER)
    return TP_VERDICT_OUTSIDE;
  return result->worse ? TP_VERDICT_WORSE : TP_VERDICT_AGREES;
}

/* All features together, each one, and all histograms. */
static PetscErrorCode CompareFeatures(TpModelWork *work)
{
  const TpSamples *samples = work->samples;
  TpModelAnalysis *result  = work->result;
  TpCrossResult   *results;
  PetscInt        *sizes;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(result->num_checks, &results, result->num_histograms, &sizes));
  for (PetscInt h = 0; h < result->num_histograms; ++h) sizes[h] = result->histogram[h].size;
  for (PetscInt c = 0; c < result->num_checks; ++c) results[c] = result->check[c].result;
  const TpCrossTask task = {.num_features    = samples->num_features,
                            .period          = samples->period,
                            .centre          = work->centre,
                            .width           = work->width,
                            .num_samples     = samples->num_rungs * work->count,
                            .features        = work->feature,
                            .num_histograms  = result->num_histograms,
                            .histogram_size  = sizes,
                            .bin             = work->bin,
                            .num_comparisons = result->num_checks,
                            .comparison      = work->comparison,
                            .replicates      = PetscMax(20, work->analysis->replicates),
                            .seed            = work->analysis->seed,
                            .alarm           = result->alarm};

  PetscCall(TpCrossCheck(work->mbar, samples->comm, &task, results));
  for (PetscInt c = 0; c < result->num_checks; ++c) {
    TpModelCheck *check = &result->check[c];

    check->result  = results[c];
    check->verdict = TpModelVerdict(work, check->reference, check->temperature, &check->result);
  }
  PetscCall(PetscFree2(results, sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- whole */

/* RUN/model.h5, or NULL: there is none, or it is not asked for. */
static PetscErrorCode ReadModel(const TpSamples *samples, const TpSettings *settings, const TpGiven *given,
                                char path[PETSC_MAX_PATH_LEN], TpModel *model)
{
  PetscBool exists;

  PetscFunctionBeginUser;
  *model = NULL;
  PetscCall(TpPathJoin(samples->folder, "model.h5", path));
  PetscCall(TpPathExists(samples->comm, path, &exists));
  if (!exists || (!settings->analysis.samples && !given->path)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpModelRead(samples->comm, path, model));
  PetscCall(CheckFeatures(samples, *model, path));
  if ((*model)->condition.num_further) /* what further conditions would be right, nobody has said */
    PetscCall(TpModelDestroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples, with their bins, basins and what their label means. */
static PetscErrorCode FillModel(TpModelWork *work, const TpGiven *given, TpModel model)
{
  PetscFunctionBeginUser;
  PetscCall(AllocateModel(work));
  if (given->path)
    PetscCall(TakeGiven(work, given));
  else
    PetscCall(Generate(work, model));
  for (PetscInt t = 0; t < work->analysis->num_temperatures; ++t)
    FillBins(work, work->share, work->model + t * work->share * work->samples->num_features,
             work->model_bin + t * work->share * work->result->num_histograms);
  PetscCall(CountBasins(work));
  if (model) PetscCall(FindMixture(work, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(TpModelWork *work)
{
  PetscFunctionBeginUser;
  PetscCall(TpMbarDestroy(&work->mbar));
  PetscCall(PetscFree(work->comparison));
  PetscCall(PetscFree2(work->mixed, work->mixture));
  PetscCall(PetscFree3(work->energy, work->feature, work->bin));
  PetscCall(PetscFree2(work->centre, work->width));
  PetscCall(PetscFree2(work->model, work->model_bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseModel(const TpSamples *samples, const TpSettings *settings, const TpGiven *given,
                              TpAnalysis *analysis)
{
  TpModelWork work = {.samples = samples, .analysis = analysis};
  char        path[PETSC_MAX_PATH_LEN];
  TpModel     model;

  PetscFunctionBeginUser;
  PetscCall(ReadModel(samples, settings, given, path, &model));
  if (!model && !given->path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&analysis->model));
  work.result              = analysis->model;
  work.result->has_score   = given->path ? PETSC_FALSE : PETSC_TRUE;
  work.result->num_samples = given->path ? given->num_samples : settings->analysis.samples;
  work.result->num_views   = samples->num_features > 1 ? 1 + samples->num_features : 1;
  work.result->alarm       = TP_FALSE_ALARM / (double)analysis->num_temperatures;
  PetscCall(PetscStrncpy(work.result->source, given->path ? given->path : path, sizeof(work.result->source)));
  PetscCall(CreateHistograms(&work));
  PetscCall(Thin(&work, settings));
  PetscCall(Standardise(&work));
  PetscCall(FillModel(&work, given, model));
  PetscCall(ListChecks(&work, settings));
  PetscCall(Solve(&work));
  PetscCall(CompareFeatures(&work));
  PetscCall(TpAnalyseModelEnergies(&work, settings));
  if (work.result->has_score) PetscCall(MeasureAsymmetry(&work, model));
  PetscCall(Free(&work));
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
  for (PetscInt c = 0; c < (*model)->energies.num_checks; ++c) {
    TpCrossResult *result = &(*model)->energies.check[c].result;

    PetscCall(PetscFree5(result->distance, result->divergence, result->mean, result->reference, result->model));
  }
  PetscCall(PetscFree((*model)->energies.check));
  PetscCall(PetscFree((*model)->histogram));
  PetscCall(PetscFree((*model)->first));
  PetscCall(PetscFree((*model)->check));
  PetscCall(PetscFree((*model)->basin_point));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
