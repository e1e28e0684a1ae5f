/*
  The classical way beside the network: thermodynamic integration over windows at the nodes of Gauss and Legendre, one window a replica rank, by hybrid
  Monte Carlo; neighbouring windows exchange their configurations as rungs do. And Widom's insertion.
*/
#include "ti-impl.h"

#include <math.h>

enum { NUM_LEAPS = 5 };

static const double wanted_acceptance = 0.7;

static PetscInt64 SettlingRounds(TpTi ti)
{
  return ti->run->settings.ti.window_rounds / 5;
}

static PetscBool HasWindow(TpTi ti)
{
  return ti->num_windows && ti->run->groups->is_replica ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode TpTiCreateWindow(TpTi ti)
{
  TpTiWindow *window = &ti->window;

  PetscFunctionBeginUser;
  window->member = -1;
  if (!ti->num_windows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(ti->num_windows, &ti->node, ti->num_windows, &ti->weight));
  TpGaussLegendre(ti->num_windows, ti->node, ti->weight);
  if (!HasWindow(ti)) PetscFunctionReturn(PETSC_SUCCESS);
  window->t = ti->node[ti->run->groups->group_rank];
  PetscCall(PetscCalloc2(ti->num_members * ti->run->settings.ti.window_rounds, &window->series, 2, &window->swaps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiDestroyWindow(TpTi ti)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(ti->node, ti->weight));
  PetscCall(PetscFree2(ti->window.series, ti->window.swaps));
  if (ti->window.walkers.y) PetscCall(TpWalkersDestroy(&ti->window.walkers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- sample */

/* Begin a member: one of its configurations, another one in each window. */
static PetscErrorCode BeginMember(TpTi ti, PetscInt m)
{
  TpTiWindow      *window = &ti->window;
  const TpPath     path   = ti->members[m].system.classical;
  const PetscInt64 frame  = ti->num_frames * ti->run->groups->group_rank / ti->num_windows;

  PetscFunctionBeginUser;
  if (window->walkers.y) PetscCall(TpWalkersDestroy(&window->walkers));
  PetscCall(TpWalkersCreate(path, 1, &window->walkers));
  for (PetscInt k = 0; k < TpPathSize(path); ++k)
    window->walkers.y[k] = (double)ti->data[m].y[frame * TpPathSize(path) + k];
  PetscCall(TpWalkersEvaluate(path, window->t, &window->walkers));
  window->member = m;
  window->length = ti->run->settings.ti.relax_length * (1.0 + 4.0 * window->t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This window's energy of the neighbour's configuration decides, with the neighbour's of mine. */
static PetscErrorCode Exchange(TpTi ti, TpPath path, PetscInt64 attempt)
{
  TpTiWindow    *window = &ti->window;
  TpGroups       groups = ti->run->groups;
  const int      rank = groups->group_rank, partner = (rank + attempt) % 2 ? rank - 1 : rank + 1;
  const PetscInt size = TpPathSize(path);
  TpWalkers      theirs;
  MPI_Request    request[2];
  double         mine, other, number;

  PetscFunctionBeginUser;
  if (partner < 0 || partner >= groups->num_replicas) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpWalkersCreate(path, 1, &theirs));
  PetscCallMPI(MPI_Irecv(theirs.y, (int)size, MPI_DOUBLE, partner, TP_TAG_SWAP_STATE, groups->group, &request[0]));
  PetscCallMPI(
      MPI_Isend(window->walkers.y, (int)size, MPI_DOUBLE, partner, TP_TAG_SWAP_STATE, groups->group, &request[1]));
  PetscCall(TpWait(2, request, NULL));
  PetscCall(TpWalkersEvaluate(path, window->t, &theirs));
  mine = theirs.u[0] - window->walkers.u[0];
  PetscCallMPI(MPI_Irecv(&other, 1, MPI_DOUBLE, partner, TP_TAG_SWAP_ENERGY, groups->group, &request[0]));
  PetscCallMPI(MPI_Isend(&mine, 1, MPI_DOUBLE, partner, TP_TAG_SWAP_ENERGY, groups->group, &request[1]));
  PetscCall(TpWait(2, request, NULL));
  TpRandomUniform((uint64_t)ti->run->settings.run.seed, TP_RANDOM_SWAP, (uint32_t)PetscMin(rank, partner),
                  (uint64_t)attempt, 1, &number);
  if (partner > rank) ++window->swaps[0];
  if (log(number) < -(mine + other)) {
    const TpWalkers kept = window->walkers;

    if (partner > rank) ++window->swaps[1];
    window->walkers = theirs;
    theirs          = kept;
  }
  PetscCall(TpWalkersDestroy(&theirs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Round `round` of all members' windows. */
static PetscErrorCode SampleRound(TpTi ti, PetscInt64 round)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  within = round % settings->ti.window_rounds, moves = settings->ti.window_moves;
  const PetscInt    m        = (PetscInt)(round / settings->ti.window_rounds);
  TpTiWindow       *window   = &ti->window;
  const TpPath      path     = ti->members[m].system.classical;
  PetscInt64        accepted = 0;

  PetscFunctionBeginUser;
  if (!within) PetscCall(BeginMember(ti, m));
  for (PetscInt64 i = 0; i < moves; ++i)
    PetscCall(TpWalkersMove(path, window->t, window->length, NUM_LEAPS, (uint64_t)settings->run.seed,
                            (uint32_t)(UINT32_MAX - (uint32_t)ti->run->groups->group_rank),
                            (uint64_t)(round * moves + i), &window->walkers, &accepted));
  if (within < SettlingRounds(ti)) window->length *= exp(0.3 * ((double)accepted / (double)moves - wanted_acceptance));
  window->series[round] = window->walkers.d[0];
  PetscCall(Exchange(ti, path, round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiWindowRounds(TpTi ti, PetscInt64 train_round)
{
  const PetscInt64 all   = ti->num_members * ti->run->settings.ti.window_rounds;
  const PetscInt64 first = all * train_round / ti->train_rounds, end = all * (train_round + 1) / ti->train_rounds;

  PetscFunctionBeginUser;
  for (PetscInt64 round = first; HasWindow(ti) && round < end; ++round) PetscCall(SampleRound(ti, round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ estimate */

/* What the integral changes by if a node is left out, root mean square: how much the integrand bends between the nodes. */
static double GridError(TpTi ti, const double mean[], double value)
{
  double sum = 0.0, *weight;

  if (ti->num_windows < 3) return INFINITY;
  if (PetscMalloc1(ti->num_windows, &weight)) return INFINITY;
  for (PetscInt left_out = 0; left_out < ti->num_windows; ++left_out) {
    double without = 0.0;

    TpInterpolatoryWeights(ti->num_windows, ti->node, left_out, weight);
    for (PetscInt k = 0; k < ti->num_windows; ++k) without += weight[k] * mean[k];
    sum += (without - value) * (without - value) / (double)ti->num_windows;
  }
  (void)PetscFree(weight);
  return sqrt(sum);
}

PetscErrorCode TpTiWindowEstimate(TpTi ti, PetscInt member, TpTiEstimate *estimate, double mean[], double error[])
{
  const PetscInt64 rounds = ti->run->settings.ti.window_rounds, first = SettlingRounds(ti);
  double          *all; /* [2, windows] means and errors */

  PetscFunctionBeginUser;
  *estimate = (TpTiEstimate){.value = NAN, .error = NAN, .grid = NAN};
  if (!ti->num_windows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(2 * ti->num_windows, &all));
  if (HasWindow(ti)) {
    const int k = ti->run->groups->group_rank;

    PetscCall(
        TpSeriesMean(rounds - first, ti->window.series + member * rounds + first, &all[k], &all[ti->num_windows + k]));
  }
  PetscCall(
      TpAllreduce(MPI_IN_PLACE, all, (int)(2 * ti->num_windows), MPI_DOUBLE, MPI_SUM, ti->run->groups->world, NULL));
  estimate->value = estimate->error = 0.0;
  for (PetscInt k = 0; k < ti->num_windows; ++k) {
    mean[k]  = all[k];
    error[k] = all[ti->num_windows + k];
    estimate->value += ti->weight[k] * mean[k];
    estimate->error += ti->weight[k] * error[k] * ti->weight[k] * error[k];
  }
  estimate->error = sqrt(estimate->error);
  estimate->grid  = GridError(ti, mean, estimate->value);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- insertion */

PetscErrorCode TpTiInsertionEstimate(TpTi ti, PetscInt member, TpTiEstimate *estimate)
{
  const TpSettings *settings = &ti->run->settings;
  const TpTiSystem *system   = &ti->members[member].system;
  const PetscInt    count = (PetscInt)settings->ti.insertions, size = system->size;
  TpGroups          groups = ti->run->groups;
  const PetscInt64  step   = groups->num_replicas + groups->num_trainers;
  double           *factor, *energy, *y, mean, error;

  PetscFunctionBeginUser;
  *estimate = (TpTiEstimate){.value = NAN, .error = NAN, .grid = NAN};
  if (!count || !ti->is_fluid) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc3(ti->num_frames, &factor, count, &energy, size, &y));
  for (PetscInt64 i = groups->world_rank; i < ti->num_frames; i += step) {
    for (PetscInt k = 0; k < size; ++k) y[k] = (double)ti->data[member].y[i * size + k];
    TpInsertionEnergies(system->beta, settings->engine.model.box_length, size / 3, y, (uint64_t)settings->run.seed,
                        (uint32_t)member, (uint64_t)i, count, energy);
    for (PetscInt j = 0; j < count; ++j) factor[i] += exp(-energy[j]) / (double)count;
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, factor, (int)ti->num_frames, MPI_DOUBLE, MPI_SUM, groups->world, NULL));
  PetscCall(TpSeriesMean(ti->num_frames, factor, &mean, &error));
  *estimate = (TpTiEstimate){.value = -log(mean), .error = error / mean, .grid = 0.0};
  PetscCall(PetscFree3(factor, energy, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
