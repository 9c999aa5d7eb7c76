#!/usr/bin/env python3
"""Convolutions with windows behind them, for run-time extents, on images from one pixel to some that exceed the cache by far,
in one object each: compared with ONNX Runtime. Those that exceed it are computed in blocks of rows (tile-windows). A workspace
for some extents must be large enough for smaller ones."""
import argparse
import ctypes
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from compiled_model import CompiledModel, compile_model, describe_difference
from host_cpu import CPUS, can_run
from onnx_node_tests import in_child

# Heights and widths: blocks of several heights, the last one full and of one row, columns fewer than a register tile.
IMAGES = ((400, 130), (401, 97), (223, 224), (226, 301), (1000, 20), (90, 91), (31, 7), (4, 5), (3, 3), (1, 1))


def make_conv(rng, inputs, outputs, size, stride, dilation, group=1):
    pad = dilation * (size - 1) // 2
    begin, end = (int(rng.integers(0, pad + 1)) if rng.random() < 0.3 else pad for _ in range(2))
    weights = rng.standard_normal((outputs, inputs // group, size, size)).astype(np.float32) / size
    attributes = {"kernel_shape": [size, size], "strides": [stride, stride], "dilations": [dilation, dilation],
                  "pads": [begin, pad, end, pad], "group": group}
    return weights, attributes


def make_model(rng):
    """A convolution of 1x1 or 3x3, an activation, then depthwise windows or a maximum, and a convolution that reads them."""
    inputs, middle = int(rng.integers(1, 9)), int(rng.integers(17, 70))
    size, window = int(rng.choice([1, 1, 3])), int(rng.choice([2, 3, 3, 5]))
    stride = int(rng.integers(1, 3)) if size == 3 else 1
    first, first_attributes = make_conv(rng, inputs, middle, size, stride, 1)
    second, attributes = make_conv(rng, middle, middle, window, int(rng.integers(1, min(window, 3) + 1)),
                                   int(rng.choice([1, 1, 2])), middle)
    bias = rng.standard_normal(middle).astype(np.float32)
    constants = {"w": first, "b": bias}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], **first_attributes),
             helper.make_node(str(rng.choice(["Relu", "HardSwish", "Identity"])), ["c"], ["a"])]
    if rng.random() < 0.6:
        constants["d"] = second
        nodes.append(helper.make_node("Conv", ["a", "d", "b"], ["y"], **attributes))
    else:
        attributes.pop("group")
        attributes["ceil_mode"] = int(rng.integers(0, 2))
        nodes.append(helper.make_node("MaxPool", ["a"], ["y"], **attributes))
    graph = helper.make_graph(nodes, "rows", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", inputs, "h", "w"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", middle, "p", "q"])],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    label = (f"{inputs} to {middle} channels, {size}x{size} stride {stride} pads {first_attributes['pads']}, "
             f"{nodes[-1].op_type} {attributes}")
    padding = sum(first_attributes["pads"][::2])
    images = [i for i in IMAGES if fits(i[0], first_attributes) and fits((i[0] + padding - size) // stride + 1, attributes)]
    return label, helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)]), inputs, images


def fits(extent, attributes):
    """Whether windows fit into `extent` rows with their padding; ONNX Runtime has its own rule for those that do not."""
    span = (attributes["kernel_shape"][0] - 1) * attributes["dilations"][0] + 1
    return extent + attributes["pads"][0] + attributes["pads"][2] >= span


def check(seed, cpu):
    """The first difference of case `seed`; None where there is none. On a CPU with tile registers products are of bf16, and images
    are copied, with padding around them."""
    options, tolerance = (["--precision=bf16", "--no-winograd"], 0.1) if cpu == CPUS["amx"] else ([], 1e-4)
    rng = np.random.default_rng(seed)
    label, model, channels, images = make_model(rng)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model", f"--cpu={cpu}", *options])

        def compare():
            compiled = CompiledModel(library, "model")

            def size(height, width):
                return compiled.model.workspace_size((ctypes.c_int64 * 3)(1, height, width))

            smallest = max(i[0] for i in images if i[0] < 10), 8
            for height, width in ((h, w) for h in range(smallest[0], 600, 7) for w in range(smallest[1], 700, 31)):
                if not 0 < size(height, width) <= min(size(height + 1, width), size(height, width + 1)):
                    return f"{label}, image of {height}x{width}: larger images need a smaller workspace"
            for height, width in images:
                x = rng.standard_normal((int(rng.integers(1, 3)), channels, height, width)).astype(np.float32)
                expected = session.run(None, {"x": x})[0]
                expected[expected == np.finfo(np.float32).min] = -np.inf  # the maximum of padding alone
                difference = describe_difference(compiled([x])[0], expected, tolerance, tolerance)
                if difference:
                    return f"{label}, image {x.shape}: {difference}"
            return None

        return in_child(compare)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        cpu = ("x86-64-v3", "x86-64-v2", "native", CPUS["amx"] if can_run("amx") else "native")[seed % 4]
        problem = check(seed, cpu)
        if problem:
            failed += 1
            print(f"FAIL {seed} {cpu}: {problem}")
    print(f"row-blocks: {arguments.cases - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
