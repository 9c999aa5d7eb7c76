"""Builds ONNX graphs node by node, with fixed-seed random weights."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper


class GraphBuilder:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def constant(self, array, name=None):
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def normal(self, shape, scale):
        return self.constant(self.rng.standard_normal(shape, np.float32) * np.float32(scale))

    def uniform(self, shape, low, high):
        return self.constant(self.rng.uniform(low, high, shape).astype(np.float32))

    def node(self, op, *inputs, outputs=1, name=None, **attributes):
        self.count += 1
        names = [f"v{self.count}"] if outputs == 1 else [f"v{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name or f"{op}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def model(self, name, inputs, outputs, opset):
        """`inputs` and `outputs`: name -> (element type, shape); an output's name is the last node's to give it."""
        infos = [[helper.make_tensor_value_info(n, *t) for n, t in values.items()] for values in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, name, infos[0], infos[1], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
