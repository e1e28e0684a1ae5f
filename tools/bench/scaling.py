#!/usr/bin/env python3
"""Expected efficiency of learning on many trainers, as tables in Markdown: scaling.py [NUMBERS].

NUMBERS is a file with the `name: value` lines of tests/bench/bench-trainer (in the output of tools/bench/train.sh, too); without it the program is run.

The model. A step on K trainers takes max(computing) + what the reduction adds. The gradient of m bytes goes up ceil(log2 K) levels of the tree, each a message and an
addition, and down as many, each a message, in parts of 256 KiB. A message of n bytes takes `latency` + n / `bandwidth`. Parts follow one another up the tree, but a
rank receives from, and sends to, one other at a time, and the rank of shard 0 takes part in every level: it is the one that counts,

    tree = levels (2 parts latency + 2 m / bandwidth + m / adding)

What of it goes on beside the last shard's backward pass, two thirds of computing where a trainer has one shard, is hidden but for the way of the last part, up and
down the tree: that is "overlap", the best case, and without it all counts. `allreduce` (training.reduce) stands for the best algorithms that MPI libraries have for
long messages, 2 levels latency + 2 m / bandwidth + m / adding, without overlap. Waiting for frames is not in the model, and trainers are taken to be equally fast.
"""
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PART = 1 << 18  # bytes that travel together: SEGMENT of src/comm/tree.c
TRAINERS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
BACKWARD = 2 / 3  # of a step's computing


def read_numbers(path):
    if path:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    else:
        bench = os.path.join(HERE, "..", "..", os.environ.get("TEMPERA_BUILD", "build"), "tests", "bench", "bench-trainer")
        text = subprocess.run(["mpirun", "-n", "2", bench, "5"], stdout=subprocess.PIPE, text=True, check=True).stdout
    pairs = (line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return {name: float(value) for name, value in pairs if value.replace(".", "", 1).isdigit()}


class Model:
    def __init__(self, numbers, latency, bandwidth):
        self.bytes, self.latency, self.bandwidth = numbers["gradient_bytes"], latency, bandwidth
        self.adding = 1e9 * numbers["add_gbytes_per_second"]
        self.step = {int(name.split("_")[3]): 1e-3 * value for name, value in numbers.items() if name.startswith("step_ms_of_")}

    def way(self, bytes_, levels):
        parts = math.ceil(bytes_ / PART)
        return levels * (2 * parts * self.latency + 2 * bytes_ / self.bandwidth + bytes_ / self.adding)

    def reductions(self, trainers, rows):
        """What the reduction adds to a step, in seconds: by the tree, by the tree beside the backward pass, and by allreduce."""
        levels = math.ceil(math.log2(trainers))
        tree = self.way(self.bytes, levels)
        beside = max(self.way(PART, levels), tree - BACKWARD * self.step[rows])
        return tree, beside, 2 * levels * self.latency + 2 * self.bytes / self.bandwidth + self.bytes / self.adding

    def efficiencies(self, trainers, rows):
        return [self.step[rows] / (self.step[rows] + added) for added in self.reductions(trainers, rows)]


def main():
    numbers = read_numbers(sys.argv[1] if len(sys.argv) > 1 else None)
    networks = [
        ("measured here: two ranks of one machine", 1e-6 * numbers["message_latency_us"], 1e9 * numbers["message_gbytes_per_second"]),
        ("assumed: a network of 100 Gbit/s with 2 us", 2e-6, 12.5e9),
        ("assumed: a network of 10 Gbit/s with 30 us", 30e-6, 1.25e9),
    ]
    print(f"Gradient of {numbers['gradient_bytes'] / 1e6:.2f} MB, additions at {numbers['add_gbytes_per_second']:.1f} GB/s; a step by the rows of a trainer: "
          + ", ".join(f"{rows} in {1e3 * t:.1f} ms" for rows, t in sorted(Model(numbers, 0, 1).step.items())) + ".\n")
    print("| messages | rows for each trainer | | " + " | ".join(map(str, TRAINERS)) + " |")
    print("|---|---|---|" + "---|" * len(TRAINERS))
    for name, latency, bandwidth in networks:
        model = Model(numbers, latency, bandwidth)
        print(f"| {name} ({1e6 * latency:.1f} us, {1e-9 * bandwidth:.2f} GB/s) | | tree, ms | "
              + " | ".join(f"{1e3 * model.reductions(k, 128)[0]:.1f}" for k in TRAINERS) + " |")
        for rows in (128, 32):
            columns = [model.efficiencies(k, rows) for k in TRAINERS]
            for i, way in enumerate(("tree", "tree, overlap", "allreduce")):
                print(f"| | {rows} | {way} | " + " | ".join(f"{column[i]:.2f}" for column in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
