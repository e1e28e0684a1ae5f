"""Configurational temperatures by tempera analyze: those of the rungs by every engine, also with constraints; a planted wrong one; where there are none.

13 comparisons at 4 standard errors, and verdicts at 1 % for an analysis: a correct program with an unlucky seed fails with a probability of 5 %; the seeds
are fixed.
"""

import json
import os
import shutil

import h5py
import numpy as np

from harness import expect, finish, has_lammps, has_openmm, inputs, run_ok, scratch

HARMONIC = """
run: {folder: run, rounds: 1200, seed: 4}
engine: {kind: model, timestep: 0.1, friction: 2, model: {potential: harmonic, dimension: 6, barrier: 3}}
ladder: {temperatures: [0.5, 1, 2]}
exchange: {interval: 20}
training: {steps_per_round: 0}
output: {trajectory_interval: 3, report_interval: 600, checkpoint_interval: 1200}
"""
WELL = """
run: {folder: run, rounds: 3000, seed: 5}
engine: {kind: model, timestep: 0.05, friction: 2, model: {potential: asymmetric-double-well}}
ladder: {temperatures: [0.5, 1, 2]}
exchange: {interval: 20}
training: {steps_per_round: 0}
output: {trajectory_interval: 3, report_interval: 1000, checkpoint_interval: 3000}
"""


def analyze(folder, *options, ranks=0, run="run"):
    out = run_ok(ranks, "analyze", run, "--set", "analysis.replicates=2", "--set", "analysis.between=0", *options, folder=folder).out
    with open(os.path.join(folder, run, "analysis.json"), encoding="ascii") as file:
        return json.load(file)["checks"], out


def expect_right(name, checks, temperatures, limit, frames=20):
    """All as they should be, and known well enough to tell."""
    if not expect(len(checks["configurational"]) == len(temperatures), f"{name}: not checked: {checks['not_configurational']}"):
        return
    for check, temperature in zip(checks["configurational"], temperatures):
        off = (check["temperature"] - temperature) / check["error"]
        expect(abs(off) < 4 and check["verdict"] == "ok" and check["frames"] >= frames, f"{name}, T {temperature}: {check}, {off:.1f} standard errors")
        expect(check["error"] < limit * temperature, f"{name}, T {temperature}: {check} is not known well enough")


def place(text):
    folder = scratch()
    with open(f"{folder}/input.yaml", "w", encoding="ascii") as file:
        file.write(text)
    return folder


def models():
    folder = place(HARMONIC)
    run_ok(4, "run", "input.yaml", folder=folder)
    checks, text = analyze(folder)
    expect_right("harmonic", checks, [0.5, 1, 2], 0.08, frames=200)
    expect("from forces" in text, "the table does not tell of it")
    other, _ = analyze(folder, ranks=2)
    expect(other["configurational"] == checks["configurational"], "2 ranks find another configurational temperature")
    # The forces of an oscillator are known: the same frames, by numpy.
    checks, _ = analyze(folder, "--set", "analysis.configurations=100000")
    with open(f"{folder}/run/analysis.json", encoding="ascii") as file:
        equilibration = json.load(file)["run"]["equilibration"]
    with h5py.File(f"{folder}/run/trajectory/rung-001.h5") as file:
        x, step = file["particles/trajectory/position/value"][:].astype(float), file["particles/trajectory/position/step"][:]
    x = x[step // 20 - 1 >= equilibration]
    exact, found = 3 * np.mean(np.sum(x**2, axis=(1, 2))) / 6, checks["configurational"][1]
    expect(found["frames"] == len(x) and abs(found["temperature"] / exact - 1) < 1e-6, f"harmonic: {found}, by numpy {exact} of {len(x)} frames")
    with h5py.File(f"{folder}/run/analysis.h5") as file:
        expect(file["checks/configurational/temperature"][1] == found["temperature"], "analysis.h5 has another number")
    planted(folder)
    left_out(folder)

    folder = place(WELL)
    run_ok(4, "run", "input.yaml", folder=folder)
    checks, _ = analyze(folder, "--set", "analysis.configurations=1000")
    expect_right("double well", checks, [0.5, 1, 2], 0.15, frames=900)


def planted(folder):
    """Positions of a rung that is 21 % too hot, which energies and kinetic energies as they are recorded do not tell."""
    shutil.copytree(f"{folder}/run", f"{folder}/hot")
    with h5py.File(f"{folder}/hot/trajectory/rung-001.h5", "r+") as file:
        file["particles/trajectory/position/value"][...] *= 1.1
    checks, text = analyze(folder, run="hot")
    verdicts = [check["verdict"] for check in checks["configurational"]]
    expect(verdicts == ["ok", "wrong", "ok"] and "WRONG" in text, f"planted: {checks['configurational']}")
    expect(all(check["verdict"] == "ok" for check in checks["pairs"] + checks["kinetic"]), f"planted: {checks}")


def left_out(folder):
    """What can't be checked is told, and no mistake."""
    def told(what, line, *options, run="run"):
        checks, text = analyze(folder, *options, run=run)
        expect(not checks["configurational"] and f"configurational temperatures: not checked, {line}" in text, f"{what}: {text}")

    told("not wanted", "analysis.configurations is 0", "--set", "analysis.configurations=0")
    told("few frames", "10 frames of rung 0 count, 20 are needed", "--set", "analysis.configurations=10")
    os.rename(f"{folder}/hot/trajectory/rung-002.h5", f"{folder}/hot/elsewhere.h5")
    told("no file", "hot/trajectory/rung-002.h5: can't open", run="hot")


def molecule():
    """Bonds to hydrogen are constraints. A few stiff bonds are most of the laplacian, so 200 frames tell less than of a fluid;
    the friction lets them forget."""
    folder = scratch()
    run_ok(3, "run", inputs("alanine-dipeptide.yaml"), "--set", "run.folder=run", "--set", "ladder.temperatures=[300 K, 465 K]", "--set", "run.rounds=400",
           "--set", "training.hold_out=[]", "--set", "training.steps_per_round=0", "--set", "training.start_round=60", "--set", "exchange.interval=40",
           "--set", "output.trajectory_interval=1", "--set", "engine.timestep=1 fs", "--set", "engine.friction=20/ps", folder=folder)
    checks, _ = analyze(folder, ranks=2)
    expect_right("alanine dipeptide", checks, [300, 465], 0.12, frames=150)


def fluid():
    """And a script that is another one by the time of the analysis."""
    folder = scratch()
    os.mkdir(f"{folder}/lammps")
    shutil.copy(inputs("lammps-lj.yaml"), f"{folder}/input.yaml")
    shutil.copy(inputs("lammps", "in.lj"), f"{folder}/lammps/in.lj")
    run_ok(3, "run", "input.yaml", "--set", "run.folder=run", "--set", "run.rounds=120", "--set", "output.trajectory_interval=2",
           "--set", "exchange.interval=40", "--set", "training.start_round=30", folder=folder)
    checks, _ = analyze(folder)
    expect_right("Lennard-Jones fluid by LAMMPS", checks, [1.0, 1.08], 0.05)
    with open(f"{folder}/lammps/in.lj", "a", encoding="ascii") as file:
        file.write("pair_coeff 1 1 1.0 1.01\n")
    checks, text = analyze(folder)
    expect(not checks["configurational"] and "not checked, the engine's files describe another system now" in text, f"another script: {text}")


models()
if has_openmm():
    molecule()
if has_lammps():
    fluid()
finish()
