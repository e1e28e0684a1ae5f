"""A model trained on beta = 0.25, 0.5 and 1 of the asymmetric double well generates at beta = 0.75, which it has not seen.

Required: |P(x > 0) - 0.336341| <= 0.015, and a Jensen-Shannon divergence of at most 3e-3 nats to the exact density. The divergence is taken over 60 bins;
20,000 samples of the exact density itself would show (60 - 1) / (8 * 20000) = 4e-4.
"""

import h5py
import numpy as np

from harness import SOURCE, expect, finish, inputs, run_ok, scratch
from reference import table

BETA = 0.75


def exact_shares(edges):
    """Probability of each bin, the end bins open."""
    x = np.linspace(-4, 4, 400001)
    density = np.exp(-BETA * (4 * (x * x - 1) ** 2 + 0.5 * x))
    return np.histogram(x, bins=edges, weights=density)[0] / density.sum()


def jensen_shannon(p, q):
    middle = 0.5 * (p + q)

    def kullback_leibler(a):
        some = a > 0
        return np.sum(a[some] * np.log(a[some] / middle[some]))

    return 0.5 * (kullback_leibler(p) + kullback_leibler(q))


folder = scratch()
run_ok(5, "run", inputs("double-well.yaml"), "--set", "run.folder=run", folder=folder)
with h5py.File(f"{folder}/run/evaluation.h5") as file:
    x = file["samples"][0, :, 0]
    expect(abs(file["temperature"][0] * BETA - 1) < 1e-6, "the held-out temperature is not 1 / 0.75")

edges = np.concatenate([[-9], np.linspace(-2.2, 2.2, 61)[1:-1], [9]])
share = np.mean(x > 0)
exact = table(SOURCE, "asymmetric-double-well.txt")[BETA]["probability_x_positive"]
divergence = jensen_shannon(np.histogram(x, bins=edges)[0] / len(x), exact_shares(edges))
expect(len(x) == 20000, f"{len(x)} samples")
expect(abs(share - exact) <= 0.015, f"P(x > 0) is {share:.4f}, exact {exact:.4f}, allowed 0.015")
expect(divergence <= 3e-3, f"the divergence is {divergence:.5f} nats, allowed 0.003")
finish()
