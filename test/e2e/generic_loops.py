"""convert-linalg-to-vector against numpy: random shapes, maps, types and bodies, static and dynamic, per target."""
import argparse
import sys

import numpy as np

from host_cpu import choose_targets
from mlir_function import TARGETS, call, compile_function, memref_type

TYPES = {"float32": "f32", "float64": "f64", "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8"}
DIMS = "abcdef"


def affine_map(loops, results):
    return f"affine_map<({', '.join(f'd{i}' for i in range(loops))}) -> ({', '.join(results)})>"


def random_array(rng, shape, dtype="float32"):
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(-40, 40, shape).astype(dtype)


def random_extents(rng, loops):
    pool = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64]
    extents = [int(rng.choice(pool)) for _ in range(loops)]
    while np.prod(extents, dtype=int) > 60000:
        extents[int(np.argmax(extents))] //= 2
    if loops and rng.integers(25) == 0:
        extents[rng.integers(loops)] = 0
    return extents


def generic(name, arrays, maps, iterators, body, outputs=1, dynamic=()):
    """Text of a function with one linalg.generic over memref arguments; `body` is the block's text."""
    types = [memref_type(a, range(a.ndim) if i in dynamic else ()) for i, a in enumerate(arrays)]
    ins, outs = list(range(len(arrays) - outputs)), list(range(len(arrays) - outputs, len(arrays)))
    operands = lambda which: (f"({', '.join(f'%a{i}' for i in which)} : {', '.join(types[i] for i in which)})")
    arguments = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types))
    block = ", ".join(f"%x{i}: {TYPES[a.dtype.name]}" for i, a in enumerate(arrays))
    iterator_text = ", ".join(f'"{i}"' for i in iterators)
    return (f"func.func @{name}({arguments}) attributes {{llvm.emit_c_interface}} {{\n"
            f"  linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{iterator_text}]}}"
            f"{' ins' + operands(ins) if ins else ''} outs{operands(outs)} {{\n  ^bb0({block}):\n{body}  }}\n  return\n}}\n")


def in_loop_space(array, dims, loops):
    """Transposes an operand that has loops `dims` (None: an axis of extent one) to all loops."""
    kept = [i for i, d in enumerate(dims) if d is not None]
    array = array.reshape([array.shape[i] for i in kept])
    dims = [dims[i] for i in kept]
    order = sorted(range(len(dims)), key=lambda i: dims[i])
    array = array.transpose(order)
    return array.reshape([array.shape[sorted(dims).index(d)] if d in dims else 1 for d in range(loops)])


def random_dims(rng, loops, whole):
    dims = list(rng.permutation(loops)) if rng.integers(3) == 0 else list(range(loops))
    if not whole:
        dims = [None if rng.integers(8) == 0 else d for d in dims if rng.integers(4)]
    return [None if d is None else int(d) for d in dims]


def map_of(dims, loops):
    return affine_map(loops, ["0" if d is None else f"d{d}" for d in dims])


def shape_of(dims, extents):
    return [1 if d is None else extents[d] for d in dims]


def elementwise_case(rng, name):
    loops = int(rng.integers(0, 5))
    extents = random_extents(rng, loops)
    dims = [random_dims(rng, loops, rng.integers(2)) for _ in range(2)] + [random_dims(rng, loops, True)]
    dtype = str(rng.choice(["float32", "float32", "float64", "int64", "int8"]))
    arrays = [random_array(rng, shape_of(d, extents), dtype) for d in dims]
    t, f = TYPES[dtype], "f" if dtype.startswith("float") else "i"
    body = f"    %s = arith.sub{f} %x0, %x1 : {t}\n    %p = arith.mul{f} %s, %x0 : {t}\n    linalg.yield %p : {t}\n"
    x, y = (in_loop_space(a, d, loops) for a, d in zip(arrays[:2], dims))
    with np.errstate(all="ignore"):
        expected = np.broadcast_to((x - y) * x, extents).transpose(dims[2])
    dynamic = [i for i in range(3) if rng.integers(3) == 0]
    text = generic(name, arrays, [map_of(d, loops) for d in dims], ["parallel"] * loops, body, dynamic=dynamic)
    return text, arrays, [expected]


def cast_case(rng, name):
    loops = int(rng.integers(1, 4))
    extents = random_extents(rng, loops)
    source, target = [("float32", "int64"), ("int8", "float32"), ("int64", "int32"), ("float64", "float32")][rng.integers(4)]
    op = {"float32int64": "fptosi", "int8float32": "sitofp", "int64int32": "trunci", "float64float32": "truncf"}[source + target]
    arrays = [random_array(rng, extents, source), random_array(rng, extents, target)]
    body = f"    %r = arith.{op} %x0 : {TYPES[source]} to {TYPES[target]}\n    linalg.yield %r : {TYPES[target]}\n"
    maps = [map_of(list(range(loops)), loops)] * 2
    dynamic = [0, 1] if rng.integers(2) else []
    return generic(name, arrays, maps, ["parallel"] * loops, body, dynamic=dynamic), arrays, [arrays[0].astype(target)]


def compare_case(rng, name):
    extents = random_extents(rng, 2)
    arrays = [random_array(rng, extents), random_array(rng, extents[1:]), np.zeros(extents, np.int8)]
    body = ("    %c = arith.cmpf olt, %x0, %x1 : f32\n    %r = arith.extui %c : i1 to i8\n    linalg.yield %r : i8\n")
    maps = [map_of([0, 1], 2), map_of([1], 2), map_of([0, 1], 2)]
    return generic(name, arrays, maps, ["parallel"] * 2, body), arrays, [(arrays[0] < arrays[1]).astype(np.int8)]


def transpose_case(rng, name):
    loops = int(rng.integers(2, 5))
    extents = random_extents(rng, loops)
    order = [int(i) for i in rng.permutation(loops)]
    dtype = str(rng.choice(["float32", "float32", "int64", "int8", "float64", "int32"]))
    arrays = [random_array(rng, [extents[i] for i in order], dtype), random_array(rng, extents[-1:], dtype),
              random_array(rng, extents, dtype)]
    t = TYPES[dtype]
    add = "addf" if dtype.startswith("float") else "addi"
    body = f"    %r = arith.{add} %x0, %x1 : {t}\n    linalg.yield %r : {t}\n"
    expected = (arrays[0].transpose(np.argsort(order)) + arrays[1]).astype(dtype)
    dynamic = [0, 2] if rng.integers(3) == 0 else []
    maps = [map_of(order, loops), map_of([loops - 1], loops), map_of(list(range(loops)), loops)]
    return generic(name, arrays, maps, ["parallel"] * loops, body, dynamic=dynamic), arrays, [expected]


def reduction_case(rng, name):
    loops = int(rng.integers(1, 5))
    extents = random_extents(rng, loops)
    reduced = [bool(rng.integers(2)) for _ in range(loops)]
    kept = [i for i in range(loops) if not reduced[i]]
    dims = [random_dims(rng, loops, True), random_dims(rng, loops, False), kept]
    combine, numpy_op = [("addf", np.sum), ("maximumf", np.max), ("argument", None)][rng.integers(3)]
    arrays = [random_array(rng, shape_of(d, extents)) for d in dims]
    x, y = (in_loop_space(a, d, loops) for a, d in zip(arrays[:2], dims))
    product = np.broadcast_to(x * y, extents)
    axes = tuple(i for i in range(loops) if reduced[i])
    old = arrays[2]
    body = "    %p = arith.mulf %x0, %x1 : f32\n"
    if combine == "addf":
        body += "    %r = arith.addf %x2, %p : f32\n"
        expected = old + product.astype(np.float64).sum(axes)
    elif combine == "maximumf":
        body += "    %r = arith.maximumf %p, %x2 : f32\n"
        expected = np.maximum(old, product.max(axes, initial=-np.inf))
    else:  # an accumulation that is no plain combiner
        body += "    %c = arith.cmpf ogt, %p, %x2 : f32\n    %r = arith.select %c, %p, %x2 : f32\n"
        expected = np.maximum(old, product.max(axes, initial=-np.inf))
    body += "    linalg.yield %r : f32\n"
    dynamic = [i for i in range(3) if rng.integers(3) == 0]
    iterators = ["reduction" if r else "parallel" for r in reduced]
    return generic(name, arrays, [map_of(d, loops) for d in dims], iterators, body, dynamic=dynamic), arrays, [expected]


def arg_max_case(rng, name):
    rows, columns = random_extents(rng, 2)
    inner = bool(rng.integers(2))
    arrays = [random_array(rng, [rows, columns]), np.full(rows if inner else columns, -1e30, np.float32),
              np.full(rows if inner else columns, -1, np.int64)]
    kept, reduced = (0, 1) if inner else (1, 0)
    body = (f"    %i = linalg.index {reduced} : index\n    %n = arith.index_cast %i : index to i64\n"
            "    %c = arith.cmpf ogt, %x0, %x1 : f32\n    %v = arith.select %c, %x0, %x1 : f32\n"
            "    %j = arith.select %c, %n, %x2 : i64\n    linalg.yield %v, %j : f32, i64\n")
    maps = [map_of([0, 1], 2), map_of([kept], 2), map_of([kept], 2)]
    iterators = ["parallel", "reduction"] if inner else ["reduction", "parallel"]
    if arrays[0].shape[reduced] == 0:
        return generic(name, arrays, maps, iterators, body, 2), arrays, [arrays[1].copy(), arrays[2].copy()]
    return (generic(name, arrays, maps, iterators, body, 2, dynamic=[0, 1, 2] if rng.integers(2) else []), arrays,
            [arrays[0].max(reduced), arrays[0].argmax(reduced)])


def gather_case(rng, name):
    rows, count, width = (max(1, e) for e in random_extents(rng, 3))
    axis = int(rng.integers(2))
    data = random_array(rng, [rows, width] if axis == 0 else [width, rows])
    indices = rng.integers(0, rows, count).astype(np.int64)
    out = random_array(rng, [count, width] if axis == 0 else [width, count])
    arrays = [data, indices, out]
    types = [memref_type(a, range(a.ndim) if rng.integers(3) == 0 else ()) for a in arrays]
    which, at = ("%i", "%n, %j") if axis == 0 else ("%j", "%i, %n")
    text = (f"func.func @{name}(%data: {types[0]}, %indices: {types[1]}, %out: {types[2]}) attributes {{llvm.emit_c_interface}} {{\n"
            f"  linalg.generic {{indexing_maps = [{map_of([0, 1], 2)}], iterator_types = [\"parallel\", \"parallel\"]}}"
            f" outs(%out : {types[2]}) {{\n  ^bb0(%x: f32):\n"
            "    %i = linalg.index 0 : index\n    %j = linalg.index 1 : index\n"
            f"    %m = memref.load %indices[{which}] : {types[1]}\n    %n = arith.index_cast %m : i64 to index\n"
            f"    %r = memref.load %data[{at}] : {types[0]}\n    linalg.yield %r : f32\n  }}\n  return\n}}\n")
    return text, arrays, [np.take(data, indices, axis)]


def index_case(rng, name):
    """Reversal, a triangle, and a broadcast known at run time only."""
    rows, columns = (max(1, e) for e in random_extents(rng, 2))
    data, row = random_array(rng, [rows, columns]), random_array(rng, [columns if rng.integers(2) else 1])
    out = random_array(rng, [rows, columns])
    kind = int(rng.integers(3))
    body = ("    %i = linalg.index 0 : index\n    %j = linalg.index 1 : index\n    %c1 = arith.constant 1 : index\n"
            "    %c0 = arith.constant 0 : index\n    %zero = arith.constant 0.0 : f32\n")
    if kind == 0:
        body += (f"    %w = memref.dim %data, %c1 : memref<?x?xf32>\n    %last = arith.subi %w, %c1 : index\n"
                 "    %k = arith.subi %last, %j : index\n    %r = memref.load %data[%i, %k] : memref<?x?xf32>\n")
        expected = data[:, ::-1]
    elif kind == 1:
        body += ("    %keep = arith.cmpi sge, %j, %i : index\n    %d = memref.load %data[%i, %j] : memref<?x?xf32>\n"
                 "    %r = arith.select %keep, %d, %zero : f32\n")
        expected = np.triu(data)
    else:
        body += ("    %w = memref.dim %row, %c0 : memref<?xf32>\n    %one = arith.cmpi eq, %w, %c1 : index\n"
                 "    %k = arith.select %one, %c0, %j : index\n    %d = memref.load %row[%k] : memref<?xf32>\n"
                 "    %e = memref.load %data[%i, %j] : memref<?x?xf32>\n    %r = arith.addf %d, %e : f32\n")
        expected = data + row
    out_type = memref_type(out, (0, 1) if rng.integers(2) else ())
    text = (f"func.func @{name}(%data: memref<?x?xf32>, %row: memref<?xf32>, %out: {out_type}) attributes {{llvm.emit_c_interface}} {{\n"
            f"  linalg.generic {{indexing_maps = [{map_of([0, 1], 2)}], iterator_types = [\"parallel\", \"parallel\"]}}"
            f" outs(%out : {out_type}) {{\n  ^bb0(%x: f32):\n{body}    linalg.yield %r : f32\n  }}\n  return\n}}\n")
    return text, [data, row, out], [expected]


def division_case(rng, name):
    """Quotients and remainders of integers of all sizes, among them those around powers of two, toward zero."""
    dtype, unsigned = str(rng.choice(["int8", "int16", "int32", "int64", "int64"])), bool(rng.integers(2))
    bits, rows, columns = np.iinfo(dtype).bits, *(max(1, e) for e in random_extents(rng, 2))
    def draw(*shape):
        near = (np.int64(1) << rng.integers(0, bits, shape).astype(np.int64)) + rng.integers(-2, 3, shape)
        near = np.where(rng.integers(0, 2, shape), near, -near)
        anything = rng.integers(-2 ** 63, 2 ** 63 - 1, shape) >> rng.integers(64 - bits, 64, shape)
        return np.where(rng.integers(0, 2, shape), near, anything).astype(dtype)
    x, y = draw(rows, columns), draw(*([rows, columns] if rng.integers(2) else [rows]))
    y = np.where((y == 0) | ((y == -1) & (not unsigned)), 1, y).astype(dtype)
    of = lambda a: [int(v) & (2 ** bits - 1 if unsigned else -1) for v in a.ravel()]
    pairs = list(zip(of(x), of(np.broadcast_to(y if y.ndim == 2 else y[:, None], x.shape))))
    quotients = [abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1) for a, b in pairs]
    remainders = [a - q * b for (a, b), q in zip(pairs, quotients)]
    wrap = lambda values: np.array([v & (2 ** 64 - 1) for v in values], np.uint64).astype(dtype).reshape(x.shape)
    t, u = TYPES[dtype], "u" if unsigned else "s"
    body = f"    %q = arith.div{u}i %x0, %x1 : {t}\n    %r = arith.rem{u}i %x0, %x1 : {t}\n    linalg.yield %q, %r : {t}, {t}\n"
    maps = [map_of([0, 1], 2), map_of([0, 1] if y.ndim == 2 else [0], 2), map_of([0, 1], 2), map_of([0, 1], 2)]
    arrays = [x, y, np.zeros_like(x), np.zeros_like(x)]
    return generic(name, arrays, maps, ["parallel"] * 2, body, 2), arrays, [wrap(quotients), wrap(remainders)]


def copy_case(rng, name):
    """A strided piece of one buffer into a piece of another."""
    loops = int(rng.integers(1, 4))
    extents = [max(1, e) for e in random_extents(rng, loops)]
    sides = []
    for _ in range(2):
        offsets = [int(rng.integers(0, 4)) for _ in extents]
        strides = [int(rng.integers(1, 3)) if rng.integers(4) == 0 else 1 for _ in extents]
        shape = [o + (e - 1) * s + 1 + int(rng.integers(0, 3)) for o, e, s in zip(offsets, extents, strides)]
        sides.append((offsets, strides, random_array(rng, shape)))
    text = [f"func.func @{name}(%a: {memref_type(sides[0][2])}, %b: {memref_type(sides[1][2])}) attributes {{llvm.emit_c_interface}} {{\n"]
    types = []
    for side, (offsets, strides, array) in zip("ab", sides):
        steps = [int(np.prod(array.shape[i + 1:], dtype=int)) for i in range(loops)]
        layout = ", ".join(str(a * b) for a, b in zip(steps, strides))
        types.append(f"memref<{'x'.join(map(str, extents))}xf32, strided<[{layout}], offset: {sum(o * s for o, s in zip(offsets, steps))}>>")
        text.append(f"  %{side}s = memref.subview %{side}{offsets} {extents} {strides} : {memref_type(array)} to {types[-1]}\n")
    text.append(f"  memref.copy %as, %bs : {types[0]} to {types[1]}\n  return\n}}\n")
    piece = lambda side: tuple(slice(o, o + (e - 1) * s + 1, s) for o, e, s in zip(side[0], extents, side[1]))
    expected = sides[1][2].copy()
    expected[piece(sides[1])] = sides[0][2][piece(sides[0])]
    return "".join(text), [sides[0][2], sides[1][2]], [expected]


def fill_case(rng, name):
    array = random_array(rng, random_extents(rng, int(rng.integers(0, 4))))
    t = memref_type(array, range(array.ndim) if rng.integers(2) else ())
    text = (f"func.func @{name}(%a: {t}) attributes {{llvm.emit_c_interface}} {{\n  %c = arith.constant 2.5 : f32\n"
            f"  linalg.fill ins(%c : f32) outs(%a : {t})\n  return\n}}\n")
    return text, [array], [np.full_like(array, 2.5)]


def stencil_case(rng, name):
    """An input index that is a sum of multiples of loops."""
    stride, width, extent = int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(1, 40))
    arrays = [random_array(rng, [(extent - 1) * stride + width]), random_array(rng, [width]), random_array(rng, [extent])]
    body = "    %p = arith.mulf %x0, %x1 : f32\n    %r = arith.addf %p, %x2 : f32\n    linalg.yield %r : f32\n"
    maps = [affine_map(2, [f"d0 * {stride} + d1"]), affine_map(2, ["d1"]), affine_map(2, ["d0"])]
    expected = arrays[2] + sum(arrays[1][k] * arrays[0][k:k + (extent - 1) * stride + 1:stride] for k in range(width))
    return generic(name, arrays, maps, ["parallel", "reduction"], body), arrays, [expected]


CASES = [elementwise_case, elementwise_case, cast_case, compare_case, transpose_case, transpose_case, reduction_case,
         reduction_case, arg_max_case, gather_case, index_case, division_case,
         division_case, copy_case, fill_case, stencil_case]


def run_target(target, seed, count):
    rng = np.random.default_rng(seed)
    makers = [make for _ in range(count) for make in CASES]
    cases = {f"case{i}": (make.__name__, *make(rng, f"case{i}")) for i, make in enumerate(makers)}
    text = "".join(case[1] for case in cases.values())
    library = compile_function(text, "func.func(convert-linalg-to-vector)", target)
    failed = 0
    for name, (kind, text, arrays, expected) in cases.items():
        call(library, name, *arrays)
        for array, wanted in zip(arrays[-len(expected):], expected):
            scale = max(1.0, float(np.max(np.abs(wanted.astype(np.float64)), initial=0)))
            good = np.allclose(array, wanted, rtol=1e-5, atol=1e-5 * scale) if array.dtype.kind == "f" else (array == wanted).all()
            if not good:
                print(f"FAIL {target} {kind}:\n{text}")
                failed += 1
                break
    return len(cases) - failed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=8, help="per kind and target")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    passed = failed = 0
    targets, skipped = choose_targets(TARGETS, len(CASES) * arguments.cases)
    for target in targets:
        good, bad = run_target(target, arguments.seed, arguments.cases)
        passed, failed = passed + good, failed + bad
    print(f"generic loops: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
