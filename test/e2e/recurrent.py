#!/usr/bin/env python3
"""Random LSTM, GRU and RNN layers, compiled by nnc and compared with ONNX Runtime: directions, activations, clip, sequence
lengths, initial states, peepholes, left-out biases, weights that are constant or come at run time, extents that are
static or known at run time only.
"""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402
from networks import in_child, open_session  # noqa: E402

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
# ONNX Runtime's other functions are approximations, or differ from the operator's description.
ACTIVATIONS = ["Sigmoid", "Tanh", "Relu", "LeakyRelu", "HardSigmoid", "Affine", "ScaledTanh", "Elu", "Softsign"]
ALPHA = {"LeakyRelu": 0.1, "HardSigmoid": 0.3, "Affine": 0.7, "ScaledTanh": 0.9, "Elu": 0.8}
BETA = {"HardSigmoid": 0.4, "Affine": 0.1, "ScaledTanh": 0.6}
TOLERANCE = 2e-5


def choose_attributes(rng, op, directions, hidden):
    attributes = {"hidden_size": hidden}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    elif rng.random() < 0.5:
        attributes["direction"] = "reverse"
    if rng.random() < 0.5:
        names = [str(rng.choice(ACTIVATIONS)) for _ in range(directions * len(DEFAULTS[op]))]
        attributes["activations"] = names
        alphas, betas = [ALPHA[n] for n in names if n in ALPHA], [BETA[n] for n in names if n in BETA]
        if alphas:
            attributes["activation_alpha"] = alphas
        if betas:
            attributes["activation_beta"] = betas
    if rng.random() < 0.3:
        attributes["clip"] = float(rng.choice([0.2, 0.5, 3.0]))
    if op == "GRU" and rng.random() < 0.5:
        attributes["linear_before_reset"] = 1
    if op == "LSTM" and rng.random() < 0.2:
        attributes["input_forget"] = 1
    return attributes


def choose_operands(rng, op, directions, time, batch, feature, hidden):
    """Arrays by their names; None where one is left out."""
    gates, scale = GATES[op], 1 / np.sqrt(hidden)

    def array(*shape):
        return rng.uniform(-scale, scale, shape).astype(np.float32)

    def maybe(value, likelihood=0.5):
        return value if rng.random() < likelihood else None

    operands = {"x": rng.standard_normal((time, batch, feature)).astype(np.float32),
                "w": array(directions, gates * hidden, feature), "r": array(directions, gates * hidden, hidden),
                "b": maybe(array(directions, 2 * gates * hidden), 0.8),
                "lengths": maybe(rng.integers(1, time + 1, batch).astype(np.int32), 0.4),
                "h": maybe(array(directions, batch, hidden))}
    if op == "LSTM":
        operands["c"] = maybe(array(directions, batch, hidden))
        operands["p"] = maybe(array(directions, 3 * hidden), 0.3)
    return operands


def make_case(rng):
    """A model, its inputs, and words that describe it."""
    op = str(rng.choice(list(GATES)))
    directions, time, batch = int(rng.integers(1, 3)), int(rng.integers(1, 12)), int(rng.choice([1, 1, 2, 3, 5, 17]))
    feature, hidden = int(rng.integers(1, 40)), int(rng.choice([1, 3, 8, 16, 20, 33, 64]))
    attributes = choose_attributes(rng, op, directions, hidden)
    operands = choose_operands(rng, op, directions, time, batch, feature, hidden)
    isConstant, isDynamic = rng.random() < 0.7, rng.random() < 0.4
    results = ["y", "yh", "yc"][:3 if op == "LSTM" else 2]
    wanted = [name if rng.random() < 0.7 else "" for name in results]
    if not any(wanted):
        wanted[0] = "y"
    node = helper.make_node(op, [n if v is not None else "" for n, v in operands.items()], wanted, **attributes)
    initializers, values, arrays = [], [], {}
    for name, value in operands.items():
        if value is None:
            continue
        if isConstant and name in ("w", "r", "b", "p"):
            initializers.append(numpy_helper.from_array(value, name))
            continue
        shape = list(value.shape)
        if isDynamic:
            symbols = {"x": ["time", "batch", feature], "lengths": ["batch"], "h": [directions, "batch", hidden],
                       "c": [directions, "batch", hidden]}
            shape = symbols.get(name, shape)
        values.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), shape))
        arrays[name] = value
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in wanted if n]
    graph = helper.make_graph([node], "layer", values, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    text = (f"{op} time {time} batch {batch} feature {feature} hidden {hidden} of {[n for n, v in operands.items() if v is not None]}"
            f" {attributes} constant={isConstant} dynamic={isDynamic} results {wanted}")
    return model, arrays, text


def check(model, arrays, folder, tolerance=TOLERANCE):
    """None, or what is wrong."""
    path, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(model, path)
    compile_model(path, library, ["--emit=shared", "--name=model"])

    def compare():
        compiled = CompiledModel(library, "model")
        results = compiled([arrays[name] for name in compiled.input_names])
        for name, actual, expected in zip(compiled.output_names, results, open_session(path).run(None, arrays)):
            difference = describe_difference(actual, expected, tolerance, tolerance)
            if difference:
                return f"{name}: {difference}"
        return None

    return in_child(compare)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        model, arrays, text = make_case(np.random.default_rng(seed))
        try:
            with tempfile.TemporaryDirectory(prefix="nnc-recurrent-") as folder:
                reason = check(model, arrays, folder)
            verdict = "failed" if reason else "passed"
        except Refused as error:
            verdict, reason = "failed", f"refused: {error}"
        except Broken as error:
            verdict, reason = "failed", str(error)
        counts[verdict] += 1
        if reason:
            print(f"FAIL seed {seed}: {reason} [{text}]", flush=True)
    print("recurrent: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
