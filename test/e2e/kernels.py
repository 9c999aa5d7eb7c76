"""Contraction and convolution kernels against ONNX Runtime and numpy, on random shapes."""
import argparse
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from host_cpu import choose_targets
from mlir_function import TARGETS, VNNI_TARGETS, call, compile_function, memref_type

LANES = {"sse2": 4, "avx2": 8, "avx512": 16, "vnni": 16}
GROUPS = {"vnni": (4, np.int8)}  # bytes packed together; pairs of 16-bit integers elsewhere


def panel_width(lanes, n):
    return lanes if n <= lanes else 2 * lanes


def pack_text(source, packed, name, op, attributes, dynamic=()):
    s, p = memref_type(source, dynamic), memref_type(packed, () if not dynamic else (packed.ndim - 3, packed.ndim - 2))
    return f"  kernel.{op}(%{name}, %{name}p) {attributes} : ({s}, {p}) -> ()\n", p


def make_function(arguments, body):
    names = ", ".join(f"%{n}: {t}" for n, t in arguments)
    return f"func.func @f({names}) attributes {{llvm.emit_c_interface}} {{\n{body}  return\n}}\n"


def contract_case(rng, target):
    lanes = LANES[target]
    batch = [(), (), (3,), (2, 3)][rng.integers(4)]
    m, n, k = (int(rng.integers(1, 40)), int(rng.integers(1, 90)), int(rng.integers(1, 40)))
    transposed, dynamic = bool(rng.integers(2)), bool(rng.integers(2))
    lhs_batch = tuple(b if rng.integers(4) else 1 for b in batch)
    rhs_batch = tuple(b if rng.integers(4) else 1 for b in batch)
    lhs = rng.standard_normal(lhs_batch + (m, k)).astype(np.float32)
    rhs = rng.standard_normal(rhs_batch + ((n, k) if transposed else (k, n))).astype(np.float32)
    bias = rng.standard_normal((n,)).astype(np.float32)
    width = panel_width(lanes, n if not dynamic else 1 << 30)
    packed = np.full(rhs_batch + (-(-n // width), k, width), np.nan, np.float32)
    out = np.full(batch + (m, n), np.nan, np.float32)
    r = len(batch)
    dyn = lambda a: (a.ndim - 2, a.ndim - 1) if dynamic else ()
    lt, rt, bt, ot = (memref_type(lhs, dyn(lhs)), memref_type(rhs, dyn(rhs)), memref_type(bias, (0,) if dynamic else ()),
                      memref_type(out, dyn(out)))
    pt = memref_type(packed, (r, r + 1) if dynamic else ())
    dims = ", ".join(f"d{i}" for i in range(r + 2))
    body = f"  kernel.pack_matrix(%rhs, %packed) {'{transposed}' if transposed else ''} : ({rt}, {pt}) -> ()\n"
    body += (f"  kernel.contract(%lhs, %packed, %bias, %out) attributes {{epilogue_maps = [affine_map<({dims}) -> (d{r + 1})>]}} {{\n"
             "  ^bb0(%acc: f32, %b: f32):\n    %z = arith.constant 0.0 : f32\n    %s = arith.addf %acc, %b : f32\n"
             "    %p = arith.cmpf ogt, %s, %z : f32\n    %v = arith.select %p, %s, %z : f32\n    kernel.yield %v : f32\n"
             f"  }} : ({lt}, {pt}, {bt}, {ot}) -> ()\n")
    text = make_function([("lhs", lt), ("rhs", rt), ("bias", bt), ("packed", pt), ("out", ot)], body)
    expected = np.maximum(lhs.astype(np.float64) @ (rhs.astype(np.float64).swapaxes(-1, -2) if transposed
                                                    else rhs.astype(np.float64)) + bias, 0)
    label = f"contract {lhs.shape} {rhs.shape} transposed={transposed} dynamic={dynamic}"
    return label, text, (lhs, rhs, bias, packed, out), expected


def reference_conv(x, w, bias, attributes, transposed):
    op = "ConvTranspose" if transposed else "Conv"
    tensors = [helper.make_tensor_value_info(n, 1, a.shape) for n, a in (("x", x), ("w", w), ("b", bias))]
    graph = helper.make_graph([helper.make_node(op, ["x", "w", "b"], ["y"], **attributes)], "g", tensors,
                              [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x, "w": w, "b": bias})[0]


def conv_case(rng, target):
    lanes = LANES[target]
    while True:
        spatial = int(rng.integers(1, 4))
        transposed, dynamic = bool(rng.integers(3) == 0), bool(rng.integers(3) == 0)
        groups = int(rng.choice([1, 1, 2, 3]))
        cin, cout = groups * int(rng.integers(1, 9)), groups * int(rng.integers(1, 45))
        size = [int(rng.integers(1, 6)) for _ in range(spatial)]
        extent = [int(rng.integers(1, 34 if spatial < 3 else 8)) for _ in range(spatial)]
        strides = [int(rng.integers(1, 4)) for _ in range(spatial)]
        dilations = [int(rng.integers(1, 4)) for _ in range(spatial)]
        begin = [int(rng.integers(0, 4)) for _ in range(spatial)]
        end = [int(rng.integers(0, 4)) for _ in range(spatial)]
        if spatial == 1 and rng.integers(2):  # signals: long windows, wide edges
            size, extent = [int(rng.integers(17, 150))], [int(rng.integers(1, 400))]
            begin, end = [int(rng.integers(0, size[0]))], [int(rng.integers(0, size[0]))]
        reach = [d * (s - 1) + 1 for d, s in zip(dilations, size)]
        if transposed:
            out = [s * (e - 1) + r - b - f for s, e, r, b, f in zip(strides, extent, reach, begin, end)]
        else:
            out = [(e + b + f - r) // s + 1 if e + b + f >= r else 0
                   for s, e, r, b, f in zip(strides, extent, reach, begin, end)]
        if min(out) > 0:
            break
    n = int(rng.integers(1, 3))
    x = rng.standard_normal([n, cin] + extent).astype(np.float32)
    w = rng.standard_normal(([cin, cout // groups] if transposed else [cout, cin // groups]) + size).astype(np.float32)
    bias = rng.standard_normal(cout).astype(np.float32)
    attributes = dict(strides=strides, dilations=dilations, pads=begin + end, group=groups)
    expected = np.moveaxis(reference_conv(x, w, bias, attributes, transposed), 1, -1)
    assert list(expected.shape[1:-1]) == out, (expected.shape, out)
    width = panel_width(lanes, cout // groups)
    packed = np.full([groups, -(-(cout // groups) // width)] + size + [cin // groups, width], np.nan, np.float32)
    xl = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    y = np.full(expected.shape, np.nan, np.float32)
    dyn = tuple(range(spatial + 1)) if dynamic else ()
    it, wt, pt, bt, ot = memref_type(xl, dyn), memref_type(w), memref_type(packed), memref_type(bias), memref_type(y, dyn)
    array = lambda v: "array<i64: " + ", ".join(map(str, v)) + ">"
    dims = ", ".join(f"d{i}" for i in range(spatial + 2))
    flag = ", transposed" if transposed else ""
    body = f"  kernel.pack_filter(%w, %packed) {{groups = {groups} : i64{flag}}} : ({wt}, {pt}) -> ()\n"
    body += (f"  kernel.conv(%x, %packed, %bias, %out) attributes {{strides = {array(strides)}, dilations = {array(dilations)}, "
             f"pads_begin = {array(begin)}, pads_end = {array(end)}{flag}, epilogue_maps = [affine_map<({dims}) -> (d{spatial + 1})>]}} {{\n"
             "  ^bb0(%acc: f32, %b: f32):\n    %s = arith.addf %acc, %b : f32\n    kernel.yield %s : f32\n"
             f"  }} : ({it}, {pt}, {bt}, {ot}) -> ()\n")
    text = make_function([("x", it), ("w", wt), ("bias", bt), ("packed", pt), ("out", ot)], body)
    label = f"conv in={xl.shape} w={w.shape} {attributes} transposed={transposed} dynamic={dynamic}"
    return label, text, (xl, w, bias, packed, y), expected


def pack_group(matrix, width, target):
    """[..., K, N] of int8 as [..., N / width, K / group, width * group]."""
    group, dtype = GROUPS.get(target, (2, np.int16))
    *batch, k, n = matrix.shape
    padded = np.zeros((*batch, k, -(-n // width) * width), dtype)
    padded[..., :n] = matrix
    panels = padded.reshape(*batch, k // group, group, -1, width)
    return np.ascontiguousarray(np.moveaxis(panels, [-2, -4, -1, -3], [-4, -3, -2, -1])).reshape(
        *batch, padded.shape[-1] // width, k // group, width * group)


def integer_contract_case(rng, target):
    batch = [(), (), (3,)][rng.integers(3)]
    m, n, k = int(rng.integers(1, 40)), int(rng.integers(1, 90)), 4 * int(rng.integers(1, 40))
    lhs = rng.integers(0, 256, batch + (m, k)).astype(np.uint8)
    rhs = rng.integers(-128, 128, batch + (k, n)).astype(np.int8)
    packed = pack_group(rhs, panel_width(LANES[target], n), target)
    out = np.full(batch + (m, n), 77, np.int32)
    lt, pt, ot = memref_type(lhs.view(np.int8)), memref_type(packed), memref_type(out)
    body = (f"  kernel.contract(%lhs, %packed, %out) attributes {{epilogue_maps = []}} {{\n"
            f"  ^bb0(%acc: i32):\n    kernel.yield %acc : i32\n  }} : ({lt}, {pt}, {ot}) -> ()\n")
    text = make_function([("lhs", lt), ("packed", pt), ("out", ot)], body)
    expected = lhs.astype(np.int64) @ rhs.astype(np.int64)
    return f"integer contract {lhs.shape} {rhs.shape}", text, (lhs, packed, out), expected


def integer_conv_case(rng, target):
    groups, spatial = int(rng.choice([1, 1, 2])), int(rng.integers(1, 3))
    channels, outputs = 4 * int(rng.integers(1, 6)), int(rng.integers(1, 45))
    size = [int(rng.integers(1, 4)) for _ in range(spatial)]
    extent = [int(rng.integers(4, 30)) for _ in range(spatial)]
    strides = [int(rng.integers(1, 3)) for _ in range(spatial)]
    begin, end = ([int(rng.integers(0, 2)) for _ in range(spatial)] for _ in range(2))
    x = rng.integers(0, 256, [2, groups * channels] + extent).astype(np.uint8)
    w = rng.integers(-128, 128, [groups * outputs, channels] + size).astype(np.int8)
    # Exact in floats: fewer than 2^24 / 2^15 products.
    expected = np.moveaxis(reference_conv(x.astype(np.float32), w.astype(np.float32),
                                          np.zeros(groups * outputs, np.float32),
                                          dict(strides=strides, pads=begin + end, group=groups), False), 1, -1)
    matrix = np.moveaxis(w.reshape([groups, outputs, channels] + size), [1, 2], [-1, -2])  # [G, K..., C, OC]
    packed = pack_group(matrix, panel_width(LANES[target], outputs), target)  # [G, K..., OC / nr, C / g, nr * g]
    packed = np.ascontiguousarray(np.moveaxis(packed, -3, 1))
    xl = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    y = np.full(expected.shape, 77, np.int32)
    it, pt, ot = memref_type(xl.view(np.int8)), memref_type(packed), memref_type(y)
    array = lambda v: "array<i64: " + ", ".join(map(str, v)) + ">"
    body = (f"  kernel.conv(%x, %packed, %out) attributes {{strides = {array(strides)}, dilations = {array([1] * spatial)}, "
            f"pads_begin = {array(begin)}, pads_end = {array(end)}, epilogue_maps = []}} {{\n"
            f"  ^bb0(%acc: i32):\n    kernel.yield %acc : i32\n  }} : ({it}, {pt}, {ot}) -> ()\n")
    text = make_function([("x", it), ("packed", pt), ("out", ot)], body)
    return f"integer conv {xl.shape} {w.shape} {strides} {begin} {end} {groups}", text, (xl, packed, y), expected


def check(label, text, arrays, expected, target, passes="func.func(convert-kernel-to-vector)"):
    library = compile_function(text, passes, target)
    call(library, "f", *arrays)
    error = np.max(np.abs(arrays[-1] - expected), initial=0) / max(1e-30, np.max(np.abs(expected), initial=0))
    if not error < 1e-5 or (arrays[-1].dtype.kind == "i" and error != 0):
        print(f"FAIL {target} {label}: error {error}")
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=8, help="per kernel and target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    passed = failed = skipped = 0
    floats, integers = (contract_case, conv_case), (integer_contract_case, integer_conv_case)
    for all_targets, makers in ((TARGETS, floats), ([*TARGETS, *VNNI_TARGETS], integers)):
        targets, missing = choose_targets(all_targets, len(makers) * arguments.cases)
        skipped += missing
        for target in targets:
            rng = np.random.default_rng(arguments.seed)
            for make in makers:
                for _ in range(arguments.cases):
                    ok = check(*make(rng, target), target)
                    passed, failed = passed + ok, failed + (not ok)
    print(f"kernels: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
