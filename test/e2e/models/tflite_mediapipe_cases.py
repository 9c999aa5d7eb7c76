"""The cases of tflite_ops.py of custom operators that MediaPipe registers. No interpreter from PyPI has them all: what is
expected is computed here as MediaPipe's kernels are described, one element after the other."""
import itertools
import math
import struct

import numpy as np
from flatbuffers import flexbuffers

from .tflite_cases import Case, Random

FLOAT = np.float32
SAME, VALID = 1, 2  # of the C structs; 0 is none


def custom(name, op, arrays, data, compute, version=1, constants=(), shapes=None, atol=1e-5):
    """One operator with the bytes `data` as options."""

    def build(graph):
        indices = [graph.constant(a) if i in constants else graph.input(a) for i, a in enumerate(arrays)]
        tensors = [graph.tensor(list(shape), FLOAT) for shape in shapes or [a.shape for a in compute(*arrays)]]
        graph.output(*graph.custom_bytes(op, indices, tensors, data, version))

    return Case(name, build, atol=atol, compute=lambda: compute(*arrays))


def transposed_convolution(x, filters, bias, padding, stride):
    size = filters.shape[1:3]
    total = [max(0, k - (n - 1) % s - 1) if padding == SAME else 0 for k, n, s in zip(size, x.shape[1:3], stride)]
    extents = [s * (n - 1) + k - t for s, n, k, t in zip(stride, x.shape[1:3], size, total)]
    result = np.tile(bias.astype(np.float64), (x.shape[0], *extents, 1))
    for row, column, i, j in itertools.product(*map(range, (*x.shape[1:3], *size))):
        y, z = row * stride[0] - total[0] // 2 + i, column * stride[1] - total[1] // 2 + j
        if 0 <= y < extents[0] and 0 <= z < extents[1]:
            result[:, y, z] += x[:, row, column] @ filters[:, i, j].T
    return [result.astype(FLOAT)]


def transposed_convolutions():
    for padding, stride, size in itertools.product((SAME, VALID), ((1, 1), (2, 2), (3, 2)), ((3, 3), (2, 4), (1, 1))):
        name = f"mediapipe_transposed_{padding}_{stride}_{size}"
        r = Random(name)
        yield custom(name, "Convolution2DTransposeBias", [r.floats(2, 4, 5, 3), r.floats(6, *size, 3), r.floats(6)],
                     struct.pack("<3i", padding, stride[1], stride[0]),
                     lambda x, f, b, padding=padding, stride=stride: transposed_convolution(x, f, b, padding, stride),
                     constants=(1, 2))


def pool(x, padding, size, stride, activation):
    """The largest elements and their places in windows, which are 0.1 more than they are."""
    extents = [-(-n // s) if padding == SAME else (n - k + s) // s for n, k, s in zip(x.shape[1:3], size, stride)]
    before = [max(0, (e - 1) * s + k - n) // 2 for e, s, k, n in zip(extents, stride, size, x.shape[1:3])]
    values = np.full((x.shape[0], *extents, x.shape[3]), np.finfo(FLOAT).min, FLOAT)
    places = np.full_like(values, 0.1)
    for i, j in itertools.product(range(extents[0]), range(extents[1])):
        for place, (k, m) in enumerate(itertools.product(range(size[0]), range(size[1]))):
            row, column = i * stride[0] - before[0] + k, j * stride[1] - before[1] + m
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                is_larger = x[:, row, column] > values[:, i, j]
                values[:, i, j] = np.where(is_larger, x[:, row, column], values[:, i, j])
                places[:, i, j] = np.where(is_larger, FLOAT(place) + FLOAT(0.1), places[:, i, j])
    return [np.maximum(values, 0) if activation else values, places]


def unpool(x, places, size):
    result = np.zeros((x.shape[0], x.shape[1] * size[0], x.shape[2] * size[1], x.shape[3]), FLOAT)
    for n, i, j, c in np.ndindex(x.shape):
        place = int(places[n, i, j, c])
        if place < size[0] * size[1]:
            result[n, i * size[0] + place // size[1], j * size[1] + place % size[1], c] = x[n, i, j, c]
    return [result]


def pools():
    for padding, size, stride, activation in itertools.product((SAME, VALID), ((2, 2), (3, 2)), ((2, 2), (1, 3)), (0, 1)):
        name = f"mediapipe_pool_{padding}_{size}_{stride}_{activation}"
        x = Random(name).ints(-4, 5, 2, 7, 8, 3).astype(FLOAT)  # some are equal
        x[0, :4, :4, 0] = [[np.nan] * 4, [-np.inf] * 4, [1, np.nan, 2, -np.inf], [np.nan, 3, np.nan, np.nan]]
        words = [padding, *stride[::-1], *size[::-1], activation]
        yield custom(name, "MaxPoolingWithArgmax2D", [x], struct.pack("<10i", *words, 0, 0, 0, 0),
                     lambda x, p=padding, k=size, s=stride, a=activation: pool(x, p, k, s, a))
    for size in ((2, 2), (3, 2), (1, 4)):
        name = f"mediapipe_unpool_{size}"
        r = Random(name)
        places = r.rng.random((2, 4, 5, 3)).astype(FLOAT) * (size[0] * size[1] + 1) - FLOAT(0.5)
        yield custom(name, "MaxUnpooling2D", [r.floats(2, 4, 5, 3), places], struct.pack("<6i", SAME, *size[::-1] * 2, 0),
                     lambda x, p, size=size: unpool(x, p, size))


def landmarks(points, matrix):
    moved = points.copy()
    for axis in range(2):
        moved[..., axis] = points[..., 0] * matrix[0, axis, 0] + points[..., 1] * matrix[0, axis, 1] + matrix[0, axis, 3]
    return [moved]


def transform(image, matrix, height, width):
    result = np.zeros((1, height, width, image.shape[3]), FLOAT)
    padded = np.pad(image[0].astype(np.float64), ((0, 1), (0, 1), (0, 0)))
    for row, column in itertools.product(range(height), range(width)):
        x, y = (float(r[0]) * (column + 0.5) + float(r[1]) * (row + 0.5) + float(r[3]) - 0.5 for r in matrix[0, :2])
        if 0 <= x <= image.shape[2] - 1 and 0 <= y <= image.shape[1] - 1:
            i, j = math.floor(y), math.floor(x)
            upper, lower = (padded[k, j] * (1 - x + j) + padded[k, j + 1] * (x - j) for k in (i, i + 1))
            result[0, row, column] = upper * (1 - y + i) + lower * (y - i)
    return [result]


def to_matrix(points, left, right, height, width, target, scale_x, scale_y, subset):
    points = points[0].astype(np.float64)
    turn = target - math.atan2(points[right, 1] - points[left, 1], points[right, 0] - points[left, 0])

    def rotate(angle):
        return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    turned = points[subset, :2] @ rotate(turn).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    shift, rotation, scale, centre = (np.eye(4) for _ in range(4))
    shift[:2, 3] = rotate(-turn) @ ((low + high) / 2)
    rotation[:2, :2] = rotate(-turn)
    scale[0, 0], scale[1, 1] = (high - low) * [scale_x, scale_y] / [width, height]
    centre[:2, 3] = -width / 2, -height / 2
    return [(shift @ rotation @ scale @ centre)[None].astype(FLOAT)]


def pack(subset=None, **numbers):
    """A map of FlexBuffers; a list becomes a typed vector, as MediaPipe expects it."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, number in numbers.items():
            builder.Key(key)
            builder.Add(number)
        if subset:
            builder.Key("subset_idxs")
            builder.TypedVectorFromElements(subset)
    return bytes(builder.Finish())


def attention():
    matrix = np.array([[[0.9, -0.3, 7, 1.5], [0.4, 0.8, 7, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]]], FLOAT)
    for dimensions in (2, 3):
        name = f"mediapipe_landmarks_{dimensions}"
        yield custom(name, "TransformLandmarks", [Random(name).floats(1, 9, dimensions), matrix], b"", landmarks, 2)
    for name, rows in (("turned", matrix[0, :2]), ("half", [[0.5, 0, 0, 0], [0, 0.5, 0, 0]]),
                       ("same", [[1, 0, 0, 0], [0, 1, 0, 0]]), ("far", [[1, 0, 0, 30], [0, 1, 0, 0]])):
        name, given = f"mediapipe_transform_{name}", matrix.copy()
        given[0, :2] = rows
        for height, width in ((8, 6), (5, 11)):
            yield custom(f"{name}_{height}_{width}", "TransformTensorBilinear", [Random(name).floats(1, 8, 6, 5), given],
                         pack(output_height=height, output_width=width),
                         lambda x, m, h=height, w=width: transform(x, m, h, w), 2)
    for target, subset in ((0, [3, 1, 4, 5, 9]), (1.25, [2, 2]), (-3, list(range(10)))):
        name = f"mediapipe_matrix_{target}"
        numbers = {"output_height": 16, "output_width": 24, "target_rotation_radians": target, "scale_x": 1.5, "scale_y": 2.0}
        yield custom(name, "Landmarks2TransformMatrix", [Random(name).floats(1, 10, 3, scale=20)],
                     pack(subset, left_rotation_idx=7, right_rotation_idx=4, **numbers),
                     lambda points, t=target, s=subset: to_matrix(points, 7, 4, 16, 24, t, 1.5, 2.0, s), 2, atol=1e-4)


def list_cases():
    yield from transposed_convolutions()
    yield from pools()
    yield from attention()
