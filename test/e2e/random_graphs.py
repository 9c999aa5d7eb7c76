#!/usr/bin/env python3
"""Random graphs, half of them of common layers (models/random_graph.py), half of values of several element types
(models/typed_graph.py), compiled by nnc for SSE2, AVX2 and AVX-512 in turn (where the machine has them) and compared with
ONNX Runtime: each output's largest error is at most 1e-4 of its largest magnitude, integers and booleans are equal. A third
of them has a first extent that is known at run time only, and a third of those of several types all extents. What fails is
kept in the folder of --keep."""
import argparse
import multiprocessing
import os
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import ROOT, Broken, CompiledModel, Refused, compile_model  # noqa: E402
from host_cpu import CPUS, can_run  # noqa: E402
from models.random_graph import RandomGraph  # noqa: E402
from models.typed_graph import TypedGraph  # noqa: E402
from onnx_node_tests import in_child, summarise_refusal  # noqa: E402

TOLERANCE = 1e-4
TARGETS = ["sse2", "avx2", "avx512"]


def run_reference(model, inputs, is_optimised=False):
    """What ONNX Runtime computes: as the nodes say, or with its own optimisations."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    levels = onnxruntime.GraphOptimizationLevel
    options.add_session_config_entry("session.x64quantprecision", "1")  # no saturation between two products
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if is_optimised else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs)))


def is_finite(array):
    """ONNX Runtime's largest element of a window without elements is the least finite number, not -infinity."""
    return np.isfinite(array) & (np.abs(array) < np.finfo(array.dtype).max)


def compare(library, inputs, expected):
    model = CompiledModel(library, "model")
    for name, actual, wanted in zip(model.output_names, model(inputs), expected):
        if actual.shape != wanted.shape:
            return f"{name}: shape {list(actual.shape)}, expected {list(wanted.shape)}"
        if actual.dtype != wanted.dtype:
            return f"{name}: {actual.dtype}, expected {wanted.dtype}"
        if wanted.dtype.kind != "f":
            if not np.array_equal(actual, wanted):
                return f"{name}: {int((actual != wanted).sum())} of {wanted.size} elements differ"
            continue
        finite = is_finite(wanted)
        if not np.array_equal(is_finite(actual), finite):
            return f"{name}: other elements are finite"
        scale = np.abs(wanted[finite]).max(initial=1e-3)
        error = np.abs(actual[finite].astype(np.float64) - wanted[finite]).max(initial=0) / scale
        if error > TOLERANCE:
            return f"{name}: largest error {error:.1e} of the largest magnitude {scale:.3g}"
    return None


def make_graph(seed):
    if seed % 2:
        return TypedGraph(seed).make(layers=3 + seed % 8, symbolic=(0, 1, 9)[seed % 3])
    return RandomGraph(seed).make(layers=2 + seed % 7, symbolic=seed % 3 == 0)


def run_graph(job):
    """(seed, folder) -> (seed, verdict, reason)."""
    seed, keep = job
    model, inputs = make_graph(seed)
    targets = [target for target in TARGETS if can_run(target)]
    cpu = CPUS[targets[seed // 2 % len(targets)] if seed % 4 > 1 else targets[-1]]
    try:
        expected = run_reference(model, inputs)
    except Exception as error:  # pylint: disable=broad-except
        return seed, "skipped", f"ONNX Runtime refuses: {str(error).splitlines()[0][:120]}"
    with tempfile.TemporaryDirectory(prefix="nnc-random-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        try:
            compile_model(source, library, ["--emit=shared", "--name=model", f"--cpu={cpu}"], timeout=120)
            reason = in_child(lambda: compare(library, inputs, expected))
        except Refused as refusal:
            return seed, "skipped", summarise_refusal(str(refusal))
        except Broken as error:
            reason = str(error)
    if not reason:
        return seed, "passed", None
    os.makedirs(keep, exist_ok=True)
    onnx.save(model, os.path.join(keep, f"{seed}.onnx"))
    return seed, "failed", f"{cpu}, {' '.join(node.op_type for node in model.graph.node)}: {reason}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first graph; the others follow")
    parser.add_argument("--keep", default=os.path.join(ROOT, "build", "check", "random"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    jobs = [(arguments.seed + i, arguments.keep) for i in range(arguments.graphs)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        for seed, verdict, reason in pool.imap_unordered(run_graph, jobs):
            counts[verdict] += 1
            if verdict != "passed":
                print(f"{'FAIL' if verdict == 'failed' else 'SKIP'} graph {seed}: {reason}", flush=True)
    print("random graphs: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
