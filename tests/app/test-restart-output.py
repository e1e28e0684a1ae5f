"""A restart with other output: trajectories change their interval and their content, stop and begin again. Each frame is, bit for bit, that of a run
which keeps all; nothing that was kept is lost; nothing else changes."""

import glob
import os

import h5py
import numpy

from harness import expect, finish, run_ok, scratch
from restarting import cut_run, expect_same, finished_run
from systems import ROUNDS

PARTICLES = "particles/trajectory/"
SYSTEM, STEPS = "lj-fluid", 10  # of a round
EVERY = ("--set", "output.checkpoint_interval=1")

# First round, interval, velocities, number of trainers. The first stretch is the systems' own input. Two begin right behind a frame; one changes
# nothing but the velocities.
STRETCHES = ((0, 3, True, 1), (15, 4, False, 1), (22, 5, True, 2), (27, 0, True, 1), (33, 2, False, 1), (36, 2, True, 3), (38, 2, False, 1))

folder = scratch()


def output(interval, velocities):
    return ("--set", f"output.trajectory_interval={interval}", "--set", f"output.velocities={str(velocities).lower()}")


def expected_frames():
    """Round and velocities of each frame that is to be there."""
    ends = [first for first, *_ in STRETCHES[1:]] + [ROUNDS]
    return [(round_, velocities) for (first, interval, velocities, _), end in zip(STRETCHES, ends)
            for round_ in range(first + 1, end + 1) if interval and round_ % interval == 0]


def same_bits(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def check_trajectory(name, whole, mine):
    """A file with the frames expected, against one that has a frame in every round."""
    frames = expected_frames()
    rows = [round_ - 1 for round_, _ in frames]
    with_velocities = numpy.array([velocities for _, velocities in frames])
    with h5py.File(whole) as a, h5py.File(mine) as b:
        found = (b[PARTICLES + "position/step"][()] // STEPS).tolist()
        if not expect(found == [round_ for round_, _ in frames], f"{name}: frames of rounds {found}"):
            return
        expect(b["parameters/frames_written"][0] == len(frames), f"{name}: {b['parameters/frames_written'][0]} of {len(frames)} frames written")
        same = ["position/value", "position/time"] + ["box/edges/value"] * ("edges" in a[PARTICLES + "box"])
        for dataset in [PARTICLES + end for end in same] + ["observables/potential_energy/value", "observables/walker/value"]:
            expect(same_bits(a[dataset][()][rows], b[dataset][()]), f"{name}: {dataset} differs")
        mine_v, whole_v = b[PARTICLES + "velocity/value"][()], a[PARTICLES + "velocity/value"][()][rows]
        expect(same_bits(mine_v[with_velocities], whole_v[with_velocities]), f"{name}: velocities differ")
        expect(numpy.isnan(mine_v[~with_velocities]).all(), f"{name}: velocities that were not to be kept are there")
        expect(len(a[PARTICLES + "mass"]) == mine_v.shape[1], f"{name}: {mine_v.shape[1]} particles")


whole, plain = os.path.join(folder, "whole"), os.path.join(folder, "plain")
finished_run(SYSTEM, whole, *EVERY, *output(1, True))
finished_run(SYSTEM, plain, *EVERY, *output(0, False))
expect(not os.path.exists(os.path.join(plain, "run", "trajectory")), "trajectories that nobody asked for")
last, before = os.path.join(folder, "0"), (3, True)
ranks = finished_run(SYSTEM, last, *EVERY)
for first, interval, velocities, trainers in STRETCHES[1:]:
    copy = os.path.join(folder, str(first))
    cut_run(last, copy, first)
    result = run_ok(ranks - 1 + trainers, "run", "input.yaml", "--restart", *EVERY, *output(interval, velocities), "--set",
                    f"groups.trainers={trainers}", folder=copy)
    other = interval != before[0] or (before[1] and not velocities)
    expect(("trajectories are made anew" in result.out) == other, f"{before}, then {interval}, {velocities}: {result}")
    last, before = copy, (interval, velocities)
expect_same(plain, last, f"output changed {len(STRETCHES) - 1} times", ("/@parameters",))
run = os.path.join(last, "run")
expect(not glob.glob(os.path.join(run, "**", "*.tmp"), recursive=True), "half files are left")
for rung in range(ranks - 1):
    name = os.path.join("trajectory", f"rung-{rung:03d}.h5")
    run_ok(0, "info", os.path.join(run, name), folder=folder)
    check_trajectory(name, os.path.join(whole, "run", name), os.path.join(run, name))


finish()
