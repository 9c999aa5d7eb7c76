#!/usr/bin/env python3
"""Operators of com.microsoft and ai.onnx.ml, one node each with random data, against ONNX Runtime: with static shapes, and with all
extents of the first input known only at run time."""
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402

MICROSOFT, LEARNING = "com.microsoft", "ai.onnx.ml"
RANDOM = np.random.default_rng(7)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def ints(high, *shape, dtype=np.int32):
    return RANDOM.integers(0, high, shape).astype(dtype)


def cache(positions, half):
    angle = np.arange(positions)[:, None] / 10000 ** (np.arange(half) / half)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def learning_cases():
    """As cases, of ai.onnx.ml."""
    x = floats(6, 5)
    holes = np.where(RANDOM.random((6, 5)) < 0.4, np.float32(np.nan), x)
    row = [0.5, -1.0, 2.0, 0.0, 3.0]
    yield "scaler", "Scaler", 1, [x], {"offset": row, "scale": [1.0, 2.0, 3.0, 4.0, 5.0]}
    yield "scaler_ints", "Scaler", 1, [ints(9, 6, 5)], {"offset": row, "scale": row}
    yield "binarizer", "Binarizer", 1, [x], {"threshold": 0.3}
    yield "extractor", "ArrayFeatureExtractor", 1, [x, np.array([4, 0], dtype=np.int64)], {}
    yield "extractor_row", "ArrayFeatureExtractor", 1, [floats(5), np.array([2, 1], dtype=np.int64)], {}
    yield "imputer", "Imputer", 1, [holes], {"imputed_value_floats": row, "replaced_value_float": float("nan")}
    yield "imputer_one", "Imputer", 1, [holes], {"imputed_value_floats": [7.0], "replaced_value_float": float("nan")}
    yield "imputer_ints", "Imputer", 1, [ints(3, 6, 5, dtype=np.int64)], {"imputed_value_int64s": [7], "replaced_value_int64": 2}
    yield "vectorizer", "FeatureVectorizer", 1, [constant(x), floats(6, 1)], {"inputdimensions": [3, 2]}
    yield "vectorizer_boxes", "FeatureVectorizer", 1, [floats(6, 2), floats(6, 2, 3)], {"inputdimensions": [2, 6]}
    yield "classifier_bare", "LinearClassifier", 2, [x], {"coefficients": row, "intercepts": [0.25]}
    yield "regressor_probit", "LinearRegressor", 1, [x / 9], {"coefficients": [0.1] * 10, "intercepts": [0.4, 0.6],
                                                              "targets": 2, "post_transform": "PROBIT"}
    for norm in ("L1", "L2"):
        yield "normalizer_" + norm, "Normalizer", 1, [x * (np.arange(6)[:, None] > 0)], {"norm": norm}
    yield "regressor", "LinearRegressor", 1, [x], {"coefficients": row, "intercepts": [0.25]}
    yield "regressor_two", "LinearRegressor", 1, [x], {"coefficients": row + row[::-1], "intercepts": [0.25, 1.0],
                                                       "targets": 2}


def cases():
    """(name, operator, number of outputs, inputs (None: left out; see `constant`), attributes)"""
    batch, queries, heads, size, past = 2, 5, 4, 8, 3
    hidden = heads * size
    x, weights, bias = floats(batch, queries, hidden), floats(hidden, 3 * hidden) / 6, floats(3 * hidden)
    yield "gelu", "Gelu", 1, [x], {}
    yield "bias_gelu", "BiasGelu", 1, [x, floats(hidden)], {}
    yield "fast_gelu", "FastGelu", 1, [x], {}
    yield "fast_gelu_bias", "FastGelu", 1, [x, floats(hidden)], {}
    yield "quick_gelu", "QuickGelu", 1, [x], {"alpha": 1.7}
    yield "fused_matmul", "FusedMatMul", 1, [floats(2, 4, 3), floats(2, 5, 4)], {"transA": 1, "transB": 1, "alpha": 0.5}
    for batches in ((0, 1), (1, 0), (1, 1)):
        lhs, rhs = floats(2, 3, 5, 4) if not batches[0] else floats(5, 2, 3, 4), floats(2, 3, 6, 4) if not batches[1] else floats(6, 2, 3, 4)
        yield f"fused_matmul_{batches}", "FusedMatMul", 1, [lhs, rhs], {
            "transBatchA": batches[0], "transBatchB": batches[1], "transB": 1}
    yield "expand", "ExpandDims", 1, [floats(2, 3), np.array(-2, np.int32)], {}
    image, filters = floats(1, 3, 7, 7), floats(4, 3, 3, 3)
    for activation, parameters in (("Relu", []), ("LeakyRelu", [0.2]), ("Clip", [-1.0, 2.0]), ("HardSigmoid", [0.3, 0.4]),
                                   ("Tanh", []), ("Sigmoid", [])):
        attributes = {"activation": activation, "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        if parameters:
            attributes["activation_params"] = parameters
        yield "fused_conv_" + activation, "FusedConv", 1, [image, filters, floats(4)], attributes
    yield "fused_conv_sum", "FusedConv", 1, [image, filters, floats(4), floats(1, 4, 7, 7)], {
        "activation": "Relu", "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    skip, scale, shift = floats(batch, queries, hidden), floats(hidden), floats(hidden)
    yield "skip_norm", "SkipLayerNormalization", 1, [x, skip, scale, shift, floats(hidden)], {"epsilon": 1e-6}
    yield "skip_norm_sum", "SkipLayerNormalization", 4, [x, skip, scale, shift], {"epsilon": 1e-6}
    yield "skip_rms", "SkipSimplifiedLayerNormalization", 4, [x, skip, scale, floats(hidden)], {"epsilon": 1e-6}
    words = ints(11, batch, queries)
    rows = [floats(11, hidden), floats(9, hidden), floats(2, hidden), scale, shift]
    mask = (np.arange(queries)[None] < np.array([[5], [3]])).astype(np.int32)
    yield "embed", "EmbedLayerNormalization", 2, [words, ints(2, batch, queries), *rows], {"epsilon": 1e-6}
    yield "embed_mask", "EmbedLayerNormalization", 2, [words, ints(2, batch, queries), *rows, mask], {"epsilon": 1e-6}
    yield "embed_no_segments", "EmbedLayerNormalization", 2, [words, None, rows[0], rows[1], None, scale, shift], {}
    cosines, sines = cache(16, size // 2)
    offset, places = np.array([4], dtype=np.int64), ints(16, batch, queries, dtype=np.int64)
    for interleaved in (0, 1):
        for kind, positions in (("offset", offset), ("places", places)):
            yield f"rotary_{kind}_{interleaved}", "RotaryEmbedding", 1, [x, positions, cosines, sines], {
                "interleaved": interleaved}
    yield "rotary_heads", "RotaryEmbedding", 1, [floats(batch, heads, queries, size), places, cosines, sines], {}
    yield "attention", "Attention", 1, [x, weights, bias], {"num_heads": heads}
    yield "attention_mask", "Attention", 1, [x, weights, bias, mask], {"num_heads": heads}
    yield "attention_lengths", "Attention", 1, [x, weights, bias, np.array([5, 3], dtype=np.int32)], {"num_heads": heads}
    yield "attention_causal", "Attention", 1, [x, weights, bias], {"num_heads": heads, "unidirectional": 1}
    cached = floats(2, batch, heads, past, size)
    yield "attention_past", "Attention", 2, [x, weights, bias, None, cached], {"num_heads": heads, "unidirectional": 1}
    keys, values = floats(batch, queries + 2, hidden), floats(batch, queries + 2, hidden)
    yield "heads", "MultiHeadAttention", 1, [x, keys, values], {"num_heads": heads}
    yield "heads_bias", "MultiHeadAttention", 1, [x, keys, values, bias], {"num_heads": heads}
    yield "heads_mask", "MultiHeadAttention", 1, [x, keys, values, None,
                                                  (RANDOM.random((batch, queries + 2)) < 0.7).astype(np.int32)], {
                                                      "num_heads": heads}
    yield "heads_scores", "MultiHeadAttention", 1, [x, keys, values, None, None,
                                                    floats(1, heads, queries, queries + 2)], {"num_heads": heads,
                                                                                               "scale": 0.3}
    yield "heads_causal", "MultiHeadAttention", 1, [x, x, x], {"num_heads": heads, "unidirectional": 1}
    yield "heads_past", "MultiHeadAttention", 3, [x, skip, skip, None, None, None, floats(batch, heads, past, size),
                                                  floats(batch, heads, past, size)], {"num_heads": heads}
    yield "heads_cross", "MultiHeadAttention", 1, [x, floats(batch, heads, 6, size), floats(batch, heads, 6, size)], {
        "num_heads": heads}
    yield "rms", "SimplifiedLayerNormalization", 1, [x, scale], {"epsilon": 1e-6, "axis": -1}


def hash_cases():
    """Hashes of numbers, and of n-grams in rows and in packed sequences."""
    numbers = np.array([3, -4, 5, 2**31 - 1, 0, -1])
    for dtype in (np.int32, np.int64, np.uint64, np.float32, np.float64):
        yield f"murmur_{np.dtype(dtype).name}", "MurmurHash3", 1, [np.abs(numbers).astype(dtype)], {"seed": 42}
    yield "murmur_signed", "MurmurHash3", 1, [numbers.astype(np.int64)], {"positive": 0}
    for dtype in (np.int32, np.int64):
        name = np.dtype(dtype).name
        factors, sizes = np.array([11, 13, 2**31 - 17], dtype), np.array([101, 103, 107, 109], dtype)
        ids, past, eos = ints(9, 2, 6, dtype=dtype) - dtype(3), ints(9, 2, 2, dtype=dtype), np.array(4, dtype)
        attributes = {"max_ngram_size": 3, "n_head_per_ngram": 2, "pad_id": -4}
        stops = dict(attributes, reset_on_eos=1)
        segments = np.array([[1, 1, 2, 2, 3, 3], [0, 0, 0, 1, 1, 1]], np.int32)
        yield f"grams_{name}", "NGramHashMapping", 2, [ids, factors, sizes], attributes
        yield f"grams_offsets_{name}", "NGramHashMapping", 2, [ids, factors, sizes, past, sizes], attributes
        yield f"grams_stops_{name}", "NGramHashMapping", 2, [ids, factors, sizes, past, None, eos, segments], stops
        row, starts, past = ids.reshape(-1), np.array([0, 1, 5, 12], np.int32), ints(9, 3, 2, dtype=dtype)
        more = [segments.reshape(-1), ints(3, 3, 2), np.array([1, 2, 9], np.int32)]
        yield f"grams_packed_{name}", "VarlenNGramHashMapping", 2, [row, factors, sizes, starts], attributes
        yield f"grams_segments_{name}", "VarlenNGramHashMapping", 3, [row, factors, sizes, starts, past, sizes, eos, more[0]], stops
        yield f"grams_captured_{name}", "VarlenNGramHashMapping", 4, [row, factors, sizes, starts, past, None, eos, *more], dict(
            stops, state_update_capacity=3)


def sequence_cases():
    starts, channels = np.array([0, 1, 4, 10], np.int32), 4
    for activation, dilation in (("none", 1), ("silu", 2)):
        yield f"packed_conv_{activation}", "VarlenCausalConvWithState", 2, [
            floats(10, channels), floats(channels, 1, 3), starts, floats(channels), floats(3, channels, 2 * dilation)], {
                "activation": activation, "dilation": dilation}
    yield "packed_conv_captured", "VarlenCausalConvWithState", 3, [
        floats(10, channels), floats(channels, 1, 3), starts, None, floats(3, channels, 2), np.array([0, 2, 9], np.int32)], {
            "state_update_capacity": 4}
    words = np.array([[3, 2, 5, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]], np.int32)
    yield "words", "WordConvEmbedding", 1, [words, floats(4, 1, 3, 5), floats(4), floats(8, 5)], {"embedding_size": 4}
    source = np.array([4, 2, 3, 4, 5, 6, 7], np.int64)
    for current, previous, predicted in (([2], 0, None), ([2], 1, [2, 3, 4, 5, 1, 2, 3]), ([4], 7, [9]), ([3, 4], 0, None),
                                         ([2, 3], 0, [4, 5, 3, 4, 5, 6, 7, 8])):
        inputs = [source, np.array(current, np.int64), np.array([previous], np.int64)]
        inputs += [np.array(predicted, np.int64)] if predicted else []
        for sizes in ((1, 3), (2, 3), (3, 9)):
            yield f"bifurcation_{current}_{previous}_{sizes}", "BifurcationDetector", 2, inputs, {
                "min_ngram_size": sizes[0], "max_ngram_size": sizes[1]}


def window_cases():
    """Pads that a run brings; windows that a mask ends."""
    yield "pads", "ConvTransposeWithDynamicPads", 1, [floats(1, 2, 3, 4), floats(2, 3, 3, 3), np.array([1, 0, 1, 2], np.int64)], {
        "strides": [2, 1], "output_padding": [1, 0]}
    for size, kernel, pads in (((8, 6), [3, 2], [1, 0, 1, 1]), ((9,), [3], [1, 1]), ((5, 4, 6), [2, 3, 2], [0, 1, 1, 1, 0, 0])):
        x, mask = floats(2, 3, *size), (RANDOM.random((1, 1) + size) < 0.7).astype(np.int32)
        yield f"masked_pool_{len(size)}", "MaxpoolWithMask", 1, [x, constant(mask)], {
            "kernel_shape": kernel, "pads": pads, "strides": [2] * len(size)}
    x = ints(255, 1, 2, 4, 5, dtype=np.uint8)
    yield "quantized_pool_ceil", "QLinearAveragePool", 1, [x, np.float32(0.1), np.uint8(3), np.float32(0.07), np.uint8(5)], {
        "kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1}
    x = ints(255, 1, 2, 8, 9, dtype=np.uint8)  # a window that would begin behind the image
    yield "quantized_pool_clipped", "QLinearAveragePool", 1, [x, np.float32(0.1), np.uint8(3), np.float32(0.1731), np.uint8(5)], {
        "kernel_shape": [2, 2], "strides": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1, "count_include_pad": 1}

    boxes = np.array([[0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [-0.5, 0.2, 1.5, 0.9]], np.float32)
    for size in ((3, 4), (1, 2)):
        yield f"crops_{size}", "CropAndResize", 1, [floats(2, 2, 5, 6), boxes, np.array([0, 1, 0], np.int32), np.array(size, np.int32)], {
            "extrapolation_value": 7.0}


def packed_cases():
    """Weights whose scales are between them."""
    for form, columns in ((0, 52), (1, 41)):
        blocks = [np.float32([RANDOM.random() + 0.1]).tobytes() + bytes(RANDOM.integers(0, 16, form, dtype=np.uint8)) +
                  bytes(RANDOM.integers(0, 256, 16, dtype=np.uint8)) for _ in range(5 * 2)]
        weights = np.frombuffer(b"".join(blocks), np.uint8)
        yield f"blocks_{form}", "MatMulFpQ4", 1, [floats(3, columns), constant(weights), constant(np.array([columns, 5], np.int64))], {
            "blk_quant_type": form}


def router_cases():
    for experts, groups, kept, count in ((8, 2, 1, 2), (16, 4, 2, 3), (8, 1, 1, 3), (6, 3, 2, 4)):
        yield f"router_{experts}_{groups}", "MoEGroupRouter", 1, [floats(5, experts), floats(experts)], {
            "n_group": groups, "topk_group": kept, "top_k": count}


def constant(array):
    """An input that is an initialiser."""
    return (array,)


def make_model(op, num_outputs, arrays, attributes, domain):
    arrays = [array if array is None or isinstance(array, tuple) else np.asarray(array) for array in arrays]
    inputs = ["" if array is None else f"x{i}" for i, array in enumerate(arrays)]
    # Outputs between the first and the last that some operators have for training are left out.
    outputs = ["y0", "", "", "y3"] if "Skip" in op and num_outputs == 4 else [f"y{i}" for i in range(num_outputs)]
    node = helper.make_node(op, inputs, outputs, domain="" if op == "SimplifiedLayerNormalization" else domain, **attributes)
    infos = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
             for name, array in zip(inputs, arrays) if name and not isinstance(array, tuple)]
    initializers = [numpy_helper.from_array(array[0], name) for name, array in zip(inputs, arrays) if isinstance(array, tuple)]
    results = [helper.make_empty_tensor_value_info(name) for name in outputs if name]
    graph = helper.make_graph([node], "g", infos, results, initializers)
    opsets = [helper.make_opsetid("", 19 if domain == "" else 17), helper.make_opsetid(domain or MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9 if domain == "" else 8)
    return model, [array for array in arrays if array is not None and not isinstance(array, tuple)]


def forget_first(model):
    for dimension in model.graph.input[0].type.tensor_type.shape.dim:
        dimension.ClearField("dim_value")


def run_session(session, model, arrays):  # pylint: disable=unused-argument
    return session.run(None, {value.name: array for value, array in zip(session.get_inputs(), arrays)})


def check(folder, name, model, arrays):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")  # no saturation between two products
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = run_session(session, model, arrays)
    source, library = os.path.join(folder, name + ".onnx"), os.path.join(folder, name + ".so")
    onnx.save(model, source)
    compile_model(source, library, ["--emit=shared", "--name=model"], 60)
    results = CompiledModel(library, "model")(arrays)
    for i, (actual, expected) in enumerate(zip(results, wanted)):
        difference = describe_difference(actual, expected, 1e-3, 1e-5)
        if difference:
            return f"output {i}: {difference}"
    return None if len(results) == len(wanted) else "another number of outputs"


def run_cases(title, everything, patterns=(), passed=0, failed=0):
    """Each (domain, case) in both forms, those whose names contain one of the patterns; the exit code. The numbers count on.
    A case may have the version of ONNX's operators behind its attributes."""
    skipped = 0
    with tempfile.TemporaryDirectory(prefix="nnc-" + title) as folder:
        for domain, (name, op, num_outputs, inputs, attributes, *version) in everything:
            if patterns and not any(pattern in name for pattern in patterns):
                continue
            for form in ("static", "dynamic"):
                model, arrays = make_model(op, num_outputs, inputs, attributes, domain)
                if version:
                    model.opset_import[0].version = version[0]
                if form == "dynamic":
                    forget_first(model)
                try:
                    reason = check(folder, f"{name}_{form}", model, arrays)
                except Refused as refusal:
                    print(f"SKIP {name}/{form}: {str(refusal).splitlines()[0]}")
                    skipped += 1
                    continue
                except Broken as error:
                    reason = str(error)
                if reason:
                    print(f"FAIL {name}/{form}: {reason}")
                failed += bool(reason)
                passed += not reason
    print(f"{title}: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main():
    groups = (cases, hash_cases, sequence_cases, window_cases, packed_cases, router_cases)
    everything = [(MICROSOFT, case) for group in groups for case in group()] + [(LEARNING, case) for case in learning_cases()]
    return run_cases("domains", everything, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
