/* What a run of `tempera ti` has found: gathered, and told on the screen. */
#include "ti-report.h"

#include <math.h>
#include <string.h>

static const TpTiEstimate nothing = {NAN, NAN, NAN};

/* Weights that fewer independent trajectories carry, or a smaller part of all, have a heavy tail: their mean, and its error, are guesses. */
static const double least_effective = 100.0;
static const double least_share     = 0.3;

/* Weights are exact where they carry; moves come next; the diffusion alone is as good as its network. */
static void Choose(TpTi ti, TpTiRow *row)
{
  const double J = (double)ti->run->settings.ti.trajectories;

  row->best   = row->mode[ti->num_modes - 1];
  row->method = ti->num_modes > 1 ? "relaxed" : "plain";
  if (row->effective < PetscMax(least_effective, least_share * J)) return;
  if (ti->num_modes > 1 && row->best.error < row->weights.error) return;
  row->best   = row->weights;
  row->method = "reweighted";
}

double TpTiVariable(TpTi ti, PetscInt target)
{
  const TpTiSystem *system = &ti->targets[target].system;

  return ti->is_fluid ? (double)system->num_particles : system->temperature;
}

double TpTiWholeError(const TpTiEstimate *estimate)
{
  return hypot(estimate->error, estimate->grid);
}

PetscInt TpTiMemberOf(TpTi ti, PetscInt target)
{
  for (PetscInt m = 0; m < ti->num_members; ++m)
    if (ti->members[m].system.num_particles == ti->targets[target].system.num_particles &&
        ti->members[m].system.rung == ti->targets[target].system.rung)
      return m;
  return -1;
}

/* -------------------------------------------------------------------------------------------------------------- gather */

/* MBAR of the ladder's energies; a frame counts 1 / g. */
static PetscErrorCode SolveMbar(TpTi ti, TpTiRow rows[])
{
  const PetscInt num_rungs = ti->num_members;
  const PetscInt have      = ti->run->groups->world_rank == 0 ? 1 : 0;
  double        *energy, *g;
  PetscInt64    *count;
  TpMbar         mbar;
  TpMbarResult   result;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(num_rungs * ti->num_frames, &energy, num_rungs, &g, num_rungs, &count));
  for (PetscInt m = 0; m < num_rungs; ++m) {
    PetscCall(TpStatisticalInefficiency(ti->num_frames, ti->members[m].energy, &g[m]));
    PetscCall(PetscArraycpy(energy + m * ti->num_frames, ti->members[m].energy, ti->num_frames));
    count[m] = have ? ti->num_frames : 0;
  }
  PetscCall(TpMbarCreateLadder(ti->run->groups->world, TpBoltzmann(ti->run->system.units), num_rungs,
                               ti->run->ladder->temperature, count, energy, g, &mbar));
  PetscCall(TpMbarSolve(mbar, &result));
  for (PetscInt m = 0; m < num_rungs; ++m) {
    rows[m].mbar       = -result.f[m];
    rows[m].mbar_error = result.error[m];
  }
  PetscCall(TpMbarDestroy(&mbar));
  PetscCall(PetscFree3(energy, g, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GatherRows(TpTi ti, TpTiResults *results)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    TpTiRow       *row    = &results->rows[i];
    const PetscInt member = TpTiMemberOf(ti, i);
    const double   known  = TpPathLogReference(ti->targets[i].system.neural);

    *row = (TpTiRow){.windows = nothing, .insertion = nothing, .mbar = NAN, .mbar_error = NAN};
    for (int mode = 0; mode < TP_TI_NUM_MODES; ++mode) {
      row->mode[mode] = mode < ti->num_modes ? TpTiNeuralEstimate(ti, i, mode) : nothing;
      row->mode[mode].value += known;
    }
    row->weights = TpTiWeightEstimate(ti, i, &row->effective);
    row->weights.value += known;
    Choose(ti, row);
    if (member < 0) continue;
    PetscCall(TpTiWindowEstimate(ti, member, &row->windows, results->windows + member * ti->num_windows,
                                 results->windows + (ti->num_members + member) * ti->num_windows));
    row->windows.value += known;
    PetscCall(TpTiInsertionEstimate(ti, member, &row->insertion));
  }
  if (!ti->is_fluid && ti->num_members > 1) PetscCall(SolveMbar(ti, results->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* beta F_ex of every number of particles: a curve through 0 and the targets. */
static PetscErrorCode DrawCurve(TpTi ti, TpTiResults *results)
{
  double *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(results->largest + 1, &results->curve));
  PetscCall(PetscCalloc2(ti->num_targets + 1, &x, ti->num_targets + 1, &y));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    x[i + 1] = (double)ti->targets[i].system.num_particles;
    y[i + 1] = -results->rows[i].best.value;
  }
  for (PetscInt n = 0; n <= results->largest; ++n) results->curve[n] = TpCurve(ti->num_targets + 1, x, y, (double)n);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpTiExcessPotential(const TpTiResults *results, PetscInt n)
{
  const PetscInt from = PetscMin(n, results->largest - 1);

  return results->curve[from + 1] - results->curve[from];
}

/* <N> at every chemical potential that some number of particles has. */
static void DrawIsotherm(TpTiResults *results)
{
  double low = INFINITY, high = -INFINITY;

  for (PetscInt n = 0; n < results->largest; ++n) {
    const double mu = TpTiExcessPotential(results, n) + log((double)(n + 1));

    low  = PetscMin(low, mu);
    high = PetscMax(high, mu);
  }
  for (PetscInt i = 0; i < TP_TI_ISOTHERM_POINTS; ++i)
    results->isotherm[0][i] = low + (high - low) * (double)i / (double)(TP_TI_ISOTHERM_POINTS - 1);
  TpGrandMean(results->largest, results->curve, TP_TI_ISOTHERM_POINTS, results->isotherm[0], results->isotherm[1]);
}

double TpTiPairDistance(TpTi ti, PetscInt b)
{
  return 0.5 * ti->run->settings.engine.model.box_length * ((double)b + 0.5) / (double)TP_TI_PAIR_BINS;
}

/* g(r) of a target that is a member: of simulated configurations, and of those that trajectories end in. */
static PetscErrorCode CorrelatePairs(TpTi ti, PetscInt target, PetscInt member, double pairs[])
{
  const double   length = ti->run->settings.engine.model.box_length, J = (double)ti->run->settings.ti.trajectories;
  const PetscInt size                       = ti->targets[target].system.size;
  double         histogram[TP_TI_PAIR_BINS] = {0}, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &y));
  for (PetscInt64 frame = 0; frame < ti->num_frames; ++frame) {
    for (PetscInt k = 0; k < size; ++k) y[k] = (double)ti->data[member].y[frame * size + k];
    TpPairHistogram(length, size / 3, y, TP_TI_PAIR_BINS, histogram);
  }
  PetscCall(PetscFree(y));
  TpPairCorrelation(length, size / 3, (double)ti->num_frames, TP_TI_PAIR_BINS, histogram, pairs);
  for (int mode = 0; mode < TP_TI_NUM_MODES; ++mode)
    TpPairCorrelation(length, size / 3, mode < ti->num_modes ? J : 0.0, TP_TI_PAIR_BINS,
                      ti->targets[target].pairs[mode], pairs + (TP_TI_PAIRS_PLAIN + mode) * TP_TI_PAIR_BINS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GatherFluid(TpTi ti, TpTiResults *results)
{
  PetscFunctionBeginUser;
  results->largest = ti->targets[ti->num_targets - 1].system.num_particles;
  PetscCall(DrawCurve(ti, results));
  DrawIsotherm(results);
  PetscCall(PetscCalloc1(ti->num_members * TP_TI_NUM_PAIRS * TP_TI_PAIR_BINS, &results->pairs));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const PetscInt member = TpTiMemberOf(ti, i);

    if (member >= 0)
      PetscCall(CorrelatePairs(ti, i, member, results->pairs + member * TP_TI_NUM_PAIRS * TP_TI_PAIR_BINS));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The course of the training, which trainers know. */
static PetscErrorCode GatherLoss(TpTi ti, TpTiResults *results)
{
  TpGroups groups = ti->run->groups;

  PetscFunctionBeginUser;
  PetscCall(TpBroadcast(ti->loss, TP_TI_LOSS_POINTS, MPI_DOUBLE, groups->trainer_rank[0], groups->world, NULL));
  results->num_losses = TpTiLossPoints(ti);
  for (PetscInt i = 0; i < results->num_losses; ++i) {
    const PetscInt64 first = TpTiLossStep(ti, i), end = TpTiLossStep(ti, i + 1);

    results->loss[0][i] = (double)end;
    results->loss[1][i] = ti->loss[i] / (double)(end - first);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpTiAcceptance(TpTi ti, PetscInt target)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  moves    = settings->ti.trajectories * settings->ti.times * settings->ti.relax_steps;

  return moves ? (double)ti->targets[target].accepted / (double)moves : (double)NAN;
}

double TpTiNeuralCost(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;
  const double      J = (double)settings->ti.trajectories, K = (double)settings->ti.times;

  return J * (K + 1.0 + (double)(settings->ti.relax_steps * settings->ti.relax_leaps) * K);
}

double TpTiWindowCost(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;

  return (double)settings->ti.windows * (double)settings->ti.window_rounds *
         (5.0 * (double)settings->ti.window_moves + 1.0);
}

/* -------------------------------------------------------------------------------------------------------------- screen */

/* The time at which it is largest. */
static void TellAsymmetry(const TpTiResults *results)
{
  const TpTiAsymmetry *largest = &results->asymmetry[0];

  for (PetscInt k = 1; k < TP_TI_ASYMMETRY_TIMES; ++k)
    if (results->asymmetry[k].ratio > largest->ratio) largest = &results->asymmetry[k];
  TpLog(TP_LOG_PRODUCTION, "conservativeness of the learned score: ||J - J^T|| / ||J|| up to %.2g, at t = %g",
        largest->ratio, largest->t);
}

static void Tell(const TpTiResults *results)
{
  TpTi ti = results->ti;

  TpLog(TP_LOG_PRODUCTION, "%s; error: statistical + grid",
        ti->is_fluid ? "ln (Z_N / Z_ideal)" : "ln Z (configurations, engine's units)");
  TpLog(TP_LOG_PRODUCTION, "  %-8s %12s %16s %-10s %10s %12s %16s %10s", ti->is_fluid ? "N" : "T", "neural", "error",
        "method", "correction", "windows", "error", "difference");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const TpTiRow *row = &results->rows[i];

    TpLog(TP_LOG_PRODUCTION, "  %-8g %12.4f %7.4f + %6.4f %-10s %10.4f %12.4f %7.4f + %6.4f %10.4f",
          TpTiVariable(ti, i), row->best.value, row->best.error, row->best.grid, row->method,
          row->best.value - row->mode[TP_TI_PLAIN].value, row->windows.value, row->windows.error, row->windows.grid,
          row->best.value - row->windows.value);
  }
  for (PetscInt i = 1; !ti->is_fluid && i < ti->num_targets; ++i) {
    const TpTiRow *row = &results->rows[i], *first = &results->rows[0];

    TpLog(TP_LOG_PRODUCTION, "  ln Z(%g) - ln Z(%g): neural %.4f +- %.4f, MBAR %.4f +- %.4f",
          ti->targets[i].system.temperature, ti->targets[0].system.temperature, row->best.value - first->best.value,
          hypot(row->best.error, first->best.error), row->mbar, row->mbar_error);
  }
  for (PetscInt i = 0; ti->run->settings.ti.insertions && i < ti->num_targets; ++i)
    if (!isnan(results->rows[i].insertion.value))
      TpLog(TP_LOG_PRODUCTION, "  N = %d: beta mu_ex neural %.4f, insertion %.4f +- %.4f%s",
            (int)ti->targets[i].system.num_particles, TpTiExcessPotential(results, ti->targets[i].system.num_particles),
            results->rows[i].insertion.value, results->rows[i].insertion.error,
            results->rows[i].insertion.error > 0.2 ? " (too few insertions fit)" : "");
  TellAsymmetry(results);
  TpLog(TP_LOG_PRODUCTION, "evaluations of energy and gradient for one number: trajectories %.3g, windows %.3g",
        TpTiNeuralCost(ti), TpTiWindowCost(ti));
}

PetscErrorCode TpTiReport(TpTi ti)
{
  TpTiResults *results;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&results));
  results->ti = ti;
  PetscCall(
      PetscCalloc2(ti->num_targets, &results->rows, 2 * ti->num_members * ti->num_windows + 1, &results->windows));
  PetscCall(GatherRows(ti, results));
  PetscCall(GatherLoss(ti, results));
  if (ti->is_fluid) PetscCall(GatherFluid(ti, results));
  PetscCall(TpTiMeasureAsymmetry(ti, results->asymmetry));
  PetscCall(TpTiWriteTables(results));
  PetscCall(TpTiWriteFile(results));
  PetscCall(TpTiWritePage(results));
  if (ti->run->is_writer) Tell(results);
  PetscCall(PetscFree(results->curve));
  PetscCall(PetscFree(results->pairs));
  PetscCall(PetscFree2(results->rows, results->windows));
  PetscCall(PetscFree(results));
  PetscFunctionReturn(PETSC_SUCCESS);
}
