/* What a run of `tempera ti` has found: tables, ti.h5, and the screen. */
#include "ti-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All estimates of one target; not numbers where there is none. */
typedef struct {
  TpTiEstimate mode[TP_TI_NUM_MODES];
  TpTiEstimate weights; /* of the plain trajectories */
  double       effective;
  TpTiEstimate best; /* the answer */
  const char  *method;
  TpTiEstimate windows, insertion;
  double       mbar, mbar_error; /* of ln Z, less that of the first temperature */
} Row;

typedef struct {
  TpTi    ti;
  Row    *rows;    /* [targets] */
  double *windows; /* [members, windows] mean integrand */
  double *curve;   /* [largest N + 1] beta F_ex of every number of particles of the fluid */
} Report;

static const TpTiEstimate nothing = {NAN, NAN, NAN};

/* Weights that fewer independent trajectories carry, or a smaller part of all, have a heavy tail: their mean, and its error, are guesses. */
static const double least_effective = 100.0;
static const double least_share     = 0.3;

/* Weights are exact where they carry; moves come next; the diffusion alone is as good as its network. */
static void Choose(TpTi ti, Row *row)
{
  const double J = (double)ti->run->settings.ti.trajectories;

  row->best   = row->mode[ti->num_modes - 1];
  row->method = ti->num_modes > 1 ? "relaxed" : "plain";
  if (row->effective < PetscMax(least_effective, least_share * J)) return;
  if (ti->num_modes > 1 && row->best.error < row->weights.error) return;
  row->best   = row->weights;
  row->method = "reweighted";
}

static PetscInt MemberOf(TpTi ti, PetscInt target)
{
  for (PetscInt m = 0; m < ti->num_members; ++m)
    if (ti->members[m].system.num_particles == ti->targets[target].system.num_particles &&
        ti->members[m].system.rung == ti->targets[target].system.rung)
      return m;
  return -1;
}

/* -------------------------------------------------------------------------------------------------------------- gather */

/* MBAR of the ladder's energies; a frame counts 1 / g. */
static PetscErrorCode SolveMbar(TpTi ti, Row rows[])
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

static PetscErrorCode Gather(TpTi ti, Report *report)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    Row           *row    = &report->rows[i];
    const PetscInt member = MemberOf(ti, i);
    const double   known  = TpPathLogReference(ti->targets[i].system.neural);

    *row = (Row){.windows = nothing, .insertion = nothing, .mbar = NAN, .mbar_error = NAN};
    for (int mode = 0; mode < TP_TI_NUM_MODES; ++mode) {
      row->mode[mode] = mode < ti->num_modes ? TpTiNeuralEstimate(ti, i, mode) : nothing;
      row->mode[mode].value += known;
    }
    row->weights = TpTiWeightEstimate(ti, i, &row->effective);
    row->weights.value += known;
    Choose(ti, row);
    if (member < 0) continue;
    PetscCall(TpTiWindowEstimate(ti, member, &row->windows, report->windows + member * ti->num_windows));
    row->windows.value += known;
    PetscCall(TpTiInsertionEstimate(ti, member, &row->insertion));
  }
  if (!ti->is_fluid && ti->num_members > 1) PetscCall(SolveMbar(ti, report->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* beta F_ex of every number of particles: a curve through 0 and the targets. */
static PetscErrorCode DrawCurve(TpTi ti, Report *report)
{
  const PetscInt largest = ti->targets[ti->num_targets - 1].system.num_particles;
  double        *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(largest + 1, &report->curve));
  PetscCall(PetscCalloc2(ti->num_targets + 1, &x, ti->num_targets + 1, &y));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    x[i + 1] = (double)ti->targets[i].system.num_particles;
    y[i + 1] = -report->rows[i].best.value;
  }
  for (PetscInt n = 0; n <= largest; ++n) report->curve[n] = TpCurve(ti->num_targets + 1, x, y, (double)n);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of adding a particle to n; at the largest n, of the last one. */
static double ExcessPotential(const Report *report, PetscInt n)
{
  const PetscInt from = PetscMin(n, report->ti->targets[report->ti->num_targets - 1].system.num_particles - 1);

  return report->curve[from + 1] - report->curve[from];
}

/* -------------------------------------------------------------------------------------------------------------- tables */

/* Text that grows; the same on all ranks, of which one writes. */
typedef struct {
  FILE  *stream;
  char  *text;
  size_t length;
} Table;

static PetscErrorCode TableBegin(Table *table)
{
  PetscFunctionBeginUser;
  table->stream = open_memstream(&table->text, &table->length);
  PetscCheck(table->stream, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a table");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablePublish(TpTi ti, const char *name, Table *table)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  fclose(table->stream);
  PetscCall(TpRunPath(ti->run, name, path));
  const PetscErrorCode code = TpTextPublish(ti->run->groups->world, path, table->text);

  free(table->text);
  PetscFunctionReturn(code);
}

/* Evaluations of energy and gradient that a number stands on. */
static double NeuralCost(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;
  const double      J = (double)settings->ti.trajectories, K = (double)settings->ti.times;

  return J * (K + 1.0 + (double)settings->ti.relax_steps * TP_LEAPS * K);
}

static double WindowCost(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;

  return (double)settings->ti.windows * (double)settings->ti.window_rounds *
         (5.0 * (double)settings->ti.window_moves + 1.0);
}

static PetscErrorCode WriteFreeEnergies(Report *report)
{
  TpTi  ti = report->ti;
  Table table;

  PetscFunctionBeginUser;
  PetscCall(TableBegin(&table));
  fprintf(table.stream,
          "num_particles,temperature,log_z,error,grid_error,method,plain,plain_error,relaxed,relaxed_error,"
          "reweighted,reweighted_error,effective,evaluations,windows,windows_error,windows_grid_error,"
          "windows_evaluations,mbar_difference,mbar_error,beta_mu_insertion,insertion_error\n");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const Row          *row    = &report->rows[i];
    const TpTiSystem   *system = &ti->targets[i].system;
    const TpTiEstimate *plain = &row->mode[TP_TI_PLAIN], *relaxed = &row->mode[TP_TI_CORRECTED];

    fprintf(table.stream, "%d,%.12g,%.8g,%.3g,%.3g,%s,", (int)system->num_particles, system->temperature,
            row->best.value, row->best.error, row->best.grid, row->method);
    fprintf(table.stream, "%.8g,%.3g,%.8g,%.3g,%.8g,%.3g,%.4g,%.0f,", plain->value, plain->error, relaxed->value,
            relaxed->error, row->weights.value, row->weights.error, row->effective, NeuralCost(ti));
    fprintf(table.stream, "%.8g,%.3g,%.3g,%.0f,%.8g,%.3g,%.8g,%.3g\n", row->windows.value, row->windows.error,
            row->windows.grid, WindowCost(ti), row->mbar, row->mbar_error, row->insertion.value, row->insertion.error);
  }
  PetscCall(TablePublish(ti, "free-energy.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* beta mu_ex of every number of particles, and <N> at every chemical potential that has one. */
static PetscErrorCode WriteChemicalPotentials(Report *report)
{
  TpTi           ti     = report->ti;
  const double   length = ti->run->settings.engine.model.box_length, volume = length * length * length;
  const PetscInt largest = ti->targets[ti->num_targets - 1].system.num_particles;
  enum { POINTS = 401 };
  double low = INFINITY, high = -INFINITY, mu[POINTS], mean[POINTS];
  Table  table;

  PetscFunctionBeginUser;
  PetscCall(TableBegin(&table));
  fprintf(table.stream, "num_particles,density,beta_f_excess,beta_mu_excess,beta_mu_box\n");
  for (PetscInt n = 0; n < largest; ++n) {
    const double excess = report->curve[n + 1] - report->curve[n], whole = excess + log((double)(n + 1));

    low  = PetscMin(low, whole);
    high = PetscMax(high, whole);
    fprintf(table.stream, "%d,%.8g,%.8g,%.8g,%.8g\n", (int)n, (double)n / volume, report->curve[n], excess, whole);
  }
  PetscCall(TablePublish(ti, "chemical-potential.csv", &table));
  for (PetscInt i = 0; i < POINTS; ++i) mu[i] = low + (high - low) * (double)i / (double)(POINTS - 1);
  TpGrandMean(largest, report->curve, POINTS, mu, mean);
  PetscCall(TableBegin(&table));
  fprintf(table.stream, "beta_mu_box,mean_num_particles\n");
  for (PetscInt i = 0; i < POINTS; ++i) fprintf(table.stream, "%.8g,%.8g\n", mu[i], mean[i]);
  PetscCall(TablePublish(ti, "isotherm.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g(r) of simulated configurations beside those that trajectories end in. */
static PetscErrorCode WritePairCorrelations(Report *report)
{
  TpTi         ti     = report->ti;
  const double length = ti->run->settings.engine.model.box_length, J = (double)ti->run->settings.ti.trajectories;
  Table        table;

  PetscFunctionBeginUser;
  PetscCall(TableBegin(&table));
  fprintf(table.stream, "num_particles,r,simulated,plain,corrected\n");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const PetscInt member = MemberOf(ti, i), n = ti->targets[i].system.num_particles;
    double         histogram[TP_TI_PAIR_BINS] = {0}, g[3][TP_TI_PAIR_BINS], *y;

    if (member < 0) continue;
    PetscCall(PetscMalloc1(3 * n, &y));
    for (PetscInt64 frame = 0; frame < ti->num_frames; ++frame) {
      for (PetscInt k = 0; k < 3 * n; ++k) y[k] = (double)ti->data[member].y[frame * 3 * n + k];
      TpPairHistogram(length, n, y, TP_TI_PAIR_BINS, histogram);
    }
    PetscCall(PetscFree(y));
    TpPairCorrelation(length, n, (double)ti->num_frames, TP_TI_PAIR_BINS, histogram, g[0]);
    for (int mode = 0; mode < TP_TI_NUM_MODES; ++mode)
      TpPairCorrelation(length, n, mode < ti->num_modes ? J : 0.0, TP_TI_PAIR_BINS, ti->targets[i].pairs[mode],
                        g[1 + mode]);
    for (PetscInt b = 0; b < TP_TI_PAIR_BINS; ++b)
      fprintf(table.stream, "%d,%.6g,%.6g,%.6g,%.6g\n", (int)n,
              0.5 * length * ((double)b + 0.5) / (double)TP_TI_PAIR_BINS, g[0][b], g[1][b], g[2][b]);
  }
  PetscCall(TablePublish(ti, "pair-correlation.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteIntegrands(Report *report)
{
  TpTi             ti = report->ti;
  const PetscInt64 K = ti->run->settings.ti.times, J = ti->run->settings.ti.trajectories;
  Table            table;

  PetscFunctionBeginUser;
  PetscCall(TableBegin(&table));
  fprintf(table.stream, "num_particles,temperature,t,way,integrand\n");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const TpTiSystem *system = &ti->targets[i].system;
    const PetscInt    member = MemberOf(ti, i);

    for (int mode = 0; mode < ti->num_modes; ++mode)
      for (PetscInt64 k = 0; k <= K; ++k)
        fprintf(table.stream, "%d,%.8g,%.8g,%s,%.8g\n", (int)system->num_particles, system->temperature,
                TpTrajectoryTime(system->neural, K, k), mode == TP_TI_PLAIN ? "plain" : "corrected",
                ti->targets[i].integrand[mode * (K + 1) + k] / (double)J);
    for (PetscInt k = 0; member >= 0 && k < ti->num_windows; ++k)
      fprintf(table.stream, "%d,%.8g,%.8g,windows,%.8g\n", (int)system->num_particles, system->temperature, ti->node[k],
              report->windows[member * ti->num_windows + k]);
  }
  PetscCall(TablePublish(ti, "integrand.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------------- ti.h5 */

static PetscErrorCode WriteMembers(TpTi ti, TpFile file)
{
  PetscFunctionBeginUser;
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    const TpTiMember *member   = &ti->members[m];
    const PetscInt64  shape[2] = {ti->num_frames, member->system.size};
    char              name[64];

    snprintf(name, sizeof(name), "/members/%d/positions", (int)m);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_FLOAT, 2, shape, member->x,
                             TpUnitName(ti->run->system.units, TP_DIMENSION_LENGTH), "configurations learned from"));
    snprintf(name, sizeof(name), "/members/%d/energy", (int)m);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, shape, member->energy,
                             TpUnitName(ti->run->system.units, TP_DIMENSION_ENERGY), "their potential energies"));
    snprintf(name, sizeof(name), "/members/%d", (int)m);
    PetscCall(TpFileWriteInteger(file, name, "num_particles", member->system.num_particles));
    PetscCall(TpFileWriteReal(file, name, "temperature", member->system.temperature));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(Report *report, TpFile file)
{
  TpTi             ti    = report->ti;
  const PetscInt64 count = ti->num_targets, length = ti->trainer->adam.num_parameters;
  double          *number;

  PetscFunctionBeginUser;
  PetscCall(WriteMembers(ti, file));
  PetscCall(TpFileWriteAll(file, "/network/parameters", TP_FILE_FLOAT, 1, &length, ti->trainer->adam.average, "",
                           "moving average of the energy's weights"));
  PetscCall(PetscMalloc1(5 * count, &number));
  for (PetscInt i = 0; i < count; ++i) {
    number[i]             = (double)ti->targets[i].system.num_particles;
    number[count + i]     = ti->targets[i].system.temperature;
    number[2 * count + i] = report->rows[i].best.value;
    number[3 * count + i] = report->rows[i].best.error;
    number[4 * count + i] = report->rows[i].best.grid;
  }
  const char *names[] = {"num_particles", "temperature", "log_z", "error", "grid_error"};

  for (int k = 0; k < 5; ++k) {
    char name[64];

    snprintf(name, sizeof(name), "/targets/%s", names[k]);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, &count, number + k * count, "",
                             "as in the columns of free-energy.csv"));
  }
  PetscCall(PetscFree(number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFile(Report *report)
{
  TpRun              run    = report->ti->run;
  const TpFileHeader header = {
      .format = TP_TI_FORMAT, .version = TP_TI_VERSION, .program = TpVersionLine(), .parameters = run->used_parameters};
  char   path[PETSC_MAX_PATH_LEN];
  TpFile file;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "ti.h5", path));
  PetscCall(TpFileCreate(run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(report, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- screen */

static void Tell(Report *report)
{
  TpTi ti = report->ti;

  TpLog(TP_LOG_PRODUCTION, "%s; error: statistical + grid",
        ti->is_fluid ? "ln (Z_N / Z_ideal)" : "ln Z (configurations, engine's units)");
  TpLog(TP_LOG_PRODUCTION, "  %-8s %12s %16s %-10s %10s %12s %16s %10s", ti->is_fluid ? "N" : "T", "neural", "error",
        "method", "correction", "windows", "error", "difference");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const Row *row = &report->rows[i];

    TpLog(TP_LOG_PRODUCTION, "  %-8g %12.4f %7.4f + %6.4f %-10s %10.4f %12.4f %7.4f + %6.4f %10.4f",
          ti->is_fluid ? (double)ti->targets[i].system.num_particles : ti->targets[i].system.temperature,
          row->best.value, row->best.error, row->best.grid, row->method, row->best.value - row->mode[TP_TI_PLAIN].value,
          row->windows.value, row->windows.error, row->windows.grid, row->best.value - row->windows.value);
  }
  for (PetscInt i = 1; !ti->is_fluid && i < ti->num_targets; ++i) {
    const Row *row = &report->rows[i], *first = &report->rows[0];

    TpLog(TP_LOG_PRODUCTION, "  ln Z(%g) - ln Z(%g): neural %.4f +- %.4f, MBAR %.4f +- %.4f",
          ti->targets[i].system.temperature, ti->targets[0].system.temperature, row->best.value - first->best.value,
          hypot(row->best.error, first->best.error), row->mbar, row->mbar_error);
  }
  for (PetscInt i = 0; ti->run->settings.ti.insertions && i < ti->num_targets; ++i)
    if (!isnan(report->rows[i].insertion.value))
      TpLog(TP_LOG_PRODUCTION, "  N = %d: beta mu_ex neural %.4f, insertion %.4f +- %.4f%s",
            (int)ti->targets[i].system.num_particles, ExcessPotential(report, ti->targets[i].system.num_particles),
            report->rows[i].insertion.value, report->rows[i].insertion.error,
            report->rows[i].insertion.error > 0.2 ? " (too few insertions fit)" : "");
  TpLog(TP_LOG_PRODUCTION, "evaluations of energy and gradient for one number: trajectories %.3g, windows %.3g",
        NeuralCost(ti), WindowCost(ti));
}

PetscErrorCode TpTiReport(TpTi ti)
{
  Report report = {.ti = ti};

  PetscFunctionBeginUser;
  PetscCall(
      PetscCalloc2(ti->num_targets, &report.rows, ti->num_members * PetscMax(1, ti->num_windows), &report.windows));
  PetscCall(Gather(ti, &report));
  if (ti->is_fluid) PetscCall(DrawCurve(ti, &report));
  PetscCall(WriteFreeEnergies(&report));
  PetscCall(WriteIntegrands(&report));
  if (ti->is_fluid) {
    PetscCall(WriteChemicalPotentials(&report));
    PetscCall(WritePairCorrelations(&report));
  }
  PetscCall(WriteFile(&report));
  if (ti->run->is_writer) Tell(&report);
  PetscCall(PetscFree(report.curve));
  PetscCall(PetscFree2(report.rows, report.windows));
  PetscFunctionReturn(PETSC_SUCCESS);
}
