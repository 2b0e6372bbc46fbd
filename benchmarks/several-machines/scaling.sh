#!/usr/bin/env bash
# Two ranks of one thread against two processes of one thread that know nothing of each other, five interleaved pairs: ResNet-20 in float32,
# a global batch of 128 images, 64 in each process. Prints images/s of both, their ratio and the share of time in exchanges.
#     benchmarks/several-machines/scaling.sh [--mca btl tcp,self]
# What is given is passed on to mpirun. Needs Open MPI, two cores that are idle, and a Release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
patchwork=(dotnet src/Patchwork.Cli/bin/Release/net10.0/Patchwork.Cli.dll)
flags=(train --model resnet20 --precision float32 --per-class 100 --epochs 7 --threads 1 --quiet)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# Of the epochs but the first, in which code is compiled and memory taken: the mean of a metric, or the largest value, of the epoch that was
# least disturbed.
mean() { tail -n +2 "$1/metrics.jsonl" | sed -E "s/.*\"$2\":([^,}]*).*/\1/" | awk '{ sum += $1 } END { print sum / NR }'; }
best() { tail -n +2 "$1/metrics.jsonl" | sed -E "s/.*\"$2\":([^,}]*).*/\1/" | sort -g | tail -n 1; }
for pair in ${PAIRS:-1 2 3 4 5}; do
  mpirun.openmpi -n 2 "$@" "${patchwork[@]}" "${flags[@]}" --batch-size 128 --out "$work/ranks$pair" > /dev/null
  "${patchwork[@]}" "${flags[@]}" --batch-size 64 --out "$work/one$pair" > /dev/null & first=$!
  "${patchwork[@]}" "${flags[@]}" --batch-size 64 --out "$work/two$pair" > /dev/null
  wait $first
  for of in mean best; do
    awk -v of=$of -v ranks="$($of "$work/ranks$pair" images_per_second)" -v one="$($of "$work/one$pair" images_per_second)" \
      -v two="$($of "$work/two$pair" images_per_second)" -v share="$(mean "$work/ranks$pair" exchange_wait)" 'BEGIN {
      printf "%s: ranks %.1f images/s, two processes %.1f, ratio %.3f, exchanges %.1f %% of the time\n",
        of, ranks, one + two, ranks / (one + two), 100 * share }'
  done
done
