"""A disk that becomes full, and folders that become read-only: the run stops with one line, loses no checkpoint, leaves no half file, and goes on to
the results of an undisturbed run when there is room again."""

import glob
import os

import h5py

from compare import differences
from disks import enter_namespace, grow_disk, keep_writable, make_disk, make_read_only, unmount
from harness import expect, finish, run_ok, scratch, tempera
from jobs import Job
from restarting import cut_run, expect_same, finished_run
from systems import ROUNDS, write_system

enter_namespace()

EVERY = ("--set", "output.checkpoint_interval=1", "--set", "output.report_interval=1")
CHANGED = ("/@parameters",)
PLENTY = 64 * 1024  # KiB

folder = scratch()
reference = os.path.join(folder, "reference")
ranks = finished_run("double-well", reference, *EVERY)


def expect_stopped(what, status, err, *reasons):
    """One line, status 1, one of the reasons in it, and what it says."""
    lines = [line for line in err.splitlines() if line.startswith("tempera: error: ")]
    expect(status == 1 and len(lines) == 1 and any(reason in lines[0] for reason in reasons) and "PETSC ERROR" not in err, f"{what}: status {status}: {err}")
    return lines[0] if lines else ""


def expect_whole(what, run):
    """No half file, no marker of an end; checkpoints are those of the undisturbed run, the newest verified; the rest can be read. Returns the number of
    checkpoints, one for each round."""
    left = glob.glob(os.path.join(run, "**", "*.tmp"), recursive=True)
    expect(not left, f"{what}: half files are left: {left}")
    expect(not {"finished", "continue"} & set(os.listdir(run)), f"{what}: {os.listdir(run)}")
    names = sorted(os.listdir(os.path.join(run, "checkpoints")))
    for name in names:
        found = differences(os.path.join(reference, "run", "checkpoints", name), os.path.join(run, "checkpoints", name), CHANGED)
        expect(not found, f"{what}: {found[:3]}")
    if names:
        run_ok(0, "info", os.path.join(run, "checkpoints", names[-1]), folder=folder)
    for path in [*glob.glob(os.path.join(run, "*.h5")), *glob.glob(os.path.join(run, "trajectory", "*.h5"))]:
        with h5py.File(path, "r") as file:
            file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
    return len(names)


def go_on(what, where, rounds, *options):
    """After the newest checkpoint, to the results of the undisturbed run."""
    result = run_ok(ranks, "run", "input.yaml", "--restart", *EVERY, *options, folder=where)
    expect(f"going on after round {rounds} of {ROUNDS}" in result.out, f"{what}: {result}")
    expect_same(reference, where, what, CHANGED)


# ------------------------------------------------------------------------------------------------------------- full disk


def full_while_running(kib):
    """Checkpoints pile up until the disk is full. Then a restart without room is refused, with nothing lost; then there is room."""
    what = f"a disk of {kib} KiB"
    where = os.path.join(folder, f"full-{kib}")
    make_disk(where, kib)
    write_system("double-well", where)
    run = os.path.join(where, "run")
    result = tempera(ranks, "run", "input.yaml", *EVERY, folder=where)
    expect_stopped(what, result.status, result.err, "No space left on device")
    before = expect_whole(what, run)
    if not expect(0 < before < ROUNDS, f"{what}: {before} checkpoints"):
        return
    result = tempera(ranks, "run", "input.yaml", "--restart", *EVERY, folder=where)
    expect_stopped(f"{what}, restarted", result.status, result.err, "No space left on device")
    again = expect_whole(f"{what}, restarted", run)
    expect(again >= before, f"{what}: the restart lost {before - again} checkpoints")
    grow_disk(where, PLENTY)
    go_on(what, where, again)
    unmount(where)


def full_for_metrics():
    """Room for all but metrics.csv, which a restart writes anew without the rows behind it, as after a long run."""
    disk, where = os.path.join(folder, "metrics"), os.path.join(folder, "metrics", "cut")
    make_disk(disk, PLENTY)
    cut_run(reference, where, 20)
    metrics = os.path.join(where, "run", "metrics.csv")
    with open(metrics) as file:
        short = file.read()
    with open(metrics, "w") as file:
        file.write(short + 300 * short.splitlines(keepends=True)[1])
    with open(metrics) as file:
        long = file.read()
    usage = os.statvfs(disk)
    grow_disk(disk, (usage.f_blocks - usage.f_bfree) * usage.f_frsize // 1024 + 8)
    result = tempera(ranks, "run", "input.yaml", "--restart", *EVERY, folder=where)
    expect("metrics.csv" in expect_stopped("metrics.csv", result.status, result.err, "No space left on device"), f"{result}")
    expect_whole("metrics.csv", os.path.join(where, "run"))
    with open(metrics) as file:
        expect(file.read() == long, "a restart without room for it spoilt metrics.csv")
    grow_disk(disk, PLENTY)
    with open(metrics, "w") as file:
        file.write(short)
    go_on("metrics.csv", where, 20)
    unmount(disk)


def full_at_start():
    """No room for run.h5 and the trajectories: nothing has begun."""
    where = os.path.join(folder, "full-at-start")
    make_disk(where, 700)
    write_system("double-well", where)
    result = tempera(ranks, "run", "input.yaml", *EVERY, folder=where)
    expect_stopped("no room at all", result.status, result.err, "No space left on device")
    left = glob.glob(os.path.join(where, "run", "**", "*.tmp"), recursive=True)
    expect(not left, f"no room at all: half files are left: {left}")
    grow_disk(where, PLENTY)
    run_ok(ranks, "run", "input.yaml", *["--restart"] * os.path.exists(os.path.join(where, "run", "run.h5")), *EVERY, folder=where)
    expect_same(reference, where, "no room at all", CHANGED)
    unmount(where)


# -------------------------------------------------------------------------------------------------------------- read-only


def read_only_while_running(name, protect, reason, release):
    """A folder becomes read-only while the ranks stand still in the midst of the run."""
    where = os.path.join(folder, name)
    os.makedirs(where)
    write_system("double-well", where)
    run = os.path.join(where, "run")
    job = Job(ranks, "run", "input.yaml", *EVERY, folder=where)
    job.wait_for_round(14)
    pids = job.pause()
    before = set(os.listdir(os.path.join(run, "checkpoints")))
    if not expect(len(pids) == ranks and len(before) < ROUNDS, f"{name}: the run was over before it could be disturbed"):
        return
    protect(run)
    job.resume(pids)
    status, _, err = job.wait()
    # of the system; of MPI-IO, where the folder closed between our making of a file and its opening
    line = expect_stopped(name, status, err, "Read-only file system", "MPI_ERR_READ_ONLY")
    expect(reason in line, f"{name}: {line}")
    release(run)
    for path in glob.glob(os.path.join(run, "**", "*.tmp*"), recursive=True):
        os.remove(path)  # what was being written when the folder closed, or the file beside it in which MPI-IO tries locks: the run can't remove it
    after = expect_whole(name, run)
    expect(after >= len([n for n in before if n.endswith(".h5")]), f"{name}: of {before} only {after} are left")
    go_on(name, where, after)


def read_only_trajectories():
    """The trajectories of a restart with another length can't be made anew."""
    where = os.path.join(folder, "trajectories")
    finished_run("double-well", where, *EVERY, "--set", "run.rounds=25")
    os.remove(os.path.join(where, "run", "finished"))
    trajectory = os.path.join(where, "run", "trajectory")
    make_read_only(trajectory)
    result = tempera(ranks, "run", "input.yaml", "--restart", *EVERY, folder=where)
    line = expect_stopped("trajectories", result.status, result.err, "Read-only file system")
    expect("trajectory/rung-000.h5.tmp" in line, f"trajectories: {line}")
    unmount(trajectory)
    expect_whole("trajectories", os.path.join(where, "run"))
    go_on("trajectories", where, 25)


full_at_start()
for kib in (3300, 5050):
    full_while_running(kib)
full_for_metrics()
read_only_while_running("checkpoints", lambda run: make_read_only(os.path.join(run, "checkpoints")), "checkpoints/round-",
                        lambda run: unmount(os.path.join(run, "checkpoints")))
read_only_while_running("model", lambda run: keep_writable(os.path.join(run, "checkpoints"), run), "run/model.h5.tmp",
                        lambda run: unmount(os.path.join(run, "checkpoints"), run, run + "-aside"))
read_only_trajectories()
finish()
