"""The number of trainers is nothing but speed: simulation, samples and weights have the same bits for 1, 2, 3 and 4 trainers, and over restarts
that change it; with training.reduce: allreduce the weights agree to rounding."""

import os

import h5py
import numpy

from compare import run_differences
from harness import expect, finish, run_ok, scratch
from restarting import checkpoint, cut_run, expect_same, finished_run
from systems import TRAINING_BEGINS

CHANGED = ("/@parameters",)  # the number of trainers stands there
EVERY = ("--set", "output.checkpoint_interval=1")

folder = scratch()
one = os.path.join(folder, "1")
ranks = finished_run("double-well", one, *EVERY)

# ----------------------------------------------------------------------------------------------------------- any number

for trainers in (2, 3, 4):
    other = os.path.join(folder, str(trainers))
    finished_run("double-well", other, *EVERY, trainers=trainers)
    expect_same(one, other, f"1 and {trainers} trainers", CHANGED)

# The engine and its box, and three replicas beside four trainers: some of them write no trajectory.
box = os.path.join(folder, "box")
finished_run("lj-fluid", box)
finished_run("lj-fluid", box + "-4", trainers=4)
expect_same(box, box + "-4", "lj-fluid with 1 and 4 trainers", CHANGED)

# --------------------------------------------------------------------------------------------------- 4, then 1, then 2

rungs = ranks - 1
changing = os.path.join(folder, "changing")
cut_run(os.path.join(folder, "4"), changing, 9)
run_ok(rungs + 1, "run", "input.yaml", "--restart", "--set", "groups.trainers=1", *EVERY, folder=changing)
again = os.path.join(folder, "again")
cut_run(changing, again, 25)
run_ok(rungs + 2, "run", "input.yaml", "--restart", "--set", "groups.trainers=2", "--set", "groups.placement=spread", *EVERY, folder=again)
expect_same(one, again, "9 rounds with 4 trainers, 16 with 1 and the rest with 2, spread over the nodes", CHANGED)

# ------------------------------------------------------------------------------------------------------------ allreduce

# Two orders of summing the gradient of 32 rows differ by some 32 units in the last place, 2e-6, of a weight's gradient; Adam divides the
# gradient by its own size, so the step of learning_rate differs by as much of itself. Only a gradient that is itself rounding may turn
# its sign, and the step with it. So after the first steps: all but one weight in a hundred agree to 1e-3 of the way they have gone, and
# none is further away than twice that way. Other data would send half of the weights the other way.
STEPS, RATE = 2, 5e-4


def weights(run, rounds):
    with h5py.File(os.path.join(run, checkpoint(rounds)), "r") as file:
        return file["/trainer/parameters"][()].astype("f8"), file["/trainer"].attrs["step"]


for trainers in (1, 2, 3):
    other = os.path.join(folder, f"allreduce-{trainers}")
    finished_run("double-well", other, *EVERY, "--set", "training.reduce=allreduce", trainers=trainers)
    found = run_differences(os.path.join(one, "run"), os.path.join(other, "run"), CHANGED, metrics=False)
    learned = ("/training/loss", "/trainer", "/samples", "/divergence", "/network")
    expect(not [line for line in found if not any(name in line for name in learned)],
           f"allreduce with {trainers} trainers changes more than what is learned: {found}")
    expect(any("/trainer/parameters" in line for line in found), "allreduce gives the tree's bits: it is not in use")
    (mine, steps), (reference, _) = weights(other, TRAINING_BEGINS), weights(one, TRAINING_BEGINS)
    expect(steps == STEPS, f"{steps} steps")
    differences = numpy.abs(mine - reference)
    expect(numpy.quantile(differences, 0.99) <= 1e-3 * STEPS * RATE, f"allreduce with {trainers}: {numpy.sort(differences)[::-1]}")
    expect(differences.max() <= 2 * STEPS * RATE, f"allreduce with {trainers}: {differences.max()}")

finish()
