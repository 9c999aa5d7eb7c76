#!/usr/bin/env python3
"""nnc as a converter: models written with --emit=onnx pass onnx.checker and give in ONNX Runtime what they should.

  random      random graphs, read and written again, for each opset in turn, against the graph they were read from
  nodes       ONNX's node tests with their inputs but the first as constants, against the recorded outputs
  verification  what --verify makes of models that it cannot run
  frameworks  the models of framework_cases.py, where the data are, against what the framework recorded

A model that nnc does not read or cannot write is skipped with the reason."""
import argparse
import collections
import json
import os
import re
import sys
import tempfile
import zlib

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import framework_cases  # noqa: E402
import onnx_node_tests  # noqa: E402
import shares  # noqa: E402
from compiled_model import Broken, Refused, compile_model, describe_difference  # noqa: E402
from models.random_graph import RandomGraph  # noqa: E402
from random_graphs import TOLERANCE, run_reference  # noqa: E402

OPSETS = range(13, 22)


# What ONNX Runtime does not do, or does otherwise than ONNX.
NOT_IN_RUNTIME = re.compile(r"NOT_IMPLEMENTED|not implement|Non per-tensor quantization|[Nn]umpy.type|not defined for empty set")
DEVIATIONS = {f"test_resize_downsample_scales_{mode}_align_corners": "ONNX Runtime rounds the result's length first"
              for mode in ("linear", "cubic")}


class Input:
    """What a descriptor says of it."""

    def __init__(self, value):
        declared = value.type.tensor_type
        self.shape = [extent.dim_value for extent in declared.shape.dim]
        self.rank = len(self.shape)
        self.dtype = onnx.helper.tensor_dtype_to_np_dtype(declared.elem_type)


class ConvertedModel:
    """An ONNX file in ONNX Runtime, with the face of a CompiledModel."""

    def __init__(self, path):
        self.model = onnx.load(path)
        self.inputs = [Input(value) for value in self.model.graph.input]
        self.input_names = [value.name for value in self.model.graph.input]
        self.output_names = [value.name for value in self.model.graph.output]
        # Inputs like others in ONNX; the metadata pairs them with outputs.
        self.initial = {p.key.removeprefix("nnc.state."): json.loads(p.value) for p in self.model.metadata_props
                        if p.key.startswith("nnc.state.")}
        self.states = [(self.input_names.index(name), self.output_names.index(state["next"]))
                       for name, state in self.initial.items()]

    def get_initial_state(self, place):
        """As CompiledModel's."""
        tensor = self.inputs[place]
        value = np.asarray(self.initial[self.input_names[place]].get("initial", 0), tensor.dtype)
        return np.broadcast_to(value, tensor.shape) if value.ndim == 0 else value.reshape(tensor.shape)

    def __call__(self, arrays, is_optimised=False):
        try:
            return run_reference(self.model, arrays, is_optimised)
        except Exception as error:  # pylint: disable=broad-except
            if NOT_IN_RUNTIME.search(str(error)):
                raise Refused("error: ONNX Runtime has no such kernel") from None
            raise


def convert(source, target, opset=18, options=(), verify=False):
    """`verify`: nnc itself must find that the two models give the same."""
    result = compile_model(source, target, ["--emit=onnx", f"--opset={opset}", *options, *["--verify"] * verify], timeout=120)
    if verify and "verified on random inputs, seed 0: output" not in result.stderr:
        raise Broken(f"--verify says nothing: {result.stderr}")
    onnx.checker.check_model(target, full_check=True)
    return ConvertedModel(target)


def check_random(seed, folder):
    opset = OPSETS[seed % len(OPSETS)]
    model, inputs = RandomGraph(seed).make(layers=2 + seed % 7, symbolic=seed % 3 == 0)
    source = os.path.join(folder, "source.onnx")
    onnx.save(model, source)
    converted = convert(source, os.path.join(folder, "converted.onnx"), opset, verify=seed % 3 != 0)
    expected = run_reference(model, inputs)
    if converted.output_names != [value.name for value in model.graph.output]:
        return "the outputs have other names"
    for name, actual, wanted in zip(converted.output_names, converted(inputs), expected):
        scale = np.abs(wanted).max(initial=1e-3)
        if actual.shape != wanted.shape or not np.abs(actual - wanted).max(initial=0) <= TOLERANCE * scale:
            return f"opset {opset}, {' '.join(n.op_type for n in converted.model.graph.node)}: {name} differs"
    return None


def check_node(case, folder):
    if case.name in DEVIATIONS:
        raise onnx_node_tests.Skipped(DEVIATIONS[case.name])
    if onnx_node_tests.is_random(case):
        raise onnx_node_tests.Skipped("its outputs are random numbers")
    if any(value.type.WhichOneof("value") != "tensor_type" for value in [*case.model.graph.input, *case.model.graph.output]):
        raise onnx_node_tests.Skipped("sequences and optionals are other inputs and outputs in what is written")
    form = "constant" if onnx_node_tests.has_form(case, "constant") else "given"
    model, arrays = onnx_node_tests.make_form(case, form)
    source = os.path.join(folder, "source.onnx")
    onnx.save(model, source)
    converted = convert(source, os.path.join(folder, "converted.onnx"), OPSETS[-1])
    results = converted([onnx_node_tests.to_array(a) for a in arrays])
    for actual, wanted in zip(results, map(onnx_node_tests.to_array, case.data_sets[0][1])):
        difference = describe_difference(actual, wanted, max(case.rtol, 1e-4), max(case.atol, 1e-6))
        if difference:
            return difference
    return None


def check_verification(folder):
    """Extents that the random 32 does not fit are an error of --verify; with --shape the model passes."""
    graph = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": 17]> g (float[n, 6] x) => (float[m, 7] y)
        <int64[2] s = {-1, 7}> { y = Reshape(x, s) }""")
    source, target = os.path.join(folder, "source.onnx"), os.path.join(folder, "converted.onnx")
    onnx.save(graph, source)
    try:
        convert(source, target, verify=True)
    except Refused as refusal:
        if "error: --verify: " not in str(refusal) or os.path.exists(target):
            return f"a file, or another message: {refusal}"
    else:
        return "32 x 6 numbers went into rows of 7"
    convert(source, target, options=["--shape=n=14"], verify=True)
    return None


def check_framework(framework, place, case, folder):
    item = (framework_cases.REAL if case.get("real") else framework_cases.FRAMEWORKS)[framework](place, case)
    files = [os.path.join(item.folder, file) for file in item.files]
    exact = ["--quantized=integers"] if framework == "tflite" else []  # QDQ adds up the roundings of all layers
    converted = convert(files[0], os.path.join(folder, "converted.onnx"), options=[*files[1:], *item.options, *exact],
                        verify=zlib.crc32(place.encode()) % 8 == 0)
    for output, actual, expected in item.run(converted):
        problem = framework_cases.compare(output, actual, expected, framework_cases.tolerance_of(case))
        if problem:
            return problem
    return None


def list_jobs(graphs, share):
    """(kind, name, check) of all tests."""
    for seed in range(graphs):
        yield "random", f"random/{seed}", lambda folder, seed=seed: check_random(seed, folder)
    yield "verification", "verification", check_verification
    for case in onnx_node_tests.collect("."):
        if not shares.is_chosen(case.name, share):
            continue
        yield "nodes", f"nodes/{case.name}", lambda folder, case=case: check_node(case, folder)
    for framework, place, name, case in framework_cases.list_cases(""):
        yield "frameworks", f"{framework}/{name}", lambda folder, f=framework, p=place, c=case: check_framework(f, p, c, folder)


def run(check):
    """(verdict, reason)."""
    with tempfile.TemporaryDirectory(prefix="nnc-convert-") as folder:
        try:
            reason = check(folder)
            return ("failed", reason) if reason else ("passed", "")
        except onnx_node_tests.Skipped as skip:
            return "skipped", str(skip)
        except Refused as refusal:
            if "error: --verify" in str(refusal):
                return "failed", str(refusal)
            return "skipped", onnx_node_tests.summarise_refusal(str(refusal))
        except Broken as error:
            return "failed", str(error)
        except Exception as error:  # pylint: disable=broad-except
            return "failed", f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="only tests whose name matches this expression")
    parser.add_argument("--graphs", type=int, default=90)
    shares.add_option(parser)
    arguments = parser.parse_args()
    counts, reasons = collections.Counter(), collections.Counter()
    for kind, name, check in list_jobs(arguments.graphs, arguments.share):
        if not re.search(arguments.pattern, name):
            continue
        verdict, reason = run(check)
        counts[verdict] += 1
        if verdict == "failed":
            print(f"FAIL {name}: {reason}", flush=True)
        elif verdict == "skipped":
            reasons[f"{kind}: {reason}"] += 1
    for reason, number in sorted(reasons.items()):
        print(f"SKIP [{number}] {reason}")
    print(f"conversion: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
