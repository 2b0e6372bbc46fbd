#!/usr/bin/env bash
# How far do a few pictures get? Makes the table in docs/guide/own-pictures.md: 10, 30 and 90 photographs per class, trained from scratch, on
# frozen ImageNet features, and fine-tuned, with and without CutMix, three seeds. About two hours on two cores; resumes where it was stopped.
# Needs the ImageNet weights (see the guide). Usage: few.sh FOLDER [PATCHWORK...]
set -euo pipefail
out=${1:?a folder for the runs}
shift
patchwork=("${@:-patchwork}")
compare() { # name, flags...
  local name=$1
  shift
  "${patchwork[@]}" compare --dataset clothing --methods baseline,cutmix --seeds 3 --flip --quiet --markdown --out "$out/$name" "$@" > "$out/$name.md"
}
mkdir -p "$out"
epochs_from_nothing=([10]=200 [30]=100 [90]=60)
epochs=([10]=24 [30]=12 [90]=6)
for each in 10 30 90; do
  compare "nothing-$each" --per-class "$each" --model resnet8 --image-size 32 --epochs "${epochs_from_nothing[$each]}"
done
for each in 10 30 90; do
  compare "frozen-$each" --per-class "$each" --weights imagenet --image-size 112 --freeze --epochs "${epochs[$each]}"
  compare "tuned-$each" --per-class "$each" --weights imagenet --image-size 112 --freeze-epochs 2 --layer-decay 0.5 --epochs "${epochs[$each]}"
done
