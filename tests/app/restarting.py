"""What the tests of restarts share: a finished run, and a copy of it cut off after some round."""

import glob
import os
import shutil

import h5py

from compare import run_differences
from harness import expect, run_ok
from systems import ROUNDS, write_system


def finished_run(name, folder, *options, trainers=1):
    """Run the system in `folder`, from its first round to its last; returns the number of ranks."""
    os.makedirs(folder)
    ranks = write_system(name, folder) + trainers
    run_ok(ranks, "run", "input.yaml", "--set", f"groups.trainers={trainers}", *options, folder=folder)
    return ranks


def checkpoint(rounds):
    return os.path.join("run", "checkpoints", f"round-{rounds:012d}.h5")


# Datasets of run.h5 with a row for every n-th round.
_ROWS = ("/energy/", "/temperature/", "/features/value", "/exchange/", "/training/")


def _spoil(path, first_row_of):
    """Overwrite what lies behind the cut: a restart that left it there would be seen."""
    with h5py.File(path, "r+") as file:

        def visit(_, item):
            if isinstance(item, h5py.Dataset) and item.ndim and (first := first_row_of(item)) < len(item):
                item[first:] = 77

        file.visititems(visit)


def cut_run(source, folder, rounds):
    """A copy of a finished run as if it had been killed soon after the checkpoint of `rounds`, with rubbish behind it."""
    shutil.copytree(source, folder)
    run = os.path.join(folder, "run")
    for name in ("finished", "model.h5", "evaluation.h5"):
        os.remove(os.path.join(run, name))
    for later in range(rounds + 1, ROUNDS + 1):
        if os.path.exists(os.path.join(folder, checkpoint(later))):
            os.remove(os.path.join(folder, checkpoint(later)))
    _spoil(os.path.join(run, "run.h5"), lambda d: rounds // (ROUNDS // len(d)) if d.name.startswith(_ROWS) else len(d))
    with h5py.File(os.path.join(run, "run.h5")) as file:
        end = rounds * file.attrs["steps_per_round"]
    for path in glob.glob(os.path.join(run, "trajectory", "*.h5")):
        with h5py.File(path) as file:
            frames = file["particles/trajectory/position/step"][()]
        _spoil(path, lambda d: int((frames <= end).sum()) if d.name.endswith("/value") else len(d))


def expect_same(reference, folder, what, ignore=(), metrics=True):
    found = run_differences(os.path.join(reference, "run"), os.path.join(folder, "run"), ignore, metrics)
    expect(not found, f"{what}: {len(found)} differences:\n  " + "\n  ".join(found[:12]))
