#!/usr/bin/env bash
# What learning an energy through its gradient costs: beside a score network's step of the same size, and beside the same networks in PyTorch with create_graph
# (Debian: python3-torch), in turns, one thread. Processor time, medians; each turn is a process of its own.
#
# Usage: tools/bench/energy.sh [TURNS]   (default 3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

turns=${1:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

has_torch=no
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then has_torch=yes; fi
for ((i = 0; i < turns; ++i)); do
  for kind in mlp fluid; do
    build/tests/bench/bench-energy $kind 30 >>"$folder/$kind"
    if [[ $has_torch == yes ]]; then /usr/bin/python3 tools/bench/energy-torch.py $kind 15 >>"$folder/$kind"; fi
  done
done

# median NAME KIND
median()
{
  awk -v name="$1:" '$1 == name { print $2 }' "$folder/$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio NAME A B
ratio()
{
  awk -v name="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%s: %.2f\n", name, a / b }'
}

for kind in mlp fluid; do
  for name in sample_ms step_ms; do echo "${kind}_$name: $(median $name $kind)"; done
done
echo "mlp_first_order_ms: $(median first_order_ms mlp)"
ratio second_order_cost "$(median step_ms mlp)" "$(median first_order_ms mlp)"
ratio fluid_step_over_sample "$(median step_ms fluid)" "$(median sample_ms fluid)"
if [[ $has_torch == yes ]]; then
  echo "torch: $(median torch mlp)"
  for kind in mlp fluid; do
    for name in torch_sample_ms torch_step_ms; do echo "${kind}_$name: $(median $name $kind)"; done
    ratio "energy_step_ratio_$kind" "$(median torch_step_ms $kind)" "$(median step_ms $kind)"
    ratio "energy_sample_ratio_$kind" "$(median torch_sample_ms $kind)" "$(median sample_ms $kind)"
  done
  ratio energy_step_ratio "$(median torch_step_ms fluid)" "$(median step_ms fluid)"
  ratio energy_sample_ratio "$(median torch_sample_ms fluid)" "$(median sample_ms fluid)"
fi
