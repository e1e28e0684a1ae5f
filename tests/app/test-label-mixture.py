"""What a fluctuating label means, where it is known exactly: the harmonic oscillator.

Rungs at T = 1 and 3 with x ~ N(0, T), each frame labelled by the kinetic temperature of 12 degrees of freedom: 41 % noise. A perfect model has learned, at
the label T', the mixture of both Gaussians with the weights w_k(T') that TpLabelMixture() tells: variance w_1 + 3 w_2. Trained on 40,000 frames, the model's
variance must be within 10 % of that at three labels, and it is nowhere near T' itself: at T' = 1 it is 1.14, at 2 it is 2.61, at 4 it is 3.00.
The 20,000 samples' own standard error is 1 to 2 %.

The program says so too: `generate` tells the weights, and warns where they are broad.
"""

import re

import h5py
import numpy as np

from harness import *

RUNGS, DEGREES, LABELS = (1.0, 3.0), 12, (1.0, 2.0, 4.0)

folder = scratch()
random = np.random.default_rng(2)
for t in RUNGS:
    label = random.gamma(DEGREES / 2, 2 * t / DEGREES, 20000)
    np.save(f"{folder}/{t:g}.npy", np.column_stack([random.normal(0, t**0.5, 20000), label]).astype("float32"))
with open(f"{folder}/input.yaml", "w") as file:
    file.write("""run: {folder: run}
data: {files: [1.npy, 3.npy], units: reduced, temperature_column: 1, temperatures: [1, 3]}
features: {label: kinetic}
network: {width: 48, depth: 2, embedding: 16}
diffusion: {times: 200, steps: 50, predict: velocity}
training: {steps: 6000, batch: 256, learning_rate: 2e-3, rate_schedule: cosine, decay_steps: 6000}
output: {report_interval: 1000, checkpoint_interval: 6000}
""")


def weights(label, degrees=DEGREES):
    """w_k from the densities of the Gamma distribution."""
    log = np.array([degrees / 2 * (-np.log(t) - label / t) for t in RUNGS])
    w = np.exp(log - log.max())
    return w / w.sum()


train = run_ok(0, "train", "input.yaml", folder=folder)
spread = re.search(r"labels spread by ([\d.]+) %, as with (\d+) degrees of freedom", train.out)
# 40,000 labels: the variance of the label is known to 1 %
expect(spread and abs(int(spread.group(2)) - DEGREES) <= 1, f"degrees of freedom seen in the labels: {train.out}")
with h5py.File(f"{folder}/run/model.h5") as file:
    found_degrees = float(file.attrs["label_degrees_of_freedom"])
result = run_ok(0, "generate", "run/model.h5", "--temperature", ",".join(map(str, LABELS)), "--samples", "20000", "--output", "x.h5", folder=folder)
with h5py.File(f"{folder}/x.h5") as file:
    x = file["samples"][:, :, 0]
for label, found in zip(LABELS, x.var(axis=1)):
    w = weights(label)
    exact = np.dot(w, RUNGS)
    expect(abs(found / exact - 1) < 0.1, f"label {label}: variance {found:.3f}, of the mixture {exact:.3f}")
    told = ", ".join(f"{100 * share:.0f} % of {t:g}" for share, t in zip(weights(label, found_degrees), RUNGS) if share > 0.01)
    expect(f"the label {label:g} means {told}\n" in result.out, f"label {label}: expected {told}: {result.out}")
expect(result.err.count("it is a mixture of rungs") == 3, f"three warnings: {result.err}")
result = run_ok(0, "generate", "run/model.h5", "--temperature", "20", "--samples", "10", "--output", "far.h5", folder=folder)
expect("the label 20 is that of no frame" in result.out and "mixture" not in result.err, f"a label without frames: {result}")
finish()
