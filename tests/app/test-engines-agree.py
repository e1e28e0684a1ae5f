"""Replica exchange of the same Lennard-Jones fluid by the engines model, openmm and lammps gives the same averages and acceptances.

108 particles at density 0.8 in a periodic box, cut off (not shifted) at 2.5, three rungs. OpenMM has it in units of nm, kJ/mol and amu, which
have the numbers of reduced units. All three thermostats act on the motion of the whole too: 3 N degrees of freedom, and a mean kinetic
temperature that is the bath's. Were the three of the centre of mass counted wrongly by one, it would be off by 0.9 %.

Standard errors are those of series with their statistical inefficiencies. 3 pairs of engines in 3 mean energies and 2 acceptances, and 3
kinetic temperatures: 18 comparisons at 4 standard errors. A correct program with an unlucky seed fails with probability 0.1 %; the seeds are
fixed.
"""

import itertools

import h5py
import numpy as np

from harness import SOURCE, expect, finish, has_lammps, has_openmm, inputs, run_ok, scratch, skip
from reference import mean_and_inefficiency

TEMPERATURES = np.array([1.0, 1.08, 1.17])
KELVIN = 1 / 0.00831446261815324  # of 1 kJ/mol
TIMESTEP = 0.004
EQUILIBRATION = 200  # rounds of 0.16: 128 times the damping time of the thermostat
INTEGRATION = 1.5e-3  # relative error of the kinetic temperature: (omega dt)^2/4, omega^2 some 300 at this density

ENGINES = {
    "model": "{potential: lj-fluid, num_particles: 108, box_length: 5.12992784003009, cutoff: 2.5}",
    "openmm": f"{{system: {SOURCE}/tests/reference/lj-fluid.xml, positions: [{SOURCE}/tests/reference/lj-fluid.pdb], platform: CPU}}",
    "lammps": f"{{script: {inputs('lammps/in.lj')}, units: lj}}",
}


def simulate(folder, engine, seed):
    temperatures = TEMPERATURES * (KELVIN if engine == "openmm" else 1)
    with open(f"{folder}/{engine}.yaml", "w", encoding="ascii") as file:
        file.write(f"""
run: {{folder: {engine}, rounds: 2000, seed: {seed}}}
engine: {{kind: {engine}, timestep: {TIMESTEP}, friction: 4, {engine}: {ENGINES[engine]}}}
ladder: {{temperatures: {temperatures.tolist()}}}
exchange: {{interval: 40}}
features: {{distances: [[0, 1]]}}
training: {{steps_per_round: 0}}
output: {{checkpoint_interval: 2000, trajectory_interval: 0, report_interval: 1000}}
""")
    run_ok(len(temperatures) + 1, "run", f"{engine}.yaml", folder=folder)
    answers = {}
    with h5py.File(f"{folder}/{engine}/run.h5") as file:
        energy, kinetic = file["energy/value"][EQUILIBRATION:], file["temperature/kinetic"][EQUILIBRATION:] / temperatures
        partner, accepted = file["exchange/partner"][EQUILIBRATION:], file["exchange/accepted"][EQUILIBRATION:]
        for rung, temperature in enumerate(TEMPERATURES):
            answers[f"<U> at {temperature}"] = mean_and_inefficiency(energy[:, rung])
        for rung in range(len(temperatures) - 1):
            answers[f"acceptance of pair {rung}"] = mean_and_inefficiency(accepted[partner[:, rung] == rung + 1, rung])
        # walkers carry their velocities along: errors are those of the mean over all rungs
        answers["kinetic temperature"] = mean_and_inefficiency(kinetic.mean(axis=1))
    return answers


def compare(first, second, answers):
    for what in answers[first]:
        (mean, error), (other_mean, other_error) = answers[first][what], answers[second][what]
        allowed = 4 * np.hypot(error, other_error)
        if what == "kinetic temperature":
            continue
        expect(abs(mean - other_mean) <= allowed,
               f"{what}: {first} {mean:.4f} +- {error:.4f}, {second} {other_mean:.4f} +- {other_error:.4f}")
        # an error bar that hides everything would prove nothing
        expect(allowed <= (0.15 if "acceptance" in what else 0.01 * abs(mean)), f"{what}: allowed are {allowed:.3f}, too much to tell")


engines = ["model"] + ["openmm"] * has_openmm() + ["lammps"] * has_lammps()
if len(engines) == 1:
    skip("built without OpenMM and LAMMPS")

scratch_folder = scratch()
found = {engine: simulate(scratch_folder, engine, seed) for seed, engine in enumerate(engines, 1)}
for pair in itertools.combinations(engines, 2):
    compare(*pair, found)
for engine in engines:
    mean, error = found[engine]["kinetic temperature"]
    expect(abs(mean - 1) <= 4 * error + INTEGRATION, f"{engine}: the kinetic temperature is {mean:.4f} +- {error:.4f} of the bath's")
    expect(4 * error + INTEGRATION <= 3 / 324, f"{engine}: {4 * error:.4f} is too much to see 3 degrees of freedom of 324")
finish()
