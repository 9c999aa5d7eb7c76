"""Models whose outputs are made of one tensor, one of them a view of what is computed in place."""
import numpy as np
from onnx import TensorProto, helper


def list_models():
    """(name, nodes, declared inputs, outputs, constants, arrays): with fixed and with free extents, the outputs in both orders."""
    random = np.random.default_rng(0)
    x, updates = (random.standard_normal(shape).astype(np.float32) for shape in ((9, 16), (2, 16)))
    i, j = (np.stack([random.permutation(9)[:2] for _ in range(16)], 1) for _ in range(2))
    inputs, nodes = {"x": x, "i": i, "j": j, "u": updates}, [helper.make_node("Mul", ["x", "x"], ["b"])]
    nodes += [helper.make_node("ScatterElements", ["b", places, "u"], [result], axis=0) for places, result in (("i", "p"), ("j", "q"))]
    constants = {"one": np.array([1]), "five": np.array([5]), "zero": np.array([0])}
    views = [helper.make_node("Slice", ["q", "one", "five", "zero"], ["r"]), helper.make_node("Unsqueeze", ["q", "zero"], ["r"])]
    extremes = [helper.make_node("ArgMax", ["x"], ["p"], axis=0, keepdims=1), helper.make_node("ArgMin", ["x"], ["r"], axis=0, keepdims=0)]
    models = [([*nodes, view], inputs, TensorProto.FLOAT) for view in views] + [(extremes, {"x": x}, TensorProto.INT64)]
    for model_nodes, arrays, kind in models:
        for names in ("pr", "rp"):
            for is_free in (False, True):
                declared = {n: (helper.np_dtype_to_tensor_dtype(a.dtype), [f"{n}{k}" if is_free else e for k, e in enumerate(a.shape)])
                            for n, a in arrays.items()}
                yield f"{model_nodes[-1].op_type}, {names}", model_nodes, declared, [(n, kind) for n in names], constants, arrays
