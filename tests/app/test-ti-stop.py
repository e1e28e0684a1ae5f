"""tempera ti is asked to stop in each of its phases - by SIGUSR2, by SIGTERM to one rank, by the file `stop` - and goes on: status 0, one whole checkpoint, the
marker `continue`, and in the end the bits of a run that nobody stopped."""

import glob
import os
import signal

from compare import differences
from harness import *
from jobs import Job

INPUT = """run: {rounds: 3000, seed: 3, folder: run}
engine: {kind: model, timestep: 0.005, friction: 1, model: {potential: lj-fluid, box_length: 3.5}}
ladder: {temperatures: [1.25]}
exchange: {interval: 20}
network: {width: 4, depth: 1, embedding: 4}
training: {batch: 8, start_round: 100, steps_per_round: 20}
ti: {particles: [4, 8], evaluate_interval: 1, cutoff: 1.7, radial: 6, training_steps: 6000, times: 16, trajectories: 48, relax_steps: 2,
     relax_length: 0.005, windows: 2, window_rounds: 1000, insertions: 4}
output: {report_interval: 20, checkpoint_interval: 100000000}
"""
RANKS = 3

folder = scratch()


def path(where, *names):
    return os.path.join(folder, where, "run", *names)


def begin(where):
    os.mkdir(os.path.join(folder, where))
    with open(os.path.join(folder, where, "input.yaml"), "w") as file:
        file.write(INPUT)


def said(where, word):
    """How often the log has the word."""
    try:
        with open(path(where, "log.txt")) as file:
            return file.read().count(word)
    except OSError:
        return 0


def usr2(job):
    job.process.send_signal(signal.SIGUSR2)  # as mpirun passes it on


def sigterm(job):
    job.signal(signal.SIGTERM, job.pids()[1:2])


def stop_file(job):
    open(path("stopped", "stop"), "w").close()  # is looked for once a second


begin("whole")
run_ok(RANKS, "ti", "input.yaml", folder=os.path.join(folder, "whole"))
begin("stopped")
written = set()
for phase, ask in (("simulated", usr2), ("learned", stop_file), ("integrated", sigterm)):
    job = Job(RANKS, "ti", "input.yaml", *(["--restart"] if written else []), folder=os.path.join(folder, "stopped"))
    wait_for(lambda: said("stopped", phase) or job.is_over(), 120, f"the first line that tells what was {phase}")
    ask(job)
    status, out, err = job.wait()
    what = f"stopped when it had {phase}"
    expect(status == 0 and "error" not in err, f"{what}: status {status}: {out} {err}")
    expect("go on with: tempera ti" in out, f"{what}: nothing tells how to go on: {out}")
    markers = [name for name in ("continue", "finished") if os.path.exists(path("stopped", name))]
    expect(markers == ["continue"], f"{what}: markers {markers}")
    expect(said("stopped", {"simulated": "learned", "learned": "integrated", "integrated": "ln (Z_N"}[phase]) == 0, f"{what}: it went on into the next phase")
    new = set(glob.glob(path("stopped", "checkpoints", "*.h5"))) - written
    expect(new, f"{what}: no new checkpoint")
    for name in new:
        run_ok(0, "info", name, folder=folder)
    written |= new
run_ok(RANKS, "ti", "input.yaml", "--restart", folder=os.path.join(folder, "stopped"))
expect(os.path.exists(path("stopped", "finished")) and not os.path.exists(path("stopped", "continue")), "it is not marked as finished")
for name in [os.path.basename(name) for name in glob.glob(path("whole", "*.csv"))] + ["report.html"]:
    with open(path("whole", name), "rb") as one, open(path("stopped", name), "rb") as two:
        expect(one.read() == two.read(), f"{name} is not that of a run that nobody stopped")
for line in differences(path("whole", "ti.h5"), path("stopped", "ti.h5"), ()):
    expect(False, line)
finish()
