#!/usr/bin/env python3
"""ONNX's backend node tests, compiled by nnc, in three forms:

  given     as the test has it: static shapes, all inputs at run time;
  constant  every input but the first is an initialiser (the only one too, where there is one: then the whole graph is
            computed at compile time);
  dynamic   every extent is known only at run time; small integer vectors (shapes, axes, pads) are initialisers.

A test has no constant form without inputs, and no dynamic one without extents that could be others. Where the recorded
outputs are numpy's random numbers, type, shape, which values can be, and the mean (within 5 sigma) are checked;
random_operators.py has further tests for these operators.
A model that nnc refuses counts as skipped, with the reason; wrong results, crashes and hangs are failures. A summary by
operator goes to the file of --json; utils/generate-ops-doc makes docs/ops.md of it.
"""
import argparse
import collections
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compound_values  # noqa: E402
import shares  # noqa: E402
from compiled_model import Broken, CompiledModel, Refused, NNC, compile_model, describe_difference  # noqa: E402

FORMS = ("given", "constant", "dynamic")
NUMERIC = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16,
           onnx.TensorProto.BOOL, onnx.TensorProto.INT8, onnx.TensorProto.INT16, onnx.TensorProto.INT32,
           onnx.TensorProto.INT64, onnx.TensorProto.UINT8, onnx.TensorProto.UINT16, onnx.TensorProto.UINT32,
           onnx.TensorProto.UINT64, onnx.TensorProto.FLOAT8E4M3FN, onnx.TensorProto.FLOAT8E4M3FNUZ,
           onnx.TensorProto.FLOAT8E5M2, onnx.TensorProto.FLOAT8E5M2FNUZ, onnx.TensorProto.FLOAT8E8M0,
           onnx.TensorProto.FLOAT4E2M1, onnx.TensorProto.INT4, onnx.TensorProto.UINT4, onnx.TensorProto.INT2,
           onnx.TensorProto.UINT2}
TIMEOUT = 60
# The rounding errors of a Fourier transform are relative to its largest element, in the recorded outputs too.
FOURIER_ULPS = 4
TWO_ULPS = {"bfloat16": 2**-6, "float16": 2**-9}

RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}

CASES = []  # inherited by the workers


class Skipped(Exception):
    pass


def to_array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def is_narrow(dtype):
    return re.match(r"float8|float4|u?int[24]$", dtype.name) is not None


def for_memory(array):
    """bfloat16 and narrower types as their bits, the rest as it is."""
    if is_narrow(array.dtype):
        return array.view(np.uint8)
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def from_bits(bits, dtype):
    """Elements of a narrow type from bytes that hold their bits."""
    if dtype.name in ("int4", "int2"):
        unused = 8 - int(dtype.name[3:])
        bits = ((bits << unused).view(np.int8) >> unused).view(np.uint8)
    return np.ascontiguousarray(bits).view(dtype)


def supported_ops():
    import subprocess
    lines = subprocess.run([NNC, "--list-ops"], capture_output=True, text=True, check=True).stdout.split("\n")
    rows = [line.split() for line in lines if line.strip()]
    return {name if domain == "ai.onnx" else f"{domain}.{name}" for domain, name, _ in rows}


def used_ops(graph):
    for node in graph.node:
        yield (node.domain + "." if node.domain not in ("", "ai.onnx") else "") + node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from used_ops(attribute.g)


def check_types(graph):
    for value in list(graph.input) + list(graph.output):
        tensor = compound_values.get_tensor_type(value.type)
        if tensor is None:
            raise Skipped(f"inputs and outputs that are {(value.type.WhichOneof('value') or 'nothing').replace('_type', 's')}")
        if tensor.elem_type not in NUMERIC | {onnx.TensorProto.STRING}:
            raise Skipped("element type " + onnx.TensorProto.DataType.Name(tensor.elem_type))


def is_random(case):
    """Whether the outputs are random numbers; those of Dropout in training are where it drops something."""
    if RANDOM & set(used_ops(case.model.graph)):
        return True
    node = case.model.graph.node[0]
    if node.op_type != "Dropout" or len(node.input) < 3:
        return False
    given = dict(zip([name for name in node.input if name], (to_array(a) for a in case.data_sets[0][0])))
    return bool(given[node.input[2]]) and given.get(node.input[1], 0.5) != 0


def is_shape_like(array):
    return isinstance(array, np.ndarray) and array.dtype == np.int64 and array.ndim <= 1 and array.size <= 16


def has_extents(value):
    """False for a scalar; sequences and optionals are no arrays."""
    return not isinstance(value, np.ndarray) or value.ndim > 0


def choose_constants(case, arrays):
    """The places of the inputs that are initialisers in the dynamic form. Data that only look like a shape stay inputs."""
    chosen = [place for place, array in enumerate(arrays) if is_shape_like(array)]
    first = next((place for place, array in enumerate(arrays) if has_extents(array)), None)
    # The length of a shape is the rank of what has it, which is never a run-time value.
    if first in chosen and not any(has_extents(a) for i, a in enumerate(arrays) if i not in chosen) and \
            case.model.graph.node[0].op_type != "ConstantOfShape":
        chosen = [place for place in chosen if arrays[place].shape != arrays[first].shape]
    return chosen


def has_form(case, form):
    """Whether the form differs from the given one; types that are not supported are told of when it is made."""
    inputs = case.model.graph.input
    if form == "constant":
        return len(inputs) > 0
    if form != "dynamic" or any(value.type.WhichOneof("value") != "tensor_type" for value in inputs):
        return True
    arrays = [to_array(a) for a in case.data_sets[0][0]]
    chosen = choose_constants(case, arrays)
    return any(array.ndim for place, array in enumerate(arrays) if place not in chosen)


def make_constant(graph, arrays, chosen):
    """Turns the inputs whose places are in `chosen` into initialisers; returns the arrays of those that stay."""
    for place in chosen:
        if graph.input[place].type.HasField("tensor_type"):
            graph.initializer.append(numpy_helper.from_array(arrays[place], graph.input[place].name))
        else:
            compound_values.make_constant(graph, graph.input[place], arrays[place])
    stay = [i for i in range(len(arrays)) if i not in chosen]
    inputs = [graph.input[i] for i in stay]
    kept = [onnx.ValueInfoProto.FromString(v.SerializeToString()) for v in inputs]
    del graph.input[:]
    graph.input.extend(kept)
    return [arrays[i] for i in stay]


def forget_extents(values):
    for value in values:
        for dimension in compound_values.get_tensor_type(value.type).shape.dim:
            dimension.ClearField("dim_value")
            dimension.ClearField("dim_param")


def make_form(case, form):
    """The model and its inputs in one of the three forms: arrays, and where it has sequences and optionals lists and None."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    check_types(model.graph)
    arrays = [compound_values.to_arrays(a) for a in case.data_sets[0][0]]
    if form == "constant":
        arrays = make_constant(model.graph, arrays, list(range(1, len(arrays))) or [0])
    elif form == "dynamic":
        arrays = make_constant(model.graph, arrays, choose_constants(case, arrays))
        forget_extents(model.graph.input)
        forget_extents(model.graph.output)
    return model, arrays


def in_child(body):
    """Runs body() in a child process, so that a crash of a compiled model is an answer; returns None or a sentence."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(TIMEOUT)
        try:
            answer = body() or ""
        except Broken as error:
            answer = str(error)
        except Exception as error:  # pylint: disable=broad-except
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer[:4000].encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"took more than {TIMEOUT} s" if number == signal.SIGALRM else f"died of {signal.Signals(number).name}"
    return answer or None


def compare_results(case, results, names=()):
    """None where the results are the recorded outputs, else a sentence; `names` are those of nnc's outputs."""
    expected = compound_values.flatten_results(case.model, map(compound_values.to_arrays, case.data_sets[0][1]), names)
    if len(results) != len(expected):
        return f"{len(results)} outputs, expected {len(expected)}"
    for i, (actual, wanted) in enumerate(zip(results, expected)):
        if wanted.dtype.name == "bfloat16" and actual.dtype == np.uint16:
            actual = actual.view(wanted.dtype)
        if is_narrow(wanted.dtype) and actual.dtype == np.uint8:
            actual = from_bits(actual, wanted.dtype)
        rtol = max(case.rtol, TWO_ULPS.get(wanted.dtype.name, 0))
        atol = case.atol
        if any(node.op_type in ("DFT", "STFT") for node in case.model.graph.node) and wanted.size:
            atol = max(atol, FOURIER_ULPS * np.finfo(wanted.dtype).eps * float(np.max(np.abs(wanted))))
        difference = describe_difference(actual, wanted, rtol, atol)
        if difference:
            return f"output {i}: {difference}"
    return None


def check_random(case, results):
    """As compare_results, where the recorded outputs are random numbers."""
    for i, (actual, wanted) in enumerate(zip(results, (to_array(a) for a in case.data_sets[0][1]))):
        if actual.dtype != wanted.dtype or actual.shape != wanted.shape:
            return f"output {i}: {actual.dtype} {list(actual.shape)}, expected {wanted.dtype} {list(wanted.shape)}"
    x, *rest = (to_array(a) for a in case.data_sets[0][0])
    if "dropout" in case.name:
        ratio = float(rest[0]) if len(rest) == 2 else 0.5
        probability = np.full(x.shape, 1 - ratio)
        drawn = results[1] if len(results) == 2 else results[0] != 0
        if not np.allclose(results[0], np.where(drawn, x / (1 - ratio), 0)):
            return "what is kept is not divided by its probability"
    elif "bernoulli" in case.name:
        probability, drawn = x.astype(np.float64), results[0]
        if not np.isin(drawn, (0, 1)).all():
            return "not all are 0 or 1"
    else:
        return "a test of random numbers that is not known here"
    sigma = np.sqrt((probability * (1 - probability)).sum()) / x.size
    if abs(drawn.mean(dtype=np.float64) - probability.mean()) > 5 * sigma + 1e-9:
        return f"the mean is {drawn.mean(dtype=np.float64)}, expected {probability.mean()}"
    return None


def compare(library, case, arrays):
    compiled = CompiledModel(library, "model")
    results = compiled([for_memory(a) for a in arrays])
    return check_random(case, results) if is_random(case) else compare_results(case, results, compiled.output_names)


def summarise_refusal(text):
    """The first blocker, without the names of file and node."""
    line = next((line for line in text.splitlines() if "error:" in line), text.splitlines()[0])
    line = re.sub(r"^.*?error:\s*", "", line)
    line = re.sub(r"^node '[^']*' ", "", line)
    return "refused: " + re.sub(r"'(?:[^']*)'", "'...'", line)[:160]


def run_case(job):
    """(test, form) -> (name, form, 'passed' | 'failed' | 'skipped', reason, seconds of nnc)."""
    index, form = job
    case = CASES[index]
    seconds = 0.0
    try:
        model, arrays = make_form(case, form)
        with tempfile.TemporaryDirectory(prefix="nnc-node-") as folder:
            source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
            onnx.save(model, source)
            begin = time.time()
            try:
                options, arrays = compound_values.flatten(model, arrays, form == "dynamic")
                compile_model(source, library, ["--emit=shared", "--name=model", *options], TIMEOUT)
            finally:
                seconds = time.time() - begin
            reason = in_child(lambda: compare(library, case, arrays))
        return case.name, form, "failed" if reason else "passed", reason, seconds
    except Skipped as reason:
        return case.name, form, "skipped", str(reason), seconds
    except Refused as reason:
        return case.name, form, "skipped", summarise_refusal(str(reason)), seconds
    except Exception as error:  # pylint: disable=broad-except
        return case.name, form, "failed", f"{type(error).__name__}: {error}", seconds


def collect(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        cases = sorted(collect_testcases(), key=lambda case: case.name)
    return [case for case in cases if re.search(pattern, case.name)]


def find_op(case, ops_by_test):
    """The operator that a test is about; the expansion of a function's test belongs to that function."""
    base = re.sub(r"_expanded.*$", "", case.name)
    if base in ops_by_test:
        return ops_by_test[base]
    return case.model.graph.node[0].op_type if len(case.model.graph.node) == 1 else "(several)"


def write_summary(path, results, ops, supported):
    table = collections.defaultdict(lambda: {form: {"passed": 0, "failed": 0, "skipped": 0} for form in FORMS})
    skips = collections.defaultdict(collections.Counter)
    for name, form, verdict, reason, _ in results:
        table[ops[name]][form][verdict] += 1
        if verdict == "skipped":
            skips[ops[name]][reason] += 1
    failures = {f"{name}/{form}": reason for name, form, verdict, reason, _ in results if verdict == "failed"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"onnx": onnx.__version__, "supported": sorted(supported), "ops": table, "skips": skips,
                   "failures": failures}, file, indent=1, sort_keys=True)


def print_results(results):
    skips = collections.Counter()
    counts = collections.Counter()
    for name, form, verdict, reason, _ in results:
        counts[verdict] += 1
        if verdict == "failed":
            print(f"FAIL {name}/{form}: {reason}")
        elif verdict == "skipped":
            skips[reason] += 1
    for reason, number in skips.most_common():
        print(f"SKIP [{number}] {reason}")
    compiled = [r for r in results if r[4]]
    if compiled:
        times = sorted(r[4] for r in compiled)
        slowest = max(compiled, key=lambda r: r[4])
        print(f"{len(times)} compilations: median {1000 * times[len(times) // 2]:.0f} ms, slowest {slowest[4]:.1f} s "
              f"({slowest[0]}/{slowest[1]})")
    print(f"nodes: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="only tests whose name contains this expression")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--json", help="where to write the summary by operator")
    shares.add_option(parser)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()

    CASES.extend(collect(arguments.pattern))
    supported = supported_ops()
    ops_by_test = {c.name: next(used_ops(c.model.graph)) for c in CASES if len(c.model.graph.node) == 1}
    ops = {case.name: find_op(case, ops_by_test) for case in CASES}
    jobs, results = [], []
    for index, case in enumerate(CASES):
        missing = sorted(set(used_ops(case.model.graph)) - supported)
        for form in arguments.forms.split(","):
            if not has_form(case, form) or form != FORMS[0] and not shares.is_chosen(case.name, arguments.share):
                continue
            if missing:
                results.append((case.name, form, "skipped", "operators not supported: " + ", ".join(missing), 0.0))
            else:
                jobs.append((index, form))
    with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
        for done, result in enumerate(pool.imap_unordered(run_case, jobs, chunksize=8), 1):
            results.append(result)
            if done % 500 == 0:
                print(f"{done} of {len(jobs)}", flush=True)
    results.sort()
    if arguments.json:
        write_summary(arguments.json, results, ops, supported)
    return print_results(results)


if __name__ == "__main__":
    sys.exit(main())
