#!/usr/bin/env bash
# What a checkpoint costs.
#
# Bandwidth: checkpoints of three sizes by one and by two trainers, each in turns with a plain parallel HDF5 file of the same datasets, flushed and
# synced as well. A ratio is the median of those of the turns; bandwidth_ratio is the lowest of the six.
#
# MD's waiting: the shipped input with a checkpoint every 2 rounds and with none, in turns; what replicas wait longer for each checkpoint, as a share
# of the time of the rounds that lie between two checkpoints at the input's own interval.
#
# Usage: tools/bench/checkpoint.sh [TURNS [INPUT [FOLDER]]]   (default 11, input/alanine-dipeptide.yaml and a temporary folder, which should be on the
# disk that is asked about; about 3 minutes on 2 cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

turns=${1:-11}
input=${2:-input/alanine-dipeptide.yaml}
tempera=build/src/tempera
bench=build/tests/bench/bench-checkpoint
folder=$(mktemp -d ${3:+-p "$3"})
trap 'rm -rf "$folder"' EXIT

# value NAME: of the lines on stdin
value()
{
  awk -v name="$1:" '$1 == name { print $2 }'
}

median()
{
  sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Rungs, coordinates, weights: AIB9's MLP of width 256 and depth 4, the U-Net of the paper, and a large system.
echo "trainers  rungs  coordinates  weights    MiB  checkpoint ms  plain ms  ratio"
while read -r rungs coordinates weights; do
  for trainers in 1 2; do
    told=$(mpirun -n "$trainers" "$bench" "$folder" "$rungs" "$coordinates" "$weights" "$turns" </dev/null)
    printf '%8d %6d %12d %8d %6.1f %14.1f %9.1f %6.3f\n' "$trainers" "$rungs" "$coordinates" "$weights" "$(value mebibytes <<<"$told")" \
      "$(value checkpoint_ms <<<"$told")" "$(value plain_ms <<<"$told")" "$(value ratio <<<"$told")"
    value ratio <<<"$told" >>"$folder/ratios"
  done
done <<'SIZES'
10 426 560000
10 426 1100000
64 100000 1100000
SIZES

# waited INTERVAL: runs the input for a while; prints seconds that replicas waited, rounds, and seconds on the clock, without the first report
rounds=60
replicas=$("$tempera" run "$input" --check | sed -nE 's/.*mpirun -n ([0-9]+).*/\1/p' | head -n 1)
waited()
{
  rm -rf "$folder/run"
  mpirun -n "$replicas" "$tempera" run "$input" --set "run.folder=$folder/run" --set "run.rounds=$rounds" --set output.report_interval=10 \
    --set "output.checkpoint_interval=$1" --set training.hold_out=[] --set training.start_round=0 --set training.scale_rounds=5 >/dev/null
  awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
           NR > 2 { time += $column["seconds"] - before; waited += $column["replica_idle_share"] * ($column["seconds"] - before) }
           NR > 1 { before = $column["seconds"] } END { print waited, NR, time }' "$folder/run/metrics.csv"
}

every=2
for ((i = 0; i < 3; ++i)); do
  read -r with _ _ < <(waited $every)
  read -r without _ time < <(waited "$rounds")
  awk -v with="$with" -v without="$without" -v n="$(((rounds - 10) / every - 1))" 'BEGIN { print 1000 * (with - without) / n }' >>"$folder/waits"
  awk -v time="$time" -v n="$((rounds - 10))" 'BEGIN { print 1000 * time / n }' >>"$folder/times"
done
interval=$("$tempera" run "$input" --check | sed -nE 's/.*a checkpoint every ([0-9]+) rounds.*/\1/p')
interval=${interval:-$(sed -nE 's/^ *checkpoint_interval: *([0-9]+).*/\1/p' "$input")}
interval=${interval:-1000}

echo "$("$tempera" --version | head -1), $(nproc --all) cores, $turns turns, $input with a checkpoint every $interval rounds"
echo "wait_per_checkpoint_ms: $(median <"$folder/waits")"
echo "round_ms: $(median <"$folder/times")"
echo "bandwidth_ratio: $(sort -g "$folder/ratios" | head -n 1)"
awk -v wait="$(median <"$folder/waits")" -v round="$(median <"$folder/times")" -v interval="$interval" \
  'BEGIN { printf "md_wait_percent: %.4f\n", 100 * wait / (round * interval) }'
