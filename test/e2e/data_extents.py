#!/usr/bin/env python3
"""Extents that data decide: models of NonZero, Compress, Unique, NonMaxSuppression, TopK and Slice with computed bounds, and
what follows on them, against ONNX Runtime; with static extents and with extents known at run time only, on data that choose
nothing, something and everything. Sizes that are values of inputs, sensible and not. What ONNX Runtime refuses must return
NNC_ERROR_EXTENT, what has no bound is refused by name."""
import itertools
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402
from extents import I64, branch, ints, node  # noqa: E402
from onnx_node_tests import in_child  # noqa: E402

BOOL, FLOAT = TensorProto.BOOL, TensorProto.FLOAT


class Case:
    """`data`: lists of inputs for one model. With `refusal` nnc must say that, and name the layer. The extents of inputs in
    `static` are always known."""

    def __init__(self, name, nodes, data, constants=None, outputs=("y",), opset=18, refusal=None, exact=True, static=""):
        self.name, self.nodes, self.data, self.outputs, self.opset = name, nodes, data, outputs, opset
        self.constants, self.refusal, self.exact, self.static = constants or {}, refusal, exact, static

    def make_model(self, is_dynamic):
        names = sorted({i for n in self.nodes for i in used_names(n)} - {o for n in self.nodes for o in n.output} -
                       set(self.constants) - {""}, key=lambda name: (len(name), name))
        first = dict(zip(names, self.data[0]))
        inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype),
                                                [f"{n}{i}" for i in range(a.ndim)] if is_dynamic and n not in self.static else
                                                a.shape)
                  for n, a in first.items()]
        constants = [numpy_helper.from_array(np.asarray(v), n) for n, v in self.constants.items()]
        model = helper.make_model(helper.make_graph(self.nodes, "g", inputs, [onnx.ValueInfoProto(name=o) for o in self.outputs],
                                                    constants), ir_version=9,
                                  opset_imports=[helper.make_opsetid("", self.opset)])
        inferred = onnx.shape_inference.infer_shapes(model)
        known = {v.name: v for v in list(inferred.graph.value_info) + list(inferred.graph.output)}
        for result in model.graph.output:
            kind = known[result.name].type.tensor_type.elem_type
            result.CopyFrom(helper.make_tensor_value_info(result.name, kind or FLOAT, None))
        return model, names


def used_names(item):
    """Operands of a node, and what its branches use from outside."""
    yield from item.input
    for attribute in item.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            made = {o for n in attribute.g.node for o in n.output}
            yield from (i for n in attribute.g.node for i in used_names(n) if i not in made)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def sparse(*shape, seed=0):
    """Mostly zeros."""
    values = np.random.default_rng(seed).integers(-3, 4, shape)
    return np.where(np.abs(values) > 1, 0, values).astype(np.float32)


def flags(*values):
    return np.array(values, bool)


def boxes(count, seed=0, images=1):
    rng = np.random.default_rng(seed)
    corners = rng.random((images, count, 2)).astype(np.float32)
    sizes = rng.random((images, count, 2)).astype(np.float32) * np.float32(0.4)
    return np.concatenate([corners, corners + sizes], axis=2)


def scores(images, classes, count, seed=1):
    """Of few values, so that some are equal."""
    return (np.random.default_rng(seed).integers(0, 40, (images, classes, count)) / 40).astype(np.float32)


def number(value):
    return np.array([value], np.float32)


def axes_of(rank, count, *wrong):
    """Lists of axes, negative ones among them, and such as are none."""
    right = itertools.permutations(range(rank), count)
    return [ints(*(axis - rank if (axis + i) % 3 == 0 else axis for i, axis in enumerate(axes))) for axes in right] + [ints(*w) for w in wrong]


def reduction(kind, data, axes, opset=18, exact=False, **attributes):
    """A case for a reduction over axes that are an input."""
    attribute = "".join(f", {name}={value}" for name, value in attributes.items())
    return Case(f"{kind} of {data.dtype} along an input{attribute}", [node(kind, "a s", **attributes)], [[data, a] for a in axes],
                opset=opset, exact=exact, static="s")


def suppression(**attributes):
    return [node("NonMaxSuppression", "a b m t u", "y", **attributes)]


SOME = [random(3, 4), np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32), sparse(3, 4),
        np.array([[np.nan, -0.0, 0, np.inf]] * 3, np.float32)]
LIMITS = {"m": ints(5), "t": number(0.3), "u": number(0.25)}
# The end of a detector: boxes of two layers, the chosen ones with their class and score.
DETECTION = [
    node("Concat", "a d", "boxes", axis=1), node("Softmax", "b", "p", axis=2), node("Transpose", "p", "q", perm=[0, 2, 1]),
    node("NonMaxSuppression", "boxes q m t u", "chosen"),
    node("Gather", "chosen one", "c", axis=1), node("Gather", "chosen two", "i", axis=1), node("Squeeze", "boxes zeros", "all"),
    node("Gather", "all i", "picked", axis=0), node("Squeeze", "q zeros", "r"), node("Transpose", "r", "s", perm=[1, 0]),
    node("Unsqueeze", "i ones", "ic"), node("Unsqueeze", "c ones", "cc"), node("Concat", "ic cc", "places", axis=1),
    node("GatherND", "s places", "score"), node("Unsqueeze", "score ones", "column"),
    helper.make_node("Cast", ["cc"], ["kind"], to=FLOAT), node("Concat", "kind column picked", "y", axis=1), node("Shape", "y", "z"),
]

CASES = [
    Case("NonZero", [node("NonZero", "a")], [[x] for x in SOME]),
    Case("NonZero of a row", [node("NonZero", "a")], [[random(7)], [np.zeros(7, np.float32)]]),
    Case("NonZero of booleans", [node("Greater", "a l", "g"), node("NonZero", "g")], [[random(5, 6)], [random(5, 6) - 9]],
         {"l": np.float32(0.5)}),
    Case("NonZero of bytes", [node("NonZero", "a")], [[np.arange(200, 260).astype(np.uint8).reshape(2, 3, 10)]]),
    Case("NonZero, and what follows on it",
         [node("NonZero", "a", "n"), node("Transpose", "n", "t", perm=[1, 0]), node("GatherND", "a t", "v"),
          node("Mul", "v v", "w"), node("Unsqueeze", "w one", "u"), node("Concat", "u u", "y", axis=1),
          node("ReduceSum", "w", "s", keepdims=0), node("Shape", "y", "k")], [[x] for x in SOME[:4]],
         {"one": ints(1)}, ("y", "s", "k", "t"), exact=False),
    Case("NonZero, reshaped", [node("NonZero", "a", "n"), node("Reshape", "n s"), node("Reshape", "y t", "z")],
         [[x] for x in SOME[:4]], {"s": ints(-1), "t": ints(2, -1)}, ("y", "z")),
    Case("NonZero, cut", [node("NonZero", "a", "n"), node("Slice", "n from to axis"), node("Slice", "n back front axis step", "z")],
         [[x] for x in SOME[:4]],
         {"from": ints(1), "to": ints(-1), "axis": ints(1), "back": ints(-1), "front": ints(-99), "step": ints(-2)}, ("y", "z")),
    Case("NonZero, kept beside its input", [node("NonZero", "a", "n"), helper.make_node("Cast", ["n"], ["f"], to=FLOAT),
                                            node("MatMul", "w f"), node("Softmax", "y", "z", axis=0)],
         [[x] for x in SOME[:4]], {"w": random(5, 2, seed=3)}, ("y", "z"), exact=False),
    Case("NonZero of what was chosen", [node("NonZero", "a", "n"), node("NonZero", "n")], [[x] for x in SOME[:4]]),
    Case("two choices that meet", [node("NonZero", "a", "n"), node("NonZero", "b", "m"), node("Add", "n m")],
         [[ints(1, 0, 2, 0), ints(1, 1, 0, 0)], [ints(1, 0, 0, 0), ints(1, 1, 1, 1)], [ints(1, 1, 1, 0), ints(1, 1, 0, 0)],
          [ints(0, 0, 0, 0), ints(0, 0, 0, 0)]]),
    Case("a choice that must have an extent", [node("NonZero", "a", "n"), node("Squeeze", "n zeros", "r"), node("MatMul", "r w")],
         [[ints(1, 0, 2, 0)], [ints(1, 1, 2, 0)]], {"zeros": ints(0), "w": np.arange(6).reshape(2, 3)}),
    Case("Reshape of what was chosen into a fixed shape", [node("NonZero", "a", "n"), node("Reshape", "n s")],
         [[ints(1, 0, 2, 0, 0, 3, 1)], [ints(1, 1, 2, 0, 0, 0, 1)], [ints(1, 1, 2, 0, 0, 0, 0)]], {"s": ints(2, 2)}),
    Case("Compress along an axis", [node("Compress", "a c", "y", axis=1)],
         [[random(3, 4), flags(0, 1, 1, 0)], [random(3, 4), flags(0, 0, 0, 0)], [random(3, 4), flags(1, 1, 1, 1)]]),
    Case("Compress with a short condition", [node("Compress", "a c", "y", axis=0)], [[random(5, 2), flags(1, 0, 1)]]),
    Case("Compress of all", [node("Compress", "a c", "y")],
         [[random(2, 3), flags(0, 1, 1, 0, 0, 1)], [random(2, 3), flags(0, 0, 0, 0, 0, 0)]]),
    Case("Compress, then Reshape to columns", [node("Compress", "a c", "x", axis=0), node("Reshape", "x s")],
         [[random(4, 6), flags(1, 0, 1, 1)], [random(4, 6), flags(0, 0, 0, 0)]], {"s": ints(-1, 3)}),
    Case("Unique, sorted", [node("Unique", "a", "y i j k", sorted=1)],
         [[np.array([2, 1, 1, 3, 4, 3], np.float32)], [np.ones(6, np.float32)], [np.arange(6, 0, -1).astype(np.float32)]],
         outputs=("y", "i", "j", "k")),
    Case("Unique, in order", [node("Unique", "a", "y i j k", sorted=0)],
         [[np.array([2, 1, 1, 3, 4, 3], np.float32)], [np.ones(6, np.float32)], [np.arange(6, 0, -1).astype(np.float32)]],
         outputs=("y", "i", "j", "k")),
    Case("Unique of a matrix", [node("Unique", "a", "y i j k", sorted=0)],
         [[np.random.default_rng(5).integers(-9, 9, (13, 17))]], outputs=("y", "i", "j", "k")),
    Case("Unique rows", [node("Unique", "a", "y i j k", sorted=1, axis=0)],
         [[np.random.default_rng(6).integers(0, 2, (20, 3)).astype(np.float32)]], outputs=("y", "i", "j", "k")),
    Case("Unique columns", [node("Unique", "a", "y i j k", sorted=1, axis=1)],
         [[np.random.default_rng(7).integers(0, 2, (2, 20, 2)).astype(np.float32)]], outputs=("y", "i", "j", "k")),
    Case("Unique of bytes", [node("Unique", "a", "y", sorted=1)], [[np.array([-56, 7, -56, -126, 7], np.int8)]]),
    Case("many for Unique", [node("Unique", "a", "y i j k")], [[np.random.default_rng(8).integers(0, 999, 5000)]],
         outputs=("y", "i", "j", "k")),
    Case("TopK", [node("TopK", "a k", "y i", axis=1)],
         [[random(3, 4), ints(k)] for k in (2, 4, 1, 0, -1, 5)], outputs=("y", "i")),
    Case("TopK of a computed number",
         [node("ReduceMax", "b", "m", keepdims=1), node("Shape", "a", "s"), node("Gather", "s one", "e"), node("Min", "m e", "k"),
          node("TopK", "a k", "y i", axis=1), node("Mul", "y y", "z")],
         [[random(3, 4), ints(*b)] for b in ((1, 2), (9, 2), (0, 0))], {"one": ints(1)}, ("y", "i", "z")),
    Case("Slice by data", [node("Abs", "b", "s"), node("Mul", "s d", "f"), node("ReduceMax", "c", "e", keepdims=1),
                           node("Slice", "a f e x")],
         [[random(6, 5), ints(s), ints(e), ints(f)] for s, e, f in ((1, 4, 1), (3, 99, -1), (4, 2, 1), (99, -1, -1))],
         {"x": ints(0)}, static="bcd"),
    Case("NonMaxSuppression", suppression(), [[boxes(20), scores(1, 3, 20)], [boxes(20), scores(1, 3, 20) * 0]], LIMITS),
    Case("NonMaxSuppression of images", suppression(), [[boxes(30, 3, 4), scores(4, 2, 30)]], LIMITS),
    Case("NonMaxSuppression of centers", suppression(center_point_box=1), [[boxes(30, 4), scores(1, 3, 30)]], LIMITS),
    Case("NonMaxSuppression of flipped boxes", suppression(), [[boxes(30)[:, :, [2, 1, 0, 3]], scores(1, 2, 30)]], LIMITS),
    Case("NonMaxSuppression of many that stay", suppression(), [[boxes(150), scores(1, 2, 150)]],
         {"m": ints(140), "t": number(0.9), "u": number(0.0)}),
    Case("NonMaxSuppression without limits", [node("NonMaxSuppression", "a b m")], [[boxes(20), scores(1, 2, 20)]], {"m": ints(50)}),
    Case("NonMaxSuppression of nothing", [node("NonMaxSuppression", "a b")], [[boxes(20), scores(1, 2, 20)]]),
    Case("NonMaxSuppression with computed limits", suppression(),
         [[boxes(40, 5), scores(1, 2, 40), ints(m), number(t), number(u)]
          for m, t, u in ((3, 0.5, 0.1), (0, 0.5, 0.1), (-2, 0.5, 0.1), (99, 1, -1), (99, 0, -1), (5, 0.5, np.nan), (5, 0.5, np.inf))],
         static="mtu"),
    Case("NonMaxSuppression of a computed number", [node("ReduceMax", "d", "m", keepdims=1), *suppression()],
         [[boxes(40, 5), scores(1, 2, 40), ints(m, -9)] for m in (3, 0, -2, 99)], {"t": number(0.5), "u": number(0.1)}),
    Case("NonMaxSuppression of boxes without area", suppression(),
         [[np.repeat(boxes(6)[:, :, :2], 2, axis=2)[:, :, [0, 2, 1, 3]], scores(1, 1, 6)], [np.ones((1, 6, 4), np.float32), scores(1, 1, 6)]], LIMITS),
    Case("detection", DETECTION, [[boxes(60), random(1, 80, 4), boxes(20, 9)], [boxes(60), random(1, 80, 4) * 9, boxes(20, 9)],
                                  [boxes(60), random(1, 80, 4) * 0, boxes(20, 9)]],
         {"m": ints(10), "t": number(0.4), "u": number(0.3), "one": np.int64(1), "two": np.int64(2), "zeros": ints(0), "ones": ints(1)},
         ("y", "z", "chosen"), exact=False),
    Case("a choice in a branch", [node("ReduceSum", "a", "s", keepdims=0), node("Greater", "s l", "g"),
                                  helper.make_node("If", ["g"], ["y"], then_branch=branch(
                                      node("NonZero", "a", "n"), helper.make_node("Cast", ["n"], ["f"], to=FLOAT),
                                      node("ReduceSum", "f", "p", keepdims=0)), else_branch=branch(node("Neg", "s", "q")))],
         [[random(3, 4) + 1], [random(3, 4) - 1]], {"l": np.float32(0)}, exact=False),
    # What torchvision exports of its suppression: without boxes nothing is kept.
    Case("a branch that keeps nothing", [
        node("Greater", "a l", "m"), node("NonZero", "m", "n"), node("Squeeze", "n zeros", "i"), node("Gather", "b i", "c", axis=0),
        node("Shape", "c", "s"), node("ReduceProd", "s", "p", keepdims=0), node("Equal", "p none", "e"),
        helper.make_node("If", ["e"], ["y"], else_branch=branch(node("ReduceSum", "c rows", "r", keepdims=0), node("NonZero", "r", "k"),
                                                                node("Squeeze", "k zeros", "q"), node("Cast", "q", "f", to=FLOAT)),
                         then_branch=branch(helper.make_node("Constant", [], ["z"], value=numpy_helper.from_array(np.zeros(0, np.float32))))),
        node("Cast", "y", "j", to=I64), node("Gather", "c j", "w", axis=0)],
         [[random(9), random(9, 4)], [np.ones(9, np.float32), sparse(9, 4)], [np.zeros(9, np.float32), random(9, 4)]],
         {"l": np.float32(0.3), "zeros": ints(0), "rows": ints(1), "none": np.int64(0)}, ("y", "w"), exact=False),
    Case("Unique of nothing", [node("Slice", "a zeros zeros zeros", "s"), node("Unique", "s", "y i j k")],
         [[ints(1, 2, 3)]], {"zeros": ints(0)}, ("y", "i", "j", "k")),
    # Sizes that are values of inputs: what does not fit is refused before the run.
    Case("Reshape by an input", [node("Reshape", "a s")],
         [[random(4, 6), ints(*s)] for s in ((3, 8), (-1, 2), (0, 6), (0, -1), (5, 5), (-2, 12), (-1, -1), (2**33, 2**31), (24, 1), (1, 24),
                                             (2**63 - 1, 8), (-1, 5), (-1, 0))], static="s"),
    Case("Reshape by an input, many axes", [node("Reshape", "a s")],
         [[random(4, 6), ints(*s)] for s in ((2, 3, 2, 2), (65536, 65536, 65536, 65536), (1, 1, 1, 24), (2**31 - 1,) * 4)], static="s"),
    Case("Expand by an input", [node("Expand", "a s")],
         [[random(1, 6), ints(*s)] for s in ((4, 6), (1, 1), (4, 1), (3, 5), (-1, 6))], static="s"),
    Case("Tile by an input", [node("Tile", "a s")], [[random(2, 3), ints(*s)] for s in ((2, 3), (1, 1), (0, 2), (-1, 2))], static="s"),
    Case("ConstantOfShape of an input", [node("ConstantOfShape", "s")], [[ints(*s)] for s in ((2, 3), (0, 3), (-1, 3))], static="s"),
    Case("Range of inputs", [node("Range", "a b c")],
         [[np.array(a), np.array(b), np.array(c)] for a, b, c in ((1, 10, 3), (10, 1, -4), (5, 5, 1), (9, 2, 1), (2**40, 2**40 + 7, 2), (7, 7 - 2**59, -2**57), (1, 10, 0))]),
    Case("Pad by an input", [node("Pad", "a s")],
         [[random(3, 4), ints(*s)] for s in ((1, 0, 2, 1), (0, 0, 0, 0), (-1, -2, 0, 1), (-2, 0, -2, 0))], static="s"),
    Case("Pad with reflections by an input", [node("Pad", "a s", mode="reflect")],
         [[random(3, 4), ints(*s)] for s in ((1, 0, 2, 3), (0, 0, 3, 0))], static="s"),
    Case("Resize to an input", [helper.make_node("Resize", ["a", "", "", "s"], ["y"], mode="nearest")],
         [[random(1, 1, 2, 3), ints(1, 1, 4, 7)], [random(1, 1, 2, 3), ints(1, 1, 1, 2)]], static="s"),
    Case("Slice by inputs", [node("Slice", "a b c x d")],
         [[random(6, 5), ints(s), ints(e), ints(t)] for s, e, t in ((1, 4, 1), (-3, 99, 2), (4, 2, 1), (5, -99, -2), (0, 6, 0), (0, 2**63 - 1, 4),
                                                                    (2**63 - 1, -2**63, -1))],
         {"x": ints(0)}, static="bcd"),
    *(reduction(kind, random(3, 4, 2, 5), axes_of(4, 2, (0, 4), (-5, 1)), keepdims=keepdims)
      for keepdims in (0, 1) for kind in ("ReduceSum", "ReduceMean", "ReduceLogSumExp")),
    *(reduction(kind, random(3, 4, 2, 5), axes_of(4, 3), keepdims=0) for kind in ("ReduceL1", "ReduceL2", "ReduceProd", "ReduceSumSquare")),
    *(reduction(kind, random(3, 1, 2, 5, 3), axes_of(5, 2), keepdims=1) for kind in ("ReduceMax", "ReduceMin", "ReduceSumSquare")),
    reduction("ReduceLogSum", np.abs(random(4, 2, 3)), axes_of(3, 1), keepdims=1),
    reduction("ReduceSum", random(7), axes_of(1, 1, (1,), (-2,)), keepdims=0),
    reduction("ReduceL1", random(2, 3, 2, 3, 2, 3), axes_of(6, 3)[::7], keepdims=0),
    reduction("ReduceLogSumExp", np.array([[-np.inf, 1, np.nan], [-np.inf, np.inf, 3]], np.float32), axes_of(2, 1)),
    reduction("ReduceMean", np.arange(-30, 30, dtype=np.int32).reshape(3, 4, 5), axes_of(3, 2), keepdims=0),
    reduction("ReduceMax", np.arange(60, dtype=np.uint8).reshape(3, 4, 5), axes_of(3, 2), keepdims=0),
    reduction("ReduceProd", np.arange(1, 13).reshape(3, 4), axes_of(2, 2)),
    Case("ReduceSum along computed axes", [node("Sub", "s one", "t"), node("ReduceSum", "a t", keepdims=0), node("Neg", "y", "z")],
         [[random(3, 4, 5), ints(*s)] for s in ((1, 2), (3, 1), (4, 1))], {"one": ints(1)}, ("y", "z"), static="s", exact=False),
    Case("ReduceSum along axes that data decide", [node("NonZero", "s", "n"), node("Squeeze", "n zeros", "t"), node("Slice", "t zeros one", "u"),
                                                   node("Reshape", "u one", "v"), node("ReduceSum", "a v")],
         [[random(3, 4), ints(0, 1)]], {"zeros": ints(0), "one": ints(1)}, static="s", refusal="layer 'y'"),
    *(Case(f"CumSum along an input, {attributes}", [node("CumSum", "a s", **attributes)],
           [[random(3, 4, 5), np.array(s)] for s in (0, 1, 2, -1, -3, 3, -4)], static="s", exact=False)
      for attributes in ({}, {"reverse": 1}, {"exclusive": 1, "reverse": 1})),
    Case("Squeeze of an input's axes", [node("Squeeze", "a s")],
         [[random(3, 1, 4, 1), ints(*s)] for s in ((1, 3), (3, 1), (-1, 1), (0, 1), (1, 4), (-3, -1))], static="s"),
    Case("Unsqueeze of an input's axes", [node("Unsqueeze", "a s")],
         [[random(3, 4), ints(*s)] for s in ((0, 1), (3, 0), (1, -2), (-1, 0), (2, 4), (-5, 0), (1, 1))], static="s"),
    Case("Unsqueeze of a number along an input", [node("ReduceSum", "a", "r", keepdims=0), node("Unsqueeze", "r s")],
         [[random(5), ints(*s)] for s in ((0, 1), (1, 0), (-1, -2), (0, 2))], static="s", exact=False),
    Case("Slice along an input", [node("Slice", "a b c d")],
         [[random(6, 5, 4), ints(1, -2), ints(5, 99), ints(*d)] for d in axes_of(3, 2, (0, 3), (-4, 0))], static="bcd"),
    Case("Slice with steps along an input", [node("Slice", "a b c d e")],
         [[random(6, 5, 4), ints(1, -1).astype(np.int32), ints(5, -99).astype(np.int32), d.astype(np.int32), ints(*e).astype(np.int32)]
          for d in axes_of(3, 2) for e in ((2, -1), (1, -2))], static="bcde"),
    Case("Pad along an input", [node("Pad", "a b  d")],
         [[random(3, 4, 2), ints(1, 0, 2, -1), d] for d in axes_of(3, 2, (0, 3))], static="bd"),
    Case("Pad with edges along an input", [node("Pad", "a b  d", mode="edge")],
         [[random(3, 4, 2), ints(1, 0, 2, 1), d] for d in axes_of(3, 2)], static="bd"),
    Case("Split by an input", [node("Split", "a s", "y z", axis=1)],
         [[random(2, 5, 3), ints(*s)] for s in ((2, 3), (5, 0), (0, 5), (2, 2), (3, 3), (6, -1), (2**63 - 1, -(2**63) + 6))], outputs=("y", "z"), static="s"),
    *(Case(f"DFT along an input, {attributes}", [node("DFT", "a  s", **attributes)],
           [[random(3, 4, 5, parts), np.array(s)] for s in (0, 1, 2, -2, -4, 4, -5)], opset=20, static="s", exact=False)
      for attributes, parts in (({}, 1), ({"inverse": 1}, 2), ({"onesided": 1}, 1))),
    Case("DFT of a length that is an input", [node("DFT", "a s", axis=1)], [[random(2, 5, 1), np.array(s)] for s in (5, 3, 8, 1, 0, -2)],
         opset=17, static="s", exact=False),
    Case("MaxUnpool to an input", [node("MaxUnpool", "a i s", kernel_shape=[2, 2], strides=[2, 2])],
         [[np.abs(random(1, 1, 2, 2)), np.array([[[[0, 3], [8, 10]]]]), ints(*s)] for s in ((1, 1, 4, 4), (1, 1, 3, 4), (1, 1, 4, 3))],
         static="s"),
    Case("Col2Im of sizes that are inputs", [node("Col2Im", "a s t", strides=[2, 1], dilations=[1, 2], pads=[1, 0, 0, 2])],
         [[random(2, 12, 15), ints(*s), ints(*t)] for s, t in (((5, 5), (2, 2)), ((5, 5), (1, 3)), ((6, 5), (2, 2)), ((0, 5), (2, 2)),
                                                               ((5, 5), (9, 2)), ((5, 5), (0, 2)))], static="st", exact=False),
    Case("a size that is computed of an input", [node("Shape", "a", "k"), node("Concat", "s k", "t", axis=0), node("Expand", "a t", "e"),
                                                node("ReduceSum", "e zeros", "y", keepdims=0), node("NonZero", "e", "z")],
         [[sparse(3, 4), ints(2)], [sparse(3, 4), ints(1)]], {"zeros": ints(0)}, ("y", "z"), static="s", exact=False),
    *(Case(f"Resize by scales of an input, {mode}", [helper.make_node("Resize", ["a", "", "s"], ["y"], mode=mode, **more)],
           [[random(1, 2, 5, 6), np.array(s, np.float32)]
            for s in ((1, 1, 2, 1.5), (1, 1, 0.6, 0.34), (1, 1, 1, 1), (1, 1, 0, 1), (1, 1, -1, 1), (1, 1, np.nan, 1), (1, 1, np.inf, 1))],
           static="s", exact=False)
      for mode, more in (("nearest", {}), ("linear", {}), ("cubic", {}), ("linear", {"antialias": 1}))),
    *(Case(f"Resize to an input, {policy}", [helper.make_node("Resize", ["a", "", "", "s"], ["y"], mode="linear", axes=[2, 3],
                                                              keep_aspect_ratio_policy=policy)],
           [[random(1, 2, 5, 6), ints(*s)] for s in ((7, 8), (3, 9), (10, 3), (5, 6))], static="s", exact=False)
      for policy in ("not_larger", "not_smaller")),
    *(Case(f"Range of inputs of {np.dtype(kind).name}", [node("Range", "a b c")],
           [[np.array(a, kind), np.array(b, kind), np.array(c, kind)]
            for a, b, c in ((1, 10, 3), (10, 1, -4), (5, 5, 1), (9, 2, 1), (0, 1, 0.125), (-3, 2.5, 0.7), (2, -1, -0.3), (0, 5, 0))], exact=False)
      for kind in (np.float32, np.float64)),
    Case("Range of inputs of int16", [node("Range", "a b c")],
         [[np.array(v, np.int16) for v in values]
          for values in ((1, 10, 3), (10, 1, -4), (5, 5, 1), (9, 2, 1), (-32768, 32767, 1), (32767, -32768, -7), (0, 5, 0))]),
    Case("OneHot of a depth that is a float", [node("OneHot", "a s v")],
         [[ints(0, 2, -1), np.array(s, np.float32), np.array((2, 5), np.float32)] for s in (4, 3, 1)], static="sv"),
    Case("a size that is a float on its way", [node("Shape", "a", "k"), helper.make_node("Cast", ["k"], ["f"], to=FLOAT), node("Mul", "f s", "p"),
                                               node("Floor", "p", "q"), helper.make_node("Cast", ["q"], ["n"], to=I64),
                                               helper.make_node("Resize", ["a", "", "", "n"], ["y"], mode="nearest")],
         [[random(3, 4), number(s)] for s in (1.5, 2, 0.7, 1)], static="s"),
    Case("a size that is a float on its way, of extents", [node("Shape", "a", "k"), helper.make_node("Cast", ["k"], ["f"], to=FLOAT),
                                                          node("Div", "f s", "p"), node("Ceil", "p", "q"),
                                                          helper.make_node("Cast", ["q"], ["n"], to=I64), node("ConstantOfShape", "n")],
         [[random(3, 4)]], {"s": number(1.5)}),
    Case("a size that was a float", [helper.make_node("Cast", ["s"], ["n"], to=I64), node("ConstantOfShape", "n")],
         [[number(s)] for s in (3.9, 0)], static="s"),
    Case("quotients and remainders of inputs", [node("Div", "s t", "q"), node("Mod", "s t", "m"), helper.make_node("Mod", ["s", "t"], ["f"], fmod=1),
                                                node("Concat", "q m f", "k", axis=0), node("Expand", "a k")],
         [[random(1, 1, 1), ints(s), ints(t)] for s, t in ((7, 2), (-7, -2), (9, 3), (1, 5), (7, -2), (-7, 3), (-9, -1), (-1, -5))], static="st"),
    Case("a remainder with the sign of its divisor", [node("Mod", "s t", "m"), node("Expand", "a m")],
         [[random(1), ints(s), ints(t)] for s, t in ((-7, 3), (7, 3), (-9, 3), (7, -3), (-2, 5))], static="st"),
    Case("a remainder with the sign of its dividend", [helper.make_node("Mod", ["s", "t"], ["f"], fmod=1), node("Expand", "a f")],
         [[random(1), ints(s), ints(t)] for s, t in ((7, -3), (7, 3), (-7, 3), (-7, -3), (9, -3))], static="st"),
    Case("a quotient without a bound", [node("NonZero", "a", "n"), node("Shape", "n", "s"), node("Gather", "s one", "k"),
                                        node("Div", "big k", "q"), node("Range", "zero q step")],
         [[ints(1, 0, 2)]], {"one": np.int64(1), "big": np.int64(100), "zero": np.int64(0), "step": np.int64(1)}, refusal="layer 'y'"),
    # Data of a known range: what is clipped, what is counted.
    Case("a size that is clipped", [node("Clip", "a low high", "c"), node("Mul", "c two", "d"), node("ReduceMax", "d", "m", keepdims=0),
                                    helper.make_node("Cast", ["m"], ["i"], to=I64), node("Reshape", "i one", "s"),
                                    node("ConstantOfShape", "s"), node("Add", "y high", "z")],
         [[random(3, 4)], [random(3, 4) * 9], [random(3, 4) - 99]],
         {"low": np.float32(1), "high": np.float32(3.5), "two": np.float32(2), "one": ints(1)}, ("y", "z"), static="a"),
    Case("an Expand to clipped sizes", [node("Add", "b b", "e"), node("Clip", "e low high", "c"), helper.make_node("Cast", ["c"], ["i"], to=I64),
                                        node("Concat", "three i", "s", axis=0), node("Expand", "a s"), node("Exp", "y", "z")],
         [[random(3, 1, 1), random(2, 5)[0, :2] * k] for k in (0.1, 2, 9)],
         {"low": np.float32(1), "high": np.float32(7.5), "three": ints(3)}, ("y", "z"), exact=False, static="b"),
    Case("a Range up to what is counted", [node("Greater", "a l", "g"), helper.make_node("Cast", ["g"], ["i"], to=I64), node("ReduceSum", "i axis", "n", keepdims=0),
                                           node("ReduceMax", "n", "m", keepdims=0), node("Range", "zero m one", "r"), node("Mul", "r r")],
         [[random(3, 7)], [random(3, 7) - 9], [random(3, 7) + 9]],
         {"l": np.float32(0), "axis": ints(1), "zero": np.int64(0), "one": np.int64(1)}),
    Case("a Range up to the largest of numbers", [node("ReduceMax", "a", "s", keepdims=0), node("Range", "zero s one")],
         [[ints(2, 0, 5)], [ints(1, -3, -8)], [ints(7, 7, 7)]], {"zero": np.int64(0), "one": np.int64(1)}, static="a"),
    Case("a Range up to data", [node("Exp", "a", "e"), node("ReduceMax", "e", "m", keepdims=0), helper.make_node("Cast", ["m"], ["s"], to=I64),
                                node("Range", "zero s one")], [[random(3)]], {"zero": np.int64(0), "one": np.int64(1)}, refusal="layer 'y'"),
]


def run_reference(session, names, arrays):
    """ONNX Runtime's outputs, or None where it fails."""
    try:
        return session.run(None, dict(zip(names, arrays)))
    except Exception:  # noqa: BLE001 - its exceptions have no common class of their own
        return None


def compare(library, case, arrays, expected):
    model = CompiledModel(library, "model")
    if expected is None:
        try:
            model(arrays)
        except Broken as error:
            return None if "returned 4 " in str(error) else str(error)
        return "the run does not return NNC_ERROR_EXTENT"
    for i, (actual, wanted) in enumerate(zip(model(arrays), expected)):
        tolerance = 0 if case.exact else 1e-4
        if reason := describe_difference(actual, wanted, tolerance, tolerance / 10):
            return f"output {i}: {reason}"
    return None


def check(case, folder, is_dynamic):
    import onnxruntime
    onnxruntime.set_default_logger_severity(4)
    source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    model, names = case.make_model(is_dynamic)
    onnx.save(model, source)
    try:
        compile_model(source, library, ["--emit=shared", "--name=model"])
    except Refused as error:
        if case.refusal and case.refusal in str(error):
            return None
        raise
    if case.refusal:
        return "it is not refused"
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    for i, arrays in enumerate(case.data):
        expected = run_reference(session, names, arrays)
        if reason := in_child(lambda arrays=arrays, expected=expected: compare(library, case, arrays, expected)):
            return f"data {i}: {reason}"
    return None


def main():
    chosen = [(case, is_dynamic) for case in CASES if all(word in case.name for word in sys.argv[1:]) for is_dynamic in (False, True)]
    failed = 0
    for case, is_dynamic in chosen:
        with tempfile.TemporaryDirectory(prefix="nnc-data-extents-") as folder:
            try:
                reason = check(case, folder, is_dynamic)
            except (Broken, Refused) as error:
                reason = str(error)
        failed += bool(reason)
        if reason:
            print(f"FAIL {case.name}{', run-time extents' if is_dynamic else ''}: {reason}")
    print(f"data extents: {len(chosen) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
