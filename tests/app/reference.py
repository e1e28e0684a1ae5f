"""The tables of exact numbers in tests/reference, and errors of correlated series."""

import os

import numpy as np


def table(source, name):
    """Rows of a table as {first column: {column: number}}; acceptance tables are keyed by their first two columns."""
    rows = {}
    columns = None
    keys = 2 if "acceptance" in name else 1
    with open(os.path.join(source, "tests", "reference", name), encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                columns = line[1:].split()  # the last comment line names the columns
                continue
            numbers = [float(word) for word in line.split()]
            key = numbers[0] if keys == 1 else tuple(numbers[:2])
            rows[key] = dict(zip(columns, numbers))
    return rows


def mean_and_error(series, blocks=50):
    """Mean and its standard error from the scatter of block means: right for correlated series, if blocks are longer than the correlation."""
    series = np.asarray(series, float)
    length = len(series) // blocks
    means = series[: blocks * length].reshape(blocks, length).mean(axis=1)
    return means.mean(), means.std(ddof=1) / np.sqrt(blocks)


def mean_and_inefficiency(series):
    """Mean and its standard error from the integrated autocorrelation, summed up to its first zero (Chodera et al., J. Chem. Theory Comput. 3 (2007) 26)."""
    series = np.asarray(series, float)
    count = len(series)
    noise = series - series.mean()
    variance = np.mean(noise**2)
    inefficiency = 1.0
    for lag in range(1, count // 2):
        correlation = np.mean(noise[:-lag] * noise[lag:]) / variance
        if correlation <= 0:
            break
        inefficiency += 2 * (1 - lag / count) * correlation
    return series.mean(), np.sqrt(variance * inefficiency / count)
