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
