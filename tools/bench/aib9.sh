#!/usr/bin/env bash
# The achiral peptide of input/aib9.yaml at 513 K, which is held out of training: are left and right helices as frequent as each other, in the MD and in
# the generated ensemble? How far the model is from the MD, residue by residue beside the MD's own halves, the run prints itself.
#
# The errors of populations are those of the jackknife over walkers: a helix turns over in hundreds of rounds of a walker, much longer than a rung's own
# series tells, which many walkers pass through. The model learns from the same MD and can't know more than it.
#
# Usage: tools/bench/aib9.sh FOLDER ROUNDS [tempera run's options ...]   (needs `tools/build`; 20,000 rounds: a night on 2 cores)
# A run that is there already goes on to ROUNDS; --max-hours stops it before, and the same command goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

folder=${1:?"the folder of the run is missing: tools/bench/aib9.sh FOLDER ROUNDS"}
rounds=${2:?"the number of rounds is missing: tools/bench/aib9.sh FOLDER ROUNDS"}
shift 2
tempera=${TEMPERA_BUILD:-build}/src/tempera
restart=()
[[ ! -e $folder/used-parameters.yaml ]] || restart=(--restart)

mpirun -n 12 "$tempera" run input/aib9.yaml --set "run.folder=$folder" --set "run.rounds=$rounds" "${restart[@]}" "$@"
if [[ ! -e $folder/finished ]]; then exit; fi

/usr/bin/python3 - "$folder" <<'END'
import sys

import h5py
import numpy as np

FIRST_SHARE = 0.1  # of the rounds, left out: walkers begin in a helix
ALLOWED = 2.0  # standard errors


def wrapped(angles):
    return (angles + np.pi) % (2 * np.pi) - np.pi


with h5py.File(f"{sys.argv[1]}/run.h5") as file:
    rounds = int(file["progress/rounds_written"][()])
    names = [name.decode() for name in file["features/name"]]
    temperature = file["ladder/temperature"][:]
    first = int(FIRST_SHARE * rounds)
    with h5py.File(f"{sys.argv[1]}/evaluation.h5") as found:
        rung = int(found["reference_rung"][0])
        samples = wrapped(found["samples"][0].astype(float))
        model, halves = found["divergence/model"][0], found["divergence/halves"][0]
    md = wrapped(file["features/value"][first:rounds, rung].astype(float))
    walker = file["exchange/walker"][first:rounds, rung]

phi = [i for i, name in enumerate(names) if name.startswith("phi")]
walkers = np.unique(walker)


def jackknife(frames):
    """Standard error of the mean of [frames, ...], walkers left out one by one."""
    without = np.array([frames[walker != w].mean(axis=0) for w in walkers])
    return np.sqrt((len(walkers) - 1) * without.var(axis=0))


positive = (md[:, phi] > 0).astype(float)
share, error = positive.mean(axis=0), jackknife(positive)
generated = (samples[:, phi] > 0).mean(axis=0)
print(f"{rounds} rounds, {first} left out; {temperature[rung]:.0f} K; P(phi > 0) by symmetry 0.5")
for i, feature in enumerate(phi):
    print(f"{names[feature]:6} P(phi > 0): MD {share[i]:.3f} +- {error[i]:.3f}, model {generated[i]:.3f}")

# both helices: how far the mean over residues is from a half
whole = positive.mean(axis=1)
of_md, of_model, deviation = whole.mean(), generated.mean(), float(jackknife(whole))
print(f"left_share_md: {of_md:.3f} +- {deviation:.3f}")
print(f"left_share_model: {of_model:.3f}, {abs(of_model - 0.5) / deviation:.2f} of the MD's standard errors from 0.5 ({ALLOWED:g} at most)")
print(f"worst_divergence_ratio: {np.max(model / halves):.2f}")
END
