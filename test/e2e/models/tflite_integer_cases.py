"""More cases of tflite_ops.py on quantised numbers, bit for bit: what models of 16-bit activations have, the parts of
transformers, and pictures of unsigned bytes."""
import itertools

import numpy as np

from .tflite_cases import NONE, RELU6, SAME, VALID, Case
from .tflite_quantized_cases import quantized

INT, BYTES, WIDE = np.int32, np.int8, np.int16
EVERY = np.arange(-32768, 32768).astype(WIDE).reshape(64, 1024)


def number(name, op, values, scale, result, options=None, **fields):
    """A function of one number; `scale` and `result` are (scale, zero point)."""

    def build(graph):
        graph.output(*graph.op(op, [graph.input(values, scale)], [graph.tensor([], values.dtype, result)], options, **fields))

    return Case(name, build)


def wide():
    for kind, padding, stride, activation in itertools.product(("AVERAGE", "MAX"), (SAME, VALID), ((1, 1), (2, 3)), (NONE, RELU6)):
        numbers = (0.0004, 0)
        yield quantized(f"q_{kind.lower()}_pool_int16_{padding}_{stride}_{activation}", kind + "_POOL_2D", [(2, 9, 10, 5)], WIDE,
                        [numbers], numbers, "Pool2DOptions", padding=padding, strideH=stride[0], strideW=stride[1],
                        filterHeight=3, filterWidth=2, fusedActivationFunction=activation)
    for keep, axes in itertools.product((False, True), ([1, 2], [3], [0, 1, 2, 3])):
        yield quantized(f"q_mean_int16_{keep}_{axes}", "MEAN", [(3, 7, 5, 6)], WIDE, [(0.0007, 0)], (0.0005, 0), "ReducerOptions",
                        rest=[np.array(axes, INT)], keepDims=keep)
    for op, scale in itertools.product(("RELU", "RELU6", "ABS"), (0.0003, 0.0002)):
        yield number(f"q_{op.lower()}_int16_{scale}", op, EVERY, (scale, 0), (0.0003, 0))
    yield number("q_exp_int16", "EXP", EVERY, (0.0001, 0), (0.0009, 0))
    positive = EVERY[EVERY >= 0]
    for scale in (0.0002, 0.003):
        yield number(f"q_log_int16_{scale}", "LOG", EVERY, (scale, 0), (0.0004, 0))
        yield number(f"q_rsqrt_int16_{scale}", "RSQRT", positive, (scale, 0), (0.001, 0))
        yield number(f"q_sqrt_int16_{scale}", "SQRT", positive, (scale, 0), (0.0004, 0))
    for op in ("MAXIMUM", "MINIMUM"):
        yield quantized(f"q_{op.lower()}_int16", op, [(3, 40), (3, 40)], WIDE, [(0.01, 0)] * 2, (0.01, 0))


def functions():
    every = np.arange(-128, 128).astype(BYTES).reshape(16, 16)
    for scale, zero in ((0.05, -7), (0.011, 20), (0.3, -128)):
        name = f"{scale}_{zero}"
        positive = every[every >= zero]
        yield number(f"q_abs_{name}", "ABS", every, (scale, zero), (0.04, -3))
        yield number(f"q_abs_same_{name}", "ABS", every, (scale, zero), (scale, -3))
        yield number(f"q_rsqrt_{name}", "RSQRT", positive, (scale, zero), (0.02, -100))
        yield number(f"q_sqrt_{name}", "SQRT", positive, (scale, zero), (0.02, -100))
        yield number(f"q_log_{name}", "LOG", every, (scale, zero), (0.03, 5))
        for approximate in (False, True):
            yield number(f"q_gelu_{name}_{approximate}", "GELU", every, (scale, zero), (0.04, -20), "GeluOptions",
                         approximate=approximate)
    for dtype in (BYTES, np.uint8):
        yield quantized(f"q_relu_0_to_1_{dtype.__name__}", "RELU_0_TO_1", [(16, 16)], dtype, [0.02], 0.013)


def arithmetic():
    for dtype, slopes in itertools.product((BYTES, np.uint8), ((1, 1, 6), (4, 5, 6))):
        yield quantized(f"q_prelu_{dtype.__name__}_{slopes}", "PRELU", [(2, 4, 5, 6), slopes], dtype, [0.05, 0.01], 0.04,
                        constants=(1,))
    for shape, scales in itertools.product(((3, 40), (1, 40), (40,)), ((0.05, 0.02), (0.01, 0.3))):
        yield quantized(f"q_squared_difference_{shape}_{scales}", "SQUARED_DIFFERENCE", [(3, 40), shape], BYTES, scales, 0.9)
    for dtype, x, y in itertools.product((BYTES, WIDE), (False, True), (False, True)):
        numbers = [(0.03, 0), (0.02, 0)] if dtype == WIDE else [0.03, 0.02]
        yield quantized(f"q_batch_matmul_{dtype.__name__}_{x}_{y}", "BATCH_MATMUL", [(2, 3, 19, 5) if x else (2, 3, 5, 19), (
            2, 1, 7, 19) if y else (2, 1, 19, 7)], dtype, numbers, (9.0, 0) if dtype == WIDE else 0.3, "BatchMatMulOptions",
                        adjX=x, adjY=y)


def pictures():
    for size, (align, half) in itertools.product(((10, 14), (3, 5), (9, 20), (1, 1), (13, 4), (37, 50)), (
            (False, False), (True, False), (False, True))):
        numbers = (0.05, 120)
        yield quantized(f"q_resize_bilinear_uint8_{size}_{align}_{half}", "RESIZE_BILINEAR", [(2, 5, 7, 3)], np.uint8, [numbers],
                        numbers, "ResizeBilinearOptions", rest=[np.array(size, INT)], alignCorners=align, halfPixelCenters=half)

    def build_plain(graph):
        """One colour: what is lost by rounding shows."""
        for value in range(1, 256, 9):
            x = graph.input(np.full((1, 4, 5, 1), value, np.uint8), (1, 0))
            graph.output(*graph.op("RESIZE_BILINEAR", [x, graph.constant(np.array((11, 13), INT))],
                                   [graph.tensor([], np.uint8, (1, 0))], "ResizeBilinearOptions", halfPixelCenters=True))

    yield Case("q_resize_bilinear_uint8_plain", build_plain)


def list_cases():
    for family in (wide, functions, arithmetic, pictures):
        yield from family()
