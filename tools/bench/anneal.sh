#!/usr/bin/env bash
# Error of ln Z(lowest T) / Z(highest T) by replica exchange and MBAR, and by population annealing, at equal numbers of MD steps (one force
# evaluation each), against exact numbers (tests/reference): root mean square over seeds, and the same of the errors that each tells.
# Both start from the engine's start configurations and leave out what they take for equilibration; its steps count. An annealing has one free number
# that exchange has not, steps per temperature: the more steps the fewer members; several are shown.
#
# Usage: tools/bench/anneal.sh [SEEDS]   (10 seeds: about 3 minutes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

seeds=${1:-10}
tempera=$PWD/${TEMPERA_BUILD:-build}/src/tempera
python=/usr/bin/python3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# both NAME RUNGS ROUNDS EXACT "POPULATION STEPS TOP_ROUNDS"...: RUNGS x ROUNDS x 50 steps of exchange against annealings of as many
both()
{
  local name=$1 rungs=$2 rounds=$3 exact=$4 seed setting population length top
  shift 4
  for ((seed = 1; seed <= seeds; ++seed)); do
    local common=(--set "run.seed=$seed" --set "run.rounds=$rounds")
    mpirun -n $((rungs + 1)) "$tempera" run "$folder/$name.yaml" "${common[@]}" --set "run.folder=$folder/$name-$seed" >/dev/null
    "$tempera" analyze "$folder/$name-$seed" >/dev/null
    for setting in "$@"; do
      read -r population length top <<<"$setting"
      mpirun -n 2 "$tempera" anneal "$folder/$name.yaml" "${common[@]}" --set "anneal.population=$population" --set "anneal.steps=$length" \
        --set "anneal.top_rounds=$top" --set "run.folder=$folder/$name-$seed-${setting// /-}" >/dev/null 2>&1
    done
  done
  "$python" - "$folder/$name" "$seeds" "$exact" "$((rungs * rounds * 50))" "$@" <<'END'
import json
import sys

import h5py
import numpy as np

path, seeds, exact, steps, *settings = sys.argv[1:]
name = path.split("/")[-1].replace("-", "_")


def tell(what, answers):
    answers = np.array(answers)
    error = np.sqrt(((answers[:, 0] - float(exact)) ** 2).mean())
    print(f"{name}_{what}: rms error {error:.4f}, told {np.sqrt((answers[:, 1] ** 2).mean()):.4f}, mean deviation {answers[:, 0].mean() - float(exact):+.4f}")
    return error


mbar = []
for seed in range(1, int(seeds) + 1):
    with open(f"{path}-{seed}/analysis.json") as file:
        found = json.load(file)["mbar"]
    mbar.append((found["f"][-1] - found["f"][0], found["f_error"][-1]))
print(f"{name}: {steps} MD steps, exact {exact}, {seeds} seeds")
reference = tell("exchange", mbar)
for setting in settings:
    population, length, top = setting.split()
    annealed = []
    for seed in range(1, int(seeds) + 1):
        with h5py.File(f"{path}-{seed}-{population}-{length}-{top}/anneal.h5") as file:
            assert file["md_steps"][-1] == int(steps), file["md_steps"][-1]
            annealed.append((file["log_z"][-1], file["log_z_error"][-1]))
    error = tell(f"anneal_{population}_members_of_{length}_steps_{top}_top_rounds", annealed)
    print(f"{name}_anneal_{population}_over_exchange: {error / reference:.2f}")
END
}

cat >"$folder/double-well.yaml" <<'END'
run: {folder: run, rounds: 1}
engine: {kind: model, timestep: 0.01, friction: 1, model: {potential: asymmetric-double-well}}
ladder: {temperatures: [0.5, 0.6666666666666666, 1, 1.3333333333333333, 2, 4]}
exchange: {interval: 50}
training: {steps_per_round: 0}
output: {trajectory_interval: 0, report_interval: 1000, checkpoint_interval: 100000}
anneal: {effective: 0}
END
cat >"$folder/chiral-chain.yaml" <<'END'
run: {folder: run, rounds: 1}
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: chiral-chain, num_residues: 9}}
ladder: {temperatures: [1, 1.15, 1.3, 1.5, 1.75, 2.1, 2.5]}
exchange: {interval: 50}
training: {steps_per_round: 0}
output: {trajectory_interval: 0, report_interval: 1000, checkpoint_interval: 100000}
anneal: {effective: 0}
END
echo "$(nproc --all) cores, load average $(cut -d' ' -f1-3 /proc/loadavg)"
# The chain starts in its wells: 10 x 50 steps at the top leave it there, which no error bar tells.
both double-well 6 2000 -0.703846 "800 50 10" "200 200 10"
both chiral-chain 7 2400 32.732229 "1050 50 10" "300 50 50" "210 250 10"
