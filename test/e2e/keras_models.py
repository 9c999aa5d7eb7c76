#!/usr/bin/env python3
"""Keras models with random weights, saved by Keras as .keras and as .h5, compiled by nnc and compared with what Keras
computes (backend JAX). The cases are in models/keras_*.py. `--onnx` converts each model with --emit=onnx instead, and runs that
with ONNX Runtime; what nnc does not write or ONNX Runtime does not have counts as skipped."""
import argparse
import os
import re
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shares  # noqa: E402
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402

TOLERANCE = 2e-5


class Lacking(Exception):
    """ONNX Runtime does not have an operator."""


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
    """Keras, or None where it is not installed."""
    import logging
    try:
        import h5py  # noqa: F401
        import jax  # noqa: F401
        import keras
    except ImportError:
        return None
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
        if "NOT_IMPLEMENTED" in str(error) or "NotImplemented" in str(error):
            raise Lacking(f"ONNX Runtime: {error}") from None
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
    if with_onnx:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        results["onnx"] = run_onnx(path, folder, arrays)
    for extension in () if with_onnx else ("keras", "h5"):
        if not all(extension in case.formats for case in cases):
            continue
        path = os.path.join(folder, "model." + extension)
        model.save(path)
        options = ["--shape=batch=2"] if extension == "keras" else []
        results[extension] = run_model(path, os.path.join(folder, extension + ".so"), arrays, options)
    wrong, place = [], 0
    for _, outputs, _ in made:
        errors = [(kind, describe_error(values[i], expected[i]))
                  for kind, values in results.items() for i in range(place, place + len(outputs))]
        wrong.append([f"{kind}: {error}" for kind, error in errors if error])
        place += len(outputs)
    return wrong


def check_cases(cases, seed, with_onnx):
    """(case, reason or None, whether that is a reason to skip it); where they cannot be checked together, in halves."""
    with tempfile.TemporaryDirectory(prefix="nnc-keras-") as folder:
        try:
            return [(case, "; ".join(errors) or None, False)
                    for case, errors in zip(cases, check_batch(cases, seed, folder, with_onnx))]
        except (Refused, Broken, Lacking, ValueError, TypeError) as problem:
            if len(cases) == 1:
                return [(cases[0], str(problem)[:500], with_onnx and isinstance(problem, (Refused, Lacking)))]
    half = len(cases) // 2
    return check_cases(cases[:half], seed, with_onnx) + check_cases(cases[half:], seed, with_onnx)


def check_first_generation(make):
    """None, or what is wrong with a model written in the form of Keras 1."""
    import h5py
    from models import keras_first
    keras = open_keras()
    rng = np.random.default_rng(1)
    today, described, shapes = make(keras)
    randomize(today, rng)
    arrays = [rng.uniform(-2, 2, (2, *shape)).astype(np.float32) for shape in shapes]
    with tempfile.TemporaryDirectory(prefix="nnc-keras-") as folder:
        path = os.path.join(folder, "model.h5")
        keras_first.write(h5py, path, today, described)
        try:
            actual = run_model(path, os.path.join(folder, "model.so"), arrays, [])[0]
        except (Refused, Broken) as problem:
            return str(problem)
        return describe_error(actual, today(arrays[0] if len(arrays) == 1 else arrays, training=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose name contains this expression")
    parser.add_argument("--onnx", action="store_true", help="convert each model to ONNX instead")
    shares.add_option(parser)
    arguments = parser.parse_args()
    if not open_keras():
        print("SKIP keras, jax and h5py cannot be installed from PyPI")
        print("keras: 0 passed, 0 failed, 1 skipped")
        return 0
    from models import keras_layers, keras_operations, keras_recurrent
    cases = [case for source in (keras_layers, keras_operations, keras_recurrent) for case in source.make_all()
             if re.search(arguments.pattern, case.name) and (case.onnx or not arguments.onnx)
             and shares.is_chosen(case.name, arguments.share)]
    passed = failed = skipped = 0
    for start in range(0, len(cases), BATCH):
        for case, reason, is_skipped in check_cases(cases[start:start + BATCH], start, arguments.onnx):
            passed, skipped = passed + (reason is None), skipped + is_skipped
            failed += reason is not None and not is_skipped
            if reason:
                print("SKIP" if is_skipped else "FAIL", f"{case.name}: {reason}".replace("\n", " | ")[:400], flush=True)
    from models import keras_first
    for name, make in keras_first.MODELS.items():
        if arguments.onnx or not re.search(arguments.pattern, name):
            continue
        problem = check_first_generation(make)
        passed, failed = passed + (problem is None), failed + (problem is not None)
        if problem:
            print(f"FAIL {name}: {problem}".replace("\n", " | ")[:400], flush=True)
    print(f"keras: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
