"""A pilot advises the ladder that theory has for harmonic oscillators: equal ratios of temperatures, no more rungs than the target needs, and it says so where
its own rungs were too few to tell.
"""

import os
import re

import numpy as np

from harness import expect, finish, run_ok, scratch

LOW, HIGH, TARGET = 1.0, 6.0, 0.4

INPUT = """
run: {{folder: run, rounds: 100, seed: 9}}
engine: {{kind: model, timestep: 0.1, friction: 2, model: {{potential: harmonic, dimension: {dimension}, barrier: 1}}}}
ladder: {{minimum: {low}, maximum: {high}, tune_rounds: {rounds}, target_acceptance: {target}}}
exchange: {{interval: 30}}
training: {{hold_out: [2]}}
"""

folder = scratch()


def pilot(ranks, dimension, rounds):
    with open(os.path.join(folder, "input.yaml"), "w") as file:
        file.write(INPUT.format(dimension=dimension, rounds=rounds, low=LOW, high=HIGH, target=TARGET))
    out = run_ok(ranks, "run", "input.yaml", "--pilot", folder=folder).out
    expect(os.listdir(folder) == ["input.yaml"], f"a pilot makes no file: {os.listdir(folder)}")
    lines = out.splitlines()
    fragment = [line for line in lines if not line.startswith("#")]
    expect(len(fragment) == 2 and fragment[0] == "ladder:" and re.fullmatch(r"  temperatures: \[.*\]", fragment[1]),
           f"not a piece of YAML with comments: {out}")
    return out, fragment, np.array([float(word) for word in fragment[1].split("[")[1].strip("]").split(",")])


def acceptance(ratio, dimension, samples=400000):
    """Of neighbours whose temperatures have this ratio; the energies are Gamma-distributed. Known to 0.001."""
    random = np.random.default_rng(5)
    cold, hot = random.gamma(dimension / 2, 1, samples), random.gamma(dimension / 2, ratio, samples)
    return np.minimum(1, np.exp((1 - 1 / ratio) * (cold - hot))).mean()


# 8 rungs over a path that takes 5 for this target; the last stage tells the rejections to 0.015.
out, fragment, temperature = pilot(8, 24, 3000)
number = len(temperature)
even = acceptance((HIGH / LOW)**(1 / (number - 1)), 24)
expect(temperature[0] == LOW and temperature[-1] == HIGH, f"the ends are not those of the input: {temperature}")
expect(even >= TARGET and acceptance((HIGH / LOW)**(1 / (number - 2)), 24) < TARGET, f"{number} rungs, of which neighbours accept {even:.3f}")
ratio = temperature[1:] / temperature[:-1]
expect(np.all(np.abs(np.log(ratio) / np.log(HIGH / LOW) * (number - 1) - 1) < 0.1), f"ratios {ratio} are not equal within 10 %")
promised = float(re.search(r"which accept ([\d.]+)", out).group(1))
expect(abs(promised - even) < 0.03, f"promised {promised}, exact {even:.3f}")
expect("TOO FEW" not in out and "fewer rungs" not in out, f"8 rungs were enough: {out}")
for part in ("communication barrier: ", "+-", "most round trips per processor time: ", "predicted round trips under deo: ", f"mpirun -n {number + 1} "):
    expect(part in out, f"the pilot does not tell of '{part}': {out}")

# What it prints is an input's ladder.
text = open(os.path.join(folder, "input.yaml")).read()
text = re.sub(r"ladder: .*\n", "\n".join(fragment) + "\n", text).replace("training: {hold_out: [2]}\n", "")
with open(os.path.join(folder, "input.yaml"), "w") as file:
    file.write(text)
expect(f"start with: mpirun -n {number + 1} " in run_ok(0, "run", "input.yaml", "--check", folder=folder).out, "the ladder is not one of an input")

# Two rungs a world apart never swap: the barrier is a lower bound, and that is said.
out, _, _ = pilot(2, 240, 500)
expect("TOO FEW RUNGS" in out and "lower bound" in out, f"2 rungs were too few: {out}")
expect("fewer rungs than that" in out, f"2 rungs tell nothing of the places between: {out}")
finish()
