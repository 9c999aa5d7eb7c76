#!/usr/bin/env python3
"""Models that node tests and random graphs do not have: what only binary files can say of functions, half precision beyond
its range, NaN in windows, names that C has taken, extents beyond all memory, small files that ask for too much."""
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, Broken, CompiledModel, Refused, compile_model  # noqa: E402
from onnx_node_tests import in_child  # noqa: E402
from random_graphs import run_reference  # noqa: E402

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.float16): HALF}


def make_model(nodes, inputs, outputs, constants=None, opset=17, functions=(), domains=()):
    """`inputs`: name -> array or (type, shape)."""
    declared = [helper.make_tensor_value_info(n, *(v if isinstance(v, tuple) else (TYPES[v.dtype], v.shape)))
                for n, v in inputs.items()]
    graph = helper.make_graph(nodes, "g", declared, [helper.make_tensor_value_info(n, t, None) for n, t in outputs],
                              [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()])
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))


def agrees(model, inputs, tolerance=1e-4, reference=None):
    """None where nnc gives what ONNX Runtime gives (for the inputs `reference`, where there are such), else a sentence."""
    expected = run_reference(model, list((reference or inputs).values()))
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"])

        def compare():
            for actual, wanted in zip(CompiledModel(library, "model")(list(inputs.values())), expected):
                if actual.shape != wanted.shape or not np.allclose(actual.astype(np.float64), wanted.astype(np.float64),
                                                                  rtol=tolerance, atol=tolerance, equal_nan=True):
                    return f"{actual.ravel()[:4]}, expected {wanted.ravel()[:4]}"
            return None

        return in_child(compare)


def refuses(model, sentence, seconds=20):
    """None where nnc says `sentence`, with exit code 1, no output and in time."""
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        onnx.save(model, os.path.join(folder, "model.onnx"))
        begin = time.time()
        result = subprocess.run([NNC, "model.onnx", "-o", "out.o"], cwd=folder, capture_output=True, text=True, timeout=120)
        if result.returncode != 1 or sentence not in result.stderr:
            return f"exit code {result.returncode}: {result.stderr[:200]}"
        if os.listdir(folder) != ["model.onnx"]:
            return f"left {os.listdir(folder)}"
        return None if time.time() - begin < seconds else "took too long"


def scaled_relu(overload=None):
    node = helper.make_node("LeakyRelu", ["a"], ["b"])
    node.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    function = helper.make_function("my", "Scaled", ["a"], ["b"], [node], [helper.make_opsetid("", 17)],
                                    attribute_protos=[helper.make_attribute("slope", 0.5)])
    if overload:
        function.overload = overload
    return function


def function_defaults():
    x = np.array([-2, 3], np.float32)
    nodes = [helper.make_node("Scaled", ["x"], ["y"], domain="my"),
             helper.make_node("Scaled", ["x"], ["z"], domain="my", slope=0.25)]
    return agrees(make_model(nodes, {"x": x}, [("y", FLOAT), ("z", FLOAT)], functions=[scaled_relu()], domains=["my"]), {"x": x})


def function_overloads():
    nodes = [helper.make_node("Scaled", ["x"], ["y"], domain="my")]
    model = make_model(nodes, {"x": (FLOAT, [2])}, [("y", FLOAT)], functions=[scaled_relu("p"), scaled_relu("q")],
                       domains=["my"])
    return refuses(model, "overloads are not supported")


def half_precision_roots():
    x = np.full((1, 2, 8), 300, np.float16)
    x[0, 0, 0] = 310
    nodes = [helper.make_node(op, ["x"], [op], axes=[2]) for op in ("ReduceL2", "ReduceLogSumExp")]
    return agrees(make_model(nodes, {"x": x}, [(n.output[0], HALF) for n in nodes]), {"x": x}, 2e-3)


def nan_in_windows():
    """A NaN is ignored; what ONNX Runtime makes of it depends on its place in the window."""
    x = np.random.default_rng(0).random((1, 2, 6, 6), np.float32)
    x[0, 0, 2, 3] = x[0, 1, 0, 0] = np.nan
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    without = {"x": np.where(np.isnan(x), np.float32(-1), x)}
    return agrees(make_model([node], {"x": x}, [("y", FLOAT)]), {"x": x}, reference=without)


def split_with_unnamed_output():
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    node = helper.make_node("Split", ["x"], ["a", ""], axis=1)
    model = make_model([node], {"x": x}, [("a", FLOAT)], opset=13)
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"])
        return None if np.array_equal(CompiledModel(library, "model")([x])[0], x[:, :3]) else "not the first half"


def names_that_c_has():
    names = ["asm", "typeof", "namespace", "nullptr", "linux", "unix", "WEIGHTS", "wchar_t", "INT8_MAX", "offsetof", "run",
             "typename", "static_assert", "friend", "mutable", "explicit", "export", "noexcept", "thread_local", "or_eq"]
    node = helper.make_node("Sum", names, ["concept"])
    model = make_model([node], {n: (FLOAT, ["namespace", 4]) for n in names}, [("concept", FLOAT)])
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        onnx.save(model, os.path.join(folder, "m.onnx"))
        compile_model(os.path.join(folder, "m.onnx"), os.path.join(folder, "m.o"))
        for compiler in (["cc", "-std=c99", "-x", "c"], ["cc", "-x", "c"], ["c++", "-std=c++11", "-x", "c++"],
                         ["c++", "-std=c++20", "-x", "c++"]):
            result = subprocess.run([*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-"], cwd=folder,
                                    input='#include "m.h"\nint main() { return 0; }\n', capture_output=True, text=True)
            if result.returncode:
                return f"{' '.join(compiler)}: {result.stderr[:300]}"
    return None


def workspace_beyond_memory():
    nodes = [helper.make_node("Add", ["x", "y"], ["a"]), helper.make_node("Add", ["a", "z"], ["b"]),
             helper.make_node("Softmax", ["b"], ["c"], axis=0), helper.make_node("Softmax", ["c"], ["d"], axis=1),
             helper.make_node("ReduceMax", ["d"], ["e"], keepdims=0)]
    model = make_model(nodes, {"x": (FLOAT, ["n", 1, 1]), "y": (FLOAT, [1, "m", 1]), "z": (FLOAT, [1, 1, "k"])}, [("e", FLOAT)])
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"])
        import ctypes
        size = CompiledModel(library, "model").model.workspace_size
        for extents in ((2**20, 2**21, 2**21), (2**22,) * 3, (2**31 - 1,) * 3):
            wanted = min(4 * int(np.prod([int(e) for e in extents], dtype=object)), 2**61)
            if size((ctypes.c_int64 * 3)(*extents)) < wanted:
                return f"extents {extents}: {size((ctypes.c_int64 * 3)(*extents))} bytes"
    return None


def blocks_beyond_range():
    node = helper.make_node("DepthToSpace", ["x"], ["y"], blocksize=1 << 32)
    return refuses(make_model([node], {"x": (FLOAT, [1, 1, 4, 4])}, [("y", FLOAT)]), "cannot rearrange blocks")


def parts_beyond_outputs():
    node = helper.make_node("Split", ["x"], ["a", "b"], num_outputs=1 << 40)
    return refuses(make_model([node], {"x": (FLOAT, [4])}, [("a", FLOAT), ("b", FLOAT)], opset=18), "fewer outputs")


def wide_concatenations():
    """As many operands as no network has; the second is an operand of the first, what is inserted is used again."""
    x = np.random.default_rng(1).random((4, 70), np.float32)
    nodes, parts = [helper.make_node("Split", ["x"], [f"p{i}" for i in range(70)], axis=1)], []
    for i in range(70):
        nodes.append(helper.make_node("Exp", [f"p{i}"], [f"e{i}"]))
    nodes += [helper.make_node("Concat", [f"e{i}" for i in range(40)], ["a"], axis=1),
              helper.make_node("Concat", ["a"] + [f"e{i}" for i in range(30, 70)], ["b"], axis=1),
              helper.make_node("Neg", ["a"], ["c"]), helper.make_node("Neg", ["e5"], ["d"])]
    return agrees(make_model(nodes, {"x": x}, [(n, FLOAT) for n in "bcd"], opset=13), {"x": x})


def nested_concatenations():
    x = np.random.default_rng(2).random((2, 3), np.float32)
    nodes = []
    for i in range(60):
        nodes += [helper.make_node("Mul", ["x", f"k{i}"], [f"e{i}"]),
                  helper.make_node("Concat", [f"v{i}" if i else "x", f"e{i}"], [f"v{i + 1}"], axis=1)]
    constants = {f"k{i}": np.full(1, i + 2, np.float32) for i in range(60)}
    return agrees(make_model(nodes, {"x": x}, [("v60", FLOAT)], constants), {"x": x})


def many_outputs():
    """The entry has more arguments than are optimised."""
    x = np.arange(3, dtype=np.float32)
    nodes = [helper.make_node("Add", ["x", f"k{i}"], [f"y{i}"]) for i in range(300)]
    constants = {f"k{i}": np.full(1, i, np.float32) for i in range(300)}
    return agrees(make_model(nodes, {"x": x}, [(f"y{i}", FLOAT) for i in range(300)], constants), {"x": x})


def many_operands():
    """Sums and chains beyond what one loop is made of."""
    x = np.random.default_rng(3).random((5,), np.float32)
    nodes = [helper.make_node("Mul", ["x", f"k{i}"], [f"m{i}"]) for i in range(150)]
    nodes.append(helper.make_node("Sum", [f"m{i}" for i in range(150)], ["s0"]))
    for i in range(400):
        nodes.append(helper.make_node(("Sin", "Relu")[i % 2], [f"s{i}"], [f"s{i + 1}"]))
    constants = {f"k{i}": np.full(1, i / 150, np.float32) for i in range(150)}
    return agrees(make_model(nodes, {"x": x}, [("s400", FLOAT)], constants), {"x": x}, 1e-3)


TESTS = [function_defaults, function_overloads, half_precision_roots, nan_in_windows, split_with_unnamed_output,
         names_that_c_has, workspace_beyond_memory, blocks_beyond_range, parts_beyond_outputs,
         wide_concatenations, nested_concatenations, many_outputs, many_operands]


def main():
    failed = 0
    for test in TESTS:
        try:
            reason = test()
        except (Broken, Refused) as error:
            reason = str(error)
        failed += bool(reason)
        if reason:
            print(f"FAIL {test.__name__}: {reason}")
    print(f"edge models: {len(TESTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
