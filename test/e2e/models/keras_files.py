"""Small Keras models as files, written here with h5py and zipfile: the form of Keras 2 (.h5, lists of calls) and that of Keras 3
(.keras, objects). Each is a list of one (extension, contents)."""
import io
import json
import zipfile

import numpy as np


def layer(class_name, name, inbound, **config):
    return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": inbound}


def old_call(*names, **arguments):
    return [[[name, 0, 0, arguments] for name in names]]


def new_call(*names):
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in names]
    return [{"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}]


def describe(call):
    """A model with a branch, a nested model and a recurrent layer."""
    inner = {"class_name": "Sequential", "name": "inner", "inbound_nodes": call("flat"),
             "config": {"name": "inner", "layers": [
                 {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 24]}},
                 {"class_name": "Dense", "config": {"name": "dense", "units": 3, "activation": "relu"}}]}}
    layers = [
        layer("InputLayer", "x", [], batch_input_shape=[None, 4, 4, 2], dtype="float32"),
        layer("Conv2D", "conv", call("x"), filters=3, kernel_size=[3, 3], strides=[2, 2], padding="same", activation="relu"),
        layer("BatchNormalization", "bn", call("conv"), axis=[3], epsilon=0.001),
        layer("ZeroPadding2D", "pad", call("bn"), padding=[[0, 1], [1, 0]]),
        layer("MaxPooling2D", "pool", call("pad"), pool_size=[2, 2], strides=[1, 1], padding="valid"),
        layer("Concatenate", "cat", call("bn", "pool"), axis=-1),
        layer("Reshape", "flat", call("cat"), target_shape=[24]),
        inner,
        layer("RepeatVector", "steps", call("inner"), n=2),
        layer("LSTM", "lstm", call("steps"), units=2, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True),
        layer("Softmax", "y", call("lstm"), axis=-1),
    ]
    return {"class_name": "Functional", "config": {"name": "small", "layers": layers, "input_layers": [["x", 0, 0]],
                                                  "output_layers": [["y", 0, 0]]}}


SHAPES = {"conv": [(3, 3, 2, 3), (3,)], "bn": [(3,)] * 4, "inner": [(24, 3), (3,)], "lstm": [(3, 8), (2, 8), (8,)]}
PLACES = {"conv": "layers/conv2d/vars/", "bn": "layers/batch_normalization/vars/",
          "inner": "layers/sequential/layers/dense/vars/", "lstm": "layers/lstm/cell/vars/"}


def make_hdf5(h5py, compression=None):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = json.dumps(describe(old_call))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in SHAPES]
        for name, shapes in SHAPES.items():
            part = group.create_group(name)
            part.attrs["weight_names"] = [f"{name}/w{i}:0".encode() for i in range(len(shapes))]
            for i, shape in enumerate(shapes):
                part.create_dataset(f"{name}/w{i}:0", data=np.full(shape, 0.5, np.float32), compression=compression)
    return buffer.getvalue()


def make_archive(h5py):
    buffer, weights = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w") as file:
        for name, shapes in SHAPES.items():
            for i, shape in enumerate(shapes):
                file[PLACES[name] + str(i)] = np.full(shape, 0.5, np.float32)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.4.1"}))
        archive.writestr("config.json", json.dumps(describe(new_call)))
        archive.writestr("model.weights.h5", weights.getvalue())
    return buffer.getvalue()


def make_all():
    """Nothing where h5py is not installed."""
    try:
        import h5py
    except ImportError:
        return []
    return [[(".h5", make_hdf5(h5py))], [(".h5", make_hdf5(h5py, compression="gzip"))], [(".keras", make_archive(h5py))]]
