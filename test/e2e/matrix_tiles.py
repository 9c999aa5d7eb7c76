#!/usr/bin/env python3
"""Products and convolutions that a unit for products of tiles computes (AMX): images of one to three dimensions, strides,
dilations, pads, groups, extents fixed or of run time, threads. Sums of bytes must be equal to ONNX Runtime's in all bits; sums of
bf16 are compared with numpy in f64, infinities and NaN among the inputs."""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from compiled_model import CompiledModel, compile_model, describe_difference
from half_precision import product, round_bf16
from host_cpu import CPUS, can_run
from onnx_node_tests import in_child


def draw(rng, low, high):
    return int(rng.integers(low, high))


def make_layer(rng):
    """The operator, its attributes, shapes of the input and of the weights, and other shapes that the input may have."""
    if rng.random() < 0.35:
        m, k, n = draw(rng, 4, 120), draw(rng, 13, 360), draw(rng, 1, 100)
        k += k % 2  # of bf16 pairs are multiplied
        shape = [m, k] if rng.random() < 0.5 else [draw(rng, 1, 4), m, k]
        return "MatMul", {}, shape, [k, n], [[*shape[:-2], rows, k] for rows in (1, 5, 33)]
    spatial, groups = int(rng.choice([1, 2, 2, 2, 3])), int(rng.choice([1, 1, 1, 2]))
    channels, outputs = groups * 2 * draw(rng, 6, 60), groups * draw(rng, 1, 80)
    channels += channels % 4 if groups > 1 else 0
    window = [draw(rng, 1, 4) for _ in range(spatial)] if rng.random() < 0.7 else [1] * spatial
    strides, dilations = ([int(rng.choice([1, 1, 1, 2, 3])) for _ in range(spatial)] for _ in range(2))
    pads = [draw(rng, 0, 3) for _ in range(2 * spatial)] if rng.random() < 0.6 else [0] * (2 * spatial)
    least = [dilation * (taps - 1) + 1 for taps, dilation in zip(window, dilations)]
    image = [draw(rng, low, {1: 200, 2: 40, 3: 14}[spatial] + low) for low in least]
    shape = [draw(rng, 1, 3), channels]
    attributes = {"strides": strides, "dilations": dilations, "pads": pads, "group": groups}
    return "Conv", attributes, [*shape, *image], [outputs, channels // groups, *window], [
        [*shape, *least], [*shape, *(extent + 9 for extent in image)]]


class Case:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.op, self.attributes, self.shape, self.weights, others = make_layer(self.rng)
        self.is_dynamic, self.threads = self.rng.random() < 0.4, self.rng.random() < 0.25
        self.shapes = [self.shape] + (others if self.is_dynamic else [])
        self.is_bf16 = seed % 2 == 1

    def __str__(self):
        return (f"{self.op} of {'bf16' if self.is_bf16 else 'bytes'} {self.shape} and {self.weights} {self.attributes}"
                f"{' dynamic' if self.is_dynamic else ''}{' threads' if self.threads else ''}")

    def make_model(self):
        if self.is_bf16:
            w = self.rng.standard_normal(self.weights).astype(np.float32)
            op, kind, result = self.op, TensorProto.FLOAT, TensorProto.FLOAT
        else:
            w = self.rng.integers(-128, 128, self.weights).astype(np.int8)
            op, kind, result = self.op + "Integer" if self.op == "MatMul" else "ConvInteger", TensorProto.UINT8, TensorProto.INT32
        shape = list(self.shape)
        if self.is_dynamic:
            places = [len(shape) - 2] if self.op == "MatMul" else range(2, len(shape))
            for place in places:
                shape[place] = f"s{place}"
        graph = helper.make_graph([helper.make_node(op, ["x", "w"], ["y"], name="layer", **self.attributes)], "tiles",
                                  [helper.make_tensor_value_info("x", kind, shape)],
                                  [helper.make_tensor_value_info("y", result, [None] * len(shape))],
                                  [numpy_helper.from_array(w, "w")])
        return w, helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])

    def make_input(self, shape):
        if not self.is_bf16:
            return self.rng.integers(0, 256, shape).astype(np.uint8)
        x = self.rng.standard_normal(shape).astype(np.float32)
        if self.rng.random() < 0.3:
            x.flat[self.rng.integers(x.size)] = self.rng.choice([np.inf, -np.inf, np.nan])
        return x

    def multiply(self, x, w):
        return product(x.astype(np.float64), w.astype(np.float64), self.op, self.attributes)


def find_difference(case, y, x, w, is_tiled):
    """How `y` differs from the product of `x` and `w`, both rounded to bf16; None where it does not. What no tiles multiply may
    have less rounded."""
    terms = w.size // (w.shape[1] if case.op == "MatMul" else w.shape[0])
    problem = None
    for factors in [(round_bf16(x), round_bf16(w))] + [(x, round_bf16(w)), (x, w)] * (not is_tiled):
        with np.errstate(invalid="ignore"):
            expected = case.multiply(*factors)
        magnitude = case.multiply(np.abs(np.where(np.isfinite(x), x, 0)), np.abs(w))
        bound = 2 * terms * 2.0**-24 * np.max(magnitude, initial=0)
        problem = describe_difference(y, expected.astype(y.dtype), rtol=0, atol=bound)
        if not problem:
            break
    return problem


def compare(case, library, model, w, is_tiled):
    """The first difference for one of the case's inputs; None where there is none."""
    compiled = CompiledModel(library, "model")
    session = None if case.is_bf16 else onnxruntime.InferenceSession(model.SerializeToString(),
                                                                     providers=["CPUExecutionProvider"])
    for shape in case.shapes:
        x = case.make_input(shape)
        y = compiled([x])[0]
        if session:
            problem = describe_difference(y, session.run(None, {"x": x})[0], rtol=0, atol=0)
        else:
            problem = find_difference(case, y, x, w, is_tiled)
        if problem:
            return f"{case}, input {shape}: {problem}"
    return None


def check(seed):
    """Whether tiles are multiplied in case `seed`, and its first difference."""
    case = Case(seed)
    w, model = case.make_model()
    options = [f"--cpu={CPUS['amx']}"] + ["--precision=bf16", "--no-winograd"] * case.is_bf16 + ["--threads"] * case.threads
    with tempfile.TemporaryDirectory() as folder:
        source, library, assembly = (os.path.join(folder, "model" + end) for end in (".onnx", ".so", ".s"))
        onnx.save(model, source)
        compile_model(source, assembly, ["--emit=asm", "--name=model", *options])
        compile_model(source, library, ["--emit=shared", "--name=model", *options])
        with open(assembly, encoding="utf-8") as text:
            is_tiled = "\ttdp" in text.read()
        return is_tiled, in_child(lambda: compare(case, library, model, w, is_tiled))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not can_run("amx"):
        print(f"SKIP [{arguments.cases}] amx: this machine does not have it")
        print(f"matrix-tiles: 0 passed, 0 failed, {arguments.cases} skipped")
        return 0
    failed, tiled = 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        is_tiled, problem = check(seed)
        tiled += is_tiled
        if problem:
            failed += 1
            print(f"FAIL {seed}: {problem}", flush=True)
    if tiled < 0.7 * arguments.cases:
        failed += 1
        print(f"FAIL: tiles are multiplied in {tiled} of {arguments.cases} only")
    print(f"matrix-tiles: {arguments.cases - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
