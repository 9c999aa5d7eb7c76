#!/usr/bin/env python3
"""Operators of TFLite, with random data of odd shapes and all their options, against the reference kernels of TFLite's own
interpreter, or, of MediaPipe's custom operators, against a description of them. Floats agree up to rounding, integers
exactly. Cases share a model, several at a time; those of a model that nnc does not compile are tried in halves.
"""
import argparse
import itertools
import os
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    print("SKIP ai-edge-litert cannot be installed from PyPI")
    print("tflite: 0 passed, 0 failed, 1 skipped")
    sys.exit(0)

from models import (tflite_cases, tflite_custom_cases, tflite_integer_cases, tflite_mediapipe_cases,  # noqa: E402
                    tflite_placed_cases, tflite_quantized_cases, tflite_special_cases, tflite_state_cases)
from models.tflite_graph import Graph  # noqa: E402

BATCH = 16  # cases in one model
NUMBERS = itertools.count()  # a library that was loaded keeps its name


def run_reference(data, inputs, calls, is_broken=False):
    """The outputs of TFLite's reference kernels, or of its other ones where it has no such kernel of an operator, or one that
    is broken; those of all calls in a row, between which it keeps its state."""
    try:
        if is_broken:
            raise ValueError("the reference kernel")
        interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    except ValueError:
        interpreter = Interpreter(model_content=data,
                                  experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    details = interpreter.get_input_details()
    for detail, array in zip(details, inputs):
        if tuple(detail["shape"]) != array.shape:
            interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    outputs = []
    for _ in range(calls):
        for detail, array in zip(details, inputs):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        outputs += [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
    return outputs


def run_compiled(model, inputs, count, calls):
    """The first `count` outputs of all calls in a row; those behind them are the states of the next call, which come behind
    the inputs."""
    states = [model.get_initial_state(number) for number in range(len(inputs), len(model.inputs))]
    outputs = []
    for _ in range(calls):
        results = model([*inputs, *states])
        outputs += results[:count]
        for state, following in model.states:
            states[state - len(inputs)] = results[following]
    return outputs


def build(cases, is_reference=False):
    """One graph of all cases; the number of outputs of each."""
    graph, counts = Graph(is_reference), []
    for case in cases:
        before = len(graph.output_indices)
        case.build(graph)
        counts.append(len(graph.output_indices) - before)
    return graph, counts


def run_batch(cases, folder, options):
    """{case: None or what is wrong}; raises what stops all of them together."""
    graph, counts = build(cases)
    data = graph.serialize()
    calls = max(case.calls for case in cases)
    if cases[0].compute:
        expected = [array for case in cases for array in case.compute()]
    else:
        expected = run_reference(build(cases, is_reference=True)[0].serialize(), graph.inputs, calls, cases[0].is_broken)
    path, library = os.path.join(folder, "model.tflite"), os.path.join(folder, f"model-{next(NUMBERS)}.so")
    with open(path, "wb") as file:
        file.write(data)
    compile_model(path, library, ["--name=model", "--emit=shared", *options])
    actual = run_compiled(CompiledModel(library, "model"), graph.inputs, len(graph.output_indices), calls)
    os.remove(library)
    results, places = {}, [case for case, count in zip(cases, counts) for _ in range(count)] * calls
    for case, a, e in zip(places, actual, expected, strict=True):
        results[case] = results.get(case) or describe_difference(a, e, case.rtol, case.atol)
    return results


def get_kind(case):
    """Cases of one kind can share a model."""
    return case.calls, case.is_broken, case.compute is not None


def halve(batch):
    return [batch[:len(batch) // 2], batch[len(batch) // 2:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression; only cases whose name has it")
    parser.add_argument("--option", action="append", default=[], help="of nnc")
    arguments = parser.parse_args()
    sources = (tflite_cases, tflite_placed_cases, tflite_quantized_cases, tflite_integer_cases, tflite_special_cases,
               tflite_state_cases, tflite_custom_cases, tflite_mediapipe_cases)
    cases = [case for source in sources for case in source.list_cases() if re.search(arguments.pattern, case.name)]
    cases.sort(key=get_kind)
    passed = failed = 0
    skips = []
    with tempfile.TemporaryDirectory() as folder:
        work = []
        for _, group in itertools.groupby(cases, key=get_kind):
            group = list(group)
            work += [group[i:i + BATCH] for i in range(0, len(group), BATCH)]
        while work:
            batch = work.pop(0)
            try:
                results = run_batch(batch, folder, arguments.option)
            except Refused as problem:
                if len(batch) > 1:
                    work += halve(batch)
                else:
                    skips.append(f"{batch[0].name}: {problem}")
                continue
            except (Broken, RuntimeError, ValueError) as problem:
                if len(batch) > 1:
                    work += halve(batch)
                    continue
                results = {batch[0]: f"{type(problem).__name__}: {problem}"}
            for case, problem in results.items():
                if problem:
                    failed += 1
                    print("FAIL", case.name, problem.replace("\n", " | ")[:400], flush=True)
                else:
                    passed += 1
    for skip in skips:
        print("SKIP", skip.replace("\n", " | ")[:300])
    print(f"tflite: {passed} passed, {failed} failed, {len(skips)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
