#!/usr/bin/env python3
"""Convolutions that Winograd's algorithm computes, in whole models: images and rows (1-D), windows of one to five taps, groups,
residuals, extents fixed or of run time, batches; compared with ONNX Runtime."""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from compiled_model import CompiledModel, compile_model, describe_difference
from onnx_node_tests import in_child

WINDOWS = ((3,), (5,), (3, 3), (3, 1), (1, 3), (5, 5), (1, 5), (5, 1), (3, 5))
# Of the largest magnitude; six points, and a sum of many products (docs/adr/0004).
BOUND = 3e-5


def make_model(rng):
    window = WINDOWS[rng.integers(len(WINDOWS))]
    group = int(rng.choice([1, 1, 1, 2]))
    inputs, outputs = (group * int(rng.integers(20, 90)) for _ in range(2))
    begin, end = ([int(rng.integers(0, taps + 1)) for taps in window] for _ in range(2))
    image = [int(rng.integers(taps, 40 if len(window) == 2 else 300)) for taps in window]
    is_dynamic = rng.random() < 0.4
    symbols = [f"s{i}" for i in range(len(window))]
    weights = rng.standard_normal((outputs, inputs // group, *window)).astype(np.float32)
    constants = {"w": weights, "b": rng.standard_normal(outputs).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=begin + end, group=group, name="layer"),
             helper.make_node("Relu", ["c"], ["y"])]
    if rng.random() < 0.5:  # a residual
        nodes[1:] = [helper.make_node("Conv", ["x", "v"], ["r"], pads=begin + end, group=group),
                     helper.make_node("Add", ["c", "r"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
        constants["v"] = rng.standard_normal(weights.shape).astype(np.float32)
    batch = int(rng.integers(1, 3))
    shape = ["n", inputs, *symbols] if is_dynamic else [batch, inputs, *image]
    graph = helper.make_graph(nodes, "winograd", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * len(shape))],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    label = f"window {window}, {inputs} to {outputs} channels in {group} groups, pads {begin} {end}, {shape}"
    # No pixel where the pads alone are outputs.
    least = [0 if b + e >= taps else taps for b, e, taps in zip(begin, end, window)]
    images = [image] if not is_dynamic else [image, list(window), [extent + 3 for extent in image], least]
    return label, helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]), (batch, inputs), images


def check(seed, cpu):
    """(whether Winograd's algorithm computes it, the first difference of case `seed`, None where there is none)"""
    rng = np.random.default_rng(seed)
    label, model, leading, images = make_model(rng)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        report = os.path.join(folder, "report.json")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model", f"--cpu={cpu}", f"--report={report}"])
        with open(report, encoding="utf-8") as text:
            is_chosen = '"Winograd\'s F(' in text.read()

        def compare():
            compiled = CompiledModel(library, "model")
            for image in images:
                x = rng.standard_normal((*leading, *image)).astype(np.float32)
                expected = session.run(None, {"x": x})[0]
                problem = describe_difference(compiled([x])[0], expected, rtol=0, atol=BOUND * np.max(np.abs(expected)))
                if problem:
                    return f"{label}, image {image}: {problem}"
            return None

        return is_chosen, in_child(compare)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    failed, chosen = 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        cpu = ("x86-64-v3", "x86-64-v2", "native")[seed % 3]
        is_chosen, problem = check(seed, cpu)
        chosen += is_chosen
        if problem:
            failed += 1
            print(f"FAIL {seed} {cpu}: {problem}", flush=True)
    if chosen < arguments.cases / 2:
        failed += 1
        print(f"FAIL: Winograd's algorithm computes {chosen} of {arguments.cases} only")
    print(f"winograd-models: {arguments.cases - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
