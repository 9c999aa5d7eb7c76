"""Cases of layers RNN with cells, of masks, and of LSTMs over images."""
import itertools

from models.keras_case import Case

CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell")


def cell(keras, name, units=3, **parameters):
    return getattr(keras.layers, name)(units, **parameters)


def cells():
    x = (5, 4)

    def single(name, wrap=None, **parameters):
        def build(keras, y):
            made = keras.layers.RNN(cell(keras, name), **parameters)
            return (wrap(keras, made) if wrap else made)(y)
        return build

    def stacked(names, **parameters):
        def build(keras, y):
            inner = [cell(keras, name, units=3 + i) for i, name in enumerate(names)]
            return keras.layers.RNN(keras.layers.StackedRNNCells(inner), **parameters)(y)
        return build

    def both(keras, made):
        return keras.layers.Bidirectional(made)

    cases = []
    for name in CELLS:
        cases += [Case(f"RNN {name}", single(name), [x]),
                  Case(f"RNN {name} sequences", single(name, return_sequences=True, go_backwards=True), [x]),
                  Case(f"RNN {name} states", single(name, return_sequences=True, return_state=True), [x]),
                  Case(f"Bidirectional RNN {name}", single(name, both, return_sequences=True), [x])]
    for names in (("LSTMCell", "GRUCell"), ("SimpleRNNCell", "LSTMCell", "LSTMCell")):
        title = "StackedRNNCells " + " ".join(names)
        cases += [Case(title, stacked(names), [x]), Case(title + " sequences", stacked(names, return_sequences=True), [x]),
                  Case(title + " backwards", stacked(names, return_sequences=True, go_backwards=True), [x])]
    return cases


def masks():
    """Integers from 0 to 2 of which 0 does not count; rows of which all elements are 0 or 1."""
    def embedded(keras, y):
        return keras.layers.Embedding(5, 4, mask_zero=True)(y)

    def masked(keras, y):
        # 0 and 1 from numbers of which half are below 0, so that some steps are only zeros.
        return keras.layers.Masking(mask_value=0.0)(keras.layers.ReLU(max_value=1.0)(y))

    def recurrent(source, name, wrap=None, before=None, **parameters):
        def build(keras, y):
            value = source(keras, y)
            if before:
                value = before(keras, value)
            layer = getattr(keras.layers, name)(3, **parameters)
            return (wrap(keras, layer) if wrap else layer)(value)
        return build

    ids, cases = (7,), []
    options = {"dtypes": ["int32"], "low": 0.0, "high": 3.0}
    for name in ("LSTM", "GRU", "SimpleRNN"):
        for sequences, backwards in itertools.product((False, True), repeat=2):
            cases.append(Case(f"mask {name} {sequences} {backwards}", recurrent(
                embedded, name, return_sequences=sequences, go_backwards=backwards), [ids], **options))
        cases += [
            Case(f"Masking {name}", recurrent(masked, name, return_sequences=True), [(9, 1)]),
            Case(f"mask {name} zeros", recurrent(embedded, name, return_sequences=True, zero_output_for_mask=True), [ids],
                 **options),
            Case(f"mask {name} states", recurrent(embedded, name, return_sequences=True, return_state=True), [ids], **options),
            Case(f"mask Bidirectional {name}", recurrent(embedded, name, wrap=lambda keras, layer: keras.layers.Bidirectional(
                layer), return_sequences=True), [ids], **options),
            Case(f"mask Bidirectional {name} last", recurrent(embedded, name, wrap=lambda keras, layer: (
                keras.layers.Bidirectional(layer))), [ids], **options),
            Case(f"mask through layers {name}", recurrent(embedded, name, before=lambda keras, value: keras.layers.Dropout(0.2)(
                keras.layers.TimeDistributed(keras.layers.Dense(4))(keras.layers.Dense(3, activation="relu")(value)))), [ids],
                 **options),
        ]
    cases += [
        Case("mask GRU reset before", recurrent(embedded, "GRU", reset_after=False, return_sequences=True), [ids], **options),
        Case("mask twice", lambda keras, y: keras.layers.LSTM(2)(keras.layers.GRU(3, return_sequences=True)(embedded(keras, y))),
             [ids], **options),
        Case("mask of a sum", lambda keras, y, z: keras.layers.LSTM(2)(keras.layers.Add()([
            embedded(keras, y), embedded(keras, z)])), [ids, ids], dtypes=["int32", "int32"], low=0.0, high=3.0),
        Case("mask dropped by a sum", lambda keras, y, z: keras.layers.LSTM(2)(keras.layers.Add()([embedded(keras, y), z])),
             [ids, (7, 4)], dtypes=["int32"], low=0.0, high=3.0),
        Case("mask given", lambda keras, y, m: keras.layers.LSTM(2, return_sequences=True)(y, mask=m), [(5, 3), (5,)],
             dtypes=["float32", "bool"], formats=("keras",)),
        Case("mask average", lambda keras, y: keras.layers.GlobalAveragePooling1D()(embedded(keras, y)), [ids],
             dtypes=["int32"], low=1.0, high=3.0),
        Case("mask average first", lambda keras, y: keras.layers.GlobalAveragePooling1D(keepdims=True)(masked(keras, y)),
             [(30, 1)]),
    ]
    return cases


def masked_layers():
    """Masks through layers that combine several inputs."""
    ids = (7,)

    def embedded(keras, y):
        return keras.layers.Embedding(5, 4, mask_zero=True)(y)

    def case(name, build, shapes=(ids, ids), dtypes=("int32", "int32"), **options):
        return Case("masked " + name, build, list(shapes), dtypes=list(dtypes), low=0.0, high=3.0, formats=("keras",), **options)

    def merge(name, plain=False, **parameters):
        def build(keras, y, z):
            first, second = embedded(keras, y), z if plain else embedded(keras, z)
            merged = getattr(keras.layers, name)(**parameters)([first, second])
            return [merged, keras.layers.LSTM(2)(merged)]
        return build

    def attend(name, scores=False, call=None, **parameters):
        def build(keras, y, z):
            made = getattr(keras.layers, name)(**parameters)
            inputs = (embedded(keras, y), embedded(keras, z))
            result = made(*inputs, **(call or {})) if "Head" in name or "Group" in name else made(list(inputs), **(call or {}))
            return [result, keras.layers.LSTM(2)(result)]
        return build

    def softmax(keras, y, m):
        return keras.layers.Softmax()(y, mask=m)

    def given(keras, y, z, m):
        return keras.layers.MultiHeadAttention(2, 3)(y, z, attention_mask=m)

    cases = []
    for name in ("Multiply", "Maximum", "Minimum", "Concatenate"):
        cases += [case(name, merge(name)),
                  case(name + " plain", merge(name, plain=True), (ids, (7, 4)), ("int32", "float32"))]
    cases += [
        case("Concatenate time", merge("Concatenate", axis=1)),
        case("Concatenate time plain", merge("Concatenate", plain=True, axis=1), (ids, (3, 4)), ("int32", "float32")),
        case("Attention", attend("Attention")),
        case("Attention causal", attend("Attention", call={"use_causal_mask": True})),
        case("AdditiveAttention", attend("AdditiveAttention")),
        case("MultiHeadAttention", attend("MultiHeadAttention", num_heads=2, key_dim=3)),
        case("MultiHeadAttention dropout", attend("MultiHeadAttention", num_heads=2, key_dim=3, dropout=0.3)),
        case("MultiHeadAttention causal", attend("MultiHeadAttention", num_heads=2, key_dim=3, call={"use_causal_mask": True})),
        case("GroupQueryAttention", attend("GroupQueryAttention", head_dim=3, num_query_heads=4, num_key_value_heads=2)),
        Case("masked Softmax", softmax, [(5, 6), (5, 6)], dtypes=["float32", "bool"], formats=("keras",)),
        Case("masked Softmax rows", softmax, [(5, 6), (1, 6)], dtypes=["float32", "bool"], formats=("keras",)),
        Case("masked MultiHeadAttention given", given, [(5, 6), (4, 6), (5, 4)], dtypes=["float32", "float32", "bool"],
             formats=("keras",)),
    ]
    return cases


def images():
    cases = []
    for n, shape in ((1, (3, 8, 2)), (2, (3, 6, 5, 2)), (3, (2, 4, 5, 3, 2))):
        def build(keras, y, n=n, **parameters):
            return getattr(keras.layers, f"ConvLSTM{n}D")(3, 2 if n == 3 else 3, **parameters)(y)

        for title, parameters in (("", {}), ("same", {"padding": "same", "return_sequences": True}),
                                  ("stride", {"strides": 2, "use_bias": False}),
                                  ("backwards", {"return_sequences": True, "go_backwards": True, "padding": "same"}),
                                  ("states", {"return_state": True, "recurrent_activation": "hard_sigmoid"})):
            cases.append(Case(f"ConvLSTM{n}D {title}".strip(), lambda keras, y, build=build, parameters=parameters: build(
                keras, y, **parameters), [shape]))
    return cases


def make_all():
    return cells() + masks() + masked_layers() + images()
