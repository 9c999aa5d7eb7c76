#!/usr/bin/env python3
"""Layers of Keras that work on strings or look tokens up, saved by Keras, compiled by nnc and compared with what Keras
computes. They need TensorFlow, whatever the backend is."""
import argparse
import itertools
import logging
import os
import re
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402

WORDS = ["a", "b", "the", "cat", "Straße", "naïve", "中文", "z" * 40, "q" * 90, ""]
NUMBERS = [12, -36, 1138, 42, 0, 2 ** 40, -2 ** 60, 7]
TEXTS = ["Hello, World! hello", "", "  the cat; the CAT ", "ÀÉ naïve 中文 [x] don't", "one\ttwo\nthree  four", "the cat sat on the mat",
         "!!!", "a b c d e f g h i"]
LIBRARIES = itertools.count()  # a library that was loaded keeps its name
ROWS = len(TEXTS)  # of all inputs, because the models of several cases are one
BATCH = 16  # cases in one model


class Case:
    """`build(keras, input)` makes the layer's result. `adapt` is what the layer sees before, instead of a vocabulary."""

    def __init__(self, name, class_name, arrays, adapt=None, h5=True, **parameters):
        self.name, self.class_name, self.arrays, self.adapt = f"{class_name} {name}", class_name, arrays, adapt
        self.h5, self.parameters = h5 and adapt is None, parameters

    def make(self, keras):
        """Inputs and the output of a model."""
        inputs = [keras.Input(array.shape[1:], dtype="string" if array.dtype == object else str(array.dtype))
                  for array in self.arrays]
        layer = getattr(keras.layers, self.class_name)(**self.parameters)
        if self.adapt is not None:
            layer.adapt(self.adapt)
        return inputs, layer(inputs if len(inputs) > 1 else inputs[0])


def words(rng, *shape):
    return np.array([WORDS[i] for i in rng.integers(0, len(WORDS), shape).reshape(-1)], object).reshape(shape)


def numbers(rng, *shape):
    return np.array([NUMBERS[i] for i in rng.integers(0, len(NUMBERS), shape).reshape(-1)], np.int64).reshape(shape)


def texts():
    return np.array(TEXTS, object).reshape(-1, 1)


def lookups(rng):
    for name, draw, known, mask in (("StringLookup", words, ["cat", "the", "中文", "a"], "b"),
                                    ("IntegerLookup", numbers, [1138, -36, 2 ** 40, 7, 5], 42)):
        yield Case("plain", name, [draw(rng, ROWS, 4)], vocabulary=known)
        yield Case("mask", name, [draw(rng, ROWS, 4)], vocabulary=known, mask_token=mask)
        yield Case("special", name, [draw(rng, ROWS, 4)], vocabulary=[mask, -1 if draw is numbers else "[UNK]", *known], mask_token=mask)
        yield Case("buckets", name, [draw(rng, ROWS, 4)], vocabulary=known, num_oov_indices=3, mask_token=mask)
        yield Case("salt", name, [draw(rng, ROWS, 4)], vocabulary=known, num_oov_indices=5, salt=[133, -137], oov_method="farmhash")
        yield Case("farmhash", name, [draw(rng, ROWS, 4)], vocabulary=known, num_oov_indices=7, oov_method="farmhash")
        for mode in ("one_hot", "multi_hot", "count"):
            yield Case(mode, name, [draw(rng, ROWS, 4)], vocabulary=known, output_mode=mode, mask_token=mask)
            yield Case(mode + " column", name, [draw(rng, ROWS, 1)], vocabulary=known, output_mode=mode, num_oov_indices=2)
        yield Case("padded", name, [draw(rng, ROWS, 4)], vocabulary=known, output_mode="count", pad_to_max_tokens=True, max_tokens=12)
        yield Case("tf_idf", name, [draw(rng, ROWS, 4)], vocabulary=known, output_mode="tf_idf", idf_weights=np.linspace(0.3, 2, len(known)))
        yield Case("inverse", name, [rng.integers(-2, 8, (ROWS, 5))], vocabulary=known, invert=True)
        yield Case("inverse mask", name, [rng.integers(-2, 8, (ROWS, 5))], vocabulary=known, invert=True, mask_token=mask)
        yield Case("adapted", name, [draw(rng, ROWS, 4)], adapt=draw(rng, 20, 3))
        yield Case("adapted mask", name, [draw(rng, ROWS, 4)], adapt=draw(rng, 20, 3), mask_token=mask)
        yield Case("adapted tf_idf", name, [draw(rng, ROWS, 4)], adapt=draw(rng, 20, 3), output_mode="tf_idf")
        yield Case("adapted multi_hot", name, [draw(rng, ROWS, 4)], adapt=draw(rng, 20, 3), output_mode="multi_hot", max_tokens=5)
    many = [int(n) for n in rng.permutation(5000)[:700]]
    yield Case("many", "IntegerLookup", [rng.integers(0, 5000, (ROWS, 30))], vocabulary=many)
    yield Case("many", "StringLookup", [np.array([str(n) for n in rng.integers(0, 5000, 10 * ROWS)], object).reshape(ROWS, 10)],
               vocabulary=[str(n) for n in many])


def hashes(rng):
    for name, array in (("strings", words(rng, ROWS, 3)), ("integers", numbers(rng, ROWS, 3)), ("floats", rng.normal(0, 99, (ROWS, 3)).astype(np.float32))):
        mask = {"strings": "cat", "integers": 42, "floats": 7}[name]
        yield Case(name, "Hashing", [array], num_bins=13)
        yield Case(name + " salt", "Hashing", [array], num_bins=10, salt=1337)
        yield Case(name + " mask", "Hashing", [array], num_bins=5, mask_value=mask, salt=[1, 2 ** 40])
        for mode in ("one_hot", "multi_hot", "count"):
            yield Case(f"{name} {mode}", "Hashing", [array], num_bins=6, output_mode=mode)
    yield Case("int32", "Hashing", [words(rng, ROWS, 3)], num_bins=6, dtype="int32")
    for mode in ("int", "one_hot"):
        yield Case(f"two {mode}", "HashedCrossing", [words(rng, ROWS, 1), numbers(rng, ROWS, 1)], num_bins=11, output_mode=mode)
    yield Case("strings", "HashedCrossing", [words(rng, ROWS, 1), words(rng, ROWS, 1)], num_bins=100003)


def vectorizations(rng):
    known = ["the", "cat", "hello", "dont", "naïve", "the cat", "cat the", "e f", "x"]
    yield Case("adapted", "TextVectorization", [texts()], adapt=np.array(TEXTS))
    for standardize in ("lower", "strip_punctuation", None):
        yield Case(f"standardize {standardize}", "TextVectorization", [texts()], vocabulary=known, standardize=standardize)
    for split in ("whitespace", "character", None):
        yield Case(f"split {split}", "TextVectorization", [texts()], vocabulary=[*known, *"abcé中t "], split=split, output_sequence_length=6)
    for length in (1, 3, 12, 100):
        yield Case(f"length {length}", "TextVectorization", [texts()], vocabulary=known, output_sequence_length=length)
    for mode in ("multi_hot", "count"):
        yield Case(mode, "TextVectorization", [texts()], vocabulary=known, output_mode=mode)
        yield Case(f"{mode} groups", "TextVectorization", [texts()], vocabulary=known, output_mode=mode, ngrams=2)
    yield Case("tf_idf", "TextVectorization", [texts()], vocabulary=known, output_mode="tf_idf", idf_weights=np.linspace(0.3, 2, len(known)))
    yield Case("adapted tf_idf", "TextVectorization", [texts()], adapt=np.array(TEXTS), output_mode="tf_idf", max_tokens=9, pad_to_max_tokens=True)
    for groups in (2, (2,), (1, 3), (2, 1)):
        yield Case(f"groups {groups} of a length", "TextVectorization", [texts()], vocabulary=known, ngrams=groups, output_sequence_length=5)


def describe_error(actual, expected):
    """None, or a sentence; rows of numbers are integers, but for those of tf_idf."""
    if list(actual.shape) != list(expected.shape):
        return f"shape {list(actual.shape)}, expected {list(expected.shape)}"
    if expected.dtype == object:
        wanted = np.vectorize(lambda text: text.decode("utf-8"), otypes=[object])(expected)
        return None if (actual == wanted).all() else f"other strings: {actual.tolist()}, expected {wanted.tolist()}"
    if expected.dtype.kind == "f":
        return None if np.allclose(actual, expected, rtol=1e-6, atol=0) else "other numbers"
    return None if actual.dtype == expected.dtype and (actual == expected).all() else \
        f"other integers ({actual.dtype}): {actual.tolist()}, expected ({expected.dtype}): {expected.tolist()}"


def check_batch(cases, keras, tf, folder):
    """For each case None or what is wrong with it; raises what stops all of them together."""
    keras.utils.clear_session()
    made = [case.make(keras) for case in cases]
    model = keras.Model([x for inputs, _ in made for x in inputs], [output for _, output in made])
    arrays = [array for case in cases for array in case.arrays]
    given = [tf.constant(array.tolist(), tf.string) if array.dtype == object else tf.constant(array) for array in arrays]
    problems = [None] * len(cases)
    for extension in ("keras", "h5") if all(case.h5 for case in cases) else ("keras",):
        path = os.path.join(folder, "model." + extension)
        model.save(path)
        if extension == "keras":  # of the file: empty tokens at the end of a list are lost on the way
            expected = keras.models.load_model(path)(given if len(given) > 1 else given[0])
            expected = [value.numpy() for value in (expected if isinstance(expected, (list, tuple)) else [expected])]
        library = os.path.join(folder, f"model{next(LIBRARIES)}.so")
        compile_model(path, library, ["--emit=shared", "--name=model"])
        for place, actual in enumerate(CompiledModel(library, "model")(arrays)):
            problem = describe_error(actual, expected[place])
            if problem:
                problems[place] = f"{extension}: {problem}"
    return problems


def check(cases, keras, tf, folder):
    """(case, what is wrong or None); where they cannot be checked together, in halves."""
    try:
        return list(zip(cases, check_batch(cases, keras, tf, folder)))
    except (Refused, Broken) as problem:
        if len(cases) == 1:
            return [(cases[0], str(problem))]
    half = len(cases) // 2
    return check(cases[:half], keras, tf, folder) + check(cases[half:], keras, tf, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose name contains this expression")
    arguments = parser.parse_args()
    try:
        import h5py  # noqa: F401
        import tensorflow as tf
        import keras
    except ImportError:
        print("SKIP keras, h5py and tensorflow are not installed")
        print("keras-text: 0 passed, 0 failed, 1 skipped")
        return 0
    logging.getLogger("absl").setLevel(logging.ERROR)
    rng = np.random.default_rng(7)
    cases = [case for family in (lookups, hashes, vectorizations) for case in family(rng)]
    cases = sorted((case for case in cases if re.search(arguments.pattern, case.name)), key=lambda case: case.h5)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="nnc-keras-") as folder:
        for _, group in itertools.groupby(cases, key=lambda case: case.h5):
            group = list(group)
            for start in range(0, len(group), BATCH):
                for case, problem in check(group[start:start + BATCH], keras, tf, folder):
                    passed, failed = passed + (problem is None), failed + (problem is not None)
                    if problem:
                        print("FAIL", f"{case.name}: {problem}".replace("\n", " | ")[:600], flush=True)
    print(f"keras-text: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
