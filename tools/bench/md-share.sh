#!/usr/bin/env bash
# How much of their time replicas spend in MD at 500 steps of AIB9 per round; the rest is frames, swaps, agreement and waiting.
#
# Two measurements, each from the run's own metrics.csv:
#   two rungs    a core for each of two replicas, and a trainer that writes but does not train: shares of the clock on the wall
#   ten rungs    the shipped input on whatever cores there are: shares of the replicas' processor time, as on fewer cores than ranks the
#                clock on the wall tells who waited for a core
#
# Usage: tools/bench/md-share.sh [ROUNDS]   (default 40; about 4 minutes on 2 cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

rounds=${1:-40}
tempera=build/src/tempera
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# column NAME FILE: mean of a column of metrics.csv over all reports but the first, which holds the start-up
column()
{
  awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) c = i; next } NR > 2 { sum += $c; ++n } END { print sum / n }' "$2"
}

common=(--set "run.rounds=$rounds" --set output.report_interval=10 --set "output.checkpoint_interval=$rounds" --set training.hold_out=[])

mpirun -n 3 "$tempera" run input/aib9.yaml "${common[@]}" --set "run.folder=$folder/two" --set groups.trainers=1 \
  --set "ladder.temperatures=[400, 426]" --set training.steps_per_round=0 >/dev/null
mpirun -n 12 "$tempera" run input/aib9.yaml "${common[@]}" --set "run.folder=$folder/ten" --set training.start_round=0 \
  --set training.scale_rounds=5 >/dev/null

two=$folder/two/metrics.csv
ten=$folder/ten/metrics.csv
echo "$("$tempera" --version | head -1), $("$tempera" --version | grep engines), $(nproc --all) cores, $rounds rounds of 500 steps"
printf '%-12s %14s %14s %14s %12s\n' "" "MD, clock" "MD, processor" "waiting" "steps/s each"
for name in two ten; do
  file=$folder/$name/metrics.csv
  printf '%-12s %14s %14s %14s %12s\n' "$name rungs" "$(column md_share "$file")" "$(column md_cpu_share "$file")" \
    "$(column replica_idle_share "$file")" "$(column steps_per_second_per_replica "$file")"
done
echo "md_share_two_rungs: $(column md_share "$two")"
echo "md_processor_share_ten_rungs: $(column md_cpu_share "$ten")"
