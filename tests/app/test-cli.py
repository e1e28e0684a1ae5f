"""Help, version, example and plan: what they say, that they make no file, and that the shipped pages are those the program writes."""

import os
import re
import subprocess

from harness import *

SECTIONS = ["run", "groups", "engine", "ladder", "exchange", "features", "stream", "network", "diffusion", "training", "output",
            "evaluation"]

folder = scratch()


def ask(*arguments):
    """The answer, which must come without an error and without a file."""
    result = tempera(0, *arguments, folder=folder, timeout=60)
    expect(result.status == 0 and not result.err, f"tempera {' '.join(arguments)}: {result}")
    return result.out


def check_help():
    text = ask("--help")
    for part in ["tempera run", "tempera generate", "tempera info", "--check", "--restart", "--reseed-rung", "--verify-restart", "--set", "--max-hours", "--temperature",
                 "--output", "--samples", "--seed", "--sampler", "--steps", "SIGUSR1", "Exit status"]:
        expect(part in text, f"--help says nothing of {part}")
    for section in SECTIONS:
        expect(f"\n{section}." in text, f"--help has no parameter of section {section}")
    part = ask("--help", "ladder")
    keys = re.findall(r"^([a-z_.]+): ", part, re.M)
    expect(keys and all("ladder" in key for key in keys), f"--help ladder tells of {keys}")
    expect("ladder.temperatures" in keys and "ladder.num_rungs" in keys, f"--help ladder tells of {keys} only")
    expect("no parameter" in ask("--help", "nonsense"), "--help nonsense finds something")


def check_version():
    text = ask("--version")
    expect(re.match(r"tempera \d+\.\d+\.\d+ \(\S+\)\n", text), f"--version begins with no version and revision: {text}")
    for part in ["compiler", "MPI", "PETSc", "HDF5", "libyaml", "BLAS", "kernels", "engines"]:
        expect(re.search(rf"^{part} +\S*\S.*\d" if part not in ("kernels", "engines") else rf"^{part} +\S", text, re.M),
               f"--version does not say which {part}: {text}")


def check_kernels():
    """TEMPERA_KERNELS takes the kernels of another instruction set; on all ranks alike it is refused."""
    result = tempera(0, "--version", folder=folder, environment={"TEMPERA_KERNELS": "baseline"})
    expect(result.status == 0 and re.search("^kernels +baseline$", result.out, re.M), f"baseline is not taken: {result}")
    result = tempera(2, "--version", folder=folder, environment={"TEMPERA_KERNELS": "fast"}, timeout=60)
    expect(result.status == 2 and len(result.errors()) == 1 and "'fast'; allowed: " in result.errors()[0], f"kernels 'fast': {result}")


def closed_pipe():
    """`tempera --help | head -1` is no crash."""
    process = subprocess.Popen(command_line(0, "--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
    process.stdout.close()
    err = process.stderr.read().decode()
    process.wait(timeout=60)
    expect("PETSC ERROR" not in err and "MPI_ABORT" not in err, f"a closed pipe makes a crash report: {err[:500]}")


def shipped_pages():
    """If one of these fails: tempera --example > input/parameters.yaml, and tempera --reference below the first heading of the page."""
    with open(inputs("parameters.yaml")) as file:
        expect(file.read() == ask("--example"), "input/parameters.yaml is not what tempera --example writes")
    with open(os.path.join(SOURCE, "doc", "user", "parameters.md")) as file:
        page = file.read()
    reference = ask("--reference")
    expect(page.startswith("# ") and page.endswith("\n\n" + reference), "doc/user/parameters.md does not end with what tempera --reference writes")
    for section in SECTIONS:
        expect(f"## {section}\n" in reference, f"the reference has no section {section}")


def example():
    """The example is an input once the required values are there, and what it says is what is the default anyway."""
    text = ask("--example")
    required = re.findall(r"^ *(\w+): # required$", text, re.M)
    expect(required == ["rounds", "kind", "timestep"], f"required are {required}")
    for key, value in {"rounds": "10", "kind": "model", "timestep": "0.01"}.items():
        text = text.replace(f"{key}: # required", f"{key}: {value}")
    with open(os.path.join(folder, "x.yaml"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "short.yaml"), "w") as file:
        file.write("run: {rounds: 10, folder: runs/x}\nengine: {kind: model, timestep: 0.01}\n")
    ladder = ["--set", "ladder.temperatures=[1, 2]"]
    plan = ask("run", "x.yaml", "--check", *ladder)
    expect(plan == ask("run", "short.yaml", "--check", *ladder), "the example's values are not the defaults")
    expect("mpirun -n 3 " in plan, f"the plan names no number of ranks: {plan}")


def plan():
    """The plan of a shipped input: ranks, temperatures, what is held out, sizes."""
    text = ask("run", inputs("double-well.yaml"), "--check")
    for part in ["mpirun -n 5 ", "replica of rung 3", "1 trainer, 4 shards", "memory", "disk", "20000 rounds of 50 steps", "the input is fine"]:
        expect(part in text, f"the plan says nothing of '{part}': {text}")
    rungs = re.findall(r"replica of rung (\d+) +([\d.]+)[^\n]*?(\(held out of training\))?\n", text)
    expect([(rung, bool(held)) for rung, _, held in rungs] == [("0", False), ("1", True), ("2", False), ("3", False)], f"rungs: {rungs}")
    expect([float(t) for _, t, _ in rungs] == [1, 1.33333, 2, 4], f"rungs: {rungs}")
    wider = ask("run", inputs("double-well.yaml"), "--check", "--set", "groups.trainers=2", "--set", "ladder.temperatures=[1, 2]",
                "--set", "training.hold_out=[]")
    expect("mpirun -n 4 " in wider and "2 trainers" in wider and "held out" not in wider, f"the plan does not follow --set: {wider}")


check_help()
check_version()
check_kernels()
closed_pipe()
shipped_pages()
example()
plan()
expect(sorted(os.listdir(folder)) == ["short.yaml", "x.yaml"], f"files were made: {os.listdir(folder)}")
finish()
