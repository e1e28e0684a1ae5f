#!/usr/bin/env python3
"""Solve the samples of a folder (see tests/unit/thermo/bench-mbar.c) with pymbar 3 and compare: mbar-pymbar.py FOLDER.

Of pymbar's solvers the fastest is taken that converges on a twentieth of the samples; then all samples are solved with it, once.
"""
import sys
import time

import numpy
import pymbar

PROTOCOLS = {
    "default": None,
    "adaptive": ({"method": "adaptive"},),
    "hybr": ({"method": "hybr"},),
    "L-BFGS-B": ({"method": "L-BFGS-B"},),
    "BFGS": ({"method": "BFGS"},),
}
CONVERGED = 1e-6  # largest |sum of weights - 1|: four orders worse than what Tempera is asked for


def solve(temperature, energy, name):
    """Seconds, the solution, and whether it is one."""
    states, per_state = energy.shape
    counts = numpy.full(states, per_state)
    start = time.perf_counter()
    reduced = energy.reshape(1, -1) / temperature[:, None]
    solution = pymbar.MBAR(reduced, counts, solver_protocol=PROTOCOLS[name], verbose=False)
    seconds = time.perf_counter() - start
    unity = numpy.abs(numpy.exp(solution.Log_W_nk).sum(axis=0) - 1).max()
    return seconds, solution, unity


def main(folder):
    temperature = numpy.fromfile(f"{folder}/temperature")
    energy = numpy.fromfile(f"{folder}/energy").reshape(len(temperature), -1)
    few = numpy.ascontiguousarray(energy[:, : energy.shape[1] // 20])
    tried = {}
    for name in PROTOCOLS:
        try:
            seconds, _, unity = solve(temperature, few, name)
        except Exception as error:  # a solver that gives up is no candidate
            print(f"pymbar {name}: {type(error).__name__} on {few.size} samples")
            continue
        print(f"pymbar {name}: {seconds:.2f} s on {few.size} samples, weights sum to 1 within {unity:.1e}")
        if unity < CONVERGED:
            tried[name] = seconds
    best = min(tried, key=tried.get)
    seconds, solution, unity = solve(temperature, energy, best)
    ours = numpy.fromfile(f"{folder}/f")
    print(f"pymbar_solver: {best}")
    print(f"pymbar_weight_error: {unity:.1e}")
    print(f"largest_difference_of_f: {numpy.abs(solution.f_k - solution.f_k[0] - ours).max():.1e}")
    start = time.perf_counter()
    covariance = solution.getFreeEnergyDifferences(return_theta=True)
    errors = numpy.asarray(covariance[1])[0]
    known = numpy.fromfile(f"{folder}/error")
    print(f"largest_relative_difference_of_errors: {numpy.abs(errors[1:] / known[1:] - 1).max():.1e}")
    print(f"pymbar_seconds: {seconds:.3f}")


main(sys.argv[1])
