"""Runs that are killed at random moments and restarted until they are done: what they leave, and what is there to read at each kill."""

import glob
import os
import random
import shutil
import signal
import time

import h5py

from compare import differences, run_differences
from harness import run_ok, tempera
from jobs import Job, processes_in
from systems import ROUNDS, write_system

# Other intervals than the reference's: a checkpoint every round, so that many kills hit the writing of one.
FREQUENT = ("--set", "output.checkpoint_interval=1", "--set", "output.report_interval=1")
CHANGED = ("/@parameters",)
MAX_KILLS = 3  # of one run: then it may come to its end


def reference_run(folder):
    """The uninterrupted run; returns the number of ranks."""
    os.makedirs(folder)
    ranks = write_system("double-well", folder) + 1
    run_ok(ranks, "run", "input.yaml", *FREQUENT, folder=folder)
    return ranks


def _read_all(path):
    """Every byte of it, as h5py reads it."""
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


def _half_written(run):
    return glob.glob(os.path.join(run, "checkpoints", "*.tmp"))


def _names(run):
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(run, "checkpoints", "round-*.h5")))


class Storm:
    """Runs in folders of one parent, against one reference."""

    def __init__(self, folder, seed):
        self.folder, self.chance = folder, random.Random(seed)
        self.reference = os.path.join(folder, "reference")
        self.ranks = reference_run(self.reference)
        self.kills = self.while_writing = self.before_first = self.survived = self.runs = 0
        self.complaints = []

    def complain(self, what):
        self.complaints.append(f"run {self.runs}: {what}")

    def _expect_readable(self, run):
        """A checkpoint under its own name is that of the uninterrupted run, to the last bit; the other files open."""
        for name in _names(run):
            mine = os.path.join(run, "checkpoints", name)
            for line in differences(os.path.join(self.reference, "run", "checkpoints", name), mine):
                self.complain(f"after kill {self.kills}: {line}")
        for path in [*glob.glob(os.path.join(run, "*.h5")), *glob.glob(os.path.join(run, "trajectory", "*.h5"))]:
            try:
                _read_all(path)
            except Exception as error:  # whatever h5py makes of it
                self.complain(f"after kill {self.kills}: {path}: {error}")

    def _strike(self, job, run):
        """Kill a rank or mpirun: while a checkpoint has its temporary name, or at some round, or while the program starts."""
        kind = self.chance.choice(("write", "write", "write", "round", "start"))
        if kind == "start":
            time.sleep(self.chance.uniform(0.0, 1.0))
        else:
            job.wait_for_round(min(len(_names(run)) + self.chance.randint(1, ROUNDS // MAX_KILLS), ROUNDS - 1))
        ranks = job.pids()
        writer = ranks[-1:] * len(ranks) if kind == "write" else []  # the trainer: the one whose death leaves half a file
        victim = self.chance.choice([*ranks, *writer, job.process.pid])
        while kind == "write" and not job.is_over() and not _half_written(run):
            time.sleep(0.0002)
        if not job.is_over():
            job.signal(signal.SIGKILL, [victim])
            self.kills += 1

    def _disturbed(self, folder, restart):
        run = os.path.join(folder, "run")
        before = _names(run)
        job = Job(self.ranks, "run", "input.yaml", *FREQUENT, *restart, folder=folder)
        self._strike(job, run)
        _, out, err = job.wait()
        end = time.monotonic() + 30  # ranks without mpirun end by themselves
        while processes_in(folder) and time.monotonic() < end:
            time.sleep(0.02)
        job.signal(signal.SIGKILL, processes_in(folder))
        self.while_writing += len(_half_written(run))
        if "tempera: error: " in err:
            self.complain(f"an error of the program: {err}")
        lost = sorted(set(before) - set(_names(run)))
        if lost:
            self.complain(f"checkpoints lost: {lost}")
        self._expect_readable(run)

    def _undisturbed(self, folder, restart):
        result = tempera(self.ranks, "run", "input.yaml", *FREQUENT, *restart, folder=folder)
        if result.status:
            self.complain(f"did not go on: {result}")

    def _stretch(self, folder, disturb):
        """Start or go on, as a job script decides it."""
        run = os.path.join(folder, "run")
        restart = ("--restart",) if os.path.exists(os.path.join(run, "run.h5")) else ()
        self.before_first += bool(restart) and not _names(run)
        (self._disturbed if disturb else self._undisturbed)(folder, restart)

    def one(self):
        """Whether a run comes through."""
        self.runs += 1
        folder = os.path.join(self.folder, f"run-{self.runs}")
        os.mkdir(folder)
        write_system("double-well", folder)
        finished = os.path.join(folder, "run", "finished")
        complaints = len(self.complaints)
        for _ in range(self.chance.randint(1, MAX_KILLS)):
            if not os.path.exists(finished):
                self._stretch(folder, True)
        if not os.path.exists(finished):
            self._stretch(folder, False)
        for line in run_differences(os.path.join(self.reference, "run"), os.path.join(folder, "run"))[:5]:
            self.complain(line)
        shutil.rmtree(folder)
        self.survived += len(self.complaints) == complaints
        return len(self.complaints) == complaints

    def summary(self):
        return (f"kills: {self.kills}, of which {self.while_writing} left a half-written checkpoint; "
                f"begun again before the first checkpoint: {self.before_first}")
