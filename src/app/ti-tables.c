/* The tables of `tempera ti`. */
#include "ti-report.h"

#include <math.h>

static PetscErrorCode Publish(TpTi ti, const char *name, TpText *table)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(ti->run, name, path));
  PetscCall(TpTextEnd(ti->run->groups->world, path, table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFreeEnergies(const TpTiResults *results)
{
  TpTi   ti = results->ti;
  TpText table;

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream,
          "num_particles,temperature,log_z,error,grid_error,method,plain,plain_error,relaxed,relaxed_error,"
          "reweighted,reweighted_error,effective,acceptance,evaluations,windows,windows_error,windows_grid_error,"
          "windows_evaluations,mbar_difference,mbar_error,beta_mu_insertion,insertion_error\n");
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    const TpTiRow      *row    = &results->rows[i];
    const TpTiSystem   *system = &ti->targets[i].system;
    const TpTiEstimate *plain = &row->mode[TP_TI_PLAIN], *relaxed = &row->mode[TP_TI_CORRECTED];

    fprintf(table.stream, "%d,%.12g,%.8g,%.3g,%.3g,%s,", (int)system->num_particles, system->temperature,
            row->best.value, row->best.error, row->best.grid, row->method);
    fprintf(table.stream, "%.8g,%.3g,%.8g,%.3g,%.8g,%.3g,%.4g,%.3g,%.0f,", plain->value, plain->error, relaxed->value,
            relaxed->error, row->weights.value, row->weights.error, row->effective, TpTiAcceptance(ti, i),
            TpTiNeuralCost(ti));
    fprintf(table.stream, "%.8g,%.3g,%.3g,%.0f,%.8g,%.3g,%.8g,%.3g\n", row->windows.value, row->windows.error,
            row->windows.grid, TpTiWindowCost(ti), row->mbar, row->mbar_error, row->insertion.value,
            row->insertion.error);
  }
  PetscCall(Publish(ti, "free-energy.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* beta mu_ex of every number of particles, and <N> at every chemical potential that has one. */
static PetscErrorCode WriteChemicalPotentials(const TpTiResults *results)
{
  TpTi         ti     = results->ti;
  const double length = ti->run->settings.engine.model.box_length, volume = length * length * length;
  TpText       table;

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "num_particles,density,beta_f_excess,beta_mu_excess,beta_mu_box\n");
  for (PetscInt n = 0; n < results->largest; ++n) {
    const double excess = TpTiExcessPotential(results, n);

    fprintf(table.stream, "%d,%.8g,%.8g,%.8g,%.8g\n", (int)n, (double)n / volume, results->curve[n], excess,
            excess + log((double)(n + 1)));
  }
  PetscCall(Publish(ti, "chemical-potential.csv", &table));
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "beta_mu_box,mean_num_particles\n");
  for (PetscInt i = 0; i < TP_TI_ISOTHERM_POINTS; ++i)
    fprintf(table.stream, "%.8g,%.8g\n", results->isotherm[0][i], results->isotherm[1][i]);
  PetscCall(Publish(ti, "isotherm.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g(r) of simulated configurations beside those that trajectories end in. */
static PetscErrorCode WritePairCorrelations(const TpTiResults *results)
{
  TpTi   ti = results->ti;
  TpText table;

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "num_particles,r,simulated,plain,corrected\n");
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    const double *g = results->pairs + m * TP_TI_NUM_PAIRS * TP_TI_PAIR_BINS;

    for (PetscInt b = 0; b < TP_TI_PAIR_BINS; ++b)
      fprintf(table.stream, "%d,%.6g,%.6g,%.6g,%.6g\n", (int)ti->members[m].system.num_particles,
              TpTiPairDistance(ti, b), g[b], g[TP_TI_PAIRS_PLAIN * TP_TI_PAIR_BINS + b],
              g[TP_TI_PAIRS_CORRECTED * TP_TI_PAIR_BINS + b]);
  }
  PetscCall(Publish(ti, "pair-correlation.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d/dt beta U_t of one target by trajectories, and by windows if it is a member. */
static void WriteIntegrand(const TpTiResults *results, PetscInt i, FILE *stream)
{
  TpTi              ti      = results->ti;
  const TpTiSystem *system  = &ti->targets[i].system;
  const PetscInt64  K       = ti->run->settings.ti.times;
  const PetscInt    member  = TpTiMemberOf(ti, i);
  const double     *windows = results->windows + PetscMax(0, member) * ti->num_windows;

  for (int mode = 0; mode < ti->num_modes; ++mode)
    for (PetscInt64 k = 0; k <= K; ++k) {
      double mean, error;

      TpTiMeanIntegrand(ti, i, mode, k, &mean, &error);
      fprintf(stream, "%d,%.8g,%.8g,%s,%.8g,%.3g\n", (int)system->num_particles, system->temperature,
              TpTrajectoryTime(system->neural, K, k), mode == TP_TI_PLAIN ? "plain" : "corrected", mean, error);
    }
  for (PetscInt k = 0; member >= 0 && k < ti->num_windows; ++k)
    fprintf(stream, "%d,%.8g,%.8g,windows,%.8g,%.3g\n", (int)system->num_particles, system->temperature, ti->node[k],
            windows[k], windows[ti->num_members * ti->num_windows + k]);
}

static PetscErrorCode WriteIntegrands(const TpTiResults *results)
{
  TpText table;

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "num_particles,temperature,t,way,integrand,error\n");
  for (PetscInt i = 0; i < results->ti->num_targets; ++i) WriteIntegrand(results, i, table.stream);
  PetscCall(Publish(results->ti, "integrand.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLearning(const TpTiResults *results)
{
  TpText table;

  PetscFunctionBeginUser;
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "step,loss\n");
  for (PetscInt i = 0; i < results->num_losses; ++i)
    fprintf(table.stream, "%.0f,%.8g\n", results->loss[0][i], results->loss[1][i]);
  PetscCall(Publish(results->ti, "loss.csv", &table));
  PetscCall(TpTextBegin(&table));
  fprintf(table.stream, "t,asymmetry,error\n");
  for (PetscInt k = 0; k < TP_TI_ASYMMETRY_TIMES; ++k)
    fprintf(table.stream, "%.8g,%.3g,%.2g\n", results->asymmetry[k].t, results->asymmetry[k].ratio,
            results->asymmetry[k].error);
  PetscCall(Publish(results->ti, "conservativeness.csv", &table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiWriteTables(const TpTiResults *results)
{
  PetscFunctionBeginUser;
  PetscCall(WriteFreeEnergies(results));
  PetscCall(WriteIntegrands(results));
  PetscCall(WriteLearning(results));
  if (!results->ti->is_fluid) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WriteChemicalPotentials(results));
  PetscCall(WritePairCorrelations(results));
  PetscFunctionReturn(PETSC_SUCCESS);
}
