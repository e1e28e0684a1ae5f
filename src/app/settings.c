/* From the input file to checked settings: what a single row of the table can't check is checked here. */
#include "app-impl.h"

#include <math.h>
#include <string.h>

PetscErrorCode TpSettingsUnits(TpConfig config, PetscBool is_training, TpUnitSystem *units)
{
  PetscInt kind, lammps_units;

  PetscFunctionBeginUser;
  if (is_training) {
    PetscCall(TpConfigGetWord(config, "data.units", &kind));
    *units = (TpUnitSystem)kind;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TpConfigGetWord(config, "engine.kind", &kind));
  PetscCall(TpConfigGetWord(config, "engine.lammps.units", &lammps_units));
  *units = TpEngineUnits(kind, lammps_units);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char used_parameters[] = "used-parameters.yaml";

/* A run's own used-parameters.yaml means the run it lies in, wherever that was moved; else an empty folder means runs/NAME. */
static PetscErrorCode ResolveFolder(const char *input, TpSettings *settings)
{
  const char *slash = strrchr(input, '/');
  const char *name  = slash ? slash + 1 : input;
  char        folder[PETSC_MAX_PATH_LEN];
  size_t      length = strlen(name);

  PetscFunctionBeginUser;
  TpCheckInput(strlen(input) + 16 < sizeof(folder), "%.80s...: the path is too long", input);
  if (!strcmp(name, used_parameters)) {
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - input) : 1, slash ? input : ".");
    if (slash == input) snprintf(folder, sizeof(folder), "/");
  } else if (settings->run.folder && settings->run.folder[0]) {
    PetscFunctionReturn(PETSC_SUCCESS);
  } else {
    const char *dot = strrchr(name, '.');

    if (dot && dot != name) length = (size_t)(dot - name);
    snprintf(folder, sizeof(folder), "runs/%.*s", (int)length, name);
  }
  PetscCall(PetscFree(settings->run.folder));
  PetscCall(PetscStrallocpy(folder, &settings->run.folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the list as read to the network's whole numbers. */
static PetscErrorCode SetMultipliers(TpConfig config, TpSettings *settings)
{
  const TpRealList *list = &settings->multipliers;

  PetscFunctionBeginUser;
  if (list->size < 1 || list->size > TP_MAX_LEVELS)
    PetscFunctionReturn(
        TpConfigError(config, "network.multipliers", "%d levels; there are 1 to %d", (int)list->size, TP_MAX_LEVELS));
  for (PetscInt i = 0; i < list->size; ++i) {
    if (list->values[i] != floor(list->values[i]))
      PetscFunctionReturn(TpConfigError(config, "network.multipliers", "%g is not a whole number", list->values[i]));
    settings->network.multipliers[i] = (PetscInt64)list->values[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tuning needs room before anything is kept, and somebody to try with. */
static PetscErrorCode CheckTuning(TpConfig config, const TpSettings *settings)
{
  const TpLadderSettings *ladder = &settings->ladder;

  PetscFunctionBeginUser;
  if (!ladder->tune) PetscFunctionReturn(PETSC_SUCCESS);
  if (ladder->tune_rounds >= settings->run.rounds)
    PetscFunctionReturn(TpConfigError(config, "ladder.tune_rounds",
                                      "%" PetscInt64_FMT " rounds of tuning in a run of %" PetscInt64_FMT
                                      "; allowed: less than run.rounds",
                                      ladder->tune_rounds, settings->run.rounds));
  if (settings->training.start_round < ladder->tune_rounds)
    PetscFunctionReturn(TpConfigError(config, "training.start_round",
                                      "%" PetscInt64_FMT
                                      " lies within the tuning of the ladder; allowed: %" PetscInt64_FMT
                                      " (ladder.tune_rounds) or more",
                                      settings->training.start_round, ladder->tune_rounds));
  if (ladder->scheme == TP_SCHEME_NONE)
    PetscFunctionReturn(TpConfigError(config, "exchange.scheme",
                                      "none tells nothing to tune by (ladder.tune); allowed: deo, seo, gibbs"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What involves several parameters. */
static PetscErrorCode CheckTogether(TpConfig config, const TpSettings *settings)
{
  PetscFunctionBeginUser;
  if (settings->training.rate_schedule == TP_RATE_COSINE &&
      settings->training.decay_steps <= settings->training.warmup_steps)
    PetscFunctionReturn(TpConfigError(config, "training.decay_steps",
                                      "%" PetscInt64_FMT " for a cosine rate; allowed more than training.warmup_steps",
                                      settings->training.decay_steps));
  if (settings->role == TP_ROLE_PRIOR && settings->features.angles == TP_ANGLES_WRAPPED)
    PetscFunctionReturn(
        TpConfigError(config, "training.temperature",
                      "prior scales the noise, but angles on a circle (features.angles: wrapped) end as "
                      "uniform ones at any scale; choose sincos or raw"));
  if (settings->features.label == TP_LABEL_JITTER && settings->features.jitter == 0.0)
    PetscFunctionReturn(TpConfigError(config, "features.jitter", "0, but features.label is jitter"));
  if (settings->stream.num_shards < settings->groups.trainers)
    PetscFunctionReturn(TpConfigError(config, "stream.shards",
                                      "%" PetscInt64_FMT " shards for %" PetscInt64_FMT
                                      " trainers; every trainer needs at least one",
                                      settings->stream.num_shards, settings->groups.trainers));
  if (settings->training.batch % settings->stream.num_shards)
    PetscFunctionReturn(TpConfigError(config, "training.batch",
                                      "%" PetscInt64_FMT " is not a multiple of stream.shards, %" PetscInt64_FMT,
                                      settings->training.batch, settings->stream.num_shards));
  if (settings->stream.keep_interval % settings->output.energy_interval)
    PetscFunctionReturn(TpConfigError(config, "output.feature_interval",
                                      "%" PetscInt64_FMT
                                      " is not a multiple of output.energy_interval, %" PetscInt64_FMT
                                      "; a frame without its energy can't be reweighted",
                                      settings->stream.keep_interval, settings->output.energy_interval));
  if (settings->network.embedding % 2)
    PetscFunctionReturn(TpConfigError(config, "network.embedding", "%" PetscInt64_FMT " is odd; it must be even",
                                      settings->network.embedding));
  if (settings->diffusion.num_steps > settings->diffusion.num_times)
    PetscFunctionReturn(TpConfigError(
        config, "diffusion.steps", "%" PetscInt64_FMT " steps, but there are only %" PetscInt64_FMT " diffusion.times",
        settings->diffusion.num_steps, settings->diffusion.num_times));
  if (settings->network.precision == TP_PRECISION_BF16 && settings->diffusion.sampler == TP_SAMPLER_ODE)
    PetscFunctionReturn(TpConfigError(config, "network.precision",
                                      "bf16 is too coarse for diffusion.sampler: ode, whose steps follow their error; "
                                      "allowed single, or another sampler"));
  PetscCall(CheckTuning(config, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSettingsCreate(TpConfig config, const char *input, PetscBool is_training, TpSettings *settings)
{
  TpUnitSystem units;

  PetscFunctionBeginUser;
  *settings = (TpSettings){.is_training = is_training};
  PetscCall(TpSettingsUnits(config, is_training, &units));
  PetscCall(TpConfigApply(config, units, settings));
  PetscCall(ResolveFolder(input, settings));
  PetscCall(SetMultipliers(config, settings));
  PetscCall(CheckTogether(config, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpSettingsDestroy(TpSettings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(TpConfigFree(tp_parameters, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What only a run needs may stand in the input of a training, where it means nothing, but need not. */
static PetscErrorCode FillForTraining(TpConfig config)
{
  static const char *const needed[][2] = {
      {"run.rounds", "run.rounds=1"}, {"engine.kind", "engine.kind=model"}, {"engine.timestep", "engine.timestep=1"}};
  PetscBool given;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(needed); ++i) {
    PetscCall(TpConfigIsGiven(config, needed[i][0], &given));
    if (!given) PetscCall(TpConfigSet(config, needed[i][1]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run makes its data, a training is given it. */
static PetscErrorCode CheckData(TpConfig config, const TpSettings *settings)
{
  PetscFunctionBeginUser;
  if (settings->is_training && !settings->data.files.size)
    PetscFunctionReturn(TpConfigError(config, "data.files", "is missing; name the files to learn from"));
  if (!settings->is_training && settings->data.files.size)
    PetscFunctionReturn(TpConfigError(config, "data.files", "belongs to tempera train; a run makes its own data"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpReadInput(MPI_Comm comm, const TpCommandLine *command, TpConfig *config, TpSettings *settings)
{
  const PetscBool is_training = !strcmp(command->verb, "train") ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(tp_parameters, config));
  PetscCall(TpConfigReadFile(*config, comm, command->operand));
  for (PetscInt i = 0; i < command->num_sets; ++i) PetscCall(TpConfigSet(*config, command->sets[i]));
  if (is_training) PetscCall(FillForTraining(*config));
  PetscCall(TpSettingsCreate(*config, command->operand, is_training, settings));
  PetscCall(CheckData(*config, settings));
  PetscCall(TpAgree(comm, TpErrorAbout(TpPrecisionCheck(settings->network.precision), "network.precision")));
  if (command->rounds) settings->run.rounds = command->rounds;
  if (command->folder) {
    PetscCall(PetscFree(settings->run.folder));
    PetscCall(PetscStrallocpy(command->folder, &settings->run.folder));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
