#!/usr/bin/env python3
"""Layers whose shape decides how they are computed, against ONNX Runtime: windows that do not overlap, groups and
shuffles of channels, rows of all short lengths and with NaN in each place, attention in blocks of rows, the first few and
the first many of an order, products of few rows, pointwise convolutions alone, residual sums, rows moved as a whole, samples."""
import ctypes
import mmap
import os
import sys

import numpy as np
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, Refused  # noqa: E402
from edge_models import FLOAT, agrees, equals, make_model  # noqa: E402
from host_cpu import CPUS, can_run  # noqa: E402


def patches(shape, filters, window, batch=None):
    """A convolution whose windows are its strides."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape).astype(np.float32)
    x.flat[7], x.flat[8] = np.nan, np.inf
    weights = rng.standard_normal((filters, shape[1], *window)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], strides=window), helper.make_node("Relu", ["c"], ["y"])]
    declared = (FLOAT, (batch, *shape[1:])) if batch else (FLOAT, shape)
    constants = {"w": weights, "b": rng.standard_normal(filters).astype(np.float32)}
    fixed = make_model(nodes, {"x": x}, [("y", FLOAT)], constants)
    return agrees(make_model(nodes, {"x": declared}, [("y", FLOAT)], constants), {"x": x}, oracle=fixed)


def groups(shape, outputs, count, pads, free=()):
    """A convolution of 3x3 in few groups of many channels, followed by what reads all, some and none of its channels."""
    rng = np.random.default_rng(7)
    draw = lambda *extents: rng.standard_normal(extents).astype(np.float32)
    extents = [shape[2] + pads[0] + pads[2] - 2, shape[3] + pads[1] + pads[3] - 2]
    inputs = {"x": draw(*shape), "r": draw(shape[0], outputs, *extents), "m": draw(*extents), "s": draw(outputs, 1, 1)}
    declared = {name: (FLOAT, tuple(f"n{i}" if x.ndim == 4 and i in free else extent
                                    for i, extent in enumerate(x.shape))) for name, x in inputs.items()}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], group=count, pads=pads),
             helper.make_node("Mul", ["c", "s"], ["scaled"]), helper.make_node("Add", ["scaled", "r"], ["sum"]),
             helper.make_node("Add", ["sum", "m"], ["masked"]), helper.make_node("Relu", ["masked"], ["y"])]
    constants = {"w": draw(outputs, shape[1] // count, 3, 3) / np.float32(shape[1] ** 0.5), "b": draw(outputs)}
    fixed = make_model(nodes, inputs, [("y", FLOAT)], constants)
    return agrees(make_model(nodes, declared, [("y", FLOAT)], constants), inputs, oracle=fixed)


def page_rows(spatial, channels, batch=None):
    """Products of rows whose distance is a multiple of 4 KiB: of all channels, of some, and after a residue is added."""
    rng = np.random.default_rng(11)
    x = rng.standard_normal((2, 24, *spatial)).astype(np.float32)
    draw = lambda *extents: rng.standard_normal(extents).astype(np.float32) / np.float32(extents[1] ** 0.5)
    constants = {"w": draw(channels, 24, 1, 1), "v": draw(channels // 2, 24, 1, 1), "u": draw(channels // 2, channels // 2, 1, 1),
                 "d": draw(40, channels, 1, 1), "e": draw(30, channels, 3, 3)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["r"]),
             helper.make_node("Conv", ["x", "v"], ["h"]), helper.make_node("Conv", ["h", "u"], ["g"]),
             helper.make_node("Concat", ["h", "g"], ["c"], axis=1), helper.make_node("Add", ["r", "c"], ["s"]),
             helper.make_node("Conv", ["s", "d"], ["y"]), helper.make_node("Conv", ["c", "e"], ["z"], pads=[1, 1, 1, 1]),
             helper.make_node("GlobalAveragePool", ["s"], ["m"])]
    outputs = [("y", FLOAT), ("z", FLOAT), ("m", FLOAT)]
    declared = {"x": (FLOAT, (batch or 2, 24, *spatial))}
    fixed = make_model(nodes, {"x": x}, outputs, constants)
    return agrees(make_model(nodes, declared, outputs, constants), {"x": x}, oracle=fixed)


def page_inputs(rows, depth, columns, heads=1):
    """Products whose left-hand side is the caller's, in rows of a multiple of 4 KiB, as a whole and cut into heads."""
    rng = np.random.default_rng(15)
    x, w = rng.standard_normal((rows, depth)).astype(np.float32), rng.standard_normal((depth, columns)).astype(np.float32)
    constants = {"w": w / np.float32(depth ** 0.5), "split": np.array([rows, heads, depth // heads])}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Reshape", ["x", "split"], ["s"]),
             helper.make_node("Transpose", ["s"], ["q"], perm=[1, 0, 2]), helper.make_node("Transpose", ["s"], ["k"], perm=[1, 2, 0]),
             helper.make_node("MatMul", ["q", "k"], ["p"]), helper.make_node("Softmax", ["p"], ["a"], axis=-1),
             helper.make_node("MatMul", ["a", "q"], ["z"])]
    return agrees(make_model(nodes, {"x": x}, [("y", FLOAT), ("z", FLOAT)], constants), {"x": x})


def windows(shape, filters, conv, after, batch=None):
    """A convolution to an image that no cache holds, and the windows that read it: depthwise, or maxima."""
    rng = np.random.default_rng(13)
    x = rng.standard_normal(shape).astype(np.float32)
    x.flat[5], x.flat[-3] = np.nan, np.inf
    (taps, conv_attributes), (kind, size, attributes) = conv, after
    constants = {"w": rng.standard_normal((filters, shape[1], *taps)).astype(np.float32), "b": rng.standard_normal(filters).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["a"], **conv_attributes), helper.make_node("Relu", ["a"], ["r"])]
    if kind == "max":
        nodes.append(helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=size, **attributes))
    else:
        constants["d"] = rng.standard_normal((filters, 1, *size)).astype(np.float32)
        nodes.append(helper.make_node("Conv", ["r", "d"], ["y"], group=filters, **attributes))
    fixed = make_model(nodes, {"x": x}, [("y", FLOAT)], constants)
    return agrees(make_model(nodes, {"x": (FLOAT, (batch or shape[0], *shape[1:]))}, [("y", FLOAT)], constants), {"x": x}, oracle=fixed)


def shuffles(shape, groups, batch=None):
    """Channels that change places between two convolutions, with rows of shuffled numbers that are read again."""
    rng = np.random.default_rng(9)
    n, channels, *spatial = shape
    x = rng.standard_normal(shape).astype(np.float32)
    constants = {"w": rng.standard_normal((channels, channels // groups, 1, 1)).astype(np.float32),
                 "d": rng.standard_normal((channels, 1, 3, 3)).astype(np.float32),
                 "split": np.array([-1 if batch else n, groups, channels // groups, *spatial]),
                 "join": np.array([-1 if batch else n, channels, *spatial])}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], group=groups), helper.make_node("Reshape", ["c", "split"], ["s"]),
             helper.make_node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
             helper.make_node("Reshape", ["t", "join"], ["j"]),
             helper.make_node("Conv", ["j", "d"], ["y"], group=channels, pads=[1, 1, 1, 1])]
    outputs = [("y", FLOAT), ("j", FLOAT), ("s", FLOAT)]
    fixed = make_model(nodes, {"x": x}, outputs, constants)
    declared = {"x": (FLOAT, (batch or n, channels, *spatial))}
    return agrees(make_model(nodes, declared, outputs, constants), {"x": x}, oracle=fixed)


def reductions(shape, axis, dtype):
    """Reductions that share their loops; NaN at the beginning, in the middle, at the end. The oracle is numpy: ONNX
    Runtime's largest element is NaN or not depending on where NaN is."""
    rng = np.random.default_rng(4)
    x = rng.integers(-3, 4, shape).astype(dtype) if np.dtype(dtype).kind == "i" else rng.standard_normal(shape).astype(dtype)
    is_float = x.dtype.kind == "f"
    rows = np.moveaxis(x, axis, 0)
    if is_float and rows.shape[1] > 4:
        for row, at in enumerate((0, rows.shape[0] // 2, -1)):
            rows[at, row] = np.nan
        rows[0, 3], rows[-1, 4] = np.inf, -np.inf
    wanted = {"ReduceMax": x.max(axis), "ReduceMin": x.min(axis), "ReduceSum": x.sum(axis, dtype=dtype)}
    nodes = [helper.make_node(op, ["x", "a"], [op], keepdims=0) for op in wanted]
    if is_float:
        with np.errstate(invalid="ignore"):
            exponentials = np.exp(x.astype(np.float64) - x.max(axis, keepdims=True))
            wanted["Softmax"] = exponentials / exponentials.sum(axis, keepdims=True)
        nodes.append(helper.make_node("Softmax", ["x"], ["Softmax"], axis=axis))
    code = helper.np_dtype_to_tensor_dtype(x.dtype)
    model = make_model(nodes, {"x": (code, shape)}, [(op, code) for op in wanted], {"a": np.array([axis])}, opset=20)
    return equals(model, [x], wanted, tolerance=1e-5 if is_float else 0)


def attention(batch, heads, rows, columns, width, mask):
    """Softmax of scaled products and a mask, times values; a row of the queries has NaN, a column of the mask -inf."""
    rng = np.random.default_rng(5)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    inputs = {"q": draw(batch, heads, rows, width), "k": draw(batch, 1, width, columns), "v": draw(batch, heads, columns, 7),
              "m": draw(*mask)}
    inputs["q"][-1, -1, rows // 2, 0] = np.nan
    if mask[-1] > 1:
        inputs["m"][..., columns // 2] = -np.inf
    nodes = [helper.make_node("MatMul", ["q", "k"], ["s"]), helper.make_node("Mul", ["s", "c"], ["t"]),
             helper.make_node("Add", ["t", "m"], ["u"]), helper.make_node("Softmax", ["u"], ["p"], axis=-1),
             helper.make_node("MatMul", ["p", "v"], ["y"])]
    return agrees(make_model(nodes, inputs, [("y", FLOAT)], {"c": np.float32(width ** -0.5)}), inputs)


def attention_read_again():
    """Models whose scores or probabilities have another reader, or where a loop carries on what the scores read."""
    rng = np.random.default_rng(8)
    q, v = (rng.standard_normal((160, 160)).astype(np.float32) for _ in range(2))
    head = [helper.make_node("MatMul", ["q", "v"], ["s"]), helper.make_node("Softmax", ["s"], ["p"], axis=-1),
            helper.make_node("MatMul", ["p", "v"], ["z"])]
    for last in (["z", "p"], ["z", "s"]):
        reason = agrees(make_model([*head, helper.make_node("Add", last, ["y"])], {"q": q, "v": v}, [("y", FLOAT)]),
                        {"q": q, "v": v})
        if reason:
            return reason
    value = lambda name: helper.make_tensor_value_info(name, FLOAT, (160, 160))
    nodes = [helper.make_node("Transpose", ["x"], ["t"]), helper.make_node("MatMul", ["q", "v"], ["m"]),
             helper.make_node("Add", ["m", "t"], ["s"]), helper.make_node("Softmax", ["s"], ["p"], axis=-1),
             helper.make_node("MatMul", ["p", "v"], ["next"]), helper.make_node("Identity", ["going"], ["goes"])]
    flag = [helper.make_tensor_value_info(name, TensorProto.BOOL, ()) for name in ("going", "goes")]
    body = helper.make_graph(nodes, "body", [helper.make_tensor_value_info("i", TensorProto.INT64, ()), flag[0], value("x")],
                             [flag[1], value("next")])
    loop = helper.make_node("Loop", ["n", "yes", "q"], ["y"], body=body)
    model = make_model([loop], {"q": q, "v": v}, [("y", FLOAT)], {"n": np.int64(3), "yes": np.bool_(True)})
    return agrees(model, {"q": q, "v": v})


def firsts(shape, axis, k, largest, dtype):
    """TopK with many equal elements, and NaN, which is larger than all numbers."""
    rng = np.random.default_rng(6)
    x = rng.integers(0, 9, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(shape) < 0.1] = np.nan
        x[rng.random(shape) < 0.1] = -np.inf
    keys = [x.astype(np.float64) * (-1 if largest else 1), np.isnan(x) != largest]
    order = np.take(np.lexsort(keys, axis), np.arange(k), axis)
    wanted = {"values": np.take_along_axis(x, order, axis), "indices": order}
    code = helper.np_dtype_to_tensor_dtype(x.dtype)
    nodes = [helper.make_node("TopK", ["x", "k"], list(wanted), axis=axis, largest=int(largest))]
    model = make_model(nodes, {"x": (code, shape)}, [("values", code), ("indices", TensorProto.INT64)], {"k": np.array([k])})
    return equals(model, [x], wanted, tolerance=1e-9)


def extremes(shape, axis, dtype):
    """Places of the largest and smallest elements: the first or last NaN, if there is one, as in ONNX's reference implementation. ONNX
    Runtime's depend on where NaN is."""
    rng = np.random.default_rng(9)
    x = rng.integers(0, 5, shape).astype(dtype)
    x[rng.random(shape) < 0.4 / shape[axis]] = np.nan
    flipped, length = np.flip(x, axis), shape[axis]
    wanted = {"ArgMax": x.argmax(axis), "ArgMin": x.argmin(axis), "ArgMax_last": length - 1 - flipped.argmax(axis),
              "ArgMin_last": length - 1 - flipped.argmin(axis)}
    nodes = [helper.make_node(name[:6], ["x"], [name], axis=axis, keepdims=0, select_last_index=int("last" in name)) for name in wanted]
    places = np.arange(length).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    wanted["Hardmax"] = (places == x.argmax(axis, keepdims=True)).astype(dtype)
    nodes.append(helper.make_node("Hardmax", ["x"], ["Hardmax"], axis=axis))
    code = helper.np_dtype_to_tensor_dtype(x.dtype)
    outputs = [(name, code if name == "Hardmax" else TensorProto.INT64) for name in wanted]
    for extents in (shape, [f"n{i}" for i in range(len(shape))]):
        reason = equals(make_model(nodes, {"x": (code, extents)}, outputs, {}, opset=20), [x], wanted, tolerance=0)
        if reason:
            return reason
    return None


def at_page_end(array):
    """A copy that ends where no memory follows: who reads beyond it dies."""
    page = mmap.PAGESIZE
    size = -(-array.nbytes // page) * page
    memory = mmap.mmap(-1, size + page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(address + size), page, 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    copy = np.frombuffer(memory, array.dtype, array.size, size - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy


def few_rows(lhs, rhs, transposed, free=()):
    """Products of few rows by what is computed at run time, alone and with a residue; `free` axes of rhs are symbolic."""
    rng = np.random.default_rng(16)
    axes = list(range(len(rhs)))
    stored = (*rhs[:-2], rhs[-1], rhs[-2]) if transposed else rhs
    inputs = {"a": rng.standard_normal(lhs).astype(np.float32), "b": rng.standard_normal(stored).astype(np.float32)}
    inputs["a"].flat[0], inputs["b"].flat[-1] = np.inf, np.nan
    swap = [helper.make_node("Transpose", ["b"], ["t"], perm=[*axes[:-2], axes[-1], axes[-2]])]
    nodes = [*(swap if transposed else [helper.make_node("Neg", ["b"], ["t"])]), helper.make_node("MatMul", ["a", "t"], ["p"]),
             helper.make_node("MatMul", ["a", "t"], ["q"]), helper.make_node("Relu", ["q"], ["r"]),
             helper.make_node("Add", ["p", "r"], ["y"])]
    declared = {"a": (FLOAT, lhs[:-1] + (("k",) if "k" in free else lhs[-1:])),
                "b": (FLOAT, tuple(name if name in free else extent for name, extent in
                                   zip((*"xy"[:len(rhs) - 2], *("nk" if transposed else "kn")), stored)))}
    fixed = make_model(nodes, inputs, [("y", FLOAT)])
    inputs = {name: at_page_end(x) for name, x in inputs.items()}
    return agrees(make_model(nodes, declared, [("y", FLOAT)]), inputs, oracle=fixed)


def pixels(shape, outputs, groups=1, strides=None, batch=None):
    """A pointwise convolution without neighbours, with what reads its channels and pixels."""
    rng = np.random.default_rng(17)
    draw = lambda *extents: rng.standard_normal(extents).astype(np.float32)
    spatial = len(shape) - 2
    strides = strides or [1] * spatial
    inputs = {"x": draw(*shape)}
    inputs["x"].flat[3] = np.nan
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], group=groups, strides=strides),
             helper.make_node("Mul", ["c", "s"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
    constants = {"w": draw(outputs, shape[1] // groups, *[1] * spatial), "b": draw(outputs), "s": draw(outputs, *[1] * spatial)}
    fixed = make_model(nodes, inputs, [("y", FLOAT)], constants)
    return agrees(make_model(nodes, {"x": (FLOAT, (batch or shape[0], *shape[1:]))}, [("y", FLOAT)], constants), inputs, oracle=fixed)


def instance_norms(shape, batch=None):
    """Without neighbours each channel is a row, with them the channels are last."""
    rng = np.random.default_rng(19)
    channels, spatial = shape[1], len(shape) - 2
    inputs = {"x": rng.standard_normal(shape).astype(np.float32)}
    inputs["x"][-1, -1].flat[0] = np.nan
    constants = {name: rng.standard_normal(channels).astype(np.float32) for name in "sb"}
    constants["w"] = rng.standard_normal((channels, channels, *[1] * spatial)).astype(np.float32)
    nodes = [helper.make_node("InstanceNormalization", ["x", "s", "b"], ["n"]), helper.make_node("Relu", ["n"], ["y"]),
             helper.make_node("Neg", ["x"], ["m"]), helper.make_node("Conv", ["m", "w"], ["c"]),
             helper.make_node("InstanceNormalization", ["c", "s", "b"], ["z"])]
    outputs = {"y": nodes[:2], "z": nodes[2:]}
    for output, chosen in outputs.items():
        fixed = make_model(chosen, inputs, [(output, FLOAT)], constants)
        declared = {"x": (FLOAT, (batch or shape[0], *shape[1:]))}
        reason = agrees(make_model(chosen, declared, [(output, FLOAT)], constants), inputs, oracle=fixed)
        if reason:
            return reason
    return None


def planes(kind, shape, window, dtype, attributes):
    """Pools and depthwise convolutions without neighbours, of vectors of neighbouring pixels; followed by what reads their
    channels and pixels."""
    rng = np.random.default_rng(20)
    draw = lambda *extents: rng.standard_normal(extents).astype(np.float32)
    x = draw(*shape) if dtype == np.float32 else rng.integers(-100, 100, shape).astype(dtype)
    if kind == "Conv":  # what ONNX Runtime's pools make of NaN depends on its place
        x.flat[3], x.flat[-1], x.flat[-2] = np.nan, np.inf, -np.inf
    constants = {"s": draw(shape[1], *[1] * len(window))}
    if kind == "Conv":
        constants.update(w=draw(shape[1], 1, *window), b=draw(shape[1]))
        first = helper.make_node("Conv", ["x", "w", "b"], ["p"], group=shape[1], **attributes)
    else:
        first = helper.make_node(kind, ["x"], ["p"], kernel_shape=window, **attributes)
    rest = [helper.make_node("Mul", ["p", "s"], ["m"]), helper.make_node("Exp", ["m"], ["e"]), helper.make_node("Add", ["e", "p"], ["y"])]
    if dtype != np.float32:
        rest = [helper.make_node("Identity", ["p"], ["y"])]
        constants = {}
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return agrees(make_model([first, *rest], {"x": (code, shape)}, [("y", code)], constants, opset=20), {"x": at_page_end(x)})


def filters_of_planes():
    """A depthwise convolution without a bias, of images as channels, behind a convolution whose result no cache holds."""
    rng = np.random.default_rng(24)
    x, constants = rng.standard_normal((2, 1, 700, 900)).astype(np.float32), {"split": np.array([1, 2, 700, 900])}
    constants["w"], constants["d"] = (rng.standard_normal((n, 1, 3, 3)).astype(np.float32) for n in (1, 2))
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4), helper.make_node("Reshape", ["c", "split"], ["r"]),
             helper.make_node("Conv", ["r", "d"], ["y"], group=2, pads=[1] * 4)]
    return agrees(make_model(nodes, {"x": x}, [("y", FLOAT)], constants), {"x": x})


def divisions(divisor):
    """Quotients by a constant are those of the division, bit for bit; infinity, zero and NaN are what they are."""
    bits = np.random.default_rng(21).integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        magnitudes = np.abs(bits), np.abs(bits / np.float32(divisor))
    x = bits[np.all([(1e-30 < m) & (m < np.inf) for m in magnitudes], axis=0)]
    make = lambda x: make_model([helper.make_node("Div", ["x", "c"], ["y"])], {"x": x}, [("y", FLOAT)], {"c": np.float32(divisor)})
    edges = np.array([0, -0.0, np.inf, -np.inf, np.nan, 13.5, -13.5, 3e38, -3e38] * 5, np.float32)
    return equals(make(x), [x], {"y": x / np.float32(divisor)}) or agrees(make(edges), {"x": edges})


def large_filters(attributes, shape, filters, kernel, batch=None):
    """Convolutions with more weights than a cache holds for a register tile."""
    rng = np.random.default_rng(23)
    x, fan = rng.standard_normal(shape).astype(np.float32), shape[1] * np.prod(kernel)
    x.flat[11] = np.nan
    constants = {"w": (rng.standard_normal((filters, shape[1], *kernel)) / fan ** 0.5).astype(np.float32),
                 "b": rng.standard_normal(filters).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], **attributes), helper.make_node("Relu", ["c"], ["y"])]
    fixed = make_model(nodes, {"x": x}, [("y", FLOAT)], constants)
    declared = {"x": (FLOAT, (batch or shape[0], shape[1], *(("h", "w") if batch else shape[2:])))}
    return agrees(make_model(nodes, declared, [("y", FLOAT)], constants), {"x": x}, oracle=fixed)


def denormals(scale):
    """Weights of which some are denormal, beside others of `scale`: a matrix that is tiny as a whole counts."""
    rng = np.random.default_rng(22)
    x = rng.standard_normal((20, 40)).astype(np.float32)
    weights = (rng.standard_normal((40, 30)) * scale).astype(np.float32)
    weights[::3], weights[:, 4], bias = np.float32(3e-40), np.float32(-1e-39), np.full(30, 1e-40, np.float32)
    bias[0] = scale
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["p"]), helper.make_node("Mul", ["p", "s"], ["y"])]
    return agrees(make_model(nodes, {"x": x}, [("y", FLOAT)], {"w": weights, "b": bias, "s": np.float32(1 / scale)}), {"x": x})


def pads(mode, shape, before, after):
    """Rows that are copied in parts, and those computed one by one."""
    x = at_page_end(np.random.default_rng(18).standard_normal(shape).astype(np.float32))
    model = make_model([helper.make_node("Pad", ["x", "p"], ["y"], mode=mode)], {"x": x}, [("y", FLOAT)],
                       {"p": np.array([*before, *after], np.int64)}, opset=19)
    return agrees(model, {"x": x}, tolerance=0)


def scatters(shape, rows, reduction, symbolic=False):
    """Rows of an input are changed; with a reduction some of them twice."""
    rng = np.random.default_rng(19)
    places = rng.permutation(shape[0])[:rows] - shape[0] // 2
    if reduction != "none":
        places[-1] = places[0]
    inputs = {"x": rng.standard_normal(shape).astype(np.float32), "i": places.reshape(rows, 1).astype(np.int64),
              "u": rng.standard_normal((rows, *shape[1:])).astype(np.float32)}
    declare = lambda n, k: {"x": (FLOAT, (n, *shape[1:])), "i": (TensorProto.INT64, (k, 1)), "u": (FLOAT, (k, *shape[1:]))}
    nodes = [helper.make_node("ScatterND", ["x", "i", "u"], ["y"], reduction=reduction), helper.make_node("Neg", ["x"], ["z"])]
    outputs = [("y", FLOAT), ("z", FLOAT)]
    declared = declare("n", "k") if symbolic else declare(shape[0], rows)
    return agrees(make_model(nodes, declared, outputs, opset=18), inputs)


def samples(mode, padding, shape, out, target):
    """GridSample, where the CPU loads from vectors of addresses and where not; also of positions far outside."""
    rng = np.random.default_rng(20)
    inputs = {"x": rng.standard_normal(shape).astype(np.float32),
              "g": rng.uniform(-1.3, 1.3, (shape[0], *out, len(out))).astype(np.float32)}
    inputs["g"].flat[3], inputs["g"].flat[-1] = 4e4, -40
    inputs = {name: at_page_end(x) for name, x in inputs.items()}
    node = helper.make_node("GridSample", ["x", "g"], ["y"], mode=mode, padding_mode=padding)
    options = [f"--cpu={CPUS[target]}"] if can_run(target) else []
    return agrees(make_model([node], inputs, [("y", FLOAT)], opset=20), inputs, options=options)


def residuals(shape, kernel):
    """Sums that take the place of their operand, and those that must not: it is read once more, or multiplied as well."""
    rng = np.random.default_rng(18)
    channels, pads = shape[1], [kernel // 2] * 4
    x = rng.standard_normal(shape).astype(np.float32)
    constants = {name: (rng.standard_normal((channels, channels, kernel, kernel)) / (channels * kernel)).astype(np.float32)
                 for name in "uvw"}
    conv = lambda source, weights, result: helper.make_node("Conv", [source, weights], [result], pads=pads)
    nodes = [conv("x", "u", "a"), helper.make_node("Relu", ["a"], ["r"]), conv("r", "v", "c"), helper.make_node("Add", ["c", "r"], ["s"]),
             conv("s", "w", "d"), helper.make_node("Tanh", ["d"], ["t"]), conv("t", "u", "e"), helper.make_node("Add", ["s", "e"], ["f"]),
             conv("f", "v", "g"), helper.make_node("Add", ["g", "f"], ["h"]), conv("h", "w", "i"), helper.make_node("Mul", ["i", "d"], ["y"])]
    return agrees(make_model(nodes, {"x": x}, [("y", FLOAT)], constants), {"x": x})


TESTS = [(patches, *arguments) for arguments in (
    ((2, 3, 28, 42), 37, (14, 14)), ((1, 1, 90), 5, (9,)), ((1, 2, 4, 6, 6), 19, (2, 3, 3)), ((3, 4, 8, 8), 16, (4, 4), "n"),
    ((1, 3, 16, 32), 20, (16, 16)), ((1, 3, 17, 33), 20, (16, 16)), ((1, 5, 12, 12), 8, (4, 4)), ((1, 1, 3, 3), 1, (3, 3)))]
TESTS += [(groups, *arguments) for arguments in (
    ((1, 128, 26, 26), 192, 2, [1, 1, 1, 1]), ((2, 128, 17, 30), 100, 2, [1, 0, 1, 2]), ((1, 130, 20, 21), 62, 2, [0, 0, 0, 0]),
    ((1, 256, 26, 26), 128, 4, [1, 1, 1, 1], (0, 2, 3)), ((1, 192, 13, 13), 128, 2, [1, 1, 1, 1], (0,)))]
TESTS += [(page_rows, *arguments) for arguments in (((9, 7), 1024), ((5, 5), 2048, "n"), ((3, 4), 4096))]
TESTS += [(page_inputs, *arguments) for arguments in ((9, 1024, 300), (33, 2048, 256, 2), (260, 1024, 40, 16), (300, 1024, 257, 16))]
POINT, STEM = ((1, 1), {}), ((3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]})
TESTS += [(windows, *arguments) for arguments in (
    ((1, 5, 131, 97), 40, POINT, ("depthwise", (3, 3), {"pads": [1, 1, 1, 1]})),
    ((2, 7, 120, 121), 48, POINT, ("depthwise", (5, 3), {"pads": [2, 0, 1, 2], "strides": [2, 1]}), "n"),
    ((1, 3, 230, 255), 64, STEM, ("max", (3, 3), {"strides": [2, 2], "ceil_mode": 1})),
    ((3, 3, 224, 224), 33, STEM, ("max", (2, 2), {"strides": [2, 2]})),
    ((1, 3, 224, 226), 64, STEM, ("depthwise", (3, 3), {"dilations": [3, 2], "pads": [3, 2, 3, 2]})),
    ((1, 4, 90, 90), 64, ((5, 5), {"pads": [4, 4, 4, 4]}), ("max", (7, 7), {"strides": [3, 3], "pads": [3, 3, 3, 3]}), "n"),
    ((1, 3, 120, 2048), 32, ((1, 1), {"strides": [3, 1], "pads": [6, 0, 0, 0]}), ("depthwise", (1, 1), {})),
    ((1, 2, 64, 500), 32, ((1, 1), {"strides": [1, 2]}), ("depthwise", (2, 2), {"strides": [3, 3]})),
    ((1, 2, 20, 30, 60), 32, ((1, 1, 1), {}), ("depthwise", (3, 3, 3), {"pads": [1] * 6})))]
TESTS += [(shuffles, *arguments) for arguments in (
    ((1, 12, 5, 7), 4), ((2, 34, 9, 8), 2), ((3, 24, 6, 6), 3, "n"), ((1, 16, 1, 1), 4), ((1, 40, 11, 3), 8, "n"))]
TESTS += [(reductions, (7, length), 1, dtype) for dtype in (np.float32, np.float64, np.int32)
          for length in (1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 127, 128, 200)]
TESTS += [(reductions, (length, width), 0, np.float32) for length in (1, 3, 4, 5, 9, 64) for width in (5, 16, 29, 96)]
TESTS += [(reductions, (3, 11, width), 1, dtype) for dtype in (np.float32, np.int8) for width in (1, 6, 70)]
TESTS += [(attention, *arguments) for arguments in (
    (1, 3, 130, 130, 16, (1, 1, 130, 130)), (2, 2, 51, 1500, 5, (2, 1, 1, 1500)), (2, 3, 200, 33, 8, (3, 1, 33)),
    (1, 1, 300, 300, 4, (300,)), (3, 2, 1, 3000, 8, (3, 2, 1, 3000)), (1, 4, 65, 1024, 8, (1, 1, 65, 1)))]
TESTS.append((attention_read_again,))
TESTS += [(extremes, *arguments) for arguments in (
    ((9, 4), 1, np.float32), ((9, 40), 1, np.float32), ((3, 7, 5), 1, np.float64), ((33, 20), 0, np.float32), ((20, 9), 1, np.float16), ((6, 9, 7), 1, np.float32))]
TESTS += [(firsts, *arguments) for arguments in (
    ((3, 50), 1, 5, True, np.float32), ((3, 50), 1, 6, True, np.float32), ((3, 50), 1, 50, True, np.float32),
    ((40, 5), 1, 5, True, np.float32), ((40, 5), 1, 5, False, np.float32), ((40, 5), 1, 4, False, np.float16), ((40, 9), 1, 9, False, np.float32),
    ((2, 300, 7), 1, 40, False, np.float32), ((9, 4), 0, 8, True, np.float64), ((1, 5000), 1, 100, True, np.int64),
    ((5, 60), 1, 31, False, np.uint8), ((4, 33), 1, 20, True, np.int32), ((2, 7), 1, 7, False, np.float16),
    ((40, 5), 1, 1, False, np.float16), ((3, 41), 1, 1, False, np.float32), ((41, 19), 0, 1, False, np.float32),
    ((3, 41), 1, 1, True, np.float64), ((41, 3), 0, 1, False, np.float64), ((3, 41), 1, 1, False, np.float16),
    ((41, 19), 0, 1, True, np.int64), ((3, 41, 2), 1, 1, True, np.float32), ((2, 300, 70), 1, 100, True, np.float32),
    ((300, 3), 0, 5, True, np.float32), ((33, 29), 0, 33, False, np.int32), ((2, 17, 21), 1, 16, True, np.uint8),
    ((31, 65), 1, 65, True, np.float32), ((31, 65), 1, 7, False, np.float32), ((1, 9, 9), 1, 9, True, np.float16),
    ((1, 700), 1, 650, True, np.float32), ((2, 5000, 3), 1, 2000, False, np.float32), ((1, 300), 1, 300, False, np.uint32),
    ((2, 300), 1, 290, True, np.int8), ((2, 1, 20), 1, 1, True, np.float32))]

TESTS += [(few_rows, lhs, rhs, transposed) for transposed in (False, True) for lhs, rhs in (
    ((1, 7), (7, 1)), ((2, 3, 1, 40), (2, 3, 40, 77)), ((2, 33), (33, 13)), ((3, 1, 5, 16), (1, 4, 16, 17)), ((30, 20), (20, 1024)),
    ((100, 9), (9, 45)), ((4, 1, 80), (4, 80, 200)), ((9, 1100), (1100, 31)), ((5, 40), (40, 1)), ((2, 3, 7, 133), (3, 133, 1)),
    ((1, 100), (100, 1)), ((3, 1, 17), (1, 17, 1)))]
TESTS += [(few_rows, (2, 3, 4, 40), (2, 3, 40, 1), transposed, free) for transposed in (False, True) for free in ("k", "n", "x", "kx")]
TESTS += [(few_rows, (2, 3, 1, 40), (2, 3, 40, 77), transposed, free) for transposed in (False, True) for free in ("k", "n", "x", "kn")]
TESTS += [(pixels, *arguments) for arguments in (
    ((1, 3, 16, 16), 7), ((2, 16, 13, 15), 33, 1, None, "n"), ((1, 12, 300), 10, 2), ((2, 9, 31, 33), 6, 3, [2, 2]),
    ((1, 5, 8, 9, 10), 17, 1, [1, 2, 1]), ((3, 1, 150), 1))]
TESTS += [(planes, kind, shape, window, np.float32, attributes) for kind in ("Conv", "MaxPool", "AveragePool")
          for shape, window, attributes in (
              ((2, 5, 21, 40), (3, 3), {"pads": [1, 1, 1, 1]}), ((1, 3, 9, 83), (3, 5), {"pads": [0, 2, 1, 1], "strides": [1, 2]}),
              ((1, 7, 200), (3,), {"dilations": [3]}), ((3, 4, 5, 6, 70), (2, 3, 4), {"strides": [2, 1, 3], "pads": [0, 1, 2, 1, 0, 1]}),
              ((1, 11, 64, 64), (2, 2), {"strides": [2, 2]}), ((1, 2, 30, 150), (1, 20), {"strides": [1, 4]}),
              ((1, 4, 7, 19), (3, 3), {}), ((1, 2, 14, 70), (2, 2), {"strides": [4, 4]}), ((1, 8, 278), (3,), {"strides": [4]}),
              ((2, 3, 6, 9), (2, 2), {"strides": [2, 2]}))]
TESTS.append((filters_of_planes,))
TESTS += [(planes, "MaxPool", (2, 3, 12, 50), (3, 3), np.float32, {"strides": [2, 2], "ceil_mode": 1}),
          (planes, "MaxPool", (1, 2, 14, 101), (1, 1), np.float32, {"strides": [4, 4]}),
          *((planes, kind, (1, 2, extent, extent + 2), (size, size), np.float32, {"strides": [stride] * 2, "ceil_mode": 1, "dilations": [step] * 2})
            for kind in ("MaxPool", "AveragePool") for extent, size, stride, step in ((1, 2, 2, 1), (2, 3, 3, 1), (3, 2, 2, 3), (7, 3, 2, 2))),
          (planes, "MaxPool", (1, 5, 8, 90), (2, 3), np.int8, {"pads": [1, 1, 0, 1]}),
          (planes, "MaxPool", (1, 5, 8, 90), (2, 3), np.uint8, {"strides": [1, 2]}),
          (planes, "AveragePool", (2, 3, 12, 50), (3, 3), np.float32, {"strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
          (planes, "AveragePool", (2, 3, 12, 50), (3, 2), np.float32, {"strides": [2, 3], "ceil_mode": 1})]
TESTS += [(divisions, divisor) for divisor in (3, 6, -7, 0.1, 255, 127.5, 1e-10, 1.1, 1.9999999, 2, 1e30)]
TESTS += [(large_filters, *arguments) for arguments in (
    ({"pads": [6, 4, 5, 4], "dilations": [2, 1]}, (1, 500, 15, 14), 9, (7, 9)), ({"strides": [2, 3]}, (2, 400, 21, 20), 33, (9, 8)),
    ({"pads": [1, 0, 0, 1]}, (1, 700, 9, 12), 5, (6, 9), "n"))]
TESTS += [(denormals, scale) for scale in (1, 1e-10, 1e-38)]
TESTS += [(instance_norms, *arguments) for arguments in (((1, 5, 7, 9),), ((3, 4, 31),), ((2, 3, 4, 5, 6),), ((2, 6, 8, 8), "n"))]
TESTS += [(residuals, *arguments) for arguments in (((1, 16, 9, 9), 1), ((2, 40, 12, 11), 3), ((1, 64, 28, 28), 3), ((1, 7, 5, 5), 1))]

TESTS += [(pads, mode, *arguments) for mode in ("edge", "reflect", "wrap") for arguments in (
    ((3, 40), (1, 4), (0, 39)), ((2, 5, 33), (1, 2, 32), (1, 4, 0)), ((200,), (17,), (5,)), ((4, 16), (0, 1), (0, 7)), ((3, 9), (0, 8), (0, 3)))]
TESTS += [(pads, "constant", (2, 350, 400), (0, 3, 1), (1, 0, 5)), (pads, "constant", (1, 4, 70000), (0, 0, 0), (2, 1, 0))]
TESTS += [(scatters, shape, rows, reduction, symbolic) for shape, rows in (((30, 100), 9), ((12, 3, 7), 12), ((5, 1), 3))
          for reduction in ("none", "add", "max") for symbolic in (False, True)]
TESTS += [(samples, mode, padding, shape, out, target) for mode in ("nearest", "linear", "cubic") for padding in ("zeros", "border")
          for target in ("sse2", "avx2", "avx512") for shape, out in (((1, 3, 9, 11), (7, 6)), ((2, 5, 20, 13), (9, 5)))]
TESTS += [(samples, "linear", "reflection", (2, 3, 4, 5, 6), (3, 4, 5), target) for target in ("sse2", "avx512")]


def main():
    failed = 0
    for test, *arguments in TESTS:
        try:
            reason = test(*arguments)
        except (Broken, Refused) as error:
            reason = str(error)
        failed += bool(reason)
        if reason:
            print(f"FAIL {test.__name__} {arguments}: {reason}")
    print(f"layer shapes: {len(TESTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
