#!/usr/bin/env python3
"""How well a model generates the chiral chain at a temperature that it has not seen, against the chain's exact distribution.

The chain has 9 residues, 18 angles, and is solved by its transfer matrix. Data: 20,000 exact frames at each of T = 1, 1.25, 2 and 2.5 (`gap`: at 1 and
2.5 alone). Training: 5,280 steps of batch 128 by `tempera train`; samples at T = 1.5 by `tempera generate`.

Each row of the result is one setting:

    LABEL     bath, the temperature itself; spread, with the 1.46 % of a whole system's kinetic temperature; group, that of 18 degrees of freedom, 33 %
    ROLE      conditional, joint, prior                       (training.temperature)
    ANGLES    sincos, wrapped, raw                            (features.angles)
    RANGE     all, gap
    PRESET    small, best, paper: network, diffusion and rate, below; --set adds to them

T = 1.5 is three label widths or more from its neighbours with bath and spread, but not with group, where rows show what such a label does to a model.

A row tells, at T = 1.5:

    excess    Jensen-Shannon divergence in nats of (phi, psi) histograms of 36 x 36 bins to the exact ones, mean over residues, of 1,024 samples, less
              that of 1,024 exact samples (floor); mean over 32 sets of each, with its standard error
    whole     the same of 32,768 samples at once, in which a bias shows more than a few sets' noise
    all_phi   probability that all phi are positive, exact 0.1095, with the standard error of its samples
    left      probability that residue 5 is in the box of the left helix, exact 0.2769

Usage: tools/bench/chiral-chain.py LABEL ROLE ANGLES RANGE [--preset PRESET] [--set KEY=VALUE]... [--generate OPTIONS] [--table FILE] [--ranks N]
       tools/bench/chiral-chain.py --all [--table FILE]       every setting, one after another, those of the table left out

Rows are added to the table, chiral-chain.txt if not given. --generate: further options of tempera generate in one word, "--guidance 1,2.5". On a core a row
takes half a minute with `small`, five with `best`, and an hour with `paper`, whose sampler takes 1000 steps.
"""

import argparse
import itertools
import functools
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEMPERA = os.path.join(SOURCE, os.environ.get("TEMPERA_BUILD", "build"), "src", "tempera")

# depth, width, phi, psi of each well, and the coupling: src/engine/potential-chiral-chain.c
WELLS = ((8.0, 3.0, 1.0, 0.8), (8.0, 3.0, -1.0, -0.8), (6.5, 3.0, -1.1, 2.7), (6.5, 3.0, 1.1, -2.7))
COUPLING = 1.8
RESIDUES = 9
BINS = 36
FINE = 720  # points of an angle, 20 in a bin
SET, SETS = 1024, 32
HELD_OUT = 1.5
LEFT_HALF = 0.7  # half the edge of the box of the left helix, around phi = 1, psi = 0.8

LABELS = {"bath": 0, "spread": 2 / 0.0146**2, "group": 18}
RANGES = {"all": (1.0, 1.25, 2.0, 2.5), "gap": (1.0, 2.5)}
PRESETS = {
    "small": """
network: {width: 128, depth: 3}
diffusion: {predict: velocity, sampler: sde, steps: 50}
training: {learning_rate: 1e-3, rate_schedule: cosine, decay_steps: 5280, warmup_steps: 200, ema_decay: 0.995, temperature: ROLE, steps: 5280, batch: 128}
""",
    "best": """
network: {kind: unet1d, width: 32, multipliers: [1, 2, 2, 4], channels: 4}
diffusion: {predict: velocity, sampler: sde, steps: 50}
training: {learning_rate: 1e-3, rate_schedule: cosine, decay_steps: 5280, warmup_steps: 200, ema_decay: 0.995, temperature: ROLE, steps: 5280, batch: 128}
""",
    "paper": """
network: {kind: unet1d, width: 32, multipliers: [1, 2, 2, 4]}
diffusion: {schedule: linear, sampler: ddpm}
training: {learning_rate: 5e-4, ema_decay: 0.995, temperature: ROLE, steps: 5280, batch: 128}
""",
}


class Chain:
    """The chain at one temperature, on the midpoints of a grid of angles."""

    def __init__(self, temperature):
        self.angle = (np.arange(FINE) + 0.5) * (2 * np.pi / FINE) - np.pi
        energy = np.zeros((FINE, FINE))
        for depth, width, phi, psi in WELLS:
            energy -= depth * np.exp(width * (np.cos(self.angle - phi)[:, None] + np.cos(self.angle - psi)[None, :] - 2))
        self.weight = np.exp(-(energy - energy.min()) / temperature)  # [phi, psi]
        sine = np.sin(self.angle)
        self.pair = np.exp(COUPLING / temperature * (np.outer(sine, sine) - 1))
        self.phi = self.weight.sum(axis=1)
        self.behind = [np.ones(FINE)]  # messages from the end of the chain
        for _ in range(RESIDUES - 1):
            message = self.pair @ (self.phi * self.behind[0])
            self.behind.insert(0, message / message.max())

    def histograms(self):
        """Probabilities of the bins of (phi, psi), [residue, phi, psi]."""
        before, shares = np.ones(FINE), []
        for behind in self.behind:
            density = self.weight * (before * behind)[:, None]
            coarse = density.reshape(BINS, FINE // BINS, BINS, FINE // BINS).sum(axis=(1, 3))
            shares.append(coarse / coarse.sum())
            before = self.pair @ (self.phi * before)
            before /= before.max()
        return np.array(shares)

    def sample(self, count, random):
        """Frames [count, 2 residues]: phi, psi, phi, ..."""

        def draw(density):
            below = np.cumsum(density, axis=1)
            cell = (random.random((len(below), 1)) * below[:, -1:] > below).sum(axis=1)
            return cell, (cell + random.random(len(cell))) * (2 * np.pi / FINE) - np.pi

        frames, cell = np.empty((count, 2 * RESIDUES)), None
        for residue, behind in enumerate(self.behind):
            for part in np.array_split(np.arange(count), max(1, count // 2000)):
                coupled = self.pair[cell[part]] if residue else np.ones((len(part), FINE))
                found, frames[part, 2 * residue] = draw(coupled * (self.phi * behind))
                if part[0] == 0:
                    cells = []
                cells.append(found)
                frames[part, 2 * residue + 1] = draw(self.weight[found])[1]
            cell = np.concatenate(cells)
        return frames


def divergence(frames, exact):
    """Mean over residues of the Jensen-Shannon divergence to the exact bins."""
    index = np.clip(((frames + np.pi) * (BINS / (2 * np.pi))).astype(int), 0, BINS - 1)
    total = 0.0
    for residue in range(RESIDUES):
        p = np.bincount(index[:, 2 * residue] * BINS + index[:, 2 * residue + 1], minlength=BINS * BINS) / len(frames)
        q = exact[residue].ravel()
        m = (p + q) / 2
        total += 0.5 * sum(np.sum(d[d > 0] * np.log(d[d > 0] / m[d > 0])) for d in (p, q))
    return total / RESIDUES


def divergences(frames, exact):
    """Mean over sets, and its standard error."""
    values = np.array([divergence(part, exact) for part in frames.reshape(SETS, SET, -1)])
    return values.mean(), values.std(ddof=1) / SETS**0.5


def tempera(ranks, *arguments, folder):
    command = (["mpirun", "-n", str(ranks)] if ranks > 1 else []) + [TEMPERA, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


@functools.lru_cache(maxsize=None)
def frames_at(temperature):
    """The same in every row."""
    return Chain(temperature).sample(20000, np.random.default_rng(int(1000 * temperature)))


def write_data(path, label, temperatures):
    for temperature in temperatures:
        frames = frames_at(temperature)
        degrees, random = LABELS[label], np.random.default_rng(7)
        labels = random.gamma(degrees / 2, 2 * temperature / degrees, len(frames)) if degrees else np.full(len(frames), temperature)
        np.save(f"{path}-{temperature}.npy", np.column_stack([labels, frames]).astype("float32"))


def input_text(role, angles, temperatures, preset):
    files = ", ".join(f"data-{t}.npy" for t in temperatures)
    return f"""run: {{folder: run, seed: 1}}
data: {{files: [{files}], units: reduced, temperature_column: 0, temperatures: {list(temperatures)}, periods: [{2 * np.pi!r}]}}
features: {{angles: {angles}}}
output: {{report_interval: 500, checkpoint_interval: 1000000}}
""" + PRESETS[preset].replace("ROLE", role)


@functools.lru_cache(maxsize=None)
def reference():
    """Exact histograms at T = 1.5, floor and its error, the divergence of all exact samples."""
    chain = Chain(HELD_OUT)
    exact, frames = chain.histograms(), chain.sample(SET * SETS, np.random.default_rng(99))
    return exact, *divergences(frames, exact), divergence(frames, exact)


def measure(arguments, label, role, angles, temperatures):
    """Columns of a row."""
    exact, floor, floor_error, floor_whole = reference()
    with tempfile.TemporaryDirectory() as folder:
        write_data(os.path.join(folder, "data"), label, temperatures)
        with open(os.path.join(folder, "input.yaml"), "w") as file:
            file.write(input_text(role, angles, temperatures, arguments.preset))
        start = time.monotonic()
        sets = [word for pair in arguments.set for word in ("--set", pair)]
        tempera(arguments.ranks, "train", "input.yaml", *sets, folder=folder)
        trained = time.monotonic()
        samples = ["--temperature", str(HELD_OUT), "--samples", str(SET * SETS), "--output", "x.h5"]
        tempera(arguments.ranks, "generate", "run/model.h5", *samples, *arguments.generate.split(), folder=folder)
        generated = time.monotonic()
        with h5py.File(os.path.join(folder, "x.h5")) as file:
            x = file["samples"][0].astype(float)
    value, error = divergences(x, exact)
    all_phi = np.mean(np.all(x[:, 0::2] > 0, axis=1))
    left = np.mean((abs(x[:, 8] - 1) < LEFT_HALF) & (abs(x[:, 9] - 0.8) < LEFT_HALF))
    errors = [(p * (1 - p) / len(x))**0.5 for p in (all_phi, left)]
    whole = divergence(x, exact) - floor_whole
    return (f"{value - floor:9.5f} {np.hypot(error, floor_error):8.5f} {floor:8.5f} {whole:8.5f}  {all_phi:7.4f} {errors[0]:7.4f}  {left:7.4f} {errors[1]:7.4f}"
            f"  {trained - start:7.0f} {generated - trained:7.0f}")


HEADER = "# label  role        angles  range preset options | excess    error    floor    whole  all_phi   error     left   error  train_s  sample_s\n"


def run_row(arguments, label, role, angles, extent):
    options = ",".join(arguments.set + arguments.generate.split()) or "-"
    name = f"{label:8} {role:11} {angles:7} {extent:5} {arguments.preset:6} {options}"
    if os.path.exists(arguments.table):
        with open(arguments.table) as table:
            if arguments.all and any(line.startswith(name + " |") for line in table):
                return
    else:
        with open(arguments.table, "w") as table:
            table.write(HEADER)
    row = f"{name} | {measure(arguments, label, role, angles, RANGES[extent])}"
    print(row, flush=True)
    with open(arguments.table, "a") as table:
        table.write(row + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label", nargs="?", choices=LABELS)
    parser.add_argument("role", nargs="?", choices=("conditional", "joint", "prior"))
    parser.add_argument("angles", nargs="?", choices=("sincos", "wrapped", "raw"))
    parser.add_argument("range", nargs="?", choices=RANGES)
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--generate", default="")
    parser.add_argument("--table", default="chiral-chain.txt")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.table = os.path.abspath(arguments.table)
    if arguments.all:
        for label, role, angles, extent in itertools.product(LABELS, ("conditional", "joint", "prior"), ("sincos", "wrapped", "raw"), RANGES):
            if not (role == "prior" and angles == "wrapped"):
                run_row(arguments, label, role, angles, extent)
    elif arguments.range:
        run_row(arguments, arguments.label, arguments.role, arguments.angles, arguments.range)
    else:
        parser.error("LABEL ROLE ANGLES RANGE, or --all")


if __name__ == "__main__":
    main()
