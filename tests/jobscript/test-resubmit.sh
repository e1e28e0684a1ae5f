#!/bin/bash
# test-resubmit.sh JOBSCRIPT MPIRUN: the job script with a pretended Slurm and a pretended program, under the real mpirun. Silent on success.
set -u
script=$(realpath "$1")
TEMPERA_SCRIPTS=$(dirname "$script")
mpirun=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

expect()
{
  [[ $1 == "$2" ]] || { echo "$3: got '$1', expected '$2'"; failures=$((failures + 1)); }
}

# Slurm as the script sees it: scontrol writes down what it is asked for, and may refuse to requeue.
mkdir bin
ln -s "$mpirun" bin/mpirun
cat >bin/scontrol <<'TEXT'
#!/bin/bash
case $1 in
requeue) echo "$@" >>calls; [[ ! -e killed ]] || kill -TERM $$; [[ ! -e refuse ]] ;;
show) [[ -e mute ]] || echo "JobId=7 Name=x JobState=$(cat state) Reason=None Command=/home/me/job.sbatch WorkDir=/home/me" ;;
esac
TEXT
cat >bin/sbatch <<'TEXT'
#!/bin/bash
echo "sbatch $* restarts=$TEMPERA_RESTARTS" >>calls
TEXT
cat >bin/srun <<'TEXT'
#!/bin/bash
[[ $1 == --mpi=list ]] && { cat mpi-types; exit; }
echo "$1" >>srun-used
shift
exec "$@"
TEXT
echo none >mpi-types
echo RUNNING >state

# The program: does what the file `plan` says, and writes down how it was called.
cat >bin/tempera <<'TEXT'
#!/bin/bash
echo "$*" >>arguments
mkdir -p run
touch run/run.h5
case $(cat plan) in
gentle) # until it is asked to stop
  trap 'touch run/continue; exit 0' USR2
  touch running
  for ((i = 0; i < 300; ++i)); do sleep 0.1; done
  exit 9 ;;
finish) touch run/finished ;;
crash) touch run/continue; exit 3 ;;
odd) ;;
esac
TEXT
chmod +x bin/*

export PATH=$folder/bin:$PATH SLURM_JOB_ID=7 SLURM_NTASKS=1
export TEMPERA_SCRIPTS TEMPERA_INPUT=in.yaml TEMPERA_RUN=run TEMPERA=$folder/bin/tempera

# start_job PLAN [restarts so far]: sets status
start_job()
{
  echo "$1" >plan
  rm -f calls arguments running
  touch calls
  SLURM_RESTART_COUNT=${2:-0} bash "$script" >>log 2>&1 &
  job=$!
  if [[ $1 == gentle ]]; then
    for ((i = 0; i < 200; ++i)); do [[ -e running ]] && break; sleep 0.05; done
    kill -USR2 $job
  fi
  wait $job
  status=$?
}

start_job gentle
expect "$status" 0 "gentle stop: status"
expect "$(cat arguments)" "run in.yaml --set run.folder=run" "first start"
expect "$(cat calls)" "requeue 7" "gentle stop: queued again"

touch refuse
start_job gentle 4
expect "$(cat arguments)" "run in.yaml --set run.folder=run --restart" "second start"
expect "$(cat calls)" $'requeue 7\nsbatch --export=ALL /home/me/job.sbatch restarts=5' "no requeue: a new job"
echo COMPLETING >state
start_job gentle
expect "$status:$(cat calls)" "0:requeue 7" "queued again by Slurm itself, as when preempted: no second job"
touch mute
start_job gentle
expect "$status:$(cat calls)" "1:requeue 7" "Slurm does not answer: no second job, and a word of it"
rm refuse mute
touch killed
echo RUNNING >state
start_job gentle
expect "$status:$(cat calls)" "0:requeue 7" "ended by Slurm before scontrol has said so: no second job"
rm killed

expect "$([[ -e srun-used ]] && echo srun)" "" "srun without PMIx is not used"

echo 'pmix pmix_v4' >mpi-types
start_job gentle 1
expect "$status:$(cat calls)" "0:requeue 7" "gentle stop under srun"
expect "$(cat srun-used)" "--mpi=pmix" "srun with PMIx is used"
echo none >mpi-types

start_job gentle 50
expect "$status:$(cat calls)" "1:" "too many restarts"

start_job crash
expect "$status:$(cat calls)" "3:" "failure"

start_job odd # and the marker that the crash left must not count
expect "$status:$(cat calls)" "1:" "neither finished nor to be continued"

start_job finish 1
expect "$status:$(cat calls)" "0:" "finished"

start_job crash
expect "$status:$([[ -e arguments ]] && echo started)" "0:" "finished before: nothing to start"

[[ $failures -eq 0 ]] || { cat log; exit 1; }
