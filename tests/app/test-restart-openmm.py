"""n rounds are k rounds, a restart, and n - k rounds with OpenMM too, on its Reference platform and, with deterministic forces, on its CPU platform;
likewise with another number of trainers."""

import os

from harness import expect, finish, has_openmm, inputs, run_ok, scratch, skip
from restarting import cut_run, expect_same
from systems import ROUNDS, TRAINING_BEGINS

SETTINGS = {
    "run.folder": "run",
    "run.rounds": ROUNDS,
    "exchange.interval": 5,
    "ladder.temperatures": "[300 K, 347 K, 402 K]",
    "training.hold_out": "[347 K]",
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

if not has_openmm():
    skip("built without OpenMM")

folder = scratch()
options = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]


def check(name, points, *platform):
    """A run, and copies of it that go on after some rounds with some trainers."""
    arguments = ("run", inputs("alanine-dipeptide.yaml"), *options, *platform)
    source = os.path.join(folder, name)
    os.makedirs(source)
    run_ok(4, *arguments, folder=source)
    for rounds, trainers in points:
        copy = f"{source}-{rounds}"
        cut_run(source, copy, rounds)
        run_ok(3 + trainers, *arguments, "--restart", "--set", f"groups.trainers={trainers}", folder=copy)
        expect_same(source, copy, f"{name}, stopped after {rounds} rounds", ("/@parameters",) if trainers > 1 else ())


check("Reference", ((2, 1), (TRAINING_BEGINS, 1), (27, 2)))
check("CPU", ((17, 1),), "--set", "engine.openmm.platform=CPU", "--set", "engine.openmm.deterministic=true")
finish()
