#!/usr/bin/env bash
# Cost of an exchange by itself, without MD, at 2 to 64 ranks on whatever cores there are, alternating over the numbers of ranks.
#
# With more ranks than cores the clock tells how long a rank waited for a core: what an attempt costs is the processor time of each rank. It holds the
# messages, the decision, the scaling of velocities, and the spin of a waiting rank before it sleeps; so two ranks with a core
# each need least. deo and seo must not grow with the ladder. gibbs does, by its R^3 proposals: it is measured up to 16 ranks.
#
# Usage: tools/bench/exchange.sh [ATTEMPTS [TURNS]]   (default 1000 and 3; about 1 minute on 2 cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

attempts=${1:-1000}
turns=${2:-3}
build=${TEMPERA_BUILD:-build}
target=tests/bench/bench-exchange
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ninja -C "$build" "$target" >/dev/null

# least SCHEME RANKS NAME: the smallest figure of that name over the turns
least()
{
  awk -v scheme="$1" -v ranks="$2" -v name="$3" '$1 == scheme && $3 == ranks { for (i = 4; i < NF; ++i) if ($i == name && (!n++ || $(i + 1) < least)) least = $(i + 1) } END { print least }' \
    "$folder/times"
}

echo "$(nproc --all) cores, load average $(cut -d' ' -f1-3 /proc/loadavg)"
for ((turn = 0; turn < turns; ++turn)); do
  for ranks in 2 4 8 16 32 64; do
    mpirun -n "$ranks" "$build/$target" deo 66 "$attempts" | tee -a "$folder/times"
    if ((ranks <= 16)); then mpirun -n "$ranks" "$build/$target" gibbs 66 "$((attempts / 5))" | tee -a "$folder/times"; fi
  done
done
for ranks in 2 4 8 16 32 64; do echo "exchange_deo_us_at_$ranks: $(least deo "$ranks" processor_us)"; done
for ranks in 2 4 8 16; do echo "exchange_gibbs_us_at_$ranks: $(least gibbs "$ranks" processor_us)"; done
awk -v low="$(least deo 8 processor_us)" -v high="$(least deo 64 processor_us)" 'BEGIN { printf "exchange_growth_8_to_64: %.2f\n", high / low }'
