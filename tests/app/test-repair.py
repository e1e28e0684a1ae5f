"""--restart --reseed-rung K: the neighbour's configuration in place of one that goes bad, and the record of it in run.h5."""

import glob
import os
import re
import shutil

import h5py
import numpy

from compare import run_differences
from harness import expect, finish, run_ok, scratch, tempera

# A time step that the double well bears, but not everywhere the hottest rung comes to: that one explodes after a while. No swaps: the other rungs
# must not notice.
EXPLOSIVE = """run: {folder: run, rounds: 2000, seed: 3}
engine: {kind: model, timestep: 0.2, friction: 1, model: {potential: double-well}}
ladder: {temperatures: [0.2, 0.4, 2]}
exchange: {interval: 10, scheme: none}
training: {batch: 16, scale_rounds: 10}
network: {width: 8, depth: 1, embedding: 4}
output: {report_interval: 7, checkpoint_interval: 5, keep_checkpoints: 1000, trajectory_interval: 3}
"""

# With so little friction there is no noise to speak of: the motion can be followed by hand.
STILL = """run: {folder: run, rounds: 8, seed: 5}
engine: {kind: model, timestep: 0.1, friction: 1e-30, model: {potential: harmonic, dimension: 3, barrier: 2}}
ladder: {temperatures: [1, 2, 3]}
exchange: {interval: 5, scheme: none}
training: {steps_per_round: 0}
output: {checkpoint_interval: 4, trajectory_interval: 0}
"""

AFTER = 8  # rounds that a repaired run goes on behind the failure

folder = scratch()


def begin(name, text):
    where = os.path.join(folder, name)
    os.mkdir(where)
    with open(os.path.join(where, "input.yaml"), "w") as file:
        file.write(text)
    return where


def read(where, *names):
    with h5py.File(os.path.join(where, "run", "run.h5")) as file:
        return [file[name][()] for name in names]


def entries(where):
    """(round, rung, source) of each repair."""
    columns = read(where, "repair/round", "repair/rung", "repair/source")
    expect({c.shape for c in columns} == {(64,)}, f"the table has shapes {[c.shape for c in columns]}")
    used = [tuple(int(c[i]) for c in columns) for i in range(64)]
    count = sum(entry[0] > 0 for entry in used)
    expect(not any(any(entry) for entry in used[count:]), f"entries without a round: {used}")
    return used[:count]


def expect_refused(where, options, *fragments, ranks=4):
    result = tempera(ranks, "run", "input.yaml", *options, folder=where)
    errors = result.errors()
    expect(result.status == 2 and len(errors) == 1 and all(f in errors[0] for f in fragments), f"{options}: {result}")


def newest(where):
    return int(max(glob.glob(os.path.join(where, "run", "checkpoints", "*.h5")))[-15:-3])


def explode(where, *options):
    """Run into the failure; the round in which rung 2 went bad, counted from 1."""
    result = tempera(4, "run", "input.yaml", *options, folder=where)
    match = re.search(r"round (\d+): the configuration at rung 2, walker 2, became not finite", result.err)
    if not expect(result.status == 1 and match, f"the run was to explode: {result}"):
        finish()
    return int(match.group(1))


def repair():
    """A run that explodes, again when it is restarted, and comes to its end when it is repaired."""
    where = begin("explosion", EXPLOSIVE)
    failed = explode(where)
    expect(explode(where, "--restart") == failed, "the restart fails otherwise")
    expect(entries(where) == [], f"repairs before there was one: {entries(where)}")
    at = newest(where)
    expect(at < failed, f"failed in round {failed}, newest checkpoint after {at}")
    energy, features = read(where, "energy/value", "features/value")
    length = ("--set", f"run.rounds={failed + AFTER}")
    killed = os.path.join(folder, "killed")
    shutil.copytree(where, killed)

    result = run_ok(4, "run", "input.yaml", "--restart", "--reseed-rung", "2", *length, folder=where)
    expect("rung 2 goes on from the configuration of rung 1" in result.out, f"{result}")
    expect(os.path.exists(os.path.join(where, "run", "finished")), "the repaired run is not finished")
    expect(entries(where) == [(at, 2, 1)], f"repaired after {at} rounds, but the table tells {entries(where)}")
    energy_now, features_now, walker = read(where, "energy/value", "features/value", "exchange/walker")
    expect(numpy.isfinite(energy_now).all() and len(energy_now) == failed + AFTER, "energies that are not finite, or too few")
    expect(numpy.array_equal(energy_now[:at], energy[:at]) and numpy.array_equal(features_now[:at], features[:at]), "the past has changed")
    expect(numpy.array_equal(energy_now[:failed - 1, :2], energy[:failed - 1, :2]), "the other rungs have noticed the repair")
    expect(energy_now[at, 2] != energy[at, 2], "rung 2 goes on as before")
    expect((numpy.sort(walker, axis=1) == range(3)).all(), "walkers are no permutation any more")

    # Stopped after the repair and before the next checkpoint of a whole interval: the repair is not lost, and need not be asked for again.
    run_ok(4, "run", "input.yaml", "--restart", "--reseed-rung", "2", *length, "--max-hours", "0.001 s", folder=killed)
    for path in glob.glob(os.path.join(killed, "run", "checkpoints", "*.h5")):
        if int(path[-15:-3]) > at:
            os.remove(path)
    result = run_ok(4, "run", "input.yaml", "--restart", *length, folder=killed)
    expect("rung 2 goes on from the configuration of rung 1" in result.out, f"a kill undoes the repair: {result}")
    found = run_differences(os.path.join(where, "run"), os.path.join(killed, "run"), ("/@parameters",))
    found = [line for line in found if "evaluation.h5" not in line]  # nothing is held out: there is none
    expect(not found, f"repaired, killed, restarted: {found}")

    # From a checkpoint before the repair: it has not happened.
    earlier = f"--restart=run/checkpoints/round-{at - 5:012d}.h5"
    run_ok(4, "run", "input.yaml", earlier, "--set", f"run.rounds={failed + AFTER}", "--max-hours", "0.001 s", folder=where)
    expect(entries(where) == [], f"a restart from before the repair keeps it: {entries(where)}")


def exact(rung, source):
    """The configuration is the source's, its velocities scaled to the rung's temperature, followed by velocity Verlet."""
    where = os.path.join(folder, f"still-{rung}")
    shutil.copytree(os.path.join(folder, "still"), where)
    run_ok(4, "run", "input.yaml", "--restart=run/checkpoints/round-000000000004.h5", "--reseed-rung", rung, folder=where)
    expect(entries(where) == [(4, rung, source)], f"the table tells {entries(where)}")
    with h5py.File(os.path.join(where, "run", "checkpoints", "round-000000000004.h5")) as file:
        start = file["states"][()]
    with h5py.File(os.path.join(where, "run", "checkpoints", "round-000000000008.h5")) as file:
        end = file["states"][()]
    expect(list(end[:, 0]) == [0, 1, 2], f"walkers {list(end[:, 0])}")
    x, v = start[source, 11:14].copy(), start[source, 14:17] * ((rung + 1) / (source + 1)) ** 0.5
    for _ in range(4 * 5):
        v -= 0.05 * 2 * x
        x += 0.1 * v
        v -= 0.05 * 2 * x
    expect(numpy.allclose(end[rung, 11:], numpy.concatenate([x, v]), rtol=1e-10, atol=1e-12), f"rung {rung}: {end[rung, 11:]}, not {x} {v}")
    with h5py.File(os.path.join(folder, "still", "run", "checkpoints", "round-000000000008.h5")) as file:
        others = [k for k in range(3) if k != rung]
        expect(numpy.array_equal(file["states"][()][others], end[others]), f"repair of rung {rung}: the others have noticed")


still = begin("still", STILL)
run_ok(4, "run", "input.yaml", folder=still)
exact(0, 1)
exact(2, 1)
expect_refused(still, ["--reseed-rung", "1"], "--reseed-rung", "--restart", ranks=0)
expect_refused(still, ["--restart", "--reseed-rung", "3"], "--reseed-rung: 3 is out of range; allowed 0 to 2", ranks=0)
expect_refused(still, ["--restart", "--reseed-rung", "x"], "--reseed-rung: 'x'", ranks=0)
expect_refused(still, ["--restart", "--reseed-rung", "1"], "--reseed-rung: all 8 rounds are done")
repair()
finish()
