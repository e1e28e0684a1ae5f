/* What learns, in files: a checkpoint's part of it, and the models. */
#include "learning.h"

static PetscErrorCode WriteModel(TpLearning learning, const char *name, const TpNumber averages[], PetscInt64 step,
                                 double validation_loss)
{
  TpRun             run      = learning->run;
  const TpSettings *settings = &run->settings;
  TpModelSizes      sizes    = {.network      = settings->network,
                                .condition    = learning->condition,
                                .angles       = settings->features.angles,
                                .num_features = run->system.num_features,
                                .period       = run->system.period,
                                .num_averages = learning->trainer->num_averages};
  char              path[PETSC_MAX_PATH_LEN];
  TpModel           model;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->ladder->num_rungs; ++k) sizes.num_temperatures += !TpRunIsHeldOut(run, k);
  PetscCall(TpModelCreate(&sizes, &model));
  model->diffusion       = settings->diffusion;
  model->units           = run->system.units;
  model->label           = settings->features.label;
  model->label_degrees   = run->system.label_degrees;
  model->seed            = settings->run.seed;
  model->step            = step;
  model->validation_loss = validation_loss;
  for (PetscInt k = 0, i = 0; k < run->ladder->num_rungs; ++k) {
    if (TpRunIsHeldOut(run, k)) continue;
    model->temperature[i] = run->ladder->temperature[k];
    model->share[i++]     = TpRunShare(run, k);
  }
  PetscCall(PetscArraycpy(&model->name[0], &run->system.name[0], run->system.num_features));
  PetscCall(PetscArraycpy(&model->unit[0], &run->system.unit[0], run->system.num_features));
  for (PetscInt i = 0; i < learning->condition.num_further; ++i)
    PetscCall(PetscArraycpy(model->further[i], TpDataFurtherName(run->data, i), TP_NAME_LENGTH));
  PetscCall(PetscArraycpy(model->encoding->mean, learning->encoding->mean, learning->encoding->num_encoded));
  PetscCall(PetscArraycpy(model->encoding->scale, learning->encoding->scale, learning->encoding->num_encoded));
  PetscCall(PetscArraycpy(model->averages, averages, model->num_averages * model->num_parameters));
  model->decay[0] = settings->training.ema_decay;
  for (PetscInt i = 1; i < model->num_averages; ++i) model->decay[i] = settings->training.ema_others.values[i - 1];
  PetscCall(TpRunPath(run, name, path));
  PetscCall(TpModelWrite(model, run->groups->group, path, run->used_parameters));
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearningWriteModels(TpLearning learning)
{
  TpTrainer trainer = learning->trainer;

  PetscFunctionBeginUser;
  if (!learning->is_scaled) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WriteModel(learning, "model.h5", trainer->average, trainer->step, learning->validation_loss));
  if (learning->best_step)
    PetscCall(WriteModel(learning, "model-best.h5", learning->best, learning->best_step, learning->best_loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- checkpoints */

/* Arrays of a checkpoint: name, numbers, place. */
typedef struct {
  const char *name, *description;
  PetscInt64  length;
  TpNumber   *numbers;
} Array;

enum { NUM_ARRAYS = 5 };

/* The last one is there with validation only. Returns how many there are. */
static int ListArrays(TpLearning learning, Array arrays[NUM_ARRAYS])
{
  TpTrainer        trainer  = learning->trainer;
  const PetscInt64 length   = trainer->num_parameters;
  const PetscInt64 averages = length * trainer->num_averages;

  arrays[0] = (Array){"/trainer/parameters", "weights", length, trainer->parameters};
  arrays[1] =
      (Array){"/trainer/average", "moving averages of the weights, one after another", averages, trainer->average};
  arrays[2] = (Array){"/trainer/moment1", "first moment of Adam", length, trainer->moment1};
  arrays[3] = (Array){"/trainer/moment2", "second moment of Adam", length, trainer->moment2};
  arrays[4] = (Array){"/trainer/best", "moving averages at the best validation", averages, learning->best};
  return learning->best ? NUM_ARRAYS : NUM_ARRAYS - 1;
}

PetscErrorCode TpLearningWrite(TpLearning learning, TpFile file)
{
  const PetscInt64 encoded = learning->encoding->num_encoded;
  Array            arrays[NUM_ARRAYS];
  const int        count = ListArrays(learning, arrays);

  PetscFunctionBeginUser;
  for (int i = 0; i < count; ++i)
    PetscCall(TpFileWriteAll(file, arrays[i].name, TP_FILE_FLOAT, 1, &arrays[i].length, arrays[i].numbers, "",
                             arrays[i].description));
  PetscCall(TpFileWriteAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, learning->encoding->mean, "",
                           "mean of each encoded feature"));
  PetscCall(TpFileWriteAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, learning->encoding->scale, "",
                           "scale of each encoded feature"));
  PetscCall(TpFileWriteInteger(file, "/trainer", "step", learning->trainer->step));
  PetscCall(TpFileWriteReal(file, "/trainer", "loss", learning->trainer->loss));
  PetscCall(TpFileWriteReal(file, "/trainer", "validation_loss", learning->validation_loss));
  PetscCall(TpFileWriteReal(file, "/trainer", "best_loss", learning->best_loss));
  PetscCall(TpFileWriteInteger(file, "/trainer", "best_step", learning->best_step));
  PetscCall(TpFileWriteInteger(file, "/encoding", "is_scaled", learning->is_scaled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLearningRead(TpLearning learning, TpFile file)
{
  const PetscInt64 encoded = learning->encoding->num_encoded;
  Array            arrays[NUM_ARRAYS];
  const int        count = ListArrays(learning, arrays);
  PetscInt64       is_scaled;

  PetscFunctionBeginUser;
  for (int i = 0; i < count; ++i)
    PetscCall(TpFileReadAll(file, arrays[i].name, TP_FILE_FLOAT, 1, &arrays[i].length, arrays[i].numbers));
  PetscCall(TpFileReadAll(file, "/encoding/mean", TP_FILE_DOUBLE, 1, &encoded, learning->encoding->mean));
  PetscCall(TpFileReadAll(file, "/encoding/scale", TP_FILE_DOUBLE, 1, &encoded, learning->encoding->scale));
  PetscCall(TpFileReadInteger(file, "/trainer", "step", &learning->trainer->step));
  PetscCall(TpFileReadReal(file, "/trainer", "loss", &learning->trainer->loss));
  PetscCall(TpFileReadReal(file, "/trainer", "validation_loss", &learning->validation_loss));
  PetscCall(TpFileReadReal(file, "/trainer", "best_loss", &learning->best_loss));
  PetscCall(TpFileReadInteger(file, "/trainer", "best_step", &learning->best_step));
  PetscCall(TpFileReadInteger(file, "/encoding", "is_scaled", &is_scaled));
  learning->is_scaled = is_scaled ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
