#!/usr/bin/python3
"""The U-Net once more, by PyTorch: the numbers that tests/unit/nn/test-unet.c compares with.

    tools/make-unet-reference.py            writes tests/reference/unet1d.txt (double precision)
    tools/make-unet-reference.py --check    compares the file with what it would write

Needs PyTorch (Debian: python3-torch); neither the program nor its tests do. Parameters and inputs are made by a hash that the test has too.
"""
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

GROUPS, HEADS, HEAD_SIZE = 8, 4, 32
TURNS = 12  # one evaluation in float may err five times less than another
HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "tests", "reference", "unet1d.txt")

# width, multipliers, inputs at a position, inputs, conditions, batch
CASES = [
    (32, (1, 2, 2, 4), 1, 18, 1, 3),  # the paper's
    (16, (1, 3, 2), 1, 5, 2, 9),
    (24, (1, 2, 2), 1, 6, 0, 2),
    (8, (1, 4), 1, 3, 2, 2),
    (32, (2, 1), 1, 1, 0, 2),  # one position; with few numbers in a group the normalisation would be nearly a jump
    (16, (1,), 1, 3, 1, 1),
    (16, (1, 2), 4, 13, 2, 9),  # a last position of one input
]


def mixed(stream, count):
    """`count` numbers of a stream, multiples of 2^-20 in [-1/2, 1/2): exact in float."""
    mask = np.uint64(0xFFFFFFFF)
    h = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(stream * 2246822519)) & mask
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822519)) & mask
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(3266489917)) & mask
    h ^= h >> np.uint64(16)
    return (h >> np.uint64(12)).astype(np.float64) / 2**20 - 0.5


class Network:
    """Names, shapes and the formula. Parameters are in PyTorch's shapes; `layout` gives the program's: [taps * inputs, outputs]."""

    def __init__(self, width, multipliers, each=1):
        self.width, self.each, self.shapes, self.layout = width, each, {}, {}
        self.channels = [width * m for m in multipliers]
        self.declare()

    def conv(self, name, taps, inputs, outputs, up=False, bias=True):
        if up:
            self.shapes[name + ".weight"], order = (inputs, outputs, taps), (2, 0, 1)
        else:
            self.shapes[name + ".weight"], order = (outputs, inputs, taps), (2, 1, 0)
        self.layout[name + ".weight"] = (order, taps * inputs, outputs)
        if bias:
            self.vector(name + ".bias", outputs)

    def vector(self, name, size):
        self.shapes[name], self.layout[name] = (size,), ((0,), size, 1)

    def norm(self, name, channels):
        self.vector(name + ".gain", channels)
        self.vector(name + ".offset", channels)

    def block(self, name, inputs, outputs):
        self.conv(name + ".conv_1", 3, inputs, outputs)
        self.norm(name + ".norm_1", outputs)
        self.conv(name + ".time", 1, self.width, outputs)
        self.conv(name + ".conv_2", 3, outputs, outputs)
        self.norm(name + ".norm_2", outputs)
        if inputs != outputs:
            self.conv(name + ".match", 1, inputs, outputs)

    def attention(self, name, channels):
        self.conv(name + ".qkv", 1, channels, 3 * HEADS * HEAD_SIZE, bias=False)
        self.conv(name + ".project", 1, HEADS * HEAD_SIZE, channels)
        self.vector(name + ".gain", 1)

    def level(self, name, inputs, outputs):
        self.block(name + ".block_1", inputs, outputs)
        self.block(name + ".block_2", outputs, outputs)
        self.attention(name + ".attention", outputs)

    def declare(self):
        width, channels, last = self.width, self.channels, len(self.channels) - 1
        self.conv("time_1", 1, width, 4 * width)
        self.conv("time_2", 1, 4 * width, width)
        for i, (inputs, outputs) in enumerate(zip([self.each] + channels, channels)):
            self.level(f"down_{i}", inputs, outputs)
            if i < last:
                self.conv(f"down_{i}.resample", 3, outputs, outputs)
        self.block("middle.block_1", channels[-1], channels[-1])
        self.attention("middle.attention", channels[-1])
        self.block("middle.block_2", channels[-1], channels[-1])
        for i in range(last, 0, -1):
            self.level(f"up_{i}", 2 * channels[i], channels[i - 1])
            self.conv(f"up_{i}.resample", 4, channels[i - 1], channels[i - 1], up=True)
        self.conv("final.conv", 3, channels[0], channels[0])
        self.norm("final.norm", channels[0])
        self.conv("output", 1, channels[0], self.each)

    def __call__(self, p, sequence, t):
        half = self.width // 2
        f = torch.exp(-math.log(10000) * torch.arange(half, dtype=sequence.dtype) / (half - 1))
        angle = 1000 * t[:, None] * f
        e = torch.cat((angle.sin(), angle.cos()), dim=1)[:, :, None]

        def conv(name, x, **options):
            return F.conv1d(x, p[name + ".weight"], p.get(name + ".bias"), **options)

        def norm(name, x):
            return F.mish(F.group_norm(x, GROUPS, p[name + ".gain"], p[name + ".offset"]))

        e = F.mish(conv("time_2", F.mish(conv("time_1", e))))

        def block(name, x):
            h = norm(name + ".norm_1", conv(name + ".conv_1", x, padding=1)) + conv(name + ".time", e)
            h = norm(name + ".norm_2", conv(name + ".conv_2", h, padding=1))
            return h + (conv(name + ".match", x) if name + ".match.weight" in p else x)

        def attention(name, x):
            qkv = conv(name + ".qkv", x)
            q, k, v = qkv.view(x.shape[0], 3, HEADS, HEAD_SIZE, x.shape[2]).unbind(dim=1)
            context = torch.einsum("bhdl,bhel->bhde", k.softmax(dim=-1), v)
            o = torch.einsum("bhde,bhdl->bhel", context, q).reshape(x.shape[0], HEADS * HEAD_SIZE, x.shape[2])
            return x + p[name + ".gain"] * conv(name + ".project", o)

        def level(name, x):
            return attention(name + ".attention", block(name + ".block_2", block(name + ".block_1", x)))

        x, skips, last = sequence, [], len(self.channels) - 1
        for i in range(last + 1):
            x = level(f"down_{i}", x)
            skips.append(x)
            if i < last:
                x = conv(f"down_{i}.resample", x, padding=1, stride=2)
        x = block("middle.block_2", attention("middle.attention", block("middle.block_1", x)))
        for i in range(last, 0, -1):
            x = level(f"up_{i}", torch.cat((x, skips[i]), dim=1))
            name = f"up_{i}.resample"
            x = F.conv_transpose1d(x, p[name + ".weight"], p[name + ".bias"], stride=2, padding=1)
            x = x[:, :, : skips[i - 1].shape[2]]
        return conv("output", norm("final.norm", conv("final.conv", x, padding=1)))


def start(name, rows, columns, stream):
    """Parameters of one tensor in the program's layout; every number exact in float."""
    u = mixed(stream, rows * columns)
    if name.endswith(".weight"):
        return u * 2.0 ** (-math.floor(math.log2(math.sqrt(rows))))
    if name.endswith("attention.gain"):
        return (1 + u) / 16  # attention is quadratic: numbers would grow from level to level
    if name.endswith(".gain"):
        return 1 + 0.5 * u
    return 0.5 * u


def numbers(values):
    return " ".join(f"{float(v):.15g}" for v in values)


def evaluate(network, inputs, conditions, batch, dtype, turn=0):
    """The answer, the gradient of the input, and of each tensor in the program's layout; turns but the first round the parameters otherwise."""
    leaves, p = {}, {}
    for stream, name in enumerate(network.shapes):
        order, rows, columns = network.layout[name]
        shape = [network.shapes[name][i] for i in order]
        values = start(name, rows, columns, stream)
        if turn > 0:
            values *= 1 + 2.0**-23 * mixed(2000 + 1000 * turn + stream, rows * columns)
        leaves[name] = torch.tensor(values.reshape(shape), dtype=dtype, requires_grad=True)
        p[name] = leaves[name].permute([order.index(i) for i in range(len(order))])
    x = torch.tensor(4 * mixed(1000, batch * inputs).reshape(batch, inputs), dtype=dtype, requires_grad=True)
    c = torch.tensor(4 * mixed(1001, batch * conditions).reshape(batch, conditions), dtype=dtype)
    r = torch.tensor(2 * mixed(1002, batch * inputs).reshape(batch, inputs), dtype=dtype)
    t = torch.tensor((np.arange(batch) * 307 % 1000 + 1) / 1024, dtype=dtype)
    each, positions = network.each, -(-inputs // network.each)
    left = F.pad(c[:, None], (0, 0, 0, each - 1))
    right = F.pad(x, (0, each * positions - inputs)).reshape(batch, positions, each).transpose(1, 2)
    y = network(p, torch.cat((left, right), dim=2), t)[:, :, conditions:]
    y = y.transpose(1, 2).reshape(batch, -1)[:, :inputs]
    (y * r).sum().backward()
    return [y.detach().reshape(-1), x.grad.reshape(-1)] + [leaf.grad.reshape(-1) for leaf in leaves.values()]


def rounding_error(exact, rounded):
    return max(float((a - b.double()).norm() / a.norm().clamp(min=0.1)) for a, b in zip(exact, rounded))


def table_of(width, multipliers, each, inputs, conditions, batch):
    network = Network(width, multipliers, each)
    exact = evaluate(network, inputs, conditions, batch, torch.float64)
    error = max(rounding_error(exact, evaluate(network, inputs, conditions, batch, torch.float32, turn)) for turn in range(TURNS))
    sizes = f"{each} {inputs} {conditions} {batch} {len(network.shapes)}"
    lines = [f"case {width} {len(multipliers)} {' '.join(map(str, multipliers))} {sizes} {error:.1e}"]
    lines += [numbers(exact[0]), numbers(exact[1])]
    for name, g in zip(network.shapes, exact[2:]):
        samples = [g[0], g[len(g) // 3], g[len(g) // 2], g[-1]]
        lines.append(f"{name} {network.layout[name][1]} {network.layout[name][2]} {numbers([g.norm()] + samples)}")
    return lines


def close(a, b):
    if a == b or "e-" in b and len(b) == 7:  # what float errs by, which other versions may do differently
        return True
    try:
        return abs(float(a) - float(b)) <= 1e-10 * (1 + abs(float(b)))
    except ValueError:
        return False


def main():
    torch.set_num_threads(1)
    text = "\n".join(line for case in CASES for line in table_of(*case)) + "\n"
    if sys.argv[1:] == ["--check"]:
        with open(TABLE, encoding="ascii") as file:
            shipped = file.read().split()
        made = text.split()
        return 0 if len(made) == len(shipped) and all(map(close, made, shipped)) else 1
    if len(sys.argv) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    with open(TABLE, "w", encoding="ascii") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
