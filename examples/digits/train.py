#!/usr/bin/env python3
"""Trains the digit network on scikit-learn's bundled 8x8 digits and writes digits.onnx.

A small CNN in numpy: two 3x3 convolutions with ReLU and max pooling, one dense layer, softmax. Everything is seeded, so
the file comes out the same each time on one machine. Also writes one image
per digit, of those held out and read right, to images/, as PGM.
Needs: numpy, scikit-learn, onnx.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

WHITE = 16  # the images' largest value


def patches(x):
    """[N,C,H,W] -> [N,C*9,H*W]: the 3x3 neighbourhood of each pixel, zeros around the image."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    shifted = [padded[:, :, i:i + h, j:j + w] for i in range(3) for j in range(3)]
    return np.stack(shifted, axis=2).reshape(n, c * 9, h * w)


def unpatch(columns, shape):
    """The adjoint of patches()."""
    n, c, h, w = shape
    columns = columns.reshape(n, c, 9, h, w)
    padded = np.zeros((n, c, h + 2, w + 2), np.float32)
    for k in range(9):
        padded[:, :, k // 3:k // 3 + h, k % 3:k % 3 + w] += columns[:, :, k]
    return padded[:, :, 1:-1, 1:-1]


class Convolution:
    """A 3x3 convolution, ReLU, and 2x2 max pooling."""

    def __init__(self, rng, inputs, outputs):
        self.weight = (rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (inputs * 9))).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.shape, self.columns = x.shape, patches(x)
        n, _, h, w = x.shape
        y = self.weight.reshape(len(self.bias), -1) @ self.columns + self.bias[:, None]
        y = np.maximum(y, 0).reshape(n, -1, h // 2, 2, w // 2, 2)
        best = y.max(axis=(3, 5), keepdims=True)
        self.mask = (y == best) & (best > 0)
        return best[:, :, :, 0, :, 0]

    def backward(self, gradient):
        n, c, h, w = gradient.shape
        y = (self.mask * gradient[:, :, :, None, :, None]).reshape(n, c, -1)
        self.gradients = [np.einsum("nop,nkp->ok", y, self.columns, optimize=True).reshape(self.weight.shape),
                          y.sum(axis=(0, 2))]
        return unpatch(self.weight.reshape(c, -1).T @ y, self.shape)

    def parameters(self):
        return [self.weight, self.bias]


class Dense:
    def __init__(self, rng, inputs, outputs):
        self.weight = (rng.standard_normal((inputs, outputs)) * np.sqrt(1 / inputs)).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.weight + self.bias

    def backward(self, gradient):
        self.gradients = [self.x.T @ gradient, gradient.sum(axis=0)]
        return (gradient @ self.weight.T).reshape(self.shape)

    def parameters(self):
        return [self.weight, self.bias]


def shift(rng, images):
    """Moves each image by up to one pixel."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    offsets = rng.integers(0, 3, (len(images), 2))
    return np.stack([image[:, i:i + 8, j:j + 8] for image, (i, j) in zip(padded, offsets)])


def train(layers, images, labels, rng, epochs, batch=64):
    """Adam on the cross-entropy, the rate falling to zero along a half cosine."""
    parameters = [p for layer in layers for p in layer.parameters()]
    mean, square = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    steps, step = epochs * (len(images) // batch), 0
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch + 1, batch):
            chosen = order[start:start + batch]
            x = shift(rng, images[chosen])
            for layer in layers:
                x = layer.forward(x)
            gradient = np.exp(x - x.max(axis=1, keepdims=True))
            gradient /= gradient.sum(axis=1, keepdims=True)
            gradient[np.arange(batch), labels[chosen]] -= 1
            gradient /= batch
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            step += 1
            rate = 0.003 * 0.5 * (1 + np.cos(np.pi * step / steps))
            for p, g, m, s in zip(parameters, [g for layer in layers for g in layer.gradients], mean, square):
                m += 0.1 * (g - m)
                s += 0.001 * (g * g - s)
                p -= rate * (m / (1 - 0.9**step)) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)


def export(layers, path):
    first, second, dense = layers
    names = ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "dense.weight", "dense.bias"]
    values = first.parameters() + second.parameters() + dense.parameters()
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    pool = dict(kernel_shape=[2, 2], strides=[2, 2])
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], "conv1", **conv),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], "pool1", **pool),
        helper.make_node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["c2"], "conv2", **conv),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("MaxPool", ["r2"], ["p2"], "pool2", **pool),
        helper.make_node("Flatten", ["p2"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "dense.weight", "dense.bias"], ["logits"], "dense"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax"),
    ]
    graph = helper.make_graph(nodes, "digits",
                              [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
                              [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])],
                              [numpy_helper.from_array(v, n) for n, v in zip(names, values)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
                              producer_name="nnc/examples/digits/train.py")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_pgm(path, image):
    rows = "\n".join(" ".join(f"{v:2d}" for v in row) for row in image)
    path.write_text(f"P2\n8 8\n{WHITE}\n{rows}\n")


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=here / "digits.onnx")
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()

    digits = load_digits()
    rng = np.random.default_rng(20)
    order = rng.permutation(len(digits.images))
    images = (digits.images[order, None] / WHITE).astype(np.float32)
    labels = digits.target[order]
    held_out = len(images) // 5
    layers = [Convolution(rng, 1, 16), Convolution(rng, 16, 32), Dense(rng, 128, 10)]
    train(layers, images[held_out:], labels[held_out:], rng, arguments.epochs)

    x = images[:held_out]
    for layer in layers:
        x = layer.forward(x)
    correct = (x.argmax(axis=1) == labels[:held_out]).mean()
    print(f"{len(images) - held_out} images to learn from, {held_out} held out: {100 * correct:.2f} % of those read right")
    export(layers, arguments.output)
    (arguments.output.parent / "images").mkdir(exist_ok=True)
    for digit in range(10):
        read_right = (labels[:held_out] == digit) & (x.argmax(axis=1) == digit)
        index = order[:held_out][read_right][0]
        write_pgm(arguments.output.parent / "images" / f"{digit}.pgm", digits.images[index].astype(int))


if __name__ == "__main__":
    main()
