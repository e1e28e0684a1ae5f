"""A Slurm of the test's own: munge, slurmctld and three slurmd on this machine, in one folder, on free ports, gone when the test is."""

import atexit
import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from harness import skip

NODES = 3

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
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
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
InactiveLimit=0
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: no daemon outlives a test that is killed


class Slurm:
    def __init__(self, folder):
        for tool in ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "srun"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                skip(f"{tool} is not installed")
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        os.environ["SLURM_CONF"] = os.path.join(folder, "slurm.conf")
        self.folder, self.daemons = folder, []
        atexit.register(self.stop)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that stop() is called
        self._write_files()
        self._start("munged", "--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket",
                    f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed")
        self._wait(lambda: os.path.exists(f"{folder}/munge.socket"), "munged")
        self._start("slurmctld", "-D")
        for n in range(1, NODES + 1):
            self._start("slurmd", "-D", "-N", f"n{n}")
        self._wait(lambda: self.output("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * NODES, "slurmctld and slurmd")

    def _write_files(self):
        ports = _free_ports(1 + NODES)
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(f"NodeName=n{n} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[n]} CPUs=16 RealMemory=1000 State=UNKNOWN"
                          for n in range(1, NODES + 1))
        os.mkdir(os.path.join(self.folder, "state"))
        with open(os.environ["SLURM_CONF"], "w") as file:
            file.write(CONFIGURATION.format(folder=self.folder, host=host, user=getpass.getuser(), ports=ports, nodes=nodes))
        key = os.open(os.path.join(self.folder, "munge.key"), os.O_WRONLY | os.O_CREAT, 0o400)
        os.write(key, os.urandom(1024))
        os.close(key)

    def _start(self, *command):
        with open(os.path.join(self.folder, "daemons.out"), "a") as out:
            self.daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                                 preexec_fn=_die_with_parent))

    def _wait(self, condition, what):
        end = time.monotonic() + 30
        while not condition():
            if time.monotonic() > end or any(d.poll() is not None for d in self.daemons):
                with open(os.path.join(self.folder, "daemons.out")) as file:
                    skip(f"{what} can't start here: {' '.join(file.read().split())[-300:]}")
            time.sleep(0.1)

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
