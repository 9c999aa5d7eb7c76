#!/usr/bin/env python3
"""Sparse initializers and constants, in the main graph, in branches and in functions, compiled by nnc and compared with ONNX Runtime;
and such as are refused."""
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, Refused, compile_model  # noqa: E402
from recurrent import check  # noqa: E402

HEADER = '<ir_version: 8, opset_import: ["" : 17]>\n'
RANDOM = np.random.default_rng(0)


def floats(*shape):
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def sparse(values, indices, shape, kind=np.float32):
    return helper.make_sparse_tensor(numpy_helper.from_array(np.array(values, kind), "w"),
                                     numpy_helper.from_array(np.array(indices, np.int64), "w_indices"), shape)


def initializer(tensor):
    model = parser.parse_model(HEADER + "g (float[2,3] x) => (float[2,4] y) { y = MatMul(x, w) }")
    model.graph.sparse_initializer.append(tensor)
    return model, {"x": floats(2, 3)}


def default(tensor):
    """An input of the graph that need not be given."""
    model, data = initializer(tensor)
    model.graph.input.append(helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [3, 4]))
    return model, data


def node_constant(tensor):
    model = parser.parse_model(HEADER + "g (float[2,3] x) => (float[2,4] y) { y = MatMul(x, w) }")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], sparse_value=tensor))
    return model, {"x": floats(2, 3)}


def branch(tensor):
    model = parser.parse_model(HEADER + """g (bool c, float[3,4] x) => (float[3,4] y) {
      y = If(c)<then_branch = t () => (float[3,4] p) { p = Add(x, w) }, else_branch = e () => (float[3,4] q) { q = Neg(x) }> }""")
    model.graph.node[0].attribute[0].g.sparse_initializer.append(tensor)
    return model, {"c": np.array(True), "x": floats(3, 4)}


def integers():
    model = parser.parse_model(HEADER + "g (int64[5] x) => (int64[5] y) { y = Add(x, w) }")
    model.graph.sparse_initializer.append(sparse([7, -3], [1, 4], [5], np.int64))
    return model, {"x": RANDOM.integers(-9, 9, 5)}


PLACES = {"places": [2, 3, 11], "coordinates": [[0, 2], [0, 3], [2, 3]]}
REFUSALS = [
    (sparse([1, 2], [3, 12], [3, 4]), "an index that is out of range"),
    (sparse([1, 2], [3, 3], [3, 4]), "an index that is out of range or not above the one before"),
    (sparse([1, 2], [[0, -1], [0, 1]], [3, 4]), "an index that is out of range"),
    (sparse([1, 2], [3], [3, 4]), "does not have an index for each value"),
    (sparse([1, 2], [[0, 1, 2], [1, 2, 3]], [3, 4]), "does not have an index for each value"),
    (sparse([1], [3], [1 << 20, 1 << 20]), "is too large"),
]


def compare(model, data):
    with tempfile.TemporaryDirectory(prefix="nnc-sparse-") as folder:
        try:
            return check(model, data, folder)
        except (Broken, Refused) as error:
            return str(error)


def check_refusal(tensor, message):
    """None, or what is wrong."""
    with tempfile.TemporaryDirectory(prefix="nnc-sparse-") as folder:
        path = os.path.join(folder, "model.onnx")
        onnx.save(initializer(tensor)[0], path)
        try:
            compile_model(path, os.path.join(folder, "model.so"))
        except Refused as error:
            return None if message in str(error) else f"says {error}"
        return "is not refused"


def main():
    reasons = {}
    for name, places in PLACES.items():
        for make in (initializer, default, node_constant, branch):
            reasons[f"{make.__name__}, {name}"] = compare(*make(sparse(floats(3), places, [3, 4])))
    reasons["no values"] = compare(*initializer(sparse([], np.zeros((0,)), [3, 4])))
    reasons["integers"] = compare(*integers())
    for tensor, message in REFUSALS:
        reasons["refused: " + message] = check_refusal(tensor, message)
    failed = {name: reason for name, reason in reasons.items() if reason}
    for name, reason in failed.items():
        print(f"FAIL {name}: {reason}")
    print(f"sparse: {len(reasons) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
