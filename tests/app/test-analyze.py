"""tempera analyze: thermodynamics, surfaces and basins at temperatures between the rungs and 20 % beyond them against quadrature; the same numbers on
any number of ranks; runs that are at work or killed; what alchemlyb reads; checks that a planted mistake does not pass.

Errors are those that the program gives, by its bootstrap. About 200 comparisons at 4 standard errors: a correct program with an unlucky seed fails with
a probability of 2 % (errors from 50 replicates are themselves known to 10 %); the seeds are fixed.
"""

import json
import os
import shutil
import signal

import h5py
import numpy as np

from harness import analyze, expect, finish, inputs, run_ok, scratch, start, tempera, wait_for

LIMIT = 4.0  # standard errors


def near(name, value, error, exact, slack=0.0):
    expect(abs(value - exact) <= LIMIT * error + slack, f"{name}: {value:.6g} +- {error:.2g}, exact {exact:.6g}: {(value - exact) / error:.1f} standard errors")


# --------------------------------------------------------------------------------------------------------------- quadrature


class Exact:
    """Averages over the nodes of a quadrature, k_B = 1."""

    def __init__(self, energy, weight, temperature_0):
        self.energy, self.weight, self.t0 = energy, weight, temperature_0
        self.log_z0 = self.log_z(temperature_0)

    def log_z(self, t):
        lowest = self.energy.min()
        return np.log((self.weight * np.exp(-(self.energy - lowest) / t)).sum()) - lowest / t

    def probability(self, t):
        p = self.weight * np.exp(-(self.energy - self.energy.min()) / t)
        return p / p.sum()

    def point(self, t):
        p = self.probability(t)
        mean = (p * self.energy).sum()
        free_energy = -t * (self.log_z(t) - self.log_z0)
        return {"free_energy": free_energy, "energy": mean, "heat_capacity": (p * (self.energy - mean) ** 2).sum() / t**2,
                "entropy": (mean - free_energy) / t}


def gauss(low, high, count):
    node, weight = np.polynomial.legendre.leggauss(count)
    return 0.5 * (high + low) + 0.5 * (high - low) * node, 0.5 * (high - low) * weight


def double_well():
    x, weight = gauss(-4.0, 4.0, 800)
    return x, Exact(4.0 * (x * x - 1.0) ** 2 + 0.5 * x, weight, 1.0)


def mueller_brown():
    x, wx = gauss(-4.0, 3.0, 500)
    y, wy = gauss(-3.0, 5.0, 500)
    x, y = np.meshgrid(x, y, indexing="ij")
    energy = np.zeros_like(x)
    for a, b, c, d, x0, y0 in [(-200, -1, 0, -10, 1, 0), (-100, -1, 0, -10, 0, 0.5), (-170, -6.5, 11, -6.5, -0.5, 1.5), (15, 0.7, 0.6, 0.7, -1, 1)]:
        energy += a * np.exp(b * (x - x0) ** 2 + c * (x - x0) * (y - y0) + d * (y - y0) ** 2)
    keep = energy < 2000.0
    return x[keep], y[keep], Exact(energy[keep], np.outer(wx, wy)[keep], 10.0)


# ------------------------------------------------------------------------------------------------------------------ physics


def check_points(name, found, exact):
    for point in found["thermodynamics"]:
        t = point["temperature"]
        for quantity, value in exact.point(t).items():
            if t > exact.t0 or quantity not in ("free_energy",):
                near(f"{name}, T {t}, {quantity}", point[quantity], point[quantity + "_error"], value, 1e-9)


def check_supports(name, found, low, high):
    for point in found["thermodynamics"]:
        inside = low <= point["temperature"] <= high
        expect(point["support"] == ("ladder" if inside else "beyond"), f"{name}, T {point['temperature']}: support is {point['support']}")


def check_basins(name, found, exact, inside):
    """inside: basin -> nodes in it."""
    first = found["basins"][0]["basin"]
    for row in found["basins"]:
        t = row["temperature"]
        p = exact.probability(t)
        near(f"{name}, T {t}, P({row['basin']})", row["population"], row["population_error"], p[inside[row["basin"]]].sum())
        if row["basin"] != first:
            near(f"{name}, T {t}, F({row['basin']})", row["free_energy"], row["free_energy_error"],
                 -t * np.log(p[inside[row["basin"]]].sum() / p[inside[first]].sum()))


def physics_double_well(folder):
    run_ok(5, "run", inputs("double-well.yaml"), "--set", "run.rounds=20000", "--set", "training.steps_per_round=0", "--set", "training.hold_out=[]",
           "--set", "output.checkpoint_interval=20000", "--set", "output.trajectory_interval=0", "--set", "run.folder=run", "--set", "engine.timestep=0.01",
           "--set", "exchange.interval=100", folder=folder)
    with open(f"{folder}/analysis.yaml", "w", encoding="ascii") as file:
        file.write("analysis:\n  temperatures: [0.8, 1.15, 3, 4.8]\n  between: 1\n  surfaces: [x0]\n  bins: 24\n"
                   "  basins:\n    left: {x0: [-10, 0]}\n    right: {x0: [0, 10]}\n")
    found = analyze(folder, "--input", "analysis.yaml", "--export", "alchemlyb")
    x, exact = double_well()
    check_points("double well", found, exact)
    check_supports("double well", found, 1.0, 4.0)
    check_basins("double well", found, exact, {"left": x < 0, "right": x >= 0})
    surface = found["surfaces"][0]
    edges = np.linspace(surface["low"][0], surface["high"][0], surface["bins"] + 1)
    for t, probability, error in zip(surface["temperature"], surface["probability"], surface["probability_error"]):
        fine = np.linspace(edges[0], edges[-1], 24000 + 1)
        middle = 0.5 * (fine[1:] + fine[:-1])
        p = np.exp(-(4.0 * (middle**2 - 1.0) ** 2 + 0.5 * middle) / t).reshape(24, 1000).sum(axis=1)
        for i, value in enumerate(p / p.sum()):
            if value > 1e-2:
                near(f"double well, T {t}, bin {i}", probability[i], error[i], value)
    expect(abs(sum(surface["probability"][0]) - 1.0) < 1e-9, "the probabilities of a surface do not add up to one")
    return found


def physics_mueller_brown():
    folder = scratch()
    with open(f"{folder}/input.yaml", "w", encoding="ascii") as file:
        file.write("""
run: {folder: run, rounds: 20000, seed: 2}
engine: {kind: model, timestep: 0.002, friction: 5, model: {potential: mueller-brown}}
ladder: {temperatures: [10, 15, 20, 30, 50]}
exchange: {interval: 200}
training: {steps_per_round: 0, start_round: 500}
output: {checkpoint_interval: 20000, trajectory_interval: 0, report_interval: 1000}
analysis:
  temperatures: [8.4, 12, 17, 25, 40, 60]
  between: 0
  basins: {a: {x1: [0.8, 5]}, b: {x0: [0.1, 3], x1: [-3, 0.8]}}
""")
    run_ok(6, "run", "input.yaml", folder=folder)
    found = analyze(folder, ranks=2)
    x, y, exact = mueller_brown()
    check_points("Mueller-Brown", found, exact)
    check_supports("Mueller-Brown", found, 10.0, 50.0)
    check_basins("Mueller-Brown", found, exact, {"a": y >= 0.8, "b": (x >= 0.1) & (y < 0.8)})
    for check in found["checks"]["pairs"]:
        expect(check["verdict"] == "ok", f"Mueller-Brown: energies of a pair are called wrong: {check}")


# -------------------------------------------------------------------------------------------------------------------- ranks


def same(a, b, where=""):
    if isinstance(a, dict):
        expect(a.keys() == b.keys(), f"{where}: other keys")
        for key in a:
            if key != "folder":
                same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, list):
        if expect(len(a) == len(b), f"{where}: another length"):
            for i, (x, y) in enumerate(zip(a, b)):
                same(x, y, f"{where}/{i}")
    elif isinstance(a, float):
        expect(abs(a - b) <= 1e-9 * max(1.0, abs(a)), f"{where}: {a} and {b}")
    else:
        expect(a == b, f"{where}: {a} and {b}")


def ranks(folder, found):
    for n in (2, 4):
        same(found, analyze(folder, "--input", "analysis.yaml", "--output", "out", ranks=n), f"{n} ranks")


# -------------------------------------------------------------------------------------------------------------- alchemlyb


def alchemlyb(folder, found):
    """Read it as alchemlyb holds it, count its states the way its MBAR does, and solve."""
    try:
        import pandas
    except ImportError:
        return
    u_nk = pandas.read_csv(f"{folder}/run/u_nk.csv", index_col=[0, 1])
    u_nk.columns = u_nk.columns.astype(float)
    expect(list(u_nk.index.names) == ["time", "temperature"], f"u_nk: index {u_nk.index.names}")
    groups = u_nk.groupby(level=u_nk.index.names[1:])
    counts = np.array([len(groups.get_group(state)) if state in groups.groups else 0 for state in u_nk.columns])
    expect(counts.min() > 1000, f"u_nk: {counts} samples of the states")
    u = u_nk.sort_index(level=u_nk.index.names[1:]).to_numpy().T
    f = np.zeros(len(counts))
    for _ in range(500):
        mixture = np.logaddexp.reduce(np.log(counts)[:, None] + f[:, None] - u, axis=0)
        f = -np.logaddexp.reduce(-u - mixture, axis=1)
        f -= f[0]
    for k in range(1, len(f)):
        near(f"u_nk: f of state {k}", f[k], found["mbar"]["f_error"][k], found["mbar"]["f"][k])


# ------------------------------------------------------------------------------------------------------- running and killed


def running_and_killed():
    folder = scratch()
    run = start(5, "run", inputs("double-well.yaml"), "--set", "run.rounds=100000000", "--set", "network.width=8", "--set", "training.batch=8",
                "--set", "training.hold_out=[]", "--set", "run.folder=run", "--set", "output.report_interval=50", "--set", "training.start_round=0",
                "--set", "training.scale_rounds=50", "--set", "output.checkpoint_interval=200", folder=folder)
    few = [word for option in ("replicates=5", "samples=200", "relaxation.samples=100", "relaxation.steps=10") for word in ("--set", "analysis." + option)]

    def rounds():
        try:
            with h5py.File(f"{folder}/run/run.h5", "r") as file:
                return int(file["progress/rounds_written"][0])
        except OSError:
            return 0

    wait_for(lambda: rounds() > 500 and os.path.exists(f"{folder}/run/model.h5"), 60, "rounds of a run, and its model")
    first = analyze(folder, *few)
    expect(first["run"]["rounds_written"] > 500, "a running job: rounds are missing")
    expect(run.poll() is None, "the run did not go on beside its analysis")
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    second = analyze(folder, *few)
    expect(second["run"]["rounds_written"] >= first["run"]["rounds_written"], "a killed job: rounds are missing")
    expect(second["run"]["rounds_planned"] == 100000000, "a killed job: the plan is another one")
    for what, found in (("a running job", first), ("a killed job", second)):
        expect(len(found["model"]["checks"]) == 4 and len(found["model"]["energies"]["checks"]) == 8, f"{what}: the model is not held against the run")


# ------------------------------------------------------------------------------------------------------------------ mistakes


def planted(folder):
    """Energies of a rung that is 8 % too hot, and kinetic energies that are 10 % too high, are called wrong; and only those."""
    shutil.copytree(f"{folder}/run", f"{folder}/wrong")
    with h5py.File(f"{folder}/wrong/run.h5", "r+") as file:
        energy, kinetic = file["energy/value"][:], file["temperature/kinetic"][:]
        energy[:, 3] *= 1.08
        kinetic[:, 0] *= 1.10
        file["energy/value"][:] = energy
        file["temperature/kinetic"][:] = kinetic
    found = analyze(folder, run="wrong")
    verdicts = [check["verdict"] for check in found["checks"]["pairs"]]
    expect(verdicts == ["ok", "ok", "wrong"], f"planted energies: {found['checks']['pairs']}")
    verdicts = [check["verdict"] for check in found["checks"]["kinetic"]]
    expect(verdicts == ["wrong", "ok", "ok", "ok"], f"planted kinetic energies: {found['checks']['kinetic']}")


def replaced(folder):
    """Rounds after a replaced configuration do not count, whatever rank they would be on."""
    shutil.copytree(f"{folder}/run", f"{folder}/replaced")
    with h5py.File(f"{folder}/replaced/run.h5", "r+") as file:
        file["repair/round"][:2] = [7000, 7050]
        energy = file["energy/value"][:]
    found = analyze(folder, "--set", "analysis.relax_rounds=300", "--set", "analysis.replicates=2", run="replaced", ranks=3)
    keep = np.ones(len(energy), bool)
    keep[: found["run"]["equilibration"]] = False
    keep[7000:7350] = False
    expect(found["run"]["repairs"] == 2 and found["run"]["rounds"] == keep.sum(), f"a replaced configuration: {found['run']}, {keep.sum()} rounds count")
    for k, rung in enumerate(found["rungs"]):
        expect(abs(rung["energy"] - energy[keep, k].mean()) < 1e-12, f"a replaced configuration, rung {k}: mean energy {rung['energy']}")


def sparse_rows():
    """Where not every round has a frame, those that have one count, each with the energy of its round."""
    folder = scratch()
    run_ok(5, "run", inputs("double-well.yaml"), "--set", "run.rounds=3000", "--set", "training.steps_per_round=0", "--set", "training.hold_out=[]",
           "--set", "output.trajectory_interval=0", "--set", "run.folder=run", "--set", "output.feature_interval=6", "--set", "output.energy_interval=2",
           folder=folder)
    found = analyze(folder, "--set", "analysis.replicates=2", ranks=2)
    first = found["run"]["equilibration"] // 6
    with h5py.File(f"{folder}/run/run.h5") as file:
        energy = file["energy/value"][2::3][first:]
    expect(found["run"]["rounds"] == len(energy), f"frames every 6 rounds: {found['run']}, {len(energy)} frames count")
    for k, rung in enumerate(found["rungs"]):
        expect(abs(rung["energy"] - energy[:, k].mean()) < 1e-12, f"frames every 6 rounds, rung {k}: mean energy {rung['energy']}")


def refused(folder, line, *arguments):
    result = tempera(0, "analyze", *arguments, folder=folder)
    errors = result.errors()
    expect(result.status == 2 and len(errors) == 1 and line in errors[0], f"analyze {' '.join(arguments)}: {result}")


def mistakes(folder):
    refused(folder, "nowhere: can't open: No such file", "nowhere")
    refused(folder, "the run is done; allowed here are keys of the section analysis", "run", "--set", "run.seed=3")
    refused(folder, "analysis.surfaces: 'x7' is neither a feature nor a pair of features; the first feature is 'x0'", "run", "--set", "analysis.surfaces=[x7]")
    refused(folder, "analysis.basins: 'phi' is no feature", "run", "--set", "analysis.basins.a.phi=[0, 1]")
    refused(folder, "the first number must be the smaller one", "run", "--set", "analysis.basins.a.x0=[2, 1]")
    refused(folder, "is no box; allowed are as in", "run", "--set", "analysis.basins.a.x0=2")
    refused(folder, "--export: 'csv' is no format; allowed alchemlyb", "run", "--export", "csv")
    with open(f"{folder}/other.yaml", "w", encoding="ascii") as file:
        file.write("exchange: {interval: 3}\n")
    refused(folder, "exchange.interval: differs from what", "run", "--input", "other.yaml")


def written(folder):
    """analysis.h5 is a whole file with the same numbers."""
    run_ok(0, "info", "run/analysis.h5", folder=folder)
    with open(f"{folder}/run/analysis.json", encoding="ascii") as file, h5py.File(f"{folder}/run/analysis.h5", "r") as h5:
        found = json.load(file)
        expect(np.array_equal(h5["thermodynamics/energy"][:], [p["energy"] for p in found["thermodynamics"]]), "analysis.h5: other energies than analysis.json")
        expect(np.array_equal(h5["surfaces/0/probability"][:], found["surfaces"][0]["probability"]), "analysis.h5: another surface than analysis.json")
        expect(h5["basins/population"].shape == (4, 2) and h5["surfaces/0/edges0"].shape == (25,), "analysis.h5: other shapes")


FOLDER = scratch()
FOUND = physics_double_well(FOLDER)
written(FOLDER)
ranks(FOLDER, FOUND)
alchemlyb(FOLDER, FOUND)
planted(FOLDER)
replaced(FOLDER)
sparse_rows()
mistakes(FOLDER)
physics_mueller_brown()
running_and_killed()
finish()
