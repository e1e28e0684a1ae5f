"""analysis.stop_when ends a run early: at the round that the input and the data tell, whatever the timing, with restarts in between and another number
of trainers. The end is `finished`, and a smaller error makes the run go on.
"""

import re

import h5py
import numpy as np

from harness import expect, finish, run_ok, scratch, tempera

INPUT = """
run: {folder: run, rounds: 20000, seed: 3}
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: double-well}}
ladder: {temperatures: [0.5, 1, 2]}
exchange: {interval: 20}
stream: {max_lag: 5, shards: 4}
training: {steps_per_round: 0, start_round: 50}
output: {report_interval: 50, checkpoint_interval: 120, trajectory_interval: 0}
analysis:
  replicates: 10
  basins: {left: {x0: [-10, 0]}}
  stop_when: {quantity: QUANTITY, error: ERROR}
"""


def folder_with(quantity, error):
    folder = scratch()
    with open(f"{folder}/input.yaml", "w", encoding="ascii") as file:
        file.write(INPUT.replace("QUANTITY", quantity).replace("ERROR", str(error)))
    return folder


def rows(folder):
    with h5py.File(f"{folder}/run/run.h5", "r") as file:
        return file["energy/value"][: int(file["progress/rounds_written"][0])]


def has(folder, name):
    try:
        with open(f"{folder}/run/{name}", encoding="ascii"):
            return True
    except OSError:
        return False


def looks(out):
    """What the run has said of its looks: {round: error}."""
    return {int(line[0]): float(line[1]) for line in re.findall(r"round (\d+): error of .* ([-\d.e]+), wanted", out)}


def ends(quantity, error):
    """A run to its end; the look that found it is max_lag + 2 rounds before it and the only one below the error."""
    folder = folder_with(quantity, error)
    out = run_ok(4, "run", "input.yaml", folder=folder).out
    found = looks(out)
    rounds = len(rows(folder))
    if not expect(found and rounds < 20000, f"{quantity}: the run went on to its end: {out}"):
        finish()
    last = max(found)
    expect(found[last] <= error and all(value > error for look, value in found.items() if look < last), f"{quantity}: looks {found}")
    expect(rounds == last + 7, f"{quantity}: found in round {last}, ended in round {rounds}")
    expect(has(folder, "finished") and not has(folder, "continue"), f"{quantity}: the end is not finished")
    return folder, last


def restarted(folder, look):
    """Stops before the look, between it and the end, and at the end: the same rows."""
    whole = rows(folder)
    for stop, trainers in ((look - 30, 1), (look, 1), (look + 4, 2)):
        again = folder_with("basin left@0.5", 0.03)
        run_ok(4, "run", "input.yaml", "--set", f"run.rounds={stop}", folder=again)
        expect(len(rows(again)) == stop, f"a run of {stop} rounds has {len(rows(again))}")
        run_ok(3 + trainers, "run", "input.yaml", "--restart", "--set", f"groups.trainers={trainers}", folder=again)
        expect(np.array_equal(rows(again), whole), f"a stop after {stop} rounds: {len(rows(again))} rows, without it {len(whole)}")
    run_ok(4, "run", "input.yaml", "--restart", folder=folder)
    expect(len(rows(folder)) == len(whole) and has(folder, "finished"), "a finished run did not stay finished")
    run_ok(4, "run", "input.yaml", "--restart", "--set", "analysis.stop_when.error=0.025", folder=folder)
    longer = rows(folder)
    expect(len(longer) > len(whole) and np.array_equal(longer[: len(whole)], whole), f"a smaller error: {len(longer)} rows after {len(whole)}")


def refused(line, *sets):
    folder = folder_with("basin left@0.5", 0.03)
    result = tempera(0, "run", "input.yaml", "--check", *[word for text in sets for word in ("--set", text)], folder=folder)
    expect(result.status == 2 and line in result.err, f"{sets}: {result}")


FOLDER, LOOK = ends("basin left@0.5", 0.03)
restarted(FOLDER, LOOK)
ends("free_energy", 0.04)
ends("mean_energy@0.7", 0.03)
refused("analysis.stop_when.quantity: 'right' is no basin of analysis.basins", "analysis.stop_when.quantity=basin right@1")
refused("analysis.stop_when.quantity: 'pressure' is no quantity; allowed free_energy, mean_energy@T, basin NAME@T", "analysis.stop_when.quantity=pressure")
refused("analysis.stop_when.quantity: '-1' is not above 0", "analysis.stop_when.quantity=mean_energy@-1")
refused("analysis.stop_when.error: is missing; allowed above 0", "analysis.stop_when.error=0")
refused("analysis.basins: 'y' is no feature; the first is 'x0'", "analysis.basins.left.y=[0, 1]")
finish()
