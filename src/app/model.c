/* model.h5: a trained model, complete in itself. */
#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode TpModelNetwork(TpModel model, TpNetwork *network)
{
  TpLens lens;

  PetscFunctionBeginUser;
  PetscCall(TpConditionLens(&model->condition, model->encoding, NULL, &lens));
  const PetscInt num_inputs = lens->num_inputs;
  PetscCall(TpLensDestroy(&lens));
  PetscCall(TpNetworkCreate(&model->network, num_inputs, TpConditionCount(&model->condition), network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelCreate(const TpModelSizes *sizes, TpModel *model)
{
  TpModel   m;
  TpNetwork shape;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->network          = sizes->network;
  m->condition        = sizes->condition;
  m->num_features     = sizes->num_features;
  m->num_temperatures = sizes->num_temperatures;
  m->num_averages     = sizes->num_averages;
  m->validation_loss  = NAN;
  PetscCall(TpEncodingCreate(sizes->angles, m->num_features, sizes->period, &m->encoding));
  PetscCall(TpModelNetwork(m, &shape));
  m->num_parameters = TpNetworkNumParameters(shape);
  PetscCall(TpNetworkDestroy(&shape));
  PetscCall(PetscCalloc5(m->num_features, &m->name, m->num_features, &m->unit, TP_MAX_FURTHER, &m->further,
                         m->num_temperatures, &m->temperature, m->num_temperatures, &m->share));
  PetscCall(PetscCalloc2(m->num_averages, &m->decay, m->num_averages * m->num_parameters, &m->averages));
  m->parameters = m->averages;
  *model        = m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelDestroy(TpModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpEncodingDestroy(&(*model)->encoding));
  PetscCall(PetscFree((*model)->used_parameters));
  PetscCall(PetscFree5((*model)->name, (*model)->unit, (*model)->further, (*model)->temperature, (*model)->share));
  PetscCall(PetscFree2((*model)->decay, (*model)->averages));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelChooseAverage(TpModel model, double decay)
{
  char   allowed[256];
  size_t length = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < model->num_averages; ++i) {
    if (fabs(model->decay[i] - decay) > 1e-9) continue;
    model->parameters = model->averages + i * model->num_parameters;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt i = 0; i < model->num_averages && length < sizeof(allowed); ++i)
    length += (size_t)snprintf(allowed + length, sizeof(allowed) - length, "%s%.10g", i ? ", " : "", model->decay[i]);
  PetscFunctionReturn(TpInputError("--ema: the model has no average of decay %.10g; allowed %s", decay, allowed));
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
  PetscCall(TpFileWriteInteger(file, "/", "network_channels", model->network.channels));
  PetscCall(WriteMultipliers(&model->network, file));
  PetscCall(TpFileWriteText(file, "/", "schedule", tp_schedule_words[model->diffusion.schedule]));
  PetscCall(TpFileWriteText(file, "/", "predict", tp_predict_words[model->diffusion.predict]));
  PetscCall(TpFileWriteInteger(file, "/", "num_times", model->diffusion.num_times));
  PetscCall(TpFileWriteText(file, "/", "sampler", tp_sampler_words[model->diffusion.sampler]));
  PetscCall(TpFileWriteInteger(file, "/", "num_steps", model->diffusion.num_steps));
  PetscCall(TpFileWriteText(file, "/", "label", tp_label_words[model->label]));
  PetscCall(TpFileWriteReal(file, "/", "label_degrees_of_freedom", model->label_degrees));
  PetscCall(TpFileWriteReal(file, "/", "label_jitter", model->condition.jitter));
  PetscCall(TpFileWriteText(file, "/", "role", tp_role_words[model->condition.role]));
  PetscCall(TpFileWriteText(file, "/", "angles", tp_angles_words[model->encoding->angles]));
  PetscCall(TpFileWriteText(file, "/", "units", model->units == TP_UNITS_MOLECULAR ? "molecular" : "reduced"));
  PetscCall(TpFileWriteReal(file, "/", "condition_mean", model->condition.mean));
  PetscCall(TpFileWriteReal(file, "/", "condition_scale", model->condition.scale));
  PetscCall(TpFileWriteInteger(file, "/", "seed", model->seed));
  PetscCall(TpFileWriteInteger(file, "/", "optimiser_steps", model->step));
  PetscCall(TpFileWriteReal(file, "/", "validation_loss", model->validation_loss));
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
  PetscCall(TpModelNetwork(model, &network));
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

static PetscErrorCode WriteFurther(TpModel model, TpFile file)
{
  const PetscInt64 count = model->condition.num_further;
  const char      *names[TP_MAX_FURTHER];

  PetscFunctionBeginUser;
  if (!count) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < model->condition.num_further; ++i) names[i] = model->further[i];
  PetscCall(
      TpFileWriteTexts(file, "/condition/name", model->condition.num_further, names, "conditions beside temperature"));
  PetscCall(TpFileWriteAll(file, "/condition/mean", TP_FILE_DOUBLE, 1, &count, model->condition.further_mean, "",
                           "mean of each further condition"));
  PetscCall(TpFileWriteAll(file, "/condition/scale", TP_FILE_DOUBLE, 1, &count, model->condition.further_scale, "",
                           "scale of each further condition"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(TpModel model, TpFile file)
{
  const PetscInt64 encoded = model->encoding->num_encoded, parameters = model->num_parameters;
  const PetscInt64 temperatures = model->num_temperatures, averages = model->num_averages;

  PetscFunctionBeginUser;
  PetscCall(WriteAttributes(model, file));
  PetscCall(TpWriteFeatures(file, model->num_features, model->name, model->unit, model->encoding->period));
  PetscCall(TpFileWriteAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, model->encoding->mean, "",
                           "mean of each encoded feature"));
  PetscCall(TpFileWriteAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, model->encoding->scale, "",
                           "scale of each encoded feature"));
  PetscCall(TpFileWriteAll(file, "/temperature", TP_FILE_DOUBLE, 1, &temperatures, model->temperature,
                           TpUnitName(model->units, TP_DIMENSION_TEMPERATURE), "temperatures learned from"));
  PetscCall(TpFileWriteAll(file, "/temperature_share", TP_FILE_DOUBLE, 1, &temperatures, model->share, "",
                           "frames learned from at each temperature, relative to each other"));
  PetscCall(WriteFurther(model, file));
  PetscCall(WriteTensorTable(model, file));
  PetscCall(TpFileWriteAll(file, "/network/ema_decay", TP_FILE_DOUBLE, 1, &averages, model->decay, "",
                           "decay per step of each moving average"));
  PetscCall(TpFileWriteAll(file, "/network/parameters", TP_FILE_FLOAT, 2, (const PetscInt64[]){averages, parameters},
                           model->averages, "",
                           "moving averages of the weights [average, weight]; the first generates"));
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
  *index = TpWordFind(words, text);
  if (*index < 0)
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

static PetscErrorCode ReadSettings(TpFile file, const char *path, TpModelSizes *sizes, TpDiffusionSettings *diffusion,
                                   PetscInt *label, TpUnitSystem *units)
{
  static const char *const unit_words[] = {"molecular", "reduced", NULL};
  TpNetworkSettings       *network      = &sizes->network;
  PetscInt                 system;
  PetscBool                has_channels;

  PetscFunctionBeginUser;
  PetscCall(ReadWord(file, path, "network_kind", tp_network_words, &network->kind));
  PetscCall(ReadSize(file, path, "network_width", 4, 65536, &network->width));
  PetscCall(ReadSize(file, path, "network_depth", 1, 1000, &network->depth));
  PetscCall(ReadSize(file, path, "network_embedding", 4, 4096, &network->embedding));
  network->channels = 1; /* of a model from before there could be more */
  PetscCall(TpFileHasAttribute(file, "/", "network_channels", &has_channels));
  if (has_channels) PetscCall(ReadSize(file, path, "network_channels", 1, 64, &network->channels));
  PetscCall(ReadMultipliers(file, path, network));
  PetscCall(ReadWord(file, path, "schedule", tp_schedule_words, &diffusion->schedule));
  PetscCall(ReadWord(file, path, "predict", tp_predict_words, &diffusion->predict));
  PetscCall(ReadSize(file, path, "num_times", 2, 100000, &diffusion->num_times));
  PetscCall(ReadWord(file, path, "sampler", tp_sampler_words, &diffusion->sampler));
  PetscCall(ReadSize(file, path, "num_steps", 1, diffusion->num_times, &diffusion->num_steps));
  PetscCall(ReadWord(file, path, "label", tp_label_words, label));
  PetscCall(ReadWord(file, path, "role", tp_role_words, &sizes->condition.role));
  PetscCall(ReadWord(file, path, "angles", tp_angles_words, &sizes->angles));
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

static PetscErrorCode ReadCount(TpFile file, const char *path, const char *name, PetscInt64 high, PetscInt *count)
{
  PetscInt64 length;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, name, 1, &length));
  TpCheckInput(length >= 1 && length <= high,
               "%s: %s holds %" PetscInt64_FMT " numbers, expected 1 to %" PetscInt64_FMT, path, name, length, high);
  *count = (PetscInt)length;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSizes(TpFile file, const char *path, TpModelSizes *sizes)
{
  PetscBool further;

  PetscFunctionBeginUser;
  PetscCall(ReadCount(file, path, "/features/period", 1000000, &sizes->num_features));
  PetscCall(ReadCount(file, path, "/temperature", 1000000, &sizes->num_temperatures));
  PetscCall(ReadCount(file, path, "/network/ema_decay", 1000, &sizes->num_averages));
  PetscCall(TpFileHas(file, "/condition/mean", &further));
  if (further) PetscCall(ReadCount(file, path, "/condition/mean", TP_MAX_FURTHER, &sizes->condition.num_further));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadCondition(TpModel model, TpFile file, const char *path)
{
  const PetscInt64 further = model->condition.num_further;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadReal(file, "/", "condition_mean", &model->condition.mean));
  PetscCall(TpFileReadReal(file, "/", "condition_scale", &model->condition.scale));
  PetscCall(TpFileReadReal(file, "/", "label_jitter", &model->condition.jitter));
  PetscCall(TpFileReadReal(file, "/", "label_degrees_of_freedom", &model->label_degrees));
  model->condition.boltzmann = TpBoltzmann(model->units);
  if (!further) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadTexts(file, path, "/condition/name", (PetscInt)further, TP_NAME_LENGTH, model->further[0]));
  PetscCall(TpFileReadAll(file, "/condition/mean", TP_FILE_DOUBLE, 1, &further, model->condition.further_mean));
  PetscCall(TpFileReadAll(file, "/condition/scale", TP_FILE_DOUBLE, 1, &further, model->condition.further_scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckCondition(const TpCondition *condition, const char *path)
{
  PetscFunctionBeginUser;
  TpCheckInput(isfinite(condition->mean) && condition->mean > 0.0 && condition->scale > 0.0 &&
                   isfinite(condition->scale),
               "%s: the scale of the temperature is not a positive number", path);
  for (PetscInt i = 0; i < condition->num_further; ++i)
    TpCheckInput(isfinite(condition->further_mean[i]) && condition->further_scale[i] > 0.0 &&
                     isfinite(condition->further_scale[i]),
                 "%s: the scale of further condition %" PetscInt_FMT " is not a positive number", path, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers that generating divides by or feeds the network with: a file can hold anything. */
static PetscErrorCode CheckNumbers(TpModel model, const char *path)
{
  PetscFunctionBeginUser;
  PetscCall(CheckCondition(&model->condition, path));
  for (PetscInt i = 0; i < model->encoding->num_encoded; ++i)
    TpCheckInput(isfinite(model->encoding->mean[i]) && model->encoding->scale[i] > 0.0 &&
                     isfinite(model->encoding->scale[i]),
                 "%s: the scaling of encoded feature %" PetscInt_FMT " is not a positive number", path, i);
  for (PetscInt i = 0; i < model->num_temperatures; ++i)
    TpCheckInput(model->temperature[i] > 0.0 && isfinite(model->temperature[i]),
                 "%s: temperature %" PetscInt_FMT " is not positive", path, i);
  for (PetscInt i = 0; i < model->num_averages * model->num_parameters; ++i)
    TpCheckInput(isfinite(model->averages[i]), "%s: weight %" PetscInt_FMT " is not a number", path, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before there is room made for them: the network that the attributes tell of has as many weights as the file holds. */
static PetscErrorCode CheckWeights(TpFile file, const char *path, const TpModelSizes *sizes)
{
  struct TpModel_ shape = {.network = sizes->network, .condition = sizes->condition};
  TpNetwork       network;
  PetscInt64      found[2], expected;

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(sizes->angles, sizes->num_features, sizes->period, &shape.encoding));
  PetscCall(TpErrorAbout(TpModelNetwork(&shape, &network), path));
  expected = TpNetworkNumParameters(network);
  PetscCall(TpNetworkDestroy(&network));
  PetscCall(TpEncodingDestroy(&shape.encoding));
  PetscCall(TpFileShape(file, "/network/parameters", 2, found));
  TpCheckInput(found[1] == expected, "%s: holds %" PetscInt64_FMT " weights, but its network has %" PetscInt64_FMT,
               path, found[1], expected);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadArrays(TpModel model, TpFile file, const char *path)
{
  const PetscInt64 encoded = model->encoding->num_encoded, parameters = model->num_parameters,
                   temperatures = model->num_temperatures, averages = model->num_averages;

  PetscFunctionBeginUser;
  PetscCall(ReadTexts(file, path, "/features/name", model->num_features, TP_NAME_LENGTH, model->name[0]));
  PetscCall(ReadTexts(file, path, "/features/unit", model->num_features, TP_UNIT_LENGTH, model->unit[0]));
  PetscCall(TpFileReadAll(file, "/network/parameters", TP_FILE_FLOAT, 2, (const PetscInt64[]){averages, parameters},
                          model->averages));
  PetscCall(TpFileReadAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, model->encoding->mean));
  PetscCall(TpFileReadAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, model->encoding->scale));
  PetscCall(TpFileReadAll(file, "/temperature", TP_FILE_DOUBLE, 1, &temperatures, model->temperature));
  PetscCall(TpFileReadAll(file, "/temperature_share", TP_FILE_DOUBLE, 1, &temperatures, model->share));
  PetscCall(TpFileReadAll(file, "/network/ema_decay", TP_FILE_DOUBLE, 1, &averages, model->decay));
  PetscCall(ReadCondition(model, file, path));
  PetscCall(TpFileReadReal(file, "/", "validation_loss", &model->validation_loss));
  PetscCall(TpFileReadInteger(file, "/", "seed", &model->seed));
  PetscCall(TpFileReadInteger(file, "/", "optimiser_steps", &model->step));
  PetscCall(TpFileReadText(file, "/", "parameters", &model->used_parameters));
  PetscCall(CheckNumbers(model, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpModelRead(MPI_Comm comm, const char *path, TpModel *model)
{
  TpModelSizes        sizes     = {0};
  TpDiffusionSettings diffusion = {0};
  PetscInt            label;
  TpUnitSystem        units = TP_UNITS_REDUCED;
  double             *period;
  char                message[512];
  PetscBool           whole;
  TpFile              file;

  PetscFunctionBeginUser;
  PetscCall(TpFileVerify(comm, path, &whole, message, sizeof(message)));
  TpCheckInput(whole, "%s", message);
  PetscCall(TpFileOpen(comm, path, TP_MODEL_FORMAT, TP_MODEL_VERSION, &file));
  PetscCall(ReadSettings(file, path, &sizes, &diffusion, &label, &units));
  PetscCall(ReadSizes(file, path, &sizes));
  const PetscInt64 num_features = sizes.num_features;
  PetscCall(PetscMalloc1(num_features, &period));
  PetscCall(TpFileReadAll(file, "/features/period", TP_FILE_DOUBLE, 1, &num_features, period));
  for (PetscInt64 i = 0; i < num_features; ++i)
    TpCheckInput(period[i] >= 0.0 && isfinite(period[i]), "%s: the period of feature %" PetscInt64_FMT " is %g", path,
                 i, period[i]);
  sizes.period = period;
  PetscCall(CheckWeights(file, path, &sizes));
  PetscCall(TpModelCreate(&sizes, model));
  PetscCall(PetscFree(period));
  (*model)->diffusion = diffusion;
  (*model)->label     = label;
  (*model)->units     = units;
  PetscCall(ReadArrays(*model, file, path));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
