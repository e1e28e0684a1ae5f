/* Samples of a model against what MBAR makes of a ladder's samples: how far apart they are, and how far their noise alone would bring them. */
#include "tempera/comm.h"
#include "thermo-impl.h"

#include <math.h>

enum { MODEL_GROUPS = 64 }; /* of a model's samples, drawn by its bootstrap */

typedef struct {
  TpMbar             mbar;
  MPI_Comm           comm;
  const TpCrossTask *task;
  TpCrossResult     *result; /* [comparisons] */
  TpProjection       projection;
  PetscInt           num_bins;      /* of the projections */
  PetscInt           num_values;    /* these, and all histograms' bins */
  int32_t           *bin;           /* [samples, directions] */
  double            *weight, *part; /* [samples] */
  double            *reference;     /* [comparisons, values] distribution of all data */
  double            *model;         /* [comparisons, values] */
  double            *value;         /* [values] */
  float             *noise;         /* [comparisons, replicates, values] scaled differences by noise alone */
  float             *total;         /* [comparisons, values] the model's scaled difference */
  PetscInt           replicate;
} Check;

/* ------------------------------------------------------------------------------------------------------------- weights */

/* Of this rank's samples, for one comparison's reference. */
static PetscErrorCode FillWeights(Check *check, const TpComparison *comparison)
{
  const PetscInt64 num = check->task->num_samples;

  PetscFunctionBeginUser;
  if (comparison->kind == TP_REFERENCE_STATE) {
    PetscCall(TpMbarStateWeights(check->mbar, comparison->state, check->weight));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (comparison->kind == TP_REFERENCE_TEMPERATURE) {
    PetscCall(TpMbarWeights(check->mbar, comparison->temperature, check->weight));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscArrayzero(check->weight, num));
  for (PetscInt k = 0; k < comparison->num_mixed; ++k) {
    if (comparison->share[k] < 1e-6) continue;
    PetscCall(TpMbarWeights(check->mbar, comparison->mixed[k], check->part));
    for (PetscInt64 i = 0; i < num; ++i) check->weight[i] += comparison->share[k] * check->part[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the features, by the weights that FillWeights() has left, which may sum to anything. */
static PetscErrorCode Average(const Check *check, double mean[])
{
  const TpCrossTask *task  = check->task;
  const PetscInt     width = task->num_features;
  double             sum   = 0.0;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(mean, width));
  for (PetscInt64 i = 0; i < task->num_samples; ++i) {
    sum += check->weight[i];
    for (PetscInt j = 0; j < width; ++j) mean[j] += check->weight[i] * (double)task->features[i * width + j];
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, check->comm, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, mean, width, MPI_DOUBLE, MPI_SUM, check->comm, NULL));
  for (PetscInt j = 0; j < width; ++j) mean[j] /= sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights summed in the bins of projections and histograms, over all ranks, to distributions. */
static PetscErrorCode Distribute(Check *check, const TpComparison *comparison, double value[])
{
  const TpCrossTask *task       = check->task;
  const PetscInt     directions = check->num_bins / TP_PROJECTION_BINS;
  double             sum        = 0.0;

  PetscFunctionBeginUser;
  PetscCall(FillWeights(check, comparison));
  PetscCall(PetscArrayzero(value, check->num_values));
  for (PetscInt64 i = 0; i < task->num_samples; ++i) {
    const double weight = check->weight[i];
    double      *counts = value + check->num_bins;

    if (weight < 1e-14) continue;
    TpProjectionAdd(check->projection, weight, check->bin + i * directions, value);
    for (PetscInt h = 0; h < task->num_histograms; ++h) {
      counts[task->bin[h * task->num_samples + i]] += weight;
      counts += task->histogram_size[h];
    }
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, value, check->num_values, MPI_DOUBLE, MPI_SUM, check->comm, NULL));
  for (PetscInt i = 0; i < TP_PROJECTION_BINS; ++i) sum += value[i];
  for (PetscInt i = 0; i < check->num_values; ++i) value[i] /= sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- differences */

/* Whose squares are summed: cumulative distributions along directions, and (p - q) / (reference + 1 / K)^(1/2) in a histogram's K bins. */
static void Differ(const Check *check, const double reference[], const double p[], const double q[], float difference[])
{
  PetscInt place = check->num_bins;

  TpProjectionDifference(check->projection, p, q, difference);
  for (PetscInt h = 0; h < check->task->num_histograms; ++h) {
    const PetscInt size = check->task->histogram_size[h];

    for (PetscInt i = place; i < place + size; ++i)
      difference[i] = (float)((p[i] - q[i]) / sqrt(reference[i] + 1.0 / (double)size));
    place += size;
  }
}

/* -------------------------------------------------------------------------------------------------------------- model */

/* groups [MODEL_GROUPS, values]: a model's samples by number modulo MODEL_GROUPS, in all groups together distributions. */
static PetscErrorCode GroupModel(const Check *check, const TpComparison *comparison, double groups[])
{
  const TpCrossTask *task       = check->task;
  const PetscInt     directions = check->num_bins / TP_PROJECTION_BINS, num = MODEL_GROUPS * check->num_values;
  int32_t           *bin;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(PetscMax(1, comparison->count * directions), &bin));
  PetscCall(PetscArrayzero(groups, num));
  PetscCall(TpProjectionBins(check->projection, comparison->count, comparison->features, bin));
  for (PetscInt64 i = 0; i < comparison->count; ++i) {
    double *group = groups + ((comparison->first + i) % MODEL_GROUPS) * check->num_values;

    TpProjectionAdd(check->projection, 1.0, bin + i * directions, group);
    group += check->num_bins;
    for (PetscInt h = 0; h < task->num_histograms; ++h) {
      group[comparison->bin[h * comparison->count + i]] += 1.0;
      group += task->histogram_size[h];
    }
  }
  PetscCall(PetscFree(bin));
  PetscCall(TpAllreduce(MPI_IN_PLACE, groups, num, MPI_DOUBLE, MPI_SUM, check->comm, NULL));
  for (PetscInt i = 0; i < num; ++i) groups[i] /= (double)comparison->total;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the model's distribution is in a replicate: as many groups, drawn with replacement. */
static void DrawModel(const Check *check, PetscInt comparison, PetscInt replicate, const double groups[],
                      double drawn[])
{
  const PetscInt num = check->num_values;
  double         uniform[MODEL_GROUPS];

  TpRandomUniform(check->task->seed, TP_RANDOM_MODEL_BOOTSTRAP, (uint32_t)comparison, (uint64_t)replicate, MODEL_GROUPS,
                  uniform);
  for (PetscInt i = 0; i < num; ++i) drawn[i] = 0.0;
  for (PetscInt g = 0; g < MODEL_GROUPS; ++g) {
    const PetscInt chosen = PetscMin((PetscInt)(uniform[g] * MODEL_GROUPS), MODEL_GROUPS - 1);

    for (PetscInt i = 0; i < num; ++i) drawn[i] += groups[chosen * num + i];
  }
}

/* The model's difference from the reference, and its own noise in all replicates. */
static PetscErrorCode PrepareModel(Check *check, PetscInt c)
{
  const PetscInt num       = check->num_values;
  const double  *reference = check->reference + c * num;
  double        *groups, *drawn, *model = check->model + c * num;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(MODEL_GROUPS * num, &groups, num, &drawn));
  PetscCall(GroupModel(check, &check->task->comparison[c], groups));
  PetscCall(PetscArrayzero(model, num));
  for (PetscInt i = 0; i < MODEL_GROUPS * num; ++i) model[i % num] += groups[i];
  Differ(check, reference, reference, model, check->total + c * num);
  for (PetscInt r = 0; r < check->task->replicates; ++r) {
    DrawModel(check, c, r, groups, drawn);
    Differ(check, reference, drawn, model, check->noise + (c * check->task->replicates + r) * num);
  }
  PetscCall(PetscFree2(groups, drawn));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- replicates */

/* Noise of the reference in one replicate: differences are added to the model's, divergences summed. */
static PetscErrorCode Replicate(TpMbar mbar, void *context, double unused[])
{
  Check             *check = context;
  const TpCrossTask *task  = check->task;
  float             *difference;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(check->num_values, &difference));
  for (PetscInt c = 0; c < task->num_comparisons; ++c) {
    const double *reference = check->reference + c * check->num_values;
    float        *noise     = check->noise + (c * task->replicates + check->replicate) * check->num_values;
    PetscInt      place     = check->num_bins;

    PetscCall(Distribute(check, &task->comparison[c], check->value));
    Differ(check, reference, check->value, reference, difference);
    for (PetscInt i = 0; i < check->num_values; ++i) noise[i] += difference[i];
    for (PetscInt h = 0; h < task->num_histograms; ++h) {
      check->result[c].divergence[h].noise +=
          TpJensenShannon(task->histogram_size[h], check->value + place, reference + place) / (double)task->replicates;
      place += task->histogram_size[h];
    }
  }
  PetscCall(PetscFree(difference));
  ++check->replicate;
  unused[0] = 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- results */

/* The law of one part [first, first + size) of the differences, and where the model's lies in it. */
static PetscErrorCode Judge(const Check *check, PetscInt c, PetscInt first, PetscInt size, TpSquares *squares,
                            double *square, double *p)
{
  const float *total = check->total + c * check->num_values + first;

  PetscFunctionBeginUser;
  PetscCall(TpSquaresFit(check->task->replicates, size, check->num_values,
                         check->noise + c * check->task->replicates * check->num_values + first, squares));
  *square = 0.0;
  for (PetscInt i = 0; i < size; ++i) *square += PetscSqr((double)total[i]);
  *p = TpSquaresTail(squares, *square);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Divergences, and the model's share in their noise: (K - 1) / (8 N) with K bins that the reference visits. */
static PetscErrorCode SetDivergences(const Check *check, PetscInt c)
{
  const TpCrossTask *task  = check->task;
  PetscInt           place = check->num_bins;

  PetscFunctionBeginUser;
  for (PetscInt h = 0; h < task->num_histograms; ++h) {
    const PetscInt size      = task->histogram_size[h];
    const double  *reference = check->reference + c * check->num_values + place;
    TpDivergence  *result    = &check->result[c].divergence[h];
    PetscInt       visited   = 0;
    TpSquares      squares;
    double         square;

    for (PetscInt i = 0; i < size; ++i) visited += reference[i] > 0.0 ? 1 : 0;
    result->value = TpJensenShannon(size, reference, check->model + c * check->num_values + place);
    result->noise += (double)PetscMax(0, visited - 1) / (8.0 * (double)task->comparison[c].total);
    PetscCall(Judge(check, c, place, size, &squares, &square, &result->p));
    place += size;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetDistances(const Check *check, PetscInt c)
{
  const PetscInt views = TpProjectionViews(check->projection), tests = views + check->task->num_histograms;
  TpCrossResult *result = &check->result[c];
  double         least  = 1.0;

  PetscFunctionBeginUser;
  for (PetscInt v = 0; v < views; ++v) {
    TpDistance *distance = &result->distance[v];
    PetscInt    first, size;
    TpSquares   squares;
    double      square;

    TpProjectionView(check->projection, v, &first, &size);
    PetscCall(Judge(check, c, first, size, &squares, &square, &distance->p));
    distance->value = sqrt(square);
    distance->noise = sqrt(squares.mean);
    distance->limit = sqrt(TpSquaresLimit(&squares, check->task->alarm / (double)tests));
    least           = PetscMin(least, distance->p);
  }
  for (PetscInt h = 0; h < check->task->num_histograms; ++h) least = PetscMin(least, result->divergence[h].p);
  result->p     = PetscMin(1.0, (double)tests * least);
  result->worse = result->p < check->task->alarm ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- whole */

static PetscErrorCode Create(Check *check)
{
  const TpCrossTask *task = check->task;
  PetscInt           bins = 0;

  PetscFunctionBeginUser;
  PetscCall(
      TpProjectionCreate(task->num_features, task->period, task->centre, task->width, task->seed, &check->projection));
  for (PetscInt h = 0; h < task->num_histograms; ++h) bins += task->histogram_size[h];
  check->num_bins   = TpProjectionSize(check->projection);
  check->num_values = check->num_bins + bins;
  PetscCall(PetscMalloc4(PetscMax(1, task->num_samples * (check->num_bins / TP_PROJECTION_BINS)), &check->bin,
                         task->num_samples, &check->weight, task->num_samples, &check->part, check->num_values,
                         &check->value));
  PetscCall(PetscMalloc4(task->num_comparisons * check->num_values, &check->reference,
                         task->num_comparisons * check->num_values, &check->model,
                         task->num_comparisons * task->replicates * check->num_values, &check->noise,
                         task->num_comparisons * check->num_values, &check->total));
  PetscCall(TpProjectionBins(check->projection, task->num_samples, task->features, check->bin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Check *check)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(check->bin, check->weight, check->part, check->value));
  PetscCall(PetscFree4(check->reference, check->model, check->noise, check->total));
  PetscCall(TpProjectionDestroy(&check->projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The histograms' parts, to the caller. */
static PetscErrorCode Keep(const Check *check, PetscInt c)
{
  const PetscInt num = check->num_values - check->num_bins, place = c * check->num_values + check->num_bins;

  PetscFunctionBeginUser;
  if (check->result[c].reference) PetscCall(PetscArraycpy(check->result[c].reference, check->reference + place, num));
  if (check->result[c].model) PetscCall(PetscArraycpy(check->result[c].model, check->model + place, num));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCrossCheck(TpMbar mbar, MPI_Comm comm, const TpCrossTask *task, TpCrossResult result[])
{
  Check  check = {.mbar = mbar, .comm = comm, .task = task, .result = result};
  double mean, error;

  PetscFunctionBeginUser;
  PetscCall(Create(&check));
  for (PetscInt c = 0; c < task->num_comparisons; ++c) {
    PetscCall(PetscArrayzero(result[c].divergence, task->num_histograms));
    PetscCall(Distribute(&check, &task->comparison[c], check.reference + c * check.num_values));
    if (result[c].mean) PetscCall(Average(&check, result[c].mean));
    PetscCall(PrepareModel(&check, c));
    PetscCall(Keep(&check, c));
  }
  PetscCall(TpMbarBootstrap(mbar, task->seed, task->replicates, 1, Replicate, &check, &mean, &error));
  for (PetscInt c = 0; c < task->num_comparisons; ++c) {
    PetscCall(SetDivergences(&check, c));
    PetscCall(SetDistances(&check, c));
  }
  PetscCall(Destroy(&check));
  PetscFunctionReturn(PETSC_SUCCESS);
}
