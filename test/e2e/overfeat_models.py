#!/usr/bin/env python3
"""OverFeat's two networks with random weights, against ONNX Runtime on the same file: ONNX's external data point into it. The
files are as large as the published ones (0.6 GB), which is how nnc knows them; they lie in a temporary folder."""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402

TOLERANCE = 1e-5
# As their paper has them: outputs and window of a convolution, stride, padding, then window (and stride) of a maximum.
FAST = 231, 583683488, ((96, 11, 4, 0, 2), (256, 5, 1, 0, 2), (512, 3, 1, 1, 0), (1024, 3, 1, 1, 0), (1024, 3, 1, 1, 2),
                        (3072, 6, 1, 0, 0), (4096, 1, 1, 0, 0), (1000, 1, 1, 0, 0))
ACCURATE = 221, 578625952, ((96, 7, 2, 0, 3), (256, 7, 1, 0, 2), (512, 3, 1, 1, 0), (512, 3, 1, 1, 0), (1024, 3, 1, 1, 0),
                            (1024, 3, 1, 1, 3), (4096, 5, 1, 0, 0), (4096, 1, 1, 0, 0), (1000, 1, 1, 0, 0))


def external(name, shape, file, offset):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    length = 4 * int(np.prod(shape))
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor, offset + length


def make(stages, folder, file, rng):
    """Writes the weights, and the ONNX model that reads them; returns the model's path."""
    nodes, constants, value, channels, offset = [], [], "input", 3, 0
    with open(os.path.join(folder, file), "wb") as weights:
        for number, (outputs, window, stride, pad, pool) in enumerate(stages):
            scale = (2 / (channels * window * window)) ** 0.5
            for name, shape in (("w", [outputs, channels, window, window]), ("b", [outputs])):
                (rng.standard_normal(shape, np.float32) * np.float32(scale if name == "w" else 0.1)).tofile(weights)
                tensor, offset = external(f"{name}{number}", shape, file, offset)
                constants.append(tensor)
            last = number + 1 == len(stages)
            nodes.append(helper.make_node("Conv", [value, f"w{number}", f"b{number}"], ["scores" if last else f"c{number}"],
                                          strides=[stride] * 2, pads=[pad] * 4))
            value, channels = f"c{number}", outputs
            if not last:
                nodes.append(helper.make_node("Relu", [value], [f"r{number}"]))
                value = f"r{number}"
            if pool:
                nodes.append(helper.make_node("MaxPool", [value], [f"p{number}"], kernel_shape=[pool] * 2, strides=[pool] * 2))
                value = f"p{number}"
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, extent, None, None])
              for name, extent in (("input", 3), ("scores", 1000))]
    graph = helper.make_graph(nodes, "overfeat", values[:1], values[1:], constants)
    path = os.path.join(folder, "overfeat.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def check(session, weights, output, shape, options=()):
    """None, or what is wrong with the scores of one image."""
    compile_model(weights, output, ["--emit=shared", "--name=m", *options], timeout=600)
    image = np.random.default_rng(1).standard_normal(shape, np.float32)
    actual, = CompiledModel(output, "m")([image])
    os.remove(output)
    expected, = session.run(None, {"input": image})
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, expected {expected.shape}"
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    return None if error <= TOLERANCE else f"error {error:.2g}"


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    passed = failed = 0
    for name, (extent, size, stages) in (("fast", FAST), ("accurate", ACCURATE)):
        with tempfile.TemporaryDirectory(prefix="nnc-overfeat-") as folder:
            weights = os.path.join(folder, "net_weight")
            path = make(stages, folder, "net_weight", np.random.default_rng(0))
            assert os.path.getsize(weights) == size
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            for shape in ([1, 3, extent, extent], [1, 3, extent + 64, extent + 100])[:2 if name == "fast" else 1]:
                try:
                    problem = check(session, weights, os.path.join(folder, f"{shape[3]}.so"), shape,
                                    [f"--shape=input={','.join(map(str, shape))}"] if shape[2] != extent else [])
                except (Broken, Refused) as error:
                    problem = str(error)
                passed, failed = passed + (not problem), failed + bool(problem)
                if problem:
                    print(f"FAIL {name} {shape}: {problem}", flush=True)
    print(f"overfeat: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
