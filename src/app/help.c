/* tempera --help. */
#include "app-impl.h"

#include <string.h>

static const char usage[] =
    "tempera: replica exchange over a ladder of temperatures, and a diffusion model of configurations at any "
    "temperature\n"
    "\n"
    "  mpirun -n N tempera run INPUT.yaml           simulate, exchange, train, write (N: rungs + trainers)\n"
    "      --check                                  read everything, print the plan of ranks, memory and disk, stop\n"
    "      --pilot                                  try the range of temperatures on any number of ranks, print the "
    "ladder to "
    "use, stop\n"
    "      --restart[=CHECKPOINT]                   go on from the newest whole checkpoint of the run's folder, or "
    "from this one\n"
    "      --restart --reseed-rung K                likewise; rung K, gone bad, begins with its neighbour's "
    "configuration\n"
    "      --verify-restart[=N]                     show on this input that 2 N rounds are N, a restart, and N more\n"
    "      --set section.key=value                  override the input; may be repeated\n"
    "      --max-hours H                            stop gently after this time (also: 90 min)\n"
    "  mpirun -n N tempera train INPUT.yaml         learn from recorded trajectories, data.files; any number of ranks\n"
    "      --check, --restart, --set, --max-hours   as above\n"
    "  mpirun -n N tempera ti INPUT.yaml            free energies: learn an energy along a path, integrate, beside the "
    "classical way\n"
    "      --check  --restart  --set  --max-hours   as above (N: --check says)\n"
    "  mpirun -n N tempera anneal INPUT.yaml        free energies by a population that is cooled down, on any number "
    "of "
    "ranks\n"
    "      --check  --restart  --set  --max-hours   as above\n"
    "  mpirun -n N tempera generate MODEL.h5        samples at any temperatures, on any number of ranks\n"
    "      --temperature T1,T2,...                  in the model's unit, or with one: 350 K\n"
    "      --output FILE.h5                         where they go; must not exist\n"
    "      --samples N                              at each temperature; 10000 if not given\n"
    "      --seed N  --sampler ddpm|ddim|dpmpp|ode|sde  --steps N   if not given: those of the run\n"
    "      --tolerance E                            of the steps of ode and of --likelihood; 1e-4 and 1e-5 if not "
    "given\n"
    "      --guidance T1,T2[,beta|temperature]      extrapolate the score from these two temperatures; beta if not "
    "given\n"
    "      --likelihood[=raw|encoded]               also ln p of each sample, of the features or of what is made of "
    "them\n"
    "      --probes N                               its trace is estimated by N random vectors; if not given: exact\n"
    "      --given SAMPLES.h5 or ARRAY.npy          ln p of these samples, nothing is generated\n"
    "      --ema DECAY                              by this moving average of the weights; if not given: "
    "training.ema_decay\n"
    "      --condition NAME=VALUE                   of each further condition that the model has\n"
    "  mpirun -n N tempera analyze RUN              thermodynamics of a run (its folder or run.h5) at any temperature, "
    "on any "
    "number of ranks\n"
    "      --set analysis.key=value  --input FILE   other settings of the analysis than the run's own\n"
    "      --output FOLDER                          where analysis.json and analysis.h5 go; if not given, the run's "
    "folder\n"
    "      --given SAMPLES.h5 or ARRAY.npy          samples to hold against the run, instead of its model's\n"
    "      --export alchemlyb                       also u_nk.csv, reduced potentials for alchemlyb\n"
    "  tempera info FILE.h5                         what a file is, whether it is whole, where it came from\n"
    "  tempera --help [KEY]                         this, and the parameters of INPUT.yaml (those that contain KEY)\n"
    "  tempera --version                            version, revision, compiler, libraries\n"
    "  tempera --example                            an input with all parameters, their defaults and meaning\n"
    "\n"
    "Options after -- go to PETSc (-log_view, for instance). A run stops gently, with a checkpoint, on SIGUSR2 or "
    "SIGTERM, when a file `stop`\n"
    "appears in its folder, at --max-hours and before the end of a Slurm job; SIGUSR1 makes it write a checkpoint and "
    "go on.\n"
    "Exit status: 0 done or stopped gently, 1 a run that had to stop, 2 a mistake in the input.\n"
    "\n"
    "Parameters of INPUT.yaml:\n";

PetscErrorCode TpHelpWrite(const char *filter, FILE *file)
{
  PetscFunctionBeginUser;
  if (!filter) fputs(usage, file);
  PetscCall(TpConfigWriteHelp(tp_parameters, filter, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}
