"""Cases of single layers."""
import numpy as np

from models.keras_case import Case, layer

ACTIVATIONS = ["relu", "relu6", "leaky_relu", "elu", "selu", "softmax", "softplus", "softsign", "silu", "gelu", "celu", "glu",
               "tanh", "tanh_shrink", "hard_tanh", "hard_shrink", "sigmoid", "exponential", "hard_sigmoid", "log_sigmoid",
               "hard_silu", "linear", "mish", "log_softmax", "squareplus", "soft_shrink", "sparse_plus", "sparse_sigmoid"]
IDENTITIES = [("Dropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 0.3}), ("GaussianDropout", {"rate": 0.3}),
              ("AlphaDropout", {"rate": 0.3}), ("ActivityRegularization", {}), ("Identity", {})]

# What changes images in training only. Keras 3.15 cannot save five others (RandomBrightness, RandomColorDegeneration,
# RandomPosterization, RandomSaturation, RandomSharpness) in both formats.
AUGMENTATIONS = [("AugMix", {}), ("CutMix", {}), ("MixUp", {}), ("RandAugment", {}), ("RandomColorJitter", {}),
                 ("RandomContrast", {"factor": 0.2}), ("RandomElasticTransform", {}), ("RandomErasing", {}), ("RandomFlip", {}),
                 ("RandomGaussianBlur", {}), ("RandomGrayscale", {}), ("RandomHue", {"factor": 0.2}), ("RandomInvert", {}),
                 ("RandomPerspective", {}), ("RandomRotation", {"factor": 0.1}), ("RandomShear", {}),
                 ("RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1}), ("RandomZoom", {"height_factor": 0.1})]


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
    cases += [layer("", name, (6, 7, 3), **parameters) for name, parameters in AUGMENTATIONS]
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


def other_convolutions():
    cases = []
    images = {1: (9, 3), 2: (7, 8, 3), 3: (4, 5, 3, 2)}
    for n, shape in images.items():
        name = f"Conv{n}DTranspose"
        first = (shape[-1], *shape[:-1])
        for padding in ("valid", "same"):
            cases += [layer(f"{padding} k{kernel} s{stride}", name, shape, filters=4, kernel_size=kernel, strides=stride,
                            padding=padding) for kernel, stride in ((3, 1), (3, 2), (2, 2), (2, 3), (4, 2))]
        cases += [
            layer("first", name, first, filters=4, kernel_size=3, strides=2, data_format="channels_first", use_bias=False),
            layer("dilated", name, shape, filters=2, kernel_size=2, dilation_rate=2, padding="same"),
            layer("output padding", name, shape, filters=2, kernel_size=3, strides=2, padding="same", output_padding=1),
            layer("output padding valid", name, shape, filters=2, kernel_size=3, strides=3, output_padding=2),
        ]
    for n in (1, 2):
        shape, first = images[n], (images[n][-1], *images[n][:-1])
        for name, more in ((f"DepthwiseConv{n}D", {}), (f"SeparableConv{n}D", {"filters": 5})):
            cases += [
                layer("", name, shape, kernel_size=3, **more),
                layer("multiplier", name, shape, kernel_size=3, depth_multiplier=2, padding="same", activation="relu", **more),
                layer("stride", name, shape, kernel_size=3, strides=2, padding="same", use_bias=False, **more),
                layer("dilated", name, shape, kernel_size=2, dilation_rate=2, **more),
                layer("first", name, first, kernel_size=3, data_format="channels_first", depth_multiplier=2, **more),
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


def adapted(keras, x):
    made = keras.layers.Normalization()
    made.adapt(np.array([[[1, 2, 3], [2, 5, 1]], [[0, 7, 2], [4, 1, 1.5]]], np.float32))
    return made(x)


def normalizations():
    return [
        layer("vector", "BatchNormalization", (5,)),
        layer("image", "BatchNormalization", (4, 5, 3)),
        layer("first", "BatchNormalization", (3, 4, 5), axis=1),
        layer("middle", "BatchNormalization", (3, 4, 5), axis=2),
        layer("no scale", "BatchNormalization", (4, 3), scale=False, epsilon=0.1),
        layer("bare", "BatchNormalization", (4, 3), scale=False, center=False),
        layer("", "LayerNormalization", (4, 6)),
        layer("axis", "LayerNormalization", (4, 6), axis=1),
        layer("axes", "LayerNormalization", (4, 6, 3), axis=[2, 3], epsilon=0.1),
        layer("all", "LayerNormalization", (4, 6, 3), axis=[1, 2, 3]),
        layer("bare", "LayerNormalization", (4, 6), scale=False, center=False),
        layer("", "RMSNormalization", (4, 6)),
        layer("", "GroupNormalization", (4, 5, 6), groups=3),
        layer("instance", "GroupNormalization", (4, 5, 6), groups=-1, scale=False),
        layer("layer", "GroupNormalization", (4, 6), groups=1, center=False),
        layer("first", "GroupNormalization", (6, 4, 5), groups=2, axis=1),
        layer("", "UnitNormalization", (4, 6)),
        layer("axes", "UnitNormalization", (4, 6, 2), axis=[1, 2]),
        layer("", "Rescaling", (4, 6), scale=0.25, offset=-1.0),
        layer("channels", "Rescaling", (4, 3), scale=[1.0, 2.0, 3.0], offset=[0.5, 0.25, 0.0]),
        layer("bytes", "Rescaling", (4, 6), scale=1 / 255, case_dtypes=["uint8"], case_high=255),
        layer("given", "Normalization", (4, 3), mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], axis=-1),
        layer("scalar", "Normalization", (4, 3), mean=1.0, variance=4.0, axis=None),
        layer("inverted", "Normalization", (4, 3), mean=1.0, variance=4.0, axis=None, invert=True),
        Case("Normalization adapted", adapted, [(4, 3)]),
    ]


def movements():
    return [
        layer("", "Flatten", (3, 4)),
        layer("first", "Flatten", (3, 4, 2), data_format="channels_first"),
        layer("", "Reshape", (6, 4), target_shape=(3, 8)),
        layer("rest", "Reshape", (6, 4), target_shape=(-1, 2, 2)),
        layer("", "Permute", (3, 4, 5), dims=(3, 1, 2)),
        layer("", "RepeatVector", (5,), n=3),
        layer("", "ZeroPadding1D", (5, 2), padding=(1, 2)),
        layer("", "ZeroPadding2D", (5, 4, 2), padding=((1, 0), (2, 3))),
        layer("first", "ZeroPadding2D", (2, 5, 4), padding=1, data_format="channels_first"),
        layer("", "ZeroPadding3D", (3, 4, 5, 2), padding=((1, 2), (0, 1), (1, 1))),
        layer("", "Cropping1D", (5, 2), cropping=(1, 2)),
        layer("", "Cropping2D", (5, 6, 2), cropping=((1, 0), (2, 3))),
        layer("first", "Cropping2D", (2, 5, 4), cropping=1, data_format="channels_first"),
        layer("", "Cropping3D", (4, 4, 5, 2), cropping=((1, 2), (0, 1), (1, 1))),
        layer("", "UpSampling1D", (4, 2), size=3),
        layer("", "UpSampling2D", (4, 3, 2), size=(2, 3)),
        layer("bilinear", "UpSampling2D", (4, 3, 2), size=2, interpolation="bilinear"),
        layer("bicubic", "UpSampling2D", (5, 6, 2), size=2, interpolation="bicubic"),
        layer("first", "UpSampling2D", (2, 4, 3), size=2, data_format="channels_first"),
        layer("", "UpSampling3D", (2, 3, 4, 2), size=(2, 1, 3)),
        layer("", "Resizing", (5, 6, 2), height=7, width=9),
        layer("smaller", "Resizing", (9, 8, 2), height=4, width=5),
        layer("nearest", "Resizing", (5, 6, 2), height=8, width=3, interpolation="nearest"),
        layer("", "CenterCrop", (7, 8, 2), height=4, width=3),
    ]


def merges():
    cases = [layer("", name, (4, 3), (4, 3)) for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum",
                                                         "Concatenate")]
    cases += [layer("three", name, (4, 3), (4, 3), (4, 3)) for name in ("Add", "Multiply", "Average", "Maximum")]
    cases += [
        layer("ranks", "Add", (4, 3), (3,)),
        layer("broadcast", "Multiply", (4, 3), (1, 3)),
        layer("axis", "Concatenate", (4, 3), (2, 3), axis=1),
        layer("vectors", "Dot", (5,), (5,), axes=1),
        layer("cosine", "Dot", (5,), (5,), axes=-1, normalize=True),
        layer("matrices", "Dot", (4, 5), (5, 3), axes=(2, 1)),
        layer("same axis", "Dot", (4, 5), (3, 5), axes=2),
        layer("first axis", "Dot", (4, 5), (4, 3), axes=(1, 1)),
        layer("vector", "Dot", (5,), (5, 3), axes=1),
        layer("", "Embedding", (6,), input_dim=9, output_dim=4, case_dtypes=["int32"], case_high=8),
        layer("floats", "Embedding", (6,), input_dim=9, output_dim=4, case_low=0, case_high=8),
        layer("", "Masking", (4, 3), mask_value=0.0),
    ]
    return cases


def adaptive_pools():
    cases = []
    for n, shape in ((1, (9, 3)), (2, (9, 7, 3)), (3, (5, 4, 6, 2))):
        for kind, size in (("Average", 3), ("Max", 4), ("Average", 12 if n == 1 else 5), ("Max", 1)):
            cases += [layer(f"{size}", f"Adaptive{kind}Pooling{n}D", shape, output_size=size),
                      layer(f"{size} first", f"Adaptive{kind}Pooling{n}D", (shape[-1], *shape[:-1]), output_size=size,
                            data_format="channels_first")]
    return cases


def recurrent():
    cases, x = [], (5, 4)
    for name in ("LSTM", "GRU", "SimpleRNN"):
        cases += [
            layer("", name, x, units=3),
            layer("sequences", name, x, units=3, return_sequences=True),
            layer("backwards", name, x, units=3, return_sequences=True, go_backwards=True),
            layer("backwards last", name, x, units=3, go_backwards=True, use_bias=False),
            layer("states", name, x, units=3, return_sequences=True, return_state=True),
            layer("activations", name, x, units=3, activation="relu",
                  **({} if name == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"})),
            Case(f"{name} initial", with_states(name), [x, (3,), (3,)][:3 if name == "LSTM" else 2]),
        ]
        for mode in ("concat", "sum", "mul", "ave", None):
            cases.append(Case(f"Bidirectional {name} {mode}", both_ways(name, merge_mode=mode), [x]))
        cases += [Case(f"Bidirectional {name} sequences", both_ways(name, return_sequences=True), [x]),
                  Case(f"Bidirectional {name} states", both_ways(name, return_sequences=True, return_state=True), [x])]
    cases += [
        layer("reset before", "GRU", x, units=3, reset_after=False),
        layer("reset before sequences", "GRU", x, units=3, reset_after=False, return_sequences=True, use_bias=False),
        Case("Bidirectional other", other_backward, [x]),
        Case("TimeDistributed dense", lambda keras, y: keras.layers.TimeDistributed(keras.layers.Dense(3))(y), [x]),
        Case("TimeDistributed conv", lambda keras, y: keras.layers.TimeDistributed(
            keras.layers.Conv2D(3, 3, activation="relu"))(y), [(3, 6, 5, 2)]),
        Case("TimeDistributed model", lambda keras, y: keras.layers.TimeDistributed(
            keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dense(2)]))(y), [x]),
        Case("TimeDistributed flatten", lambda keras, y: keras.layers.TimeDistributed(keras.layers.Flatten())(y),
             [(3, 2, 5)]),
    ]
    return cases


def with_states(name):
    def build(keras, x, *states):
        states = list(states) if len(states) > 1 else states[0]
        return getattr(keras.layers, name)(3, return_sequences=True)(x, initial_state=states)
    return build


def both_ways(name, merge_mode="concat", **parameters):
    def build(keras, x):
        return keras.layers.Bidirectional(getattr(keras.layers, name)(3, **parameters), merge_mode=merge_mode)(x)
    return build


def other_backward(keras, x):
    return keras.layers.Bidirectional(keras.layers.LSTM(3), backward_layer=keras.layers.GRU(3, go_backwards=True))(x)


def attention():
    def multi_head(**parameters):
        call = {key: parameters.pop(key) for key in list(parameters) if key in ("use_causal_mask", "return_attention_scores")}
        return lambda keras, q, v, *k: keras.layers.MultiHeadAttention(**parameters)(q, v, *k, **call)

    x, y, z = (5, 6), (4, 6), (4, 6)
    return [
        layer("", "Attention", x, y),
        layer("key", "Attention", x, y, z, use_scale=True),
        layer("concat", "Attention", x, y, score_mode="concat", use_scale=True),
        layer("causal", "Attention", x, x, call={"use_causal_mask": True}),
        layer("", "AdditiveAttention", x, y),
        layer("no scale", "AdditiveAttention", x, y, z, use_scale=False),
        Case("MultiHeadAttention", multi_head(num_heads=2, key_dim=3), [x, y]),
        Case("MultiHeadAttention key", multi_head(num_heads=2, key_dim=3, output_shape=5), [x, (4, 3), (4, 2)]),
        Case("MultiHeadAttention no bias", multi_head(num_heads=3, key_dim=2, use_bias=False), [x, y]),
        Case("MultiHeadAttention causal", multi_head(num_heads=2, key_dim=3, use_causal_mask=True), [x, x]),
        Case("MultiHeadAttention scores", multi_head(num_heads=2, key_dim=3, return_attention_scores=True), [x, y]),
        Case("MultiHeadAttention causal scores", multi_head(num_heads=2, key_dim=3, use_causal_mask=True, return_attention_scores=True), [x, x]),
        Case("MultiHeadAttention given masks", lambda keras, q, v, k, m, n: keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)(
            q, v, k, value_mask=m, key_mask=n), [x, y, z, (4,), (4,)], dtypes=["float32"] * 3 + ["bool"] * 2),
        layer("", "EinsumDense", (4, 6), equation="abc,cd->abd", output_shape=(None, 5), bias_axes="d"),
        layer("heads", "EinsumDense", (4, 6), equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"),
        layer("two sums", "EinsumDense", (4, 2, 3), equation="abcd,cde->abe", output_shape=(None, 5)),
        layer("turned", "EinsumDense", (4, 6), equation="abc,cde->adbe", output_shape=(2, None, 3), bias_axes="d"),
        layer("dots", "EinsumDense", (4, 6), equation="...x,xy->...y", output_shape=5, bias_axes="y", activation="relu"),
    ]


def groups():
    def group(**parameters):
        call = {key: parameters.pop(key) for key in list(parameters) if key == "use_causal_mask"}
        return lambda keras, q, v, *k: keras.layers.GroupQueryAttention(**parameters)(q, v, *k, **call)

    x, y = (5, 6), (4, 6)
    heads = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
    return [
        Case("GroupQueryAttention", group(**heads), [x, y]),
        Case("GroupQueryAttention given masks", lambda keras, q, v, m: keras.layers.GroupQueryAttention(**heads)(
            q, v, value_mask=m), [x, y, (4,)], dtypes=["float32"] * 2 + ["bool"]),
        Case("GroupQueryAttention key", group(**heads, use_bias=False), [x, y, y]),
        Case("GroupQueryAttention causal", group(**heads, use_causal_mask=True), [x, x]),
        Case("GroupQueryAttention one", group(head_dim=2, num_query_heads=3, num_key_value_heads=1), [x, y]),
        Case("GroupQueryAttention window", group(**heads, sliding_window=2), [x, x]),
    ]


def categories():
    """Numbers as categories, and categories as rows."""
    def reversible(keras, y, x, **parameters):
        made = keras.layers.ReversibleEmbedding(7, 4, **parameters)
        return [made(y), made(x, reverse=True)]

    bins = [-1.0, 0.0, 0.5, 1.25]
    cases = [layer(mode, "Discretization", (6,), bin_boundaries=bins, output_mode=mode) for mode in ("int", "one_hot", "multi_hot",
                                                                                                   "count")]
    cases += [layer("images", "Discretization", (3, 2), bin_boundaries=bins)]
    for mode in ("one_hot", "multi_hot", "count"):
        cases += [layer(f"{mode} {shape}", "CategoryEncoding", shape, num_tokens=6, output_mode=mode, case_dtypes=["int32"],
                        case_high=5.9) for shape in ((4,), (1,), (3, 2))]
    cases += [Case("ReversibleEmbedding", reversible, [(5,), (5, 4)], dtypes=["int32"]),
              Case("ReversibleEmbedding two", lambda keras, y, x: reversible(keras, y, x, tie_weights=False,
                                                                           logit_soft_cap=3.0), [(5,), (5, 4)],
                   dtypes=["int32"])]
    for name, parameters in (("Dense", {"units": 4}), ("Conv2D", {"filters": 3, "kernel_size": 2})):
        cases.append(Case(f"SpectralNormalization {name}", lambda keras, y, name=name, parameters=parameters: (
            keras.layers.SpectralNormalization(getattr(keras.layers, name)(**parameters)))(y), [(5, 6, 3)]))
    return cases


def models():
    def nested(keras, x):
        inner = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.BatchNormalization(),
                                  keras.layers.Dense(3)])
        return inner(x)

    def shared(keras, x, y):
        dense = keras.layers.Dense(4)
        return [dense(x), dense(y)]

    def nested_result(keras, x, y):
        inner = keras.Input((5,))
        model = keras.Model(inner, keras.layers.Dense(4, activation="tanh")(inner))
        first, second = model(x), model(y)
        return [first, keras.layers.Dense(3)(second)]

    return [Case("nested", nested, [(5,)]), Case("shared", shared, [(5,), (5,)]),
            Case("nested result", nested_result, [(5,), (5,)])]


def signals():
    modes = ["log", "magnitude", "psd", "real", "imag", "angle", "stft"]
    cases = [layer(mode, "STFTSpectrogram", (60, 2), mode=mode, frame_length=16, frame_step=5, fft_length=32) for mode in modes]
    for form in ("channels_first", "channels_last"):
        for image in (False, True):
            cases.append(layer(f"{form} {image}", "STFTSpectrogram", (70, 3) if form == "channels_last" else (3, 70), mode="magnitude",
                               frame_length=20, data_format=form, expand_dims=image, padding="same"))
    cases += [
        layer("", "MelSpectrogram", (400,), fft_length=64, sequence_stride=16, num_mel_bins=10),
        layer("short frames", "MelSpectrogram", (500,), fft_length=128, sequence_stride=40, sequence_length=81, num_mel_bins=12,
              sampling_rate=8000, min_freq=100.0, max_freq=3000.0, window="hamming"),
        layer("powers", "MelSpectrogram", (300,), fft_length=64, sequence_stride=32, num_mel_bins=8, power_to_db=False),
        layer("magnitudes", "MelSpectrogram", (300,), fft_length=64, sequence_stride=32, num_mel_bins=8, power_to_db=False, mag_exp=1.0),
        layer("exponent", "MelSpectrogram", (300,), fft_length=50, sequence_stride=20, num_mel_bins=8, mag_exp=1.7, ref_power=2.0,
              top_db=30.0, window=None),
    ]
    return cases


def applications():
    """Layers that networks of keras.applications have of their own."""
    def scale(keras, x, y):
        from keras.src.applications.convnext import LayerScale, StochasticDepth
        from keras.src.applications.inception_resnet_v2 import CustomScaleLayer
        return CustomScaleLayer(0.3)([x, StochasticDepth(0.2)(LayerScale(1.0, 3)(y))])

    return [Case("applications", scale, [(4, 3), (4, 3)])]


def make_all():
    return (applications() + activations() + identities() + dense() + convolutions() + other_convolutions() + pools() + normalizations() +
            movements() + merges() + adaptive_pools() + recurrent() + attention() + groups() + categories() + signals() + models())
