"""Random layers as ONNX models: shapes that nobody chose, so that none is computed much slower than need be."""
import os

import numpy as np
import onnx
from models.graph_builder import GraphBuilder
from onnx import TensorProto

OPSET = 21
EXTENTS = (1, 2, 3, 4, 5, 7, 8, 12, 13, 16, 20, 32, 49, 50, 64, 77, 96, 100, 128, 150, 197, 256, 300, 512, 768, 1000, 1024, 3000)
CHANNELS = (3, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 72, 96, 100, 112, 120, 128, 144, 160, 192, 200, 256, 320, 384, 512)
LEAST_ELEMENTS, MOST_ELEMENTS, LEAST_MACS, MOST_MACS = 2e4, 1.5e6, 3e5, 3e8
UNARY = ("Relu Sigmoid Tanh Exp Erf Gelu HardSwish HardSigmoid Elu Selu Softplus Softsign LeakyRelu Abs Neg Floor Round Sin Cos "
         "Atan Mish Celu Sign").split()
REDUCTIONS = ("ReduceSum ReduceMean ReduceMax ReduceL2 ReduceLogSumExp ReduceProd ReduceSumSquare ArgMax").split()


class RandomLayer:
    """One layer: `draw` chooses what it is, `make` writes the model."""

    def __init__(self, kind, seed):
        self.rng, self.graph, self.inputs = np.random.default_rng(seed), GraphBuilder(seed), {}
        self.output = KINDS[kind](self)
        self.name = f"{seed} {self.text}"

    def make(self, folder):
        """Writes the model; returns its path and inputs."""
        inputs = {name: (onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in self.inputs.items()}
        model = self.graph.model("layer", inputs, {self.output: (TensorProto.UNDEFINED, None)}, OPSET)
        inferred = onnx.shape_inference.infer_shapes(model).graph
        model.graph.output[0].CopyFrom(next(value for value in inferred.output if value.name == self.output))
        path = os.path.join(folder, "layer.onnx")
        onnx.save(model, path)
        return path, self.inputs

    def choose(self, *values):
        return values[int(self.rng.integers(len(values)))]

    def between(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def draw_until(self, draw, fits):
        """The first of many values of `draw` that `fits`; they are drawn until there is one."""
        while True:
            values = draw()
            if fits(*values):
                return values

    def input(self, *shape):
        return self.add_input(self.rng.standard_normal(shape).astype(np.float32))

    def add_input(self, array):
        name = f"x{len(self.inputs)}"
        self.inputs[name] = array
        return name

    def weights(self, *shape):
        return self.graph.normal(shape, max(1, np.prod(shape[1:])) ** -0.5)

    def shape(self, rank):
        return list(self.draw_until(lambda: [self.choose(*EXTENTS) for _ in range(rank)],
                                    lambda *shape: LEAST_ELEMENTS < np.prod(shape) < MOST_ELEMENTS))

    def channels(self):
        return self.choose(*CHANNELS) if self.rng.random() < 0.7 else self.between(1, 300)

    def extent(self, rank):
        """Of an image of so many spatial axes."""
        return {1: self.between(20, 2000), 2: self.choose(7, 13, 14, 17, 28, 31, 40, 56, 80, 112), 3: self.between(4, 40)}[rank]


def draw_windows(layer, rank, kernels, dilations=(1, 1, 1, 2, 3)):
    """Image, kernel, stride, dilation and pads that leave something to compute."""
    def draw():
        size, kernel = layer.extent(rank), layer.choose(*kernels)
        dilation = layer.choose(*dilations)
        reach = (kernel - 1) * dilation + 1
        return size, kernel, layer.choose(1, 1, 2, 3), dilation, layer.choose(reach // 2, 0), reach
    size, kernel, stride, dilation, pad, reach = layer.draw_until(draw, lambda s, k, t, d, p, reach: s + 2 * p >= reach)
    return size, kernel, stride, dilation, pad, (size + 2 * pad - reach) // stride + 1


def conv(layer, is_depthwise=False, is_grouped=False):
    def draw():
        rank = layer.choose(1, 2, 2, 2, 3)
        inputs, outputs, groups = layer.channels(), layer.channels(), 1
        if is_depthwise:
            outputs = groups = inputs
        elif is_grouped:
            groups = layer.choose(2, 3, 4, 8, 16)
            inputs, outputs = groups * layer.between(1, 32), groups * layer.between(1, 32)
        return (rank, inputs, outputs, groups, *draw_windows(layer, rank, (3, 5, 7) if is_depthwise else (1, 1, 2, 3, 3, 4, 5, 7, 9)))

    def fits(rank, inputs, outputs, groups, size, kernel, stride, dilation, pad, out):
        macs = out ** rank * outputs * (inputs // groups) * kernel ** rank
        return LEAST_MACS < macs < MOST_MACS and inputs * size ** rank < MOST_ELEMENTS and outputs * out ** rank < MOST_ELEMENTS
    rank, inputs, outputs, groups, size, kernel, stride, dilation, pad, _ = layer.draw_until(draw, fits)
    layer.text = f"Conv {rank}-D {inputs}->{outputs} groups {groups} kernel {kernel} stride {stride} dilation {dilation} pad {pad} @{size}"
    return layer.graph.node("Conv", layer.input(1, inputs, *[size] * rank), layer.weights(outputs, inputs // groups, *[kernel] * rank),
                            layer.weights(outputs), strides=[stride] * rank, dilations=[dilation] * rank, pads=[pad] * 2 * rank, group=groups)


def transposed_conv(layer):
    def draw():
        kernel = layer.choose(2, 3, 4, 5, 8)
        return layer.choose(1, 2, 2), layer.channels(), layer.channels(), kernel, layer.choose(1, 2, 2, kernel), layer.choose(7, 14, 28, 40)
    rank, inputs, outputs, kernel, stride, size = layer.draw_until(
        draw, lambda rank, inputs, outputs, kernel, stride, size:
        LEAST_MACS < size ** rank * inputs * outputs * kernel ** rank < MOST_MACS and outputs * (size * stride) ** rank < MOST_ELEMENTS)
    layer.text = f"ConvTranspose {rank}-D {inputs}->{outputs} kernel {kernel} stride {stride} @{size}"
    return layer.graph.node("ConvTranspose", layer.input(1, inputs, *[size] * rank), layer.weights(inputs, outputs, *[kernel] * rank),
                            strides=[stride] * rank)


def pool(layer):
    kind = layer.choose("MaxPool", "AveragePool")
    rank, channels, size, kernel, stride, _, pad, _ = layer.draw_until(
        lambda: ((rank := layer.choose(1, 2, 2, 3)), layer.channels(), *draw_windows(layer, rank, (2, 3, 3, 5, 7), (1,))),
        lambda rank, channels, size, *_: LEAST_ELEMENTS < channels * size ** rank < MOST_ELEMENTS)
    layer.text = f"{kind} {rank}-D {channels} kernel {kernel} stride {stride} pad {pad} @{size}"
    return layer.graph.node(kind, layer.input(1, channels, *[size] * rank), kernel_shape=[kernel] * rank, strides=[stride] * rank,
                            pads=[pad] * 2 * rank)


def product(layer):
    rows, depth, columns = layer.draw_until(
        lambda: (layer.choose(1, 1, 2, 4, 7, 16, 31, 50, 77, 128, 197, 256), layer.choose(16, 64, 100, 300, 512, 768, 1024, 2048),
                 layer.choose(1, 10, 64, 100, 197, 300, 512, 768, 1000, 2048)), lambda m, k, n: LEAST_MACS / 3 < m * k * n < MOST_MACS)
    form = layer.choose("weights", "weights", "weights on the left", "two inputs", "two inputs, one transposed", "heads")
    layer.text = f"MatMul {rows}x{depth}x{columns}, {form}"
    if form == "weights":
        return layer.graph.node("MatMul", layer.input(rows, depth), layer.weights(depth, columns))
    if form == "weights on the left":
        return layer.graph.node("MatMul", layer.weights(rows, depth), layer.input(depth, columns))
    if form == "two inputs":
        return layer.graph.node("MatMul", layer.input(rows, depth), layer.input(depth, columns))
    if form == "heads":
        depth, columns = layer.choose(16, 40, 64, 80), layer.choose(16, 77, 128, 197)
        layer.text = f"MatMul of 12 heads, {rows}x{depth}x{columns}"
        return layer.graph.node("MatMul", layer.input(12, rows, depth), layer.input(12, depth, columns))
    return layer.graph.node("MatMul", layer.input(rows, depth), layer.graph.node("Transpose", layer.input(columns, depth), perm=[1, 0]))


def attention(layer):
    heads, keys, width = layer.choose(1, 4, 12), layer.choose(16, 50, 77, 128, 197, 256), layer.choose(16, 32, 40, 64, 80)
    queries = layer.choose(keys, keys, 1)
    layer.text = f"attention of {heads} heads, {queries} queries, {keys} keys of {width}"
    q, k, v = layer.input(1, heads, queries, width), layer.input(1, heads, keys, width), layer.input(1, heads, keys, width)
    scores = layer.graph.node("MatMul", q, layer.graph.node("Transpose", k, perm=[0, 1, 3, 2]))
    scaled = layer.graph.node("Mul", scores, layer.graph.constant(np.float32(width ** -0.5)))
    return layer.graph.node("MatMul", layer.graph.node("Softmax", scaled, axis=-1), v)


def rows(layer):
    kind = layer.choose("Softmax", "LogSoftmax", "LayerNormalization", "CumSum")
    shape = layer.shape(layer.choose(2, 3))
    axis = layer.between(0, len(shape) - 1) if kind != "LayerNormalization" else len(shape) - 1
    layer.text = f"{kind} {shape} axis {axis}"
    if kind == "CumSum":
        return layer.graph.node(kind, layer.input(*shape), layer.graph.constant(np.int64(axis)))
    parameters = [layer.weights(shape[-1]), layer.weights(shape[-1])] if kind == "LayerNormalization" else []
    return layer.graph.node(kind, layer.input(*shape), *parameters, axis=axis)


def normalization(layer):
    channels, size = layer.draw_until(lambda: (layer.channels(), layer.extent(2)), lambda c, s: LEAST_ELEMENTS < c * s * s < MOST_ELEMENTS)
    layer.text = f"InstanceNormalization {channels} @{size}"
    return layer.graph.node("InstanceNormalization", layer.input(1, channels, size, size), layer.weights(channels), layer.weights(channels))


def reduction(layer):
    kind, shape = layer.choose(*REDUCTIONS), layer.shape(layer.choose(2, 3, 4))
    axis = layer.between(0, len(shape) - 1)
    layer.text = f"{kind} {shape} axis {axis}"
    if kind == "ArgMax":
        return layer.graph.node(kind, layer.input(*shape), axis=axis)
    return layer.graph.node(kind, layer.input(*shape), layer.graph.constant(np.array([axis])))


def elementwise(layer):
    shape = layer.shape(layer.choose(1, 2, 3, 4))
    if layer.rng.random() < 0.6:
        kind = layer.choose(*UNARY)
        layer.text = f"{kind} {shape}"
        return layer.graph.node(kind, layer.input(*shape))
    kind, other = layer.choose("Add", "Mul", "Sub", "Div", "Max", "PRelu"), [n if layer.rng.random() < 0.6 else 1 for n in shape]
    layer.text = f"{kind} {shape} {other}"
    return layer.graph.node(kind, layer.input(*shape), layer.input(*other))


def movement(layer):
    kind, shape = layer.choose("Transpose", "Transpose", "Concat", "Slice", "Pad", "Tile", "Gather"), layer.shape(layer.choose(2, 3, 4))
    axis = layer.between(0, len(shape) - 1)
    layer.text = f"{kind} {shape} axis {axis}"
    x = layer.input(*shape)
    vector = lambda *values: layer.graph.constant(np.array(values, np.int64))
    if kind == "Transpose":
        order = [int(i) for i in layer.rng.permutation(len(shape))]
        layer.text = f"Transpose {shape} {order}"
        return layer.graph.node(kind, x, perm=order)
    if kind == "Concat":
        return layer.graph.node(kind, x, layer.input(*shape), axis=axis)
    if kind == "Slice":
        return layer.graph.node(kind, x, vector(shape[axis] // 4), vector(shape[axis]), vector(axis), vector(layer.choose(1, 2)))
    if kind == "Pad":
        return layer.graph.node(kind, x, vector(*[layer.between(0, 3) for _ in range(2 * len(shape))]), mode=layer.choose("constant", "edge"))
    if kind == "Tile":
        return layer.graph.node(kind, x, vector(*[layer.choose(1, 2) for _ in shape]))
    indices = layer.add_input(layer.rng.integers(0, shape[axis], 64))
    return layer.graph.node(kind, x, indices, axis=axis)


def resize(layer):
    channels, size, factor = layer.draw_until(lambda: (layer.channels(), layer.choose(7, 13, 20, 28, 40, 56), layer.choose(0.5, 1.5, 2, 2, 4)),
                                              lambda c, s, f: LEAST_ELEMENTS < c * s * s * f * f < MOST_ELEMENTS)
    mode = layer.choose("nearest", "linear", "cubic")
    layer.text = f"Resize {mode} {channels} @{size} x{factor}"
    return layer.graph.node("Resize", layer.input(1, channels, size, size), "", layer.graph.constant(np.array([1, 1, factor, factor], np.float32)),
                            mode=mode, coordinate_transformation_mode="asymmetric" if mode == "nearest" else "half_pixel")


def recurrent(layer):
    kind = layer.choose("LSTM", "GRU", "RNN")
    gates, steps, batch = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], layer.choose(1, 10, 50), layer.choose(1, 1, 8)
    inputs, hidden = layer.choose(16, 40, 128, 300), layer.choose(16, 32, 100, 256)
    layer.text = f"{kind} {steps} steps, batch {batch}, {inputs}->{hidden}"
    return layer.graph.node(kind, layer.input(steps, batch, inputs), layer.weights(1, gates * hidden, inputs),
                            layer.weights(1, gates * hidden, hidden), hidden_size=hidden, outputs=2)[0]


KINDS = {"conv": conv, "depthwise": lambda layer: conv(layer, is_depthwise=True), "grouped": lambda layer: conv(layer, is_grouped=True),
         "transposed": transposed_conv, "pool": pool, "product": product, "attention": attention, "rows": rows,
         "normalization": normalization, "reduction": reduction, "elementwise": elementwise, "movement": movement, "resize": resize,
         "recurrent": recurrent}
