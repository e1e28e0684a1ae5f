"""LJ13 within its wall: energies and the peak of the heat capacity from a ladder of 8 rungs, against an independent Monte Carlo calculation.

Reference: parallel tempering with 18 rungs and 3e5 sweeps, constraint |r - r_com| < 2 sigma; its errors are beside its numbers. 12 comparisons at 4 standard errors of
the difference: a correct program with an unlucky seed fails with a probability of 0.1 %; the seed is fixed.
"""

import numpy as np

from harness import analyze, expect, finish, run_ok, scratch

# temperature: <V>, error, configurational C_v, error
REFERENCE = {
    0.21: (-39.969, 0.007, 30.0, 0.3),
    0.25: (-38.280, 0.021, 61.1, 1.1),
    0.28: (-35.859, 0.053, 95.0, 0.9),
    0.30: (-34.046, 0.049, 86.1, 1.1),
    0.34: (-31.319, 0.028, 52.2, 0.7),
}
PEAK, PEAK_ERROR = 0.282, 0.003
HEIGHT, HEIGHT_ERROR = 8.81, 0.07  # C_v / (N k), kinetic part included


def near(name, value, error, exact, exact_error):
    expect(abs(value - exact) <= 4 * np.hypot(error, exact_error), f"{name}: {value:.5g} +- {error:.2g}, reference {exact:.5g} +- {exact_error:.2g}")


FOLDER = scratch()
with open(f"{FOLDER}/input.yaml", "w", encoding="ascii") as FILE:
    FILE.write("""
run: {folder: run, rounds: 12000, seed: 5}
engine: {kind: model, timestep: 0.01, friction: 1, model: {potential: lj-cluster, num_particles: 13, radius: 2}}
ladder: {temperatures: [0.20, 0.225, 0.25, 0.265, 0.28, 0.295, 0.315, 0.34]}
exchange: {interval: 100}
features: {distances: [[0, 1]]}
training: {steps_per_round: 0, start_round: 1000}
output: {report_interval: 1000, checkpoint_interval: 12000, trajectory_interval: 0}
analysis: {between: 5, temperatures: [0.21, 0.25, 0.28, 0.30, 0.34], replicates: 30}
""")
run_ok(9, "run", "input.yaml", folder=FOLDER)
POINTS = analyze(FOLDER, ranks=2)["thermodynamics"]
for T, (V, V_ERROR, CV, CV_ERROR) in REFERENCE.items():
    point = next(p for p in POINTS if abs(p["temperature"] - T) < 1e-9)
    near(f"LJ13, T {T}, <V>", point["energy"], point["energy_error"], V, V_ERROR)
    near(f"LJ13, T {T}, C_v", point["heat_capacity"], point["heat_capacity_error"], CV, CV_ERROR)
TOP = max(range(len(POINTS)), key=lambda i: POINTS[i]["heat_capacity"])
near("LJ13, temperature of the peak", POINTS[TOP]["temperature"], 0.0015, PEAK, PEAK_ERROR)  # half of what lies between the points
near("LJ13, height of the peak", POINTS[TOP]["heat_capacity"] / 13 + 1.5, POINTS[TOP]["heat_capacity_error"] / 13, HEIGHT, HEIGHT_ERROR)
expect(POINTS[TOP]["heat_capacity_error"] < 2.5, f"LJ13: the error of C_v, {POINTS[TOP]['heat_capacity_error']:.2g}, is too large to tell")
finish()
