"""tempera analyze: the model held against the run, the same on any number of ranks, with the mixture that a fluctuating label means; report.html, with and
without a model, of a finished and of a killed run."""

import os
import shutil
import xml.etree.ElementTree

import h5py

from harness import analyze, expect, finish, inputs, run_ok, scratch

SECTIONS = ["run", "model", "surfaces", "thermodynamics", "exchange", "course", "checks"]
TEMPERATURES = [1, 1.3333333333333333, 1.7, 6]


def report(folder, sections):
    """A page that stands alone: well formed, all sections, nothing from elsewhere; its figures' texts."""
    with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
        text = file.read()
    expect(text.startswith("<!DOCTYPE html>"), "report.html: no page")
    page = xml.etree.ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>"))
    found = [section.get("id") for section in page.iter("section")]
    expect(sorted(found) == sorted(sections), f"report.html: sections {found}")
    for word in ("http:", "https:", "src=", "<script", "@import", "nan", "inf\"", "href"):
        expect(word not in text, f"report.html: {word}")
    clips = [clip.get("id") for clip in page.iter("clipPath")]
    expect(len(clips) == len(set(clips)), "report.html: figures share a name")
    return page


def figures(page):
    return [svg.findtext("title") for svg in page.iter("svg") if svg.find("title") is not None]


def with_model(folder):
    run_ok(5, "run", inputs("double-well.yaml"), "--set", "run.rounds=3000", "--set", "run.folder=run", "--set", "features.label=jitter",
           "--set", "features.jitter=0.1", folder=folder)
    options = ["--set", "analysis.temperatures=" + str(TEMPERATURES), "--set", "analysis.surfaces=[x0]", "--set", "analysis.basins.left.x0=[-3, 0]",
               "--set", "analysis.basins.right.x0=[0, 3]", "--set", "analysis.samples=1500"]
    found = analyze(folder, *options)["model"]
    expect(found["samples"] == 1500, "samples of the model")
    kinds = [(round(check["temperature"], 3), check["reference"]) for check in found["checks"]]
    expected = [(round(t, 3), kind) for t in TEMPERATURES for kind in ("MBAR", "direct MD", "mixture of the label") if kind != "direct MD" or t == TEMPERATURES[1]]
    expect(kinds == expected, f"checks {kinds}")
    for check in found["checks"]:
        beyond = check["temperature"] == 6 and check["reference"] == "MBAR"
        worse = check["p"] < found["alarm"]
        expect(check["verdict"] == ("outside what the ladder supports" if beyond else "worse than noise" if worse else "agrees"), f"verdict {check['verdict']}")
        for divergence in check["divergences"]:
            for which in ("reference", "model"):
                expect(abs(sum(divergence[which]) - 1) < 1e-9, f"a distribution of the {which} sums to {sum(divergence[which])}")
    expect(all(time["asymmetry"] == 0 for time in found["conservativeness"]), f"a field in one dimension is a gradient: {found['conservativeness']}")
    page = report(os.path.join(folder, "run"), SECTIONS + ["basins"])
    titles = figures(page)
    for title in ["T = 1", "T = 6", "Heat capacity, configurational", "Walkers on the ladder", "Potential energies of the rungs", "Where time goes"]:
        expect(title in titles, f"no figure '{title}' in {titles}")
    parallel = analyze(folder, *options, "--output", "out", ranks=3)["model"]
    for one, three in zip(found["checks"], parallel["checks"]):
        for a, b in zip(one["energy_distances"] + one["divergences"], three["energy_distances"] + three["divergences"]):
            expect(abs(a["value"] - b["value"]) <= 1e-6 * a["value"] + 1e-12, f"on 3 ranks {b['value']}, on one {a['value']}")
        expect(one["verdict"] == three["verdict"], "the verdict depends on the ranks")
    none = analyze(folder, *options[:-1], "analysis.samples=0")
    expect("model" not in none, "a model that was not asked for")


def conservativeness(folder):
    """A network's score in two dimensions, with the temperature as a third, is nearly a gradient and not quite; the same on any number of ranks."""
    run_ok(3, "run", inputs("double-well.yaml"), "--set", "engine.model.potential=mueller-brown", "--set", "run.rounds=600", "--set", "run.folder=joint",
           "--set", "ladder.temperatures=[20, 30]", "--set", "training.hold_out=[]", "--set", "engine.timestep=0.005", "--set", "training.temperature=joint",
           "--set", "network.width=16", "--set", "network.depth=1", "--set", "network.embedding=8", folder=folder)
    options = ["--set", "analysis.samples=50", "--set", "analysis.replicates=20"]
    found = analyze(folder, *options, run="joint")["model"]["conservativeness"]
    expect([round(time["noise"], 3) for time in found] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.99], f"noises {[time['noise'] for time in found]}")
    for time in found:
        expect(4 * time["error"] < time["asymmetry"] < 1 and time["error"] > 0, f"asymmetry of a network: {time}")
    text = "".join(report(os.path.join(folder, "joint"), SECTIONS).itertext())
    expect("Conservativeness of the score" in text, "the report does not tell of it")
    parallel = analyze(folder, *options, "--output", "out", ranks=3, run="joint")["model"]["conservativeness"]
    expect(parallel == found, f"on 3 ranks {parallel}, on one {found}")
    with h5py.File(os.path.join(folder, "out", "analysis.h5")) as file:
        table = file["model/conservativeness"][()].tolist()
    expect(table == [[time["noise"], time["asymmetry"], time["error"]] for time in found], f"analysis.h5: {table}")


def without_model(folder):
    """As a kill leaves it: rows, and nothing else."""
    os.makedirs(os.path.join(folder, "bare"))
    shutil.copy(os.path.join(folder, "run", "run.h5"), os.path.join(folder, "bare"))
    expect("model" not in analyze(folder, run="bare"), "a model out of nothing")
    page = report(os.path.join(folder, "bare"), SECTIONS)
    expect("There is no model" in "".join(page.itertext()), "a report without a model does not say so")


scratch_folder = scratch()
with_model(scratch_folder)
conservativeness(scratch_folder)
without_model(scratch_folder)
finish()
