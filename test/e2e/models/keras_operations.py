"""Cases of operations without a layer (keras.ops, and Python's operators)."""
from models.keras_case import Case

UNARY = ["absolute", "arctan", "ceil", "cos", "cosh", "erf", "exp", "floor", "negative", "relu", "relu6", "sigmoid", "sign",
         "silu", "sin", "sinh", "softplus", "softsign", "square", "tanh", "elu", "selu", "gelu", "hard_sigmoid", "round",
         "log_sigmoid", "leaky_relu", "softmax"]
POSITIVE = ["log", "sqrt", "rsqrt", "reciprocal"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "var", "std"]


def one(name, function, *shapes, **options):
    return Case("ops " + name, lambda keras, *inputs: function(keras.ops, *inputs), list(shapes), **options)


def make_all():
    x = (4, 3)
    cases = [one(name, lambda ops, a, name=name: getattr(ops, name)(a), x) for name in UNARY]
    cases += [one(name, lambda ops, a, name=name: getattr(ops, name)(a), x, low=0.3) for name in POSITIVE]
    cases += [one(name, lambda ops, a, b, name=name: getattr(ops, name)(a, b), x, x) for name in BINARY]
    cases += [one(name, lambda ops, a, name=name: getattr(ops, name)(a, axis=1), x) for name in REDUCTIONS]
    cases += [one(name + " keep", lambda ops, a, name=name: getattr(ops, name)(a, axis=(1, 2), keepdims=True), x)
              for name in ("sum", "mean", "max")]
    cases += [
        one("numbers", lambda ops, a: (a + 1.5) * 2 - a / 4 + 3 / (a * a + 1) - (1 - a), x),
        one("power", lambda ops, a: a ** 2.5, x, low=0.2),
        one("compare", lambda ops, a, b: ops.where(a > b, a, b * 2), x, x),
        one("array", lambda ops, a: a * ops.convert_to_tensor([1.0, 2.0, 3.0]), x),
        one("clip", lambda ops, a: ops.clip(a, -0.5, 1.0), x),
        one("zeros like", lambda ops, a: ops.where(a > 0, ops.zeros_like(a), a), x),
        one("ones like", lambda ops, a: ops.ones_like(a, dtype="int32"), x),
        one("convert", lambda ops, a: ops.convert_to_tensor(a) * 2, x),
        one("cast", lambda ops, a: ops.cast(ops.cast(a, "int32"), "float32"), x),
        one("argmax", lambda ops, a: ops.cast(ops.argmax(a, axis=-1), "float32"), x),
        one("matmul", lambda ops, a, b: ops.matmul(a, b), (4, 3), (3, 5)),
        one("reshape", lambda ops, a: ops.reshape(a, (-1, 6, 2)), x),
        one("transpose", lambda ops, a: ops.transpose(a, (0, 2, 1)), x),
        one("expand", lambda ops, a: ops.expand_dims(a, 1), x),
        one("squeeze", lambda ops, a: ops.squeeze(a, 1), (1, 5)),
        one("concatenate", lambda ops, a, b: ops.concatenate([a, b], axis=-1), x, (4, 2)),
        one("stack", lambda ops, a, b: ops.stack([a, b], axis=1), x, x),
        one("tile", lambda ops, a: ops.tile(a, (1, 2, 3)), x),
        one("flip", lambda ops, a: ops.flip(a, axis=1), x),
        one("one hot", lambda ops, a: ops.one_hot(a, 5), (4,), dtypes=["int32"], high=7),
        one("slice", lambda ops, a: a[:, 1:3], x),
        one("slice step", lambda ops, a: a[:, ::-2, 1], x),
        one("slice last", lambda ops, a: a[:, -1], x),
        one("ellipsis", lambda ops, a: a[..., 1:], x),
        one("new axis", lambda ops, a: a[:, None, :, 0], x),
    ]
    return cases
