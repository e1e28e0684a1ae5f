"""The diagnostics of a run: in run.h5 what an independent count of its rows gives; on the screen, and by `tempera info`, the same numbers,
also of a run that is at work and of one that was killed.
"""

import math
import os
import re
import shutil
import signal

import h5py
import numpy

from compare import differences
from harness import expect, finish, run_ok, scratch
from jobs import Job

ROUNDS, START = 300, 30
INPUT = """
run: {folder: run, rounds: %d, seed: 3}
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: double-well, dimension: 2}}
ladder: {temperatures: [0.5, 1, 2, 4]}
exchange: {interval: 4000, scheme: %s}
training: {steps_per_round: 0, start_round: %d}
output: {report_interval: 7, checkpoint_interval: 100, keep_checkpoints: 9, trajectory_interval: 0}
"""


def inefficiency(x):
    """Geyer's initial monotone sequence, summed as it is written in textbooks."""
    x = x - x.mean()
    covariance = [float(x[:len(x) - lag] @ x[lag:]) for lag in range(len(x))]
    total, last = -covariance[0], math.inf
    for even in range(0, len(x) - 1, 2):
        pair = covariance[even] + covariance[even + 1]
        if pair <= 0:
            break
        last = min(last, pair)
        total += 2 * last
    return max(1.0, total / covariance[0])


def trips_of(rungs, top):
    """Durations of the round trips of a walker that was at these rungs."""
    begin, was_up, found = None, False, []
    for round_, rung in enumerate(rungs):
        if rung == 0:
            if was_up:
                found.append(round_ - begin)
            if was_up or begin is None:
                begin = round_
            was_up = False
        elif rung == top and begin is not None:
            was_up = True
    return found


def expected(file, rounds):
    """Every dataset of /diagnostics from the rows."""
    walker, partner = file["exchange/walker"][:rounds], file["exchange/partner"][:rounds]
    count = walker.shape[1]
    place = numpy.argsort(walker, axis=1)  # [round, walker]
    tried = [partner[:, i] == i + 1 for i in range(count - 1)]
    rejection = numpy.array([1 - file["exchange/probability"][:rounds, i][tried[i]].mean() for i in range(count - 1)])
    moves = numpy.zeros((count, count), int)
    numpy.add.at(moves, (place[:-1].ravel(), place[1:].ravel()), 1)
    trips = [trips_of(place[:, w], count - 1) for w in range(count)]
    energy = file["energy/value"][START:rounds]
    along = numpy.take_along_axis(energy, place[START:], axis=1)
    standing = count - 1 if file.attrs["scheme"] == b"seo" else 1
    return {
        "rounds": [rounds],
        "attempts": [t.sum() for t in tried],
        "acceptances": [file["exchange/accepted"][:rounds, i][tried[i]].sum() for i in range(count - 1)],
        "rejection": rejection,
        "transitions": moves,
        "second_eigenvalue": [numpy.sort(numpy.linalg.eigvals((moves + moves.T) / (2 * (rounds - 1))).real)[-2]],
        "round_trips": [len(t) for t in trips],
        "round_trip_mean": [numpy.mean(t) if t else math.nan for t in trips],
        "round_trip_shortest": [min(t, default=0) for t in trips],
        "round_trip_longest": [max(t, default=0) for t in trips],
        "round_trip_rate": [sum(map(len, trips)) / rounds / count],
        "round_trip_rate_predicted": [1 / (2 * standing + 2 * (rejection / (1 - rejection)).sum()) / count],
        "visits": [numpy.bincount(place[:, w], minlength=count) for w in range(count)],
        "energy_correlation_rung": [inefficiency(energy[:, k]) for k in range(count)],
        "energy_correlation_walker": [inefficiency(along[:, w]) for w in range(count)],
    }


def check_file(path, rounds, what):
    with h5py.File(path) as file:
        wanted = expected(file, rounds)
        found = {name: file["diagnostics"][name][()] for name in file["diagnostics"]}
    expect(set(found) == set(wanted), f"{what}: /diagnostics has {sorted(found)}")
    for name in wanted:
        exact = found[name].dtype.kind == "i"
        expect(numpy.allclose(found[name], wanted[name], rtol=0 if exact else 1e-9, atol=0, equal_nan=True),
               f"{what}: {name} is {found[name]}, expected {wanted[name]}")
    return wanted


def tables(text):
    """The lines of the diagnostics."""
    return re.findall(r"^  diagnostics of .*?round trips per round and walker.*?$", text, re.M | re.S)


def check_screen(text, wanted, what):
    """A number of each kind, as it must be printed."""
    found = tables(text)
    if not expect(len(found) == 1, f"{what}: {len(found)} tables: {text}"):
        return
    count = len(wanted["round_trips"])
    lines = [f"diagnostics of {wanted['rounds'][0]} rounds", f"{wanted['second_eigenvalue'][0]:.5f}", f": {sum(wanted['round_trips'])};",
             f"observed {wanted['round_trip_rate'][0]:.6f}, predicted {wanted['round_trip_rate_predicted'][0]:.6f}"]
    lines += [f"{wanted['rejection'][i]:.4f}" for i in range(count - 1)]
    lines += [f"{g:.2f} rounds" for name in ("rung", "walker") for g in wanted[f"energy_correlation_{name}"]]
    lines += [" ".join(f"{100 * n / (wanted['rounds'][0] - 1):6.2f}" for n in row) for row in wanted["transitions"]]
    lines += [" ".join(f"{100 * n / wanted['rounds'][0]:5.1f}" for n in row) for row in wanted["visits"]]
    for line in lines:
        expect(line in found[0], f"{what}: nothing of '{line}' in {found[0]}")


def check_finished(scheme):
    where = os.path.join(folder, scheme)
    os.makedirs(where)
    with open(os.path.join(where, "input.yaml"), "w") as file:
        file.write(INPUT % (ROUNDS, scheme, START))
    result = run_ok(5, "run", "input.yaml", folder=where)
    wanted = check_file(os.path.join(where, "run", "run.h5"), ROUNDS, scheme)
    expect(sum(wanted["round_trips"]) > 5, f"{scheme}: {wanted['round_trips']} round trips are no test")
    check_screen(result.out, wanted, scheme)
    expect(tables(run_ok(0, "info", "run/run.h5", folder=where).out) == tables(result.out), f"{scheme}: info prints other numbers than the run")
    return where


def paused_run(whole, where):
    """The finished run again from its first checkpoint, standing still in the midst of it: once more if it was over before it could be stopped."""
    for _ in range(5):
        shutil.copytree(whole, where)
        for name in ("finished", "checkpoints/round-000000000200.h5", "checkpoints/round-000000000300.h5",
                     "metrics.csv"):
            os.remove(os.path.join(where, "run", name))
        job = Job(5, "run", "input.yaml", "--restart", folder=where)
        job.wait_for_round(110)
        pids = job.pause()
        if len(pids) == 5:
            return job, pids
        job.wait()
        shutil.rmtree(where)
    expect(False, "five runs were over before they could be stopped")
    finish()


def check_stopped(whole):
    """Looked at while it is at work, killed, looked at again, gone on with."""
    where = os.path.join(folder, "killed")
    job, pids = paused_run(whole, where)
    while_at_work = run_ok(0, "info", "run/run.h5", folder=where).out
    job.signal(signal.SIGKILL, pids)
    job.wait()
    killed = run_ok(0, "info", "run/run.h5", folder=where).out
    path = os.path.join(where, "run", "run.h5")
    with h5py.File(path) as file:
        rounds = int(file["progress/rounds_written"][0])
        expect(110 <= rounds < ROUNDS, f"killed after {rounds} rounds")
        expect(file["diagnostics/rounds"][0] == 0, "a run that did not end has diagnostics, of rounds that it has taken back")
        wanted = expected(file, rounds)
    check_screen(while_at_work, wanted, "at work")
    check_screen(killed, wanted, "killed")
    run_ok(5, "run", "input.yaml", "--restart", folder=where)
    found = differences(os.path.join(whole, "run", "run.h5"), path)
    expect(not found, f"killed and gone on with: {found}")


folder = scratch()
check_stopped(check_finished("deo"))
check_finished("seo")
finish()
