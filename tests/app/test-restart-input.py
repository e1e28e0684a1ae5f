"""A restart keeps the physics and the model, and may change the rest; a damaged checkpoint gives way to the one before it."""

import os
import shutil

import h5py

from compare import run_differences
from harness import expect, finish, run_ok, scratch, tempera
from restarting import checkpoint, cut_run, expect_same, finished_run
from systems import ROUNDS

EVERY = ("--set", "output.checkpoint_interval=1")
AT = 20

folder = scratch()
source = os.path.join(folder, "source")
ranks = finished_run("double-well", source, *EVERY)


def files(run):
    """Everything in the folder with its bytes, but the lock."""
    found = {}
    for path, _, names in os.walk(run):
        for name in names:
            if name != "lock":
                with open(os.path.join(path, name), "rb") as file:
                    found[os.path.join(path, name)] = file.read()
    return found


# ---------------------------------------------------------------------------------------------------- what must not change

REFUSED = {
    "engine.timestep": "0.021",
    "engine.friction": "2",
    "engine.model.barrier": "4.5",
    "ladder.temperatures": "[0.5, 1, 2, 4.1]",
    "run.seed": "12",
    "exchange.interval": "21",
    "exchange.scheme": "seo",
    "network.width": "20",
    "training.learning_rate": "1e-3",
    "training.hold_out": "[2]",
    "features.label": "bath",
    "diffusion.schedule": "linear",
    "stream.shards": "2",
    "output.energy_interval": "2",
    "output.feature_interval": "2",
    "run.rounds": "19",
}

# All other keys of the section; a new key must be put into one of the two lists.
OUTPUT = {
    "output.report_interval": "7",
    "output.checkpoint_interval": "9",
    "output.keep_checkpoints": "3",
    "output.trajectory_interval": "5",
    "output.trajectories": "both",
    "output.velocities": "false",
}
keys = {line.split("`")[1] for line in run_ok(0, "--reference", folder=folder).out.splitlines() if line.startswith("| `output.")}
expect(len(keys) >= 8, f"the keys of output are {sorted(keys)}")
expect(keys == set(OUTPUT) | {key for key in REFUSED if key.startswith("output.")}, f"a restart is not tried with all of {sorted(keys)}")

copy = os.path.join(folder, "refused")
cut_run(source, copy, AT)
before = files(os.path.join(copy, "run"))
for key, value in REFUSED.items():
    result = tempera(ranks, "run", "input.yaml", "--restart", "--set", f"{key}={value}", folder=copy)
    errors = result.errors()
    expect(result.status == 2, f"{key}: {result}")
    expect(len(errors) == 1 and key in errors[0], f"{key}: {result}")
    expect("round" not in result.out, f"{key}: a run began: {result}")
expect(files(os.path.join(copy, "run")) == before, "a refused restart changed the folder")

# ----------------------------------------------------------------------------------------------------------- what may change

run_ok(ranks + 1, "run", "input.yaml", "--restart", "--set", "output.report_interval=7", "--set", "stream.max_lag=1", "--set",
       "groups.trainers=2", "--set", "output.checkpoint_interval=9", folder=copy)
expect_same(source, copy, "other intervals, lag and number of trainers", ("/@parameters",), metrics=False)

copy = os.path.join(folder, "output")
cut_run(source, copy, AT)
run_ok(ranks, "run", "input.yaml", "--restart", *[word for key, value in OUTPUT.items() for word in ("--set", f"{key}={value}")], folder=copy)
found = run_differences(os.path.join(source, "run"), os.path.join(copy, "run"), ("/@parameters",), metrics=False)
expect(not [line for line in found if not line.startswith("rung-")], f"other output changes more than trajectories: {found}")
expect(any(line.startswith("rung-") for line in found), "another interval leaves the trajectories as they were")

# ------------------------------------------------------------------------------------------------------------ damaged files


def flip(path, place):
    """One bit of one byte."""
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


def place_of(path, name):
    """Where the data of a dataset begins in the file."""
    with h5py.File(path, "r") as file:
        data = file[name][()].tobytes()
    with open(path, "rb") as file:
        return file.read().index(data)


for what in ("states", "moment2", "header", "truncated"):
    copy = os.path.join(folder, what)
    cut_run(source, copy, AT)
    newest = os.path.join(copy, checkpoint(AT))
    size = os.path.getsize(newest)
    if what == "truncated":
        os.truncate(newest, size - 1)
    else:
        flip(newest, {"states": place_of(newest, "/states") + 9, "moment2": place_of(newest, "/trainer/moment2") + 402,
                      "header": 4096 + 20}[what])
    result = run_ok(ranks, "run", "input.yaml", "--restart", *EVERY, folder=copy)
    expect(f"round-{AT:012d}.h5" in result.out + result.err and "trying the checkpoint before it" in result.out + result.err,
           f"{what}: no warning: {result}")
    expect(f"going on after round {AT - 1} of {ROUNDS}" in result.out, f"{what}: {result}")
    expect_same(source, copy, f"a checkpoint with damage: {what}")
    shutil.rmtree(copy)

copy = os.path.join(folder, "nothing-whole")
cut_run(source, copy, 2)
for rounds in (1, 2):
    flip(os.path.join(copy, checkpoint(rounds)), 5000)
result = tempera(ranks, "run", "input.yaml", "--restart", folder=copy)
expect(result.status == 2 and len(result.errors()) == 1 and "no whole checkpoint" in result.errors()[0], f"{result}")

# Killed before its first checkpoint a run begins again, if it is the same; one that had checkpoints is not written over.
copy = os.path.join(folder, "before-the-first")
cut_run(source, copy, 0)
result = tempera(ranks, "run", "input.yaml", "--restart", folder=copy)
expect(result.status == 2 and len(result.errors()) == 1 and "no whole checkpoint" in result.errors()[0], f"checkpoints taken away: {result}")
with h5py.File(os.path.join(copy, "run", "run.h5"), "r+") as file:
    file["progress/rounds_written"][0] = 0
result = tempera(ranks, "run", "input.yaml", "--restart", "--set", "run.seed=12", folder=copy)
expect(result.status == 2 and len(result.errors()) == 1 and "run.seed" in result.errors()[0], f"another seed: {result}")
result = run_ok(ranks, "run", "input.yaml", "--restart", *EVERY, folder=copy)
expect("begins again" in result.out, f"no word of beginning again: {result}")
expect_same(source, copy, "begun again before the first checkpoint")

finish()
