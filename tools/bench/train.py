#!/usr/bin/env python3
"""Asks tests/bench/bench-network and train-torch.py the same questions in turns: train.py FOLDER TURNS. Called by train.sh.

Ratios: PyTorch's time over ours, median over the turns. One thread, processor time.

    unet_step_ratio       training step of the paper's U-Net, batch 128
    unet_step_ratio_1024  the same, batch 1024
    unet_sample_ratio     samples per second by `ddpm` with 1280 samples at a time: a stretch of 5 steps of ours in batches of 256, as `tempera generate` does it, and
                          4 of PyTorch's in one batch; all steps cost the same, so 1000 cost as many times more
    mlp_step_ratio        training step of the MLP of width 256 and depth 4, batch 128
    mlp_wide_ratio        of the MLP of width 512 and depth 4, batch 4096
    fma_share             operations of a step of the U-Net, batch 128, over its time at the processor's peak of fused multiply-adds
    blas_share            time of the step's matrix products at the speed that BLAS reaches on the shapes of the layers, over the time of the step
    bf16_step_ratio       step of the U-Net, batch 128, in single precision over that with products rounded to bf16 (where the processor has AMX); likewise
                          bf16_sample_ratio, bf16_mlp_ratio and bf16_wide_ratio
    bf16_fma_share        as fma_share, of the step in bf16: still beside the peak of single precision
    two_rank_speedup      a step of the trainer at global batch 128 on one rank over that on two, wall time; it means something on a machine with two idle cores, the
                          lines two_rank_processor_speedup, of processor time, on others
"""
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
UNET, UNET_LARGE, MLP, WIDE = "unet1d 128", "unet1d 1024", "mlp 128", "mlp-wide 4096"
RATIOS = [
    ("unet_step", "step " + UNET),
    ("unet_forward", "forward " + UNET),
    ("unet_step_1024", "step " + UNET_LARGE),
    ("unet_sample", "sample unet1d 1280"),
    ("mlp_step", "step " + MLP),
    ("mlp_wide", "step " + WIDE),
]
ROUNDED = {"unet_step": "bf16_step", "unet_sample": "bf16_sample", "mlp_step": "bf16_mlp", "mlp_wide": "bf16_wide"}
SAMPLING_STEPS, SAMPLES = 1000, 1280


def tell(text):
    print(text, file=sys.stderr, flush=True)


class Side:
    """A program that answers requests."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        print(request, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"train.py: no answer to '{request}'")
        return answer

    def number(self, request):
        return float(self.ask(request))


def has_torch():
    return subprocess.run(["/usr/bin/python3", "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0


def check_same(ours, torch):
    """Both sides must mean the same networks."""
    for kind in "unet1d", "mlp", "mlp-wide":
        sizes = [side.number(f"parameters {kind}") for side in (ours, torch)]
        if sizes[0] != sizes[1]:
            sys.exit(f"train.py: {kind} has {sizes[0]:.0f} parameters here, {sizes[1]:.0f} in PyTorch")


class Table:
    """Numbers by name, one for each turn."""

    def __init__(self):
        self.numbers = {}

    def add(self, name, number):
        self.numbers.setdefault(name, []).append(number)

    def median(self, name):
        return statistics.median(self.numbers[name])

    def print(self, name, form=".2f"):
        print(f"{name}: {self.median(name):{form}}")


def measure_turn(ours, torch, table):
    """What is compared is asked for right after each other, in the other order every second time."""
    for name, request in RATIOS:
        sides = [("ours", ours)] + ([("torch", torch)] if torch else [])
        turn = len(table.numbers.get(f"{name}_ours", []))
        times = {side: program.number(request) for side, program in sides[:: 1 - 2 * (turn % 2)]}
        for side, milliseconds in times.items():
            table.add(f"{name}_{side}", milliseconds)
        if torch:
            table.add(f"{name}_ratio", times["torch"] / times["ours"])
        if name in ROUNDED and "bf16" in ours.ask("precisions"):
            measure_rounded(ours, name, request, table)
        if name == "unet_step":
            measure_floors(ours, times["ours"], table)


def step_operations(ours):
    return 3 * 128 * ours.number("operations unet1d")


def measure_rounded(ours, name, request, table):
    """In single precision and rounded to bf16, in the other order every second time."""
    work, kind, batch = request.split()
    requests = {"single": request, "bf16": f"{work} {kind}-bf16 {batch}"}
    turn = len(table.numbers.get(ROUNDED[name] + "_ms", []))
    times = {precision: ours.number(requests[precision]) for precision in list(requests)[:: 1 - 2 * (turn % 2)]}
    table.add(ROUNDED[name] + "_ms", times["bf16"])
    table.add(ROUNDED[name] + "_ratio", times["single"] / times["bf16"])
    if name == "unet_step":
        table.add("bf16_fma_share", step_operations(ours) / times["bf16"] / 1e6 / ours.number("fma"))


def measure_floors(ours, step, table):
    """The peak and BLAS, right after a step. Attention multiplies many tiny matrices, which count at the speed that BLAS reaches on the layers."""
    operations = step_operations(ours)
    layers, blas, peak = ours.number("layers " + UNET), ours.number("blas " + UNET), ours.number("fma")
    ours.number("step " + UNET)  # back to the network of the next request
    floor = blas * operations / layers
    table.add("fma_peak_gflops", peak)
    table.add("fma_share", operations / step / 1e6 / peak)
    table.add("blas_gflops", layers / blas / 1e6)
    table.add("blas_floor_ms", floor)
    table.add("blas_share", floor / step)
    table.add("above_blas_floor_ms", step - floor)


def report(table, torch):
    for name, _ in RATIOS:
        print(f"{name}_ms: {table.median(name + '_ours'):.2f}")
        if torch:
            print(f"{name}_torch_ms: {table.median(name + '_torch'):.2f}")
            ratios = table.numbers[f"{name}_ratio"]
            print(f"{name}_ratio_range: {min(ratios):.2f} to {max(ratios):.2f}")
    per_second = 1e3 * SAMPLES / (table.median("unet_sample_ours") * SAMPLING_STEPS)
    print(f"unet_samples_per_second: {per_second:.2f} ({SAMPLING_STEPS} steps, from a stretch of 5)")
    for name in ROUNDED.values():
        if name + "_ms" in table.numbers:
            table.print(name + "_ms")
    for name, form in ("fma_peak_gflops", ".0f"), ("blas_gflops", ".0f"), ("blas_floor_ms", ".2f"), ("above_blas_floor_ms", ".2f"):
        table.print(name, form)


def main():
    folder, turns = sys.argv[1], int(sys.argv[2])
    ours = Side(os.path.join(folder, "bench-network"))
    torch = Side(os.path.join(HERE, "train-torch.py")) if has_torch() else None
    load = os.getloadavg()[0]
    print(f"load_before: {load:.2f}")
    print(f"kernels: {ours.ask('kernels')}")
    print("torch: " + (torch.ask("version") if torch else "not installed (Debian: python3-torch), so there are no ratios to it"))
    if torch:
        check_same(ours, torch)
    table = Table()
    for turn in range(turns):
        tell(f"turn {turn + 1} of {turns}")
        measure_turn(ours, torch, table)
    tell("two ranks")
    ranks = subprocess.run(["mpirun", "-n", "2", os.path.join(folder, "bench-trainer"), str(3 * turns)],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    report(table, torch)
    print("\n".join(line for line in ranks if not line.startswith("two_rank_speedup:")))
    if torch:
        for name in "unet_step_ratio", "unet_sample_ratio":
            table.print(name)
        print(f"unet_step_ratio_1024: {table.median('unet_step_1024_ratio'):.2f}")
        for name in "mlp_step_ratio", "mlp_wide_ratio":
            table.print(name)
    for name in ROUNDED.values():
        if name + "_ratio" in table.numbers:
            table.print(name + "_ratio")
    for name in "fma_share", "blas_share", "bf16_fma_share":
        if name in table.numbers:
            table.print(name, ".3f")
    print("\n".join(line for line in ranks if line.startswith("two_rank_speedup:")))


if __name__ == "__main__":
    main()
