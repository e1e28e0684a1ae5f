"""A Slurm of the test's own: munge, slurmctld and three slurmd on this machine, in one folder, on free ports, gone when the test is.

Any number of them may be there at once. A job that is to be seen again after it was requeued is waited for by what is there, not by the clock:
see is_queued()."""

import atexit
import ctypes
import getpass
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from harness import skip

NODES = 3
START_SECONDS = 60  # for a busy machine
ATTEMPTS = 3  # another program may take a port between the look for a free one and its use

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
FirstJobId={first_job}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
InactiveLimit=0
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=2
"""


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _steps_of(job):
    """Slurm's processes that watch over the job: "slurmstepd: [7.batch]"."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                found += [path] * (f"slurmstepd: [{job}." in file.read().decode(errors="replace"))
        except OSError:
            pass
    return found


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: no daemon outlives a test that is killed


class Slurm:
    def __init__(self, folder):
        for tool in ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "srun"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                skip(f"{tool} is not installed")
        if os.geteuid():
            skip("slurmd can be started by root only")
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        self.daemons = []
        atexit.register(self.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that stop() is called
        reason = None
        for attempt in range(ATTEMPTS):
            self.folder = os.path.join(folder, f"slurm-{attempt}")
            reason = self._start_all()
            if not reason:
                return
            self.stop()
        skip(f"Slurm can't start here: {reason}")

    def _start_all(self):
        """None, or what is wrong."""
        folder = self.folder
        os.environ["SLURM_CONF"] = os.path.join(folder, "slurm.conf")
        self._write_files()
        self._start("munged", "--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket",
                    f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed")
        if not self._comes(lambda: os.path.exists(f"{folder}/munge.socket")):
            return self._reason("munged")
        self._start("slurmctld", "-D")
        for n in range(1, NODES + 1):
            self._start("slurmd", "-D", "-N", f"n{n}")
        return None if self._comes(self.is_idle) else self._reason("slurmctld and slurmd")

    def _write_files(self):
        ports = _free_ports(1 + NODES)
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(f"NodeName=n{n} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[n]} CPUs=16 RealMemory=1000 State=UNKNOWN"
                          for n in range(1, NODES + 1))
        os.makedirs(os.path.join(self.folder, "state"))
        with open(os.environ["SLURM_CONF"], "w") as file:
            # Numbers of jobs are in the names of Slurm's processes: those of another Slurm are to be others.
            file.write(CONFIGURATION.format(folder=self.folder, host=host, user=getpass.getuser(), ports=ports, nodes=nodes,
                                            first_job=random.SystemRandom().randrange(1000, 60_000_000)))
        key = os.open(os.path.join(self.folder, "munge.key"), os.O_WRONLY | os.O_CREAT, 0o400)
        os.write(key, os.urandom(1024))
        os.close(key)

    def _start(self, *command):
        with open(os.path.join(self.folder, "daemons.out"), "a") as out:
            self.daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                                 preexec_fn=_die_with_parent))

    def _comes(self, condition):
        end = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > end or any(d.poll() is not None for d in self.daemons):
                return False
            time.sleep(0.1)
        return True

    def _reason(self, what):
        with open(os.path.join(self.folder, "daemons.out")) as file:
            return f"{what}: {' '.join(file.read().split())[-300:]}"

    def is_idle(self):
        """All nodes wait for work: none of them clears up behind a job."""
        return self.output("sinfo", "-h", "-N", "-p", "main", "-o", "%T").split() == ["idle"] * NODES

    def field(self, job, name):
        found = re.search(rf"\b{name}=(\S*)", self.output("scontrol", "show", "job", "-o", job))
        return found.group(1) if found else ""

    def is_queued(self, job, restarts):
        """In the queue for the so-and-so-manieth time, and all of the start before gone: slurmstepd too, whose word that the job has ended would end
        the next start."""
        return (self.field(job, "Restarts") == str(restarts) and self.field(job, "JobState") == "PENDING" and not _steps_of(job)
                and self.is_idle())

    def release(self, job, minutes):
        """Let a job that was requeued start now, and not after Slurm's two minutes; but not in the second in which the start before ended: slurmd
        refuses credentials as old as that, counted in whole seconds, and the job would fail ("Job credential revoked")."""
        time.sleep(1.1)
        self.output("scontrol", "update", f"jobid={job}", f"TimeLimit={minutes}", "StartTime=now")

    def output(self, *command):
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        """Jobs first: their processes would outlive the daemons."""
        if len(self.daemons) > 1:
            self.output("scancel", "--user", getpass.getuser())
            end = time.monotonic() + 15
            while self.output("squeue", "-h", "-t", "running,completing").strip() and time.monotonic() < end:
                time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = []
