#!/usr/bin/python3
"""The networks of tests/bench/bench-network.c in PyTorch, one thread; answers the same requests (step, forward, sample, parameters), in the same units.

The U-Net is that of tools/make-unet-reference.py; the optimiser is torch.optim.Adam."""
import importlib.util
import math
import os
import sys
import time

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
NUM_FEATURES, EMBEDDING, SAMPLE_STEPS, SHORTEST = 18, 64, 4, 0.05
MLP = {"mlp": (256, 4), "mlp-wide": (512, 4)}  # width, depth


def reference():
    path = os.path.join(HERE, "..", "make-unet-reference.py")
    spec = importlib.util.spec_from_file_location("unet_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class UNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.formula = reference().Network(32, (1, 2, 2, 4))
        self.weights = {name: torch.nn.Parameter(0.1 * torch.randn(s)) for name, s in self.formula.shapes.items()}
        for i, weights in enumerate(self.weights.values()):
            self.register_parameter(f"p{i}", weights)

    def forward(self, x, t, c):
        return self.formula(self.weights, torch.cat((c, x), dim=1)[:, None], t)[:, 0, 1:]


class Mlp(torch.nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        linear, E = torch.nn.Linear, EMBEDDING
        self.time_1, self.time_2 = linear(E, E), linear(E, E)
        self.condition_1, self.condition_2 = linear(1, E), linear(E, E, bias=False)
        self.input, self.output = linear(NUM_FEATURES, width), linear(width, NUM_FEATURES)
        self.inside = torch.nn.ModuleList(linear(width, width) for _ in range(depth))
        self.mix = torch.nn.ModuleList(linear(E, width, bias=False) for _ in range(depth))
        self.out = torch.nn.ModuleList(linear(width, width) for _ in range(depth))

    def forward(self, x, t, c):
        half = EMBEDDING // 2
        angle = 1000 * t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / (half - 1))
        sinusoids = torch.cat((angle.sin(), angle.cos()), dim=1)
        e = F.silu(self.time_2(F.silu(self.time_1(sinusoids))) + self.condition_2(F.silu(self.condition_1(c))))
        h = self.input(x)
        for inside, mix, out in zip(self.inside, self.mix, self.out):
            h = h + out(F.silu(inside(F.silu(h)) + mix(e)))
        return self.output(F.silu(h))


class Bench:
    """A network, its optimiser and a batch."""

    def __init__(self, kind, batch):
        torch.manual_seed(1)
        self.network = Mlp(*MLP[kind]) if kind in MLP else UNet()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-5)
        self.x, self.c = torch.randn(batch, NUM_FEATURES), torch.randn(batch, 1)
        self.t = torch.arange(1, batch + 1) / batch

    def step(self):
        self.optimiser.zero_grad()
        F.mse_loss(self.network(self.x, self.t, self.c), 2 * self.x).backward()
        self.optimiser.step()

    def forward(self):
        with torch.no_grad():
            self.network(self.x, self.t, self.c)

    def sample(self):
        """Steps of ddpm, x <- keep x + answer eps + noise z, with numbers that keep x of its size."""
        with torch.no_grad():
            x = torch.randn_like(self.x)
            for i in range(SAMPLE_STEPS):
                t = torch.full_like(self.t, 1 - i / SAMPLE_STEPS)
                x = 0.99 * x - 0.01 * self.network(x, t, self.c) + 0.1 * torch.randn_like(x)


def milliseconds(work, per):
    start, elapsed, rounds = time.process_time(), 0, 0
    while elapsed < SHORTEST:
        work()
        elapsed, rounds = time.process_time() - start, rounds + 1
    return 1e3 * elapsed / rounds / per


def main():
    torch.set_num_threads(1)
    kept, bench = None, None
    for line in sys.stdin:
        words = line.split()
        what, kind, batch = words + ["", "", "1"][len(words):]
        if what == "version":
            print(torch.__version__, flush=True)
            continue
        if kept != (kind, batch):
            kept, bench = (kind, batch), Bench(kind, int(batch))
            getattr(bench, what if what == "sample" else "step")()
        if what == "parameters":
            answer = sum(p.numel() for p in bench.network.parameters())
        else:
            answer = milliseconds(getattr(bench, what), SAMPLE_STEPS if what == "sample" else 1)
        print(f"{answer:.10g}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
