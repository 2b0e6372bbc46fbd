#!/usr/bin/env bash
# Does CutMix help when images have several labels? Makes the row in docs/guide/own-pictures.md: pictures of two or three items of clothing
# among clutter (benchmarks/SeveralItems); baseline, CutMix, and CutMix with the labels of both images; three seeds. About 25 minutes on two
# cores; resumes where it was stopped. Usage: several.sh FOLDER [PATCHWORK...]
set -euo pipefail
out=${1:?a folder for the pictures and the runs}
shift
patchwork=("${@:-patchwork}")
here=$(dirname "$0")
[ -e "$out/pictures/labels.csv" ] || {
  dotnet run -c Release --project "$here/../SeveralItems" -- "$out/writing"
  mv "$out/writing" "$out/pictures"
}
compare() { # name, flags...
  local name=$1
  shift
  "${patchwork[@]}" compare --dataset list --data "$out/pictures/labels.csv" --image-size 48 --model resnet8 --epochs 30 --flip --seeds 3 \
    --evaluate clean --quiet --markdown --out "$out/$name" "$@" > "$out/$name.md"
}
compare lambda --methods baseline,cutmix
compare union --methods cutmix --union-labels
