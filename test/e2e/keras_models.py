#!/usr/bin/env python3
"""Keras models with random weights, saved by Keras as .keras and as .h5, compiled by nnc and compared with what Keras
computes (backend JAX). The cases are in models/keras_*.py. `--onnx` also converts each model with --emit=onnx and runs that with
ONNX Runtime."""
import argparse
import os
import re
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402

TOLERANCE = 2e-5
# So many cases are one model: each with inputs and outputs of its own.
BATCH = 20


def describe_error(actual, expected):
    """None, or a sentence: the largest error may be TOLERANCE of the largest magnitude."""
    expected = np.asarray(expected)
    if list(actual.shape) != list(expected.shape):
        return f"shape {list(actual.shape)}, expected {list(expected.shape)}"
    if actual.dtype.kind in "biu" and expected.dtype.kind in "biu":
        return None if (actual.astype(np.int64) == expected.astype(np.int64)).all() else "other integers"
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    if not np.array_equal(np.isfinite(actual), np.isfinite(expected)):
        return "NaN or infinity at another place"
    finite = np.isfinite(expected)
    if not finite.any():
        return None
    scale = max(np.abs(expected[finite]).max(), 1e-3)
    error = np.abs(actual[finite] - expected[finite]).max() / scale
    return None if error <= TOLERANCE else f"error {error:.2g} of the largest magnitude {scale:.3g}"


def randomize(model, rng):
    """Weights that a mistake cannot hide behind: none is zero, variances are positive."""
    for variable in model.weights:
        # What Normalization has adapted it has already computed with.
        if variable.name in ("mean", "variance", "count"):
            continue
        values = rng.uniform(-0.5, 0.5, variable.shape)
        if "variance" in variable.path:
            values = np.abs(values) + 0.3
        variable.assign(values.astype(variable.dtype))


def open_keras():
    import keras
    import logging
    logging.getLogger("absl").setLevel(logging.ERROR)
    return keras


def run_model(path, library, arrays, options):
    """The outputs of the model that nnc makes."""
    compile_model(path, library, ["--emit=shared", "--name=model", *options])
    compiled = CompiledModel(library, "model")
    return compiled(arrays)


def run_onnx(path, folder, arrays):
    """The outputs of the model that nnc makes of it for ONNX Runtime."""
    from networks import open_session
    converted = os.path.join(folder, "converted.onnx")
    compile_model(path, converted, ["--emit=onnx"])
    try:
        session = open_session(converted)
        return session.run(None, {value.name: array for value, array in zip(session.get_inputs(), arrays)})
    except Exception as error:  # pylint: disable=broad-except
        raise Broken(f"onnx: {error}") from None


def check_batch(cases, seed, folder, with_onnx):
    """For each case the list of what is wrong with it. Raises Refused or Broken for all of them together."""
    keras = open_keras()
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    made = [case.make(keras, rng, batch=2) for case in cases]
    model = keras.Model([x for inputs, _, _ in made for x in inputs], [y for _, outputs, _ in made for y in outputs])
    randomize(model, rng)
    arrays = [a for _, _, given in made for a in given]
    expected = model(arrays, training=False)
    expected = [np.asarray(y) for y in (expected if isinstance(expected, (list, tuple)) else [expected])]
    results = {}
    for extension in ("keras", "h5"):
        if not all(extension in case.formats for case in cases):
            continue
        path = os.path.join(folder, "model." + extension)
        model.save(path)
        options = ["--shape=batch=2"] if extension == "keras" else []
        results[extension] = run_model(path, os.path.join(folder, extension + ".so"), arrays, options)
        if with_onnx and extension == "keras" and all(case.onnx for case in cases):
            results["onnx"] = run_onnx(path, folder, arrays)
    wrong, place = [], 0
    for _, outputs, _ in made:
        errors = [(kind, describe_error(values[i], expected[i]))
                  for kind, values in results.items() for i in range(place, place + len(outputs))]
        wrong.append([f"{kind}: {error}" for kind, error in errors if error])
        place += len(outputs)
    return wrong


def check_cases(cases, seed, with_onnx):
    """(case, reason or None) of each; where they cannot be checked together, one after the other."""
    with tempfile.TemporaryDirectory(prefix="nnc-keras-") as folder:
        try:
            return [(case, "; ".join(errors) or None)
                    for case, errors in zip(cases, check_batch(cases, seed, folder, with_onnx))]
        except (Refused, Broken, ValueError, TypeError) as problem:
            if len(cases) == 1:
                return [(cases[0], str(problem)[:500])]
    return [result for case in cases for result in check_cases([case], seed, with_onnx)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose name contains this expression")
    parser.add_argument("--onnx", action="store_true", help="also convert each model to ONNX")
    arguments = parser.parse_args()
    from models import keras_layers, keras_operations
    cases = [case for case in keras_layers.make_all() + keras_operations.make_all()
             if re.search(arguments.pattern, case.name)]
    passed = failed = 0
    for start in range(0, len(cases), BATCH):
        for case, reason in check_cases(cases[start:start + BATCH], start, arguments.onnx):
            passed, failed = passed + (reason is None), failed + (reason is not None)
            if reason:
                print(f"FAIL {case.name}: {reason}", flush=True)
    print(f"keras: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
