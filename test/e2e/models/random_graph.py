"""Random ONNX graphs of common layers: odd extents, groups, dilations, strides, broadcasts, layers in any order.

Every layer keeps values in a small range, and none jumps (no rounding, no comparison), so that two right implementations
differ by rounding alone."""
import numpy as np

from models.graph_builder import FLOAT, GraphBuilder

MOST_ELEMENTS = 60_000
UNARY = ["Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Erf", "Softplus", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Selu",
         "Softsign", "Mish", "Sin", "Cos", "Atan", "Identity"]
REDUCTIONS = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp",
              "ReduceSumSquare"]


class Value:
    def __init__(self, name, shape):
        self.name, self.shape = name, [int(extent) for extent in shape]

    rank = property(lambda self: len(self.shape))


class RandomGraph(GraphBuilder):
    """make() gives (model, inputs)."""

    def __init__(self, seed):
        super().__init__(seed)
        self.values = []
        self.layers = [self.unary, self.unary, self.binary_constant, self.binary_values, self.convolution, self.convolution,
                       self.convolution, self.transposed_convolution, self.pool, self.global_pool, self.batch_norm,
                       self.instance_norm, self.layer_norm, self.lrn, self.softmax, self.product, self.product,
                       self.self_product, self.gemm, self.transpose, self.reshape, self.concat, self.slice, self.pad,
                       self.split, self.reduce, self.resize, self.gather, self.unsqueeze, self.tile, self.depth_to_space,
                       self.where, self.clip]

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def number(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability):
        return self.rng.random() < probability

    def weight(self, shape, scale=1.0):
        return self.normal([int(extent) for extent in shape], scale)

    def ints(self, numbers):
        return self.constant(np.array(numbers, np.int64))

    def add(self, op, inputs, shape, **attributes):
        self.values.append(Value(self.node(op, *inputs, **attributes), shape))
        return True

    # Layers: each takes a value, and returns False where it does not fit that value.

    def unary(self, x):
        return self.add(self.pick(UNARY), [x.name], x.shape)

    def clip(self, x):
        return self.add("Clip", [x.name, self.constant(np.float32(-0.7)), self.constant(np.float32(1.1))], x.shape)

    def broadcast_shape(self, shape):
        """A shape that broadcasts to `shape`."""
        kept = shape[self.number(0, len(shape)):] if self.chance(0.5) else list(shape)
        return [1 if self.chance(0.3) else extent for extent in kept]

    def binary_constant(self, x):
        operands = [x.name, self.weight(self.broadcast_shape(x.shape))]
        if self.chance(0.3):
            operands.reverse()
        return self.add(self.pick(["Add", "Sub", "Mul", "Max", "Min"]), operands, x.shape)

    def binary_values(self, x):
        others = [v for v in self.values if v.shape == x.shape]
        return self.add(self.pick(["Add", "Mul", "Sub", "Max"]), [x.name, self.pick(others).name], x.shape)

    def where(self, x):
        condition = self.constant(self.rng.random(self.broadcast_shape(x.shape)) < 0.5)
        return self.add("Where", [condition, x.name, self.pick([v for v in self.values if v.shape == x.shape]).name], x.shape)

    def window(self, extent, most=4):
        """kernel, stride, dilation, pads of one axis, and the output's extent."""
        kernel, stride, dilation = self.number(1, most), self.number(1, 3), self.pick([1, 1, 1, 2, 3])
        before, after = self.number(0, kernel - 1), self.number(0, kernel - 1)
        room = extent + before + after - dilation * (kernel - 1) - 1
        return kernel, stride, dilation, before, after, room // stride + 1 if room >= 0 else 0

    def windows(self, x, most=4):
        columns = list(zip(*[self.window(extent, most) for extent in x.shape[2:]]))
        return None if min(columns[5]) < 1 else [list(column) for column in columns]

    def convolution(self, x):
        if x.rank not in (3, 4, 5):
            return False
        found = self.windows(x)
        if not found:
            return False
        kernel, strides, dilations, before, after, extents = found
        channels = x.shape[1]
        groups = self.pick([g for g in range(1, channels + 1) if channels % g == 0] + [1, channels])
        outputs = groups * self.number(1, max(1, 40 // groups))
        fan_in = channels // groups * int(np.prod(kernel))
        operands = [x.name, self.weight([outputs, channels // groups, *kernel], fan_in ** -0.5)]
        if self.chance(0.7):
            operands.append(self.weight([outputs], 0.3))
        self.add("Conv", operands, [x.shape[0], outputs, *extents], kernel_shape=kernel, strides=strides,
                 dilations=dilations, pads=before + after, group=groups)
        if self.chance(0.5):
            self.unary(self.values[-1])
        return True

    def transposed_convolution(self, x):
        if x.rank not in (3, 4) or min(x.shape) < 1:
            return False
        spatial = x.rank - 2
        kernel = [self.number(1, 4) for _ in range(spatial)]
        strides = [self.number(1, 3) for _ in range(spatial)]
        before, after = [[self.number(0, k // 2) for k in kernel] for _ in range(2)]
        extra = [self.number(0, s - 1) for s in strides]
        extents = [s * (e - 1) + o + k - b - a
                   for s, e, o, k, b, a in zip(strides, x.shape[2:], extra, kernel, before, after)]
        if min(extents) < 1:
            return False
        channels = x.shape[1]
        groups = self.pick([g for g in range(1, channels + 1) if channels % g == 0])
        outputs = self.number(1, 12)
        operands = [x.name, self.weight([channels, outputs, *kernel], (channels * np.prod(kernel)) ** -0.5),
                    self.weight([groups * outputs], 0.3)]
        return self.add("ConvTranspose", operands, [x.shape[0], groups * outputs, *extents], kernel_shape=kernel,
                        strides=strides, pads=before + after, output_padding=extra, group=groups)

    def pool(self, x):
        if x.rank not in (3, 4, 5):
            return False
        found = self.windows(x, 3)
        if not found:
            return False
        kernel, strides, dilations, before, after, extents = found
        if self.chance(0.5):
            return self.add("MaxPool", [x.name], x.shape[:2] + extents, kernel_shape=kernel, strides=strides,
                            dilations=dilations, pads=before + after)
        extents = [(e + b + a - k) // s + 1 for e, b, a, k, s in zip(x.shape[2:], before, after, kernel, strides)]
        return self.add("AveragePool", [x.name], x.shape[:2] + extents, kernel_shape=kernel, strides=strides,
                        pads=before + after, count_include_pad=self.number(0, 1))

    def global_pool(self, x):
        if x.rank < 3:
            return False
        op = self.pick(["GlobalAveragePool", "GlobalMaxPool"])
        return self.add(op, [x.name], x.shape[:2] + [1] * (x.rank - 2))

    def batch_norm(self, x):
        if x.rank < 2:
            return False
        c = [x.shape[1]]
        return self.add("BatchNormalization", [x.name, self.uniform(c, 0.5, 1.5), self.weight(c), self.weight(c),
                                               self.uniform(c, 0.5, 1.5)], x.shape)

    def instance_norm(self, x):
        if x.rank < 3 or np.prod(x.shape[2:]) < 4:
            return False
        c = [x.shape[1]]
        return self.add("InstanceNormalization", [x.name, self.uniform(c, 0.5, 1.5), self.weight(c)], x.shape, epsilon=0.1)

    def layer_norm(self, x):
        if x.rank < 2:
            return False
        axis = self.number(1, x.rank - 1)
        return self.add("LayerNormalization", [x.name, self.weight(x.shape[axis:]), self.weight(x.shape[axis:])], x.shape,
                        axis=axis - x.rank if self.chance(0.5) else axis, epsilon=0.1)

    def lrn(self, x):
        return x.rank == 4 and self.add("LRN", [x.name], x.shape, size=self.pick([1, 3, 5]), alpha=0.1)

    def softmax(self, x):
        return x.rank > 0 and self.add(self.pick(["Softmax", "Softmax", "LogSoftmax"]), [x.name], x.shape,
                                       axis=self.number(-x.rank, x.rank - 1))

    def product(self, x):
        if x.rank < 1:
            return False
        k, n = x.shape[-1], self.number(1, 70)
        batch = [e if self.chance(0.7) else 1 for e in x.shape[:-2]] if self.chance(0.3) and x.rank > 2 else []
        shape = x.shape[:-1] + [n]
        return self.add("MatMul", [x.name, self.weight(batch + [k, n], max(k, 1) ** -0.5)], shape)

    def self_product(self, x):
        """x times its transpose, as attention has it."""
        if x.rank < 2 or x.shape[-2] > 80:
            return False
        order = list(range(x.rank - 2)) + [x.rank - 1, x.rank - 2]
        turned = self.node("Transpose", x.name, perm=order)
        scaled = self.node("Mul", x.name, self.constant(np.float32(0.3 / max(1, x.shape[-1]))))
        return self.add("MatMul", [scaled, turned], x.shape[:-1] + [x.shape[-2]])

    def gemm(self, x):
        if x.rank != 2:
            return False
        transposed, n = self.number(0, 1), self.number(1, 50)
        m, k = reversed(x.shape) if transposed else x.shape
        other = self.number(0, 1)
        bias = self.weight(self.pick([[n], [1, n], [m, 1], [1]]))
        return self.add("Gemm", [x.name, self.weight([n, k] if other else [k, n], max(k, 1) ** -0.5), bias], [m, n],
                        transA=transposed, transB=other, alpha=0.5, beta=0.7)

    def transpose(self, x):
        order = [int(i) for i in self.rng.permutation(x.rank)]
        return x.rank > 1 and self.add("Transpose", [x.name], [x.shape[i] for i in order], perm=order)

    def reshape(self, x):
        """Merges two neighbours or splits one axis; the first extent is copied."""
        if x.rank < 2:
            return False
        shape, axis = list(x.shape), self.number(1, x.rank - 1)
        divisors = [d for d in range(2, shape[axis]) if shape[axis] % d == 0]
        if divisors and x.rank < 5 and self.chance(0.5):
            part = self.pick(divisors)
            shape[axis:axis + 1] = [part, shape[axis] // part]
        elif axis < x.rank - 1:
            shape[axis:axis + 2] = [shape[axis] * shape[axis + 1]]
        else:
            return self.add("Flatten", [x.name], [int(np.prod(shape[:axis])), shape[axis]], axis=axis)
        return self.add("Reshape", [x.name, self.ints([0] + shape[1:])], shape)

    def concat(self, x):
        axis = self.number(0, x.rank - 1) if x.rank else -1
        if axis < 0:
            return False
        fits = [v for v in self.values if v.rank == x.rank and all(a == b for i, (a, b) in enumerate(zip(v.shape, x.shape))
                                                                  if i != axis)]
        parts = [x] + [self.pick(fits) for _ in range(self.number(1, 3))]
        shape = list(x.shape)
        shape[axis] = sum(v.shape[axis] for v in parts)
        return self.add("Concat", [v.name for v in parts], shape, axis=axis)

    def slice(self, x):
        if x.rank < 1 or min(x.shape) < 1:
            return False
        axis, step = self.number(0, x.rank - 1), self.pick([1, 1, 2, -1])
        extent = x.shape[axis]
        first = self.number(0, extent - 1)
        last = self.number(first + 1, extent + 2)
        shape = list(x.shape)
        if step > 0:
            start, end, shape[axis] = first, last, len(range(extent)[first:last:step])
        else:
            start, end, shape[axis] = min(last, extent) - 1, first - 1 - extent, min(last, extent) - first
            end = end if first else -extent - 5
        return self.add("Slice", [x.name, self.ints([start]), self.ints([end]), self.ints([axis]), self.ints([step])], shape)

    def pad(self, x):
        if x.rank < 1 or min(x.shape) < 1:
            return False
        mode = self.pick(["constant", "constant", "reflect", "edge"])
        most = [min(2, extent - 1) if mode == "reflect" else 2 for extent in x.shape]
        before, after = [[self.number(0, m) if self.chance(0.5) else 0 for m in most] for _ in range(2)]
        shape = [b + e + a for b, e, a in zip(before, x.shape, after)]
        operands = [x.name, self.ints(before + after)] + ([self.constant(np.float32(0.5))] if mode == "constant" else [])
        return self.add("Pad", operands, shape, mode=mode)

    def split(self, x):
        axes = [axis for axis, extent in enumerate(x.shape) if extent > 1]
        if not axes:
            return False
        axis = self.pick(axes)
        first = self.number(1, x.shape[axis] - 1)
        names = self.node("Split", x.name, self.ints([first, x.shape[axis] - first]), outputs=2, axis=axis)
        for name, size in zip(names, [first, x.shape[axis] - first]):
            self.values.append(Value(name, [size if i == axis else e for i, e in enumerate(x.shape)]))
        return True

    def reduce(self, x):
        if x.rank < 1 or min(x.shape) < 1:
            return False
        axes = sorted({self.number(0, x.rank - 1) for _ in range(self.number(1, 2))})
        keep = self.number(0, 1)
        shape = [1 if i in axes else e for i, e in enumerate(x.shape) if keep or i not in axes]
        scaled = self.node("Mul", x.name, self.constant(np.float32(np.prod([x.shape[i] for i in axes]) ** -0.5)))
        return self.add(self.pick(REDUCTIONS), [scaled, self.ints(axes)], shape, keepdims=keep)

    def resize(self, x):
        if x.rank not in (3, 4) or min(x.shape) < 1:
            return False
        sizes = x.shape[:2] + [self.number(1, 2 * extent + 1) for extent in x.shape[2:]]
        mode = self.pick(["nearest", "linear"] + (["cubic"] if x.rank == 4 else []))
        coordinates = self.pick(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
        return self.add("Resize", [x.name, "", "", self.ints(sizes)], sizes, mode=mode, nearest_mode="floor",
                        coordinate_transformation_mode=coordinates)

    def gather(self, x):
        if x.rank < 1 or min(x.shape) < 1:
            return False
        axis = self.number(0, x.rank - 1)
        indices = self.rng.integers(-x.shape[axis], x.shape[axis], self.number(1, 5)).astype(np.int64)
        return self.add("Gather", [x.name, self.constant(indices)], x.shape[:axis] + [len(indices)] + x.shape[axis + 1:],
                        axis=axis)

    def unsqueeze(self, x):
        axis = self.number(1, x.rank) if x.rank else 0
        return x.rank < 5 and self.add("Unsqueeze", [x.name, self.ints([axis])], x.shape[:axis] + [1] + x.shape[axis:])

    def tile(self, x):
        repeats = [self.pick([1, 1, 2]) for _ in x.shape]
        return x.rank > 0 and self.add("Tile", [x.name, self.ints(repeats)], [e * r for e, r in zip(x.shape, repeats)])

    def depth_to_space(self, x):
        if x.rank != 4 or x.shape[1] % 4:
            return False
        n, c, h, w = x.shape
        return self.add("DepthToSpace", [x.name], [n, c // 4, 2 * h, 2 * w], blocksize=2, mode=self.pick(["DCR", "CRD"]))

    def make(self, layers, symbolic):
        """A model of about `layers` layers; with `symbolic` its first extent is known at run time only."""
        rank = self.pick([2, 3, 3, 4, 4, 4, 4, 5])
        shape = [self.number(1, 3)] + [self.pick([1, 2, 3, 5, 7, 8, 12, 16, 19, 24, 33]) for _ in range(rank - 1)]
        while np.prod(shape) > MOST_ELEMENTS / 8:
            shape[shape.index(max(shape))] //= 2
        self.values = [Value("x", shape)]
        while len(self.values) <= layers:
            x = self.values[-1] if self.chance(0.7) else self.pick(self.values)
            before = len(self.nodes), len(self.weights), len(self.values)
            fits = self.pick(self.layers)(x)
            if not fits or np.prod(self.values[-1].shape) > MOST_ELEMENTS:
                del self.nodes[before[0]:], self.weights[before[1]:], self.values[before[2]:]
        used = {name for node in self.nodes for name in node.input}
        outputs = [v for v in self.values if v.name not in used][-4:]
        declared = [("n" if symbolic and i == 0 else extent) for i, extent in enumerate(shape)]
        model = self.model("random", {"x": (FLOAT, declared)},
                           {v.name: (FLOAT, [None] * v.rank if symbolic else v.shape) for v in outputs}, opset=20)
        return model, [self.rng.standard_normal(shape).astype(np.float32)]
