"""The nine `light` networks of the onnx package: real structures whose weights are single-valued constants.

As given they have recorded outputs. randomise() replaces every weight by fixed-seed random values of a sensible scale.
"""
import os

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

NAMES = ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
         "zfnet512")
FOLDER = os.path.join(os.path.dirname(onnx.backend.test.__file__), "data", "light")


def load(name):
    return onnx.load(os.path.join(FOLDER, f"light_{name}.onnx"))


def recorded_output(name):
    tensor = onnx.TensorProto()
    with open(os.path.join(FOLDER, f"light_{name}_output_0.pb"), "rb") as file:
        tensor.ParseFromString(file.read())
    return numpy_helper.to_array(tensor)


def image_shape(model):
    """Of the input that is no initialiser (older files list those too)."""
    weights = {t.name for t in model.graph.initializer}
    value = next(v for v in model.graph.input if v.name not in weights)
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def recorded_input(model):
    """The input that the recorded outputs belong to (onnx/backend/test/runner)."""
    shape = image_shape(model)
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) / count).astype(np.float32)


def find_role(consumers, value):
    """(operator, place of the operand) that uses a weight, looking through Unsqueeze."""
    node, place = consumers[value][0]
    return find_role(consumers, node.output[0]) if node.op_type in ("Unsqueeze", "Reshape") else (node, place)


def make_weight(rng, shape, node, place):
    if node.op_type == "Conv" and place == 1:
        return rng.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[1:]), dtype=np.float32)
    if node.op_type in ("Gemm", "MatMul") and place == 1:
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        return rng.standard_normal(shape, np.float32) * np.sqrt(2 / shape[1 if transposed else 0], dtype=np.float32)
    if node.op_type == "Mul" or (node.op_type == "BatchNormalization" and place in (1, 4)):
        return rng.uniform(0.6, 1.4, shape).astype(np.float32)
    return (0.1 * rng.standard_normal(shape)).astype(np.float32)


def randomise(model, seed):
    """Replaces the ConstantOfShape nodes that make floating-point weights by random initialisers."""
    rng = np.random.default_rng(seed)
    graph = model.graph
    shapes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    consumers = {}
    for node in graph.node:
        for place, value in enumerate(node.input):
            consumers.setdefault(value, []).append((node, place))
    kept = []
    for node in graph.node:
        fill = next((numpy_helper.to_array(a.t) for a in node.attribute if a.name == "value"), np.zeros(1, np.float32))
        if node.op_type != "ConstantOfShape" or fill.dtype != np.float32 or node.output[0] not in consumers:
            kept.append(node)
            continue
        shape = [int(extent) for extent in shapes[node.input[0]]]
        weight = make_weight(rng, shape, *find_role(consumers, node.output[0]))
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight), node.output[0]))
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(kept)
    show_logits(graph)
    return model


def show_logits(graph):
    """Makes the softmax's input an output too: random weights drive the softmax to one and zeros, which tells little."""
    last = graph.node[-1]
    if last.op_type == "Softmax":
        logits = onnx.ValueInfoProto.FromString(graph.output[0].SerializeToString())
        logits.name = last.input[0]
        graph.output.append(logits)


def random_input(model, seed):
    return np.random.default_rng(seed).standard_normal(image_shape(model), np.float32)
