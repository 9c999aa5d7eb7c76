#!/usr/bin/env python3
"""More operators of com.microsoft, as domain_ops.py; those without a kernel for CPUs in ONNX Runtime against the formulas of their
documentation in numpy."""
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference
from domain_ops import MICROSOFT, RANDOM, cache, constant, floats, forget_first, ints, make_model, run_cases


def group_query_cases():
    """Without a cache, with one, all in one operand, sequences of different lengths."""
    positions = 24

    def case(name, batch=1, heads=4, groups=2, count=5, past=0, lengths=None, packed=False, rotary=False, bias=False, sink=False,
             places=None, size=16, width=8, **attributes):
        total = past + count
        lengths = np.array(lengths or [total] * batch, np.int32) - 1
        if packed:
            inputs = [floats(batch, count, (heads + 2 * groups) * size), None, None]
        else:
            inputs = [floats(batch, count, heads * size)] + [floats(batch, count, groups * size) for _ in range(2)]
        inputs += [floats(batch, groups, past, size) for _ in range(2)]
        inputs += [lengths, np.array(total, np.int32)]
        inputs += list(cache(positions, width)) if rotary else [None, None]
        inputs += [places, floats(1, heads, count, total) if bias else None, floats(heads) if sink else None]
        while inputs[-1] is None:
            inputs.pop()
        if rotary:
            attributes["do_rotary"] = 1
        return name, "GroupQueryAttention", 3, inputs, {"num_heads": heads, "kv_num_heads": groups, **attributes}

    yield case("group_query")
    yield case("group_query_batch", batch=2, past=3, count=1)
    yield case("group_query_same", groups=4)
    yield case("group_query_past", past=7, count=1)
    yield case("group_query_packed", packed=True, past=7, count=1, rotary=True)
    yield case("group_query_rotary", rotary=True)
    yield case("group_query_interleaved", rotary=True, rotary_interleaved=1, past=3, count=1)
    yield case("group_query_window", past=9, count=1, local_window_size=4)
    yield case("group_query_window_prompt", count=9, local_window_size=3)
    yield case("group_query_softcap", softcap=2.0, scale=0.4)
    yield case("group_query_bias", bias=True, past=2, count=1)
    yield case("group_query_sink", sink=True)
    yield case("group_query_smooth", smooth_softmax=1)
    yield case("group_query_partial", rotary=True, size=32)
    yield case("group_query_places", rotary=True, past=4, count=1, places=np.array([[4]], np.int64))
    yield case("group_query_ragged", batch=3, past=6, count=1, lengths=[7, 4, 2], rotary=True)
    # Few queries with long caches, of odd lengths, and one head for all.
    for count, past, size in ((1, 129, 24), (2, 67, 40), (3, 1, 8), (7, 33, 16)):
        yield case(f"group_query_few_{count}", past=past, count=count, size=size, heads=6, groups=1)
    yield case("group_query_few_batch", batch=3, past=129, count=1, size=24, heads=6, groups=3)


def attention_cases():
    batch, count, heads, size = 2, 6, 3, 8
    hidden = heads * size
    for signed in (0, 1):
        weights = ints(255, 16, 3 * hidden, dtype=np.uint8)
        weight_zero = np.array(128, np.uint8)
        if signed:
            # Of 7 bits: beyond, sums of ONNX Runtime saturate on CPUs without VNNI.
            weights, weight_zero = (weights // 2).astype(np.int8) - np.int8(64), np.array(3, np.int8)
        inputs = [ints(255, batch, count, 16, dtype=np.uint8), weights, floats(3 * hidden), np.float32(0.02), np.float32(0.01)]
        yield f"quantized_attention_{signed}", "QAttention", 1, inputs + [None, np.array(120, np.uint8), weight_zero], {
            "num_heads": heads}
        yield f"quantized_attention_mask_{signed}", "QAttention", 1, inputs + [
            np.array([6, 4], np.int32), np.array(120, np.uint8), weight_zero], {"num_heads": heads}
        yield f"quantized_attention_past_{signed}", "QAttention", 2, inputs + [
            None, np.array(120, np.uint8), weight_zero, floats(2, batch, heads, 3, size)], {"num_heads": heads, "unidirectional": 1}
    for rule in ("linear", "gated", "delta", "gated_delta"):
        for past in (0, 1):
            for query_heads, groups, wide in ((2, 2, 0), (4, 2, 1), (3, 1, 0)):
                keys = floats(batch, count, groups * size)
                keys /= np.linalg.norm(keys.reshape(batch, count, groups, size), axis=-1).max()
                inputs = [floats(batch, count, query_heads * size), keys, floats(batch, count, groups * 5),
                          floats(batch, groups, size, 5) if past else None]
                inputs.append(-np.abs(floats(batch, count, groups * (size if wide else 1))) if "gated" in rule else None)
                inputs.append(RANDOM.random((batch, count, groups)).astype(np.float32) if "delta" in rule else None)
                while inputs[-1] is None:
                    inputs.pop()
                yield f"linear_{rule}_{past}_{query_heads}_{groups}", "LinearAttention", 2, inputs, {
                    "q_num_heads": query_heads, "kv_num_heads": groups, "update_rule": rule}


def convolution_cases():
    for activation in ("none", "silu"):
        yield "causal_" + activation, "CausalConvWithState", 2, [floats(2, 6, 9), constant(floats(6, 1, 4)), floats(6), floats(2, 6, 3)], {
            "activation": activation}


def product_cases():
    for activation, more in (("Relu", {}), ("Tanh", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Sigmoid", {})):
        yield "gemm_" + activation, "FusedGemm", 1, [floats(4, 7), floats(5, 7), floats(5)], {
            "activation": activation, "transB": 1, "alpha": 0.5, "beta": 2.0, **more}
    yield "transpose_matmul", "TransposeMatMul", 1, [floats(2, 4, 3), floats(2, 5, 4)], {"transA": 1, "transB": 1, "alpha": 0.5}
    for metric in ("euclidean", "sqeuclidean"):
        yield "distance_" + metric, "CDist", 1, [floats(9, 5), floats(6, 5)], {"metric": metric}
    for shape in ((4, 4), (3, 5, 5), (2, 2, 1, 1), (17, 17)):
        x = floats(*shape)
        x[..., 0, 0] = 0  # so that rows change places
        yield "inverse_" + "x".join(map(str, shape)), "Inverse", 1, [x + (1 if shape[-1] == 1 else 0)], {}


def movement_cases():
    yield "trilu", "Trilu", 1, [floats(3, 5, 4), np.array(1, np.int64)], {"upper": 0}
    yield "expand_dims", "ExpandDims", 1, [floats(3, 4), constant(np.array(-1, np.int32))], {}
    yield "pad", "Pad", 1, [floats(3, 4), np.array([1, 0, 2, 3], np.int64), np.array([1.5], np.float32)], {}
    yield "pad_2d", "Pad", 1, [floats(3, 4), constant(np.array([[1, 0, 2, 3]], np.int64))], {"mode": "reflect"}
    yield "pad_edge", "Pad", 1, [floats(3, 4), np.array([1, 0, 2, 3], np.int64)], {"mode": "edge"}
    yield "gather_nd", "GatherND", 1, [floats(3, 4, 5), ints(3, 6, 2, dtype=np.int64)], {}
    yield "range", "Range", 1, [np.array(2, np.int64), np.array(9, np.int64), np.array(3, np.int64)], {}
    yield "range_no_step", "Range", 1, [np.array([2], np.int64), np.array([9], np.int64)], {}
    for mode in ("bilinear", "nearest", "bicubic"):
        yield "grid_" + mode, "GridSample", 1, [floats(2, 3, 5, 6), floats(2, 4, 3, 2)], {"mode": mode, "padding_mode": "border"}
    yield "unique", "Unique", 3, [ints(6, 20).astype(np.float32)], {}
    boxes = np.array([[0, 0, 1, 1], [0.2, 0.1, 0.8, 0.9], [-0.2, 0, 0.5, 1.3], [0.9, 0.8, 0.1, 0.2]], np.float32)
    where, crop = np.array([0, 1, 1, 0], np.int32), constant(np.array([3, 4], np.int32))
    for mode in ("bilinear", "nearest"):
        yield "crop_" + mode, "CropAndResize", 1, [floats(2, 3, 7, 6), boxes, where, crop], {
            "mode": mode, "extrapolation_value": 2.5}
    yield "crop_one", "CropAndResize", 1, [floats(2, 3, 7, 6), boxes, where, constant(np.array([1, 1], np.int32))], {}


def quantized_cases():
    x, y = ints(255, 3, 4, 5, dtype=np.uint8), ints(255, 3, 4, 5, dtype=np.uint8)
    parameters = [np.float32(0.05), np.array(100, np.uint8)]
    for opset, axis in ((13, -1), (13, 1), (11, 1)):
        yield f"softmax_{opset}_{axis}", "QLinearSoftmax", 1, [x, *parameters, np.float32(1 / 256), np.array(0, np.uint8)], {
            "opset": opset, "axis": axis}
    yield "where", "QLinearWhere", 1, [RANDOM.random((3, 4, 5)) < 0.5, x, *parameters, y, np.float32(0.03), np.array(90, np.uint8),
                                       np.float32(0.06), np.array(110, np.uint8)], {}
    yield "maxpool", "NhwcMaxPool", 1, [ints(255, 2, 7, 8, 3, dtype=np.uint8)], {
        "kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    filters = ints(255, 4, 3, 3, 3, dtype=np.uint8)
    yield "conv", "QLinearConv", 1, [ints(255, 1, 7, 8, 3, dtype=np.uint8), *parameters, filters, np.float32(0.01),
                                     np.array(128, np.uint8), np.float32(0.5), np.array(60, np.uint8)], {
        "channels_last": 1, "pads": [1, 1, 1, 1]}
    yield "average", "QLinearAveragePool", 1, [ints(255, 1, 7, 8, 3, dtype=np.uint8), *parameters, np.float32(0.05),
                                               np.array(100, np.uint8)], {"channels_last": 1, "kernel_shape": [3, 3]}


def cases():
    for group in (group_query_cases, attention_cases, convolution_cases, product_cases, movement_cases, quantized_cases):
        yield from group()


def check_head_norms():
    """Norms of heads, which ONNX Runtime has on GPUs only, as nodes of their own in the model that it is given."""
    heads, groups, size, count = 4, 2, 16, 5
    query, keys, values = floats(1, count, heads * size), floats(1, count, groups * size), floats(1, count, groups * size)
    scales, past = [1 + floats(size), 1 + floats(size)], np.zeros((1, groups, 0, size), np.float32)
    arrays = [query, keys, values, past, past, np.array([count - 1], np.int32), np.array(count, np.int32), *scales]
    names = ["q", "k", "v", "pk", "pv", "l", "t", "qw", "kw"]
    attributes = {"num_heads": heads, "kv_num_heads": groups}
    inside = helper.make_node("GroupQueryAttention", names[:7] + [""] * 7 + names[7:], ["y"], domain=MICROSOFT,
                              qk_norm_epsilon=1e-5, **attributes)
    outside = []
    for name, weight, number in (("q", "qw", heads), ("k", "kw", groups)):
        outside += [helper.make_node("Reshape", [name, name + "s"], [name + "1"]),
                    helper.make_node("SimplifiedLayerNormalization", [name + "1", weight], [name + "2"], epsilon=1e-5),
                    helper.make_node("Reshape", [name + "2", name + "t"], [name + "3"])]
    outside.append(helper.make_node("GroupQueryAttention", ["q3", "k3"] + names[2:7], ["y"], domain=MICROSOFT, **attributes))
    shapes = [numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in (
        ("qs", [1, count, heads, size]), ("ks", [1, count, groups, size]), ("qt", [1, count, -1]), ("kt", [1, count, -1]))]
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in zip(names, arrays)]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    make = lambda nodes, constants: helper.make_model(helper.make_graph(  # noqa: E731
        nodes, "g", infos, [helper.make_empty_tensor_value_info("y")], constants), opset_imports=opsets, ir_version=8)
    session = onnxruntime.InferenceSession(make(outside, shapes).SerializeToString(), providers=["CPUExecutionProvider"])
    wanted, = session.run(None, dict(zip(names, arrays)))
    with tempfile.TemporaryDirectory(prefix="nnc-norms-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(make([inside], []), source)
        compile_model(source, library, ["--emit=shared", "--name=model"], 60)
        actual, = CompiledModel(library, "model")(arrays)
    reason = describe_difference(actual, wanted, 1e-4, 1e-5)
    if reason:
        print(f"FAIL group_query_norms: {reason}")
    return not reason


def check_quantized_lstm():
    """ONNX Runtime quantises inputs and states too: only about the same."""
    hidden, size, same = 8, 6, 0
    for directions, shape in ((1, (1,)), (2, (2,)), (2, (2, 4 * hidden))):
        weights = [constant(ints(255, directions, rows, 4 * hidden, dtype=np.uint8)) for rows in (size, hidden)]
        scales = [constant((RANDOM.random(shape) * 0.004 + 0.002).astype(np.float32)) for _ in range(2)]
        zero = constant(np.full(shape, 128, np.uint8))
        inputs = [floats(5, 2, size), *weights, floats(directions, 8 * hidden) * 0.1, None, None, None, None, scales[0], zero,
                  scales[1], zero]
        inputs[3] = inputs[3].astype(np.float32)
        model, arrays = make_model("DynamicQuantizeLSTM", 3, inputs, {
            "hidden_size": hidden, "direction": "bidirectional" if directions == 2 else "forward"}, MICROSOFT)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        wanted = session.run(None, {value.name: array for value, array in zip(session.get_inputs(), arrays)})
        with tempfile.TemporaryDirectory(prefix="nnc-lstm-") as folder:
            source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
            onnx.save(model, source)
            compile_model(source, library, ["--emit=shared", "--name=model"], 60)
            results = CompiledModel(library, "model")(arrays)
        error = max(np.max(np.abs(a - w)) / np.max(np.abs(w)) for a, w in zip(results, wanted))
        if error > 0.03:
            print(f"FAIL quantized_lstm {shape}: off by {error}")
        same += error <= 0.03
    return same, 3 - same


# Against numpy.


def erf(x):
    from math import erf as scalar
    return np.vectorize(scalar)(x)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def norm_groups(x, scale, shift, groups, activation, channels_last, epsilon=1e-5):
    first = np.moveaxis(x, -1, 1) if channels_last else x
    parts = first.reshape(first.shape[0], groups, -1)
    parts = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + epsilon)
    y = parts.reshape(first.shape) * scale[:, None, None] + shift[:, None, None]
    y = y / (1 + np.exp(-y)) if activation else y
    return np.moveaxis(y, 1, -1) if channels_last else y


def formulas():
    """(name, operator, inputs, attributes, expected outputs)"""
    bytes_ = ints(255, 3, 4, 5, dtype=np.uint8)
    mean = ((bytes_.astype(np.float64) - 100) * 0.05).mean(1, keepdims=True)
    yield "reduce_mean", "QLinearReduceMean", [bytes_, np.array(0.05, np.float32), np.array(100, np.uint8), np.array(0.033, np.float32),
                                               np.array(90, np.uint8)], {"axes": [1], "keepdims": 1}, [
        np.clip(np.round(mean / 0.033) + 90, 0, 255)]
    x, bias, skip = floats(2, 6, 8), floats(8), floats(2, 6, 8)
    yield "bias_add", "BiasAdd", [x, bias, skip], {}, [x + bias + skip]
    left, right = np.split(x + bias, 2, -1)
    yield "split_gelu", "BiasSplitGelu", [x, bias], {}, [left * right * 0.5 * (1 + erf(right / np.sqrt(2)))]
    scores, mask = floats(2, 3, 4, 5), floats(2, 1, 1, 5)
    yield "bias_softmax", "BiasSoftmax", [scores, mask], {"axis": 3, "is_inner_broadcast": 1}, [softmax(scores + mask, 3)]
    yield "bias_softmax_flat", "BiasSoftmax", [scores, floats(1, 3, 4, 5)[:1] * 0 + 1], {"axis": 2, "is_inner_broadcast": 0}, [
        softmax((scores + 1).reshape(2, 3, 20), 2).reshape(scores.shape)]
    image, scale, shift = floats(2, 5, 4, 6), floats(6), floats(6)
    for last in (0, 1):
        given = image if last else np.moveaxis(image, -1, 1).copy()
        for activation in (0, 1):
            attributes = {"groups": 3, "activation": activation, "channels_last": last}
            yield f"group_norm_{last}_{activation}", "GroupNorm", [given, scale, shift], attributes, [
                norm_groups(given, scale, shift, 3, activation, last)]
        skips = floats(2, 6)
        total = given + (skips[:, None, None] if last else skips[:, :, None, None])
        total = total + (scale if last else scale[:, None, None])
        yield f"skip_group_norm_{last}", "SkipGroupNorm", [given, scale, shift, skips, scale], {
            "groups": 2, "activation": 1, "channels_last": last}, [norm_groups(total, scale, shift, 2, 1, last), total]


def run_formulas():
    passed = failed = 0
    for name, op, inputs, attributes, wanted in formulas():
        for form in ("static", "dynamic"):
            model, arrays = make_model(op, len(wanted), inputs, attributes, MICROSOFT)
            if form == "dynamic" and op in ("BiasAdd", "BiasSoftmax"):
                forget_first(model)
            with tempfile.TemporaryDirectory(prefix="nnc-formulas-") as folder:
                source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
                onnx.save(model, source)
                compile_model(source, library, ["--emit=shared", "--name=model"], 60)
                results = CompiledModel(library, "model")(arrays)
            reasons = [describe_difference(a, w.astype(a.dtype), 1e-4, 1e-5) for a, w in zip(results, wanted)]
            reason = next((r for r in reasons if r), None)
            if reason:
                print(f"FAIL {name}/{form}: {reason}")
            failed += bool(reason)
            passed += not reason
    return passed, failed


def make_computed_total(kind, past, count, lengths, places):
    """GroupQueryAttention with a cache of a fixed size, of which other operators compute the whole length: from the lengths, or
    from a mask of `places` for each sequence. Returns the model and its inputs."""
    heads, groups, size, batch = 4, 2, 16, len(lengths)
    shapes = {"q": (batch, count, heads * size), "k": (batch, count, groups * size), "v": (batch, count, groups * size),
              "past_k": (batch, groups, past, size), "past_v": (batch, groups, past, size)}
    inputs, node = {name: floats(*shape) for name, shape in shapes.items()}, helper.make_node
    constants = {"one": np.array(1, np.int32)} if kind == "lengths" else {"one": np.array(1), "last": np.array([1])}
    if kind == "lengths":
        inputs["lengths"] = np.array(lengths, np.int32) - 1
        nodes = [node("ReduceMax", ["lengths"], ["most"], keepdims=0), node("Add", ["most", "one"], ["total"])]
    else:
        inputs["mask"] = (np.arange(places) < np.array(lengths)[:, None]).astype(np.int64)
        nodes = [node("ReduceSum", ["mask", "last"], ["sums"], keepdims=0), node("Sub", ["sums", "one"], ["places"]),
                 node("Cast", ["places"], ["lengths"], to=TensorProto.INT32)]
        nodes += ([node("Shape", ["mask"], ["shape"]), node("Gather", ["shape", "one"], ["whole"])] if "extent" in kind else
                  [node("ReduceMax", ["sums"], ["whole"], keepdims=0)])
        nodes.append(node("Cast", ["whole"], ["total"], to=TensorProto.INT32))
    nodes.append(node("GroupQueryAttention", ["q", "k", "v", "past_k", "past_v", "lengths", "total"], ["y", "present_k", "present_v"],
                      domain=MICROSOFT, num_heads=heads, kv_num_heads=groups))
    infos = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                           [batch, "T"] if name == "mask" and kind == "open_extent" else array.shape)
             for name, array in inputs.items()]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_empty_tensor_value_info(name) for name in ("y", "present_k", "present_v")],
                              [numpy_helper.from_array(array, name) for name, array in constants.items()])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), inputs


def check_computed_totals():
    """How many passed and failed."""
    counts = [0, 0]
    cases = [("lengths", 12, 1, [13], 0), ("lengths", 12, 1, [6], 0), ("lengths", 12, 4, [4], 0), ("lengths", 70, 1, [9, 40], 0),
             ("mask", 12, 1, [13], 13), ("mask", 100, 1, [60], 101), ("mask", 12, 1, [8, 5], 12),
             ("extent", 12, 1, [6], 13), ("open_extent", 12, 1, [6], 13), ("open_extent", 12, 1, [6, 4], 6)]
    for kind, past, count, lengths, places in cases:
        model, inputs = make_computed_total(kind, past, count, lengths, places)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        wanted = session.run(None, inputs)
        with tempfile.TemporaryDirectory(prefix="nnc-exported-") as folder:
            source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
            onnx.save(model, source)
            try:
                compile_model(source, library, ["--emit=shared", "--name=model"], 60)
                results = CompiledModel(library, "model")(list(inputs.values()))
                reasons = [describe_difference(actual, expected, 1e-3, 1e-5) for actual, expected in zip(results, wanted)]
            except (Broken, Refused) as error:
                reasons = [str(error)]
        reason = next((reason for reason in reasons if reason), None)
        if reason:
            print(f"FAIL computed total, {kind} {lengths} behind {past}: {reason}")
        counts[bool(reason)] += 1
    return counts


def main():
    passed, failed = (0, 0) if sys.argv[1:] else run_formulas()
    if not sys.argv[1:]:
        is_same = check_head_norms()
        lstm, totals = check_quantized_lstm(), check_computed_totals()
        passed, failed = passed + is_same + lstm[0] + totals[0], failed + (not is_same) + lstm[1] + totals[1]
    return run_cases("exported", [(MICROSOFT, case) for case in cases()], sys.argv[1:], passed, failed)


if __name__ == "__main__":
    sys.exit(main())
