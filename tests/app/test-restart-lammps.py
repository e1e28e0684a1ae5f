"""n rounds are k rounds, a restart, and n - k rounds with LAMMPS too, where Tempera keeps the temperature. Where the script does, what a thermostat
remembers is in no checkpoint: rows of rounds before the restart stay, those after it differ, and are of the same ensemble."""

import os

import h5py
import numpy as np

from harness import expect, finish, has_lammps, inputs, run_ok, scratch, skip
from restarting import cut_run, expect_restarts, short_run
from systems import ROUNDS

if not has_lammps():
    skip("built without LAMMPS")
folder = scratch()


def own_thermostat():
    for name, temperatures, held_out in (("lammps-melt", [1.0, 1.1, 1.2], 1.1), ("lammps-dichloroethane", [300, 320, 340], 320)):
        arguments = short_run(inputs(f"{name}.yaml"), {"ladder.temperatures": temperatures, "ladder.minimum": 0, "ladder.maximum": 0,
                                                       "ladder.num_rungs": 0, "training.hold_out": [held_out]})
        expect_restarts(arguments, len(temperatures), os.path.join(folder, name))


def read(where):
    with h5py.File(os.path.join(where, "run", "run.h5")) as file:
        return {name: file[name][()] for name in ("energy/value", "temperature/kinetic", "exchange/walker")}


def script_thermostat():
    """Nose and Hoover's, whose friction is lost. 1000 steps after the restart and 324 degrees of freedom: a mean kinetic temperature is good to 3 %."""
    source = os.path.join(folder, "nvt")
    os.makedirs(source)
    with open(inputs("lammps/in.lj"), encoding="ascii") as file, open(os.path.join(source, "in.nvt"), "w", encoding="ascii") as script:
        script.write(file.read() + "\nfix move all nvt temp ${temperature} ${temperature} 0.5\n")
    arguments = short_run(inputs("lammps-lj.yaml"), {"engine.lammps.script": "in.nvt", "engine.lammps.thermostat": "script", "exchange.interval": 50,
                                                     "training.steps_per_round": 0})
    run_ok(3, *arguments, folder=source)
    copy, cut = os.path.join(folder, "nvt-cut"), 20
    cut_run(source, copy, cut)
    run_ok(3, *arguments, "--restart", folder=copy)
    before, after = read(source), read(copy)
    for name in before:
        expect(np.array_equal(before[name][:cut], after[name][:cut]), f"{name}: rows of rounds before the restart changed")
    expect(not np.array_equal(before["energy/value"][cut:], after["energy/value"][cut:]), "the script's thermostat restarts bit for bit: say so in doc/user/lammps.md")
    relative = after["temperature/kinetic"][cut:].mean(axis=0) / [1.0, 1.08]
    expect(np.all(np.abs(relative - 1) < 0.12), f"kinetic temperatures after the restart are {relative} of the bath's")
    expect(all(sorted(row) == [0, 1] for row in after["exchange/walker"].tolist()), "walkers are no permutation")
    expect(len(after["energy/value"]) == ROUNDS and np.isfinite(after["energy/value"]).all(), "energies are missing")


own_thermostat()
script_thermostat()
finish()
