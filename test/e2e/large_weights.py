#!/usr/bin/env python3
"""A network with more than 2 GiB of weights, in ONNX's external data: compiled with --weights=extern, run, and compared with
numpy; the compiler needs at most three times the weights and 300 MB. Without that option nnc refuses it, and says what to do.
Takes 6 GB of disk and 9 GB of memory for --layers 10, so utils/check runs it only when it is named.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, CompiledModel  # noqa: E402

WIDTH = 8192
ROWS = 3
FACTOR, EXTRA = 3, 300e6  # of memory


def make(folder, layers):
    """Matrix products and Relus in turn; returns the model's path, and that of its weights."""
    rng, data = np.random.default_rng(1), os.path.join(folder, "large.bin")
    nodes, constants, value = [], [], "x"
    length = 4 * WIDTH * WIDTH
    with open(data, "wb") as file:
        for layer in range(layers):
            (rng.standard_normal((WIDTH, WIDTH), np.float32) * np.float32((2 / WIDTH)**0.5)).tofile(file)
            tensor = TensorProto(name=f"w{layer}", data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH],
                                 data_location=TensorProto.EXTERNAL)
            for key, entry in (("location", "large.bin"), ("offset", layer * length), ("length", length)):
                tensor.external_data.add(key=key, value=str(entry))
            constants.append(tensor)
            nodes += [helper.make_node("MatMul", [value, f"w{layer}"], [f"m{layer}"]),
                      helper.make_node("Relu", [f"m{layer}"], [f"r{layer}"])]
            value = f"r{layer}"
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [ROWS, WIDTH]) for name in ("x", value)]
    graph = helper.make_graph(nodes, "large", info[:1], info[1:], constants)
    path = os.path.join(folder, "large.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path, data


def compile_measured(path, output, *options):
    """Exit code, messages, seconds and peak bytes of nnc."""
    begin = time.time()
    process = subprocess.Popen([NNC, path, "-o", output, "--emit=shared", "--name=large", *options],
                               stderr=subprocess.PIPE, text=True)
    messages = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), messages, time.time() - begin, 1024 * usage.ru_maxrss


def run_layers(x, data, layers):
    weights = np.memmap(data, np.float32, "r").reshape(layers, WIDTH, WIDTH)
    for layer in range(layers):
        x = np.maximum(x @ weights[layer], 0)
    return x


def check(folder, layers):
    """What is wrong, and what was measured."""
    path, data = make(folder, layers)
    size, library = os.path.getsize(data), os.path.join(folder, "large.so")
    is_large = size > 2**31
    code, messages, _, _ = compile_measured(path, library)
    if is_large and (code != 1 or "--weights=extern" not in messages):
        yield f"without --weights=extern: code {code}, {messages.strip()}"
    code, messages, seconds, peak = compile_measured(path, library, "--weights=extern")
    print(f"{size / 2**30:.2f} GiB of weights: compiled in {seconds:.1f} s, peak {peak / 2**20:.0f} MiB, "
          f"{peak / size:.2f} times the weights", flush=True)
    if code:
        yield f"--weights=extern: code {code}, {messages.strip()}"
        return
    if peak > FACTOR * size + EXTRA:
        yield f"the compiler took {peak} bytes"
    x = np.random.default_rng(2).standard_normal((ROWS, WIDTH), np.float32)
    expected = run_layers(x, data, layers)
    os.remove(data)
    actual, = CompiledModel(library, "large")([x])
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    print(f"error {error:.1e}, library of {os.path.getsize(library)} bytes", flush=True)
    if not error <= 1e-4:
        yield f"error {error:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=10, help="256 MiB each")
    parser.add_argument("--folder", help="for the files (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nnc-large-", dir=arguments.folder) as folder:
        wrong = list(check(folder, arguments.layers))
    for each in wrong:
        print("FAIL", each)
    print(f"large-weights: {0 if wrong else 1} passed, {1 if wrong else 0} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
