#!/usr/bin/env bash
# Runs that are killed again and again, by SIGKILL of a random rank or of mpirun at a random moment, many while a checkpoint is written.
# Each must come to its end with the results of an uninterrupted run, lose no complete checkpoint, and leave readable files at every kill.
# The last line is "survived: N/N"; the status is 0 only if all did. The same code as the test `app fault-storm`.
#
# Usage: tools/bench/fault-storm.sh [RUNS [SEED]]   (default 200 and 1; about 5 s for each run on 2 cores)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

runs=${1:-200}
seed=${2:-1}
python=/usr/bin/python3 # the system's own has h5py
[[ -x $python ]] || python=python3

export PYTHONPATH=tests/app PYTHONDONTWRITEBYTECODE=1
"$python" - "${TEMPERA:-build/src/tempera}" . "$runs" "$seed" <<'TEXT'
import sys

from harness import scratch
from storm import Storm

runs, seed = int(sys.argv[3]), int(sys.argv[4])
storm = Storm(scratch(), seed)
for _ in range(runs):
    told = len(storm.complaints)
    storm.one()
    print(*storm.complaints[told:], sep="\n", end="\n" if len(storm.complaints) > told else "", flush=True)
    if storm.runs % 10 == 0:
        print(f"{storm.runs} runs, {storm.summary()}", flush=True)
print(storm.summary())
print(f"survived: {storm.survived}/{storm.runs}")
sys.exit(storm.survived != runs)
TEXT
