#!/usr/bin/env bash
# Time of a training step of the U-Net in the paper's setting on one thread: beside the processor's peak of fused multiply-adds, and beside
# PyTorch if it is installed (Debian: python3-torch), in turns. Processor time, medians; each turn is a process of its own.
#
# Usage: tools/bench/train.sh [BATCH [TURNS]]   (default 128 and 3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tools/environment.sh

batch=${1:-128}
turns=${2:-3}
bench=build/tests/bench/bench-network
python=/usr/bin/python3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

for ((i = 0; i < turns; ++i)); do
  "$bench" unet1d "$batch" 7 >>"$folder/ours"
  if "$python" -c 'import torch' 2>/dev/null; then tools/make-unet-reference.py --time "$batch" 5 >>"$folder/torch"; fi
done

# median NAME FILE
median()
{
  awk -v name="$1:" '$1 == name { print $2 }' "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

echo "kernels: $(median kernels "$folder/ours")"
echo "batch: $batch"
for name in fma_peak_gflops fma_share forward_fma_share; do echo "$name: $(median $name "$folder/ours")"; done
for name in step_ms step_wall_ms forward_ms; do echo "unet_$name: $(median $name "$folder/ours")"; done
if [[ -e $folder/torch ]]; then
  echo "torch: $(median torch "$folder/torch")"
  for name in torch_step_ms torch_step_wall_ms torch_forward_ms; do echo "$name: $(median $name "$folder/torch")"; done
  awk -v ours="$(median step_ms "$folder/ours")" -v torch="$(median torch_step_ms "$folder/torch")" 'BEGIN { printf "unet_step_ratio: %.2f\n", torch / ours }'
  awk -v ours="$(median forward_ms "$folder/ours")" -v torch="$(median torch_forward_ms "$folder/torch")" 'BEGIN { printf "unet_forward_ratio: %.2f\n", torch / ours }'
fi
