/* Wishes to checkpoint or stop: signals, a file, the clock. Handlers only set a flag; what to do is decided at the next round by all. */
#include "run-impl.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A signal handler can reach nothing but such variables. */
static volatile sig_atomic_t wants_checkpoint;
static volatile sig_atomic_t wants_stop;

struct TpStopping_ {
  TpRun     run;        /* kept, the caller's */
  PetscBool is_watcher; /* rung 0, or trainer 0 without replicas, looks at the file and the clock for all */
  double    deadline;   /* MPI_Wtime() at which to stop; 0: none */
  double    looked;     /* when the stop file was last looked for */
  PetscBool told_stop;
  char      stop_file[PETSC_MAX_PATH_LEN];
};

static void OnSignal(int signal_number)
{
  if (signal_number == SIGUSR1)
    wants_checkpoint = 1;
  else
    wants_stop = 1;
}

static PetscErrorCode Install(int signal_number)
{
  struct sigaction action = {.sa_handler = OnSignal, .sa_flags = SA_RESTART};

  PetscFunctionBeginUser;
  sigemptyset(&action.sa_mask);
  PetscCheck(!sigaction(signal_number, &action, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS, "sigaction failed for signal %d",
             signal_number);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Slurm says when the job ends: stop five minutes earlier, or after nine tenths of a shorter job. */
static double SlurmDeadline(void)
{
  const char *text = getenv("SLURM_JOB_END_TIME");
  char       *end;

  if (!text) return 0.0;
  const double left = (double)strtoll(text, &end, 10) - (double)time(NULL);
  if (end == text || *end || left <= 0.0) return 0.0;
  return MPI_Wtime() + PetscMax(left - 300.0, 0.9 * left);
}

PetscErrorCode TpStoppingCatchSignals(void)
{
  PetscFunctionBeginUser;
  PetscCall(Install(SIGUSR1));
  PetscCall(Install(SIGUSR2));
  PetscCall(Install(SIGTERM));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpStoppingIsSignalled(void)
{
  return wants_stop ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode TpStoppingCreate(TpRun run, TpStopping *stopping)
{
  TpStopping   new_stopping;
  const double slurm = SlurmDeadline();

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&new_stopping));
  new_stopping->run        = run;
  new_stopping->is_watcher = run->groups->is_replica == (run->groups->num_replicas > 0) && run->groups->group_rank == 0
                                 ? PETSC_TRUE
                                 : PETSC_FALSE;
  if (run->max_hours > 0.0) new_stopping->deadline = run->start_time + 3600.0 * run->max_hours;
  if (slurm > 0.0 && (new_stopping->deadline == 0.0 || slurm < new_stopping->deadline)) new_stopping->deadline = slurm;
  PetscCall(TpRunPath(run, "stop", new_stopping->stop_file));
  *stopping = new_stopping;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpStoppingDestroy(TpStopping *stopping)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(*stopping));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not more than once a second: the folder may lie on a busy file system. */
static PetscBool SeesStopFile(TpStopping stopping)
{
  const double now = MPI_Wtime();

  if (now - stopping->looked < 1.0) return PETSC_FALSE;
  stopping->looked = now;
  return access(stopping->stop_file, F_OK) == 0 ? PETSC_TRUE : PETSC_FALSE;
}

unsigned TpStoppingWish(TpStopping stopping)
{
  unsigned wish = 0;

  if (wants_checkpoint) {
    wants_checkpoint = 0;
    wish |= TP_DECIDE_CHECKPOINT;
  }
  if (wants_stop) wish |= TP_DECIDE_STOP;
  if (stopping->is_watcher && stopping->deadline > 0.0 && MPI_Wtime() > stopping->deadline) wish |= TP_DECIDE_STOP;
  if (stopping->is_watcher && SeesStopFile(stopping)) wish |= TP_DECIDE_STOP;
  return wish;
}
