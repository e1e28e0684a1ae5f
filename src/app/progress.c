/* What is told while the run goes on: lines for people, rows of metrics.csv for programs. */
#include "diagnostics.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct TpProgress_ {
  TpRun            run; /* kept, the caller's */
  FILE            *metrics;
  PetscBool        on_terminal; /* lines overwrite each other */
  double           start;       /* of this process */
  double           told;        /* when the last line was written */
  PetscInt64       lines;
  TpProgressReport before; /* the last report */
};

static const char metrics_header[] = "round,seconds,optimiser_step,loss,acceptance,steps_per_second_per_replica,ns_per_"
                                     "day_per_replica,md_share,replica_idle_share,trainer_idle_share,md_cpu_share\n";

/* -------------------------------------------------------------------------------------------------------- metrics.csv */

/* Keep the rows up to the round that we go on from; rows behind belong to rounds that never happened. */
static PetscErrorCode CopyRows(const char *path, PetscInt64 rounds, FILE *to)
{
  FILE *from = fopen(path, "r");
  char  line[1024];

  PetscFunctionBeginUser;
  if (!from) PetscFunctionReturn(PETSC_SUCCESS);
  while (fgets(line, sizeof(line), from)) {
    long long round;

    if (sscanf(line, "%lld,", &round) == 1 && round <= rounds && strchr(line, '\n')) fputs(line, to);
  }
  fclose(from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row that a full disk does not take is not to be missed later. */
static PetscErrorCode FlushMetrics(FILE *metrics, const char *path)
{
  PetscFunctionBeginUser;
  if (fflush(metrics) || ferror(metrics))
    PetscFunctionReturn(TpStopError("%s: can't be written: %s", path, strerror(errno)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpMetricsOpen(TpRun run, const char *header, FILE **metrics)
{
  char           path[PETSC_MAX_PATH_LEN], temporary[PETSC_MAX_PATH_LEN];
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "metrics.csv", path));
  PetscCall(TpRunPath(run, "metrics.csv.tmp", temporary));
  *metrics = fopen(temporary, "w");
  if (!*metrics) PetscFunctionReturn(TpStopError("%s: can't be written: %s", temporary, strerror(errno)));
  fputs(header, *metrics);
  if (run->first_round > 0) PetscCall(CopyRows(path, run->first_round, *metrics));
  code = FlushMetrics(*metrics, temporary);
  if (!code && rename(temporary, path)) code = TpStopError("%s: can't be written: %s", path, strerror(errno));
  if (code) unlink(temporary);
  PetscFunctionReturn(code);
}

/* -------------------------------------------------------------------------------------------------------------- lines */

/* mpirun gives its ranks a terminal whatever its own output is: ask what our parent writes to. */
static PetscBool IsTerminal(void)
{
  char    link[64], target[256];
  ssize_t length;

  if (!isatty(STDOUT_FILENO)) return PETSC_FALSE;
  snprintf(link, sizeof(link), "/proc/%ld/fd/1", (long)getppid());
  length = readlink(link, target, sizeof(target) - 1);
  if (length < 0) return PETSC_TRUE;
  target[length] = '\0';
  return !strncmp(target, "/dev/pts/", 9) || !strncmp(target, "/dev/tty", 8) ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode TpProgressCreate(TpRun run, TpProgress *progress)
{
  TpProgress new_progress;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_progress));
  new_progress->run          = run;
  new_progress->on_terminal  = IsTerminal();
  new_progress->start        = MPI_Wtime();
  new_progress->told         = new_progress->start;
  new_progress->before.round = run->first_round;
  PetscCall(TpMetricsOpen(run, metrics_header, &new_progress->metrics));
  *progress = new_progress;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpProgressDestroy(TpProgress *progress)
{
  PetscFunctionBeginUser;
  if (!*progress) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*progress)->metrics) fclose((*progress)->metrics);
  PetscCall(PetscFree(*progress));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- numbers */

/* Rates over a stretch of rounds. */
typedef struct {
  double steps_per_second; /* of each replica */
  double ns_per_day;       /* of each replica */
  double md_share;         /* of the replicas' time */
  double replica_idle;     /* likewise */
  double md_cpu_share;     /* of the replicas' processor time */
  double trainer_idle;     /* of this trainer's time */
} Rates;

static Rates RatesBetween(TpProgress progress, const TpProgressReport *before, const TpProgressReport *now,
                          double seconds)
{
  const TpSettings *settings = &progress->run->settings;
  const double      replicas = (double)progress->run->ladder->num_rungs * seconds;
  const double      steps    = (double)((now->round - before->round) * settings->ladder.interval) / seconds;

  return (Rates){.steps_per_second = steps,
                 .ns_per_day       = steps * settings->engine.timestep * 86400.0 * 1e-3,
                 .md_share         = (now->times.md_seconds - before->times.md_seconds) / replicas,
                 .replica_idle     = (now->times.idle_seconds - before->times.idle_seconds) / replicas,
                 .md_cpu_share     = (now->times.md_cpu_seconds - before->times.md_cpu_seconds) /
                                 (now->times.cpu_seconds - before->times.cpu_seconds),
                 .trainer_idle = (now->trainer_idle_seconds - before->trainer_idle_seconds) / seconds};
}

static double MeanAcceptance(const TpLadderStatistics statistics)
{
  double     sum   = 0.0;
  PetscInt64 tries = 0;

  for (PetscInt i = 0; i + 1 < statistics->num_rungs; ++i) {
    sum += (double)statistics->acceptances[i];
    tries += statistics->attempts[i];
  }
  return tries ? sum / (double)tries : 0.0;
}

static void FormatDuration(double seconds, char text[32])
{
  const long whole = (long)(seconds + 0.5);

  if (whole < 3600)
    snprintf(text, 32, "%ld:%02ld", whole / 60, whole % 60);
  else
    snprintf(text, 32, "%ldh%02ld", whole / 3600 % 100000, whole / 60 % 60);
}

PetscErrorCode TpProgressTell(TpProgress progress, const TpProgressReport *report)
{
  const double    now = MPI_Wtime(), elapsed = now - progress->start;
  const Rates     rates      = RatesBetween(progress, &progress->before, report, now - progress->told);
  const double    done       = (double)(report->round - progress->run->first_round);
  const double    acceptance = MeanAcceptance(report->statistics);
  const PetscBool molecular  = progress->run->system.units == TP_UNITS_MOLECULAR ? PETSC_TRUE : PETSC_FALSE;
  char            left[32], loss[16] = "-", line[512], path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  if (report->optimiser_step) snprintf(loss, sizeof(loss), "%.4f", report->loss);
  FormatDuration(elapsed / done * (double)(progress->run->settings.run.rounds - report->round), left);
  if (progress->lines++ % 20 == 0 && !(progress->on_terminal && progress->lines > 1))
    TpLog(TP_LOG_PRODUCTION, "%12s %9s %7s %10s %10s %6s %6s %6s %8s", "round", "loss", "accept", "steps/s",
          molecular ? "ns/day" : "time/day", "MD", "wait", "t.wait", "ETA");
  snprintf(line, sizeof(line), "%12lld %9s %6.1f%% %10.0f %10.3g %5.1f%% %5.1f%% %5.1f%% %8s", (long long)report->round,
           loss, 100.0 * acceptance, rates.steps_per_second, molecular ? rates.ns_per_day : rates.ns_per_day * 1e3,
           100.0 * rates.md_share, 100.0 * rates.replica_idle, 100.0 * rates.trainer_idle, left);
  if (progress->on_terminal) {
    printf("\r%s", line);
    fflush(stdout);
    fprintf(progress->run->log, "%s\n", line);
  } else
    TpLog(TP_LOG_PRODUCTION, "%s", line);
  fprintf(progress->metrics, "%lld,%.3f,%lld,%.9g,%.6f,%.3f,%.6g,%.4f,%.4f,%.4f,%.4f\n", (long long)report->round,
          now - progress->run->start_time, (long long)report->optimiser_step, report->loss, acceptance,
          rates.steps_per_second, rates.ns_per_day, rates.md_share, rates.replica_idle, rates.trainer_idle,
          rates.md_cpu_share);
  PetscCall(TpRunPath(progress->run, "metrics.csv", path));
  PetscCall(FlushMetrics(progress->metrics, path));
  progress->told   = now;
  progress->before = *report;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- summary */

static void TellHeldOut(TpRun run)
{
  char   rungs[256];
  size_t length = 0;

  for (PetscInt k = 0; k < run->ladder->num_rungs && length < sizeof(rungs); ++k)
    if (TpRunIsHeldOut(run, k)) length += (size_t)snprintf(rungs + length, sizeof(rungs) - length, " %d", (int)k);
  if (length) TpLog(TP_LOG_PRODUCTION, "  held out of training: rung%s", rungs);
}

PetscErrorCode TpProgressSummary(TpProgress progress, const TpProgressReport *report, TpDiagnostics diagnostics)
{
  TpRun                  run     = progress->run;
  const TpProgressReport begin   = {.round = run->first_round};
  const double           seconds = MPI_Wtime() - progress->start;
  char                   time[32];

  PetscFunctionBeginUser;
  FormatDuration(seconds, time);
  if (progress->on_terminal && progress->lines) printf("\n");
  TpLog(TP_LOG_PRODUCTION, "%lld of %lld rounds done, %lld of them now, in %s", (long long)report->round,
        (long long)run->settings.run.rounds, (long long)(report->round - run->first_round), time);
  PetscCall(TpDiagnosticsTell(diagnostics));
  TellHeldOut(run);
  if (report->round > run->first_round) {
    const Rates rates = RatesBetween(progress, &begin, report, seconds);

    TpLog(
        TP_LOG_PRODUCTION,
        "  replicas: %.0f steps/s each, %.0f in all; MD %.1f %% of the time and %.1f %% of the processor time, waiting "
        "inside calls %.1f %% of the time",
        rates.steps_per_second, rates.steps_per_second * (double)run->ladder->num_rungs, 100.0 * rates.md_share,
        100.0 * rates.md_cpu_share, 100.0 * rates.replica_idle);
    if (run->system.units == TP_UNITS_MOLECULAR)
      TpLog(TP_LOG_PRODUCTION, "  simulated: %.3g ns/day each, %.3g in all", rates.ns_per_day,
            rates.ns_per_day * (double)run->ladder->num_rungs);
    TpLog(TP_LOG_PRODUCTION, "  trainers: %lld optimiser steps, loss %.4f, waiting for frames %.1f %%",
          (long long)report->optimiser_step, report->loss, 100.0 * rates.trainer_idle);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
