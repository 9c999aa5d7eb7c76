#!/usr/bin/env python3
"""Run-time extents that fit each other and that do not: where ONNX Runtime computes, nnc gives the same; where it fails, the
entry points return NNC_ERROR_EXTENT (and workspace_size 0) before anything is read."""
import ctypes
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402
from onnx_node_tests import in_child  # noqa: E402

ERROR_EXTENT = 4
MICROSOFT = "com.microsoft"


class Case:
    """One model of symbolic inputs; `shapes` are lists of input shapes that ONNX Runtime may or may not take."""

    def __init__(self, name, nodes, inputs, shapes, constants=None, outputs=("y",), opset=18, types=None, fit=False, ones=(), refused=()):
        """With `fit` ONNX Runtime takes all of the shapes; otherwise some, not all. Inputs of integers are 0, or 1 those in `ones`.
        nnc refuses those of `refused` whatever ONNX Runtime makes of them."""
        self.name, self.inputs, self.shapes, self.types, self.fit = name, inputs, [*shapes, *refused], types or {}, fit
        self.ones, self.refused = ones, refused
        declared = [helper.make_tensor_value_info(n, self.types.get(n, TensorProto.FLOAT), s) for n, s in inputs.items()]
        results = [onnx.ValueInfoProto(name=n) for n in outputs]
        constants = [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()]
        nodes = [nodes] if isinstance(nodes, onnx.NodeProto) else nodes
        self.model = helper.make_model(helper.make_graph(nodes, "g", declared, results, constants), ir_version=9,
                                       opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)])
        # ONNX wants the outputs' types.
        inferred = onnx.shape_inference.infer_shapes(self.model)
        known = {v.name: v for v in list(inferred.graph.value_info) + list(inferred.graph.output)}
        for result in self.model.graph.output:
            kind = known[result.name].type.tensor_type.elem_type
            result.CopyFrom(helper.make_tensor_value_info(result.name, kind or TensorProto.FLOAT, None))

    def make_data(self, shapes):
        rng = np.random.default_rng(len(self.name))
        kinds = [helper.tensor_dtype_to_np_dtype(self.types.get(n, TensorProto.FLOAT)) for n in self.inputs]
        return [np.ones(s, kind) if kind == bool else rng.standard_normal(s).astype(kind) if kind == np.float32 else
                np.full(s, n in self.ones, kind) for n, s, kind in zip(self.inputs, shapes, kinds)]


def node(kind, inputs, outputs="y", **attributes):
    """An operand that is left out has no name between its spaces."""
    return helper.make_node(kind, inputs.split(" "), outputs.split(), **attributes)


def branch(*nodes):
    """The graph of a branch that gives the last node's output."""
    return helper.make_graph(nodes, "branch", [], [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)])


def swap(op, groups, filters, channels, *size):
    """The shape of a filter; that of a transposed one begins with the channels."""
    return (channels, filters // groups, *size) if op == "ConvTranspose" else (filters, channels // groups, *size)


def weights(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


I64, I32, U8, I8 = TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.INT8


def recurrent(op, gates, directions):
    """A layer all of whose operands are inputs: extents that fit, and each of them one more and one less."""
    fitting = {"a": (3, 2, 3), "W": (directions, 2 * gates, 3), "R": (directions, 2 * gates, 2), "B": (directions, 4 * gates),
               "n": (2,), "h": (directions, 2, 2)}
    if op == "LSTM":
        fitting.update(c=(directions, 2, 2), p=(directions, 6))
    shapes = [list(fitting.values())]
    for name, shape in fitting.items():
        for axis, extent in enumerate(shape):
            for other in (extent - 1, extent + 1):
                changed = {**fitting, name: (*shape[:axis], other, *shape[axis + 1:])}
                shapes += [list(changed.values())] if other else []
    direction = "forward" if directions == 1 else "bidirectional"
    return Case(f"{op}, {direction}", helper.make_node(op, list(fitting), ["y"], hidden_size=2, direction=direction),
                {name: [f"{name}{i}" for i in range(len(shape))] for name, shape in fitting.items()}, shapes,
                types={"n": I32}, ones="n")


def windows(op, channels, filters=None, least=1, **attributes):
    """A layer with windows at each short width: where full tiles of pixels end, and where tiles are at both edges at once."""
    name = f"each width of {op} {channels} {filters or ''} " + ", ".join(f"{k}={v}" for k, v in attributes.items())
    constants = {} if filters is None else {"w": weights(*filters), "b": weights(filters[0])}
    nodes = [node(op, "a" if filters is None else "a w b", "c", **attributes), node("Mul", "c half")]
    return Case(name, nodes, {"a": ["n", channels, "h", "w_"]}, [[(1 + w % 2, channels, 7, w)] for w in range(least, 42)],
                {**constants, "half": np.float32(0.5)}, fit=True)


PAD = {"pads": [1, 1, 1, 1]}
WIDTHS = [
    windows("Conv", 20, (20, 1, 3, 3), group=20, **PAD), windows("Conv", 20, (20, 1, 3, 3), group=20, strides=[2, 2], **PAD),
    windows("Conv", 20, (20, 1, 3, 3), 2, group=20, strides=[2, 2], pads=[0, 0, 1, 1]),
    windows("Conv", 20, (20, 1, 3, 3), 3, group=20), windows("Conv", 20, (20, 1, 3, 3), group=20, pads=[5, 5, 5, 5]),
    windows("Conv", 20, (20, 1, 3, 3), group=20, dilations=[2, 2], pads=[2, 2, 2, 2]),
    windows("Conv", 20, (20, 1, 5, 5), group=20, pads=[2, 2, 2, 2]),
    windows("Conv", 20, (20, 1, 5, 5), group=20, strides=[2, 2], pads=[2, 2, 2, 2]),
    windows("Conv", 20, (20, 1, 5, 5), group=20, strides=[1, 3], pads=[0, 1, 4, 4]),
    windows("Conv", 6, (40, 6, 3, 3), strides=[2, 2], **PAD), windows("Conv", 6, (12, 6, 3, 3), strides=[1, 2], **PAD),
    windows("Conv", 3, (8, 3, 7, 7), strides=[2, 2], pads=[3, 3, 3, 3]), windows("Conv", 1, (8, 1, 3, 3), **PAD),
    windows("Conv", 6, (20, 6, 1, 3), dilations=[1, 15], pads=[0, 15, 0, 15]), windows("Conv", 6, (20, 3, 1, 31), group=2, pads=[0, 20, 0, 15]),
    windows("Conv", 20, (20, 1, 1, 31), group=20, pads=[0, 15, 0, 15]),
    windows("Conv", 6, (40, 6, 1, 1)), windows("Conv", 6, (12, 3, 1, 1), group=2),
    windows("Conv", 6, (40, 6, 1, 1), strides=[2, 2]),
    windows("MaxPool", 20, kernel_shape=[3, 3], strides=[2, 2], **PAD),
    windows("MaxPool", 20, None, 3, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    windows("MaxPool", 20, None, 2, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, pads=[1, 1, 0, 0]),
    windows("AveragePool", 20, kernel_shape=[3, 3], **PAD), windows("AveragePool", 20, kernel_shape=[3, 3], strides=[2, 2], **PAD),
    windows("AveragePool", 20, kernel_shape=[3, 3], count_include_pad=1, **PAD),
    Case("pixels of an image and what is added to them", [node("Conv", "a w", "c"), node("Mul", "c s", "d"), node("Add", "d r")],
         {"a": ["n", 6, "h", "w_"], "s": ["n", 40, 1, 1], "r": ["n", 40, "h", "w_"]},
         [[(2, 6, h, w), (2, 40, 1, 1), (2, 40, h, w)] for h in (1, 3, 7) for w in (1, 5, 7, 16, 43)],
         {"w": weights(40, 6, 1, 1)}, fit=True),
    Case("each number of rows of a product", [node("MatMul", "a w", "c"), node("Add", "c b")], {"a": ["n", 19]},
         [[(rows, 19)] for rows in range(0, 44)], {"w": weights(19, 300), "b": weights(300)}, fit=True),
    Case("each number of rows of products", node("MatMul", "a b"), {"a": [3, "n", 19], "b": [3, 19, "m"]},
         [[(3, rows, 19), (3, 19, columns)] for rows in (1, 2, 5, 17) for columns in (1, 16, 40)], fit=True),
]

CASES = [*WIDTHS,
    Case("MatMul", node("MatMul", "a b"), {"a": ["m", "k"], "b": ["l", "n"]}, [[(2, 3), (3, 4)], [(2, 3), (4, 3)], [(5, 1), (2, 2)]]),
    Case("MatMul of a constant", node("MatMul", "a w"), {"a": ["m", "k"]}, [[(2, 3)], [(2, 4)]], {"w": weights(3, 5)}),
    Case("MatMul of batches", node("MatMul", "a b"), {"a": ["p", 2, 3], "b": ["q", 3, 2]},
         [[(4, 2, 3), (4, 3, 2)], [(1, 2, 3), (4, 3, 2)], [(2, 2, 3), (4, 3, 2)]]),
    Case("Gemm", node("Gemm", "a b c"), {"a": ["m", "k"], "b": ["l", "n"], "c": ["r", "s"]},
         [[(2, 3), (3, 4), (1, 4)], [(2, 3), (3, 4), (2, 3)], [(2, 3), (2, 4), (2, 4)]]),
    Case("Add", node("Add", "a b"), {"a": ["m"], "b": ["n"]}, [[(4,), (4,)], [(4,), (1,)], [(1,), (3,)], [(4,), (3,)], [(3,), (4,)]]),
    Case("Add of a constant", node("Add", "a w"), {"a": ["m", "n"]}, [[(2, 5)], [(2, 1)], [(2, 4)]], {"w": weights(5)}),
    Case("Sum of three", node("Sum", "a b c"), {"a": ["m"], "b": ["n"], "c": ["o"]},
         [[(4,), (1,), (4,)], [(1,), (1,), (3,)], [(4,), (1,), (3,)]]),
    Case("Reshape", node("Reshape", "a s"), {"a": ["m", "n"]}, [[(2, 6)], [(3, 4)], [(2, 5)]], {"s": ints(4, 3)}),
    Case("Reshape with -1", node("Reshape", "a s"), {"a": ["m", "n"]}, [[(2, 6)], [(5, 4)], [(3, 3)]], {"s": ints(4, -1)}),
    Case("Reshape by another's shape", [node("Shape", "b", "s"), node("Reshape", "a s")], {"a": ["m", "n"], "b": ["o", "p"]},
         [[(2, 6), (3, 4)], [(2, 6), (3, 5)]]),
    Case("Reshape by an extent and -1", [node("Shape", "a", "s"), node("Gather", "s i", "n"), node("Concat", "n o", "t", axis=0),
                                         node("Reshape", "a t")], {"a": ["m", "n"]}, [[(3, 4)], [(0, 4)]],
         {"i": ints(1), "o": ints(-1)}, fit=True, refused=[[(1, 0)], [(2, 0)]]),  # 0 copies the other extent
    Case("Reshape by two extents and -1", [node("Shape", "a", "s"), node("Gather", "s i", "n"), node("Concat", "n o", "t", axis=0),
                                           node("Reshape", "a t")], {"a": ["m", 2, "n"]}, [[(3, 2, 4)], [(0, 2, 0)]],
         {"i": ints(0, 2), "o": ints(-1)}, refused=[[(3, 2, 0)]]),
    Case("Reshape by a vector's shape", [node("Shape", "b", "s"), node("Reshape", "a s")], {"a": ["m"], "b": ["n"]}, [[(3,), (3,)], [(3,), (9,)]]),
    Case("Reshape of a reshape", [node("Reshape", "a s", "r"), node("Reshape", "r t")], {"a": ["m", "n"]}, [[(4, 3)], [(2, 4)]],
         {"s": ints(-1, 3), "t": ints(4, -1)}),
    Case("Squeeze", node("Squeeze", "a x"), {"a": ["m", "n"]}, [[(1, 3)], [(2, 3)]], {"x": ints(0)}),
    Case("Concat", node("Concat", "a b", axis=1), {"a": ["m", 2], "b": ["n", 3]}, [[(4, 2), (4, 3)], [(4, 2), (5, 3)]]),
    Case("Conv", node("Conv", "a w"), {"a": [1, 2, "h", "w_"]}, [[(1, 2, 3, 5)], [(1, 2, 2, 5)], [(1, 2, 7, 1)]], {"w": weights(4, 2, 3, 3)}),
    *(Case(f"Loop that carries a {op.lower()} on", [node("Shape", "a", "s"), node("Gather", "s zero", "trips"),
                                                   helper.make_node("Loop", ["trips", "", "v"], ["y", "z"], body=helper.make_graph(
                                                       [node("Identity", "c", "on"), node("Gather", "a i", "r"), node(op, "w r", "next"),
                                                        node("Neg", "next", "kept")], "body",
                                                       [helper.make_tensor_value_info("i", I64, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []),
                                                        helper.make_tensor_value_info("w", TensorProto.FLOAT, None)],
                                                       [helper.make_tensor_value_info("on", TensorProto.BOOL, []),
                                                        helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
                                                        helper.make_tensor_value_info("kept", TensorProto.FLOAT, None)]))],
           {"a": ["n", "k"], "v": ["m"]}, [[(3, 4), (4,)], [(2, 1), (5,)], [(1, 1), (1,)], [(3, 4), (3,)]], {"zero": np.int64(0)}, ("y", "z"))
      for op in ("Add", "Max")),
    *(Case(f"{node_.op_type} padded to the extent by the stride, {mode}", node_, {"a": ["n", 2, "h", "v"]},
           [[(2, 2, h, v)] for h, v in ((7, 9), (6, 8), (5, 4), (1, 1), (3, 2))], {"w": weights(3, 2, 3, 4)}, fit=True)
      for mode in ("SAME_UPPER", "SAME_LOWER") for node_ in (
          node("Conv", "a w", auto_pad=mode, strides=[2, 3]),
          node("MaxPool", "a", auto_pad=mode, strides=[2, 3], kernel_shape=[3, 4]),
          node("AveragePool", "a", auto_pad=mode, strides=[2, 3], kernel_shape=[3, 4]),
          node("AveragePool", "a", auto_pad=mode, strides=[3, 2], kernel_shape=[3, 3], count_include_pad=1))),
    Case("a cache of nothing", [node("Concat", "a b", "c", axis=1), node("MatMul", "q c"), node("Softmax", "y", "z", axis=-1)],
         {"a": ["n", "p", 4], "b": ["n", "k", 4], "q": ["n", 2, "s"]},
         [[(1, 0, 4), (1, 3, 4), (1, 2, 3)], [(1, 2, 4), (1, 3, 4), (1, 2, 5)], [(0, 2, 4), (0, 3, 4), (0, 2, 5)], [(1, 0, 4), (1, 3, 4), (1, 2, 5)]],
         outputs=("y", "z")),
    Case("MatMul of nothing", node("MatMul", "a b"), {"a": ["m", "k"], "b": ["l", "n"]},
         [[(3, 0), (0, 4)], [(0, 3), (3, 4)], [(3, 2), (2, 0)], [(3, 0), (1, 4)]]),
    Case("Pad of nothing", node("Pad", "a p", mode="edge"), {"a": ["m", "n"]}, [[(0, 3)], [(2, 3)], [(2, 1)]], {"p": ints(0, 1, 0, 2)}, fit=True),
    Case("Conv of no images", node("Conv", "a w b"), {"a": ["n", 2, "h", 5], "b": [4]}, [[(0, 2, 4, 5), (4,)], [(1, 2, 4, 5), (4,)], [(1, 2, 0, 5), (4,)]],
         {"w": weights(4, 2, 3, 3)}),
    Case("Gather from nothing", node("Gather", "a i"), {"a": ["n", 3], "i": ["k"]}, [[(2, 3), (0,)], [(0, 3), (2,)], [(0, 3), (0,)], [(2, 3), (4,)]],
         types={"i": I64}),
    Case("sums of nothing", [node("ReduceSum", "a one"), node("ReduceMax", "a one", "z"), node("LayerNormalization", "a g", "v")],
         {"a": ["n", "k"], "g": ["k"]}, [[(3, 4), (4,)], [(0, 4), (4,)]], {"one": ints(0)}, ("y", "z", "v"), fit=True),
    *(Case(f"{op} with a filter of any shape, {attributes}", node(op, "a w b", **attributes),
           {"a": ["n", "c", "h", "v"], "w": ["m", "i", "k", "l"], "b": ["o"]},
           [[(2, 4, 7, 9), swap(op, groups, 6, 4, 3, 2), (6,)], [(1, 4, 6, 5), swap(op, groups, 2, 4, 1, 3), (2,)],
            [(1, 4, 7, 8), swap(op, groups, 4, 4, 5, 5), (4,)], [(1, 4, 4, 4), swap(op, groups, 4, 4, 9, 2), (4,)],
            [(1, 4, 7, 8), swap(op, groups, 4, 4, 3, 3), (3,)], [(1, 6, 7, 8), swap(op, groups, 4, 4, 3, 3), (4,)]])
      for op in ("Conv", "ConvTranspose") for attributes, groups in (
          ({}, 1), ({"group": 2, "pads": [1, 0, 2, 1]}, 2), ({"strides": [2, 3], "dilations": [2, 1], "pads": [2, 1, 0, 1]}, 1),
          ({"auto_pad": "SAME_UPPER", "strides": [2, 3]}, 1), ({"auto_pad": "SAME_LOWER", "strides": [3, 1], "group": 2}, 2))
      if op == "Conv" or "auto_pad" not in attributes),
    # ONNX Runtime's result is smaller than the product of extent and stride where the stride is larger than the filter.
    *(Case(f"ConvTranspose with a filter of any shape, {mode}", node("ConvTranspose", "a w", auto_pad=mode, strides=[2, 3]),
           {"a": ["n", "c", "h", "v"], "w": ["m", "i", "k", "l"]},
           [[(2, 3, 6, 5), (3, 2, 3, 4)], [(1, 3, 5, 4), (3, 1, 2, 3)], [(1, 2, 5, 4), (3, 1, 2, 3)]]) for mode in ("SAME_UPPER", "SAME_LOWER")),
    Case("Conv with a filter of any shape and a kernel_shape", node("Conv", "a w", kernel_shape=[3, 2], auto_pad="SAME_LOWER"),
         {"a": ["n", "c", "h", "v"], "w": ["m", "i", "k", "l"]},
         [[(2, 3, 7, 9), (4, 3, 3, 2)], [(1, 2, 1, 1), (1, 2, 3, 2)], [(2, 3, 7, 9), (4, 3, 3, 3)]]),
    Case("ConvTranspose to an output_shape with a filter of any shape", node("ConvTranspose", "a w", output_shape=[13, 10], strides=[2, 1]),
         {"a": ["n", "c", "h", "v"], "w": ["m", "i", "k", "l"]}, [[(2, 3, 6, 9), (3, 2, 3, 2)], [(2, 3, 6, 9), (3, 2, 4, 5)], [(2, 2, 6, 9), (3, 2, 3, 2)]]),
    Case("ConvTranspose with a padded output and a filter of any shape", node("ConvTranspose", "a w", output_padding=[1, 0], strides=[3, 2]),
         {"a": ["n", "c", "h", "v"], "w": ["m", "i", "k", "l"]}, [[(2, 3, 6, 5), (3, 2, 3, 2)], [(1, 3, 1, 1), (3, 1, 1, 1)], [(2, 2, 6, 9), (3, 2, 3, 2)]]),
    Case("ConvInteger with a filter of any shape", node("ConvInteger", "a w z v", strides=[2, 1], pads=[1, 0, 1, 2]),
         {"a": ["n", "c", "h", "b"], "w": ["m", "i", "k", "l"], "z": [], "v": []},
         [[(2, 3, 6, 5), (4, 3, 3, 2), (), ()], [(1, 1, 1, 1), (2, 1, 1, 3), (), ()], [(2, 3, 6, 5), (4, 2, 3, 2), (), ()],
          [(2, 3, 6, 5), (4, 3, 9, 2), (), ()]], types=dict.fromkeys("awzv", U8), ones="wz"),
    *(Case(f"{op} of blocks of any extents", node(op, "a s z", block_size=3, axis=1), {"a": ["m", "k"], "s": ["o", "p"], "z": ["q", "r"]},
           [[(2, 6), (2, 2), (2, 2)], [(2, 7), (2, 3), (2, 3)], [(1, 2), (1, 1), (1, 1)], [(2, 7), (2, 2), (2, 2)],
            [(2, 6), (2, 3), (2, 3)], [(2, 6), (1, 2), (1, 2)]], opset=21, types=types)
      for op, types in (("QuantizeLinear", {"z": U8}), ("DequantizeLinear", {"a": U8, "z": U8}))),
    Case("Conv of a row with a filter of any shape", node("Conv", "a w"), {"a": ["n", "c", "h"], "w": ["m", "i", "k"]},
         [[(2, 3, 7), (4, 3, 3)], [(1, 2, 5), (1, 2, 5)], [(2, 3, 7), (4, 3, 8)]]),
    Case("Conv's channels", node("Conv", "a w"), {"a": [1, "c", 4, 4]}, [[(1, 2, 4, 4)], [(1, 3, 4, 4)]], {"w": weights(4, 2, 3, 3)}),
    Case("Conv's bias", node("Conv", "a w b"), {"a": [1, 2, "h", 5], "b": ["k"]}, [[(1, 2, 4, 5), (4,)], [(1, 2, 4, 5), (3,)]],
         {"w": weights(4, 2, 3, 3)}),
    Case("ConvTranspose's bias", node("ConvTranspose", "a w b"), {"a": [1, 2, 4, 5], "b": ["k"]}, [[(1, 2, 4, 5), (3,)], [(1, 2, 4, 5), (2,)]],
         {"w": weights(2, 3, 3, 3)}),
    Case("MaxPool", node("MaxPool", "a", kernel_shape=[3, 2]), {"a": [1, 2, "h", "w"]}, [[(1, 2, 3, 2)], [(1, 2, 1, 2)]]),
    Case("MaxPool of nothing", node("MaxPool", "a", kernel_shape=[2, 2], pads=[1, 1, 1, 1]), {"a": ["n", 2, "h", 4]},
         [[(1, 2, 3, 4)], [(1, 2, 0, 4)], [(0, 2, 3, 4)]]),
    Case("AveragePool with pads", node("AveragePool", "a", kernel_shape=[5], pads=[1, 1]), {"a": [1, 1, "h"]}, [[(1, 1, 3)], [(1, 1, 1)]]),
    Case("Pad", node("Pad", "a p"), {"a": ["m", "n"]}, [[(3, 4)], [(2, 3)], [(1, 4)]], {"p": ints(-1, 0, -1, 2)}),
    Case("TopK", node("TopK", "a k", "y i", axis=0), {"a": ["m", "n"]}, [[(3, 2)], [(5, 1)], [(2, 2)]], {"k": ints(3)}),
    Case("Split", node("Split", "a s", "y z", axis=0), {"a": ["m", 2]}, [[(5, 2)], [(4, 2)], [(6, 2)]], {"s": ints(2, 3)}, ("y", "z")),
    Case("Split into equal parts", node("Split", "a", "y z", axis=0), {"a": ["m", 2]}, [[(4, 2)], [(5, 2)]], outputs=("y", "z"), opset=13),
    Case("Expand", node("Expand", "a s"), {"a": ["m", "n"]}, [[(1, 3)], [(4, 3)], [(2, 3)]], {"s": ints(4, 3)}),
    Case("Where", node("Where", "c a b"), {"c": ["m"], "a": ["n"], "b": ["o"]}, [[(3,), (1,), (3,)], [(3,), (2,), (3,)]],
         types={"c": TensorProto.BOOL}),
    Case("GatherElements", node("GatherElements", "a i", axis=0), {"a": ["m", "n"], "i": ["p", "q"]},
         [[(3, 2), (5, 2)], [(3, 2), (1, 1)], [(3, 2), (3, 4)]], types={"i": I64}),
    Case("ScatterElements", node("ScatterElements", "a i u", axis=0), {"a": ["m", "n"], "i": ["p", "q"], "u": ["r", "s"]},
         [[(3, 2), (1, 2), (1, 2)], [(3, 2), (1, 2), (1, 1)], [(3, 2), (1, 3), (1, 3)]], types={"i": I64}),
    Case("ScatterND", node("ScatterND", "a i u"), {"a": ["m", "n"], "i": ["p", 1], "u": ["r", "s"]},
         [[(3, 2), (2, 1), (2, 2)], [(3, 2), (2, 1), (1, 2)], [(3, 2), (2, 1), (2, 3)]], types={"i": I64}),
    Case("BatchNormalization", node("BatchNormalization", "a s s s s"), {"a": [2, "c", 3], "s": ["d"]}, [[(2, 4, 3), (4,)], [(2, 4, 3), (3,)]]),
    Case("LayerNormalization", node("LayerNormalization", "a s"), {"a": [2, "c"], "s": ["d"]}, [[(2, 4), (4,)], [(2, 4), (3,)]]),
    Case("DepthToSpace", node("DepthToSpace", "a", blocksize=2), {"a": [1, "c", 2, 3]}, [[(1, 8, 2, 3)], [(1, 6, 2, 3)]]),
    Case("SpaceToDepth", node("SpaceToDepth", "a", blocksize=2), {"a": [1, 1, "h", "w"]}, [[(1, 1, 4, 2)], [(1, 1, 3, 2)]]),
    Case("Gemm of one row", node("Gemm", "a b c"), {"a": ["m", "k"], "b": ["l", 4], "c": ["r", "s"]},
         [[(1, 3), (3, 4), (1, 4)], [(1, 3), (3, 4), (2, 4)], [(2, 3), (3, 4), (2, 1)]]),
    Case("Gemm of one column", node("Gemm", "a b c"), {"a": [2, "k"], "b": ["l", "n"], "c": ["s"]},
         [[(2, 3), (3, 1), (1,)], [(2, 3), (3, 1), (4,)], [(2, 3), (3, 4), (4,)]]),
    # ONNX Runtime's goes both ways.
    Case("PRelu", node("PRelu", "a s"), {"a": ["m", "n"], "s": ["k", "l"]}, [[(2, 3), (1, 3)], [(1, 3), (2, 1)], [(2, 3), (2, 2)]]),
    Case("QuantizeLinear", node("QuantizeLinear", "a s z"), {"a": [2, "c"], "s": ["d"], "z": ["d"]},
         [[(2, 3), (3,), (3,)], [(2, 1), (3,), (3,)], [(2, 3), (2,), (2,)]], types={"z": U8}),
    Case("DequantizeLinear", node("DequantizeLinear", "a s"), {"a": [2, "c"], "s": ["d"]},
         [[(2, 3), (3,)], [(2, 1), (3,)], [(2, 3), (2,)]], types={"a": U8}),
    Case("MatMulInteger", node("MatMulInteger", "a b z w"), {"a": ["m", "k"], "b": ["l", "n"], "z": [], "w": ["o"]},
         [[(2, 3), (3, 4), (), (4,)], [(2, 3), (3, 4), (), (1,)], [(2, 3), (3, 4), (), (2,)], [(2, 3), (3, 1), (), (4,)]],
         types=dict.fromkeys("abzw", U8)),
    Case("QLinearMatMul", node("QLinearMatMul", "a s z b t z s z"), {"a": ["m", "k"], "b": ["l", "n"], "s": [], "z": [], "t": ["o"]},
         [[(2, 3), (3, 4), (), (), (4,)], [(2, 3), (3, 1), (), (), (4,)], [(2, 3), (3, 4), (), (), (3,)]], types=dict.fromkeys("abz", U8)),
    Case("GroupNormalization", node("GroupNormalization", "a s s", num_groups=2), {"a": [2, "c", 3], "s": ["d"]},
         [[(2, 4, 3), (4,)], [(2, 4, 3), (2,)], [(2, 2, 3), (4,)]], opset=21),
    Case("BiasGelu", node("BiasGelu", "a s", domain=MICROSOFT), {"a": [2, "c"], "s": ["d"]}, [[(2, 4), (4,)], [(2, 1), (4,)]]),
    Case("SkipLayerNormalization", node("SkipLayerNormalization", "a k s", domain=MICROSOFT),
         {"a": ["b", 2, "c"], "k": ["d", 2, "e"], "s": ["f"]},
         [[(3, 2, 4), (3, 2, 4), (4,)], [(3, 2, 4), (1, 2, 4), (4,)], [(3, 2, 1), (3, 2, 4), (4,)], [(3, 2, 4), (3, 2, 4), (2,)]]),
    Case("FusedConv", node("FusedConv", "a w  z", domain=MICROSOFT), {"a": [1, 2, "h", 3], "z": ["n", 4, "i", 1]},
         [[(1, 2, 5, 3), (1, 4, 3, 1)], [(1, 2, 3, 3), (1, 4, 3, 1)], [(1, 2, 3, 3), (2, 4, 1, 1)]], {"w": weights(4, 2, 3, 3)}),
    Case("Attention's mask", node("Attention", "q k v m"),
         {"q": ["b", 1, "s", 3], "k": ["b", 1, "t", 3], "v": ["b", 1, "t", 3], "m": ["c", "h", "u", "w"]},
         [[(2, 1, 2, 3), (2, 1, 4, 3), (2, 1, 4, 3), (1, 1, 2, 4)], [(1, 1, 2, 3), (1, 1, 4, 3), (1, 1, 4, 3), (2, 1, 2, 4)],
          [(1, 1, 2, 3), (1, 1, 4, 3), (1, 1, 4, 3), (1, 2, 2, 4)], [(1, 1, 1, 3), (1, 1, 4, 3), (1, 1, 4, 3), (1, 1, 3, 4)]], opset=23),
    Case("MultiHeadAttention's bias", node("MultiHeadAttention", "q k v   m", domain=MICROSOFT, num_heads=1),
         {"q": ["b", "s", 3], "k": ["b", "t", 3], "v": ["b", "t", 3], "m": ["c", "h", "s", "t"]},
         [[(2, 2, 3), (2, 4, 3), (2, 4, 3), (1, 1, 2, 4)], [(1, 2, 3), (1, 4, 3), (1, 4, 3), (2, 1, 2, 4)],
          [(1, 2, 3), (1, 4, 3), (1, 4, 3), (1, 2, 2, 4)]]),
    Case("RotaryEmbedding", node("RotaryEmbedding", "a c s"), {"a": ["b", 1, "t", 4], "c": ["d", "u", 2], "s": ["d", "u", 2]},
         [[(2, 1, 3, 4), (2, 3, 2), (2, 3, 2)], [(1, 1, 3, 4), (2, 3, 2), (2, 3, 2)], [(2, 1, 1, 4), (2, 3, 2), (2, 3, 2)]], opset=23),
    Case("a loss", node("NegativeLogLikelihoodLoss", "a t"), {"a": ["n", "c"], "t": ["m"]}, [[(3, 2), (3,)], [(3, 2), (2,)], [(3, 2), (4,)]],
         types={"t": I64}),
    Case("Pad by reflection", node("Pad", "a p", mode="reflect"), {"a": ["m", "n"]}, [[(3, 4)], [(2, 4)], [(4, 2)], [(3, 1)]],
         {"p": ints(2, 0, 0, 1)}),
    Case("Pad by reflection of what is left", node("Pad", "a p", mode="reflect"), {"a": ["m"]}, [[(4,)], [(3,)]], {"p": ints(-1, 2)}),
    Case("Pad by repetition", node("Pad", "a p", mode="wrap"), {"a": ["m"]}, [[(3,)], [(1,)]], {"p": ints(4, 2)}, opset=19, fit=True),
    *(recurrent(op, gates, directions) for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)) for directions in (1, 2)),
    Case("Gather from nothing", [node("Slice", "a one n", "t"), node("Gather", "t i")], {"a": ["m"], "i": ["k"]}, [[(3,), (2,)], [(1,), (2,)]],
         {"one": ints(1), "n": ints(99)}, types={"i": I64}),
    Case("a deep network", [n for i in range(200) for n in (node("Transpose", f"a{i or ''}", f"t{i}", perm=[1, 0]),
                                                             node("Softmax", f"t{i}", f"a{i + 1}"))] + [node("MatMul", "a200 b")],
         {"a": ["m", "k"], "b": ["l", "n"]}, [[(2, 3), (3, 2)], [(2, 3), (2, 2)]]),
    Case("a loop that does not run", [node("Shape", "a", "s"), node("Gather", "s zero", "d"), node("Sub", "d one", "trips"),
                                      helper.make_node("Loop", ["trips", "", "v"], ["y"], body=helper.make_graph(
                                          [node("MatMul", "a w", "p"), node("ReduceSum", "p", "r", keepdims=0), node("Add", "c r", "o"),
                                           node("Identity", "go", "stay")], "body",
                                          [helper.make_tensor_value_info("i", I64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                                           helper.make_tensor_value_info("c", TensorProto.FLOAT, [])],
                                          [helper.make_tensor_value_info("stay", TensorProto.BOOL, []),
                                           helper.make_tensor_value_info("o", TensorProto.FLOAT, [])]))],
         {"a": ["m", "k"], "w": ["p", "q"], "v": []}, [[(2, 3), (3, 2), ()], [(1, 3), (2, 2), ()], [(2, 3), (2, 2), ()]],
         {"zero": np.int64(0), "one": np.int64(1)}),
    Case("a fused chain whose parts are outputs", [node("Relu", "a", "y"), node("MatMul", "y w", "z"), node("Exp", "y", "e"),
                                                  node("Softmax", "e", "u")],
         {"a": ["m", 3]}, [[(2, 3)], [(7, 3)]], {"w": weights(3, 2)}, ("y", "z", "u"), fit=True),
    Case("a sum of two sizes of an image", [
        node("Conv", "x v", "a", kernel_shape=[1, 1]), node("Conv", "x w", "b", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "a", "g"), node("HardSigmoid", "g", "h"), node("Mul", "a h", "m"), node("Add", "a m", "s"),
        node("Resize", "b  f", "u", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("Add", "s u", "t"), node("Conv", "t z", kernel_shape=[1, 1])],
         {"x": ["n", 5, "h", "w"]}, [[(2, 5, 8, 6)], [(1, 5, 1, 4)], [(3, 5, 1, 1)], [(1, 5, 7, 4)], [(1, 5, 2, 3)]],
         {"v": weights(19, 5, 1, 1), "w": weights(19, 5, 3, 3), "f": np.array([1, 1, 2, 2], np.float32), "z": weights(3, 19, 1, 1)}),
    Case("a branch that the extents decide",
         [node("Shape", "a", "s"), node("Gather", "s zero", "d"), node("Equal", "d one", "c"),
          helper.make_node("If", ["c"], ["y"], then_branch=branch(node("Squeeze", "a zeros", "t"), node("Unsqueeze", "t zeros", "u")),
                           else_branch=branch(node("ReduceSum", "a zeros", "v")))],
         {"a": ["m", "n"]}, [[(1, 4)], [(3, 4)]],
         {"zero": np.int64(0), "one": np.int64(1), "zeros": ints(0)}, fit=True),
    Case("pads in the rows of a matrix", [  # as PyTorch's exporter writes F.pad(x, (0, -w % 4))
        node("Shape", "x", "s"), node("Gather", "s last", "w"), node("Neg", "w", "n"), node("Mod", "n four", "r"),
        node("Concat", "none r zeros", "p", axis=0), node("Reshape", "p rows", "m"), node("Slice", "m minus least first minus", "b"),
        node("Transpose", "b", "t", perm=[1, 0]), node("Reshape", "t minus", "l"), node("Pad", "x l", "d"), node("Conv", "d z", strides=[4, 4])],
         {"x": ["n", 3, "h", "w"]}, [[(1, 3, 4, 4)], [(2, 3, 9, 5)], [(1, 3, 6, 7)]],
         {"last": ints(3), "four": ints(4), "none": ints(0), "zeros": ints(*[0] * 6), "rows": ints(-1, 2), "minus": ints(-1), "first": ints(0),
          "least": ints(-2**63 + 1), "z": weights(5, 3, 4, 4)}, fit=True),
    Case("a size made of the least and the largest extent", [  # as torchvision's detectors scale their images
        node("Shape", "x", "s"), node("Gather", "s image", "i"), node("ReduceMin", "i", "a", keepdims=0), node("ReduceMax", "i", "b", keepdims=0),
        node("Cast", "a", "c", to=1), node("Cast", "b", "d", to=1), node("Div", "small c", "e"), node("Div", "large d", "f"),
        node("Concat", "e f", "g", axis=0), node("ReduceMin", "g", "h", keepdims=0), node("Cast", "i", "j", to=1), node("Mul", "j h", "k"),
        node("Floor", "k", "l"), node("Cast", "l", "m", to=I64), node("Gather", "s outer", "o"), node("Concat", "o m", "t", axis=0),
        node("Resize", "x   t", mode="linear", coordinate_transformation_mode="half_pixel")],
         {"x": [1, 3, "h", "w"]}, [[(1, 3, 8, 12)], [(1, 3, 20, 4)], [(1, 3, 5, 5)]],
         {"image": ints(2, 3), "outer": ints(0, 1), "small": np.array([12], np.float32), "large": np.array([16], np.float32)}, fit=True),
    Case("the square of an extent", [node("Shape", "x", "s", start=1, end=2), node("Pow", "s two", "p"), node("Concat", "n p", "t", axis=0),
                                     node("Reshape", "x t", "r"), node("Softmax", "r")],
         {"x": [2, "h", "h"]}, [[(2, 3, 3)], [(2, 5, 5)]], {"two": np.int64(2), "n": ints(2)}, fit=True),
]


def run_reference(session, names, arrays):
    """ONNX Runtime's outputs, or None where it fails."""
    try:
        return session.run(None, dict(zip(names, arrays)))
    except Exception:  # noqa: BLE001 - its exceptions have no common class of their own
        return None


def check_refusal(model, arrays):
    """None where every entry point refuses the extents of `arrays`."""
    values = model.find_extents(arrays)
    extents = (ctypes.c_int64 * len(values))(*values)
    results = (ctypes.c_int64 * max(1, model.model.num_output_extents))()
    if model.model.workspace_size(extents) != 0:
        return "workspace_size is not 0"
    if model.model.output_extents and model.model.output_extents(extents, results) != ERROR_EXTENT:
        return "output_extents does not return NNC_ERROR_EXTENT"
    # The run must not touch anything: all pointers lead to one page that nothing may change.
    page = np.zeros(4096, np.uint8)
    start = page.ctypes.data + (-page.ctypes.data % 64)
    pointers = (ctypes.c_void_p * 8)(*[start] * 8)
    if model.model.invoke(pointers, pointers, extents, start, None) != ERROR_EXTENT:
        return "the run does not return NNC_ERROR_EXTENT"
    return "the run wrote something" if page.any() else None


def check(case, folder):
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(case.model, source)
    compile_model(source, library, ["--emit=shared", "--name=model"])
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    outcomes = set()
    for shapes in case.shapes:
        arrays = case.make_data(shapes)
        expected = run_reference(session, case.inputs, arrays)
        outcomes.add(expected is None)

        def compare():
            model = CompiledModel(library, "model")
            if expected is None or shapes in case.refused:
                return check_refusal(model, arrays)
            for actual, wanted in zip(model(arrays), expected):
                if reason := describe_difference(actual, wanted, 1e-4, 1e-5):
                    return reason
            return None

        if reason := in_child(compare):
            return f"{shapes}: {reason}"
    return None if outcomes == ({False} if case.fit else {False, True}) else "ONNX Runtime takes other shapes than expected"


def main():
    chosen = [case for case in CASES if all(word in case.name for word in sys.argv[1:])]
    failed = 0
    for case in chosen:
        with tempfile.TemporaryDirectory(prefix="nnc-extents-") as folder:
            try:
                reason = check(case, folder)
            except (Broken, Refused) as error:
                reason = str(error)
        failed += bool(reason)
        if reason:
            print(f"FAIL {case.name}: {reason}")
    print(f"extents: {len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
