"""--verify-restart: the user's own proof tells of every dataset, leaves the run alone, and reads what it compares from the files."""

import os
import re

from compare import run_differences
from harness import expect, finish, has_lammps, has_openmm, inputs, run_ok, scratch, tempera
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

# A Lennard-Jones crystal with a thermostat of LAMMPS's own, whose momentum is in no checkpoint: it goes on, but
# not with the same bits.
SCRIPT = """units lj
atom_style atomic
lattice fcc 0.8
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.0
pair_modify shift yes
pair_coeff 1 1 1.0 1.0
fix 1 all nvt temp ${temperature} ${temperature} 0.2
"""
FORGETFUL = """run: {folder: run, rounds: 20, seed: 2}
engine: {kind: lammps, timestep: 0.004, lammps: {script: in.crystal, units: lj, thermostat: script}}
ladder: {temperatures: [0.8, 1]}
exchange: {interval: 10}
features: {distances: [[0, 50]]}
output: {trajectory_interval: 5}
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
    # The folder stands in the parameters, whose length decides where in the file other things lie.
    ignored = ("/@parameters", "/structure", "/structure@checksum")
    found = run_differences(os.path.join(scratch_folders, "whole"), os.path.join(scratch_folders, "restarted"), ignored)
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

if has_lammps():
    where = os.path.join(folder, "forgetful")
    os.makedirs(where)
    for name, text in (("in.crystal", SCRIPT), ("input.yaml", FORGETFUL)):
        with open(os.path.join(where, name), "w") as file:
            file.write(text)
    result = tempera(3, "run", "input.yaml", "--verify-restart=6", folder=where)
    found = re.search(r"^run\.h5 /energy/value: DIFFERS in (\d+) of \d+ values, first \[(\d+), \d+\]: (\S+) and (\S+)$", result.out, re.M)
    expect(result.status == 1, f"{result}")
    expect(len(result.errors()) == 1 and "verify-restart: DIFFERENT: 12 rounds, and 6 + 6 with a restart" in result.errors()[0], f"{result}")
    expect("differences are expected" in result.out, f"{result}")
    if expect(found, f"nothing tells of energies that differ: {result}"):
        expect(int(found.group(1)) > 0 and int(found.group(2)) >= 6 and found.group(3) != found.group(4), f"{found.group(0)}")
    expect("run.h5 /ladder/temperature: equal" in result.out, f"{result}")

finish()
