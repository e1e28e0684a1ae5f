/* Files of an annealing: its checkpoint, its results, and the table for people. */
#include "anneal-impl.h"

#include "histograms.h"

#include <math.h>
#include <string.h>

/* ----------------------------------------------------------------------------------------------------------- samples */

/* Rows are members, so that each rank has its own; what is not reached yet is zero. */
static PetscErrorCode WriteSamples(TpAnneal anneal, TpFile file)
{
  const TpSystem  *system  = &anneal->run->system;
  const PetscInt64 shape[] = {anneal->population, anneal->run->ladder->num_rungs, system->num_features};
  const char      *energy  = TpUnitName(system->units, TP_DIMENSION_ENERGY);

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, "/samples/energy", TP_FILE_DOUBLE, 2, shape, energy,
                         "potential energy [member, rung] after the MD at each rung"));
  PetscCall(TpFileDefine(file, "/samples/family", TP_FILE_INT32, 2, shape, "",
                         "founder [member, rung]: members of one family are correlated"));
  PetscCall(
      TpFileDefine(file, "/samples/features", TP_FILE_FLOAT, 3, shape, "", "raw features [member, rung, feature]"));
  PetscCall(
      TpFileWriteRows(file, "/samples/energy", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->sample_energy));
  PetscCall(
      TpFileWriteRows(file, "/samples/family", TP_FILE_INT32, anneal->first, anneal->count, anneal->sample_family));
  PetscCall(
      TpFileWriteRows(file, "/samples/features", TP_FILE_FLOAT, anneal->first, anneal->count, anneal->sample_feature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSamples(TpAnneal anneal, TpFile file)
{
  const PetscInt64 shape[] = {anneal->population, anneal->run->ladder->num_rungs, anneal->run->system.num_features};

  PetscFunctionBeginUser;
  PetscCall(TpFileCheckShape(file, "/samples/energy", TP_FILE_DOUBLE, 2, shape));
  PetscCall(TpFileCheckShape(file, "/samples/family", TP_FILE_INT32, 2, shape));
  PetscCall(TpFileCheckShape(file, "/samples/features", TP_FILE_FLOAT, 3, shape));
  PetscCall(
      TpFileReadRows(file, "/samples/energy", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->sample_energy));
  PetscCall(
      TpFileReadRows(file, "/samples/family", TP_FILE_INT32, anneal->first, anneal->count, anneal->sample_family));
  PetscCall(
      TpFileReadRows(file, "/samples/features", TP_FILE_FLOAT, anneal->first, anneal->count, anneal->sample_feature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- checkpoint */

static PetscErrorCode WritePopulation(TpAnneal anneal, TpFile file)
{
  const PetscInt64 shape[] = {anneal->population, anneal->width}, halves[] = {anneal->population, TP_ANNEAL_HALVES};

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, "/states", TP_FILE_DOUBLE, 2, shape, "nm, nm/ps, kJ/mol or reduced",
                         "configuration of each member: walker, energy, box [9], positions, velocities"));
  PetscCall(TpFileDefine(file, "/moved", TP_FILE_INT32, 1, shape, "", "1: the sweep under way has moved the member"));
  PetscCall(TpFileWriteRows(file, "/states", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->packed));
  PetscCall(TpFileWriteRows(file, "/moved", TP_FILE_INT32, anneal->first, anneal->count, anneal->moved));
  PetscCall(TpFileDefine(file, "/top_energy", TP_FILE_DOUBLE, 2, halves, "",
                         "mean energy of each member early and late in the rounds at the highest temperature"));
  PetscCall(TpFileWriteRows(file, "/top_energy", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->top_energy));
  PetscCall(TpFileWriteAll(file, "/family", TP_FILE_INT32, 1, shape, anneal->family, "", "founder of each member"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteProgress(TpAnneal anneal, TpFile file)
{
  const PetscInt64 replicates = anneal->run->settings.anneal.replicates;
  const PetscInt64 shape[]    = {anneal->num_rows, TP_ANNEAL_COLUMNS};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteInteger(file, "/", "sweep", anneal->sweep));
  PetscCall(TpFileWriteInteger(file, "/", "rung", anneal->rung));
  PetscCall(TpFileWriteInteger(file, "/", "is_between", anneal->is_between));
  PetscCall(TpFileWriteInteger(file, "/", "num_rows", anneal->num_rows));
  PetscCall(TpFileWriteReal(file, "/", "beta", anneal->beta));
  PetscCall(TpFileWriteReal(file, "/", "effective", anneal->effective));
  PetscCall(TpFileWriteReal(file, "/", "log_z", anneal->log_z));
  PetscCall(TpFileWriteText(file, "/", "system_hash", anneal->run->system.hash_text));
  PetscCall(TpFileWriteAll(file, "/replicate", TP_FILE_DOUBLE, 1, &replicates, anneal->replicate, "",
                           "ln Z of each bootstrap replicate"));
  PetscCall(TpAnnealWriteTop(anneal, file));
  if (anneal->num_rows)
    PetscCall(TpFileWriteAll(file, "/rows", TP_FILE_DOUBLE, 2, shape, anneal->row, "",
                             "what is known of each temperature so far, in the order of the datasets of anneal.h5"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCheckpointInto(TpAnneal anneal, TpFile file)
{
  PetscFunctionBeginUser;
  PetscCall(WriteProgress(anneal, file));
  PetscCall(WritePopulation(anneal, file));
  PetscCall(WriteSamples(anneal, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealWriteCheckpoint(TpAnneal anneal)
{
  const TpFileHeader header = {.format     = TP_ANNEAL_CHECKPOINT_FORMAT,
                               .version    = TP_ANNEAL_CHECKPOINT_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = anneal->run->used_parameters};
  char               path[PETSC_MAX_PATH_LEN];
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(anneal->run, "checkpoint.h5", path));
  PetscCall(TpFileCreate(anneal->run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteCheckpointInto(anneal, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPopulation(TpAnneal anneal, TpFile file)
{
  const PetscInt64 shape[] = {anneal->population, anneal->width}, halves[] = {anneal->population, TP_ANNEAL_HALVES};

  PetscFunctionBeginUser;
  PetscCall(TpFileCheckShape(file, "/states", TP_FILE_DOUBLE, 2, shape));
  PetscCall(TpFileCheckShape(file, "/top_energy", TP_FILE_DOUBLE, 2, halves));
  PetscCall(TpFileCheckShape(file, "/moved", TP_FILE_INT32, 1, shape));
  PetscCall(TpFileReadRows(file, "/states", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->packed));
  PetscCall(TpFileReadRows(file, "/moved", TP_FILE_INT32, anneal->first, anneal->count, anneal->moved));
  PetscCall(TpFileReadRows(file, "/top_energy", TP_FILE_DOUBLE, anneal->first, anneal->count, anneal->top_energy));
  PetscCall(TpFileReadAll(file, "/family", TP_FILE_INT32, 1, shape, anneal->family));
  for (PetscInt i = 0; i < anneal->population; ++i)
    TpCheckInput(anneal->family[i] >= 0 && anneal->family[i] < anneal->population,
                 "the checkpoint has founder %d in a population of %d", (int)anneal->family[i],
                 (int)anneal->population);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadRows(TpAnneal anneal, TpFile file)
{
  PetscInt64 shape[2] = {0, TP_ANNEAL_COLUMNS}, given[2], sweep;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "num_rows", &shape[0]));
  PetscCall(TpFileReadInteger(file, "/", "sweep", &sweep));
  TpCheckInput(shape[0] >= 0 && sweep >= shape[0], "the checkpoint has %lld sweeps and %lld temperatures",
               (long long)sweep, (long long)shape[0]);
  anneal->sweep = sweep;
  if (!shape[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileShape(file, "/rows", 2, given));
  TpCheckInput(given[0] == shape[0] && given[1] == shape[1],
               "the checkpoint has %lld rows of %lld numbers, not %lld of %lld", (long long)given[0],
               (long long)given[1], (long long)shape[0], (long long)shape[1]);
  anneal->num_rows = anneal->max_rows = (PetscInt)shape[0];
  PetscCall(PetscMalloc1(anneal->max_rows, &anneal->row));
  PetscCall(TpFileReadAll(file, "/rows", TP_FILE_DOUBLE, 2, shape, anneal->row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadProgress(TpAnneal anneal, TpFile file)
{
  const TpLadder   ladder     = anneal->run->ladder;
  const PetscInt64 replicates = anneal->run->settings.anneal.replicates;
  PetscInt64       rung, is_between;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", "rung", &rung));
  PetscCall(TpFileReadInteger(file, "/", "is_between", &is_between));
  PetscCall(TpFileReadReal(file, "/", "beta", &anneal->beta));
  PetscCall(TpFileReadReal(file, "/", "effective", &anneal->effective));
  PetscCall(TpFileReadReal(file, "/", "log_z", &anneal->log_z));
  TpCheckInput(rung >= 0 && rung < ladder->num_rungs && anneal->beta > 0.0 && isfinite(anneal->beta),
               "the checkpoint is at rung %lld, beta %g; the ladder has rungs 0 to %d", (long long)rung, anneal->beta,
               (int)ladder->num_rungs - 1);
  anneal->rung       = (PetscInt)rung;
  anneal->is_between = is_between ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(TpFileReadAll(file, "/replicate", TP_FILE_DOUBLE, 1, &replicates, anneal->replicate));
  PetscCall(TpAnnealReadTop(anneal, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether it is of this annealing: its parameters and its system. */
static PetscErrorCode CheckOrigin(TpAnneal anneal, const char *path, TpFile file)
{
  TpRun run = anneal->run;
  char *parameters, *hash;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, "/", "parameters", &parameters));
  PetscCall(TpFileReadText(file, "/", "system_hash", &hash));
  PetscCall(TpSettingsCompare(&run->settings, run->config, tp_anneal_free_keys, parameters, path));
  TpCheckInput(!strcmp(hash, run->system.hash_text),
               "%s: was written for another system; forces, time step, friction and molecule must be the same", path);
  PetscCall(PetscFree(parameters));
  PetscCall(PetscFree(hash));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealReadCheckpoint(TpAnneal anneal, const char *path)
{
  const MPI_Comm world = anneal->run->groups->world;
  char           message[512];
  PetscBool      whole;
  TpFile         file;

  PetscFunctionBeginUser;
  PetscCall(TpFileVerify(world, path, &whole, message, sizeof(message)));
  TpCheckInput(whole, "%s", message);
  PetscCall(TpFileOpen(world, path, TP_ANNEAL_CHECKPOINT_FORMAT, TP_ANNEAL_CHECKPOINT_VERSION, &file));
  PetscCall(CheckOrigin(anneal, path, file));
  PetscCall(TpErrorAbout(ReadProgress(anneal, file), path));
  PetscCall(TpErrorAbout(ReadRows(anneal, file), path));
  PetscCall(TpErrorAbout(ReadPopulation(anneal, file), path));
  PetscCall(TpErrorAbout(ReadSamples(anneal, file), path));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ result */

static const struct {
  const char *name;
  TpDimension dimension;
  const char *description;
} columns[TP_ANNEAL_COLUMNS] = {
    [TP_ANNEAL_TEMPERATURE]         = {"/temperature", TP_DIMENSION_TEMPERATURE, "temperatures gone through"},
    [TP_ANNEAL_RUNG]                = {"/rung", TP_DIMENSION_NONE, "index in /samples; -1: a temperature between"},
    [TP_ANNEAL_LOG_Z]               = {"/log_z", TP_DIMENSION_NONE, "ln Z(T) / Z(highest T), configurational"},
    [TP_ANNEAL_LOG_Z_ERROR]         = {"/log_z_error", TP_DIMENSION_NONE, "standard error of log_z"},
    [TP_ANNEAL_FREE_ENERGY]         = {"/free_energy", TP_DIMENSION_ENERGY, "-k_B T log_z"},
    [TP_ANNEAL_FREE_ENERGY_ERROR]   = {"/free_energy_error", TP_DIMENSION_ENERGY, "standard error of free_energy"},
    [TP_ANNEAL_ENERGY]              = {"/energy", TP_DIMENSION_ENERGY, "mean potential energy"},
    [TP_ANNEAL_ENERGY_ERROR]        = {"/energy_error", TP_DIMENSION_ENERGY, "standard error of energy"},
    [TP_ANNEAL_HEAT_CAPACITY]       = {"/heat_capacity", TP_DIMENSION_NONE,
                                       "k_B beta^2 var(U), configurational, in units of energy over temperature"},
    [TP_ANNEAL_HEAT_CAPACITY_ERROR] = {"/heat_capacity_error", TP_DIMENSION_NONE, "standard error of heat_capacity"},
    [TP_ANNEAL_EFFECTIVE]           = {"/effective", TP_DIMENSION_NONE,
                                       "fraction of the members that the step to this temperature left effective"},
    [TP_ANNEAL_FAMILIES]            = {"/families", TP_DIMENSION_NONE, "founders with descendants"},
    [TP_ANNEAL_FAMILY_SIZE] = {"/family_size", TP_DIMENSION_NONE, "size of a member's family, averaged over members"},
    [TP_ANNEAL_MD_STEPS]    = {"/md_steps", TP_DIMENSION_NONE, "MD steps of all members from the start to here"},
};

static PetscErrorCode WriteColumns(TpAnneal anneal, TpFile file)
{
  const PetscInt64 length = anneal->num_rows;
  double          *value;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(length, &value));
  for (int c = 0; c < TP_ANNEAL_COLUMNS; ++c) {
    for (PetscInt i = 0; i < length; ++i) value[i] = anneal->row[i][c];
    PetscCall(TpFileWriteAll(file, columns[c].name, TP_FILE_DOUBLE, 1, &length, value,
                             TpUnitName(anneal->run->system.units, columns[c].dimension), columns[c].description));
  }
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bins of features that have no period are over what all rungs have seen, a little widened. */
static PetscErrorCode SetRanges(TpAnneal anneal, TpBinning *binning)
{
  const PetscInt rows = anneal->count * anneal->run->ladder->num_rungs, num = binning->num_features;
  const MPI_Comm world = anneal->run->groups->world;

  PetscFunctionBeginUser;
  for (PetscInt f = 0; f < num; ++f) {
    if (anneal->run->system.period[f] > 0.0) continue;
    binning->low[f]  = PETSC_MAX_REAL;
    binning->high[f] = -PETSC_MAX_REAL;
    for (PetscInt row = 0; row < rows; ++row) {
      const double value = anneal->sample_feature[(size_t)row * num + f];

      binning->low[f]  = PetscMin(binning->low[f], value);
      binning->high[f] = PetscMax(binning->high[f], value);
    }
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, binning->low, num, MPI_DOUBLE, MPI_MIN, world, NULL));
  PetscCall(TpAllreduce(MPI_IN_PLACE, binning->high, num, MPI_DOUBLE, MPI_MAX, world, NULL));
  for (PetscInt f = 0; f < num; ++f) {
    const double margin =
        anneal->run->system.period[f] > 0.0 ? 0.0 : 0.05 * (binning->high[f] - binning->low[f]) + 1e-9;

    binning->low[f] -= margin;
    binning->high[f] += margin;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineHistograms(TpFile file, PetscInt rungs, const TpBinning *binning)
{
  const PetscInt64 marginal[] = {rungs, binning->num_features, binning->bins},
                   pair[]     = {rungs, binning->num_pairs, binning->pair_bins, binning->pair_bins},
                   pairs[] = {binning->num_pairs, 2}, num = binning->num_features;
  PetscInt64 *features;

  PetscFunctionBeginUser;
  PetscCall(
      TpFileWriteAll(file, "/histogram/low", TP_FILE_DOUBLE, 1, &num, binning->low, "", "first edge, of each feature"));
  PetscCall(TpFileWriteAll(file, "/histogram/high", TP_FILE_DOUBLE, 1, &num, binning->high, "", "last edge"));
  PetscCall(TpFileDefine(file, "/histogram/marginal", TP_FILE_DOUBLE, 3, marginal, "", "counts [rung, feature, bin]"));
  if (!binning->num_pairs) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileDefine(file, "/histogram/pair", TP_FILE_DOUBLE, 4, pair, "", "counts [rung, pair, bin, bin]"));
  PetscCall(PetscMalloc1(2 * binning->num_pairs, &features));
  for (PetscInt i = 0; i < 2 * binning->num_pairs; ++i) features[i] = binning->pair[i];
  PetscCall(
      TpFileWriteAll(file, "/histogram/pair_features", TP_FILE_INT64, 2, pairs, features, "", "features of each pair"));
  PetscCall(PetscFree(features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHistograms(TpAnneal anneal, TpFile file)
{
  const PetscInt rungs = anneal->run->ladder->num_rungs, num = anneal->run->system.num_features;
  const PetscInt mine = anneal->run->is_writer ? 1 : 0;
  TpBinning      binning;

  PetscFunctionBeginUser;
  PetscCall(TpBinningCreate(anneal->run, &binning));
  PetscCall(SetRanges(anneal, &binning));
  PetscCall(DefineHistograms(file, rungs, &binning));
  for (PetscInt k = 0; k < rungs; ++k) {
    TpHistograms histograms;

    PetscCall(TpHistogramsCreate(&binning, &histograms));
    TpHistogramsAdd(&binning, anneal->count, anneal->sample_feature + (size_t)k * num, rungs * num, &histograms);
    PetscCall(TpHistogramsSum(&binning, anneal->run->groups->world, &histograms));
    PetscCall(TpFileWriteRows(file, "/histogram/marginal", TP_FILE_DOUBLE, k, mine, histograms.marginal));
    if (binning.num_pairs)
      PetscCall(TpFileWriteRows(file, "/histogram/pair", TP_FILE_DOUBLE, k, mine, histograms.pair));
    PetscCall(TpHistogramsDestroy(&histograms));
  }
  PetscCall(TpBinningDestroy(&binning));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteResultInto(TpAnneal anneal, TpFile file)
{
  const TpSystem  *system = &anneal->run->system;
  const TpLadder   ladder = anneal->run->ladder;
  const PetscInt64 rungs  = ladder->num_rungs;

  PetscFunctionBeginUser;
  PetscCall(WriteColumns(anneal, file));
  PetscCall(TpAnnealWriteTop(anneal, file));
  PetscCall(TpFileWriteAll(file, "/samples/temperature", TP_FILE_DOUBLE, 1, &rungs, ladder->temperature,
                           TpUnitName(system->units, TP_DIMENSION_TEMPERATURE), "temperature of each rung"));
  PetscCall(WriteSamples(anneal, file));
  PetscCall(WriteHistograms(anneal, file));
  PetscCall(TpWriteFeatures(file, system->num_features, system->name, system->unit, system->period));
  PetscCall(TpFileWriteText(file, "/", "system_hash", system->hash_text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealWriteResult(TpAnneal anneal, const char *folder)
{
  const TpFileHeader header = {.format     = TP_ANNEAL_FORMAT,
                               .version    = TP_ANNEAL_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = anneal->run->used_parameters};
  char               path[PETSC_MAX_PATH_LEN];
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpPathJoin(folder, "anneal.h5", path));
  PetscCall(TpFileCreate(anneal->run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteResultInto(anneal, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- table */

enum { LINE = 160 };

static void WriteLine(const double row[], char line[LINE])
{
  snprintf(line, LINE, "%c %11.6g %13.6f %9.6f %14.6g %9.2g %13.6g %9.2g %9.3f %8.0f %10.1f %14.0f",
           row[TP_ANNEAL_RUNG] < 0.0 ? '-' : ' ', row[TP_ANNEAL_TEMPERATURE], row[TP_ANNEAL_LOG_Z],
           row[TP_ANNEAL_LOG_Z_ERROR], row[TP_ANNEAL_ENERGY], row[TP_ANNEAL_ENERGY_ERROR], row[TP_ANNEAL_HEAT_CAPACITY],
           row[TP_ANNEAL_HEAT_CAPACITY_ERROR], row[TP_ANNEAL_EFFECTIVE], row[TP_ANNEAL_FAMILIES],
           row[TP_ANNEAL_FAMILY_SIZE], row[TP_ANNEAL_MD_STEPS]);
}

static void WarnAboutFamilies(TpAnneal anneal)
{
  enum { FEW = 20 };
  const double *row = anneal->row[anneal->num_rows - 1];

  if (anneal->population / row[TP_ANNEAL_FAMILY_SIZE] < FEW)
    TpLog(TP_LOG_WARNING,
          "at the lowest temperature the population is worth %.1f families: errors that large families hide are not in "
          "the table; a larger anneal.population, or more anneal.steps, will tell",
          anneal->population / row[TP_ANNEAL_FAMILY_SIZE]);
}

PetscErrorCode TpAnnealTell(TpAnneal anneal, const char *folder)
{
  static const char head[] =
      "    temperature     ln Z/Z_top     error              U     error           C_v     error "
      "effective families family_size       MD_steps";
  const size_t size = (size_t)(anneal->num_rows + 2) * LINE;
  size_t       length;
  char         path[PETSC_MAX_PATH_LEN], *text;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &text));
  length = (size_t)snprintf(text, size, "#%s\n", head + 1);
  for (PetscInt i = 0; i < anneal->num_rows; ++i) {
    char line[LINE];

    WriteLine(anneal->row[i], line);
    length += (size_t)snprintf(text + length, size - length, "%s\n", line);
  }
  if (anneal->run->is_writer) {
    text[length - 1] = '\0';
    TpLog(TP_LOG_PRODUCTION, "%s", text);
    text[length - 1] = '\n';
    WarnAboutFamilies(anneal);
  }
  PetscCall(TpPathJoin(folder, "anneal.txt", path));
  PetscCall(TpTextPublish(anneal->run->groups->world, path, text));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
