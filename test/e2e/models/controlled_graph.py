"""Branches and loops for random graphs of values of several element types (typed_graph.py)."""
import numpy as np
from onnx import TensorProto, helper

from models.random_graph import RandomGraph, Value

TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16, "int8": TensorProto.INT8,
         "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "uint32": TensorProto.UINT32,
         "bool": TensorProto.BOOL}


class Typed(Value):
    """`most` bounds the magnitude of integers; `exact`: equal bit for bit in all implementations."""

    def __init__(self, name, shape, dtype, exact=True, most=0):
        super().__init__(name, shape)
        self.dtype, self.exact, self.most = dtype, exact, most

    is_integer = property(lambda self: self.dtype.startswith(("int", "uint")))


class ControlledGraph(RandomGraph):
    """The layers that have graphs of their own; TypedGraph has the rest."""

    def info(self, name, value):
        return helper.make_tensor_value_info(name, TYPES[value.dtype], [None] * value.rank)

    def make_flag(self):
        """A boolean of one element, made of data, or None."""
        x = self.exact(["int32", "int64", "float32"])
        if not x or not np.prod(x.shape):
            return None
        return self.node("Greater", self.node("ReduceMax", x.name, keepdims=0), self.typed_constant(x.dtype, [], 3))

    def branch(self):
        flag = self.make_flag()
        found = [v for v in self.typed if v.dtype in ("float32", "int32")]
        if not flag or not found:
            return False
        x = self.pick(found)
        bodies = []
        for i in range(2):
            op = self.pick(["Abs", "Neg", "Identity"] + (["Relu", "Sigmoid"] if x.dtype == "float32" else []))
            name = f"{flag}_b{i}"
            bodies.append(helper.make_graph([helper.make_node(op, [x.name], [name])], f"branch{i}", [], [self.info(name, x)]))
        return self.push("If", [flag], x.shape, x.dtype, x.is_integer, x.most, then_branch=bodies[0], else_branch=bodies[1])

    def loop(self):
        """x halved, or one taken away, some times; where it is known how often, each iteration's value is collected."""
        found = [v for v in self.typed if v.dtype in ("float32", "int32") and np.prod(v.shape) < 2000]
        if not found:
            return False
        x = self.pick(found)
        trips, prefix = self.number(1, 4), f"l{self.count}_"  # ONNX Runtime gives no extents to what never runs
        step = self.constant(np.array(0.5 if x.dtype == "float32" else -1, x.dtype))
        nodes = [helper.make_node("Identity", [prefix + "c"], [prefix + "d"]),
                 helper.make_node("Mul" if x.dtype == "float32" else "Add", [prefix + "x", step], [prefix + "y"]),
                 helper.make_node("Abs", [prefix + "y"], [prefix + "z"])]
        condition = ""
        if self.chance(0.5):
            nodes[0] = helper.make_node("Less", [prefix + "i", self.constant(np.int64(self.number(0, 3)))], [prefix + "d"])
            condition = self.constant(np.bool_(True))
            trips = None
        scalar = Typed("", [], "int64"), Typed("", [], "bool")
        body = helper.make_graph(nodes, "body", [self.info(prefix + "i", scalar[0]), self.info(prefix + "c", scalar[1]),
                                                 self.info(prefix + "x", x)],
                                 [self.info(prefix + "d", scalar[1]), self.info(prefix + "y", x), self.info(prefix + "z", x)])
        if trips is None:
            del body.node[2:], body.output[2:]
            return self.like(x, self.node("Loop", self.constant(np.int64(9)), condition, x.name, body=body), x.shape, x.most + 9)
        last, collected = self.node("Loop", self.constant(np.int64(trips)), condition, x.name, outputs=2, body=body)
        self.like(x, last, x.shape, x.most + 9)
        return self.like(x, collected, [trips] + x.shape, x.most + 9)

    def scan(self):
        found = [v for v in self.typed if v.dtype in ("float32", "int32") and v.rank >= 1 and v.shape[0] >= 1 and
                 np.prod(v.shape) < 2000 and self.fits(v.dtype, v.most * v.shape[0])]
        if not found:
            return False
        x = self.pick(found)
        prefix, element = f"s{self.count}_", Typed("", x.shape[1:], x.dtype)
        first = self.constant(np.zeros(element.shape, x.dtype))
        body = helper.make_graph(
            [helper.make_node("Add", [prefix + "s", prefix + "x"], [prefix + "t"]),
             helper.make_node("Neg", [prefix + "t"], [prefix + "y"])], "body",
            [self.info(prefix + "s", element), self.info(prefix + "x", element)],
            [self.info(prefix + "t", element), self.info(prefix + "y", element)])
        state, collected = self.node("Scan", first, x.name, outputs=2, body=body, num_scan_inputs=1,
                                     scan_input_directions=[self.number(0, 1)], scan_output_directions=[self.number(0, 1)])
        self.keep(Typed(state, element.shape, x.dtype, x.is_integer, x.most * x.shape[0]))
        return self.keep(Typed(collected, x.shape, x.dtype, x.is_integer, x.most * x.shape[0]))
