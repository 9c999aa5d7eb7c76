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
from models import shared_outputs  # noqa: E402
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


def agrees(model, inputs, tolerance=1e-4, reference=None, oracle=None, options=()):
    """None where nnc gives what ONNX Runtime gives (for the inputs `reference` and of the model `oracle`, where there are
    such), else a sentence."""
    expected = run_reference(oracle or model, list((reference or inputs).values()))
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model", *options])

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
        for extents in ((2**14,) * 3, (2**20, 2**19, 2**18), (2**20, 2**21, 2**21), (2**22,) * 3, (2**31 - 1,) * 3):
            least, found = 4 * int(np.prod([int(e) for e in extents], dtype=object)), size((ctypes.c_int64 * 3)(*extents))
            if found < least if least < 2**61 else found != 0:
                return f"extents {extents}: {found} bytes"
    return None


def loops_beyond_memory():
    """How much a loop collects is an input: what no extent can be is refused before the run."""
    body = helper.make_graph([helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Exp", ["x"], ["e"])], "b",
                             [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, [])],
                             [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("e", FLOAT, [3])])
    model = make_model([helper.make_node("Loop", ["trips", ""], ["y"], body=body)],
                       {"trips": (TensorProto.INT64, []), "x": (FLOAT, [3])}, [("y", FLOAT)])
    x = np.ones(3, np.float32)
    for trips, exists in ((3, True), (0, True), (-2**63, True), (2**31, False), (2**41, False), (2**63 - 1, False)):
        try:
            reason = equals(model, [np.array(trips), x], {"y": np.exp(np.ones((max(trips, 0) if exists else 0, 3), np.float32))}, 1e-6)
        except Broken as error:
            reason = str(error)
        if bool(reason) == exists or (reason and "returned 4" not in reason):
            return f"{trips} iterations: {reason}"
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


def half_precision_norms():
    """Squares and their sums are beyond the range of f16; statistics are f32."""
    x = (np.random.default_rng(4).random((1, 3, 8, 8)) * 300 + 200).astype(np.float16)
    nodes = [helper.make_node("LpNormalization", ["x"], ["a"], axis=2), helper.make_node("GlobalLpPool", ["x"], ["b"]),
             helper.make_node("LpPool", ["x"], ["c"], kernel_shape=[3, 3]),
             helper.make_node("MeanVarianceNormalization", ["x"], ["d"])]
    model = make_model(nodes, {"x": x}, [(n, HALF) for n in "abcd"], opset=18)
    wide = make_model(nodes, {"x": x.astype(np.float32)}, [(n, FLOAT) for n in "abcd"], opset=18)
    return agrees(model, {"x": x}, 2e-3, reference={"x": x.astype(np.float32)}, oracle=wide)


def half_precision_statistics():
    x = (np.random.default_rng(5).random((2, 64)) * 300 + 300).astype(np.float16)
    node = helper.make_node("LayerNormalization", ["x", "s"], ["y", "mean", "deviation"])
    constants = {"s": np.ones(64, np.float16)}
    model = make_model([node], {"x": x}, [("y", HALF), ("mean", FLOAT), ("deviation", FLOAT)], constants)
    return agrees(model, {"x": x}, 1e-3)


def remainders_of_huge_quotients():
    """What C's fmodf gives; ONNX Runtime calls it."""
    x = np.array([3e38, -1e30, 1e20, 5, 1e-3, 16777217e9, 3e38, 2.5], np.float32)
    y = np.array([1e-45, 3, 7.1, 3e38, 1e-40, 3.3, np.inf, 0.5], np.float32)
    node = helper.make_node("Mod", ["x", "y"], ["z"], fmod=1)
    return agrees(make_model([node], {"x": x, "y": y}, [("z", FLOAT)]), {"x": x, "y": y}, 1e-30)


def slices_beyond_the_end():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    bounds = {"a": np.array([10]), "b": np.array([20]), "c": np.array([4])}
    nodes = [helper.make_node("Slice", ["x", "a", "b"], ["u"]), helper.make_node("Slice", ["x", "c", "b"], ["v"])]
    return agrees(make_model(nodes, {"x": x}, [("u", FLOAT), ("v", FLOAT)], bounds), {"x": x})


def tensors_without_elements():
    nodes = [helper.make_node("CumSum", ["x", "one"], ["a"]), helper.make_node("TopK", ["x", "none"], ["b", "c"]),
             helper.make_node("Concat", ["x", "x"], ["d"], axis=0), helper.make_node("Concat", ["x", "y", "x"], ["e"], axis=1),
             helper.make_node("MatMul", ["x", "z"], ["f"]), helper.make_node("Conv", ["i", "w"], ["h"])]
    inputs = {"x": np.zeros((2, 0), np.float32), "y": np.ones((2, 3), np.float32), "z": np.ones((0, 3), np.float32),
              "i": np.ones((0, 2, 5, 5), np.float32)}
    constants = {"one": np.int64(1), "none": np.array([0]), "w": np.ones((3, 2, 3, 3), np.float32)}
    outputs = [(name, onnx.TensorProto.INT64 if name == "c" else FLOAT) for name in "abcdefh"]
    return agrees(make_model(nodes, inputs, outputs, constants), inputs)


def parts_that_do_not_add_up():
    node = helper.make_node("Split", ["x", "s"], ["a", "b"])
    return refuses(make_model([node], {"x": (FLOAT, [4])}, [("a", FLOAT), ("b", FLOAT)], {"s": np.array([3, 3])}),
                   "its parts have 6 elements together, the axis 4")


def axes_named_twice():
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"])
    return refuses(make_model([node], {"x": (FLOAT, [4, 3])}, [("y", FLOAT)], {"axes": np.array([1, -1])}), "named twice")


def too_many_dimensions():
    relu, shape = helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Unsqueeze", ["x", "a"], ["y"])
    return (refuses(make_model([relu], {"x": (FLOAT, [1] * 3000)}, [("y", FLOAT)]), "3000 dimensions") or
            refuses(make_model([shape], {"x": (FLOAT, [3])}, [("y", FLOAT)], {"a": np.arange(80)}), "81 dimensions"))


def function_without_optional_input():
    """The branch of an If captures an input that the caller leaves out."""
    bounded = helper.make_graph([helper.make_node("Clip", ["p", "low"], ["r"])], "then", [],
                                [helper.make_tensor_value_info("r", FLOAT, None)])
    negated = helper.make_graph([helper.make_node("Neg", ["p"], ["r"])], "else", [],
                                [helper.make_tensor_value_info("r", FLOAT, None)])
    choose = helper.make_node("If", ["c"], ["o"], then_branch=bounded, else_branch=negated)
    function = helper.make_function("my", "Bound", ["p", "c", "low"], ["o"], [choose], [helper.make_opsetid("", 17)])
    x = np.array([-2, 3], np.float32)
    node = helper.make_node("Bound", ["x", "yes"], ["y"], domain="my")
    model = make_model([node], {"x": x}, [("y", FLOAT)], {"yes": np.array(True)}, functions=[function], domains=["my"])
    return agrees(model, {"x": x})


def nested_text():
    """ONNX's parser of the text form calls itself for each level."""
    levels = 20000
    text = ('<ir_version: 8, opset_import: ["" : 17]>\ng (bool c, float[2] x) => (float[2] y) {\n' +
            "y = If (c) <then_branch = t () => (y) {\n" * levels + "y = Neg (x)\n" +
            "}, else_branch = e () => (y) { y = Abs (x) }>\n" * levels + "}\n")
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        with open(os.path.join(folder, "model.onnx"), "w") as file:
            file.write(text)
        result = subprocess.run([NNC, "model.onnx", "-o", "out.o"], cwd=folder, capture_output=True, text=True, timeout=120)
        if result.returncode != 1 or "levels deep" not in result.stderr:
            return f"exit code {result.returncode}: {result.stderr[:200]}"
    return None


def bfloat16_without_a_runtime():
    """Rounding to bf16 is code of the object: halves to even, NaN stays NaN."""
    x = np.array([1, 1.00390625, 1.01171875, 3.4e38, np.inf, -np.inf, np.nan, -0.0, 1e-40], np.float64)
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)
    back = helper.make_node("Cast", ["y"], ["z"], to=FLOAT)
    import ml_dtypes
    expected = x.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)
    declared = helper.make_tensor_value_info("x", TensorProto.DOUBLE, x.shape)
    graph = helper.make_graph([node, back], "g", [declared], [helper.make_tensor_value_info("z", FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source = os.path.join(folder, "model.onnx")
        onnx.save(model, source)
        for cpu in ("x86-64", "x86-64-v3"):
            library, code = os.path.join(folder, cpu + ".so"), os.path.join(folder, "model.o")
            compile_model(source, code, ["--name=model", "--cpu=" + cpu])
            needed = subprocess.run(["nm", "-u", code], capture_output=True, text=True).stdout.split()
            if any("bf" in symbol for symbol in needed):
                return f"{cpu} needs {needed}"
            compile_model(source, library, ["--emit=shared", "--name=model", "--cpu=" + cpu])
            actual = CompiledModel(library, "model")([x])[0]
            if not np.array_equal(actual, expected, equal_nan=True) or np.signbit(actual[7]) != np.signbit(x[7]):
                return f"{cpu}: {actual}, expected {expected}"
    return None


def half_precision_without_instructions():
    """Conversions of f16 on a CPU that has none, by integers: all numbers of f16, and what lies between their neighbours."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = np.sort(halves[np.isfinite(halves)].astype(np.float64))
    middles = (finite[1:] + finite[:-1]) / 2
    reals = np.concatenate([finite, middles, middles * (1 + 1e-12), middles * (1 - 1e-12), np.nextafter(middles, 0),
                            [65519.999, 65520, 65536, 1e5, 1e300, 1e-300, np.inf, np.nan]])
    reals = np.concatenate([reals, -reals])
    with np.errstate(over="ignore"):
        floats = reals.astype(np.float32)
    cases = [(halves, FLOAT, np.float32), (halves, TensorProto.DOUBLE, np.float64), (floats, HALF, np.float16),
             (reals, HALF, np.float16)]
    kinds = {np.dtype(np.float64): TensorProto.DOUBLE, **TYPES}
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder, np.errstate(over="ignore", invalid="ignore"):
        for number, (x, kind, dtype) in enumerate(cases):
            model = make_model([helper.make_node("Cast", ["x"], ["y"], to=kind)], {"x": (kinds[x.dtype], x.shape)}, [("y", kind)])
            source, code = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.o")
            onnx.save(model, source)
            compile_model(source, code, ["--name=model", "--cpu=x86-64-v2"])
            needed = subprocess.run(["nm", "-u", code], capture_output=True, text=True).stdout
            if "hf" in needed:
                return f"needs {needed}"
            library = os.path.join(folder, f"{number}.so")
            compile_model(source, library, ["--emit=shared", "--name=model", "--cpu=x86-64-v2"])
            actual = CompiledModel(library, "model")([x])[0]
            expected = x.astype(np.float32).astype(dtype)  # f64 becomes f32 first, in ONNX Runtime too
            wrong = ~((actual == expected) & (np.signbit(actual) == np.signbit(expected)) | np.isnan(actual) & np.isnan(expected))
            if wrong.any():
                return f"{x.dtype} to {dtype.__name__}: {x[wrong][0]!r} gives {actual[wrong][0]!r}, expected {expected[wrong][0]!r}"
    return None


def integers_at_their_limits():
    """Of every width, numpy decides: numbers that no double holds."""
    rng = np.random.default_rng(5)
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        limits = np.iinfo(dtype)
        near = np.array([limits.min, limits.min + 1, limits.max - 1, limits.max, limits.max // 2 + 1, 5, 7], dtype)
        code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        for low, high in ((0, 7), (5, 7), (2, 4), (0, 2)): # all, and those of one end only
            x = near[rng.integers(low, high, (3, 37))]
            nodes = [helper.make_node(op, ["x"], [op], axes=[1]) for op in ("ReduceMin", "ReduceMax")]
            nodes += [helper.make_node(op, ["x"], [op], axis=1) for op in ("ArgMin", "ArgMax")]
            nodes += [helper.make_node(op, ["x", "r"], [op]) for op in ("Min", "Max")]
            nodes += [helper.make_node("ReduceMin", ["x"], ["Columns"], axes=[0]), helper.make_node("Reshape", ["x", "s"], ["i"]),
                      helper.make_node("Clip", ["x", "low", "high"], ["Clip"]),
                      helper.make_node("MaxPool", ["i"], ["MaxPool"], kernel_shape=[2])]
            row = x[:1]
            wanted = {"ReduceMin": x.min(1, keepdims=True), "ReduceMax": x.max(1, keepdims=True),
                      "ArgMin": x.argmin(1)[:, None], "ArgMax": x.argmax(1)[:, None], "Min": np.minimum(x, row),
                      "Max": np.maximum(x, row), "Columns": x.min(0, keepdims=True), "Clip": x.clip(near[5], near[2]),
                      "MaxPool": np.maximum(x[:, 1:], x[:, :-1])[None]}
            outputs = [(name, onnx.TensorProto.INT64 if name.startswith("Arg") else code) for name in wanted]
            model = make_model(nodes, {"x": (code, x.shape)}, outputs,
                               {"r": row, "s": np.array([1, 3, 37]), "low": near[5], "high": near[2]}, opset=12)
            reason = equals(model, [x], wanted)
            if reason:
                return f"{np.dtype(dtype).name}: {reason}"
    return None


def equals(model, inputs, wanted, tolerance=0):
    """None where nnc's outputs are `wanted` (name -> array), else a sentence."""
    with tempfile.TemporaryDirectory(prefix="nnc-edge-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"])

        def compare():
            for (name, expected), actual in zip(wanted.items(), CompiledModel(library, "model")(inputs)):
                is_equal = (np.array_equal(actual, expected) if tolerance == 0 else  # allclose rounds large integers
                            np.allclose(actual, expected, tolerance, tolerance, equal_nan=True))
                if actual.shape != expected.shape or not is_equal:
                    return f"{name}: {actual.ravel()[:4]}, expected {expected.ravel()[:4]}"
            return None

        return in_child(compare)


def products_of_nothing():
    """ONNX Runtime dies of some of these."""
    for equation in ("ij,kj->ik", "ij,ij->", "ij,kj->"):
        node = helper.make_node("Einsum", ["x", "y"], ["z"], equation=equation)
        model = make_model([node], {"x": (FLOAT, ["m", "k"]), "y": (FLOAT, ["n", "l"])}, [("z", FLOAT)])
        for shape in ((0, 3), (2, 0), (2, 3)):
            inputs = {"x": np.ones(shape, np.float32), "y": np.full(shape, 2, np.float32)}
            if reason := equals(model, list(inputs.values()), {"z": np.einsum(equation, *inputs.values())}):
                return f"{equation}, {shape}: {reason}"
    return None


def reshapes_of_nothing():
    """-1 is what is left after the extents that 0 copies, also where those are 0; with allowzero it is not determined."""
    x, int64 = np.zeros((0, 3), np.float32), TensorProto.INT64
    for allowed, to, wanted in ((0, [0, -1], (0, 3)), (0, [-1, 0], (0, 3)), (0, [-1], (0,)), (1, [0, -1], None), (0, [0, 2, -1], None)):
        to = np.array(to, np.int64)
        for shape, is_constant in (([0, 3], True), (["n", 3], True), (["n", "m"], True), ([0, 3], False)):
            node = helper.make_node("Reshape", ["x", "to"], ["y"], allowzero=allowed)
            inputs = {"x": (FLOAT, shape), **({} if is_constant else {"to": (int64, to.shape)})}
            model = make_model([node], inputs, [("y", FLOAT)], {"to": to} if is_constant else {})
            try:
                reason = equals(model, [x] if is_constant else [x, to], {"y": np.zeros(wanted or (0,), np.float32)})
            except Refused:
                reason = "refused"
            is_rejected = bool(reason) and ("refused" in reason or "returned 4" in reason)
            if reason if wanted else not is_rejected:
                return f"{list(to)} of {shape}: {reason}"
    return None


def choices_of_nothing():
    for op, axis in (("ArgMax", 0), ("ArgMin", 2)):
        for shape in ([0, 5, 0], ["a", "b", "c"], [0, 5, "c"]):
            node = helper.make_node(op, ["x"], ["y"], axis=axis, keepdims=0)
            model = make_model([node], {"x": (FLOAT, shape)}, [("y", TensorProto.INT64)])
            x = np.zeros((0, 5, 0), np.float32)
            if reason := equals(model, [x], {"y": np.argmax(np.zeros((1, 5, 1)), axis)[:0] if axis else np.zeros((5, 0))}):
                return f"{op} of {shape}: {reason}"
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=1)
    return refuses(make_model([node], {"x": (FLOAT, [2, 0, 5])}, [("y", TensorProto.INT64)]), "the axis has no elements")


def whole_numbers_of_functions():
    """In f64, rounded toward zero, as the function's definition says; ONNX Runtime rounds the logarithm, then adds."""
    x = np.random.default_rng(0).integers(-60, 60, (200, 3))
    exact = np.logaddexp.reduce(x.astype(np.float64), axis=1, keepdims=True)
    model = make_model([helper.make_node("ReduceLogSumExp", ["x", "axes"], ["y"])], {"x": (TensorProto.INT64, x.shape)},
                       [("y", TensorProto.INT64)], {"axes": np.array([1])}, opset=18)
    return equals(model, [x], {"y": np.trunc(exact).astype(np.int64)})


def outputs_in_one_another():
    for name, nodes, inputs, outputs, constants, arrays in shared_outputs.list_models():
        if reason := agrees(make_model(nodes, inputs, outputs, constants), arrays):
            return f"{name}: {reason}"
    return None


TESTS = [outputs_in_one_another, function_defaults, function_overloads, half_precision_roots, nan_in_windows, split_with_unnamed_output,
         names_that_c_has, workspace_beyond_memory, loops_beyond_memory, blocks_beyond_range, parts_beyond_outputs,
         wide_concatenations, nested_concatenations, many_outputs, many_operands,
         half_precision_norms, half_precision_statistics, remainders_of_huge_quotients, slices_beyond_the_end,
         tensors_without_elements, products_of_nothing, reshapes_of_nothing, choices_of_nothing, whole_numbers_of_functions,
         parts_that_do_not_add_up, axes_named_twice, too_many_dimensions, function_without_optional_input, nested_text,
         bfloat16_without_a_runtime, half_precision_without_instructions, integers_at_their_limits]


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
