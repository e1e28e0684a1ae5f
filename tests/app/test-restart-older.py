"""--restart=OLDER begins another run of rounds: checkpoints of the rounds behind it are set aside, and whatever happens then, nothing of them is
mixed with the new ones."""

import glob
import os
import shutil
import signal
import time

from harness import expect, finish, run_ok, scratch
from jobs import Job
from restarting import checkpoint, expect_same, finished_run
from systems import ROUNDS

OLDER, KILLED = 10, 16
EVERY = ("--set", "output.checkpoint_interval=1")
# Another configuration at one rung, so that the rounds behind OLDER are others than they were.
AGAIN = ("run", "input.yaml", f"--restart={checkpoint(OLDER)}", "--reseed-rung", "2")

folder = scratch()
source = os.path.join(folder, "source")
ranks = finished_run("double-well", source, *EVERY)


def copied(name):
    copy = os.path.join(folder, name)
    shutil.copytree(source, copy)
    return copy


def checkpoints(run, place=""):
    """What lies there, with its bytes."""
    found = {}
    for path in glob.glob(os.path.join(run, "run", "checkpoints", place, "round-*.h5")):
        with open(path, "rb") as file:
            found[os.path.basename(path)] = file.read()
    return found


def expect_aside(run, place, before, first):
    behind = {name: content for name, content in before.items() if name >= os.path.basename(checkpoint(first))}
    expect(len(behind) > 0 and checkpoints(run, place) == behind, f"{place} holds {sorted(checkpoints(run, place))}, expected {sorted(behind)}")


straight = copied("straight")
result = run_ok(ranks, *AGAIN, *EVERY, folder=straight)
expect(os.path.join("run", "checkpoints", "aside-1") + f": checkpoints behind round {OLDER} are kept here" in result.out + result.err,
       f"no word of what was set aside: {result}")
expect_aside(straight, "aside-1", checkpoints(source), OLDER + 1)

def has_come_far(run):
    """The old checkpoints are away, and the new ones have come to KILLED; the newest goes first, so the oldest tells."""
    return os.path.exists(os.path.join(run, "run", "checkpoints", "aside-1", os.path.basename(checkpoint(OLDER + 1)))) and \
        max(os.listdir(os.path.join(run, "run", "checkpoints"))) >= os.path.basename(checkpoint(KILLED))


def killed_run():
    """Few checkpoints are kept: the new ones, not those of before."""
    for attempt in range(5):
        copy = copied(f"killed-{attempt}")
        job = Job(ranks, *AGAIN, *EVERY, "--set", "output.report_interval=1", "--set", "output.keep_checkpoints=2", folder=copy)
        while not has_come_far(copy) and not job.is_over():
            time.sleep(0.002)
        job.signal(signal.SIGKILL, job.pids()[:1])
        status, out, err = job.wait()
        if status:
            expect("signal 9" in out + err, f"not killed: {out}{err}")
            return copy
    expect(False, "five runs were over before they could be killed")
    finish()


killed = killed_run()
left = sorted(checkpoints(killed))
expect(os.path.basename(checkpoint(OLDER)) <= left[0] and left[-1] < os.path.basename(checkpoint(ROUNDS)), f"{left} are left")
result = run_ok(ranks, "run", "input.yaml", "--restart", *EVERY, folder=killed)
expect(f"going on after round {int(left[-1][6:18])} of {ROUNDS}" in result.out, f"{result}")
expect_same(straight, killed, "killed after a restart from an older checkpoint", ("/@parameters",), metrics=False)
expect_aside(killed, "aside-1", checkpoints(source), OLDER + 1)

# Once more: what was set aside before stays.
before = checkpoints(straight)
run_ok(ranks, "run", "input.yaml", f"--restart={checkpoint(ROUNDS - 3)}", *EVERY, folder=straight)
expect_aside(straight, "aside-1", checkpoints(source), OLDER + 1)
expect_aside(straight, "aside-2", before, ROUNDS - 2)
expect_same(killed, straight, "a second restart from an older checkpoint", ("/@parameters",), metrics=False)

finish()
