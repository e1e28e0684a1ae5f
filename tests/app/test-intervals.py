"""Energies, frames, trajectories and checkpoints at intervals of their own: what is kept are rows of a run that keeps everything, the simulation is
the same, and what is learned from is what is kept, over restarts and for any number of trainers.
"""

import os

import h5py
import numpy

from harness import expect, finish, run_ok, scratch, tempera
from restarting import cut_run, expect_same, finished_run
from systems import ROUNDS

ENERGY, FRAME = 2, 6  # the systems' reports come every 6 rounds, their trajectory frames every 3
SETTINGS = ("--set", f"output.energy_interval={ENERGY}", "--set", f"output.feature_interval={FRAME}", "--set", "output.checkpoint_interval=1",
            "--set", "output.report_interval=7")
EVERY_ROUND = ("exchange/walker", "exchange/partner", "exchange/accepted", "exchange/probability")


def read(where, *names):
    with h5py.File(os.path.join(where, "run", "run.h5")) as file:
        return [file[name][()] for name in names]


def expect_rows(some, all_of_them, interval, what):
    expect(some.shape[0] == ROUNDS // interval and numpy.array_equal(some, all_of_them[interval - 1::interval]), f"{what}: not every {interval}th row")


folder = scratch()
everything, sparse = os.path.join(folder, "everything"), os.path.join(folder, "sparse")
ranks = finished_run("double-well", everything)
finished_run("double-well", sparse, *SETTINGS)

for name in EVERY_ROUND:
    expect_rows(*read(sparse, name), *read(everything, name), 1, name)
for name, interval in (("energy/value", ENERGY), ("temperature/kinetic", ENERGY), ("temperature/label", FRAME), ("features/value", FRAME)):
    expect_rows(*read(sparse, name), *read(everything, name), interval, name)
with h5py.File(os.path.join(sparse, "run", "run.h5")) as file:
    expect((file.attrs["energy_interval"], file.attrs["feature_interval"]) == (ENERGY, FRAME), "run.h5 does not tell its intervals")
expect(numpy.isfinite(read(sparse, "training/loss")[0]).sum() > 10, "nothing was learned")
for k in range(ranks - 1):
    with h5py.File(os.path.join(everything, "run", "trajectory", f"rung-{k:03d}.h5")) as a, \
            h5py.File(os.path.join(sparse, "run", "trajectory", f"rung-{k:03d}.h5")) as b:
        name = "particles/trajectory/position/value"
        expect(a[name].shape[0] == ROUNDS // 3 and numpy.array_equal(a[name][()], b[name][()]), f"trajectory of rung {k} is another")
expect(f"{ROUNDS} of {ROUNDS} rounds written" in run_ok(0, "info", "run/run.h5", folder=sparse).out, "info counts rows, not rounds")

# Energies of every round stay, whatever the other intervals are: that is what reduced potentials are made of.
frames = os.path.join(folder, "frames")
finished_run("double-well", frames, "--set", "output.feature_interval=10", "--set", "output.trajectory_interval=0", trainers=3)
beta, energy, whole = *read(frames, "ladder/beta", "energy/value"), read(everything, "energy/value")[0]
expect(numpy.array_equal(energy, whole), "energies of every round are not there")
expect(numpy.allclose(beta, 1 / numpy.array([0.5, 1, 2, 4]), rtol=1e-14), f"beta is {beta}")

# Restarts at, before and behind a frame that is kept; before and after training begins; other trainers.
for rounds, trainers in ((5, 2), (6, 3), (31, 1)):
    copy = f"{sparse}-{rounds}"
    cut_run(sparse, copy, rounds)
    run_ok(ranks - 1 + trainers, "run", "input.yaml", "--restart", *SETTINGS, "--set", f"groups.trainers={trainers}", folder=copy)
    expect_same(sparse, copy, f"stopped after {rounds} rounds, then {trainers} trainers", ("/@parameters",), metrics=False)

# Longer: the rows so far move into files of another size.
longer = os.path.join(folder, "longer")
cut_run(sparse, longer, 31)
run_ok(ranks, "run", "input.yaml", "--restart", *SETTINGS, "--set", f"run.rounds={ROUNDS + 7}", folder=longer)
for name in ("energy/value", "features/value", "exchange/walker", "training/loss"):
    expect(numpy.array_equal(read(longer, name)[0][:len(read(sparse, name)[0])], read(sparse, name)[0], equal_nan=True), f"longer: {name}")

result = tempera(ranks, "run", "input.yaml", *SETTINGS, "--set", "output.feature_interval=5", "--set", "run.folder=bad", folder=everything)
expect(result.status == 2 and len(result.errors()) == 1 and "output.feature_interval: 5 is not a multiple of output.energy_interval, 2" in result.err,
       f"a frame without its energy: {result}")
finish()
