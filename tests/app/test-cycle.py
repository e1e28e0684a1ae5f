"""Once through the whole program, short enough for a slow build of it: run, info, generate, two restarts that give the same files again.

Nothing that it writes has wider rights than the umask leaves, nor narrower ones; and nothing that it allocates is left at the end, by the list
that PETSc keeps, or by a sanitizer, which sees more without that.
"""

import os
import stat

import h5py

from harness import expect, finish, run_ok, scratch, tempera
from restarting import checkpoint, cut_run, expect_same, finished_run
from systems import TRAINING_BEGINS


def expect_rights(folder, mask):
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            rights = stat.S_IMODE(os.lstat(os.path.join(path, name)).st_mode)
            expected = (0o777 if name in folders else 0o666) & ~mask
            expect(rights == expected, f"{os.path.join(path, name)}: rights {rights:o}, expected {expected:o} with umask {mask:o}")


folder = scratch()
if "LSAN_OPTIONS" not in os.environ:
    os.environ["PETSC_OPTIONS"] = "-malloc_debug -malloc_dump"
source, copy = os.path.join(folder, "whole"), os.path.join(folder, "copy")
os.umask(0o077)
every = ("--set", "output.checkpoint_interval=1")

ranks = finished_run("double-well", source, *every, trainers=2)
for name in ("run.h5", "model.h5", checkpoint(20)[4:], os.path.join("trajectory", "rung-000.h5")):
    run_ok(0, "info", os.path.join("run", name), folder=source)
run_ok(2, "generate", "run/model.h5", "--temperature", "1.5", "--samples", "500", "--output", "samples.h5", folder=source)
expect_rights(source, 0o077)
cut_run(source, copy, 20)
os.umask(0o027)
before = set(os.listdir(os.path.join(copy, "run")))
run_ok(ranks, "run", "input.yaml", "--set", "groups.trainers=2", "--restart", *every, folder=copy)
expect_same(source, copy, "stopped after 20 rounds")
for name in set(os.listdir(os.path.join(copy, "run"))) - before:
    rights = stat.S_IMODE(os.stat(os.path.join(copy, "run", name)).st_mode)
    expect(rights == 0o640, f"{name}: rights {rights:o}, expected 640 with umask 27")

# Another stop, before training begins, and another number of trainers.
other = os.path.join(folder, "other")
cut_run(source, other, TRAINING_BEGINS - 1)
run_ok(ranks - 1, "run", "input.yaml", "--restart", *every, folder=other)
expect_same(source, other, f"stopped after {TRAINING_BEGINS - 1} rounds of 2 trainers, gone on with by 1", ("/@parameters",))

with h5py.File(os.path.join(copy, "run", "run.h5"), "r+") as file:
    file["exchange/walker"][2, 1] = 100000000
result = tempera(ranks, "run", "input.yaml", "--set", "groups.trainers=2", f"--restart={checkpoint(20)}", *every, folder=copy)
expect(any("round 2 has walker 1e+08 at rung 1" in line for line in result.errors()), f"a walker that is none: {result}")
expect(tempera(0, "run", "input.yaml", "--set", "run.rounds=many", folder=copy).status == 2, "a mistake has status 2")
finish()
