"""Models in the form of Keras 1, which cannot be installed any more: layers and parameters have other names, kernels of one axis a
second one of 1, and gates weights of their own. Each is written from a model of today that computes the same."""
import json

import numpy as np


def layer(class_name, name, **config):
    return {"class_name": class_name, "config": {"name": name, **config}}


def image_model(keras):
    layers = keras.layers
    today = keras.Sequential([
        keras.Input((9, 8, 3)), layers.Conv2D(4, (3, 2), strides=(2, 1), padding="same", activation="relu"),
        layers.BatchNormalization(epsilon=1e-3), layers.MaxPooling2D((2, 2)), layers.Dropout(0.3),
        layers.SeparableConv2D(3, (2, 2), padding="valid"), layers.UpSampling2D((2, 2)), layers.ZeroPadding2D((1, 2)),
        layers.AveragePooling2D((2, 2), strides=(1, 1), padding="same"), layers.Flatten(), layers.Dense(5, activation="softmax")])
    image = {"dim_ordering": "tf", "border_mode": "valid"}
    described = [
        layer("Convolution2D", "c", batch_input_shape=[None, 9, 8, 3], nb_filter=4, nb_row=3, nb_col=2, subsample=[2, 1], init="glorot_uniform",
              activation="relu", bias=True, W_regularizer=None, **{**image, "border_mode": "same"}),
        layer("BatchNormalization", "n", mode=0, axis=-1, epsilon=1e-3, momentum=0.99),
        layer("MaxPooling2D", "m", pool_size=[2, 2], strides=[2, 2], **image), layer("Dropout", "d", p=0.3),
        layer("SeparableConvolution2D", "s", nb_filter=3, nb_row=2, nb_col=2, subsample=[1, 1], depth_multiplier=1, activation="linear",
              bias=True, **image),
        layer("UpSampling2D", "u", size=[2, 2], dim_ordering="tf"), layer("ZeroPadding2D", "z", padding=[1, 2], dim_ordering="tf"),
        layer("AveragePooling2D", "a", pool_size=[2, 2], strides=[1, 1], **{**image, "border_mode": "same"}),
        layer("Flatten", "f"), layer("Dense", "y", output_dim=5, activation="softmax", bias=True, input_dim=None)]
    return today, {"class_name": "Sequential", "config": described}, [(9, 8, 3)]


def sequence_model(keras):
    layers = keras.layers
    cell = {"activation": "tanh", "inner_activation": "hard_sigmoid", "return_sequences": True, "go_backwards": False,
            "stateful": False, "unroll": False, "consume_less": "cpu", "init": "glorot_uniform"}
    gates = {"recurrent_activation": lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1), "return_sequences": True}
    x = keras.Input((7, 3))
    y = layers.Conv1D(4, 3, padding="same", activation="relu")(x)
    y = layers.LSTM(5, **gates)(y)
    y = layers.GRU(4, reset_after=False, **gates)(y)
    y = layers.SimpleRNN(3, return_sequences=True)(y)
    z = layers.Dense(3)(x)
    merged = layers.Concatenate()([layers.Multiply()([y, z]), layers.Add()([y, z])])
    today = keras.Model(x, layers.MaxPooling1D(2)(layers.LSTM(2, recurrent_activation=gates["recurrent_activation"],
                                                              return_sequences=True, go_backwards=True)(merged)))
    described = [
        layer("InputLayer", "x", batch_input_shape=[None, 7, 3], input_dtype="float32", sparse=False),
        layer("Convolution1D", "c", nb_filter=4, filter_length=3, subsample_length=1, border_mode="same", activation="relu", bias=True),
        layer("LSTM", "l", output_dim=5, forget_bias_init="one", **cell), layer("GRU", "g", output_dim=4, **cell),
        layer("SimpleRNN", "r", output_dim=3, activation="tanh", return_sequences=True, consume_less="cpu"),
        layer("TimeDistributedDense", "z", output_dim=3, activation="linear", bias=True),
        layer("Merge", "m", mode="mul", concat_axis=-1), layer("Merge", "a", mode="sum", concat_axis=-1),
        layer("Merge", "b", mode="concat", concat_axis=-1),
        layer("LSTM", "k", output_dim=2, forget_bias_init="one", **{**cell, "go_backwards": True, "consume_less": "gpu"}),
        layer("MaxPooling1D", "y", pool_length=2, stride=2, border_mode="valid")]
    sources = {"c": "x", "l": "c", "g": "l", "r": "g", "z": "x", "m": "rz", "a": "rz", "b": "ma", "k": "b", "y": "k"}
    for part in described:
        part["name"] = part["config"]["name"]
        part["inbound_nodes"] = [[[name, 0, 0] for name in sources[part["name"]]]] if part["name"] in sources else []
    return today, {"class_name": "Model", "config": {"name": "model", "layers": described, "input_layers": [["x", 0, 0]],
                                                    "output_layers": [["y", 0, 0]]}}, [(7, 3)]


def old_weights(described, weights):
    """The weights of a layer as Keras 1 had them."""
    kind = described["class_name"]
    if kind == "Convolution1D":
        return [weights[0][:, None], weights[1]]
    if kind in ("LSTM", "GRU") and described["config"]["consume_less"] == "cpu":
        count = 4 if kind == "LSTM" else 3
        parts = [np.split(w, count, axis=-1) for w in weights]
        order = (0, 2, 1, 3) if kind == "LSTM" else range(3)  # i, c, f, o
        return [part[gate] for gate in order for part in parts]
    return weights


def write(h5py, path, today, described):
    """`described` has the layers with weights in the order of `today`."""
    layers = described["config"] if isinstance(described["config"], list) else described["config"]["layers"]
    given = [layer.get_weights() for layer in today.layers if layer.get_weights()]
    owners = [part for part in layers if part["class_name"] in (
        "Convolution2D", "BatchNormalization", "SeparableConvolution2D", "Dense", "Convolution1D", "LSTM", "GRU", "SimpleRNN",
        "TimeDistributedDense")]
    assert len(given) == len(owners)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"1.2.2"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(described).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [part["config"]["name"].encode() for part in layers]
        for part in layers:
            group.create_group(part["config"]["name"]).attrs["weight_names"] = np.zeros((0,), "S1")
        for part, weights in zip(owners, given):
            place = group[part["config"]["name"]]
            arrays = old_weights(part, weights)
            place.attrs["weight_names"] = [f"w{i}".encode() for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                place.create_dataset(f"w{i}", data=array)


MODELS = {"Keras 1 image": image_model, "Keras 1 sequence": sequence_model}
