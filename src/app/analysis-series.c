/* How much the series of a run remember: rungs, the ladder as a whole, walkers. Whole series are dealt out over the ranks. */
#include "analysis.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- observables */

/* What correlation is looked for in: the energy, features (periodic ones as cosine and sine) and basins. */
typedef struct {
  PetscInt feature; /* -1: energy or basin */
  PetscInt basin;   /* -1: energy or feature */
  int      part;    /* of a periodic feature: 0 cosine, 1 sine */
} Observable;

static PetscErrorCode ListObservables(const TpSamples *samples, const TpAnalysis *analysis, PetscInt *num,
                                      Observable **list)
{
  PetscInt count = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(1 + 2 * samples->num_features + analysis->num_basins, list));
  (*list)[count++] = (Observable){-1, -1, 0};
  for (PetscInt i = 0; i < samples->num_features; ++i) {
    for (int part = 0; part < (samples->period[i] > 0.0 ? 2 : 1); ++part) (*list)[count++] = (Observable){i, -1, part};
  }
  for (PetscInt b = 0; b < analysis->num_basins; ++b) (*list)[count++] = (Observable){-1, b, 0};
  *num = count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *ObservableName(const TpSamples *samples, const TpAnalysis *analysis, const Observable *observable)
{
  if (observable->feature >= 0) return samples->name[observable->feature];
  return observable->basin >= 0 ? analysis->basin[observable->basin].name : "energy";
}

static double Observe(const TpSamples *samples, const TpAnalysis *analysis, const Observable *observable, PetscInt rung,
                      PetscInt64 i)
{
  const float *features = samples->features + (rung * samples->count + i) * samples->num_features;

  if (observable->basin >= 0) return TpBasinHolds(&analysis->basin[observable->basin], samples->period, features);
  if (observable->feature < 0) return samples->beta[rung] * samples->energy[rung * samples->count + i];
  const double value = features[observable->feature], period = samples->period[observable->feature];

  if (!(period > 0.0)) return value;
  return observable->part ? sin(2.0 * PETSC_PI * value / period) : cos(2.0 * PETSC_PI * value / period);
}

/* This rank's part of an observable's series: of one rung, or for rung -1 of the mean over all. */
static void FillPart(const TpSamples *samples, const TpAnalysis *analysis, const Observable *observable, PetscInt rung,
                     double part[])
{
  const PetscInt first = rung < 0 ? 0 : rung, end = rung < 0 ? samples->num_rungs : rung + 1;

  for (PetscInt64 i = 0; i < samples->count; ++i) part[i] = 0.0;
  for (PetscInt k = first; k < end; ++k) {
    for (PetscInt64 i = 0; i < samples->count; ++i) part[i] += Observe(samples, analysis, observable, k, i);
  }
}

/* -------------------------------------------------------------------------------------------------------------- deal */

/* What becomes of one whole series: numbers that are summed over the ranks, of which one has them. */
typedef PetscErrorCode (*Digest)(const TpSamples *samples, double whole[], double result[]);
typedef void (*Fill)(const TpSamples *samples, const TpAnalysis *analysis, const void *list, PetscInt series,
                     double part[]);

/* result [num, width] of all series, on all ranks */
static PetscErrorCode Deal(const TpSamples *samples, const TpAnalysis *analysis, PetscInt num, const void *list,
                           Fill fill, Digest digest, PetscInt width, double result[])
{
  double *part, *whole;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(result, num * width));
  PetscCall(PetscMalloc2(samples->size * samples->count, &part, samples->num_rounds, &whole));
  for (PetscInt begin = 0; begin < num; begin += samples->size) {
    const PetscInt batch = PetscMin((PetscInt)samples->size, num - begin);

    for (PetscInt i = 0; i < batch; ++i) (*fill)(samples, analysis, list, begin + i, part + i * samples->count);
    PetscCall(TpSamplesGather(samples, batch, part, whole));
    if (samples->rank < batch) PetscCall((*digest)(samples, whole, result + (begin + samples->rank) * width));
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, result, num * width, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  PetscCall(PetscFree2(part, whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- rungs */

typedef struct {
  PetscInt          num;
  const Observable *observable;
} ObservableList;

/* Series s is observable s mod num at rung s / num, the last "rung" being the mean over all. */
static void FillObservable(const TpSamples *samples, const TpAnalysis *analysis, const void *context, PetscInt series,
                           double part[])
{
  const ObservableList *list = context;
  const PetscInt        rung = series / list->num;

  FillPart(samples, analysis, &list->observable[series % list->num], rung < samples->num_rungs ? rung : -1, part);
}

static PetscErrorCode Inefficiency(const TpSamples *samples, double whole[], double result[])
{
  PetscFunctionBeginUser;
  PetscCall(TpStatisticalInefficiency(samples->num_rounds, whole, result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void SetRung(const TpSamples *samples, const ObservableList *list, const double g[], TpAnalysis *analysis,
                    TpRungSeries *rung)
{
  rung->g_slowest = 0.0;
  for (PetscInt o = 0; o < list->num; ++o) {
    if (g[o] <= rung->g_slowest) continue;
    rung->g_slowest = g[o];
    snprintf(rung->slowest, sizeof(rung->slowest), "%s", ObservableName(samples, analysis, &list->observable[o]));
  }
  rung->g            = g[0];
  rung->uncorrelated = (double)samples->num_rounds / g[0];
}

static PetscErrorCode AnalyseObservables(const TpSamples *samples, TpAnalysis *analysis)
{
  Observable    *observable;
  ObservableList list = {0};
  double        *g;

  PetscFunctionBeginUser;
  PetscCall(ListObservables(samples, analysis, &list.num, &observable));
  list.observable    = observable;
  const PetscInt num = (samples->num_rungs + 1) * list.num;

  PetscCall(PetscMalloc1(num, &g));
  PetscCall(Deal(samples, analysis, num, &list, FillObservable, Inefficiency, 1, g));
  for (PetscInt k = 0; k < samples->num_rungs; ++k)
    SetRung(samples, &list, g + k * list.num, analysis, &analysis->rung[k]);
  analysis->g_ladder = 1.0;
  for (PetscInt o = 0; o < list.num; ++o)
    analysis->g_ladder = PetscMax(analysis->g_ladder, g[samples->num_rungs * list.num + o]);
  PetscCall(PetscFree(g));
  PetscCall(PetscFree(observable));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FillEnergy(const TpSamples *samples, const TpAnalysis *analysis, const void *list, PetscInt series,
                       double part[])
{
  for (PetscInt64 i = 0; i < samples->count; ++i) part[i] = samples->energy[series * samples->count + i];
}

enum { NUM_ENERGY_FACTS = 3 };

static PetscErrorCode EnergyFacts(const TpSamples *samples, double whole[], double result[])
{
  PetscInt64 start;
  double     g;

  PetscFunctionBeginUser;
  PetscCall(TpEquilibration(samples->num_rounds, whole, &start, &g));
  PetscCall(TpSeriesMean(samples->num_rounds, whole, &result[1], &result[2]));
  result[0] = (double)start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnalyseEnergies(const TpSamples *samples, TpAnalysis *analysis)
{
  double *facts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(samples->num_rungs * NUM_ENERGY_FACTS, &facts));
  PetscCall(Deal(samples, analysis, samples->num_rungs, NULL, FillEnergy, EnergyFacts, NUM_ENERGY_FACTS, facts));
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    TpRungSeries *rung = &analysis->rung[k];

    rung->temperature  = samples->temperature[k];
    rung->start        = (PetscInt64)facts[k * NUM_ENERGY_FACTS];
    rung->energy       = facts[k * NUM_ENERGY_FACTS + 1];
    rung->energy_error = facts[k * NUM_ENERGY_FACTS + 2];
  }
  PetscCall(PetscFree(facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- walkers */

/* The rung of walker `series` in each round. */
static void FillWalker(const TpSamples *samples, const TpAnalysis *analysis, const void *list, PetscInt series,
                       double part[])
{
  for (PetscInt64 i = 0; i < samples->count; ++i) part[i] = 0.0;
  for (PetscInt k = 0; k < samples->num_rungs; ++k) {
    for (PetscInt64 i = 0; i < samples->count; ++i)
      if (samples->walker[k * samples->count + i] == series) part[i] = (double)k;
  }
}

enum { NUM_WALKER_FACTS = 3 };

/* Bottom to top to bottom; the first half of a trip begins at the first visit of the bottom. */
static PetscErrorCode WalkerFacts(const TpSamples *samples, double whole[], double result[])
{
  const double top    = (double)samples->num_rungs - 1.0;
  double       sum    = 0.0;
  PetscInt64   trips  = 0;
  PetscBool    bottom = PETSC_FALSE, up = PETSC_FALSE; /* was at the bottom; and then at the top */

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < samples->num_rounds; ++i) {
    sum += whole[i];
    if (whole[i] == 0.0) {
      if (up && top > 0.0) ++trips;
      bottom = PETSC_TRUE;
      up     = PETSC_FALSE;
    } else if (whole[i] == top && bottom)
      up = PETSC_TRUE;
  }
  PetscCall(TpStatisticalInefficiency(samples->num_rounds, whole, &result[0]));
  result[1] = sum / (double)samples->num_rounds;
  result[2] = (double)trips;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnalyseWalkers(const TpSamples *samples, TpAnalysis *analysis)
{
  double *facts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(samples->num_rungs * NUM_WALKER_FACTS, &facts));
  PetscCall(Deal(samples, analysis, samples->num_rungs, NULL, FillWalker, WalkerFacts, NUM_WALKER_FACTS, facts));
  for (PetscInt w = 0; w < samples->num_rungs; ++w) {
    const double *fact = facts + w * NUM_WALKER_FACTS;

    analysis->walker[w] = (TpWalkerSeries){.g            = fact[0],
                                           .uncorrelated = (double)samples->num_rounds / fact[0],
                                           .mean_rung    = fact[1],
                                           .round_trips  = (PetscInt64)fact[2]};
  }
  PetscCall(PetscFree(facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- whole */

/* Five times the slowest inefficiency, or a tenth of the run. What is lost at the ends of the blocks is made up for, as if all were that slow. */
static void SetBlock(const TpSamples *samples, TpAnalysis *analysis)
{
  double g = analysis->g_ladder;

  for (PetscInt k = 0; k < samples->num_rungs; ++k) g = PetscMax(g, analysis->rung[k].g_slowest);
  analysis->is_short = 5.0 * g > (double)samples->num_rounds / 10.0 ? PETSC_TRUE : PETSC_FALSE;
  analysis->block    = PetscMax(1, PetscMin((PetscInt64)ceil(5.0 * g), samples->num_rounds / 10));
  analysis->share    = TpBlockShare(samples->num_rounds, analysis->block, g);
}

PetscErrorCode TpAnalyseSeries(const TpSamples *samples, TpAnalysis *analysis)
{
  PetscFunctionBeginUser;
  PetscCall(AnalyseEnergies(samples, analysis));
  PetscCall(AnalyseObservables(samples, analysis));
  PetscCall(AnalyseWalkers(samples, analysis));
  SetBlock(samples, analysis);
  PetscFunctionReturn(PETSC_SUCCESS);
}
