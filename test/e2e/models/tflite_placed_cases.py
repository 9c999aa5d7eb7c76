"""The cases of tflite_ops.py of operators that choose elements, or put them elsewhere."""
import itertools

import numpy as np

from .tflite_cases import Case, Random, simple
from .tflite_quantized_cases import integers, quantized

INT, FLOAT = np.int32, np.float32


def elementwise():
    r = Random("more elementwise")
    yield simple("atan2", "ATAN2", [r.floats(5, 40), r.floats(5, 40)])
    edges = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf], FLOAT)
    y, x = (grid.reshape(-1).copy() for grid in np.meshgrid(edges, edges))
    keep = ~((y == 0) & np.signbit(y))  # the sign of a zero of the result is not compared
    yield simple("atan2_edges", "ATAN2", [y[keep], x[keep]])
    for bits, (low, high) in itertools.product((2, 8, 16), ((-1.3, 2.0), (0.0, 6.0), (-0.1, 0.05))):
        yield simple(f"fake_quant_{bits}_{low}", "FAKE_QUANT", [r.floats(7, 9, scale=2)], "FakeQuantOptions", min=low,
                     max=high, numBits=bits)
    yield simple("bitcast", "BITCAST", [r.floats(3, 4)], "BitcastOptions", dtype=INT)
    for values in (r.floats(4, 6, scale=4), r.ints(-5, 9, 4, 6)):
        yield simple(f"bucketize_{values.dtype}", "BUCKETIZE", [values], "BucketizeOptions", dtype=INT,
                     boundaries=[-2.0, 0.0, 1.0, 5.0])


def arrangement():
    r = Random("arrangement")
    for time, batch in ((1, 0), (0, 2), (2, 1)):
        x = r.floats(4, 3, 5)
        lengths = r.ints(0, x.shape[time] + 1, x.shape[batch])
        for dtype in (INT, np.int64):
            yield simple(f"reverse_sequence_{time}_{batch}_{np.dtype(dtype)}", "REVERSE_SEQUENCE", [x, lengths.astype(dtype)],
                         "ReverseSequenceOptions", seqDim=time, batchDim=batch)
    for name, starts in (("inside", [1, 2, 0]), ("moved", [9, -4, 1]), ("edge", [2, 3, 0])):
        yield simple(f"dynamic_update_slice_{name}", "DYNAMIC_UPDATE_SLICE", [r.floats(4, 5, 6), r.floats(2, 2, 6),
                                                                              np.array(starts, INT)])
    yield simple("dynamic_update_slice_whole", "DYNAMIC_UPDATE_SLICE", [r.floats(3, 2), r.floats(3, 2), np.array([1, 1], INT)])
    yield simple("matrix_diag", "MATRIX_DIAG", [r.floats(2, 3, 4)])
    for shape in ((2, 4, 4), (3, 5), (2, 5, 3)):
        yield simple(f"matrix_set_diag_{shape}", "MATRIX_SET_DIAG", [r.floats(*shape), r.floats(*shape[:-2], min(shape[-2:]))])
    for a, b in (([3, 1, 5], [4, 1]), ([1], [2, 7]), ([2, 3], [2, 3])):
        yield simple(f"broadcast_args_{a}", "BROADCAST_ARGS", [np.array(a, INT), np.array(b, INT)], dtype=INT)


def selection():
    r = Random("selection")
    sparse = r.floats(3, 4, 2) * r.bools(3, 4, 2)
    for name, x in (("floats", sparse), ("bools", r.bools(5, 3)), ("row", r.ints(0, 2, 9))):
        yield simple(f"where_{name}", "WHERE", [x], dtype=np.int64)
    for dtype in (INT, FLOAT):
        yield simple(f"unique_{np.dtype(dtype)}", "UNIQUE", [r.ints(0, 6, 17).astype(dtype)], "UniqueOptions", dtype=(dtype, INT))
    corners = np.sort(r.rng.random((20, 2, 2)), axis=1).reshape(20, 4).astype(FLOAT)
    boxes, scores = corners + np.array([0, 0, 0.3, 0.3], FLOAT), r.rng.permutation(20).astype(FLOAT) / 20
    for most, overlap, least in ((5, 0.4, 0.2), (20, 0.7, 0.0), (20, 0.1, 0.95), (3, 0.5, 2.0)):
        limits = [np.array(most, INT), FLOAT(overlap), FLOAT(least)]
        name = f"{most}_{overlap}_{least}"
        yield simple(f"non_max_suppression_{name}", "NON_MAX_SUPPRESSION_V4", [boxes, scores, *limits], constants=(2, 3, 4),
                     dtype=(INT, INT))
        yield simple(f"non_max_suppression_scores_{name}", "NON_MAX_SUPPRESSION_V5", [boxes, scores, *limits, FLOAT(0)],
                     constants=(2, 3, 4, 5), dtype=(INT, FLOAT, INT))
    yield simple("segment_sum", "SEGMENT_SUM", [r.floats(6, 3), np.array([0, 0, 1, 1, 1, 2], INT)], constants=(1,))
    for kind, dtype in itertools.product(("SUM", "PROD", "MAX", "MIN"), (FLOAT, INT)):
        yield simple(f"unsorted_segment_{kind.lower()}_{np.dtype(dtype)}", f"UNSORTED_SEGMENT_{kind}",
                     [(r.floats(6, 3) * 4).astype(dtype), np.array([2, 0, -1, 2, 4, 0], INT), np.array(5, INT)], constants=(2,),
                     dtype=dtype)
    yield simple("unsorted_segment_matrix", "UNSORTED_SEGMENT_SUM", [r.floats(2, 3, 4), r.ints(0, 3, 2, 3), np.array(4, INT)],
                 constants=(2,))
    yield simple("sparse_to_dense_matrix", "SPARSE_TO_DENSE", [np.array([[0, 1], [2, 3]], INT), np.array([3, 4], INT),
                                                              r.floats(2), FLOAT(0.5)], "SparseToDenseOptions", (1,))
    yield simple("sparse_to_dense_list", "SPARSE_TO_DENSE", [np.array([1, 4], np.int64), np.array([6], np.int64), np.int64(7),
                                                            np.int64(-1)], "SparseToDenseOptions", (1,), dtype=np.int64)
    yield simple("hashtable_lookup", "HASHTABLE_LOOKUP", [np.array([5, 9, 2, 1], INT), np.array([1, 2, 5, 7], INT),
                                                         r.floats(4, 3)], dtype=(FLOAT, np.uint8))


def quantised():
    """Bit for bit."""
    for op, dtype in itertools.product(("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"), (np.int8,
                                                                                                               np.uint8)):
        name = f"q_{op.lower()}_{dtype.__name__}"

        def build(graph, name=name, op=op, dtype=dtype):
            r = Random(name)
            zero = 3 if dtype == np.int8 else 130
            x = graph.input(integers(r, (9, 40), dtype), (0.05, zero))
            y = graph.input(integers(r, (9, 40), dtype), (0.05, zero))
            z = graph.input(integers(r, (40,), dtype), (0.021, zero + 9))
            for other in (y, z):
                graph.output(*graph.op(op, [x, other], [graph.tensor([], np.bool_)]))

        yield Case(name, build)
    for dtype, activation in itertools.product((np.uint8,), (0, 1, 3)):

        def build_div(graph, dtype=dtype, activation=activation):
            r = Random("div")
            x = graph.input(integers(r, (3, 99), dtype), (0.05, 120))
            y = graph.input(r.ints(131, 256, 3, 99, dtype=dtype), (0.03, 130))
            graph.output(*graph.op("DIV", [x, y], [graph.tensor([], dtype, (0.04, 100))], "DivOptions",
                                   fusedActivationFunction=activation))

        yield Case(f"q_div_{dtype.__name__}_{activation}", build_div)
    for dtype, size, (align, half) in itertools.product((np.int8, np.int16), ((10, 14), (3, 5), (9, 20), (1, 1), (13, 4)), (
            (False, False), (True, False), (False, True))):
        numbers = (0.05, 7 if dtype == np.int8 else 0)
        yield quantized(f"q_resize_bilinear_{dtype.__name__}_{size}_{align}_{half}", "RESIZE_BILINEAR", [(2, 5, 7, 3)], dtype,
                        [numbers], numbers, "ResizeBilinearOptions", rest=[np.array(size, INT)], alignCorners=align,
                        halfPixelCenters=half)

    def build_select(graph):
        r = Random("q_select")
        x, y = (graph.input(integers(r, (4, 5), np.int8), (0.1, 4)) for _ in range(2))
        for op in ("SELECT", "SELECT_V2"):
            graph.output(*graph.op(op, [graph.input(r.bools(4, 5)), x, y], [graph.tensor([], np.int8, (0.1, 4))]))

    yield Case("q_select", build_select)


def wide():
    """Of 16 bits, all integers there are."""
    every = np.arange(-32768, 32768).astype(np.int16).reshape(64, 1024)
    for op, scale in itertools.product(("LOGISTIC", "TANH"), (2.0 ** -12, 0.0003, 0.001, 2.0 ** -10, 0.00007)):

        def build(graph, op=op, scale=scale):
            graph.output(*graph.op(op, [graph.input(every, (scale, 0))], [graph.tensor([], np.int16, (2.0 ** -15, 0))]))

        yield Case(f"q_{op.lower()}_int16_{scale}", build)
    yield quantized("q_softmax_int8_int16", "SOFTMAX", [(30, 7)], np.int8, [0.05], (1 / 65536, -32768), "SoftmaxOptions",
                    result_type=np.int16, beta=1.0)
    for scale, beta, shape in itertools.product((0.0003, 0.001, 0.00002), (1.0, 0.5), ((30, 7), (5, 300), (4, 1))):
        yield quantized(f"q_softmax_int16_{scale}_{beta}_{shape}", "SOFTMAX", [shape], np.int16, [(scale, 0)], (2.0 ** -15, 0),
                        "SoftmaxOptions", beta=beta)


def convolutions():
    for padding, strides in itertools.product((0, 1), ((1, 1, 1), (2, 1, 3))):
        name = f"conv_3d_transpose_{padding}_{strides}"
        r = Random(name)
        shape, size = (2, 3, 4, 5, 3), (2, 3, 2)
        out = [e * s if padding == 0 else (e - 1) * s + max(k, s) for e, s, k in zip(shape[1:4], strides, size)]
        yield simple(name, "CONV_3D_TRANSPOSE", [np.array([2, *out, 4], INT), r.floats(*size, 4, 3), r.floats(*shape),
                                                 r.floats(4)], "Conv3DOptions", (0, 1, 3), padding=padding, strideD=strides[0],
                     strideH=strides[1], strideW=strides[2])
    for padding, stride, size, extra in itertools.product((0, 1), (1, 2), ((3, 3), (2, 4), (1, 1)), (0, 1)):
        name = f"transpose_conv_run_time_{padding}_{stride}_{size}_{extra}"
        r = Random(name)
        shape = [2, 4, 5, 3]
        # A shape of which the convolution from there to here is as large as the input.
        out = [e * stride - (extra if stride > 1 else 0) if padding == 0 else (e - 1) * stride + max(k, stride)
               for e, k in zip(shape[1:3], size)]
        yield simple(name, "TRANSPOSE_CONV", [np.array([2, *out, 6], INT), r.floats(6, *size, 3), r.floats(*shape),
                                              r.floats(6)], "TransposeConvOptions", (1, 3), padding=padding, strideH=stride,
                     strideW=stride)


def list_cases():
    for family in (convolutions, elementwise, arrangement, selection, quantised, wide):
        yield from family()
