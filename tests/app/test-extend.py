"""A restart with another run.rounds: the run becomes longer or shorter, and is then bit for bit the run that had that length from its start."""

import os
import shutil

import h5py

from harness import expect, finish, run_ok, scratch, tempera
from restarting import expect_same, finished_run
from systems import ROUNDS

SHORT = 25  # no round of a report, of a checkpoint or of a trajectory frame
OTHER = ("/@parameters",)  # number of trainers differs

folder = scratch()


def length(rounds):
    return ("--set", f"run.rounds={rounds}")


def trainers(number):
    return ("--set", f"groups.trainers={number}")


def copy_of(source, name):
    copy = os.path.join(folder, name)
    shutil.copytree(source, copy)
    return copy


def contents(run):
    """Every file but the lock, with its bytes."""
    found = {}
    for path, _, names in os.walk(run):
        for name in set(names) - {"lock"}:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.join(path, name)] = file.read()
    return found


def no_leftovers(where):
    left = [name for _, _, names in os.walk(where) for name in names if name.endswith(".tmp")]
    expect(not left, f"{where}: left behind: {left}")


def extend(copy, number=1, what="extended"):
    result = run_ok(4 + number, "run", "input.yaml", "--restart", *trainers(number), folder=copy)
    expect(f"going on after round {SHORT} of {ROUNDS}" in result.out, f"{what}: {result}")
    no_leftovers(copy)
    return result


reference = os.path.join(folder, "reference")
finished_run("double-well", reference)
short = os.path.join(folder, "short")
finished_run("double-well", short, *length(SHORT))

# Longer, with 1 and 2 trainers. The files tell the parameters of the restart: those of the long run.
copy = copy_of(short, "one")
result = extend(copy)
expect(f"the run was of {SHORT} rounds: making its files longer" in result.out, f"{result}")
expect_same(reference, copy, "made longer")
copy = copy_of(short, "two")
extend(copy, 2)
expect_same(reference, copy, "made longer by 2 trainers", OTHER)

# Killed while the files were made anew: half files under temporary names, run.h5 longer already, trajectories not.
copy = copy_of(short, "killed")
for name in ("trajectory/rung-001.h5.tmp", "trajectory/rung-002.h5.tmp"):
    shutil.copy(os.path.join(copy, "run", "run.h5"), os.path.join(copy, "run", name))
    os.truncate(os.path.join(copy, "run", name), 20000)
for name in ("run.h5", "trajectory/rung-000.h5"):
    shutil.copy(os.path.join(reference, "run", name), os.path.join(copy, "run", name))
    with h5py.File(os.path.join(copy, "run", name), "r+") as file:
        for dataset, end in (("progress/rounds_written", SHORT), ("parameters/frames_written", SHORT // 3)):
            if dataset in file:
                file[dataset][:] = end
        for dataset, end in (("energy/value", SHORT), ("particles/trajectory/position/value", SHORT // 3)):
            if dataset in file:
                file[dataset][end:] = 77
extend(copy, what="killed between two files")
expect_same(reference, copy, "killed between two files")

# Longer and stopped: the run is not finished any more. Then its own used parameters know the new length.
copy = copy_of(short, "stopped")
run_ok(5, "run", "input.yaml", "--restart", "--max-hours", "0.001 s", folder=copy)
marks = sorted({"finished", "continue"} & set(os.listdir(os.path.join(copy, "run"))))
expect(marks == ["continue"], f"markers of a run that was made longer and stopped: {marks}")
run_ok(5, "run", "run/used-parameters.yaml", "--restart", "--set", "run.max_hours=0", folder=copy)
expect_same(reference, copy, "made longer and stopped", OTHER)

# From a run that was too short for a frame of a trajectory.
tiny = os.path.join(folder, "tiny")
finished_run("double-well", tiny, *length(2))
expect(not os.path.exists(os.path.join(tiny, "run", "trajectory")), "a run of 2 rounds has trajectories")
run_ok(5, "run", "input.yaml", "--restart", folder=tiny)
expect_same(reference, tiny, "made longer from 2 rounds")

# Particles in a box.
box, box_short = os.path.join(folder, "box"), os.path.join(folder, "box-short")
finished_run("lj-fluid", box)
finished_run("lj-fluid", box_short, *length(SHORT))
run_ok(4, "run", "input.yaml", "--restart", folder=box_short)
expect_same(box, box_short, "particles in a box, made longer")

# Shorter, and not below what is done. To go on from an older checkpoint does not undo what newer ones have done.
copy = copy_of(reference, "shorter")
os.remove(os.path.join(copy, "run", "checkpoints", f"round-{ROUNDS:012d}.h5"))
before = contents(os.path.join(copy, "run"))
for options in (["--restart"], ["--restart=run/checkpoints/round-000000000010.h5"]):
    result = tempera(5, "run", "input.yaml", *options, *length(29), folder=copy)
    expect(result.status == 2 and result.errors() == ["tempera: error: --set run.rounds=29: run.rounds: 29 is less than the 30 rounds that the "
                                                      "newest checkpoint has done"], f"below what is done: {result}")
expect(contents(os.path.join(copy, "run")) == before, "a refused restart changed the folder")
fresh = os.path.join(folder, "fresh")
finished_run("double-well", fresh, *length(34))
result = run_ok(5, "run", "input.yaml", "--restart", *length(34), folder=copy)
expect("making its files shorter" in result.out, f"{result}")
no_leftovers(copy)
expect_same(fresh, copy, "made shorter")

finish()
