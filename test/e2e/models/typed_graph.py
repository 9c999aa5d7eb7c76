"""Random ONNX graphs of values of several element types: integer arithmetic, comparisons, casts, gathers and scatters,
sorting, shapes computed at run time, extents that data decide, branches and loops, between layers of random_graph.py.

What jumps (a comparison, a cast to integers, an index of the largest) is only applied to values that every right
implementation gives bit for bit: inputs, constants, integers, and what moves or chooses among them."""
import numpy as np
from onnx import numpy_helper

from models.controlled_graph import TYPES, ControlledGraph, Typed
from models.random_graph import MOST_ELEMENTS

# What ONNX Runtime computes with.
NUMBERS = ["int32", "int64", "float32", "float64"]
COMPARISONS = ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"]


class TypedGraph(ControlledGraph):
    """make() gives (model, inputs)."""

    def __init__(self, seed):
        super().__init__(seed)
        self.typed = []  # beside self.values, which are all of f32
        common = [self.arithmetic, self.arithmetic, self.compare, self.choose, self.cast, self.move, self.move]
        self.typed_layers = common + [
            self.logic, self.bitwise, self.shift, self.divide, self.integer_unary, self.round, self.reduce_exact, self.arg,
            self.top_k, self.cumulate, self.gather_elements, self.gather_nd, self.scatter_elements, self.scatter_nd,
            self.one_hot, self.triangle, self.expand, self.reshape_at_run_time, self.slice_at_run_time, self.pad_integers,
            self.select, self.select, self.branch, self.loop, self.scan, self.range, self.reverse, self.einsum]

    # Values.

    def constant(self, array, name=None):
        """Numbers stay of rank 0."""
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.require(array, requirements="C"), name))
        return name

    def exact(self, dtypes=None, least_rank=0):
        """Some exact value, or None."""
        found = [v for v in self.typed if v.exact and (dtypes is None or v.dtype in dtypes) and v.rank >= least_rank]
        return self.pick(found[-6:] if self.chance(0.6) else found) if found else None

    def push(self, op, inputs, shape, dtype, exact=True, most=0, **attributes):
        name = self.node(op, *inputs, **attributes)
        return self.keep(Typed(name, shape, dtype, exact, most))

    def keep(self, value):
        self.typed.append(value)
        if value.dtype == "float32":
            self.values.append(value)
        return True

    def typed_constant(self, dtype, shape, most=9):
        """A constant that is nowhere 0."""
        numbers = self.rng.integers(1, most + 1, shape)
        if not dtype.startswith("u"):
            numbers = numbers * self.rng.choice([-1, 1], shape)
        return self.constant(numbers.astype(dtype))

    def fits(self, dtype, most):
        limits = {"int8": 127, "uint8": 255, "int32": 2**31 - 1, "int64": 2**60, "uint32": 2**32 - 1}
        return most <= limits.get(dtype, most)

    # Layers, each of exact values of its own choice; False where there are none.

    def arithmetic(self):
        x = self.exact(NUMBERS)
        if not x:
            return False
        op = self.pick(["Add", "Sub", "Mul", "Max", "Min"])
        others = [v for v in self.typed if v.dtype == x.dtype and v.shape == x.shape and v.exact]
        if self.chance(0.5):
            other, most = self.pick(others).name, max(v.most for v in others)
        else:
            other, most = self.typed_constant(x.dtype, self.broadcast_shape(x.shape)), 9
        bound = x.most * most if op == "Mul" else x.most + most
        if x.is_integer and not self.fits(x.dtype, bound):
            return False
        return self.push(op, [x.name, other], x.shape, x.dtype, x.is_integer or op in ("Max", "Min"), bound)

    def divide(self):
        x = self.exact(["int32", "int64"])
        if not x:
            return False
        if self.chance(0.5):
            return self.push("Div", [x.name, self.typed_constant(x.dtype, self.broadcast_shape(x.shape))], x.shape, x.dtype,
                             most=x.most)
        return self.push("Mod", [x.name, self.typed_constant(x.dtype, self.broadcast_shape(x.shape))], x.shape, x.dtype,
                         most=9, fmod=self.number(0, 1))

    def compare(self):
        x = self.exact(NUMBERS)
        if not x:
            return False
        others = [v.name for v in self.typed if v.dtype == x.dtype and v.shape == x.shape and v.exact]
        other = self.pick(others) if self.chance(0.5) else self.typed_constant(x.dtype, self.broadcast_shape(x.shape), 2)
        return self.push(self.pick(COMPARISONS), [x.name, other], x.shape, "bool")

    def logic(self):
        x = self.exact(["bool"])
        if not x:
            return False
        others = [v.name for v in self.typed if v.dtype == "bool" and v.shape == x.shape]
        if self.chance(0.3):
            return self.push("Not", [x.name], x.shape, "bool")
        return self.push(self.pick(["And", "Or", "Xor"]), [x.name, self.pick(others)], x.shape, "bool")

    def choose(self):
        """Also among values that are not exact: the condition is."""
        condition = self.exact(["bool"])
        if not condition:
            return False
        found = [v for v in self.typed if v.shape == condition.shape and v.dtype in NUMBERS + ["uint8"]]
        if not found:
            return False
        x = self.pick(found)
        other = self.typed_constant(x.dtype, self.broadcast_shape(x.shape))
        operands = [x.name, other] if self.chance(0.5) else [other, x.name]
        return self.push("Where", [condition.name] + operands, x.shape, x.dtype, x.exact, max(x.most, 9))

    def cast(self):
        x = self.exact()
        if not x:
            return False
        to = self.pick(list(TYPES))
        if x.dtype.startswith("float") and to not in ("float32", "float64", "bool", "int32", "int64"):
            return False
        most = 1 if x.dtype == "bool" else x.most
        if not self.fits(to, most) or (to.startswith("u") and not x.dtype.startswith(("u", "bool"))):
            return False
        return self.push("Cast", [x.name], x.shape, to, most=most if to != "bool" else 1, to=TYPES[to])

    def bitwise(self):
        x = self.exact(["int32", "int64", "uint8"])
        if not x:
            return False
        if self.chance(0.3):
            return self.push("BitwiseNot", [x.name], x.shape, x.dtype, most=255 if x.dtype == "uint8" else x.most + 1)
        other = self.typed_constant(x.dtype, self.broadcast_shape(x.shape))
        most = 255 if x.dtype == "uint8" else 2 * x.most + 32
        return self.push(self.pick(["BitwiseAnd", "BitwiseOr", "BitwiseXor"]), [x.name, other], x.shape, x.dtype, most=most)

    def shift(self):
        x = self.exact(["uint8", "uint32"])
        if not x:
            return False
        return self.push("BitShift", [x.name, self.typed_constant(x.dtype, self.broadcast_shape(x.shape), 4)], x.shape, x.dtype,
                         most=255 if x.dtype == "uint8" else 2**32 - 1, direction=self.pick(["LEFT", "RIGHT"]))

    def integer_unary(self):
        x = self.exact(["int32", "int64", "float32", "int8"])
        return x and self.push(self.pick(["Abs", "Neg", "Sign"]), [x.name], x.shape, x.dtype, most=max(x.most, 1))

    def round(self):
        x = self.exact(["float32", "float64"])
        return x and self.push(self.pick(["Round", "Floor", "Ceil"]), [x.name], x.shape, x.dtype, most=x.most + 1)

    def reduce_exact(self):
        x = self.exact(["int32", "int64", "float32"], 1)
        if not x or min(x.shape) < 1:
            return False
        axis, keep = self.number(-x.rank, x.rank - 1), self.number(0, 1)
        op = self.pick(["ReduceMax", "ReduceMin"] + (["ReduceSum"] if x.is_integer else []))
        most = x.most * x.shape[axis] if op == "ReduceSum" else x.most
        return self.fits(x.dtype, most) and self.push(
            op, [x.name, self.ints([axis])], self.without(x.shape, axis, keep), x.dtype, most=most, keepdims=keep)

    @staticmethod
    def without(shape, axis, keep):
        shape = list(shape)
        axis %= len(shape)
        shape[axis:axis + 1] = [1] if keep else []
        return shape

    def arg(self):
        x = self.exact(["int32", "float32"], 1)
        if not x or min(x.shape) < 1:
            return False
        axis, keep = self.number(-x.rank, x.rank - 1), self.number(0, 1)
        return self.push(self.pick(["ArgMax", "ArgMin"]), [x.name], self.without(x.shape, axis, keep), "int64",
                         most=x.shape[axis], axis=axis, keepdims=keep, select_last_index=self.number(0, 1))

    def top_k(self):
        x = self.exact(["int32", "int64", "float32"], 1)
        if not x or min(x.shape) < 1:
            return False
        axis = self.number(-x.rank, x.rank - 1)
        count = self.number(1, x.shape[axis])
        shape = list(x.shape)
        shape[axis] = count
        values, indices = self.node("TopK", x.name, self.ints([count]), outputs=2, axis=axis, largest=self.number(0, 1))
        self.keep(Typed(indices, shape, "int64", most=x.shape[axis]))
        return self.keep(Typed(values, shape, x.dtype, most=x.most))

    def cumulate(self):
        x = self.exact(["int32", "int64"], 1)
        if not x:
            return False
        axis = self.number(-x.rank, x.rank - 1)
        most = x.most * max(1, x.shape[axis])
        return self.fits(x.dtype, most) and self.push(
            "CumSum", [x.name, self.constant(np.int64(axis))], x.shape, x.dtype, most=most, exclusive=self.number(0, 1),
            reverse=self.number(0, 1))

    def any_value(self, least_rank=0):
        """Some value of numbers, exact or not."""
        found = [v for v in self.typed if v.rank >= least_rank and v.dtype in NUMBERS + ["bool", "uint8"]]
        return self.pick(found) if found else None

    def like(self, x, name, shape, most=0):
        return self.keep(Typed(name, shape, x.dtype, x.exact, max(x.most, most)))

    def move(self):
        x = self.any_value(1)
        if not x:
            return False
        kind = self.pick(["Transpose", "Flip", "Concat", "Unsqueeze", "Tile", "Flatten", "Identity", "Split"])
        if kind == "Transpose":
            order = [int(i) for i in self.rng.permutation(x.rank)]
            return self.like(x, self.node(kind, x.name, perm=order), [x.shape[i] for i in order])
        axis = self.number(0, x.rank - 1)
        if kind == "Flip":
            big = 2**31 - 1
            return self.like(x, self.node("Slice", x.name, self.ints([-1]), self.ints([-big]), self.ints([axis]),
                                          self.ints([-1])), x.shape)
        if kind == "Concat":
            others = [v for v in self.typed if v.dtype == x.dtype and v.rank == x.rank and
                      v.shape[:axis] + v.shape[axis + 1:] == x.shape[:axis] + x.shape[axis + 1:]]
            other = self.pick(others)
            shape = list(x.shape)
            shape[axis] += other.shape[axis]
            name = self.node(kind, x.name, other.name, axis=axis)
            return self.keep(Typed(name, shape, x.dtype, x.exact and other.exact, max(x.most, other.most)))
        if kind == "Unsqueeze":
            return x.rank < 5 and self.like(x, self.node(kind, x.name, self.ints([axis])), x.shape[:axis] + [1] + x.shape[axis:])
        if kind == "Tile":
            repeats = [self.pick([1, 1, 2]) for _ in x.shape]
            return self.like(x, self.node(kind, x.name, self.ints(repeats)), [e * r for e, r in zip(x.shape, repeats)])
        if kind == "Flatten":
            shape = [int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:]))]
            return self.like(x, self.node(kind, x.name, axis=axis), shape)
        if kind == "Split" and x.shape[axis] > 1:
            first = self.number(1, x.shape[axis] - 1)
            sizes = [first, x.shape[axis] - first]
            for name, size in zip(self.node(kind, x.name, self.ints(sizes), outputs=2, axis=axis), sizes):
                self.like(x, name, x.shape[:axis] + [size] + x.shape[axis + 1:])
            return True
        return self.like(x, self.node("Identity", x.name), x.shape)

    def indices_below(self, limit, shape):
        """Indices from -limit to limit - 1: constants, or made of a value."""
        found = [v for v in self.typed if v.dtype == "int64" and v.exact and v.shape == list(shape)]
        if found and self.chance(0.6):
            return self.node("Mod", self.pick(found).name, self.constant(np.int64(limit)))
        return self.constant(self.rng.integers(-limit, limit, shape))

    def gather_elements(self):
        x = self.any_value(1)
        if not x or min(x.shape) < 1:
            return False
        axis = self.number(0, x.rank - 1)
        shape = [self.number(1, 4) if i == axis else self.number(1, e) for i, e in enumerate(x.shape)]
        shape = x.shape if self.chance(0.5) else shape
        return self.like(x, self.node("GatherElements", x.name, self.indices_below(x.shape[axis], shape), axis=axis), shape)

    def gather_nd(self):
        x = self.any_value(1)
        if not x or min(x.shape) < 1:
            return False
        length = self.number(1, x.rank)
        lead = [self.number(1, 4) for _ in range(self.number(0, 2))]
        tuples = np.stack([self.rng.integers(-e, e, lead) for e in x.shape[:length]], -1).astype(np.int64)
        return self.like(x, self.node("GatherND", x.name, self.constant(tuples)), lead + x.shape[length:])

    def scatter_elements(self):
        x = self.exact(NUMBERS, 1)
        if not x or min(x.shape) < 1:
            return False
        axis = self.number(0, x.rank - 1)
        reduction = self.pick(["none", "add", "max", "min"])
        if reduction == "add" and not (x.is_integer and self.fits(x.dtype, x.most + 9 * x.shape[axis])):
            return False
        order = np.argsort(self.rng.random(x.shape), axis=axis).astype(np.int64)  # each place once
        indices = self.constant(order) if reduction == "none" else self.indices_below(x.shape[axis], x.shape)
        updates = self.typed_constant(x.dtype, x.shape)
        return self.push("ScatterElements", [x.name, indices, updates], x.shape, x.dtype,
                         most=x.most + 9 * x.shape[axis], axis=axis, reduction=reduction)

    def scatter_nd(self):
        x = self.any_value(1)
        if not x or min(x.shape) < 1 or x.dtype == "bool":
            return False
        count = self.number(1, x.shape[0])
        places = self.rng.permutation(x.shape[0])[:count].astype(np.int64)[:, None]
        updates = self.typed_constant(x.dtype, [count] + x.shape[1:])
        return self.like(x, self.node("ScatterND", x.name, self.constant(places), updates), x.shape, 9)

    def one_hot(self):
        x = self.exact(["int64"], 1)
        if not x or x.rank > 4 or x.most > 2**20:
            return False
        depth = self.number(1, 7)
        indices = self.node("Mod", x.name, self.constant(np.int64(depth)))
        axis = self.number(-1, x.rank)
        shape = list(x.shape)
        shape.insert(axis if axis >= 0 else x.rank, depth)
        return self.push("OneHot", [indices, self.constant(np.int64(depth)), self.constant(np.array([-1, 2], np.float32))],
                         shape, "float32", most=2, axis=axis)

    def triangle(self):
        x = self.any_value(2)
        if not x or x.dtype not in NUMBERS:
            return False
        return self.like(x, self.node("Trilu", x.name, self.constant(np.int64(self.number(-2, 2))), upper=self.number(0, 1)),
                         x.shape)

    def einsum(self):
        found = [v for v in self.values if v.rank == 3 and max(v.shape) <= 40]
        if not found:
            return False
        x = self.pick(found)
        y = self.normal([x.shape[2], 5], max(1, x.shape[2]) ** -0.5)
        equation, shape = self.pick([("abc,cd->abd", x.shape[:2] + [5]), ("abc,cd->dba", [5, x.shape[1], x.shape[0]]),
                                     ("abc,cd->ad", [x.shape[0], 5])])
        return self.push("Einsum", [x.name, y], shape, "float32", False, equation=equation)

    # Shapes that a run computes, and extents that data decide.

    def shape_of(self, x):
        return self.node("Shape", x.name)

    def expand(self):
        x = self.any_value()
        if not x:
            return False
        target = self.pick([v for v in self.typed if v.rank >= x.rank])
        like = [v for v in self.typed if v.rank >= x.rank and
                all(a in (1, b) for a, b in zip(x.shape[::-1], v.shape[::-1])) and all(v.shape)]
        target = self.pick(like) if like else target
        if target not in like:
            return False
        return self.like(x, self.node("Expand", x.name, self.shape_of(target)), target.shape)

    def reshape_at_run_time(self):
        """Two neighbours become one, their extent is multiplied at run time."""
        x = self.any_value(2)
        if not x:
            return False
        axis, shape = self.number(0, x.rank - 2), self.shape_of(x)
        part = [self.node("Slice", shape, self.ints([a]), self.ints([b])) for a, b in
                ((0, axis), (axis, axis + 1), (axis + 1, axis + 2), (axis + 2, x.rank))]
        whole = self.node("Concat", part[0], self.node("Mul", part[1], part[2]), part[3], axis=0)
        merged = x.shape[:axis] + [x.shape[axis] * x.shape[axis + 1]] + x.shape[axis + 2:]
        return self.like(x, self.node("Reshape", x.name, whole, allowzero=1), merged)

    def slice_at_run_time(self):
        """The first half of an axis, or its second."""
        x = self.any_value(1)
        if not x:
            return False
        axis = self.number(0, x.rank - 1)
        extent = self.node("Gather", self.shape_of(x), self.ints([axis]), axis=0)
        half, none = self.node("Div", extent, self.ints([2])), self.ints([0])
        first = self.chance(0.5)
        size = x.shape[axis] // 2 if first else x.shape[axis] - x.shape[axis] // 2
        name = self.node("Slice", x.name, *([none, half] if first else [half, extent]), self.ints([axis]))
        return self.like(x, name, x.shape[:axis] + [size] + x.shape[axis + 1:])

    def pad_integers(self):
        x = self.exact(["int32", "int64", "uint8"], 1)
        if not x:
            return False
        pads = [self.number(0, 2) for _ in range(2 * x.rank)]
        shape = [e + a + b for e, a, b in zip(x.shape, pads[:x.rank], pads[x.rank:])]
        return self.push("Pad", [x.name, self.ints(pads), self.constant(np.array(3, x.dtype))], shape, x.dtype,
                         most=max(x.most, 3), mode="constant")

    def select(self):
        """Extents that data decide; these are outputs at once, as their shapes are not known here."""
        x = self.exact(["int32", "int64", "float32"], 1)
        if not x:
            return False
        kind = self.pick(["NonZero", "Compress"] + (["Unique"] if x.dtype != "int32" else []))
        if kind == "NonZero":
            name, dtype = self.node(kind, x.name), "int64"
            if self.chance(0.5):
                name, dtype = self.node("GatherND", x.name, self.node("Transpose", name, perm=[1, 0])), x.dtype
        elif kind == "Compress":
            condition = [v for v in self.typed if v.dtype == "bool" and v.rank == 1 and v.shape[0] == int(np.prod(x.shape))]
            chosen = self.pick(condition).name if condition else \
                self.node("Reshape", self.node("Greater", x.name, self.typed_constant(x.dtype, [], 2)), self.ints([-1]))
            name, dtype = self.node(kind, x.name, chosen), x.dtype
        else:
            name, dtype = self.node(kind, x.name), x.dtype
        if dtype in ("int32", "float32") and self.chance(0.5) and kind != "Unique":
            name = self.node(self.pick(["Abs", "Neg"]), name)
        self.chosen.append((name, dtype))
        return True

    def range(self):
        x = self.any_value(1)
        if not x:
            return False
        axis, start, step = self.number(0, x.rank - 1), self.number(-3, 3), self.pick([1, 2, 3])
        limit = self.node("Squeeze", self.node("Slice", self.shape_of(x), self.ints([axis]), self.ints([axis + 1])))
        return self.push("Range", [self.constant(np.int64(start)), limit, self.constant(np.int64(step))],
                         [len(range(start, x.shape[axis], step))], "int64", most=max(3, x.shape[axis]))

    def reverse(self):
        found = [v for v in self.typed if v.rank >= 2 and v.dtype in NUMBERS and v.shape[0] >= 1 and v.shape[1] >= 1]
        if not found:
            return False
        x = self.pick(found)
        lengths = self.rng.integers(1, x.shape[0] + 1, x.shape[1]).astype(np.int64)
        return self.like(x, self.node("ReverseSequence", x.name, self.constant(lengths), batch_axis=1, time_axis=0), x.shape)

    # The whole.

    def try_layer(self, layer):
        before = [len(values) for values in (self.nodes, self.weights, self.values, self.typed, self.chosen)]
        fits = layer()
        if not fits or any(np.prod(v.shape) > MOST_ELEMENTS or v.rank > 6 for v in self.values[before[2]:] + self.typed[before[3]:]):
            for values, count in zip((self.nodes, self.weights, self.values, self.typed, self.chosen), before):
                del values[count:]

    def make(self, layers, symbolic):
        """A model of about `layers` layers; `symbolic` is how many of each input's extents are known at run time only."""
        rank = self.pick([1, 2, 3, 3, 4])
        shape = [self.pick([1, 2, 3, 4, 5, 7, 8, 16, 17]) for _ in range(rank)]
        inputs, data = {}, []
        for i, dtype in enumerate(["float32", self.pick(["int32", "int64"]), self.pick(list(TYPES))]):
            own = shape if i < 2 or self.chance(0.5) else shape[::-1]
            numbers = self.rng.integers(0, 2 if dtype == "bool" else 10, own)
            if not dtype.startswith(("u", "bool")):
                numbers = numbers - 4
            array = self.rng.standard_normal(own) if dtype.startswith("float") else numbers
            data.append(array.astype(dtype))
            names = [f"d{shape.index(e)}" if own is shape and axis < symbolic else f"e{i}_{axis}" if axis < symbolic else e
                     for axis, e in enumerate(own)]
            inputs[f"x{i}"] = (TYPES[dtype], names)
            self.keep(Typed(f"x{i}", own, dtype, most=9))
        self.chosen = []
        for _ in range(20 * layers):
            if len(self.typed) > layers + 3:
                break
            if self.chance(0.25):
                x = self.pick(self.values)
                self.try_layer(lambda: self.pick(self.layers)(x))
            else:
                self.try_layer(self.pick(self.typed_layers))
            self.values, seen = [v if isinstance(v, Typed) else Typed(v.name, v.shape, "float32", False) for v in self.values], \
                {v.name for v in self.typed}
            self.typed += [v for v in self.values if v.name not in seen]
        used = {name for node in self.nodes for name in node.input}
        outputs = {v.name: (TYPES[v.dtype], [None] * v.rank if symbolic else v.shape)
                   for v in [v for v in self.typed if v.name not in used and not v.name.startswith("x")][-6:]}
        for name, dtype in self.chosen[:4]:
            outputs[name] = (TYPES[dtype], None)
        return self.model("typed", inputs, outputs, opset=18), data
