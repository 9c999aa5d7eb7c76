#!/usr/bin/env python3
"""Operators of ONNX that draw random numbers: moments and distributions of many numbers, the same ones on each run and for extents known
only at run time, others for another seed or another node."""
import math
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import CompiledModel, Refused, compile_model  # noqa: E402

COUNT = 200_000
DTYPES = {TensorProto.FLOAT: 1e-6, TensorProto.DOUBLE: 1e-12, TensorProto.FLOAT16: 1e-3}
FAILURES = []
PASSED = 0


def require(name, condition, what):
    global PASSED
    if condition:
        PASSED += 1
    else:
        print(f"FAIL {name}: {what}")
        FAILURES.append(name)


def run(nodes, inputs=(), arrays=(), outputs=("y",), static=True):
    """The outputs of two runs of a graph."""
    infos = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                           array.shape if static else [None] * array.ndim)
             for name, array in zip(inputs, arrays)]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_empty_tensor_value_info(name) for name in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    with tempfile.TemporaryDirectory(prefix="nnc-random-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"], 120)
        first = CompiledModel(library, "model")(list(arrays))
        second = CompiledModel(library, "model")(list(arrays))
    same = all(np.array_equal(a, b) for a, b in zip(first, second))
    require(nodes[0].op_type, same, "two runs differ")
    return first


def is_uniform(name, x, low, high):
    """Moments within five standard errors, and the largest distance of the distribution (Kolmogorov, at 1e-6)."""
    x = np.sort(((x.astype(np.float64) - low) / (high - low)).ravel())
    error = 1 / math.sqrt(12 * x.size)
    require(name, abs(x.mean() - 0.5) < 5 * error, f"mean {x.mean()}")
    require(name, abs(x.var() - 1 / 12) < 5 * math.sqrt(1 / 180 / x.size), f"variance {x.var()}")
    distance = np.max(np.abs(x - (np.arange(x.size) + 0.5) / x.size))
    require(name, distance < 2.7 / math.sqrt(x.size) + 1e-3 * (x.dtype == np.float16), f"distance {distance}")
    require(name, x[0] >= 0 and x[-1] <= 1, "beyond the bounds")


def are_independent(name, x, y):
    x, y = x.ravel().astype(np.float64), y.ravel().astype(np.float64)
    correlation = np.corrcoef(x, y)[0, 1]
    require(name, abs(correlation) < 5 / math.sqrt(x.size), f"correlation {correlation}")


def check_uniform():
    for dtype in DTYPES:
        node = helper.make_node("RandomUniform", [], ["y"], name="n", shape=[COUNT // 100, 100], dtype=dtype, low=-2.0, high=6.0,
                                seed=3.0)
        x, = run([node])
        require("uniform", x.dtype == helper.tensor_dtype_to_np_dtype(dtype) and x.shape == (COUNT // 100, 100), "type or shape")
        is_uniform(f"uniform {dtype}", x, -2, 6)
        for step in (1, 2, 100):
            are_independent(f"uniform {dtype} at distance {step}", x.ravel()[:-step], x.ravel()[step:])
    like = np.zeros((30, 1000), np.float32)
    make = lambda **more: helper.make_node("RandomUniformLike", ["x"], ["y"], **more)  # noqa: E731
    static, = run([make(name="n", seed=1.0)], ["x"], [like])
    dynamic, = run([make(name="n", seed=1.0)], ["x"], [like], static=False)
    require("uniform", np.array_equal(static, dynamic), "run-time extents change the numbers")
    for more in ({"name": "n", "seed": 2.0}, {"name": "m", "seed": 1.0}, {"name": "n"}):
        other, = run([make(**more)], ["x"], [like])
        is_uniform("uniform like", other, 0, 1)
        are_independent(f"uniform like {more}", static, other)
    pair = run([helper.make_node("RandomUniform", [], [name], shape=[COUNT]) for name in ("y", "z")], outputs=("y", "z"))
    are_independent("two nodes without a seed", *pair)


def check_normal():
    for dtype in DTYPES:
        node = helper.make_node("RandomNormal", [], ["y"], name="n", shape=[COUNT], dtype=dtype, mean=1.5, scale=2.0)
        x = (run([node])[0].astype(np.float64) - 1.5) / 2
        for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            actual = np.mean(x**power)
            require(f"normal {dtype}", abs(actual - moment) < 5 * math.sqrt(variance / COUNT) + DTYPES[dtype],
                    f"moment {power}: {actual}")
        ordered = np.sort(x)
        wanted = 0.5 * (1 + np.vectorize(math.erf)(ordered / math.sqrt(2)))
        distance = np.max(np.abs(wanted - (np.arange(COUNT) + 0.5) / COUNT))
        require(f"normal {dtype}", distance < 2.7 / math.sqrt(COUNT) + DTYPES[dtype], f"distance {distance}")
        are_independent(f"normal {dtype}", x[:-1], x[1:])
    like = np.zeros((100, 300), np.float64)
    x, = run([helper.make_node("RandomNormalLike", ["x"], ["y"])], ["x"], [like], static=False)
    require("normal like", x.dtype == np.float64 and abs(x.mean()) < 5 / math.sqrt(x.size), "type or mean")


def check_bernoulli():
    probability = np.repeat(np.array([0, 0.125, 0.5, 0.9, 1], np.float32)[:, None], 40_000, 1)
    for dtype in (None, TensorProto.BOOL, TensorProto.INT32, TensorProto.DOUBLE):
        more = {} if dtype is None else {"dtype": dtype}
        x, = run([helper.make_node("Bernoulli", ["x"], ["y"], seed=5.0, **more)], ["x"], [probability])
        require("bernoulli", x.dtype == (np.float32 if dtype is None else helper.tensor_dtype_to_np_dtype(dtype)), "type")
        require("bernoulli", set(np.unique(x.astype(np.float64))) == {0, 1}, "other values than 0 and 1")
        for row, wanted in zip(x.astype(np.float64), probability[:, 0]):
            error = 5 * math.sqrt(wanted * (1 - wanted) / row.size)
            require("bernoulli", abs(row.mean() - wanted) <= error + 1e-9, f"mean {row.mean()}, expected {wanted}")


def check_multinomial():
    weights = np.array([[0.1, 0.2, 0, 0.7], [1, 1, 1, 1], [0, 0, 5, 0]])
    with np.errstate(divide="ignore"):
        logits = np.log(weights).astype(np.float32)
    for dtype in (TensorProto.INT32, TensorProto.INT64):
        x, = run([helper.make_node("Multinomial", ["x"], ["y"], sample_size=50_000, dtype=dtype)], ["x"], [logits])
        require("multinomial", x.shape == (3, 50_000) and x.dtype == helper.tensor_dtype_to_np_dtype(dtype), "type or shape")
        for row, weight in zip(x, weights / weights.sum(1, keepdims=True)):
            for i, wanted in enumerate(weight):
                actual = np.mean(row == i)
                require("multinomial", abs(actual - wanted) <= 5 * math.sqrt(wanted * (1 - wanted) / row.size) + 1e-9,
                        f"class {i}: {actual}, expected {wanted}")
        are_independent("multinomial", x[0], x[1])


def check_dropout():
    x = np.random.default_rng(1).standard_normal((200, 500)).astype(np.float32)
    node = helper.make_node("Dropout", ["x", "r", "t"], ["y", "z"], seed=7)
    for static in (True, False):
        for ratio in (0.0, 0.3, 0.75):
            y, mask = run([node], ["x", "r", "t"], [x, np.float32(ratio), np.bool_(True)], ("y", "z"), static)
            require("dropout", abs(mask.mean() - (1 - ratio)) <= 5 * math.sqrt(ratio * (1 - ratio) / x.size) + 1e-9,
                    f"keeps {mask.mean()} at ratio {ratio}")
            wanted = np.where(mask, x / np.float32(1 - ratio), 0)
            require("dropout", np.allclose(y, wanted, rtol=1e-6), "what is kept is not divided by its probability")
        y, mask = run([node], ["x", "r", "t"], [x, np.float32(0.5), np.bool_(False)], ("y", "z"), static)
        require("dropout", np.array_equal(y, x) and mask.all(), "drops at inference")


def check_loop():
    """In a loop the numbers would be the same in each iteration."""
    body = helper.make_graph(
        [helper.make_node("RandomNormalLike", ["s"], ["r"]), helper.make_node("Add", ["s", "r"], ["t"]),
         helper.make_node("Identity", ["c"], ["d"])], "b",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []),
         helper.make_tensor_value_info("s", TensorProto.FLOAT, [4])],
        [helper.make_empty_tensor_value_info("d"), helper.make_empty_tensor_value_info("t")])
    trips = np.array(3, np.int64)
    try:
        run([helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)], ["m", "x"], [trips, np.zeros(4, np.float32)])
        require("loop", False, "is not refused")
    except Refused as refusal:
        require("loop", "the same each time" in str(refusal), f"is refused with another message: {refusal}")


def main():
    for check in (check_uniform, check_normal, check_bernoulli, check_multinomial, check_dropout, check_loop):
        check()
    print(f"random: {PASSED} passed, {len(FAILURES)} failed, 0 skipped")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
