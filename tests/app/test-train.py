"""tempera train: the same weights from the same frames in any form, on any number of ranks, across restarts and stops; what it leaves; what it refuses."""

import csv
import os
import shutil
import signal

import h5py
import numpy as np

from compare import differences
from harness import *

FRAMES = 600
TEMPERATURES = (1.0, 1.5, 2.0, 3.0)

INPUT = """run: {folder: run, seed: 5}
data: {files: [data.npy], units: reduced, temperature_column: 2, periods: [0, 6.283185307179586]}
network: {width: 16, depth: 2, embedding: 8}
diffusion: {times: 50, steps: 10}
training: {steps: 120, batch: 32, hold_out: [1.5], validation: 0.2, validation_interval: 20, validation_rows: 200, learning_rate: 2e-3,
           rate_schedule: cosine, warmup_steps: 10, decay_steps: 120, clip_norm: 0.5, ema_decay: 0.99, ema_others: [0.9, 0.5], weight_decay: 0.01}
output: {report_interval: 10, checkpoint_interval: 50, keep_checkpoints: 100}
evaluation: {samples: 200, bins: 10, pair_bins: 10}
"""

folder = scratch()


def path(*names):
    return os.path.join(folder, *names)


def rows():
    """A coordinate and an angle at each temperature, one after another, and the temperature."""
    random = np.random.default_rng(8)
    parts = [np.column_stack([random.normal(0, t**0.5, FRAMES), random.vonmises(1, 2 / t, FRAMES), np.full(FRAMES, t)]) for t in TEMPERATURES]
    return np.concatenate(parts).astype("float32")


def train(name, *options, ranks=0):
    return run_ok(ranks, "train", "input.yaml", "--set", f"run.folder={name}", *options, folder=folder)


def expect_same(a, b, what, files=("model.h5", "model-best.h5", "evaluation.h5", "checkpoints/step-000000000120.h5")):
    """The same bits but for the parameters, which name the run's own folder and files."""
    for name in files:
        found = differences(path(a, name), path(b, name), ignore=("/@parameters",))
        expect(not found, f"{what}: {found[:5]}")


def metrics(name):
    with open(path(name, "metrics.csv"), newline="") as file:
        return {int(row["step"]): (row["loss"], row["validation_loss"], row["best_loss"], row["learning_rate"]) for row in csv.DictReader(file)}


def ranks_and_restarts():
    train("one")
    for ranks in (2, 3):
        train(f"ranks{ranks}", ranks=ranks)
        expect_same("one", f"ranks{ranks}", f"{ranks} ranks")
        expect(metrics(f"ranks{ranks}") == metrics("one"), f"{ranks} ranks: metrics.csv differs")
    # cut off behind step 50, in the middle between two validations, and gone on with by another number of ranks
    shutil.copytree(path("one"), path("cut"))
    for name in ("model.h5", "model-best.h5", "evaluation.h5", "finished", "checkpoints/step-000000000100.h5", "checkpoints/step-000000000120.h5"):
        os.remove(path("cut", name))
    train("cut", "--restart", ranks=2)
    expect_same("one", "cut", "restart")
    expect(metrics("cut") == metrics("one"), "restart: metrics.csv differs")


def longer():
    train("short", "--set", "training.steps=70")
    train("short", "--restart")
    expect_same("one", "short", "made longer")


def stop():
    train("still", "--set", "training.steps=300")
    process = start(2, "train", "input.yaml", "--set", "run.folder=stopped", "--set", "training.steps=1000000000", folder=folder)
    wait_for(lambda: os.path.exists(path("stopped", "model.h5")), 120, "the first model")
    process.send_signal(signal.SIGUSR2)
    process.communicate(timeout=120)
    expect(process.returncode == 0 and os.path.exists(path("stopped", "continue")), f"SIGUSR2: status {process.returncode}")
    steps = [int(name[5:17]) for name in os.listdir(path("stopped", "checkpoints"))]
    early = min(s for s in steps if s >= 50)
    for name in os.listdir(path("stopped", "checkpoints")):
        if int(name[5:17]) > early:
            os.remove(path("stopped", "checkpoints", name))
    train("stopped", "--restart", "--set", "training.steps=300")
    expect_same("still", "stopped", "stopped", files=("model.h5", "checkpoints/step-000000000300.h5"))


def best_and_last():
    found = {step: float(row[1]) for step, row in metrics("one").items() if step % 20 == 0}
    with h5py.File(path("one", "model-best.h5")) as best, h5py.File(path("one", "model.h5")) as last:
        step = int(best.attrs["optimiser_steps"])
        expect(abs(best.attrs["validation_loss"] - min(found.values())) < 1e-6 and abs(found[step] - min(found.values())) < 1e-6,
               f"the best model is of step {step}, validations {found}")
        expect(last.attrs["optimiser_steps"] == 120, "the last model is not of the last step")
        expect(list(last["network/ema_decay"]) == [0.99, 0.9, 0.5] and last["network/parameters"].shape[0] == 3, "three averages")
    # a rate far too high learns nothing after the first validations
    result = train("patient", "--set", "training.learning_rate=0.5", "--set", "training.patience=2", "--set", "training.steps=5000")
    expect("learning ends" in result.out, f"patience: {result}")
    with h5py.File(path("patient", "model.h5")) as last, h5py.File(path("patient", "model-best.h5")) as best:
        expect(last.attrs["optimiser_steps"] == best.attrs["optimiser_steps"] + 40, "patience of 2 validations of 20 steps")


def averages():
    """--ema picks an average; the first of another training is the same one."""
    train("half", "--set", "training.ema_decay=0.5", "--set", "training.ema_others=[]")
    sample = ["--temperature", "1.7", "--samples", "50"]
    run_ok(0, "generate", "one/model.h5", *sample, "--ema", "0.5", "--output", "a.h5", folder=folder)
    run_ok(0, "generate", "half/model.h5", *sample, "--output", "b.h5", folder=folder)
    run_ok(0, "generate", "one/model.h5", *sample, "--output", "c.h5", folder=folder)
    with h5py.File(path("a.h5")) as a, h5py.File(path("b.h5")) as b, h5py.File(path("c.h5")) as c:
        expect(np.array_equal(a["samples"], b["samples"]), "--ema 0.5 is not the average of decay 0.5")
        expect(not np.array_equal(a["samples"], c["samples"]), "--ema changes nothing")


def other_forms(data):
    """An HDF5 array, and files of one temperature each."""
    with h5py.File(path("array.h5"), "w") as file:
        file["frames"] = data.astype("float64")
        file["rest"] = [1]
    train("array", "--set", "data.files=[array.h5]", "--set", "data.dataset=frames", "--set", "training.hold_out=[1.5]")
    expect_same("one", "array", "an HDF5 array")
    for i, _ in enumerate(TEMPERATURES):
        np.save(path(f"rung{i}.npy"), data[i * FRAMES:(i + 1) * FRAMES, :2])
    train("rungs", "--set", "data.files=[rung0.npy, rung1.npy, rung2.npy, rung3.npy]", "--set", "data.temperature_column=-1", "--set",
          "data.temperatures=[1, 1.5, 2, 3]")
    expect_same("one", "rungs", "a file for each temperature")


def own_files():
    """run.h5 and the H5MD trajectories of one run hold the same frames, in another order."""
    with open(path("md.yaml"), "w") as file:
        file.write("""run: {folder: md, rounds: 200}
engine: {kind: model, timestep: 0.02, model: {potential: double-well, dimension: 2}}
ladder: {temperatures: [1, 2, 3]}
exchange: {interval: 5}
training: {steps_per_round: 0}
output: {trajectory_interval: 1}
""")
    run_ok(4, "run", "md.yaml", folder=folder)
    common = ["--set", "data.periods=[]", "--set", "data.temperature_column=-1", "--set", "training.hold_out=[2]", "--set", "training.steps=20"]
    result = train("from-run", "--set", "data.files=[md/run.h5]", "--set", "data.skip=50", *common)
    expect(result.out.count(": 150 frames") == 3 and "2 : 150 frames  (held out)" in result.out, f"run.h5: {result}")
    result = tempera(0, "train", "input.yaml", "--set", "run.folder=refused", "--set", "data.files=[md/run.h5]", "--set", "data.units=molecular",
                     *common, folder=folder)
    expect(result.status == 2 and "data.units: md/run.h5 is in reduced units" in result.err, f"units of run.h5: {result}")
    files = ", ".join(f"md/trajectory/rung-{k:03d}.h5" for k in range(3))
    result = train("from-h5md", "--set", f"data.files=[{files}]", "--set", "data.skip=50", "--set", "data.temperatures=[1, 2, 3]", "--set",
                   "features.coordinates=[all]", *common)
    expect(result.out.count(": 150 frames") == 3, f"H5MD: {result}")
    with h5py.File(path("from-run", "model.h5")) as a, h5py.File(path("from-h5md", "model.h5")) as b:
        # the same frames but for those set aside, which differ where rows of several rungs are dealt to shards: nearly the same moments
        expect(list(a["features/name"]) == list(b["features/name"]), "names of features")
        expect(np.allclose(a["encoding/mean"], b["encoding/mean"], atol=1e-6) and np.allclose(a["encoding/scale"], b["encoding/scale"], rtol=1e-6),
               f"moments: {a['encoding/mean'][:]} and {b['encoding/mean'][:]}")
    with h5py.File(path("from-run", "evaluation.h5")) as a, h5py.File(path("from-h5md", "evaluation.h5")) as b:
        expect(np.array_equal(a["divergence/halves"], b["divergence/halves"]), "the held-out frames differ")


def two_conditions():
    """x ~ N(2 s, 0.25 T) with s = -1 or 1 in a column of its own: at s = 1 the mean is 2, and the temperature is still minded."""
    random = np.random.default_rng(4)
    temperature, sign = random.choice(TEMPERATURES, 8000), random.choice([-1.0, 1.0], 8000)
    x = random.normal(2 * sign, 0.5 * temperature**0.5)
    np.save(path("signs.npy"), np.column_stack([temperature, x, sign]).astype("float32"))
    train("signs", "--set", "data.files=[signs.npy]", "--set", "data.temperature_column=0", "--set", "data.condition_columns=[2]", "--set",
          "data.condition_names=[sign]", "--set", "data.periods=[]", "--set", "training.hold_out=[]", "--set", "training.steps=2500", "--set",
          "training.decay_steps=2500", "--set", "network.width=48", "--set", "training.batch=128")
    for sign in (-1, 1):
        run_ok(0, "generate", "signs/model.h5", "--temperature", "1,3", "--samples", "4000", "--condition", f"sign={sign}", "--steps", "50",
               "--output", f"sign{sign}.h5", folder=folder)
        with h5py.File(path(f"sign{sign}.h5")) as file:
            x = file["samples"][:, :, 0]
        # the network's error, not that of 4,000 samples, which is 0.014
        expect(np.all(abs(x.mean(axis=1) - 2 * sign) < 0.15), f"sign {sign}: means {x.mean(axis=1)}")
        expect(x[1].std() > 1.3 * x[0].std(), f"sign {sign}: deviations {x.std(axis=1)}, exact 0.5 and 0.87")
    result = tempera(0, "generate", "signs/model.h5", "--temperature", "1", "--output", "x.h5", folder=folder)
    expect(result.status == 2 and "--condition sign=VALUE is missing" in result.err, f"no condition: {result}")


def not_a_number():
    """A loss that overflows stops the training in one line; the last good model is whole."""
    result = tempera(2, "train", "input.yaml", "--set", "run.folder=overflow", "--set", "training.learning_rate=10", "--set", "network.depth=24",
                     "--set", "training.clip_norm=0", "--set", "training.steps=5000", folder=folder)
    expect(result.status == 1 and len(result.errors()) == 1 and "training: the loss is" in result.errors()[0], f"overflow: {result}")
    run_ok(0, "info", "overflow/model.h5", folder=folder)
    expect(not os.path.exists(path("overflow", "finished")), "overflow: finished")


def mistakes(data):
    def save(name, change):
        changed = data.copy()
        changed = change(changed)
        np.save(path(name), changed)

    def put(row, column, value):
        def change(changed):
            changed[row, column] = value
            return changed
        return change

    save("nan.npy", put(70, 1, np.nan))
    save("cold.npy", put(70, 2, 0))
    save("colder.npy", put(70, 2, -3))
    save("wide.npy", lambda d: np.column_stack([d, d[:, 0]]))
    save("flat.npy", lambda d: d[:, 0])
    save("words.npy", lambda d: d.astype("int32"))
    save("columns.npy", np.asfortranarray)
    with open(path("data.npy"), "rb") as whole, open(path("cut.npy"), "wb") as short:
        short.write(whole.read()[:-100])
    with h5py.File(path("empty.h5"), "w") as file:
        file["a"], file["b"] = [1], [2]
    for what, options, fragments in [
            ("no data", ["data.files=[]"], ["data.files", "missing"]),
            ("no such file", ["data.files=[none.npy]"], ["none.npy: can't be read"]),
            ("no such HDF5 file", ["data.files=[none.h5]"], ["none.h5: is not there"]),
            ("a text for an HDF5 file", ["data.files=[input.yaml]"], ["input.yaml: is not there, or no HDF5 file"]),
            ("NaN", ["data.files=[nan.npy]"], ["nan.npy: row 70, feature 1 (x1) is nan"]),
            ("temperature 0", ["data.files=[cold.npy]"], ["cold.npy: row 70, the temperature is 0; allowed above 0"]),
            ("negative temperature", ["data.files=[colder.npy]"], ["colder.npy: row 70, the temperature is -3"]),
            ("another width", ["data.files=[data.npy, wide.npy]", "data.periods=[0]"], ["wide.npy: has 3 features, the files before it 2"]),
            ("no temperature column", ["data.temperature_column=-1"], ["data.temperature_column", "has 3 columns", "data.temperatures"]),
            ("column out of range", ["data.temperature_column=3"], ["data.temperature_column", "columns 0 to 2"]),
            ("one dimension", ["data.files=[flat.npy]"], ["flat.npy: is no array of rows and columns"]),
            ("whole numbers", ["data.files=[words.npy]"], ["words.npy: numbers of type '<i4'", "<f4 and <f8"]),
            ("by columns", ["data.files=[columns.npy]"], ["columns.npy: stored by columns"]),
            ("truncated", ["data.files=[cut.npy]"], ["cut.npy: is truncated"]),
            ("several datasets", ["data.files=[empty.h5]"], ["empty.h5: holds 2 things", "data.dataset"]),
            ("no such dataset", ["data.files=[empty.h5]", "data.dataset=c"], ["empty.h5: has no dataset 'c'"]),
            ("temperatures for files", ["data.temperatures=[1, 2]"], ["data.temperatures", "2 temperatures for 1 files"]),
            ("periods", ["data.periods=[1, 2, 3]"], ["data.periods", "3 periods"]),
            ("held out", ["training.hold_out=[1.6]"], ["training.hold_out", "1.6 is no temperature", "1, 1.5, 2, 3"]),
            ("all held out", ["training.hold_out=[1, 1.5, 2, 3]"], ["at least one"]),
            ("nothing left", ["data.skip=100000"], ["data.skip: nothing is left"]),
            ("cosine without end", ["training.decay_steps=0"], ["training.decay_steps", "0 for a cosine rate"]),
            ("prior and wrapped", ["training.temperature=prior", "features.angles=wrapped"], ["training.temperature", "prior scales the noise"]),
            ("jitter without size", ["features.label=jitter"], ["features.jitter", "0, but"]),
            ("large jitter", ["features.label=jitter", "features.jitter=0.2"], ["features.jitter", "allowed up to a ninth"])]:
        sets = [word for option in options for word in ("--set", option)]
        result = tempera(0, "train", "input.yaml", "--set", "run.folder=refused", *sets, folder=folder)
        lines = result.errors()
        expect(result.status == 2 and len(lines) == 1 and all(f in lines[0] for f in fragments), f"{what}: {result}")
        expect(not os.path.exists(path("refused")), f"{what}: a folder is left")
    result = tempera(0, "run", "input.yaml", folder=folder)
    expect(result.status == 2, f"run with data: {result}")
    result = tempera(0, "train", "input.yaml", "--restart", "--set", "run.folder=one", "--set", "data.files=[wide.npy]", "--set", "data.periods=[]",
                     folder=folder)
    expect(result.status == 2, f"restart with other data: {result}")
    result = tempera(0, "train", "input.yaml", "--restart", "--set", "run.folder=one", "--set", "network.width=24", folder=folder)
    expect(result.status == 2 and "network.width" in result.err, f"restart of another model: {result}")


data = rows()
np.save(path("data.npy"), data)
with open(path("input.yaml"), "w") as file:
    file.write(INPUT)
ranks_and_restarts()
longer()
stop()
best_and_last()
averages()
other_forms(data)
own_files()
two_conditions()
not_a_number()
mistakes(data)
finish()
