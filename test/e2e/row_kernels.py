"""Pooling, depthwise convolution, softmax, norms and reductions against numpy, on random shapes.

All cases of one target are one module, so that the tools start once. ONNX Runtime checks the pooling reference.
"""
import argparse
import itertools
import sys

import numpy as np
import onnxruntime
from onnx import helper

from host_cpu import choose_targets
from mlir_function import TARGETS, call, compile_function, memref_type

ELEMENT = {"float32": "f32", "float64": "f64", "float16": "f16", "int64": "i64", "int32": "i32", "int8": "i8"}
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3}


class Case:
    """One kernel call: its operands (the last is the destination), what it must compute, and its text."""

    def __init__(self, rng, label, op, inputs, shape, dtype, attributes, expected):
        self.label, self.op, self.attributes = label, op, attributes
        self.rank, element = len(shape), ELEMENT[np.dtype(dtype).name]
        self.arrays, self.expected, self.element = list(inputs), expected, element
        self.maps, self.body = [], f"  ^bb0(%acc: {element}):\n    kernel.yield %acc : {element}\n"
        if rng.integers(2) and element[0] == "f" and self.rank:
            self.addEpilogue(rng, shape, dtype)
        self.arrays.append(np.full(shape, 77, dtype))
        # A dimension is static or not in each operand on its own.
        share = rng.choice([0, 0, 0.5, 1])
        self.dynamic = [tuple(d for d in range(a.ndim) if rng.random() < share) for a in self.arrays]
        if op == "depthwise":
            self.dynamic[1] = ()
        self.label += f" epilogue={len(self.maps)} dynamic={self.dynamic}"

    def addEpilogue(self, rng, shape, dtype):
        """Adds a tensor that is broadcast along a random set of dimensions, and one of the destination's shape."""
        kept = [d for d in range(self.rank) if rng.integers(2)]
        bias = rng.standard_normal([shape[d] for d in kept]).astype(dtype)
        other = rng.standard_normal(shape).astype(dtype)
        self.arrays += [bias, other]
        dims = ", ".join(f"d{i}" for i in range(self.rank))
        self.maps = [f"affine_map<({dims}) -> ({', '.join(f'd{d}' for d in kept)})>", f"affine_map<({dims}) -> ({dims})>"]
        e = self.element
        self.body = (f"  ^bb0(%acc: {e}, %bias: {e}, %other: {e}):\n    %s = arith.addf %acc, %bias : {e}\n"
                     f"    %p = arith.mulf %s, %other : {e}\n    kernel.yield %p : {e}\n")
        spread = bias.reshape([shape[d] if d in kept else 1 for d in range(self.rank)]).astype(np.float64)
        with np.errstate(all="ignore"):
            self.expected = (self.expected + spread) * other.astype(np.float64)

    def getText(self, name):
        types = [memref_type(a, d) for a, d in zip(self.arrays, self.dynamic)]
        arguments = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types))
        operands = ", ".join(f"%a{i}" for i in range(len(types)))
        return (f"func.func @{name}({arguments}) attributes {{llvm.emit_c_interface}} {{\n"
                f"  kernel.{self.op}({operands}) attributes {{{self.attributes}epilogue_maps = [{', '.join(self.maps)}]}} {{\n"
                f"{self.body}  }} : ({', '.join(types)}) -> ()\n  return\n}}\n")

    def getError(self):
        """Largest error relative to the largest finite value; infinite where NaN or infinities are not the same."""
        got, want = self.arrays[-1].astype(np.float64), self.expected.astype(np.float64)
        if got.shape != want.shape or not np.array_equal(np.isnan(got), np.isnan(want)):
            return np.inf
        infinite = np.isinf(want) | np.isinf(got)
        if not np.array_equal(got[infinite], want[infinite]):
            return np.inf
        finite = np.isfinite(want)
        scale = max(1e-30, np.max(np.abs(want[finite]), initial=0))
        return np.max(np.abs(got[finite] - want[finite]), initial=0) / scale

    def isRight(self):
        return self.getError() <= TOLERANCE.get(self.arrays[-1].dtype.name, 0)


def array(values):
    return "array<i64: " + ", ".join(map(str, values)) + ">"


def pick(rng, values):
    return values[rng.integers(len(values))]


#===--- Windows ---===#


def randomWindows(rng, ceil_modes):
    """Extents, window, strides, dilations, pads and output extents; every window begins inside input + pads_begin."""
    while True:
        n = int(rng.integers(1, 4))
        draw = lambda low, high: [int(rng.integers(low, high)) for _ in range(n)]
        extent, size = draw(1, (40, 20, 7)[n - 1]), draw(1, (9, 6, 4)[n - 1])
        strides, dilations = draw(1, 4), draw(1, 3)
        if n == 1 and rng.integers(2):  # signals: long windows, wide edges
            extent, size = draw(1, 300), draw(17, 100)
        if rng.integers(6) == 0:
            size, dilations = list(extent), [1] * n  # global
        reach = [d * (s - 1) + 1 for d, s in zip(dilations, size)]
        begin, end = [int(rng.integers(0, s)) for s in size], [int(rng.integers(0, s)) for s in size]
        ceil = pick(rng, ceil_modes)
        room = [e + b + f - r for e, b, f, r in zip(extent, begin, end, reach)]
        if min(room) < 0:
            continue
        out = [(-(-r // s) if ceil else r // s) + 1 for r, s in zip(room, strides)]
        out = [o - 1 if (o - 1) * s >= e + b else o for o, s, e, b in zip(out, strides, extent, begin)]
        return extent, size, strides, dilations, begin, end, out, ceil


def forEachTap(x, size, strides, dilations, begin, out):
    """For each window position: its elements for all outputs, and which of these exist."""
    for tap in itertools.product(*[range(s) for s in size]):
        at = [np.arange(o) * s + t * d - b for o, s, t, d, b in zip(out, strides, tap, dilations, begin)]
        exists = [(i >= 0) & (i < e) for i, e in zip(at, x.shape[1:-1])]
        at = [np.clip(i, 0, e - 1) for i, e in zip(at, x.shape[1:-1])]
        mask = np.ones((), bool)
        for m in exists:
            mask = mask[..., None] & m
        yield tap, at, x[np.ix_(range(x.shape[0]), *at, range(x.shape[-1]))], mask[None, ..., None]


def referencePool(kind, x, size, strides, dilations, begin, end, out):
    shape = (x.shape[0], *out, x.shape[-1])
    if kind == "max":
        result = np.full(shape, -np.inf) if x.dtype.kind == "f" else np.full(shape, np.iinfo(x.dtype).min, x.dtype)
        for _, _, element, mask in forEachTap(x, size, strides, dilations, begin, out):
            result = np.where(mask & (element > result), element, result)  # NaN is ignored
        return result
    total, count = np.zeros(shape), np.zeros(shape)
    for tap, _, element, mask in forEachTap(x, size, strides, dilations, begin, out):
        total += np.where(mask, element.astype(np.float64), 0)
        inside = np.ones((), bool)
        for o, s, t, d, e, b, f in zip(out, strides, tap, dilations, x.shape[1:-1], begin, end):
            inside = inside[..., None] & (np.arange(o) * s + t * d < e + b + f)
        count += mask if kind == "average" else inside[None, ..., None]
    with np.errstate(all="ignore"):
        return total if kind == "sum" else total / count


def checkAgainstRuntime(kind, x, expected, size, strides, dilations, begin, end, ceil):
    """The reference itself against ONNX Runtime."""
    extra = {} if kind == "max" else {"count_include_pad": int(kind == "average_include_pad")}
    node = helper.make_node("MaxPool" if kind == "max" else "AveragePool", ["x"], ["y"], kernel_shape=size, strides=strides,
                            dilations=dilations, pads=begin + end, ceil_mode=ceil, **extra)
    nchw = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", 1, nchw.shape)],
                              [helper.make_tensor_value_info("y", 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    got = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": nchw})[0]
    np.testing.assert_allclose(np.moveaxis(got, 1, -1), expected, rtol=1e-4, atol=1e-5)


def poolCase(rng):
    kind = pick(rng, ["max", "max", "sum", "average", "average_include_pad"])
    extent, size, strides, dilations, begin, end, out, ceil = randomWindows(rng, (0, 0, 1))
    dtype = pick(rng, ["float32"] * 5 + ["float64", "float16"] + (["int8", "uint8", "int32"] if kind == "max" else []))
    shape = (int(rng.integers(1, 3)), *extent, int(rng.integers(1, 40)))
    x = (rng.standard_normal(shape) * 40).astype(dtype if dtype != "uint8" else "int8")
    x = x.view(dtype)
    expected = referencePool(kind, x, size, strides, dilations, begin, end, out)
    if dtype == "float32" and kind != "sum":
        # Runtime refuses dilated windows beyond the image and counts pads of its own where ceil_mode meets dilations.
        if not (kind == "average_include_pad" and max(dilations) > 1 and ceil):
            checkAgainstRuntime(kind, x, expected, size, strides, dilations, begin, end, ceil)
    if kind == "max" and x.dtype.kind == "f" and rng.integers(2):
        x[rng.random(shape) < 0.2] = np.nan
        x[rng.random(shape) < 0.2] = -np.inf
        expected = referencePool(kind, x, size, strides, dilations, begin, end, out)
    label = f"pool {kind} {x.shape} {dtype} {size=} {strides=} {dilations=} {begin=} {end=} {out=} {ceil=}"
    attributes = (f"kind = #kernel<pool {kind}>, window = {array(size)}, strides = {array(strides)}, dilations = {array(dilations)}, "
                  f"pads_begin = {array(begin)}, pads_end = {array(end)}, {'is_unsigned, ' if dtype == 'uint8' else ''}")
    if dtype == "uint8":
        x, expected = x.view(np.int8), expected.view(np.int8)
    return Case(rng, label, "pool", [x], (x.shape[0], *out, x.shape[-1]), x.dtype, attributes, expected)


def depthwiseCase(rng):
    extent, size, strides, dilations, begin, end, out, _ = randomWindows(rng, (0,))
    dtype = pick(rng, ["float32"] * 4 + ["float64"])
    channels = int(rng.integers(1, 70))
    x = rng.standard_normal((int(rng.integers(1, 3)), *extent, channels)).astype(dtype)
    w = rng.standard_normal((*size, channels)).astype(dtype)
    expected = np.zeros((x.shape[0], *out, channels))
    for tap, _, element, mask in forEachTap(x, size, strides, dilations, begin, out):
        expected += np.where(mask, element.astype(np.float64) * w[tap], 0)
    label = f"depthwise {x.shape} {dtype} {size=} {strides=} {dilations=} {begin=} {end=} {out=}"
    attributes = (f"strides = {array(strides)}, dilations = {array(dilations)}, pads_begin = {array(begin)}, "
                  f"pads_end = {array(end)}, ")
    return Case(rng, label, "depthwise", [x, w], expected.shape, dtype, attributes, expected)


#===--- Rows ---===#


def randomRows(rng, dtype, special=False):
    shape = (pick(rng, [1, 2, 3, 4, 5, 5, 21]), pick(rng, [1, 2, 3, 5, 7, 8, 16, 17, 31, 33, 64, 100, 129, 300]),
             pick(rng, [1, 1, 1, 2, 3, 8, 16, 21, 37]))
    x = (rng.standard_normal(shape) * pick(rng, [1, 1, 10]) + pick(rng, [0, 0, 20])).astype(dtype)
    if special:
        x[rng.random(shape) < 0.2] = -np.inf
        x[rng.random((shape[0], 1, shape[2])).repeat(shape[1], 1) < 0.2] = -np.inf
        x[rng.random(shape) < 0.2 / shape[1]] = np.nan
        x[rng.random(shape) < 0.2 / shape[1]] = np.inf
    return x


def softmaxCase(rng):
    dtype, log = pick(rng, ["float32"] * 4 + ["float64", "float16"]), bool(rng.integers(2))
    x = randomRows(rng, dtype, rng.integers(3) == 0)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        wide -= wide.max(1, keepdims=True)
        e = np.exp(wide)
        total = e.sum(1, keepdims=True)
        expected = wide - np.log(total) if log else e / total
    return Case(rng, f"softmax {x.shape} {dtype} {log=}", "softmax", [x], x.shape, dtype, "log, " if log else "", expected)


def normalizeCase(rng):
    dtype, center = pick(rng, ["float32"] * 4 + ["float64", "float16"]), bool(rng.integers(2))
    x, epsilon = randomRows(rng, dtype), pick(rng, [1e-5, 1e-2])
    wide = x.astype(np.float64)
    wide -= wide.mean(1, keepdims=True) if center else 0
    expected = wide / np.sqrt((wide ** 2).mean(1, keepdims=True) + epsilon)
    attributes = f"epsilon = {epsilon:e} : f64, center = {'true' if center else 'false'}, "
    case = Case(rng, f"normalize {x.shape} {dtype} {center=}", "normalize", [x], x.shape, dtype, attributes, expected)
    return case


def referenceReduce(kind, x):
    wide = x.astype(np.float64) if x.dtype.kind == "f" else x
    with np.errstate(all="ignore"):
        if kind == "log_sum_exp":
            top = wide.max(1, initial=-np.inf)
            top = np.where(np.isfinite(top), top, 0)
            return np.log(np.exp(wide - top[:, None]).sum(1)) + top
        if kind in ("max", "min"):
            limits = ((-np.inf, np.inf) if x.dtype.kind == "f" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max))
            return getattr(np, kind)(wide, axis=1, initial=limits[kind == "min"])
        if kind == "mean":
            return wide.mean(1)
        values = {"sum_abs": np.abs, "sum_square": np.square}.get(kind, lambda v: v)(wide)
        return (values.prod if kind == "prod" else values.sum)(1, dtype=wide.dtype)


def reduceCase(rng):
    kind = pick(rng, ["sum", "mean", "max", "min", "prod", "sum_abs", "sum_square", "log_sum_exp"])
    dtype = pick(rng, ["float32"] * 4 + ["float64", "float16", "int32", "int64", "int8", "uint8", "uint32"])
    dtype = dtype if kind not in ("log_sum_exp", "mean") or dtype.startswith("float") else "float32"
    x = randomRows(rng, "float64", kind in ("max", "min", "log_sum_exp") and dtype.startswith("float") and rng.integers(2))
    if kind == "prod":
        x = np.where(np.abs(x) < 0.5, 1, np.exp(x * 0.01)) if dtype.startswith("float") else x
    if not dtype.startswith("float"):
        x = np.clip(x, 0 if dtype.startswith("u") else -100, 100)
    if dtype == "float16" and kind in ("sum_square", "sum"):
        x = x * 0.1  # keeps the sum within the type
    x = x.astype(dtype)
    if rng.integers(8) == 0:
        x = x[:, :0]
    with np.errstate(over="ignore"):
        expected = referenceReduce(kind, x)
    signed = dtype.removeprefix("u") if dtype.startswith("u") else dtype
    attributes = f"kind = #kernel<reduction {kind}>, {'is_unsigned, ' if signed != dtype else ''}"
    if not dtype.startswith("float"):
        expected = expected.astype(dtype).view(signed)
    return Case(rng, f"reduce {kind} {x.shape} {dtype}", "reduce", [x.view(signed)], expected.shape, signed, attributes, expected)


def lrnCase(rng):
    dtype, size = pick(rng, ["float32"] * 3 + ["float64"]), int(rng.integers(1, 9))
    alpha, beta, bias = pick(rng, [1e-4, 0.3]), pick(rng, [0.75, 0.5, 1.0, 0.6]), pick(rng, [1.0, 2.0])
    x = rng.standard_normal((pick(rng, [1, 3, 9, 5000]), pick(rng, [1, 2, 5, 8, 16, 19, 37, 96]))).astype(dtype)
    wide, square = x.astype(np.float64), np.zeros(x.shape)
    for c in range(x.shape[1]):
        low, high = max(0, c - (size - 1) // 2), c + -(-(size - 1) // 2) + 1
        square[:, c] = (wide[:, low:high] ** 2).sum(1)
    expected = wide / (bias + alpha / size * square) ** beta
    attributes = f"size = {size} : i64, alpha = {alpha:e} : f64, beta = {beta:e} : f64, bias = {bias:e} : f64, "
    return Case(rng, f"lrn {x.shape} {dtype} {size=} {alpha=} {beta=} {bias=}", "lrn", [x], x.shape, dtype, attributes, expected)


#===--- Running ---===#

FAMILIES = {"pool": poolCase, "depthwise": depthwiseCase, "softmax": softmaxCase, "normalize": normalizeCase,
            "reduce": reduceCase, "lrn": lrnCase}


def runTarget(target, families, count, seed, passes):
    rng = np.random.default_rng(seed)
    cases = [FAMILIES[family](rng) for family in families for _ in range(count)]
    text = "".join(case.getText(f"f{i}") for i, case in enumerate(cases))
    library = compile_function(text, passes, target)
    failed = 0
    for i, case in enumerate(cases):
        call(library, f"f{i}", *case.arrays)
        if not case.isRight():
            failed += 1
            print(f"FAIL {target} {case.label}: error {case.getError()}")
    return len(cases) - failed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=16, help="per kernel and target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kernels", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--passes", default="func.func(convert-kernel-to-vector)")
    arguments = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    passed = failed = 0
    targets, skipped = choose_targets(arguments.targets, len(arguments.kernels) * arguments.cases)
    for target in targets:
        right, wrong = runTarget(target, arguments.kernels, arguments.cases, arguments.seed, arguments.passes)
        passed, failed = passed + right, failed + wrong
    print(f"row kernels: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
