"""The main job as shipped: alanine dipeptide by OpenMM at four temperatures, trained while it simulates, generated at the one held out.

Required: for the marginals of phi and psi, the Jensen-Shannon divergence of the model to the held-out MD is at most three times that of the MD's
first half to its second, which is the noise of the reference. And the surfaces can be drawn from what the run left.
"""

import os
import subprocess

import h5py
import numpy as np

from harness import SOURCE, expect, finish, has_openmm, inputs, run_ok, scratch, skip

if not has_openmm():
    skip("this build has no OpenMM")

folder = scratch()
run_ok(5, "run", inputs("alanine-dipeptide.yaml"), "--set", "run.folder=run", folder=folder, timeout=1500)

with h5py.File(f"{folder}/run/evaluation.h5") as file:
    names = [name.decode().rstrip("\0") for name in file["features/name"]]
    model, halves = file["divergence/model"][0], file["divergence/halves"][0]
    expect(names == ["phi2", "psi2"], f"the features are {names}")
    for i, name in enumerate(names):
        expect(0 < model[i] <= 3 * halves[i], f"{name}: model to MD {model[i]:.5f} nats, MD's halves {halves[i]:.5f}: more than three times as much")
with h5py.File(f"{folder}/run/run.h5") as file:
    accepted, partner = file["exchange/accepted"][:], file["exchange/partner"][:]
    for k in range(3):
        share = np.mean(accepted[partner[:, k] == k + 1, k])
        expect(0.4 < share < 0.8, f"rungs {k} and {k + 1} swap with probability {share:.2f}")

picture = os.path.join(folder, "surfaces.png")
drawn = subprocess.run(["/usr/bin/python3", os.path.join(SOURCE, "tools", "plot-surfaces"), f"{folder}/run", "--output", picture], capture_output=True, text=True, check=False)
expect(drawn.returncode == 0 and os.path.getsize(picture) > 20000, f"plot-surfaces: {drawn.stderr}")
finish()
