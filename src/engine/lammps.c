/* The engine `lammps`: an input script sets the system up, LAMMPS's velocity Verlet and our Langevin thermostat move it. Nothing of a stretch
   of dynamics is left in the instance that the next one could see: positions, velocities, the step count and the lists of neighbours are set
   anew each time. */
#include "lammps-impl.h"

#include <math.h>
#include <string.h>

static const double max_damping = 1.0; /* friction times timestep: beyond 2 the thermostat drives instead of damping */
static const PetscInt max_projections  = 1000;  /* sweeps over the constraints of velocities */
static const double   projection_limit = 1e-10; /* of the velocity along a constraint, relative to the others */

/* --------------------------------------------------------------------------------------------------------- positions */

/* Fractional coordinates in a box whose vectors are LAMMPS's: the first along x, the second in the plane of x and y. */
static void ToCells(const double box[9], const double x[3], double cell[3])
{
  cell[2] = x[2] / box[8];
  cell[1] = (x[1] - cell[2] * box[7]) / box[4];
  cell[0] = (x[0] - cell[1] * box[3] - cell[2] * box[6]) / box[0];
}

static void AddCells(const double box[9], const int cell[3], int sign, double x[3])
{
  for (int k = 0; k < 3; ++k)
    for (int i = k; i < 3; ++i) x[k] += sign * cell[i] * box[3 * i + k];
}

/* LAMMPS folds an atom back by one box only, and counts boxes with ten bits. */
static void Fold(TpLammpsEngine *data, PetscInt i)
{
  const double *origin = data->system.origin, *box = data->system.box;
  double       *x           = data->x + 3 * i;
  const double  relative[3] = {x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]};
  double        cell[3];

  ToCells(box, relative, cell);
  for (int k = 0; k < 3; ++k) {
    data->cell[3 * i + k]  = (int)PetscMin(PetscMax(floor(cell[k]), -1e9), 1e9);
    data->image[3 * i + k] = ((data->cell[3 * i + k] + 512) & 1023) - 512;
  }
  AddCells(box, data->cell + 3 * i, -1, x);
}

/* The boxes that an atom crossed since Fold(), whatever the ten bits did. */
static void Unfold(TpLammpsEngine *data, const int image[], PetscInt i)
{
  int cell[3];

  for (int k = 0; k < 3; ++k) {
    const int crossed = ((image[k] - data->image[3 * i + k] + 512) & 1023) - 512;

    cell[k] = data->cell[3 * i + k] + crossed;
  }
  AddCells(data->system.box, cell, 1, data->x + 3 * i);
}

static TpLammpsCode PutBox(TpLammpsEngine *data, const double box[])
{
  if (!data->is_periodic) return TP_LAMMPS_OK;
  if (!box) box = data->box;
  if (!memcmp(box, data->current_box, sizeof(data->current_box))) return TP_LAMMPS_OK;
  memcpy(data->current_box, box, sizeof(data->current_box));
  for (int i = 0; i < 9; ++i) data->system.box[i] = box[i] / data->units.length;
  return TpLammpsSetBox(data->lammps, data->system.origin, data->system.box);
}

TpLammpsCode TpLammpsPut(TpLammpsEngine *data, const double x[], const double v[], const double box[])
{
  const double   speed = data->units.length / data->units.time;
  const PetscInt size  = 3 * data->system.num_particles;

  if (PutBox(data, box) != TP_LAMMPS_OK) return TP_LAMMPS_FAILED;
  for (PetscInt i = 0; i < size; ++i) {
    data->x[i]     = x[i] / data->units.length;
    data->v[i]     = v ? v[i] / speed : 0.0;
    data->image[i] = data->cell[i] = 0;
  }
  for (PetscInt i = 0; i < data->system.num_particles && data->is_periodic; ++i) Fold(data, i);
  return TpLammpsScatter(data->lammps, data->x, data->v, data->image);
}

TpLammpsCode TpLammpsTake(TpLammpsEngine *data, double x[], double v[], double *energy)
{
  const double   speed = data->units.length / data->units.time;
  const PetscInt size  = 3 * data->system.num_particles;
  int           *image;
  TpLammpsCode   code;

  if (PetscMalloc1(size, &image)) return TP_LAMMPS_FAILED;
  code = TpLammpsGather(data->lammps, data->x, v ? data->v : NULL, NULL, image, energy);
  for (PetscInt i = 0; i < data->system.num_particles && data->is_periodic && code == TP_LAMMPS_OK; ++i)
    Unfold(data, image + 3 * i, i);
  if (PetscFree(image) || code != TP_LAMMPS_OK) return TP_LAMMPS_FAILED;
  for (PetscInt i = 0; i < size; ++i) {
    x[i] = data->x[i] * data->units.length;
    if (v) v[i] = data->v[i] * speed;
  }
  *energy *= data->units.energy;
  return TP_LAMMPS_OK;
}

/* ------------------------------------------------------------------------------------------------ create and destroy */

static PetscErrorCode Create(TpEngine engine, PetscInt local_rank)
{
  const TpEngineSettings *settings = engine->settings;
  TpLammpsEngine         *data;

  PetscFunctionBeginUser;
  TpCheckInput(settings->timestep > 0.0 && isfinite(settings->timestep), "engine.timestep: %g; allowed: greater than 0",
               settings->timestep);
  if (settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_TEMPERA) {
    TpCheckInput(settings->friction > 0.0, "engine.friction: %g; allowed: greater than 0", settings->friction);
    TpCheckInput(settings->friction * settings->timestep < max_damping,
                 "engine.friction: %g; allowed: less than 1/engine.timestep, %g", settings->friction,
                 1.0 / settings->timestep);
  }
  PetscCall(PetscNew(&data));
  engine->data = data;
  PetscCall(TpLammpsScriptRead(settings->lammps.script, &data->script));
  PetscCall(TpLammpsOpen(engine, data));
  PetscCall(TpLammpsInspect(engine, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpEngine engine)
{
  TpLammpsEngine *data = engine->data;

  PetscFunctionBeginUser;
  if (!data) PetscFunctionReturn(PETSC_SUCCESS);
  TpLammpsDestroy(&data->lammps);
  PetscCall(TpLammpsScriptDestroy(&data->script));
  PetscCall(PetscFree(data->fixes.fix));
  PetscCall(PetscFree5(data->mass, data->start_x, data->x, data->v, data->image));
  PetscCall(PetscFree4(data->cell, data->thermostat.drag, data->thermostat.kick, data->thermostat.noise));
  PetscCall(PetscFree(data->constraints));
  PetscCall(PetscFree(data));
  engine->data = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error there is no instance: a new one is as good, as the old one had no memory. */
static PetscErrorCode Ensure(TpEngine engine)
{
  TpLammpsEngine *data = engine->data;
  const uint64_t  hash = engine->info.system_hash;
  double          box[9];

  PetscFunctionBeginUser;
  if (data->lammps) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpLammpsOpen(engine, data));
  engine->info.system_hash = hash;
  for (int i = 0; i < 9; ++i) box[i] = data->is_periodic ? data->units.length * data->system.box[i] : 0.0;
  PetscCheck(data->system.num_particles == engine->info.num_particles && !memcmp(box, data->box, sizeof(box)),
             PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s describes another system now",
             engine->settings->lammps.script);
  PetscCall(PetscArraycpy(data->current_box, data->box, 9));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- constraints */

/* From particle i to particle j, to the nearest image. */
static void Between(const TpLammpsEngine *data, const double x[], PetscInt i, PetscInt j, double d[3])
{
  double cell[3];
  int    whole[3];

  for (int k = 0; k < 3; ++k) d[k] = x[3 * j + k] - x[3 * i + k];
  if (!data->is_periodic) return;
  ToCells(data->box, d, cell);
  for (int k = 0; k < 3; ++k) whole[k] = (int)lround(cell[k]);
  AddCells(data->box, whole, -1, d);
}

/* Take the velocity along a constraint away, masses weighing. Returns how large it was, relative to the pair's motion. */
static double ProjectPair(const TpLammpsEngine *data, const PetscInt pair[2], const double x[], double v[])
{
  const double weight[2] = {1.0 / data->mass[pair[0]], 1.0 / data->mass[pair[1]]};
  double       d[3], along = 0.0, square = 0.0, motion = 0.0;

  Between(data, x, pair[0], pair[1], d);
  for (int k = 0; k < 3; ++k) {
    const double difference = v[3 * pair[1] + k] - v[3 * pair[0] + k];

    along += d[k] * difference;
    square += d[k] * d[k];
    motion += difference * difference;
  }
  for (int k = 0; k < 3; ++k) {
    v[3 * pair[0] + k] += weight[0] / (weight[0] + weight[1]) * along / square * d[k];
    v[3 * pair[1] + k] -= weight[1] / (weight[0] + weight[1]) * along / square * d[k];
  }
  return motion > 0.0 ? fabs(along) / sqrt(square * motion) : 0.0;
}

static void ProjectVelocities(const TpEngineInfo *info, const TpLammpsEngine *data, const double x[], double v[])
{
  double worst = 1.0;

  for (PetscInt sweep = 0; sweep < max_projections && worst > projection_limit; ++sweep) {
    worst = 0.0;
    for (PetscInt i = 0; i < info->num_constraints; ++i)
      worst = fmax(worst, ProjectPair(data, info->constraints + 2 * i, x, v));
  }
}

/* -------------------------------------------------------------------------------------------------------------- start */

/* Nobody heats or cools the motion of the whole, if the thermostat leaves it alone. */
static void RemoveMotion(const TpEngineInfo *info, double v[])
{
  double momentum[3] = {0.0, 0.0, 0.0}, total = 0.0;

  for (PetscInt i = 0; i < info->size; ++i) momentum[i % 3] += info->mass[i / 3] * v[i];
  for (PetscInt i = 0; i < info->num_particles; ++i) total += info->mass[i];
  for (PetscInt i = 0; i < info->size; ++i) v[i] -= momentum[i % 3] / total;
}

static PetscErrorCode Start(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state)
{
  const TpLammpsEngine *data = engine->data;
  const TpEngineInfo   *info = &engine->info;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(state->x, data->start_x, info->size));
  PetscCall(PetscArraycpy(state->box, data->box, 9));
  TpEngineDrawVelocities(info, seed, walker, temperature, state->v);
  if (info->degrees_of_freedom < info->size - info->num_constraints) RemoveMotion(info, state->v);
  ProjectVelocities(info, data, state->x, state->v);
  state->energy = data->start_energy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- dynamics */

static TpLammpsCode Run(TpLammpsEngine *data, PetscInt64 num_steps)
{
  TpLammpsCode code = TpLammpsCommand(data->lammps, "reset_timestep 0");

  if (code == TP_LAMMPS_OK) code = TpLammpsFormat(data->lammps, "run %lld post no", (long long)num_steps);
  return code;
}

/* "Lost atoms: original 1000 current 865", "Bond atoms 3 4 missing on proc 0 at step 12": atoms further away than LAMMPS looks. */
static PetscBool TellsOfLostAtoms(const char *message)
{
  return strstr(message, "Lost atoms") || strstr(message, "missing on proc") ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode Advance(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                              TpState *state)
{
  TpLammpsEngine *data = engine->data;
  TpLammpsCode    code;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCheckMoment(moment, num_steps));
  PetscCall(Ensure(engine));
  code = TpLammpsSetThermostat(engine, temperature, moment);
  ProjectVelocities(&engine->info, data, state->x, state->v);
  if (code == TP_LAMMPS_OK) code = TpLammpsPut(data, state->x, state->v, state->box);
  if (code == TP_LAMMPS_OK) code = Run(data, num_steps);
  if (code == TP_LAMMPS_OK) code = TpLammpsTake(data, state->x, state->v, &state->energy);
  if (code == TP_LAMMPS_OK) PetscFunctionReturn(PETSC_SUCCESS);
  engine->has_lost_atoms = TellsOfLostAtoms(TpLammpsError());
  TpLammpsGiveUp(data);
  state->energy = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms at rest in a bath of temperature 0: no thermostat has forces. */
static PetscErrorCode Energy(TpEngine engine, const double x[], const double box[], double *energy, double forces[])
{
  TpLammpsEngine *data = engine->data;
  TpLammpsCode    code;

  PetscFunctionBeginUser;
  PetscCall(Ensure(engine));
  code = TpLammpsSetThermostat(engine, 0.0, NULL);
  if (code == TP_LAMMPS_OK) code = TpLammpsPut(data, x, NULL, box);
  if (code == TP_LAMMPS_OK) code = Run(data, 0);
  if (code == TP_LAMMPS_OK) code = TpLammpsGather(data->lammps, NULL, NULL, forces, NULL, energy);
  if (code != TP_LAMMPS_OK) TpLammpsGiveUp(data);
  *energy = code == TP_LAMMPS_OK ? *energy * data->units.energy : NAN;
  for (PetscInt i = 0; forces && i < engine->info.size; ++i)
    forces[i] = code == TP_LAMMPS_OK ? forces[i] * (data->units.energy / data->units.length) : NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(char text[], size_t length)
{
  TpLammps    lammps;
  const char *version;

  PetscFunctionBeginUser;
  PetscCheck(TpLammpsCreate(&lammps) == TP_LAMMPS_OK && TpLammpsVersion(lammps, &version) == TP_LAMMPS_OK,
             PETSC_COMM_SELF, PETSC_ERR_LIB, "LAMMPS: %s", TpLammpsError());
  PetscCall(PetscSNPrintf(text, length, "LAMMPS %s (GPL version 2: so is this program, linked with it)", version));
  TpLammpsDestroy(&lammps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpEngineOps TpEngineLammps = {
    .name     = "lammps",
    .summary  = "LAMMPS: an input script sets the system up",
    .create   = Create,
    .start    = Start,
    .advance  = Advance,
    .energy   = Energy,
    .destroy  = Destroy,
    .describe = Describe,
};
