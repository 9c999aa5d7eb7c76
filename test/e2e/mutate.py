#!/usr/bin/env python3
"""Feeds nnc damaged model files of all formats: flipped bytes, truncations, swapped and repeated pieces, odd numbers and names in a
structure that can be read. Whatever the file, nnc ends with code 0 or 1 within the time limit; a signal, a sanitizer's report or a
hang is a failure. Files that fail are kept. Set NNC to test another build (utils/check uses the one with sanitizers)."""
import argparse
import multiprocessing
import os
import random
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import extents  # noqa: E402
from compiled_model import NNC, ROOT  # noqa: E402
from models import ccv_files, keras_files, light, two_files  # noqa: E402
from models.damage import damage  # noqa: E402

LIMIT = 60  # seconds, with sanitizers and other work beside it


def tiny(nodes, inputs, outputs, initialisers=()):
    values = [[helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in part] for part in (inputs, outputs)]
    graph = helper.make_graph(nodes, "tiny", *values,
                              [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in initialisers])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def make_sources():
    """Small models of each format, each a list of (extension, contents); the damage lands in structure rather than in weights.
    A format that this machine cannot write is missing."""
    shapes = tiny([helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "i"], ["g"], axis=0),
                   helper.make_node("Concat", ["g", "m"], ["c"], axis=0), helper.make_node("Reshape", ["x", "c"], ["y"])],
                  [("x", [2, 3, 4])], [("y", [2, 12])], [("i", np.array([0])), ("m", np.array([-1]))])
    slices = tiny([helper.make_node("Slice", ["x", "b", "e", "a", "t"], ["s"]),
                   helper.make_node("Pad", ["s", "p"], ["q"]), helper.make_node("ReduceMean", ["q"], ["y"], axes=[1])],
                  [("x", ["n", 9])], [("y", ["n", 1])],
                  [("b", np.array([1])), ("e", np.array([9])), ("a", np.array([1])), ("t", np.array([2])),
                   ("p", np.array([0, 1, 0, 1]))])
    rows = tiny([helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Softmax", ["m"], ["f"], axis=-1),
                 helper.make_node("Transpose", ["f"], ["r"], perm=[1, 0]), helper.make_node("Split", ["r"], ["y", "z"])],
                [("x", [3, 4])], [("y", [3, 3]), ("z", [3, 3])], [("w", np.ones((4, 6), np.float32))])
    with open(os.path.join(ROOT, "examples", "digits", "digits.onnx"), "rb") as file:
        digits = file.read()
    onnx_files = [m.SerializeToString() for m in (shapes, slices, rows, light.load("squeezenet"))] + [digits]
    onnx_files += [case.model.SerializeToString() for case in extents.CASES]
    two = two_files.make_all()
    keras = keras_files.make_all()
    formats = {"ONNX": [[(".onnx", data)] for data in onnx_files],
               "Caffe": [source for source in two if source[0][0] == ".prototxt"],
               "darknet": [source for source in two if source[0][0] == ".cfg"],
               "Keras 2": [source for source in keras if source[0][0] == ".h5"],
               "Keras 3": [source for source in keras if source[0][0] == ".keras"],
               "TFLite": tflite_files(), "libccv": ccv_files.make_all()}
    return {name: sources for name, sources in formats.items() if sources}


def tflite_files():
    """Each operator alone, and some of each family in one file; none without the bindings of the schema."""
    try:
        from models import tflite_cases, tflite_graph, tflite_metadata, tflite_placed_cases, tflite_state_cases
    except ImportError:
        return []
    cases = [case for source in (tflite_cases, tflite_placed_cases, tflite_state_cases) for case in source.list_cases()]
    together = (("conv_0_(2, 3)_(1, 1)_3", "max_pool_0_(1, 1)", "softmax_0.5", "fully_connected_1"),
                ("strided_slice_masks", "mirror_pad_1", "split_v", "gather_0", "reshape", "space_to_batch"),
                ("transpose_conv_odd", "mean_[1, 2]_False", "top_k", "resize_bilinear_False_True_(3, 5)", "pack_0"))
    files = []
    for names in (*together, *([case.name] for case in cases)):
        graph = tflite_graph.Graph()
        for case in cases:
            if case.name in names:
                case.build(graph)
        files.append([(".tflite", graph.serialize())])
    files.append([(".tflite", tflite_metadata.add_metadata(files[0][0][1], [1], [2], ["a", "b"]))])
    return files


def run_one(job):
    """Whether nnc took the file, the seconds it had, and what is wrong, or None."""
    seed, folder, sources = job
    rng = random.Random(seed)
    source = rng.choice(sources)
    stem = os.path.join(folder, f"mutated-{seed}")
    damaged = rng.randrange(len(source))
    for index, (extension, data) in enumerate(source):
        with open(stem + extension, "wb") as file:
            file.write(damage(extension, data, rng) if index == damaged else data)
    path, output = stem + source[0][0], stem + ".o"
    environment = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":exitcode=77:detect_leaks=0:allocator_may_return_null=1",
                       UBSAN_OPTIONS="exitcode=77:halt_on_error=1:print_stacktrace=1")
    begin = time.monotonic()
    try:
        result = subprocess.run([NNC, path, "-o", output, "--name=mutated", "--cpu=x86-64-v2"], capture_output=True,
                                timeout=LIMIT, env=environment)
        code, messages = result.returncode, result.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, messages = None, ""
    seconds, is_taken = time.monotonic() - begin, code == 0
    for leftover in (output, output[:-2] + ".h"):
        if os.path.exists(leftover):
            if code == 1:
                messages, code = "an output file although it failed", 2
            os.remove(leftover)
    if code == 0 or (code == 1 and "error:" in messages):
        for extension, _ in source:
            os.remove(stem + extension)
        return is_taken, seconds, None
    if code is None:
        return False, seconds, f"{path}: no end within {LIMIT} s"
    told = next((line for line in messages.splitlines() if "ERROR:" in line or "runtime error" in line or
                 "Assertion" in line), messages.strip().splitlines()[0] if messages.strip() else "no message")
    return is_taken, seconds, f"{path}: code {code}: {told[:300]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first file")
    parser.add_argument("--formats", nargs="*", help="ONNX, Caffe, darknet ...; all unless given")
    parser.add_argument("--keep", default=os.path.join(ROOT, "build", "check", "mutated"), help="folder for failing files")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()
    os.makedirs(arguments.keep, exist_ok=True)
    formats = make_sources()
    chosen = [formats[name] for name in arguments.formats or formats]
    jobs = [(seed, arguments.keep, chosen[seed % len(chosen)])
            for seed in range(arguments.seed, arguments.seed + arguments.count)]
    failed = taken = slowest = 0
    with multiprocessing.Pool(arguments.jobs) as pool:
        for done, (is_taken, seconds, problem) in enumerate(pool.imap_unordered(run_one, jobs), 1):
            taken, slowest = taken + is_taken, max(slowest, seconds)
            if problem:
                failed += 1
                print("FAIL", problem, flush=True)
            if done % 200 == 0:
                print(f"{done} of {len(jobs)}", flush=True)
    print(f"nnc took {taken} of the files; it needed {slowest:.1f} s at most")
    print(f"mutate: {len(jobs) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
