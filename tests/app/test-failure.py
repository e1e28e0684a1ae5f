"""A run that goes wrong: all ranks stop with one line and status 1 (2 where atoms were lost), the evidence is kept, the last checkpoint is whole."""

import glob
import os
import re

import h5py
import numpy

from harness import *

INPUT = """run: {{folder: run, rounds: 2000, seed: 3}}
groups: {{trainers: {trainers}}}
engine: {{kind: model, timestep: {timestep}, friction: 1, model: {{potential: double-well}}}}
ladder: {{temperatures: [0.2, 0.4, {hottest}]}}
exchange: {{interval: 10, scheme: none}}
training: {{batch: 16, scale_rounds: 10, learning_rate: {rate}}}
network: {{width: 8, depth: {depth}, embedding: 4}}
output: {{report_interval: 7, checkpoint_interval: 5, trajectory_interval: 3}}
"""

folder = scratch()


def begin(name, trainers=1, timestep=0.02, hottest=0.8, rate=1e-3, depth=1):
    where = os.path.join(folder, name)
    os.mkdir(where)
    with open(os.path.join(where, "input.yaml"), "w") as file:
        file.write(INPUT.format(trainers=trainers, timestep=timestep, hottest=hottest, rate=rate, depth=depth))
    return where


def not_finite(path):
    """Names of the datasets that hold a number that is not finite."""
    found = []

    def look(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and not numpy.isfinite(item[()]).all():
            found.append(name)

    with h5py.File(path) as file:
        file.visititems(look)
    return found


def expect_stopped(what, result, status=1):
    lines = result.errors()
    expect(result.status == status, f"{what}: expected status {status}: {result}")
    if not expect(len(lines) == 1, f"{what}: expected one line: {result}"):
        finish()
    expect("PETSC ERROR" not in result.err, f"{what}: a traceback for what a user has to see: {result.err}")
    return lines[0]


def expect_good_checkpoints(what, where):
    """All checkpoints are whole and finite; returns the rounds of the newest."""
    checkpoints = sorted(glob.glob(os.path.join(where, "run", "checkpoints", "*")))
    if not expect(checkpoints, f"{what}: there is no checkpoint"):
        finish()
    for path in checkpoints:
        expect(re.search(r"round-\d{12}\.h5$", path), f"{what}: {path} is left behind")
        run_ok(0, "info", path, folder=where)
        expect(not not_finite(path), f"{what}: {path} holds numbers that are not finite: {not_finite(path)}")
    return int(re.search(r"(\d+)\.h5", checkpoints[-1]).group(1))


def explosion(trainers):
    """A time step that the double well bears near its minima, but not where only the hottest rung comes to: that rung explodes after a while."""
    what = f"explosion, {trainers} trainers"
    where = begin(f"explosion{trainers}", trainers, timestep=0.2, hottest=2)
    line = expect_stopped(what, tempera(3 + trainers, "run", "input.yaml", folder=where, timeout=120))
    match = re.search(r"round (\d+): the configuration at rung (\d+), walker (\d+), became not finite in MD steps (\d+) to (\d+); "
                      r"all states are in (\S+);", line)
    if not expect(match, f"{what}: the line does not tell round, rung, walker, steps and file: {line}"):
        finish()
    round_, rung, walker, first, last = (int(word) for word in match.groups()[:5])
    expect(round_ > 12, f"{what}: the run was to survive the first rounds: {line}")
    expect((rung, walker) == (2, 2), f"{what}: rung and walker 2 were to explode: {line}")
    expect((first, last) == (10 * (round_ - 1), 10 * round_), f"{what}: the steps are not those of the round: {line}")
    dump = os.path.join(where, match.group(6))
    expect("whole: " in run_ok(0, "info", dump, folder=where).out, f"{what}: the states set aside are not whole")
    with h5py.File(dump) as file:
        finite = [bool(numpy.isfinite(state).all()) for state in file["states"]]
    expect(finite == [True, True, False], f"{what}: finite states in {dump}: {finite}")
    newest = expect_good_checkpoints(what, where)
    expect(newest == (round_ - 1) // 5 * 5, f"{what}: newest checkpoint after {newest} rounds, failed in round {round_}")
    with h5py.File(os.path.join(where, "run", "run.h5")) as file:
        written = int(file["progress/rounds_written"][0])
        expect(written == round_ - 1, f"{what}: {written} rounds written, failed in round {round_}")
        expect(numpy.isfinite(file["energy/value"][:written]).all(), f"{what}: energies that are not finite were recorded")
    expect(not [name for name in os.listdir(os.path.join(where, "run")) if name in ("finished", "continue")], f"{what}: a marker tells of an end")
    again = tempera(3 + trainers, "run", "run/used-parameters.yaml", "--restart", folder=where, timeout=120)
    expect(match.group(0) in expect_stopped(what, again), f"{what}: the restart fails otherwise: {again.errors()}")
    return line


def divergence(rate, depth):
    """A learning rate that makes loss or gradient overflow, with a checkpoint after every round: none holds what came of it."""
    what = f"divergence at depth {depth}"
    where = begin(f"divergence{depth}", rate=rate, depth=depth)
    every_round = ["--set", "output.checkpoint_interval=1", "--set", "output.keep_checkpoints=100", "--set", "run.rounds=60"]
    line = expect_stopped(what, tempera(4, "run", "input.yaml", *every_round, folder=where, timeout=120))
    match = re.search(r"training: the loss is .* at step (\d+);.* lower training.learning_rate", line)
    if expect(match, f"{what}: the line does not tell of the loss and the step: {line}"):
        newest = expect_good_checkpoints(what, where)
        expect(newest == 9 + int(match.group(1)), f"{what}: newest checkpoint after {newest} rounds, training began in round 10: {line}")


def lost_atoms():
    """LAMMPS's own error on one rank, which it would answer by ending the program there and letting the others wait: a warning has its words."""
    what, where = "lost atoms", os.path.join(folder, "lost")
    os.mkdir(where)
    with open(os.path.join(where, "in.gas"), "w") as file:
        file.write("units lj\natom_style atomic\nboundary f f f\nlattice sc 1.0 origin 0.5 0.5 0.5\nregion r block 0 10 0 10 0 10\ncreate_box 1 r\ncreate_atoms 1 box\n"
                   "mass 1 1.0\npair_style zero 0.5\npair_coeff * *\nneigh_modify every 1 delay 0 check yes\n")
    with open(os.path.join(where, "input.yaml"), "w") as file:
        file.write("""run: {folder: run, rounds: 40, seed: 1}
engine: {kind: lammps, timestep: 0.005, friction: 1, lammps: {script: in.gas, units: lj}}
ladder: {temperatures: [1.0e-6, 100]}
exchange: {interval: 50, scheme: none}
features: {distances: [[0, 1]]}
training: {steps_per_round: 0}
""")
    result = tempera(3, "run", "input.yaml", folder=where, timeout=120)
    line = expect_stopped(what, result, status=2)
    match = re.search(r"round 1: the configuration at rung 1, walker 1, lost atoms in MD steps 0 to 50; all states are in (\S+);.* a smaller engine.timestep", line)
    if expect(match, f"{what}: {line}"):
        expect("whole: " in run_ok(0, "info", os.path.join(where, match.group(1)), folder=where).out, f"{what}: the states set aside are not whole")
    warnings = [line for line in result.err.splitlines() if line.startswith("tempera: warning: ")]
    expect(len(warnings) == 1 and "LAMMPS: Lost atoms: original 1000 current " in warnings[0], f"{what}: {warnings}")


def lock():
    """Two runs in one folder: the second one is refused, the first one goes on."""
    where = begin("lock")
    set_rounds = ["--set", "run.rounds=500000", "--set", "output.checkpoint_interval=1000"]
    first = start(4, "run", "input.yaml", *set_rounds, folder=where)
    wait_for(lambda: glob.glob(os.path.join(where, "run", "checkpoints", "*.h5")), 120, "the first checkpoint")
    second = tempera(4, "run", "input.yaml", *set_rounds, "--restart", folder=where, timeout=120)
    expect(second.status == 2 and len(second.errors()) == 1 and "another run is at work" in second.errors()[0], f"the second run: {second}")
    third = tempera(4, "run", "input.yaml", folder=where, timeout=120)
    expect(third.status == 2 and "holds a run already" in third.errors()[0], f"a new run in the folder: {third}")
    expect(first.poll() is None, "the first run did not survive the second")
    with open(os.path.join(where, "run", "stop"), "w"):
        pass
    out, err = first.communicate(timeout=120)
    expect(first.returncode == 0, f"the first run ended with {first.returncode}: {out} {err}")


def same_line():
    lines = [explosion(trainers) for trainers in (1, 2)]
    expect(lines[0] == lines[1], f"1 and 2 trainers tell of different failures: {lines}")


same_line()
divergence(rate=10, depth=24)  # the loss overflows first
divergence(rate=1, depth=12)  # the gradient does
if has_lammps():
    lost_atoms()
lock()
finish()
