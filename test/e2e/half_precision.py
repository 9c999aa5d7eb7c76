#!/usr/bin/env python3
"""Weights of 16 bits: models stored in f16 and bf16, and f32 models compiled with --precision=bf16.

References are numpy's f64 on the weights as they are stored (or rounded to bf16 here). Each element may be off by the
error model of docs/Math.md: a rounding of f32 for each of the K products of its sum, of the sum of their magnitudes;
what is rounded to bf16 is rounded in the reference too. That this error model holds is tested against the f64 result of
the unrounded model as well."""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiled_model import Broken, CompiledModel, Refused, compile_model
from host_cpu import CPUS, choose_targets
from targets import RUN, make_driver

TARGETS = ["sse2", "avx2", "avx512", "bf16", "amx"]
# Other machines, under emulators: name -> triple, nnc's options.
FOREIGN = {"aarch64": ("aarch64-linux-gnu", []), "aarch64-bf16": ("aarch64-linux-gnu", ["--features=+bf16"]),
           "armv7": ("armv7-linux-gnueabihf", []), "riscv64": ("riscv64-linux-gnu", [])}
WITH_PAIRS = ["bf16", "amx", "aarch64-bf16"]
# Relative rounding errors: half a unit in the last place.
UNIT = {"f32": 2.0**-24, "bf16": 2.0**-8, "f16": 2.0**-11}


def to_bf16(x):
    """f32 rounded to bf16, ties to even, as its bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = ((bits.astype(np.uint64) + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(x), ((bits >> 16) | 0x40).astype(np.uint16), rounded)


def widen_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def round_bf16(x):
    return widen_bf16(to_bf16(x)).astype(np.float64)


def initializer(name, array, kind):
    if kind == "bf16":
        return helper.make_tensor(name, TensorProto.BFLOAT16, array.shape, to_bf16(array).tobytes(), raw=True)
    with np.errstate(over="ignore"):
        return numpy_helper.from_array(array.astype({"f32": np.float32, "f16": np.float16}[kind]), name)


def stored(array, kind):
    """`array` as the model's file has it, in f64."""
    return {"f32": lambda a: a.astype(np.float32), "f16": lambda a: a.astype(np.float16),
            "bf16": round_bf16}[kind](array).astype(np.float64)


def as_convolution(x, w, attributes):
    """The operands of the convolution that a transposed one is: zeros between the pixels, the filter mirrored."""
    strides, dilations, pads, groups = (attributes[k] for k in ("strides", "dilations", "pads", "group"))
    spatial = x.ndim - 2
    spread = np.zeros(list(x.shape[:2]) + [(e - 1) * s + 1 for e, s in zip(x.shape[2:], strides)])
    spread[(slice(None),) * 2 + tuple(slice(None, None, s) for s in strides)] = x
    w = w.reshape([groups, w.shape[0] // groups] + list(w.shape[1:])).swapaxes(1, 2)
    w = np.flip(w.reshape([-1] + list(w.shape[2:])), tuple(range(2, 2 + spatial)))
    around = [d * (k - 1) for d, k in zip(dilations, w.shape[2:])]
    pads = [around[i % spatial] - pad for i, pad in enumerate(pads)]
    return spread, w, dict(strides=[1] * spatial, dilations=dilations, pads=pads, group=groups)


def product(x, w, op, attributes):
    """nn.conv, transposed or not, or matmul in f64; the filter as (O, C / groups, ...), transposed (C, O / groups, ...)."""
    if op == "MatMul":
        return x @ w
    if op == "ConvTranspose":
        x, w, attributes = as_convolution(x, w, attributes)
    strides, dilations, pads, groups = (attributes[k] for k in ("strides", "dilations", "pads", "group"))
    spatial = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[spatial + i]) for i in range(spatial)])
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, w.shape[2:])]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(2, 2 + spatial)))
    windows = windows[(slice(None),) * 2 + tuple(slice(None, None, s) for s in strides)
                      + tuple(slice(None, None, d) for d in dilations)]
    n, c, *rest = windows.shape
    out, kernel = rest[:spatial], rest[spatial:]
    windows = windows.reshape([n, groups, c // groups] + out + kernel)
    w = w.reshape([groups, w.shape[0] // groups] + list(w.shape[1:]))
    letters = "uvw"[:spatial], "xyz"[:spatial]
    result = np.einsum(f"ngc{letters[0]}{letters[1]},goc{letters[1]}->ngo{letters[0]}", windows, w, optimize=True)
    return result.reshape([n, -1] + out)


def execute(driver, target, source, folder, data):
    """The elements of the one output, in bytes, as the emulated machine computes them."""
    triple, options = FOREIGN[target]
    compiler, emulator = RUN[triple]
    program, code = os.path.join(folder, "program"), os.path.join(folder, "model.o")
    compile_model(source, code, ["--name=model", f"--target={triple}", "--no-winograd", *options, *data[1:]])
    subprocess.run([compiler, "-static", driver, code, "-o", program], check=True)
    cpu = ["-cpu", "max"] if target == "aarch64-bf16" else []
    result = subprocess.run([emulator, *cpu, program], input=data[0], capture_output=True, timeout=120)
    if result.returncode:
        raise Broken(f"ended with code {result.returncode} under the emulator")
    return result.stdout


class Case:
    """y = x * w (+ bias, Relu). `kind` is the type of the stored weights, `pure` whether all of the model is."""

    def __init__(self, rng, kind, pure=False):
        self.kind, self.pure = kind, pure
        self.op = ["MatMul", "MatMul", "Conv", "Conv", "ConvTranspose"][rng.integers(5)]
        self.attributes, self.dynamic = {}, bool(rng.integers(3) == 0)
        if self.op == "MatMul":
            m, k, n = int(rng.integers(1, 40)), int(rng.integers(1, 90)), int(rng.integers(1, 150))
            if rng.integers(3) == 0:
                m = 1
            x, w = [m, k], [k, n]
        else:
            spatial, groups = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
            cin, cout = groups * int(rng.integers(1, 40)), groups * int(rng.integers(1, 50))
            size = [int(rng.integers(1, 4)) for _ in range(spatial)]
            extent = [int(rng.integers(7, 24 if spatial < 3 else 9)) for _ in range(spatial)]
            x, w = [int(rng.integers(1, 3)), cin] + extent, [cout, cin // groups] + size
            self.attributes = dict(strides=[int(v) for v in rng.integers(1, 3, spatial)],
                                   dilations=[int(v) for v in rng.integers(1, 3, spatial)],
                                   pads=[int(v) for v in rng.integers(0, 3, 2 * spatial)], group=groups)
            if self.op == "ConvTranspose":
                w = [cin, cout // groups] + size
                self.attributes["pads"] = [min(pad, d * (k - 1)) for pad, d, k in zip(
                    self.attributes["pads"], 2 * self.attributes["dilations"], 2 * size)]
        self.x, self.w = rng.standard_normal(x).astype(np.float32), rng.standard_normal(w).astype(np.float32)
        # Sums of bf16 are rounded before the bias is added.
        has_bias = self.op != "MatMul" and (not pure or kind == "f16")
        self.bias = rng.standard_normal(cout).astype(np.float32) if has_bias else None
        if pure and self.bias is not None:
            self.bias = stored(self.bias, kind).astype(np.float32)
        self.terms = int(np.prod(w)) // (w[0] if self.op == "Conv" else w[1])

    def __str__(self):
        return f"{self.op} of {self.x.shape} and {self.kind} {self.w.shape} {self.attributes or ''} " \
               f"pure={self.pure} dynamic={self.dynamic}"

    def write(self, path):
        nodes, weights, kinds = [], [initializer("w", self.w, self.kind)], {"f32": 1, "f16": 10, "bf16": 16}
        name, type = "w", kinds[self.kind] if self.pure else 1
        if self.kind != "f32" and not self.pure:
            nodes.append(helper.make_node("Cast", ["w"], ["wide"], to=1))
            name = "wide"
        inputs = ["x", name]
        if self.bias is not None:
            weights.append(initializer("b", self.bias, self.kind if self.pure else "f32"))
            inputs.append("b")
        nodes.append(helper.make_node(self.op, inputs, ["y"], **self.attributes))
        shape = list(self.x.shape)
        if self.dynamic:
            shape[0] = "N"
            shape[2:] = [f"S{i}" for i in range(len(shape) - 2)]
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", type, shape)],
                                  [helper.make_tensor_value_info("y", type, None)], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)

    def multiply(self, x, w):
        y = product(x.astype(np.float64), w.astype(np.float64), self.op, self.attributes)
        if self.bias is not None:
            y = y + self.bias.astype(np.float64).reshape([-1] + [1] * (y.ndim - 2))
        return y

    def bound(self, x, w):
        """Of the sum of magnitudes, a rounding for each product and sum, twice (no fused multiply-add)."""
        y = product(np.abs(x).astype(np.float64), np.abs(w).astype(np.float64), self.op, self.attributes)
        return (2 * self.terms + 4) * UNIT["f32"] * (y + (0 if self.bias is None else np.abs(self.bias).max())) + 1e-37

    def run(self, target, options, folder):
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, f"m{Case.number}.so")
        Case.number += 1
        self.dynamic &= target not in FOREIGN
        self.write(source)
        x = self.x
        if self.pure:
            x = x.astype(np.float16) if self.kind == "f16" else to_bf16(x)
        if target in FOREIGN:
            output = execute(Case.drivers[target], target, source, folder, [x.tobytes(), *options])
            rank = self.x.ndim
            y = np.frombuffer(output, x.dtype, offset=8 * rank).reshape(np.frombuffer(output, np.int64, rank))
            return None, (widen_bf16(y) if y.dtype == np.uint16 else y).astype(np.float64)
        compile_model(source, library, ["--emit=shared", "--name=m", f"--cpu={CPUS[target]}", "--no-winograd", *options])
        model = CompiledModel(library, "m")
        y = model([x])[0]
        return model, (widen_bf16(y) if y.dtype == np.uint16 else y).astype(np.float64)


Case.number = 0
Case.drivers = {}  # of foreign targets


def fits(y, expected, bound):
    if y.shape != expected.shape:
        raise Broken(f"shape {y.shape}, expected {expected.shape}")
    return bool((np.abs(y - expected) <= bound).all())


def check_size(model, case):
    """The weights take 2 bytes each (panels are padded), and no copy of them is made in the workspace."""
    columns = case.w.shape[0] // case.attributes["group"] if case.op == "Conv" else case.w.shape[1]
    if not model or case.w.nbytes < 1024 or columns < 32:
        return
    padded = 2 * case.w.size * -(-columns // 128) * 128 / columns
    if model.model.weights_bytes > padded + (0 if case.bias is None else case.bias.nbytes) + 2048:
        raise Broken(f"{model.model.weights_bytes} bytes of weights, at most {padded:.0f} expected")


def check_stored(rng, target, kind, folder):
    """Weights of 16 bits in an f32 model: exact."""
    case = Case(rng, kind)
    model, y = case.run(target, [], folder)
    w = stored(case.w, kind)
    if not fits(y, case.multiply(case.x, w), case.bound(case.x, w)):
        raise Broken(f"{case}: other weights than stored")
    if kind == "bf16" or target != "sse2":
        check_size(model, case)


def check_pure(rng, target, kind, folder):
    """All of the model in 16 bits: sums in f32, of f16 with the bias, rounded once."""
    case = Case(rng, kind, pure=True)
    model, y = case.run(target, [], folder)
    x, w = stored(case.x, kind), stored(case.w, kind)
    expected = case.multiply(x, w)
    if not fits(y, expected, case.bound(x, w) * 2 + UNIT[kind] * np.abs(expected) * 1.01 + 1e-7):
        raise Broken(f"{case}: not rounded once")
    if kind == "bf16" or target != "sse2":  # which widens f16 while compiling
        check_size(model, case)


def check_layers(rng, target, kind, folder):
    """What layers of 16 bits compute on their way is beyond f16; their results are not."""
    x, w = np.full((1, 8, 6, 6), 100, np.float16), np.full((4, 8, 3, 3), 1000 / 72, np.float16)
    b, exact = np.full(4, -60000, np.float16), 100 * float(w[0, 0, 0, 0]) * 72 - 60000
    square, side = np.full((3, 72), 100, np.float16), np.full((72, 4), 1000 / 72, np.float16)
    layers = {"Conv": ([x, w, b], {}, exact), "Gemm": ([square, side, b], {}, exact),
              "ConvTranspose": ([x, np.ascontiguousarray(w.swapaxes(0, 1)), b], {"pads": [2, 2, 2, 2]}, exact),
              "BatchNormalization": ([x, *(np.full(8, v, np.float16) for v in (100, -60000, 0, .01))], {"epsilon": 0.0},
                                     1e4 / np.sqrt(float(np.float16(.01))) - 60000)}
    for op, (operands, attributes, expected) in layers.items():
        names = list("xwbmv")[:len(operands)]
        graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], "g",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT16, operands[0].shape)],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT16, None)],
                                  [numpy_helper.from_array(array, name) for name, array in zip(names[1:], operands[1:])])
        source, library = os.path.join(folder, "layer.onnx"), os.path.join(folder, f"{op}-{target}.so")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), source)
        compile_model(source, library, ["--emit=shared", "--name=model", f"--cpu={CPUS[target]}"])
        y = CompiledModel(library, "model")([operands[0]])[0]
        if not (np.abs(y.astype(np.float64) - expected) <= 32).all():
            raise Broken(f"{op}: {y.ravel()[:4]}, expected {expected}")


def check_rounded(rng, target, kind, folder):
    """--precision=bf16."""
    case = Case(rng, "f32")
    model, y = case.run(target, ["--precision=bf16"], folder)
    w, exact = round_bf16(case.w), case.multiply(case.x, case.w)
    if case.w.nbytes < 1024:
        w = case.w
    choices = [(case.x, w)]
    if target in WITH_PAIRS:
        choices.append((round_bf16(case.x), w))
    if not any(fits(y, case.multiply(*choice), case.bound(*choice)) for choice in choices):
        raise Broken(f"{case}: neither weights nor both sides rounded to bf16")
    units = UNIT["bf16"] * (2 if target in WITH_PAIRS else 1)
    magnitudes = product(np.abs(case.x).astype(np.float64), np.abs(case.w).astype(np.float64), case.op, case.attributes)
    if not fits(y, exact, magnitudes * units * 1.01 + case.bound(case.x, case.w)):
        raise Broken(f"{case}: beyond the error model")
    check_size(model, case)


def check_specials(rng, target, kind, folder):
    """Infinities, NaN, zeros of both signs and denormal numbers among the weights, one of them for each output; a finite
    weight beyond bf16's largest number keeps its matrix in f32."""
    denormal = np.float32(3e-39)
    specials = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, denormal, -denormal, 1e-45, 3.3895e38, 65504, 6e-8, 1.0],
                        np.float32)
    for rows in (1, 8):
        for extra in ([], [np.finfo(np.float32).max]):
            case = Case(rng, kind)
            case.op, case.attributes, case.bias, case.dynamic = "MatMul", {}, None, False
            values = np.concatenate([specials, np.array(extra, np.float32)])
            case.w = np.zeros((24, len(values)), np.float32)
            case.w[5] = values
            case.x = np.zeros((rows, 24), np.float32)
            case.x[:, 5] = np.arange(1, rows + 1)
            options = ["--precision=bf16"] if kind == "f32" else []
            _, y = case.run(target, options, folder)
            with np.errstate(all="ignore"):
                w = case.w[5] if extra and kind == "f32" else stored(case.w[5], "bf16" if kind == "f32" else kind)
                expected = (case.x[:, 5:6].astype(np.float64) * w).astype(np.float32)
            small = np.abs(expected) < 1e-37  # flushed, on some CPUs
            good = np.isclose(y, expected, rtol=1e-6, atol=0, equal_nan=True) | (small & (np.abs(y) < 1e-37))
            if not good.all():
                at = tuple(np.argwhere(~good)[0])
                raise Broken(f"{kind}: {rows} rows, weight {case.w[5, at[1]]}: {y[at]}, expected {expected[at]}")


CHECKS = [(check_stored, "f16"), (check_stored, "bf16"), (check_pure, "f16"), (check_pure, "bf16"),
          (check_layers, "f16"), (check_rounded, "f32"), (check_specials, "f32"), (check_specials, "f16"), (check_specials, "bf16")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=8, help="per check and target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts = [0, 0]
    targets, skipped = choose_targets(TARGETS, len(CHECKS) * arguments.cases)
    with tempfile.TemporaryDirectory() as folder:
        for target, (triple, _) in FOREIGN.items():
            Case.drivers[target] = make_driver(triple, folder)
            if Case.drivers[target]:
                targets.append(target)
            else:
                print(f"SKIP [{len(CHECKS)}] {target}: needs {' and '.join(RUN[triple])}")
                skipped += len(CHECKS)
        for target in targets:
            for check, kind in CHECKS:
                rng = np.random.default_rng(arguments.seed)
                for number in range(0 if check is check_layers and target in FOREIGN else 1 if check in (check_specials, check_layers) else 2 if target in FOREIGN else arguments.cases):
                    try:
                        check(rng, target, kind, folder)
                        counts[0] += 1
                    except (Broken, Refused) as error:
                        counts[1] += 1
                        print(f"FAIL {target} {check.__name__} {kind} {number}: {error}")
    print(f"half: {counts[0]} passed, {counts[1]} failed, {skipped} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
