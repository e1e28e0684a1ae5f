/* What every model potential must do as an engine: sizes, starts, the same bits again, and refusals of bad settings. */
#include "model-settings.h"

#include <math.h>

static const TpMoment first_moment = {.seed = 17, .rung = 3, .round = 5};

/* Whether two states hold the same bits. */
static PetscBool SameBits(const TpState *a, const TpState *b)
{
  const size_t bytes = (size_t)a->size * sizeof(double);

  return a->walker == b->walker && !memcmp(&a->energy, &b->energy, sizeof(double)) && !memcmp(a->x, b->x, bytes) &&
                 !memcmp(a->v, b->v, bytes) && !memcmp(a->box, b->box, sizeof(a->box))
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* The energy of a state is that of its positions, to the last bit. */
static PetscErrorCode CheckEnergy(TpEngine engine, const TpState *state, const char *name)
{
  double energy;

  PetscFunctionBeginUser;
  PetscCall(TpEngineEnergy(engine, state->x, state->box, &energy, NULL));
  TpTestExpectThat(energy == state->energy, "%s: the state has %.17g, its positions %.17g", name, state->energy,
                   energy);
  TpTestExpectThat(TpStateIsFinite(state), "%s: not finite", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckInfo(const char *word, const TpEngineInfo *info)
{
  PetscFunctionBeginUser;
  TpTestExpectText(info->name, "model: ");
  TpTestExpect(!strcmp(info->name + strlen("model: "), word)); /* words and implementations are in the same order */
  TpTestExpectEqual(info->units, TP_UNITS_REDUCED);
  TpTestExpectEqual(info->num_particles * info->dimension, info->size);
  TpTestExpectEqual(info->dimension, strstr(word, "lj-") ? 3 : 1);
  TpTestExpectEqual(info->degrees_of_freedom, info->size);
  TpTestExpectEqual(info->num_constraints, 0);
  TpTestExpectEqual(info->has_box, !strcmp(word, "lj-fluid"));
  TpTestExpectClose(info->period, strcmp(word, "chiral-chain") ? 0 : 2.0 * PETSC_PI, 0);
  TpTestExpect(!info->topology && info->deterministic);
  for (PetscInt i = 0; i < info->num_particles; ++i) TpTestExpect(info->mass[i] == 1.5);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Periodic coordinates are handed back in their standard range. */
static void CheckRange(const TpEngineInfo *info, const TpState *state)
{
  for (PetscInt i = 0; i < info->size; ++i) {
    if (info->has_box) TpTestExpect(state->x[i] >= 0 && state->x[i] < state->box[0]);
    if (info->period > 0) TpTestExpect(state->x[i] > -PETSC_PI && state->x[i] <= PETSC_PI);
  }
}

static PetscErrorCode CheckStart(TpEngine engine, const TpEngineInfo *info, TpState *state, TpState *other)
{
  PetscFunctionBeginUser;
  for (PetscInt64 walker = 0; walker < 4; ++walker) {
    PetscCall(TpEngineStart(engine, 17, walker, 1.2, state));
    PetscCall(CheckEnergy(engine, state, info->name));
    CheckRange(info, state);
    TpTestExpectEqual(state->walker, walker);
    TpTestExpectClose(state->box[4], info->has_box ? 4.0 : 0, 0);
    PetscCall(TpEngineStart(engine, 17, walker, 1.2, other));
    TpTestExpect(SameBits(state, other));
    PetscCall(TpEngineStart(engine, 18, walker, 1.2, other));
    TpTestExpect(memcmp(state->v, other->v, (size_t)info->size * sizeof(double)));
    PetscCall(TpEngineStart(engine, 17, walker + 1, 1.2, other));
    TpTestExpect(memcmp(state->x, other->x, (size_t)info->size * sizeof(double)));
    TpTestExpect(memcmp(state->v, other->v, (size_t)info->size * sizeof(double)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same again from a packed copy: by an engine that did other things in between, and by one just made. */
static PetscErrorCode CheckSameBits(const TpEngineSettings *settings, TpEngine engine, const TpEngineInfo *info,
                                    TpState *state, TpState *other)
{
  TpEngine fresh;
  double  *packed;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(TpStatePackedSize(info->size), &packed));
  PetscCall(TpEngineStart(engine, 17, 1, 1.2, state));
  PetscCall(TpEngineAdvance(engine, 1.2, 100, &(TpMoment){.seed = 17, .rung = 3, .round = 4}, state));
  PetscCall(CheckEnergy(engine, state, info->name));
  TpStatePack(state, packed);
  PetscCall(TpEngineAdvance(engine, 1.2, 200, &first_moment, state));
  PetscCall(CheckEnergy(engine, state, info->name));
  CheckRange(info, state);

  PetscCall(TpEngineStart(engine, 4, 0, 0.5, other));
  PetscCall(TpEngineAdvance(engine, 0.5, 50, &(TpMoment){.seed = 4, .rung = 0, .round = 0}, other));
  TpStateUnpack(packed, other);
  PetscCall(TpEngineAdvance(engine, 1.2, 200, &first_moment, other));
  TpTestExpectThat(SameBits(state, other), "%s: other bits from a copy", info->name);

  PetscCall(TpEngineCreate(settings, 1, &fresh));
  TpStateUnpack(packed, other);
  PetscCall(TpEngineAdvance(fresh, 1.2, 200, &first_moment, other));
  TpTestExpectThat(SameBits(state, other), "%s: other bits from another engine", info->name);
  PetscCall(TpEngineDestroy(&fresh));
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Other noise for another seed, rung or round; other motion at another temperature; none in no step. */
static PetscErrorCode CheckNoise(TpEngine engine, const TpEngineInfo *info, TpState *state, TpState *other)
{
  const TpMoment others[4] = {{18, 3, 5}, {17, 4, 5}, {17, 3, 6}, {17, 3, 5}};

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 4; ++i) {
    PetscCall(TpEngineStart(engine, 17, 1, 1.2, state));
    PetscCall(TpStateCopy(state, other));
    PetscCall(TpEngineAdvance(engine, 1.2, 1, &first_moment, state));
    PetscCall(TpEngineAdvance(engine, i < 3 ? 1.2 : 1.3, 1, &others[i], other));
    for (PetscInt k = 0; k < info->size; ++k) TpTestExpect(state->v[k] != other->v[k]);
  }
  PetscCall(TpStateCopy(state, other));
  PetscCall(TpEngineAdvance(engine, 1.2, 0, &first_moment, state));
  TpTestExpect(SameBits(state, other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A bad configuration comes back as a bad configuration, whatever is wrong in it. */
static PetscErrorCode CheckNotFinite(TpEngine engine, const TpEngineInfo *info, TpState *state)
{
  const double bad[3] = {NAN, INFINITY, 1e200};

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < 3; ++i) {
    PetscCall(TpEngineStart(engine, 17, 1, 1.2, state));
    if (i < 2)
      state->x[info->size - 1] = bad[i];
    else
      state->v[0] = NAN;
    PetscCall(TpEngineAdvance(engine, 1.2, 3, &first_moment, state));
    TpTestExpectThat(!TpStateIsFinite(state), "%s: a state with %g came back finite", info->name, bad[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From far images the same motion, handed back in the standard range. */
static PetscErrorCode CheckFold(TpEngine engine, const TpEngineInfo *info, TpState *state, TpState *other)
{
  PetscFunctionBeginUser;
  PetscCall(TpEngineStart(engine, 17, 1, 1.2, state));
  if (info->period > 0) state->x[1] = 3.3; /* just across the edge */
  PetscCall(TpStateCopy(state, other));
  for (PetscInt i = 0; i < info->size; ++i)
    other->x[i] += (info->has_box ? other->box[0] : info->period) * (double)(i % 7 - 3);
  PetscCall(TpEngineAdvance(engine, 1.2, 10, &first_moment, state));
  PetscCall(TpEngineAdvance(engine, 1.2, 10, &first_moment, other));
  PetscCall(CheckEnergy(engine, other, info->name));
  CheckRange(info, state);
  CheckRange(info, other);
  for (PetscInt i = 0; i < info->size; ++i) TpTestExpectClose(other->x[i], state->x[i], 1e-9);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPotential(const char *word)
{
  const TpEngineSettings settings = ModelSettings(word);
  const TpEngineInfo    *info;
  TpEngine               engine;
  TpState                state, other;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(TpStateCreate(info->size, &other));
  PetscCall(CheckInfo(word, info));
  PetscCall(CheckStart(engine, info, &state, &other));
  PetscCall(CheckSameBits(&settings, engine, info, &state, &other));
  PetscCall(CheckNoise(engine, info, &state, &other));
  PetscCall(CheckNotFinite(engine, info, &state));
  if (info->has_box || info->period > 0) PetscCall(CheckFold(engine, info, &state, &other));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpStateDestroy(&other));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Neighbouring rounds and steps have independent noise: with strong friction, velocities one step apart are not
   correlated. */
static PetscErrorCode CheckFreshNoise(void)
{
  TpEngineSettings    settings = ModelSettings("harmonic");
  const TpEngineInfo *info;
  TpEngine            engine;
  TpState             state;
  double             *before, correlation = 0, squares = 0;
  const PetscInt      num_steps = 20;

  PetscFunctionBeginUser;
  settings.friction        = 1e5; /* a step forgets the velocity */
  settings.model.dimension = 1000;
  settings.model.barrier   = 1e-6;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(PetscMalloc1(info->size, &before));
  PetscCall(TpEngineStart(engine, 17, 0, 1.2, &state));
  for (PetscInt step = 0; step < num_steps; ++step) {
    const TpMoment moment = {17, 0, step / 2};

    PetscCall(PetscArraycpy(before, state.v, info->size));
    PetscCall(
        TpEngineAdvance(engine, 1.2, 1 + step % 2, &moment, &state)); /* step 0 of a round, then steps 0 and 1 again */
    for (PetscInt i = 0; i < info->size; ++i) {
      correlation += before[i] * state.v[i];
      squares += state.v[i] * state.v[i];
    }
  }
  /* 2 10^4 products and squares, <v^2> = T / m = 0.8; 4 standard errors each: one false alarm in 8000 seeds, the seed
     is fixed */
  TpTestExpectClose(correlation / (num_steps * 1000), 0, 4.0 * 0.8 / sqrt(2e4));
  TpTestExpectClose(squares / (num_steps * 1000), 0.8, 4.0 * 0.8 * sqrt(2.0 / 2e4));
  PetscCall(PetscFree(before));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of two engines that live at the same time: nothing of the memory they lie in may get in. */
static PetscErrorCode HashOf(const TpEngineSettings *settings, uint64_t *hash)
{
  const TpEngineInfo *info, *twin_info;
  TpEngine            engine, twin;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(settings, &engine, &info));
  PetscCall(CreateEngine(settings, &twin, &twin_info));
  TpTestExpect(info->system_hash == twin_info->system_hash);
  *hash = info->system_hash;
  PetscCall(TpEngineDestroy(&twin));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A change of one number changes the hash; the same settings again do not. */
static PetscErrorCode CheckHash(void)
{
  double           means[]  = {-1.0, 0.5, 2.0, 1.5, -0.5, 0.1};
  TpEngineSettings settings = ModelSettings("gaussian-mixture");
  uint64_t         hash[8];

  PetscFunctionBeginUser;
  PetscCall(HashOf(&settings, &hash[0]));
  settings.timestep *= 1.0 + 1e-15;
  PetscCall(HashOf(&settings, &hash[1]));
  settings.friction *= 2;
  PetscCall(HashOf(&settings, &hash[2]));
  settings.model.mass *= 2;
  PetscCall(HashOf(&settings, &hash[3]));
  settings.model.means.values = means;
  PetscCall(HashOf(&settings, &hash[4]));
  settings.model.potential = WordIndex(tp_potential_words, "harmonic");
  PetscCall(HashOf(&settings, &hash[5]));
  settings.model.barrier = 3.0;
  PetscCall(HashOf(&settings, &hash[6]));
  settings.model.dimension = 4;
  PetscCall(HashOf(&settings, &hash[7]));
  for (PetscInt i = 0; i < 8; ++i)
    for (PetscInt j = 0; j < i; ++j) TpTestExpectThat(hash[i] != hash[j], "hashes %d and %d are equal", (int)i, (int)j);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Velocities of 2000 walkers: <m v^2> = T, 36000 squares; 4 standard errors: one false alarm in 16000 seeds, the seed
   is fixed. */
static PetscErrorCode CheckVelocities(void)
{
  const TpEngineSettings settings = ModelSettings("chiral-chain");
  const TpEngineInfo    *info;
  TpEngine               engine;
  TpState                state;
  double                 sum = 0;

  PetscFunctionBeginUser;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  for (PetscInt64 walker = 0; walker < 2000; ++walker) {
    PetscCall(TpEngineStart(engine, 9, walker, 2.5, &state));
    for (PetscInt i = 0; i < 18; ++i) sum += 1.5 * state.v[i] * state.v[i];
  }
  TpTestExpectClose(sum / 36000, 2.5, 4.0 * 2.5 * sqrt(2.0 / 36000));
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FirstCoordinate(const char *word, PetscInt64 walker, double *x, double *energy)
{
  TpEngineSettings    settings = ModelSettings(word);
  const TpEngineInfo *info;
  TpEngine            engine;
  TpState             state;

  PetscFunctionBeginUser;
  settings.model.num_particles = 38;
  PetscCall(CreateEngine(&settings, &engine, &info));
  PetscCall(TpStateCreate(info->size, &state));
  PetscCall(TpEngineStart(engine, 9, walker, 1.0, &state));
  *x      = state.x[0];
  *energy = state.energy;
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Walkers begin in different basins, and nobody begins with overlaps. */
static PetscErrorCode CheckBasins(void)
{
  double x, energy;

  PetscFunctionBeginUser;
  for (PetscInt64 walker = 0; walker < 6; ++walker) {
    const double side = walker % 2 == 0 ? 1.0 : -1.0;

    PetscCall(FirstCoordinate("double-well", walker, &x, &energy));
    TpTestExpect(side * x > 0.5 && energy < 0.5);
    PetscCall(FirstCoordinate("asymmetric-double-well", walker, &x, &energy));
    TpTestExpect(side * x > 0.5 && energy < 1.0);
    PetscCall(FirstCoordinate("mueller-brown", walker, &x, &energy));
    TpTestExpect(side * x < 0 && energy < -100);
    PetscCall(FirstCoordinate("chiral-chain", walker, &x, &energy)); /* right-handed, phi < 0, if even */
    TpTestExpect(side * x < 0 && energy < -60);
    PetscCall(FirstCoordinate("lj-cluster", walker, &x, &energy));
    TpTestExpectThat(energy < -100 && energy >= -173.928427, "38 particles start with %g", energy);
    PetscCall(FirstCoordinate("lj-fluid", walker, &x, &energy));
    TpTestExpectThat(energy < -38, "38 particles start with %g", energy);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One setting made wrong, one line that names it. */
#define CHECK_REFUSED(word, change, part)                                                                              \
  do {                                                                                                                 \
    TpEngineSettings settings = ModelSettings(word);                                                                   \
    TpEngine         engine;                                                                                           \
    change;                                                                                                            \
    TpTestExpectInputError(TpEngineCreate(&settings, 0, &engine), part);                                               \
    TpTestExpect(!engine);                                                                                             \
  } while (0)

static PetscErrorCode CheckRefusals(void)
{
  PetscFunctionBeginUser;
  CHECK_REFUSED("harmonic", settings.model.dimension = 0, "engine.model.dimension: 0; allowed: 1 to 100000");
  CHECK_REFUSED("double-well", settings.model.dimension = INT64_C(5000000000), "engine.model.dimension: 5000000000");
  CHECK_REFUSED("double-well", settings.model.barrier = 0, "engine.model.barrier: 0");
  CHECK_REFUSED("harmonic", settings.model.barrier = -1, "engine.model.barrier: -1");
  CHECK_REFUSED("harmonic", settings.model.mass = 0, "engine.model.mass: 0; allowed: greater than 0");
  CHECK_REFUSED("harmonic", settings.timestep = 0, "engine.timestep: 0");
  CHECK_REFUSED("harmonic", settings.timestep = NAN, "engine.timestep: nan");
  CHECK_REFUSED("harmonic", settings.friction = 0, "engine.friction: 0");
  CHECK_REFUSED("gaussian-mixture", settings.model.weights.size = 0, "engine.model.weights: an empty list");
  CHECK_REFUSED("gaussian-mixture", settings.model.sigmas.size = 1,
                "engine.model.sigmas: 1 numbers; allowed: one per weight, 2");
  CHECK_REFUSED("gaussian-mixture", settings.model.means.size = 5,
                "engine.model.means: 5 numbers; allowed: 2 weights x dimension 3");
  CHECK_REFUSED("gaussian-mixture", settings.model.dimension = 2, "engine.model.means: 6 numbers");
  CHECK_REFUSED("gaussian-mixture", settings.model.weights.values = ((double[]){0.5, 0.0}), "engine.model.weights: 0");
  CHECK_REFUSED("gaussian-mixture", settings.model.sigmas.values = ((double[]){0.5, -1.0}), "engine.model.sigmas: -1");
  CHECK_REFUSED("lj-fluid", settings.model.num_particles = 0, "engine.model.num_particles: 0");
  CHECK_REFUSED("lj-fluid", settings.model.num_particles = 200, "engine.model.num_particles: 200; allowed: at most 90");
  CHECK_REFUSED("lj-fluid", settings.model.box_length = 0, "engine.model.box_length: 0");
  CHECK_REFUSED("lj-fluid", settings.model.cutoff = 2.01, "engine.model.cutoff: 2.01; allowed: 0 (none) to half of");
  CHECK_REFUSED("lj-fluid", settings.model.cutoff = -1, "engine.model.cutoff: -1");
  CHECK_REFUSED("lj-cluster", settings.model.num_particles = 1, "engine.model.num_particles: 1");
  CHECK_REFUSED("lj-cluster", settings.model.radius = 0.8, "engine.model.radius: 0.8; allowed: at least 1.02");
  CHECK_REFUSED("chiral-chain", settings.model.num_residues = 0, "engine.model.num_residues: 0; allowed: 1 to 1000");
#ifndef TP_HAVE_OPENMM
  CHECK_REFUSED("harmonic", settings.kind = WordIndex(tp_engine_words, "openmm"),
                "engine.kind: openmm: this build has no OpenMM; install libopenmm-dev");
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A round longer than its share of the random sequence would repeat numbers: refused. */
static PetscErrorCode CheckLongRound(void)
{
  const TpEngineSettings settings = ModelSettings("asymmetric-double-well");
  TpEngine               engine;
  TpState                state;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&settings, 0, &engine));
  PetscCall(TpStateCreate(1, &state));
  PetscCall(TpEngineStart(engine, 1, 0, 1.0, &state));
  TpTestExpectInputError(TpEngineAdvance(engine, 1.0, (INT64_C(1) << 24) + 1, &first_moment, &state),
                         "allowed: at most 16777215");
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckTable(void)
{
  char text[200];

  PetscFunctionBeginUser;
  TpTestExpectEqual(TpEngineUnits(WordIndex(tp_engine_words, "model"), 0), TP_UNITS_REDUCED);
  TpTestExpectEqual(TpEngineUnits(WordIndex(tp_engine_words, "openmm"), 0), TP_UNITS_MOLECULAR);
  PetscCall(TpEngineDescribeBuild(text, sizeof(text)));
#ifdef TP_HAVE_OPENMM
  TpTestExpectText(text, "OpenMM");
#else
  TpTestExpectText(text, "openmm: not built in");
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (PetscInt i = 0; tp_potential_words[i]; ++i) TpTestCall(CheckPotential(tp_potential_words[i]));
  TpTestCall(CheckFreshNoise());
  TpTestCall(CheckHash());
  TpTestCall(CheckVelocities());
  TpTestCall(CheckBasins());
  TpTestCall(CheckRefusals());
  TpTestCall(CheckLongRound());
  TpTestCall(CheckTable());
  return TpTestEnd();
}
