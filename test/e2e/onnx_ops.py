#!/usr/bin/env python3
"""Operators of ONNX that are put together from others, one node each with random data, against ONNX Runtime: with static shapes, and
with all extents of the first input known only at run time."""
import sys

import numpy as np

from domain_ops import RANDOM, constant, floats, ints, run_cases

ONNX = ""


def pool_cases():
    for axes, kernel in ((1, 3), (2, (2, 3)), (3, (2, 3, 2))):
        kernel = list(np.atleast_1d(kernel))
        shape = (2, 3, 11, 9, 8)[:2 + axes]
        for order in (0, 1):
            for ceil in (0, 1):
                more = {"strides": [2, 3, 1][:axes], "dilations": [1, 2, 1][:axes], "pads": [1, 0, 1][:axes] * 2}
                yield f"indices_{axes}_{order}_{ceil}", "MaxPool", 2, [floats(*shape)], {
                    "kernel_shape": kernel, "storage_order": order, "ceil_mode": ceil, **more}
    ties = ints(3, 2, 3, 9, 9).astype(np.float32)  # the first of several
    yield "indices_ties", "MaxPool", 2, [ties], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    yield "indices_same", "MaxPool", 2, [ties], {"kernel_shape": [3, 2], "auto_pad": "SAME_LOWER"}
    yield "indices_double", "MaxPool", 2, [floats(1, 2, 7, 7).astype(np.float64)], {"kernel_shape": [3, 3]}
    yield "indices_int8", "MaxPool", 2, [ints(255, 1, 2, 7, 7, dtype=np.uint8)], {"kernel_shape": [2, 2], "pads": [1] * 4}
    small = np.full((1, 1, 4, 4), -np.inf, np.float32)
    yield "indices_infinite", "MaxPool", 2, [small], {"kernel_shape": [2, 2], "strides": [2, 2]}
    for axes in (1, 2, 3):
        shape, pooled = (2, 3, 4, 6, 8)[:2 + axes], (2, 3, 2, 3, 4)[:2 + axes]
        count = int(np.prod(pooled))
        where = RANDOM.permutation(int(np.prod(shape)))[:count].reshape(pooled).astype(np.int64)
        yield f"unpool_{axes}", "MaxUnpool", 1, [floats(*pooled), where], {"kernel_shape": [2] * axes, "strides": [2] * axes}


def deformable_cases():
    def case(name, groups, offset_groups, mask, size=(7, 9), kernel=(3, 2), strides=(1, 2), dilations=(2, 1), pads=(1, 0, 2, 1)):
        channels, filters = 4 * groups * offset_groups, 2 * groups
        extents = [(size[i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in (0, 1)]
        places = offset_groups * kernel[0] * kernel[1]
        inputs = [floats(2, channels, *size), floats(filters, channels // groups, *kernel),
                  2 * floats(2, 2 * places, *extents), floats(filters)]
        if mask:
            inputs.append(floats(2, places, *extents))
        return name, "DeformConv", 1, inputs, {"group": groups, "offset_group": offset_groups, "strides": list(strides),
                                                "dilations": list(dilations), "pads": list(pads),
                                                "kernel_shape": list(kernel)}

    yield case("deform", 1, 1, False)
    yield case("deform_mask", 1, 1, True)
    yield case("deform_groups", 2, 1, True)
    yield case("deform_offset_groups", 1, 3, True)
    yield case("deform_both", 2, 2, True)
    yield case("deform_1x1", 1, 1, False, kernel=(1, 1), pads=(0, 0, 0, 0))


def matrix_cases():
    for shape in ((3, 3), (2, 5, 5), (2, 3, 4, 4), (1, 1), (7, 1, 1), (33, 33)):
        yield "det_" + "x".join(map(str, shape)), "Det", 1, [floats(*shape)], {}
    yield "det_swap", "Det", 1, [np.array([[0, 2, 1], [3, 0, 1], [1, 1, 0]], np.float32)], {}
    yield "det_singular", "Det", 1, [np.ones((2, 4, 4), np.float32)], {}


def vectorizer_cases():
    pool = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7, 2, 3, 4, 5, 6, 4]
    attributes = {"ngram_counts": [0, 4, 10], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6, 7, 8], "pool_int64s": pool,
                  "min_gram_length": 1, "max_gram_length": 3, "max_skip_count": 0}
    weights = [0.5 + i for i in range(9)]
    for mode in ("TF", "IDF", "TFIDF"):
        for weighted in ({}, {"weights": weights}):
            for skip in (0, 1, 4):
                for low, high in ((1, 1), (1, 3), (2, 2), (2, 3)):
                    yield f"grams_{mode}_{skip}_{low}_{high}_{len(weighted)}", "TfIdfVectorizer", 1, [
                        ints(9, 3, 12, dtype=np.int64)], dict(attributes, mode=mode, max_skip_count=skip, min_gram_length=low,
                                                               max_gram_length=high, **weighted)
    permuted = dict(attributes, mode="TFIDF", ngram_indexes=[8, 3, 0, 1, 7, 2, 6, 4, 5], weights=weights, max_skip_count=2)
    yield "grams_permuted", "TfIdfVectorizer", 1, [ints(9, 2, 9)], permuted
    yield "grams_row", "TfIdfVectorizer", 1, [ints(9, 20)], permuted
    yield "grams_short", "TfIdfVectorizer", 1, [ints(9, 2, 2)], permuted


def region_cases():
    regions = np.array([[0, 0, 9, 6], [1.5, 2.25, 6, 12], [-2, -3, 4, 4], [3, 3, 3.2, 3.1], [5, 1, 14, 15]], np.float32)
    batch = np.array([0, 1, 0, 1, 1], np.int64)
    for mode in ("avg", "max"):
        for pixels in ("half_pixel", "output_half_pixel"):
            for ratio in (0, 1, 3):
                yield f"regions_{mode}_{pixels}_{ratio}", "RoiAlign", 1, [floats(2, 3, 13, 11), regions, batch], {
                    "mode": mode, "coordinate_transformation_mode": pixels, "sampling_ratio": ratio, "output_height": 3,
                    "output_width": 2, "spatial_scale": 0.75}


def training_cases():
    x, row = floats(3, 4, 5, 2), [floats(4) for _ in range(4)]
    row[3] = np.abs(row[3])
    yield "batch_norm", "BatchNormalization", 3, [x, *row], {"training_mode": 1, "momentum": 0.7, "epsilon": 1e-3}
    yield "batch_norm_flat", "BatchNormalization", 3, [floats(9, 4), *row], {"training_mode": 1}


def logarithm_cases():
    """Large scores, whose differences are small."""
    for offset in (1e4, -3e6, 1e30):
        yield f"log_softmax_{offset:.0g}", "LogSoftmax", 1, [(ints(3, 6, 9) + np.float32(offset)).astype(np.float32)], {"axis": 1}


def pad_cases():
    """What negative pads leave is what is repeated."""
    for pads in ([-1, 2, 1, -2], [3, -1, -2, 7], [0, 5, 4, 0]):
        yield f"wrap_{pads}", "Pad", 1, [floats(5, 6), constant(np.array(pads, np.int64))], {"mode": "wrap"}


def einsum_cases():
    """An axis of one element of the second operand, for all of the first."""
    for equation, lhs, rhs in (("ij,jk->ik", (2, 3), (1, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 1, 5)), ("ij,ij->", (2, 3), (2, 1)),
                               ("aij,jk->ak", (2, 3, 4), (1, 5)), ("...j,j->...", (2, 3), (1,))):
        yield f"einsum_{equation}", "Einsum", 1, [floats(*lhs), floats(*rhs)], {"equation": equation}


def resize_cases():
    """Integers between which is a half or quarter: rounded toward zero. Other fractions ONNX Runtime rounds before it cuts them."""
    for dtype in (np.uint8, np.int8, np.int32):
        x = (RANDOM.integers(-100, 101, (1, 2, 5, 3)) + (0 if dtype != np.uint8 else 100)).astype(dtype)
        x[..., 1:3, :2] = x[..., :1, :1]
        for mode, to in (("half_pixel", (10, 6)), ("asymmetric", (20, 6)), ("align_corners", (9, 5)), ("pytorch_half_pixel", (10, 3))):
            sizes = constant(np.array((1, 2) + to, np.int64))
            yield f"resize_{np.dtype(dtype).name}_{mode}", "Resize", 1, [x, None, None, sizes], {
                "mode": "linear", "coordinate_transformation_mode": mode}


def early_cases():
    """Versions of operators that ONNX Runtime alone still runs, or runs as ONNX's tests of that time had them."""
    x = floats(2, 3, 4, 5)
    yield "early_threshold", "ThresholdedRelu", 1, [x], {"alpha": 0.3}, 7
    yield "early_mean", "MeanVarianceNormalization", 1, [x], {"across_channels": 1}, 7
    yield "early_centered", "MeanVarianceNormalization", 1, [x], {"normalize_variance": 0}, 7
    yield "early_norm", "LayerNormalization", 3, [x, floats(5), floats(5)], {"axis": -1}, 7
    yield "early_reshape", "Reshape", 1, [x], {"shape": [0, -1, 5]}, 1
    scales = np.array([1, 1, 0.6, 1.8], np.float32)
    yield "early_resize", "Resize", 1, [x, constant(scales)], {"mode": "nearest"}, 10
    yield "early_resize_run_time", "Resize", 1, [x, scales], {"mode": "nearest"}, 10
    yield "squeeze_twice", "Squeeze", 1, [floats(1, 3, 1)], {"axes": [2, 0, 2]}, 7


def type_cases():
    for dtype in (np.uint32, np.uint64):
        yield f"product_{np.dtype(dtype).name}", "MatMul", 1, [ints(2**31 - 1, 2, 3, dtype=dtype), ints(9, 3, 4, dtype=dtype)], {}
    yield "hardmax_empty", "Hardmax", 1, [floats(1, 0)], {}
    places, truths = np.array([[1, 1], [0, 1]], np.int64), np.array([[True, False], [False, False]])
    yield "scatter_truths", "ScatterElements", 1, [~truths, places, truths], {"reduction": "add"}


def line_cases():
    """Resize along one axis: of one element, between numbers that hardly fit, to lengths that only a run knows. NaN and infinity
    are not among them: ONNX Runtime multiplies pixels beside by 0 as well, even those of other rows."""
    edges = np.array([-0.0, 0.0, 1.0, 3e38, 2.0, 1e-30, 3.0, -3e38, -4.0], np.float32)
    for mode, axis, sizes in (("linear", 2, ((13, 29), (1, 7), (31, 1))), ("linear", 3, ((29, 13), (1, 7), (17, 17))),
                              ("cubic", 3, ((13, 29), (29, 13), (1, 7)))):
        for (size, to), coordinates in zip(sizes, ("half_pixel", "asymmetric", "align_corners")):
            x, shape = floats(*((2, 3, size, 5) if axis == 2 else (2, 3, 5, size))), np.array([2, 3, 5, 5], np.int64)
            shape[axis] = to
            attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
            yield f"line_{mode}_{axis}_{size}_{to}", "Resize", 1, [x, None, None, constant(shape)], attributes
            yield f"line_{mode}_{axis}_{size}_{to}_run_time", "Resize", 1, [x, None, None, shape], attributes
    for axis in (2, 3):
        x = np.stack([np.roll(edges, i) for i in range(5)])
        x = (x if axis == 3 else x.T)[None, None]
        shape = np.array([1, 1, *x.shape[2:]], np.int64)
        shape[axis] = 18
        yield f"line_edges_{axis}", "Resize", 1, [x, None, None, shape], {"mode": "linear"}


def product_cases():
    """Products of two matrices that a run computes, of odd sizes: 8-bit integers at their limits, and f16 with what is no number."""
    shapes = [((1, 1), (1, 1)), ((1, 63), (63, 5)), ((5, 17), (17, 1)), ((13, 67), (67, 33)), ((3, 129), (129, 65)),
              ((2, 3, 7, 31), (31, 9)), ((3, 9, 70), (3, 70, 18)), ((0, 5), (5, 4)), ((4, 5), (5, 0))]
    for i, (left, right) in enumerate(shapes):
        a_type, b_type = ((np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8))[i % 3]
        limits = [np.iinfo(a_type), np.iinfo(b_type)]
        a, b = (RANDOM.choice([limit.min, limit.max, 0, 1, 100], shape).astype(limit.dtype) for limit, shape in zip(limits, (left, right)))
        yield f"integers_{i}", "MatMulInteger", 1, [a, b], {}
        yield f"integers_{i}_zeros", "MatMulInteger", 1, [a, b, a_type(limits[0].max), b_type(limits[1].min)], {}
        a, b = floats(*left).astype(np.float16), floats(*right).astype(np.float16)
        yield f"halves_{i}", "MatMul", 1, [a, b], {}
        yield f"halves_{i}_weights", "MatMul", 1, [a, constant(b)], {}
    for rows in (1, 5, 13):
        a, b = floats(rows, 33).astype(np.float16), floats(33, 19).astype(np.float16)
        a[0, 3], b[5, 2], b[6, 4], b[:, 7] = np.nan, np.inf, -np.inf, -0.0
        a[-1, -1] = 6e-8  # denormal
        yield f"halves_edges_{rows}", "MatMul", 1, [a, b], {}
        yield f"halves_large_{rows}", "MatMul", 1, [np.full((rows, 33), 60000, np.float16), np.full((33, 3), 2, np.float16)], {}


def cases():
    for group in (pool_cases, deformable_cases, matrix_cases, vectorizer_cases, region_cases, training_cases, logarithm_cases,
                  pad_cases, einsum_cases, resize_cases, early_cases, type_cases,
                  line_cases, product_cases):
        yield from group()


if __name__ == "__main__":
    sys.exit(run_cases("operators", [(ONNX, case) for case in cases()], sys.argv[1:]))
