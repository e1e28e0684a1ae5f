"""What the tests of restarts share: a finished run, and a copy of it cut off after some round."""

import glob
import os
import shutil

import h5py

from compare import run_differences
from harness import expect, run_ok
from systems import ROUNDS, TRAINING_BEGINS, write_system


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
        if os.path.exists(os.path.join(run, name)):  # a run that learns nothing has but the first
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


# A shipped molecular input made short, with everything a run can do; stops may lie before, at and after the beginning of training.
SHORT = {
    "run.folder": "run",
    "run.rounds": ROUNDS,
    "exchange.interval": 5,
    "training.start_round": 4,
    "training.scale_rounds": 8,
    "training.steps_per_round": 2,
    "training.batch": 32,
    "network.width": 16,
    "network.depth": 2,
    "network.embedding": 8,
    "diffusion.times": 50,
    "diffusion.steps": 10,
    "output.report_interval": 6,
    "output.checkpoint_interval": 1,
    "output.keep_checkpoints": 100,
    "output.trajectory_interval": 3,
    "output.velocities": "true",
    "evaluation.samples": 500,
    "evaluation.bins": 12,
    "evaluation.pair_bins": 12,
}


def short_run(path, more):
    """Words of the command line that run the input at `path` so."""
    return ("run", path, *[word for key, value in {**SHORT, **more}.items() for word in ("--set", f"{key}={value}")])


def expect_restarts(arguments, rungs, folder, points=((2, 1), (TRAINING_BEGINS, 1), (27, 2))):
    """The run, cut off after several numbers of rounds, goes on with a number of trainers each to the same bits."""
    source = os.path.join(folder, "source")
    os.makedirs(source)
    run_ok(rungs + 1, *arguments, folder=source)
    for rounds, trainers in points:
        copy = os.path.join(folder, str(rounds))
        cut_run(source, copy, rounds)
        run_ok(rungs + trainers, *arguments, "--restart", "--set", f"groups.trainers={trainers}", folder=copy)
        expect_same(source, copy, f"stopped after {rounds} rounds", ("/@parameters",) if trainers > 1 else ())
