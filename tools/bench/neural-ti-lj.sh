#!/usr/bin/env bash
# The Lennard-Jones fluid of input/neural-ti-lj.yaml: its beta F_ex beside the equation of state of Thol et al. (2016) less the tail beyond the cube's nearest
# images, and beside windows of this program; the least beta mu_ex, the step of <N>, and the limit of few particles. Windows of numbers of particles that
# nothing is learned from are a second run. Hours of a 2-core machine; it goes on where it was stopped.
#
# Usage: tools/bench/neural-ti-lj.sh FOLDER [--set section.key=value ...]   (needs `tools/build`)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

folder=${1:?"the folder of the runs is missing: tools/bench/neural-ti-lj.sh FOLDER"}
shift
tempera=$PWD/${TEMPERA_BUILD:-build}/src/tempera
python=/usr/bin/python3

# run NAME [--set section.key=value ...]: in FOLDER/NAME, unless it is finished
run()
{
  local name=$1 ranks restart=()
  shift
  if [[ -e $folder/$name/finished ]]; then return; fi
  if [[ -e $folder/$name/used-parameters.yaml ]]; then restart=(--restart); fi
  ranks=$("$tempera" ti input/neural-ti-lj.yaml --check "$@" | sed -n 's/.*mpirun -n \([0-9]*\).*/\1/p')
  mpirun -n "$ranks" "$tempera" ti input/neural-ti-lj.yaml --set "run.folder=$folder/$name" "${restart[@]}" "$@"
}

mkdir -p "$folder"
run neural "$@"
run windows "$@" --set "ti.particles=[20,60,100,140,180]" --set ti.evaluate_interval=0 --set 'ti.evaluate=[]' --set ti.training_steps=10 --set training.steps_per_round=1 \
  --set network.width=4 --set network.depth=1 --set ti.trajectories=2 --set ti.relax_steps=0

"$python" - "$folder" <<'END'
import csv
import math
import sys

LENGTH, BETA, ALLOWED = 6.0, 0.8, 3.0
# beta F_ex by the equation of state; between 40 and 100 particles the bulk has two phases, and it says nothing of the cube
STATE = {10: -1.56, 20: -6.08, 120: -162.0, 140: -201.0, 160: -229.5, 170: -235.9, 180: -234.5, 200: -198.1}


def table(run, name):
    with open(f"{sys.argv[1]}/{run}/{name}", newline="") as file:
        return [{key: value if key == "method" else float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def pair(points=60):
    """beta F_ex of two particles in the cube: -ln of the mean of exp(-beta u) by midpoints."""
    places = [LENGTH / 2 * (i + 0.5) / points for i in range(points)]
    total = 0.0
    for x in places:
        for y in places:
            for z in places:
                inverse = 1 / (x * x + y * y + z * z)**3
                total += math.exp(-BETA * 4 * inverse * (inverse - 1))
    return -math.log(total / points**3)


windows = {}
for run in ("windows", "neural"):
    for row in table(run, "free-energy.csv"):
        if not math.isnan(row["windows"]):
            windows[round(row["num_particles"])] = (-row["windows"], row["windows_error"], row["windows_grid_error"])

worst = {"equation_of_state": -math.inf, "windows": -math.inf, "windows_beside_equation_of_state": -math.inf}
for row in table("neural", "free-energy.csv"):
    number, value, error = round(row["num_particles"]), -row["log_z"], row["error"]
    line = f"beta_f_excess_{number}: {value:.2f} +- {error:.2f} + {row['grid_error']:.2f} ({row['method']}; plain {-row['plain']:.2f} +- {row['plain_error']:.2f}"
    if number in windows:
        line += "; windows {:.2f} +- {:.2f} + {:.2f}".format(*windows[number])
        worst["windows"] = max(worst["windows"], abs(value - windows[number][0]) - math.hypot(error, windows[number][1]))
    if number in STATE:
        line += f"; equation of state {STATE[number]:.2f}"
        worst["equation_of_state"] = max(worst["equation_of_state"], abs(value - STATE[number]) - error)
        if number in windows:
            worst["windows_beside_equation_of_state"] = max(worst["windows_beside_equation_of_state"], abs(windows[number][0] - STATE[number]) - windows[number][1])
    print(line + ")")
for name, value in worst.items():
    print(f"worst_{name}: {value:.2f} beyond the statistical error ({ALLOWED:g} at most)")

# of few particles, pairs alone
few = min(table("neural", "free-energy.csv"), key=lambda row: row["num_particles"])
number = few["num_particles"]
print(f"low_density: beta F_ex of {number:g} particles {-few['log_z']:.3f} +- {few['error']:.3f}, of pairs alone {number * (number - 1) / 2 * pair():.3f}")

rows = table("neural", "chemical-potential.csv")
least = min(rows, key=lambda row: row["beta_mu_excess"])
print(f"least_beta_mu_excess: {least['beta_mu_excess']:.3f} at N = {least['num_particles']:g}")
# the curve of windows, between neighbours of them
numbers = sorted(windows)
slopes = [((windows[b][0] - windows[a][0]) / (b - a), a, b) for a, b in zip(numbers, numbers[1:])]
if slopes:
    print("least_beta_mu_excess_windows: {:.3f} between N = {} and {}".format(*min(slopes)))

# the step: where <N> rises fastest, and what a change of 0.2 in beta mu does there
isotherm = table("neural", "isotherm.csv")
mu, mean = [row["beta_mu_box"] for row in isotherm], [row["mean_num_particles"] for row in isotherm]
at = max(range(1, len(mu)), key=lambda i: mean[i] - mean[i - 1])
middle = 0.5 * (mu[at - 1] + mu[at])
near = [n for m, n in zip(mu, mean) if abs(m - middle) <= 0.1]
print(f"step_of_mean_n: {near[0]:.0f} to {near[-1]:.0f} within 0.1 of beta mu = {middle:.2f} (unit of length: the box), {middle - 3 * math.log(LENGTH):.2f} (sigma)")
END
