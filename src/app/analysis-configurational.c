/* Whether the rungs' configurations are at their temperatures: from the forces at the frames of the trajectories. */
#include "analysis.h"

#include <math.h>
#include <string.h>

/* Of the thermal displacement along a coordinate: the curvature changes little over it, and forces in single precision still differ. */
static const double probe_distance = 0.01;

typedef struct {
  const TpSamples    *samples;
  const TpSettings   *settings;
  TpEngine            engine;
  const TpEngineInfo *info;
  TpCurvature         curvature;
  float              *row; /* [size] */
  double             *x;   /* [size] */
} Probe;

/* ------------------------------------------------------------------------------------------------------------ engine */

static PetscErrorCode CreateAlone(Probe *probe)
{
  const char *known = probe->samples->system_hash;
  char        hash[20];

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(&probe->settings->engine, probe->samples->rank, &probe->engine));
  PetscCall(TpEngineGetInfo(probe->engine, &probe->info));
  snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)probe->info->system_hash);
  TpCheckInput(!known || !strcmp(hash, known), "the engine's files describe another system now");
  PetscCall(TpCurvatureCreate(probe->engine, &probe->curvature));
  PetscCall(PetscMalloc2(probe->info->size, &probe->row, probe->info->size, &probe->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Probe *probe)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(probe->row, probe->x));
  PetscCall(TpCurvatureDestroy(&probe->curvature));
  PetscCall(TpEngineDestroy(&probe->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ frames */

/* Whether the round behind which this many MD steps were done is among those that count. */
static PetscBool Counts(const Probe *probe, PetscInt64 steps)
{
  const TpSamples *samples = probe->samples;
  const PetscInt64 round   = steps / probe->settings->ladder.interval - 1;

  for (PetscInt w = 0; w < samples->num_windows; ++w) {
    const TpWindow *window = &samples->window[w];

    if (round >= window->begin * samples->interval && round < window->end * samples->interval) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Of the frames that count every so many, at most analysis.configurations; the same on all ranks. Free *frame. */
static PetscErrorCode ChooseFrames(const Probe *probe, TpFile file, PetscInt64 *num, PetscInt64 **frame)
{
  const PetscInt64 most  = probe->settings->analysis.configurations;
  PetscInt64       total = 0, count = 0, *step;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "/particles/trajectory/position/step", 1, &total));
  PetscCall(PetscMalloc1(total, &step));
  PetscCall(PetscMalloc1(total, frame));
  PetscCall(TpFileReadAll(file, "/particles/trajectory/position/step", TP_FILE_INT64, 1, &total, step));
  for (PetscInt64 i = 0; i < total; ++i)
    if (Counts(probe, step[i])) (*frame)[count++] = i;
  *num = PetscMin(count, most);
  for (PetscInt64 i = 0; i < *num; ++i) (*frame)[i] = (*frame)[i * count / *num];
  PetscCall(PetscFree(step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Positions of this rank's frame, if `mine`; false: not written yet. */
static PetscErrorCode ReadFrame(const Probe *probe, TpFile file, PetscInt64 frame, PetscBool mine, PetscBool *whole)
{
  PetscFunctionBeginUser;
  PetscCall(
      TpFileReadRows(file, "/particles/trajectory/position/value", TP_FILE_FLOAT, frame, mine ? 1 : 0, probe->row));
  *whole = mine;
  for (PetscInt i = 0; i < probe->info->size && *whole; ++i) {
    probe->x[i] = probe->row[i];
    if (!isfinite(probe->x[i])) *whole = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- measure */

enum { SQUARE, LAPLACIAN, QUANTITIES };

/* One of the two of all frames, which the ranks take in turn; NaN where a frame is missing. */
static PetscErrorCode Measure(const Probe *probe, TpFile file, PetscInt rung, int quantity, double distance,
                              PetscInt64 num, const PetscInt64 frame[], double value[])
{
  const TpSamples *samples = probe->samples;
  const uint64_t   seed    = (uint64_t)probe->settings->run.seed;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(value, num));
  for (PetscInt64 first = 0; first < num; first += samples->size) {
    const PetscInt64 i    = first + samples->rank;
    const PetscBool  mine = i < num ? PETSC_TRUE : PETSC_FALSE;
    PetscBool        whole;

    PetscCall(ReadFrame(probe, file, mine ? frame[i] : 0, mine, &whole));
    if (mine && !whole) value[i] = (double)NAN;
    if (!whole) continue;
    if (quantity == SQUARE)
      PetscCall(TpCurvatureGradient(probe->curvature, probe->x, &value[i]));
    else
      PetscCall(
          TpCurvatureProbe(probe->curvature, seed, (uint32_t)rung, (uint64_t)frame[i], distance, probe->x, &value[i]));
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, value, num, MPI_DOUBLE, MPI_SUM, samples->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first `*num` frames are those with both quantities. */
static void DropMissing(PetscInt64 *num, double square[], double laplacian[])
{
  PetscInt64 kept = 0;

  for (PetscInt64 i = 0; i < *num; ++i) {
    if (!isfinite(square[i]) || !isfinite(laplacian[i])) continue;
    square[kept]      = square[i];
    laplacian[kept++] = laplacian[i];
  }
  *num = kept;
}

/* How far a coordinate of mean square force f^2 strays: k_B T / f. */
static double ThermalDisplacement(const Probe *probe, PetscInt rung, PetscInt64 num, const double square[])
{
  double     sum   = 0.0;
  PetscInt64 count = 0;

  for (PetscInt64 i = 0; i < num; ++i) {
    if (!isfinite(square[i])) continue;
    sum += square[i] / TpCurvatureDirections(probe->curvature);
    ++count;
  }
  return sum > 0.0 ? 1.0 / (probe->samples->beta[rung] * sqrt(sum / (double)count)) : 1.0;
}

static PetscErrorCode CheckRung(const Probe *probe, TpFile file, PetscInt rung, TpConfigurationalCheck *check)
{
  const TpSamples *samples = probe->samples;
  PetscInt64      *frame;
  double          *value[QUANTITIES], distance;

  PetscFunctionBeginUser;
  PetscCall(ChooseFrames(probe, file, &check->frames, &frame));
  PetscCall(PetscMalloc2(check->frames, &value[SQUARE], check->frames, &value[LAPLACIAN]));
  PetscCall(Measure(probe, file, rung, SQUARE, 0.0, check->frames, frame, value[SQUARE]));
  distance = probe_distance * ThermalDisplacement(probe, rung, check->frames, value[SQUARE]);
  PetscCall(Measure(probe, file, rung, LAPLACIAN, distance, check->frames, frame, value[LAPLACIAN]));
  DropMissing(&check->frames, value[SQUARE], value[LAPLACIAN]);
  if (check->frames >= TP_LEAST_ROUNDS)
    PetscCall(TpConfigurationalTemperature(check->frames, value[SQUARE], value[LAPLACIAN], samples->boltzmann,
                                           samples->temperature[rung], &check->temperature, &check->error, &check->p));
  PetscCall(PetscFree2(value[SQUARE], value[LAPLACIAN]));
  PetscCall(PetscFree(frame));
  PetscFunctionReturn(check->frames >= TP_LEAST_ROUNDS
                          ? PETSC_SUCCESS
                          : TpInputError("%lld frames of rung %d count, %d are needed", (long long)check->frames,
                                         (int)rung, TP_LEAST_ROUNDS));
}

/* The file of a rung; its particles must be the engine's. */
static PetscErrorCode OpenFrames(const Probe *probe, PetscInt rung, TpFile *file)
{
  const TpSamples    *samples = probe->samples;
  const TpEngineInfo *info    = probe->info;
  char                name[64], path[PETSC_MAX_PATH_LEN];
  PetscInt64          shape[3];

  PetscFunctionBeginUser;
  TpTrajectoryName(PETSC_FALSE, rung, sizeof(name), name);
  PetscCall(TpPathJoin(samples->folder, name, path));
  PetscCall(TpFileOpen(samples->comm, path, TP_TRAJECTORY_FORMAT, TP_TRAJECTORY_VERSION, file));
  PetscCall(TpFileShape(*file, "/particles/trajectory/position/value", 3, shape));
  TpCheckInput(shape[1] == info->num_particles && shape[2] == info->dimension, "%s: %lld particles, the engine has %d",
               path, (long long)shape[1], (int)info->num_particles);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRungs(const Probe *probe, TpConfigurationalCheck check[])
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < probe->samples->num_rungs && !code; ++k) {
    TpFile file = NULL;

    code = OpenFrames(probe, k, &file);
    if (!code) code = CheckRung(probe, file, k, &check[k]);
    PetscCall(TpFileClose(&file));
  }
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------------------------------------------------- whole */

/* What the run can't be asked is no mistake of the user: `why` has the line, and no check is made. */
static PetscErrorCode Forgive(PetscErrorCode code, TpAnalysis *analysis)
{
  PetscFunctionBeginUser;
  if (code != TP_ERR_INPUT) PetscFunctionReturn(code);
  snprintf(analysis->not_configurational, sizeof(analysis->not_configurational), "%s", TpInputErrorMessage());
  TpInputErrorClear();
  PetscCall(PetscFree(analysis->configurational));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnalyseConfigurational(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis)
{
  Probe          probe = {.samples = samples, .settings = settings};
  PetscErrorCode code;

  PetscFunctionBeginUser;
  if (!settings->analysis.configurations || !settings->output.trajectory_interval ||
      settings->output.trajectories == TP_TRAJECTORIES_WALKER) {
    snprintf(analysis->not_configurational, sizeof(analysis->not_configurational), "%s",
             settings->analysis.configurations ? "there are no trajectories of rungs" : "analysis.configurations is 0");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscCalloc1(samples->num_rungs, &analysis->configurational));
  code = TpAgree(samples->comm, CreateAlone(&probe));
  if (!code) code = CheckRungs(&probe, analysis->configurational);
  PetscCall(Destroy(&probe));
  PetscCall(Forgive(code, analysis));
  PetscFunctionReturn(PETSC_SUCCESS);
}
