"""Sequences and optionals of ONNX models as nnc has them: a sequence input x of n elements is n inputs x_0, x_1, ..., told
with --elements; an optional is its element, or nothing. In Python they are lists, and None."""
import numpy as np
import onnx
from onnx import helper, numpy_helper


class Stacked(list):
    """A sequence that the compiled model is given as one tensor, since only a run knows how many elements it has."""


def get_tensor_type(value_type):
    """The type of the tensors in a type; None where there are none (maps, sparse tensors)."""
    kind = value_type.WhichOneof("value")
    if kind == "tensor_type":
        return value_type.tensor_type
    if kind in ("sequence_type", "optional_type"):
        return get_tensor_type(getattr(value_type, kind).elem_type)
    return None


def to_arrays(value):
    """A tensor, a list of them or None, of arrays."""
    if value is None:
        return None
    if isinstance(value, list):
        return [to_arrays(element) for element in value]
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def flatten(model, data, are_extents_open=False):
    """Options for nnc, and the arrays of its inputs."""
    options, arrays = [], []
    for value, given in zip(model.graph.input, data):
        elements = given if isinstance(given, list) else [given]
        if given is None:
            options.append(f"--elements={value.name}=none")
            continue
        if isinstance(given, Stacked):
            options.append(f"--elements={value.name}=?")
            arrays.append(np.stack(given))
            continue
        if isinstance(given, list):
            options.append(f"--elements={value.name}={len(given)}")
        names = [f"{value.name}_{i}" for i in range(len(given))] if isinstance(given, list) else [value.name]
        for name, array in zip(names, elements):
            if not get_tensor_type(value.type).HasField("shape") and array.ndim:
                extents = ["?" if are_extents_open else str(extent) for extent in array.shape]
                options.append(f"--shape={name}={','.join(extents)}")
        arrays += elements
    return options, arrays


def make_constant(graph, value, data):
    """Nodes and initialisers that give the name of an input that is no tensor its data."""
    nodes, names = [], []
    for i, array in enumerate(data if isinstance(data, list) else [] if data is None else [data]):
        names.append(f"{value.name}__{i}")
        graph.initializer.append(numpy_helper.from_array(array, names[-1]))
    if data is None:
        node = helper.make_node("Optional", [], [value.name])
        node.attribute.append(helper.make_attribute("type", value.type.optional_type.elem_type))
    elif isinstance(data, list):
        node = helper.make_node("SequenceConstruct", names, [value.name])
        if not names:
            node = helper.make_node("SequenceEmpty", [], [value.name], dtype=get_tensor_type(value.type).elem_type)
    else:
        node = helper.make_node("Optional", names, [value.name])
    nodes.append(node)
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node]
    del graph.node[:]
    graph.node.extend(nodes + kept)


def flatten_results(model, data, names):
    """The arrays that nnc's outputs `names` should be: the elements of a sequence, or where only a run knows how many
    these are, all in one. Maps, the keys of which are in order, are rows. None is what is not compared: the tensor of an optional
    without an element, and of a sequence without elements, which says nothing of their shape."""
    arrays = []
    for value, expected in zip(model.graph.output, data):
        has_element = value.name + "_has_element"
        if not isinstance(expected, list):
            arrays += [] if expected is None else [expected]
        elif expected and isinstance(expected[0], dict):
            arrays.append(np.array([list(row.values()) for row in expected], np.float32))
        else:
            arrays += ([np.stack(expected)] if expected else [None]) if value.name in names else expected
        if has_element in names:
            arrays += ([None] if expected is None else []) + [np.array(expected is not None)]
    return arrays
