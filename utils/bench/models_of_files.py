"""Inputs for ONNX files: their names, and random values where there are none."""
import os

import numpy as np
import onnx


def list_inputs(path):
    model = onnx.load(path, load_external_data=False)
    weights = {t.name for t in model.graph.initializer}
    return [v for v in model.graph.input if v.name not in weights]


def name_inputs(path, arrays):
    return {value.name: np.ascontiguousarray(array) for value, array in zip(list_inputs(path), arrays)}


def make_inputs(path, seed=0):
    """Normal floats, integers 0 or 1 (most are indices into something); extents that are not fixed are 1."""
    rng, inputs = np.random.default_rng(seed), {}
    for value in list_inputs(path):
        tensor = value.type.tensor_type
        shape = [d.dim_value or 1 for d in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        is_float = np.issubdtype(dtype, np.floating)
        array = rng.standard_normal(shape) if is_float else rng.integers(0, 2, shape)
        inputs[value.name] = np.ascontiguousarray(array.astype(dtype))
    return inputs


def free_extents(path, folder):
    """The path of the model with inputs of run-time extents: its own where it has some; else all axes but the channels of
    images, and the first two of anything else. Shapes of values inside are left to whoever reads it."""
    model = onnx.load(path)
    weights = {t.name for t in model.graph.initializer}
    inputs = [v.type.tensor_type.shape.dim for v in model.graph.input if v.name not in weights]
    if all(d.HasField("dim_value") for dims in inputs for d in dims):
        for dims in inputs:
            names = {0: "batch", 2: "height", 3: "width"} if len(dims) == 4 else {0: "batch", 1: "length"}
            for axis, name in names.items():
                if axis < len(dims):
                    dims[axis].dim_param = name
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    freed = os.path.join(folder, "freed.onnx")
    onnx.save(model, freed)
    return freed


def drop_default_inputs(path, folder):
    """Old files list weights as inputs too, which some peers take for inputs; returns the path of a model without."""
    model = onnx.load(path)
    weights = {t.name for t in model.graph.initializer}
    kept = [v for v in model.graph.input if v.name not in weights]
    if len(kept) == len(model.graph.input):
        return path
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, 4)
    cleaned = os.path.join(folder, "cleaned.onnx")
    onnx.save(model, cleaned)
    return cleaned
