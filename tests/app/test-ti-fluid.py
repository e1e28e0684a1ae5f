"""The Lennard-Jones fluid in a small box: the neural excess free energy against windows, Widom's insertion and the low-density limit.

beta F_ex may be 3 + the statistical errors off, as in the paper's system of five times as many particles."""

import csv
import math
import os

from harness import *

TOLERANCE = 3.0
BETA, LENGTH = 0.8, 3.5

folder = scratch()
run_ok(8, "ti", inputs("neural-ti-lj-small.yaml"), folder=folder)


def table(name):
    with open(os.path.join(folder, "runs", "neural-ti-lj-small", name), newline="") as file:
        return [{key: value if key == "method" else float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def second_virial(points=40):
    """beta F_ex of two particles in the cube, minimum image: -ln of the mean of exp(-beta u) by midpoints."""
    places = [LENGTH / 2 * (i + 0.5) / points for i in range(points)]
    total = 0.0
    for x in places:
        for y in places:
            for z in places:
                inverse = 1 / (x * x + y * y + z * z)**3
                total += math.exp(-BETA * 4 * inverse * (inverse - 1))
    return -math.log(total / points**3)


found = table("free-energy.csv")
expect([row["num_particles"] for row in found] == [4, 8, 12, 16, 20, 24, 28, 32], f"{[row['num_particles'] for row in found]}")
for row in found:
    if math.isnan(row["windows"]):
        continue
    allowed = TOLERANCE + row["error"] + row["grid_error"] + row["windows_error"]
    expect(abs(row["log_z"] - row["windows"]) < allowed, f"N = {row['num_particles']:g}: {row['log_z']} +- {row['error']}, windows {row['windows']}")
    expect(row["error"] < 1.5, f"N = {row['num_particles']:g}: error {row['error']}")

# few particles: pairs alone, N (N - 1) / 2 of them; three at once are a tenth of that for four particles
pair = second_virial()
expect(abs(-found[0]["log_z"] - 6 * pair) < 0.15 * abs(6 * pair) + 4 * found[0]["error"], f"N = 4: {-found[0]['log_z']}, pairs alone {6 * pair}")

# where insertion converges, the neural curve has its slope: of adding a particle to 8 and to 16
potentials = {row["num_particles"]: row["beta_mu_excess"] for row in table("chemical-potential.csv")}
for row in found:
    if row["num_particles"] in (8, 16):
        expect(abs(potentials[row["num_particles"]] - row["beta_mu_insertion"]) < 0.25 + 4 * row["insertion_error"],
               f"N = {row['num_particles']:g}: beta mu_ex {potentials[row['num_particles']]}, insertion {row['beta_mu_insertion']}")
lowest = min(potentials, key=potentials.get)
expect(10 <= lowest <= 26, f"the least beta mu_ex is at N = {lowest}; insertion has it between 16 and 24")

# more particles at a higher chemical potential, from none to all
isotherm = [row["mean_num_particles"] for row in table("isotherm.csv")]
expect(all(a <= b + 1e-9 for a, b in zip(isotherm, isotherm[1:])) and isotherm[0] < 8 and isotherm[-1] > 24, f"<N> from {isotherm[0]} to {isotherm[-1]}")

# relaxed trajectories end in the fluid's structure: nothing inside the core, the first peak where the simulation has it
correlation = [row for row in table("pair-correlation.csv") if row["num_particles"] == 24]
peak = max(correlation, key=lambda row: row["simulated"])
expect(abs(peak["corrected"] / peak["simulated"] - 1) < 0.15, f"g({peak['r']:.3g}) = {peak['corrected']}, simulated {peak['simulated']}")
expect(max(row["corrected"] for row in correlation if row["r"] < 0.8) < 0.05, "particles inside each other's core")
finish()
