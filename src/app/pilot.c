/* tempera run INPUT --pilot: a short run with a rung on each rank, to find out how many rungs the real one needs, and where. */
#include "run-impl.h"

#include <math.h>

static const double hopeless =
    0.99; /* neighbours that reject more often than this have hardly met: the barrier between them is not known */

enum { FEWEST_ROUNDS = 4 * TP_TUNER_BLOCKS }; /* of the last stage: two attempts of every pair in each block */

/* What the pilot asks of the input. */
static PetscErrorCode CheckInput(TpRun run, int num_ranks)
{
  const char *const refused[] = {"ladder.temperatures", "ladder.num_rungs"};
  PetscBool         given;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); ++i) {
    PetscCall(TpConfigIsGiven(run->config, refused[i], &given));
    if (given)
      PetscFunctionReturn(TpConfigError(run->config, refused[i],
                                        "is what --pilot is to find; give it ladder.minimum and ladder.maximum alone"));
  }
  TpCheckInput(num_ranks >= 2, "--pilot: measures between ranks, one rung each; start it with mpirun -n 2 or more");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscInt64 LastStageRounds(TpTuner tuner)
{
  return tuner->num_rounds - (tuner->num_stages > 1 ? TpTunerStageEnd(tuner, tuner->num_stages - 2) : 0);
}

/* The ladder to measure on: geometric to begin with. */
static PetscErrorCode CreateLadder(TpRun run, int num_ranks)
{
  TpLadderSettings settings = run->settings.ladder;
  TpUnitSystem     units;

  PetscFunctionBeginUser;
  settings.num_rungs = num_ranks;
  settings.scheme    = TP_SCHEME_DEO;
  PetscCall(TpSettingsUnits(run->config, PETSC_FALSE, &units));
  PetscCall(TpLadderCreate(&settings, TpBoltzmann(units), (uint64_t)run->settings.run.seed, &run->ladder));
  PetscCall(TpTunerCreate(num_ranks, settings.tune_rounds, (PetscInt)settings.tune_stages, &run->tuner));
  if (LastStageRounds(run->tuner) < FEWEST_ROUNDS)
    PetscFunctionReturn(
        TpConfigError(run->config, "ladder.tune_rounds",
                      "the last stage of the pilot has %lld rounds, too few to tell errors; allowed: %d "
                      "or more, which is half of tune_rounds",
                      (long long)LastStageRounds(run->tuner), FEWEST_ROUNDS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ advice */

/* The path from one end to the other, as the last stage has measured it. */
typedef struct {
  double    length; /* in units in which intervals add up */
  double    error;
  PetscBool is_lower_bound; /* some neighbours hardly ever accept */
} Path;

static Path Measure(TpTuner tuner)
{
  Path   path    = {0};
  double squares = 0.0;

  for (PetscInt i = 0; i + 1 < tuner->num_rungs; ++i) {
    const double rejection = PetscMin(tuner->rejection[i], hopeless), length = TpBarrierLength(rejection),
                 above = TpBarrierLength(PetscMin(rejection + tuner->error[i], (1.0 + rejection) / 2.0));

    path.length += length;
    squares += (above - length) * (above - length);
    if (tuner->rejection[i] > hopeless) path.is_lower_bound = PETSC_TRUE;
  }
  path.error = sqrt(squares);
  return path;
}

static PetscErrorCode Advise(TpRun run, const Path *path)
{
  const TpTuner  tuner      = run->tuner;
  const double   acceptance = run->settings.ladder.target_acceptance;
  const PetscInt num_rungs  = TpBarrierRungsFor(path->length, acceptance),
                 low        = TpBarrierRungsFor(PetscMax(0.0, path->length - 2.0 * path->error), acceptance),
                 high       = TpBarrierRungsFor(path->length + 2.0 * path->error, acceptance);
  const double rejection    = TpBarrierRejection(path->length / (num_rungs - 1));
  double      *barrier, *place;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(tuner->num_rungs, &barrier, num_rungs, &place));
  for (PetscInt i = 0; i + 1 < tuner->num_rungs; ++i)
    barrier[i] = TpBarrierLength(PetscMin(PetscMax(tuner->rejection[i], 1e-6), hopeless));
  TpBarrierSpace(tuner->num_rungs - 1, tuner->beta, barrier, num_rungs, place);
  for (PetscInt k = 0; k < num_rungs; ++k) place[k] = 1.0 / (run->ladder->boltzmann * place[k]);
  place[0]             = run->settings.ladder.minimum;
  place[num_rungs - 1] = run->settings.ladder.maximum;
  TpLog(TP_LOG_PRODUCTION,
        "# neighbours that accept %.3g: %d rungs (%d to %d within 2 standard errors), which accept %.3g", acceptance,
        (int)num_rungs, (int)low, (int)high, 1.0 - rejection);
  TpLog(TP_LOG_PRODUCTION, "# most round trips per processor time: %d rungs (1 + 2 x barrier)",
        (int)TpBarrierBestRungs(path->length));
  if (num_rungs > tuner->num_rungs)
    TpLog(TP_LOG_PRODUCTION,
          "# the pilot has fewer rungs than that: where the others are best is a guess; try the pilot on %d ranks",
          (int)num_rungs);
  PetscCall(TpTuningTellRate(run->settings.ladder.scheme, num_rungs, rejection, "# "));
  TpLog(TP_LOG_PRODUCTION, "# start with: mpirun -n %d tempera run ...",
        (int)num_rungs + (int)run->settings.groups.trainers);
  TpLog(TP_LOG_PRODUCTION, "ladder:");
  TpTuningTellTemperatures(num_rungs, place);
  PetscCall(PetscFree2(barrier, place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All lines but the ladder's are comments: the whole is a piece of YAML. */
static PetscErrorCode Tell(TpRun run)
{
  const TpTuner tuner = run->tuner;
  const Path    path  = Measure(tuner);

  PetscFunctionBeginUser;
  TpLog(TP_LOG_PRODUCTION, "# pilot: %d rungs, %s, %lld rounds of %lld steps; measured in the last %lld",
        (int)tuner->num_rungs, run->system.engine, (long long)tuner->num_rounds,
        (long long)run->settings.ladder.interval, (long long)LastStageRounds(tuner));
  TpTuningTellIntervals(run, "# ");
  TpLog(TP_LOG_PRODUCTION,
        "# communication barrier: %.3f +- %.3f, the sum of the rejections; %.3f +- %.3f for infinitely many rungs",
        tuner->barrier, tuner->barrier_error, path.length, path.error);
  if (path.is_lower_bound)
    TpLog(
        TP_LOG_PRODUCTION,
        "# TOO FEW RUNGS: some neighbours accept less than %.0f %%, so the barrier is a lower bound and more rungs are "
        "needed than this says; start the pilot again on more ranks",
        100.0 * (1.0 - hopeless));
  PetscCall(Advise(run, &path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- pilot */

static PetscErrorCode Simulate(TpRun run)
{
  TpReplica      replica;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpReplicaCreate(run, &replica));
  code = TpReplicaStart(replica);
  PetscCall(TpAgree(run->groups->world, code));
  PetscCall(TpReplicaPilot(replica));
  PetscCall(TpReplicaDestroy(&replica));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPilot(TpRun run, MPI_Comm comm)
{
  int num_ranks;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &num_ranks));
  PetscCall(CheckInput(run, num_ranks));
  PetscCall(CreateLadder(run, num_ranks));
  PetscCall(TpGroupsCreate(comm, num_ranks, 0, TP_PLACEMENT_LAST, &run->groups));
  PetscCall(Simulate(run));
  if (run->groups->world_rank == 0) {
    PetscCheck(isfinite(run->tuner->barrier), PETSC_COMM_SELF, PETSC_ERR_PLIB, "a pair was not tried");
    PetscCall(Tell(run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
