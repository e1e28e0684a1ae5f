/* Checkpoints of `tempera ti`: what all later rounds need, indexed by member, window and target, never by rank. */
#include "ti-impl.h"

#include <string.h>

/* --------------------------------------------------------------------------------------------------------------- write */

/* A dataset of one row of numbers that one rank has. Collective on world. */
static PetscErrorCode WriteFrom(TpFile file, PetscBool here, const char *name, TpFileType type, PetscInt64 length,
                                const void *data, const char *description)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, name, type, 1, &length, "", description));
  PetscCall(TpFileWriteRows(file, name, type, 0, here ? length : 0, here ? data : NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteMember(TpTi ti, TpFile file, PetscInt m)
{
  const TpTiMember *member = &ti->members[m];
  const PetscBool   here   = ti->run->groups->world_rank == ti->run->groups->replica_rank[TpTiOwner(ti, m)];
  const PetscInt64  width  = TpStatePackedSize(member->system.size);
  double           *packed;
  char              name[64];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(width, &packed));
  if (here) TpStatePack(&member->state, packed);
  snprintf(name, sizeof(name), "/members/%d/state", (int)m);
  PetscCall(WriteFrom(file, here, name, TP_FILE_DOUBLE, width, packed, "configuration that MD goes on from"));
  snprintf(name, sizeof(name), "/members/%d/positions", (int)m);
  PetscCall(WriteFrom(file, here, name, TP_FILE_FLOAT, ti->num_frames * member->system.size, member->x,
                      "configurations so far, one after another"));
  snprintf(name, sizeof(name), "/members/%d/energy", (int)m);
  PetscCall(WriteFrom(file, here, name, TP_FILE_DOUBLE, ti->num_frames, member->energy, "their potential energies"));
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTrainer(TpTi ti, TpFile file)
{
  TpGroups         groups = ti->run->groups;
  const PetscBool  here   = groups->world_rank == groups->trainer_rank[0] ? PETSC_TRUE : PETSC_FALSE;
  const TpAdam    *adam   = &ti->trainer->adam;
  const PetscInt64 length = adam->num_parameters;
  double           loss   = ti->trainer->loss;

  PetscFunctionBeginUser;
  PetscCall(WriteFrom(file, here, "/trainer/parameters", TP_FILE_FLOAT, length, adam->parameters, "weights"));
  PetscCall(
      WriteFrom(file, here, "/trainer/average", TP_FILE_FLOAT, length, adam->average, "moving average of the weights"));
  PetscCall(WriteFrom(file, here, "/trainer/moment1", TP_FILE_FLOAT, length, adam->moment1, "first moment of Adam"));
  PetscCall(WriteFrom(file, here, "/trainer/moment2", TP_FILE_FLOAT, length, adam->moment2, "second moment of Adam"));
  PetscCall(WriteFrom(file, here, "/trainer/loss", TP_FILE_DOUBLE, 1, &loss, "loss of the last step"));
  PetscCall(WriteFrom(file, here, "/trainer/losses", TP_FILE_DOUBLE, TP_TI_LOSS_POINTS, ti->loss,
                      "sums of the losses of the points so far"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinates of the largest system of the windows. */
static PetscInt WidestMember(TpTi ti)
{
  PetscInt size = 0;

  for (PetscInt m = 0; m < ti->num_members; ++m) size = PetscMax(size, ti->members[m].system.size);
  return size;
}

/* One row of numbers for each window: the place and the step of its walker, then its series. */
static PetscErrorCode WriteWindows(TpTi ti, TpFile file)
{
  const TpTiWindow *window   = &ti->window;
  const int         k        = ti->run->groups->group_rank;
  const PetscBool   here     = ti->run->groups->is_replica && ti->num_windows;
  const PetscInt64  rounds   = ti->num_members * ti->run->settings.ti.window_rounds;
  const PetscInt64  shape[2] = {ti->num_windows, 4 + WidestMember(ti)}, series[2] = {ti->num_windows, rounds};
  double           *row;

  PetscFunctionBeginUser;
  if (!ti->num_windows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(shape[1], &row));
  row[0] = window->member;
  row[1] = window->length;
  for (int i = 0; here && i < 2; ++i) row[2 + i] = (double)window->swaps[i];
  if (here && window->member >= 0)
    PetscCall(PetscArraycpy(row + 4, window->walkers.y, TpPathSize(ti->members[window->member].system.classical)));
  PetscCall(TpFileDefine(file, "/windows/walker", TP_FILE_DOUBLE, 2, shape, "",
                         "member, length of a step, swaps tried and accepted, configuration"));
  PetscCall(TpFileWriteRows(file, "/windows/walker", TP_FILE_DOUBLE, here ? k : 0, here ? 1 : 0, row));
  PetscCall(TpFileDefine(file, "/windows/series", TP_FILE_DOUBLE, 2, series, "", "d/dt beta U_t, member after member"));
  PetscCall(TpFileWriteRows(file, "/windows/series", TP_FILE_DOUBLE, here ? k : 0, here ? 1 : 0, window->series));
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that a target remembers, as a list of blocks. */
typedef struct {
  const char *name;
  PetscInt64  length;
  double     *data;
} Block;

enum { NUM_BLOCKS = 8 };

static void Blocks(TpTi ti, TpTiTarget *target, double *accepted, Block block[NUM_BLOCKS])
{
  const PetscInt64 J = ti->run->settings.ti.trajectories, K = ti->run->settings.ti.times;

  block[0] = (Block){"integral", TP_TI_NUM_MODES * J, target->integral};
  block[1] = (Block){"coarse", TP_TI_NUM_MODES * J, target->coarse};
  block[2] = (Block){"integrand", TP_TI_NUM_MODES * (K + 1), target->integrand};
  block[3] = (Block){"pairs", TP_TI_NUM_MODES * TP_TI_PAIR_BINS, target->pairs[0]};
  block[4] = (Block){"energy", TP_TI_NUM_MODES, target->energy};
  block[5] = (Block){"weight", J, target->weight};
  block[6] = (Block){"accepted", 1, accepted};
  block[7] = (Block){"squares", TP_TI_NUM_MODES * (K + 1), target->squares};
}

/* What trajectories are a function of besides the network: a restart may change it as long as there are none. */
static PetscErrorCode Grid(TpTi ti, PetscInt64 *length, double **grid)
{
  const TpSettings *settings = &ti->run->settings;

  PetscFunctionBeginUser;
  *length = 4 + ti->num_targets;
  PetscCall(PetscMalloc1(*length, grid));
  (*grid)[0] = (double)settings->ti.times;
  (*grid)[1] = (double)settings->ti.trajectories;
  (*grid)[2] = (double)settings->ti.relax_steps;
  (*grid)[3] = (double)settings->ti.relax_leaps;
  for (PetscInt i = 0; i < ti->num_targets; ++i) (*grid)[4 + i] = (double)ti->targets[i].system.num_particles;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTargets(TpTi ti, TpFile file)
{
  PetscInt64 length;
  double    *grid;
  char       name[64];

  PetscFunctionBeginUser;
  PetscCall(Grid(ti, &length, &grid));
  PetscCall(TpFileWriteAll(file, "/targets/grid", TP_FILE_DOUBLE, 1, &length, grid, "",
                           "times, trajectories, moves at each time, and each target's number of particles"));
  PetscCall(PetscFree(grid));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    double accepted = (double)ti->targets[i].accepted;
    Block  block[NUM_BLOCKS];

    Blocks(ti, &ti->targets[i], &accepted, block);
    for (int b = 0; b < NUM_BLOCKS; ++b) {
      snprintf(name, sizeof(name), "/targets/%d/%s", (int)i, block[b].name);
      PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, &block[b].length, block[b].data, "",
                               "of the trajectories so far"));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Optimiser steps up to the end of a round. An attribute is written alike by all ranks, of which only trainers count their steps. */
static PetscInt64 StepsDone(TpTi ti, PetscInt64 round)
{
  const TpSettings *settings = &ti->run->settings;
  const PetscInt64  rounds   = round + 1 - ti->simulate_rounds;

  return PetscMin(settings->ti.training_steps, rounds * PetscMax(1, settings->training.steps_per_round));
}

static PetscErrorCode WriteContents(TpTi ti, TpFile file, PetscInt64 round)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteInteger(file, "/", "next_round", round + 1));
  PetscCall(TpFileWriteInteger(file, "/", "simulate_rounds", ti->simulate_rounds));
  PetscCall(TpFileWriteText(file, "/", "verb", "ti"));
  for (PetscInt m = 0; m < ti->num_members; ++m) PetscCall(WriteMember(ti, file, m));
  if (round + 1 < ti->simulate_rounds) PetscFunctionReturn(PETSC_SUCCESS);
  /* what begins with the training is there after the last round of the simulation */
  if (!ti->trainer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WriteTrainer(ti, file));
  PetscCall(TpFileWriteInteger(file, "/trainer", "step", StepsDone(ti, round)));
  PetscCall(WriteWindows(ti, file));
  PetscCall(WriteTargets(ti, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiCheckpointWrite(TpTi ti, PetscInt64 round)
{
  TpRun              run    = ti->run;
  const TpFileHeader header = {.format     = TP_CHECKPOINT_FORMAT,
                               .version    = TP_CHECKPOINT_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = run->used_parameters};
  char               path[PETSC_MAX_PATH_LEN];
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointPath(run, round, path));
  PetscCall(TpFileCreate(run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(ti, file, round)));
  PetscCall(TpCheckpointPrune(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------------- read */

static PetscErrorCode ReadMember(TpTi ti, TpFile file, PetscInt m)
{
  TpTiMember      *member = &ti->members[m];
  const PetscInt64 width = TpStatePackedSize(member->system.size), numbers = ti->num_frames * member->system.size;
  double          *packed;
  char             name[64];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(width, &packed));
  snprintf(name, sizeof(name), "/members/%d/state", (int)m);
  PetscCall(TpFileReadAll(file, name, TP_FILE_DOUBLE, 1, &width, packed));
  if (member->engine) TpStateUnpack(packed, &member->state);
  snprintf(name, sizeof(name), "/members/%d/positions", (int)m);
  PetscCall(TpFileReadAll(file, name, TP_FILE_FLOAT, 1, &numbers, member->x));
  snprintf(name, sizeof(name), "/members/%d/energy", (int)m);
  PetscCall(TpFileReadAll(file, name, TP_FILE_DOUBLE, 1, &ti->num_frames, member->energy));
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTrainer(TpTi ti, TpFile file)
{
  TpAdam          *adam   = &ti->trainer->adam;
  const PetscInt64 length = adam->num_parameters, one = 1, points = TP_TI_LOSS_POINTS;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/trainer", "step", &adam->step));
  PetscCall(TpFileReadAll(file, "/trainer/parameters", TP_FILE_FLOAT, 1, &length, adam->parameters));
  PetscCall(TpFileReadAll(file, "/trainer/average", TP_FILE_FLOAT, 1, &length, adam->average));
  PetscCall(TpFileReadAll(file, "/trainer/moment1", TP_FILE_FLOAT, 1, &length, adam->moment1));
  PetscCall(TpFileReadAll(file, "/trainer/moment2", TP_FILE_FLOAT, 1, &length, adam->moment2));
  PetscCall(TpFileReadAll(file, "/trainer/loss", TP_FILE_DOUBLE, 1, &one, &ti->trainer->loss));
  PetscCall(TpFileReadAll(file, "/trainer/losses", TP_FILE_DOUBLE, 1, &points, ti->loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWindows(TpTi ti, TpFile file)
{
  TpTiWindow     *window = &ti->window;
  const int       k      = ti->run->groups->group_rank;
  const PetscBool here   = ti->run->groups->is_replica && ti->num_windows;
  double         *row;

  PetscFunctionBeginUser;
  if (!ti->num_windows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(4 + WidestMember(ti), &row));
  PetscCall(TpFileReadRows(file, "/windows/walker", TP_FILE_DOUBLE, here ? k : 0, here ? 1 : 0, row));
  PetscCall(TpFileReadRows(file, "/windows/series", TP_FILE_DOUBLE, here ? k : 0, here ? 1 : 0, window->series));
  if (here) {
    window->member = (PetscInt)row[0];
    window->length = row[1];
    for (int i = 0; i < 2; ++i) window->swaps[i] = (PetscInt64)row[2 + i];
  }
  if (here && window->member >= 0) {
    const TpPath path = ti->members[window->member].system.classical;

    PetscCall(TpWalkersCreate(path, 1, &window->walkers));
    PetscCall(PetscArraycpy(window->walkers.y, row + 4, TpPathSize(path)));
    PetscCall(TpWalkersEvaluate(path, window->t, &window->walkers));
  }
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckGrid(TpTi ti, TpFile file, const char *path)
{
  PetscInt64 length, written;
  PetscBool  same;
  double    *grid, *before;

  PetscFunctionBeginUser;
  PetscCall(Grid(ti, &length, &grid));
  PetscCall(TpFileShape(file, "/targets/grid", 1, &written));
  PetscCall(PetscMalloc1(written, &before));
  PetscCall(TpFileReadAll(file, "/targets/grid", TP_FILE_DOUBLE, 1, &written, before));
  PetscCall(PetscArraycmp(grid, before, PetscMin(length, written), &same));
  PetscCall(PetscFree(before));
  PetscCall(PetscFree(grid));
  TpCheckInput(same && length == written,
               "ti.times, ti.trajectories, ti.relax_steps, ti.relax_leaps, ti.evaluate: differ from what the "
               "trajectories in %s were made with; restart from a checkpoint before these, round %" PetscInt64_FMT
               " at the latest",
               path, ti->simulate_rounds + ti->train_rounds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTargets(TpTi ti, TpFile file, const char *path)
{
  char name[64];

  PetscFunctionBeginUser;
  PetscCall(CheckGrid(ti, file, path));
  for (PetscInt i = 0; i < ti->num_targets; ++i) {
    double accepted = 0.0;
    Block  block[NUM_BLOCKS];

    Blocks(ti, &ti->targets[i], &accepted, block);
    for (int b = 0; b < NUM_BLOCKS; ++b) {
      snprintf(name, sizeof(name), "/targets/%d/%s", (int)i, block[b].name);
      PetscCall(TpFileReadAll(file, name, TP_FILE_DOUBLE, 1, &block[b].length, block[b].data));
    }
    ti->targets[i].accepted = (PetscInt64)accepted;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiCheckpointRead(TpTi ti, const char *path, PetscInt64 next_round)
{
  PetscInt64 rounds;
  PetscBool  trained;
  TpFile     file;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(ti->run->groups->world, path, TP_CHECKPOINT_FORMAT, TP_CHECKPOINT_VERSION, &file));
  PetscCall(TpFileHas(file, "/members", &trained));
  TpCheckInput(trained, "%s: was written by tempera run, not by tempera ti", path);
  PetscCall(TpFileReadInteger(file, "/", "simulate_rounds", &rounds));
  TpCheckInput(rounds == ti->simulate_rounds,
               "run.rounds: %" PetscInt64_FMT " differs from what %s was written with, %" PetscInt64_FMT,
               ti->simulate_rounds, path, rounds);
  for (PetscInt m = 0; m < ti->num_members; ++m) PetscCall(ReadMember(ti, file, m));
  if (next_round >= ti->simulate_rounds) PetscCall(TpTiCreatePaths(ti));
  PetscCall(TpFileHas(file, "/trainer", &trained));
  if (trained) {
    PetscCall(ReadTrainer(ti, file));
    PetscCall(ReadWindows(ti, file));
    if (next_round > ti->simulate_rounds + ti->train_rounds) PetscCall(ReadTargets(ti, file, path));
  }
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
