#!/usr/bin/env python3
"""Networks of libccv, written here (models/ccv_files.py), against ONNX Runtime on the same network put together from ONNX's
operators. What libccv itself computes is in framework_cases.py."""
import argparse
import os
import re
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402
from models.ccv_files import (AVERAGE_POOL, CONVOLUTIONAL, FULL_CONNECT, LOCAL_RESPONSE_NORM, MAX_POOL, Net,  # noqa: E402
                              make_alex)

TOLERANCE = 1e-5


class Graph:
    """The same layers as ONNX nodes, channels first."""

    def __init__(self, net, shape):
        self.nodes, self.constants, self.value = [], [], "input"
        self.put("Transpose", perm=[0, 3, 1, 2])
        images = shape[0]
        for row, weights in zip(net.layers, net.weights):
            self.add_layer(row, weights, images)
        if net.layers[-1]["type"] != FULL_CONNECT:
            self.put("Transpose", perm=[0, 2, 3, 1])
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, extents)
                  for name, extents in (("input", shape), (self.value, None))]
        graph = helper.make_graph(self.nodes, "net", values[:1], values[1:], self.constants)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def put(self, kind, *constants, **attributes):
        names = []
        for array in constants:
            names.append(f"c{len(self.constants)}")
            self.constants.append(numpy_helper.from_array(np.asarray(array), names[-1]))
        result = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.value, *names], [result], **attributes))
        self.value = result

    def add_layer(self, row, weights, images):
        kind, rows, columns = row["type"], row["input_matrix_rows"], row["input_matrix_cols"]
        channels, partition = row["input_matrix_channels"], row["input_matrix_partition"]
        window = {"strides": [row["output_strides"]] * 2, "pads": [row["output_border"]] * 4}
        if kind == CONVOLUTIONAL:
            filters, bias = (array.astype(np.float32) for array in weights)
            self.put("Conv", filters.transpose(0, 3, 1, 2), bias, group=partition, **window)
            self.put("Relu")
        elif kind == FULL_CONNECT:
            filters, bias = (array.astype(np.float32) for array in weights)
            if not any(node.op_type == "Gemm" for node in self.nodes):
                self.put("Transpose", perm=[0, 2, 3, 1])
                self.put("Flatten")
            self.put("Gemm", filters, bias, transB=1)
            if row["output_relu"]:
                self.put("Relu")
        elif kind == LOCAL_RESPONSE_NORM:
            # libccv has size / 2 taps on each side, and does not divide alpha.
            taps = row["output_size"] // 2 * 2 + 1
            shape = [images, channels, rows, columns]
            self.put("Reshape", [images * partition, channels // partition, rows, columns])
            self.put("LRN", size=taps, alpha=row["output_alpha"] * taps, beta=row["output_beta"],
                     bias=float(row["output_kappa"]))
            self.put("Reshape", shape)
        else:
            self.put("MaxPool" if kind == MAX_POOL else "AveragePool", kernel_shape=[row["output_size"]] * 2, **window)


def make_cases():
    """(name, net, number of images)."""
    yield "alex", make_alex(), 1
    yield "alex-half", make_alex(1, half=True), 1
    yield "alex-batch", make_alex(2), 3
    yield "full-connect-first", Net(3, 4, 5, 3).full_connect(7, relu=False), 1
    yield "vgg", (Net(16, 16, 3, 4).convolutional(4, (3, 3), border=1).pool(MAX_POOL, 2, 2)
                  .convolutional(8, (3, 3), border=1).pool(MAX_POOL, 2, 2).full_connect(5).full_connect(3, relu=False)), 1
    for partition in (1, 2, 4):
        for size in (1, 2, 3, 4, 5, 9):
            net = Net(5, 3, 8, 10 * partition + size)
            yield f"lrn-{partition}-{size}", net.local_response_norm(size, 1.5, 0.3, 0.75, partition), 1 + size % 2
    for kind, name in ((MAX_POOL, "max"), (AVERAGE_POOL, "average")):
        for size, strides, border in ((3, 2, 0), (3, 2, 1), (2, 1, 1), (4, 1, 3), (5, 3, 1)):
            net = Net(9 + (size - 2 * border - 9) % strides, 15 + (size - 2 * border - 15) % strides, 3, size)
            yield f"{name}-{size}-{strides}-{border}", net.pool(kind, size, strides, border), 1
    for window, strides, border, partition, half in (((1, 1), 1, 0, 1, False), ((3, 5), 1, 1, 2, False),
                                                     ((7, 3), 2, 2, 4, True), ((11, 11), 4, 5, 1, True)):
        extents = [size + 3 * strides + (-2 * border) % strides for size in window]
        net = Net(*extents, 4, sum(window), half)
        yield f"conv-{window[0]}x{window[1]}-{strides}-{border}-{partition}", net.convolutional(8, window, strides, border,
                                                                                                partition), 1


def run_case(name, net, images, folder):
    """None, or what is wrong."""
    path, output = os.path.join(folder, name + ".sqlite3"), os.path.join(folder, name + ".so")
    net.save(path)
    shape = [images, *net.input]
    compile_model(path, output, ["--emit=shared", "--name=m", f"--shape=input={','.join(map(str, shape))}"])
    image = np.random.default_rng(7).normal(0, 1, shape).astype(np.float32)
    actual, = CompiledModel(output, "m")([image])
    expected, = onnxruntime.InferenceSession(Graph(net, shape).model.SerializeToString(),
                                             providers=["CPUExecutionProvider"]).run(None, {"input": image})
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, expected {expected.shape}"
    error = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-3)
    return None if error <= TOLERANCE else f"error {error:.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose name matches this expression")
    arguments = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="nnc-ccv-") as folder:
        for name, net, images in make_cases():
            if not re.search(arguments.pattern, name):
                continue
            try:
                problem = run_case(name, net, images, folder)
            except (Broken, Refused) as error:
                problem = str(error)
            passed, failed = passed + (not problem), failed + bool(problem)
            if problem:
                print(f"FAIL {name}: {problem}", flush=True)
    print(f"ccv: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
