"""n rounds are k rounds, a restart, and n - k rounds: the same bits in every file, wherever and however the run is stopped.

First every kind of stop point on three systems, exactly: before the first frame that is learned from, before and right after the first optimiser
step, later, and after the last round. Then stops as they happen: by file, signal, clock and kill, at whatever round they hit.
"""

import os
import random
import shutil
import signal
import time

from compare import last_checkpoint
from harness import expect, finish, run_ok, scratch
from jobs import Job
from restarting import cut_run, expect_same, finished_run
from systems import ROUNDS, TRAINING_BEGINS, write_system

# A first stretch that reports every round, so that the test sees how far it is; such settings may change at a restart.
WATCHED = ("--set", "output.report_interval=1")
CHANGED = ("/@parameters",)

chance = random.Random(20240611)  # which rank is hit; when it is hit is the machine's choice


# ------------------------------------------------------------------------------------------------------- exact points


def check_points(name, points, folder):
    every = ("--set", "output.checkpoint_interval=1")
    source = os.path.join(folder, name)
    ranks = finished_run(name, source, *every)
    for rounds in points:
        copy = f"{source}-{rounds}"
        cut_run(source, copy, rounds)
        run_ok(ranks, "run", "input.yaml", "--restart", *every, folder=copy)
        expect_same(source, copy, f"{name} stopped after {rounds} rounds")


# -------------------------------------------------------------------------------------------------------------- stops


def by_file(job):
    """It is looked for once a second, by the clock: time passes while the ranks stand still."""
    pids = job.pause()
    with open(os.path.join(job.folder, "run", "stop"), "w"):
        pass
    time.sleep(1.1)
    job.resume(pids)


def by_clock(job):
    """The run has `--max-hours 2 s`."""
    pids = job.pause()
    time.sleep(2)
    job.resume(pids)


def by_signal_to_replica(job):
    pids = job.pids()
    job.signal(signal.SIGUSR2, pids[1:2])


def by_signal_to_trainer(job):
    pids = job.pids()
    job.signal(signal.SIGUSR2, pids[-1:])


def by_signal_to_mpirun(job):
    """As a batch system does it."""
    job.signal(signal.SIGUSR2, [job.process.pid])


def by_kill(job):
    pids = job.pids()
    if pids:
        job.signal(signal.SIGKILL, [chance.choice(pids)])


def stretch(ranks, folder, how, round_number, *options):
    """Run until it is stopped; the rounds done, or None if it had come to its end before the stop came."""
    job = Job(ranks, "run", "input.yaml", *WATCHED, *options, folder=folder)
    job.wait_for_round(round_number)
    how(job)
    status, out, err = job.wait()
    run = os.path.join(folder, "run")
    if os.path.exists(os.path.join(run, "finished")):
        return None
    if how is by_kill:
        expect(status != 0, f"a rank was killed, but the run succeeded: {out}{err}")
    else:
        expect(status == 0 and os.path.exists(os.path.join(run, "continue")), f"{how.__name__}: {status}\n{out}{err}")
        expect("stopped; go on with: tempera run" in out, f"{how.__name__}: {out}")
    newest = os.path.basename(last_checkpoint(run))
    if not expect(newest.startswith("round-"), f"{how.__name__}: no checkpoint"):
        finish()
    return int(newest[6:18])


def stopped_run(ranks, folder, how, round_number, *options):
    """A run stopped before its end: begun again if the end came first."""
    for attempt in range(5):
        os.makedirs(folder)
        write_system("double-well", folder)
        rounds = stretch(ranks, folder, how, round_number, *options)
        if rounds is not None:
            return rounds
        shutil.rmtree(folder)
    expect(False, f"{how.__name__}: five runs were over before they could be stopped")
    finish()


def check_stops(reference, ranks, folder):
    stops = ((by_file, 1), (by_file, 14), (by_clock, 3), (by_signal_to_replica, 2), (by_signal_to_trainer, 9),
             (by_signal_to_mpirun, 20))
    reached = set()
    for how, round_number in stops:
        copy = os.path.join(folder, f"{how.__name__}-{round_number}")
        limit = ("--max-hours", "2 s") if how is by_clock else ()
        reached.add(stopped_run(ranks, copy, how, round_number, *limit))
        run_ok(ranks, "run", "run/used-parameters.yaml", "--restart", "--set", "output.report_interval=6", folder=copy)
        expect_same(reference, copy, f"{how.__name__} after round {round_number}", CHANGED)
    expect(len(reached) >= 3, f"the stops hit few rounds: {sorted(reached)}")


def check_kills(reference, ranks, folder):
    """Killed again and again, each time later; what the last scheduled checkpoint holds is never lost."""
    copy = os.path.join(folder, "killed")
    frequent = ("--set", "output.checkpoint_interval=4")
    stopped_run(ranks, copy, by_kill, 7, *frequent)
    for round_number in (13, 19, 26):
        before = last_checkpoint(os.path.join(copy, "run"))
        rounds = stretch(ranks, copy, by_kill, round_number, "--restart", *frequent)
        expect(os.path.exists(before), f"{before} is gone")
        if rounds is None:  # the end came before the kill: take the end away, as a kill would have
            os.remove(os.path.join(copy, "run", "finished"))
            os.remove(last_checkpoint(os.path.join(copy, "run")))
    run_ok(ranks, "run", "input.yaml", "--restart", folder=copy)
    expect_same(reference, copy, "killed four times", CHANGED)


folder = scratch()
check_points("double-well", (3, TRAINING_BEGINS - 1, TRAINING_BEGINS, 20, 33, ROUNDS), folder)
check_points("chiral-chain", (TRAINING_BEGINS - 1, 23), folder)
check_points("lj-fluid", (7, TRAINING_BEGINS, 26), folder)

# Other intervals of reports and checkpoints write the same results.
reference = os.path.join(folder, "reference")
ranks = finished_run("double-well", reference)
expect_same(os.path.join(folder, "double-well"), reference, "fewer checkpoints", CHANGED, metrics=False)
check_stops(reference, ranks, folder)
check_kills(reference, ranks, folder)
finish()
