#!/usr/bin/python3
"""Exact averages of the model potentials, by quadrature and transfer matrix: writes
tests/reference/*.txt (k_B = 1).

Usage: make-reference.py [--check]     --check: write nothing, compare with the files that are there

Every table is also compared with numbers computed independently of this script (INDEPENDENT below).
"""

import os
import sys

try:
    import numpy as np
except ImportError:
    print("SKIP: python3-numpy is not installed")
    sys.exit(77)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "reference")

# Rows from another quadrature on plain grids; same columns as the tables below. The chain's grid does not meet the borders of the boxes,
# which costs the probabilities of boxes up to 7e-4: those rows check the transfer matrix on that very grid.
INDEPENDENT = {
    "asymmetric-double-well": """
        0.25 0.686422 1.617986 0.236484 0.448474 -0.103770
        0.50 0.370674 0.981867 0.462776 0.393184 -0.209965
        0.75 0.175416 0.606396 0.683467 0.336341 -0.321731
        1.00 0.057331 0.354193 0.831737 0.282435 -0.429217
        1.50 -0.036213 0.052851 0.971218 0.191524 -0.612392
        2.00 -0.017424 -0.113435 1.018730 0.125136 -0.747225""",
    "mueller-brown-box": """
        10 11.729591 -134.93405 1.63611 -0.54366 1.39451 0.974480 0.002927 0.022593
        15 7.364850 -125.14913 2.21702 -0.48354 1.28814 0.899897 0.022236 0.077867
        20 5.365860 -113.45968 2.40181 -0.42436 1.16497 0.812674 0.054642 0.132684
        30 3.645915 -90.17048 2.18325 -0.38144 0.98970 0.693762 0.112655 0.193583
        50 2.657256 -54.86667 1.37179 -0.44468 0.87233 0.622064 0.161161 0.216775""",
    "chiral-chain at 256 points": """
        1.00 75.874390 -66.65703 23.9814 0.271992 0.362816 0.115796
        1.25 63.113264 -60.43779 25.2632 0.174429 0.317773 0.130751
        1.50 55.445383 -54.27435 23.6338 0.109548 0.276717 0.134255
        2.00 47.212976 -44.12037 16.7810 0.047863 0.212701 0.125992
        2.50 43.142161 -37.26623 11.0229 0.025837 0.171116 0.113813""",
}

# --------------------------------------------------------------------------------------------------------------- quadrature


def gauss_pieces(edges, count):
    """Gauss-Legendre nodes and weights on each interval between edges: exact to rounding for smooth pieces."""
    node, weight = np.polynomial.legendre.leggauss(count)
    edges = np.asarray(edges, dtype=float)
    half = 0.5 * np.diff(edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * node).ravel(), (half[:, None] * weight).ravel()


def boltzmann(energy, weight, beta):
    """Probabilities of the nodes, and ln Z."""
    lowest = energy.min()
    terms = weight * np.exp(-beta * (energy - lowest))
    return terms / terms.sum(), np.log(terms.sum()) - beta * lowest


def energy_moments(energy, probability, beta):
    """<U> and C_v."""
    mean = (probability * energy).sum()
    return mean, beta**2 * (probability * (energy - mean) ** 2).sum()


def acceptance(energy, weight, beta_cold, beta_hot):
    """Mean of min(1, exp((beta_cold - beta_hot) (U_cold - U_hot))) over both densities.

    Exchanging the two configurations turns the part with U_cold < U_hot into the part with U_cold > U_hot (detailed balance), so that the
    mean is 2 P(U_cold > U_hot): one sort of the energies, no double sum.
    """
    order = np.argsort(energy, kind="stable")
    cold = boltzmann(energy, weight, beta_cold)[0][order]
    hot = boltzmann(energy, weight, beta_hot)[0][order]
    below = np.cumsum(hot) - 0.5 * hot
    return 2.0 * (cold * below).sum()


def acceptance_by_double_sum(energy, weight, beta_cold, beta_hot):
    """The definition, for few nodes: the check of acceptance()."""
    cold = boltzmann(energy, weight, beta_cold)[0]
    hot = boltzmann(energy, weight, beta_hot)[0]
    exponent = (beta_cold - beta_hot) * (energy[:, None] - energy[None, :])
    return cold @ np.exp(np.minimum(exponent, 0.0)) @ hot


# --------------------------------------------------------------------------------------------------- asymmetric double well


def double_well_energy(x):
    return 4.0 * (x * x - 1.0) ** 2 + 0.5 * x


def double_well_table():
    x, weight = gauss_pieces([-5.0, -2.0, 0.0, 2.0, 5.0], 400)
    energy = double_well_energy(x)
    for beta in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0):
        p, log_z = boltzmann(energy, weight, beta)
        yield (beta, log_z, *energy_moments(energy, p, beta), p[x > 0].sum(), (p * x).sum())


def double_well_acceptances():
    x = np.linspace(-4.0, 4.0, 2_000_001)
    energy = double_well_energy(x)
    betas = (0.25, 0.5, 0.75, 1.0)
    for hot, cold in zip(betas[:-1], betas[1:]):
        rate = acceptance(energy, np.ones_like(x), cold, hot)
        rough = acceptance_by_double_sum(energy[::1000], np.ones_like(x[::1000]), cold, hot)
        expect(abs(rate - rough) < 2e-4, f"acceptance {hot} {cold}: {rate} by sorting, {rough} by the double sum")
        yield (hot, cold, rate)


# ------------------------------------------------------------------------------------------------------------ Mueller-Brown


def mueller_brown_energy(x, y):
    terms = (
        (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
        (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
        (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
        (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
    )
    return sum(A * np.exp(a * (x - p) ** 2 + b * (x - p) * (y - q) + c * (y - q) ** 2) for A, a, b, c, p, q in terms)


BOX = (-2.2, 1.8, -1.2, 2.8)  # where the independent numbers were computed; from kT = 30 on it cuts weight off that a simulation visits
PLANE = (-4.2, 3.8, -3.7, 4.8)  # outside it the energy is above 5,000


def mueller_brown_nodes(x_low, x_high, y_low, y_high):
    """For each x, y is cut at the borders of the basins, y - x = 0.15 and 1.05: there the integrands of the basins jump."""
    xs, wx = gauss_pieces(np.linspace(x_low, x_high, 9), 60)
    parts = []
    for x, w in zip(xs, wx):
        y, wy = gauss_pieces(np.clip([y_low, x + 0.15, x + 1.05, y_high], y_low, y_high), 160)
        parts.append((np.full_like(y, x), y, w * wy))
    return (np.concatenate(column) for column in zip(*parts))


def mueller_brown_table(region):
    x, y, weight = mueller_brown_nodes(*region)
    energy = mueller_brown_energy(x, y)
    s = y - x
    for kt in (10, 15, 20, 30, 50):
        p, log_z = boltzmann(energy, weight, 1.0 / kt)
        basins = (p[s > 1.05].sum(), p[(s > 0.15) & (s < 1.05)].sum(), p[s < 0.15].sum())
        yield (kt, log_z, *energy_moments(energy, p, 1.0 / kt), (p * x).sum(), (p * y).sum(), *basins)


def mueller_brown_acceptances(region):
    fine, coarse = (mueller_brown_grid(n, *region) for n in (2000, 120))
    kts = (10, 15, 20, 30, 50)
    for cold, hot in zip(kts[:-1], kts[1:]):
        rate = acceptance(fine, np.ones_like(fine), 1.0 / cold, 1.0 / hot)
        rough = acceptance_by_double_sum(coarse, np.ones_like(coarse), 1.0 / cold, 1.0 / hot)
        expect(abs(rate - rough) < 1e-3, f"acceptance {cold} {hot}: {rate} by sorting, {rough} by the double sum")
        yield (cold, hot, rate)


def mueller_brown_grid(n, x_low, x_high, y_low, y_high):
    middle = (np.arange(n) + 0.5) / n
    energy = mueller_brown_energy(x_low + (x_high - x_low) * middle[:, None], y_low + (y_high - y_low) * middle[None, :]).ravel()
    return energy[energy < energy.min() + 1500.0]  # the rest has no weight at these temperatures


# ------------------------------------------------------------------------------------------------------------- chiral chain

WELLS = ((8.0, 3.0, 1.0, 0.8), (8.0, 3.0, -1.0, -0.8), (6.5, 3.0, -1.1, 2.7), (6.5, 3.0, 1.1, -2.7))
RESIDUES, COUPLING = 9, 1.8


class Chain:
    """Transfer matrix over phi, on given nodes and weights."""

    def __init__(self, phi_nodes, psi_nodes):
        self.phi, self.phi_weight = phi_nodes
        self.psi, self.psi_weight = psi_nodes
        phi, psi = self.phi[:, None], self.psi[None, :]
        self.site = -sum(e * np.exp(k * (np.cos(phi - a) + np.cos(psi - b) - 2.0)) for e, k, a, b in WELLS)
        self.pair = -COUPLING * np.sin(self.phi)[:, None] * np.sin(self.phi)[None, :]

    def log_z(self, beta, phi_mask=None, fifth=None):
        """ln Z; of the states with every phi inside phi_mask, or with residue 5 inside the box `fifth` (a mask over phi, psi)."""
        site = np.exp(-beta * self.site) * self.psi_weight
        link = np.exp(-beta * self.pair)
        free = site.sum(axis=1) * self.phi_weight * (1.0 if phi_mask is None else phi_mask)
        log_sum, left = 0.0, np.ones_like(free)
        for residue in range(1, RESIDUES + 1):
            here = free if fifth is None or residue != 5 else (site * fifth).sum(axis=1) * self.phi_weight
            left = (left if residue == 1 else left @ link) * here
            scale = left.sum()
            log_sum, left = log_sum + np.log(scale), left / scale
        return log_sum

    def energy(self, beta):
        """-d ln Z / d beta by a complex step: no difference, no rounding."""
        return -self.log_z(beta + 1e-30j).imag / 1e-30

    def row(self, temperature):
        beta, h = 1.0 / temperature, 1e-3
        slope = (8.0 * (self.energy(beta + h) - self.energy(beta - h)) - (self.energy(beta + 2 * h) - self.energy(beta - 2 * h))) / (12.0 * h)
        log_z = self.log_z(beta)
        phi, psi = self.phi[:, None], self.psi[None, :]
        left = (abs(phi - 1.0) < 0.7) & (abs(psi - 0.8) < 0.7)
        extended = (abs(phi + 1.1) < 0.7) & (abs((psi - 2.7 + np.pi) % (2 * np.pi) - np.pi) < 0.7)
        masks = ({"phi_mask": self.phi > 0}, {"fifth": left}, {"fifth": extended})
        probabilities = [np.exp(self.log_z(beta, **mask) - log_z) for mask in masks]
        return (temperature, log_z, self.energy(beta), -(beta**2) * slope, *probabilities)


def chiral_chain_table(chain):
    return (chain.row(temperature) for temperature in (1.0, 1.25, 1.5, 2.0, 2.5))


def chain_cut_at_boxes():
    """The quadrature is cut at every border of a box that is asked for."""
    pi = np.pi
    phi = gauss_pieces([-pi, -1.8, -1.1, -0.4, 0.0, 0.3, 1.0, 1.7, 2.4, pi], 32)
    psi = gauss_pieces([-pi, 3.4 - 2 * pi, -2.0, -0.8, 0.1, 0.8, 1.5, 2.0, 2.7, pi], 32)
    return Chain(phi, psi)


def chain_of_midpoints(count):
    nodes = -np.pi + 2 * np.pi * (np.arange(count) + 0.5) / count
    return Chain(*[(nodes, np.full(count, 2 * np.pi / count))] * 2)


# ------------------------------------------------------------------------------------------------------------------- tables

MUELLER_BROWN_COLUMNS = ("kT", "log_z", "mean_energy", "heat_capacity", "mean_x", "mean_y", "probability_a", "probability_c", "probability_b")

TABLES = {
    "asymmetric-double-well": (
        double_well_table,
        "U = 4 (x^2 - 1)^2 + 0.5 x; Gauss-Legendre quadrature on [-5, 5]",
        ("beta", "log_z", "mean_energy", "heat_capacity", "probability_x_positive", "mean_x"),
        6,
    ),
    "asymmetric-double-well-acceptance": (
        double_well_acceptances,
        "U = 4 (x^2 - 1)^2 + 0.5 x; mean acceptance of swaps between two inverse temperatures, 2 P(U_cold > U_hot)",
        ("beta_hot", "beta_cold", "acceptance"),
        5,
    ),
    "mueller-brown": (
        lambda: mueller_brown_table(PLANE),
        "Mueller-Brown on the whole plane, as it is simulated; Gauss-Legendre quadrature; with s = y - x: A s > 1.05, B s < 0.15, C between",
        MUELLER_BROWN_COLUMNS,
        6,
    ),
    "mueller-brown-box": (
        lambda: mueller_brown_table(BOX),
        "Mueller-Brown cut off at [-2.2, 1.8] x [-1.2, 2.8]; otherwise as on the plane",
        MUELLER_BROWN_COLUMNS,
        6,
    ),
    "mueller-brown-acceptance": (
        lambda: mueller_brown_acceptances(PLANE),
        "Mueller-Brown on the whole plane; mean acceptance of swaps between two temperatures, 2 P(U_cold > U_hot), 2000 x 2000 points",
        ("kT_cold", "kT_hot", "acceptance"),
        5,
    ),
    "chiral-chain": (
        lambda: chiral_chain_table(chain_cut_at_boxes()),
        "Chiral chain of 9 residues, j = 1.8; transfer matrix over phi, Gauss-Legendre quadrature",
        ("T", "log_z", "mean_energy", "heat_capacity", "probability_all_phi_positive", "probability_fifth_left", "probability_fifth_extended"),
        6,
    ),
}


class Disagreement(Exception):
    """Two ways to the same number differ."""


def expect(condition, message):
    if not condition:
        raise Disagreement(message)


def compare_with_independent(name, rows):
    """To five units of the last digit given: the error of those numbers' own grids."""
    for row, line in zip(rows, INDEPENDENT[name].split("\n")[1:]):
        for value, expected in zip(row, line.split()):
            digits = len(expected.partition(".")[2])
            expect(abs(value - float(expected)) <= 5.0 * 10.0**-digits, f"{name}: {value:.9g} here, {expected} expected, in row {line.strip()}")


def format_table(about, columns, rows, digits):
    lines = [f"# {about}", "# k_B = 1; written by tools/make-reference.py", "# " + " ".join(columns)]
    lines += [" ".join([f"{value:g}" for value in row[: key_columns(columns)]] + [f"{value:.{digits}f}" for value in row[key_columns(columns) :]]) for row in rows]
    return "\n".join(lines) + "\n"


def key_columns(columns):
    return 2 if columns[-1] == "acceptance" else 1


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print(__doc__, file=sys.stderr)
        return 2
    os.makedirs(FOLDER, exist_ok=True)
    compare_with_independent("chiral-chain at 256 points", chiral_chain_table(chain_of_midpoints(256)))
    for name, (make, about, columns, digits) in TABLES.items():
        rows = list(make())
        if name in INDEPENDENT:
            compare_with_independent(name, rows)
        table = format_table(about, columns, rows, digits)
        path = os.path.join(FOLDER, name + ".txt")
        if check:
            with open(path, encoding="utf-8") as file:
                compare_files(name, file.read(), table)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(table)
    return 0


def compare_files(name, stored, table):
    """Another machine's rounding may move the last digit by one."""
    for old, new in zip(stored.splitlines(), table.splitlines()):
        if new.startswith("#"):
            expect(old == new, f"{name}.txt: '{old}' stored, '{new}' made here")
            continue
        expect(len(old.split()) == len(new.split()), f"{name}.txt: '{old}' stored, '{new}' made here")
        for a, b in zip(old.split(), new.split()):
            digits = len(b.partition(".")[2])
            expect(abs(float(a) - float(b)) <= 1.01 * 10.0**-digits, f"{name}.txt: {a} stored, {b} made here")
    expect(len(stored.splitlines()) == len(table.splitlines()), f"{name}.txt: another number of lines")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Disagreement, OSError) as problem:
        sys.exit(f"make-reference: {problem}")
