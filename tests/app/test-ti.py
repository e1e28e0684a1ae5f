"""Free energies by a learned path: the shipped inputs of the double well and Mueller-Brown against quadrature, MBAR and windows beside them.

Trajectories are independent, and their error is some 0.005 (double well) to 0.01 (Mueller-Brown): a right program exceeds 0.02 in one of seven numbers
about once in fifteen seeds; the seed is fixed."""

import csv
import os

from harness import *

# tests/reference: by quadrature
DOUBLE_WELL = {1.0: 0.057331, 4 / 3: 0.175416, 2.0: 0.370674, 4.0: 0.686422}
MUELLER_BROWN = {15.0: 7.364866, 20.0: 5.366133, 30.0: 3.649970}  # on the whole plane
TOLERANCE = 0.02

folder = scratch()


def rows(name):
    with open(os.path.join(folder, "runs", name, "free-energy.csv"), newline="") as file:
        return [{key: value if key == "method" else float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def expect_exact(name, exact):
    found = rows(name)
    expect(len(found) == len(exact), f"{name}: {len(found)} rows")
    for row in found:
        expected = next(value for temperature, value in exact.items() if abs(temperature - row["temperature"]) < 1e-6)
        expect(abs(row["log_z"] - expected) < TOLERANCE, f"{name}, T = {row['temperature']:g}: ln Z = {row['log_z']}, by quadrature {expected}")
        expect(0 < row["error"] < TOLERANCE and row["grid_error"] < TOLERANCE, f"{name}: errors {row['error']} and {row['grid_error']}")
    return found


def expect_ladder(name, found):
    """Two temperatures of one system: the neural difference is MBAR's, to four errors and what is allowed of the network."""
    for row in found[1:]:
        difference = row["log_z"] - found[0]["log_z"]
        error = (row["error"]**2 + found[0]["error"]**2 + row["mbar_error"]**2)**0.5
        expect(abs(difference - row["mbar_difference"]) < 4 * error + TOLERANCE, f"{name}: {difference}, MBAR {row['mbar_difference']} +- {error}")


run_ok(5, "ti", inputs("neural-ti-double-well.yaml"), folder=folder)
found = expect_exact("neural-ti-double-well", DOUBLE_WELL)
expect_ladder("double well", found)
for row in found:  # four windows see a double well only roughly, and say so
    exact = next(value for temperature, value in DOUBLE_WELL.items() if abs(temperature - row["temperature"]) < 1e-6)
    expect(abs(row["windows"] - exact) < 4 * row["windows_error"] + row["windows_grid_error"], f"windows {row['windows']}, by quadrature {exact}")

run_ok(4, "ti", inputs("neural-ti-mueller-brown.yaml"), folder=folder)
expect_ladder("Mueller-Brown", expect_exact("neural-ti-mueller-brown", MUELLER_BROWN))
finish()
