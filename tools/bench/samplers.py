#!/usr/bin/env python3
"""How good samplers are with how many network evaluations, as a table: samplers.py TEMPERA [SEEDS] [SAMPLES].

The asymmetric double well U = 4 (x^2 - 1)^2 + x/2, learned from exact samples at beta = 0.25, 0.5, 0.75 and 1, generated at beta = 1 and 0.5, which were
learned: the Jensen-Shannon divergence over 36 bins to the exact distribution less that of as many exact samples, in 1e-4 nats, mean over seeds and both temperatures; for
networks that predict the velocity and the noise. The last columns are standard errors: of the samples, and of the spread of seeds and temperatures.
"""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

TEMPERA = os.path.abspath(sys.argv[1])
SEEDS = range(2, 2 + (int(sys.argv[2]) if len(sys.argv) > 2 else 2))
SAMPLES = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
LEARNED, WANTED = (1.0, 0.75, 0.5, 0.25), (1.0, 0.5)
PREDICT = ("velocity", "noise")
STEPS = [("ddpm", 1000), ("ddim", 20), ("ddim", 100), ("dpmpp", 10), ("dpmpp", 15), ("dpmpp", 20), ("dpmpp", 30), ("dpmpp", 50),
         ("sde", 15), ("sde", 20), ("sde", 30), ("sde", 50), ("sde", 100), ("ode", 0)]
GRID, EDGES = np.linspace(-3, 3, 60001), np.linspace(-1.8, 1.8, 37)


def density(beta):
    p = np.exp(-beta * (4 * (GRID**2 - 1)**2 + GRID / 2))
    return p / p.sum()


def excess(x, beta):
    """Over exact samples, whose mean is (bins - 1) / (8 samples)."""
    exact = np.histogram(np.clip(GRID, -1.799, 1.799), EDGES, weights=density(beta))[0]
    p = np.histogram(np.clip(x, -1.799, 1.799), EDGES)[0] / len(x)
    m = (p + exact) / 2
    return sum((q[q > 0] * np.log(q[q > 0] / m[q > 0])).sum() / 2 for q in (p, exact)) - (len(EDGES) - 2) / (8 * len(x))


def run(*arguments, folder):
    done = subprocess.run([TEMPERA, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def train(folder, name, predict, seed):
    with open(os.path.join(folder, "input.yaml"), "w") as file:
        file.write(f"""run: {{folder: {name}, seed: {seed}}}
data: {{files: [data.npy], units: reduced, temperature_column: 1}}
network: {{width: 64, depth: 2, embedding: 32}}
diffusion: {{predict: {predict}}}
training: {{steps: 5000, batch: 256, learning_rate: 2e-3, rate_schedule: cosine, decay_steps: 5000, ema_decay: 0.995}}
output: {{checkpoint_interval: 5000}}
""")
    run("train", "input.yaml", folder=folder)


def divergences(folder, name, sampler, steps):
    output = os.path.join(folder, "samples.h5")
    run("generate", f"{name}/model.h5", "--temperature", ",".join(str(1 / b) for b in WANTED), "--samples", str(SAMPLES), "--sampler", sampler,
        *(["--steps", str(steps)] if steps else []), "--output", output, folder=folder)
    with h5py.File(output) as file:
        found = [excess(x[:, 0], 1 / t) for t, x in zip(file["temperature"][:], file["samples"][:])]
    os.remove(output)
    return found


def main():
    random = np.random.default_rng(4)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        data = [np.column_stack([np.interp(random.random(20000), np.cumsum(density(b)), GRID), np.full(20000, 1 / b)]) for b in LEARNED]
        np.save(os.path.join(folder, "data.npy"), np.concatenate(data).astype("float32"))
        for predict in PREDICT:
            for seed in SEEDS:
                train(folder, f"{predict}{seed}", predict, seed)
                for row in STEPS:
                    found.setdefault((predict, *row), []).extend(divergences(folder, f"{predict}{seed}", *row))
    print("| sampler | evaluations | velocity | noise | samples' error | spread |\n|---|---|---|---|---|---|")
    for row in STEPS:
        values = [1e4 * np.array(found[(predict, *row)]) for predict in PREDICT]
        spread = np.mean([v.std(ddof=1) / len(v)**0.5 for v in values])
        print(f"| {row[0]} | {row[1] or 'adaptive'} | {values[0].mean():.1f} | {values[1].mean():.1f} | "
              f"{1e4 * (2 * (len(EDGES) - 2))**0.5 / (8 * SAMPLES) / len(values[0])**0.5:.1f} | {spread:.1f} |")
    for predict in PREDICT:
        print(f"excess_ddpm_1000_{predict}: {np.mean(found[(predict, 'ddpm', 1000)]):.2e}")
        print(f"excess_dpmpp_20_{predict}: {np.mean(found[(predict, 'dpmpp', 20)]):.2e}")


main()
