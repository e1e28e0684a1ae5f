"""network.precision: bf16: restarts bit for bit, samples the same on any ranks and near those of single precision; refused where the processor can't."""

import os

import h5py
import numpy as np

from compare import differences
from harness import expect, finish, inputs, run_ok, scratch, tempera
from restarting import cut_run, expect_same, finished_run

FOLDER = scratch()
ROUNDED = ("--set", "network.precision=bf16", "--set", "network.width=64")
REFERENCE = os.path.join(FOLDER, "reference")


def can_round():
    """As Linux tells: the tiles' registers, and rounding."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = {word for line in file if line.startswith("flags") for word in line.split()}
    return {"amx_tile", "amx_bf16", "avx512_bf16"} <= flags


def generate(name, *options, ranks=0):
    run_ok(ranks, "generate", os.path.join(REFERENCE, "run", "model.h5"), "--temperature", "1", "--samples", "500", "--seed", "3", "--steps", "10",
           "--output", name, *options, folder=FOLDER)
    with h5py.File(os.path.join(FOLDER, name)) as file:
        return file["samples"][0].astype(float)


def works():
    ranks = finished_run("double-well", REFERENCE, *ROUNDED)
    where = os.path.join(FOLDER, "cut")
    cut_run(REFERENCE, where, 20)
    run_ok(ranks, "run", "input.yaml", "--restart", *ROUNDED, folder=where)
    expect_same(REFERENCE, where, "a restart in bf16")
    single, rounded = generate("single.h5"), generate("rounded.h5", "--precision", "bf16")
    generate("three.h5", "--precision", "bf16", ranks=3)
    found = differences(os.path.join(FOLDER, "rounded.h5"), os.path.join(FOLDER, "three.h5"))
    expect(not found, f"three ranks in bf16: {found[:3]}")
    for option in ("--likelihood=encoded",), ("--sampler", "ode"):
        result = tempera(0, "generate", os.path.join(REFERENCE, "run", "model.h5"), "--temperature", "1", "--output", "no.h5", "--precision", "bf16",
                         *option, folder=FOLDER)
        expect(result.status == 2 and "--precision: bf16 is too coarse" in result.err, f"{option}: {result}")
    difference = np.sqrt(np.mean((rounded - single) ** 2)) / single.std()
    expect(1e-5 < difference < 0.05, f"samples in bf16 differ from those in single precision by {difference:.2g} of their deviation")


def is_refused():
    for what, result in (("run", tempera(0, "run", inputs("double-well.yaml"), *ROUNDED, "--set", "run.folder=refused", folder=FOLDER)),
                         ("train", tempera(0, "train", inputs("double-well.yaml"), *ROUNDED, "--set", "data.files=[x.h5]", folder=FOLDER))):
        expect(result.status == 2 and "network.precision" in result.err and "allowed here: single" in result.err, f"{what}: {result}")
    expect(not os.path.exists(os.path.join(FOLDER, "refused")), "a run without the instructions for it has begun")


if can_round():
    works()
else:
    is_refused()
for OPTIONS, REASON in ((["network.precision=half"], "allowed single"),
                        (["network.precision=bf16", "diffusion.sampler=ode"], "too coarse for diffusion.sampler: ode")):
    RESULT = tempera(0, "run", inputs("double-well.yaml"), "--check", *(word for option in OPTIONS for word in ("--set", option)), folder=FOLDER)
    expect(RESULT.status == 2 and "network.precision" in RESULT.err and REASON in RESULT.err, f"{OPTIONS}: {RESULT}")
finish()
