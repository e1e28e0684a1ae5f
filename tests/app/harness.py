"""What the tests of the whole application share: running it, and saying what went wrong.

A test is a script: `test-NAME.py TEMPERA SOURCE`. It prints nothing when it succeeds and ends by finish(), with status 1 if an expectation
failed and 77 if skip() was called.
"""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TEMPERA = os.path.abspath(sys.argv[1])  # tests run it from folders of their own
SOURCE = os.path.abspath(sys.argv[2])

_failures = []


def expect(condition, message):
    """Count and print a failure."""
    if not condition:
        frame = sys._getframe(1)
        print(f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}: {message}")
        _failures.append(message)
    return bool(condition)


def finish(skipped=None):
    """The end. `skipped`: why a part could not be tried; that is told if nothing failed."""
    if skipped and not _failures:
        skip(skipped)
    sys.exit(1 if _failures else 0)


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def scratch():
    """A folder that is gone when the test is done."""
    folder = tempfile.mkdtemp(prefix="tempera-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def errors(self):
        """The lines that tell a user what is wrong."""
        return [line for line in self.err.splitlines() if line.startswith("tempera: error: ")]

    def leaks(self):
        """Blocks that were not freed: as PETSc lists them under -malloc_dump, "[ 0]1024 bytes TpRunOnce() line 353", and as a sanitizer does."""
        return [line for line in (self.out + self.err).splitlines() if re.match(r"\[ *\d+\] *\d+ bytes|.*LeakSanitizer", line)]


def command_line(ranks, *arguments):
    """mpirun -n `ranks` tempera `arguments`; 0 ranks: without mpirun, which saves a second."""
    mpirun = ["mpirun", "-n", str(ranks)] if ranks else []
    return [*mpirun, TEMPERA, *[str(a) for a in arguments]]


# Without mpirun Open MPI starts a daemon beside the program, in case that it wants to spawn others; that takes longer than all the rest of a start.
# Without the daemon such programs share one folder for Open MPI's own files, and the first that ends removes it: each test has its own.
_ALONE = {"OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_orte_tmpdir_base": scratch()}


def tempera(ranks, *arguments, folder, timeout=300, environment=None):
    """Run it in `folder` to its end."""
    done = subprocess.run(command_line(ranks, *arguments), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **({} if ranks else _ALONE), **(environment or {})})
    return Result(done.returncode, done.stdout, done.stderr)


def run_ok(ranks, *arguments, folder, timeout=300, environment=None):
    """As tempera(), and the run must succeed."""
    result = tempera(ranks, *arguments, folder=folder, timeout=timeout, environment=environment)
    if not expect(result.status == 0, f"tempera {' '.join(map(str, arguments))}: {result}"):
        finish()
    left = result.leaks()
    expect(not left, f"tempera {' '.join(map(str, arguments))}: not freed: " + "\n".join(left[:12]))
    return result


def analyze(folder, *options, ranks=0, run="run"):
    """tempera analyze of a run, which must succeed: its analysis.json. An --output must be the folder out."""
    run_ok(ranks, "analyze", run, *options, folder=folder)
    with open(os.path.join(folder, "out" if "--output" in options else run, "analysis.json"), encoding="ascii") as file:
        return json.load(file)


def start(ranks, *arguments, folder):
    """Begin a run that goes on beside the test, in a process group of its own; killed at the test's end if it is still there."""
    process = subprocess.Popen(command_line(ranks, *arguments), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    atexit.register(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
    return process


def wait_for(condition, seconds, what):
    """Look until condition() is true; `seconds` is for a busy machine."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            expect(False, f"waited {seconds} s for {what}")
            finish()
        time.sleep(0.05)


def _is_built_with(engine):
    return engine in subprocess.run([TEMPERA, "--version"], capture_output=True, text=True).stdout


def has_openmm():
    return _is_built_with("OpenMM")


def has_lammps():
    return _is_built_with("LAMMPS")


def inputs(*names):
    """Path of a shipped input."""
    return os.path.join(SOURCE, "input", *names)
