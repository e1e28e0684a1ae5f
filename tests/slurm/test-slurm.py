"""The shipped job script under a real Slurm: the time is too short, Slurm signals, the run makes a checkpoint, is queued again, goes on, and
ends with the results of a run that was never stopped. So does a job that is preempted. The other scripts are accepted by sbatch."""

import glob
import os
import re
import shutil
import signal
import subprocess

from compare import last_checkpoint
from daemons import Slurm
from harness import SOURCE, TEMPERA, expect, finish, run_ok, scratch, wait_for
from jobs import processes_in
from restarting import expect_same
from systems import ROUNDS, write_system

SCRIPTS = os.path.join(SOURCE, "jobscripts")

os.environ.update(TEMPERA_INPUT="input.yaml", TEMPERA_RUN="run", TEMPERA=TEMPERA, TEMPERA_SCRIPTS=SCRIPTS)


def submit(*arguments, cwd):
    done = subprocess.run(["sbatch", *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if not expect(done.returncode == 0, f"sbatch {' '.join(arguments)}: {done.stdout}{done.stderr}"):
        finish()
    return done.stdout.strip() + done.stderr.strip()


def ranks_in(folder):
    """Processes of the program that work in this folder."""
    return [pid for pid in processes_in(folder) if os.path.samefile(f"/proc/{pid}/exe", TEMPERA)]


def is_pending(pid, number):
    with open(f"/proc/{pid}/status") as file:
        mask = re.search(r"^ShdPnd:\s*(\w+)", file.read(), re.M).group(1)
    return int(mask, 16) >> (number - 1) & 1


def log(folder):
    return "".join(open(path).read() for path in sorted(glob.glob(os.path.join(folder, "tempera.*.out"))))


def in_its_midst(folder, ranks):
    """The ranks of a run that has begun to write its results."""
    metrics = os.path.join(folder, "run", "metrics.csv")
    wait_for(lambda: os.path.exists(metrics) and len(open(metrics).readlines()) > 1, PATIENCE, "the first rounds under Slurm: " + log(folder))
    pids = ranks_in(folder)
    if not expect(len(pids) == ranks, f"{len(pids)} ranks at work, not {ranks}: the run was too short to be caught, or has failed: {log(folder)}"):
        finish()
    return pids


def send(number, pids):
    for pid in pids:
        os.kill(pid, number)


def start_again(job, folder, restarts):
    """Once it is in the queue again, to its end."""
    wait_for(lambda: slurm.is_queued(job, restarts) and not processes_in(folder), PATIENCE, "the job in the queue again: " + log(folder))
    slurm.release(job, MINUTES)
    wait_for(lambda: slurm.field(job, "JobState") in ENDS, PATIENCE, "the end of the job: " + log(folder))
    expect(slurm.field(job, "JobState") == "COMPLETED",
           f"{slurm.field(job, 'JobState')} {slurm.field(job, 'Reason')} {slurm.field(job, 'ExitCode')}: {log(folder)}")
    expect(os.path.exists(os.path.join(folder, "run", "finished")), "the run is not marked as finished")


def begin_job(folder):
    os.mkdir(folder)
    ranks = write_system("double-well", folder, LONG) + 1
    return submit("--parsable", f"--ntasks={ranks}", f"--time={MINUTES}", os.path.join(SCRIPTS, "tempera.sbatch"), cwd=folder), ranks


def rounds_done(run):
    return int(os.path.basename(last_checkpoint(run))[6:18])


def check_resubmission(folder, reference):
    """The run stands still in its midst until Slurm's signal is there, so that neither a fast nor a slow machine misses it; meanwhile its time is
    cut to what the script asks to be told of the end, three minutes."""
    job, ranks = begin_job(folder)
    run = os.path.join(folder, "run")
    pids = in_its_midst(folder, ranks)
    send(signal.SIGSTOP, pids)
    slurm.output("scontrol", "update", f"jobid={job}", "TimeLimit=3")
    wait_for(lambda: any(is_pending(pid, signal.SIGUSR2) for pid in pids), PATIENCE, "Slurm's signal: " + log(folder))
    send(signal.SIGCONT, pids)
    wait_for(lambda: os.path.exists(os.path.join(run, "continue")), PATIENCE, "the marker `continue`: " + log(folder))
    expect("time is nearly up" in log(folder), f"the script was not signalled: {log(folder)}")
    expect(not os.path.exists(os.path.join(run, "finished")), "stopped and finished")
    stopped = rounds_done(run)
    expect(0 < stopped < LONG, f"stopped after {stopped} rounds")
    start_again(job, folder, 1)
    expect(f"going on after round {stopped} of {LONG}" in log(folder), f"no word of going on: {log(folder)}")
    expect_same(reference, folder, f"queued again after round {stopped}")


def check_preemption(folder, reference):
    """A job that has to give way: Slurm ends it by SIGCONT and SIGTERM, and queues it again by itself. Whether the ranks come to write a checkpoint is
    left to them; the script must not queue the job a second time."""
    job, ranks = begin_job(folder)
    pids = in_its_midst(folder, ranks)
    wait_for(lambda: os.path.exists(last_checkpoint(os.path.join(folder, "run"))), PATIENCE, "the first checkpoint: " + log(folder))
    send(signal.SIGSTOP, pids)
    urgent = submit("--parsable", "--partition=urgent", "--nodes=3", "--exclusive", "--output=/dev/null", "--wrap=true", cwd=folder)
    wait_for(lambda: slurm.field(urgent, "JobState") in ENDS, PATIENCE, "the end of the urgent job: " + log(folder))
    expect(slurm.field(urgent, "JobState") == "COMPLETED", f"the urgent job: {slurm.field(urgent, 'JobState')}")
    start_again(job, folder, 1)
    queued = slurm.output("squeue", "-h", "-o", "%i").split()
    expect(not queued, f"queued twice: {queued}: {log(folder)}")
    expect(len(re.findall(r"going on after round [1-9]\d* of", log(folder))) == 1, f"no word of going on: {log(folder)}")
    expect_same(reference, folder, "preempted")


def check_scripts(folder):
    """Slurm takes every script as it is shipped."""
    for script in sorted(glob.glob(os.path.join(SCRIPTS, "*.sbatch"))):
        told = submit("--test-only", script, cwd=folder)
        expect("to start at" in told, f"{os.path.basename(script)}: {told}")


def check_chain(folder):
    """Each job waits for the one before."""
    done = subprocess.run([os.path.join(SCRIPTS, "chain"), "3", os.path.join(SCRIPTS, "tempera.sbatch"), "--hold"], cwd=folder,
                          capture_output=True, text=True, timeout=60)
    jobs = done.stdout.split()
    if expect(done.returncode == 0 and len(jobs) == 3, f"chain: {done.stdout}{done.stderr}"):
        expect(slurm.field(jobs[1], "Dependency").startswith(f"afterok:{jobs[0]}"), f"chain: {slurm.field(jobs[1], 'Dependency')}")
        expect(slurm.field(jobs[2], "Dependency").startswith(f"afterok:{jobs[1]}"), f"chain: {slurm.field(jobs[2], 'Dependency')}")
        slurm.output("scancel", *jobs)


def write_program(path, lines):
    with open(path, "w") as file:
        file.write("#!/bin/bash\n" + lines)
    os.chmod(path, 0o755)


def check_placement(folder):
    """Trainers on a node of their own. The nodes are one machine under three names, over which PMIx does not reach: no MPI, the program
    just says where its ranks are."""
    os.mkdir(folder)
    srun = shutil.which("srun")
    write_program(os.path.join(folder, "srun"), f'[[ $1 == --mpi=list ]] && exec {srun} "$1"\nshift\nexec {srun} --mpi=none "$@"\n')
    write_program(os.path.join(folder, "where"), 'echo "rank $SLURM_PROCID on $SLURMD_NODENAME" >"rank-$SLURM_PROCID"\ntouch run/finished\n')
    done = subprocess.run(["sbatch", "--wait", os.path.join(SCRIPTS, "trainers-apart.sbatch")], cwd=folder, capture_output=True, text=True,
                          timeout=60, env={**os.environ, "TEMPERA": os.path.join(folder, "where"), "PATH": f"{folder}:{os.environ['PATH']}"})
    expect(done.returncode == 0, f"trainers-apart.sbatch: {done.stderr}{log(folder)}")
    found = sorted(open(path).read().strip() for path in glob.glob(os.path.join(folder, "rank-*")))
    wanted = sorted(f"rank {rank} on n{1 + rank // 5}" for rank in range(12))  # 10 replicas on two nodes, 2 trainers on the third
    expect(found == wanted, f"trainers-apart.sbatch: {found}")


LONG = 10 * ROUNDS  # enough to be caught in its midst
MINUTES = 20
PATIENCE = 120  # seconds, for a busy machine; Slurm looks at times every 30 s
ENDS = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")

folder = scratch()
slurm = Slurm(folder)
check_scripts(folder)
check_chain(folder)
check_placement(os.path.join(folder, "placed"))
reference = os.path.join(folder, "reference")
os.mkdir(reference)
run_ok(write_system("double-well", reference, LONG) + 1, "run", "input.yaml", folder=reference)
check_resubmission(os.path.join(folder, "queued"), reference)
check_preemption(os.path.join(folder, "preempted"), reference)
finish()
