"""tempera generate --likelihood, --guidance and --sampler: densities that integrate to one, the same on any ranks, extrapolation, and what is refused.

A model of two correlated coordinates is trained for a few seconds, and one of the asymmetric double well.
"""

import os

import h5py
import numpy as np

from harness import *

TEMPERATURES = (1.0, 1.5, 2.0, 3.0)

INPUT = """run: {folder: run, seed: 5}
data: {files: [data.npy], units: reduced, temperature_column: 2}
network: {width: 32, depth: 2, embedding: 16}
diffusion: {predict: velocity}
training: {steps: 2000, batch: 128, learning_rate: 3e-3, rate_schedule: cosine, decay_steps: 2000, ema_decay: 0.99}
output: {checkpoint_interval: 2000}
"""

WELL = """run: {folder: well, seed: 2}
data: {files: [well.npy], units: reduced, temperature_column: 1}
network: {width: 64, depth: 2, embedding: 32}
diffusion: {predict: velocity}
training: {steps: 8000, batch: 256, learning_rate: 2e-3, rate_schedule: cosine, decay_steps: 8000, ema_decay: 0.995}
output: {checkpoint_interval: 8000}
"""

folder = scratch()


def path(*names):
    return os.path.join(folder, *names)


def write_data():
    """Ridges that bend: x normal, y around x^2, both wider where it is hotter; and the double well by the inverse of its cumulative distribution."""
    random = np.random.default_rng(4)
    parts = []
    for t in TEMPERATURES:
        x = random.normal(0, t**0.5, 5000)
        parts.append(np.column_stack([x, 3 + 0.5 * x**2 + random.normal(0, 0.5 * t**0.5, 5000), np.full(5000, t)]))
    np.save(path("data.npy"), np.concatenate(parts).astype("float32"))
    wells = [np.column_stack([well_samples(b, 20000, random), np.full(20000, 1 / b)]) for b in (0.25, 0.5, 0.75, 1.0)]
    np.save(path("well.npy"), np.concatenate(wells).astype("float32"))


GRID = np.linspace(-3, 3, 60001)


def well_density(beta):
    p = np.exp(-beta * (4 * (GRID**2 - 1)**2 + GRID / 2))
    return p / p.sum()


def well_samples(beta, count, random):
    return np.interp(random.random(count), np.cumsum(well_density(beta)), GRID)


def divergence(x, beta):
    """Jensen-Shannon, to the well's exact distribution."""
    edges = np.linspace(-1.8, 1.8, 37)
    exact = np.histogram(GRID, edges, weights=well_density(beta))[0]
    p = np.histogram(np.clip(x, -1.799, 1.799), edges)[0] / len(x)
    m = (p + exact) / 2
    return sum((q[q > 0] * np.log(q[q > 0] / m[q > 0])).sum() / 2 for q in (p, exact))


def generate(model, output, *options, ranks=0):
    """The file's datasets and what was said."""
    result = run_ok(ranks, "generate", model, "--output", output, *options, folder=folder)
    with h5py.File(path(output)) as file:
        return {name: file[name][:] for name in ("samples", "log_density", "log_density_error") if name in file}, result.out + result.err


def normalisation():
    """p of a trained model sums up to one over a grid; scaling and guidance are accounted for."""
    low, high, cells = np.array([-5.0, -1.5]), np.array([5.0, 12.5]), 36
    middles = [l + (h - l) * (np.arange(cells) + 0.5) / cells for l, h in zip(low, high)]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, 2)
    np.save(path("grid.npy"), grid.astype("float32"))
    found, _ = generate("run/model.h5", "grid.h5", "--temperature", "1.5", "--likelihood", "--given", "grid.npy", "--tolerance", "1e-4", ranks=2)
    total = np.exp(found["log_density"][0]).sum() * np.prod((high - low) / cells)
    expect(abs(total - 1) < 0.01, f"the density of a trained model sums up to {total}")
    # the encoded features are scaled: the density differs by a constant
    # steps so small that the errors by probes are the larger ones
    few = ["--temperature", "1.5,2", "--given", "few.npy", "--tolerance", "1e-6"]
    np.save(path("few.npy"), grid[cells * cells // 2:][:9].astype("float32"))
    raw, _ = generate("run/model.h5", "raw.h5", *few, "--likelihood")
    encoded, _ = generate("run/model.h5", "encoded.h5", *few, "--likelihood=encoded")
    again, _ = generate("run/model.h5", "again.h5", *few, "--likelihood", ranks=2)
    with h5py.File(path("run/model.h5")) as file:
        volume = np.log(file["encoding/scale"][:]).sum()
    expect(np.allclose(encoded["log_density"] - raw["log_density"], volume, atol=1e-9), "raw and encoded differ by something else than the scaling")
    expect(np.array_equal(raw["log_density"], again["log_density"]), "log p depends on the number of ranks")
    probed, _ = generate("run/model.h5", "probed.h5", *few, "--likelihood", "--probes", "32")
    off = (probed["log_density"] - raw["log_density"]) / np.hypot(probed["log_density_error"], 1e-3)  # the steps' errors, in single precision
    # 18 numbers with errors from 32 vectors: the mean square is above 3 in one of 1e5 cases
    expect((probed["log_density_error"] > 0).all() and (off**2).mean() < 3, f"Hutchinson's estimate is off by {off} of its errors")


def extrapolation():
    """P(x > 0) of the asymmetric double well at beta = 1.5 and 2, learned up to 1: by guidance in beta, within 0.03 of quadrature."""
    options = ["--temperature", "0.66666667,0.5", "--samples", 20000, "--sampler", "dpmpp", "--steps", 40]
    guided, said = generate("well/model.h5", "guided.h5", *options, "--guidance", "1,1.3333333333")
    expect("0.5 is outside" in said and "by 100 %" in said, f"no warning of extrapolation: {said}")
    plain, _ = generate("well/model.h5", "plain.h5", *options)
    _, said = generate("well/model.h5", "default.h5", "--temperature", 0.5, "--samples", 10, "--guidance", "1,2")
    expect("dpmpp, 50 steps" in said, f"noise with guidance: {said}")
    for k, beta in enumerate((1.5, 2.0)):
        exact = well_density(beta)[GRID > 0].sum()
        found = (guided["samples"][k] > 0).mean()
        expect(abs(found - exact) < 0.03, f"P(x>0) at beta {beta} by guidance: {found}, exact {exact}")
    # a network may have P right by chance; the wells are too wide then, as they are at the temperatures that it knows
    with_it, without = (divergence(found["samples"][1, :, 0], 2.0) for found in (guided, plain))
    expect(with_it < 0.6 * without, f"JS at beta 2 by guidance {with_it}, without {without}")


def samplers():
    """At a temperature that was learned, against exact samples: with 20 evaluations dpmpp is as good as ddpm with 1000; ode does not depend on ranks."""

    def quality(kind, steps):
        options = ["--temperature", 1, "--samples", 20000, "--sampler", kind, "--steps", steps]
        return divergence(generate("well/model.h5", f"{kind}.h5", *options, ranks=2)[0]["samples"][0, :, 0], 1.0)

    ddpm, ddim, dpmpp = quality("ddpm", 1000), quality("ddim", 20), quality("dpmpp", 20)
    # the floor of exact samples is 35 / (8 20000) = 2.2e-4 with a spread of 5e-5; 4 of the difference's, and 2e-4 for what a network's own errors make
    expect(dpmpp < ddpm + 5e-4, f"JS of dpmpp with 20 steps {dpmpp}, of ddpm {ddpm}")
    expect(dpmpp < 0.2 * ddim, f"JS of dpmpp with 20 steps {dpmpp}, of ddim {ddim}")
    ode = [generate("well/model.h5", f"ode{n}.h5", "--temperature", "1", "--samples", 5000, "--sampler", "ode", ranks=n)[0]["samples"] for n in (0, 2, 3)]
    expect(np.array_equal(ode[0], ode[1]) and np.array_equal(ode[0], ode[2]), "samples of ode depend on the number of ranks")


def refusals():
    one = ["generate", "run/model.h5", "--temperature", "2", "--output", "new.h5"]
    np.save(path("wide.npy"), np.zeros((4, 3), "float32"))
    np.save(path("nan.npy"), np.full((4, 2), np.nan, "float32"))
    for what, options, fragments in [
            ("steps of ddpm", ["--sampler", "ddpm", "--steps", "20"], ["--steps: ddpm takes each of the 1000"]),
            ("steps of ode", ["--sampler", "ode", "--steps", "20"], ["--steps: ode chooses"]),
            ("tolerance of ddim", ["--tolerance", "1e-3"], ["--tolerance: belongs to"]),
            ("tolerance 0", ["--tolerance", "0", "--sampler", "ode"], ["--tolerance: '0' is out of range"]),
            ("one guide", ["--guidance", "1"], ["--guidance: '1' is not two different"]),
            ("the same guide", ["--guidance", "1,1"], ["--guidance: '1,1' is not two different"]),
            ("negative guide", ["--guidance", "1,-2"], ["--guidance: '-2' is not positive"]),
            ("unknown way", ["--guidance", "1,2,gamma"], ["--guidance: 'gamma' is unknown"]),
            ("likelihood of what", ["--likelihood=half"], ["--likelihood: 'half' is unknown"]),
            ("probes alone", ["--probes", "4"], ["belong to --likelihood"]),
            ("one probe", ["--likelihood", "--probes", "1"], ["--probes: '1'", "at least 2"]),
            ("given and samples", ["--likelihood", "--given", "few.npy", "--samples", "3"], ["--given"]),
            ("given of another width", ["--likelihood", "--given", "wide.npy"], ["wide.npy", "3 features, the model has 2"]),
            ("given NaN", ["--likelihood", "--given", "nan.npy"], ["nan.npy: sample 0 is not a number"]),
            ("given nothing", ["--likelihood", "--given", "none.npy"], ["none.npy"])]:
        result = tempera(0, *one, *options, folder=folder, timeout=60)
        lines = result.errors()
        expect(result.status == 2 and len(lines) == 1 and all(f in lines[0] for f in fragments), f"{what}: {result}")
        expect(not os.path.exists(path("new.h5")), f"{what}: left a file")


write_data()
for name, text in (("run", INPUT), ("well", WELL)):
    with open(path(f"{name}.yaml"), "w") as file:
        file.write(text)
    run_ok(2, "train", f"{name}.yaml", folder=folder)
normalisation()
extrapolation()
samplers()
refusals()
finish()
