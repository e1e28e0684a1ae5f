"""features.align: augment: molecules that lie in the data in one orientation are generated in all, with the bonds and angles of the data.

A molecule of three atoms, bonds of length 1 and 1.2 and an angle around 1.9 rad, all with fluctuations that grow with temperature, lies in the plane z = 5 with
its first bond along x. The same weights come from 1, 2 and 4 trainers, and across a restart.
"""

import os
import shutil

import h5py
import numpy as np

from compare import differences
from harness import *

TEMPERATURES = (1.0, 2.0, 3.0)
FRAMES = 4000
STEPS = 4000
NAMES = ", ".join(f"atom {i} {axis}" for i in range(3) for axis in "xyz")

INPUT = f"""run: {{folder: run, seed: 4}}
data: {{files: [data.npy], units: reduced, temperature_column: 9, names: [{NAMES}]}}
features: {{align: augment}}
network: {{width: 96, depth: 2, embedding: 16}}
diffusion: {{predict: velocity}}
training: {{steps: {STEPS}, batch: 256, learning_rate: 3e-3, rate_schedule: cosine, decay_steps: {STEPS}, ema_decay: 0.99, hold_out: [2],
           validation: 0.1, validation_interval: 500}}
output: {{report_interval: 1000, checkpoint_interval: 1000, keep_checkpoints: 100}}
evaluation: {{samples: 2000}}
"""

folder = scratch()


def path(*names):
    return os.path.join(folder, *names)


def frames(t, random):
    first, second = 1 + random.normal(0, 0.1 * t**0.5, FRAMES), 1.2 + random.normal(0, 0.1 * t**0.5, FRAMES)
    angle, zero = 1.9 + random.normal(0, 0.3 * t**0.5, FRAMES), np.zeros(FRAMES)
    middle = np.column_stack([zero, zero, zero + 5])
    one = middle + np.column_stack([first, zero, zero])
    two = middle + np.column_stack([second * np.cos(angle), second * np.sin(angle), zero])
    return np.column_stack([one, middle, two, zero + t])


def shapes(x):
    """Both bonds and the angle between them [samples, 3]."""
    x = x.reshape(-1, 3, 3).astype("float64")
    a, b = x[:, 0] - x[:, 1], x[:, 2] - x[:, 1]
    r, s = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    return np.column_stack([r, s, np.arccos((a * b).sum(axis=1) / (r * s))])


def axes(x):
    """The molecules' own frames [samples, 3, 3]: along the first bond, across it in the plane, and normal to it; a rotation each."""
    x = x.reshape(-1, 3, 3).astype("float64")
    a, b = x[:, 0] - x[:, 1], x[:, 2] - x[:, 1]
    e = a / np.linalg.norm(a, axis=1)[:, None]
    n = np.cross(e, b)
    n /= np.linalg.norm(n, axis=1)[:, None]
    return np.stack([e, np.cross(n, e), n], axis=1)


def same_weights():
    """Few steps of another training on several ranks and across a restart: the same bits."""
    few = ["--set", "training.steps=60", "--set", "output.checkpoint_interval=40", "--set", "training.validation_interval=20"]
    for name, ranks in (("one", 0), ("two", 2), ("four", 4)):
        run_ok(ranks, "train", "input.yaml", "--set", f"run.folder={name}", *few, folder=folder)
    shutil.copytree(path("one"), path("again"))
    for name in ("model.h5", "evaluation.h5", "finished", "checkpoints/step-000000000060.h5"):
        os.remove(path("again", name))
    run_ok(2, "train", "input.yaml", "--restart", "--set", "run.folder=again", *few, folder=folder)
    for name in ("two", "four", "again"):
        for file in ("model.h5", "evaluation.h5", "checkpoints/step-000000000060.h5"):
            found = differences(path("one", file), path(name, file), ignore=("/@parameters",))
            expect(not found, f"{name}: {file}: {found[:5]}")


def orientations(x, what):
    """Moments of uniform rotations: 0 of each number, 1/3 of its square. A model's own error is added to that of 4,000 samples, 0.009 and 0.005."""
    r = axes(x)
    first, second = r.mean(axis=0), (r**2).mean(axis=0)
    expect(abs(first).max() < 0.08, f"{what}: mean orientation {first}")
    expect(abs(second - 1 / 3).max() < 0.04, f"{what}: squares of orientation {second}")


def molecules(data):
    """All orientations alike, at a temperature that was learned and one that was not; bonds and angle as in the data."""
    run_ok(2, "train", "input.yaml", folder=folder)
    run_ok(2, "generate", "run/model.h5", "--temperature", "1,2", "--samples", 4000, "--sampler", "dpmpp", "--steps", 20, "--output", "x.h5", folder=folder)
    with h5py.File(path("x.h5")) as file:
        for t, x in zip(file["temperature"][:], file["samples"][:]):
            orientations(x, f"T = {t}")
            found, exact = shapes(x), shapes(data[data[:, 9] == t][:, :9])
            centre = x.reshape(-1, 3, 3).mean(axis=1)
            expect(abs(centre).max() < 0.1, f"T = {t}: a molecule's centre is at {centre[abs(centre).max(axis=1).argmax()]}")
            expect((abs(found.mean(axis=0) - exact.mean(axis=0)) < 0.05).all(), f"T = {t}: means {found.mean(axis=0)}, exact {exact.mean(axis=0)}")
            # a network so small and quickly trained makes the angle's distribution half as wide again at the lowest temperature: bonds alone
            ratio = np.divide(*(np.percentile(y, 84, axis=0) - np.percentile(y, 16, axis=0) for y in (found[:, :2], exact[:, :2])))
            expect((abs(ratio - 1) < 0.3).all(), f"T = {t}: widths of the bonds over those of the data {ratio}")
    with h5py.File(path("run", "evaluation.h5")) as file:  # the frames are turned too, or the divergences would be near ln 2
        model, halves = file["divergence/model"][0, :9], file["divergence/halves"][0, :9]
        expect(model.max() < 0.03 and halves.max() < 0.03, f"divergences of coordinates: {model}, halves {halves}")


def refusals():
    for what, options, part in [
            ("no atoms", ["data.names=[]"], "augment turns atoms, features named"),
            ("half an atom", [f"data.names=[{NAMES.replace('atom 1 y', 'distance')}]"], "all three coordinates of atom 1; y is missing"),
            ("a period", ["data.periods=[6.3]"], "the coordinates of atom 0 have a period")]:
        sets = [word for option in options for word in ("--set", option)]
        result = tempera(0, "train", "input.yaml", "--set", "run.folder=refused", *sets, folder=folder)
        expect(result.status == 2 and len(result.errors()) == 1 and "features.align: " in result.errors()[0] and part in result.errors()[0], f"{what}: {result}")
        expect(not os.path.exists(path("refused")), f"{what}: a folder is left")


random = np.random.default_rng(6)
data = np.concatenate([frames(t, random) for t in TEMPERATURES]).astype("float32")
np.save(path("data.npy"), data)
with open(path("input.yaml"), "w") as file:
    file.write(INPUT)
same_weights()
molecules(data)
refusals()
finish()
