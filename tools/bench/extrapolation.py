#!/usr/bin/env python3
"""Extrapolation in temperature, as a table: extrapolation.py TEMPERA [SEEDS].

The asymmetric double well U = 4 (x^2 - 1)^2 + x/2, learned from exact samples at beta = 0.25, 0.5, 0.75 and 1, generated at beta = 1.5 and 2: P(x > 0)
and the mean potential energy by each way, beside quadrature.
"""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

TEMPERA = os.path.abspath(sys.argv[1])
SEEDS = range(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
LEARNED = (1.0, 0.75, 0.5, 0.25)
WANTED = (1.5, 2.0)
FRAMES, SAMPLES = 20000, 20000
WAYS = {  # role and options
    "conditional": ("conditional", []),
    "joint": ("joint", []),
    "prior": ("prior", []),
    "guidance in beta, 1 and 0.75": ("conditional", ["--guidance", "1,1.3333333333,beta"]),
    "guidance in beta, 1 and 0.5": ("conditional", ["--guidance", "1,2,beta"]),
    "guidance in beta, 1 and 0.25": ("conditional", ["--guidance", "1,4,beta"]),
    "guidance in T, 1 and 0.5": ("conditional", ["--guidance", "1,2,temperature"]),
}


def energy(x):
    return 4 * (x**2 - 1)**2 + x / 2


def exact(beta):
    """P(x > 0) and the mean energy by quadrature."""
    x = np.linspace(-3, 3, 60001)
    p = np.exp(-beta * energy(x))
    return p[x > 0].sum() / p.sum(), (p * energy(x)).sum() / p.sum()


def frames(beta, random):
    """Exact samples by the inverse of the cumulative distribution."""
    x = np.linspace(-3, 3, 60001)
    c = np.cumsum(np.exp(-beta * energy(x)))
    return np.interp(random.random(FRAMES), c / c[-1], x)


def run(*arguments, folder):
    done = subprocess.run([TEMPERA, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def train(folder, role, seed):
    with open(os.path.join(folder, f"{role}{seed}.yaml"), "w") as file:
        file.write(f"""run: {{folder: {role}{seed}, seed: {seed + 1}}}
data: {{files: [data.npy], units: reduced, temperature_column: 1}}
network: {{width: 64, depth: 2, embedding: 32}}
diffusion: {{predict: velocity}}
training: {{steps: 8000, batch: 256, learning_rate: 2e-3, rate_schedule: cosine, decay_steps: 8000, ema_decay: 0.995, temperature: {role}}}
output: {{checkpoint_interval: 8000}}
""")
    run("train", f"{role}{seed}.yaml", folder=folder)


def main():
    random = np.random.default_rng(7)
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        data = [np.column_stack([frames(b, random), np.full(FRAMES, 1 / b)]) for b in LEARNED]
        np.save(os.path.join(folder, "data.npy"), np.concatenate(data).astype("float32"))
        for seed in SEEDS:
            for role in ("conditional", "joint", "prior"):
                train(folder, role, seed)
            for way, (role, options) in WAYS.items():
                output = os.path.join(folder, "samples.h5")
                run("generate", f"{role}{seed}/model.h5", "--temperature", ",".join(str(1 / b) for b in WANTED), "--samples", str(SAMPLES), "--sampler", "dpmpp",
                    "--steps", "40", "--output", output, *options, folder=folder)
                with h5py.File(output) as file:
                    rows.setdefault(way, []).append([((s > 0).mean(), energy(s.astype(float)).mean()) for s in file["samples"][:, :, 0]])
                os.remove(output)
    print("| way | " + " | ".join(f"P(x>0), beta = {b} | <U>" for b in WANTED) + " |\n|---|" + "---|" * 2 * len(WANTED))
    print("| exact | " + " | ".join(f"{p:.3f} | {u:.3f}" for p, u in map(exact, WANTED)) + " |")
    for way, found in rows.items():
        found = np.array(found)  # seed, beta, quantity
        mean, spread = found.mean(0), found.std(0)
        print(f"| {way} | " + " | ".join(f"{mean[i, 0]:.3f} +- {spread[i, 0]:.3f} | {mean[i, 1]:.3f}" for i in range(len(WANTED))) + " |")


main()
