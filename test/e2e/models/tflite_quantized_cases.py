"""The cases of tflite_ops.py on quantised numbers: bit for bit what TFLite's reference kernels compute."""
import itertools

import numpy as np

from .tflite_cases import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Case, Random

TYPES = (np.int8, np.uint8)


def span(dtype):
    info = np.iinfo(dtype)
    return info.min, info.max + 1


def integers(random, shape, dtype):
    return random.ints(*span(dtype), *shape, dtype=dtype)


def zero_point(random, dtype):
    return int(random.ints(-20, 20)) + (0 if dtype == np.int8 else 128)


def quantized(name, op, shapes, dtype, scales, result, options=None, result_type=None, constants=(), rest=(), outputs=1,
              version=1, **fields):
    """One operator: inputs of random integers with these scales, then `rest`, constants as they are. `result` is a scale, or
    (scale, zero point)."""

    def build(graph):
        random = Random(name)
        indices = []
        for place, (shape, scale) in enumerate(zip(shapes, scales)):
            numbers = scale if isinstance(scale, tuple) else (scale, zero_point(random, dtype))
            array = integers(random, shape, dtype)
            indices.append((graph.constant if place in constants else graph.input)(array, numbers))
        indices += [graph.constant(array) for array in rest]
        numbers = result if isinstance(result, tuple) else (result, zero_point(random, result_type or dtype))
        targets = [graph.tensor([], result_type or dtype, numbers) for _ in range(outputs)]
        graph.output(*graph.op(op, indices, targets, options, version=version, **fields))

    return Case(name, build)


def layer(name, op, shape, filter_shape, dtype, options, channels, axis=None, bias=True, first=(), result=None, **fields):
    """A layer with weights; `axis`: that of the filter's scales, one each, else there is one. Of inputs of 16 bits the
    weights have 8, and the biases 64."""

    def build(graph):
        random = Random(name)
        count = channels if axis is not None else 1
        scales = random.rng.random(count).astype(np.float32) * 0.02 + 0.005
        zeros = np.full(count, 120) if dtype == np.uint8 else np.zeros(count, np.int64)
        wide = dtype == np.int16
        zero = 0 if wide else zero_point(random, dtype)
        x = graph.input(integers(random, shape, dtype), (0.07, zero))
        weights = graph.constant(integers(random, filter_shape, np.int8 if wide else dtype), (scales, zeros, axis or 0))
        indices = [graph.constant(array) for array in first]
        indices += [weights, x] if op == "TRANSPOSE_CONV" else [x, weights]
        if bias:
            indices.append(graph.constant(random.ints(-3000, 3000, channels, dtype=np.int64 if wide else np.int32),
                                          (0.07 * scales, np.zeros(count, np.int64))))
        size = int(np.prod(filter_shape)) // channels
        out = graph.tensor([], dtype, (result or 0.03 * size ** 0.5, 0 if wide else zero_point(random, dtype)))
        graph.output(*graph.op(op, indices, [out], options, **fields))

    return Case(name, build)


def layers():
    for dtype, padding, stride, activation in itertools.product(TYPES, (SAME, VALID), ((1, 1), (2, 3)), (NONE, RELU6)):
        axis = {"axis": 0} if dtype == np.int8 else {}
        tail = f"{dtype.__name__}_{padding}_{stride}_{activation}"
        fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": activation}
        yield layer(f"q_conv_{tail}", "CONV_2D", (2, 9, 11, 5), (7, 3, 2, 5), dtype, "Conv2DOptions", 7, **axis, **fields)
        axis = {"axis": 3} if dtype == np.int8 else {}
        yield layer(f"q_depthwise_{tail}", "DEPTHWISE_CONV_2D", (1, 9, 11, 5), (1, 3, 2, 10), dtype,
                    "DepthwiseConv2DOptions", 10, **axis, depthMultiplier=2, **fields)
    one = {"strideH": 1, "strideW": 1}
    yield layer("q_conv_one_scale", "CONV_2D", (1, 6, 6, 16), (32, 1, 1, 16), np.int8, "Conv2DOptions", 32, padding=VALID,
                **one)
    yield layer("q_conv_one_channel", "CONV_2D", (1, 10, 8, 1), (16, 4, 3, 1), np.int8, "Conv2DOptions", 16, axis=0,
                padding=SAME, strideH=2, strideW=2, fusedActivationFunction=RELU)
    yield layer("q_conv_small_scale", "CONV_2D", (1, 5, 5, 4), (8, 3, 3, 4), np.int8, "Conv2DOptions", 8, axis=0,
                result=0.0004, padding=SAME, **one)
    yield layer("q_depthwise_from_one", "DEPTHWISE_CONV_2D", (1, 12, 10, 1), (1, 10, 8, 8), np.int8,
                "DepthwiseConv2DOptions", 8, axis=3, padding=SAME, strideH=2, strideW=2, depthMultiplier=8)
    yield layer("q_depthwise_dilated", "DEPTHWISE_CONV_2D", (1, 12, 10, 6), (1, 3, 3, 6), np.int8,
                "DepthwiseConv2DOptions", 6, axis=3, padding=SAME, depthMultiplier=1, dilationHFactor=2, dilationWFactor=2,
                **one)
    for dtype, activation in itertools.product(TYPES, (NONE, RELU, RELU_N1_TO_1)):
        yield layer(f"q_fully_connected_{dtype.__name__}_{activation}", "FULLY_CONNECTED", (3, 37), (9, 37), dtype,
                    "FullyConnectedOptions", 9, fusedActivationFunction=activation)
    yield layer("q_fully_connected_channels", "FULLY_CONNECTED", (3, 2, 20), (9, 40), np.int8, "FullyConnectedOptions", 9,
                axis=0, bias=False)
    yield layer("q_fully_connected_keep", "FULLY_CONNECTED", (3, 2, 20), (9, 20), np.int8, "FullyConnectedOptions", 9,
                keepNumDims=True)
    for activation, keep in ((NONE, False), (RELU, True)):
        yield layer(f"q_fully_connected_int16_{activation}", "FULLY_CONNECTED", (3, 2, 20), (9, 20 if keep else 40), np.int16,
                    "FullyConnectedOptions", 9, keepNumDims=keep, fusedActivationFunction=activation)
    # Of results in the middle of their range, where an error of one step shows.
    for axis in (None, 0):
        yield layer(f"q_fully_connected_int16_middle_{axis}", "FULLY_CONNECTED", (20, 40), (30, 40), np.int16,
                    "FullyConnectedOptions", 30, axis=axis, result=1.0)
    for op, options, axis, filter_shape, more in (
            ("CONV_2D", "Conv2DOptions", 0, (7, 1, 2, 5), {}),
            ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", 3, (1, 1, 2, 5), {"depthMultiplier": 1}),
            ("TRANSPOSE_CONV", "TransposeConvOptions", 0, (7, 1, 2, 5), {"first": [np.array([2, 9, 11, 7], np.int32)]})):
        yield layer(f"q_{op.lower()}_int16_middle", op, (2, 9, 11, 5), filter_shape, np.int16, options, filter_shape[axis], axis=axis,
                    result=0.5, padding=SAME, **more, **one)
    for dtype, (size, stride) in itertools.product((np.int8, np.int16), (((3, 3), 2), ((2, 4), 1), ((9, 9), 3))):
        out = np.array([1, 4 * stride, 5 * stride, 6], np.int32)
        yield layer(f"q_transpose_conv_{dtype.__name__}_{size}", "TRANSPOSE_CONV", (1, 4, 5, 3), (6, *size, 3), dtype,
                    "TransposeConvOptions", 6, axis=0, first=[out], padding=SAME, strideH=stride, strideW=stride)
    yield layer("q_conv_int16", "CONV_2D", (2, 9, 11, 5), (7, 3, 2, 5), np.int16, "Conv2DOptions", 7, axis=0, padding=SAME,
                fusedActivationFunction=RELU, **one)
    yield layer("q_depthwise_int16", "DEPTHWISE_CONV_2D", (1, 9, 11, 5), (1, 3, 2, 10), np.int16, "DepthwiseConv2DOptions",
                10, axis=3, padding=VALID, depthMultiplier=2, **one)


def arithmetic():
    for dtype, (op, options), activation in itertools.product(TYPES, (("ADD", "AddOptions"), ("SUB", "SubOptions"), (
            "MUL", "MulOptions")), (NONE, RELU, RELU6)):
        name = f"q_{op.lower()}_{dtype.__name__}_{activation}"
        yield quantized(name, op, [(2, 9, 17), (2, 9, 17)], dtype, [0.07, 0.11], 0.15 if op != "MUL" else 0.9, options,
                        fusedActivationFunction=activation)
        yield quantized(name + "_broadcast", op, [(4, 1, 5), (3, 1)], dtype, [0.5, 0.003], 0.4, options,
                        fusedActivationFunction=activation)
    for op, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        more = {} if op == "MUL" else {"potScaleInt16": False}
        yield quantized(f"q_{op.lower()}_int16", op, [(2, 99), (2, 99)], np.int16, [(0.0003, 0), (0.0005, 0)], (0.0007, 0),
                        options, **more)
    for dtype, keep, axes in itertools.product(TYPES, (False, True), ([1, 2], [3], [0, 1, 2, 3], [2])):
        yield quantized(f"q_mean_{dtype.__name__}_{keep}_{axes}", "MEAN", [(3, 7, 5, 6)], dtype, [0.07], 0.05,
                        "ReducerOptions", rest=[np.array(axes, np.int32)], keepDims=keep)
    for dtype, padding, stride, activation in itertools.product(TYPES, (SAME, VALID), ((1, 1), (2, 3)), (NONE, RELU6)):
        for kind in ("AVERAGE", "MAX"):
            numbers = (0.04, 5)
            yield quantized(f"q_{kind.lower()}_pool_{dtype.__name__}_{padding}_{stride}_{activation}", kind + "_POOL_2D",
                            [(2, 9, 10, 5)], dtype, [numbers], numbers, "Pool2DOptions", padding=padding,
                            strideH=stride[0], strideW=stride[1], filterHeight=3, filterWidth=2,
                            fusedActivationFunction=activation)


def conversions():
    for target in (np.int8, np.uint8, np.int16):
        name = f"quantize_{target.__name__}"

        def build(graph, name=name, target=target):
            random = Random(name)
            x = np.concatenate([random.floats(5, 60, scale=4).reshape(-1), np.arange(-3, 3, 0.0125).astype(np.float32)])
            numbers = (0.025, 0 if target == np.int16 else zero_point(random, target))
            out = graph.tensor([], target, numbers)
            back = graph.tensor([], np.float32)
            graph.op("QUANTIZE", [graph.input(x)], [out])
            graph.op("DEQUANTIZE", [out], [back])
            graph.output(out, back)

        yield Case(name, build, rtol=0, atol=0)
    for source, target in itertools.product((np.int8, np.uint8, np.int16), (np.int8, np.uint8, np.int16)):
        if np.int16 in (source, target) and np.uint8 in (source, target):
            continue
        zeros = [0 if t == np.int16 else 3 if t == np.int8 else 130 for t in (source, target)]
        for scale in (0.02, 0.05, 0.11):
            yield quantized(f"requantize_{source.__name__}_{target.__name__}_{scale}", "QUANTIZE", [(5, 60)], source,
                            [(0.05, zeros[0])], (scale, zeros[1]), result_type=target)


def functions():
    every = (16, 16)
    for dtype in TYPES:
        low = int(np.iinfo(dtype).min)
        for scale in (0.01, 0.05, 0.2):
            name = f"{dtype.__name__}_{scale}"
            yield quantized(f"q_logistic_{name}", "LOGISTIC", [every], dtype, [scale], (1 / 256, low))
            yield quantized(f"q_tanh_{name}", "TANH", [every], dtype, [scale], (1 / 128, low + 128))
            yield quantized(f"q_softmax_{name}", "SOFTMAX", [(40, 7)], dtype, [scale], (1 / 256, low), "SoftmaxOptions",
                            beta=1.0)
            yield quantized(f"q_log_softmax_{name}", "LOG_SOFTMAX", [(40, 7)], dtype, [scale], (1 / 16, low + 255),
                            "LogSoftmaxOptions")
            yield quantized(f"q_l2_normalization_{name}", "L2_NORMALIZATION", [(40, 7)], dtype, [scale], (1 / 128, low + 128),
                            "L2NormOptions")
            yield quantized(f"q_leaky_relu_{name}", "LEAKY_RELU", [every], dtype, [scale], 0.04, "LeakyReluOptions",
                            alpha=0.3)
            yield quantized(f"q_hard_swish_{name}", "HARD_SWISH", [every], dtype, [scale], scale * 0.9)
            for op in ("RELU", "RELU6", "RELU_N1_TO_1"):
                yield quantized(f"q_{op.lower()}_{name}", op, [every], dtype, [scale], 0.04)
        yield quantized(f"q_softmax_long_{dtype.__name__}", "SOFTMAX", [(3, 5, 300)], dtype, [0.03], (1 / 256, low),
                        "SoftmaxOptions", beta=0.7)
        yield quantized(f"q_log_softmax_long_{dtype.__name__}", "LOG_SOFTMAX", [(3, 5, 300)], dtype, [0.03], (1 / 16, low + 255),
                        "LogSoftmaxOptions")
        yield quantized(f"q_log_softmax_wide_{dtype.__name__}", "LOG_SOFTMAX", [(64, 2)], dtype, [0.9], (1 / 16, low + 255),
                        "LogSoftmaxOptions")
        for depth in (1, 2, 3, 2000):
            yield quantized(f"q_l2_normalization_{depth}_{dtype.__name__}", "L2_NORMALIZATION", [(2, 9, depth)], dtype, [0.03],
                            (1 / 128, low + 128), "L2NormOptions")
    for scale in (0.0003, 0.002):
        yield quantized(f"q_leaky_relu_int16_{scale}", "LEAKY_RELU", [(9, 60)], np.int16, [(scale, 0)], (0.0009, 0),
                        "LeakyReluOptions", alpha=0.3)
    yield quantized("q_softmax_wide", "SOFTMAX", [(64, 2)], np.int8, [0.9], (1 / 256, -128), "SoftmaxOptions", beta=1.0)
    for scale in (0.01, 0.05):
        yield quantized(f"q_elu_{scale}", "ELU", [every], np.int8, [scale], 0.03)
        yield quantized(f"q_exp_{scale}", "EXP", [every], np.int8, [scale], 0.1)


def movement():
    same = (0.05, 7)
    shape = (2, 3, 4, 5)

    def moves(name, op, *arguments, **fields):
        return quantized("q_" + name, op, [shape], np.int8, [same], same, *arguments, **fields)

    yield moves("reshape", "RESHAPE", rest=[np.array([6, 20], np.int32)])
    yield moves("transpose", "TRANSPOSE", rest=[np.array([2, 0, 3, 1], np.int32)])
    yield moves("pad", "PAD", rest=[np.array([[0, 0], [1, 2], [3, 0], [0, 1]], np.int32)])
    yield moves("strided_slice", "STRIDED_SLICE", "StridedSliceOptions", rest=[np.array(n, np.int32) for n in (
        [0, 0, 1, 0], [2, 3, 4, 5], [1, 1, 2, 3])])
    yield moves("reduce_max", "REDUCE_MAX", "ReducerOptions", rest=[np.array([1], np.int32)])
    yield quantized("q_concat", "CONCATENATION", [shape, shape], np.int8, [same, same], same, "ConcatenationOptions", axis=3)
    yield quantized("q_maximum", "MAXIMUM", [shape, shape], np.int8, [same, same], same)
    yield quantized("q_minimum", "MINIMUM", [shape, shape], np.int8, [same, same], same)
    yield quantized("q_resize", "RESIZE_NEAREST_NEIGHBOR", [shape], np.int8, [same], same, "ResizeNearestNeighborOptions",
                    rest=[np.array([6, 8], np.int32)])


def dequantized(numbers, scales, axis):
    shape = [1] * numbers.ndim
    shape[axis] = -1
    return numbers.astype(np.float32) * np.asarray(scales, np.float32).reshape(shape)


def hybrids():
    """Floats times weights of 8 bits. TFLite quantises the floats on the way, which is less exact than what nnc does: the
    reference has the same weights as floats."""
    for name, op, options, shape, weights_shape, axis, fields in (
            ("conv", "CONV_2D", "Conv2DOptions", (1, 6, 6, 5), (7, 3, 3, 5), 0, {"strideH": 1, "strideW": 1}),
            ("depthwise", "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 6, 6, 5), (1, 3, 3, 5), 3, {
                "strideH": 1, "strideW": 1, "depthMultiplier": 1}),
            ("fully_connected", "FULLY_CONNECTED", "FullyConnectedOptions", (3, 20), (9, 20), 0, {})):

        def build(graph, name=name, op=op, options=options, shape=shape, weights_shape=weights_shape, axis=axis,
                  fields=fields):
            random = Random(name)
            x, numbers = random.floats(*shape), integers(random, weights_shape, np.int8)
            scales = random.rng.random(weights_shape[axis]).astype(np.float32) * 0.02 + 0.005
            bias = random.floats(weights_shape[axis])
            weights = (dequantized(numbers, scales, axis), None) if graph.is_reference else (
                numbers, (scales, np.zeros(len(scales)), axis))
            indices = [graph.input(x), graph.constant(*weights), graph.constant(bias)]
            graph.output(*graph.op(op, indices, [graph.tensor([], np.float32)], options, **fields))

        yield Case("hybrid_" + name, build)


def list_cases():
    for family in (layers, arithmetic, conversions, functions, movement, hybrids):
        yield from family()
