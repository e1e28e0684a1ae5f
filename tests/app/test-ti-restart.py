"""tempera ti: the number of trainers changes no bit, nor does a restart in any of its phases; and what it refuses."""

import os
import re
import shutil
import struct

import h5py

from compare import differences
from harness import *

WELL = """run: {rounds: 60, seed: 3}
engine: {kind: model, timestep: 0.05, friction: 1, model: {potential: asymmetric-double-well}}
ladder: {temperatures: [1, 2]}
exchange: {interval: 10}
network: {width: 8, depth: 1, embedding: 4}
training: {batch: 16, start_round: 10, steps_per_round: 5}
ti: {training_steps: 100, times: 8, trajectories: 1500, relax_steps: 1, windows: 2, window_rounds: 40}
output: {report_interval: 10, checkpoint_interval: 10, keep_checkpoints: 100}
"""
FLUID = """run: {rounds: 40, seed: 3}
engine: {kind: model, timestep: 0.005, friction: 1, model: {potential: lj-fluid, box_length: 3.5}}
ladder: {temperatures: [1.25]}
exchange: {interval: 10}
network: {width: 4, depth: 1, embedding: 4}
training: {batch: 8, start_round: 10, steps_per_round: 5}
ti: {particles: [4, 8], evaluate_interval: 3, cutoff: 1.7, radial: 6, training_steps: 50, times: 8, trajectories: 20, relax_steps: 1, relax_length: 0.005,
     windows: 3, window_rounds: 20, insertions: 4}
output: {report_interval: 10, checkpoint_interval: 5, keep_checkpoints: 100}
"""

folder = scratch()
RESULTS = ("free-energy.csv", "integrand.csv", "loss.csv", "conservativeness.csv")


def write(name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def expect_same(a, b, what):
    for name in RESULTS:
        with open(os.path.join(folder, "runs", a, name), "rb") as one, open(os.path.join(folder, "runs", b, name), "rb") as two:
            expect(one.read() == two.read(), f"{what}: {name} differs")
    for line in differences(os.path.join(folder, "runs", a, "ti.h5"), os.path.join(folder, "runs", b, "ti.h5"), ("/@parameters",)):
        expect(False, f"{what}: {line}")


def checkpoints(name):
    return sorted(os.listdir(os.path.join(folder, "runs", name, "checkpoints")))


for name, text, replicas in (("well", WELL, 2), ("fluid", FLUID, 3)):
    write(f"{name}.yaml", text)
    run_ok(replicas + 1, "ti", f"{name}.yaml", folder=folder)
    for trainers in (2, 4):
        write(f"{name}-{trainers}.yaml", text)
        run_ok(replicas + trainers, "ti", f"{name}-{trainers}.yaml", "--set", f"groups.trainers={trainers}", folder=folder)
        expect_same(name, f"{name}-{trainers}", f"{name}, 1 and {trainers} trainers")
    every = checkpoints(name)
    # in the simulation, at its end, while learning, while integrating
    for kept in (0, len(every) // 3, len(every) // 2, len(every) - 2):
        again = f"{name}-again"
        shutil.rmtree(os.path.join(folder, "runs", again), ignore_errors=True)
        shutil.copytree(os.path.join(folder, "runs", name), os.path.join(folder, "runs", again))
        for gone in every[kept + 1:] + [f"../{result}" for result in (*RESULTS, "ti.h5", "finished")]:
            os.remove(os.path.join(folder, "runs", again, "checkpoints", gone))
        write(f"{again}.yaml", text)
        run_ok(replicas + 2, "ti", f"{again}.yaml", "--restart", "--set", "groups.trainers=2", folder=folder)
        expect_same(name, again, f"{name}, from {every[kept]}")

# as long as there are no trajectories, a restart may ask for others: they are those of a run that had asked for them from its start
OTHERS = [word for setting in ("ti.times=12", "ti.trajectories=18", "ti.relax_steps=2", "ti.relax_leaps=4", "ti.evaluate=[5]") for word in ("--set", setting)]
run_ok(4, "ti", "fluid.yaml", "--set", "run.folder=runs/others", *OTHERS, folder=folder)
trained = f"runs/fluid/checkpoints/{[name for name in checkpoints('fluid') if name <= 'round-000000000050.h5'][-1]}"
result = tempera(4, "ti", "fluid.yaml", "--restart", *OTHERS, folder=folder)
expect(result.status == 2 and len(result.errors()) == 1 and "restart from a checkpoint before these, round 50 at the latest" in result.errors()[0], f"others: {result}")
shutil.copytree(os.path.join(folder, "runs", "fluid"), os.path.join(folder, "runs", "later"))
run_ok(4, "ti", "fluid.yaml", "--set", "run.folder=runs/later", f"--restart={trained.replace('fluid', 'later', 1)}", *OTHERS, folder=folder)
expect_same("others", "later", "trajectories asked for after the training")

# configurations of another run, whose shape must be right and which must have no overlaps
run_ok(4, "ti", "fluid.yaml", "--set", "run.folder=read", "--set", "ti.configurations=runs/fluid/ti.h5", folder=folder)
with h5py.File(os.path.join(folder, "runs", "fluid", "ti.h5")) as one, h5py.File(os.path.join(folder, "read", "ti.h5")) as two:
    expect((one["/members/1/positions"][()] == two["/members/1/positions"][()]).all(), "other configurations were read than were written")

shutil.copy(os.path.join(folder, "runs", "fluid", "ti.h5"), os.path.join(folder, "overlap.h5"))
with h5py.File(os.path.join(folder, "overlap.h5")) as file:
    place = file["/members/0/positions"].id.get_offset() + 4 * 12 * 3  # configuration 3 of four particles
with open(os.path.join(folder, "overlap.h5"), "r+b") as file:
    file.seek(place)
    first = file.read(12)
    file.write(first)  # the second particle at the place of the first
shutil.copy(os.path.join(folder, "runs", "fluid", "ti.h5"), os.path.join(folder, "nan.h5"))
with open(os.path.join(folder, "nan.h5"), "r+b") as file:
    file.seek(place)
    file.write(struct.pack("<f", float("nan")))


# ------------------------------------------------------------------------------------------------------------- refused


def expect_refused(ranks, name, setting, part):
    result = tempera(ranks, "ti", f"{name}.yaml", "--set", "run.folder=refused", *[word for s in setting for word in ("--set", s)], folder=folder)
    expect(result.status != 0 and len(result.errors()) == 1 and part in result.errors()[0], f"{setting}: {result}")


expect_refused(4, "fluid", ["ti.cutoff=1.8"], "ti.cutoff: 1.8; allowed: up to half of engine.model.box_length, 1.75")
expect_refused(4, "fluid", ["ti.evaluate=[9]"], "ti.evaluate: 9 particles are denser than anything learned from (8); allow it by ti.extrapolate: true")
expect_refused(4, "fluid", ["ti.times=6"], "ti.times: 6; allowed: multiples of 4")
expect_refused(4, "fluid", ["ti.particles=[8, 4]"], "ti.particles: 4 after 8")
expect_refused(4, "fluid", ["ti.configurations=runs/fluid/ti.h5", "run.rounds=50"], "allowed: 40 (run.rounds - training.start_round)")
expect_refused(4, "fluid", ["ti.configurations=nan.h5"], "configuration 3 of /members/0 is not finite")
expect_refused(4, "fluid", ["ti.configurations=overlap.h5"], "configuration 3 of 4 particles has an overlap: particles 0 and 1 are 0 apart")
expect_refused(3, "well", ["ti.windows=3"], "ti.windows: 3; with 2 temperatures, one rank each, allowed: 0 or 2")
expect_refused(3, "well", ["engine.model.potential=chiral-chain"], "are angles, which have no path to a Gaussian")
expect_refused(3, "well", ["training.start_round=60"], "no configuration is left of run.rounds, 60")
# one step so long that the integrand is beyond all that means something: said with time and N
result = tempera(4, "ti", "fluid.yaml", "--set", "run.folder=wild", "--set", "training.learning_rate=9", "--set", "training.ema_decay=0", "--set",
                 "ti.training_steps=1", "--set", "ti.relax_steps=0", folder=folder)
expect(result.status == 1 and len(result.errors()) == 1 and re.search(r"N = \d+: the integrand is \S+ at t = [0-9.]+ in trajectory \d+: ", result.errors()[0]),
       f"a wild network: {result}")
result = tempera(4, "ti", "fluid.yaml", "--set", "run.folder=dense", "--set", "ti.evaluate=[9]", "--set", "ti.extrapolate=true", folder=folder)
expect(result.status == 0 and "9 particles are denser than anything learned from (8): this is extrapolation" in result.err, f"extrapolation: {result}")
finish()
