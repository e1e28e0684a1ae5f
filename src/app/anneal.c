/* Population annealing: the members move, are weighed, copied or dropped, and move on at the next temperature. */
#include "anneal-impl.h"

#include <math.h>

enum {
  CHUNKS = 16
}; /* of a sweep: between them all ranks agree whether to stop, which is noticed after this share of a temperature's MD */

/* ------------------------------------------------------------------------------------------------------------ create */

static PetscErrorCode Allocate(TpAnneal anneal)
{
  const PetscInt n = anneal->population, cells = anneal->count * anneal->run->ladder->num_rungs;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3((size_t)anneal->count * anneal->width, &anneal->packed, anneal->count, &anneal->moved,
                         anneal->count * TP_ANNEAL_HALVES, &anneal->top_energy));
  PetscCall(
      PetscCalloc5(n, &anneal->family, n, &anneal->energy, n, &anneal->weight, n, &anneal->copies, n, &anneal->source));
  PetscCall(PetscCalloc4(cells, &anneal->sample_energy, cells, &anneal->sample_family,
                         (size_t)cells * anneal->run->system.num_features, &anneal->sample_feature,
                         anneal->run->settings.anneal.replicates, &anneal->replicate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealCreate(TpRun run, TpReplica replica, TpAnneal *anneal)
{
  const TpGroups groups = run->groups;
  TpAnneal       new_anneal;
  int            first, count;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_anneal));
  new_anneal->run        = run;
  new_anneal->replica    = replica;
  new_anneal->engine     = TpReplicaEngine(replica);
  new_anneal->features   = TpReplicaFeatures(replica);
  new_anneal->population = (PetscInt)run->settings.anneal.population;
  new_anneal->width      = TpStatePackedSize(run->system.size);
  new_anneal->rung       = run->ladder->num_rungs - 1;
  new_anneal->beta       = run->ladder->beta[new_anneal->rung];
  new_anneal->effective  = 1.0;
  /* Not the seed itself: the noise would be that of a run of this input. */
  new_anneal->seed = TpRandomBits((uint64_t)run->settings.run.seed, TP_RANDOM_POPULATION, 0, 0);
  TpTreeOwned((int)new_anneal->population, groups->num_replicas, groups->world_rank, &first, &count);
  new_anneal->first = first;
  new_anneal->count = count;
  PetscCall(Allocate(new_anneal));
  for (PetscInt i = 0; i < new_anneal->population; ++i) new_anneal->family[i] = (int32_t)i;
  *anneal = new_anneal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealDestroy(TpAnneal *anneal)
{
  TpAnneal a = *anneal;

  PetscFunctionBeginUser;
  if (!a) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(a->packed, a->moved, a->top_energy));
  PetscCall(PetscFree5(a->family, a->energy, a->weight, a->copies, a->source));
  PetscCall(PetscFree4(a->sample_energy, a->sample_family, a->sample_feature, a->replicate));
  PetscCall(PetscFree(a->row));
  PetscCall(PetscFree(*anneal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Temperature(TpAnneal anneal)
{
  const TpLadder ladder = anneal->run->ladder;

  return anneal->is_between ? 1.0 / (ladder->boltzmann * anneal->beta) : ladder->temperature[anneal->rung];
}

static double *PackedOf(TpAnneal anneal, PetscInt i)
{
  return anneal->packed + (size_t)i * anneal->width;
}

PetscErrorCode TpAnnealCheckStart(const TpState *state, PetscInt member)
{
  PetscFunctionBeginUser;
  TpCheckInput(TpStateIsFinite(state),
               "the start configuration of member %d has no finite energy; check the start positions "
               "(engine.openmm.positions, engine.lammps.script)",
               (int)member);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StartHere(TpAnneal anneal)
{
  TpState *state = TpReplicaState(anneal->replica);

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < anneal->count; ++i) {
    PetscCall(TpEngineStart(anneal->engine, anneal->seed, anneal->first + i, Temperature(anneal), state));
    PetscCall(TpAnnealCheckStart(state, anneal->first + i));
    state->walker = anneal->first + i;
    TpStatePack(state, PackedOf(anneal, i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealStart(TpAnneal anneal)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(anneal->run->groups->world, StartHere(anneal)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- sweep */

static PetscErrorCode TellBadMember(TpAnneal anneal, PetscInt member)
{
  char who[64];

  snprintf(who, sizeof(who), "temperature %g: member %d", Temperature(anneal), (int)member);
  return TpRunBadConfiguration(TpEngineHasLostAtoms(anneal->engine) ? TP_FAILURE_LOST_ATOMS : TP_FAILURE_NOT_FINITE,
                               who, "");
}

/* MD of the members [begin, end) of this rank. */
static PetscErrorCode MoveMembers(TpAnneal anneal, PetscInt begin, PetscInt end)
{
  TpState *state = TpReplicaState(anneal->replica);

  PetscFunctionBeginUser;
  for (PetscInt i = begin; i < end; ++i) {
    const TpMoment moment = {anneal->seed, anneal->first + i, anneal->sweep};

    if (anneal->moved[i]) continue;
    TpStateUnpack(PackedOf(anneal, i), state);
    PetscCall(TpEngineAdvance(anneal->engine, Temperature(anneal), anneal->run->settings.anneal.steps, &moment, state));
    TpStatePack(state, PackedOf(anneal, i));
    anneal->moved[i] = 1;
    if (!TpStateIsFinite(state)) PetscFunctionReturn(TellBadMember(anneal, anneal->first + i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MD of all members that have not been moved yet, in chunks; *stopped: somebody wished for an end, and some may be left. */
static PetscErrorCode Sweep(TpAnneal anneal, TpStopping stopping, PetscBool *stopped)
{
  const MPI_Comm world = anneal->run->groups->world;

  PetscFunctionBeginUser;
  *stopped = PETSC_FALSE;
  for (PetscInt chunk = 0; chunk < CHUNKS && !*stopped; ++chunk) {
    const PetscInt begin = (PetscInt)((PetscInt64)anneal->count * chunk / CHUNKS);
    const PetscInt end   = (PetscInt)((PetscInt64)anneal->count * (chunk + 1) / CHUNKS);
    PetscErrorCode code  = MoveMembers(anneal, begin, end);
    unsigned       wish  = TpStoppingWish(stopping) | (code ? TP_DECIDE_FAILED : 0);

    if (code != TP_ERR_INPUT && code != TP_ERR_STOPPED) PetscCall(code);
    PetscCall(TpAllreduce(MPI_IN_PLACE, &wish, 1, MPI_UNSIGNED, MPI_BOR, world, NULL));
    if (wish & TP_DECIDE_FAILED) PetscCall(TpAgree(world, code));
    if (wish & (TP_DECIDE_CHECKPOINT | TP_DECIDE_STOP)) PetscCall(TpAnnealWriteCheckpoint(anneal));
    *stopped = wish & TP_DECIDE_STOP ? PETSC_TRUE : PETSC_FALSE;
  }
  if (*stopped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArrayzero(anneal->moved, anneal->count));
  ++anneal->sweep;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- observe */

/* Each place is written by one rank and 0 on the others: the sum is exact. */
static PetscErrorCode GatherEnergies(TpAnneal anneal)
{
  TpState *state = TpReplicaState(anneal->replica);

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(anneal->energy, anneal->population));
  for (PetscInt i = 0; i < anneal->count; ++i) {
    TpStateUnpack(PackedOf(anneal, i), state);
    anneal->energy[anneal->first + i] = state->energy;
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, anneal->energy, anneal->population, MPI_DOUBLE, MPI_SUM,
                        anneal->run->groups->world, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KeepSamples(TpAnneal anneal)
{
  const PetscInt rungs = anneal->run->ladder->num_rungs, num_features = anneal->run->system.num_features;
  TpState       *state = TpReplicaState(anneal->replica);

  PetscFunctionBeginUser;
  if (anneal->is_between) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < anneal->count; ++i) {
    const PetscInt cell = i * rungs + anneal->rung;

    TpStateUnpack(PackedOf(anneal, i), state);
    anneal->sample_energy[cell] = state->energy;
    anneal->sample_family[cell] = anneal->family[anneal->first + i];
    PetscCall(TpFeaturesCompute(anneal->features, state->x, state->box,
                                anneal->sample_feature + (size_t)cell * num_features));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- resample */

/*
  Copies go from the rank of the one that is copied to that of the free place. Who is copied stays where it is, so no state is written over that is still to be
  sent; and messages between two ranks are sent and expected in the order of the places.
*/
static PetscErrorCode MoveCopies(TpAnneal anneal)
{
  const TpGroups groups = anneal->run->groups;
  const int      n = (int)anneal->population, size = groups->num_replicas, me = groups->world_rank;
  PetscInt       messages = 0;
  MPI_Request   *request;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &request));
  for (int i = 0; i < n; ++i) {
    const int from = TpTreeOwner(n, size, (int)anneal->source[i]), to = TpTreeOwner(n, size, i);
    double   *there = from == me ? PackedOf(anneal, anneal->source[i] - anneal->first) : NULL;
    double   *here  = to == me ? PackedOf(anneal, i - anneal->first) : NULL;

    if (anneal->source[i] == i) continue;
    if (here && there)
      PetscCall(PetscArraycpy(here, there, anneal->width));
    else if (here)
      PetscCallMPI(
          MPI_Irecv(here, anneal->width, MPI_DOUBLE, from, TP_TAG_MEMBER, groups->world, &request[messages++]));
    else if (there)
      PetscCallMPI(MPI_Isend(there, anneal->width, MPI_DOUBLE, to, TP_TAG_MEMBER, groups->world, &request[messages++]));
  }
  PetscCall(TpWait((int)messages, request, NULL));
  PetscCall(PetscFree(request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ScaleVelocities(TpAnneal anneal, double scale)
{
  TpState *state = TpReplicaState(anneal->replica);

  for (PetscInt i = 0; i < anneal->count; ++i) {
    TpStateUnpack(PackedOf(anneal, i), state);
    for (PetscInt j = 0; j < state->size; ++j) state->v[j] *= scale;
    TpStatePack(state, PackedOf(anneal, i));
  }
}

static PetscErrorCode Resample(TpAnneal anneal)
{
  double uniform;

  PetscFunctionBeginUser;
  TpRandomUniform(anneal->seed, TP_RANDOM_RESAMPLE, 0, (uint64_t)anneal->sweep, 1, &uniform);
  TpPopulationResample(anneal->population, anneal->weight, uniform, anneal->copies);
  TpPopulationPlace(anneal->population, anneal->copies, anneal->source);
  PetscCall(MoveCopies(anneal));
  for (PetscInt i = 0; i < anneal->population; ++i) anneal->family[i] = anneal->family[anneal->source[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- steps */

/* The step in beta to take from here: to the next rung, or as far as enough members stay effective. 0 at the end. */
static double ChooseStep(TpAnneal anneal, PetscInt *goal, PetscBool *is_between)
{
  const double fraction = anneal->run->settings.anneal.effective;

  *goal       = anneal->is_between ? anneal->rung : anneal->rung - 1;
  *is_between = PETSC_FALSE;
  if (*goal < 0) return 0.0;
  const double whole = anneal->run->ladder->beta[*goal] - anneal->beta;
  const double step =
      fraction > 0.0 ? TpPopulationStep(anneal->population, anneal->energy, whole, fraction, anneal->weight) : whole;
  *is_between = step != whole ? PETSC_TRUE : PETSC_FALSE;
  return step;
}

/* From one temperature, where the members have moved, to the next, where they are to move; *finished: this was the lowest. */
static PetscErrorCode Descend(TpAnneal anneal, PetscBool *finished)
{
  const double before = Temperature(anneal);
  PetscInt     goal;
  PetscBool    is_between;

  PetscFunctionBeginUser;
  PetscCall(GatherEnergies(anneal));
  PetscCall(KeepSamples(anneal));
  const double step = ChooseStep(anneal, &goal, &is_between);
  PetscCall(TpAnnealMeasure(anneal, step));
  *finished = goal < 0 ? PETSC_TRUE : PETSC_FALSE;
  if (*finished) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Resample(anneal));
  anneal->rung       = goal;
  anneal->is_between = is_between;
  anneal->beta       = is_between ? anneal->beta + step : anneal->run->ladder->beta[goal];
  ScaleVelocities(anneal, sqrt(Temperature(anneal) / before));
  PetscCall(TpAnnealWriteCheckpoint(anneal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealGoOn(TpAnneal anneal, PetscBool *finished)
{
  const PetscInt64 top_rounds = anneal->run->settings.anneal.top_rounds;
  PetscBool        stopped    = PETSC_FALSE;
  TpStopping       stopping;

  PetscFunctionBeginUser;
  *finished = PETSC_FALSE;
  PetscCall(TpStoppingCreate(anneal->run, &stopping));
  while (!*finished && !stopped) {
    PetscCall(Sweep(anneal, stopping, &stopped));
    if (stopped) continue;
    if (anneal->sweep <= top_rounds) TpAnnealAddTop(anneal);
    if (anneal->sweep == top_rounds) PetscCall(TpAnnealLeaveTop(anneal));
    if (anneal->sweep >= top_rounds) PetscCall(Descend(anneal, finished));
  }
  PetscCall(TpStoppingDestroy(&stopping));
  PetscFunctionReturn(PETSC_SUCCESS);
}
