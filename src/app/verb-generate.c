/* tempera generate MODEL.h5: samples at any temperatures, on all ranks. */
#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "350,412.5" or "350 K, 412.5 K" to numbers. */
static PetscErrorCode ParseTemperatures(const char *text, TpUnitSystem units, PetscInt *count, double **temperature)
{
  PetscInt num = 1;
  char    *copy, *rest = NULL;

  PetscFunctionBeginUser;
  for (const char *c = text; *c; ++c) num += *c == ',';
  PetscCall(PetscMalloc1(num, temperature));
  PetscCall(PetscStrallocpy(text, &copy));
  *count = 0;
  for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest), ++*count) {
    double *value = *temperature + *count;

    PetscCall(TpErrorAbout(TpQuantityParse(item, TP_DIMENSION_TEMPERATURE, units, value), "--temperature"));
    TpCheckInput(*value > 0.0, "--temperature: '%s' is not positive", item);
    for (PetscInt i = 0; i < *count; ++i)
      TpCheckInput((*temperature)[i] != *value, "--temperature: %g is given twice", *value);
  }
  PetscCall(PetscFree(copy));
  TpCheckInput(*count > 0, "--temperature: '%s' holds no temperature", text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChooseSampler(const TpCommandLine *command, TpModel model, TpDiffusionSettings *diffusion)
{
  PetscFunctionBeginUser;
  *diffusion = model->diffusion;
  if (command->sampler) {
    diffusion->sampler = TpWordFind(tp_sampler_words, command->sampler);
    TpCheckInput(diffusion->sampler >= 0, "--sampler: '%s' is unknown; allowed ddpm, ddim, dpmpp, ode, sde",
                 command->sampler);
  }
  /* two temperatures' scores add up to what is not the score of a diffusion, and noise would pull samples towards it */
  if (!command->sampler && command->guidance && diffusion->sampler == TP_SAMPLER_SDE)
    diffusion->sampler = TP_SAMPLER_DPMPP;
  if (command->steps) diffusion->num_steps = command->steps;
  TpCheckInput(diffusion->num_steps >= 1 && diffusion->num_steps <= diffusion->num_times,
               "--steps: %" PetscInt64_FMT " is out of range; allowed 1 to %" PetscInt64_FMT, diffusion->num_steps,
               diffusion->num_times);
  TpCheckInput(!command->steps || diffusion->sampler != TP_SAMPLER_DDPM || command->steps == diffusion->num_times,
               "--steps: ddpm takes each of the %" PetscInt64_FMT " times of the model, not %" PetscInt64_FMT,
               diffusion->num_times, command->steps);
  TpCheckInput(!command->steps || diffusion->sampler != TP_SAMPLER_ODE,
               "--steps: ode chooses its steps by --tolerance");
  TpCheckInput(command->tolerance <= 0.0 || diffusion->sampler == TP_SAMPLER_ODE || command->likelihood,
               "--tolerance: belongs to the sampler ode and to --likelihood; the sampler is %s",
               tp_sampler_words[diffusion->sampler]);
  diffusion->tolerance = command->tolerance;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It belongs to the computation and not to the model, which any processor can use. */
static PetscErrorCode ChoosePrecision(MPI_Comm comm, const TpCommandLine *command, PetscBool is_ode, TpModel model)
{
  PetscInt *precision = &model->network.precision;

  PetscFunctionBeginUser;
  if (!command->precision) PetscFunctionReturn(PETSC_SUCCESS);
  *precision = TpWordFind(tp_precision_words, command->precision);
  TpCheckInput(*precision >= 0, "--precision: '%s' is unknown; allowed single, bf16", command->precision);
  TpCheckInput(*precision == TP_PRECISION_SINGLE || !(command->likelihood || is_ode),
               "--precision: bf16 is too coarse for steps that follow their error, of the sampler ode and of "
               "--likelihood; allowed single");
  PetscCall(TpAgree(comm, TpErrorAbout(TpPrecisionCheck(*precision), "--precision")));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "name=value" of each further condition the model has. */
static PetscErrorCode ParseConditions(const TpCommandLine *command, TpModel model, double further[])
{
  const PetscInt count = model->condition.num_further;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < command->num_conditions; ++i) {
    const char  *text = command->conditions[i], *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : 0;
    PetscInt     k      = 0;

    while (k < count && (strncmp(model->further[k], text, length) || model->further[k][length])) ++k;
    TpCheckInput(equals && k < count, "--condition: '%s' is no NAME=VALUE of a condition of the model; it has %s", text,
                 count ? model->further[0] : "none");
    PetscCall(TpErrorAbout(TpQuantityParse(equals + 1, TP_DIMENSION_NONE, TP_UNITS_REDUCED, &further[k]), text));
  }
  for (PetscInt k = 0; k < count; ++k)
    TpCheckInput(isfinite(further[k]), "generate: --condition %s=VALUE is missing", model->further[k]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void WarnOutside(TpModel model, PetscInt count, const double temperature[])
{
  const double low  = model->temperature[0];
  const double high = model->temperature[model->num_temperatures - 1];

  for (PetscInt i = 0; i < count; ++i) {
    const double t = temperature[i];

    if (t < low || t > high)
      TpLog(TP_LOG_WARNING,
            "temperature %g is outside of what the model has learned, %g to %g, by %.0f %%: this is extrapolation", t,
            low, high, 100.0 * (t < low ? low / t - 1.0 : t / high - 1.0));
  }
}

/* That there is no such folder, or no right to write there, is a mistake in the command: nothing has been generated yet. */
static PetscErrorCode CreateOutput(MPI_Comm comm, const char *path, const char *parameters, TpFile *file)
{
  const TpFileHeader header = {
      .format = TP_SAMPLES_FORMAT, .version = TP_SAMPLES_VERSION, .program = TpVersionLine(), .parameters = parameters};
  char line[1024];

  PetscFunctionBeginUser;
  const PetscErrorCode code = TpFileCreate(comm, path, &header, file);
  if (code != TP_ERR_STOPPED) PetscFunctionReturn(code);
  PetscCall(PetscStrncpy(line, TpInputErrorMessage(), sizeof(line)));
  TpInputErrorClear();
  PetscFunctionReturn(TpInputError("--output: %s", line));
}

/* ode has chosen its steps by itself, at each temperature; of samples given, nothing was sampled. */
static void TellDone(const TpGenerateTask *task, const char *output, double seconds)
{
  const TpDiffusionSettings *diffusion = &task->diffusion;
  char                       steps[64] = "";

  if (!task->given && diffusion->sampler != TP_SAMPLER_ODE)
    snprintf(steps, sizeof(steps), ", %lld steps", (long long)TpDiffusionSteps(diffusion));
  TpLog(TP_LOG_PRODUCTION, "%s: %lld samples at each of %d temperatures, %s%s, seed %llu, %.1f s", output,
        (long long)task->num_samples, (int)task->num_temperatures,
        task->given ? "given" : tp_sampler_words[diffusion->sampler], steps, (unsigned long long)task->seed, seconds);
}

PetscErrorCode TpVerbGenerate(MPI_Comm comm, const TpCommandLine *command)
{
  TpGenerateTask task = {
      .num_samples = command->samples ? command->samples : 10000, .progress = PETSC_TRUE, .source = command->operand};
  TpModel      model;
  TpFile       file;
  double      *temperature, further[TP_MAX_FURTHER];
  TpGiven      given = {0};
  PetscMPIInt  rank;
  PetscBool    exists;
  const double start = MPI_Wtime();

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  TpCheckInput(command->temperatures, "generate: --temperature is missing, for instance --temperature 350,412.5");
  TpCheckInput(command->output, "generate: --output is missing, for instance --output samples.h5");
  PetscCall(TpModelRead(comm, command->operand, &model));
  PetscCall(ParseTemperatures(command->temperatures, model->units, &task.num_temperatures, &temperature));
  PetscCall(ChooseSampler(command, model, &task.diffusion));
  PetscCall(ChoosePrecision(comm, command, (PetscBool)(task.diffusion.sampler == TP_SAMPLER_ODE), model));
  PetscCall(TpGuidanceParse(command->guidance, model, &task.guidance));
  task.density = (TpDensitySettings){.is_on      = command->likelihood ? PETSC_TRUE : PETSC_FALSE,
                                     .of_encoded = command->likelihood && !strcmp(command->likelihood, "encoded"),
                                     .num_probes = (PetscInt)command->probes,
                                     .tolerance  = command->tolerance > 0.0 ? command->tolerance : 1e-5};
  PetscCall(TpDensityCheck(&task.density, model));
  if (command->given) {
    PetscCall(TpGivenRead(comm, command->given, "the model", model->num_features, &given));
    task.num_samples = given.num_temperatures * given.num_samples;
    task.given       = given.samples;
  }
  if (command->ema >= 0.0) PetscCall(TpModelChooseAverage(model, command->ema));
  for (PetscInt k = 0; k < TP_MAX_FURTHER; ++k) further[k] = NAN;
  PetscCall(ParseConditions(command, model, further));
  PetscCall(TpPathExists(comm, command->output, &exists));
  TpCheckInput(!exists, "%s: exists already; choose another --output or remove it", command->output);
  if (rank == 0) WarnOutside(model, task.num_temperatures, temperature);
  if (rank == 0 && task.guidance.is_on) WarnOutside(model, 2, task.guidance.temperature);
  const TpMixture mixture = {.label       = model->label,
                             .degrees     = model->label_degrees,
                             .jitter      = model->condition.jitter,
                             .count       = model->num_temperatures,
                             .temperature = model->temperature,
                             .share       = model->share};
  if (rank == 0) PetscCall(TpMixtureTell(&mixture, task.num_temperatures, temperature));
  task.further     = further;
  task.temperature = temperature;
  task.seed        = command->seed >= 0 ? (uint64_t)command->seed : (uint64_t)model->seed;
  PetscCall(CreateOutput(comm, command->output, model->used_parameters, &file));
  PetscCall(TpFileConclude(&file, TpGenerateInto(file, comm, model, &task)));
  if (rank == 0) TellDone(&task, command->output, MPI_Wtime() - start);
  PetscCall(TpGivenDestroy(&given));
  PetscCall(PetscFree(temperature));
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
