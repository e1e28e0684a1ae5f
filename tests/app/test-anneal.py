"""Population annealing: exact answers, the same bits on any number of ranks and after any stop, clear refusals.

Comparisons at 4 standard errors: 24 of them with normal errors, so a correct program with an unlucky seed fails with probability 1e-3; the seeds are fixed.
"""

import os
import random
import shutil
import signal
import time

import h5py
import numpy as np

from compare import differences
from harness import SOURCE, expect, finish, has_lammps, has_openmm, inputs, run_ok, scratch, start, tempera, wait_for
from reference import table

DOUBLE_WELL = """
run: {folder: run, rounds: 1, seed: 5}
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: asymmetric-double-well}}
ladder: {temperatures: [0.5, 0.6666666666666666, 1, 1.3333333333333333, 2, 4]}
anneal: {population: 4000, steps: 50, top_rounds: 10}
"""
# Velocities, two coordinates, a target that puts temperatures between, and a population that no number of ranks divides.
SMALL = """
run: {folder: run, rounds: 1, seed: 9}
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: double-well, dimension: 2}}
ladder: {temperatures: [0.5, 4]}
anneal: {population: 403, steps: 20, top_rounds: 3, effective: 0.8, replicates: 20}
"""
HARMONIC = """
run: {folder: run, rounds: 1}
engine: {kind: model, timestep: 0.05, friction: 1, model: {potential: harmonic, dimension: 6, barrier: 1}}
ladder: {temperatures: [1, 2, 4]}
anneal: {population: 300, steps: 20, top_rounds: 20, replicates: 100}
"""

folder = scratch()


def place(name, text):
    path = os.path.join(folder, name)
    os.mkdir(path)
    with open(os.path.join(path, "input.yaml"), "w", encoding="ascii") as file:
        file.write(text)
    return path


def expect_close(name, value, error, exact, limit):
    expect(abs(value - exact) <= 4 * error, f"{name}: {value:.5f} +- {error:.5f}, exact {exact:.5f}: {(value - exact) / error:.1f} standard errors")
    expect(error <= limit, f"{name}: the standard error {error:.5f} is too large to tell")  # NaN fails, too


def family_mean(value, family):
    """Mean over the population and its error from the scatter of families, which are independent."""
    mean = value.mean()
    sums = np.bincount(family, weights=value - mean, minlength=len(value))
    return mean, np.sqrt((sums**2).sum()) / len(value)


def double_well():
    """Free energies, energies, heat capacities and populations against quadrature; files and table agree."""
    path = place("double-well", DOUBLE_WELL)
    run_ok(0, "anneal", "input.yaml", folder=path)
    exact = table(SOURCE, "asymmetric-double-well.txt")
    with h5py.File(os.path.join(path, "run", "anneal.h5")) as file:
        column = {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}
        x, family = file["samples/features"][:, :, 0], file["samples/family"][()]
        low, high, counts = file["histogram/low"][0], file["histogram/high"][0], file["histogram/marginal"][:, 0]
        energy = file["samples/energy"][()]
    for row, rung in enumerate(column["rung"].astype(int)):
        if rung < 0:
            continue
        beta = [2.0, 1.5, 1.0, 0.75, 0.5, 0.25][rung]
        is_top = rung == 5
        answer = exact[beta]
        if not is_top:
            expect_close(f"beta {beta}, ln Z", column["log_z"][row], column["log_z_error"][row], answer["log_z"] - exact[0.25]["log_z"], 0.05)
            expect(np.isclose(column["free_energy"][row], -column["log_z"][row] / beta, rtol=1e-12), f"beta {beta}: F is not -kT ln Z")
        expect_close(f"beta {beta}, <U>", column["energy"][row], column["energy_error"][row], answer["mean_energy"], 0.05)
        expect_close(f"beta {beta}, C_v", column["heat_capacity"][row], column["heat_capacity_error"][row], answer["heat_capacity"], 0.1)
        expect_close(f"beta {beta}, P(x > 0)", *family_mean(x[:, rung] > 0, family[:, rung]), answer["probability_x_positive"], 0.03)
        expect(np.isclose(energy[:, rung].mean(), column["energy"][row], rtol=1e-10), f"beta {beta}: /energy is not the mean of the samples")
        found, _ = np.histogram(x[:, rung], bins=36, range=(low, high))
        expect(abs(found - counts[rung]).sum() <= 2, f"beta {beta}: the histogram is not that of the samples")
        sizes = np.bincount(family[:, rung])
        expect(column["families"][row] == (sizes > 0).sum() and np.isclose(column["family_size"][row], (sizes**2.0).sum() / 4000),
               f"beta {beta}: families")
    with h5py.File(os.path.join(path, "run", "anneal", "checkpoint.h5")) as file:
        v, family = file["states"][:, -1], file["family"][()]  # on arrival at the lowest temperature, before its MD
    expect_close("velocities, <v^2>", *family_mean(v**2, family), 0.5, 0.02)
    steps = 50 * 4000 * (10 + np.arange(len(column["md_steps"])))
    expect(np.array_equal(column["md_steps"], steps), f"MD steps {column['md_steps']}")
    lines = open(os.path.join(path, "run", "anneal.txt")).read().splitlines()
    expect(len(lines) == len(column["log_z"]) + 1 and f"{column['log_z'][-1]:.6f}" in lines[-1], f"anneal.txt: {lines}")
    expect("tempera annealing, " in run_ok(0, "info", "run/anneal.h5", folder=path).out, "tempera info does not know anneal.h5")


def error_bars():
    """15 annealings of oscillators, ln Z = -3 ln 4 exactly: the squared errors in units of the error bars sum to chi-squared with 15 degrees of freedom, 3.0 to
    40.1 with probability 0.999; errors too small or too large by a factor of 2 are found."""
    path = place("harmonic", HARMONIC)
    squares = 0.0
    for seed in range(15):
        run_ok(0, "anneal", "input.yaml", "--set", f"run.seed={seed}", "--set", f"run.folder=r{seed}", folder=path)
        with h5py.File(os.path.join(path, f"r{seed}", "anneal.h5")) as file:
            squares += ((file["log_z"][-1] + 3 * np.log(4)) / file["log_z_error"][-1]) ** 2
    expect(3.0 <= squares <= 40.1, f"15 squared errors in units of the error bars sum to {squares:.1f}")


def same(reference, path, what):
    for name in ("anneal.h5", os.path.join("anneal", "checkpoint.h5")):
        found = differences(os.path.join(reference, "run", name), os.path.join(path, "run", name))
        expect(not found, f"{what}, {name}: " + "\n  ".join(found[:8]))


def ranks_and_restarts():
    reference = place("small", SMALL)
    out = run_ok(1, "anneal", "input.yaml", folder=reference).out
    expect(os.path.exists(os.path.join(reference, "run", "anneal", "finished")), "no marker `finished`")
    with h5py.File(os.path.join(reference, "run", "anneal.h5")) as file:
        effective, rung = file["effective"][()], file["rung"][()]
        expect((effective >= 0.8 - 1e-9).all() and (rung < 0).sum() >= 2, f"anneal.effective: {effective} at {rung}")
    for ranks in (2, 4):
        path = place(f"small-{ranks}", SMALL)
        run_ok(ranks, "anneal", "input.yaml", folder=path)
        same(reference, path, f"{ranks} ranks")

    # Stopped by the clock in the first chunk of every start: in the middle of sweeps, going on with other numbers of ranks.
    path = place("stopped", SMALL)
    for i, ranks in enumerate((2, 1, 3, 0, 2, 0)):
        result = run_ok(ranks, "anneal", "input.yaml", "--max-hours", "1e-9", *(["--restart"] if i else []), folder=path)
        expect("--restart" in result.out and os.path.exists(os.path.join(path, "run", "anneal", "continue")), f"stop {i}: {result}")
    with h5py.File(os.path.join(path, "run", "anneal", "checkpoint.h5")) as file:
        moved = file["moved"][()]
        expect(0 < moved.sum() < 403 and len(file["states"]) == 403, f"the stops were not within a sweep: {moved.sum()} members moved")
    run_ok(2, "anneal", "input.yaml", "--restart", folder=path)
    same(reference, path, "stopped six times")

    # Killed wherever it hits; a long one, so that it hits.
    slow = ("--set", "anneal.steps=4000")
    whole, path = place("slow", SMALL), place("killed", SMALL)
    run_ok(2, "anneal", "input.yaml", *slow, folder=whole)
    chance = random.Random(3)
    for i in range(2):
        process = start(2, "anneal", "input.yaml", *slow, *(["--restart"] if i else []), folder=path)
        wait_for(lambda: os.path.exists(os.path.join(path, "run", "anneal", "checkpoint.h5")), 60, "the first checkpoint")
        time.sleep(0.3 + chance.random() * 0.7)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    run_ok(1, "anneal", "input.yaml", *slow, "--restart", folder=path)
    same(whole, path, "killed twice")

    # The signal of a batch system.
    path = place("signalled", SMALL)
    process = start(2, "anneal", "input.yaml", *slow, folder=path)
    wait_for(lambda: os.path.exists(os.path.join(path, "run", "anneal", "checkpoint.h5")), 60, "the first checkpoint")
    process.send_signal(signal.SIGUSR2)
    out, err = process.communicate(timeout=120)
    expect(process.returncode == 0, f"SIGUSR2: status {process.returncode}: {out} {err}")
    run_ok(2, "anneal", "input.yaml", *slow, "--restart", folder=path)
    same(whole, path, "SIGUSR2")
    return reference


def refuse(path, fragments, *arguments, ranks=0):
    result = tempera(ranks, "anneal", "input.yaml", *arguments, folder=path)
    lines = result.errors()
    expect(result.status == 2 and len(lines) == 1 and all(part in lines[0] for part in fragments), f"{arguments}: expected {fragments}: {result}")


def refusals(done):
    refuse(done, ["holds an annealing already", "--restart"])
    refuse(done, ["anneal.steps", "a restart must keep it"], "--restart", "--set", "anneal.steps=21")
    refuse(done, ["ladder.temperatures", "a restart must keep it"], "--restart", "--set", "ladder.temperatures=[0.5, 3]")
    run_ok(0, "anneal", "input.yaml", "--restart", "--set", "output.report_interval=3", folder=done)  # not its business
    damaged = os.path.join(folder, "damaged")
    shutil.copytree(done, damaged)
    with open(os.path.join(damaged, "run", "anneal", "checkpoint.h5"), "r+b") as file:
        file.truncate(9000)
    refuse(damaged, ["checkpoint.h5"], "--restart")
    new = place("new", SMALL)
    refuse(new, ["holds no annealing to restart"], "--restart")
    refuse(new, ["anneal.population: 2 members on 3 ranks"], "--set", "anneal.population=2", ranks=3)
    refuse(new, ["anneal.population: 1 is out of range"], "--set", "anneal.population=1")
    refuse(new, ["anneal.temperatures: 1 comes after 2", "must increase"], "--set", "anneal.temperatures=[2, 1]")
    refuse(new, ["ladder.temperatures: there is one temperature"], "--set", "ladder.temperatures=[2]")
    refuse(new, ["anneal.effective: 1 is out of range"], "--set", "anneal.effective=1")
    refuse(new, ["evaluation.pairs: ", "y0"], "--set", "evaluation.pairs=[[x0, y0]]")
    expect(os.listdir(new) == ["input.yaml"], f"a refused annealing leaves {os.listdir(new)}")
    result = tempera(2, "anneal", "input.yaml", "--set", "engine.timestep=50", folder=new)
    expect(result.status == 1 and len(result.errors()) == 1 and "became not finite" in result.errors()[0], f"a bad configuration: {result}")


def plan():
    """--check tells what is to come, finds mistakes, and leaves nothing."""
    path = place("plan", SMALL)
    out = run_ok(2, "anneal", "input.yaml", "--check", folder=path).out
    steps = 403 * 20 * (3 + 1)
    for fragment in ("mpirun -n N tempera anneal ..., N from 1 to 403; here 2, with 202 members or fewer on each", f"{steps} MD steps", "the input is fine"):
        expect(fragment in out, f"--check does not tell '{fragment}': {out}")
    refuse(path, ["anneal.population: 2 members on 3 ranks"], "--check", "--set", "anneal.population=2", ranks=3)
    refuse(path, ["anneal.temperatures: 1 comes after 2"], "--check", "--set", "anneal.temperatures=[2, 1]")
    expect(os.listdir(path) == ["input.yaml"], f"--check leaves {os.listdir(path)}")


def top_rounds(path, *options):
    """What is said of the highest temperature: whether it is a warning, and the numbers of anneal.h5."""
    result = run_ok(0, "anneal", "input.yaml", *options, folder=path)
    told = [line for line in (result.out + result.err).splitlines() if "at the highest temperature U is" in line]
    folder_name = options[-1].split("=")[1]
    with h5py.File(os.path.join(path, folder_name, "anneal.h5")) as file:
        numbers = file["top"][:]
    if not expect(len(told) == 1, f"{options}: {result}"):
        finish()
    return "the population was not at rest" in told[0] and told[0].startswith("tempera: warning"), numbers


def drift():
    """Oscillators that start at T = 1 and warm up to 4: too few rounds at the top are warned of, enough are not. <U> = 3 T exactly. False alarm 1 %."""
    path = place("drift", HARMONIC)
    few = ["--set", "engine.friction=0.1", "--set", "anneal.temperatures=[3, 4]"]
    warned, numbers = top_rounds(path, *few, "--set", "anneal.top_rounds=8", "--set", "run.folder=few")
    expect(warned and numbers[2] > 0 and numbers[4] < 1e-3 and numbers[1] < 11.5, f"8 rounds: warned {warned}, {numbers}")
    warned, numbers = top_rounds(path, *few, "--set", "anneal.top_rounds=160", "--set", "run.folder=enough")
    expect(not warned and numbers[4] > 0.01, f"160 rounds: warned {warned}, {numbers}")
    expect(abs(numbers[1] - 12) < 4 * numbers[3] + 0.2, f"160 rounds: the mean energy is {numbers[1]}, exact 12")
    out = run_ok(0, "anneal", "input.yaml", *few, "--set", "anneal.top_rounds=1", "--set", "run.folder=one", folder=path).out
    expect("at the highest temperature U is" not in out, "one round can't drift")


def stopped_at_the_top():
    """What members had of energies before a stop counts afterwards."""
    path = place("stopped-at-top", HARMONIC)
    options = [part for text in ("anneal.population=50", "anneal.top_rounds=6000", "anneal.temperatures=[3, 4]") for part in ("--set", text)]
    run_ok(0, "anneal", "input.yaml", *options, "--set", "run.folder=whole", folder=path)
    checkpoint = os.path.join(path, "run", "anneal", "checkpoint.h5")

    def sweeps():
        if not os.path.exists(checkpoint):
            return 0
        with h5py.File(checkpoint) as file:
            return int(file.attrs["sweep"])

    process = start(0, "anneal", "input.yaml", *options, folder=path)
    wait_for(lambda: os.path.exists(checkpoint), 60, "the first checkpoint")
    while process.poll() is None and sweeps() < 2000:
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR2)
    process.communicate(timeout=120)
    before = sweeps()
    run_ok(0, "anneal", "input.yaml", *options, "--restart", folder=path)
    found = differences(os.path.join(path, "whole", "anneal.h5"), os.path.join(path, "run", "anneal.h5"), ignore=("/@parameters",))
    expect(not found, f"stopped after {before} of 6000 sweeps at the top: {found}")


def engines():
    """A molecule by OpenMM and a fluid by LAMMPS: any number of ranks and a stop in between give the same bits."""
    for has, name, options in ((has_openmm(), "alanine-dipeptide.yaml", ["anneal.temperatures=[300 K, 340 K]", "anneal.steps=40"]),
                               (has_lammps(), "lammps-lj.yaml", ["anneal.temperatures=[1, 1.04]", "anneal.steps=40"])):
        if not has:
            continue
        path = os.path.join(folder, name[:-5])
        os.mkdir(path)
        sets = [part for text in [*options, "anneal.population=6", "anneal.top_rounds=4", "anneal.effective=0"] for part in ("--set", text)]
        expect("the input is fine" in run_ok(0, "anneal", inputs(name), *sets, "--check", folder=path).out, f"{name}: --check")
        for ranks, where in ((1, "one"), (3, "three")):
            run_ok(ranks, "anneal", inputs(name), *sets, "--set", f"run.folder={where}", folder=path)
        one, three = (os.path.join(path, where, "anneal.h5") for where in ("one", "three"))
        found = differences(one, three, ignore=("/@parameters",))
        expect(not found, f"{name}: 1 and 3 ranks differ: {found}")
        with h5py.File(one) as file:
            expect(np.all(np.isfinite(file["samples/energy"])) and np.std(file["samples/energy"][:, 0]) > 0, f"{name}: energies {file['samples/energy'][:]}")


double_well()
error_bars()
refusals(ranks_and_restarts())
plan()
drift()
stopped_at_the_top()
engines()
finish()
