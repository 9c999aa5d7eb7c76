"""Single layers as ONNX models: the shapes of real networks, and what each must at least compute and move."""
import os

import numpy as np
import onnx
from models.graph_builder import FLOAT, GraphBuilder
from onnx import TensorProto


class Layer:
    """One operation on one input, `x`. `build(graph)` adds it and returns the output's name; `macs` are its multiply-adds;
    `output` is the shape of an f32 output of an operator that is not ONNX's own."""

    def __init__(self, name, shape, build, macs=0, element=FLOAT, output=None):
        self.name, self.shape, self.build, self.macs, self.element = name, shape, build, macs, element
        self.output = output
        self.bytes = 0  # inputs, weights and outputs once each; known when the model is made

    def make(self, folder):
        """Writes the model; returns its path and inputs."""
        graph = GraphBuilder(seed=1)
        output = self.build(graph)
        result = (FLOAT, self.output) if self.output else (TensorProto.UNDEFINED, None)
        model = graph.model("layer", {"x": (self.element, self.shape)}, {output: result}, 20)
        if self.output:
            model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
        else:
            inferred = onnx.shape_inference.infer_shapes(model).graph
            model.graph.output[0].CopyFrom(next(v for v in inferred.output if v.name == output))
        path = os.path.join(folder, "layer.onnx")
        onnx.save(model, path)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(self.element)
        rng = np.random.default_rng(2)
        x = (rng.standard_normal(self.shape) if dtype.kind == "f" else rng.integers(0, 256, self.shape)).astype(dtype)
        result = model.graph.output[0].type.tensor_type
        elements = int(np.prod([d.dim_value for d in result.shape.dim]))
        weights = sum(len(w.raw_data) for w in model.graph.initializer)
        self.bytes = x.nbytes + weights + elements * onnx.helper.tensor_dtype_to_np_dtype(result.elem_type).itemsize
        return path, {"x": x}

    def find_limit(self, roofline, threads):
        """The least milliseconds: the multiply-adds at the peak, or each byte once from the cache that holds them all."""
        levels = {"l1_gbs": 32 << 10, "l2_gbs": 1 << 20, "l3_gbs": 16 << 20, "dram_gbs": float("inf")}
        bandwidth = next(roofline[level] for level, size in levels.items() if self.bytes <= size)
        peak = roofline["fma_gflops"] * (1 if self.element == FLOAT else 4)  # four 8-bit products in the place of one of f32
        return max(2e-6 * self.macs / peak, 1e-6 * self.bytes / bandwidth) / threads


def conv(channels, size, filters, kernel, stride=1, groups=1):
    out = -(-size // stride)
    pad = max((out - 1) * stride + kernel - size, 0)
    pads = [pad // 2, pad // 2, pad - pad // 2, pad - pad // 2]

    def build(graph):
        fan = channels // groups * kernel * kernel
        weights = graph.normal((filters, channels // groups, kernel, kernel), fan ** -0.5)
        return graph.node("Conv", "x", weights, graph.normal((filters,), 0.1), kernel_shape=[kernel, kernel], pads=pads,
                          strides=[stride, stride], group=groups)
    kind = "depthwise" if groups == channels > 1 else "conv"
    name = f"{kind} {kernel}x{kernel}/{stride} {channels}->{filters} @{size}"
    return Layer(name, [1, channels, size, size], build, out * out * filters * channels // groups * kernel * kernel)


def matmul(rows, inner, columns):
    def build(graph):
        return graph.node("MatMul", "x", graph.normal((inner, columns), inner ** -0.5))
    return Layer(f"matmul {rows}x{inner}x{columns}", [rows, inner], build, rows * inner * columns)


def integer_matmul(rows, inner, columns):
    def build(graph):
        # Of 7 bits: beyond, the 16-bit sums that ONNX Runtime uses on CPUs without VNNI saturate.
        weights = graph.constant(graph.rng.integers(-64, 64, (inner, columns)).astype(np.int8))
        return graph.node("MatMulInteger", "x", weights, graph.constant(np.uint8(128)), graph.constant(np.int8(0)))
    return Layer(f"matmul u8 x i8 {rows}x{inner}x{columns}", [rows, inner], build, rows * inner * columns, TensorProto.UINT8)


def block_matmul(rows, inner, columns, is_int8_enough):
    """Weights of 4 bits with a scale for each 32 of them; the input in f32, or where that is enough in 8 bits."""
    def build(graph):
        weights = graph.constant(graph.rng.integers(0, 256, (columns, inner // 32, 16)).astype(np.uint8))
        return graph.node("MatMulNBits", "x", weights, graph.uniform((columns * inner // 32,), 0.01, 0.02), domain="com.microsoft",
                          K=inner, N=columns, bits=4, block_size=32, accuracy_level=4 if is_int8_enough else 1)
    kind = "i8" if is_int8_enough else "f32"
    return Layer(f"matmul {kind} x i4 {rows}x{inner}x{columns}", [rows, inner], build, rows * inner * columns, output=[rows, columns])


def pool(kind, channels, size, kernel, stride):
    def build(graph):
        return graph.node(kind, "x", kernel_shape=[kernel, kernel], strides=[stride, stride])
    return Layer(f"{kind} {kernel}x{kernel}/{stride} {channels} @{size}", [1, channels, size, size], build)


def rows(kind, count, length, **attributes):
    def build(graph):
        parameters = [graph.normal((length,), 1), graph.normal((length,), 1)] if kind == "LayerNormalization" else []
        return graph.node(kind, "x", *parameters, **attributes)
    return Layer(f"{kind} {count}x{length}", [count, length], build)


LAYERS = [
    # ResNet-50, VGG-19, first layers
    conv(3, 224, 64, 7, 2), conv(3, 224, 64, 3), conv(64, 56, 64, 1), conv(64, 56, 64, 3), conv(64, 56, 256, 1), conv(128, 28, 128, 3),
    conv(256, 14, 256, 3), conv(1024, 14, 256, 1), conv(512, 7, 512, 3), conv(512, 7, 2048, 1), conv(256, 56, 512, 1, 2),
    conv(256, 56, 256, 3), conv(512, 28, 512, 3),
    # MobileNetV2, ShuffleNet
    conv(32, 112, 32, 3, 1, 32), conv(96, 112, 96, 3, 2, 96), conv(144, 56, 144, 3, 1, 144), conv(384, 14, 384, 3, 1, 384),
    conv(960, 7, 960, 3, 1, 960), conv(16, 112, 96, 1), conv(320, 7, 1280, 1), conv(272, 28, 272, 1, 1, 4),
    # BERT-base, decoders, classifiers
    matmul(128, 768, 768), matmul(128, 768, 3072), matmul(128, 3072, 768), matmul(1, 768, 3072), matmul(1, 4096, 1000),
    matmul(7, 512, 512), integer_matmul(128, 768, 768), integer_matmul(1, 768, 3072),
    block_matmul(1, 2048, 2048, False), block_matmul(32, 2048, 2048, False), block_matmul(1, 2048, 2048, True),
    block_matmul(4, 2048, 2048, True), block_matmul(32, 2048, 2048, True), block_matmul(128, 2048, 2048, True),
    # what moves more than it computes
    pool("MaxPool", 64, 112, 3, 2), pool("AveragePool", 256, 28, 3, 1), rows("Softmax", 1536, 128, axis=-1),
    rows("LayerNormalization", 128, 768, axis=-1), rows("Relu", 256, 3136), rows("Sigmoid", 256, 3136), rows("Gelu", 128, 3072),
]
