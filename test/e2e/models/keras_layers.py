"""Cases of single layers."""
from models.keras_case import Case, layer

ACTIVATIONS = ["relu", "relu6", "leaky_relu", "elu", "selu", "softmax", "softplus", "softsign", "silu", "gelu", "celu", "glu",
               "tanh", "tanh_shrink", "hard_tanh", "hard_shrink", "sigmoid", "exponential", "hard_sigmoid", "log_sigmoid",
               "hard_silu", "linear", "mish", "log_softmax", "squareplus", "soft_shrink", "sparse_plus", "sparse_sigmoid"]
IDENTITIES = [("Dropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 0.3}), ("GaussianDropout", {"rate": 0.3}),
              ("AlphaDropout", {"rate": 0.3}), ("ActivityRegularization", {}), ("Identity", {})]


def activations():
    cases = [layer(name, "Activation", (6,), activation=name, case_low=-4, case_high=4) for name in ACTIVATIONS]
    cases += [layer("dense " + name, "Dense", (6,), units=4, activation=name) for name in ("relu", "softmax", "gelu")]
    cases += [
        layer("plain", "ReLU", (5, 3)),
        layer("max", "ReLU", (5, 3), max_value=1.0),
        layer("slope", "ReLU", (5, 3), negative_slope=0.2, max_value=1.5),
        layer("threshold", "ReLU", (5, 3), negative_slope=0.2, threshold=0.5, max_value=1.5),
        layer("", "LeakyReLU", (5, 3), negative_slope=0.1),
        layer("default", "LeakyReLU", (5, 3)),
        layer("", "ELU", (5, 3), alpha=0.7),
        layer("", "PReLU", (4, 5, 3)),
        layer("shared", "PReLU", (4, 5, 3), shared_axes=[1, 2]),
        layer("", "Softmax", (5, 3)),
        layer("axis", "Softmax", (5, 3), axis=1),
    ]
    return cases


def identities():
    cases = [layer("", name, (5, 3), **parameters) for name, parameters in IDENTITIES]
    cases += [layer("", f"SpatialDropout{n}D", (4, 5, 6, 2)[3 - n:], rate=0.3) for n in (1, 2, 3)]
    return cases


def dense():
    return [
        layer("", "Dense", (7,), units=5),
        layer("no bias", "Dense", (7,), units=5, use_bias=False),
        layer("sequence", "Dense", (4, 7), units=5),
        layer("image", "Dense", (3, 4, 7), units=5, activation="tanh"),
    ]


def convolutions():
    cases = []
    images = {1: (9, 3), 2: (9, 8, 3), 3: (5, 6, 7, 2)}
    for n, shape in images.items():
        name = f"Conv{n}D"
        first = (shape[-1], *shape[:-1])
        cases += [
            layer("", name, shape, filters=4, kernel_size=3),
            layer("same", name, shape, filters=4, kernel_size=3, padding="same", activation="relu"),
            layer("same even", name, shape, filters=3, kernel_size=2, padding="same", use_bias=False),
            layer("same stride", name, shape, filters=4, kernel_size=3, strides=2, padding="same"),
            layer("stride", name, shape, filters=4, kernel_size=2, strides=2),
            layer("dilated", name, shape, filters=4, kernel_size=2, dilation_rate=2, padding="same"),
            layer("first", name, first, filters=4, kernel_size=3, data_format="channels_first", padding="same"),
        ]
    cases += [
        layer("causal", "Conv1D", (9, 3), filters=4, kernel_size=3, padding="causal"),
        layer("causal stride", "Conv1D", (9, 3), filters=4, kernel_size=3, strides=2, padding="causal"),
        layer("causal dilated", "Conv1D", (9, 3), filters=4, kernel_size=3, dilation_rate=2, padding="causal"),
        layer("groups", "Conv2D", (6, 6, 4), filters=6, kernel_size=3, groups=2),
        layer("mixed", "Conv2D", (9, 8, 3), filters=4, kernel_size=(3, 2), strides=(2, 1), padding="same"),
    ]
    return cases


def pools():
    cases = []
    images = {1: (9, 3), 2: (9, 7, 3), 3: (5, 6, 7, 2)}
    for n, shape in images.items():
        first = (shape[-1], *shape[:-1])
        for kind in ("Max", "Average"):
            name = f"{kind}Pooling{n}D"
            cases += [
                layer("", name, shape, pool_size=2),
                layer("same", name, shape, pool_size=3, strides=2, padding="same"),
                layer("overlap", name, shape, pool_size=3, strides=1),
                layer("first", name, first, pool_size=2, data_format="channels_first"),
            ]
        for kind in ("GlobalMax", "GlobalAverage"):
            name = f"{kind}Pooling{n}D"
            cases += [layer("", name, shape), layer("keep", name, shape, keepdims=True),
                      layer("first", name, first, data_format="channels_first")]
    return cases


def normalizations():
    return [
        layer("vector", "BatchNormalization", (5,)),
        layer("image", "BatchNormalization", (4, 5, 3)),
        layer("first", "BatchNormalization", (3, 4, 5), axis=1),
        layer("middle", "BatchNormalization", (3, 4, 5), axis=2),
        layer("no scale", "BatchNormalization", (4, 3), scale=False, epsilon=0.1),
        layer("bare", "BatchNormalization", (4, 3), scale=False, center=False),
    ]


def movements():
    return [
        layer("", "Flatten", (3, 4)),
        layer("first", "Flatten", (3, 4, 2), data_format="channels_first"),
    ]


def models():
    def nested(keras, x):
        inner = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.BatchNormalization(),
                                  keras.layers.Dense(3)])
        return inner(x)

    def shared(keras, x, y):
        dense = keras.layers.Dense(4)
        return [dense(x), dense(y)]

    return [Case("nested", nested, [(5,)]), Case("shared", shared, [(5,), (5,)])]


def make_all():
    return activations() + identities() + dense() + convolutions() + pools() + normalizations() + movements() + models()
