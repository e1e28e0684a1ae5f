"""64 replicas and 4 trainers on whatever cores there are, to the end; and the shortest ladders: one rung, two, an odd number."""

import os

import h5py
import numpy

from harness import expect, finish, run_ok, scratch
from walkers import round_trips

INPUT = """
run: {{folder: run, rounds: {rounds}, seed: 5}}
groups: {{trainers: {trainers}}}
engine: {{kind: model, timestep: 0.05, friction: 2, model: {{potential: harmonic, dimension: 1, barrier: 1}}}}
ladder: {{{ladder}}}
exchange: {{interval: 20}}
stream: {{shards: 4, max_lag: 4}}
network: {{width: 8, depth: 1, embedding: 4}}
diffusion: {{times: 20, steps: 5}}
training: {{batch: 8, steps_per_round: 1, scale_rounds: 5}}
output: {{report_interval: 50, checkpoint_interval: 100, trajectory_interval: 50}}
"""


def run(folder, rungs, trainers, rounds, ladder):
    os.makedirs(folder)
    with open(os.path.join(folder, "input.yaml"), "w") as file:
        file.write(INPUT.format(rounds=rounds, trainers=trainers, ladder=ladder))
    result = run_ok(rungs + trainers, "run", "input.yaml", folder=folder)
    with h5py.File(os.path.join(folder, "run", "run.h5"), "r") as file:
        return result, {name: file["/exchange/" + name][()] for name in ("walker", "partner", "accepted", "probability")}


def check_walkers(what, walker, partner, accepted):
    """They begin in order, form a permutation in every round, and move only by the swaps that were accepted."""
    rounds, rungs = walker.shape
    expect(numpy.array_equal(walker[0], numpy.arange(rungs)), f"{what}: round 0: {walker[0]}")
    expect(numpy.array_equal(numpy.sort(walker, axis=1), numpy.tile(numpy.arange(rungs), (rounds, 1))), f"{what}: no permutation")
    for number in range(rounds):
        after = walker[number].copy()
        for rung in numpy.flatnonzero(accepted[number]):
            other = partner[number, rung]
            expect(abs(other - rung) == 1 and partner[number, other] == rung and accepted[number, other],
                   f"{what}: round {number}, rungs {rung} and {other} disagree")
            after[rung] = walker[number, other]
        if number + 1 < rounds and not numpy.array_equal(walker[number + 1], after):
            expect(False, f"{what}: round {number}: {walker[number]} became {walker[number + 1]}, not {after}")
            return


def check_partners(what, partner):
    """Even rounds try (0,1)(2,3)..., odd ones (1,2)(3,4)...; a rung without a neighbour there tries nothing."""
    rungs = partner.shape[1]
    for parity in (0, 1):
        expected = numpy.full(rungs, -1)
        for rung in range(parity, rungs - 1, 2):
            expected[rung], expected[rung + 1] = rung + 1, rung
        expect(bool(numpy.all(partner[parity::2] == expected)), f"{what}: {partner[:4]}")


folder = scratch()

# One coordinate with a spring has nearly the same energies at neighbours of so dense a ladder: nearly all swaps are accepted, and a walker
# goes once round in about 128 rounds.
result, found = run(os.path.join(folder, "wide"), 64, 4, 300, "minimum: 1, maximum: 8, num_rungs: 64")
check_walkers("64 rungs", found["walker"], found["partner"], found["accepted"])
check_partners("64 rungs", found["partner"])
trips = round_trips(found["walker"])
expect(trips >= 1, "64 rungs: no round trip")
expect(f"round trips of walkers, bottom to top to bottom: {trips};" in result.out, f"counted {trips} round trips: {result}")

for rungs, temperatures in ((1, "[1]"), (2, "[1, 2]"), (3, "[1, 2, 4]")):
    what = f"{rungs} rungs"
    result, found = run(os.path.join(folder, str(rungs)), rungs, min(rungs, 2), 100, f"temperatures: {temperatures}")
    check_walkers(what, found["walker"], found["partner"], found["accepted"])
    check_partners(what, found["partner"])
    trips = round_trips(found["walker"])
    expect((trips > 0) == (rungs > 1), f"{what}: {trips} round trips")
    if rungs > 1:
        expect(f"round trips of walkers, bottom to top to bottom: {trips};" in result.out, f"counted {trips}: {result}")

finish()
