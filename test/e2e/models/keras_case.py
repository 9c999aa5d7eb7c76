"""How the cases of keras_models.py are written: a layer (or a function of tensors) on random inputs."""
import numpy as np


class Case:
    """`build(keras, *inputs)` makes the outputs from inputs of the given shapes (without the batch)."""

    def __init__(self, name, build, shapes, dtypes=(), low=-2.0, high=2.0, formats=("keras", "h5"), onnx=True):
        self.name, self.build, self.shapes = name, build, shapes
        self.dtypes = list(dtypes) + ["float32"] * (len(shapes) - len(dtypes))
        self.low, self.high, self.formats, self.onnx = low, high, formats, onnx

    def make(self, keras, rng, batch):
        """Inputs and outputs of a model, and arrays for the inputs."""
        inputs = [keras.Input(shape, dtype=dtype) for shape, dtype in zip(self.shapes, self.dtypes)]
        outputs = self.build(keras, *inputs)
        arrays = []
        for shape, dtype in zip(self.shapes, self.dtypes):
            values = rng.uniform(self.low, self.high, (batch, *shape))
            arrays.append(np.floor(np.abs(values)).astype(dtype) if "int" in dtype or dtype == "bool" else
                          values.astype(dtype))
        return inputs, list(outputs) if isinstance(outputs, (list, tuple)) else [outputs], arrays


def layer(name, class_name, *shapes, call=None, **parameters):
    """A case of one layer of keras.layers; `options` of Case are given as `case_low=...`."""
    options = {key[5:]: parameters.pop(key) for key in list(parameters) if key.startswith("case_")}

    def build(keras, *inputs):
        made = getattr(keras.layers, class_name)(**parameters)
        return made(inputs[0] if len(inputs) == 1 else list(inputs), **(call or {}))

    return Case(f"{class_name} {name}".strip(), build, list(shapes), **options)
