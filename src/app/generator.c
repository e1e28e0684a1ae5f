/* Samples of a trained model, on one rank or on all. */
#include "model.h"

enum {
  MAX_BATCH  = 256,  /* rows per network evaluation: fits the caches */
  PASS_BATCH = 4096, /* rows per rank between two collective writes, at most */
};
#define PASS_OPERATIONS 1e11 /* per rank, at most: some seconds, so that progress can be told */

struct TpGenerator_ {
  TpModel    model; /* kept, the caller's */
  TpSchedule schedule;
  TpGuided   guided;
  TpSampler  sampler;
  TpNumber  *x;             /* [MAX_BATCH, states] */
  uint64_t   prepared_seed; /* of the temperature that the sampler is prepared for; 0: none */
};

PetscErrorCode TpGeneratorCreate(TpModel model, const TpDiffusionSettings *diffusion, const TpGuidance *guidance,
                                 TpGenerator *generator)
{
  TpDiffusionSettings settings = *diffusion;
  TpGenerator         new_generator;
  const TpNumber     *c;

  PetscFunctionBeginUser;
  settings.is_quiet = guidance->is_on;
  PetscCall(PetscNew(&new_generator));
  new_generator->model = model;
  PetscCall(TpScheduleCreate(diffusion->schedule, (PetscInt)diffusion->num_times, &new_generator->schedule));
  PetscCall(TpGuidedCreate(model, new_generator->schedule, guidance, MAX_BATCH, PETSC_FALSE, &new_generator->guided));
  const PetscInt S = TpGuidedGet(new_generator->guided, &c)->num_inputs;
  PetscCall(TpSamplerCreate(new_generator->schedule, &settings, S, MAX_BATCH, &new_generator->sampler));
  PetscCall(PetscMalloc1(MAX_BATCH * S, &new_generator->x));
  *generator = new_generator;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpGeneratorDestroy(TpGenerator *generator)
{
  PetscFunctionBeginUser;
  if (!*generator) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*generator)->x));
  PetscCall(TpSamplerDestroy(&(*generator)->sampler));
  PetscCall(TpGuidedDestroy(&(*generator)->guided));
  PetscCall(TpScheduleDestroy(&(*generator)->schedule));
  PetscCall(PetscFree(*generator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 TpDiffusionSteps(const TpDiffusionSettings *diffusion)
{
  return diffusion->sampler == TP_SAMPLER_DDPM ? diffusion->num_times : diffusion->num_steps;
}

uint64_t TpSeedAt(uint64_t seed, TpRandomPurpose purpose, double temperature)
{
  union {
    double   number;
    uint64_t bits;
  } view = {temperature};

  return TpRandomBits(seed, purpose, (uint32_t)(view.bits >> 32), view.bits & 0xffffffffu);
}

PetscErrorCode TpGeneratorRun(TpGenerator generator, uint64_t seed, double temperature, const double further[],
                              PetscInt64 first, PetscInt64 count, float raw[])
{
  const uint64_t    own_seed = TpSeedAt(seed, TP_RANDOM_SAMPLE_START, temperature);
  const TpNumber   *c;
  const TpDenoiser *denoiser = TpGuidedGet(generator->guided, &c);

  PetscFunctionBeginUser;
  if (generator->prepared_seed != own_seed) {
    TpGuidedSet(generator->guided, temperature, further, own_seed, 0);
    PetscCall(TpSamplerPrepare(generator->sampler, denoiser, own_seed, c));
    generator->prepared_seed = own_seed;
  }
  for (PetscInt64 done = 0; done < count; done += MAX_BATCH) {
    const PetscInt rows = (PetscInt)PetscMin((PetscInt64)MAX_BATCH, count - done);

    TpGuidedSet(generator->guided, temperature, further, own_seed, (uint32_t)(first + done));
    PetscCall(TpSamplerRun(generator->sampler, denoiser, own_seed, (uint32_t)(first + done), rows, c, generator->x));
    TpModelDenoiserDecode(TpGuidedStates(generator->guided), rows, generator->x,
                          raw + done * generator->model->num_features);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- on all ranks */

static PetscErrorCode DefineDensities(TpFile file, const TpGenerateTask *task)
{
  const PetscInt64 shape[] = {task->num_temperatures, task->num_samples};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteText(file, "/", "likelihood", task->density.of_encoded ? "encoded" : "raw"));
  PetscCall(TpFileWriteInteger(file, "/", "likelihood_probes", task->density.num_probes));
  PetscCall(TpFileWriteReal(file, "/", "likelihood_tolerance", task->density.tolerance));
  PetscCall(TpFileDefine(file, "/log_density", TP_FILE_DOUBLE, 2, shape, "nat",
                         task->density.of_encoded
                             ? "ln of the density of the scaled, encoded features [temperature, sample]"
                             : "ln of the density of the features in their units [temperature, sample]"));
  PetscCall(TpFileDefine(file, "/log_density_error", TP_FILE_DOUBLE, 2, shape, "nat",
                         "standard error of /log_density by Hutchinson's estimate of the trace; 0: exact trace"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineDatasets(TpFile file, TpModel model, const TpGenerateTask *task)
{
  const PetscInt64 num      = task->num_temperatures;
  const PetscInt64 features = model->num_features;
  const PetscInt64 shape[]  = {num, task->num_samples, features};

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteAll(file, "/temperature", TP_FILE_DOUBLE, 1, &num, task->temperature,
                           TpUnitName(model->units, TP_DIMENSION_TEMPERATURE), "temperatures of the samples"));
  if (task->reference_rung)
    PetscCall(TpFileWriteAll(file, "/reference_rung", TP_FILE_INT64, 1, &num, task->reference_rung, "",
                             "rung of run.h5 at the same temperature"));
  for (PetscInt i = 0; i < model->condition.num_further; ++i)
    PetscCall(TpFileWriteReal(file, "/", model->further[i], task->further[i]));
  if (task->source) PetscCall(TpFileWriteText(file, "/", "model", task->source));
  PetscCall(TpWriteFeatures(file, model->num_features, model->name, model->unit, model->encoding->period));
  PetscCall(TpFileWriteText(file, "/", "sampler", tp_sampler_words[task->diffusion.sampler]));
  PetscCall(TpFileWriteInteger(file, "/", "num_steps", task->diffusion.num_steps));
  PetscCall(TpFileWriteInteger(file, "/", "seed", (PetscInt64)task->seed));
  if (task->density.is_on) PetscCall(DefineDensities(file, task));
  PetscCall(TpFileDefine(file, "/samples", TP_FILE_FLOAT, 3, shape, "see /features/unit",
                         "generated features, [temperature, sample, feature]"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Progress(const TpGenerateTask *task, double temperature, PetscInt64 done, PetscInt64 all, double start)
{
  const double seconds = MPI_Wtime() - start;

  TpLog(TP_LOG_PRODUCTION, "generated %lld of %lld samples, now at %g; %.0f samples/s, %.0f s to go", (long long)done,
        (long long)all, temperature, (double)done / seconds, seconds * (double)(all - done) / (double)done);
}

/* What a rank works with. */
typedef struct {
  TpGenerator generator;
  TpDensity   density;             /* NULL: none wanted */
  float      *raw;                 /* [PASS_BATCH, features] */
  double     *log_density, *error; /* [PASS_BATCH] */
} Tools;

static PetscErrorCode ToolsCreate(TpModel model, const TpGenerateTask *task, Tools *tools)
{
  PetscFunctionBeginUser;
  *tools = (Tools){0};
  PetscCall(TpGeneratorCreate(model, &task->diffusion, &task->guidance, &tools->generator));
  if (task->density.is_on)
    PetscCall(TpDensityCreate(model, &task->diffusion, &task->guidance, &task->density, &tools->density));
  PetscCall(PetscMalloc3(PASS_BATCH * model->num_features, &tools->raw, PASS_BATCH, &tools->log_density, PASS_BATCH,
                         &tools->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToolsDestroy(Tools *tools)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(tools->raw, tools->log_density, tools->error));
  PetscCall(TpDensityDestroy(&tools->density));
  PetscCall(TpGeneratorDestroy(&tools->generator));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Samples [first, first + count) at temperature i, and their densities, into the file. Collective. */
static PetscErrorCode Pass(TpFile file, TpModel model, const TpGenerateTask *task, const Tools *tools, PetscInt i,
                           PetscInt64 first, PetscInt64 count)
{
  const PetscInt   width   = model->num_features;
  const double     t       = task->temperature[i];
  const PetscInt64 start[] = {i, first, 0}, counts[] = {count ? 1 : 0, count, count ? width : 0};

  PetscFunctionBeginUser;
  if (task->given)
    PetscCall(PetscArraycpy(tools->raw, task->given + first * width, count * width));
  else
    PetscCall(TpGeneratorRun(tools->generator, task->seed, t, task->further, first, count, tools->raw));
  if (task->visit) PetscCall(task->visit(task->context, i, count, tools->raw));
  PetscCall(TpFileWriteBlock(file, "/samples", TP_FILE_FLOAT, 3, start, counts, tools->raw));
  if (!tools->density) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpDensityRun(tools->density, task->seed, t, task->further, first, count, tools->raw, tools->log_density,
                         tools->error));
  PetscCall(TpFileWriteBlock(file, "/log_density", TP_FILE_DOUBLE, 2, start, counts, tools->log_density));
  PetscCall(TpFileWriteBlock(file, "/log_density_error", TP_FILE_DOUBLE, 2, start, counts, tools->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows per rank between two writes, after which progress is told: whole batches, or few rows where each has a density. */
static PetscInt64 PassRows(const TpGenerateTask *task, const Tools *tools)
{
  const double operations = TpModelDenoiserOperations(TpGuidedStates(tools->generator->guided));
  const double batches    = PASS_OPERATIONS / (operations * (double)TpDiffusionSteps(&task->diffusion) * MAX_BATCH);

  if (task->density.is_on) return PASS_BATCH / 64;
  return MAX_BATCH * (PetscInt64)PetscClipInterval(batches, 1.0, (double)(PASS_BATCH / MAX_BATCH));
}

PetscErrorCode TpGenerateInto(TpFile file, MPI_Comm comm, TpModel model, const TpGenerateTask *task)
{
  const double     start = MPI_Wtime();
  const PetscInt64 all   = task->num_samples * task->num_temperatures;
  double           told  = start;
  Tools            tools;
  PetscMPIInt      rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(DefineDatasets(file, model, task));
  PetscCall(ToolsCreate(model, task, &tools));
  const PetscInt64 rows = PassRows(task, &tools) * size;
  for (PetscInt i = 0; i < task->num_temperatures; ++i) {
    for (PetscInt64 done = 0; done < task->num_samples; done += rows) {
      /* A pass of up to so many rows, dealt out evenly: every rank takes part in every collective write. */
      const PetscInt64 pass  = PetscMin(rows, task->num_samples - done);
      const PetscInt64 first = done + pass * rank / size;

      PetscCall(Pass(file, model, task, &tools, i, first, done + pass * (rank + 1) / size - first));
      if (rank == 0 && task->progress && MPI_Wtime() - told > 5.0) {
        told = MPI_Wtime();
        Progress(task, task->temperature[i], i * task->num_samples + done + pass, all, start);
      }
    }
  }
  PetscCall(ToolsDestroy(&tools));
  PetscFunctionReturn(PETSC_SUCCESS);
}
