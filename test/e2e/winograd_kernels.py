"""Winograd's kernels against ONNX Runtime's convolution, on random shapes: odd extents, channels and pads, with a residual in
the epilogue. The largest error is at most 3e-6 (tiles of 2) or 2e-5 (tiles of 4) of the largest magnitude."""
import argparse
import sys

import numpy as np
import onnxruntime

from host_cpu import choose_targets
from kernels import LANES, make_function, panel_width, reference_conv
from mlir_function import TARGETS, call, compile_function, memref_type

BOUNDS = {2: 3e-6, 4: 2e-5}


def array_attribute(values):
    return "array<i64: " + ", ".join(map(str, values)) + ">"


def make_case(rng, target, tile):
    """(label, text, arrays, expected)"""
    while True:
        extent = [int(rng.integers(1, 40)) for _ in range(2)]
        begin, end = ([int(rng.integers(0, 4)) for _ in range(2)] for _ in range(2))
        out = [e + b + f - 2 for e, b, f in zip(extent, begin, end)]
        if min(out) > 0:
            break
    n, cin, cout = int(rng.integers(1, 3)), int(rng.integers(1, 70)), int(rng.integers(1, 70))
    x = rng.standard_normal([n, cin] + extent).astype(np.float32)
    w = rng.standard_normal([cout, cin, 3, 3]).astype(np.float32)
    bias = rng.standard_normal(cout).astype(np.float32)
    plain = reference_conv(x, w, bias, {"pads": begin + end}, transposed=False)
    residual = rng.standard_normal([n] + out + [cout]).astype(np.float32)
    expected = np.maximum(np.moveaxis(plain, 1, -1) + residual, 0)
    width = panel_width(LANES[target], cout)
    packed = np.full([(tile + 2) ** 2, -(-cout // width), cin, width], np.nan, np.float32)
    xl, y = np.ascontiguousarray(np.moveaxis(x, 1, -1)), np.full(expected.shape, np.nan, np.float32)
    dynamic = ((), (0,), (1, 2), (0, 1, 2))[rng.integers(4)]
    xt, yt, rt = (memref_type(a, dynamic) for a in (xl, y, residual))
    wt, pt, bt = memref_type(w), memref_type(packed), memref_type(bias)
    maps = "[affine_map<(a, b, c, d) -> (d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>]"
    body = (f"  kernel.pack_winograd(%w, %packed) {{tile = {tile} : i64}} : ({wt}, {pt}) -> ()\n"
            f"  kernel.winograd(%x, %packed, %bias, %residual, %out) attributes {{tile = {tile} : i64, "
            f"pads_begin = {array_attribute(begin)}, pads_end = {array_attribute(end)}, epilogue_maps = {maps}}} {{\n"
            "  ^bb0(%acc: f32, %b: f32, %r: f32):\n    %z = arith.constant 0.0 : f32\n    %s = arith.addf %acc, %b : f32\n"
            "    %t = arith.addf %s, %r : f32\n    %v = arith.maxnumf %t, %z : f32\n    kernel.yield %v : f32\n"
            f"  }} : ({xt}, {pt}, {bt}, {rt}, {yt}) -> ()\n")
    text = make_function([("x", xt), ("w", wt), ("bias", bt), ("residual", rt), ("packed", pt), ("out", yt)], body)
    label = f"tile {tile}, input {xl.shape}, dynamic {dynamic}, {cout} outputs, pads {begin} {end}"
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
    parser.add_argument("--cases", type=int, default=6, help="per tile and target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    counts = [0, 0]
    targets, skipped = choose_targets(TARGETS, len(BOUNDS) * arguments.cases)
    for target in targets:
        rng = np.random.default_rng(arguments.seed)
        for tile, bound in BOUNDS.items():
            for _ in range(arguments.cases):
                counts[not check(*make_case(rng, target, tile), target, bound)] += 1
    print(f"winograd: {counts[0]} passed, {counts[1]} failed, {skipped} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
