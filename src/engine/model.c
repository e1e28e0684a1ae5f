/* The engine `model`: model potentials with a known answer, moved by Langevin dynamics. */
#include "engine-impl.h"
#include "potential-impl.h"

#include <math.h>

typedef struct {
  TpPotential potential;
  TpLangevin  langevin;
  double     *masses; /* [num_particles] */
  char        name[64];
} Model;

static PetscErrorCode CheckSettings(const TpEngineSettings *settings)
{
  PetscFunctionBeginUser;
  TpCheckInput(settings->timestep > 0 && isfinite(settings->timestep), "engine.timestep: %g; allowed: greater than 0",
               settings->timestep);
  /* without friction nothing carries the temperature, and the ladder would exchange ensembles that are not canonical */
  TpCheckInput(settings->friction > 0 && isfinite(settings->friction), "engine.friction: %g; allowed: greater than 0",
               settings->friction);
  TpCheckInput(settings->model.mass > 0 && isfinite(settings->model.mass),
               "engine.model.mass: %g; allowed: greater than 0", settings->model.mass);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static uint64_t HashList(uint64_t hash, const TpRealList *list)
{
  const int64_t size = list->size;

  hash = TpHashBytes(hash, &size, sizeof(size));
  return TpHashBytes(hash, list->values, (size_t)list->size * sizeof(double));
}

/* The name of the potential, not its index: indices may change between versions. */
static uint64_t HashSystem(TpPotential potential)
{
  const TpEngineSettings *settings = potential->settings;
  const PetscInt64 counts[]  = {settings->model.dimension, settings->model.num_particles, settings->model.num_residues};
  const double     numbers[] = {settings->timestep,     settings->friction,     settings->model.box_length,
                                settings->model.cutoff, settings->model.radius, settings->model.mass,
                                settings->model.barrier};
  uint64_t         hash      = TP_HASH_START;

  for (const char *c = potential->ops->name; *c; ++c) hash = TpHashBytes(hash, c, 1);
  hash = TpHashBytes(hash, counts, sizeof(counts));
  hash = TpHashBytes(hash, numbers, sizeof(numbers));
  hash = HashList(hash, &settings->model.means);
  hash = HashList(hash, &settings->model.sigmas);
  return HashList(hash, &settings->model.weights);
}

static PetscErrorCode FillInfo(Model *model, TpEngineInfo *info)
{
  const TpPotential potential = model->potential;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(model->name, sizeof(model->name), "model: %s", potential->ops->name));
  info->name               = model->name;
  info->size               = potential->size;
  info->dimension          = potential->dimension;
  info->num_particles      = potential->size / potential->dimension;
  info->period             = potential->period;
  info->has_box            = potential->box_length > 0 ? PETSC_TRUE : PETSC_FALSE;
  info->degrees_of_freedom = potential->size;
  info->system_hash        = HashSystem(potential);
  info->deterministic      = PETSC_TRUE;

  PetscCall(PetscMalloc1(info->num_particles, &model->masses));
  for (PetscInt i = 0; i < info->num_particles; ++i) model->masses[i] = potential->settings->model.mass;
  info->mass = model->masses;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelCreate(TpEngine engine, PetscInt local_rank)
{
  const TpEngineSettings *settings = engine->settings;
  Model                  *model;

  PetscFunctionBeginUser;
  PetscCall(CheckSettings(settings));
  PetscCall(PetscNew(&model));
  engine->data = model;
  PetscCall(TpPotentialCreate(settings, &model->potential));
  PetscCall(FillInfo(model, &engine->info));
  model->langevin = (TpLangevin){
      .potential = model->potential,
      .mass      = settings->model.mass,
      .timestep  = settings->timestep,
      .friction  = settings->friction,
  };
  PetscCall(PetscMalloc2(engine->info.size, &model->langevin.f, engine->info.size, &model->langevin.noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelDestroy(TpEngine engine)
{
  Model *model = engine->data;

  PetscFunctionBeginUser;
  if (!model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2(model->langevin.f, model->langevin.noise));
  PetscCall(PetscFree(model->masses));
  PetscCall(TpPotentialDestroy(&model->potential));
  PetscCall(PetscFree(engine->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelStart(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state)
{
  const Model *model     = engine->data;
  TpPotential  potential = model->potential;

  PetscFunctionBeginUser;
  potential->ops->start(potential, seed, walker, state->x, model->langevin.f);
  if (potential->ops->fold) potential->ops->fold(potential, state->x);
  TpEngineDrawVelocities(&engine->info, seed, walker, temperature, state->v);
  for (PetscInt i = 0; i < 3; ++i) state->box[4 * i] = potential->box_length;
  potential->ops->compute(potential, state->x, &state->energy, model->langevin.f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelAdvance(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                                   TpState *state)
{
  const Model *model = engine->data;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCheckMoment(moment, num_steps));
  TpLangevinAdvance(&model->langevin, temperature, num_steps, moment, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The volume never changes, so a box can only be the start's. */
static PetscErrorCode ModelEnergy(TpEngine engine, const double x[], const double box[], double *energy,
                                  double forces[])
{
  const Model      *model     = engine->data;
  const TpPotential potential = model->potential;

  PetscFunctionBeginUser;
  PetscCheck(!box || box[0] == potential->box_length, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "a box of %g, the model has %g", box[0], potential->box_length);
  potential->ops->compute(potential, x, energy, forces ? forces : model->langevin.f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ModelSampleExact(TpEngine engine, uint64_t seed, uint32_t sample, double temperature,
                                       PetscBool *possible, double x[])
{
  const Model      *model     = engine->data;
  const TpPotential potential = model->potential;

  PetscFunctionBeginUser;
  if (potential->ops->sample) PetscCall(potential->ops->sample(potential, seed, sample, temperature, possible, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpEngineOps TpEngineModel = {
    .name         = "model",
    .summary      = "model potentials with a known answer, Langevin dynamics (BAOAB), reduced units",
    .create       = ModelCreate,
    .start        = ModelStart,
    .advance      = ModelAdvance,
    .energy       = ModelEnergy,
    .destroy      = ModelDestroy,
    .sample_exact = ModelSampleExact,
};
