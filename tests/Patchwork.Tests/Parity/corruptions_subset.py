"""Makes vectors/corruptions.json, a subset of the recorded corruptions.json, which is too large to keep: python3 corruptions_subset.py WHOLE SUBSET [--all]

The subset has the draws and the outputs for image 0, for every kind and severity, as base64 of the bytes (row, column, channel), and the first rows of the values
before truncation. With --all it has both images and all rows; the tests pass on that file too.
"""
import base64
import json
import sys

ROWS = 6


def flat(nested):
    return [value for inner in nested for value in flat(inner)] if isinstance(nested, list) else [nested]


def packed(nested):
    return base64.b64encode(bytes(flat(nested))).decode()


whole = json.load(open(sys.argv[1]))
every = "--all" in sys.argv
subset = {
    "source": "hendrycks/robustness 8190fe3, ImageNet-C/create_c/make_cifar_c.py",
    "versions": whole["versions"],
    "images": [packed(one["pixels"]) for one in whole["images"]],
    "normal_noise": [one["z"] for one in whole["normal_noise"]],
    "impulse_uniforms": [{key: one[key] for key in one if key != "image"} for one in whole["impulse_uniforms"]],
    "poisson_counts": [one for one in whole["poisson_counts"]],
    "defocus_kernels": whole["defocus_kernels"],
    "cases": [dict(one, output=packed(one["output"])) for one in whole["cases"]],
    "float_outputs": [dict(one, values=one["values"] if every else one["values"][:ROWS]) for one in whole["float_outputs"]],
}
if not every:
    for draws in ("images", "normal_noise", "impulse_uniforms"):
        subset[draws] = subset[draws][:1]
    for part in ("poisson_counts", "cases"):
        subset[part] = [one for one in subset[part] if one["image"] == 0]
json.dump(subset, open(sys.argv[2], "w"), separators=(",", ":"))
