"""A run that is asked to stop ends with status 0, a whole checkpoint and the marker `continue`, and goes on from there; asked for a
checkpoint, it writes one and goes on."""

import glob
import os
import re
import signal

import h5py

from harness import *
from jobs import Job, processes_in

INPUT = """run: {folder: run, rounds: 500000, seed: 4}
engine: {kind: model, timestep: 0.02, model: {potential: double-well}}
ladder: {temperatures: [1, 2]}
exchange: {interval: 50}
training: {batch: 16, scale_rounds: 10}
network: {width: 8, depth: 1, embedding: 4}
output: {report_interval: 50, checkpoint_interval: 100000000, trajectory_interval: 0}
"""
# Long enough to be stopped on any machine (run.h5 takes 50 MB at once); the restart that is to finish makes it shorter.

folder = scratch()


def path(where, *names):
    return os.path.join(folder, where, "run", *names)


def begin_folder(where):
    os.mkdir(os.path.join(folder, where))
    return os.path.join(folder, where)


def wait_until_it_moves(where):
    metrics = path(where, "metrics.csv")
    wait_for(lambda: os.path.exists(metrics) and len(open(metrics).readlines()) > 1, 120, f"{where}: the first lines of metrics.csv")


def begin(where, *options, ranks=3):
    """A run that has come so far that its replicas move."""
    process = start(ranks, "run", "../input.yaml", *options, folder=begin_folder(where))
    wait_until_it_moves(where)
    return process


def checkpoints(where):
    return sorted(glob.glob(path(where, "checkpoints", "*.h5")))


def rounds_done(checkpoint):
    return int(re.search(r"(\d+)\.h5$", checkpoint).group(1))


def expect_stopped(what, where, process, before=0):
    """Status 0, `continue`, one more checkpoint, and that one whole and as long as run.h5."""
    out, err = process.communicate(timeout=120)
    expect(process.returncode == 0, f"{what}: status {process.returncode}: {out} {err}")
    markers = [name for name in ("continue", "finished") if os.path.exists(path(where, name))]
    expect(markers == ["continue"], f"{what}: markers {markers}")
    expect("--restart" in out, f"{what}: nothing tells how to go on: {out}")
    found = checkpoints(where)
    if not expect(len(found) == before + 1, f"{what}: checkpoints {found}"):
        finish()
    run_ok(0, "info", found[-1], folder=folder)
    with h5py.File(path(where, "run.h5")) as file:
        expect(file["progress/rounds_written"][0] == rounds_done(found[-1]), f"{what}: run.h5 and the checkpoint differ in their rounds")
    return rounds_done(found[-1])


def signals():
    """SIGUSR1 makes a checkpoint; SIGUSR2, as mpirun passes it on, stops."""
    process = begin("signals")
    process.send_signal(signal.SIGUSR1)
    wait_for(lambda: checkpoints("signals"), 120, "the checkpoint that SIGUSR1 asks for")
    first = checkpoints("signals")[0]
    run_ok(0, "info", first, folder=folder)
    expect(process.poll() is None, "SIGUSR1 ended the run")
    process.send_signal(signal.SIGUSR2)
    rounds = expect_stopped("SIGUSR2", "signals", process, before=1)
    expect(rounds > rounds_done(first), f"the run did not go on after SIGUSR1: {rounds_done(first)}, {rounds}")


def sigterm():
    """To one rank, or to all at once, as srun sends it: a gentle stop. To mpirun, which ends its ranks soon: whatever they come to write is whole."""
    for where, chosen in (("term-one", slice(1, 2)), ("term-all", slice(None))):
        job = Job(3, "run", "../input.yaml", folder=begin_folder(where))
        wait_until_it_moves(where)
        job.signal(signal.SIGTERM, job.pids()[chosen])
        expect_stopped(f"SIGTERM, {where}", where, job.process)
    process = begin("term-mpirun")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    expect(process.returncode == 1, f"SIGTERM to mpirun: status {process.returncode}: {out} {err}")
    wait_for(lambda: not processes_in(os.path.join(folder, "term-mpirun")), 120, "the end of the ranks")
    for name in checkpoints("term-mpirun"):
        run_ok(0, "info", name, folder=folder)
    result = run_ok(3, "run", "../input.yaml", "--restart", "--max-hours", "1 s", folder=os.path.join(folder, "term-mpirun"))
    expect("going on after round" in result.out or "begins again" in result.out, f"SIGTERM to mpirun: {result}")


def stop_and_go_on():
    """The file `stop` and --max-hours; then, from another folder, to the end."""
    process = begin("file")
    open(path("file", "stop"), "w").close()
    done = expect_stopped("file stop", "file", process)
    length = done + 3000
    finish_it = ["--set", f"run.rounds={length}"]
    elsewhere = os.path.join(folder, "elsewhere")
    os.mkdir(elsewhere)
    used = os.path.relpath(path("file", "used-parameters.yaml"), elsewhere)
    short = run_ok(3, "run", used, "--restart", "--max-hours", "1 s", *finish_it, folder=elsewhere)
    expect(f"going on after round {done} of {length}" in short.out, f"no word of going on: {short}")
    expect(not os.path.exists(path("file", "stop")), "the file stop is still there, and would stop the run for ever")
    if not os.path.exists(path("file", "finished")):
        expect(os.path.exists(path("file", "continue")), "neither finished nor continue after --max-hours")
        run_ok(3, "run", used, "--restart", folder=elsewhere)
    expect(os.path.exists(path("file", "finished")) and not os.path.exists(path("file", "continue")), "the run is not marked as finished")
    expect(os.listdir(elsewhere) == [], f"the restart wrote where it was started: {os.listdir(elsewhere)}")
    with h5py.File(path("file", "run.h5")) as file:
        expect(file["progress/rounds_written"][0] == length, "run.h5 is not full")
    again = tempera(3, "run", used, "--restart", folder=elsewhere)
    expect(again.status == 0 and os.path.exists(path("file", "finished")), f"a restart of a finished run: {again}")


def max_hours():
    """--max-hours ends a new run too, at a round that all agree on."""
    os.mkdir(os.path.join(folder, "hours"))
    process = start(3, "run", "../input.yaml", "--max-hours", "2 s", folder=os.path.join(folder, "hours"))
    expect_stopped("--max-hours", "hours", process)


with open(os.path.join(folder, "input.yaml"), "w") as file:
    file.write(INPUT)
signals()
sigterm()
stop_and_go_on()
max_hours()
finish()
