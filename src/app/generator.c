/* Samples of a trained model, on one rank or on all. */
#include "model.h"

enum {
  MAX_BATCH  = 256,  /* rows per network evaluation: fits the caches */
  PASS_BATCH = 4096, /* rows per rank between two collective writes */
};

struct TpGenerator_ {
  TpModel    model; /* kept, the caller's */
  TpSchedule schedule;
  TpGuided   guided;
  TpSampler  sampler;
  TpNumber  *x; /* [MAX_BATCH, states] */
};

PetscErrorCode TpGeneratorCreate(TpModel model, const TpDiffusionSettings *diffusion, const TpGuidance *guidance,
                                 TpGenerator *generator)
{
  TpGenerator     new_generator;
  const TpNumber *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_generator));
  new_generator->model = model;
  PetscCall(TpScheduleCreate(diffusion->schedule, (PetscInt)diffusion->num_times, &new_generator->schedule));
  PetscCall(TpGuidedCreate(model, new_generator->schedule, guidance, MAX_BATCH, PETSC_FALSE, &new_generator->guided));
  const PetscInt S = TpGuidedGet(new_generator->guided, &c)->num_inputs;
  PetscCall(TpSamplerCreate(new_generator->schedule, diffusion, S, MAX_BATCH, &new_generator->sampler));
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

/* Each temperature has its own sequence of random numbers, so that samples at two temperatures are independent. */
static uint64_t SeedAt(uint64_t seed, double temperature)
{
  union {
    double   number;
    uint64_t bits;
  } view = {temperature};

  return TpRandomBits(seed, TP_RANDOM_SAMPLE_START, (uint32_t)(view.bits >> 32), view.bits & 0xffffffffu);
}

PetscErrorCode TpGeneratorRun(TpGenerator generator, uint64_t seed, double temperature, const double further[],
                              PetscInt64 first, PetscInt64 count, float raw[])
{
  const uint64_t    own_seed = SeedAt(seed, temperature);
  const TpNumber   *c;
  const TpDenoiser *denoiser = TpGuidedGet(generator->guided, &c);

  PetscFunctionBeginUser;
  TpGuidedSet(generator->guided, temperature, further, own_seed, 0);
  if (count > 0) PetscCall(TpSamplerPrepare(generator->sampler, denoiser, own_seed, c));
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

PetscErrorCode TpGenerateInto(TpFile file, MPI_Comm comm, TpModel model, const TpGenerateTask *task)
{
  const double     start = MPI_Wtime();
  const PetscInt64 all   = task->num_samples * task->num_temperatures;
  const PetscInt   width = model->num_features;
  double           told  = start;
  TpGenerator      generator;
  PetscMPIInt      rank, size;
  float           *raw;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(DefineDatasets(file, model, task));
  PetscCall(TpGeneratorCreate(model, &task->diffusion, &task->guidance, &generator));
  PetscCall(PetscMalloc1(PASS_BATCH * width, &raw));
  for (PetscInt i = 0; i < task->num_temperatures; ++i) {
    for (PetscInt64 done = 0; done < task->num_samples; done += (PetscInt64)PASS_BATCH * size) {
      /* A pass of up to PASS_BATCH rows per rank, dealt out evenly: every rank takes part in every collective write. */
      const PetscInt64 pass  = PetscMin((PetscInt64)PASS_BATCH * size, task->num_samples - done);
      const PetscInt64 first = done + pass * rank / size;
      const PetscInt64 count = done + pass * (rank + 1) / size - first;

      PetscCall(TpGeneratorRun(generator, task->seed, task->temperature[i], task->further, first, count, raw));
      if (task->visit) PetscCall(task->visit(task->context, i, count, raw));
      PetscCall(TpFileWriteBlock(file, "/samples", TP_FILE_FLOAT, 3, (const PetscInt64[]){i, first, 0},
                                 (const PetscInt64[]){count ? 1 : 0, count, count ? width : 0}, raw));
      if (rank == 0 && task->progress && MPI_Wtime() - told > 5.0) {
        told = MPI_Wtime();
        Progress(task, task->temperature[i], i * task->num_samples + done + pass, all, start);
      }
    }
  }
  PetscCall(PetscFree(raw));
  PetscCall(TpGeneratorDestroy(&generator));
  PetscFunctionReturn(PETSC_SUCCESS);
}
