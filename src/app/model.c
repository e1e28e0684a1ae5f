/* model.h5: a trained model, complete in itself. */
#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode TpModelCreate(const TpNetworkSettings *network, PetscInt num_features, const double period[],
                             PetscInt num_temperatures, TpModel *model)
{
  TpModel   new_model;
  TpNetwork shape;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_model));
  new_model->network          = *network;
  new_model->num_features     = num_features;
  new_model->num_temperatures = num_temperatures;
  PetscCall(TpEncodingCreate(num_features, period, &new_model->encoding));
  PetscCall(TpNetworkCreate(network, new_model->encoding->num_encoded, 1, &shape));
  new_model->num_parameters = TpNetworkNumParameters(shape);
  PetscCall(TpNetworkDestroy(&shape));
  PetscCall(PetscCalloc4(num_features, &new_model->name, num_features, &new_model->unit, num_temperatures,
                         &new_model->temperature, new_model->num_parameters, &new_model->parameters));
  *model = new_model;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDestroy(TpModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpEncodingDestroy(&(*model)->encoding));
  PetscCall(PetscFree((*model)->used_parameters));
  PetscCall(PetscFree4((*model)->name, (*model)->unit, (*model)->temperature, (*model)->parameters));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

static PetscBool HasMultipliers(const TpNetworkSettings *network)
{
  return (PetscBool)!strcmp(tp_network_words[network->kind], "unet1d");
}

static PetscErrorCode WriteMultipliers(const TpNetworkSettings *network, TpFile file)
{
  char   text[8 * TP_MAX_LEVELS] = "";
  size_t used                    = 0;

  PetscFunctionBeginUser;
  if (!HasMultipliers(network)) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < TP_MAX_LEVELS && network->multipliers[i] > 0; ++i)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", i ? " " : "", (int)network->multipliers[i]);
  PetscCall(TpFileWriteText(file, "/", "network_multipliers", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAttributes(TpModel model, TpFile file)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteText(file, "/", "network_kind", tp_network_words[model->network.kind]));
  PetscCall(TpFileWriteInteger(file, "/", "network_width", model->network.width));
  PetscCall(TpFileWriteInteger(file, "/", "network_depth", model->network.depth));
  PetscCall(TpFileWriteInteger(file, "/", "network_embedding", model->network.embedding));
  PetscCall(WriteMultipliers(&model->network, file));
  PetscCall(TpFileWriteText(file, "/", "schedule", tp_schedule_words[model->diffusion.schedule]));
  PetscCall(TpFileWriteInteger(file, "/", "num_times", model->diffusion.num_times));
  PetscCall(TpFileWriteText(file, "/", "sampler", tp_sampler_words[model->diffusion.sampler]));
  PetscCall(TpFileWriteInteger(file, "/", "num_steps", model->diffusion.num_steps));
  PetscCall(TpFileWriteText(file, "/", "label", tp_label_words[model->label]));
  PetscCall(TpFileWriteText(file, "/", "units", model->units == TP_UNITS_MOLECULAR ? "molecular" : "reduced"));
  PetscCall(TpFileWriteReal(file, "/", "condition_mean", model->condition.mean));
  PetscCall(TpFileWriteReal(file, "/", "condition_scale", model->condition.scale));
  PetscCall(TpFileWriteInteger(file, "/", "seed", model->seed));
  PetscCall(TpFileWriteInteger(file, "/", "optimiser_steps", model->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTensorTable(TpModel model, TpFile file)
{
  TpNetwork       network;
  const TpTensor *tensors;
  PetscInt        count;
  const char    **names;
  PetscInt64     *places;

  PetscFunctionBeginUser;
  PetscCall(TpNetworkCreate(&model->network, model->encoding->num_encoded, 1, &network));
  PetscCall(TpNetworkTensors(network, &count, &tensors));
  PetscCall(PetscMalloc2(count, &names, 3 * count, &places));
  for (PetscInt i = 0; i < count; ++i) {
    names[i]          = tensors[i].name;
    places[3 * i]     = tensors[i].offset;
    places[3 * i + 1] = tensors[i].rows;
    places[3 * i + 2] = tensors[i].columns;
  }
  PetscCall(
      TpFileWriteTexts(file, "/network/tensor_name", count, names, "names of the tensors in /network/parameters"));
  PetscCall(TpFileWriteAll(file, "/network/tensor_place", TP_FILE_INT64, 2, (const PetscInt64[]){count, 3}, places, "",
                           "offset, rows and columns of each tensor in /network/parameters"));
  PetscCall(PetscFree2(names, places));
  PetscCall(TpNetworkDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(TpModel model, TpFile file)
{
  const PetscInt64 encoded = model->encoding->num_encoded, parameters = model->num_parameters;
  const PetscInt64 temperatures = model->num_temperatures;

  PetscFunctionBeginUser;
  PetscCall(WriteAttributes(model, file));
  PetscCall(TpWriteFeatures(file, model->num_features, model->name, model->unit, model->encoding->period));
  PetscCall(TpFileWriteAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, model->encoding->mean, "",
                           "mean of each encoded feature (periodic ones as sin, cos)"));
  PetscCall(TpFileWriteAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, model->encoding->scale, "",
                           "standard deviation of each encoded feature"));
  PetscCall(TpFileWriteAll(file, "/temperature", TP_FILE_DOUBLE, 1, &temperatures, model->temperature,
                           TpUnitName(model->units, TP_DIMENSION_TEMPERATURE), "temperatures learned from"));
  PetscCall(WriteTensorTable(model, file));
  PetscCall(TpFileWriteAll(file, "/network/parameters", TP_FILE_FLOAT, 1, &parameters, model->parameters, "",
                           "weights, moving average"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelWrite(TpModel model, MPI_Comm comm, const char *path, const char *used_parameters)
{
  const TpFileHeader header = {.format     = TP_MODEL_FORMAT,
                               .version    = TP_MODEL_VERSION,
                               .program    = TpVersionLine(),
                               .parameters = used_parameters};
  TpFile             file;

  PetscFunctionBeginUser;
  PetscCall(TpFileCreate(comm, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(model, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- read */

static PetscErrorCode ReadWord(TpFile file, const char *path, const char *name, const char *const words[],
                               PetscInt *index)
{
  char *text;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, "/", name, &text));
  for (*index = 0; words[*index]; ++*index)
    if (!strcmp(words[*index], text)) break;
  if (!words[*index])
    PetscFunctionReturn(TpInputError("%s: %s is '%.40s', which this version does not know", path, name, text));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSize(TpFile file, const char *path, const char *name, PetscInt64 low, PetscInt64 high,
                               PetscInt64 *value)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileReadInteger(file, "/", name, value));
  TpCheckInput(*value >= low && *value <= high,
               "%s: %s is %" PetscInt64_FMT ", expected %" PetscInt64_FMT " to %" PetscInt64_FMT, path, name, *value,
               low, high);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMultipliers(TpFile file, const char *path, TpNetworkSettings *network)
{
  PetscInt level = 0;
  char    *text, *next, *end;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(network->multipliers, TP_MAX_LEVELS));
  if (!HasMultipliers(network)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpFileReadText(file, "/", "network_multipliers", &text));
  for (next = text; *next && level < TP_MAX_LEVELS; next = end) {
    const long multiplier = strtol(next, &end, 10);

    if (end == next || multiplier < 1 || multiplier > 64) break;
    network->multipliers[level++] = multiplier;
  }
  TpCheckInput(!*next && level > 0, "%s: network_multipliers is '%.40s', expected 1 to %d numbers from 1 to 64", path,
               text, TP_MAX_LEVELS);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSettings(TpFile file, const char *path, TpNetworkSettings *network,
                                   TpDiffusionSettings *diffusion, PetscInt *label, TpUnitSystem *units)
{
  static const char *const unit_words[] = {"molecular", "reduced", NULL};
  PetscInt                 system;

  PetscFunctionBeginUser;
  PetscCall(ReadWord(file, path, "network_kind", tp_network_words, &network->kind));
  PetscCall(ReadSize(file, path, "network_width", 4, 65536, &network->width));
  PetscCall(ReadSize(file, path, "network_depth", 1, 1000, &network->depth));
  PetscCall(ReadSize(file, path, "network_embedding", 4, 4096, &network->embedding));
  PetscCall(ReadMultipliers(file, path, network));
  PetscCall(ReadWord(file, path, "schedule", tp_schedule_words, &diffusion->schedule));
  PetscCall(ReadSize(file, path, "num_times", 2, 100000, &diffusion->num_times));
  PetscCall(ReadWord(file, path, "sampler", tp_sampler_words, &diffusion->sampler));
  PetscCall(ReadSize(file, path, "num_steps", 1, diffusion->num_times, &diffusion->num_steps));
  PetscCall(ReadWord(file, path, "label", tp_label_words, label));
  PetscCall(ReadWord(file, path, "units", unit_words, &system));
  *units = system == 0 ? TP_UNITS_MOLECULAR : TP_UNITS_REDUCED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTexts(TpFile file, const char *path, const char *dataset, PetscInt count, size_t length,
                                char *first)
{
  PetscInt found;
  char   **texts;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadTexts(file, dataset, &found, &texts));
  TpCheckInput(found == count, "%s: %s has %" PetscInt_FMT " entries, expected %" PetscInt_FMT, path, dataset, found,
               count);
  for (PetscInt i = 0; i < count; ++i) {
    snprintf(first + (size_t)i * length, length, "%s", texts[i]);
    PetscCall(PetscFree(texts[i]));
  }
  PetscCall(PetscFree(texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers that generating divides by or feeds the network with: a file can hold anything. */
static PetscErrorCode CheckNumbers(TpModel model, const char *path)
{
  PetscFunctionBeginUser;
  TpCheckInput(isfinite(model->condition.mean) && model->condition.scale > 0.0 && isfinite(model->condition.scale),
               "%s: the scale of the temperature is not a positive number", path);
  for (PetscInt i = 0; i < model->encoding->num_encoded; ++i)
    TpCheckInput(isfinite(model->encoding->mean[i]) && model->encoding->scale[i] > 0.0 &&
                     isfinite(model->encoding->scale[i]),
                 "%s: the scaling of encoded feature %" PetscInt_FMT " is not a positive number", path, i);
  for (PetscInt i = 0; i < model->num_temperatures; ++i)
    TpCheckInput(model->temperature[i] > 0.0 && isfinite(model->temperature[i]),
                 "%s: temperature %" PetscInt_FMT " is not positive", path, i);
  for (PetscInt i = 0; i < model->num_parameters; ++i)
    TpCheckInput(isfinite(model->parameters[i]), "%s: weight %" PetscInt_FMT " is not a number", path, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before there is room made for them: the network that the attributes tell of has as many weights as the file holds. */
static PetscErrorCode CheckWeights(TpFile file, const char *path, const TpNetworkSettings *settings,
                                   PetscInt num_features, const double period[])
{
  TpEncoding encoding;
  TpNetwork  network;
  PetscInt64 found, expected;

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(num_features, period, &encoding));
  PetscCall(TpErrorAbout(TpNetworkCreate(settings, encoding->num_encoded, 1, &network), path));
  expected = TpNetworkNumParameters(network);
  PetscCall(TpNetworkDestroy(&network));
  PetscCall(TpEncodingDestroy(&encoding));
  PetscCall(TpFileShape(file, "/network/parameters", 1, &found));
  TpCheckInput(found == expected, "%s: holds %" PetscInt64_FMT " weights, but its network has %" PetscInt64_FMT, path,
               found, expected);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadArrays(TpModel model, TpFile file, const char *path)
{
  const PetscInt64 encoded = model->encoding->num_encoded, parameters = model->num_parameters,
                   temperatures = model->num_temperatures;

  PetscFunctionBeginUser;
  PetscCall(ReadTexts(file, path, "/features/name", model->num_features, TP_NAME_LENGTH, model->name[0]));
  PetscCall(ReadTexts(file, path, "/features/unit", model->num_features, TP_UNIT_LENGTH, model->unit[0]));
  PetscCall(TpFileReadAll(file, "/network/parameters", TP_FILE_FLOAT, 1, &parameters, model->parameters));
  PetscCall(TpFileReadAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, model->encoding->mean));
  PetscCall(TpFileReadAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, model->encoding->scale));
  PetscCall(TpFileReadAll(file, "/temperature", TP_FILE_DOUBLE, 1, &temperatures, model->temperature));
  PetscCall(TpFileReadReal(file, "/", "condition_mean", &model->condition.mean));
  PetscCall(TpFileReadReal(file, "/", "condition_scale", &model->condition.scale));
  PetscCall(TpFileReadInteger(file, "/", "seed", &model->seed));
  PetscCall(TpFileReadInteger(file, "/", "optimiser_steps", &model->step));
  PetscCall(TpFileReadText(file, "/", "parameters", &model->used_parameters));
  model->condition.boltzmann = TpBoltzmann(model->units);
  PetscCall(CheckNumbers(model, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelRead(MPI_Comm comm, const char *path, TpModel *model)
{
  TpNetworkSettings   network;
  TpDiffusionSettings diffusion = {0};
  PetscInt            label;
  TpUnitSystem        units = TP_UNITS_REDUCED;
  PetscInt64          num_features, num_temperatures;
  double             *period;
  char                message[512];
  PetscBool           whole;
  TpFile              file;

  PetscFunctionBeginUser;
  PetscCall(TpFileVerify(comm, path, &whole, message, sizeof(message)));
  TpCheckInput(whole, "%s", message);
  PetscCall(TpFileOpen(comm, path, TP_MODEL_FORMAT, TP_MODEL_VERSION, &file));
  PetscCall(ReadSettings(file, path, &network, &diffusion, &label, &units));
  PetscCall(TpFileShape(file, "/features/period", 1, &num_features));
  PetscCall(TpFileShape(file, "/temperature", 1, &num_temperatures));
  TpCheckInput(num_features >= 1 && num_features <= 1000000 && num_temperatures >= 1 && num_temperatures <= 1000000,
               "%s: %" PetscInt64_FMT " features and %" PetscInt64_FMT " temperatures, expected 1 to 1000000", path,
               num_features, num_temperatures);
  PetscCall(PetscMalloc1(num_features, &period));
  PetscCall(TpFileReadAll(file, "/features/period", TP_FILE_DOUBLE, 1, &num_features, period));
  for (PetscInt64 i = 0; i < num_features; ++i)
    TpCheckInput(period[i] >= 0.0 && isfinite(period[i]), "%s: the period of feature %" PetscInt64_FMT " is %g", path,
                 i, period[i]);
  PetscCall(CheckWeights(file, path, &network, (PetscInt)num_features, period));
  PetscCall(TpModelCreate(&network, (PetscInt)num_features, period, (PetscInt)num_temperatures, model));
  PetscCall(PetscFree(period));
  (*model)->diffusion = diffusion;
  (*model)->label     = label;
  (*model)->units     = units;
  PetscCall(ReadArrays(*model, file, path));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
