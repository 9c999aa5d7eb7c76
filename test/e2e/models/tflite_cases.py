"""The cases of tflite_ops.py: single operators of TFLite in fp32, with odd shapes and all their options."""
import itertools

import numpy as np

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = range(5)
SAME, VALID = 0, 1


class Case:
    """`build` adds the case to a graph. `calls`: as many show what is kept between them. `is_broken`: the reference kernel
    is, and the other one is the reference. `compute` gives the outputs of operators that the interpreter does not have."""

    def __init__(self, name, build, rtol=1e-4, atol=1e-5, calls=1, is_broken=False, compute=None):
        self.name, self.build, self.rtol, self.atol, self.calls = name, build, rtol, atol, calls
        self.is_broken, self.compute = is_broken, compute


class Random:
    """Random data that depend on the case's name alone."""

    def __init__(self, name):
        self.rng = np.random.default_rng(sum(ord(c) * 31 ** (i % 7) for i, c in enumerate(name)))

    def floats(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def positive(self, *shape):
        return (self.rng.random(shape) * 3 + 0.1).astype(np.float32)

    def ints(self, low, high, *shape, dtype=np.int32):
        return self.rng.integers(low, high, shape).astype(dtype)

    def bools(self, *shape):
        return self.rng.random(shape) < 0.5


def simple(name, op, arrays, options=None, constants=(), dtype=np.float32, outputs=1, version=1, **fields):
    """One operator: `arrays` are inputs, those at places of `constants` are in the file; None is left out."""

    def build(graph):
        indices = [-1 if a is None else graph.constant(a) if i in constants else graph.input(np.asarray(a))
                   for i, a in enumerate(arrays)]
        types = dtype if isinstance(dtype, tuple) else (dtype,) * outputs
        graph.output(*graph.op(op, indices, [graph.tensor([], t) for t in types], options, version=version,
                               **fields))

    return Case(name, build)


def convolutions():
    for padding, stride, dilation, activation in itertools.product((SAME, VALID), ((1, 1), (2, 3)), ((1, 1), (2, 2)),
                                                                   (NONE, RELU6)):
        if stride != (1, 1) and dilation != (1, 1):
            continue
        name = f"conv_{padding}_{stride}_{dilation}_{activation}"
        r = Random(name)
        fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1], "dilationHFactor": dilation[0],
                  "dilationWFactor": dilation[1], "fusedActivationFunction": activation}
        yield simple(name, "CONV_2D", [r.floats(2, 9, 11, 5), r.floats(7, 3, 2, 5), r.floats(7)], "Conv2DOptions", (1, 2),
                     **fields)
        yield simple("depthwise" + name[4:], "DEPTHWISE_CONV_2D", [r.floats(1, 9, 11, 5), r.floats(1, 3, 2, 10),
                                                                   r.floats(10)],
                     "DepthwiseConv2DOptions", (1, 2), depthMultiplier=2, **fields)
    r = Random("conv")
    stride = {"strideH": 1, "strideW": 1}
    yield simple("conv_1x1", "CONV_2D", [r.floats(1, 5, 5, 16), r.floats(32, 1, 1, 16), r.floats(32)], "Conv2DOptions", (1, 2),
                 padding=VALID, fusedActivationFunction=RELU, **stride)
    yield simple("conv_groups", "CONV_2D", [r.floats(1, 6, 6, 6), r.floats(9, 3, 3, 2), r.floats(9)], "Conv2DOptions",
                 (1, 2), padding=SAME, **stride)
    yield simple("conv_dynamic_filter", "CONV_2D", [r.floats(1, 6, 6, 3), r.floats(4, 3, 3, 3), r.floats(4)],
                 "Conv2DOptions", padding=SAME, **stride)
    yield simple("depthwise_one", "DEPTHWISE_CONV_2D", [r.floats(2, 8, 7, 16), r.floats(1, 5, 5, 16), r.floats(16)],
                 "DepthwiseConv2DOptions", (1, 2), padding=SAME, strideH=2, strideW=2, depthMultiplier=1,
                 fusedActivationFunction=RELU)
    yield simple("depthwise_from_one", "DEPTHWISE_CONV_2D", [r.floats(1, 8, 7, 1), r.floats(1, 3, 3, 6), r.floats(6)],
                 "DepthwiseConv2DOptions", (1, 2), padding=VALID, depthMultiplier=6, **stride)
    for padding, stride, size in itertools.product((SAME, VALID), ((1, 1), (2, 2), (3, 2)), ((3, 3), (2, 4), (1, 1))):
        name = f"transpose_conv_{padding}_{stride}_{size}"
        r = Random(name)
        shape = [2, 4, 5, 3]
        out = [e * s if padding == SAME else (e - 1) * s + max(k, s) for e, s, k in zip(shape[1:3], stride, size)]
        yield simple(name, "TRANSPOSE_CONV", [np.array([2, *out, 6], np.int32), r.floats(6, *size, 3), r.floats(*shape),
                                              r.floats(6)], "TransposeConvOptions", (0, 1, 3), padding=padding,
                     strideH=stride[0], strideW=stride[1])
    yield simple("transpose_conv_odd", "TRANSPOSE_CONV", [np.array([1, 7, 9, 2], np.int32), r.floats(2, 3, 3, 4),
                                                          r.floats(1, 4, 5, 4)], "TransposeConvOptions", (0, 1),
                 padding=SAME, strideH=2, strideW=2)
    yield simple("conv_3d", "CONV_3D", [r.floats(1, 5, 6, 7, 3), r.floats(2, 3, 3, 3, 4), r.floats(4)], "Conv3DOptions",
                 (1, 2), padding=SAME, strideD=1, strideH=2, strideW=1, fusedActivationFunction=RELU)


def contractions():
    r = Random("matmul")
    for activation in (NONE, RELU, RELU6, RELU_N1_TO_1):
        yield simple(f"fully_connected_{activation}", "FULLY_CONNECTED", [r.floats(3, 17), r.floats(9, 17), r.floats(9)],
                     "FullyConnectedOptions", (1, 2), fusedActivationFunction=activation)
    yield simple("fully_connected_flat", "FULLY_CONNECTED", [r.floats(2, 3, 4), r.floats(5, 12), None],
                 "FullyConnectedOptions", (1,))
    yield simple("fully_connected_keep", "FULLY_CONNECTED", [r.floats(2, 3, 4), r.floats(5, 4), r.floats(5)],
                 "FullyConnectedOptions", (1, 2), keepNumDims=True)
    yield simple("fully_connected_dynamic", "FULLY_CONNECTED", [r.floats(4, 6), r.floats(5, 6), r.floats(5)],
                 "FullyConnectedOptions")
    for x, y in itertools.product((False, True), (False, True)):
        lhs, rhs = r.floats(2, 1, 4, 3), r.floats(1, 3, 3, 5)
        yield simple(f"batch_matmul_{x}_{y}", "BATCH_MATMUL", [lhs.swapaxes(2, 3).copy() if x else lhs,
                                                              rhs.swapaxes(2, 3).copy() if y else rhs],
                     "BatchMatMulOptions", adjX=x, adjY=y)


def pools():
    for kind, padding, stride in itertools.product(("AVERAGE", "MAX", "L2"), (SAME, VALID), ((1, 1), (2, 3))):
        name = f"{kind.lower()}_pool_{padding}_{stride}"
        x = Random(name).floats(2, 9, 10, 5)
        yield simple(name, kind + "_POOL_2D", [x], "Pool2DOptions", padding=padding, strideH=stride[0], strideW=stride[1],
                     filterHeight=3, filterWidth=2, fusedActivationFunction=RELU if stride == (1, 1) else NONE)
    yield simple("average_pool_global", "AVERAGE_POOL_2D", [Random("g").floats(1, 7, 7, 20)], "Pool2DOptions",
                 padding=VALID, strideH=7, strideW=7, filterHeight=7, filterWidth=7)


def elementwise():
    r = Random("elementwise")
    for op in ("ABS", "NEG", "SIN", "COS", "EXP", "FLOOR", "CEIL", "ROUND", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1",
               "LOGISTIC", "TANH", "ELU", "HARD_SWISH", "SQUARE", "ZEROS_LIKE", "SIGN"):
        yield simple(op.lower(), op, [r.floats(3, 5, 7, scale=3)])
    yield simple("round_halves", "ROUND", [np.arange(-4, 4.5, 0.5, dtype=np.float32)])
    for op in ("LOG", "SQRT", "RSQRT"):
        yield simple(op.lower(), op, [r.positive(3, 5, 7)])
    for approximate in (False, True):
        yield simple(f"gelu_{approximate}", "GELU", [r.floats(3, 5, 7, scale=2)], "GeluOptions", approximate=approximate)
    yield simple("leaky_relu", "LEAKY_RELU", [r.floats(3, 5, 7)], "LeakyReluOptions", alpha=0.3)
    yield simple("prelu", "PRELU", [r.floats(2, 4, 5, 6), r.floats(1, 1, 6)], constants=(1,))
    for op, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")):
        for activation in (NONE, RELU, RELU_N1_TO_1, RELU6):
            yield simple(f"{op.lower()}_{activation}", op, [r.floats(2, 3, 5), r.positive(2, 3, 5)], options,
                         fusedActivationFunction=activation)
        yield simple(f"{op.lower()}_broadcast", op, [r.floats(4, 1, 5), r.positive(3, 1)], options)
        yield simple(f"{op.lower()}_scalar", op, [r.floats(4, 3, 5), np.float32(1.5)], options, (1,))
        yield simple(f"{op.lower()}_int", op, [r.ints(-50, 50, 3, 4), r.ints(1, 9, 3, 4)], options, dtype=np.int32)
    for op in ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
        yield simple(op.lower(), op, [r.floats(2, 3, 5), r.positive(1, 5)])
        yield simple(f"{op.lower()}_int", op, [r.ints(-50, 50, 3, 4), r.ints(1, 9, 3, 4) * r.rng.choice([-1, 1], (3, 4)).astype(
            np.int32)], dtype=np.int32)
    yield simple("pow", "POW", [r.positive(3, 4), r.floats(3, 4)])
    yield simple("pow_int", "POW", [r.ints(-5, 5, 3, 4), r.ints(0, 5, 3, 4)], dtype=np.int32)
    for op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        yield simple(op.lower(), op, [r.ints(0, 3, 4, 5).astype(np.float32), r.ints(0, 3, 1, 5).astype(np.float32)],
                     dtype=np.bool_)
        yield simple(f"{op.lower()}_int64", op, [r.ints(0, 3, 4, 5, dtype=np.int64), r.ints(0, 3, 4, 5, dtype=np.int64)],
                     dtype=np.bool_)
    for op in ("LOGICAL_AND", "LOGICAL_OR"):
        yield simple(op.lower(), op, [r.bools(4, 5), r.bools(4, 5)], dtype=np.bool_)
    yield simple("logical_not", "LOGICAL_NOT", [r.bools(4, 5)], dtype=np.bool_)
    yield simple("select", "SELECT", [r.bools(4, 5), r.floats(4, 5), r.floats(4, 5)])
    yield simple("select_rows", "SELECT", [r.bools(4), r.floats(4, 5), r.floats(4, 5)])
    yield simple("select_v2", "SELECT_V2", [r.bools(4, 1), r.floats(1, 5), r.floats(4, 5)])
    yield simple("add_n", "ADD_N", [r.floats(4, 5), r.floats(4, 5), r.floats(4, 5)])
    yield simple("bitwise_xor", "BITWISE_XOR", [r.ints(-99, 99, 4, 5), r.ints(-99, 99, 4, 5)], dtype=np.int32)
    yield simple("right_shift", "RIGHT_SHIFT", [r.ints(-99, 99, 4, 5), r.ints(0, 5, 4, 5)], dtype=np.int32)
    for source, target in itertools.product((np.float32, np.int32, np.int64, np.uint8, np.bool_, np.int8), repeat=2):
        x = r.bools(3, 7) if source == np.bool_ else r.ints(0, 100, 3, 7).astype(source)
        yield simple(f"cast_{source.__name__}_{target.__name__}", "CAST", [x], dtype=target)
    yield simple("dequantize_half", "DEQUANTIZE", [r.floats(3, 5).astype(np.float16)], constants=(0,))


def movement():
    r = Random("movement")
    x, y = r.floats(2, 3, 4, 5), r.floats(2, 1, 4, 1)
    yield simple("reshape", "RESHAPE", [x, np.array([6, -1], np.int32)], "ReshapeOptions", (1,), newShape=[6, -1])
    yield simple("reshape_option", "RESHAPE", [x], "ReshapeOptions", newShape=[4, 5, 6])
    yield simple("squeeze", "SQUEEZE", [y], "SqueezeOptions")
    yield simple("squeeze_axes", "SQUEEZE", [y], "SqueezeOptions", squeezeDims=[-1])
    for axis in (0, 2, -1):
        yield simple(f"expand_dims_{axis}", "EXPAND_DIMS", [x, np.int32(axis)], constants=(1,))
    yield simple("transpose", "TRANSPOSE", [x, np.array([2, 0, 3, 1], np.int32)], constants=(1,))
    for axis in (0, 1, -1):
        yield simple(f"concat_{axis}", "CONCATENATION", [x, x * 2, x + 1], "ConcatenationOptions", axis=axis)
        yield simple(f"pack_{axis}", "PACK", [x, x * 2], "PackOptions", axis=axis, valuesCount=2)
        yield simple(f"unpack_{axis}", "UNPACK", [x], "UnpackOptions", outputs=x.shape[axis], axis=axis,
                     num=x.shape[axis])
    pads = np.array([[0, 0], [1, 2], [3, 0], [0, 1]], np.int32)
    yield simple("pad", "PAD", [x, pads], constants=(1,))
    yield simple("pad_v2", "PADV2", [x, pads, np.float32(1.5)], constants=(1, 2))
    for mode in (0, 1):
        yield simple(f"mirror_pad_{mode}", "MIRROR_PAD", [x, pads], "MirrorPadOptions", (1,), mode=mode)
    yield simple("tile", "TILE", [x, np.array([2, 1, 3, 1], np.int32)], constants=(1,))
    yield simple("broadcast_to", "BROADCAST_TO", [y, np.array([2, 3, 4, 5], np.int32)], constants=(1,), version=2)
    yield simple("reverse", "REVERSE_V2", [x, np.array([2], np.int32)], constants=(1,))
    yield simple("depth_to_space", "DEPTH_TO_SPACE", [r.floats(2, 3, 4, 12)], "DepthToSpaceOptions", blockSize=2)
    yield simple("space_to_depth", "SPACE_TO_DEPTH", [r.floats(2, 6, 4, 3)], "SpaceToDepthOptions", blockSize=2)
    yield simple("space_to_batch", "SPACE_TO_BATCH_ND", [r.floats(2, 5, 7, 3), np.array([2, 3], np.int32),
                                                         np.array([[0, 1], [1, 1]], np.int32)], constants=(1, 2))
    yield simple("batch_to_space", "BATCH_TO_SPACE_ND", [r.floats(12, 3, 2, 3), np.array([2, 3], np.int32),
                                                         np.array([[0, 1], [1, 2]], np.int32)], constants=(1, 2))
    for axis in (1, -2):
        yield simple(f"split_{axis}", "SPLIT", [np.int32(axis), r.floats(2, 6, 6)], "SplitOptions", (0,), outputs=3,
                     numSplits=3)
    yield simple("split_v", "SPLIT_V", [r.floats(2, 7, 3), np.array([2, -1, 1], np.int32), np.int32(1)], "SplitVOptions",
                 (1, 2), outputs=3, numSplits=3)
    yield simple("slice", "SLICE", [x, np.array([0, 1, 0, 2], np.int32), np.array([2, 1, -1, 3], np.int32)],
                 constants=(1, 2))
    yield from slices(x)


def slices(x):
    def strided(name, begin, end, strides, **masks):
        return simple("strided_slice_" + name, "STRIDED_SLICE", [x] + [np.array(n, np.int32) for n in (
            begin, end, strides)], "StridedSliceOptions", (1, 2, 3), **masks)

    yield strided("plain", [0, 1, 0, 1], [2, 3, 4, 4], [1, 1, 2, 1])
    yield strided("negative", [-1, -1, -2, 4], [-3, -4, 4, 0], [-1, -2, 1, -2])
    yield strided("masks", [1, 1, 1, 1], [1, 2, 3, 2], [1, 1, -1, 1], beginMask=0b0101, endMask=0b1100)
    yield strided("shrink", [1, 0, -1, 0], [2, 3, 0, 5], [1, 1, 1, 1], shrinkAxisMask=0b0101)
    yield strided("few", [1], [2], [1])
    yield strided("ellipsis", [1, 0, 1], [2, 0, 4], [1, 1, 2], ellipsisMask=0b010)
    yield strided("new_axis", [0, 0, 1], [2, 0, 3], [1, 1, 1], newAxisMask=0b010)


def indexing():
    r = Random("indexing")
    x, indices = r.floats(4, 5, 6), r.ints(0, 4, 2, 3)
    for axis in (0, 1, -1):
        yield simple(f"gather_{axis}", "GATHER", [x, indices], "GatherOptions", axis=axis)
    yield simple("gather_batch", "GATHER", [x, r.ints(0, 5, 4, 3)], "GatherOptions", axis=1, batchDims=1)
    yield simple("gather_nd", "GATHER_ND", [x, r.ints(0, 4, 3, 2)])
    yield simple("embedding", "EMBEDDING_LOOKUP", [r.ints(0, 9, 5), r.floats(9, 4)], constants=(1,))
    yield simple("scatter_nd", "SCATTER_ND", [np.array([[1], [3], [1]], np.int32), r.floats(3, 4), np.array([5, 4], np.int32)],
                 constants=(2,))
    yield simple("fill", "FILL", [np.array([2, 3], np.int32), np.float32(1.5)], constants=(0,))
    yield simple("range", "RANGE", [np.int32(2), np.int32(11), np.int32(4)], constants=(0, 1, 2), dtype=np.int32)
    yield simple("shape", "SHAPE", [x], "ShapeOptions", dtype=np.int32, outType=2)
    yield simple("rank", "RANK", [x], dtype=np.int32)
    for axis in (-1, 0):
        yield simple(f"one_hot_{axis}", "ONE_HOT", [r.ints(-1, 6, 3, 4), np.int32(5), np.float32(2), np.float32(-1)],
                     "OneHotOptions", (1, 2, 3), axis=axis)


def reductions():
    r = Random("reduce")
    x = r.floats(3, 4, 5, 6)
    for op, keep in itertools.product(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), (False, True)):
        for axes in ([1, 2], [-1], [0, 1, 2, 3]):
            yield simple(f"{op.lower()}_{axes}_{keep}", op, [x, np.array(axes, np.int32)], "ReducerOptions", (1,),
                         keepDims=keep)
    for op in ("REDUCE_ANY", "REDUCE_ALL"):
        yield simple(op.lower(), op, [r.rng.random((3, 4, 2)) < (0.2 if op.endswith("ANY") else 0.8),
                                      np.array([1], np.int32)], "ReducerOptions", (1,), dtype=np.bool_)
    for op, axis in itertools.product(("ARG_MAX", "ARG_MIN"), (1, -1)):
        options = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
        yield simple(f"{op.lower()}_{axis}", op, [x, np.int32(axis)], options, (1,), dtype=np.int32, outputType=2)
        yield simple(f"{op.lower()}_{axis}_64", op, [r.ints(0, 3, 4, 7), np.int32(axis)], options, (1,), dtype=np.int64,
                     outputType=4)
    for exclusive, reverse in itertools.product((False, True), (False, True)):
        yield simple(f"cumsum_{exclusive}_{reverse}", "CUMSUM", [x, np.int32(1)], "CumsumOptions", (1,),
                     exclusive=exclusive, reverse=reverse)
    yield simple("top_k", "TOPK_V2", [x, np.int32(3)], constants=(1,), dtype=(np.float32, np.int32))


def normalization():
    r = Random("normalization")
    for beta in (1.0, 0.5):
        yield simple(f"softmax_{beta}", "SOFTMAX", [r.floats(3, 4, 7, scale=3)], "SoftmaxOptions", beta=beta)
    yield simple("log_softmax", "LOG_SOFTMAX", [r.floats(3, 7, scale=3)])
    yield simple("l2_normalization", "L2_NORMALIZATION", [r.floats(2, 3, 4, 7)], "L2NormOptions")
    yield simple("local_response", "LOCAL_RESPONSE_NORMALIZATION", [r.floats(2, 3, 4, 9)],
                 "LocalResponseNormalizationOptions", radius=2, bias=1.5, alpha=0.4, beta=0.7)


def resampling():
    for op, (align, half), size in itertools.product(("BILINEAR", "NEAREST_NEIGHBOR"), (
            (False, False), (True, False), (False, True)), ((10, 14), (3, 5), (9, 20), (5, 7), (1, 1), (13, 4))):
        name = f"resize_{op.lower()}_{align}_{half}_{size}"
        options = "ResizeBilinearOptions" if op == "BILINEAR" else "ResizeNearestNeighborOptions"
        yield simple(name, "RESIZE_" + op, [Random(name).floats(2, 5, 7, 3), np.array(size, np.int32)], options, (1,),
                     alignCorners=align, halfPixelCenters=half)


def list_cases():
    for family in (convolutions, contractions, pools, elementwise, movement, indexing, reductions, normalization, resampling):
        yield from family()
