#!/usr/bin/env python3
"""Operators of TFLite, converted to ONNX and run by ONNX Runtime, against the reference kernels of TFLite's own interpreter.

Operators on quantised numbers are written in both forms: with --quantized=integers every integer is the same; with
--quantized=qdq, in which ONNX Runtime rounds in its own way, one may be another by one. Floats agree up to rounding. What
ONNX Runtime has no kernel for is skipped."""
import argparse
import collections
import os
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shares  # noqa: E402
from compiled_model import Refused, describe_difference  # noqa: E402
from conversion import convert  # noqa: E402
from onnx_node_tests import summarise_refusal  # noqa: E402

try:
    from tflite_ops import build, run_reference  # noqa: E402
except SystemExit:
    sys.exit(0)  # it has said why

from models import tflite_cases, tflite_placed_cases, tflite_quantized_cases  # noqa: E402

FORMS = ("qdq", "integers")
# The last is the first that quantises to 16 bits. Of 8 bits ONNX Runtime 1.32 has an optimisation there that gives a
# model which it then refuses.
OPSETS = (18, 21)

# What is known to differ, and what is to be done yet.
KNOWN = {"qdq/quantize_(int8|uint8|int16)": "ONNX's QuantizeLinear rounds halves to even, TFLite's QUANTIZE away from zero",
         "qdq/local_response": "ONNX Runtime refuses the attributes of this LRN"}


def describe(actual, expected, case, form):
    """None, or what is wrong with one output."""
    is_integer = np.issubdtype(np.asarray(expected).dtype, np.integer)
    if form != "qdq" or not is_integer or actual.shape != expected.shape or actual.dtype != expected.dtype:
        return describe_difference(actual, expected, case.rtol, case.atol)
    error = np.abs(actual.astype(np.int64) - expected.astype(np.int64)).max(initial=0)
    return f"an integer is off by {error}" if error > 1 else None


def check(case, form, folder):
    """None, or what is wrong."""
    graph, _ = build([case])
    expected = run_reference(build([case], is_reference=True)[0].serialize(), graph.inputs, 1)
    path = os.path.join(folder, "model.tflite")
    with open(path, "wb") as file:
        file.write(graph.serialize())
    for opset in OPSETS:
        try:
            converted = convert(path, os.path.join(folder, "model.onnx"), opset, [f"--quantized={form}"])
            break
        except Refused as refusal:
            if "needs --opset=" not in str(refusal) or opset == OPSETS[-1]:
                raise
    for is_optimised in (False, True):
        for actual, wanted in zip(converted(graph.inputs, is_optimised), expected, strict=True):
            problem = describe(np.asarray(actual), wanted, case, form)
            if problem:
                return f"{problem}{' where ONNX Runtime optimises' if is_optimised else ''}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression; only cases whose name has it")
    shares.add_option(parser)
    arguments = parser.parse_args()
    jobs = [(case, "qdq") for case in tflite_cases.list_cases()]
    for source in (tflite_placed_cases, tflite_quantized_cases):
        jobs += [(case, form) for case in source.list_cases() for form in FORMS]
    counts, reasons = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory(prefix="nnc-convert-") as folder:
        for case, form in jobs:
            name = f"{form}/{case.name}"
            if case.calls > 1 or not re.search(arguments.pattern, name) or not shares.is_chosen(name, arguments.share):
                continue
            known = [reason for pattern, reason in KNOWN.items() if re.fullmatch(pattern, name)]
            if known:
                counts["skipped"] += 1
                reasons[known[0]] += 1
                continue
            try:
                problem = check(case, form, folder)
            except Refused as refusal:
                counts["skipped"] += 1
                reasons[f"{form}: {summarise_refusal(str(refusal))}"] += 1
                continue
            except Exception as error:  # pylint: disable=broad-except
                problem = f"{type(error).__name__}: {error}"
            counts["failed" if problem else "passed"] += 1
            if problem:
                print("FAIL", name, problem.replace("\n", " | ")[:300], flush=True)
    for reason, number in sorted(reasons.items()):
        print(f"SKIP [{number}] {reason}")
    print(f"tflite-onnx: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
