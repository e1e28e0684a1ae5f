#!/usr/bin/env bash
# Steps per second of replica exchange with LAMMPS inside, against LAMMPS's own `temper`: the fluid of input/lammps/in.lj, the same ranks for
# replicas, time step, friction, steps per swap; no trajectories. Tempera has one rank more, a trainer that writes but does not
# train. Both without their start: LAMMPS's loop, and Tempera from its first report on. Ratios are medians over pairs of runs that follow each
# other, so that other load on the machine hits both.
#
#   temper    fix nve and fix langevin, as LAMMPS's users write them
#   tempera   engine.lammps.thermostat: tempera, fix nve and the same friction and strength of noise from Tempera; restarts bit for bit
#   script    engine.lammps.thermostat: script, temper's two fixes in the script
#   opt       LAMMPS's temper with -suffix opt, which Tempera asks LAMMPS for by itself
#
# LAMMPS's program is needed for this alone: apt-get install --no-install-recommends lammps
#
# Usage: tools/bench/temper.sh [REPEATS [REPLICAS [INTERVALS]]]   (default 7 "2 4 8" "100 1000"; about 20 minutes on 2 cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

repeats=${1:-7}
replica_counts=${2:-2 4 8}
intervals=${3:-100 1000}
total=320000 # steps of all replicas together, in a run
tempera=$PWD/build/src/tempera
fluid=$PWD/input/lammps/in.lj
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! command -v lmp >/dev/null; then
  echo "no lmp: nothing to compare with (apt-get install --no-install-recommends lammps)"
  exit 0
fi

# temperatures R: of a geometric ladder, 8 % apart
temperatures()
{
  awk -v count="$1" 'BEGIN { for (i = 0; i < count; ++i) printf "%s%.6g", i ? " " : "", 1.08 ^ i }'
}

# run_temper R INTERVAL [OPTION...]: steps/s of all replicas
run_temper()
{
  local replicas=$1 interval=$2 steps=$((total / $1 / 5000 * 5000))
  cat >"$folder/in.temper" <<TEXT
variable t world $(temperatures "$replicas")
variable seed world $(seq -s ' ' 1 "$replicas")
include $fluid
velocity all create \$t \${seed}4928
fix move all nve
fix heat all langevin \$t \$t 1.0 \${seed}
timestep 0.005
thermo $steps
temper $steps $interval \$t heat 58728 33321
TEXT
  (cd "$folder" && mpirun -n "$replicas" lmp -partition "${replicas}x1" -in in.temper -screen none -log log -nocite "${@:3}" >/dev/null)
  awk -v replicas="$replicas" '/^Loop time/ { printf "%.0f\n", replicas * $9 / $4 }' "$folder/log.0"
}

# run_tempera THERMOSTAT R INTERVAL: the same
run_tempera()
{
  local thermostat=$1 replicas=$2 interval=$3 rounds=$((total / $2 / 5000 * 5000 / $3))
  cp "$fluid" "$folder/in.tempera"
  [[ $thermostat == tempera ]] || cat >>"$folder/in.tempera" <<'TEXT'

fix move all nve
fix heat all langevin ${temperature} ${temperature} 1.0 ${seed}
TEXT
  cat >"$folder/input.yaml" <<TEXT
run: {folder: run, rounds: $rounds, seed: 1}
engine: {kind: lammps, timestep: 0.005, friction: 1, lammps: {script: in.tempera, units: lj, thermostat: $thermostat}}
ladder: {temperatures: [$(temperatures "$replicas" | tr ' ' ',')]}
exchange: {interval: $interval}
features: {distances: [[0, 1]]}
training: {steps_per_round: 0}
output: {report_interval: $((rounds / 5)), checkpoint_interval: $rounds, trajectory_interval: 0}
TEXT
  rm -rf "$folder/run"
  (cd "$folder" && mpirun -n $((replicas + 1)) "$tempera" run input.yaml >/dev/null)
  awk -F, -v steps=$((replicas * interval)) 'NR == 2 { round = $1; seconds = $2 } END { printf "%.0f\n", steps * ($1 - round) / ($2 - seconds) }' \
    "$folder/run/metrics.csv"
}

median()
{
  sort -g | awk '{ value[NR] = $1 } END { printf "%.4g\n", NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# ratio COLUMN OTHER: median of the quotients of two columns of the rows
ratio()
{
  awk -v a="$1" -v b="$2" '{ print $a / $b }' "$folder/rows" | median
}

# compare R INTERVAL: measure, a row of the table, ratios into $folder/ratios
compare()
{
  : >"$folder/rows"
  for ((i = 0; i < repeats; ++i)); do
    echo "$(run_temper "$1" "$2") $(run_tempera tempera "$1" "$2") $(run_tempera script "$1" "$2") $(run_temper "$1" "$2" -suffix opt)" >>"$folder/rows"
  done
  printf "$table" "$1" "$2" $(for column in 1 2 3 4; do awk -v c=$column '{ print $c }' "$folder/rows" | median; done) \
    "$(ratio 2 1)" "$(ratio 3 1)" "$(ratio 2 4)"
  echo "$1 $2 $(ratio 2 1) $(ratio 2 4)" >>"$folder/ratios"
}

table='%8s %9s %10s %10s %10s %10s %9s %10s %9s\n'
echo "$("$tempera" --version | head -1), LAMMPS $(lmp -h | sed -nE 's/.*Simulator - (.*)$/\1/p'), $(nproc --all) cores, $repeats repeats, load average $(cut -d' ' -f1-3 /proc/loadavg)"
printf "$table" replicas interval temper tempera script opt ratio "of script" "to opt"
for replicas in $replica_counts; do
  for interval in $intervals; do compare "$replicas" "$interval"; done
done
awk -v first="${replica_counts%% *}" '$1 == first { printf "temper_ratio_%d: %.3f\ntemper_opt_ratio_%d: %.3f\n", $2, $3, $2, $4 }' "$folder/ratios"
