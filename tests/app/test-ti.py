"""Free energies by a learned path: the shipped inputs of the double well, Mueller-Brown and a cluster against quadrature, MBAR and windows beside them.

Trajectories are independent, and their error is some 0.005 (double well) to 0.01 (Mueller-Brown): a right program exceeds 0.02 in one of seven numbers
about once in fifteen seeds; the seed is fixed."""

import csv
import math
import os

import numpy

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


def trimer(temperature, points=120, radius=1.5, wall=1000.0):
    """ln Z of three Lennard-Jones particles behind a wall around their centre: by quadrature over two distances from one of them and the angle between, whose
    volumes are 27^(1/2) times those of the six orthonormal coordinates."""
    node, weight = numpy.polynomial.legendre.leggauss(points)
    low, high = 0.6, 2 * radius + 1.2
    r = low + (high - low) * (node + 1) / 2
    a, b, c = r[:, None, None], r[None, :, None], node[None, None, :]
    third = numpy.sqrt(a * a + b * b - 2 * a * b * c)
    energy = sum(4 * (d**-12 - d**-6) for d in (a, b, numpy.maximum(third, 0.3)))
    for squared in (a * a + b * b + 2 * a * b * c, 4 * a * a + b * b - 4 * a * b * c, a * a + 4 * b * b - 4 * a * b * c):
        energy = energy + wall / 2 * numpy.maximum(numpy.sqrt(numpy.maximum(squared, 0)) / 3 - radius, 0)**2
    measure = (weight * (high - low) / 2 * r * r)[:, None, None] * (weight * (high - low) / 2 * r * r)[None, :, None] * weight
    return math.log(8 * math.pi**2 * numpy.sum(measure * numpy.exp(-energy / temperature))) - 1.5 * math.log(3)


# errors are some 0.01: a right program is four of them off, or twice that beside MBAR, once in 10000 seeds; the seed is fixed
run_ok(3, "ti", inputs("neural-ti-cluster.yaml"), folder=folder)
found = rows("neural-ti-cluster")
for row in found:
    expect(row["error"] < TOLERANCE and row["grid_error"] < TOLERANCE, f"cluster: errors {row['error']} and {row['grid_error']}")
    exact = trimer(row["temperature"])
    expect(abs(row["log_z"] - exact) < 4 * row["error"] + row["grid_error"], f"cluster, T = {row['temperature']:g}: ln Z = {row['log_z']}, by quadrature {exact}")
expect_ladder("cluster", found)
finish()
