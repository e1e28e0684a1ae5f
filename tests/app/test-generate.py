"""tempera generate and tempera info: the same samples on any ranks, what is in their file, and what is refused."""

import os
import shutil

import h5py
import numpy

from harness import *

INPUT = """run: {folder: run, rounds: 60, seed: 5}
engine: {kind: model, timestep: 0.02, model: {potential: double-well, dimension: 2}}
ladder: {temperatures: [1, 2, 4]}
exchange: {interval: 5}
training: {hold_out: [2], batch: 16, scale_rounds: 10}
network: {width: 8, depth: 1, embedding: 4}
diffusion: {times: 50, steps: 5}
output: {report_interval: 20, checkpoint_interval: 30, trajectory_interval: 10}
evaluation: {samples: 300}
"""
SAMPLES = 4500  # more than one pass of one rank, and no multiple of a batch

folder = scratch()
model = "run/model.h5"


def path(name):
    return os.path.join(folder, name)


def generate(ranks, output, temperatures, *options):
    """The samples at each temperature, and what was said."""
    result = run_ok(ranks, "generate", model, "--temperature", temperatures, "--samples", SAMPLES, "--output", output, *options, folder=folder)
    with h5py.File(path(output)) as file:
        return dict(zip(file["temperature"][:], file["samples"][:])), result.out + result.err


def refuse(what, arguments, fragments):
    """Status 2, one line with the fragments, and no file made."""
    before = sorted(os.listdir(folder))
    result = tempera(0, *arguments, folder=folder, timeout=60)
    lines = result.errors()
    expect(result.status == 2 and len(lines) == 1, f"{what}: expected status 2 and one line: {result}")
    for fragment in fragments:
        expect(lines and fragment in lines[0], f"{what}: no '{fragment}' in {lines}")
    expect(before == sorted(os.listdir(folder)), f"{what}: left {sorted(set(os.listdir(folder)) - set(before))}")


def same_samples():
    """The bits of a sample depend on model, seed, temperature and its number: not on ranks, nor on the other temperatures."""
    one, said = generate(0, "one.h5", "1.5,3.25")
    expect("extrapolation" not in said, f"a warning within the range: {said}")
    expect(sorted(one) == [1.5, 3.25] and one[1.5].shape == (SAMPLES, 2), f"samples at {sorted(one)}")
    expect(all(numpy.isfinite(x).all() for x in one.values()), "samples that are not finite")
    for ranks in (2, 3):
        several, _ = generate(ranks, f"ranks{ranks}.h5", "1.5,3.25")
        for t in one:
            expect(numpy.array_equal(one[t], several[t]), f"{ranks} ranks generate other samples at {t} than one")
    other, said = generate(0, "other.h5", "9,3.25")
    expect(numpy.array_equal(one[3.25], other[3.25]), "samples at a temperature depend on the others in the list")
    expect("temperature 9 " in said and "1 to 4" in said and "extrapolation" in said, f"no warning of a temperature outside: {said}")
    expect(not numpy.array_equal(one[1.5], one[3.25]), "the same samples at two temperatures")
    seeded, _ = generate(0, "seed.h5", "1.5", "--seed", "6")
    expect(not (seeded[1.5] == one[1.5]).all(axis=1).any(), "another seed generates some of the same samples")
    again, _ = generate(0, "again.h5", "1.5", "--seed", "5")
    expect(numpy.array_equal(again[1.5], one[1.5]), "the seed is not the run's if none is given")
    slow, _ = generate(0, "ddpm.h5", "1.5", "--sampler", "ddpm")
    steps, _ = generate(0, "steps.h5", "1.5", "--steps", "50")
    expect(not numpy.array_equal(slow[1.5], one[1.5]) and not numpy.array_equal(steps[1.5], one[1.5]), "--sampler or --steps do nothing")
    rows = numpy.unique(one[1.5], axis=0)
    expect(len(rows) > 0.99 * SAMPLES, f"only {len(rows)} different samples of {SAMPLES}")


def contents():
    """Units, names and where it came from."""
    with h5py.File(path("ranks3.h5")) as file, h5py.File(path(model)) as source:
        text = {key: value.decode() if isinstance(value, bytes) else value for key, value in file.attrs.items()}
        expect(text["format"] == "tempera samples" and text["format_version"] == 1, f"header: {text}")
        expect(text["program"].startswith("tempera ") and text["model"] == model, f"provenance: {text}")
        expect(text["seed"] == 5 and text["sampler"] == "sde" and text["num_steps"] == 5, f"settings: {text}")
        expect(file["samples"].shape == (2, SAMPLES, 2) and file["samples"].dtype == numpy.float32, f"samples are {file['samples']}")
        for name in ("features/name", "features/unit", "features/period"):
            expect(numpy.array_equal(file[name][:], source[name][:]), f"{name} is not the model's")

        def described(name, item):
            if isinstance(item, h5py.Dataset) and "description" not in item.attrs and name != "structure":
                expect(False, f"{name} has no description")

        file.visititems(described)


def refusals():
    generate_one = ["generate", model, "--temperature", "2", "--output", "new.h5"]

    def with_(option, value):
        return [*generate_one, option, value]

    for what, arguments, fragments in [
            ("no temperature", ["generate", model, "--output", "new.h5"], ["--temperature is missing"]),
            ("no output", ["generate", model, "--temperature", "2"], ["--output is missing"]),
            ("output that exists", ["generate", model, "--temperature", "2", "--output", "one.h5"], ["one.h5: exists already", "--output"]),
            ("output in no folder", ["generate", model, "--temperature", "2", "--output", "none/new.h5"], ["none/new.h5"]),
            ("temperature 0", with_("--temperature", "0"), ["--temperature: '0' is not positive"]),
            ("negative temperature", with_("--temperature", "2,-1"), ["--temperature: '-1' is not positive"]),
            ("no number", with_("--temperature", "warm"), ["--temperature: ", "warm"]),
            ("NaN", with_("--temperature", "nan"), ["--temperature: ", "nan"]),
            ("infinite", with_("--temperature", "inf"), ["--temperature: ", "inf"]),
            ("kelvin for a reduced model", with_("--temperature", "300 K"), ["--temperature: ", "300 K"]),
            ("wrong dimension", with_("--temperature", "3 fs"), ["--temperature: ", "3 fs"]),
            ("twice the same", with_("--temperature", "2,2.0"), ["--temperature: 2 is given twice"]),
            ("empty list", with_("--temperature", ","), ["--temperature: "]),
            ("unknown sampler", with_("--sampler", "heun"), ["--sampler: 'heun' is unknown", "ddpm, ddim, dpmpp, ode, sde"]),
            ("no steps", with_("--steps", "0"), ["--steps: '0'", "at least 1"]),
            ("too many steps", with_("--steps", "51"), ["--steps: 51 is out of range", "1 to 50"]),
            ("no samples", with_("--samples", "0"), ["--samples: '0'", "at least 1"]),
            ("half a sample", with_("--samples", "1.5"), ["--samples: '1.5'"]),
            ("negative seed", with_("--seed", "-1"), ["--seed: '-1'"]),
            ("option of run", [*generate_one, "--restart"], ["--restart", "tempera run"]),
            ("unknown option", with_("--tempreature", "2"), ["--tempreature: unknown option"])]:
        refuse(what, arguments, fragments)


def damaged_models():
    """What is no whole model of this version is refused by generate, and told by info."""
    with open(path(model), "rb") as file:
        whole = file.read()
    with h5py.File(path(model)) as file:
        weights = file["network/parameters"].id.get_offset()
    flipped = bytearray(whole)
    flipped[weights + 100] ^= 1
    for name, content in {"cut.h5": whole[:len(whole) * 2 // 3], "short.h5": whole[:100], "empty.h5": b"", "text.h5": b"hello\n" * 999,
                          "longer.h5": whole + b"x"}.items():
        with open(path(name), "wb") as file:
            file.write(content)
    with open(path("flipped.h5"), "wb") as file:
        file.write(flipped)
    shutil.copy(path(model), path("version.h5"))
    with h5py.File(path("version.h5"), "r+") as file:
        file.attrs.modify("format_version", 3)
    with h5py.File(path("foreign.h5"), "w") as file:
        file["x"] = 1
    for name, fragments in {"cut.h5": ["is truncated"], "short.h5": [], "empty.h5": ["is empty"], "text.h5": ["not an HDF5 file"],
                            "longer.h5": ["damaged"], "version.h5": [], "foreign.h5": ["not one of Tempera's"], "none.h5": ["No such file"],
                            "run": ["is not a file"], "flipped.h5": ["damaged"]}.items():
        refuse(f"model {name}", ["generate", name, "--temperature", "2", "--output", "new.h5"], [name, *fragments])
        refuse(f"info {name}", ["info", name], [name, *fragments])
    refuse("run.h5 as a model", ["generate", "run/run.h5", "--temperature", "2", "--output", "new.h5"],
           ["run/run.h5", "'tempera run'", "expected 'tempera model'"])
    several = tempera(3, "generate", "flipped.h5", "--temperature", "2", "--output", "new.h5", folder=folder, timeout=60)
    expect(several.status == 2 and len(several.errors()) == 1, f"a damaged model on 3 ranks: {several}")
    expect(not os.path.exists(path("new.h5")), "a damaged model generates")


def information():
    """Each file says what it is and that it is whole."""
    for name, fragments in {
            model: ["tempera model, format version 2", "width 8, depth 1", "temperatures 1 4", "x0", "weights"],
            "run/run.h5": ["tempera run, format version 2", "60 of 60 rounds written, 3 rungs, 2 features"],
            "run/checkpoints/round-000000000060.h5": ["tempera checkpoint, format version 2", "60 rounds done", "3 rungs"],
            "run/evaluation.h5": ["tempera evaluation, format version 1"],
            "run/trajectory/rung-001.h5": ["tempera trajectory, format version 2"],
            "one.h5": ["tempera samples, format version 1", "rounds: 60"]}.items():
        result = run_ok(0, "info", name, folder=folder)
        for fragment in [*fragments, "whole: ", "written by tempera "]:
            expect(fragment in result.out, f"info {name} says nothing of '{fragment}': {result.out}")
        if name.startswith("run/"):
            expect("rounds: 60" in result.out and "seed: 5" in result.out, f"info {name} shows no used parameters: {result.out}")


with open(path("input.yaml"), "w") as file:
    file.write(INPUT)
run_ok(4, "run", "input.yaml", folder=folder)
same_samples()
contents()
refusals()
damaged_models()
information()
finish()
