#!/usr/bin/env bash
# Time of MBAR: K = 64 rungs at 1e5, 3e5 and 1e6 samples on 2 ranks (exponent_in_samples, of the
# processor time of rank 0, which other programs lengthen less than the clock's: 1 is linear), and K = 32 at 3.2e5 samples on 1 rank
# against pymbar 3 on the same samples (speedup_over_pymbar). Ours holds the errors and the overlap, pymbar's time the solution alone.
#
# pymbar is needed for this alone: apt-get install --no-install-recommends python3-pymbar   (Debian 12: 3.1.0); without it that part is left out.
# It runs with one thread, as ours does. Other load on the machine is printed: both are measured right after each other, ours three times.
#
# Usage: tools/bench/mbar.sh   (about 2 minutes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1 NUMEXPR_MAX_THREADS=1
build=${TEMPERA_BUILD:-build}
target=tests/unit/thermo/bench-thermo-mbar
bench=$build/$target
repeats=3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ninja -C "$build" "$target" >/dev/null

# field NAME: the word after NAME, of a line on stdin
field()
{
  awk -v name="$1" '{ for (i = 1; i < NF; ++i) if ($i == name) print $(i + 1) }'
}

# best RANKS K SAMPLES [FOLDER]: the fastest of the repeats
best()
{
  local ranks=$1
  shift
  for ((i = 0; i < repeats; ++i)); do mpirun -n "$ranks" "$bench" "$@"; done | sort -t' ' -k8,8g | head -n 1
}

echo "$(nproc --all) cores, load average $(cut -d' ' -f1-3 /proc/loadavg)"
for samples in 100000 300000 1000000; do
  best 2 64 "$samples" | tee -a "$folder/scaling"
done
awk '{ x = log($4); y = log($10); n++; sx += x; sy += y; sxx += x * x; sxy += x * y }
  END { printf "exponent_in_samples: %.3f\n", (n * sxy - sx * sy) / (n * sxx - sx * sx) }' "$folder/scaling"

python=/usr/bin/python3
if ! "$python" -c 'import pymbar' 2>/dev/null; then
  echo "no pymbar: nothing to compare with"
  exit 0
fi
ours=$(best 1 32 320000 "$folder")
echo "$ours"
"$python" tools/bench/mbar-pymbar.py "$folder" 2>/dev/null | tee "$folder/pymbar"
awk -v ours="$(field seconds <<<"$ours")" '$1 == "pymbar_seconds:" { printf "speedup_over_pymbar: %.1f\n", $2 / ours }' "$folder/pymbar"
echo "load average $(cut -d' ' -f1-3 /proc/loadavg)"
