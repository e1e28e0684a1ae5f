"""Runs that are disturbed while they run: found, paused, signalled and killed rank by rank."""

import glob
import os
import signal
import time

from compare import metrics_rows
from harness import TEMPERA, start


def _children(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path) as file:
                found += [int(word) for word in file.read().split()]
        except OSError:
            pass
    return found


def _is_tempera(pid):
    try:
        return os.path.samefile(f"/proc/{pid}/exe", TEMPERA)
    except OSError:
        return False


def processes_in(folder):
    """All processes that work in this folder: mpirun, its daemons and ranks, with or without a parent."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if os.path.samefile(path + "/cwd", folder):
                found.append(int(os.path.basename(path)))
        except OSError:
            pass
    return found


class Job:
    """A run that goes on beside the test."""

    def __init__(self, ranks, *arguments, folder):
        self.folder, self.ranks = folder, ranks
        self.process = start(ranks, *arguments, folder=folder)

    def pids(self):
        """Processes of the ranks that are still there, in the order they were started in."""
        found, level = [], [self.process.pid]
        while level:
            level = [child for parent in level for child in _children(parent)]
            found += [pid for pid in level if _is_tempera(pid)]
        return sorted(found)

    def is_over(self):
        return self.process.poll() is not None

    def rounds(self):
        """Rounds that metrics.csv tells of."""
        try:
            return max(metrics_rows(os.path.join(self.folder, "run")), default=0)
        except (OSError, KeyError, TypeError, ValueError):  # not there yet, or half a line
            return 0

    def wait_for_round(self, number):
        """Until the round is done, or the run is over."""
        while self.rounds() < number and not self.is_over():
            time.sleep(0.002)

    def signal(self, number, pids):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def pause(self):
        pids = self.pids()
        self.signal(signal.SIGSTOP, pids)
        return pids

    def resume(self, pids):
        self.signal(signal.SIGCONT, pids)

    def wait(self):
        """Until it and all its ranks are gone; returns the status, what it printed, and its errors."""
        pids = self.pids()
        out, err = self.process.communicate(timeout=120)
        end = time.monotonic() + 30
        while any(_is_tempera(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.01)
        return self.process.returncode, out, err
