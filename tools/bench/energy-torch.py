#!/usr/bin/env python3
"""The energies of tests/bench/bench-energy.c in PyTorch, one thread: energy-torch.py mlp|fluid ROUNDS. Processor time, medians, in milliseconds.

The gradient by torch.autograd.grad with create_graph, the loss's gradient by backward(), as one would write it."""

import math
import statistics
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(1)
KIND, ROUNDS = sys.argv[1], int(sys.argv[2])
EMBEDDING, BOX, CUTOFF, RADIAL = 16, 6.0, 2.5, 20
silu = torch.nn.functional.silu


def slow_embedding(t):
    k = torch.arange(1, EMBEDDING // 2 + 1, dtype=torch.float32)
    angle = math.pi * t[:, None] * k
    return torch.cat([torch.sin(angle) / k, torch.cos(angle) / k], 1)


class Point(torch.nn.Module):
    def __init__(self, width=64, depth=3):
        super().__init__()
        linear = torch.nn.Linear
        self.time, self.input = linear(EMBEDDING, EMBEDDING), linear(3, width)
        self.inside = torch.nn.ModuleList(linear(width, width) for _ in range(depth))
        self.mix = torch.nn.ModuleList(linear(EMBEDDING, width, bias=False) for _ in range(depth))
        self.out = torch.nn.ModuleList(linear(width, width) for _ in range(depth))
        self.output = linear(width, 1, bias=False)

    def forward(self, x, t):
        m, h = silu(self.time(slow_embedding(t))), self.input(x)
        for inside, mix, out in zip(self.inside, self.mix, self.out):
            h = h + out(silu(inside(silu(h)) + mix(m)))
        return self.output(silu(h)).sum()


def dense(inputs, outputs, width):
    return torch.nn.Sequential(torch.nn.Linear(inputs, width), torch.nn.SiLU(), torch.nn.Linear(width, outputs))


class Fluid(torch.nn.Module):
    def __init__(self, width=32, depth=2):
        super().__init__()
        F = self.width = width
        self.time, self.start = torch.nn.Linear(EMBEDDING, EMBEDDING), torch.nn.Linear(EMBEDDING, F)
        self.send = torch.nn.ModuleList(dense(F, 3 * F, F) for _ in range(depth))
        self.filter = torch.nn.ModuleList(torch.nn.Linear(RADIAL, 3 * F, bias=False) for _ in range(depth))
        self.u = torch.nn.ModuleList(torch.nn.Linear(F, F, bias=False) for _ in range(depth))
        self.v = torch.nn.ModuleList(torch.nn.Linear(F, F, bias=False) for _ in range(depth))
        self.mix = torch.nn.ModuleList(dense(2 * F, 3 * F, F) for _ in range(depth))
        self.read = dense(F, 1, F)

    def forward(self, x, t):
        n, F = len(x), self.width
        with torch.no_grad():
            r = x[None] - x[:, None]
            r = r - BOX * torch.round(r / BOX)
            squared = (r * r).sum(-1)
            to, source = torch.nonzero((squared < CUTOFF**2) & ~torch.eye(n, dtype=torch.bool), as_tuple=True)
        r = x[source] - x[to]
        r = r - (BOX * torch.round(r / BOX)).detach()
        squared = (r * r).sum(-1, keepdim=True)
        soft = CUTOFF / 25
        rho = torch.sqrt(squared + soft**2)
        u, spacing = r / rho, (CUTOFF - soft) / (RADIAL - 1)
        g = torch.exp(-0.5 / spacing**2 * (rho - soft - spacing * torch.arange(RADIAL))**2) * (1 - squared / CUTOFF**2)**3
        s = self.start(silu(self.time(slow_embedding(t)))).expand(n, F)
        v = torch.zeros(n, 3, F)
        for send, filters, to_u, to_v, mix in zip(self.send, self.filter, self.u, self.v, self.mix):
            m1, m2, m3 = (send(s)[source] * filters(g)).split(F, 1)
            s = s.index_add(0, to, m1)
            v = v.index_add(0, to, m2[:, None] * v[source] + m3[:, None] * u[:, :, None])
            Uv, Vv = to_u(v), to_v(v)
            a1, a2, a3 = mix(torch.cat([s, torch.sqrt((Vv * Vv).sum(1) + 0.01)], 1)).split(F, 1)
            s, v = s + a1 + a2 * (Uv * Vv).sum(1), v + a3[:, None] * Uv
        return self.read(s).sum()


fluid = KIND == "fluid"
network = Fluid() if fluid else Point()
x = BOX * torch.rand(100 if fluid else 256, 3)
t = torch.full((1 if fluid else 256,), 0.5)
z = torch.randn_like(x)


def sample():
    place, when = x.clone().requires_grad_(), t.clone().requires_grad_()
    return torch.autograd.grad(network(place, when), (place, when))


def step():
    network.zero_grad(set_to_none=True)
    place = x.clone().requires_grad_()
    gradient, = torch.autograd.grad(network(place, t), place, create_graph=True)
    ((gradient - z)**2).mean().backward()


def median(call):
    for _ in range(3):
        call()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


print(f"torch: {torch.__version__}")
print(f"torch_sample_ms: {median(sample):.4f}")
print(f"torch_step_ms: {median(step):.4f}")
