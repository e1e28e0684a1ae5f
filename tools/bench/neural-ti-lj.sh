#!/usr/bin/env bash
# The Lennard-Jones fluid of input/neural-ti-lj.yaml, and its beta F_ex beside the equation of state of Thol et al. (2016) less the tail beyond the cube's
# nearest images, and beside the run's own windows. A day on a workstation; it goes on where it was stopped.
#
# Usage: tools/bench/neural-ti-lj.sh FOLDER [--set section.key=value ...]   (needs `tools/build`)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

folder=${1:?"the folder of the run is missing: tools/bench/neural-ti-lj.sh FOLDER"}
shift
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
restart=()
if [[ -e $folder/used-parameters.yaml ]]; then restart=(--restart); fi
ranks=$(build/src/tempera ti input/neural-ti-lj.yaml --check "$@" | sed -n 's/.*mpirun -n \([0-9]*\).*/\1/p')
mpirun -n "$ranks" build/src/tempera ti input/neural-ti-lj.yaml --set "run.folder=$folder" "${restart[@]}" "$@"

# N, beta F_ex; between 40 and 100 particles the bulk has two phases, and the equation of state says nothing of the cube
awk -F, -v table="10 -1.56 20 -6.08 120 -162.0 140 -201.0 160 -229.5 170 -235.9 180 -234.5 200 -198.1" '
  BEGIN { n = split(table, field, " "); for (i = 1; i < n; i += 2) state[field[i]] = field[i + 1] }
  NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
  {
    number = $column["num_particles"]; value = -$column["log_z"]; error = $column["error"]
    if (number in state) {
      difference = value - state[number]
      printf "beta_f_excess_%d: %.2f +- %.2f (equation of state %.2f)\n", number, value, error, state[number]
      if (difference < 0) difference = -difference
      if (difference > worst) worst = difference
    }
    if ($column["windows"] != "nan" && $column["windows"] != "-nan") {
      difference = value + $column["windows"]
      if (difference < 0) difference = -difference
      if (difference > worst_windows) worst_windows = difference
    }
  }
  END { printf "worst_against_equation_of_state: %.2f\nworst_against_windows: %.2f\n", worst, worst_windows }
' "$folder/free-energy.csv"
