#!/usr/bin/env python3
"""The compiler's time and memory grow with the number of layers, not with its square: chains of 10, 100 and 1,000 layers.

User CPU seconds of the whole compiler, which other processes disturb little, and the peak of its resident memory. Ten times as
many layers may take 15 times as long, and add 15 times as much memory; a failure names the stage that grew most.
"""
import argparse
import json
import os
import sys
import tempfile

import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC  # noqa: E402
from models.graph_builder import FLOAT, GraphBuilder  # noqa: E402

SIZES = (10, 100, 1000)
GROWTH = 15
# What is not told from noise: a compiler that does nothing takes so long, and so much memory varies.
LEAST_SECONDS, LEAST_MIB = 0.08, 8


def convolution(graph, value):
    value = graph.node("Conv", value, graph.normal((8, 8, 3, 3), 0.1), graph.normal((8,), 0.1), pads=[1, 1, 1, 1])
    return graph.node("Relu", value), 2


def residual(graph, value):
    inner, count = convolution(graph, value)
    return graph.node("Add", inner, value), count + 1


def product(graph, value):
    value = graph.node("MatMul", value, graph.normal((16, 16), 0.1))
    return graph.node("Add", value, graph.normal((16,), 0.1)), 2


def norm(graph, value):
    return graph.node("LayerNormalization", value, graph.normal((16,), 0.1), graph.normal((16,), 0.1)), 1


def softmax(graph, value):
    return graph.node("Softmax", value), 1


def transpose(graph, value):
    return graph.node("Softmax", graph.node("Transpose", value, perm=[1, 0])), 2


def mixed(graph, value):
    count = 0
    for block in (product, norm, softmax, transpose):
        value, more = block(graph, value)
        count += more
    return value, count


IMAGE, MATRIX = (1, 8, 8, 8), (16, 16)
CHAINS = {"convolutions": (convolution, IMAGE), "residual blocks": (residual, IMAGE), "matrix products": (product, MATRIX),
          "layer norms": (norm, MATRIX), "softmaxes": (softmax, MATRIX), "transposes": (transpose, MATRIX), "mixed": (mixed, MATRIX)}


def make(block, shape, layers):
    graph, value, count = GraphBuilder(1), "x", 0
    while count < layers:
        value, more = block(graph, value)
        count += more
    return graph.model("chain", {"x": (FLOAT, shape)}, {value: (FLOAT, None)}, 17)


def measure(model, folder):
    """(user CPU seconds, peak MiB, {stage: seconds}) of compiling `model`."""
    path, report = os.path.join(folder, "model.onnx"), os.path.join(folder, "report.json")
    onnx.save(model, path)
    pid = os.fork()
    if pid == 0:
        os.execv(NNC, [NNC, path, "-o", os.path.join(folder, "model.o"), "--cpu=x86-64-v3", "--report=" + report])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"nnc ended with status {status}")
    with open(report, encoding="utf-8") as file:
        stages = {stage["stage"]: stage["seconds"] for stage in json.load(file)["stages"]}
    return usage.ru_utime, usage.ru_maxrss / 1024, stages


def judge(results):
    """What grows too fast, as a sentence; None where nothing does. `results`: from 10, 100 and 1,000 layers."""
    (_, least, _), (before, middle, stages), (after, most, last) = results
    worst = max(last, key=lambda stage: last[stage] / max(stages.get(stage, 0), LEAST_SECONDS / 4))
    grown = f"; the stage '{worst}' grew most, from {stages.get(worst, 0):.2f} s to {last[worst]:.2f} s"
    if after > GROWTH * max(before, LEAST_SECONDS):
        return f"{before:.2f} s for 100 layers, {after:.2f} s for 1,000{grown}"
    if most - middle > GROWTH * max(middle - least, LEAST_MIB):
        return f"{least:.0f}, {middle:.0f} and {most:.0f} MiB for 10, 100 and 1,000 layers{grown}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="only chains whose name contains this")
    arguments = parser.parse_args()
    passed = failed = 0
    print(f"{'chain of':16}" + "".join(f"{size:>9} layers" for size in SIZES))
    for name, (block, shape) in CHAINS.items():
        if arguments.pattern not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="nnc-scaling-") as folder:
            try:
                results = [measure(make(block, shape, size), folder) for size in SIZES]
                reason = judge(results)
                print(f"{name:16}" + "".join(f"{seconds:6.2f} s {mib:4.0f} MiB" for seconds, mib, _ in results))
            except RuntimeError as error:
                reason = str(error)
        passed, failed = passed + (not reason), failed + bool(reason)
        if reason:
            print(f"FAIL {name}: {reason}")
    print(f"compile_scaling: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
