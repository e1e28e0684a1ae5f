"""--verify-restart: the user's own proof tells of every dataset, leaves the run alone, and reads what it compares from the files."""

import os
import re

from compare import run_differences
from harness import expect, finish, has_openmm, inputs, run_ok, scratch, tempera
from systems import write_system

MOLECULE = f"""run: {{folder: run, rounds: 4}}
engine:
  kind: openmm
  timestep: 2 fs
  openmm: {{system: {inputs("molecules/adp_ff14SB_obc2.xml")}, positions: [{inputs("molecules/adp.pdb")}], platform: CPU, deterministic: false}}
ladder: {{temperatures: [300 K, 400 K]}}
exchange: {{interval: 2}}
features: {{torsions: [phi, psi]}}
output: {{trajectory_interval: 0}}
"""

folder = scratch()


def verify(name, trainers, *options):
    """The verdict on one system, compared with what an independent comparison says of the same files."""
    where = os.path.join(folder, f"{name}-{trainers}")
    os.makedirs(where)
    ranks = write_system(name, where) + trainers
    result = run_ok(ranks, "run", "input.yaml", *options, "--set", f"groups.trainers={trainers}", folder=where)
    told = re.findall(r"^(\S+\.h5) (/\S+): equal, \d+ values$", result.out, re.M)
    expect("DIFFER" not in result.out, f"{name}: {result}")
    for file, dataset in (("run.h5", "/energy/value"), ("run.h5", "/features/value"), ("run.h5", "/training/loss"), ("run.h5", "/exchange/walker"),
                          ("model.h5", "/network/parameters"), ("trajectory/rung-001.h5", "/particles/trajectory/position/value")):
        expect((file, dataset) in told, f"{name}: nothing is told of {file} {dataset}: {result.out}")
    for dataset in ("/states", "/trainer/parameters", "/trainer/average", "/trainer/moment1", "/trainer/moment2"):
        expect(any(d == dataset and f.startswith("checkpoints/") for f, d in told), f"{name}: nothing is told of {dataset}: {result.out}")
    scratch_folders = os.path.join(where, "run", "verify-restart")
    expect(sorted(os.listdir(os.path.join(where, "run"))) == ["verify-restart"], f"{name}: more was written: {os.listdir(os.path.join(where, 'run'))}")
    found = run_differences(os.path.join(scratch_folders, "whole"), os.path.join(scratch_folders, "restarted"), ("/@parameters",))  # with the folder
    expect(not [line for line in found if "evaluation.h5" not in line], f"{name}: the verdict is wrong: {found}")
    return where, result.out


where, out = verify("double-well", 1, "--verify-restart")
expect("verify-restart: EQUAL bit for bit: 40 rounds, and 20 + 20 with a restart" in out, out)
expect("going on after round 20 of 40" in out, out)
again = tempera(5, "run", "input.yaml", "--verify-restart", folder=where)
expect(again.status == 2 and len(again.errors()) == 1 and "remove it first" in again.errors()[0], f"{again}")
where, out = verify("chiral-chain", 2, "--verify-restart=13")
expect("verify-restart: EQUAL bit for bit: 26 rounds, and 13 + 13 with a restart" in out, out)

for options in (["--verify-restart", "--restart"], ["--verify-restart", "--check"], ["--verify-restart=0"]):
    result = tempera(0, "run", "input.yaml", *options, folder=where)
    expect(result.status == 2 and len(result.errors()) == 1 and "--verify-restart" in result.errors()[0], f"{options}: {result}")

if has_openmm():
    where = os.path.join(folder, "molecule")
    os.makedirs(where)
    with open(os.path.join(where, "input.yaml"), "w") as file:
        file.write(MOLECULE)
    result = tempera(3, "run", "input.yaml", "--verify-restart", folder=where)
    expect("differences are expected" in result.out, f"{result}")
    expect(result.status == (1 if "DIFFERS" in result.out else 0), f"{result}")

finish()
