/* Trajectories of every target on all ranks, and what they add up to. */
#include "ti-impl.h"

#include <math.h>

enum { TRAJECTORY_ROWS = 64 };

/* Where a round is: which target, which of its trajectories. */
typedef struct {
  PetscInt   target;
  PetscInt64 first, end;
} Piece;

static Piece PieceOf(TpTi ti, PetscInt64 round)
{
  const PetscInt64 J = ti->run->settings.ti.trajectories, piece = round % ti->pieces;

  return (Piece){(PetscInt)(round / ti->pieces), J * piece / ti->pieces, J * (piece + 1) / ti->pieces};
}

/* What the trajectories of a piece have given; this rank's are filled, the others' zero, so that a sum gathers them. */
typedef struct {
  PetscInt64 count;
  double    *integrand; /* [count, K + 1] */
  double    *weight;    /* [count] logarithms */
  double    *energy;    /* [count] beta U at the end */
  double    *pairs;     /* [TP_TI_PAIR_BINS] */
  double    *times;     /* [K + 1] */
  PetscInt64 accepted;
} Harvest;

/* Rows of one call: few enough that every rank has some. */
static PetscInt64 RowsOfCall(TpTi ti, PetscInt64 count)
{
  const PetscInt64 ranks = ti->run->groups->num_replicas + ti->run->groups->num_trainers;

  return PetscMax(1, PetscMin((PetscInt64)TRAJECTORY_ROWS, (count + ranks - 1) / ranks));
}

static PetscErrorCode MeasureEnds(TpTi ti, const TpTiSystem *system, PetscInt64 count, const double y[],
                                  PetscInt64 first, Harvest *harvest)
{
  const PetscInt n    = TpPathSize(system->neural);
  const double   zero = 0.0;
  double        *g, d;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &g));
  for (PetscInt64 i = 0; i < count; ++i) {
    PetscCall(TpPathEvaluate(system->neural, 1, y + i * n, &zero, &harvest->energy[first + i], g, &d));
    if (ti->is_fluid)
      TpPairHistogram(ti->run->settings.engine.model.box_length, n / 3, y + i * n, TP_TI_PAIR_BINS, harvest->pairs);
  }
  PetscCall(PetscFree(g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's calls: every so-many-th. */
static PetscErrorCode SampleShare(TpTi ti, Piece piece, int mode, Harvest *harvest)
{
  const TpSettings          *settings = &ti->run->settings;
  const TpTiSystem          *system   = &ti->targets[piece.target].system;
  TpGroups                   groups   = ti->run->groups;
  const PetscInt64           ranks = groups->num_replicas + groups->num_trainers, rows = RowsOfCall(ti, harvest->count);
  const PetscInt64           K        = settings->ti.times;
  const TpTrajectorySampling sampling = {.num_times    = K,
                                         .relax_steps  = mode == TP_TI_CORRECTED ? settings->ti.relax_steps : 0,
                                         .relax_leaps  = settings->ti.relax_leaps,
                                         .relax_length = settings->ti.relax_length};
  PetscErrorCode             code     = PETSC_SUCCESS;
  double                    *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(rows * TpPathSize(system->neural), &y));
  for (PetscInt64 first = groups->world_rank * rows; first < harvest->count && !code; first += ranks * rows) {
    const PetscInt count = (PetscInt)PetscMin(rows, harvest->count - first);

    code = TpTrajectoriesSample(system->neural, &sampling, (uint64_t)settings->run.seed, piece.target,
                                (uint32_t)(piece.first + first), count, harvest->integrand + first * (K + 1),
                                harvest->weight + first, y, &harvest->accepted);
    if (!code) code = MeasureEnds(ti, system, count, y, first, harvest);
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(code);
}

/* Add what all ranks have, in the order of the trajectories: the same bits for any number of ranks. */
static void AddHarvest(TpTi ti, Piece piece, int mode, const Harvest *harvest)
{
  const PetscInt64 J = ti->run->settings.ti.trajectories, K = ti->run->settings.ti.times;
  TpTiTarget      *target = &ti->targets[piece.target];

  for (PetscInt64 k = 0; k <= K; ++k) harvest->times[k] = TpTrajectoryTime(target->system.neural, K, k);
  for (PetscInt64 i = 0; i < harvest->count; ++i) {
    const double *integrand = harvest->integrand + i * (K + 1);

    target->integral[mode * J + piece.first + i] = TpSimpson(K, harvest->times, integrand, 1);
    target->coarse[mode * J + piece.first + i]   = TpSimpson(K, harvest->times, integrand, 2);
    for (PetscInt64 k = 0; k <= K; ++k) {
      target->integrand[mode * (K + 1) + k] += integrand[k];
      target->squares[mode * (K + 1) + k] += integrand[k] * integrand[k];
    }
    target->energy[mode] += harvest->energy[i];
    if (mode == TP_TI_PLAIN) target->weight[piece.first + i] = harvest->weight[i];
  }
  for (PetscInt b = 0; b < TP_TI_PAIR_BINS; ++b) target->pairs[mode][b] += harvest->pairs[b];
  if (mode == TP_TI_CORRECTED) target->accepted += harvest->accepted;
}

/* Say which system it was that diverged. */
static PetscErrorCode NameTarget(const TpTiSystem *system, PetscErrorCode code)
{
  char line[1024];

  if (code != TP_ERR_STOPPED) return code;
  snprintf(line, sizeof(line), "%s", TpInputErrorMessage());
  TpInputErrorClear();
  if (system->num_particles) return TpStopError("N = %d: %s", (int)system->num_particles, line);
  return TpStopError("temperature %g: %s", system->temperature, line);
}

static PetscErrorCode SampleMode(TpTi ti, Piece piece, int mode)
{
  MPI_Comm         world   = ti->run->groups->world;
  const PetscInt64 K       = ti->run->settings.ti.times;
  Harvest          harvest = {.count = piece.end - piece.first};

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc5(harvest.count * (K + 1), &harvest.integrand, harvest.count, &harvest.weight, harvest.count,
                         &harvest.energy, TP_TI_PAIR_BINS, &harvest.pairs, K + 1, &harvest.times));
  const PetscErrorCode code =
      TpAgree(world, NameTarget(&ti->targets[piece.target].system, SampleShare(ti, piece, mode, &harvest)));
  if (!code) {
    PetscCall(
        TpAllreduce(MPI_IN_PLACE, harvest.integrand, (int)(harvest.count * (K + 1)), MPI_DOUBLE, MPI_SUM, world, NULL));
    PetscCall(TpAllreduce(MPI_IN_PLACE, harvest.weight, (int)harvest.count, MPI_DOUBLE, MPI_SUM, world, NULL));
    PetscCall(TpAllreduce(MPI_IN_PLACE, harvest.energy, (int)harvest.count, MPI_DOUBLE, MPI_SUM, world, NULL));
    PetscCall(TpAllreduce(MPI_IN_PLACE, harvest.pairs, TP_TI_PAIR_BINS, MPI_DOUBLE, MPI_SUM, world, NULL));
    PetscCall(TpAllreduce(MPI_IN_PLACE, &harvest.accepted, 1, MPIU_INT64, MPI_SUM, world, NULL));
    AddHarvest(ti, piece, mode, &harvest);
  }
  PetscCall(PetscFree5(harvest.integrand, harvest.weight, harvest.energy, harvest.pairs, harvest.times));
  PetscFunctionReturn(code);
}

PetscErrorCode TpTiIntegrateRound(TpTi ti, PetscInt64 integrate_round)
{
  const Piece piece = PieceOf(ti, integrate_round);

  PetscFunctionBeginUser;
  for (int mode = 0; mode < ti->num_modes; ++mode) PetscCall(SampleMode(ti, piece, mode));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error of Simpson's rule goes with the fourth power of the width: a fifteenth of what doubling it changes. */
TpTiEstimate TpTiNeuralEstimate(TpTi ti, PetscInt target, int mode)
{
  const PetscInt64 J      = ti->run->settings.ti.trajectories;
  const double    *values = ti->targets[target].integral + mode * J, *coarse = ti->targets[target].coarse + mode * J;
  double           mean = 0.0, difference = 0.0, variance = 0.0;

  for (PetscInt64 i = 0; i < J; ++i) {
    mean += values[i] / (double)J;
    difference += (values[i] - coarse[i]) / (double)J;
  }
  for (PetscInt64 i = 0; i < J; ++i) variance += (values[i] - mean) * (values[i] - mean) / (double)(J - 1);
  return (TpTiEstimate){.value = mean, .error = sqrt(variance / (double)J), .grid = fabs(difference) / 15.0};
}

TpTiEstimate TpTiWeightEstimate(TpTi ti, PetscInt target, double *effective)
{
  TpTiEstimate estimate = {.grid = 0.0};

  TpMeanWeight(ti->run->settings.ti.trajectories, ti->targets[target].weight, &estimate.value, &estimate.error,
               effective);
  return estimate;
}

void TpTiMeanIntegrand(TpTi ti, PetscInt target, int mode, PetscInt64 k, double *mean, double *error)
{
  const double     J     = (double)ti->run->settings.ti.trajectories;
  const PetscInt64 place = mode * (ti->run->settings.ti.times + 1) + k;

  *mean  = ti->targets[target].integrand[place] / J;
  *error = sqrt(PetscMax(0.0, ti->targets[target].squares[place] / J - *mean * *mean) / (J - 1.0));
}
