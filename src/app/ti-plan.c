/* What a run of `tempera ti` is to do: members, targets, ranks, rounds. */
#include "ti-impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINT_PIECE = 1024, FLUID_PIECE = 16 }; /* trajectories in a round */

static PetscBool IsPotential(const TpSettings *settings, const char *word)
{
  return !strcmp(tp_engine_words[settings->engine.kind], "model") &&
                 !strcmp(tp_potential_words[settings->engine.model.potential], word)
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* -------------------------------------------------------------------------------------------------------------- checks */

static PetscErrorCode CheckFluid(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;
  const double      length   = settings->engine.model.box_length;

  PetscFunctionBeginUser;
  if (settings->ti.cutoff > 0.5 * length)
    PetscFunctionReturn(TpConfigError(ti->run->config, "ti.cutoff",
                                      "%g; allowed: up to half of engine.model.box_length, %g", settings->ti.cutoff,
                                      0.5 * length));
  if (settings->engine.model.cutoff > 0.0)
    PetscFunctionReturn(TpConfigError(ti->run->config, "engine.model.cutoff",
                                      "%g; the path of ti is of all pairs, allowed: 0", settings->engine.model.cutoff));
  if (ti->run->ladder->num_rungs > 1)
    PetscFunctionReturn(TpConfigError(ti->run->config, "ladder.temperatures",
                                      "%d temperatures; ti of lj-fluid has one, and several ti.particles",
                                      (int)ti->run->ladder->num_rungs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTogether(TpTi ti)
{
  const TpSettings *settings  = &ti->run->settings;
  const PetscInt    num_rungs = ti->run->ladder->num_rungs;

  PetscFunctionBeginUser;
  if (ti->is_fluid) PetscCall(CheckFluid(ti));
  if (!ti->is_fluid && settings->ti.particles.size)
    PetscFunctionReturn(
        TpConfigError(ti->run->config, "ti.particles", "only lj-fluid has several; another system has engine.*"));
  if (settings->ti.times % 4)
    PetscFunctionReturn(
        TpConfigError(ti->run->config, "ti.times", "%" PetscInt64_FMT "; allowed: multiples of 4", settings->ti.times));
  if (settings->training.start_round >= settings->run.rounds)
    PetscFunctionReturn(TpConfigError(ti->run->config, "training.start_round",
                                      "%" PetscInt64_FMT "; no configuration is left of run.rounds, %" PetscInt64_FMT,
                                      settings->training.start_round, settings->run.rounds));
  if (num_rungs > 1 && settings->ti.windows && settings->ti.windows != num_rungs)
    PetscFunctionReturn(TpConfigError(ti->run->config, "ti.windows",
                                      "%" PetscInt64_FMT "; with %d temperatures, one rank each, allowed: 0 or %d",
                                      settings->ti.windows, (int)num_rungs, (int)num_rungs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckWhole(TpTi ti, const char *key, const TpRealList *list)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < list->size; ++i) {
    if (list->values[i] != floor(list->values[i]))
      PetscFunctionReturn(TpConfigError(ti->run->config, key, "%g is not a whole number", list->values[i]));
    if (i && list->values[i] <= list->values[i - 1])
      PetscFunctionReturn(TpConfigError(ti->run->config, key, "%g after %g; allowed: increasing numbers",
                                        list->values[i], list->values[i - 1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------- members and targets */

static void SetSystem(TpTi ti, PetscInt num_particles, PetscInt rung, TpTiSystem *system)
{
  system->num_particles = num_particles;
  system->rung          = rung;
  system->temperature   = ti->run->ladder->temperature[rung];
  system->beta          = ti->run->ladder->beta[rung];
  system->size          = 3 * num_particles; /* of another system its engine tells */
}

static PetscErrorCode PlanMembers(TpTi ti)
{
  const TpSettings *settings  = &ti->run->settings;
  const TpRealList *particles = &settings->ti.particles;

  PetscFunctionBeginUser;
  ti->num_members = ti->is_fluid ? PetscMax(1, particles->size) : ti->run->ladder->num_rungs;
  PetscCall(PetscCalloc1(ti->num_members, &ti->members));
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    TpTiMember *member = &ti->members[m];
    PetscInt    number = 0;

    member->engine_settings = settings->engine;
    if (ti->is_fluid) {
      number = (PetscInt)(particles->size ? particles->values[m] : (double)settings->engine.model.num_particles);
      member->engine_settings.model.num_particles = number;
    }
    SetSystem(ti, number, ti->is_fluid ? 0 : m, &member->system);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int Increasing(const void *a, const void *b)
{
  const PetscInt x = *(const PetscInt *)a, y = *(const PetscInt *)b;

  return (x > y) - (x < y);
}

/* Every number of particles that is wanted, once, increasing. */
static PetscErrorCode ListNumbers(TpTi ti, PetscInt *count, PetscInt **numbers)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt    largest  = ti->members[ti->num_members - 1].system.num_particles;
  const PetscInt    interval = (PetscInt)settings->ti.evaluate_interval;
  PetscInt          num = 0, kept = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(ti->num_members + settings->ti.evaluate.size + largest, numbers));
  for (PetscInt m = 0; m < ti->num_members; ++m) (*numbers)[num++] = ti->members[m].system.num_particles;
  for (PetscInt i = 0; i < settings->ti.evaluate.size; ++i)
    (*numbers)[num++] = (PetscInt)settings->ti.evaluate.values[i];
  for (PetscInt n = interval; interval && n <= largest; n += interval) (*numbers)[num++] = n;
  qsort(*numbers, (size_t)num, sizeof(**numbers), Increasing);
  for (PetscInt i = 0; i < num; ++i)
    if (!kept || (*numbers)[i] != (*numbers)[kept - 1]) (*numbers)[kept++] = (*numbers)[i];
  *count = kept;
  if ((*numbers)[kept - 1] > largest && !settings->ti.extrapolate)
    PetscFunctionReturn(TpConfigError(ti->run->config, "ti.evaluate",
                                      "%d particles are denser than anything learned from (%d); allow it by "
                                      "ti.extrapolate: true",
                                      (int)(*numbers)[kept - 1], (int)largest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanTargets(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  J = settings->ti.trajectories, K = settings->ti.times;
  PetscInt         *numbers = NULL;

  PetscFunctionBeginUser;
  ti->num_targets = ti->num_members;
  if (ti->is_fluid) PetscCall(ListNumbers(ti, &ti->num_targets, &numbers));
  PetscCall(PetscCalloc1(ti->num_targets, &ti->targets));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    TpTiTarget *target = &ti->targets[i];

    SetSystem(ti, numbers ? numbers[i] : 0, ti->is_fluid ? 0 : i, &target->system);
    PetscCall(PetscCalloc5(TP_TI_NUM_MODES * J, &target->integral, TP_TI_NUM_MODES * J, &target->coarse, J,
                           &target->weight, TP_TI_NUM_MODES * (K + 1), &target->integrand, TP_TI_NUM_MODES * (K + 1),
                           &target->squares));
  }
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PlanRounds(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  piece    = ti->is_fluid ? FLUID_PIECE : POINT_PIECE;
  const PetscInt64  steps    = PetscMax(1, settings->training.steps_per_round);

  ti->num_windows      = (PetscInt)settings->ti.windows;
  ti->num_modes        = settings->ti.relax_steps ? 2 : 1;
  ti->num_frames       = settings->run.rounds - settings->training.start_round;
  ti->simulate_rounds  = settings->ti.configurations[0] ? 0 : settings->run.rounds;
  ti->train_rounds     = (settings->ti.training_steps + steps - 1) / steps;
  ti->pieces           = (settings->ti.trajectories + piece - 1) / piece;
  ti->integrate_rounds = ti->pieces * ti->num_targets;
}

PetscInt TpTiNumReplicas(TpTi ti)
{
  return PetscMax(ti->run->ladder->num_rungs, (PetscInt)ti->run->settings.ti.windows);
}

PetscInt TpTiLossPoints(TpTi ti)
{
  return (PetscInt)PetscMin((PetscInt64)TP_TI_LOSS_POINTS, ti->run->settings.ti.training_steps);
}

PetscInt TpTiLossPoint(TpTi ti, PetscInt64 step)
{
  return (PetscInt)(step * TpTiLossPoints(ti) / ti->run->settings.ti.training_steps);
}

PetscInt64 TpTiLossStep(TpTi ti, PetscInt point)
{
  const PetscInt64 points = TpTiLossPoints(ti);

  return (point * ti->run->settings.ti.training_steps + points - 1) / points;
}

PetscErrorCode TpTiPlan(TpTi ti)
{
  const TpSettings *settings = &ti->run->settings;

  PetscFunctionBeginUser;
  ti->is_fluid   = IsPotential(settings, "lj-fluid");
  ti->is_centred = IsPotential(settings, "lj-cluster");
  PetscCall(CheckTogether(ti));
  PetscCall(CheckWhole(ti, "ti.particles", &settings->ti.particles));
  PetscCall(CheckWhole(ti, "ti.evaluate", &settings->ti.evaluate));
  PetscCall(PlanMembers(ti));
  PetscCall(PlanTargets(ti));
  PlanRounds(ti);
  ti->condition = TpConditionCreate(1.0 / (ti->run->ladder->beta[0] * ti->run->ladder->temperature[0]),
                                    ti->run->ladder->num_rungs, ti->run->ladder->temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}
