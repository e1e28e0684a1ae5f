"""The comparison of two runs sees every kind of difference, down to one bit; equal files have none."""

import os
import shutil

import h5py
import numpy

from compare import differences, metrics_differences, run_differences
from harness import expect, finish, scratch

folder = scratch()


def write_run(name):
    run = os.path.join(folder, name)
    os.makedirs(os.path.join(run, "trajectory"))
    os.makedirs(os.path.join(run, "checkpoints"))
    for path in ("run.h5", "model.h5", "evaluation.h5", "trajectory/rung-000.h5", "checkpoints/round-000000000040.h5"):
        with h5py.File(os.path.join(run, path), "w") as file:
            file["/group/real"] = numpy.array([[0.0, 1.5, numpy.nan], [2.5, 3.5, 4.5]])
            file["/group/single"] = numpy.arange(5, dtype="f4")
            file["/group/count"] = numpy.int32(3)
            file["/again"] = file["/group/count"]
            file.attrs["parameters"] = "run:\n  folder: run\n"
            file["/group/real"].attrs["unit"] = "nm"
    with open(os.path.join(run, "metrics.csv"), "w") as file:
        file.write("round,seconds,optimiser_step,loss,acceptance\n6,0.1,2,0.5,0.25\n12,0.2,4,0.4,0.5\n")
    return run


def one_bit(file):
    values = file["/group/real"][()]
    values[1, 2] = numpy.nextafter(4.5, 5.0)
    file["/group/real"][...] = values


def change_sign_of_zero(file):
    file["/group/real"][0, 0] = -0.0


def lose_nan(file):
    file["/group/real"][0, 2] = 0.0


def change_single(file):
    file["/group/single"][3] = 3.0000002


def change_scalar(file):
    file["/group/count"][()] = 4


def change_type(file):
    del file["/group/single"]
    file["/group/single"] = numpy.arange(5, dtype="f8")


def change_shape(file):
    del file["/group/single"]
    file["/group/single"] = numpy.arange(6, dtype="f4")


def lose_dataset(file):
    del file["/group/single"]


def add_group(file):
    file.create_group("/more")


def change_attribute(file):
    file["/group/real"].attrs["unit"] = "pm"


def lose_attribute(file):
    del file.attrs["parameters"]


CHANGES = {
    one_bit: "/group/real: 1 of 6 values, first [1, 2]",
    change_sign_of_zero: "/group/real: 1 of 6 values, first [0, 0]",
    lose_nan: "/group/real: 1 of 6 values, first [0, 2]",
    change_single: "/group/single: 1 of 5 values, first [3]",
    change_scalar: "/group/count: 1 of 1 values",
    change_type: "/group/single: type",
    change_shape: "/group/single: shape (5,) and (6,)",
    lose_dataset: "/group/single: in one only",
    add_group: "/more: in one only",
    change_attribute: "/group/real@unit",
    lose_attribute: "/@parameters: in one only",
}

reference = write_run("a")
expect(not run_differences(reference, write_run("same")), "equal runs differ")
for path in ("run.h5", "trajectory/rung-000.h5", "checkpoints/round-000000000040.h5", "model.h5", "evaluation.h5"):
    for change, message in CHANGES.items():
        other = os.path.join(folder, "b")
        shutil.copytree(reference, other)
        with h5py.File(os.path.join(other, path), "r+") as file:
            change(file)
        found = run_differences(reference, other)
        expect(any(message in line for line in found), f"{path}, {change.__name__}: {found}")
        expect(all(os.path.basename(path) in line for line in found), f"{path}, {change.__name__}: {found}")
        shutil.rmtree(other)

other = write_run("ignoring")
with h5py.File(os.path.join(other, "run.h5"), "r+") as file:
    change_attribute(file)
    change_single(file)
paths = os.path.join(reference, "run.h5"), os.path.join(other, "run.h5")
expect(len(differences(*paths)) == 2, "two differences")
expect(len(differences(*paths, ignore=("/group/real@unit",))) == 1, "one is ignored")
expect(not differences(*paths, ignore=("/group/real@unit", "/group/single")), "both are ignored")
os.remove(paths[1])
expect(any("missing" in line for line in run_differences(reference, other)), "a missing file")

for number, (text, count) in enumerate((("6,9.9,2,0.5,0.25\n9,0.15,3,0.45,0.4\n12,9.9,4,0.4,0.5\n", 0),
                                        ("6,0.1,2,0.5,0.25\n12,0.2,4,0.4000001,0.5\n", 1), ("6,0.1,2,0.5,0.25\n", 1))):
    other = write_run(f"metrics-{number}")
    with open(os.path.join(other, "metrics.csv"), "w") as file:
        file.write("round,seconds,optimiser_step,loss,acceptance\n" + text)
    found = metrics_differences(reference, other)
    expect(len(found) == count, f"metrics {number}: {found}")

finish()
