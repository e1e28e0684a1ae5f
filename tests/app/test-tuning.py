"""Tuning of the ladder: equal rejections afterwards, exact averages at the temperatures that it has found, and restarts bit for bit at every point of it.

The rejections of the pairs must be equal within the errors of the tuning and of the run together: chi-squared below its 0.1 % point. The averages: 6
comparisons at 4 standard errors (Student's t, 49 degrees of freedom), false alarm 0.1 %. Seeds are fixed.
"""

import csv
import os

import h5py
import numpy as np

from harness import analyze, expect, finish, run_ok, scratch
from reference import mean_and_error
from restarting import checkpoint, cut_run, expect_same, finished_run
from systems import ROUNDS

TUNE_ROUNDS, PRODUCTION_ROUNDS, RUNGS = 12000, 12000, 6

INPUT = f"""
run: {{folder: run, rounds: {TUNE_ROUNDS + PRODUCTION_ROUNDS}, seed: 3}}
engine: {{kind: model, timestep: 0.02, friction: 1, model: {{potential: asymmetric-double-well}}}}
ladder: {{temperatures: [0.1, 0.88, 1.66, 2.44, 3.22, 4], tune: true, tune_rounds: {TUNE_ROUNDS}}}
exchange: {{interval: 50}}
training: {{steps_per_round: 0, start_round: {TUNE_ROUNDS}}}
output: {{checkpoint_interval: 100000, trajectory_interval: 1000, report_interval: 5000}}
"""


def rejections(file, first, end):
    """Mean rejection of each pair with its standard error, from the probabilities."""
    partner, probability = file["exchange/partner"][first:end], file["exchange/probability"][first:end]
    return np.array([mean_and_error(1 - probability[partner[:, i] == i + 1, i]) for i in range(RUNGS - 1)])


def excess(value, error):
    """Chi-squared that all values are their weighted mean."""
    weight = error**-2
    return float(np.sum(weight * (value - np.sum(weight * value) / np.sum(weight))**2))


def exact_energy(temperature):
    x = np.linspace(-3, 3, 20001)
    u = 4 * (x**2 - 1)**2 + x / 2
    weight = np.exp(-(u - u.min()) / temperature)
    return np.sum(u * weight) / np.sum(weight)


def analysed(folder, temperature):
    """Only what the final temperatures have made counts: energies, frames, reduced potentials."""
    found = analyze(folder, "--export", "alchemlyb", "--set", "analysis.replicates=2", "--set", "analysis.between=0")
    first = found["run"]["equilibration"]
    expect(first >= TUNE_ROUNDS and found["run"]["rounds"] == TUNE_ROUNDS + PRODUCTION_ROUNDS - first, f"rounds that count: {found['run']}")
    with h5py.File(f"{folder}/run/run.h5") as file:
        energy, frame = file["energy/value"][first:], file["features/value"][first:, :, 0]
    expect([rung["temperature"] for rung in found["rungs"]] == list(temperature), "the rungs are not at the final temperatures")
    for rung in range(RUNGS):
        expect(abs(found["rungs"][rung]["energy"] - energy[:, rung].mean()) < 1e-12, f"rung {rung}: mean energy {found['rungs'][rung]['energy']}")
    expect(all(check["verdict"] == "ok" for kind in ("pairs", "kinetic") for check in found["checks"][kind]), f"checks: {found['checks']}")
    low, high = frame.min(), frame.max()
    with open(f"{folder}/run/u_nk.csv", encoding="ascii") as file:
        rows = list(csv.reader(file))
    states = np.array([float(state) for state in rows[0][2:]])
    expect(np.allclose(states, temperature, rtol=1e-9), f"u_nk: states {states}")
    u, known = np.array([[float(number) for number in row[2:]] for row in rows[1:]]), set(np.round(energy.flatten(), 6))
    expect(np.allclose(u * states, u[:, :1] * states[0], rtol=1e-6), "u_nk: reduced potentials are not one energy over the final temperatures")
    expect(all(value in known for value in np.round(u[:, 0] * states[0], 6)), "u_nk: an energy that no round behind the tuning has")
    expect(low < -1 < 1 < high, f"frames from {low} to {high}")


def told(folder, rounds):
    """What tempera info says of a checkpoint's temperatures, and what they are."""
    out = run_ok(0, "info", checkpoint(rounds), folder=folder).out
    with h5py.File(os.path.join(folder, checkpoint(rounds))) as file:
        temperatures = " ".join(f"{temperature:.10g}" for temperature in file["ladder/temperature"])
    return [line for line in out.splitlines() if line.startswith("  temperatures ")][0].strip(), temperatures


def equal_rejections():
    folder = scratch()
    with open(f"{folder}/input.yaml", "w", encoding="ascii") as file:
        file.write(INPUT)
    log = run_ok(RUNGS + 1, "run", "input.yaml", folder=folder).out
    with h5py.File(f"{folder}/run/run.h5") as file:
        temperature, end = file["ladder/temperature"][:], file["tuning/end_round"][:]
        before = rejections(file, 0, end[0])
        last = rejections(file, end[-2], end[-1])
        after = rejections(file, TUNE_ROUNDS, None)
        # A temperature is placed with the error of what the last stage measured.
        found = excess(after[:, 0], np.hypot(after[:, 1], last[:, 1]))
        expect(found < 18.5, f"after tuning: rejections {after[:, 0]}, chi-squared {found:.1f} of 4 degrees of freedom, allowed 18.5")
        expect(after[:, 1].max() < 0.01, f"errors {after[:, 1]} are too large to tell")
        expect(before[0, 0] > 5 * before[-1, 0], f"before: rejections {before[:, 0]} are equal already, the test proves nothing")
        expect(temperature[0] == 0.1 and temperature[-1] == 4, f"the ends have moved: {temperature}")
        expect(end[-1] == TUNE_ROUNDS and np.all(np.diff(end) > 1.8 * np.diff(end, prepend=0)[:-1]), f"stages end at {end}")
        expect(file["diagnostics/rounds"][0] == PRODUCTION_ROUNDS and np.all(file["diagnostics/attempts"][:] == PRODUCTION_ROUNDS // 2),
               "the diagnostics count rounds of the tuning")
        # The label of a frame is the temperature that made it.
        stage = np.searchsorted(end, np.arange(TUNE_ROUNDS), side="right")
        label = file["temperature/label"]
        expect(np.array_equal(label[:TUNE_ROUNDS], file["tuning/temperature"][:][stage]), "labels of the tuning are not its temperatures")
        expect(np.all(label[TUNE_ROUNDS:] == temperature), "labels after the tuning are not the final temperatures")
        for rung in range(RUNGS):
            mean, error = mean_and_error(file["energy/value"][TUNE_ROUNDS:, rung])
            exact = exact_energy(temperature[rung])
            expect(abs(mean - exact) < 4 * error and error < 0.05, f"rung {rung}: <U> {mean:.4f} +- {error:.4f}, exact {exact:.4f}")
            kinetic, error = mean_and_error(file["temperature/kinetic"][TUNE_ROUNDS:, rung])
            expect(abs(kinetic - temperature[rung]) < 4 * error + 0.01 * temperature[rung], f"rung {rung}: kinetic {kinetic} +- {error}")
        walker = np.sort(file["exchange/walker"][:], axis=1)
        expect(np.all(walker == np.arange(RUNGS)), "walkers are not a permutation in every round")
    with h5py.File(f"{folder}/run/trajectory/rung-001.h5") as file:
        step = file["particles/trajectory/position/step"][:]
        expect(np.array_equal(step, 50 * (TUNE_ROUNDS + 1000 * np.arange(1, 13))), f"frames at {step}")
        expect(np.all(np.isfinite(file["particles/trajectory/position/value"][:])), "frames are missing")
    analysed(folder, temperature)
    for fragment in ("tuning, stage 6 of 6", "local barrier", "most round trips per processor time", "predicted round trips under deo",
                     "the temperatures are frozen"):
        expect(fragment in log, f"the log does not tell of '{fragment}'")


def check_velocities(folder, rounds, old, new):
    """A checkpoint at the end of a stage: each walker has come from its rung in that round to where it is, and to the new temperature there."""
    with h5py.File(os.path.join(folder, "run", "run.h5")) as file:
        walker, kinetic = file["exchange/walker"][rounds - 1], file["temperature/kinetic"][rounds - 1]
    with h5py.File(os.path.join(folder, checkpoint(rounds))) as file:
        states, temperature = file["states"][:], file["ladder/temperature"][:]
    expect(np.array_equal(temperature, new) and not np.array_equal(old[1:-1], new[1:-1]), f"round {rounds}: temperatures {temperature}, expected {new}")
    for rung, state in enumerate(states):
        source = list(walker).index(state[0])
        now = np.mean(state[13:]**2)  # of two coordinates of mass 1; walker, energy, box and positions are before them
        expect(abs(now / (kinetic[source] * new[rung] / old[source]) - 1) < 1e-9, f"round {rounds}, rung {rung}: velocities are not scaled")


def restarts():
    """Stages end after 4 and 13 rounds; training begins at 21."""
    folder = scratch()
    options = ("--set", "ladder.tune=true", "--set", "ladder.tune_rounds=13", "--set", "ladder.tune_stages=2", "--set", "training.start_round=13",
               "--set", "training.hold_out=[]", "--set", "training.hold_out_rungs=[1]", "--set", "output.checkpoint_interval=1")
    source = os.path.join(folder, "tuned")
    ranks = finished_run("double-well", source, *options)
    with h5py.File(os.path.join(source, "run", "run.h5")) as file:
        first, second = file["tuning/temperature"][:]
        check_velocities(source, 4, first, second)
        check_velocities(source, 13, second, file["ladder/temperature"][:])
    for rounds in (2, 4, 9, 13, 30):
        copy = f"{source}-{rounds}"
        cut_run(source, copy, rounds)
        run_ok(ranks, "run", "input.yaml", "--restart", *options, folder=copy)
        expect_same(source, copy, f"tuned, stopped after {rounds} rounds")
    # Any number of trainers finds the same temperatures; another length keeps them.
    for rounds, end in ((9, ": being tuned up to round 13"), (13, ": tuned, frozen since round 13"), (30, ": tuned, frozen since round 13")):
        line, temperatures = told(source, rounds)
        expect(line == f"temperatures {temperatures}{end}", f"info after {rounds} rounds: {line}")
    other = os.path.join(folder, "trainers")
    finished_run("double-well", other, *options, trainers=2)
    expect_same(source, other, "tuned with 2 trainers", ("/@parameters",))
    short = os.path.join(folder, "short")
    finished_run("double-well", short, *options, "--set", "run.rounds=17")
    run_ok(ranks, "run", "input.yaml", "--restart", *options, "--set", f"run.rounds={ROUNDS}", folder=short)
    expect_same(source, short, "tuned, made longer", ("/@parameters",))


equal_rejections()
restarts()
finish()
