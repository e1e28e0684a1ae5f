"""Replica exchange gives exact averages at every rung, and the exact acceptances.

Asymmetric double well and Mueller-Brown against quadrature (tests/reference). Standard errors are those of 50 blocks, each far longer than a round trip.
44 comparisons at 4 standard errors (Student's t, 49 degrees of freedom): a correct program with an unlucky seed fails with probability 1 %; the seeds are fixed.
"""

import h5py
import numpy as np

from harness import SOURCE, expect, finish, inputs, run_ok, scratch
from reference import mean_and_error, table

EQUILIBRATION = 500  # rounds


def check(name, series, exact):
    mean, error = mean_and_error(series)
    expect(abs(mean - exact) <= 4 * error, f"{name}: {mean:.5f} +- {error:.5f}, exact {exact:.5f}: {(mean - exact) / error:.1f} standard errors")
    # An error bar as large as the quantity would prove nothing.
    expect(error <= 0.02 * max(1.0, abs(exact)), f"{name}: the standard error {error:.4f} is too large to tell")


def check_acceptance(file, exact, key):
    """Swaps of pair (i, i + 1), from the attempts that were made."""
    partner, accepted = file["exchange/partner"][EQUILIBRATION:], file["exchange/accepted"][EQUILIBRATION:]
    for i in range(partner.shape[1] - 1):
        tried = partner[:, i] == i + 1
        check(f"acceptance of pair {i}", accepted[tried, i], exact[key(i)]["acceptance"])


def double_well():
    folder = scratch()
    run_ok(5, "run", inputs("double-well.yaml"), "--set", "run.rounds=60000", "--set", "training.steps_per_round=0", "--set", "training.hold_out=[]",
           "--set", "output.checkpoint_interval=60000", "--set", "run.folder=run", "--set", "engine.timestep=0.01", "--set", "exchange.interval=200", folder=folder)
    exact = table(SOURCE, "asymmetric-double-well.txt")
    with h5py.File(f"{folder}/run/run.h5") as file:
        for rung, beta in enumerate([1.0, 0.75, 0.5, 0.25]):
            x, energy = file["features/value"][EQUILIBRATION:, rung, 0], file["energy/value"][EQUILIBRATION:, rung]
            check(f"double well, beta {beta}, <U>", energy, exact[beta]["mean_energy"])
            check(f"double well, beta {beta}, <x>", x, exact[beta]["mean_x"])
            check(f"double well, beta {beta}, P(x > 0)", x > 0, exact[beta]["probability_x_positive"])
        check_acceptance(file, table(SOURCE, "asymmetric-double-well-acceptance.txt"), lambda i: (0.75 - 0.25 * i, 1.0 - 0.25 * i))


def mueller_brown():
    folder = scratch()
    temperatures = [10.0, 15.0, 20.0, 30.0, 50.0]
    with open(f"{folder}/input.yaml", "w", encoding="ascii") as file:
        file.write("""
run: {folder: run, rounds: 60000, seed: 2}
engine: {kind: model, timestep: 0.002, friction: 5, model: {potential: mueller-brown}}
ladder: {temperatures: [10, 15, 20, 30, 50]}
exchange: {interval: 200}
training: {steps_per_round: 0}
output: {checkpoint_interval: 60000, trajectory_interval: 0, report_interval: 1000}
""")
    run_ok(6, "run", "input.yaml", folder=folder)
    exact = table(SOURCE, "mueller-brown.txt")
    with h5py.File(f"{folder}/run/run.h5") as file:
        for rung, kT in enumerate(temperatures):
            xy, energy = file["features/value"][EQUILIBRATION:, rung], file["energy/value"][EQUILIBRATION:, rung]
            s = xy[:, 1] - xy[:, 0]
            check(f"Mueller-Brown, kT {kT}, <U>", energy, exact[kT]["mean_energy"])
            check(f"Mueller-Brown, kT {kT}, <x>", xy[:, 0], exact[kT]["mean_x"])
            check(f"Mueller-Brown, kT {kT}, <y>", xy[:, 1], exact[kT]["mean_y"])
            check(f"Mueller-Brown, kT {kT}, P(A)", s > 1.05, exact[kT]["probability_a"])
            check(f"Mueller-Brown, kT {kT}, P(B)", s < 0.15, exact[kT]["probability_b"])
        check_acceptance(file, table(SOURCE, "mueller-brown-acceptance.txt"), lambda i: (temperatures[i], temperatures[i + 1]))


double_well()
mueller_brown()
finish()
