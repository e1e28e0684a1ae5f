# shellcheck shell=bash
# What the job scripts share: start or go on, stop before the time is up, queue the job again until the run is finished.
# They set input, run, tempera, max_restarts and, where wanted, options=(...) for tempera, srun_options=(...) for srun.
# shellcheck disable=SC2154

set -u

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMPI_MCA_mpi_yield_when_idle=1 # ranks that wait give way; not automatic under Slurm

say()
{
  echo "$(date '+%F %T') job ${SLURM_JOB_ID:-none}: $*"
}

# srun where it speaks Open MPI's language, PMIx; else mpirun, which takes nodes and ranks from the job.
launch()
{
  if command -v srun >/dev/null && srun --mpi=list 2>&1 | grep -q pmix; then
    exec srun --mpi=pmix "${srun_options[@]}" "$@"
  fi
  exec mpirun -n "$SLURM_NTASKS" "$@"
}

# A trapped signal ends `wait` early: wait again while the program is there.
wait_for()
{
  local status
  while true; do
    wait "$1"
    status=$?
    kill -0 "$1" 2>/dev/null || return $status
  done
}

# The same job again where the site allows it, else a new one (of an array, this member alone); both count their restarts.
# Never two: a job that Slurm queues again, as asked here or because it had to give way, is ended by signals, scontrol among its processes.
queue_again()
{
  local job status member=()
  scontrol requeue "$SLURM_JOB_ID"
  status=$?
  [[ $status -eq 0 || $status -gt 128 ]] && return
  job=$(scontrol show job -o "$SLURM_JOB_ID")
  if [[ $job != *" JobState=RUNNING "* ]]; then
    [[ -n $job ]] && say "is queued again already"
    return
  fi
  say "requeue is not allowed here, a new job is submitted"
  [[ -n ${SLURM_ARRAY_TASK_ID:-} ]] && member=("--array=$SLURM_ARRAY_TASK_ID")
  TEMPERA_RESTARTS=$((restarts + 1)) sbatch --export=ALL "${member[@]}" "$(sed -nE 's/.* Command=([^ ]+).*/\1/p' <<<"$job")"
}

[[ -v options ]] || options=()
[[ -v srun_options ]] || srun_options=()
restarts=$((${SLURM_RESTART_COUNT:-0} + ${TEMPERA_RESTARTS:-0}))
arguments=(run "$input" --set "run.folder=$run" "${options[@]}")
[[ -e $run/run.h5 ]] && arguments+=(--restart) # before run.h5 is there nothing has begun

if [[ -e $run/finished ]]; then
  say "$run is finished"
  exit 0
fi
rm -f "$run/continue"

launcher=
trap 'say "time is nearly up"; [[ -n $launcher ]] && kill -USR2 "$launcher"' USR2
say "start $restarts: $tempera ${arguments[*]}"
launch "$tempera" "${arguments[@]}" &
launcher=$!
wait_for "$launcher"
status=$?

if [[ $status -ne 0 ]]; then
  say "stopped with status $status; not queued again"
  exit "$status"
elif [[ -e $run/finished ]]; then
  say "$run is finished"
elif [[ ! -e $run/continue ]]; then
  say "$run has neither 'finished' nor 'continue'; not queued again"
  exit 1
elif [[ -n ${TEMPERA_CHAINED:-} ]]; then
  say "the next job of the chain goes on"
elif [[ $restarts -ge $max_restarts ]]; then
  say "queued again $restarts times already; not queued again"
  exit 1
else
  queue_again || { say "could not be queued again; do it by hand: sbatch $0"; exit 1; }
fi
