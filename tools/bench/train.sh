#!/usr/bin/env bash
# Speed of learning and sampling on one thread, beside the processor's peak of fused multiply-adds, beside BLAS on the same matrix products, and beside PyTorch where
# it is installed (Debian: python3-torch; nothing else needs it); then two ranks beside one. All sides take turns in one run: processor time, medians over the turns,
# ratios of what was measured right after each other. Ends with `name: value` lines. tools/bench/train.py says what each is.
#
# Usage: tools/bench/train.sh [TURNS]   (default 7: about 4 minutes on a quiet machine)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
build=${TEMPERA_BUILD:-build}
ninja -C "$build" tests/bench/bench-network tests/bench/bench-trainer >/dev/null
exec /usr/bin/python3 tools/bench/train.py "$build/tests/bench" "${1:-7}"
