"""Trajectories as other programs read them. MDAnalysis and h5py see the same numbers, in molecular units with a box and without, and in reduced ones; the
files of rungs and those of walkers are the same frames in another order, and both are what run.h5 tells of the same rounds: states before the swap,
with energy, label and features of their own. So it stays over restarts and for any number of trainers.
"""

import importlib.util
import os

import h5py
import numpy

from harness import expect, finish, has_openmm, inputs, run_ok, scratch, skip
from restarting import cut_run, expect_same, finished_run
from systems import ROUNDS

PARTICLES = "particles/trajectory/"
OBSERVABLES = ("potential_energy", "temperature", "walker", "rung")
BOTH = ("--set", "output.trajectories=both")
STOP = 20  # a round of the restarts below; the systems keep a frame every 3 rounds

folder = scratch()
has_mdanalysis = importlib.util.find_spec("MDAnalysis") is not None


class Trajectory:
    """One file, whole."""

    def __init__(self, run, kind, number):
        self.path = os.path.join(run, "trajectory", f"{kind}-{number:03d}.h5")
        with h5py.File(self.path) as file:
            self.step, self.time = file[PARTICLES + "position/step"][()], file[PARTICLES + "position/time"][()]
            self.mass = file[PARTICLES + "mass"][()]
            expect(file["parameters/frames_written"][0] == len(self.step), f"{self.path}: {file['parameters/frames_written'][0]} frames written")
            self.values = {name: file[f"observables/{name}/value"][()] for name in OBSERVABLES}
            for name in ("position", "velocity", "box/edges"):
                if name in file[PARTICLES]:
                    self.values[name] = file[PARTICLES + name + "/value"][()]

    def names(self):
        return sorted(self.values)


def trajectories(run, kind, count):
    return [Trajectory(run, kind, number) for number in range(count)]


def same_bits(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def check_order(run, count, what):
    """Frame i of rung k is frame i of the walker that was there, and the other way round."""
    by_rung, by_walker = trajectories(run, "rung", count), trajectories(run, "walker", count)
    moved = 0
    for t in by_rung + by_walker:
        expect(numpy.array_equal(t.step, by_rung[0].step) and t.names() == by_rung[0].names(), f"{t.path}: other frames or other elements")
    for kind, mine, others, name in (("rung", by_rung, by_walker, "walker"), ("walker", by_walker, by_rung, "rung")):
        for number, t in enumerate(mine):
            expect((t.values[kind] == number).all(), f"{t.path}: {kind} {t.values[kind]}")
            moved += len(set(t.values[name])) > 1
            for element in t.names():
                there = numpy.array([others[number_there].values[element][i] for i, number_there in enumerate(t.values[name])])
                expect(same_bits(t.values[element], there), f"{what}: {element} of {t.path} is not that of the {name}s")
    expect(moved > count, f"{what}: nothing moved")
    return by_rung, by_walker


def check_rows(run, by_rung, what):
    """Every frame is of the state that its round's row of run.h5 tells of."""
    with h5py.File(os.path.join(run, "run.h5")) as file:
        rows = by_rung[0].step // file.attrs["steps_per_round"] - 1
        for k, t in enumerate(by_rung):
            expect(same_bits(t.values["potential_energy"], file["energy/value"][()][rows, k]), f"{what}: energies of rung {k}")
            expect(numpy.array_equal(t.values["walker"], file["exchange/walker"][()][rows, k]), f"{what}: walkers of rung {k}")
            expect((t.values["temperature"] == file["ladder/temperature"][k]).all(), f"{what}: temperature of rung {k}")
            expect(numpy.allclose(t.time, t.step * file.attrs["timestep"], rtol=1e-12, atol=0), f"{what}: times of rung {k}")


def check_states(run, by_rung):
    """The double well's energy, label and features from positions and velocities, in the program's double precision but for the frames' single one."""
    with h5py.File(os.path.join(run, "run.h5")) as file:
        energy, label, kinetic, features = (file[name][()] for name in ("energy/value", "temperature/label", "temperature/kinetic", "features/value"))
        accepted = file["exchange/accepted"][()].astype(bool)
    expect(accepted.sum() > 20, f"{accepted.sum()} accepted swaps are no test")
    for k, t in enumerate(by_rung):
        x, v = t.values["position"][:, :, 0].astype(float), t.values["velocity"][:, :, 0].astype(float)
        barrier = 4.0
        expect(numpy.allclose(energy[:, k], (barrier * (x * x - 1)**2).sum(axis=1), rtol=1e-5, atol=1e-5), f"rung {k}: energies are of other positions")
        expect(numpy.array_equal(features[:, k], t.values["position"][:, :, 0]), f"rung {k}: features are of other positions")
        for name, values in (("label", label), ("kinetic temperature", kinetic)):
            expect(numpy.allclose(values[:, k], (t.mass * v * v).mean(axis=1), rtol=1e-5, atol=0), f"rung {k}: the {name} is of other velocities")


def check_mdanalysis(t, topology, molecular):
    """What MDAnalysis makes of a file: in molecular units Angstrom and ps, in reduced ones the numbers themselves."""
    if not has_mdanalysis:
        return
    import MDAnalysis

    scale = 10 if molecular else 1
    if topology:
        universe = MDAnalysis.Universe(topology, t.path, format="H5MD")
    else:
        universe = MDAnalysis.Universe.empty(len(t.mass), trajectory=False)
        universe.load_new(t.path, format="H5MD", convert_units=False)
    expect(universe.atoms.n_atoms == len(t.mass) and len(universe.trajectory) == len(t.step), f"{t.path}: MDAnalysis finds {universe}")
    for i, frame in enumerate(universe.trajectory):
        expect(numpy.allclose(frame.positions, scale * t.values["position"][i], rtol=1e-6, atol=1e-6), f"{t.path}: positions of frame {i}")
        expect(numpy.allclose(frame.velocities, scale * t.values["velocity"][i], rtol=1e-6, atol=1e-6), f"{t.path}: velocities of frame {i}")
        expect(abs(frame.time - t.time[i]) < 1e-9 * t.time[i], f"{t.path}: time of frame {i} is {frame.time}")
        expect(frame.data["step"] == t.step[i], f"{t.path}: step of frame {i} is {frame.data['step']}")
        for name in OBSERVABLES:
            expect(frame.data[name] == t.values[name][i], f"{t.path}: {name} of frame {i} is {frame.data[name]}")
        if "box/edges" in t.values:
            expect(numpy.allclose(frame.triclinic_dimensions, scale * t.values["box/edges"][i], rtol=1e-6, atol=1e-5), f"{t.path}: box of frame {i}")
        else:
            expect(frame.dimensions is None, f"{t.path}: a box in frame {i}: {frame.dimensions}")


def check_molecule():
    """Alanine dipeptide with the PDB file of its input, read for each atom by name too."""
    where = os.path.join(folder, "molecule")
    os.makedirs(where)
    run_ok(6, "run", inputs("alanine-dipeptide.yaml"), "--set", "run.folder=run", "--set", "run.rounds=12", "--set", "exchange.interval=20", "--set",
           "output.trajectory_interval=2", "--set", "output.velocities=true", "--set", "output.report_interval=5", "--set", "training.hold_out=[]", "--set",
           "groups.trainers=2", *BOTH, folder=where)
    run = os.path.join(where, "run")
    by_rung, by_walker = check_order(run, 4, "alanine dipeptide")
    check_rows(run, by_rung, "alanine dipeptide")
    for t in (by_rung[0], by_walker[3]):
        check_mdanalysis(t, inputs("molecules", "adp.pdb"), True)


def check_walkers_over_restarts():
    """Both kinds at once, stopped, gone on with by another number of trainers; then kinds that change at a restart."""
    whole = os.path.join(folder, "whole")
    ranks = finished_run("lj-fluid", whole, *BOTH, "--set", "output.checkpoint_interval=1", trainers=2)
    by_rung, by_walker = check_order(os.path.join(whole, "run"), ranks - 2, "lj-fluid")
    check_rows(os.path.join(whole, "run"), by_rung, "lj-fluid")
    for t in (by_rung[1], by_walker[0]):
        check_mdanalysis(t, None, False)
    for name, options, trainers in (("again", BOTH, 3), ("walkers", ("--set", "output.trajectories=walker"), 1)):
        copy = os.path.join(folder, name)
        cut_run(whole, copy, STOP)
        run_ok(ranks - 2 + trainers, "run", "input.yaml", "--restart", *options, "--set", f"groups.trainers={trainers}", "--set",
               "output.checkpoint_interval=1", folder=copy)
        if name == "again":
            expect_same(whole, copy, "both kinds over a restart", ("/@parameters",))
            continue
        for number in range(ranks - 2):
            rung, walker = Trajectory(os.path.join(copy, "run"), "rung", number), Trajectory(os.path.join(copy, "run"), "walker", number)
            expect(len(rung.step) == STOP // 3, f"walkers alone since round {STOP}: {len(rung.step)} frames of rung {number}")
            for element in rung.names():
                expect(same_bits(rung.values[element], by_rung[number].values[element][:STOP // 3]), f"{rung.path}: {element}")
                expect(same_bits(walker.values[element], by_walker[number].values[element]), f"{walker.path}: {element}")


def check_every_round():
    where = os.path.join(folder, "double-well")
    finished_run("double-well", where, *BOTH, "--set", "output.trajectory_interval=1", trainers=3)
    by_rung, _ = check_order(os.path.join(where, "run"), 4, "double well")
    expect(len(by_rung[0].step) == ROUNDS, f"{len(by_rung[0].step)} frames")
    check_rows(os.path.join(where, "run"), by_rung, "double well")
    check_states(os.path.join(where, "run"), by_rung)


check_every_round()
check_walkers_over_restarts()
if has_openmm():
    check_molecule()
finish(None if has_mdanalysis else "MDAnalysis is not installed")
