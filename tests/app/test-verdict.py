"""tempera analyze: the verdict on samples whose quality is known, and on energies that the engine relaxes.

The run's rows are replaced by independent exact samples: 4000 rounds at T = 1, 4/3 (held out), 2 and 4. Held against them at T = 4/3 are 2000 samples of
the asymmetric double well (wells of width 0.2 at -1 and 1), the energies of 1000 of them: exact ones; all shifted by 0.15; wells 0.8 times as wide; the right
well, 34 % of the samples, missing. A check of the features calls exact samples worse with a probability of 1 %, one of the energies with 0.5 %; seeds are fixed.

Relaxing brings the energies of shifted and of narrow samples back, as long as it is long enough, and leaves those of a missing well as they are.

Labels: a model that has learned a fluctuating label perfectly generates a mixture of the rungs it has seen, 1, 2 and 4. It agrees with that mixture and not
with the pure temperature, and exact samples of the pure temperature are the other way round.
"""

import os
import shutil

import h5py
import numpy as np

from harness import analyze, expect, finish, inputs, run_ok, scratch, tempera

RUNGS = (1, 4 / 3, 2, 4)
T = RUNGS[1]
SEEN = (1, 2, 4)
ROUNDS, SAMPLES, RELAXED = 4000, 2000, 1000
AGREES, WORSE = "agrees", "worse than noise"
MBAR, DIRECT, MIXTURE = "MBAR", "direct MD", "mixture of the label"

FOLDER = scratch()
RANDOM = np.random.default_rng(11)


def energy(x):
    return 4 * (x * x - 1) ** 2 + 0.5 * x


def exact(t, count):
    """Independent samples of the asymmetric double well, by its cumulative distribution."""
    x = np.linspace(-3, 3, 200001)
    density = np.exp(-energy(x) / t)
    return np.interp(RANDOM.random(count), np.cumsum(density) / density.sum(), x)


def make_run(name, draw, energy_of, *options):
    """A run with a model, whose rows are exchanged for independent samples draw(T, count) [count, coordinates]; the first one is the feature."""
    run_ok(5, "run", inputs("double-well.yaml"), "--set", f"run.rounds={ROUNDS}", "--set", f"run.folder={name}", "--set", "exchange.interval=1",
           "--set", "network.width=8", "--set", "network.depth=1", "--set", "training.batch=8", "--set", "evaluation.samples=64",
           *(word for option in options for word in ("--set", option)), folder=FOLDER)
    with h5py.File(f"{FOLDER}/{name}/run.h5", "r+") as file:
        x = np.stack([draw(t, ROUNDS) for t in RUNGS], axis=1)
        file["features/value"][:] = x[:, :, :1]
        file["energy/value"][:] = energy_of(x)


def judge(run, *options, temperatures=(T,), ranks=0):
    """What tempera analyze says of the model."""
    return analyze(FOLDER, "--output", "out", "--set", f"analysis.temperatures={list(temperatures)}",
                   "--set", f"analysis.relaxation.samples={RELAXED}", *options, ranks=ranks, run=run)["model"]


def given(run, x, *options, ranks=0):
    np.save(f"{FOLDER}/given.npy", x.reshape(-1, 1).astype("float32"))
    return judge(run, "--given", "given.npy", *options, ranks=ranks)


def steps(number):
    return ["--set", f"analysis.relaxation.steps={number}"]


def expect_features(what, found, **wanted):
    verdicts = {check["reference"]: check["verdict"] for check in found["checks"]}
    for name, verdict in wanted.items():
        reference = {"mbar": MBAR, "direct": DIRECT, "mixture": MIXTURE}[name]
        expect(verdicts[reference] == verdict, f"{what}, features against {reference}: {verdicts}")


def expect_energies(what, found, number, verdict, references=(MBAR, DIRECT)):
    checks = [check for check in found["energies"]["checks"] if check["steps"] == number and check["reference"] in references]
    expect(len(checks) == len(references), f"{what}: {len(checks)} checks of energies after {number} steps")
    for check in checks:
        expect(check["verdict"] == verdict, f"{what}, energies after {number} steps against {check['reference']}: {check['verdict']}, p {check['p']}")


# ------------------------------------------------------------------------------------------------------------ planted cases


def planted():
    x = exact(T, SAMPLES)
    well = np.sign(x)

    found = given("kinetic", x, *steps(100))
    expect(found["samples"] == SAMPLES and found["energies"]["samples"] == RELAXED, f"{found['samples']} samples, {found['energies']['samples']} of them relaxed")
    expect_features("exact", found, mbar=AGREES, direct=AGREES, mixture=WORSE)
    expect_energies("exact", found, 0, AGREES)
    expect_energies("exact", found, 100, AGREES)
    expect_energies("exact", found, 0, WORSE, [MIXTURE])
    expect(not [check for check in found["energies"]["checks"] if check["reference"] == MIXTURE and check["steps"]], "relaxed samples against a mixture of temperatures")
    same_on_ranks(x, found)
    means(x, found)

    found = given("kinetic", x + 0.15, *steps(5))
    expect_features("shifted", found, mbar=WORSE, direct=WORSE)
    expect_energies("shifted", found, 0, WORSE)
    expect_energies("shifted", found, 5, WORSE)
    expect_energies("shifted, relaxed long", given("kinetic", x + 0.15, *steps(1000)), 1000, AGREES)

    found = given("kinetic", well + 0.8 * (x - well), *steps(1000))
    expect_features("narrow", found, mbar=WORSE, direct=WORSE)
    expect_energies("narrow", found, 0, WORSE)
    expect_energies("narrow, relaxed long", found, 1000, AGREES)

    found = given("kinetic", -np.abs(x[x < 0]), *steps(100))
    expect_features("a well is missing", found, mbar=WORSE, direct=WORSE)
    expect_energies("a well is missing", found, 0, WORSE)
    expect_energies("a well is missing", found, 100, WORSE)


def means(x, found):
    """Of the samples 0, 2, 4, ... that were relaxed, and of the reference: U at T by quadrature, within 4 standard errors."""
    nodes = np.linspace(-3, 3, 200001)
    density = np.exp(-energy(nodes) / T)
    average = np.average(energy(nodes), weights=density)
    deviation = np.sqrt(np.average((energy(nodes) - average) ** 2, weights=density))
    check = found["energies"]["checks"][0]
    u = energy(x.astype("float32").astype(float))[:: SAMPLES // RELAXED]
    expect(abs(check["mean_of_model"] - u.mean()) < 1e-9, f"mean energy of the samples {check['mean_of_model']}, is {u.mean()}")
    expect(abs(check["mean_of_reference"] - average) < 4 * deviation / ROUNDS**0.5, f"mean energy by MBAR {check['mean_of_reference']}, exact {average}")


def same_on_ranks(x, found):
    """The engine's noise is that of the sample, whichever rank moves it."""
    parallel = given("kinetic", x, *steps(100), ranks=3)
    for one, three in zip(found["energies"]["checks"], parallel["energies"]["checks"]):
        for name in ("mean_of_model", "mean_of_reference"):
            expect(abs(one[name] - three[name]) < 1e-9, f"3 ranks: {name} {three[name]}, one rank {one[name]}")
        expect(one["divergence"]["model"] == three["divergence"]["model"] or np.allclose(one["divergence"]["model"], three["divergence"]["model"], atol=1e-12),
               "3 ranks: another distribution of energies")
        expect(one["verdict"] == three["verdict"], "the verdict on energies depends on the ranks")


# ------------------------------------------------------------------------------------------------------------------- labels


def kinetic():
    """One degree of freedom: the density of the label T' at a rung is that of a squared normal number, T^-1/2 exp(-T' / (2 T))."""
    weights = np.array([t**-0.5 * np.exp(-T / (2 * t)) for t in SEEN])
    counts = RANDOM.multinomial(SAMPLES, weights / weights.sum())
    x = np.concatenate([exact(t, count) for t, count in zip(SEEN, counts)])
    found = given("kinetic", RANDOM.permutation(x))
    expect_features("kinetic label, its mixture", found, mbar=WORSE, direct=WORSE, mixture=AGREES)
    expect_energies("kinetic label, its mixture", found, 0, AGREES, [MIXTURE])
    expect_energies("kinetic label, its mixture", found, 0, WORSE)


def jitter():
    """A label that is spread by 0.1 reaches 4/3, which was held out, from 1 alone: what is learned there is the distribution at T = 1."""
    make_run("jitter", gauss, lambda x: 0.5 * (x**2).sum(axis=2), "features.label=jitter", "features.jitter=0.1", "engine.model.potential=harmonic",
             "engine.model.dimension=2", "engine.model.barrier=1", "features.coordinates=[0]")
    found = given("jitter", gauss(1, SAMPLES)[:, 0])
    expect_features("jittered label, its mixture", found, mbar=WORSE, direct=WORSE, mixture=AGREES)
    expect_features("jittered label, the temperature", given("jitter", gauss(T, SAMPLES)[:, 0]), mbar=AGREES, direct=AGREES, mixture=WORSE)
    # the second coordinate is no feature
    expect(found["energies"] == {"not_compared": "features do not give back a configuration"}, f"one coordinate of two: {found['energies'].keys()}")


def gauss(t, count):
    return RANDOM.normal(0, t**0.5, (count, 2))


# --------------------------------------------------------------------------------------------------------- where samples are from


def of_the_model():
    """A file of tempera generate is judged as what analyze generates itself: the same samples."""
    temperatures = (T, 2)
    run_ok(0, "generate", "kinetic/model.h5", "--temperature", ",".join(map(repr, temperatures)), "--samples", "700", "--output", "samples.h5", folder=FOLDER)
    own = judge("kinetic", "--set", "analysis.samples=700", temperatures=temperatures)
    from_file = judge("kinetic", "--given", "samples.h5", temperatures=[])
    expect(own.pop("source") == "kinetic/model.h5" and from_file.pop("source") == "samples.h5", "where samples are from")
    expect(len(own.pop("conservativeness")) > 0, "the model's score is not measured")  # of samples in a file there is none
    expect(own == from_file, "the model's samples in a file have another verdict")


def other_energies():
    """Energies that are not this engine's are not compared."""
    shutil.copytree(f"{FOLDER}/kinetic", f"{FOLDER}/other")
    with h5py.File(f"{FOLDER}/other/run.h5", "r+") as file:
        file["energy/value"][:] += 1
    found = given("other", exact(T, SAMPLES))
    expect("other than theirs, by up to 1 k_B T" in found["energies"].get("not_compared", ""), f"energies of another system: {found['energies']}")


def refused(line, *arguments):
    result = tempera(0, "analyze", "kinetic", "--output", "refused", *arguments, folder=FOLDER)
    errors = result.errors()
    expect(result.status == 2 and len(errors) == 1 and line in errors[0], f"{arguments}: {result}")
    expect(not os.path.exists(f"{FOLDER}/refused/analysis.json"), f"{arguments}: an analysis was written")


def mistakes():
    refused("samples of one temperature; analysis.temperatures has 2", "--given", "given.npy", "--set", "analysis.temperatures=[1, 2]")
    refused("no samples at 3", "--given", "samples.h5", "--set", "analysis.temperatures=[3]")
    np.save(f"{FOLDER}/wide.npy", np.zeros((100, 2), "float32"))
    refused("its samples have 2 features, the run has 1", "--given", "wide.npy")


make_run("kinetic", lambda t, count: exact(t, count)[:, None], lambda x: energy(x[:, :, 0]), "features.label=kinetic")
planted()
kinetic()
of_the_model()
other_energies()
mistakes()
jitter()
finish()
