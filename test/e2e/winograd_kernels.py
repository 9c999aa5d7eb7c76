"""Winograd's kernels against ONNX Runtime's convolution, on random shapes: odd extents, channels and pads, with a residual in
the epilogue. The largest error is at most 3e-6 (transforms of four points) or 2e-5 (of six) of the largest magnitude."""
import argparse
import sys

import numpy as np
import onnxruntime

from host_cpu import choose_targets
from kernels import LANES, make_function, panel_width, reference_conv
from mlir_function import TARGETS, call, compile_function, memref_type

BOUNDS = {4: 3e-6, 6: 2e-5}
# Tile and window, in rows and columns.
FORMS = (((2, 2), (3, 3)), ((4, 4), (3, 3)), ((2, 4), (3, 3)), ((4, 1), (3, 1)), ((1, 2), (1, 3)), ((2, 2), (5, 5)), ((1, 2), (1, 5)),
         ((4, 2), (3, 5)))


def array_attribute(values):
    return "array<i64: " + ", ".join(map(str, values)) + ">"


def points(tile, window):
    return (tile[0] + window[0] - 1) * (tile[1] + window[1] - 1)


def make_case(rng, target, tile, window):
    """(label, text, arrays, expected)"""
    while True:
        extent = [int(rng.integers(1, 40)) for _ in range(2)]
        begin, end = ([int(rng.integers(0, 4)) for _ in range(2)] for _ in range(2))
        out = [e + b + f - taps + 1 for e, b, f, taps in zip(extent, begin, end, window)]
        if min(out) > 0:
            break
    n, cin, cout = int(rng.integers(1, 3)), int(rng.integers(1, 70)), int(rng.integers(1, 70))
    x = rng.standard_normal([n, cin] + extent).astype(np.float32)
    w = rng.standard_normal((cout, cin, *window)).astype(np.float32)
    bias = rng.standard_normal(cout).astype(np.float32)
    plain = reference_conv(x, w, bias, {"pads": begin + end}, transposed=False)
    residual = rng.standard_normal([n] + out + [cout]).astype(np.float32)
    expected = np.maximum(np.moveaxis(plain, 1, -1) + residual, 0)
    # Filters for several CPUs are packed for the widest vectors.
    width = panel_width(LANES[target], cout) * int(rng.choice([1, 1, 4]))
    packed = np.full([points(tile, window), -(-cout // width), cin, width], np.nan, np.float32)
    xl, y = np.ascontiguousarray(np.moveaxis(x, 1, -1)), np.full(expected.shape, np.nan, np.float32)
    dynamic = ((), (0,), (1, 2), (0, 1, 2))[rng.integers(4)]
    xt, yt, rt = (memref_type(a, dynamic) for a in (xl, y, residual))
    wt, pt, bt = memref_type(w), memref_type(packed), memref_type(bias)
    maps = "[affine_map<(a, b, c, d) -> (d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>]"
    body = (f"  kernel.pack_winograd(%w, %packed) {{tile = {array_attribute(tile)}}} : ({wt}, {pt}) -> ()\n"
            f"  kernel.winograd(%x, %packed, %bias, %residual, %out) attributes {{tile = {array_attribute(tile)}, "
            f"window = {array_attribute(window)}, pads_begin = {array_attribute(begin)}, pads_end = {array_attribute(end)}, epilogue_maps = {maps}}} {{\n"
            "  ^bb0(%acc: f32, %b: f32, %r: f32):\n    %z = arith.constant 0.0 : f32\n    %s = arith.addf %acc, %b : f32\n"
            "    %t = arith.addf %s, %r : f32\n    %v = arith.maxnumf %t, %z : f32\n    kernel.yield %v : f32\n"
            f"  }} : ({xt}, {pt}, {bt}, {rt}, {yt}) -> ()\n")
    text = make_function([("x", xt), ("w", wt), ("bias", bt), ("residual", rt), ("packed", pt), ("out", yt)], body)
    label = f"tile {tile}, window {window}, input {xl.shape}, dynamic {dynamic}, {cout} outputs in panels of {width}, pads {begin} {end}"
    return label, text, (xl, w, bias, residual, packed, y), expected


def check(label, text, arrays, expected, target, bound):
    library = compile_function(text, "func.func(convert-kernel-to-vector)", target)
    call(library, "f", *arrays)
    error = np.max(np.abs(arrays[-1] - expected)) / np.max(np.abs(expected))
    if error < bound:
        return True
    print(f"FAIL {target} {label}: error {error}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=6, help="per form and target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    counts = [0, 0]
    targets, skipped = choose_targets(TARGETS, len(FORMS) * arguments.cases)
    for target in targets:
        rng = np.random.default_rng(arguments.seed)
        for tile, window in FORMS:
            bound = BOUNDS[max(m + r - 1 for m, r in zip(tile, window))]
            for _ in range(arguments.cases):
                counts[not check(*make_case(rng, target, tile, window), target, bound)] += 1
    print(f"winograd: {counts[0]} passed, {counts[1]} failed, {skipped} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
